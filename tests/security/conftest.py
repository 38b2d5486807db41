"""One filled server for all hostile requests, which change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from api.problems import MEDIA_TYPE, Problem
from core.mailings import newest_mailing
from demo.standin import ArxivStandIn
from demo.week import last_mailing_day, mailing_week
from tests.security.serving import CANARIES, CANARY_TEXTS, LONGEST_ANSWER_SECONDS, Answer, Server, serving

EVIL = "evil.invalid"


@dataclass(frozen=True, slots=True)
class Besieged:
    """A server and the stand-in behind it; whatever is sent, the answer is looked at from all sides."""

    server: Server
    arxiv: ArxivStandIn

    def ask(self, target: str | bytes, *headers: str | bytes, method: str = "GET", body: bytes = b"") -> Answer:
        """The answer, after checking what holds of every answer to a stranger."""
        asked, used = len(self.arxiv.requests), self.server.processor_seconds
        answer = self.server.ask(target, *headers, method=method, body=body)
        assert self.server.processor_seconds - used <= LONGEST_ANSWER_SECONDS
        assert len(self.arxiv.requests) == asked, "arXiv was asked because of a stranger's request"
        check_answer(answer)
        return answer


def check_answer(answer: Answer) -> None:
    """No 5xx, no traceback, no secret, no header of the stranger's making, and one shape of problems."""
    assert answer.status < 500
    assert b"Traceback" not in answer.body
    assert [text for text in CANARY_TEXTS if text.encode() in answer.everything] == []
    assert EVIL not in repr(answer.headers)
    assert "location" not in {name.lower() for name in answer.headers}
    is_ours = "x-content-type-options" in {name.lower() for name in answer.headers}
    is_page = answer.headers.get("content-type", "").startswith("text/html")
    if is_ours and answer.status >= 400 and answer.body and not is_page:
        assert answer.headers["content-type"] == MEDIA_TYPE
        assert answer.headers["cache-control"] == "no-store"
        assert Problem.model_validate_json(answer.body, strict=True).status == answer.status


@pytest.fixture(scope="session")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    week = mailing_week(last_mailing_day(newest_mailing(datetime.now(UTC))))
    folder = tmp_path_factory.mktemp("besieged")
    with ArxivStandIn(week) as arxiv, serving(folder, arxiv, FRESH_SECONDS="604800", DASHSCOPE_API_KEY="") as server:
        secret = f"Authorization: Bearer {CANARIES['CRON_SECRET']}"
        assert server.ask("/api/refresh", secret, "Content-Length: 0", method="POST").status == 200
        yield Besieged(server, arxiv)
