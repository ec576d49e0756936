"""What the data doctor found, beside the button that would train on it."""

from typing import Any

from flask import Response, make_response, render_template, request

from api.checkup import NEWEST, Report
from api.pages.frame import page
from api.runtime import Runtime, runtime
from recsys.behaviour.doctor import Level
from recsys.database import looking

_WORDS = {
    Level.PASS: "The data looks sound.",
    Level.WARN: "A model can learn from this, but look at what is below.",
    Level.FAIL: "Mend this before the next training.",
}


def show() -> Response:
    """The findings alone for the models page to put in, or a page of their own without scripts."""
    shown = _shown(checked(runtime(), fresh="fresh" in request.args))
    if "HX-Request" in request.headers:
        return make_response(render_template("console/_checks.html", checks=shown))
    return page("console/checks.html", heading="Data check", tab="models", checks=shown)


def checked(here: Runtime, *, fresh: bool) -> Report:
    with looking(here.engine) as reader:
        shelf = here.fresh_shelf(reader)
    return here.checkup.look(here.engine, shelf, fresh=fresh)


def _shown(report: Report) -> dict[str, Any]:
    told = sorted(report.findings, key=lambda one: list(Level).index(one.level), reverse=True)
    which = f"{report.events:,} events" if report.whole else f"the newest {NEWEST:,} events"
    return {
        "worst": report.worst.value,
        "words": _WORDS[report.worst],
        "when": f"{which}, {report.checked_at:%Y-%m-%d %H:%M} UTC",
        "faults": [
            {
                "level": one.level.value,
                "name": one.name.capitalize(),
                "message": one.message,
                "rows": ", ".join(one.rows),
                "more": max(one.count - len(one.rows), 0),
            }
            for one in told
            if one.level is not Level.PASS
        ],
        "passed": [(one.name, one.message) for one in told if one.level is Level.PASS],
    }
