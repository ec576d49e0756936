"""The console's voice: tuned on the shop's own words, heard beside what writes now, promoted or not."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Response, make_response, render_template, request

from api.pages.answers import see_other, tell
from api.pages.frame import page
from api.pages.studio import voice_report
from api.runtime import runtime
from api.voices import earlier
from generative import voice_runs
from generative.copy import voices
from generative.copy.voices import VoiceInfo
from generative.errors import CorruptVoice, VoiceRunInProgress
from generative.voice_runs import VoiceRun
from recsys.database import reading, writing

RUNS_SHOWN = 8
_STAGES = {
    "": "Waiting for a worker",
    "waiting": "Waiting for a worker",
    "starting": "A worker has taken it",
    "reading": "Reading what it is to learn",
    "teaching": "A larger model writes what is worth learning",
    "training": "Training",
    "baseline": "Training the LSTM beside it",
    "listening": "Hearing it on products that it has not seen",
    "publishing": "Publishing",
    "promoting": "Putting it live",
}
_ENDS = {
    "done": "Finished: the voice is live",
    "refused": "Finished: the voice was not good enough and stays aside",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
_TITLES = {"held_out": "Loss on products it has not seen", "train": "Loss on what it learns"}


def show() -> Response:
    with reading(runtime().engine) as session:
        runs = voice_runs.recent(session, RUNS_SHOWN)
        approved = len(voice_runs.approved(session, 1_000))
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
        approved=f"{approved:,}",
        teacher=Path(config.voice_teacher).name,
    )


def train() -> Response:
    try:
        with writing(runtime().engine) as session:
            run_id = voice_runs.start(session, trigger="console", now=datetime.now(UTC))
    except VoiceRunInProgress:
        tell("A voice is being trained already; there is one at a time.", "warn")
        return see_other("console.voice")
    if not runtime().bell.voice(run_id):
        tell("The run is kept. The queue is away; it starts when the queue is back.", "warn")
    return see_other("console.voice")


def watch(run_id: str) -> Response:
    """One run alone, for the page that shows it to fetch again."""
    with reading(runtime().engine) as session:
        run = voice_runs.get(session, run_id)
    answer = make_response(render_template("console/_voice_run_fragment.html", run=_run(run)))
    if not run.active:
        answer.headers["HX-Refresh"] = "true"  # voices and earlier runs have changed with it
    return answer


def cancel(run_id: str) -> Response:
    with writing(runtime().engine) as session:
        run = voice_runs.cancel(session, run_id, now=datetime.now(UTC))
    tell("The run stops at its next step." if run.active else "The run is cancelled.")
    return see_other("console.voice")


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


def _run(run: VoiceRun) -> dict[str, Any]:
    words = _ENDS.get(run.status) or _STAGES.get(run.stage, run.stage.capitalize())
    if run.active and run.cancel_requested:
        words = "Stopping"
    verdict = run.error or (run.report.get("verdict", "") if run.status == "refused" else "")
    return {
        "run_id": run.run_id,
        "status": run.status,
        "active": bool(run.active),
        "percent": round(100 * min(max(run.progress, 0.0), 1.0)),
        "words": f"{words}: {verdict}" if verdict else words,
        "say": words,
        "plots": _plots(run.report.get("curves", {})),
        "voice": run.voice,
        **voice_report.of(run.report),
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


def _earlier(run: VoiceRun) -> dict[str, str]:
    return {
        "started": f"{run.created_at:%Y-%m-%d %H:%M} UTC",
        "trigger": run.trigger,
        "status": run.status,
        "words": run.error or run.report.get("verdict", "") or run.voice or "",
    }


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
