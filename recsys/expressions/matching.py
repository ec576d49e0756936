"""Conditions on texts: each distinct text of a column is looked at once, and its code tells the items.

A items   V distinct texts
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from recsys.expressions import nodes
from recsys.expressions.nodes import Node
from recsys.expressions.properties import words
from recsys.expressions.scene import Scene
from recsys.expressions.texts import UNKNOWN, Texts

Side = Any  # bool (A,), or one numpy bool where all items agree
Sides = tuple[bool, ...]


def same(node: nodes.Same, scene: Scene, sides: Sides) -> tuple[Side, ...]:
    left, right = node.left, node.right
    if _is_constant(left):
        left, right = right, left
    if _is_constant(right):
        text = _constant(right, scene)
        if not text:
            return (np.False_,) * len(sides)
        if _is_constant(left):
            mine = _constant(left, scene)
            return tuple(np.bool_(bool(mine) and (mine == text) is side) for side in sides)
        texts = _texts(left, scene)
        code = texts.words.code(text) or -1  # of no item
        return tuple(
            texts.codes == code if side else (texts.codes != code) & (texts.codes != UNKNOWN)
            for side in sides
        )
    first, second = _texts(left, scene), _texts(right, scene)
    words_ = (first.words[code] for code in range(len(first.words)))
    codes = np.array([second.words.code(word) or -1 for word in words_])
    alike = codes[first.codes] == second.codes
    both = (first.codes != UNKNOWN) & (second.codes != UNKNOWN)
    return tuple(both & (alike if side else ~alike) for side in sides)


def known(node: Node, scene: Scene) -> Side:
    if isinstance(node, nodes.Literal):
        return np.True_
    texts = _texts(node, scene)
    return (texts.codes[0] if _is_constant(node) else texts.codes) != UNKNOWN


def among(node: nodes.Among, scene: Scene, sides: Sides) -> tuple[Side, ...]:
    values = [str(value) for value in node.values]
    if _is_constant(node.of):
        text = _constant(node.of, scene)
        return tuple(np.bool_(bool(text) and (text in values) is side) for side in sides)
    texts = _texts(node.of, scene)
    return _of_items(texts, texts.listed(values), sides)


def pieces(node: nodes.Piece, scene: Scene, sides: Sides) -> tuple[Side, ...]:
    what = _constant(node.what, scene)
    if not what:
        return (np.False_,) * len(sides)
    test = _test(node, what)
    is_set = node.how == "has"  # a set that is missing is an empty one
    if _is_constant(node.of):
        text = _constant(node.of, scene)
        found = bool(text) and test(text)
        return tuple(np.bool_((bool(text) or is_set) and found is side) for side in sides)
    texts = _texts(node.of, scene)
    return _of_items(texts, texts.where((node.how, what), test), sides, missing_fails=is_set)


def _of_items(
    texts: Texts, holds: Side, sides: Sides, *, missing_fails: bool = False
) -> tuple[Side, ...]:
    """From distinct texts to items; a missing one does not hold, and need not fail."""
    fails = ~holds
    fails[UNKNOWN] = missing_fails
    return tuple((holds if side else fails).take(texts.codes, mode="clip") for side in sides)


def _test(node: nodes.Piece, what: str) -> Callable[[str], bool]:
    """How a distinct text is looked into for `what`."""
    match node.how:
        case "contains":
            part = what.casefold()
            return lambda text: part in text.casefold()
        case "starts with":
            start = what.casefold()
            return lambda text: text.casefold().startswith(start)
        case "under":
            path = "/".join(level.strip() for level in what.split("/"))
            below = path + "/"
            return lambda text: text == path or text.startswith(below)
    if isinstance(node.of, nodes.Property) and node.of.name == "category":
        return lambda text: what in text.split("/")
    word = what.strip()
    return lambda text: word in text and word in words(text)


def _is_constant(node: Node) -> bool:
    return isinstance(node, nodes.Literal) or (isinstance(node, nodes.Property) and node.of_context)


def _constant(node: Node, scene: Scene) -> str:
    """The text that is the same for all items; empty where it is missing."""
    if isinstance(node, nodes.Literal):
        return str(node.value)
    texts = _texts(node, scene)
    return texts.words[int(texts.codes[0])]


def _texts(node: Node, scene: Scene) -> Texts:
    assert isinstance(node, nodes.Property)  # noqa: S101  nothing else is a text of its own
    return cast("Texts", scene.read(node))
