"""What is fuzzed: for each target bytes -> nothing, or an exception where they show a mistake of ours.

A mistake is every exception but the documented ones, more than a second of this processor's time, and a form that does
not lead back to what it was made of. Nothing here needs atheris, so that the tests can hold every kept input.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl

from lxml import etree
from pydantic import ValidationError

from api.selection import FeedParameters, feed_addresses, parse_selection
from core.arxiv.query_api import parse_search_page
from core.arxiv.rss import parse_announcements
from core.catalogue import Feed, Item
from core.config import Config, parse_config
from core.errors import BadQuery, QueryMistake, SourceMalformed, UnknownScope
from core.feeds.json_feed import render_json_feed
from core.feeds.rss_atom import render_atom, render_rss
from core.index import PaperIndex
from core.papers import AnnounceType, Paper
from core.query import MAX_CHARACTERS, Node, canonical, parse_entry, parse_query
from core.scoring import Score
from core.store.records import dump_paper, parse_paper
from core.tex import to_unicode

FOLDER = Path(__file__).resolve().parent
CORPUS = FOLDER / "corpus"
LONGEST_SECONDS = 1.0
_MOST_RENDERED = 3  # papers of one input; every one is parsed
_MOMENT = datetime(2026, 3, 5, 5, 0, tzinfo=UTC)
_LONG_ENOUGH = 20 * MAX_CHARACTERS  # for a canonical form, which may be longer than what it was made of


class Mistake(AssertionError):
    """An input that the code under test treats wrongly; the message says how."""


@dataclass(frozen=True, slots=True)
class Target:
    """Something to fuzz: *check* raises for a mistake, *dictionary* names a file of words to put inputs together of."""

    name: str
    check: Callable[[bytes], None]
    dictionary: str

    @property
    def corpus(self) -> Path:
        return CORPUS / self.name

    @property
    def dictionary_file(self) -> Path:
        return FOLDER / "dictionaries" / f"{self.dictionary}.txt"

    def run(self, data: bytes) -> None:
        """Raises what *check* raises, and Mistake where it takes too long."""
        started = time.thread_time()
        self.check(data)
        took = time.thread_time() - started
        if took > LONGEST_SECONDS:
            raise Mistake(f"{len(data)} bytes took {took:.1f} seconds")


def check_announcements(data: bytes) -> None:
    """The announcement feeds, RSS and Atom: every paper that is read can be kept, and shown in every format."""
    try:
        feed = parse_announcements(data)
    except SourceMalformed:
        return
    _check_papers([entry.paper for entry in feed.entries])


def check_search_page(data: bytes) -> None:
    """The answers of the query API."""
    try:
        page = parse_search_page(data)
    except SourceMalformed:
        return
    _check_papers(page.papers)


def _check_papers(papers: Sequence[Paper]) -> None:
    for paper in papers:
        if not (paper.id and paper.version >= 1 and paper.categories and paper.raw_title.strip()):
            raise Mistake(f"{paper} lacks what no paper is without")
        if parse_paper(dump_paper(paper)) != paper:
            raise Mistake(f"{paper} does not come back from the store as it was")
    if papers:
        _check_documents(tuple(map(_item, papers[:_MOST_RENDERED])))


def _check_documents(items: tuple[Item, ...]) -> None:
    feed = Feed(
        title="Fuzzing",
        description="Papers of the fuzzer.",
        addresses=feed_addresses("https://feeds.example", "default"),
        updated=_MOMENT,
        items=items,
    )
    for render in (render_rss, render_atom):
        etree.fromstring(render(feed), etree.XMLParser(recover=False, resolve_entities=False, no_network=True))
    render_json_feed(feed).decode("utf-8")


def _item(paper: Paper) -> Item:
    return Item(
        paper=paper,
        guid=paper.abs_url,
        link=paper.abs_url,
        mailing=date(2026, 3, 5),
        published=_MOMENT,
        updated=_MOMENT,
        announce_type=AnnounceType.NEW,
        announce_types=tuple((category, AnnounceType.NEW) for category in paper.categories),
        score=Score(0.0, ()),
    )


def check_query(data: bytes) -> None:
    """The query language, as an address and as an entry of config.json: a tree that its canonical form leads back to,
    and that finds the same papers; else a mistake with a column that there is.
    """
    text = data.decode("utf-8", "replace")
    for parse in (parse_query, parse_entry):
        try:
            node = parse(text)
        except QueryMistake as mistake:
            if not 1 <= mistake.column <= max(len(text), MAX_CHARACTERS) + 1:
                raise Mistake(f"column {mistake.column} of {len(text)}: {mistake.reason}") from mistake
            continue
        _check_forms(node)


def _check_forms(node: Node) -> None:
    form = canonical(node)
    again = canonical(parse_query(str(form), max_characters=_LONG_ENOUGH))
    if not form == canonical(form) == again:
        raise Mistake(f"{form!s} is read as {again!s}")
    index = _index()
    found = [set(index.evaluate(one)) for one in (node, form)]
    if found[0] != found[1]:
        raise Mistake(f"{node!s} and its canonical form {form!s} find different papers")


@cache
def _index() -> PaperIndex:
    return PaperIndex(list(_papers()))


def _papers() -> Iterator[Paper]:
    texts = (
        ("Speculative decoding for LLMs", "A KV-cache kernel can be fast and naïve."),
        ("Quantum quantization in C++", "We survey 注意 and attention; a b c d e f."),
        ("a", "0 1 ti au İstanbul Straße"),
    )
    for number, (title, abstract) in enumerate(texts, start=1):
        yield Paper(
            id=f"2603.{number:05}",
            version=1,
            title=title,
            authors=(),
            abstract=abstract,
            categories=("cs.LG",),
            raw_title=title,
            raw_authors="",
            raw_abstract=abstract,
        )


def check_selection(data: bytes) -> None:
    """The parameters of a feed, the scope first: `cs.AI+cs.LG?q=llm`. The canonical address is that of the same."""
    scope, _, query = data.decode("utf-8", "replace").partition("?")
    config = _config()
    try:
        parameters = FeedParameters.model_validate(dict(parse_qsl(query, keep_blank_values=True)))
        selection = parse_selection(scope, parameters, config, limit=parameters.limit)
    except (BadQuery, UnknownScope, ValidationError):
        return
    told = FeedParameters.model_validate(dict(parse_qsl(selection.parameters, keep_blank_values=True)))
    again = parse_selection(selection.scope, told, config, limit=told.limit)
    if again != selection:
        raise Mistake(f"{selection.parameters!r} is read as {again.parameters!r}")


@cache
def _config() -> Config:
    return parse_config('{"categories": ["cs.AI", "cs.LG"], "keywords": ["LLM"], "exclude_keywords": ["survey"]}')


def check_tex(data: bytes) -> None:
    """TeX -> Unicode: one trimmed line, whatever comes."""
    text = to_unicode(data.decode("utf-8", "replace"))
    if text != " ".join(text.split()):
        raise Mistake(f"{text!r} is not one trimmed line")


TARGETS = (
    Target("rss", check_announcements, "xml"),
    Target("atom", check_announcements, "xml"),
    Target("query_api", check_search_page, "xml"),
    Target("query", check_query, "query"),
    Target("selection", check_selection, "query"),
    Target("tex", check_tex, "tex"),
)
