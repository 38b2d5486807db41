from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from demo.standin import ArxivStandIn
from demo.wire import Fault
from tests.api.lambda_events import (
    BY_HAND,
    BY_RULE,
    BY_SCHEDULER,
    HOST,
    SHAPES,
    Call,
    Event,
    function_url,
    http_api,
    load_balancer,
    rest_api,
)
from tests.api.running import CONFIG, PUBLIC, SECRET, WEEK, write_config

ROOT = Path(__file__).resolve().parents[2]
MINUTES = 300_000

BEARER = {"authorization": f"Bearer {SECRET}"}
CALLS = {
    "page": Call("/"),
    "rss": Call("/rss"),
    "atom": Call("/atom"),
    "json feed": Call("/jsonfeed"),
    "opml": Call("/opml"),
    "papers": Call("/api/papers?limit=2&scope=cs.AI"),
    "paper by an old identifier": Call("/api/papers/hep-th/9901001"),
    "plus in the path": Call("/rss/cs.AI+cs.CL"),
    "coded plus in the path": Call("/atom/cs.AI%2Bcs.CL"),
    "query with space, quotes and accent": Call("/rss/cs.CL?q=%22large+language%22%20OR%20Erd%C5%91s"),
    "plus sign in the query": Call("/jsonfeed/cs.CL?q=a%2Bb"),
    "no such category": Call("/rss/cs.XX"),
    "no such address": Call("/nothing/here"),
    "wrong method": Call("/rss", "POST"),
    "preflight": Call("/rss", "OPTIONS", {"origin": "https://r.example", "access-control-request-method": "GET"}),
    "head": Call("/rss", "HEAD"),
    "head of a page": Call("/", "HEAD"),
    "stylesheet": Call("/static/page.css"),
    "drawing": Call("/static/icon.svg"),
    "picture": Call("/favicon.ico"),
    "documentation": Call("/docs"),
    "description": Call("/openapi.json"),
    "health": Call("/health"),
    "closed without the secret": Call("/api/refresh", "POST"),
    "wrong secret": Call("/api/refresh", "POST", {"authorization": "Bearer wrong"}),
}
REPEATED = Call("/rss/cs.CL?q=network&q=training")
STATUS = Call("/api/status")
REFRESH = Call("/api/refresh", "POST", BEARER)


@pytest.fixture(scope="module")
def arxiv() -> Iterator[ArxivStandIn]:
    with ArxivStandIn(WEEK) as standin:
        yield standin


def environment(folder: Path, arxiv: ArxivStandIn, **changes: str) -> dict[str, str]:
    """An environment in which nothing but *arxiv* can be asked."""
    own = {
        "ARXIV_RSS_BASE": arxiv.rss_base,
        "ARXIV_API_BASE": arxiv.api_base,
        "ARXIV_BASE": arxiv.base,
        "ARXIV_MIN_INTERVAL_SECONDS": "0",
        "STORE_URL": f"sqlite:///{folder / 'papers.sqlite3'}",
        "CONFIG_FILE": str(write_config(folder, CONFIG)),
        "BASE_URL": PUBLIC,
        "CRON_SECRET": SECRET,
        "PYTHONWARNINGS": "error",
    }
    return {"PATH": os.environ["PATH"], **own, **changes}


def run(*arguments: str, environment: dict[str, str], told: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        input=told,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def invoked(event: Event, milliseconds: int = MINUTES) -> dict[str, Any]:
    return {"event": event, "milliseconds": milliseconds}


def on_lambda(folder: Path, arxiv: ArxivStandIn, calls: Sequence[Any], **changes: str) -> list[Any]:
    """What becomes of *calls*, made one after the other in one process with Lambda's environment."""
    env = environment(folder, arxiv, AWS_LAMBDA_FUNCTION_NAME="feeds", **changes)
    told = json.dumps([asdict(call) if isinstance(call, Call) else call for call in calls])
    ended = run("-m", "tests.api.lambda_events", environment=env, told=told)
    assert ended.returncode == 0, ended.stderr
    answers: list[Any] = json.loads(ended.stdout)
    return answers


def headers_of(answer: dict[str, Any]) -> dict[str, str]:
    several = {name: ", ".join(texts) for name, texts in (answer.get("multiValueHeaders") or {}).items()}
    return {name.lower(): text for name, text in {**several, **(answer.get("headers") or {})}.items()}


def body_of(answer: dict[str, Any]) -> bytes:
    body = answer.get("body", "")
    return base64.b64decode(body) if answer["isBase64Encoded"] else str(body).encode()


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory, arxiv: ArxivStandIn) -> dict[tuple[str, str], Any]:
    """What each of CALLS is answered in each shape and by the application itself, by the names of both."""
    calls: dict[tuple[str, str], Any] = {("refresh", "schedule"): invoked(BY_RULE)}
    named = {**CALLS, "repeated": REPEATED, "status": STATUS, "refresh": REFRESH}
    for name, call in named.items():
        calls |= {(name, shape): invoked(build(call)) for shape, build in SHAPES.items()}
        calls[name, "application"] = call
    found = on_lambda(tmp_path_factory.mktemp("lambda"), arxiv, list(calls.values()))
    return dict(zip(calls, found, strict=True))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", CALLS)
def test_every_front_end_is_answered_as_the_application_answers(answers: Any, name: str, shape: str) -> None:
    answer, plain = answers[name, shape], answers[name, "application"]
    kept = ("etag", "last-modified", "location", "allow", "vary", "access-control-allow-methods")
    assert answer["statusCode"] == plain["status"]
    assert body_of(answer) == plain["body"].encode("latin-1")
    assert [headers_of(answer).get(one) for one in kept] == [plain["headers"].get(one) for one in kept]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", CALLS)
def test_text_comes_as_text_of_its_own_type(answers: Any, name: str, shape: str) -> None:
    answer, plain = answers[name, shape], answers[name, "application"]
    assert answer["isBase64Encoded"] is (name == "picture")
    assert "content-encoding" not in headers_of(answer)
    assert headers_of(answer).get("content-type") == plain["headers"].get("content-type")


def test_a_host_that_is_none_is_passed_over(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    hosts = ({"host": "[::1]"}, {"host": "a:b:c"}, {"host": "a:b"}, {"x-forwarded-port": "https"})
    events = [build(Call("/health", "GET", odd)) for odd in hosts for build in SHAPES.values()]
    answers = on_lambda(tmp_path, arxiv, [invoked(event) for event in events])
    assert {answer["statusCode"] for answer in answers} == {200}


def test_a_thread_whose_event_loop_was_taken_away_is_answered(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    call = invoked(http_api(Call("/rss")))
    found = on_lambda(tmp_path, arxiv, [call, {**call, "leaves_no_loop": True}])
    assert [one["statusCode"] for one in found] == [200, 200]


def test_the_answers_have_papers_in_them_and_no_host_of_the_request(answers: Any) -> None:
    rss = body_of(answers["rss", "http-api"]).decode()
    assert rss.startswith("<?xml")
    assert rss.count("<item>") > 3
    assert len(json.loads(body_of(answers["json feed", "alb"]))["items"]) == rss.count("<item>")
    assert HOST not in json.dumps([answers[name, shape] for name in CALLS for shape in SHAPES])


@pytest.mark.parametrize("shape", SHAPES)
def test_a_repeated_parameter_is_refused_where_the_front_end_passes_it_on(answers: Any, shape: str) -> None:
    passes = shape != "alb"  # of which only the last one is left
    assert answers["repeated", shape]["statusCode"] == (422 if passes else 200)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_status_is_told(answers: Any, shape: str) -> None:
    told, plain = json.loads(body_of(answers["status", shape])), json.loads(answers["status", "application"]["body"])
    assert told.keys() == plain.keys()


@pytest.mark.parametrize("shape", SHAPES)
def test_who_has_the_secret_may_refresh(answers: Any, shape: str) -> None:
    assert answers["refresh", shape]["statusCode"] == 200
    assert json.loads(body_of(answers["refresh", shape]))["received"] > 0


def test_what_a_reader_has_already_is_not_sent_again(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    (first,) = on_lambda(tmp_path, arxiv, [invoked(http_api(Call("/rss")))])
    again = Call("/rss", headers={"if-none-match": first["headers"]["etag"]})
    head = Call("/rss", "HEAD", {"if-none-match": first["headers"]["etag"]})
    found = on_lambda(tmp_path, arxiv, [invoked(build(call)) for build in SHAPES.values() for call in (again, head)])
    told = {(one["statusCode"], one.get("body", ""), headers_of(one)["etag"]) for one in found}
    assert told == {(304, "", first["headers"]["etag"])}
    assert [one for one in found if "content-type" in headers_of(one)] == []


def test_a_schedule_refreshes_without_a_secret(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    calls = [invoked(one) for one in (BY_RULE, function_url(Call("/rss")), BY_SCHEDULER, BY_HAND)]
    first, feed, *others = on_lambda(tmp_path, arxiv, calls, CRON_SECRET="")
    assert first["new"] > 0
    assert first["healing"]["is_finished"]
    assert first["summaries"]["notices"]
    assert body_of(feed).count(b"<item>") > 3
    assert [(one["received"], one["new"]) for one in others] == [(first["received"], 0)] * 2


def test_an_event_of_no_kind_is_refused(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    messages = {"Records": [{"eventSource": "aws:sqs"}]}
    events: list[Any] = [{"action": "refesh"}, {}, {"source": "aws.s3"}, messages, {"Records": []}, [], "x", None]
    found = on_lambda(tmp_path, arxiv, [invoked(one) for one in events])
    assert found == [{"raised": "BadQuery"}] * len(events)


def test_an_event_at_the_edge_is_answered(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    request = {
        "clientIp": "192.0.2.7",
        "headers": {"host": [{"key": "Host", "value": HOST}]},
        "method": "GET",
        "querystring": "",
        "uri": "/health",
    }
    (answer,) = on_lambda(tmp_path, arxiv, [invoked({"Records": [{"cf": {"config": {}, "request": request}}]})])
    assert (answer["status"], json.loads(answer["body"])["status"]) == (200, "ok")


def test_what_looks_like_a_request_and_is_none_is_a_problem(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    event = http_api(Call("/health"))
    odd: list[Event] = [
        {"requestContext": None},
        {"requestContext": {}},
        event | {"requestContext": {"http": {}}},
        rest_api(Call("/health")) | {"requestContext": {"identity": None}},
        {"Records": [{"cf": None}]},
    ]
    found = on_lambda(tmp_path, arxiv, [invoked(one) for one in [*odd, event]])
    problems = [(one["statusCode"], json.loads(one["body"])["code"]) for one in found[:-1]]
    assert problems == [(400, "bad_request")] * len(odd)
    assert {headers_of(one)["content-type"] for one in found[:-1]} == {"application/problem+json"}
    assert found[-1]["statusCode"] == 200


def test_a_refresh_that_fails_is_raised_and_the_process_goes_on(tmp_path: Path) -> None:
    with ArxivStandIn(WEEK) as arxiv:
        arxiv.fail_next(status=500, path="/rss")
        failed, report, feed = on_lambda(
            tmp_path, arxiv, [invoked(BY_RULE), invoked(BY_RULE), invoked(rest_api(Call("/rss")))]
        )
    assert failed == {"raised": "SourceUnavailable"}
    assert report["new"] > 0
    assert feed["statusCode"] == 200


def test_a_refresh_ends_before_lambda_ends_the_process(tmp_path: Path) -> None:
    held = threading.Event()
    with ArxivStandIn(WEEK) as arxiv:
        arxiv.answer_with(Fault(hold=held), path="/rss/cs.AI+")
        other = invoked(function_url(Call("/rss/math.AG")))  # after which everything is imported
        calls = [other, invoked(BY_RULE, milliseconds=5_500), invoked(BY_RULE)]
        _, cut, report = on_lambda(tmp_path, arxiv, calls)
        held.set()
    assert cut == {"raised": "TimeoutError"}
    assert report["new"] > 0


@pytest.mark.parametrize("shape", SHAPES)
def test_what_no_front_end_sends_is_answered_like_any_request(tmp_path: Path, arxiv: ArxivStandIn, shape: str) -> None:
    event = SHAPES[shape](Call("/rss"))
    name = "headers" if "headers" in event else "multiValueHeaders"
    odd: list[Event] = [
        event | {name: None},
        event | {name: {**event[name], "x-nothing": None}},
        event | {name: {**event[name], "x-half": "\ud800" if name == "headers" else ["\ud800"]}},
        event | {"body": "\ud800"},
        event | {"body": "aGk", "isBase64Encoded": True},
        {other: told for other, told in event.items() if other != name},
    ]
    found = on_lambda(tmp_path, arxiv, [invoked(one) for one in odd])
    assert [(one["statusCode"], body_of(one).count(b"<item>") > 3) for one in found] == [(200, True)] * len(odd)


BASE = "/prod"
BELOW_BASE = [
    http_api(Call("/rss"), stage="prod"),
    rest_api(Call("/rss"), base_path=BASE),
    load_balancer(Call("/prod/rss")),
    http_api(Call("/"), stage="prod"),
    http_api(Call(""), stage="prod"),
    rest_api(Call("/"), base_path=BASE),
    function_url(Call("/rss")),
    function_url(Call("/rss/cs.AI")),
    http_api(Call("/docs"), stage="prod"),
    http_api(Call("/openapi.json"), stage="prod"),
    http_api(Call("/rss"), stage="production"),
    http_api(Call("/prod/rss"), stage="prod"),
]


def test_a_base_path_is_taken_off_whole(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    found = on_lambda(tmp_path, arxiv, [invoked(event) for event in BELOW_BASE], LAMBDA_BASE_PATH="prod/")
    assert [one["statusCode"] for one in found] == [200] * 10 + [404] * 2
    assert 'href="./openapi.json"' in found[8]["body"]
    assert json.loads(found[9]["body"])["servers"] == [{"url": BASE}]


def test_a_base_path_may_be_named_as_what_is_below_it(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    events = [http_api(Call(path), stage="api") for path in ("/rss", "/api/papers", "/docs")]
    found = on_lambda(tmp_path, arxiv, [invoked(event) for event in events], LAMBDA_BASE_PATH="/api")
    assert [one["statusCode"] for one in found] == [200] * 3


def test_the_entry_has_no_other_names_made_lazily(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    code = "import api.index; print(hasattr(api.index, 'nothing'), api.index.handler is api.index.handler)"
    ended = run("-c", code, environment=environment(tmp_path, arxiv))
    assert (ended.stdout, ended.returncode) == ("False True\n", 0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"PORT": "many"}, "arxiv-feeds: environment variable PORT: "),
        ({"LAMBDA_BASE_PATH": "/a b"}, "arxiv-feeds: environment variable LAMBDA_BASE_PATH: a path such as /prod "),
        ({"CONFIG_FILE": "/nowhere/config.json"}, "arxiv-feeds: /nowhere/config.json: cannot be read"),
        ({"STORE_URL": "mysql://host/papers"}, "arxiv-feeds: environment variable STORE_URL: "),
    ],
    ids=["a setting", "the base path", "config.json", "the store"],
)
def test_a_bad_environment_ends_the_start_with_one_line(
    tmp_path: Path, arxiv: ArxivStandIn, changes: dict[str, str], said: str
) -> None:
    ended = run("-c", "import api.index", environment=environment(tmp_path, arxiv) | changes)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert ended.stderr.startswith(said)
