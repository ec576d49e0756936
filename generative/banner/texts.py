"""Headline, tagline and the line above them, at the sizes that fit a column together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from generative.banner.breaking import cjk, joined
from generative.banner.fitting import Face, Fitted, Ruler
from generative.banner.fonts import body, stack
from generative.banner.geometry import LEAST_PX, Geometry
from generative.banner.templates import Look
from generative.banner.words import Words

_COMFORT = 0.62  # of the headline that could be: below it the tagline gives way first
_HYPHEN = 0.55  # of the largest headline: a word that would force less is parted instead
_LOW = 0.4  # of the largest headline: less, and it is tried without a tagline
_EYEBROW = 0.8  # of the size of the line above: rather fewer words than smaller ones
_BARE = frozenset({"leaderboard", "rectangle"})  # too small for a rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """The families of a banner, and the language whose CJK forms they take."""

    head: str
    language: str
    corners: str = "soft"

    def face(self, look: Look, text: str) -> Face:
        """The headline's face; scripts with tall letters get more room between their lines."""
        return _spaced(
            Face(
                family=stack(self.head, look.weight, self.language),
                weight=look.weight,
                tracking=look.tracking,
                leading=look.leading,
            ),
            text,
        )

    def small(
        self, weight: int, text: str, *, tracking: float = 0.0, leading: float = 1.38
    ) -> Face:
        family = stack(body(self.head), weight, self.language)
        return _spaced(Face(family=family, weight=weight, tracking=tracking, leading=leading), text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Which words are set in which place, look and faces."""

    words: Words
    geometry: Geometry
    look: Look
    kind: Type
    ruler: Ruler

    @property
    def ruled(self) -> bool:
        return self.look.rule and self.geometry.size not in _BARE

    @property
    def headline_face(self) -> Face:
        return self.kind.face(self.look, self.words.headline)

    @property
    def tagline_face(self) -> Face:
        return self.kind.small(self.look.tagline_weight, self.words.tagline)

    @property
    def eyebrow_face(self) -> Face:
        tracking = 0.1 if self.look.eyebrow == "caps" else 0.0
        face = self.kind.small(600, " ".join(self.words.eyebrows), tracking=tracking, leading=1.3)
        return replace(face, leading=1.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The fitted texts, the wording that was taken above them, and what fitting them cost."""

    headline: Fitted
    tagline: Fitted
    eyebrow: Fitted
    above: str
    repairs: tuple[str, ...]


def fitted(task: Task, money_height: float) -> Texts:
    """All that a column's room allows beside its price and button."""
    place, measures = task.geometry.place, task.geometry.measures
    height = _room(task, money_height)
    above, eyebrow = _eyebrow(task)
    left = height - eyebrow_height(eyebrow, task.look) - measures.gap * 0.5
    if eyebrow.lines and left < measures.least_headline_px * 1.9:
        above, eyebrow = "", _none(eyebrow.px)  # a low strip has no line to spare
    room = (place.column[2], left if eyebrow.lines else height)
    best = _best_pair(task, room)
    notes = tuple(filter(None, (best[0].note,))) if best else ()
    if best is None or best[0].px < place.headline_px * _LOW:
        headline, repairs = _headline(task, room)
        if best is None or best[0].px < headline.px * _COMFORT:
            if task.words.tagline:
                repairs.append("tagline dropped")
            bare = _none(measures.tagline_px[1])
            best, notes = (headline, bare), tuple(repairs)
    return Texts(headline=best[0], tagline=best[1], eyebrow=eyebrow, above=above, repairs=notes)


def eyebrow_height(eyebrow: Fitted, look: Look) -> float:
    return eyebrow.px * (2.0 if look.eyebrow == "pill" else 1.3 * len(eyebrow.lines))


def _none(px: float) -> Fitted:
    return Fitted(lines=(), px=px, width=0.0)


def _room(task: Task, money_height: float) -> float:
    """What price, button and rule leave of a column's height."""
    height, gap = task.geometry.place.column[3], task.geometry.measures.gap
    if task.geometry.place.row is None and money_height:
        height -= money_height + gap * 1.15
    return height - gap if task.ruled else height


def _best_pair(task: Task, room: tuple[float, float]) -> tuple[Fitted, Fitted] | None:
    """Headline and tagline at the sizes that say most together; None without room for both."""
    found = [_pair(task, room, px) for px in _tag_sizes(task)] if task.words.tagline else []
    pairs = [pair for pair in found if pair is not None]
    return max(pairs, key=lambda pair: _worth(pair, task), default=None)


def _worth(pair: tuple[Fitted, Fitted], task: Task) -> float:
    headline, tagline = pair
    share = headline.px / task.geometry.place.headline_px
    return share + 0.3 * tagline.px / task.geometry.measures.tagline_px[0]


def _tag_sizes(task: Task) -> Sequence[float]:
    most, least = task.geometry.measures.tagline_px
    return [most + (least - most) * step / 3 for step in range(4)]


def _pair(task: Task, room: tuple[float, float], px: float) -> tuple[Fitted, Fitted] | None:
    """A headline above a tagline of one size."""
    tagline = task.ruler.fit(
        task.words.tagline,
        task.tagline_face,
        width=min(room[0], px * 29),  # a line of some fifty letters reads best
        height=room[1],
        sizes=(px, px),
        most_lines=task.geometry.place.tagline_lines,
    )
    if tagline is None:
        return None
    left = room[1] - tagline.height(task.tagline_face) - task.geometry.measures.gap * 0.75
    headline = _whole_headline(task, (room[0], left))
    return None if headline is None or headline.px < px * 1.12 else (headline, tagline)


def _whole_headline(task: Task, room: tuple[float, float]) -> Fitted | None:
    """The headline at its largest; a word that would make it small is parted by a hyphen."""
    place, least = task.geometry.place, task.geometry.measures.least_headline_px
    text, face, ruler = task.words.headline, task.headline_face, task.ruler
    width, height = room

    def tried(said: str, most: float, lines: int) -> Fitted | None:
        sizes = (most, least)
        return ruler.fit(said, face, width=width, height=height, sizes=sizes, most_lines=lines)

    whole = tried(text, place.headline_px, place.lines)
    wanted = max(place.headline_px * _HYPHEN, least)
    if whole is not None and whole.px >= wanted:
        return whole
    parted = ruler.hyphenated(text, face, width=width, px=wanted)
    other = tried(parted, wanted, place.lines + 1) if parted != text else None
    if other is not None and other.px >= wanted * 0.98:
        return replace(other, note="hyphen")
    return whole


def _headline(task: Task, room: tuple[float, float]) -> tuple[Fitted, list[str]]:
    """The headline whatever it takes, and what it took."""
    found = _whole_headline(task, room)
    if found is not None:
        return found, [found.note] if found.note else []
    clamped = task.ruler.clamped(
        task.words.headline,
        task.headline_face,
        width=room[0],
        height=room[1],
        px=task.geometry.measures.least_headline_px,
        most_lines=task.geometry.place.lines + 2,
    )
    return clamped, ["headline clamped" if clamped.note else "headline in more lines"]


def _eyebrow(task: Task) -> tuple[str, Fitted]:
    """The first wording that fits, as it is said and as it is set; none is ever cut."""
    look, measures = task.look, task.geometry.measures
    least = LEAST_PX[task.geometry.size]
    px = max(measures.eyebrow_px * (0.86 if look.eyebrow == "caps" else 1.0), least)
    pill = look.eyebrow == "pill"
    width = task.geometry.place.column[2] - (px * 1.6 if pill else 0)
    face, rows = task.eyebrow_face, 2 if task.geometry.size == "skyscraper" and not pill else 1
    sizes = (px, max(px * _EYEBROW, least))
    for said in task.words.eyebrows:
        text = said.upper() if look.eyebrow == "caps" else said
        found = task.ruler.fit(text, face, width=width, height=px * 4, sizes=sizes, most_lines=rows)
        if found is not None:
            return said, found
    return "", _none(px)


def _spaced(face: Face, text: str) -> Face:
    if joined(text):
        return replace(face, tracking=0.0, leading=max(face.leading, 1.4))
    if any(map(cjk, text)):
        return replace(face, tracking=max(face.tracking, 0.0), leading=max(face.leading, 1.26))
    if any(ord(letter) > 0x7F for letter in text):  # noqa: PLR2004 marks above capitals want air
        return replace(face, leading=max(face.leading, 1.1))
    return face
