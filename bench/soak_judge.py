"""What must hold in a soak, as pure functions of what was seen: each gives a sentence for everything that is wrong."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import accumulate

import brotli
from lxml import etree

from bench.client import Reply
from core.mailings import EASTERN
from core.papers import PaperId
from demo.mailing import Mailing
from demo.request_log import Request

_ATOM = "{http://www.w3.org/2005/Atom}"
_ABS = "https://arxiv.org/abs/"
_BROKEN, _BAD_GATEWAY, _AWAY = 500, 502, 503
_LAST_ANNOUNCED_VERSION = 5
_NAMED = 5  # of what is wrong alike


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a feed: its paper, the version where the identifier has one, and the mailing it stands under."""

    paper_id: str
    version: int | None
    mailing: date


def read_entries(reply: Reply, kind: str) -> tuple[Entry, ...]:
    """The entries of a feed of the format *kind*, as its reader finds them.

    Raises ValueError, or what lxml and the decoders raise, where the answer is no such feed.
    """
    body = _decode(reply)
    match kind:
        case "jsonfeed":
            told = [(item["id"], date.fromisoformat(item["_arxiv"]["mailing"])) for item in json.loads(body)["items"]]
        case "rss":
            items = etree.fromstring(body).iter("item")
            told = [(_text(item, "guid"), _eastern(_text(item, "pubDate"))) for item in items]
        case _:
            entries = etree.fromstring(body).iter(f"{_ATOM}entry")
            told = [(_text(one, f"{_ATOM}id"), _eastern_iso(_text(one, f"{_ATOM}published"))) for one in entries]
    return tuple(_entry(guid, mailing) for guid, mailing in told)


def _decode(reply: Reply) -> bytes:
    match reply.headers.get("content-encoding"):
        case "gzip":
            return gzip.decompress(reply.body)
        case "br":
            return bytes(brotli.decompress(reply.body))
    return reply.body


def _text(element: etree._Element, name: str) -> str:
    found = element.findtext(name)
    if found is None:
        raise ValueError(f"an entry has no {name}")
    return found


def _eastern(text: str) -> date:
    return parsedate_to_datetime(text).astimezone(EASTERN).date()


def _eastern_iso(text: str) -> date:
    return datetime.fromisoformat(text).astimezone(EASTERN).date()


def _entry(guid: str, mailing: date) -> Entry:
    if not guid.startswith(_ABS):
        raise ValueError(f"{guid} is no identifier of an entry")
    paper = PaperId.parse(guid.removeprefix(_ABS))
    return Entry(paper.number, paper.version, mailing)


def judge_status(kind: str, status: int, retry_after: str | None) -> str | None:
    """What is wrong with the *status* of an answer, None where nothing is.

    A known feed may have no 5xx at all. Others may be told when to come back, and an operator what arXiv answered.
    """
    if kind == "refresh" and status == _BAD_GATEWAY:
        return None
    if status == _AWAY and kind != "feed":
        return None if retry_after else f"{status} without Retry-After"
    return f"{status}" if status >= _BROKEN else None


def find_repeated(entries: Iterable[Entry]) -> tuple[str, ...]:
    """The papers that stand in a feed more than once."""
    counted = Counter(entry.paper_id for entry in entries)
    return tuple(paper_id for paper_id, count in counted.items() if count > 1)


def find_vanished(before: Iterable[Entry], after: Iterable[Entry], *, today: date, days_back: int) -> tuple[Entry, ...]:
    """The entries of *before* that are not in *after*, though their mailing is in the window of *today*."""
    left = {entry.paper_id for entry in after}
    first = today - timedelta(days=days_back - 1)
    return tuple(entry for entry in before if entry.paper_id not in left and entry.mailing >= first)


def find_announced(
    mailings: Iterable[Mailing], categories: Collection[str], *, first: date, last: date
) -> dict[str, tuple[str, date]]:
    """What the search can tell of as well as a feed, by paper: its event, new or replace, and its last mailing.

    Left out are late cross-lists, which no search tells of, and versions that arXiv announces no more.
    """
    wanted = frozenset(categories)
    return {
        listing.paper.id: (listing.event, mailing.day)
        for mailing in mailings
        if first <= mailing.day <= last
        for listing in mailing.listings
        if listing.announce_type(wanted)
        and (
            listing.event == "new" or (listing.event == "replace" and listing.paper.version <= _LAST_ANNOUNCED_VERSION)
        )
    }


def find_impolite(
    requests: Sequence[Request], *, pause_seconds: float, excused: Collection[tuple[float, float]]
) -> Iterator[str]:
    """The requests to arXiv that came sooner than *pause_seconds* after the end of all earlier ones.

    *excused* are spans of time in which the store had lost who was asking.
    """
    ordered = sorted(requests, key=lambda one: one.started)
    ends = accumulate((one.started if one.ended is None else one.ended for one in ordered), max)
    for later, end in zip(ordered[1:], ends, strict=False):
        pause = later.started - end
        if pause < pause_seconds and not any(since <= later.started <= until for since, until in excused):
            yield f"arXiv was asked for {later.path} {pause:.3f} s after the request before it"


def find_unlike(path: str, replies: Sequence[Reply], *, in_bytes: bool = True) -> Iterator[str]:
    """What a process sends otherwise than the first at *path*; entries only, where not *in_bytes*.

    A later version has the summary of an earlier one for a while, and that may be in the memory of one process only.
    """
    kind = path.split("/")[1]
    first, *others = [(frozenset(read_entries(reply, kind)), _decode(reply)) for reply in replies]
    for entries, body in others:
        names = [f"{one.paper_id}v{one.version or ''} of {one.mailing}" for one in first[0] ^ entries]
        if names or (in_bytes and body != first[1]):
            yield from tell(f"{path} is not the same for all, in", names or ["what its entries say"])


def find_untold(items: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """The items of /api/papers that have neither a summary nor a reason why there is none."""
    for item in items:
        if item["summary"] is None and not item["summary_absence"]:
            yield f"{item['id']} has neither a summary nor a reason for none"


def tell(what: str, names: Collection[str]) -> Iterator[str]:
    """One sentence that *what* is wrong with *names*, none where there are none."""
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield f"{what}: {', '.join(sorted(names)[:_NAMED])}{more}"
