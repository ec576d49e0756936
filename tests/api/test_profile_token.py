"""The profile that a shopper holds: what goes in comes out, and nothing else ever does."""

from datetime import UTC, datetime, timedelta

import pytest
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from api.errors import Problem
from api.recommending import profile
from api.recommending.profile import Deed
from recsys.types import EventKind

KEYS = ("a secret of the tests",)
DEEDS = [Deed(1_700_000_000 + n, f"item {n} ü/🛒", list(EventKind)[n % 5]) for n in range(7)]


def token(deeds: list[Deed] = DEEDS, keys: tuple[str, ...] = KEYS) -> str:
    return profile.sign(keys, deeds)[0]


def refusal(text: str, keys: tuple[str, ...] = KEYS) -> str:
    with pytest.raises(Problem) as caught:
        profile.read(keys, text)
    assert caught.value.status == 422
    [(field, message)] = caught.value.errors
    assert field == "profile"
    return message


def test_deeds_come_out_as_they_went_in() -> None:
    assert profile.read(KEYS, token()) == DEEDS
    assert profile.read(KEYS, token([])) == []


def test_no_changed_character_is_accepted() -> None:
    good = token()
    for place in range(0, len(good), 7):
        other = "A" if good[place] != "A" else "B"
        changed = good[:place] + other + good[place + 1 :]
        if changed[-1] == good[-1]:  # the last one holds bits that base64 does not use
            assert "changed" in refusal(changed)


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b.c", "é", "\x00", ".eJw.x.y", "0" * 8_000, "null", "\ud800"]
)
def test_what_is_no_profile_is_refused(text: str) -> None:
    assert "none of ours" in refusal(text)


def test_a_profile_of_another_secret_or_another_use_is_refused() -> None:
    elsewhere = URLSafeTimedSerializer(KEYS[0], salt="another use").dumps([["a", "v", 1]])

    assert "none of ours" in refusal(token(), ("another secret",))
    assert "none of ours" in refusal(elsewhere)


def test_a_secret_that_was_replaced_is_read_but_signs_no_more() -> None:
    new = (*KEYS, "a newer secret")

    assert profile.read(new, token()) == DEEDS
    assert "none of ours" in refusal(token(keys=new))


def test_a_profile_that_nobody_renewed_has_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = datetime.now(UTC) - profile.KEPT - timedelta(days=1)
    with monkeypatch.context() as patch:
        patch.setattr(TimestampSigner, "get_timestamp", lambda _: int(long_ago.timestamp()))
        old = token()

    assert "expired" in refusal(old)


def test_too_large_is_refused_before_it_is_looked_at() -> None:
    assert "at most" in refusal("x" * (profile.MAX_CHARACTERS + 1))


def test_the_newest_are_kept_and_the_same_deed_counts_once() -> None:
    many = [Deed(n, f"i{n % 90}", EventKind.VIEW) for n in range(80)]

    kept = profile.newest([*many, *many, Deed(3, "old", EventKind.CART)])

    assert kept == many[-profile.MAX_DEEDS :]


def test_the_longest_ids_that_random_letters_make_still_fit() -> None:
    import random

    draw = random.Random(5)  # noqa: S311 no secret
    letters = "".join(chr(code) for code in range(0x4E00, 0x5E00))
    worst = [
        Deed(n, "".join(draw.choices(letters, k=200)), EventKind.VIEW)
        for n in range(profile.MAX_DEEDS)
    ]

    made, held = profile.sign(KEYS, worst)

    assert len(made) <= profile.MAX_CHARACTERS
    assert profile.read(KEYS, made) == worst[-held:]
    assert held >= 5
