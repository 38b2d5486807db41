"""How well each ranking finds the papers that readers put on their lists: `python -m bench.relevance [FOLDER]`.

FOLDER (by default ../shared/relevance) holds labelled days: for each day one gzipped file of JSON lines, a paper each,
with id, title, authors, categories, abstract, comment and whether it is `relevant`. The profile is that of config.json.
Measured is, per day with two or more relevant papers and then on average: R@30, the share of the relevant papers among
the first 30, and nDCG@30, the same with a discount by rank. Days are gone through in their order, and a day is ranked
with nothing but what was known before it.
"""

from __future__ import annotations

import gzip
import json
import math
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from statistics import mean

from core.catalogue import Selection, select
from core.config import load_config
from core.learning import Learner
from core.papers import Announcement, AnnounceType, Author, Paper
from core.profiles import Profile
from core.rarity import Known
from core.settings import PROJECT_FOLDER
from core.shelf import Shelf
from core.store.records import Frequencies, PaperRecord, Revision
from core.words import fold_words

LIST_LENGTH = 30
LIKES = 5
SEEDS = 5


@dataclass(frozen=True)
class Day:
    """The papers of one day, and which of them are relevant."""

    day: date
    papers: Sequence[Paper]
    relevant: frozenset[str]


# What a ranking makes of a day, given the days before it: identifiers, best first.
Ranking = Callable[[Day, "Past"], Sequence[str]]


class Past:
    """What is known when a day is ranked: what was learned before it, and what a reader could have liked."""

    def __init__(self, profiles: Sequence[Profile]) -> None:
        self.liked: list[str] = []
        self.papers: dict[str, Paper] = {}
        self._learner = Learner(profiles)
        self._learned: list[Frequencies] = []

    @property
    def known(self) -> Known:
        """What was learned of words so far; labelled days are further apart than mailings."""
        return Known(self._learned, lasts=timedelta(days=60))

    def add(self, day: Day) -> None:
        """Learn from *day*, as the service does after a mailing."""
        self.papers.update((paper.id, paper) for paper in day.papers if paper.id in day.relevant)
        days = {day.day: day.papers}
        self._learned += self._learner.count(["Computer Science"], days, self._learned, self.papers)
        self.liked += sorted(day.relevant)


def main(folder: Path) -> None:
    """Print the table."""
    days = list(load_days(folder))
    if not days:
        sys.exit(f"{folder}: no labelled days (*.jsonl.gz) are there")
    profile = load_config(PROJECT_FOLDER / "config.json").default
    # Likes that a profile keeps, unlike those of an address, have words related to them. The first days are their own.
    first = [paper for day in days for paper in day.papers if paper.id in day.relevant][:LIKES]
    kept = replace(profile, ranking="relevance", keywords=(), likes=tuple(sorted(paper.id for paper in first)))
    rankings: dict[str, Ranking] = {
        "random order": _at_random,
        "origin: substrings, counted": _by(replace(profile, match="substring", ranking="count")),
        "whole words, counted": _by(replace(profile, ranking="count")),
        "whole words, by idf": _by_idf(profile),
        "ours": _by(replace(profile, ranking="relevance")),
        f"ours with {LIKES} likes": _with_likes(replace(profile, ranking="relevance")),
        f"{LIKES} likes alone": _with_likes(replace(profile, ranking="relevance", keywords=())),
        f"{LIKES} likes alone, kept": _by(kept),
    }
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in rankings}
    past = Past([replace(profile, ranking="relevance"), kept])
    for day in days:
        for name, ranking in rankings.items():
            measured[name].append(measure(ranking(day, past), day.relevant))
        past.add(day)
    print(f"{len(days)} days, {sum(len(day.papers) for day in days):,} papers, {len(past.liked)} relevant ones")  # noqa: T201
    print(f"{'ranking':30} {'R@30':>6} {'nDCG@30':>8}")  # noqa: T201
    for name, values in measured.items():
        print(f"{name:30} {mean(one for one, _ in values):6.3f} {mean(one for _, one in values):8.3f}")  # noqa: T201


def load_days(folder: Path) -> Iterator[Day]:
    """The labelled days of *folder* in their order, without those of fewer than two relevant papers."""
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        relevant = frozenset(row["id"] for row in rows if row["relevant"])
        if len(relevant) > 1:
            yield Day(date.fromisoformat(path.name[:10]), [_read_paper(row) for row in rows], relevant)


def measure(ranked: Sequence[str], relevant: frozenset[str]) -> tuple[float, float]:
    """R@30 and nDCG@30 of the list *ranked*."""
    hits = [place for place, paper_id in enumerate(ranked[:LIST_LENGTH]) if paper_id in relevant]
    gain = sum(1 / math.log2(place + 2) for place in hits)
    best = sum(1 / math.log2(place + 2) for place in range(min(LIST_LENGTH, len(relevant))))
    return len(hits) / len(relevant), gain / best


def _read_paper(row: Mapping[str, object]) -> Paper:
    return Paper(
        id=str(row["id"]),
        version=1,
        title=str(row["title"]),
        authors=tuple(Author(str(name)) for name in row["authors"]),  # type: ignore[attr-defined] # a list, by the format
        abstract=str(row["abstract"]),
        categories=tuple(row["categories"]),  # type: ignore[arg-type] # a list, by the format
        raw_title=str(row["title"]),
        raw_authors="",
        raw_abstract=str(row["abstract"]),
        comment=str(row["comment"]) if row.get("comment") else None,
    )


def _at_random(day: Day, _: Past) -> Sequence[str]:
    return random.Random(day.day.toordinal()).sample([paper.id for paper in day.papers], len(day.papers))  # noqa: S311 - no secret


def _by(profile: Profile) -> Ranking:
    """The ranking of *profile*, as the service makes it."""

    def rank(day: Day, past: Past) -> Sequence[str]:
        types = tuple((category, AnnounceType.NEW) for category in profile.categories)
        shelf = Shelf(PaperRecord(paper, (Announcement(day.day, paper.id, 1, types),)) for paper in day.papers)
        wanted = replace(profile, min_score=0.0, max_papers=LIST_LENGTH)
        selected = select(Selection(profile.name, wanted), shelf, Revision(), past.known, past.papers)
        return [item.paper.id for item in selected.items]

    return rank


def _by_idf(profile: Profile) -> Ranking:
    """Each keyword that stands in a paper gives its inverse document frequency."""
    keywords = sorted({word for keyword in profile.keywords for word in fold_words(keyword.term)})
    excluded = {word for term in profile.exclude_keywords for word in fold_words(term)}

    def rank(day: Day, past: Past) -> Sequence[str]:
        rarity = past.known.rarity(day.day, ["Computer Science"])
        idf = {word: rarity.idf([word]) for word in keywords}
        words = {paper.id: {*fold_words(paper.title), *fold_words(paper.abstract)} for paper in day.papers}
        kept = sorted((paper_id for paper_id in words if not excluded & words[paper_id]), reverse=True)
        return sorted(kept, key=lambda paper_id: -sum(idf[word] for word in keywords if word in words[paper_id]))

    return rank


def _with_likes(profile: Profile) -> Ranking:
    """The ranking with a few relevant papers of earlier days as likes, others for each day."""

    def rank(day: Day, past: Past) -> Sequence[str]:
        draw = random.Random(day.day.toordinal())  # noqa: S311 - no secret
        liked = draw.sample(past.liked, min(LIKES, len(past.liked)))
        return _by(replace(profile, likes=tuple(sorted(liked))))(day, past)

    return rank


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT_FOLDER.parent / "shared" / "relevance")
