from __future__ import annotations

import shlex
from typing import Any
from urllib.parse import urljoin

import pytest
from lxml import html

from api.reference import Endpoint, build_reference
from tests.api.running import PUBLIC, Running

Json = dict[str, Any]


def document(*, schemas: Json | None = None, path: str = "/papers", method: str = "get", **operation: Any) -> Json:
    """A document with one operation, of which a test says what matters to it."""
    usual = {
        "tags": ["papers"],
        "summary": "List Papers",
        "operationId": "list_papers_papers_get",
        "description": "The papers.\n\nBest\nfirst.",
        "responses": {"200": {"description": "Successful Response", "content": {"application/json": {}}}},
    }
    other = {**usual, "tags": ["others"], "responses": {"503": {"description": "Not yet."}}}
    return {
        "info": {"description": "What it is."},
        "paths": {path: {method: {**usual, **operation}}, "/other": {"get": other}},
        "components": {"schemas": schemas or {}},
    }


def parameter(schema: Json, *, name: str = "q", place: str = "query", required: bool = False) -> Json:
    return {"name": name, "in": place, "required": required, "schema": schema}


def endpoint(**changes: Any) -> Endpoint:
    return build_reference(document(**changes)).groups[0][1][0]


@pytest.fixture(scope="module")
def page(served: Running) -> html.HtmlElement:
    return html.document_fromstring(served.ask("/docs").content)


def type_of(schema: Json) -> str:
    (field,) = build_reference(document(schemas={"Paper": {"properties": {"one": schema}}})).schemas[0].fields
    return "".join(f"<{text}>" if is_schema else text for text, is_schema in field.type)


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 500}, "integer, 1 to 500"),
        ({"type": "number", "minimum": 0, "maximum": 1_000_000.0}, "number, 0 to 1,000,000"),
        ({"type": "number", "minimum": 0}, "number, 0 or more"),
        ({"type": "string", "minLength": 1, "maxLength": 2000}, "string, 2,000 characters at most"),
        ({"type": "string", "format": "date-time"}, "moment"),
        ({"type": "string", "enum": ["0", "1", "brief"]}, "0 or 1 or brief"),
        ({"const": "ok", "type": "string"}, "ok"),
        ({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}, "date or null"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Paper"}}, "list of <Paper>"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "object of integer"),
        ({}, "anything"),
    ],
)
def test_a_type_is_told_in_words_with_its_bounds(schema: Json, told: str) -> None:
    assert type_of(schema) == told


def test_a_parameter_is_never_null_but_left_out() -> None:
    (field,) = endpoint(
        parameters=[parameter({"anyOf": [{"type": "integer"}, {"type": "null"}], "default": 50})]
    ).fields
    assert (field.type, field.default, field.place) == ((("integer", False),), "50", "query")


def test_what_fastapi_makes_of_the_name_of_a_function_is_no_headline() -> None:
    assert (endpoint().headline, endpoint().paragraphs) == ("The papers.", ("Best first.",))


def test_a_summary_is_the_headline() -> None:
    one = endpoint(summary="All papers")
    assert (one.headline, one.paragraphs) == ("All papers.", ("The papers.", "Best first."))


def test_what_needs_nothing_can_be_opened() -> None:
    assert (endpoint().is_ready, endpoint().asked) == (True, "papers")


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        (
            {
                "path": "/papers/{id}",
                "parameters": [parameter({"examples": ["1"]}, name="id", place="path", required=True)],
            },
            "papers/1",
        ),
        ({"parameters": [parameter({}, name="id", required=True)]}, "papers?id={id}"),
        ({"method": "post"}, "papers"),
        ({"responses": {"401": {"description": "No."}}}, "papers"),
    ],
    ids=["path", "query", "changes something", "guarded"],
)
def test_what_needs_more_cannot(changes: Json, asked: str) -> None:
    assert (endpoint(**changes).is_ready, endpoint(**changes).asked) == (False, asked)


def test_what_every_endpoint_answers_is_told_once() -> None:
    problem = {"description": "Not yet."}
    reference = build_reference(document(responses={"200": {"description": "Yes."}, "503": problem}))
    told = [one.status for _, endpoints in reference.groups for each in endpoints for one in each.answers]
    assert ([one.status for one in reference.shared], told) == (["503"], ["200"])


class TestPage:
    def test_it_has_every_endpoint_and_every_schema_of_the_document(
        self, served: Running, page: html.HtmlElement
    ) -> None:
        told: Json = served.ask("/openapi.json").json()
        endpoints = {f"{method.upper()} {path}" for path, methods in told["paths"].items() for method in methods}
        headings = {" ".join(one.text_content().split()) for one in page.xpath("//summary/h3")}
        assert {one.removesuffix(" needs the secret") for one in headings} == endpoints | set(
            told["components"]["schemas"]
        )

    def test_it_has_every_parameter_with_its_description(self, served: Running, page: html.HtmlElement) -> None:
        operation = served.ask("/openapi.json").json()["paths"]["/rss/{scope}"]["get"]
        rows = page.get_element_by_id("get-rss-scope").xpath(".//tbody/tr")
        assert [row.xpath("string(th/code)") for row in rows] == [one["name"] for one in operation["parameters"]]
        assert all(
            one["description"] in row.text_content() for one, row in zip(operation["parameters"], rows, strict=True)
        )

    def test_every_name_of_a_schema_leads_to_it(self, page: html.HtmlElement) -> None:
        links = {link.removeprefix("#") for link in page.xpath("//main//@href[starts-with(., '#')]")}
        assert "Problem" in links
        assert links <= set(page.xpath("//@id"))

    def test_what_needs_the_secret_says_so_and_is_no_link(self, page: html.HtmlElement) -> None:
        guarded = page.xpath("//details[.//*[@class='type']='needs the secret']/div")
        assert [one.get("id") for one in guarded] == ["post-api-refresh", "get-api-cron"]
        assert all("$CRON_SECRET" in one.xpath("string(pre)") and not one.xpath("p/a") for one in guarded)

    def test_what_can_be_opened_is_there(self, served: Running, page: html.HtmlElement) -> None:
        links = [urljoin("/docs", one) for one in page.xpath("//details/div/p/a/@href")]
        assert {"/rss", "/opml", "/api/papers", "/api/status", "/health"} <= set(links)
        assert {served.ask(link).status_code for link in links} == {200}

    def test_each_line_for_curl_is_one_command_with_the_public_address(self, page: html.HtmlElement) -> None:
        lines = [shlex.split(one.text_content()) for one in page.xpath("//pre")]
        assert {line[0] for line in lines} == {"curl"}
        assert all(line[-1].startswith(f"{PUBLIC}/") for line in lines)

    def test_whoever_has_it_gets_none(self, served: Running) -> None:
        etag = served.ask("/docs").headers["ETag"]
        assert served.ask("/docs", If_None_Match=etag).status_code == 304


@pytest.mark.parametrize("address", ["/redoc", "/docs/oauth2-redirect"])
def test_the_pages_of_the_framework_that_load_from_other_sites_are_gone(served: Running, address: str) -> None:
    assert served.ask(address).status_code == 404
