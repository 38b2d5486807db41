"""Items as pages show them: texts cleaned, authors folded, a score as the pieces of a bar.

Only values for templates; which items there are is decided elsewhere, and the templates escape what is text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import TypeVar

from core.arxiv.taxonomy import CATEGORIES
from core.catalogue import Item
from core.feeds.content import build_absence, build_origin, clean_text
from core.papers import AnnounceType, Paper
from core.scoring import Place, Score

BAR_LENGTH = 100.0  # in the bar's own units

_AUTHORS_SHOWN = 5
_LEAD_CHARACTERS = 240
_LANGUAGE_OF_PAPERS = "en"
_CREATIVE_COMMONS = re.compile(
    r"https?://creativecommons\.org/(?:licenses/(?P<kind>[a-z-]+)|publicdomain/zero)/(?P<version>\d\.\d)\b"
)

Author = TypeVar("Author")


@dataclass(frozen=True, slots=True)
class Chip:
    """A category of a paper, its name ("" where arXiv added it lately), and how the paper was announced in it."""

    id: str
    name: str
    announce_type: AnnounceType | None


@dataclass(frozen=True, slots=True)
class Piece:
    """What one reason is of a bar: from `start`, `length` long, in hundredths of the longest bar."""

    start: float
    length: float
    field: Place


@dataclass(frozen=True, slots=True)
class Card:
    """One item for people.

    `rank` counts from 1 in its list. `names` are the authors shown at once, `folded` the others. `lead` stands where
    there is no TL;DR: the beginning of the abstract. `origin` tells where the summary comes from, `absence` why there
    is none; each is empty where the other is not, both where none was meant to be.
    """

    item: Item
    rank: int
    title: str
    names: tuple[str, ...]
    folded: tuple[str, ...]
    chips: tuple[Chip, ...]
    pieces: tuple[Piece, ...]
    abstract: str
    lead: str
    language: str
    origin: str
    absence: str


def build_cards(items: Sequence[Item]) -> tuple[Card, ...]:
    """A card for each of *items* in their order; the bar of the best one is the longest."""
    most = max((item.score.value for item in items), default=0.0)
    return tuple(_build_card(item, rank, most) for rank, item in enumerate(items, start=1))


def _build_card(item: Item, rank: int, most: float) -> Card:
    names, folded = fold(name_authors(item.paper), _AUTHORS_SHOWN)
    abstract = clean_text(item.paper.abstract)
    has_sentence = item.summary is not None and item.summary.tldr_html
    return Card(
        item=item,
        rank=rank,
        title=build_heading(item.paper),
        names=names,
        folded=folded,
        chips=build_chips(item),
        pieces=build_bar(item.score, most),
        abstract=abstract,
        lead="" if has_sentence else shorten(abstract, _LEAD_CHARACTERS, placeholder=" …"),
        language=item.attempt.key.language if item.attempt else _LANGUAGE_OF_PAPERS,
        origin=build_origin(item),
        absence=build_absence(item),
    )


def build_heading(paper: Paper) -> str:
    """The paper's title on one line; its identifier where nothing is left."""
    return clean_text(paper.title) or f"arXiv:{paper.id}"


def name_authors(paper: Paper) -> tuple[str, ...]:
    """The authors' names in their order, without those of which nothing is left."""
    return tuple(filter(None, (clean_text(author.name) for author in paper.authors)))


def fold(authors: Sequence[Author], most: int) -> tuple[tuple[Author, ...], tuple[Author, ...]]:
    """The first *most* of *authors* and the others; never a single other, since "and 1 more" is longer than a name."""
    shown = len(authors) if len(authors) == most + 1 else most
    return tuple(authors[:shown]), tuple(authors[shown:])


def build_chips(item: Item) -> tuple[Chip, ...]:
    """The paper's categories, the primary one first."""
    types = dict(item.announce_types)
    return tuple(Chip(one, name_category(one), types.get(one)) for one in item.paper.categories)


def name_category(category_id: str) -> str:
    """What arXiv calls a category; "" for one that is not in our table."""
    return CATEGORIES[category_id].name if category_id in CATEGORIES else ""


def name_licence(licence: str) -> str:
    """The short name of a licence by its address, as CC BY-SA 4.0; any other text as it is."""
    if "//arxiv.org/licenses/nonexclusive-distrib/" in licence:
        return "arXiv’s own, to distribute"
    found = _CREATIVE_COMMONS.match(licence)
    if not found:
        return licence
    return f"CC {found['kind'].upper()} {found['version']}" if found["kind"] else f"CC0 {found['version']}"


def build_bar(score: Score, most: float) -> tuple[Piece, ...]:
    """*score* as pieces in the order of its reasons, together as long as its value is of *most*.

    Reasons that take points away shorten the others; a score of 0 or less has no bar.
    """
    gains = [reason for reason in score.reasons if reason.points > 0]
    total = sum(reason.points for reason in gains)
    if total <= 0 or score.value <= 0 or most <= 0:
        return ()
    scale = BAR_LENGTH * min(score.value / most, 1.0) / total
    pieces: list[Piece] = []
    start = 0.0
    for reason in gains:
        length = reason.points * scale
        pieces.append(Piece(round(start, 2), round(length, 2), reason.field))
        start += length
    return tuple(pieces)
