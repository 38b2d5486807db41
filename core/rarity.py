"""How often words stand in papers, and who writes the best: learned from mailing to mailing, the older ones fading.

What is known after a mailing is a `Frequencies` of each stream, kept in the store (`core/learning.py` learns them).
Papers are only ever held against what was known after an earlier mailing than theirs, so their scores do not move while
more of their mailing, or of later ones, comes in. Before anything is known, the counts in `word_counts.txt` stand in,
and they go on to count as much as `_PRIOR_PAPERS` papers of the stream.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from core.arxiv.taxonomy import find_category
from core.papers import Paper
from core.store.records import Frequencies
from core.words import fold_word, fold_words

HALF_LIFE_DAYS = 60.0
KNOWLEDGE_LASTS = timedelta(days=10)  # so that nobody has to load more than what was learned so long before
_PRIOR_PAPERS = 1_500.0
_OTHER_WORDS = 0.25  # of a phrase, in parts of the rarest one
_LEAST_COUNT = 0.5  # what has faded to less is forgotten
_WORDS_KEPT = 12_000
_PRIOR_FILE = Path(__file__).with_name("word_counts.txt")


def words_of(paper: Paper) -> set[str]:
    """What is counted of *paper*, each once: the folded words of title and abstract."""
    return {*fold_words(paper.title), *fold_words(paper.abstract)}


def group_of(category: str) -> str:
    """The stream that *category* belongs to: its group; its own name where the taxonomy does not know it."""
    found = find_category(category)
    return found.group if found else category


def count(stream: str, mailing: date, days: Mapping[date, Iterable[Paper]], before: Frequencies | None) -> Frequencies:
    """What is known of *stream* after *mailing*: what was known *before*, faded, and the papers of the *days* since."""
    counted = {}
    for day, papers in days.items():
        words = [words_of(paper) for paper in papers]
        counted[day] = Counted(len(words), Counter(chain.from_iterable(words)))
    return add_up(stream, mailing, counted, before)


class Counted(NamedTuple):
    """How many papers of a stream a day has, in how many of them each word stands, and in how many each author."""

    papers: int
    words: Mapping[str, int]
    authors: Mapping[str, int] = {}


def add_up(stream: str, mailing: date, days: Mapping[date, Counted], before: Frequencies | None) -> Frequencies:
    """The same as `count`, from what was *counted* on each of the *days*."""
    kept = 0.0 if before is None else _fading(before.mailing, mailing)
    known = before or Frequencies(stream, mailing, 0.0, {})
    weights = {day: _fading(day, mailing) for day in sorted(days)}
    return Frequencies(
        stream,
        mailing,
        round(known.papers * kept + sum(weight * days[day].papers for day, weight in weights.items()), 2),
        _add_faded([(kept, known.counts), *((weight, days[day].words) for day, weight in weights.items())]),
        _add_faded([(kept, known.authors), *((weight, days[day].authors) for day, weight in weights.items())]),
    )


def _add_faded(counted: Iterable[tuple[float, Mapping[str, float]]]) -> dict[str, float]:
    """The sum of several counts, each with the weight that is left of it, without what has faded."""
    counts: defaultdict[str, float] = defaultdict(float)
    for weight, seen in counted:
        for name, times in seen.items():
            counts[name] += weight * times
    most = sorted(counts, key=lambda name: (-counts[name], name))[:_WORDS_KEPT]
    # With fewer places what is seen rarely would be rounded up as fast as it fades, and never be forgotten.
    return {name: round(counts[name], 2) for name in sorted(most) if counts[name] >= _LEAST_COUNT}


class Known:
    """What is known of some streams, mailing by mailing; it serves later mailings for as long as it *lasts*."""

    def __init__(self, known: Iterable[Frequencies] = (), *, lasts: timedelta = KNOWLEDGE_LASTS) -> None:
        self._lasts = lasts
        self._by_stream: dict[str, list[Frequencies]] = {}
        for one in sorted(known, key=lambda one: (one.stream, one.mailing)):
            self._by_stream.setdefault(one.stream, []).append(one)
        self._rarities: dict[tuple[tuple[str, date], ...], Rarity] = {}

    def before(self, mailing: date, stream: str) -> Frequencies | None:
        """What was last known of *stream* before *mailing*; None where nothing was, or only too long before."""
        first = mailing - self._lasts
        earlier = [one for one in self._by_stream.get(stream, ()) if first <= one.mailing < mailing]
        return earlier[-1] if earlier else None

    def rarity(self, mailing: date, streams: Iterable[str]) -> Rarity:
        """How rare words were in *streams* together before *mailing*."""
        found = [one for stream in sorted(set(streams)) if (one := self.before(mailing, stream))]
        key = tuple((one.stream, one.mailing) for one in found)
        if key not in self._rarities:
            self._rarities[key] = Rarity(found)
        return self._rarities[key]


class Rarity:
    """How often words stand in papers of the stream, as known at some time."""

    def __init__(self, known: Sequence[Frequencies] = ()) -> None:
        self._known = known
        self._papers = sum(one.papers for one in known)
        self._sorted: list[str] = []

    def share(self, word: str) -> float:
        """The share of papers that have the folded *word*: more than 0, less than 1."""
        return self.shares((word,))[0]

    def shares(self, words: Sequence[str]) -> Sequence[float]:
        """The same of each of *words*; a feed by likes asks for thousands."""
        prior, unseen, papers = _load_prior(), _unseen(), self._papers + _PRIOR_PAPERS
        counted = [0.0] * len(words)
        for one in self._known:
            counted = [count + one.counts.get(word, 0.0) for count, word in zip(counted, words, strict=True)]
        return [
            min((count + _PRIOR_PAPERS * prior.get(word, unseen)) / papers, 0.999)
            for count, word in zip(counted, words, strict=True)
        ]

    def share_seen(self, word: str) -> float:
        """The share of the stream's own papers that have the folded *word*; 0 while there are none."""
        return sum(one.counts.get(word, 0.0) for one in self._known) / self._papers if self._papers else 0.0

    def idf(self, words: Sequence[str]) -> float:
        """The inverse document frequency of a phrase: of its rarest word, and a little of every other one.

        Words that stand side by side are not rare independently, and how often they do is not counted.
        """
        each = sorted((-math.log(self.share(word)) for word in words), reverse=True)
        return each[0] + _OTHER_WORDS * sum(each[1:]) if each else 0.0

    def idf_of_prefix(self, prefix: str) -> float:
        """The inverse document frequency of all words with *prefix* together, as if no paper had two of them.

        Words are known without their endings, so the one that *prefix* itself is folded to is among them.
        """
        if not self._sorted:
            self._sorted = sorted({*_load_prior(), *(word for one in self._known for word in one.counts)})
        folded = {fold_word(prefix), *([fold_word(f"{prefix}s")] if prefix.endswith("si") else [])}  # of analysis
        share = sum(self.share(one) for one in folded if not one.startswith(prefix))
        for word in islice(self._sorted, bisect_left(self._sorted, prefix), None):
            if not word.startswith(prefix):
                break
            share += self.share(word)
        return -math.log(min(share, 0.999)) if share else self.idf([prefix])


def _fading(day: date, mailing: date) -> float:
    return float(0.5 ** ((mailing - day).days / HALF_LIFE_DAYS))


@cache
def _load_prior() -> Mapping[str, float]:
    """The share of papers by word."""
    first, *rows = _PRIOR_FILE.read_text(encoding="utf-8").splitlines()
    papers = float(first.split()[5])
    return {word: int(seen) / papers for row in rows for seen, *words in (row.split(),) for word in words}


@cache
def _unseen() -> float:
    """The share of a word that the prior has never seen: half of the rarest."""
    return min(_load_prior().values()) / 2
