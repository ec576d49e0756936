"""Write docs/benchmarks.md from bench/results/*.json, so that no table is typed by hand.

python bench/tables.py            write the page
python bench/tables.py --check    exit 1 if the page is not what the results say
"""

import ast
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"

PREAMBLE = """# Benchmarks

Made by `make bench-docs` from `bench/results/*.json`; do not edit by hand.
Every section names the command that measures it again, and the machine it was measured on.
`null` means "not run", never a guess. Machines are noisy: read ratios and CPU seconds before wall times.
"""


def main() -> int:
    page = render()
    if "--check" in sys.argv[1:]:
        if PAGE.read_text() == page:
            return 0
        print(f"{PAGE.relative_to(ROOT)} is stale: run `make bench-docs`", file=sys.stderr)
        return 1
    PAGE.write_text(page)
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


def render() -> str:
    """Build the whole page from the results that are there, in the order of their names."""
    sections = [_section(path) for path in sorted(RESULTS.glob("*.json"))]
    return "\n".join([PREAMBLE, *sections])


def _section(path: Path) -> str:
    result = json.loads(path.read_text())
    machine, versions = result["machine"], result["versions"]
    hardware = f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB"
    lines = [
        f"## {path.stem}",
        "",
        _purpose(path.stem),
        "",
        f"`{result['command']}` on {result['date']}: {hardware}, GPU {machine.get('gpu') or 'none'}; "
        + ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
        + f"; seeds {result['seeds']}.",
        "",
    ]
    sets = list(dict.fromkeys(row["data"] for row in result["rows"] if "data" in row))
    # what belongs to a set stands in its rows already
    rest = {k: v for k, v in result["figures"].items() if k.split("_")[0] not in sets}
    lines += [*_table([{"figure": k, "value": v} for k, v in rest.items()]), ""] if rest else []
    for alike in _alike(row for row in result["rows"] if "data" not in row):
        lines += [*_table(alike), ""]
    for name in sets:
        rows = [row for row in result["rows"] if row.get("data") == name]
        lines += [f"### {name}", "", *_table([_without(row, "data") for row in rows]), ""]
    return "\n".join(lines).rstrip() + "\n"


def _alike(rows: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Rows that say the same things together, in the order of the first of each."""
    tables: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        tables.setdefault(tuple(row), []).append(row)
    return list(tables.values())


def _purpose(script: str) -> str:
    source = ROOT / "bench" / f"{script}.py"
    text = ast.get_docstring(ast.parse(source.read_text())) or ""
    return text.split("\n\n")[0].replace("\n", " ")


def _table(rows: list[dict[str, Any]]) -> list[str]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    body = ["| " + " | ".join(_cell(row.get(name)) for name in names) + " |" for row in rows]
    return ["| " + " | ".join(names) + " |", "|" + "---|" * len(names), *body]


def _without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def _cell(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value).replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main())
