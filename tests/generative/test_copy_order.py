"""Who is asked for copy, in which order, and what is counted of it."""

from dataclasses import replace

import pytest

from generative import evaluation
from generative.brief import clean
from generative.checks.claims import judge
from generative.config import GenerativeConfig
from generative.copy.candidate import Candidate
from generative.copy.extractive import ExtractiveCopy
from generative.copy.template import TemplateCopy, taglines
from generative.errors import ProviderUnavailable
from generative.floor import judge_fixed
from generative.providers import MemoryLedger, build, signature, write
from generative.types import Brief, Copy, ItemFacts

ITEM = ItemFacts(
    item_id="1", title="Linen Scarf", description="Soft linen scarf in dark blue. Wear it loose."
)
BRIEF = clean(Brief(item=ITEM, size="hero"))


class Speaker:
    """A provider that says one line, or nothing."""

    def __init__(self, name, tagline, *, away=False):
        self.name, self.tagline, self.away, self.asked = name, tagline, away, 0

    def write(self, brief, *, seed, avoid=frozenset()):  # noqa: ARG002 the protocol's
        self.asked += 1
        if self.away:
            raise ProviderUnavailable("its weights are missing")
        copy = Copy(headline="Linen Scarf", tagline=self.tagline, action="Shop now")
        return [Candidate(copy=copy, provider=self.name, seed=seed, model="m")]


TRUE, FALSE = "Soft linen in dark blue.", "Pure silk from Italy."


def _judged(candidate, brief):
    if candidate.provider == TemplateCopy.name:
        return judge_fixed(candidate.copy, brief)
    return judge(candidate.copy, brief)


def _told(*providers, ledger=None, **asked):
    return write(providers, BRIEF, seed=0, ledger=ledger or MemoryLedger(), judged=_judged, **asked)


def test_the_second_model_is_asked_only_where_the_first_said_nothing_sound():
    first, second = Speaker("llama", TRUE), Speaker("openai", TRUE)

    told = _told(first, second)

    assert [candidate.provider for candidate, _ in told.passed] == ["llama"]
    assert second.asked == 0


@pytest.mark.parametrize("first", [Speaker("llama", FALSE), Speaker("llama", TRUE, away=True)])
def test_the_second_model_stands_in_for_the_first(first):
    told = _told(first, Speaker("openai", TRUE))

    assert [candidate.provider for candidate, _ in told.passed] == ["openai"]
    assert told.refused[0]["provider"] == "llama"


def test_the_catalogues_own_words_always_compete():
    told = _told(Speaker("llama", TRUE), ExtractiveCopy(), TemplateCopy())

    assert {candidate.provider for candidate, _ in told.passed} == {"llama", "extractive"}


def test_fixed_words_come_where_nobody_wrote_anything():
    told = _told(Speaker("llama", FALSE), TemplateCopy())

    assert [candidate.provider for candidate, _ in told.passed] == ["template"]


def test_a_worn_opener_is_refused_of_a_model():
    told = _told(Speaker("llama", TRUE), ExtractiveCopy(), avoid=frozenset({"soft"}))

    assert {candidate.provider for candidate, _ in told.passed} == {"extractive"}
    assert "too many" in str(told.refused)


def test_the_first_part_of_a_joined_word_is_its_opener_as_the_quota_counts_it():
    told = _told(Speaker("llama", "Soft-linen scarf."), avoid=frozenset({"soft"}))

    assert "opens with 'soft'" in str(told.refused)


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_fixed_words_open_otherwise_too(locale):
    item = replace(ITEM, category=("Scarves",))
    brief = clean(Brief(item=item, size="hero", locale=locale))
    opened = frozenset(map(evaluation.opener, taglines(brief)[:2]))

    (written,) = TemplateCopy().write(brief, seed=0, avoid=opened)

    assert evaluation.opener(written.copy.tagline) not in opened


def test_calls_and_acceptance_are_counted_by_provider():
    ledger = MemoryLedger()

    _told(
        Speaker("llama", FALSE),
        Speaker("transformers", TRUE, away=True),
        Speaker("openai", TRUE),
        ledger=ledger,
    )

    kept = ("calls", "failures", "candidates", "accepted")
    assert {name: tuple(row[field] for field in kept) for name, row in ledger.calls.items()} == {
        "llama": (1, 0, 1, 0),
        "transformers": (1, 1, 0, 0),
        "openai": (1, 0, 1, 1),
    }


def test_what_shapes_a_line_shapes_the_signature():
    plain = GenerativeConfig(copy_providers=("llama", "openai"), openai_url="http://a/v1")

    assert signature(plain) != signature(GenerativeConfig(copy_providers=("llama",)))
    assert signature(plain) != signature(
        GenerativeConfig(copy_providers=("llama", "openai"), openai_url="http://b/v1")
    )


def test_a_key_does_not_shape_the_signature_nor_show_in_the_settings():
    config = GenerativeConfig.from_env(
        {"VITRINE_COPY_PROVIDERS": "openai", "VITRINE_OPENAI_KEY": "sk-secret"}
    )

    assert "sk-secret" not in f"{signature(config)} {config!r}"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"copy_providers": ("gpt",)}, "VITRINE_COPY_PROVIDERS"),
        ({"copy_providers": ("openai",)}, "VITRINE_OPENAI_URL"),
        (
            {"copy_providers": ("openai",), "openai_url": "gopher://x", "openai_model": "m"},
            "VITRINE_OPENAI_URL",
        ),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_by_name(settings, named):
    with pytest.raises(ValueError, match=named):
        build(GenerativeConfig(**settings), ledger=MemoryLedger())


def test_a_language_is_configured_with_or_without_its_region():
    config = GenerativeConfig.from_env({"VITRINE_COPY_LANGUAGES": "de-AT, en_GB, de"})

    assert config.copy_languages == ("de", "en")


def test_a_language_without_buttons_of_the_studios_own_is_refused_at_start():
    with pytest.raises(ValueError, match=r"VITRINE_COPY_LANGUAGES: \['it'\] are none of"):
        GenerativeConfig.from_env({"VITRINE_COPY_LANGUAGES": "en,it"})


@pytest.mark.parametrize("number", ["VITRINE_LLM_SAMPLES", "VITRINE_VOICES_KEPT"])
def test_a_count_that_would_round_to_nothing_is_refused_at_start(number):
    with pytest.raises(ValueError, match=f"{number}='0.5' must be a whole number"):
        GenerativeConfig.from_env({number: "0.5"})
