"""What arXiv announced, and what its search finds, as values, and what a label of a feed says of each category.

They are read in `rss.py` and `query_api.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Literal

from core.arxiv.taxonomy import with_aliases
from core.papers import REPLACEMENTS, AnnounceType, Paper, best_announce_type

# arXiv cuts a feed off here, the new papers first: https://info.arxiv.org/help/rss.html
MOST_ENTRIES = 2_000

_TYPES_KEPT = 4_096  # a mailing has some hundreds of different ones


@dataclass(frozen=True, slots=True)
class Rejected:
    """An entry that is no paper to us: what identifies it best (id, link or title), and why."""

    entry: str
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A category that arXiv did not answer for when it was asked for alone, and why."""

    category: str
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A paper and why it was announced, relative to the categories that the feed was asked for."""

    paper: Paper
    announce_type: AnnounceType


@dataclass(frozen=True, slots=True)
class AnnouncementFeed:
    """What one feed says; as many entries and rejected ones together as the feed has, in its order.

    *mailing* is the date in US Eastern time that the feed claims, None where it claims none. It is a claim and no more:
    arXiv has served an earlier mailing's papers under the current date for whole days.
    """

    title: str
    mailing: date | None
    entries: tuple[Entry, ...]
    rejected: tuple[Rejected, ...]

    @property
    def may_be_cut_off(self) -> bool:
        """Whether it is as long as arXiv lets a feed be, so that more may have been announced."""
        return len(self.entries) + len(self.rejected) >= MOST_ENTRIES


@dataclass(frozen=True, slots=True)
class Announced:
    """What arXiv announced in the categories asked for.

    One feed, or several where the announcement did not fit into one, or arXiv refused some of the categories; a paper
    may then be in more than one of them, with another announce type in each. *requests* counts the feeds that were
    asked for, those too large to be used and those refused included.
    *notices* are sentences about what may be missing. *answered_at* is the present according to arXiv (the Date header
    of its last answer, aware UTC), None where it did not say. *etag* is what to send with the next request for the same
    categories, None where the answer took several requests. *is_unchanged* says that arXiv sent no feed, because it is
    the one that the request's etag came with. *refused* are the categories that no feed tells of.
    """

    feeds: tuple[AnnouncementFeed, ...]
    requests: int
    notices: tuple[str, ...] = ()
    answered_at: datetime | None = None
    etag: str | None = None
    is_unchanged: bool = False
    refused: tuple[Refused, ...] = ()

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(entry for feed in self.feeds for entry in feed.entries)

    @property
    def rejected(self) -> tuple[Rejected, ...]:
        return tuple(rejected for feed in self.feeds for rejected in feed.rejected)

    @property
    def mailing(self) -> date | None:
        """The newest mailing that a feed claims to be; not to be trusted, see `AnnouncementFeed`."""
        return max((feed.mailing for feed in self.feeds if feed.mailing), default=None)


@dataclass(frozen=True, slots=True)
class Window:
    """What to ask the query API for: papers of *categories* first submitted, or last revised, from *first* to *last*.

    Both moments are aware and count to the minute. The results are oldest first; asked for are those from *start* on,
    *count* (1 to 2,000) at most.
    """

    categories: tuple[str, ...]
    first: datetime
    last: datetime
    by: Literal["submitted", "revised"] = "submitted"
    start: int = 0
    count: int = 1000


@dataclass(frozen=True, slots=True)
class Submissions:
    """Papers that the query API tells of, as many as fit on one page; *is_last* where no further page follows.

    *total* counts the results of all pages.
    """

    papers: tuple[Paper, ...]
    rejected: tuple[Rejected, ...]
    is_last: bool
    total: int = 0


@lru_cache(maxsize=_TYPES_KEPT)
def announce_types_by_category(
    categories: tuple[str, ...], announce_type: AnnounceType
) -> tuple[tuple[str, AnnounceType], ...]:
    """The announce type in each of a paper's *categories* (primary first), given the best one that a feed told.

    arXiv labels an entry relative to the set of categories that was asked for: `new` means primary in one of them. So
    one combined request and several single ones label the same paper differently, and only the paper's own categories
    give an answer that is the same for both. A `cross` says nothing about the primary category: the paper may have been
    announced there long ago. Of an alias arXiv says what it says of the category; it has a type even where the paper
    does not name it.
    """
    own = with_aliases(categories[:1])
    others = [category for category in with_aliases(categories[1:]) if category not in own]
    if announce_type in REPLACEMENTS:
        first, further = AnnounceType.REPLACE, AnnounceType.REPLACE_CROSS
    else:
        first, further = announce_type, AnnounceType.CROSS
    if others and announce_type is AnnounceType.CROSS:
        own = ()
    # A cross in no other category is kept where it can be found.
    return (*((category, first) for category in own), *((category, further) for category in others))


def unite_types(
    order: Sequence[str], *several: tuple[tuple[str, AnnounceType], ...]
) -> tuple[tuple[str, AnnounceType], ...]:
    """What *several* announcements in one mailing say together: the best type in each category, in *order*."""
    best: dict[str, AnnounceType] = {}
    for category, announce_type in (pair for types in several for pair in types):
        best[category] = best_announce_type((announce_type, best.get(category, announce_type)))
    places = {category: place for place, category in enumerate(with_aliases(order))}
    return tuple(sorted(best.items(), key=lambda pair: (places.get(pair[0], len(places)), pair[0])))
