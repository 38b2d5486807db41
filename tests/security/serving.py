"""A real server process on loopback, asked byte by byte, so that no client tidies up what a stranger would send."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from demo.standin import ArxivStandIn
from tests.api.running import CONFIG, PUBLIC, write_config

ROOT = Path(__file__).resolve().parents[2]
LONGEST_ANSWER_SECONDS = 1.0  # of this processor's time a hostile request may cost
_START_SECONDS = 30.0
_SOCKET_SECONDS = 20.0
_TICKS = os.sysconf("SC_CLK_TCK")

# Every setting that is secret, with a text that stands nowhere else.
CANARIES: Mapping[str, str] = {
    "CRON_SECRET": "canary-of-the-cron-5e1f",
    "DASHSCOPE_API_KEY": "sk-canary-of-the-model-77ab",
    "REDIS_URL": "redis://canary-user-31c9:canary-of-the-store-9d02@127.0.0.1:1/0",
    "SMTP_PASSWORD": "canary-of-the-mail-c44e",
}
CANARY_TEXTS = (*CANARIES.values(), "canary-user-31c9", "canary-of-the-store-9d02")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; status 0 where it closed the connection without a word."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def everything(self) -> bytes:
        return repr(dict(self.headers)).encode() + self.body


@dataclass(frozen=True, slots=True)
class Server:
    """A server on *port*, whose log is in the file *log*."""

    port: int
    log: Path
    process: subprocess.Popen[bytes]

    def send(self, request: bytes, *, method: str = "GET") -> Answer:
        """The answer to *request* as it stands; *method* says whether a body follows."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=_SOCKET_SECONDS) as connection:
            connection.sendall(request)
            response = HTTPResponse(connection, method=method)
            try:
                response.begin()
                return Answer(response.status, dict(response.getheaders()), response.read())
            except (HTTPException, ConnectionResetError):
                return Answer(0)

    def ask(self, target: str | bytes, *headers: str | bytes, method: str = "GET", body: bytes = b"") -> Answer:
        """The answer to *method* on *target* with *headers* as whole lines, in a request that is otherwise honest."""
        lines = [b"%s %s HTTP/1.1" % (method.encode(), _bytes(target)), b"Host: reader.invalid", b"Connection: close"]
        return self.send(b"\r\n".join([*lines, *map(_bytes, headers), b"", body]), method=method)

    @property
    def processor_seconds(self) -> float:
        """What the process has used so far, which a busy machine does not change; the time of day without /proc."""
        statistics = Path(f"/proc/{self.process.pid}/stat")
        if not statistics.exists():
            return time.monotonic()
        fields = statistics.read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def log_text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


@contextmanager
def serving(folder: Path, arxiv: ArxivStandIn, **variables: str) -> Iterator[Server]:
    """A server that asks *arxiv* only and has *variables* besides the canaries; nothing is stored yet."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONUNBUFFERED": "1",
        "CONFIG_FILE": str(write_config(folder, CONFIG)),
        "STORE_URL": f"sqlite:///{folder / 'papers.sqlite3'}",
        "ARXIV_RSS_BASE": arxiv.rss_base,
        "ARXIV_API_BASE": arxiv.api_base,
        "ARXIV_BASE": arxiv.base,
        "ARXIV_MIN_INTERVAL_SECONDS": "0",
        "BASE_URL": PUBLIC,
        **CANARIES,
        **variables,
    }
    log = folder / "server.log"
    with socket.create_server(("127.0.0.1", 0)) as listening, log.open("wb") as output:
        command = [sys.executable, "-m", "uvicorn", "api.index:app", "--fd", str(listening.fileno())]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={name: value for name, value in environment.items() if value},
            pass_fds=[listening.fileno()],
            stdout=output,
            stderr=output,
        )
        server = Server(listening.getsockname()[1], log, process)
        try:
            _wait_until_ready(server)
            yield server
        finally:
            process.terminate()
            process.wait(_START_SECONDS)


def _wait_until_ready(server: Server) -> None:
    """The socket listens from the start, so the first answer is the sign; it takes as long as the start does."""
    deadline = time.monotonic() + _START_SECONDS
    while server.ask("/favicon.ico").status != 200:
        if time.monotonic() > deadline or server.process.poll() is not None:
            raise AssertionError(f"The server does not start: {server.log_text}")


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")
