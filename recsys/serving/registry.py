"""Model versions on disk, which of them is live, and how a process swaps to it by itself.

root/LIVE                          one line: the version that is served
root/20261122T150200Z-3f9a2c/      a bundle; appears by one rename, whole or not at all
root/.tmp-…/                       a publish under way, or what a killed one left
"""

import logging
import os
import re
import shutil
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import faiss

from recsys.errors import CorruptArtifact, UnknownVersion
from recsys.learning import bundle as bundles
from recsys.learning.bundle import ModelBundle

LIVE = "LIVE"

_VERSION = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6,16}")
_TURN_SECONDS = sys.getswitchinterval()
_SHORT_TURN_SECONDS = 0.0002
_STALE_SECONDS = 6 * 3600  # longer than any publish: what is older was left by a killed one
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionInfo:
    version: str
    created_at: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    live: bool = False
    problem: str | None = None


def publish(root: Path, bundle: ModelBundle) -> str:
    """Write a version beside the others; it is not served until it is promoted.

    Publishing the same version twice is harmless, so a retrain may be repeated.

    Raises:
        CorruptArtifact: The fit diverged; such a model never reaches the disk.
    """
    if not _VERSION.fullmatch(bundle.version):
        raise ValueError(f"{bundle.version!r} is no version name like 20261122T150200Z-3f9a2c")
    if not bundles.is_finite(bundle):
        raise CorruptArtifact(f"{bundle.version}: holds numbers that are not finite; not published")
    root.mkdir(parents=True, exist_ok=True)
    temporary = root / f".tmp-{bundle.version}-{uuid.uuid4().hex[:8]}"
    try:
        bundles.save(bundle, temporary)
        if not (root / bundle.version).exists():
            temporary.rename(root / bundle.version)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _flush(root)
    _LOGGER.info("model published", extra={"model_version": bundle.version})
    return bundle.version


def promote(root: Path, version: str) -> None:
    """Serve this version from now on; promoting an older one is a rollback.

    Raises:
        UnknownVersion: No such version on disk.
        CorruptArtifact: It is there, but one of its files cannot be trusted.
    """
    if not _VERSION.fullmatch(version) or not (root / version).is_dir():
        raise UnknownVersion(version)
    bundles.load(root / version)  # whole: a process that starts later has no older model to keep
    temporary = root / f".tmp-{LIVE}-{uuid.uuid4().hex[:8]}"
    temporary.write_text(version + "\n", encoding="utf-8")
    _flush(temporary)
    temporary.replace(root / LIVE)
    _flush(root)
    _LOGGER.info("model promoted", extra={"model_version": version})


def load(root: Path, version: str) -> ModelBundle:
    """A version, live or not.

    Raises:
        UnknownVersion: No such version on disk.
        CorruptArtifact: It is there, but one of its files cannot be trusted.
    """
    if not _VERSION.fullmatch(version) or not (root / version).is_dir():
        raise UnknownVersion(version)
    return bundles.load(root / version)


def live_version(root: Path) -> str | None:
    """The version LIVE names, or None where nothing was promoted yet."""
    try:
        return (root / LIVE).read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def versions(root: Path) -> list[VersionInfo]:
    """All versions, newest first, with what is wrong with the broken ones."""
    live = live_version(root)
    return [_info(root / name, live=name == live) for name in _names(root)]


def prune(root: Path, keep: int) -> list[str]:
    """Delete all but the newest `keep` versions and the live one; sweep what killed publishes left."""
    live = live_version(root)
    removed = [name for name in _names(root)[keep:] if name != live]
    for name in removed:
        grave = root / f".tmp-old-{name}-{uuid.uuid4().hex[:8]}"
        (root / name).rename(grave)  # gone at once; a reader never sees half of it
        shutil.rmtree(grave, ignore_errors=True)
    now = time.time()
    for left in root.glob(".tmp-*"):
        if now - left.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()
    return removed


class ModelHandle:
    """The served model of one process. `get()` costs one `stat`; a new LIVE is loaded beside it.

    The first model is waited for. A later one is loaded by a thread of its own while everybody
    keeps the old bundle, and then one attribute is assigned: no reader can see two halves.
    """

    def __init__(self, root: Path) -> None:
        faiss.omp_set_num_threads(1)  # requests are the parallelism; nested threads only queue
        self.problem: str | None = None
        self.prepare: Callable[[ModelBundle], None] = lambda bundle: None  # noqa: ARG005 nothing to do
        self._root = root
        self._live = root / LIVE
        self._bundle = ModelBundle.empty()
        self._seen: tuple[int, ...] | None = None
        self._lock = threading.Lock()

    def get(self) -> ModelBundle:
        """The bundle to answer with, now."""
        signature = self._signature()
        if signature != self._seen:
            self._notice(signature)
        return self._bundle

    def _notice(self, signature: tuple[int, ...] | None) -> None:
        first = not self._bundle.item_ids
        if not self._lock.acquire(blocking=first):
            return  # another thread is at it
        if signature == self._seen:
            self._lock.release()
        elif first:
            self._load(signature)
        else:
            threading.Thread(target=self._load, args=(signature,), daemon=True).start()

    def _load(self, signature: tuple[int, ...] | None) -> None:
        try:
            with _giving_way():
                self._swap()
        finally:
            self._seen = signature  # a broken LIVE is tried once, not at every request
            self._lock.release()

    def _swap(self) -> None:
        version = None
        try:
            version = live_version(self._root)
            if version is None:
                self.problem = f"{LIVE} is gone" if self._bundle.item_ids else None
                return
            bundle = _load(self._root, version)
            self.prepare(bundle)  # by the thread that loads, so that no request has to wait for it
            self._bundle = bundle
            self.problem = None
        except Exception as error:
            known = isinstance(error, CorruptArtifact | OSError)
            self.problem = str(error) if known else f"{version or LIVE} is broken: {error!r}"
            _LOGGER.exception("model refused", extra={"kept_version": self._bundle.version})
            return
        _LOGGER.info("model loaded", extra={"model_version": version})

    def _signature(self) -> tuple[int, ...] | None:
        try:
            stat = os.stat(self._live)  # noqa: PTH116 half the cost of Path.stat, every request
        except OSError:
            return None
        return stat.st_ino, stat.st_mtime_ns, stat.st_size


@contextmanager
def _giving_way() -> Iterator[None]:
    """Threads take shorter turns inside, so that a request does not wait long for a loading model.

    A request gives the interpreter away at every answer of Redis and every search, some ten times,
    and waits up to a whole turn to have it back: at Python's 5 ms those are 50 ms.
    """
    sys.setswitchinterval(_SHORT_TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(_TURN_SECONDS)


def _load(root: Path, version: str) -> ModelBundle:
    if not _VERSION.fullmatch(version):
        raise CorruptArtifact(f"{LIVE} names {version[:80]!r}, which is no version")
    return bundles.load(root / version)


def _names(root: Path) -> list[str]:
    if not root.is_dir():
        return []
    found = [path.name for path in root.iterdir() if _VERSION.fullmatch(path.name)]
    return sorted(found, reverse=True)


def _info(directory: Path, *, live: bool) -> VersionInfo:
    try:
        manifest = bundles.read_manifest(directory)
    except CorruptArtifact as error:
        return VersionInfo(version=directory.name, live=live, problem=str(error))
    return VersionInfo(
        version=directory.name,
        created_at=str(manifest.get("created_at", "")),
        metrics=manifest.get("metrics", {}),
        live=live,
    )


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
