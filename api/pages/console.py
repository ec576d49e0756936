"""The console's door and its addresses: one table says what there is, one gate who may see it."""

import logging
from typing import Any

from flask import Blueprint, Response, current_app, make_response, render_template, request
from flask.blueprints import BlueprintSetupState

from api import auth
from api import backdrops as backdrop_library
from api.keyring import KeysUnread
from api.pages import (
    answers,
    campaigns,
    catalogue,
    checks,
    experiments,
    ledger,
    merchandising,
    models,
    overview,
    placing,
    privacy,
    steering,
    why,
)
from api.pages.answers import see_other
from api.pages.attempts import Attempts
from api.pages.studio import backdrops, brand, earned, performance, providers, variants, voice
from api.runtime import runtime
from generative.branding import logo

log = logging.getLogger(__name__)

FORM_LIMIT_BYTES = 1_000_000
_ATTEMPTS = "vitrine.attempts"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN = frozenset({"console.login", "console.enter"})
_PICTURES = {
    "console.save_brand": logo.MAX_UPLOAD,
    "console.upload_backdrops": backdrops.MAX_UPLOAD,
}

blueprint = Blueprint("console", __name__, url_prefix="/console")
answers.install(blueprint)


@blueprint.record_once
def _prepare(state: BlueprintSetupState) -> None:
    state.app.extensions.setdefault(_ATTEMPTS, Attempts())


@blueprint.before_request
def _gate() -> Response | None:
    """Let in who has logged in, and take no form that was not ours."""
    here = runtime()
    if not auth.sessions_enabled():
        return answers.problem_page(503, answers.NOTHING_TO_SIGN_WITH)
    request.max_content_length = _most_bytes(request.endpoint, here.config.max_upload_bytes)
    if request.endpoint not in _OPEN and not auth.is_admin():
        return see_other("console.login")
    if request.method not in _SAFE:
        auth.check_csrf(request.form.get("csrf_token", ""))
    return None


def _most_bytes(endpoint: str | None, feed_bytes: int) -> int:
    """What a form may weigh: few send files."""
    if endpoint == "console.upload":
        return feed_bytes
    return FORM_LIMIT_BYTES + _PICTURES.get(endpoint or "", 0)


@blueprint.after_request
def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.context_processor
def _form_token() -> dict[str, Any]:
    return {"csrf_token": auth.csrf_token}


def login() -> Response:
    if auth.is_admin():
        return see_other("console.overview")
    return _login_page(None, 200)


def enter() -> Response:
    """Take an admin key, or say no more slowly each time."""
    attempts: Attempts = current_app.extensions[_ATTEMPTS]
    address = request.remote_addr or "unknown"
    wait = attempts.wait_seconds(address)
    if wait:
        answer = _login_page(f"Too many tries. Wait {wait:.0f} s, then try again.", 429)
        answer.headers["Retry-After"] = f"{wait + 0.5:.0f}"
        return answer
    try:
        let_in = auth.login(request.form.get("key", "")[:200])
    except KeysUnread:
        return _login_page("The database is away, so no key can be checked. Try again.", 503)
    if not let_in:
        attempts.failed(address)
        log.warning("a console login was refused")
        return _login_page("This is not an admin key in force.", 403)
    attempts.succeeded(address)
    return see_other("console.overview")


def logout() -> Response:
    auth.logout()
    return see_other("console.login")


def _login_page(problem: str | None, status: int) -> Response:
    return make_response(render_template("console/login.html", problem=problem), status)


_ADDRESSES = (
    ("GET", "/", "overview", overview.show),
    ("GET", "/login", "login", login),
    ("GET", "/<path:_nowhere>", "nowhere", answers.nowhere),
    ("POST", "/login", "enter", enter),
    ("POST", "/logout", "logout", logout),
    ("GET", "/catalogue", "catalogue", catalogue.show),
    ("POST", "/catalogue/upload", "upload", catalogue.upload),
    ("POST", "/catalogue/hide", "hide", catalogue.hide),
    ("GET", "/models", "models", models.show),
    ("GET", "/models/checks", "checks", checks.show),
    ("POST", "/models/retrain", "retrain", models.retrain),
    ("GET", "/models/runs/<run_id>", "run", models.watch),
    ("POST", "/models/runs/<run_id>/cancel", "cancel", models.cancel),
    ("POST", "/models/promote", "promote", models.promote),
    ("GET", "/models/<version>/report", "report", models.show_report),
    ("GET", "/campaigns", "campaigns", campaigns.index),
    ("POST", "/campaigns", "create_campaign", campaigns.create),
    ("GET", "/campaigns/<campaign_id>", "campaign", campaigns.show),
    ("GET", "/campaigns/<campaign_id>/progress", "campaign_progress", campaigns.watch),
    ("POST", "/campaigns/<campaign_id>/cancel", "cancel_campaign", campaigns.cancel),
    ("POST", "/campaigns/<campaign_id>/creatives/<key>", "decide", campaigns.decide),
    ("GET", "/campaigns/<campaign_id>/creatives/<key>/banner", "picture", campaigns.picture),
    ("GET", "/campaigns/<campaign_id>/export", "export", campaigns.export),
    ("GET", "/campaigns/<campaign_id>/earned", "campaign_earned", earned.of_campaign),
    ("GET", "/creatives", "creatives", performance.show),
    ("GET", "/creatives/earned", "earned", earned.of_all),
    ("GET", "/creatives/brand", "brand", brand.show),
    ("POST", "/creatives/brand", "save_brand", brand.save),
    ("POST", "/creatives/brand/restore", "restore_brand", brand.restore),
    ("GET", "/creatives/brand/banner/<size>", "brand_banner", brand.banner),
    ("GET", "/creatives/backdrops", "backdrops", backdrops.show),
    ("POST", "/creatives/backdrops", "upload_backdrops", backdrops.upload),
    ("POST", "/creatives/backdrops/remove", "remove_backdrop", backdrops.remove),
    ("GET", "/creatives/backdrops/<sha256>", "backdrop", backdrop_library.picture),
    ("GET", "/creatives/variants", "variants", variants.show),
    ("POST", "/creatives/variants", "decide_variant", variants.decide),
    ("GET", "/creatives/voice", "voice", voice.show),
    ("POST", "/creatives/voice/train", "train_voice", voice.train),
    ("GET", "/creatives/voice/runs/<run_id>", "voice_run", voice.watch),
    ("POST", "/creatives/voice/runs/<run_id>/cancel", "cancel_voice", voice.cancel),
    ("POST", "/creatives/voice/promote", "promote_voice", voice.promote),
    ("POST", "/creatives/voice/silence", "silence_voice", voice.silence),
    ("GET", "/creatives/providers", "providers", providers.show),
    ("POST", "/creatives/providers/switch", "switch_provider", providers.switch),
    ("GET", "/merchandising", "merchandising", merchandising.show),
    ("GET", "/merchandising/rule", "rule", merchandising.rule),
    ("POST", "/merchandising/rule", "save_rule", merchandising.save_rule),
    ("GET", "/merchandising/placement", "placement", placing.placement),
    ("POST", "/merchandising/placement", "save_placement", placing.save_placement),
    ("GET", "/merchandising/strategy", "strategy", placing.strategy),
    ("POST", "/merchandising/strategy", "save_strategy", placing.save_strategy),
    ("GET", "/merchandising/check", "check_expression", steering.check),
    ("POST", "/merchandising/remove", "remove_steering", steering.remove),
    ("POST", "/merchandising/undo", "undo_steering", steering.undo),
    ("GET", "/experiments", "experiments", experiments.index),
    ("POST", "/experiments", "save_experiment", experiments.save),
    ("GET", "/experiments/form", "experiment_form", experiments.form),
    ("POST", "/experiments/holdout", "save_holdout", experiments.save_holdout),
    ("GET", "/experiments/of/<experiment_id>", "experiment", experiments.show),
    ("POST", "/experiments/of/<experiment_id>/start", "start_experiment", experiments.start),
    ("POST", "/experiments/of/<experiment_id>/stop", "stop_experiment", experiments.stop),
    ("POST", "/experiments/of/<experiment_id>/remove", "remove_experiment", experiments.remove),
    ("GET", "/why", "why", why.show),
    ("GET", "/answers", "answers", ledger.index),
    ("GET", "/answers/<recommendation_id>", "answer", ledger.show),
    ("POST", "/answers/<recommendation_id>/replay", "replay", ledger.again),
    ("GET", "/privacy", "privacy", privacy.show),
    ("POST", "/privacy/forget", "forget", privacy.forget),
)
for _method, _rule, _endpoint, _view in _ADDRESSES:
    blueprint.add_url_rule(_rule, _endpoint, _view, methods=[_method])
