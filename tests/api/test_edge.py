from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from api.edge import Edge
from core.arxiv.announced import Announced, Submissions, Window
from core.papers import Paper
from demo.standin import ArxivStandIn
from tests.api.running import PUBLIC, SECRET, Running, running

ADDRESSES = (
    "/",
    "/rss",
    "/rss/cs.AI",
    "/atom",
    "/jsonfeed/systems",
    "/opml",
    "/api/papers",
    "/api/feeds",
    "/api/categories",
    "/api/config",
    "/config",
    "/health",
    "/docs",
    "/openapi.json",
    "/favicon.ico",
    "/static/page.css",
    "/static/icon.svg",
)
FAULTY = ("/nothing", "/rss/cs.XX", "/rss?limit=0", "/api/papers/none", "/api/cron")

every_address = pytest.mark.parametrize("address", [*ADDRESSES, *FAULTY])


@every_address
def test_head_is_get_without_the_body(served: Running, address: str) -> None:
    got, head = served.ask(address), served.ask(address, "HEAD")
    assert (head.status_code, dict(head.headers), head.content) == (got.status_code, dict(got.headers), b"")


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_address_answers(served: Running, address: str) -> None:
    assert served.ask(address).status_code == 200


def test_head_is_compressed_as_get_is(served: Running) -> None:
    got, head = served.ask("/rss", Accept_Encoding="br"), served.ask("/rss", "HEAD", Accept_Encoding="br")
    assert (head.headers["Content-Encoding"], head.headers["Content-Length"]) == ("br", got.headers["Content-Length"])


@every_address
def test_the_host_header_is_never_repeated(served: Running, address: str) -> None:
    answer = served.ask(address, Host="evil.invalid:81", X_Forwarded_Host="evil.invalid", Forwarded="host=evil.invalid")
    told = str(dict(answer.headers)) + answer.text if address != "/favicon.ico" else str(dict(answer.headers))
    assert "evil" not in told
    assert "edge.invalid" not in told


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"base_url": "https://feeds.example.org/arxiv/"}, "https://feeds.example.org/arxiv/rss"),
        ({"base_url": None, "port": 8123}, "http://localhost:8123/rss"),
        (
            {"base_url": None, "vercel": "1", "vercel_project_production_url": "feeds.vercel.app"},
            "https://feeds.vercel.app/rss",
        ),
        (
            {"base_url": PUBLIC, "vercel": "1", "vercel_project_production_url": "feeds.vercel.app"},
            f"{PUBLIC}/rss",
        ),
    ],
    ids=["BASE_URL with a path", "this machine", "Vercel's production host", "BASE_URL before Vercel's"],
)
def test_settings_decide_the_public_address(
    tmp_path: Path, arxiv: ArxivStandIn, settings: dict[str, Any], expected: str
) -> None:
    with running(tmp_path, arxiv, **settings) as service:
        assert service.ask("/api/feeds").json()["feeds"][0]["rss"] == expected


@pytest.mark.parametrize(
    "query",
    [
        "utm_source=x",
        "utm_medium=a&utm_campaign=b",
        "UTM_Source=x",
        "utm%5Fsource=x",
        "utm_source",
        "utm_source=1&utm_source=2",
        "fbclid=abc&gclid=x",
    ],
)
@pytest.mark.parametrize(("address", "own"), [("/rss", ""), ("/rss", "limit=3"), ("/api/papers", "limit=3")])
def test_what_trackers_append_makes_no_difference(served: Running, address: str, own: str, query: str) -> None:
    plain = served.ask(f"{address}?{own}")
    tracked = [served.ask(f"{address}?{pairs}") for pairs in (f"{query}&{own}".strip("&"), f"{own}&{query}".strip("&"))]
    assert {answer.content for answer in tracked} == {plain.content}
    assert {answer.headers["ETag"] for answer in tracked} == {plain.headers["ETag"]}


@every_address
def test_every_answer_has_the_headers_that_keep_browsers_in_check(served: Running, address: str) -> None:
    headers = served.ask(address).headers
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "no-referrer")
    assert "Content-Security-Policy" in headers


def test_an_answer_without_content_is_brief_and_scripts_may_read_it_all_the_same(served: Running) -> None:
    whole = served.ask("/rss")
    brief = served.ask("/rss", If_None_Match=whole.headers["ETag"], Origin="https://reader.example.org")
    assert (brief.status_code, set(brief.headers)) == (
        304,
        {
            "access-control-allow-origin",
            "access-control-expose-headers",
            "cache-control",
            "etag",
            "last-modified",
            "vary",
        },
    )
    assert {name: brief.headers[name] for name in brief.headers} == {
        name: whole.headers[name] for name in brief.headers
    }


def test_scripts_of_other_sites_may_read_the_feeds(served: Running) -> None:
    asked = served.ask("/rss", "OPTIONS", Origin="https://reader.example", Access_Control_Request_Method="GET")
    assert (asked.status_code, asked.headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert asked.headers["Access-Control-Allow-Methods"] == "GET, HEAD"
    assert served.ask("/rss", Origin="https://reader.example").headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("path", ["/rss", "/atom/cs.CL", "/jsonfeed", "/api/papers", "/health"])
def test_who_asks_a_feed_for_its_options_is_told(served: Running, path: str) -> None:
    asked = served.ask(path, "OPTIONS")
    assert (asked.status_code, asked.content, asked.headers["Allow"]) == (204, b"", "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (f"/rss/{'a' * 600}", {}, 414),
        ("/rss", {"Content_Length": "99999999"}, 413),
        ("/rss", {"Content_Length": "4", "Transfer_Encoding": "chunked"}, 400),
    ],
    ids=["too long", "too large", "ambiguous"],
)
def test_options_are_no_way_around_what_is_refused(
    served: Running, path: str, headers: dict[str, str], status: int
) -> None:
    assert served.ask(path, "OPTIONS", **headers).status_code == status


class BrokenSource:
    """Fails in a way that nobody foresaw."""

    async def fetch_announcements(
        self, categories: Sequence[str], *, etag: str | None = None, apart: Collection[str] = ()
    ) -> Announced:
        raise RuntimeError(f"the secret is {SECRET}, asked for {categories}")

    async def fetch_papers(self, ids: Iterable[str]) -> tuple[Paper, ...]:
        return ()

    async def fetch_submissions(self, window: Window) -> Submissions:
        raise RuntimeError(f"the secret is {SECRET}, asked for {window}")

    async def aclose(self) -> None:
        """Nothing is open."""


def test_an_unforeseen_error_tells_nothing_outside_and_everything_in_the_log(
    tmp_path: Path, arxiv: ArxivStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    with running(tmp_path, arxiv, source=BrokenSource()) as service:
        answer = service.ask("/api/refresh", "POST", Authorization=f"Bearer {SECRET}")
    assert answer.json() == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "Something went wrong here, not with the request; the log says what.",
        "code": "internal_error",
    }
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == ("application/problem+json", "no-store")
    assert [(record.levelno, bool(record.exc_info)) for record in caplog.records if record.name == "api.edge"] == [
        (logging.ERROR, True)
    ]


def test_an_error_in_the_middle_of_an_answer_ends_it_and_begins_no_other() -> None:
    sent: list[Message] = []

    async def break_off(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("in the middle")

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/rss", "query_string": b"", "headers": []}
    with pytest.raises(RuntimeError, match="in the middle"):
        asyncio.run(Edge(break_off, sample_data=False)(scope, receive, send))
    assert [(message["type"], message["status"]) for message in sent] == [("http.response.start", 200)]


@pytest.mark.parametrize("path", ["/rss", "/opml", "/health", "/api/status", "/api/cron"])
def test_an_address_with_a_line_break_behind_it_is_another_one(served: Running, path: str) -> None:
    answer = served.ask(f"{path}%0A")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_address")


def test_a_request_of_two_lengths_is_refused_and_its_connection_closed(served: Running) -> None:
    answer = served.ask_with([("Content-Length", "4"), ("Transfer-Encoding", "chunked")], "/rss", "POST")
    assert (answer.status_code, answer.json()["code"], answer.headers["connection"]) == (400, "bad_request", "close")
    assert "either Content-Length or Transfer-Encoding" in answer.json()["detail"]
