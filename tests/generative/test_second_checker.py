"""The checker of the bench, which reads what was served by another road than the studio's own."""

import ast
from pathlib import Path

import pytest

import bench.checker
from bench.checker import own_test, unproved

ITEM = {
    "title": "Canvas Backpack",
    "description": "Waxed canvas backpack with leather straps. Holds 15 litres and a 13-inch laptop."
    " Pairs with a brown wool coat. Not suitable for the dishwasher.",
    "category": ["Bags"],
    "brand": "Nordwind",
    "price": "89.00",
    "was_price": "100.00",
    "attributes": {"colour": "olive"},
}


def test_it_shares_no_code_with_what_it_checks():
    tree = ast.parse(Path(bench.checker.__file__).read_text(encoding="utf-8"))
    modules = {
        name
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in [getattr(node, "module", "") or "", *(alias.name for alias in node.names)]
    }

    assert not [name for name in modules if name.split(".")[0] in {"generative", "recsys", "api"}]


@pytest.mark.parametrize(
    "text",
    [
        "Waxed canvas backpack with leather straps.",
        "Olive canvas, made to hold 15 litres.",
        "Holds a 13-inch laptop.",
        "Nordwind canvas backpack, now $89.00.",
        "Picked for you from our Bags range.",
        "Olive canvas, -11%.",
    ],
)
def test_what_the_fields_say_is_proved(text):
    assert unproved(ITEM, [text]) == []


@pytest.mark.parametrize(
    "text",
    [
        "Brown backpack.",
        "A wool backpack.",
        "Holds 13 litres.",
        "Made in Italy.",
        "The toughest canvas backpack.",
        "By Nordwind and Gucci.",
        "Suitable for the dishwasher.",
        "Now $79.00.",
        "Half price today, 50% off.",
        "Picked for you from our Leather range.",
        "Waterproof canvas.",
        "Lightweight backpack.",
    ],
)
def test_what_the_fields_do_not_say_is_not(text):
    assert unproved(ITEM, [text])


def test_it_knows_how_well_it_does():
    told = own_test()

    assert told["sentences_false_caught"] > 0.9
    assert told["sentences_true_called_unproved"] < 0.15
