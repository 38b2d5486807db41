"""How long a process that was not running takes to its first byte of each kind of answer, and how big its code is.

`python -m bench.cold_start` prints both. The store is filled with the sample week beforehand, so nothing is asked of
anybody. Each time is a whole process, from its start; the unit is what `import fastapi` costs in the same interpreter,
measured in turns with it. `bench/starting.py` holds the default feed against a bare application.
"""

from __future__ import annotations

import statistics
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement  # pytest brings it

from bench.servers import OURS, environment_of, open_filled_sample
from bench.starting import time_first_byte, time_import
from core.settings import PROJECT_FOLDER

_RUNS = 7
_PATHS = ("/rss", "/atom/cs.AI", "/jsonfeed", "/api/papers")


def main() -> None:
    """Fill a store, start processes in turns, print a table."""
    with open_filled_sample() as sample:
        environment = environment_of(sample.settings)
        seconds: dict[str, list[float]] = {name: [] for name in ("import fastapi", *_PATHS)}
        for _ in range(_RUNS):
            seconds["import fastapi"].append(time_import("fastapi", environment).passed)
            for path in _PATHS:
                seconds[path].append(time_first_byte(OURS, path, environment).passed)
    unit = statistics.median(seconds["import fastapi"])
    for name, measured in seconds.items():
        median = statistics.median(measured)
        sys.stdout.write(f"{name:16} {median * 1000:7.0f} ms  {median / unit:5.2f} x\n")
    for name, left_out in (("code", ""), ("without DashScope", "dashscope")):
        sys.stdout.write(f"{name:17} {_measure_code(left_out) / 2**20:6.1f} MiB\n")


def _measure_code(left_out: str) -> int:
    """Bytes of our code and what it needs, without bytecode and without the distribution *left_out* and its own needs.

    What Vercel's builder makes has some 9 MiB more, most of it pip and the runtime; `make vercel-build` tells its size.
    """
    project = tomllib.loads((PROJECT_FOLDER / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    waiting = [Requirement(text) for text in project["dependencies"]]
    files = {path for folder in ("api", "core") for path in (PROJECT_FOLDER / folder).rglob("*")}
    done = {left_out}
    while waiting:
        wanted = waiting.pop()
        if wanted.name in done or not _applies(wanted, {""}):
            continue
        done.add(str(wanted))
        found = distribution(wanted.name)
        files |= {Path(str(file.locate())) for file in found.files or () if ".." not in file.parts}
        needed = (Requirement(text) for text in found.requires or ())
        waiting += [one for one in needed if _applies(one, {"", *wanted.extras}) and str(one) not in done]
    return sum(path.stat().st_size for path in files if path.is_file() and path.suffix != ".pyc")


def _applies(requirement: Requirement, extras: set[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras)


if __name__ == "__main__":
    main()
