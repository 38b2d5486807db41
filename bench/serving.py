"""What a warm `/rss` costs: ours against a bare route that sends the same bytes and headers, under the same uvicorn.

Three servers run with one worker each, and are asked in turns by a load generator in a process of its own. The bare
routes neither choose what to send nor look at a store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from bench.client import Load, build_request, run_load
from bench.servers import (
    FASTAPI,
    KINDS,
    OURS,
    STARLETTE,
    Kind,
    Server,
    bare_environment,
    cpu_seconds,
    environment_of,
    open_filled_sample,
    record_answers,
    request_headers,
    run_server,
)
from bench.table import Row, at_least, compare

ROUNDS = 9
SECONDS = 0.4
CONNECTIONS = (1, 16)

_PATH = "/rss"
_AIM = at_least(0.8)


@dataclass(frozen=True, slots=True)
class Contender:
    """A running server, and the request that brings each kind of answer from it."""

    name: str
    server: Server
    requests: Mapping[Kind, bytes]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the generator, and the CPU seconds that the server used meanwhile (None: unknown)."""

    load: Load
    cpu: float | None

    @property
    def cpu_microseconds(self) -> float:
        """A request's share; 0 where it is unknown."""
        return 1e6 * (self.cpu or 0.0) / self.load.requests


def rows() -> Iterator[Row]:
    """A row for each kind of answer and number of connections, and one for each kind by CPU time of the server."""
    with ExitStack() as stack:
        contenders = _start(stack)
        for kind in KINDS:
            measured = {count: _measure(contenders, kind, count) for count in CONNECTIONS}
            for count, runs in measured.items():
                yield _row_of_rates(kind, count, runs)
            if all(run.cpu for runs in measured.values() for one in runs.values() for run in one):
                yield _row_of_cpu(kind, measured)


def _start(stack: ExitStack) -> tuple[Contender, ...]:
    sample = stack.enter_context(open_filled_sample())
    ours = stack.enter_context(run_server(OURS, environment_of(sample.settings)))
    answers = record_answers(ours, _PATH)
    environment = stack.enter_context(bare_environment(answers))
    sent = {kind: request_headers(kind, answers["identity"].headers["etag"]) for kind in KINDS}
    bare = {kind: build_request(f"/{kind}", sent[kind]) for kind in KINDS}
    return (
        Contender("ours", ours, {kind: build_request(_PATH, sent[kind]) for kind in KINDS}),
        Contender("Starlette", stack.enter_context(run_server(STARLETTE, environment)), bare),
        Contender("FastAPI", stack.enter_context(run_server(FASTAPI, environment)), bare),
    )


def _measure(contenders: tuple[Contender, ...], kind: Kind, connections: int) -> dict[str, list[Run]]:
    """The runs of each contender. In each round another one is the first; round 0 only warms up."""
    runs: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    for place in range(ROUNDS + 1):
        first = place % len(contenders)
        for contender in (*contenders[first:], *contenders[:first]):
            run = _run(contender, kind, connections, SECONDS if place else SECONDS / 3)
            if place:
                runs[contender.name].append(run)
    return runs


def _run(contender: Contender, kind: Kind, connections: int, seconds: float) -> Run:
    server, request = contender.server, contender.requests[kind]
    before = cpu_seconds(server.process)
    load = run_load(server.port, request, connections=connections, seconds=seconds)
    after = cpu_seconds(server.process)
    return Run(load, None if before is None or after is None else after - before)


def _row_of_rates(kind: Kind, connections: int, runs: Mapping[str, list[Run]]) -> Row:
    rates = {name: [run.load.rate for run in some] for name, some in runs.items()}
    told = ", ".join(f"{name} {median(some):,.0f}" for name, some in rates.items())
    busy = max(run.load.busy for some in runs.values() for run in some)
    p99 = " / ".join(f"{1000 * median(run.load.p99_seconds for run in some):.2f}" for some in runs.values())
    return compare(
        f"warm `{_PATH}`, {kind}, {connections} {'connection' if connections == 1 else 'connections'}: requests/s",
        "bare Starlette route",
        rates["ours"],
        rates["Starlette"],
        _AIM,
        note=f"{told} requests/s; p99 {p99} ms; the generator at {busy:.0%} of a core at most",
    )


def _row_of_cpu(kind: Kind, measured: Mapping[int, Mapping[str, list[Run]]]) -> Row:
    """The server's CPU time does not depend on the generator, nor much on what else the machine does."""
    names = next(iter(measured.values()))
    spent = {name: [run.cpu_microseconds for runs in measured.values() for run in runs[name]] for name in names}
    told = ", ".join(f"{name} {median(some):.0f}" for name, some in spent.items())
    return compare(
        f"warm `{_PATH}`, {kind}: requests per CPU second of the server",
        "bare Starlette route",
        spent["Starlette"],
        spent["ours"],
        note=f"{told} µs of CPU a request",
    )
