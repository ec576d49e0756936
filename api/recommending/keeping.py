"""What is kept of an answer: a line of the ledger, and for a while what continues it.

Without consent nothing is kept at all. An answer is never held back or refused because it could not
be kept.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from api.runtime import Runtime
from recsys.answers import entry
from recsys.answers.entry import Answer
from recsys.serving import rotation

if TYPE_CHECKING:
    from api.recommending.slates import Served


def keep(
    runtime: Runtime,
    served: "Served",
    creative_keys: Sequence[str | None],
    creative_draw: Mapping[str, Any] | None = None,
) -> None:
    """Write the answer down; where that fails the answer says so."""
    ask, opened, settled, slate = served.ask, served.opened, served.settled, served.slate
    if not ask.consent:
        return
    picks = slate.recommendations
    chance = settled.query.dials.exploration > 0
    kept = runtime.ledger.keep(
        Answer(
            recommendation_id=served.recommendation_id,
            at=settled.query.now,
            placement=settled.query.placement,
            strategy=served.strategy,
            request=served.request,
            model_version=slate.model_version,
            catalogue_revision=opened.assortment.shelf.revision,
            item_ids=[pick.item_id for pick in picks],
            sources=[pick.source for pick in picks],
            scores=[pick.score for pick in picks],
            user_id=ask.shopper,
            members=[entry.member(one) for one in opened.members] or None,
            session_hash=entry.visit_hash(ask.session) if ask.shopper is None else None,
            rules_version=settled.rules_version,
            history_n=len(opened.history.item_ids),
            history_digest=entry.digest(opened.history),
            experiments=settled.experiments,
            propensities=[pick.propensity for pick in picks] if chance else (),
            creative_keys=creative_keys,
            creative_draw=creative_draw,
            teams=served.teams,
            duel=[entry.request_of(rival.query) for rival in served.rivals] or None,
            shown=None if served.shown is None else rotation.plain(served.shown),
            degraded=opened.degraded.as_list(),
        )
    )
    if not kept:
        opened.degraded.add("answers")
