"""What can go wrong, one class for each thing a caller may want to tell apart.

Messages say what was tried, on what, and what the reader of the message can do. Adapters translate the errors of their
libraries into these at the border; `api/problems.py` maps them to HTTP and `core/cli.py` to one line on the terminal.
"""

from __future__ import annotations

_LONGEST_QUOTED = 100


def quoted(text: str) -> str:
    """*text* in quotes for a message, so much of it as tells which one is meant."""
    return repr(text if len(text) <= _LONGEST_QUOTED else f"{text[:_LONGEST_QUOTED]}…")


class ArxivFeedsError(Exception):
    """The root of everything this project raises on purpose."""


class BadConfig(ArxivFeedsError):
    """config.json or the environment asks for something impossible; the message says where and what is expected."""


class BadQuery(ArxivFeedsError):
    """A request parameter is not acceptable."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter}: {reason}")
        self.parameter = parameter
        self.reason = reason


class QueryMistake(ArxivFeedsError):
    """A text is no query: *column*, from 1, is where the mistake stands, *reason* what it is and what is expected."""

    def __init__(self, column: int, reason: str) -> None:
        super().__init__(f"column {column}: {reason}")
        self.column = column
        self.reason = reason


class Overloaded(ArxivFeedsError):
    """More is asked of this process at once than it can do within a time that anybody would wait."""

    def __init__(self, what: str, *, retry_after_seconds: int) -> None:
        super().__init__(f"{what}. Try again in {retry_after_seconds} seconds; feeds that many people read go on.")
        self.retry_after_seconds = retry_after_seconds


class UnknownScope(ArxivFeedsError):
    """A scope is neither a category of arXiv's taxonomy nor the name of a profile."""

    def __init__(self, scope: str, hint: str) -> None:
        super().__init__(f"No feed has the scope {scope!r}. {hint}")
        self.scope = scope
        self.hint = hint


class UnknownPaper(ArxivFeedsError):
    """No paper with this id is stored; *reason* says why there cannot be one, None where it was just not announced."""

    def __init__(self, paper_id: str, *, reason: str | None = None) -> None:
        reason = reason or "it was not announced in a category that was followed or asked for"
        super().__init__(f"No paper {paper_id!r} is stored: {reason}.")
        self.paper_id = paper_id


class SourceUnavailable(ArxivFeedsError):
    """arXiv could not be reached or answered with an error status.

    *status* is None where no answer came; *retry_after_seconds* is what arXiv asked for, None where it did not say.
    *was_asked* is False where arXiv is left alone for the time being, so that nothing was sent.
    """

    def __init__(
        self,
        url: str,
        reason: str,
        *,
        status: int | None = None,
        retry_after_seconds: float | None = None,
        was_asked: bool = True,
    ) -> None:
        super().__init__(f"{url}: {reason}")
        self.url = url
        self.reason = reason
        self.status = status
        self.retry_after_seconds = retry_after_seconds
        self.was_asked = was_asked


class SourceMalformed(ArxivFeedsError):
    """arXiv answered with something that is not the document that was asked for; nothing of it is used."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"arXiv's answer cannot be used: {reason}")
        self.reason = reason


class SourceRefused(SourceMalformed):
    """arXiv answered with a document that says why it does not do what was asked; *reason* has its words."""


class RefreshUnderWay(ArxivFeedsError):
    """Another process refreshed the same categories at the same moment, so this one did not."""


class LeaseLost(ArxivFeedsError):
    """What this holder was about to write is no longer its to write: its lease has passed to another."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The lease {name!r} has passed to another process; nothing of this one's work is stored.")
        self.name = name


class StoreUnavailable(ArxivFeedsError):
    """The store could not be opened, read or written."""


class NothingStored(ArxivFeedsError):
    """There is no mailing to answer with yet; *retry_after_seconds* says when to come back."""

    def __init__(self, reason: str, *, retry_after_seconds: int) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds
