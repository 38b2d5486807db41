"""A crowd is told to come back, and who reads what everybody reads is served meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from api import overload
from api.overload import Bounded
from demo.standin import ArxivStandIn
from tests.api.running import refresh_through_week, running

PATH = "/rss"


class Held:
    """An application whose requests end when a test lets them."""

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.begun = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun += 1
        await self.free.wait()
        await PlainTextResponse("done")(scope, receive, send)


def bound(app: Held, **most: int) -> Bounded:
    return Bounded(app, always=frozenset((PATH,)), feeds=(PATH,), sample_data=False, **most)


def ask_all(asked: Sequence[tuple[str, ...]], *, most: int) -> list[tuple[int, str | None]]:
    """Status and Retry-After of requests for paths and queries that are all under way before the first one ends.

    They are GET but for those with a method behind these.
    """

    async def run() -> list[tuple[int, str | None]]:
        held = Held()
        bounded = bound(held, most=most)
        waiting = [asyncio.create_task(ask(bounded, *one)) for one in asked]
        await asyncio.sleep(0)
        held.free.set()
        return await asyncio.gather(*waiting)

    return asyncio.run(run())


def scope_of(path: str, query: str = "", method: str = "GET") -> Scope:
    return {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": []}


async def receive() -> Message:
    return {"type": "http.disconnect"}


async def never_read(_: Message) -> None:
    await asyncio.Event().wait()


async def ask(app: Bounded, path: str, query: str, method: str = "GET") -> tuple[int, str | None]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope_of(path, query, method), receive, send)
    return sent[0]["status"], httpx.Headers(sent[0]["headers"]).get("retry-after")


def test_more_than_the_bound_are_told_when_to_come_back() -> None:
    answers = ask_all([("/status", "")] * 4, most=2)
    assert answers == [(200, None), (200, None), (503, "2"), (503, "2")]


def test_a_feed_that_everybody_reads_is_answered_all_the_same() -> None:
    answers = ask_all([("/status", ""), (PATH, ""), (PATH, "q=llm"), (PATH, "", "POST")], most=1)
    assert [status for status, _ in answers] == [200, 200, 503, 503]


def test_what_has_ended_makes_room() -> None:
    async def run() -> list[int]:
        held = Held()
        held.free.set()
        bounded = bound(held, most=1)
        return [(await ask(bounded, "/status", ""))[0] for _ in range(3)]

    assert asyncio.run(run()) == [200, 200, 200]


def test_of_all_but_feeds_a_few_are_worked_on_at_a_time_and_the_rest_waits() -> None:
    async def run() -> tuple[int, ...]:
        held = Held()
        bounded = bound(held, most_worked_on=2)
        pages = [
            asyncio.create_task(ask(bounded, path, query)) for path, query in (("/status", ""), (PATH, "q=llm")) * 3
        ]
        category = asyncio.create_task(ask(bounded, f"{PATH}/cs.CL", ""))
        await asyncio.sleep(0.01)
        begun = held.begun
        held.free.set()
        answered = await asyncio.gather(*pages, category)
        return (begun, *(status for status, _ in answered))

    assert asyncio.run(run()) == (3, *[200] * 7)


def test_no_two_of_them_begin_in_the_same_round_of_the_loop() -> None:
    """Each may keep the loop for some hundredths of a second, and a feed takes several rounds."""

    async def run() -> list[int]:
        rounds, began = 0, []

        async def page(scope: Scope, receive: Receive, send: Send) -> None:
            began.append(rounds)

        bounded = Bounded(page, always=frozenset(), feeds=(PATH,), sample_data=False)
        pages = [asyncio.create_task(bounded(scope_of("/status"), receive, never_read)) for _ in range(5)]
        while not all(one.done() for one in pages):
            rounds += 1
            await asyncio.sleep(0)
        return began

    began = asyncio.run(run())
    assert len(set(began)) == len(began) == 5


def test_who_waits_too_long_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overload, "LONGEST_WAIT_SECONDS", 0)

    async def run() -> tuple[int, str | None]:
        held = Held()
        bounded = bound(held, most_worked_on=1)
        first = asyncio.create_task(ask(bounded, "/status", ""))
        await asyncio.sleep(0)
        second = await ask(bounded, "/status", "")
        held.free.set()
        await first
        return second

    assert asyncio.run(run()) == (503, "2")


def test_who_does_not_read_the_answer_keeps_nobody_away() -> None:
    async def run() -> int:
        held = Held()
        held.free.set()
        bounded = bound(held, most=1, most_worked_on=1)

        stuck = asyncio.create_task(bounded(scope_of("/status"), receive, never_read))
        await asyncio.sleep(0.01)
        status, _ = await ask(bounded, "/status", "")
        stuck.cancel()
        return status

    assert asyncio.run(run()) == 200


def test_a_crowd_with_feeds_of_their_own_waits_and_known_feeds_are_served_before_it(
    tmp_path: Path, arxiv: ArxivStandIn
) -> None:
    with running(tmp_path, arxiv) as service:
        refresh_through_week(service, arxiv)
        transport = httpx.ASGITransport(app=service.app)

        answered: list[str] = []

        async def rush() -> list[int]:
            async with httpx.AsyncClient(
                transport=transport, base_url="http://edge.invalid", trust_env=False
            ) as client:

                async def get(address: str) -> int:
                    answer = await client.get(address)
                    answered.append(address)
                    return answer.status_code

                strangers = [get(f"/rss?q=network{number}") for number in range(60)]
                return await asyncio.gather(*strangers, get("/atom/systems"), get("/jsonfeed"))

        assert set(service.runner.run(rush())) == {200}
    assert {answered.index(known) < 30 for known in ("/atom/systems", "/jsonfeed")} == {True}
