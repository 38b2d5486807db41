from __future__ import annotations

import socket
from datetime import timedelta

import pytest

from api.server import bind, look_after
from core.errors import BadConfig
from demo.standin import ArxivStandIn
from tests.api.running import Running

FEED = "/rss/cs.AI+cs.CL+cs.DC+cs.LG"
SEARCH = "/api/query"


def test_a_free_port_is_listened_on() -> None:
    with bind("127.0.0.1", 0) as listening:
        address = listening.getsockname()
        with socket.create_connection(address, timeout=5) as client:
            assert client.getpeername() == address


def test_a_port_that_is_taken_is_refused_with_what_to_do() -> None:
    with bind("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(BadConfig, match=rf"127\.0\.0\.1 port {port} .*; PORT or --port names another"):
            bind("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(BadConfig, match=r"192\.0\.2\.1"):  # RFC 5737: nobody's
        bind("192.0.2.1", 8000)


@pytest.mark.parametrize("host", ["\u00e9..x", "a b"])
def test_a_host_that_cannot_be_is_told_in_a_line(host: str) -> None:
    with pytest.raises(BadConfig, match=r"cannot listen on .* \(there is no such host\)"):
        bind(host, 8000)


class TestWatch:
    """What `serve` does between the requests."""

    def test_what_is_due_is_fetched_and_the_next_look_is_ten_minutes_off_at_most(
        self, empty: Running, arxiv: ArxivStandIn
    ) -> None:
        assert empty.runner.run(look_after(empty.service)) == 600.0
        assert empty.ask("/rss").status_code == 200
        assert [request.path for request in arxiv.requests if request.path.startswith("/rss/")] == [FEED]

    def test_what_no_feed_brought_is_asked_of_the_search(self, empty: Running, arxiv: ArxivStandIn) -> None:
        empty.runner.run(look_after(empty.service))
        assert SEARCH in {request.path for request in arxiv.requests}
        configured, *_ = empty.ask("/api/status").json()["sets"]
        assert [one["gaps"] for one in configured["categories"]] == [[]] * 4

    def test_it_looks_again_when_something_is_due_before_that(self, empty: Running, arxiv: ArxivStandIn) -> None:
        empty.runner.run(look_after(empty.service))
        due = empty.runner.run(empty.service.freshness.next_look_at())
        empty.clock.now = due - timedelta(seconds=42)
        assert empty.runner.run(look_after(empty.service)) == 42.0
        empty.clock.now = due - timedelta(seconds=0.1)
        assert empty.runner.run(look_after(empty.service)) == 1.0

    def test_a_failure_of_arxiv_is_a_minute_s_pause(
        self, empty: Running, arxiv: ArxivStandIn, caplog: pytest.LogCaptureFixture
    ) -> None:
        arxiv.fail_next(9)
        assert empty.runner.run(look_after(empty.service)) == 60.0
        assert "Nothing to serve at the moment" in caplog.text

    def test_whatever_goes_wrong_the_watch_goes_on(
        self, empty: Running, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def fail() -> None:
            raise RuntimeError("nobody expected this")

        monkeypatch.setattr(empty.service.freshness, "heal_when_due", fail)
        assert empty.runner.run(look_after(empty.service)) == 60.0
        assert "nobody expected this" in caplog.text
