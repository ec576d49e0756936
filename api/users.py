"""Forgetting a shopper, with a receipt."""

from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from api import auth, parsing
from api.errors import invalid
from api.keys import Role
from api.recommending import erasing, rotating
from api.runtime import CACHE_ERRORS, Runtime, runtime
from api.schemas import ReceiptOut
from generative.campaigning import campaigns
from recsys.answers import ledger
from recsys.answers import store as answers
from recsys.behaviour import erasure, spool
from recsys.behaviour.recent import NOBODY_KNOWS
from recsys.database import writing
from recsys.tables import id_problem

blueprint = APIBlueprint("users", __name__, tag="Admin")
blueprint.before_request(auth.need(Role.ADMIN))


@blueprint.delete("/users/<any_id:user_id>")
@blueprint.output(ReceiptOut)
def erase(user_id: str) -> Response:
    """Delete all that is known of a shopper and refuse it for good should anyone bring it back."""
    problem = id_problem(user_id)
    if problem:
        raise invalid("user_id", problem)
    return parsing.answer(forget(runtime(), user_id, now=datetime.now(UTC)))


def forget(here: Runtime, user_id: str, *, now: datetime) -> dict[str, Any]:
    """What waits in the spool is recorded first, so that the same deletion reaches it."""
    drained = spool.drain(here.config.recsys.spool_dir, here.engine)
    if drained:
        here.pulse.drop_all()  # what only the spool had was not in any kept history's database
    marked = here.pulse.begin([user_id])
    answered = ledger.blank(here.config.recsys.answers_dir, user_id)  # those that are not rows yet
    with writing(here.engine) as session:
        deleted = erasure.forget(session, user_id, at=now)
        scrubbed = campaigns.scrub_user(session, user_id)
        answered += answers.forget(session, user_id)
    dropped = here.pulse.land({user_id: NOBODY_KNOWS}, marked=marked)
    missing = [] if dropped else ["pulse"]
    try:
        erasing.mark(here, user_id, now=now)
        rotating.forget(here, user_id)
    except CACHE_ERRORS:
        missing.append("rotation")  # what was shown lapses by itself, within a week
    bundle = here.handle.get()
    return {
        "user_id": user_id,
        "erased_at": now.isoformat(),
        "events_deleted": deleted,
        "campaigns_changed": scrubbed,
        "spooled_events_drained": drained,
        "answers_deleted": answered,
        "model_version": bundle.version or None,
        "model_note": "the model holds weights and counts, no user; the next retrain leaves them out",
        "degraded": missing,
    }
