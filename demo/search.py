"""The query API of export.arxiv.org in the form it has had since 2026: parameters + papers -> an Atom page.

Of arXiv's search language (https://info.arxiv.org/help/api/user-manual.html) it knows the fields, ranges of dates,
parentheses, AND, OR and ANDNOT; AND binds closer than OR. Two words without an operator between them are refused.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from urllib.parse import quote_plus

from core.papers import PaperId
from demo.accents import to_api_text
from demo.mailing import SamplePaper, Writer
from demo.markup import element, escape_attribute

MOST_RESULTS = 2000
_MOST_IN_ALL = 30_000
_DEFAULT_RESULTS = 10

_OPEN = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom" \
xmlns="http://www.w3.org/2005/Atom">"""
_CLOSE = "</feed>\n"

_TOKEN = re.compile(r'[()]|\w+:\[[^\]]*\]|\w+:"[^"]*"|"[^"]*"|[^\s()]+')
_RANGE = re.compile(r"(?P<field>\w+):\[(?P<first>\d{8}(?:\d{4})?) TO (?P<last>\d{8}(?:\d{4})?)\]")
_OPERATORS = frozenset({"AND", "OR", "ANDNOT"})

_Matcher = Callable[[SamplePaper], bool]


class BadSearch(ValueError):
    """arXiv refuses these parameters; the text is what its error entry says."""


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters of one request, checked one by one; `relevance` is the order that ids were given in."""

    search_query: str
    id_list: str
    start: int
    max_results: int
    sort_by: str
    is_descending: bool


@dataclass(frozen=True, slots=True)
class Page:
    """An answer of the query API."""

    status: int
    body: bytes


def answer(parameters: Mapping[str, str], papers: Iterable[SamplePaper], now: datetime) -> Page:
    """The page that *parameters* ask for, of *papers* in all their versions, as built at *now* (aware)."""
    try:
        query = _read_query(parameters)
        found = _find(query, tuple(papers))
    except BadSearch as error:
        return Page(400, _render_error(str(error), now))
    return Page(200, _render(query, found, now))


def _read_query(parameters: Mapping[str, str]) -> Query:
    start = _count(parameters, "start", 0)
    max_results = _count(parameters, "max_results", _DEFAULT_RESULTS)
    if max_results > MOST_RESULTS or start + max_results > _MOST_IN_ALL:
        raise BadSearch(f"max_results must be at most {MOST_RESULTS} and start + max_results at most {_MOST_IN_ALL}")
    sort_by = parameters.get("sortBy", "relevance")
    if sort_by not in ("relevance", "lastUpdatedDate", "submittedDate"):
        raise BadSearch("sortBy must be in: relevance, lastUpdatedDate, submittedDate")
    sort_order = parameters.get("sortOrder", "descending")
    if sort_order not in ("ascending", "descending"):
        raise BadSearch("sortOrder must be in: ascending, descending")
    return Query(
        search_query=parameters.get("search_query", ""),
        id_list=parameters.get("id_list", ""),
        start=start,
        max_results=max_results,
        sort_by=sort_by,
        is_descending=sort_order == "descending",
    )


def _count(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, "").strip()
    if not text:
        return default
    try:
        count = int(text)
    except ValueError as error:
        raise BadSearch(f"{name} must be an integer") from error
    if count < 0:
        raise BadSearch(f"{name} must be non-negative")
    return count


def _find(query: Query, papers: Sequence[SamplePaper]) -> tuple[SamplePaper, ...]:
    """All that match, in the order asked for. A query and ids together mean papers that satisfy both."""
    matches = _parse(query.search_query) if query.search_query.strip() else None
    if query.id_list.strip():
        candidates = _with_ids(query.id_list.split(","), papers)
    else:
        candidates = current_versions(papers) if matches else ()
    found = [paper for paper in candidates if matches is None or matches(paper)]
    if query.sort_by == "relevance" and query.id_list.strip():
        return tuple(found)
    by_revision = query.sort_by == "lastUpdatedDate"
    found.sort(key=lambda paper: (paper.revised if by_revision else paper.submitted, paper.id))
    return tuple(reversed(found) if query.is_descending else found)


def current_versions(papers: Iterable[SamplePaper]) -> tuple[SamplePaper, ...]:
    """The newest version of each paper, in the order in which the papers come first."""
    newest: dict[str, SamplePaper] = {}
    for paper in papers:
        if paper.id not in newest or paper.version > newest[paper.id].version:
            newest[paper.id] = paper
    return tuple(newest.values())


def _with_ids(texts: Iterable[str], papers: Sequence[SamplePaper]) -> tuple[SamplePaper, ...]:
    """The papers with these ids, in the order of *texts*; an unknown id is left out, a malformed one is an error."""
    current = {paper.id: paper for paper in current_versions(papers)}
    versions = {(paper.id, paper.version): paper for paper in papers}
    found = []
    for paper_id in [_read_id(text.strip()) for text in texts]:
        if paper_id.version is None:
            found.append(current.get(paper_id.number))
        else:
            found.append(versions.get((paper_id.number, paper_id.version)))
    return tuple(paper for paper in found if paper)


def _read_id(text: str) -> PaperId:
    try:
        return PaperId.parse(text)
    except ValueError as error:
        if re.fullmatch(r"\d{4}\.\d{4,5}(?:v\d+)?", text):
            return PaperId(text)  # a month that never was: well-formed to arXiv, and unknown
        raise BadSearch(f"incorrect id format for {text}") from error


def _parse(text: str) -> _Matcher:
    tokens = _TOKEN.findall(text)
    matcher = _parse_or(tokens)
    if tokens:
        raise BadSearch(f"unexpected {tokens[0]} in search_query")
    return matcher


def _parse_or(tokens: list[str]) -> _Matcher:
    """Consumes as much of *tokens* as belongs to one expression."""
    options = [_parse_and(tokens)]
    while tokens and tokens[0] == "OR":
        tokens.pop(0)
        options.append(_parse_and(tokens))
    return lambda paper: any(option(paper) for option in options)


def _parse_and(tokens: list[str]) -> _Matcher:
    demands = [_parse_term(tokens)]
    while tokens and tokens[0] in ("AND", "ANDNOT"):
        operator = tokens.pop(0)
        demand = _parse_term(tokens)
        demands.append(demand if operator == "AND" else _negated(demand))
    return lambda paper: all(demand(paper) for demand in demands)


def _negated(matcher: _Matcher) -> _Matcher:
    return lambda paper: not matcher(paper)


def _parse_term(tokens: list[str]) -> _Matcher:
    if not tokens or tokens[0] == ")" or tokens[0] in _OPERATORS:
        raise BadSearch("search_query lacks a term")
    first = tokens.pop(0)
    if first != "(":
        return _range_matcher(first) if ":[" in first else _field_matcher(first)
    matcher = _parse_or(tokens)
    if not tokens or tokens.pop(0) != ")":
        raise BadSearch("search_query lacks a closing parenthesis")
    return matcher


def _range_matcher(term: str) -> _Matcher:
    match = _RANGE.fullmatch(term)
    if match is None or match["field"] not in ("submittedDate", "lastUpdatedDate"):
        raise BadSearch(f"incorrect range {term}")
    first, last = _read_moment(match["first"]), _read_moment(match["last"])
    if match["field"] == "submittedDate":
        return lambda paper: first <= paper.submitted <= last
    return lambda paper: first <= paper.revised <= last


def _read_moment(text: str) -> datetime:
    try:
        return datetime.strptime(text.ljust(12, "0"), "%Y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError as error:
        raise BadSearch(f"incorrect date {text}") from error


def _field_matcher(term: str) -> _Matcher:
    """A matcher for `cat:cs.LG`, `ti:"two words"` or a bare word, which stands for `all:`."""
    field, colon, text = term.partition(":")
    if not colon or term.startswith('"'):
        field, text = "all", term
    wanted = text.strip('"').replace("_", " ").casefold()
    if field == "cat":
        return lambda paper: any(fnmatchcase(category.casefold(), wanted) for category in paper.categories)
    if field not in _TEXTS:
        raise BadSearch(f"unknown field {field} in search_query")
    return lambda paper: any(wanted in text.casefold() for text in _texts_of(paper, field))


_TEXTS: Mapping[str, Callable[[SamplePaper], Sequence[str]]] = {
    "ti": lambda paper: [to_api_text(paper.title)],
    "abs": lambda paper: [to_api_text(" ".join(paper.paragraphs))],
    "au": lambda paper: [_full_name(writer) for writer in paper.writers],
    "co": lambda paper: [paper.comment or ""],
    "jr": lambda paper: [paper.journal_reference or ""],
    "id": lambda paper: [paper.id],
    "all": lambda paper: [text for field in ("ti", "abs", "au", "co", "jr") for text in _texts_of(paper, field)],
}


def _texts_of(paper: SamplePaper, field: str) -> Sequence[str]:
    return _TEXTS[field](paper)


def _full_name(writer: Writer) -> str:
    return to_api_text(f"{writer.given} {writer.family}".strip())


def _render(query: Query, found: Sequence[SamplePaper], now: datetime) -> bytes:
    page = found[query.start : query.start + query.max_results]
    counts = f"start={query.start}&max_results={query.max_results}"
    title = f"arXiv Query: search_query={query.search_query}&id_list={query.id_list}&{counts}"
    address = (
        f"https://arxiv.org/api/query?search_query={quote_plus(query.search_query, safe=':,')}"
        f"&{counts}&id_list={quote_plus(query.id_list, safe=':,/')}"
    )
    link = f'<link href="{escape_attribute(address)}" type="application/atom+xml"/>'
    return _feed(
        f"https://arxiv.org/api/{_fingerprint(title)}",
        title,
        now,
        (link, query.max_results, len(found), query.start),
        [line for paper in page for line in _render_entry(paper)],
    )


def _fingerprint(text: str) -> str:
    digest = hashlib.blake2b(text.encode(errors="replace"), digest_size=20).digest()
    return base64.b64encode(digest).decode().rstrip("=")


def _feed(
    feed_id: str, title: str, now: datetime, numbers: tuple[str | None, int, int, int], entries: list[str]
) -> bytes:
    link, per_page, total, start = numbers
    lines = [
        *element("id", feed_id),
        *element("title", title),
        *element("updated", _timestamp(now)),
        *([link] if link else []),
        f"<opensearch:itemsPerPage>{per_page}</opensearch:itemsPerPage>",
        f"<opensearch:totalResults>{total}</opensearch:totalResults>",
        f"<opensearch:startIndex>{start}</opensearch:startIndex>",
        *entries,
    ]
    return "\n".join([_OPEN, *(f"  {line}" for line in lines), _CLOSE]).encode()


def _render_entry(paper: SamplePaper) -> list[str]:
    versioned = f"{paper.id}v{paper.version}"
    lines = [
        *element("id", f"http://arxiv.org/abs/{versioned}"),
        *element("title", to_api_text(paper.title)),
        *element("updated", _timestamp(paper.revised)),
        f'<link href="https://arxiv.org/abs/{versioned}" rel="alternate" type="text/html"/>',
        f'<link href="https://arxiv.org/pdf/{versioned}" rel="related" type="application/pdf" title="pdf"/>',
        *element("summary", to_api_text("\n  ".join(paper.paragraphs))),
        *(f'<category term="{category}" scheme="http://arxiv.org/schemas/atom"/>' for category in paper.categories),
        *element("published", _timestamp(paper.submitted)),
        *element("arxiv:comment", paper.comment),
        f'<arxiv:primary_category term="{paper.primary_category}"/>',
        *element("arxiv:journal_ref", paper.journal_reference),
        *(line for writer in paper.writers for line in _render_author(writer)),
        *_render_doi(paper.doi),
    ]
    return ["<entry>", *(f"  {line}" for line in lines), "</entry>"]


def _render_author(writer: Writer) -> list[str]:
    affiliations = (to_api_text(affiliation) for affiliation in writer.affiliations)
    lines = [
        *element("name", _full_name(writer)),
        *(line for affiliation in affiliations for line in element("arxiv:affiliation", affiliation)),
    ]
    return ["<author>", *(f"  {line}" for line in lines), "</author>"]


def _render_doi(doi: str | None) -> list[str]:
    if doi is None:
        return []
    link = f'<link rel="related" href="https://doi.org/{escape_attribute(doi)}" title="doi"/>'
    return [*element("arxiv:doi", doi), link]


def _render_error(message: str, now: datetime) -> bytes:
    address = f"https://arxiv.org/api/errors#{message.replace(' ', '_')}"
    lines = [
        *element("id", address),
        "<title>Error</title>",
        *element("updated", _timestamp(now)),
        f'<link href="{escape_attribute(address)}" rel="alternate" type="text/html"/>',
        *element("summary", message),
        "<author>",
        "  <name>arXiv api core</name>",
        "</author>",
    ]
    entry = ["<entry>", *(f"  {line}" for line in lines), "</entry>"]
    return _feed("https://arxiv.org/", "arXiv Search Results", now, (None, 1, 1, 0), entry)


def _timestamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
