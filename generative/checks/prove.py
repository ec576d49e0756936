"""Whether a field of the item's facts proves a claim, and which words of it do.

A word is proved by a field that means it in the same way (plainly, denied, beside the item) of the
same thing; a number by an equal measure of the same thing; a price by the price fields alone; and a
sentence that a field says word for word by that sentence.
"""

from typing import NamedTuple

from generative.checks.amounts import prove_discount, prove_number, prove_price
from generative.checks.binding import (
    BOUND_KINDS,
    ITEM,
    head_place,
    heads,
    linked,
    material_key,
)
from generative.checks.evidence import Evidence, Field, Proof, proof_of
from generative.checks.parse import Claim
from generative.checks.reading import Reading, Scope
from generative.checks.vocabulary import MADE, ORIGIN_FIELDS, Kind, kind_of

_EXACT = frozenset((Kind.COMPARISON, Kind.PROMISE, Kind.ABSOLUTE, Kind.OFFER))
_NOT_BY_SHELF = frozenset((Kind.OFFER, Kind.PROMISE))  # a shelf of gifts holds no gift
_PREPOSITIONS = frozenset(("of", "with", "in", "from", "and", "or", "for", "to", "by", "as"))


class Copied(NamedTuple):
    """Tokens of a text that a field holds word for word, and where."""

    first: int
    last: int
    field: int
    shift: int


def copied(reading: Reading, evidence: Evidence) -> tuple[Copied, ...]:
    """The sentences that a field says word for word from a sentence's beginning, meant the same way."""
    found = []
    first = 0
    for place in range(1, len(reading.tokens) + 1):
        ends = place == len(reading.tokens)
        if ends or reading.sentence[place] != reading.sentence[first]:
            if (quote := _quoted(reading, first, place, evidence)) is not None:
                found.append(quote)
            first = place
    return tuple(found)


def prove(
    claim: Claim, reading: Reading, evidence: Evidence, quotes: tuple[Copied, ...] = ()
) -> Proof | None:
    """The first proof of a claim of this reading, or None."""
    if claim.kind is Kind.PRICE:
        return prove_price(claim, reading, evidence)
    token = reading.tokens[claim.place]
    counted = token.number is not None or token.low == "one"
    if claim.kind is Kind.OFFER:
        prices = prove_discount(claim, reading, evidence, counted=counted)
        if prices is not None or counted:
            return prices
    for quote in quotes:
        if quote.first <= claim.place <= quote.last:
            return proof_of(evidence.fields[quote.field], claim.place + quote.shift)
    if counted:
        return prove_number(claim, reading, evidence)
    return _prove_word(claim, reading, evidence)


def _quoted(reading: Reading, first: int, stop: int, evidence: Evidence) -> Copied | None:
    """The tokens of one sentence as a run in a field; what ends the sentence does not count."""
    while first < stop and not reading.tokens[first].text[0].isalnum():
        first += 1
    while stop > first and not reading.tokens[stop - 1].text[0].isalnum():
        stop -= 1
    if stop <= first:
        return None
    lows = [token.low for token in reading.tokens[first:stop]]
    for field, start in evidence.places.get(reading.tokens[first].stem, ()):
        there = evidence.fields[field].reading
        end = start + len(lows)
        if not there.tokens[start].opens or end > len(there.tokens):
            continue
        whole = (
            end == len(there.tokens)
            or there.chunk[end] != there.chunk[end - 1]
            or not there.weighs(end)
        )
        same = whole and all(
            there.tokens[start + step].low == low
            and (
                there.scope[start + step] == reading.scope[first + step]
                or not there.weighs(start + step)
            )
            for step, low in enumerate(lows)
        )
        if same:
            return Copied(first, stop - 1, field, start - first)
    return None


def _prove_word(claim: Claim, reading: Reading, evidence: Evidence) -> Proof | None:
    token = reading.tokens[claim.place]
    for index, place in evidence.places.get(token.stem, ()):
        field = evidence.fields[index]
        there = field.reading
        if there.scope[place] != reading.scope[claim.place]:
            continue
        if claim.kind in _EXACT and there.tokens[place].low != token.low:
            continue
        if claim.kind in _NOT_BY_SHELF and field.name == "category":
            continue
        if _agrees(claim, reading, field, place, evidence):
            return proof_of(field, place)
    return None


def _agrees(claim: Claim, reading: Reading, field: Field, place: int, evidence: Evidence) -> bool:
    """Whether a field's word is said of what the claim's word is said of."""
    there = field.reading
    if claim.kind in BOUND_KINDS and kind_of(reading.tokens[claim.place].low) in BOUND_KINDS:
        if claim.kind is Kind.MATERIAL and material_key(there, place) != material_key(
            reading, claim.place
        ):
            return False
        return _same_thing(claim.of, _bound_to(field, place), evidence)
    if claim.kind is Kind.ORIGIN:
        return _same_origin(claim, reading, field, place)
    if reading.scope[claim.place] is Scope.DENIED:
        return _denies_as_much(reading, there, place)
    head = head_place(reading, claim.place)
    if head == claim.place:
        return _same_whole(reading, claim.place, field, place, evidence)
    return _same_pair(reading, claim.place, head, field, place, evidence)


def _same_thing(of: frozenset[str], bound: frozenset[str], evidence: Evidence) -> bool:
    if of & bound - {ITEM}:
        return True
    speaks_of_item = ITEM in of or bool(of & evidence.item)
    return speaks_of_item and (ITEM in bound or bool(bound & evidence.item))


def _bound_to(field: Field, place: int) -> frozenset[str]:
    if field.of_item:
        return heads(field.reading, place) | {ITEM}
    if field.name.startswith("attributes."):
        return field.label
    return heads(field.reading, place)


def _same_pair(
    reading: Reading, place: int, head: int, field: Field, found: int, evidence: Evidence
) -> bool:
    """Whether a field says the word of the same head, in one part of a sentence or of the item."""
    there = field.reading
    root = reading.tokens[head].stem
    own = head_place(there, found)
    near = there.beside(found) if own == found else range(found + 1, own + 1)
    if any(there.tokens[other].stem == root for other in near):
        return True
    if _stem_after(reading, place) == _stem_after(there, found) != "":
        return True
    stuff = kind_of(reading.tokens[head].low) in BOUND_KINDS and ITEM in heads(reading, head)
    if root not in evidence.item and not stuff:
        return False
    if field.of_item or kind_of(reading.tokens[place].low) is Kind.COMPARISON:
        return field.of_item
    lead = there.tokens[found - 1].low if found else ""
    alone = own == found and lead not in _PREPOSITIONS
    return alone or there.tokens[own].stem in evidence.item


def _same_whole(reading: Reading, place: int, field: Field, found: int, evidence: Evidence) -> bool:
    """Whether "legs of paper cord" are the legs of a field too: what a thing is part of counts."""
    whole = heads(reading, place) - {ITEM}
    if not whole or whole & evidence.item or not linked(reading, place):
        return True
    there = field.reading
    return any(there.tokens[near].stem in whole for near in there.beside(found))


def _same_origin(claim: Claim, reading: Reading, field: Field, place: int) -> bool:
    """A place is proved by a field of origins, or by the same deed in the same place."""
    if field.name.startswith("attributes.") and field.label & ORIGIN_FIELDS:
        return True
    there = field.reading
    deed, source = _deed(reading, claim.place), _deed(there, place)
    return deed == source or (deed in MADE and source in MADE)


def _deed(reading: Reading, place: int) -> str:
    """The nearest word before a place that does more than join, or "made"."""
    for back in range(place - 1, -1, -1):
        if reading.clause[back] != reading.clause[place]:
            break
        token = reading.tokens[back]
        if token.low in MADE:
            return token.low
        if reading.weighs(back) and (token.opens or token.text[0].islower()):
            return token.stem
    return ""


def _denies_as_much(reading: Reading, there: Reading, found: int) -> bool:
    """Whether all of a thing is denied: "no added sugar" does not prove "no sugar"."""
    back, said = found - 1, {t.stem for t in reading.tokens}
    while back >= 0 and there.chunk[back] == there.chunk[found] and there.weighs(back):
        if there.tokens[back].stem not in said and there.scope[back] is Scope.DENIED:
            return False
        back -= 1
    return True


def _stem_after(reading: Reading, place: int) -> str:
    """The next word of the chunk, behind a hyphen at most."""
    for after in range(place + 1, min(place + 3, len(reading.tokens))):
        if reading.chunk[after] == reading.chunk[place] and reading.tokens[after].low != "-":
            return reading.tokens[after].stem
    return ""
