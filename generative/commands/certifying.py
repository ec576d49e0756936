"""`certificate`: the key and certificates with which pictures are signed."""

import argparse

from generative.config import GenerativeConfig
from generative.marking import certificate
from generative.marking.certificate import CHAIN, KEY, ROOT, ROOT_KEY


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "certificate", help="make the key and certificates that sign pictures, or renew the leaf"
    )
    parser.add_argument("--name", help="the shop's name in them; VITRINE_BRAND_NAME by default")
    parser.add_argument("--days", type=int, default=397, help="how long the leaf holds (397)")
    parser.add_argument("--renew", action="store_true", help="a new leaf under the root there is")
    parser.set_defaults(command=_certify)


def _certify(options: argparse.Namespace, config: GenerativeConfig) -> int:
    folder = config.signing_dir
    if (folder / KEY).exists() and not options.renew:
        print(f"{folder / KEY} is there, until {certificate.ends(folder):%Y-%m-%d}: --renew it")
        return 1
    if options.days < 1:
        print("--days must be above zero")
        return 2
    end = certificate.make(folder, options.name or config.brand_name, days=options.days)
    print(f"{folder}: {KEY} (readable by you alone) and {CHAIN} sign pictures until {end:%Y-%m-%d}")
    print(f"publish {ROOT}, so that others can trust it; move {ROOT_KEY} to a safe place offline")
    return 0
