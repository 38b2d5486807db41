"""In front of the application: what was answered within the last second is answered again.

When a mailing comes, thousands of readers ask for the same few feeds. Who asks for the same as somebody just before,
in the address and in the headers that an answer depends on, gets the same bytes, without the way through routing,
parameters and store. What this process stores ends all such answers at once; what another one stores is seen a second
later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LASTS = timedelta(seconds=1)
_LASTS_MEANWHILE = timedelta(seconds=2)  # else all who ask when the second is over would go the long way at once
_KEPT = 256  # what counts is the answers of one second; their bodies are those of the renderings
_LONGEST = 2_048  # of what an answer is known by; nobody asks twice for something longer

# What an answer depends on besides method and address.
_ASKING = frozenset(
    (b"accept-encoding", b"if-none-match", b"if-modified-since", b"content-length", b"transfer-encoding")
)  # a body may be refused

Key = tuple[object, ...]


class Store(Protocol):
    """A store that counts how often this process has written to it."""

    writes: int


@dataclass(frozen=True, slots=True)
class _Answer:
    """The messages of an answer, when they were made, and after how many writes."""

    start: Message
    body: Message
    at: datetime
    writes: int

    def is_over(self, now: datetime, lasts: timedelta) -> bool:
        """Whether it may not be given any more after *lasts*; a clock that was set back ends it too."""
        return not self.at <= now < self.at + lasts


class Front:
    """Wraps an application and remembers what it answers to GET and HEAD of paths that begin with one of *prefixes*."""

    def __init__(self, app: ASGIApp, *, prefixes: Sequence[str], store: Store, clock: Callable[[], datetime]) -> None:
        self._app = app
        self._prefixes = tuple(prefixes)
        self._store = store
        self._clock = clock
        self._answers: dict[Key, _Answer] = {}
        self._under_way: set[Key] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(self._prefixes):
            await self._app(scope, receive, send)
            return
        key = _key(scope)
        answer = self._recall(key)
        if answer:
            await send(answer.start)
            await send(answer.body)
            return
        self._under_way.add(key)
        try:
            await self._ask(key, scope, receive, send)
        finally:
            self._under_way.discard(key)

    def _recall(self, key: Key) -> _Answer | None:
        """The answer for *key* that may be given again; while somebody asks anew, one that has just ended still may."""
        answer = self._answers.get(key)
        if answer is None or answer.writes != self._store.writes:
            return None
        lasts = _LASTS_MEANWHILE if key in self._under_way else _LASTS
        return None if answer.is_over(self._clock(), lasts) else answer

    async def _ask(self, key: Key, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer, and remember the answer where it may be given again."""
        at, writes = self._clock(), self._store.writes
        sent: list[Message] = []

        async def pass_on(message: Message) -> None:
            sent.append(message)
            await send(message)

        await self._app(scope, receive, pass_on)
        if _is_repeatable(scope, sent) and sum(len(part) for part in key if isinstance(part, bytes)) <= _LONGEST:
            self._make_room(key)
            start, body = sent
            self._answers[key] = _Answer(start, body, at, writes)

    def _make_room(self, key: Key) -> None:
        """Forget the answer for *key*, and the oldest ones that are over or too many."""
        self._answers.pop(key, None)
        now = self._clock()
        for oldest, answer in tuple(self._answers.items()):
            if len(self._answers) < _KEPT and not answer.is_over(now, _LASTS_MEANWHILE):
                return
            del self._answers[oldest]


def _key(scope: Scope) -> Key:
    asking = [part for header in scope["headers"] if header[0] in _ASKING for part in header]
    return (scope["method"], scope["path"].encode("utf-8", "surrogatepass"), scope["query_string"], *asking)


def _is_repeatable(scope: Scope, sent: Sequence[Message]) -> bool:
    """Whether *sent* is a whole answer that another reader may have too: no error, and none to a changing method."""
    return (
        scope["method"] in ("GET", "HEAD")
        and [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
        and sent[0]["status"] in (200, 304)
        and not sent[1].get("more_body", False)
    )
