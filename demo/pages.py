"""The pages that links to made-up papers lead to: an abstract page, and the full text as LaTeXML renders one for arXiv.

A full text says at length what its abstract says, with the abstract's own sentences and figures in the right sections.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from core.tex import to_unicode
from demo.accents import to_api_text
from demo.announcements import creators
from demo.choice import draw, listed, pick
from demo.mailing import SamplePaper
from demo.prose import MARKER

_NO_FULL_TEXT_ONE_IN = 8
_REFERENCES = 12

_SENTENCE_END = re.compile(r"(?<=[.?!]) (?=[A-Z])")
_MATH = re.compile(r"\$([^$]+)\$")
_SYMBOL = re.compile(r"\\[A-Za-z]+|[A-Za-z]|\d+(?:\.\d+)?|[^\s\\{}_^]")
_FIGURE = re.compile(r"(?<![\w.=&?/-])\d+(?:\.\d+)?(?!\w)")

_PRIOR_WORK = listed(
    "The first systematic account measured a single configuration and left open how far it carries;"
    "Later studies exchanged the data and kept the protocol, with results that agree in direction and not in size;"
    "A second line of work starts from theory and asks for assumptions that practice does not meet;"
    "Industrial reports mention the question in passing and give no figures;"
    "Surveys of the field list it among the open problems;"
    "Several groups have published tools for it, none of which is maintained"
)
_SETTINGS = listed(
    "All runs use the same data split and the same stopping rule;"
    "Hyperparameters were chosen on a held-out part and frozen before the main runs;"
    "We repeat each run with different seeds and report means;"
    "Every configuration was given the same budget, the search for it included"
)
_LIMITS = listed(
    "Two of the settings were only examined at small scale;"
    "The figures come from one kind of hardware, and another may change their order;"
    "People took part in the last experiment only, and they were few;"
    "We did not look at inputs that were made to do harm"
)
_GROUPS = listed("A. Okafor;B. Lindqvist;C. Tanaka;D. Carvalho;E. Nakamura;F. Qureshi;G. Hale")
_VENUES = listed("Proc. Fictional Conference on Learning;Journal of Sample Studies;Annals of Imaginary Computing")


def render_abstract_page(paper: SamplePaper) -> bytes:
    """What `/abs/<id>` shows."""
    versioned = f"{paper.id}v{paper.version}"
    link = f'<p><a href="/html/{versioned}">Full text of version {paper.version}</a></p>'
    return _page(
        f"[{paper.id}] {to_api_text(paper.title)}",
        f"<h1>{_text(paper.title)}</h1>",
        f"<p>{_text(creators(paper.writers))}</p>",
        *(f"<p>{_text(paragraph)}</p>" for paragraph in paper.paragraphs),
        f"<p>{', '.join(paper.categories)}</p>",
        *([link] if has_full_text(paper) else []),
    )


def has_full_text(paper: SamplePaper) -> bool:
    """Whether arXiv could make a page of *paper*, which is the same for all its versions."""
    return draw(_NO_FULL_TEXT_ONE_IN, "full text", paper.id) != 0


def render_no_full_text(paper: SamplePaper) -> bytes:
    """What `/html/<id>vN` shows, with status 404, of a paper without a page."""
    reason = "This could be due to the source files not being HTML, LaTeX, or a conversion failure."
    return _page(
        f"No HTML for '{paper.id}v{paper.version}'",
        '<header class="mobile-header"><a href="/">arXiv</a></header>',
        f"<main><h1>No HTML for '{paper.id}v{paper.version}'</h1>",
        f"<p>HTML is not available for the source.</p><p>{reason}</p>",
        "<p>If you are an author, learn how you can help HTML conversions for your papers.</p></main>",
    )


def render_full_text(paper: SamplePaper) -> bytes:
    """What `/html/<id>vN` shows of a paper with a page."""
    number = f"{paper.id}v{paper.version}"
    return _page(
        to_api_text(paper.title),
        '<header class="desktop_header"><a href="/">Back to arXiv</a><a href="#">Why HTML?</a>'
        '<button class="report-issue">Report Issue</button></header>',
        '<nav class="ltx_page_navbar"><nav class="ltx_TOC"><ol class="ltx_toclist">',
        *(f'<li class="ltx_tocentry"><a href="#S{at}">{at} {title}</a></li>' for at, title in enumerate(_TITLES, 1)),
        '</ol></nav></nav><div class="ltx_page_main">',
        '<div id="infobox"><a id="license-tr" href="/license">License: arXiv.org perpetual non-exclusive license</a>',
        f'<div id="watermark-tr">arXiv:{number} [{paper.primary_category}] {paper.revised:%d %b %Y}</div></div>',
        '<div class="ltx_page_content"><article class="ltx_document ltx_authors_1line">',
        *_front_matter(paper),
        *_sections(paper),
        *_back_matter(paper),
        '</article></div><footer class="ltx_page_footer"><div class="ltx_page_logo">Generated on '
        f"{paper.revised:%a %b %d %H:%M:%S %Y} by LaTeXML</div></footer></div>",
        head='<link rel="stylesheet" href="/static/browse/ar5iv.css">'
        "<script>if (window.innerWidth < 600 && document.title) { document.title += ' <p>'; }</script>",
    )


def render_message(text: str) -> bytes:
    """A page that says *text* and nothing else."""
    return _page(text, f"<p>{html.escape(text)}</p>")


_TITLES = ("Introduction", "Related Work", "Method", "Experiments", "Limitations", "Conclusion")


def _front_matter(paper: SamplePaper) -> Iterable[str]:
    yield f'<h1 class="ltx_title ltx_title_document">{_inline(paper.title)}{_note("thanks", "Made up.")}</h1>'
    yield '<div class="ltx_authors">'
    for writer in paper.writers:
        name = _text(creators([writer]))
        yield f'<span class="ltx_creator ltx_role_author"><span class="ltx_personname">{name}</span></span>'
    yield '</div><div class="ltx_abstract"><h6 class="ltx_title ltx_title_abstract">Abstract</h6>'
    yield from (f'<p class="ltx_p">{_inline(paragraph)}</p>' for paragraph in paper.paragraphs)
    yield "</div>"


def _sections(paper: SamplePaper) -> Iterable[str]:
    opening, middle, results = _sentences(paper)
    contents = (
        _introduction(paper, opening, middle),
        _related_work(paper),
        _method(paper, middle),
        _experiments(paper, results),
        _limitations(paper),
        [_paragraph(f"We set out from {_inline(_subject(paper))}. {_inline(' '.join([*middle, *results]))}")],
    )
    for number, (title, content) in enumerate(zip(_TITLES, contents, strict=True), 1):
        yield _section(str(number), title, *content)


def _sentences(paper: SamplePaper) -> tuple[str, list[str], list[str]]:
    """The abstract's first sentence, those that say what was done, and those that say what came of it."""
    whole = " ".join(paper.paragraphs).replace(MARKER, "").strip()
    opening, *rest = _SENTENCE_END.split(whole)
    middle = (len(rest) + 1) // 2
    return opening, rest[:middle], rest[middle:]


def _subject(paper: SamplePaper) -> str:
    return paper.title.rpartition(": ")[2].rstrip("?")


def _introduction(paper: SamplePaper, opening: str, middle: Sequence[str]) -> Iterable[str]:
    subject = _inline(_subject(paper))
    footnote = _note("footnote", "Code and data: https://example.org/code.")
    yield _paragraph(
        f"{_inline(opening)} This is where the present paper begins. Earlier work {_cite(1, 2, 5)} took one set-up for "
        f"granted and varied the rest; we vary the set-up itself{footnote}. What we say about {subject} holds for the "
        "settings of Section 4, and we are careful not to claim more."
    )
    yield _paragraph(
        "The question matters beyond the single case. Whoever plans a system today has to guess what the answer is, "
        f"and most guesses in print {_cite(3)} contradict each other. A measurement that others can repeat is worth "
        "more than another opinion, and so we describe every step in the order in which it was taken."
    )
    yield _paragraph("In short:")
    items = (_inline(sentence) for sentence in middle or [opening])
    yield '<ul class="ltx_itemize">' + "".join(_item("•", item) for item in items) + "</ul>"


def _related_work(paper: SamplePaper) -> Iterable[str]:
    start = draw(len(_PRIOR_WORK), "prior work", paper.id)
    for group in range(2):
        sentences = (_PRIOR_WORK[(start + 3 * group + place) % len(_PRIOR_WORK)] for place in range(3))
        cited = enumerate(sentences, 1 + 4 * group)
        yield _paragraph(" ".join(f"{sentence} {_cite(number, number + 4)}." for number, sentence in cited))
    yield _paragraph(
        "Closest to ours is the study of Hale and others <cite class='ltx_cite'>(<a class='ltx_ref' "
        "href='#bib.bib7'>Hale et al., 2024</a>)</cite>, which asks a similar question of older data. We use their "
        "protocol where it applies and say so where it does not."
    )


def _method(paper: SamplePaper, middle: Sequence[str]) -> Iterable[str]:
    rate, width, steps = _settings(paper)
    loss = r"\mathcal{L}(\theta)=\frac{1}{n}\sum_{i=1}^{n}\ell(f_{\theta}(x_{i}),y_{i})+\lambda\|\theta\|_{2}^{2}"
    yield _paragraph(f"{_inline(' '.join(middle))} The details follow, the formal part first.")
    notation = (
        rf"Let $x_{{i}}\in\mathbb{{R}}^{{d}}$ be the inputs, with $d={width}$, and $y_{{i}}$ the outcomes. We minimise"
    )
    constants = (
        rf"with $\lambda=10^{{-4}}$ and the learning rate $\eta={rate}$ over {steps} steps. For $n\to\infty$ Eq. (1) "
        f"becomes the usual objective. {pick(_SETTINGS, 'setting', paper.id)}."
    )
    set_up = (_paragraph(_inline(notation)), _equation(loss, 1), _paragraph(_inline(constants)))
    lines = ("initialise the state", f"repeat {_math(f'k={steps}')} times", "measure, then correct the plan", "return")
    yield _section("3.1", "Set-up", *set_up)
    yield _section("3.2", "Procedure", _paragraph("The procedure has four lines:"), _listing(lines))


def _settings(paper: SamplePaper) -> tuple[str, int, int]:
    """A learning rate, a width and a number of steps."""
    rate = f"0.00{1 + draw(9, 'rate', paper.id)}"
    return rate, 64 << draw(5, "width", paper.id), 500 * (1 + draw(40, "steps", paper.id))


def _experiments(paper: SamplePaper, results: Sequence[str]) -> Iterable[str]:
    base = 400 + draw(300, "base", paper.id)
    tuned, ours = base + 5 + draw(40, "tuned", paper.id), base + 50 + draw(150, "ours", paper.id)
    scores = {"Baseline": base, "Tuned baseline": tuned, "Ours": ours}
    rows = ((name, f"{score / 10:.1f}", str(3 + score % 17)) for name, score in scores.items())
    comparison = (
        _paragraph(
            f"Table 1 compares the methods. Ours reaches a score of {ours / 10:.1f}, the tuned baseline one of "
            f"{tuned / 10:.1f}, which is {(ours - tuned) / 10:.1f} less. {pick(_SETTINGS, 'comparison', paper.id)}."
        ),
        _table("Table 1: ", "Scores (higher is better) and hours of computation.", ("Method", "Score", "Hours"), *rows),
        _figure("Figure 1: ", _inline(r"Score over the course of training, for $\eta$ from 0.0001 to 0.01.")),
    )
    yield _paragraph(f"{_inline(' '.join(results))} The rest of this section says how we know.")
    yield _section("4.1", "Comparison", *comparison)
    yield _section("4.2", "Repetitions", *_repetitions(paper))


def _repetitions(paper: SamplePaper) -> Iterable[str]:
    rows = tuple(_figures(paper))
    yield _paragraph(
        "Three repetitions with different seeds agree with each other within the width of a line in Figure 1. "
        + ("Table 2 gives each figure of the abstract for every one of them." if rows else "We show the first.")
    )
    if rows:
        heads = ("Figure", "Run 1", "Run 2", "Run 3", "Mean")
        yield _table("Table 2: ", "The figures of the abstract, over three runs.", heads, *rows)


def _figures(paper: SamplePaper) -> Iterable[tuple[str, ...]]:
    """Each number of the abstract outside of formulas: its context, three values, and itself as their mean."""
    text = _MATH.sub("it", " ".join(paper.paragraphs))
    for place, found in enumerate(_FIGURE.finditer(text)):
        before, after = text[: found.start()].split()[-3:], text[found.end() :].split(" ")[:3]
        decimals = len(found[0].partition(".")[2])
        change = (1 + draw(3, "change", paper.id, place)) * 10**-decimals
        runs = (float(found[0]) + change * side for side in (-1, 0, 1))
        label = html.escape(to_unicode(f"{' '.join(before)} {found[0]}{' '.join(after)}"))
        yield label, *(f"{run:.{decimals}f}" for run in runs), found[0]


def _limitations(paper: SamplePaper) -> Iterable[str]:
    start = draw(len(_LIMITS), "limits", paper.id)
    yield _paragraph(" ".join(f"{_LIMITS[(start + place) % len(_LIMITS)]}." for place in range(3)))
    yield _paragraph(
        "None of this changes the order of the methods, and all of it may change the distance between them."
    )


def _back_matter(paper: SamplePaper) -> Iterable[str]:
    yield _section("", "Acknowledgements", _paragraph("We thank the imaginary reviewers, and grant 4711 of no agency."))
    yield '<section id="bib" class="ltx_bibliography"><h2 class="ltx_title ltx_title_bibliography">References</h2>'
    yield '<ul class="ltx_biblist">'
    for number in range(1, _REFERENCES + 1):
        group, venue = (pick(options, "reference", paper.id, number) for options in (_GROUPS, _VENUES))
        blocks = (f"{group}.", f"A study of case {number}.", f"{venue}, {2010 + draw(15, 'year', paper.id, number)}.")
        yield f'<li id="bib.bib{number}" class="ltx_bibitem"><span class="ltx_tag ltx_tag_bibitem">[{number}]</span>'
        yield "".join(f'<span class="ltx_bibblock">{block}</span>' for block in blocks) + "</li>"
    yield "</ul></section>"
    rate, width, steps = _settings(paper)
    heads, *rows = ("Name", "Value"), ("learning rate", rate), ("width", str(width)), ("steps", str(steps))
    yield '<section id="A1" class="ltx_appendix"><h2 class="ltx_title ltx_title_appendix">'
    yield '<span class="ltx_tag ltx_tag_appendix">Appendix A </span>Hyperparameters</h2>'
    yield _table("Table 3: ", "What we set by hand.", heads, *rows) + "</section>"


# --- The parts that LaTeXML makes of TeX ------------------------------------------------------------------------------


def _section(number: str, title: str, *content: str) -> str:
    kind, tag = ("subsection", "h3") if "." in number else ("section", "h2")
    mark = f'<span class="ltx_tag ltx_tag_{kind}">{number} </span>' if number else ""
    lines = (f'<{tag} class="ltx_title ltx_title_{kind}">{mark}{title}</{tag}>', *content, "</section>")
    return f'<section id="S{number or "x1"}" class="ltx_{kind}">\n' + "\n".join(lines)


def _paragraph(text: str) -> str:
    return f'<div class="ltx_para">\n<p class="ltx_p">{text}</p>\n</div>'


def _item(mark: str, text: str) -> str:
    return f'<li class="ltx_item"><span class="ltx_tag ltx_tag_item">{mark}</span>\n{_paragraph(text)}</li>'


def _inline(raw: str) -> str:
    """*raw* as arXiv's metadata have it, with its formulas as MathML."""
    parts = _MATH.split(raw)
    return "".join(_math(part) if place % 2 else _text_around(part) for place, part in enumerate(parts))


def _text_around(part: str) -> str:
    """The text *part* between formulas, with the spaces at its ends."""
    before, after = (" " if part[at:][:1].isspace() else "" for at in (0, -1))
    return f"{before}{html.escape(to_unicode(part), quote=False)}{after}" if part.strip() else before


def _math(tex: str, *, display: str = "inline") -> str:
    symbols = "".join(f"<mi>{html.escape(symbol)}</mi>" for symbol in _SYMBOL.findall(tex))
    annotation = f'<annotation encoding="application/x-tex">{html.escape(tex)}</annotation>'
    return (
        f'<math class="ltx_Math" alttext="{html.escape(tex)}" display="{display}"><semantics><mrow>{symbols}</mrow>'
        f"{annotation}</semantics></math>"
    )


def _equation(tex: str, number: int) -> str:
    cells = (
        '<td class="ltx_eqn_cell ltx_eqn_center_padleft"></td>',
        f'<td class="ltx_eqn_cell ltx_align_center">{_math(tex, display="block")}</td>',
        '<td class="ltx_eqn_cell ltx_eqn_center_padright"></td>',
        f'<td class="ltx_eqn_cell ltx_eqn_eqno"><span class="ltx_tag ltx_tag_equation">({number})</span></td>',
    )
    row = f'<tr class="ltx_equation ltx_eqn_row ltx_align_baseline">{"".join(cells)}</tr>'
    return f'<table class="ltx_equation ltx_eqn_table"><tbody>{row}</tbody></table>'


def _listing(lines: Iterable[str]) -> str:
    numbered = (
        f'<div class="ltx_listingline"><span class="ltx_tag ltx_tag_listingline">{number}:</span> {line}</div>'
        for number, line in enumerate(lines, 1)
    )
    return f'<div class="ltx_listing">{"".join(numbered)}</div>'


def _table(tag: str, caption: str, heads: Sequence[str], *rows: Sequence[str]) -> str:
    head = "".join(f'<th class="ltx_td ltx_align_left ltx_th ltx_th_column">{text}</th>' for text in heads)
    body = "\n".join(
        f'<tr class="ltx_tr">{"".join(f"<td class=ltx_td>{text}</td>" for text in cells)}</tr>' for cells in rows
    )
    return (
        f'<figure class="ltx_table">{_caption(tag, caption)}\n<table class="ltx_tabular ltx_align_middle">'
        f'<thead class="ltx_thead"><tr class="ltx_tr">{head}</tr></thead>\n<tbody class="ltx_tbody">{body}</tbody>'
        "</table></figure>"
    )


def _figure(tag: str, caption: str) -> str:
    image = '<img class="ltx_graphics" src="x1.png" width="598" height="372" alt="Refer to caption">'
    return f'<figure class="ltx_figure">{image}\n{_caption(tag, caption)}</figure>'


def _caption(tag: str, text: str) -> str:
    return f'<figcaption class="ltx_caption ltx_centering"><span class="ltx_tag">{tag}</span>{text}</figcaption>'


def _note(role: str, text: str) -> str:
    mark = '<sup class="ltx_note_mark">1</sup>'
    return (
        f'<span class="ltx_note ltx_role_{role}">{mark}<span class="ltx_note_outer"><span class="ltx_note_content">'
        f'{mark}<span class="ltx_tag ltx_tag_note">1</span>{text}</span></span></span>'
    )


def _cite(*numbers: int) -> str:
    links = (f'<a class="ltx_ref" href="#bib.bib{number}" title="">{number}</a>' for number in numbers)
    return f'<cite class="ltx_cite ltx_citemacro_cite">[{", ".join(links)}]</cite>'


def _text(raw: str) -> str:
    return html.escape(to_api_text(raw))


def _page(title: str, *body: str, head: str = "") -> bytes:
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        f'<head><meta charset="utf-8"><title>{html.escape(title)}</title>{head}</head>',
        "<body>",
        *body,
        "</body>",
        "</html>",
        "",
    ]
    return "\n".join(lines).encode()
