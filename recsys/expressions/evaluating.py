"""The typed tree over columns: numbers with NaN for missing, conditions by what is surely so.

    A items

Conditions are three-valued (Kleene, *Introduction to Metamathematics*, 1952). `?` is unknown:

    and | T F ?     or | T F ?     not |
    ----+------     ---+------     ----+--
     T  | T F ?      T | T T T      T  | F
     F  | F F F      F | T F ?      F  | T
     ?  | ? F ?      ? | T ? ?      ?  | ?

A comparison with a missing value is unknown, `x is missing` never is, a missing set is an empty
one (few shops tag every item), and at the end unknown is not kept. Instead of a third value a condition is asked for its sides: where it is surely true, and
where needed where it is surely false; `not` asks for the other side. So `price < 20` is one
comparison, for NaN is neither below 20 nor from 20 up. Every node is visited once.
"""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, cast

import numpy as np

from recsys.expressions import matching, nodes
from recsys.expressions.columns import FALSE, TRUE, Flags, Numbers
from recsys.expressions.nodes import Kind, Node
from recsys.expressions.scene import Scene

# A constant stays a scalar until it meets a column, so these are arrays (A,) or numpy scalars.
Floats = Any
Side = Any
Sides = tuple[bool, ...]
_BOTH = (True, False)
_FEW = 16  # values of a list that are compared one by one rather than searched

_ARITHMETIC: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}
_FUNCTIONS: Mapping[str, Callable[..., Floats]] = {
    "-": np.negative,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log1p": np.log1p,
    "min": lambda *given: reduce(np.minimum, given),
    "max": lambda *given: reduce(np.maximum, given),
    "default": lambda first, second: np.where(np.isnan(first), second, first),
}
# What is surely true, and what is surely false; both are so for no NaN.
_ORDER: Mapping[str, tuple[Callable[[Floats, Floats], Side], Callable[[Floats, Floats], Side]]] = {
    "<": (np.less, np.greater_equal),
    "<=": (np.less_equal, np.greater),
    ">": (np.greater, np.less_equal),
    ">=": (np.greater_equal, np.less),
    "==": (np.equal, lambda a, b: (a < b) | (a > b)),
}


def numbers(node: Node, scene: Scene) -> Floats:
    """A number, time or span of every item, NaN where it is missing; a scalar where all agree."""
    match node:
        case nodes.Literal():
            return np.float64(node.value)
        case nodes.Now():
            return np.float64(scene.now)
        case nodes.Property():
            found = cast("Numbers", scene.read(node))
            return found[0] if node.of_context else found
        case nodes.Arithmetic():
            left, right = numbers(node.left, scene), numbers(node.right, scene)
            return _finite(_ARITHMETIC[node.sign](left, right))
        case nodes.Call():
            given = [numbers(argument, scene) for argument in node.arguments]
            return _finite(_FUNCTIONS[node.function](*given))
        case nodes.Count():
            holds, fails = truths(node.of, scene, _BOTH)
            return np.where(holds, 1.0, np.where(fails, 0.0, np.nan))
    raise AssertionError(node)


def truths(node: Node, scene: Scene, sides: Sides = (True,)) -> tuple[Side, ...]:
    """For each side asked for, the items of which it is sure that the condition is true (false)."""
    match node:
        case nodes.Not():
            return truths(node.of, scene, tuple(not side for side in sides))
        case nodes.Junction():
            parts = [truths(part, scene, sides) for part in node.of]
            joined = zip(*parts, strict=True)
            return tuple(
                reduce(np.logical_and if side is node.every else np.logical_or, part)
                for side, part in zip(sides, joined, strict=True)
            )
    leaf = cast("Callable[..., tuple[Side, ...]]", _LEAVES[type(node)])
    return leaf(node, scene, sides)


def _agree(node: nodes.Agree, scene: Scene, sides: Sides) -> tuple[Side, ...]:
    (a, not_a), (b, not_b) = (truths(of, scene, _BOTH) for of in (node.left, node.right))
    found = ((a & b) | (not_a & not_b), (a & not_b) | (not_a & b))
    return tuple(found[not side] for side in sides)


def _order(node: nodes.Order, scene: Scene, sides: Sides) -> tuple[Side, ...]:
    left, right = numbers(node.left, scene), numbers(node.right, scene)
    return tuple(_ORDER[node.sign][not side](left, right) for side in sides)


def _missing(node: nodes.Missing, scene: Scene, sides: Sides) -> tuple[Side, ...]:
    known = _known(node.of, scene)
    return tuple(known ^ side for side in sides)


def _constant(node: nodes.Literal, _: Scene, sides: Sides) -> tuple[Side, ...]:
    return tuple(np.bool_(node.value is side) for side in sides)


def _flag(node: nodes.Property, scene: Scene, sides: Sides) -> tuple[Side, ...]:
    flags = cast("Flags", scene.read(node))
    value = flags[0] if node.of_context else flags
    return tuple(value == (TRUE if side else FALSE) for side in sides)


def _among(node: nodes.Among, scene: Scene, sides: Sides) -> tuple[Side, ...]:
    if node.of.kind is Kind.TEXT:
        return matching.among(node, scene, sides)
    found, values = numbers(node.of, scene), np.sort(np.array(node.values, np.float64))
    if len(values) <= _FEW:
        holds = reduce(np.logical_or, [found == value for value in values])
    else:
        holds = values[np.searchsorted(values[:-1], found)] == found
    return tuple(holds if side else ~holds & ~np.isnan(found) for side in sides)


def _known(node: Node, scene: Scene) -> Side:
    """Where a value is not missing, or a condition not unknown."""
    if node.kind is Kind.FLAG:
        holds, fails = truths(node, scene, _BOTH)
        return holds | fails
    if node.kind is Kind.TEXT:
        return matching.known(node, scene)
    return ~np.isnan(numbers(node, scene))


def _finite(found: Floats) -> Floats:
    """Without infinities: dividing by 0 or leaving the range of numbers gives a missing one."""
    return np.where(np.isfinite(found), found, np.nan)


_LEAVES: Mapping[type, object] = {
    nodes.Agree: _agree,
    nodes.Order: _order,
    nodes.Missing: _missing,
    nodes.Literal: _constant,
    nodes.Property: _flag,
    nodes.Among: _among,
    nodes.Same: matching.same,
    nodes.Piece: matching.pieces,
}
