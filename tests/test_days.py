"""End to end: whole days of announcements go in, feeds come out, and every paper is accounted for.

The days are the stand-in's week and every reconstructed day of ../shared/arxiv, which the stand-in then serves.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import feedparser
import pytest
from lxml import etree

from core.catalogue import LEDGER, Outcome, Selection
from core.feeds.content import plain_text
from core.store.records import Ledger
from demo.standin import ArxivStandIn
from tests.api.running import NOW, WEEK, Running, newest_first, running
from tests.core.feeds.rules import ARXIV, ATOM, CONTENT, DUBLIN_CORE, Reading, parse_strictly
from tests.shared_data import ARXIV as RECORDED
from tests.shared_data import needs_recordings

ROOT = Path(__file__).resolve().parents[1]
CONFIG: Mapping[str, Any] = json.loads((ROOT / "config.json").read_text(encoding="utf-8"))
CATEGORIES: Sequence[str] = CONFIG["categories"]
COMBINED = "+".join(CATEGORIES)
SCOPES = ("default", *CATEGORIES, "cs.AI+cs.LG")
FORMATS = ("rss", "atom", "jsonfeed")
DAYS = ("2026-03-05", "2026-04-21", "2026-05-04", "2026-05-19", "2026-06-16")


@dataclass(frozen=True, slots=True)
class Day:
    """A service after a refresh, the ledgers of what it was given, and the arXiv that gave it."""

    service: Running
    arxiv: ArxivStandIn
    received: int
    distinct: int
    ledgers: tuple[Ledger, ...]


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Day]]:
    """Opens each day once, whatever the order of the tests."""
    with ExitStack() as stack:

        @cache
        def open_day(name: str) -> Day:
            arxiv = stack.enter_context(ArxivStandIn(WEEK))
            service = stack.enter_context(running(tmp_path_factory.mktemp("day"), arxiv, config=CONFIG))
            return _week(service, arxiv) if name == "week" else _recorded(service, arxiv, name)

        yield open_day


@pytest.fixture(params=["week", *(pytest.param(day, marks=needs_recordings) for day in DAYS)])
def day(request: pytest.FixtureRequest, opened: Callable[[str], Day]) -> Day:
    return opened(request.param)


def _week(service: Running, arxiv: ArxivStandIn) -> Day:
    ledgers = []
    for mailing in WEEK:
        arxiv.show(mailing.day)
        ledgers.append(service.refresh().ledger)
    followed = [
        listing.paper.id
        for mailing in WEEK
        for listing in mailing.listings
        if listing.announce_type(frozenset(CATEGORIES))
    ]
    return Day(service, arxiv, len(followed), len(set(followed)), tuple(ledgers))


def _recorded(service: Running, arxiv: ArxivStandIn, name: str) -> Day:
    body = combined_feed(name)
    arxiv.serve_feed(COMBINED, body)
    service.clock.now = datetime.combine(date.fromisoformat(name), NOW.timetz())
    guids = re.findall(rb"<guid[^>]*>oai:arXiv.org:(.+?)v\d+</guid>", body)
    return Day(service, arxiv, len(guids), len(set(guids)), (service.refresh().ledger,))


def combined_feed(name: str) -> bytes:
    """The day as one feed: what was recorded so, or the entries of its separate feeds one after the other."""
    folder = RECORDED / "reconstructed" / name
    whole = folder / f"{COMBINED}.xml"
    if whole.exists():
        return whole.read_bytes()
    first, *others = (etree.parse(folder / f"{category}.xml").getroot() for category in CATEGORIES)
    channel = first.find("channel")
    assert channel is not None
    for other in others:
        channel.extend(other.findall("channel/item"))
    return etree.tostring(first, encoding="UTF-8", xml_declaration=True)


def address(kind: str, scope: str) -> str:
    return f"/{kind}" if scope == "default" else f"/{kind}/{scope}"


def items_of(day: Day, scope: str) -> list[dict[str, Any]]:
    """What /api/papers lists of *scope*, in the order of feeds: newest mailing first, best first within."""
    answer = day.service.ask(f"/api/papers?limit=500&scope={scope.replace('+', '%2B')}").json()
    assert answer["next_cursor"] is None
    return newest_first(answer["items"])


def at(text: str) -> tuple[int, ...]:
    return datetime.fromisoformat(text).astimezone(UTC).timetuple()[:6]


def test_every_entry_is_accounted_for(day: Day) -> None:
    totals = Counter({"received": 0, "new": 0, "rejected": 0})
    for ledger in day.ledgers:
        assert ledger.is_balanced
        totals.update(received=ledger.received, new=ledger.new, rejected=ledger.rejected)
    assert totals == {"received": day.received, "new": day.distinct, "rejected": 0}


@pytest.mark.parametrize("scope", SCOPES)
def test_every_paper_of_a_scope_is_listed_or_filtered_for_one_reason(day: Day, scope: str) -> None:
    service = day.service.service
    profile = service.config.default if scope == "default" else None
    items = items_of(day, scope)
    if profile is not None:
        selected = day.service.runner.run(service.catalogue.select(Selection(scope, profile)))
        counted = selected.count()
        assert (sum(counted.values()), set(counted)) == (day.distinct, set(LEDGER))
        assert counted[Outcome.LISTED] == len(items)
    assert items
    assert max(Counter(item["mailing"] for item in items).values()) <= CONFIG["max_papers"]
    for item in items:
        assert round(sum(reason["points"] for reason in item["reasons"]), 4) == item["score"] >= CONFIG["min_score"]
        assert item["announce_type"] in CONFIG["announce_types"]
        assert scope == "default" or set(scope.split("+")) & set(item["categories"])


@pytest.mark.parametrize("scope", SCOPES)
def test_json_feed_reads_back_to_the_same_papers(day: Day, scope: str) -> None:
    document = json.loads(day.service.ask(address("jsonfeed", scope)).content)
    told = [
        (one["id"], one["title"], one["_arxiv"]["score"], one["_arxiv"]["mailing"], len(one["_arxiv"]["reasons"]))
        for one in document["items"]
    ]
    assert told == [
        (item["links"]["abs"], plain_text(item["title"]), item["score"], item["mailing"], len(item["reasons"]))
        for item in items_of(day, scope)
    ]


@pytest.mark.parametrize("scope", SCOPES)
def test_a_strict_parser_reads_rss_back_to_the_same_papers(day: Day, scope: str) -> None:
    entries = parse_strictly(day.service.ask(address("rss", scope)).content).findall("channel/item")
    for entry, item in zip(entries, items_of(day, scope), strict=True):
        assert entry.findtext("guid") == entry.findtext("link") == item["links"]["abs"]
        assert entry.findtext("title") == plain_text(item["title"])
        assert [one.text for one in entry.findall("category")] == item["categories"]
        assert [one.text for one in entry.findall(f"{DUBLIN_CORE}creator")] == [", ".join(names(item))]
        assert entry.findtext(f"{ARXIV}announce_type") == item["announce_type"]
        check_content(entry.findtext(f"{CONTENT}encoded") or "", item)


@pytest.mark.parametrize("scope", SCOPES)
def test_a_strict_parser_reads_atom_back_to_the_same_papers(day: Day, scope: str) -> None:
    entries = parse_strictly(day.service.ask(address("atom", scope)).content).findall(f"{ATOM}entry")
    for entry, item in zip(entries, items_of(day, scope), strict=True):
        assert entry.findtext(f"{ATOM}id") == item["links"]["abs"]
        assert entry.findtext(f"{ATOM}title") == plain_text(item["title"])
        assert [one.get("term") for one in entry.findall(f"{ATOM}category")] == item["categories"]
        assert [one.text for one in entry.findall(f"{ATOM}author/{ATOM}name")] == names(item)
        assert at(entry.findtext(f"{ATOM}published") or "") == at(item["published"])
        assert at(entry.findtext(f"{ATOM}updated") or "") == at(item["updated"])
        check_content(entry.findtext(f"{ATOM}content") or "", item)


@pytest.mark.parametrize("kind", ["rss", "atom"])
def test_feedparser_reads_the_default_feed_back_to_the_same_papers(day: Day, kind: str) -> None:
    parsed = feedparser.parse(day.service.ask(f"/{kind}").content)
    assert not parsed.bozo
    told = [
        (
            entry.id,
            entry.link,
            entry.title,
            [tag.term for tag in entry.tags],
            entry.published_parsed[:6],
            entry.arxiv_announce_type,
            Reading(entry.content[0].value).paragraphs[2],
        )
        for entry in parsed.entries
    ]
    assert told == [
        (
            item["links"]["abs"],
            item["links"]["abs"],
            plain_text(item["title"]),
            item["categories"],
            at(item["published"]),
            item["announce_type"],
            score_line(item),
        )
        for item in items_of(day, "default")
    ]


def names(item: Mapping[str, Any]) -> list[str]:
    return [plain_text(author["name"]) for author in item["authors"]]


def score_line(item: Mapping[str, Any]) -> str:
    return f"Score {item['score']:g}: {', '.join(reason['text'] for reason in item['reasons'])}"


def check_content(html: str, item: Mapping[str, Any]) -> None:
    """What a person reads of an entry: authors, categories with announce types, score with reasons, abstract, links."""
    reading = Reading(html)
    authors, categories, score, abstract, *_ = reading.paragraphs
    assert (reading.breaches, authors, score, abstract) == (
        [],
        ", ".join(names(item)),
        score_line(item),
        item["abstract"],
    )
    for category, announce_type in item["announce_types"].items():
        assert f"{category} ({announce_type})" in categories
    assert set(item["links"].values()) <= set(reading.links)


def test_unchanged_data_is_not_sent_again_even_after_another_refresh(day: Day) -> None:
    addresses = [address(kind, scope) for kind in FORMATS for scope in SCOPES]
    first = {one: day.service.ask(one).headers for one in addresses}
    ledger = day.service.refresh().ledger
    assert ledger.received == ledger.duplicate > 0
    for one in addresses:
        by_tag = day.service.ask(one, If_None_Match=first[one]["ETag"])
        by_date = day.service.ask(one, If_Modified_Since=first[one]["Last-Modified"])
        assert [(answer.status_code, answer.content) for answer in (by_tag, by_date)] == [(304, b"")] * 2


DIGESTS = """
import json, sys
from datetime import datetime
from pathlib import Path
from tests.test_days import CONFIG, digests, running

class Elsewhere:
    rss_base, api_base, base = sys.argv[1:4]

with running(Path(sys.argv[4]), Elsewhere, config=CONFIG) as service:
    service.clock.now = datetime.fromisoformat(sys.argv[5])
    service.refresh()
    print(json.dumps(digests(service)))
"""


def digests(service: Running) -> dict[str, str]:
    """A digest of every feed's bytes, and of what else is made from papers."""
    addresses = [address(kind, scope) for kind in FORMATS for scope in SCOPES]
    wide = "/api/papers?min_score=0&limit=500&types=new,cross,replace,replace-cross"
    return {
        one: hashlib.sha256(service.ask(one).content).hexdigest()
        for one in (*addresses, wide, "/opml", "/api/feeds", "/")
    }


@pytest.mark.parametrize("name", ["week", pytest.param("2026-05-04", marks=needs_recordings)])
def test_the_same_data_gives_the_same_bytes_in_another_process_on_another_store(tmp_path: Path, name: str) -> None:
    with ArxivStandIn(WEEK) as arxiv, running(tmp_path, arxiv, config=CONFIG) as service:
        if name == "week":
            service.refresh()
        else:
            _recorded(service, arxiv, name)
        other = tmp_path / "other"
        other.mkdir()
        arguments = [arxiv.rss_base, arxiv.api_base, arxiv.base, str(other), service.clock.now.isoformat()]
        ended = subprocess.run(
            [sys.executable, "-c", DIGESTS, *arguments],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": "4711", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout) == digests(service)
