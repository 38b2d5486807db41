"""What a refresh costs, from the bytes of arXiv to those of the feed: `python -m bench refresh`.

Four feeds of 300 and of 1,000 entries: parsed, merged, scored, stored, rendered by the service; and the same by the
origin's way (`bench/origin.py`), which stores nothing. Each contender works in a process of its own, in turns. A first
refresh there loads what has to be loaded and tells the memory; the following ones are measured in CPU time, each with
nothing stored before. Both have the 30 keywords of config.json.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.footprint import read_peak
from bench.table import Row, at_least, at_most, compare

_PROJECT_FOLDER = Path(__file__).resolve().parent.parent
SIZES = {300: 1_040, 1_000: 3_480}  # about as many entries in each of four feeds, and papers in all
ROUNDS = 3
REFRESHES = 3  # in one process
_NOW = datetime(2026, 3, 6, 6, tzinfo=UTC)  # an hour after the mailing
_CONTENDERS = ("ours", "origin", "nothing")


def rows() -> Iterator[Row]:
    """Time and memory for each size."""
    for size, papers in SIZES.items():
        with TemporaryDirectory() as folder:
            _write_feeds(Path(folder), papers)
            measured: dict[str, list[tuple[float, float]]] = {name: [] for name in _CONTENDERS}
            for _ in range(ROUNDS):
                for name in _CONTENDERS:
                    measured[name].append(_run(name, folder))
        yield from _compare(f"4 × {size:,} entries", measured)


def _compare(what: str, measured: dict[str, list[tuple[float, float]]]) -> Iterator[Row]:
    (ours, our_peak), (origin, origin_peak), (_, bare) = (zip(*measured[name], strict=True) for name in _CONTENDERS)
    note = f"ours {median(ours):.0f} ms, origin {median(origin):.0f} ms of CPU"
    yield compare(f"refresh of {what}: times as fast", "the origin's way", origin, ours, at_least(8), note=note)
    used, origin_used = (
        [peak - least for peak, least in zip(one, bare, strict=True)] for one in (our_peak, origin_peak)
    )
    note = f"ours {median(used):.0f} MB, origin {median(origin_used):.0f} MB above a bare interpreter"
    yield compare(f"refresh of {what}: peak memory", "the origin's way", used, origin_used, at_most(0.5), note=note)


def _run(name: str, folder: str) -> tuple[float, float]:
    """Milliseconds of CPU for a refresh by the contender *name*, and megabytes of its process at their most."""
    command = [sys.executable, "-m", "bench.refresh", name, folder]
    done = subprocess.run(command, cwd=_PROJECT_FOLDER, check=True, capture_output=True, text=True)
    milliseconds, megabytes = json.loads(done.stdout)
    return milliseconds, megabytes


def main(name: str, folder: Path) -> None:
    """Be the contender *name*: refresh from the feeds in *folder*, and print what `_run` reads."""
    refresh = {"ours": _prepare_ours, "origin": _prepare_origin, "nothing": _prepare_nothing}[name](folder)
    refresh()
    peak = read_peak()
    spent = []
    for _ in range(REFRESHES):
        gc.collect()
        started = time.process_time()
        refresh()
        spent.append(1_000 * (time.process_time() - started))
    sys.stdout.write(json.dumps([median(spent), peak]))


def _prepare_nothing(_: Path) -> Callable[[], object]:
    return lambda: None


def _prepare_origin(folder: Path) -> Callable[[], object]:
    from bench import origin  # noqa: PLC0415 - a contender pays for what it needs itself, and for nothing else

    settings = json.loads((_PROJECT_FOLDER / "config.json").read_text(encoding="utf-8"))
    config = origin.OriginConfig(settings["keywords"], settings["exclude_keywords"], settings["max_papers"])
    return lambda: origin.refresh(((folder / one).read_bytes() for one in settings["categories"]), config)


def _prepare_ours(folder: Path) -> Callable[[], object]:
    import asyncio  # noqa: PLC0415 - as above

    from bench import ours  # noqa: PLC0415
    from core.config import load_config  # noqa: PLC0415

    config = load_config(_PROJECT_FOLDER / "config.json")

    def read(name: str) -> bytes:
        return (folder / name).read_bytes()

    async def refresh_from_nothing() -> None:
        with TemporaryDirectory() as store_folder:
            parts = ours.join(config, read, path=Path(store_folder) / "papers.sqlite3", now=_NOW)
            await ours.refresh(parts)
            await parts.store.close()

    return lambda: asyncio.run(refresh_from_nothing())


def _write_feeds(folder: Path, papers: int) -> None:
    """What arXiv answers in a mailing of so many *papers*, whatever of the categories it is asked for."""
    from bench.made_up import CATEGORIES, WEEK, Inventor, announce  # noqa: PLC0415 - brings lxml

    listings = Inventor().invent_mailing(papers, day=WEEK[-1])
    for asked in (CATEGORIES, CATEGORIES[:2], CATEGORIES[2:], *((category,) for category in CATEGORIES)):
        (folder / "+".join(asked)).write_bytes(announce(listings, asked, WEEK[-1]))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
