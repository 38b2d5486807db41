from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.standin import ArxivStandIn
from tests.api.running import CONFIG, PUBLIC, SECRET, WEEK, write_config

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"dashscope", "demo", "feedgen", "httpx", "jinja2", "lxml", "mangum", "rich", "typer", "uvicorn"}

LAMBDA = """
import json, sys
from api.index import handler

def event(address, method="GET", **headers):
    path, _, query = address.partition("?")
    return {
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
        "headers": {"host": "evil.invalid", "accept-encoding": "gzip, br", **headers},
        "requestContext": {"http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
                                    "userAgent": "reader"}, "domainName": "evil.invalid", "stage": "$default"},
        "isBase64Encoded": False,
    }

first = handler(event("/rss"), None)
answers = {address: handler(event(address), None) for address in sys.argv[1:]}
answers["again"] = handler(event("/rss", **{"if-none-match": first["headers"]["etag"]}), None)
answers["head"] = handler(event("/rss", "HEAD"), None)
print(json.dumps(answers))
"""
ON_LAMBDA = (
    "/rss",
    "/atom/cs.AI",
    "/jsonfeed",
    "/opml",
    "/",
    "/api/papers?limit=1",
    "/rss/cs.XX",
    "/static/icon.svg",
    "/static/page.css",
    "/favicon.ico",
)


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


def run(code: str, *arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture(scope="module")
def on_lambda(tmp_path_factory: pytest.TempPathFactory, arxiv: ArxivStandIn) -> dict[str, Any]:
    """What the Lambda handler returns for some addresses, in one process."""
    env = environment(tmp_path_factory.mktemp("lambda"), arxiv, AWS_LAMBDA_FUNCTION_NAME="feeds")
    ended = run(LAMBDA, *ON_LAMBDA, environment=env)
    assert ended.returncode == 0, ended.stderr
    answers: dict[str, Any] = json.loads(ended.stdout)
    return answers


@pytest.mark.parametrize("address", ON_LAMBDA)
def test_on_lambda_text_comes_as_text(on_lambda: dict[str, Any], address: str) -> None:
    answer = on_lambda[address]
    assert answer["isBase64Encoded"] is (address == "/favicon.ico")
    assert answer["statusCode"] == (404 if address == "/rss/cs.XX" else 200)
    assert "content-encoding" not in answer["headers"]


def test_on_lambda_the_feeds_are_whole(on_lambda: dict[str, Any]) -> None:
    assert on_lambda["/rss"]["body"].startswith("<?xml")
    assert on_lambda["/rss"]["body"].count("<item>") > 3
    assert len(json.loads(on_lambda["/jsonfeed"]["body"])["items"]) == on_lambda["/rss"]["body"].count("<item>")
    assert "evil" not in json.dumps(on_lambda)


def test_on_lambda_conditions_and_head_work_across_calls(on_lambda: dict[str, Any]) -> None:
    again, head, whole = on_lambda["again"], on_lambda["head"], on_lambda["/rss"]
    assert (again["statusCode"], again.get("body", "")) == (304, "")
    assert (head["statusCode"], head.get("body", "")) == (200, "")
    assert again["headers"]["etag"] == head["headers"]["etag"] == whole["headers"]["etag"]


def test_the_entry_imports_nothing_that_a_request_may_not_need(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    code = "import json, sys, api.index; print(json.dumps(sorted(sys.modules)))"
    ended = run(code, environment=environment(tmp_path, arxiv))
    assert ended.returncode == 0, ended.stderr
    loaded = {name.partition(".")[0] for name in json.loads(ended.stdout)}
    assert "api" in loaded
    assert loaded & HEAVY == set()


def test_the_entry_has_no_other_names_made_lazily(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    code = "import api.index; print(hasattr(api.index, 'nothing'), api.index.handler is api.index.handler)"
    ended = run(code, environment=environment(tmp_path, arxiv))
    assert (ended.stdout, ended.returncode) == ("False True\n", 0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"PORT": "many"}, "arxiv-feeds: environment variable PORT: "),
        ({"CONFIG_FILE": "/nowhere/config.json"}, "arxiv-feeds: /nowhere/config.json: cannot be read"),
        ({"STORE_URL": "mysql://host/papers"}, "arxiv-feeds: environment variable STORE_URL: "),
    ],
    ids=["a setting", "config.json", "the store"],
)
def test_a_bad_environment_ends_the_start_with_one_line(
    tmp_path: Path, arxiv: ArxivStandIn, changes: dict[str, str], said: str
) -> None:
    ended = run("import api.index", environment=environment(tmp_path, arxiv) | changes)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert ended.stderr.startswith(said)
