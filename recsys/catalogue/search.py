"""Full-text search in memory: the words of titles, brands, categories and attributes, by BM25F.

    D documents (one an item)   T words, sorted   P postings

No store is asked, so it is the same over every database. Words are sorted, so what begins with a
prefix lies side by side: an unfinished word is one slice of the postings. An item must hold every
word of the question; where none does, those are found that hold most of them. A word that nobody
wrote is looked for inside other words ("milch" in "Vollmilch"), then one slip of the finger away.

Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009 (BM25F: fields are weighed before
a word's count is dampened).
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recsys.catalogue import words
from recsys.types import Item

WORDS = 8  # of a question that are looked for

_TITLE, _FIRST, _BRAND, _CATEGORY, _ATTRIBUTE = 2.0, 1.0, 2.0, 1.0, 0.5  # first: opens the title
_ATTRIBUTES = 16  # of an item
_DAMPENED, _LENGTH = 1.2, 0.75  # BM25's k1 and b
_UNFINISHED = 0.6  # what a word is worth that only begins with the asked one
_INSIDE = 0.4  # that holds it somewhere, or differs from it by a letter
_BEGINS_FROM, _INSIDE_FROM, _SLIP_FROM = 3, 3, 4  # letters
_TERMS = 64  # words that stand for one that nobody wrote
_REBUILT_FROM = 2_000  # changed items that are worth reading all again
_LETTERS = 48  # the commonest, tried in place of a wrong one
_FEW = 4_096  # postings that are quicker to sort than to count by document
_LAST = "\U0010ffff"

Docs = NDArray[np.int32]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hits:
    """Documents (H,), ascending, and how well each fits the question (H,), above 0."""

    docs: Docs
    scores: Floats


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class _Segment:
    """The postings of some documents: those of word t are `indptr[t]:indptr[t + 1]`, ascending."""

    terms: list[str]
    indptr: NDArray[np.int64]  # (T + 1,)
    docs: Docs  # (P,)
    weights: Floats  # (P,) dampened counts, without the word's rarity

    @cached_property
    def joined(self) -> tuple[str, NDArray[np.int64]]:
        """Every word in one text, and where each begins: to look inside them."""
        sizes = np.array([0, *(len(term) + 1 for term in self.terms)], np.int64)
        return "\n".join(self.terms), np.cumsum(sizes)

    @cached_property
    def letters(self) -> str:
        found, counts = np.unique(np.array(list("".join(self.terms))), return_counts=True)
        return "".join(found[np.argsort(-counts, kind="stable")[:_LETTERS]])

    def number(self, word: str) -> int | None:
        at = bisect_left(self.terms, word)
        return at if at < len(self.terms) and self.terms[at] == word else None

    def beginning(self, word: str) -> range:
        return range(bisect_left(self.terms, word), bisect_left(self.terms, word + _LAST))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TextIndex:
    """Documents are numbered: first `main_ids`, then the ids of `late_items`, written since."""

    main_ids: tuple[str, ...]  # (M,) the same object for as long as the main segment is
    docs: Mapping[str, int]  # of the main segment
    hashes: NDArray[np.int64]  # (M,) of what was read of each
    main: _Segment
    gone: NDArray[np.bool_]  # (M,) an older state of an item that lies in `late`
    mean_length: float
    late: _Segment
    late_items: Mapping[str, Item]

    @classmethod
    def of(cls, items: Iterable[Item]) -> "TextIndex":
        listed = list(items)
        main, mean_length = _segment(listed, 0, None)
        main_ids = tuple(item.item_id for item in listed)
        return cls(
            main_ids=main_ids,
            docs={item_id: doc for doc, item_id in enumerate(main_ids)},
            hashes=np.array([hash(_read_of(item)) for item in listed], np.int64),
            main=main,
            gone=np.zeros(len(listed), np.bool_),
            mean_length=mean_length,
            late=_segment([], 0, 1.0)[0],
            late_items={},
        )

    @cached_property
    def late_ids(self) -> tuple[str, ...]:
        return tuple(self.late_items)

    def __len__(self) -> int:
        return len(self.main_ids) + len(self.late_items)

    def item_id(self, doc: int) -> str:
        n_main = len(self.main_ids)
        return self.main_ids[doc] if doc < n_main else self.late_ids[doc - n_main]

    def changed(self, written: Mapping[str, Item], every: Mapping[str, Item]) -> "TextIndex":
        """The index with these items written over it; `every` item is read again after many changes.

        A price or a stock is no word: only items whose text is another cost anything.
        """
        other = {item_id: item for item_id, item in written.items() if not self._has(item)}
        if not other:
            return self
        late_items = {**self.late_items, **other}
        if len(late_items) > max(_REBUILT_FROM, len(self.main_ids) // 20):
            return TextIndex.of(every.values())
        late, _ = _segment(list(late_items.values()), len(self.main_ids), self.mean_length)
        gone = self.gone.copy()
        gone[[self.docs[item_id] for item_id in other if item_id in self.docs]] = True
        return replace(self, gone=gone, late=late, late_items=late_items)

    def _has(self, item: Item) -> bool:
        """Whether this text of the item is the one that was read."""
        late, doc = self.late_items.get(item.item_id), self.docs.get(item.item_id)
        if late is not None:
            return _read_of(late) == _read_of(item)
        return doc is not None and int(self.hashes[doc]) == hash(_read_of(item))

    def find(self, text: str, *, every: bool = False) -> Hits:
        """Every item that fits, hidden ones too: what may be shown is the caller's matter.

        With `every` none is found where no item holds all the words.
        """
        asked = words.asked(text, most=WORDS)
        found = [
            self._weighed(one)
            for word in asked
            if len((one := self._holding(word, last=word is asked[-1])).docs)
        ]
        if not found or (every and len(found) < len(asked)):
            return _NOTHING
        found.sort(key=lambda one: len(one.docs))
        hits = found[0]
        for one in found[1:]:
            hits = _both(hits, one)
            if not len(hits.docs):
                return _NOTHING if every else _most(found, len(self))
        return hits

    def best(self, text: str, limit: int, may: NDArray[np.bool_] | None = None) -> list[str]:
        """The ids of the best `limit` items, of those documents that `may` appear (D,)."""
        hits = self.find(text)
        docs, scores = hits.docs, hits.scores
        if may is not None:
            docs, scores = docs[may[docs]], scores[may[docs]]
        if 0 < limit < len(docs):
            kept = scores >= np.partition(scores, len(scores) - limit)[len(scores) - limit]
            docs, scores = docs[kept], scores[kept]
        return [self.item_id(doc) for doc in docs[np.lexsort((docs, -scores))][:limit].tolist()]

    def _weighed(self, hits: Hits) -> Hits:
        n = len(self)
        rarity = np.log1p((n - len(hits.docs) + 0.5) / (len(hits.docs) + 0.5))
        return Hits(docs=hits.docs, scores=hits.scores * np.float32(rarity))

    def _holding(self, word: str, *, last: bool) -> Hits:
        """The documents of a word, or of what stands for it."""
        segments = (self.main, self.late)
        # a short word begins too many to mean them, unless it is still being typed
        whole = not last and len(word) < _BEGINS_FROM
        hits = self._joined([_beginning(one, word, whole=whole) for one in segments])
        if not len(hits.docs) and len(word) >= _INSIDE_FROM:
            hits = self._joined([_of_terms(one, _inside(one, word), _INSIDE) for one in segments])
        if not len(hits.docs) and len(word) >= _SLIP_FROM:
            hits = self._joined([_of_terms(one, _slips(one, word), _INSIDE) for one in segments])
        return hits

    def _joined(self, parts: list[Hits]) -> Hits:
        main, late = parts
        if self.late_items and len(main.docs):
            kept = ~self.gone[main.docs]
            main = Hits(docs=main.docs[kept], scores=main.scores[kept])
        if not len(late.docs):
            return main
        return Hits(
            docs=np.concatenate([main.docs, late.docs]),
            scores=np.concatenate([main.scores, late.scores]),
        )


_NOTHING = Hits(docs=np.zeros(0, np.int32), scores=np.zeros(0, np.float32))


def _segment(items: list[Item], first: int, mean_length: float | None) -> tuple[_Segment, float]:
    """The postings of these items, whose first is document `first`; and their mean length."""
    numbers: dict[str, int] = {}
    at, of, counts = array("i"), array("i"), array("f")
    for doc, item in enumerate(items, first):
        for weight, read in _fields(item):
            for word in read:
                at.append(doc)
                of.append(numbers.setdefault(word, len(numbers)))
                counts.append(weight)
    by_word = sorted(numbers, key=numbers.__getitem__)
    order = sorted(range(len(by_word)), key=by_word.__getitem__)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    docs, weights = np.frombuffer(at, np.int32), np.frombuffer(counts, np.float32)
    terms = rank[np.frombuffer(of, np.int32)] if len(of) else np.zeros(0, np.int64)
    n_docs = first + len(items) + 1
    cells, places = np.unique(terms * n_docs + docs, return_inverse=True)
    summed = np.bincount(places, weights, minlength=len(cells))
    owners = (cells % n_docs).astype(np.int32)
    lengths = np.bincount(docs, weights, minlength=n_docs) if len(docs) else np.ones(n_docs)
    mean = (
        mean_length or max(float(lengths[first : first + len(items)].mean()), 1.0) if items else 1.0
    )
    norm = _DAMPENED * (1 - _LENGTH + _LENGTH * lengths[owners] / mean)
    return _Segment(
        terms=[by_word[number] for number in order],
        indptr=np.searchsorted(cells // n_docs, np.arange(len(order) + 1)).astype(np.int64),
        docs=owners,
        weights=np.asarray(summed * (_DAMPENED + 1) / (summed + norm), np.float32),
    ), mean


def _fields(item: Item) -> list[tuple[float, tuple[str, ...]]]:
    title = words.indexed(item.title)
    values = list(item.attributes.values())[:_ATTRIBUTES]
    return [
        (_TITLE, title),
        (_FIRST, title[:1]),
        (_BRAND, words.indexed(item.brand)),
        *((_CATEGORY, words.indexed(part)) for part in item.category),
        *((_ATTRIBUTE, words.indexed(value)) for value in values),
    ]


def _read_of(item: Item) -> tuple[str, ...]:
    values = list(item.attributes.values())[:_ATTRIBUTES]
    return (item.title, "\n", item.brand, "\n", *item.category, "\n", *values)


def _beginning(one: _Segment, word: str, *, whole: bool) -> Hits:
    """The word itself, and at a lesser worth, unless it is `whole`, every longer one."""
    terms = one.beginning(word)
    if terms and whole:
        terms = terms[: int(one.terms[terms.start] == word)]
    if not terms:
        return _NOTHING
    at = slice(one.indptr[terms.start], one.indptr[terms.stop])
    docs, weights = one.docs[at], one.weights[at]
    if len(terms) == 1 and one.terms[terms.start] == word:
        return Hits(docs=docs, scores=weights)
    worth = np.full(len(docs), _UNFINISHED, np.float32)
    if one.terms[terms.start] == word:
        worth[: one.indptr[terms.start + 1] - one.indptr[terms.start]] = 1
    return _distinct(docs, weights * worth)


def _of_terms(one: _Segment, terms: list[int], worth: float) -> Hits:
    if not terms:
        return _NOTHING
    slices = [slice(one.indptr[term], one.indptr[term + 1]) for term in terms]
    docs = np.concatenate([one.docs[at] for at in slices])
    weights = np.concatenate([one.weights[at] for at in slices])
    return _distinct(docs, weights * np.float32(worth))


def _inside(one: _Segment, word: str) -> list[int]:
    text, begins = one.joined
    found: list[int] = []
    at = text.find(word)
    while at >= 0 and len(found) < _TERMS:
        term = int(np.searchsorted(begins, at, side="right")) - 1
        found.append(term)
        at = text.find(word, int(begins[term + 1]))
    return found


def _slips(one: _Segment, word: str) -> list[int]:
    """Words that one letter left out, put in, changed or swapped with the next makes of this."""
    ends = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    made = {head + tail[1:] for head, tail in ends if tail}
    made |= {head + tail[1] + tail[0] + tail[2:] for head, tail in ends if len(tail) > 1}
    for letter in one.letters:
        made |= {head + letter + tail[1:] for head, tail in ends if tail}
        made |= {head + letter + tail for head, tail in ends}
    numbers = (one.number(other) for other in made)
    return sorted(number for number in numbers if number is not None)[:_TERMS]


def _distinct(docs: Docs, scores: Floats) -> Hits:
    """One entry for every document, with the sum over its words."""
    if len(docs) < _FEW:
        found, places = np.unique(docs, return_inverse=True)
        return Hits(docs=found, scores=np.bincount(places, scores).astype(np.float32))
    summed = np.bincount(docs, scores)
    there = np.flatnonzero(summed)
    return Hits(docs=there.astype(np.int32), scores=summed[there].astype(np.float32))


def _both(few: Hits, many: Hits) -> Hits:
    """The documents of both, with the sum of their scores."""
    at = np.minimum(np.searchsorted(many.docs, few.docs), len(many.docs) - 1)
    same = many.docs[at] == few.docs
    return Hits(docs=few.docs[same], scores=few.scores[same] + many.scores[at[same]])


def _most(found: list[Hits], n_docs: int) -> Hits:
    """The documents that hold most of the words, where none holds all."""
    held, scores = np.zeros(n_docs, np.int8), np.zeros(n_docs, np.float32)
    for one in found:
        held[one.docs] += 1
        scores[one.docs] += one.scores
    docs = np.flatnonzero(held == held.max()).astype(np.int32)
    return Hits(docs=docs, scores=scores[docs])
