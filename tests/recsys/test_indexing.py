"""An index must be exact where it says so, and meet its recall where it does not."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recsys.errors import CorruptArtifact
from recsys.learning import bundle as bundles
from recsys.learning import indexing
from recsys.learning.bundle import ModelBundle, assemble
from recsys.learning.indexing import IndexKind
from recsys.models import neighbours
from recsys.models.fusion import Fused
from recsys.models.linear import Linear
from recsys.serving import index
from recsys.serving.eligibility import Allowed

N, WIDTH = 6_000, 20


@pytest.fixture(scope="module")
def world() -> tuple[np.ndarray, np.ndarray]:
    """Items of 60 ways and lengths of a power law, as trained ones are, and queries about them."""
    draw = np.random.default_rng(3)
    ways = draw.normal(size=(60, WIDTH))
    items = ways[draw.integers(60, size=N)] + 0.5 * draw.normal(size=(N, WIDTH))
    items *= (np.arange(1, N + 1)[:, None] ** -0.5) * 10
    queries = ways[draw.integers(60, size=200)] + 0.3 * draw.normal(size=(200, WIDTH))
    queries[:, -1] = 1
    return items.astype(np.float32), queries.astype(np.float32)


def _bundle(items: np.ndarray, index_kind: IndexKind) -> ModelBundle:
    n = len(items)
    return assemble(
        version="20260301T000000Z-aaaaaa",
        fused=Fused(bias=items[:, -1], linear=Linear(project=items[:, :-1], items=items[:, :-1])),
        item_ids=tuple(f"i{row}" for row in range(n)),
        popularity=np.ones(n, np.float32),
        neighbours=neighbours.empty(n),
        together=neighbours.empty(n),
        manifest={},
        index_kind=index_kind,
    )


@pytest.fixture(scope="module")
def bundles_by_kind(world) -> dict[IndexKind, ModelBundle]:
    items, queries = world
    made = {kind: _bundle(items, kind) for kind in (IndexKind.FLAT, IndexKind.HALF)}
    for kind in (IndexKind.LISTS, IndexKind.CODES):
        built = indexing.build(items, queries[:100], kind=kind)
        made[kind] = replace(made[IndexKind.HALF], index=built.index)
    return made


@pytest.mark.parametrize(
    ("n_items", "kind"),
    [
        (0, IndexKind.FLAT),
        (5_000, IndexKind.FLAT),
        (5_001, IndexKind.CODES),
        (1_000_000, IndexKind.CODES),
    ],
)
def test_the_kind_follows_the_number_of_items(n_items: int, kind: IndexKind) -> None:
    assert indexing.kind_for(n_items) is kind


@pytest.mark.parametrize("kind", [IndexKind.LISTS, IndexKind.CODES])
def test_lists_are_looked_into_until_the_floor_is_met(world, kind: IndexKind) -> None:
    items, queries = world

    low, high = (
        indexing.build(items, queries[:100], kind=kind, floor=floor) for floor in (0.5, 0.97)
    )

    few, more = (indexing.lists_of(built.index) for built in (low, high))
    assert low.recall >= 0.5
    assert high.recall >= 0.97
    assert few.nprobe < more.nprobe < more.nlist
    assert high.note == {
        "kind": str(kind),
        "recall@100": high.recall,
        "lists": more.nlist,
        "probes": more.nprobe,
    }


@pytest.mark.parametrize("kind", [IndexKind.LISTS, IndexKind.CODES])
def test_without_queries_every_list_is_looked_into(world, kind: IndexKind) -> None:
    items, _ = world

    built = indexing.build(items, np.zeros((0, WIDTH), np.float32), kind=kind)

    listed = indexing.lists_of(built.index)
    assert built.kind is kind
    assert listed.nprobe == listed.nlist


def test_where_codes_miss_the_floor_lists_hold_the_numbers(world) -> None:
    items, queries = world

    built = indexing.build(items, queries[:100], kind=IndexKind.CODES, floor=1.01)

    assert built.note["kind"] == "lists"


@pytest.mark.parametrize(
    ("kind", "floor"),
    [
        (IndexKind.FLAT, 1.0),
        (IndexKind.HALF, 1.0),
        (IndexKind.LISTS, 0.97),
        (IndexKind.CODES, 0.97),
    ],
)
@pytest.mark.parametrize("share", [1.0, 0.9, 0.5, 0.1, 0.01, 0.001])
def test_other_queries_meet_the_floor_under_any_mask(
    world, bundles_by_kind, monkeypatch: pytest.MonkeyPatch, kind, floor: float, share: float
) -> None:
    monkeypatch.setattr(index, "FEW", 50)  # so that the index, not its stand-in, is asked
    (items, queries), bundle = world, bundles_by_kind[kind]
    allowed = np.random.default_rng(1).random(N) < share
    k = min(100, np.count_nonzero(allowed))

    hits = []
    for query in queries[100:]:
        rows, scores = index.search(bundle, query, 100, Allowed.of_mask(allowed))
        exact = np.where(allowed, items.astype(np.float64) @ query, -np.inf)
        assert allowed[rows].all()
        assert len(rows) == k
        assert np.abs(scores - exact[rows]).max() < 1e-3
        assert (np.diff(scores) <= 0).all()
        hits.append(np.isin(rows, np.argsort(-exact)[:k]).mean())

    assert np.mean(hits) >= floor - 1e-4


@pytest.mark.parametrize("kind", [IndexKind.FLAT, IndexKind.LISTS, IndexKind.CODES])
@pytest.mark.parametrize("n_allowed", [1, 6, 120])
def test_what_a_selective_filter_leaves_is_all_scored(
    world, bundles_by_kind, monkeypatch: pytest.MonkeyPatch, kind, n_allowed: int
) -> None:
    monkeypatch.setattr(index, "FEW", 0)
    (items, queries), bundle = world, bundles_by_kind[kind]
    draw = np.random.default_rng(n_allowed)

    for query in queries[100:120]:
        allowed = np.zeros(N, np.bool_)
        allowed[draw.choice(N, n_allowed, replace=False)] = True

        rows, _ = index.search(bundle, query, 20, Allowed.of_mask(allowed))

        exact = np.where(allowed, items.astype(np.float64) @ query, -np.inf)
        assert rows.tolist() == np.argsort(-exact)[: min(20, n_allowed)].tolist()


def test_one_pool_serves_two_indexes(world, bundles_by_kind) -> None:
    (_, queries), everything = world, Allowed.of_mask(np.arange(N) % 7 > 0)
    flat, lists = bundles_by_kind[IndexKind.FLAT], bundles_by_kind[IndexKind.CODES]

    found = [index.search(one, queries[0], 20, everything)[0] for one in (flat, lists, flat)]

    assert found[0].tolist() == found[2].tolist()
    assert np.isin(found[1], found[0]).mean() >= 0.9


def test_few_allowed_rows_are_all_scored_whatever_the_index(world, bundles_by_kind) -> None:
    (items, queries), bundle = world, bundles_by_kind[IndexKind.CODES]
    allowed = np.zeros(N, np.bool_)
    allowed[-4_000:] = True  # the faintest of all: no tuned search would look for them

    rows, _ = index.search(bundle, queries[0], 30, Allowed.of_mask(allowed))

    exact = np.where(allowed, items.astype(np.float64) @ queries[0], -np.inf)
    assert rows.tolist() == np.argsort(-exact)[:30].tolist()


def test_lists_that_run_dry_are_replaced_by_scoring_all(world, bundles_by_kind) -> None:
    (_, queries), bundle = world, bundles_by_kind[IndexKind.CODES]

    rows, _ = index.search(bundle, queries[0], 5_990, Allowed.of_mask(np.ones(N, np.bool_)))

    assert len(set(rows.tolist())) == 5_990


@pytest.mark.parametrize("kind", list(IndexKind))
@pytest.mark.parametrize("mapped", [True, False])
def test_every_kind_survives_the_disk(
    world, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: IndexKind, *, mapped: bool
) -> None:
    items, queries = world
    bundle = _bundle(items, kind)
    monkeypatch.setattr(bundles, "_MAPPED_FROM", 0 if mapped else 1 << 40)
    bundles.save(bundle, tmp_path / bundle.version)

    again = bundles.load(tmp_path / bundle.version)

    assert (again.vectors == bundle.vectors).all()
    assert again.manifest["index"]["kind"] == kind
    everything = np.ones(N, np.bool_)
    for query in queries[:10]:
        one, other = (
            index.search(made, query, 50, Allowed.of_mask(everything)) for made in (bundle, again)
        )
        assert one[0].tolist() == other[0].tolist()
        assert (one[1] == other[1]).all()


@pytest.mark.parametrize(
    ("kind", "claimed"),
    [
        (IndexKind.HALF, "flat"),
        (IndexKind.HALF, "lists"),
        (IndexKind.LISTS, "half"),
        (IndexKind.LISTS, "codes"),
        (IndexKind.CODES, "lists"),
        (IndexKind.FLAT, "half"),
        (IndexKind.FLAT, "hnsw"),
        (IndexKind.FLAT, None),
    ],
)
def test_an_index_that_is_not_what_the_manifest_claims_is_refused(
    world, tmp_path: Path, kind: IndexKind, claimed: str | None
) -> None:
    bundle = _bundle(world[0], kind)
    folder = tmp_path / bundle.version
    bundles.save(bundle, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "index": {"kind": claimed}}))

    with pytest.raises(CorruptArtifact):
        bundles.load(folder)


@pytest.mark.parametrize("probes", [0, 10_000])
@pytest.mark.parametrize("kind", [IndexKind.LISTS, IndexKind.CODES])
def test_an_index_that_looks_into_no_lists_is_refused(
    world, tmp_path: Path, kind: IndexKind, probes: int
) -> None:
    bundle = _bundle(world[0], kind)
    indexing.lists_of(bundle.index).nprobe = probes
    bundles.save(bundle, tmp_path / bundle.version)

    with pytest.raises(CorruptArtifact, match="lists"):
        bundles.load(tmp_path / bundle.version)


def test_searched_vectors_of_another_model_are_refused(world, tmp_path: Path) -> None:
    bundle = _bundle(world[0], IndexKind.HALF)
    strange = replace(bundle, vectors=bundle.vectors[::-1].copy())
    bundles.save(strange, tmp_path / bundle.version)

    with pytest.raises(CorruptArtifact, match="another model"):
        bundles.load(tmp_path / bundle.version)
