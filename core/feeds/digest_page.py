"""A digest as HTML: a page that needs nothing else, and the same for a mail.

Neither asks for anything from elsewhere or runs a script. The page folds summaries and has formulas as MathML. Mail
programs drop both, and some cut long mails off, so in a mail summaries stand behind the papers with formulas as text.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from html import escape
from itertools import starmap

from core.catalogue import Item
from core.feeds.content import build_absence, build_origin, say_categories
from core.feeds.digest import (
    ACKNOWLEDGEMENT,
    NOTHING_LISTED,
    Digest,
    Fact,
    join_section,
    list_formats,
    list_links,
    say,
    say_abstract,
    say_comment,
    say_names,
    say_paper,
    say_reasons,
    say_schedule,
    say_synopsis,
    say_title,
    tell_configuration,
    tell_statistics,
)
from core.profiles import say_points
from core.summaries.attempts import Summary
from core.summaries.rendering import as_sentence, render_feed, render_page

_Render = Callable[[Summary, str], str]  # a piece of a summary as HTML

_BAR = 96  # pixels, for the best score of the digest


def render_digest_page(digest: Digest) -> str:
    """*digest* as a whole HTML document for a file or a site: light and dark, for phones and for paper.

    Its policy forbids whatever is not in it. Equal digests give equal texts.
    """

    def render(summary: Summary, markdown: str) -> str:
        return render_page(markdown, urls=summary.urls)

    def build(rank: int, item: Item) -> Iterator[str]:
        yield from _paper(digest, rank, item, render)
        if item.summary and item.attempt:
            yield f'<details lang="{escape(item.attempt.key.language)}" dir="auto">'
            yield f'<summary lang="en" dir="ltr">{_text(build_origin(item))}</summary>'
            yield from _sections(item.summary, render)
            yield "</details>"

    policy = f"default-src 'none'; style-src 'sha256-{_digest_of(_STYLE)}'; base-uri 'none'; form-action 'none'"
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return _document(digest, head, _body(digest, build))


def render_digest_mail(digest: Digest) -> str:
    """*digest* as a whole HTML document for a mail, in which everything is shown without folds and MathML."""

    def render(summary: Summary, markdown: str) -> str:
        return render_feed(markdown, urls=summary.urls)

    def build(rank: int, item: Item) -> Iterator[str]:
        yield from _paper(digest, rank, item, render)
        if item.summary:
            yield f'<p class="quiet"><a href="#summary-{rank}">{_text(build_origin(item))}</a></p>'

    return _document(digest, "", (*_body(digest, build), *_summaries(digest, render)))


def _document(digest: Digest, head: str, body: Iterable[str]) -> str:
    lines = (
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        head,
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{_text(say_title(digest))}</title>",
        f"<style>{_STYLE}</style>",
        "</head>",
        "<body>",
        "<main>",
        *body,
        "</main>",
        f"<footer><p>{_text(ACKNOWLEDGEMENT)}</p></footer>",
        "</body>",
        "</html>",
    )
    return "\n".join(filter(None, lines)) + "\n"


def _body(digest: Digest, build: Callable[[int, Item], Iterable[str]]) -> Iterator[str]:
    yield f"<h1>{_text(say_title(digest))}</h1>"
    yield f'<p class="lead">{_text(say_synopsis(digest))}</p>'
    for notice in digest.notices:
        yield f'<p class="notice">{_text(notice)}</p>'
    if not digest.silence:
        yield "<h2>Papers</h2>"
        if not digest.items:
            yield f"<p>{_text(NOTHING_LISTED)}</p>"
        for rank, item in enumerate(digest.items, start=1):
            yield f'<article id="paper-{rank}">'
            yield from build(rank, item)
            yield "</article>"
        yield "<h2>Statistics</h2>"
        yield from _facts(tell_statistics(digest))
    yield "<h2>Configuration</h2>"
    yield from _facts(tell_configuration(digest.profile))
    yield "<h2>Schedule</h2>"
    yield f"<p>{_text(say_schedule(digest))}</p>"
    if digest.addresses:
        yield f"<p>The same as a feed: {', '.join(starmap(_anchor, list_formats(digest.addresses)))}.</p>"


def _paper(digest: Digest, rank: int, item: Item, render: _Render) -> Iterator[str]:
    """All of a paper but the sections of its summary."""
    yield f'<h3><span class="rank">{rank}.</span> <bdi>{_anchor(say_paper(item), item.link)}</bdi></h3>'
    if names := say_names(item):
        yield f"<p>{_text(names)}</p>"
    told = (_text(say_categories(item)), str(item.mailing), *starmap(_anchor, list_links(item)))
    yield f'<p class="quiet">{" · ".join(told)}</p>'
    yield f'<p class="quiet">{_bar(digest, item)}Score {say_points(item.score.value)}{_because(item)}</p>'
    if comment := say_comment(item):
        yield f'<p class="quiet">{_text(comment)}</p>'
    if item.summary and item.summary.tldr and item.attempt:
        tldr = item.summary.tldr
        sentence = as_sentence(render(item.summary, tldr), tldr).removeprefix("<p>").removesuffix("</p>")
        language = escape(item.attempt.key.language)
        yield f'<p class="tldr"><strong>TL;DR</strong> <bdi lang="{language}">{sentence}</bdi></p>'
    if abstract := say_abstract(item):
        yield f'<p dir="auto">{_text(abstract)}</p>'
    if absence := build_absence(item):
        yield f'<p class="quiet">{_text(absence)}</p>'


def _bar(digest: Digest, item: Item) -> str:
    """The score as a line whose length is its share of the best one; nothing where no paper has points."""
    best = max(other.score.value for other in digest.items)
    if best <= 0 or item.score.value <= 0:
        return ""
    width = max(1, round(_BAR * item.score.value / best))
    return (
        f'<svg width="{_BAR}" height="8" aria-hidden="true"><rect class="all" width="{_BAR}" height="8" rx="4"/>'
        f'<rect class="part" width="{width}" height="8" rx="4"/></svg> '
    )


def _because(item: Item) -> str:
    reasons = say_reasons(item)
    return f": {_text(reasons)}" if reasons else ""


def _summaries(digest: Digest, render: _Render) -> Iterator[str]:
    """The summaries of all papers, one after the other."""
    ranked = [(rank, item) for rank, item in enumerate(digest.items, start=1) if item.summary]
    if ranked:
        yield "<h2>Summaries</h2>"
    for rank, item in ranked:
        if item.summary and item.attempt:
            yield f'<article id="summary-{rank}" lang="{escape(item.attempt.key.language)}" dir="auto">'
            yield f'<h3 lang="en" dir="ltr">{rank}. <bdi>{_anchor(say_paper(item), item.link)}</bdi></h3>'
            yield from _sections(item.summary, render)
            yield "</article>"


def _sections(summary: Summary, render: _Render) -> Iterator[str]:
    for section in summary.sections:
        yield render(summary, join_section(section.heading, section.markdown))


def _facts(facts: Iterable[Fact]) -> Iterator[str]:
    yield "<dl>"
    for label, text in facts:
        yield f"<dt>{_text(label)}</dt><dd>{_text(text)}</dd>"
    yield "</dl>"


def _anchor(text: str, url: str) -> str:
    return f'<a href="{escape(url)}">{_text(text)}</a>'


def _text(text: str) -> str:
    return escape(say(text), quote=False)


def _digest_of(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()


_STYLE = """
:root {
  color-scheme: light dark;
  --ink: #1d232b; --quiet: #566170; --paper: #fbfaf7; --card: #fff; --line: #ddd9d0; --accent: #a3341f;
  --notice: #fff3d6; --tldr: #eef3f8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6e3dc; --quiet: #a4adb8; --paper: #16191d; --card: #1f242a; --line: #363d46; --accent: #ff9b80;
    --notice: #45391a; --tldr: #263340;
  }
}
body {
  background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; margin: 0;
  overflow-wrap: break-word; padding: 1.5rem 1rem 3rem;
}
main, footer { margin: 0 auto; max-width: 46rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.3rem; margin: 2.25rem 0 .75rem; }
h3 { font-size: 1.1rem; line-height: 1.35; margin: 0 0 .4rem; }
h4 { font-size: 1.05rem; margin: 1.25rem 0 .4rem; }
h5, h6 { font-size: 1rem; margin: 1rem 0 .3rem; }
a { color: var(--accent); }
h3 a { text-decoration: none; }
h3 a:hover, h3 a:focus { text-decoration: underline; }
article, dl {
  background: var(--card); border: 1px solid var(--line); border-radius: .5rem; margin: 0 0 1rem; padding: 1rem 1.1rem;
}
article p { margin: .4rem 0; }
article li p { margin: 0; }
.lead { color: var(--quiet); font-size: 1.1rem; margin: 0 0 1rem; }
.rank, .quiet, footer { color: var(--quiet); }
.quiet, footer { font-size: .9rem; }
.notice, .tldr { background: var(--notice); border-radius: .5rem; padding: .6rem .9rem; }
.tldr { background: var(--tldr); }
svg { vertical-align: middle; }
svg .all { fill: var(--line); }
svg .part { fill: var(--accent); }
dt { color: var(--quiet); font-size: .9rem; }
dd { margin: 0 0 .6rem; }
details { border-top: 1px solid var(--line); margin-top: .8rem; padding-top: .6rem; }
summary { color: var(--quiet); cursor: pointer; font-size: .9rem; }
ul, ol { padding-left: 1.4rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; }
pre, math[display=block] { overflow-x: auto; }
code { font-size: .92em; }
blockquote { border-left: 3px solid var(--line); color: var(--quiet); margin: .6rem 0; padding-left: .9rem; }
footer { margin-top: 2.5rem; }
@media print {
  body { background: none; font-size: 10pt; padding: 0; }
  article { border: 0; break-inside: avoid; padding: 0; }
}
"""
