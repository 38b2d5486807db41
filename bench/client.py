"""HTTP on a raw socket, as cheap as Python allows, so that what is measured is the server.

`python -m bench.client` is the load generator: it reads what to do from its standard input and writes what it measured
to its standard output. It imports nothing of the project, and is a process of its own so that it shares no interpreter
with whoever reads the figures.
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

_ROOT = Path(__file__).resolve().parents[1]
_TIMEOUT_SECONDS = 30.0
_CHUNK_BYTES = 1 << 20
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_WITHOUT_BODY = (204, 304)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it was on the wire: status, the head with its empty line, the body as it was encoded."""

    status: int
    head: bytes
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """By lower-case name; of a name that comes twice the last one."""
        lines = self.head.decode("latin-1").split("\r\n")[1:-2]
        return {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}

    @property
    def wire_bytes(self) -> int:
        return len(self.head) + len(self.body)


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of the generator measured; *busy* is its own share of CPU time, near 1 where it was the limit."""

    requests: int
    seconds: float
    p50_seconds: float
    p99_seconds: float
    busy: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


class Connection:
    """One connection that is kept, to a server on this machine. Raises OSError where it cannot be made or breaks."""

    def __init__(self, port: int) -> None:
        self._socket = _connect(port)

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._socket.close()

    def exchange(self, request: bytes) -> Reply:
        """Send *request*, and read one answer to its end."""
        self._socket.sendall(request)
        received = self._receive(b"")
        while (end := received.find(_END)) < 0:
            received = self._receive(received)
        end += len(_END)
        size = answer_bytes(received)
        while len(received) < size:
            received = self._receive(received)
        return Reply(int(received[9:12]), received[:end], received[end:])

    def _receive(self, before: bytes) -> bytes:
        chunk = self._socket.recv(_CHUNK_BYTES)
        if not chunk:
            raise ConnectionResetError("the server closed the connection before the end of its answer")
        return before + chunk


def build_request(path: str, headers: Mapping[str, str] | None = None) -> bytes:
    """A GET for *path* as a feed reader sends it, with *headers* besides."""
    sent = {"Host": "127.0.0.1", "User-Agent": "bench", "Accept": "*/*", **(headers or {})}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {text}" for name, text in sent.items())]
    return "\r\n".join((*lines, "", "")).encode("latin-1")


def answer_bytes(beginning: bytes) -> int:
    """How long the answer is that starts with *beginning*, its head at least. Raises ValueError if it is chunked."""
    end = beginning.index(_END)
    if int(beginning[9:12]) in _WITHOUT_BODY:
        return end + len(_END)
    length = _LENGTH.search(beginning, 0, end)
    if length is None:
        raise ValueError("an answer without Content-Length cannot be measured")
    return end + len(_END) + int(length[1])


def run_load(port: int, request: bytes, *, connections: int, seconds: float) -> Load:
    """Send *request* again and again on as many *connections*, from another process, for *seconds*.

    Raises CalledProcessError where an answer is none that was expected: not 200 and not 304, or cut off.
    """
    task = {"port": port, "request": request.decode("latin-1"), "connections": connections, "seconds": seconds}
    command = [sys.executable, "-m", "bench.client"]
    ended = subprocess.run(command, cwd=_ROOT, input=json.dumps(task), capture_output=True, text=True, check=True)
    return Load(**json.loads(ended.stdout))


def main() -> None:
    """Carry out one task of `run_load`."""
    task = json.loads(sys.stdin.read())
    request = task["request"].encode("latin-1")
    sockets = [_connect(task["port"]) for _ in range(task["connections"])]
    started, busy = time.perf_counter(), time.process_time()
    latencies = sorted(_drive(sockets, request, started + task["seconds"]))
    elapsed = time.perf_counter() - started
    load = Load(
        requests=len(latencies),
        seconds=elapsed,
        p50_seconds=latencies[len(latencies) // 2],
        p99_seconds=latencies[len(latencies) * 99 // 100],
        busy=(time.process_time() - busy) / elapsed,
    )
    sys.stdout.write(json.dumps(asdict(load)))


def _connect(port: int) -> socket.socket:
    connected = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_SECONDS)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


@dataclass(slots=True)
class _Waiting:
    """A request that was sent at *started*: how much of its answer is there, and how long that is once it is known."""

    socket: socket.socket
    started: float
    received: int = 0
    size: int = 0


def _drive(sockets: Sequence[socket.socket], request: bytes, until: float) -> list[float]:
    """The seconds that each answer took, of all requests that were sent before *until*."""
    latencies: list[float] = []
    buffer = memoryview(bytearray(_CHUNK_BYTES))
    with selectors.DefaultSelector() as selector:
        for one in sockets:
            selector.register(one, selectors.EVENT_READ, _Waiting(one, time.perf_counter()))
            one.sendall(request)
        while selector.get_map():
            for key, _ in selector.select():
                waiting: _Waiting = key.data
                if not _read_on(waiting, buffer):
                    continue
                now = time.perf_counter()
                latencies.append(now - waiting.started)
                if now >= until:
                    selector.unregister(waiting.socket)
                else:
                    waiting.started, waiting.received, waiting.size = now, 0, 0
                    waiting.socket.sendall(request)
    return latencies


def _read_on(waiting: _Waiting, buffer: memoryview) -> bool:
    """Read what has come of an answer; whether that is all of it. The head comes in one piece, as servers send it."""
    count = waiting.socket.recv_into(buffer)
    if not count:
        raise ConnectionResetError("the server closed the connection before the end of its answer")
    if not waiting.received:
        beginning = bytes(buffer[: min(count, 4096)])
        if beginning[9:12] not in (b"200", b"304"):
            raise ValueError(f"the server answered {beginning[9:12].decode()}")
        waiting.size = answer_bytes(beginning)
    waiting.received += count
    return waiting.received >= waiting.size


if __name__ == "__main__":
    main()
