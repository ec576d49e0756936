import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from recsys.errors import CorruptArtifact, UnknownVersion
from recsys.learning.bundle import ModelBundle
from recsys.serving import registry
from recsys.serving.registry import ModelHandle

FIRST, SECOND = "20260301T000000Z-aaaaaa", "20260302T000000Z-bbbbbb"


@pytest.fixture
def root(bundle: ModelBundle, tmp_path: Path) -> Path:
    for version in (FIRST, SECOND):
        registry.publish(tmp_path, replace(bundle, version=version))
    return tmp_path


def _until(handle: ModelHandle, version: str) -> ModelBundle:
    for _ in range(500):
        if handle.get().version == version:
            break
        time.sleep(0.01)
    return handle.get()


def _until_problem(handle: ModelHandle) -> str | None:
    for _ in range(500):
        handle.get()
        if handle.problem:
            break
        time.sleep(0.01)
    return handle.problem


def test_publishing_serves_nothing_until_promoted(root: Path) -> None:
    assert registry.live_version(root) is None
    assert ModelHandle(root).get().item_ids == ()


def test_versions_are_listed_newest_first_with_the_live_one(root: Path) -> None:
    registry.promote(root, FIRST)

    found = registry.versions(root)

    assert [(info.version, info.live) for info in found] == [(SECOND, False), (FIRST, True)]
    assert found[0].metrics["candidate"]["ndcg@20"] > 0
    assert found[0].created_at == "2026-03-01T00:00:00+00:00"


def test_publishing_twice_is_harmless(root: Path, bundle: ModelBundle) -> None:
    registry.publish(root, replace(bundle, version=FIRST))

    assert sorted(path.name for path in root.iterdir()) == [FIRST, SECOND]


def test_a_version_name_cannot_leave_the_directory(tmp_path: Path, bundle: ModelBundle) -> None:
    with pytest.raises(ValueError, match="version name"):
        registry.publish(tmp_path, replace(bundle, version="../elsewhere"))


def test_a_model_that_diverged_is_not_published(tmp_path: Path, bundle: ModelBundle) -> None:
    broken = replace(bundle, popularity=bundle.popularity * float("nan"))

    with pytest.raises(CorruptArtifact, match="finite"):
        registry.publish(tmp_path, broken)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", ["20250101T000000Z-cccccc", "../etc", "", "LIVE"])
def test_an_unknown_version_cannot_be_promoted(root: Path, version: str) -> None:
    with pytest.raises(UnknownVersion):
        registry.promote(root, version)


def test_a_broken_version_cannot_be_promoted_and_is_listed_as_such(root: Path) -> None:
    registry.promote(root, FIRST)
    (root / SECOND / "manifest.json").write_text("{}")

    with pytest.raises(CorruptArtifact):
        registry.promote(root, SECOND)

    assert registry.live_version(root) == FIRST
    assert "format" in (registry.versions(root)[0].problem or "")


def test_a_model_of_the_format_before_says_what_to_do(root: Path, caplog) -> None:
    registry.promote(root, FIRST)
    handle = ModelHandle(root)
    handle.get()
    manifest = root / SECOND / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 1}))
    (root / "LIVE").write_text(SECOND)

    with caplog.at_level(logging.ERROR):
        problem = _until_problem(handle)

    assert problem == registry.versions(root)[0].problem
    assert "a model of format 1" in (problem or "")
    assert "train a new one" in (problem or "")
    assert handle.get().version == FIRST


def test_a_shop_whose_only_model_is_of_the_format_before_still_answers(root: Path) -> None:
    manifest = root / FIRST / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 1}))
    (root / "LIVE").write_text(FIRST)
    handle = ModelHandle(root)

    assert handle.get().version == "none"
    assert "train a new one" in (handle.problem or "")


def test_prune_keeps_the_newest_and_the_live_one(root: Path, bundle: ModelBundle) -> None:
    registry.promote(root, FIRST)
    for day in (3, 4, 5):
        registry.publish(root, replace(bundle, version=f"2026030{day}T000000Z-cccccc"))

    removed = registry.prune(root, 2)

    assert removed == ["20260303T000000Z-cccccc", SECOND]
    assert [info.version[:8] for info in registry.versions(root)] == [
        "20260305",
        "20260304",
        "20260301",
    ]


def test_prune_sweeps_what_killed_publishes_left_but_not_a_running_one(root: Path) -> None:
    old, young = root / ".tmp-old", root / ".tmp-young"
    for folder in (old, young):
        folder.mkdir()
    os.utime(old, (1, 1))

    registry.prune(root, 3)

    assert (old.exists(), young.exists()) == (False, True)


def test_an_empty_directory_gives_the_empty_bundle_and_no_problem(tmp_path: Path) -> None:
    handle = ModelHandle(tmp_path / "not made yet")

    assert handle.get().version == "none"
    assert handle.problem is None


def test_the_first_model_is_there_at_the_first_request_after_promotion(root: Path) -> None:
    handle = ModelHandle(root)
    handle.get()

    registry.promote(root, FIRST)

    assert handle.get().version == FIRST


def test_a_process_swaps_and_rolls_back_by_itself(root: Path) -> None:
    registry.promote(root, FIRST)
    handle = ModelHandle(root)
    handle.get()

    registry.promote(root, SECOND)
    swapped = _until(handle, SECOND).version
    registry.promote(root, FIRST)

    assert (swapped, _until(handle, FIRST).version) == (SECOND, FIRST)


@pytest.mark.parametrize("name", ["fused.npz", "items.faiss", "items.json", "signals.npz"])
def test_a_version_with_a_changed_file_cannot_be_promoted(root: Path, name: str) -> None:
    registry.promote(root, FIRST)
    (root / SECOND / name).write_bytes(b"not a model")

    with pytest.raises(CorruptArtifact, match=name):
        registry.promote(root, SECOND)

    assert registry.live_version(root) == FIRST


def test_a_corrupt_model_is_refused_logged_and_the_old_one_kept(root: Path, caplog) -> None:
    registry.promote(root, FIRST)
    handle = ModelHandle(root)
    handle.get()
    registry.promote(root, SECOND)
    (root / SECOND / "fused.npz").write_bytes(b"not a model")

    with caplog.at_level(logging.ERROR):
        problem = _until_problem(handle)

    assert "fused.npz" in (problem or "")
    assert handle.get().version == FIRST
    assert [record.message for record in caplog.records] == ["model refused"]


def test_a_model_that_cannot_be_made_ready_is_refused_whatever_the_reason(root: Path) -> None:
    registry.promote(root, FIRST)
    handle = ModelHandle(root)
    handle.get()

    def fail(_: ModelBundle) -> None:
        raise KeyError("price")

    handle.prepare = fail
    registry.promote(root, SECOND)

    assert _until_problem(handle) == f"{SECOND} is broken: KeyError('price')"
    assert handle.get().version == FIRST


def test_a_problem_ends_with_the_next_good_promotion(root: Path) -> None:
    registry.promote(root, FIRST)
    handle = ModelHandle(root)
    handle.get()
    (root / "LIVE").write_text("../../etc/passwd")
    _until_problem(handle)

    registry.promote(root, SECOND)

    assert _until(handle, SECOND).version == SECOND
    assert handle.problem is None


@pytest.mark.parametrize("live", [b"", b"\xff\xfe", b"20260309T000000Z-ffffff", b"x" * 5_000])
def test_a_broken_pointer_keeps_the_old_model(root: Path, live: bytes) -> None:
    registry.promote(root, FIRST)
    handle = ModelHandle(root)
    handle.get()

    (root / "LIVE").write_bytes(live)

    assert _until_problem(handle) is not None
    assert handle.get().version == FIRST


def test_readers_never_see_two_halves_while_models_are_promoted(root: Path) -> None:
    registry.promote(root, FIRST)
    handle = ModelHandle(root)
    handle.get()
    torn: list[str] = []
    served: set[str] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            bundle = handle.get()
            served.add(bundle.version)
            if bundle.manifest["version"] != bundle.version or len(bundle.item_ids) != 40:
                torn.append(bundle.version)

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    for version in [SECOND, FIRST] * 5:
        registry.promote(root, version)
        _until(handle, version)
    stop.set()
    for reader in readers:
        reader.join()

    assert torn == []
    assert served == {FIRST, SECOND}


_KILLED_IN_THE_MIDDLE = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from recsys.learning import bundle as bundles
from recsys.serving import registry
root = Path(sys.argv[1])
bundle = bundles.load(root / "20260301T000000Z-aaaaaa")
flushed = bundles._flush
def die(path):
    flushed(path)
    if path.name == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)
bundles._flush = die
registry.publish(root, replace(bundle, version="20260309T000000Z-dddddd"))
"""


@pytest.mark.parametrize("after", ["fused.npz", "signals.npz", "manifest.json"])
def test_a_publish_killed_in_the_middle_leaves_no_half_model(root: Path, after: str) -> None:
    registry.promote(root, FIRST)

    killed = subprocess.run(
        [sys.executable, "-c", _KILLED_IN_THE_MIDDLE, str(root), after],
        check=False,
        cwd=Path(__file__).parents[2],
    )

    assert killed.returncode == -signal.SIGKILL
    assert [info.version for info in registry.versions(root)] == [SECOND, FIRST]
    assert all(info.problem is None for info in registry.versions(root))
    assert ModelHandle(root).get().version == FIRST


def test_serving_brings_no_torch_into_the_process() -> None:
    program = (
        "import sys; from recsys.serving import personas, ranking, registry; "
        "sys.exit('torch' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], check=False, cwd=Path(__file__).parents[2]
    )

    assert done.returncode == 0


def test_threads_take_shorter_turns_only_while_a_model_is_loaded(root: Path) -> None:
    registry.promote(root, FIRST)
    handle, turns = ModelHandle(root), []
    before = sys.getswitchinterval()
    handle.prepare = lambda _: turns.append(sys.getswitchinterval())

    handle.get()

    assert turns[0] < before / 10
    assert sys.getswitchinterval() == before
