"""What is logged: a line for each record, with nothing in it that a stranger could use and no secret."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from api.logs import JsonLines, PlainLines, escape_controls, find_secrets, forget_who_asked, set_up_logging
from api.wiring import build_service
from core.settings import load_settings

SECRETS = {
    "cron_secret": "canary-of-the-cron",
    "redis_url": "rediss://reader:canary%2Fof%2Fthe%2Fstore@redis.example:6379",
    "dashscope_api_key": "sk-canary-of-the-model",
    "smtp_password": "canary-of-the-mail",
}
HOSTILE = "a\r\nb\x1b[31m\u2028c\u202ed\x00e\ud800"


def record(
    message: str, *args: object, level: int = logging.WARNING, error: Exception | None = None
) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("core.freshness", level, __file__, 1, message, args, exc_info)
    made.created = 1_772_690_400.5
    return made


def raised(error: Exception) -> Exception:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


def test_on_a_platform_a_record_is_a_json_object() -> None:
    assert json.loads(JsonLines(()).format(record("%s is stale", "cs.AI"))) == {
        "time": "2026-03-05T06:00:00.500+00:00",
        "level": "warning",
        "logger": "core.freshness",
        "message": "cs.AI is stale",
    }


def test_on_a_terminal_a_record_is_a_line_to_read() -> None:
    assert PlainLines(()).format(record("%s is stale", "cs.AI")) == "06:00:00 WARNING core.freshness: cs.AI is stale"


@pytest.mark.parametrize("lines", [JsonLines, PlainLines])
def test_hostile_text_stays_on_its_line_and_commands_no_terminal(lines: type[JsonLines] | type[PlainLines]) -> None:
    line = lines(()).format(record("asked for %s", HOSTILE))
    assert (line.isprintable(), len(line.splitlines())) == (True, 1)


def test_json_gives_hostile_text_back() -> None:
    assert json.loads(JsonLines(()).format(record("%s", HOSTILE)))["message"] == HOSTILE


def test_no_line_of_a_traceback_passes_for_a_record() -> None:
    error = raised(ValueError("bad\n06:00:00 ERROR core.cli: forged"))
    _, *below = PlainLines(()).format(record("failed", error=error)).split("\n")
    assert below[0] == "  | Traceback (most recent call last):"
    assert [line for line in below if not line.startswith("  | ")] == []
    assert "forged" in json.loads(JsonLines(()).format(record("failed", error=error)))["exception"]


@pytest.mark.parametrize("lines", [JsonLines, PlainLines])
def test_a_secret_in_a_message_or_an_error_of_a_library_is_hidden(lines: type[JsonLines] | type[PlainLines]) -> None:
    formatter = lines(find_secrets(load_settings(SECRETS)))
    told = [
        formatter.format(record("of %s and %s", secret, "canary/of/the/store", error=raised(RuntimeError(secret))))
        for secret in (*SECRETS.values(), "canary%2Fof%2Fthe%2Fstore")
    ]
    assert [line for line in told if "canary" in line] == []


@pytest.mark.usefixtures("logging_as_before")
def test_the_key_that_config_json_names_the_variable_of_is_hidden_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("QWEN", "sk-canary-of-another-model")
    path = tmp_path / "config.json"
    path.write_text('{"categories": ["cs.AI"], "ai_summary": {"api_key_env": "QWEN"}}', encoding="utf-8")
    settings = load_settings({"config_file": str(path), "store_url": f"sqlite:///{tmp_path / 'papers.sqlite3'}"})
    set_up_logging(settings)
    build_service(settings)
    logging.getLogger("core.cli").warning("refused: %s", "sk-canary-of-another-model")
    assert capsys.readouterr().err.endswith("refused: [secret]\n")


def test_a_secret_of_a_few_letters_does_not_hide_half_of_every_line() -> None:
    assert find_secrets(load_settings({"cron_secret": "a"})) == ()


def test_the_line_on_a_request_tells_neither_who_asked_nor_for_what() -> None:
    access = record('%s - "%s %s HTTP/%s" %d', "192.0.2.1:5000", "GET", "/rss?q=my+illness", "1.1", 200)
    assert (forget_who_asked(access), access.getMessage()) == (True, "GET /rss 200")


def test_other_lines_are_left_as_they_are() -> None:
    other = record("%s of %s", 1, 2)
    assert (forget_who_asked(other), other.getMessage()) == (True, "1 of 2")


@pytest.mark.parametrize("text", ["plain", "naïve 注意", ""])
def test_what_can_be_shown_is_shown(text: str) -> None:
    assert escape_controls(text) == text


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    names = ("", "api", "core", "uvicorn", "uvicorn.access", "uvicorn.error")
    loggers = [logging.getLogger(name) for name in names]
    before = [(list(logger.handlers), logger.level, logger.propagate) for logger in loggers]
    for logger in loggers[3:]:  # as they are where nobody has set them up
        logger.handlers.clear()
        logger.setLevel(logging.NOTSET)
        logger.propagate = True
    yield
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers[:] = handlers
        logger.filters.clear()
        logger.setLevel(level)
        logger.propagate = propagate


@pytest.mark.usefixtures("logging_as_before")
@pytest.mark.parametrize("platform", [{"vercel": "1"}, {"aws_lambda_function_name": "feeds"}])
def test_a_platform_gets_json_once_however_often_logging_is_set_up(
    platform: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        set_up_logging(load_settings(platform))
    logging.getLogger("api.edge").info("served")
    logging.getLogger("httpx").info("asked")
    assert [json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()] == ["served"]


@pytest.mark.usefixtures("logging_as_before")
@pytest.mark.parametrize("starter", [{}, {"log_config": None}])
def test_uvicorn_logs_in_the_same_way(starter: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    uvicorn.Config("api.index:app", **starter)
    set_up_logging(load_settings({}))
    log_a_request()
    logging.getLogger("uvicorn.error").info("started")
    written = capsys.readouterr()
    assert (written.out, [line[8:] for line in written.err.splitlines()]) == (
        "",
        [" INFO    uvicorn.access: GET /rss 200", " INFO    uvicorn: started"],
    )


@pytest.mark.usefixtures("logging_as_before")
def test_uvicorn_stays_as_quiet_as_it_was_told_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    uvicorn.Config("api.index:app", log_level="warning", access_log=False)
    set_up_logging(load_settings({}))
    log_a_request()
    logging.getLogger("uvicorn.error").info("started")
    assert not logging.getLogger("uvicorn.access").hasHandlers()
    assert capsys.readouterr().err == ""


def log_a_request() -> None:
    message = '%s - "%s %s HTTP/%s" %d'
    logging.getLogger("uvicorn.access").info(message, "192.0.2.1:5000", "GET", "/rss?q=my+illness", "1.1", 200)


@pytest.mark.usefixtures("logging_as_before")
def test_vercels_own_handler_which_knows_the_request_gets_the_lines_with_their_levels(
    capsys: pytest.CaptureFixture[str],
) -> None:
    got: list[tuple[str, Any]] = []

    class VCLogHandler(logging.Handler):
        __module__ = "vercel_runtime.vc_init"

        def emit(self, record: logging.LogRecord) -> None:
            got.append((record.levelname, json.loads(record.getMessage())))

    logging.getLogger().addHandler(VCLogHandler())
    for _ in range(2):
        set_up_logging(load_settings({"vercel": "1", "cron_secret": SECRETS["cron_secret"]}))
    error = raised(ValueError(SECRETS["cron_secret"]))
    logging.getLogger("core.freshness").warning("100%% of %s", "cs.AI", exc_info=error)
    ((level, line),) = got
    assert (level, line["message"], "canary" in line["exception"]) == ("WARNING", "100% of cs.AI", False)
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("logging_as_before")
def test_awss_own_handler_does_not_write_everything_once_more() -> None:
    of_aws = type("LambdaLoggerHandler", (logging.NullHandler,), {"__module__": "awslambdaric.bootstrap"})()
    logging.getLogger().addHandler(of_aws)
    set_up_logging(load_settings({"aws_lambda_function_name": "feeds"}))
    assert of_aws not in logging.getLogger().handlers
