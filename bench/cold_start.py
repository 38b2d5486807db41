"""How long a process that was not running takes to its first feed byte, and how big its code is.

`python -m bench.cold_start` prints both. The store is filled with the sample week beforehand, so nothing is asked of
anybody. Each time is a whole process, from its start; the unit is what `import fastapi` costs in the same interpreter,
measured in turns with it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping
from http.client import HTTPConnection
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement  # pytest brings it

from api.wiring import build_service
from core.intake import Report
from core.settings import PROJECT_FOLDER, Settings, load_settings
from demo.sample import Sample, open_sample

_RUNS = 7
_PATHS = ("/rss", "/atom/cs.AI", "/jsonfeed", "/api/papers")
_GIVE_UP_SECONDS = 30.0


def main() -> None:
    """Fill a store, start processes in turns, print a table."""
    with open_sample(load_settings({})) as sample:
        asyncio.run(_fill(sample))
        environment = _environment(sample.settings)
        seconds: dict[str, list[float]] = {name: [] for name in ("import fastapi", *_PATHS)}
        for _ in range(_RUNS):
            seconds["import fastapi"].append(_time_import())
            for path in _PATHS:
                seconds[path].append(_time_first_byte(path, environment))
    unit = statistics.median(seconds["import fastapi"])
    for name, measured in seconds.items():
        median = statistics.median(measured)
        sys.stdout.write(f"{name:16} {median * 1000:7.0f} ms  {median / unit:5.2f} x\n")
    for name, left_out in (("code", ""), ("without DashScope", "dashscope")):
        sys.stdout.write(f"{name:17} {_measure_code(left_out) / 2**20:6.1f} MiB\n")


async def _fill(sample: Sample) -> None:
    service = build_service(sample.settings)
    try:
        await sample.refresh_through_week(service.freshness.refresh, tell=_say_nothing)
    finally:
        await service.close()


def _say_nothing(_day: object, _report: Report) -> None:
    """The benchmark shows only times."""


def _environment(settings: Settings) -> Mapping[str, str]:
    names = ("arxiv_rss_base", "arxiv_api_base", "arxiv_base", "store_url")
    return {**os.environ, **{name.upper(): str(getattr(settings, name)) for name in names}}


def _time_import() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import fastapi"], check=True)
    return time.perf_counter() - started


def _time_first_byte(path: str, environment: Mapping[str, str]) -> float:
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", "api.index:app", "--port", str(port), "--log-level", "error"]
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=PROJECT_FOLDER, env=environment)
    try:
        _read_first_byte(port, path, started + _GIVE_UP_SECONDS)
        return time.perf_counter() - started
    finally:
        process.terminate()
        process.wait()


def _read_first_byte(port: int, path: str, give_up_at: float) -> None:
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=_GIVE_UP_SECONDS)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
        except ConnectionError:
            if time.perf_counter() > give_up_at:
                raise
            time.sleep(0.002)
        else:
            if response.status != 200 or not response.read(1):
                raise SystemExit(f"{path} answered {response.status}")
            return
        finally:
            connection.close()


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


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
