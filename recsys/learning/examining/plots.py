"""The report's pictures: SVG written by hand, coloured by the page's own style.

No `style` attribute and no script, so that a page may forbid both. What a picture shows is said in
words beside it or in its label.
"""

import math
from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 560, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 12, 26


def curve(values: Sequence[float], label: str, *, best: int | None = None) -> str:
    """A line over epochs 1..n, the `best` of them marked."""
    if not values:
        return ""
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 0.5, high + 0.5
    ticks = _ticks(low, high)
    low, high = min(low, ticks[0]), max(high, ticks[-1])
    across = (WIDTH - _LEFT - _RIGHT) / max(len(values) - 1, 1)

    def x(epoch: int) -> float:
        return _LEFT + (epoch - 1) * across

    def y(value: float) -> float:
        return _TOP + (high - value) / (high - low) * (HEIGHT - _TOP - _BOTTOM)

    points = " ".join(f"{x(n):.1f},{y(value):.1f}" for n, value in enumerate(values, start=1))
    parts = [
        f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(t):.1f}" y2="{y(t):.1f}"/>'
        f'<text class="axis" x="{_LEFT - 6}" y="{y(t) + 4:.1f}" text-anchor="end">{t:g}</text>'
        for t in ticks
    ]
    parts.append(f'<polyline class="line" points="{points}"/>')
    if best and best <= len(values):
        parts.append(
            f'<circle class="mark" cx="{x(best):.1f}" cy="{y(values[best - 1]):.1f}" r="4"/>'
        )
    bottom = HEIGHT - 6
    parts.append(f'<text class="axis" x="{_LEFT}" y="{bottom}">epoch 1</text>')
    if len(values) > 1:
        end = WIDTH - _RIGHT
        parts.append(
            f'<text class="axis" x="{end}" y="{bottom}" text-anchor="end">{len(values)}</text>'
        )
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}"'
    return (
        f'<svg class="curve" {box} role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def interval(low: float, middle: float, high: float, *, reach: float) -> str:
    """One row of a forest plot: zero in the middle, `reach` at both ends."""
    reach = reach or 1.0

    def x(value: float) -> float:
        return 100 + 96 * max(-1.0, min(1.0, value / reach))

    tone = "better" if low > 0 else ("worse" if high < 0 else "same")
    return (
        '<svg class="forest" viewBox="0 0 200 20" preserveAspectRatio="none" aria-hidden="true">'
        '<line class="zero" x1="100" x2="100" y1="0" y2="20"/>'
        f'<line class="{tone}" x1="{x(low):.1f}" x2="{x(high):.1f}" y1="10" y2="10"/>'
        f'<rect class="{tone}" x="{x(middle) - 1.5:.1f}" y="5" width="3" height="10"/></svg>'
    )


def bar(value: float, of: float, *, error: float = 0.0, tone: str = "bar") -> str:
    """A share of the longest bar, with the reach of its 95 % interval."""
    scale = 100 / of if of > 0 else 0.0
    wide = max(0.0, min(100.0, value * scale))
    low, high = max(0.0, (value - error) * scale), min(100.0, (value + error) * scale)
    whisker = ""
    if error:
        whisker = f'<line class="whisker" x1="{low:.1f}" x2="{high:.1f}" y1="6" y2="6"/>'
    return (
        '<svg class="meter" viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="{escape(tone)}" width="{wide:.1f}" height="12"/>{whisker}</svg>'
    )


def reach_of(ends: Sequence[float]) -> float:
    """A round number that no end passes."""
    largest = max((abs(end) for end in ends if math.isfinite(end)), default=0.0)
    if largest == 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(largest))
    return next(step * power for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * power >= largest)


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers from just below `low` to just above `high`."""
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * power for unit in (1, 2, 2.5, 5, 10) if unit * power >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(number * step, 12) for number in range(first, last + 1)]
