"""The map of docs/design.md holds: imports go one way, and what is heavy or foreign stays in its corner."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COMMAND_LINE = {"core", "core.__main__", "core.cli"}  # at the rim, like api: may know everything

# Who may import what, besides itself; a name covers what is below it.
ONLY_IN = {
    "api": {"core.cli"},
    "ahocorasick_rs": {"core.scoring"},
    "brotli": {"api.caching"},
    "core.arxiv.client": {"api.wiring"},
    "core.arxiv.connections": {"api.wiring"},
    "core.catalogue": {"api", "core.cli", "core.feeds", "core.summaries"},
    "core.cli": {"core.__main__"},
    "core.feeds": {"api.cards", "api.feeds", "api.pages", "api.papers", "core.cli"},
    "core.freshness": {"api.service", "api.wiring"},
    "core.healing": {"api", "core.cli", "core.freshness"},
    "core.intake": {"api.operations", "core.cli", "core.freshness", "demo"},
    "core.learning": {"api.wiring", "core.freshness"},
    "core.leases": {"core.freshness", "core.summaries.job", "core.turns"},
    "core.reading_list": {"core.cli"},
    "core.settings": {"api", "core.cli", "demo"},
    "core.standing": {"api.status", "core.freshness", "core.healing", "core.intake"},
    "core.store.redis": {"api.wiring"},
    "core.summaries.dashscope": {"api.wiring"},
    "core.summaries.job": {"api.summarising", "api.wiring", "core.cli"},
    "core.store.sqlite": {"api.wiring"},
    "core.turns": {"api"},
    "core.waiting": {
        "api.overload",
        "api.service",
        "api.summarising",
        "core.catalogue",
        "core.freshness",
        "core.turns",
    },
    "dashscope": {"core.summaries.dashscope"},
    "demo": {"core.cli"},
    "fastapi": {"api"},
    "feedgen": {"core.feeds.rss_atom"},
    "httpx": {"core.arxiv.client", "core.arxiv.connections", "core.summaries.dashscope"},
    "jinja2": {"api.pages"},
    "json_source_map": {"core.config"},
    "lark": {"core.query"},
    "lxml": {"core.arxiv", "core.feeds", "core.summaries.fulltext"},
    "mangum": {"api.index"},
    "markdown_it": {"core.summaries.rendering"},
    "math_core": {"core.summaries.formulas"},
    "nh3": {"core.summaries.rendering"},
    "redis": {"core.store.redis"},
    "rich": {"core.cli"},
    "segno": {"api.builder"},
    "smtplib": {"core.feeds.mail"},
    "sqlite3": {"core.store.salvage", "core.store.sqlite"},
    "starlette": {"api"},
    "tests": set[str](),
    "typer": {"core.cli"},
    "uvicorn": {"api.server"},
    "websocket": {"demo.browser"},
}

# What each step of core may know of the others; papers, errors, profiles, mailings, moments, tex and words are for all.
WORDS = {"core.papers", "core.errors", "core.profiles", "core.mailings", "core.moments", "core.tex", "core.words"}
STEPS = {
    "core.arxiv": set[str](),
    "core.catalogue": {
        "core.index",
        "core.query",
        "core.rarity",
        "core.relevance",
        "core.scoring",
        "core.shelf",
        "core.store.records",
        "core.summaries.attempts",
        "core.waiting",
    },
    "core.config": {"core.arxiv.taxonomy", "core.query", "core.scoring", "core.summaries"},
    "core.feeds": {"core.catalogue", "core.summaries"},
    "core.freshness": {
        "core.arxiv.taxonomy",
        "core.healing",
        "core.intake",
        "core.learning",
        "core.leases",
        "core.standing",
        "core.store.optimistic",
        "core.store.records",
        "core.waiting",
    },
    "core.healing": {
        "core.arxiv.announced",
        "core.arxiv.taxonomy",
        "core.standing",
        "core.store.optimistic",
        "core.store.records",
    },
    "core.index": {"core.arxiv.taxonomy", "core.query", "core.saturation"},
    "core.intake": {"core.arxiv.announced", "core.standing", "core.store.optimistic", "core.store.records"},
    "core.learning": {
        "core.arxiv.taxonomy",
        "core.index",
        "core.rarity",
        "core.relevance",
        "core.scoring",
        "core.store.optimistic",
        "core.store.records",
    },
    "core.leases": {"core.store.records"},
    "core.mailings": set[str](),
    "core.moments": set[str](),
    "core.papers": set[str](),
    "core.errors": set[str](),
    "core.profiles": {"core.query"},
    "core.query": {"core.arxiv.taxonomy"},
    "core.rarity": {"core.arxiv.taxonomy", "core.store.records"},
    "core.reading_list": set[str](),
    "core.relevance": {"core.index", "core.rarity", "core.saturation", "core.store.records"},
    "core.saturation": set[str](),
    "core.scoring": {"core.index", "core.query", "core.rarity", "core.relevance"},
    "core.shelf": {"core.index", "core.store.records"},
    "core.standing": {"core.arxiv.taxonomy", "core.store.records"},
    "core.settings": set[str](),
    "core.store": {"core.summaries.attempts"},
    "core.summaries": {"core.catalogue", "core.leases", "core.store.optimistic", "core.store.records"},
    "core.tex": set[str](),
    "core.turns": {"core.leases", "core.store.records", "core.waiting"},
    "core.waiting": set[str](),
    "core.words": set[str](),
}


def modules() -> dict[str, Path]:
    """Every module of the product by its name."""
    files = (path for folder in ("api", "core", "demo") for path in sorted((ROOT / folder).rglob("*.py")))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in files}


MODULES = modules()


@cache
def imports(name: str) -> tuple[str, ...]:
    """What *name* imports, anywhere in it, by full name; `from a import b` is a.b where that is a module of ours."""
    found: list[str] = []
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            wholes = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [whole if whole in MODULES else str(node.module) for whole in wholes]
    return tuple(found)


def is_within(name: str, area: str) -> bool:
    return name == area or name.startswith(f"{area}.")


def is_any_within(name: str, areas: set[str]) -> bool:
    return any(is_within(name, area) for area in areas)


@pytest.mark.parametrize("area", ONLY_IN)
def test_what_has_a_corner_is_imported_nowhere_else(area: str) -> None:
    strays = [
        (name, imported)
        for name in MODULES
        for imported in imports(name)
        if is_within(imported, area) and not is_within(name, area) and not is_any_within(name, ONLY_IN[area])
    ]
    assert strays == []


@pytest.mark.parametrize("name", [name for name in MODULES if is_within(name, "core") and name not in COMMAND_LINE])
def test_each_step_knows_only_the_steps_before_it(name: str) -> None:
    (step,) = [step for step in STEPS if is_within(name, step)]
    strays = [
        imported
        for imported in imports(name)
        if is_within(imported, "core") and not is_any_within(imported, {step} | WORDS | STEPS[step])
    ]
    assert strays == []


def test_no_step_depends_on_itself_through_others() -> None:
    graph = {name: {one for one in imports(name) if one in MODULES and one != name} for name in MODULES}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"imports go round: {' -> '.join((*path, name))}"
        if name not in done:
            for imported in graph[name]:
                visit(imported, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_core_reads_no_environment_and_the_present_time_comes_from_the_rim() -> None:
    readers = {
        name
        for name, path in MODULES.items()
        if is_within(name, "core")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    }
    assert readers == set()


@pytest.mark.parametrize("name", ["utils", "helpers", "common", "constants", "managers", "services"])
def test_no_file_is_named_for_nothing(name: str) -> None:
    assert [module for module in MODULES if name in module.split(".")] == []
