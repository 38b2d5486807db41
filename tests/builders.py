"""Valid values for tests; a test names only what matters to it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from core.catalogue import Feed, FeedAddresses, Item
from core.papers import AnnounceType, Author, Paper
from core.scoring import Reason, Score

DAY = date(2026, 3, 5)
MOMENT = datetime(2026, 3, 5, 5, 0, tzinfo=UTC)  # midnight Eastern of DAY


def paper(**changes: Any) -> Paper:
    """A complete paper; raw texts follow the display texts unless they are given."""
    values: dict[str, Any] = {
        "id": "2603.00001",
        "version": 1,
        "title": "Paged Attention for Everyone",
        "authors": (Author("Ada Lovelace"), Author("Émilie du Châtelet")),
        "abstract": "We show that an LLM kernel can be fast.",
        "categories": ("cs.LG", "cs.AI"),
    }
    values.update(changes)
    values.setdefault("raw_title", values["title"])
    values.setdefault("raw_authors", ", ".join(author.name for author in values["authors"]))
    values.setdefault("raw_abstract", values["abstract"])
    return Paper(**values)


def item(**changes: Any) -> Item:
    """An item for `paper()`, listed once as new, worth 2.5 points."""
    listed: Paper = changes.pop("paper", None) or paper()
    values: dict[str, Any] = {
        "paper": listed,
        "guid": listed.abs_url,
        "link": listed.abs_url,
        "mailing": DAY,
        "published": MOMENT,
        "updated": MOMENT,
        "announce_type": AnnounceType.NEW,
        "announce_types": (("cs.LG", AnnounceType.NEW), ("cs.AI", AnnounceType.CROSS)),
        "score": Score(2.5, (Reason("Attention", "title", 1.5), Reason("LLM", "abstract", 1.0))),
    }
    values.update(changes)
    return Item(**values)


def feed(**changes: Any) -> Feed:
    """A feed of one item."""
    values: dict[str, Any] = {
        "title": "arXiv: default",
        "description": "Papers of cs.AI and cs.LG that match 2 keywords.",
        "addresses": FeedAddresses(
            page="https://feeds.example/",
            rss="https://feeds.example/rss",
            atom="https://feeds.example/atom",
            json="https://feeds.example/jsonfeed",
        ),
        "updated": MOMENT,
        "items": (item(),),
    }
    values.update(changes)
    return Feed(**values)
