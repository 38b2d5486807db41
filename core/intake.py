"""Intake: gather what arXiv says and what is stored, decide what is new, apply it; the ledger says what became of it.

    Source.fetch_announcements ─┐
                                ├─> decide ─> Changes ─> Store.apply
    Store.load_papers ──────────┘     └────> Ledger ──> Report

`decide` is pure. It trusts no date in a feed further than it has to: what was announced before is not announced again,
whatever mailing the feed claims to be. Which categories a feed brought up to date is read from its content
(`core/standing.py`); what no feed brought is asked of the query API (`core/healing.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Protocol

from core.arxiv.announced import Announced, Entry, Refused, Rejected, announce_types_by_category, unite_types
from core.mailings import eastern_date, newest_mailing, previous_mailing
from core.papers import (
    ANNOUNCE_TYPES,
    REPLACEMENTS,
    Announcement,
    AnnounceType,
    Paper,
    best_announce_type,
    renew,
    submission_order,
)
from core.standing import Listed, Reading, find_gaps, forget_lost, read_category, stand, stand_refused, stand_unchanged
from core.store import optimistic
from core.store.records import (
    CategoryState,
    Changes,
    Lease,
    Ledger,
    PaperRecord,
    RefreshState,
    Revision,
    dump_paper,
    key_of,
)

_DAYS_CHECKED = 7  # with a gap in these, a whole feed is asked for, whatever arXiv thinks we have
_MAX_DAYS_AHEAD = timedelta(days=1)  # of arXiv's own clock; a feed of tomorrow may be out in the evening
_MAX_DAYS_AHEAD_OF_OURS = timedelta(days=7)  # where arXiv tells no time: our clock may be slow
_MAX_DAYS_BEHIND = timedelta(days=30)  # further behind the newest one stored, it would be in no feed
_FIRST_MAILING = date(2024, 1, 1)  # about when the feeds of rss.arxiv.org began


class Source(Protocol):
    """Where announcements come from."""

    async def fetch_announcements(
        self, categories: Sequence[str], *, etag: str | None = None, apart: Collection[str] = ()
    ) -> Announced: ...


class Store(optimistic.Store, Protocol):
    """What intake needs of a store."""

    async def load_mailings(self) -> frozenset[date]: ...

    async def load_papers(self, paper_ids: Collection[str]) -> Mapping[str, PaperRecord]: ...


@dataclass(frozen=True, slots=True)
class Decision:
    """What to write, and why: *has_mailing* tells whether any entry belongs to *mailing* and not to an earlier one.

    *standing* says how each category asked for stands after it.
    """

    mailing: date
    has_mailing: bool
    changes: Changes
    ledger: Ledger
    standing: tuple[CategoryState, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What one refresh of *categories* found and did.

    `mailing` is None where arXiv listed nothing that belongs to a new mailing. `notices` are sentences for the
    operator. `requests` counts what was asked of arXiv. `standing` says how each category stands. `etag` is arXiv's
    validator of what it answered.
    """

    categories: tuple[str, ...]
    mailing: date | None
    ledger: Ledger
    rejected: tuple[Rejected, ...]
    notices: tuple[str, ...]
    requests: int
    standing: tuple[CategoryState, ...] = ()
    etag: str | None = None


async def refresh(
    categories: Sequence[str],
    *,
    source: Source,
    store: Store,
    clock: Callable[[], datetime],
    before: RefreshState | None = None,
    remember: Callable[[Report, datetime], RefreshState] | None = None,
    since: Callable[[datetime], date] = newest_mailing,
    lease: Lease | None = None,
) -> Report:
    """Ask arXiv once for *categories* and store what is new.

    *before* is what was known of these categories; what *remember* makes of the report and of its moment is stored in
    the same step as the papers. *since* gives the first mailing that is meant to be complete of categories that were
    not followed before. The present is read when arXiv has answered: what is written must not look older than it is.

    Raises SourceUnavailable or SourceMalformed where arXiv gave nothing that can be used, StoreUnavailable where
    nothing could be stored, LeaseLost where *lease* has passed on; in all cases the store is as it was.
    """
    known = _known(categories, before, await store.load_mailings())
    is_whole = all(find_gaps(one, now=clock(), days_back=_DAYS_CHECKED) == () for one in known)
    announced = await source.fetch_announcements(
        categories,
        etag=before.etag if before and is_whole else None,
        apart=[one.category for one in known if one.is_refused],
    )
    reports: list[Report] = []

    async def decide_on(revision: Revision) -> Changes:
        stored = await store.load_papers({entry.paper.id for entry in announced.entries})
        now = clock()
        decision = decide(announced, stored, known, now=now, newest_stored=revision.newest_mailing, since=since(now))
        report = Report(
            categories=tuple(categories),
            mailing=decision.mailing if decision.has_mailing else None,
            ledger=decision.ledger,
            rejected=announced.rejected,
            notices=(*announced.notices, *decision.notices),
            requests=announced.requests,
            standing=decision.standing,
            etag=announced.etag,
        )
        reports.append(report)
        refreshes = ((key_of(categories), remember(report, now)),) if remember else ()
        return replace(decision.changes, refreshes=refreshes)

    await optimistic.write(store, decide_on, clock=clock, task="a refresh tried to write", lease=lease)
    return reports[-1]


def _known(
    categories: Sequence[str], before: RefreshState | None, stored: Collection[date]
) -> tuple[CategoryState, ...]:
    """What is known of each of *categories*, in their order; a mailing of which nothing is left is not complete."""
    states = {one.category: one for one in before.categories} if before else {}
    return tuple(forget_lost(states.get(category, CategoryState(category)), stored) for category in categories)


def decide(
    announced: Announced,
    stored: Mapping[str, PaperRecord],
    known: Sequence[CategoryState] = (),
    *,
    now: datetime,
    newest_stored: date | None = None,
    since: date | None = None,
) -> Decision:
    """What of *announced* is to be written, given what is *stored*; the order of the entries makes no difference.

    *known* is what was known of each category asked for, *newest_stored* the newest mailing of all that is stored.
    *since* is the first mailing that is meant to be complete of a category that was not followed before.
    """
    mailing, date_notices = _find_mailing(announced, now=now, newest_stored=newest_stored)
    refused = {one.category: one.reason for one in announced.refused}
    told = [one for one in known if one.category not in refused]  # no feed has anything of the others
    merged = merge(announced.entries)
    listed = [_list(paper, announce_type, mailing, told, stored.get(paper.id)) for paper, announce_type in merged]
    readings = {one.category: read_category(one.category, listed, mailing=mailing, before=one) for one in told}
    earlier = {one.category: _earlier_mailing(one, readings[one.category], mailing) for one in told}
    papers: list[Paper] = []
    announcements: list[Announcement] = []
    new = updated = known_in_mailing = 0
    for (paper, announce_type), one in zip(merged, listed, strict=True):
        record = stored.get(paper.id)
        announcement = _announce(paper, announce_type, _mailing_of(one, mailing, earlier), record)
        known_in_mailing += record is not None and _announced_in(record, mailing) is not None
        if announcement is not None:
            announcements.append(announcement)
        if record is None:
            papers.append(paper)
            new += 1
        elif announcement is not None or _is_corrected(record, paper, mailing):
            papers.append(renew(record.paper, paper) if announcement else _corrected(record.paper, paper))
            updated += 1
    rejected = len(announced.rejected)
    duplicate = len(announced.entries) - len(papers)

    def stand_now(one: CategoryState) -> CategoryState:
        if announced.is_unchanged:
            return stand_unchanged(one, now=now)
        if one.category in refused:
            return stand_refused(one, refused[one.category], now=now, since=since or mailing)
        is_whole = not announced.rejected and not announced.notices
        reading = readings[one.category]
        return stand(one, reading, listed, mailing=mailing, now=now, since=since or mailing, is_whole=is_whole)

    return Decision(
        mailing=mailing,
        has_mailing=any(one.mailing == mailing for one in announcements) or known_in_mailing > 0,
        changes=Changes(tuple(papers), tuple(announcements)),
        ledger=Ledger(len(announced.entries) + rejected, new, updated, duplicate, rejected),
        standing=tuple(map(stand_now, known)),
        notices=(
            *map(_refusal_notice, announced.refused),
            *date_notices,
        ),
    )


def _find_mailing(announced: Announced, *, now: datetime, newest_stored: date | None) -> tuple[date, tuple[str, ...]]:
    """The mailing that *announced* is taken for, and a notice where that is not the one that it claims to be.

    Papers stored under a wrong date would be in no feed, or alone in it.
    """
    claimed = announced.mailing
    if claimed is None:
        return newest_mailing(now), ()
    latest = eastern_date(_find_present(announced, now))
    latest += _MAX_DAYS_AHEAD if announced.answered_at else _MAX_DAYS_AHEAD_OF_OURS
    earliest = _FIRST_MAILING if newest_stored is None else max(_FIRST_MAILING, newest_stored - _MAX_DAYS_BEHIND)
    if earliest <= claimed <= latest:
        return claimed, ()
    mailing = newest_mailing(now)
    notice = f"arXiv's feed claims to be of {claimed}, which cannot be; its papers are stored under {mailing}."
    return mailing, (notice,)


def _find_present(announced: Announced, now: datetime) -> datetime:
    """The present by our clock *now*, or by arXiv's where that is later: a board without a battery may have lost weeks.

    One answer with a wrong date would hide all later mailings. So what is far ahead of ours is believed only where the
    identifiers of the papers, which tell their month, are of that month or the one before.
    """
    answered_at = announced.answered_at or now
    if answered_at <= now + _MAX_DAYS_AHEAD_OF_OURS:
        return max(now, answered_at)
    months = (submission_order(entry.paper.id)[0] for entry in announced.entries)
    return answered_at if answered_at.year * 12 + answered_at.month <= max(months, default=0) + 1 else now


def _list(
    paper: Paper,
    announce_type: AnnounceType,
    mailing: date,
    known: Iterable[CategoryState],
    record: PaperRecord | None,
) -> Listed:
    """The paper as `core/standing.py` looks at it."""
    types = dict(announce_types_by_category(paper.categories, announce_type))
    wanted = {one.category for one in known}
    earlier = [one for one in record.announcements if one.mailing < mailing] if record else []
    return Listed(
        paper_id=paper.id,
        version=paper.version,
        categories=frozenset(types).intersection(wanted),
        is_new=announce_type is AnnounceType.NEW,
        known_in=frozenset(
            category
            for one in earlier
            if one.version >= paper.version
            for category, told in one.types
            if category in types and ANNOUNCE_TYPES.index(told) <= ANNOUNCE_TYPES.index(types[category])
        ),
    )


def _earlier_mailing(state: CategoryState, reading: Reading, mailing: date) -> date | None:
    """The mailing that a stale category's content is of, as far as can be known; None where it is current."""
    if reading is Reading.REPEATED:
        return state.mailing or previous_mailing(mailing)
    return previous_mailing(mailing) if reading is Reading.BEHIND else None


def _mailing_of(one: Listed, mailing: date, earlier: Mapping[str, date | None]) -> date:
    """The mailing of a paper: the feed's, unless only stale categories can have brought it."""
    told = [earlier.get(category) for category in one.categories]
    known = [day for day in told if day is not None]
    return max(known) if known and len(known) == len(told) else mailing


def merge(entries: Iterable[Entry]) -> list[tuple[Paper, AnnounceType]]:
    """One paper per id, by id, in its highest version and with the announce type that says most."""
    by_id: dict[str, list[Entry]] = {}
    for entry in entries:
        by_id.setdefault(entry.paper.id, []).append(entry)
    return [
        (_preferred(copies).paper, best_announce_type(entry.announce_type for entry in copies))
        for _, copies in sorted(by_id.items())
    ]


def _preferred(copies: Sequence[Entry]) -> Entry:
    """The copy to keep: the highest version, then the type that says most; the text decides only to be repeatable."""
    best = min(map(_rank_of, copies))
    alike = [one for one in copies if _rank_of(one) == best]
    return alike[0] if len(alike) == 1 else min(alike, key=lambda entry: dump_paper(entry.paper))


def _rank_of(entry: Entry) -> tuple[int, int]:
    return -entry.paper.version, ANNOUNCE_TYPES.index(entry.announce_type)


def _refusal_notice(refused: Refused) -> str:
    return f"arXiv refuses {refused.category} ({refused.reason.rstrip('.')}); what is stored of it stays."


def _announce(
    paper: Paper, announce_type: AnnounceType, mailing: date, record: PaperRecord | None
) -> Announcement | None:
    """The announcement to write for *paper* in *mailing*; None where it says nothing that is not stored yet.

    A new cross-list brings the old categories along, as if they were announced again: those are left out. An earlier
    version than the stored one comes from a feed that is behind; what it says may have been missed at its time.
    """
    types = announce_types_by_category(paper.categories, announce_type)
    if record is None:
        return Announcement(mailing, paper.id, paper.version, types)
    known = [one for one in record.announcements if one.version >= paper.version]
    if announce_type not in REPLACEMENTS and paper.version >= record.paper.version:
        known_before = {category for one in record.announcements if one.mailing != mailing for category, _ in one.types}
        types = tuple(pair for pair in types if pair[0] not in known_before)
    news = tuple(pair for pair in types if not any(_says(one, *pair) for one in known))
    if not news:
        return None
    same_mailing = _announced_in(record, mailing)
    if same_mailing is not None:
        news = unite_types(paper.categories, same_mailing.types, news)
    return Announcement(mailing, paper.id, max(paper.version, record.paper.version), news)


def _announced_in(record: PaperRecord, mailing: date) -> Announcement | None:
    return next((one for one in record.announcements if one.mailing == mailing), None)


def _says(announcement: Announcement, category: str, announce_type: AnnounceType) -> bool:
    """Whether *announcement* tells of *category* at least as much as *announce_type* does."""
    known = announcement.best_type((category,))
    return known is not None and ANNOUNCE_TYPES.index(known) <= ANNOUNCE_TYPES.index(announce_type)


def _is_corrected(record: PaperRecord, paper: Paper, mailing: date) -> bool:
    """Whether *paper* is the stored version with another text: a correction, or what the query API spells in its way.

    A feed has arXiv's own spelling. One that is behind the stored announcements corrects nothing.
    """
    stored = record.paper
    is_newest = all(one.mailing <= mailing for one in record.announcements)
    texts = (paper.raw_title, paper.raw_authors, paper.raw_abstract)
    is_other = texts != (stored.raw_title, stored.raw_authors, stored.raw_abstract)
    return is_newest and stored.version == paper.version and is_other


def _corrected(stored: Paper, paper: Paper) -> Paper:
    """*stored* with the texts of *paper*; its categories stay, which only an announcement changes."""
    return replace(
        stored,
        title=paper.title,
        authors=paper.authors,
        abstract=paper.abstract,
        raw_title=paper.raw_title,
        raw_authors=paper.raw_authors,
        raw_abstract=paper.raw_abstract,
    )
