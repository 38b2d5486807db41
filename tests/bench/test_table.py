"""The table: ratios are those of each round, and an aim is met or not."""

from __future__ import annotations

import pytest

from bench.table import Aim, Row, at_least, at_most, compare, describe_machine, render_row, write_table


def row(**changes: object) -> Row:
    values: dict[str, object] = {"what": "reading", "against": "writing", "ratio": 1.0, "low": 0.5, "high": 2.0}
    return Row(**(values | changes))  # type: ignore[arg-type]  # the fields of a row


def test_the_ratio_is_the_median_of_the_rounds_and_not_the_ratio_of_medians() -> None:
    found = compare("a", "b", [10.0, 40.0, 90.0], [10.0, 10.0, 100.0])
    assert (found.ratio, found.low, found.high) == (1.0, 0.9, 4.0)


def test_rounds_that_were_not_measured_on_both_sides_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        compare("a", "b", [1.0, 2.0], [1.0])


@pytest.mark.parametrize(
    ("aim", "value", "is_met"),
    [
        (at_least(0.8), 0.8, True),
        (at_least(0.8), 0.79, False),
        (at_most(1.5), 1.5, True),
        (at_most(1.5), 1.51, False),
        (at_most(0), 0.0, True),
        (at_most(0), -1.0, True),
    ],
)
def test_a_bound_itself_is_good_enough(aim: Aim, value: float, *, is_met: bool) -> None:
    assert aim.is_met_by(value) is is_met


@pytest.mark.parametrize(
    ("changes", "cells"),
    [
        ({}, ["reading", "writing", "1.00 × (0.50–2.00)", "", "", ""]),
        ({"aim": at_most(1.5)}, ["reading", "writing", "1.00 × (0.50–2.00)", "<= 1.5 ×", "yes", ""]),
        ({"aim": at_least(1.2)}, ["reading", "writing", "1.00 × (0.50–2.00)", ">= 1.2 ×", "**no**", ""]),
        ({"ratio": 12.34, "unit": "kB"}, ["reading", "writing", "12.3 kB (0.50–2.00)", "", "", ""]),
        ({"ratio": 1234.5, "low": 0.0}, ["reading", "writing", "1,234 × (0–2.00)", "", "", ""]),
        ({"ratio": -0.25, "note": "less"}, ["reading", "writing", "-0.25 × (0.50–2.00)", "", "", "less"]),
    ],
)
def test_a_row_is_a_line_of_six_cells(changes: dict[str, object], cells: list[str]) -> None:
    assert [cell.strip() for cell in render_row(row(**changes)).strip().strip("|").split("|")] == cells


def test_a_bar_in_a_text_does_not_begin_a_cell() -> None:
    assert render_row(row(what="a|b")).startswith(r"| a\|b | writing |")


def test_the_machine_stands_before_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    write_table([row()])
    written = capsys.readouterr().out.splitlines()
    assert written[0] == describe_machine()
    assert [line.count("|") for line in written[2:]] == [7, 7, 7]


@pytest.mark.parametrize(("ratios", "is_met"), [((1.0, 1.0), True), ((1.0, 2.0), False), ((2.0, 1.0), False)])
def test_one_aim_that_is_missed_is_told(ratios: tuple[float, ...], *, is_met: bool) -> None:
    assert write_table(row(ratio=ratio, aim=at_most(1.5)) for ratio in ratios) is is_met
