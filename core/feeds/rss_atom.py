"""A feed as RSS 2.0 and as Atom 1.0, built with feedgen.

feedgen 1.0.0 writes some of what readers need wrongly: it loses rel and type of an entry's links
(https://github.com/lkiesow/python-feedgen/issues/135), drops authors without an e-mail address from RSS, prepends
entries, stamps everything with the present time, and changes the locale of the whole process to write an RSS date.
Those parts are written here, as a feedgen extension.

Left out on purpose: `ttl`, `skipDays` and `skipHours`, because Cache-Control knows the next mailing and they would not;
`managingEditor`, because readers show it as the author of every paper.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator
from lxml import etree

from core.catalogue import Feed, Item
from core.feeds import content

ARXIV = "http://arxiv.org/schemas/atom"
DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"


def render_rss(feed: Feed) -> bytes:
    """*feed* as RSS 2.0 in UTF-8: equal feeds give equal bytes.

    The whole content is in `content:encoded`, which readers prefer; `description` says why the item is listed and does
    not repeat it. All names are in one `dc:creator`, since of several most readers show one.
    """
    generator = _start(feed)
    # feedgen makes the last link that was added the channel's.
    generator.link(href=feed.addresses.rss, rel="self", type="application/rss+xml")
    generator.link(href=feed.addresses.page, rel="alternate", type="text/html")
    # feedgen would stamp the present time, through setlocale; there is no public way to leave the element out.
    generator._FeedGenerator__rss_lastBuildDate = None
    for item in feed.items:
        entry = _add_entry(generator, item)
        entry.link(href=item.link)
        entry.guid(item.guid, permalink=item.guid == item.link)
        entry.description(content.build_synopsis(item))
        entry.content(content.build_content(item), type="html")
    document: bytes = generator.rss_str(pretty=True)
    return document


def render_atom(feed: Feed) -> bytes:
    """*feed* as Atom 1.0 (RFC 4287) in UTF-8: equal feeds give equal bytes. Its id is its own address."""
    generator = _start(feed)
    generator.id(feed.addresses.atom)
    generator.updated(_utc(feed.updated))
    generator.link(href=feed.addresses.page, rel="alternate", type="text/html")
    generator.link(href=feed.addresses.atom, rel="self", type="application/atom+xml")
    # Entries inherit the feed's author, and a feed without one is invalid unless every entry has its own.
    if not feed.items or not all(map(content.build_names, feed.items)):
        generator.author(name="arXiv")
    for item in feed.items:
        entry = _add_entry(generator, item)
        entry.id(item.guid)
        entry.published(_utc(item.published))
        entry.updated(_utc(item.updated))
        entry.author([{"name": name} for name in content.build_names(item)])
        entry.content(content.build_content(item), type="html")
    document: bytes = generator.atom_str(pretty=True)
    return document


def _start(feed: Feed) -> FeedGenerator:
    generator = FeedGenerator()
    generator.register_extension("arxiv", _FeedElements, _EntryElements)
    generator.arxiv.feed = feed
    generator.title(content.build_feed_title(feed))
    generator.description(content.build_description(feed))
    generator.language("en")
    generator.generator("arxiv-feeds")
    return generator


def _add_entry(generator: FeedGenerator, item: Item) -> FeedEntry:
    """A new last entry with what both formats say alike."""
    entry = generator.add_entry(order="append")
    entry.arxiv.item = item
    entry.title(content.build_title(item))
    # feedgen writes the label where RSS wants the term.
    terms = filter(None, map(content.plain_text, item.paper.categories))
    entry.category([{"term": term, "scheme": ARXIV, "label": term} for term in terms])
    return entry


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


@lru_cache(maxsize=64)  # items of one mailing share theirs
def _rss_date(moment: datetime) -> str:
    """*moment* as RFC 2822 wants it."""
    return format_datetime(_utc(moment), usegmt=True)


def _add(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> None:
    """A child of *parent*; none where *text* is empty once it is clean. None means an element without text."""
    cleaned = None if text is None else content.clean_text(text)
    if cleaned != "":
        etree.SubElement(parent, name, attributes).text = cleaned


class _FeedElements:
    """The extension's part in the feed: the namespaces, and the date that feedgen would write through setlocale."""

    feed: Feed

    def extend_ns(self) -> dict[str, str]:
        return {"arxiv": ARXIV, "dc": DUBLIN_CORE}

    def extend_rss(self, root: etree._Element) -> None:
        _add(root[0], "lastBuildDate", _rss_date(self.feed.updated))

    def extend_atom(self, root: etree._Element) -> None:
        """Nothing: Atom's own elements suffice."""


class _EntryElements:
    """The extension's part in an entry: links, RSS dates and names, and the elements of arXiv's own feeds."""

    item: Item

    def extend_rss(self, element: etree._Element) -> None:
        _add(element, "pubDate", _rss_date(self.item.published))
        _add(element, f"{{{DUBLIN_CORE}}}creator", ", ".join(content.build_names(self.item)))
        self._add_arxiv(element)

    def extend_atom(self, element: etree._Element) -> None:
        # Some readers follow the first link whatever its rel says.
        _add(element, "link", href=self.item.link, rel="alternate", type="text/html")
        _add(element, "link", href=self.item.paper.pdf_url, rel="related", type="application/pdf", title="PDF")
        self._add_arxiv(element)

    def _add_arxiv(self, element: etree._Element) -> None:
        paper = self.item.paper
        _add(element, f"{{{ARXIV}}}announce_type", self.item.announce_type)
        _add(element, f"{{{DUBLIN_CORE}}}rights", paper.licence or "")
        _add(element, f"{{{ARXIV}}}journal_reference", paper.journal_reference or "")
        _add(element, f"{{{ARXIV}}}DOI", paper.doi or "")
