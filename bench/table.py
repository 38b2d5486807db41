"""One line of the table that `make bench` prints, and the printing. Every figure is a ratio within one run."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Literal

_VERSIONS = ("fastapi", "starlette", "uvicorn")
_OPTIONAL = ("uvloop", "httptools")
_HEAD = "| what | against | ratio (min–max) | aim | met | measured |\n|---|---|---|---|---|---|\n"


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure should be: at least or at most *bound*."""

    side: Literal[">=", "<="]
    bound: float

    def is_met_by(self, value: float) -> bool:
        return value >= self.bound if self.side == ">=" else value <= self.bound


def at_least(bound: float) -> Aim:
    return Aim(">=", bound)


def at_most(bound: float) -> Aim:
    return Aim("<=", bound)


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. *ratio* is the median of the rounds' ratios, *low* and *high* their least and greatest.

    A figure that is no ratio says its *unit*. *note* has what was measured, with units, for who wants to know more.
    """

    what: str
    against: str
    ratio: float
    low: float
    high: float
    aim: Aim | None = None
    unit: str = "×"
    note: str = ""


def compare(
    what: str, against: str, ours: Sequence[float], theirs: Sequence[float], aim: Aim | None = None, *, note: str = ""
) -> Row:
    """The row of *ours* over *theirs*, which were measured in turns: one figure each for a round, at least one."""
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return Row(what, against, median(ratios), min(ratios), max(ratios), aim, note=note)


def write_table(rows: Iterable[Row]) -> bool:
    """Write *rows* to the standard output as one Markdown table, each as it comes. Whether every aim is met."""
    is_met = True
    sys.stdout.write(f"{describe_machine()}\n\n{_HEAD}")
    for row in rows:
        is_met &= row.aim is None or row.aim.is_met_by(row.ratio)
        sys.stdout.write(render_row(row))
        sys.stdout.flush()
    return is_met


def render_row(row: Row) -> str:
    """The line of *row*, with its end. Vertical bars in the texts are escaped."""
    figure = f"{_digits(row.ratio)} {row.unit} ({_digits(row.low)}–{_digits(row.high)})"
    aim = f"{row.aim.side} {row.aim.bound:g} {row.unit}" if row.aim else ""
    met = "" if row.aim is None else "yes" if row.aim.is_met_by(row.ratio) else "**no**"
    cells = (row.what, row.against, figure, aim, met, row.note)
    return "".join(f"| {cell.replace('|', chr(92) + '|')} " for cell in cells) + "|\n"


def describe_machine() -> str:
    """Processor, cores, Python and the versions that the figures depend on, in one line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{_processor()}, {cores} cores, {platform.system()}, {python}; {', '.join(_versions())}"


def _versions() -> Iterator[str]:
    from importlib.util import find_spec  # noqa: PLC0415

    for name in (*_VERSIONS, *(name for name in _OPTIONAL if find_spec(name))):
        yield f"{name} {version(name)}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _digits(value: float) -> str:
    """*value* with three digits that count."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
