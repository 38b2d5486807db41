"""A list of feeds as OPML 2.0 (http://opml.org/spec2.opml), for subscribing to all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from core.catalogue import FeedAddresses
from core.feeds.content import plain_text


@dataclass(frozen=True, slots=True)
class Outline:
    """One feed of the list: its title, what it is about ("" for nothing), and where it is found."""

    title: str
    description: str
    addresses: FeedAddresses


def render_opml(title: str, feeds: Sequence[Outline]) -> bytes:
    """*feeds* in their order as OPML 2.0 in UTF-8, by their RSS addresses, which every reader takes.

    There are no dates in it, so equal lists give equal bytes.
    """
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = plain_text(title)
    body = etree.SubElement(root, "body")
    for feed in feeds:
        etree.SubElement(body, "outline", _attributes(feed))
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _attributes(feed: Outline) -> dict[str, str]:
    title = plain_text(feed.title) or feed.addresses.page
    attributes = {
        "type": "rss",
        "text": title,
        "title": title,
        "xmlUrl": feed.addresses.rss,
        "htmlUrl": feed.addresses.page,
    }
    description = plain_text(feed.description)
    return attributes | ({"description": description} if description else {})
