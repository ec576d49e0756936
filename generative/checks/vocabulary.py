"""The words that the claim checker knows, by what they claim; all others must stand in the facts.

Two lists let words pass unproved, and both are kept small: `FUNCTION` joins other words, `HARMLESS`
invites or names an occasion. Whatever is in no list is a claim of the kind `feature`.
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


FUNCTION = frozenset(
    """a an and are as at be been being but by can could do does down for from get gets had has have her here
    him his how i if in into is it its itself just let like may me might my near no nor not of on
    one onto or our out over own per plus she so some such than that the their them then there these
    they this those through to too under until up us very via was we were what when where which while
    who whom whose will with within without would you your yours yourself also both am it's that's
    you'll you're we're don't none neither never non now instead unlike during after before about around x y
    nearly almost roughly approximately than across""".split()  # fmt: skip
)
HARMLESS = frozenset(
    """add bring brings choose discover enjoy explore find give gives grab keep keeps look looking love
    made make makes making meet need needs pick ready reach room see serve shop start starts take taste
    time today treat try use want way want wear home day days morning mornings evening evenings
    weekend weekends everyday moment moments come comes feature features featuring hold holds fit fits
    offer offering turn put simply range picked list something""".split()
)
OCCASIONS = frozenset("day days morning evening weekend occasion meal moment".split())
ABSOLUTE = frozenset("all always any anything every everyone everything forever only ever".split())
MATERIALS = frozenset(
    """acrylic alpaca aluminium aluminum bamboo beech beeswax birch brass bronze canvas cashmere cedar
    ceramic copper cork corduroy cotton crystal denim diamond down ebony enamel felt fleece foam fur
    glass gold granite hemp iron jute lace latex leather linen lycra mahogany maple marble merino mesh
    mohair nylon oak paper pearl pewter pine plastic platinum polyester porcelain rattan rubber sandstone
    sapphire satin silicone silk silver slate spandex steel stone stoneware suede teak terracotta
    titanium tweed velvet viscose walnut wax wicker wood wooden wool zinc zirconia""".split()
)
COLOURS = frozenset(
    """amber amethyst aqua azure beige black blonde blue brown burgundy charcoal coral cream crimson cyan
    ecru emerald fuchsia gray green grey indigo ivory khaki lavender lilac magenta maroon mauve mint
    mustard navy ochre olive orange peach pink plum purple red rose rust salmon sand scarlet tan
    taupe teal turquoise violet white yellow""".split()
)
# A material before or after one of these is another one: gold-plated, faux leather, wool blend.
QUALIFIERS = frozenset(
    """artificial blend blended coated effect fake faux filled imitation lined lining-like look mock plated
    simulated style synthetic tone toned trim trimmed vegan veneer""".split()
)
ADJECTIVES_OF_PLACE = frozenset(
    """african american argentinian asian australian austrian belgian brazilian british bulgarian canadian
    chinese colombian croatian czech danish dutch egyptian english ethiopian european finnish french
    german greek hungarian icelandic indian indonesian irish italian japanese kenyan korean latvian
    mexican moroccan nordic norwegian peruvian polish portuguese russian scandinavian scottish
    sicilian spanish swedish swiss thai tunisian turkish ukrainian vietnamese welsh""".split()
)
ORIGIN_FIELDS = frozenset("origin country made region provenance produced manufactured".split())
MADE = frozenset(
    """made handmade manufactured produced crafted handcrafted woven knitted sewn built brewed baked grown
    born assembled bottled printed picked""".split()
)
COMPARISONS = frozenset(
    """more most less least better best worse worst finest ultimate unmatched unrivalled unrivaled unbeatable unparalleled
    incomparable supreme superior perfect unique leading iconic legendary top topnotch favourite
    favorite bestselling bestseller award-winning world-class premium luxury luxurious exclusive
    bester beste bestes besten bestem günstigste günstigster günstigsten billigste schönste meilleur
    meilleure meilleurs meilleures mejor mejores einzigartig einzigartige unschlagbar""".split()
)
OFFERS = frozenset(
    """rabatt angebot gratis kostenlos reduziert soldes remise promotion gratuit gratuite oferta rebaja
    rebajas descuento""".split()
)
REDUCED = frozenset(
    "sale discount discounted deal save saving savings reduced off offer offers price prices".split()
)
NOT_COMPARED = frozenset(
    """after center chester copper corner cover diameter dinner drawer ever father filter finger flower
    forest former fresher guest hammer harvest honest interest leather letter litre liter master
    member meter modest mother number offer order other over paper pepper polyester powder power
    proper quarter request rubber shower silver sister slider speaker summer super supper test timber
    toaster together tower under utter vest water west whether winter wonder zipper""".split()
)
NUMBER_WORDS: Mapping[str, float] = {
    **{
        word: float(value)
        for value, word in enumerate(
            "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
            " sixteen seventeen eighteen nineteen twenty".split(),
            start=2,
        )
    },
    **{
        word: float(value * 10)
        for value, word in enumerate("thirty forty fifty sixty seventy eighty ninety".split(), start=3)
    },
    **{"dozen": 12.0, "dozens": 12.0, "hundred": 100.0, "hundreds": 100.0, "thousand": 1000.0},
    **{"thousands": 1000.0, "million": 1e6, "millions": 1e6, "half": 0.5, "double": 2.0, "triple": 3.0},
}  # fmt: skip

_COMPARED = re.compile(r"\w{3,}(?:er|est)")


@lru_cache(maxsize=4096)
def kind_of(word: str) -> Kind:
    """What a word in lower case claims, by itself."""
    if word in MATERIALS or word in QUALIFIERS:
        return Kind.MATERIAL
    if word in COLOURS:
        return Kind.COLOUR
    if word in ADJECTIVES_OF_PLACE:
        return Kind.ORIGIN
    if word in COMPARISONS:
        return Kind.COMPARISON
    if word in OFFERS or DEAL.fullmatch(word):
        return Kind.OFFER
    if word in ABSOLUTE:
        return Kind.ABSOLUTE
    if CLAIM.fullmatch(word):
        return Kind.PROMISE
    return Kind.FEATURE


def compares(word: str) -> bool:
    """Whether a word has the form of a comparison: "tougher", "toughest"."""
    return word not in NOT_COMPARED and _COMPARED.fullmatch(word) is not None
