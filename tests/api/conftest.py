"""One service for all tests that only ask, and one of its own for each test that changes anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.standin import ArxivStandIn
from tests.api.running import WEEK, Running, refresh_through_week, running


@pytest.fixture
def arxiv() -> Iterator[ArxivStandIn]:
    with ArxivStandIn(WEEK) as standin:
        yield standin


@pytest.fixture
def empty(tmp_path: Path, arxiv: ArxivStandIn) -> Iterator[Running]:
    """A service that has nothing stored yet."""
    with running(tmp_path, arxiv) as service:
        yield service


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service that has seen the whole week. For asking only: all tests share it, with its clock."""
    with ArxivStandIn(WEEK) as standin, running(tmp_path_factory.mktemp("served"), standin) as service:
        refresh_through_week(service, standin)
        yield service


@pytest.fixture(scope="session")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The same with sample data."""
    folder = tmp_path_factory.mktemp("sampled")
    with ArxivStandIn(WEEK) as standin, running(folder, standin, sample_data=True) as service:
        refresh_through_week(service, standin)
        yield service


@pytest.fixture(scope="session")
def unasked() -> Iterator[ArxivStandIn]:
    """The stand-in that `cold` would ask; for tests in which nothing may be asked."""
    with ArxivStandIn(WEEK) as standin:
        yield standin


@pytest.fixture(scope="session")
def cold(tmp_path_factory: pytest.TempPathFactory, unasked: ArxivStandIn) -> Iterator[Running]:
    """A service that has nothing stored. For requests that are refused: all tests share it."""
    with running(tmp_path_factory.mktemp("cold"), unasked) as service:
        yield service


@pytest.fixture(scope="session")
def closed(tmp_path_factory: pytest.TempPathFactory, unasked: ArxivStandIn) -> Iterator[Running]:
    """The same without a secret."""
    with running(tmp_path_factory.mktemp("closed"), unasked, cron_secret=None) as service:
        yield service
