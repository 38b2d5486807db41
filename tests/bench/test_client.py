"""The client of the benchmarks reads exactly what a server sent, in however many pieces it comes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.client import Connection, answer_bytes, build_request, run_load

HEAD = b'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nETag: "a:b"\r\nContent-Length: 5\r\n\r\n'
KNOWN = b'HTTP/1.1 304 Not Modified\r\netag: "a"\r\n\r\n'


@contextmanager
def server(*pieces: bytes) -> Iterator[int]:
    """A port where each request of every connection is answered with *pieces*, sent one by one."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_serve, args=(listening, pieces), daemon=True)
        thread.start()
        yield listening.getsockname()[1]


def _serve(listening: socket.socket, pieces: tuple[bytes, ...]) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:  # the test is over
            return
        threading.Thread(target=_answer, args=(connection, pieces), daemon=True).start()


def _answer(connection: socket.socket, pieces: tuple[bytes, ...]) -> None:
    with connection:
        while connection.recv(4096):
            for piece in pieces:
                connection.sendall(piece)


@pytest.mark.parametrize("pieces", [(HEAD + b"12345",), (HEAD, b"12345"), (HEAD[:20], HEAD[20:], b"123", b"45")])
def test_an_answer_is_read_to_its_end(pieces: tuple[bytes, ...]) -> None:
    with server(*pieces) as port, Connection(port) as connection:
        replies = [connection.exchange(build_request("/")) for _ in range(2)]
    assert [(reply.status, reply.head, reply.body) for reply in replies] == [(200, HEAD, b"12345")] * 2


def test_headers_are_found_by_their_lower_case_names() -> None:
    with server(HEAD + b"12345") as port, Connection(port) as connection:
        reply = connection.exchange(build_request("/"))
    assert reply.headers == {"content-type": "text/plain", "etag": '"a:b"', "content-length": "5"}


def test_what_was_on_the_wire_is_counted_with_its_head() -> None:
    with server(KNOWN) as port, Connection(port) as connection:
        assert connection.exchange(build_request("/")).wire_bytes == len(KNOWN)


def test_a_connection_that_ends_too_early_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, Connection(listening.getsockname()[1]) as connection:
        accepted, _ = listening.accept()
        accepted.close()
        with pytest.raises(ConnectionError):
            connection.exchange(build_request("/"))


@pytest.mark.parametrize(
    ("beginning", "size"),
    [
        (HEAD, len(HEAD) + 5),
        (HEAD + b"123", len(HEAD) + 5),
        (KNOWN, len(KNOWN)),
        (HEAD + b"\r\nContent-Length: 9", len(HEAD) + 5),
    ],
)
def test_the_length_of_an_answer_follows_from_its_head(beginning: bytes, size: int) -> None:
    assert answer_bytes(beginning) == size


def test_an_answer_that_does_not_say_its_length_is_refused() -> None:
    with pytest.raises(ValueError, match="Content-Length"):
        answer_bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n")


def test_a_request_has_what_a_feed_reader_sends() -> None:
    lines = build_request("/rss", {"If-None-Match": '"a"'}).decode().split("\r\n")
    assert lines == [
        "GET /rss HTTP/1.1",
        "Host: 127.0.0.1",
        "User-Agent: bench",
        "Accept: */*",
        'If-None-Match: "a"',
        "",
        "",
    ]


def test_the_generator_counts_whole_answers() -> None:
    with server(HEAD, b"12345") as port:
        load = run_load(port, build_request("/"), connections=2, seconds=0.05)
    assert load.requests >= 2
    assert 0 < load.p50_seconds <= load.p99_seconds <= load.seconds


def test_the_generator_refuses_to_measure_errors() -> None:
    from subprocess import CalledProcessError

    with server(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n") as port, pytest.raises(CalledProcessError):
        run_load(port, build_request("/"), connections=1, seconds=0.05)
