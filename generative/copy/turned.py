"""Sentences of an entry said the other way round: what a copy editor does so as not to repeat it.

"Protect your lips with this flavorful lip balm" becomes "Flavorful lip balm to protect your lips":
every word is the entry's and stands with the words it stood with, so nothing is claimed that was not,
while the line is no copy. A dozen turns that leave good English; what fits none is left alone. A thing
loses its article, as on a poster: else every other line would open with "a".
Turning clauses about is the oldest paraphrase there is (Barzilay and McKeown 2001, "syntactic"); rules
do it here because what they make needs no proof beside the checks'.
"""

import re
from collections.abc import Callable, Iterator

from generative.brief import language
from generative.copy import clauses
from generative.copy.template import action, short_name
from generative.types import Brief, Copy

MAX_NOUN = 7  # words of what a thing is called
MIN_WORDS = 3  # of a line
MAX_SENTENCE = 300  # letters: the turns take the square of it, and no longer one fits a banner
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def turning(brief: Brief, seed: int) -> list[Copy]:  # noqa: ARG001 a `Teacher` of `distil`
    """Unchecked copy: the item's name over each of its turned sentences; none where English is not spoken."""
    if language(brief.locale) != "en":
        return []
    name = short_name(brief.item)
    return [
        Copy(headline=name, tagline=f"{line}.", action=action(brief))
        for line in turned(brief.item.description)
        if not _of_itself(line, name)
    ]


def turned(description: str) -> list[str]:
    """Sentences without a full stop, each in its own order of words; none stands in the description so."""
    found: dict[str, None] = {}
    for sentence in _SENTENCE.split(description):
        text = " ".join(sentence.split()).rstrip(".!?")
        for turn in _TURNS if len(text) <= MAX_SENTENCE else ():
            for line in turn(text):
                if len(line.split()) >= MIN_WORDS:
                    found[line[:1].upper() + line[1:]] = None
    return list(found)


def _to_do(text: str) -> Iterator[str]:
    if (found := clauses.WITH_THIS.match(text)) and _is_thing(found["np"]):
        yield f"{found['np']} to {_small(found['do'])}"


def _to_do_with_it(text: str) -> Iterator[str]:
    found = clauses.DO_THIS.match(text)
    if found and _is_thing(found["np"]) and not clauses.CARE.search(found["rest"]):
        yield f"{found['np']} to {found['do'].lower()} {found['rest']}"


def _made_to_do(text: str) -> Iterator[str]:
    if (found := clauses.IT_DOES.match(text)) and not clauses.CARE.search(found["what"]):
        yield f"Made to {_small(text)}"


def _does_both(text: str) -> Iterator[str]:
    found = clauses.DOES_BOTH.match(text)
    if found and all(
        clauses.INVITES.fullmatch(found[name].lower()[:-1]) for name in ("one", "two")
    ):
        yield f"{found['two']} {found['second']}, {_small(found['one'])} {found['first']}"


def _with_what(text: str) -> Iterator[str]:
    if (found := clauses.THIS_HAS.match(text)) and _is_thing(found["np"]):
        for what in _parts(found["what"]):
            yield f"{found['np']} {'featuring' if ' with ' in what else 'with'} {what}"


def _that_does(text: str) -> Iterator[str]:
    if (found := clauses.THIS_DOES.match(text)) and _is_thing(found["np"]):
        yield f"{found['np']} that {found['does']}"


def _after_a_lead(text: str) -> Iterator[str]:
    found = clauses.LED.match(text)
    if not found or not _is_thing(found["np"]):
        return
    first, _, rest = found["lead"].partition(" ")
    if first.lower() in {"with", "featuring"}:
        if not clauses.BRINGS.match(rest):
            yield f"{found['np']} {first.lower()} {rest}"
    elif first.lower() not in clauses.NO_LEAD and not clauses.INVITES.match(first):
        yield f"{found['np']}, {_small(found['lead'])}"


def _of_a_part(text: str) -> Iterator[str]:
    found = clauses.PART_IS.match(text)
    if found and not clauses.VERB.search(found["adj"]) and not clauses.ARTICLE.match(found["adj"]):
        if found["what"] and clauses.DONE_WITH.search(found["adj"]):
            return
        with_what = f" with {found['what']}" if found["what"] else ""
        yield f"{found['adj']} {found['noun'].lower()}{with_what}"


def _that_has(text: str) -> Iterator[str]:
    found = clauses.THING_HAS.match(text)
    if found and not clauses.POINTS.search(found["np"]):
        for what in _parts(re.split(r",? and is ", found["what"])[0]):
            yield f"{found['np']}{':' if ' with ' in what else ' with'} {what}"


def _for_whom(text: str) -> Iterator[str]:
    found = clauses.FOR.match(text)
    deed = clauses.VERB.search(text) or clauses.INVITES.match(text)
    if not found or deed or clauses.TREAT.search(found["np"]):
        return
    words = found["np"].split()
    # "Plays for", "Bake for": a verb as often as a thing.
    if len(words) == 1 or clauses.DEED_FIRST.match(words[0]):
        return
    crowded = clauses.CROWDED.search(f"{found['np']} {found['what']}")
    theirs = found["link"].lower() == "with" and found["what"].lower().startswith(("the ", "your "))
    hangs = words[-1].endswith(("ed", "enough", "made")) or words[0].lower() in clauses.SUITS
    if crowded or theirs or hangs:
        return
    stop = "," if words[0].lower() in {"a", "an"} else ":"
    yield f"{found['link']} {found['what']}{stop} {_small(found['np'])}"


def _for_who_needs(text: str) -> Iterator[str]:
    if found := clauses.NEEDS.match(text):
        yield f"{clauses.ARTICLE.sub('', found['np'])} for {_small(found['who'])}"


_TURNS: tuple[Callable[[str], Iterator[str]], ...] = (
    _to_do,
    _to_do_with_it,
    _made_to_do,
    _does_both,
    _with_what,
    _that_does,
    _after_a_lead,
    _of_a_part,
    _that_has,
    _for_whom,
    _for_who_needs,
)


def _of_itself(line: str, name: str) -> bool:
    """Whether headphones are "Made to charge your headphones": that sentence told how to treat them."""
    thing = name.lower().split()[-1:]
    return line.startswith("Made to ") and not set(thing).isdisjoint(line.lower().split())


def _is_thing(noun: str) -> bool:
    """Two words or more, and no name: that stands in the headline."""
    words = noun.split(" with ", maxsplit=1)[0].split()
    named = sum(word[:1].isupper() for word in words)
    whole = 2 <= len(words) <= MAX_NOUN and not words[-1].endswith("ly")  # noqa: PLR2004 words
    return whole and named < 2 and not clauses.VERB.search(noun)  # noqa: PLR2004 one may open with "LED"


def _parts(what: str) -> Iterator[str]:
    """A list whole, its first, its first two; no list is "a sleek, black frame", nor one that ends in a deed."""
    if clauses.DEED.search(what):
        return
    yield what
    pieces = [piece.removeprefix("and ") for piece in re.split(r",\s+", what)]
    if len(pieces) > 1 and clauses.GOES_ON.match(pieces[1]):
        yield pieces[0]
        if clauses.ARTICLE.match(pieces[1]) and " and " not in pieces[0]:
            yield f"{pieces[0]} and {pieces[1]}"


def _small(text: str) -> str:
    """Without a sentence's capital; a name keeps its own."""
    first = text.split(" ", 1)[0]
    return text if first[1:] != first[1:].lower() else text[:1].lower() + text[1:]
