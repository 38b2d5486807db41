"""The bare applications send what was recorded, byte for byte, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp

from bench.bare import FILE_VARIABLE, Answer, fastapi_app, save_answers, starlette_app

FEED = {"content-type": "application/rss+xml; charset=utf-8", "etag": 'W/"a"', "vary": "Accept-Encoding"}
ANSWERS = {
    "identity": Answer(200, {**FEED, "content-length": "6"}, b"<rss/>"),
    "gzip": Answer(200, {**FEED, "content-length": "4", "content-encoding": "gzip"}, b"\x1f\x8b\x00\xff"),
    "304": Answer(304, {"etag": 'W/"a"', "cache-control": "public, max-age=1800"}, b""),
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("make", [starlette_app, fastapi_app])
def test_an_answer_is_sent_as_it_was_recorded(
    make: Callable[[], ASGIApp], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_answers(tmp_path / "answers.json", ANSWERS)
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "answers.json"))
    assert asyncio.run(ask(make(), f"/{name}")) == ANSWERS[name]


async def ask(app: ASGIApp, path: str) -> Answer:
    """What *app* answers at *path*, undecoded."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bench.invalid", trust_env=False) as client:  # noqa: SIM117
        async with client.stream("GET", path) as response:
            body = b"".join([piece async for piece in response.aiter_raw()])
            return Answer(response.status_code, dict(response.headers), body)
