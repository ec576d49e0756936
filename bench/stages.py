"""One request taken apart in this process, without a server: CPU milliseconds of each of its parts.

A part's time is its own: what it calls and what is itself a part is taken out. `http` is what is
left: the key, the headers, the count. Run by `bench/serving.py`; it also fills the cache with a creative
for every item that these shoppers will be shown, so that the figures are of a warm shop.
"""

import argparse
import importlib
import io
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

# What is timed: where it is looked up at a call, and the part it belongs to.
PARTS = (
    ("api.parsing", "query", "parsing"),
    ("api.recommending.wishes:RecommendQuery", "ask", "parsing"),
    ("api.recommending.looking", "read", "history"),
    ("recsys.serving.personas", "persona_of", "persona"),
    ("api.recommending.slates", "settle", "settling"),
    ("api.recommending.opening", "look", "opening"),
    ("api.recommending.rotating", "keep", "rotation"),
    ("recsys.serving.policies", "allowed", "eligibility"),
    ("recsys.serving.shopper", "understand", "encode"),
    ("recsys.serving.index", "candidates", "search"),
    ("recsys.serving.retrieval", "best", "fuse"),
    ("recsys.serving.ordering", "order", "rules"),
    ("recsys.serving.explain", "causes", "reasons"),
    ("recsys.serving.ranking", "rank", "ranking"),
    ("generative.cache:RedisCache", "ask", "redis"),
    ("generative.cache:RedisCache", "found", "redis"),
    ("api.recommending.creatives", "Look", "creatives"),
    ("api.recommending.creatives", "as_fragments", "creatives"),
    ("api.recommending.keeping", "keep", "ledger"),
    ("api.recommending.slates", "dressed", "presentation"),
    ("api.recommending.slates", "answer", "presentation"),
    ("api.parsing", "written", "json"),
    ("api.parsing", "answer", "json"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("requests", type=Path, help="{variant: [path, ...]}")
    parser.add_argument("key")
    parser.add_argument("--turns", type=int, default=2_000)
    parser.add_argument("--warm", nargs="*", default=[], help="variants whose items get a creative")
    parser.add_argument("--stages", nargs="*", default=[], help="variants that are taken apart")
    options = parser.parse_args()
    asked: dict[str, list[str]] = json.loads(options.requests.read_text())
    from api import create_app  # noqa: PLC0415 after the environment is set

    app = create_app()
    here = app.extensions["vitrine"]
    call = caller(app, options.key)
    warmed = sum(warm(here, call, asked[name]) for name in options.warm)
    found: dict[str, Any] = {"creatives_warmed": warmed}
    found["whole"] = {name: whole(call, paths, options.turns) for name, paths in asked.items()}
    take_apart(spent := defaultdict(float))
    found["stages"] = {
        name: stages(call, paths, options.turns, spent, whole_ms=found["whole"][name])
        for name, paths in asked.items()
        if name in options.stages
    }
    found["search_alone_cpu_ms"] = search_alone(here)
    found["store_alone_cpu_ms"] = store_alone(here, call, asked["page"])
    here.close()
    json.dump(found, sys.stdout)


def caller(app: Any, key: str) -> Callable[[str], bytes]:
    """Calls the app as a server would, without making a request from a client's point of view."""

    def call(path: str) -> bytes:
        where, _, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": where,
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "127.0.0.1",
            "HTTP_X_API_KEY": key,
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        answered = app(environ, lambda *_: None)
        body = b"".join(answered)
        if hasattr(answered, "close"):
            answered.close()
        return body

    return call


def warm(here: Any, call: Callable[[str], bytes], paths: Sequence[str]) -> int:
    """Leave a ready creative under every key that these requests ask for; how many were made."""
    from generative.cache import from_json, to_json  # noqa: PLC0415 as in `main`

    look, made = here.cache.found, 0

    def filled(keys: Sequence[str], asked: Any) -> list[bytes | None]:
        nonlocal made
        values = look(keys, asked)
        for place, key in enumerate(keys):
            value = values[place]
            if value is None or from_json(value) is None:  # none, or an older release's
                creative = _ready(key)
                here.cache.put(creative)
                values[place] = to_json(creative)
                made += 1
        return list(values)

    here.cache.found = filled
    for path in paths:
        call(path)
    del here.cache.found
    return made


def _ready(key: str) -> Any:
    """A creative as a worker leaves it, of the usual size."""
    from generative.types import Banner, Copy, Creative, State  # noqa: PLC0415 as in `main`

    return Creative(
        key=key,
        item_id=f"item-of-{key}",
        size="rectangle",
        state=State.READY,
        copy=Copy(headline="A product of some name", tagline="Picked for you.", action="Shop now"),
        banner=Banner(path=f"{key}.jpg", sha256="0" * 64, width=300, height=250),
        provenance={"provider": "extractive", "seed": 0, "sources": ["title", "brand", "category"]},
        checks={"support": 1.0, "tried": 1, "refused": [], "banner": {"passed": True}},
    )


def whole(call: Callable[[str], bytes], paths: Sequence[str], turns: int) -> float:
    """CPU milliseconds of a request: each path is a shopper's, and none is asked twice in a row."""
    for path in paths[: turns // 4]:
        call(path)
    started = time.thread_time()
    for turn in range(turns):
        call(paths[turn % len(paths)])
    return round(1000 * (time.thread_time() - started) / turns, 4)


def take_apart(spent: dict[str, float]) -> None:
    """Put a clock around every part; a part that this version does not have is left out."""
    inside: list[float] = []

    def clocked(inner: Callable[..., Any], part: str) -> Callable[..., Any]:
        @wraps(inner)
        def outer(*args: Any, **kwargs: Any) -> Any:
            inside.append(0.0)
            started = time.thread_time()
            try:
                return inner(*args, **kwargs)
            finally:
                taken = time.thread_time() - started
                spent[part] += taken - inside.pop()
                if inside:
                    inside[-1] += taken

        return outer

    for where, name, part in PARTS:
        module, _, owner = where.partition(":")
        try:
            place = importlib.import_module(module)
        except ImportError:
            print(f"no {where}: {part} is not told apart", file=sys.stderr)
            continue
        place = getattr(place, owner) if owner else place
        if not hasattr(place, name):
            print(f"no {where}.{name}: {part} is not told apart", file=sys.stderr)
            continue
        setattr(place, name, clocked(getattr(place, name), part))


def stages(
    call: Callable[[str], bytes],
    paths: Sequence[str],
    turns: int,
    spent: dict[str, float],
    *,
    whole_ms: float,
) -> dict[str, float]:
    for path in paths[: turns // 4]:
        call(path)
    spent.clear()
    started = time.thread_time()
    for turn in range(turns):
        call(paths[turn % len(paths)])
    clocked = 1000 * (time.thread_time() - started) / turns
    found = {part: round(1000 * seconds / turns, 4) for part, seconds in spent.items()}
    found["http"] = round(clocked - sum(found.values()), 4)
    return found | {"all": whole_ms, "all_with_clocks": round(clocked, 4)}


def search_alone(here: Any, turns: int = 500, k: int = 200) -> float:
    """CPU milliseconds of FAISS alone: the index asked for `k`, one query at a time."""
    import numpy as np  # noqa: PLC0415 as in `main`

    bundle = here.handle.get()
    index = bundle.index
    rows = np.random.default_rng(0).choice(len(bundle.item_ids), (turns, 20))
    queries = np.zeros((turns, index.d), np.float32)
    for place, taken in enumerate(rows):
        queries[place, : bundle.vectors.shape[1]] = bundle.vectors[taken].mean(axis=0)
    wanted = min(k, len(bundle.item_ids))
    index.search(queries[:1], wanted)
    started = time.thread_time()
    for place in range(turns):
        index.search(queries[place : place + 1], wanted)
    return round(1000 * (time.thread_time() - started) / turns, 4)


def store_alone(here: Any, call: Callable[[str], bytes], paths: Sequence[str]) -> float:
    """CPU milliseconds of a request's commands to Redis, sent and read again with nothing between."""
    from generative.line import Line  # noqa: PLC0415 as in `main`

    said: list[tuple[tuple[Any, ...], ...]] = []
    ask = Line.ask

    def heard(line: Any, *commands: tuple[Any, ...]) -> Any:
        said.append(commands)
        return ask(line, *commands)

    Line.ask = heard  # type: ignore[method-assign]
    turns = len(paths[:1_000])
    for path in paths[:turns]:
        call(path)
    Line.ask = ask  # type: ignore[method-assign]
    line = Line(here.client)
    started = time.thread_time()
    for commands in said:
        line.answers(line.ask(*commands))
    return round(1000 * (time.thread_time() - started) / turns, 4)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
