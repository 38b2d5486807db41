"""The work of a refresh as the origin does it: a feed for each category, feedparser, a scan for each keyword, feedgen.

Written anew from what it is known to do, to be measured against; it scores by the rule that `core/scoring.py` keeps
as `count` in `substring` mode. Everything is in memory: the origin stores nothing.
"""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import feedparser
from feedgen.feed import FeedGenerator

_ANNOUNCE_TYPE = re.compile(r"Announce Type:\s*(\S+)")
_ABSTRACT = re.compile(r"Abstract:\s*(.*)", re.DOTALL)
_WANTED_TYPES = frozenset({"new", "cross"})
_IN_TITLE = 0.5  # points more


@dataclass(slots=True)
class OriginPaper:
    """A paper as the origin has it; `authors` is one line, `abstract` what feedparser's cleaning leaves."""

    id: str
    title: str
    link: str
    authors: str
    abstract: str
    announce_type: str
    categories: list[str]
    published: datetime | None
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class OriginConfig:
    """What the origin is configured with; keywords and exclusions are looked for anywhere in a text, in any case."""

    keywords: Sequence[str]
    exclusions: Sequence[str] = ()
    max_papers: int = 30


def refresh(bodies: Iterable[bytes], config: OriginConfig) -> bytes:
    """The RSS feed that the origin makes of the categories' feeds *bodies*: the papers that score best."""
    papers = merge(paper for body in bodies for paper in parse(body))
    return render(rank(papers, config)[: config.max_papers])


def parse(body: bytes) -> Iterator[OriginPaper]:
    """The papers of one category's feed, in its order."""
    for entry in feedparser.parse(body).entries:
        yield _read_entry(entry)


def merge(papers: Iterable[OriginPaper]) -> list[OriginPaper]:
    """Each paper as it stands where it is met first, by identifier and by title; then those of the wanted types."""
    ids: set[str] = set()
    titles: set[str] = set()
    kept = []
    for paper in papers:
        title = paper.title.lower().strip()
        if paper.id not in ids and title not in titles:
            kept.append(paper)
        ids.add(paper.id)
        titles.add(title)
    return [paper for paper in kept if paper.announce_type in _WANTED_TYPES]


def rank(papers: Iterable[OriginPaper], config: OriginConfig) -> list[OriginPaper]:
    """Those of *papers* that have a keyword and no exclusion, best first."""
    matching = [paper for paper in papers if _matches(paper, config)]
    for paper in matching:
        paper.score = score(paper, config.keywords)
    return sorted(matching, key=lambda paper: paper.score, reverse=True)


def score(paper: OriginPaper, keywords: Iterable[str]) -> float:
    """A point for each of *keywords* that stands anywhere in title or abstract, half a point more in the title."""
    title = paper.title.lower()
    text = f"{title} {paper.abstract.lower()}"
    points = 0.0
    for keyword in keywords:
        wanted = keyword.lower()
        if wanted in text:
            points += 1.0
            if wanted in title:
                points += _IN_TITLE
    return points


def render(papers: Iterable[OriginPaper]) -> bytes:
    """*papers* as RSS 2.0."""
    generator = FeedGenerator()
    generator.title("arXiv papers")
    generator.link(href="http://localhost/rss", rel="alternate")
    generator.description("Papers that have the keywords")
    generator.language("en")
    for paper in papers:
        entry = generator.add_entry(order="append")
        entry.id(paper.link)
        entry.title(paper.title)
        entry.link(href=paper.link)
        entry.description(f"<p>Score: {paper.score}</p><p>{paper.authors}</p><p>{paper.abstract}</p>")
        entry.category([{"term": category} for category in paper.categories])
        if paper.published is not None:
            entry.published(paper.published)
    document: bytes = generator.rss_str(pretty=True)
    return document


def _matches(paper: OriginPaper, config: OriginConfig) -> bool:
    text = f"{paper.title} {paper.abstract}".lower()
    if any(exclusion.lower() in text for exclusion in config.exclusions):
        return False
    return any(keyword.lower() in text for keyword in config.keywords)


def _read_entry(entry: Any) -> OriginPaper:  # Any: feedparser has no types
    summary = entry.get("summary", "")
    announce_type = _ANNOUNCE_TYPE.search(summary)
    abstract = _ABSTRACT.search(summary)
    published = entry.get("published_parsed")
    return OriginPaper(
        id=entry.link.split("/")[-1],
        title=" ".join(entry.title.split()),
        link=entry.link,
        authors=entry.get("author", ""),
        abstract=" ".join((abstract[1] if abstract else summary).split()),
        announce_type=announce_type[1] if announce_type else "new",
        categories=[tag.term for tag in entry.get("tags", ())],
        published=datetime.fromtimestamp(timegm(published), UTC) if published else None,
    )
