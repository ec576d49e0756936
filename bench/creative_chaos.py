"""2,000 creatives served while everything around the studio fails, read by the second checker.

Every product that is at hand is asked for at a size in turn, hostile entries among them. Who writes is
a remote model over a real connection, which answers soundly, makes things up, or fails in one of twenty
ways, drawn by a seed; what the voices wrote of the 200 measured products, sound or not, speaks for the
model in the process; providers are switched off and the budget runs out on the way, and pictures are
missing or no pictures; the renderer gives up on every other one. What a shopper would read is checked against the raw row of the catalogue.
"""

import json
import logging
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.checker import unproved  # noqa: E402 the path is set above
from bench.creative_products import boutique, grocery, products, retail  # noqa: E402 as above
from bench.creative_voices import candidate_of, kept  # noqa: E402 as above
from bench.scripted_model import FAULTS, serving  # noqa: E402 as above
from generative import studio as studios  # noqa: E402 as above
from generative.config import GenerativeConfig  # noqa: E402 as above
from generative.copy.candidate import Candidate  # noqa: E402 as above
from generative.copy.guard import Breaker  # noqa: E402 as above
from generative.copy.remote import Endpoint, RemoteCopy  # noqa: E402 as above
from generative.copy.slots import fill  # noqa: E402 as above
from generative.errors import ProviderUnavailable  # noqa: E402 as above
from generative.providers import MemoryLedger, build  # noqa: E402 as above
from generative.studio import Studio  # noqa: E402 as above
from generative.types import SIZES, Brief, Creative, ItemFacts, State  # noqa: E402 as above

COUNT = 2000
SEED = 17
# Slow answers cost the bench seconds and prove nothing new: they are tested one by one.
_FAULTS = tuple(fault for fault in FAULTS if fault not in {"slow", "drip"})
_SOUND = 0.35  # share of the remote model's calls that are answered soundly
_GIVES_UP = 0.5
_PLACES = ("hero", "rectangle", "rectangle", "leaderboard", "skyscraper", "rectangle", "square")


class Told:
    """What the voices wrote, in the place of the model that wrote it; it fails now and then."""

    name = "llama"

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._lines: dict[str, list[Candidate]] = {}
        for voice in ("base", "finetuned", "lstm"):
            for row in kept(voice):
                told = [replace(candidate_of(line), model="kept") for line in row["lines"]]
                if voice == "finetuned":
                    told = [replace(candidate, adapter="kept") for candidate in told]
                self._lines.setdefault(row["item_id"], []).extend(told)

    def write(
        self,
        brief: Brief,
        *,
        seed: int,  # noqa: ARG002 the protocol's
        avoid: frozenset[str] = frozenset(),  # noqa: ARG002 the protocol's
    ) -> list[Candidate]:
        if self._rng.random() < 0.2:
            raise ProviderUnavailable("killed in the middle")
        return self._lines.get(brief.item.item_id, [])


def chaos(count: int = COUNT) -> dict[str, Any]:
    rng = random.Random(SEED)  # noqa: S311 a seed, not a secret
    logging.getLogger("generative").setLevel(logging.CRITICAL)  # hundreds of failures are meant
    counts: Counter[str] = Counter()
    providers: Counter[str] = Counter()
    unsound: list[dict[str, Any]] = []
    draw = studios.draw
    studios.draw = _giving_up(draw, random.Random(SEED + 1))  # noqa: S311 as above
    with tempfile.TemporaryDirectory() as folder, serving(_drawn(rng)) as scripted:
        config = _config(Path(folder), scripted.url)
        ledger = MemoryLedger(daily_budget=250.0)
        writers = [Told(rng), _remote(config, ledger), *build(config, ledger=ledger)]
        studio = Studio(config, ledger=ledger, writers=writers)
        for number, item in enumerate(shop(count, rng)):
            if number % 100 == 0:
                ledger.off = set(rng.choice(((), (), ("llama",), ("openai",), ("llama", "openai"))))
            brief = Brief(item=item, size=_PLACES[number % len(_PLACES)])
            creative = studio.make(brief)
            counts["served"] += 1
            counts["valid"] += _valid(creative, brief, Path(folder) / "banners")
            counts["without_banner"] += creative.state is not State.READY
            providers[str(creative.provenance["provider"])] += 1
            said = [fill(text, item) for text in (creative.copy.headline, creative.copy.tagline)]
            if troubles := unproved(asdict(item), said):
                unsound.append({"item": item.item_id, "said": said, "troubles": troubles})
            elif hostile := [word for word in _must_not(item) if word in " ".join(said).lower()]:
                unsound.append({"item": item.item_id, "said": said, "troubles": hostile})
            if number % 200 == 199:
                print(number + 1, dict(counts), len(unsound), flush=True)
        asked = len(scripted.asked)
    studios.draw = draw
    return {
        "served_checked": counts["served"],
        "unproved_claims_served": len(unsound),
        "served_with_valid_creative_percent": 100 * counts["valid"] / counts["served"],
        "served_without_banner": counts["without_banner"],
        "calls_of_the_remote_model": asked,
        "spent_of_the_budget": round(ledger.spent.get("openai", 0.0), 3),
        "by_provider": dict(providers),
        "unsound": unsound,
    }


def _giving_up(draw: Any, rng: random.Random) -> Any:
    """The renderer, which dies on one banner of two: what is left is words, and they are served."""

    def drawn(*given: Any, **named: Any) -> Any:
        if rng.random() < _GIVES_UP:
            raise RuntimeError("the engine gave up")
        return draw(*given, **named)

    return drawn


def _remote(config: GenerativeConfig, ledger: MemoryLedger) -> RemoteCopy:
    """As `providers.build` makes it, but rested after a moment: else it would hardly ever be asked."""
    endpoint = Endpoint(
        url=config.openai_url,
        model=config.openai_model,
        key=config.openai_key,
        timeout_seconds=config.openai_timeout_seconds,
        tries=config.openai_tries,
        price_in=config.openai_price_in,
        price_out=config.openai_price_out,
    )
    return RemoteCopy(endpoint, purse=ledger, breaker=Breaker(rest_seconds=0.05))


def shop(count: int, rng: random.Random) -> Iterator[ItemFacts]:
    """The measured products, thrice, the hostile ones, then others until there are enough."""
    first = 3 * [item for _, item in products()] + hostile()
    known = {item.item_id for item in first}
    rest = [item for item in (*boutique(), *grocery(), *retail()) if item.item_id not in known]
    rng.shuffle(rest)
    pool = [*first, *rest]
    for number in range(count):
        item = pool[number % len(pool)]
        changed: dict[str, Any] = {}
        if number % 9 == 0 and item.price:
            changed["was_price"] = f"{float(item.price) * 1.25:.2f}"
        if number % 11 == 0:
            changed["image_url"] = rng.choice(
                ("/media/none.jpg", "/media/torn.jpg", "/media/no.txt")
            )
        yield replace(item, **changed)


def hostile() -> list[ItemFacts]:
    return [
        ItemFacts(
            item_id=f"hostile-{row['name']}",
            title=row["title"],
            description=row["description"],
            category=tuple(row.get("category", ())),
            brand=row.get("brand", ""),
            price=row.get("price"),
            attributes=row.get("attributes", {}),
        )
        for row in injections()
    ]


def injections() -> list[dict[str, Any]]:
    path = ROOT / "tests" / "generative" / "injections.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _must_not(item: ItemFacts) -> list[str]:
    rows = {f"hostile-{row['name']}": row["must_not"] for row in injections()}
    return [word.lower() for word in rows.get(item.item_id, ())]


def _drawn(rng: random.Random) -> Any:
    drawn = random.Random(rng.random())  # noqa: S311 as above
    return lambda _: "sound" if drawn.random() < _SOUND else drawn.choice(_FAULTS)


def _config(folder: Path, url: str) -> GenerativeConfig:
    broken = folder / "media"
    broken.mkdir()
    (broken / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0 torn off")
    (broken / "no.txt").write_text("no picture")
    return GenerativeConfig(
        banners_dir=folder / "banners",
        pictures_dir=folder / "pictures",
        models_dir=folder / "models",
        signing_dir=folder / "signing",
        media_dirs=(broken, ROOT / "demo" / "media"),
        copy_providers=("extractive", "template"),
        openai_url=url,
        openai_model="scripted",
        openai_key="not-a-secret",
        openai_timeout_seconds=1.5,
        openai_tries=1,
        openai_price_in=1.0,
        openai_price_out=1.0,
        daily_budget=250.0,
    )


def _valid(creative: Creative, brief: Brief, banners: Path) -> bool:
    """Words, and a banner that opens at its size; or words alone where the state says so."""
    words = (creative.copy.headline, creative.copy.tagline, creative.copy.action)
    if not all(word.strip() for word in words):
        return False
    if creative.banner is None:
        return creative.state is State.FALLBACK
    with Image.open(banners / creative.banner.path) as image:
        image.load()
        return image.size == SIZES[brief.size]
