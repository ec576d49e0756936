"""`rerender`: a made picture made again from its audit row, compared byte for byte."""

import argparse
from pathlib import Path

from generative.config import GenerativeConfig
from generative.errors import UnknownCreative
from generative.types import Creative


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "rerender", help="make a picture again from its row; exits 1 where the bytes differ"
    )
    parser.add_argument("key", metavar="KEY", help="the creative's key, as answers carry it")
    parser.add_argument("-o", "--output", type=Path, help="where the unsigned picture goes")
    parser.set_defaults(command=_rerender)


def _rerender(options: argparse.Namespace, config: GenerativeConfig) -> int:
    from generative.marking.rerender import rerender  # noqa: PLC0415 heavy: the renderer

    outcome = rerender(_creative(options.key, options.database_url), config)
    if options.output:
        options.output.write_bytes(outcome.data)
    print(f"then {outcome.expected}\nnow  {outcome.found}")
    if outcome.same:
        print("the same bytes")
        return 0
    print(
        "other bytes; not as it was then: " + (", ".join(outcome.differs) or "nothing that is kept")
    )
    return 1


def _creative(key: str, database_url: str) -> Creative:
    from sqlalchemy import create_engine  # noqa: PLC0415 heavy
    from sqlalchemy.orm import Session  # noqa: PLC0415 heavy

    from generative import creatives  # noqa: PLC0415 heavy

    engine = create_engine(database_url)
    try:
        with Session(engine) as session:
            found = creatives.get(session, key)
    finally:
        engine.dispose()
    if found is None:
        raise UnknownCreative(key)
    return found
