"""What a label of a feed says of each category that a paper is in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.arxiv.announced import announce_types_by_category
from core.papers import ANNOUNCE_TYPES, AnnounceType

NEW, CROSS, REPLACE, REPLACE_CROSS = ANNOUNCE_TYPES


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (NEW, [("cs.LG", NEW), ("cs.AI", CROSS), ("stat.ML", CROSS)]),
        # A cross into cs.AI today does not say that the paper was announced in cs.LG today.
        (CROSS, [("cs.AI", CROSS), ("stat.ML", CROSS)]),
        (REPLACE, [("cs.LG", REPLACE), ("cs.AI", REPLACE_CROSS), ("stat.ML", REPLACE_CROSS)]),
        (REPLACE_CROSS, [("cs.LG", REPLACE), ("cs.AI", REPLACE_CROSS), ("stat.ML", REPLACE_CROSS)]),
    ],
    ids=ANNOUNCE_TYPES,
)
def test_what_a_feed_tells_becomes_a_type_for_each_category(
    told: AnnounceType, expected: list[tuple[str, AnnounceType]]
) -> None:
    assert announce_types_by_category(("cs.LG", "cs.AI", "stat.ML"), told) == tuple(expected)


@pytest.mark.parametrize(
    ("told", "expected"), [(NEW, NEW), (CROSS, CROSS), (REPLACE, REPLACE), (REPLACE_CROSS, REPLACE)], ids=ANNOUNCE_TYPES
)
def test_a_paper_of_one_category_is_kept_where_it_can_be_found(told: AnnounceType, expected: AnnounceType) -> None:
    assert announce_types_by_category(("cs.LG",), told) == (("cs.LG", expected),)


@pytest.mark.parametrize(
    ("categories", "told", "expected"),
    [
        (("cs.IT", "math.IT"), NEW, [("cs.IT", NEW), ("math.IT", NEW)]),
        (("cs.IT",), NEW, [("cs.IT", NEW), ("math.IT", NEW)]),
        (("math.IT", "cs.LG"), REPLACE, [("math.IT", REPLACE), ("cs.IT", REPLACE), ("cs.LG", REPLACE_CROSS)]),
        (("cs.LG", "math.IT"), NEW, [("cs.LG", NEW), ("math.IT", CROSS), ("cs.IT", CROSS)]),
        (("cs.IT", "cs.LG", "math.IT"), CROSS, [("cs.LG", CROSS)]),
        (("cs.IT",), CROSS, [("cs.IT", CROSS), ("math.IT", CROSS)]),
    ],
    ids=["both named", "one named", "replaced", "of another category", "a cross elsewhere", "a cross nowhere else"],
)
def test_an_alias_has_the_type_of_its_category(
    categories: tuple[str, ...], told: AnnounceType, expected: list[tuple[str, AnnounceType]]
) -> None:
    assert announce_types_by_category(categories, told) == tuple(expected)


@given(
    st.lists(st.sampled_from(["cs.AI", "cs.CL", "cs.LG", "stat.ML", "math.OC"]), min_size=2, unique=True),
    st.sampled_from([NEW, REPLACE]),
    st.data(),
)
def test_a_feed_that_sees_the_primary_category_and_one_that_does_not_agree_where_both_speak(
    categories: list[str], told_for_primary: AnnounceType, data: st.DataObject
) -> None:
    # The label that a feed without the primary category carries for the same paper.
    told_elsewhere = {NEW: CROSS, REPLACE: REPLACE_CROSS}[told_for_primary]
    whole = dict(announce_types_by_category(tuple(categories), told_for_primary))
    part = dict(announce_types_by_category(tuple(categories), told_elsewhere))
    category = data.draw(st.sampled_from(categories[1:]))
    assert whole[category] == part[category]
