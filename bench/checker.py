"""A second opinion on served copy, by another road than `generative.checks`, of which it imports nothing.

The studio's checker reads a text as clauses, binds words to what they are of, and proves each claim
by a field. This one knows no grammar. It slides over the words: each word that is not on its list of
empty ones must stand in a field of the item; neighbours in a run of such words must stand near each
other in one sentence of one field; words of its dictionaries (stuffs, colours, places, certificates,
superlatives) must stand before the same word there; numbers must keep the word that follows them; and
what a field says after "not", "like" or "goes with" proves nothing plain. It calls more things unproved than
are false, and what it misses its own test says: `python bench/checker.py`.
"""

import json
import re
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WORDS = json.loads((Path(__file__).parent / "checker_words.json").read_text(encoding="utf-8"))
NEAR = 7  # words between which two neighbours of the copy may stand in a field

EMPTY = frozenset(word for line in WORDS["empty"] for word in line.split())
DENY = frozenset(WORDS["deny"].split())
BESIDE = tuple(tuple(phrase.split()) for phrase in WORDS["beside"])
DICTIONARY = frozenset(word for line in WORDS["dictionary"] for word in line.split())
STRONG = frozenset(word for line in WORDS["strong"] for word in line.split())
COUNTS = {word: value for value, word in enumerate(WORDS["counts"].split(), start=2)}
OWN = tuple(re.compile(line, re.IGNORECASE) for line in WORDS["own_sentences"])
ENDINGS = tuple(WORDS["endings"].split())
_TOKEN = re.compile(
    r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['\u2019][^\W\d_]+)*|[%\u20ac$\u00a3]|[.!?,;:()\u2013\u2014]"
)
_AMOUNT = re.compile(r"[\u20ac$\u00a3]\s?(\d[\d.,]*)|(\d[\d.,]*)\s?[\u20ac$\u00a3%]")
_STOPS, _PAUSES = frozenset(".!?"), frozenset(",;:()\u2013\u2014")


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    root: str
    sentence: int
    place: int  # in the text, pauses counted
    run: int  # words of one run have neither pause nor empty word between them
    denied: bool
    beside: bool  # said of something else: "goes with", "like", "than"
    first: bool  # opens a sentence


def unproved(item: Mapping[str, Any], texts: Sequence[str]) -> list[str]:
    """What no field of an item proves of these texts, in words; [] where all is proved.

    Args:
        item: The catalogue's row, raw: title, description, category, brand, attributes, prices.
        texts: Each line as a shopper reads it.
    """
    fields = [read(text) for text in _fields(item)]
    named = {
        word.root for text in (item["title"], *item.get("category", ())) for word in read(text)
    }
    troubles = []
    for text in texts:
        if (shelf := _shelf_of(text)) is not None:
            # Of a fixed sentence only the shelf is a claim.
            if shelf and shelf.casefold() not in map(str.casefold, item.get("category", ())):
                troubles.append(f"{shelf!r} is no shelf of the item")
            continue
        troubles += _money(text, item)
        said = read(_AMOUNT.sub(",", text))
        for index, word in enumerate(said):
            before = said[index - 1] if index else None
            after = said[index + 1] if index + 1 < len(said) else None
            if trouble := _trouble(word, before, after, fields, named):
                troubles.append(trouble)
    return troubles


def read(text: str) -> list[Word]:
    """The words that are not empty, each with where and how it is said."""
    text = unicodedata.normalize("NFKC", text)
    found: list[Word] = []
    sentence = place = run = 0
    deny_until = beside_until = -1
    first, tokens = True, _TOKEN.findall(text)
    lows = [token.lower().replace("\u2019", "'") for token in tokens]
    for place, low in enumerate(lows):
        if low in _STOPS or low in _PAUSES:
            run += 1
            if low in _STOPS:
                sentence, first = sentence + 1, True
            beside_until = -1  # "like lemon, it has a sour taste": the taste is its own
            if low not in {",", "\u2013"} or lows[place + 1 : place + 2] not in (
                ["no"],
                ["nor"],
                ["or"],
            ):
                deny_until = -1
            continue
        if low in DENY and lows[place : place + 2] != ["no", "time"]:
            deny_until = place + 5
        if any(tuple(lows[place : place + len(phrase)]) == phrase for phrase in BESIDE):
            beside_until = place + 8
        if low in EMPTY and low not in STRONG:
            run += low != "-"
            first = False
            continue
        free = lows[place + 1 : place + 2] == ["free"]
        denied = place <= deny_until or free
        found.append(
            Word(
                tokens[place], root(low), sentence, place, run, denied, place <= beside_until, first
            )
        )
        first = False
    return found


def root(word: str) -> str:
    """A word without one usual ending; numbers written out are digits."""
    if word in COUNTS:
        return str(COUNTS[word])
    word = word.removesuffix("'s").removesuffix("\u2019s")
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: len(word) - len(ending)]
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def _trouble(
    word: Word, before: Word | None, after: Word | None, fields: list[list[Word]], named: set[str]
) -> str:
    """Why one word is unproved; "" where it is proved."""
    places = [
        (field, there)
        for field in fields
        for there in field
        if there.root == word.root
        and there.denied == word.denied
        and (word.beside or not there.beside)
    ]
    if not places:
        return f"{word.text!r} stands in no field as it is said"
    low = word.text.lower()
    spelled = any(there.text.lower() == low for _, there in places)
    joined = after if after is not None and after.run == word.run else None
    lead = before if before is not None and before.run == word.run else None
    trouble = ""
    if word.text[0].isdigit() or low in COUNTS:
        if joined and not any(_follows(there, field, joined.root) for field, there in places):
            trouble = f"{word.text} {joined.text}: no field counts so"
    elif low in STRONG:
        trouble = "" if spelled else f"{word.text!r} in these letters stands in no field"
    elif word.text[0].isupper() and not word.first and word.text[1:].islower() and not spelled:
        trouble = f"name {word.text!r} stands in no field"
    elif low in DICTIONARY:
        trouble = _of_another(word, joined, places, named)
    elif lead is not None and not lead.text[0].isdigit() and not {word.root, lead.root} & named:
        near = any(_near(there, field, lead.root) for field, there in places)
        trouble = "" if near else f"{lead.text} {word.text}: apart in every field"
    return trouble


def _of_another(
    word: Word, head: Word | None, places: list[tuple[list[Word], Word]], named: set[str]
) -> str:
    """A stuff or a colour must be said of the same thing: before the same word, or of the item."""
    for field, there in places:
        heads = [other for other in field if other.run == there.run and other.place > there.place]
        of_item = not heads or heads[-1].root in named or any(h.root in named for h in heads)
        if head is None and (of_item or there.place > 0):
            return ""
        if head is not None and any(h.root == head.root for h in heads):
            return ""
        if head is not None and head.root in named and of_item:
            return ""
        if head is not None and head.text.lower() in DICTIONARY and _near(there, field, head.root):
            return ""
        if head is not None and not heads and _near(there, field, head.root):
            return ""
    return f"{word.text!r} is not said of {head.text if head else 'it'!r}"


def _near(there: Word, field: list[Word], other: str) -> bool:
    return any(
        near.root == other
        and near.sentence == there.sentence
        and abs(near.place - there.place) <= NEAR
        for near in field
    )


def _follows(there: Word, field: list[Word], other: str) -> bool:
    return any(
        near.root == other and near.sentence == there.sentence and 0 < near.place - there.place <= 3
        for near in field
    )


def _money(text: str, item: Mapping[str, Any]) -> list[str]:
    """Amounts of money and percentages must be the price, the former one, or the discount."""
    troubles = []
    right = {_number(item.get("price")), _number(item.get("was_price"))}
    price, was = _number(item.get("price")), _number(item.get("was_price"))
    if price and was and was > price:
        share = 100 * (was - price) / was
        right |= {float(int(share)), float(round(share))}
    prose = " ".join(_fields({**item, "price": None, "was_price": None}))
    for amount in _AMOUNT.findall(text):
        said = next(part for part in amount if part)
        if _number(said.rstrip(".,")) not in right and f"{said}%" not in prose:
            troubles.append(f"amount {said} is no price of the item")
    return troubles


def _number(text: object) -> float | None:
    try:
        return float(str(text).replace(",", ""))
    except ValueError:
        return None


def _fields(item: Mapping[str, Any]) -> Iterator[str]:
    yield item["title"]
    yield item.get("description", "")
    yield from item.get("category", ())
    yield item.get("brand", "")
    for name, value in item.get("attributes", {}).items():
        yield f"{value} {name}"
        yield f"{name} {value}"
    for price in ("price", "was_price"):
        if item.get(price):
            yield str(item[price])


def _shelf_of(text: str) -> str | None:
    """The shelf that one of the shop's fixed sentences names, "" none; None for any other text."""
    for own in OWN:
        if found := own.fullmatch(text.strip()):
            return found.groupdict().get("shelf") or ""
    return None


def own_test() -> dict[str, Any]:
    """How it does on the labelled sentences that were written for the other checker."""
    data = ROOT / "bench" / "claims"
    items = {row["item_id"]: row for row in map(json.loads, _lines(data / "items.jsonl"))}
    result: dict[str, Any] = {}
    for name in ("sentences", "attacks"):
        rows = [json.loads(line) for line in _lines(data / f"{name}.jsonl")]
        flagged = [(row, unproved(items[row["item"]], [row["text"]])) for row in rows]
        false = [troubles for row, troubles in flagged if not row["true"]]
        true = [troubles for row, troubles in flagged if row["true"]]
        result[f"{name}_false_caught"] = round(sum(map(bool, false)) / len(false), 4)
        result[f"{name}_true_called_unproved"] = round(sum(map(bool, true)) / len(true), 4)
        if "--show" in sys.argv:
            for row, troubles in flagged:
                if row["true"] == bool(troubles):
                    print(row["true"], row["item"], "|", row["text"], "|", troubles)
    return result


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
    for figure, value in own_test().items():
        print(f"{figure:45} {value}")
