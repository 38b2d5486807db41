from __future__ import annotations

import locale
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import feedparser
import pytest

from core.catalogue import Feed
from core.feeds.content import build_content
from core.feeds.rss_atom import render_atom, render_rss
from core.papers import Author
from tests.builders import feed, item, paper
from tests.core.feeds.rules import (
    ARXIV,
    ATOM,
    CONTENT,
    DUBLIN_CORE,
    Reading,
    atom_breaches,
    parse_strictly,
    rss_breaches,
)
from tests.core.feeds.samples import week

Render = Callable[[Feed], bytes]

both = pytest.mark.parametrize("render", [render_rss, render_atom], ids=["rss", "atom"])
BREACHES: dict[Render, Callable[[bytes], list[str]]] = {render_rss: rss_breaches, render_atom: atom_breaches}

FEEDS = {
    "one paper": feed(),
    "a week": week(),
    "empty": feed(items=()),
    "nobody wrote it": feed(items=(item(paper=paper(authors=())), item(guid="https://arxiv.org/abs/2603.00001v2"))),
    "nothing left of the texts": feed(
        title="\x00", description="", items=(item(paper=paper(title="\ud800", authors=(Author("\x00"),), abstract="")),)
    ),
}


def read(document: bytes) -> Any:
    """*document* as feedparser reads it by default: HTML sanitised, addresses resolved."""
    parsed = feedparser.parse(document)
    assert not parsed.bozo
    return parsed


def seen(html: str) -> tuple[list[str], list[str]]:
    reading = Reading(html)
    return reading.paragraphs, reading.links


def at(parsed_time: time.struct_time) -> datetime:
    return datetime(*parsed_time[:6], tzinfo=UTC)


@both
@pytest.mark.parametrize("listed", FEEDS.values(), ids=list(FEEDS))
def test_no_rule_is_breached(render: Render, listed: Feed) -> None:
    assert BREACHES[render](render(listed)) == []


@both
def test_a_reader_gets_back_the_papers_in_their_order(render: Render) -> None:
    entries = read(render(week())).entries
    assert [(entry.id, entry.link, entry.title, [tag.term for tag in entry.tags]) for entry in entries] == [
        (
            "https://arxiv.org/abs/2603.00001",
            "https://arxiv.org/abs/2603.00001",
            "Paged Attention for Everyone",
            ["cs.LG", "cs.AI"],
        ),
        (
            "https://arxiv.org/abs/2602.01234v3",
            "https://arxiv.org/abs/2602.01234",
            "Bounds for $a< b$ & R&D: < i>not< /i> a tag",
            ["cs.LG", "stat.ML"],
        ),
        (
            "https://arxiv.org/abs/math.GT/0309136",
            "https://arxiv.org/abs/math.GT/0309136",
            "0",
            ["math.GT", "cs.LG"],
        ),
    ]


@both
def test_a_reader_gets_back_what_the_feed_says_of_itself(render: Render) -> None:
    told = read(render(week())).feed
    assert (told.title, told.link, told.subtitle, told.language, at(told.updated_parsed)) == (
        "arXiv: default",
        "https://feeds.example/",
        "Sample data, not from arXiv. Papers of cs.LG that match attention or LLM.",
        "en",
        datetime(2026, 3, 5, 5, tzinfo=UTC),
    )


@both
def test_a_reader_gets_back_the_whole_content_and_when_it_was_published(render: Render) -> None:
    entries = read(render(week())).entries
    assert [(seen(entry.content[0].value), at(entry.published_parsed)) for entry in entries] == [
        (seen(build_content(listed)), listed.published) for listed in week().items
    ]


@both
def test_every_category_names_arxiv_s_scheme(render: Render) -> None:
    assert {tag.scheme for entry in read(render(week())).entries for tag in entry.tags} == {
        "http://arxiv.org/schemas/atom"
    }


@both
def test_arxiv_s_own_elements_stand_in_the_entry(render: Render) -> None:
    root = parse_strictly(render(replace(week(), items=week().items[1:2])))
    names = (f"{ARXIV}announce_type", f"{ARXIV}DOI", f"{ARXIV}journal_reference", f"{DUBLIN_CORE}rights")
    assert [root.findtext(f".//{name}") for name in names] == [
        "replace",
        "10.1002/(SICI)1097<1::AID>3.0 10.1234/abc",
        "J. Synth. Res. 1 (2026) 1–9",
        "http://creativecommons.org/licenses/by/4.0/",
    ]


@both
def test_moments_are_told_in_utc_and_whole_seconds(render: Render) -> None:
    eastern = timezone(timedelta(hours=-5))
    moment = datetime(2026, 3, 5, 0, 0, 0, 999, tzinfo=eastern)
    elsewhere = feed(updated=moment, items=(item(published=moment, updated=moment),))
    assert render(elsewhere) == render(feed())


@both
def test_the_locale_of_the_process_is_left_alone(render: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    monkeypatch.setattr(locale, "setlocale", lambda *arguments: calls.append(arguments))
    render(week())
    assert calls == []


def test_rss_names_all_authors_in_one_creator() -> None:
    names = [f"Author Number{n}" for n in range(150)]
    many = feed(items=(item(paper=paper(authors=tuple(map(Author, names)))),))
    creators = parse_strictly(render_rss(many)).findall(f".//{DUBLIN_CORE}creator")
    assert [creator.text for creator in creators] == [", ".join(names)]


def test_atom_names_each_author_in_an_element_of_its_own() -> None:
    names = [f"Author Number{n}" for n in range(150)]
    many = feed(items=(item(paper=paper(authors=tuple(map(Author, names)))),))
    assert [author.name for author in read(render_atom(many)).entries[0].authors] == names


def test_atom_names_arxiv_where_a_paper_has_no_authors() -> None:
    nobody = parse_strictly(render_atom(FEEDS["nobody wrote it"]))
    assert nobody.findtext(f"{ATOM}author/{ATOM}name") == "arXiv"


def test_atom_has_no_author_of_its_own_that_papers_could_inherit() -> None:
    assert parse_strictly(render_atom(week())).find(f"{ATOM}author") is None


def test_rss_guid_is_a_permalink_only_where_it_is_the_link() -> None:
    guids = parse_strictly(render_rss(week())).iterfind(".//guid")
    assert [guid.get("isPermaLink") for guid in guids] == ["true", "false", "true"]


def test_rss_description_says_why_a_paper_is_listed_and_does_not_repeat_the_abstract() -> None:
    entry = parse_strictly(render_rss(feed())).find(".//item")
    assert entry is not None
    assert entry.findtext("description") == (
        "<p>cs.LG (new), cs.AI (cross)</p>\n<p>Score 2.5: Attention 1.5 (title), LLM 1</p>"
    )


def test_rss_points_at_itself_once() -> None:
    links = parse_strictly(render_rss(feed())).findall(f"channel/{ATOM}link")
    assert [dict(link.attrib) for link in links] == [
        {"href": "https://feeds.example/rss", "rel": "self", "type": "application/rss+xml"}
    ]


def test_atom_links_the_page_first_and_the_pdf_as_related() -> None:
    entry = parse_strictly(render_atom(feed())).find(f"{ATOM}entry")
    assert entry is not None
    assert [dict(link.attrib) for link in entry.iterfind(f"{ATOM}link")] == [
        {"href": "https://arxiv.org/abs/2603.00001", "rel": "alternate", "type": "text/html"},
        {"href": "https://arxiv.org/pdf/2603.00001", "rel": "related", "type": "application/pdf", "title": "PDF"},
    ]


def test_atom_is_identified_by_its_own_address() -> None:
    root = parse_strictly(render_atom(feed()))
    self_link = root.find(f"{ATOM}link[@rel='self']")
    assert self_link is not None
    assert root.findtext(f"{ATOM}id") == self_link.get("href") == "https://feeds.example/atom"


def test_atom_tells_first_announcement_from_latest_change() -> None:
    entry = read(render_atom(week())).entries[2]
    assert (at(entry.published_parsed), at(entry.updated_parsed)) == (
        datetime(2026, 3, 4, 5, tzinfo=UTC),
        datetime(2026, 3, 5, 5, tzinfo=UTC),
    )


def test_rss_keeps_the_content_element_for_the_whole_content() -> None:
    entry = parse_strictly(render_rss(feed())).find(".//item")
    assert entry is not None
    assert entry.findtext(f"{CONTENT}encoded") == build_content(item())
