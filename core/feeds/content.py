"""What a feed says of an item in words: cleaned text, the title, and the HTML that every format carries.

Only text; how a format wraps it is the format's own module.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape, unescape
from urllib.parse import quote

from core.catalogue import Feed, Item
from core.papers import Paper
from core.profiles import say_points
from core.summaries.attempts import Attempt, SourceKind
from core.summaries.languages import name_language

# XML 1.0 cannot carry C0 controls, surrogates, U+FFFE and U+FFFF in any form (https://www.w3.org/TR/xml/#charsets); DEL
# and C1 are legal there but print nothing. The controls that Python counts as white space are left for `clean_text`.
_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_SOURCES: Mapping[SourceKind, str] = {
    "html": "the full text on arXiv",
    "pdf": "the PDF",
    "abstract": "the abstract alone",
}
_BREAK = re.compile(r"<(?:br|/?p)>")
_RAISED, _LOWERED = re.compile("<sup>"), re.compile("<sub>")
_TAG = re.compile(r"<[^>]*>")  # of HTML that we wrote
_TAG_OPENING = re.compile(r"<(?=[^\W\d_]|[/!?])")


def clean_text(text: str) -> str:
    """*text* on one line, without the characters that XML cannot carry; "" where nothing is left."""
    if not text.isprintable():
        text = _UNPRINTABLE.sub("", text)
    elif "  " not in text and not text.startswith(" ") and not text.endswith(" "):
        return text  # as nearly all are; a space is the only white space that is printable
    return " ".join(text.split())


def plain_text(text: str) -> str:
    """Clean *text* that readers who wrongly take it for HTML show whole: `$x<y$` becomes `$x< y$`.

    Liferea drops everything from such a `<` on, FreshRSS strips what looks like a tag, and validators warn.
    """
    cleaned = clean_text(text)
    return _TAG_OPENING.sub("< ", cleaned) if "<" in cleaned else cleaned


def build_title(item: Item) -> str:
    """The paper's title as plain text; its identifier where nothing is left, since Atom demands a title."""
    return plain_text(item.paper.title) or f"arXiv:{item.paper.id}"


def build_names(item: Item) -> tuple[str, ...]:
    """The authors' names as plain text, in the paper's order; without those of which nothing is left."""
    names = tuple(author.name for author in item.paper.authors)
    joined = ", ".join(names)
    if all(names) and " ," not in joined and plain_text(joined) == joined:  # as nearly all are: none wants cleaning
        return names
    return tuple(filter(None, map(plain_text, names)))


def build_description(feed: Feed) -> str:
    """What the feed is about as plain text, its notices first; its title where it says nothing of itself."""
    return plain_text(" ".join((*feed.notices, feed.description))) or build_feed_title(feed)


def build_feed_title(feed: Feed) -> str:
    """The feed's title as plain text; the address of its page where it has none."""
    return plain_text(feed.title) or feed.addresses.page


def build_content(item: Item) -> str:
    """All there is to read about *item*, as HTML without style, class or script and with absolute addresses only.

    The one sentence of its summary comes first, since readers show the beginning in their lists, and the rest of it
    after the abstract, or in place of the abstract where the feed is brief. The authors stand in it because most
    readers show only the first or the last of several author elements.
    """
    summary = item.summary
    is_brief = item.is_brief and summary is not None
    paragraphs = (
        escape(", ".join(build_names(item)), quote=False),
        *_standing(item),
        "" if is_brief else escape(clean_text(item.paper.abstract), quote=False),
    )
    after = ("" if is_brief else "<br>".join(_publication(item)), _links(item))
    return "\n".join(
        (
            *_first(item),
            *_paragraphs(paragraphs),
            *_summary(item),
            *_paragraphs(after),
        )
    )


def build_synopsis(item: Item) -> str:
    """What *item* is in a sentence, and why it is listed, as HTML: its summary's sentence, categories and score.

    For the places that stand beside the whole content, so it repeats neither abstract nor authors.
    """
    return "\n".join((*_first(item), *_paragraphs(_standing(item))))


def build_tldr(item: Item) -> str:
    """The one sentence of the item's summary as plain text, without Markdown and LaTeX; empty where there is none."""
    if item.summary is None:
        return ""
    html = _LOWERED.sub("_", _RAISED.sub("^", _BREAK.sub(" ", item.summary.tldr_html)))
    return plain_text(unescape(_TAG.sub("", html)))


def build_origin(item: Item) -> str:
    """Which model wrote the item's summary, in which language and from what, as plain text; empty without one."""
    return "" if item.attempt is None else tell_origin(item.attempt, item.paper)


def tell_origin(attempt: Attempt, paper: Paper) -> str:
    """The same of any *attempt* at a summary of *paper*."""
    if attempt.summary is None:
        return ""
    summary, key = attempt.summary, attempt.key
    version = f" of version {key.version}" if key.version != paper.version else ""
    told = f"AI summary{version} in {name_language(key.language)} by {summary.model}, from {_SOURCES[summary.source]}."
    if "unverified" in summary.flags and summary.unsupported is not None:
        told += f" Unverified: {summary.unsupported:.0%} of its numbers were not found in that text."
    return clean_text(told)


def build_absence(item: Item) -> str:
    """Why there is no summary where one was meant to be, as plain text; empty where there is one or none was meant."""
    if item.attempt is None or item.attempt.summary is not None:
        return ""
    return clean_text(f"No AI summary: {item.attempt.reason}.")


def _first(item: Item) -> Iterator[str]:
    """The sentence of the item's summary as a paragraph."""
    if item.summary is not None and item.summary.tldr_html:
        inner = item.summary.tldr_html.strip().removeprefix("<p>").removesuffix("</p>")
        yield f"<p{_language_of(item)}><strong>TL;DR:</strong> {_UNPRINTABLE.sub('', inner)}</p>"


def _language_of(item: Item) -> str:
    """The attribute that says which language the item's summary is written in, where it is not the feed's."""
    language = item.attempt.key.language if item.attempt else "en"
    return "" if language == "en" else f' lang="{escape(language)}"'


def _summary(item: Item) -> Iterator[str]:
    """The sections of the item's summary and where they come from, or why there is none."""
    if item.summary is not None:
        language = _language_of(item)
        for section in item.summary.sections:
            text = _UNPRINTABLE.sub("", section.html)
            yield f"<h3{language}>{escape(clean_text(section.heading), quote=False)}</h3>"
            yield f"<div{language}>{text}</div>" if language else text
    told = build_origin(item) or build_absence(item)
    if told:
        yield f"<p><em>{escape(told, quote=False)}</em></p>"


def _paragraphs(lines: Iterable[str]) -> Iterator[str]:
    return (f"<p>{line}</p>" for line in lines if line)


def say_categories(item: Item) -> str:
    """The paper's categories, each with its announce type where that is known."""
    types = dict(item.announce_types)
    return ", ".join(f"{name} ({types[name]})" if name in types else name for name in item.paper.categories)


def _standing(item: Item) -> Iterator[str]:
    """One line of HTML for the categories, one for the score if there is anything to say of it."""
    yield escape(clean_text(say_categories(item)), quote=False)
    if item.score.reasons:
        reasons = ", ".join(map(str, item.score.reasons))
        yield escape(clean_text(f"Score {say_points(item.score.value)}: {reasons}"), quote=False)
    elif item.score.value:
        yield f"Score {say_points(item.score.value)}"


def _publication(item: Item) -> Iterator[str]:
    """What authors and journal say of the paper, one line of HTML each, as far as it is known."""
    if comment := clean_text(item.paper.comment or ""):
        yield f"Comment: {escape(comment, quote=False)}"
    if reference := clean_text(item.paper.journal_reference or ""):
        yield f"Journal reference: {escape(reference, quote=False)}"
    # arXiv writes several DOIs into the one field, with spaces between them.
    if dois := clean_text(item.paper.doi or "").split():
        yield "DOI: " + ", ".join(_anchor(f"https://doi.org/{quote(doi, safe='/:;().')}", doi) for doi in dois)


def _links(item: Item) -> str:
    paper = item.paper
    return " · ".join(
        (
            _anchor(paper.abs_url, f"arXiv:{paper.id}v{paper.version}"),
            _anchor(paper.pdf_url, "PDF"),
            _anchor(paper.html_url, "HTML"),
        )
    )


def _anchor(url: str, text: str) -> str:
    return f'<a href="{escape(url)}">{escape(text, quote=False)}</a>'
