"""arXiv's documents written by hand, for tests: a part of one is changed by naming it."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape


def element(name: str, text: str | None, attributes: str = "") -> str:
    """One element, or nothing where *text* is None."""
    return "" if text is None else f"<{name}{attributes}>{escape(text)}</{name}>"


def rss_item(**changes: Any) -> str:
    """An item as arXiv's RSS feed has it; None leaves an element out."""
    parts: dict[str, Any] = {
        "title": "Paged Attention for Everyone",
        "link": "https://arxiv.org/abs/2603.00001",
        "description": "arXiv:2603.00001v1 Announce Type: new \nAbstract: A kernel can be fast.",
        "guid": "oai:arXiv.org:2603.00001v1",
        "categories": ("cs.LG", "cs.AI"),
        "published": None,
        "announce_type": "new",
        "rights": "http://creativecommons.org/licenses/by/4.0/",
        "doi": None,
        "journal_reference": None,
        "creators": ("Ada Lovelace, Jo\\~ao Silva (MIT, CSAIL)",),
    }
    parts.update(changes)
    return "".join(
        (
            "<item>",
            element("title", parts["title"]),
            element("link", parts["link"]),
            element("description", parts["description"]),
            element("guid", parts["guid"], ' isPermaLink="false"'),
            *(element("category", category) for category in parts["categories"]),
            element("pubDate", parts["published"]),
            element("arxiv:announce_type", parts["announce_type"]),
            element("dc:rights", parts["rights"]),
            element("arxiv:DOI", parts["doi"]),
            element("arxiv:journal_reference", parts["journal_reference"]),
            *(element("dc:creator", creator) for creator in parts["creators"]),
            "</item>",
        )
    )


def rss_feed(
    *items: str,
    title: str = "cs.AI, cs.LG updates on arXiv.org",
    description: str = "cs.AI, cs.LG updates on the arXiv.org e-print archive.",
    published: str | None = "Thu, 05 Mar 2026 00:00:00 -0500",
    built: str | None = "Thu, 05 Mar 2026 05:00:02 +0000",
) -> bytes:
    """An RSS announcement feed of *items*."""
    head = (
        '<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0">'
        "<channel>"
    )
    channel = (
        element("title", title)
        + element("description", description)
        + element("lastBuildDate", built)
        + element("pubDate", published)
    )
    return f"<?xml version='1.0' encoding='UTF-8'?>\n{head}{channel}{''.join(items)}</channel></rss>".encode()


def atom_entry(**changes: Any) -> str:
    """An entry as arXiv's Atom feed has it; None leaves an element out."""
    parts: dict[str, Any] = {
        "id": "oai:arXiv.org:2603.00001v1",
        "title": "Paged Attention for Everyone",
        "link": "https://arxiv.org/abs/2603.00001",
        "summary": "arXiv:2603.00001v1 Announce Type: new \nAbstract: A kernel can be fast.",
        "categories": ("cs.LG", "cs.AI"),
        "published": "2026-03-05T00:00:00-05:00",
        "announce_type": "new",
    }
    parts.update(changes)
    link = "" if parts["link"] is None else f'<link href="{parts["link"]}" rel="alternate" type="text/html"/>'
    return "".join(
        (
            "<entry>",
            element("id", parts["id"]),
            element("title", parts["title"]),
            "<updated>2026-03-05T05:00:19.899254+00:00</updated>",
            link,
            element("summary", parts["summary"]),
            *(f'<category term="{category}"/>' for category in parts["categories"]),
            element("published", parts["published"]),
            element("arxiv:announce_type", parts["announce_type"]),
            "<dc:creator>Ada Lovelace, Jo\\~ao Silva (MIT, CSAIL)</dc:creator>",
            "</entry>",
        )
    )


def atom_feed(*entries: str, title: str = "cs.AI updates on arXiv.org", subtitle: str = "About cs.AI.") -> bytes:
    """An Atom announcement feed of *entries*."""
    head = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/">'
    )
    channel = f"{element('title', title)}<updated>2026-03-06T05:00:19.866337+00:00</updated>"
    return f"{head}{channel}{element('subtitle', subtitle)}{''.join(entries)}</feed>".encode()


def api_entry(**changes: Any) -> str:
    """An entry of the query API, as its serialiser of 2026 writes it; None leaves an element out."""
    parts: dict[str, Any] = {
        "id": "http://arxiv.org/abs/2603.00001v2",
        "title": "Paged Attention for Everyone",
        "updated": "2026-03-04T09:30:00Z",
        "published": "2026-03-01T18:00:05Z",
        "summary": "A kernel can be fast.",
        "primary": "cs.LG",
        "categories": ("cs.LG", "cs.AI"),
        "comment": None,
        "journal_reference": None,
        "doi": None,
        "authors": "<author><name>João Silva</name></author>",
    }
    parts.update(changes)
    primary = "" if parts["primary"] is None else f'<arxiv:primary_category term="{parts["primary"]}"/>'
    return "".join(
        (
            "<entry>",
            element("id", parts["id"]),
            element("title", parts["title"]),
            element("updated", parts["updated"]),
            element("summary", parts["summary"]),
            *(f'<category term="{category}"/>' for category in parts["categories"]),
            element("published", parts["published"]),
            element("arxiv:comment", parts["comment"]),
            primary,
            element("arxiv:journal_ref", parts["journal_reference"]),
            parts["authors"],
            element("arxiv:doi", parts["doi"]),
            "</entry>",
        )
    )


def api_page(*entries: str, total: str | None = "1", start: str | None = "0", title: str = "arXiv Query: x") -> bytes:
    """A page of the query API with *entries*."""
    head = (
        '<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom"'
        ' xmlns="http://www.w3.org/2005/Atom">'
    )
    counts = element("opensearch:totalResults", total) + element("opensearch:startIndex", start)
    return f"{head}{element('title', title)}{counts}{''.join(entries)}</feed>".encode()
