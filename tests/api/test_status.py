from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import html

from api.status import CategoryStatus, SetStatus, Status, Stored, Writing, describe_status
from core.errors import StoreUnavailable
from core.mailings import mailings_between
from core.store.records import CategoryState, Changes, Endpoint, Healing, Ledger, RefreshState, Revision
from core.store.sqlite import SqliteStore
from core.turns import Service
from demo.standin import ArxivStandIn
from demo.week import mailing_week
from tests.api.running import NOW, WEEK, Running, running

CONFIGURED = ("cs.AI", "cs.CL")
TODAY = date(2026, 3, 5)
YESTERDAY = date(2026, 3, 4)
ASKED_AT = datetime(2026, 3, 5, 5, 1, tzinfo=UTC)
NEXT_POLL = datetime(2026, 3, 6, 5, 1, tzinfo=UTC)
REPEATED = "arXiv repeats an earlier mailing instead of that of 2026-03-05."
NO_FAILURES: Mapping[Service, Endpoint] = {"feeds": Endpoint(), "search": Endpoint()}


def category(name: str = "cs.AI", *, lacks: Sequence[date] = (), **changes: Any) -> CategoryState:
    """A category with every mailing of the week but those that it *lacks*."""
    whole = tuple((day, 2) for day in mailings_between(date(2026, 2, 27), TODAY) if day not in lacks)
    plain = CategoryState(name, TODAY, ("2603.00001v1", "2603.00002v1"), since=date(2026, 2, 27), complete=whole)
    return replace(plain, **changes)


def stale(name: str = "cs.CL", **changes: Any) -> CategoryState:
    return category(name, mailing=YESTERDAY, stale_since=ASKED_AT, stale_because=REPEATED, **changes)


def state(*categories: CategoryState, **changes: Any) -> RefreshState:
    """What is known after a good refresh of *categories*, both configured ones by default."""
    plain = RefreshState(
        checked_at=ASKED_AT,
        succeeded_at=ASKED_AT,
        next_poll_at=NEXT_POLL,
        mailing=TODAY,
        ledger=Ledger(received=10, new=5, updated=2, duplicate=2, rejected=1),
        categories=categories or tuple(category(name) for name in CONFIGURED),
    )
    return replace(plain, **changes)


def describe(
    configured: RefreshState | None,
    *,
    now: datetime = NOW,
    endpoints: Mapping[Service, Endpoint] = NO_FAILURES,
    **others: RefreshState,
) -> Status:
    """The status with *configured* as what is known of the configured set, and *others* by category."""
    known = {"+".join(CONFIGURED): configured} if configured else {}
    names = {name.replace("_", "."): one for name, one in others.items()}
    return describe_status(
        Stored(Revision(3, ASKED_AT, TODAY), known | names, endpoints),
        configured=CONFIGURED,
        now=now,
        days_back=7,
        store_name="papers.sqlite3",
        is_shared=False,
        writing=Writing(),
    )


def keep(service: Running, **states: RefreshState) -> None:
    """Stores *states* by their categories, whose names are given by their keys where those are no configured ones."""
    refreshes = tuple((name.replace("_", "."), one) for name, one in states.items())
    changes = Changes(refreshes=refreshes)
    assert service.runner.run(service.service.store.apply(changes, based_on=0, now=service.clock()))


def keep_configured(service: Running, known: RefreshState) -> None:
    changes = Changes(refreshes=(("+".join(service.service.config.categories), known),))
    assert service.runner.run(service.service.store.apply(changes, based_on=0, now=service.clock()))


def page(service: Running) -> html.HtmlElement:
    return html.fromstring(service.ask("/status").content)


def text_of(element: html.HtmlElement) -> str:
    return " ".join("".join(element.itertext()).split())


def texts(element: html.HtmlElement, path: str) -> list[str]:
    return [text_of(one) for one in element.xpath(path)]


def test_all_is_well_where_every_category_has_the_newest_mailing() -> None:
    status = describe(state())
    assert (status.verdict, status.problems, status.notices) == ("ok", [], [])


def test_a_set_is_told_with_its_ledger_and_its_polls() -> None:
    (told,) = describe(state()).sets
    assert told.model_dump(exclude={"categories", "healing"}) == {
        "is_configured": True,
        "checked_at": ASKED_AT,
        "succeeded_at": ASKED_AT,
        "next_poll_at": NEXT_POLL,
        "failures": 0,
        "last_error": None,
        "ledger": {"received": 10, "new": 5, "updated": 2, "duplicate": 2, "rejected": 1, "is_balanced": True},
    }


def test_a_stale_category_is_told_with_since_when_and_why() -> None:
    status = describe(state(category(), stale(healed=3)))
    assert status.sets[0].categories[1] == CategoryStatus(
        category="cs.CL",
        mailing=YESTERDAY,
        papers=2,
        is_stale=True,
        stale_since=ASKED_AT,
        stale_because=REPEATED,
        is_refused=False,
        healed=3,
        gaps=[],
        next_poll_at=NEXT_POLL,
        last_error=None,
    )
    assert (status.verdict, status.problems) == (
        "degraded",
        [f"cs.CL is stale since 2026-03-05 05:01 UTC: {REPEATED} What arXiv's search has of it is stored."],
    )


def test_categories_that_are_stale_for_one_reason_share_a_sentence() -> None:
    problems = describe(state(stale("cs.AI", lacks=[TODAY]), stale("cs.CL", lacks=[TODAY]))).problems
    assert problems[0] == f"cs.AI and cs.CL are stale since 2026-03-05 05:01 UTC: {REPEATED}"


def test_a_category_that_arxiv_refuses_is_told_though_it_is_not_stale() -> None:
    status = describe(state(category(), category("cs.CL", mailing=YESTERDAY, is_refused=True)))
    assert (status.sets[0].categories[1].is_refused, status.problems) == (
        True,
        ["arXiv refuses cs.CL, so that only its search brings new papers."],
    )


def test_a_refused_category_that_is_stale_is_told_once() -> None:
    because = "arXiv refuses it (arXiv answered 404 Not Found)."
    status = describe(state(category(), category("cs.CL", is_refused=True, stale_since=NOW, stale_because=because)))
    assert status.problems == [
        f"cs.CL is stale since 2026-03-05 14:00 UTC: {because} What arXiv's search has of it is stored."
    ]


@pytest.mark.parametrize(
    ("healing", "succeeded_at", "why"),
    [
        pytest.param(
            Healing(
                TODAY, TODAY, next_at=NOW + timedelta(minutes=5), failures=2, last_error="https://a/b?c=1: it broke"
            ),
            NOW,
            "arXiv's search could not be asked for what is missing (it broke). "
            "It is asked again at 2026-03-05 14:05 UTC.",
            id="the search fails",
        ),
        pytest.param(
            Healing(TODAY, TODAY, next_at=NOW - timedelta(minutes=5), failures=2, last_error="it broke"),
            NOW,
            "arXiv's search could not be asked for what is missing (it broke). "
            "It is asked again with the next refresh.",
            id="the search failed",
        ),
        pytest.param(
            Healing(next_at=NOW + timedelta(hours=2)),
            NOW,
            "arXiv's search has not got it either. It is asked again at 2026-03-05 16:00 UTC.",
            id="the search has nothing",
        ),
        pytest.param(
            Healing(),
            NOW - timedelta(hours=2),
            "Nobody asks arXiv's search for what is missing; a refresh does.",
            id="nobody asks",
        ),
    ],
)
def test_gaps_that_stay_are_a_problem(healing: Healing, succeeded_at: datetime, why: str) -> None:
    lacking = [date(2026, 3, 3), YESTERDAY]
    status = describe(state(category(lacks=lacking), category("cs.CL"), succeeded_at=succeeded_at, healing=healing))
    assert [one.gaps for one in status.sets[0].categories] == [lacking, []]
    assert status.problems == [f"Of cs.AI the mailings of 2026-03-03 and 2026-03-04 are not complete. {why}"]


def test_gaps_that_are_being_filled_in_are_worth_a_notice_only() -> None:
    healing = Healing(first=date(2026, 2, 27), last=TODAY)
    status = describe(state(category(lacks=[YESTERDAY]), checked_at=NOW, succeeded_at=NOW, healing=healing))
    assert (status.verdict, status.notices) == (
        "ok",
        ["Of cs.AI the mailing of 2026-03-04 is not complete. arXiv's search is asked for what is missing."],
    )
    assert (status.sets[0].healing.is_under_way, status.sets[0].healing.since) == (True, date(2026, 2, 27))


def test_a_search_that_takes_long_is_not_called_forgotten() -> None:
    healing, long_ago = Healing(first=date(2026, 2, 27), last=TODAY), NOW - timedelta(hours=2)
    status = describe(state(category(lacks=[YESTERDAY]), checked_at=NOW, succeeded_at=long_ago, healing=healing))
    assert status.notices == [
        "Of cs.AI the mailing of 2026-03-04 is not complete. arXiv's search is asked for what is missing."
    ]


def test_a_mailing_that_only_just_came_due_is_no_problem() -> None:
    before = state(*(category(name, lacks=[TODAY], mailing=YESTERDAY) for name in CONFIGURED))
    before = replace(before, checked_at=ASKED_AT - timedelta(days=1), next_poll_at=ASKED_AT)
    status = describe(before, now=ASKED_AT + timedelta(minutes=1))
    assert (status.verdict, status.notices) == ("ok", [])


def test_a_mailing_that_nobody_asked_for_is_a_problem() -> None:
    before = state(checked_at=ASKED_AT - timedelta(days=1), next_poll_at=ASKED_AT)
    assert describe(before).problems == [
        "arXiv was not asked for the mailing of 2026-03-05 yet; a refresh does that, or a reader who asks for a feed."
    ]


def test_a_refresh_that_keeps_failing_is_a_problem() -> None:
    status = describe(state(failures=3, last_error="https://rss.arxiv.org/rss/cs.AI: arXiv answered 503"))
    assert status.problems == [
        "Asking arXiv for the followed categories failed 3 times in a row (arXiv answered 503). "
        "The papers are as of 2026-03-05 05:01 UTC."
    ]
    assert status.sets[0].categories[0].last_error == "https://rss.arxiv.org/rss/cs.AI: arXiv answered 503"


def test_an_error_that_is_over_is_not_told() -> None:
    status = describe(state(failures=0, last_error="it broke"))
    assert (status.verdict, status.sets[0].last_error) == ("ok", None)


@pytest.mark.parametrize(
    ("known", "problem"),
    [
        pytest.param(
            None,
            "arXiv was not asked for the followed categories yet; a refresh starts that, or a reader who asks for a "
            "feed.",
            id="never asked",
        ),
        pytest.param(
            RefreshState(checked_at=NOW, next_poll_at=NOW, failures=1, last_error="it broke"),
            "Asking arXiv for the followed categories failed once (it broke). Nothing came of it yet.",
            id="never answered",
        ),
    ],
)
def test_categories_of_which_nothing_came_yet_are_listed_all_the_same(known: RefreshState | None, problem: str) -> None:
    status = describe(known)
    assert status.problems == [problem]
    assert [(one.category, one.mailing, one.gaps) for one in status.sets[0].categories] == [
        (name, None, []) for name in CONFIGURED
    ]


def test_a_service_of_arxiv_that_is_left_alone_is_a_problem() -> None:
    until = NOW + timedelta(minutes=10)
    status = describe(state(), endpoints={"feeds": Endpoint(4, until), "search": Endpoint(1, until)})
    assert [one.closed_until for one in status.arxiv] == [until, until]
    assert status.problems == [
        "arXiv's announcement feeds are left alone until 2026-03-05 14:10 UTC, after 4 failures in a row.",
        "arXiv's search is left alone until 2026-03-05 14:10 UTC, after one failure.",
    ]


@pytest.mark.parametrize("until", [NOW, NOW + timedelta(days=30)], ids=["over", "a mistake"])
def test_a_pause_that_nobody_keeps_to_is_not_told(until: datetime) -> None:
    status = describe(state(), endpoints={"feeds": Endpoint(4, until), "search": Endpoint()})
    assert (status.verdict, status.arxiv[0].failures, status.arxiv[0].closed_until) == ("ok", 4, None)


def test_a_ledger_that_does_not_balance_is_a_problem() -> None:
    status = describe(state(ledger=Ledger(received=3, new=1)))
    assert status.sets[0].ledger.is_balanced is False
    assert status.problems == [
        "The ledger of the followed categories does not balance: 3 entries were received, others told."
    ]


def test_the_configured_set_comes_first_and_others_follow_by_name() -> None:
    status = describe(state(), astro_ph=state(category("astro.ph")), cs_CV=state(category("cs.CV")))
    assert [(one.names, one.is_configured) for one in status.sets] == [
        ("cs.AI, cs.CL", True),
        ("astro.ph", False),
        ("cs.CV", False),
    ]


def test_what_was_kept_under_the_categories_in_another_order_is_not_told(empty: Running) -> None:
    keep(empty, **{"cs.CL+cs.AI": state(failures=3, last_error="it broke")})
    assert [one["is_configured"] for one in empty.ask("/api/status").json()["sets"]] == [True]


def test_another_category_counts_while_it_is_read_and_not_when_nobody_reads_it_any_more() -> None:
    failing = state(category("cs.CV"), failures=1, last_error="it broke")
    read = replace(failing, next_poll_at=NOW + timedelta(minutes=1))
    unread = replace(failing, next_poll_at=NOW - timedelta(days=2))
    assert describe(state(), cs_CV=read).problems == [
        "Asking arXiv for cs.CV failed once (it broke). The papers are as of 2026-03-05 05:01 UTC."
    ]
    assert describe(state(), cs_CV=unread).verdict == "ok"


@pytest.mark.parametrize(
    ("now", "today", "silence", "next_mailing"),
    [
        (
            datetime(2026, 11, 27, 15, tzinfo=UTC),
            "2026-11-27",
            "arXiv has no mailing on 2026-11-27, because of Thanksgiving on 2026-11-26.",
            datetime(2026, 11, 30, 5, tzinfo=UTC),
        ),
        (
            datetime(2026, 1, 20, 15, tzinfo=UTC),
            "2026-01-20",
            "arXiv has no mailing on 2026-01-20, because of Martin Luther King Day on 2026-01-19.",
            datetime(2026, 1, 21, 5, tzinfo=UTC),
        ),
        (
            datetime(2026, 3, 8, 15, tzinfo=UTC),
            "2026-03-08",
            "arXiv has no mailing on Saturdays and Sundays.",
            datetime(2026, 3, 9, 4, tzinfo=UTC),
        ),
    ],
)
def test_silence_is_explained_in_words(
    empty: Running, now: datetime, today: str, silence: str, next_mailing: datetime
) -> None:
    empty.clock.now = now
    calendar = empty.ask("/api/status").json()["calendar"]
    assert (calendar["today"], calendar["silence"]) == (today, silence)
    assert datetime.fromisoformat(calendar["next_mailing_at"]) == next_mailing
    assert silence in text_of(page(empty))


def test_a_mailing_on_a_day_that_the_calendar_calls_silent_is_no_silence(tmp_path: Path) -> None:
    with ArxivStandIn(mailing_week(date(2026, 11, 27))) as arxiv, running(tmp_path, arxiv) as service:
        service.clock.now = datetime(2026, 11, 27, 15, tzinfo=UTC)
        service.refresh()
        status = service.ask("/api/status").json()
        standing = {one["mailing"] for asked in status["sets"] for one in asked["categories"]}
        assert (status["calendar"]["silence"], status["data"]["newest_mailing"]) == (None, "2026-11-27")
        assert standing == {"2026-11-27"}
        assert "Thanksgiving" not in service.ask("/").text


def test_silence_is_no_problem_by_itself() -> None:
    now = datetime(2026, 3, 7, 15, tzinfo=UTC)
    friday = date(2026, 3, 6)
    whole = tuple((day, 2) for day in mailings_between(date(2026, 2, 27), friday))
    categories = (category(name, mailing=friday, complete=whole) for name in CONFIGURED)
    polled = datetime(2026, 3, 6, 5, 1, tzinfo=UTC)
    status = describe(state(*categories, checked_at=polled, next_poll_at=now + timedelta(days=2)), now=now)
    assert (status.verdict, status.calendar.silence) == ("ok", "arXiv has no mailing on Saturdays and Sundays.")


def test_a_service_that_has_seen_the_week_says_that_all_is_well(served: Running) -> None:
    status = served.ask("/api/status").json()
    assert (status["verdict"], status["problems"]) == ("ok", [])
    assert status["data"]["newest_mailing"] == status["calendar"]["newest_mailing_due"] == "2026-03-05"
    assert status["store"] == {"name": "papers.sqlite3", "is_shared": False, "is_available": True}
    assert texts(page(served), "//*[@role='status']") == ["All is well."]


def test_a_category_that_arxiv_repeats_is_told_as_stale(empty: Running, arxiv: ArxivStandIn) -> None:
    empty.clock.now = NOW - timedelta(days=1)
    arxiv.show(WEEK[-2].day)
    empty.refresh()
    empty.clock.now = NOW
    arxiv.show(WEEK[-1].day)
    arxiv.make_stale("cs.CL")
    empty.refresh()
    told = {one["category"]: one for one in empty.ask("/api/status").json()["sets"][0]["categories"]}
    assert {name: one["stale_because"] for name, one in told.items() if one["is_stale"]} == {"cs.CL": REPEATED}
    assert told["cs.CL"]["stale_since"] == "2026-03-05T14:00:00Z"
    (row,) = page(empty).xpath("//tr[th[text()='cs.CL']]")
    assert f"Stale since 2026-03-05 14:00 UTC: {REPEATED}" in text_of(row)


def test_an_arxiv_that_fails_is_told(empty: Running, arxiv: ArxivStandIn) -> None:
    arxiv.fail_next(headers={"Retry-After": "600"})
    empty.ask("/rss")
    status = empty.ask("/api/status").json()
    assert (status["verdict"], status["sets"][0]["failures"]) == ("degraded", 1)
    assert status["arxiv"][0] == {"service": "feeds", "failures": 1, "closed_until": "2026-03-05T14:10:00Z"}
    assert texts(page(empty), "//*[@role='status']//li") == [
        "Asking arXiv for the followed categories failed once (arXiv answered 503 Service Unavailable). "
        "Nothing came of it yet.",
        "arXiv's announcement feeds are left alone until 2026-03-05 14:10 UTC, after one failure.",
    ]


def test_a_store_that_is_away_is_told_without_its_folder(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    (tmp_path / "file").touch()
    with running(tmp_path, arxiv, store_url=f"sqlite:///{tmp_path}/file/papers.sqlite3") as service:
        answers = [service.ask(address) for address in ("/api/status", "/status")]
    status = answers[0].json()
    assert [answer.status_code for answer in answers] == [200, 200]
    assert (status["verdict"], status["data"], status["sets"], status["arxiv"]) == ("degraded", None, [], [])
    assert status["store"] == {"name": "papers.sqlite3", "is_shared": False, "is_available": False}
    assert status["problems"] == [
        "The store papers.sqlite3 cannot be read at the moment, so feeds are answered from memory where they can be; "
        "the log of the service says why."
    ]
    assert status["problems"] == texts(html.fromstring(answers[1].content), "//*[@role='status']//li")
    assert not [answer for answer in answers if str(tmp_path) in answer.text]


def test_who_starts_where_nothing_can_be_written_answers_from_the_store_and_goes_on_when_it_can(
    tmp_path: Path, arxiv: ArxivStandIn
) -> None:
    with running(tmp_path, arxiv) as service:
        service.refresh()
    index = tmp_path / "papers.sqlite3-shm"  # of SQLite's log, which cannot be made
    index.symlink_to(tmp_path / "no such folder" / "index")
    with running(tmp_path, arxiv) as service:
        fresh = service.ask("/rss")
        service.clock.advance(timedelta(days=1))
        late = service.ask("/rss")
        index.unlink()
        service.clock.advance(timedelta(minutes=1))
        mended = service.ask("/rss")
    notice = "newest papers cannot be stored at present"
    assert [(answer.status_code, notice in answer.text) for answer in (fresh, late, mended)] == [
        (200, False),
        (200, True),
        (200, False),
    ]
    assert "<item>" in fresh.text


def test_a_store_that_takes_nothing_is_told(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    class Full(SqliteStore):
        async def take_lease(self, *args: Any, **options: Any) -> Any:
            raise StoreUnavailable(f"{self.path}: the disk is full")

    path = tmp_path / "papers.sqlite3"
    with running(tmp_path, arxiv) as service:
        service.refresh()
    with running(tmp_path, arxiv, store=Full(path)) as service:
        service.clock.advance(timedelta(days=1))
        told = service.ask("/rss")
        status = service.ask("/api/status").json()
    assert "newest papers cannot be stored at present; these are as of 2026-03-05 14:00 UTC." in told.text
    assert (status["verdict"], status["problems"][0]) == (
        "degraded",
        "The store papers.sqlite3 takes no changes at the moment, so nothing new is fetched; "
        "the log of the service says why.",
    )


def test_a_store_that_does_not_answer_is_told_soon(
    empty: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("api.status._STORE_SECONDS", 0)
    assert empty.ask("/api/status").json()["store"]["is_available"] is False
    assert "did not answer within 0 seconds" in caplog.text


def test_nothing_is_asked_of_arxiv(cold: Running, unasked: ArxivStandIn) -> None:
    statuses = [cold.ask(address).status_code for address in ("/api/status", "/status")]
    assert (statuses, unasked.requests) == ([200, 200], ())


@pytest.mark.parametrize(
    ("address", "media_type"), [("/api/status", "application/json"), ("/status", "text/html; charset=utf-8")]
)
def test_nobody_may_keep_the_status(served: Running, address: str, media_type: str) -> None:
    answer, head = served.ask(address), served.ask(address, "HEAD")
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (media_type, "no-store")
    assert not {"ETag", "Last-Modified"}.intersection(answer.headers)
    assert (head.status_code, head.content, head.headers) == (200, b"", answer.headers)


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}</li></ul>&lt;b&gt;"]
)
def test_hostile_text_in_an_error_is_text_on_the_page(empty: Running, hostile: str) -> None:
    failing = state(
        category("cs.AI", stale_since=NOW, stale_because=hostile, lacks=[YESTERDAY]),
        failures=1,
        last_error=hostile,
        healing=Healing(TODAY, TODAY, failures=1, last_error=hostile),
    )
    keep_configured(empty, failing)
    answer = page(empty)
    assert not answer.xpath("//script[not(@src)] | //main//img | //b")
    assert text_of(answer).count(hostile) == 6  # three problems, the set, the healing and the category


def test_the_page_tells_what_the_json_tells(empty: Running) -> None:
    names = empty.service.config.categories
    known = state(
        *(category(name) for name in names[:2]), stale(names[2], healed=7), category(names[3], lacks=[YESTERDAY])
    )
    keep_configured(empty, replace(known, healing=Healing(YESTERDAY, TODAY, next_at=NEXT_POLL, last_error="it broke")))
    status = Status.model_validate_json(empty.ask("/api/status").text)
    answer = page(empty)
    (told,) = status.sets
    assert texts(answer, "//*[@role='status']//li") == status.problems
    assert [_row(row) for row in answer.xpath("//tbody/tr")] == [_cells(one) for one in told.categories]
    assert _moments(told) <= {
        datetime.fromisoformat(text) for text in answer.xpath("//time/@datetime[contains(., 'T')]")
    }
    assert "10 received = 5 new + 2 updated + 2 duplicate + 1 rejected" in text_of(answer)
    assert f"under way, from the mailing of {YESTERDAY} on, again at 2026-03-06 05:01 UTC; it broke" in text_of(answer)


def _row(row: html.HtmlElement) -> tuple[str, ...]:
    name, mailing, papers, standing, gaps, healed = (text_of(cell) for cell in row)
    return name, mailing, papers, standing.partition(": ")[2], gaps, healed


def _cells(one: CategoryStatus) -> tuple[str, ...]:
    gaps = ", ".join(map(str, one.gaps)) or "–"
    return one.category, str(one.mailing), str(one.papers), one.stale_because or "", gaps, str(one.healed)


def _moments(one: SetStatus) -> set[datetime]:
    moments = [one.checked_at, one.succeeded_at, one.next_poll_at, one.healing.next_at]
    return {moment for moment in moments + [category.stale_since for category in one.categories] if moment}


def test_other_categories_are_folded_and_say_how_they_are(empty: Running) -> None:
    keep(empty, cs_CV=state(category("cs.CV"), failures=1, last_error="it broke"), cs_RO=state(stale("cs.RO")))
    assert texts(page(empty), "//details/summary") == [
        "cs.CV, as of 2026-03-05 05:01 UTC, failing",
        "cs.RO, as of 2026-03-05 05:01 UTC, stale",
    ]


def test_sample_data_are_marked(sampled: Running) -> None:
    status = sampled.ask("/api/status").json()
    answer = page(sampled)
    assert (status["sample_data"], answer.findtext("head/title")) == (
        True,
        "All is well: status of arxiv-feeds (sample data)",
    )
    assert status["notices"] == texts(answer, "//p[@class='remark']")


def test_the_documentation_has_an_example_of_every_field(cold: Running) -> None:
    document = cold.ask("/openapi.json").json()
    schemas = document["components"]["schemas"]
    operation = document["paths"]["/api/status"]["get"]
    assert operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/Status")
    assert _undocumented(schemas["CategoryStatus"]) | _undocumented(schemas["SetStatus"]) == set()


def _undocumented(schema: Mapping[str, Any]) -> set[str]:
    """The plain fields without an example or a description."""
    return {
        name
        for name, field in schema["properties"].items()
        if not {"examples", "description", "$ref", "items"}.intersection(field)
    }


def test_the_answer_is_the_same_for_everybody(served: Running) -> None:
    answers: list[httpx.Response] = [served.ask("/api/status") for _ in range(2)]
    assert answers[0].content == answers[1].content
