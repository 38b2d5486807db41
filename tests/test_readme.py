"""README.md names everything that a reader can set or ask for, and no more than there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from api import feeds, operations, pages, papers
from api.selection import FeedParameters
from core.config import _AiSummary, _File
from core.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SET_BY_PLATFORMS = {"vercel", "vercel_project_production_url", "aws_lambda_function_name"}
NOT_FOR_READERS = {"/favicon.ico", "/static/{name}"}  # the page asks for them
ROUTES = [
    (method, route.path.replace(":path}", "}"))
    for router in (feeds.router, papers.router, operations.router, pages.router)
    for route in router.routes
    if isinstance(route, APIRoute) and route.path not in NOT_FOR_READERS
    for method in sorted(route.methods or ())
]


def section(title: str) -> str:
    return README.partition(f"\n## {title}")[2].partition("\n## ")[0]


def row_of(name: str, *, within: str) -> list[str]:
    """The cells after `name` in its row of the table in the section *within*."""
    (row,) = re.findall(rf"^\| `{re.escape(name)}` \|(.*)\|$", section(within), re.M)
    return [cell.strip() for cell in str(row).split("|")]


def lines_naming(path: str) -> list[str]:
    """The lines with *path* as an address or as code; for a `{scope}`, an address with one in its place."""
    pattern = re.escape(path).replace(re.escape("{scope}"), r"[\w.+-]+")
    named = re.compile(rf"(?:<http://localhost:8000|`(?:[A-Z]+ )?){pattern}(?:\?[^>`]*)?[>`]")
    return [line for line in README.splitlines() if named.search(line)]


@pytest.mark.parametrize("field", sorted(set(Settings.model_fields) - SET_BY_PLATFORMS))
def test_every_setting_has_a_row_with_its_meaning_and_default(field: str) -> None:
    meaning, default = row_of(field.upper(), within="Settings")
    assert meaning
    assert default


def test_no_setting_is_named_that_there_is_not() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", section("Settings"), re.M)) == {
        field.upper() for field in set(Settings.model_fields) - SET_BY_PLATFORMS
    }


@pytest.mark.parametrize(
    ("field", "default"),
    [
        (name, field.default)
        for name, field in Settings.model_fields.items()
        if isinstance(field.default, str | int | float)
    ],
)
def test_the_default_of_a_setting_is_the_one_that_is_named(field: str, default: str | float) -> None:
    named = row_of(field.upper(), within="Settings")[-1].strip("`")
    assert named == (default if isinstance(default, str) else f"{default:g}")


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_public_route_is_named_with_its_method_where_that_is_not_get(method: str, path: str) -> None:
    assert [line for line in lines_naming(path) if method == "GET" or method in line]


@pytest.mark.parametrize("name", sorted(FeedParameters.model_fields))
def test_every_parameter_has_a_row(name: str) -> None:
    assert row_of(name, within="Feeds")[0]


@pytest.mark.parametrize("key", sorted(_File.model_fields))
def test_every_key_of_config_json_is_named(key: str) -> None:
    assert f"`{key}`" in section("Profiles")


@pytest.mark.parametrize("key", sorted(_AiSummary.model_fields))
def test_every_key_of_ai_summary_is_named(key: str) -> None:
    assert f"`{key}`" in section("Summaries")


@pytest.mark.parametrize("command", ["make serve", "make demo", "make test"])
def test_every_command_of_make_is_a_target(command: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert command in README
    assert re.search(rf"^{command.split()[1]}:", makefile, re.M)
