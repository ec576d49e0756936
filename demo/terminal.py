"""What the demo shows in the terminal: lines, and one live bar for the training."""

import shutil
import sys
import time
from collections.abc import Mapping, Sequence

_BAR = 24
_TOO_EARLY = (0.05, 2.0)  # share done and seconds before which a guess would be wild


def say(text: str = "") -> None:
    print(text, flush=True)


class TrainingBar:
    """One line, drawn over itself in a terminal; elsewhere a line for each stage and tenth."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self._started = time.monotonic()
        self._shown = ""

    def draw(self, stage: str, progress: float, curves: Mapping[str, Sequence[float]]) -> None:
        done = min(1.0, max(0.0, progress))
        filled = round(done * _BAR)
        bar = "█" * filled + "░" * (_BAR - filled)
        line = f"  {stage:<12} {bar} {done:4.0%}{_figures(curves)}{self._remaining(done)}"
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\x1b[K{line[:width]}", end="", flush=True)
            return
        mark = f"{stage} {int(done * 10)}"
        if mark != self._shown:
            self._shown = mark
            say(line)

    def close(self) -> None:
        if self._live:
            print(flush=True)

    def _remaining(self, done: float) -> str:
        elapsed = time.monotonic() - self._started
        least, soonest = _TOO_EARLY
        if not least < done < 1.0 or elapsed < soonest:
            return ""
        return f"  about {elapsed * (1 - done) / done:.0f} s left"


def _figures(curves: Mapping[str, Sequence[float]]) -> str:
    """The newest loss and NDCG, whatever else is plotted."""
    text = ""
    for wanted, label in (("loss", "loss"), ("ndcg", "NDCG")):
        for name, values in curves.items():
            if wanted in name.lower() and values:
                text += f"  {label} {values[-1]:.4f}"
                break
    return text
