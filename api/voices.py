"""The shop's voice over HTTP: trained on its own words, promoted, gone back from, silenced.

As with models: a run is a committed row before any worker is rung for it, and every process follows
the live voice by itself.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from api import auth, parsing
from api.admin import start_run
from api.errors import Problem
from api.keys import Role
from api.present import run_json
from api.runtime import Runtime, runtime
from api.schemas import PageQuery, StartedOut
from generative.voice import voices
from generative.voice.voices import VoiceInfo
from recsys.database import reading, writing
from recsys.learning import runs as ledger
from recsys.learning.runs import Run

blueprint = APIBlueprint("voices", __name__, tag="Creatives", url_prefix="/voices")
blueprint.before_request(auth.need(Role.ADMIN))


class VoiceOut(BaseModel):
    voice_id: str
    live: bool
    created_at: str
    report: dict[str, Any] = Field(description="What training measured, beside the voice before it")
    problem: str = Field(description="Why it cannot be promoted; empty where it can")


class VoicesOut(BaseModel):
    voices: list[VoiceOut]
    live: str | None = Field(description="null: the model writes as it came")


class VoiceRunOut(BaseModel):
    run_id: str
    status: str
    stage: str
    progress: float
    trigger: str
    cancel_requested: bool
    report: dict[str, Any]
    voice: str | None
    error: str | None
    created_at: str | None
    heartbeat_at: str | None
    finished_at: str | None


class VoiceRunsOut(BaseModel):
    runs: list[VoiceRunOut]


class SpokenOut(BaseModel):
    live: str | None
    previous: str | None
    degraded: list[str]


@blueprint.get("")
@blueprint.output(VoicesOut)
def every() -> Response:
    """The voices on disk, the newest first."""
    root = runtime().config.generative.voices_dir
    told = [
        {
            "voice_id": one.voice_id,
            "live": one.live,
            "created_at": "" if one.voice is None else one.voice.created_at,
            "report": {} if one.voice is None else dict(one.voice.report),
            "problem": one.problem,
        }
        for one in voices.voices(root)
    ]
    return parsing.answer({"voices": told, "live": voices.live_id(root)})


@blueprint.post("/train")
@blueprint.output(StartedOut, status_code=202)
def train() -> Response:
    """Start a run; 409 while another waits or runs. What passes its gate goes live by itself."""
    here = runtime()
    return parsing.answer(start_run(here.engine, "voice", ring=here.bell.voice), 202)


@blueprint.get("/runs")
@blueprint.output(VoiceRunsOut)
@parsing.takes(blueprint, PageQuery, "query")
def runs(query: PageQuery) -> Response:
    """The newest runs first."""
    with reading(runtime().engine) as session:
        found = ledger.recent(session, query.limit, kind="voice")
    return parsing.answer({"runs": [_run(one) for one in found]})


@blueprint.get("/runs/<run_id>")
@blueprint.output(VoiceRunOut)
def one_run(run_id: str) -> Response:
    """How far a run is, and what it has measured."""
    with reading(runtime().engine) as session:
        return parsing.answer(_run(ledger.get(session, run_id, kind="voice")))


@blueprint.delete("/runs/<run_id>")
@blueprint.output(VoiceRunOut, status_code=202)
def cancel(run_id: str) -> Response:
    """End a waiting run, or ask a running one to stop at its next step."""
    with writing(runtime().engine) as session:
        found = ledger.cancel(session, run_id, now=datetime.now(UTC), kind="voice")
    return parsing.answer(_run(found), 202)


@blueprint.post("/<voice_id>/promote")
@blueprint.output(SpokenOut)
def promote(voice_id: str) -> Response:
    """Write in this voice; every process follows within a second, and keys are other ones."""
    return parsing.answer(_spoken(runtime(), voice_id[:64]))


@blueprint.post("/rollback")
@blueprint.output(SpokenOut)
def rollback() -> Response:
    """Write in the sound voice before the live one; 409 where there is none."""
    before = earlier(voices.voices(runtime().config.generative.voices_dir))
    if before is None:
        raise Problem(409, "there is no earlier voice to go back to")
    return parsing.answer(_spoken(runtime(), before))


@blueprint.delete("/live")
@blueprint.output(SpokenOut)
def silence() -> Response:
    """Let the model write as it came."""
    return parsing.answer(_spoken(runtime(), None))


def earlier(found: Sequence[VoiceInfo]) -> str | None:
    """The sound voice before the live one, of all on disk, the newest first."""
    live = next((place for place, one in enumerate(found) if one.live), len(found))
    return next((one.voice_id for one in found[live + 1 :] if not one.problem), None)


def _spoken(here: Runtime, voice_id: str | None) -> dict[str, Any]:
    root = here.config.generative.voices_dir
    before = voices.live_id(root)
    if voice_id is None:
        voices.silence(root)
    else:
        voices.promote(root, voice_id)
    degraded = here.pulse.steering_changed()
    return {"live": voice_id, "previous": before, "degraded": degraded}


def report_of(run: Run) -> dict[str, Any]:
    """All that was measured; until then, how far its losses have fallen."""
    return dict(run.metrics or {"curves": run.curves})


def _run(run: Run) -> dict[str, Any]:
    told = run_json(run) | {"report": report_of(run), "voice": run.model_version}
    return {name: told[name] for name in VoiceRunOut.model_fields}
