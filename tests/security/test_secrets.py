"""Secrets are canaries here: they sing in no body, no header and no log, whatever fails."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.mailings import newest_mailing
from core.settings import load_settings
from demo.standin import ArxivStandIn
from demo.week import last_mailing_day, mailing_week
from tests.api.running import WEEK
from tests.security.serving import CANARIES, CANARY_TEXTS, Answer, serving

ADDRESSES = (
    *(
        "/",
        "/rss",
        "/atom/cs.AI",
        "/jsonfeed/hep-th",
        "/opml",
        "/papers",
        "/build",
        "/status",
        "/docs",
        "/openapi.json",
    ),
    *("/api/papers", "/api/explain?id=2603.90001", "/api/feeds", "/api/categories", "/api/config", "/config"),
    *("/api/status", "/health", "/api/papers/none", "/nothing", "/rss?limit=0", "/rss?q=(", "/api/cron"),
)
NOWHERE = "http://127.0.0.1:1"
RIGHT = f"Authorization: Bearer {CANARIES['CRON_SECRET']}"


WITHOUT_MODEL = {"DASHSCOPE_API_KEY": ""}
AWAY = {"ARXIV_RSS_BASE": f"{NOWHERE}/rss", "ARXIV_API_BASE": f"{NOWHERE}/api/query"}


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"STORE_URL": "", **WITHOUT_MODEL}, id="the shared store away"),
        pytest.param({"LLM_BASE_URL": f"{NOWHERE}/v1"}, id="the model away", marks=pytest.mark.soak),
        pytest.param(WITHOUT_MODEL, id="all well", marks=pytest.mark.soak),
        pytest.param(WITHOUT_MODEL | AWAY, id="arXiv away", marks=pytest.mark.soak),
        pytest.param({"VERCEL": "1", **WITHOUT_MODEL}, id="on a platform", marks=pytest.mark.soak),
    ],
)
def test_no_secret_is_in_any_answer_or_log(tmp_path: Path, variables: dict[str, str]) -> None:
    week = mailing_week(last_mailing_day(newest_mailing(datetime.now(UTC))))
    with ArxivStandIn(week) as arxiv, serving(tmp_path, arxiv, **variables) as server:
        answers = [
            server.ask("/update-cache", RIGHT),
            server.ask("/api/refresh", RIGHT, "Content-Length: 0", method="POST"),
            server.ask("/api/cron", f"{RIGHT}x"),
            server.ask("/api/cron", RIGHT.replace("Bearer", "Basic")),
            *map(server.ask, ADDRESSES),
        ]
    assert leaks(answers, server.log_text) == []


def test_the_log_tells_neither_who_asked_nor_for_what(tmp_path: Path) -> None:
    with ArxivStandIn(WEEK) as arxiv, serving(tmp_path, arxiv, DASHSCOPE_API_KEY="") as server:
        for address in ("/opml?utm_source=my-illness", "/rss?q=my-illness", "/nothing?my-illness"):
            server.ask(address, "User-Agent: my-reader", "Referer: https://my-reader.example/")
    assert "GET /opml 200" in server.log_text
    assert [told for told in ("my-illness", "my-reader", "127.0.0.1:") if told in requests_in(server.log_text)] == []


def requests_in(log: str) -> str:
    return "\n".join(line for line in log.splitlines() if " GET " in line)


def leaks(answers: list[Answer], log: str) -> list[tuple[str, str]]:
    """Where which canary is found."""
    places = {"log": log, **{f"answer {place}": repr(answer) for place, answer in enumerate(answers)}}
    return [(place, canary) for place, text in places.items() for canary in CANARY_TEXTS if canary in text]


def test_settings_show_no_secret() -> None:
    settings = load_settings({**CANARIES, "STORE_URL": CANARIES["REDIS_URL"]})
    told = repr(settings) + str(settings) + repr(settings.shared_store)
    assert [canary for canary in CANARY_TEXTS if canary in told] == []
