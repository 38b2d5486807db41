"""What only the embedded store does: its file, its schema, other processes that use the file, a full disk."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.errors import StoreUnavailable
from core.papers import Announcement, AnnounceType, Paper
from core.store import salvage as salvaging
from core.store import sqlite
from core.store.records import Changes, Endpoint, PaperRecord, RefreshState, Rendering, Revision, dump_paper
from core.store.sqlite import SqliteStore
from tests.builders import DAY, MOMENT, paper
from tests.core.store.running import run
from tests.core.store.test_records import FULL

NEW = (("cs.LG", AnnounceType.NEW), ("cs.AI", AnnounceType.CROSS))
TEXT = "This is a shopping list, not a database. " * 50
SCHEMA = len(sqlite._MIGRATIONS)


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


def ids_in(store: SqliteStore) -> list[str]:
    return [record.paper.id for record in run(store.load_records(since=date.min))]


# --- Files that are, and are not, a store -----------------------------------------------------------------------------


def test_the_folder_is_made_at_first_use(tmp_path: Path) -> None:
    with opened(tmp_path / "several" / "folders" / "papers.sqlite3") as store:
        assert not store.path.parent.exists()
        run(store.load_revision())
        assert store.path.is_file()


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.touch()
    with opened(path) as store:
        keep(store, paper(), DAY)
        assert ids_in(store) == [paper().id]


def test_a_file_in_the_place_of_another_one_has_numbers_that_its_readers_have_not_seen(path: Path) -> None:
    with opened(path) as reader:
        keep(reader, paper(), DAY)
        before = run(reader.load_revision())
        path.unlink()
        with opened(path) as writer:
            changes = Changes((paper(id="2603.00009"),))
            assert run(writer.apply(changes, based_on=0, now=MOMENT + timedelta(days=1)))
        after = run(reader.load_revision())
    told = [(one.number, one.checks, one.papers) for one in (before, after)]
    assert [now > then for then, now in zip(*told, strict=True)] == [True] * 3


def test_the_file_tells_its_schema_version_and_is_written_ahead(path: Path) -> None:
    with opened(path) as store:
        run(store.load_revision())
    with closing(sqlite3.connect(path)) as connection:
        settings = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "journal_mode")]
    assert settings == [SCHEMA, "wal"]


def test_papers_share_the_pages_of_a_new_file(path: Path) -> None:
    papers = tuple(paper(id=f"2603.{number:05}", abstract=TEXT) for number in range(1, 501))
    with opened(path) as store:
        announced = tuple(one for each in papers for one in announce(each, DAY))
        assert run(store.apply(Changes(papers, announced), based_on=0, now=MOMENT))
    assert path.stat().st_size < 1.5 * sum(len(dump_paper(one)) for one in papers)


def test_the_file_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with opened(path) as store, pytest.raises(StoreUnavailable, match=rf"newer version.*schema 99.*knows {SCHEMA}"):
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


def fill_as_version_one(path: Path) -> tuple[Paper, ...]:
    """Papers in a file as the first version wrote it, with all that it kept beside them."""
    papers = (FULL, paper())
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(sqlite._MIGRATIONS[0])
        for one in papers:
            connection.execute("INSERT INTO papers VALUES (?, ?, ?)", [one.id, one.version, dump_paper(one)])
            connection.execute(
                "INSERT INTO announcements VALUES (?, ?, ?, ?)",
                [one.id, DAY.isoformat(), one.version, '{"cs.LG": "new", "cs.AI": "cross"}'],
            )
        connection.execute("INSERT INTO refreshes VALUES ('cs.LG', '2026-03-05', NULL, NULL, 3, 'no', NULL, 1)")
        connection.execute("INSERT INTO leases VALUES ('refresh', 'somebody', '2026-03-05T05:00:30+00:00')")
        connection.execute("UPDATE revision SET number = 7, changed_at = ?", [MOMENT.isoformat()])
        connection.execute("PRAGMA user_version = 1")
    return papers


def test_the_papers_of_the_first_version_are_kept(path: Path) -> None:
    papers = fill_as_version_one(path)
    with opened(path) as store:
        assert run(store.load_revision()) == Revision(7, MOMENT, DAY, papers=7)
        assert run(store.load_records(since=DAY)) == tuple(
            PaperRecord(one, announce(one, DAY)) for one in sorted(papers, key=lambda one: one.id)
        )


def test_what_the_first_version_knew_of_refreshes_is_asked_anew(path: Path) -> None:
    fill_as_version_one(path)
    with opened(path) as store:
        assert run(store.load_refreshes()) == {}
        assert run(store.take_lease("refresh", "another", seconds=30))
        changes = Changes((paper(version=2),), refreshes=(("cs.LG", RefreshState(MOMENT)),))
        assert run(store.apply(changes, based_on=7, now=MOMENT))
        checks = int(MOMENT.timestamp() * 1_000_000)  # the first that this file counts
        assert run(store.load_revision()) == Revision(8, MOMENT, DAY, checks, papers=8)


def test_a_migration_that_is_cut_off_leaves_the_version_before_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    papers = fill_as_version_one(path)
    first, *rest = sqlite._MIGRATIONS
    with monkeypatch.context() as patched:
        patched.setattr(sqlite, "_MIGRATIONS", (first, f"{rest[0]}; CREATE TABLE papers (id)"))
        with opened(path) as store, pytest.raises(StoreUnavailable, match="papers already exists"):
            run(store.load_revision())
    with opened(path) as store:
        assert ids_in(store) == sorted(one.id for one in papers)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE papers SET record = '{' WHERE id = ?",
        'UPDATE announcements SET types = \'{"cs.LG": "old"}\' WHERE paper_id = ?',
        "UPDATE announcements SET types = '[]' WHERE paper_id = ?",
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


def test_however_many_rows_are_damaged_one_line_tells(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    papers = tuple(paper(id=f"2603.0000{number}") for number in range(9))
    announced = tuple(Announcement(DAY, one.id, 1, (("cs.LG", AnnounceType.NEW),)) for one in papers)
    with opened(path) as store:
        assert run(store.apply(Changes(papers, announced), based_on=0, now=MOMENT))
        change(path, "UPDATE papers SET record = x'ff00ff'")
        change(path, "UPDATE announcements SET types = x'ff00ff'")
        assert run(store.load_records(since=DAY)) == ()
    (line,) = caplog.records
    assert line.getMessage().startswith("Of some papers 18 cannot be read and are left out, the first is the announ")
    assert line.exc_info is None


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM revision",
        "INSERT INTO revision SELECT * FROM revision",
        "UPDATE revision SET number = 'x'",
        "UPDATE revision SET checks = 'x'",
        "UPDATE revision SET papers = x'ff'",
    ],
)
def test_a_revision_that_is_lost_is_another_one_when_the_file_is_opened_again(path: Path, damage: str) -> None:
    with opened(path) as store:
        keep(store, paper(), DAY)
        before = run(store.load_revision())
        change(path, damage)
        if "SELECT" not in damage:
            with pytest.raises(StoreUnavailable, match="the number of its revision is lost"):
                run(store.load_revision())
    with opened(path) as store:
        found = run(store.load_revision())
        assert found.number > before.number
        assert found.newest_mailing == DAY
        keep(store, paper(id="2603.00002"), DAY)
        assert run(store.load_revision()).number == found.number + 1


def change(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


def test_a_damaged_letter_costs_no_more_than_itself(path: Path) -> None:
    with opened(path) as store:
        keep(store, paper(title="Kernels"), DAY)
        change(path, "UPDATE papers SET record = CAST(replace(CAST(record AS BLOB), 'Kern', x'4bff726e') AS TEXT)")
        assert [one.paper.title for one in run(store.load_records(since=DAY))] == ["K\ufffdrnels"]


@pytest.mark.parametrize("day", ["?026-03-05", "zzzz", b"\xff", 7])
def test_a_damaged_day_leaves_the_others_to_be_told(path: Path, day: object) -> None:
    """One that sorts behind all others would be the newest mailing of all."""
    with opened(path) as store:
        keep(store, paper(), DAY, DAY + timedelta(days=1))
        change(path, "UPDATE announcements SET mailing = ? WHERE mailing = ?", day, str(DAY + timedelta(days=1)))
        assert run(store.load_revision()).newest_mailing == DAY
        assert run(store.load_mailings()) == {DAY}
        assert run(store.load_newest_mailing(["cs.LG"])) == DAY


def test_damaged_types_hide_no_other_mailing(path: Path) -> None:
    with opened(path) as store:
        keep(store, paper(), DAY, DAY + timedelta(days=1))
        change(path, "UPDATE announcements SET types = '{' WHERE mailing > ?", str(DAY))
        assert run(store.load_newest_mailing(["cs.LG"])) == DAY


def test_damaged_moments_count_as_none(path: Path) -> None:
    with opened(path) as store:
        keep(store, paper(), DAY)
        run(store.save_endpoint("feeds", Endpoint(3, MOMENT)))
        assert run(store.take_lease("refresh", "one", seconds=30))
        for column in ("revision SET changed_at", "endpoints SET closed_until", "leases SET free_at"):
            change(path, f"UPDATE {column} = 'then'")
        assert run(store.load_revision()).changed_at is None
        assert run(store.load_endpoint("feeds")) == Endpoint(3)
        assert run(store.take_lease("refresh", "another", seconds=30))


def test_who_took_long_displaces_nothing_that_was_made_of_newer_data(store: SqliteStore) -> None:
    def made(name: str, tag: str) -> Rendering:
        return Rendering(name, "", tag, b"", MOMENT, ())

    for one in (
        made("a", "9 then"),
        made("b", "10 now"),
        made("c", "11 now"),
        made("d", "11 then"),
        made("d", "11 now"),
        made("a", "10 now"),
        made("c", "10 now"),
    ):
        run(store.save_rendering(one))
    found = [run(store.load_rendering(name)) for name in "abcd"]
    assert [one and one.tag for one in found] == ["10 now", None, "11 now", "11 now"]


def put_text_in_place(path: Path) -> Path:
    path = path.with_suffix(".txt")  # which no store would have
    path.write_text(TEXT, encoding="utf-8")
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
    put_folder_in_place(path)
    with opened(path) as store:
        with pytest.raises(StoreUnavailable):
            run(store.load_revision())
        path.rmdir()
        assert run(store.load_revision()) == Revision()


def test_a_file_that_is_no_database_is_left_alone_unless_it_has_the_name_of_one(path: Path) -> None:
    file = put_text_in_place(path)
    with opened(file) as store, pytest.raises(StoreUnavailable):
        run(store.load_revision())
    assert file.read_text(encoding="utf-8") == TEXT


def damage_all(path: Path) -> None:
    path.write_text(TEXT, encoding="utf-8")


def damage_pages(path: Path) -> None:
    """Everything but the first page, which says what the file is."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))


@pytest.mark.parametrize("damage", [damage_all, damage_pages])
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(
    path: Path, damage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(path) as store:
        for number in range(1, 100):
            keep(store, paper(id=f"2603.{number:05}", abstract="x" * 1_000), DAY)
    damage(path)
    with opened(path) as store:
        with suppress(StoreUnavailable):  # whoever meets the damage first may be told
            ids_in(store)
        assert ids_in(store) == []
        keep(store, paper(), DAY)
        assert ids_in(store) == [paper().id]
    assert path.with_name("papers.sqlite3.damaged").stat().st_size > 0
    assert [record.levelno for record in caplog.records if "is damaged" in record.message] == [logging.ERROR]


def test_a_file_that_somebody_has_emptied_is_begun_anew(path: Path) -> None:
    """Both connections to it are open, and the one that is idle would keep a lock on it."""
    with opened(path) as store:
        keep(store, paper(), DAY)
        assert ids_in(store) == [paper().id]
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        os.truncate(path, 0)
        with suppress(StoreUnavailable):
            ids_in(store)
        assert ids_in(store) == []
        keep(store, paper(), DAY)
        assert ids_in(store) == [paper().id]


# --- Several at once, and a disk that is full -------------------------------------------------------------------------


def damage_page(path: Path, number: int) -> None:
    with path.open("r+b") as file:
        file.seek((number - 1) * sqlite._PAGE_BYTES)
        file.write(b"\xff" * sqlite._PAGE_BYTES)


def root_of(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [table]).fetchone()
        return int(page)


def meet_damage(store: SqliteStore) -> None:
    for _ in range(2):  # whoever meets the damage first may be told
        with suppress(StoreUnavailable):
            ids_in(store)
            run(store.load_rendering("rss"))


def test_a_damaged_page_of_what_is_made_again_costs_no_paper(path: Path) -> None:
    with opened(path) as store:
        for number in range(1, 100):
            keep(store, paper(id=f"2603.{number:05}", abstract="x" * 1_000), DAY)
        before, ids = run(store.load_revision()), ids_in(store)
    damage_page(path, root_of(path, "sqlite_autoindex_renderings_1"))
    with opened(path) as store:
        meet_damage(store)
        after = run(store.load_revision())
        assert (ids_in(store), after.changed_at) == (ids, before.changed_at)
        assert after.number > before.number
        assert run(store.load_refreshes()) == {}


def test_a_damaged_page_of_papers_costs_those_that_are_on_it(path: Path) -> None:
    with opened(path) as store:
        for number in range(1, 400):
            keep(store, paper(id=f"2603.{number:05}", abstract="x" * 1_000), DAY)
        ids = ids_in(store)
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT pageno FROM dbstat WHERE name = 'papers' AND pagetype = 'leaf' ORDER BY path"
        try:
            pages = [page for (page,) in connection.execute(query)]
        except sqlite3.OperationalError:
            pytest.skip("this SQLite does not tell which page is whose")
    damage_page(path, pages[len(pages) // 2])
    with opened(path) as store:
        meet_damage(store)
        left = ids_in(store)
    assert (len(ids) - 20 < len(left) < len(ids), set(left) < set(ids)) == (True, True)


def test_an_index_that_does_not_fit_its_table_is_damage_too(path: Path) -> None:
    with opened(path) as store:
        keep(store, paper(), DAY)
    place = (root_of(path, "sqlite_autoindex_renderings_1") - 1) * sqlite._PAGE_BYTES
    empty = path.read_bytes()[place : place + sqlite._PAGE_BYTES]
    with opened(path) as store:
        run(store.save_rendering(Rendering("rss", "", "1 then", b"", MOMENT, ())))
    with path.open("r+b") as file:
        file.seek(place)
        file.write(empty)
    newer = Rendering("rss", "", "2 now", b"", MOMENT, ())
    with opened(path) as store:
        with pytest.raises(StoreUnavailable):
            run(store.save_rendering(newer))
        run(store.save_rendering(newer))
        assert (run(store.load_rendering("rss")), ids_in(store)) == (newer, [paper().id])


def test_a_table_that_is_nowhere_costs_nothing_of_the_others(path: Path) -> None:
    with opened(path) as store:
        keep(store, paper(), DAY)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET rootpage = 1000000 WHERE name = 'endpoints'")
        connection.commit()
    with opened(path) as store:
        meet_damage(store)
        assert ids_in(store) == [paper().id]


def test_what_was_not_yet_in_the_damaged_file_itself_is_kept_too(path: Path) -> None:
    with opened(path) as store:
        keep(store, paper(), DAY)
    with opened(path) as store:
        keep(store, paper(id="2603.00009"), DAY)
        root = root_of(path, "endpoints")
        copy = path.with_name("crashed")
        copy.mkdir()
        for ending in ("", "-wal"):  # as after the process was killed
            shutil.copy(path.with_name(path.name + ending), copy / (path.name + ending))
    damage_page(copy / path.name, root)
    with opened(copy / path.name) as store:
        for _ in range(2):
            with suppress(StoreUnavailable):
                run(store.load_endpoint("rss"))
        assert ids_in(store) == [paper().id, "2603.00009"]


def fill_and_damage(path: Path, *, papers: int = 100, page: str = "sqlite_autoindex_renderings_1") -> list[str]:
    with opened(path) as store:
        for number in range(1, papers + 1):
            keep(store, paper(id=f"2603.{number:05}"), DAY)
        ids = ids_in(store)
    damage_page(path, root_of(path, page))
    return ids


@pytest.mark.parametrize("step", ["salvage", "_find_place", "_rename"])
@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
def test_a_process_that_is_killed_while_it_saves_what_can_be_read_loses_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, step: str, is_done: bool
) -> None:
    ids = fill_and_damage(path)
    carry_out = getattr(salvaging, step)

    def die(*arguments: Any) -> Any:
        if is_done:
            carry_out(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, opened(path) as store:
        patched.setattr(salvaging, step, die)
        with suppress(KeyboardInterrupt, StoreUnavailable):
            run(store.load_rendering("rss"))
    with opened(path) as store:
        meet_damage(store)
        assert ids_in(store) == ids


def test_who_waited_for_one_that_was_killed_between_two_names_finds_what_it_saved(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, rename = fill_and_damage(path), salvaging._rename

    def die_after(*arguments: Any) -> None:
        rename(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        patched.setattr(salvaging, "_rename", die_after)
        salvaging.set_aside(path, sqlite._begin)
    assert not path.exists()
    assert salvaging.set_aside(path, sqlite._begin)
    with opened(path) as store:
        assert ids_in(store) == ids


def test_where_the_disk_is_too_full_for_a_copy_the_damaged_file_stays(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = fill_and_damage(path)
    with monkeypatch.context() as patched, opened(path) as store:

        def fill_disk(*_: object) -> Any:
            raise sqlite3.OperationalError("database or disk is full")

        patched.setattr(salvaging, "salvage", fill_disk)
        with pytest.raises(StoreUnavailable):
            run(store.load_rendering("rss"))
        assert ids_in(store) == ids
    with opened(path) as store:
        meet_damage(store)
        assert ids_in(store) == ids


def test_of_several_that_meet_the_damage_together_one_sets_the_file_aside(path: Path) -> None:
    ids = fill_and_damage(path)
    with ExitStack() as stack:
        stores = [stack.enter_context(opened(path)) for _ in range(4)]

        async def meet(store: SqliteStore) -> None:
            for _ in range(2):
                with suppress(StoreUnavailable):
                    await store.load_rendering("rss")

        async def meet_together() -> None:
            await asyncio.gather(*map(meet, stores))

        run(meet_together())
        assert [ids_in(store) for store in stores] == [ids] * 4
    assert [file.name for file in path.parent.glob("*.damaged*")] == ["papers.sqlite3.damaged"]


def test_where_the_revision_is_lost_the_data_have_one_that_nobody_has_seen(path: Path) -> None:
    ids = fill_and_damage(path, page="revision")
    with opened(path) as store:
        with suppress(StoreUnavailable):
            run(store.load_revision())
        revision = run(store.load_revision())
        assert ids_in(store) == ids
    assert (revision.number > 10**15, revision.changed_at is not None) == (True, True)


def test_several_damaged_files_are_kept_beside_each_other(path: Path) -> None:
    for _ in range(7):
        with opened(path) as store:
            keep(store, paper(), DAY)
        damage_all(path)
        with opened(path) as store:
            meet_damage(store)
    kept = sorted(file.name for file in path.parent.glob("*.damaged*"))
    assert kept == [f"papers.sqlite3.damaged{ending}" for ending in ("", "-2", "-3", "-4", "-5")]


def test_a_damaged_file_that_cannot_be_renamed_is_a_store_that_is_away(path: Path) -> None:
    with opened(path) as store:
        keep(store, paper(), DAY)
    damage_pages(path)
    for ending in ("", "-2", "-3", "-4", "-5"):
        path.with_name(f"{path.name}.damaged{ending}").mkdir()
    with opened(path) as store:
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="malformed"):
                ids_in(store)


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


def test_who_waits_for_a_turn_to_write_keeps_nobody_from_reading(path: Path) -> None:
    async def read_while_writing(store: SqliteStore) -> int:
        number = (await store.load_revision()).number
        write = asyncio.create_task(store.apply(Changes((paper(title="Late"),)), based_on=number, now=MOMENT))
        found = [len(await store.load_records(since=DAY)) for _ in range(10)]
        assert not write.done()
        busy.execute("ROLLBACK")
        assert await write
        return sum(found)

    with closing(sqlite3.connect(path, isolation_level=None)) as busy, opened(path) as store:
        keep(store, paper(), DAY)
        busy.execute("BEGIN IMMEDIATE")
        assert run(read_while_writing(store)) == 10


def test_who_never_gets_a_turn_to_write_is_told_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_BUSY_TIMEOUT_SECONDS", 0.01)
    with closing(sqlite3.connect(path, isolation_level=None)) as busy, opened(path) as store:
        keep(store, paper(), DAY)
        busy.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            run(store.take_lease("refresh", "first", seconds=30))
        assert ids_in(store) == [paper().id]
        busy.execute("ROLLBACK")
        assert run(store.take_lease("refresh", "first", seconds=30))


def test_a_disk_that_hangs_hangs_nobody(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as busy, opened(path) as store:
        keep(store, paper(), DAY)
        busy.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(sqlite, "_ANSWER_SECONDS", 0.01)
        with pytest.raises(StoreUnavailable, match="did not answer"):
            run(store.take_lease("refresh", "first", seconds=30))
        busy.execute("ROLLBACK")


@contextmanager
def full_disk(store: SqliteStore) -> Iterator[None]:
    """*store* on a disk on which nothing more has room."""
    connection = store._writer.connect()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    yield


def test_on_a_full_disk_nothing_is_half_written_and_everything_can_still_be_read(store: SqliteStore) -> None:
    keep(store, paper(), DAY)
    before = run(store.load_revision())
    many = tuple(paper(id=f"2603.{number:05}", abstract="x" * 1_000) for number in range(2, 200))
    with full_disk(store), pytest.raises(StoreUnavailable, match="full"):
        run(
            store.apply(Changes(many, refreshes=(("cs.LG", RefreshState(MOMENT)),)), based_on=before.number, now=MOMENT)
        )
    assert (run(store.load_revision()), ids_in(store), run(store.load_refreshes())) == (before, [paper().id], {})


def test_when_there_is_room_again_writing_goes_on(store: SqliteStore) -> None:
    keep(store, paper(), DAY)
    many = tuple(paper(id=f"2603.{number:05}", abstract="x" * 1_000) for number in range(2, 200))
    number = run(store.load_revision()).number
    with full_disk(store), pytest.raises(StoreUnavailable):
        run(store.apply(Changes(many), based_on=number, now=MOMENT))
    assert run(store.apply(Changes(many), based_on=number, now=MOMENT))
    assert len(run(store.load_papers([one.id for one in many]))) == len(many)


@contextmanager
def nothing_can_be_written(path: Path) -> Iterator[None]:
    """SQLite cannot make the index of its log beside *path*, as on a file system that is full or for reading only."""
    index = path.with_name(path.name + "-shm")
    index.symlink_to(path.with_name("no such folder") / "index")
    yield
    index.unlink()


def test_a_store_is_read_where_nothing_can_be_written_from_the_start(path: Path) -> None:
    with opened(path) as store:
        keep(store, paper(), DAY)
    with nothing_can_be_written(path), opened(path) as store:
        assert (run(store.load_revision()).number > 0, ids_in(store)) == (True, [paper().id])
        with pytest.raises(StoreUnavailable, match="unable to open"):
            run(store.take_lease("refresh", "first", seconds=30))
        assert ids_in(store) == [paper().id]


def test_when_a_store_can_be_written_again_writing_and_reading_go_on(path: Path) -> None:
    with opened(path) as store:
        keep(store, paper(), DAY)
    with opened(path) as store, opened(path) as other:
        with nothing_can_be_written(path):
            assert ids_in(store) == [paper().id]
        keep(other, paper(id="2603.00009"), DAY)
        assert ids_in(store) == [paper().id, "2603.00009"]
        keep(store, paper(id="2603.00010"), DAY)
        assert ids_in(store) == [paper().id, "2603.00009", "2603.00010"]


def test_that_a_store_takes_no_changes_is_logged_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with opened(path) as store:
        keep(store, paper(), DAY)
    with nothing_can_be_written(path), opened(path) as store:
        for _ in range(3):
            run(store.load_revision())
    assert caplog.messages == [f"The store {path} takes no changes (unable to open database file); it is read as it is"]


def test_a_store_whose_log_cannot_be_read_is_not_read_without_it(path: Path, tmp_path: Path) -> None:
    left_behind = tmp_path / "left behind.sqlite3"
    with opened(path) as store:
        keep(store, paper(), DAY)  # which stands in the log only, as it does for whoever is killed now
        for ending in ("", "-wal"):
            shutil.copy(f"{path}{ending}", f"{left_behind}{ending}")
    with nothing_can_be_written(left_behind), opened(left_behind) as store, pytest.raises(StoreUnavailable):
        run(store.load_revision())
    with opened(left_behind) as store:
        assert ids_in(store) == [paper().id]


def test_where_nothing_can_be_written_only_a_file_of_this_version_is_read(path: Path) -> None:
    fill_as_version_one(path)
    with nothing_can_be_written(path), opened(path) as store, pytest.raises(StoreUnavailable, match="unable to open"):
        run(store.load_revision())


@pytest.mark.parametrize(
    ("code", "is_read"),
    [
        (sqlite3.SQLITE_CANTOPEN, True),
        (sqlite3.SQLITE_READONLY_DIRECTORY, True),
        (sqlite3.SQLITE_FULL, True),
        (sqlite3.SQLITE_IOERR_SHMSIZE, True),
        (sqlite3.SQLITE_BUSY, False),
        (sqlite3.SQLITE_NOMEM, False),
    ],
)
def test_a_store_is_read_as_it_is_for_want_of_a_disk_only(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int, *, is_read: bool
) -> None:
    def fail(_: Path) -> sqlite3.Connection:
        error = sqlite3.OperationalError("what SQLite says")
        error.sqlite_errorcode = code
        raise error

    with opened(path) as store:
        keep(store, paper(), DAY)
    monkeypatch.setattr(sqlite, "_open", fail)
    with opened(path) as store, nullcontext() if is_read else pytest.raises(StoreUnavailable, match="what SQLite says"):
        assert ids_in(store) == [paper().id]


def test_a_damaged_file_stays_where_it_is_while_nothing_can_be_written(path: Path) -> None:
    with opened(path) as store:
        keep(store, paper(), DAY)
    damage_pages(path)
    with nothing_can_be_written(path), opened(path) as store:
        with pytest.raises(StoreUnavailable, match="malformed"):
            ids_in(store)
        assert path.exists()


def test_a_file_that_another_process_has_set_aside_is_not_used_any_more(path: Path) -> None:
    with opened(path) as one, opened(path) as other:
        keep(one, paper(), DAY)
        assert ids_in(other) == [paper().id]
        path.rename(path.with_name("papers.sqlite3.damaged"))
        for ending in ("-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
        keep(other, paper(id="2603.00009"), DAY)  # into a new file
        assert (ids_in(one), ids_in(other)) == (["2603.00009"], ["2603.00009"])
        assert run(one.load_revision()) == run(other.load_revision())
