"""An answer is taken apart at its four headings, however the model wrote them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from core.summaries.answer import Answer, Section, parse_answer, section_names
from core.summaries.cleaning import clean_answer
from core.summaries.languages import CHINESE, ENGLISH, SECTION_NAMES, Language
from tests.shared_data import SUMMARIES, needs_summaries

CHINESE_LANGUAGE = Language("zh", "Chinese")
SHORT_HEADINGS = ("主要贡献", "实验方法", "实验结果", "关键结论")


def parse(text: str) -> Answer:
    return parse_answer(text)


def as_asked_for(answer: Answer) -> str:
    """The whole *answer* in the form that was asked for."""
    parts = [f"**TL;DR:** {answer.tldr}"] if answer.tldr else []
    parts += [f"## {section.heading}\n\n{section.markdown}".rstrip() for section in answer.sections]
    return "\n\n".join(parts)


def written(headings: Iterable[str], *, before: str = "", after: str = "") -> str:
    """An answer with a short text under each of *headings*."""
    sections = [f"{heading}\n\ntext {number}" for number, heading in enumerate(headings, 1)]
    return "\n\n".join(filter(None, (before, *sections, after)))


def names(answer: Answer) -> list[str | None]:
    return [section.name for section in answer.sections]


def test_an_answer_as_it_was_asked_for_is_its_sentence_and_four_sections() -> None:
    text = written([f"## {heading}" for heading in CHINESE.headings], before="**TL;DR:** 一句话。")
    assert parse(text) == Answer(
        "一句话。",
        tuple(
            Section(name, heading, f"text {number}")
            for number, (name, heading) in enumerate(zip(SECTION_NAMES, CHINESE.headings, strict=True), 1)
        ),
    )


@pytest.mark.parametrize(
    "headings",
    [
        [f"# {heading}" for heading in CHINESE.headings],
        [f"### {heading}" for heading in CHINESE.headings],
        [f"##{heading}" for heading in CHINESE.headings],
        [f"## {heading} ##" for heading in CHINESE.headings],
        [f"## **{number}. {heading}**" for number, heading in enumerate(CHINESE.headings, 1)],
        [f"## {number}. **{heading}**" for number, heading in enumerate(CHINESE.headings, 1)],
        [f"### {number}) {heading}：" for number, heading in enumerate(CHINESE.headings, 1)],
        [f"## {number}、{heading}" for number, heading in zip("一二三四", SHORT_HEADINGS, strict=True)],
        [f"## （{number}）{heading}" for number, heading in zip("一二三四", SHORT_HEADINGS, strict=True)],
        [f"## {number} {heading}" for number, heading in zip("🎯🧪📊💡", SHORT_HEADINGS, strict=True)],
        [f"## {number}\ufe0f\u20e3 {heading}" for number, heading in enumerate(SHORT_HEADINGS, 1)],
        [f"**{heading}**" for heading in CHINESE.headings],
        [f"**{number}. {heading}**：" for number, heading in enumerate(CHINESE.headings, 1)],
        [f"{number}. **{heading}**" for number, heading in enumerate(CHINESE.headings, 1)],
        [f"__{heading}__" for heading in SHORT_HEADINGS],
        [f"{number}. {heading}" for number, heading in enumerate(CHINESE.headings, 1)],
        [f"{number}、{heading}" for number, heading in zip("一二三四", SHORT_HEADINGS, strict=True)],
        list(CHINESE.headings),
        ["## 1. 论文的主要贡献和创新点", "### 2) 核心实验方法和设置", "### 3) 主要实验结果", "### 4) 关键结论"],
        ["## 論文的主要貢獻和創新點", "## 核心實驗方法和設置", "## 主要實驗結果和性能指標", "## 關鍵結論和發現"],
        [f"## {heading}" for heading in ENGLISH.headings],
        [f"**{heading}:**" for heading in ENGLISH.headings],
        [f"## {number}. {heading.upper()}" for number, heading in enumerate(ENGLISH.headings, 1)],
        ["## I. Key Contributions", "## II. Experimental Setup", "## III. Performance", "## IV. Limitations"],
        ["## Novelty", "## Approach", "## Main Results", "## Takeaways and future work"],
        ["## Section 1: Innovations", "## Section 2: Method", "## Section 3: Results", "## Section 4: Conclusion"],
    ],
    ids=lambda headings: ascii(headings[0]),
)
def test_a_heading_is_known_by_what_it_says(headings: list[str]) -> None:
    sections = parse(written(headings)).sections
    assert [(section.name, section.markdown) for section in sections] == [
        (name, f"text {number}") for number, name in enumerate(SECTION_NAMES, 1)
    ]


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("## **1. 论文的主要贡献和创新点**", "论文的主要贡献和创新点"),
        ("## 1) Main *contributions*:", "Main contributions"),
        ("## 1. 主要贡献（理论分析）", "主要贡献（理论分析）"),
        ("## ✅ 主要贡献", "✅ 主要贡献"),
    ],
)
def test_a_heading_comes_without_marks_and_number(line: str, heading: str) -> None:
    assert parse(written([line, "## 方法", "## 结果", "## 结论"])).sections[0].heading == heading


def test_subheadings_that_speak_of_the_same_do_not_split() -> None:
    body = "### 提出的新方法与创新点\n\na\n\n### 消融实验结果\n\n**关键结论**\n\n4. **局限与未来**"
    text = written([f"## {number}. {heading}" for number, heading in enumerate(CHINESE.headings, 1)], after=body)
    assert parse(text).sections[3].markdown == f"text 4\n\n{body}"


@pytest.mark.parametrize(
    "body",
    [
        "```python\n# 结论\n## 关键结论和发现\n```",
        "~~~\n## 结果\n```\n## 方法\n~~~",
        "````\n```\n## 结论\n````",
        "# params | 结果\n--- | ---\n7B | 85.3",
        "| # 结论 | 结果 |\n| --- | --- |\n| # 1 | 2 |",
        "    ## 结论",
        "#1 in its class\n\n#5",
        "####### 结论",
    ],
    ids=ascii,
)
def test_what_only_looks_like_a_heading_does_not_split(body: str) -> None:
    text = written([f"## {heading}" for heading in CHINESE.headings[:1]], after=body) + "\n\n"
    text += written([f"## {heading}" for heading in CHINESE.headings[1:]])
    assert parse(text).sections[0].markdown == f"text 1\n\n{body}"


def test_a_title_and_what_stands_before_the_first_section_are_left_out() -> None:
    text = written(CHINESE.headings, before="# 论文核心结论与实验结果总结\n\n**副标题**\n\n---\n\n## 论文信息\n\nx")
    assert names(parse(text)) == [*SECTION_NAMES]


@pytest.mark.parametrize("rule", ["---", "***", "___", "* * *", "- - -", "-----------", " --- "])
def test_rules_at_the_borders_are_left_out(rule: str) -> None:
    text = f"\n\n{rule}\n\n".join(f"## {heading}\n\n{rule}\n\ntext" for heading in CHINESE.headings)
    assert {section.markdown for section in parse(f"{text}\n{rule}").sections} == {"text"}


def test_a_rule_inside_a_section_stays() -> None:
    assert parse("## 贡献\na\n\n---\n\nb\n## 方法\nx").sections[0].markdown == "a\n\n---\n\nb"


@pytest.mark.parametrize("extra", ["# 附录", "## ✅ 总结", "## 核心贡献总结", "## 关键结论"])
def test_further_sections_come_last_without_a_name(extra: str) -> None:
    headings = [f"## {heading}" for heading in CHINESE.headings]
    text = written([*headings[:2], extra, *headings[2:]])
    assert names(parse(text)) == [*SECTION_NAMES, None]
    assert parse(text).sections[-1] == Section(None, extra.lstrip("# "), "text 3")


def test_further_sections_with_nothing_in_them_are_left_out() -> None:
    assert names(parse(written([f"## {heading}" for heading in CHINESE.headings], after="## 附录"))) == [*SECTION_NAMES]


def test_the_sections_keep_the_order_of_the_answer() -> None:
    swapped = [CHINESE.headings[index] for index in (1, 0, 2, 3)]
    answer = parse(written([f"## {heading}" for heading in swapped]))
    assert names(answer) == ["methods", "contributions", "results", "conclusions"]
    assert not answer.is_complete


@pytest.mark.parametrize("missing", range(4))
def test_an_answer_without_one_of_the_sections_is_not_complete(missing: int) -> None:
    headings = [f"## {heading}" for index, heading in enumerate(CHINESE.headings) if index != missing]
    assert not parse(written(headings)).is_complete


@pytest.mark.parametrize(
    "within",
    [
        pytest.param("### 消融实验结果", id="no heading that was asked for"),
        pytest.param(f"#### {CHINESE.headings[2]}", id="deep within a section"),
    ],
)
def test_a_heading_of_another_level_is_no_section_where_it_need_not_be_one(within: str) -> None:
    first, second, _, last = (f"## {heading}" for heading in CHINESE.headings)
    answer = parse(written([first, second, within, last]))
    assert names(answer) == ["contributions", "methods", "conclusions"]
    assert answer.sections[1].markdown == f"text 2\n\n{within}\n\ntext 3"


def test_an_unknown_heading_of_a_low_level_stays_in_its_section() -> None:
    first, *others = (f"### {heading}" for heading in CHINESE.headings)
    answer = parse(written([first, "### 附录", *others]))
    assert (names(answer), answer.sections[0].markdown) == ([*SECTION_NAMES], "text 1\n\n### 附录\n\ntext 2")


@pytest.mark.parametrize(
    ("line", "most"),
    [pytest.param("## 结论{}", 200, id="marked"), pytest.param("**结论{}**", 60, id="bold")],
)
def test_a_line_that_is_too_long_is_no_heading(line: str, most: int) -> None:
    whole, longer = (line.format("x" * (length - len(line.format("")))) for length in (most, most + 1))
    assert (section_names(whole), section_names(longer)) == (("conclusions",), ())


def test_an_answer_with_an_empty_section_is_not_complete() -> None:
    text = written([f"## {heading}" for heading in CHINESE.headings[:3]], after=f"## {CHINESE.headings[3]}\n\n---\n")
    assert not parse(text).is_complete


@pytest.mark.parametrize("text", ["", "\n", "Some text.", "# Title\n\ntext", "```\n## 贡献", "- a\n- b"])
def test_a_text_without_known_headings_has_no_sections(text: str) -> None:
    assert parse(text).sections == ()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("**TL;DR:** A new model.", "A new model."),
        ("**TL;DR**: A new model.", "A new model."),
        ("TL;DR: A new model.", "A new model."),
        ("TLDR: A new model.", "A new model."),
        ("tl;dr — A new model.", "A new model."),
        ("**TL; DR：** 新模型。", "新模型。"),
        ("**TL;DR（一句话总结）：** 新模型。", "新模型。"),
        ("> **一句话总结**：新模型。", "新模型。"),
        ("> 🔍 **一句话概括**：新模型。", "新模型。"),
        ("- 一句话：新模型。", "新模型。"),
        ("太长不看：新模型。", "新模型。"),
        ("**In one sentence:** A new model.", "A new model."),
        ("One-sentence summary: A new model.", "A new model."),
        ("## TL;DR\n\nA new model.", "A new model."),
        ("### 🧭 一句话总结\n> **新模型**。", "新模型。"),
        ("**TL;DR:**\nA new\nmodel.", "A new model."),
        ("# Title\n\n---\n\n**TL;DR:** A new model.\n\n---", "A new model."),
        ("**TL;DR:** **Paged** `attention` is *2.3×* [faster](https://a.b) at $a*b$ for x_i.", None),
        ("**TL;DR:**", ""),
        ("TL;DR\n\n---", ""),
        ("A new model.", ""),
        ("", ""),
    ],
    ids=ascii,
)
def test_the_sentence_is_found_before_the_first_section(line: str, sentence: str | None) -> None:
    plain = "Paged attention is 2.3× faster at $a*b$ for x_i." if sentence is None else sentence
    assert parse(written([f"## {heading}" for heading in CHINESE.headings], before=line)).tldr == plain


def test_a_sentence_after_the_first_section_is_part_of_its_section() -> None:
    answer = parse("## 贡献\n\n**TL;DR:** x\n\n## 方法\n\ny")
    assert (answer.tldr, answer.sections[0].markdown) == ("", "**TL;DR:** x")


@pytest.mark.parametrize(
    "text",
    [
        written([f"### {number}) {heading}" for number, heading in enumerate(SHORT_HEADINGS, 1)], before="TL;DR: *x*"),
        written([f"# {heading}" for heading in SHORT_HEADINGS], after="## 局限\n\n#### a\n\n# 附录\n\nb"),
        written([f"**{heading}**" for heading in SHORT_HEADINGS], after="## 附录\n\n```\n# a\n```"),
        "",
    ],
    ids=["level 3", "level 1", "bold", "empty"],
)
def test_an_answer_written_again_is_the_same_answer(text: str) -> None:
    answer = parse(text)
    assert parse(as_asked_for(answer)) == answer


def test_the_names_of_headings_are_told_in_order() -> None:
    assert section_names("# Title\n\n2. **方法**\n- a\n\n## Results") == (None, "methods", "results")


@pytest.fixture(scope="module")
def real_answers() -> list[tuple[Path, str]]:
    """Every fifth of the real summaries, cleaned."""
    return [(path, clean_answer(path.read_text(encoding="utf-8"))) for path in sorted(SUMMARIES.glob("*.md"))[::5]]


@needs_summaries
def test_real_answers_lose_nothing_but_title_and_rules(real_answers: list[tuple[Path, str]]) -> None:
    lengths = {path.name: len(as_asked_for(parse(text))) / len(text) for path, text in real_answers}
    assert {name: share for name, share in lengths.items() if share < 0.93} == {}


@needs_summaries
def test_real_answers_written_again_are_the_same(real_answers: list[tuple[Path, str]]) -> None:
    answers = [parse(text) for _, text in real_answers]
    assert [answer for answer in answers if parse(as_asked_for(answer)) != answer] == []
