"""What an expression is asked about: the items, the page's item, the moment."""

from dataclasses import dataclass
from datetime import datetime

from recsys.expressions import nodes
from recsys.expressions.columns import Column, Columns, Table
from recsys.types import Item

_NO_PAGE = Columns.of({"": 0}, {})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """`context` is a table of one; without a page's item it has everything missing."""

    table: Table
    context: Columns
    now: float

    @staticmethod
    def of(table: Table, context: Item | None, now: datetime) -> "Scene":
        if context is None:
            return Scene(table=table, context=_NO_PAGE, now=now.timestamp())
        page = Columns.of({context.item_id: 0}, {context.item_id: context})
        return Scene(table=table, context=page, now=now.timestamp())

    def read(self, node: nodes.Property) -> Column:
        return (self.context if node.of_context else self.table).column(node.name, node.kind)
