from __future__ import annotations

import json

import pytest
from lxml import etree

from demo.standin import ArxivStandIn
from tests.api.running import CONFIG, PUBLIC, WEEK, Running, newest_first
from tests.core.feeds.rules import ATOM, atom_breaches, parse_strictly, rss_breaches

FORMATS = ("rss", "atom", "jsonfeed")

every_format = pytest.mark.parametrize("kind", FORMATS)


def self_address(kind: str, document: bytes) -> str | None:
    """What the feed calls its own address."""
    if kind == "jsonfeed":
        told: str = json.loads(document)["feed_url"]
        return told
    link = parse_strictly(document).find(f".//{ATOM}link[@rel='self']")
    return None if link is None else link.get("href")


def paper_ids(kind: str, document: bytes) -> list[str]:
    """The addresses of the listed papers, in the feed's order."""
    if kind == "jsonfeed":
        return [item["id"] for item in json.loads(document)["items"]]
    root = parse_strictly(document)
    found: list[etree._Element] = root.findall(".//guid" if kind == "rss" else f"{ATOM}entry/{ATOM}id")
    return [one.text or "" for one in found]


def title(kind: str, document: bytes) -> str | None:
    if kind == "jsonfeed":
        told: str = json.loads(document)["title"]
        return told
    return parse_strictly(document).findtext("channel/title" if kind == "rss" else f"{ATOM}title")


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [
        ("rss", "application/rss+xml; charset=utf-8"),
        ("atom", "application/atom+xml; charset=utf-8"),
        ("jsonfeed", "application/feed+json; charset=utf-8"),
    ],
)
@pytest.mark.parametrize("scope", ["", "/cs.AI"])
def test_each_format_has_its_media_type_whatever_is_accepted(
    served: Running, kind: str, media_type: str, scope: str
) -> None:
    types = {
        served.ask(f"/{kind}{scope}", Accept=accepted).headers["Content-Type"] for accepted in ("*/*", "text/html")
    }
    assert types == {media_type}


@every_format
@pytest.mark.parametrize(
    ("asked", "canonical"),
    [
        ("", ""),
        ("/default", ""),
        ("/cs.AI", "/cs.AI"),
        ("/CS.ai", "/cs.AI"),
        ("/cs.LG+cs.AI", "/cs.AI+cs.LG"),
        ("/cs.LG%2Bcs.AI", "/cs.AI+cs.LG"),
        ("/cs.LG%20cs.AI", "/cs.AI+cs.LG"),
        ("/systems", "/systems"),
        ("?limit=3", "?limit=3"),
        ("?limit=500&days=7&types=cross,new", ""),
        ("/cs.AI?limit=3&types=new&utm_source=x", "/cs.AI?types=new&limit=3"),
    ],
)
def test_the_self_link_is_the_one_address_of_a_feed(served: Running, kind: str, asked: str, canonical: str) -> None:
    answer = served.ask(f"/{kind}{asked}")
    assert self_address(kind, answer.content) == f"{PUBLIC}/{kind}{canonical}"
    assert served.ask(f"/{kind}{canonical}").content == answer.content


@every_format
def test_newer_mailings_stand_first_and_better_papers_first_within(served: Running, kind: str) -> None:
    items = served.ask("/api/papers?limit=500").json()["items"]
    listed = paper_ids(kind, served.ask(f"/{kind}").content)
    assert listed == [item["links"]["abs"] for item in newest_first(items)]


@every_format
def test_the_parameters_filter_the_feed(served: Running, kind: str) -> None:
    def listed(query: str) -> list[str]:
        return paper_ids(kind, served.ask(f"/{kind}?{query}").content)

    def expected(query: str) -> set[str]:
        return {item["links"]["abs"] for item in served.ask(f"/api/papers?{query}&limit=500").json()["items"]}

    everything = listed("")
    assert listed("limit=4") == everything[:4]
    for query in ("types=new", "min_score=3", "days=2", f"mailing={WEEK[-1].day}", "days=30&min_score=0"):
        assert set(listed(query)) == expected(query) != set(everything)


@pytest.mark.parametrize("kind", ["rss", "atom"])
@pytest.mark.parametrize(
    "asked",
    ["", "/cs.AI", "/cs.AI+cs.LG", "/systems", "?types=replace,replace-cross&min_score=0", "?min_score=1000000"],
)
def test_every_feed_keeps_the_rules_of_its_format(served: Running, kind: str, asked: str) -> None:
    breaches = rss_breaches if kind == "rss" else atom_breaches
    assert breaches(served.ask(f"/{kind}{asked}").content) == []


def test_where_replacements_are_wanted_each_version_is_an_entry_of_its_own(served: Running) -> None:
    asked = "min_score=0&types=new,cross,replace,replace-cross"
    versions = {
        item["links"]["abs"]: item["version"] for item in served.ask(f"/api/papers?{asked}&limit=500").json()["items"]
    }
    listed = paper_ids("atom", served.ask(f"/atom?{asked}").content)
    assert sorted(listed) == sorted(f"{address}v{version}" for address, version in versions.items())
    assert max(versions.values()) > 1


@every_format
def test_sample_data_are_marked_in_title_and_description(sampled: Running, served: Running, kind: str) -> None:
    for scope in ("", "/cs.AI", "/systems"):
        made_up, real = sampled.ask(f"/{kind}{scope}"), served.ask(f"/{kind}{scope}")
        told = title(kind, made_up.content)
        assert told == f"{title(kind, real.content)} (sample data)"
        assert b"Sample data: every paper here is made up" in made_up.content
        assert b"Sample data" not in real.content


def outlines(document: bytes) -> list[dict[str, str]]:
    return [
        {str(name): str(text) for name, text in outline.items()} for outline in parse_strictly(document).iter("outline")
    ]


def test_the_opml_lists_every_profile_and_category_with_an_address_that_answers(served: Running) -> None:
    answer = served.ask("/opml")
    listed = outlines(answer.content)
    scopes = ["", "/systems", *(f"/{category}" for category in CONFIG["categories"])]
    assert answer.headers["Content-Type"] == "text/x-opml; charset=utf-8"
    assert [outline["xmlUrl"] for outline in listed] == [f"{PUBLIC}/rss{scope}" for scope in scopes]
    for outline in listed:
        feed = served.ask(outline["xmlUrl"].removeprefix(PUBLIC))
        assert (feed.status_code, title("rss", feed.content)) == (200, outline["title"])


def test_sample_data_are_marked_in_the_opml(sampled: Running) -> None:
    document = sampled.ask("/opml").content
    titles = [outline["title"] for outline in outlines(document)]
    assert titles
    assert all(text.endswith(" (sample data)") for text in titles)
    assert parse_strictly(document).findtext("head/title") == "arxiv-feeds (sample data)"


def test_a_feed_without_any_match_is_an_empty_feed(served: Running) -> None:
    answer = served.ask("/rss/cs.AI?min_score=1000000")
    assert (answer.status_code, paper_ids("rss", answer.content)) == (200, [])


def test_an_empty_mailing_is_an_empty_feed_and_no_error(empty: Running, arxiv: ArxivStandIn) -> None:
    answer = empty.ask("/rss/hep-lat")
    assert (answer.status_code, paper_ids("rss", answer.content)) == (200, [])
    assert [request.path for request in arxiv.requests] == ["/rss/hep-lat"]
