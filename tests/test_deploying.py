"""What docs/deploying.md and the README promise of deployments is what vercel.json, pyproject.toml and the code say."""

from __future__ import annotations

import ast
import json
import os
import re
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from http.client import HTTPMessage
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from fastapi.routing import APIRoute

from api import operations
from core.mailings import next_mailing_moment
from core.settings import Settings
from demo.standin import ArxivStandIn
from deploy import vercel_check
from deploy.vercel_check import BEARER, CASES_WITH_SECRET, CASES_WITHOUT_SETTINGS, ON_VERCEL, Answer, Case, ask, lead_to
from tests.api.running import WEEK

ROOT = Path(__file__).resolve().parents[1]
GUIDE = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
VERCEL: Mapping[str, Any] = json.loads((ROOT / "vercel.json").read_text(encoding="utf-8"))
PROJECT: Mapping[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ENTRYPOINT: str = PROJECT["tool"]["vercel"]["entrypoint"]
FUNCTION: Mapping[str, Any] = VERCEL["functions"]["api/index.py"]
CRON_IS_OFF_BY = timedelta(minutes=59)  # on Vercel's free plan
FOR_THE_BUILDER = {"VERCEL_PYTHON_COMPILEALL", "VERCEL_IPC_PATH"}  # in the guide, and none of our settings
OF_OTHER_RUNTIMES = {".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".tsx", ".go", ".rb", ".rs"}


def product_files(*folders: str) -> list[Path]:
    """The files in *folders* that a checkout has, from the root, without what running leaves behind."""
    found = (path for folder in folders for path in sorted((ROOT / folder).rglob("*")))
    return [path.relative_to(ROOT) for path in found if path.is_file() and "__pycache__" not in path.parts]


def top_level_names(module: Path) -> set[str]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    assigned = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    return {target.id for target in assigned if isinstance(target, ast.Name)}


# What Vercel's builder makes of the repository


def test_the_preset_is_fastapi_and_nothing_rewrites_addresses() -> None:
    assert VERCEL["framework"] == "fastapi"
    assert not {"rewrites", "routes", "redirects", "builds", "outputDirectory"} & set(VERCEL)


def test_the_entrypoint_is_a_top_level_name_of_the_file_that_the_limits_are_for() -> None:
    module, _, name = ENTRYPOINT.partition(":")
    assert list(VERCEL["functions"]) == [f"{module.replace('.', '/')}.py"]
    assert name in top_level_names(ROOT / f"{module.replace('.', '/')}.py")


@pytest.mark.parametrize("excluded", re.findall(r"[^{},]+", FUNCTION["excludeFiles"]))
def test_what_is_left_out_of_the_bundle_is_not_needed_in_it(excluded: str) -> None:
    needed = [*product_files("api", "core"), Path("config.json"), Path("pyproject.toml")]
    assert [path for path in needed if fnmatch(str(path), excluded)] == []


def test_the_list_of_what_is_left_out_is_as_short_as_vercel_wants_it() -> None:
    assert len(FUNCTION["excludeFiles"]) <= 256


@pytest.mark.parametrize(
    ("changed", "deployed", "is_built"),
    [
        pytest.param("digest/2026-03-05.md", "HEAD^", False, id="a digest"),
        pytest.param("config.json", "HEAD^", True, id="the configuration"),
        pytest.param("digest/2026-03-05.md", "HEAD^^", True, id="a digest, after something else that failed"),
        pytest.param("digest/2026-03-05.md", None, True, id="a first deployment"),
        pytest.param("digest/2026-03-05.md", "0" * 40, True, id="after one that the shallow clone does not have"),
    ],
)
def test_what_the_digest_workflow_pushes_is_deployed_by_itself_never(
    tmp_path: Path, changed: str, deployed: str | None, is_built: bool
) -> None:
    def run(command: Sequence[str], **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=tmp_path, env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )

    run(["git", "init", "--quiet"])
    for name in ("README.md", "core.py", changed):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("changed", encoding="utf-8")
        run(["git", "add", "."])
        run(["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "--message", name])
    before = run(["git", "rev-parse", deployed]).stdout.strip() if deployed else ""
    ignored = run(["sh", "-c", VERCEL["ignoreCommand"]], VERCEL_GIT_PREVIOUS_SHA=before)
    assert (ignored.returncode != 0) is is_built  # https://vercel.com/docs/project-configuration: 0 skips the build


@pytest.mark.parametrize(
    "needed", ["core/word_counts.txt", "api/templates/index.html", "api/static/page.css", "config.json"]
)
def test_what_is_read_at_run_time_lies_where_the_builder_takes_it_up(needed: str) -> None:
    assert (ROOT / needed).is_file()
    assert "public" not in Path(needed).parts  # which Vercel serves as it is, and leaves out of the bundle


def test_no_file_beside_the_entrypoint_would_become_a_function_of_its_own() -> None:
    strays = [path for path in product_files("api") if path.suffix in OF_OTHER_RUNTIMES]
    assert [str(path) for path in strays if not any(part.startswith(("_", ".")) for part in path.parts)] == []


def test_files_beside_the_entrypoint_differ_in_more_than_the_ending() -> None:
    # The builder fails otherwise, with conflicting_file_path; it leaves out names that begin with _ or a dot.
    names = [path.with_suffix("") for path in product_files("api") if not path.name.startswith(("_", "."))]
    assert sorted({str(name) for name in names if names.count(name) > 1}) == []


def test_the_builder_finds_a_python_that_it_offers_and_no_lock_or_build_system() -> None:
    assert PROJECT["project"]["requires-python"] == ">=3.11,<3.15"  # Vercel offers 3.12 to 3.14
    assert "build-system" not in PROJECT
    assert "uv.lock" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("dependency", PROJECT["project"]["dependencies"])
def test_every_dependency_has_an_upper_bound_since_there_is_no_lock(dependency: str) -> None:
    assert re.search(r",<\d+", dependency)


# The cron


def test_the_cron_calls_a_route_that_can_be_got_and_asks_for_the_secret() -> None:
    (cron,) = VERCEL["crons"]
    (route,) = [one for one in operations.router.routes if isinstance(one, APIRoute) and one.path == cron["path"]]
    assert route.methods == {"GET"}
    assert operations.require_secret in [one.dependency for one in route.dependencies]


def test_a_run_ends_before_vercel_ends_it() -> None:
    assert FUNCTION["maxDuration"] - 60 >= operations.CRON_SECONDS


@pytest.mark.parametrize("midnight", [datetime(2026, 1, 14, 5, tzinfo=UTC), datetime(2026, 7, 15, 4, tzinfo=UTC)])
def test_the_cron_comes_once_a_day_and_after_the_mailing_however_early_vercel_calls(midnight: datetime) -> None:
    (cron,) = VERCEL["crons"]
    minute, hour, *daily = cron["schedule"].split()
    called_at = midnight.replace(hour=int(hour), minute=int(minute))
    assert daily == ["*", "*", "*"]
    assert next_mailing_moment(midnight - timedelta(seconds=1)) == midnight
    assert called_at - CRON_IS_OFF_BY > midnight


# The guide and the button


def test_every_variable_that_the_guide_names_is_a_setting() -> None:
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", GUIDE)) - FOR_THE_BUILDER
    assert {name.lower() for name in named} <= set(Settings.model_fields)


def test_the_guide_names_the_time_and_the_path_of_the_cron() -> None:
    (cron,) = VERCEL["crons"]
    minute, hour, *_ = cron["schedule"].split()
    assert f"calls `{cron['path']}` every day at {int(hour):02}:{int(minute):02} UTC" in GUIDE


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^make (\S+)$", GUIDE, re.M))))
def test_every_command_of_make_is_a_target(command: str) -> None:
    assert re.search(rf"^{command}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!https?:)([^)#]+)", GUIDE))))
def test_every_file_that_the_guide_links_to_is_there(link: str) -> None:
    assert (ROOT / "docs" / link).exists()


@pytest.mark.parametrize("way", ["Vercel", "AWS Lambda", "Docker", "Laptop"])
def test_every_way_ends_in_a_subscribed_feed(way: str) -> None:
    section = GUIDE.partition(f"\n## {way}\n")[2].partition("\n## ")[0]
    assert re.search(r"Put .*/rss.* into .*feed reader.*You are subscribed", section)


def test_the_button_asks_for_the_secret_at_most_and_offers_a_redis_that_can_be_skipped() -> None:
    (address,) = re.findall(r"\(https://vercel\.com/new/clone\?([^)\s]+)\)", README)
    asked = {name: values[0] for name, values in parse_qs(address, strict_parsing=True).items()}
    assert urlsplit(asked["repository-url"]).hostname == "github.com"
    assert asked["env"] == "CRON_SECRET"
    assert asked["skippable-integrations"] == "1"
    assert [product["productSlug"] for product in json.loads(unquote(asked["products"]))] == ["upstash-kv"]


# What `make vercel-build` asks the bundle, asked of the checkout: types and bodies do not depend on the builder


@pytest.fixture(scope="module")
def arxiv() -> Iterator[ArxivStandIn]:
    with ArxivStandIn(WEEK) as stand_in:
        yield stand_in


@pytest.fixture(
    scope="module", params=[({}, CASES_WITHOUT_SETTINGS), (ON_VERCEL, CASES_WITH_SECRET)], ids=["bare", "on Vercel"]
)
def served(
    request: pytest.FixtureRequest, arxiv: ArxivStandIn, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, tuple[Case, ...]]]:
    """The port of a server with the variables that go with the cases, and these."""
    variables, cases = request.param
    store = f"sqlite:///{tmp_path_factory.mktemp('store') / 'papers.sqlite3'}"
    environment = {"PATH": os.environ["PATH"], "STORE_URL": store, **lead_to(arxiv), **variables}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        descriptor = listening.fileno()
        command = [sys.executable, "-m", "uvicorn", "api.index:app", "--log-level", "error", "--fd", str(descriptor)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=[descriptor])
        try:
            yield listening.getsockname()[1], cases
        finally:
            process.terminate()
            process.wait()


def test_every_answer_is_as_the_check_of_a_bundle_wants_it(served: tuple[int, tuple[Case, ...]]) -> None:
    port, cases = served
    faults = {f"{case.method} {case.path} {case.sent}": case.find_fault(ask(port, case)) for case in cases}
    assert {request: fault for request, fault in faults.items() if fault} == {}


def answer(status: int = 200, body: bytes = b"<item>", **headers: str) -> Answer:
    message = HTTPMessage()
    for name, value in {"content_type": "application/rss+xml", **headers}.items():
        message[name.replace("_", "-")] = value
    return Answer(status, message, body)


@pytest.mark.parametrize(
    ("case", "given", "fault"),
    [
        (Case("/rss"), answer(), None),
        (Case("/rss"), answer(503), "200 is expected"),
        (Case("/rss", media_type="text/html"), answer(), "Content-Type is 'application/rss+xml' and not 'text/html'"),
        (Case("/rss", got={"ETag": "x"}), answer(), "ETag is None and not 'x'"),
        (Case("/rss", has=b"<entry>"), answer(), "b'<entry>' is not in it"),
        (Case("/rss", method="HEAD"), answer(), "HEAD has a body"),
        (Case("/api/cron", 401, sent=BEARER), answer(401), None),
    ],
)
def test_the_check_says_what_is_wrong_with_an_answer(case: Case, given: Answer, fault: str | None) -> None:
    assert case.find_fault(given) == fault


def test_the_check_is_skipped_with_a_reason_where_vercels_python_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VERCEL_CLI", sys.executable)
    monkeypatch.setattr(vercel_check, "PYTHONS", ("python-of-nobody",))
    vercel_check.main()
    assert capsys.readouterr().out.startswith("vercel-build: skipped, none of python-of-nobody is in PATH")


def test_the_check_is_skipped_with_a_reason_where_node_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VERCEL_CLI", "cli-of-nobody build")
    vercel_check.main()
    assert capsys.readouterr().out.startswith("vercel-build: skipped, cli-of-nobody is not installed")
