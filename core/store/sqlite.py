"""The embedded store: one SQLite file, for one process or several on one machine.

Write-ahead logging lets readers go on while one process writes; every write is one transaction, so that a process
killed at any moment leaves either all of a refresh or nothing of it. SQLite is spoken to on one thread of its own,
which keeps the event loop free and the connection in one hand.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import fields
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from core.errors import StoreUnavailable
from core.papers import Announcement, Paper
from core.store.records import (
    Changes,
    PaperRecord,
    RefreshState,
    Revision,
    dump_paper,
    dump_types,
    parse_paper,
    parse_types,
)

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_BUSY_TIMEOUT_SECONDS = 5.0
_WAL_ATTEMPTS = 20
_IDS_PER_QUERY = 500  # below SQLite's limit on variables, 999 before version 3.32

# One entry per schema version: what turns the version before it into this one. Never edit an entry that was released.
_MIGRATIONS = (
    """
    CREATE TABLE papers (id TEXT PRIMARY KEY, version INTEGER NOT NULL, record TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE announcements (
        paper_id TEXT NOT NULL REFERENCES papers (id),
        mailing TEXT NOT NULL,
        version INTEGER NOT NULL,
        types TEXT NOT NULL,
        PRIMARY KEY (paper_id, mailing)
    ) WITHOUT ROWID;
    CREATE INDEX announcements_by_mailing ON announcements (mailing);
    CREATE TABLE refreshes (
        categories TEXT PRIMARY KEY,
        checked_at TEXT NOT NULL,
        succeeded_at TEXT,
        next_poll_at TEXT,
        failures INTEGER NOT NULL,
        last_error TEXT,
        mailing TEXT,
        unchanged INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, expires_at TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE revision (number INTEGER NOT NULL, changed_at TEXT);
    INSERT INTO revision VALUES (0, NULL);
    """,
)


class SqliteStore:
    """The store in the file *path*, which is created with its folder at first use.

    All methods raise StoreUnavailable where the file cannot be opened, read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite")
        self._connection: sqlite3.Connection | None = None

    async def load_revision(self) -> Revision:
        """The state of the data now; equal revisions mean equal data."""
        return await self._run(_load_revision)

    async def load_newest_mailing(self, categories: Collection[str]) -> date | None:
        """The newest mailing with a paper in one of *categories*. Reads every announcement: not for each request."""
        return await self._run(_load_newest_mailing, categories)

    async def load_records(self, *, since: date) -> tuple[PaperRecord, ...]:
        """Every paper with an announcement in a mailing from *since* on, with all its announcements, by id."""
        return await self._run(_load_records_since, since)

    async def load_papers(self, paper_ids: Collection[str]) -> Mapping[str, PaperRecord]:
        """The stored ones among *paper_ids*, with all their announcements."""
        return await self._run(_load_records_by_id, paper_ids)

    async def apply(self, changes: Changes, *, based_on: int, now: datetime) -> bool:
        """Write *changes* as one transaction, unless the data has changed since revision *based_on*.

        False means that somebody else wrote in between: load again, decide again. Empty changes leave the revision.
        """
        return await self._run(_apply, changes, based_on, now)

    async def load_refresh(self, categories: str) -> RefreshState | None:
        """What is known of the refreshes of *categories* (joined by +), None before the first."""
        return await self._run(_load_refresh, categories)

    async def save_refresh(self, categories: str, state: RefreshState) -> None:
        """Keep *state* for *categories* (joined by +)."""
        await self._run(_save_refresh, categories, state)

    async def take_lease(self, name: str, holder: str, *, now: datetime, seconds: float) -> bool:
        """Whether *holder* may do what *name* stands for until *seconds* from *now*; one holder at a time has it."""
        return await self._run(_take_lease, name, holder, now, seconds)

    async def give_lease_back(self, name: str, holder: str) -> None:
        """Let the next one in; nothing happens where *holder* has lost the lease already."""
        await self._run(_give_lease_back, name, holder)

    async def close(self) -> None:
        """Close the file; the store opens it again when it is used again."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)

    async def _run(self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        def on_store_thread() -> T:
            try:
                return work(self._connect(), *args, **kwargs)
            except (sqlite3.Error, OSError) as error:
                self._disconnect()
                raise StoreUnavailable(f"The store {self.path} cannot be used: {error}") from error

        return await asyncio.get_running_loop().run_in_executor(self._thread, on_store_thread)

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._connection = _open(self.path)
            except (sqlite3.Error, OSError) as error:
                raise StoreUnavailable(
                    f"The store {self.path} cannot be opened: {error}; STORE_URL=sqlite:///… names another file"
                ) from error
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _open(path: Path) -> sqlite3.Connection:
    # isolation_level None: transactions are ours alone; the default opens some behind the caller's back.
    connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _use_write_ahead_log(connection)
        connection.execute("PRAGMA foreign_keys = ON")
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch the file over, which is done once in its life.

    Of several that try at the same moment SQLite refuses all but one at once, whatever the timeout says, because
    waiting would be a deadlock. A refused one waits for its turn to write instead, and most often finds the work done.
    """
    for attempts_left in reversed(range(_WAL_ATTEMPTS)):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or not attempts_left:
                raise
        else:
            return
        with _writing(connection):
            pass


def _migrate(connection: sqlite3.Connection) -> None:
    if _schema_version(connection) == len(_MIGRATIONS):
        return  # without waiting for whoever is writing
    with _writing(connection):
        version = _schema_version(connection)  # another process may have migrated it in between
        if version > len(_MIGRATIONS):
            raise sqlite3.DatabaseError(
                f"a newer version of arxiv-feeds wrote it (schema {version}, this version knows {len(_MIGRATIONS)})"
            )
        if version == 0 and connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise sqlite3.DatabaseError("it is the database of another program")
        for migration in _MIGRATIONS[version:]:
            for statement in migration.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")


def _schema_version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


@contextmanager
def _reading(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction that sees one state of the data in all its queries."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


@contextmanager
def _writing(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction that has the right to write from its start, so that it never fails halfway for want of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _load_revision(connection: sqlite3.Connection) -> Revision:
    number, changed_at, newest = connection.execute(
        "SELECT number, changed_at, (SELECT MAX(mailing) FROM announcements) FROM revision"
    ).fetchone()
    return Revision(number, _moment(changed_at), date.fromisoformat(newest) if newest else None)


def _load_newest_mailing(connection: sqlite3.Connection, categories: Collection[str]) -> date | None:
    in_category = " OR ".join(["json_extract(types, ?) IS NOT NULL"] * len(categories))
    (newest,) = connection.execute(
        f"SELECT MAX(mailing) FROM announcements WHERE {in_category or 'FALSE'}",  # noqa: S608 - no value in it
        [f'$."{category}"' for category in categories],
    ).fetchone()
    return date.fromisoformat(newest) if newest else None


def _load_records_since(connection: sqlite3.Connection, since: date) -> tuple[PaperRecord, ...]:
    chosen = "(SELECT paper_id FROM announcements WHERE mailing >= ?)"
    with _reading(connection):
        return tuple(_select_records(connection, chosen, [_day(since)]))


def _load_records_by_id(connection: sqlite3.Connection, paper_ids: Collection[str]) -> dict[str, PaperRecord]:
    wanted = sorted(set(paper_ids))
    records: dict[str, PaperRecord] = {}
    with _reading(connection):
        for start in range(0, len(wanted), _IDS_PER_QUERY):
            ids = wanted[start : start + _IDS_PER_QUERY]
            chosen = f"({','.join('?' * len(ids))})"
            records.update({record.paper.id: record for record in _select_records(connection, chosen, ids)})
    return records


def _select_records(connection: sqlite3.Connection, chosen: str, values: Sequence[str]) -> list[PaperRecord]:
    """The papers whose id is in *chosen*, SQL in parentheses with a mark for each of *values*, by id."""
    records: list[PaperRecord] = []
    by_paper: dict[str, list[Announcement]] = {}
    for paper_id, mailing, version, types in connection.execute(
        f"SELECT paper_id, mailing, version, types FROM announcements WHERE paper_id IN {chosen} ORDER BY mailing",  # noqa: S608 - no value in it
        values,
    ):
        with _damage_of(f"the announcements of {paper_id}"):
            announcement = Announcement(date.fromisoformat(mailing), paper_id, version, parse_types(types))
            by_paper.setdefault(paper_id, []).append(announcement)
    for paper_id, record in connection.execute(
        f"SELECT id, record FROM papers WHERE id IN {chosen} ORDER BY id",  # noqa: S608 - no value in it
        values,
    ):
        with _damage_of(f"the paper {paper_id}"):
            records.append(PaperRecord(parse_paper(record), tuple(by_paper.get(paper_id, ()))))
    return records


@contextmanager
def _damage_of(what: str) -> Iterator[None]:
    """Leaves out *what* cannot be read: one damaged row must not take all the others with it."""
    try:
        yield
    except (ValueError, KeyError, TypeError):
        logger.exception("What is stored as %s cannot be read and is left out", what)


def _apply(connection: sqlite3.Connection, changes: Changes, based_on: int, now: datetime) -> bool:
    with _writing(connection):
        if _load_revision(connection).number != based_on:
            return False
        if changes == Changes():
            return True
        _write_papers(connection, changes.papers)
        connection.executemany(
            "INSERT OR REPLACE INTO announcements (paper_id, mailing, version, types) VALUES (?, ?, ?, ?)",
            [(one.paper_id, _day(one.mailing), one.version, dump_types(one.types)) for one in changes.announcements],
        )
        connection.execute("UPDATE revision SET number = number + 1, changed_at = ?", [now.isoformat()])
    return True


def _write_papers(connection: sqlite3.Connection, papers: Iterable[Paper]) -> None:
    connection.executemany(
        "INSERT INTO papers (id, version, record) VALUES (?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET version = excluded.version, record = excluded.record",
        [(paper.id, paper.version, dump_paper(paper)) for paper in papers],
    )


_REFRESH_COLUMNS = tuple(field.name for field in fields(RefreshState))


def _load_refresh(connection: sqlite3.Connection, categories: str) -> RefreshState | None:
    columns = ", ".join(_REFRESH_COLUMNS)
    row = connection.execute(f"SELECT {columns} FROM refreshes WHERE categories = ?", [categories]).fetchone()  # noqa: S608 - our field names
    if row is None:
        return None
    checked_at, succeeded_at, next_poll_at, failures, last_error, mailing, unchanged = row
    with _damage_of(f"the refreshes of {categories}"):
        return RefreshState(
            checked_at=datetime.fromisoformat(checked_at),
            succeeded_at=_moment(succeeded_at),
            next_poll_at=_moment(next_poll_at),
            failures=failures,
            last_error=last_error,
            mailing=date.fromisoformat(mailing) if mailing else None,
            unchanged=unchanged,
        )
    return None


def _save_refresh(connection: sqlite3.Connection, categories: str, state: RefreshState) -> None:
    values = [_text(getattr(state, name)) for name in _REFRESH_COLUMNS]
    marks = ", ".join("?" * (1 + len(values)))
    connection.execute(
        f"INSERT OR REPLACE INTO refreshes (categories, {', '.join(_REFRESH_COLUMNS)}) VALUES ({marks})",  # noqa: S608 - our field names
        [categories, *values],
    )


def _take_lease(connection: sqlite3.Connection, name: str, holder: str, now: datetime, seconds: float) -> bool:
    with _writing(connection):
        row = connection.execute("SELECT holder, expires_at FROM leases WHERE name = ?", [name]).fetchone()
        if row and row[0] != holder and datetime.fromisoformat(row[1]) > now:
            return False
        expires_at = (now + timedelta(seconds=seconds)).isoformat()
        connection.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?)", [name, holder, expires_at])
    return True


def _give_lease_back(connection: sqlite3.Connection, name: str, holder: str) -> None:
    connection.execute("DELETE FROM leases WHERE name = ? AND holder = ?", [name, holder])


def _day(day: date) -> str:
    return day.isoformat()


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
