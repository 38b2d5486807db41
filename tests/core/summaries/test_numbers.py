"""A number is found in the source in whatever way it is written there, and only what was measured is a number."""

from __future__ import annotations

import pytest

from core.summaries.languages import Language, find_language
from core.summaries.numbers import find_numbers, unsupported_share


def language(tag: str) -> Language:
    found = find_language(tag)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("number", "source"),
    [
        ("85.3%", "85.3"),
        ("85.3%", "85.3 \\%"),
        ("85.3%", "0.853"),
        ("0.853", "85.3%"),
        ("85.3", "85.27"),
        ("85", "84.6"),
        ("85.30", "85.3"),
        ("2.75×", "2.75x"),
        ("2.75倍", "2.75 times"),
        ("2.75倍", "2.754×"),
        ("1,234,567", "1234567"),
        ("1234567", "1,234,567"),
        ("$1{,}234$", "1,234"),
        ("1.2万", "12,000"),
        ("1.2 万", "11,960"),
        ("1250万", "12.5M"),
        ("2.3亿", "230 million"),
        ("1.5万亿", "1.5T"),
        ("1.5百万", "1.5M"),
        ("12K", "12,000"),
        ("12k", "12K"),
        ("7.5B", "7.5 billion"),
        ("7.5B", "7,500,000,000"),
        ("1.5e-4", "0.00015"),
        ("$1.5 \\times 10^{-4}$", "1.5e-4"),
        ("1.5×10⁻⁴", "1.5 × 10 −4"),
        ("-55%", "55 percent"),
        ("25–38%", "from 25% to 38%"),
        ("达到85.3。", "85.3,"),
        ("８５．３", "85.3"),
    ],
)
def test_a_number_is_found_in_the_source_in_other_words(number: str, source: str) -> None:
    assert unsupported_share(find_numbers(number, language("zh")), source) == 0


@pytest.mark.parametrize(
    ("number", "source"),
    [
        ("85.3", "85.2"),
        ("85.27", "85.3"),
        ("85.3", "853"),
        ("1.2万", "1.2"),
        ("1,234", "1 and 234"),
        ("85.3", "v85.3 and 85.3.1"),
        ("4096", "H4096"),
    ],
)
def test_another_number_in_the_source_does_not_do(number: str, source: str) -> None:
    assert unsupported_share(find_numbers(number, language("zh")), source) == 1


@pytest.mark.parametrize(
    ("number", "source"),
    [
        ("85,3 %", "85.3"),
        ("85.3 %", "85.3"),
        ("1.234", "1,234"),
        ("1.234", "1.234"),
        ("1,234", "1,234"),
        ("1,234", "1.234"),
        ("1.234,5", "1234.5"),
        ("1,234.5", "1234.5"),
        ("1.234.567", "1,234,567"),
        ("1,234,567", "1,234,567"),
        ("12,5 Mrd.", "12.5 billion"),
    ],
)
def test_a_german_number_has_a_decimal_comma_unless_it_was_copied(number: str, source: str) -> None:
    assert unsupported_share(find_numbers(number, language("de")), source) == 0


def test_the_parts_of_a_german_number_in_the_source_do_not_do() -> None:
    assert unsupported_share(find_numbers("85,3", language("de")), "85 and 3") == 1


@pytest.mark.parametrize(
    "text",
    [
        "5 组，0.3 与 0.05",
        "10、100 和 2000",
        "12. 第一\n- 13) 第二\n## 14. 第三\n### 14.2 第四",
        "H100、Qwen2.5、GPT_45",
        "https://arxiv.org/abs/2512.00719",
        "0.10.12",
        "1" * 30,
        "",
    ],
    ids=ascii,
)
def test_what_is_no_measured_number_is_not_counted(text: str) -> None:
    assert find_numbers(text, language("zh")) == ()


def test_a_list_of_numbers_is_several_and_each_counts_once() -> None:
    assert len(find_numbers("(0.25,0.75,0.25) 与 0.75", language("zh"))) == 2


@pytest.mark.parametrize(("text", "source"), [("no number", "85.3"), ("85.3", " \n"), ("", "")])
def test_without_numbers_or_without_a_source_there_is_no_share(text: str, source: str) -> None:
    assert unsupported_share(find_numbers(text, language("zh")), source) is None
