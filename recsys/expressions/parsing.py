"""Tokens to the typed tree, by recursive descent.

    either     = both {"or" both}
    both       = opposite {"and" opposite}
    opposite   = "not" opposite | comparison
    comparison = sum [("==" | "!=" | "<" | "<=" | ">" | ">=") sum
                     | ["not"] "in" "[" literal {"," literal} "]"
                     | ["not"] ("has" | "contains" | "starts" "with" | "under") sum
                     | "is" ["not"] "missing"]
    sum        = product {("+" | "-") product}
    product    = signed {("*" | "/") signed}
    signed     = "-" signed | value
    value      = number ["%" | unit] | text | "true" | "false" | "now" | ["item" "."] name
               | function "(" sum {"," sum} ")" | "(" either ")"
    name       = word | "attributes" "." word | "attributes" "[" text "]"

Depth, parts and the length of a list are bounded, so no text takes long to read or to answer.
"""

from collections.abc import Callable
from dataclasses import replace

from recsys.expressions import kinds, nodes
from recsys.expressions.language import (
    COMPARISONS,
    FUNCTIONS,
    MAX_DEPTH,
    MAX_LIST,
    MAX_NODES,
    MAX_NUMBER,
    RESERVED,
    UNITS,
    meant,
)
from recsys.expressions.nodes import Kind, Mistake, Node
from recsys.expressions.properties import ATTRIBUTES, DERIVED, PROPERTIES
from recsys.expressions.tokens import Token, tokens

_LOOKS = frozenset({"in", "has", "contains", "starts", "under"})
_SECONDS_A_DAY = 86_400.0


def parse(text: str) -> Node:
    """The tree of a whole text.

    Raises:
        Mistake: It cannot be read, or does not make sense.
    """
    reading = _Reading(tokens(text))
    if reading.next.kind == "end":
        raise Mistake(0, "nothing is written; write a condition such as price < 20")
    tree = reading.either()
    if reading.next.kind != "end":
        raise Mistake(reading.next.at, reading.unexpected("and, or, or the end"))
    return tree


class _Reading:
    """A place in the tokens, and how deep and how much was read."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._place = 0
        self._depth = 0
        self._nodes = 0

    @property
    def next(self) -> Token:
        return self._tokens[self._place]

    def unexpected(self, wanted: str) -> str:
        return f"{self.next} where {wanted} should stand"

    def either(self) -> Node:
        return self._junction("or", every=False)

    def _both(self) -> Node:
        return self._junction("and", every=True)

    def _junction(self, word: str, *, every: bool) -> Node:
        part = self._opposite if every else self._both
        first = part()
        if not self._sees(word):
            return first
        parts = [kinds.condition(first)]
        while self._takes(word):
            parts.append(kinds.condition(part()))
        return nodes.Junction(every=every, of=tuple(parts), at=parts[0].at)

    def _opposite(self) -> Node:
        at = self.next.at
        if not self._takes("not"):
            return self._comparison()
        self._enter(at)
        of = kinds.condition(self._opposite())
        self._depth -= 1
        return nodes.Not(of=of, at=at)

    def _comparison(self) -> Node:
        left = self._sum()
        sign = self.next.value if self.next.kind == "sign" else ""
        if sign in COMPARISONS:
            self._advance()
            found = kinds.compared(sign, left, self._sum())
            if self.next.kind == "sign" and self.next.value in COMPARISONS:
                message = "two comparisons in a row; write price > 10 and price < 20"
                raise Mistake(self.next.at, message)
            return found
        if self._takes("is"):
            opposite = self._takes("not")
            self._expect("missing", "missing, or not missing,")
            return _unless(kinds.missing(left), opposite=opposite)
        opposite = self._sees("not") and self._word(1) in _LOOKS and self._takes("not")
        how = self._word()
        if how not in _LOOKS:
            return left
        self._advance()
        if how == "in":
            return _unless(kinds.among(left, self._list()), opposite=opposite)
        if how == "starts":
            self._expect("with", "with")
            how = "starts with"
        return _unless(kinds.piece(how, left, self._sum()), opposite=opposite)

    def _list(self) -> tuple[nodes.Literal, ...]:
        self._expect("[", 'a list such as ["A", "B"]')
        found: list[nodes.Literal] = []
        while True:
            at = self.next.at
            if len(found) == MAX_LIST:
                raise Mistake(at, f"a list holds at most {MAX_LIST} values")
            negative = self._takes("-")
            value = self._literal()
            if value is None or value.kind not in {Kind.NUMBER, Kind.TEXT}:
                raise Mistake(at, "a list holds numbers and texts in quotes, nothing else")
            if negative:
                if isinstance(value.value, str):
                    raise Mistake(at, "a minus before a text; write a number")
                value = replace(value, value=-value.value)
            found.append(value)
            if not self._takes(","):
                self._expect("]", "a comma or ]")
                return tuple(found)

    def _sum(self) -> Node:
        return self._chain("+-", self._product)

    def _product(self) -> Node:
        return self._chain("*/", self._signed)

    def _chain(self, signs: str, part: Callable[[], Node]) -> Node:
        found = part()
        while self.next.kind == "sign" and self.next.value in signs:
            self._count(self.next.at)
            sign = self._advance().value
            found = kinds.arithmetic(sign, found, part())
        return found

    def _signed(self) -> Node:
        at = self.next.at
        if not self._takes("-"):
            return self._value()
        self._enter(at)
        of = self._signed()
        self._depth -= 1
        return kinds.negative(of, at)

    def _value(self) -> Node:
        self._count(self.next.at)
        token = self.next
        literal = self._literal()
        if literal is not None:
            return literal
        if self._takes("("):
            self._enter(token.at)
            found = self.either()
            self._expect(")", "a closing parenthesis")
            self._depth -= 1
            return found
        if token.kind != "word":
            raise Mistake(token.at, self.unexpected("a property, a number or a text"))
        if self._takes("now"):
            return nodes.Now(at=token.at)
        if self._tokens[self._place + 1].value == "(":
            return self._call()
        if self._takes("item"):
            if not self._takes("."):
                raise Mistake(token.at, "item is the page's item; write item.price")
            return self._property(token.at, of_context=True)
        return self._property(token.at, of_context=False)

    def _literal(self) -> nodes.Literal | None:
        token = self.next
        if token.kind == "text":
            self._advance()
            return nodes.Literal(value=token.value, kind=Kind.TEXT, at=token.at)
        if token.kind == "number":
            self._advance()
            return self._number(token)
        if self._word() in {"true", "false"}:
            self._advance()
            return nodes.Literal(value=token.value.lower() == "true", kind=Kind.FLAG, at=token.at)
        return None

    def _number(self, token: Token) -> nodes.Literal:
        value = float(token.value)
        if value > MAX_NUMBER:
            raise Mistake(token.at, f"a number is at most {MAX_NUMBER:g}")
        if self._takes("%"):
            return nodes.Literal(value=value / 100, kind=Kind.NUMBER, at=token.at)
        unit = self._word()
        if unit in UNITS:
            self._advance()
            return nodes.Literal(value=value * UNITS[unit], kind=Kind.SPAN, at=token.at)
        if self.next.kind == "word" and unit not in RESERVED:
            known = ", ".join(name for name in UNITS if name.endswith("s"))
            raise Mistake(self.next.at, f"{self.next} after a number; units are {known}")
        return nodes.Literal(value=value, kind=Kind.NUMBER, at=token.at)

    def _call(self) -> Node:
        token = self._advance()
        name = token.value.lower()
        if name not in FUNCTIONS:
            raise Mistake(token.at, f"no function {token}; there are {', '.join(FUNCTIONS)}")
        self._enter(token.at)
        self._expect("(", "(")
        arguments = [self._sum()]
        while self._takes(","):
            arguments.append(self._sum())
        self._expect(")", "a comma or a closing parenthesis")
        self._depth -= 1
        fewest, most = FUNCTIONS[name].fewest, FUNCTIONS[name].most
        if not fewest <= len(arguments) <= most:
            wanted = f"{fewest}" if fewest == most else f"{fewest} to {most}"
            raise Mistake(token.at, f"{name} takes {wanted} values, here are {len(arguments)}")
        return kinds.called(name, tuple(arguments), token.at)

    def _property(self, at: int, *, of_context: bool) -> Node:
        token = self.next
        if token.kind != "word":
            raise Mistake(token.at, self.unexpected("the name of a property"))
        self._advance()
        name = token.value
        if name == "attributes":
            name = ATTRIBUTES + self._attribute(at)
        elif name.lower() in RESERVED and not of_context:
            raise Mistake(at, f"{token} where a property, a number or a text should stand")
        elif name in DERIVED:
            return _age(of_context=of_context, at=at)
        elif name not in PROPERTIES:
            guess = meant(name)
            if guess:
                advice = f"an attribute of that name is attributes.{name[:80]}"
                raise Mistake(at, f"no property {token}; did you mean {guess}? ({advice})")
            name = ATTRIBUTES + name
        known = PROPERTIES.get(name)
        kind = Kind.ATTRIBUTE if known is None else known.kind
        return nodes.Property(name=name, kind=kind, of_context=of_context, at=at)

    def _attribute(self, at: int) -> str:
        """What comes after `attributes`: any word, or any text in brackets."""
        if self._takes("."):
            chosen = self._advance()
            if chosen.kind != "word":
                raise Mistake(chosen.at, 'write attributes.name or attributes["any name"]')
            return chosen.value
        if not self._takes("["):
            raise Mistake(at, "write attributes.name")
        chosen = self._advance()
        if chosen.kind != "text":
            raise Mistake(chosen.at, 'write attributes["any name"], with quotes')
        self._expect("]", "]")
        return chosen.value

    def _word(self, ahead: int = 0) -> str:
        place = min(self._place + ahead, len(self._tokens) - 1)
        token = self._tokens[place]
        return token.value.lower() if token.kind == "word" else ""

    def _sees(self, word: str) -> bool:
        token = self.next
        return token.kind in {"word", "sign"} and token.value.lower() == word

    def _takes(self, word: str) -> bool:
        if not self._sees(word):
            return False
        self._advance()
        return True

    def _expect(self, word: str, wanted: str) -> None:
        if not self._takes(word):
            raise Mistake(self.next.at, self.unexpected(wanted))

    def _advance(self) -> Token:
        token = self.next
        self._place = min(self._place + 1, len(self._tokens) - 1)
        return token

    def _enter(self, at: int) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Mistake(at, f"nested deeper than {MAX_DEPTH}; take some parentheses away")

    def _count(self, at: int) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            message = f"more than {MAX_NODES} parts; write in [...] instead of many comparisons"
            raise Mistake(at, message)


def _unless(node: Node, *, opposite: bool) -> Node:
    return nodes.Not(of=node, at=node.at) if opposite else node


def _age(*, of_context: bool, at: int) -> Node:
    """`(now - created_at) / 1 day`."""
    created = nodes.Property(name="created_at", kind=Kind.TIME, of_context=of_context, at=at)
    age = kinds.arithmetic("-", nodes.Now(at=at), created)
    day = nodes.Literal(value=_SECONDS_A_DAY, kind=Kind.SPAN, at=at)
    return kinds.arithmetic("/", age, day)
