from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest

from core.papers import AnnounceType
from demo.announcements import parse_spec, select_entries
from demo.batches import Lapse, select_shown
from demo.mailing import Event, Listing, Mailing
from demo.week import mailing_week

WEEK = mailing_week(date(2026, 3, 5))
TODAY, YESTERDAY = WEEK[-1].day, WEEK[-2].day
PAPER = WEEK[0].listings[0].paper
ALWAYS = Lapse("previous")


def listing(number: str, *categories: str, event: Event = "new", version: int = 1) -> Listing:
    return Listing(replace(PAPER, id=number, categories=categories, version=version), event, categories)


def shown(*mailings: Mailing, spec: str, **lapses: Lapse) -> Mapping[str, AnnounceType]:
    """What a feed of the last mailing's day lists; a lapse is named by the class within cs."""
    by_category = {f"cs.{name}": lapse for name, lapse in lapses.items()}
    entries = select_shown(mailings, mailings[-1].day, parse_spec(spec), by_category)
    return {f"{entry.paper.id}v{entry.paper.version}": entry.announce_type for entry in entries}


def two_days(earlier: list[Listing], today: list[Listing]) -> tuple[Mailing, Mailing]:
    return Mailing(YESTERDAY, tuple(earlier)), Mailing(TODAY, tuple(today))


@pytest.mark.parametrize("spec", ["cs.AI", "cs.AI+cs.LG", "cs", "hep-th+cs.DC"])
def test_without_a_lapse_a_feed_has_the_day(spec: str) -> None:
    parsed = parse_spec(spec)
    assert select_shown(WEEK, TODAY, parsed, {}) == select_entries(WEEK[-1].listings, parsed)


def test_a_stale_category_has_the_mailing_before() -> None:
    parsed = parse_spec("cs.AI")
    assert select_shown(WEEK, TODAY, parsed, {"cs.AI": ALWAYS}) == select_entries(WEEK[-2].listings, parsed)


def test_a_category_can_be_stale_by_any_number_of_mailings() -> None:
    parsed = parse_spec("cs.AI")
    lapses = {"cs.AI": Lapse(WEEK[0].day)}
    assert select_shown(WEEK, TODAY, parsed, lapses) == select_entries(WEEK[0].listings, parsed)


@pytest.mark.parametrize("lapse", [Lapse("nothing"), Lapse("previous")], ids=["empty", "nothing before"])
def test_a_category_can_have_nothing(lapse: Lapse) -> None:
    assert shown(WEEK[0], spec="cs.AI", AI=lapse) == {}


def test_on_a_weekend_a_stale_category_has_fridays_mailing() -> None:
    week = mailing_week(date(2026, 3, 6))
    parsed = parse_spec("cs.AI")
    entries = select_shown(week, date(2026, 3, 7), parsed, {"cs.AI": ALWAYS})
    assert entries == select_entries(week[-1].listings, parsed)


def test_each_category_brings_its_own_batch_and_types_are_those_of_the_whole_feed() -> None:
    days = two_days(
        [listing("2603.00001", "cs.AI"), listing("2603.00002", "cs.LG"), listing("2603.00003", "cs.LG", "cs.AI")],
        [listing("2603.00004", "cs.AI"), listing("2603.00005", "cs.LG"), listing("2603.00006", "cs.AI", "cs.LG")],
    )
    assert shown(*days, spec="cs.AI+cs.LG", AI=ALWAYS) == {
        "2603.00001v1": "new",
        "2603.00003v1": "new",
        "2603.00005v1": "new",
        "2603.00006v1": "new",
    }
    assert shown(*days, spec="cs.LG", AI=ALWAYS) == {"2603.00005v1": "new", "2603.00006v1": "cross"}


def test_what_only_an_empty_category_would_bring_is_missing() -> None:
    day = Mailing(TODAY, (listing("2603.00004", "cs.AI"), listing("2603.00006", "cs.AI", "cs.LG")))
    assert shown(day, spec="cs.AI+cs.LG", AI=Lapse("nothing")) == {"2603.00006v1": "new"}


def test_of_two_versions_the_one_with_the_better_type_stays() -> None:
    days = two_days(
        [listing("2603.00001", "cs.AI", "cs.LG")],
        [listing("2603.00001", "cs.AI", "cs.LG", event="replace", version=2)],
    )
    assert shown(*days, spec="cs.AI+cs.LG", AI=ALWAYS) == {"2603.00001v1": "new"}


def test_of_two_versions_with_one_type_the_newer_stays() -> None:
    days = two_days(
        [listing("2603.00001", "cs.AI", "cs.LG", event="replace", version=2)],
        [listing("2603.00001", "cs.AI", "cs.LG", event="replace", version=3)],
    )
    assert shown(*days, spec="cs.AI+cs.LG", AI=ALWAYS) == {"2603.00001v3": "replace"}


@pytest.mark.parametrize(
    ("lapse", "left"),
    [
        (ALWAYS, ALWAYS),
        (Lapse("previous", 2), Lapse("previous", 1)),
        (Lapse("previous", 1), None),
    ],
    ids=["until further notice", "two", "one"],
)
def test_a_lapse_lasts_for_so_many_requests(lapse: Lapse, left: Lapse | None) -> None:
    assert lapse.after_request() == left
