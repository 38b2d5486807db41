"""The synthetic feed behind the golden files in `tests/data/feeds`, and how to write those anew.

`python -m tests.core.feeds.samples` overwrites them; what changed is then for a person to read in the difference.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from core.catalogue import Feed, FeedAddresses, Item
from core.feeds.json_feed import render_json_feed
from core.feeds.opml import Outline, render_opml
from core.feeds.rss_atom import render_atom, render_rss
from core.papers import AnnounceType, Author
from core.scoring import Reason, Score
from tests.builders import feed, item, paper

GOLDEN = Path(__file__).resolve().parents[2] / "data" / "feeds"


def week() -> Feed:
    """A feed with a plain new paper, a replacement with everything known of it, and an old paper cross-listed."""
    return feed(
        description="Papers of cs.LG that match attention or LLM.",
        items=(item(), _replacement(), _cross_listed()),
        notices=("Sample data, not from arXiv.",),
    )


def _replacement() -> Item:
    return item(
        paper=paper(
            id="2602.01234",
            version=3,
            title="Bounds for $a<b$ & R&D: <i>not</i> a tag",
            authors=(Author("Zoë O’Neil", "MIT, CSAIL"), Author("李 明")),
            abstract="If $x<y$ & <b>z</b>, then “ρ” ≤ 1; &amp; stays.",
            categories=("cs.LG", "stat.ML"),
            licence="http://creativecommons.org/licenses/by/4.0/",
            doi="10.1002/(SICI)1097<1::AID>3.0 10.1234/abc",
            journal_reference="J. Synth. Res. 1 (2026) 1–9",
            comment="9 pages, 2 figures",
        ),
        guid="https://arxiv.org/abs/2602.01234v3",
        link="https://arxiv.org/abs/2602.01234",
        announce_type=AnnounceType.REPLACE,
        announce_types=(("cs.LG", AnnounceType.REPLACE), ("stat.ML", AnnounceType.REPLACE_CROSS)),
        score=Score(0.3, (Reason("bound*", "title", 0.2), Reason("R&D", "title", 0.1))),
    )


def _cross_listed() -> Item:
    return item(
        paper=paper(id="math.GT/0309136", title="0", categories=("math.GT", "cs.LG")),
        mailing=date(2026, 3, 4),
        published=datetime(2026, 3, 4, 5, tzinfo=UTC),
        updated=datetime(2026, 3, 5, 5, tzinfo=UTC),
        announce_type=AnnounceType.CROSS,
        announce_types=(("cs.LG", AnnounceType.CROSS),),
        score=Score(0.0),
    )


def outlines() -> tuple[Outline, ...]:
    """Two feeds, the second without a description and with a query in its addresses."""
    query = "?categories=cs.LG&limit=5"
    addresses = FeedAddresses(
        page=f"https://feeds.example/{query}",
        rss=f"https://feeds.example/rss{query}",
        atom=f"https://feeds.example/atom{query}",
        json=f"https://feeds.example/jsonfeed{query}",
    )
    return (Outline("arXiv: default", "Papers of cs.LG & more.", feed().addresses), Outline('"<R&D>"', "", addresses))


def documents() -> dict[str, bytes]:
    """What each golden file must hold, by file name."""
    return {
        "week.rss": render_rss(week()),
        "week.atom": render_atom(week()),
        "week.json": render_json_feed(week()),
        "feeds.opml": render_opml("arXiv feeds", outlines()),
    }


if __name__ == "__main__":
    for name, document in documents().items():
        (GOLDEN / name).write_bytes(document)
