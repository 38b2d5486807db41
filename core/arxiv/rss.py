"""An announcement feed of arXiv (RSS or Atom) -> the papers of one mailing, and what could not be read.

Nothing here fetches, and nothing here believes that a feed is today's: arXiv serves an earlier mailing under a new date
now and then.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from lxml import etree

from core.arxiv.announced import MOST_ENTRIES, AnnouncementFeed, Entry, Rejected
from core.arxiv.entries import (
    EntryError,
    read_authors,
    read_categories,
    read_paper_id,
    refusal,
    reject,
    required,
)
from core.arxiv.xml import ARXIV, ATOM, DUBLIN_CORE, Children, children_of, line_of, parse_xml, text_in, text_of
from core.errors import SourceMalformed
from core.mailings import EASTERN
from core.moments import read_moment
from core.papers import AnnounceType, Paper, PaperId
from core.tex import to_unicode

_MOST_ITEMS = 20_000  # ten times arXiv's own limit; reading more would only keep the process busy
_ERROR_TITLE = "Feed error for query:"

# Before the abstract stands "arXiv:2403.15527v1 Announce Type: new \nAbstract: " (arXiv/arxiv-feed, serializer.py).
_HEAD = re.compile(
    r"\s*(?:arXiv:(?P<id>\S+)\s+)?(?:Announce\s+Type:\s*(?P<announce_type>\S+)\s+)?Abstract:[ ]?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Dialect:
    """What the elements of a feed format are called."""

    item: str
    id: str
    title: str
    about: str
    text: str
    link: str
    category: str
    published: str
    built: str


_DIALECTS = {
    "rss": _Dialect(
        item="item",
        id="guid",
        title="title",
        about="description",
        text="description",
        link="link",
        category="category",
        published="pubDate",
        built="lastBuildDate",
    ),
    f"{ATOM}feed": _Dialect(
        item=f"{ATOM}entry",
        id=f"{ATOM}id",
        title=f"{ATOM}title",
        about=f"{ATOM}subtitle",
        text=f"{ATOM}summary",
        link=f"{ATOM}link",
        category=f"{ATOM}category",
        published=f"{ATOM}published",
        built=f"{ATOM}updated",
    ),
}


def parse_announcements(body: bytes) -> AnnouncementFeed:
    """What the announcement feed *body* says, in RSS 2.0 or Atom.

    An entry that cannot be read is one `Rejected`; an empty feed is a feed. Raises SourceMalformed for anything that is
    not an announcement feed as a whole, and as SourceRefused for arXiv's error feeds, whose message it carries.
    """
    root = parse_xml(body)
    dialect = _DIALECTS.get(str(root.tag))
    channel = root.find("channel") if root.tag == "rss" else root
    if dialect is None or channel is None:
        raise SourceMalformed(f"its root is <{etree.QName(root).localname}>, not an RSS channel or an Atom feed")
    about = children_of(channel)
    title = line_of(about, dialect.title) or ""
    if title.startswith(_ERROR_TITLE):
        raise refusal(line_of(about, dialect.about) or title)
    items = list(root.iter(dialect.item))
    if len(items) > _MOST_ITEMS:
        raise SourceMalformed(f"it has {len(items)} entries, and arXiv sends 2,000 at most")
    outcomes = [_read_item(children_of(item), dialect, place) for place, item in enumerate(items, start=1)]
    return AnnouncementFeed(
        title=title,
        mailing=_claimed_mailing(about, items, dialect),
        entries=tuple(outcome for outcome in outcomes if isinstance(outcome, Entry)),
        rejected=tuple(outcome for outcome in outcomes if isinstance(outcome, Rejected)),
    )


def parse_unless_cut_off(body: bytes) -> AnnouncementFeed | None:
    """The same; None where the feed may be cut off, mostly seen at a glance: reading it would take half a second."""
    if body.count(b"</item>") + body.count(b"</entry>") >= MOST_ENTRIES:
        return None
    feed = parse_announcements(body)
    return None if feed.may_be_cut_off else feed


def _claimed_mailing(about: Children, items: Iterable[etree._Element], dialect: _Dialect) -> date | None:
    """The channel's own date, else the one most entries carry, else the day it was built."""
    claimed = _eastern_date(text_of(about, dialect.published))
    if claimed is not None:
        return claimed
    days = Counter(day for item in items if (day := _eastern_date(text_of(children_of(item), dialect.published))))
    if days:
        return days.most_common(1)[0][0]
    return _eastern_date(text_of(about, dialect.built))


def _eastern_date(text: str | None) -> date | None:
    moment: datetime | None = read_moment(text)
    try:
        return moment.astimezone(EASTERN).date() if moment else None
    except OverflowError:  # the first day of year 1
        return None


def _read_item(item: Children, dialect: _Dialect, place: int) -> Entry | Rejected:
    try:
        return _read_entry(item, dialect)
    except EntryError as error:
        named = line_of(item, dialect.id) or _link(item, dialect) or line_of(item, dialect.title)
        return reject(named or f"entry {place}", error)


def _read_entry(item: Children, dialect: _Dialect) -> Entry:
    head, raw_abstract = _split_head(required(text_of(item, dialect.text), "abstract"))
    paper_id = _identify(item, dialect, head.get("id"))
    raw_title = required(text_of(item, dialect.title), "title")
    raw_authors = _authors_line(item)
    paper = Paper(
        id=paper_id.number,
        version=paper_id.version or 1,
        title=to_unicode(raw_title),
        authors=read_authors(raw_authors),
        abstract=to_unicode(required(raw_abstract, "abstract")),
        categories=read_categories(_terms(item, dialect)),
        raw_title=raw_title,
        raw_authors=raw_authors,
        raw_abstract=raw_abstract,
        licence=_web_address(line_of(item, f"{DUBLIN_CORE}rights")),
        doi=line_of(item, f"{ARXIV}DOI"),
        journal_reference=line_of(item, f"{ARXIV}journal_reference"),
    )
    return Entry(paper, _announce_type(line_of(item, f"{ARXIV}announce_type") or head.get("announce_type")))


def _split_head(text: str) -> tuple[dict[str, str], str]:
    """What the head of an entry's text tells (`id`, `announce_type`), and the abstract after it."""
    head = _HEAD.match(text)
    if head is None:
        return {}, text
    return {name: told for name, told in head.groupdict().items() if told}, text[head.end() :]


def _identify(item: Children, dialect: _Dialect, told: str | None) -> PaperId:
    """The id from the guid, else the link, else what the text's head *told*, which also helps out with the version."""
    paper_id = read_paper_id(required(line_of(item, dialect.id) or _link(item, dialect) or told, "id"))
    if paper_id.version is None and told:
        told_id = read_paper_id(told)
        return told_id if told_id.number == paper_id.number else paper_id
    return paper_id


def _link(item: Children, dialect: _Dialect) -> str | None:
    """The item's address: the text of RSS's link, the alternate one of Atom's."""
    for link in item.get(dialect.link, ()):
        address = text_in(link).strip() or link.get("href", "").strip()
        if address and link.get("rel", "alternate") == "alternate":
            return address
    return None


def _terms(item: Children, dialect: _Dialect) -> list[str]:
    return [category.get("term") or text_in(category) for category in item.get(dialect.category, ())]


def _authors_line(item: Children) -> str:
    return ", ".join(filter(str.strip, map(text_in, item.get(f"{DUBLIN_CORE}creator", ()))))


def _announce_type(text: str | None) -> AnnounceType:
    name = required(text, "announce type")
    try:
        return AnnounceType(name)
    except ValueError as error:
        raise EntryError(f"its announce type {name!r} is unknown") from error


def _web_address(text: str | None) -> str | None:
    """*text* where it can be a link; a licence is offered as one."""
    return text if text and text.startswith(("https://", "http://")) else None
