"""What can still be read of a damaged SQLite file -> a new one.

A damaged page takes the rows that are on it, and often the way to those behind it: each table is read from both ends.
Left behind is what arXiv is to be asked anew (how complete the mailings are) and what is made again (renderings).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

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


def salvage(damaged: Path, connection: sqlite3.Connection) -> Mapping[str, int]:
    """Copy what can be read of *damaged* into the empty file of *connection*, within its transaction.

    Gives the number of rows by table. Raises sqlite3.Error where they cannot be written.
    """
    copied: dict[str, int] = {}
    with closing(sqlite3.connect(damaged)) as source:
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
    connection.execute(
        f"UPDATE revision SET changed_at = coalesce(?2, {_NOW}), number = coalesce(?1, {_MICROSECONDS})",  # noqa: S608 - ours
        [number if isinstance(number, int) else None, changed_at if isinstance(changed_at, str) else None],
    )
    connection.execute("UPDATE revision SET checks = number, papers = number")
