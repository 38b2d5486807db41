"""What is installed has the mends that others' holes taught us to ask for, and the project asks for them."""

from __future__ import annotations

import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# The first release without a hole that could reach us.
MENDED = {
    "h11": ("0.16.0", "CVE-2025-43859: chunks that two servers read differently"),
    "httpx": ("0.23.0", "CVE-2021-41945: addresses that are read wrongly"),
    "jinja2": ("3.1.6", "CVE-2025-27516: the sandbox; and CVE-2024-56201"),
    "lxml": ("6.1.0", "CVE-2026-41066: files read by entities"),
    "redis": ("4.5.5", "CVE-2023-28858 and 28859: the answers of others"),
    "starlette": ("1.0.1", "CVE-2025-62727: ranges; CVE-2025-54121: forms; CVE-2026-48710: the host in the path"),
    "urllib3": ("2.6.0", "CVE-2025-66471: compressed bodies without bounds"),
}


def release(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


@pytest.mark.parametrize("name", MENDED)
def test_what_is_installed_is_mended(name: str) -> None:
    least, reason = MENDED[name]
    assert release(version(name)) >= release(least), reason


def test_every_dependency_has_a_floor_and_a_ceiling() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [project["project"]["dependencies"], *project["dependency-groups"].values()]
    assert [one for group in groups for one in group if ">=" not in one or ",<" not in one] == []


def test_the_workflow_tries_the_floors_looks_for_known_holes_and_fuzzes() -> None:
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    for command in ("--resolution lowest-direct", "pip-audit --strict", "python -m fuzz"):
        assert command in workflow


def test_the_policy_says_where_to_report_and_what_is_mended() -> None:
    policy = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "Report a vulnerability" in policy
    assert "Only the latest release" in policy
