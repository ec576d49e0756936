"""`check`: what is wrong with the data, before a model learns it."""

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from recsys.behaviour import doctor
from recsys.behaviour.doctor import Finding, Level
from recsys.behaviour.doctor import reading as intake
from recsys.catalogue import items
from recsys.catalogue.feeds import read_feed
from recsys.commands.importing import format_of
from recsys.commands.terminal import DONE, FAILED, SHOWN, Commands, at_least_one, open_binary, say
from recsys.config import RecsysConfig
from recsys.database import connect, reading
from recsys.errors import InvalidItem
from recsys.types import Item


def add_to(commands: Commands) -> None:
    check = commands.add_parser("check", help="look for faults in the data; exits 1 on a FAIL")
    check.add_argument(
        "--events", type=Path, metavar="FILE", help="a CSV before its import, not the database"
    )
    check.add_argument(
        "--items", type=Path, metavar="FEED", help="its catalogue; may be given with the database"
    )
    check.add_argument("--since", type=_day, metavar="DATE", help="only from this day on (UTC)")
    check.add_argument("--until", type=_day, metavar="DATE", help="only up to this moment (UTC)")
    check.add_argument("--newest", type=at_least_one, metavar="N", help="of the database's events")
    check.add_argument("--json", action="store_true", help="for another program to read")
    check.set_defaults(command=_check)


def _check(options: argparse.Namespace, config: RecsysConfig) -> int:
    window = {"since": options.since, "until": options.until}
    goods = None if options.items is None else doctor.of_items(_feed(options.items))
    if options.events is not None:
        with open_binary(options.events) as stream:
            lines = (line.decode("utf-8", errors="replace") for line in stream)
            findings = doctor.check(intake.from_lines(lines, **window), goods)
    else:
        engine = connect(config.database_url, busy_seconds=config.database_busy_seconds)
        with reading(engine) as session:
            if goods is None:
                goods = doctor.of_items(items.changed_since(session, -1)[1])
            deeds = intake.from_database(session, newest=options.newest, **window)
            findings = doctor.check(deeds, goods)
    _print(findings, as_json=options.json)
    return FAILED if doctor.worst(findings) is Level.FAIL else DONE


def _feed(path: Path) -> Iterator[Item]:
    rejected = 0
    with open_binary(path) as stream:
        for number, result in read_feed(stream, format_of(path)):
            if isinstance(result, InvalidItem):
                rejected += 1
                if rejected <= SHOWN:
                    say(f"{path.name}, line {number}: {result}")
            else:
                yield result
    if rejected:
        say(f"{path.name}: {rejected} lines are no items")


def _print(findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        told = [doctor.plain(finding) for finding in findings]
        print(json.dumps({"worst": doctor.worst(findings), "findings": told}, indent=1))
        return
    for finding in findings:
        print(f"{finding.level:4}  {finding.name:18}  {finding.message}")
        if finding.rows:
            more = finding.count - len(finding.rows)
            print(f"{'':26}{', '.join(finding.rows)}{f' and {more:,} more' if more > 0 else ''}")
    number = {level: sum(one.level is level for one in findings) for level in Level}
    say(", ".join(f"{count} {level}" for level, count in number.items()))


def _day(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} must be a date such as 2026-01-31") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
