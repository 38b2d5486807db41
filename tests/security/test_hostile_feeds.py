"""Documents made to exhaust whoever reads them: refused or read, within a second and in bounded memory."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

import pytest

from core.arxiv.query_api import parse_search_page
from core.arxiv.rss import parse_announcements
from core.errors import SourceMalformed
from core.tex import to_unicode

MOST_SECONDS = 1.0  # of this processor's time; the slowest takes a fifth of it
ATOM = 'xmlns="http://www.w3.org/2005/Atom"'


def in_rss(inner: str) -> bytes:
    return f'<rss version="2.0"><channel>{inner}</channel></rss>'.encode()


def with_attributes(attributes: str) -> bytes:
    return f"<rss {attributes}><channel/></rss>".encode()


def in_atom(inner: str) -> bytes:
    return f"<feed {ATOM}>{inner}</feed>".encode()


BODIES: dict[str, Callable[[], bytes]] = {
    "200,000 elements in one another": lambda: in_rss("<a>" * 200_000 + "</a>" * 200_000),
    "a text of 30 MB": lambda: in_rss(f"<title>{'a' * 30_000_000}</title>"),
    "100,000 attributes": lambda: with_attributes(" ".join(f"a{number}=''" for number in range(100_000))),
    "an attribute of 20 MB": lambda: with_attributes(f"a='{'b' * 20_000_000}'"),
    "100,000 entries": lambda: in_rss("<item/>" * 100_000),
    "100,000 entries of Atom": lambda: in_atom("<entry/>" * 100_000),
    "100,000 categories of one entry": lambda: in_rss(f"<item>{'<category>cs.LG</category>' * 100_000}</item>"),
    "200,000 references": lambda: in_rss(f"<title>{'&#38;' * 200_000}</title>"),
    "200,000 forbidden characters": lambda: in_rss(f"<title>{chr(1) * 200_000}</title>"),
    "an endless reference": lambda: in_rss(f"<title>&#{'9' * 1_000_000};</title>"),
    "100,000 namespaces": lambda: in_rss("".join(f'<a xmlns:n{number}="u"/>' for number in range(100_000))),
    "a million comments": lambda: b"<!---->" * 1_000_000 + in_rss(""),
}


@pytest.mark.parametrize("parse", [parse_announcements, parse_search_page])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_document_made_to_exhaust_its_reader_does_not(
    body: Callable[[], bytes], parse: Callable[[bytes], object]
) -> None:
    document = body()
    started = time.thread_time()
    with suppress(SourceMalformed):
        parse(document)
    assert time.thread_time() - started < MOST_SECONDS


def test_what_is_refused_leaves_no_memory_behind() -> None:
    document = in_rss("<item/>" * 100_000)
    tracemalloc.start()
    try:
        with pytest.raises(SourceMalformed):
            parse_announcements(document)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000


@pytest.mark.parametrize("unit", ["{", "$", "\\'", "\\frac{", "^{", "\\sqrt[", "a ", "\\textbf{a}", "{}", "$a$"])
def test_tex_made_to_exhaust_its_reader_does_not(unit: str) -> None:
    started = time.thread_time()
    to_unicode(unit * (100_000 // len(unit)))
    assert time.thread_time() - started < MOST_SECONDS
