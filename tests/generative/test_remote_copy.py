"""A remote model that fails, hangs, lies or costs: over a real connection, and never more than a try."""

import logging
import socket
import time

import pytest

from bench.scripted_model import FAULTS, serving
from generative.brief import clean
from generative.checks.claims import judge
from generative.copy.guard import Breaker
from generative.copy.prompts import example_lines
from generative.copy.remote import Endpoint, RemoteCopy
from generative.copy.template import TemplateCopy
from generative.errors import NotAsked, ProviderUnavailable
from generative.floor import judge_fixed
from generative.providers import MemoryLedger, write
from generative.types import Brief, ItemFacts

ITEM = ItemFacts(
    item_id="1",
    title="Linen Scarf",
    description="Soft linen scarf in dark blue. Wear it loose on cool days.",
    price="29.00",
)
BRIEF = clean(Brief(item=ITEM, size="hero"))
KEY = "sk-a-secret-that-must-not-be-seen"
SOUND = "Soft linen scarf in dark blue."


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def remote():
    """Make a provider for a script's server; it waits in no test."""

    def made(scripted, *, purse=None, breaker=None, pauses=None, **settings):
        pauses = pauses if pauses is not None else []
        values = {"timeout_seconds": 2.0, "model": "m", "key": KEY, "samples": 2, **settings}
        endpoint = Endpoint(url=scripted.url, **values)
        return RemoteCopy(endpoint, purse=purse, breaker=breaker, sleep=pauses.append)

    return made


def test_a_sound_answer_becomes_candidates_with_model_and_button(remote):
    with serving() as scripted:
        candidates = remote(scripted).write(BRIEF, seed=3)

    assert [candidate.copy.tagline for candidate in candidates] == [SOUND]
    assert candidates[0].model == "m@127.0.0.1"
    assert candidates[0].copy.action


def test_it_is_asked_for_json_of_a_schema_with_the_key_in_one_header(remote):
    with serving() as scripted:
        remote(scripted).write(BRIEF, seed=3)

    headers, payload = scripted.asked[0]
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert payload["response_format"]["json_schema"]["strict"]
    assert payload["seed"] == 3
    assert KEY not in str(payload)


def test_no_price_is_told_to_a_model_only_a_slot(remote):
    with serving() as scripted:
        remote(scripted).write(BRIEF, seed=0)

    said = str(scripted.asked[0][1]["messages"])
    assert "29.00" not in said
    assert "{price}" in said


@pytest.mark.parametrize("fault", ["429", "500", "503", "truncated", "garbage", "hang_up"])
def test_what_may_pass_is_tried_again(remote, fault):
    pauses = []
    with serving([fault, "sound"]) as scripted:
        candidates = remote(scripted, pauses=pauses).write(BRIEF, seed=0)

    assert len(candidates) == 1
    assert len(pauses) == 1


@pytest.mark.parametrize("fault", ["401", "404", "wrong_form", "numbers_for_words", "redirect"])
def test_what_will_not_pass_is_not_tried_again(remote, fault):
    with serving([fault, "sound"]) as scripted:
        with pytest.raises(ProviderUnavailable):
            remote(scripted).write(BRIEF, seed=0)

        assert len(scripted.asked) == 1


def test_a_redirect_is_not_followed(remote):
    with serving(["redirect"]) as scripted:
        with pytest.raises(ProviderUnavailable, match="sends elsewhere"):
            remote(scripted).write(BRIEF, seed=0)

        assert scripted.elsewhere == 0


def test_pauses_grow_by_chance_and_end(remote):
    pauses = []
    with serving(["500"]) as scripted, pytest.raises(ProviderUnavailable, match="3 times"):
        remote(scripted, pauses=pauses, timeout_seconds=20.0).write(BRIEF, seed=0)

    assert len(pauses) == 2
    assert 0 <= pauses[0] <= 0.5
    assert 0 <= pauses[1] <= 1.0


def test_retry_after_is_kept(remote):
    pauses = []
    with serving(["429_later", "sound"]) as scripted:
        remote(scripted, pauses=pauses, timeout_seconds=20.0).write(BRIEF, seed=0)

    assert pauses == [1.0]


def test_a_retry_after_beyond_the_time_ends_the_call(remote):
    pauses = []
    with serving(["429_tomorrow", "sound"]) as scripted:
        with pytest.raises(ProviderUnavailable, match="429"):
            remote(scripted, pauses=pauses).write(BRIEF, seed=0)

        assert len(scripted.asked) == 1
    assert pauses == []


@pytest.mark.parametrize("fault", ["slow", "drip"])
def test_the_time_is_a_total(remote, fault):
    started = time.monotonic()
    with serving([fault]) as scripted, pytest.raises(ProviderUnavailable, match="too long"):
        remote(scripted, timeout_seconds=0.4).write(BRIEF, seed=0)

    assert time.monotonic() - started < 2.5


def test_an_answer_without_end_is_cut_off(remote):
    with serving(["huge"]) as scripted, pytest.raises(ProviderUnavailable, match="larger than"):
        remote(scripted, tries=1).write(BRIEF, seed=0)


def test_nobody_at_the_address_is_told_as_such():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endpoint = Endpoint(url=f"http://127.0.0.1:{port}/v1", model="m", timeout_seconds=2.0, tries=2)

    with pytest.raises(ProviderUnavailable, match="cannot be reached"):
        RemoteCopy(endpoint, sleep=lambda _: None).write(BRIEF, seed=0)


def test_a_refusal_is_no_failure_and_no_copy(remote):
    breaker = Breaker(failures=1)
    with serving(["refusal"]) as scripted:
        candidates = remote(scripted, breaker=breaker).write(BRIEF, seed=0)

    assert candidates == []
    assert breaker.why_not() == ""


@pytest.mark.parametrize("name", ["max_tokens", "temperature", "seed", "response_format"])
def test_an_option_that_the_server_does_not_know_is_left_out_from_then_on(remote, name):
    with serving(lambda _: f"400:{name}") as scripted:
        provider = remote(scripted)
        first, second = provider.write(BRIEF, seed=0), provider.write(BRIEF, seed=0)

    assert first
    assert second
    assert len(scripted.asked) == 3
    assert ("max_completion_tokens" in scripted.asked[-1][1]) == (name == "max_tokens")


@pytest.mark.parametrize("fault", ["invented", "money", "order", "echo"])
def test_what_a_model_makes_up_is_refused_by_the_checks(remote, fault):
    with serving([fault]) as scripted:
        candidates = remote(scripted).write(BRIEF, seed=0)

    assert candidates
    for candidate in candidates:
        assert not judge(candidate.copy, BRIEF, forbidden=example_lines()).passed


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_the_remote_does_there_are_words(remote, fault):
    ledger = MemoryLedger(daily_budget=1.0)
    with serving([fault]) as scripted:
        provider = remote(scripted, tries=1, timeout_seconds=0.5)
        told = write(
            [provider, TemplateCopy()], BRIEF, seed=0, ledger=ledger, judged=_judged
        ).passed

    good = {"no_usage", "nan_usage"}
    assert [candidate.provider for candidate, _ in told] == (
        ["openai"] if fault in good else ["template"]
    )


@pytest.mark.parametrize("fault", ["401", "500", "truncated", "redirect", "huge", "echo"])
def test_the_key_is_in_no_error_and_in_no_log(remote, fault, caplog):
    caplog.set_level(logging.DEBUG)
    with serving([fault]) as scripted:
        provider = remote(scripted, tries=1)
        refused = write([provider], BRIEF, seed=0, ledger=MemoryLedger(), judged=_judged).refused

    assert refused
    assert KEY not in str(refused)
    assert KEY not in caplog.text
    assert KEY not in repr(provider._endpoint)


def test_a_breaker_spares_a_server_that_failed_in_a_row(remote):
    clock = Clock()
    breaker = Breaker(failures=2, rest_seconds=30, clock=clock)
    with serving(["500"]) as scripted:
        provider = remote(scripted, tries=1, breaker=breaker)
        for _ in range(2):
            with pytest.raises(ProviderUnavailable):
                provider.write(BRIEF, seed=0)
        with pytest.raises(NotAsked, match="rests"):
            provider.write(BRIEF, seed=0)

        assert len(scripted.asked) == 2
        assert "rests" in provider.available()


def test_a_breaker_tries_once_after_its_rest_and_closes_on_success(remote):
    clock = Clock()
    breaker = Breaker(failures=1, rest_seconds=30, clock=clock)
    with serving(["500", "500", "sound"]) as scripted:
        provider = remote(scripted, tries=1, breaker=breaker)
        with pytest.raises(ProviderUnavailable):
            provider.write(BRIEF, seed=0)
        clock.now = 30.0
        with pytest.raises(ProviderUnavailable):
            provider.write(BRIEF, seed=0)
        clock.now = 89.0  # the second rest is twice as long
        with pytest.raises(NotAsked):
            provider.write(BRIEF, seed=0)
        clock.now = 90.0

        assert provider.write(BRIEF, seed=0)
        assert provider.available() == ""


def test_reported_usage_is_what_is_charged(remote):
    purse = MemoryLedger(daily_budget=10.0)
    with serving() as scripted:
        candidates = remote(scripted, purse=purse, price_in=1.0, price_out=2.0).write(BRIEF, seed=0)

    assert purse.spent["openai"] == pytest.approx(0.2 * 1.0 + 0.05 * 2.0)
    assert sum(candidate.cost for candidate in candidates) == pytest.approx(0.3)


@pytest.mark.parametrize("fault", ["no_usage", "nan_usage", "truncated", "hang_up", "huge", "slow"])
def test_usage_that_is_not_told_is_charged_at_its_most(remote, fault):
    purse = MemoryLedger(daily_budget=100.0)
    settings = {"price_in": 1.0, "price_out": 1.0, "tries": 1, "timeout_seconds": 0.5}
    with serving([fault]) as scripted:
        write(
            [remote(scripted, purse=purse, **settings)],
            BRIEF,
            seed=0,
            ledger=purse,
            judged=_judged,
        )

    assert purse.spent["openai"] > 0.25  # dearer than what a good answer would have reported


@pytest.mark.parametrize("fault", ["429", "500", "401", "redirect"])
def test_a_refused_call_costs_nothing(remote, fault):
    purse = MemoryLedger(daily_budget=100.0)
    with serving([fault]) as scripted, pytest.raises(ProviderUnavailable):
        remote(scripted, purse=purse, price_in=1.0, tries=1).write(BRIEF, seed=0)

    assert purse.spent["openai"] == 0.0


def test_a_call_that_might_not_fit_the_budget_is_not_made(remote):
    purse = MemoryLedger(daily_budget=0.3)
    with serving() as scripted:
        with pytest.raises(NotAsked, match="budget"):
            remote(scripted, purse=purse, price_in=1.0, price_out=1.0).write(BRIEF, seed=0)

        assert scripted.asked == []


def test_the_budget_stops_the_calls_of_a_day(remote):
    purse = MemoryLedger(daily_budget=3.0)
    with serving() as scripted:
        provider = remote(scripted, purse=purse, price_in=1.0, price_out=1.0)
        made = 0
        for _ in range(30):
            try:
                made += len(provider.write(BRIEF, seed=0))
            except NotAsked:
                break

    assert 0 < made < 30
    assert purse.spent["openai"] <= 3.0


def test_a_provider_switched_off_is_not_asked(remote):
    ledger = MemoryLedger(off=["openai"])
    with serving() as scripted:
        told = write(
            [remote(scripted), TemplateCopy()], BRIEF, seed=0, ledger=ledger, judged=_judged
        )

        assert scripted.asked == []
    assert [candidate.provider for candidate, _ in told.passed] == ["template"]
    assert "switched off" in str(told.refused)


@pytest.mark.parametrize(
    "url", ["ftp://host/v1", "host/v1", "http://user:pw@host/v1", "http://host/v1?key=x", ""]
)
def test_an_address_that_is_none_is_refused_at_the_start(url):
    with pytest.raises(ValueError, match="must"):
        RemoteCopy(Endpoint(url=url, model="m"))


def _judged(candidate, brief):
    if candidate.provider == TemplateCopy.name:
        return judge_fixed(candidate.copy, brief)
    return judge(candidate.copy, brief, forbidden=example_lines(), at_limit=candidate.at_limit)
