"""The console's voice: tuned on the shop's own words, measured beside what writes now, promoted or not."""

from typing import Any

from flask import Response, request

from api.pages.answers import see_other, tell
from api.pages.frame import page
from api.runtime import runtime
from generative.copy import voices


def show() -> Response:
    found = voices.voices(_root())
    live = next((at for at, one in enumerate(found) if one.live), None)
    older = [] if live is None else [one for one in found[live + 1 :] if not one.problem]
    return page(
        "console/voice.html",
        heading="Voice",
        tab="creatives",
        voices=found,
        live=live is not None,
        previous=older[0].voice_id if older else None,
    )


def promote() -> Response:
    voice_id = request.form.get("voice_id", "")[:64]
    voices.promote(_root(), voice_id)
    tell(f"{voice_id} writes from now on; creatives are made anew in it as shoppers ask.")
    return see_other("console.voice")


def silence() -> Response:
    voices.silence(_root())
    tell("No voice is live: the model writes as it came.")
    return see_other("console.voice")


def _root() -> Any:
    return runtime().config.generative.voices_dir
