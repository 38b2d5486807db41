from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest
from lxml import etree

from core.arxiv.query_api import SearchPage, parse_search_page
from demo.mailing import SamplePaper, Writer
from demo.search import answer
from demo.week import mailing_week
from tests.builders import DAY
from tests.shared_data import ARXIV, needs_recordings

ATOM = "{http://www.w3.org/2005/Atom}"
ARXIV_NAMESPACE = "{http://arxiv.org/schemas/atom}"
NOW = datetime(2026, 3, 5, 5, 0, 2, tzinfo=UTC)
PAPERS = tuple(listing.paper for mailing in mailing_week(DAY) for listing in mailing.listings)
EITHER = "(cat:cs.AI OR cat:cs.LG)"


def made(number: int, **changes: object) -> SamplePaper:
    moment = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=number)
    values: dict[str, object] = {
        "id": f"2603.9000{number}",
        "version": 1,
        "title": f"Paper {number}",
        "writers": (Writer("Lovelace", "Ada"),),
        "paragraphs": ("A kernel can be fast.",),
        "categories": ("cs.LG",),
        "submitted": moment,
        "revised": moment,
    }
    return SamplePaper(**{**values, **changes})  # type: ignore[arg-type]  # a test names the fields it changes


def ask(parameters: Mapping[str, str], papers: tuple[SamplePaper, ...] = PAPERS) -> SearchPage:
    page = answer(parameters, papers, NOW)
    assert page.status == 200
    return parse_search_page(page.body)


def ids(parameters: Mapping[str, str], papers: tuple[SamplePaper, ...] = PAPERS) -> list[str]:
    return [f"{paper.id}v{paper.version}" for paper in ask(parameters, papers).papers]


def test_a_category_finds_papers_that_are_only_crossed_to_it_too() -> None:
    papers = (made(1), made(2, categories=("cs.CL", "cs.LG")), made(3, categories=("cs.CL",)))
    assert ids({"search_query": "cat:cs.LG"}, papers) == ["2603.90002v1", "2603.90001v1"]


def test_the_window_of_a_back_fill_is_inclusive_and_the_newest_come_first() -> None:
    papers = tuple(made(number) for number in range(5))
    parameters = {
        "search_query": f"{EITHER} AND submittedDate:[202603020000 TO 202603040000]",
        "sortBy": "submittedDate",
        "sortOrder": "descending",
    }
    assert ids(parameters, papers) == ["2603.90003v1", "2603.90002v1", "2603.90001v1"]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("ti:1 OR ti:2", [1, 2]),
        ("ti:paper ANDNOT ti:2", [1, 3]),
        ("cat:cs.CL AND ti:1 OR ti:2", [2]),
        ("cat:cs.CL AND (ti:1 OR ti:3)", [3]),
        ("cat:cs.*", [1, 2, 3]),
        ('abs:"kernel can"', [1, 2]),
        ("au:ada_lovelace", [1, 2]),
        ("au:Sørensen", [3]),
        ("id:90003", [3]),
        ("kernel", [1, 2]),
        ("lastUpdatedDate:[20260303 TO 20260304]", [2, 3]),
    ],
)
def test_a_search_is_understood(query: str, numbers: list[int]) -> None:
    papers = (
        made(1),
        made(2),
        made(3, categories=("cs.CL",), writers=(Writer(r"S\o rensen", "Bo"),), paragraphs=("Nothing.",)),
    )
    found = ids({"search_query": query, "sortOrder": "ascending"}, papers)
    assert found == [f"2603.9000{number}v1" for number in numbers]


def test_every_page_is_a_slice_of_the_whole() -> None:
    query = {"search_query": EITHER, "sortBy": "submittedDate"}
    whole = ids({**query, "max_results": "2000"})
    pages = [ask({**query, "start": str(start), "max_results": "40"}) for start in range(0, len(whole), 40)]
    assert [f"{paper.id}v{paper.version}" for page in pages for paper in page.papers] == whole
    assert {page.total_results for page in pages} == {len(whole)}
    assert [page.start_index for page in pages] == list(range(0, len(whole), 40))


def test_ten_results_come_unless_more_are_asked_for() -> None:
    page = ask({"search_query": EITHER})
    assert len(page.papers) == 10
    assert page.total_results > 10


def test_a_page_beyond_the_end_is_empty_and_still_tells_the_total() -> None:
    page = ask({"search_query": "cat:cs.LG", "start": "1999"})
    assert page.papers == ()
    assert page.total_results > 0


def test_ids_come_in_the_order_asked_for_without_the_unknown() -> None:
    wanted = "2603.90002,2603.99999,0000.0000,2603.90001"
    assert ids({"id_list": wanted}, (made(1), made(2), made(3))) == ["2603.90002v1", "2603.90001v1"]


def test_an_id_means_the_newest_version_unless_it_names_one() -> None:
    papers = (made(1), made(1, version=2))
    assert ids({"id_list": "2603.90001"}, papers) == ["2603.90001v2"]
    assert ids({"id_list": "2603.90001v1"}, papers) == ["2603.90001v1"]
    assert ids({"id_list": "2603.90001v3"}, papers) == []


def test_a_query_and_ids_together_mean_both() -> None:
    papers = (made(1), made(2, categories=("cs.CL",)))
    assert ids({"search_query": "cat:cs.CL", "id_list": "2603.90001,2603.90002"}, papers) == ["2603.90002v1"]


def test_asking_for_nothing_finds_nothing() -> None:
    assert ask({}).total_results == 0


def test_all_papers_of_the_week_are_read_back_with_what_only_the_api_tells() -> None:
    wanted = {(paper.id, paper.version): paper for paper in PAPERS}
    id_list = ",".join(f"{number}v{version}" for number, version in wanted)
    page = ask({"id_list": id_list, "max_results": "2000"})
    assert len(page.papers) == len(wanted)
    assert page.rejected == ()
    for paper in page.papers:
        sample = wanted[paper.id, paper.version]
        assert (paper.submitted, paper.revised) == (sample.submitted, sample.revised)
        assert (paper.comment, paper.doi) == (sample.comment, sample.doi)
        assert (paper.journal_reference, paper.categories) == (sample.journal_reference, sample.categories)


def test_accents_are_unicode_and_hard_wraps_gone_while_paragraphs_stay() -> None:
    paper = made(1, title=r"Na\"ive", paragraphs=("word " * 30 + "end.", "Second."), is_hard_wrapped=True, version=1)
    entry = etree.fromstring(answer({"id_list": paper.id}, [paper], NOW).body).find(f"{ATOM}entry")
    assert entry is not None
    assert entry.findtext(f"{ATOM}title") == "Naïve"
    assert entry.findtext(f"{ATOM}summary") == "word " * 30 + "end.\n  Second."


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"id_list": "abc"}, "incorrect id format for abc"),
        ({"id_list": "2603.90001,abc"}, "incorrect id format for abc"),
        ({"search_query": "cat:cs.LG", "max_results": "many"}, "max_results must be an integer"),
        ({"search_query": "cat:cs.LG", "start": "-1"}, "start must be non-negative"),
        ({"search_query": "cat:cs.LG", "max_results": "2001"}, "max_results must be at most 2000"),
        ({"search_query": "cat:cs.LG", "start": "29999"}, "max_results must be at most 2000 and start"),
        ({"search_query": "cat:cs.LG", "sortBy": "size"}, "sortBy must be in: "),
        ({"search_query": "cat:cs.LG", "sortOrder": "up"}, "sortOrder must be in: "),
        ({"search_query": "(cat:cs.LG"}, "search_query lacks a closing parenthesis"),
        ({"search_query": "cat:cs.LG AND"}, "search_query lacks a term"),
        ({"search_query": "cat:cs.LG cat:cs.AI"}, "unexpected cat:cs.AI in search_query"),
        ({"search_query": "submittedDate:[yesterday TO today]"}, "incorrect range "),
        ({"search_query": "submittedDate:[20260231 TO 20260301]"}, "incorrect date 20260231"),
        ({"search_query": "colour:red"}, "unknown field colour in search_query"),
    ],
)
def test_what_arxiv_would_refuse_is_an_error_entry_with_status_400(parameters: dict[str, str], message: str) -> None:
    page = answer(parameters, PAPERS, NOW)
    entry = etree.fromstring(page.body).find(f"{ATOM}entry")
    assert page.status == 400
    assert entry is not None
    assert (entry.findtext(f"{ATOM}summary") or "").startswith(message)
    assert (entry.findtext(f"{ATOM}id") or "").startswith("https://arxiv.org/api/errors#")


def read_paper(entry: etree._Element) -> SamplePaper:
    """The paper that our serialiser needs to write a recorded entry again."""
    paper_id, version = (entry.findtext(f"{ATOM}id") or "").removeprefix("http://arxiv.org/abs/").rsplit("v", 1)
    return made(
        0,
        id=paper_id,
        version=int(version),
        title=entry.findtext(f"{ATOM}title"),
        writers=tuple(read_writer(author) for author in entry.iterfind(f"{ATOM}author")),
        paragraphs=((entry.findtext(f"{ATOM}summary") or ""),),
        categories=tuple(category.get("term") for category in entry.iterfind(f"{ATOM}category")),
        submitted=datetime.fromisoformat(entry.findtext(f"{ATOM}published") or ""),
        revised=datetime.fromisoformat(entry.findtext(f"{ATOM}updated") or ""),
        comment=entry.findtext(f"{ARXIV_NAMESPACE}comment"),
        doi=entry.findtext(f"{ARXIV_NAMESPACE}doi"),
        journal_reference=entry.findtext(f"{ARXIV_NAMESPACE}journal_ref"),
    )


def read_writer(author: etree._Element) -> Writer:
    affiliations = tuple(part.text or "" for part in author.iterfind(f"{ARXIV_NAMESPACE}affiliation"))
    return Writer(author.findtext(f"{ATOM}name") or "", affiliations=affiliations)


def recorded_parameters(root: etree._Element) -> dict[str, str]:
    link = root.find(f"{ATOM}link")
    if link is None:
        return {"id_list": "abc"}  # the recorded error says only what was wrong
    return dict(parse_qsl((link.get("href") or "").split("?", 1)[1]))


@needs_recordings
@pytest.mark.parametrize(
    "name",
    [
        "api_cs.LG_OR_cs.AI_2026-04-30.xml",
        "api_id_1707.08567.xml",
        "api_idlist_one_bad_one_good.xml",
        "api_oldstyle_astro-ph_0601001.xml",
        "api_empty_unknown_id.xml",
        "api_error_incorrect_id.xml",
    ],
)
def test_a_recorded_page_is_written_again_line_by_line(name: str) -> None:
    """All but the fingerprint in the feed's id, and the total of all papers that arXiv has."""
    recorded = (ARXIV / name).read_bytes()
    root = etree.fromstring(recorded)
    papers = [read_paper(entry) for entry in root.iter(f"{ATOM}entry") if "errors" not in str(entry.findtext("{*}id"))]
    now = datetime.fromisoformat(root.findtext(f"{ATOM}updated") or "")
    ours = answer({**recorded_parameters(root), "sortBy": "submittedDate"}, papers, now)
    assert _comparable(ours.body) == _comparable(recorded)


def _comparable(body: bytes) -> list[str]:
    lines = body.decode().splitlines()
    return [line for line in lines if not line.startswith(("  <id>https://arxiv.org/api/", "  <opensearch:total"))]
