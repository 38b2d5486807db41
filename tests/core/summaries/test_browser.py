"""A real browser runs nothing of what hostile summaries are rendered to."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pytest

from core.summaries import rendering
from core.summaries.rendering import render_feed, render_markdown, render_page
from demo.browser import find_chromium, open_browser
from tests.core.summaries.test_rendering import IMAGE, SCRIPT, URL, VECTORS, as_github_does

# In each frame: counts calls of alert(), clicks what can be clicked, and tells the page around it. A link that leads
# elsewhere is not followed: the frame would be gone before it has told.
WATCH = """<script>
    var fired = 0;
    window.alert = function () { fired += 1; };
    document.addEventListener("click", function (event) {
        var link = event.target.closest("a");
        if (link && link.protocol !== "javascript:") event.preventDefault();
    });
    window.addEventListener("load", function () {
        document.querySelectorAll("a, button, p, td").forEach(function (element) { element.click(); });
        setTimeout(function () { parent.postMessage([window.name, fired, document.images.length], "*"); }, 500);
    });
</script>"""
COLLECT = """<script>
    var reports = {};
    window.addEventListener("message", function (event) {
        reports[event.data[0]] = event.data.slice(1);
    });
</script>"""
FRAMES = 4


def frame(name: str, body: str) -> str:
    document = f"<!doctype html><meta charset=utf-8>{WATCH}{body}"
    return f'<iframe name="{name}" srcdoc="{escape(document)}"></iframe>'


def load(page: str, folder: Path) -> dict[str, list[int]]:
    """What the frames of *page* report after the browser has loaded it: calls of alert(), and images."""
    (folder / "page.html").write_text(f"<!doctype html><meta charset=utf-8>{COLLECT}{page}", encoding="utf-8")
    with open_browser() as browser, browser.open((folder / "page.html").as_uri()) as opened:
        opened.wait_for(f"Object.keys(reports).length === {FRAMES}")
        return dict(opened.evaluate("reports"))


@pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed")
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
