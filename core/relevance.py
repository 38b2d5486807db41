"""The ranking by relevance: what a term is worth in a paper, and which other words go with a profile's terms.

A term is worth more the rarer it is in the stream, the more of the paper it is, and in the title (BM25F: Robertson,
Zaragoza, The Probabilistic Relevance Framework, 2009). Words that the best papers of the mailings before have more
often than others, and categories likewise, are related to the profile (pseudo-relevance feedback, weighted by how much
likelier they make such a paper); they raise papers that have points already and bring in none.

All figures here were chosen by cross-validation on labelled days; `bench/relevance.py` prints what they come to.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from core.index import COUNT_BITS, HITS_BITS, MOST, PaperIndex
from core.rarity import Rarity

IDF_EXPONENT = 1.5
TITLE_WEIGHT = 3.0  # of one hit in the title, in hits in the abstract
SATURATION = 2.0  # k1: how soon more hits of a term add little
LENGTH_PART = 0.5  # b: how far a long paper's hits count less
AVERAGE_WORDS = 195.0  # of title and abstract together
SCALE = 0.35  # brings the points of a usual term near those of the origin's rule

BEST_PAPERS = 10  # of a mailing before, taken for what the profile wants
MAILINGS_BEFORE = 3
DAYS_BEFORE = 7
RELATED_WORDS = 40
_FEWEST_PAPERS = 3  # of the best ones that have a related word
_SMOOTHING = 5.0
_RELATED_WEIGHT = 2.0
_LEAST_KNOWN = 200.0  # papers of the stream, before which nothing is said of categories
_MOST_WORDS = 2_000

_NORMS = [SATURATION * (1 - LENGTH_PART + LENGTH_PART * words / AVERAGE_WORDS) for words in range(_MOST_WORDS)]


@dataclass(frozen=True, slots=True)
class Era:
    """The papers of one mailing by number, newest identifier first, and how rare words were before it."""

    numbers: Sequence[int]
    rarity: Rarity
    ordinal: int  # of the mailing's day


def norms_of(index: PaperIndex) -> list[float]:
    """For each paper of *index* how many hits give half of what hits can give."""
    return [_NORMS[min(length, _MOST_WORDS - 1)] for length in index.lengths]


def weigh(idf: float) -> float:
    """What a term with this *idf* is worth in a paper that is all about it."""
    return SCALE * (SATURATION + 1) * math.pow(max(idf, 0.0), IDF_EXPONENT)


def add_points(
    postings: Iterable[int], weights: Sequence[float], era_of: Sequence[int], norms: Sequence[float], totals: list[int]
) -> dict[int, int]:
    """What a term gives each paper of *postings*, in whole hundredths of a point; added to the papers' *totals* too.

    Points are counted in ten-thousandths, as everywhere.
    *weights* says what it is worth in each era, and in its last place 0 for the papers of none, whose *era_of* is -1.
    """
    points = {}
    for one in postings:
        number = one >> HITS_BITS
        weight = weights[era_of[number]]
        if weight:
            amount = TITLE_WEIGHT * (one >> COUNT_BITS & MOST) + (one & MOST)
            points[number] = gained = int(100 * weight * amount / (amount + norms[number]) + 0.5) * 100
            totals[number] += gained
    return points


def relate(
    index: PaperIndex,
    eras: Sequence[Era],
    points: Sequence[int],
    *,
    excluded: Collection[int],
    own: Collection[str],
) -> list[dict[str, float]]:
    """For each of *eras*, oldest first, the words and categories related to what has *points*, with their weight.

    *points* are by the papers' number.

    They are learned from the best papers of the mailings just before, so that nothing which comes later moves them.
    *own* are the words that a profile names itself.
    """
    best = [_best_papers(era, points, excluded) for era in eras]
    return [
        _related(index, [number for before in _before(eras, place) for number in best[before]], era.rarity, own)
        for place, era in enumerate(eras)
    ]


def _before(eras: Sequence[Era], place: int) -> range:
    """The places of the last few mailings before the one at *place*."""
    first = max(place - MAILINGS_BEFORE, 0)
    while first < place and eras[place].ordinal - eras[first].ordinal > DAYS_BEFORE:
        first += 1
    return range(first, place)


def _best_papers(era: Era, points: Sequence[int], excluded: Collection[int]) -> list[int]:
    matching = [number for number in era.numbers if points[number] > 0 and number not in excluded]
    return sorted(matching, key=lambda number: -points[number])[:BEST_PAPERS]


def _related(index: PaperIndex, best: Sequence[int], rarity: Rarity, own: Collection[str]) -> dict[str, float]:
    counts = Counter(feature for number in best for feature in _features(index, number, rarity))
    weighed = {}
    for feature, count in counts.items():
        if count < _FEWEST_PAPERS or feature in own:
            continue
        share = rarity.share(feature)
        likelier = math.log((count + _SMOOTHING * share) / (len(best) + _SMOOTHING) / share)
        if likelier > 0:
            weighed[feature] = (count * likelier, likelier)
    chosen = sorted(weighed, key=lambda feature: (-weighed[feature][0], feature))[:RELATED_WORDS]
    return {feature: SCALE * _RELATED_WEIGHT * weighed[feature][1] for feature in chosen}


def _features(index: PaperIndex, number: int, rarity: Rarity) -> set[str]:
    title, abstract = index.folded_words(number)
    categories = index.papers[number].categories if rarity.papers >= _LEAST_KNOWN else ()
    return {*title, *abstract, *categories}
