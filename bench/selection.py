"""What a new selection costs a warm process: `python -m bench.selection [PAPERS ...]`.

Papers are made up: abstracts of about 190 words drawn as words are in English text (Zipf), half of the papers in two
categories. A profile has as many terms, drawn the same way among rarer words. Times are CPU milliseconds, the median of
several selections that were never asked for before; the last column says how many times as long it takes to lower the
case of all texts once, which a matcher by `in` would have to do for each selection.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from itertools import accumulate
from statistics import median

from core.catalogue import Selection, select
from core.learning import Learner
from core.papers import Announcement, AnnounceType, Author, Paper
from core.profiles import Keyword, Profile
from core.query import parse_query
from core.rarity import Known
from core.shelf import Shelf
from core.store.records import PaperRecord, Revision

CATEGORIES = ("cs.AI", "cs.CL", "cs.DC", "cs.LG")
MAILINGS = 5
TERMS = (30, 300, 3_000)
REPEATS = 5
_WORDS = 20_000
_COMMON = 200  # words that nobody would ask for


def main(sizes: list[int]) -> None:
    """Print a table: papers in a week, kind of selection, milliseconds."""
    print(f"{'papers a week':>14} {'selection':34} {'ms':>8} {'of lower()':>11}")  # noqa: T201
    for size in sizes:
        rng = random.Random(size)  # noqa: S311 - no secret
        words = _make_words(rng)
        records = _make_records(rng, words, size)
        shelf = Shelf(records)
        days: dict[date, list[Paper]] = {}
        for record in records:
            days.setdefault(record.announcements[0].mailing, []).append(record.paper)
        papers = {record.paper.id: record.paper for record in records[:100]}
        shelf.place(CATEGORIES, Profile("x", CATEGORIES).announce_types)
        texts = [f"{paper.title} {paper.abstract}" for paper in shelf.index.papers]
        lowered = _median_cpu(lambda texts=texts: [text.lower() for text in texts])  # type: ignore[misc] # bound at once
        profiles = _profiles(rng, words)
        learner = Learner([profile for _, profile in profiles])
        known = Known(learner.count(["Computer Science"], days, (), papers))
        for name, profile in profiles:
            spent = []
            for draw in range(REPEATS):
                changed = replace(profile, min_score=draw / 1_000)  # another selection each time
                start = time.process_time()
                select(Selection("cs", changed), shelf, Revision(), known, papers)
                spent.append(1000 * (time.process_time() - start))
            print(f"{size:14,} {name:34} {median(spent):8.1f} {median(spent) / lowered:11.1f}", flush=True)  # noqa: T201


def _profiles(rng: random.Random, words: list[str]) -> list[tuple[str, Profile]]:
    some = Profile("cs", CATEGORIES)
    profiles = []
    for count in TERMS:
        terms = tuple(Keyword(term) for term in rng.sample(words[_COMMON:], count))
        profiles.append((f"{count:,} keywords by relevance", replace(some, keywords=terms)))
        profiles.append((f"{count:,} keywords counted", replace(some, keywords=terms, ranking="count")))
    one, two, three = words[300], words[900], words[2_000]
    query = parse_query(
        f'({one} OR {two}^2 OR "{words[250]} {words[260]}" OR ti:{three}) -{words[5_000]} OR {words[400][:4]}*'
    )
    profiles.append(("a query of six terms", replace(some, query=query)))
    profiles.append(("one author", replace(some, authors=(Keyword("A. Wang"),), min_score=0.01)))
    profiles.append(
        ("five likes", replace(some, likes=tuple(f"2603.{number:05}" for number in range(5)), min_score=0.01))
    )
    return profiles


def _make_words(rng: random.Random) -> list[str]:
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    words = {"".join(rng.choices(letters, k=rng.randint(3, 10))) for _ in range(_WORDS)}
    return sorted(words, key=lambda word: (len(word), word))


def _make_records(rng: random.Random, words: list[str], a_week: int) -> list[PaperRecord]:
    cumulative = list(accumulate(1 / (place + 3) for place in range(len(words))))
    records = []
    for place in range(MAILINGS):
        day = date(2026, 3, 2) + timedelta(days=place)
        for number in range(a_week // 5):
            categories = rng.sample(CATEGORIES, 1 + number % 2)
            paper_id = f"2603.{place * a_week // 5 + number:05}"
            paper = Paper(
                id=paper_id,
                version=1,
                title=" ".join(rng.choices(words, cum_weights=cumulative, k=10)),
                authors=tuple(Author(f"{rng.choice('ABCDE')}. {rng.choice(('Wang', 'Li', 'Xu'))}") for _ in range(5)),
                abstract=" ".join(rng.choices(words, cum_weights=cumulative, k=190)),
                categories=tuple(categories),
                raw_title="",
                raw_authors="",
                raw_abstract="",
            )
            types = tuple((category, AnnounceType.NEW) for category in categories)
            records.append(PaperRecord(paper, (Announcement(day, paper_id, 1, types),)))
    return records


def _median_cpu(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        spent.append(1000 * (time.process_time() - start))
    return median(spent)


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [7_000, 50_000])
