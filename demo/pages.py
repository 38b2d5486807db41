"""The pages that links to made-up papers lead to: an abstract page, and a full text that is the abstract again."""

from __future__ import annotations

import html

from demo.accents import to_api_text
from demo.announcements import creators
from demo.mailing import SamplePaper


def render_abstract_page(paper: SamplePaper) -> bytes:
    """What `/abs/<id>` shows."""
    versioned = f"{paper.id}v{paper.version}"
    return _page(
        f"[{paper.id}] {to_api_text(paper.title)}",
        f"<h1>{_text(paper.title)}</h1>",
        f"<p>{_text(creators(paper.writers))}</p>",
        *_paragraphs(paper),
        f"<p>{', '.join(paper.categories)}</p>",
        f'<p><a href="/html/{versioned}">Full text of version {paper.version}</a></p>',
    )


def render_full_text(paper: SamplePaper) -> bytes:
    """What `/html/<id>vN` shows: short sections under headings, as a rendering of a real paper has them."""
    return _page(
        to_api_text(paper.title),
        f"<h1>{_text(paper.title)}</h1>",
        f"<p>{_text(creators(paper.writers))}</p>",
        "<h2>Abstract</h2>",
        *_paragraphs(paper),
        "<h2>1 Introduction</h2>",
        "<p>A real paper would begin here.</p>",
        "<h2>2 Conclusion</h2>",
        "<p>It would end here.</p>",
    )


def render_message(text: str) -> bytes:
    """A page that says *text* and nothing else."""
    return _page(text, f"<p>{html.escape(text)}</p>")


def _paragraphs(paper: SamplePaper) -> list[str]:
    return [f"<p>{_text(paragraph)}</p>" for paragraph in paper.paragraphs]


def _text(raw: str) -> str:
    return html.escape(to_api_text(raw))


def _page(title: str, *body: str) -> bytes:
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        f'<head><meta charset="utf-8"><title>{html.escape(title)}</title></head>',
        "<body>",
        *body,
        "</body>",
        "</html>",
        "",
    ]
    return "\n".join(lines).encode()
