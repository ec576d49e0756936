"""The console's privacy tab: a shopper is forgotten, and the receipt says what went."""

from datetime import UTC, datetime

from flask import Response, request

from api import users
from api.errors import Problem
from api.pages.frame import page
from api.runtime import runtime
from recsys.tables import id_problem


def show() -> Response:
    return _page([])


def forget() -> Response:
    user_id = request.form.get("user_id", "").strip()
    problem = id_problem(user_id)
    if problem:
        raise Problem(422, f"The shopper's id {problem}.")
    if request.form.get("sure") != "yes":
        raise Problem(422, "Tick that you are sure: this cannot be undone.")
    now = datetime.now(UTC)
    receipt = users.forget(runtime(), user_id, now=now)
    return _page(
        [
            ("Shopper", user_id),
            ("Forgotten at", f"{now:%Y-%m-%d %H:%M:%S} UTC"),
            ("Events deleted", f"{receipt['events_deleted']:,}"),
            ("Campaign audiences cleaned", f"{receipt['campaigns_changed']:,}"),
            ("Late events from before", "refused from now on, whoever sends them"),
            ("Model", receipt["model_note"]),
        ]
    )


def _page(receipt: list[tuple[str, str]]) -> Response:
    return page("console/privacy.html", heading="Privacy", tab="privacy", receipt=receipt)
