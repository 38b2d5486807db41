"""How rare words are in the stream: learned from mailing to mailing, the older ones fading.

What is known before a mailing is a `Frequencies` of each group of categories, kept in the store. A mailing is only ever
held against what was known before it, so its papers' scores do not move while more of it, or of later ones, comes in.
Before anything is known, the counts in `word_counts.txt` stand in, and they go on to count as much as `_PRIOR_PAPERS`
papers of the stream.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from itertools import islice
from pathlib import Path

from core.arxiv.taxonomy import find_category
from core.papers import Paper
from core.store.records import Frequencies, PaperRecord
from core.words import fold_words

HALF_LIFE_DAYS = 30.0
_PRIOR_PAPERS = 1_000.0
_OTHER_WORDS = 0.25  # of a phrase, in parts of the rarest one
_LEAST_COUNT = 0.5  # what has faded to less is forgotten
_WORDS_KEPT = 12_000
_PRIOR_FILE = Path(__file__).with_name("word_counts.txt")


def features_of(paper: Paper) -> set[str]:
    """What is counted of *paper*, each once: the folded words of title and abstract, and its categories."""
    return {*fold_words(paper.title), *fold_words(paper.abstract), *paper.categories}


def learn_all(
    groups: Iterable[str], mailing: date, records: Iterable[PaperRecord], before: Mapping[str, Frequencies]
) -> tuple[Frequencies, ...]:
    """What is known of *groups* before *mailing*, given what was known *before* and the papers announced since.

    A paper counts once, in the group of its primary category and on the day of its first announcement. A group of which
    nothing is known is left out.
    """
    papers: dict[str, list[tuple[date, Paper]]] = {}
    for record in records:
        group = group_of(record.paper.primary_category)
        first = min((one.mailing for one in record.announcements), default=mailing)
        since = before[group].mailing if group in before else date.min
        if since <= first < mailing:
            papers.setdefault(group, []).append((first, record.paper))
    known = (_learn(group, mailing, papers.get(group, ()), before.get(group)) for group in groups)
    return tuple(one for one in known if one.papers > 0)


def group_of(category: str) -> str:
    """The group of arXiv's categories that *category* belongs to; its own name where the taxonomy does not know it."""
    found = find_category(category)
    return found.group if found else category


def _learn(group: str, mailing: date, papers: Iterable[tuple[date, Paper]], before: Frequencies | None) -> Frequencies:
    """*before*, faded, and what *papers* say, each with its day; their order makes no difference."""
    counts: defaultdict[str, float] = defaultdict(float)
    total = 0.0
    if before is not None:
        kept = _fading(before.mailing, mailing)
        total = before.papers * kept
        counts.update({word: count * kept for word, count in before.counts.items()})
    by_day: dict[date, list[Paper]] = {}
    for day, paper in papers:
        by_day.setdefault(day, []).append(paper)
    for day in sorted(by_day):
        weight = _fading(day, mailing)
        total += weight * len(by_day[day])
        seen = Counter(feature for paper in by_day[day] for feature in features_of(paper))
        for feature, count in seen.items():
            counts[feature] += weight * count
    most = sorted(counts, key=lambda word: (-counts[word], word))[:_WORDS_KEPT]
    return Frequencies(
        group,
        mailing,
        round(total, 1),
        {word: round(counts[word], 1) for word in sorted(most) if counts[word] >= _LEAST_COUNT},
    )


class Rarities:
    """What is known of the stream, mailing by mailing."""

    def __init__(self, known: Iterable[Frequencies] = ()) -> None:
        self._by_group: dict[str, list[Frequencies]] = {}
        for one in sorted(known, key=lambda one: (one.group, one.mailing)):
            self._by_group.setdefault(one.group, []).append(one)
        self._before: dict[date, Rarity] = {}

    def before(self, mailing: date) -> Rarity:
        """How rare words were before *mailing*: what was last learned of each group until then."""
        if mailing not in self._before:
            latest = [
                found[-1]
                for group in sorted(self._by_group)
                if (found := [one for one in self._by_group[group] if one.mailing <= mailing])
            ]
            self._before[mailing] = Rarity(latest)
        return self._before[mailing]


class Rarity:
    """How often words stand in papers of the stream, as known before one mailing; `papers` is how much is known."""

    def __init__(self, known: Sequence[Frequencies] = ()) -> None:
        self._known = known
        self.papers = sum(one.papers for one in known)
        self._sorted: list[str] = []

    def share(self, feature: str) -> float:
        """The share of papers that have *feature*, a folded word or a category: more than 0, less than 1."""
        count = sum(one.counts.get(feature, 0.0) for one in self._known)
        return min(
            (count + _PRIOR_PAPERS * _load_prior().get(feature, _unseen())) / (self.papers + _PRIOR_PAPERS), 0.999
        )

    def idf(self, words: Sequence[str]) -> float:
        """The inverse document frequency of a phrase: of its rarest word, and a little of every other one.

        Words that stand side by side are not rare independently, and how often they do is not counted.
        """
        each = sorted((-math.log(self.share(word)) for word in words), reverse=True)
        return each[0] + _OTHER_WORDS * sum(each[1:]) if each else 0.0

    def idf_of_prefix(self, prefix: str) -> float:
        """The inverse document frequency of all words with *prefix* together, as if no paper had two of them."""
        if not self._sorted:
            self._sorted = sorted({*_load_prior(), *(word for one in self._known for word in one.counts)})
        share = 0.0
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
    return {word: int(count) / papers for row in rows for count, *words in (row.split(),) for word in words}


@cache
def _unseen() -> float:
    """The share of a word that the prior has never seen: half of the rarest."""
    return min(_load_prior().values()) / 2
