"""The read side: a selection of what is stored becomes ranked items, and a feed of them.

Every stored paper of a selection's categories and days gets one verdict: it is listed, or it is filtered for one stated
reason. The rules, in this order:

1. A paper is listed under the first mailing that announced it with a wanted type; where replacements are wanted, under
   the latest one.
2. The window is `days_back` calendar days up to the newest mailing stored of these categories. The clock has no part in
   it, so nothing disappears while arXiv is silent.
3. Announce type, exclusions, no match at all, `min_score`.
4. The cap: the best `max_papers` of each mailing; of equal scores the paper with the newer identifier is first. What a
   reader has seen listed stays listed when the next mailing comes.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from core.errors import UnknownPaper
from core.mailings import mailing_moment
from core.papers import Announcement, AnnounceType, Paper, best_announce_type, submission_order
from core.profiles import Profile
from core.scoring import Judgement, PreparedText, Score, Scorer, prepare
from core.store.records import PaperRecord, Revision

MAX_ITEMS = 500  # of one feed; readers keep their own history
MAX_DAYS = 30

_SELECTIONS_KEPT = 16  # one over a week of four categories holds about 4 MB of verdicts
_NO_CHANGE = datetime(1991, 8, 14, tzinfo=UTC)  # arXiv's first day: when nothing is stored, nothing changed since


class Outcome(StrEnum):
    """What became of a paper in a selection: listed, or the reason why it is filtered."""

    LISTED = "listed"
    ANNOUNCE_TYPE = "announce type"
    OTHER_MAILING = "other mailing"
    EXCLUDED = "exclusion"
    NO_MATCH = "no match"
    BELOW_MIN_SCORE = "below min_score"
    OVER_CAP = "over the cap"
    OTHER_CATEGORIES = "other categories"
    OTHER_DAYS = "other days"


# What an announced paper of a selection's categories and days can come to.
LEDGER = (
    Outcome.LISTED,
    Outcome.ANNOUNCE_TYPE,
    Outcome.OTHER_MAILING,
    Outcome.EXCLUDED,
    Outcome.NO_MATCH,
    Outcome.BELOW_MIN_SCORE,
    Outcome.OVER_CAP,
)


@dataclass(frozen=True, slots=True)
class Selection:
    """A feed request in canonical form: the profile with a request's parameters applied, and what only a request has.

    `scope` is "default", the name of a profile, or categories joined by +. `mailing` keeps one mailing only. `limit`
    cuts the list, newest mailing first. `parameters` is the canonical query string that gives this selection again.
    """

    scope: str
    profile: Profile
    mailing: date | None = None
    limit: int = MAX_ITEMS
    parameters: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A paper as one feed lists it.

    `mailing` is the one it is listed under, `published` that mailing's moment, `updated` the moment of the newest
    mailing that changed it (aware UTC, whole seconds). `announce_type` is the best within the feed's categories,
    `announce_types` all that are known, in the paper's category order. `guid` is an absolute URL that never changes.
    """

    paper: Paper
    guid: str
    link: str
    mailing: date
    published: datetime
    updated: datetime
    announce_type: AnnounceType
    announce_types: tuple[tuple[str, AnnounceType], ...]
    score: Score


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one paper, and why.

    `detail` names what decided (the exclusion terms, the points that were missing), empty where `outcome` says it all.
    `rank` counts from 1 among the papers of the same mailing that reached the cap, None for those that did not.
    """

    item: Item
    outcome: Outcome
    detail: str = ""
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class FeedAddresses:
    """Where a feed is found, as absolute URLs: the page for people and one address per format."""

    page: str
    rss: str
    atom: str
    json: str


@dataclass(frozen=True, slots=True)
class Feed:
    """A titled selection of items, newest mailing first and best first within each.

    `updated` is the newest change in it, never the time of asking. `notices` are sentences that a reader must know
    (sample data, an answer that is not current), empty when all is well.
    """

    title: str
    description: str
    addresses: FeedAddresses
    updated: datetime
    items: tuple[Item, ...]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored paper with its announcements, and its text ready for matching."""

    record: PaperRecord
    text: PreparedText


@dataclass(frozen=True, slots=True)
class Selected:
    """Every verdict of a selection, in feed order, and the state of the data that it was made from.

    `repeats` are the announcements of papers that have their verdict under another mailing, or had it before the
    selection's days: each a mailing, and why the paper does not stand there.
    """

    verdicts: tuple[Verdict, ...]
    revision: Revision
    repeats: tuple[tuple[date, Outcome], ...] = ()

    @property
    def items(self) -> tuple[Item, ...]:
        """What is listed, newest mailing first, best first within each."""
        return tuple(verdict.item for verdict in self.verdicts if verdict.outcome is Outcome.LISTED)

    @property
    def best(self) -> tuple[Item, ...]:
        """What is listed, best first, by `rank_key`."""
        return tuple(sorted(self.items, key=rank_key))

    @property
    def mailings(self) -> tuple[date, ...]:
        """The mailings that announced something, newest first."""
        days = {verdict.item.mailing for verdict in self.verdicts} | {day for day, _ in self.repeats}
        return tuple(sorted(days, reverse=True))

    def count(self, mailing: date | None = None) -> Mapping[Outcome, int]:
        """How many papers had each outcome; with a *mailing*, of all that it announced, those that stand elsewhere too.

        The counts add up to the papers that have a verdict, or to what the mailing announced.
        """
        if mailing is None:
            counted = Counter(verdict.outcome for verdict in self.verdicts)
        else:
            counted = Counter(verdict.outcome for verdict in self.verdicts if verdict.item.mailing == mailing)
            counted.update(outcome for day, outcome in self.repeats if day == mailing)
        return {outcome: counted[outcome] for outcome in LEDGER}


class Store(Protocol):
    """What the read side needs of a store."""

    async def load_revision(self) -> Revision: ...

    async def load_newest_mailing(self, categories: Collection[str]) -> date | None: ...

    async def load_records(self, *, since: date) -> tuple[PaperRecord, ...]: ...

    async def load_papers(self, paper_ids: Collection[str]) -> Mapping[str, PaperRecord]: ...


class Catalogue:
    """Answers selections from the store, and keeps what it prepared for as long as the data stay the same."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = asyncio.Lock()
        self._candidates: dict[tuple[str, int], Candidate] = {}
        self._loaded: tuple[Revision, date] | None = (
            None  # the revision and the first mailing that the candidates are of
        )
        self._selected: dict[Selection, Selected] = {}

    async def select(self, selection: Selection, revision: Revision | None = None) -> Selected:
        """The verdicts on every stored paper that *selection* could list; empty where nothing is stored of it.

        With the *revision* that was loaded just now, nothing more is loaded where it is known already.
        """
        revision = revision or await self._store.load_revision()
        if self._is_known(selection, revision):
            return self._selected[selection]
        async with self._lock:
            revision = await self._store.load_revision()  # whoever waited finds the work done, or newer data
            if not self._is_known(selection, revision):
                candidates = await self._load_candidates(selection, revision)
                verdicts = await asyncio.to_thread(judge, selection, candidates)
                repeats = tuple(sorted(find_repeats(selection, candidates)))
                self._remember(selection, Selected(verdicts, revision, repeats))
            return self._selected[selection]

    def recall(self, selection: Selection) -> Selected | None:
        """The verdicts from what this process loaded last, for when the store is away; None where it loaded nothing.

        A window that reaches further back than what was loaded is cut there.
        """
        if selection in self._selected:
            return self._selected[selection]
        if self._loaded is None:
            return None
        revision, _ = self._loaded
        candidates = self._candidates.values()
        return Selected(judge(selection, candidates), revision, tuple(sorted(find_repeats(selection, candidates))))

    async def find(self, paper_id: str) -> PaperRecord:
        """The stored paper *paper_id* (without version). Raises UnknownPaper."""
        records = await self._store.load_papers((paper_id,))
        if paper_id not in records or not records[paper_id].announcements:
            raise UnknownPaper(paper_id)
        return records[paper_id]

    async def explain(self, paper_id: str, selection: Selection) -> Verdict:
        """What became of a stored paper in *selection*, also where it lies outside its categories or days."""
        selected = await self.select(selection)
        verdict = next((one for one in selected.verdicts if one.item.paper.id == paper_id), None)
        return verdict or _outsider(await self.find(paper_id), selection)

    def _is_known(self, selection: Selection, revision: Revision) -> bool:
        return selection in self._selected and self._selected[selection].revision.number == revision.number

    async def _load_candidates(self, selection: Selection, revision: Revision) -> Collection[Candidate]:
        """Stored papers, among them all that *selection* covers; what is loaded of a revision is kept.

        Days are counted from the newest mailing of the selection's own categories. Where these have been silent, that
        lies further back than the newest mailing of all.
        """
        newest_of_all = max(filter(None, [revision.newest_mailing, self._newest_known()]), default=None)
        if newest_of_all is None:
            return ()
        days = timedelta(days=(MAX_DAYS if selection.mailing else selection.profile.days_back) - 1)
        since = newest_of_all - days
        newest = _newest_mailing(await self._load_since(since, revision), selection.profile.categories)
        if newest is None or newest < since:
            newest = await self._store.load_newest_mailing(selection.profile.categories)
        return () if newest is None else await self._load_since(newest - days, revision)

    def _newest_known(self) -> date | None:
        return max(map(_last_mailing, (one.record for one in self._candidates.values())), default=None)

    async def _load_since(self, since: date, revision: Revision) -> Collection[Candidate]:
        """The papers announced from *since* on, and more where more is loaded already.

        Nothing deletes papers or announcements. So what this process knows and the store does not know any more was
        lost there, and is kept here: a feed gets no shorter because a store forgot.
        """
        if self._loaded is None or self._loaded[0].number != revision.number or since < self._loaded[1]:
            records = await self._store.load_records(since=since)
            known = [one.record for one in self._candidates.values() if _last_mailing(one.record) >= since]
            self._candidates = await asyncio.to_thread(_prepare_all, _unite(known, records), self._candidates)
            self._loaded = (revision, since)
        return self._candidates.values()

    def _remember(self, selection: Selection, selected: Selected) -> None:
        """Keep *selected* and forget what was made from other data; among equals the oldest goes first."""
        self._selected = {
            one: kept for one, kept in self._selected.items() if kept.revision.number == selected.revision.number
        }
        while len(self._selected) >= _SELECTIONS_KEPT:
            del self._selected[next(iter(self._selected))]
        self._selected[selection] = selected


def _prepare_all(
    records: Iterable[PaperRecord], known: Mapping[tuple[str, int], Candidate]
) -> dict[tuple[str, int], Candidate]:
    """Each record with its prepared text, by id and version; the text of unchanged *known* papers is reused."""
    candidates: dict[tuple[str, int], Candidate] = {}
    for record in records:
        key = (record.paper.id, record.paper.version)
        before = known.get(key)
        is_unchanged = before is not None and before.record.paper == record.paper
        candidates[key] = Candidate(record, before.text if before and is_unchanged else prepare(record.paper))
    return candidates


def judge(selection: Selection, candidates: Collection[Candidate]) -> tuple[Verdict, ...]:
    """One verdict for each of *candidates* in the categories and days of *selection*, in feed order."""
    scorer = Scorer(selection.profile)
    listings = [
        (listing, candidate)
        for candidate in candidates
        if (listing := _find_listing(candidate.record, selection.profile)) is not None
    ]
    first, last = _window(selection, candidates)
    verdicts = [
        _judge_one(candidate.record, listing, scorer.judge(candidate.text), selection.profile)
        for listing, candidate in listings
        if first <= listing.mailing <= last
    ]
    verdicts.sort(key=lambda verdict: (-verdict.item.mailing.toordinal(), *rank_key(verdict.item)))
    return _apply_limit(_apply_cap(verdicts, selection.profile.max_papers), selection.limit)


def find_repeats(selection: Selection, candidates: Collection[Candidate]) -> Iterator[tuple[date, Outcome]]:
    """What else the mailings of *selection* announced: papers whose verdict stands under another one, and why."""
    profile = selection.profile
    first, last = _window(selection, candidates)
    for candidate in candidates:
        listing = _find_listing(candidate.record, profile)
        for one in candidate.record.announcements if listing else ():
            best = _best_type(one, profile)
            if best is None or one.mailing == (listing and listing.mailing) or not first <= one.mailing <= last:
                continue
            yield one.mailing, Outcome.OTHER_MAILING if best in profile.announce_types else Outcome.ANNOUNCE_TYPE


def rank_key(item: Item) -> tuple[float, int, int, int, str]:
    """Sorts items best first; ties go to the newer mailing, then to the newer identifier."""
    month, number = submission_order(item.paper.id)
    return (-item.score.value, -item.mailing.toordinal(), -month, -number, item.paper.id)


def build_feed(
    selection: Selection, selected: Selected, *, title: str, addresses: FeedAddresses, notices: Sequence[str] = ()
) -> Feed:
    """The feed that lists what *selected* lists."""
    items = selected.items
    newest = max((mailing_moment(mailing) for mailing in selected.mailings), default=_NO_CHANGE)
    return Feed(
        title=title,
        description=describe(selection),
        addresses=addresses,
        updated=max((item.updated for item in items), default=newest),
        items=items,
        notices=tuple(notices),
    )


def describe(selection: Selection) -> str:
    """One sentence that says which papers *selection* lists."""
    profile = selection.profile
    types = " or ".join(profile.announce_types)
    parts = [f"arXiv papers announced as {types} in {', '.join(profile.categories)}"]
    scorers = [_counted(len(profile.keywords), "keyword"), _counted(len(profile.authors), "author")]
    if any(scorers):
        parts.append(f"scored by {' and '.join(filter(None, scorers))}")
    if profile.min_score > 0:
        parts.append(f"with {_counted(profile.min_score, 'point')} or more")
    parts.append(f"the best {profile.max_papers} of {selection.mailing or 'each mailing'}")
    if selection.limit < MAX_ITEMS:
        parts.append(f"at most {selection.limit} in all")
    return ", ".join(parts) + "."


def _counted(number: float, noun: str) -> str:
    """For example 1 keyword or 2.5 points; empty where there are none."""
    return f"{number:g} {noun}{'' if number == 1 else 's'}" if number else ""


@dataclass(frozen=True, slots=True)
class _Listing:
    """Under which mailing a paper stands, with which type, and whether the profile wants papers of that type."""

    mailing: date
    version: int
    type: AnnounceType
    is_wanted: bool


def _find_listing(record: PaperRecord, profile: Profile) -> _Listing | None:
    """Where *record* stands for *profile*; None where it was announced in none of the categories."""
    announced = [
        _Listing(one.mailing, one.version, best, best in profile.announce_types)
        for one in record.announcements
        if (best := _best_type(one, profile)) is not None
    ]
    if not announced:
        return None
    wanted = [listing for listing in announced if listing.is_wanted]
    if not wanted:
        return announced[-1]
    return wanted[-1] if profile.wants_replacements else wanted[0]


def _best_type(announcement: Announcement, profile: Profile) -> AnnounceType | None:
    """The best wanted type of *announcement* in the profile's categories, else the best one, else None."""
    wanted = tuple(
        category
        for category, announce_type in announcement.types
        if category in profile.categories and announce_type in profile.announce_types
    )
    return announcement.best_type(wanted or profile.categories)


def _window(selection: Selection, candidates: Iterable[Candidate]) -> tuple[date, date]:
    """The first and the last day that *selection* covers."""
    if selection.mailing is not None:
        return selection.mailing, selection.mailing
    newest = _newest_mailing(candidates, selection.profile.categories)
    if newest is None:
        return date.max, date.min
    return newest - timedelta(days=selection.profile.days_back - 1), newest


def _unite(known: Iterable[PaperRecord], stored: Iterable[PaperRecord]) -> Iterable[PaperRecord]:
    """Every record of both; of a paper in both the later version, with all announcements, as *stored* has them."""
    united = {record.paper.id: record for record in known}
    for record in stored:
        before = united.get(record.paper.id)
        united[record.paper.id] = record if before is None or before == record else _united(before, record)
    return united.values()


def _united(known: PaperRecord, stored: PaperRecord) -> PaperRecord:
    by_mailing = {one.mailing: one for one in (*known.announcements, *stored.announcements)}
    paper = known.paper if known.paper.version > stored.paper.version else stored.paper
    return PaperRecord(paper, tuple(by_mailing[mailing] for mailing in sorted(by_mailing)))


def _last_mailing(record: PaperRecord) -> date:
    return max((one.mailing for one in record.announcements), default=date.min)


def _newest_mailing(candidates: Iterable[Candidate], categories: Collection[str]) -> date | None:
    """The newest mailing that announced one of *candidates* in one of *categories*; None where none did."""
    wanted = frozenset(categories)
    mailings = (
        announcement.mailing
        for candidate in candidates
        for announcement in candidate.record.announcements
        if any(category in wanted for category, _ in announcement.types)
    )
    return max(mailings, default=None)


def _judge_one(record: PaperRecord, listing: _Listing, judgement: Judgement, profile: Profile) -> Verdict:
    item = _build_item(record, listing, judgement.score, profile)
    value = judgement.score.value
    if not listing.is_wanted:
        return Verdict(item, Outcome.ANNOUNCE_TYPE, f"announced as {listing.type}")
    if judgement.excluded_by:
        return Verdict(item, Outcome.EXCLUDED, ", ".join(judgement.excluded_by))
    if value == 0 and profile.min_score > 0:
        return Verdict(item, Outcome.NO_MATCH)
    if value < profile.min_score:
        return Verdict(item, Outcome.BELOW_MIN_SCORE, f"{value:g} of {profile.min_score:g} points")
    return Verdict(item, Outcome.LISTED)


def _build_item(record: PaperRecord, listing: _Listing, score: Score, profile: Profile) -> Item:
    paper = record.paper
    address = f"{paper.abs_url}v{listing.version}" if profile.wants_replacements else paper.abs_url
    types = {category: announce_type for one in record.announcements for category, announce_type in one.types}
    return Item(
        paper=paper,
        guid=address,
        link=address,
        mailing=listing.mailing,
        published=mailing_moment(listing.mailing),
        updated=mailing_moment(max(one.mailing for one in record.announcements)),
        announce_type=listing.type,
        announce_types=tuple((category, types[category]) for category in paper.categories if category in types),
        score=score,
    )


def _apply_cap(verdicts: Sequence[Verdict], max_papers: int) -> list[Verdict]:
    """*verdicts*, which are in feed order, with a rank for the listed ones; each mailing keeps *max_papers* of them."""
    seen: Counter[date] = Counter()
    capped = []
    for verdict in verdicts:
        if verdict.outcome is not Outcome.LISTED:
            capped.append(verdict)
            continue
        mailing = verdict.item.mailing
        seen[mailing] += 1
        rank = seen[mailing]
        if rank <= max_papers:
            capped.append(Verdict(verdict.item, Outcome.LISTED, rank=rank))
        else:
            capped.append(Verdict(verdict.item, Outcome.OVER_CAP, f"rank {rank} of {max_papers}", rank))
    return capped


def _apply_limit(verdicts: Sequence[Verdict], limit: int) -> tuple[Verdict, ...]:
    """*verdicts* with only the first *limit* listed."""
    limited = []
    listed = 0
    for verdict in verdicts:
        listed += verdict.outcome is Outcome.LISTED
        if verdict.outcome is Outcome.LISTED and listed > limit:
            limited.append(Verdict(verdict.item, Outcome.OVER_CAP, f"place {listed} of {limit}", verdict.rank))
        else:
            limited.append(verdict)
    return tuple(limited)


def _outsider(record: PaperRecord, selection: Selection) -> Verdict:
    """The verdict on a stored paper that the selection never looked at, with the score that it would have."""
    profile = selection.profile
    listing = _find_listing(record, profile)
    judgement = Scorer(profile).judge(prepare(record.paper))
    if listing is not None:
        item = _build_item(record, listing, judgement.score, profile)
        return Verdict(item, Outcome.OTHER_DAYS, f"announced in the mailing of {listing.mailing}")
    last = record.announcements[-1]
    elsewhere = _Listing(last.mailing, last.version, best_announce_type(dict(last.types).values()), is_wanted=False)
    item = _build_item(record, elsewhere, judgement.score, profile)
    return Verdict(item, Outcome.OTHER_CATEGORIES, f"announced in {', '.join(category for category, _ in last.types)}")
