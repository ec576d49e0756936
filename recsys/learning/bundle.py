"""What training makes: one immutable object, so that parts of two versions can never meet.

On disk a bundle is a folder. `manifest.json` is written last and names the size and sha256 of the
other files; nothing is unpickled, and nothing is parsed before its hash agrees. What has a row for
every item lies in a file of its own, so that a large one is mapped rather than read: processes then
share it, and what a request does not touch takes no memory.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from recsys.behaviour import rebuying
from recsys.behaviour.rebuying import Rebuying
from recsys.errors import CorruptArtifact
from recsys.learning import indexing
from recsys.learning.indexing import IndexKind
from recsys.models import fusion
from recsys.models import neighbours as lists
from recsys.models import personas as groups
from recsys.models import text as texts
from recsys.models.fusion import Fused
from recsys.models.histories import Histories
from recsys.models.neighbours import ItemLists
from recsys.models.personas import Personas
from recsys.models.text import TextMap

FORMAT = 2
MANIFEST = "manifest.json"
INDEX, LISTS = "items.faiss", "items.lists"
FILES = ("fused.npz", INDEX, "items.json", "signals.npz")
SEARCHED, TEXT, PERSONAS = "searched.npy", "text.npz", "personas.npy"
# Of these names in the fused model those that it has are files `<name>.npy`.
MATRICES = (
    "encoder_embedding",
    "vectors",
    "linear_project",
    "linear_items",
    "neighbours_indices",
    "neighbours_data",
)

_OPTIONAL = frozenset({SEARCHED, TEXT, PERSONAS, LISTS, *(f"{name}.npy" for name in MATRICES)})
_LARGEST_MANIFEST = 1 << 20
_LARGEST_FILE = 1 << 34
_MAPPED_FROM = 1 << 26
_COMPARED = 256  # rows of the searched vectors that are held against the model they came from
_LIST_ARRAYS = ("indptr", "indices", "scores")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelBundle:
    """`item_ids[row]` names every row of the fused model, the index and the signals."""

    version: str
    fused: Fused
    index: Any  # a FAISS index; read-only once built, so threads may share it
    vectors: NDArray[np.float32]  # (I, d), what is searched: `fused.items()`
    lengths: NDArray[np.float32]  # (I,) of the vectors
    item_ids: tuple[str, ...]
    item_rows: Mapping[str, int]
    popularity: NDArray[np.float32]
    rebuying: Rebuying  # when what was bought is needed again
    trends: NDArray[np.float32]  # (I,) how surely each is asked for more than before; 0: it is not
    neighbours: ItemLists
    together: ItemLists
    text: TextMap | None  # where items lie that nobody has touched, by what is written of them
    personas: Personas | None  # groups of shoppers; None: they are counted
    manifest: Mapping[str, Any]

    @classmethod
    def empty(cls) -> "ModelBundle":
        """The model of a shop that has none yet: it knows no item."""
        return assemble(
            version="none",
            fused=Fused(bias=np.zeros(0, np.float32)),
            item_ids=(),
            popularity=np.zeros(0, np.float32),
            neighbours=lists.empty(0),
            together=lists.empty(0),
            manifest={},
        )


def assemble(  # noqa: PLR0913 the parts of one object, all by keyword
    *,
    version: str,
    fused: Fused,
    item_ids: tuple[str, ...],
    popularity: NDArray[np.float32],
    neighbours: ItemLists,
    together: ItemLists,
    manifest: Mapping[str, Any],
    trends: NDArray[np.float32] | None = None,
    again: Rebuying | None = None,
    text: TextMap | None = None,
    personas: Personas | None = None,
    shoppers: Histories | None = None,
    index_kind: IndexKind | None = None,
) -> ModelBundle:
    """Put the parts together, and build the index that fits the number of items.

    A branch of weight zero is left out. `shoppers` are a sample whose queries tune an index that
    is not exact; without them, made-up shoppers of an item and those beside it do. `index_kind`
    overrules `indexing.kind_for`.
    """
    fused = _without_idle(fused)
    vectors = fused.items()
    kind = index_kind or indexing.kind_for(len(item_ids))
    queries = np.zeros((0, fused.width), np.float32)
    if kind is not IndexKind.FLAT:
        queries = fused.users(shoppers or _made_up(neighbours, fused.n_items))
    built = indexing.build(vectors, queries, kind=kind)
    searched = _own_memory(built.index) if kind is IndexKind.FLAT else vectors
    return ModelBundle(
        version=version,
        fused=fused,
        index=built.index,
        vectors=searched,
        lengths=_lengths(searched),
        item_ids=item_ids,
        item_rows={item_id: row for row, item_id in enumerate(item_ids)},
        popularity=popularity,
        trends=np.zeros(len(item_ids), np.float32) if trends is None else trends,
        rebuying=Rebuying.nothing(len(item_ids)) if again is None else again,
        neighbours=neighbours,
        together=together,
        text=text,
        personas=personas,
        manifest={**manifest, "index": built.note}
        | ({} if personas is None else {"personas": personas.as_json()}),
    )


def is_finite(bundle: ModelBundle) -> bool:
    """Whether every number that ranks is one: a fit that diverged leaves NaN behind."""
    arrays = (*bundle.fused.arrays().values(), bundle.vectors, bundle.popularity, bundle.trends)
    return all(bool(np.isfinite(array).all()) for array in arrays)


def save(bundle: ModelBundle, directory: Path) -> None:
    """Write the files, then the manifest; each is on disk before the next is begun."""
    directory.mkdir(parents=True, exist_ok=True)
    arrays = bundle.fused.arrays()
    matrices = {f"{name}.npy": arrays.pop(name) for name in MATRICES if name in arrays}
    if not isinstance(bundle.index, faiss.IndexFlatIP):
        matrices[SEARCHED] = bundle.vectors
    if bundle.personas is not None:
        matrices[PERSONAS] = bundle.personas.table
    for name, matrix in matrices.items():
        np.save(directory / name, matrix, allow_pickle=False)
    np.savez(directory / "fused.npz", allow_pickle=False, **arrays)
    apart = indexing.write(bundle.index, directory / INDEX, directory / LISTS)
    (directory / "items.json").write_text(json.dumps(bundle.item_ids), encoding="utf-8")
    signals = {"popularity": bundle.popularity, "trends": bundle.trends}
    signals |= bundle.rebuying.arrays()
    for name, listed in (("neighbours", bundle.neighbours), ("together", bundle.together)):
        signals |= {f"{name}_{part}": getattr(listed, part) for part in _LIST_ARRAYS}
    np.savez(directory / "signals.npz", allow_pickle=False, **signals)
    written = [*FILES, *matrices, *apart]
    if bundle.text is not None:
        np.savez(directory / TEXT, allow_pickle=False, **bundle.text.arrays())
        written.append(TEXT)
    files = {}
    for name in written:
        _flush(directory / name)
        path = directory / name
        files[name] = {"bytes": path.stat().st_size, "sha256": _sha256(path)}
    manifest = {**bundle.manifest, "format": FORMAT, "version": bundle.version, "files": files}
    text = json.dumps(manifest, indent=1, allow_nan=False)
    (directory / MANIFEST).write_text(text, encoding="utf-8")
    _flush(directory / MANIFEST)
    _flush(directory)


def load(directory: Path) -> ModelBundle:
    """Read a bundle back.

    Raises:
        CorruptArtifact: A file is missing, foreign, changed, too large, or does not fit the others.
    """
    manifest = read_manifest(directory)
    names = _verify(directory, manifest)
    try:
        arrays = _read_arrays(directory / "fused.npz")
        matrices = [name for name in MATRICES if f"{name}.npy" in names]
        arrays |= {name: _read_matrix(directory / f"{name}.npy") for name in matrices}
        fused = fusion.from_arrays(arrays)
        item_ids = tuple(json.loads((directory / "items.json").read_text(encoding="utf-8")))
        signals = _read_arrays(directory / "signals.npz")
        kind = IndexKind(manifest["index"]["kind"])
        beside = directory / LISTS if LISTS in names else None
        index = indexing.read(
            directory / INDEX, kind, n=len(item_ids), d=fused.width, beside=beside
        )
        flat = kind is IndexKind.FLAT
        searched = _own_memory(index) if flat else _read_matrix(directory / SEARCHED)
        bundle = ModelBundle(
            version=str(manifest["version"]),
            fused=fused,
            index=index,
            vectors=searched,
            lengths=_lengths(searched),
            item_ids=item_ids,
            item_rows={item_id: row for row, item_id in enumerate(item_ids)},
            popularity=signals["popularity"],
            trends=signals.get("trends", np.zeros(len(item_ids), np.float32)),
            rebuying=_rebuying(signals, len(item_ids)),
            neighbours=_lists(signals, "neighbours"),
            together=_lists(signals, "together"),
            text=texts.from_arrays(_read_arrays(directory / TEXT)) if TEXT in names else None,
            personas=_personas(directory, manifest, len(item_ids)) if PERSONAS in names else None,
            manifest=manifest,
        )
        _agree(bundle)
    except (ValueError, KeyError, TypeError, OSError, RuntimeError, zipfile.BadZipFile) as error:
        raise CorruptArtifact(f"{directory.name}: {error}") from error
    return bundle


def read_manifest(directory: Path) -> dict[str, Any]:
    """The manifest alone, checked for its format; cheap enough for a listing."""
    path = directory / MANIFEST
    try:
        if path.stat().st_size > _LARGEST_MANIFEST:
            raise CorruptArtifact(f"{directory.name}: {MANIFEST} is too large to be ours")
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CorruptArtifact(f"{directory.name}: {MANIFEST} cannot be read: {error}") from error
    if not isinstance(manifest, dict):
        raise CorruptArtifact(f"{directory.name}: {MANIFEST} is no manifest of ours")
    found = manifest.get("format")
    if found != FORMAT:
        said = f"a model of format {found}" if isinstance(found, int) else "no model of ours"
        raise CorruptArtifact(
            f"{directory.name}: {said}, and this version reads format {FORMAT}; train a new one"
        )
    if manifest.get("version") != directory.name and not directory.name.startswith("."):
        raise CorruptArtifact(f"{directory.name}: its manifest is of {manifest.get('version')!r}")
    return manifest


def _verify(directory: Path, manifest: Mapping[str, Any]) -> frozenset[str]:
    """The names of the files, each of which is as it was written."""
    files = manifest.get("files")
    if not isinstance(files, dict) or not set(FILES) <= set(files) <= {*FILES, *_OPTIONAL}:
        raise CorruptArtifact(f"{directory.name}: the manifest does not list {', '.join(FILES)}")
    for name, expected in files.items():
        path = directory / name
        try:
            size = path.stat().st_size
            if size > _LARGEST_FILE or size != expected["bytes"]:
                raise CorruptArtifact(f"{directory.name}: {name} has {size} bytes, not its own")
            if _sha256(path) != expected["sha256"]:
                raise CorruptArtifact(f"{directory.name}: {name} was changed after it was written")
        except (OSError, KeyError, TypeError) as error:
            raise CorruptArtifact(f"{directory.name}: {name} cannot be read: {error}") from error
    return frozenset(files)


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(path) as archive:
        packed = [
            entry for entry in archive.infolist() if entry.compress_type != zipfile.ZIP_STORED
        ]
    if packed:
        raise ValueError(f"{path.name} is compressed; ours never is, so this may be a bomb")
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _read_matrix(path: Path) -> NDArray[Any]:
    if path.stat().st_size < _MAPPED_FROM:
        return np.asarray(np.load(path, allow_pickle=False))
    # as a plain array: a memmap's indexing is slower, and every row of it would be one too
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _own_memory(index: Any) -> NDArray[np.float32]:
    """The vectors of an exact index (I, d); not a copy."""
    n, d = index.ntotal, index.d
    if n == 0:
        return np.zeros((0, d), np.float32)
    flat: NDArray[np.float32] = faiss.rev_swig_ptr(index.get_xb(), n * d)
    return flat.reshape(n, d)


def _lengths(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.sqrt(np.vecdot(vectors, vectors)), np.float32)


def _without_idle(fused: Fused) -> Fused:
    """A branch that validation gave no weight is neither stored nor computed."""
    if not fused.dense_weight:
        fused = replace(fused, encoder=None, vectors=None)
    if not fused.linear_weight:
        fused = replace(fused, linear=None)
    return fused if fused.neighbour_weight else replace(fused, neighbours=None)


def _made_up(neighbours: ItemLists, n_items: int) -> Histories:
    """Shoppers of one item and the items beside it, for a catalogue whose real ones are not here."""
    drawn = np.random.default_rng(0).choice(n_items, min(_COMPARED, n_items), replace=False)
    kept = [np.concatenate([neighbours.of(row)[0][:8][::-1], [row]]) for row in drawn]
    sizes = np.array([len(rows) for rows in kept])
    indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    place = np.arange(indptr[-1]) - np.repeat(indptr[:-1], sizes)
    return Histories(
        indptr=indptr,
        items=np.concatenate(kept).astype(np.int32),
        ages=(np.repeat(sizes, sizes) - 1 - place).astype(np.int32),
        kinds=np.zeros(len(place), np.int8),
        n_items=n_items,
    )


def _personas(directory: Path, manifest: Mapping[str, Any], n_items: int) -> Personas:
    return groups.from_parts(_read_matrix(directory / PERSONAS), manifest["personas"], n_items)


def _lists(signals: Mapping[str, NDArray[Any]], name: str) -> ItemLists:
    indptr, indices, scores = (signals[f"{name}_{part}"] for part in _LIST_ARRAYS)
    return ItemLists(indptr=indptr, indices=indices, scores=scores)


def _rebuying(signals: Mapping[str, NDArray[Any]], n_items: int) -> Rebuying:
    """Nothing comes back in a model that was made before it learnt this."""
    if "rebuying_seconds" not in signals:
        return Rebuying.nothing(n_items)
    return rebuying.from_arrays(signals)


def _agree(bundle: ModelBundle) -> None:
    n, fused = len(bundle.item_ids), bundle.fused
    if not all(isinstance(item_id, str) for item_id in bundle.item_ids):
        raise ValueError("an item id is no text")
    if len(bundle.item_rows) != n or fused.n_items != n:
        raise ValueError(f"{len(bundle.item_rows)} item ids for {fused.n_items} items")
    if bundle.vectors.shape != (n, fused.width) or bundle.vectors.dtype != np.float32:
        raise ValueError(f"the searched vectors are {bundle.vectors.shape}, not those of the model")
    compared = np.unique(np.linspace(0, n - 1, min(n, _COMPARED)).astype(np.int64))
    if not np.array_equal(_of_rows(fused, compared).items(), bundle.vectors[compared]):
        raise ValueError("the searched vectors are of another model")
    counted = (bundle.popularity, bundle.trends, bundle.rebuying.seconds[: bundle.rebuying.n_items])
    if any(one.shape != (n,) for one in counted) or not is_finite(bundle):
        raise ValueError("popularity, trends or the item vectors are short, or not finite")
    text = bundle.text
    if text is not None and (len(text.known), text.weight.shape[1]) != (n, fused.width):
        raise ValueError("the text map is of another model")
    for listed in (bundle.neighbours, bundle.together):
        indptr, indices = listed.indptr, listed.indices
        whole = len(indptr) == n + 1 and indptr[0] == 0 and indptr[-1] == len(indices)
        if not whole or (np.diff(indptr) < 0).any() or len(listed.scores) != len(indices):
            raise ValueError("the item lists do not fit the items")
        if len(indices) and (indices.min() < 0 or indices.max() >= n):
            raise ValueError("an item list names an item that is not there")


def _of_rows(fused: Fused, rows: NDArray[np.int64]) -> Fused:
    """What `Fused.items` reads, of some rows only."""
    linear, vectors = fused.linear, fused.vectors
    return replace(
        fused,
        bias=fused.bias[rows],
        vectors=None if vectors is None else vectors[rows],
        linear=None if linear is None else replace(linear, items=linear.items[rows]),
        neighbours=None,
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
