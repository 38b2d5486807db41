"""Papers and announce types as text and back."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.papers import AnnounceType, Author, Paper
from core.store.records import dump_paper, dump_types, parse_frequencies, parse_paper, parse_types
from tests.builders import paper

FULL = Paper(
    id="math.GT/0309136",
    version=4,
    title='0 "quoted" \\ Σ 🚀',
    authors=(Author("João Silva", "MIT, CSAIL"), Author("NVIDIA")),
    abstract="An abstract, a < b & c.",
    categories=("math.GT", "cs.LG"),
    raw_title="0\n  $\\Sigma$",
    raw_authors="Jo\\~ao Silva (MIT, CSAIL), NVIDIA",
    raw_abstract="An abstract,\n  $a < b$ \\& c.",
    licence="http://creativecommons.org/licenses/by/4.0/",
    doi="10.1000/182",
    journal_reference="J. Knots 1 (2003) 1-2",
    comment="12 pages, withdrawn",
    submitted=datetime(2003, 9, 8, 12, 0, 1, tzinfo=UTC),
    revised=datetime(2026, 3, 5, 0, 0, 0, 123456, tzinfo=UTC),
)

texts = st.text(st.characters(exclude_categories=["Cs"]))  # half characters come from no XML
moments = st.none() | st.datetimes(timezones=st.just(UTC))
papers = st.builds(
    Paper,
    id=texts,
    version=st.integers(1, 9999),
    title=texts,
    authors=st.lists(st.builds(Author, texts, st.none() | texts.filter(bool))).map(tuple),
    abstract=texts,
    categories=st.lists(texts, min_size=1).map(tuple),
    raw_title=texts,
    raw_authors=texts,
    raw_abstract=texts,
    licence=st.none() | texts,
    doi=st.none() | texts,
    journal_reference=st.none() | texts,
    comment=st.none() | texts,
    submitted=moments,
    revised=moments,
)


@pytest.mark.parametrize("stored", [paper(), FULL], ids=["what a feed tells", "every field"])
def test_a_paper_comes_back_as_it_was(stored: Paper) -> None:
    assert parse_paper(dump_paper(stored)) == stored


@given(papers)
def test_any_paper_comes_back_as_it_was(stored: Paper) -> None:
    assert parse_paper(dump_paper(stored)) == stored


def test_a_moment_comes_back_aware_whatever_its_offset() -> None:
    moment = datetime(2026, 3, 5, 0, 0, tzinfo=timezone(timedelta(hours=-5)))
    revised = parse_paper(dump_paper(paper(revised=moment))).revised
    assert (revised, revised and revised.utcoffset()) == (moment, timedelta(hours=-5))


def test_what_is_not_known_is_not_written_and_nothing_twice() -> None:
    known = {"id", "version", "title", "authors", "abstract", "categories"}
    assert set(json.loads(dump_paper(paper()))) == known


@pytest.mark.parametrize("raw", ["raw_title", "raw_authors", "raw_abstract"])
def test_a_raw_text_that_is_another_one_is_written(raw: str) -> None:
    fields = json.loads(dump_paper(paper(**{raw: "  "})))
    assert fields[raw] == "  "


def test_a_store_with_every_raw_text_is_read() -> None:
    plain = paper()
    raw = {name: getattr(plain, name) for name in ("raw_title", "raw_authors", "raw_abstract")}
    assert parse_paper(json.dumps(json.loads(dump_paper(plain)) | raw)) == plain


def test_equal_papers_give_equal_texts() -> None:
    assert dump_paper(FULL) == dump_paper(parse_paper(dump_paper(FULL)))


def test_a_field_of_a_later_version_is_ignored() -> None:
    fields = json.loads(dump_paper(FULL)) | {"citations": 3}
    assert parse_paper(json.dumps(fields)) == FULL


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("{}", id="no fields"),
        pytest.param("[]", id="a list"),
        pytest.param("null", id="null"),
        pytest.param(dump_paper(FULL)[:-1], id="cut off"),
        pytest.param(dump_paper(FULL).replace("2003-09-08", "2003-13-08"), id="no such month"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        parse_paper(text)


@given(
    st.dictionaries(st.sampled_from(["cs.LG", "cs.AI", "hep-th", "cond-mat.mtrl-sci"]), st.sampled_from(AnnounceType))
)
def test_announce_types_come_back_in_the_paper_s_order(types: dict[str, AnnounceType]) -> None:
    pairs = tuple(types.items())
    back = parse_types(dump_types(pairs))
    assert (back, [type(one) for _, one in back]) == (pairs, [AnnounceType] * len(pairs))


def test_an_announce_type_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="absonly"):
        parse_types('{"cs.LG": "absonly"}')


@pytest.mark.parametrize("text", ['[1, {"kernel": "x"}]', '[1, {"kernel": null}]', '["x", {}]', "[1]", "[1, 2]", "{"])
def test_word_counts_that_are_no_numbers_are_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        parse_frequencies(text, stream="cs", mailing=date(2026, 3, 5))
