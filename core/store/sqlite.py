"""The embedded store: one SQLite file, for one process or several on one machine.

Write-ahead logging lets readers go on while one process writes; every write is one transaction, so that a process
killed at any moment leaves either all of a refresh or nothing of it. SQLite is spoken to on two threads of its own, one
that reads and one that writes: who waits for a turn to write keeps no reader waiting, and the event loop stays free.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from core.errors import LeaseLost, StoreUnavailable
from core.papers import Announcement, Paper
from core.store.damage import DAMAGE, damage_of, tell_damaged
from core.store.records import (
    Changes,
    Endpoint,
    Frequencies,
    Lease,
    PaperRecord,
    RefreshState,
    Rendering,
    Revision,
    dump_attempts,
    dump_frequencies,
    dump_paper,
    dump_refresh,
    dump_rendering,
    dump_summary_state,
    dump_types,
    parse_attempts,
    parse_frequencies,
    parse_paper,
    parse_refresh,
    parse_rendering,
    parse_summary_state,
    parse_types,
)
from core.store.salvage import raise_revision, set_aside, take_over
from core.summaries.attempts import Attempts, SummaryState

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_BUSY_TIMEOUT_SECONDS = 5.0
_ANSWER_SECONDS = 8.0  # a disk that hangs must not hang whoever asks
_WAL_ATTEMPTS = 20
_IDS_PER_QUERY = 500  # below SQLite's limit on variables, 999 before version 3.32
_PAGE_BYTES = 16_384  # in smaller pages the rest of every paper has a page of its own, most of it empty
_PAGES_AHEAD = 250  # 4 MB, as SQLite has it with smaller pages
_LONGEST_LEASE = timedelta(hours=1)  # what is taken for longer was taken under a clock that went wrong
# What SQLite says of a damaged schema may be no text, which comes as the last one.
_UNUSABLE = (sqlite3.Error, OSError, UnicodeDecodeError)
# What SQLite says where nothing can be written, or made beside the file: its file system is full, or for reading only.
_CANNOT_WRITE = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})

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
    # What was known of refreshes is asked for anew: it costs one request to arXiv.
    """
    DROP TABLE refreshes;
    DROP TABLE leases;
    CREATE TABLE refreshes (categories TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE leases (
        name TEXT PRIMARY KEY, holder TEXT NOT NULL, fence INTEGER NOT NULL, free_at TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE endpoints (name TEXT PRIMARY KEY, failures INTEGER NOT NULL, closed_until TEXT) WITHOUT ROWID;
    ALTER TABLE revision ADD COLUMN checks INTEGER NOT NULL DEFAULT 0
    """,
    """
    CREATE TABLE frequencies (
        stream TEXT NOT NULL, mailing TEXT NOT NULL, record BLOB NOT NULL, PRIMARY KEY (stream, mailing)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE summaries (paper_id TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE states (name TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
    ALTER TABLE revision ADD COLUMN papers INTEGER NOT NULL DEFAULT 0;
    UPDATE revision SET papers = number
    """,
    "CREATE TABLE renderings (name TEXT PRIMARY KEY, tag TEXT NOT NULL, record BLOB NOT NULL)",
)
_SUMMARY_STATE = "summaries"
_RAISE_NUMBER = "UPDATE revision SET number = CASE number WHEN 0 THEN ? ELSE number + 1 END, changed_at = ?"
_RAISE_CHECKS = "UPDATE revision SET checks = CASE checks WHEN 0 THEN ? ELSE checks + 1 END"


class SqliteStore:
    """The store in the file *path*, which is created with its folder at first use.

    *clock* tells when leases end, as an aware UTC moment. All methods raise StoreUnavailable where the file cannot be
    opened, read or written; where nothing can be written, as on a full disk, the file is read as it is. A file that is
    damaged is set aside, with a line in the log, and a new one begun with what can be read of it; for the rest, and for
    how complete the mailings are, arXiv is asked anew.
    """

    is_shared = False  # between the processes of one machine only

    def __init__(self, path: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.path = path
        self._clock = clock
        self.writes = 0  # what this process has changed, for who keeps answers
        self._reader = _Hand(path, "sqlite-reader", open_otherwise=_open_for_reading)
        self._writer = _Hand(path, "sqlite-writer")
        self._reader.other, self._writer.other = self._writer, self._reader

    @property
    def name(self) -> str:
        """Which store this is, for the operator."""
        return str(self.path)

    async def load_revision(self) -> Revision:
        """The state of the data now; equal revisions mean equal data."""
        return await self._read(_load_revision)

    async def load_mailings(self) -> frozenset[date]:
        """The mailings that any stored paper was announced in."""
        return await self._read(_load_mailings)

    async def load_newest_mailing(self, categories: Collection[str]) -> date | None:
        """The newest mailing with a paper in one of *categories*. Reads every announcement: not for each request."""
        return await self._read(_load_newest_mailing, categories)

    async def load_records(self, *, since: date, until: date | None = None) -> tuple[PaperRecord, ...]:
        """Every paper with an announcement in a mailing from *since* on, with all its announcements, by id.

        With *until* those of later mailings alone may be missing.
        """
        rows = await self._read(_load_rows_between, since, until or date.max)
        # Elsewhere, since it takes long: others only want to know the revision.
        return tuple(await asyncio.to_thread(_build_records, rows))

    async def load_papers(self, paper_ids: Collection[str]) -> Mapping[str, PaperRecord]:
        """The stored ones among *paper_ids*, with all their announcements."""
        return await self._read(_load_records_by_id, paper_ids)

    async def load_frequencies(
        self, streams: Collection[str], *, since: date, until: date | None = None
    ) -> tuple[Frequencies, ...]:
        """What was known of *streams* after each of the mailings from *since* to *until*, by stream and mailing."""
        return await self._read(_load_frequencies, streams, since, until or date.max)

    async def load_attempts(self, paper_ids: Collection[str]) -> Mapping[str, Attempts]:
        """What came of summarising those of *paper_ids* of which anything is known."""
        return await self._read(_load_attempts, paper_ids)

    async def load_summary_state(self) -> SummaryState:
        """What is known of summarising as a whole."""
        return await self._read(_load_summary_state)

    async def load_refresh(self, categories: str) -> RefreshState | None:
        """What is known of the refreshes of *categories* (joined by +), None before the first."""
        return (await self._read(_load_refreshes, categories)).get(categories)

    async def load_refreshes(self) -> Mapping[str, RefreshState]:
        """What is known of the refreshes of every set of categories that was ever asked for."""
        return await self._read(_load_refreshes, None)

    async def apply(self, changes: Changes, *, based_on: int, now: datetime, lease: Lease | None = None) -> bool:
        """Write *changes* as one transaction, unless the data has changed since revision *based_on*.

        False means that somebody else wrote in between: load again, decide again. Only what feeds list or say raises
        the revision's number. Raises LeaseLost where *lease* has passed to another holder.
        """
        is_written = await self._write(_apply, changes, based_on, now, lease)
        self.writes += 1
        return is_written

    async def take_lease(
        self,
        name: str,
        holder: str,
        *,
        seconds: float,
        pause_if_forgotten: float = 0.0,
    ) -> Lease | None:
        """The right to do what *name* stands for during *seconds*; None while another holder has it, or a pause is on.

        *pause_if_forgotten* are the seconds to wait where the store may have lost what it knew of this lease, which a
        file does not.
        """
        return await self._write(_take_lease, name, holder, self._clock(), seconds)

    async def keep_lease(self, lease: Lease, *, seconds: float) -> bool:
        """Whether *lease* is still the holder's, who then has it during *seconds* from now."""
        return await self._write(_keep_lease, lease, self._clock(), seconds)

    async def give_lease_back(self, lease: Lease, *, pause_seconds: float = 0.0) -> None:
        """Let the next one in after *pause_seconds*; nothing happens where *lease* has passed to another holder."""
        await self._write(_keep_lease, lease, self._clock(), pause_seconds, "")

    async def load_endpoint(self, name: str) -> Endpoint:
        """How the service *name* of arXiv has answered lately."""
        return await self._read(_load_endpoint, name)

    async def save_endpoint(self, name: str, endpoint: Endpoint) -> None:
        """Keep what is known of the service *name* of arXiv."""
        await self._write(_save_endpoint, name, endpoint)

    async def load_rendering(self, name: str) -> Rendering | None:
        """The rendering that was kept last under *name*, None where there is none."""
        return await self._read(_load_rendering, name)

    async def save_rendering(self, rendering: Rendering) -> None:
        """Keep *rendering*, and forget those of earlier data."""
        await self._write(_save_rendering, rendering)

    async def close(self) -> None:
        """Close the file; the store opens it again when it is used again."""
        loop = asyncio.get_running_loop()
        for hand in (self._reader, self._writer):
            await loop.run_in_executor(hand.thread, hand.disconnect)

    async def _read(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await _within_bounds(self._reader, lambda: work(self._reader.connect(), *args, **kwargs))

    async def _write(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await _within_bounds(self._writer, lambda: work(self._writer.connect(), *args, **kwargs))


class _Hand:
    """One connection to the file and the one thread that uses it.

    *open_otherwise* opens a file that cannot be written. What it gives is used once: next time it may be written again.
    """

    def __init__(
        self, path: Path, name: str, *, open_otherwise: Callable[[Path], sqlite3.Connection | None] = lambda _: None
    ) -> None:
        self.path = path
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._open_otherwise = open_otherwise
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None  # which one is open
        self._is_makeshift = False  # what is open, or was the last time
        self.other: _Hand | None = None  # on the same file

    def connect(self) -> sqlite3.Connection:
        if self._connection is not None and (self._is_makeshift or self._is_left()):
            self.disconnect()  # another process has set the file aside, or somebody deleted or emptied it
            if self.other is not None:  # which would keep a lock on an emptied one
                self.other.thread.submit(self.other.let_go)
        if self._connection is None:
            self._connection = self._open_file()
        return self._connection

    def _open_file(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            take_over(self.path)
            connection = _open(self.path)
        except _UNUSABLE as error:
            if _is_damage(error) and set_aside(self.path, _begin):
                return self._open_file()
            makeshift = self._open_otherwise(self.path) if _cannot_write(error) else None
            if makeshift is None:
                raise StoreUnavailable(
                    f"The store {self.path} cannot be opened: {error}; STORE_URL=sqlite:///… names another file"
                ) from error
            if not self._is_makeshift:
                logger.warning("The store %s takes no changes (%s); it is read as it is", self.path, error)
            self._is_makeshift = True
            return makeshift
        self._is_makeshift = False
        self._file = _find_file(self.path)
        return connection

    def let_go(self) -> None:
        """Close a file that is not the store's any more."""
        if self._is_left():
            self.disconnect()

    def _is_left(self) -> bool:
        return _find_file(self.path) != self._file

    def disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def recover(self, error: Exception) -> None:
        """After *error*: the next use opens the file again, or a new one where this one is damaged."""
        self.disconnect()
        if _is_damage(error) and not self._is_makeshift:
            set_aside(self.path, _begin)


async def _within_bounds(hand: _Hand, work: Callable[[], T]) -> T:
    """What *work* gives on the thread of *hand*, within bounds of time."""

    def on_its_thread() -> T:
        try:
            return work()
        except _UNUSABLE as error:
            hand.recover(error)
            raise StoreUnavailable(f"The store {hand.path} cannot be used: {error}") from error

    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await asyncio.get_running_loop().run_in_executor(hand.thread, on_its_thread)
    except TimeoutError as error:
        raise StoreUnavailable(f"The store {hand.path} did not answer within {_ANSWER_SECONDS:g} seconds") from error


def _find_file(path: Path) -> tuple[int, int] | None:
    """Device and number of the file at *path*, None where there is none, or one that somebody has emptied."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return (found.st_dev, found.st_ino) if found.st_size else None


def _is_damage(error: Exception) -> bool:
    return _kind(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or isinstance(error, UnicodeDecodeError)


def _cannot_write(error: Exception) -> bool:
    return _kind(error) in _CANNOT_WRITE


def _kind(error: Exception) -> int:
    """What kind of failure *error* is: the last byte of SQLite's more exact code, 0 where it has none."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def _connect(address: str, *, uri: bool = False) -> sqlite3.Connection:
    # isolation_level None: transactions are ours alone; the default opens some behind the caller's back.
    connection = sqlite3.connect(
        address, timeout=_BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False, uri=uri
    )
    # By default one damaged letter of one row would fail the whole query.
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")
    return connection


def _open(path: Path) -> sqlite3.Connection:
    connection = _connect(str(path))
    try:
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")  # of a new file; another one stays as it is
        _use_write_ahead_log(connection)
        connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_AHEAD}")
        connection.execute("PRAGMA foreign_keys = ON")
        _migrate(connection)
        _mend_revision(connection)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _begin(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(_open(path)) as connection, _writing(connection):
        yield connection


def _open_for_reading(path: Path) -> sqlite3.Connection | None:
    """The file where nothing can be written; None where it cannot be read either, or another version has written it.

    Of a file with a log SQLite keeps an index beside it, even for reading. Only where the log is empty, as after an
    orderly end, it does without, for a file that is said to be immutable.
    """
    log = path.with_name(f"{path.name}-wal")
    with suppress(*_UNUSABLE), ExitStack() as until_it_is_read:
        has_log = log.exists() and log.stat().st_size > 0
        address = f"{path.absolute().as_uri()}?mode=ro{'' if has_log else '&immutable=1'}"
        connection = until_it_is_read.enter_context(closing(_connect(address, uri=True)))
        if _schema_version(connection) == len(_MIGRATIONS):
            until_it_is_read.pop_all()
            return connection
    return None


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


def _mend_revision(connection: sqlite3.Connection) -> None:
    """Put a number in the place of one that cannot be read, other than any that was read before."""
    numbers = "SELECT typeof(number), typeof(checks), typeof(papers) FROM revision"
    if connection.execute(numbers).fetchall() == [("integer",) * 3]:
        return
    with _writing(connection):
        connection.execute("DELETE FROM revision")
        connection.execute("INSERT INTO revision (number, changed_at, checks, papers) VALUES (0, NULL, 0, 0)")
        raise_revision(connection, number=None, changed_at=None)
    logger.error("The store had lost the number of its revision and has a new one")


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
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite has ended it by itself where the disk is full
            connection.execute("ROLLBACK")
        raise


def _load_revision(connection: sqlite3.Connection) -> Revision:
    number, changed_at, last, checks, papers = connection.execute(
        "SELECT number, changed_at, (SELECT MAX(mailing) FROM announcements), checks, papers FROM revision"
    ).fetchone() or (None, None, None, None, None)
    if not (isinstance(number, int) and isinstance(checks, int) and isinstance(papers, int)):
        raise sqlite3.DatabaseError("the number of its revision is lost")  # until it is opened again
    newest = next(_read_days([last]), None)
    if last is not None and newest is None:  # a damaged one sorts behind all others
        newest = max(_load_mailings(connection), default=None)
    return Revision(number, _moment(changed_at), newest, checks, papers)


def _load_mailings(connection: sqlite3.Connection) -> frozenset[date]:
    return frozenset(_read_days(day for (day,) in connection.execute("SELECT DISTINCT mailing FROM announcements")))


def _load_newest_mailing(connection: sqlite3.Connection, categories: Collection[str]) -> date | None:
    in_category = " OR ".join(
        ["CASE WHEN json_valid(types) THEN json_extract(types, ?) END IS NOT NULL"] * len(categories)
    )
    rows = connection.execute(
        f"SELECT DISTINCT mailing FROM announcements WHERE {in_category or 'FALSE'}",  # noqa: S608 - no value in it
        [f'$."{category}"' for category in categories],
    )
    return max(_read_days(day for (day,) in rows), default=None)


class _Rows(NamedTuple):
    """Papers as the file has them, by id, and their announcements, oldest mailing first."""

    announcements: list[tuple[str, str, int, str]]
    papers: list[tuple[str, str]]


def _load_rows_between(connection: sqlite3.Connection, since: date, until: date) -> _Rows:
    with _reading(connection):
        chosen = "(SELECT paper_id FROM announcements WHERE mailing BETWEEN ? AND ?)"
        return _select_rows(connection, chosen, [_day(since), _day(until)])


def _load_records_by_id(connection: sqlite3.Connection, paper_ids: Collection[str]) -> dict[str, PaperRecord]:
    wanted = sorted(set(paper_ids))
    records: dict[str, PaperRecord] = {}
    with _reading(connection):
        for start in range(0, len(wanted), _IDS_PER_QUERY):
            ids = wanted[start : start + _IDS_PER_QUERY]
            chosen = f"({','.join('?' * len(ids))})"
            found = _build_records(_select_rows(connection, chosen, ids))
            records.update({record.paper.id: record for record in found})
    return records


def _select_rows(connection: sqlite3.Connection, chosen: str, values: Sequence[str]) -> _Rows:
    """The papers whose id is in *chosen*, SQL in parentheses with a mark for each of *values*."""
    announcements = connection.execute(
        f"SELECT paper_id, mailing, version, types FROM announcements WHERE paper_id IN {chosen} ORDER BY mailing",  # noqa: S608 - no value in it
        values,
    )
    papers = connection.execute(f"SELECT id, record FROM papers WHERE id IN {chosen} ORDER BY id", values)  # noqa: S608 - no value in it
    return _Rows(announcements.fetchall(), papers.fetchall())


def _build_records(rows: _Rows) -> list[PaperRecord]:
    """The papers of *rows*, without what is damaged."""
    records: list[PaperRecord] = []
    by_paper: dict[str, list[Announcement]] = {}
    damaged: list[str] = []
    for paper_id, mailing, version, types in rows.announcements:
        try:
            announcement = Announcement(date.fromisoformat(mailing), paper_id, version, parse_types(types))
        except DAMAGE as error:
            damaged.append(f"the announcement of {paper_id} ({error!r})")
        else:
            by_paper.setdefault(paper_id, []).append(announcement)
    for paper_id, record in rows.papers:
        try:
            records.append(PaperRecord(parse_paper(record), tuple(by_paper.get(paper_id, ()))))
        except DAMAGE as error:
            damaged.append(f"{paper_id} ({error!r})")
    tell_damaged("some papers", damaged)
    return records


def _apply(connection: sqlite3.Connection, changes: Changes, based_on: int, now: datetime, lease: Lease | None) -> bool:
    with _writing(connection):
        if lease is not None and not _is_held(connection, lease):
            raise LeaseLost(lease.name)
        if _load_revision(connection).number != based_on:
            return False
        # A new file may stand in the place of one that others have read, so it begins with a number of its own.
        unseen = int(now.timestamp() * 1_000_000)
        _write_papers(connection, changes.papers)
        connection.executemany(
            "INSERT OR REPLACE INTO announcements (paper_id, mailing, version, types) VALUES (?, ?, ?, ?)",
            [(one.paper_id, _day(one.mailing), one.version, dump_types(one.types)) for one in changes.announcements],
        )
        connection.executemany(
            "INSERT OR REPLACE INTO frequencies (stream, mailing, record) VALUES (?, ?, ?)",
            [
                (one.stream, _day(one.mailing), zlib.compress(dump_frequencies(one).encode()))
                for one in changes.frequencies
            ],
        )
        connection.executemany(
            "INSERT OR REPLACE INTO refreshes (categories, record) VALUES (?, ?)",
            [(categories, dump_refresh(state)) for categories, state in changes.refreshes],
        )
        connection.executemany(
            "INSERT OR REPLACE INTO summaries (paper_id, record) VALUES (?, ?)",
            [(paper_id, zlib.compress(dump_attempts(attempts).encode())) for paper_id, attempts in changes.attempts],
        )
        if changes.summary_state is not None:
            connection.execute(
                "INSERT OR REPLACE INTO states (name, record) VALUES (?, ?)",
                [_SUMMARY_STATE, dump_summary_state(changes.summary_state)],
            )
        if changes.has_data:
            connection.execute(_RAISE_NUMBER, [unseen, now.isoformat()])
        if changes.has_lists:
            connection.execute("UPDATE revision SET papers = number")
        if changes != Changes():
            connection.execute(_RAISE_CHECKS, [unseen])
    return True


def _write_papers(connection: sqlite3.Connection, papers: Iterable[Paper]) -> None:
    connection.executemany(
        "INSERT INTO papers (id, version, record) VALUES (?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET version = excluded.version, record = excluded.record",
        ((paper.id, paper.version, dump_paper(paper)) for paper in papers),
    )


def _load_frequencies(
    connection: sqlite3.Connection, streams: Collection[str], since: date, until: date
) -> tuple[Frequencies, ...]:
    wanted = sorted(set(streams))
    chosen = f"mailing BETWEEN ? AND ? AND stream IN ({','.join('?' * len(wanted))})"
    rows = connection.execute(
        f"SELECT stream, mailing, record FROM frequencies WHERE {chosen} ORDER BY stream, mailing",  # noqa: S608 - no value in it
        [_day(since), _day(until), *wanted],
    )
    found: list[Frequencies] = []
    for stream, mailing, record in rows:
        with damage_of(f"the word counts of {stream} after {mailing}"):
            day = date.fromisoformat(mailing)
            found.append(parse_frequencies(zlib.decompress(record).decode(), stream=stream, mailing=day))
    return tuple(found)


def _load_attempts(connection: sqlite3.Connection, paper_ids: Collection[str]) -> dict[str, Attempts]:
    wanted = sorted(set(paper_ids))
    found: dict[str, Attempts] = {}
    with _reading(connection):
        for start in range(0, len(wanted), _IDS_PER_QUERY):
            ids = wanted[start : start + _IDS_PER_QUERY]
            for paper_id, record in connection.execute(
                f"SELECT paper_id, record FROM summaries WHERE paper_id IN ({','.join('?' * len(ids))})",  # noqa: S608 - no value in it
                ids,
            ):
                with damage_of(f"the summaries of {paper_id}"):
                    found[paper_id] = parse_attempts(zlib.decompress(record).decode())
    return found


def _load_summary_state(connection: sqlite3.Connection) -> SummaryState:
    row = connection.execute("SELECT record FROM states WHERE name = ?", [_SUMMARY_STATE]).fetchone()
    with damage_of("the state of summarising"):
        if row is not None:
            return parse_summary_state(row[0])
    return SummaryState()


def _load_refreshes(connection: sqlite3.Connection, wanted: str | None) -> dict[str, RefreshState]:
    """The state of the set *wanted*, of every set where that is None."""
    found: dict[str, RefreshState] = {}
    rows = connection.execute(
        "SELECT categories, record FROM refreshes WHERE ?1 IS NULL OR categories = ?1 ORDER BY categories", [wanted]
    )
    for categories, record in rows:
        with damage_of(f"the refreshes of {categories}"):
            found[categories] = parse_refresh(record)
    return found


def _take_lease(connection: sqlite3.Connection, name: str, holder: str, now: datetime, seconds: float) -> Lease | None:
    with _writing(connection):
        row = connection.execute("SELECT fence, free_at FROM leases WHERE name = ?", [name]).fetchone()
        fence, free_at = (row[0], _moment(row[1]) or now) if row else (0, now)
        if now < free_at <= now + _LONGEST_LEASE:
            return None
        connection.execute(
            "INSERT OR REPLACE INTO leases (name, holder, fence, free_at) VALUES (?, ?, ?, ?)",
            [name, holder, fence + 1, _later(now, seconds)],
        )
    return Lease(name, holder, fence + 1)


def _keep_lease(
    connection: sqlite3.Connection, lease: Lease, now: datetime, seconds: float, holder: str | None = None
) -> bool:
    """Whether *lease* is held, and then ends *seconds* after *now*, under another *holder* where one is given."""
    cursor = connection.execute(
        "UPDATE leases SET holder = ?, free_at = ? WHERE name = ? AND holder = ? AND fence = ?",
        [lease.holder if holder is None else holder, _later(now, seconds), lease.name, lease.holder, lease.fence],
    )
    return cursor.rowcount == 1


def _is_held(connection: sqlite3.Connection, lease: Lease) -> bool:
    """Whether nobody else has taken *lease* since; that its time is over harms nobody before that."""
    found = connection.execute("SELECT holder, fence FROM leases WHERE name = ?", [lease.name]).fetchone()
    return bool(found == (lease.holder, lease.fence))


def _load_endpoint(connection: sqlite3.Connection, name: str) -> Endpoint:
    row = connection.execute("SELECT failures, closed_until FROM endpoints WHERE name = ?", [name]).fetchone()
    return Endpoint(row[0], _moment(row[1])) if row else Endpoint()


def _save_endpoint(connection: sqlite3.Connection, name: str, endpoint: Endpoint) -> None:
    closed_until = endpoint.closed_until.isoformat() if endpoint.closed_until else None
    connection.execute(
        "INSERT OR REPLACE INTO endpoints (name, failures, closed_until) VALUES (?, ?, ?)",
        [name, endpoint.failures, closed_until],
    )


def _load_rendering(connection: sqlite3.Connection, name: str) -> Rendering | None:
    row = connection.execute("SELECT record FROM renderings WHERE name = ?", [name]).fetchone()
    with damage_of(f"the rendering {name}"):
        return parse_rendering(name, row[0]) if row else None


def _save_rendering(connection: sqlite3.Connection, rendering: Rendering) -> None:
    with _writing(connection):
        # Tags begin with the revision's number; who took long must not displace what was made of newer data.
        connection.execute("DELETE FROM renderings WHERE CAST(tag AS INTEGER) < CAST(? AS INTEGER)", [rendering.tag])
        connection.execute(
            "INSERT INTO renderings (name, tag, record) VALUES (?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET tag = excluded.tag, record = excluded.record"
            " WHERE CAST(excluded.tag AS INTEGER) >= CAST(tag AS INTEGER)",
            [rendering.name, rendering.tag, dump_rendering(rendering)],
        )


def _read_days(days: Iterable[str | None]) -> Iterator[date]:
    """Those of *days* that are some."""
    for day in days:
        with suppress(ValueError, TypeError):
            yield date.fromisoformat(day)  # type: ignore[arg-type] # None is a TypeError


def _later(now: datetime, seconds: float) -> str:
    return (now + timedelta(seconds=seconds)).isoformat()


def _day(day: date) -> str:
    return day.isoformat()


def _moment(text: str | None) -> datetime | None:
    """The moment that is written so; None where there is none, or it cannot be read any more."""
    with suppress(ValueError, TypeError):
        return datetime.fromisoformat(text)  # type: ignore[arg-type] # None is a TypeError
    return None
