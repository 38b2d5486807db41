"""The workflows of GitHub Actions: what they may do, when they run, and what they run."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.mailings import mailing_moment, mailings_between
from core.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))

yaml: Any = importlib.import_module("yaml")  # published without types; dashscope brings it


def parse(name: str) -> Mapping[Any, Any]:  # Any: YAML, in which the key `on` is a boolean
    workflow: Mapping[Any, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return workflow


def jobs(name: str) -> list[Mapping[str, Any]]:
    return list(parse(name)["jobs"].values())


def steps(name: str) -> list[Mapping[str, Any]]:
    return [step for job in jobs(name) for step in job["steps"]]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_only_githubs_own_actions_are_used_each_pinned_to_a_commit_of_a_named_version(file: Path) -> None:
    used = re.findall(r"uses: (.*)", file.read_text(encoding="utf-8"))
    assert used
    assert [one for one in used if not re.fullmatch(r"actions/[a-z/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_checkout_leaves_credentials_behind_and_no_script_is_made_from_expressions(file: Path) -> None:
    checkouts = [step for step in steps(file.name) if "checkout" in step.get("uses", "")]
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False] * len(checkouts)
    assert [step for step in steps(file.name) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_job_ends_in_bounded_time_and_never_beside_itself(file: Path) -> None:
    assert all(0 < job["timeout-minutes"] <= 60 for job in jobs(file.name))
    assert parse(file.name)["concurrency"]["group"]


def test_each_job_may_do_what_it_does_and_nothing_else() -> None:
    assert parse("tests.yml")["permissions"] == {"contents": "read"}
    assert parse("refresh.yml")["permissions"] == {}
    assert [job["permissions"] for job in jobs("refresh.yml")] == [{"contents": "write"}, {"actions": "write"}]


def test_the_tests_run_on_every_python_that_the_project_takes() -> None:
    job = parse("tests.yml")["jobs"]["tests"]
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    least, below = (int(minor) for minor in re.findall(r"3\.(\d+)", requires))
    assert job["strategy"]["matrix"]["python"] == [f"3.{minor}" for minor in range(least, below)]
    assert job["steps"][-1]["run"] == "bash .ci/run"


def runs_of(day: date) -> list[datetime]:
    """When the schedule of the refresh starts runs on *day*, in UTC."""
    moments = []
    for entry in parse("refresh.yml")[True]["schedule"]:
        minute, hour, month_day, month, weekdays = entry["cron"].split()
        assert (month_day, month, weekdays) == ("*", "*", "1-5")
        moments.append(datetime(day.year, day.month, day.day, int(hour), int(minute), tzinfo=UTC))
    return sorted(moments)


def test_every_mailing_is_fetched_soon_after_it_appears_in_winter_and_in_summer() -> None:
    mailings = mailings_between(date(2026, 1, 1), date(2026, 12, 31))
    waits = {runs_of(mailing)[0] - mailing_moment(mailing) for mailing in mailings}
    assert waits == {timedelta(minutes=17), timedelta(hours=1, minutes=17)}


def test_the_refresh_can_be_started_by_hand_and_is_not_cut_off_by_the_next_one() -> None:
    assert "workflow_dispatch" in parse("refresh.yml")[True]
    assert parse("refresh.yml")["concurrency"]["cancel-in-progress"] is False


def test_the_refresh_is_told_settings_that_there_are() -> None:
    told = {name for step in steps("refresh.yml") if "-m core" in step.get("run", "") for name in step["env"]}
    assert told >= {"BASE_URL", "DASHSCOPE_API_KEY", "REDIS_URL"}
    assert {name.lower() for name in told} <= set(Settings.model_fields)


def test_what_is_stored_is_kept_from_run_to_run_where_the_service_stores_it() -> None:
    kept = [step["with"] for step in steps("refresh.yml") if "cache" in step.get("uses", "")]
    assert {ROOT / one["path"] for one in kept} == {Settings().store_file.parent}
    assert kept[0]["key"] == kept[1]["key"]
    assert kept[0]["key"].startswith(kept[0]["restore-keys"])


def test_the_workflow_keeps_itself_enabled() -> None:
    (script,) = [step["run"] for step in steps("refresh.yml") if "gh api" in step.get("run", "")]
    assert "/workflows/refresh.yml/enable" in script


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    ended = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)  # noqa: S607
    return ended.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone with a digest of one day in it, of a repository beside it; `gh` does nothing there."""
    folder, programs = tmp_path / "checkout", tmp_path / "programs"
    programs.mkdir()
    (programs / "gh").write_text("#!/bin/sh\n", encoding="utf-8")
    (programs / "gh").chmod(0o755)
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "origin")
    git(tmp_path, "clone", "--quiet", "origin", "checkout")
    (folder / "digest").mkdir()
    (folder / "digest" / "2026-03-04.md").write_text("Wednesday\n", encoding="utf-8")
    git(folder, "checkout", "--quiet", "-B", "main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "first")
    git(folder, "push", "--quiet", "--set-upstream", "origin", "main")
    return folder


def commit_digest(checkout: Path) -> None:
    """Runs the last step of the refresh as a runner does."""
    script = jobs("refresh.yml")[0]["steps"][-1]["run"]
    env = {"PATH": f"{checkout.parent / 'programs'}:{os.environ['PATH']}", "HOME": str(checkout.parent)}
    subprocess.run(["bash", "-e", "-c", script], cwd=checkout, env=env, check=True, capture_output=True)  # noqa: S607


def test_a_new_digest_is_committed_and_pushed_over_what_others_pushed(checkout: Path) -> None:
    git(checkout.parent, "clone", "--quiet", "origin", "other")
    other = checkout.parent / "other"
    git(other, "commit", "--quiet", "--allow-empty", "--message", "from elsewhere")
    git(other, "push", "--quiet")
    (checkout / "digest" / "2026-03-05.md").write_text("Thursday\n", encoding="utf-8")
    commit_digest(checkout)
    assert git(checkout.parent / "origin", "log", "--format=%s %an", "main").splitlines() == [
        "Add what arXiv announced github-actions[bot]",
        "from elsewhere a",
        "first a",
    ]


def test_a_digest_that_is_as_it_was_is_not_committed(checkout: Path) -> None:
    commit_digest(checkout)
    assert git(checkout.parent / "origin", "log", "--format=%s", "main").split() == ["first"]


def test_a_digest_that_is_not_there_fails_the_run(checkout: Path) -> None:
    git(checkout, "rm", "-r", "--quiet", "digest")
    git(checkout, "commit", "--quiet", "--message", "none")
    with pytest.raises(subprocess.CalledProcessError):
        commit_digest(checkout)
