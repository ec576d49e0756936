"""A slate's creative speaks of a second purchase for what is bought again, and for nothing else."""

from recsys.types import Persona, Recommendation, Source


def test_only_what_comes_back_has_a_key_of_its_own(here, stocked) -> None:
    briefs, everyone = here.briefs, Persona()
    plain = briefs.keys(stocked, everyone, "hero")

    again = briefs.keys(stocked, everyone, "hero", "", {"i1"})

    assert [one == other for one, other in zip(plain, again, strict=True)] == [
        item.item_id != "i1" for item in stocked
    ]
    assert again[1] == briefs.of(stocked[1], everyone, "hero", "", {"i1"}).floor.key


def test_what_a_slate_buys_again_is_told_from_the_rest() -> None:
    from api.recommending.slates import _again

    picks = [
        Recommendation(item_id="a", rank=1, score=1.0, source=Source.BUY_AGAIN),
        Recommendation(item_id="b", rank=2, score=0.5, source=Source.PERSONAL),
    ]

    assert _again(picks) == {"a"}
