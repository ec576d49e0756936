"""Slots while they are being filled: what is settled stays, what cannot be met is told.

C candidates   k slots
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from recsys.merchandising.types import Rule, RuleKind

Order = NDArray[np.int64]
Mask = NDArray[np.bool_]
Matches = Callable[[str], NDArray[np.bool_]]  # an expression -> the candidates it holds for (C,)
Groups = Callable[[str], Order]  # "brand" or "category" -> a code for each (C,); -1 has none


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A rule that was not, or not wholly, met; `to` is the rule that stood in its way, if one did."""

    rule_id: str
    reason: str
    to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arranged:
    order: Order  # (<=k,) indices into the candidates, distinct
    placed_by: Mapping[int, str] = field(
        default_factory=dict
    )  # candidate -> the rule it is here for
    lost: tuple[Lost, ...] = ()
    possible: Mask | None = None  # (<=k, C) who could stand in each slot; None: whoever is left


class Slots:
    """Slots while they are being filled.

    `order` is a list of candidates, best first, from which rules take theirs. The slots left are
    filled, and what is shown is sorted, in the order `drawn`, where luck had a part in that.
    """

    def __init__(
        self,
        order: list[int],
        drawn: list[int] | None,
        k: int,
        matches: Matches,
        groups: Groups,
        at: Mapping[str, int],
    ) -> None:
        self._order, self._drawn = order, order if drawn is None else drawn
        self._k, self._at = min(k, len(order)), at
        self._n_slots = k
        self._matches, self._groups = matches, groups
        self._slots: dict[int, tuple[int, str]] = {}  # slot from 0 -> candidate, its rule
        self._reserved: dict[int, str] = {}  # candidate without a slot yet -> its rule
        self._caps: list[Cap] = []
        self._lost: list[Lost] = []

    def meet(self, rule: Rule) -> None:
        if rule.kind is RuleKind.PIN:
            self._pin(rule)
        elif rule.kind is RuleKind.CAP:
            self._cap(rule)
        else:
            self._share(rule)

    def arranged(self) -> Arranged:
        chosen = set(self._reserved)
        room = self._room()
        caps = [replace(cap, counts=dict(cap.counts)) for cap in self._caps]
        for candidate in self._free(self._drawn):
            if room <= 0:
                break
            if self._obstacle(candidate) is None:
                self._take(candidate)
                chosen.add(candidate)
                room -= 1
        rest = iter([candidate for candidate in self._drawn if candidate in chosen])
        shown = list(self._woven(rest))
        best = set(self._drawn[: self._k])
        placed = dict(self._slots.values())
        # A share reserves its best items first: what would be here anyway is not here for it.
        placed |= {one: by for one, by in self._reserved.items() if one not in best}
        return Arranged(
            order=np.asarray(shown, np.int64),
            placed_by=placed,
            lost=tuple(self._lost),
            possible=None if self._drawn is self._order else self._possible(shown, caps),
        )

    def _possible(self, shown: Sequence[int], caps: Sequence["Cap"]) -> Mask:
        """Who could stand in each slot given those above; `caps` as the rules left them.

        Whoever could not, can never again: caps only close, and room only runs out. So of those who
        can nobody was passed over, and the next is drawn among them as if there were no others.
        """
        pinned = {candidate for candidate, _ in self._slots.values()}
        free = np.ones(len(self._order), np.bool_)
        free[[*pinned, *self._reserved]] = False
        reserved = np.zeros(len(free), np.bool_)
        reserved[[*self._reserved]] = True
        room, found = self._room(), np.zeros((len(shown), len(free)), np.bool_)
        for row, candidate in zip(found, shown, strict=True):
            if candidate in pinned:
                row[candidate] = True
                continue
            for cap in caps:
                free &= ~cap.full()
            row[:] = reserved | free if room > 0 else reserved
            if not reserved[candidate]:
                room -= 1
                for cap in caps:
                    cap.count(candidate)
            reserved[candidate] = free[candidate] = False
        return found

    def _woven(self, rest: Iterator[int]) -> Iterator[int]:
        """Slot by slot. Where the others run out before a pin's slot, the pin moves up."""
        pins = dict(sorted(self._slots.items()))
        for slot in range(self._n_slots):
            if slot in pins:
                yield pins.pop(slot)[0]
                continue
            following = next(rest, None)
            if following is None:
                break
            yield following
        yield from (candidate for candidate, _ in pins.values())

    def _pin(self, rule: Rule) -> None:
        slot = rule.slot - 1
        if slot >= self._n_slots:
            self._lose(rule, f"there are only {self._n_slots} slots")
        elif slot in self._slots:
            self._lose(rule, f"slot {rule.slot} is taken", to=self._slots[slot][1])
        else:
            self._pin_candidate(rule, slot)

    def _pin_candidate(self, rule: Rule, slot: int) -> None:
        obstacle = None
        for candidate in self._wanted(rule):
            standing = next((by for one, by in self._slots.values() if one == candidate), None)
            obstacle = standing or self._obstacle(candidate)
            if obstacle is None and candidate not in self._reserved and self._room() <= 0:
                obstacle = next(iter(self._reserved.values()))  # shares hold every slot left
            if obstacle is None:
                if self._reserved.pop(candidate, None) is None:
                    self._take(candidate)
                self._slots[slot] = (candidate, rule.rule_id)
                return
        reason = "no such item may appear" if obstacle is None else "its item is not free"
        self._lose(rule, reason, to=obstacle)

    def _wanted(self, rule: Rule) -> list[int]:
        if rule.item_id:
            return [self._at[rule.item_id]] if rule.item_id in self._at else []
        holds = self._matches(rule.where)
        return [candidate for candidate in self._order if holds[candidate]]

    def _cap(self, rule: Rule) -> None:
        cap = Cap.of(rule, self._matches, self._groups)
        for candidate in self._chosen():
            cap.count(candidate)
        over = [by for one, by in self._placed() if cap.counts.get(cap.codes[one], 0) > rule.value]
        if over:
            self._lose(rule, "rules before it place more than that", to=over[0])
        self._caps.append(cap)

    def _share(self, rule: Rule) -> None:
        holds = self._matches(rule.where)
        wanted = at_least(rule.value, self._n_slots)
        missing = wanted - sum(1 for candidate in self._chosen() if holds[candidate])
        room = self._room()
        obstacle: str | None = None
        for candidate in self._free(self._order):
            if missing <= 0 or room <= 0:
                break
            if holds[candidate]:
                hindered = self._obstacle(candidate)
                if hindered is None:
                    self._take(candidate)
                    self._reserved[candidate] = rule.rule_id
                    missing, room = missing - 1, room - 1
                obstacle = obstacle or hindered
        if missing > 0:
            if room <= 0:
                obstacle = obstacle or next(iter(self._reserved.values()), None)
            self._lose(rule, f"{missing} of {wanted} slots could not be filled", to=obstacle)

    def _room(self) -> int:
        return self._k - len(self._slots) - len(self._reserved)

    def _placed(self) -> list[tuple[int, str]]:
        return [*self._slots.values(), *self._reserved.items()]

    def _chosen(self) -> list[int]:
        return [candidate for candidate, _ in self._placed()]

    def _free(self, order: Sequence[int]) -> Iterator[int]:
        chosen = set(self._chosen())
        return (candidate for candidate in order if candidate not in chosen)

    def _obstacle(self, candidate: int) -> str | None:
        """The cap that this candidate would break."""
        if candidate in self._reserved:
            return None  # it is counted already
        return next((cap.rule.rule_id for cap in self._caps if cap.is_full(candidate)), None)

    def _take(self, candidate: int) -> None:
        for cap in self._caps:
            cap.count(candidate)

    def _lose(self, rule: Rule, reason: str, *, to: str | None = None) -> None:
        self._lost.append(Lost(rule_id=rule.rule_id, reason=reason, to=to))


@dataclass(slots=True, kw_only=True)
class Cap:
    """How many of each group are in, of those that a cap counts."""

    rule: Rule
    codes: list[int]  # (C,) the group of each candidate; below 0 it is not counted
    counts: dict[int, int] = field(default_factory=dict)

    @staticmethod
    def of(rule: Rule, matches: Matches, groups: Groups) -> "Cap":
        codes = groups(rule.by or "")
        if rule.where:
            codes = np.where(matches(rule.where), codes, -1)
        return Cap(rule=rule, codes=codes.tolist())

    def is_full(self, candidate: int) -> bool:
        return self.codes[candidate] >= 0 and self._n(candidate) >= self.rule.value

    def full(self) -> Mask:
        """Whom it lets in no more (C,)."""
        closed = [code for code, n in self.counts.items() if n >= self.rule.value]
        return np.isin(self.codes, closed) if self.rule.value else np.asarray(self.codes) >= 0

    def count(self, candidate: int) -> None:
        if self.codes[candidate] >= 0:
            self.counts[self.codes[candidate]] = self._n(candidate) + 1

    def _n(self, candidate: int) -> int:
        return self.counts.get(self.codes[candidate], 0)


def at_least(share: float, k: int) -> int:
    return int(share * k + 0.5)  # halves go up: half of five slots is three
