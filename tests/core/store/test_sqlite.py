"""What the embedded store keeps, and that it keeps it: beside other processes, and when one of them is killed."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from core.errors import StoreUnavailable
from core.papers import Announcement, AnnounceType, Paper
from core.store import sqlite
from core.store.records import Changes, PaperRecord, RefreshState, Revision
from core.store.sqlite import SqliteStore
from tests.builders import DAY, MOMENT, paper
from tests.core.store.test_records import FULL
from tests.core.store.writer import PAPERS_PER_TRANSACTION

Result = TypeVar("Result")

ROOT = Path(__file__).resolve().parents[3]
NEW = (("cs.LG", AnnounceType.NEW), ("cs.AI", AnnounceType.CROSS))
LATER = MOMENT + timedelta(minutes=1)


def run(work: Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run(work)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "papers.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with opened(path) as store:
        yield store


@contextmanager
def opened(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path)
    try:
        yield store
    finally:
        run(store.close())


def announce(one: Paper, *mailings: date) -> tuple[Announcement, ...]:
    return tuple(Announcement(mailing, one.id, one.version, NEW) for mailing in mailings)


def keep(store: SqliteStore, one: Paper, *mailings: date) -> None:
    """Store *one* as announced in *mailings*."""
    revision = run(store.load_revision())
    assert run(store.apply(Changes((one,), announce(one, *mailings)), based_on=revision.number, now=MOMENT))


# --- Papers and announcements -----------------------------------------------------------------------------------------


def test_a_new_store_is_empty(store: SqliteStore) -> None:
    found = (
        run(store.load_revision()),
        run(store.load_records(since=date.min)),
        run(store.load_papers(["2603.00001"])),
    )
    assert found == (Revision(0, None, None), (), {})


def test_the_folder_is_made_at_first_use(tmp_path: Path) -> None:
    with opened(tmp_path / "several" / "folders" / "papers.sqlite3") as store:
        assert not store.path.parent.exists()
        run(store.load_revision())
        assert store.path.is_file()


def test_every_field_comes_back_after_closing_and_opening(path: Path) -> None:
    announcements = (
        Announcement(date(2003, 9, 9), FULL.id, 1, (("math.GT", AnnounceType.NEW),)),
        Announcement(DAY, FULL.id, 4, (("math.GT", AnnounceType.REPLACE), ("cs.LG", AnnounceType.REPLACE_CROSS))),
    )
    with opened(path) as store:
        run(store.apply(Changes((FULL,), announcements), based_on=0, now=MOMENT))
    with opened(path) as store:
        assert run(store.load_papers([FULL.id])) == {FULL.id: PaperRecord(FULL, announcements)}


def test_a_closed_store_opens_again_when_it_is_used(store: SqliteStore) -> None:
    keep(store, paper(), DAY)
    run(store.close())
    assert run(store.load_papers(["2603.00001"])).keys() == {"2603.00001"}


def test_a_later_version_takes_the_place_of_the_earlier_one_and_keeps_its_announcements(store: SqliteStore) -> None:
    keep(store, paper(version=1), DAY)
    second = paper(version=2, title="Revised")
    keep(store, second, DAY + timedelta(days=1))
    record = run(store.load_papers([second.id]))[second.id]
    assert (record.paper, [(one.mailing, one.version) for one in record.announcements]) == (
        second,
        [(DAY, 1), (DAY + timedelta(days=1), 2)],
    )


def test_a_paper_is_announced_once_in_a_mailing(store: SqliteStore) -> None:
    keep(store, paper(), DAY)
    again = Announcement(DAY, "2603.00001", 1, (("cs.LG", AnnounceType.NEW),))
    run(store.apply(Changes((paper(),), (again,)), based_on=1, now=MOMENT))
    assert run(store.load_papers(["2603.00001"]))["2603.00001"].announcements == (again,)


def test_records_are_those_announced_since_a_day_by_id_with_all_their_announcements(store: SqliteStore) -> None:
    days = [DAY + timedelta(days=number) for number in range(4)]
    keep(store, paper(id="2603.00003"), days[3], days[0])
    keep(store, paper(id="2603.00001"), days[2])
    keep(store, paper(id="2603.00002"), days[0], days[1])
    records = run(store.load_records(since=days[2]))
    assert [(record.paper.id, [one.mailing for one in record.announcements]) for record in records] == [
        ("2603.00001", [days[2]]),
        ("2603.00003", [days[0], days[3]]),
    ]


def test_more_papers_can_be_asked_for_than_one_query_takes(store: SqliteStore) -> None:
    papers = tuple(paper(id=f"2603.{number:05}") for number in range(1_100))
    run(store.apply(Changes(papers), based_on=0, now=MOMENT))
    wanted = [one.id for one in reversed(papers)] * 2
    assert run(store.load_papers([*wanted, "2603.99999"])) == {one.id: PaperRecord(one, ()) for one in papers}


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        (["cs.LG"], DAY),
        (["cs.AI"], DAY + timedelta(days=1)),
        (["cs.LG", "cs.AI"], DAY + timedelta(days=1)),
        (["hep-th"], DAY - timedelta(days=30)),
        (["cond-mat"], None),
        ([], None),
    ],
    ids=["one", "a newer one", "the newer of two", "a silent one", "the beginning of a name", "none"],
)
def test_the_newest_mailing_is_that_of_the_categories_asked_for(
    store: SqliteStore, categories: list[str], expected: date | None
) -> None:
    announced = [
        ("2603.00001", DAY, "cs.LG"),
        ("2603.00002", DAY + timedelta(days=1), "cs.AI"),
        ("2602.00001", DAY - timedelta(days=30), "hep-th"),
        ("2602.00002", DAY, "cond-mat.soft"),
    ]
    papers = tuple(paper(id=paper_id) for paper_id, _, _ in announced)
    announcements = tuple(
        Announcement(mailing, paper_id, 1, ((category, AnnounceType.NEW),)) for paper_id, mailing, category in announced
    )
    run(store.apply(Changes(papers, announcements), based_on=0, now=MOMENT))
    assert run(store.load_newest_mailing(categories)) == expected


# --- Revisions --------------------------------------------------------------------------------------------------------


def test_a_change_raises_the_revision_and_says_when(store: SqliteStore) -> None:
    run(store.apply(Changes((paper(),), announce(paper(), DAY)), based_on=0, now=MOMENT))
    run(store.apply(Changes((paper(version=2),)), based_on=1, now=LATER))
    assert run(store.load_revision()) == Revision(2, LATER, DAY)


def test_empty_changes_leave_the_revision(store: SqliteStore) -> None:
    keep(store, paper(), DAY)
    assert run(store.apply(Changes(), based_on=1, now=LATER))
    assert run(store.load_revision()) == Revision(1, MOMENT, DAY)


@pytest.mark.parametrize("changes", [Changes((paper(title="Late"),)), Changes()], ids=["a paper", "nothing"])
@pytest.mark.parametrize("based_on", [0, 2], ids=["on older data", "on data that never were"])
def test_changes_that_were_decided_on_other_data_are_not_written(
    store: SqliteStore, changes: Changes, based_on: int
) -> None:
    keep(store, paper(), DAY)
    assert not run(store.apply(changes, based_on=based_on, now=LATER))
    assert (run(store.load_revision()).number, run(store.load_papers(["2603.00001"]))["2603.00001"].paper) == (
        1,
        paper(),
    )


def test_of_two_who_decided_on_the_same_data_one_has_to_decide_again(path: Path) -> None:
    with opened(path) as one, opened(path) as other:

        async def apply_both() -> tuple[bool, bool]:
            return await asyncio.gather(
                one.apply(Changes((paper(id="2603.00001"),)), based_on=0, now=MOMENT),
                other.apply(Changes((paper(id="2603.00002"),)), based_on=0, now=MOMENT),
            )

        assert sorted(run(apply_both())) == [False, True]
        assert run(one.load_revision()) == run(other.load_revision()) == Revision(1, MOMENT, None)


def test_changes_are_written_whole_or_not_at_all(store: SqliteStore) -> None:
    unknown = announce(paper(id="2603.00002"), DAY)
    with pytest.raises(StoreUnavailable):
        run(store.apply(Changes((paper(),), unknown), based_on=0, now=MOMENT))
    assert (run(store.load_revision()).number, run(store.load_papers(["2603.00001"]))) == (0, {})


# --- Refreshes and leases ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state",
    [
        RefreshState(checked_at=MOMENT),
        RefreshState(
            checked_at=LATER,
            succeeded_at=MOMENT,
            next_poll_at=LATER + timedelta(microseconds=1),
            failures=3,
            last_error="arXiv: 503\nagain",
            mailing=DAY,
            unchanged=3,
        ),
    ],
    ids=["the least", "every field"],
)
def test_the_state_of_a_refresh_comes_back_as_it_was(path: Path, state: RefreshState) -> None:
    with opened(path) as store:
        run(store.save_refresh("cs.AI+cs.LG", replace(state, failures=99, last_error="older", unchanged=98)))
        run(store.save_refresh("cs.AI+cs.LG", state))
        run(store.save_refresh("cs.CL", RefreshState(checked_at=datetime(2020, 1, 1, tzinfo=UTC))))
    with opened(path) as store:
        assert run(store.load_refresh("cs.AI+cs.LG")) == state


def test_categories_that_were_never_refreshed_have_no_state(store: SqliteStore) -> None:
    run(store.save_refresh("cs.AI", RefreshState(checked_at=MOMENT)))
    assert run(store.load_refresh("cs.AI+cs.LG")) is None


def test_the_state_of_a_refresh_is_no_change_of_the_data(store: SqliteStore) -> None:
    run(store.save_refresh("cs.AI", RefreshState(checked_at=MOMENT)))
    assert run(store.load_revision()) == Revision()


@pytest.mark.parametrize(
    ("name", "holder", "seconds_later", "expected"),
    [
        pytest.param("refresh", "second", 0.0, False, id="held"),
        pytest.param("refresh", "second", 29.999, False, id="held to the end"),
        pytest.param("refresh", "second", 30.0, True, id="run out"),
        pytest.param("refresh", "first", 1.0, True, id="one's own, again"),
        pytest.param("summarize", "second", 0.0, True, id="another one"),
    ],
)
def test_a_lease_has_one_holder_at_a_time(
    path: Path, name: str, holder: str, seconds_later: float, expected: bool
) -> None:
    now = MOMENT + timedelta(seconds=seconds_later)
    with opened(path) as first, opened(path) as second:
        assert run(first.take_lease("refresh", "first", now=MOMENT, seconds=30))
        assert run(second.take_lease(name, holder, now=now, seconds=30)) is expected


def test_a_lease_taken_again_lasts_from_then_on(store: SqliteStore) -> None:
    run(store.take_lease("refresh", "first", now=MOMENT, seconds=30))
    run(store.take_lease("refresh", "first", now=MOMENT + timedelta(seconds=20), seconds=30))
    assert not run(store.take_lease("refresh", "second", now=MOMENT + timedelta(seconds=49), seconds=30))


@pytest.mark.parametrize(("giver", "expected"), [("first", True), ("second", False)], ids=["holder", "somebody else"])
def test_only_its_holder_gives_a_lease_back(store: SqliteStore, giver: str, expected: bool) -> None:
    run(store.take_lease("refresh", "first", now=MOMENT, seconds=30))
    run(store.give_lease_back("refresh", giver))
    assert run(store.take_lease("refresh", "third", now=MOMENT, seconds=30)) is expected


def test_a_holder_who_lost_the_lease_does_not_give_back_the_next_one_s(store: SqliteStore) -> None:
    run(store.take_lease("refresh", "first", now=MOMENT, seconds=30))
    run(store.take_lease("refresh", "second", now=LATER, seconds=30))
    run(store.give_lease_back("refresh", "first"))
    assert not run(store.take_lease("refresh", "third", now=LATER, seconds=30))


def test_of_many_who_want_a_lease_at_once_one_gets_it(path: Path) -> None:
    async def take(stores: list[SqliteStore]) -> list[bool]:
        return await asyncio.gather(
            *(store.take_lease("refresh", str(number), now=MOMENT, seconds=30) for number, store in enumerate(stores))
        )

    with opened(path) as one, opened(path) as two, opened(path) as three:
        assert sorted(run(take([one, two, three] * 5)))[-2:] == [False, True]


# --- Files that are, and are not, a store -----------------------------------------------------------------------------


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.touch()
    with opened(path) as store:
        keep(store, paper(), DAY)
        assert run(store.load_revision()).number == 1


def test_the_file_tells_its_schema_version_and_is_written_ahead(path: Path) -> None:
    with opened(path) as store:
        run(store.load_revision())
    with closing(sqlite3.connect(path)) as connection:
        settings = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "journal_mode")]
    assert settings == [1, "wal"]


def test_the_file_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with opened(path) as store, pytest.raises(StoreUnavailable, match=r"newer version.*schema 99.*knows 1"):
        run(store.load_revision())
    with closing(sqlite3.connect(path)) as connection:
        found = (
            connection.execute("PRAGMA user_version").fetchone(),
            connection.execute("SELECT name FROM sqlite_master").fetchall(),
        )
    assert found == ((99,), [])


def test_a_migration_that_fails_leaves_nothing_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_MIGRATIONS", ("CREATE TABLE first (id); CREATE TABLE first (id)",))
    with opened(path) as store, pytest.raises(StoreUnavailable, match="first already exists"):
        run(store.load_revision())
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []


def test_the_database_of_another_program_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    with opened(path) as store, pytest.raises(StoreUnavailable, match="the database of another program"):
        run(store.load_revision())
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("bookmarks",)]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE papers SET record = '{' WHERE id = ?",
        'UPDATE announcements SET types = \'{"cs.LG": "old"}\' WHERE paper_id = ?',
    ],
)
def test_a_damaged_row_does_not_take_the_others_with_it(path: Path, damage: str) -> None:
    papers = tuple(paper(id=number) for number in ("2603.00001", "2603.00002"))
    announced = tuple(Announcement(DAY, one.id, 1, (("cs.LG", AnnounceType.NEW),)) for one in papers)
    with opened(path) as store:
        assert run(store.apply(Changes(papers, announced), based_on=0, now=MOMENT))
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(damage, [papers[0].id])
        records = {record.paper.id: record.announcements for record in run(store.load_records(since=DAY))}
    assert records[papers[1].id] == announced[1:]
    assert not records.get(papers[0].id)


def put_text_in_place(path: Path) -> Path:
    path.write_text("This is a shopping list, not a database. " * 50, encoding="utf-8")
    return path


def put_folder_in_place(path: Path) -> Path:
    path.mkdir()
    return path


def put_file_where_the_folder_belongs(path: Path) -> Path:
    path.touch()
    return path / "papers.sqlite3"


def put_file_further_up(path: Path) -> Path:
    path.touch()
    return path / "several" / "folders" / "papers.sqlite3"


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (put_text_in_place, "not a database"),
        (put_folder_in_place, "unable to open"),
        (put_file_where_the_folder_belongs, "exists"),
        (put_file_further_up, "Not a directory"),
    ],
)
def test_what_cannot_be_a_store_is_named_with_the_reason_and_the_remedy(path: Path, prepare: Any, reason: str) -> None:
    file = prepare(path)
    with opened(file) as store, pytest.raises(StoreUnavailable) as raised:
        run(store.load_revision())
    message = str(raised.value)
    assert [part for part in (str(file), reason, "STORE_URL") if part not in message] == []


def test_a_store_that_could_not_be_opened_opens_when_the_obstacle_is_gone(path: Path) -> None:
    put_text_in_place(path)
    with opened(path) as store:
        with pytest.raises(StoreUnavailable):
            run(store.load_revision())
        path.unlink()
        assert run(store.load_revision()) == Revision()


# --- Several at once, and one that is killed --------------------------------------------------------------------------


def test_any_number_may_open_a_fresh_file_at_the_same_moment(tmp_path: Path) -> None:
    # SQLite refuses all but one of those that switch a file to write-ahead logging together, about one time in ten.
    async def open_together(stores: list[SqliteStore]) -> list[Revision]:
        return await asyncio.gather(*(store.load_revision() for store in stores))

    for number in range(60):
        path = tmp_path / f"{number}.sqlite3"
        with opened(path) as one, opened(path) as other:
            assert run(open_together([one, other])) == [Revision(), Revision()]


def test_a_store_can_be_opened_and_read_while_somebody_writes(path: Path) -> None:
    with opened(path) as writer:
        keep(writer, paper(), DAY)
    with closing(sqlite3.connect(path, isolation_level=None)) as busy, opened(path) as reader:
        busy.execute("BEGIN IMMEDIATE")
        busy.execute("DELETE FROM announcements")
        assert run(reader.load_records(since=DAY)) == (PaperRecord(paper(), announce(paper(), DAY)),)


@contextmanager
def writing(path: Path, first: int, last: int, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A process that is ready to write the transactions *first* to *last*."""
    command = [sys.executable, "-m", "tests.core.store.writer", str(path), str(first), str(last), *options]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert read_line(process) == "ready"
            yield process
        finally:
            process.kill()


def start(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def transactions_in(path: Path) -> list[str]:
    """The transactions that the file holds, each of which has to be whole."""
    with opened(path) as store:
        counted = Counter(record.paper.comment or "" for record in run(store.load_records(since=DAY)))
        assert run(store.load_revision()).number == len(counted)
    with closing(sqlite3.connect(path)) as connection:
        papers = connection.execute("SELECT COUNT(*) FROM papers").fetchone()[0]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert set(counted.values()) == {PAPERS_PER_TRANSACTION}
    assert papers == PAPERS_PER_TRANSACTION * len(counted)
    return sorted(counted, key=int)


def test_processes_that_write_at_once_lose_none_of_their_changes(path: Path) -> None:
    with writing(path, 0, 19) as one, writing(path, 20, 39) as two, writing(path, 40, 59) as three:
        processes = (one, two, three)
        for process in processes:
            start(process)
        assert [process.communicate(timeout=60) and process.returncode for process in processes] == [0, 0, 0]
    assert transactions_in(path) == [str(number) for number in range(60)]


def test_a_process_killed_in_the_midst_of_a_transaction_leaves_nothing_of_it(path: Path) -> None:
    with writing(path, 0, 2, "and die") as process:
        start(process)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
    assert transactions_in(path) == ["0", "1", "2"]


def test_a_process_killed_at_any_moment_loses_nothing_that_it_had_done(path: Path) -> None:
    done: set[str] = set()
    for first in range(0, 1_200, 300):
        with writing(path, first, first + 299) as process:
            start(process)
            done |= {read_line(process) for _ in range(4)}
            process.kill()
            process.wait(timeout=60)
            done |= set(process.stdout.read().split() if process.stdout else [])
        assert done <= set(transactions_in(path))
