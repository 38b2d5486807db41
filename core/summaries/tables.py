"""The rows of a table as models write them -> as GFM has them, so that no cell of them is lost.

GFM (https://github.github.com/gfm/#tables-extension-) ends a cell at every bar, and drops what a row has beyond its
header. Of 605 real summaries seven have such rows, with bars in formulas, in code and around |x|, or more cells than
the header names. Others break a formula into lines, or part the groups of one table by an empty line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

_WIDEST = 40  # columns that a header is made wider to; what a row has beyond goes into its last cell
_LINES_OF_FORMULA = 30
_DELIMITER = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
_BAR = re.compile(r"(?<!\\)\|")
_SPAN = re.compile(r"\$[^$]*\$|`[^`]*`")  # in which a bar with spaces around it ends a cell all the same
_SIZE = re.compile(r"(?<![\\|])(?<=.)\|{1,2}[^\s|]{1,40}\|{1,2}(?!\|)(?=.)")  # |x|, ||w||, but for a row's ends


class Row(NamedTuple):
    """A row, and how many of the lines it was made of."""

    text: str
    lines: int


def is_delimiter(line: str) -> bool:
    """Whether *line* can be the one below a table's header."""
    return "-" in line and _DELIMITER.fullmatch(line) is not None


# The line at a place, None behind the last one. A text of many tables asks for each line once.
Lines = Callable[[int], str | None]


def read_header(header: str, delimiter: str) -> Row | None:
    """The header of a table above its *delimiter*; None where it has other columns, and is none."""
    columns = len(_split(delimiter))
    marked = _mark_bars(header, columns)
    return Row(marked, 1) if "|" in header and len(_split(marked)) == columns else None


def read_rows(header: Row, lines: Lines, *, cells: int) -> list[Row]:
    """The rows of the table with this *header*: it, the delimiter at place 1 of *lines*, and all up to its end.

    No more than for so many *cells*.
    """
    delimiter = lines(1) or ""
    columns = len(_split(delimiter))
    rows = [header, Row(delimiter, 1)]
    at = 2
    while len(rows) * columns < cells and (line := lines(at)) is not None:
        skipped = 0
        if not line.strip():
            if not _goes_on(lines(at + 1), lines(at + 2), columns):
                break
            skipped = 1
        text, used = _join_formula(lines, at + skipped)
        rows.append(Row(_mark_bars(text, columns), skipped + used))
        at += skipped + used
    return _widen(rows, columns)


def _goes_on(line: str | None, following: str | None, columns: int) -> bool:
    """Whether *line*, behind an empty one, belongs to a table of so many *columns*, and begins no other."""
    is_row = line is not None and line.lstrip().startswith("|") and len(_split(line)) == columns
    return is_row and not (following is not None and is_delimiter(following))


def _join_formula(lines: Lines, at: int) -> tuple[str, int]:
    """The row at a place, whole where a displayed formula in it goes on in later lines, and how many it takes."""
    first = lines(at) or ""
    if first.count("$$") % 2 == 0:
        return first, 1
    joined = [first.strip()]
    while len(joined) < _LINES_OF_FORMULA and (line := lines(at + len(joined))) is not None:
        joined.append(line.strip())
        if line.count("$$") % 2:
            return " ".join(joined), len(joined)
    return first, 1


def _mark_bars(row: str, columns: int) -> str:
    """*row* with those bars marked that end no cell: in formulas and code, and around |x| where it has too many."""
    marked = _SPAN.sub(_mark_span, row)
    if len(_split(marked)) > columns:
        without = _SIZE.sub(lambda size: _BAR.sub(r"\|", size[0]), marked.strip())
        return without if len(_split(without)) == columns else marked
    return marked


def _mark_span(span: re.Match[str]) -> str:
    if " | " in span[0]:
        return span[0]
    # In a formula \| is a sign of its own, and must come out as it went in.
    return span[0].replace("|", r"\|") if span[0].startswith("$") else _BAR.sub(r"\|", span[0])


def _widen(rows: list[Row], columns: int) -> list[Row]:
    """*rows* with a header and a delimiter of as many cells as the longest row has."""
    width = min(max(len(_split(row.text)) for row in rows), _WIDEST)
    if width <= columns or len(_split(rows[0].text)) != columns:
        return rows
    header, delimiter = (_split(row.text) for row in rows[:2])
    added = width - columns
    fitted = [_join([*header, *[" "] * added]), _join([*delimiter, *["---"] * added])]
    for row in rows[2:]:
        cells = _split(row.text)
        surplus = r"\|".join(cells[width - 1 :])
        fitted.append(_join([*cells[: width - 1], surplus]) if len(cells) > width else row.text)
    return [Row(text, row.lines) for text, row in zip(fitted, rows, strict=True)]


def _split(row: str) -> list[str]:
    """The cells of *row*."""
    cells = _BAR.split(row.strip())
    if cells and not cells[0].strip():
        cells = cells[1:]
    if cells and not cells[-1].strip():
        cells = cells[:-1]
    return cells


def _join(cells: Sequence[str]) -> str:
    return f"|{'|'.join(cells)}|"
