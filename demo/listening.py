"""What every stand-in does: it listens, notes each request, and sends an answer for as long as the client is there."""

from __future__ import annotations

import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Generic, Self, TypeVar

from demo.request_log import Request
from demo.wire import Exchange, Fault, Server

_CHECK_SECONDS = 0.005

R = TypeVar("R", bound=Request)


class StandIn(ABC, Generic[R]):
    """A server whose requests are of the kind R; each answer takes *latency_seconds* to come.

    A context manager: the socket is bound when it is made, requests are answered inside of `with`.
    """

    def __init__(self, host: str, port: int, latency_seconds: float, *, exchange: type[Exchange] = Exchange) -> None:
        self.latency_seconds = latency_seconds
        self._requests: list[R] = []
        self._under_way: dict[int, Exchange] = {}
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._server = Server((host, port), self._handle, exchange=exchange)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
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
        """The host's address, without a slash at the end."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def requests(self) -> tuple[R, ...]:
        """Every request so far, in the order of arrival, those without an answer included."""
        with self._changed:
            return tuple(self._requests)

    def wait_for_requests(self, count: int, *, timeout_seconds: float = 5.0) -> bool:
        """Whether *count* requests have arrived, waiting for them at most *timeout_seconds*."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._requests) >= count, timeout_seconds)

    def wait_until_idle(self, *, timeout_seconds: float = 5.0) -> bool:
        """Whether no request is under way any more, waiting for that at most *timeout_seconds*."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._under_way, timeout_seconds)

    @abstractmethod
    def _handle(self, exchange: Exchange) -> None:
        """Answers one request; runs in a thread of its own."""

    def _note(self, exchange: Exchange, request: R) -> int:
        """Notes the request, after the end of those whose clients are gone: their next one must not seem to overlap.

        The result is its place. The caller has the lock.
        """
        for place, other in tuple(self._under_way.items()):
            if other.is_client_gone():
                self._end(place)
        place = len(self._requests)
        self._requests.append(request)
        self._under_way[place] = exchange
        self._changed.notify_all()
        return place

    def _send(self, exchange: Exchange, place: int, pieces: Sequence[bytes], fault: Fault) -> None:
        """Sends *pieces* to the request at *place* as *fault* has it, unless the client is gone."""
        if exchange.is_client_gone():
            return
        with self._changed:
            self._requests[place] = replace(self._requests[place], finished=time.monotonic())
        *earlier, last = pieces
        for piece in earlier:
            exchange.write(piece)
            if fault.drip:
                self._wait(exchange, fault.drip.release, fault.drip.pause_seconds)
            if self._closing.is_set() or exchange.is_client_gone():
                return
        exchange.write(last[:-1])
        self._end(place)  # before the client can have it all, and ask again
        exchange.write(last[-1:])
        if fault.is_reset:
            exchange.reset()

    def _wait(self, exchange: Exchange, release: threading.Event, seconds: float = math.inf) -> None:
        """Until *release* is set, *seconds* are over, the client goes away, or the stand-in closes."""
        end = time.monotonic() + seconds
        while not release.is_set() and not self._closing.is_set():
            left = end - time.monotonic()
            if left <= 0 or exchange.is_client_gone(within_seconds=min(left, _CHECK_SECONDS)):
                return

    def _end(self, place: int) -> None:
        """Notes that the request at *place* is over, unless that is known already."""
        with self._changed:
            if self._under_way.pop(place, None):
                self._requests[place] = replace(self._requests[place], ended=time.monotonic())
                self._changed.notify_all()
