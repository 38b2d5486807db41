"""What was answered within the last second is answered again, and never anything else in its place."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from starlette.types import Message, Receive, Scope, Send

from api.front import Front

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass
class World:
    """An application that numbers its answers, a store that was written to, and the time."""

    now: datetime = datetime(2026, 3, 5, 14, tzinfo=UTC)
    writes: int = 0
    asked: int = 0
    status: int = 200
    pieces: int = 1
    front: Front = field(init=False)

    def __post_init__(self) -> None:
        self.front = Front(self.answer, prefixes=("/rss", "/atom"), store=self, clock=lambda: self.now)

    async def answer(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.asked += 1
        await send({"type": "http.response.start", "status": self.status, "headers": [(b"etag", b"x")]})
        for left in reversed(range(self.pieces)):
            body = str(self.asked).encode()
            await send({"type": "http.response.body", "body": body, "more_body": left > 0})

    def ask(self, path: str = "/rss", query: str = "", method: str = "GET", headers: Headers = ()) -> bytes:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            raise AssertionError("a feed reads no body")

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": list(headers),
        }
        asyncio.run(self.front(scope, receive, send))
        assert sent[0]["status"] == self.status
        return b"".join(message["body"] for message in sent[1:])


@pytest.fixture
def world() -> World:
    return World()


def test_the_same_question_within_a_second_gets_the_same_answer(world: World) -> None:
    answers = [world.ask(headers=((b"user-agent", agent),)) for agent in (b"one", b"two", b"three")]
    assert (answers, world.asked) == ([b"1", b"1", b"1"], 1)


def test_a_second_later_the_application_is_asked_again(world: World) -> None:
    world.ask()
    world.now += timedelta(seconds=1)
    assert world.ask() == b"2"


def test_while_one_asks_anew_the_others_get_the_answer_that_has_just_ended(world: World) -> None:
    answers: list[bytes] = []

    async def ask_meanwhile(scope: Scope, receive: Receive, send: Send) -> None:
        if world.asked == 1 and not answers:
            answers.append(b"")
            await world.front(scope, receive, record)
        await world.answer(scope, receive, send)

    async def record(message: Message) -> None:
        answers.append(message.get("body", b""))

    world.front = Front(ask_meanwhile, prefixes=("/rss",), store=world, clock=lambda: world.now)
    world.ask()
    world.now += timedelta(seconds=1)
    assert (world.ask(), b"".join(answers), world.asked) == (b"2", b"1", 2)


def test_an_answer_does_not_outlive_a_clock_that_is_set_back(world: World) -> None:
    world.ask()
    world.now -= timedelta(hours=1)
    assert world.ask() == b"2"


def test_what_this_process_stores_is_seen_at_once(world: World) -> None:
    world.ask()
    world.writes += 1
    assert world.ask() == b"2"


def test_what_is_stored_while_an_answer_is_made_is_not_hidden_by_it(world: World) -> None:
    async def write_meanwhile(scope: Scope, receive: Receive, send: Send) -> None:
        world.writes += 1
        await world.answer(scope, receive, send)

    world.front = Front(write_meanwhile, prefixes=("/rss",), store=world, clock=lambda: world.now)
    assert (world.ask(), world.ask()) == (b"1", b"2")


@pytest.mark.parametrize(
    "other",
    [
        {"path": "/atom"},
        {"path": "/rss/cs.AI"},
        {"query": "q=llm"},
        {"method": "HEAD"},
        {"headers": ((b"accept-encoding", b"gzip"),)},
        {"headers": ((b"if-none-match", b"x"),)},
        {"headers": ((b"if-modified-since", b"Thu, 05 Mar 2026 05:00:00 GMT"),)},
        {"headers": ((b"content-length", b"99999999"),)},
        {"headers": ((b"transfer-encoding", b"chunked"),)},
    ],
)
def test_another_question_gets_another_answer(world: World, other: dict[str, str]) -> None:
    world.ask()
    assert world.ask(**other) == b"2"  # type: ignore[arg-type]  # what ask takes


def test_one_header_does_not_pass_for_another(world: World) -> None:
    world.ask(headers=((b"if-none-match", b"gzip"),))
    assert world.ask(headers=((b"accept-encoding", b"gzip"),)) == b"2"


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "DELETE"])
def test_other_methods_are_never_answered_from_memory(world: World, method: str) -> None:
    world.ask(method=method)
    assert world.ask(method=method) == b"2"


@pytest.mark.parametrize("status", [404, 422, 429, 500, 503])
def test_a_failure_is_not_repeated(world: World, status: int) -> None:
    world.status = status
    world.ask()
    assert world.ask() == b"2"


def test_an_answer_in_pieces_is_passed_on_and_not_kept(world: World) -> None:
    world.pieces = 2
    assert (world.ask(), world.ask()) == (b"11", b"22")


def test_addresses_that_are_no_feeds_pass_by(world: World) -> None:
    world.ask("/status")
    assert world.ask("/status") == b"2"


def test_answers_that_are_over_do_not_stay(world: World) -> None:
    for number in range(100):
        world.ask(query=f"q={number}")
    world.now += timedelta(seconds=2)
    world.ask()
    assert len(world.front._answers) == 1


def test_many_different_questions_do_not_fill_the_memory(world: World) -> None:
    for number in range(300):
        world.ask(query=f"q={number}")
    world.ask(query="q=" + "x" * 3_000)
    kept = len(world.front._answers)
    assert (kept, world.ask(query="q=299"), world.ask(query="q=0")) == (256, b"300", b"302")
