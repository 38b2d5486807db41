"""A model's Markdown -> the one sentence and the sections that it was asked for.

Real answers keep the four headings but not their look: `## **1. 论文的主要贡献和创新点**`, `### 2) Methods`, a bold
line. So headings are known by what they say, on the level that holds most of them. Whether an answer is good enough is
`checks.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, dropwhile, takewhile

from core.summaries.languages import CHINESE, ENGLISH, SECTION_NAMES, SectionName

_MAX_HEADING = 200  # characters; longer lines are text, and real headings that are not marked have at most 20
_MAX_BARE_HEADING = 60

_HASHES = re.compile(r" {0,3}(#{1,6})(?!#)(?P<text>.*)")
_BOLD = re.compile(r"\s*(?P<number>[0-9]{1,2}[.、)）][ \t]*)?(?P<mark>\*\*|__)(?P<text>[^*]+?)(?P=mark)[ \t]*[:：]?\s*")
_NUMBERED = re.compile(r"\s*[(（]?(?:[0-9]{1,2}[.、)）]|[一二三四][、.)）])[ \t]*[^*|。.;；]{2,40}")
_FENCE = re.compile(r"\s*(?P<mark>`{3,}+|~{3,}+)(?P<info>.*)")
_RULE = re.compile(r" {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|={3,}[ \t]*)")

_NUMBER = re.compile(
    r"[\W_]*(?:section |part |第)?(?:(?P<digits>[0-9]{1,2}|[iv]{1,3}|[一二三四五六七八九])[.、)）:：节](?![0-9])"
    r"|(?P<key>[1-9])\ufe0f?\u20e3)[\s*_]*",
    re.IGNORECASE,
)
_ORDINALS = {"一": 1, "二": 2, "三": 3, "四": 4, "i": 1, "ii": 2, "iii": 3, "iv": 4}

# What a heading speaks of, the most telling words first: 主要实验结果和性能指标 has results, and 方法 is in
# 提出的新方法与创新点 too.
_WORDS: tuple[tuple[SectionName, re.Pattern[str]], ...] = (
    ("conclusions", re.compile(r"结论|結論|局限|未来|未來|conclusion|limit|future|takeaway", re.IGNORECASE)),
    ("contributions", re.compile(r"贡献|貢獻|创新|創新|contribution|novel|innovation", re.IGNORECASE)),
    ("results", re.compile(r"结果|結果|性能|指标|指標|result|performance|metric", re.IGNORECASE)),
    ("methods", re.compile(r"方法|设置|設置|設定|method|setup|setting|experiment|approach", re.IGNORECASE)),
)
_EXACT: Mapping[str, SectionName] = {
    heading.lower(): name
    for wording in (CHINESE, ENGLISH)
    for name, heading in zip(SECTION_NAMES, wording.headings, strict=True)
}

_TLDR = re.compile(
    r"[\W_]*?(?:tl\s?[;；:,/]?\s?dr\b|太长不看|太長不看|一句话(?:总结|概括|摘要|概述)?|一句話(?:總結|概括|摘要)?|"
    r"(?:in |summary in )?one[- ]sentence(?: summary)?|总结一句话|in short)"
    r"(?:[^:：,，—–]{0,30}?[:：,，—–][*_\s]*(?P<text>.*)|[\s*_]*+(?:[（(][^()（）]{0,30}[)）][\s*_]*)?)",
    re.IGNORECASE,
)
_TLDR_CHARACTERS = 1_000  # asked for are 60 (Chinese) or 30 words
_MATH = re.compile(r"(\$[^$\n]{1,300}\$)")
_LINK = re.compile(r"!?\[([^\[\]\n]{0,200})\]\([^()\n]{0,500}\)")
_CODE = re.compile(r"`([^`\n]*)`")
_STARS = re.compile(r"\*+")
_EMPHASIS = re.compile(r"\*+(?=\S)|(?<=\S)\*+")
_UNDERSCORES = re.compile(r"(?<![^\W_])_+(?=\w)|(?<=\w)_+(?![^\W_])")
_BLOCK_MARK = re.compile(r"^\s*(?:[-*+]\s+|#{1,6}\s+|[0-9]{1,2}[.)]\s+)")


@dataclass(frozen=True, slots=True)
class Section:
    """One part of an answer: which of the four it is, None for any other, its heading without marks, its Markdown."""

    name: SectionName | None
    heading: str
    markdown: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model wrote, taken apart: one sentence as plain text, "" where it wrote none, and the sections.

    The known sections come in the order of the answer, each once; the others follow.
    """

    tldr: str
    sections: tuple[Section, ...]

    @property
    def is_complete(self) -> bool:
        """Whether the four sections are all there, in order, with something in each."""
        return [section.name for section in self.sections if section.name and section.markdown] == list(SECTION_NAMES)


@dataclass(frozen=True, slots=True)
class _Heading:
    """A line that may begin a section. `level` is 1 to 6, or _BARE for a line that is only bold or numbered.

    `certainty` is 0 without a name, 1 where a word speaks for it, 2 where its number or the whole heading does.
    """

    line: int
    level: int
    text: str
    name: SectionName | None
    certainty: int


_BARE = 7


def parse_answer(text: str) -> Answer:
    """*text*, cleaned before, taken apart at its four headings and the other headings beside and above them.

    Headings are read in Chinese and English, whatever the language. A title and what else stands before the first
    section is left out, but for the one sentence; so are rules at the borders. Nothing is raised: without a heading
    there are no sections.
    """
    lines = text.split("\n")
    headings = list(_headings(lines))
    borders = _borders(headings)
    first = borders[0].line if borders else len(lines)
    sections = [_section(lines, border, end) for border, end in zip(borders, _ends(borders, lines), strict=True)]
    known = [section for section in sections if section.name]
    others = [section for section in sections if not section.name and section.markdown]
    return Answer(_tldr(lines[:first]), (*known, *others))


def section_names(text: str) -> tuple[SectionName | None, ...]:
    """What the headings of *text* speak of, in order; None for a heading that is none of the four."""
    return tuple(heading.name for heading in _headings(text.split("\n")))


def _headings(lines: Sequence[str]) -> Iterator[_Heading]:
    for number, line in outside_code(lines):
        heading = _marked_heading(number, line) or _bare_heading(number, line)
        if heading and not _is_in_table(number, lines):
            yield heading


def _is_in_table(number: int, lines: Sequence[str]) -> bool:
    """Whether the line is a row of a table; `# params | 7B` is no heading then."""
    neighbours = (*lines[max(number - 1, 0) : number], *lines[number + 1 : number + 2])
    return "|" in lines[number] and any("|" in neighbour for neighbour in neighbours)


def outside_code(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """The *lines* that stand in no code fence, with their numbers; a fence that is never closed takes the rest."""
    mark = ""
    for number, line in enumerate(lines):
        fence = _FENCE.fullmatch(line)
        if mark:
            if fence and fence["mark"].startswith(mark) and not fence["info"].strip():
                mark = ""
        elif fence and "`" not in fence["info"]:
            mark = fence["mark"]
        else:
            yield number, line


def _marked_heading(number: int, line: str) -> _Heading | None:
    """The heading that `#` makes of *line*; without a space after it only a known one, as `#1` is none."""
    hashes = _HASHES.fullmatch(line) if len(line) <= _MAX_HEADING else None
    if hashes is None or not (text := _plain_heading(hashes["text"])):
        return None
    name, certainty = _judge(hashes["text"])
    is_heading = name or hashes["text"].startswith((" ", "\t"))
    return _Heading(number, len(hashes[1]), text, name, certainty) if is_heading else None


def _bare_heading(number: int, line: str) -> _Heading | None:
    """The known heading that *line* is without `#`: all bold, numbered and short, or in the words asked for."""
    if len(line) > _MAX_BARE_HEADING:
        return None
    if not (_BOLD.fullmatch(line) or _NUMBERED.fullmatch(line) or line.strip(" \t:：").lower() in _EXACT):
        return None
    name, certainty = _judge(line)
    return _Heading(number, _BARE, _plain_heading(line), name, certainty) if name else None


def _judge(text: str) -> tuple[SectionName | None, int]:
    """Which section the heading *text* speaks of, and with what certainty."""
    plain = _plain_heading(text)
    if exact := _EXACT.get(plain.lower()):
        return exact, 2
    name = next((name for name, words in _WORDS if words.search(plain)), None)
    if name is None:
        return None, 0
    return name, 2 if _ordinal(text) == SECTION_NAMES.index(name) + 1 else 1


def _ordinal(text: str) -> int | None:
    number = _NUMBER.match(text)
    if number is None:
        return None
    digits = (number["digits"] or number["key"]).lower()
    return int(digits) if digits.isdecimal() else _ORDINALS.get(digits)


def _plain_heading(text: str) -> str:
    """*text* without marks, number and colon: `**1. 关键结论**：` is 关键结论."""
    plain = _STARS.sub("", text).strip(" \t\n_:：#")
    number = _NUMBER.match(plain)
    return (plain[number.end() :] if number else plain).strip(" \t_:：") or plain


def _borders(headings: Sequence[_Heading]) -> list[_Heading]:
    """Where sections begin, in order: the best heading for each name, and after the first one the unknown ones."""
    level = _main_level(headings)
    chosen: dict[SectionName, _Heading] = {}
    for heading in headings:
        if heading.name and (heading.level == level or _is_stray(heading, level)):
            best = chosen.get(heading.name)
            if best is None or _rank(heading, level) > _rank(best, level):
                chosen[heading.name] = heading
    starts = {heading.line for heading in chosen.values()}
    first = min(starts, default=0)
    others = (heading for heading in headings if starts and heading.line > first and heading.line not in starts)
    unknown = [replace(heading, name=None) for heading in others if heading.level <= min(level, 2)]
    return sorted(chain(chosen.values(), unknown), key=lambda heading: heading.line)


def _main_level(headings: Sequence[_Heading]) -> int:
    """The level that has most of the four names, the highest of equals; bare lines only where no other has two."""
    names = {level: {heading.name for heading in headings if heading.level == level} - {None} for level in range(1, 8)}
    level = max((1, 2, 3, 4), key=lambda level: len(names[level]))
    return _BARE if len(names[level]) < min(2, len(names[_BARE])) else level


def _is_stray(heading: _Heading, level: int) -> bool:
    """Whether *heading*, not of the main level, can be a section's all the same: models mix levels, seldom."""
    if heading.level == _BARE:
        return heading.text.lower() in _EXACT
    return heading.certainty == 2 and heading.level <= max(level, 3)


def _rank(heading: _Heading, level: int) -> tuple[bool, int]:
    return heading.level == level, heading.certainty


def _ends(borders: Sequence[_Heading], lines: Sequence[str]) -> list[int]:
    return [*(heading.line for heading in borders[1:]), len(lines)][: len(borders)]


def _section(lines: Sequence[str], border: _Heading, end: int) -> Section:
    body = _trimmed(lines[border.line + 1 : end])
    return Section(border.name, border.text, "\n".join(_demoted(body)).rstrip())


def _trimmed(lines: Sequence[str]) -> Sequence[str]:
    """*lines* without empty ones and rules at both ends."""
    start, end = 0, len(lines)
    while start < end and _is_border(lines[start]):
        start += 1
    while start < end and _is_border(lines[end - 1]):
        end -= 1
    return lines[start:end]


def _is_border(line: str) -> bool:
    return _is_blank(line) or _RULE.fullmatch(line) is not None


def _demoted(lines: Sequence[str]) -> list[str]:
    """*lines* with their own headings below the section's, which is of level 2."""
    high = {heading.line for heading in _headings(lines) if heading.level < 3}
    return [f"### {line.lstrip(' #')}" if number in high else line for number, line in enumerate(lines)]


def _tldr(lines: Sequence[str]) -> str:
    """The one sentence among *lines*, without marks; "" where there is none."""
    for number, line in enumerate(lines):
        found = _TLDR.fullmatch(line[:_TLDR_CHARACTERS])
        if found is None:
            continue
        following = dropwhile(_is_blank, (found["text"] or "", *lines[number + 1 :]))
        return _plain_text(" ".join(line.lstrip(" >") for line in takewhile(_is_prose, following)))
    return ""


def _is_blank(line: str) -> bool:
    return not line.strip()


def _is_prose(line: str) -> bool:
    return not _is_border(line) and not line.lstrip().startswith(("#", "|", "```"))


def _plain_text(markdown: str) -> str:
    """The text of one paragraph of *markdown* without marks; formulas stay as they are."""
    text = _BLOCK_MARK.sub("", markdown[:_TLDR_CHARACTERS])
    pieces = _MATH.split(text)
    pieces[::2] = [
        _UNDERSCORES.sub("", _EMPHASIS.sub("", _CODE.sub(r"\1", _LINK.sub(r"\1", one)))) for one in pieces[::2]
    ]
    return " ".join("".join(pieces).split())
