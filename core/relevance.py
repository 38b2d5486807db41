"""The ranking by relevance: what a term is worth in a paper, and which other words go with a profile's keywords.

A term is worth more the rarer it is in the stream, and the more of the paper it is (`core/saturation.py`). Words that
the papers which fitted a profile best in earlier mailings have more often than others are related to it
(pseudo-relevance feedback, weighed by how much likelier they make such a paper), and so are the authors of such papers;
both raise papers that have points already and bring in none. Papers that a reader liked give points for the words that
tie a paper to them (Rocchio's centroid, in The SMART Retrieval System, 1971), disliked ones take some.

The figures here were chosen by cross-validation on labelled days; `bench/relevance.py` prints what they come to.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from core.index import COUNT_BITS, HITS, HITS_BITS, MOST, PaperIndex, Reading
from core.papers import Paper
from core.profiles import POINT_PLACES, Profile
from core.rarity import Rarity
from core.saturation import SATURATION, TITLE_WEIGHT, norm_of
from core.store.records import Frequencies
from core.words import fold_words

Tie = Literal["like", "related", "dislike"]  # how words tie a paper to others
TIES: tuple[Tie, ...] = ("like", "related", "dislike")

SCALE = 1 / 14  # so that 2.5 points, the least that the origin asked for, keep one paper of seven with 30 keywords

IDF_EXPONENT = 1.5
LEAST_IDF = 2.0  # of a keyword, however common it is
_FULL = SCALE * (SATURATION + 1)  # what a word of weight 1 gives a paper that is all about it

BEST_PAPERS = 5  # of each mailing, from which related words are learned
_PAPERS_FOR_EACH = 20  # a mailing of fewer papers has no best one
RELATED_WORDS = 80
RELATED_WEIGHT = 2.0  # against a keyword's
RELATED_EXPONENT = 1.5
_LARGEST_SHARE = 0.1  # of papers; a word that stands in more tells little
_SMOOTHING = 5.0  # papers as all others are
_FEWEST_PAPERS = 2.5  # that have a related word

BEST_BY_AUTHORS = 10  # papers of each mailing, whose authors are related
AUTHOR_RAISE: int = 10**POINT_PLACES  # ten-thousandths of a point, for each related author
_AUTHORS_COUNTED = 3  # of a paper

LIKE_WEIGHT = 0.5
LIKE_WORDS = 150
LIKE_ALLOWANCE = 3.0  # words of a usual paper that may be among them; common words cost time and tell little


@dataclass(frozen=True, slots=True)
class Era:
    """The papers of one mailing by number, newest identifier first, and what was known before it.

    `related` are the words that go with the profile, with their weight, `authors` the people who do, by their names
    without case; `liked` are the words of the papers that it likes, `disliked` those of the others.
    """

    numbers: Sequence[int]
    rarity: Rarity
    related: Mapping[str, float] = field(default_factory=dict)
    authors: Set[str] = frozenset()
    liked: Mapping[str, float] = field(default_factory=dict)
    disliked: Mapping[str, float] = field(default_factory=dict)

    def weights(self, tie: Tie) -> Mapping[str, float]:
        """The words that tie papers in the way *tie*, with their weight."""
        return {"like": self.liked, "related": self.related, "dislike": self.disliked}[tie]


def weigh(idf: float) -> float:
    """What a term with this *idf* is worth in a paper that is all about it."""
    return _FULL * math.pow(max(idf, LEAST_IDF), IDF_EXPONENT)


def points_of(
    postings: Iterable[int], weights: Sequence[float], era_of: Sequence[int], norms: Sequence[float]
) -> dict[int, int]:
    """What a term gives each paper of *postings*, in whole hundredths of a point.

    *weights* says what the term is worth in each era, and in its last place 0 for the papers of none, whose *era_of* is
    -1. Points are counted in ten-thousandths, as everywhere.
    """
    points = {}
    hundredfold = [100 * weight for weight in weights]
    for one in postings:
        number = one >> HITS_BITS
        if weight := hundredfold[era_of[number]]:
            amount = one & HITS
            if amount > MOST:  # some of them in the title, where few words stand
                amount = TITLE_WEIGHT * (amount >> COUNT_BITS) + (amount & MOST)
            points[number] = int(weight * amount / (amount + norms[number]) + 0.5) * 100
    return points


def place_in_eras(eras: Sequence[Era], index: PaperIndex) -> list[int]:
    """For each paper of *index* which of *eras* it is of, -1 for none."""
    era_of = [-1] * len(index)
    for place, era in enumerate(eras):
        for number in era.numbers:
            era_of[number] = place
    return era_of


def add_ties(index: PaperIndex, eras: Sequence[Era], era_of: Sequence[int], totals: list[int]) -> list[int]:
    """Add what ties papers to others to their *totals*; for each paper its era if it could be raised, else -1.

    Counts what `tie_points` tells of one paper, for all papers at once.
    """
    _add_words(index, [era.liked for era in eras], era_of, totals, unit=100)
    raised_in = [era if points > 0 else -1 for era, points in zip(era_of, totals, strict=True)]
    _add_words(index, [era.related for era in eras], raised_in, totals, unit=100)
    _add_authors(index, [era.authors for era in eras], raised_in, totals)
    _add_words(index, [era.disliked for era in eras], era_of, totals, unit=-100)
    return raised_in


def _add_words(
    index: PaperIndex, by_era: Sequence[Mapping[str, float]], era_of: Sequence[int], totals: list[int], *, unit: int
) -> None:
    norms = index.norms
    for word in set[str]().union(*by_era):
        weights = [*(100 * one.get(word, 0.0) for one in by_era), 0.0]  # in the last place for the papers of no era
        for one in index.find_word(word):
            number = one >> HITS_BITS
            if weight := weights[era_of[number]]:
                amount = one & HITS  # as in `points_of`; a function for it would double the time
                if amount > MOST:
                    amount = TITLE_WEIGHT * (amount >> COUNT_BITS) + (amount & MOST)
                totals[number] += int(weight * amount / (amount + norms[number]) + 0.5) * unit


def _add_authors(index: PaperIndex, by_era: Sequence[Set[str]], era_of: Sequence[int], totals: list[int]) -> None:
    found = Counter[int]()
    for name in set[str]().union(*by_era):
        found.update(number for number in index.find_name(name) if (era := era_of[number]) >= 0 and name in by_era[era])
    for number, authors in found.items():
        totals[number] += raise_by_authors(authors)


def raise_by_authors(related: int) -> int:
    """What so many *related* authors give a paper, in ten-thousandths of a point."""
    return AUTHOR_RAISE * min(related, _AUTHORS_COUNTED)


def tie_points(reading: Reading, weights: Mapping[str, float], norm: float, tie: Tie) -> dict[str, int]:
    """What each word gives or takes that ties a paper to others: of its *reading* those that have *weights*."""
    unit = -100 if tie == "dislike" else 100
    points = {
        word: int(100 * weights[word] * amount / (amount + norm) + 0.5) * unit
        for word, amount in _amounts_of(reading).items()
    }
    return {word: gained for word, gained in points.items() if gained}


def _amounts_of(reading: Reading) -> Mapping[str, int]:
    """How much of a paper each word is, in hits in the abstract."""
    counts = Counter(reading.abstract)
    if len(reading.abstract) > MOST:
        counts = Counter({word: min(count, MOST) for word, count in counts.items()})
    for word, count in Counter(reading.title).items():
        counts[word] += TITLE_WEIGHT * min(count, MOST)
    return counts


def stream_of(profile: Profile) -> str | None:
    """The stream of the papers that fit *profile* best, by a name that is the same for the same keywords.

    Without keywords the likes take their place. None where there is nothing to learn from: a query says itself what is
    wanted.
    """
    if profile.ranking != "relevance" or not (profile.keywords or profile.likes) or profile.query is not None:
        return None
    told = repr(sorted((one.term, one.weight) for one in profile.keywords) or profile.likes)
    return f"profile:{sha256(told.encode()).hexdigest()[:16]}"


def pick_best(
    numbers: Sequence[int], points: Sequence[int], excluded: Collection[int], *, most: int = BEST_PAPERS
) -> list[int]:
    """The best of the papers *numbers* of a mailing, from which is learned; of equal *points* the first ones."""
    matching = [number for number in numbers if points[number] > 0 and number not in excluded]
    most = min(most, len(numbers) // _PAPERS_FOR_EACH)
    return sorted(matching, key=lambda number: -points[number])[:most]


def relate(best: Frequencies | None, rarity: Rarity, own: Collection[str]) -> dict[str, float]:
    """The words that *best* papers have more often than the stream, with their weight, but for the profile's *own*."""
    if best is None:
        return {}
    found: dict[str, tuple[float, float]] = {}
    for word, count in best.counts.items():
        if count < _FEWEST_PAPERS or word in own or word.isdigit():
            continue
        share = rarity.share(word)
        likelier = math.log((count + _SMOOTHING * share) / (best.papers + _SMOOTHING) / share)
        # While the stream is young, the prior hides that a word stands everywhere in it.
        if likelier > 0 and max(share, rarity.share_seen(word)) <= _LARGEST_SHARE:
            found[word] = ((count / best.papers - share) * likelier, likelier)
    chosen = sorted(found, key=lambda word: (-found[word][0], word))[:RELATED_WORDS]
    return {word: _FULL * RELATED_WEIGHT * math.pow(found[word][1], RELATED_EXPONENT) for word in chosen}


def read_amounts(liked: Sequence[Paper]) -> dict[str, float]:
    """The words of the papers *liked*: how much of a paper each one is, on average."""
    amounts: defaultdict[str, float] = defaultdict(float)
    for paper in liked:
        reading = Reading(fold_words(paper.title), fold_words(paper.abstract))
        norm = norm_of(len(reading.title), len(reading.abstract))
        for word, amount in _amounts_of(reading).items():
            amounts[word] += amount / (amount + norm) / len(liked)
    return amounts


def liken(amounts: Mapping[str, float], rarity: Rarity, own: Collection[str]) -> dict[str, float]:
    """The words that tie papers to those with such *amounts* of them, with their weight; none of the profile's *own*.

    A word weighs how much of the papers it is times how rare it is.
    """
    full = _FULL * LIKE_WEIGHT * (SATURATION + 1)
    words = [word for word in amounts if word not in own]
    shares = zip(words, rarity.shares(words), strict=True)
    weighed = sorted((full * amounts[word] * math.log(share), word, share) for word, share in shares)
    chosen = {}
    allowance = LIKE_ALLOWANCE
    for lightness, word, share in weighed[:LIKE_WORDS]:
        if share <= allowance:
            allowance -= share
            chosen[word] = -lightness
    return chosen
