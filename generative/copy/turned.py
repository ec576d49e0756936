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
from generative.copy.template import action, short_name
from generative.types import Brief, Copy

MAX_NOUN = 7  # words of what a thing is called
MIN_WORDS = 3  # of a line
MAX_SENTENCE = 300  # letters: the turns take the square of it, and no longer one fits a banner
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_THIS = r"(?P<this>this|these|our)\s"
_NOUN = r"(?P<np>[^,;:]+?)"

# Where the thing ends and what it does begins. After "this" a "blend" or a "set" is a thing, and no deed.
_ONE_DOES_TEXT = """will has have is are can features offers boasts showcases brings adds combines works keeps
    makes gives comes wraps fits blends provides delivers creates draws needs includes pairs transforms
    embodies exudes sets"""
_MANY_DO_TEXT = """will have are can feature offer boast showcase bring add combine work keep make give come wrap
    fit blend provide deliver create draw need include pair transform embody exude set"""
_ONE_DOES, _MANY_DO = ("|".join(text.split()) for text in (_ONE_DOES_TEXT, _MANY_DO_TEXT))
_THIS_NOUN = rf"(?:(?P<many>these)|this|our)\s{_NOUN}"
_DOES = rf"(?(many)(?:{_MANY_DO})|(?:{_ONE_DOES}))"
_HAS = r"(?:has|have|features?|offers?|boasts?|showcases?|includes?|comes? with)"
# First words of an invitation: verbs, and hardly ever anything else at the start of a sentence.
_DO_TEXT = """accessorize add adorn beat blast blend bring brighten build capture carry catch celebrate charge
    clean complete conquer cook cover create discover dive dress elevate embark embrace energize enhance enjoy enrich
    experience explore express feast find freshen get give go grate grill hold illuminate immerse impress indulge infuse
    invigorate keep land lift light listen look make mix moisturize nourish organize pair pamper play polish protect pull
    refresh relax relieve remove revitalize rock savor serve set show soften soothe spice stay step
    store style take taste transform treat travel turn unleash unlock unwind upgrade warm wear welcome wrap write"""
_DO = "|".join(_DO_TEXT.split())
# What a thing does for its owner's other things; to "look" or to "stay" is the owner's.
_SERVES = (
    "beat|blend|brighten|charge|clean|cover|energize|grate|grill|illuminate|invigorate|moisturize|nourish"
    "|organize|polish|protect|refresh|relieve|remove|revitalize|soften|soothe|store|unlock"
)
# How to treat the thing: said of it, an instruction would become what it is made for.
_CARE = re.compile(
    r"\b(?:before|after|when not|until|once|if|not|never|hours?|minutes?|seconds?|days?|regularly|thoroughly"
    r"|gently|carefully|fully|immediately|cool,? (?:dry|dark)|(?:cool|dry|dark) place|damp|soap|sunlight"
    r"|in (?:\w+ )?water|refrigerator|fridge|away|children|out of reach|by hand|its|this|these)\b",
    re.IGNORECASE,
)
# First words of an instruction beside `_DO`, and what makes one of a few words wherever it stands.
_TREAT = re.compile(
    r"^(?:apply|bake|boil|brew|brush|call|consult|contact|dip|drink|eat|fill|freeze|heat|iron|leave|let"
    r"|may|order|pour|press|refill|replace|rotate|rub|season|see|shake|soak|spray|sprinkle|steam|tumble)\b"
    r"|\b(?:avoid|wash|rinse|wipe|use|clean|do|don['\u2019]t|not|never|no|nothing)\b",
    re.IGNORECASE,
)
# After "has": a tense and no thing ("has been tested", "has changed the way").
_TENSE = (
    r"(?!(?:been|become|come|gone|got|had|made|won|to|not|never|ever|just|already|also|always|recently|you"
    r"|what|it|them)\b|\w+ed (?:an?|the|our|your|its|their|by|to|from|for|in|on|over|into|many|all|since)\b)"
)
_PLAIN = (
    r"(?!(?:with|has|have|not|never|no|too|as|in|on|at|from|to|of|by|for|up|out|than|made|sold|included)\b)"
    r"[\w-]+"
)
_ADJECTIVES = rf"(?P<adj>(?:{_PLAIN}(?:,? (?:and|but)|,)? ){{0,3}}{_PLAIN})"
_DONE_WITH = re.compile(
    r"\b(?:adorned|coated|covered|decorated|embroidered|equipped|filled|finished|fitted|lined|made|packed"
    r"|paired|printed|topped|trimmed)$",
    re.IGNORECASE,
)
_NO_LEAD_TEXT = """as after before when while although if since though because unlike whenever until once
    at on in by from to for not never without thanks you we"""
_NO_LEAD = frozenset(_NO_LEAD_TEXT.split())

_WITH_THIS = re.compile(
    rf"^(?P<do>(?:{_DO})\b.+?) (?:with|using|in) {_THIS}(?P<np>[^,;:]+)$", re.IGNORECASE
)
_DO_THIS = re.compile(
    rf"^(?P<do>(?!(?:{_SERVES})\b)(?:{_DO})) {_THIS}{_NOUN} (?P<rest>(?:to|with|on|in|at|for|from) .+)$",
    re.IGNORECASE,
)
_IT_DOES = re.compile(
    rf"^(?:{_SERVES})(?: up)? (?P<what>(?:your|any|every|all) (?:(?! with | using )[^,;:])+)$",
    re.IGNORECASE,
)
_DOES_BOTH = re.compile(r"^(?P<one>[\w-]+) (?P<first>.+) and (?P<two>[\w-]+) (?P<second>[^,;:]+)$")
_THIS_HAS = re.compile(rf"^{_THIS}{_NOUN} {_HAS} {_TENSE}(?P<what>.+)$", re.IGNORECASE)
_THIS_DOES = re.compile(rf"^{_THIS_NOUN} (?P<does>(?!{_HAS}\s){_DOES}\s.+)$", re.IGNORECASE)
_LED = re.compile(
    rf"^(?P<lead>(?:with|featuring) [^,;:]+?(?=,? )|[^,;:]+(?=,)),? {_THIS_NOUN} {_DOES}\s",
    re.IGNORECASE,
)
# What the shopper brings, not the thing: "With proper care, this pan will last".
_BRINGS = re.compile(
    r"(?:the|your|our|care|careful|proper|regular|practice|time|every|each|only|just|little|minimal|enough"
    r"|some)\b",
    re.IGNORECASE,
)
_PART_IS = re.compile(
    rf"^(?:the|its) (?P<noun>[\w-]+) (?:is|are) {_ADJECTIVES}(?:,? (?:with|and has|and have) (?P<what>.+))?$",
    re.IGNORECASE,
)
_THING_HAS = re.compile(
    rf"^(?P<np>[A-Z][\w' -]{{2,40}}?) (?:has|have) {_TENSE}(?P<what>[\w-]+ .+)$"
)
_FOR = re.compile(r"^(?P<np>[^,;:]+?) (?P<link>for|with) (?P<what>[^,;:]+)$", re.IGNORECASE)
_NEEDS = re.compile(r"^(?P<who>every [\w -]+?) needs (?P<np>an? [^,;:]+)$", re.IGNORECASE)
_VERB = re.compile(rf"\b(?:{_ONE_DOES}|{_MANY_DO}|was|were|be)\b", re.IGNORECASE)
_ARTICLE = re.compile(r"(?:an?|the)\s", re.IGNORECASE)
_GOES_ON = re.compile(
    r"(?:an?|the|perfect for|ideal for|making|creating|offering|adding|complemented by|each)\s",
    re.IGNORECASE,
)
_DEED = re.compile(r"\band \w+s \w+ly\b")  # "snap closures and attaches effortlessly"
_CROWDED = re.compile(r"\b(?:for|with|our|this|these|yet|without|no|not)\b", re.IGNORECASE)
# No name of a thing: it points, counts, denies or opens a clause.
_POINTS = re.compile(
    r"\b(?:this|these|those|our|the|its|it|you|we|they|he|she|who|which|that|if|when|where|once|since|while"
    r"|unlike|as|not|no|nobody|none|nothing|each|every|both|all|most|some|many|few|several|other|others|there"
    r"|one|and)\b",
    re.IGNORECASE,
)
_SUITS = _NO_LEAD | {"perfect", "ideal", "great", "good", "suitable", "compatible", "made"}
_DEED_FIRST = re.compile(r"\w+[^s\W]s$")  # "contains", "goes": rather lose a plural
_INVITES = re.compile(rf"^(?:{_DO})\b", re.IGNORECASE)


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
    if (found := _WITH_THIS.match(text)) and _is_thing(found["np"]):
        yield f"{found['np']} to {_small(found['do'])}"


def _to_do_with_it(text: str) -> Iterator[str]:
    found = _DO_THIS.match(text)
    if found and _is_thing(found["np"]) and not _CARE.search(found["rest"]):
        yield f"{found['np']} to {found['do'].lower()} {found['rest']}"


def _made_to_do(text: str) -> Iterator[str]:
    if (found := _IT_DOES.match(text)) and not _CARE.search(found["what"]):
        yield f"Made to {_small(text)}"


def _does_both(text: str) -> Iterator[str]:
    found = _DOES_BOTH.match(text)
    if found and all(_INVITES.fullmatch(found[name].lower()[:-1]) for name in ("one", "two")):
        yield f"{found['two']} {found['second']}, {_small(found['one'])} {found['first']}"


def _with_what(text: str) -> Iterator[str]:
    if (found := _THIS_HAS.match(text)) and _is_thing(found["np"]):
        for what in _parts(found["what"]):
            yield f"{found['np']} {'featuring' if ' with ' in what else 'with'} {what}"


def _that_does(text: str) -> Iterator[str]:
    if (found := _THIS_DOES.match(text)) and _is_thing(found["np"]):
        yield f"{found['np']} that {found['does']}"


def _after_a_lead(text: str) -> Iterator[str]:
    found = _LED.match(text)
    if not found or not _is_thing(found["np"]):
        return
    first, _, rest = found["lead"].partition(" ")
    if first.lower() in {"with", "featuring"}:
        if not _BRINGS.match(rest):
            yield f"{found['np']} {first.lower()} {rest}"
    elif first.lower() not in _NO_LEAD and not _INVITES.match(first):
        yield f"{found['np']}, {_small(found['lead'])}"


def _of_a_part(text: str) -> Iterator[str]:
    found = _PART_IS.match(text)
    if found and not _VERB.search(found["adj"]) and not _ARTICLE.match(found["adj"]):
        if found["what"] and _DONE_WITH.search(found["adj"]):
            return
        with_what = f" with {found['what']}" if found["what"] else ""
        yield f"{found['adj']} {found['noun'].lower()}{with_what}"


def _that_has(text: str) -> Iterator[str]:
    found = _THING_HAS.match(text)
    if found and not _POINTS.search(found["np"]):
        for what in _parts(re.split(r",? and is ", found["what"])[0]):
            yield f"{found['np']}{':' if ' with ' in what else ' with'} {what}"


def _for_whom(text: str) -> Iterator[str]:
    found = _FOR.match(text)
    if not found or _VERB.search(text) or _INVITES.match(text) or _TREAT.search(found["np"]):
        return
    words = found["np"].split()
    if len(words) == 1 or _DEED_FIRST.match(
        words[0]
    ):  # "Plays for", "Bake for": a verb as often as a thing
        return
    crowded = _CROWDED.search(f"{found['np']} {found['what']}")
    theirs = found["link"].lower() == "with" and found["what"].lower().startswith(("the ", "your "))
    if (
        crowded
        or theirs
        or words[-1].endswith(("ed", "enough", "made"))
        or words[0].lower() in _SUITS
    ):
        return
    stop = "," if words[0].lower() in {"a", "an"} else ":"
    yield f"{found['link']} {found['what']}{stop} {_small(found['np'])}"


def _for_who_needs(text: str) -> Iterator[str]:
    if found := _NEEDS.match(text):
        yield f"{_ARTICLE.sub('', found['np'])} for {_small(found['who'])}"


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
    return whole and named < 2 and not _VERB.search(noun)  # noqa: PLR2004 one may open with "LED"


def _parts(what: str) -> Iterator[str]:
    """A list whole, its first, its first two; no list is "a sleek, black frame", nor one that ends in a deed."""
    if _DEED.search(what):
        return
    yield what
    pieces = [piece.removeprefix("and ") for piece in re.split(r",\s+", what)]
    if len(pieces) > 1 and _GOES_ON.match(pieces[1]):
        yield pieces[0]
        if _ARTICLE.match(pieces[1]) and " and " not in pieces[0]:
            yield f"{pieces[0]} and {pieces[1]}"


def _small(text: str) -> str:
    """Without a sentence's capital; a name keeps its own."""
    first = text.split(" ", 1)[0]
    return text if first[1:] != first[1:].lower() else text[:1].lower() + text[1:]
