"""Lists of codes are mapped from a file of their own: the same answers, one memory, nothing trusted."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from recsys.errors import CorruptArtifact
from recsys.learning import bundle as bundles
from recsys.learning import indexing, mapped_lists
from recsys.learning.bundle import ModelBundle
from recsys.learning.indexing import IndexKind, lists_of

N = 700
_faiss: Any = faiss  # its stubs know little of lists on disk


@pytest.fixture
def coded(drawn: Callable[..., ModelBundle]) -> ModelBundle:
    made = drawn(4, n=N, index_kind=IndexKind.CODES)
    assert made.manifest["index"]["kind"] == "codes"
    return made


@pytest.fixture
def saved(coded: ModelBundle, tmp_path: Path) -> Path:
    bundles.save(coded, tmp_path / coded.version)
    return tmp_path / coded.version


def _resign(folder: Path) -> None:
    """Make the manifest agree with the files again, as a careful stranger would."""
    manifest = json.loads((folder / "manifest.json").read_text())
    names = [name for name in manifest["files"] if (folder / name).exists()]
    data = {name: (folder / name).read_bytes() for name in names}
    manifest["files"] = {
        name: {"bytes": len(data[name]), "sha256": hashlib.sha256(data[name]).hexdigest()}
        for name in names
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _answers(index: Any, queries: np.ndarray, allowed: np.ndarray | None) -> list[bytes]:
    """One query at a time, as a request asks, and some at once."""
    parameters = None
    if allowed is not None:
        bits = np.packbits(allowed, bitorder="little")
        within = faiss.SearchParametersIVF(nprobe=3, sel=faiss.IDSelectorBitmap(bits))  # type: ignore[call-arg,arg-type]
        parameters = faiss.SearchParametersPreTransform(index_params=within)  # type: ignore[call-arg]
    found = [index.search(queries[n : n + 1], 60, params=parameters) for n in range(20)]
    found.append(index.search(queries, 60, params=parameters))
    return [part.tobytes() for both in found for part in both]


@pytest.mark.parametrize("share", [None, 0.6, 0.02])
def test_answers_are_those_of_before_to_the_bit(
    coded: ModelBundle, saved: Path, share: float | None
) -> None:
    draw = np.random.default_rng(2)
    queries = draw.normal(size=(40, coded.fused.width)).astype(np.float32)
    allowed = None if share is None else draw.random(N) < share

    again = bundles.load(saved)

    assert _answers(again.index, queries, allowed) == _answers(coded.index, queries, allowed)


def test_a_mapped_model_can_be_written_again(saved: Path, tmp_path: Path) -> None:
    again = bundles.load(saved)

    bundles.save(again, tmp_path / "again" / again.version)

    for name in (bundles.INDEX, bundles.LISTS):
        assert (tmp_path / "again" / again.version / name).read_bytes() == (
            saved / name
        ).read_bytes()


def test_writing_leaves_an_index_as_it_was(coded: ModelBundle, tmp_path: Path) -> None:
    queries = np.random.default_rng(2).normal(size=(40, coded.fused.width)).astype(np.float32)
    before = _answers(coded.index, queries, None)
    held = lists_of(coded.index).invlists

    with pytest.raises(RuntimeError):
        mapped_lists.write(coded.index, tmp_path / "no" / "folder", tmp_path / "lists")

    assert lists_of(coded.index).invlists.this == held.this
    assert lists_of(coded.index).own_invlists
    assert _answers(coded.index, queries, None) == before


def test_a_folder_may_be_renamed_before_and_deleted_after(
    coded: ModelBundle, saved: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    queries = np.random.default_rng(2).normal(size=(40, coded.fused.width)).astype(np.float32)
    moved = saved.rename(tmp_path / f".tmp-{coded.version}")

    again = bundles.load(moved)
    shutil.rmtree(moved)

    assert _answers(again.index, queries, None) == _answers(coded.index, queries, None)
    assert capfd.readouterr() == ("", "")


def test_a_model_from_before_there_were_lists_beside_it_is_read(
    coded: ModelBundle, saved: Path
) -> None:
    queries = np.random.default_rng(2).normal(size=(40, coded.fused.width)).astype(np.float32)
    (saved / bundles.LISTS).unlink()
    faiss.write_index(coded.index, str(saved / bundles.INDEX))
    _resign(saved)

    again = bundles.load(saved)

    assert _answers(again.index, queries, None) == _answers(coded.index, queries, None)


def test_a_file_that_is_gone_is_named(saved: Path) -> None:
    (saved / bundles.LISTS).unlink()

    with pytest.raises(CorruptArtifact, match=r"items\.lists cannot be read"):
        bundles.load(saved)


def test_a_file_that_is_gone_is_missed_even_where_the_manifest_is_silent(saved: Path) -> None:
    (saved / bundles.LISTS).unlink()
    _resign(saved)

    with pytest.raises(CorruptArtifact, match="lists in another file"):
        bundles.load(saved)


def test_a_file_beside_an_index_with_lists_of_its_own_is_refused(
    coded: ModelBundle, saved: Path
) -> None:
    faiss.write_index(coded.index, str(saved / bundles.INDEX))
    _resign(saved)

    with pytest.raises(CorruptArtifact, match="lists of its own"):
        bundles.load(saved)


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("left", [0, 1_000, -1])
def test_a_cut_file_is_refused_by_name(saved: Path, left: int, *, signed: bool) -> None:
    path = saved / bundles.LISTS
    path.write_bytes(path.read_bytes()[:left])
    if signed:
        _resign(saved)

    with pytest.raises(CorruptArtifact, match=r"items\.lists has \d+ bytes"):
        bundles.load(saved)


@pytest.mark.parametrize("name", [-1, N, 1 << 62])
def test_a_name_that_is_no_row_is_refused(saved: Path, name: int) -> None:
    index = bundles.load(saved).index
    lists = _table(index)
    place = lists.lists.at(3)
    at = place.offset + place.capacity * lists.code_size
    data = bytearray((saved / bundles.LISTS).read_bytes())
    data[at : at + 8] = np.int64(name).tobytes()
    del index, lists
    (saved / bundles.LISTS).unlink()
    (saved / bundles.LISTS).write_bytes(data)
    _resign(saved)

    with pytest.raises(CorruptArtifact, match=r"items\.lists: list 3 names an item"):
        bundles.load(saved)


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        ("offset", 1 << 40, "list 3 is not where"),
        ("offset", (1 << 64) - 1, "list 3 is not where"),
        ("offset", 64, "list 3 is not where"),
        ("offset", -64, "list 3 is not where"),
        ("capacity", 1 << 58, "list 3 is not where"),
        ("capacity", 32, "list 3 is not where"),
        ("size", 1 << 20, "list 3 is not where"),
        ("size", -1, f"holds {N - 1} items, and its index {N}"),
    ],
)
def test_a_table_that_points_elsewhere_is_refused(
    saved: Path, part: str, change: int, said: str
) -> None:
    index = bundles.load(saved).index
    places = _faiss.OnDiskOneListVector()
    for number in range(_table(index).nlist):
        one = _table(index).lists.at(number)
        if number == 3:
            setattr(one, part, (getattr(one, part) + change) % (1 << 64))
        places.push_back(one)
    _table(index).lists = places
    faiss.write_index(index, str(saved / bundles.INDEX))
    _resign(saved)

    with pytest.raises(CorruptArtifact, match=f"items.lists:? {said}"):
        bundles.load(saved)


@pytest.mark.parametrize(("part", "value"), [("nlist", 1), ("code_size", 1), ("totsize", 1 << 40)])
def test_a_table_of_other_lists_is_refused(saved: Path, part: str, value: int) -> None:
    index = bundles.load(saved).index
    table, true = _table(index), getattr(_table(index), part)
    setattr(table, part, value)
    faiss.write_index(index, str(saved / bundles.INDEX))
    setattr(table, part, true)
    _resign(saved)

    with pytest.raises(CorruptArtifact):
        bundles.load(saved)


@pytest.mark.parametrize("part", ["M2", "bbs"])
def test_blocks_of_another_shape_are_refused(saved: Path, part: str) -> None:
    index = bundles.load(saved).index
    inner = lists_of(index)
    setattr(inner, part, 2 * getattr(inner, part))
    faiss.write_index(index, str(saved / bundles.INDEX))
    _resign(saved)

    with pytest.raises(CorruptArtifact):
        bundles.load(saved)


def test_a_file_that_an_index_names_is_not_touched(saved: Path, tmp_path: Path) -> None:
    """FAISS would map it as it reads the index: to be written to, unless it is told otherwise."""
    index = bundles.load(saved).index
    (tmp_path / "secret").write_bytes((saved / bundles.LISTS).read_bytes())
    (tmp_path / "secret").chmod(0)
    _table(index).filename = str(tmp_path / "secret")
    faiss.write_index(index, str(saved / bundles.INDEX))
    _resign(saved)
    del index

    again = bundles.load(saved)

    assert _mappings("secret") == []
    assert again.index.ntotal == N


def test_half_precision_whose_lists_lie_in_a_file_that_it_names_is_refused(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(300, 16)).astype(np.float32)
    index = indexing.build(vectors, vectors[:9], kind=IndexKind.LISTS).index
    faiss.write_index(index, str(tmp_path / "sound"))
    apart = faiss.OnDiskInvertedLists(index.nlist, index.code_size, str(tmp_path / "secret"))
    apart.merge_from_1(index.invlists)
    index.replace_invlists(apart)
    faiss.write_index(index, str(tmp_path / "hostile"))

    assert indexing.read(tmp_path / "sound", IndexKind.LISTS, n=300, d=16).ntotal == 300
    with (tmp_path / "hostile").open("ab") as file:
        file.write(bytes(300 * 32))  # as long as one of its kind
    with pytest.raises(ValueError, match="hostile has its lists in another file"):
        indexing.read(tmp_path / "hostile", IndexKind.LISTS, n=300, d=16)


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="the kernel tells of no mappings")
def test_the_lists_are_mapped_and_shared_and_let_go_of(coded: ModelBundle, saved: Path) -> None:
    queries = np.random.default_rng(2).normal(size=(40, coded.fused.width)).astype(np.float32)
    again = bundles.load(saved)
    _answers(again.index, queries, None)

    mapping = _mappings(str(saved / bundles.LISTS))

    assert len(mapping) == 1
    assert mapping[0]["way"] == "r--s"
    assert mapping[0]["Rss"] > 0
    assert mapping[0]["Private_Dirty"] == mapping[0]["Anonymous"] == 0
    del again
    assert _mappings(str(saved / bundles.LISTS)) == []


def _table(index: Any) -> Any:
    return faiss.downcast_InvertedLists(lists_of(index).invlists)


def _mappings(name: str) -> list[dict[str, Any]]:
    """What the kernel says of this process's mappings of a file: their rights, and kilobytes."""
    found: list[dict[str, Any]] = []
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        words = line.split()
        if not words[0].endswith(":"):
            inside = line.endswith(name)
            if inside:
                found.append({"way": words[1]})
        elif inside and words[-1] == "kB":
            found[-1][words[0][:-1]] = int(words[1])
    return found
