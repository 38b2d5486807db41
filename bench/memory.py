"""How much memory the service takes, and whether it grows: `python -m bench.memory [REQUESTS]` for more than a minute.

Sizes are PSS, the memory of a process with its share of what it has in common with others, as Linux counts it; where
there is no /proc there are no rows. Ours has the sample week in its store.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bench.client import Connection, build_request
from bench.servers import (
    FASTAPI,
    KINDS,
    OURS,
    Server,
    bare_environment,
    environment_of,
    open_filled_sample,
    record_answers,
    request_headers,
    run_server,
)
from bench.table import Row, at_most, compare, write_table

ROUNDS = 3
LOAD_REQUESTS = 3_000
MIXED_REQUESTS = 20_000

_WARM_UP_REQUESTS = 10_000  # until bounded caches are full, and the allocator has what its threads need
_REQUESTS_A_CONNECTION = 500
_LOOKS = 5
_CLOSING_SECONDS = 0.05  # a server notices the end of a connection a moment after its client
_MIB = 1 << 20
_SIZE_AIM = at_most(1.6)
_GROWTH_AIM = at_most(5.0)
_DESCRIPTORS_AIM = at_most(0.0)

FEEDS = ("/rss", "/atom", "/jsonfeed", "/rss/cs.AI", "/rss/cs.CL", "/atom/cs.DC", "/jsonfeed/cs.LG", "/rss/cs.AI+cs.LG")
JSON = ("/api/papers", "/api/papers?limit=10", "/api/feeds", "/api/status", "/api/config", "/health")
PAGES = ("/", "/feeds", "/build", "/about", "/status", "/static/page.css")
ERRORS = ("/nowhere", "/rss/no-such-scope", "/rss?limit=many", "/rss?q=(", "/paper/none", "/api/papers/9999.99999")
_WORDS = ("attention", "kernel", "graph", "agent", "sparse", "reward", "cluster", "memory", "proof", "speech", "token")
_CATEGORIES = ("cs.AI", "cs.CL", "cs.DC", "cs.LG")


@dataclass(frozen=True, slots=True)
class Ask:
    """A request of the mix: what kind it is, and which statuses are right for it."""

    kind: str
    request: bytes
    expected: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Size:
    """What a process holds at one moment."""

    pss_bytes: int
    descriptors: int


def rows(requests: int = MIXED_REQUESTS) -> Iterator[Row]:
    """Size after load against bare FastAPI, growth over *requests* mixed ones in MiB, growth in descriptors."""
    if not Path("/proc/self/smaps_rollup").exists():
        sys.stderr.write("bench.memory measures on Linux only\n")
        return
    with ExitStack() as stack:
        sample = stack.enter_context(open_filled_sample())
        environment = environment_of(sample.settings)
        yield _compare_sizes(environment)
        server = stack.enter_context(run_server(OURS, environment))
        yield from _measure_growth(server, requests)


def mix(drawn: random.Random, etags: Mapping[str, str]) -> Iterator[Ask]:
    """Requests without an end, as a public service gets them; *etags* are those of FEEDS."""
    kinds: Mapping[str, Callable[[], Ask]] = {
        "feed": lambda: _ask(
            "feed", drawn.choice(FEEDS), {"Accept-Encoding": drawn.choice(("identity", "gzip", "br"))}
        ),
        "304": lambda: _ask_again(drawn.choice(FEEDS), etags),
        "personal": lambda: Ask("personal", build_request(_personal_path(drawn)), (200, 429)),
        "JSON": lambda: _ask("JSON", drawn.choice(JSON), {}),
        "page": lambda: _ask("page", drawn.choice(PAGES), {}),
        "error": lambda: Ask("error", build_request(drawn.choice(ERRORS)), (400, 404, 422)),
    }
    names = tuple(kinds)
    while True:
        (name,) = drawn.choices(names, weights=(45, 25, 10, 8, 8, 4))
        yield kinds[name]()


def _ask(kind: str, path: str, headers: Mapping[str, str]) -> Ask:
    return Ask(kind, build_request(path, headers), (200,))


def _ask_again(path: str, etags: Mapping[str, str]) -> Ask:
    return Ask("304", build_request(path, {"If-None-Match": etags[path], "Accept-Encoding": "gzip"}), (304,))


def _personal_path(drawn: random.Random) -> str:
    """One that hardly anybody asked for before."""
    words = " OR ".join(f"{word}^{drawn.randint(2, 9)}" for word in drawn.sample(_WORDS, 3))
    return f"/rss/{drawn.choice(_CATEGORIES)}?q={quote(words)}&limit={drawn.randint(1, 60)}"


def measure_size(pid: int) -> Size:
    """What the process *pid* holds now, connections that have just ended left aside.

    Raises OSError where there is no such process, or no /proc.
    """
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith("Pss:"))
    return Size(int(kilobytes) * 1024, min(_count_descriptors(pid) for _ in range(_LOOKS)))


def _count_descriptors(pid: int) -> int:
    time.sleep(_CLOSING_SECONDS)
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _compare_sizes(environment: Mapping[str, str]) -> Row:
    with run_server(OURS, environment) as ours:
        answers = record_answers(ours, "/rss")
    sent = {kind: request_headers(kind, answers["identity"].headers["etag"]) for kind in KINDS}
    sizes: dict[str, list[float]] = {"ours": [], "bare": []}
    with bare_environment(answers) as bare:
        for _ in range(ROUNDS):
            requests = [build_request("/rss", headers) for headers in sent.values()]
            sizes["ours"].append(_size_after_load(OURS, environment, requests))
            requests = [build_request(f"/{kind}", headers) for kind, headers in sent.items()]
            sizes["bare"].append(_size_after_load(FASTAPI, bare, requests))
    told = " against ".join(f"{sorted(some)[len(some) // 2] / _MIB:.1f} MiB" for some in sizes.values())
    what = f"memory after {LOAD_REQUESTS:,} requests for `/rss` (PSS)"
    return compare(what, "bare FastAPI", sizes["ours"], sizes["bare"], _SIZE_AIM, note=told)


def _size_after_load(target: tuple[str, ...], environment: Mapping[str, str], requests: list[bytes]) -> float:
    with run_server(target, environment) as server:
        with Connection(server.port) as connection:
            for place in range(LOAD_REQUESTS):
                connection.exchange(requests[place % len(requests)])
        return measure_size(server.process.pid).pss_bytes


def _measure_growth(server: Server, requests: int) -> Iterator[Row]:
    etags = {path: server.ask(path).headers["etag"] for path in FEEDS}
    asks = mix(random.Random(11), etags)  # noqa: S311 - the same at every run
    send(server, asks, _WARM_UP_REQUESTS)
    sizes = [measure_size(server.process.pid)]
    counted: Counter[str] = Counter()
    for _ in range(_LOOKS):
        counted += send(server, asks, requests // _LOOKS)
        sizes.append(measure_size(server.process.pid))
    grown = [(size.pss_bytes - sizes[0].pss_bytes) / _MIB for size in sizes[1:]]
    told = ", ".join(f"{size.pss_bytes / _MIB:.1f}" for size in sizes)
    mixed = ", ".join(f"{name} {count:,}" for name, count in counted.most_common())
    what = f"growth over {requests:,} mixed requests"
    note = f"{told} MiB at equal steps; {mixed}"
    yield Row(
        f"{what} (PSS)", "itself after its caches are full", grown[-1], min(grown), max(grown), _GROWTH_AIM, "MiB", note
    )
    opened = [float(size.descriptors - sizes[0].descriptors) for size in sizes[1:]]
    note = f"{sizes[-1].descriptors} open at the end"
    yield Row(f"{what} (descriptors)", "itself", opened[-1], min(opened), max(opened), _DESCRIPTORS_AIM, "more", note)


def send(server: Server, asks: Iterator[Ask], count: int) -> Counter[str]:
    """Send the next *count* of *asks*, and count them by kind. Raises RuntimeError for an answer that is not right."""
    sent: Counter[str] = Counter()
    for start in range(0, count, _REQUESTS_A_CONNECTION):
        with Connection(server.port) as connection:
            for _ in range(min(_REQUESTS_A_CONNECTION, count - start)):
                ask = next(asks)
                status = connection.exchange(ask.request).status
                if status not in ask.expected:
                    raise RuntimeError(f"{ask.request!r} was answered with {status}")
                sent[f"{ask.kind} 429" if status == 429 else ask.kind] += 1
    return sent


if __name__ == "__main__":
    write_table(rows(int(sys.argv[1]) if len(sys.argv) > 1 else MIXED_REQUESTS))
