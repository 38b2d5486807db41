"""Requests made up from our OpenAPI document: every answer is one that the document promises."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.security.conftest import Besieged

FEW, MANY = 12, 100  # requests for each operation
OPERATIONS = [
    *((f"/{kind}", "GET") for kind in ("rss", "atom", "jsonfeed", "opml")),
    *((f"/{kind}/{{scope}}", "GET") for kind in ("rss", "atom", "jsonfeed")),
    *((f"/api/{name}", "GET") for name in ("papers", "explain", "feeds", "categories", "config", "status", "cron")),
    ("/api/papers/{paper_id}", "GET"),
    ("/api/refresh", "POST"),
    ("/config", "GET"),
    ("/health", "GET"),
]

every_operation = pytest.mark.parametrize(("path", "method"), OPERATIONS)


@pytest.fixture(scope="session")
def schema(besieged: Besieged) -> Any:  # Any: schemathesis', which takes a second to import
    schemathesis = importlib.import_module("schemathesis")
    return schemathesis.openapi.from_url(f"http://127.0.0.1:{besieged.server.port}/openapi.json")


def check(schema: Any, path: str, method: str, *, count: int) -> None:
    """Sends *count* requests that fit the operation, and as many that do not."""
    mode = importlib.import_module("schemathesis").GenerationMode
    openapi = importlib.import_module("schemathesis.specs.openapi.checks")
    left_out = [openapi.positive_data_acceptance]  # no schema tells what a query or an identifier is
    operation = schema[path][method]
    strategies = [operation.as_strategy(generation_mode=one) for one in (mode.POSITIVE, mode.NEGATIVE)]

    @settings(max_examples=2 * count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.one_of(strategies))
    def ask(case: Any) -> None:
        case.call_and_validate(excluded_checks=left_out)

    ask()


def test_every_operation_is_asked(schema: Any) -> None:
    assert {(one.ok().path, one.ok().method.upper()) for one in schema.get_all_operations()} == set(OPERATIONS)


@every_operation
def test_some_requests_are_answered_as_documented(schema: Any, path: str, method: str) -> None:
    check(schema, path, method, count=FEW)


@pytest.mark.soak
@every_operation
def test_many_requests_are_answered_as_documented(schema: Any, path: str, method: str) -> None:
    check(schema, path, method, count=MANY)
