"""How many hits make a term half of what a paper can be about."""

from __future__ import annotations

import pytest

from core.saturation import SATURATION, TITLE_WEIGHT, norm_of


def test_in_a_paper_of_usual_length_it_is_the_saturation() -> None:
    assert norm_of(0, 195) == pytest.approx(SATURATION)


def test_the_longer_a_paper_the_more_hits_it_takes() -> None:
    assert norm_of(5, 100) < norm_of(5, 101) < norm_of(6, 101)


def test_even_without_words_it_takes_some_so_that_nothing_is_divided_by_zero() -> None:
    assert norm_of(0, 0) == pytest.approx(SATURATION / 4)


def test_a_word_of_the_title_makes_a_paper_as_much_longer_as_a_hit_there_counts() -> None:
    assert norm_of(1, 100) == pytest.approx(norm_of(0, 100 + TITLE_WEIGHT))
