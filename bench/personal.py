"""A personal feed that was never asked for before, in a warm process: `python -m bench personal`.

The store has a week of four categories, 7,000 papers. Measured is what a reader waits for, in CPU time: the address is
read, the papers are selected and the RSS feed is rendered, each time for other words. Beside it stands how long it
takes to lower the case of all texts once, which a matcher by `in` would have to do for each such feed.

`python -m bench.personal 10000` asks for so many different ones and prints how the process grew.
"""

from __future__ import annotations

import asyncio
import gc
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from api.selection import SelectionParameters, parse_selection
from bench import ours
from bench.footprint import read_resident
from bench.made_up import CATEGORIES, WEEK, Inventor, read_records
from bench.table import Row, at_most, compare
from core.config import load_config
from core.learning import Learner
from core.papers import Paper
from core.settings import PROJECT_FOLDER
from core.store.records import Changes

MAILING_PAPERS = 1_400
ROUNDS = 7
SELECTIONS = 600  # of a row; more than any cache keeps
_WARM_AFTER = 200
_ASKS_BEFORE = 12  # of each kind: phrases and prefixes are looked for in texts that are prepared when first needed
_NOW = datetime(2026, 3, 6, 6, tzinfo=UTC)  # an hour after the week's last mailing

# What an address asks for, made of words, names or identifiers that are drawn anew each time.
Ask = Callable[["Reader"], SelectionParameters]


class Reader:
    """Asks for what nobody has asked for."""

    def __init__(self, inventor: Inventor, papers: Sequence[Paper]) -> None:
        self._rng = random.Random(7)  # noqa: S311 - no secret
        self._inventor = inventor
        self._papers = papers

    def ask_for_word(self) -> SelectionParameters:
        return _ask(q=" ".join(self._inventor.draw_terms(2)))

    def ask_for_words(self) -> SelectionParameters:
        return _ask(q=" OR ".join(self._inventor.draw_terms(30)))

    def ask_by_query(self) -> SelectionParameters:
        one, two, three, four, five = self._inventor.draw_terms(5)
        title = self._draw_paper().abstract.split()
        return _ask(q=f'({one} OR {two}^2 OR "{title[3]} {title[4]}" OR ti:{three}) -{four} OR {five[:4]}*')

    def ask_for_author(self) -> SelectionParameters:
        return _ask(au=self._draw_paper().authors[0].name)

    def ask_for_likes(self) -> SelectionParameters:
        return _ask(like=",".join(self._draw_paper().id for _ in range(5)))

    def _draw_paper(self) -> Paper:
        return self._rng.choice(self._papers)


ASKS = {
    "two words": Reader.ask_for_word,
    "30 words": Reader.ask_for_words,
    "a query of six terms": Reader.ask_by_query,
    "an author": Reader.ask_for_author,
    "five likes": Reader.ask_for_likes,
}


def rows() -> Iterator[Row]:
    """Each kind of feed, then how much the process grows."""
    with TemporaryDirectory() as folder, asyncio.Runner() as runner:
        parts, reader, texts = runner.run(_stock(Path(folder)))
        for what, ask in ASKS.items():
            spent, lowered = [], []
            for _ in range(_ASKS_BEFORE):
                _run_answer(runner, parts, ask(reader))
            for _ in range(ROUNDS):
                spent.append(_measure(partial(_run_answer, runner, parts, ask(reader))))
                lowered.append(_measure(partial(_lower, texts)))
            title = f"personal feed, {len(texts):,} papers, {what}"
            yield Row(title, "CPU time", median(spent), min(spent), max(spent), at_most(50), unit="ms")
            yield compare(title, "lowering all texts once", spent, lowered)
        growth = runner.run(_grow(parts, reader, SELECTIONS))
        yield Row(f"{SELECTIONS:,} different personal feeds", "growth", growth, growth, growth, at_most(5), unit="MB")
        runner.run(parts.store.close())


async def _stock(folder: Path) -> tuple[ours.Parts, Reader, Sequence[str]]:
    """The parts on a store with a week of papers, read once, and a reader of them; and the papers' texts."""
    inventor = Inventor()
    records = []
    for place, day in enumerate(WEEK):
        listings = inventor.invent_mailing(MAILING_PAPERS, day=day, first=place * MAILING_PAPERS)
        records += read_records(listings, day)
    parts = ours.join(
        load_config(PROJECT_FOLDER / "config.json"), lambda _: b"", path=folder / "papers.sqlite3", now=_NOW
    )
    papers = tuple(one.paper for one in records)
    changes = Changes(papers, tuple(announcement for one in records for announcement in one.announcements))
    await parts.store.apply(changes, based_on=0, now=_NOW)
    await Learner(parts.config.every_profile).learn(CATEGORIES, parts.store, now=_NOW)
    await ours.read_feed(parts)
    return parts, Reader(inventor, papers), [f"{paper.title} {paper.abstract}" for paper in papers]


def _ask(**parameters: str) -> SelectionParameters:
    return SelectionParameters.model_validate(parameters)


def _run_answer(runner: asyncio.Runner, parts: ours.Parts, asked: SelectionParameters) -> None:
    runner.run(_answer(parts, asked))


def _lower(texts: Sequence[str]) -> list[str]:
    return [text.lower() for text in texts]


async def _answer(parts: ours.Parts, asked: SelectionParameters) -> None:
    # Without a result, which a runner of asyncio would write out for nobody: 3 ms.
    await ours.read_feed(parts, parse_selection("default", asked, parts.config))


async def _grow(parts: ours.Parts, reader: Reader, count: int) -> float:
    """Megabytes by which the process grows from the first few to the last of *count* different selections."""
    asks = list(ASKS.values())
    warm = 0.0
    for place in range(count):
        await _answer(parts, asks[place % len(asks)](reader))
        if place == _WARM_AFTER:
            gc.collect()
            warm = read_resident()
    gc.collect()
    return read_resident() - warm


def _measure(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return 1_000 * (time.process_time() - started)


async def main(count: int) -> None:
    """Print by how much the process grows with *count* different selections."""
    with TemporaryDirectory() as folder:
        parts, reader, _ = await _stock(Path(folder))
        started = read_resident()
        growth = await _grow(parts, reader, count)
        await parts.store.close()
    sys.stdout.write(f"{started:.0f} MB; {growth:+.1f} MB from selection {_WARM_AFTER} to {count:,}\n")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
