"""What becomes of what arXiv announces: one record per paper, every entry accounted for, nothing announced twice."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.arxiv.announced import Announced, AnnouncementFeed, Entry, Refused, Rejected
from core.arxiv.rss import parse_announcements
from core.arxiv.taxonomy import with_aliases
from core.errors import SourceUnavailable, StoreUnavailable
from core.intake import Decision, Report, decide, merge, refresh
from core.papers import Announcement, AnnounceType
from core.store.records import CategoryState, Changes, Ledger, PaperRecord, RefreshState, key_of
from core.store.sqlite import SqliteStore
from tests.builders import paper
from tests.shared_data import ARXIV, needs_recordings

NEW, CROSS, REPLACE, REPLACE_CROSS = AnnounceType
THURSDAY = date(2026, 3, 5)
FRIDAY = date(2026, 3, 6)
NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NOTHING: Mapping[str, PaperRecord] = {}


def entry(announce_type: AnnounceType = NEW, **changes: Any) -> Entry:
    """`paper(**changes)` as a feed has it."""
    return Entry(paper(**changes), announce_type)


def feed(*entries: Entry, mailing: date | None = THURSDAY, rejected: int = 0) -> AnnouncementFeed:
    return AnnouncementFeed("A feed", mailing, entries, (Rejected("oai:arXiv.org:x", "its id is x"),) * rejected)


def announced(*feeds: AnnouncementFeed, requests: int = 1, notices: tuple[str, ...] = ()) -> Announced:
    return Announced(feeds, requests=requests, notices=notices)


def announcement(
    types: Mapping[str, AnnounceType] = MappingProxyType({"cs.LG": NEW, "cs.AI": CROSS}),
    *,
    mailing: date = THURSDAY,
    version: int = 1,
) -> Announcement:
    """An announcement of `paper()`."""
    return Announcement(mailing, "2603.00001", version, tuple(types.items()))


def stored(*announcements: Announcement, **changes: Any) -> dict[str, PaperRecord]:
    """`paper(**changes)` as the only stored paper."""
    known = paper(**changes)
    return {known.id: PaperRecord(known, announcements or (announcement(version=known.version),))}


def after(records: Mapping[str, PaperRecord], *several: Announced) -> dict[str, PaperRecord]:
    """What is stored when each of *several* was decided and applied in turn, as a store has to do it."""
    known = dict(records)
    for one in several:
        changes = decide(one, known, now=NOW).changes
        papers = {each.id: each for each in changes.papers}
        for written in changes.announcements:
            before = known[written.paper_id].announcements if written.paper_id in known else ()
            others = tuple(each for each in before if each.mailing != written.mailing)
            in_order = tuple(sorted((*others, written), key=lambda each: each.mailing))
            known[written.paper_id] = PaperRecord(papers[written.paper_id], in_order)
    return known


class TestNewPapers:
    def test_a_paper_and_its_types_by_category_are_written(self) -> None:
        assert decide(announced(feed(entry())), NOTHING, now=NOW) == Decision(
            mailing=THURSDAY,
            has_mailing=True,
            changes=Changes((paper(),), (announcement(),)),
            ledger=Ledger(received=1, new=1, updated=0, duplicate=0, rejected=0),
        )

    @pytest.mark.parametrize(
        ("announce_type", "types"),
        [
            (NEW, {"cs.LG": NEW, "cs.AI": CROSS}),
            (CROSS, {"cs.AI": CROSS}),
            (REPLACE, {"cs.LG": REPLACE, "cs.AI": REPLACE_CROSS}),
            (REPLACE_CROSS, {"cs.LG": REPLACE, "cs.AI": REPLACE_CROSS}),
        ],
    )
    def test_the_types_follow_from_the_papers_own_categories(
        self, announce_type: AnnounceType, types: dict[str, AnnounceType]
    ) -> None:
        changes = decide(announced(feed(entry(announce_type))), NOTHING, now=NOW).changes
        assert changes.announcements == (announcement(types),)

    def test_papers_with_one_title_are_two_papers(self) -> None:
        twins = feed(entry(id="2603.00001"), entry(id="2603.00002"))
        assert decide(announced(twins), NOTHING, now=NOW).ledger == Ledger(2, new=2, updated=0, duplicate=0, rejected=0)

    def test_an_empty_feed_is_no_mailing(self) -> None:
        assert decide(announced(feed()), NOTHING, now=NOW) == Decision(
            THURSDAY, has_mailing=False, changes=Changes(), ledger=Ledger(0, 0, 0, 0, 0)
        )

    def test_an_entry_that_could_not_be_read_is_counted(self) -> None:
        decision = decide(announced(feed(entry(), rejected=2)), NOTHING, now=NOW)
        assert decision.ledger == Ledger(received=3, new=1, updated=0, duplicate=0, rejected=2)


class TestMailing:
    @pytest.mark.parametrize(
        ("claims", "now", "mailing"),
        [
            pytest.param([THURSDAY], NOW, THURSDAY, id="today"),
            pytest.param([date(2026, 2, 2)], NOW, date(2026, 2, 2), id="long ago"),
            pytest.param([THURSDAY, FRIDAY], NOW, FRIDAY, id="the newest of several feeds"),
            pytest.param([None, THURSDAY], NOW, THURSDAY, id="the one that says one"),
            pytest.param([date(2026, 3, 12)], NOW, date(2026, 3, 12), id="a week ahead: our clock may be slow"),
            pytest.param([date(2026, 3, 13)], NOW, THURSDAY, id="more than a week ahead"),
            pytest.param([date(9999, 12, 31)], NOW, THURSDAY, id="at the end of time"),
            pytest.param([None], NOW, THURSDAY, id="none"),
            pytest.param([None], datetime(2026, 3, 6, 4, 59, tzinfo=UTC), THURSDAY, id="none, still Thursday Eastern"),
            pytest.param([None], datetime(2026, 3, 7, 12, 0, tzinfo=UTC), FRIDAY, id="none, on a Saturday"),
            pytest.param([date(2006, 3, 5)], NOW, THURSDAY, id="before there were such feeds"),
            pytest.param([date(1, 1, 15)], NOW, THURSDAY, id="at the beginning of the calendar"),
        ],
    )
    def test_it_is_what_the_feed_claims_unless_that_cannot_be(
        self, claims: list[date | None], now: datetime, mailing: date
    ) -> None:
        feeds = [feed(entry(), mailing=claim) for claim in claims]
        assert decide(announced(*feeds), NOTHING, now=now).mailing == mailing

    def test_a_date_of_arxiv_s_that_is_behind_ours_takes_nothing_from_it(self) -> None:
        claim = replace(announced(feed(entry(), mailing=THURSDAY)), answered_at=datetime(2026, 1, 24, tzinfo=UTC))
        assert decide(claim, NOTHING, now=NOW).mailing == THURSDAY

    @pytest.mark.parametrize(("claimed", "mailing"), [(FRIDAY, FRIDAY), (date(2026, 3, 7), THURSDAY)])
    def test_a_date_more_than_a_day_ahead_of_arxiv_s_clock_cannot_be(self, claimed: date, mailing: date) -> None:
        claim = replace(announced(feed(entry(), mailing=claimed)), answered_at=NOW)
        assert decide(claim, NOTHING, now=NOW).mailing == mailing

    @pytest.mark.parametrize(("answered_at", "mailing"), [(NOW, THURSDAY), (None, date(2026, 1, 23))])
    def test_a_clock_of_ours_that_lost_weeks_is_told_by_arxiv_s_own(
        self, answered_at: datetime | None, mailing: date
    ) -> None:
        claim = replace(announced(feed(entry(), mailing=THURSDAY)), answered_at=answered_at)
        assert decide(claim, NOTHING, now=datetime(2026, 1, 24, 12, 0, tzinfo=UTC)).mailing == mailing

    @pytest.mark.parametrize(
        ("there", "mailing"),
        [
            pytest.param(datetime(2026, 4, 2, 12, 0, tzinfo=UTC), date(2026, 4, 2), id="the month after"),
            pytest.param(datetime(2026, 5, 1, 12, 0, tzinfo=UTC), date(2026, 1, 23), id="two months after"),
            pytest.param(datetime(2100, 1, 1, 7, 0, tzinfo=UTC), date(2026, 1, 23), id="in another life"),
            pytest.param(datetime(9999, 12, 31, 23, 59, tzinfo=UTC), date(2026, 1, 23), id="at the end of time"),
        ],
    )
    def test_arxiv_s_clock_is_believed_where_the_papers_are_of_that_time(self, there: datetime, mailing: date) -> None:
        claim = replace(announced(feed(entry(id="2603.00001"), mailing=there.date())), answered_at=there)
        assert decide(claim, NOTHING, now=datetime(2026, 1, 24, 12, 0, tzinfo=UTC)).mailing == mailing

    def test_without_papers_it_is_not(self) -> None:
        claim = replace(announced(feed(mailing=THURSDAY)), answered_at=NOW)
        assert decide(claim, NOTHING, now=datetime(2026, 1, 24, 12, 0, tzinfo=UTC)).mailing == date(2026, 1, 23)

    def test_a_date_far_behind_what_is_stored_is_not_believed_and_told(self) -> None:
        claim = announced(feed(entry(), mailing=date(2026, 1, 5)))
        decision = decide(claim, NOTHING, now=NOW, newest_stored=date(2026, 3, 4))
        assert (decision.mailing, decision.notices) == (
            THURSDAY,
            ("arXiv's feed claims to be of 2026-01-05, which cannot be; its papers are stored under 2026-03-05.",),
        )


class TestAliases:
    """A paper in one of two ids of a subject is in the other too; arXiv's feeds name both, its API and others one."""

    def test_a_paper_is_announced_in_both(self) -> None:
        announced_as = decide(announced(feed(entry(NEW, categories=("eess.SY", "cs.LG")))), {}, now=NOW)
        (one,) = announced_as.changes.announcements
        assert one.types == (("eess.SY", NEW), ("cs.SY", NEW), ("cs.LG", CROSS))

    def test_a_feed_that_names_the_alias_alone_brings_its_category(self) -> None:
        known = (CategoryState("cs.SY", mailing=date(2026, 3, 4), watermark=("2603.00009v1",), alone=1),)
        papers = [entry(NEW, id=f"2603.{number:05}", categories=("eess.SY",)) for number in range(1, 6)]
        decision = decide(announced(feed(*papers)), {}, known, now=NOW)
        (standing,) = decision.standing
        assert (standing.mailing, standing.alone, standing.stale_because) == (THURSDAY, 5, None)

    def test_both_ids_of_a_subject_that_are_followed_have_papers_of_their_own(self) -> None:
        """Else neither would ever be known to be complete, and beside a third category both would seem to be empty."""
        yesterday = date(2026, 3, 4)
        known = tuple(
            CategoryState(name, mailing=yesterday, watermark=("2602.00099v1",), alone=1)
            for name in ("cs.SY", "eess.SY", "cs.LG")
        )
        ours = [entry(NEW, id=f"2603.{number:05}", categories=("eess.SY", "cs.SY")) for number in range(1, 29, 2)]
        others = [entry(NEW, id=f"2603.{number:05}", categories=("cs.LG",)) for number in range(2, 22, 2)]
        standing = decide(announced(feed(*ours, *others)), {}, known, now=NOW).standing
        assert [(one.alone, one.stale_because, dict(one.complete)) for one in standing] == [
            (14, None, {THURSDAY: 14}),
            (14, None, {THURSDAY: 14}),
            (10, None, {THURSDAY: 10}),
        ]


class TestMerging:
    def test_copies_become_one_paper_with_the_type_that_says_most(self) -> None:
        copies = [entry(CROSS), entry(NEW), entry(REPLACE)]
        assert merge(copies) == [(paper(), NEW)]

    def test_the_highest_version_is_kept(self) -> None:
        ((kept, _),) = merge([entry(version=2), entry(version=10), entry(version=9)])
        assert kept.version == 10

    def test_papers_come_by_id(self) -> None:
        assert [one.id for one, _ in merge([entry(id="2603.00002"), entry(id="2603.00001")])] == [
            "2603.00001",
            "2603.00002",
        ]


class TestKnownPapers:
    def test_a_stale_feed_under_a_new_date_announces_nothing_again(self) -> None:
        repeat = announced(feed(entry(), entry(CROSS), mailing=FRIDAY))
        assert decide(repeat, stored(), now=NOW) == Decision(
            FRIDAY, has_mailing=False, changes=Changes(), ledger=Ledger(2, new=0, updated=0, duplicate=2, rejected=0)
        )

    def test_the_same_feed_again_is_the_same_mailing_without_changes(self) -> None:
        decision = decide(announced(feed(entry())), stored(), now=NOW)
        assert (decision.has_mailing, decision.changes, decision.ledger.duplicate) == (True, Changes(), 1)

    def test_one_new_paper_among_repeats_makes_a_mailing(self) -> None:
        decision = decide(announced(feed(entry(), entry(id="2603.00009"), mailing=FRIDAY)), stored(), now=NOW)
        assert (decision.has_mailing, decision.ledger) == (True, Ledger(2, 1, 0, 1, 0))

    @pytest.mark.parametrize(
        ("known", "known_version", "repeated", "version"),
        [
            pytest.param({"cs.LG": NEW, "cs.AI": CROSS}, 1, CROSS, 1, id="new says more than cross"),
            pytest.param({"cs.LG": REPLACE, "cs.AI": REPLACE_CROSS}, 2, REPLACE, 2, id="replacement"),
            pytest.param({"cs.LG": REPLACE, "cs.AI": REPLACE_CROSS}, 3, REPLACE, 2, id="an earlier replacement"),
        ],
    )
    def test_what_says_no_more_than_is_known_is_a_duplicate(
        self, known: dict[str, AnnounceType], known_version: int, repeated: AnnounceType, version: int
    ) -> None:
        records = stored(announcement(known, version=known_version), version=known_version)
        decision = decide(announced(feed(entry(repeated, version=version), mailing=FRIDAY)), records, now=NOW)
        assert (decision.changes, decision.ledger.duplicate) == (Changes(), 1)

    @pytest.mark.parametrize("label", [CROSS, NEW], ids=["asked alone", "asked together with the primary category"])
    def test_a_cross_list_after_a_replacement_repeats_no_other_category(self, label: AnnounceType) -> None:
        categories = ("cs.LG", "cs.AI", "stat.ML")
        records = stored(announcement({"cs.LG": REPLACE, "cs.AI": REPLACE_CROSS}, version=2), version=2)
        crossed = entry(label, version=2, categories=categories)
        decision = decide(announced(feed(crossed, mailing=FRIDAY)), records, now=NOW)
        assert decision.changes.announcements == (announcement({"stat.ML": CROSS}, mailing=FRIDAY, version=2),)

    def test_a_first_version_that_was_missed_is_announced_when_a_late_feed_brings_it(self) -> None:
        records = stored(announcement({"cs.LG": REPLACE, "cs.AI": REPLACE_CROSS}, version=2), version=2)
        decision = decide(announced(feed(entry(version=1), mailing=FRIDAY)), records, now=NOW)
        assert [one.types for one in decision.changes.announcements] == [(("cs.LG", NEW), ("cs.AI", CROSS))]

    @pytest.mark.parametrize("label", [CROSS, NEW], ids=["asked alone", "asked together with the primary category"])
    def test_a_cross_list_a_day_later_is_an_update_of_that_category_alone(self, label: AnnounceType) -> None:
        crossed = entry(label, categories=("cs.LG", "cs.CL"))
        records = stored(announcement({"cs.LG": NEW}), categories=("cs.LG",))
        decision = decide(announced(feed(crossed, mailing=FRIDAY)), records, now=NOW)
        assert (decision.changes, decision.ledger) == (
            Changes((crossed.paper,), (announcement({"cs.CL": CROSS}, mailing=FRIDAY),)),
            Ledger(1, new=0, updated=1, duplicate=0, rejected=0),
        )

    def test_news_in_the_same_mailing_add_to_what_it_announced(self) -> None:
        """One category was asked for before the other, which is the primary one."""
        records = stored(announcement({"cs.AI": CROSS}))
        decision = decide(announced(feed(entry(NEW))), records, now=NOW)
        assert decision.changes.announcements == (announcement({"cs.LG": NEW, "cs.AI": CROSS}),)

    def test_a_replacement_changes_the_paper_and_is_announced(self) -> None:
        replacement = entry(REPLACE, version=2, title="A Better Title")
        decision = decide(announced(feed(replacement, mailing=FRIDAY)), stored(), now=NOW)
        assert (decision.changes, decision.ledger.updated) == (
            Changes(
                (replacement.paper,),
                (announcement({"cs.LG": REPLACE, "cs.AI": REPLACE_CROSS}, mailing=FRIDAY, version=2),),
            ),
            1,
        )

    def test_an_older_version_that_comes_late_is_announced_and_overwrites_nothing(self) -> None:
        newest = {"version": 3, "title": "A Better Title"}
        records = stored(announcement({"cs.LG": REPLACE, "cs.AI": REPLACE_CROSS}, version=3), **newest)
        changes = decide(announced(feed(entry(NEW, version=1), mailing=FRIDAY)), records, now=NOW).changes
        assert changes == Changes((paper(**newest),), (announcement(mailing=FRIDAY, version=3),))

    @pytest.mark.parametrize(
        ("version", "kept"),
        [
            pytest.param(1, ("CC", "10.1/x", "J. 1", "5 pages", True, True), id="same version"),
            pytest.param(2, ("CC", "10.1/x", "J. 1", None, True, False), id="next version"),
        ],
    )
    def test_what_only_the_stored_paper_knows_stays_where_it_still_holds(
        self, version: int, kept: tuple[object, ...]
    ) -> None:
        records = stored(
            announcement({"cs.AI": CROSS}),
            licence="CC",
            doi="10.1/x",
            journal_reference="J. 1",
            comment="5 pages",
            submitted=NOW,
            revised=NOW,
        )
        (written,) = decide(announced(feed(entry(version=version))), records, now=NOW).changes.papers
        assert (
            written.licence,
            written.doi,
            written.journal_reference,
            written.comment,
            written.submitted == NOW,
            written.revised == NOW,
        ) == kept


# What arXiv does, and what its feeds say of it, for the properties below.

ASKED = ("cs.AI", "cs.LG", "cs.SY")
UNASKED = ("math.OC", "stat.ML", "eess.SY")  # of which the last is an alias


@st.composite
def happenings(draw: st.DrawFn) -> list[Entry]:
    """Papers of one mailing, each with what truly happened to it: new, newly cross-listed, or replaced."""
    found = []
    for number in range(draw(st.integers(0, 6))):
        categories = draw(st.lists(st.sampled_from(ASKED + UNASKED), min_size=1, max_size=4, unique=True))
        announce_type = draw(st.sampled_from([NEW, CROSS, REPLACE]))
        version = draw(st.integers(1, 3)) if announce_type is not REPLACE else draw(st.integers(2, 3))
        found.append(entry(announce_type, id=f"2603.{number + 1:05}", version=version, categories=tuple(categories)))
    return found


def feed_of(asked: Collection[str], happened: Iterable[Entry], mailing: date = THURSDAY) -> AnnouncementFeed:
    """What arXiv's feed of the categories *asked* says; its labels are relative to them."""
    return feed(*(told for one in happened if (told := _tell(one, asked)) is not None), mailing=mailing)


def _tell(happened: Entry, asked: Collection[str]) -> Entry | None:
    primary, *others = happened.paper.categories
    wanted = with_aliases(asked)
    is_primary_asked = primary in wanted
    is_other_asked = not set(others).isdisjoint(wanted)
    if happened.announce_type is CROSS:
        return happened if is_other_asked else None
    if not (is_primary_asked or is_other_asked):
        return None
    as_other = CROSS if happened.announce_type is NEW else REPLACE_CROSS
    return Entry(happened.paper, happened.announce_type if is_primary_asked else as_other)


@st.composite
def splits(draw: st.DrawFn, happened: Sequence[Entry]) -> list[AnnouncementFeed]:
    """The same happenings in feeds of any parts of ASKED, in any order, with their entries in any order."""
    order = draw(st.permutations(ASKED))
    cuts = sorted(draw(st.sets(st.integers(1, len(order) - 1))))
    parts = [order[start:end] for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    feeds = [feed_of(part, happened) for part in parts]
    return [feed(*draw(st.permutations(one.entries)), rejected=draw(st.integers(0, 1))) for one in feeds]


@st.composite
def days(draw: st.DrawFn) -> tuple[dict[str, PaperRecord], list[Entry], list[AnnouncementFeed]]:
    """What was stored the day before, what happens today, and today's feeds, split anyhow."""
    records = after(NOTHING, announced(feed_of(ASKED, draw(happenings()), date(2026, 3, 4))))
    happened = draw(happenings())
    return records, happened, draw(splits(happened))


quickly = settings(max_examples=100, deadline=None)


class TestProperties:
    @quickly
    @given(days())
    def test_any_order_and_any_split_into_feeds_give_the_same_decision(
        self, day: tuple[dict[str, PaperRecord], list[Entry], list[AnnouncementFeed]]
    ) -> None:
        records, happened, feeds = day
        combined = decide(announced(feed_of(ASKED, happened)), records, now=NOW)
        split = decide(announced(*feeds), records, now=NOW)
        assert (split.changes, split.has_mailing, split.ledger.new, split.ledger.updated) == (
            combined.changes,
            combined.has_mailing,
            combined.ledger.new,
            combined.ledger.updated,
        )

    @quickly
    @given(days())
    def test_one_refresh_after_the_other_stores_what_a_combined_one_does(
        self, day: tuple[dict[str, PaperRecord], list[Entry], list[AnnouncementFeed]]
    ) -> None:
        records, happened, feeds = day
        combined = after(records, announced(feed_of(ASKED, happened)))
        assert after(records, *map(announced, feeds)) == combined

    @quickly
    @given(days())
    def test_the_ledger_always_balances(
        self, day: tuple[dict[str, PaperRecord], list[Entry], list[AnnouncementFeed]]
    ) -> None:
        records, _, feeds = day
        ledger = decide(announced(*feeds), records, now=NOW).ledger
        assert (ledger.is_balanced, ledger.received, min(ledger.new, ledger.updated, ledger.duplicate) >= 0) == (
            True,
            sum(len(one.entries) + len(one.rejected) for one in feeds),
            True,
        )

    @quickly
    @given(days())
    def test_a_mailing_repeated_under_any_later_date_changes_nothing(
        self, day: tuple[dict[str, PaperRecord], list[Entry], list[AnnouncementFeed]]
    ) -> None:
        records, happened, feeds = day
        known = after(records, announced(*feeds))
        repeat = decide(announced(feed_of(ASKED, happened, FRIDAY)), known, now=NOW)
        assert (repeat.changes, repeat.has_mailing) == (Changes(), False)

    @quickly
    @given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from(AnnounceType), st.booleans())), st.randoms())
    def test_copies_merge_in_any_order_to_the_same_paper(
        self, copies: list[tuple[int, AnnounceType, bool]], random: Any
    ) -> None:
        entries = [
            entry(announce_type, version=version, licence="CC" if is_licensed else None)
            for version, announce_type, is_licensed in copies
        ]
        shuffled = random.sample(entries, len(entries))
        assert merge(shuffled) == merge(entries)


# Recorded days.

RECONSTRUCTED = ARXIV / "reconstructed"
CATEGORIES = ("cs.AI", "cs.CL", "cs.DC", "cs.LG")
RECORDED_DAYS = ("2026-03-05", "2026-04-21", "2026-05-04", "2026-05-19", "2026-06-16")


@lru_cache
def recorded(day: str, categories: str) -> AnnouncementFeed:
    return parse_announcements((RECONSTRUCTED / day / f"{categories}.xml").read_bytes())


@needs_recordings
class TestRecordedDays:
    @pytest.mark.parametrize("order", [CATEGORIES, CATEGORIES[::-1]], ids=["in order", "in reverse"])
    def test_four_separate_feeds_say_what_the_combined_one_does(self, order: tuple[str, ...]) -> None:
        combined = announced(recorded("2026-06-16", "+".join(CATEGORIES)))
        separate = announced(*(recorded("2026-06-16", category) for category in order))
        assert (
            decide(separate, NOTHING, now=NOW).changes.announcements,
            [one.id for one in decide(separate, NOTHING, now=NOW).changes.papers],
        ) == (
            decide(combined, NOTHING, now=NOW).changes.announcements,
            [one.id for one in decide(combined, NOTHING, now=NOW).changes.papers],
        )

    @pytest.mark.parametrize("category", CATEGORIES)
    def test_every_category_gets_the_papers_and_types_of_its_own_feed(self, category: str) -> None:
        combined = announced(recorded("2026-06-16", "+".join(CATEGORIES)))
        derived = {
            one.paper_id: announce_type
            for one in decide(combined, NOTHING, now=NOW).changes.announcements
            if (announce_type := one.best_type((category,))) is not None
        }
        told = {one.paper.id: one.announce_type for one in recorded("2026-06-16", category).entries}
        assert derived == told

    @pytest.mark.parametrize("day", RECORDED_DAYS)
    def test_every_entry_of_the_day_is_accounted_for(self, day: str) -> None:
        feeds = [recorded(day, category) for category in CATEGORIES]
        ledger = decide(announced(*feeds), NOTHING, now=NOW).ledger
        papers = {one.paper.id for each in feeds for one in each.entries}
        assert (ledger.is_balanced, ledger.new, ledger.received, ledger.rejected) == (
            True,
            len(papers),
            sum(len(each.entries) for each in feeds),
            0,
        )


class TestRefused:
    YESTERDAY = date(2026, 3, 4)
    KNOWN = (CategoryState("cs.LG", mailing=YESTERDAY), CategoryState("cs.AI", mailing=YESTERDAY))
    REFUSED = (Refused("cs.AI", "arXiv says: Bad subject class."),)

    def test_a_refused_category_is_told_of_and_the_others_are_complete(self) -> None:
        told = replace(announced(feed(entry())), refused=self.REFUSED)
        decision = decide(told, NOTHING, self.KNOWN, now=NOW)
        assert decision.notices == ("arXiv refuses cs.AI (arXiv says: Bad subject class); what is stored of it stays.",)
        assert [(one.category, one.mailing, one.complete, one.is_refused) for one in decision.standing] == [
            ("cs.LG", THURSDAY, ((THURSDAY, 1),), False),
            ("cs.AI", self.YESTERDAY, (), True),
        ]

    def test_cross_lists_of_the_others_make_no_mailing_of_a_refused_category(self) -> None:
        told = replace(announced(feed(entry(CROSS, categories=("cs.AI", "cs.LG")))), refused=self.REFUSED)
        decision = decide(told, NOTHING, self.KNOWN, now=NOW)
        assert [(one.category, one.watermark, one.alone) for one in decision.standing] == [
            ("cs.LG", ("2603.00001v1",), 1),
            ("cs.AI", (), 0),
        ]

    def test_what_was_refused_the_last_time_is_asked_for_apart(self, tmp_path: Path) -> None:
        source = FakeSource(replace(announced(feed(entry())), refused=self.REFUSED))

        def remember(report: Report, now: datetime) -> RefreshState:
            return RefreshState(now, categories=report.standing, etag="a validator")

        async def work() -> None:
            store = SqliteStore(tmp_path / "store")
            for _ in range(2):
                before = await store.load_refresh(key_of(("cs.LG", "cs.AI")))
                await refresh(
                    ("cs.LG", "cs.AI"),
                    source=source,
                    store=store,
                    clock=lambda: NOW,
                    before=before,
                    remember=remember,
                )
            await store.close()

        asyncio.run(work())
        assert source.apart == [(), ("cs.AI",)]


# The whole refresh, on a real store.


class FakeSource:
    """Announces what it was given, or fails."""

    def __init__(self, outcome: Announced | Exception) -> None:
        self.outcome = outcome
        self.asked: list[tuple[str, ...]] = []
        self.apart: list[tuple[str, ...]] = []

    async def fetch_announcements(
        self, categories: Sequence[str], *, etag: str | None = None, apart: Collection[str] = ()
    ) -> Announced:
        self.asked.append(tuple(categories))
        self.apart.append(tuple(apart))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class ContestedStore(SqliteStore):
    """A store into which somebody else writes, each time one of *theirs*, just after we have read."""

    def __init__(self, path: Path, *theirs: Changes) -> None:
        super().__init__(path)
        self.theirs = list(theirs)

    async def load_papers(self, paper_ids: Collection[str]) -> Mapping[str, PaperRecord]:
        found = await super().load_papers(paper_ids)
        if self.theirs:
            assert await self.apply(self.theirs.pop(0), based_on=(await self.load_revision()).number, now=NOW)
        return found


def their_paper(number: int) -> Changes:
    other = paper(id=f"2603.{number:05}")
    return Changes((other,), (Announcement(THURSDAY, other.id, 1, (("cs.LG", NEW),)),))


def refreshed(
    store: SqliteStore, *outcomes: Announced | Exception, now: datetime = NOW
) -> tuple[list[Report], tuple[PaperRecord, ...]]:
    """The reports of refreshing with each of *outcomes* in turn, and all that is stored then."""

    async def work() -> tuple[list[Report], tuple[PaperRecord, ...]]:
        try:
            reports = [
                await refresh(("cs.LG", "cs.AI"), source=FakeSource(outcome), store=store, clock=lambda: now)
                for outcome in outcomes
            ]
            return reports, await store.load_records(since=date.min)
        finally:
            await store.close()

    return asyncio.run(work())


class TestRefresh:
    def test_papers_are_stored_and_the_report_says_what_was_done(self, tmp_path: Path) -> None:
        told = announced(feed(entry(), rejected=1), requests=2, notices=("The feed may be cut off.",))
        reports, records = refreshed(SqliteStore(tmp_path / "store"), told)
        assert ([replace(report, standing=()) for report in reports], records) == (
            [
                Report(
                    categories=("cs.LG", "cs.AI"),
                    mailing=THURSDAY,
                    ledger=Ledger(2, 1, 0, 0, 1),
                    rejected=(Rejected("oai:arXiv.org:x", "its id is x"),),
                    notices=("The feed may be cut off.",),
                    requests=2,
                )
            ],
            (PaperRecord(paper(), (announcement(),)),),
        )

    def test_what_is_written_is_not_dated_before_arxiv_answered(self, tmp_path: Path) -> None:
        present = [NOW]

        class SlowSource(FakeSource):
            async def fetch_announcements(
                self, categories: Sequence[str], *, etag: str | None = None, apart: Collection[str] = ()
            ) -> Announced:
                present[0] += MINUTE
                return await super().fetch_announcements(categories, etag=etag, apart=apart)

        async def work() -> datetime | None:
            store = SqliteStore(tmp_path / "store")
            source = SlowSource(announced(feed(entry())))
            await refresh(("cs.LG",), source=source, store=store, clock=lambda: present[0])
            changed_at = (await store.load_revision()).changed_at
            await store.close()
            return changed_at

        assert asyncio.run(work()) == NOW + MINUTE

    def test_arxiv_is_asked_once_for_all_categories(self, tmp_path: Path) -> None:
        source = FakeSource(announced(feed()))

        async def work() -> None:
            store = SqliteStore(tmp_path / "store")
            await refresh(("cs.LG", "cs.AI"), source=source, store=store, clock=lambda: NOW)
            await store.close()

        asyncio.run(work())
        assert source.asked == [("cs.LG", "cs.AI")]

    def test_a_stale_feed_reports_no_mailing_and_leaves_the_store_as_it_was(self, tmp_path: Path) -> None:
        today, stale = announced(feed(entry())), announced(feed(entry(), mailing=FRIDAY))
        reports, records = refreshed(SqliteStore(tmp_path / "store"), today, stale)
        assert ([report.mailing for report in reports], records[0].announcements) == (
            [THURSDAY, None],
            (announcement(),),
        )

    def test_days_add_up(self, tmp_path: Path) -> None:
        replacement = entry(REPLACE, version=2, title="A Better Title")
        _, records = refreshed(
            SqliteStore(tmp_path / "store"), announced(feed(entry())), announced(feed(replacement, mailing=FRIDAY))
        )
        assert records == (
            PaperRecord(
                replacement.paper,
                (announcement(), announcement({"cs.LG": REPLACE, "cs.AI": REPLACE_CROSS}, mailing=FRIDAY, version=2)),
            ),
        )

    def test_when_arxiv_fails_the_store_is_as_it_was(self, tmp_path: Path) -> None:
        store = SqliteStore(tmp_path / "store")
        with pytest.raises(SourceUnavailable):
            refreshed(store, announced(feed(entry())), SourceUnavailable("http://arxiv", "away"))
        assert len(refreshed(store)[1]) == 1

    def test_whoever_writes_first_is_taken_into_account(self, tmp_path: Path) -> None:
        """The other one knew the paper as a cross; what we write has to keep that, and to call it an update."""
        theirs = Changes((paper(),), (announcement({"cs.AI": CROSS, "cs.CL": CROSS}),))
        reports, records = refreshed(ContestedStore(tmp_path / "store", theirs), announced(feed(entry())))
        assert (reports[0].ledger, records[0].announcements) == (
            Ledger(1, new=0, updated=1, duplicate=0, rejected=0),
            (announcement({"cs.LG": NEW, "cs.AI": CROSS, "cs.CL": CROSS}),),
        )

    def test_four_conflicts_are_overcome(self, tmp_path: Path) -> None:
        store = ContestedStore(tmp_path / "store", *map(their_paper, range(11, 15)))
        assert len(refreshed(store, announced(feed(entry())))[1]) == 5

    def test_after_five_it_gives_up_and_has_written_nothing(self, tmp_path: Path) -> None:
        store = ContestedStore(tmp_path / "store", *map(their_paper, range(11, 16)))
        with pytest.raises(StoreUnavailable, match="5 times"):
            refreshed(store, announced(feed(entry())))
        assert paper() not in [record.paper for record in refreshed(store)[1]]
