"""Which models' assortments a process keeps, over promotions and rollbacks."""

from dataclasses import replace

import pytest

from api.recommending.assortments import Assortments
from recsys.catalogue.shelf import Shelf
from recsys.expressions.nodes import Kind
from recsys.learning.bundle import ModelBundle
from recsys.types import Item
from tests.api.conftest import bundle

SHELF = Shelf.of([Item(item_id=f"i{n}", title=f"Item {n}") for n in range(4)])


@pytest.fixture
def kept() -> Assortments:
    return Assortments()


def _model(version: str) -> ModelBundle:
    return bundle(("i0", "i1", "i2", "i3"), version)


def test_what_serves_after_a_rollback_is_kept_while_the_next_is_prepared(kept: Assortments) -> None:
    prepare = kept.preparer(lambda: SHELF)
    first = _model("A")
    for one in (first, _model("B"), replace(first)):  # a rollback reads the first from disk again
        prepare(one)
        serving = kept.of(one, SHELF, None)

    prepare(_model("C"))

    assert kept.of(serving.bundle, SHELF, None) is serving


def test_what_serves_is_kept_whatever_else_is_prepared(kept: Assortments) -> None:
    serving = kept.of(_model("A"), SHELF, None)
    prepare = kept.preparer(lambda: SHELF)

    for version in "BCD":  # none of them is promoted in the end
        prepare(_model(version))
        assert kept.of(serving.bundle, SHELF, None) is serving


def test_the_next_model_has_the_columns_that_shoppers_ask_the_serving_one_for(
    kept: Assortments,
) -> None:
    prepare = kept.preparer(lambda: SHELF)
    serving, left = kept.of(_model("A"), SHELF, None), _model("B")
    prepare(left)
    serving.columns.column("price", Kind.NUMBER)
    kept.of(serving.bundle, SHELF, None)

    following = _model("C")
    prepare(following)

    assert ("price", Kind.NUMBER) in kept.of(following, SHELF, None).columns.made()
