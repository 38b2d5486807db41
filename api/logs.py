"""What this process logs, one line for each thing that happened: JSON on a platform, readable on a terminal.

Whatever a stranger sent stays on that line, with its control characters escaped. Secrets are left out, should a library
put one into its message. Addresses of readers and what they look for are not logged: of uvicorn's lines on requests
method, path and status are kept.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from core.settings import Settings

_OF_UVICORN = ("uvicorn", "uvicorn.access", "uvicorn.error")
_HIDDEN = "[secret]"
_SHORTEST_SECRET = 6  # what is shorter would hide half of every line
_REQUEST_PARTS = 5  # client, method, path with query, HTTP version, status: uvicorn's arguments


def set_up_logging(settings: Settings) -> None:
    """Logs from now on what we tell from INFO, what libraries tell from WARNING. Again does no harm.

    Lines go to stderr; on Vercel through its own handler, which knows the request that they belong to.
    """
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    handler = _Handler(_find_vercel(root.handlers))
    for before in filter(_is_in_the_way, tuple(root.handlers)):
        root.removeHandler(before)
    handler.setFormatter((JsonLines if settings.is_on_platform else PlainLines)(find_secrets(settings)))
    root.addHandler(handler)
    for name in ("api", "core"):
        logging.getLogger(name).setLevel(logging.INFO)
    for name in _OF_UVICORN:
        _take_over(logging.getLogger(name))
    logging.getLogger("uvicorn.access").addFilter(forget_who_asked)


def _take_over(logger: logging.Logger) -> None:
    """*logger* writes through our handler; its level (`--log-level`) and its silence (`--no-access-log`) stay."""
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    logger.disabled = False
    if logger.handlers:
        logger.handlers.clear()
        logger.propagate = True


def _find_vercel(handlers: Iterable[logging.Handler]) -> logging.Handler | None:
    """The handler of Vercel's runtime, which may stand behind our own of before."""
    for handler in handlers:
        if isinstance(handler, _Handler) and handler.platform:
            return handler.platform
        if type(handler).__module__.startswith("vercel_runtime"):
            return handler
    return None


def _is_in_the_way(handler: logging.Handler) -> bool:
    """Whether *handler* would write everything once more: our own of before, and those of the platforms' runtimes."""
    return isinstance(handler, _Handler) or type(handler).__module__.startswith(("awslambdaric", "vercel_runtime"))


def forget_who_asked(record: logging.LogRecord) -> bool:
    """Takes the reader's address and the query out of uvicorn's line on a request; always true, it is a filter."""
    if isinstance(record.args, tuple) and len(record.args) == _REQUEST_PARTS:
        _, method, path, _, status = record.args
        record.msg, record.args = "%s %s %s", (method, str(path).partition("?")[0], status)
    return True


def find_secrets(settings: Settings) -> tuple[str, ...]:
    """The secret texts in *settings*, longest first; of addresses with a password both, as written and decoded."""
    hidden = (
        settings.shared_store,
        settings.redis_url,
        settings.cron_secret,
        settings.dashscope_api_key,
        settings.smtp_user,
        settings.smtp_password,
    )
    texts = [secret.get_secret_value() for secret in hidden if secret]
    found = {part for text in texts for part in (text, *_passwords(text)) if len(part) >= _SHORTEST_SECRET}
    return _longest_first(found)


def hide(secret: str) -> None:
    """Leave *secret* out too, which is in no setting, from now on."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, _Lines) and len(secret) >= _SHORTEST_SECRET:
            handler.formatter.secrets = _longest_first({*handler.formatter.secrets, secret})


def _longest_first(secrets: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(secrets, key=lambda text: (-len(text), text)))


def _passwords(text: str) -> Iterator[str]:
    try:
        password = urlsplit(text).password or ""
    except ValueError:
        return
    yield from (password, unquote(password))


class _Handler(logging.Handler):
    """Hands lines to the handler *platform*, or writes them to whatever stderr is at the time."""

    def __init__(self, platform: logging.Handler | None) -> None:
        super().__init__()
        self.platform = platform

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
            if self.platform:
                about = {"levelno": record.levelno, "levelname": record.levelname, "name": record.name, "msg": line}
                self.platform.emit(logging.makeLogRecord(about))
                return
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
        except Exception:  # as logging's own handlers do: a line that cannot be written ends nothing
            self.handleError(record)


class _Lines(logging.Formatter):
    """A formatter that knows what it must not tell."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__()
        self.secrets = secrets

    def _hide(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, _HIDDEN)
        return text

    def _message(self, record: logging.LogRecord) -> str:
        return self._hide(record.getMessage())

    def _traceback(self, record: logging.LogRecord) -> str:
        return self._hide(self.formatException(record.exc_info)) if record.exc_info else ""


class JsonLines(_Lines):
    """A JSON object in ASCII for each record: time, level, logger, message, and exception where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._message(record),
        }
        traceback = self._traceback(record)
        return json.dumps({**told, "exception": traceback} if traceback else told)


class PlainLines(_Lines):
    """A line for people, with a traceback's lines below it, each behind a bar, so that none passes for a record."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        name = record.name.removesuffix(".error")  # as uvicorn calls whatever is no request
        head = f"{time} {record.levelname:<7} {name}: {escape_controls(self._message(record))}"
        below = (f"  | {escape_controls(line)}" for line in self._traceback(record).splitlines())
        return "\n".join((head, *below))


def escape_controls(text: str) -> str:
    """*text* with what a terminal would obey or not show written as Python does: \\n, \\x1b, \\u2028, \\u202e."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
