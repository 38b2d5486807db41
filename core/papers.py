"""The values everything speaks of: papers, their identifiers, and the announcements that brought them.

Only values and their small laws; where they come from is `core/arxiv/`, what they are worth is `core/scoring.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from core.errors import quoted

ARXIV_URL = "https://arxiv.org"

# 2401.01234, 0704.0001 (until 2014-12), hep-th/9901001, math.GT/0309136:
# https://info.arxiv.org/help/arxiv_identifier.html
_PAPER_ID = re.compile(
    r"(?P<number>\d{2}(?:0[1-9]|1[0-2])\.\d{4,5}|[a-z][a-z-]+(?:\.[A-Z]{2})?/\d{2}(?:0[1-9]|1[0-2])\d{3})"
    r"(?:v(?P<version>[1-9]\d{0,3}))?",
    re.ASCII,
)
_CITED = re.compile(
    r"(?:arxiv:|(?P<address>(?:https?://)?(?:(?:www|export)\.)?arxiv\.org/(?:abs|pdf|html)/))", re.IGNORECASE | re.ASCII
)
_BEHIND_ID = re.compile(r"(?:\.pdf)?/?(?:[?#].*)?\Z", re.IGNORECASE)  # in an address
_SUBJECT_CLASS = re.compile(r"\.[a-z]{2}(?=/)")


class AnnounceType(StrEnum):
    """Why arXiv announced a paper in a category, in arXiv's own words and order."""

    NEW = "new"
    CROSS = "cross"
    REPLACE = "replace"
    REPLACE_CROSS = "replace-cross"


ANNOUNCE_TYPES: tuple[AnnounceType, ...] = tuple(AnnounceType)


REPLACEMENTS = frozenset({AnnounceType.REPLACE, AnnounceType.REPLACE_CROSS})


def best_announce_type(types: Iterable[AnnounceType]) -> AnnounceType:
    """The type that says most: new before cross before replace before replace-cross. *types* must not be empty."""
    return min(types, key=ANNOUNCE_TYPES.index)


@dataclass(frozen=True, slots=True)
class PaperId:
    """An arXiv identifier taken apart: `2401.01234v2` is number `2401.01234`, version 2.

    *version* is None where the text named none.
    """

    number: str
    version: int | None = None

    @classmethod
    def parse(cls, text: str) -> PaperId:
        """The identifier that *text* is, old style (`hep-th/9901001`) or new. Raises ValueError for anything else."""
        match = _PAPER_ID.fullmatch(text)
        if match is None:
            raise ValueError(f"{quoted(text)} is not an arXiv identifier such as 2401.01234v2 or hep-th/9901001")
        version = match["version"]
        return cls(match["number"], int(version) if version else None)


def parse_citation(text: str) -> PaperId:
    """The identifier that *text* is, as papers cite it: in any case, with `arXiv:` before it, or its address at arXiv.

    Raises ValueError.

    The subject class of `math.GT/0309136` is left out, since arXiv announces the paper without it:
    https://info.arxiv.org/help/arxiv_identifier.html.
    """
    prefix = _CITED.match(text)
    cited = text[prefix.end() :] if prefix else text
    if prefix and prefix["address"]:
        cited = _BEHIND_ID.sub("", cited, count=1)
    announced = _SUBJECT_CLASS.sub("", cited.lower())
    return PaperId.parse(announced if _PAPER_ID.fullmatch(announced) else cited)


def newest_first(paper_id: str) -> tuple[int, int, str]:
    """Sorts identifiers (without version), those that arXiv gave last first."""
    month, number = submission_order(paper_id)
    return (-month, -number, paper_id)


def submission_order(paper_id: str) -> tuple[int, int]:
    """Sorts identifiers (without version) by when arXiv gave them: the month it was, and the number within it.

    Old identifiers count per archive, so two of them can be equal.
    """
    digits = paper_id.rpartition("/")[2].replace(".", "")
    year, month, number = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    century = 1900 if "/" in paper_id and year >= 91 else 2000  # https://info.arxiv.org/help/arxiv_identifier.html
    return (century + year) * 12 + month, number


@dataclass(frozen=True, slots=True)
class Author:
    """One author: a display name in Unicode, and the affiliation where arXiv gives one."""

    name: str
    affiliation: str | None = None


@dataclass(frozen=True, slots=True)
class Paper:
    """What is known of one arXiv paper, in its newest announced version.

    Texts are Unicode on one line; the `raw_` fields keep what arXiv sent (TeX, line breaks). `categories` starts with
    the primary one. `submitted` (first version) and `revised` (this version) are aware UTC and known only from the
    query API, like `comment`; `licence` (a URL) only from the announcement feeds.
    """

    id: str
    version: int
    title: str
    authors: tuple[Author, ...]
    abstract: str
    categories: tuple[str, ...]
    raw_title: str
    raw_authors: str
    raw_abstract: str
    licence: str | None = None
    doi: str | None = None
    journal_reference: str | None = None
    comment: str | None = None
    submitted: datetime | None = None
    revised: datetime | None = None

    @property
    def primary_category(self) -> str:
        return self.categories[0]

    @property
    def abs_url(self) -> str:
        return f"{ARXIV_URL}/abs/{self.id}"

    @property
    def pdf_url(self) -> str:
        return f"{ARXIV_URL}/pdf/{self.id}"

    @property
    def html_url(self) -> str:
        """arXiv's HTML rendering; arXiv has none for some papers, then the page says so."""
        return f"{ARXIV_URL}/html/{self.id}v{self.version}"


def renew(stored: Paper, told: Paper) -> Paper:
    """*told* unless *stored* is a later version, with what only the stored one knows."""
    if stored.version > told.version:
        return stored
    return replace(
        told,
        licence=told.licence or stored.licence,
        doi=told.doi or stored.doi,
        journal_reference=told.journal_reference or stored.journal_reference,
        comment=told.comment or (stored.comment if stored.version == told.version else None),
        submitted=told.submitted or stored.submitted,
        revised=told.revised or (stored.revised if stored.version == told.version else None),
    )


@dataclass(frozen=True, slots=True)
class Announcement:
    """One paper in one mailing: *types* gives the announce type in each of its categories, in the paper's order.

    *mailing* is a date in US Eastern time.
    """

    mailing: date
    paper_id: str
    version: int
    types: tuple[tuple[str, AnnounceType], ...]

    def best_type(self, categories: Iterable[str]) -> AnnounceType | None:
        """The best announce type within *categories*; None where the paper was announced in none of them."""
        wanted = set(categories)
        types = [announce_type for category, announce_type in self.types if category in wanted]
        return best_announce_type(types) if types else None
