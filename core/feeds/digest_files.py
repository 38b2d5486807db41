"""Where digests are kept: a folder with a file for each day and an index, or a part of a file that somebody wrote.

What a file should say is decided by pure functions from what it says now; writing is thin, replaces a file as a whole,
and leaves it alone where nothing changes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

from core.errors import ArxivFeedsError
from core.feeds.digest import Digest, render_body, render_digest
from core.feeds.digest_page import render_digest_page
from core.moments import say_month

BEGIN = "<!-- arxiv-feeds:begin -->"
END = "<!-- arxiv-feeds:end -->"

_MARKER = re.compile(r"^[ \t]*<!-- arxiv-feeds:(?P<which>begin|end) -->[ \t]*(?=\r?$)", re.MULTILINE)
_DAY_FILE = re.compile(r"\d{4}-\d{2}-\d{2}\.md")
_NEW_INDEX = f"# arXiv digests\n\n{BEGIN}\n{END}\n"
_MOST_READ = 4_096  # bytes of a day's file, for its line in the index


class DigestNotWritten(ArxivFeedsError):
    """A file of a digest could not be read or written, or has no place for it; the message says what to do."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Written:
    """A file that has its digest now, and whether that changed a byte of it."""

    path: Path
    is_changed: bool


@dataclass(frozen=True, slots=True)
class IndexLine:
    """A line of an index: the day, what it brought in a sentence ("" for unknown), and whether there is a page too."""

    day: date
    synopsis: str
    has_page: bool = False


def write_folder(folder: Path, digests: Sequence[Digest], *, with_pages: bool = False) -> tuple[Written, ...]:
    """Write `2026-03-05.md` for each of *digests*, with pages `2026-03-05.html` too, and the index of all days.

    The index is README.md, or index.md where the folder has only that; what stands around its markers stays. Other
    files are left alone. Raises DigestNotWritten.
    """
    texts = {f"{digest.day}.md": render_digest(digest) for digest in digests}
    if with_pages:
        texts |= {f"{digest.day}.html": render_digest_page(digest) for digest in digests}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        index = _index_of(folder)
        _find_markers(_read(index) or _NEW_INDEX)  # before anything is written
        written = [_write(folder / name, _read(folder / name), text) for name, text in texts.items()]
        before = _read(index)
        text = replace_between(before or _NEW_INDEX, render_index(_find_lines(folder)))
        return (*written, _write(index, before, text))
    except BadMarkers as error:
        raise DigestNotWritten(index, f"{error}, or remove the file") from error
    except OSError as error:
        raise DigestNotWritten(folder, f"cannot be written ({error.strerror})") from error


def write_between(path: Path, digest: Digest) -> Written:
    """Put *digest* between the markers BEGIN and END of the file *path*, and change nothing else in it.

    Raises DigestNotWritten where there is no such file, or not exactly one of each marker, in their order.
    """
    try:
        before = _read(path)
        if before is None:
            raise DigestNotWritten(path, f"is not there; make it, with the lines {BEGIN} and {END} in it")
        return _write(path, before, replace_between(before, render_body(digest)))
    except BadMarkers as error:
        raise DigestNotWritten(path, str(error)) from error
    except OSError as error:
        raise DigestNotWritten(path, f"cannot be written ({error.strerror})") from error


# --- What files should say


class BadMarkers(ValueError):
    """A text has no place for a digest: its markers are missing, doubled or swapped."""


def replace_between(text: str, body: str) -> str:
    """*text* with *body* between its two markers, in the line endings of the first marker.

    A marker is a line of its own. Lines of *body* that look like one are changed, so that there are two again next
    time. Raises BadMarkers.
    """
    begin, end = _find_markers(text)
    line_end = "\r\n" if text.startswith("\r\n", begin.end()) else "\n"
    body = _MARKER.sub(lambda marker: marker[0].replace("<!--", "<!-- -"), body)
    lines = ["", "", *body.strip("\n").split("\n"), "", ""]
    return text[: begin.end()] + line_end.join(lines) + text[end.start() :]


def _find_markers(text: str) -> tuple[re.Match[str], re.Match[str]]:
    markers = list(_MARKER.finditer(text))
    for name, marker in (("begin", BEGIN), ("end", END)):
        found = sum(match["which"] == name for match in markers)
        if found == 0:
            raise BadMarkers(f"the line {marker} is missing; add it where the digest is meant to stand")
        if found > 1:
            raise BadMarkers(f"the line {marker} stands there {found} times; leave one of them")
    begin, end = markers
    if begin["which"] != "begin":
        raise BadMarkers(f"the line {END} stands before {BEGIN}; swap them")
    return begin, end


def render_index(lines: Iterable[IndexLine]) -> str:
    """*lines* as Markdown, newest first, by months."""
    newest_first = sorted(lines, key=lambda line: line.day, reverse=True)
    return "\n\n".join(_months(newest_first)) + "\n"


def _months(lines: Sequence[IndexLine]) -> Iterator[str]:
    for month, group in groupby(lines, key=lambda line: say_month(line.day)):
        yield f"## {month}"
        yield "\n".join(map(_write_line, group))


def _write_line(line: IndexLine) -> str:
    page = f" ([page]({line.day}.html))" if line.has_page else ""
    return f"- [{line.day}]({line.day}.md){page}{f': {line.synopsis}' if line.synopsis else ''}"


def find_synopsis(text: str) -> str:
    """The first line of a digest below its title, "" where *text* is none."""
    title, _, rest = text.lstrip("\ufeff").partition("\n")
    synopsis = rest.strip().partition("\n")[0].strip()
    return synopsis if title.startswith("# ") and not _MARKER.match(synopsis) else ""


# --- Files


def _find_lines(folder: Path) -> Iterator[IndexLine]:
    for path in folder.iterdir():
        if _DAY_FILE.fullmatch(path.name) and (day := _day_of(path.stem)):
            with path.open("rb") as file:
                beginning = file.read(_MOST_READ).decode("utf-8", "surrogateescape")
            yield IndexLine(day, find_synopsis(beginning), path.with_suffix(".html").exists())


def _day_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _index_of(folder: Path) -> Path:
    readme, index = folder / "README.md", folder / "index.md"
    return index if index.exists() and not readme.exists() else readme


def _read(path: Path) -> str | None:
    """The text of a file, byte by byte as it is, also where it is no UTF-8; None where there is no file."""
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None


def _write(path: Path, before: str | None, text: str) -> Written:
    """Make *text* what the file says, all at once, so that nobody ever reads half of it."""
    if before is not None and text in (before, before.replace("\r\n", "\n")):
        return Written(path, is_changed=False)
    target = path.resolve()  # of a link, the file that it leads to
    draft = target.with_name(f".{target.name}.{os.getpid()}.draft")
    try:
        with draft.open("xb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
            file.flush()
            os.fsync(file.fileno())
        if before is not None:
            draft.chmod(target.stat().st_mode)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return Written(path, is_changed=True)
