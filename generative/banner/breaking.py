"""Where a line may end, after the parts of Unicode's UAX 14 that shops' words need.

Latin, Arabic, Hebrew and their like end lines at spaces and after hyphens. Chinese, Japanese and
Korean end them between glyphs, but no line starts with closing punctuation or a small kana, and
none ends with an opening bracket. Japanese is rather parted where a phrase ends: after its kana.
"""

import re
from dataclasses import dataclass

_NOT_FIRST = frozenset(
    "、。，．・：；？！）］｝」』】〕〉》〗〙’”々〻ヽヾーァィゥェォッャュョヮヵヶ"  # noqa: RUF001 the marks themselves
    "ぁぃぅぇぉっゃゅょゎゕゖ～…‥℃％‰°″′.,:;?!)]}%»›"  # noqa: RUF001 the marks themselves
)
_NOT_LAST = frozenset("（［｛「『【〔〈《〖〘‘“([{«‹¥￥＄£€$#＃@＠№")  # noqa: RUF001 the marks themselves
_SPACES = re.compile(r"[ \t\r\n]+")  # a no-break space holds
_AFTER = re.compile(r"(?<=[^\W\d_]{2}[-/\u2010\u2013])(?=[^\W\d_]{2})")
_VOWELS = frozenset(
    "aeiouyäöüáéíóúàèìòùâêîôûåæøœãõëïýąęėųū"
    "\u0131\u0430\u0435\u0451\u0438\u043e\u0443\u044b\u044d\u044e\u044f\u0456\u0454\u0457\u03b1\u03b5\u03b7\u03b9\u03bf\u03c5\u03c9"  # Cyrillic, Greek
)


@dataclass(frozen=True, slots=True)
class Piece:
    """What never parts; `spaced` where a space stands before it unless a line starts there."""

    text: str
    spaced: bool


def pieces(text: str, *, loose: bool = False) -> tuple[Piece, ...]:
    """A text's unbreakable parts, in order; `loose` parts Japanese phrases by the glyph too."""
    found: list[Piece] = []
    for word in _SPACES.split(text.strip()):
        parts = _word(word, by_phrase=not loose and any(map(_hiragana, word)))
        found.extend(Piece(part, not place) for place, part in enumerate(parts) if part)
    return tuple(found)


def _word(word: str, *, by_phrase: bool) -> list[str]:
    if not any(map(cjk, word)):
        return _AFTER.split(word)
    parts: list[str] = []
    for glyph in word:
        if parts and _held(parts[-1][-1], glyph, by_phrase=by_phrase):
            parts[-1] += glyph
        else:
            parts.append(glyph)
    return parts


def _held(before: str, after: str, *, by_phrase: bool) -> bool:
    if after in _NOT_FIRST or before in _NOT_LAST:
        return True
    if not cjk(before) and not cjk(after):
        return True  # a foreign word or a number inside a sentence
    if _katakana(before) and _katakana(after):
        return True
    if not by_phrase:
        return False
    return _hiragana(after) or (
        before not in _NOT_FIRST and not _hiragana(before) and _kanji(before) == _kanji(after)
    )


def cjk(glyph: str) -> bool:
    return (
        "\u2e80" <= glyph <= "\u9fff"
        or "\uac00" <= glyph <= "\ud7a3"
        or "\uf900" <= glyph <= "\ufaff"
        or "\uff00" <= glyph <= "\uffef"
        or "\U00020000" <= glyph <= "\U0003ffff"
    )


def _hiragana(glyph: str) -> bool:
    return "\u3041" <= glyph <= "\u309f"


def _katakana(glyph: str) -> bool:
    return "\u30a0" <= glyph <= "\u30ff"


def _kanji(glyph: str) -> bool:
    return "\u3400" <= glyph <= "\u9fff"


def right_to_left(text: str) -> bool:
    """Whether a text's first letter is of a script that runs from right to left."""
    first = next((letter for letter in text if letter.isalpha()), "a")
    return "\u0590" <= first <= "\u08ff" or "\ufb1d" <= first <= "\ufefc"


def joined(text: str) -> bool:
    """Whether letters of a text change their shape beside one another: no hyphen may part them."""
    return any("\u0600" <= letter <= "\u08ff" or "\u0900" <= letter <= "\u0dff" for letter in text)


def hyphenations(word: str) -> tuple[int, ...]:
    """Where a long word may be parted by a hyphen: before a consonant that a vowel follows.

    A rule for syllables, not a dictionary: it is asked only where a word is wider than its column.
    """
    lower = word.lower()
    if joined(word) or any(map(cjk, word)):
        return ()
    found = [
        place
        for place in range(3, len(word) - 2)
        if lower[place].isalpha()
        and lower[place - 1].isalpha()
        and lower[place] not in _VOWELS
        and lower[place + 1] in _VOWELS
        and lower[place - 1 : place + 1] not in {"ch", "ph", "th", "sh", "ck", "qu"}
    ]
    return tuple(found) or tuple(range(3, len(word) - 2))
