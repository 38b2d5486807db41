"""A damaged SQLite file is set aside, and what can still be read of it goes into a new one in its place.

A damaged page takes the rows that are on it, and often the way to those behind it: each table is read from both ends.
Left behind is what arXiv is to be asked anew (how complete the mailings are) and what is made again (renderings).
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path

try:
    import fcntl
except ImportError:  # as on Windows
    fcntl = None  # type: ignore[assignment]  # a module

logger = logging.getLogger(__name__)

Begin = Callable[[Path], AbstractContextManager[sqlite3.Connection]]

_OURS = frozenset({".sqlite3", ".sqlite", ".db"})  # a damaged file of another name may be no store at all
_KEPT = 5  # damaged files

# By what each is ordered, and whether its rows are nothing without their paper.
_TABLES = {
    "papers": ("id", False),
    "announcements": ("paper_id, mailing", True),
    "summaries": ("paper_id", True),
    "frequencies": ("stream, mailing", False),
    "states": ("name", False),
}
_MICROSECONDS = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"
_NOW = "strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')"


def set_aside(path: Path, begin: Begin) -> bool:
    """Whether the damaged file *path* is out of the way, and one in its place with what could be read of it.

    *begin* opens an empty store at a path, for one transaction.
    A file that does not bear the name of a store stays where it is: somebody may have named it by mistake. So does one
    that cannot be renamed, or copied because the disk is full. Of several that meet the damage one does it.
    """
    if path.suffix not in _OURS:
        return False
    try:
        with _alone(path):
            take_over(path)  # which a process that was killed may not have come to
            if not path.exists() or _is_sound(path):
                return True  # another process was first
            copied = _copy_readable(path, begin)
            aside = _find_place(path)
            _rename(path, aside)
            take_over(path)
    except (OSError, sqlite3.Error) as error:
        logger.error("The store %s is damaged and cannot be set aside: %s", path, error)  # noqa: TRY400
        return False
    told = ", ".join(f"{count} {table}" for table, count in copied.items()) or "nothing"
    logger.error(
        "The store %s is damaged and kept as %s. Read from it: %s; arXiv is asked for the rest", path, aside, told
    )
    return True


def take_over(path: Path) -> None:
    """Give *path* to what was to take its place, where it is free: a process may be killed before it does this."""
    if not path.exists():
        with suppress(FileNotFoundError):
            _successor(path).replace(path)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """The right to set *path* aside, over all threads and processes; where the system has no locks, without one."""
    with ExitStack() as held:
        if fcntl is not None:
            file = held.enter_context(path.with_name(f"{path.name}.lock").open("w"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_sound(path: Path) -> bool:
    with suppress(sqlite3.Error, OSError), closing(sqlite3.connect(path)) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))  # looks at indexes too
    return False


def _copy_readable(path: Path, begin: Begin) -> Mapping[str, int]:
    """Make the successor of the damaged file *path*, whole before it has its name; how much is in it, by table."""
    unfinished = path.with_name(f"{path.name}.copying")
    for ending in ("", "-wal", "-shm"):
        unfinished.with_name(unfinished.name + ending).unlink(missing_ok=True)
    with begin(unfinished) as connection:
        copied = salvage(path, connection)
    unfinished.replace(_successor(path))
    return copied


def _rename(path: Path, aside: Path) -> None:
    """Move *path* with its log; the log first, since beside a new file it would be taken for that file's."""
    log, log_aside = path.with_name(f"{path.name}-wal"), aside.with_name(f"{aside.name}-wal")
    with suppress(FileNotFoundError):
        log.replace(log_aside)
    try:
        path.replace(aside)
    except OSError:
        with suppress(FileNotFoundError):
            log_aside.replace(log)
        _successor(path).unlink(missing_ok=True)
        raise
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)


def _successor(path: Path) -> Path:
    """What takes the place of *path*, whole, while that is being renamed."""
    return path.with_name(f"{path.name}.new")


def _find_place(path: Path) -> Path:
    """Where the damaged file *path* is kept: beside it, in place of the last of so many earlier ones."""
    places = [
        path.with_name(f"{path.name}.damaged{number}") for number in ("", *(f"-{n}" for n in range(2, _KEPT + 1)))
    ]
    return next((place for place in places if not place.exists()), places[-1])


def salvage(damaged: Path, connection: sqlite3.Connection) -> Mapping[str, int]:
    """Copy what can be read of *damaged* into the empty file of *connection*, within its transaction.

    Gives the number of rows by table. Raises sqlite3.Error where they cannot be written.
    """
    copied: dict[str, int] = {}
    with closing(sqlite3.connect(damaged)) as source:
        source.execute("PRAGMA writable_schema = ON")  # reads on where the table of tables is damaged
        source.text_factory = partial(str, encoding="utf-8", errors="replace")
        for table in _TABLES:
            before = connection.total_changes
            _copy(table, source, connection)
            copied[table] = connection.total_changes - before
        if any(copied.values()):
            _raise_revision(source, connection)
    return copied


def _copy(table: str, source: sqlite3.Connection, connection: sqlite3.Connection) -> None:
    key, is_of_paper = _TABLES[table]
    columns = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
    marks = ", ".join(f"?{place}" for place in range(1, len(columns) + 1))
    paper_id = columns.index("paper_id") + 1 if is_of_paper else 0
    condition = f" WHERE EXISTS (SELECT 1 FROM papers WHERE id = ?{paper_id})" if is_of_paper else ""  # noqa: S608 - a number
    for order in ("ASC", "DESC"):
        ordered = ", ".join(f"{one} {order}" for one in key.split(", "))
        rows = _readable(source, f"SELECT {', '.join(columns)} FROM {table} ORDER BY {ordered}")  # noqa: S608 - names of ours
        connection.executemany(f"INSERT OR IGNORE INTO {table} SELECT {marks}{condition}", rows)


def _readable(source: sqlite3.Connection, query: str) -> Iterator[tuple[object, ...]]:
    """The rows that *query* finds before it meets damage; none of a table that an earlier version did not have."""
    with suppress(sqlite3.Error):
        yield from source.execute(query)


def _raise_revision(source: sqlite3.Connection, connection: sqlite3.Connection) -> None:
    """Make the data as new as they were, as far as that is known, and other data than any that was read before."""
    known = [*_readable(source, "SELECT max(number, checks, papers) + 1, changed_at FROM revision")]
    number, changed_at = known[0] if known else (None, None)
    raise_revision(
        connection,
        number=number if isinstance(number, int) else None,
        changed_at=changed_at if isinstance(changed_at, str) else None,
    )


def raise_revision(connection: sqlite3.Connection, *, number: int | None, changed_at: str | None) -> None:
    """Give the data of *connection* that *number*; where it is not known, one that was never read before."""
    connection.execute(
        f"UPDATE revision SET changed_at = coalesce(?2, {_NOW}), number = coalesce(?1, {_MICROSECONDS})",  # noqa: S608 - ours
        [number, changed_at],
    )
    connection.execute("UPDATE revision SET checks = number, papers = number")
