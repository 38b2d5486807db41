"""The template and the build of the Lambda function: they fit the settings, the handler and each other."""

from __future__ import annotations

import importlib
import json
import re
import tomllib
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.mailings import EASTERN
from core.settings import Settings
from tests.api.lambda_events import BY_HAND

ROOT = Path(__file__).resolve().parents[1]
MAKEFILE = (ROOT / "deploy" / "Makefile").read_text(encoding="utf-8")

yaml: Any = importlib.import_module("yaml")  # published without types; dashscope brings it


def parse() -> dict[str, Any]:
    """The template, with CloudFormation's short forms such as `!Ref X` as their text."""
    loader: Any = type("Loader", (yaml.SafeLoader,), {})
    loader.add_multi_constructor("!", lambda reader, _, node: reader.construct_scalar(node))
    template: dict[str, Any] = yaml.load((ROOT / "deploy" / "template.yaml").read_text(encoding="utf-8"), loader)
    return template


TEMPLATE = parse()
FUNCTION = TEMPLATE["Resources"]["Feeds"]["Properties"]
VARIABLES = FUNCTION["Environment"]["Variables"]
SCHEDULE = FUNCTION["Events"]["Mailings"]["Properties"]


def test_every_variable_is_a_setting_and_every_parameter_a_variable() -> None:
    assert {name.lower() for name in VARIABLES} <= set(Settings.model_fields)
    assert set(VARIABLES.values()) == set(TEMPLATE["Parameters"])


def test_no_parameter_has_to_be_given() -> None:
    assert {one["Default"] for one in TEMPLATE["Parameters"].values()} == {""}
    assert all(
        re.search(one["AllowedPattern"], "") for one in TEMPLATE["Parameters"].values() if "AllowedPattern" in one
    )


@pytest.mark.parametrize("variable", ["REDIS_URL", "DASHSCOPE_API_KEY", "CRON_SECRET"])
def test_secrets_are_not_shown(variable: str) -> None:
    assert TEMPLATE["Parameters"][VARIABLES[variable]]["NoEcho"] is True


def test_the_function_is_the_handler_on_a_python_that_the_project_takes() -> None:
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    least, below = (int(minor) for minor in re.findall(r"3\.(\d+)", requires))
    minor = int(FUNCTION["Runtime"].removeprefix("python3."))
    assert FUNCTION["Handler"] == "api.index.handler"
    assert least <= minor < below
    assert f"PYTHON := 3.{minor}\n" in MAKEFILE
    assert f"PLATFORM := {FUNCTION['Architectures'][0]}-manylinux" in MAKEFILE


def test_mailings_are_fetched_after_midnight_in_arxivs_own_time_zone() -> None:
    minute, hours, *days = re.findall(r"[^\s()]+", SCHEDULE["ScheduleExpression"])[1:]
    assert ZoneInfo(SCHEDULE["ScheduleExpressionTimezone"]) == EASTERN
    assert (int(minute), hours.split(",")[0], days) == (10, "0", ["?", "*", "MON-FRI", "*"])


def test_the_schedule_sends_what_the_handler_takes_for_a_refresh() -> None:
    assert json.loads(SCHEDULE["Input"]) == BY_HAND


def test_the_build_takes_along_what_the_function_is_made_of() -> None:
    (names,) = re.findall(r'^\tcp -R (.*) "\$\(ARTIFACTS_DIR\)"$', MAKEFILE, re.MULTILINE)
    assert names == "api core $(wildcard config*.json prompt*)"
    assert all((ROOT / name).exists() for name in ("api", "core", "config.json"))
