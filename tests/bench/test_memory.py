"""The mix of requests that memory is watched under."""

from __future__ import annotations

import random
from collections import Counter
from itertools import islice

from bench.memory import FEEDS, mix

ETAGS = {path: f'W/"{place}"' for place, path in enumerate(FEEDS)}


def drawn() -> random.Random:
    return random.Random(3)  # noqa: S311 - the same at every run


def test_the_mix_is_the_same_at_every_run() -> None:
    first, second = (list(islice(mix(drawn(), ETAGS), 200)) for _ in range(2))
    assert first == second


def test_every_kind_of_request_comes_and_feeds_most_often() -> None:
    counted = Counter(ask.kind for ask in islice(mix(drawn(), ETAGS), 1_000))
    assert set(counted) == {"feed", "304", "personal", "JSON", "page", "error"}
    assert counted.most_common(1)[0][0] == "feed"


def test_hardly_any_personal_feed_is_asked_for_twice() -> None:
    personal = [ask.request for ask in islice(mix(drawn(), ETAGS), 5_000) if ask.kind == "personal"]
    assert len(set(personal)) > 0.99 * len(personal)
