"""Whole days of the origin: its papers and its scores, found again in the digests that our service writes.

Each reconstructed day of ../shared/arxiv goes through the service with the configuration of each installation of the
origin that published on that day, by the letter (`substring`, `count`) and without a cap: papers that the origin lost
would take the places of others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import Any

import pytest

from api.selection import feed_title
from core.catalogue import Item, Selection
from core.feeds.digest import Digest, build_digests, render_digest
from core.papers import AnnounceType
from core.scoring import score
from demo.standin import ArxivStandIn
from tests.api.running import NOW, WEEK, Running, running
from tests.core.test_scoring import RECORDED_SCORES, SCORED_ON_THEIR_FIRST_LINE
from tests.shared_data import ARXIV as RECORDED
from tests.shared_data import needs_recordings
from tests.test_days import CATEGORIES, COMBINED, combined_feed

pytestmark = needs_recordings

PUBLISHERS = {"MayDomine/arxiv_rss_bot": "default", "ITCJ/arxiv_rss_bot": "itcj"}  # and the profile that stands for it
PUBLISHED = [
    (day, publisher)
    for day, published in RECORDED_SCORES.items()
    for publisher in tuple(PUBLISHERS)[: published // 30]  # the second one published nothing on the last day
]

_PAPER = re.compile(
    r"^### (?P<rank>\d+)\. .*?^- \*\*Score:\*\* (?P<score>[\d.]+).*?^- \*\*arXiv:\*\* \[(?P<id>[^\]]+)\]",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Published:
    """What one installation of the origin published on one day, and our digests for the same, newest first.

    Papers are named by identifier and version. `theirs` has the published scores, `ours` what can be read in the text
    of our digest of each day. `stale` are the mailings that arXiv still showed in one of the feeds. `lost` are new
    papers of which the origin met a copy first, in another category's feed, that was not new.
    """

    day: date
    publisher: str
    theirs: Mapping[str, float]
    ours: Mapping[date, Mapping[str, float]]
    digests: tuple[Digest, ...]
    stale: frozenset[date]
    lost: frozenset[str]

    @property
    def all_ours(self) -> Mapping[str, float]:
        return {paper_id: points for digest in self.ours.values() for paper_id, points in digest.items()}


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, str], Published]]:
    """Opens each day once for all installations, whatever the order of the tests."""
    with ExitStack() as stack:

        @cache
        def open_day(day: str) -> Running:
            arxiv = stack.enter_context(ArxivStandIn(WEEK))
            arxiv.serve_feed(COMBINED, combined_feed(day))
            service = stack.enter_context(running(tmp_path_factory.mktemp("day"), arxiv, config=_config(day)))
            service.clock.now = datetime.combine(date.fromisoformat(day), NOW.timetz())
            service.refresh()
            return service

        @cache
        def open_published(day: str, publisher: str) -> Published:
            return _open(open_day(day), day, publisher)

        yield open_published


@pytest.fixture(params=PUBLISHED, ids="-".join)
def published(request: pytest.FixtureRequest, opened: Callable[[str, str], Published]) -> Published:
    return opened(*request.param)


def _open(service: Running, day: str, publisher: str) -> Published:
    expected = _expected(day)
    (theirs,) = (one for one in expected["digests"] if one["source"].startswith(f"{publisher}@"))
    digests = _digests(service, PUBLISHERS[publisher], date.fromisoformat(day))
    return Published(
        day=date.fromisoformat(day),
        publisher=publisher,
        theirs={one["id"]: one["score"] for one in theirs["top"]},
        ours={digest.day: _read(render_digest(digest)) for digest in digests},
        digests=digests,
        stale=frozenset(map(date.fromisoformat, expected["stale"].values())),
        lost=_lost(day),
    )


def _expected(day: str) -> Any:  # Any: what JSON holds
    return json.loads((RECORDED / "reconstructed" / day / "expected.json").read_text(encoding="utf-8"))


def _config(day: str) -> dict[str, Any]:
    """The configurations of that day's publishers as one of ours."""
    profiles = {
        PUBLISHERS[digest["source"].partition("@")[0]]: {
            "categories": digest["categories"],
            "keywords": digest["keywords"],
            "exclude_keywords": digest["exclude_keywords"],
            "announce_types": ["new"],
            "match": "substring",
            "ranking": "count",
            "max_papers": 2_000,
        }
        for digest in _expected(day)["digests"]
    }
    return {**profiles.pop("default"), "profiles": profiles}


def _digests(service: Running, scope: str, day: date) -> tuple[Digest, ...]:
    profile = service.service.config.find_profile(scope)
    assert profile is not None
    selection = Selection(scope, profile)
    selected = service.runner.run(service.service.catalogue.select(selection))
    return build_digests(selection, selected, title=feed_title(selection, sample_data=False), today=day)


def _read(markdown: str) -> dict[str, float]:
    """The papers of a digest, as a program would read them, best first: identifier with version -> score."""
    found = list(_PAPER.finditer(markdown))
    assert [int(paper["rank"]) for paper in found] == list(range(1, len(found) + 1))
    return {paper["id"]: float(paper["score"]) for paper in found}


def _lost(day: str) -> frozenset[str]:
    copies = [copy for category in CATEGORIES for copy in _copies(day, category)]
    first = dict(reversed(copies))
    return frozenset(paper_id for paper_id, kind in copies if kind == AnnounceType.NEW != first[paper_id])


def _copies(day: str, category: str) -> list[tuple[str, str]]:
    """The papers of a feed with their announce types, in its order."""
    text = (RECORDED / "reconstructed" / day / f"{category}.xml").read_text(encoding="utf-8")
    return re.findall(r"oai:arXiv\.org:(\S+?)</guid>.*?<arxiv:announce_type>([\w-]+)<", text, re.DOTALL)


def _score_of_first_line(item: Item, digest: Digest) -> float:
    """What the origin gave the paper, of whose abstract it read the first line."""
    first_line = item.paper.raw_abstract.partition("\n")[0]
    return score(replace(item.paper, raw_abstract=first_line), digest.profile).value


def test_every_paper_that_the_origin_published_is_listed(published: Published) -> None:
    assert [paper_id for paper_id in published.theirs if paper_id not in published.all_ours] == []


def test_a_paper_stands_in_the_digest_of_its_own_mailing_where_arxiv_showed_an_earlier_one(
    published: Published,
) -> None:
    assert set(published.ours) == {published.day, *published.stale}


def test_papers_have_the_scores_that_the_origin_published(published: Published) -> None:
    ours = published.all_ours
    day, publisher = str(published.day), published.publisher
    differences = {
        (day, publisher, paper_id): (points, ours[paper_id])
        for paper_id, points in published.theirs.items()
        if ours[paper_id] != points
    }
    assert differences == {
        key: scores for key, scores in SCORED_ON_THEIR_FIRST_LINE.items() if key[:2] == (day, publisher)
    }


def test_papers_are_listed_best_first(published: Published) -> None:
    for listed in published.ours.values():
        assert list(listed.values()) == sorted(listed.values(), reverse=True)


def test_whatever_else_is_listed_above_the_origin_s_last_paper_was_lost_by_the_origin(published: Published) -> None:
    """It met another copy of the paper first, or read no more of the abstract than its first line."""
    least = min(published.theirs.values())
    more = {
        f"{item.paper.id}v{item.paper.version}": _score_of_first_line(item, digest)
        for digest in published.digests
        for item in digest.items
        if item.score.value > least
    }
    unexplained = {
        paper_id: points
        for paper_id, points in more.items()
        if paper_id not in published.theirs and paper_id not in published.lost and points > least
    }
    assert unexplained == {}
