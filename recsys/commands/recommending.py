"""`recommend`: what a shopper would be shown, and why."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from recsys.behaviour import events
from recsys.catalogue import shelf, text_vectors
from recsys.commands.terminal import DONE, SHOWN, Commands, at_least_one, say
from recsys.config import RecsysConfig
from recsys.database import Reader, connect, reading
from recsys.learning import bundle as bundles
from recsys.learning.bundle import ModelBundle
from recsys.serving import placing, ranking, registry
from recsys.serving.newcomers import Newcomers
from recsys.types import EventKind, Hide, Query, Slate, UserHistory


def add_to(commands: Commands) -> None:
    recommend = commands.add_parser("recommend", help="show a slate and its reasons")
    recommend.add_argument("--user", help="whose history to start from")
    recommend.add_argument("--item", action="append", default=[], help="an item just viewed")
    recommend.add_argument("--category", default="", help="a path such as Grocery/Fruit")
    recommend.add_argument("--hide", choices=list(Hide))
    recommend.add_argument("-k", type=at_least_one, default=10)
    recommend.set_defaults(command=_recommend)


def live_model(root: Path) -> ModelBundle:
    version = registry.live_version(root)
    return bundles.load(root / version) if version else ModelBundle.empty()


def _recommend(options: argparse.Namespace, config: RecsysConfig) -> int:
    bundle = live_model(config.artifacts_dir)
    engine = connect(config.database_url, busy_seconds=config.database_busy_seconds)
    with reading(engine) as session:
        shelf_now = shelf.refresh(session, shelf.Shelf.empty())
        history = events.history(session, options.user) if options.user else UserHistory()
        newcomers = _newcomers(session, bundle, shelf_now)
    viewed = tuple(options.item)
    history = UserHistory(
        user_id=history.user_id,
        item_ids=history.item_ids + viewed,
        kinds=history.kinds + (EventKind.VIEW,) * len(viewed),
    )
    category = tuple(part for part in options.category.split("/") if part)
    hide = Hide(options.hide) if options.hide else config.hide
    query = Query(k=options.k, category=category, hide=hide, now=datetime.now(UTC))
    slate = ranking.recommend(bundle, shelf_now, history, query, newcomers)
    _print_slate(slate, shelf_now)
    return DONE


def _newcomers(reader: Reader, bundle: ModelBundle, shelf_now: shelf.Shelf) -> Newcomers | None:
    text, unknown = bundle.text, placing.unknown(bundle, shelf_now)
    if text is None or not unknown:
        return None
    return placing.place(bundle, text_vectors.read(reader, text.encoder, text.width, unknown))


def _print_slate(slate: Slate, shelf_now: shelf.Shelf) -> None:
    for pick in slate.recommendations:
        title = shelf_now.items[pick.item_id].title
        why = "; ".join(reason.text for reason in pick.reasons)
        print(f"{pick.rank:3}  {pick.item_id:24} {title[:40]:40} {pick.source:9} {why}")
    kept_out = ", ".join(f"{n} {rule}" for rule, n in slate.excluded.items()) or "nothing"
    say(f"model {slate.model_version}; kept out: {kept_out}")
    if slate.missing_ids:
        say(f"unknown to the catalogue: {', '.join(slate.missing_ids[:SHOWN])}")
