"""Every benchmark, or those named, in one table: `python -m bench [NAME ...]`; `make bench` runs them all."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from importlib import import_module

from bench.table import Row, write_table

# Each has rows(), which measures and gives one row after the other.
NAMES = ("serving", "starting", "memory", "reading", "refresh", "matching", "personal", "crowd", "scale")


def main(names: Iterable[str]) -> None:
    """Run the benchmarks *names*, all where there are none."""
    chosen = tuple(names) or NAMES
    unknown = [name for name in chosen if name not in NAMES]
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}.")
    write_table(_measure(chosen))


def _measure(names: Iterable[str]) -> Iterator[Row]:
    for name in names:
        yield from import_module(f"bench.{name}").rows()


if __name__ == "__main__":
    main(sys.argv[1:])
