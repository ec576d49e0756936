"""What training makes: one immutable object, so that parts of two versions can never meet.

On disk a bundle is a folder of five files. `manifest.json` is written last and names the size and
sha256 of the others; nothing is unpickled, and nothing is parsed before its hash agrees.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from recsys.errors import CorruptArtifact
from recsys.models import encoder as encoders
from recsys.models import neighbours as lists
from recsys.models.encoder import Encoder
from recsys.models.neighbours import ItemLists

FORMAT = 1
MANIFEST = "manifest.json"
FILES = ("encoder.npz", "items.faiss", "items.json", "signals.npz")

_LARGEST_MANIFEST = 1 << 20
_LARGEST_FILE = 1 << 33
_FLAT_INNER_PRODUCT = b"IxFI"  # the four letters FAISS opens such a file with
_LIST_ARRAYS = ("indptr", "indices", "scores")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelBundle:
    """`item_ids[row]` names every row of the encoder, the index and the signals."""

    version: str
    encoder: Encoder
    index: Any  # faiss.IndexFlatIP over [W, b]; read-only once built, so threads may share it
    item_ids: tuple[str, ...]
    item_rows: Mapping[str, int]
    popularity: NDArray[np.float32]
    neighbours: ItemLists
    together: ItemLists
    manifest: Mapping[str, Any]

    @classmethod
    def empty(cls) -> "ModelBundle":
        """The model of a shop that has none yet: it knows no item."""
        return assemble(
            version="none",
            encoder=encoders.untrained(),
            vectors=np.zeros((0, 2), np.float32),
            item_ids=(),
            popularity=np.zeros(0, np.float32),
            neighbours=lists.empty(0),
            together=lists.empty(0),
            manifest={},
        )

    @property
    def vectors(self) -> NDArray[np.float32]:
        """The index's own memory, (I, D + 1); not a copy."""
        n, d = self.index.ntotal, self.index.d
        if n == 0:
            return np.zeros((0, d), np.float32)
        flat: NDArray[np.float32] = faiss.rev_swig_ptr(self.index.get_xb(), n * d)
        return flat.reshape(n, d)


def assemble(
    *,
    version: str,
    encoder: Encoder,
    vectors: NDArray[np.float32],
    item_ids: tuple[str, ...],
    popularity: NDArray[np.float32],
    neighbours: ItemLists,
    together: ItemLists,
    manifest: Mapping[str, Any],
) -> ModelBundle:
    """Put the parts together; `vectors` are the decoder's `[W, b]`."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors, dtype=np.float32))
    return ModelBundle(
        version=version,
        encoder=encoder,
        index=index,
        item_ids=item_ids,
        item_rows={item_id: row for row, item_id in enumerate(item_ids)},
        popularity=popularity,
        neighbours=neighbours,
        together=together,
        manifest=manifest,
    )


def is_finite(bundle: ModelBundle) -> bool:
    """Whether every number that ranks is one: a fit that diverged leaves NaN behind."""
    arrays = (*bundle.encoder.arrays().values(), bundle.vectors, bundle.popularity)
    return all(bool(np.isfinite(array).all()) for array in arrays)


def save(bundle: ModelBundle, directory: Path) -> None:
    """Write the files, then the manifest; each is on disk before the next is begun."""
    directory.mkdir(parents=True, exist_ok=True)
    np.savez(directory / "encoder.npz", allow_pickle=False, **bundle.encoder.arrays())
    faiss.write_index(bundle.index, str(directory / "items.faiss"))
    (directory / "items.json").write_text(json.dumps(bundle.item_ids), encoding="utf-8")
    signals = {"popularity": bundle.popularity}
    for name, listed in (("neighbours", bundle.neighbours), ("together", bundle.together)):
        signals |= {f"{name}_{part}": getattr(listed, part) for part in _LIST_ARRAYS}
    np.savez(directory / "signals.npz", allow_pickle=False, **signals)
    files = {}
    for name in FILES:
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
    _verify(directory, manifest)
    try:
        encoder = encoders.from_arrays(_read_arrays(directory / "encoder.npz"))
        item_ids = tuple(json.loads((directory / "items.json").read_text(encoding="utf-8")))
        signals = _read_arrays(directory / "signals.npz")
        index = _read_index(directory / "items.faiss", len(item_ids), encoder.latent + 1)
        bundle = ModelBundle(
            version=str(manifest["version"]),
            encoder=encoder,
            index=index,
            item_ids=item_ids,
            item_rows={item_id: row for row, item_id in enumerate(item_ids)},
            popularity=signals["popularity"],
            neighbours=_lists(signals, "neighbours"),
            together=_lists(signals, "together"),
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
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise CorruptArtifact(f"{directory.name}: not a model of format {FORMAT}; train a new one")
    if manifest.get("version") != directory.name and not directory.name.startswith("."):
        raise CorruptArtifact(f"{directory.name}: its manifest is of {manifest.get('version')!r}")
    return manifest


def _verify(directory: Path, manifest: Mapping[str, Any]) -> None:
    files = manifest.get("files")
    if not isinstance(files, dict) or set(files) != set(FILES):
        raise CorruptArtifact(f"{directory.name}: the manifest does not list {', '.join(FILES)}")
    for name in FILES:
        path = directory / name
        expected = files[name]
        try:
            size = path.stat().st_size
            if size > _LARGEST_FILE or size != expected["bytes"]:
                raise CorruptArtifact(f"{directory.name}: {name} has {size} bytes, not its own")
            if _sha256(path) != expected["sha256"]:
                raise CorruptArtifact(f"{directory.name}: {name} was changed after it was written")
        except (OSError, KeyError, TypeError) as error:
            raise CorruptArtifact(f"{directory.name}: {name} cannot be read: {error}") from error


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(path) as archive:
        packed = [
            entry for entry in archive.infolist() if entry.compress_type != zipfile.ZIP_STORED
        ]
    if packed:
        raise ValueError(f"{path.name} is compressed; ours never is, so this may be a bomb")
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _read_index(path: Path, n_items: int, width: int) -> Any:
    with path.open("rb") as stream:
        kind = stream.read(len(_FLAT_INNER_PRODUCT))
    if kind != _FLAT_INNER_PRODUCT or path.stat().st_size < n_items * width * 4:
        raise ValueError(f"{path.name} is no flat inner-product index of {n_items} x {width}")
    index = faiss.read_index(str(path))
    if not isinstance(index, faiss.IndexFlatIP) or (index.ntotal, index.d) != (n_items, width):
        raise ValueError(f"{path.name} holds {index.ntotal} x {index.d}, not {n_items} x {width}")
    return index


def _lists(signals: Mapping[str, NDArray[Any]], name: str) -> ItemLists:
    indptr, indices, scores = (signals[f"{name}_{part}"] for part in _LIST_ARRAYS)
    return ItemLists(indptr=indptr, indices=indices, scores=scores)


def _agree(bundle: ModelBundle) -> None:
    n = len(bundle.item_ids)
    if not all(isinstance(item_id, str) for item_id in bundle.item_ids):
        raise ValueError("an item id is no text")
    if len(bundle.item_rows) != n or len(bundle.encoder.embedding) != n:
        raise ValueError(f"{n} item ids for {len(bundle.encoder.embedding)} embeddings")
    if bundle.popularity.shape != (n,) or not is_finite(bundle):
        raise ValueError("popularity or the item vectors are short, or not finite")
    for listed in (bundle.neighbours, bundle.together):
        indptr, indices = listed.indptr, listed.indices
        whole = len(indptr) == n + 1 and indptr[0] == 0 and indptr[-1] == len(indices)
        if not whole or (np.diff(indptr) < 0).any() or len(listed.scores) != len(indices):
            raise ValueError("the item lists do not fit the items")
        if len(indices) and (indices.min() < 0 or indices.max() >= n):
            raise ValueError("an item list names an item that is not there")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
