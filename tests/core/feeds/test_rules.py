"""The rules themselves: each breach that feedgen or a slip could bring about is found."""

from __future__ import annotations

import pytest
from lxml.etree import XMLSyntaxError

from core.feeds.rss_atom import render_atom, render_rss
from tests.builders import feed
from tests.core.feeds.rules import Reading, atom_breaches, parse_strictly, rss_breaches


@pytest.mark.parametrize(
    ("old", "new", "breach"),
    [
        ("Thu, 05 Mar", "Fri, 05 Mar", "Fri, 05 Mar 2026 05:00:00 GMT is not an RFC 822 date in GMT"),
        ('isPermaLink="true"', 'isPermaLink="false"', "isPermaLink is wrong"),
        ("https://feeds.example/rss", "https://feeds.example/", "link is the feed"),
        ("<dc:creator>", "<dc:creator>A</dc:creator><dc:creator>", "readers show one dc:creator only"),
        ("</item>", "<author>A</author></item>", "author must be an e-mail address"),
        ("</channel>", "<docs/></channel>", "metadata after entries"),
        ("<title>Paged Attention for Everyone", "<title>", "title does not stand once and filled in item"),
        ("We show", "We\u0085show", "control characters"),
    ],
)
def test_a_breach_in_rss_is_found(old: str, new: str, breach: str) -> None:
    assert breach in rss_breaches(render_rss(feed()).decode().replace(old, new).encode())


@pytest.mark.parametrize(
    ("old", "new", "breach"),
    [
        ('rel="related" type="application/pdf"', 'type="text/html"', "two alternate links of one type"),
        ('type="html"', 'type="CDATA"', "the content is not marked as HTML"),
        ("+00:00</updated>", "</updated>", "2026-03-05T05:00:00 has no zone"),
        ("2026-03-05T05", "today T05", "today T05:00:00+00:00 is not an RFC 3339 timestamp"),
        ("</feed>", "<icon/></feed>", "metadata after entries"),
        ("author>", "contributor>", "someone must be the author"),
        ('rel="self"', 'rel="via"', "not exactly one self link"),
        (' xml:lang="en"', "", "not an Atom feed with a language"),
        ("https://arxiv.org/pdf", "/pdf", "/pdf/2603.00001 is not an absolute address"),
    ],
)
def test_a_breach_in_atom_is_found(old: str, new: str, breach: str) -> None:
    assert breach in atom_breaches(render_atom(feed()).decode().replace(old, new).encode())


@pytest.mark.parametrize(
    ("html", "breach"),
    [
        ("<script>x</script>", "<script> is not among the tags that readers keep"),
        ('<p class="x">', "<p> has the attribute class"),
        ('<a href="/abs/1">', "/abs/1 is not an absolute address"),
    ],
)
def test_a_breach_in_html_is_found(html: str, breach: str) -> None:
    assert breach in Reading(html).breaches


def test_a_broken_document_is_not_repaired() -> None:
    with pytest.raises(XMLSyntaxError):
        parse_strictly(b"<rss><channel></rss>")
