from __future__ import annotations

from urllib.parse import urljoin

import pytest
from lxml import html

from tests.api.running import CONFIG, PUBLIC, Running

KINDS = {"rss": "application/rss+xml", "atom": "application/atom+xml", "jsonfeed": "application/feed+json"}


PAGES = pytest.mark.parametrize("address", ["/", "/status"])


def page(service: Running, address: str = "/") -> html.HtmlElement:
    return html.fromstring(service.ask(address).content)


def text_of(element: html.HtmlElement) -> str:
    return " ".join("".join(element.itertext()).split())


@PAGES
def test_a_page_is_html_that_nothing_foreign_can_run_in(served: Running, address: str) -> None:
    answer = served.ask(address)
    policy = answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert {"default-src 'none'", "style-src 'self'", "img-src 'self'"} <= set(policy.split("; "))
    assert "unsafe" not in policy
    assert not page(served, address).xpath("//script | //style | //@style | //@onclick")


def test_readers_find_every_feed_in_every_format(served: Running) -> None:
    links = page(served).xpath("//head/link[@rel='alternate']")
    scopes = ["", "/systems", *(f"/{category}" for category in CONFIG["categories"])]
    assert [(link.get("type"), link.get("href")) for link in links] == [
        (media_type, f"{PUBLIC}/{kind}{scope}") for scope in scopes for kind, media_type in KINDS.items()
    ]
    assert len({link.get("title") for link in links}) == len(links)


def test_what_a_link_announces_is_what_its_address_gives(served: Running) -> None:
    for link in page(served).xpath("//head/link[@rel='alternate']"):
        answer = served.ask(link.get("href").removeprefix(PUBLIC))
        assert answer.headers["Content-Type"].partition(";")[0] == link.get("type")


@PAGES
def test_every_address_on_a_page_answers(served: Running, address: str) -> None:
    addresses = {urljoin(f"{PUBLIC}{address}", link) for link in page(served, address).xpath("//@href | //@src")}
    ours = {address for address in addresses if address.startswith(PUBLIC)}
    assert ours == addresses
    assert {address: served.ask(address.removeprefix(PUBLIC)).status_code for address in ours} == dict.fromkeys(
        ours, 200
    )


def test_people_find_the_status_page(served: Running) -> None:
    assert f"{PUBLIC}/status" in page(served).xpath("//main//a/@href")


@pytest.mark.parametrize("scope", ["arXiv: cs.AI, cs.CL, cs.DC, cs.LG", "arXiv: systems", "arXiv: cs.DC"])
def test_people_read_which_feeds_there_are(served: Running, scope: str) -> None:
    assert scope in [text_of(heading) for heading in page(served).xpath("//h3")]


def test_people_read_how_to_subscribe_and_whom_to_thank(served: Running) -> None:
    text = text_of(page(served))
    assert f"{PUBLIC}/rss" in text
    assert f"{PUBLIC}/opml" in text
    assert "Thank you to arXiv for use of its open access interoperability." in text


def test_sample_data_are_marked_in_title_and_text_of_the_page(served: Running, sampled: Running) -> None:
    titles = [page(service).findtext("head/title") for service in (served, sampled)]
    notices = [
        [text_of(notice) for notice in page(service).xpath("//*[@role='status']")] for service in (served, sampled)
    ]
    assert titles == ["arxiv-feeds", "arxiv-feeds (sample data)"]
    assert notices == [[], ["Sample data: every paper here is made up to show how the service works."]]


def test_sample_data_are_marked_in_the_title_of_the_documentation(sampled: Running) -> None:
    assert "(sample data)" in (html.fromstring(sampled.ask("/docs").content).findtext("head/title") or "")


@pytest.mark.parametrize(
    ("address", "media_type", "beginning"),
    [
        ("/favicon.ico", "image/x-icon", b"\x00\x00\x01\x00"),
        ("/static/icon.svg", "image/svg+xml", b"<svg"),
        ("/static/page.css", "text/css; charset=utf-8", b""),
    ],
)
def test_style_and_icons_are_served_as_what_they_are(
    served: Running, address: str, media_type: str, beginning: bytes
) -> None:
    answer = served.ask(address)
    assert (answer.headers["Content-Type"], answer.content.startswith(beginning)) == (media_type, True)
