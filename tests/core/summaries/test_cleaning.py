"""Cleaning takes what nobody can read, and what is only packaging; everything else of an answer stays."""

from __future__ import annotations

import re
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from core.summaries.cleaning import MAX_CHARACTERS, clean_answer


def cases(*pairs: tuple[str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("raw", "text"), pairs, ids=[ascii(raw) for raw, _ in pairs])


def test_an_ordinary_answer_comes_back_unchanged() -> None:
    answer = "# 标题\n\n- **甲**：`a < b`\n\t- 👩‍💻 & $x_1$\n\n```python\nx\n```\n\nNaïve <think> — done."
    assert clean_answer(answer) == answer


@cases(
    ("a\x00b\x08c\x0bd\x1be", "abcde"),
    ("a\x7fb\x80c\x9fd\x85e", "abcde"),
    ("a\ud800b\udfffc", "abc"),
    ("a\ufffeb\uffffc\ufdd0d\ufdefe\U0001ffffe\U0010fffef", "abcdeef"),
    ("a\u202eb\u2066c\u2069d\u200ee\u200ff\u061cg", "abcdefg"),
    ("\ufeffa\u200bb", "ab"),
    ("a\tb\nc", "a\tb\nc"),
    ("a\r\nb\rc\n\rd", "a\nb\nc\n\nd"),
    ("\u3000\n a \n", "a"),
    ("", ""),
)
def test_characters_that_print_nothing_go_and_lines_end_alike(raw: str, text: str) -> None:
    assert clean_answer(raw) == text


@cases(
    ("<think>hm\n\nhm</think>\n\n# A", "# A"),
    ("\n<think></think><think>b</think># A", "# A"),
    ("<think>never closed\n# A", "<think>never closed\n# A"),
    ("# A <think>x</think>", "# A <think>x</think>"),
    ("<think>x</think>\n```markdown\n# A\n```", "# A"),
    ("A draft:\n# A\nno\n\nI should stop.\n</think>\n\n# B", "# B"),
    ("a\n</think>\nb\n</think>\n```\n</think>\n```\n# A", "```\n</think>\n```\n# A"),
    ("# A\n\n- It stops at </think>\n\n## B\n\nc", "# A\n\n- It stops at </think>\n\n## B\n\nc"),
    ("# A\n```\n</think>\n```\nb", "# A\n```\n</think>\n```\nb"),
    ("hm\n</think>\n# A\n\nb", "# A\n\nb"),
    ("# A\n\nIt ends with `</think>`\n\nand on", "# A\n\nIt ends with `</think>`\n\nand on"),
    ("# A\n\nThe tag </think> ends it", "# A\n\nThe tag </think> ends it"),
    ("<think>a\nb</think>", ""),
)
def test_thoughts_before_the_answer_go(raw: str, text: str) -> None:
    assert clean_answer(raw) == text


@cases(
    ("```markdown\n# A\n\nb\n```", "# A\n\nb"),
    ("```md\n# A\n```\n", "# A"),
    ("````Markdown\n# A\n```\nx\n```\n````", "# A\n```\nx\n```"),
    ("```\n# A\n```", "# A"),
    ("```markdown\n# A\n```\nx\n```\nb\n```", "# A\n```\nx\n```\nb"),
    ("```\n# A\n```python\nx\n```\nb\n```", "# A\n```python\nx\n```\nb"),
)
def test_a_fence_around_the_whole_answer_goes(raw: str, text: str) -> None:
    assert clean_answer(raw) == text


@cases(
    ("Sure! Here it is:\n```markdown\n# A\n\nb\n```", "# A\n\nb"),
    ("好的，以下是总结：\n\n```md\n# A\n```\n\n希望这份总结对您有帮助！", "# A"),
    ("Here:\n```markdown\n# A\n```\nx\n```\nb\n```\nMore?", "# A\n```\nx\n```\nb"),
    ("# A\n```markdown\n# B\n```", "# A\n```markdown\n# B\n```"),
    ("One template:\n```markdown\nno heading\n```", "One template:\n```markdown\nno heading\n```"),
)
def test_small_talk_around_a_fence_goes_with_it(raw: str, text: str) -> None:
    assert clean_answer(raw) == text


@cases(
    ("# A\n\nb\n\nI hope this helps! Let me know if you need more.", "# A\n\nb"),
    ("# A\n\nb\n\n希望以上总结对您有所帮助。\n如需进一步修改，请告诉我。", "# A\n\nb"),
    ("# A\n\nWe hope this helps others.", "# A\n\nWe hope this helps others."),
    *[
        (f"# A\n\n{last}", f"# A\n\n{last}")
        for last in (
            "I hope this helps the field to reach 90 % accuracy.",
            "Let me know which of the 5 options you prefer.",
            "Feel free to call tools at most 3 times.",
            "希望本文的方法能推动 5G 基站节能，代码将在 3 个月内开源。",
            "希望这一框架能为后续 12 项研究提供基准。",
            "如有更多算力需要，作者计划训练 70B 模型。",
        )
    ],
    ("# A\n\nI hope this helps\n\nb", "# A\n\nI hope this helps\n\nb"),
    ("Hope this helps", "Hope this helps"),
)
def test_a_farewell_goes(raw: str, text: str) -> None:
    assert clean_answer(raw) == text


@pytest.mark.parametrize(
    "answer",
    [
        "```\na\n```\nb\n```\nc\n```",
        "```python\nx\n```",
        "```markdown\na\n```\nb",
        "```markdown\na",
        "```markdown\n```markdown\na\n```\n```",
        "```",
    ],
)
def test_other_fences_stay(answer: str) -> None:
    assert clean_answer(answer) == answer


def test_an_endless_answer_is_cut() -> None:
    assert len(clean_answer("字" * 3 * MAX_CHARACTERS)) == MAX_CHARACTERS


def test_what_lies_far_behind_the_longest_answer_is_not_looked_at() -> None:
    longest = 5 * MAX_CHARACTERS
    thoughts = "<think>" + "x" * (longest - len("<think></think># A")) + "</think># A"
    assert clean_answer(thoughts + "# B") == "# A"


PIECES = st.one_of(
    st.sampled_from(
        [
            "Sure!\n",
            "\nHope this helps",
            "<think>",
            "</think>",
            "```",
            "```markdown\n",
            "\n```",
            "\n",
            "\r",
            "# A",
            " ",
            "````",
        ]
    ),
    st.text(max_size=3),
    st.characters(min_codepoint=0x80, max_codepoint=0x10FFFF),
)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_cleaning_twice_is_cleaning_once(raw: str) -> None:
    text = clean_answer(raw)
    assert clean_answer(text) == text


def test_cutting_leaves_nothing_to_clean() -> None:
    wrapped = "```markdown\n" + "x" * (MAX_CHARACTERS - 16) + "\n```"
    text = clean_answer(wrapped + "\nmore")
    assert clean_answer(text) == text


@settings(max_examples=300)
@given(st.text(st.characters(), max_size=20))
def test_xml_can_carry_what_is_left(raw: str) -> None:
    element = etree.Element("x")
    element.text = clean_answer(raw)
    assert etree.fromstring(etree.tostring(element)).text == (clean_answer(raw) or None)


@pytest.mark.parametrize(
    "raw",
    [
        "<think>" * 50_000,
        "<think></think>" * 20_000,
        "```\n" * 50_000,
        "```md\n" * 50_000 + "```\n" * 50_000,
        "```md\n<think></think>" * 20_000 + "\n```" * 20_000,
        " \n" * 100_000 + "x",
        "```" + " " * 190_000 + "x",
        "```\t " * 30_000 + "x",
        "`" * 190_000 + "\n",
    ],
    ids=lambda raw: re.escape(raw[:12]),
)
def test_hostile_text_takes_no_time_worth_mentioning(raw: str) -> None:
    started = process_time()
    clean_answer(raw)
    assert process_time() - started < 2  # measured: 0.06 s at worst
