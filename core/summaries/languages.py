"""The languages that summaries are written in: their tags, their names, and the fixed words of a summary in each.

Only facts; what a model is told about a language is `prompt.py`, whether it kept to it is `checks.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

SectionName = Literal["contributions", "methods", "results", "conclusions"]
SECTION_NAMES: tuple[SectionName, ...] = ("contributions", "methods", "results", "conclusions")

_TAG = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,3}")

HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
KANA = r"\u3041-\u30ff"
_HANGUL = r"\u1100-\u11ff\uac00-\ud7af"
_CYRILLIC = r"\u0400-\u052f"
_ARABIC = r"\u0620-\u06ff"

# Letters of the languages that are not written in Latin ones, as the inside of a character class.
_SCRIPTS = {
    "zh": HAN,
    "ja": HAN + KANA,
    "ko": _HANGUL,
    "ar": _ARABIC,
    "fa": _ARABIC,
    "ur": _ARABIC,
    "be": _CYRILLIC,
    "bg": _CYRILLIC,
    "ru": _CYRILLIC,
    "uk": _CYRILLIC,
    "bn": r"\u0980-\u09ff",
    "el": r"\u0370-\u03ff\u1f00-\u1fff",
    "he": r"\u0590-\u05ff",
    "hi": r"\u0900-\u097f",
    "ta": r"\u0b80-\u0bff",
    "th": r"\u0e00-\u0e7f",
}

_NAMES = {
    "ar": "Arabic",
    "be": "Belarusian",
    "bg": "Bulgarian",
    "bn": "Bengali",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "hu": "Hungarian",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "ms": "Malay",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "pt-br": "Brazilian Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sv": "Swedish",
    "ta": "Tamil",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "vi": "Vietnamese",
    "zh": "Chinese",
    "zh-cn": "Simplified Chinese",
    "zh-hans": "Simplified Chinese",
    "zh-hant": "Traditional Chinese",
    "zh-hk": "Traditional Chinese",
    "zh-tw": "Traditional Chinese",
}
# A tag for each name, the shortest but for Chinese; the origin's readers also write the name in Chinese.
_TAGS = {name.lower(): tag for tag, name in sorted(_NAMES.items(), reverse=True)} | {
    "中文": "zh",
    "简体中文": "zh-cn",
    "traditional chinese": "zh-tw",  # as the next, so that each is one language
    "繁體中文": "zh-tw",
}


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of a summary that are fixed: its four headings in order, and two short phrases.

    *tldr* labels the one sentence for readers, *not_stated* stands for what the paper does not say.
    """

    headings: tuple[str, str, str, str]
    tldr: str
    not_stated: str


# The headings of 605 real summaries, so that old and new ones look alike.
CHINESE = Wording(
    headings=("论文的主要贡献和创新点", "核心实验方法和设置", "主要实验结果和性能指标", "关键结论和发现"),
    tldr="一句话总结",
    not_stated="文中未说明",
)
ENGLISH = Wording(
    headings=(
        "Main contributions",
        "Methods and experimental setup",
        "Main results and metrics",
        "Conclusions and limitations",
    ),
    tldr="TL;DR",
    not_stated="not stated in the paper",
)


@dataclass(frozen=True, slots=True)
class Language:
    """A language by its BCP 47 tag in lower case and its English name; the tag where no name is known."""

    tag: str
    name: str

    @property
    def base(self) -> str:
        """The tag without script and region."""
        return self.tag.partition("-")[0]

    @property
    def wording(self) -> Wording:
        """Chinese for Chinese, English for every other language, whose summaries keep the English headings."""
        return CHINESE if self.base == "zh" else ENGLISH

    @property
    def script(self) -> str | None:
        """The letters as the inside of a character class; None for Latin ones and for languages that are not known."""
        return _SCRIPTS.get(self.base)

    @property
    def is_known(self) -> bool:
        return self.base in _NAMES


def find_language(text: str) -> Language | None:
    """The language that *text* names by a tag (`zh`, `pt-BR`, `zh_CN`) or in English (`Chinese`), in any case.

    A well-formed tag is taken as it is, known or not; None for anything else.
    """
    wanted = " ".join(text.lower().split())
    tag = _TAGS.get(wanted) or wanted.replace("_", "-")
    return Language(tag, _name(tag)) if _TAG.fullmatch(tag) else None


def name_language(tag: str) -> str:
    """The English name of the language of *tag*, the tag itself where it is none."""
    language = find_language(tag)
    return language.name if language else tag


def _name(tag: str) -> str:
    if tag in _NAMES:
        return _NAMES[tag]
    name = _NAMES.get(tag.partition("-")[0])
    return f"{name} ({tag})" if name else tag
