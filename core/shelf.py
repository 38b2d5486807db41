"""The stored papers at hand: an index of their words, and where each of them stands for given categories and types.

Pure; loading is `core/catalogue.py`. A shelf is made for one state of the data and does not change, but the index is
handed on from shelf to shelf and grows, so whoever reads it holds `lock`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from threading import RLock

from core.index import PaperIndex, Reading
from core.papers import REPLACEMENTS, Announcement, AnnounceType, Paper, best_announce_type, newest_first
from core.store.records import PaperRecord

_SAME_WORDS = 0.7  # of all words in two abstracts, those in both
_PLACINGS_KEPT = 8  # one of 7,000 papers has about 1 MB


@dataclass(frozen=True, slots=True)
class Listing:
    """Under which mailing a paper stands, with which version and type, and whether papers of that type are wanted."""

    mailing: date
    version: int
    type: AnnounceType
    is_wanted: bool


@dataclass(frozen=True, slots=True)
class Placing:
    """Where the papers of given categories stand for given announce types.

    `mailings` has for each mailing the numbers of the papers that stand there, newest identifier first, and where;
    newest mailing first. `repeats` are the mailings that announced a paper which stands under another one, with the
    best type there. `newest` is the newest mailing that announced anything, None where none did.
    """

    mailings: Mapping[date, tuple[Sequence[int], Sequence[Listing]]]
    repeats: Sequence[tuple[date, AnnounceType]]
    newest: date | None


class Shelf:
    """Stored records by the number that their paper has in the index.

    A paper keeps its number for as long as it stays the same. Numbers of papers that changed or went are dead; when
    half of them are, the next shelf begins a new index. `newest` is the newest mailing that announced any of them.
    """

    def __init__(self, records: Iterable[PaperRecord] = (), *, before: Shelf | None = None) -> None:
        is_worth_keeping = before is not None and len(before.index) <= 2 * len(before.records)
        kept = before if is_worth_keeping else None
        self.index: PaperIndex = kept.index if kept else PaperIndex()
        self.lock: AbstractContextManager[bool] = kept.lock if kept else RLock()
        self.records: dict[int, PaperRecord] = {}
        self._placings: OrderedDict[tuple[object, ...], Placing] = OrderedDict()
        known = {record.paper.id: number for number, record in kept.records.items()} if kept else {}
        added = []
        for record in records:
            number = known.get(record.paper.id)
            if number is None or self.index.papers[number] != record.paper:
                with self.lock:
                    number = self.index.add(record.paper)
                added.append(number)
            self.records[number] = record
        # The papers that say much the same as others, with the numbers of those.
        self.twins: dict[int, frozenset[int]] = {}
        for number, twins in kept.twins.items() if kept else ():
            if number in self.records and (here := twins & self.records.keys()):
                self.twins[number] = frozenset(here)
        for number in added:
            self._find_twins(number)
        self.newest = max(map(last_mailing, self.records.values()), default=None)

    def _find_twins(self, number: int) -> None:
        """Note which papers say much the same as the paper *number*, and that it does so too."""
        with self.lock:
            for other in self.index.may_repeat(number):
                if other in self.records and is_near_duplicate(self.index.read(number), self.index.read(other)):
                    for one, twin in ((number, other), (other, number)):
                        self.twins[one] = self.twins.get(one, frozenset()) | {twin}

    def find(self, paper_ids: Iterable[str]) -> dict[str, Paper]:
        """Those of *paper_ids* that are here."""
        wanted = set(paper_ids)
        return {record.paper.id: record.paper for record in self.records.values() if record.paper.id in wanted}

    def place(self, categories: Sequence[str], announce_types: Sequence[AnnounceType]) -> Placing:
        """Where the papers of *categories* stand, for whoever wants those announced as *announce_types*.

        A paper stands under the first mailing that announced it with a wanted type; where replacements are wanted it is
        the first that announced its latest version so, and the latest of all where no type is wanted.
        """
        key = (frozenset(categories), frozenset(announce_types))
        with self.lock:
            if key not in self._placings:
                self._placings[key] = _place(self.records, *key)
                if len(self._placings) > _PLACINGS_KEPT:
                    self._placings.popitem(last=False)
            self._placings.move_to_end(key)
            return self._placings[key]


def is_near_duplicate(one: Reading, other: Reading) -> bool:
    """Whether two papers of an author say much the same.

    Of 27,370 papers of 2025 and 2026, pairs that share an author and this much of their words are one work submitted
    twice. A little less (0.62) are companions: two methods in the words of one group.
    """
    if one.title and one.title == other.title:
        return True
    words, others = set(one.abstract), set(other.abstract)
    return len(words & others) >= _SAME_WORDS * len(words | others) > 0


def find_listing(
    record: PaperRecord, categories: frozenset[str], wanted: frozenset[AnnounceType]
) -> tuple[Listing | None, list[Listing]]:
    """Where *record* stands, None where it was announced in none of *categories*, and every place where it could."""
    announced = [
        Listing(one.mailing, one.version, best, best in wanted)
        for one in record.announcements
        if (best := _best_type(one, categories, wanted)) is not None
    ]
    if len(announced) < 2:  # the usual case: there is no choice
        return (announced[0] if announced else None), announced
    acceptable = [listing for listing in announced if listing.is_wanted]
    if not acceptable:
        return announced[-1], announced
    if REPLACEMENTS.isdisjoint(wanted):
        return acceptable[0], announced
    return max(acceptable, key=lambda listing: listing.version), announced  # the first of equal ones


def unite(known: Iterable[PaperRecord], stored: Iterable[PaperRecord]) -> Iterable[PaperRecord]:
    """Every record of both; of a paper in both the later version, with all announcements, as *stored* has them."""
    united = {record.paper.id: record for record in known}
    for record in stored:
        before = united.get(record.paper.id)
        united[record.paper.id] = record if before is None or before == record else _united(before, record)
    return united.values()


def last_mailing(record: PaperRecord) -> date:
    """The latest mailing that announced *record*; before all days where none did."""
    return max((one.mailing for one in record.announcements), default=date.min)


def _place(records: dict[int, PaperRecord], categories: frozenset[str], wanted: frozenset[AnnounceType]) -> Placing:
    by_mailing: dict[date, list[tuple[int, Listing]]] = {}
    repeats: list[tuple[date, AnnounceType]] = []
    mailings: set[date] = set()
    for number, record in records.items():
        listing, announced = find_listing(record, categories, wanted)
        if listing is None:
            continue
        by_mailing.setdefault(listing.mailing, []).append((number, listing))
        mailings.add(listing.mailing)
        if len(announced) > 1:
            mailings.update(one.mailing for one in announced)
            repeats.extend((one.mailing, one.type) for one in announced if one.mailing != listing.mailing)
    placed = {}
    for mailing in sorted(by_mailing, reverse=True):
        papers = sorted(by_mailing[mailing], key=lambda one: newest_first(records[one[0]].paper.id))
        placed[mailing] = ([number for number, _ in papers], [listing for _, listing in papers])
    return Placing(placed, sorted(repeats), max(mailings, default=None))


def _best_type(
    announcement: Announcement, categories: frozenset[str], wanted: frozenset[AnnounceType]
) -> AnnounceType | None:
    """The best wanted type of *announcement* in *categories*, else the best one, else None."""
    types = [announce_type for category, announce_type in announcement.types if category in categories]
    if len(types) > 1:
        return best_announce_type([one for one in types if one in wanted] or types)
    return types[0] if types else None


def _united(known: PaperRecord, stored: PaperRecord) -> PaperRecord:
    by_mailing = {one.mailing: one for one in (*known.announcements, *stored.announcements)}
    paper = known.paper if known.paper.version > stored.paper.version else stored.paper
    return PaperRecord(paper, tuple(by_mailing[mailing] for mailing in sorted(by_mailing)))
