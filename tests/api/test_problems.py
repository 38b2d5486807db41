from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from api.problems import MEDIA_TYPE, Problem, problem_response
from core.errors import (
    ArxivFeedsError,
    BadQuery,
    NothingStored,
    SourceMalformed,
    SourceUnavailable,
    StoreUnavailable,
    UnknownPaper,
    UnknownScope,
)
from demo.standin import ArxivStandIn, Fault
from tests.api.running import SECRET, Headers, Running, running


def problem(answer: httpx.Response) -> dict[str, Any]:
    """The problem document that *answer* is, after checking what all of them have in common."""
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Traceback" not in answer.text
    document: dict[str, Any] = answer.json()
    Problem.model_validate(document, strict=True)
    assert document["status"] == answer.status_code
    return document


@pytest.mark.parametrize(
    ("error", "status", "code", "retry_after"),
    [
        (UnknownScope("cs.XX", "Did you mean cs.LG?"), 404, "unknown_scope", None),
        (UnknownPaper("2401.01234"), 404, "unknown_paper", None),
        (BadQuery("limit", "is too large"), 422, "bad_query", None),
        (NothingStored("Nothing yet.", retry_after_seconds=42), 503, "nothing_stored", "42"),
        (NothingStored("Nothing yet.", retry_after_seconds=0), 503, "nothing_stored", "1"),
        (SourceUnavailable("https://rss", "no answer", retry_after_seconds=90.2), 503, "arxiv_unavailable", "91"),
        (SourceUnavailable("https://rss", "no answer", retry_after_seconds=0.0), 503, "arxiv_unavailable", "1"),
        (SourceUnavailable("https://rss", "no answer"), 503, "arxiv_unavailable", "60"),
        (SourceMalformed("it is empty"), 502, "arxiv_malformed", None),
        (StoreUnavailable("/secret/path is locked"), 503, "store_unavailable", "30"),
        (ArxivFeedsError("of a new kind: /secret/path"), 500, "internal_error", None),
        (RuntimeError("/secret/path"), 500, "internal_error", None),
    ],
)
def test_each_error_has_its_status_and_code(error: Exception, status: int, code: str, retry_after: str | None) -> None:
    response = problem_response(error, sample_data=False)
    answer = httpx.Response(response.status_code, headers=response.headers, content=bytes(response.body))
    document = problem(answer)
    assert (document["status"], document["code"], answer.headers.get("Retry-After")) == (status, code, retry_after)
    assert "/secret" not in answer.text


@pytest.mark.parametrize(
    "address", ["/rss/{}", "/atom/{}", "/jsonfeed/{}", "/api/papers?scope={}", "/api/explain?id=2603.90001&scope={}"]
)
@pytest.mark.parametrize(
    ("scope", "hint"),
    [
        ("cs.XX", "https://arxiv.org/category_taxonomy"),
        ("cs.LGG", "cs.LG"),
        ("cs.AI+cs.XX", "https://arxiv.org/category_taxonomy"),
        ("sistems", "Did you mean the profile 'systems'?"),
        ("SYSTEMS", "Did you mean the profile 'systems'?"),
        ("systems+cs.AI", "'systems' is a profile, and only categories can be joined."),
        ("cs.AI+cs.LX", "Of its parts 'cs.LX' is no category. Did you mean cs."),
        ("cs.AI,cs.LG", "Categories are joined by +, as in cs.AI+cs.LG."),
        ("cs.AI+", "https://arxiv.org/category_taxonomy"),
        ("<script>", "https://arxiv.org/category_taxonomy"),
        ("%00%FF", "https://arxiv.org/category_taxonomy"),
    ],
)
def test_an_unknown_scope_is_refused_with_a_hint_and_without_asking_arxiv(
    cold: Running, unasked: ArxivStandIn, address: str, scope: str, hint: str
) -> None:
    document = problem(cold.ask(address.format(scope.replace("+", "%2B") if "?" in address else scope)))
    assert (document["status"], document["code"], unasked.requests) == (404, "unknown_scope", ())
    assert hint in document["detail"]


def test_a_feed_of_very_many_categories_is_refused_without_asking_arxiv(cold: Running, unasked: ArxivStandIn) -> None:
    names = [one["id"] for one in cold.ask("/api/categories").json()["categories"]][:21]
    document = problem(cold.ask(f"/rss/{'+'.join(names)}"))
    assert (document["status"], unasked.requests) == (404, ())
    assert "at most 20 categories" in document["detail"]


@pytest.mark.parametrize(
    "address",
    [
        "/nothing",
        "/rss/",
        "/rss/cs.AI/more",
        "/RSS",
        "/feed.xml",
        "/api",
        "/static/../wiring.py",
        "/static/none",
        "/%00",
    ],
)
def test_an_unknown_address_is_a_404_that_leads_to_the_page_and_never_a_redirect(served: Running, address: str) -> None:
    document = problem(served.ask(address))
    assert (document["status"], document["code"]) == (404, "unknown_address")
    assert "the page /feeds lists all feeds" in document["detail"]


@pytest.mark.parametrize(
    ("address", "method", "allowed"),
    [
        ("/", "POST", "GET, HEAD"),
        ("/rss", "POST", "GET, HEAD, OPTIONS"),
        ("/rss/cs.AI", "DELETE", "GET, HEAD, OPTIONS"),
        ("/api/papers", "PUT", "GET, HEAD, OPTIONS"),
        ("/api/papers/2401.01234", "PATCH", "GET, HEAD, OPTIONS"),
        ("/health", "POST", "GET, HEAD, OPTIONS"),
        ("/api/cron", "POST", "GET, HEAD"),
        ("/api/refresh", "GET", "POST"),
        ("/update-cache", "DELETE", "GET, HEAD, POST"),
        ("/docs", "POST", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(served: Running, address: str, method: str, allowed: str) -> None:
    answer = served.ask(address, method)
    document = problem(answer)
    assert (document["status"], document["code"], answer.headers["Allow"]) == (405, "method_not_allowed", allowed)
    assert allowed.removesuffix(", OPTIONS") in document["detail"]


def test_a_guarded_route_that_takes_post_only_tells_head_so(served: Running) -> None:
    answer = served.ask("/api/refresh", "HEAD")
    assert (answer.status_code, answer.headers["Allow"], answer.content) == (405, "POST", b"")


SELECTING = ("/rss", "/atom/cs.AI", "/jsonfeed/systems", "/api/papers", "/api/explain")
LISTING = ("/rss", "/api/papers")


@pytest.mark.parametrize(
    ("addresses", "query", "parameter"),
    [
        (SELECTING, "types=", "types"),
        (SELECTING, "types=old", "types"),
        (SELECTING, "types=new,old", "types"),
        (SELECTING, "types=new;cross", "types"),
        (SELECTING, "types=new,new,new,new,new", "types"),
        (SELECTING, "types=new%0A", "types"),
        (SELECTING, "min_score=-0.1", "min_score"),
        (SELECTING, "min_score=1000001", "min_score"),
        (SELECTING, "min_score=nan", "min_score"),
        (SELECTING, "min_score=inf", "min_score"),
        (SELECTING, "min_score=much", "min_score"),
        (SELECTING, "days=0", "days"),
        (SELECTING, "days=31", "days"),
        (SELECTING, "days=1.5", "days"),
        (SELECTING, "days=", "days"),
        (SELECTING, "mailing=yesterday", "mailing"),
        (SELECTING, "mailing=2026-02-30", "mailing"),
        (SELECTING, "mailing=2026-13-01", "mailing"),
        (LISTING, "limit=0", "limit"),
        (LISTING, "limit=501", "limit"),
        (LISTING, "limit=-1", "limit"),
        (LISTING, "limit=many", "limit"),
        (LISTING, "limit=1_0", "limit"),
        (SELECTING, "keyword=LLM", "keyword"),
        (SELECTING, "LIMIT=5", "LIMIT"),
        (SELECTING, "days=3&days=3", "days"),
        (SELECTING, "types=new&types=cross", "types"),
        (SELECTING, "unknown&unknown", "unknown"),
        (("/opml", "/api/feeds", "/api/papers/2401.01234"), "x=1&x=2", "x"),
        (("/rss",), "cursor=x", "cursor"),
        (("/api/papers",), "cursor=x", "cursor"),
        (("/api/papers",), "cursor=W10", "cursor"),  # []
        (("/api/papers",), "cursor=WzAsIEluZmluaXR5LCAieCJd", "cursor"),  # [0, Infinity, "x"]
        (("/api/papers",), "cursor=WzAsIDFlOTk5LCAieCJd", "cursor"),  # [0, 1e999, "x"]
        (("/api/papers",), "cursor=W05hTiwwLDAsMCwiYSJd", "cursor"),  # [NaN,0,0,0,"a"]
        (("/api/papers",), "cursor=%C3%A9", "cursor"),
        (("/api/papers",), f"cursor={'W' * 301}", "cursor"),
        (("/api/explain",), "", "id"),
        (("/api/explain",), f"id={'1' * 61}", "id"),
        ((f"/rss/{'c' * 301}",), "", "scope"),
        (("/api/papers",), f"scope={'c' * 301}", "scope"),
    ],
)
def test_a_bad_parameter_is_named(
    cold: Running, unasked: ArxivStandIn, addresses: tuple[str, ...], query: str, parameter: str
) -> None:
    for address in addresses:
        document = problem(cold.ask(f"{address}?{query}"))
        assert (document["status"], document["code"]) == (422, "bad_query")
        assert parameter in [one["parameter"] for one in document["errors"]]
        assert parameter in document["detail"]
    assert unasked.requests == ()


def test_all_bad_parameters_are_named_at_once(served: Running) -> None:
    document = problem(served.ask("/rss?limit=0&days=99&x=1"))
    assert sorted(one["parameter"] for one in document["errors"]) == ["days", "limit", "x"]


GUARDED = [
    ("/api/refresh", "POST"),
    ("/api/cron", "GET"),
    ("/api/cron", "HEAD"),
    ("/update-cache", "GET"),
    ("/update-cache", "POST"),
]
guarded = pytest.mark.parametrize(("address", "method"), GUARDED)


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        b"",
        b"Bearer",
        b"Bearer ",
        b"Bearer wrong",
        b"Bearer " + SECRET.encode() + b"x",
        b"Bearer " + SECRET.encode()[:-1],
        b"Bearer " + SECRET.upper().encode(),
        b"Basic " + SECRET.encode(),
        SECRET.encode(),
        b"Bearer s\xe9same",
        "Bearer sésame\u2026".encode(),
        b"Bearer \x00",
    ],
)
@guarded
def test_without_the_right_token_a_guarded_route_asks_for_it(
    cold: Running, unasked: ArxivStandIn, address: str, method: str, authorization: bytes | None
) -> None:
    headers: Headers = [] if authorization is None else [("Authorization", authorization)]
    answer = cold.ask_with(headers, address, method)
    assert (answer.status_code, answer.headers["WWW-Authenticate"], unasked.requests) == (401, "Bearer", ())
    if method != "HEAD":
        assert problem(answer)["code"] == "unauthorised"
        assert SECRET not in answer.text


@pytest.mark.parametrize("authorization", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {} "])
@guarded
def test_the_right_token_opens_a_guarded_route(
    empty: Running, arxiv: ArxivStandIn, address: str, method: str, authorization: str
) -> None:
    answer = empty.ask(address, method, Authorization=authorization.format(SECRET))
    asked = [request.path for request in arxiv.requests if request.path.startswith("/rss/")]
    assert (answer.status_code, answer.headers["Cache-Control"], len(asked)) == (200, "no-store", 1)


def test_a_secret_beyond_ascii_is_taken_as_it_was_sent(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    with running(tmp_path, arxiv, cron_secret="sésame-sésame-sésame") as service:
        sent = [("Authorization", "Bearer sésame-sésame-sésame".encode())]
        assert service.ask_with(sent, "/api/refresh", "POST").status_code == 200


@pytest.mark.parametrize("authorization", [None, "Bearer ", "Bearer None", f"Bearer {SECRET}"])
@guarded
def test_without_a_secret_a_guarded_route_is_closed_to_everybody(
    closed: Running, unasked: ArxivStandIn, address: str, method: str, authorization: str | None
) -> None:
    headers: Headers = [] if authorization is None else [("Authorization", authorization)]
    answer = closed.ask_with(headers, address, method)
    assert (answer.status_code, unasked.requests) == (403, ())
    if method != "HEAD":
        assert problem(answer)["code"] == "closed"


def test_an_empty_secret_is_none(tmp_path: Path, unasked: ArxivStandIn) -> None:
    with running(tmp_path, unasked, cron_secret="") as service:
        assert service.ask("/api/refresh", "POST", Authorization="Bearer ").status_code == 403


def test_the_secret_is_no_parameter(served: Running) -> None:
    assert problem(served.ask(f"/update-cache?secret={SECRET}&token={SECRET}"))["status"] == 401


@pytest.mark.parametrize(
    "address", ["/rss", "/atom", "/jsonfeed", "/rss/hep-th", "/api/papers", "/api/explain?id=2603.90001"]
)
def test_with_nothing_stored_and_arxiv_away_a_reader_is_told_when_to_come_back(
    empty: Running, arxiv: ArxivStandIn, address: str
) -> None:
    arxiv.fail_next(headers={"Retry-After": "600"})
    answer = empty.ask(address)
    document = problem(answer)
    assert (document["status"], document["code"], answer.headers["Retry-After"]) == (503, "nothing_stored", "600")
    assert "arXiv answered 503" in document["detail"]


def test_a_refresh_that_arxiv_refuses_says_so(empty: Running, arxiv: ArxivStandIn) -> None:
    arxiv.fail_next(status=429, headers={"Retry-After": "120"})
    answer = empty.ask("/api/refresh", "POST", Authorization=f"Bearer {SECRET}")
    document = problem(answer)
    assert (document["status"], document["code"], answer.headers["Retry-After"]) == (503, "arxiv_unavailable", "120")


def test_a_refresh_that_brings_no_feed_says_so(empty: Running, arxiv: ArxivStandIn) -> None:
    arxiv.answer_with(Fault(body=b"<html>Are you a robot?</html>"))
    document = problem(empty.ask("/api/refresh", "POST", Authorization=f"Bearer {SECRET}"))
    assert (document["status"], document["code"]) == (502, "arxiv_malformed")


@pytest.mark.parametrize("address", ["/rss", "/health", "/api/papers", "/api/papers/2603.90001"])
def test_a_store_that_cannot_be_used_is_a_503_without_its_path(
    tmp_path: Path, arxiv: ArxivStandIn, address: str
) -> None:
    path = tmp_path / "papers.txt"
    path.write_bytes(b"This is no database. " * 200)
    with running(tmp_path, arxiv, store_url=f"sqlite:///{path}") as service:
        answer = service.ask(address)
    document = problem(answer)
    assert (document["status"], document["code"], answer.headers["Retry-After"]) == (503, "store_unavailable", "30")
    assert str(tmp_path) not in answer.text


@pytest.mark.parametrize("address", ["/nothing", "/rss/cs.XX", "/rss?limit=0", "/api/papers/none", "/api/cron"])
def test_while_sample_data_are_shown_every_problem_says_so(sampled: Running, address: str) -> None:
    assert problem(sampled.ask(address))["sample_data"] is True


def test_otherwise_problems_do_not_speak_of_sample_data(served: Running) -> None:
    assert "sample_data" not in problem(served.ask("/nothing"))


@pytest.mark.parametrize("address", ["/nothing", "/rss/cs.XX", "/atom?limit=0", "/api/papers?limit=x"])
def test_a_browser_gets_a_page_with_the_same_status_and_a_program_a_document(served: Running, address: str) -> None:
    page = served.ask(address, Accept="text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
    document = served.ask(address, Accept="*/*")
    assert (page.status_code, page.headers["Content-Type"]) == (document.status_code, "text/html; charset=utf-8")
    assert document.headers["Content-Type"] == "application/problem+json"
    assert {answer.headers["Vary"] for answer in (page, document)} == {"Accept"}
    assert {answer.headers["Cache-Control"] for answer in (page, document)} == {"no-store"}
