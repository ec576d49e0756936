"""The console's voice: tuned on the shop's own words, heard beside what writes now, promoted or not."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flask import Response, request

from api.pages import training
from api.pages.answers import see_other, tell
from api.pages.frame import page
from api.pages.studio import voice_report
from api.runtime import runtime
from api.voices import earlier, report_of
from generative.campaigning.approvals import approved
from generative.errors import CorruptVoice
from generative.voice import voices
from generative.voice.voices import VoiceInfo
from recsys.database import reading
from recsys.learning import runs as ledger
from recsys.learning.runs import Run

RUNS_SHOWN = 8
_SAID = training.SAID | {
    "reading": "Reading what it is to learn",
    "teaching": "A larger model writes what is worth learning",
    "training": "Training",
    "baseline": "Training the LSTM beside it",
    "listening": "Hearing it on products that it has not seen",
    "publishing": "Publishing",
    "promoting": "Putting it live",
    "done": "Finished: the voice is live",
    "refused": "Finished: the voice was not good enough and stays aside",
}
_TITLES = {"held_out": "Loss on products it has not seen", "train": "Loss on what it learns"}


def show() -> Response:
    with reading(runtime().engine) as session:
        runs = ledger.recent(session, RUNS_SHOWN, kind="voice")
        learned_from = len(approved(session, 1_000))
    found = voices.voices(_root())
    config = runtime().config.generative
    return page(
        "console/voice.html",
        heading="Voice",
        tab="creatives",
        run=_run(runs[0]) if runs else None,
        runs=[_earlier(one) for one in runs[1:]],
        voices=[_version(one) for one in found],
        speaking=next((one.voice_id for one in found if one.live), None),
        previous=earlier(found),
        asked="llama" in config.copy_providers,
        approved=f"{learned_from:,}",
        teacher=Path(config.voice_teacher).name,
    )


def train() -> Response:
    busy = "A voice is being trained already; there is one at a time."
    return training.start("voice", ring=runtime().bell.voice, busy=busy, page="console.voice")


def watch(run_id: str) -> Response:
    return training.watch("voice", run_id, template="console/_voice_run_fragment.html", told=_run)


def cancel(run_id: str) -> Response:
    return training.cancel("voice", run_id, page="console.voice")


def promote() -> Response:
    """Write in this voice from now on; an older one is a roll-back."""
    voice_id = request.form.get("voice_id", "")[:64]
    try:
        voices.promote(_root(), voice_id)
    except CorruptVoice as error:
        tell(f"It is not promoted: {error}", "bad")
        return see_other("console.voice")
    runtime().pulse.steering_changed()
    tell(f"{voice_id} is live: creatives are written anew in it as shoppers ask for them.")
    return see_other("console.voice")


def silence() -> Response:
    voices.silence(_root())
    runtime().pulse.steering_changed()
    tell("No voice is live: the model writes as it came.")
    return see_other("console.voice")


def _run(run: Run) -> dict[str, Any]:
    report = report_of(run)
    verdict = report.get("verdict") if run.status == "refused" else None
    return {
        **training.standing(run, _SAID, run.error or verdict),
        "plots": _plots(report.get("curves", {})),
        "voice": run.model_version,
        **voice_report.of(report),
    }


def _plots(curves: Mapping[str, Sequence[float]]) -> list[dict[str, str]]:
    return [
        {
            "title": _TITLES[name],
            "data": json.dumps([round(value, 6) for value in curves[name]]),
            "last": f"{curves[name][0]:.3f} → {curves[name][-1]:.3f}"
            if len(curves[name]) > 1
            else f"{curves[name][0]:.3f} before",
        }
        for name in _TITLES
        if curves.get(name)
    ]


def _earlier(run: Run) -> dict[str, str]:
    words = run.error or run.metrics.get("verdict") or run.model_version or ""
    return training.earlier(run, words)


def _version(info: VoiceInfo) -> dict[str, Any]:
    report = info.voice.report if info.voice else {}
    return {
        "voice_id": info.voice_id,
        "made": (info.voice.created_at if info.voice else "")[:16].replace("T", " "),
        "live": info.live,
        "problem": info.problem,
        "passed": bool(report.get("passed", True)),
        "verdict": report.get("verdict", ""),
        **voice_report.brief(report),
    }


def _root() -> Path:
    return runtime().config.generative.voices_dir
