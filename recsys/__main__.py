"""The whole recommender on files and a database: no web, no queue.

    python -m recsys import items FEED          catalogue from CSV, JSON lines or Google Merchant
    python -m recsys import events FILE.csv.gz  behaviour
    python -m recsys check                      bots, wrong clocks, duplicates: before training
    python -m recsys train                      fit, examine, publish, promote if it passed
    python -m recsys evaluate                   the live model on the newest hold-out
    python -m recsys recommend --user ID        what it would show, and why
    python -m recsys synthesise --output FILE   made-up shoppers, and how like real ones they are

Exit codes: 0 done, 1 it could not be done (standard error says why) or `check` found a FAIL, 2 the
command line is wrong, 3 trained, but the candidate did not pass and the old model stays live.
Each command is a file of `recsys/commands`; this one builds the parser and words what went wrong.
"""

import argparse
import csv
import os
import sys
import zlib

from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from recsys.commands import checking, evaluating, importing, recommending, synthesising, training
from recsys.commands.terminal import FAILED, say
from recsys.config import RecsysConfig
from recsys.errors import RecsysError

# In the order that a shop needs them.
_COMMANDS = (importing, checking, training, evaluating, recommending, synthesising)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; every expected failure is one line on standard error."""
    options = _parser().parse_args(arguments)
    try:
        options.environment = environment = os.environ  # noqa: TID251 composition root
        config = RecsysConfig.from_env(environment)
        return int(options.command(options, config))
    except (OperationalError, ProgrammingError) as error:
        say(f"the database said: {_first_line(error)}")
        say("is VITRINE_DATABASE_URL right, and was `flask --app api db upgrade` run?")
    except (EOFError, zlib.error, csv.Error) as error:
        say(f"the file is broken: {error}")
    except OSError as error:
        say(f"{error.filename or 'file'}: {error.strerror or error}")
    except (RecsysError, ValueError) as error:
        say(str(error))
    except KeyboardInterrupt:
        say("stopped; nothing half-made was published")
    return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m recsys", description=(__doc__ or "").splitlines()[0]
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add_to(commands)
    return parser


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).splitlines()[0] if error.orig else str(error)


if __name__ == "__main__":
    sys.exit(main())
