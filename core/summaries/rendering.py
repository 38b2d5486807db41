"""A summary's Markdown -> HTML for feeds, HTML for pages, Markdown for a digest.

The text comes from a model that read an untrusted paper, so everything in it is data: raw HTML is shown, not run; no
image is loaded; a link stands only where the caller vouches for its address. The HTML is written safe here and then
cleaned once more by nh3, so that a mistake in either is not enough. One parser serves all three, with what real
summaries need beyond CommonMark: tables, math in `$`, bold type next to Chinese punctuation, `<br>` in cells.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from html import escape
from itertools import count, groupby
from typing import Literal

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock, table
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from markdown_it.utils import EnvType, OptionsDict

from core.summaries.cleaning import MAX_CHARACTERS, drop_unprintable
from core.summaries.formulas import MATHML_ATTRIBUTES, to_mathml, to_unicode
from core.summaries.tables import is_delimiter, read_header, read_rows

RENDERER = "3"  # changes with the output, for whoever keeps it

_MAX_NESTING = 20
_FORMULA_FENCES = ("math", "latex", "tex")
_MAX_CELLS = 5_000  # the largest number in 605 real summaries is 192


def render_feed(markdown: str, *, urls: Collection[str] = ()) -> str:
    """*markdown* as HTML for feed readers, in which formulas are text, or LaTeX in `<code>` where text cannot say them.

    Of all addresses only those in *urls* become links, if they are http or https. Without style, class, script, image
    and characters that XML cannot carry; "" for nothing. What is behind MAX_CHARACTERS is not rendered.
    """
    return _render_html(markdown, urls, _renderer(_FeedRenderer))


def render_page(markdown: str, *, urls: Collection[str] = ()) -> str:
    """*markdown* as HTML for web pages: as for feeds, but with formulas as MathML where they are valid LaTeX."""
    return _render_html(markdown, urls, _renderer(_PageRenderer))


def render_markdown(markdown: str, *, urls: Collection[str] = ()) -> str:
    """*markdown* written anew as CommonMark with GFM tables and math between dollar signs, ending without a line feed.

    Formulas stay LaTeX. Nothing in it runs or loads, and only *urls* become links, also where bare addresses do.
    """
    return drop_unprintable(_Writer(urls).write(SyntaxTreeNode(_parse(markdown, urls)).children))


def read_brackets(answer: str) -> str:
    r"""*answer* with its formulas in `\(…\)` and `\[…\]` between dollar signs, the only ones that are read here.

    Only of a model's own words: in Markdown that is written anew `\[` is a bracket. So it is here where what stands in
    brackets has no sign of a formula.
    """
    return _BRACKETED_MATH.sub(_read_bracket, answer)


def _read_bracket(match: re.Match[str]) -> str:
    inline, displayed = match["inline"], match["displayed"]
    latex = (inline or displayed or "").strip()
    is_math = _SIGN_OF_MATH.search(latex) or (inline is not None and _VARIABLE.fullmatch(latex))
    is_part_of_number = inline is not None and _touches_digit(match.string, *match.span())
    if not is_math or _has_words(latex) or (is_part_of_number and not _CLEAR_MATH.match(latex)):
        return match[0]
    return f"${latex}$" if inline is not None else f"$${latex}$$"


def as_sentence(html: str, text: str) -> str:
    """*html*, which a sentence *text* was rendered as, in one paragraph; "" for none.

    What Markdown takes for a list or for code is shown as it is.
    """
    is_paragraph = html.startswith("<p>") and html.endswith("</p>") and html.count("<p>") == 1
    return html if is_paragraph or not text else f"<p>{escape(drop_unprintable(text), quote=False)}</p>"


def _render_html(markdown: str, urls: Collection[str], renderer: RendererHTML) -> str:
    html = renderer.render(_parse(markdown, urls), _parser().options, {})
    return _sanitize(drop_unprintable(html)).strip()


def _sanitize(html: str) -> str:
    return _cleaner().clean(html)


@lru_cache(maxsize=1)
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags={*_TEXT_ELEMENTS, *_MATH_ELEMENTS},
        attributes={"a": {"href"}, "ol": {"start"}} | {name: set(MATHML_ATTRIBUTES) for name in _MATH_ELEMENTS},
        url_schemes={"http", "https"},
        link_rel=_LINK_RELATION,
    )


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LINK_RELATION = "nofollow noopener noreferrer"
_TEXT_ELEMENTS = _names(
    "p br hr h1 h2 h3 h4 h5 h6 strong em code pre blockquote ul ol li table thead tbody tr th td a sub sup"
)
_MATH_ELEMENTS = _names(
    "math mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt mstyle msub "
    "msubsup msup mtable mtd mtext mtr munder munderover"
)


# --- Markdown -> tokens


def _parse(markdown: str, urls: Collection[str]) -> list[Token]:
    """The tokens of *markdown* with everything resolved that is the same in all outputs."""
    parser = _parser()
    source = drop_unprintable(markdown)[:MAX_CHARACTERS]
    tokens = _shift_headings(parser.parse(source))
    allowed = {parser.normalizeLink(url) for url in urls if _is_web(url)}
    around = ""
    for token in tokens:
        if token.type in ("th_open", "td_open"):
            token.attrs = {}  # the alignment is a style
        if token.type == "inline":
            is_cell = around in ("th_open", "td_open")
            token.children = list(_merge_text(_resolve(_flatten(token.children or []), allowed, is_cell=is_cell)))
            if around == "heading_open":
                _drop_stray_stars(token.children)
        around = token.type
    return [read for token in tokens for read in _read_formula_block(token)]


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "xhtmlOut": False, "maxNesting": _MAX_NESTING}).enable("table")
    parser.block.ruler.at("table", _read_table, {"alt": ["paragraph", "reference"]})
    parser.inline.ruler.before("escape", "math", _read_math)
    parser.inline.ruler.at("emphasis", _read_emphasis)
    parser.inline.ruler.before("autolink", "tag", _read_tag)
    # Every link is read, so that one to nowhere shows its text; which become links is decided afterwards.
    parser.validateLink = lambda url: True  # type: ignore[method-assign] # the library says to set it
    parser.parse("x")  # compiles the rules, which two threads must not do at the same time
    return parser


_CJK = (
    r"\u1100-\u11ff\u2e80-\u303e\u3041-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f"
    r"\uff01-\uffe6\U00020000-\U0003ffff"
)
_IS_CJK = re.compile(f"[{_CJK}]")
_MATH = re.compile(  # bounded, since a text of signs that never close would take quadratic time
    r"\$\$(?P<displayed>(?:[^$\\]|\\.|\$(?!\$)){1,1000})\$\$|\$(?P<inline>(?:[^$\\]|\\.){1,1000})\$", re.DOTALL
)
_CLEAR_MATH = re.compile(r"\s*(?:\\[A-Za-z%]|[\^_]\s*(?:[{\\]|\S\s*\Z))")  # no money begins so
_COMMAND = re.compile(r"\\[A-Za-z]")
_BRACKETED_MATH = re.compile(  # or code, in which nothing is one
    r"```[\s\S]*?(?:```|\Z)|`[^`\n]*`|(?<!\\)\\\((?P<inline>(?:[^\\$]|\\[^()$]){1,1000})\\\)|(?<!\\)\\\[(?P<displayed>(?:[^\\$]|\\[^\[\]$]){1,1000})\\\]"
)
_SIGN_OF_MATH = re.compile(r"\\[A-Za-z{]|[\^_=]")
_VARIABLE = re.compile(r"\s*[A-Za-z]\s*(?:[-+*/,<>]\s*[A-Za-z0-9]\s*)*")
_TEXT_IN_MATH = re.compile(r"\\(?:text|mbox|textbf|textrm)\s*\{[^{}]*\}")
_TAG = re.compile(r"<br\s*/?>|<(?P<name>su[bp])>(?P<text>[^<>\n]{1,100})</(?P=name)>", re.IGNORECASE)


def _read_table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """The library's rule for tables, on rows that lose no cell (`core/summaries/tables.py`).

    And of _MAX_CELLS cells in all, since it fills up short rows of wide tables.
    """
    below = start + 1
    if below >= end or state.sCount[below] < state.blkIndent or state.is_code_block(start):
        return False
    if not is_delimiter(_line(state, below)):
        return False
    header = read_header(_line(state, start), _line(state, below))
    if header is None or silent:
        return header is not None

    def line_at(place: int) -> str | None:
        line = start + place
        return _line(state, line) if line < end and state.sCount[line] >= state.blkIndent else None

    left = state.env.setdefault("cells_left", _MAX_CELLS)
    rows = read_rows(header, line_at, cells=left)
    columns = rows[1].text.count("|") + 1
    within = StateBlock("\n".join(row.text for row in rows[: 2 + left // columns]), state.md, state.env, [])
    if left < columns or not table(within, 0, within.lineMax, silent):
        return False
    state.env["cells_left"] = left - within.line * columns
    for token in within.tokens:
        token.level += state.level
    state.tokens += within.tokens
    state.line = start + sum(row.lines for row in rows[: within.line])
    return True


def _line(state: StateBlock, line: int) -> str:
    return str(state.getLines(line, line + 1, state.blkIndent, False))


def _read_math(state: StateInline, silent: bool) -> bool:
    r"""The rule for `$…$` and `$$…$$`, with spaces inside or without.

    Money is left: signs with a digit before or behind them, with a space inside of only one, with Chinese between them
    but in `\text{}`; of 2,798 real formulas none is like that. But `3.2$\times$` and `85$\pm$2` begin as no money does.
    They are parts of a number, and text where text can say them: GitHub takes a sign behind a digit for money too.
    The library's plugin for this (mdit-py-plugins 0.7) misses a formula at the start of a text that ends in a digit,
    and reads a displayed one past the end of its list item.
    """
    match = _MATH.match(state.src, state.pos)
    if match is None:
        return False
    content = match["displayed"] or match["inline"]
    is_part_of_number = match["inline"] and _touches_digit(state.src, *match.span())
    is_uneven = match["inline"] and content[0].isspace() != content[-1].isspace()
    # A command behind the second sign says that it opens a formula, and the first one was money.
    is_left_open = match["inline"] and content[0].isdecimal() and _COMMAND.match(state.src, match.end())
    is_money = is_part_of_number or is_left_open
    if is_uneven or _has_words(content) or (is_money and not _CLEAR_MATH.match(content)):
        return False
    text = to_unicode(content) if is_part_of_number else None
    if not silent and text is not None:
        before, after = state.src[state.pos - 1 : state.pos], state.src[match.end() : match.end() + 1]
        apart = [
            " " if one.isdecimal() and other.isdecimal() else ""
            for one, other in ((before, text[:1]), (text[-1:], after))
        ]
        state.push("text", "", 0).content = text.join(apart)
    elif not silent:
        state.push("math_display" if match["displayed"] else "math_inline", "math", 0).content = content
    state.pos = match.end()
    return True


def _touches_digit(text: str, start: int, end: int) -> bool:
    return text[start - 1 : start].isdecimal() or text[end : end + 1].isdecimal()


def _has_words(latex: str) -> bool:
    """Whether Chinese stands in *latex* but in a `\\text{}`."""
    return _IS_CJK.search(_TEXT_IN_MATH.sub("", latex)) is not None


def _read_tag(state: StateInline, silent: bool) -> bool:
    """The rule for the only HTML that is one: `<br>`, and `<sub>` and `<sup>` around text."""
    tag = _TAG.match(state.src, state.pos)
    if tag is None:
        return False
    if not silent and tag["name"] is None:
        state.push("hardbreak", "br", 0)
    elif not silent:
        name = tag["name"].lower()
        state.push(f"{name}_open", name, 1)
        state.push("text", "", 0).content = tag["text"]
        state.push(f"{name}_close", name, -1)
    state.pos = tag.end()
    return True


def _read_emphasis(state: StateInline, silent: bool) -> bool:
    """The rule for `*` and `_`, as in the library but for what may stand around them (`_flanks`)."""
    marker = state.src[state.pos]
    if silent or marker not in "*_":
        return False
    scanned = state.scanDelims(state.pos, marker == "*")
    end = state.pos + scanned.length
    can_open, can_close = scanned.can_open, scanned.can_close
    if marker == "*":
        before, after = state.src[state.pos - 1 : state.pos] or " ", state.src[end : end + 1] or " "
        can_open, can_close = _flanks(before, after), _flanks(after, before)
    for _ in range(scanned.length):
        state.push("text", "", 0).content = marker
        state.delimiters.append(
            Delimiter(ord(marker), scanned.length, len(state.tokens) - 1, end=-1, open=can_open, close=can_close)
        )
    state.pos = end
    return True


def _flanks(outer: str, inner: str) -> bool:
    """Whether `*` between *outer* and *inner* may begin emphasis (or end it, seen from the other side).

    CommonMark takes `**“x”**是` for no emphasis because it expects a space behind punctuation. Chinese has none, so
    Chinese punctuation counts as letters and Chinese letters as spaces
    (https://github.com/tats-u/markdown-cjk-friendly, specification of 2024).
    """
    if inner.isspace():
        return False
    is_free = not _is_punctuation(inner) or _IS_CJK.match(inner)
    return bool(is_free or outer.isspace() or _is_punctuation(outer) or _IS_CJK.match(outer))


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"


def _shift_headings(tokens: list[Token]) -> list[Token]:
    """*tokens* without a title, which is the only heading of its level and stands first.

    Other headings keep their order, with the highest of them at level 4: what is rendered stands below a level 3.
    """
    headings = [token for token in tokens if token.type in ("heading_open", "heading_close")]
    if [token.tag for token in headings].count("h1") == 2 and tokens[0].tag == "h1":
        tokens = tokens[4:] if tokens[3:4] and tokens[3].type == "hr" else tokens[3:]
        headings = headings[2:]
    highest = min((int(token.tag[1]) for token in headings), default=1)
    for token in headings:
        token.tag = f"h{min(int(token.tag[1]) - highest + 4, 6)}"
    return tokens


def _drop_stray_stars(heading: Sequence[Token]) -> None:
    """Take `**` off the end or the beginning of a *heading* that has no other: half of a bold one."""
    texts = [token for token in heading if token.type == "text"]
    if sum(token.content.count("**") for token in texts) == 1:
        if heading[-1].type == "text":
            heading[-1].content = heading[-1].content.removesuffix("**")
        if heading[0].type == "text" and " " in heading[0].content:  # a single word is a name, as **kwargs
            heading[0].content = heading[0].content.removeprefix("**")


def _read_formula_block(token: Token) -> list[Token]:
    """*token*; a paragraph with a formula where it is a fence that says so, and holds one."""
    if token.type != "fence" or token.info.strip().lower() not in _FORMULA_FENCES or not token.content.strip():
        return [token]
    latex = token.content.strip().removeprefix("$$").removesuffix("$$")
    if "$" in latex or to_mathml(latex, display=True) is None:
        return [token]
    formula = Token("math_display", "math", 0, content=latex)
    return [
        Token("paragraph_open", "p", 1, level=token.level, block=True),
        Token("inline", "", 0, level=token.level + 1, children=[formula], block=True),
        Token("paragraph_close", "p", -1, level=token.level, block=True),
    ]


def _flatten(tokens: Iterable[Token]) -> list[Token]:
    """Inline *tokens* without those that would be inside of _MAX_NESTING others; HTML parsers give up at some depth."""
    depth, kept = 0, []
    for token in tokens:
        depth += max(token.nesting, 0)
        if not token.nesting or depth <= _MAX_NESTING:
            kept.append(token)
        depth += min(token.nesting, 0)
    return kept


def _resolve(tokens: Sequence[Token], allowed: Collection[str], *, is_cell: bool) -> Iterator[Token]:
    """Inline *tokens* without images, links to elsewhere, and breaks around formulas on lines of their own."""
    is_link = False
    for position, token in enumerate(tokens):
        if token.type == "link_open":
            is_link = token.attrGet("href") in allowed
        if token.type in ("link_open", "link_close"):
            if is_link:
                yield token
        elif token.type == "image":
            yield Token("text", "", 0, content="".join(child.content for child in token.children or ()))
        elif token.type == "math_display" and is_cell:
            token.type = "math_inline"
            yield token
        elif token.type in ("softbreak", "hardbreak"):
            # A model ends a line where it wants one to end.
            token.type, token.tag = "hardbreak", "br"
            around = [
                neighbour.type
                for neighbour in (*tokens[max(position - 1, 0) : position], *tokens[position + 1 : position + 2])
            ]
            if len(around) == 2 and (is_cell or "math_display" not in around):
                yield token
        else:
            yield token


def _merge_text(tokens: Iterable[Token]) -> Iterator[Token]:
    """*tokens* with one text where there were several, since two harmless pieces can be markup or an address in one."""
    for is_text, run in groupby(tokens, key=lambda token: token.type == "text"):
        if is_text:
            text, *others = run
            content = drop_unprintable("".join([text.content, *(other.content for other in others)]))
            text.content = content.replace("\n", " ")  # `&#10;`
            yield text
        else:
            yield from run


# --- Tokens -> HTML


class _FeedRenderer(RendererHTML):
    """The library's HTML without attributes, and with formulas as text."""

    def math_inline(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return _formula(tokens[idx].content)

    def math_display(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        before, after = "<br>" if idx else "", "<br>" if idx + 1 < len(tokens) else ""
        return f"{before}{_formula(tokens[idx].content)}{after}"

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<a href="{escape(str(tokens[idx].attrGet("href")))}" rel="{_LINK_RELATION}">'

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f"<pre><code>{escape(tokens[idx].content)}</code></pre>\n"

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return self.fence(tokens, idx, options, env)


class _PageRenderer(_FeedRenderer):
    """The same with formulas as MathML."""

    def math_inline(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return to_mathml(tokens[idx].content, display=False) or super().math_inline(tokens, idx, options, env)

    def math_display(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return to_mathml(tokens[idx].content, display=True) or super().math_display(tokens, idx, options, env)


@lru_cache(maxsize=2)
def _renderer(kind: type[_FeedRenderer]) -> _FeedRenderer:
    return kind()


def _formula(latex: str) -> str:
    text = to_unicode(latex)
    return escape(text) if text is not None else f"<code>{escape(' '.join(latex.split()))}</code>"


# --- Tokens -> Markdown

# A piece of a line, and what it is to its neighbours: text, the beginning or the end of emphasis, markup, a line's end.
_Piece = tuple[str, Literal["text", "open", "close", "markup", "break"]]


class _Writer:
    """Writes Markdown that means the same to every parser: what could be read as markup is escaped."""

    def __init__(self, urls: Collection[str]) -> None:
        self._urls = urls

    def write(self, nodes: Sequence[SyntaxTreeNode]) -> str:
        return "\n\n".join(filter(None, map(self._block, nodes)))

    def _block(self, node: SyntaxTreeNode) -> str:
        write = {
            "blockquote": self._quote,
            "bullet_list": self._list,
            "code_block": _code_block,
            "fence": _code_block,
            "heading": self._heading,
            "hr": lambda _: "___",  # in a list `- ---` would be one rule, and the list gone
            "ordered_list": self._list,
            "table": self._table,
        }.get(node.type, self._line)
        return write(node)

    def _quote(self, node: SyntaxTreeNode) -> str:
        return _indented(self.write(node.children), "> ", "> ")

    def _heading(self, node: SyntaxTreeNode) -> str:
        text = _LINE_END.sub(" ", self._line(node))
        unclosed = text.rstrip("#")
        return f"{'#' * int(node.tag[1])} {unclosed}" + (f"\\{text[len(unclosed) :]}" if text != unclosed else "")

    def _list(self, node: SyntaxTreeNode) -> str:
        is_tight = all(child.hidden for item in node.children for child in item.children if child.type == "paragraph")
        first = int(node.attrs.get("start", 1))
        items = []
        for number, item in enumerate(node.children, first):
            marker = f"{number}{node.markup} " if node.type == "ordered_list" else f"{node.markup} "
            items.append(_indented(self._item(item, is_tight=is_tight), marker, " " * len(marker)))
        return ("\n" if is_tight else "\n\n").join(items)

    def _item(self, item: SyntaxTreeNode, *, is_tight: bool) -> str:
        text = ""
        for child in item.children:
            is_close = is_tight and child.type not in ("paragraph", "table")
            text += (("\n" if is_close else "\n\n") if text else "") + self._block(child)
        return text

    def _table(self, node: SyntaxTreeNode) -> str:
        rows = [row.children for part in node.children for row in part.children]
        lines = [f"| {' | '.join(self._line(cell, is_cell=True) for cell in row)} |" for row in rows]
        return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])

    def _line(self, node: SyntaxTreeNode, *, is_cell: bool = False) -> str:
        """The text of a paragraph, heading or cell."""
        parts = [part for inline in node.children for part in inline.children]
        pieces = (piece for part in parts for piece in self._pieces(part, is_cell))
        return _assemble(_tidy(pieces), is_paragraph=node.type == "paragraph")

    def _pieces(self, node: SyntaxTreeNode, is_cell: bool, is_link: bool = False) -> Iterator[_Piece]:
        inner = (
            piece for part in node.children for piece in self._pieces(part, is_cell, is_link or node.type == "link")
        )
        match node.type:
            case "text":
                yield from self._text(node.content, is_link=is_link)
            case "hardbreak":
                yield "<br>" if is_cell else "\\\n", "break"
            case "code_inline":
                yield _code(node.content, is_cell=is_cell), "markup"
            case "math_inline":
                yield _math(node.content, "$", is_cell=is_cell), "markup"
            case "math_display":
                yield from (("\n", "break"), (_math(node.content, "$$"), "markup"), ("\n", "break"))
            case "strong" | "em":
                marker = "**" if node.type == "strong" else "*"
                yield from ((marker, "open"), *inner, (marker, "close"))
            case "link":
                yield from (("[", "markup"), *inner, (f"](<{node.attrs['href']}>)", "markup"))
            case _:  # sub, sup
                yield from ((f"<{node.tag}>", "markup"), *inner, (f"</{node.tag}>", "markup"))

    def _text(self, content: str, *, is_link: bool) -> Iterator[_Piece]:
        """*content* escaped; addresses in it, of which GitHub makes links, as links or code."""
        end = 0
        for match in () if is_link else _BARE_ADDRESS.finditer(content):
            address = match[0].rstrip(_AFTER_ADDRESS)
            yield _MARKUP.sub(_ESCAPED, content[end : match.start()]), "text"
            yield (f"<{address}>" if address in self._urls and _is_web(address) else _code(address)), "markup"
            end = match.start() + len(address)
        yield _MARKUP.sub(_ESCAPED, content[end:]), "text"


def _tidy(pieces: Iterable[_Piece]) -> list[_Piece]:
    """*pieces* without emphasis around nothing and spaces at its ends, which removed images leave, and last breaks.

    Breaks at the end of emphasis come after it: at the start of a line its last `*` would be a list's.
    """
    kept: list[_Piece] = []
    for text, role in pieces:
        if role == "close":
            breaks: list[_Piece] = []
            while kept[-1][1] == "break" or (kept[-1][1] == "text" and not kept[-1][0].strip()):
                last = kept.pop()
                breaks += [last] if last[1] == "break" else []
            if kept[-1][1] == "open":
                kept[-1] = (" ", "text")  # rather than nothing: it may have parted an address
            else:
                kept[-1] = (kept[-1][0].rstrip() if kept[-1][1] == "text" else kept[-1][0], kept[-1][1])
                kept.append((text, role))
            kept += breaks
            continue
        if role == "text" and kept and kept[-1][1] == "open":
            text = text.lstrip()  # noqa: PLW2901
        if text:
            kept.append((text, role))
    while kept and kept[-1][1] == "break":
        kept.pop()
    return kept


def _assemble(pieces: Sequence[_Piece], *, is_paragraph: bool) -> str:
    """The line of *pieces*, with spaces where CommonMark needs them to see emphasis and to tell markup apart."""
    line = inner = ""
    last = "break"
    for position, (text, role) in enumerate(pieces):
        if role == "break":
            line = line.rstrip(" ") + text if line else ""
        elif role == "open":
            following = _first_character(pieces, position, "open")
            is_seen = last == "open" or (last != "close" and _flanks_plainly(line[-1:], following))
            line += text if is_seen else f" {text}"
        elif role == "close":
            inner = inner if last == "close" else line[-1:]
            following = _first_character(pieces, position + 1, "close")
            is_last = position + 1 == len(pieces) or pieces[position + 1][1] != "close"
            line += f"{text} " if is_last and not _flanks_plainly(following, inner) else text
        elif role == "text" and is_paragraph and (not line or line.endswith("\n")):
            line += _LINE_START.sub(r"\1\\\2", text.lstrip(), count=1)
        else:
            line += f" {text}" if line[-1:] in ("`", "$") and text.startswith(line[-1]) else text
        last = role
    return line.strip(" ")


def _first_character(pieces: Sequence[_Piece], position: int, passed_over: str) -> str:
    while position < len(pieces) and pieces[position][1] == passed_over:
        position += 1
    return pieces[position][0][:1] if position < len(pieces) else ""


def _flanks_plainly(outer: str, inner: str) -> bool:
    """Whether `*` between *outer* and *inner*, both "" at the ends of the line, is seen as emphasis by CommonMark."""
    return not inner or not _is_punctuation(inner) or not outer or outer.isspace() or _is_punctuation(outer)


def _code(content: str, *, is_cell: bool = False) -> str:
    lengths = {len(run) for run in re.findall("`+", content)}
    marks = "`" * next(length for length in count(1) if length not in lengths)
    padding = " " if content[0] in "` " or content[-1] in "` " else ""
    content = content.replace("|", r"\|") if is_cell else content
    return f"{marks}{padding}{content}{padding}{marks}"


def _code_block(node: SyntaxTreeNode) -> str:
    # Without the language: GitHub draws a diagram, with links, of a `mermaid` one.
    longest = max(map(len, re.findall("`+", node.content)), default=0)
    marks = "`" * max(3, longest + 1)
    content = node.content.rstrip("\n")
    return f"{marks}\n{content}\n{marks}"


def _math(content: str, markup: str, *, is_cell: bool = False) -> str:
    """The formula on one line, written so that it is neither HTML nor a link where it is not taken for a formula."""
    latex = " ".join(content.split())
    if not latex:
        return ""
    if _NO_MATH.search(latex):
        return _code(latex, is_cell=is_cell)
    latex = _TAG_IN_MATH.sub(r"\\lt ", latex).replace("](", "] (")
    if is_cell:
        latex = _BAR.sub(lambda bar: r"\mid " if bar[1] else r"\mid", latex.replace(r"\|", r"\Vert ")).strip()
    return f"{markup}{latex}{markup}"


def _indented(text: str, first: str, others: str) -> str:
    begin, *rest = text.split("\n")
    return "\n".join([(first + begin).rstrip(), *((others + line).rstrip() for line in rest)])


def _is_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))


_ESCAPED = r"\\\g<0>"
_MARKUP = re.compile(r"[\\`*\[\]<~$|]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w{1,40};)|!$")
_LINE_START = re.compile(r"^(\d{1,9}(?=[.)](?:\s|$))|(?=[#>=+-]))(.)")
_LINE_END = re.compile(r"\\?\n")
_BARE_ADDRESS = re.compile(
    r"(?:(?:https?|ftp)://|(?<![A-Za-z0-9])www\.)[!-;=?-~]*"
    r"|(?<![A-Za-z0-9._+-])[A-Za-z0-9._+-]++@[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+",
    re.IGNORECASE,
)
_AFTER_ADDRESS = ".,;:!?'\"()[]{}|*_~"
_NO_MATH = re.compile(r"`|://|www\.|@\w+\.|(?<!\\)\$|(?<!\\)(?:\\\\)*\\$", re.IGNORECASE)
_TAG_IN_MATH = re.compile(r"<(?=[A-Za-z/!?])")
_BAR = re.compile(r"\|(?=([A-Za-z])?)")
