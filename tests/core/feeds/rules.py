"""What RSS 2.0, Atom 1.0 and careful readers demand of a document, checked without the code under test.

Each function gives the breaches it found, as sentences; none for a good document. A document that is not well-formed
raises lxml's XMLSyntaxError.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from html.parser import HTMLParser
from urllib.parse import urlsplit

from lxml import etree

ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
ARXIV = "{http://arxiv.org/schemas/atom}"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

_TAGS_OF_SUMMARIES = "blockquote code em h3 h4 h5 h6 hr li ol pre strong sub sup table tbody td th thead tr ul"
_ALLOWED_TAGS = {"p", "a", "br", *_TAGS_OF_SUMMARIES.split()}
_ALLOWED_ATTRIBUTES = {("a", "href"), ("a", "rel"), ("ol", "start")}
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")


def parse_strictly(document: bytes) -> etree._Element:
    """The root of *document*, by a parser that repairs nothing."""
    return etree.fromstring(document, etree.XMLParser(recover=False, resolve_entities=False, no_network=True))


class Reading(HTMLParser):
    """What a person sees of a piece of HTML: the text of each paragraph, and what the links point at."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.paragraphs: list[str] = []
        self.links: list[str] = []
        self.breaches: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _ALLOWED_TAGS:
            self.breaches.append(f"<{tag}> is not among the tags that readers keep")
        if tag == "p":
            self.paragraphs.append("")
        if tag == "br":
            self.paragraphs[-1] += "\n"
        for name, value in attrs:
            if (tag, name) not in _ALLOWED_ATTRIBUTES:
                self.breaches.append(f"<{tag}> has the attribute {name}")
            if name == "href":
                self.links.append(value or "")
                self.breaches.extend(_address_breaches(value))

    def handle_data(self, data: str) -> None:
        if self.paragraphs:
            self.paragraphs[-1] += data.removesuffix("\n")


def rss_breaches(document: bytes) -> list[str]:
    root = parse_strictly(document)
    channel = root[0]
    return [
        *_unless(root.tag == "rss" and root.get("version") == "2.0", "not RSS 2.0"),
        *_text_breaches(document),
        *_once(channel, "title", "link", "description", "language", "lastBuildDate", f"{ATOM}link"),
        *_unless(channel.find(f"{ATOM}link") is not None, "no self link"),
        *_unless(channel.findtext("link") != channel.find(f"{ATOM}link[@rel='self']").get("href"), "link is the feed"),  # type: ignore[union-attr]  # claimed above
        *_address_breaches(channel.findtext("link")),
        *_date_breaches(channel.findtext("lastBuildDate")),
        *_order_breaches(channel, "item"),
        *_unless(channel.find("managingEditor") is None, "managingEditor would be shown as an author"),
        *_repeated([guid.text for guid in channel.iterfind("item/guid")]),
        *(breach for item in channel.iterfind("item") for breach in _item_breaches(item)),
    ]


def _item_breaches(item: etree._Element) -> Iterator[str]:
    tags = [child.tag for child in item]
    yield from _once(item, "title", "link", "description", f"{CONTENT}encoded", "guid", "pubDate")
    yield from _unless(tags.index("description") < tags.index(f"{CONTENT}encoded"), "description after content")
    yield from _unless("author" not in tags, "author must be an e-mail address")
    yield from _unless(tags.count(f"{DUBLIN_CORE}creator") <= 1, "readers show one dc:creator only")
    yield from _date_breaches(item.findtext("pubDate"))
    yield from _address_breaches(item.findtext("link"))
    is_link = "true" if item.findtext("guid") == item.findtext("link") else "false"
    yield from _unless(item.find(f"guid[@isPermaLink='{is_link}']") is not None, "isPermaLink is wrong")
    yield from Reading(item.findtext(f"{CONTENT}encoded") or "").breaches
    yield from Reading(item.findtext("description") or "").breaches


def atom_breaches(document: bytes) -> list[str]:
    root = parse_strictly(document)
    entries = root.findall(f"{ATOM}entry")
    return [
        *_unless(root.tag == f"{ATOM}feed" and bool(root.get(XML_LANG)), "not an Atom feed with a language"),
        *_text_breaches(document),
        *_once(root, f"{ATOM}id", f"{ATOM}title", f"{ATOM}updated"),
        *_unless(len(root.findall(f"{ATOM}link[@rel='self']")) == 1, "not exactly one self link"),
        *_unless(
            root.find(f"{ATOM}author") is not None
            or (bool(entries) and all(entry.find(f"{ATOM}author") is not None for entry in entries)),
            "someone must be the author",
        ),
        *_timestamp_breaches(root.findtext(f"{ATOM}updated")),
        *_order_breaches(root, f"{ATOM}entry"),
        *_alternate_breaches(root),
        *_repeated([entry.findtext(f"{ATOM}id") for entry in entries]),
        *(breach for entry in entries for breach in _entry_breaches(entry)),
    ]


def _entry_breaches(entry: etree._Element) -> Iterator[str]:
    yield from _once(entry, *(f"{ATOM}{name}" for name in ("id", "title", "updated", "published", "content")))
    yield from _timestamp_breaches(entry.findtext(f"{ATOM}updated"))
    yield from _timestamp_breaches(entry.findtext(f"{ATOM}published"))
    yield from _alternate_breaches(entry)
    first = entry.find(f"{ATOM}link")
    yield from _unless(first is not None and first.get("rel") == "alternate", "the page is not the first link")
    yield from _unless(entry.find(f"{ATOM}content[@type='html']") is not None, "the content is not marked as HTML")
    yield from Reading(entry.findtext(f"{ATOM}content") or "").breaches


def _unless(holds: bool, breach: str) -> list[str]:
    return [] if holds else [breach]


def _once(parent: etree._Element, *tags: str) -> list[str]:
    """Each of *tags* must stand in *parent* once, and say something unless it is a link with a href."""
    return [
        f"{tag} does not stand once and filled in {parent.tag}"
        for tag in tags
        if len(found := parent.findall(tag)) != 1 or not ((found[0].text or "").strip() or found[0].get("href"))
    ]


def _repeated(values: list[str | None]) -> list[str]:
    return _unless(len(set(values)) == len(values), "an identifier is repeated")


def _order_breaches(parent: etree._Element, tag: str) -> list[str]:
    is_entry = [child.tag == tag for child in parent]
    return _unless(is_entry == sorted(is_entry), "metadata after entries")


def _alternate_breaches(parent: etree._Element) -> list[str]:
    kinds = [
        (link.get("type"), link.get("hreflang"))
        for link in parent.iterfind(f"{ATOM}link")
        if link.get("rel", "alternate") == "alternate"
    ]
    hrefs = [link.get("href") for link in parent.iterfind(f"{ATOM}link")]
    return [
        *_unless(bool(kinds), "no alternate link"),
        *_unless(len(set(kinds)) == len(kinds), "two alternate links of one type"),
        *(breach for href in hrefs for breach in _address_breaches(href)),
    ]


def _address_breaches(url: str | None) -> list[str]:
    parts = urlsplit(url or "")
    return _unless(parts.scheme in ("http", "https") and bool(parts.netloc), f"{url} is not an absolute address")


def _date_breaches(text: str | None) -> list[str]:
    """RFC 822 with a four-digit year and the right weekday, which writing it anew shows."""
    try:
        is_right = text is not None and format_datetime(parsedate_to_datetime(text), usegmt=True) == text
    except ValueError:
        is_right = False
    return _unless(is_right, f"{text} is not an RFC 822 date in GMT")


def _timestamp_breaches(text: str | None) -> list[str]:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return [f"{text} is not an RFC 3339 timestamp"]
    return _unless(moment.tzinfo is not None and "T" in (text or ""), f"{text} has no zone")


def _text_breaches(document: bytes) -> list[str]:
    return _unless(_CONTROLS.search(document.decode()) is None, "control characters")
