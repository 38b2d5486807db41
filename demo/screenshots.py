"""Pictures of every page in light, dark and on a phone: `python -m demo.screenshots [folder]`, `make screenshots`.

The service runs in a process of its own on sample data, with summaries in English. Two of the pictures, which the
README shows, go to docs/images as well.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from urllib.error import URLError
from urllib.request import urlopen

from demo.browser import Browser, Scheme, open_browser

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"

_VIEWS: tuple[tuple[str, int, Scheme], ...] = (
    ("light", 1200, "light"),
    ("dark", 1200, "dark"),
    ("phone", 360, "light"),
)
_PAGES = {
    "papers": "/?mailing={mailing}",
    "paper": "/paper/{paper}",
    "feeds": "/feeds",
    "build": "/build?cat=cs.CL&cat=cs.LG&q=kernel+OR+cache+OR+decoding",
    "mistake": "/build?q=attention+OR&limit=0",
    "status": "/status",
    "about": "/about",
    "docs": "/docs#get-api-papers",
    "problem": "/paper/none",
}
_IN_README = {"papers-light": 880, "build-dark": 860}  # px of each
_PUBLIC = "https://feeds.example.org"  # what the pictures show, the same in each run
_WINDOW_HEIGHT = 1800  # px; what sticks to the window is then whole
_PAUSE_SECONDS = 0.2
_START_SECONDS = 60.0


@contextmanager
def _serve_sample(folder: Path) -> Iterator[str]:
    """The address of a service on sample data, when its summaries are written."""
    config = json.loads((ROOT / "config.json").read_text(encoding="utf-8"))
    config["ai_summary"]["language"] = "en"
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    base = f"http://localhost:{port}"
    variables = {**os.environ, "CONFIG_FILE": str(folder / "config.json"), "BASE_URL": _PUBLIC}
    command = [sys.executable, "-m", "core", "demo", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.DEVNULL) as process:  # noqa: S603
        try:
            _wait_for_summaries(base)
            yield base
        finally:
            process.terminate()


def _wait_for_summaries(base: str) -> None:
    """Return when the service has written what it had to write. Raises TimeoutError."""
    end = monotonic() + _START_SECONDS
    while monotonic() < end:
        try:
            with urlopen(f"{base}/api/status") as answer:  # noqa: S310
                if json.load(answer)["summaries"]["last_run"]:
                    return
        except URLError:
            pass  # it does not listen yet
        sleep(_PAUSE_SECONDS)
    raise TimeoutError(f"{base} wrote no summaries in time")


def _find_example(base: str) -> dict[str, str]:
    """A paper, and its mailing, for the addresses that need one."""
    with urlopen(f"{base}/api/papers?limit=1") as answer:  # noqa: S310
        (best,) = json.load(answer)["items"]
    return {"paper": best["id"], "mailing": best["mailing"]}


def _picture(browser: Browser, base: str, folder: Path) -> None:
    example = _find_example(base)
    for name, address in _PAGES.items():
        with browser.open(base + address.format(**example)) as page:
            for view, width, scheme in _VIEWS:
                page.show_as(width=width, height=_WINDOW_HEIGHT, scheme=scheme)
                (folder / f"{name}-{view}.png").write_bytes(page.take_picture())
                if height := _IN_README.get(f"{name}-{view}"):
                    (folder / f"readme-{name}.png").write_bytes(page.take_picture(height=height))


def main(folder: Path) -> None:
    """Take all pictures into *folder*, and put those of the README where it looks for them."""
    folder.mkdir(parents=True, exist_ok=True)
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as own, _serve_sample(Path(own)) as base, open_browser() as browser:
        _picture(browser, base, folder)
    for name in _IN_README:
        page = name.partition("-")[0]
        shutil.copyfile(folder / f"readme-{page}.png", IMAGES / f"{page}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "data" / "screenshots")
