"""Build this checkout as Vercel does, serve what comes out with Vercel's runtime, and ask it for every kind of address.

`make vercel-build` runs it. The builder is Vercel's own, from npm, and takes the dependencies from PyPI; arXiv is our
stand-in, and Vercel is asked nothing and told nothing. Where node or a Python that Vercel offers is missing, it says so
and ends well. What stands around a function there (the CDN, the cron, the firewall) is not in it.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.mailings import newest_mailing
from demo.standin import ArxivStandIn
from demo.week import last_mailing_day, mailing_week

CHECKOUT = Path(__file__).resolve().parents[1]
PYTHONS = ("python3.12", "python3.13", "python3.14")  # what Vercel offers, in its order
CLI = ("npx", "--yes", "vercel@64")
SECRET = "a-secret-of-this-check"  # noqa: S105 - of a service that lives for seconds

_MEBIBYTE = 2**20
_BUILD_SECONDS = 900.0
_START_SECONDS = 30.0
_ANSWER_SECONDS = 60.0

RSS, ATOM = "application/rss+xml; charset=utf-8", "application/atom+xml; charset=utf-8"
JSON, FEED_JSON = "application/json", "application/feed+json; charset=utf-8"
HTML, CSS, PROBLEM = "text/html; charset=utf-8", "text/css; charset=utf-8", "application/problem+json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for a request; the body as it was sent, compressed or not."""

    status: int
    headers: HTTPMessage
    body: bytes


@dataclass(frozen=True, slots=True)
class Case:
    """A request, and what its answer must be; *has* must be in the body."""

    path: str
    status: int = 200
    media_type: str | None = None
    method: str = "GET"
    sent: Mapping[str, str] = field(default_factory=dict)
    got: Mapping[str, str] = field(default_factory=dict)
    has: bytes = b""

    def find_fault(self, answer: Answer) -> str | None:
        """What is wrong with *answer*, None for nothing."""
        expected = {**({"Content-Type": self.media_type} if self.media_type else {}), **self.got}
        if answer.status != self.status:
            return f"{self.status} is expected"
        for name, value in expected.items():
            if answer.headers[name] != value:
                return f"{name} is {answer.headers[name]!r} and not {value!r}"
        if self.method == "HEAD" and answer.body:
            return "HEAD has a body"
        return None if self.has in answer.body else f"{self.has!r} is not in it"


ON_VERCEL = {"VERCEL": "1", "VERCEL_PROJECT_PRODUCTION_URL": "feeds.example.org", "CRON_SECRET": SECRET}
BEARER = {"Authorization": f"Bearer {SECRET}"}

# Where nobody has set anything.
CASES_WITHOUT_SETTINGS = (
    Case("/", media_type=HTML, has=b"/rss"),
    Case("/rss", media_type=RSS, has=b"<channel>"),
    Case("/rss?q=cat:cs", media_type=RSS, has=b"<item>"),
    Case("/atom?q=cat:cs", media_type=ATOM, has=b"<entry>"),
    Case("/jsonfeed?q=cat:cs", media_type=FEED_JSON, has=b'"date_published"'),
    Case("/status", media_type=HTML, got={"Cache-Control": "no-store"}),
    Case("/docs", media_type=HTML, has=b"openapi"),
    Case("/openapi.json", media_type=JSON, has=b'"/rss/{scope}"'),
    Case("/static/page.css", media_type=CSS),
    Case("/static/icon.svg", media_type="image/svg+xml"),
    Case("/favicon.ico", media_type="image/x-icon"),
    Case("/opml", media_type="text/x-opml; charset=utf-8", has=b"<opml"),
    Case("/health", media_type=JSON, has=b'"ok"', got={"Cache-Control": "no-store"}),
    Case("/api/status", media_type=JSON),
    Case("/api/feeds", media_type=JSON),
    Case("/api/categories", media_type=JSON, has=b'"cs.AI"'),
    Case("/api/config", media_type=JSON),
    Case("/config", media_type=JSON),
    Case("/api/cron", 403, PROBLEM, got={"Cache-Control": "no-store"}),
    Case("/update-cache", 403, PROBLEM),
    Case("/nothing", 404, PROBLEM, got={"Cache-Control": "no-store"}),
    Case("/rss/", 404, PROBLEM),
    Case("/api/index", 404, PROBLEM),
    Case("/api/index.py", 404, PROBLEM),
    Case("/core/config.py", 404, PROBLEM),
    Case("/tests/builders.py", 404, PROBLEM),
    Case("/pyproject.toml", 404, PROBLEM),
    Case("/config.json", 404, PROBLEM),
    Case("/vercel.json", 404, PROBLEM),
    Case("/_vendor/fastapi/__init__.py", 404, PROBLEM),
)

# On Vercel, with a secret.
CASES_WITH_SECRET = (
    Case("/rss", media_type=RSS, has=b"https://feeds.example.org/rss"),
    Case("/", media_type=HTML, method="HEAD"),
    Case("/opml", media_type="text/x-opml; charset=utf-8", has=b"https://feeds.example.org/rss"),
    Case("/rss/cs.AI", media_type=RSS, has=b"cs.AI"),
    Case("/rss/cs.AI+cs.LG?q=cat:cs", media_type=RSS, has=b"<item>"),
    Case("/rss/cs.AI%2Bcs.LG?q=cat:cs", media_type=RSS, has=b"<item>"),
    Case("/atom/cs.LG?q=cat:cs&limit=3&utm_source=reader", media_type=ATOM, has=b"<entry>"),
    Case("/jsonfeed/cs.CL?q=model+OR+cat:cs&limit=3", media_type=FEED_JSON, has=b'"date_published"'),
    Case("/rss", media_type=RSS, method="HEAD"),
    Case("/rss", media_type=RSS, sent={"Accept-Encoding": "gzip"}, got={"Content-Encoding": "gzip"}),
    Case("/rss", media_type=RSS, sent={"Accept-Encoding": "br, gzip"}, got={"Content-Encoding": "br"}),
    Case("/rss", 304, sent={"If-None-Match": "*"}),
    Case("/atom", 304, sent={"If-None-Match": "*"}, method="HEAD"),
    Case("/rss?limit=0", 422, PROBLEM, got={"Cache-Control": "no-store"}),
    Case("/rss/cs.XX", 404, PROBLEM, got={"Cache-Control": "no-store"}),
    Case("/api/papers?q=cat:cs&limit=2", media_type=JSON, has=b'"score"'),
    Case("/api/status", media_type=JSON, has=b'"cs.AI"'),
    Case("/api/cron", 401, PROBLEM),
    Case("/api/cron", 401, PROBLEM, sent={"Authorization": "Bearer another"}),
    Case("/api/cron", 401, PROBLEM, sent={"User-Agent": "vercel-cron/1.0", "x-vercel-cron-schedule": "30 5 * * *"}),
    Case("/api/cron", media_type=JSON, sent=BEARER, got={"Cache-Control": "no-store"}, has=b'"received"'),
    Case("/api/cron", media_type=JSON, sent=BEARER, has=b'"new":0'),
    Case("/api/refresh", media_type=JSON, method="POST", sent=BEARER),
)


@dataclass(frozen=True, slots=True)
class Tools:
    """A folder with what the builder looks for, and the interpreter that runs the bundle."""

    folder: Path
    python: Path
    cli: Sequence[str]


class Skipped(Exception):
    """This machine lacks something; the message says what."""


def main() -> None:
    """Build, serve, ask, print a line for each request. Exits with 1 where an answer is wrong."""
    with TemporaryDirectory(prefix="vercel-") as folder:
        try:
            tools = _find_tools(Path(folder))
        except Skipped as reason:
            _say(f"vercel-build: skipped, {reason}")
            return
        bundle = _build(_copy_checkout(Path(folder) / "checkout"), Path(folder), tools)
        _say(f"bundle: {measure_mebibytes(bundle):.1f} MiB unpacked, of 225 that Vercel takes as they are")
        count = _check(bundle, tools, Path(folder))
    if count:
        sys.exit(f"{count} answers are wrong")
    _say("every answer is as it should be")


def _check(bundle: Path, tools: Tools, folder: Path) -> int:
    """How many answers of *bundle* are wrong."""
    with ArxivStandIn(mailing_week(last_mailing_day(newest_mailing(datetime.now(UTC))))) as arxiv:
        _say("\nwith nothing set but where arXiv's stand-in is")
        with serving(bundle, tools.python, lead_to(arxiv), folder=folder / "bare") as port:
            faults = [_ask_and_tell(port, case) for case in CASES_WITHOUT_SETTINGS]
        _say("\nwith what Vercel sets, and a secret")
        with serving(bundle, tools.python, {**lead_to(arxiv), **ON_VERCEL}, folder=folder / "set") as port:
            faults += [_ask_and_tell(port, case) for case in CASES_WITH_SECRET]
    return sum(faults)


def lead_to(arxiv: ArxivStandIn) -> Mapping[str, str]:
    return {
        "ARXIV_RSS_BASE": arxiv.rss_base,
        "ARXIV_API_BASE": arxiv.api_base,
        "ARXIV_BASE": arxiv.base,
        "ARXIV_MIN_INTERVAL_SECONDS": "0",
    }


def _ask_and_tell(port: int, case: Case) -> bool:
    """Whether the answer to *case* is wrong; a line says what it was."""
    answer = ask(port, case)
    fault = case.find_fault(answer)
    media_type = (answer.headers["Content-Type"] or "-").partition(";")[0]
    coding = answer.headers["Content-Encoding"] or "-"
    sent = " ".join(f"{name}: {value}" for name, value in case.sent.items())
    line = f"{answer.status} {media_type:26} {coding:5} {len(answer.body):8,} {case.method:5}{case.path}  {sent}"
    _say(line.rstrip() + (f"\n    WRONG: {fault}" if fault else ""))
    return fault is not None


def ask(port: int, case: Case) -> Answer:
    connection = HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)
    try:
        connection.request(case.method, case.path, headers=dict(case.sent))
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def measure_mebibytes(bundle: Path) -> float:
    return sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file()) / _MEBIBYTE


def _find_tools(folder: Path) -> Tools:
    """The tools, with a uv of its own in *folder* where the machine has none. Raises Skipped."""
    cli = os.environ.get("VERCEL_CLI", "").split() or list(CLI)
    if shutil.which(cli[0]) is None:
        raise Skipped(f"{cli[0]} is not installed; it comes with Node.js (https://nodejs.org)")
    python = next((found for found in map(_find_interpreter, PYTHONS) if found), None)
    if python is None:
        raise Skipped(f"none of {', '.join(PYTHONS)} is in PATH, and Vercel runs nothing older")
    tools = folder / "tools"
    tools.mkdir()
    (tools / f"python{_version_of(python)}").symlink_to(python)
    (tools / "uv").symlink_to(shutil.which("uv") or _install_uv(python, folder / "uv"))
    return Tools(tools, python, cli)


def _find_interpreter(name: str) -> Path | None:
    """The interpreter that *name* starts, without a version manager's wrapper or a virtual environment around it."""
    try:
        command = [name, "-c", "import sys; print(sys._base_executable)"]
        run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return None
    return Path(run.stdout.strip()).resolve() if run.returncode == 0 else None


def _version_of(python: Path) -> str:
    command = [str(python), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    return subprocess.check_output(command, text=True).strip()  # noqa: S603


def _install_uv(python: Path, folder: Path) -> Path:
    # The builder would install it for the user otherwise.
    subprocess.run([python, "-m", "venv", folder], check=True)  # noqa: S603
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", "uv"], check=True)  # noqa: S603
    return folder / "bin" / "uv"


def _copy_checkout(target: Path) -> Path:
    """A copy of what git knows or would take up, as it is now: what a push would send."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.check_output(command, cwd=CHECKOUT, text=True).split("\0")  # noqa: S603
    for name in filter(None, names):
        if (CHECKOUT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, target / name)
    return target


def _build(checkout: Path, folder: Path, tools: Tools) -> Path:
    """The folder of the one function that Vercel's builder makes of *checkout*."""
    (checkout / ".vercel").mkdir()
    # What `vercel link` would write, without a preset, so that vercel.json decides.
    project = {"projectId": "prj_local", "orgId": "team_local", "settings": {"framework": None}}
    (checkout / ".vercel" / "project.json").write_text(json.dumps(project), encoding="utf-8")
    # On Vercel 3.12 is taken because pyproject.toml admits it; here the machine's python3 might be older.
    (checkout / ".python-version").write_text(_version_of(tools.python), encoding="utf-8")
    command = [*tools.cli, "build", "--yes", "--standalone", "--output", str(folder / "output")]
    environment = {
        **os.environ,
        "PATH": f"{tools.folder}{os.pathsep}{os.environ['PATH']}",
        "VERCEL_TELEMETRY_DISABLED": "1",
        "NO_UPDATE_NOTIFIER": "1",
    }
    command += ["--global-config", str(folder / "no-account")]
    run = subprocess.run(  # noqa: S603
        command, cwd=checkout, env=environment, stdin=subprocess.DEVNULL, check=False, timeout=_BUILD_SECONDS
    )
    if run.returncode:
        sys.exit(f"the build failed: {' '.join(command)}")
    functions = sorted((folder / "output" / "functions").rglob("*.func"))
    if len(functions) != 1:
        sys.exit(f"one function is expected, and not {', '.join(path.name for path in functions) or 'none'}")
    return functions[0]


@contextmanager
def serving(bundle: Path, python: Path, variables: Mapping[str, str], *, folder: Path) -> Iterator[int]:
    """The port on which *bundle* answers, with nothing but *variables* in its environment and its files in *folder*.

    The runtime says where it listens over a Unix socket, and logs there too; the log goes to standard error.
    """
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "ipc"))
        listening.listen(1)
        listening.settimeout(_START_SECONDS)
        settings = json.loads((bundle / ".vc-config.json").read_text(encoding="utf-8"))
        environment = {**settings["environment"], **variables, "VERCEL_IPC_PATH": str(folder / "ipc")}
        process = subprocess.Popen(  # noqa: S603
            [python, "vc__handler__python.py"], cwd=bundle, env={**environment, "TMPDIR": str(folder)}
        )
        try:
            yield _wait_for_port(listening)
        finally:
            process.terminate()
            process.wait()


def _wait_for_port(listening: socket.socket) -> int:
    connection, _ = listening.accept()
    connection.settimeout(_START_SECONDS)
    messages = _messages(connection)
    first = next(messages, None)
    if first is None or first["type"] != "server-started":
        sys.exit(f"the bundle did not start: {first['payload']['message'] if first else 'it ended without a word'}")
    connection.settimeout(None)
    threading.Thread(target=_tell_logs, args=(messages,), daemon=True).start()
    port: int = first["payload"]["httpPort"]
    return port


def _messages(connection: socket.socket) -> Iterator[dict[str, Any]]:
    """What the runtime says, until it ends; its messages are JSON and end in a zero byte."""
    received = b""
    while chunk := connection.recv(65_536):
        *whole, received = (received + chunk).split(b"\0")
        yield from map(json.loads, whole)


def _tell_logs(messages: Iterator[dict[str, Any]]) -> None:
    for message in messages:
        if message["type"] == "log":
            text = base64.b64decode(message["payload"]["message"]).decode(errors="replace")
            sys.stderr.write(f"    log: {text.rstrip()}\n")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
