from __future__ import annotations

import asyncio
import os
import threading
from datetime import UTC, datetime, time, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.caching import Representation, represent
from api.selection import FeedParameters, parse_selection
from api.service import Representations
from api.wiring import build_service
from core.errors import NothingStored
from core.store.sqlite import SqliteStore
from demo.faults import unavailable
from demo.standin import ArxivStandIn
from tests.api.running import CONFIG, CONFIGURED, NOW, WEEK, Running, refresh_through_week, running, settings_for

VALIDATED = (
    "/",
    "/rss",
    "/rss/cs.AI?limit=3",
    "/atom",
    "/jsonfeed",
    "/opml",
    "/api/papers",
    "/api/feeds",
    "/api/categories",
    "/api/config",
    "/config",
    "/openapi.json",
    "/favicon.ico",
    "/static/page.css",
    "/static/icon.svg",
)
KEPT = ("Cache-Control", "ETag", "Last-Modified", "Vary")
NEXT_MAILING = datetime(2026, 3, 6, 5, 0, tzinfo=UTC)

validated = pytest.mark.parametrize("address", VALIDATED)


def kept(answer: httpx.Response) -> list[str]:
    return [answer.headers[name] for name in KEPT]


@validated
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("condition", ["If-None-Match", "If-Modified-Since"])
def test_a_reader_who_has_the_answer_gets_none(served: Running, address: str, method: str, condition: str) -> None:
    first = served.ask(address)
    value = first.headers["ETag" if condition == "If-None-Match" else "Last-Modified"]
    again = served.ask_with([(condition, value)], address, method)
    assert (again.status_code, again.content, kept(again)) == (304, b"", kept(first))
    assert {"content-type", "content-encoding"}.isdisjoint(again.headers)


@validated
def test_a_reader_who_has_another_answer_gets_the_whole(served: Running, address: str) -> None:
    first = served.ask(address)
    sent = [("If-None-Match", '"other"'), ("If-Modified-Since", first.headers["Last-Modified"])]
    again = served.ask_with(sent, address)
    assert (again.status_code, again.content, kept(again)) == (200, first.content, kept(first))


def test_a_tag_is_found_in_any_of_several_headers(served: Running) -> None:
    tag = served.ask("/rss").headers["ETag"]
    sent = [("If-None-Match", '"a, b"'), ("If-None-Match", tag), ("If-None-Match", '"c"')]
    assert served.ask_with(sent, "/rss").status_code == 304


@validated
@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_a_compressed_answer_is_the_same_answer(served: Running, address: str, coding: str) -> None:
    plain, compressed = served.ask(address), served.ask(address, Accept_Encoding=coding)
    assert compressed.content == plain.content  # httpx decodes
    assert (kept(compressed), compressed.headers["Content-Type"]) == (kept(plain), plain.headers["Content-Type"])
    is_large = len(plain.content) >= 512
    assert (compressed.headers.get("Content-Encoding") == coding) is is_large
    assert (int(compressed.headers["Content-Length"]) < len(plain.content)) is is_large


def test_accepted_codings_in_several_headers_are_one_list(served: Running) -> None:
    answer = served.ask_with([("Accept-Encoding", "br;q=0"), ("Accept-Encoding", "gzip;q=0.1")], "/rss")
    assert answer.headers["Content-Encoding"] == "gzip"


def test_on_lambda_the_front_end_compresses(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    with running(tmp_path, arxiv, aws_lambda_function_name="feeds") as service:
        answer = service.ask("/rss", Accept_Encoding="gzip, br")
    assert ("Content-Encoding" in answer.headers, answer.headers["Vary"]) == (False, "Accept-Encoding")


def test_on_vercel_which_runs_on_lambda_answers_are_compressed(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    with running(tmp_path, arxiv, aws_lambda_function_name="feeds", vercel="1") as service:
        assert service.ask("/rss", Accept_Encoding="gzip, br").headers["Content-Encoding"] == "br"


@pytest.mark.parametrize(
    ("before", "seconds"),
    [(timedelta(hours=9), 1800), (timedelta(minutes=29, seconds=30), 1770), (timedelta(seconds=1), 1)],
    ids=["long", "half an hour", "a second"],
)
@pytest.mark.parametrize("address", ["/rss", "/", "/api/papers"])
def test_no_answer_outlives_the_next_mailing(empty: Running, address: str, before: timedelta, seconds: int) -> None:
    empty.refresh()
    empty.runner.run(empty.service.freshness.heal())
    empty.clock.now = NEXT_MAILING - before
    answer = empty.ask(address)
    assert answer.headers["Cache-Control"] == f"public, max-age={seconds}"


@pytest.mark.parametrize("address", ["/rss", "/rss/cs.LG+hep-th", "/"])
def test_what_arxivs_search_is_asked_for_just_now_is_kept_briefly(empty: Running, address: str) -> None:
    """Of a first start, whose feed has one mailing of the week."""
    empty.refresh()
    assert empty.ask(address).headers["Cache-Control"] == "public, max-age=300"


def test_on_lambda_who_asks_while_days_are_missing_waits_for_the_search(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    with running(tmp_path, arxiv, aws_lambda_function_name="feeds") as service:
        first = service.ask("/rss")
        service.clock.now += timedelta(minutes=1)
        second = service.ask("/rss")
    ages = [answer.headers["Cache-Control"] for answer in (first, second)]
    assert (ages, len(second.content) > len(first.content)) == (["public, max-age=300", "public, max-age=1800"], True)


def test_on_vercel_what_is_missing_is_here_before_the_process_is_stopped(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    with running(tmp_path, arxiv, vercel="1") as service:
        first, second = service.ask("/rss"), service.ask("/rss")
    ages = [answer.headers["Cache-Control"] for answer in (first, second)]
    assert (ages, len(second.content) > len(first.content)) == (["public, max-age=300", "public, max-age=1800"], True)


def test_from_midnight_on_what_the_new_mailing_has_not_changed_yet_is_kept_briefly(empty: Running) -> None:
    empty.refresh()
    empty.clock.now = NEXT_MAILING + timedelta(seconds=10)  # its feeds are built by now or in a moment
    assert empty.ask("/rss").headers["Cache-Control"] == "public, max-age=300"


def test_no_answer_outlives_what_operators_call_fresh(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    with running(tmp_path, arxiv, fresh_seconds=90) as service:
        assert service.ask("/rss").headers["Cache-Control"] == "public, max-age=90"


def test_an_answer_that_may_be_old_is_kept_briefly_and_says_so(empty: Running, arxiv: ArxivStandIn) -> None:
    arxiv.show(WEEK[-2].day)
    empty.refresh()
    empty.clock.advance(timedelta(hours=1))
    arxiv.fail_next()
    answer = empty.ask("/api/papers")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "public, max-age=300")
    assert answer.json()["notices"] == [
        "arXiv's newest papers cannot be fetched at present; these are as of 2026-03-05 14:00 UTC."
    ]
    assert answer.json()["items"]


def test_a_feed_is_never_emptied_by_arxiv_s_silence(empty: Running, arxiv: ArxivStandIn) -> None:
    before = empty.ask("/rss")
    empty.clock.advance(timedelta(days=3))
    arxiv.fail_next(times=9)
    after = empty.ask("/rss")
    assert (after.status_code, after.content.count(b"<item>")) == (200, before.content.count(b"<item>"))
    assert b"arXiv's newest papers cannot be fetched" in after.content


def test_a_store_that_begins_anew_between_two_looks_at_it_is_no_empty_feed(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    """As where a process finds its file damaged while it answers, and nothing can be read of it."""
    file = tmp_path / "papers.sqlite3"
    with running(tmp_path, arxiv, store_url=f"sqlite:///{file}") as before:
        before.refresh()
    with running(tmp_path, arxiv, store_url=f"sqlite:///{file}") as service:
        selection = parse_selection("default", FeedParameters.model_validate({}), service.service.config)
        inquiry = service.runner.run(service.service.inquire(selection))
        assert (inquiry.failure, inquiry.currency.is_current) == (None, True)
        for path in tmp_path.glob("papers.sqlite3*"):
            path.unlink()
        arxiv.answer_with(unavailable(), times=10)
        with pytest.raises(NothingStored):
            service.runner.run(service.service.select(selection, inquiry))


def test_new_papers_change_the_tag_and_the_date(empty: Running, arxiv: ArxivStandIn) -> None:
    empty.clock.now = datetime.combine(WEEK[-2].day, time(14, tzinfo=UTC))
    arxiv.show(WEEK[-2].day)
    empty.refresh()
    before = empty.ask("/rss")
    empty.clock.advance(timedelta(days=1))
    arxiv.show(WEEK[-1].day)
    empty.refresh()
    sent = [("If-Modified-Since", before.headers["Last-Modified"])]
    after = empty.ask_with(sent, "/rss")
    assert (after.status_code, after.headers["Last-Modified"]) == (200, format_datetime(empty.clock.now, usegmt=True))
    assert after.headers["ETag"] != before.headers["ETag"]


def test_a_date_tells_that_a_notice_came_and_that_it_went(empty: Running, arxiv: ArxivStandIn) -> None:
    def ask(date: str) -> tuple[int, str, bool]:
        answer = empty.ask_with([("If-Modified-Since", date)], "/rss")
        return answer.status_code, answer.headers["Last-Modified"], "cannot be fetched" in answer.text

    empty.refresh()
    date = empty.ask("/rss").headers["Last-Modified"]
    empty.clock.advance(timedelta(days=1))
    arxiv.fail_next()
    status, date_of_notice, has_notice = ask(date)
    assert (status, has_notice) == (200, True)
    assert ask(date_of_notice)[:2] == (304, date_of_notice)
    empty.clock.advance(timedelta(hours=1))
    arxiv.show(WEEK[-1].day)
    status, date_after, has_notice = ask(date_of_notice)
    assert (status, has_notice, date_after != date_of_notice) == (200, False, True)


def test_a_refresh_that_brings_nothing_new_changes_nothing_for_readers(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    with running(tmp_path, arxiv, fresh_seconds=60) as service:
        addresses = ("/rss", "/atom", "/jsonfeed", "/api/papers")
        before = [service.ask(address) for address in addresses]
        service.clock.advance(timedelta(minutes=2))
        after = [service.ask(address) for address in addresses]
        assert len(arxiv.requests) == 2
    assert [(answer.content, kept(answer)[1:3]) for answer in after] == [
        (answer.content, kept(answer)[1:3]) for answer in before
    ]


def test_what_follows_from_the_configuration_is_as_old_as_it(served: Running) -> None:
    assert served.ask("/opml").headers["Last-Modified"] == format_datetime(CONFIGURED, usegmt=True)


def test_a_configuration_from_the_future_is_no_newer_than_the_service(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    settings = settings_for(tmp_path, arxiv)
    tomorrow = (NOW + timedelta(days=1)).timestamp()
    os.utime(settings.config_file, (tomorrow, tomorrow))
    assert build_service(settings, clock=lambda: NOW).configured_at == NOW


def test_the_last_change_of_papers_is_no_later_than_the_answer(served: Running) -> None:
    assert served.ask("/rss").headers["Last-Modified"] == format_datetime(NOW, usegmt=True)


def test_an_unconfigured_category_is_fetched_once_and_kept(empty: Running, arxiv: ArxivStandIn) -> None:
    answers = [
        empty.ask(address) for address in ("/rss/stat.ML", "/atom/STAT.ml", "/rss/stat.ML", "/api/papers?scope=stat.ML")
    ]
    assert [request.path for request in arxiv.requests] == ["/rss/stat.ML"]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert answers[0].content == answers[2].content


def test_a_scope_of_configured_categories_is_answered_from_the_one_combined_request(
    empty: Running, arxiv: ArxivStandIn
) -> None:
    for address in ("/rss", "/rss/cs.AI", "/rss/systems", "/rss/cs.LG+cs.CL", "/api/papers"):
        assert empty.ask(address).status_code == 200
    assert [request.path for request in arxiv.requests] == ["/rss/cs.AI+cs.CL+cs.DC+cs.LG"]


def test_until_the_next_mailing_arxiv_is_not_asked_again_and_then_once(empty: Running, arxiv: ArxivStandIn) -> None:
    empty.ask("/rss")
    empty.clock.now = NEXT_MAILING - timedelta(seconds=1)
    empty.ask("/rss")
    assert len(feeds_asked(arxiv)) == 1
    empty.clock.now = NEXT_MAILING + timedelta(minutes=2)
    empty.ask("/rss")
    empty.ask("/atom")
    assert len(feeds_asked(arxiv)) == 2


def feeds_asked(arxiv: ArxivStandIn) -> list[str]:
    return [request.path for request in arxiv.requests if request.path.startswith("/rss/")]


def rendering(text: str) -> Representation:
    return represent(text.encode(), "text/plain", last_modified=NOW)


def test_renderings_are_made_once_for_equal_keys() -> None:
    renderings, made = Representations(), []

    def render() -> Representation:
        made.append("made")
        return rendering("one")

    async def ask_twice() -> tuple[Representation, Representation]:
        return await asyncio.gather(renderings.get(("rss", 1), render), renderings.get(("rss", 1), render))

    first, second = asyncio.run(ask_twice())
    assert (first is second, made) == (True, ["made"])


def test_an_event_loop_that_was_abandoned_while_it_rendered_keeps_nobody_waiting() -> None:
    renderings, abandoned, may_end = Representations(), asyncio.new_event_loop(), threading.Event()

    def render_slowly() -> Representation:
        may_end.wait(timeout=10)
        return rendering("slow")

    async def leave_behind() -> asyncio.Task[Representation]:
        task = asyncio.create_task(renderings.get("slow", render_slowly))
        await asyncio.sleep(0)
        return task

    task = abandoned.run_until_complete(leave_behind())
    assert asyncio.run(renderings.get("quick", lambda: rendering("quick"))).body == b"quick"
    may_end.set()
    assert abandoned.run_until_complete(task).body == b"slow"
    abandoned.close()


def test_the_rendering_that_was_asked_for_least_lately_goes_first() -> None:
    renderings = Representations()

    async def ask() -> list[bytes]:
        for number in range(48):
            await renderings.get(number, lambda: rendering("old"))
        await renderings.get(0, lambda: rendering("never made"))
        await renderings.get(48, lambda: rendering("the one too many"))
        return [(await renderings.get(number, lambda: rendering("made anew"))).body for number in (0, 48, 1)]

    bodies = asyncio.run(ask())
    assert bodies == [b"old", b"the one too many", b"made anew"]


def test_closing_twice_and_asking_after_closing_work(empty: Running, arxiv: ArxivStandIn) -> None:
    refresh_through_week(empty, arxiv)
    before = empty.ask("/rss").content
    empty.runner.run(empty.service.close())
    empty.runner.run(empty.service.close())
    assert empty.ask("/rss").content == before


class CountingStore(SqliteStore):
    """The store, which notes what it is asked for."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.asked: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name.startswith(("load_", "apply", "take_", "save_")):
            self.asked.append(name)
        return super().__getattribute__(name)


def test_while_all_is_fresh_a_request_costs_one_look_at_the_revision(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    store = CountingStore(tmp_path / "papers.sqlite3")
    with running(tmp_path, arxiv, store=store, config={**CONFIG, "days_back": 1}) as service:
        service.ask("/rss")
        service.ask("/rss")
        store.asked.clear()
        service.clock.advance(timedelta(seconds=1))
        assert (service.ask("/rss").status_code, store.asked) == (200, ["load_revision"])
