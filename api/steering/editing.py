"""What every edit of the steering shares: who acts, what they knew, and that everybody hears of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from apiflask import APIBlueprint
from flask import Response, request, session
from sqlalchemy.orm import Session

from api import keys, parsing
from api.errors import invalid
from api.runtime import Runtime, runtime
from api.steering.bodies import Condition
from recsys.database import looking, writing
from recsys.merchandising import checking, store
from recsys.merchandising.plain import to_plain
from recsys.merchandising.steering import Steering, key_of, notices
from recsys.merchandising.store import Change
from recsys.merchandising.types import Steered, Subject
from recsys.serving.strategies import STRATEGIES

View = TypeVar("View", bound=Callable[..., Any])


def conditional(blueprint: APIBlueprint) -> Callable[[View], View]:
    """Document the two headers that `expected` reads."""

    def decorate(view: View) -> View:
        noted = blueprint.input(Condition, location="headers")(view)
        view._spec = noted._spec  # type: ignore[attr-defined] # noqa: SLF001 as in `parsing.takes`
        return view

    return decorate


def read(here: Runtime) -> Steering:
    """Everything as the database has it now."""
    with looking(here.engine) as reader:
        return store.refresh(reader, Steering())


def write(thing: Steered) -> tuple[Steering, list[str]]:
    """Write one thing whole: everything as it is then, and what could not be told of it."""
    here = runtime()
    known = expected()
    with writing(here.engine) as opened:
        change = store.put(opened, thing, who=actor(), now=datetime.now(UTC), expected=known)
        steering = store.as_of(opened, change.version)
    return steering, here.pulse.steering_changed()


def remove(subject: Subject, name: str) -> Response:
    """Take one thing away and answer with the change."""
    checking.check_name("rule_id" if subject is Subject.RULE else "name", name)
    known = expected()

    def taken(opened: Session) -> Change:
        now = datetime.now(UTC)
        return store.remove(opened, subject, name, who=actor(), now=now, expected=known)

    return _changed(taken)


def undo(version: int) -> Response:
    """Take one change back and answer with the change that did so."""
    return _changed(lambda opened: store.undo(opened, version, who=actor(), now=datetime.now(UTC)))


def answer(told: dict[str, Any]) -> Response:
    """What `plain` told, under the version of its last change as the ETag."""
    return parsing.answer(told, headers={"ETag": f'"{told["version"]}"'})


def plain(thing: Steered, steering: Steering) -> dict[str, Any]:
    """As it is told: every field, the version of its last change, and what is to be said of it."""
    key = key_of(thing)
    said = [one.message for one in notices(steering, STRATEGIES) if (one.subject, one.name) == key]
    version = steering.changed_in.get(key, 0)
    return to_plain(thing) | {
        "version": version,
        "built_in": version == 0,
        "notices": said,
        "degraded": [],
    }


def change_json(change: Change) -> dict[str, Any]:
    return {
        "version": change.version,
        "at": change.at.isoformat(),
        "who": change.who,
        "subject": change.subject.value,
        "name": change.name,
        "before": change.before,
        "after": change.after,
        "undoes": change.undoes,
    }


def expected() -> int | None:
    """The version that the editor read: 0 for `If-None-Match: *`, None where nothing is expected.

    Raises:
        Problem: 422, a header says something else.
    """
    if request.headers.get("If-None-Match", "").strip() == "*":
        return 0
    tag = request.headers.get("If-Match", "").strip()
    if tag in {"", "*"}:
        return None
    number = tag.removeprefix("W/").strip('"')
    if not (number.isascii() and number.isdecimal() and len(number) < 19):  # noqa: PLR2004 of a BIGINT
        raise invalid("If-Match", 'must be an ETag of ours, such as "12"')
    return int(number)


def actor() -> str:
    """The id of the key that acts: the one in the header, or the one the console was opened with."""
    header = request.authorization
    text = header.token if header is not None and header.type == "bearer" else None
    presented = keys.read((text or request.headers.get("X-Api-Key", "")).strip())
    return presented.key_id if presented is not None else str(session.get("key_id", ""))


def _changed(make: Callable[[Session], Change]) -> Response:
    here = runtime()
    with writing(here.engine) as opened:
        change = make(opened)
    return parsing.answer(change_json(change) | {"degraded": here.pulse.steering_changed()})
