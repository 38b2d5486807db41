"""What is kept, as values, and how papers and announcements become text and back; nothing here touches a store.

The format is JSON with the field names of the values. Unknown fields are ignored and missing ones take their default,
so that a store written by an older version stays readable, and so does one by a newer that only adds fields. Of a paper
the raw texts are missing that are the shown ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache, lru_cache
from sys import intern
from typing import Any, Literal

from pydantic import TypeAdapter

from core.moments import LONGEST_WAIT
from core.papers import Announcement, AnnounceType, Author, Paper
from core.summaries.attempts import Attempts, SummaryState

_TYPES_KEPT = 4_096  # a mailing has some hundreds of different ones


@dataclass(frozen=True, slots=True)
class PaperRecord:
    """A stored paper with its announcements, oldest mailing first, at most one per mailing."""

    paper: Paper
    announcements: tuple[Announcement, ...]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What became of the entries that arXiv gave: received = new + updated + duplicate + rejected."""

    received: int = 0
    new: int = 0
    updated: int = 0
    duplicate: int = 0
    rejected: int = 0

    @property
    def is_balanced(self) -> bool:
        return self.received == self.new + self.updated + self.duplicate + self.rejected

    def __add__(self, other: Ledger) -> Ledger:
        return Ledger(
            received=self.received + other.received,
            new=self.new + other.new,
            updated=self.updated + other.updated,
            duplicate=self.duplicate + other.duplicate,
            rejected=self.rejected + other.rejected,
        )


@dataclass(frozen=True, slots=True)
class CategoryState:
    """What is known of one category's mailings, by what was in them and not by what they were dated.

    `watermark` is the content of the newest mailing that a feed brought, as identifiers with their versions; `alone`
    counts those that no other category of the same request could have brought. `since` is the first mailing of which
    every paper is meant to be stored, `complete` are the mailings from then on of which it is, oldest first, each with
    the number of its papers. `stale_because` is a sentence, None while the category is not stale. `healed` counts the
    papers that the query API brought and no feed. `is_refused` says that arXiv did not answer for it the last time.
    """

    category: str
    mailing: date | None = None
    watermark: tuple[str, ...] = ()
    alone: int = 0
    since: date | None = None
    complete: tuple[tuple[date, int], ...] = ()
    stale_since: datetime | None = None
    stale_because: str | None = None
    healed: int = 0
    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class Healing:
    """How far the query API has been asked for what no feed brought.

    Under way while `last` is known: mailings `first` to `last`, by submissions or by revisions, from result `start` on;
    submissions from the mailing `held_from` on, since papers are held up. `seen` are the categories of which it found
    papers of `last`, `mailings` all that it found papers of. `unread` counts the results that could not be read,
    and as one more that a mailing seemed to be empty, `rounds` the times that it went through all for their sake.
    `gaps` are those that it began with, by category, since it goes through the results of one search; empty where an
    earlier version began. `total` is the most that the search by submissions said to have.
    `next_at` is when it goes on, at once where None; `failures` counts those in a row.
    """

    first: date | None = None
    last: date | None = None
    held_from: date | None = None
    by: Literal["submitted", "revised"] = "submitted"
    start: int = 0
    seen: tuple[str, ...] = ()
    mailings: tuple[date, ...] = ()
    unread: int = 0
    rounds: int = 0
    next_at: datetime | None = None
    failures: int = 0
    last_error: str | None = None
    gaps: tuple[tuple[str, tuple[date, ...]], ...] = ()
    total: int = 0


def key_of(categories: Iterable[str]) -> str:
    """The key of the `RefreshState` of *categories* that are asked for together, in whatever order."""
    return "+".join(sorted(categories))


@dataclass(frozen=True, slots=True)
class RefreshState:
    """What is known of the refreshes of one set of categories; all moments are aware UTC.

    `failures` counts those since the last success, `unchanged` the successes in a row that did not find the mailing
    that arXiv ought to show. `mailing` is the newest one that a success brought, `etag` arXiv's validator of that
    feed, `ledger` that of the last success.
    """

    checked_at: datetime
    succeeded_at: datetime | None = None
    next_poll_at: datetime | None = None
    failures: int = 0
    last_error: str | None = None
    mailing: date | None = None
    unchanged: int = 0
    etag: str | None = None
    ledger: Ledger = Ledger()
    categories: tuple[CategoryState, ...] = ()
    healing: Healing = Healing()


@dataclass(frozen=True, slots=True)
class Revision:
    """The state of the data as a number that grows with every change, and when it last changed (aware UTC).

    `newest_mailing` is the newest that any paper was announced in. `checks` grows with everything that is written, what
    is known of refreshes included: while it stays, nothing that was loaded is out of date. `papers` is the number that
    the last change of papers or word counts brought: while it stays, only summaries have changed.
    """

    number: int = 0
    changed_at: datetime | None = None
    newest_mailing: date | None = None
    checks: int = 0
    papers: int = 0

    @property
    def tag(self) -> str:
        """A short text that is another one for other data."""
        return f"{self.number} {self.changed_at.isoformat() if self.changed_at else ''}"


@dataclass(frozen=True, slots=True)
class Rendering:
    """A feed or page as a process rendered it, for those that have not loaded the papers.

    `name` is where it is kept, `made_of` stands for what it is of, and by what it was made, `tag` is that of the
    revision that it shows. `body` is packed with gzip. `notices` are all that stand in it, `own_notices` those that
    came of the selection itself.
    """

    name: str
    made_of: str
    tag: str
    body: bytes
    last_modified: datetime
    notices: tuple[str, ...] = ()
    own_notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do what `name` stands for. Every new one has a higher `fence`, which tells late writers apart."""

    name: str
    holder: str
    fence: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How one of arXiv's services has answered lately: failures in a row, and until when it is not to be asked."""

    failures: int = 0
    closed_until: datetime | None = None

    def closed_at(self, now: datetime) -> datetime | None:
        """Until when the service is left alone at *now*; None where it is not, or a clock that was ahead says so."""
        is_closed = self.closed_until is not None and now < self.closed_until <= now + LONGEST_WAIT
        return self.closed_until if is_closed else None


@dataclass(frozen=True, slots=True)
class Frequencies:
    """In how many papers of a *stream* each word stands, as known after *mailing*.

    A stream is a group of arXiv's categories, or the best papers of a profile; of the latter it is also known in how
    many each of the `authors` stands, by the name without case. Papers fade with their age, so `papers` and the counts
    are no whole numbers. Words are folded (`core/words.py`); what was hardly ever seen is left out.
    """

    stream: str
    mailing: date
    papers: float
    counts: Mapping[str, float]
    authors: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be written, all or nothing; `refreshes` are sets of categories (joined by +) and their state.

    Announcements of a paper must come with the paper. `attempts` are papers (by id) and all that came of summarising
    each of them.
    """

    papers: tuple[Paper, ...] = ()
    announcements: tuple[Announcement, ...] = ()
    refreshes: tuple[tuple[str, RefreshState], ...] = ()
    frequencies: tuple[Frequencies, ...] = ()
    attempts: tuple[tuple[str, Attempts], ...] = ()
    summary_state: SummaryState | None = None

    @property
    def has_papers(self) -> bool:
        return bool(self.papers or self.announcements)

    @property
    def has_lists(self) -> bool:
        """Whether they change what any feed lists."""
        return self.has_papers or bool(self.frequencies)

    @property
    def has_data(self) -> bool:
        """Whether they change what any feed lists or says."""
        return self.has_lists or bool(self.attempts)


def dump_paper(paper: Paper) -> str:
    """*paper* as JSON, in field order, without the fields that are not known and the raw texts that are no others."""
    return _dump(_paper_fields(paper))


def parse_paper(text: str) -> Paper:
    """The paper that `dump_paper` wrote. Raises ValueError, KeyError or TypeError for anything else."""
    return _build_paper(_json().validate_json(text))


def dump_record(record: PaperRecord) -> str:
    """*record* as JSON: the fields of its paper, and each announcement as mailing, version and types."""
    announced = [(one.mailing.isoformat(), one.version, dict(one.types)) for one in record.announcements]
    return _dump({**_paper_fields(record.paper), "announced": announced})


def parse_record(text: str) -> PaperRecord:
    """The record that `dump_record` wrote. Raises ValueError, KeyError or TypeError for anything else."""
    fields = _json().validate_json(text)
    paper = _build_paper(fields)
    announced = (
        Announcement(date.fromisoformat(mailing), paper.id, version, _build_types(types))
        for mailing, version, types in fields["announced"]
    )
    return PaperRecord(paper, tuple(announced))


@lru_cache(maxsize=_TYPES_KEPT)
def dump_types(types: tuple[tuple[str, AnnounceType], ...]) -> str:
    """Announce types as a JSON object, category -> type, in the paper's order."""
    return json.dumps(dict(types))


@lru_cache(maxsize=_TYPES_KEPT)
def parse_types(text: str) -> tuple[tuple[str, AnnounceType], ...]:
    """The announce types that `dump_types` wrote. Raises ValueError or TypeError for anything else."""
    return _build_types(json.loads(text))


def dump_refresh(state: RefreshState) -> str:
    """*state* as JSON, in field order and without what is as it was at the beginning."""
    return _states().dump_json(state, exclude_defaults=True).decode()


def parse_refresh(text: str) -> RefreshState:
    """The state that `dump_refresh` wrote. Raises ValueError for anything else."""
    return _states().validate_json(text)


@cache
def _states() -> TypeAdapter[RefreshState]:
    return TypeAdapter(RefreshState)


def dump_rendering(rendering: Rendering) -> bytes:
    """*rendering*, whose name is its key: a line of JSON, and the body as it is."""
    told = [
        rendering.made_of,
        rendering.tag,
        rendering.last_modified.isoformat(),
        rendering.notices,
        rendering.own_notices,
    ]
    return json.dumps(told).encode() + b"\n" + rendering.body


def parse_rendering(name: str, packed: bytes) -> Rendering:
    """The rendering that `dump_rendering` wrote. Raises ValueError or TypeError for anything else."""
    line, _, body = packed.partition(b"\n")
    made_of, tag, *told = json.loads(line)
    last_modified, notices, own_notices = told
    moment = datetime.fromisoformat(last_modified)
    return Rendering(name, str(made_of), str(tag), body, moment, (*notices,), (*own_notices,))


def dump_frequencies(frequencies: Frequencies) -> str:
    """What *frequencies* counted, as JSON; stream and mailing are its key."""
    counted = [frequencies.papers, dict(frequencies.counts)]
    if frequencies.authors:
        counted.append(dict(frequencies.authors))
    return json.dumps(counted, ensure_ascii=False, separators=(",", ":"))


def parse_frequencies(text: str, *, stream: str, mailing: date) -> Frequencies:
    """The frequencies that `dump_frequencies` wrote. Raises ValueError, KeyError or TypeError for anything else."""
    papers, counts, *others = _json().validate_json(text)
    # From mailing to mailing the words are the same.
    by_word, by_author = (
        {intern(name): float(count) for name, count in {**told}.items()} for told in (counts, *(others[:1] or [{}]))
    )
    return Frequencies(stream, mailing, float(papers), by_word, by_author)


def dump_attempts(attempts: Attempts) -> str:
    """All that came of summarising one paper, as JSON, without what is as it was at the beginning."""
    return _attempts().dump_json(attempts, exclude_defaults=True).decode()


def parse_attempts(text: str) -> Attempts:
    """The attempts that `dump_attempts` wrote. Raises ValueError for anything else."""
    return _attempts().validate_json(text)


def dump_summary_state(state: SummaryState) -> str:
    """*state* as JSON, in field order and without what is as it was at the beginning."""
    return _summary_states().dump_json(state, exclude_defaults=True).decode()


def parse_summary_state(text: str) -> SummaryState:
    """The state that `dump_summary_state` wrote. Raises ValueError for anything else."""
    return _summary_states().validate_json(text)


@cache
def _json() -> TypeAdapter[Any]:
    """Any JSON, written and read in a third of the time that the standard library takes."""
    return TypeAdapter(Any)


@cache
def _attempts() -> TypeAdapter[Attempts]:
    return TypeAdapter(Attempts)


@cache
def _summary_states() -> TypeAdapter[SummaryState]:
    return TypeAdapter(SummaryState)


def _paper_fields(paper: Paper) -> dict[str, Any]:
    """The fields of *paper*, None for those that need not be written."""
    return {
        "id": paper.id,
        "version": paper.version,
        "title": paper.title,
        "authors": [
            [author.name, author.affiliation] if author.affiliation else [author.name] for author in paper.authors
        ],
        "abstract": paper.abstract,
        "categories": paper.categories,
        "raw_title": None if paper.raw_title == paper.title else paper.raw_title,
        "raw_authors": None if paper.raw_authors == _names_in_line(paper.authors) else paper.raw_authors,
        "raw_abstract": None if paper.raw_abstract == paper.abstract else paper.raw_abstract,
        "licence": paper.licence,
        "doi": paper.doi,
        "journal_reference": paper.journal_reference,
        "comment": paper.comment,
        "submitted": paper.submitted.isoformat() if paper.submitted else None,
        "revised": paper.revised.isoformat() if paper.revised else None,
    }


def _build_paper(fields: Any) -> Paper:  # Any: what JSON made of it
    title, abstract = fields["title"], fields["abstract"]
    authors = tuple(Author(*author) for author in fields["authors"])
    return Paper(
        id=fields["id"],
        version=fields["version"],
        title=title,
        authors=authors,
        abstract=abstract,
        categories=tuple(fields["categories"]),
        raw_title=fields.get("raw_title", title),
        raw_authors=fields["raw_authors"] if "raw_authors" in fields else _names_in_line(authors),
        raw_abstract=fields.get("raw_abstract", abstract),
        licence=fields.get("licence"),
        doi=fields.get("doi"),
        journal_reference=fields.get("journal_reference"),
        comment=fields.get("comment"),
        submitted=_moment(fields.get("submitted")),
        revised=_moment(fields.get("revised")),
    )


def _names_in_line(authors: Iterable[Author]) -> str:
    return ", ".join([author.name for author in authors])


def _build_types(types: Any) -> tuple[tuple[str, AnnounceType], ...]:  # Any: what JSON made of it
    return tuple((category, AnnounceType(announce_type)) for category, announce_type in {**types}.items())


def _dump(fields: dict[str, Any]) -> str:
    return _json().dump_json({name: value for name, value in fields.items() if value is not None}).decode()


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
