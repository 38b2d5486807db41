"""A headless Chromium of this machine, driven over the DevTools protocol: it opens pages, types, and takes pictures.

It reaches nothing but loopback. https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.request import Request, urlopen

import websocket

Scheme = Literal["light", "dark"]
Medium = Literal["", "print"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--hide-scrollbars",
    "--log-level=3",
    "--remote-debugging-port=0",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
)
_LISTENING = "DevTools listening on ws://"
_ANSWER_SECONDS = 20.0
_TALLEST_PICTURE = 16_000  # px; textures have a limit

# What the protocol wants to know of keys that are no characters: code, text that they type.
_KEYS: Mapping[str, tuple[int, str]] = {"Enter": (13, "\r"), "Escape": (27, ""), "Tab": (9, "")}


class BrowserError(Exception):
    """The browser did not start, or refused what it was asked."""


@dataclass
class Page:
    """An open page. `requests` are the addresses that it asked for, `complaints` what the browser found wrong."""

    socket: websocket.WebSocket
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _asked: int = 0
    _loaded: int = 0

    def go(self, url: str) -> None:
        """Open *url* in front of all other pages, where it takes keys and clicks; return when it is loaded."""
        self.call("Page.bringToFront")
        self.act(lambda: self.call("Page.navigate", url=url))

    def act(self, does: Any) -> None:  # Any: a callable whose result is nobody's
        """Do what makes the page load another one, and return when that is loaded."""
        before = self._loaded
        does()
        while self._loaded == before:
            self._receive()

    def show_as(self, *, width: int = 1200, height: int = 900, scheme: Scheme = "light", medium: Medium = "") -> None:
        """Make the window *width* × *height* px large, that of a phone below 600 px, and the page one for *medium*."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        preferred = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=medium, features=preferred)

    def evaluate(self, expression: str) -> Any:  # Any: JSON
        """The value of *expression* on the page; of a promise what it comes to. Raises BrowserError where it fails."""
        found = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise BrowserError(f"{expression[:200]}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Return when the expression *condition* holds. Raises BrowserError when it does not within seconds."""
        milliseconds = int(_ANSWER_SECONDS * 500)
        waiting = (
            f"new Promise((done) => {{ const end = Date.now() + {milliseconds}; const look = () => "
            f"({condition}) ? done(true) : Date.now() > end ? done(false) : setTimeout(look, 10); look(); }})"
        )
        if not self.evaluate(waiting):
            raise BrowserError(f"{condition} did not come true")

    def press(self, key: str) -> None:
        """Press and release *key*: a character, or Enter, Escape or Tab."""
        code, text = _KEYS[key] if key in _KEYS else (ord(key.upper()) if key.isalpha() else 0, key)
        named: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **named)
        self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    def type(self, text: str) -> None:
        """Type *text* into what has the focus."""
        self.call("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """Click where the first element of *selector* is, after scrolling there."""
        x, y = self.evaluate(
            f"(() => {{ const one = document.querySelector({json.dumps(selector)}); one.scrollIntoView({{block: "
            "'center'}); const box = one.getBoundingClientRect(); "
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def take_picture(self, *, height: int | None = None) -> bytes:
        """The page as PNG from its top on, *height* px of it, or all."""
        width, whole = self.evaluate("[innerWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": width, "height": min(height or whole, _TALLEST_PICTURE), "scale": 1}
        taken = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(taken["data"])

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:  # Any: JSON
        """What the protocol's *method* returns. Raises BrowserError where it is refused."""
        self._asked += 1
        self.socket.send(json.dumps({"id": self._asked, "method": method, "params": parameters}))
        while True:
            answer = self._receive()
            if answer.get("id") == self._asked:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result

    def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.socket.recv())
        told = message.get("params", {})
        match message.get("method"):
            case "Page.loadEventFired":
                self._loaded += 1
            case "Network.requestWillBeSent":
                self.requests.append(told["request"]["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(told["exceptionDetails"]))
            case "Log.entryAdded" if told["entry"]["level"] == "error":
                self.complaints.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
        return message


@dataclass(frozen=True, slots=True)
class Browser:
    """A running browser; *host* is where it takes orders."""

    host: str

    @contextmanager
    def open(
        self, url: str, *, width: int = 1200, height: int = 900, scheme: Scheme = "light", runs_script: bool = True
    ) -> Iterator[Page]:
        """The page *url*, loaded, in a window of its own, as `Page.show_as` shows it."""
        with urlopen(Request(f"http://{self.host}/json/new?about:blank", method="PUT")) as answer:
            target = json.load(answer)
        socket = websocket.create_connection(
            target["webSocketDebuggerUrl"], timeout=_ANSWER_SECONDS, suppress_origin=True
        )
        page = Page(socket)
        try:
            for domain in ("Page", "Network", "Runtime", "Log"):
                page.call(f"{domain}.enable")
            page.show_as(width=width, height=height, scheme=scheme)
            page.call("Emulation.setScriptExecutionDisabled", value=not runs_script)
            page.go(url)
            yield page
        finally:
            socket.close()
            with urlopen(f"http://{self.host}/json/close/{target['id']}"):
                pass


def find_chromium() -> str | None:
    """Where this machine has a Chromium, None where it has none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A Chromium with an empty profile of its own. Raises BrowserError where there is none, or it does not start."""
    chromium = find_chromium()
    if chromium is None:
        raise BrowserError(f"none of {', '.join(_NAMES)} is installed")
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        command = [chromium, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:  # noqa: S603
            try:
                yield Browser(_read_host(process))
            finally:
                process.terminate()


def _read_host(process: subprocess.Popen[str]) -> str:
    """Where the browser says that it listens."""
    for line in process.stderr or ():
        if line.startswith(_LISTENING):
            return line.removeprefix(_LISTENING).partition("/")[0]
    raise BrowserError("Chromium ended before it listened")
