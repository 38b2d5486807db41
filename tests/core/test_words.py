"""How texts are cut into words, and names of people brought into one form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import words
from core.words import canonical_name, split_words

# Letters of each kind, marks that combine, separators of ASCII and of others, and what makes words of its own.
LETTERS = st.text("aB9 _-.'’s+#ée\u0301中あ\u00a0\u2009\n−αℝ²½ﬁ\u200b", max_size=12)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("KV-cache for C++, C# and R", ["KV", "cache", "for", "C++", "C#", "and", "R"]),
        ("model's naïve β-VAE (2–3× faster)", ["model", "naïve", "β", "VAE", "2", "3", "faster"]),
        ("Poincare\u0301 maps, in C++", ["Poincaré", "maps", "in", "C++"]),
        ("a 中文 title", ["a", "中", "文", "title"]),
        ("\ud800", []),
    ],
)
def test_words_stand_between_spaces_and_punctuation(text: str, words: list[str]) -> None:
    assert split_words(text) == words


@given(LETTERS, LETTERS, st.sampled_from([" ", "\n", ", ", " – "]))
def test_words_are_the_same_whatever_else_the_text_has(text: str, other: str, between: str) -> None:
    assert split_words(text + between + other) == split_words(text) + split_words(other)


NAME_PARTS = st.lists(
    st.sampled_from(["jr", "iv", "a", "b4", "é", "smith", "中", "文", ",", ", ", "ß", "Ⅳ", "j."]), max_size=6
)


@given(NAME_PARTS.map(" ".join).filter(split_words))
def test_the_canonical_form_of_a_name_is_its_own(name: str) -> None:
    assert canonical_name(canonical_name(name)) == canonical_name(name)


def test_a_name_that_no_form_can_tell_loses_what_looks_like_a_suffix() -> None:
    assert canonical_name("iv 2be 4") == "4 2be"


def test_no_long_word_of_anybody_s_is_kept() -> None:
    kept = [one.cache_info().currsize for one in (words._fold_word, words._plain_word)]
    assert [words.fold_word("é" * 2_000 + f"{number}") for number in range(3)] == [
        "e" * 2_000 + f"{number}" for number in range(3)
    ]
    assert [one.cache_info().currsize for one in (words._fold_word, words._plain_word)] == kept
