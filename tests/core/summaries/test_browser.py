"""A real browser runs nothing of what hostile summaries are rendered to."""

from __future__ import annotations

import json
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path

import pytest

from core.summaries import rendering
from core.summaries.rendering import render_feed, render_markdown, render_page
from tests.core.summaries.test_rendering import IMAGE, SCRIPT, URL, VECTORS, as_github_does

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync --virtual-time-budget=20000"
)

# In each frame: counts calls of alert(), clicks what can be clicked, and tells the page around it.
WATCH = """<script>
    var fired = 0;
    window.alert = function () { fired += 1; };
    window.addEventListener("load", function () {
        document.querySelectorAll("a, button, p, td").forEach(function (element) { element.click(); });
        setTimeout(function () { parent.postMessage([window.name, fired, document.images.length], "*"); }, 500);
    });
</script>"""
COLLECT = """<script>
    var reports = {};
    window.addEventListener("message", function (event) {
        reports[event.data[0]] = event.data.slice(1);
        document.getElementById("reports").textContent = JSON.stringify(reports);
    });
</script><pre id="reports"></pre>"""


def frame(name: str, body: str) -> str:
    document = f"<!doctype html><meta charset=utf-8>{WATCH}{body}"
    return f'<iframe name="{name}" srcdoc="{escape(document)}"></iframe>'


def load(page: str, folder: Path) -> dict[str, list[int]]:
    """What the frames of *page* report after the browser has loaded it: calls of alert(), and images."""
    (folder / "page.html").write_text(f"<!doctype html><meta charset=utf-8>{COLLECT}{page}", encoding="utf-8")
    command = [str(BROWSER), *FLAGS.split(), f"--user-data-dir={folder / 'profile'}", "--dump-dom"]
    run = subprocess.run(
        [*command, (folder / "page.html").as_uri()], capture_output=True, timeout=120, check=True, encoding="utf-8"
    )
    reports = unescape(run.stdout.partition('<pre id="reports">')[2].partition("</pre>")[0])
    return dict(json.loads(reports))


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
def test_a_browser_runs_no_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each output with nh3 and without, and a digest, beside a control frame that shows that scripts would be seen."""
    cleaned = [render(vector, urls=[URL]) for vector in VECTORS for render in (render_feed, render_page)]
    digest = [as_github_does(render_markdown(vector)) for vector in VECTORS]
    monkeypatch.setattr(rendering, "_sanitize", lambda html: html)
    written = [render(vector, urls=[URL]) for vector in VECTORS for render in (render_feed, render_page)]
    page = "".join(
        (
            frame("control", f"{SCRIPT}{IMAGE}<a href='javascript:alert(1)'>x</a>"),
            frame("cleaned", "\n".join(f"<div>{html}</div>" for html in cleaned)),
            frame("written", "\n".join(f"<div>{html}</div>" for html in written)),
            frame("digest", "\n".join(f"<div>{html}</div>" for html in digest)),
        )
    )
    reports = load(page, tmp_path)
    assert reports == {"control": [3, 1], "cleaned": [0, 0], "written": [0, 0], "digest": [0, 0]}
