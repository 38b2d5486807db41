from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from core.arxiv.rss import parse_announcements
from core.arxiv.taxonomy import CATEGORIES
from core.index import PaperIndex
from core.mailings import EASTERN, is_mailing_day
from core.papers import PaperId
from core.profiles import Keyword, Profile
from core.rarity import Rarity
from core.relevance import Era
from core.scoring import UNIT, Scorer
from demo.announcements import creators, parse_spec, render_rss, select_entries
from demo.mailing import Listing, Mailing
from demo.prose import MARKER
from demo.week import last_mailing_day, mailing_week, mailings_between

THURSDAY = date(2026, 3, 5)
WEEK = mailing_week(THURSDAY)
ROOT = Path(__file__).resolve().parents[2]
DEFAULT = frozenset({"cs.AI", "cs.CL", "cs.DC", "cs.LG"})
# A summer, a turn of the year, the month after a leap day, each weekday as the last one.
WEEKS = [
    mailing_week(day) for day in (THURSDAY, date(2026, 1, 2), date(2028, 3, 1), date(2026, 7, 6), date(2025, 9, 2))
]


# Two holidays on a Monday and a Thursday of January 2026, and others up to July; a turn of the year with three.
HALF_YEAR = mailings_between(date(2026, 1, 1), date(2026, 7, 10))
WINTER = mailings_between(date(2026, 12, 14), date(2027, 1, 8))
SEASONS = pytest.mark.parametrize("mailings", [HALF_YEAR, WINTER], ids=["half a year", "winter"])


def listings(week: tuple[Mailing, ...] = WEEK) -> list[Listing]:
    return [listing for mailing in week for listing in mailing.listings]


def test_a_week_is_five_weekdays_in_a_row_oldest_first() -> None:
    assert [mailing.day for mailing in WEEK] == [
        date(2026, 2, 27),
        date(2026, 3, 2),
        date(2026, 3, 3),
        date(2026, 3, 4),
        date(2026, 3, 5),
    ]


@pytest.mark.parametrize("day", [date(2026, 3, 7), date(2026, 3, 8)], ids=["saturday", "sunday"])
def test_a_week_cannot_end_on_a_weekend(day: date) -> None:
    with pytest.raises(ValueError, match=f"{day} is a S"):
        mailing_week(day)


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (THURSDAY, THURSDAY),
        (date(2026, 3, 7), date(2026, 3, 6)),
        (date(2026, 3, 8), date(2026, 3, 6)),
        (date(2026, 3, 9), date(2026, 3, 9)),
    ],
    ids=["weekday", "saturday", "sunday", "monday"],
)
def test_the_last_mailing_day_is_the_newest_weekday(today: date, expected: date) -> None:
    assert last_mailing_day(today) == expected


def test_a_mailing_does_not_depend_on_the_week_it_is_asked_with() -> None:
    assert mailing_week(date(2026, 3, 6))[:-1] == WEEK[1:]


@SEASONS
def test_a_range_has_the_mailings_of_the_calendar(mailings: tuple[Mailing, ...]) -> None:
    first, last = mailings[0].day, mailings[-1].day
    days = [first + timedelta(days=past) for past in range((last - first).days + 1)]
    assert [mailing.day for mailing in mailings] == [day for day in days if is_mailing_day(day)]


def test_a_range_without_holidays_has_the_mailings_of_the_week() -> None:
    assert mailings_between(WEEK[0].day, THURSDAY) == WEEK


@pytest.mark.parametrize(
    ("first", "last"),
    [(date(2026, 3, 7), date(2026, 3, 8)), (date(2026, 1, 20), date(2026, 1, 20)), (THURSDAY, WEEK[0].day)],
    ids=["weekend", "after a holiday", "backwards"],
)
def test_a_range_can_be_without_a_mailing(first: date, last: date) -> None:
    assert mailings_between(first, last) == ()


def test_after_a_holiday_a_mailing_has_the_papers_of_both_days() -> None:
    (mailing,) = mailings_between(date(2026, 1, 20), date(2026, 1, 21))
    held_up, usual = mailing_week(date(2026, 1, 21))[-2:]
    new = {listing.paper.id for listing in (*held_up.listings, *usual.listings) if listing.event == "new"}
    assert mailing.day == date(2026, 1, 21)
    assert {listing.paper.id for listing in mailing.listings if listing.event == "new"} == new


def test_a_mailing_does_not_depend_on_the_range_it_is_asked_in() -> None:
    after_holiday = date(2026, 1, 21)
    assert mailings_between(after_holiday, after_holiday)[0] in HALF_YEAR


@SEASONS
def test_in_a_range_each_paper_is_first_announced_once_and_never_again_in_the_same_version(
    mailings: tuple[Mailing, ...],
) -> None:
    first_days: dict[str, date] = {}
    versions: set[tuple[str, int]] = set()
    for mailing in mailings:
        assert len({listing.paper.id for listing in mailing.listings}) == len(mailing.listings)
        for listing in mailing.listings:
            paper = listing.paper
            assert (paper.id, paper.version) not in versions
            versions.add((paper.id, paper.version))
            if listing.event == "new":
                assert paper.id not in first_days
                first_days[paper.id] = mailing.day
            assert first_days.get(paper.id, mailing.day) <= mailing.day
            assert paper.revised.astimezone(EASTERN).date() < mailing.day


@SEASONS
def test_in_a_range_no_new_paper_of_the_weeks_is_lost(mailings: tuple[Mailing, ...]) -> None:
    last = mailings[-1].day
    weeks = [mailing_week(last - timedelta(weeks=back)) for back in range((last - mailings[0].day).days // 7)]
    expected = {listing.paper.id for week in weeks for listing in listings(week) if listing.event == "new"}
    announced = {listing.paper.id for listing in listings(mailings) if listing.event == "new"}
    assert expected <= announced


@SEASONS
def test_in_a_range_every_mailing_has_a_paper_that_was_on_hold(mailings: tuple[Mailing, ...]) -> None:
    for mailing in mailings:
        submitted = [listing.paper.submitted for listing in mailing.listings if listing.event == "new"]
        assert min(submitted).astimezone(EASTERN).date() <= mailing.day - timedelta(days=6)


def test_every_process_makes_the_same_week() -> None:
    program = (
        "import hashlib, datetime; from demo.week import mailing_week;"
        "print(hashlib.sha256(repr(mailing_week(datetime.date(2026, 3, 5))).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "4711")
    }
    assert len(digests) == 1


@pytest.mark.parametrize("week", WEEKS, ids=lambda week: str(week[-1].day))
def test_a_mailing_has_60_to_90_papers_each_once(week: tuple[Mailing, ...]) -> None:
    for mailing in week:
        ids = [listing.paper.id for listing in mailing.listings]
        assert 60 <= len(ids) <= 90
        assert len(set(ids)) == len(ids)


def test_every_mailing_has_every_announce_type_and_papers_that_only_others_follow() -> None:
    for mailing in WEEK:
        types = {listing.announce_type(DEFAULT) for listing in mailing.listings}
        assert types == {"new", "cross", "replace", "replace-cross", None}


def test_ids_are_well_formed_and_none_that_arxiv_gives() -> None:
    for listing in listings():
        number = PaperId.parse(listing.paper.id).number
        assert re.fullmatch(r"\d{4}\.9\d{4}|cs/04129\d\d|hep-th/99129\d\d", number)


def test_an_id_stands_for_one_paper_over_a_year() -> None:
    titles: dict[str, set[str]] = {}
    versions: Counter[tuple[str, int, str]] = Counter()
    for weeks in range(52):
        for listing in listings(mailing_week(THURSDAY + timedelta(weeks=weeks))):
            titles.setdefault(listing.paper.id, set()).add(listing.paper.title)
            versions[listing.paper.id, listing.paper.version, listing.event] += 1
    assert max(map(len, titles.values())) == 1
    assert max(versions.values()) == 1


@pytest.mark.parametrize("week", WEEKS, ids=lambda week: str(week[-1].day))
def test_titles_are_unique_in_a_week(week: tuple[Mailing, ...]) -> None:
    ids_by_title: dict[str, set[str]] = {}
    for listing in listings(week):
        ids_by_title.setdefault(listing.paper.title, set()).add(listing.paper.id)
    assert [title for title, ids in ids_by_title.items() if len(ids) > 1] == []


def test_every_abstract_says_that_it_is_made_up_and_keeps_to_arxivs_length() -> None:
    for listing in listings():
        assert listing.paper.paragraphs[-1].endswith(MARKER)
        assert len(listing.paper.abstract) <= 1920


def test_texts_are_ascii_like_arxivs_metadata() -> None:
    for listing in listings():
        paper = listing.paper
        assert f"{paper.title}{paper.abstract}{creators(paper.writers)}{paper.comment}".isascii()


def test_categories_are_arxivs_and_each_is_announced_once() -> None:
    for listing in listings():
        assert set(listing.paper.categories) <= set(CATEGORIES)
        assert len(set(listing.paper.categories)) == len(listing.paper.categories)
        assert set(listing.announced_in) <= set(listing.paper.categories)


def test_new_papers_were_submitted_before_the_cut_off_in_the_order_of_their_ids() -> None:
    for mailing in WEEK:
        papers = sorted(
            (listing.paper for listing in mailing.listings if listing.event == "new"), key=lambda paper: paper.id
        )
        assert all(earlier.submitted < later.submitted for earlier, later in pairwise(papers))
        cut_off = papers[-1].submitted.astimezone(EASTERN)
        assert cut_off.date() < mailing.day
        assert cut_off.hour < 14


def test_versions_only_grow_and_first_versions_were_never_revised() -> None:
    for listing in listings():
        paper = listing.paper
        assert (paper.version == 1) == (paper.revised == paper.submitted)
        assert paper.revised >= paper.submitted
        assert (listing.event == "replace") == (paper.version > 1)


def test_some_papers_come_back_on_a_later_day_with_another_abstract() -> None:
    first = {listing.paper.id: listing.paper for listing in listings() if listing.event == "new"}
    later = [listing.paper for listing in listings() if listing.event == "replace" and listing.paper.id in first]
    assert len(later) >= 5
    for paper in later:
        assert paper.version == 2
        assert paper.abstract != first[paper.id].abstract
        assert paper.title == first[paper.id].title


TRAPS: dict[str, Callable[[Listing], object]] = {
    "accent in a title": lambda listing: r"\"ive" in listing.paper.title,
    "accent in a name": lambda listing: r"\"o" in creators(listing.paper.writers),
    "math in a title": lambda listing: r"$\mathcal{O}(n \log n)$" in listing.paper.title,
    "greek": lambda listing: r"$\alpha$" in listing.paper.abstract,
    "less than in math": lambda listing: "$x<y$" in listing.paper.abstract,
    "less and greater": lambda listing: "$a<b$ and $c>d$" in listing.paper.abstract,
    "markup": lambda listing: "<b>" in listing.paper.abstract and "</think>" in listing.paper.abstract,
    "markup in a title": lambda listing: "<think>" in listing.paper.title,
    "character reference": lambda listing: "&lt;" in listing.paper.abstract,
    "bold": lambda listing: r"\textbf{" in listing.paper.abstract,
    "per cent": lambda listing: "%" in listing.paper.abstract,
    "escaped per cent": lambda listing: r"\%" in listing.paper.abstract,
    "ampersand": lambda listing: "R&D" in listing.paper.title and "R&D" in listing.paper.abstract,
    "hard-wrapped": lambda listing: listing.paper.is_hard_wrapped and listing.paper.abstract.count("\n  ") > 4,
    "paragraphs": lambda listing: len(listing.paper.paragraphs) > 1,
    "affiliations with commas": lambda listing: re.search(r"\([^)]*, [^)]*\)", creators(listing.paper.writers)),
    "collaboration with a colon": lambda listing: " Collaboration,  :, " in creators(listing.paper.writers),
    "many authors": lambda listing: len(listing.paper.writers) > 30,
    "title 0": lambda listing: listing.paper.title == "0",
    "doi": lambda listing: listing.paper.doi,
    "journal reference": lambda listing: listing.paper.journal_reference,
    "no licence": lambda listing: listing.paper.licence is None,
    "old paper crossed": lambda listing: listing.event == "cross" and not listing.paper.id.startswith("260"),
    "fifth version": lambda listing: listing.paper.version == 5,
    "old id": lambda listing: "/" in listing.paper.id,
    "withdrawn": lambda listing: "withdrawn" in (listing.paper.comment or ""),
    "survey": lambda listing: "Survey" in listing.paper.title,
    "review": lambda listing: "Review" in listing.paper.title,
    "tutorial": lambda listing: "Tutorial" in listing.paper.title,
    "keyword inside of words": lambda listing: "World" in listing.paper.title and "Early" in listing.paper.title,
    "exclusion inside of words": lambda listing: "preview" in listing.paper.abstract,
}


@pytest.mark.parametrize("trap", TRAPS)
def test_any_week_has_the_trap(trap: str) -> None:
    for week in WEEKS:
        assert any(TRAPS[trap](listing) for listing in listings(week)), week[-1].day


def test_licences_are_of_several_kinds() -> None:
    assert len({listing.paper.licence for listing in listings()}) >= 5


@pytest.mark.parametrize("mailing", WEEK, ids=lambda mailing: str(mailing.day))
def test_the_default_profile_finds_papers_of_every_worth(mailing: Mailing) -> None:
    config = json.loads((ROOT / "config.json").read_text())
    scorer = Scorer(
        Profile(
            name="default",
            categories=tuple(config["categories"]),
            keywords=tuple(map(Keyword, config["keywords"])),
            exclude_keywords=tuple(config["exclude_keywords"]),
            ranking=config["ranking"],
        )
    )
    spec = parse_spec("+".join(config["categories"]))
    feed = parse_announcements(render_rss(spec, select_entries(mailing.listings, spec), mailing.day))
    index = PaperIndex(entry.paper for entry in feed.entries)
    scores = scorer.score(index, [Era(range(len(index)), Rarity())])
    values = [scores.points[number] / UNIT for number in range(len(index)) if number not in scores.excluded]
    assert sum(value >= config["min_score"] for value in values) >= 8
    assert sum(0 < value < config["min_score"] for value in values) >= 5
    assert values.count(0) >= 5
    assert scores.excluded
