"""Intake: gather what arXiv says and what is stored, decide what is new, apply it; the ledger says what became of it.

    Source.fetch_announcements ─┐
                                ├─> decide ─> Changes ─> Store.apply
    Store.load_papers ──────────┘     └────> Ledger ──> Report

`decide` is pure. It trusts no date in a feed further than it has to: what was announced before is not announced again,
whatever mailing the feed claims to be.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Protocol

from core.arxiv.announced import Announced, Entry, Rejected
from core.errors import StoreUnavailable
from core.mailings import eastern_date, newest_mailing
from core.papers import (
    ANNOUNCE_TYPES,
    Announcement,
    AnnounceType,
    Paper,
    announce_types_by_category,
    best_announce_type,
)
from core.profiles import REPLACEMENTS
from core.store.records import Changes, PaperRecord, Revision, dump_paper

_WRITE_ATTEMPTS = 5
_MAX_DAYS_AHEAD = timedelta(days=7)  # further in the future a feed's date is a mistake, not a slow clock of ours
_MAX_DAYS_BEHIND = timedelta(days=30)  # further behind the newest one stored, it would be in no feed
_FIRST_MAILING = date(2024, 1, 1)  # about when the feeds of rss.arxiv.org began


class Source(Protocol):
    """Where announcements come from."""

    async def fetch_announcements(self, categories: Sequence[str]) -> Announced: ...


class Store(Protocol):
    """What intake needs of a store."""

    async def load_revision(self) -> Revision: ...

    async def load_papers(self, paper_ids: Collection[str]) -> Mapping[str, PaperRecord]: ...

    async def apply(self, changes: Changes, *, based_on: int, now: datetime) -> bool: ...


@dataclass(frozen=True, slots=True)
class Ledger:
    """What became of the entries of one refresh: received = new + updated + duplicate + rejected."""

    received: int
    new: int
    updated: int
    duplicate: int
    rejected: int

    @property
    def is_balanced(self) -> bool:
        return self.received == self.new + self.updated + self.duplicate + self.rejected


@dataclass(frozen=True, slots=True)
class Decision:
    """What to write, and why: *has_mailing* tells whether any entry belongs to *mailing* and not to an earlier one."""

    mailing: date
    has_mailing: bool
    changes: Changes
    ledger: Ledger
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What one refresh of *categories* found and did.

    `mailing` is None where arXiv listed nothing that belongs to a new mailing. `notices` are sentences for the
    operator. `requests` counts what was asked of arXiv.
    """

    categories: tuple[str, ...]
    mailing: date | None
    ledger: Ledger
    rejected: tuple[Rejected, ...]
    notices: tuple[str, ...]
    requests: int


async def refresh(categories: Sequence[str], *, source: Source, store: Store, clock: Callable[[], datetime]) -> Report:
    """Ask arXiv once for *categories* and store what is new.

    The present is read when arXiv has answered: what is written then must not look older than it is.

    Raises SourceUnavailable or SourceMalformed where arXiv gave nothing that can be used, StoreUnavailable where
    nothing could be stored; in all three cases the store is as it was.
    """
    announced = await source.fetch_announcements(categories)
    for _ in range(_WRITE_ATTEMPTS):
        revision = await store.load_revision()
        stored = await store.load_papers({entry.paper.id for entry in announced.entries})
        now = clock()
        decision = decide(announced, stored, now=now, newest_stored=revision.newest_mailing)
        if await store.apply(decision.changes, based_on=revision.number, now=now):
            return Report(
                categories=tuple(categories),
                mailing=decision.mailing if decision.has_mailing else None,
                ledger=decision.ledger,
                rejected=announced.rejected,
                notices=(*announced.notices, *decision.notices),
                requests=announced.requests,
            )
    raise StoreUnavailable(f"Other writers changed the store {_WRITE_ATTEMPTS} times while a refresh tried to write")


def decide(
    announced: Announced, stored: Mapping[str, PaperRecord], *, now: datetime, newest_stored: date | None = None
) -> Decision:
    """What of *announced* is to be written, given what is *stored*; the order of the entries makes no difference.

    *newest_stored* is the newest mailing of all that is stored.
    """
    claimed = announced.mailing
    is_credible = claimed is not None and _is_credible(claimed, now, newest_stored)
    mailing = claimed if claimed is not None and is_credible else newest_mailing(now)
    papers: list[Paper] = []
    announcements: list[Announcement] = []
    new = updated = known_in_mailing = 0
    merged = merge(announced.entries)
    for paper, announce_type in merged:
        record = stored.get(paper.id)
        announcement = _announce(paper, announce_type, mailing, record)
        known_in_mailing += record is not None and _announced_in(record, mailing) is not None
        if announcement is None:
            continue
        announcements.append(announcement)
        papers.append(paper if record is None else _newer(record.paper, paper))
        new += record is None
        updated += record is not None
    copies = len(announced.entries) - len(merged)
    repeated = len(merged) - len(announcements)
    rejected = len(announced.rejected)
    return Decision(
        mailing=mailing,
        has_mailing=bool(announcements or known_in_mailing),
        changes=Changes(tuple(papers), tuple(announcements)),
        ledger=Ledger(len(announced.entries) + rejected, new, updated, copies + repeated, rejected),
        notices=() if is_credible or claimed is None else (_date_notice(claimed, mailing),),
    )


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
    return min(
        copies,
        key=lambda entry: (
            -entry.paper.version,
            ANNOUNCE_TYPES.index(entry.announce_type),
            dump_paper(entry.paper),
        ),
    )


def _is_credible(claimed: date, now: datetime, newest_stored: date | None) -> bool:
    """Whether a mailing can have this date: papers stored under a wrong one would be in no feed."""
    earliest = _FIRST_MAILING if newest_stored is None else max(_FIRST_MAILING, newest_stored - _MAX_DAYS_BEHIND)
    return earliest <= claimed <= eastern_date(now) + _MAX_DAYS_AHEAD


def _date_notice(claimed: date, mailing: date) -> str:
    return f"arXiv's feed claims to be of {claimed}, which cannot be; its papers are stored under {mailing}."


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
        news = _united(paper.categories, same_mailing.types, news)
    return Announcement(mailing, paper.id, max(paper.version, record.paper.version), news)


def _announced_in(record: PaperRecord, mailing: date) -> Announcement | None:
    return next((one for one in record.announcements if one.mailing == mailing), None)


def _says(announcement: Announcement, category: str, announce_type: AnnounceType) -> bool:
    """Whether *announcement* tells of *category* at least as much as *announce_type* does."""
    known = announcement.best_type((category,))
    return known is not None and ANNOUNCE_TYPES.index(known) <= ANNOUNCE_TYPES.index(announce_type)


def _united(
    order: Sequence[str], *several: tuple[tuple[str, AnnounceType], ...]
) -> tuple[tuple[str, AnnounceType], ...]:
    best: dict[str, AnnounceType] = {}
    for category, announce_type in (pair for types in several for pair in types):
        best[category] = best_announce_type((announce_type, best.get(category, announce_type)))
    places = {category: place for place, category in enumerate(order)}
    return tuple(sorted(best.items(), key=lambda pair: (places.get(pair[0], len(places)), pair[0])))


def _newer(stored: Paper, announced: Paper) -> Paper:
    """*announced* unless *stored* is a later version, with what only the stored one knows."""
    if stored.version > announced.version:
        return stored
    return replace(
        announced,
        licence=announced.licence or stored.licence,
        doi=announced.doi or stored.doi,
        journal_reference=announced.journal_reference or stored.journal_reference,
        comment=announced.comment or (stored.comment if stored.version == announced.version else None),
        submitted=announced.submitted or stored.submitted,
        revised=announced.revised or (stored.revised if stored.version == announced.version else None),
    )
