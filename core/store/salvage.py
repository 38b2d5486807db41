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


def salvage(damaged: Path, connection: sqlite3.Connection, *, schema: int) -> Mapping[str, int]:
    """Copy what can be read of *damaged*, where it has that *schema*, within the transaction of *connection*.

    Gives the number of rows by table. What is there already stays.
    """
    copied: dict[str, int] = {}
    with suppress(sqlite3.Error), closing(sqlite3.connect(damaged)) as source:
        source.text_factory = partial(str, encoding="utf-8", errors="replace")
        if source.execute("PRAGMA user_version").fetchone() != (schema,):
            return copied
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
    """The rows that *query* finds before it meets damage."""
    with suppress(sqlite3.Error):
        yield from source.execute(query)


def _raise_revision(source: sqlite3.Connection, connection: sqlite3.Connection) -> None:
    """Make the data as new as they were, and other data than any that was read before."""
    query = "SELECT max(number, checks, papers) + 1, changed_at FROM revision"
    for number, changed_at in _readable(source, query):
        connection.execute(
            "UPDATE revision SET changed_at = coalesce(changed_at, ?2), number = max(number + 1, ?1),"
            " checks = max(checks + 1, ?1), papers = max(papers + 1, ?1)",
            [number, changed_at],
        )
