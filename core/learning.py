"""What the service learns from the mailings that it stores: how often words stand in them, and in their best papers.

Streams are the groups of arXiv's categories, and for each list of keywords the papers that fitted it best. What is
known after a mailing serves later ones alone, so a mailing is counted once, when the next one is due. After a first
start or a loss, all stored mailings are counted, one after the other.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Protocol

from core.arxiv.taxonomy import with_aliases
from core.index import PaperIndex
from core.mailings import newest_mailing
from core.papers import AnnounceType, Paper, newest_first
from core.profiles import Profile
from core.rarity import Counted, Known, add_up, group_of
from core.relevance import BEST_BY_AUTHORS, pick_best, stream_of
from core.scoring import Scorer
from core.store import optimistic
from core.store.records import Changes, Frequencies, PaperRecord, Revision

logger = logging.getLogger(__name__)

MEMORY = timedelta(days=30)  # mailings further back are not counted any more
_LONG_AGO = timedelta(days=60)  # what was known then has faded
_NEW = frozenset({AnnounceType.NEW, AnnounceType.CROSS})


class Source(Protocol):
    """Where papers come from that no mailing brought."""

    async def fetch_papers(self, ids: Iterable[str]) -> tuple[Paper, ...]: ...


class Store(optimistic.Store, Protocol):
    """What learning needs of a store."""

    async def load_mailings(self) -> frozenset[date]: ...

    async def load_records(self, *, since: date, until: date | None = None) -> tuple[PaperRecord, ...]: ...

    async def load_papers(self, paper_ids: Collection[str]) -> Mapping[str, PaperRecord]: ...

    async def load_frequencies(
        self, streams: Collection[str], *, since: date, until: date | None = None
    ) -> tuple[Frequencies, ...]: ...


class Learner:
    """Learns what the rankings of *profiles* need."""

    def __init__(self, profiles: Sequence[Profile]) -> None:
        self._profiles = _by_stream(profiles)
        self._followed = {
            stream: frozenset(with_aliases(profile.categories)) for stream, profile in self._profiles.items()
        }
        self._named = frozenset(paper_id for one in profiles for paper_id in (*one.likes, *one.dislikes))
        self._asked_for: set[str] = set()

    async def fetch_named(self, source: Source, store: Store, *, now: datetime) -> None:
        """Fetch the papers that profiles like or dislike and that are not stored; once in a process, if that succeeds.

        Raises SourceUnavailable, SourceMalformed and StoreUnavailable.
        """
        unasked = self._named - self._asked_for
        missing = sorted(unasked - (await store.load_papers(sorted(unasked))).keys()) if unasked else []
        if not missing:
            return
        papers = await source.fetch_papers(missing)

        async def decide(_: Revision) -> Changes | None:
            known = await store.load_papers(missing)  # a mailing may have brought one meanwhile
            unknown = tuple(paper for paper in papers if paper.id not in known)
            return Changes(papers=unknown) if unknown else None

        await optimistic.write(store, decide, clock=lambda: now, task="papers were stored")
        self._asked_for.update(missing)

    async def learn(self, categories: Iterable[str], store: Store, *, now: datetime) -> None:
        """Count the stored mailings of *categories* that were not counted yet and that a newer one follows, or should.

        Raises StoreUnavailable.
        """
        groups = sorted(set(map(group_of, categories)))

        async def decide(revision: Revision) -> Changes | None:
            if revision.newest_mailing is None:
                return None
            end = max(revision.newest_mailing, newest_mailing(now))
            learned = await self._count_stored(groups, store, end)
            return Changes(frequencies=learned) if learned else None

        await optimistic.write(store, decide, clock=lambda: now, task="words were counted")

    async def _count_stored(self, groups: Sequence[str], store: Store, end: date) -> tuple[Frequencies, ...]:
        """What is to be known of *groups* and of the profiles after the stored mailings before *end*, and is not."""
        mailings = sorted(mailing for mailing in await store.load_mailings() if end - MEMORY <= mailing < end)
        if not mailings:
            return ()
        streams = [*groups, *self._profiles]
        known = await store.load_frequencies(streams, since=mailings[-2:][0])  # all there is to know, mostly
        if {one.stream for one in known} != set(streams):
            known = await store.load_frequencies(streams, since=end - _LONG_AGO)
        uncounted = self._find_uncounted(streams, mailings, known)
        if not uncounted:
            return ()
        records = await store.load_records(since=min(day for _, day in uncounted))
        days = _by_first_mailing(records, mailings)
        return await asyncio.to_thread(self._count, uncounted, days, known, await self._load_liked(store))

    def _find_uncounted(
        self, streams: Sequence[str], mailings: Sequence[date], known: Sequence[Frequencies]
    ) -> list[tuple[str, date]]:
        """Which of *mailings* are to be counted for which of *streams*: those after the last that was.

        Of a group that is new where others are known, the last mailing is enough to begin with: of the earlier ones,
        only what others brought along is stored.
        """
        last: dict[str, date] = {}
        for one in known:
            last[one.stream] = max(one.mailing, last.get(one.stream, one.mailing))
        uncounted = []
        for stream in streams:
            if stream in last:
                days = [day for day in mailings if day > last[stream]]
            else:
                days = [*mailings[-1:]] if last and stream not in self._profiles else [*mailings]
            uncounted += [(stream, day) for day in days]
        return uncounted

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
    ) -> tuple[Frequencies, ...]:
        """What is known of *groups* and of the profiles after each of *days*, when this much was *known* before.

        *days* are mailings with the papers that they announced first, newest identifier first. *liked* holds the papers
        that profiles like and dislike.
        """
        streams = [*groups, *self._profiles]
        return self._count([(stream, day) for day in days for stream in streams], days, known, liked or {})

    def _count(
        self,
        uncounted: Iterable[tuple[str, date]],
        days: Mapping[date, Sequence[Paper]],
        known: Sequence[Frequencies],
        liked: Mapping[str, Paper],
    ) -> tuple[Frequencies, ...]:
        """The same for each stream in *uncounted* and the day beside it."""
        by_day: dict[date, list[str]] = {}
        for stream, day in uncounted:
            by_day.setdefault(day, []).append(stream)
        learned = list(known)
        for day in sorted(by_day):
            so_far = Known(learned, lasts=_LONG_AGO)
            index = PaperIndex(paper for paper in days.get(day, ()) if self._belongs(paper, by_day[day]))
            for stream in sorted(by_day[day]):
                counted = self._count_stream(stream, index, day, so_far, liked)
                one = add_up(stream, day, {day: counted}, so_far.before(day, stream))
                if one.papers or not self._lives_by_likes(stream):
                    learned.append(one)
        return tuple(sorted(learned[len(known) :], key=lambda one: (one.stream, one.mailing)))

    def _lives_by_likes(self, stream: str) -> bool:
        """Whether what fits *stream* depends on liked papers, which may not have been fetched yet."""
        return stream in self._profiles and not self._profiles[stream].keywords

    def _belongs(self, paper: Paper, streams: Iterable[str]) -> bool:
        """Whether *paper* is of any of *streams*."""
        return any(
            not self._followed[stream].isdisjoint(paper.categories)
            if stream in self._followed
            else group_of(paper.primary_category) == stream
            for stream in streams
        )

    def _count_stream(
        self, stream: str, index: PaperIndex, day: date, known: Known, liked: Mapping[str, Paper]
    ) -> Counted:
        """The words, and of best papers the authors, of those papers of *index* that count for *stream*.

        All are of the mailing of *day*. Which are best, says what was known before; but neither do learned words decide
        on the next words, nor learned authors on the next authors.
        """
        numbers = [number for number, paper in enumerate(index.papers) if self._belongs(paper, [stream])]
        if stream not in self._profiles:
            return Counted(len(numbers), index.count_words(set(numbers)))
        scorer = Scorer(self._profiles[stream], liked)
        era = replace(scorer.build_era(numbers, day, known), authors=frozenset())
        by_keywords, by_words = scorer.score(index, [replace(era, related={})]), scorer.score(index, [era])
        best = pick_best(numbers, by_keywords.points, by_keywords.excluded)
        written = pick_best(numbers, by_words.points, by_words.excluded, most=BEST_BY_AUTHORS)
        names = ({author.name.casefold() for author in index.papers[number].authors} for number in written)
        return Counted(len(best), index.count_words(set(best)), Counter(chain.from_iterable(names)))


def _by_stream(profiles: Sequence[Profile]) -> dict[str, Profile]:
    """A profile for each stream of best papers, with the categories of all profiles that share it."""
    found: dict[str, Profile] = {}
    for profile in profiles:
        stream = stream_of(profile)
        if stream is not None:
            before = found[stream].categories if stream in found else ()
            categories = tuple(dict.fromkeys((*before, *profile.categories)))
            likes = () if profile.keywords else profile.likes
            excluded = profile.exclude_keywords
            if stream in found:
                excluded = tuple(one for one in excluded if one in found[stream].exclude_keywords)
            found[stream] = replace(
                profile, categories=categories, likes=likes, exclude_keywords=excluded, dislikes=(), authors=()
            )
    return found


def _by_first_mailing(records: Iterable[PaperRecord], mailings: Collection[date]) -> dict[date, list[Paper]]:
    """The papers first announced in one of *mailings*, by that day, newest identifier first."""
    by_day: dict[date, list[Paper]] = {}
    for record in records:
        new = [one.mailing for one in record.announcements if any(kind in _NEW for _, kind in one.types)]
        if new and new[0] in mailings:
            by_day.setdefault(new[0], []).append(record.paper)
    return {day: sorted(papers, key=lambda paper: newest_first(paper.id)) for day, papers in by_day.items()}
