"""`python -m generative brief.json -o banner.jpg`: one creative, with no web, queue or database."""

import argparse
import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from generative.brief import from_json
from generative.cache import as_dict
from generative.config import GenerativeConfig
from generative.studio import Studio


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m generative", description=__doc__)
    parser.add_argument("brief", type=Path, help="a JSON file: item, audience, size, locale")
    parser.add_argument("-o", "--output", type=Path, help="where the JPEG goes")
    parser.add_argument("--size", help="hero or rectangle; the brief's own where left out")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    try:
        brief = from_json(json.loads(options.brief.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{options.brief}: {error!r} (needs item.item_id and item.title)", file=sys.stderr)
        return 2
    if options.size:
        brief = replace(brief, size=options.size)
    config = GenerativeConfig.from_env(os.environ)  # noqa: TID251 the composition root of this command
    creative = Studio(config).make(brief, seed=options.seed)
    if options.output and creative.banner:
        shutil.copyfile(config.banners_dir / creative.banner.path, options.output)
    print(json.dumps(as_dict(creative), indent=2, ensure_ascii=False))
    return 0 if creative.banner else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
