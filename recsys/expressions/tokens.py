"""Text to tokens: words, numbers, quoted texts and signs, each with where it stands."""

import re
from dataclasses import dataclass

from recsys.expressions.nodes import Mistake

_TOKEN = re.compile(
    r"""
    (?P<space>\s++)
  | (?P<number>[0-9]++(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?)
  | (?P<word>[^\W\d]\w*+)
  | (?P<text>"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+')
  | (?P<sign>==|!=|<=|>=|[-+*/()\[\],.<>%])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_INSTEAD = {
    "=": "write == to compare",
    "!": "write not, or != to compare",
    "&": "write and",
    "|": "write or",
    "“": "write straight quotes",
    "”": "write straight quotes",
    "„": "write straight quotes",
    "\N{LEFT SINGLE QUOTATION MARK}": "write straight quotes",
    "\N{RIGHT SINGLE QUOTATION MARK}": "write straight quotes",
    "{": "write a list in square brackets",
    '"': "the quote is not closed; end the text with another one",
    "'": "the quote is not closed; end the text with another one",
}


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is number, word, text, sign or end; a text's `value` is without quotes and escapes."""

    kind: str
    value: str
    at: int

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else f"{self.value[:40]!r}"


def tokens(text: str) -> list[Token]:
    """All tokens, then one of kind `end`.

    Raises:
        Mistake: A character that means nothing here.
    """
    broken = _SURROGATE.search(text)
    if broken:
        raise Mistake(broken.start(), "half a character; write it whole")
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Mistake(at, _INSTEAD.get(text[at], f"{text[at]!r} means nothing here"))
        if match.lastgroup == "text":
            found.append(Token("text", _unescaped(match[0][1:-1], at + 1), at))
        elif match.lastgroup != "space":
            found.append(Token(match.lastgroup or "", match[0], at))
        at = match.end()
    return [*found, Token("end", "", len(text))]


def _unescaped(text: str, at: int) -> str:
    for escape in _ESCAPE.finditer(text):
        if escape[1] not in "\\\"'":
            message = "a backslash stands only before a quote or a backslash; write \\\\ for one"
            raise Mistake(at + escape.start(), message)
    return _ESCAPE.sub(r"\1", text)
