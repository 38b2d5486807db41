"""The feeds of rss.arxiv.org as arXiv/arxiv-feed writes them: what is asked for + a mailing -> RSS 2.0 or Atom 1.0.

Nothing here serves. The order of elements, the spaces and the messages are those of arXiv's service, so that a reader
that gets along with these bytes gets along with its.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime

from core.arxiv.taxonomy import ARCHIVES, CATEGORIES, find_category, with_aliases
from core.papers import ANNOUNCE_TYPES, AnnounceType
from demo.mailing import Listing, SamplePaper, Writer, build_moment, feed_midnight
from demo.markup import element, escape_attribute

MOST_ENTRIES = 2000

_HOST = "http://rss.arxiv.org"
_LAST_ANNOUNCED_VERSION = 5
_EXAMPLE = (
    "Each name can be either of the form 'archive' or 'archive.category'. For example: 'math+cs.CG' "
    "(all from math and only computational geometry from computer science)."
)

_RSS_OPEN = """<?xml version='1.0' encoding='UTF-8'?>
<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/" \
xmlns:atom="http://www.w3.org/2005/Atom" xmlns:content="http://purl.org/rss/1.0/modules/content/" version="2.0">
  <channel>"""
_RSS_CLOSE = "  </channel>\n</rss>\n"
_ATOM_OPEN = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/" \
xmlns="http://www.w3.org/2005/Atom" xml:lang="en-us">"""
_ATOM_CLOSE = "</feed>\n"


class BadSpec(ValueError):
    """arXiv knows no such feed; the text is what arXiv says."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What a feed is asked for. *names* are in arXiv's spelling, archives first; *categories* what they stand for."""

    names: tuple[str, ...]
    categories: frozenset[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A paper and what the feed calls its announcement."""

    paper: SamplePaper
    announce_type: AnnounceType


def parse_spec(text: str) -> Spec:
    """The spec `cs.AI+math` as arXiv reads it, in any letter case; raises BadSpec for the first part that is wrong."""
    parts = text.split("+")
    if not all(part.strip() for part in parts):
        raise BadSpec(
            f"Invalid archive specification '{text}'. Correct format is one or more archive names delimited by '+'. "
            f"{_EXAMPLE}"
        )
    for part in parts:
        _check(part)
    archives = tuple(part.lower() for part in parts if "." not in part)
    categories = tuple(category.id for part in parts if "." in part and (category := find_category(part)))
    return Spec(archives + categories, frozenset(with_aliases((*_members(archives), *categories))))


def _check(part: str) -> None:
    archive, *classes = part.split(".")
    if len(classes) > 1:
        raise BadSpec(
            f"Bad archive/subject class structure '{part}'. Valid names include an archive, possibly followed by a "
            "single period and subject class."
        )
    if archive.lower() not in ARCHIVES:
        raise BadSpec(f"Bad archive '{archive.lower()}'. Valid archive names are: {', '.join(ARCHIVES)}.")
    if classes and find_category(part) is None:
        valid = ", ".join(_members([archive.lower()]))
        raise BadSpec(
            f"Bad subject class '{classes[0]}'. Valid subject classes for the archive '{archive.lower()}' are: {valid}."
        )


def _members(archives: Iterable[str]) -> list[str]:
    wanted = set(archives)
    return [category.id for category in CATEGORIES.values() if category.archive in wanted]


def select_entries(listings: Iterable[Listing], spec: Spec) -> tuple[Entry, ...]:
    """The entries of the feed *spec*: new, cross, replace, replace-cross, each ascending by id.

    Replacements after the fifth version are left out. Of more than `MOST_ENTRIES` entries the first ones are missing,
    which are new papers: so does arXiv.
    """
    entries = [
        Entry(listing.paper, announce_type)
        for listing in listings
        if (announce_type := listing.announce_type(spec.categories))
        and (listing.event != "replace" or listing.paper.version <= _LAST_ANNOUNCED_VERSION)
    ]
    entries.sort(key=lambda entry: (ANNOUNCE_TYPES.index(entry.announce_type), entry.paper.id))
    return tuple(entries[-MOST_ENTRIES:])


def render_rss(spec: Spec, entries: Sequence[Entry], day: date) -> bytes:
    """The RSS feed that claims to be of *day*, whatever mailing its *entries* are from."""
    names = ", ".join(spec.names)
    items = [line for entry in entries for line in _rss_item(entry, day)]
    return _rss(
        f"{names} updates on arXiv.org",
        f"{names} updates on the arXiv.org e-print archive.",
        f"{_HOST}/rss/{'+'.join(spec.names)}",
        day,
        ["<skipDays>", "  <day>Saturday</day>", "  <day>Sunday</day>", "</skipDays>", *items],
        editor="rss-help@arxiv.org",
    )


def render_rss_error(text: str, message: str, day: date) -> bytes:
    """What arXiv answers, with HTTP 400, to a request for the RSS feed *text* that it finds wrong."""
    address = f"{_HOST}/rss/{text}"
    return _rss(f"Feed error for query: {address}", message, address, day, [], editor="rss-help.arxiv.org")


def render_atom(spec: Spec, entries: Sequence[Entry], day: date) -> bytes:
    """The Atom feed that claims to be of *day*, whatever mailing its *entries* are from."""
    names = ", ".join(spec.names)
    lines = [line for place, entry in enumerate(entries) for line in _atom_entry(entry, day, len(entries) - place)]
    return _atom(
        f"{names} updates on arXiv.org",
        f"{names} updates on the arXiv.org e-print archive.",
        f"{_HOST}/atom/{'+'.join(spec.names)}",
        day,
        lines,
    )


def render_atom_error(text: str, message: str, day: date) -> bytes:
    """What arXiv answers, with HTTP 400, to a request for the Atom feed *text* that it finds wrong."""
    address = f"{_HOST}/atom/{text}"
    return _atom(f"Feed error for query: {address}", message, address, day, [])


def creators(writers: Iterable[Writer]) -> str:
    """The one line that a feed gives all authors in. A single name has a blank before it, and so has a colon."""
    return ", ".join(f"{_name(writer)}{_affiliation(writer)}" for writer in writers).removeprefix(" ")


def _name(writer: Writer) -> str:
    return f"{writer.given} {writer.family}"


def _affiliation(writer: Writer) -> str:
    return f" ({', '.join(writer.affiliations)})" if writer.affiliations else ""


def _rss(title: str, description: str, address: str, day: date, rest: list[str], *, editor: str) -> bytes:
    lines = [
        *element("title", title),
        *element("link", address),
        *element("description", description),
        f'<atom:link href="{escape_attribute(address)}" rel="self" type="application/rss+xml"/>',
        "<docs>http://www.rssboard.org/rss-specification</docs>",
        "<language>en-us</language>",
        *element("lastBuildDate", format_datetime(build_moment(day).astimezone(UTC))),
        *element("managingEditor", editor),
        *element("pubDate", format_datetime(feed_midnight(day))),
        *rest,
    ]
    return "\n".join([_RSS_OPEN, *(f"    {line}" for line in lines), _RSS_CLOSE]).encode()


def _rss_item(entry: Entry, day: date) -> list[str]:
    paper = entry.paper
    lines = [
        *element("title", paper.title),
        *element("link", f"https://arxiv.org/abs/{paper.id}"),
        *element("description", _description(entry)),
        f'<guid isPermaLink="false">oai:arXiv.org:{paper.id}v{paper.version}</guid>',
        *(f"<category>{category}</category>" for category in paper.categories),
        *element("pubDate", format_datetime(feed_midnight(day))),
        *element("arxiv:announce_type", entry.announce_type),
        *element("dc:rights", paper.licence),
        *element("arxiv:DOI", paper.doi),
        *element("arxiv:journal_reference", paper.journal_reference),
        *element("dc:creator", creators(paper.writers)),
    ]
    return ["<item>", *(f"  {line}" for line in lines), "</item>"]


def _atom(title: str, subtitle: str, address: str, day: date, rest: list[str]) -> bytes:
    lines = [
        *element("id", address),
        *element("title", title),
        *element("updated", _in_utc(build_moment(day))),
        f'<link href="{escape_attribute(address)}" rel="self" type="application/atom+xml"/>',
        *element("subtitle", subtitle),
        *rest,
    ]
    return "\n".join([_ATOM_OPEN, *(f"  {line}" for line in lines), _ATOM_CLOSE]).encode()


def _atom_entry(entry: Entry, day: date, age: int) -> list[str]:
    """An entry that was added *age* steps after the feed was begun; arXiv adds the last entry first."""
    paper = entry.paper
    updated = build_moment(day) + timedelta(microseconds=32_000 + 60 * age)
    lines = [
        *element("id", f"oai:arXiv.org:{paper.id}v{paper.version}"),
        *element("title", paper.title),
        *element("updated", _in_utc(updated)),
        f'<link href="https://arxiv.org/abs/{paper.id}" rel="alternate" type="text/html"/>',
        *element("summary", _description(entry)),
        *(f'<category term="{category}"/>' for category in paper.categories),
        *element("published", feed_midnight(day).isoformat()),
        *element("arxiv:announce_type", entry.announce_type),
        *element("dc:rights", paper.licence),
        *element("arxiv:journal_reference", paper.journal_reference),
        *element("arxiv:DOI", paper.doi),
        *element("dc:creator", creators(paper.writers)),
    ]
    return ["<entry>", *(f"  {line}" for line in lines), "</entry>"]


def _description(entry: Entry) -> str:
    paper = entry.paper
    return f"arXiv:{paper.id}v{paper.version} Announce Type: {entry.announce_type} \nAbstract: {paper.abstract}"


def _in_utc(moment: datetime) -> str:
    """*moment* as arXiv's Atom feed writes it, with microseconds, also where there are none."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
