"""What it costs to hold 1,000 papers against 30, 300 and 3,000 terms: `python -m bench matching`.

From the papers to their scores: the papers are made ready, the profile is read, every term is looked for. The naive way
has the texts in lower case and asks of each term whether it stands in each of them, and in the titles. What is measured
is CPU time, in turns; each profile is one that was never seen before, of words as they stand in arXiv's papers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median

from bench.made_up import CATEGORIES, WEEK, Inventor, read_records
from bench.table import Row, at_most, compare
from core.index import PaperIndex
from core.papers import Paper
from core.profiles import Keyword, Profile
from core.rarity import Known
from core.scoring import Scorer

PAPERS = 1_000
TERMS = (30, 300, 3_000)
ROUNDS = 5


@dataclass
class _Spent:
    """Milliseconds, a figure for each round: from the papers on, with the papers ready, and by the naive way."""

    whole: list[float] = field(default_factory=list)
    ready: list[float] = field(default_factory=list)
    naive: list[float] = field(default_factory=list)


def rows() -> Iterator[Row]:
    """Each number of terms against naive loops, then the most terms against the fewest."""
    inventor = Inventor()
    papers = [one.paper for one in read_records(inventor.invent_mailing(PAPERS, day=WEEK[-1]), WEEK[-1])]
    index = PaperIndex(papers)
    spent = {count: _Spent() for count in TERMS}
    for _ in range(ROUNDS):
        for count in TERMS:
            terms = inventor.draw_terms(count)
            spent[count].whole.append(_measure(partial(match_anew, papers, terms)))
            spent[count].ready.append(_measure(partial(match, index, inventor.draw_terms(count))))
            spent[count].naive.append(_measure(partial(match_naively, papers, terms)))
    for count, one in spent.items():
        note = f"ours {median(one.whole):.1f} ms, naive {median(one.naive):.1f} ms of CPU"
        yield compare(f"matching {PAPERS:,} papers, {count:,} terms", "naive loops", one.whole, one.naive, note=note)
    fewest, most = (spent[count] for count in (TERMS[0], TERMS[-1]))
    what, against = f"matching {PAPERS:,} papers, {TERMS[-1]:,} terms", f"{TERMS[0]} terms"
    yield compare(what, against, most.whole, fewest.whole, at_most(2))
    note = f"{median(most.ready):.1f} ms against {median(fewest.ready):.1f} ms of CPU"
    yield compare(f"{what}, papers made ready before", against, most.ready, fewest.ready, note=note)


def match_anew(papers: Sequence[Paper], terms: Sequence[str]) -> Sequence[int]:
    """The points of each of *papers* by relevance, where nothing was made ready."""
    return match(PaperIndex(papers), terms)


def match(index: PaperIndex, terms: Sequence[str]) -> Sequence[int]:
    """The points of each paper of *index* by relevance."""
    scorer = Scorer(Profile("terms", CATEGORIES, keywords=tuple(map(Keyword, terms))))
    return scorer.score(index, [scorer.build_era(range(len(index)), WEEK[-1], Known())]).points


def match_naively(papers: Sequence[Paper], terms: Sequence[str]) -> list[float]:
    """The points of each of *papers*: one for each of *terms* in its text, half of one more for the title."""
    wanted = [term.lower() for term in terms]
    points = []
    for paper in papers:
        title = paper.title.lower()
        text = f"{title} {paper.abstract.lower()}"
        points.append(sum(1.0 + 0.5 * (term in title) for term in wanted if term in text))
    return points


def _measure(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return 1_000 * (time.process_time() - started)
