"""Text cut into the words that search compares, in any script.

Case, accents and width do not count: "CAFÉ" is "cafe". Scripts that write no spaces are cut into
pairs of letters beside the letters themselves, as search engines do for Chinese and Japanese.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

LONGEST = 400  # characters of one field that are read
_LONGEST_WORD = 40

# Marks of scripts where a vowel is one: Python's \w would break a Hindi word at each of them.
_MARKS = "\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff\u0f00-\u109f\u1780-\u17d3"
# Thai and Lao, kana, Han: written without spaces.
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_UNSPACED}]+|(?:(?![{_UNSPACED}])[^\W_]|[{_MARKS}])+")
_RUN = re.compile(rf"[{_UNSPACED}]+")
_ACCENT = re.compile("[\u0300-\u036f]+")


def plain(text: str) -> str:
    """Lower case, without accents, of one width."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", _ACCENT.sub("", apart)).casefold()


@lru_cache(maxsize=1 << 14)  # brands and categories come again and again
def indexed(text: str) -> tuple[str, ...]:
    """Every word by which a text may be found, in its order."""
    return tuple(_cut(text[:LONGEST], letters=True))


def asked(text: str, *, most: int) -> list[str]:
    """The distinct words of a question, at most so many; the last may be unfinished."""
    return list(dict.fromkeys(_cut(text[:LONGEST], letters=False)))[:most]


def _cut(text: str, *, letters: bool) -> Iterator[str]:
    for word in _WORD.findall(plain(text)):
        if not _RUN.match(word):
            yield word[:_LONGEST_WORD]
            continue
        if letters or len(word) == 1:
            yield from word
        yield from (word[at : at + 2] for at in range(len(word) - 1))
