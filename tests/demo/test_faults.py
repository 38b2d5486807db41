"""Each fault by its name, on feeds and on search pages, as a client meets it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import httpx
import pytest

from core.arxiv.query_api import parse_search_page
from core.arxiv.rss import parse_announcements
from core.errors import SourceMalformed
from demo.faults import FAULTS, short_page, too_many_requests, unavailable
from demo.standin import ArxivStandIn, Fault
from demo.week import mailing_week

WEEK = mailing_week(date(2026, 3, 5))
FEED = "rss/cs.AI+cs.LG"
SEARCH = "api/query?search_query=cat:cs.LG&max_results=20"
MEBIBYTE = 1 << 20

Outcome = Callable[["Received"], bool]


@dataclass(frozen=True, slots=True)
class Received:
    """What came of a request: a status with headers and raw bytes, or the error that httpx raised."""

    status: int = 0
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    raw: bytes = b""
    error: type[Exception] | None = None

    @property
    def body(self) -> bytes:
        return gzip.decompress(self.raw) if self.headers.get("Content-Encoding") == "gzip" else self.raw


@dataclass(frozen=True, slots=True)
class Asker:
    """A client of a stand-in; one for all tests, since the certificates that it loads take longer than any of them."""

    stand_in: ArxivStandIn
    client: httpx.Client

    def receive(self, fault: Fault | None, path: str = FEED) -> Received:
        """What comes of a request that meets *fault*."""
        if fault:
            self.stand_in.answer_with(fault)
        try:
            with self.client.stream("GET", f"{self.stand_in.base}/{path}") as response:
                return Received(response.status_code, response.headers, b"".join(response.iter_raw()))
        except httpx.HTTPError as error:
            return Received(error=type(error))


@pytest.fixture(scope="module")
def asker() -> Iterator[Asker]:
    timeout = httpx.Timeout(5, read=0.2)
    with (
        ArxivStandIn(WEEK) as stand_in,
        httpx.Client(timeout=timeout, trust_env=False, headers={"Accept-Encoding": "gzip"}) as client,
    ):
        yield Asker(stand_in, client)


def status(number: int, retry_after: str | None = None) -> Outcome:
    return lambda received: (received.status, received.headers.get("Retry-After")) == (number, retry_after)


def error(kind: type[Exception]) -> Outcome:
    return lambda received: received.error is kind


def malformed(reason: str) -> Outcome:
    """A whole answer with status 200 that our reader of feeds refuses for *reason*."""

    def is_met(received: Received) -> bool:
        with pytest.raises(SourceMalformed, match=reason):
            parse_announcements(received.body)
        return received.status == 200 and received.headers["Content-Length"] == str(len(received.raw))

    return is_met


def readable(entries: int, rejected: int) -> Outcome:
    def is_met(received: Received) -> bool:
        feed = parse_announcements(received.body)
        return (received.status, len(feed.entries), len(feed.rejected)) == (200, entries, rejected)

    return is_met


def is_bomb(received: Received) -> bool:
    stream = zlib.decompressobj(wbits=31)
    stream.decompress(received.raw, 64 * MEBIBYTE)
    return len(received.raw) < 80_000 and bool(stream.unconsumed_tail)


def is_damaged(received: Received) -> bool:
    with pytest.raises((zlib.error, EOFError, gzip.BadGzipFile)):
        gzip.decompress(received.raw)
    return received.status == 200 and received.headers["Content-Encoding"] == "gzip"


def is_redirect(received: Received) -> bool:
    return (received.status, received.headers["Location"]) == (301, f"/moved/{FEED}")


def is_loop(received: Received) -> bool:
    return (received.status, received.headers["Location"]) == (302, "/loop")


ENTRIES = 55
OUTCOMES: dict[str, Outcome] = {
    "429": status(429),
    "429 with seconds": status(429, "7"),
    "429 with a date": status(429, "Thu, 05 Mar 2026 14:10:00 GMT"),
    "406": status(406),
    "500": status(500),
    "502": status(502),
    "503": status(503),
    "503 with seconds": status(503, "600"),
    "never answering": error(httpx.ReadTimeout),
    "slow drip": readable(ENTRIES, 0),
    "hung up": error(httpx.RemoteProtocolError),
    "cut off": error(httpx.RemoteProtocolError),
    "reset before answer": error(httpx.ReadError),
    "reset in body": error(httpx.ReadError),
    "truncated XML": malformed("cut off"),
    "HTML page": malformed("web page"),
    "wrong content type": lambda received: (
        received.headers["Content-Type"].startswith("text/html") and readable(ENTRIES, 0)(received)
    ),
    "other XML": malformed("its root is <OAI-PMH>"),
    "other feed": readable(0, 1),
    "empty body": malformed("it is empty"),
    "gzip bomb": is_bomb,
    "huge feed": lambda received: len(received.raw) > 8 * MEBIBYTE and readable(ENTRIES, 0)(received),
    "damaged gzip": is_damaged,
    "truncated gzip": is_damaged,
    "invalid UTF-8": malformed("not well-formed"),
    "unknown encoding": malformed("not well-formed"),
    "entity expansion": malformed("document type or an entity"),
    "partly malformed": readable(ENTRIES - 28, 28),
    "redirect": is_redirect,
    "redirect loop": is_loop,
    "empty page": readable(0, 0),
    "short page": readable(ENTRIES - 1, 0),
}


def test_every_fault_has_an_outcome() -> None:
    assert list(OUTCOMES) == list(FAULTS)


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_fault_is_what_its_name_says(asker: Asker, name: str) -> None:
    assert OUTCOMES[name](asker.receive(FAULTS[name]()))


@pytest.mark.parametrize("path", [SEARCH, "atom/cs.AI", "abs/2603.99999"])
@pytest.mark.parametrize("name", OUTCOMES)
def test_a_fault_fits_any_answer_and_passes(asker: Asker, name: str, path: str) -> None:
    usual = asker.receive(None, path).body
    received = asker.receive(FAULTS[name](), path)
    assert received.error or received.status
    assert asker.receive(None, path).body == usual


def test_each_fault_is_made_anew() -> None:
    assert FAULTS["never answering"]().hold is not FAULTS["never answering"]().hold


def test_the_bomb_is_a_well_formed_feed(asker: Asker) -> None:
    body = asker.receive(FAULTS["gzip bomb"]()).body
    assert (body[:5], body[-7:], len(body) > 64 * MEBIBYTE) == (b"<?xml", b"</rss>\n", True)


def test_malformed_entries_lack_one_thing_each(asker: Asker) -> None:
    feed = parse_announcements(asker.receive(FAULTS["partly malformed"]()).body)
    assert {rejected.reason for rejected in feed.rejected} == {
        "it has no id",
        "it has no abstract",
        "it has no announce type",
    }


def test_malformed_entries_of_an_atom_feed_lack_the_same(asker: Asker) -> None:
    feed = parse_announcements(asker.receive(FAULTS["partly malformed"](), "atom/cs.AI").body)
    assert len({rejected.reason for rejected in feed.rejected}) == 3
    assert feed.entries


def test_malformed_entries_of_a_search_page_lack_id_or_abstract(asker: Asker) -> None:
    page = parse_search_page(asker.receive(FAULTS["partly malformed"](), SEARCH).body)
    assert (len(page.papers), {rejected.reason for rejected in page.rejected}) == (
        12,
        {"it has no id", "it has no abstract"},
    )


@pytest.mark.parametrize(
    ("fault", "entries"),
    [(FAULTS["empty page"](), 0), (short_page(), 19), (short_page(missing=5), 15), (short_page(missing=99), 0)],
    ids=["empty", "short", "shorter", "nothing left"],
)
def test_a_page_has_fewer_papers_than_it_tells_of(asker: Asker, fault: Fault, entries: int) -> None:
    usual = parse_search_page(asker.receive(None, SEARCH).body)
    page = parse_search_page(asker.receive(fault, SEARCH).body)
    assert (page.total_results, page.papers) == (usual.total_results, usual.papers[:entries])


def test_a_loop_never_ends(asker: Asker) -> None:
    asker.stand_in.answer_with(FAULTS["redirect loop"]())
    with pytest.raises(httpx.TooManyRedirects):
        asker.client.get(f"{asker.stand_in.base}/{FEED}", follow_redirects=True)


@pytest.mark.parametrize("build", [too_many_requests, unavailable])
def test_a_date_to_retry_at_is_chosen_by_the_test(build: Callable[..., Fault]) -> None:
    fault = build(retry_after=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert fault.headers["Retry-After"] == "Fri, 02 Jan 2026 03:04:05 GMT"
