"""What the model's stand-in says: a structured summary made of the paper's own words, the same for the same messages.

Reads the messages as a model would have to: the paper stands between `<paper-NONCE>` and `</paper-NONCE>`, the language
and the four `## ` headings in what is around it. Understands nothing; every answer says that it is a sample.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from demo.choice import listed, pick

Message = Mapping[str, Any]  # as it comes in JSON: {"role": …, "content": a text or a list of parts}

LABEL = "样例摘要 / sample summary, written by a stand-in, not by a model"
HEADINGS = (
    "Main contributions and novelty",
    "Methods and experimental setup",
    "Main results and metrics",
    "Conclusions, limitations and future work",
)

_MOST_CHARACTERS = 60_000  # of a paper that are looked at
_MOST_QUOTED = 110
_MOST_TITLE_WORDS = 14
_ROWS = 4

_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\u3040-\u30ff\uac00-\ud7af]")
_TAG = re.compile(r"<(?P<slash>/?)paper-(?P<nonce>[\w-]+)>")
_TITLE = re.compile(
    r"^[^\w\n]{0,9}(?:title|标题|题目)[^\w\n:：]{0,9}[:：>]\s*(?P<title>\S[^\n<]*)", re.IGNORECASE | re.MULTILINE
)
_HEADING_IN_CODE = re.compile(r"`#{2} ([^`\n]+)`")
_HEADING_LINE = re.compile(r"^[ \t>*\-\d.)（(]*#{2} +(?P<heading>\S[^\n]*?)[ \t]*$", re.MULTILINE)
_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+|\n+")
_MARKUP = re.compile(r"[<>|`$#*_\\\[\]{}~&]|https?:")
_NUMBER = re.compile(r"(?<![\w.,/-])\d+(?:,\d{3})*(?:\.\d+)?%?(?![\w/-])")
_WORD = re.compile(r"[A-Za-z][a-z]{4,}(?:-[a-z]{3,})?")
_FORMULAS = (  # models write both forms
    r"$L(\theta) = \sum_{i=1}^{n} \ell_i(\theta)$",
    r"$ L(\theta) = \sum_{i=1}^{n} \ell_i(\theta) $",
)
_COMMON_WORDS = frozenset(
    listed(
        "about;above;abstract;after;against;among;approach;author;authors;based;because;before;being;between;both;"
        "could;during;every;first;found;given;having;here;however;instead;large;method;methods;model;models;more;"
        "most;other;paper;papers;propose;proposed;results;section;show;shows;since;several;small;such;than;that;"
        "their;them;then;there;these;they;this;those;three;through;title;under;using;very;well;were;what;when;where;"
        "which;while;with;within;without;work;works;would"
    )
)

# A prompt asks for a language by its name or tag; what is not listed is answered in English.
_LANGUAGES = {
    "zh": r"chinese|zh(?:-\w+)?",
    "en": r"english|en(?:-\w+)?",
    "de": r"german|deutsch|de(?:-\w+)?",
    "fr": r"french|français|fr(?:-\w+)?",
    "es": r"spanish|español|es(?:-\w+)?",
}
_ASKS_FOR = (
    r"(?:\b(?:write|answer|reply|respond|summar\w+|output|text|prose)\b[^.\n]{0,80}?\bin|\blanguage\b\W*(?:is|:|=)?)\W*"
)
_ASKED_IN = {tag: re.compile(rf"{_ASKS_FOR}(?:{names})\b", re.IGNORECASE) for tag, names in _LANGUAGES.items()}
_ASKED_IN_CHINESE = re.compile(r"(?:用|以|使用|语言\W*)\s*(?:简体)?(?:中文|汉语)")


@dataclass(frozen=True, slots=True)
class _Source:
    """What a paper offers to a summary: all of it occurs there."""

    title: str
    quotes: tuple[str, ...]
    numbers: tuple[str, ...]
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Prose:
    """What one language says around what a paper offers.

    *sections* are parted by `==`; a line that begins neither a list item nor a paragraph goes on with the one before.
    """

    tldrs: tuple[str, str]
    sections: str
    quote: str
    columns: tuple[str, str]
    meaning: str
    absent: str
    glue: str = " "
    comma: str = ", "


_ZH = _Prose(
    tldrs=("样例摘要：论文《{title}》围绕 {a} 提出了新的做法。", "样例摘要：《{title}》重新审视了 {a} 与 {b} 的关系。"),
    quote="> 原文写道：“{quote}”",
    columns=("文中出现的数值", "说明"),
    meaning="含义见原文",
    absent="文中未说明",
    glue="",
    comma="、",
    sections="""
- **要解决的问题：**论文《{title}》讨论的核心问题与 **{a}**、**{b}** 有关。现有做法往往要在效果与代价之间取舍，
作者认为这种取舍并非不可避免，并在引言部分说明了自己的理由。
- **提出的新方法：**作者围绕 **{a}**（见正文）给出了一套完整的流程，把原先分散的几个步骤合并到同一个框架之中，
使每一步的输入与输出都有明确的定义，也便于他人单独替换其中任何一个部分。
- **主要创新点：**与以往工作相比，论文更加强调 **{c}**，并且把它与 **{b}** 放在一起考虑，而不是分别优化；
这一点在设计动机和方法描述之中都有所体现。

{quote_1}

除此之外，论文还讨论了该思路为什么有效：作者先给出直观的解释，再用公式说明其中的关系，
最后指出它在哪些条件之下成立。对于没有接触过这一方向的读者，这一部分可以作为了解背景的入口。
==
- **总体设置：**实验部分以 **{b}** 为中心展开，作者说明了数据如何准备、各个对照方法如何配置，
以及所有方法在相同条件之下进行比较的原因。
- **优化目标：**可以把整体目标概括为 {formula}，其中每一项对应一个样本的损失，参数在训练过程之中共同更新；
这里的写法只是示意。
- **对照与消融：**论文把完整的方法与去掉 **{a}** 或 **{c}** 之后的版本进行对照，用来说明每个组成部分各自起到了什么作用。

{quote_2}

关于实现细节，作者交代了训练与评估的主要步骤，也说明了哪些选择来自以往的工作、哪些是新的。
没有写明的细节在这里一律不作推测，需要复现的读者应当以原文和作者公开的材料为准。
==
- **总体结果：**论文报告的数值包括 {numbers}，下面的表格按照它们在文中出现的先后顺序列出，具体含义请以原文为准。
- **对比结果：**作者认为新的做法在 **{a}** 方面优于对照方法，同时没有明显增加额外的代价；
差距的大小随着设置的不同而变化。

{table}

从表格可以看出，文中给出的数值来自不同的设置，因此不宜直接相互比较。**值得注意的是，**作者同时报告了不利的情形，
并讨论了造成这些情形的可能原因，这使得结论更加可信。
==
- **关键结论：**作者认为 **{a}** 与 **{b}** 可以在同一个框架之中得到兼顾，这一判断得到了实验结果的支持，
也为后续研究提供了一个清晰的起点。
- **方法局限：**论文的验证范围有限，在更大的规模、更多样的数据或者完全不同的任务之上是否仍然成立，文中未说明；
对 **{c}** 的依赖也值得关注。
- **未来工作：**可能的方向包括放宽目前的假设、减少对人工设置的依赖，以及在真实的应用环境之中检验长期的效果。

总的来说，这是一篇思路清楚的工作，适合关心 **{b}** 的读者进一步阅读；想要了解细节的读者可以直接查阅原文的对应章节。
""",
)
_EN = _Prose(
    tldrs=(
        "Sample summary: “{title}” offers a new way to deal with {a}.",
        "Sample summary: “{title}” looks again at how {a} and {b} belong together.",
    ),
    quote="> In the paper's words: “{quote}”",
    columns=("Figure in the paper", "Meaning"),
    meaning="see the paper",
    absent="not stated",
    sections="""
- **Problem.** The paper, “{title}”, is about **{a}** and **{b}**. The authors hold that what is usually done pays for
one with the other, and that this need not be so.
- **Idea.** Around **{a}** they build one procedure out of steps that used to be separate, each with an input and an
output of its own.
- **What is new.** More than earlier work, the paper weighs **{c}** together with **{b}** instead of improving them one
at a time.

{quote_1}

It also says why this should work: first in plain words, then as a formula, then with the conditions under which it
holds.
==
- **Setup.** The experiments turn on **{b}**; the same conditions hold for every method that is compared.
- **Objective.** As a sketch, the aim can be written as {formula}, with one term for each example.
- **Ablation.** The whole method is set against versions without **{a}** and without **{c}**, to show what each part
does.

{quote_2}

Where the paper does not say how something was done, this summary does not guess; whoever wants to repeat it needs the
paper itself.
==
- **Overall.** The figures that the paper reports include {numbers}; the table has them in the order in which they
occur.
- **Comparison.** The authors find their way better for **{a}** at about the same cost; by how much depends on the
setting.

{table}

The figures come from different settings and should not be compared with each other. Cases that went badly are reported
too.
==
- **Conclusion.** In the authors' view **{a}** and **{b}** can be had together, and the experiments support it.
- **Limits.** Whether this holds at a larger scale, on other data or for other tasks is not stated; neither is how much
depends on **{c}**.
- **Next steps.** Weaker assumptions, fewer settings made by hand, and a trial outside of the laboratory.

All in all it is a clear piece of work for readers who care about **{b}**; the sections of the paper have the details.
""",
)
_DE = _Prose(
    tldrs=(
        "Beispiel: „{title}“ zeigt einen neuen Weg für {a} und {b}.",
        "Beispiel: „{title}“ fragt, wie {a} und {b} zusammen gehören.",
    ),
    quote="> In den Worten der Arbeit: „{quote}“",
    columns=("Zahl in der Arbeit", "Bedeutung"),
    meaning="siehe die Arbeit",
    absent="nicht angegeben",
    sections="""
- **Problem.** Die Arbeit „{title}“ handelt von **{a}** und **{b}**. Die Autoren meinen, dass man bisher das eine mit
dem anderen bezahlt und dass das nicht so sein muss.
- **Idee.** Aus mehreren Schritten, die früher getrennt waren, wird ein einziges Verfahren, in dem jeder Schritt seine
eigene Aufgabe hat.
- **Neu ist,** dass **{c}** zusammen mit **{b}** betrachtet wird und nicht für sich allein.

{quote_1}

Warum das gelingen soll, wird zuerst mit einfachen Worten und dann mit einer Formel erklärt.
==
- **Aufbau.** Die Versuche drehen sich um **{b}**, und alle Verfahren werden unter den gleichen Bedingungen verglichen.
- **Ziel.** Als Skizze lässt sich das Ziel als {formula} schreiben, mit einem Glied für jedes Beispiel.
- **Vergleich.** Das ganze Verfahren steht neben Fassungen ohne **{a}** und ohne **{c}**.

Was in der Arbeit nicht steht, wird hier auch nicht vermutet; wer sie wiederholen will, braucht das Original.
==
- **Ergebnis.** Zu den Zahlen in der Arbeit gehören {numbers}; die Tabelle nennt sie in der Reihenfolge, in der sie dort
vorkommen.
- **Vergleich.** Für **{a}** ist das neue Verfahren nach Ansicht der Autoren besser, und es kostet nicht viel mehr.

{table}

Die Zahlen stammen aus verschiedenen Versuchen und sollten nicht miteinander verglichen werden.
==
- **Schluss.** Nach Meinung der Autoren kann man **{a}** und **{b}** zugleich haben, und die Versuche sprechen dafür.
- **Grenzen.** Ob das auch bei anderen Daten und für andere Aufgaben gilt, ist nicht angegeben.
- **Ausblick.** Schwächere Annahmen, weniger Einstellungen von Hand und eine Probe im Alltag.

Es ist eine klare Arbeit für alle, die sich mit **{b}** beschäftigen; die Einzelheiten stehen im Original.
""",
)
_FR = _Prose(
    tldrs=(
        "Exemple : « {title} » propose une nouvelle façon de traiter {a} et {b}.",
        "Exemple : « {title} » se demande comment {a} et {b} vont ensemble.",
    ),
    quote="> Avec les mots de l'article : « {quote} »",
    columns=("Chiffre dans l'article", "Sens"),
    meaning="voir l'article",
    absent="non indiqué",
    sections="""
- **Problème.** L'article « {title} » porte sur **{a}** et **{b}**. Selon les auteurs, on paie d'habitude l'un avec
l'autre, et ce n'est pas une fatalité.
- **Idée.** Plusieurs étapes qui étaient séparées deviennent une seule méthode, dans laquelle chaque étape a son propre
rôle.
- **Nouveauté.** Plus que dans les travaux précédents, **{c}** est étudié avec **{b}** et non pas à part.

{quote_1}

Les raisons sont données d'abord avec des mots simples, puis avec une formule et les conditions dans lesquelles elle est
vraie.
==
- **Cadre.** Les expériences tournent autour de **{b}**, et toutes les méthodes sont comparées dans les mêmes
conditions.
- **Objectif.** En résumé, l'objectif peut s'écrire {formula}, avec un terme pour chaque exemple.
- **Comparaison.** La méthode entière est mise à côté de versions sans **{a}** et sans **{c}**.

Ce que l'article ne dit pas n'est pas deviné ici ; pour refaire le travail, il faut lire le texte des auteurs.
==
- **Résultat.** Parmi les chiffres de l'article il y a {numbers} ; le tableau les donne dans l'ordre du texte.
- **Comparaison.** Pour **{a}**, les auteurs trouvent leur méthode meilleure, pour un coût qui est presque le même.

{table}

Les chiffres viennent d'expériences différentes et ne sont pas faits pour être comparés entre eux.
==
- **Conclusion.** Pour les auteurs, on peut avoir **{a}** et **{b}** en même temps, et les expériences vont dans ce
sens.
- **Limites.** Il n'est pas indiqué si cela reste vrai pour d'autres données et pour d'autres tâches.
- **Suite.** Des hypothèses moins fortes, moins de réglages à la main, et un essai dans la vie réelle.

C'est un travail clair pour les lecteurs qui s'intéressent à **{b}** ; les détails sont dans le texte des auteurs.
""",
)
_ES = _Prose(
    tldrs=(
        "Ejemplo: «{title}» propone una nueva forma de tratar {a} y {b}.",
        "Ejemplo: «{title}» se pregunta cómo van juntos {a} y {b}.",
    ),
    quote="> Con las palabras del artículo: «{quote}»",
    columns=("Cifra en el artículo", "Sentido"),
    meaning="véase el artículo",
    absent="no se indica",
    sections="""
- **Problema.** El artículo «{title}» trata de **{a}** y de **{b}**. Según los autores, lo habitual es pagar lo uno con
lo otro, y esto no tiene que ser así.
- **Idea.** Varios pasos que estaban separados se convierten en un solo método, en el que cada paso tiene su propia
tarea.
- **Novedad.** Más que en los trabajos anteriores, **{c}** se estudia junto con **{b}** y no por separado.

{quote_1}

Las razones se dan primero con palabras sencillas y después con una fórmula y las condiciones en las que es válida.
==
- **Diseño.** Los experimentos giran en torno a **{b}**, y todos los métodos se comparan en las mismas condiciones.
- **Objetivo.** En resumen, el objetivo se puede escribir como {formula}, con un término para cada ejemplo.
- **Comparación.** El método completo se pone al lado de versiones sin **{a}** y sin **{c}**.

Lo que el artículo no dice tampoco se adivina aquí; para repetir el trabajo hace falta leer el texto de los autores.
==
- **Resultado.** Entre las cifras del artículo están {numbers}; la tabla las da en el orden en que aparecen en el texto.
- **Comparación.** Para **{a}**, los autores encuentran que su método es mejor, con un coste que es casi el mismo.

{table}

Las cifras vienen de experimentos distintos y no se deben comparar unas con otras sin más.
==
- **Conclusión.** Para los autores se puede tener **{a}** y **{b}** al mismo tiempo, y los experimentos apuntan en esa
dirección.
- **Límites.** No se indica si esto es válido también para otros datos y para otras tareas.
- **Futuro.** Hipótesis menos fuertes, menos ajustes a mano y una prueba en la vida real.

Es un trabajo claro para los lectores que se interesan por **{b}**; los detalles están en el texto de los autores.
""",
)
_PROSE = {"zh": _ZH, "en": _EN, "de": _DE, "fr": _FR, "es": _ES}


def answer(messages: Sequence[Message], *, model: str, language: str | None = None) -> str:
    """A summary of the paper in *messages*: a TL;DR line and four sections, 1,200 to 5,000 characters of Markdown.

    It is in the *language* given, else the one that the messages ask for: zh, en, de, fr or es, anything else being
    answered in English. The headings are the first four `## ` lines around the paper, or else `HEADINGS`. All numbers
    of two and more digits are the paper's. The wording depends on *model* and title alone.
    """
    paper, around = find_paper(messages)
    headings = find_headings(around)
    prose = _PROSE[language or find_language(around, headings)]
    source = _read(paper)
    words = _words(source, prose, model)
    tldr = pick(prose.tldrs, model, source.title, "tldr").format(**words)
    bodies = [_fill(section, prose.glue, words) for section in prose.sections.split("\n==\n")]
    sections = [f"## {heading}\n\n{body}" for heading, body in zip(headings, bodies, strict=True)]
    return "\n\n".join([f"**TL;DR:** {tldr}", *sections, f"*{LABEL}*"]) + "\n"


def count_tokens(text: str) -> int:
    """How many tokens *text* is taken to have: one for two CJK characters, one for four others."""
    cjk = len(_CJK.findall(text))
    return math.ceil(cjk / 2 + (len(text) - cjk) / 4)


def read_content(message: Message) -> str:
    """The text of *message*, whose content may be in parts; empty where there is none."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return content if isinstance(content, str) else ""


def find_paper(messages: Sequence[Message]) -> tuple[str, str]:
    """The paper in *messages*, and all the rest of them.

    The paper is what is longest between `<paper-NONCE>` and `</paper-NONCE>`: the instructions name the tags too.
    Without tags it is the whole last message, which counts as the rest as well.
    """
    texts = [read_content(message) for message in messages]
    whole = "\n\n".join(texts)
    opened: dict[str, int] = {}
    spans: list[tuple[int, int]] = []
    for tag in _TAG.finditer(whole):
        if not tag["slash"]:
            opened[tag["nonce"]] = tag.end()
        elif tag["nonce"] in opened:
            spans.append((opened[tag["nonce"]], tag.start()))
    if not spans:
        return (texts[-1] if texts else ""), whole
    start, stop = max(spans, key=lambda span: span[1] - span[0])
    return whole[start:stop], whole[:start] + whole[stop:]


def find_headings(around: str) -> tuple[str, ...]:
    """The first four headings that the instructions *around* a paper name, without `## `; `HEADINGS` for fewer."""
    in_code = [heading.strip() for heading in _HEADING_IN_CODE.findall(around)]
    lines = [found["heading"].rstrip('`"”').strip() for found in _HEADING_LINE.finditer(around)]
    for candidates in (in_code, lines):
        different = tuple(dict.fromkeys(candidates))[: len(HEADINGS)]
        if len(different) == len(HEADINGS):
            return different
    return HEADINGS


def find_language(around: str, headings: Sequence[str]) -> str:
    """The language that the instructions *around* a paper ask for, as a key: zh, en, de, fr or es."""
    if _CJK.search("".join(headings)):
        return "zh"
    places = {tag: found.start() for tag, asked in _ASKED_IN.items() if (found := asked.search(around))}
    if in_chinese := _ASKED_IN_CHINESE.search(around):
        places.setdefault("zh", in_chinese.start())
    return min(places, key=lambda tag: places[tag], default="en")


def _read(paper: str) -> _Source:
    text = paper[:_MOST_CHARACTERS].strip()
    named = _TITLE.search(text)
    title = named["title"] if named else text.partition("\n")[0]
    rest = text[named.end() :] if named else text.partition("\n")[2]
    return _Source(
        _shorten(_MARKUP.sub("", title), words=_MOST_TITLE_WORDS) or "Untitled",
        tuple(islice(_quotable(_SENTENCE_END.split(rest)), 2)),
        tuple(islice((number for number in dict.fromkeys(_NUMBER.findall(rest)) if _is_telling(number)), _ROWS)),
        _find_terms(f"{title}\n{rest}"),
    )


def _shorten(text: str, *, words: int) -> str:
    all_words = text.split()
    return " ".join(all_words[:words]) + ("…" if len(all_words) > words else "")


def _quotable(sentences: Iterable[str]) -> Iterable[str]:
    """Those of *sentences* that are neither short nor long and have nothing that Markdown would take for its own."""
    for sentence in dict.fromkeys(" ".join(sentence.split()) for sentence in sentences):
        if len(_MARKUP.findall(sentence)) == 0 and 40 <= len(sentence) <= _MOST_QUOTED:
            yield sentence


def _is_telling(number: str) -> bool:
    return len(re.sub(r"\D", "", number).strip("0")) > 1


def _find_terms(text: str) -> tuple[str, str, str]:
    """The three words of *text* that occur most, in lower case; stock words where it has too few."""
    words = Counter(word.lower() for word in _WORD.findall(text) if word.lower() not in _COMMON_WORDS)
    found = [word for word, _ in words.most_common(3)]
    first, second, third, *_ = dict.fromkeys([*found, "baseline", "benchmark", "ablation"])
    return first, second, third


def _words(source: _Source, prose: _Prose, model: str) -> Mapping[str, str]:
    """What stands for each name in braces."""
    first, second, third = source.terms
    quotes = [prose.quote.format(quote=quote) for quote in source.quotes]
    return {
        "title": source.title,
        "a": first,
        "b": second,
        "c": third,
        "quote_1": next(iter(quotes), ""),
        "quote_2": next(iter(quotes[1:]), ""),
        "numbers": prose.comma.join(f"**{number}**" for number in source.numbers) or prose.absent,
        "table": _write_table(source, prose),
        "formula": pick(_FORMULAS, model, source.title, "formula"),
    }


def _write_table(source: _Source, prose: _Prose) -> str:
    rows = [(number, prose.meaning) for number in source.numbers or (prose.absent,)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (prose.columns, ("---", "---"), *rows))


def _fill(section: str, glue: str, words: Mapping[str, str]) -> str:
    unwrapped = re.sub(r"(?<!\n)\n(?!\n|- )", glue, section.strip())
    return re.sub(r"\n{3,}", "\n\n", unwrapped.format(**words))
