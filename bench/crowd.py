"""Many readers who all ask for a feed that nobody has asked for before, at once: `python -m bench crowd`.

A server with a week of 7,000 papers is asked for feeds of 30 words each, first one after the other, then on sixteen
connections. Sixteen that come together wait for one another; the last one should wait about as long as all of them take
alone. Meanwhile somebody reads the default feed, which is not one of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from urllib.parse import quote_plus

from bench.client import Connection, build_request
from bench.made_up import Inventor
from bench.servers import OURS, Server, connect, environment_of, fill, open_large_sample, run_server
from bench.starting import PAPERS_A_DAY
from bench.table import Row, at_most, compare

ROUNDS = 3
CONNECTIONS = 16
_FEEDS_ALONE = 16
_FEEDS_EACH = 8
_TIMES_ALONE = 50
_PAUSE_SECONDS = 0.02  # of whoever reads the default feed


def rows() -> Iterator[Row]:
    """What the slowest of a crowd wait, and what readers of the default feed wait meanwhile."""
    with open_large_sample(PAPERS_A_DAY) as sample:
        fill(sample)
        with run_server(OURS, environment_of(sample.settings)) as server:
            draw = _new_feeds()
            _ask_alone(server, draw)  # which loads the papers
            alone, crowded, known, known_alone = [], [], [], []
            for _ in range(ROUNDS):
                alone.append(median(_ask_alone(server, draw)))
                known_alone.append(_last(_read_known(server, range(_TIMES_ALONE))))
                waited, meanwhile = _ask_together(server, draw)
                crowded.append(_last(waited))
                known.append(_last(meanwhile))
    yield compare(
        f"feeds never asked for before, {CONNECTIONS} connections: p99",
        f"{CONNECTIONS} times what one takes alone",
        crowded,
        [CONNECTIONS * one for one in alone],
        at_most(2),
        note=f"{1000 * median(crowded):.0f} ms against {1000 * median(alone):.0f} ms alone; every answer a feed",
    )
    yield compare(
        "`/rss` meanwhile: p99",
        "one new feed alone",
        known,
        alone,
        at_most(2),
        note=f"{1000 * median(known):.0f} ms; {1000 * median(known_alone):.1f} ms when nobody else asks",
    )


def _new_feeds() -> Callable[[], bytes]:
    """Gives requests for feeds of 30 words that it never gave before."""
    inventor, lock = Inventor(), threading.Lock()

    def draw() -> bytes:
        with lock:
            query = " OR ".join(inventor.draw_terms(30))
        return build_request(f"/rss?q={quote_plus(query)}")

    return draw


def _ask_alone(server: Server, draw: Callable[[], bytes]) -> list[float]:
    with connect(server) as connection:
        return [_time(connection, draw()) for _ in range(_FEEDS_ALONE)]


def _ask_together(server: Server, draw: Callable[[], bytes]) -> tuple[list[float], list[float]]:
    """The seconds that each answer took on many connections, and those of the default feed meanwhile."""
    is_over = threading.Event()

    def ask(_: int) -> list[float]:
        with connect(server) as connection:
            return [_time(connection, draw()) for _ in range(_FEEDS_EACH)]

    with ThreadPoolExecutor(CONNECTIONS + 1) as pool:
        known = pool.submit(_read_known, server, iter(is_over.is_set, True))
        waited = [seconds for some in pool.map(ask, range(CONNECTIONS)) for seconds in some]
        is_over.set()
        return waited, known.result()


def _read_known(server: Server, times: Iterable[object]) -> list[float]:
    """The seconds that each answer of the default feed took, one for each of *times*."""
    taken = []
    with connect(server) as connection:
        for _ in times:
            taken.append(_time(connection, build_request("/rss")))
            time.sleep(_PAUSE_SECONDS)
    return taken


def _time(connection: Connection, request: bytes) -> float:
    """How many seconds the answer to *request* took. Raises RuntimeError if it is no feed."""
    started = time.perf_counter()
    reply = connection.exchange(request)
    seconds = time.perf_counter() - started
    if reply.status != 200:
        raise RuntimeError(f"{request[:60]!r} was answered with {reply.status}")
    return seconds


def _last(seconds: Sequence[float]) -> float:
    """The 99th percentile of *seconds*."""
    return sorted(seconds)[len(seconds) * 99 // 100]
