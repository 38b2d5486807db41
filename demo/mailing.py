"""What the stand-in announces: papers as arXiv keeps them (ASCII with TeX accents), and the mailings they come in."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from core.mailings import EASTERN
from core.papers import AnnounceType

# What happened to a paper; what a feed calls it depends on the categories that the feed is asked for.
Event = Literal["new", "cross", "replace"]

_BUILD_DELAY = timedelta(seconds=2)
_LINE_WIDTH = 68
_LINE_BREAK = "\n  "  # arXiv strips a line break that no white space follows


@dataclass(frozen=True, slots=True)
class Writer:
    """An author as arXiv stores one; a person with a single name has no *given* one."""

    family: str
    given: str = ""
    affiliations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SamplePaper:
    """One version of a made-up paper. *submitted* (first version) and *revised* (this one) are aware UTC."""

    id: str
    version: int
    title: str
    writers: tuple[Writer, ...]
    paragraphs: tuple[str, ...]
    categories: tuple[str, ...]
    submitted: datetime
    revised: datetime
    licence: str | None = None
    doi: str | None = None
    journal_reference: str | None = None
    comment: str | None = None
    is_hard_wrapped: bool = False

    @property
    def primary_category(self) -> str:
        return self.categories[0]

    @property
    def abstract(self) -> str:
        """The abstract as the feeds give it: paragraphs, and lines where the authors broke them, end in "\\n  "."""
        if not self.is_hard_wrapped:
            return _LINE_BREAK.join(self.paragraphs)
        return _LINE_BREAK.join(
            line
            for paragraph in self.paragraphs
            for line in textwrap.wrap(paragraph, _LINE_WIDTH, break_long_words=False, break_on_hyphens=False)
        )


@dataclass(frozen=True, slots=True)
class Listing:
    """A paper in a mailing. *announced_in* are all its categories, or for a later `cross` only the added ones."""

    paper: SamplePaper
    event: Event
    announced_in: tuple[str, ...]

    def announce_type(self, wanted: frozenset[str]) -> AnnounceType | None:
        """What a feed of the categories *wanted* calls it; None where that feed does not have it.

        A later cross stays a cross in a feed that has the primary category too.
        """
        if wanted.isdisjoint(self.announced_in):
            return None
        is_primary = self.paper.primary_category in wanted
        if self.event == "replace":
            return AnnounceType.REPLACE if is_primary else AnnounceType.REPLACE_CROSS
        return AnnounceType.NEW if self.event == "new" and is_primary else AnnounceType.CROSS


@dataclass(frozen=True, slots=True)
class Mailing:
    """Everything announced on *day*, a date in US Eastern time, in all categories, each paper once."""

    day: date
    listings: tuple[Listing, ...]


def feed_midnight(day: date) -> datetime:
    """Midnight at the start of *day* in US Eastern time, when arXiv's feeds change."""
    return datetime.combine(day, time(), EASTERN)


def build_moment(day: date) -> datetime:
    """When the stand-in says that it built what it shows on *day*: always the same, so that bytes are too."""
    return feed_midnight(day) + _BUILD_DELAY
