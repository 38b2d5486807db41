"""Digests in files: what is written, what is left alone, and what a file must have to get one."""

from __future__ import annotations

import os
import stat
from datetime import date, timedelta
from pathlib import Path

import pytest

from core.feeds.digest import Digest, render_body, render_digest, say_synopsis
from core.feeds.digest_files import (
    BEGIN,
    END,
    BadMarkers,
    DigestNotWritten,
    IndexLine,
    find_synopsis,
    render_index,
    replace_between,
    write_between,
    write_folder,
)
from core.feeds.digest_page import render_digest_page
from tests.builders import DAY, item, paper
from tests.core.feeds.test_digest import digest, summarised, summary

BEFORE = DAY - timedelta(days=1)
README = f"# Mine\n\nAbove.\n\n{BEGIN}\nold\n{END}\n\nBelow.\n"


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())}


# --- A folder


def test_a_folder_gets_a_file_for_each_day_and_an_index(tmp_path: Path) -> None:
    newer, older = digest(), digest(day=BEFORE)
    written = write_folder(tmp_path / "a" / "digests", [newer, older])
    assert [(one.path.name, one.is_changed) for one in written] == [
        ("2026-03-05.md", True),
        ("2026-03-04.md", True),
        ("README.md", True),
    ]
    assert contents(tmp_path / "a" / "digests") == {
        "2026-03-04.md": render_digest(older),
        "2026-03-05.md": render_digest(newer),
        "README.md": (
            f"# arXiv digests\n\n{BEGIN}\n\n## March 2026\n\n"
            f"- [2026-03-05](2026-03-05.md): {say_synopsis(newer)}\n"
            f"- [2026-03-04](2026-03-04.md): {say_synopsis(older)}\n\n{END}\n"
        ),
    }


def test_the_same_again_changes_no_file(tmp_path: Path) -> None:
    write_folder(tmp_path, [digest()], with_pages=True)
    before = {path: (path.read_bytes(), path.stat().st_ino, path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
    again = write_folder(tmp_path, [digest()], with_pages=True)
    after = {path: (path.read_bytes(), path.stat().st_ino, path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
    assert ([one.is_changed for one in again], after) == ([False] * 3, before)


def test_a_summary_that_comes_later_changes_the_file_of_its_day_alone(tmp_path: Path) -> None:
    write_folder(tmp_path, [digest(), digest(day=BEFORE)])
    again = write_folder(tmp_path, [digest(summarised(summary())), digest(day=BEFORE)])
    assert [(one.path.name, one.is_changed) for one in again] == [
        ("2026-03-05.md", True),
        ("2026-03-04.md", False),
        ("README.md", False),
    ]


def test_days_that_are_already_there_stay_in_the_index_newest_month_first(tmp_path: Path) -> None:
    write_folder(tmp_path, [digest(day=date(2026, 2, 27))])
    write_folder(tmp_path, [digest()])
    lines = (tmp_path / "README.md").read_text(encoding="utf-8").splitlines()
    assert [line.partition("]")[0] for line in lines if line.startswith(("-", "##"))] == [
        "## March 2026",
        "- [2026-03-05",
        "## February 2026",
        "- [2026-02-27",
    ]


def test_a_silent_day_is_in_the_index_with_its_reason(tmp_path: Path) -> None:
    silent = digest(day=date(2026, 11, 27), silence="arXiv has no mailing, because of Thanksgiving.")
    write_folder(tmp_path, [silent])
    index = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "- [2026-11-27](2026-11-27.md): No mailing: arXiv has no mailing, because of Thanksgiving.\n" in index


def test_pages_are_linked_from_the_index(tmp_path: Path) -> None:
    write_folder(tmp_path, [digest()], with_pages=True)
    assert (tmp_path / "2026-03-05.html").read_text(encoding="utf-8") == render_digest_page(digest())
    assert "- [2026-03-05](2026-03-05.md) ([page](2026-03-05.html)): " in (tmp_path / "README.md").read_text()


def test_an_index_md_is_used_where_the_folder_has_no_readme(tmp_path: Path) -> None:
    (tmp_path / "index.md").write_text(README)
    written = write_folder(tmp_path, [digest()])
    assert (written[-1].path.name, (tmp_path / "README.md").exists()) == ("index.md", False)
    assert "Above." in (tmp_path / "index.md").read_text(encoding="utf-8")


def test_a_readme_that_is_not_an_index_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# My project\n")
    with pytest.raises(
        DigestNotWritten, match=f"README.md: the line {BEGIN} is missing; add it .*, or remove the file"
    ):
        write_folder(tmp_path, [digest()])
    assert (tmp_path / "README.md").read_text() == "# My project\n"


def test_other_files_of_the_folder_are_neither_listed_nor_touched(tmp_path: Path) -> None:
    others = {"notes.md": "# Notes\n", "2026-13-45.md": "# No day\n", "2026-03-04.md.bak": "x", "2026-03-03.md": "mine"}
    for name, text in others.items():
        (tmp_path / name).write_text(text)
    write_folder(tmp_path, [digest()])
    found = contents(tmp_path)
    assert {name: found[name] for name in others} == others
    assert found["README.md"].count("- [") == 2
    assert "- [2026-03-03](2026-03-03.md)\n" in found["README.md"]


def test_a_checkout_with_windows_line_endings_counts_as_unchanged(tmp_path: Path) -> None:
    write_folder(tmp_path, [digest()])
    path = tmp_path / "2026-03-05.md"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert [one.is_changed for one in write_folder(tmp_path, [digest()])] == [False, False]


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "digests").write_text("x")
    with pytest.raises(DigestNotWritten, match="digests: cannot be written"):
        write_folder(tmp_path / "digests", [digest()])


def test_an_index_of_nothing_is_empty() -> None:
    assert render_index([]) == "\n"


def test_an_index_is_sorted_whatever_the_order_of_the_files() -> None:
    entries = [
        IndexLine(date(2025, 12, 31), ""),
        IndexLine(date(2026, 1, 2), "b", has_page=True),
        IndexLine(date(2026, 1, 1), "a"),
    ]
    assert render_index(entries) == render_index(reversed(entries))


@pytest.mark.parametrize(
    ("text", "synopsis"),
    [
        ("# Title\n\nWhat it brought.\n\n> Note\n", "What it brought."),
        ("\ufeff# Title\r\n\r\nWhat it brought.\r\n", "What it brought."),
        ("No title\n\nText\n", ""),
        (f"# Title\n\n{BEGIN}\n", ""),
        ("# Title", ""),
        ("", ""),
    ],
)
def test_the_synopsis_is_the_first_line_below_the_title(text: str, synopsis: str) -> None:
    assert find_synopsis(text) == synopsis


# --- Between markers


def test_a_digest_replaces_what_stands_between_the_markers_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(README)
    assert write_between(path, digest()).is_changed
    assert path.read_text(encoding="utf-8") == README.replace("old\n", f"\n{render_body(digest())}\n")


def test_the_same_between_the_markers_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(README)
    write_between(path, digest())
    before = path.stat().st_ino, path.read_bytes()
    assert not write_between(path, digest()).is_changed
    assert (path.stat().st_ino, path.read_bytes()) == before


@pytest.mark.parametrize(
    "around", ["{}", "x{}y\n", "\n\n{}\n\n", "a\r\nb\n{}"], ids=["nothing", "lines", "gaps", "mixed"]
)
def test_what_stands_around_the_markers_stays_byte_for_byte(around: str) -> None:
    text = around.replace("{}", f"\n{BEGIN}\n{END}\n")
    above, below = text.split(f"{BEGIN}\n{END}")
    assert replace_between(text, "new\n") == f"{above}{BEGIN}\n\nnew\n\n{END}{below}"


def test_windows_line_endings_are_kept() -> None:
    text = README.replace("\n", "\r\n")
    replaced = replace_between(text, "a\n\nb\n")
    assert replaced == text.replace("old\r\n", "\r\na\r\n\r\nb\r\n\r\n")
    assert replace_between(replaced, "a\n\nb\n") == replaced


def test_a_file_that_is_no_utf_8_keeps_its_other_bytes(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_bytes(b"\xef\xbb\xbfcaf\xe9\n" + README.encode() + b"\xff")
    write_between(path, digest())
    assert path.read_bytes().startswith(b"\xef\xbb\xbfcaf\xe9\n# Mine")
    assert path.read_bytes().endswith(b"Below.\n\xff")


def test_markers_may_be_indented_and_followed_by_spaces() -> None:
    assert replace_between(f"  {BEGIN}  \nold\n\t{END} \nz", "new") == f"  {BEGIN}  \n\nnew\n\n\t{END} \nz"


def test_a_marker_within_a_line_is_text() -> None:
    text = f"Put `{BEGIN}` and `{END}` there.\n{README}"
    assert replace_between(text, "new") == text.replace("old\n", "\nnew\n\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("# Mine\n", f"the line {BEGIN} is missing; add it"),
        (f"{END}\n", f"the line {BEGIN} is missing; add it"),
        (f"{BEGIN}\n", f"the line {END} is missing; add it"),
        (f"{BEGIN}\n{BEGIN}\n{END}\n", f"the line {BEGIN} stands there 2 times; leave one"),
        (f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n{END}\n", f"the line {BEGIN} stands there 2 times; leave one"),
        (f"{BEGIN}\n{END}\n{END}\n{END}\n", f"the line {END} stands there 3 times; leave one"),
        (f"{END}\n{BEGIN}\n", f"the line {END} stands before {BEGIN}; swap them"),
    ],
    ids=["none", "no begin", "no end", "two begins", "two pairs", "three ends", "swapped"],
)
def test_markers_that_are_missing_doubled_or_swapped_are_an_error(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "README.md"
    path.write_text(text)
    with pytest.raises(DigestNotWritten, match=f"README.md: {told}"):
        write_between(path, digest())
    assert path.read_text() == text


def test_a_missing_file_is_an_error_that_says_what_to_put_in_it(tmp_path: Path) -> None:
    with pytest.raises(DigestNotWritten, match=f"README.md: is not there; make it, with the lines {BEGIN} and {END}"):
        write_between(tmp_path / "README.md", digest())


@pytest.mark.parametrize("marker", [BEGIN, END])
def test_a_summary_cannot_bring_markers_of_its_own(marker: str) -> None:
    hostile: Digest = digest(
        summarised(summary(("Results", f"```\n{marker}\n```\n\n- a\n\n  ```\n  {marker}\n  ```\n\n{marker}"))),
        item(paper=paper(title=marker, abstract=marker)),
    )
    once = replace_between(README, render_body(hostile))
    assert replace_between(once, render_body(hostile)) == once
    assert replace_between(once, "old") == replace_between(README, "old")


def test_bad_markers_raise_for_a_text_too() -> None:
    with pytest.raises(BadMarkers):
        replace_between("", "x")


# --- Writing


def test_a_file_keeps_its_mode_and_a_new_one_follows_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(README)
    path.chmod(0o640)
    write_between(path, digest())
    write_folder(tmp_path / "new", [digest()])
    (tmp_path / "plain").touch()
    modes = [stat.S_IMODE(one.stat().st_mode) for one in (path, tmp_path / "new" / "2026-03-05.md", tmp_path / "plain")]
    assert modes == [0o640, modes[2], modes[2]]


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "README.md").write_text(README)
    link = tmp_path / "README.md"
    link.symlink_to(tmp_path / "real" / "README.md")
    write_between(link, digest())
    assert (link.is_symlink(), "Paged Attention" in (tmp_path / "real" / "README.md").read_text()) == (True, True)


def test_a_failure_leaves_the_old_file_whole_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "README.md"
    path.write_text(README)

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DigestNotWritten, match=r"README\.md: cannot be written \(No space left on device\)"):
        write_between(path, digest())
    assert contents(tmp_path) == {"README.md": README}
