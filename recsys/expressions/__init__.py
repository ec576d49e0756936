"""Filters and boosts as text: `price < 20 and brand in ["A", "B"]`, read once, asked of all items or one.

A small language with no way out of it: no assignment, no loop, no name that is not a property.
`docs/filters.md` is its one page.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from recsys.errors import InvalidExpression
from recsys.expressions import evaluating, kinds, nodes, parsing
from recsys.expressions.columns import Chosen, Columns, Key, Table
from recsys.expressions.language import MAX_TEXT, describe
from recsys.expressions.nodes import Mistake, Node
from recsys.expressions.scene import Scene
from recsys.types import Item

__all__ = ["Chosen", "Columns", "Expression", "Table", "compile", "condition", "describe", "quoted"]

_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Expression:
    """A text that was understood."""

    text: str
    tree: Node
    is_condition: bool  # can be a filter; everything can be a boost
    uses_context: bool
    uses_now: bool
    reads: frozenset[Key]  # the columns it needs, for `Columns.make` ahead of the first request

    @property
    def properties(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.reads)

    def mask(
        self, columns: Table, *, context: Item | None = None, now: datetime
    ) -> NDArray[np.bool_]:
        """Where it holds, bool (A,): unknown does not.

        Raises:
            InvalidExpression: It is a number, which neither holds nor fails.
        """
        tree = self._condition()
        scene = Scene.of(columns, context, now)
        with np.errstate(all="ignore"):
            (found,) = evaluating.truths(tree, scene)
        return cast("NDArray[np.bool_]", _whole(found, columns.n))

    def values(
        self, columns: Table, *, context: Item | None = None, now: datetime
    ) -> NDArray[np.float32]:
        """What it is worth, float32 (A,): a condition counts 1 or 0, what is missing 0."""
        scene = Scene.of(columns, context, now)
        with np.errstate(all="ignore"):
            found = evaluating.numbers(kinds.number(self.tree), scene)
            known = np.where(np.isnan(found), 0.0, found)
            bounded = np.clip(known, -_LARGEST, _LARGEST).astype(np.float32)
        return cast("NDArray[np.float32]", _whole(bounded, columns.n))

    def holds(self, item: Item, *, context: Item | None = None, now: datetime) -> bool:
        """`mask` for one item: the same code over a column of one."""
        return bool(self.mask(_alone(item), context=context, now=now)[0])

    def value(self, item: Item, *, context: Item | None = None, now: datetime) -> float:
        """`values` for one item."""
        return float(self.values(_alone(item), context=context, now=now)[0])

    def _condition(self) -> Node:
        if not self.is_condition:
            message = "this is a number, not a condition; compare it, such as price < 20"
            raise InvalidExpression(self.text, 0, message)
        return kinds.condition(self.tree)


@lru_cache(maxsize=1_024)
def compile(text: str) -> Expression:  # noqa: A001  what it does, as in re.compile
    """Read a filter or boost.

    Raises:
        InvalidExpression: It cannot be read, or compares what cannot be compared.
    """
    if len(text) > MAX_TEXT:
        raise InvalidExpression(text, MAX_TEXT, f"longer than {MAX_TEXT} characters")
    try:
        tree = parsing.parse(text)
        if tree.kind not in {nodes.Kind.FLAG, nodes.Kind.ATTRIBUTE}:
            kinds.number(tree)
    except Mistake as mistake:
        raise InvalidExpression(text, mistake.at, mistake.message) from None
    condition_ = tree.kind in {nodes.Kind.FLAG, nodes.Kind.ATTRIBUTE}
    parts = tuple(_parts(kinds.condition(tree) if condition_ else tree))
    return Expression(
        text=text,
        tree=tree,
        is_condition=condition_,
        uses_context=any(isinstance(part, nodes.Property) and part.of_context for part in parts),
        uses_now=any(isinstance(part, nodes.Now) for part in parts),
        reads=frozenset(
            (part.name, part.kind)
            for part in parts
            if isinstance(part, nodes.Property) and not part.of_context
        ),
    )


def condition(text: str) -> Expression:
    """`compile` for what must be a filter.

    Raises:
        InvalidExpression: It cannot be read, or is a number.
    """
    found = compile(text)
    found._condition()  # noqa: SLF001  asked here so that a request is refused before any work
    return found


def quoted(text: str) -> str:
    """Any text as a text of the language, to put into an expression."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _parts(node: Node) -> Iterator[Node]:
    yield node
    for field in fields(node):
        value = getattr(node, field.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Node):
                yield from _parts(part)


def _alone(item: Item) -> Columns:
    return Columns.of({item.item_id: 0}, {item.item_id: item})


def _whole(found: Any, n: int) -> Any:
    """A column, where the answer may have come out the same for all."""
    return found if np.shape(found) == (n,) else np.full(n, found)
