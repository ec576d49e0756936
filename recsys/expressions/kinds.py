"""What may stand beside what: joins typed nodes, reads attributes as what they meet, or says why not.

`price < "a"` is refused here, before any item is looked at; every message says what to write.
"""

from dataclasses import replace

from recsys.expressions import nodes
from recsys.expressions.nodes import Kind, Mistake, Node
from recsys.expressions.properties import moment

_OPPOSITE = {"!=": "=="}
_RESULTS = {
    ("+", Kind.NUMBER, Kind.NUMBER): Kind.NUMBER,
    ("-", Kind.NUMBER, Kind.NUMBER): Kind.NUMBER,
    ("*", Kind.NUMBER, Kind.NUMBER): Kind.NUMBER,
    ("/", Kind.NUMBER, Kind.NUMBER): Kind.NUMBER,
    ("+", Kind.TIME, Kind.SPAN): Kind.TIME,
    ("+", Kind.SPAN, Kind.TIME): Kind.TIME,
    ("-", Kind.TIME, Kind.SPAN): Kind.TIME,
    ("-", Kind.TIME, Kind.TIME): Kind.SPAN,
    ("+", Kind.SPAN, Kind.SPAN): Kind.SPAN,
    ("-", Kind.SPAN, Kind.SPAN): Kind.SPAN,
    ("*", Kind.SPAN, Kind.NUMBER): Kind.SPAN,
    ("*", Kind.NUMBER, Kind.SPAN): Kind.SPAN,
    ("/", Kind.SPAN, Kind.NUMBER): Kind.SPAN,
    ("/", Kind.SPAN, Kind.SPAN): Kind.NUMBER,
}
_USE = {
    Kind.NUMBER: "compare it with a number, such as 20",
    Kind.TEXT: 'compare it with a text in quotes, such as == "A" or in ["A", "B"]',
    Kind.FLAG: "write it alone, or not before it",
    Kind.TIME: 'compare it with now - 30 days or "2026-01-31"',
    Kind.SPAN: "compare it with a span, such as 30 days",
    Kind.ATTRIBUTE: "compare it with a number or a text in quotes",
}
_A = {
    Kind.NUMBER: "a number",
    Kind.TEXT: "a text",
    Kind.FLAG: "true or false",
    Kind.TIME: "a time",
    Kind.SPAN: "a span of time",
    Kind.ATTRIBUTE: "an attribute",
}


def condition(node: Node) -> Node:
    """The node as something that holds or does not."""
    if node.kind is Kind.ATTRIBUTE and isinstance(node, nodes.Property):
        return replace(node, kind=Kind.FLAG)
    if node.kind is not Kind.FLAG:
        raise Mistake(node.at, f"{_is(node)}, not a condition; {_USE[node.kind]}")
    return node


def number(node: Node) -> Node:
    """The node as a number; a condition counts 1 or 0."""
    if node.kind is Kind.ATTRIBUTE and isinstance(node, nodes.Property):
        return replace(node, kind=Kind.NUMBER)
    if node.kind is Kind.FLAG:
        return nodes.Count(of=node, at=node.at)
    if node.kind is not Kind.NUMBER:
        raise Mistake(node.at, f"{_is(node)} where a number is needed")
    return node


def negative(node: Node, at: int) -> Node:
    of = node if node.kind is Kind.SPAN else number(node)
    return nodes.Call(function="-", arguments=(of,), kind=of.kind, at=at)


def arithmetic(sign: str, left: Node, right: Node) -> Node:
    left, right = _operand(sign, left, right), _operand(sign, right, left)
    kind = _RESULTS.get((sign, left.kind, right.kind))
    if kind is None:
        message = f"{_is(left)} and {_is(right)}: {sign} joins two numbers"
        if {left.kind, right.kind} & {Kind.TIME, Kind.SPAN}:
            message += ", or a time and a span such as now - 30 days"
        raise Mistake(right.at, message)
    return nodes.Arithmetic(sign=sign, left=left, right=right, kind=kind, at=left.at)


def compared(sign: str, left: Node, right: Node) -> Node:
    """`left sign right`, where `!=` is the opposite of `==`, missing values included."""
    if sign in _OPPOSITE:
        same = compared(_OPPOSITE[sign], left, right)
        return nodes.Not(of=same, at=same.at)
    left, right = _meet(sign, left, right), _meet(sign, right, left)
    if left.kind is not right.kind:
        advice = _USE[left.kind]
        if left.kind is Kind.NUMBER and isinstance(right, nodes.Literal) and _digits(right.value):
            advice = f"write {right.value} without quotes"
        elif left.kind is Kind.TEXT and isinstance(right, nodes.Literal):
            advice = "write a text in quotes"
        raise Mistake(right.at, f"{_is(left)} and {_is(right)}; {advice}")
    if left.kind in {Kind.NUMBER, Kind.TIME, Kind.SPAN}:
        return nodes.Order(sign=sign, left=left, right=right, at=left.at)
    if sign != "==":
        write = "==, !=, in, contains or starts with" if left.kind is Kind.TEXT else "== or !="
        raise Mistake(left.at, f"{_is(left)}, which has no order; write {write}")
    if left.kind is Kind.FLAG:
        return nodes.Agree(left=left, right=right, at=left.at)
    _not_empty(left, right)
    return nodes.Same(left=left, right=right, at=left.at)


def among(of: Node, values: tuple[nodes.Literal, ...]) -> Node:
    """`of in [values]`; the first value says how an attribute is read."""
    kind = values[0].kind
    for value in values:
        if value.kind is not kind:
            raise Mistake(value.at, "a list holds either numbers or texts, not both")
        _not_empty(value)
    if of.kind is Kind.ATTRIBUTE:
        of = replace(of, kind=kind)
    if of.kind is not kind:
        raise Mistake(
            values[0].at, f"{_is(of)} and the list holds {_A[kind][2:]}s; {_USE[of.kind]}"
        )
    return nodes.Among(of=of, values=tuple(value.value for value in values), at=of.at)


def piece(how: str, of: Node, what: Node) -> Node:
    """`of how what`: part of a text, member of a set, or below a path."""
    if isinstance(of, nodes.Property) and of.kind is Kind.ATTRIBUTE and how != "under":
        of = replace(of, kind=Kind.TEXT)
    path = isinstance(of, nodes.Property) and of.name == "category"
    if how == "under" and not path:
        raise Mistake(of.at, 'only category is a path; write category under "Grocery/Fruit"')
    if (
        how == "has"
        and not path
        and not (isinstance(of, nodes.Property) and of.name.startswith("attributes."))
    ):
        instead = "contains or ==" if of.kind is Kind.TEXT else "a comparison"
        raise Mistake(of.at, f"{_is(of)}, not a set such as tags; write {instead}")
    if of.kind is not Kind.TEXT:
        raise Mistake(of.at, f"{_is(of)}, and {how} looks into texts; {_USE[of.kind]}")
    if isinstance(what, nodes.Property) and what.of_context and what.kind is Kind.ATTRIBUTE:
        what = replace(what, kind=Kind.TEXT)
    constant = isinstance(what, nodes.Literal) or (
        isinstance(what, nodes.Property) and what.of_context
    )
    if what.kind is not Kind.TEXT or not constant:
        raise Mistake(what.at, f"{how} needs a text in quotes, or one of item, after it")
    _not_empty(what)
    return nodes.Piece(how=how, of=of, what=what, at=of.at)


def missing(of: Node) -> Node:
    if isinstance(of, nodes.Property) and of.kind is Kind.ATTRIBUTE:
        of = replace(of, kind=Kind.TEXT)
    return nodes.Missing(of=of, at=of.at)


def called(function: str, arguments: tuple[Node, ...], at: int) -> Node:
    read = tuple(number(argument) for argument in arguments)
    return nodes.Call(function=function, arguments=read, kind=Kind.NUMBER, at=at)


def _operand(sign: str, node: Node, other: Node) -> Node:
    """One side of + - * /, read as what the other side calls for."""
    of_time = other.kind in {Kind.TIME, Kind.SPAN} and sign in "+-"
    if isinstance(node, nodes.Property) and node.kind is Kind.ATTRIBUTE:
        return replace(node, kind=Kind.TIME if of_time else Kind.NUMBER)
    if of_time and isinstance(node, nodes.Literal) and node.kind is Kind.TEXT:
        return _dated(node)
    return nodes.Count(of=node, at=node.at) if node.kind is Kind.FLAG else node


def _meet(sign: str, node: Node, other: Node) -> Node:
    """One side of a comparison, read as what the other side is."""
    order = sign != "=="
    if isinstance(node, nodes.Literal) and node.kind is Kind.TEXT:
        if other.kind is Kind.TIME or (other.kind is Kind.ATTRIBUTE and order and _date(node)):
            return _dated(node)
    elif isinstance(node, nodes.Property) and node.kind is Kind.ATTRIBUTE:
        if other.kind is Kind.ATTRIBUTE:
            return replace(node, kind=Kind.NUMBER if order else Kind.TEXT)
        if order and isinstance(other, nodes.Literal) and _date(other):
            return replace(node, kind=Kind.TIME)
        return node if other.kind is Kind.SPAN else replace(node, kind=other.kind)
    return node


def _date(node: nodes.Literal) -> bool:
    return isinstance(node.value, str) and moment(node.value) is not None


def _dated(node: nodes.Literal) -> nodes.Literal:
    seconds = moment(str(node.value))
    if seconds is None:
        message = f'{_is(node)}, not a time; write one such as "2026-01-31" or now - 30 days'
        raise Mistake(node.at, message)
    return nodes.Literal(value=seconds, kind=Kind.TIME, at=node.at)


def _not_empty(*given: Node) -> None:
    for node in given:
        if isinstance(node, nodes.Literal) and node.value == "":
            raise Mistake(node.at, "an empty text is a missing one; write is missing")


def _digits(value: object) -> bool:
    return isinstance(value, str) and value.strip().replace(".", "", 1).isdecimal()


def _is(node: Node) -> str:
    """`price is a number`, for messages."""
    if isinstance(node, nodes.Property):
        return f"{'item.' if node.of_context else ''}{node.name[:80]} is {_A[node.kind]}"
    if isinstance(node, nodes.Literal) and node.kind is Kind.TEXT:
        return f"{str(node.value)[:40]!r} is a text"
    return f"this is {_A[node.kind]}"
