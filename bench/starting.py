"""How long a process that was not running takes to its first byte of `/rss`: ours against a bare FastAPI route.

Each time is a whole process under uvicorn, from its start to the end of the first answer. Ours finds its papers in the
store, or has none and asks the stand-in for arXiv once, which answers at once or after 300 ms; what that one request
takes is measured beside it and taken off, since no service can be faster. Of the imports it is CPU time.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from bench.client import build_request
from bench.servers import (
    FASTAPI,
    OURS,
    bare_environment,
    connect,
    cpu_seconds,
    environment_of,
    fill,
    open_filled_sample,
    open_large_sample,
    record_answers,
    run_server,
    start_server,
)
from bench.table import Aim, Row, at_most, compare
from core.config import load_config
from core.settings import PROJECT_FOLDER
from demo.sample import Sample

ROUNDS = 9
LATENCIES_SECONDS = (0.0, 0.3)
PAPERS_A_DAY = 1_400  # a week of four categories, with cross-lists and replacements

_PATH = "/rss"
_FIRST_BYTE_AIM = at_most(1.5)
_IMPORT_AIM = at_most(1.35)


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds that went by, and seconds of CPU time, which depend little on what else the machine does (0: unknown)."""

    passed: float
    cpu: float


def rows() -> Iterator[Row]:
    """The imports, the first byte with a full store, and with an empty one for each latency."""
    with ExitStack() as stack:
        tasks = _tasks(stack)
        took: dict[str, list[Took]] = {name: [] for name in tasks}
        for _ in range(ROUNDS):
            for name, measure in tasks.items():
                took[name].append(measure())
    ours, theirs = ([one.cpu for one in took[name]] for name in ("import api.index", "import fastapi"))
    note = f"{_tell(ours)} against {_tell(theirs)} of CPU, the interpreter's start included"
    yield compare("`import api.index`", "`import fastapi`", ours, theirs, _IMPORT_AIM, note=note)
    yield _row(f"process start to first byte of `{_PATH}`, full store", took["full"], took["bare"], _FIRST_BYTE_AIM)
    yield _row(f"the same, {5 * PAPERS_A_DAY:,} papers in the store", took["large"], took["bare"])
    for latency in LATENCIES_SECONDS:
        upstream = took[_upstream(latency)]
        own = [
            Took(whole.passed - waited.passed, whole.cpu)
            for whole, waited in zip(took[_empty(latency)], upstream, strict=True)
        ]
        told = _tell([one.passed for one in upstream])
        yield _row(
            f"the same, empty store, arXiv at {1000 * latency:.0f} ms, without its {told}",
            own,
            took["bare"],
            _FIRST_BYTE_AIM,
        )


def _row(what: str, ours: Sequence[Took], bare: Sequence[Took], aim: Aim | None = None) -> Row:
    passed, bare_passed = [one.passed for one in ours], [one.passed for one in bare]
    cpu, bare_cpu = median(one.cpu for one in ours), median(one.cpu for one in bare)
    note = f"{_tell(passed)} against {_tell(bare_passed)}"
    if bare_cpu:
        note += f"; of CPU {1000 * cpu:.0f} against {1000 * bare_cpu:.0f} ms, {cpu / bare_cpu:.2f} ×"
    return compare(what, "bare FastAPI", passed, bare_passed, aim, note=note)


def _tell(seconds: Sequence[float]) -> str:
    return f"{1000 * median(seconds):.0f} ms"


def _empty(latency: float) -> str:
    return f"empty store, arXiv at {latency:g} s"


def _upstream(latency: float) -> str:
    return f"arXiv alone at {latency:g} s"


def _tasks(stack: ExitStack) -> Mapping[str, Callable[[], Took]]:
    """What is measured in each round, in this order; by name."""
    sample = stack.enter_context(open_filled_sample())
    environment = environment_of(sample.settings)
    with run_server(OURS, environment) as ours:
        answers = record_answers(ours, _PATH)
    large = stack.enter_context(open_large_sample(PAPERS_A_DAY))
    fill(large)
    bare = stack.enter_context(bare_environment(answers))
    tasks: dict[str, Callable[[], Took]] = {
        "import fastapi": lambda: time_import("fastapi", environment),
        "import api.index": lambda: time_import("api.index", environment),
        "bare": lambda: time_first_byte(FASTAPI, "/identity", bare),
        "full": lambda: time_first_byte(OURS, _PATH, environment),
        "large": lambda: time_first_byte(OURS, _PATH, environment_of(large.settings)),
    }
    for latency in LATENCIES_SECONDS:
        tasks[_empty(latency)] = partial(_time_empty, sample, latency)
        tasks[_upstream(latency)] = partial(_time_upstream, sample, latency)
    return tasks


def time_import(module: str, environment: Mapping[str, str]) -> Took:
    """What a process takes that imports *module* and ends."""
    before, started = _children_cpu(), time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], cwd=PROJECT_FOLDER, env=environment, check=True)
    return Took(time.perf_counter() - started, _children_cpu() - before)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def time_first_byte(target: tuple[str, ...], path: str, environment: Mapping[str, str]) -> Took:
    """From the start of a server for *target* to its answer at *path*. Raises RuntimeError if that is no 200."""
    started = time.perf_counter()
    with start_server(target, environment) as server, connect(server) as connection:
        reply = connection.exchange(build_request(path))
        took = Took(time.perf_counter() - started, cpu_seconds(server.process) or 0.0)
    if reply.status != 200:
        raise RuntimeError(f"{path} answered {reply.status}")
    return took


def _time_empty(sample: Sample, latency: float) -> Took:
    sample.stand_in.latency_seconds = latency
    before = len(sample.stand_in.requests)
    with TemporaryDirectory() as folder:
        store = f"sqlite:///{Path(folder) / 'empty.sqlite3'}"
        took = time_first_byte(OURS, _PATH, {**environment_of(sample.settings), "STORE_URL": store})
    asked = len(sample.stand_in.requests) - before
    if asked != 1:
        raise RuntimeError(f"arXiv was asked {asked} times instead of once")
    return took


def _time_upstream(sample: Sample, latency: float) -> Took:
    """What the one request takes that a refresh makes, on a connection of its own."""
    sample.stand_in.latency_seconds = latency
    address = urlsplit(sample.settings.arxiv_rss_base)
    categories = "+".join(load_config(sample.settings.config_file).categories)
    started = time.perf_counter()
    connection = HTTPConnection(address.hostname or "", address.port)
    try:
        connection.request("GET", f"{address.path}/{categories}", headers={"Accept-Encoding": "gzip"})
        connection.getresponse().read()
        return Took(time.perf_counter() - started, 0.0)
    finally:
        connection.close()
