"""What is asked of arXiv, how often, and what becomes of every kind of answer."""

from __future__ import annotations

import asyncio
import gzip
import logging
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import httpx
import pytest
import trustme

from core.arxiv.announced import Refused, Rejected, Submissions, Window
from core.arxiv.client import (
    MOST_DECODED_BYTES,
    MOST_PAGE_BYTES,
    MOST_PDF_BYTES,
    MOST_RAW_BYTES,
    ArxivClient,
)
from core.arxiv.connections import prepare_clients
from core.errors import SourceMalformed, SourceUnavailable
from core.papers import Paper
from core.summaries.fulltext import extract_text
from demo.faults import FAULTS
from demo.pages import has_full_text, render_full_text
from demo.pdf import render_pdf
from demo.standin import ArxivStandIn
from demo.week import mailing_week
from tests.core.arxiv.documents import api_entry, api_page, rss_feed, rss_item

FEED = rss_feed(rss_item())
NOW = datetime(2026, 3, 5, 5, 0, tzinfo=UTC)
LIMIT_FEED = rss_feed(*("<item/>" for _ in range(2_000)))
ETAG = "0b1d9a33f0f4a1c1e4a6d3b7c7a7c7ff"  # as arXiv sends it: hexadecimal digits, and no quotes

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


class FakeTurns:
    """Turns that are free at once; keeps who asked for one, and how each ended."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.ends: list[str] = []

    @asynccontextmanager
    async def take(self, service: str, url: str) -> AsyncIterator[None]:
        self.taken.append((service, url))
        try:
            yield
        except BaseException as error:
            self.ends.append(type(error).__name__)
            raise
        self.ends.append("well")


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
    """A client of *handler*, whose turns are free unless *changes* say otherwise."""
    values: dict[str, Any] = {
        "user_agent": "arxiv-feeds-tests/1",
        "turns": FakeTurns(),
        "open_client": lambda: httpx.AsyncClient(transport=httpx.MockTransport(handler)),
        "now": lambda: NOW,
    }
    values.update(changes)
    return ArxivClient(**values)


def run(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    return asyncio.run(work())


def fetch(handler: Any, *categories: str, etag: str | None = None, apart: Collection[str] = (), **changes: Any) -> Any:
    """What `fetch_announcements` gives for *categories* (cs.LG where there are none)."""

    async def work() -> Any:
        arxiv = open_arxiv(handler, **changes)
        try:
            return await arxiv.fetch_announcements(categories or ("cs.LG",), etag=etag, apart=apart)
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


def test_that_a_feed_is_at_the_limit_is_seen_without_reading_it() -> None:
    unreadable = b"<rss>" + 2_000 * b"<item></item>"
    arxiv = FakeArxiv(lambda: answer(unreadable), answer, answer)
    assert fetch(arxiv, "cs.AI", "cs.CL").requests == 3


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
    ("date", "seconds"),
    [
        pytest.param("Thu, 05 Mar 2026 05:08:00 GMT", 120.0, id="ours is slow"),
        pytest.param("Thu, 05 Mar 2026 04:00:00 GMT", 600.0, id="theirs is slow"),
        pytest.param("soon", 600.0, id="it gives none"),
    ],
)
def test_a_moment_to_come_back_at_is_held_against_the_later_clock(date: str, seconds: float) -> None:
    with pytest.raises(SourceUnavailable) as raised:
        fetch(FakeArxiv(lambda: answer(b"", 503, Retry_After="Thu, 05 Mar 2026 05:10:00 GMT", Date=date)))
    assert raised.value.retry_after_seconds == seconds


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


def test_each_hop_of_a_redirect_is_a_request_with_a_turn_of_its_own() -> None:
    turns = FakeTurns()
    fetch(FakeArxiv(lambda: answer(b"", 307, Location="/elsewhere"), answer), turns=turns)
    assert (turns.taken, turns.ends) == (
        [("feeds", "https://rss.arxiv.org/rss/cs.LG"), ("feeds", "https://rss.arxiv.org/elsewhere")],
        ["well", "well"],
    )


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://rss.arxiv.org/rss/cs.LG", "from https to http"),
        ("file:///etc/passwd", "from https to file"),
        ("", "to nowhere"),
        ("https://rss.arxiv.org:port/", "no answer came"),
        ("https://rss.arxiv.org:0/", "to an impossible port"),
        ("https://rss.arxiv.org:70000/", "to an impossible port"),
        ("https://[::1", "no answer came"),
        ("https://xn--a.example/", "no answer came"),
        ("/rss/cs.LG", "more than 5 times"),
    ],
    ids=["downgrade", "scheme", "nowhere", "odd port", "port zero", "high port", "odd host", "odd name", "circle"],
)
def test_a_redirect_that_leads_astray_is_refused(location: str, reason: str) -> None:
    with pytest.raises(SourceUnavailable, match=reason):
        fetch(FakeArxiv(lambda: answer(b"", 302, Location=location)))


@pytest.mark.parametrize(
    "location",
    [
        "https://example.org/",
        "http://169.254.169.254/latest/meta-data",
        "//localhost/",
        "https://rss.arxiv.org:8443/",
        "https://rss.arxiv.org.example.org/",
        "https://notarxiv.org/",
    ],
)
def test_a_redirect_of_a_feed_or_a_search_to_another_host_is_refused(location: str) -> None:
    feeds = FakeArxiv(lambda: answer(b"", 302, Location=location))
    with pytest.raises(SourceUnavailable, match=r"arXiv redirected from \S+ to \S+, which is refused"):
        fetch(feeds, rss_base="http://rss.arxiv.org/rss")
    searches = FakeArxiv(lambda: answer(b"", 302, Location=location))
    with pytest.raises(SourceUnavailable, match=r"arXiv redirected from \S+ to \S+, which is refused"):
        fetch_submissions(searches)
    assert (len(feeds.urls), len(searches.urls)) == (1, 1)


@pytest.mark.parametrize("base", ["https://export.arxiv.org/rss", "https://arxiv.org/rss", "http://arxiv.org/rss"])
def test_a_redirect_from_one_host_of_arxiv_to_another_is_followed(base: str) -> None:
    arxiv = FakeArxiv(lambda: answer(b"", 301, Location="https://rss.arxiv.org/rss/cs.LG"), answer)
    fetch(arxiv, rss_base=base)
    assert arxiv.urls == [f"{base}/cs.LG", "https://rss.arxiv.org/rss/cs.LG"]


def test_a_redirect_from_elsewhere_to_arxiv_is_refused() -> None:
    arxiv = FakeArxiv(lambda: answer(b"", 302, Location="https://rss.arxiv.org/rss/cs.LG"))
    with pytest.raises(SourceUnavailable, match=r"from mirror\.example to rss\.arxiv\.org, which is refused"):
        fetch(arxiv, rss_base="https://mirror.example/rss")


def test_a_request_that_fails_ends_its_turn_with_what_went_wrong() -> None:
    turns = FakeTurns()
    with pytest.raises(SourceUnavailable):
        fetch(FakeArxiv(lambda: answer(b"", 503)), turns=turns)
    assert turns.ends == ["SourceUnavailable"]


def test_an_answer_without_a_turn_is_not_asked_for() -> None:
    class NoTurns(FakeTurns):
        @asynccontextmanager
        async def take(self, service: str, url: str) -> AsyncIterator[None]:
            raise SourceUnavailable(url, "arXiv is left alone", was_asked=False)
            yield

    arxiv = FakeArxiv(answer)
    with pytest.raises(SourceUnavailable, match="is left alone"):
        fetch(arxiv, turns=NoTurns())
    assert arxiv.urls == []


def test_a_turn_is_over_before_the_answer_is_read() -> None:
    turns = FakeTurns()
    with pytest.raises(SourceMalformed):
        fetch(FakeArxiv(lambda: answer(b"<html>")), turns=turns)
    assert turns.ends == ["well"]


def test_a_cancelled_request_ends_its_turn() -> None:
    turns = FakeTurns()

    async def work() -> None:
        begun = asyncio.Event()

        async def stuck(request: httpx.Request) -> httpx.Response:
            begun.set()
            await asyncio.Event().wait()
            return answer()

        task = asyncio.create_task(open_arxiv(stuck, turns=turns).fetch_announcements(("cs.LG",)))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(work)
    assert turns.ends == ["CancelledError"]


class EndingTurns(FakeTurns):
    """Turns that are lost as soon as the request is under way."""

    @asynccontextmanager
    async def take(self, service: str, url: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(0):
                yield
        except TimeoutError as error:
            raise SourceUnavailable(url, "the turn was lost") from error


@pytest.mark.parametrize("deadline_seconds", [0.0, 30.0])
def test_a_turn_that_ends_during_the_request_is_not_taken_for_the_deadline(deadline_seconds: float) -> None:
    async def stuck(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        return answer()

    with pytest.raises(SourceUnavailable, match="the turn was lost"):
        fetch(stuck, turns=EndingTurns(), deadline_seconds=deadline_seconds)


def test_an_answer_that_takes_too_long_as_a_whole_is_given_up() -> None:
    async def stuck(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        return answer()

    with pytest.raises(SourceUnavailable, match=r"did not answer in full within 0\.01 seconds"):
        fetch(stuck, deadline_seconds=0.01)


async def let_time_pass(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """The event loop's clock is *seconds* further on, and what was to happen by then has happened."""
    loop = asyncio.get_running_loop()
    before = loop.time
    monkeypatch.setattr(loop, "time", lambda: before() + seconds)
    for _ in range(3):
        await asyncio.sleep(0)


def test_the_deadline_is_for_each_request_and_not_for_the_wait_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class SlowTurns(FakeTurns):
        @asynccontextmanager
        async def take(self, service: str, url: str) -> AsyncIterator[None]:
            await let_time_pass(monkeypatch, 60.0)
            async with super().take(service, url):
                yield

    arxiv = FakeArxiv(lambda: answer(b"", 302, Location="/elsewhere"), answer)

    async def slow(request: httpx.Request) -> httpx.Response:
        await let_time_pass(monkeypatch, 20.0)
        return arxiv(request)

    assert len(fetch(slow, turns=SlowTurns(), deadline_seconds=30.0).entries) == 1


def test_the_deadline_is_for_the_request_with_all_of_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    class SlowBody(Body):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            for byte in FEED:
                await let_time_pass(monkeypatch, 10.0)
                yield bytes([byte])

    turns = FakeTurns()
    with pytest.raises(SourceUnavailable, match="did not answer in full within 30 seconds"):
        fetch(FakeArxiv(lambda: httpx.Response(200, stream=SlowBody())), turns=turns, deadline_seconds=30.0)
    assert turns.ends == ["SourceUnavailable"]


# --- Refused categories -----------------------------------------------------------------------------------------------

EIGHT = ("cs.AI", "cs.CL", "cs.CV", "cs.DC", "cs.IR", "cs.LG", "cs.RO", "stat.ML")
ERROR_FEED = rss_feed(title="Feed error for query: x", description="Bad subject class.")
REFUSALS: dict[str, tuple[Callable[[], httpx.Response], str]] = {
    "400": (lambda: answer(b"", 400), "arXiv answered 400 Bad Request. it is empty"),
    "400 with an error feed": (
        lambda: answer(ERROR_FEED, 400),
        "arXiv answered 400 Bad Request. arXiv says: Bad subject class.",
    ),
    "404": (lambda: answer(b"", 404), "arXiv answered 404 Not Found"),
    "410": (lambda: answer(b"", 410), "arXiv answered 410 Gone"),
    "error feed": (lambda: answer(ERROR_FEED), "arXiv says: Bad subject class."),
}


class RefusingArxiv(FakeArxiv):
    """Answers a request with a refusal where any of the categories *refused* is in it, and with an empty feed else."""

    def __init__(self, *refused: str, refusal: Callable[[], httpx.Response] = REFUSALS["400 with an error feed"][0]):
        super().__init__(lambda: answer(rss_feed(), ETag=ETAG))
        self.refused = set(refused)
        self.refusal = refusal

    @property
    def asked(self) -> list[str]:
        return [url.rpartition("/")[2] for url in self.urls]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answered = super().__call__(request)
        return self.refusal() if self.refused.intersection(self.asked[-1].split("+")) else answered


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_category_that_arxiv_refuses_is_found_in_halves_and_the_others_are_read(kind: str) -> None:
    refusal, reason = REFUSALS[kind]
    arxiv = RefusingArxiv("cs.DC", refusal=refusal)
    announced = fetch(arxiv, *EIGHT, etag=ETAG)
    assert arxiv.asked == [
        "+".join(EIGHT),
        "cs.AI+cs.CL+cs.CV+cs.DC",
        "cs.AI+cs.CL",
        "cs.CV+cs.DC",
        "cs.CV",
        "cs.DC",
        "cs.IR+cs.LG+cs.RO+stat.ML",
    ]
    assert (announced.requests, len(announced.feeds), announced.refused, announced.notices, announced.etag) == (
        7,
        3,
        (Refused("cs.DC", reason),),
        (),
        None,
    )


def test_the_etag_is_sent_for_the_whole_set_only() -> None:
    arxiv = RefusingArxiv("cs.AI")
    fetch(arxiv, "cs.AI", "cs.CL", etag=ETAG)
    assert [request.headers.get("If-None-Match") for request in arxiv.requests] == [ETAG, None, None]


def test_each_request_for_a_part_waits_its_turn() -> None:
    arxiv, turns = RefusingArxiv("cs.AI"), FakeTurns()
    fetch(arxiv, "cs.AI", "cs.CL", turns=turns)
    assert turns.taken == [("feeds", url) for url in arxiv.urls]


def test_what_was_refused_the_last_time_costs_one_request_more() -> None:
    arxiv = RefusingArxiv("cs.DC")
    announced = fetch(arxiv, *EIGHT, apart=("cs.DC", "math.CO"))
    assert arxiv.asked == ["cs.AI+cs.CL+cs.CV+cs.IR+cs.LG+cs.RO+stat.ML", "cs.DC"]
    assert [one.category for one in announced.refused] == ["cs.DC"]


def test_a_category_that_is_answered_again_is_refused_no_more() -> None:
    announced = fetch(RefusingArxiv(), "cs.AI", "cs.DC", apart=("cs.DC",), etag=ETAG)
    assert (announced.requests, len(announced.feeds), announced.refused, announced.etag) == (2, 2, (), None)


def time_out() -> NoReturn:
    raise httpx.ReadTimeout("it took too long")


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        pytest.param(lambda: answer(b"", 503), "arXiv answered 503 Service Unavailable", id="away"),
        pytest.param(lambda: answer(b"", 429), "arXiv answered 429 Too Many Requests", id="too many"),
        pytest.param(time_out, "no answer came (ReadTimeout: it took too long)", id="too late"),
        pytest.param(lambda: answer(FEED[:-9]), "it is not well-formed XML", id="cut off"),
    ],
)
def test_however_what_is_asked_for_apart_fails_the_others_are_read(
    failure: Callable[[], httpx.Response], reason: str
) -> None:
    announced = fetch(RefusingArxiv("cs.DC", refusal=failure), *EIGHT, "math.CO", apart=("cs.DC", "math.CO"))
    ((category, told),) = [(one.category, one.reason) for one in announced.refused]
    assert (announced.requests, len(announced.feeds), category, reason in told) == (3, 2, "cs.DC", True)


def test_where_the_others_fail_nothing_is_asked_for_apart() -> None:
    arxiv = FakeArxiv(lambda: answer(b"", 503))
    with pytest.raises(SourceUnavailable, match="503"):
        fetch(arxiv, "cs.AI", "cs.DC", apart=("cs.DC",))
    assert arxiv.urls == ["https://rss.arxiv.org/rss/cs.AI"]


def test_a_failure_before_any_feed_was_read_fails_the_whole() -> None:
    arxiv = FakeArxiv(lambda: answer(b"", 404), lambda: answer(b"", 503))
    with pytest.raises(SourceUnavailable, match="503"):
        fetch(arxiv, "cs.AI", "cs.DC", apart=("cs.DC",))


@pytest.mark.parametrize("kind", REFUSALS)
@pytest.mark.parametrize("apart", [(), ("cs.AI",), ("cs.AI", "cs.CL")], ids=["together", "one apart", "both apart"])
def test_a_set_of_which_every_category_is_refused_is_an_error(kind: str, apart: tuple[str, ...]) -> None:
    refusal, reason = REFUSALS[kind]
    with pytest.raises((SourceUnavailable, SourceMalformed)) as raised:
        fetch(RefusingArxiv("cs.AI", "cs.CL", refusal=refusal), "cs.AI", "cs.CL", apart=apart)
    assert reason in str(raised.value)


def test_that_arxiv_refuses_whatever_is_asked_is_believed_after_a_few_requests() -> None:
    arxiv = RefusingArxiv(*EIGHT)
    with pytest.raises(SourceUnavailable) as raised:
        fetch(arxiv, *EIGHT)
    assert (len(arxiv.urls), raised.value.url) == (7, arxiv.urls[0])


@pytest.mark.parametrize(
    "failure",
    [
        lambda: answer(b"", 503),
        lambda: answer(b"", 429),
        lambda: answer(b"", 403),
        lambda: answer(b"<!doctype html><p>Are you human?", Content_Type="text/html"),
        lambda: answer(FEED[:-9]),
    ],
    ids=["away", "too many", "forbidden", "captcha", "cut off"],
)
def test_what_is_no_refusal_is_not_asked_for_in_parts(failure: Callable[[], httpx.Response]) -> None:
    arxiv = FakeArxiv(failure)
    with pytest.raises((SourceUnavailable, SourceMalformed)):
        fetch(arxiv, *EIGHT)
    assert len(arxiv.urls) == 1


def test_a_part_that_fails_otherwise_fails_the_whole() -> None:
    arxiv = FakeArxiv(lambda: answer(b"", 400), answer, lambda: answer(b"", 503))
    with pytest.raises(SourceUnavailable, match="503"):
        fetch(arxiv, "cs.AI", "cs.CL")


# --- Conditional requests ---------------------------------------------------------------------------------------------


def test_an_etag_is_kept_and_sent_back_byte_for_byte() -> None:
    arxiv = FakeArxiv(lambda: answer(ETag=ETAG))
    etag = fetch(arxiv).etag
    fetch(arxiv, etag=etag)
    assert (etag, [request.headers.get("If-None-Match") for request in arxiv.requests]) == (ETAG, [None, ETAG])


def test_a_feed_that_has_not_changed_is_not_sent_again() -> None:
    unchanged = fetch(FakeArxiv(lambda: answer(b"", 304, Date="Thu, 05 Mar 2026 05:00:09 GMT")), etag=ETAG)
    assert (unchanged.is_unchanged, unchanged.feeds, unchanged.requests, unchanged.etag, unchanged.answered_at) == (
        True,
        (),
        1,
        ETAG,
        datetime(2026, 3, 5, 5, 0, 9, tzinfo=UTC),
    )


def test_a_feed_that_has_changed_comes_with_its_new_etag() -> None:
    changed = fetch(FakeArxiv(lambda: answer(ETag='W/"2"')), etag=ETAG)
    assert (changed.is_unchanged, len(changed.entries), changed.etag) == (False, 1, 'W/"2"')


@pytest.mark.parametrize("etag", [None, ""])
def test_not_modified_is_no_answer_to_who_did_not_ask_for_it(etag: str | None) -> None:
    arxiv = FakeArxiv(lambda: answer(b"", 304, ETag=ETAG))
    with pytest.raises(SourceUnavailable, match="arXiv answered 304"):
        fetch(arxiv, etag=etag)
    assert "If-None-Match" not in arxiv.requests[0].headers


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"x" * 200, "x" * 200),
        (b"x" * 201, None),
        (b"", None),
        (b"caf\xc3\xa9", None),
        (b"a\x7fb", None),
        (b"a\tb", None),
    ],
    ids=["longest", "too long", "empty", "not ASCII", "delete", "tab"],
)
def test_an_etag_that_cannot_be_sent_back_is_not_kept(sent: bytes, kept: str | None) -> None:
    arxiv = FakeArxiv(lambda: httpx.Response(200, headers=[(b"ETag", sent)], stream=Body(FEED)))
    assert fetch(arxiv).etag == kept


def test_an_announcement_that_was_split_has_no_etag_and_is_asked_for_without() -> None:
    arxiv = FakeArxiv(lambda: answer(LIMIT_FEED, ETag=ETAG), lambda: answer(ETag=ETAG))
    announced = fetch(arxiv, "cs.AI", "cs.LG", etag="0")
    assert (
        announced.etag,
        announced.is_unchanged,
        [request.headers.get("If-None-Match") for request in arxiv.requests],
    ) == (
        None,
        False,
        ["0", None, None],
    )


def test_a_single_category_at_the_limit_has_an_etag() -> None:
    assert fetch(FakeArxiv(lambda: answer(LIMIT_FEED, ETag=ETAG)), "cs.LG").etag == ETAG


def test_an_etag_goes_with_a_request_that_is_redirected() -> None:
    arxiv = FakeArxiv(lambda: answer(b"", 301, Location="/elsewhere"), lambda: answer(b"", 304))
    assert (fetch(arxiv, etag=ETAG).is_unchanged, [request.headers["If-None-Match"] for request in arxiv.requests]) == (
        True,
        [ETAG, ETAG],
    )


@pytest.mark.parametrize(
    ("header", "moment"),
    [("Thu, 05 Mar 2026 05:00:09 GMT", datetime(2026, 3, 5, 5, 0, 9, tzinfo=UTC)), ("soon", None), ("", None)],
)
def test_an_announcement_says_when_arxiv_answered(header: str, moment: datetime | None) -> None:
    assert fetch(FakeArxiv(lambda: answer(Date=header))).answered_at == moment


def test_answers_at_the_same_time_keep_their_own_moments() -> None:
    def dated(request: httpx.Request) -> httpx.Response:
        second = 1 if request.url.path.endswith("cs.AI") else 2
        return answer(Date=f"Thu, 05 Mar 2026 05:00:0{second} GMT")

    async def work() -> list[int]:
        arxiv = open_arxiv(dated)
        announced = await asyncio.gather(*(arxiv.fetch_announcements((one,)) for one in ("cs.AI", "cs.LG")))
        return [one.answered_at.second for one in announced if one.answered_at]

    assert run(work) == [1, 2]


# --- Connections ------------------------------------------------------------------------------------------------------


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


# --- Submissions ------------------------------------------------------------------------------------------------------

MIDNIGHT = datetime(2026, 3, 4, 5, 0, tzinfo=UTC)


def fetch_submissions(handler: Any, *categories: str, **changes: Any) -> Any:
    """What `fetch_submissions` gives: the first 100 of a day's submissions to cs.LG, unless *changes* say otherwise."""
    values: dict[str, Any] = {
        "first": MIDNIGHT,
        "last": MIDNIGHT + timedelta(hours=23, minutes=59),
        "by": "submitted",
        "start": 0,
        "count": 100,
    }
    turns = changes.pop("turns", FakeTurns())
    values.update(changes)

    async def work() -> Any:
        return await open_arxiv(handler, turns=turns).fetch_submissions(Window(categories or ("cs.LG",), **values))

    return run(work)


def api_papers(*numbers: int) -> tuple[str, ...]:
    return tuple(api_entry(id=f"http://arxiv.org/abs/2603.{number:05}v1") for number in numbers)


def test_submissions_of_a_category_are_asked_for_under_both_names_that_it_has() -> None:
    arxiv = FakeArxiv(lambda: answer(api_page(*api_papers(1), total="1")))
    fetch_submissions(arxiv, "cs.LG", "math.NA")
    assert arxiv.requests[0].url.params["search_query"].startswith("(cat:cs.LG OR cat:math.NA OR cat:cs.NA) AND ")


@pytest.mark.parametrize(
    ("by", "field"),
    [("submitted", "submittedDate"), ("revised", "lastUpdatedDate")],
)
def test_submissions_are_asked_for_oldest_first(by: str, field: str) -> None:
    arxiv = FakeArxiv(lambda: answer(api_page(*api_papers(1), total="201", start="200")))
    turns = FakeTurns()
    fetch_submissions(arxiv, "CS.lg", "hep-th", "cs.LG", by=by, start=200, count=50, turns=turns)
    assert (dict(arxiv.requests[0].url.params), [service for service, _ in turns.taken]) == (
        {
            "search_query": f"(cat:cs.LG OR cat:hep-th) AND {field}:[202603040500 TO 202603050459]",
            "start": "200",
            "max_results": "50",
            "sortBy": field,
            "sortOrder": "ascending",
        },
        ["search"],
    )


@pytest.mark.parametrize(
    ("numbers", "start", "total", "is_last"),
    [
        ((1, 2), 0, 5, False),
        ((1, 2), 2, 5, False),
        ((1,), 4, 5, True),
        ((1, 2), 0, 2, True),
        ((1, 2), 0, 1, True),
        ((), 0, 0, True),
    ],
    ids=["first", "middle", "last", "only", "too many", "none"],
)
def test_a_page_of_submissions_says_whether_it_is_the_last(
    numbers: tuple[int, ...], start: int, total: int, is_last: bool
) -> None:
    told = api_page(*api_papers(*numbers), total=str(total), start=str(start))
    page = fetch_submissions(FakeArxiv(lambda: answer(told)), start=start)
    assert (len(page.papers), page.is_last, page.total) == (len(numbers), is_last, total)


@pytest.mark.parametrize(("start", "total"), [(0, 5), (4, 5), (5, 5), (9, 5), (9, 0)])
def test_an_empty_page_is_malformed_unless_it_is_the_first_of_an_empty_list(start: int, total: int) -> None:
    """Whoever goes on was told of more, and arXiv says 0 of a full list for minutes at a time."""
    told = api_page(total=str(total), start=str(start))
    with pytest.raises(SourceMalformed, match=f"no result from {start} on, of {total}"):
        fetch_submissions(FakeArxiv(lambda: answer(told)), start=start)


def test_another_page_than_was_asked_for_is_malformed() -> None:
    told = api_page(*api_papers(1, 2), total="5", start="0")
    with pytest.raises(SourceMalformed, match="the results from 0 on and not those from 2 on"):
        fetch_submissions(FakeArxiv(lambda: answer(told)), start=2)


def test_a_page_with_fewer_submissions_than_asked_for_is_followed_by_the_right_one() -> None:
    def paged(request: httpx.Request) -> httpx.Response:
        """Five papers, the second of which is none, in pages of two whatever was asked for."""
        start = int(request.url.params["start"])
        entries = list(api_papers(1, 2, 3, 4, 5))
        entries[1] = api_entry(id="http://arxiv.org/abs/2603.00002v1", title=None)
        return answer(api_page(*entries[start : start + 2], total="5", start=str(start)))

    pages: list[Submissions] = []
    while not pages or not pages[-1].is_last:
        received = sum(len(page.papers) + len(page.rejected) for page in pages)
        pages.append(fetch_submissions(paged, start=received))
    assert ([paper.id[-1] for page in pages for paper in page.papers], [page.rejected for page in pages]) == (
        ["1", "3", "4", "5"],
        [(Rejected("http://arxiv.org/abs/2603.00002v1", "it has no title"),), (), ()],
    )


def test_a_page_of_rejected_submissions_is_not_empty() -> None:
    page = fetch_submissions(FakeArxiv(lambda: answer(api_page(api_entry(title=None), total="1"))))
    assert (page.papers, len(page.rejected), page.is_last) == ((), 1, True)


@pytest.mark.parametrize(
    ("categories", "changes", "reason"),
    [
        (("cs.XX",), {}, "is no category"),
        (("cs.LG",), {"start": -1}, "outside of 1 to 2000"),
        (("cs.LG",), {"count": 0}, "outside of 1 to 2000"),
        (("cs.LG",), {"count": 2_001}, "outside of 1 to 2000"),
    ],
    ids=["category", "start", "none", "too many"],
)
def test_submissions_that_arxiv_would_refuse_are_not_asked_for(
    categories: tuple[str, ...], changes: dict[str, Any], reason: str
) -> None:
    arxiv = FakeArxiv(answer)
    with pytest.raises(ValueError, match=reason):
        fetch_submissions(arxiv, *categories, **changes)
    assert arxiv.urls == []


def test_a_search_that_arxiv_cannot_answer_is_told_with_the_time_to_wait() -> None:
    with pytest.raises(SourceUnavailable) as raised:
        fetch_submissions(FakeArxiv(lambda: answer(b"", 503, Retry_After="30")))
    assert (raised.value.status, raised.value.retry_after_seconds) == (503, 30.0)


# --- The texts of papers ----------------------------------------------------------------------------------------------

PAGE = b"<!DOCTYPE html><html><body><article class='ltx_document'>A paper.</article></body></html>"
PDF = b"%PDF-1.7\n..."


def paper(**changes: Any) -> Paper:
    values: dict[str, Any] = {
        "id": "2603.00001",
        "version": 2,
        "title": "A Paper",
        "authors": (),
        "abstract": "",
        "categories": ("cs.LG",),
        "raw_title": "A Paper",
        "raw_authors": "",
        "raw_abstract": "",
    }
    return Paper(**(values | changes))


def fetch_text(handler: Any, kind: str = "html", *, of: Paper | None = None, **changes: Any) -> bytes | None:
    """What `fetch_full_text_page` or, for the *kind* `pdf`, `fetch_pdf` gives."""

    async def work() -> bytes | None:
        arxiv = open_arxiv(handler, **changes)
        try:
            return await (arxiv.fetch_pdf if kind == "pdf" else arxiv.fetch_full_text_page)(of or paper())
        finally:
            await arxiv.aclose()

    return run(work)


def page(body: bytes = PAGE, status: int = 200, **headers: str) -> httpx.Response:
    return answer(body, status, **{"Content_Type": "text/html; charset=utf-8", **headers})


def pdf(body: bytes = PDF, status: int = 200, **headers: str) -> httpx.Response:
    return answer(body, status, **{"Content_Type": "application/pdf", **headers})


TEXTS: dict[str, Callable[..., httpx.Response]] = {"html": page, "pdf": pdf}


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize(
    ("identifier", "version", "name"),
    [("2603.00001", 2, "2603.00001v2"), ("hep-th/9901001", 1, "hep-th/9901001v1")],
    ids=["new", "old"],
)
def test_a_text_is_asked_for_in_the_papers_version(kind: str, identifier: str, version: int, name: str) -> None:
    arxiv, turns = FakeArxiv(TEXTS[kind]), FakeTurns()
    fetch_text(arxiv, kind, of=paper(id=identifier, version=version), turns=turns)
    assert turns.taken == [("pages", f"https://arxiv.org/{kind}/{name}")]
    assert arxiv.urls == [f"https://arxiv.org/{kind}/{name}"]


@pytest.mark.parametrize(("kind", "accept"), [("html", "text/html, application/xhtml+xml"), ("pdf", "application/pdf")])
def test_a_request_for_a_text_says_who_asks_and_what_is_understood(kind: str, accept: str) -> None:
    arxiv = FakeArxiv(TEXTS[kind])
    fetch_text(arxiv, kind, pages_base="https://mirror.example/")
    headers = arxiv.requests[0].headers
    assert (headers["User-Agent"], headers["Accept"]) == ("arxiv-feeds-tests/1", accept)
    assert arxiv.urls == [f"https://mirror.example/{kind}/2603.00001v2"]


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "Text/HTML", "application/xhtml+xml"])
def test_a_page_is_given_as_it_is(content_type: str) -> None:
    assert fetch_text(lambda _: page(Content_Type=content_type)) == PAGE


@pytest.mark.parametrize(("kind", "body"), [("html", PAGE), ("pdf", PDF)])
def test_a_text_is_unpacked(kind: str, body: bytes) -> None:
    assert fetch_text(lambda _: TEXTS[kind](gzip.compress(body), Content_Encoding="gzip"), kind) == body


@pytest.mark.parametrize("kind", TEXTS)
def test_where_arxiv_has_no_text_there_is_none(kind: str) -> None:
    turns = FakeTurns()
    assert fetch_text(lambda _: page(b"<h1>No HTML for '2603.00001v2'</h1>", 404), kind, turns=turns) is None
    assert turns.ends == ["SourceUnavailable"]  # what an answer says of arXiv is for the turns to judge


@pytest.mark.parametrize("content_type", ["application/pdf", "text/plain", ""])
def test_what_is_no_html_is_no_page(content_type: str) -> None:
    assert fetch_text(lambda _: page(Content_Type=content_type)) is None


def test_an_empty_page_is_none() -> None:
    assert fetch_text(lambda _: page(b"")) is None


@pytest.mark.parametrize("body", [b"", PAGE, b"\n%PDF-1.7", b"%pdf-1.7"])
def test_what_is_no_pdf_is_malformed(body: bytes) -> None:
    with pytest.raises(SourceMalformed, match="it is no PDF"):
        fetch_text(lambda _: pdf(body), "pdf")


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [(429, "120", 120.0), (503, "Thu, 05 Mar 2026 05:10:00 GMT", 600.0), (403, "", None), (400, "", None)],
)
def test_a_text_that_is_refused_is_told_with_the_time_to_wait(
    kind: str, status: int, header: str, seconds: float | None
) -> None:
    with pytest.raises(SourceUnavailable, match=f"arXiv answered {status}") as raised:
        fetch_text(lambda _: TEXTS[kind](status=status, Retry_After=header), kind)
    assert (raised.value.status, raised.value.retry_after_seconds) == (status, seconds)


@pytest.mark.parametrize(
    ("kind", "most", "is_packed"),
    [("html", MOST_PAGE_BYTES, False), ("html", MOST_PAGE_BYTES, True), ("pdf", MOST_PDF_BYTES, False)],
    ids=["page", "packed page", "PDF"],
)
def test_a_text_may_be_so_large_and_no_larger(kind: str, most: int, *, is_packed: bool) -> None:
    def sized(body_bytes: int) -> httpx.Response:
        body = b"%PDF".ljust(body_bytes)
        return TEXTS[kind](gzip.compress(body, 1), Content_Encoding="gzip") if is_packed else TEXTS[kind](body)

    assert len(fetch_text(lambda _: sized(most), kind) or b"") == most
    with pytest.raises(SourceMalformed, match=f"more than {most} bytes|larger than {most} bytes"):
        fetch_text(lambda _: sized(most + 1), kind)


def test_a_cut_off_text_is_malformed() -> None:
    with pytest.raises(SourceMalformed, match="bytes came instead of"):
        fetch_text(lambda _: page(Content_Length=str(len(PAGE) + 1)))


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("location", ["/elsewhere", "https://arxiv.org/elsewhere", "https://arxiv.org:443/elsewhere"])
def test_a_redirect_within_the_host_is_followed(kind: str, location: str) -> None:
    arxiv = FakeArxiv(lambda: answer(b"", 301, Location=location), TEXTS[kind])
    assert fetch_text(arxiv, kind) in (PAGE, PDF)
    assert arxiv.urls[1:] == ["https://arxiv.org/elsewhere"]


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize(
    "location", ["https://example.org/", "https://arxiv.org.example.org/", "https://arxiv.org:8443/", "//169.254.1.1/"]
)
def test_a_redirect_to_another_host_is_refused(kind: str, location: str) -> None:
    arxiv = FakeArxiv(lambda: answer(b"", 302, Location=location), TEXTS[kind])
    with pytest.raises(SourceUnavailable, match=r"arXiv redirected from arxiv\.org to .*, which is refused"):
        fetch_text(arxiv, kind)
    assert len(arxiv.urls) == 1


def test_a_redirect_to_where_nothing_is_leads_to_no_text() -> None:
    assert fetch_text(FakeArxiv(lambda: answer(b"", 301, Location="/elsewhere"), lambda: page(status=404))) is None


def test_a_text_that_takes_too_long_is_given_up() -> None:
    async def stuck(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        return page()

    with pytest.raises(SourceUnavailable, match=r"did not answer in full within 0\.01 seconds"):
        fetch_text(stuck, deadline_seconds=0.01)


# --- Real connections -------------------------------------------------------------------------------------------------


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
def serving(certified: ssl.SSLContext | None = None) -> Iterator[str]:
    """The address of a server of `_Handler`'s answers, over TLS where it is *certified*."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    if certified is not None:
        server.socket = certified.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http{'s' if certified else ''}://127.0.0.1:{server.server_address[1]}"
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


def test_the_clients_of_every_loop_trust_who_has_a_certificate_and_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted, certified = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trusted.issue_cert("127.0.0.1").configure_cert(certified)
    trusted.cert_pem.write_to_path(str(tmp_path / "trusted.pem"))
    with serving(certified) as base:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
        trusting = prepare_clients()
        found = [fetch(None, rss_base=f"{base}/good", open_client=trusting) for _ in range(2)]
        assert [len(announced.entries) for announced in found] == [1, 1]
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(SourceUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            fetch(None, rss_base=f"{base}/good", open_client=prepare_clients())


SAMPLES = [listing.paper for listing in mailing_week(date(2026, 3, 5))[-1].listings]


@pytest.fixture(scope="module")
def stand_in() -> Iterator[ArxivStandIn]:
    with ArxivStandIn(mailing_week(date(2026, 3, 5))) as arxiv:
        yield arxiv


def ask_stand_in(stand_in: ArxivStandIn, kind: str, *, is_there: bool = True) -> bytes | None:
    sample = next(sample for sample in SAMPLES if has_full_text(sample) == is_there)
    return fetch_text(
        None,
        kind,
        of=paper(id=sample.id, version=sample.version),
        pages_base=stand_in.base,
        deadline_seconds=1.5,
        open_client=lambda: httpx.AsyncClient(trust_env=False),
    )


@pytest.mark.parametrize(("kind", "render"), [("html", render_full_text), ("pdf", render_pdf)])
def test_texts_over_a_real_connection(stand_in: ArxivStandIn, kind: str, render: Callable[[Any], bytes]) -> None:
    assert ask_stand_in(stand_in, kind) == render(next(sample for sample in SAMPLES if has_full_text(sample)))


def test_a_paper_without_a_full_text_over_a_real_connection(stand_in: ArxivStandIn) -> None:
    assert ask_stand_in(stand_in, "html", is_there=False) is None


# Of a page that lacks its end, whose length does not give that away, the beginning is read.
READABLE = {"slow drip", "wrong content type", "huge feed", "invalid UTF-8", "unknown encoding", "entity expansion"}
READABLE |= {"partly malformed", "redirect", "empty page", "short page", "truncated XML"}
WITHOUT_TEXT = {"HTML page", "other XML", "other feed", "empty body"}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_goes_wrong_with_a_page_is_an_error_of_ours_or_no_text(stand_in: ArxivStandIn, fault: str) -> None:
    stand_in.answer_with(FAULTS[fault]())
    try:
        body = ask_stand_in(stand_in, "html")
    except (SourceMalformed, SourceUnavailable):
        assert fault not in READABLE | WITHOUT_TEXT
    else:
        has_text = body is not None and extract_text(body) is not None
        assert fault in (READABLE if has_text else WITHOUT_TEXT)


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in READABLE])
def test_whatever_goes_wrong_with_a_pdf_is_an_error_of_ours(stand_in: ArxivStandIn, fault: str) -> None:
    stand_in.answer_with(FAULTS[fault]())
    with pytest.raises((SourceMalformed, SourceUnavailable)):
        ask_stand_in(stand_in, "pdf")
