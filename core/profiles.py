"""What a reader wants: the profile that papers are held against."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from core.papers import REPLACEMENTS, AnnounceType
from core.query import Node

MatchMode = Literal["word", "substring"]
Ranking = Literal["relevance", "count"]
SummaryMode = Literal["full", "brief", "none"]

POINT_PLACES = 4  # behind the point, of what a paper gets


def say_points(points: float) -> str:
    """*points* with all their places and no zero behind the last: `2.5`, `1000000`."""
    return f"{points:.{POINT_PLACES}f}".rstrip("0").rstrip(".")


def say_count(number: float, noun: str) -> str:
    """*number* with *noun* in singular or plural: `1 keyword`, `2.5 points`."""
    return f"{say_points(number)} {noun}{'' if number == 1 else 's'}"


def say_list(texts: Iterable[str]) -> str:
    """*texts* as in a sentence: `a, b and c`."""
    *others, last = [*texts] or [""]
    return f"{', '.join(others)} and {last}" if others else last


def as_points(least: float) -> float:
    """A *least* score in the places that points have; not 0 where it is more, since 0 lets in what has no points."""
    return max(round(least, POINT_PLACES), 10**-POINT_PLACES) if least else 0.0


@dataclass(frozen=True, slots=True)
class Keyword:
    """An entry of a list of terms (`core/query.py`), or an author's name, and its weight (0 < weight <= 100)."""

    term: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Profile:
    """Which papers are wanted and what makes one better than another.

    A paper must be found by `query`, where there is one. Its terms, the keywords, the authors and the likeness to the
    papers `likes` give points, the likeness to the papers `dislikes` takes some; below `min_score` a paper is filtered.
    `max_papers` caps each mailing of each feed; `days_back` counts calendar days back from the newest stored mailing,
    that one included. `summaries` says whether a summary is shown with the abstract (full), in place of it (brief) or
    not at all, `language` in which language (BCP 47, lower case). `name` is "default" for the unnamed one.
    """

    name: str
    categories: tuple[str, ...]
    query: Node | None = None
    keywords: tuple[Keyword, ...] = ()
    exclude_keywords: tuple[str, ...] = ()
    authors: tuple[Keyword, ...] = ()
    likes: tuple[str, ...] = ()
    dislikes: tuple[str, ...] = ()
    announce_types: tuple[AnnounceType, ...] = (AnnounceType.NEW, AnnounceType.CROSS)
    match: MatchMode = "word"
    ranking: Ranking = "relevance"
    min_score: float = 0.0
    max_papers: int = 30
    days_back: int = 7
    summaries: SummaryMode = "full"
    language: str = "zh"

    @property
    def wants_replacements(self) -> bool:
        """Whether new versions are listed as items of their own."""
        return not REPLACEMENTS.isdisjoint(self.announce_types)
