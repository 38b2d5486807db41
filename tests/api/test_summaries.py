"""Summaries as readers, programs and the operator see them: a whole service on both stand-ins, over real sockets."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import feedparser
import pytest
from lxml import html
from pydantic import SecretStr

from api.server import look_after
from api.summarising import Summarising
from core.errors import ArxivFeedsError, RefreshUnderWay, SourceUnavailable, StoreUnavailable
from core.summaries import writing
from core.summaries.attempts import Run
from core.summaries.options import Order
from demo.model import ModelStandIn
from demo.model_faults import FAULTS
from demo.standin import ArxivStandIn
from tests.api.running import CONFIG, SECRET, WEEK, Running, running

BEST = 4
CONFIGURED = {
    **CONFIG,
    "ai_summary": {"enabled": True, "language": "en", "max_papers_to_summarize": BEST, "source": "abstract"},
    "profiles": {},
}
BEARER = f"Bearer {SECRET}"


@pytest.fixture
def model() -> Iterator[ModelStandIn]:
    with ModelStandIn() as stand_in:
        yield stand_in


def starting(
    folder: Path, arxiv: ArxivStandIn, model: ModelStandIn, *, config: Mapping[str, Any] = CONFIGURED, **settings: Any
) -> AbstractContextManager[Running]:
    values: dict[str, Any] = {
        "dashscope_api_key": SecretStr(model.api_key),
        "dashscope_http_base_url": model.native_base,
    }
    return running(folder, arxiv, config=config, **(values | settings))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the newest mailing, complete, and no summary yet."""
    folder = tmp_path_factory.mktemp("filled")
    with ModelStandIn() as model, ArxivStandIn(WEEK[-1:]) as arxiv, starting(folder, arxiv, model) as started:
        started.refresh()
        started.runner.run(started.service.freshness.heal())
    return folder / "papers.sqlite3"


@pytest.fixture
def service(tmp_path: Path, filled: Path, model: ModelStandIn) -> Iterator[Running]:
    """The service with all of that."""
    shutil.copy(filled, tmp_path / filled.name)
    with ArxivStandIn(WEEK[-1:]) as arxiv, starting(tmp_path, arxiv, model) as started:
        yield started


def write(service: Running) -> dict[str, Any]:
    """What the cron says of the summaries that it wrote."""
    report: dict[str, Any] = service.ask("/api/cron", authorization=BEARER).json()["summaries"]
    return report


def papers(service: Running, query: str = "") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = service.ask(f"/api/papers?limit=100{query}").json()["items"]
    return items


def contents(service: Running, path: str) -> dict[str, str]:
    """By its identifier, what each entry of a feed says."""
    parsed = feedparser.parse(service.ask(path).content)
    assert not parsed.bozo
    return {entry.id: entry.content[0].value for entry in parsed.entries}


def test_the_cron_writes_the_best_papers_and_says_what_it_took(service: Running, model: ModelStandIn) -> None:
    report = write(service)
    assert (report["written"], report["failed"], report["deferred"], report["is_finished"]) == (BEST, 0, 0, True)
    assert (report["calls"], report["input_tokens"] > 0, report["cost"] > 0) == (BEST, True, True)
    assert [bool(item["summary"]) for item in papers(service)] == [True] * BEST + [False] * (
        len(papers(service)) - BEST
    )
    assert len(model.calls) == BEST


def test_a_second_cron_asks_the_model_for_nothing(service: Running, model: ModelStandIn) -> None:
    write(service)
    assert (write(service)["calls"], len(model.calls)) == (0, BEST)


@pytest.mark.parametrize("path", ["/api/refresh", "/update-cache"])
def test_a_refresh_by_the_operator_writes_them_too(service: Running, path: str) -> None:
    assert service.ask(path, "POST", authorization=BEARER).json()["summaries"]["written"] == BEST


@pytest.mark.parametrize("request_line", ["GET /api/cron", "POST /api/refresh", "GET /update-cache"])
@pytest.mark.parametrize(
    "error",
    [
        pytest.param(SourceUnavailable("https://rss.arxiv.org/rss", "it answered 503"), id="arXiv is away"),
        pytest.param(RefreshUnderWay("Another process has just asked arXiv"), id="another process asks"),
    ],
)
def test_papers_that_are_stored_get_theirs_although_nothing_new_was_brought(
    service: Running, model: ModelStandIn, monkeypatch: pytest.MonkeyPatch, error: ArxivFeedsError, request_line: str
) -> None:
    async def refresh() -> None:
        raise error

    monkeypatch.setattr(service.service.freshness, "refresh", refresh)
    method, path = request_line.split()
    assert service.ask(path, method, authorization=BEARER).status_code >= 400
    assert len(model.calls) == BEST


@pytest.mark.parametrize("request_line", ["GET /api/cron", "POST /api/refresh"])
def test_while_arxiv_is_away_no_summary_is_made_of_the_abstract_in_place_of_the_full_text(
    tmp_path: Path, filled: Path, model: ModelStandIn, request_line: str
) -> None:
    shutil.copy(filled, tmp_path / filled.name)
    config = CONFIGURED | {"ai_summary": {**CONFIGURED["ai_summary"], "source": "html"}}
    method, path = request_line.split()
    with ArxivStandIn(WEEK[-1:]) as arxiv, starting(tmp_path, arxiv, model, config=config) as service:
        arxiv.fail_next(times=999)
        assert service.ask(path, method, authorization=BEARER).status_code >= 400
        waiting = [one for one in papers(service) if "out of reach at present" in (one["summary_absence"] or "")]
        assert (len(model.calls), len(waiting)) == (0, BEST)


@pytest.mark.parametrize("path", ["/rss", "/atom", "/jsonfeed", "/api/papers", "/rss/cs.AI?q=llm", "/", "/status"])
def test_no_reader_ever_makes_the_service_ask_a_model(service: Running, model: ModelStandIn, path: str) -> None:
    assert (service.ask(path).status_code, len(model.requests)) == (200, 0)


class TestFeeds:
    @pytest.mark.parametrize("path", ["/rss", "/atom"])
    def test_an_entry_has_the_sentence_the_abstract_and_the_sections_in_this_order(
        self, service: Running, path: str
    ) -> None:
        write(service)
        (best, *_) = papers(service)
        content = contents(service, path)[best["links"]["abs"]]
        marks = [
            "TL;DR:",
            best["abstract"][:30].partition("<")[0],
            "<h3>Main contributions",
            "AI summary in English by",
        ]
        places = [content.index(mark) for mark in marks]
        assert places == sorted(places)
        assert "qwen-long, from the abstract alone." in content

    def test_json_feed_has_the_sentence_as_its_summary(self, service: Running) -> None:
        write(service)
        with_summary = [item for item in service.ask("/jsonfeed").json()["items"] if "summary" in item]
        assert len(with_summary) == BEST
        assert all(item["_arxiv"]["summary"]["tldr"] == item["summary"] for item in with_summary)

    @pytest.mark.parametrize("path", ["/rss", "/atom", "/jsonfeed"])
    def test_a_summary_that_comes_later_edits_its_entry(self, service: Running, path: str) -> None:
        before = service.ask(path)
        write(service)
        after = service.ask(path)
        assert before.headers["etag"] != after.headers["etag"]
        assert service.ask(path, if_none_match=before.headers["etag"]).status_code == 200
        if path == "/atom":
            was, now = (feedparser.parse(answer.content) for answer in (before, after))
            assert [entry.id for entry in was.entries] == [entry.id for entry in now.entries]
            assert sum(a.updated != b.updated for a, b in zip(was.entries, now.entries, strict=True)) == BEST
            assert was.feed.updated < now.feed.updated

    @pytest.mark.parametrize("path", ["/rss", "/atom", "/jsonfeed"])
    def test_without_summaries_a_feed_stays_byte_for_byte_as_it_was(self, service: Running, path: str) -> None:
        before = service.ask(f"{path}?summaries=0").content
        write(service)
        assert service.ask(f"{path}?summaries=0").content == before

    @pytest.mark.parametrize("query", ["summaries=brief", "brief=1"])
    def test_a_brief_feed_has_summaries_in_place_of_abstracts(self, service: Running, query: str) -> None:
        write(service)
        listed = {item["links"]["abs"]: item for item in papers(service)}
        for address, content in contents(service, f"/atom?{query}").items():
            item = listed[address]
            shown = "".join(map(str, html.fromstring(content).itertext()))
            assert (item["abstract"][:60] in " ".join(shown.split())) is (item["summary"] is None)

    def test_one_canonical_form_stands_for_both_ways_of_asking_for_brief(self, service: Running) -> None:
        links = [
            service.ask(f"/atom?{query}").text.split('rel="self"')[0][-200:] for query in ("brief=1", "summaries=brief")
        ]
        assert links[0] == links[1]

    @pytest.mark.parametrize("query", ["brief=1&summaries=0", "brief=1&summaries=1", "brief=0&summaries=brief"])
    def test_brief_and_summaries_that_say_two_things_are_refused(self, service: Running, query: str) -> None:
        answer = service.ask(f"/rss?{query}")
        assert (answer.status_code, "brief" in answer.json()["detail"]) == (422, True)

    def test_a_language_that_none_are_written_in_has_none_and_says_so(self, service: Running) -> None:
        write(service)
        told = service.ask("/api/papers?lang=de").json()
        assert {str(item["summary"]) for item in told["items"]} == {"None"}
        assert told["notices"] == ["No summaries are written here in German, only in English."]

    @pytest.mark.parametrize("query", ["", "lang=en", "lang=de&summaries=0"])
    def test_where_summaries_are_not_wanted_or_written_as_wanted_there_is_no_such_notice(
        self, service: Running, query: str
    ) -> None:
        assert service.ask(f"/api/papers?{query}").json()["notices"] == []


class TestJson:
    def test_a_summary_has_all_that_is_known_of_it(self, service: Running) -> None:
        write(service)
        summary = papers(service)[0]["summary"]
        assert [section["name"] for section in summary["sections"]] == [
            "contributions",
            "methods",
            "results",
            "conclusions",
        ]
        assert all(section["markdown"] and section["html"] for section in summary["sections"])
        assert {name: summary[name] for name in ("model", "language", "source", "version", "prompt")} == {
            "model": "qwen-long",
            "language": "en",
            "source": "abstract",
            "version": papers(service)[0]["version"],
            "prompt": "1",
        }
        assert (summary["usage"]["calls"], bool(summary["request_id"])) == (1, True)
        assert summary["checks"] == {"flags": [], "numbers": summary["checks"]["numbers"], "unsupported": 0.0}

    def test_every_paper_has_a_summary_or_says_why_not(self, service: Running, model: ModelStandIn) -> None:
        model.answer_with(FAULTS["data_inspection_failed"]())
        write(service)
        for item in papers(service):
            assert (item["summary"] is None) is bool(item["summary_absence"])
        told = [item["summary_absence"] for item in papers(service)[:BEST] if item["summary_absence"]]
        assert told == ["No AI summary: the model service refused this paper (DataInspectionFailed)."]

    @pytest.mark.parametrize(
        ("config", "settings", "told"),
        [
            pytest.param(CONFIG, {}, "ai_summary.enabled", id="not configured"),
            pytest.param(CONFIGURED, {"dashscope_api_key": None}, "DASHSCOPE_API_KEY is not set", id="no key"),
        ],
    )
    def test_a_service_that_writes_none_says_so(
        self, tmp_path: Path, model: ModelStandIn, config: dict[str, Any], settings: dict[str, Any], told: str
    ) -> None:
        with (
            ArxivStandIn(WEEK[-1:]) as arxiv,
            starting(tmp_path, arxiv, model, config=config, **settings) as service,
        ):
            service.refresh()
            report = write(service)
            assert (report["is_finished"], told in report["notices"][0]) == (True, True)
            assert told in papers(service)[0]["summary_absence"]
            assert model.requests == ()


class TestOperator:
    def test_the_status_tells_budget_and_last_run(self, service: Running) -> None:
        report = write(service)
        told = service.ask("/api/status").json()["summaries"]
        assert (told["obstacle"], told["models"], told["languages"], told["closed_until"]) == (
            None,
            ["qwen-long"],
            ["en"],
            None,
        )
        assert (told["budget"]["papers"], told["budget"]["papers_limit"]) == (BEST, 60)
        assert told["budget"]["tokens"] == report["input_tokens"] + report["output_tokens"]
        assert (told["last_run"]["written"], told["last_run"]["calls"]) == (BEST, BEST)

    def test_a_refused_key_is_a_problem_that_the_status_tells(self, service: Running, model: ModelStandIn) -> None:
        model.answer_with(FAULTS["invalid_key"](), times=None)
        report = write(service)
        assert (report["written"], report["deferred"], report["is_finished"]) == (0, BEST, False)
        status = service.ask("/api/status").json()
        assert status["verdict"] == "degraded"
        assert any("it refuses the key or the account (InvalidApiKey)" in problem for problem in status["problems"])
        assert "InvalidApiKey" in service.ask("/status").text

    def test_failures_are_told_with_the_request_that_the_service_knows(
        self, service: Running, model: ModelStandIn
    ) -> None:
        model.answer_with(FAULTS["data_inspection_failed"]())
        write(service)
        (failure,) = service.ask("/api/status").json()["summaries"]["last_run"]["failures"]
        assert (failure["code"], bool(failure["request_id"])) == ("refused", True)
        assert failure["paper"] in service.ask("/status").text

    def test_a_model_that_fails_never_fails_the_refresh(
        self, service: Running, model: ModelStandIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(writing, "_PAUSES_SECONDS", (0.0, 0.0))
        model.answer_with(FAULTS["html"](), times=None)
        answer = service.ask("/api/cron", authorization=BEARER)
        assert (answer.status_code, answer.json()["summaries"]["deferred"] > 0) == (200, True)

    def test_the_key_is_in_no_answer(self, service: Running, model: ModelStandIn) -> None:
        write(service)
        for path in ("/api/status", "/status", "/api/config", "/config", "/api/papers", "/openapi.json"):
            assert model.api_key not in service.ask(path).text


@pytest.mark.parametrize(
    ("error", "has_traceback"),
    [(StoreUnavailable("it went away"), False), (RuntimeError("nobody expected this"), True)],
    ids=["the store", "anything"],
)
def test_a_run_that_nobody_waits_for_and_that_fails_tells_the_log(
    error: Exception, has_traceback: bool, caplog: pytest.LogCaptureFixture
) -> None:
    may_fail = asyncio.Event()

    class Failing:
        async def run(self, order: Order) -> Run:
            await may_fail.wait()
            raise error

    async def scene() -> Run | None:
        summarising = Summarising(Failing, obstacle=None)  # type: ignore[arg-type]  # of a job, what is needed
        found = await summarising.run_for(0, Order())
        may_fail.set()
        with pytest.raises(type(error)):
            await summarising.run_for(30, Order())
        return found

    assert asyncio.run(scene()) is None
    (line,) = caplog.records
    assert (line.getMessage(), bool(line.exc_info)) == (
        f"Writing summaries failed: {error}",
        has_traceback,
    )


def test_the_watch_of_serve_has_them_written_and_waits_for_none(service: Running, model: ModelStandIn) -> None:
    async def scene() -> tuple[int, Run | None]:
        await look_after(service.service)
        return len(model.calls), await service.service.summaries.run_for(30, Order())

    before, run = service.runner.run(scene())
    assert (before, run and run.written, len(model.calls)) == (0, BEST, BEST)
