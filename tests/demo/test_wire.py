"""What can be made to happen to an answer on its way, seen from the other end of a real connection."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

import httpx
import pytest

from demo.standin import ArxivStandIn, Fault
from demo.week import mailing_week
from demo.wire import Drip

WEEK = mailing_week(date(2026, 3, 5))
BODY = bytes(range(256)) * 8


@pytest.fixture
def arxiv() -> Iterator[ArxivStandIn]:
    with ArxivStandIn(WEEK) as standin:
        yield standin


def ask(arxiv: ArxivStandIn, fault: Fault, method: str = "GET") -> httpx.Response:
    arxiv.answer_with(fault)
    with httpx.Client(timeout=5, trust_env=False) as client:
        return client.request(method, f"{arxiv.rss_base}/cs.DC?a=1", headers={"Accept-Encoding": "identity"})


def begin(arxiv: ArxivStandIn, fault: Fault) -> tuple[HTTPConnection, HTTPResponse]:
    """A connection on which the answer has begun to arrive."""
    arxiv.answer_with(fault)
    connection = HTTPConnection(urlsplit(arxiv.base).netloc, timeout=5)
    connection.request("GET", "/rss/cs.DC")
    return connection, connection.getresponse()


def dripping(**changes: threading.Event) -> Fault:
    """BODY in three pieces, of which the second and third take an hour unless they are let go."""
    return Fault(body=BODY, drip=Drip(piece_bytes=1000, pause_seconds=3600.0, **changes))


@pytest.mark.parametrize("piece_bytes", [1, 1000, len(BODY), len(BODY) + 1])
def test_a_drip_brings_the_whole_body(arxiv: ArxivStandIn, piece_bytes: int) -> None:
    drip = Drip(piece_bytes=piece_bytes, pause_seconds=0.0)
    assert ask(arxiv, Fault(body=BODY, drip=drip)).content == BODY


def test_a_drip_goes_on_when_it_is_released(arxiv: ArxivStandIn) -> None:
    release = threading.Event()
    connection, response = begin(arxiv, dripping(release=release))
    assert response.read(1000) == BODY[:1000]
    release.set()
    assert response.read() == BODY[1000:]
    connection.close()


def test_a_drip_stops_when_the_client_goes_away(arxiv: ArxivStandIn) -> None:
    connection, response = begin(arxiv, dripping())
    response.close()
    connection.close()
    assert arxiv.wait_until_idle()


def test_a_drip_stops_when_the_stand_in_closes() -> None:
    with ArxivStandIn(WEEK) as standin:
        connection, response = begin(standin, dripping())
    assert response.read(1500) == BODY[:1000]
    connection.close()


def test_a_hold_ends_when_the_client_goes_away(arxiv: ArxivStandIn) -> None:
    arxiv.answer_with(Fault(hold=threading.Event()))
    connection = HTTPConnection(urlsplit(arxiv.base).netloc, timeout=5)
    connection.request("GET", "/rss/cs.DC")
    assert arxiv.wait_for_requests(1)
    connection.close()
    assert arxiv.wait_until_idle()
    (request,) = arxiv.requests
    assert (request.finished, request.ended is None) == (None, False)


def test_a_client_that_does_not_read_on_ends_its_request_by_going_away(arxiv: ArxivStandIn) -> None:
    connection, response = begin(arxiv, Fault(body=b" " * (32 << 20)))
    response.close()
    connection.close()
    assert arxiv.wait_until_idle()


def test_an_answer_can_be_no_answer_at_all(arxiv: ArxivStandIn) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="disconnected without sending a response"):
        ask(arxiv, Fault(is_silent=True))


@pytest.mark.parametrize("fault", [Fault(is_silent=True), Fault(), Fault(cut_after=10)], ids=["before", "after", "in"])
def test_a_connection_can_be_reset(arxiv: ArxivStandIn, fault: Fault) -> None:
    """An answer that is whole has arrived before the reset, and another request finds the stand-in well."""
    resetting = Fault(is_silent=fault.is_silent, cut_after=fault.cut_after, is_reset=True)
    if fault == Fault():
        assert ask(arxiv, resetting).status_code == 200
    else:
        with pytest.raises(httpx.ReadError):
            ask(arxiv, resetting)
    assert ask(arxiv, Fault()).status_code == 200


def test_nothing_comes_after_a_silent_hold(arxiv: ArxivStandIn) -> None:
    gate = threading.Event()
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = pool.submit(ask, arxiv, Fault(hold=gate, is_silent=True))
        assert arxiv.wait_for_requests(1)
        gate.set()
        with pytest.raises(httpx.RemoteProtocolError):
            waiting.result()


def test_a_body_can_be_edited(arxiv: ArxivStandIn) -> None:
    answer = ask(arxiv, Fault(edit=bytes.upper))
    assert answer.content.startswith(b"<?XML")
    assert answer.headers["Content-Length"] == str(len(answer.content))


def test_a_location_can_be_made_of_the_address_asked_for(arxiv: ArxivStandIn) -> None:
    answer = ask(arxiv, Fault(status=307, location=lambda address: f"/there{address}"))
    assert (answer.status_code, answer.headers["Location"]) == (307, "/there/rss/cs.DC?a=1")


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304), ("GET", 204)])
def test_some_answers_have_no_body(arxiv: ArxivStandIn, method: str, status: int) -> None:
    answer = ask(arxiv, Fault(status=status, body=BODY), method)
    assert (answer.status_code, answer.content) == (status, b"")


def test_a_status_that_nobody_knows_has_no_phrase(arxiv: ArxivStandIn) -> None:
    answer = ask(arxiv, Fault(status=599))
    assert (answer.status_code, answer.reason_phrase) == (599, "")
