"""What is let through as XML, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.arxiv.xml import children_of, line_of, parse_xml, text_of
from core.errors import SourceMalformed

LAUGHS = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]>
<rss><channel><title>&d;</title></channel></rss>"""


def test_the_text_of_a_child_comes_as_it_stands() -> None:
    children = children_of(parse_xml(b"<a><b> two\n  lines &amp; more </b></a>"))
    assert text_of(children, "b") == " two\n  lines & more "


def test_a_missing_child_is_not_an_empty_one() -> None:
    children = children_of(parse_xml(b"<a><b/></a>"))
    assert (text_of(children, "b"), text_of(children, "c")) == ("", None)


def test_a_line_has_single_blanks_and_nothing_is_none() -> None:
    children = children_of(parse_xml(b"<a><b> two\n  lines </b><c> \n </c></a>"))
    assert (line_of(children, "b"), line_of(children, "c")) == ("two lines", None)


def test_comments_instructions_and_nested_elements_do_not_cut_a_text() -> None:
    children = children_of(parse_xml(b"<a><b>one <!-- x -->two <?y z?><i>three</i> <![CDATA[<four>]]></b></a>"))
    assert text_of(children, "b") == "one two three <four>"


@pytest.mark.parametrize(
    "character",
    [b"\x00", b"\x01", b"\x0b", b"\x1f", b"\xef\xbf\xbe", b"&#1;", b"&#x1F;", b"&#xD800;", b"&#65535;"],
    ids=repr,
)
def test_characters_that_xml_forbids_cost_nothing_but_themselves(character: bytes) -> None:
    children = children_of(parse_xml(b"<a><b>be" + character + b"fore</b></a>"))
    assert text_of(children, "b") == "before"


@pytest.mark.parametrize(
    ("written", "read"),
    [("&#233;", "é"), ("&#x1F600;", "😀"), ("\x85", "\x85"), ("\u200b", "\u200b"), ("\ufeff", "\ufeff"), ("\t", "\t")],
)
def test_odd_characters_that_xml_allows_stay(written: str, read: str) -> None:
    children = children_of(parse_xml(f"<a><b>x{written}x</b></a>".encode()))
    assert text_of(children, "b") == f"x{read}x"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b" \n ", id="blank"),
        pytest.param(b"not XML", id="text"),
        pytest.param(b'{"a": 1}', id="json"),
        pytest.param(b"<a><b></a>", id="crossed tags"),
        pytest.param(b"<a><b>cut o", id="cut off"),
        pytest.param(b"<a>&nbsp;</a>", id="unknown entity"),
        pytest.param(b"<a>&#99999999999;</a>", id="impossible character"),
        pytest.param(b"<a>&#x110000;&#</a>", id="unfinished reference"),
        pytest.param(b"<a>\xe9</a>", id="not UTF-8"),
        pytest.param("<a>é</a>".encode("utf-16"), id="UTF-16"),
        pytest.param(b"<?xml version='1.0' encoding='no-such'?><a/>", id="unknown encoding"),
        pytest.param(b"<a></a><b></b>", id="two roots"),
        pytest.param(b"<a>" * 100_000 + b"</a>" * 100_000, id="too deep"),
        pytest.param(b"\x1f\x8b\x08\x00", id="gzip"),
    ],
)
def test_what_is_not_whole_and_plain_xml_is_refused(body: bytes) -> None:
    with pytest.raises(SourceMalformed):
        parse_xml(body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(LAUGHS.encode(), id="billion laughs"),
        pytest.param(LAUGHS.encode("utf-16"), id="billion laughs in UTF-16"),
        pytest.param(b"<!DOCTYPE rss><rss/>", id="plain document type"),
        pytest.param(b"<rss/><!DOCTYPE rss>", id="document type at the end"),
        pytest.param(b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE rss+AD4-<rss/>', id="hidden in UTF-7"),
    ],
)
def test_document_types_are_refused(body: bytes) -> None:
    with pytest.raises(SourceMalformed):
        parse_xml(body)


def test_no_file_is_read_through_an_entity(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("canary")
    body = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]><a>&x;</a>'
    with pytest.raises(SourceMalformed) as raised:
        parse_xml(body.encode())
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize(
    "page",
    [
        b"<!DOCTYPE html><html><body>Are you human?</body></html>",
        b"\xef\xbb\xbf \n<!-- x --><HTML><p>captcha",
        b"<html/>",
    ],
    ids=["doctype", "comment first", "well-formed"],
)
def test_a_web_page_is_called_one(page: bytes) -> None:
    with pytest.raises(SourceMalformed, match="web page"):
        parse_xml(page)


def test_many_comments_before_something_else_take_no_time() -> None:
    with pytest.raises(SourceMalformed):
        parse_xml(b"<!---->" * 5_000 + b"<")
