"""Words that promise something, and words that are not printed at all."""

import re

DEAL = re.compile(
    r"\b(?:sale|discount\w*|bargains?|deals?|save|savings?|cheap\w*|clearance|price cut|low(?:er|est)? prices?"
    r"|reduced|special offer|offers?|% off|percent off|off\b.{0,12}\bprice|coupon|voucher|rebate|promo\w*)\b",
    re.IGNORECASE,
)
CLAIM = re.compile(
    r"\b(?:free|best\w*|no\.? ?1|number one|guarantee\w*|limited|last chance|hurry|exclusive\w*|today only"
    r"|only today|while stocks last|organic|eco\w*|bio\w*|sustainab\w*|green(?:er)? choice|vegan|vegetarian|natural\w*"
    r"|clinical\w*|proven|certified|award\w*|cure[sd]?|heals?|healthy|healthier|healthiest|nutritious|"
    r"hypoallergenic|waterproof|unbreakable|lifetime|handmade|handcrafted|hand-?made|authentic|genuine"
    r"|original|official|world'?s|leading|unique|perfect|revolutionary|miracle|safe(?:st)?|non-?toxic"
    r"|detox|antioxidants?|immun\w*|weight|slimming|fat-?free|sugar-?free|gluten-?free|lactose-?free"
    r"|imported|local(?:ly)?|fair-?trade|recycl\w*|leather|silk|wool|cotton|gold|silver|diamonds?"
    r"|fresh(?:ly|est)?|new|newest|latest|luxur\w*|premium|cheapest|finest|favou?rite|most popular"
    r"|delivery|delivered|shipping|refund\w*|returns?|warranty|gifts?)\b|#1",
    re.IGNORECASE,
)
RUDE = re.compile(
    r"\b(?:fuck\w*|shit\w*|bitch\w*|bastards?|asshole\w*|arse\w*|cunt\w*|dicks?|pussy|whores?|sluts?"
    r"|porn\w*|nazi\w*|hitler|rape[ds]?|raping|nigg\w+|fag(?:got)?s?|retard\w*|suicid\w*|kill(?:s|ed|ing)?"
    r"|murder\w*|terroris\w*|damn|crap|idiots?|stupid|naked|cocaine|heroin|scheiß\w*|scheiss\w*|merde|puta)\b",
    re.IGNORECASE,
)
