from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.operations import refresh_within
from core.arxiv.announced import Announced, Submissions, Window
from core.errors import StoreUnavailable
from core.papers import Paper
from demo.standin import ArxivStandIn, Fault
from tests.api.running import NOW, SECRET, WEEK, Running, running

TOKEN = f"Bearer {SECRET}"
FEED = "/rss/cs.AI+cs.CL+cs.DC+cs.LG"
SEARCH = "/api/query"
LEDGER = ("new", "updated", "duplicate", "rejected")
REPORT: dict[str, Any] = {
    "sample_data": False,
    "categories": ["cs.AI", "cs.CL", "cs.DC", "cs.LG"],
    "mailing": "2026-03-05",
    "requests": 1,
    "received": 69,
    "new": 69,
    "updated": 0,
    "duplicate": 0,
    "rejected": 0,
    "rejections": [],
    "notices": [],
}


NOTHING_TO_HEAL = {
    "requests": 0,
    "received": 0,
    "new": 0,
    "updated": 0,
    "duplicate": 0,
    "rejected": 0,
    "is_finished": True,
    "notices": [],
}
EVERY_REFRESH = pytest.mark.parametrize(
    ("address", "method"),
    [("/api/refresh", "POST"), ("/api/cron", "GET"), ("/update-cache", "GET"), ("/update-cache", "POST")],
)


class BrokenSearch:
    """A source whose feeds list nothing, and whose search fails as nobody expected."""

    async def fetch_announcements(
        self, categories: Sequence[str], *, etag: str | None = None, apart: Collection[str] = ()
    ) -> Announced:
        return Announced((), requests=1)

    async def fetch_papers(self, ids: Iterable[str]) -> tuple[Paper, ...]:
        return ()

    async def fetch_submissions(self, window: Window) -> Submissions:
        raise RuntimeError("nobody expected this")

    async def aclose(self) -> None:
        pass


def ask(service: Running, address: str, method: str) -> dict[str, Any]:
    """The report of a refresh that succeeds."""
    answer = service.ask(address, method, Authorization=TOKEN)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    report: dict[str, Any] = answer.json()
    return report


def gaps(report: dict[str, Any]) -> list[list[str]]:
    return [one["gaps"] for one in report["standing"]]


@EVERY_REFRESH
def test_a_refresh_reports_what_became_of_every_entry(empty: Running, address: str, method: str) -> None:
    reports = [ask(empty, address, method) for _ in range(2)]
    plain = [{name: report[name] for name in REPORT} for report in reports]
    assert plain == [REPORT, REPORT | {"new": 0, "duplicate": 69}]


@EVERY_REFRESH
def test_a_refresh_asks_the_search_for_what_no_feed_brought_until_that_is_there(
    empty: Running, arxiv: ArxivStandIn, address: str, method: str
) -> None:
    first, second = (ask(empty, address, method) for _ in range(2))
    healing = first["healing"]
    assert (healing["requests"], healing["is_finished"], healing["notices"]) == (2, True, [])
    assert healing["received"] == sum(healing[name] for name in LEDGER) > 0
    assert second["healing"] == NOTHING_TO_HEAL
    assert [request.path for request in arxiv.requests] == [FEED, SEARCH, SEARCH, FEED]


def test_a_refresh_reports_how_each_category_stands_after_it(empty: Running) -> None:
    report = ask(empty, "/api/refresh", "POST")
    told = empty.ask("/api/status").json()["sets"][0]["categories"]
    assert report["standing"] == [{name: one[name] for name in one if name in report["standing"][0]} for one in told]
    assert [(one["category"], one["mailing"], one["gaps"]) for one in report["standing"]] == [
        (category, "2026-03-05", []) for category in REPORT["categories"]
    ]
    assert min(one["healed"] for one in report["standing"]) > 0


def test_a_refresh_reports_a_stale_category(empty: Running, arxiv: ArxivStandIn) -> None:
    empty.clock.now = NOW - timedelta(days=1)
    arxiv.show(WEEK[-2].day)
    empty.refresh()
    empty.clock.now = NOW
    arxiv.show(WEEK[-1].day)
    arxiv.make_stale("cs.CL")
    report = ask(empty, "/api/refresh", "POST")
    assert {one["category"]: one["stale_because"] for one in report["standing"] if one["is_stale"]} == {
        "cs.CL": "arXiv repeats an earlier mailing instead of that of 2026-03-05."
    }


@pytest.mark.parametrize(("address", "method"), [("/api/refresh", "POST"), ("/update-cache", "GET")])
def test_healing_that_takes_longer_goes_on_in_the_background_and_is_not_begun_twice(
    empty: Running, arxiv: ArxivStandIn, monkeypatch: pytest.MonkeyPatch, address: str, method: str
) -> None:
    monkeypatch.setattr("api.operations.HEALING_WAIT_SECONDS", 0)
    early = ask(empty, address, method)["healing"]
    assert early == NOTHING_TO_HEAL | {
        "is_finished": False,
        "notices": ["It goes on in the background; /api/status tells of it."],
    }
    monkeypatch.undo()
    report = ask(empty, address, method)
    assert (report["healing"]["is_finished"], gaps(report)) == (True, [[]] * 4)
    assert [request.path for request in arxiv.requests].count(SEARCH) == 2


def test_where_nothing_is_stored_there_is_nothing_to_render_and_no_word_of_it(
    empty: Running, arxiv: ArxivStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    arxiv.fail_next(times=9)
    assert empty.ask("/api/cron", authorization=TOKEN).status_code == 503
    assert "rendered" not in caplog.text


def test_on_a_platform_nothing_goes_on_after_the_answer(
    tmp_path: Path, arxiv: ArxivStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.operations.HEALING_WAIT_SECONDS", 0)
    with running(tmp_path, arxiv, vercel="1") as service:
        assert ask(service, "/api/refresh", "POST")["healing"]["is_finished"]


def test_nothing_is_healed_where_the_time_was_over_with_the_refresh(empty: Running, arxiv: ArxivStandIn) -> None:
    report = empty.runner.run(refresh_within(empty.service, lambda: 0.0))
    assert (report.new, report.healing.is_finished) == (69, False)
    assert [request.path for request in arxiv.requests] == [FEED]


def test_a_scheduler_gets_its_answer_in_time_and_the_rest_is_healed_the_next_time(
    empty: Running, arxiv: ArxivStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.operations.CRON_HEALING_SECONDS", 0)
    report = ask(empty, "/api/cron", "GET")
    assert report["healing"] == NOTHING_TO_HEAL | {"is_finished": False}
    assert gaps(report) == [["2026-02-27", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]] * 4
    assert [request.path for request in arxiv.requests] == [FEED]
    monkeypatch.undo()
    assert gaps(ask(empty, "/api/cron", "GET")) == [[]] * 4


@EVERY_REFRESH
def test_a_search_that_fails_is_a_notice_of_a_refresh_that_succeeds(
    empty: Running, arxiv: ArxivStandIn, address: str, method: str
) -> None:
    arxiv.fail_next(path=SEARCH)
    report = ask(empty, address, method)
    (notice,) = report["healing"]["notices"]
    assert (report["new"], report["healing"]["requests"], report["healing"]["is_finished"]) == (69, 1, False)
    assert "arXiv answered 503" in notice


@EVERY_REFRESH
def test_whatever_goes_wrong_with_healing_a_refresh_succeeds(
    tmp_path: Path, arxiv: ArxivStandIn, caplog: pytest.LogCaptureFixture, address: str, method: str
) -> None:
    with running(tmp_path, arxiv, source=BrokenSearch()) as service:
        report = ask(service, address, method)
    assert (report["requests"], report["healing"]) == (
        1,
        NOTHING_TO_HEAL
        | {
            "is_finished": False,
            "notices": ["What no feed brought could not be asked for; the log of the service says why."],
        },
    )
    assert "nobody expected this" in caplog.text


def test_a_store_that_goes_away_after_a_refresh_leaves_its_report(
    empty: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def heal_for(seconds: float) -> None:
        monkeypatch.setattr(empty.service.store, "load_refresh", refuse)

    async def refuse(categories: str) -> None:
        raise StoreUnavailable("It went away")

    monkeypatch.setattr(empty.service.freshness, "heal_for", heal_for)
    report = ask(empty, "/api/refresh", "POST")
    assert (report["new"], [one["healed"] for one in report["standing"]]) == (69, [0] * 4)


def test_the_ledger_of_each_mailing_balances_and_the_store_has_what_was_new(
    empty: Running, arxiv: ArxivStandIn
) -> None:
    stored = 0
    for mailing in WEEK:
        arxiv.show(mailing.day)
        report = empty.ask("/api/refresh", "POST", Authorization=TOKEN).json()
        stored += report["new"]
        assert report["received"] == sum(report[name] for name in LEDGER) > 0
    wide = "min_score=0&days=30&types=new,cross,replace,replace-cross&limit=500"
    by_mailing = [empty.ask(f"/api/papers?{wide}&mailing={mailing.day}").json()["total"] for mailing in WEEK]
    assert (stored, max(by_mailing)) == (311, 30)  # the cap of each mailing


def test_a_bad_entry_is_reported_with_its_reason(empty: Running, arxiv: ArxivStandIn) -> None:
    arxiv.answer_with(Fault(body=ONE_GOOD_ONE_BAD, gzip=False))
    report = empty.ask("/api/refresh", "POST", Authorization=TOKEN).json()
    assert (report["received"], report["new"], report["rejected"]) == (2, 1, 1)
    assert report["rejections"][0]["entry"] == "oai:arXiv.org:nonsense"
    assert "nonsense" in report["rejections"][0]["reason"]


def test_health_tells_that_the_service_is_up_whatever_arxiv_does(empty: Running, arxiv: ArxivStandIn) -> None:
    arxiv.fail_next(times=9)
    answer = empty.ask("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "sample_data": False, "revision": 0})
    assert (answer.headers["Cache-Control"], arxiv.requests) == ("no-store", ())


def test_the_revision_grows_with_the_data_only(empty: Running) -> None:
    revisions = [empty.ask("/health").json()["revision"]]
    for _ in range(2):
        empty.refresh()
        revisions.append(empty.ask("/health").json()["revision"])
    assert revisions[0] < revisions[1] == revisions[2]


ONE_GOOD_ONE_BAD = b"""<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0"><channel>
<title>cs.AI updates on arXiv.org</title><pubDate>Thu, 05 Mar 2026 00:00:00 -0500</pubDate>
<item><title>Good</title><guid isPermaLink="false">oai:arXiv.org:2603.00001v1</guid><category>cs.AI</category>
<description>arXiv:2603.00001v1 Announce Type: new \nAbstract: Good.</description>
<arxiv:announce_type>new</arxiv:announce_type><dc:creator>Ada Lovelace</dc:creator></item>
<item><title>Bad</title><guid isPermaLink="false">oai:arXiv.org:nonsense</guid><category>cs.AI</category>
<description>arXiv:nonsense Announce Type: new \nAbstract: Bad.</description>
<arxiv:announce_type>new</arxiv:announce_type><dc:creator>Ada Lovelace</dc:creator></item>
</channel></rss>
"""


def test_after_a_scheduled_refresh_the_configured_feeds_are_rendered_already(
    empty: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(empty, "/api/cron", "GET")
    monkeypatch.setattr("api.feeds._render", None)  # whoever renders now fails
    addresses = ["/rss", "/atom", "/jsonfeed", "/rss/systems", "/atom/cs.LG", "/jsonfeed/cs.DC"]
    assert [empty.ask(address).status_code for address in addresses] == [200] * len(addresses)


def test_a_feed_that_cannot_be_rendered_beforehand_fails_no_refresh(
    empty: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.feeds._render", None)
    assert empty.ask("/api/cron", authorization=TOKEN).status_code == 200
