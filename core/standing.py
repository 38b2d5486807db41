"""Standing: what the content of a feed says of each category that it was asked for: up to date, stale or silent.

arXiv serves a category's earlier mailing under the current date for whole days (measured: about one mailing day in
five), or an empty one, and says nothing; neither dates nor counts tell. So a category is judged by what its feed has in
it: whether that repeats what was there before, lies behind its siblings, or is missing. Pure; nothing here asks or
stores, and how a gap is filled is `core/healing.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum, auto
from statistics import median

from core.arxiv.taxonomy import with_aliases
from core.mailings import eastern_date, explain_silence, mailing_moment, mailings_between, newest_mailing
from core.papers import submission_order
from core.store.records import CategoryState

LONGEST_MEMORY = timedelta(days=45)  # how far back mailings are known to be complete
_FEW = 3  # a category that had fewer papers of its own may have none today
_MANY = 10  # that many cross-lists from siblings, and nothing of its own, is no accident
_ENOUGH_MAILINGS = 3  # to say what is usual
_ENOUGH = 5  # identifiers of either side, to compare when they were given


@dataclass(frozen=True, slots=True)
class Listed:
    """One paper of a feed: the categories asked for that it was announced in, and which of them knew it before.

    `known_in` are the categories in which this version, or a later one, was announced in an earlier mailing.
    """

    paper_id: str
    version: int
    categories: frozenset[str]
    is_new: bool
    known_in: frozenset[str] = frozenset()

    def is_only_of(self, category: str) -> bool:
        """Whether none of its categories is of another subject than *category*."""
        return self.categories.issubset(with_aliases([category]))

    @property
    def key(self) -> str:
        return f"{self.paper_id}v{self.version}"


class Reading(Enum):
    """What a feed has of one category."""

    BROUGHT = auto()  # a mailing that was not there before, or more of the one that was
    REPEATED = auto()  # what was there before
    BEHIND = auto()  # papers submitted before those of all other categories
    EMPTY = auto()  # nothing, though there ought to be something
    QUIET = auto()  # nothing, which a small category may have


def read_category(category: str, listed: Iterable[Listed], *, mailing: date, before: CategoryState) -> Reading:
    """What *listed*, a feed that claims to be *mailing*, has of *category*, of which *before* was known.

    Cross-lists from current siblings hide a stale category in a combined feed. So what counts is how much of the
    earlier content is there again, and what only this category can have brought.
    """
    others = [one for one in listed if category not in one.categories]
    own = [one for one in listed if category in one.categories]
    alone = [one for one in own if one.is_only_of(category)]
    if before.mailing is not None and mailing <= before.mailing:
        return Reading.BROUGHT if own and mailing == before.mailing else Reading.QUIET
    if _is_repeated(category, own, alone, before):
        return Reading.REPEATED
    if not alone:
        is_missed = before.alone >= _FEW or (bool(others) and len(own) >= _MANY)
        return Reading.EMPTY if is_missed else (Reading.BROUGHT if own else Reading.QUIET)
    if _is_behind(alone, others):
        return Reading.BEHIND
    return Reading.BROUGHT


def _is_repeated(category: str, own: Sequence[Listed], alone: Sequence[Listed], before: CategoryState) -> bool:
    """Whether more than half of what the last mailing had alone is there again, or of what is listed alone was known.

    What others list too may come from one of them that is stale. It counts where all there is of it was there before.
    """
    watermark = frozenset(before.watermark)
    again = sum(one.key in watermark for one in alone)
    known = sum(category in one.known_in for one in alone)
    if before.alone or alone:
        return 2 * again > before.alone > 0 or 2 * known > len(alone) > 0
    return bool(own) and watermark.issuperset(one.key for one in own)


def _is_behind(alone: Iterable[Listed], others: Iterable[Listed]) -> bool:
    """Whether the new papers of a category were submitted before nearly all new ones of the others.

    arXiv numbers submissions in their order, so the batches of two mailings hardly overlap.
    """
    ours = _numbers(alone)
    theirs = _numbers(others)
    if min(len(ours), len(theirs)) < _ENOUGH:
        return False
    return ours[(len(ours) - 1) * 9 // 10] < theirs[len(theirs) // 10]


def _numbers(listed: Iterable[Listed]) -> list[tuple[int, int]]:
    return sorted(submission_order(one.paper_id) for one in listed if one.is_new)


def stand(
    before: CategoryState,
    reading: Reading,
    listed: Iterable[Listed],
    *,
    mailing: date,
    now: datetime,
    since: date,
    is_whole: bool,
) -> CategoryState:
    """How *before.category* stands after a feed of *mailing* with *listed*, read as *reading*.

    *since* is the first mailing that is meant to be complete, for a category that was not followed before. *is_whole*
    says whether every entry of the feed could be read; what could not leaves a gap, to be filled. So does a mailing of
    which a category had nothing alone, or much less than usual: nothing tells whether that is all. And so does the
    first one that was ever read: nothing tells whether it is not an earlier one, as on one day in five.
    """
    if before.is_refused:  # it is answered for again
        before = replace(before, is_refused=False, stale_since=None, stale_because=None)
    after = replace(before, since=before.since or since)
    if reading is Reading.BROUGHT:
        # A date in the future is a mistake of somebody's clock; one of today's may be no holiday to arXiv.
        brought = mailing if mailing <= eastern_date(now) else newest_mailing(now)
        own = [one for one in listed if before.category in one.categories]
        kept = before.watermark if before.mailing == brought else ()
        after = replace(
            after,
            mailing=brought,
            watermark=tuple(sorted({one.key for one in own}.union(kept))),
            alone=sum(one.is_only_of(before.category) for one in own),
        )
        # Without papers alone its own feed may have been empty, and all of it come with siblings.
        if is_whole and after.alone and before.mailing is not None and not _is_cut(before, len(after.watermark)):
            after = complete(after, {brought: len(after.watermark)}, now=now)
    return _marked(after, _stale_because(after, reading, now, mailing=mailing), now)


def _is_cut(before: CategoryState, papers: int) -> bool:
    """Whether so many *papers* are less than half of what the mailings of *before* have, where some are known."""
    usual = [number for _, number in before.complete if number > 1]  # of one that healing filled only 1 is known
    return len(usual) >= _ENOUGH_MAILINGS and 2 * papers < median(usual)


def stand_unchanged(before: CategoryState, *, now: datetime) -> CategoryState:
    """How *before.category* stands when arXiv says that its feed is the one that was read last."""
    reading = Reading.REPEATED if before.mailing is not None else Reading.QUIET
    return _marked(before, _stale_because(before, reading, now), now)


def stand_refused(before: CategoryState, reason: str, *, now: datetime, since: date) -> CategoryState:
    """How *before.category* stands when arXiv refuses to answer for it, for a *reason*: stale once a mailing is due.

    It is not where the query API has brought that mailing. *since* is as in `stand`.
    """
    refused = stand_healed(replace(before, since=before.since or since, is_refused=True), now=now)
    due = newest_mailing(now)
    if (before.mailing is not None and before.mailing >= due) or _is_complete(before, due):
        return refused
    because = f"arXiv refuses it ({reason.rstrip('.')})."
    return replace(refused, stale_since=before.stale_since or now, stale_because=because)


def stand_healed(state: CategoryState, *, now: datetime) -> CategoryState:
    """How a category stands after gaps of it were filled: one that arXiv refuses gets its newest mailing only so.

    Any other stays stale, because its feed may still move.
    """
    if state.is_refused and _is_complete(state, newest_mailing(now)):
        return replace(state, stale_since=None, stale_because=None)
    return state


def _is_complete(state: CategoryState, mailing: date) -> bool:
    return any(day == mailing for day, _ in state.complete)


def _marked(state: CategoryState, because: str | None, now: datetime) -> CategoryState:
    """*state* as stale, or as stale no more; the first reason of a day stays the one that is told."""
    if because is None or state.stale_since is None:
        return replace(state, stale_since=now if because else None, stale_because=because)
    is_same_day = state.stale_since >= mailing_moment(newest_mailing(now))
    return replace(state, stale_because=state.stale_because if is_same_day else because)


def _stale_because(state: CategoryState, reading: Reading, now: datetime, *, mailing: date | None = None) -> str | None:
    """Why a category is stale that has not got the newest mailing, None where it may be so.

    *mailing* is what its feed claims to be; None where arXiv said that it is the one that was read last.
    """
    due = newest_mailing(now)
    if (state.mailing is not None and state.mailing >= due) or explain_silence(now) is not None:
        return None
    if reading is Reading.QUIET and (mailing is None or mailing >= due):
        return state.stale_because if mailing is None else None  # the feed of the day, which may have nothing
    match reading:
        case Reading.REPEATED:
            return f"arXiv repeats an earlier mailing instead of that of {due}."
        case Reading.BEHIND:
            return f"arXiv shows papers from before the mailing of {due}."
        case Reading.EMPTY:
            return f"arXiv lists no papers of its own in the mailing of {due}."
        case Reading.BROUGHT | Reading.QUIET:
            return f"arXiv still shows the mailing of {mailing} instead of that of {due}."


def complete(state: CategoryState, mailings: Mapping[date, int], *, now: datetime) -> CategoryState:
    """*state* with *mailings*, and how many papers each has, known to be complete; the oldest are forgotten."""
    oldest = newest_mailing(now) - LONGEST_MEMORY
    known = {**dict(state.complete), **mailings}
    return replace(state, complete=tuple(sorted((day, count) for day, count in known.items() if day >= oldest)))


def forget_lost(state: CategoryState, stored: Collection[date]) -> CategoryState:
    """*state* without the complete mailings of which nothing is *stored* any more: a shared store may evict some."""
    return replace(state, complete=tuple((day, count) for day, count in state.complete if not count or day in stored))


def forget_empty(state: CategoryState) -> CategoryState:
    """*state* without the complete mailings that have no papers: a clock that was ahead may have made them so."""
    return replace(state, complete=tuple((day, count) for day, count in state.complete if count))


def find_gaps(state: CategoryState, *, now: datetime, days_back: int) -> tuple[date, ...]:
    """The mailings of the last *days_back* days that are meant to be complete and are not, oldest first."""
    due = newest_mailing(now)
    first = due - timedelta(days=days_back - 1)
    whole = {day for day, _ in state.complete}
    since = max(first, state.since or due)
    return tuple(day for day in mailings_between(since, due) if day not in whole)
