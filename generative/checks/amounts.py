"""Whether numbers are true: measures by an equal measure, prices and deals by the price fields alone."""

from generative.checks.binding import Measure, measure
from generative.checks.evidence import Evidence, Field, Proof, proof_of
from generative.checks.parse import Claim
from generative.checks.reading import Reading
from generative.checks.units import BOUNDS, CURRENCIES
from generative.checks.vocabulary import REDUCED

_FORMER = frozenset(("was", "instead", "before", "formerly", "statt", "antes"))
_SAVED = frozenset(("save", "saves", "saving", "savings", "off"))
_CENT = 0.005


def prove_number(claim: Claim, reading: Reading, evidence: Evidence) -> Proof | None:
    said = measure(reading, claim.place)
    for index, fact in evidence.measures:
        field = evidence.fields[index]
        if _equal(said, fact) and _measures_same(said, fact, field, evidence):
            return proof_of(field, fact.place, fact.end)
    return None


def _equal(said: Measure, fact: Measure) -> bool:
    if (said.value, said.dimension, said.scope) != (fact.value, fact.dimension, fact.scope):
        return False
    return said.bound == fact.bound or (said.bound in {"upper", "approximate"} and not fact.bound)


def _measures_same(said: Measure, fact: Measure, field: Field, evidence: Evidence) -> bool:
    """Whether two equal measures are taken of the same thing."""
    there = field.reading
    near = field.label | {there.tokens[place].stem for place in there.beside(fact.place)}
    if said.heads and not said.heads & fact.heads:
        speaks_of_item = not said.dimension or bool(said.heads & evidence.item)
        of_item = not fact.heads or bool(fact.heads & evidence.item)
        if not (said.dimension and speaks_of_item and of_item) and not (
            said.dimension and said.heads & near
        ):
            return False
    if said.heads and fact.heads and said.dimension == "percent":
        return said.head in fact.heads
    if said.groups:
        elsewhere = fact.before and fact.before not in evidence.item
        if not said.groups & fact.groups and (fact.groups or elsewhere):
            return False
    elif said.before and said.before not in near and said.before not in evidence.item:
        return False
    return bool(said.heads or said.dimension or said.before in near)


def prove_price(claim: Claim, reading: Reading, evidence: Evidence) -> Proof | None:
    """The item's own price, in its currency; a former one only where it is called former."""
    number = reading.tokens[claim.place].number
    money = {t.low for t in reading.tokens[max(claim.place - 1, 0) : claim.place + 2]}
    currencies = [CURRENCIES[low] for low in money if low in CURRENCIES]
    if number is None or not currencies or evidence.currency not in currencies[0]:
        return None
    near = [
        reading.tokens[place].low
        for place in range(max(claim.place - 4, 0), claim.place)
        if reading.clause[place] == reading.clause[claim.place]
    ]
    if any((low,) in BOUNDS for low in near):
        return None
    after = {t.low for t in reading.tokens[claim.place + 1 : claim.place + 3]}
    if _SAVED & {*near, *after}:
        saved = evidence.was_price - evidence.price
        proved, field = evidence.reduced and abs(saved - number) < _CENT, "was_price, price"
    elif _FORMER & set(near):
        proved, field = evidence.reduced and abs(evidence.was_price - number) < _CENT, "was_price"
    else:
        proved, field = abs(evidence.price - number) < _CENT and number > 0, "price"
    return _of_prices(evidence, field) if proved else None


def prove_discount(
    claim: Claim, reading: Reading, evidence: Evidence, *, counted: bool
) -> Proof | None:
    """A deal needs a higher former price; a share of it must be the true one, rounded down or to nearest."""
    token = reading.tokens[claim.place]
    if not evidence.reduced:
        return None
    if counted:
        share = 100 * (1 - evidence.price / evidence.was_price)
        right = token.number in {float(int(share + 1e-9)), float(round(share))}
        return _of_prices(evidence, "was_price, price") if right else None
    return _of_prices(evidence, "was_price, price") if token.low in REDUCED else None


def _of_prices(evidence: Evidence, field: str) -> Proof:
    values = {"price": f"{evidence.price:.2f}", "was_price": f"{evidence.was_price:.2f}"}
    text = ", ".join(values[name] for name in field.split(", "))
    return Proof(field, text, 0, len(text))
