"""A server that stands in for arXiv: announcement feeds, query API and paper pages of made-up mailings.

    python -m demo.standin --port 8001 --mailing 2026-03-05

Tests script its faults. It answers from memory, speaks to loopback unless told otherwise, and asks nobody.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from core.mailings import EASTERN
from core.papers import PaperId
from demo.announcements import (
    BadSpec,
    parse_spec,
    render_atom,
    render_atom_error,
    render_rss,
    render_rss_error,
    select_entries,
)
from demo.mailing import Mailing, SamplePaper, build_moment, feed_midnight
from demo.pages import render_abstract_page, render_full_text, render_message
from demo.search import answer, current_versions
from demo.week import last_mailing_day, mailing_week

Format = Literal["rss", "atom"]

_CLIENT_TIMEOUT_SECONDS = 10
_CLOSING_CHECK_SECONDS = 0.02
_HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """A request that arrived. *headers* have lower-case names.

    *started* and *finished* are readings of `time.monotonic()`, the second taken when the answer is ready and nothing
    of it is sent yet, and None until then.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    started: float
    finished: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What to change about an answer; what is left at its default stays as it would have been.

    *headers* are added to the usual ones or replace them. The answer waits until *hold* is set. After *cut_after* bytes
    of the body as sent, which Content-Length does not know of, the connection is closed. *gzip* compresses, or does
    not, whatever was asked for.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    hold: threading.Event | None = None
    cut_after: int | None = None
    gzip: bool | None = None


_NO_FAULT = Fault()


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class ArxivStandIn:
    """arXiv as far as this project asks it, with *mailings* (oldest first) as all that it ever announced.

    A context manager: the socket is bound when it is made, requests are answered inside of `with`. The newest mailing
    is shown at first. Faults are used up in the order in which they were asked for.
    """

    def __init__(self, mailings: Sequence[Mailing], *, host: str = "127.0.0.1", port: int = 0) -> None:
        if not mailings:
            raise ValueError("arXiv needs at least one mailing to stand in for")
        self._mailings = tuple(mailings)
        self._day = mailings[-1].day
        self._served: dict[tuple[Format, frozenset[str]], bytes] = {}
        self._faults: list[tuple[str, Fault]] = []
        self._requests: list[Request] = []
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._server = _Server((host, port), self._handle)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> ArxivStandIn:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def base(self) -> str:
        """Where the pages of papers are, without a slash at the end."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def rss_base(self) -> str:
        return f"{self.base}/rss"

    @property
    def api_base(self) -> str:
        return f"{self.base}/api/query"

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request so far, in the order of arrival, those without an answer included."""
        with self._changed:
            return tuple(self._requests)

    def wait_for_requests(self, count: int, *, timeout_seconds: float = 5.0) -> bool:
        """Whether *count* requests have arrived, waiting for them at most *timeout_seconds*."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._requests) >= count, timeout_seconds)

    def show(self, mailing: date) -> None:
        """Makes *mailing* the current day: the feeds have that mailing only, the API all until then.

        On a day without a mailing, such as a Saturday, the feeds are empty.
        """
        with self._changed:
            self._day = mailing

    def serve_feed(self, spec: str, body: bytes, *, form: Format = "rss") -> None:
        """Answers requests for the feed *spec*, in any letter case and order, with *body*, whatever day is shown."""
        with self._changed:
            self._served[form, _parts(spec)] = body

    def answer_with(self, fault: Fault, *, times: int = 1, path: str = "/") -> None:
        """Applies *fault* to the next *times* requests whose path starts with *path*."""
        with self._changed:
            self._faults += [(path, fault)] * times

    def fail_next(
        self, times: int = 1, *, status: int = 503, headers: Mapping[str, str] | None = None, path: str = "/"
    ) -> None:
        """Answers the next *times* requests whose path starts with *path* with an error *status* and a short page."""
        body = render_message(f"The stand-in was told to answer {status}.")
        added = {"Content-Type": _HTML, **(headers or {})}
        self.answer_with(Fault(status=status, headers=added, body=body), times=times, path=path)

    def _handle(self, exchange: _Exchange) -> None:
        """Answers one request; runs in a thread of its own."""
        address = urlsplit(exchange.path)
        path = unquote(address.path)
        headers = {name.lower(): value for name, value in exchange.headers.items()}
        place, fault, day = self._record(Request(exchange.command, path, address.query, headers, time.monotonic()))
        prepared = _prepare(self._answer(path, address.query, day), fault, headers)
        self._wait(fault.hold)
        with self._changed:
            self._requests[place] = replace(self._requests[place], finished=time.monotonic())
        exchange.send(prepared, fault.cut_after)

    def _record(self, request: Request) -> tuple[int, Fault, date]:
        """Notes *request*; gives its place among the requests, the fault that is its, and the day it falls on."""
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()
            return len(self._requests) - 1, self._take_fault(request.path), self._day

    def _take_fault(self, path: str) -> Fault:
        for place, (prefix, fault) in enumerate(self._faults):
            if path.startswith(prefix):
                del self._faults[place]
                return fault
        return _NO_FAULT

    def _wait(self, hold: threading.Event | None) -> None:
        """Until *hold* is set, or the stand-in closes: nobody may be left hanging then."""
        while hold is not None and not self._closing.is_set() and not hold.wait(_CLOSING_CHECK_SECONDS):
            pass

    def _answer(self, path: str, query: str, day: date) -> _Answer:
        parts = path.strip("/").split("/", 1)
        rest = parts[1] if len(parts) > 1 else ""
        match parts[0]:
            case "rss":
                return self._answer_feed("rss", rest, day)
            case "atom":
                return self._answer_feed("atom", rest, day)
            case "api" if rest == "query":
                return self._answer_search(query, day)
            case "abs" | "html" | "pdf":
                return self._answer_page(parts[0], rest, day)
            case _:
                return _page(404, "There is nothing here.")

    def _answer_feed(self, form: Format, spec: str, day: date) -> _Answer:
        with self._changed:
            served = self._served.get((form, _parts(spec)))
        status, body = (200, served) if served is not None else self._build_feed(form, spec, day)
        headers = (
            ("ETag", hashlib.sha256(body).hexdigest()),
            ("Cache-Control", f"max-age={_seconds_to_midnight(build_moment(day))}"),
        )
        return _Answer(status, f"application/{form}+xml", body, headers)

    def _build_feed(self, form: Format, text: str, day: date) -> tuple[int, bytes]:
        render, render_error = (render_rss, render_rss_error) if form == "rss" else (render_atom, render_atom_error)
        try:
            spec = parse_spec(text)
        except BadSpec as error:
            return 400, render_error(text, str(error), day)
        listings = [listing for mailing in self._mailings if mailing.day == day for listing in mailing.listings]
        return 200, render(spec, select_entries(listings, spec), day)

    def _answer_search(self, query: str, day: date) -> _Answer:
        page = answer(dict(parse_qsl(query)), self._known_papers(day), build_moment(day))
        return _Answer(page.status, "application/atom+xml; charset=utf-8", page.body)

    def _answer_page(self, kind: str, text: str, day: date) -> _Answer:
        paper = _find_paper(text, self._known_papers(day))
        if paper is None:
            return _page(404, f"No paper {text} was made up.")
        if kind == "pdf":
            return _page(404, f"The paper {text} is made up and has no PDF.")
        render = render_abstract_page if kind == "abs" else render_full_text
        return _Answer(200, _HTML, render(paper))

    def _known_papers(self, day: date) -> tuple[SamplePaper, ...]:
        """The papers announced until *day*, in each version that was announced."""
        return tuple(listing.paper for mailing in self._mailings if mailing.day <= day for listing in mailing.listings)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """An answer as it goes over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Exchange(BaseHTTPRequestHandler):
    """One request and its answer; the connection is closed after it, so that no thread outlives its request."""

    protocol_version = "HTTP/1.1"
    timeout = _CLIENT_TIMEOUT_SECONDS
    server: _Server

    def do_GET(self) -> None:
        self.server.handle_exchange(self)

    def do_HEAD(self) -> None:
        self.server.handle_exchange(self)

    def send(self, prepared: _Prepared, cut_after: int | None) -> None:
        """Sends *prepared*, or of its body the first *cut_after* bytes only."""
        self.send_response(prepared.status)
        for name, value in prepared.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(prepared.body[:cut_after])
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Says nothing; `ArxivStandIn.requests` tells."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handle_exchange: Callable[[_Exchange], None]) -> None:
        self.handle_exchange = handle_exchange
        super().__init__(address, _Exchange)

    def server_bind(self) -> None:
        """Binds without asking the name service what this host is called, as HTTPServer would."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news; anything else is a mistake in the stand-in and is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _prepare(made: _Answer, fault: Fault, headers: Mapping[str, str]) -> _Prepared:
    body = made.body if fault.body is None else fault.body
    is_compressed = "gzip" in headers.get("accept-encoding", "") if fault.gzip is None else fault.gzip
    if is_compressed:
        body = gzip.compress(body, mtime=0)
    named = {
        "Content-Type": made.content_type,
        "Content-Length": str(len(body)),
        "Vary": "Accept-Encoding",
        "Connection": "close",
        **dict(made.headers),
        **({"Content-Encoding": "gzip"} if is_compressed else {}),
        **fault.headers,
    }
    return _Prepared(made.status if fault.status is None else fault.status, named, body)


def _page(status: int, text: str) -> _Answer:
    return _Answer(status, _HTML, render_message(text))


def _parts(spec: str) -> frozenset[str]:
    return frozenset(spec.lower().split("+"))


def _seconds_to_midnight(moment: datetime) -> int:
    tomorrow = feed_midnight(moment.astimezone(EASTERN).date() + timedelta(days=1))
    return int((tomorrow - moment).total_seconds())


def _find_paper(text: str, papers: Sequence[SamplePaper]) -> SamplePaper | None:
    """The paper that an address names, in the version named or else the newest; `2603.90001v1.pdf` is understood."""
    try:
        wanted = PaperId.parse(text.removesuffix(".pdf"))
    except ValueError:
        return None
    candidates = papers if wanted.version else current_versions(papers)
    versions = (paper for paper in candidates if paper.id == wanted.number)
    return next((paper for paper in versions if wanted.version in (None, paper.version)), None)


def _parse_arguments(arguments: Sequence[str] | None) -> tuple[str, int, date]:
    parser = argparse.ArgumentParser(
        prog="python -m demo.standin",
        usage="%(prog)s [--host HOST] [--port PORT] [--mailing YYYY-MM-DD]",
        description="Serve made-up mailings as arXiv does.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8001, help="port to listen on, 0 for any (default: %(default)s)")
    parser.add_argument(
        "--mailing", type=_weekday, help="the day to show, a weekday such as 2026-03-05 (default: the newest)"
    )
    parsed = parser.parse_args(arguments)
    today = datetime.now(EASTERN).date()
    return parsed.host, parsed.port, parsed.mailing or last_mailing_day(today)


def _weekday(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-03-05") from error
    if last_mailing_day(day) != day:
        raise argparse.ArgumentTypeError(f"{day} is a {day:%A}; mailings come from Monday to Friday")
    return day


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves one mailing week until it is interrupted."""
    host, port, mailing = _parse_arguments(arguments)
    try:
        standin = ArxivStandIn(mailing_week(mailing), host=host, port=port)
    except (OSError, OverflowError) as error:
        raise SystemExit(f"cannot listen on {host}:{port}: {error}") from error
    with standin, suppress(KeyboardInterrupt):
        sys.stdout.write(f"Standing in for arXiv with the mailing of {mailing} at {standin.base}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
