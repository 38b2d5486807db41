"""What came of summarising papers, as values: summaries, the reasons why there is none, and what was spent.

Nothing here asks a model or a store; the texts of a summary are made ready for readers before they get here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

SourceKind = Literal["html", "pdf", "abstract"]

WRITTEN = "written"
TEXT_AWAY = "text away"  # of a paper whose full text is waited for
LONGEST_QUIET = timedelta(hours=12)  # a Retry-After that asks for more is a mistake
DEFERRED = frozenset({"time", "budget", "closed", "unavailable", TEXT_AWAY})  # codes that a later run takes up again


@dataclass(frozen=True, slots=True)
class Usage:
    """What calls of a model used; `cost` in the currency of the configured prices, 0 where no price is known."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    cost: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            round(self.seconds + other.seconds, 3),
            round(self.cost + other.cost, 6),
        )

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Key:
    """What a summary is made for, once: a paper's version, the model and source asked for first, prompt, language.

    *language* is a BCP 47 tag in lower case, *prompt* the version of the prompt.
    """

    version: int
    model: str
    prompt: str
    language: str
    source: SourceKind


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a summary: `name` is contributions, methods, results or conclusions, None for any other."""

    name: str | None
    heading: str
    markdown: str
    html: str


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary that passed its checks: one sentence, empty where the model wrote none, and its sections in order.

    `model` wrote it, `source` is what it read. The HTML is for feeds, made by version `renderer` of the renderer.
    `flags` are the checks' doubts; `numbers` were looked for in the source, the share `unsupported` is not there (None:
    nothing was looked for). `urls` are the addresses in it that the source has too, the only ones that may be links.
    """

    tldr: str
    tldr_html: str
    sections: tuple[Section, ...]
    model: str
    source: SourceKind
    renderer: str
    flags: tuple[str, ...] = ()
    numbers: int = 0
    unsupported: float | None = None
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of a paper's summary under *key*: the summary, or a code and the reason for readers.

    `at` is aware UTC in whole seconds. `failures` counts the runs in a row in which the model was not to be had for it;
    `retry_at` is when it is worth trying again, after what never failed; None where that is at once, or never if the
    code is not of DEFERRED.
    """

    key: Key
    at: datetime
    code: str = WRITTEN
    reason: str = ""
    summary: Summary | None = None
    usage: Usage = Usage()
    request_id: str = ""
    failures: int = 0
    retry_at: datetime | None = None

    @property
    def is_deferred(self) -> bool:
        return self.code in DEFERRED


Attempts = tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Breaker:
    """Why and until when (aware UTC) the model is left alone; of one key and address, which `fingerprint` tells."""

    code: str
    reason: str
    until: datetime
    fingerprint: str = ""

    def holds(self, now: datetime) -> bool:
        """Whether the model is left alone at *now*; what a clock that was ahead has put off longer than ever is not."""
        return self.until - LONGEST_QUIET <= now < self.until


@dataclass(frozen=True, slots=True)
class Failure:
    """A summary that could not be written, for the operator."""

    paper_id: str
    code: str
    reason: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run came to: `written` + `failed` + `deferred` = the papers that it had to do."""

    at: datetime
    written: int = 0
    failed: int = 0
    deferred: int = 0
    usage: Usage = Usage()
    failures: tuple[Failure, ...] = ()
    notice: str = ""


@dataclass(frozen=True, slots=True)
class SummaryState:
    """What is known of summarising as a whole.

    `day` (UTC) is the one that `papers` and `spent` belong to. `mailings` has the newest mailing whose papers were
    chosen, by profile. `last_run` is the last that had anything to do.
    """

    day: date | None = None
    papers: int = 0
    spent: Usage = Usage()
    breaker: Breaker | None = None
    mailings: tuple[tuple[str, date], ...] = ()
    last_run: Run | None = None

    def on(self, day: date) -> SummaryState:
        """The same with nothing spent yet, where *day* is another day.

        The day before is none: clocks differ at midnight, and what was spent is spent.
        """
        if self.day is not None and timedelta(0) <= self.day - day <= timedelta(days=1):
            return self
        return replace(self, day=day, papers=0, spent=Usage())


def with_attempt(attempts: Iterable[Attempt], attempt: Attempt) -> Attempts:
    """*attempts* of a paper with *attempt* in place of the one under the same key."""
    return (*(one for one in attempts if one.key != attempt.key), attempt)


def find_attempt(attempts: Iterable[Attempt], key: Key) -> Attempt | None:
    return next((one for one in attempts if one.key == key), None)


def find_shown(attempts: Iterable[Attempt], language: str) -> Attempt | None:
    """What readers of *language* get: the newest summary of the newest version, else the newest reason for none."""
    wanted = [one for one in attempts if one.key.language == language]
    return max(wanted, key=lambda one: (one.summary is not None, one.key.version, one.at), default=None)
