"""The whole recommender on files and a database: no web, no queue.

    python -m recsys import items FEED          catalogue from CSV, JSON lines or Google Merchant
    python -m recsys import events FILE.csv.gz  behaviour
    python -m recsys train                      fit, examine, publish, promote if it passed
    python -m recsys evaluate                   the live model on the newest hold-out
    python -m recsys recommend --user ID        what it would show, and why

Exit codes: 0 done, 1 it could not be done (standard error says why), 2 the command line is wrong,
3 trained, but the candidate did not pass and the old model stays live.
"""

import argparse
import csv
import gzip
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from recsys.behaviour import events, vocabulary
from recsys.catalogue import items, shelf
from recsys.catalogue.feeds import FeedFormat, read_feed
from recsys.config import RecsysConfig
from recsys.database import connect, reading, writing
from recsys.errors import InvalidEvent, InvalidItem, RecsysError
from recsys.learning import bundle as bundles
from recsys.learning import runs
from recsys.learning.bundle import ModelBundle
from recsys.serving import ranking, registry
from recsys.types import Event, EventKind, Hide, Item, Query, Slate, UserHistory

DONE, FAILED, REFUSED = 0, 1, 3

_T = TypeVar("_T")
_BATCH = 5_000
_SHOWN_REJECTS = 20  # the rest are only counted
_LEASE_SECONDS = 600.0
_FORMATS = {
    ".csv": FeedFormat.CSV,
    ".jsonl": FeedFormat.JSONL,
    ".xml": FeedFormat.GOOGLE_XML,
    ".tsv": FeedFormat.GOOGLE_TSV,
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; every expected failure is one line on standard error."""
    options = _parser().parse_args(arguments)
    try:
        config = RecsysConfig.from_env(os.environ)  # noqa: TID251 composition root
        return int(options.command(options, config))
    except (OperationalError, ProgrammingError) as error:
        _say(f"the database said: {_first_line(error)}")
        _say("is VITRINE_DATABASE_URL right, and was `flask --app api db upgrade` run?")
    except OSError as error:
        _say(f"{error.filename or 'file'}: {error.strerror or error}")
    except (RecsysError, ValueError) as error:
        _say(str(error))
    except KeyboardInterrupt:
        _say("stopped; nothing half-made was published")
    return FAILED


def _import_items(options: argparse.Namespace, config: RecsysConfig) -> int:
    path: Path = options.file
    feed_format = FeedFormat(options.format) if options.format else _format_of(path)
    engine = connect(config.database_url, busy_seconds=config.database_busy_seconds)
    tally = _Tally()
    with _open(path) as stream:
        for batch in _batches(read_feed(stream, feed_format)):
            good: list[Item] = []
            for number, result in batch:
                if isinstance(result, InvalidItem):
                    tally.reject(number, result)
                else:
                    good.append(result)
            if good:
                with writing(engine) as session:
                    items.put_many(session, good)
            tally.accept(len(good))
    return tally.report("items")


def _import_events(options: argparse.Namespace, config: RecsysConfig) -> int:
    engine = connect(config.database_url, busy_seconds=config.database_busy_seconds)
    tally = _Tally()
    with _open(options.file) as stream:
        lines = (line.decode("utf-8", errors="replace") for line in stream)
        for batch in _batches(enumerate(csv.DictReader(lines), start=2)):
            good: list[Event] = []
            for number, row in batch:
                try:
                    good += vocabulary.parse_event(_payload(row), received_at=datetime.now(UTC))
                except InvalidEvent as error:
                    tally.reject(number, error)
            with writing(engine) as session:
                answers = events.record(session, good)
            tally.accept(answers.count("accepted"))
            tally.known += len(answers) - answers.count("accepted")
    return tally.report("events")


def _train(options: argparse.Namespace, config: RecsysConfig) -> int:
    from recsys.learning.retraining import train_candidate  # noqa: PLC0415 heavy

    engine = connect(config.database_url, busy_seconds=config.database_busy_seconds)
    with writing(engine) as session:  # one transaction: no worker may see it waiting
        run_id = runs.start(session, trigger="cli", now=datetime.now(UTC))
        runs.claim(session, run_id, now=datetime.now(UTC), lease_seconds=_LEASE_SECONDS)
    bar = _Bar(quiet=options.quiet)

    def on_progress(stage: str, progress: float, curves: dict[str, list[float]]) -> bool:
        bar.show(stage, progress, curves)
        with writing(engine) as session:
            now = datetime.now(UTC)
            return runs.beat(
                session, run_id, stage=stage, progress=progress, curves=curves, now=now
            )

    try:
        with reading(engine) as session:
            log = events.log(session)
        outcome = train_candidate(log, _live(config.artifacts_dir), config, on_progress)
        version = registry.publish(config.artifacts_dir, outcome.bundle)
        if outcome.passed:
            registry.promote(config.artifacts_dir, version)
        registry.prune(config.artifacts_dir, config.keep_versions)
    except BaseException as error:
        with writing(engine) as session:
            _finish(session, run_id, "failed", error=f"{type(error).__name__}: {error}")
        raise
    with writing(engine) as session:
        status = "done" if outcome.passed else "refused"
        note = None if outcome.passed else outcome.verdict
        _finish(session, run_id, status, error=note, metrics=outcome.metrics, version=version)
    bar.end()
    print(json.dumps({"version": version, "promoted": outcome.passed, "verdict": outcome.verdict}))
    return DONE if outcome.passed else REFUSED


def _evaluate(options: argparse.Namespace, config: RecsysConfig) -> int:
    from recsys.learning import evaluation, split  # noqa: PLC0415 heavy

    version = options.version or registry.live_version(config.artifacts_dir)
    if version is None:
        _say("no model is live yet; run `python -m recsys train` first")
        return FAILED
    model = bundles.load(config.artifacts_dir / version)
    engine = connect(config.database_url, busy_seconds=config.database_busy_seconds)
    with reading(engine) as session:
        log = events.log(session)
    cut = split.temporal(log, seed=config.train_seed)
    item_ids = tuple(log.item_ids[row] for row in cut.item_rows)
    figures = evaluation.measure(evaluation.by_bundle(model, item_ids), cut.test)
    knew = int(model.manifest["data"]["cut_at"]) > cut.cut_at
    print(json.dumps({"version": version, "has_seen_holdout": knew, **figures}, indent=1))
    return DONE


def _recommend(options: argparse.Namespace, config: RecsysConfig) -> int:
    engine = connect(config.database_url, busy_seconds=config.database_busy_seconds)
    with reading(engine) as session:
        shelf_now = shelf.refresh(session, shelf.Shelf.empty())
        history = events.history(session, options.user) if options.user else UserHistory()
    viewed = tuple(options.item)
    history = UserHistory(
        user_id=history.user_id,
        item_ids=history.item_ids + viewed,
        kinds=history.kinds + (EventKind.VIEW,) * len(viewed),
    )
    category = tuple(part for part in options.category.split("/") if part)
    hide = Hide(options.hide) if options.hide else config.hide
    query = Query(k=options.k, category=category, hide=hide)
    slate = ranking.recommend(_live(config.artifacts_dir), shelf_now, history, query)
    _print_slate(slate, shelf_now)
    return DONE


def _print_slate(slate: Slate, shelf_now: shelf.Shelf) -> None:
    for pick in slate.recommendations:
        title = shelf_now.items[pick.item_id].title
        why = "; ".join(reason.text for reason in pick.reasons)
        print(f"{pick.rank:3}  {pick.item_id:24} {title[:40]:40} {pick.source:9} {why}")
    kept_out = ", ".join(f"{n} {rule}" for rule, n in slate.excluded.items()) or "nothing"
    _say(f"model {slate.model_version}; kept out: {kept_out}")
    if slate.missing_ids:
        _say(f"unknown to the catalogue: {', '.join(slate.missing_ids[:_SHOWN_REJECTS])}")


class _Tally:
    """What an import did; the first rejected lines are printed as they are met."""

    def __init__(self) -> None:
        self.accepted = self.known = self.rejected = 0

    def accept(self, n: int) -> None:
        self.accepted += n

    def reject(self, line: int, error: InvalidItem | InvalidEvent) -> None:
        self.rejected += 1
        if self.rejected <= _SHOWN_REJECTS:
            _say(f"line {line}: {error}")

    def report(self, noun: str) -> int:
        print(f"{self.accepted} {noun} imported, {self.known} known, {self.rejected} rejected")
        return DONE if self.accepted or self.known or not self.rejected else FAILED


class _Bar:
    """Progress of a fit on standard error: share done, loss, NDCG, time left."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._began = time.monotonic()
        self._ends = "\r" if sys.stderr.isatty() else "\n"

    def show(self, stage: str, progress: float, curves: dict[str, list[float]]) -> None:
        if self._quiet:
            return
        spent = time.monotonic() - self._began
        left = f"{spent / progress - spent:4.0f} s left" if progress > 0 else ""
        filled = "#" * int(24 * progress)
        figures = ""
        if curves["loss"]:
            figures = f"loss {curves['loss'][-1]:8.3f}  ndcg {curves['ndcg'][-1]:.4f}"
        line = f"{stage:9} [{filled:24}] {progress:4.0%}  {figures}  {left}"
        sys.stderr.write(f"{line:96}{self._ends}")
        sys.stderr.flush()

    def end(self) -> None:
        if not self._quiet and self._ends == "\r":
            sys.stderr.write("\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m recsys", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="import|train|evaluate|recommend")
    kinds = commands.add_parser("import", help="read a file into the database").add_subparsers(
        required=True, metavar="items|events"
    )
    feed = kinds.add_parser("items", help="CSV, JSON lines, Google Merchant XML or TSV")
    feed.add_argument("file", type=Path)
    feed.add_argument("--format", choices=list(FeedFormat), help="where the name does not say it")
    feed.set_defaults(command=_import_items)
    deeds = kinds.add_parser(
        "events", help="CSV: event_id,user_id,item_id,kind,at,quantity,order_id"
    )
    deeds.add_argument("file", type=Path)
    deeds.set_defaults(command=_import_events)
    train = commands.add_parser("train", help="fit a model; promote it if it passes the gate")
    train.add_argument("--quiet", action="store_true", help="no progress bar")
    train.set_defaults(command=_train)
    evaluate = commands.add_parser("evaluate", help="measure a model on the newest hold-out")
    evaluate.add_argument("--version", help="which one; the live one if left out")
    evaluate.set_defaults(command=_evaluate)
    recommend = commands.add_parser("recommend", help="show a slate and its reasons")
    recommend.add_argument("--user", help="whose history to start from")
    recommend.add_argument("--item", action="append", default=[], help="an item just viewed")
    recommend.add_argument("--category", default="", help="a path such as Grocery/Fruit")
    recommend.add_argument("--hide", choices=list(Hide))
    recommend.add_argument("-k", type=_at_least_one, default=10)
    recommend.set_defaults(command=_recommend)
    return parser


def _live(root: Path) -> ModelBundle:
    version = registry.live_version(root)
    return bundles.load(root / version) if version else ModelBundle.empty()


def _finish(
    session: Session,
    run_id: str,
    status: str,
    *,
    error: str | None,
    metrics: object = None,
    version: str | None = None,
) -> None:
    runs.finish(
        session,
        run_id,
        status=status,
        metrics=cast("dict[str, object]", metrics or {}),
        model_version=version,
        error=error,
        now=datetime.now(UTC),
    )


def _open(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return cast("BinaryIO", gzip.open(path, "rb"))
    return path.open("rb")


def _format_of(path: Path) -> FeedFormat:
    suffixes = [suffix for suffix in path.suffixes if suffix != ".gz"]
    found = _FORMATS.get(suffixes[-1].lower()) if suffixes else None
    if found is None:
        raise ValueError(
            f"{path.name}: cannot tell its format; say --format {'|'.join(FeedFormat)}"
        )
    return found


def _payload(row: dict[str, str]) -> dict[str, object]:
    """A CSV cell is text, and an empty one means that nothing was said."""
    payload: dict[str, object] = {name: value for name, value in row.items() if name and value}
    quantity = row.get("quantity") or ""
    if quantity.isdecimal():
        payload["quantity"] = int(quantity)
    payload.setdefault("kind", "")
    return payload


def _batches(rows: Iterable[_T]) -> Iterator[list[_T]]:
    batch: list[_T] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of items, 1 or more")
    return int(text)


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).splitlines()[0] if error.orig else str(error)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
