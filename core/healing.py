"""Healing: what no feed brought is asked of the query API, a page at a time, until every mailing is complete.

    find_gaps ──> plan ──> Source.fetch_submissions ──> decide ──> Changes ──> Store.apply

A gap is a mailing that no good feed brought: the category was stale, nobody asked that day, or the store is new. The
API knows no mailings, only when a paper was submitted and revised. So the papers of the last days are gone through, and
one that is not stored belongs to the mailing that its date gives, or to the first gap after it: it was held up. Not to
be found this way are late cross-lists of old papers, which the API dates by their submission, and what was held up for
longer than LONGEST_HOLD, or in a store that does not go back so far.

Each page is stored with the place to go on from, so that whoever comes next goes on there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Protocol

from core.arxiv.announced import Rejected, Submissions, Window, announce_types_by_category, unite_types
from core.arxiv.taxonomy import with_aliases
from core.errors import SourceMalformed, SourceUnavailable
from core.mailings import mailing_of_submission, newest_mailing, previous_mailing, submission_deadline
from core.papers import REPLACEMENTS, Announcement, AnnounceType, Paper, renew
from core.standing import complete, find_gaps, stand_healed
from core.store import optimistic
from core.store.records import (
    CategoryState,
    Changes,
    Healing,
    Lease,
    Ledger,
    PaperRecord,
    RefreshState,
    Revision,
    key_of,
)

LONGEST_HOLD = timedelta(days=14)  # that is looked for; each day before a gap is a page or two of the search
MOST_DAYS = 30  # the longest window that an address can ask for; filling in a year would keep arXiv busy for hours

_BAD_REQUEST = 400
_PAGE = 1000  # arXiv discourages more
_OVERLAP = 10  # so many parts has a page, of which the next one repeats the last
_STEP_BACK = _PAGE // _OVERLAP  # after a page that cannot be right: perhaps there is less than there was
_ENOUGH_PAPERS = 20  # submitted for some mailings: then some are replaced in them too
_LAST_ANNOUNCED_VERSION = 5  # https://info.arxiv.org/help/replace.html
_ONE_MINUTE = timedelta(minutes=1)
_BACK_OFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=6))
_MOST_ROUNDS = 2
_MAY_BE_EMPTY = 4  # where one mailing in so many had no papers, another one may have none
_TASK = "healing tried to write"
_UNTIL_IT_MOVES = timedelta(hours=2)  # the API had nothing of a stale category's mailing: it may be late itself


class Source(Protocol):
    """Where submissions are searched."""

    async def fetch_submissions(self, window: Window) -> Submissions: ...


class Store(optimistic.Store, Protocol):
    """What healing needs of a store."""

    async def load_papers(self, paper_ids: Collection[str]) -> Mapping[str, PaperRecord]: ...


@dataclass(frozen=True, slots=True)
class HealingReport:
    """What one page, or several, of healing found. `is_finished` says that nothing is left to ask for now."""

    ledger: Ledger
    rejected: tuple[Rejected, ...]
    requests: int
    is_finished: bool
    notices: tuple[str, ...] = ()

    def __add__(self, other: HealingReport) -> HealingReport:
        return HealingReport(
            self.ledger + other.ledger,
            self.rejected + other.rejected,
            self.requests + other.requests,
            other.is_finished,
            self.notices + other.notices,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What to ask for: *categories* with their *gaps*, and how far that has come."""

    categories: tuple[str, ...]
    gaps: Mapping[str, tuple[date, ...]]
    healing: Healing

    @property
    def window(self) -> tuple[datetime, datetime]:
        """The first and the last minute of what the mailings from `first` to `last` can announce."""
        first, last = self.healing.first or date.min, self.healing.last or date.max
        if self.healing.by == "submitted":
            first = self.healing.held_from or first
        return submission_deadline(previous_mailing(first)), submission_deadline(last) - _ONE_MINUTE


def make_plan(state: RefreshState, *, now: datetime, days_back: int) -> Plan | None:
    """What is to be healed of the categories of *state*; None where every mailing of *days_back* days is complete.

    The whole window is gone through and not only the gaps, and submissions before it, as far as earlier mailings are
    complete: what was held up was submitted before. What is under way goes on with the same search; where another gap
    has come into its window, as after the loss of a mailing, all begins anew.
    """
    days = min(days_back, MOST_DAYS)
    gaps = {one.category: missing for one in state.categories if (missing := find_gaps(one, now=now, days_back=days))}
    if not gaps:
        return None
    healing = state.healing
    if healing.last is None or not _has_begun(healing, gaps, healing.last):
        last = newest_mailing(now)
        earliest = min(one.since or last for one in state.categories if one.category in gaps)
        first = max(last - timedelta(days=days - 1), min(earliest, *(days[0] for days in gaps.values())))
        held_from = max(_find_held_from(one, gaps[one.category]) for one in state.categories if one.category in gaps)
        healing = Healing(
            gaps=tuple(gaps.items()),
            first=first,
            last=last,
            held_from=min(first, held_from),
            rounds=healing.rounds,
            next_at=healing.next_at,
            failures=healing.failures,
            last_error=healing.last_error,
        )
    return Plan(tuple(dict(healing.gaps) or gaps), gaps, healing)


def _has_begun(healing: Healing, gaps: Mapping[str, Sequence[date]], last: date) -> bool:
    """Whether *healing*, up to the mailing *last*, goes through all that may be missing of *gaps* up to there."""
    begun = dict(healing.gaps)
    return not begun or all(
        day > last or day in begun.get(category, ()) for category, days in gaps.items() for day in days
    )


def _find_held_from(one: CategoryState, gaps: Sequence[date]) -> date:
    """The mailing from which on all are complete up to the first of *gaps*, LONGEST_HOLD before it at most.

    What was submitted for one of these and is not stored was held up, and a gap has announced it.
    """
    whole = {day for day, _ in one.complete}
    first = gaps[0]
    while (before := previous_mailing(first)) in whole and gaps[0] - before <= LONGEST_HOLD:
        first = before
    return first


def is_healing_due(state: RefreshState, *, now: datetime, days_back: int) -> bool:
    """Whether there is something to heal, and its time has come."""
    waits = state.healing.next_at is not None and now < state.healing.next_at
    return not waits and make_plan(state, now=now, days_back=days_back) is not None


async def heal_page(
    state: RefreshState,
    plan: Plan,
    *,
    source: Source,
    store: Store,
    clock: Callable[[], datetime],
    lease: Lease | None = None,
) -> HealingReport:
    """Ask for one page of what *plan* lacks, and store what it brings together with how far it has come.

    Raises what `Source` and `Store` raise; a failure of arXiv is remembered first, with a pause that grows.
    """
    key = key_of(one.category for one in state.categories)
    first, last = plan.window
    healing = plan.healing
    try:
        page = await source.fetch_submissions(
            Window(
                plan.categories,
                first,
                last,
                by=healing.by,
                start=healing.start,
                count=_PAGE >> min(healing.failures, 3),  # some pages fail for ever, and a smaller one does not
            )
        )
        _refuse_early_end(page, healing)
    except Exception as error:
        if healing.by == "revised" and isinstance(error, SourceUnavailable) and error.status == _BAD_REQUEST:
            page = Submissions((), (), is_last=True)  # a search by revision is not in arXiv's manual; see `_advance`
        else:
            after = replace(state, healing=after_failure(healing, error, now=clock()))
            await optimistic.put(store, Changes(refreshes=((key, after),)), clock=clock, task=_TASK, lease=lease)
            raise
    decisions: list[_Decision] = []

    async def decide_on(_: Revision) -> Changes:
        stored = await store.load_papers([paper.id for paper in page.papers])
        decision = decide(page, stored, state, plan, now=clock())
        decisions.append(decision)
        return replace(decision.changes, refreshes=((key, decision.state),))

    await optimistic.write(store, decide_on, clock=clock, task=_TASK, lease=lease)
    done = decisions[-1]
    return HealingReport(done.ledger, done.rejected, 1, is_finished=done.state.healing.last is None)


def _refuse_early_end(page: Submissions, healing: Healing) -> None:
    """Raises SourceMalformed where *page* is the last and far from the end that pages before it promised."""
    end = healing.start + len(page.papers) + len(page.rejected)
    if healing.by == "submitted" and page.is_last and end < healing.total - healing.total // _OVERLAP:
        raise SourceMalformed(f"its results end with number {end}, of {healing.total} that there were")


def after_failure(healing: Healing, error: Exception, *, now: datetime) -> Healing:
    """What to remember of healing that failed: where it was, the error, and a pause that grows with each failure."""
    pause = _BACK_OFF[min(healing.failures, len(_BACK_OFF) - 1)]
    failures = healing.failures + 1
    # The words of an error that is not arXiv's are for the log, not for readers.
    told = (
        str(error) if isinstance(error, SourceUnavailable | SourceMalformed) else f"unexpected {type(error).__name__}"
    )
    if isinstance(error, SourceUnavailable):
        pause = max(pause, timedelta(seconds=min(error.retry_after_seconds or 0, _BACK_OFF[-1].total_seconds())))
        failures -= not error.was_asked
    if isinstance(error, SourceMalformed):  # an end that is said twice is believed; how much was submitted stays known
        total = 0 if healing.by == "submitted" else healing.total
        healing = replace(healing, start=max(0, healing.start - _STEP_BACK), total=total)
    return replace(healing, failures=failures, next_at=now + pause, last_error=told)


@dataclass(frozen=True, slots=True)
class _Decision:
    changes: Changes
    state: RefreshState
    ledger: Ledger
    rejected: tuple[Rejected, ...]


def decide(
    page: Submissions, stored: Mapping[str, PaperRecord], state: RefreshState, plan: Plan, *, now: datetime
) -> _Decision:
    """What of *page* is to be written, given what is *stored*, and how the categories of *state* stand after it.

    A paper that was listed before is not announced again; a later version takes the place of the stored one. Texts of a
    version that is stored stay as they are, because the API spells them otherwise than the feeds do.
    """
    papers: list[Paper] = []
    announcements: list[Announcement] = []
    rejected = list(page.rejected)
    healed: Counter[str] = Counter()
    seen: set[str] = set()
    mailings: set[date] = set()
    new = updated = 0
    for paper in sorted(page.papers, key=lambda one: (one.id, one.version)):
        refusal = _refuse(paper, plan)
        if refusal:
            rejected.append(Rejected(f"{paper.id}v{paper.version}", refusal))
            continue
        record = stored.get(paper.id)
        announcement = _announce(paper, record, plan)
        told = [*(record.announcements if record else ()), *([announcement] if announcement else [])]
        mailings.update(one.mailing for one in told)
        if any(one.mailing == plan.healing.last for one in told):
            seen.update(_asked_for(paper, plan))
        if announcement is not None:
            announcements.append(announcement)
            healed.update(_asked_for(paper, plan) if record is None else ())
        if record is None and announcement is not None:
            papers.append(paper)
            new += 1
        elif record is not None and (announcement is not None or paper.version > record.paper.version):
            papers.append(renew(record.paper, paper) if paper.version > record.paper.version else record.paper)
            updated += 1
    received = len(page.papers) + len(page.rejected)
    return _Decision(
        changes=Changes(tuple(papers), tuple(announcements)),
        state=_advance(state, plan, page, healed=healed, seen=seen, mailings=mailings, now=now),
        ledger=Ledger(received, new, updated, received - new - updated - len(rejected), len(rejected)),
        rejected=tuple(rejected),
    )


def _refuse(paper: Paper, plan: Plan) -> str | None:
    """Why *paper* is nothing that was asked for, None where it is."""
    moment = _moment(paper, plan)
    first, last = plan.window
    if moment is None:
        return f"it does not say when it was {plan.healing.by}"
    if not first <= moment < last + _ONE_MINUTE:
        return f"it was {plan.healing.by} outside of the time asked for"
    if not _asked_for(paper, plan):
        return "it is in none of the categories asked for"
    return None


def _asked_for(paper: Paper, plan: Plan) -> set[str]:
    """Those of the categories of *plan* that *paper* is in."""
    return set(with_aliases(paper.categories)).intersection(plan.categories)


def _moment(paper: Paper, plan: Plan) -> datetime | None:
    return paper.submitted if plan.healing.by == "submitted" else paper.revised


def _announce(paper: Paper, record: PaperRecord | None, plan: Plan) -> Announcement | None:
    """The announcement that no feed told of, None where it is stored or there was none.

    A feed without the paper's primary category tells of a new paper as of a cross-list, which leaves out what only the
    feed of another category could tell.
    """
    moment = _moment(paper, plan)
    assert moment is not None  # noqa: S101 - refused before
    told = record.announcements if record else ()
    known: set[str] = set()  # the categories that a feed told of when it was new
    if plan.healing.by == "submitted":
        known.update(name for one in told for name, announce_type in one.types if announce_type not in REPLACEMENTS)
        version, announce_type = 1, AnnounceType.NEW
    else:
        is_told = any(one.version >= paper.version for one in told)
        if is_told or not 1 < paper.version <= _LAST_ANNOUNCED_VERSION:
            return None
        version, announce_type = paper.version, AnnounceType.REPLACE
    natural = mailing_of_submission(moment)
    mailing = _mailing_of(natural, set(with_aliases(paper.categories)) - known, plan)
    if mailing is None and (known or announce_type is AnnounceType.REPLACE):
        return None  # of a mailing that a feed brought: it would have told
    mailing = mailing or natural
    types = announce_types_by_category(paper.categories, announce_type)
    types = tuple(pair for pair in types if pair[0] not in known)
    same = next((one for one in told if one.mailing == mailing), None)
    if same is not None:
        types = unite_types(paper.categories, same.types, types)
        version = max(version, same.version)
    return Announcement(mailing, paper.id, version, types)


def _mailing_of(natural: date, categories: Iterable[str], plan: Plan) -> date | None:
    """The first gap from the *natural* mailing on in one of *categories*; None where there is none."""
    gaps = (day for category in categories for day in plan.gaps.get(category, ()) if day >= natural)
    return min(gaps, default=None)


def _advance(
    state: RefreshState,
    plan: Plan,
    page: Submissions,
    *,
    healed: Mapping[str, int],
    seen: Collection[str],
    mailings: Collection[date],
    now: datetime,
) -> RefreshState:
    """*state* after *page*: where healing goes on, or, after the last page, what is complete now."""
    categories = tuple(
        replace(one, healed=one.healed + healed.get(one.category, 0)) if one.category in plan.categories else one
        for one in state.categories
    )
    here = replace(
        plan.healing,
        seen=tuple(sorted({*plan.healing.seen, *seen})),
        mailings=tuple(sorted({*plan.healing.mailings, *mailings})),
        unread=plan.healing.unread + len(page.rejected),
        total=max(plan.healing.total, page.total) if plan.healing.by == "submitted" else plan.healing.total,
        failures=0,
        last_error=None,
        next_at=None,
    )
    received = len(page.papers) + len(page.rejected)
    if not page.is_last:
        # A paper that is revised meanwhile leaves its place, and all behind it move up by one.
        passed = received - received // _OVERLAP
        return replace(state, categories=categories, healing=replace(here, start=here.start + passed))
    if here.by == "submitted":
        is_doubtful = any(_is_doubtful(one, plan, here) for one in categories)
        after = replace(here, by="revised", start=0, unread=here.unread + is_doubtful)
        return replace(state, categories=categories, healing=after)
    is_doubtful = not received and here.total >= _ENOUGH_PAPERS  # nothing was replaced, or arXiv refused to say
    if (here.unread or is_doubtful) and here.rounds < _MOST_ROUNDS:  # another time it may be told, or readable
        again = Healing(rounds=here.rounds + 1, next_at=now + _UNTIL_IT_MOVES)
        return replace(state, categories=categories, healing=again)
    finished = tuple(_complete(one, plan, here, now) for one in categories)
    is_open = any(_is_without_feed(one) and _lacks(one, plan.healing.last) for one in finished)
    return replace(state, categories=finished, healing=Healing(next_at=now + _UNTIL_IT_MOVES if is_open else None))


def _complete(one: CategoryState, plan: Plan, healing: Healing, now: datetime) -> CategoryState:
    """*one* with its gaps filled in; that of the newest mailing stays one while the API has nothing of it either."""
    last = healing.last or newest_mailing(now)
    filled = {day: int(day in healing.mailings) for day in plan.gaps.get(one.category, ()) if day <= last}
    if _is_without_feed(one) and one.category not in healing.seen and last >= newest_mailing(now):
        filled.pop(last, None)
    return stand_healed(complete(one, filled, now=now), now=now) if filled else one


def _is_doubtful(one: CategoryState, plan: Plan, healing: Healing) -> bool:
    """Whether nothing was submitted for a gap of *one*, though its other mailings have papers.

    arXiv's search gives out empty lists for minutes at a time (https://github.com/lukasschwab/arxiv.py/issues/43), so
    that is believed only when it was so each time.
    """
    empty = sum(not papers for _, papers in one.complete)
    if _MAY_BE_EMPTY * empty >= max(len(one.complete), 1):
        return False
    last = healing.last or date.max
    return any(day <= last and day not in healing.mailings for day in plan.gaps.get(one.category, ()))


def _is_without_feed(one: CategoryState) -> bool:
    """Whether no feed may come to correct what is said of the newest mailing of *one*."""
    return one.stale_because is not None or one.is_refused


def _lacks(one: CategoryState, mailing: date | None) -> bool:
    return mailing not in {day for day, _ in one.complete}
