"""What the tests of writing summaries work with: a model and texts that do as they are told, and answers that pass."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from core.papers import Paper
from core.summaries.model import Completion, ModelFailed, RemoteFile
from core.summaries.prompt import Message
from core.summaries.writing import World

NOW = datetime(2026, 3, 6, 12, 0, tzinfo=UTC)

ANSWER = """**TL;DR:** A kernel that reads a cache in pages is three times as fast.

## Main contributions
The paper asks how attention can read a cache that does not lie in one piece. It is the first to read pages in the order
in which they were written, and needs no copy of the cache for that.

## Methods and experimental setup
The kernel is held against two baselines on one machine, with prompts of several lengths and the same model throughout.

| baseline | speed |
| --- | --- |
| dense | 1.0 |
| paged | 3.5 |

## Results and metrics
It is faster on every prompt, and the gain grows with the length of the prompt. Memory stays as it was before.

## Conclusions and limits
The authors say that short prompts gain little. Other machines are left for future work, and so is training.
"""

Reply = str | Completion | Exception


def completion(text: str = ANSWER, **changes: object) -> Completion:
    """A whole answer of 1,000 + 500 tokens."""
    values: dict[str, object] = {
        "text": text,
        "finish_reason": "stop",
        "input_tokens": 1_000,
        "output_tokens": 500,
        "request_id": "r-1",
    }
    return Completion(**{**values, **changes})  # type: ignore[arg-type]  # changes are the fields'


@dataclass
class Call:
    """One question to the model."""

    model: str
    messages: tuple[Message, ...]
    seed: int

    @property
    def text(self) -> str:
        return "\n".join(message.content for message in self.messages)


@dataclass
class FakeModel:
    """Gives the *replies* one after the other, and the good answer where there are no more; keeps its files."""

    replies: list[Reply] = field(default_factory=list)
    choose: Callable[[Call], Reply | None] = lambda _: None
    calls: list[Call] = field(default_factory=list)
    files: dict[str, RemoteFile] = field(default_factory=dict)
    upload_failure: ModelFailed | None = None
    upload_timeouts: list[float] = field(default_factory=list)
    deletion: Callable[[], Awaitable[object]] | None = None  # what a deletion waits for
    closed: int = 0
    most_at_once: int = 0
    at_once: int = 0
    gate: asyncio.Barrier | None = None  # that calls wait at for each other

    async def complete(
        self,
        model: str,
        messages: Sequence[Message],
        *,
        temperature: float,
        seed: int,
        max_tokens: int,
        timeout_seconds: float,
    ) -> Completion:
        call = Call(model, tuple(messages), seed)
        self.calls.append(call)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        if self.gate is not None:
            async with asyncio.timeout(5):
                await self.gate.wait()
        self.at_once -= 1
        reply = self.choose(call) or (self.replies.pop(0) if self.replies else ANSWER)
        if isinstance(reply, Exception):
            raise reply
        return completion(reply) if isinstance(reply, str) else reply

    async def upload(self, name: str, body: bytes, *, timeout_seconds: float) -> str:
        self.upload_timeouts.append(timeout_seconds)
        if self.upload_failure is not None:
            raise self.upload_failure
        file = RemoteFile(f"file-{len(self.files)}", name, NOW)
        self.files[file.id] = file
        return file.id

    async def list_files(self) -> tuple[RemoteFile, ...]:
        return tuple(self.files.values())

    async def delete_file(self, file_id: str) -> None:
        if self.deletion is not None:
            await self.deletion()
        self.files.pop(file_id, None)

    async def aclose(self) -> None:
        self.closed += 1


@dataclass
class FakeTexts:
    """Has the *page* and the *pdf* of every paper, or fails."""

    page: bytes | None = None
    pdf: bytes | None = None
    failure: Exception | None = None
    asked: list[str] = field(default_factory=list)

    async def fetch_full_text_page(self, paper: Paper) -> bytes | None:
        return self._answer("html", self.page)

    async def fetch_pdf(self, paper: Paper) -> bytes | None:
        return self._answer("pdf", self.pdf)

    def _answer(self, kind: str, body: bytes | None) -> bytes | None:
        self.asked.append(kind)
        if self.failure is not None:
            raise self.failure
        return body


@dataclass
class FakeWorld:
    """Time that passes only where somebody sleeps."""

    slept: list[float] = field(default_factory=list)
    now: datetime = NOW

    def clock(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)

    def monotonic(self) -> float:
        return self.now.timestamp()

    @property
    def world(self) -> World:
        return World(sleep=self.sleep, monotonic=self.monotonic, draw_nonce=lambda: "abcd1234", draw=lambda: 0.0)
