"""Taste as arithmetic: what is liked is added to what the model reads, what is disliked taken away.

    d searched dimensions   S sampled items

A liked item joins the history, and its direction is added to the query; a disliked item's direction
is subtracted, and free words are mapped to where such items lie (`models.text`) and added. Each
direction is measured from the middle of the shop and stretched until it moves scores as much as the
whole history does, so one dislike is heard whatever the model's numbers are. Items that hold the
words themselves are raised, the best above all others, and for a stranger every one of them: no map
of meanings beats a name.

Beside the history's one search this costs 0.1 ms, and the words once what their encoder takes: 0.3 ms
for hashed words, some 15 ms for the sentence encoder; the answer is remembered.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from recsys.learning.bundle import ModelBundle
from recsys.models import sentences
from recsys.models.text import TextEncoder
from recsys.models.words import HashedWords
from recsys.serving.asking import Ask
from recsys.serving.candidates import Candidates, Floats, Places, nothing, ordered
from recsys.serving.shopper import Shopper
from recsys.serving.strategies.orders import NO_ITEMS
from recsys.serving.strategies.personal import because, best_for
from recsys.serving.strategies.searching import hits
from recsys.types import EventKind, Reason, Source, UserHistory

MOST = 50  # liked or disliked items that are heard
LONGEST = 400  # characters of free text that are read

_SAMPLED = 512
_SUNK = 2.0  # standard deviations that the nearest neighbour of a disliked item loses
_LEAST = 1e-6
_HITS = 10  # items that stand for a text which no encoder here can read
_SHOWN = 60  # characters of the text in a reason
_ABOVE = np.float32(1.01)  # so that nothing ties with the best of the items that hold the words
_NEAR = 0.3  # cosine about the middle of the shop, from where an item is said to be near to a text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """The middle of the shop (d,) and items as they lie about it (S, d); the bias is left out."""

    middle: Floats
    sample: Floats
    bias: float  # how far the items' own bias spreads


def taste(ask: Ask, n: int) -> Candidates:
    """The best for the shopper turned by what is liked, disliked and said in words.

    Items named as liked or disliked are not proposed; those that stand beside a disliked one in the
    neighbour lists sink.
    """
    one, query = ask.assortment, ask.query
    liked, disliked = query.liked[:MOST], query.disliked[:MOST]
    history = with_liked(ask.history, liked)
    read = ask.understood(history)
    shopper = read or _nobody(one.bundle)
    words = direction_of(ask, query.text)
    turn = turning(ask, shopper, liked=liked, disliked=disliked, words=words)
    held, fits = hits(ask, n, every=True) if query.text.strip() else NO_ITEMS
    if read is None and not turn.any() and not len(held):
        return nothing(Source.TASTE)
    shopper = replace(shopper, queries=shopper.queries + turn)
    named = one.place_of(dict.fromkeys((*liked, *disliked)))
    spare = n if disliked else 0  # for those that sink below others
    found = best_for(ask, shopper, history, n + spare + len(named))
    # With nobody's taste to weigh them against they come before all others.
    worth = fits / fits.max(initial=_LEAST) + (read is None)
    places, scores = _holding(ask, shopper, (found.places, found.scores), (held, worth))
    other = ~np.isin(places, named)
    places, scores = places[other], scores[other]
    if len(places):
        scores = scores - _beside(
            one.bundle, one.place_of(disliked), places, _SUNK * float(scores.std())
        )
    told = because(ask, shopper, history)

    def reasons(asked: Places) -> Sequence[Reason]:
        like = _like_words(ask, words, asked) | np.isin(asked, held)
        return [
            _worded(query.text) if yes and not reason.kind.startswith("because") else reason
            for reason, yes in zip(told(asked), like.tolist(), strict=True)
        ]

    return ordered(places, scores, source=Source.TASTE, reasons=reasons).first(n)


def _holding(
    ask: Ask, shopper: Shopper, found: tuple[Places, Floats], held: tuple[Places, Floats]
) -> tuple[Places, Floats]:
    """With the items that hold the words (H,), raised by their worth: one of 1 stands above all."""
    (places, scores), (texts, worth) = found, held
    if not len(texts):
        return found
    new = texts[~np.isin(texts, places)]
    floor = scores.min() if len(scores) else np.float32(0)
    reach = _ABOVE * (scores.max() - floor) if len(scores) > 1 else np.float32(1)
    known = dict(zip(texts.tolist(), worth.tolist(), strict=True))
    places = np.concatenate([places, new])
    scores = np.concatenate([scores, np.maximum(ask.scores(new, shopper), floor)])
    raised = np.array([known.get(place, 0.0) for place in places.tolist()], np.float32)
    return places, scores + reach * raised


def with_liked(history: UserHistory, liked: Iterable[str]) -> UserHistory:
    """The history as if these had just been liked."""
    more = tuple(dict.fromkeys(liked))
    return replace(
        history,
        item_ids=history.item_ids + more,
        kinds=history.kinds + (EventKind.LIKE,) * len(more),
        at=(),
    )


def turning(
    ask: Ask,
    shopper: Shopper,
    *,
    liked: Sequence[str] = (),
    disliked: Sequence[str] = (),
    words: Floats | None = None,
) -> Floats:
    """What is added to a shopper's query (d,): nothing for items and words that nobody can place."""
    one = ask.assortment
    ground = _ground(one.bundle)
    turn = np.zeros(len(ground.middle), np.float32)
    for sign, item_ids in ((1, liked), (-1, disliked)):
        places = np.array(one.place_of(dict.fromkeys(item_ids)), np.int64)
        if len(places):
            turn += sign * _stretched(ground, one.vectors(places))
    if words is not None:
        turn += _stretched(ground, words[None, :])
    own = shopper.query.copy()
    own[-1] = 0
    reach = max(float(np.std(ground.sample @ own)), ground.bias, _LEAST)
    return turn * np.float32(reach)


def direction_of(ask: Ask, text: str) -> Floats | None:
    """Where items lie that read like this text (d,); None where nobody can tell.

    The model's own map where its encoder is here; otherwise the middle of the items that hold
    the words.
    """
    one = ask.assortment
    text = " ".join(text.split())[:LONGEST]
    if not text:
        return None
    if one.bundle.text is not None:
        vector = _encoded(one.bundle.text.encoder, text)
        if vector is not None and vector.any():
            return np.asarray(one.bundle.text.rows(vector[None, :])[0], np.float32)
    places, _ = hits(ask, _HITS)
    return one.vectors(places).mean(axis=0) if len(places) else None


def _stretched(ground: _Ground, vectors: Floats) -> Floats:
    """The sum of directions (n, d), each spreading the items' scores by 1, over the root of n."""
    ways = np.array(vectors, np.float32)
    there = ways.any(axis=1)
    ways = ways[there] - ground.middle
    ways[:, -1] = 0
    spreads = (ground.sample @ ways.T).std(axis=0)
    heard = spreads > _LEAST
    if not heard.any():
        return np.zeros(len(ground.middle), np.float32)
    summed = (ways[heard] / spreads[heard, None]).sum(axis=0) / np.sqrt(np.count_nonzero(heard))
    return np.asarray(summed, np.float32)


def _ground(bundle: ModelBundle) -> _Ground:
    """Of evenly spaced items: the few hundred tell the middle and the spread well enough."""
    n, width = bundle.vectors.shape
    if n == 0:
        return _Ground(
            middle=np.zeros(width, np.float32), sample=np.zeros((1, width), np.float32), bias=0.0
        )
    rows = np.unique(np.linspace(0, n - 1, min(n, _SAMPLED)).astype(np.int64))
    sample = np.array(bundle.vectors[rows], np.float32)
    bias = float(sample[:, -1].std())
    sample[:, -1] = 0
    middle = sample.mean(axis=0)
    return _Ground(middle=middle, sample=sample - middle, bias=bias)


def _nobody(bundle: ModelBundle) -> Shopper:
    """A query that has only the bias."""
    query = np.zeros((1, bundle.vectors.shape[1]), np.float32)
    query[0, -1] = 1
    return Shopper(queries=query, left_out=(), lent=None)


def _beside(bundle: ModelBundle, disliked: list[int], places: Places, worth: float) -> Floats:
    """What places lose (C,) for standing in the lists of disliked ones: at most `worth`."""
    loss = np.zeros(len(places), np.float32)
    for place in disliked:
        if place >= len(bundle.item_ids):
            continue
        rows, scores = bundle.neighbours.of(place)
        if not len(rows):
            continue
        order = np.argsort(rows)
        at = np.minimum(np.searchsorted(rows[order], places), len(rows) - 1)
        same = rows[order][at] == places
        loss += np.where(same, scores[order][at] / max(float(scores.max()), _LEAST), 0)
    return np.minimum(loss, 1) * np.float32(worth)


def _like_words(ask: Ask, words: Floats | None, places: Places) -> NDArray[np.bool_]:
    if words is None:
        return np.zeros(len(places), np.bool_)
    ground = _ground(ask.assortment.bundle)
    way = words - ground.middle
    way[-1] = 0
    lie = ask.assortment.vectors(places) - ground.middle
    lie[:, -1] = 0
    lengths = np.linalg.norm(lie, axis=1) * np.linalg.norm(way)
    return np.asarray(lie @ way > _NEAR * lengths)


def _worded(text: str) -> Reason:
    return Reason(kind="text", text=f'Near to "{" ".join(text.split())[:_SHOWN]}"')


@lru_cache(maxsize=4)
def _encoder(fingerprint: str) -> TextEncoder | None:
    """The encoder that made a model's text vectors, if it is here."""
    hashed = HashedWords()
    if hashed.fingerprint == fingerprint:
        return hashed
    found = sentences.find()
    return found if found is not None and found.fingerprint == fingerprint else None


@lru_cache(maxsize=1_024)
def _encoded(fingerprint: str, text: str) -> Floats | None:
    encoder = _encoder(fingerprint)
    return None if encoder is None else np.asarray(encoder.encode([text])[0], np.float32)
