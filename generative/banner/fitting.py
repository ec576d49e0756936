"""Text fitted to a width by arithmetic: words are measured once, at one size, and scaled.

An engine that is asked for every try is too slow to search layouts with; what it says of its own
boxes afterwards is checked all the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from generative.banner.breaking import Piece, hyphenations, pieces

_MEASURED_PX = 100.0
_SAFE = 1.004  # engines round every advance; a line must not come out a pixel wider than its place
_STEPS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """A CSS list of families and a weight; `tracking` in em, `leading` in line heights by size."""

    family: str
    weight: int
    tracking: float = 0.0
    leading: float = 1.2


Widths = Callable[[tuple[str, ...], Face], tuple[float, ...]]  # at one pixel of size, untracked


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """Lines at a size in pixels; `note` says what had to be done to them, "" nothing."""

    lines: tuple[str, ...]
    px: float
    width: float
    note: str = ""

    def height(self, face: Face) -> float:
        return len(self.lines) * self.px * face.leading


def engine_widths(blitz: Any) -> Widths:
    """Widths as the engine shapes them, one call for all parts."""

    @lru_cache(maxsize=4096)
    def measured(parts: tuple[str, ...], family: str, weight: int) -> tuple[float, ...]:
        if not parts:
            return ()
        told = blitz.measure_text_lines(
            "\n".join(parts), font_size=_MEASURED_PX, font_family=family, font_weight=float(weight)
        )
        if len(told) != len(parts):  # a part with a line end of its own
            told = [
                blitz.measure_text(
                    part, font_size=_MEASURED_PX, font_family=family, font_weight=float(weight)
                )
                for part in parts
            ]
        return tuple(float(width) / _MEASURED_PX for width, _ in told)

    return lambda parts, face: measured(parts, face.family, face.weight)


class Ruler:
    """Fits texts in one way of measuring."""

    def __init__(self, widths: Widths) -> None:
        self._widths = widths

    def width(self, text: str, face: Face, px: float) -> float:
        if not text:
            return 0.0
        return (self._widths((text,), face)[0] + face.tracking * len(text)) * px * _SAFE

    def fit(
        self,
        text: str,
        face: Face,
        *,
        width: float,
        height: float,
        sizes: tuple[float, float],
        most_lines: int,
    ) -> Fitted | None:
        """The largest setting between `sizes` (most, least); None where even the least is too large."""
        parts = self._measured(pieces(text), face)
        if parts and max(part[1] for part in parts) * sizes[1] > width:
            parts = self._measured(pieces(text, loose=True), face)
        if not parts:
            return Fitted(lines=(), px=sizes[0], width=0.0)
        space = self._space(face)
        most, least = sizes
        step = (most / least) ** (1 / _STEPS) if most > least else 1.0
        for place in range(_STEPS + 1 if step > 1.0 else 1):
            px = max(most / step**place, least)
            lines = _wrapped(parts, space, width / px)
            if lines and len(lines) <= most_lines and len(lines) * px * face.leading <= height:
                return self._balanced(parts, space, px, width, len(lines))
        return None

    def hyphenated(self, text: str, face: Face, *, width: float, px: float) -> str:
        """The text with hyphens in words that are wider than the width at this size."""
        made = []
        for word in text.split(" "):
            rest, parts = word, []
            while self.width(rest, face, px) > width:
                places = hyphenations(rest)
                heads = tuple(rest[:place].rstrip("-") + "-" for place in places)
                sizes = self._widths(heads, face) if heads else ()
                fitting = [
                    place
                    for place, head, size in zip(places, heads, sizes, strict=True)
                    if (size + face.tracking * len(head)) * px * _SAFE <= width
                ]
                if not fitting:
                    break
                parts.append(rest[: fitting[-1]].rstrip("-") + "-")
                rest = rest[fitting[-1] :]
            made.append(" ".join([*parts, rest]))
        return " ".join(made)

    def clamped(
        self, text: str, face: Face, *, width: float, height: float, px: float, most_lines: int
    ) -> Fitted:
        """As much of a text as fits at one size, with an ellipsis where it was cut."""
        rows = max(1, min(most_lines, int(height / (px * face.leading))))
        space = self._space(face)
        loose = pieces(self.hyphenated(text, face, width=width, px=px), loose=True)
        kept: list[Piece] = list(loose)
        while kept:
            last = kept[-1]
            cut = len(kept) < len(loose) or last != loose[len(kept) - 1]
            shown = [*kept[:-1], replace(last, text=last.text.rstrip(",;:-\u2013 ") + "\u2026")]
            parts = self._measured(tuple(shown if cut else kept), face)
            lines = _wrapped(parts, space, width / px)
            if lines and len(lines) <= rows:
                fitted = self._balanced(parts, space, px, width, len(lines))
                return replace(fitted, note="clamped" if cut else "")
            if len(kept) > 1:
                kept.pop()
            elif len(last.text) > 1:
                kept[-1] = replace(last, text=last.text[: max(1, len(last.text) * 4 // 5)])
            else:
                break
        return Fitted(lines=(), px=px, width=0.0, note="clamped")

    def _measured(self, found: tuple[Piece, ...], face: Face) -> list[tuple[Piece, float]]:
        widths = self._widths(tuple(piece.text for piece in found), face)
        return [
            (piece, (width + face.tracking * len(piece.text)) * _SAFE)
            for piece, width in zip(found, widths, strict=True)
        ]

    def _space(self, face: Face) -> float:
        whole, first, second = self._widths(("n n", "n", "n"), face)
        return max(whole - first - second, 0.05) + face.tracking

    def _balanced(
        self,
        parts: list[tuple[Piece, float]],
        space: float,
        px: float,
        width: float,
        count: int,
    ) -> Fitted:
        """The same number of lines, as even as they can be: no line of a single short word."""
        low, high = width / count / 2, width
        for _ in range(12):
            middle = (low + high) / 2
            lines = _wrapped(parts, space, middle / px)
            low, high = (low, middle) if lines and len(lines) <= count else (middle, high)
        rows = _wrapped(parts, space, high / px) or _wrapped(parts, space, width / px)
        texts = tuple(_text([parts[place][0] for place in row]) for row in rows)
        widest = max((_length(parts, row, space) for row in rows), default=0.0)
        return Fitted(lines=texts, px=px, width=widest * px)


def _wrapped(parts: list[tuple[Piece, float]], space: float, width: float) -> list[list[int]]:
    """Places of parts by line, as many to a line as fit; none where a part is wider than a line."""
    lines: list[list[int]] = []
    used = 0.0
    for place, (piece, size) in enumerate(parts):
        if size > width:
            return []
        gap = space if piece.spaced else 0.0
        if lines and used + gap + size <= width:
            lines[-1].append(place)
            used += gap + size
        else:
            lines.append([place])
            used = size
    return lines


def _length(parts: list[tuple[Piece, float]], row: list[int], space: float) -> float:
    sizes = sum(parts[place][1] for place in row)
    return sizes + space * sum(parts[place][0].spaced for place in row[1:])


def _text(row: list[Piece]) -> str:
    return "".join(
        (" " if piece.spaced and place else "") + piece.text for place, piece in enumerate(row)
    )
