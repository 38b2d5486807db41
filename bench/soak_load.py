"""The readers of a soak, and what they see: every answer is counted, timed and judged as it comes."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from bench.client import Connection, Reply, build_request
from bench.soak_clock import PROCESSES
from bench.soak_judge import Entry, find_repeated, find_vanished, judge_status, read_entries, tell
from bench.soak_world import CATEGORIES, DAYS_BACK, SCOPES, SECRET, ServiceProcess, World, known_paths

_KINDS: Mapping[str, int] = {"feed": 60, "personal": 14, "JSON": 10, "page": 8, "garbage": 8}
_JSON = ("/api/papers?limit=20", "/api/papers?scope=systems", "/api/feeds", "/api/status", "/api/config", "/opml")
_PAGES = ("/", "/feeds", "/build", "/about", "/status")
_GARBAGE = (
    b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /rss/no-such-scope HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /rss?q=( HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /rss?limit=many HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /rss/cs.AI%0a HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/papers/%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /api/refresh HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\nContent-Length: 0\r\n\r\n",
    b"DELETE /rss HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x16\x03\x01 no HTTP at all\r\n\r\n",
)
_WORDS = ("attention", "kernel", "graph", "agent", "sparse", "reward", "cluster", "memory", "proof", "speech", "token")
_CODINGS = ("identity", "gzip", "br")
_LONGEST_SECONDS = 10.0  # after which a reader of feeds gives up
# A process may give an answer again for a second after another one has written.
_REPEATED_SECONDS = 1.2
_LONGEST_PAUSE_SECONDS = 0.15


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a feed had in it, the last time that its reader had it whole."""

    finished: float
    entries: tuple[Entry, ...]


@dataclass
class Record:
    """What all readers have seen so far; safe to be used from several threads."""

    world: World
    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    slowest: dict[str, tuple[float, str]] = field(default_factory=dict)
    findings: Counter[str] = field(default_factory=Counter)
    first_found: dict[str, float] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)
    etags: dict[tuple[int, str], str] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    _seen: dict[tuple[int, str], _Seen] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, what: str) -> None:
        """Note that *what* is wrong."""
        with self._lock:
            self.findings[what] += 1
            self.first_found.setdefault(what, time.monotonic() - self.started)

    def note(self, kind: str, path: str, reply: Reply, seconds: float) -> None:
        """Count an answer, and judge its status and how long it took."""
        with self._lock:
            self.statuses[kind, str(reply.status)] += 1
            self.seconds[kind].append(seconds)
            self.slowest[kind] = max(
                self.slowest.get(kind, (0.0, "")), (seconds, f"{path} at second {time.monotonic() - self.started:.0f}")
            )
        if wrong := judge_status(kind, reply.status, reply.headers.get("retry-after")):
            self.find(f"{path} was answered with {wrong}: {reply.body[:300].decode(errors='replace')}")
        if kind == "feed" and seconds > _LONGEST_SECONDS:
            self.find(f"{path} took {seconds:.1f} s")

    def note_broken(self, kind: str, path: str, process: ServiceProcess, since: float, error: Exception) -> None:
        """Count a request without an answer, which is right only where the process was killed meanwhile."""
        with self._lock:
            self.statuses[kind, "cut off"] += 1
        if not process.was_killed_since(since - _LONGEST_SECONDS):
            self.find(f"{path} had no answer, and nobody killed the process: {error!r}")

    def note_entries(self, path: str, number: int, reply: Reply, started: float) -> None:
        """Judge what is in a feed: nothing twice, and nothing gone that was there before."""
        finished = time.monotonic()
        try:
            entries = read_entries(reply, path.split("/")[1])
        except Exception as error:
            self.find(f"{path} is no feed: {error!r}")
            return
        for sentence in tell(f"{path} has papers twice", find_repeated(entries)):
            self.find(sentence)
        with self._lock:
            self.listed |= {entry.paper_id for entry in entries}
            before = self._seen.get((number, path))
        gone = self._find_gone(before.entries, entries) if before else ()
        is_later = before is None or started > before.finished + _REPEATED_SECONDS
        if before and gone and is_later:
            what = f"{path} of process {number} got shorter, from {len(before.entries)} to {len(entries)}"
            for sentence in tell(what, [f"{entry.paper_id} of {entry.mailing}" for entry in gone]):
                self.find(sentence)
        if not gone or is_later:
            with self._lock:
                self._seen[number, path] = _Seen(finished, entries)

    def _find_gone(self, before: tuple[Entry, ...], after: tuple[Entry, ...]) -> tuple[Entry, ...]:
        """What is gone without a reason. After the loss of a store, what no search tells of has one."""
        gone = find_vanished(before, after, today=self.world.latest_day, days_back=DAYS_BACK)
        excused = self.world.hard_to_find if self.world.losses else frozenset()
        return tuple(entry for entry in gone if entry.paper_id not in excused)


class Reader(threading.Thread):
    """Somebody who asks for this and that, again and again, until told to stop."""

    def __init__(self, record: Record, seed: str, stop: threading.Event) -> None:
        super().__init__(daemon=True, name=f"reader {seed}")
        self._record = record
        self._drawn = random.Random(seed)  # noqa: S311 - the same at every run
        self._stop_asked = stop
        self._connections: dict[int, Connection] = {}

    def run(self) -> None:
        while not self._stop_asked.wait(self._drawn.uniform(0, _LONGEST_PAUSE_SECONDS)):
            (kind,) = self._drawn.choices(tuple(_KINDS), weights=tuple(_KINDS.values()))
            number = self._drawn.randrange(PROCESSES)
            try:
                self._ask(kind, number)
            except Exception as error:  # a reader reads on, and the soak tells
                self._record.find(f"a reader of {kind} met {error!r}")

    def _ask(self, kind: str, number: int) -> None:
        path, request = self._draw_request(kind, number)
        process, started = self._record.world.processes[number], time.monotonic()
        try:
            reply = self._exchange(number, process.port, request, is_kept=kind != "garbage")
        except (OSError, ValueError) as error:
            self._forget(number)
            if kind != "garbage":  # to which a server may answer by closing the connection
                self._record.note_broken(kind, path, process, started, error)
            return
        self._record.note(kind, path, reply, time.monotonic() - started)
        if kind == "feed" and reply.status == 200:
            self._record.etags[number, path] = reply.headers["etag"]
            self._record.note_entries(path, number, reply, started)

    def _exchange(self, number: int, port: int, request: bytes, *, is_kept: bool) -> Reply:
        """The answer to *request*, on a connection that is kept or on one of its own."""
        if is_kept and (kept := self._connections.get(number)):
            try:
                return kept.exchange(request)
            except ConnectionError:  # the server closes those on which nobody has asked for a while
                self._forget(number)
        if not is_kept:
            with Connection(port) as passing:
                return passing.exchange(request)
        self._connections[number] = Connection(port)
        return self._connections[number].exchange(request)

    def _draw_request(self, kind: str, number: int) -> tuple[str, bytes]:
        drawn = self._drawn
        match kind:
            case "feed":
                path = drawn.choice(known_paths())
                headers = {"Accept-Encoding": drawn.choice(_CODINGS)}
                etag = self._record.etags.get((number, path))
                if etag and drawn.random() < 0.6:
                    headers["If-None-Match"] = etag
                return path, build_request(path, headers)
            case "personal":
                words = " OR ".join(f"{word}^{drawn.randint(2, 9)}" for word in drawn.sample(_WORDS, 3))
                path = f"/rss/{drawn.choice(CATEGORIES)}?q={quote(words)}&limit={drawn.randint(1, 60)}"
            case "JSON":
                path = drawn.choice((*_JSON, f"/api/papers?scope={drawn.choice(SCOPES)}"))
            case "page":
                path = drawn.choice(_PAGES)
            case _:
                request = drawn.choice(_GARBAGE)
                return request.split(b"\r")[0].decode("latin-1"), request
        return path, build_request(path)

    def _forget(self, number: int) -> None:
        if connection := self._connections.pop(number, None):
            connection.__exit__(None, None, None)


def ask(process: ServiceProcess, path: str, *, method: str = "GET") -> Reply:
    """The answer to the operator. Raises OSError where there is none."""
    lines = (f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {SECRET}", "Content-Length: 0")
    with Connection(process.port) as connection:
        return connection.exchange("\r\n".join((*lines, "", "")).encode())
