"""Rules of presentation: what stands side by side in one row of the shop."""

from api.pages.rows import ALIKE, FEWEST, SAME_REASON, listing_row, varied
from api.pages.tiles import Tile


def tile(number: int, *, image: str = "", leaf: str = "Milk", reason: str = "") -> Tile:
    return Tile(item_id=str(number), title="Milk", href="/", image=image, leaf=leaf, reason=reason)


def ids(tiles: tuple[Tile, ...]) -> list[int]:
    return [int(one.item_id) for one in tiles]


def test_a_third_product_of_one_picture_and_category_is_left_out() -> None:
    alike = [tile(number, image="/media/milk.jpg") for number in range(4)]
    other = tile(9, image="/media/milk.jpg", leaf="Cream")

    assert ids(varied([*alike, other], most=6)) == [0, 1, 9]


def test_what_stands_beside_the_row_counts_too() -> None:
    alike = [tile(number, image="/media/milk.jpg") for number in range(4)]

    assert ids(varied(alike[1:], most=6, beside=alike[:1])) == [1]


def test_products_without_a_picture_are_not_taken_for_alike() -> None:
    assert len(varied([tile(number) for number in range(5)], most=5)) == 5 > ALIKE


def test_a_worn_reason_makes_way_for_another_but_not_for_nothing() -> None:
    same = [tile(number, reason="Because you bought Figs") for number in range(5)]
    other = [tile(9, reason="Because you bought Bread")]

    assert ids(varied([*same, *other], most=SAME_REASON + 1)) == [0, 1, 2, 9]
    assert ids(varied([*same, *other], most=6)) == [0, 1, 2, 3, 4, 9]


def test_a_reason_that_all_share_is_said_once() -> None:
    row = listing_row([tile(n, reason="Similar to Figs") for n in range(FEWEST)], title="Similar")

    assert row.note == "Similar to Figs"
    assert {one.reason for one in row.tiles} == {""}


def test_reasons_that_differ_stay_with_their_products() -> None:
    tiles = [tile(n, reason=f"Because you bought {n}") for n in range(FEWEST)]
    row = listing_row(tiles, title="For you")

    assert row.note == ""
    assert [one.reason for one in row.tiles] == [one.reason for one in tiles]
