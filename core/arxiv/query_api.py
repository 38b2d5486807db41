"""arXiv's query API (https://info.arxiv.org/help/api/user-manual.html): a search -> its address, an answer -> papers.

Reads what both serialisers write, the one until 2025 and the one since 2026. Nothing here fetches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlencode

from lxml import etree

from core.arxiv.announced import Rejected
from core.arxiv.entries import (
    EntryError,
    read_categories,
    read_paper_id,
    refusal,
    reject,
    required,
)
from core.arxiv.xml import ARXIV, ATOM, OPENSEARCH, Children, children_of, line_of, parse_xml, text_in, text_of
from core.errors import SourceMalformed
from core.moments import read_moment
from core.papers import Author, Paper
from core.tex import to_unicode

MOST_RESULTS = 2000

_ERROR_ID = "/api/errors"
_ERROR_TITLE = "Feed error for query:"
_LARGEST_COUNT_DIGITS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What to ask the query API for: papers that match *query*, that have one of *ids*, or both.

    *max_results* (1 to 2,000) is always sent: arXiv's own default is 10, which silently cuts a list of ids.
    """

    query: str = ""
    ids: tuple[str, ...] = ()
    start: int = 0
    max_results: int = 100
    sort_by: Literal["relevance", "lastUpdatedDate", "submittedDate"] = "submittedDate"
    sort_order: Literal["ascending", "descending"] = "descending"


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of results in arXiv's order: *total_results* counts all pages, *start_index* this one's first from 0.

    arXiv has answered with fewer entries than *total_results* promises, and with none at all.
    """

    total_results: int
    start_index: int
    papers: tuple[Paper, ...]
    rejected: tuple[Rejected, ...]


def build_search_url(base: str, search: Search) -> str:
    """The address that answers *search*; raises ValueError where arXiv would refuse its bounds."""
    if not (search.query or search.ids) or search.start < 0 or not 1 <= search.max_results <= MOST_RESULTS:
        raise ValueError(f"{search} asks for nothing, or for a page outside of 1 to {MOST_RESULTS} results")
    parameters = {
        "search_query": search.query,
        "id_list": ",".join(search.ids),
        "start": str(search.start),
        "max_results": str(search.max_results),
        "sortBy": search.sort_by,
        "sortOrder": search.sort_order,
    }
    return f"{base}?{urlencode({name: value for name, value in parameters.items() if value}, safe=',:/')}"


def build_window_query(
    categories: Sequence[str], first: datetime, last: datetime, *, by: Literal["submitted", "revised"]
) -> str:
    """The query for papers of any of *categories* that were first submitted, or last revised, from *first* to *last*.

    Both moments are aware and count to the minute, which is the finest that arXiv takes.
    """
    field = "submittedDate" if by == "submitted" else "lastUpdatedDate"
    any_category = " OR ".join(f"cat:{category}" for category in categories)
    if len(categories) > 1:
        any_category = f"({any_category})"
    return f"{any_category} AND {field}:[{_minute(first)} TO {_minute(last)}]"


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%d%H%M}"


def parse_search_page(body: bytes) -> SearchPage:
    """The papers on the page *body*; raises SourceMalformed for anything else, with arXiv's message where it sent one.

    An entry that lacks its id, title, abstract or category is one `Rejected`. Dates that cannot be read are None.
    """
    root = parse_xml(body)
    if root.tag != f"{ATOM}feed":
        raise SourceMalformed(f"its root is <{etree.QName(root).localname}>, not an Atom feed")
    entries = [children_of(entry) for entry in root.iter(f"{ATOM}entry")]
    about = children_of(root)
    _raise_for_error(about, entries)
    if len(entries) > MOST_RESULTS:
        raise SourceMalformed(f"it has {len(entries)} entries, and arXiv sends {MOST_RESULTS} at most")
    outcomes = [_read_outcome(entry, place) for place, entry in enumerate(entries, start=1)]
    return SearchPage(
        total_results=_count(about, "totalResults"),
        start_index=_count(about, "startIndex"),
        papers=tuple(outcome for outcome in outcomes if isinstance(outcome, Paper)),
        rejected=tuple(outcome for outcome in outcomes if isinstance(outcome, Rejected)),
    )


def _raise_for_error(about: Children, entries: Iterable[Children]) -> None:
    title = line_of(about, f"{ATOM}title") or ""
    if title.startswith(_ERROR_TITLE):
        raise refusal(line_of(about, f"{ATOM}subtitle") or title)
    for entry in entries:
        if _ERROR_ID in (text_of(entry, f"{ATOM}id") or ""):
            raise refusal(line_of(entry, f"{ATOM}summary") or "Error")


def _count(about: Children, name: str) -> int:
    text = line_of(about, f"{OPENSEARCH}{name}") or ""
    if not (text.isascii() and text.isdigit()) or len(text) > _LARGEST_COUNT_DIGITS:
        raise SourceMalformed(f"it has no {name}, so it is no page of the query API")
    return int(text)


def _read_outcome(entry: Children, place: int) -> Paper | Rejected:
    try:
        return _read_paper(entry)
    except EntryError as error:
        named = line_of(entry, f"{ATOM}id") or line_of(entry, f"{ATOM}title")
        return reject(named or f"entry {place}", error)


def _read_paper(entry: Children) -> Paper:
    paper_id = read_paper_id(required(line_of(entry, f"{ATOM}id"), "id"))
    raw_title = required(text_of(entry, f"{ATOM}title"), "title")
    raw_abstract = required(text_of(entry, f"{ATOM}summary"), "abstract")
    return Paper(
        id=paper_id.number,
        version=paper_id.version or 1,
        title=to_unicode(raw_title),
        authors=_read_authors(entry),
        abstract=to_unicode(raw_abstract),
        categories=read_categories(_terms(entry)),
        raw_title=raw_title,
        raw_authors=", ".join(_names(entry)),
        raw_abstract=raw_abstract,
        doi=line_of(entry, f"{ARXIV}doi"),
        journal_reference=line_of(entry, f"{ARXIV}journal_ref"),
        comment=line_of(entry, f"{ARXIV}comment"),
        submitted=read_moment(text_of(entry, f"{ATOM}published")),
        revised=read_moment(text_of(entry, f"{ATOM}updated")),
    )


def _terms(entry: Children) -> list[str]:
    """The primary category, then all of them: the order of the list alone does not promise the primary one first."""
    elements = (*entry.get(f"{ARXIV}primary_category", ()), *entry.get(f"{ATOM}category", ()))
    return [element.get("term") or "" for element in elements]


def _names(entry: Children) -> list[str]:
    names = (line_of(children_of(author), f"{ATOM}name") for author in entry.get(f"{ATOM}author", ()))
    return [name for name in names if name and name != ":"]


def _read_authors(entry: Children) -> tuple[Author, ...]:
    authors = (
        Author(to_unicode(name), _affiliation(author))
        for author in map(children_of, entry.get(f"{ATOM}author", ()))
        if (name := line_of(author, f"{ATOM}name")) and name != ":"
    )
    return tuple(author for author in authors if author.name)


def _affiliation(author: Children) -> str | None:
    """The author's affiliations on one line; None where there is none."""
    return (
        ", ".join(filter(None, (to_unicode(text_in(each)) for each in author.get(f"{ARXIV}affiliation", ())))) or None
    )
