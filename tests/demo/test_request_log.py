from __future__ import annotations

import math

import pytest

from demo.request_log import Request, most_at_once, smallest_pause


def requests(*spans: tuple[float, float | None]) -> list[Request]:
    return [Request("GET", "/rss/cs.AI", "", {}, started=start, ended=end) for start, end in spans]


@pytest.mark.parametrize(
    ("spans", "most"),
    [
        ([], 0),
        ([(1, 2)], 1),
        ([(1, 2), (3, 4)], 1),
        ([(1, 2), (2, 3)], 1),
        ([(1, 3), (2, 4)], 2),
        ([(1, 9), (2, 3), (4, 5)], 2),
        ([(4, 5), (1, 9), (2, 4.5)], 3),
        ([(1, None), (2, 3), (4, None)], 2),
    ],
    ids=["none", "one", "apart", "touching", "overlapping", "within", "unordered", "without an end"],
)
def test_the_most_requests_at_once(spans: list[tuple[float, float | None]], most: int) -> None:
    assert most_at_once(requests(*spans)) == most


@pytest.mark.parametrize(
    ("spans", "pause"),
    [
        ([], None),
        ([(1, 2)], None),
        ([(1, 2), (5, 6)], 3),
        ([(1, 2), (5, 6), (8, 9)], 2),
        ([(8, 9), (1, 2), (5, 6)], 2),
        ([(1, 3), (2, 4)], -1),
        ([(1, 9), (2, 3), (10, 11)], -7),
        ([(1, 9), (10, None)], 1),
        ([(1, None), (2, 3)], -math.inf),
    ],
    ids=["none", "one", "two", "smallest", "unordered", "overlap", "within", "last without an end", "never ended"],
)
def test_the_smallest_pause_after_all_earlier_requests(
    spans: list[tuple[float, float | None]], pause: float | None
) -> None:
    assert smallest_pause(requests(*spans)) == pause
