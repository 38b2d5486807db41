"""What every store promises: the same tests for the embedded one and for the shared one, on a real file and server."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import LeaseLost, StoreUnavailable
from core.papers import Announcement, AnnounceType, Paper
from core.store.records import (
    CategoryState,
    Changes,
    Endpoint,
    Frequencies,
    Healing,
    Lease,
    Ledger,
    PaperRecord,
    RefreshState,
    Rendering,
    Revision,
)
from core.summaries.attempts import (
    Attempt,
    Breaker,
    Failure,
    Key,
    Run,
    Section,
    Summary,
    SummaryState,
    Usage,
)
from tests.builders import DAY, MOMENT, paper
from tests.core.store.redis_server import RunningRedis
from tests.core.store.running import Clock, run
from tests.core.store.test_records import FULL
from tests.core.store.writer import PAPERS_PER_TRANSACTION, Store, open_store

ROOT = Path(__file__).resolve().parents[3]
KILLS = int(os.environ.get("KILLS", "10"))  # of writers, at random moments; more of them for a longer trial
NEW = (("cs.LG", AnnounceType.NEW), ("cs.AI", AnnounceType.CROSS))
LATER = MOMENT + timedelta(minutes=1)
ONE_DAY = timedelta(days=1)


@dataclass
class Shelf:
    """One place where papers are kept, which any number of stores can open. `clear` empties it."""

    url: str
    clear: Callable[[], object]
    clock: Clock = field(default_factory=Clock)
    opened: list[Store] = field(default_factory=list)

    def open(self) -> Store:
        self.opened.append(open_store(self.url, clock=self.clock))
        return self.opened[-1]

    def close(self) -> None:
        for store in self.opened:
            run(store.close())


@pytest.fixture(params=["sqlite", "redis"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    if request.param == "sqlite":
        path = tmp_path / "papers.sqlite3"
        shelf = Shelf(f"sqlite:///{path}", path.unlink)
    else:
        server: RunningRedis = request.getfixturevalue("server")
        shelf = Shelf(server.url, lambda: server.ask("FLUSHDB"))
    yield shelf
    shelf.close()


@pytest.fixture
def store(shelf: Shelf) -> Store:
    return shelf.open()


def announce(one: Paper, *mailings: date) -> tuple[Announcement, ...]:
    return tuple(Announcement(mailing, one.id, one.version, NEW) for mailing in mailings)


def write(store: Store, changes: Changes, *, now: datetime = MOMENT, lease: Lease | None = None) -> Revision:
    """Write *changes* on what is there, and tell the revision after it."""
    revision = run(store.load_revision())
    assert run(store.apply(changes, based_on=revision.number, now=now, lease=lease))
    return run(store.load_revision())


def keep(store: Store, one: Paper, *mailings: date) -> Revision:
    """Store *one* as announced in *mailings*."""
    return write(store, Changes((one,), announce(one, *mailings)))


def take(store: Store, holder: str, *, seconds: float = 30, name: str = "refresh") -> Lease | None:
    return run(store.take_lease(name, holder, seconds=seconds))


def taken(store: Store, holder: str, *, seconds: float = 30) -> Lease:
    lease = take(store, holder, seconds=seconds)
    assert lease is not None
    return lease


# --- Papers and announcements -----------------------------------------------------------------------------------------


def test_a_new_store_is_empty(store: Store) -> None:
    found = (
        run(store.load_revision()),
        run(store.load_mailings()),
        run(store.load_records(since=date.min)),
        run(store.load_papers(["2603.00001"])),
        run(store.load_newest_mailing(["cs.LG"])),
        run(store.load_refreshes()),
    )
    assert found == (Revision(0, None, None, 0), frozenset(), (), {}, None, {})


def test_every_field_comes_back_after_closing_and_opening(shelf: Shelf) -> None:
    announcements = (
        Announcement(date(2003, 9, 9), FULL.id, 1, (("math.GT", AnnounceType.NEW),)),
        Announcement(DAY, FULL.id, 4, (("math.GT", AnnounceType.REPLACE), ("cs.LG", AnnounceType.REPLACE_CROSS))),
    )
    first = shelf.open()
    write(first, Changes((FULL,), announcements))
    run(first.close())
    assert run(shelf.open().load_papers([FULL.id])) == {FULL.id: PaperRecord(FULL, announcements)}


def test_a_closed_store_opens_again_when_it_is_used(store: Store) -> None:
    keep(store, paper(), DAY)
    run(store.close())
    assert run(store.load_papers(["2603.00001"])).keys() == {"2603.00001"}


def test_a_store_says_where_it_is(shelf: Shelf) -> None:
    assert shelf.open().name in {shelf.url, shelf.url.removeprefix("sqlite:///")}


def test_a_store_that_was_never_used_can_be_closed(store: Store) -> None:
    run(store.close())


def test_a_later_version_takes_the_place_of_the_earlier_one_and_keeps_its_announcements(store: Store) -> None:
    keep(store, paper(version=1), DAY)
    second = paper(version=2, title="Revised")
    keep(store, second, DAY + ONE_DAY)
    expected = PaperRecord(second, (*announce(paper(version=1), DAY), *announce(second, DAY + ONE_DAY)))
    assert (run(store.load_papers([second.id])), run(store.load_records(since=DAY))) == (
        {second.id: expected},
        (expected,),
    )


def test_a_paper_that_is_announced_in_an_earlier_mailing_too_stays_in_the_later_one(store: Store) -> None:
    keep(store, paper(), DAY)
    keep(store, paper(), DAY - ONE_DAY)
    (record,) = run(store.load_records(since=DAY))
    assert [one.mailing for one in record.announcements] == [DAY - ONE_DAY, DAY]


def test_a_paper_can_be_corrected_without_being_announced_again(store: Store) -> None:
    keep(store, paper(), DAY)
    write(store, Changes((paper(title="Corrected"),)))
    assert run(store.load_records(since=DAY)) == (PaperRecord(paper(title="Corrected"), announce(paper(), DAY)),)


def test_a_paper_is_announced_once_in_a_mailing(store: Store) -> None:
    keep(store, paper(), DAY)
    again = Announcement(DAY, "2603.00001", 1, (("cs.LG", AnnounceType.NEW),))
    write(store, Changes((paper(),), (again,)))
    assert run(store.load_papers(["2603.00001"]))["2603.00001"].announcements == (again,)


def test_records_are_those_announced_since_a_day_by_id_with_all_their_announcements(store: Store) -> None:
    days = [DAY + timedelta(days=number) for number in range(4)]
    keep(store, paper(id="2603.00003"), days[3], days[0])
    keep(store, paper(id="2603.00001"), days[2])
    keep(store, paper(id="2603.00002"), days[0], days[1])
    records = run(store.load_records(since=days[2]))
    assert [(record.paper.id, [one.mailing for one in record.announcements]) for record in records] == [
        ("2603.00001", [days[2]]),
        ("2603.00003", [days[0], days[3]]),
    ]


def test_another_store_sees_what_was_written_since_it_last_looked(shelf: Shelf) -> None:
    writer, reader = shelf.open(), shelf.open()
    seen = []
    for number in range(3):
        keep(writer, paper(id=f"2603.0000{number}"), DAY + timedelta(days=number))
        seen.append([record.paper.id for record in run(reader.load_records(since=DAY))])
    assert seen == [["2603.00000"], ["2603.00000", "2603.00001"], ["2603.00000", "2603.00001", "2603.00002"]]


def test_old_identifiers_and_any_text_are_kept(store: Store) -> None:
    old = paper(id="math.GT/0309136", title="\u2028 Σ 🚀 \x7f", abstract="", authors=())
    keep(store, old, DAY)
    assert run(store.load_papers([old.id])) == {old.id: PaperRecord(old, announce(old, DAY))}


def test_more_papers_can_be_asked_for_than_one_query_takes(store: Store) -> None:
    papers = tuple(paper(id=f"2603.{number:05}") for number in range(2_100))
    write(store, Changes(papers))
    wanted = [one.id for one in reversed(papers)] * 2
    assert run(store.load_papers([*wanted, "2603.99999"])) == {one.id: PaperRecord(one, ()) for one in papers}


def test_more_papers_can_be_written_than_one_command_takes(store: Store) -> None:
    def noise(number: int) -> str:  # of which compression makes nothing
        return "".join(sha256(f"{number} {part}".encode()).hexdigest() for part in range(50))

    papers = tuple(paper(id=f"2603.{number:05}", abstract=noise(number)) for number in range(400))
    write(store, Changes(papers, tuple(one for each in papers for one in announce(each, DAY))))
    assert [record.paper for record in run(store.load_records(since=DAY))] == list(papers)


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        (["cs.LG"], DAY),
        (["cs.AI"], DAY + ONE_DAY),
        (["cs.LG", "cs.AI"], DAY + ONE_DAY),
        (["hep-th"], DAY - timedelta(days=30)),
        (["cond-mat"], None),
        ([], None),
    ],
    ids=["one", "a newer one", "the newer of two", "a silent one", "the beginning of a name", "none"],
)
def test_the_newest_mailing_is_that_of_the_categories_asked_for(
    store: Store, categories: list[str], expected: date | None
) -> None:
    announced = [
        ("2603.00001", DAY, "cs.LG"),
        ("2603.00002", DAY + ONE_DAY, "cs.AI"),
        ("2602.00001", DAY - timedelta(days=30), "hep-th"),
        ("2602.00002", DAY, "cond-mat.soft"),
    ]
    papers = tuple(paper(id=paper_id) for paper_id, _, _ in announced)
    announcements = tuple(
        Announcement(mailing, paper_id, 1, ((category, AnnounceType.NEW),)) for paper_id, mailing, category in announced
    )
    write(store, Changes(papers, announcements))
    assert run(store.load_newest_mailing(categories)) == expected


def test_a_mailing_is_stored_as_long_as_any_paper_tells_of_it(store: Store) -> None:
    keep(store, paper(), DAY)
    keep(store, paper(version=2), DAY + ONE_DAY)
    write(store, Changes((paper(id="2603.00002"),)))  # which no mailing announced
    assert run(store.load_mailings()) == {DAY, DAY + ONE_DAY}


# --- Revisions --------------------------------------------------------------------------------------------------------


def test_a_change_of_papers_raises_number_and_checks_and_says_when(store: Store) -> None:
    first = write(store, Changes((paper(),), announce(paper(), DAY)))
    second = write(store, Changes((paper(version=2),)), now=LATER)
    assert (first.changed_at, second) == (
        MOMENT,
        Revision(first.number + 1, LATER, DAY, first.checks + 1, papers=first.number + 1),
    )


def test_what_is_known_of_refreshes_raises_only_checks(store: Store) -> None:
    before = keep(store, paper(), DAY)
    after = write(store, Changes(refreshes=(("cs.LG", RefreshState(LATER)),)), now=LATER)
    assert after == replace(before, checks=before.checks + 1)


def test_empty_changes_leave_the_revision(store: Store) -> None:
    before = keep(store, paper(), DAY)
    assert write(store, Changes(), now=LATER) == before


@pytest.mark.parametrize(
    "changes",
    [Changes((paper(title="Late"),)), Changes(refreshes=(("cs.LG", RefreshState(LATER)),)), Changes()],
    ids=["a paper", "a refresh", "nothing"],
)
@pytest.mark.parametrize("difference", [-1, 1], ids=["on older data", "on data that never were"])
def test_changes_that_were_decided_on_other_data_are_not_written(
    store: Store, changes: Changes, difference: int
) -> None:
    before = keep(store, paper(), DAY)
    assert not run(store.apply(changes, based_on=before.number + difference, now=LATER))
    assert (run(store.load_revision()), run(store.load_records(since=DAY)), run(store.load_refreshes())) == (
        before,
        (PaperRecord(paper(), announce(paper(), DAY)),),
        {},
    )


def test_of_two_who_decided_on_the_same_data_one_has_to_decide_again(shelf: Shelf) -> None:
    one, other = shelf.open(), shelf.open()
    before = run(one.load_revision()).number

    async def apply_both() -> tuple[bool, bool]:
        return await asyncio.gather(
            one.apply(Changes((paper(id="2603.00001"),)), based_on=before, now=MOMENT),
            other.apply(Changes((paper(id="2603.00002"),)), based_on=before, now=MOMENT),
        )

    assert sorted(run(apply_both())) == [False, True]
    assert run(one.load_revision()) == run(other.load_revision())
    assert len(run(one.load_papers(["2603.00001", "2603.00002"]))) == 1


def test_changes_are_written_whole_or_not_at_all(store: Store) -> None:
    unknown = announce(paper(id="2603.00002"), DAY)
    with pytest.raises(StoreUnavailable):
        run(store.apply(Changes((paper(),), unknown), based_on=0, now=MOMENT))
    assert (run(store.load_revision()).number, run(store.load_papers(["2603.00001"]))) == (0, {})


def test_a_store_that_lost_everything_is_an_empty_one(shelf: Shelf) -> None:
    store = shelf.open()
    keep(store, paper(), DAY)
    run(store.close())
    shelf.clear()
    assert (run(store.load_revision()), run(store.load_records(since=DAY))) == (Revision(), ())


DAYS = [DAY + timedelta(days=number) for number in range(-3, 4)]
steps = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from(["2603.00001", "2603.00002", "hep-th/9901001"]),
            st.integers(1, 3),
            st.lists(st.sampled_from(DAYS), max_size=2, unique=True),
        ),
        max_size=3,
        unique_by=lambda change: change[0],
    ),
    max_size=6,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps)
def test_whatever_is_written_the_store_has_what_was_written_last(
    shelf: Shelf, steps: list[list[tuple[str, int, list[date]]]]
) -> None:
    store = shelf.open()
    expected: dict[str, PaperRecord] = {}
    run(store.load_revision())
    run(store.close())
    shelf.clear()
    for step in steps:
        papers = tuple(paper(id=paper_id, version=version) for paper_id, version, _ in step)
        news = tuple(announce(one, *days) for one, (_, _, days) in zip(papers, step, strict=True))
        write(store, Changes(papers, tuple(one for each in news for one in each)))
        for one, told in zip(papers, news, strict=True):
            before = expected[one.id].announcements if one.id in expected else ()
            by_mailing = {each.mailing: each for each in (*before, *told)}
            expected[one.id] = PaperRecord(one, tuple(by_mailing[day] for day in sorted(by_mailing)))
    assert run(store.load_papers(list(expected))) == expected
    for day in DAYS:
        since = [
            expected[paper_id]
            for paper_id in sorted(expected)
            if any(one.mailing >= day for one in expected[paper_id].announcements)
        ]
        assert run(store.load_records(since=day)) == tuple(since)
    told_of = {one.mailing for record in expected.values() for one in record.announcements}
    assert run(store.load_mailings()) == told_of
    assert run(store.load_newest_mailing(["cs.AI"])) == max(told_of, default=None)
    assert run(store.load_revision()).newest_mailing == max(told_of, default=None)


def test_papers_of_earlier_mailings_are_found_without_those_of_later_ones(store: Store) -> None:
    early, both, late = (paper(id=f"2603.0000{number}") for number in (1, 2, 3))
    keep(store, early, DAY - 9 * ONE_DAY)
    keep(store, both, DAY - 8 * ONE_DAY, DAY)
    keep(store, late, DAY)
    found = {one.paper.id: one for one in run(store.load_records(since=DAY - 10 * ONE_DAY, until=DAY - 7 * ONE_DAY))}
    assert {early.id, both.id} <= found.keys() <= {early.id, both.id, late.id}
    assert [one.mailing for one in found[both.id].announcements] == [DAY - 8 * ONE_DAY, DAY]


# --- What was learned of the stream -----------------------------------------------------------------------------------

CS, MATH = "Computer Science", "Mathematics"
KNOWN = (
    Frequencies(CS, DAY - ONE_DAY, 300.0, {"llm": 90.5, "moe": 3.0}),
    Frequencies(CS, DAY, 700.5, {"cs.LG": 400.0, "c++": 1.5, "naïve": 2.0, "注": 1.0}),
    Frequencies(MATH, DAY, 10.0, {}, {"émilie du châtelet": 1.0, "ada lovelace": 0.5}),
)


def test_what_was_learned_comes_back_by_group_and_mailing(shelf: Shelf) -> None:
    first = shelf.open()
    write(first, Changes((paper(),), announce(paper(), DAY - ONE_DAY, DAY), frequencies=tuple(reversed(KNOWN))))
    run(first.close())
    store = shelf.open()
    found = [
        run(store.load_frequencies(groups, since=since))
        for groups, since in (
            ((MATH, CS), date.min),
            ((CS,), date.min),
            ((CS, MATH), DAY),
            ((), date.min),
            ((CS,), date.max),
        )
    ]
    assert found == [KNOWN, KNOWN[:2], KNOWN[1:], (), ()]


def test_what_was_learned_is_no_paper_but_changes_what_feeds_say(store: Store) -> None:
    before = keep(store, paper(), DAY)
    after = write(store, Changes(frequencies=KNOWN[1:]), now=LATER)
    assert (after.number > before.number, after.changed_at, after.newest_mailing) == (True, LATER, DAY)
    assert [record.paper for record in run(store.load_records(since=date.min))] == [paper()]


def test_what_is_learned_anew_takes_the_place_of_what_was_known(store: Store) -> None:
    for known in (KNOWN[1], replace(KNOWN[1], papers=1.0)):
        write(store, Changes((paper(),), announce(paper(), DAY), frequencies=(known,)))
    assert run(store.load_frequencies((CS,), since=DAY)) == (replace(KNOWN[1], papers=1.0),)


# --- Summaries --------------------------------------------------------------------------------------------------------

KEY = Key(1, "qwen-long", "1", "zh", "html")
WRITTEN = Attempt(
    KEY,
    MOMENT,
    summary=Summary(
        tldr="一句话。",
        tldr_html="<p>一句话。</p>",
        sections=(
            Section("results", "结果", "**3.5** 倍", "<p><strong>3.5</strong> 倍</p>"),
            Section(None, "X", "", ""),
        ),
        model="qwen-plus",
        source="abstract",
        renderer="1",
        flags=("unverified",),
        numbers=4,
        unsupported=0.25,
        urls=("https://example.org/",),
    ),
    usage=Usage(2, 1_000, 500, 51.25, 0.0015),
    request_id="r-1",
)
DEFERRED = Attempt(replace(KEY, language="en"), LATER, "unavailable", "it is away", failures=2, retry_at=LATER)
STATE = SummaryState(
    day=DAY,
    papers=3,
    spent=WRITTEN.usage,
    breaker=Breaker("Arrearage", "it refuses", LATER, "abc"),
    mailings=(("default", DAY), ("mine", DAY - ONE_DAY)),
    last_run=Run(MOMENT, 2, 1, 4, WRITTEN.usage, (Failure("2603.00001", "refused", "no", "r-2"),), "over"),
)


def test_what_came_of_summaries_comes_back_by_paper(shelf: Shelf) -> None:
    attempts = (("2603.00001", (WRITTEN, DEFERRED)), ("hep-th/9901001", (DEFERRED,)))
    first = shelf.open()
    write(first, Changes(attempts=attempts, summary_state=STATE))
    run(first.close())
    store = shelf.open()
    assert run(store.load_attempts([paper_id for paper_id, _ in attempts] + ["2603.00009"])) == dict(attempts)
    assert (run(store.load_attempts(())), run(store.load_summary_state())) == ({}, STATE)


def test_a_store_knows_nothing_of_summaries_at_first(store: Store) -> None:
    assert (run(store.load_attempts(("2603.00001",))), run(store.load_summary_state())) == ({}, SummaryState())


def test_a_summary_changes_what_feeds_say_and_not_what_they_list(store: Store) -> None:
    before = keep(store, paper(), DAY)
    after = write(store, Changes(attempts=((paper().id, (WRITTEN,)),)), now=LATER)
    assert after == Revision(before.number + 1, LATER, DAY, before.checks + 1, papers=before.papers)


def test_what_is_known_of_summarising_as_a_whole_changes_no_feed(store: Store) -> None:
    before = keep(store, paper(), DAY)
    after = write(store, Changes(summary_state=STATE), now=LATER)
    assert after == replace(before, checks=before.checks + 1)


def test_later_attempts_take_the_place_of_earlier_ones(store: Store) -> None:
    for attempts in ((DEFERRED,), (WRITTEN, DEFERRED)):
        write(store, Changes(attempts=((paper().id, attempts),)))
    assert run(store.load_attempts((paper().id,))) == {paper().id: (WRITTEN, DEFERRED)}


# --- Refreshes --------------------------------------------------------------------------------------------------------

EVERYTHING = RefreshState(
    checked_at=LATER,
    succeeded_at=MOMENT,
    next_poll_at=LATER + timedelta(microseconds=1),
    failures=3,
    last_error="arXiv: 503\nagain",
    mailing=DAY,
    unchanged=3,
    etag='W/"ä"',
    ledger=Ledger(4, 1, 1, 1, 1),
    categories=(
        CategoryState(
            "cs.LG",
            mailing=DAY,
            watermark=("2603.00001v1", "hep-th/9901001v2"),
            alone=1,
            since=DAY - ONE_DAY,
            complete=((DAY - ONE_DAY, 0), (DAY, 2)),
            stale_since=MOMENT,
            stale_because="It is.",
            healed=7,
        ),
        CategoryState("cs.AI"),
    ),
    healing=Healing(first=DAY - ONE_DAY, last=DAY, by="revised", start=100, next_at=LATER, failures=1, last_error="no"),
)


@pytest.mark.parametrize("state", [RefreshState(checked_at=MOMENT), EVERYTHING], ids=["the least", "every field"])
def test_the_state_of_a_refresh_comes_back_as_it_was(shelf: Shelf, state: RefreshState) -> None:
    store = shelf.open()
    older = replace(state, failures=99, last_error="older", unchanged=98)
    other = RefreshState(checked_at=MOMENT - ONE_DAY)
    write(store, Changes(refreshes=(("cs.AI+cs.LG", older), ("cs.CL", other))))
    write(store, Changes(refreshes=(("cs.AI+cs.LG", state),)))
    run(store.close())
    again = shelf.open()
    assert run(again.load_refreshes()) == {"cs.AI+cs.LG": state, "cs.CL": other}
    assert run(again.load_refresh("cs.AI+cs.LG")) == state


def test_categories_that_were_never_refreshed_have_no_state(store: Store) -> None:
    write(store, Changes(refreshes=(("cs.AI", RefreshState(checked_at=MOMENT)),)))
    assert run(store.load_refresh("cs.AI+cs.LG")) is None


def test_papers_and_what_is_known_of_their_refresh_are_written_together_or_not_at_all(store: Store) -> None:
    before = keep(store, paper(), DAY)
    changes = Changes((paper(version=2),), refreshes=(("cs.LG", EVERYTHING),))
    assert not run(store.apply(changes, based_on=before.number - 1, now=LATER))
    assert run(store.load_refresh("cs.LG")) is None
    write(store, changes)
    assert (run(store.load_refresh("cs.LG")), run(store.load_papers([paper().id]))[paper().id].paper.version) == (
        EVERYTHING,
        2,
    )


# --- Leases -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "seconds_later", "expected"),
    [
        pytest.param("refresh", 0.0, False, id="held"),
        pytest.param("refresh", 29.999, False, id="held to the end"),
        pytest.param("refresh", 30.0, True, id="run out"),
        pytest.param("summarize", 0.0, True, id="another one"),
    ],
)
def test_a_lease_has_one_holder_at_a_time(shelf: Shelf, name: str, seconds_later: float, expected: bool) -> None:
    taken(shelf.open(), "first")
    shelf.clock.advance(seconds_later)
    assert (take(shelf.open(), "second", name=name) is not None) is expected


def test_not_even_its_holder_gets_a_lease_twice(store: Store) -> None:
    taken(store, "first")
    assert take(store, "first") is None


def test_every_lease_has_a_higher_fence(shelf: Shelf) -> None:
    fences = []
    for _ in range(3):
        lease = taken(shelf.open(), "same")
        fences.append(lease.fence)
        shelf.clock.advance(30)
    assert fences == sorted(set(fences))


def test_a_lease_that_is_kept_lasts_from_then_on(shelf: Shelf) -> None:
    store = shelf.open()
    lease = taken(store, "first")
    shelf.clock.advance(20)
    assert run(store.keep_lease(lease, seconds=30))
    shelf.clock.advance(29)
    assert take(store, "second") is None
    shelf.clock.advance(1)
    assert take(store, "second") is not None


def test_a_lease_is_kept_though_its_time_is_over_as_long_as_nobody_took_it(shelf: Shelf) -> None:
    store = shelf.open()
    lease = taken(store, "first")
    shelf.clock.advance(100)
    assert run(store.keep_lease(lease, seconds=30))
    assert take(store, "second") is None


def test_a_lease_that_was_given_back_is_free_at_once(store: Store) -> None:
    run(store.give_lease_back(taken(store, "first")))
    assert take(store, "second") is not None


def test_a_lease_that_was_given_back_with_a_pause_is_free_after_it(shelf: Shelf) -> None:
    store = shelf.open()
    run(store.give_lease_back(taken(store, "first"), pause_seconds=3))
    shelf.clock.advance(2.999)
    assert take(store, "second") is None
    shelf.clock.advance(0.001)
    assert take(store, "second") is not None


def test_what_was_given_back_is_not_kept(store: Store) -> None:
    lease = taken(store, "first")
    run(store.give_lease_back(lease))
    assert not run(store.keep_lease(lease, seconds=30))


@pytest.mark.parametrize("change", [{"holder": "other"}, {"fence": 1_000}, {"name": "other"}], ids=str)
def test_only_its_holder_keeps_a_lease_and_gives_it_back(store: Store, change: dict[str, str | int]) -> None:
    lease = taken(store, "first")
    other = replace(lease, **change)  # type: ignore[arg-type]  # one field of several types
    run(store.give_lease_back(other))
    assert not run(store.keep_lease(other, seconds=90))
    assert take(store, "second") is None


def test_a_holder_who_was_away_too_long_does_not_give_back_the_next_one_s_lease(shelf: Shelf) -> None:
    store = shelf.open()
    lost = taken(store, "first")
    shelf.clock.advance(31)
    taken(store, "second")
    run(store.give_lease_back(lost))
    assert take(store, "third") is None


def test_of_many_who_want_a_lease_at_once_one_gets_it(shelf: Shelf) -> None:
    async def take_all(stores: list[Store]) -> list[Lease | None]:
        return await asyncio.gather(
            *(store.take_lease("refresh", str(number), seconds=30) for number, store in enumerate(stores))
        )

    leases = run(take_all([shelf.open(), shelf.open(), shelf.open()] * 5))
    assert len([lease for lease in leases if lease is not None]) == 1


def test_a_lease_far_in_the_future_was_taken_under_a_wrong_clock(shelf: Shelf) -> None:
    store = shelf.open()
    shelf.clock.advance(2 * 3600)
    taken(store, "first")
    shelf.clock.now = MOMENT
    assert take(store, "second") is not None


def test_who_holds_the_lease_may_write(store: Store) -> None:
    lease = taken(store, "first")
    write(store, Changes((paper(),), announce(paper(), DAY)), lease=lease)
    assert len(run(store.load_records(since=DAY))) == 1


@pytest.mark.parametrize(
    "changes",
    [Changes((paper(title="Late"),), announce(paper(), DAY)), Changes(refreshes=(("cs.LG", EVERYTHING),)), Changes()],
    ids=["papers", "a refresh", "nothing"],
)
@pytest.mark.parametrize("difference", [0, -1], ids=["of these data", "of other data"])
def test_a_holder_who_was_frozen_until_another_took_the_lease_writes_nothing(
    shelf: Shelf, changes: Changes, difference: int
) -> None:
    store = shelf.open()
    before = keep(store, paper(), DAY)
    lost = taken(store, "first")
    shelf.clock.advance(31)
    taken(shelf.open(), "second")
    with pytest.raises(LeaseLost, match="refresh"):
        run(store.apply(changes, based_on=before.number + difference, now=LATER, lease=lost))
    assert (run(store.load_revision()), run(store.load_records(since=DAY)), run(store.load_refreshes())) == (
        before,
        (PaperRecord(paper(), announce(paper(), DAY)),),
        {},
    )


def test_a_holder_whose_lease_is_forgotten_writes_nothing(shelf: Shelf) -> None:
    store = shelf.open()
    lost = taken(store, "first")
    run(store.close())
    shelf.clear()
    with pytest.raises(LeaseLost):
        run(store.apply(Changes((paper(),)), based_on=0, now=LATER, lease=lost))


# --- arXiv's services -------------------------------------------------------------------------------------------------


def test_nothing_is_known_of_a_service_at_first(store: Store) -> None:
    assert run(store.load_endpoint("feeds")) == Endpoint()


@pytest.mark.parametrize(
    "endpoint",
    [Endpoint(), Endpoint(2), Endpoint(3, LATER), Endpoint(0, datetime(2026, 3, 8, 12, 0, 0, 1, tzinfo=UTC))],
)
def test_what_is_known_of_a_service_comes_back_as_it_was(shelf: Shelf, endpoint: Endpoint) -> None:
    store = shelf.open()
    run(store.save_endpoint("search", Endpoint(9, MOMENT)))
    run(store.save_endpoint("feeds", Endpoint(9, MOMENT)))
    run(store.save_endpoint("feeds", endpoint))
    assert (run(shelf.open().load_endpoint("feeds")), run(shelf.open().load_endpoint("search"))) == (
        endpoint,
        Endpoint(9, MOMENT),
    )


# --- Several at once, and some that are killed ------------------------------------------------------------------------


def test_many_can_use_one_store_at_once(store: Store) -> None:
    keep(store, paper(), DAY)

    async def load_often() -> set[Revision]:
        return set(await asyncio.gather(*(store.load_revision() for _ in range(100))))

    assert len(run(load_often())) == 1


def test_who_stops_waiting_does_not_spoil_the_store_for_others(store: Store) -> None:
    before = keep(store, paper(), DAY)

    async def stop_waiting() -> None:
        for _ in range(20):
            tasks = [asyncio.create_task(store.load_revision()) for _ in range(5)]
            await asyncio.sleep(0)
            for task in tasks[::2]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    run(stop_waiting())
    assert (run(store.load_revision()), len(run(store.load_records(since=DAY)))) == (before, 1)


@contextmanager
def writing(url: str, first: int, last: int, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A process that is ready to write the transactions *first* to *last*."""
    command = [sys.executable, "-m", "tests.core.store.writer", url, str(first), str(last), *options]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == "ready"
            yield process
        finally:
            process.kill()


def let_write(*processes: subprocess.Popen[str]) -> list[str]:
    """What *processes* say when they are let go at the same moment, until their end."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return [line for process in processes for line in process.communicate(timeout=120)[0].split()]


def transactions_in(store: Store) -> set[str]:
    """The transactions that *store* holds, each of which has to be whole."""
    records = run(store.load_records(since=DAY))
    counted = Counter(record.paper.comment or "" for record in records)
    assert set(counted.values()) <= {PAPERS_PER_TRANSACTION}
    assert run(store.load_papers([record.paper.id for record in records])) == {one.paper.id: one for one in records}
    return set(counted)


def test_processes_that_write_at_once_lose_none_of_their_changes(shelf: Shelf) -> None:
    before = keep(shelf.open(), paper(), DAY - ONE_DAY).number
    with (
        writing(shelf.url, 0, 19) as one,
        writing(shelf.url, 20, 39) as two,
        writing(shelf.url, 40, 59) as three,
    ):
        let_write(one, two, three)
        assert [process.returncode for process in (one, two, three)] == [0, 0, 0]
    store = shelf.open()
    assert transactions_in(store) == {str(number) for number in range(60)}
    assert run(store.load_revision()).number - before == 60


def test_a_process_killed_in_the_midst_of_a_transaction_leaves_nothing_of_it(shelf: Shelf) -> None:
    with writing(shelf.url, 0, 2, "and die") as process:
        let_write(process)
        assert process.returncode == -signal.SIGKILL
    store = shelf.open()
    assert transactions_in(store) == {"0", "1", "2"}
    keep(store, paper(id="2604.00001"), DAY + ONE_DAY)


def test_processes_killed_at_any_moment_lose_nothing_that_they_had_done(shelf: Shelf) -> None:
    with writing(shelf.url, 0, 0, "and kill", str(KILLS)) as process:
        done = let_write(process)
    assert (process.returncode, len(done) >= KILLS) == (0, True)
    store = shelf.open()
    assert set(done) <= transactions_in(store)
    keep(store, paper(id="2604.00001"), DAY + ONE_DAY)


# --- Renderings -------------------------------------------------------------------------------------------------------


def rendering(name: str = "rss", tag: str = "7 then", body: bytes = b"\x1f\x8b\x00\n\xff") -> Rendering:
    return Rendering(
        name, "the default profile", tag, body, MOMENT, ("Sample data", "\u672a"), ("Not stored here: 2603.1",)
    )


def test_a_rendering_comes_back_as_it_was_in_every_process(shelf: Shelf) -> None:
    run(shelf.open().save_rendering(rendering()))
    assert run(shelf.open().load_rendering("rss")) == rendering()


def test_there_is_no_rendering_of_what_nobody_rendered(store: Store) -> None:
    assert run(store.load_rendering("rss")) is None


def test_of_one_name_the_newest_rendering_stays(store: Store) -> None:
    run(store.save_rendering(rendering(tag="7")))
    run(store.save_rendering(rendering(tag="8")))
    found = run(store.load_rendering("rss"))
    assert found is not None
    assert found.tag == "8"


def test_a_rendering_changes_no_data(store: Store) -> None:
    before = keep(store, paper(), DAY)
    run(store.save_rendering(rendering()))
    assert run(store.load_revision()) == before


def test_other_data_have_another_tag(store: Store) -> None:
    before = run(store.load_revision())
    after = keep(store, paper(), DAY)
    checked = write(store, Changes(refreshes=(("cs.LG", RefreshState(MOMENT)),)))
    assert (before.tag != after.tag, checked.tag) == (True, after.tag)
