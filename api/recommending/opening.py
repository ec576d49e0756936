"""What an answer starts from: the shop at this moment, and all that may be known of the shopper.

Where it comes from is the request's choice: a user's kept history, a profile that the shopper holds,
or without consent only what the request itself says.
"""

import time
from dataclasses import dataclass, replace
from functools import cached_property

from api.recommending import looking, profile
from api.recommending.degraded import Degraded
from api.recommending.settling import Ask
from api.recommending.trace import Trace
from api.runtime import Runtime
from recsys.answers.then import with_session
from recsys.learning.bundle import ModelBundle
from recsys.serving import personas
from recsys.serving.asking import Memo
from recsys.serving.assortment import Assortment
from recsys.types import Persona, UserHistory


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What all rows of one request share."""

    assortment: Assortment
    history: UserHistory
    returning: bool  # with a past from before this visit's items
    members: tuple[UserHistory, ...]  # of a group
    steering_version: str | None
    memo: Memo
    degraded: Degraded
    trace: Trace
    began: float

    @cached_property
    def persona(self) -> Persona:
        """Who the shopper is like: a rule's audience and a creative's ask for it, and else nobody."""
        return personas.persona_of(self.assortment, self.history)


def look(runtime: Runtime, ask: Ask) -> Opened:
    """Look at everything once; what could not be read is said in `degraded`."""
    began, degraded, trace = time.perf_counter(), Degraded(), Trace()
    bundle = runtime.handle.get()
    kept = ask.shopper if ask.profile is None else None
    seen = looking.read(runtime, kept, bundle, degraded)
    if not bundle.item_ids:
        degraded.add("model")
    past = seen.history
    if ask.profile is not None:
        past = profile.history_of(runtime.config, ask.profile)
    history = with_session(past, ask.session, at=ask.query.now) if ask.session else past
    opened = Opened(
        assortment=runtime.assortments.of(bundle, seen.shelf, seen.newcomers),
        history=history,
        returning=bool(past.item_ids),
        members=_members(runtime, ask, bundle, degraded),
        steering_version=seen.steering_version,
        memo={},
        degraded=degraded,
        trace=trace,
        began=began,
    )
    trace.mark("look", len(history.item_ids))
    return opened


def _members(
    runtime: Runtime, ask: Ask, bundle: ModelBundle, degraded: Degraded
) -> tuple[UserHistory, ...]:
    """A group's pasts: a look for each, as there are few."""
    if not ask.consent:
        return ()
    return tuple(
        replace(looking.read(runtime, user_id, bundle, degraded).history, user_id=user_id)
        for user_id in dict.fromkeys(ask.users)
    )
