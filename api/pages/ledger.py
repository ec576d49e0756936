"""The console's answers: the newest, one looked up, and the same answer made again."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response, request

from api.errors import Problem
from api.pages.answers import see_other, tell
from api.pages.frame import page
from api.pages.previews import tile_of
from api.recommending import replaying
from api.recommending.again import Past, its_model
from api.runtime import Runtime, runtime
from recsys.answers import ledger, replay, store
from recsys.answers.entry import Answer
from recsys.answers.replay import Replay
from recsys.database import looking, reading
from recsys.errors import RecsysError
from recsys.types import Item

SHOWN = 30
_LONGEST = 200
_ID = re.compile(r"[A-Za-z0-9._-]+")
_SAID = 300  # characters of one wish
_LABELS = {"k": "Items asked for", "item_ids": "Starts from"}
_TOLD = frozenset({"now", "seed", "placement", "strategy"})  # above, or of no use to a person


def index() -> Response:
    """The newest answers; those of one shopper where one is named."""
    here = runtime()
    wanted = request.args.get("id", "").strip()[:_LONGEST]
    if wanted and not _ID.fullmatch(wanted):
        tell("That is no id of an answer.", "bad")
    elif wanted:
        return see_other("console.answer", recommendation_id=wanted)
    user_id = request.args.get("user_id", "").strip()[:_LONGEST]
    before = _moment(request.args.get("before", ""))
    with reading(here.engine) as session:
        found = store.latest(session, n=SHOWN + 1, user_id=user_id or None, before=before)
    waiting = ledger.pending(here.config.recsys.answers_dir)
    return page(
        "console/answers.html",
        heading="Answers",
        tab="answers",
        user_id=user_id,
        rows=[_row(one) for one in found[:SHOWN]],
        older=found[SHOWN - 1].at.isoformat() if len(found) > SHOWN else None,
        waiting=f"{waiting / 1000:,.0f} kB" if waiting else "",
        days=f"{here.config.recsys.answers_days:g}",
    )


def show(recommendation_id: str) -> Response:
    here = runtime()
    return _page(here, replaying.find(here, recommendation_id))


def again(recommendation_id: str) -> Response:
    """Make the answer again, with what it was made from, and hold the two side by side."""
    here = runtime()
    answer = replaying.find(here, recommendation_id)
    try:
        with looking(here.engine) as reader:
            past = Past(here, reader)
            slate, causes = past.slate(answer, its_model(past, answer))
    except Problem as problem:
        return _page(here, answer, problem=problem.detail)
    except RecsysError as error:
        return _page(here, answer, problem=str(error))
    return _page(here, answer, made=replay.compare(answer, slate, causes=causes))


def _page(
    here: Runtime, answer: Answer, *, made: Replay | None = None, problem: str = ""
) -> Response:
    items = here.shelf.items
    return page(
        "console/answer.html",
        heading="Answer",
        tab="answers",
        recommendation_id=answer.recommendation_id,
        facts=list(_facts(answer)),
        wishes=list(_wishes(answer.request)),
        tiles=_tiles(answer, items),
        made=None if made is None else _made(answer, made, items),
        problem=problem,
        user_id=answer.user_id,
        placement=answer.placement,
    )


def _row(answer: Answer) -> dict[str, Any]:
    members = [one["user_id"] for one in answer.members or ()]
    return {
        "id": answer.recommendation_id,
        "at": f"{answer.at:%Y-%m-%d %H:%M:%S}",
        "user_id": ", ".join(dict.fromkeys(one for one in (answer.user_id, *members) if one)),
        "placement": answer.placement,
        "strategy": answer.strategy,
        "n_items": len(answer.item_ids),
        "degraded": ", ".join(answer.degraded),
        "experiments": ", ".join(f"{name}: {one}" for name, one in answer.experiments.items()),
    }


def _facts(answer: Answer) -> Sequence[tuple[str, str]]:
    members = answer.members or ()
    deeds = answer.history_n + sum(one["history_n"] for one in members)
    facts = [
        ("Answered", f"{answer.at:%Y-%m-%d %H:%M:%S} UTC"),
        ("Shopper", answer.user_id or "nobody known"),
        ("Placement", answer.placement),
        ("Strategy", answer.strategy),
        ("Model", answer.model_version or "none"),
        ("Catalogue", f"revision {answer.catalogue_revision:,}"),
        ("Rules", f"as of change {answer.rules_version:,}"),
        ("Deeds read", f"{deeds:,}"),
    ]
    if members:
        facts.append(("Group", ", ".join(one["user_id"] for one in members)))
    facts += [(f"Experiment {name}", variant) for name, variant in answer.experiments.items()]
    if answer.degraded:
        facts.append(("Made without", ", ".join(answer.degraded)))
    return facts


def _wishes(asked: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """What the request said, as far as it said anything."""
    return [
        (_LABELS.get(name, name.replace("_", " ").capitalize()), _plain(value)[:_SAID])
        for name, value in asked.items()
        if value not in ("", [], None) and name not in _TOLD
    ]


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items() if one)
    return str(value)


def _tiles(answer: Answer, items: Mapping[str, Item]) -> list[dict[str, Any]]:
    return [
        tile_of(items.get(item_id), item_id)
        | {
            "rank": rank,
            "source": str(answer.sources[rank - 1]).replace("_", " ")
            if rank <= len(answer.sources)
            else "",
            "score": f"{answer.scores[rank - 1]:.3f}" if rank <= len(answer.scores) else "",
        }
        for rank, item_id in enumerate(answer.item_ids, start=1)
    ]


def _made(answer: Answer, made: Replay, items: Mapping[str, Item]) -> dict[str, Any]:
    then = {item_id: rank for rank, item_id in enumerate(answer.item_ids, start=1)}
    return {
        "exact": made.exact,
        "sentence": "Yes: the same items in the same order, from the same sources and scores."
        if made.exact
        else "No: it comes out otherwise now.",
        "differences": [(one.what.capitalize(), one.detail) for one in made.differences],
        "tiles": [
            tile_of(items.get(one.item_id), one.item_id)
            | {
                "rank": one.rank,
                "source": one.source.value.replace("_", " "),
                "score": f"{one.score:.3f}",
                "tone": "" if then.get(one.item_id) == one.rank else "up",
                "move": _move(then.get(one.item_id), one.rank),
            }
            for one in made.slate.recommendations
        ],
    }


def _move(was: int | None, rank: int) -> str:
    if was is None:
        return "was not there"
    return "" if was == rank else f"was {was}"


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
