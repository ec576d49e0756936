"""The map from words to item vectors, on numbers whose answer is known."""

import numpy as np
import pytest

from recsys.models import text
from recsys.models.text import TextMap


def a_map(*, known: np.ndarray | None = None) -> TextMap:
    """Two-dimensional texts, placed as they are, with a bias of 1."""
    eye = np.eye(2, dtype=np.float32)
    weight = np.zeros((3, 3), np.float32)
    weight[:2, :2], weight[2, 2] = eye, 1
    return TextMap(
        encoder="plain",
        mean=np.zeros(2, np.float32),
        columns=eye,
        weight=weight,
        known=np.array([[1, 0], [0, 1], [0, 0]], np.float32) if known is None else known,
    )


def test_the_ridge_finds_a_linear_truth() -> None:
    draw = np.random.default_rng(1)
    features = draw.normal(size=(400, 6)).astype(np.float32)
    truth = draw.normal(size=(7, 3)).astype(np.float32)
    vectors = features @ truth[:-1] + truth[-1]

    weight = text.fit_map(features, vectors, np.full(400, 9, np.float32), penalty=1e-4)

    np.testing.assert_allclose(weight, truth, atol=1e-3)


def test_an_item_of_many_shoppers_counts_more_than_one_of_a_single() -> None:
    features = np.array([[1.0], [1.0]], np.float32)
    vectors = np.array([[0.0], [1.0]], np.float32)

    weight = text.fit_map(features, vectors, np.array([99, 1], np.float32), penalty=1e-3)

    placed = features[0] @ weight[:-1] + weight[-1]
    assert placed[0] == pytest.approx(0.5 / (0.99 + 0.5), abs=0.01)


def test_a_great_penalty_leaves_the_mean() -> None:
    features = np.array([[1.0], [-1.0]], np.float32)
    vectors = np.array([[3.0], [1.0]], np.float32)

    weight = text.fit_map(features, vectors, np.ones(2, np.float32), penalty=1e9)

    np.testing.assert_allclose(weight, [[0], [2]], atol=1e-3)


def test_directions_are_orthonormal_and_keep_what_a_low_rank_text_says() -> None:
    draw = np.random.default_rng(2)
    features = (draw.normal(size=(50, 3)) @ draw.normal(size=(3, 20))).astype(np.float32)

    columns = text.directions(features, 3)

    np.testing.assert_allclose(columns.T @ columns, np.eye(3), atol=1e-5)
    np.testing.assert_allclose(features @ columns @ columns.T, features, atol=1e-4)


def test_there_are_no_more_directions_than_texts() -> None:
    assert text.directions(np.eye(2, 8, dtype=np.float32), 96).shape == (8, 2)


def test_an_item_without_text_stays_zero_when_centred() -> None:
    vectors = np.array([[1, 0], [0, 1], [0, 0]], np.float32)

    found = text.centred(vectors, text.mean_of(vectors))

    assert not found[2].any()
    np.testing.assert_allclose(np.linalg.norm(found[:2], axis=1), 1, atol=1e-6)


def test_stand_ins_are_what_reads_alike_and_share_one_deed() -> None:
    rows, shares = a_map().nearest(np.array([0.8, 0.6], np.float32))

    assert rows.tolist() == [0, 1]
    np.testing.assert_allclose(shares, [0.8 / 1.4, 0.6 / 1.4], atol=1e-6)


def test_nothing_stands_for_what_reads_like_nothing() -> None:
    rows, shares = a_map().nearest(np.array([-1.0, -1.0], np.float32))

    assert (rows.tolist(), shares.tolist()) == ([], [])


def test_an_empty_model_has_no_stand_ins() -> None:
    rows, _ = a_map(known=np.zeros((0, 2), np.float32)).nearest(np.ones(2, np.float32))

    assert rows.tolist() == []


def test_the_map_is_read_back_as_it_was() -> None:
    made = a_map()

    back = text.from_arrays(made.arrays())

    assert back.encoder == "plain"
    for name in ("mean", "columns", "weight", "known"):
        np.testing.assert_array_equal(getattr(back, name), getattr(made, name))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text_weight", None),
        ("text_weight", np.zeros((2, 3), np.float32)),
        ("text_mean", np.zeros((2, 2), np.float32)),
        ("text_known", np.zeros((3, 1), np.float32)),
        ("text_columns", np.full((2, 2), np.nan, np.float32)),
        ("text_mean", np.zeros(2)),
    ],
)
def test_a_map_that_does_not_fit_is_refused(name: str, value: np.ndarray | None) -> None:
    arrays = a_map().arrays()
    if value is None:
        del arrays[name]
    else:
        arrays[name] = value

    with pytest.raises(ValueError, match="text map"):
        text.from_arrays(arrays)
