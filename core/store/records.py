"""What is kept, as values, and how papers and announcements become text and back; nothing here touches a store.

The format is JSON with the field names of the values. Unknown fields are ignored and missing ones take their default,
so that a store written by a newer or an older version stays readable.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core.papers import Announcement, AnnounceType, Author, Paper


@dataclass(frozen=True, slots=True)
class PaperRecord:
    """A stored paper with its announcements, oldest mailing first, at most one per mailing."""

    paper: Paper
    announcements: tuple[Announcement, ...]


@dataclass(frozen=True, slots=True)
class RefreshState:
    """What is known of the refreshes of one set of categories; all moments are aware UTC.

    `failures` counts those since the last success, `unchanged` the successes in a row that did not find the mailing
    that arXiv ought to show. `mailing` is the newest one that a success brought.
    """

    checked_at: datetime
    succeeded_at: datetime | None = None
    next_poll_at: datetime | None = None
    failures: int = 0
    last_error: str | None = None
    mailing: date | None = None
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Revision:
    """The state of the data as a number that grows with every change, and when it last changed (aware UTC).

    `newest_mailing` is the newest that any paper was announced in.
    """

    number: int = 0
    changed_at: datetime | None = None
    newest_mailing: date | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What one intake wants written, all or nothing."""

    papers: tuple[Paper, ...] = ()
    announcements: tuple[Announcement, ...] = ()


def dump_paper(paper: Paper) -> str:
    """*paper* as JSON, in field order and without the fields that are not known."""
    fields: dict[str, Any] = {
        "id": paper.id,
        "version": paper.version,
        "title": paper.title,
        "authors": [
            [author.name, author.affiliation] if author.affiliation else [author.name] for author in paper.authors
        ],
        "abstract": paper.abstract,
        "categories": paper.categories,
        "raw_title": paper.raw_title,
        "raw_authors": paper.raw_authors,
        "raw_abstract": paper.raw_abstract,
        "licence": paper.licence,
        "doi": paper.doi,
        "journal_reference": paper.journal_reference,
        "comment": paper.comment,
        "submitted": paper.submitted.isoformat() if paper.submitted else None,
        "revised": paper.revised.isoformat() if paper.revised else None,
    }
    return json.dumps({name: value for name, value in fields.items() if value is not None}, ensure_ascii=False)


def parse_paper(text: str) -> Paper:
    """The paper that `dump_paper` wrote. Raises ValueError, KeyError or TypeError for anything else."""
    fields = json.loads(text)
    return Paper(
        id=fields["id"],
        version=fields["version"],
        title=fields["title"],
        authors=tuple(Author(*author) for author in fields["authors"]),
        abstract=fields["abstract"],
        categories=tuple(fields["categories"]),
        raw_title=fields["raw_title"],
        raw_authors=fields["raw_authors"],
        raw_abstract=fields["raw_abstract"],
        licence=fields.get("licence"),
        doi=fields.get("doi"),
        journal_reference=fields.get("journal_reference"),
        comment=fields.get("comment"),
        submitted=_moment(fields.get("submitted")),
        revised=_moment(fields.get("revised")),
    )


def dump_types(types: tuple[tuple[str, AnnounceType], ...]) -> str:
    """Announce types as a JSON object, category -> type, in the paper's order."""
    return json.dumps(dict(types))


def parse_types(text: str) -> tuple[tuple[str, AnnounceType], ...]:
    """The announce types that `dump_types` wrote."""
    return tuple((category, AnnounceType(announce_type)) for category, announce_type in json.loads(text).items())


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
