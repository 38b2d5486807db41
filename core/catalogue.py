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
import gc
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

from core.errors import UnknownPaper
from core.index import PaperIndex
from core.mailings import mailing_moment
from core.papers import AnnounceType, Paper, best_announce_type, newest_first, submission_order
from core.profiles import Profile, say_count, say_points
from core.query import shorten
from core.rarity import KNOWLEDGE_LASTS, Known, group_of
from core.relevance import stream_of
from core.scoring import UNIT, Check, Score, Scorer, Scores
from core.shelf import Listing, Placing, Shelf, find_listing, last_mailing, unite
from core.store.records import Frequencies, PaperRecord, Revision
from core.summaries.attempts import Attempt, Attempts, Summary, find_shown
from core.waiting import Line, OfLoop

MAX_ITEMS = 500  # of one feed; readers keep their own history
MAX_DAYS = 30

_SILENT_KEPT = 8  # of which most have a handful of papers
_STREAMS_KEPT = 16  # a group of categories has about a megabyte for each mailing, likes of addresses nothing
_SELECTIONS_KEPT = 16  # one over a week of four categories holds about 0.4 MB of verdicts
_DESCRIBED = 200  # characters of a query or a list that a description has
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


# What is said of papers with each outcome that a mailing can have, behind their number.
TOLD_OUTCOMES: Mapping[Outcome, str] = {
    Outcome.LISTED: "listed",
    Outcome.ANNOUNCE_TYPE: "of an announce type that is not wanted",
    Outcome.OTHER_MAILING: "listed under another mailing",
    Outcome.EXCLUDED: "with an excluded term",
    Outcome.NO_MATCH: "without a match",
    Outcome.BELOW_MIN_SCORE: "below the minimum score",
    Outcome.OVER_CAP: "over the cap",
}

# An attribute of an Enum takes 60 ns in Python 3.11, ten times a global, and a selection over a week has 7,000 papers.
_LISTED, _EXCLUDED, _NO_MATCH = Outcome.LISTED, Outcome.EXCLUDED, Outcome.NO_MATCH
_BELOW_MIN_SCORE, _OVER_CAP, _ANNOUNCE_TYPE = Outcome.BELOW_MIN_SCORE, Outcome.OVER_CAP, Outcome.ANNOUNCE_TYPE

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
    cuts the list, newest mailing first. `parameters` is the canonical query string that gives this selection again,
    `wish` what it asks for in a few words, empty where that is the profile's. `is_personal` tells that it says itself
    what is wanted or not wanted, of which there is no end of kinds.
    """

    scope: str
    profile: Profile
    mailing: date | None = None
    limit: int = MAX_ITEMS
    parameters: str = ""
    wish: str = ""
    is_personal: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """A paper as one feed lists it.

    `mailing` is the one it is listed under, `published` that mailing's moment, `updated` the moment of the newest
    mailing that changed it (aware UTC, whole seconds). `announce_type` is the best within the feed's categories,
    `announce_types` all that are known, in the paper's category order. `guid` is an absolute URL that never changes.
    `attempt` is the summary to show, or the reason why there is none, None where none was asked for; with `is_brief`
    the summary stands in place of the abstract.
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
    attempt: Attempt | None = None
    is_brief: bool = False

    @property
    def summary(self) -> Summary | None:
        return self.attempt.summary if self.attempt else None


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
class Explained:
    """A verdict with all that led to it: what each term says of the paper, in profile order, hit or miss.

    `exclusions` are the profile's, each with whether the paper falls under it. `is_found` says whether the profile's
    query finds the paper, None where there is none, and `unwanted` which parts of the query that it says NOT to do.
    `entries` are the keywords that are queries: only where one finds the paper its terms give points.
    """

    verdict: Verdict
    checks: tuple[Check, ...]
    exclusions: tuple[tuple[str, bool], ...]
    is_found: bool | None
    unwanted: tuple[tuple[str, bool], ...]
    entries: tuple[tuple[str, bool], ...]


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


class _Judged(NamedTuple):
    """What became of the papers of one mailing: a selection over a week has thousands, so each is two list entries.

    `order` says, best first, where a paper stands in `numbers` and `listings`, which are the placing's; `outcomes` what
    it came to.
    """

    mailing: date
    numbers: Sequence[int]
    listings: Sequence[Listing]
    order: Sequence[int]
    outcomes: Sequence[Outcome]


class _Row(NamedTuple):
    """What became of one paper."""

    number: int
    listing: Listing
    outcome: Outcome
    rank: int | None  # among those of its mailing that reached the cap
    place: int | None  # in the whole list, of those that the cap lets pass


class Verdicts:
    """The verdicts on all papers that a selection could list, in feed order; only those on listed papers are ready."""

    def __init__(
        self,
        selection: Selection,
        shelf: Shelf,
        judged: Sequence[_Judged],
        scores: Scores,
        rescore: Callable[[], Scores],
    ) -> None:
        self._selection = selection
        self._records = shelf.records
        self._lock = shelf.lock
        self._judged = judged
        self._rescore = rescore  # the scores of all papers are too many to be kept
        self._listed = {
            one.numbers[place]: self._build_item(one.numbers[place], one.listings[place], scores)
            for one in judged
            for place, outcome in zip(one.order, one.outcomes, strict=True)
            if outcome is _LISTED
        }

    def __len__(self) -> int:
        return sum(len(one.order) for one in self._judged)

    def __iter__(self) -> Iterator[Verdict]:
        with self._lock:  # the index is asked, and may be growing
            scores = self._rescore()
            return iter([self._build(row, scores) for row in self._rows()])

    @property
    def items(self) -> tuple[Item, ...]:
        """What is listed, in feed order."""
        return tuple(self._listed.values())

    @property
    def mailings(self) -> frozenset[date]:
        """The mailings that papers stand under."""
        return frozenset(one.mailing for one in self._judged)

    def count(self, mailing: date | None = None) -> Counter[Outcome]:
        """How many papers had each outcome, of those that stand under *mailing* or of all."""
        judged = [one for one in self._judged if mailing in {None, one.mailing}]
        return Counter({outcome: sum(one.outcomes.count(outcome) for one in judged) for outcome in LEDGER})

    def show(self, attempts: Mapping[str, Attempts]) -> Verdicts:
        """The same verdicts, whose listed items have what came of their summaries."""
        shown = copy(self)
        profile = self._selection.profile
        shown._listed = {
            number: _with_summary(item, attempts.get(item.paper.id, ()), profile)
            for number, item in self._listed.items()
        }
        return shown

    def explain(self, paper_id: str) -> Explained | None:
        """The verdict on one paper and what led to it; None where there is none."""
        row = next((row for row in self._rows() if self._records[row.number].paper.id == paper_id), None)
        if row is None:
            return None
        with self._lock:  # the index is asked, and may be growing
            scores = self._rescore()
            return _explained(self._build(row, scores), row.number, scores, self._selection.profile)

    def _rows(self) -> Iterator[_Row]:
        most, listed = self._selection.profile.max_papers, 0
        for mailing in self._judged:
            ranked = 0
            for at, outcome in zip(mailing.order, mailing.outcomes, strict=True):
                rank = place = None
                if outcome in {_LISTED, _OVER_CAP}:
                    rank = ranked = ranked + 1
                    if rank <= most:
                        place = listed = listed + 1
                yield _Row(mailing.numbers[at], mailing.listings[at], outcome, rank, place)

    def _build(self, row: _Row, scores: Scores) -> Verdict:
        item = self._listed.get(row.number) or self._build_item(row.number, row.listing, scores)
        return Verdict(item, row.outcome, self._explain(row, scores), row.rank)

    def _build_item(self, number: int, listing: Listing, scores: Scores) -> Item:
        return _build_item(self._records[number], listing, scores.score(number), self._selection.profile)

    def _explain(self, row: _Row, scores: Scores) -> str:
        profile = self._selection.profile
        match row.outcome:
            case Outcome.ANNOUNCE_TYPE:
                return f"announced as {row.listing.type}"
            case Outcome.EXCLUDED:
                return ", ".join(scores.excluded_by(row.number))
            case Outcome.BELOW_MIN_SCORE:
                return f"{say_points(scores.points[row.number] / UNIT)} of {say_points(profile.min_score)} points"
            case Outcome.OVER_CAP if row.place is not None:
                return f"place {row.place} of {self._selection.limit}"
            case Outcome.OVER_CAP:
                return f"rank {row.rank} of {profile.max_papers}"
        return ""


@dataclass(frozen=True, slots=True)
class Selected:
    """Every verdict of a selection, in feed order, and the state of the data that it was made from.

    `repeats` are the announcements of papers that have their verdict under another mailing, or had it before the
    selection's days: each a mailing, and why the paper does not stand there. `unknown` are the papers that the profile
    likes or dislikes and that are not stored, so that they have no say.
    """

    verdicts: Verdicts
    revision: Revision
    repeats: tuple[tuple[date, Outcome], ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def items(self) -> tuple[Item, ...]:
        """What is listed, newest mailing first, best first within each."""
        return self.verdicts.items

    @property
    def best(self) -> tuple[Item, ...]:
        """What is listed, best first, by `rank_key`."""
        return tuple(sorted(self.items, key=rank_key))

    @property
    def mailings(self) -> tuple[date, ...]:
        """The mailings that announced something, newest first."""
        return tuple(sorted(self.verdicts.mailings.union(mailing for mailing, _ in self.repeats), reverse=True))

    def count(self, mailing: date | None = None) -> Mapping[Outcome, int]:
        """How many papers had each outcome; with a *mailing*, of all that it announced, those that stand elsewhere too.

        The counts add up to the papers that have a verdict, or to what the mailing announced.
        """
        counted = self.verdicts.count(mailing)
        if mailing is not None:
            counted.update(outcome for day, outcome in self.repeats if day == mailing)
        return {outcome: counted[outcome] for outcome in LEDGER}


class Store(Protocol):
    """What the read side needs of a store."""

    async def load_revision(self) -> Revision: ...

    async def load_newest_mailing(self, categories: Collection[str]) -> date | None: ...

    async def load_records(self, *, since: date, until: date | None = None) -> tuple[PaperRecord, ...]: ...

    async def load_papers(self, paper_ids: Collection[str]) -> Mapping[str, PaperRecord]: ...

    async def load_frequencies(
        self, streams: Collection[str], *, since: date, until: date | None = None
    ) -> tuple[Frequencies, ...]: ...

    async def load_attempts(self, paper_ids: Collection[str]) -> Mapping[str, Attempts]: ...


class Catalogue:
    """Answers selections from the store, and keeps what it prepared for as long as the data stay the same.

    Items say why they have no summary where it *tells_absence*, which is idle where none are written any more. The
    selections of the scopes in *kept* without parameters are those that most readers have: others never displace them,
    and wait until they are made.
    """

    def __init__(self, store: Store, *, tells_absence: bool = True, kept: Collection[str] = ()) -> None:
        self._store = store
        self._kept = frozenset(kept)
        self._tells_absence = tells_absence
        self._selecting = OfLoop(Line)
        self._shelf = Shelf()
        self._frequencies: OrderedDict[str, tuple[tuple[Revision, date], tuple[Frequencies, ...]]] = OrderedDict()
        self._known: OrderedDict[tuple[object, ...], Known] = OrderedDict()
        self._loaded: tuple[Revision, date] | None = None  # the revision and the first mailing that the shelf is of
        self._selected: dict[Selection, Selected] = {}
        # The papers of categories that were silent for long, of those that were asked for last.
        self._silent: OrderedDict[tuple[frozenset[str], date, date, int], Shelf] = OrderedDict()
        self._recalling = OfLoop(Line)
        self._recalled: dict[Selection, Selected] = {}  # made while the store was away, of what was known then
        self._attempts: dict[str, Attempts] = {}
        self._attempts_loaded: tuple[int, set[str]] = (-1, set())  # the revision's number, and the papers

    async def select(self, selection: Selection, revision: Revision | None = None) -> Selected:
        """The verdicts on every stored paper that *selection* could list; empty where nothing is stored of it.

        With the *revision* that was loaded just now, nothing more is loaded where it is known already. Raises
        Overloaded where too many wait for other selections, or too long.
        """
        revision = revision or await self._store.load_revision()
        if self._is_known(selection, revision):
            return self._selected[selection]
        async with self._selecting.get().turn(is_preferred=self.is_kept(selection)):
            revision = await self._store.load_revision()  # whoever waited finds the work done, or newer data
            if not self._is_known(selection, revision):
                shelf = await self._load_shelf(selection, revision)
                known = await self._load_known(selection.profile, shelf)
                liked = await self._load_liked(selection.profile)
                selected = await asyncio.to_thread(select, selection, shelf, revision, known, liked)
                self._remember(selection, _show(selected, await self._load_attempts(selection, selected)))
            return self._selected[selection]

    @property
    def is_loaded(self) -> bool:
        """Whether this process has loaded papers, so that a selection costs little more than itself."""
        return self._loaded is not None

    async def recall(self, selection: Selection) -> Selected | None:
        """The verdicts from what this process loaded last, for when the store is away; None where it loaded nothing.

        A window that reaches further back than what was loaded is cut there. Raises Overloaded as `select` does.
        """
        if selection in self._selected:
            return self._selected[selection]
        if self._loaded is None:
            return None
        async with self._recalling.get().turn(is_preferred=self.is_kept(selection)):
            if selection not in self._recalled:
                (revision, _), profile, shelf = self._loaded, selection.profile, self._shelf
                liked = shelf.find((*profile.likes, *profile.dislikes))
                known = self._recall_known(profile)
                selected = await asyncio.to_thread(select, selection, shelf, revision, known, liked)
                shown = selected if profile.summaries == "none" else _show(selected, self._attempts)
                if self._shelf is not shelf:
                    return shown
                if len(self._recalled) >= _SELECTIONS_KEPT:
                    del self._recalled[next(iter(self._recalled))]
                self._recalled[selection] = shown
            return self._recalled[selection]

    async def find(self, paper_id: str) -> PaperRecord:
        """The stored paper *paper_id* (without version). Raises UnknownPaper."""
        records = await self._store.load_papers((paper_id,))
        if paper_id not in records or not records[paper_id].announcements:
            raise UnknownPaper(paper_id)
        return records[paper_id]

    async def explain(self, paper_id: str, selection: Selection, selected: Selected | None = None) -> Explained:
        """What became of a stored paper in *selection* and why, also where it lies outside its categories or days.

        *selected* is what the selection lists, where that is known. Raises UnknownPaper and what `select` raises.
        """
        selected = selected or await self.select(selection)
        found = await asyncio.to_thread(selected.verdicts.explain, paper_id)
        if found is not None:
            return found
        record, profile = await self.find(paper_id), selection.profile
        liked = await self._load_liked(profile)
        known = Known()
        if profile.ranking == "relevance":  # of its own days, which may lie before all that was loaded
            first = min(one.mailing for one in record.announcements)
            known = Known(await self._store.load_frequencies(_streams_of(profile), since=first - KNOWLEDGE_LASTS))
        return _outsider(record, selection, Scorer(profile, liked), known)

    def is_kept(self, selection: Selection) -> bool:
        """Whether *selection* is one of those that others never displace."""
        return selection.scope in self._kept and not selection.parameters

    def _is_known(self, selection: Selection, revision: Revision) -> bool:
        return selection in self._selected and self._selected[selection].revision.number == revision.number

    async def _load_shelf(self, selection: Selection, revision: Revision) -> Shelf:
        """Stored papers, among them all that *selection* covers; what is loaded of a revision is kept.

        Days are counted from the newest mailing of the selection's own categories. Where these have been silent, that
        lies further back than the newest mailing of all.
        """
        newest_of_all = max(filter(None, [revision.newest_mailing, self._shelf.newest]), default=None)
        if newest_of_all is None:
            return Shelf()
        profile = selection.profile
        days = timedelta(days=(MAX_DAYS if selection.mailing else profile.days_back) - 1)
        since = newest_of_all - days
        shelf = await self._load_since(since, revision)
        newest = shelf.place(profile.categories, profile.announce_types).newest
        if newest is None or newest < since:
            newest = await self._store.load_newest_mailing(profile.categories)
        if newest is None:
            return Shelf()
        if selection.mailing is not None and selection.mailing < newest - days:
            return Shelf()
        if newest < since:
            return await self._load_silent(profile.categories, newest - days, newest, revision)
        return await self._load_since(newest - days, revision)

    async def _load_silent(self, categories: Sequence[str], since: date, until: date, revision: Revision) -> Shelf:
        """The papers of *categories* that were announced in them from *since* to *until*, and in none of them later.

        All that came since then in others may be more than a year's papers.
        """
        key = (frozenset(categories), since, until, revision.papers)
        if key not in self._silent:
            wanted = key[0]
            records = await self._store.load_records(since=since, until=until)
            own = [one for one in records if any(wanted & dict(told.types).keys() for told in one.announcements)]
            self._silent[key] = await asyncio.to_thread(Shelf, own)
            if len(self._silent) > _SILENT_KEPT:
                self._silent.popitem(last=False)
        self._silent.move_to_end(key)
        return self._silent[key]

    async def _load_known(self, profile: Profile, shelf: Shelf) -> Known:
        """What was learned of the streams that *profile* is ranked by, for all mailings that *shelf* has."""
        loaded = self._loaded
        if profile.ranking != "relevance" or loaded is None:
            return Known()
        streams = _streams_of(profile)
        if shelf is not self._shelf and shelf.newest is not None:  # of silent categories
            since = shelf.newest - timedelta(days=MAX_DAYS) - KNOWLEDGE_LASTS
            return Known(await self._store.load_frequencies(streams, since=since, until=shelf.newest))
        missing = [one for one in streams if one not in self._frequencies or self._frequencies[one][0] != loaded]
        if missing:
            found = await self._store.load_frequencies(missing, since=loaded[1] - KNOWLEDGE_LASTS)
            for stream in missing:
                self._frequencies[stream] = (loaded, tuple(one for one in found if one.stream == stream))
        for stream in streams:
            self._frequencies.move_to_end(stream)
        return self._recall_known(profile)

    def _recall_known(self, profile: Profile) -> Known:
        """What was loaded last of the streams that *profile* is ranked by."""
        streams = [one for one in _streams_of(profile) if one in self._frequencies]
        key = tuple((one, self._frequencies[one][0]) for one in streams)
        if key not in self._known:
            self._known[key] = Known(each for one in streams for each in self._frequencies[one][1])
        self._known.move_to_end(key)
        while len(self._frequencies) > _STREAMS_KEPT:
            self._frequencies.popitem(last=False)
        while len(self._known) > _STREAMS_KEPT:
            self._known.popitem(last=False)
        return self._known[key]

    async def _load_liked(self, profile: Profile) -> Mapping[str, Paper]:
        """The papers that *profile* likes and dislikes, as far as they are stored."""
        wanted = (*profile.likes, *profile.dislikes)
        records = await self._store.load_papers(wanted) if wanted else {}
        return {paper_id: record.paper for paper_id, record in records.items()}

    async def _load_since(self, since: date, revision: Revision) -> Shelf:
        """The papers announced from *since* on, and more where more is loaded already.

        Nothing deletes papers or announcements. So what this process knows and the store does not know any more was
        lost there, and is kept here: a feed gets no shorter because a store forgot. What was loaded of the data before
        is kept too, since whoever reached further back then will do so again.
        """
        loaded, first = self._loaded or (None, since)
        is_current = loaded is not None and loaded.papers == revision.papers
        if is_current and since >= first:
            return self._shelf
        until = first - timedelta(days=1) if is_current else None  # what came later is here
        records = await self._store.load_records(since=since, until=until)
        kept_since = min(first, since)
        known = [record for record in self._shelf.records.values() if last_mailing(record) >= kept_since]
        self._shelf = await asyncio.to_thread(_restock, unite(known, records), self._shelf)
        self._loaded = (revision, since)
        return self._shelf

    async def _load_attempts(self, selection: Selection, selected: Selected) -> Mapping[str, Attempts]:
        """What came of summarising the papers that *selected* lists; what is loaded of a revision is kept.

        What this process knows and the store does not know any more is kept too: it was lost there.
        """
        if selection.profile.summaries == "none":
            return {}
        number, loaded = self._attempts_loaded
        if number != selected.revision.number:
            here = {record.paper.id for record in self._shelf.records.values()}
            self._attempts = {paper_id: tried for paper_id, tried in self._attempts.items() if paper_id in here}
            loaded = set()
            self._attempts_loaded = (selected.revision.number, loaded)
        missing = {item.paper.id for item in selected.items} - loaded
        if missing:
            self._attempts |= await self._store.load_attempts(missing)
            loaded |= missing
        return self._attempts if self._tells_absence else self._only_written()

    def _only_written(self) -> dict[str, Attempts]:
        return {paper_id: tuple(one for one in tried if one.summary) for paper_id, tried in self._attempts.items()}

    def _remember(self, selection: Selection, selected: Selected) -> None:
        """Keep *selected* and forget what was made from other data; the oldest goes first, of those not kept if any."""
        number = selected.revision.number
        self._recalled.clear()
        if any(kept.revision.number != number for kept in self._selected.values()):
            self._selected = {one: kept for one, kept in self._selected.items() if kept.revision.number == number}
        while len(self._selected) >= _SELECTIONS_KEPT:
            passing = (one for one in self._selected if not self.is_kept(one))
            del self._selected[next(passing, next(iter(self._selected)))]
        self._selected[selection] = selected


def _streams_of(profile: Profile) -> list[str]:
    own = stream_of(profile)
    return sorted({*map(group_of, profile.categories), *([own] if own else [])})


def _restock(records: Iterable[PaperRecord], before: Shelf) -> Shelf:
    """The shelf of *records*, which the garbage collector passes over from now on.

    It would walk over a week of papers after every dozen of new selections, 150 ms each time, and find nothing. What
    has become garbage since the shelf *before* is collected here, and what was passed over when an index begins anew.
    """
    shelf = Shelf(records, before=before)
    if before.records:
        if shelf.index is not before.index:
            gc.unfreeze()
        gc.collect()
    gc.freeze()
    return shelf


def select(
    selection: Selection,
    shelf: Shelf,
    revision: Revision,
    known: Known | None = None,
    liked: Mapping[str, Paper] | None = None,
) -> Selected:
    """What *selection* makes of the papers of *shelf*, which are those of *revision*.

    *known* is what was learned of words, *liked* holds the papers that the profile likes and dislikes.
    """
    profile = selection.profile
    verdicts = judge(selection, shelf, known or Known(), liked or {})
    named = dict.fromkeys((*profile.likes, *profile.dislikes))
    unknown = tuple(paper_id for paper_id in named if paper_id not in (liked or {}))
    return Selected(verdicts, revision, tuple(find_repeats(selection, shelf)), unknown)


def _show(selected: Selected, attempts: Mapping[str, Attempts]) -> Selected:
    return replace(selected, verdicts=selected.verdicts.show(attempts))


def judge(selection: Selection, shelf: Shelf, known: Known, liked: Mapping[str, Paper]) -> Verdicts:
    """One verdict for each paper of *shelf* in the categories and days of *selection*, in feed order."""
    profile = selection.profile
    placing = shelf.place(profile.categories, profile.announce_types)
    first, last = _window(selection, placing)
    scorer = Scorer(profile, liked)
    days = [day for day in placing.mailings if first <= day <= last]
    eras = [scorer.build_era(placing.mailings[day][0], day, known) for day in days]
    repeats: dict[int, int] = {}

    def rescore() -> Scores:
        with shelf.lock:
            return scorer.score(shelf.index, eras).halve(repeats)

    def judge_days(scores: Scores, room: int) -> list[_Judged]:
        judged: list[_Judged] = []
        for day in days:
            judged.append(_judge_mailing(day, placing, scores, profile, room))
            room -= judged[-1].outcomes.count(_LISTED)
        return judged

    whole = scores = rescore()
    judged = judge_days(scores, MAX_ITEMS)
    # Whatever loses points makes room for others, which may be repetitions too; and a repetition of what is listed no
    # more, for that reason, is none. Each paper is taken for one once at most. The limit has no say in it.
    taken: set[int] = set()
    while profile.ranking == "relevance":
        found, listed = _find_repeated(shelf, judged)
        still = {one: found[one] for one in repeats if one in found}
        new = {one: other for one, other in found.items() if one in listed and one not in taken}
        if not new and still == repeats:
            break
        taken |= new.keys()
        repeats = still | new
        scores = whole.halve(repeats)
        judged = judge_days(scores, MAX_ITEMS)
    if selection.limit < MAX_ITEMS:
        judged = judge_days(scores, selection.limit)
    with shelf.lock:
        return Verdicts(selection, shelf, judged, scores, rescore)


def _find_repeated(shelf: Shelf, judged: Iterable[_Judged]) -> tuple[dict[int, int], set[int]]:
    """Which papers repeat which listed one, the first that is before them by mailing and identifier.

    And which of the papers that say much the same as others are listed.
    """
    listed: set[int] = set()
    order: dict[int, tuple[object, ...]] = {}
    for one in judged if shelf.twins else ():
        for place, outcome in zip(one.order, one.outcomes, strict=True):
            number = one.numbers[place]
            if number in shelf.twins:
                paper_id = shelf.records[number].paper.id
                order[number] = (one.mailing, submission_order(paper_id), paper_id)
                if outcome is _LISTED:
                    listed.add(number)
    first = {number: min({number, *(shelf.twins[number] & listed)}, key=order.__getitem__) for number in order}
    return {number: other for number, other in first.items() if other != number}, listed


def find_repeats(selection: Selection, shelf: Shelf) -> Iterator[tuple[date, Outcome]]:
    """What else the mailings of *selection* announced: papers whose verdict stands under another one, and why."""
    profile = selection.profile
    placing = shelf.place(profile.categories, profile.announce_types)
    first, last = _window(selection, placing)
    for mailing, best in placing.repeats:
        if first <= mailing <= last:
            yield mailing, Outcome.OTHER_MAILING if best in profile.announce_types else Outcome.ANNOUNCE_TYPE


def rank_key(item: Item) -> tuple[float, int, int, int, str]:
    """Sorts items best first; ties go to the newer mailing, then to the newer identifier."""
    return (-item.score.value, -item.mailing.toordinal(), *newest_first(item.paper.id))


def build_feed(
    selection: Selection, selected: Selected, *, title: str, addresses: FeedAddresses, notices: Sequence[str] = ()
) -> Feed:
    """The feed that lists what *selected* lists."""
    items = selected.items
    moments = [item.updated for item in items] or [*map(mailing_moment, selected.mailings)] or [_NO_CHANGE]
    return Feed(
        title=title,
        description=describe(selection),
        addresses=addresses,
        updated=max(moments),
        items=items,
        notices=tuple(notices),
    )


def describe(selection: Selection) -> str:
    """One sentence that says which papers *selection* lists."""
    profile = selection.profile
    types = " or ".join(profile.announce_types)
    parts = [f"arXiv papers announced as {types} in {', '.join(profile.categories)}"]
    if profile.query is not None:
        parts.append(f"found by {shorten(str(profile.query), _DESCRIBED)}")
    if profile.exclude_keywords:
        parts.append(f"without {shorten(', '.join(profile.exclude_keywords), _DESCRIBED)}")
    scorers = [
        (profile.keywords, "keyword"),
        (profile.authors, "author"),
        (profile.likes, "liked paper"),
    ]
    if any(given for given, _ in scorers):
        parts.append(f"scored by {' and '.join(say_count(len(given), noun) for given, noun in scorers if given)}")
    if profile.min_score > 0:
        parts.append(f"with {say_count(profile.min_score, 'point')} or more")
    parts.append(f"the best {profile.max_papers} of {selection.mailing or 'each mailing'}")
    if selection.limit < MAX_ITEMS:
        parts.append(f"at most {selection.limit} in all")
    return ", ".join(parts) + "."


def _window(selection: Selection, placing: Placing) -> tuple[date, date]:
    """The first and the last day that *selection* covers."""
    if selection.mailing is not None:
        return selection.mailing, selection.mailing
    if placing.newest is None:
        return date.max, date.min
    return placing.newest - timedelta(days=selection.profile.days_back - 1), placing.newest


def _judge_mailing(mailing: date, placing: Placing, scores: Scores, profile: Profile, room: int) -> _Judged:
    """The papers of one mailing, best first, of which *max_papers* are listed and no more than there is *room* for.

    Equal ones stay in the placing's order.
    """
    numbers, listings = placing.mailings[mailing]
    least = round(profile.min_score * UNIT)
    points, excluded, matching = scores.points, scores.excluded, scores.matching
    most = min(profile.max_papers, room)
    values = [points[number] for number in numbers]
    order = sorted(range(len(numbers)), key=values.__getitem__, reverse=True)
    outcomes: list[Outcome] = []
    rank = 0
    for place in order:
        number, value = numbers[place], values[place]
        if not listings[place].is_wanted:
            outcome = _ANNOUNCE_TYPE
        elif number in excluded:
            outcome = _EXCLUDED
        elif (matching is not None and number not in matching) or value <= 0 < least:
            outcome = _NO_MATCH
        elif value < least and least > 0:
            outcome = _BELOW_MIN_SCORE
        else:
            rank += 1
            outcome = _LISTED if rank <= most else _OVER_CAP
        outcomes.append(outcome)
    return _Judged(mailing, numbers, listings, order, outcomes)


def _build_item(record: PaperRecord, listing: Listing, score: Score, profile: Profile) -> Item:
    paper = record.paper
    address = f"{paper.abs_url}v{listing.version}" if profile.wants_replacements else paper.abs_url
    # A category says what it said in this mailing; of those that came by another one, what they said first.
    own_first = sorted(record.announcements, key=lambda one: one.mailing != listing.mailing)
    types = dict(pair for one in reversed(own_first) for pair in one.types)
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


def _with_summary(item: Item, attempts: Attempts, profile: Profile) -> Item:
    """*item* with what came of its summary; a summary that came after the item's last change is a change of it."""
    attempt = find_shown(attempts, profile.language) if profile.summaries != "none" else None
    if attempt is None:
        return item
    updated = max(item.updated, attempt.at) if attempt.summary else item.updated
    return replace(item, attempt=attempt, updated=updated, is_brief=profile.summaries == "brief")


def _outsider(record: PaperRecord, selection: Selection, scorer: Scorer, known: Known) -> Explained:
    """The verdict on a stored paper that the selection never looked at, with the score that it would have alone."""
    profile = selection.profile
    listing, _ = find_listing(record, frozenset(profile.categories), frozenset(profile.announce_types))
    last = record.announcements[-1]
    outcome, detail = Outcome.OTHER_DAYS, f"announced in the mailing of {listing.mailing if listing else ''}"
    if listing is None:
        outcome, detail = Outcome.OTHER_CATEGORIES, f"announced in {', '.join(category for category, _ in last.types)}"
        best = best_announce_type(dict(last.types).values())
        listing = Listing(last.mailing, last.version, best, is_wanted=False)
    era = scorer.build_era((0,), listing.mailing, known)
    scores = scorer.score(PaperIndex([record.paper]), [era])
    verdict = Verdict(_build_item(record, listing, scores.score(0), profile), outcome, detail)
    return _explained(verdict, 0, scores, profile)


def _explained(verdict: Verdict, number: int, scores: Scores, profile: Profile) -> Explained:
    excluded_by = scores.excluded_by(number)
    return Explained(
        verdict,
        tuple(scores.check(number)),
        tuple((entry, entry in excluded_by) for entry in profile.exclude_keywords),
        None if scores.matching is None else number in scores.matching,
        tuple(scores.check_unwanted(number, profile.query)) if profile.query else (),
        tuple(scores.check_entries(number, profile)),
    )
