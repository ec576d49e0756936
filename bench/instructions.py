"""A request counted in instructions, which no busy neighbour changes: by library, at two sizes.

Callgrind (Debian's package `valgrind`) runs the service in one process and counts the instructions
of the interpreter and of every library, but not the kernel's. Seconds on a shared machine may double
within a minute; of this count two runs beside a whole run of the tests differed by half a hundredth
(the bare answer's), so two commits can be told apart by less than any clock would show. It is no
time: cold memory and system calls are not in it.

Under Callgrind everything takes some fifty times as long. So the process is given a clock that runs
as much slower, or what is looked at every half second would be looked at in nearly every request.
The requests are those of `bench/serving.py`, and a bare Flask answer is counted beside them.

python bench/instructions.py [--sizes grocery,100k] [--turns 400] [--state DIR]
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SLOWER = 50
BARE = "bare_flask"
PACKAGES = ("flask", "faiss-cpu", "numpy", "numba", "orjson", "redis")
LIBRARIES = (  # by what the path of an object holds, the first that fits
    ("libpython", "python"),
    ("faiss", "faiss"),
    ("numpy", "numpy"),
    ("libc.so", "libc"),
    ("???", "compiled kernels"),
)
OTHERS = "others"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="grocery,100k")
    parser.add_argument("--turns", type=int, default=400)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--state", type=Path, default=None)
    options = parser.parse_args()
    if shutil.which("callgrind_control") is None:
        raise SystemExit("Callgrind is missing: install Debian's package `valgrind`")
    from bench.record import write  # noqa: PLC0415 the counted process needs none of it

    with tempfile.TemporaryDirectory() as made:
        state = (options.state or Path(made)).resolve()
        figures: dict[str, float | None] = {}
        rows: list[dict[str, Any]] = []
        for name in options.sizes.split(","):
            counted = of_size(state, name, turns=options.turns, epochs=options.epochs)
            bare = sum(counted[BARE].values())
            figures[f"{BARE}_instructions"] = bare
            for variant, by_library in counted.items():
                total = sum(by_library.values())
                if variant != BARE:
                    figures[f"{name}_{variant}_instructions"] = total
                    figures[f"{name}_{variant}_over_bare_flask"] = round(total / bare, 1)
                    rows.append({"shop": name, "variant": variant, **by_library, "all": total})
        write("instructions", figures=figures, rows=rows, packages=PACKAGES)


def of_size(root: Path, name: str, *, turns: int, epochs: int) -> dict[str, Counter[str]]:
    """Instructions of one request, by variant and library."""
    from bench import servers, serving  # noqa: PLC0415 as above

    shop = serving.fill(root, name, epochs=epochs)
    asked = {one: paths for one, paths in serving.variants(shop).items() if one in serving.VARIANTS}
    requests, port = shop.state / "requests-counted.json", servers.free_port()
    requests.write_text(json.dumps(asked))
    with tempfile.TemporaryDirectory() as made, servers.valkey(shop.state, port) as store:
        file = Path(made) / "counted"
        env = servers.environment(shop.state, port, PYTHONHASHSEED="0")
        this = [sys.executable, str(Path(__file__)), "--counted", str(requests), shop.key]
        # first as it is, so that every creative is there: to make them so slowly would take hours
        _run([*this, "0"], env)
        store.save()
        callgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no"]
        _run([*callgrind, f"--callgrind-out-file={file}", *this, str(turns)], env)
        dumps = sorted(file.parent.glob(f"{file.name}.*"), key=lambda one: int(one.suffix[1:]))
        found = dict(filter(None, map(_read, dumps)))
    names = [*(library for _, library in LIBRARIES), OTHERS]
    for one, by_library in found.items():
        found[one] = Counter({library: round(by_library[library] / turns) for library in names})
    print(name, found, flush=True)
    return found


def _run(command: Sequence[str], env: dict[str, str]) -> None:
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed:\n{done.stderr[-3000:]}")


def _read(dump: Path) -> tuple[str, Counter[str]] | None:
    """What one dump is of, and the instructions of each library's own code; None of the last, empty one.

    A line of costs is a position and a count; the one behind `calls=` is what the callee took.
    """
    label, objects, here, is_callee = "", dict[str, str](), "", False
    found: Counter[str] = Counter()
    for line in dump.read_text(errors="replace").splitlines():
        if line.startswith("desc: Trigger: "):
            label = line.split()[-1]
        elif named := re.match(r"(c?)ob=\((\d+)\)(?: (.*))?", line):
            callee, number, path = named.groups()
            if path:
                objects[number] = path
            here = here if callee else objects[number]
        elif line.startswith("calls="):
            is_callee = True
        elif line[:1] in {"+", "-", "*"} or line[:1].isdigit():
            if not is_callee:
                found[_library(here)] += int(line.split()[1])
            is_callee = False
    return (label, found) if label in {BARE, "page", "reasons", "plain"} else None


def _library(path: str) -> str:
    return next((name for part, name in LIBRARIES if part in path), OTHERS)


# --- the counted process


def counted(requests: Path, key: str, turns: int) -> None:
    """Ask for every shopper, then each variant while Callgrind counts; without turns, only fill."""
    if turns:
        _slow_down()
    from api import create_app  # noqa: PLC0415 after the clock
    from bench import bare, stages  # noqa: PLC0415 as above

    app = create_app()
    here, call = app.extensions["vitrine"], stages.caller(app, key)
    asked: dict[str, list[str]] = json.loads(requests.read_text())
    if not turns:
        for name in ("page", "plain"):
            stages.warm(here, call, asked[name])
    else:
        for path in asked["page"]:  # of every shopper, so all that is kept is filled
            call(path)
        floor = stages.caller(bare.create_app(), key)
        _control("-i", "on")
        _count(BARE, floor, ["/recommend"], turns)
        for name, paths in asked.items():
            _count(name, call, paths, turns)
        _control("-i", "off")
    here.close()


def _count(name: str, call: Callable[[str], Any], paths: Sequence[str], turns: int) -> None:
    for path in _round(paths, turns):
        call(path)
    _control("-z")
    for path in _round(paths, turns):
        call(path)
    _control("-d", name)


def _round(paths: Sequence[str], turns: int) -> Iterator[str]:
    return (paths[turn % len(paths)] for turn in range(turns))


def _control(*command: str) -> None:
    subprocess.run(["callgrind_control", *command, str(os.getpid())], check=True, timeout=60)


def _slow_down() -> None:
    """Clocks that a program asks for how long ago something was; those of the day are as they are."""
    for name in ("monotonic", "perf_counter"):
        real = getattr(time, name)
        began = real()
        setattr(time, name, lambda real=real, began=began: began + (real() - began) / SLOWER)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--counted"]:
        counted(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
    else:
        main()
