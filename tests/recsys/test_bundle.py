import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recsys.errors import CorruptArtifact
from recsys.learning import bundle as bundles
from recsys.learning.bundle import ModelBundle
from recsys.models import histories, neighbours, text
from recsys.models.text import TextMap


@pytest.fixture
def saved(bundle: ModelBundle, tmp_path: Path) -> Path:
    folder = tmp_path / bundle.version
    bundles.save(bundle, folder)
    return folder


def _resign(folder: Path) -> None:
    """Make the manifest agree with the files again, as a careful stranger would."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for name in manifest["files"]:
        data = (folder / name).read_bytes()
        manifest["files"][name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _edit_manifest(folder: Path, **changes: object) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, **changes}))


def test_a_bundle_survives_the_disk(bundle: ModelBundle, saved: Path) -> None:
    again = bundles.load(saved)

    assert again.item_ids == bundle.item_ids
    assert again.version == bundle.version
    assert (again.vectors == bundle.vectors).all()
    assert (again.popularity == bundle.popularity).all()
    assert (again.trends == bundle.trends).all()
    shopper = histories.from_matrix(np.eye(1, len(bundle.item_ids)))
    assert (again.fused.users(shopper) == bundle.fused.users(shopper)).all()
    for row in range(len(bundle.item_ids)):
        assert again.neighbours.of(row)[0].tolist() == bundle.neighbours.of(row)[0].tolist()
        assert again.together.of(row)[0].tolist() == bundle.together.of(row)[0].tolist()


def test_weights_survive_the_disk_to_the_bit(drawn, tmp_path: Path) -> None:
    bundle = drawn(4)
    bundles.save(bundle, tmp_path / bundle.version)

    again = bundles.load(tmp_path / bundle.version)

    before, after = bundle.fused.arrays(), again.fused.arrays()
    assert set(before) == set(after)
    assert all(before[name].dtype == after[name].dtype for name in before)
    assert all(before[name].tobytes() == after[name].tobytes() for name in before)
    assert again.vectors.tobytes() == bundle.vectors.tobytes() == again.fused.items().tobytes()


def test_a_branch_without_weight_is_neither_stored_nor_computed(drawn, tmp_path: Path) -> None:
    fused = replace(drawn(4).fused, dense_weight=0.0, neighbour_weight=0.0)
    listed = neighbours.empty(300)
    bundle = bundles.assemble(
        version="20260301T000000Z-aaaaaa",
        fused=fused,
        item_ids=tuple(f"i{row:04}" for row in range(300)),
        popularity=np.ones(300, np.float32),
        neighbours=listed,
        together=listed,
        manifest={},
    )

    bundles.save(bundle, tmp_path / bundle.version)

    again = bundles.load(tmp_path / bundle.version).fused
    assert (again.encoder, again.vectors, again.neighbours) == (None, None, None)
    assert bundle.vectors.shape == (300, 6)
    assert not (tmp_path / bundle.version / "encoder_embedding.npy").exists()


def _text_map(n_items: int, width: int) -> TextMap:
    draw = np.random.default_rng(1)
    texts = draw.normal(size=(n_items, 24)).astype(np.float32)
    vectors = draw.normal(size=(n_items, width)).astype(np.float32)
    ones = np.ones(n_items, np.float32)
    return TextMap(
        encoder="made-up",
        mean=texts.mean(axis=0),
        columns=text.directions(texts, 5),
        weight=text.fit_map(texts, vectors, ones, penalty=1.0),
        known=texts[:, :5].copy(),
    )


def test_a_map_of_texts_travels_with_the_model(drawn, tmp_path: Path) -> None:
    bundle = replace(drawn(4), text=_text_map(300, 12))
    bundles.save(bundle, tmp_path / bundle.version)

    again = bundles.load(tmp_path / bundle.version).text

    assert bundle.text is not None
    assert again is not None
    before, after = bundle.text.arrays(), again.arrays()
    assert all(before[name].tobytes() == after[name].tobytes() for name in before)


@pytest.mark.parametrize(("n_items", "width"), [(299, 12), (300, 11)])
def test_a_map_of_another_model_is_refused(drawn, tmp_path: Path, n_items, width) -> None:
    bundle = replace(drawn(4), text=_text_map(n_items, width))
    bundles.save(bundle, tmp_path / bundle.version)

    with pytest.raises(CorruptArtifact, match="text map"):
        bundles.load(tmp_path / bundle.version)


@pytest.mark.parametrize("name", [f"{name}.npy" for name in bundles.MATRICES])
@pytest.mark.parametrize("harm", ["changed", "gone", "truncated", "pickled"])
def test_a_harmed_matrix_is_refused(drawn, tmp_path: Path, name: str, harm: str) -> None:
    bundle = drawn(4)
    folder = tmp_path / bundle.version
    bundles.save(bundle, folder)
    data = (folder / name).read_bytes()
    if harm == "gone":
        (folder / name).unlink()
    elif harm == "changed":
        (folder / name).write_bytes(data[:-1] + bytes([data[-1] ^ 0xFF]))
    elif harm == "truncated":
        (folder / name).write_bytes(data[: len(data) // 2])
        _resign(folder)
    else:
        np.save(folder / name, np.array([_Bomb()], dtype=object), allow_pickle=True)
        _resign(folder)

    with pytest.raises(CorruptArtifact):
        bundles.load(folder)


def test_the_manifest_tells_what_made_the_model(saved: Path) -> None:
    manifest = json.loads((saved / "manifest.json").read_text())

    assert manifest["format"] == bundles.FORMAT
    assert set(manifest["files"]) >= set(bundles.FILES)
    assert set(manifest["files"]) == {path.name for path in saved.iterdir()} - {"manifest.json"}
    assert manifest["data"]["events"] == 1_200
    assert manifest["config"]["hidden"] == 32
    assert manifest["metrics"]["candidate"]["ndcg@20"] > 0


def test_an_empty_bundle_knows_nothing() -> None:
    empty = ModelBundle.empty()

    assert (empty.item_ids, empty.index.ntotal, len(empty.vectors)) == ((), 0, 0)


@pytest.mark.parametrize("name", bundles.FILES)
def test_a_changed_file_is_refused(saved: Path, name: str) -> None:
    data = bytearray((saved / name).read_bytes())
    data[len(data) // 2] ^= 0xFF
    (saved / name).write_bytes(data)

    with pytest.raises(CorruptArtifact, match="changed"):
        bundles.load(saved)


@pytest.mark.parametrize("name", bundles.FILES)
def test_a_truncated_file_is_refused(saved: Path, name: str) -> None:
    data = (saved / name).read_bytes()
    (saved / name).write_bytes(data[: len(data) // 2])

    with pytest.raises(CorruptArtifact, match=name):
        bundles.load(saved)


@pytest.mark.parametrize("name", bundles.FILES)
def test_a_truncated_file_is_refused_even_when_its_hash_agrees(saved: Path, name: str) -> None:
    data = (saved / name).read_bytes()
    (saved / name).write_bytes(data[: len(data) // 2])
    _resign(saved)

    with pytest.raises(CorruptArtifact):
        bundles.load(saved)


@pytest.mark.parametrize("name", [*bundles.FILES, "manifest.json"])
def test_a_missing_file_is_refused(saved: Path, name: str) -> None:
    (saved / name).unlink()

    with pytest.raises(CorruptArtifact, match=name):
        bundles.load(saved)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 99}', "\x00\x01", "[" * 100_000, "null"]
)
def test_a_foreign_manifest_is_refused(saved: Path, text: str) -> None:
    (saved / "manifest.json").write_text(text)

    with pytest.raises(CorruptArtifact):
        bundles.load(saved)


def test_an_oversized_manifest_is_refused(saved: Path) -> None:
    _edit_manifest(saved, padding="x" * (1 << 20))

    with pytest.raises(CorruptArtifact, match="too large"):
        bundles.load(saved)


def test_a_manifest_of_another_version_is_refused(saved: Path) -> None:
    _edit_manifest(saved, version="20200101T000000Z-000000")

    with pytest.raises(CorruptArtifact, match="20200101"):
        bundles.load(saved)


@pytest.mark.parametrize("files", [None, [], {}, {"../LIVE": {}}])
def test_a_manifest_that_lists_other_files_is_refused(saved: Path, files: object) -> None:
    _edit_manifest(saved, files=files)

    with pytest.raises(CorruptArtifact, match="does not list"):
        bundles.load(saved)


class _Bomb:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return Path.touch, (Path("exploded"),)


def test_a_pickle_is_never_opened(saved: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez(saved / "signals.npz", popularity=np.array([_Bomb()], dtype=object))
    _resign(saved)

    with pytest.raises(CorruptArtifact):
        bundles.load(saved)

    assert not (tmp_path / "exploded").exists()


def test_a_compressed_archive_is_refused_unread(saved: Path) -> None:
    np.savez_compressed(saved / "fused.npz", bias=np.zeros((1_000_000,), np.float32))
    _resign(saved)

    with pytest.raises(CorruptArtifact, match="compressed"):
        bundles.load(saved)


def test_parts_of_two_models_are_refused(bundle: ModelBundle, saved: Path) -> None:
    fewer = bundle.item_ids[:-1]
    (saved / "items.json").write_text(json.dumps(fewer))
    _resign(saved)

    with pytest.raises(CorruptArtifact):
        bundles.load(saved)


def test_repeated_item_ids_are_refused(bundle: ModelBundle, saved: Path) -> None:
    (saved / "items.json").write_text(json.dumps([bundle.item_ids[0]] * len(bundle.item_ids)))
    _resign(saved)

    with pytest.raises(CorruptArtifact, match="item ids"):
        bundles.load(saved)


def test_numbers_that_are_not_finite_are_refused(bundle: ModelBundle, tmp_path: Path) -> None:
    broken = replace(bundle, popularity=np.full_like(bundle.popularity, np.nan))
    bundles.save(broken, tmp_path / bundle.version)

    assert not bundles.is_finite(broken)
    with pytest.raises(CorruptArtifact, match="finite"):
        bundles.load(tmp_path / bundle.version)


def test_a_bundle_from_before_there_were_trends_has_none(bundle: ModelBundle, saved: Path) -> None:
    with np.load(saved / "signals.npz") as stored:
        older = {name: stored[name] for name in stored.files if name != "trends"}
    np.savez(saved / "signals.npz", **older)
    _resign(saved)

    assert bundles.load(saved).trends.tolist() == [0] * len(bundle.item_ids)


def test_a_list_that_points_outside_the_catalogue_is_refused(
    bundle: ModelBundle, tmp_path: Path
) -> None:
    strayed = replace(bundle.neighbours, indices=bundle.neighbours.indices + 1_000)
    bundles.save(replace(bundle, neighbours=strayed), tmp_path / bundle.version)

    with pytest.raises(CorruptArtifact, match="not there"):
        bundles.load(tmp_path / bundle.version)


def test_another_kind_of_index_is_refused(saved: Path) -> None:
    import faiss

    other = faiss.IndexFlatL2(9)
    other.add(np.zeros((40, 9), np.float32))
    faiss.write_index(other, str(saved / "items.faiss"))
    _resign(saved)

    with pytest.raises(CorruptArtifact, match="inner-product"):
        bundles.load(saved)


def test_nothing_at_all_is_refused(tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "nothing", ignore_errors=True)

    with pytest.raises(CorruptArtifact):
        bundles.load(tmp_path / "nothing")
