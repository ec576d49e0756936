"""What any model wrote, as copy: tidied, with its button, and told where it ran into its limit."""

from generative.brief import clean_text, language, orders
from generative.copy.limits import limits
from generative.copy.template import action
from generative.types import Brief, Copy

OVER = 1.3  # a grammar or a schema cuts in mid-word, so it allows more than fits; what reaches it is refused


def copy_of(headline: str, tagline: str, brief: Brief) -> tuple[Copy, bool]:
    """The copy, and whether one of its lines is so long that it may have been cut."""
    room = limits(brief.size)
    long = len(headline) >= int(room.headline * OVER) or len(tagline) >= int(room.tagline * OVER)
    copy = Copy(headline=tidy(headline).rstrip("."), tagline=tidy(tagline), action=action(brief))
    return copy, long


def tidy(text: str) -> str:
    """White space and the first letter; everything else is left for the checks to judge."""
    text = " ".join(text.split()).strip("\"' ")
    return text[:1].upper() + text[1:] if text == clean_text(text, len(text) + 1) else text


def may_write(brief: Brief, languages: tuple[str, ...]) -> bool:
    """Whether there is an entry to write from, in a language of the model's, that gives it no orders."""
    entry = brief.item.description
    return bool(entry) and not orders(entry) and language(brief.locale) in languages
