"""What every kind of answer has: one shape of problems, and the headers that keep browsers in check."""

from __future__ import annotations

import json

import httpx
import pytest
from starlette.exceptions import HTTPException

from api.edge import MOST_BODY_BYTES, MOST_PATH_CHARACTERS, MOST_QUERY_CHARACTERS
from api.problems import MEDIA_TYPE, AddressTooLong, BodyTooLarge, Problem, problem_response
from core.errors import Overloaded
from tests.api.running import SECRET, Running


def check_problem(answer: httpx.Response, status: int, code: str) -> None:
    """That *answer* is the one shape that all problems have."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, MEDIA_TYPE)
    assert answer.headers["Cache-Control"] == "no-store"
    document = Problem.model_validate_json(answer.content, strict=True)
    assert (document.status, document.code) == (status, code)


@pytest.mark.parametrize(
    ("request_line", "headers", "status", "code"),
    [
        ("GET /nothing", {}, 404, "unknown_address"),
        ("GET /rss/cs.XX", {}, 404, "unknown_scope"),
        ("TRACE /rss", {}, 405, "method_not_allowed"),
        ("FOO /rss", {}, 405, "method_not_allowed"),
        ("POST /rss", {"Content-Length": "65537"}, 413, "body_too_large"),
        ("POST /api/refresh", {"Content-Length": "9" * 30}, 413, "body_too_large"),
        ("POST /api/refresh", {"Content-Length": "9" * 5_000}, 413, "body_too_large"),
        ("POST /api/refresh", {"Content-Length": "0" * 20 + "10"}, 401, "unauthorised"),
        (f"GET /{'a' * MOST_PATH_CHARACTERS}", {}, 414, "address_too_long"),
        (f"GET /rss?q={'a' * MOST_QUERY_CHARACTERS}", {}, 414, "address_too_long"),
        (f"GET /?{'%61' * MOST_QUERY_CHARACTERS}b", {}, 414, "address_too_long"),
        ("GET /rss?limit=nan", {}, 422, "bad_query"),
        ("GET /api/cron", {}, 401, "unauthorised"),
    ],
)
def test_each_refusal_is_a_problem_of_one_shape(
    served: Running, request_line: str, headers: dict[str, str], status: int, code: str
) -> None:
    method, address = request_line.split(" ", 1)
    check_problem(served.ask_with(list(headers.items()), address, method), status, code)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (HTTPException(429, "Too many.", {"Retry-After": "5"}), 429, "too_many_requests"),
        (Overloaded("Too many requests are under way", retry_after_seconds=5), 503, "overloaded"),
        (RuntimeError("inside"), 500, "internal_error"),
        (BodyTooLarge(MOST_BODY_BYTES), 413, "body_too_large"),
        (AddressTooLong("path", 512), 414, "address_too_long"),
    ],
)
def test_what_no_request_brings_about_at_will_has_the_same_shape(error: Exception, status: int, code: str) -> None:
    response = problem_response(error, sample_data=False)
    check_problem(httpx.Response(status, headers=response.headers, content=bytes(response.body)), status, code)
    assert (response.headers.get("Retry-After") == "5") is (status in {429, 503})


def test_what_is_too_large_is_told_the_bound(served: Running) -> None:
    answer = served.ask_with([("Content-Length", "65537")], "/api/papers", "POST")
    assert answer.json()["detail"] == "A body has at most 65,536 bytes here, where nothing is read from one."
    answer = served.ask(f"/{'a' * 600}")
    assert answer.json()["detail"] == "The path of an address has at most 512 characters here; this one is longer."


@pytest.mark.parametrize(
    ("address", "is_too_long"),
    [
        pytest.param(f"/{'a' * 511}", False, id="a path of 512 characters"),
        pytest.param(f"/{'a' * 512}", True, id="of 513"),
        pytest.param(f"/rss?{'a' * 8_192}", False, id="a query of 8,192 characters"),
        pytest.param(f"/rss?{'%61' * 8_192}", False, id="that is longer as it is sent"),
        pytest.param(f"/rss?{'a' * 8_193}", True, id="of 8,193"),
        pytest.param(f"/rss?{'%61' * 8_193}", True, id="of 8,193 that is longer as it is sent"),
    ],
)
def test_an_address_may_be_as_long_as_it_is_told(served: Running, address: str, *, is_too_long: bool) -> None:
    assert (served.ask(address).status_code == 414) is is_too_long


@pytest.mark.parametrize("length", ["0", "65536", "", "five", "-1", "+70000", "\xb2"])
def test_other_lengths_of_a_body_are_let_through(served: Running, length: str) -> None:
    assert served.ask_with([("Content-Length", length)], "/rss").status_code == 200


SHARED = ["/rss", "/atom/cs.AI", "/jsonfeed", "/opml", "/api/papers", "/api/config", "/config", "/health", "/rss/cs.XX"]
NOT_SHARED = ["/", "/build", "/docs", "/static/page.css", "/nothing", "/api/cron", "/api/refresh", "/update-cache"]


@pytest.mark.parametrize("address", SHARED)
def test_scripts_of_other_sites_may_read_what_is_for_readers_and_programs(served: Running, address: str) -> None:
    asked = served.ask(address, "OPTIONS", Origin="https://a.example", Access_Control_Request_Method="GET")
    headers = served.ask(address, Origin="https://a.example").headers
    assert (asked.status_code, headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert "Access-Control-Allow-Credentials" not in headers
    assert asked.headers["Access-Control-Allow-Methods"] == "GET, HEAD"


@pytest.mark.parametrize("address", NOT_SHARED)
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
def test_scripts_of_other_sites_may_read_nothing_else(served: Running, address: str, method: str) -> None:
    sent = {"Origin": "https://a.example", "Access_Control_Request_Method": "POST"}
    headers = served.ask(address, method, **sent).headers
    assert [name for name in headers if name.startswith("access-control")] == []


def test_the_secret_cannot_be_sent_by_a_script_of_another_site(served: Running) -> None:
    asked = served.ask(
        "/api/refresh",
        "OPTIONS",
        Origin="https://a.example",
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="authorization",
        Authorization=f"Bearer {SECRET}",
    )
    assert (asked.status_code, json.loads(asked.content)["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("address", [*SHARED, *NOT_SHARED])
def test_every_answer_lets_a_browser_load_nothing_of_others(served: Running, address: str) -> None:
    headers = served.ask(address, Accept="text/html").headers
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "no-referrer")
    policy = set(headers["Content-Security-Policy"].split("; "))
    assert policy >= {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"}
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert any(rule.startswith("form-action") for rule in policy)
