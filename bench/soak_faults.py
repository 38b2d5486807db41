"""Which faults a soak has, and when: drawn from its seed, so that the same seed gives the same faults."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from demo.faults import FAULTS as OF_ARXIV
from demo.model_faults import FAULTS as OF_MODEL

StoreKind = Literal["redis", "sqlite"]
Track = Literal["arxiv", "model", "clock", "memory"]

# What is in no memory and in no store is in no feed. So what loses a store and what loses a process are one track, in
# which one thing is over before the next begins.
LOSSES: Mapping[StoreKind, Sequence[str]] = {
    "redis": ("redis killed", "redis frozen", "redis flushed", "redis full", "mailing evicted", "nonsense in redis"),
    "sqlite": ("file locked", "file damaged"),
}
KILL = "process killed"
LAPSES = ("stale", "empty", "late")
CLOCKS = ("one clock ahead", "one clock behind", "all clocks ahead", "all clocks behind")
PLACES = ("/rss", "/rss", "/api", "/html")  # of arXiv; the feeds fail as often as all else together

_PAUSES: Mapping[Track, tuple[float, float]] = {
    "arxiv": (0.5, 4.0),
    "model": (0.5, 6.0),
    "clock": (8.0, 20.0),
    "memory": (6.0, 12.0),
}
_LENGTHS: Mapping[Track, tuple[float, float]] = {
    "arxiv": (0.5, 5.0),
    "model": (1.0, 6.0),
    "clock": (0.5, 4.0),
    "memory": (0.5, 4.0),
}


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault that begins *at* so many seconds and *lasts* so many; *choice* is for who needs one more draw."""

    at: float
    lasts: float
    track: Track
    name: str
    choice: int

    @property
    def ends_at(self) -> float:
        return self.at + self.lasts


def plan_faults(seed: int, seconds: float, store: StoreKind) -> tuple[Planned, ...]:
    """The faults of *seconds* on a *store*, by their beginning; those of one track never overlap, and all end in time.

    A track has each of its faults once before one comes again.
    """
    names: Mapping[Track, Sequence[str]] = {
        "arxiv": (*OF_ARXIV, *LAPSES * 4),
        "model": tuple(OF_MODEL),
        "clock": CLOCKS,
        "memory": tuple(name for loss in LOSSES[store] for name in (loss, KILL)),
    }
    planned = (one for track in names for one in _plan_track(track, names[track], seed, seconds))
    return tuple(sorted(planned, key=lambda one: one.at))


def _plan_track(track: Track, names: Sequence[str], seed: int, seconds: float) -> list[Planned]:
    drawn = random.Random(f"{seed} {track}")  # noqa: S311 - the same at every run
    planned: list[Planned] = []
    at, left = drawn.uniform(*_PAUSES[track]), list[str]()
    while True:
        left = left or drawn.sample(names, len(names))
        one = Planned(round(at, 2), round(drawn.uniform(*_LENGTHS[track]), 2), track, left.pop(), drawn.randrange(1000))
        if one.ends_at > seconds:
            return planned
        planned.append(one)
        at = one.ends_at + drawn.uniform(*_PAUSES[track])
