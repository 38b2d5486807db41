"""What a cold start imports: what the first feed needs, and nothing that only some requests need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Each heavy, and imported by what uses it when it is used.
LATER = {
    "api.operations",
    "api.pages",
    "api.papers",
    "api.status",
    "core.summaries.checks",
    "core.summaries.job",
    "core.summaries.rendering",
    "dashscope",
    "feedgen",
    "httpx",
    "jinja2",
    "json_source_map",
    "lark",
    "lxml",
    "mangum",
    "markdown_it",
    "math_core",
    "nh3",
    "pydantic.v1",
    "pydantic_settings",
    "pylatexenc",
    "redis",
    "rich",
    "typer",
    "uvicorn",
}


def imported(code: str) -> set[str]:
    """The modules that a new process has after *code*."""
    listing = f"import sys\n{code}\nprint(*sorted(sys.modules))"
    ended = subprocess.run(
        [sys.executable, "-c", listing], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    return set(ended.stdout.split())


def test_the_entry_imports_nothing_that_only_some_requests_need() -> None:
    assert imported("import api.index") & LATER == set()


def test_the_list_is_not_empty_talk() -> None:
    assert imported("import dashscope, markdown_it, lark, redis, mangum, jinja2, api.papers") & LATER >= {
        "api.papers",
        "dashscope",
        "jinja2",
        "lark",
        "mangum",
        "markdown_it",
        "pydantic.v1",
        "redis",
    }


def test_garbage_is_looked_for_again_once_the_application_is_made() -> None:
    assert "on" in imported("import gc, api.index\nprint('on' if gc.isenabled() else 'off')")
