"""The table of categories, how one is found, and what is said about one that is not there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.arxiv.taxonomy import ARCHIVES, CATEGORIES, SUBSUMED, find_category, hint_for, with_aliases
from tests.shared_data import ARXIV, needs_recordings


@pytest.fixture
def published() -> dict[str, Any]:
    """arXiv's own taxonomy, as JSON."""
    content: dict[str, Any] = json.loads((ARXIV / "taxonomy.json").read_text())
    return content


@needs_recordings
def test_every_active_category_is_in_the_table(published: dict[str, Any]) -> None:
    groups = {group["id"]: group["name"] for group in published["groups"]}
    expected = {
        entry["id"]: (entry["name"], entry["archive"], groups[entry["group"]])
        for entry in published["categories"]
        if entry["active"]
    }
    assert {key: (value.name, value.archive, value.group) for key, value in CATEGORIES.items()} == expected


@needs_recordings
def test_every_active_archive_is_in_the_table(published: dict[str, Any]) -> None:
    groups = {group["id"]: group["name"] for group in published["groups"]}
    expected = {
        entry["id"]: (entry["name"], groups[entry["group"]]) for entry in published["archives"] if entry["active"]
    }
    assert {key: (value.name, value.group) for key, value in ARCHIVES.items()} == expected


@needs_recordings
def test_aliases_hold_in_both_directions(published: dict[str, Any]) -> None:
    one_way = published["category_aliases"]
    expected = one_way | {right: left for left, right in one_way.items()}
    assert {key: value.alias for key, value in CATEGORIES.items() if value.alias} == expected


@needs_recordings
def test_closed_archives_name_their_successors(published: dict[str, Any]) -> None:
    assert dict(SUBSUMED) == published["archives_subsumed"]


@pytest.mark.parametrize(
    ("named", "found"),
    [
        (["cs.AI"], ("cs.AI",)),
        (["cs.IT", "cs.LG"], ("cs.IT", "math.IT", "cs.LG")),
        (["cs.LG", "cs.IT", "math.IT"], ("cs.LG", "cs.IT", "math.IT")),
        (["none"], ("none",)),
    ],
)
def test_the_other_id_of_a_subject_stands_behind_each(named: list[str], found: tuple[str, ...]) -> None:
    assert with_aliases(named) == found


def test_closed_archives_lead_to_categories() -> None:
    assert set(SUBSUMED.values()) <= set(CATEGORIES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cs.AI", "cs.AI"),
        ("cs.ai", "cs.AI"),
        ("CS.LG", "cs.LG"),
        ("COND-MAT.MTRL-SCI", "cond-mat.mtrl-sci"),
        ("Physics.Acc-Ph", "physics.acc-ph"),
        ("hep-th", "hep-th"),
        ("QUANT-PH", "quant-ph"),
        ("cs.NA", "cs.NA"),
        ("math.NA", "math.NA"),
    ],
)
def test_letter_case_does_not_matter_and_arxivs_spelling_comes_back(text: str, expected: str) -> None:
    category = find_category(text)
    assert category is not None
    assert category.id == expected


@pytest.mark.parametrize(
    "text",
    ["", "cs", "cs.", "cs.XX", "cs.AI\n", " cs.AI", "cs.AI+cs.LG", "../cs.AI", "cs%2EAI", "\uff43s.AI"],
)
def test_what_is_no_category_is_not_found(text: str) -> None:
    assert find_category(text) is None


def test_a_letter_whose_lower_case_is_plain_is_not_taken_for_it() -> None:
    assert find_category("math.\N{KELVIN SIGN}T") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cs", "cs is an archive; choose one of its categories, such as cs.AI, cs.AR, cs.CC."),
        ("Q-Bio", "q-bio is an archive; choose one of its categories, such as q-bio.BM, q-bio.CB, q-bio.GN."),
        ("cmp-lg", "cmp-lg was closed; its papers are in cs.CL now."),
        ("cs.LGG", "Did you mean cs.LG?"),
        ("LG", "Did you mean cs.LG?"),
        ("csAI", "Did you mean cs.AI?"),
        ("machine learning", "Did you mean cs.LG or stat.ML?"),
        ("quant-phy", "Did you mean quant-ph?"),
        ("", "arXiv's categories, such as cs.LG or hep-th, are listed at https://arxiv.org/category_taxonomy."),
        (
            "x" * 10_000,
            "arXiv's categories, such as cs.LG or hep-th, are listed at https://arxiv.org/category_taxonomy.",
        ),
    ],
)
def test_a_hint_says_what_to_ask_for_instead(text: str, expected: str) -> None:
    assert hint_for(text) == expected
