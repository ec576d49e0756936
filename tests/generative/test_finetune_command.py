"""The command line reads a shop's products, and says what it cannot read."""

import json
from pathlib import Path

import pytest

from generative.__main__ import main
from generative.commands.finetuning import products


def test_products_are_read_from_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    rows = [
        {"id": 1, "title": "Mug", "description": "A mug.", "category": ["Home", "Mugs"]},
        {"id": 2, "title": "Bare", "description": ""},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    (found,) = products(path)

    assert (found.item_id, found.title, found.category) == ("1", "Mug", ("Home", "Mugs"))


def test_products_are_read_from_csv(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("id,title,description,category,brand\n7,Mug,A mug.,Home/Mugs,Acme\n")

    (found,) = products(path)

    assert (found.item_id, found.category, found.brand) == ("7", ("Home", "Mugs"), "Acme")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("shop.jsonl", "not json\n"),
        ("shop.jsonl", "[1, 2]\n"),
        ("shop.jsonl", "7\n"),
        ("shop.csv", f"id,title,description\n1,Mug,{'a' * 200_000}\n"),  # more than csv takes
    ],
)
def test_a_file_without_products_ends_the_command(
    tmp_path: Path,
    name: str,
    content: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / name
    path.write_text(content)
    gguf = tmp_path / "base.gguf"
    gguf.write_bytes(b"weights")
    monkeypatch.setenv("VITRINE_VOICES_DIR", str(tmp_path / "voices"))
    monkeypatch.setenv("VITRINE_GGUF_PATH", str(gguf))

    assert main(["finetune", str(path)]) == 1
    assert f"{path}: no products in it" in capsys.readouterr().err


def test_a_shop_that_says_too_little_is_told_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "shop.jsonl"
    path.write_text(json.dumps({"id": 1, "title": "Mug", "description": "A mug."}) + "\n")
    gguf = tmp_path / "base.gguf"
    gguf.write_bytes(b"weights")
    monkeypatch.setenv("VITRINE_VOICES_DIR", str(tmp_path / "voices"))
    monkeypatch.setenv("VITRINE_GGUF_PATH", str(gguf))

    assert main(["finetune", str(path)]) == 1
    assert "name a teacher" in capsys.readouterr().err
