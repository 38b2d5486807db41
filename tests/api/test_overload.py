"""A crowd is told to come back, and who reads what everybody reads is served meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import httpx
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from api.overload import Bounded
from demo.standin import ArxivStandIn
from tests.api.running import refresh_through_week, running

PATH = "/rss"


class Held:
    """An application whose requests end when a test lets them."""

    def __init__(self) -> None:
        self.free = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.free.wait()
        await PlainTextResponse("done")(scope, receive, send)


def ask_all(asked: Sequence[tuple[str, str]], *, most: int) -> list[tuple[int, str | None]]:
    """Status and Retry-After of requests for paths and queries that are all under way before the first one ends."""

    async def run() -> list[tuple[int, str | None]]:
        held = Held()
        bounded = Bounded(held, always=frozenset((PATH,)), sample_data=False, most=most)
        waiting = [asyncio.create_task(ask(bounded, *one)) for one in asked]
        await asyncio.sleep(0)
        held.free.set()
        return await asyncio.gather(*waiting)

    return asyncio.run(run())


async def ask(app: Bounded, path: str, query: str) -> tuple[int, str | None]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": []}
    await app(scope, receive, send)
    return sent[0]["status"], httpx.Headers(sent[0]["headers"]).get("retry-after")


def test_more_than_the_bound_are_told_when_to_come_back() -> None:
    answers = ask_all([("/status", "")] * 4, most=2)
    assert answers == [(200, None), (200, None), (503, "2"), (503, "2")]


def test_a_feed_that_everybody_reads_is_answered_all_the_same() -> None:
    answers = ask_all([("/status", ""), (PATH, ""), (PATH, "q=llm")], most=1)
    assert [status for status, _ in answers] == [200, 200, 503]


def test_what_has_ended_makes_room() -> None:
    async def run() -> list[int]:
        held = Held()
        held.free.set()
        bounded = Bounded(held, always=frozenset(), sample_data=False, most=1)
        return [(await ask(bounded, "/status", ""))[0] for _ in range(3)]

    assert asyncio.run(run()) == [200, 200, 200]


def test_a_crowd_with_feeds_of_their_own_is_bounded_and_known_feeds_are_served(
    tmp_path: Path, arxiv: ArxivStandIn
) -> None:
    with running(tmp_path, arxiv) as service:
        refresh_through_week(service, arxiv)
        transport = httpx.ASGITransport(app=service.app)

        async def rush() -> list[httpx.Response]:
            async with httpx.AsyncClient(
                transport=transport, base_url="http://edge.invalid", trust_env=False
            ) as client:
                strangers = [client.get(f"/rss?q=network{number}") for number in range(60)]
                return await asyncio.gather(*strangers, client.get("/atom/systems"), client.get("/jsonfeed"))

        *strangers, systems, default = service.runner.run(rush())
    refused = [answer for answer in strangers if answer.status_code == 503]
    assert 0 < len(refused) < 60
    assert {answer.status_code for answer in strangers} == {200, 503}
    assert {(answer.json()["code"], answer.headers["retry-after"]) for answer in refused} == {("overloaded", "5")}
    assert (systems.status_code, default.status_code) == (200, 200)
