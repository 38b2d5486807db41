"""The read side: a selection of what is stored becomes a feed of ranked items."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from core.papers import AnnounceType, Paper
from core.scoring import Score


@dataclass(frozen=True, slots=True)
class Item:
    """A paper as one feed lists it.

    `mailing` is the one it is listed under, `published` that mailing's moment, `updated` the moment of the newest
    mailing that changed it (aware UTC, whole seconds). `announce_type` is the best within the feed's categories,
    `announce_types` all that are known, in the paper's category order. `guid` is an absolute URL that never changes.
    """

    paper: Paper
    guid: str
    link: str
    mailing: date
    published: datetime
    updated: datetime
    announce_type: AnnounceType
    announce_types: tuple[tuple[str, AnnounceType], ...]
    score: Score


@dataclass(frozen=True, slots=True)
class FeedAddresses:
    """Where a feed is found, as absolute URLs: the page for people and one address per format."""

    page: str
    rss: str
    atom: str
    json: str


@dataclass(frozen=True, slots=True)
class Feed:
    """A titled selection of items, newest mailing first and best first within each.

    `updated` is the newest change in it, never the time of asking. `notices` are sentences that a reader must know
    (sample data, an answer that is not current), empty when all is well.
    """

    title: str
    description: str
    addresses: FeedAddresses
    updated: datetime
    items: tuple[Item, ...]
    notices: tuple[str, ...] = ()
