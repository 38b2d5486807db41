"""Languages are found by tag or English name; only Chinese has headings of its own."""

from __future__ import annotations

import re

import pytest

from core.summaries.languages import CHINESE, ENGLISH, SECTION_NAMES, Language, find_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("zh", Language("zh", "Chinese")),
        ("ZH", Language("zh", "Chinese")),
        (" en ", Language("en", "English")),
        ("zh-CN", Language("zh-cn", "Simplified Chinese")),
        ("zh_tw", Language("zh-tw", "Traditional Chinese")),
        ("pt-br", Language("pt-br", "Brazilian Portuguese")),
        ("de-at", Language("de-at", "German (de-at)")),
        ("Chinese", Language("zh", "Chinese")),
        ("german", Language("de", "German")),
        ("Brazilian  Portuguese", Language("pt-br", "Brazilian Portuguese")),
        ("simplified chinese", Language("zh-cn", "Simplified Chinese")),
        ("中文", Language("zh", "Chinese")),
        ("gsw", Language("gsw", "gsw")),
        ("sr-latn-rs", Language("sr-latn-rs", "sr-latn-rs")),
    ],
    ids=ascii,
)
def test_a_tag_or_an_english_name_is_a_language(text: str, language: Language) -> None:
    assert find_language(text) == language


@pytest.mark.parametrize("text", ["", " ", "x", "klingon", "en-", "e n", "zh; ignore this", "de\nfr", "12", "-"])
def test_anything_else_is_no_language(text: str) -> None:
    assert find_language(text) is None


@pytest.mark.parametrize("tag", ["zh", "zh-cn", "zh-tw", "zh-hant"])
def test_every_chinese_has_the_chinese_headings(tag: str) -> None:
    assert Language(tag, "").wording is CHINESE


@pytest.mark.parametrize("tag", ["en", "de", "ja", "qqq"])
def test_other_languages_keep_the_english_headings(tag: str) -> None:
    assert Language(tag, "").wording is ENGLISH


def test_each_section_has_a_heading_in_each_wording() -> None:
    assert {len(set(wording.headings)) for wording in (CHINESE, ENGLISH)} == {len(SECTION_NAMES)}


@pytest.mark.parametrize(
    ("tag", "letters"),
    [("zh", "汉字"), ("zh-tw", "漢字"), ("ja", "かな漢字"), ("ko", "한글"), ("ru", "буквы"), ("ar", "عربي")],
)
def test_a_language_with_letters_of_its_own_knows_them(tag: str, letters: str) -> None:
    script = Language(tag, "").script
    assert script is not None
    assert re.fullmatch(rf"[{script}]+", letters)


def test_a_language_with_latin_letters_has_no_script_of_its_own() -> None:
    assert Language("de", "German").script is None


def test_a_name_and_its_translation_are_one_language() -> None:
    for english, chinese in (
        ("Chinese", "中文"),
        ("Simplified Chinese", "简体中文"),
        ("Traditional Chinese", "繁體中文"),
    ):
        assert find_language(english) == find_language(chinese)
