"""The requests that reached the stand-in, and what they say about how politely it was asked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise


@dataclass(frozen=True, slots=True)
class Request:
    """A request that arrived. *headers* have lower-case names.

    *started*, *finished* and *ended* are readings of `time.monotonic()`. *finished* is taken when the answer is ready
    and nothing of it is sent yet; it is None until then, and where the client did not wait for it. *ended* is taken
    when all but the last byte is sent, or before the connection is closed early, or when the client is seen to be gone,
    whichever comes first: so always before the client can know that this request is over and begin the next.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    started: float
    finished: float | None = None
    ended: float | None = None


def most_at_once(requests: Iterable[Request]) -> int:
    """The most *requests* that were under way at one moment; 0 for none. One without an end is under way for ever."""
    starts = [(request.started, 1) for request in _in_order(requests)]
    ends = [(_end(request), -1) for request in _in_order(requests)]
    return max(accumulate(step for _, step in sorted([*starts, *ends])), default=0)


def smallest_pause(requests: Iterable[Request]) -> float | None:
    """The least seconds from the end of all earlier *requests* to the start of the next; None for fewer than two.

    Negative where a request began before an earlier one had ended, by how much; minus infinity where that never ended.
    """
    ordered = _in_order(requests)
    ends = accumulate(map(_end, ordered), max)
    return min((later.started - end for (_, later), end in zip(pairwise(ordered), ends, strict=False)), default=None)


def _in_order(requests: Iterable[Request]) -> list[Request]:
    return sorted(requests, key=lambda request: request.started)


def _end(request: Request) -> float:
    return math.inf if request.ended is None else request.ended
