from __future__ import annotations

from core.feeds.opml import Outline, render_opml
from tests.builders import feed
from tests.core.feeds.rules import parse_strictly
from tests.core.feeds.samples import outlines


def test_each_feed_is_one_outline_in_the_given_order() -> None:
    root = parse_strictly(render_opml("arXiv feeds", outlines()))
    assert [dict(outline.attrib) for outline in root.iterfind("body/outline")] == [
        {
            "type": "rss",
            "text": "arXiv: default",
            "title": "arXiv: default",
            "xmlUrl": "https://feeds.example/rss",
            "htmlUrl": "https://feeds.example/",
            "description": "Papers of cs.LG & more.",
        },
        {
            "type": "rss",
            "text": '"< R&D>"',
            "title": '"< R&D>"',
            "xmlUrl": "https://feeds.example/rss?categories=cs.LG&limit=5",
            "htmlUrl": "https://feeds.example/?categories=cs.LG&limit=5",
        },
    ]


def test_the_head_holds_the_title_and_no_date() -> None:
    head = parse_strictly(render_opml("My\nfeeds\x00", ())).find("head")
    assert head is not None
    assert [(child.tag, child.text) for child in head] == [("title", "My feeds")]


def test_a_list_of_no_feeds_has_an_empty_body() -> None:
    body = parse_strictly(render_opml("arXiv feeds", ())).find("body")
    assert body is not None
    assert len(body) == 0


def test_a_feed_without_a_title_is_named_by_its_page() -> None:
    outline = parse_strictly(render_opml("", [Outline("\ud800", "", feed().addresses)])).find("body/outline")
    assert outline is not None
    assert outline.get("text") == "https://feeds.example/"
