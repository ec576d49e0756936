"""Hostile catalogue text, a maintained list: `injections.jsonl`. Add a case for each new trick met.

A case holds a catalogue row and `must_not`: what may never be printed, in lower case. The floor prints
the merchant's own words and no model is shown an order, so both are run over every case.
"""

import dataclasses
import json
from pathlib import Path

import pytest

from bench.checker import unproved
from bench.scripted_model import serving
from generative.brief import clean, orders
from generative.checks.claims import judge
from generative.copy.prompts import asking, messages
from generative.copy.remote import Endpoint, RemoteCopy
from generative.copy.template import TemplateCopy
from generative.floor import floor, judge_fixed
from generative.providers import MemoryLedger, write
from generative.types import Brief, ItemFacts

LINES = Path(__file__).with_name("injections.jsonl").read_text(encoding="utf-8").splitlines()
CASES = [json.loads(line) for line in LINES]
EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])


def _brief(case, size="hero"):
    item = ItemFacts(
        item_id=case["name"],
        title=case["title"],
        description=case["description"],
        category=tuple(case.get("category", ())),
        brand=case.get("brand", ""),
        price=case.get("price"),
        attributes=case.get("attributes", {}),
    )
    return Brief(item=item, size=size)


def _printed(copy, case):
    said = f"{copy.headline} {copy.tagline} {copy.action}".lower()
    return [word for word in case["must_not"] if word.lower() in said]


def test_the_list_holds_every_kind_and_no_case_twice():
    assert len(CASES) >= 45
    assert len({case["name"] for case in CASES}) == len(CASES)
    assert len({(case["title"], case["description"], str(case)) for case in CASES}) == len(CASES)


@EACH
@pytest.mark.parametrize("size", ["hero", "rectangle", "leaderboard"])
def test_the_floor_prints_nothing_hostile_and_nothing_unproved(case, size):
    brief = _brief(case, size)

    copy = floor(brief).copy

    assert all((copy.headline, copy.tagline, copy.action))
    assert _printed(copy, case) == []
    assert unproved(dataclasses.asdict(brief.item), [copy.headline, copy.tagline]) == []


@EACH
def test_what_a_model_is_shown_holds_no_order_and_no_mark_of_a_chat(case):
    brief = clean(_brief(case))
    if orders(brief.item.description):
        return  # no model is asked, as the contract of providers tests
    for talk in (messages(brief), asking(brief, 2, frozenset())):
        entry = talk[-1]["content"].split("</entry>")[0]
        assert not any(mark in entry for mark in ("<|", "[INST", "<<SYS", "</s>", "{{", "${"))
        assert not orders(entry)


@EACH
@pytest.mark.parametrize("script", ["sound", "order", "invented", "money"])
def test_a_model_that_obeys_is_not_printed(case, script):
    brief = clean(_brief(case))
    with serving([script]) as scripted:
        remote = RemoteCopy(Endpoint(url=scripted.url, model="obeys", samples=1, tries=1))
        told = write([remote, TemplateCopy()], brief, seed=0, ledger=MemoryLedger(), judged=_judged)

    for candidate, _ in told.passed:
        assert _printed(candidate.copy, case) == []


def _judged(candidate, brief):
    if candidate.provider == TemplateCopy.name:
        return judge_fixed(candidate.copy, brief)
    return judge(candidate.copy, brief)
