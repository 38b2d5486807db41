"""Which batch each category shows: the day's mailing, or, as arXiv does now and then, an earlier one or none.

At arXiv it is one category's feed that lags behind, under today's dates, while the others are current. Here a lapse
belongs to the category, so that a feed of several categories has the batch of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from demo.announcements import Entry, Spec, select_entries
from demo.mailing import Mailing


@dataclass(frozen=True, slots=True)
class Lapse:
    """What a category shows in place of the current day's mailing: another one, the one before the day, or nothing.

    It lasts for the next *requests* feeds that ask for the category, or until further notice where that is None.
    """

    shows: date | Literal["previous", "nothing"]
    requests: int | None = None

    def after_request(self) -> Lapse | None:
        """What is left of it after one more request; None when it is over."""
        if self.requests is None:
            return self
        return replace(self, requests=self.requests - 1) if self.requests > 1 else None


def select_shown(mailings: Sequence[Mailing], day: date, spec: Spec, lapses: Mapping[str, Lapse]) -> tuple[Entry, ...]:
    """The entries of the feed *spec* on *day*: of each category its own batch, each paper once.

    *mailings* are oldest first, *lapses* by category. A paper's announce type is the best one with regard to all of
    *spec*, whichever category brings it; of two versions with the same one the newer stays.
    """
    previous = max((mailing.day for mailing in mailings if mailing.day < day), default=None)
    shown_by: dict[date, set[str]] = {}
    for category in spec.categories:
        batch = _batch(lapses.get(category), day, previous)
        if batch is not None:
            shown_by.setdefault(batch, set()).add(category)
    listings = (
        listing
        for mailing in reversed(mailings)
        if (categories := shown_by.get(mailing.day))
        for listing in mailing.listings
        if not categories.isdisjoint(listing.announced_in)
    )
    best: dict[str, Entry] = {}
    for entry in select_entries(listings, spec):  # best announce type first, then newest mailing
        best.setdefault(entry.paper.id, entry)
    return tuple(best.values())


def _batch(lapse: Lapse | None, day: date, previous: date | None) -> date | None:
    if lapse is None:
        return day
    if isinstance(lapse.shows, date):
        return lapse.shows
    return previous if lapse.shows == "previous" else None
