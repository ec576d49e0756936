"""That a campaign does not say the same thing a hundred times: a quota of openers, a cap on likeness.

A line is worn where its first word opens a tenth of the campaign's items already, or where it says
in much the same words (BLEU against the newest lines) what another item's line says. A worn line
gives way to the next best one and never to none: the catalogue may hold nothing else to say.
Another line of the same item is no repetition: its creatives differ in size or audience.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from generative import evaluation

OPENER_SHARE = 0.1  # of a campaign's items
MOST_ALIKE = 0.6  # BLEU-4 against what was said of other items
COMPARED = 50  # the newest lines: an older one is far away in the gallery

FRESH, ALIKE, OPENED = 0, 1, 2  # how worn a line is; an opener is what one sees in a gallery

Worn = Callable[[str], int]


def never(_line: str) -> int:
    """Where nobody counts, nothing is worn."""
    return FRESH


@dataclass(slots=True, kw_only=True)
class Said:
    """What a campaign of so many items has said already; tell it of every line that is made."""

    items: int
    _openers: dict[str, set[str]] = field(default_factory=dict)  # first word to item ids
    _lines: dict[str, str] = field(default_factory=dict)  # item id to its newest line

    def tell(self, item_id: str, line: str) -> None:
        if opener := evaluation.opener(line):
            self._openers.setdefault(opener, set()).add(item_id)
        self._lines.pop(item_id, None)
        self._lines[item_id] = line

    @property
    def quota(self) -> int:
        """How many items may open alike; one always may."""
        return max(1, int(OPENER_SHARE * self.items))

    def avoid(self, item_id: str) -> frozenset[str]:
        """First words that no line of this item should open with; its own are no news."""
        return frozenset(
            opener
            for opener, item_ids in self._openers.items()
            if item_id not in item_ids and len(item_ids) >= self.quota
        )

    def worn(self, item_id: str) -> Worn:
        """How worn a line of this item is."""
        avoid = self.avoid(item_id)
        others = [line for other, line in self._lines.items() if other != item_id][-COMPARED:]

        def worn(line: str) -> int:
            if evaluation.opener(line) in avoid:
                return OPENED
            return ALIKE if others and evaluation.bleu([line], [others]) > MOST_ALIKE else FRESH

        return worn


def said(lines: Iterable[tuple[str, str]], *, items: int) -> Said:
    """What these lines (item id, tagline), the oldest first, leave to say for `items` items."""
    found = Said(items=items)
    for item_id, line in lines:
        found.tell(item_id, line)
    return found
