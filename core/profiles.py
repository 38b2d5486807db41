"""What a reader wants: the profile that papers are held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.papers import AnnounceType

MatchMode = Literal["word", "substring"]
Ranking = Literal["count"]

REPLACEMENTS = frozenset({AnnounceType.REPLACE, AnnounceType.REPLACE_CROSS})


@dataclass(frozen=True, slots=True)
class Keyword:
    """A term to look for, or an author's name, and the points it is worth (0 < weight <= 100)."""

    term: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Profile:
    """Which papers are wanted and what makes one better than another.

    `max_papers` caps each mailing of each feed; `days_back` counts calendar days back from the newest stored mailing,
    that one included. Papers below `min_score` points are filtered. `name` is "default" for the unnamed one.
    """

    name: str
    categories: tuple[str, ...]
    keywords: tuple[Keyword, ...] = ()
    exclude_keywords: tuple[str, ...] = ()
    authors: tuple[Keyword, ...] = ()
    announce_types: tuple[AnnounceType, ...] = (AnnounceType.NEW, AnnounceType.CROSS)
    match: MatchMode = "word"
    ranking: Ranking = "count"
    min_score: float = 0.0
    max_papers: int = 30
    days_back: int = 7

    @property
    def wants_replacements(self) -> bool:
        """Whether new versions are listed as items of their own."""
        return not REPLACEMENTS.isdisjoint(self.announce_types)
