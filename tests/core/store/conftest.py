"""One server for all tests of the shared store, and one event loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.core.store.redis_server import RunningRedis, server_for_tests
from tests.core.store.running import close_loop


@pytest.fixture(scope="session", autouse=True)
def _event_loop() -> Iterator[None]:
    yield
    close_loop()


@pytest.fixture(scope="session")
def _server() -> Iterator[RunningRedis]:
    try:
        with server_for_tests() as server:
            yield server
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture
def server(_server: RunningRedis) -> RunningRedis:
    """The server, empty."""
    _server.ask("FLUSHDB")
    return _server


@pytest.fixture
def redis_url(server: RunningRedis) -> str:
    """The address of an empty database."""
    return server.url
