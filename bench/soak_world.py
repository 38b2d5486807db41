"""The world of a soak: stand-ins for arXiv and the model, a store, two service processes, and what goes wrong in it."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.soak_clock import PROCESSES, SoakClock, create
from bench.soak_faults import KILL, LAPSES, PLACES, Planned, StoreKind
from core.mailings import eastern_date, mailing_moment, mailing_of_submission, previous_mailing
from core.settings import PROJECT_FOLDER
from demo.faults import FAULTS as OF_ARXIV
from demo.mailing import Mailing
from demo.model import ModelStandIn
from demo.model_faults import FAULTS as OF_MODEL
from demo.standin import ArxivStandIn, Fault
from demo.week import mailings_between
from tests.core.store.redis_server import RunningRedis, redis_server

CATEGORIES = ("cs.AI", "cs.CL", "cs.DC", "cs.LG")
DAYS_BACK = 5
PAPERS_A_DAY = 12
SECRET = "sesame-sesame-sesame"  # noqa: S105 - of a process that lives for minutes, on loopback
INTERVAL_SECONDS = 0.1
LEASE_SECONDS = 2.0
STEP = timedelta(hours=3)
FIRST = date(2026, 6, 8)  # two holidays follow in the next four weeks
LAST = date(2026, 10, 30)

REPLACING = "all"  # the profile that wants replacements too, and so everything

CONFIG: Mapping[str, object] = {
    "categories": list(CATEGORIES),
    "keywords": [],
    "min_score": 0,
    "max_papers": 2000,
    "days_back": DAYS_BACK,
    "ranking": "count",
    "profiles": {
        REPLACING: {"announce_types": ["new", "cross", "replace", "replace-cross"]},
        "systems": {"categories": ["cs.DC", "cs.LG"], "keywords": ["network", "parallel", "training"]},
    },
    "ai_summary": {
        "enabled": True,
        "language": "en",
        "max_papers_to_summarize": 3,
        "max_workers": 2,
        "timeout_seconds": 2,
        "max_papers_per_day": PAPERS_A_DAY,
    },
}
SCOPES = ("default", REPLACING, "systems", *CATEGORIES)


@dataclass
class ServiceProcess:
    """A service process and its port; *killed_at* are readings of `time.monotonic()`."""

    number: int
    port: int
    process: subprocess.Popen[bytes]
    killed_at: list[float] = field(default_factory=list)

    def was_killed_since(self, moment: float) -> bool:
        return any(killed >= moment for killed in self.killed_at)


class World:
    """All that there is in a soak on a *store*; *log* takes what the processes have to say."""

    def __init__(self, store: StoreKind, folder: Path, redis: RunningRedis | None, log: Path) -> None:
        self.store = store
        self.mailings = mailings_between(previous_mailing(FIRST - timedelta(days=14)), LAST)
        self.arxiv = ArxivStandIn(self.mailings, latency_seconds=0.02)
        self.model = ModelStandIn(latency_seconds=0.02)
        self.losses: list[tuple[float, float]] = []  # when nobody could know who was asking arXiv
        self.lost_on: date | None = None  # the day on which the store lost something for the last time
        self.done: list[Planned] = []
        self.skipped = 0
        self._folder = folder
        self._redis = redis
        self._log = log
        self._late = timedelta()
        self._latest = FIRST
        self._whole_since = 0.0
        self._lost_at = 0.0
        create(folder / "clock")
        self.clock = SoakClock(folder / "clock", real=time.time)
        self.clock.set(mailing_moment(FIRST) + timedelta(hours=10))
        (folder / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
        started = datetime(2026, 5, 1, tzinfo=UTC).timestamp()
        os.utime(folder / "config.json", (started, started))
        self.processes: list[ServiceProcess] = []

    @property
    def today(self) -> date:
        return eastern_date(self.clock.now())

    @property
    def latest_day(self) -> date:
        """The latest day that it is, or that a process ever believed it to be: the newest mailing that can be."""
        self._latest = max(self._latest, self.today)
        return self._latest

    @property
    def file(self) -> Path:
        return self._folder / "papers.sqlite3"

    @cached_property
    def hard_to_find(self) -> frozenset[str]:
        """The papers that a store which lost them cannot get back under the mailing that they had.

        The search tells of no late cross-list, and of no moderator who held a paper up.
        """
        return frozenset(
            listing.paper.id
            for mailing in self.mailings
            for listing in mailing.listings
            if listing.event == "cross" or mailing_of_submission(listing.paper.submitted) < mailing.day
        )

    def start(self, number: int) -> None:
        """Start a service process, again on the port that it had."""
        known = self.processes[number] if number < len(self.processes) else None
        with socket.create_server(("127.0.0.1", known.port if known else 0), backlog=128) as listening:
            port = int(listening.getsockname()[1])
            command = [sys.executable, "-m", "bench.soak_server", str(self._folder / "clock"), str(number)]
            with self._log.open("ab") as log:
                process = subprocess.Popen(
                    [*command, str(listening.fileno())],
                    cwd=PROJECT_FOLDER,
                    env=self._environment(),
                    pass_fds=[listening.fileno()],
                    stderr=log,
                )
        if known:
            known.process = process
        else:
            self.processes.append(ServiceProcess(number, port, process))

    def stop(self) -> None:
        for one in self.processes:
            one.process.kill()
            one.process.wait()

    def ask_what_hangs(self) -> None:
        """Have each process write to the log what it is waiting for."""
        for one in self.processes:
            one.process.send_signal(signal.SIGUSR1)
        time.sleep(1.0)

    def tick(self) -> None:
        """Let some hours pass; arXiv shows what it has for the day, unless it is late."""
        self.clock.advance(STEP)
        self.arxiv.show(eastern_date(self.clock.now() - self._late))

    def note_whole(self, since: float) -> None:
        """What was asked at *since* found nothing missing in the store."""
        self._whole_since = max(self._whole_since, since)

    def begin(self, planned: Planned) -> Callable[[], object] | None:
        """Let *planned* happen, and give what ends it; None where it cannot happen now."""
        ending = self._begin(planned)
        if ending is None:
            self.skipped += 1
        else:
            self.done.append(planned)
        return ending

    def _begin(self, planned: Planned) -> Callable[[], object] | None:
        match planned.track:
            case "arxiv" if planned.name in LAPSES:
                return self._lapse(planned.name, CATEGORIES[planned.choice % len(CATEGORIES)])
            case "arxiv":
                fault = OF_ARXIV[planned.name]()
                times = 1 + planned.choice // 4 % 5
                self.arxiv.answer_with(fault, times=times, path=PLACES[planned.choice % len(PLACES)])
                return _each(self.arxiv.forget_faults, lambda: _release(fault))
            case "model":
                amiss = OF_MODEL[planned.name]()
                self.model.answer_with(amiss, times=1 + planned.choice % 6)
                return _each(self.model.forget_faults, lambda: _release(amiss.wire))
            case "clock":
                return self._mislead(planned)
        if planned.name == KILL:
            return self._kill(planned.choice % PROCESSES)
        return self._lose(planned)

    def _lapse(self, name: str, category: str) -> Callable[[], object]:
        if name == "late":
            self._late = timedelta(hours=24)
            return self._be_punctual
        (self.arxiv.make_stale if name == "stale" else self.arxiv.make_empty)(category)
        return lambda: self.arxiv.make_current(category)

    def _be_punctual(self) -> None:
        self._late = timedelta()
        self.arxiv.show(self.today)

    def _mislead(self, planned: Planned) -> Callable[[], object]:
        by = timedelta(hours=1 + planned.choice % 72) * (1 if planned.name.endswith("ahead") else -1)
        numbers = range(PROCESSES) if planned.name.startswith("all") else [planned.choice % PROCESSES]
        believed = self.clock.now() + max(by, timedelta()) + STEP * (1 + planned.lasts)  # by its end
        self._latest = max(self._latest, eastern_date(believed))
        for number in numbers:
            self.clock.mislead(number, by)
        return _each(*(partial(self.clock.mislead, number, timedelta()) for number in numbers))

    def _kill(self, number: int) -> Callable[[], object] | None:
        if self._lost_at >= self._whole_since:  # some papers may be in this process's memory only
            return None
        one = self.processes[number]
        one.killed_at.append(time.monotonic())
        one.process.send_signal(signal.SIGKILL)
        one.process.wait()
        return _each(lambda: self.start(number), lambda: one.killed_at.append(time.monotonic()))

    def _lose(self, planned: Planned) -> Callable[[], object]:
        redis = self._redis
        if redis is None:
            return self._lock_file() if planned.name == "file locked" else self._damage_file()
        match planned.name:
            case "redis killed":
                redis.kill()
                return _each(redis.start, self._note_loss)
            case "redis frozen":
                redis.freeze()
                return redis.thaw
            case "redis full":
                redis.ask("CONFIG", "SET", "maxmemory", 1)
                return lambda: redis.ask("CONFIG", "SET", "maxmemory", 0)
            case "redis flushed":
                redis.ask("FLUSHALL")
            case "mailing evicted":
                keys = sorted(key for key in redis.ask("KEYS", "*") if b":mailing:" in key)
                redis.ask("DEL", keys[planned.choice % len(keys)] if keys else "nothing")
            case _:
                for key in redis.ask("KEYS", "*"):
                    redis.ask("SET", key, b"\xff\x00 nonsense")
        self._note_loss()
        return lambda: None

    def _lock_file(self) -> Callable[[], object]:
        """Another program writes to the file, and takes its time."""
        other = sqlite3.connect(self.file, timeout=5, isolation_level=None, check_same_thread=False)
        with suppress(sqlite3.OperationalError):
            other.execute("BEGIN IMMEDIATE")
        return other.close

    def _damage_file(self) -> Callable[[], object]:
        """A disk forgets what was on it: all pages but the first, or that one too."""
        with closing(sqlite3.connect(self.file, timeout=5)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with self.file.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            file.write(b"nonsense" * (size // 8))
        self._note_loss()
        return lambda: None

    def _note_loss(self) -> None:
        self._lost_at, self.lost_on = time.monotonic(), self.today
        self.losses.append((self._lost_at - 0.5, self._lost_at + LEASE_SECONDS))

    def _environment(self) -> dict[str, str]:
        store = self._redis.url if self._redis else f"sqlite:///{self.file}"
        return {
            "PATH": os.environ["PATH"],
            "CONFIG_FILE": str(self._folder / "config.json"),
            "STORE_URL": store,
            "ARXIV_RSS_BASE": self.arxiv.rss_base,
            "ARXIV_API_BASE": self.arxiv.api_base,
            "ARXIV_BASE": self.arxiv.base,
            "ARXIV_MIN_INTERVAL_SECONDS": str(INTERVAL_SECONDS),
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "CRON_SECRET": SECRET,
            "BASE_URL": "https://feeds.example.org",
            "DASHSCOPE_API_KEY": self.model.api_key,
            "DASHSCOPE_HTTP_BASE_URL": self.model.native_base,
        }


@contextmanager
def open_world(store: StoreKind, log: Path) -> Iterator[World]:
    """A world with nothing stored yet, whose processes have started."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="arxiv-feeds-soak-")))
        redis = stack.enter_context(redis_server()) if store == "redis" else None
        world = World(store, folder, redis, log)
        stack.enter_context(world.arxiv)
        stack.enter_context(world.model)
        world.arxiv.show(world.today)
        stack.callback(world.stop)
        for number in range(PROCESSES):
            world.start(number)
        yield world


def _each(*endings: Callable[[], object]) -> Callable[[], None]:
    """All of *endings*, one after the other."""

    def end() -> None:
        for ending in endings:
            ending()

    return end


def _release(fault: Fault) -> None:
    """Let whoever waits for an answer have it, or the end of the connection."""
    for event in (fault.hold, fault.drip.release if fault.drip else None):
        if event is not None:
            event.set()


def known_paths() -> tuple[str, ...]:
    """The configured feeds in all formats."""
    scopes = ("", *(f"/{scope}" for scope in SCOPES if scope != "default"))
    return tuple(f"/{kind}{scope}" for kind in ("rss", "atom", "jsonfeed") for scope in scopes)


def announced_ids(mailings: tuple[Mailing, ...]) -> frozenset[str]:
    """Every paper that arXiv has."""
    return frozenset(listing.paper.id for mailing in mailings for listing in mailing.listings)
