"""No cell of a model's table is lost, whatever GFM says of its bars."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from core.summaries.rendering import render_feed
from core.summaries.tables import is_delimiter, read_header, read_rows


def cells(markdown: str) -> list[list[str]]:
    """What stands in each row of the tables of *markdown*, as a feed shows it."""
    tree = html.fromstring(f"<div>{render_feed(markdown)}</div>")
    return [[" ".join(" ".join(map(str, cell.itertext())).split()) for cell in row] for row in tree.iter("tr")]


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        pytest.param("| a | b |\n|---|---|\n| `||w||` | 1 |", [["a", "b"], ["||w||", "1"]], id="code"),
        pytest.param("| a | b |\n|---|---|\n| $|w|$ | 1 |", [["a", "b"], ["|w|", "1"]], id="a formula"),
        pytest.param("| |Δ| | b |\n|---|---|\n| x | 1 |", [["|Δ|", "b"], ["x", "1"]], id="a size in the header"),
        pytest.param("| a | b |\n|---|---|\n| (|V|=9) | ||w|| |", [["a", "b"], ["(|V|=9)", "||w||"]], id="sizes"),
        pytest.param("| a | b |\n|--|--|\n|x|y|", [["a", "b"], ["x", "y"]], id="bars without spaces"),
        pytest.param("|a|b|c|\n|-|-|-|\n|x|y|z|", [["a", "b", "c"], ["x", "y", "z"]], id="narrow rows"),
        pytest.param("| a | b |\n|--|--|\n| x \\| y | z |", [["a", "b"], ["x | y", "z"]], id="a marked bar"),
        pytest.param(
            "| a | b |\n|---|---|\n| 1 | 2 | 3 | 4 |\n| 5 |",
            [["a", "b", "", ""], ["1", "2", "3", "4"], ["5", "", "", ""]],
            id="rows that are longer than their header",
        ),
        pytest.param(
            "| a | b |\n|---|---|\n| 1 | 2 |\n\n| 3 | 4 |\n| 5 | 6 |",
            [["a", "b"], ["1", "2"], ["3", "4"], ["5", "6"]],
            id="groups parted by an empty line",
        ),
        pytest.param(
            "| a | b |\n|---|---|\n| 1 | 2 |\n\n| c | d |\n|---|---|\n| 3 | 4 |",
            [["a", "b"], ["1", "2"], ["c", "d"], ["3", "4"]],
            id="two tables",
        ),
        pytest.param(
            "| a | f |\n|---|---|\n| x<br>$$\ny^2 =\n4\n$$ | 1 |\n| z | 2 |",
            [["a", "f"], ["x y² = 4", "1"], ["z", "2"]],
            id="a formula of several lines",
        ),
        pytest.param(
            "| a | f |\n|---|---|\n| $$ | 1 |\n| z | 2 |", [["a", "f"], ["$$", "1"], ["z", "2"]], id="no formula"
        ),
        pytest.param("> | a |\n> |---|\n> | 1 | 2 |", [["a", ""], ["1", "2"]], id="in a quotation"),
        pytest.param("- x\n\n  | a |\n  |---|\n  | 1 | 2 |\n\n  y", [["a", ""], ["1", "2"]], id="in a list"),
        pytest.param("```\n| a |\n|---|\n| 1 | 2 |\n```", [], id="in code"),
        pytest.param("    | a |\n    |---|\n    | 1 |", [], id="in indented code"),
        pytest.param("a | b\n--- | ---\n1 | 2 | 3", [["a", "b", ""], ["1", "2", "3"]], id="without bars around"),
        pytest.param("| a | b |\n|---|---|", [["a", "b"]], id="a header alone"),
        pytest.param("| a | b |\n|---|", [], id="a delimiter of fewer cells"),
    ],
)
def test_every_cell_is_shown(markdown: str, expected: list[list[str]]) -> None:
    assert cells(markdown) == expected


def test_what_a_very_long_row_has_beyond_goes_into_its_last_cell() -> None:
    found = cells(f"| a |\n|---|\n|{'|'.join(map(str, range(100)))}|")
    assert [len(row) for row in found] == [40, 40]
    assert found[1][:39] == [str(number) for number in range(39)]
    assert found[1][39] == "|".join(map(str, range(39, 100)))


def test_bars_in_code_blocks_stay_as_they_are() -> None:
    block = "```\n| $a|b$ |\n```\n\n    | echo $A| grep $B"
    assert html.fromstring(f"<div>{render_feed(block)}</div>").xpath("//code/text()") == [
        "| $a|b$ |\n",
        "| echo $A| grep $B\n",
    ]


@pytest.mark.parametrize("line", ["|---|---|", "| :-- | --: |", "--- | ---", "-", " |-| "])
def test_a_line_of_dashes_and_bars_is_a_delimiter(line: str) -> None:
    assert is_delimiter(line)


@pytest.mark.parametrize("line", ["", "|", "| a |", "||", "--- a", "- x", "|---||---|", ":"])
def test_any_other_line_is_none(line: str) -> None:
    assert not is_delimiter(line)


@given(st.lists(st.text(alphabet="|`$ax \\-", max_size=12), min_size=1, max_size=6))
def test_each_line_is_in_one_row(lines: list[str]) -> None:
    table = ["| a | b |", "|---|---|", *lines]
    header = read_header(table[0], table[1])
    assert header is not None
    rows = read_rows(header, lambda place: table[place] if place < len(table) else None, cells=99)
    assert 2 <= sum(row.lines for row in rows) <= len(table)
    assert len(rows[0].text.strip("|").split("|")) >= 2


@given(st.lists(st.text(alphabet="|ax -", max_size=12), min_size=1, max_size=6))
def test_no_letter_of_a_table_is_lost(lines: list[str]) -> None:
    markdown = "\n".join(["| a | b |", "|---|---|", *lines])
    shown = "".join(map(str, html.fromstring(f"<div>{render_feed(markdown)}</div>").itertext()))
    assert [shown.count(letter) for letter in "abx"] == [markdown.count(letter) for letter in "abx"]
