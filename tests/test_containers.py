"""The image and what runs it: Dockerfile, .dockerignore and compose.yaml, as far as that shows without Docker."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from core.cli import app as command_line
from core.settings import PROJECT_FOLDER, Settings

ROOT = Path(__file__).resolve().parents[1]

yaml: Any = importlib.import_module("yaml")  # published without types; dashscope brings it

INSTRUCTIONS = [
    (name, re.sub(r"\s+", " ", rest.replace("\\\n", " ")).strip())
    for name, rest in re.findall(
        r"^([A-Z]+) ((?:.*\\\n)*.*)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
    )
]
LAST_STAGE = INSTRUCTIONS[[name for name, _ in INSTRUCTIONS].index("FROM", 1) :]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
FEEDS = COMPOSE["services"]["feeds"]


def rest_of(name: str) -> str:
    (rest,) = [rest for other, rest in LAST_STAGE if other == name]
    return rest


def command_of(name: str) -> list[str]:
    command: list[str] = json.loads(rest_of(name).partition("CMD ")[2] if name == "HEALTHCHECK" else rest_of(name))
    return command


def test_the_image_installs_what_the_project_depends_on(tmp_path: Path) -> None:
    project = ROOT / "pyproject.toml"
    (tmp_path / project.name).write_bytes(project.read_bytes())
    (run,) = [rest for name, rest in INSTRUCTIONS if name == "RUN" and "tomllib" in rest]
    (code,) = re.findall(r"python -c '(.*?)'", run)
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    listed = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
    assert ended.stdout.splitlines() == [*listed["dependencies"], *listed["optional-dependencies"]["server"]]


def test_nothing_is_sent_to_docker_but_what_the_service_is_made_of() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    first, *others = [line for line in lines if line and not line.startswith("#")]
    taken = {line.removeprefix("!") for line in others if line.startswith("!")}
    assert first == "*"
    assert taken == {"api", "core", "demo", "config*.json", "prompt*", "pyproject.toml"}
    assert [name for name in taken if not any(ROOT.glob(name))] == ["prompt*"]  # an operator's own


def test_the_service_runs_as_nobody_in_particular_and_can_write_its_data_only() -> None:
    names = [name for name, _ in LAST_STAGE]
    user = rest_of("USER")
    assert user.isdigit()
    assert names.index("USER") > max(place for place, name in enumerate(names) if name in ("RUN", "COPY"))
    assert f"--owner {user} data" in " ".join(rest for name, rest in LAST_STAGE if name == "RUN")
    data = Settings().store_file.parent.relative_to(PROJECT_FOLDER)
    assert rest_of("VOLUME") == f"{rest_of('WORKDIR')}/{data}"


def test_both_stages_have_the_same_python_which_the_project_takes() -> None:
    images = {rest.partition(" ")[0] for name, rest in INSTRUCTIONS if name == "FROM"}
    assert images == {"python:3.13-slim"}


def test_the_image_starts_a_command_that_there_is() -> None:
    python, flag, package, command, *options = command_of("CMD")
    assert (python, flag, package, options) == ("python", "-m", "core", ["--host", "0.0.0.0", "--no-sample"])
    assert command in {one.name for one in command_line.registered_commands}


@contextmanager
def answering(status: int) -> Iterator[int]:
    """The port of a server that answers /health with *status*."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


@pytest.mark.parametrize(("status", "is_healthy"), [(200, True), (503, False), (500, False)])
def test_the_health_check_asks_the_port_that_is_served(status: int, is_healthy: bool) -> None:
    _, *arguments = command_of("HEALTHCHECK")
    with answering(status) as port:
        env = {**os.environ, "PORT": str(port)}
        ended = subprocess.run([sys.executable, *arguments], env=env, capture_output=True, check=False)
    assert (ended.returncode == 0) is is_healthy


def test_compose_needs_no_settings_and_tells_only_those_that_there_are() -> None:
    assert FEEDS["env_file"] == [{"path": ".env", "required": False}]
    assert {name.lower() for name in FEEDS["environment"]} <= set(Settings.model_fields)
    assert FEEDS["ports"] == [f"127.0.0.1:{Settings().port}:{FEEDS['environment']['PORT']}"]


def test_compose_keeps_the_papers_in_a_volume_of_a_store_that_is_waited_for() -> None:
    name, port = re.fullmatch(r"redis://(\w+):(\d+)/0", FEEDS["environment"]["REDIS_URL"]).groups()  # type: ignore[union-attr]  # a mismatch fails the test
    store = COMPOSE["services"][name]
    (volume,) = store["volumes"]
    assert port == "6379"
    assert FEEDS["depends_on"] == {name: {"condition": "service_healthy"}}
    assert store["healthcheck"]["test"][-1] == "ping"
    assert volume.partition(":")[0] in COMPOSE["volumes"]


def test_compose_gives_the_service_no_more_than_it_needs() -> None:
    assert FEEDS["read_only"]
    assert FEEDS["cap_drop"] == ["ALL"]
    assert f"./config.json:{rest_of('WORKDIR')}/config.json:ro" in FEEDS["volumes"]
