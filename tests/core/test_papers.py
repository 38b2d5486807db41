"""Identifiers, addresses and announce types: the small laws of the values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.papers import (
    ANNOUNCE_TYPES,
    Announcement,
    AnnounceType,
    PaperId,
    best_announce_type,
    parse_citation,
)
from tests.builders import DAY, paper

NEW, CROSS, REPLACE, REPLACE_CROSS = ANNOUNCE_TYPES


@pytest.mark.parametrize(
    ("text", "number", "version"),
    [
        ("2401.01234", "2401.01234", None),
        ("2401.01234v2", "2401.01234", 2),
        ("2401.01234v12", "2401.01234", 12),
        ("0704.0001", "0704.0001", None),
        ("1412.9999v3", "1412.9999", 3),
        ("hep-th/9901001", "hep-th/9901001", None),
        ("astro-ph/0601001v1", "astro-ph/0601001", 1),
        ("math.GT/0309136v4", "math.GT/0309136", 4),
        ("cond-mat/9912345", "cond-mat/9912345", None),
    ],
)
def test_an_identifier_is_taken_apart_into_number_and_version(text: str, number: str, version: int | None) -> None:
    assert PaperId.parse(text) == PaperId(number, version)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("abc", id="a word"),
        pytest.param("2401.01234v0", id="version 0"),
        pytest.param("2401.01234v01", id="a version with a leading zero"),
        pytest.param("2401.01234v10000", id="a version nobody reaches"),
        pytest.param("2401.01234v", id="no version after v"),
        pytest.param("2401.01234V2", id="a capital v"),
        pytest.param("2413.01234", id="month 13"),
        pytest.param("2400.01234", id="month 0"),
        pytest.param("2401.012", id="too few digits"),
        pytest.param("2401.012345", id="too many digits"),
        pytest.param("hep-th/990100", id="too few digits, old style"),
        pytest.param("hep-th/9913001", id="month 13, old style"),
        pytest.param("HEP-TH/9901001", id="capital archive"),
        pytest.param("math.gt/0309136", id="small subject class"),
        pytest.param("9901001", id="no archive"),
        pytest.param(" 2401.01234", id="a blank before"),
        pytest.param("2401.01234\n", id="a line break behind"),
        pytest.param("2401.01234\x00", id="a zero byte behind"),
        pytest.param("arXiv:2401.01234", id="a prefix"),
        pytest.param("https://arxiv.org/abs/2401.01234", id="an address"),
        pytest.param("２４01.01234", id="digits that are not ASCII"),
        pytest.param("2401.01234/../../etc", id="a path"),
    ],
)
def test_anything_else_is_no_identifier(text: str) -> None:
    with pytest.raises(ValueError, match="is not an arXiv identifier"):
        PaperId.parse(text)


@pytest.mark.parametrize(
    "text", ["2401.01234v2", "arXiv:2401.01234v2", "arxiv:2401.01234v2", "ARXIV:2401.01234v2"], ids=str
)
def test_an_identifier_may_be_cited_with_arxiv_before_it_in_any_case(text: str) -> None:
    assert parse_citation(text) == PaperId("2401.01234", 2)


@pytest.mark.parametrize(
    ("text", "number"),
    [("HEP-TH/9901001", "hep-th/9901001"), ("math.GT/0309136v2", "math/0309136"), ("2401.01234V2", "2401.01234")],
    ids=str,
)
def test_an_identifier_may_be_cited_in_any_case_and_with_its_subject_class(text: str, number: str) -> None:
    assert parse_citation(text).number == number


@pytest.mark.parametrize(
    "text",
    [
        "https://arxiv.org/abs/2401.01234v2",
        "http://www.arxiv.org/pdf/2401.01234.pdf",
        "arxiv.org/html/2401.01234",
        "https://export.arxiv.org/abs/2401.01234",
        "https://arxiv.org/pdf/2401.01234V2.PDF#page=3",
        "https://arxiv.org/abs/2401.01234/?context=cs",
        "https://arxiv.org/html/2401.01234v1#S1",
    ],
)
def test_an_address_at_arxiv_cites_its_paper(text: str) -> None:
    assert parse_citation(text).number == "2401.01234"


@pytest.mark.parametrize(
    "text", ["https://arxiv.org/list/cs.AI/new", "https://example.org/abs/2401.01234", "2401.01234.pdf"]
)
def test_another_address_or_a_file_cites_none(text: str) -> None:
    with pytest.raises(ValueError, match="is not an arXiv identifier"):
        parse_citation(text)


@pytest.mark.parametrize("text", ["arXiv:", "arXiv: 2401.01234", "arXiv:arXiv:2401.01234", "arx\u0131v:2401.01234"])
def test_what_cites_no_identifier_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is not an arXiv identifier"):
        parse_citation(text)


@pytest.mark.parametrize(
    ("paper_id", "abs_url", "pdf_url", "html_url"),
    [
        (
            "2603.00001",
            "https://arxiv.org/abs/2603.00001",
            "https://arxiv.org/pdf/2603.00001",
            "https://arxiv.org/html/2603.00001v3",
        ),
        (
            "math.GT/0309136",
            "https://arxiv.org/abs/math.GT/0309136",
            "https://arxiv.org/pdf/math.GT/0309136",
            "https://arxiv.org/html/math.GT/0309136v3",
        ),
    ],
    ids=["new style", "old style, with its slash"],
)
def test_only_the_html_page_is_of_one_version(paper_id: str, abs_url: str, pdf_url: str, html_url: str) -> None:
    announced = paper(id=paper_id, version=3)
    assert (announced.abs_url, announced.pdf_url, announced.html_url) == (abs_url, pdf_url, html_url)


def test_the_primary_category_is_the_first_one() -> None:
    assert paper(categories=("stat.ML", "cs.LG")).primary_category == "stat.ML"


@given(st.lists(st.sampled_from(ANNOUNCE_TYPES), min_size=1))
def test_the_best_announce_type_is_the_earliest_of_new_cross_replace_and_replace_cross(
    types: list[AnnounceType],
) -> None:
    arxivs_order = ["new", "cross", "replace", "replace-cross"]
    assert best_announce_type(types).value == arxivs_order[min(arxivs_order.index(one.value) for one in types)]


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        (("cs.AI",), CROSS),
        (("cs.LG",), NEW),
        (("cs.AI", "cs.LG"), NEW),
        (("cs.CL", "cs.AI"), CROSS),
        (("cs.CL",), None),
        ((), None),
    ],
)
def test_the_best_type_of_an_announcement_depends_on_who_asks(
    categories: tuple[str, ...], expected: AnnounceType | None
) -> None:
    announcement = Announcement(DAY, "2603.00001", 1, (("cs.LG", NEW), ("cs.AI", CROSS)))
    assert announcement.best_type(categories) == expected
