from __future__ import annotations

import socket

import pytest

from api.server import bind
from core.errors import BadConfig


def test_a_free_port_is_listened_on() -> None:
    with bind("127.0.0.1", 0) as listening:
        address = listening.getsockname()
        with socket.create_connection(address, timeout=5) as client:
            assert client.getpeername() == address


def test_a_port_that_is_taken_is_refused_with_what_to_do() -> None:
    with bind("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(BadConfig, match=rf"127\.0\.0\.1 port {port} .*; PORT or --port names another"):
            bind("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(BadConfig, match=r"192\.0\.2\.1"):  # RFC 5737: nobody's
        bind("192.0.2.1", 8000)


@pytest.mark.parametrize("host", ["\u00e9..x", "a b"])
def test_a_host_that_cannot_be_is_told_in_a_line(host: str) -> None:
    with pytest.raises(BadConfig, match=r"cannot listen on .* \(there is no such host\)"):
        bind(host, 8000)
