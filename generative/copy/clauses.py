"""The clauses of English catalogue text that can be turned about, and the words that forbid it.

Word lists and no parser: a line must be good English unseen, so what is not known is left alone.
"""

import re

_THIS = r"(?:this|these|our)\s"
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
CARE = re.compile(
    r"\b(?:before|after|when not|until|once|if|not|never|hours?|minutes?|seconds?|days?|regularly|thoroughly"
    r"|gently|carefully|fully|immediately|first|twice|daily|degrees|cool,? (?:dry|dark)|(?:cool|dry|dark) place|damp|soap|sunlight"
    r"|in (?:\w+ )?water|refrigerator|fridge|away|children|out of reach|by hand|its|this|these)\b",
    re.IGNORECASE,
)
# First words of an instruction beside `_DO`, and what makes one of a few words wherever it stands.
TREAT = re.compile(
    r"^(?:apply|bake|boil|brew|brush|call|consult|contact|dip|drink|eat|fill|freeze|heat|iron|leave|let"
    r"|may|order|pour|press|refill|replace|rotate|rub|season|see|shake|soak|spray|sprinkle|steam|tumble)\b"
    r"|\b(?:avoid|wash|rinse|wipe|use|clean|do|don['\u2019]t|not|never|no|nothing)\b",
    re.IGNORECASE,
)
# After "has": a tense and no thing ("has been tested", "has changed the way").
_TENSE = (
    r"(?!(?:been|become|come|gone|got|had|made|won|to|not|never|ever|just|already|also|always|recently|you"
    r"|what|it|them)\b|\w+ed (?:an?|the|our|your|its|their|by|to|from|for|in|on|over|into|many|all|since|this|these)\b)"
)
_PLAIN = (
    r"(?!(?:with|has|have|not|never|no|too|as|in|on|at|from|to|of|by|for|up|out|than|made|sold|included)\b)"
    r"[\w-]+"
)
_ADJECTIVES = rf"(?P<adj>(?:{_PLAIN}(?:,? (?:and|but)|,)? ){{0,3}}{_PLAIN})"
DONE_WITH = re.compile(
    r"\b(?:adorned|coated|covered|decorated|embroidered|equipped|filled|finished|fitted|lined|made|packed"
    r"|paired|printed|topped|trimmed)$",
    re.IGNORECASE,
)
_NO_LEAD_TEXT = """as after before when while although if since though because unlike whenever until once
    at on in by from to for not never without thanks you we"""
NO_LEAD = frozenset(_NO_LEAD_TEXT.split())

WITH_THIS = re.compile(
    rf"^(?P<do>(?:{_DO})\b(?! no\b).+?) (?:with|using|in) {_THIS}(?P<np>[^,;:]+)$", re.IGNORECASE
)
DO_THIS = re.compile(
    rf"^(?P<do>(?!(?:{_SERVES})\b)(?:{_DO})) {_THIS}{_NOUN} (?P<rest>(?:to|with|on|in|at|for|from) .+)$",
    re.IGNORECASE,
)
IT_DOES = re.compile(
    rf"^(?:{_SERVES})(?: up)? (?P<what>(?:your|every) (?:(?! with | using )[^,;:])+)$",
    re.IGNORECASE,
)
DOES_BOTH = re.compile(r"^(?P<one>[\w-]+) (?P<first>.+) and (?P<two>[\w-]+) (?P<second>[^,;:]+)$")
THIS_HAS = re.compile(rf"^{_THIS}{_NOUN} {_HAS} {_TENSE}(?P<what>.+)$", re.IGNORECASE)
THIS_DOES = re.compile(rf"^{_THIS_NOUN} (?P<does>(?!{_HAS}\s){_DOES}\s.+)$", re.IGNORECASE)
LED = re.compile(
    rf"^(?P<lead>(?:with|featuring) [^,;:]+?(?=,? )|[^,;:]+(?=,)),? {_THIS_NOUN} {_DOES}\s",
    re.IGNORECASE,
)
# What the shopper brings, not the thing: "With proper care, this pan will last".
BRINGS = re.compile(
    r"(?:the|your|our|care|careful|proper|regular|practice|time|every|each|only|just|little|minimal|enough"
    r"|some)\b",
    re.IGNORECASE,
)
PART_IS = re.compile(
    rf"^(?:the|its) (?P<noun>[\w-]+) (?:is|are) {_ADJECTIVES}(?:,? (?:with|and has|and have) (?P<what>.+))?$",
    re.IGNORECASE,
)
THING_HAS = re.compile(
    rf"^(?P<np>[A-Z][\w' -]{{2,40}}?) (?:has|have) {_TENSE}(?P<what>[\w-]+ (?:(?! (?:it|this|them)\b).)+)$"
)
FOR = re.compile(r"^(?P<np>[^,;:]+?) (?P<link>for|with) (?P<what>[^,;:]+)$", re.IGNORECASE)
NEEDS = re.compile(
    r"^(?P<who>every [\w -]+?) needs (?P<np>an? (?:(?! to | for )[^,;:])+)$", re.IGNORECASE
)
VERB = re.compile(rf"\b(?:{_ONE_DOES}|{_MANY_DO}|was|were|be)\b", re.IGNORECASE)
ARTICLE = re.compile(r"(?:an?|the)\s", re.IGNORECASE)
GOES_ON = re.compile(
    r"(?:an?|the|perfect for|ideal for|making|creating|offering|adding|complemented by|each)\s",
    re.IGNORECASE,
)
DEED = re.compile(r"\band \w+s \w+ly\b")  # "snap closures and attaches effortlessly"
CROWDED = re.compile(r"\b(?:for|with|our|this|these|yet|without|no|not)\b", re.IGNORECASE)
# No name of a thing: it points, counts, denies or opens a clause.
POINTS = re.compile(
    r"\b(?:this|these|those|our|the|its|it|you|we|they|he|she|who|which|that|if|when|where|once|since|while"
    r"|unlike|as|not|no|nobody|none|nothing|each|every|both|all|most|some|many|few|several|other|others|there|only"
    r"|one|and|rarely|hardly|seldom|barely|sometimes|often|usually)\b",
    re.IGNORECASE,
)
SUITS = NO_LEAD | {"perfect", "ideal", "great", "good", "suitable", "compatible", "made"}
DEED_FIRST = re.compile(r"\w+[^s\W]s$")  # "contains", "goes": rather lose a plural
INVITES = re.compile(rf"^(?:{_DO})\b", re.IGNORECASE)
