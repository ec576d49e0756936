"""Shops of any size for the serving benches: a catalogue, shoppers with histories, a trained model.

The shop and its linear branch are those of `bench/retrieval.py`: every shopper has three tastes.
The encoder is as wide as a trained one (600 -> 200): its embeddings carry the linear branch's
directions and as much noise, and its last layer is fitted so that what it makes of real histories
points where the linear branch does. The neighbours are cosines of the same deeds. Everything is
written once to a folder, a database and a published model, and used again.
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert

from bench import retrieval
from recsys.catalogue import items as catalogue
from recsys.database import connect, writing
from recsys.learning import bundle as bundles
from recsys.learning.bundle import ModelBundle
from recsys.merchandising import store
from recsys.merchandising.steering import Steering
from recsys.merchandising.types import Placement
from recsys.models import histories, neighbours
from recsys.models.encoder import Encoder
from recsys.models.fusion import Fused
from recsys.models.neighbours import Neighbours
from recsys.serving import registry
from recsys.tables import EventRow, ItemRow
from recsys.types import Dials

SEED = 20261123
NOW = datetime(2026, 11, 20, tzinfo=UTC)
VERSION = "20261120T000000Z-{name:0>8}"
HIDDEN, LATENT = 600, 200
NEIGHBOURS = 50
DEEDS = 50  # of each shopper who is asked for
LENGTHS = (1, 5, 20, 100, 200)  # of the shoppers who show what a longer history costs
EACH_LENGTH = 200
_BATCH = 20_000
_TAUGHT = 8_000  # histories that the last layer is fitted on
_LIFT = np.float32(3.0)  # how far pooled embeddings reach into the bend of the activation

Floats = NDArray[np.float32]


def users(n_users: int) -> list[str]:
    return [f"u{number}" for number in range(n_users)]


def users_of_length(length: int) -> list[str]:
    return [f"h{length}-{number}" for number in range(EACH_LENGTH)]


# --- the catalogue and the deeds


def fill(database_url: str, n_items: int, n_users: int) -> None:
    """Write the items and the events; the tables are there already."""
    engine = connect(database_url)
    with writing(engine) as session:
        revision = catalogue.next_revision(session)
        for rows in _batches(_item(number, n_items, revision) for number in range(n_items)):
            session.execute(insert(ItemRow), rows)
    draw = np.random.default_rng(SEED)
    with writing(engine) as session:
        made = deeds(n_items, n_users, DEEDS, draw)
        for rows in _batches(_events(users(n_users), made)):
            session.execute(insert(EventRow), rows)
        for length in LENGTHS:
            made = deeds(n_items, EACH_LENGTH, length, draw)
            for rows in _batches(_events(users_of_length(length), made)):
                session.execute(insert(EventRow), rows)
    engine.dispose()


def turn(database_url: str, name: str) -> None:
    """A placement with a dial turned a little, so that 200 candidates are put in order again."""
    turned = Placement(name=name, banner="rectangle", dials=Dials(novelty=0.05))
    engine = connect(database_url)
    with writing(engine) as session:
        if name not in store.refresh(session, Steering()).placements:
            store.put(session, turned, who="bench", now=datetime.now(UTC))
    engine.dispose()


def deeds(n_items: int, n_users: int, each: int, draw: Any) -> NDArray[np.int64]:
    """What shoppers did, as in `retrieval.shop`: item rows (U, each)."""
    n_tastes = int(3 * np.sqrt(n_items))
    of_taste = n_items // n_tastes
    popular = np.arange(1, n_tastes + 1) ** -0.6
    own = draw.choice(n_tastes, (n_users, 3), p=popular / popular.sum())
    which = draw.choice(3, (n_users, each), p=[0.6, 0.3, 0.1])
    place = (of_taste ** draw.random((n_users, each)) - 1).astype(np.int64)
    items = np.take_along_axis(own, which, axis=1) * of_taste + place
    anywhere = (n_items ** draw.random((n_users, each))).astype(np.int64) * 7919 % n_items
    return np.asarray(np.where(draw.random(items.shape) < 0.1, anywhere, items), np.int64)


def _item(number: int, n_items: int, revision: int) -> dict[str, Any]:
    taste = number // (n_items // int(3 * math.sqrt(n_items)))
    price = Decimal(199 + (number * 7919) % 9_800) / 100
    return {
        "item_id": f"i{number}",
        "title": f"Product number {number} of aisle {taste}",
        "description": "A made-up product with a sentence of description, as shops have them.",
        "category": ["Shop", f"Department {taste % 40}", f"Aisle {taste}"],
        "brand": f"Brand {(taste * 7 + number % 5) % 2_000}",
        "price": price,
        "currency": "EUR",
        "image_url": f"/media/{number % 100}.jpg",
        "url": f"/p/{number}",
        "stock": 10,
        "attributes": {"colour": ("red", "green", "blue")[number % 3]},
        "created_at": NOW - timedelta(minutes=number),
        "revision": revision,
    }


def _events(user_ids: list[str], made: NDArray[np.int64]) -> Iterator[dict[str, Any]]:
    each = made.shape[1]
    for user_id, rows in zip(user_ids, made.tolist(), strict=True):
        for place, row in enumerate(rows):
            yield {
                "event_id": f"{user_id}-{place}",
                "user_id": user_id,
                "item_id": f"i{row}",
                "kind": "purchase" if place % 5 == 0 else "view",
                "at": NOW - timedelta(hours=each - place),
                "quantity": 1,
            }


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


# --- the model


def publish(
    artifacts: Path,
    n_items: int,
    *,
    name: str,
    state: Path | None,
    item_ids: tuple[str, ...] | None = None,
) -> ModelBundle:
    """Train, publish and promote; trained vectors are kept in `state`.

    `item_ids` are another catalogue's for the same rows.
    """
    past, _ = retrieval.shop(n_items)
    fused = _fused(past, n_items, state)
    asked = np.random.default_rng(SEED + 1).choice(past.shape[0], 256, replace=False)
    nothing = neighbours.empty(n_items)
    bundle = bundles.assemble(
        version=VERSION.format(name=name),
        fused=fused,
        item_ids=item_ids or tuple([f"i{number}" for number in range(n_items)]),
        popularity=np.asarray(past.sum(axis=0), np.float32).ravel(),
        neighbours=nothing,
        together=nothing,
        manifest={"created_at": NOW.isoformat(), "metrics": {}},
        shoppers=histories.from_matrix(past).take(asked),
    )
    registry.publish(artifacts, bundle)
    registry.promote(artifacts, bundle.version)
    return bundle


def _fused(past: Any, n_items: int, state: Path | None) -> Fused:
    """All three branches; dense and linear scores spread alike, the neighbours half as far."""
    linear = retrieval.trained(n_items, past, state)
    branch = linear.linear
    if branch is None:
        raise SystemExit("the shop's linear branch is missing")
    draw = np.random.default_rng(SEED + 2)
    encoder, vectors = _dense(past, branch.project, branch.items, draw)
    listed = neighbours.cosine(past, k=NEIGHBOURS)
    return Fused(
        bias=linear.bias,
        encoder=encoder,
        vectors=vectors,
        linear=branch,
        neighbours=Neighbours(lent=neighbours.lend(listed), input=branch.input),
        dense_weight=1.0,
        linear_weight=1.0,
        neighbour_weight=0.5,
    )


def _dense(past: Any, project: Floats, items: Floats, draw: Any) -> tuple[Encoder, Floats]:
    """An encoder (I, 600) -> 200 and its decoder (I, 201), taught what the linear branch says."""
    rank = project.shape[1]
    spread = draw.normal(0, 1, (rank, HIDDEN)).astype(np.float32) / np.float32(math.sqrt(rank))
    scale = _LIFT / np.float32(project.std() * math.sqrt(DEEDS))
    embedding = project @ (spread * scale)
    block = 1 << 16
    for start in range(0, len(embedding), block):  # noise as strong as what is said, in blocks
        part = embedding[start : start + block]
        part += draw.standard_normal(part.shape, dtype=np.float32) * part.std()
    turn = np.linalg.qr(draw.normal(size=(LATENT, rank)))[0].astype(np.float32)  # (200, r)
    taught = past[np.sort(draw.choice(past.shape[0], _TAUGHT, replace=False))]
    one, nought = np.ones(HIDDEN, np.float32), np.zeros(HIDDEN, np.float32)
    blank = Encoder(
        embedding=embedding,
        input_bias=nought,
        blocks=(),
        norms=((one, nought),),
        mean_weight=np.eye(HIDDEN, dtype=np.float32),
        mean_bias=nought,
    )
    bent = blank.encode_weighted(
        histories.from_matrix(taught)
    )  # (U, 600), what the last layer reads
    wanted = np.asarray(taught @ project, np.float32) @ turn.T  # (U, 200)
    weight = np.linalg.lstsq(bent, wanted, rcond=1e-4)[0].T.astype(np.float32)
    encoder = Encoder(
        embedding=embedding,
        input_bias=nought,
        blocks=(),
        norms=((one, nought),),
        mean_weight=np.ascontiguousarray(weight),
        mean_bias=np.zeros(LATENT, np.float32),
    )
    vectors = np.zeros((len(items), LATENT + 1), np.float32)
    vectors[:, :LATENT] = items @ turn.T
    return encoder, vectors
