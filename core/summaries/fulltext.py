"""arXiv's HTML rendering of a paper (LaTeXML) -> the plain text that a model reads.

Takes bytes and gives text; asking arXiv for the page is `core/arxiv/client.py`. What belongs to the page and not to the
paper, and what no summary needs (references, appendices, acknowledgements), is left out.

The page comes from an author's TeX over a converter, so it is not trusted to be small, closed or sensibly nested. It is
read as a stream of tags: lxml's trees end at 256 levels, and a tag's attributes cost them the square of their number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from core.summaries.cleaning import drop_unprintable

MAX_CHARACTERS = 60_000  # about 15,000 tokens
MIN_CHARACTERS = 1_500  # arXiv allows 1,920 in an abstract: a page with less than this has not much of a paper

_ARTICLE = re.compile(r"<article\b[^<>]{0,1000}\bltx_document\b")
# libxml2 gives up on a comment, or what it takes for one, after 10 MB and tries again a few bytes on: hours of work.
_NO_TAG = re.compile(r"<!--.*?(?:-->|\Z)|<(?:[!?]|/(?![A-Za-z]))[^>]*(?:>|\Z)", re.DOTALL)
_BROKEN_OFF = "Conversion to HTML had a Fatal error"
_CHUNK_CHARACTERS = 16_384
# Papers stay far below both. A stray end tag costs as much time as there are levels; all events take up to 4 seconds.
_MOST_LEVELS = 500
_MOST_EVENTS = 1_000_000

_Role = Literal[
    "left out", "block", "heading", "mark", "table", "row", "equation", "cell", "gap", "line", "note", "citation",
    "raised", "formula", "annotation", "text",
]  # fmt: skip

_CELL = "\x1f"  # where a cell begins; to Python it is white space, so that the page cannot bring any
_SPACES = re.compile(r"\s+")
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"\w")
_EXPONENT = re.compile(r"[+\-−–]?\d[\d.,]*")
_LINE_END_IN_TEX = re.compile(r"(?<!\\)%\s*\n")
_BETWEEN_FORMULAS = re.compile(r"\$\s+\$")
_HEADING = re.compile(r"#{2,6} ")
_BACK_MATTER = re.compile(
    r"(?:(?-i:[\dA-Z.]+)\s+)?"
    r"(?:acknowledge?ments?\b.*+|references|bibliography|appendi(?:x|ces)|supplementary materials?"
    r"|(?:neurips )?paper checklist)\W*",
    re.IGNORECASE,
)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TAGS_LEFT_OUT = _names(
    "annotation-xml aside button dialog footer form head header iframe input label nav noscript object script select "
    "style svg template textarea title"
)
_CLASSES_LEFT_OUT = _names(
    "infobox ltx_ERROR ltx_TOC ltx_acknowledgements ltx_appendix ltx_authors ltx_bibitem ltx_bibliography ltx_biblist "
    "ltx_classification ltx_date ltx_dates ltx_glossary ltx_index ltx_listing_data ltx_note_mark ltx_note_type "
    "ltx_page_footer ltx_page_header ltx_page_logo ltx_page_navbar ltx_pubnotes ltx_rdf ltx_tag_listingline "
    "ltx_tag_note ltx_title_document package-alerts sr-only"
)
_IDS_LEFT_OUT = _names("infobox license-tr watermark-tr")
_NOTES_READ = _names("ltx_role_footnote ltx_role_footnotetext ltx_role_endnote")

# Within a line LaTeXML writes tables and paragraphs as `span`s, so classes say more than tags; the first one counts.
_ROLES_OF_CLASSES: Mapping[str, _Role] = {
    "ltx_eqn_table": "table", "ltx_tabular": "table", "ltx_eqn_row": "equation", "ltx_tr": "row", "ltx_eqn_cell": "gap",
    "ltx_td": "cell", "ltx_listingline": "line", "ltx_tag_item": "mark", "ltx_note_content": "note",
    "ltx_cite": "citation", "ltx_title": "heading", "ltx_caption": "block", "ltx_p": "block", "ltx_para": "block",
    "ltx_listing": "block",
}  # fmt: skip
_ROLES_OF_TAGS: Mapping[str, _Role] = {
    "math": "formula", "annotation": "annotation", "table": "table", "tr": "row", "td": "cell", "th": "cell",
    "sup": "raised", "br": "gap",
    **dict.fromkeys(_names("h1 h2 h3 h4 h5 h6"), "heading"),
    **dict.fromkeys(_names("article blockquote dd div dl dt figcaption figure li ol p pre section ul"), "block"),
}  # fmt: skip
_HEADING_SIGNS: Mapping[str, str] = {
    "ltx_title_abstract": "## ", "ltx_title_part": "## ", "ltx_title_chapter": "## ", "ltx_title_section": "## ",
    "ltx_title_subsection": "### ", "ltx_title_subsubsection": "#### ", "ltx_title_paragraph": "##### ",
    "ltx_title_subparagraph": "###### ",
}  # fmt: skip


def extract_text(page: bytes, *, max_characters: int = MAX_CHARACTERS) -> str | None:
    """The text of the paper that *page* renders, None where there is none in it.

    Headings are lines (`## 3 Method`), paragraphs have a blank line between them, math is TeX between dollar signs, the
    cells of a table's row are parted by ` | `, footnotes stand in parentheses. Citations that are nothing but numbers
    go with the references that they lead to. The text ends with a paragraph, within *max_characters*; only a first
    paragraph that is longer is cut itself.

    No paper is in a page that is not LaTeXML's, that it gave up on, or that has less than `MIN_CHARACTERS` of text.
    Nothing is raised, whatever *page* holds.
    """
    source = page.decode("utf-8", "replace").replace("\0", "")
    article = _ARTICLE.search(source)
    if article is None or _BROKEN_OFF in source:
        return None
    blocks = _read(_NO_TAG.sub("", source[article.start() :]), max(max_characters, MIN_CHARACTERS))
    if sum(map(len, blocks)) < MIN_CHARACTERS:
        return None
    return _fit(blocks, max_characters)


def _read(source: str, most_characters: int) -> list[str]:
    """The blocks of the article that *source* begins with: all, or so many that they exceed *most_characters*."""
    from lxml import etree  # noqa: PLC0415 - heavy, and only the writing of summaries needs it

    reader = _Reader(most_characters)
    # The stubs ask for a target that takes bytes and comments too; lxml gives it neither.
    parser = etree.HTMLParser(target=reader, encoding="utf-8")  # type: ignore[arg-type]
    for start in range(0, len(source), _CHUNK_CHARACTERS):
        parser.feed(source[start : start + _CHUNK_CHARACTERS].encode())
        if reader.is_done:
            return reader.blocks
    parser.close()
    return reader.blocks


def _fit(blocks: Iterable[str], max_characters: int) -> str:
    """As many of *blocks* as fit, without headings at the end; of one that is longer than half of it, its beginning."""
    kept: list[str] = []
    left = max_characters
    for block in blocks:
        if len(block) > left:
            if 2 * left > max_characters:
                kept.append(block[:left])
            break
        kept.append(block)
        left -= len(block) + 2
    while kept and _HEADING.match(kept[-1]):
        kept.pop()
    return "\n\n".join(kept)


@dataclass(frozen=True, slots=True)
class _Open:
    """An element that is not closed yet; what it adds to the line begins at *place*, *sign* is a heading's."""

    role: _Role
    place: int = 0
    sign: str = ""


_LEFT_OUT = _Open("left out")


class _Reader:
    """Takes what a parser meets and gathers *blocks*: headings, paragraphs, captions, tables, formulas, listings."""

    def __init__(self, most_characters: int) -> None:
        self.blocks: list[str] = []
        self.is_done = False
        self._characters_left = most_characters
        self._events_left = _MOST_EVENTS
        self._open: list[_Open] = []
        self._sections: list[int] = []  # the levels on which the open sections began
        self._article: int | None = None  # likewise
        self._left_out: int | None = None  # likewise
        self._line: list[str] = []
        self._mark = ""  # of a list's item, until its first block has it
        self._annotation = ""
        self._inline = 0  # open tables and notes, within which nothing begins a block of its own
        self._endings: Mapping[_Role, Callable[[_Open], None]] = {
            "block": self._end_block, "heading": self._end_heading, "mark": self._end_mark, "table": self._end_table,
            "row": self._end_row, "equation": self._end_equation, "line": self._end_line, "note": self._end_note,
            "citation": self._end_citation, "raised": self._end_raised, "formula": self._end_formula,
            "annotation": self._end_annotation,
        }  # fmt: skip

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        level = len(self._open)
        self._count_event()
        self.is_done = self.is_done or level == _MOST_LEVELS
        if self.is_done or self._left_out is not None:
            self._open.append(_LEFT_OUT)
            return
        if tag == "article" and self._article is None:
            self._article = level
        if tag == "section":
            self._sections.append(level)
        classes = (attributes.get("class") or "").split()
        role = self._begin(_role_of(tag, classes, attributes), attributes)
        if role == "left out":
            self._left_out = level
        self._open.append(_Open(role, len(self._line), _heading_sign(classes)))

    def data(self, text: str) -> None:
        self._count_event()
        if self._left_out is None and self._article is not None and not self.is_done:
            self._line.append(_on_one_line(text))

    def end(self, tag: str) -> None:
        if self.is_done:
            return
        opened = self._open.pop()
        level = len(self._open)
        if self._left_out is not None:
            self._left_out = None if level == self._left_out else self._left_out
        elif finish := self._endings.get(opened.role):
            finish(opened)
        if tag in ("li", "dd"):
            self._mark = ""
        if self._sections and self._sections[-1] == level:
            self._sections.pop()
        self.is_done = self.is_done or level == self._article

    def close(self) -> None:
        """There is nothing left to do: an article that nothing closes is closed by the parser."""

    def _count_event(self) -> None:
        self._events_left -= 1
        self.is_done = self.is_done or self._events_left == 0

    def _begin(self, role: _Role, attributes: Mapping[str, str]) -> _Role:
        """Readies the line for an element of *role*; what it is to be read as."""
        match role:
            case "block" | "heading":
                self._break()
            case "table":
                self._break()
                self._inline += 1
            case "cell":
                self._line.append(_CELL if self._inline == 1 else " ")
            case "gap":
                self._line.append(" ")
            case "note":
                self._line.append(" (")
                self._inline += 1
            case "formula" if tex := attributes.get("alttext"):
                self._line.append(_formula(tex))
                return "left out"
        return role

    def _end_block(self, _: _Open) -> None:
        self._break()

    def _end_heading(self, opened: _Open) -> None:
        if self._inline:
            return
        if self._sections and _BACK_MATTER.fullmatch(self._since(opened).strip()):
            self._line.clear()
            self._left_out = self._sections[-1]
            return
        self._mark = opened.sign
        self._flush()

    def _end_mark(self, opened: _Open) -> None:
        if not self._inline:
            text = _tidy(self._take(opened))
            self._mark = f"{text} " if _WORD.search(text) else "- "

    def _end_table(self, _: _Open) -> None:
        self._inline -= 1
        self._break()

    def _end_row(self, _: _Open) -> None:
        self._line.append("\n" if self._inline == 1 else " ")

    def _end_equation(self, opened: _Open) -> None:
        self._line.append(_BETWEEN_FORMULAS.sub(" ", self._take(opened)))
        self._end_row(opened)

    def _end_line(self, _: _Open) -> None:
        self._line.append(" " if self._inline else "\n")

    def _end_note(self, opened: _Open) -> None:
        text = self._take(opened).strip()
        self._inline -= 1
        self._line[-1:] = [f" ({text})"] if text else []

    def _end_citation(self, opened: _Open) -> None:
        if not _LETTER.search(self._since(opened)):
            self._take(opened)
            if self._line:
                self._line[-1] = self._line[-1].rstrip(" ")

    def _end_raised(self, opened: _Open) -> None:
        text = self._take(opened)
        self._line.append(f"^{text}" if _EXPONENT.fullmatch(text) else text)

    def _end_annotation(self, opened: _Open) -> None:
        self._annotation = self._take(opened)

    def _end_formula(self, opened: _Open) -> None:
        letters = self._take(opened)
        self._line.append(_formula(self._annotation or letters))
        self._annotation = ""

    def _since(self, opened: _Open) -> str:
        return "".join(self._line[opened.place :])

    def _take(self, opened: _Open) -> str:
        """What *opened* has added to the line, which it is taken from."""
        text = self._since(opened)
        del self._line[opened.place :]
        return text

    def _break(self) -> None:
        if self._inline:
            self._line.append(" ")
        else:
            self._flush()

    def _flush(self) -> None:
        """Makes a block of the line, unless it has neither letters nor digits."""
        lines = map(_tidy, "".join(self._line).split("\n"))
        text = "\n".join(line for line in lines if _WORD.search(line))
        self._line.clear()
        if text:
            self.blocks.append(self._mark + text)
            self._characters_left -= len(self.blocks[-1]) + 2
            self.is_done = self.is_done or self._characters_left < 0
            self._mark = ""


def _role_of(tag: str, classes: Collection[str], attributes: Mapping[str, str]) -> _Role:
    is_left_out = (
        tag in _TAGS_LEFT_OUT
        or not _CLASSES_LEFT_OUT.isdisjoint(classes)
        or attributes.get("id") in _IDS_LEFT_OUT
        or ("ltx_note" in classes and _NOTES_READ.isdisjoint(classes))
        or (tag == "annotation" and attributes.get("encoding") != "application/x-tex")
    )
    if is_left_out:
        return "left out"
    of_class = next((role for name, role in _ROLES_OF_CLASSES.items() if name in classes), None)
    return of_class or _ROLES_OF_TAGS.get(tag, "text")


def _heading_sign(classes: Iterable[str]) -> str:
    return next((_HEADING_SIGNS[name] for name in classes if name in _HEADING_SIGNS), "")


def _formula(tex: str) -> str:
    tex = _on_one_line(_LINE_END_IN_TEX.sub(" ", tex)).strip().removeprefix(r"\displaystyle").strip()
    return f"${tex}$" if tex else ""


def _on_one_line(text: str) -> str:
    return _SPACES.sub(" ", text)


def _tidy(line: str) -> str:
    """*line* with single spaces, and with bars between the cells where it is a row, which begins with one."""
    before, *cells = (" ".join(part.split()) for part in line.split(_CELL))
    return drop_unprintable(" | ".join([before, *cells] if before else cells or [before])).strip()
