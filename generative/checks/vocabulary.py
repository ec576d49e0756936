"""The words that the claim checker knows, by what they claim; all others must stand in the facts.

Three lists let words pass unproved, and all are kept small: `FUNCTION` joins other words, `INVITES`
invites or names an occasion, `OURS` is what the template says of any item. Whatever is in no list is a claim of the kind `feature`.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache

from generative.checks.lexicon import CLAIM, DEAL


class Kind(StrEnum):
    QUANTITY = "quantity"
    COUNT = "count"
    PRICE = "price"
    PERCENTAGE = "percentage"
    COMPARISON = "comparison"
    ORIGIN = "origin"
    MATERIAL = "material"
    COLOUR = "colour"
    BRAND = "brand"
    PROMISE = "promise"  # certificates, health, environment, guarantees, urgency
    OFFER = "offer"
    ABSOLUTE = "absolute"
    FEATURE = "feature"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FUNCTION = _words(
    """a an and are as at be been being but by can could do does down for from get gets had has have her here
    him his how i if in into is it its itself just let like may me might my near no nor not of on
    one onto or our out over own per plus she so some such than that the their them then there these
    they this those through to too under until up us very via was we were what when where which while
    who whom whose will with within without would you your yours yourself also both am it's that's
    you'll you're we're don't none neither never non now instead unlike during after before about around x y
    nearly almost roughly approximately than across"""
)
INVITES = _words(
    """add bring brings choose discover enjoy explore find give gives grab keep keeps look looking love
    made make makes making meet need needs pick ready reach room see serve shop start starts take taste
    time today treat try use want way want wear home day days
    weekend weekends everyday moment moments come comes feature features featuring hold holds fit fits
    offer offering turn put simply"""
)
OURS = _words("range picked list something")  # of the fixed sentences of the template
HARMLESS = INVITES | OURS
OCCASIONS = _words("day days morning evening weekend occasion meal moment")
ABSOLUTE = _words("all always any anything every everyone everything forever only ever")
MATERIALS = _words(
    """acrylic alpaca aluminium aluminum bamboo beech beeswax birch brass bronze canvas cashmere cedar
    ceramic copper cork corduroy cotton crystal denim diamond down ebony enamel felt fleece foam fur
    glass gold granite hemp iron jute lace latex leather linen lycra mahogany maple marble merino mesh
    mohair nylon oak paper pearl pewter pine plastic platinum polyester porcelain rattan rubber sandstone
    sapphire satin silicone silk silver slate spandex steel stoneware suede teak terracotta
    titanium tweed velvet viscose walnut wax wicker wood wooden wool zinc zirconia"""
)
COLOURS = _words(
    """amber amethyst aqua azure beige black blonde blue brown burgundy charcoal coral cream crimson cyan
    ecru emerald fuchsia gray green grey indigo ivory khaki lavender lilac magenta maroon mauve mint
    mustard navy ochre olive orange peach pink plum purple red rose rust salmon sand scarlet tan
    taupe teal turquoise violet white yellow"""
)
# A material before or after one of these is another one: gold-plated, faux leather, wool blend.
QUALIFIERS = _words(
    """artificial blend blended coated effect fake faux filled imitation lined lining-like look mock plated
    simulated style synthetic tone toned trim trimmed vegan veneer"""
)
ADJECTIVES_OF_PLACE = _words(
    """african american argentinian asian australian austrian belgian brazilian british bulgarian canadian
    chinese colombian croatian czech danish dutch egyptian english ethiopian european finnish french
    german greek hungarian icelandic indian indonesian irish italian japanese kenyan korean latvian
    mexican moroccan nordic norwegian peruvian polish portuguese russian scandinavian scottish
    sicilian spanish swedish swiss thai tunisian turkish ukrainian vietnamese welsh"""
)
ORIGIN_FIELDS = _words("origin country made region provenance produced manufactured")
MADE = _words("""made handmade manufactured produced crafted handcrafted built""")
COMPARISONS = _words(
    """more most less least better best worse worst finest ultimate unmatched unrivalled unrivaled unbeatable unparalleled
    incomparable supreme superior perfect unique leading iconic legendary top topnotch favourite
    favorite bestselling bestseller award-winning world-class premium luxury luxurious exclusive
    bester beste bestes besten bestem günstigste günstigster günstigsten billigste schönste meilleur
    meilleure meilleurs meilleures mejor mejores einzigartig einzigartige unschlagbar"""
)
OFFERS = _words(
    """rabatt angebot gratis kostenlos reduziert soldes remise promotion gratuit gratuite oferta rebaja
    rebajas descuento"""
)
REDUCED = _words(
    "sale discount discounted deal save saving savings reduced off offer offers price prices"
)
NOT_COMPARED = _words(
    """after center chester copper corner cover diameter dinner drawer ever father filter finger flower
    forest former guest hammer harvest honest interest leather letter litre liter master member meter
    modest mother number offer order other over paper pepper polyester powder power proper quarter
    request rubber shower silver sister slider speaker summer super supper test timber toaster
    together tower under utter vest water west whether winter wonder zipper"""
)
_ONES = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen twenty"
)
_TENS = "thirty forty fifty sixty seventy eighty ninety"
NUMBER_WORDS: Mapping[str, float] = {
    **{word: float(value) for value, word in enumerate(_ONES.split(), start=2)},
    **{word: value * 10.0 for value, word in enumerate(_TENS.split(), start=3)},
    **dict.fromkeys(("dozen", "dozens"), 12.0),
    **dict.fromkeys(("hundred", "hundreds"), 100.0),
    **dict.fromkeys(("thousand", "thousands"), 1000.0),
    **dict.fromkeys(("million", "millions"), 1e6),
    "half": 0.5,
    "double": 2.0,
    "triple": 3.0,
}
_COMPARED = re.compile(r"\w{3,}(?:er|est)")
_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(ABSOLUTE, Kind.ABSOLUTE),
    **dict.fromkeys(OFFERS, Kind.OFFER),
    **dict.fromkeys(COMPARISONS, Kind.COMPARISON),
    **dict.fromkeys(ADJECTIVES_OF_PLACE, Kind.ORIGIN),
    **dict.fromkeys(COLOURS, Kind.COLOUR),
    **dict.fromkeys(MATERIALS, Kind.MATERIAL),
}


@lru_cache(maxsize=4096)
def kind_of(word: str) -> Kind:
    """What a word in lower case claims, by itself."""
    known = _KINDS.get(word)
    if known is not None:
        return known
    if DEAL.fullmatch(word):
        return Kind.OFFER
    return Kind.PROMISE if CLAIM.fullmatch(word) else Kind.FEATURE


def compares(word: str) -> bool:
    """Whether a word has the form of a comparison: "tougher", "toughest"."""
    return word not in NOT_COMPARED and _COMPARED.fullmatch(word) is not None
