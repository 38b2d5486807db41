"""Made-up papers in arXiv's words and sizes, and the feeds that would announce them; the same at every run.

Words are drawn as often as they stand in arXiv's abstracts (`core/word_counts.txt`), among them some that hardly ever
come again. Abstracts have about 1,450 characters, three of ten with TeX. Three papers of ten are cross-listed,
half of those within `CATEGORIES`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from string import ascii_uppercase

from core.arxiv.announced import announce_types_by_category
from core.arxiv.rss import parse_announcements
from core.papers import Announcement
from core.settings import PROJECT_FOLDER
from core.store.records import PaperRecord
from demo.announcements import parse_spec, render_rss, select_entries
from demo.mailing import Listing, SamplePaper, Writer
from demo.people import invent_writers

CATEGORIES = ("cs.AI", "cs.CL", "cs.DC", "cs.LG")
WEEK = tuple(date(2026, 3, 2) + timedelta(days=place) for place in range(5))  # without holidays

_ROUND = 80  # papers, after which the pattern of categories begins anew
_CROSS_AT_HOME, _CROSS_ELSEWHERE = (0, 3, 6), (10, 13, 16)  # of twenty papers of a category
_ELSEWHERE = ("stat.ML", "cs.CV", "cs.SE", "cs.RO")

_TITLE_WORDS, _ABSTRACT_WORDS, _REPEATED_WORDS, _SENTENCE_WORDS = 10, 198, 46, 22
_RARE_WORDS, _RARE_SHARE = 20_000, 0.04
_WITH_TEX = 0.3  # of abstracts
_COMMON_SHARE = 0.1  # of papers; nobody asks for a word that stands in more
_PEOPLE = 6_000
_WORD_COUNTS = PROJECT_FOLDER / "core" / "word_counts.txt"
# Counted are folded words; endings make them words again that have to be folded.
_ENDINGS = (*[""] * 8, "s", "ing", "ed")
_TEX = (r"$O(n^2)$", r"$\mathcal{L}_{\text{aux}}$", r"$\alpha = 0.5$", r"12.5\%", r"\textbf{twice}", r"Schr\"odinger")
_LICENCE = "http://arxiv.org/licenses/nonexclusive-distrib/1.0/"


class Inventor:
    """Invents papers; equal seeds invent the same, in the same order."""

    def __init__(self, seed: int = 1) -> None:
        self._rng = random.Random(seed)  # noqa: S311 - no secret
        self._shares = _read_shares()
        rare = {"".join(self._rng.choices("etaoinshrdlumcfg", k=self._rng.randint(5, 11))) for _ in range(_RARE_WORDS)}
        self._rare = sorted(rare - self._shares.keys())
        self._words = [*self._shares, *self._rare]
        self._cumulative = list(_cumulate(self._shares.values(), len(self._rare)))
        people = [invent_writers("bench", place, count=1)[0] for place in range(_PEOPLE)]
        plain = [one for one in people if "\\" not in one.given + one.family and not one.affiliations]
        self._people = [*plain, *people[: len(plain) // 30]]  # of real names, one in fifty has TeX

    def invent_mailing(self, count: int, *, day: date, first: int = 0) -> tuple[Listing, ...]:
        """*count* new papers of the mailing of *day*, of each of `CATEGORIES` as many, numbered from *first* on."""
        papers = (self._invent_paper(number, day) for number in range(first, first + count))
        return tuple(Listing(paper, "new", paper.categories) for paper in papers)

    def draw_terms(self, count: int) -> list[str]:
        """*count* different words that somebody could ask for: no common ones, and one in five that is hardly seen."""
        usual = [word for word, share in self._shares.items() if share < _COMMON_SHARE and len(word) > 2]
        return self._rng.sample([*usual, *self._rare[: len(usual) // 4]], count)

    def _invent_paper(self, number: int, day: date) -> SamplePaper:
        submitted = datetime.combine(day - timedelta(days=1), time(12, tzinfo=UTC)) + timedelta(seconds=number)
        return SamplePaper(
            id=f"{day:%y%m}.{number:05}",
            version=1,
            title=" ".join(self._draw_words(_TITLE_WORDS)).title(),
            writers=tuple(self._draw_people()),
            paragraphs=(" ".join(self._write_sentences()),),
            categories=_categories_of(number),
            submitted=submitted,
            revised=submitted,
            licence=_LICENCE,
        )

    def _draw_people(self) -> Iterator[Writer]:
        """One to eight people; few papers share one, as in a mailing of arXiv's."""
        for one in self._rng.sample(self._people, self._rng.randint(1, 8)):
            initials = self._rng.choices(ascii_uppercase, k=2)
            yield replace(one, given=f"{one.given} {initials[0]}. {initials[1]}.")

    def _write_sentences(self) -> Iterator[str]:
        """The abstract, sentence by sentence, some with TeX."""
        words = self._draw_words(_ABSTRACT_WORDS - _REPEATED_WORDS)
        words += self._rng.choices(words[:15], k=_REPEATED_WORDS)  # what the paper is about
        self._rng.shuffle(words)
        if self._rng.random() < _WITH_TEX:
            words[50], words[120] = self._rng.choices(_TEX, k=2)
        for start in range(0, len(words), _SENTENCE_WORDS):
            one = words[start : start + _SENTENCE_WORDS]
            middle = len(one) // 2
            first, last = " ".join([one[0].capitalize(), *one[1:middle]]), " ".join(one[middle + 2 :])
            yield f"{first}, {'-'.join(one[middle : middle + 2])} {last}."

    def _draw_words(self, count: int) -> list[str]:
        endings = self._rng.choices(_ENDINGS, k=count)
        words = self._rng.choices(self._words, cum_weights=self._cumulative, k=count)
        return [word + ending if len(word) > 4 else word for word, ending in zip(words, endings, strict=True)]


def announce(listings: Iterable[Listing], categories: Sequence[str], day: date) -> bytes:
    """arXiv's RSS feed of *categories* in the mailing of *day*."""
    spec = parse_spec("+".join(categories))
    return render_rss(spec, select_entries(listings, spec), day)


def read_records(listings: Sequence[Listing], day: date) -> list[PaperRecord]:
    """The *listings*, 2,000 at most, as the service stores them once it has read the feed of the mailing of *day*."""
    entries = parse_announcements(announce(listings, CATEGORIES, day)).entries
    return [
        PaperRecord(
            entry.paper,
            (
                Announcement(
                    day,
                    entry.paper.id,
                    entry.paper.version,
                    announce_types_by_category(entry.paper.categories, entry.announce_type),
                ),
            ),
        )
        for entry in entries
    ]


def _categories_of(number: int) -> tuple[str, ...]:
    place = number % _ROUND
    primary, turn = place % len(CATEGORIES), place // len(CATEGORIES)
    if turn in _CROSS_AT_HOME:
        return (CATEGORIES[primary], CATEGORIES[(primary + 1 + turn // 3) % len(CATEGORIES)])
    if turn in _CROSS_ELSEWHERE:
        return (CATEGORIES[primary], _ELSEWHERE[primary])
    return (CATEGORIES[primary],)


def _read_shares() -> dict[str, float]:
    """In which share of arXiv's papers each word stands."""
    first, *rows = _WORD_COUNTS.read_text(encoding="utf-8").splitlines()
    papers = float(first.split()[5]) + 1  # no word stands in all
    return {word: int(seen) / papers for row in rows for seen, *words in (row.split(),) for word in words}


def _cumulate(shares: Iterable[float], rare: int) -> Iterator[float]:
    """Running sums of how often a word is met in a paper that stands in this share of them; then *rare* words' own."""
    total = 0.0
    for share in shares:
        total -= math.log1p(-share)
        yield total
    each = total * _RARE_SHARE / (1 - _RARE_SHARE) / rare
    for _ in range(rare):
        total += each
        yield total
