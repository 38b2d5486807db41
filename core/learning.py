"""What the service learns from the mailings that it stores: how often words stand in them, and in their best papers.

Streams are the groups of arXiv's categories, and for each list of keywords the papers that fitted it best. What is
known after the newest mailing is counted again whenever more of it comes in, since it serves later mailings alone; what
was known after an earlier one stays as it is. After a first start or a loss, all stored mailings are counted, one after
the other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Protocol

from core.errors import StoreUnavailable
from core.index import PaperIndex
from core.papers import AnnounceType, Paper, submission_order
from core.profiles import Profile
from core.rarity import Known, add_up, group_of
from core.relevance import pick_best, stream_of
from core.scoring import Scorer
from core.store.records import Changes, Frequencies, Lease, PaperRecord, Revision

logger = logging.getLogger(__name__)

MEMORY = timedelta(days=30)  # mailings further back are not counted any more
_LONG_AGO = timedelta(days=60)  # what was known then has faded
_WRITE_ATTEMPTS = 5
_NEW = frozenset({AnnounceType.NEW, AnnounceType.CROSS})


class Source(Protocol):
    """Where papers come from that no mailing brought."""

    async def fetch_papers(self, ids: Iterable[str]) -> tuple[Paper, ...]: ...


class Store(Protocol):
    """What learning needs of a store."""

    async def load_revision(self) -> Revision: ...

    async def load_records(self, *, since: date) -> tuple[PaperRecord, ...]: ...

    async def load_papers(self, paper_ids: Collection[str]) -> Mapping[str, PaperRecord]: ...

    async def load_frequencies(self, streams: Collection[str], *, since: date) -> tuple[Frequencies, ...]: ...

    async def apply(self, changes: Changes, *, based_on: int, now: datetime, lease: Lease | None = None) -> bool: ...


class Learner:
    """Learns what the rankings of *profiles* need."""

    def __init__(self, profiles: Sequence[Profile]) -> None:
        self._profiles = _by_stream(profiles)
        self._named = frozenset(paper_id for one in profiles for paper_id in (*one.likes, *one.dislikes))
        self._asked_for: set[str] = set()

    async def fetch_named(self, source: Source, store: Store, *, now: datetime) -> None:
        """Fetch the papers that profiles like or dislike and that are not stored, each once in the life of a process.

        Raises SourceUnavailable, SourceMalformed and StoreUnavailable.
        """
        unasked = self._named - self._asked_for
        missing = sorted(unasked - (await store.load_papers(sorted(unasked))).keys()) if unasked else []
        if not missing:
            return
        papers = await source.fetch_papers(missing)
        for _ in range(_WRITE_ATTEMPTS):
            revision = await store.load_revision()
            known = await store.load_papers(missing)  # a mailing may have brought one meanwhile
            changes = Changes(papers=tuple(paper for paper in papers if paper.id not in known))
            if not changes.papers or await store.apply(changes, based_on=revision.number, now=now):
                self._asked_for.update(missing)
                return
        raise StoreUnavailable(f"Other writers changed the store {_WRITE_ATTEMPTS} times while papers were stored")

    async def learn(self, categories: Iterable[str], store: Store, *, now: datetime) -> None:
        """Count the stored mailings of *categories* that were not counted yet, and the newest one.

        Raises StoreUnavailable.
        """
        groups = sorted(set(map(group_of, categories)))
        streams = [*groups, *self._profiles]
        for _ in range(_WRITE_ATTEMPTS):
            revision = await store.load_revision()
            if revision.newest_mailing is None:
                return
            known = await store.load_frequencies(streams, since=revision.newest_mailing - _LONG_AGO)
            since = _first_to_count(streams, known, revision.newest_mailing)
            days = _by_first_mailing(await store.load_records(since=since), since)
            liked = await self._load_liked(store)
            newest = revision.newest_mailing
            learned = await asyncio.to_thread(self.count, groups, days, known, liked, newest=newest)
            if not learned or await store.apply(Changes(frequencies=learned), based_on=revision.number, now=now):
                return
        raise StoreUnavailable(f"Other writers changed the store {_WRITE_ATTEMPTS} times while words were counted")

    async def _load_liked(self, store: Store) -> Mapping[str, Paper]:
        wanted = {paper_id for one in self._profiles.values() for paper_id in (*one.likes, *one.dislikes)}
        records = await store.load_papers(sorted(wanted)) if wanted else {}
        return {paper_id: record.paper for paper_id, record in records.items()}

    def count(
        self,
        groups: Iterable[str],
        days: Mapping[date, Sequence[Paper]],
        known: Sequence[Frequencies],
        liked: Mapping[str, Paper] | None = None,
        *,
        newest: date | None = None,
    ) -> tuple[Frequencies, ...]:
        """What is known of *groups* and of the profiles after each of *days*, where it is not what was *known* before.

        *days* are mailings with the papers that they announced first, newest identifier first. Of a day that was
        counted before only the newest mailing of all is counted again, by default the last of them. *liked* holds the
        papers that profiles like and dislike.
        """
        streams = [*groups, *self._profiles]
        scorers = {stream: Scorer(profile, liked) for stream, profile in self._profiles.items()}
        newest = newest or max(days, default=date.min)
        stored = {(one.stream, one.mailing): one for one in known}
        learned: dict[tuple[str, date], Frequencies] = {}
        for day in sorted(days):
            so_far = Known({**stored, **learned}.values())
            index = PaperIndex(days[day])
            for stream, numbers in self._sort_out(streams, scorers, index, day, so_far):
                before = so_far.before(day, stream)
                one = add_up(stream, day, {day: (len(numbers), index.count_words(set(numbers)))}, before)
                is_open = (stream, day) not in stored or day == newest
                if is_open and one.papers > 0 and one != stored.get((stream, day)):
                    learned[stream, day] = one
        return tuple(learned[key] for key in sorted(learned))

    def _sort_out(
        self,
        streams: Sequence[str],
        scorers: Mapping[str, Scorer],
        index: PaperIndex,
        day: date,
        known: Known,
    ) -> Iterable[tuple[str, Sequence[int]]]:
        """Which papers of *day*, which are those of *index*, belong to each of *streams*."""
        for stream in streams:
            profile = self._profiles.get(stream)
            if profile is None:
                yield (
                    stream,
                    [number for number, paper in enumerate(index.papers) if group_of(paper.primary_category) == stream],
                )
                continue
            followed = set(profile.categories)
            numbers = [number for number, paper in enumerate(index.papers) if not followed.isdisjoint(paper.categories)]
            era = replace(scorers[stream].build_era(numbers, day, known), related={})
            scores = scorers[stream].score(index, [era])
            yield stream, pick_best(numbers, scores.points, scores.excluded)


def _by_stream(profiles: Sequence[Profile]) -> dict[str, Profile]:
    """A profile for each stream of best papers, with the categories of all profiles that share it."""
    found: dict[str, Profile] = {}
    for profile in profiles:
        stream = stream_of(profile)
        if stream is not None:
            before = found[stream].categories if stream in found else ()
            categories = tuple(dict.fromkeys((*before, *profile.categories)))
            likes = () if profile.keywords else profile.likes
            found[stream] = replace(profile, categories=categories, likes=likes, dislikes=(), authors=())
    return found


def _first_to_count(streams: Sequence[str], known: Sequence[Frequencies], newest: date) -> date:
    """The first day whose mailing some stream was not counted with yet; the *newest* one is counted again anyway."""
    counted = dict.fromkeys(streams, newest - MEMORY)
    for one in known:
        if one.mailing < newest:
            counted[one.stream] = max(counted[one.stream], one.mailing + timedelta(days=1))
    return min(counted.values(), default=newest)


def _by_first_mailing(records: Iterable[PaperRecord], since: date) -> dict[date, list[Paper]]:
    """The papers first announced from *since* on, by that day, newest identifier first."""
    by_day: dict[date, list[Paper]] = {}
    for record in records:
        new = [one.mailing for one in record.announcements if any(kind in _NEW for _, kind in one.types)]
        if new and new[0] >= since:
            by_day.setdefault(new[0], []).append(record.paper)
    return {day: sorted(papers, key=_newest_first) for day, papers in by_day.items()}


def _newest_first(paper: Paper) -> tuple[int, int, str]:
    month, number = submission_order(paper.id)
    return (-month, -number, paper.id)
