"""What is asked of arXiv, how often, and what becomes of every kind of answer."""

from __future__ import annotations

import asyncio
import gzip
import logging
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import httpx
import pytest

from core.arxiv.client import MOST_DECODED_BYTES, MOST_RAW_BYTES, ArxivClient
from core.errors import SourceMalformed, SourceUnavailable
from tests.core.arxiv.documents import api_entry, api_page, rss_feed, rss_item

FEED = rss_feed(rss_item())
NOW = datetime(2026, 3, 5, 5, 0, tzinfo=UTC)
LIMIT_FEED = rss_feed(*("<item/>" for _ in range(2_000)))

Result = TypeVar("Result")


class Body(httpx.AsyncByteStream):
    """A body as it comes from a socket; one given as bytes would already be decoded."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk


def answer(body: bytes = FEED, status: int = 200, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers=named, stream=Body(body))


class FakeClock:
    """Time that passes by sleeping, and where a test moves it."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


class FakeArxiv:
    """Answers with what it was given, last one for ever, and keeps the requests."""

    def __init__(self, *answers: Callable[[], httpx.Response] | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    @property
    def urls(self) -> list[str]:
        return [str(request.url) for request in self.requests]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        outcome = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome()


def open_arxiv(handler: Any, **changes: Any) -> ArxivClient:
    """A client of *handler*, without waiting unless *changes* say so."""
    values: dict[str, Any] = {
        "user_agent": "arxiv-feeds-tests/1",
        "min_interval_seconds": 0.0,
        "open_client": lambda: httpx.AsyncClient(transport=httpx.MockTransport(handler)),
        "now": lambda: NOW,
    }
    values.update(changes)
    return ArxivClient(**values)


def run(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    return asyncio.run(work())


def fetch(handler: Any, *categories: str, **changes: Any) -> Any:
    """What `fetch_announcements` gives for *categories* (cs.LG where there are none)."""

    async def work() -> Any:
        arxiv = open_arxiv(handler, **changes)
        try:
            return await arxiv.fetch_announcements(categories or ("cs.LG",))
        finally:
            await arxiv.aclose()

    return run(work)


def test_all_categories_are_asked_for_at_once_and_in_arxivs_spelling() -> None:
    arxiv = FakeArxiv(answer)
    announced = fetch(arxiv, "CS.lg", "hep-th", "cs.LG")
    assert arxiv.urls == ["https://rss.arxiv.org/rss/cs.LG+hep-th"]
    assert (announced.requests, len(announced.entries), announced.rejected, announced.mailing, announced.notices) == (
        1,
        1,
        (),
        date(2026, 3, 5),
        (),
    )


def test_a_request_says_who_asks_and_what_is_understood() -> None:
    arxiv = FakeArxiv(answer)
    fetch(arxiv)
    headers = arxiv.requests[0].headers
    assert (headers["User-Agent"], headers["Accept"], headers["Accept-Encoding"]) == (
        "arxiv-feeds-tests/1",
        "application/rss+xml, application/atom+xml, application/xml;q=0.9",
        "gzip",
    )


@pytest.mark.parametrize("categories", [("cs.LG", "cs.XX"), ("cs",), ("../x",), ("cs.LG+cs.AI",)])
def test_an_unknown_category_is_refused_before_anything_is_asked(categories: tuple[str, ...]) -> None:
    arxiv = FakeArxiv(answer)
    with pytest.raises(ValueError, match="is no category"):
        fetch(arxiv, *categories)
    assert arxiv.urls == []


def test_no_category_at_all_is_refused() -> None:
    async def work() -> None:
        await open_arxiv(answer).fetch_announcements(())

    with pytest.raises(ValueError, match="at least one category"):
        run(work)


def test_a_feed_at_the_limit_is_asked_for_in_halves_until_nothing_is_cut_off() -> None:
    arxiv = FakeArxiv(lambda: answer(LIMIT_FEED), answer, lambda: answer(LIMIT_FEED), answer)
    announced = fetch(arxiv, "cs.AI", "cs.CL", "cs.LG", "hep-th")
    assert [url.rpartition("/")[2] for url in arxiv.urls] == [
        "cs.AI+cs.CL+cs.LG+hep-th",
        "cs.AI+cs.CL",
        "cs.LG+hep-th",
        "cs.LG",
        "hep-th",
    ]
    assert (announced.requests, len(announced.entries), len(announced.rejected), announced.notices) == (5, 3, 0, ())


def test_a_single_category_at_the_limit_is_used_and_said_to_be_incomplete() -> None:
    announced = fetch(FakeArxiv(lambda: answer(LIMIT_FEED)), "cs.LG")
    assert (announced.requests, len(announced.rejected), announced.notices) == (
        1,
        2_000,
        ("arXiv's feed of cs.LG is at its limit of 2000 entries; new papers may be missing.",),
    )


def test_an_empty_feed_announces_nothing() -> None:
    announced = fetch(FakeArxiv(lambda: answer(rss_feed(published=None, built=None))))
    assert (announced.entries, announced.mailing) == ((), None)


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, "120", 120.0),
        (503, "Thu, 05 Mar 2026 05:10:00 GMT", 600.0),
        (500, "", None),
        (406, "", None),
        (404, "", None),
        (304, "", None),
        (204, "", None),
    ],
)
def test_an_error_status_is_told_with_the_time_to_wait(status: int, header: str, seconds: float | None) -> None:
    with pytest.raises(SourceUnavailable, match=f"arXiv answered {status}") as raised:
        fetch(FakeArxiv(lambda: answer(b"", status, Retry_After=header)))
    assert (raised.value.url, raised.value.status, raised.value.retry_after_seconds) == (
        "https://rss.arxiv.org/rss/cs.LG",
        status,
        seconds,
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (rss_feed(title="Feed error for query: x", description="Bad archive 'x'."), "arXiv says: Bad archive 'x'."),
        (b"Bad Request", "not well-formed"),
        (FEED, "400 Bad Request$"),
    ],
    ids=["error feed", "text", "feed"],
)
def test_a_refused_request_is_told_in_arxivs_words(body: bytes, reason: str) -> None:
    with pytest.raises(SourceUnavailable, match=reason) as raised:
        fetch(FakeArxiv(lambda: answer(body, 400)))
    assert raised.value.status == 400


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"<!doctype html><p>Are you human?", {"Content_Type": "text/html"}, "web page"),
        (FEED[:-9], {}, "not well-formed"),
        (b"", {}, "empty"),
        (FEED, {"Content_Length": str(len(FEED) + 1)}, "bytes came instead of"),
        (FEED, {"Content_Encoding": "br"}, "encoded as 'br'"),
        (gzip.compress(FEED)[:-4], {"Content_Encoding": "gzip"}, "cut off"),
        (b" " * (MOST_RAW_BYTES + 1), {}, "larger than"),
        (gzip.compress(b" " * (MOST_DECODED_BYTES + 1), 9), {"Content_Encoding": "gzip"}, "inflates to more than"),
        (rss_feed(title="Feed error for query: x", description="Bad archive."), {}, "arXiv says: Bad archive."),
    ],
    ids=["HTML", "cut off", "empty", "too short", "brotli", "cut gzip", "too large", "bomb", "error feed"],
)
def test_an_answer_that_is_no_feed_is_malformed(body: bytes, headers: dict[str, str], reason: str) -> None:
    with pytest.raises(SourceMalformed, match=reason):
        fetch(FakeArxiv(lambda: answer(body, 200, **headers)))


def test_a_gzipped_feed_is_read() -> None:
    announced = fetch(FakeArxiv(lambda: answer(gzip.compress(FEED), Content_Encoding="gzip")))
    assert [entry.paper.id for entry in announced.entries] == ["2603.00001"]


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
        httpx.InvalidURL("odd"),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_goes_wrong_on_the_way_is_told_as_unavailable(error: Exception) -> None:
    with pytest.raises(SourceUnavailable) as raised:
        fetch(FakeArxiv(error))
    assert (raised.value.status, raised.value.__cause__) == (None, error)


def test_a_redirect_is_followed() -> None:
    arxiv = FakeArxiv(lambda: answer(b"", 301, Location="https://rss.arxiv.org/rss/cs.LG"), answer)
    fetch(arxiv, rss_base="http://rss.arxiv.org/rss/")
    assert arxiv.urls == ["http://rss.arxiv.org/rss/cs.LG", "https://rss.arxiv.org/rss/cs.LG"]


def test_a_redirect_is_a_request_that_waits_like_any_other() -> None:
    clock = FakeClock()
    arxiv = FakeArxiv(lambda: answer(b"", 307, Location="/elsewhere"), answer)
    fetch(arxiv, min_interval_seconds=3.0, clock=clock, sleep=clock.sleep)
    assert (arxiv.urls[1], clock.slept) == ("https://rss.arxiv.org/elsewhere", [3.0])


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://rss.arxiv.org/rss/cs.LG", "from https to http"),
        ("file:///etc/passwd", "from https to file"),
        ("", "to nowhere"),
        ("https://rss.arxiv.org:port/", "no answer came"),
        ("https://[::1", "no answer came"),
        ("https://xn--a.example/", "no answer came"),
        ("/rss/cs.LG", "more than 5 times"),
    ],
    ids=["downgrade", "scheme", "nowhere", "odd port", "odd host", "odd name", "circle"],
)
def test_a_redirect_that_leads_astray_is_refused(location: str, reason: str) -> None:
    with pytest.raises(SourceUnavailable, match=reason):
        fetch(FakeArxiv(lambda: answer(b"", 302, Location=location)))


def test_the_pause_counts_from_the_end_of_the_last_request() -> None:
    clock = FakeClock()

    def slow(request: httpx.Request) -> httpx.Response:
        clock.seconds += 10.0
        return answer()

    async def work() -> None:
        arxiv = open_arxiv(slow, min_interval_seconds=3.0, clock=clock, sleep=clock.sleep)
        await arxiv.fetch_announcements(("cs.LG",))
        clock.seconds += 1.0
        await arxiv.fetch_announcements(("cs.LG",))
        clock.seconds += 3.0
        await arxiv.fetch_announcements(("cs.LG",))

    run(work)
    assert clock.slept == [2.0]


def test_a_failed_request_is_followed_by_a_pause_too() -> None:
    clock = FakeClock()

    async def work() -> None:
        arxiv = open_arxiv(
            FakeArxiv(httpx.ConnectError("refused"), answer), min_interval_seconds=3.0, clock=clock, sleep=clock.sleep
        )
        with pytest.raises(SourceUnavailable):
            await arxiv.fetch_announcements(("cs.LG",))
        await arxiv.fetch_announcements(("cs.LG",))

    run(work)
    assert clock.slept == [3.0]


def test_there_is_never_more_than_one_request_at_a_time() -> None:
    active: list[int] = [0, 0]

    async def watched(request: httpx.Request) -> httpx.Response:
        active[0] += 1
        active[1] = max(active)
        for _ in range(5):
            await asyncio.sleep(0)
        active[0] -= 1
        return answer()

    async def work() -> None:
        arxiv = open_arxiv(watched)
        await asyncio.gather(*(arxiv.fetch_announcements(("cs.LG",)) for _ in range(5)))

    run(work)
    assert active == [0, 1]


def test_a_cancelled_request_leaves_the_way_free() -> None:
    async def work() -> int:
        begun = asyncio.Event()

        async def stuck_once(request: httpx.Request) -> httpx.Response:
            if not begun.is_set():
                begun.set()
                await asyncio.Event().wait()
            return answer()

        arxiv = open_arxiv(stuck_once)
        task = asyncio.create_task(arxiv.fetch_announcements(("cs.LG",)))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return len((await arxiv.fetch_announcements(("cs.LG",))).entries)

    assert run(work) == 1


def test_an_answer_that_takes_too_long_as_a_whole_is_given_up() -> None:
    async def stuck(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        return answer()

    with pytest.raises(SourceUnavailable, match=r"did not answer in full within 0\.01 seconds"):
        fetch(stuck, deadline_seconds=0.01)


def test_each_event_loop_has_its_own_connections() -> None:
    opened: list[httpx.AsyncClient] = []

    def open_client() -> httpx.AsyncClient:
        opened.append(httpx.AsyncClient(transport=httpx.MockTransport(FakeArxiv(answer))))
        return opened[-1]

    arxiv = open_arxiv(None, open_client=open_client)

    async def work() -> None:
        await arxiv.fetch_announcements(("cs.LG",))
        await arxiv.fetch_announcements(("cs.LG",))

    run(work)
    run(work)
    assert len(opened) == 2


def test_a_closed_client_opens_again_when_it_is_needed() -> None:
    async def work() -> int:
        arxiv = open_arxiv(FakeArxiv(answer))
        await arxiv.fetch_announcements(("cs.LG",))
        await arxiv.aclose()
        await arxiv.aclose()
        return len((await arxiv.fetch_announcements(("cs.LG",))).entries)

    assert run(work) == 1


def fetch_papers(handler: Any, *ids: str) -> Any:
    async def work() -> Any:
        return await open_arxiv(handler).fetch_papers(ids)

    return run(work)


def test_papers_are_asked_for_by_id_and_with_their_number() -> None:
    arxiv = FakeArxiv(lambda: answer(api_page(api_entry(comment="Accepted"))))
    (paper,) = fetch_papers(arxiv, "2603.00001", "2603.00001", "hep-th/9901001v2")
    parameters = arxiv.requests[0].url.params
    assert (parameters["id_list"], parameters["max_results"], paper.comment) == (
        "2603.00001,hep-th/9901001v2",
        "2",
        "Accepted",
    )


def test_many_papers_are_asked_for_in_portions() -> None:
    arxiv = FakeArxiv(lambda: answer(api_page(api_entry())))
    fetch_papers(arxiv, *(f"2603.{number:05}" for number in range(1, 251)))
    assert [request.url.params["max_results"] for request in arxiv.requests] == ["100", "100", "50"]


def test_no_ids_are_no_request() -> None:
    arxiv = FakeArxiv(answer)
    assert (fetch_papers(arxiv), arxiv.urls) == ((), [])


def test_what_is_no_identifier_is_refused_before_anything_is_asked() -> None:
    arxiv = FakeArxiv(answer)
    with pytest.raises(ValueError, match="is not an arXiv identifier"):
        fetch_papers(arxiv, "2603.00001", "abc")
    assert arxiv.urls == []


def test_what_the_query_api_leaves_out_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        papers = fetch_papers(FakeArxiv(lambda: answer(api_page(api_entry(title=None), total="2"))), "2603.00001")
    assert (papers, [record.message for record in caplog.records]) == (
        (),
        [
            "the query API's entry 'http://arxiv.org/abs/2603.00001v2' was left out: it has no title",
            "the query API sent 1 of 2 papers that it has",
        ],
    )


class _Handler(BaseHTTPRequestHandler):
    """Sends by path: a good feed, a bomb, or something that breaks off."""

    def do_GET(self) -> None:
        packed = gzip.compress(FEED)
        bodies = {
            "/good": (packed, len(packed)),
            "/bomb": (gzip.compress(b" " * (MOST_DECODED_BYTES + 1)), None),
            "/cut-gzip": (packed[:-6], len(packed) - 6),
            "/cut-off": (packed[:-6], len(packed)),
        }
        body, length = bodies[self.path.rpartition("/")[0]]
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name for it
        """Nothing: the tests' output is for the tests."""


@contextmanager
def serving() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("good", "1 entry"),
        ("bomb", "inflates to more than"),
        ("cut-gzip", "its gzip encoding is cut off"),
        ("cut-off", "RemoteProtocolError"),
    ],
)
def test_answers_over_a_real_connection(path: str, expected: str) -> None:
    with serving() as base:
        try:
            announced = fetch(None, rss_base=f"{base}/{path}", open_client=lambda: httpx.AsyncClient(trust_env=False))
            outcome = f"{len(announced.entries)} entry"
        except (SourceMalformed, SourceUnavailable) as error:
            outcome = str(error)
    assert expected in outcome
