from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from api.problems import MEDIA_TYPE
from api.wiring import VERSION, build_service, create_app
from core.errors import BadConfig
from demo.standin import ArxivStandIn
from tests.api.running import Running, running, settings_for


@pytest.fixture(scope="module")
def document(served: Running) -> dict[str, Any]:
    told: dict[str, Any] = served.ask("/openapi.json").json()
    return told


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_openapi_document_has_every_public_operation(document: dict[str, Any]) -> None:
    assert {name for name, _ in operations(document)} == {
        "GET /rss",
        "GET /rss/{scope}",
        "GET /atom",
        "GET /atom/{scope}",
        "GET /jsonfeed",
        "GET /jsonfeed/{scope}",
        "GET /opml",
        "GET /api/papers",
        "GET /api/papers/{paper_id}",
        "GET /api/explain",
        "GET /api/feeds",
        "GET /api/categories",
        "GET /api/config",
        "GET /config",
        "GET /health",
        "GET /api/status",
        "POST /api/refresh",
        "GET /api/cron",
    }


def test_every_operation_says_what_it_does_and_which_problems_there_are(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"].endswith("."), name
        assert {"200", "422", "503"} <= set(operation["responses"]), name


def test_every_problem_is_documented_as_the_document_that_it_is(document: dict[str, Any]) -> None:
    expected = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for name, operation in operations(document):
        for status, response in operation["responses"].items():
            assert status < "400" or response["content"] == expected, (name, status)
    assert document["components"]["schemas"]["Problem"]["properties"].keys() >= {"type", "title", "status", "detail"}


def test_the_openapi_document_tells_which_addresses_have_validators(served: Running, document: dict[str, Any]) -> None:
    for path in ("/opml", "/api/papers", "/api/feeds", "/api/categories", "/api/config", "/config", "/rss"):
        etag = served.ask(path).headers["ETag"]
        assert (served.ask(path, If_None_Match=etag).status_code, path) == (304, path)
        assert "304" in document["paths"][path]["get"]["responses"], path


def test_the_secret_is_a_scheme_of_the_openapi_document_and_no_parameter(document: dict[str, Any]) -> None:
    scheme = document["components"]["securitySchemes"]["secret"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    operations = [document["paths"][path][method] for path, method in (("/api/refresh", "post"), ("/api/cron", "get"))]
    assert [(one["security"], one.get("parameters", [])) for one in operations] == [([{"secret": []}], [])] * 2


def test_the_examples_of_the_openapi_document_go_together(served: Running, document: dict[str, Any]) -> None:
    for path in ("/rss", "/api/papers"):
        parameters = document["paths"][path]["get"]["parameters"]
        query = {one["name"]: one["schema"]["examples"][0] for one in parameters if one["schema"].get("examples")}
        answer = served.ask(f"{path}?{urlencode(query)}")
        assert answer.status_code == 200, answer.text


def test_every_reference_of_the_openapi_document_leads_somewhere(document: dict[str, Any]) -> None:
    def references(node: object) -> set[str]:
        if isinstance(node, dict):
            own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return own.union(*map(references, node.values()))
        return set().union(*map(references, node)) if isinstance(node, list) else set()

    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= schemas


def test_every_parameter_is_described(document: dict[str, Any]) -> None:
    undescribed = [
        (name, parameter["name"])
        for name, operation in operations(document)
        for parameter in operation.get("parameters", [])
        if not parameter.get("description")
    ]
    assert undescribed == []


@pytest.mark.parametrize(
    "settings", [{"config_file": Path("/nowhere/config.json")}, {"store_url": "mysql://host/papers"}], ids=str
)
def test_what_cannot_be_wired_stops_at_the_start(tmp_path: Path, arxiv: ArxivStandIn, settings: dict[str, Any]) -> None:
    with pytest.raises(BadConfig):
        create_app(settings_for(tmp_path, arxiv, **settings))


def test_wiring_opens_nothing_and_asks_nobody(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    create_app(settings_for(tmp_path, arxiv))
    assert ([path.name for path in tmp_path.iterdir()], arxiv.requests) == (["config.json"], ())


def test_arxiv_is_told_who_asks(empty: Running, arxiv: ArxivStandIn) -> None:
    empty.refresh()
    (request,) = arxiv.requests
    assert request.headers["user-agent"] == (
        f"arxiv-feeds/{VERSION} (reads announcement feeds; https://feeds.example.org)"
    )


def test_two_services_share_a_store(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    with running(tmp_path, arxiv) as first, running(tmp_path, arxiv) as second:
        first.refresh()
        assert second.ask("/rss").content == first.ask("/rss").content
    assert len(arxiv.requests) == 1


def test_what_was_stored_is_there_after_a_restart_without_arxiv(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    with running(tmp_path, arxiv) as service:
        before = service.ask("/rss")
    with running(tmp_path, arxiv) as service:
        after = service.ask("/rss", If_None_Match=before.headers["ETag"])
    assert (after.status_code, len(arxiv.requests)) == (304, 1)


def test_the_lifespan_closes_what_requests_opened(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    with running(tmp_path, arxiv) as service:

        async def live() -> None:
            async with service.app.router.lifespan_context(service.app):
                await service.service.freshness.refresh()

        service.runner.run(live())
        assert not [path.name for path in tmp_path.iterdir() if path.suffix.endswith(("-wal", "-shm"))]


def test_a_service_for_the_command_line_has_the_same_parts(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    service = build_service(settings_for(tmp_path, arxiv))
    assert (service.config.categories, service.store.name) == (
        ("cs.AI", "cs.CL", "cs.DC", "cs.LG"),
        str(tmp_path / "papers.sqlite3"),
    )


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == VERSION
