"""Which papers are to be summarised: the best of each new mailing of every profile, and of all that it lists.

Pure decisions, over what the catalogue selected and what came of earlier attempts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from core.catalogue import Item, Selected
from core.papers import Paper
from core.profiles import Profile
from core.summaries.attempts import Attempt, Attempts, Key, SourceKind, SummaryState, find_attempt

_AT_ONCE = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Maker:
    """What a summary is made with first, whatever paper it is of."""

    model: str
    prompt: str
    source: SourceKind

    def key(self, paper: Paper, language: str) -> Key:
        return Key(paper.version, self.model, self.prompt, language, self.source)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A paper to summarise, and what the summary is made for."""

    paper: Paper
    key: Key


def choose(
    selections: Sequence[tuple[Profile, Selected]],
    attempts: Mapping[str, Attempts],
    *,
    maker: Maker,
    papers: int,
    state: SummaryState,
    now: datetime | None,
) -> tuple[Wanted, ...]:
    """What is to be written now, newest mailing first, best first within each, each once.

    What has failed, or was refused, comes last, in the order in which it is worth trying again: a paper that the
    model's service cannot do must not be the first of every run.

    Of every profile these are the best *papers* of each mailing that came since *state*, of the newest at least, the
    best of all that it lists, and what an earlier run left of them. What was written, or cannot be, is left out; so is
    what is not to be tried again before a moment after *now*, unless that is None.
    """
    ranked: list[tuple[datetime, int, int, int, Wanted]] = []
    for place, (profile, selected) in enumerate(selections):
        new = _new_mailings(profile, selected, state)
        best = {item.paper.id for item in selected.best[:papers]}
        for rank, item in _ranked(selected.items):
            wanted = Wanted(item.paper, maker.key(item.paper, profile.language))
            attempt = find_attempt(attempts.get(item.paper.id, ()), wanted.key)
            is_left = attempt is not None and attempt.is_deferred
            is_best = attempt is None and (item.paper.id in best or (rank < papers and item.mailing in new))
            is_ready = attempt is None or now is None or _is_ready(attempt, now)
            if (is_best or is_left) and is_ready:
                turn = (attempt.retry_at if attempt else None) or _AT_ONCE
                ranked.append((turn, -item.mailing.toordinal(), rank, place, wanted))
    ranked.sort(key=lambda one: one[:4])
    return tuple({(one.paper.id, one.key): one for *_, one in reversed(ranked)}.values())[::-1]


def _is_ready(attempt: Attempt, now: datetime) -> bool:
    """Whether *attempt* is worth another one at *now*; one that a clock ahead of its time has made does not count."""
    return attempt.retry_at is None or attempt.retry_at <= now or attempt.at > now


def newest_mailings(selections: Iterable[tuple[Profile, Selected]]) -> tuple[tuple[str, date], ...]:
    """The newest mailing of each profile by its name, where it has one."""
    return tuple((profile.name, selected.mailings[0]) for profile, selected in selections if selected.mailings)


def _new_mailings(profile: Profile, selected: Selected, state: SummaryState) -> set[date]:
    before = dict(state.mailings).get(profile.name)
    newest = set(selected.mailings[:1])
    return newest if before is None else newest | {day for day in selected.mailings if day > before}


def _ranked(items: Iterable[Item]) -> Iterable[tuple[int, Item]]:
    """Each item with its place, from 0, among those of its mailing; they come best first."""
    places: dict[date, int] = {}
    for item in items:
        place = places.get(item.mailing, 0)
        places[item.mailing] = place + 1
        yield place, item
