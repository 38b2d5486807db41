"""A whole service for tests: the application on the stand-in for arXiv, with a store and a clock of its own."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from api.service import Service, Store
from api.wiring import create_app
from core.freshness import Source
from core.intake import Report
from core.settings import Settings
from demo.standin import ArxivStandIn
from demo.week import mailing_week

WEEK = mailing_week(date(2026, 3, 5))
NOW = datetime(2026, 3, 5, 14, 0, tzinfo=UTC)  # nine hours after the last mailing of WEEK, fifteen before the next
CONFIGURED = datetime(2026, 2, 1, tzinfo=UTC)
SECRET = "sesame-sesame-sesame"
PUBLIC = "https://feeds.example.org"

CONFIG: Mapping[str, Any] = {
    "categories": ["cs.AI", "cs.CL", "cs.DC", "cs.LG"],
    "keywords": ["LLM", {"term": "attention", "weight": 2}, "network", "training", "fast"],
    "exclude_keywords": ["survey"],
    "ranking": "count",
    "min_score": 1,
    "profiles": {"systems": {"categories": ["cs.DC"], "keywords": ["network", "parallel"], "min_score": 0}},
}

Headers = Sequence[tuple[str, str | bytes]]


@dataclass
class Clock:
    """The present, until a test moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, step: timedelta) -> None:
        self.now += step


@dataclass(frozen=True, slots=True)
class Running:
    """An application that answers in this process, on one event loop for all requests."""

    app: FastAPI
    clock: Clock
    runner: asyncio.Runner

    @property
    def service(self) -> Service:
        service: Service = self.app.state.service
        return service

    def ask(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        """The answer to a request; *headers* are named with _ for -. Nothing but what is given is sent."""
        return self.ask_with([(name.replace("_", "-"), text) for name, text in headers.items()], path, method)

    def ask_with(self, headers: Headers, path: str, method: str = "GET") -> httpx.Response:
        """The same with names as they are, in which one may come twice."""
        return self.runner.run(self._ask(path, method, headers))

    def refresh(self) -> Report:
        return self.runner.run(self.service.freshness.refresh())

    async def _ask(self, path: str, method: str, headers: Headers) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app)
        sent = [(name.encode(), text if isinstance(text, bytes) else text.encode("latin-1")) for name, text in headers]
        async with httpx.AsyncClient(transport=transport, base_url="http://edge.invalid", trust_env=False) as client:
            client.headers = httpx.Headers({"Accept-Encoding": "identity"})
            return await client.request(method, path, headers=sent)


@contextmanager
def running(
    folder: Path,
    arxiv: ArxivStandIn,
    *,
    config: Mapping[str, Any] = CONFIG,
    source: Source | None = None,
    store: Store | None = None,
    sample_data: bool = False,
    **settings: Any,  # what Settings takes
) -> Iterator[Running]:
    """The service with its files in *folder*, asking *arxiv* only; nothing is stored yet."""
    with asyncio.Runner() as runner:
        clock = Clock()
        app = create_app(
            settings_for(folder, arxiv, config=config, **settings),
            source=source,
            store=store,
            clock=clock,
            sample_data=sample_data,
        )
        yield Running(app, clock, runner)
        runner.run(app.state.service.close())


def settings_for(folder: Path, arxiv: ArxivStandIn, *, config: Mapping[str, Any] = CONFIG, **settings: Any) -> Settings:
    """Settings that lead to *arxiv* and to files in *folder*, where config.json is written."""
    values: dict[str, Any] = {
        "arxiv_rss_base": arxiv.rss_base,
        "arxiv_api_base": arxiv.api_base,
        "arxiv_base": arxiv.base,
        "arxiv_min_interval_seconds": 0.0,
        "store_url": f"sqlite:///{folder / 'papers.sqlite3'}",
        "config_file": write_config(folder, config),
        "base_url": PUBLIC,
        "cron_secret": SECRET,
    }
    return Settings(**(values | settings))


def write_config(folder: Path, config: Mapping[str, Any]) -> Path:
    """config.json in *folder*, last changed at CONFIGURED."""
    path = folder / "config.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    os.utime(path, (CONFIGURED.timestamp(), CONFIGURED.timestamp()))
    return path


def refresh_through_week(service: Running, arxiv: ArxivStandIn) -> tuple[Report, ...]:
    """What each refresh found while *arxiv* showed one mailing of WEEK after the other."""
    reports = []
    for mailing in WEEK:
        arxiv.show(mailing.day)
        reports.append(service.refresh())
    return tuple(reports)


def best_first(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """*items* of /api/papers by score; of equal ones the newer mailing is first, then the newer identifier."""
    return sorted(items, key=lambda item: (-item["score"], *(-number for number in _age(item)), item["id"]))


def newest_first(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """*items* of /api/papers as feeds have them: newest mailing first, best first within."""
    return sorted(best_first(items), key=lambda item: str(item["mailing"]), reverse=True)


def _age(item: Mapping[str, Any]) -> tuple[int, int, int]:
    """The mailing, and the month and number of the identifier, each greater for what is newer."""
    digits = item["id"].rpartition("/")[2].replace(".", "")
    month = int(digits[:4]) - 10_000 if "/" in item["id"] and digits >= "91" else int(digits[:4])
    return date.fromisoformat(item["mailing"]).toordinal(), month, int(digits[4:])
