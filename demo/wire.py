"""How an answer of a stand-in goes over the wire, and what can be made to go wrong with it there.

Knows HTTP and sockets, and nothing of arXiv or a model. A connection carries one request and is closed after it, so
that no thread outlives its request.
"""

from __future__ import annotations

import gzip
import os
import select
import socket
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

HTML = "text/html; charset=utf-8"

_CLIENT_TIMEOUT_SECONDS = 10
_WITHOUT_BODY = frozenset({204, 304})
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # linger for no time: what is not sent yet is dropped, and RST says so


@dataclass(frozen=True, slots=True)
class Answer:
    """What there is to say before anything goes wrong."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drip:
    """A body that comes in pieces of *piece_bytes*, *pause_seconds* apart, and without a pause once *release* is set.

    What is left when the stand-in closes is not sent.
    """

    piece_bytes: int
    pause_seconds: float
    release: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What to change about an answer; what is left at its default stays as it would have been.

    *headers* are added to the usual ones or replace them, and *location* makes one of the address asked for (path and
    query). *body* replaces the body, *edit* makes another one of it; both before compression, which *gzip* applies, or
    does not, whatever was asked for. The answer waits until *hold* is set, and then comes in a *drip*. After
    *cut_after* bytes of the body as sent, which Content-Length does not know of, the connection is closed. Of an answer
    that *is_silent* not even the status comes. A connection that *is_reset* ends with RST instead of being closed.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    location: Callable[[str], str] | None = None
    body: bytes | None = None
    edit: Callable[[bytes], bytes] | None = None
    gzip: bool | None = None
    hold: threading.Event | None = None
    drip: Drip | None = None
    cut_after: int | None = None
    is_silent: bool = False
    is_reset: bool = False


NO_FAULT = Fault()


class Exchange(BaseHTTPRequestHandler):
    """One request and its answer."""

    protocol_version = "HTTP/1.1"
    timeout = _CLIENT_TIMEOUT_SECONDS
    disable_nagle_algorithm = True  # the last byte of an answer is sent by itself, and shall not wait
    server: Server

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def read_body(self) -> bytes:
        """The body of the request, as long as Content-Length says; empty without one, or where that is no number.

        Raises ConnectionError where less arrives, TimeoutError where the client stops sending.
        """
        said = self.headers.get("Content-Length", "")
        size = int(said) if said.isascii() and said.isdigit() else 0
        body = self.rfile.read(size)
        if len(body) < size:
            raise ConnectionAbortedError(f"{len(body)} of {size} bytes arrived")
        return body

    def pieces(self, answer: Answer, fault: Fault) -> tuple[bytes, ...]:
        """*answer* after *fault*, in the pieces in which it is to be sent, the first with status and headers.

        At least one; of an answer that is silent, an empty one.
        """
        if fault.is_silent:
            return (b"",)
        head, body = self._prepare(answer, fault)
        size = fault.drip.piece_bytes if fault.drip else max(1, len(body))
        rest = tuple(body[start : start + size] for start in range(size, len(body), size))
        return (head + body[:size], *rest)

    def write(self, data: bytes) -> None:
        """Sends all of *data*; raises ConnectionError where the client is gone, TimeoutError where it does not read."""
        self.wfile.write(data)

    def reset(self) -> None:
        """Ends the connection with RST, at once and in both directions."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        os.close(self.connection.detach())  # `close` would wait for `rfile` and `wfile`, and FIN would come first

    def is_client_gone(self, *, within_seconds: float = 0.0) -> bool:
        """Whether the client has closed the connection, or does so within a time."""
        readable, _, _ = select.select([self.connection], [], [], within_seconds)
        try:
            return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)
        except ConnectionError:
            return True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Says nothing; the stand-in's `requests` tell."""

    def _answer(self) -> None:
        self.close_connection = True
        self.server.handle_exchange(self)

    def _prepare(self, answer: Answer, fault: Fault) -> tuple[bytes, bytes]:
        """Status and headers, and the body or what is sent of it."""
        body = answer.body if fault.body is None else fault.body
        if fault.edit:
            body = fault.edit(body)
        is_asked_for = "gzip" in self.headers.get("Accept-Encoding", "")
        is_compressed = is_asked_for if fault.gzip is None else fault.gzip
        if is_compressed:
            body = gzip.compress(body, mtime=0)
        status = answer.status if fault.status is None else fault.status
        about_body = {
            "Content-Type": answer.content_type,
            "Content-Length": str(len(body)),
            **({"Content-Encoding": "gzip"} if is_compressed else {}),
        }
        headers = {
            "Date": self.date_time_string(),
            "Vary": "Accept-Encoding",
            "Connection": "close",
            **({} if status in _WITHOUT_BODY else about_body),
            **dict(answer.headers),
            **({"Location": fault.location(self.path)} if fault.location else {}),
            **fault.headers,
        }
        is_sent = self.command != "HEAD" and status not in _WITHOUT_BODY
        return _render_head(status, headers), body[: fault.cut_after] if is_sent else b""


class WritingExchange(Exchange):
    """An exchange that may have a body to begin with, or delete something."""

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self,
        address: tuple[str, int],
        handle_exchange: Callable[[Exchange], None],
        *,
        exchange: type[Exchange] = Exchange,
    ) -> None:
        self.handle_exchange = handle_exchange
        super().__init__(address, exchange)

    def server_bind(self) -> None:
        """Binds without asking the name service what this host is called, as HTTPServer would."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news; anything else is a mistake in the stand-in and is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _render_head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = (f"{name}: {text}\r\n" for name, text in headers.items())
    return f"HTTP/1.1 {status} {responses.get(status, '')}\r\n{''.join(lines)}\r\n".encode("latin-1")
