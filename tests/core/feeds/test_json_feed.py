from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

from core.catalogue import Feed
from core.feeds.content import build_content
from core.feeds.json_feed import render_json_feed
from tests.builders import feed, item
from tests.core.feeds.samples import week


def read(listed: Feed) -> Any:
    return json.loads(render_json_feed(listed))


def test_the_feed_names_its_version_itself_and_its_page() -> None:
    told = read(week())
    del told["items"]
    assert told == {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "arXiv: default",
        "home_page_url": "https://feeds.example/",
        "feed_url": "https://feeds.example/jsonfeed",
        "description": "Sample data, not from arXiv. Papers of cs.LG that match attention or LLM.",
        "language": "en",
    }


def test_an_item_tells_readers_and_programs_everything_known() -> None:
    assert read(week())["items"][1] == {
        "id": "https://arxiv.org/abs/2602.01234v3",
        "url": "https://arxiv.org/abs/2602.01234",
        "title": "Bounds for $a< b$ & R&D: < i>not< /i> a tag",
        "content_html": build_content(week().items[1]),
        "date_published": "2026-03-05T05:00:00Z",
        "date_modified": "2026-03-05T05:00:00Z",
        "authors": [{"name": "Zoë O’Neil"}, {"name": "李 明"}],
        "tags": ["cs.LG", "stat.ML"],
        "_arxiv": {
            "id": "2602.01234",
            "version": 3,
            "mailing": "2026-03-05",
            "announce_type": "replace",
            "announce_types": {"cs.LG": "replace", "stat.ML": "replace-cross"},
            "score": 0.3,
            "reasons": [
                {"term": "bound*", "field": "title", "points": 0.2},
                {"term": "R&D", "field": "title", "points": 0.1},
            ],
            "pdf_url": "https://arxiv.org/pdf/2602.01234",
            "html_url": "https://arxiv.org/html/2602.01234v3",
            "comment": "9 pages, 2 figures",
            "journal_reference": "J. Synth. Res. 1 (2026) 1–9",
            "doi": "10.1002/(SICI)1097<1::AID>3.0 10.1234/abc",
            "licence": "http://creativecommons.org/licenses/by/4.0/",
        },
    }


def test_what_is_not_known_is_left_out() -> None:
    assert not {"comment", "journal_reference", "doi", "licence"} & read(feed())["items"][0]["_arxiv"].keys()


def test_an_empty_feed_has_an_empty_list_of_items() -> None:
    assert read(feed(items=()))["items"] == []


def test_moments_are_told_in_utc_and_whole_seconds() -> None:
    moment = datetime(2026, 3, 5, 0, 0, 0, 999, tzinfo=timezone(timedelta(hours=-5)))
    assert render_json_feed(feed(items=(item(published=moment, updated=moment),))) == render_json_feed(feed())
