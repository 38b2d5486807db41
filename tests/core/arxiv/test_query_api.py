"""The query API's pages from both of its serialisers, its errors, and the addresses that ask for them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.arxiv.announced import Rejected
from core.arxiv.query_api import Search, SearchPage, build_search_url, build_window_query, parse_search_page
from core.errors import SourceMalformed
from core.papers import Author, Paper
from tests.core.arxiv.documents import api_entry, api_page, atom_feed
from tests.shared_data import ARXIV, needs_recordings

BASE = "https://export.arxiv.org/api/query"

OLD_STYLE = b"""<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
  <title type="html">ArXiv Query: search_query=au:lovelace&amp;id_list=&amp;start=0&amp;max_results=10</title>
  <opensearch:totalResults xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">31</opensearch:totalResults>
  <opensearch:startIndex xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">10</opensearch:startIndex>
  <entry>
    <id>http://arxiv.org/abs/math.GT/0309136v2</id>
    <updated>2003-09-09T02:22:45Z</updated>
    <published>2003-09-08T22:22:45-04:00</published>
    <title>Knots
  and links</title>
    <summary>  Some knots are
links.
</summary>
    <author>
      <name>Ada Lovelace</name>
      <arxiv:affiliation xmlns:arxiv="http://arxiv.org/schemas/atom">LRI</arxiv:affiliation>
      <arxiv:affiliation xmlns:arxiv="http://arxiv.org/schemas/atom">IBISC</arxiv:affiliation>
    </author>
    <author><name>:</name></author>
    <arxiv:doi xmlns:arxiv="http://arxiv.org/schemas/atom">10.1000/182</arxiv:doi>
    <arxiv:comment xmlns:arxiv="http://arxiv.org/schemas/atom">10 pages,
 2 figures</arxiv:comment>
    <arxiv:journal_ref xmlns:arxiv="http://arxiv.org/schemas/atom">J. Knots 1 (2003)</arxiv:journal_ref>
    <arxiv:primary_category xmlns:arxiv="http://arxiv.org/schemas/atom" term="math.GT"/>
    <category term="math.AT" scheme="http://arxiv.org/schemas/atom"/>
    <category term="math.GT" scheme="http://arxiv.org/schemas/atom"/>
    <category term="57M25" scheme="http://arxiv.org/schemas/atom"/>
  </entry>
</feed>"""


def recorded(name: str) -> SearchPage:
    return parse_search_page((ARXIV / name).read_bytes())


def manifest() -> list[dict[str, Any]]:
    """The recorded pages, each with what is known of it; empty where there are none."""
    path = ARXIV / "MANIFEST.json"
    files: list[dict[str, Any]] = json.loads(path.read_text())["files"] if path.exists() else []
    return [entry for entry in files if entry["kind"] == "api" and "error" not in entry["file"]]


def test_a_page_of_the_old_serialiser_is_read() -> None:
    assert parse_search_page(OLD_STYLE) == SearchPage(
        total_results=31,
        start_index=10,
        papers=(
            Paper(
                id="math.GT/0309136",
                version=2,
                title="Knots and links",
                authors=(Author("Ada Lovelace", "LRI, IBISC"),),
                abstract="Some knots are links.",
                categories=("math.GT", "math.AT"),
                raw_title="Knots\n  and links",
                raw_authors="Ada Lovelace",
                raw_abstract="  Some knots are\nlinks.\n",
                doi="10.1000/182",
                journal_reference="J. Knots 1 (2003)",
                comment="10 pages, 2 figures",
                submitted=datetime(2003, 9, 9, 2, 22, 45, tzinfo=UTC),
                revised=datetime(2003, 9, 9, 2, 22, 45, tzinfo=UTC),
            ),
        ),
        rejected=(),
    )


def test_a_page_of_the_new_serialiser_is_read() -> None:
    (paper,) = parse_search_page(api_page(api_entry(comment="Accepted"))).papers
    assert (
        paper.id,
        paper.version,
        paper.categories,
        paper.comment,
        paper.authors,
        paper.submitted,
        paper.revised,
    ) == (
        "2603.00001",
        2,
        ("cs.LG", "cs.AI"),
        "Accepted",
        (Author("João Silva"),),
        datetime(2026, 3, 1, 18, 0, 5, tzinfo=UTC),
        datetime(2026, 3, 4, 9, 30, tzinfo=UTC),
    )


def test_a_page_without_entries_has_no_papers() -> None:
    assert parse_search_page(api_page(total="214881")) == SearchPage(214_881, 0, (), ())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": None}, "it has no id"),
        ({"title": None}, "it has no title"),
        ({"summary": None}, "it has no abstract"),
        ({"categories": (), "primary": None}, "it has no category"),
    ],
    ids=["id", "title", "abstract", "category"],
)
def test_an_entry_that_lacks_a_part_is_rejected_and_the_next_one_is_read(changes: dict[str, Any], reason: str) -> None:
    page = parse_search_page(api_page(api_entry(**changes), api_entry()))
    assert ([rejected.reason for rejected in page.rejected], len(page.papers)) == ([reason], 1)


def test_a_rejected_entry_is_named_by_what_it_has() -> None:
    page = parse_search_page(api_page(api_entry(id=None, title="Knots"), api_entry(id=None, title=None)))
    assert page.rejected == (Rejected("Knots", "it has no id"), Rejected("entry 2", "it has no id"))


def test_a_date_that_cannot_be_read_is_unknown() -> None:
    (paper,) = parse_search_page(api_page(api_entry(published="soon", updated=None))).papers
    assert (paper.submitted, paper.revised) == (None, None)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_error_entry_raises_arxivs_message(scheme: str) -> None:
    entry = api_entry(
        id=f"{scheme}://arxiv.org/api/errors#incorrect_id_format_for_x", summary="incorrect id format for x"
    )
    with pytest.raises(SourceMalformed, match="arXiv says: incorrect id format for x"):
        parse_search_page(api_page(entry))


def test_an_error_feed_raises_arxivs_message() -> None:
    with pytest.raises(SourceMalformed, match="arXiv says: Bad query"):
        parse_search_page(atom_feed(title="Feed error for query: x", subtitle="Bad query"))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<rss><channel/></rss>", id="RSS"),
        pytest.param(atom_feed(), id="another Atom feed"),
        pytest.param(api_page(total=None), id="no total"),
        pytest.param(api_page(start="first"), id="no number"),
        pytest.param(api_page(total="-1"), id="negative"),
        pytest.param(api_page(total="9" * 5_000), id="huge"),
        pytest.param(api_page("<entry/>" * 2_001), id="too many"),
    ],
)
def test_what_is_no_page_of_the_query_api_is_refused(body: bytes) -> None:
    with pytest.raises(SourceMalformed):
        parse_search_page(body)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_damaged_page_is_refused_or_read(data: st.DataObject) -> None:
    damaged = bytearray(data.draw(st.sampled_from([OLD_STYLE, api_page(api_entry(), api_entry())])))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place : place + data.draw(st.integers(0, 12))] = data.draw(st.binary(max_size=12))
    try:
        page = parse_search_page(bytes(damaged))
    except SourceMalformed:
        return
    assert len(page.papers) + len(page.rejected) <= 2


def test_an_address_says_everything_that_was_asked() -> None:
    search = Search(
        query="cat:cs.LG AND submittedDate:[202603010000 TO 202603022359]",
        ids=("2603.00001", "hep-th/9901001v2"),
        start=100,
        max_results=50,
        sort_by="lastUpdatedDate",
        sort_order="ascending",
    )
    address = urlsplit(build_search_url(BASE, search))
    assert (address._replace(query="").geturl(), parse_qs(address.query)) == (
        BASE,
        {
            "search_query": ["cat:cs.LG AND submittedDate:[202603010000 TO 202603022359]"],
            "id_list": ["2603.00001,hep-th/9901001v2"],
            "start": ["100"],
            "max_results": ["50"],
            "sortBy": ["lastUpdatedDate"],
            "sortOrder": ["ascending"],
        },
    )


@pytest.mark.parametrize(
    "search",
    [
        Search(),
        Search(query="cat:cs.LG", start=-1),
        Search(query="cat:cs.LG", max_results=0),
        Search(query="cat:cs.LG", max_results=2001),
    ],
    ids=["nothing", "negative start", "no results", "too many results"],
)
def test_an_address_that_arxiv_would_refuse_is_not_built(search: Search) -> None:
    with pytest.raises(ValueError, match="asks for nothing, or for a page outside"):
        build_search_url(BASE, search)


@pytest.mark.parametrize(
    ("categories", "by", "query"),
    [
        (("cs.LG",), "submitted", "cat:cs.LG AND submittedDate:[202603010000 TO 202603022359]"),
        (("cs.LG",), "revised", "cat:cs.LG AND lastUpdatedDate:[202603010000 TO 202603022359]"),
        (
            ("cs.AI", "hep-th", "cs.LG"),
            "submitted",
            "(cat:cs.AI OR cat:hep-th OR cat:cs.LG) AND submittedDate:[202603010000 TO 202603022359]",
        ),
    ],
    ids=["submitted", "revised", "several categories"],
)
def test_a_window_is_asked_for_by_its_categories_and_its_minutes(
    categories: tuple[str, ...], by: Literal["submitted", "revised"], query: str
) -> None:
    first, last = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, 23, 59, 59, 999_999, tzinfo=UTC)
    assert build_window_query(categories, first, last, by=by) == query


def test_a_window_is_asked_for_in_greenwich_time() -> None:
    eastern = timezone(timedelta(hours=-5))
    first, last = datetime(2026, 3, 1, 14, 0, tzinfo=eastern), datetime(2026, 3, 2, 23, 30, tzinfo=eastern)
    assert build_window_query(("cs.LG",), first, last, by="submitted").endswith("[202603011900 TO 202603030430]")


def test_a_window_goes_into_the_address_as_arxiv_writes_it() -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    query = build_window_query(("cs.AI", "cs.LG"), moment, moment, by="submitted")
    assert build_search_url(BASE, Search(query=query)).partition("&")[0] == (
        f"{BASE}?search_query=%28cat:cs.AI+OR+cat:cs.LG%29+AND+submittedDate:%5B202603010000+TO+202603010000%5D"
    )


@needs_recordings
@pytest.mark.parametrize("known", manifest(), ids=lambda entry: entry["file"])
def test_a_recorded_page_is_read_whole(known: dict[str, Any]) -> None:
    page = recorded(known["file"])
    assert (len(page.papers), page.rejected) == (known["entries"], ())
    assert all(paper.authors and paper.submitted and paper.revised for paper in page.papers)


@needs_recordings
@pytest.mark.parametrize(("start", "count"), [(0, 10), (10, 10), (20, 10), (0, 15)])
def test_a_recorded_page_is_a_slice_of_the_long_one(start: int, count: int) -> None:
    page = recorded(f"api_page_testing_s{start}_m{count}.xml")
    everything = recorded("api_page_testing_s0_m100.xml")
    assert (page.start_index, page.papers) == (start, everything.papers[start : start + count])


@needs_recordings
def test_a_recorded_paper_of_2006_has_everything_the_api_knows() -> None:
    (paper,) = recorded("api_oldstyle_astro-ph_0601001.xml").papers
    assert (paper.id, paper.version, paper.categories, paper.journal_reference, paper.submitted) == (
        "astro-ph/0601001",
        1,
        ("astro-ph",),
        "ActaAstron.56:1-50,2006",
        datetime(2006, 1, 2, 14, 57, 58, tzinfo=UTC),
    )
    assert [(author.name, author.affiliation) for author in paper.authors] == [
        ("Andrew Gould", "Ohio State"),
        ("Susan Dorsher", "Ohio State"),
        ("B. Scott Gaudi", "CfA"),
        ("Andrzej Udalski", "Warsaw University Observatory"),
    ]


@needs_recordings
def test_the_recorded_error_is_refused_with_its_message() -> None:
    with pytest.raises(SourceMalformed, match="arXiv says: incorrect id format for abc"):
        recorded("api_error_incorrect_id.xml")
