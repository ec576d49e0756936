"""The rules of the house that no other tool checks."""

import importlib
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("recsys", "generative", "workers", "api")
MAX_LINES = 400
TEXT = {".py", ".md", ".toml", ".yml", ".html", ".js", ".css", ".json", ".sh", ".mako", ".lock"}


def tracked() -> list[Path]:
    """What is, or would be, committed; without git, what a release holds."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        found = (
            path for name in (*ROOMS, "tests", "demo", "docs") for path in (ROOT / name).rglob("*")
        )
        return [path for path in found if path.is_file() and "__pycache__" not in path.parts]
    paths = (ROOT / name for name in listed.stdout.splitlines())
    return [path for path in paths if path.is_file()]


@pytest.mark.parametrize("room", ROOMS)
def test_our_names_are_ours(room: str) -> None:
    module = importlib.import_module(room)

    assert Path(module.__file__ or "").parent == ROOT / room
    assert room not in importlib.metadata.packages_distributions()


@pytest.mark.parametrize("folder", ["tests", "migrations"])
def test_what_is_no_package_has_no_init(folder: str) -> None:
    assert list((ROOT / folder).rglob("__init__.py")) == []


def test_no_two_test_files_share_a_name() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]

    assert sorted(set(names)) == sorted(names)


def test_files_are_short_enough_to_read() -> None:
    too_long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked()
        if path.suffix == ".py"
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    }

    assert too_long == {}


def test_import_contracts_hold() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-3000:]


def test_nothing_names_the_machine_it_was_written_on() -> None:
    home = re.compile(r"(?<![\w.~])/(?:work|root|home/\w+|Users/\w+)/[\w.]")
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tracked()
        if path.suffix in TEXT and path != Path(__file__) and "vendor" not in path.parts
        if (match := home.search(path.read_text(encoding="utf-8", errors="replace")))
    ]

    assert found == []


def test_locks_pin_every_package_once_and_meet_the_ranges() -> None:
    import tomllib

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    pins: dict[str, str] = {}
    locks = ("requirements.lock", "requirements-dev.lock", "requirements-llm.lock")
    more = ("requirements-text.lock", "requirements-sign.lock", "requirements-pictures.lock")
    for name in (*locks, *more):
        for line in (ROOT / name).read_text().splitlines():
            if line and not line.startswith("#"):
                package, _, version = line.partition("==")
                assert version, f"{name}: {line} is not pinned"
                assert canonicalize_name(package) not in pins, f"{package} is pinned twice"
                pins[canonicalize_name(package)] = version
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    installed = ("dev", "llm", "text", "sign", "pictures")
    wanted = [*project["dependencies"], *(text for name in installed for text in extras[name])]
    for text in wanted:
        wish = Requirement(text)
        if wish.name != "torch":
            assert wish.specifier.contains(pins[canonicalize_name(wish.name)]), text


def test_makefile_targets_that_are_promised_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r'echo "make ([a-z-]+)', makefile))
    listed = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)

    assert listed is not None
    assert named <= set(listed[1].split())
