"""TeX in arXiv's metadata -> Unicode text that a person can read.

arXiv's titles, abstracts and names are not LaTeX documents. They hold accents, a few macros and math between dollar
signs, but also `5% better`, `$5 million`, `~50`, `R&D` and macros whose definitions stayed at home. A LaTeX parser
loses text on them: to pylatexenc `%` starts a comment, an unknown macro is nothing, a missing argument is an
IndexError. So the reading is done here, and pylatexenc gives what it has right: the table of symbols.

The rule above all others: what an author wrote may look odd afterwards, but it is still there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial

MAX_CHARACTERS = 10_000  # arXiv allows 1,920 in an abstract; anything longer is passed through
_MAX_DEPTH = 60  # groups in groups; deeper ones are nobody's abstract
_REACH = 500  # tokens between an opening `$` or `[` and what closes it; bounds the time on text that never closes them
_MOST_ARGUMENTS = 2  # of a macro

_SIGNS_OF_TEX = ("\\", "$", "{", "}", "~", "--", "``", "''")

# What is one token; every other character is one of its own.
_SEVERAL_CHARACTERS = re.compile(
    r"""
    https?://(?:[^\s\\{}$<>"']|\\[_%\#&~])+   # an address, in which nothing is TeX but the backslash of \_
    | \\[A-Za-z]+(?:\*(?=\{))? | \\. | --- | -- | `` | ''
    """,
    re.VERBOSE | re.DOTALL,
)


def to_unicode(text: str) -> str:
    """*text* on one line with its TeX resolved as far as it can be; text without TeX comes back unchanged.

    Math becomes Unicode where it stays readable: `$O(n^2)$` is O(n²), `$x_{model}$` is x_model, `$\\frac{a+b}{2}$` is
    (a+b)/2. Styled letters (`\\mathcal{O}`) become plain ones: fonts of feed readers lack the styled ones, screen
    readers spell them out and a search for them fails. Only ℝ, ℕ and their like, which every font has, keep their look.
    A macro that nobody knows shows its argument, or its name where it has none. Nothing is raised; text that is too
    long or too deeply nested is only put on one line.
    """
    line = on_one_line(text)
    if len(line) > MAX_CHARACTERS or not has_tex(line):
        return line
    start, end = _span_of_tex(line)
    try:
        return on_one_line(line[:start] + _Renderer(line[start:end]).render() + line[end:])
    except _TooDeepError:
        return line


def on_one_line(text: str) -> str:
    """*text* with single spaces for all blanks between words, and none around it, as most texts are already."""
    is_so_already = "  " not in text and text.isprintable() and text[:1] != " " and text[-1:] != " "
    return text if is_so_already else " ".join(text.split())


def has_tex(text: str) -> bool:
    """Whether anything in *text* may be TeX."""
    return any(map(text.__contains__, _SIGNS_OF_TEX))


def _span_of_tex(line: str) -> tuple[int, int]:
    """Where the part of *line* begins and ends that TeX can change, at spaces; what is around it is mostly longer."""
    start = max(line.rfind(" ", 0, min(place for sign in _SIGNS_OF_TEX if (place := line.find(sign)) >= 0)), 0)
    end = max(map(line.rfind, _SIGNS_OF_TEX))
    if "[" in line[start:]:  # maybe an optional argument, of any length
        return start, len(line)
    for _ in range(1 + _MOST_ARGUMENTS * line.count("\\", start)):
        end = line.find(" ", end + 1)
        if end < 0:
            return start, len(line)
    return start, end


class _TooDeepError(Exception):
    """Groups or arguments are nested deeper than _MAX_DEPTH."""


class _Word(str):
    """A piece of text that would be misread when it touched letters or digits next to it: `n\\log n`, `2\\frac12`."""

    __slots__ = ()


class _Renderer:
    """Walks over the tokens of one text once. Math and groups are paired beforehand, so nothing is ever tried twice."""

    def __init__(self, text: str) -> None:
        tokens = _split_tokens(text)
        self._tokens = tokens
        # A character for each token: itself, where that is one.
        self._characters = _SEVERAL_CHARACTERS.sub(r"\\", text)
        signs = [
            start for sign in _MAY_BE_PAIRED.finditer(self._characters) if tokens[start := sign.start()] in _PAIRED
        ]
        self._math_ends = _pair_math(tokens, signs)
        self._group_ends = _pair_braces(tokens, signs, self._math_ends)
        self._position = 0
        self._end = len(tokens)
        self._depth = 0

    def render(self) -> str:
        return self._sequence(len(self._tokens), in_math=False)

    def _sequence(self, end: int, *, in_math: bool) -> str:
        """What stands between the position and *end*, which becomes the position."""
        if self._depth == _MAX_DEPTH:
            raise _TooDeepError
        outer_end, self._end, self._depth = self._end, end, self._depth + 1
        pieces: list[str] = []
        while self._position < end:
            plain = None if in_math else _PLAIN.match(self._characters, self._position, end)
            if plain:
                self._position = plain.end()
            _append(pieces, plain[0] if plain else self._piece(in_math=in_math))
        self._end, self._depth = outer_end, self._depth - 1
        return "".join(pieces)

    def _piece(self, *, in_math: bool) -> str:
        """What the next token stands for, together with the arguments it takes."""
        start = self._position
        self._position += 1
        if start in self._math_ends:
            return self._enclosed(self._math_ends[start], in_math=True).strip()
        if start in self._group_ends:
            return self._group(start, in_math=in_math)
        if macro := _MACRO.fullmatch(self._tokens[start]):
            return self._macro(macro[1], in_math=in_math)
        return self._sign(start, in_math=in_math)

    def _sign(self, start: int, *, in_math: bool) -> str:
        sign = self._tokens[start]
        if sign in ("^", "_") and (in_math or self._position in self._group_ends):
            return _script(sign, self._argument(in_math=in_math))
        if sign == "~":
            return " " if in_math or _is_tie(self._neighbours(start)) else "~"
        if sign.startswith("http"):
            return _unescaped(sign)
        if sign == "''" and not in_math and self._neighbours(start)[0] in _BEFORE_WORDS:
            return "“"
        return (_MATH_CHARACTERS if in_math else _TEXT_CHARACTERS).get(sign, sign)

    def _enclosed(self, end: int, *, in_math: bool) -> str:
        inner = self._sequence(end, in_math=in_math)
        self._position = end + 1
        return inner

    def _group(self, start: int, *, in_math: bool) -> str:
        end = self._group_ends[start]
        source = "".join(self._tokens[start + 1 : end])
        inner = self._enclosed(end, in_math=in_math)
        is_set = not in_math and "," in source.strip(",") and not has_tex(source)
        return f"{{{inner}}}" if is_set else inner

    def _neighbours(self, start: int) -> tuple[str, str]:
        """The characters before and after the token at *start*; empty at the ends of the text."""
        before = self._tokens[start - 1][-1] if start else ""
        after = self._tokens[start + 1][0] if start + 1 < len(self._tokens) else ""
        return before, after

    def _macro(self, name: str, *, in_math: bool) -> str:
        if name in _ACCENTS:
            return self._accent(name, in_math=in_math)
        if name in _SHAPES:
            arguments, shape = _SHAPES[name]
            in_math = in_math and name not in _TEXT_STYLES
            return shape(*[self._argument(in_math=in_math) for _ in range(arguments)])
        if name in _READERS:
            return _READERS[name](self, in_math)
        if name in _SWITCHES:
            self._skip_spaces()
            return ""
        symbol = _symbols().get(name)
        return self._unknown(name, in_math=in_math) if symbol is None else self._symbol(name, symbol, in_math=in_math)

    def _symbol(self, name: str, symbol: str, *, in_math: bool) -> str:
        if name in _LETTERS:
            self._skip_spaces()
        elif in_math and name.isalpha():
            self._skip_space_after(symbol)
        return _Word(symbol) if symbol.isascii() and symbol.isalpha() else symbol

    def _accent(self, name: str, *, in_math: bool) -> str:
        if not name.isalpha() and self._next() == " ":
            return name  # `\"best\" model`: a quotation mark that somebody escaped
        start = self._position
        argument = self._argument(in_math=in_math)
        # arXiv turned a submitted β, ρ or τ into `\beta`, `\rho`, `\tau`, and then the accent `\b` into `\b{eta}`.
        greek = _symbols().get(name + argument) if self._position - start > 1 and argument.isalpha() else None
        return greek or _accented(name, argument)

    def _unknown(self, name: str, *, in_math: bool) -> str:
        if name.isalpha() and self._position in self._group_ends:
            shown = self._group_at_position(in_math=in_math)
            if shown:
                return shown
        if len(name) == 1 and name.isalpha() and not in_math:
            return "\\" + name  # `\n` is a newline in a prompt rather than a macro
        return _Word(name) if name.isalpha() else name

    def read_reference(self, in_math: bool) -> str:
        r"""`\cite[see][p. 2]{key}` and its kind as what they name, in brackets."""
        parts = [*self._options(in_math=in_math), self._argument(in_math=in_math)]
        return f"[{', '.join(filter(None, parts))}]"

    def read_address(self, in_math: bool) -> str:
        r"""`\url{address}` as the address, in which nothing is TeX but the backslash of `\_`."""
        return _unescaped(self._source_of_argument())

    def read_link(self, in_math: bool) -> str:
        r"""`\href{address}{text}` as `text (address)`, each once: plain text has no other place for the address."""
        address = _unescaped(self._source_of_argument())
        text = self._group_at_position(in_math=in_math) if self._position in self._group_ends else ""
        if not text or not address or ("." in text and text in address):
            return address or text
        return f"{text} ({address})"

    def read_root(self, in_math: bool) -> str:
        options = self._options(in_math=in_math)
        sign = _script("^", options[0]) + "√" if options else "√"
        return sign + _in_parentheses(self._argument(in_math=in_math))

    def read_degree(self, in_math: bool) -> str:
        """`\\deg` as the sign after a number, which is arXiv's `360{\\deg}` for a submitted 360°; else the operator."""
        before = "".join(self._tokens[max(self._position - 3, 0) : self._position - 1]).rstrip("{")
        return "°" if before[-1:].isdigit() else _Word("deg")

    def read_delimiter(self, in_math: bool) -> str:
        r"""`\left` and `\right`, which take away a dot and leave every other delimiter to be read."""
        if self._next() == ".":
            self._position += 1
        return ""

    def _argument(self, *, in_math: bool) -> str:
        """The group or the single character or macro at the position; empty where the surrounding group ends."""
        if self._depth == _MAX_DEPTH:
            raise _TooDeepError
        self._skip_spaces()
        if self._position >= self._end:
            return ""
        if self._position in self._group_ends:
            return self._group_at_position(in_math=in_math)
        if self._next() == "{":  # one that nobody closes; what follows it is read as text
            self._position += 1
            return ""
        self._depth += 1
        piece = self._piece(in_math=in_math)
        self._depth -= 1
        return piece

    def _group_at_position(self, *, in_math: bool) -> str:
        start = self._position
        self._position += 1
        return self._enclosed(self._group_ends[start], in_math=in_math)

    def _source_of_argument(self) -> str:
        self._skip_spaces()
        start = self._position
        if start not in self._group_ends:
            return ""
        self._position = self._group_ends[start] + 1
        return "".join(self._tokens[start + 1 : self._position - 1])

    def _options(self, *, in_math: bool) -> list[str]:
        """The arguments in square brackets that follow directly."""
        options = []
        while self._next() == "[" and (end := self._option_end()):
            self._position += 1
            options.append(self._sequence(end, in_math=in_math))
            self._position = end + 1
        return options

    def _option_end(self) -> int | None:
        """Where the bracket that opens at the position closes, groups and math left aside."""
        position, reach = self._position, min(self._end, self._position + _REACH)
        while position < reach and self._tokens[position] != "]":
            position = self._group_ends.get(position, self._math_ends.get(position, position)) + 1
        return position if position < reach else None

    def _next(self) -> str:
        return self._tokens[self._position] if self._position < self._end else ""

    def _skip_spaces(self) -> None:
        while self._next() == " ":
            self._position += 1

    def _skip_space_after(self, symbol: str) -> None:
        r"""Passes over a space that is there only to end a macro's name, as in `n\times m`, not in `\Delta + 1`."""
        start = self._position
        before = self._tokens[start - 2 : start - 1]
        self._skip_spaces()
        after = self._next()[:1]
        if before == [" "] or after in _BINARY_SIGNS or (after == "\\" and symbol.isalpha()):
            self._position = start


def _split_tokens(text: str) -> list[str]:
    tokens: list[str] = []
    end = 0
    for several in _SEVERAL_CHARACTERS.finditer(text):
        tokens += text[end : several.start()]
        tokens.append(several[0])
        end = several.end()
    tokens += text[end:]
    return tokens


def _pair_math(tokens: list[str], signs: Sequence[int]) -> dict[int, int]:
    """Where math begins -> where it ends. The inner two dollar signs of `$$...$$` become spaces in *tokens*.

    *signs* are the places of dollar signs and their like.
    """
    ends: dict[int, int] = {}
    closing: set[int] = set()
    enclosing = [len(tokens)]
    for start in signs:
        sign = tokens[start]
        if start == enclosing[-1]:
            enclosing.pop()
        if sign not in _MATH_CLOSERS or start in closing:
            continue
        opener = 2 if sign == "$" and tokens[start + 1 : start + 2] == ["$"] else 1
        end = _math_end(tokens, start, opener, min(enclosing[-1], start + _REACH))
        if end is None:
            closing.update(range(start + 1, start + opener))
            continue
        if opener == 2:
            tokens[start + 1] = tokens[end - 1] = " "
        ends[start] = end
        closing.add(end)
        enclosing.append(end)
    return ends


def _math_end(tokens: list[str], start: int, opener: int, reach: int) -> int | None:
    r"""The last token of the math that *opener* tokens at *start* begin; None where they begin none.

    A closer inside braces counts only when there is none outside: `$\text{11$^\circ$}$` is one formula.
    """
    closer = [_MATH_CLOSERS[tokens[start]]] * opener
    depth = 0
    inside_braces = None
    for position in range(start + opener, reach):
        sign = tokens[position]
        if sign == closer[0] and tokens[position : position + opener] == closer and position + opener <= reach:
            if depth == 0:
                return _if_math(tokens, start, position, opener)
            inside_braces = inside_braces or position
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            break
    return inside_braces and _if_math(tokens, start, inside_braces, opener)


def _if_math(tokens: list[str], start: int, end: int, opener: int) -> int | None:
    if tokens[start] == "$" and opener == 1:
        after = tokens[end + 1] if end + 1 < len(tokens) else ""
        if not _is_math("".join(tokens[start + 1 : end]), after):
            return None
    return end + opener - 1


def _is_math(inner: str, after: str) -> bool:
    """Whether *inner* between two dollar signs is math, rather than the text between two prices: `$5 to $6`."""
    has_signs = _SIGNS_OF_MATH.search(inner) is not None
    if inner == inner.strip():
        return bool(inner) and (has_signs or not (inner[0].isdigit() and after.isdigit()))
    if has_signs:
        return not _PROSE.search(_COMMAND.sub(" ", inner))
    return len(inner.split()) == 1


def _pair_braces(tokens: list[str], signs: Sequence[int], math_ends: Mapping[int, int]) -> dict[int, int]:
    """Where groups begin -> where they end. A brace without a partner in the same formula or text is no group.

    *signs* are the places of braces and of what math begins and ends with.
    """
    ends: dict[int, int] = {}
    opened: list[int] = []
    limits: list[tuple[int, int]] = []
    for position in signs:
        sign = tokens[position]
        if limits and position == limits[-1][0]:
            del opened[limits.pop()[1] :]
        elif position in math_ends:
            limits.append((math_ends[position], len(opened)))
        elif sign == "{":
            opened.append(position)
        elif sign == "}" and len(opened) > (limits[-1][1] if limits else 0):
            ends[opened.pop()] = position
    return ends


def _append(pieces: list[str], piece: str) -> None:
    if not piece:
        return
    if pieces and piece[0].isalnum() and not unicodedata.decomposition(piece[0]).startswith(("<sup", "<sub")):
        before = pieces[-1]
        touches = before[-1].isalnum() or (before[-1] in ")]}|" and isinstance(piece, _Word))
        if touches and (isinstance(piece, _Word) or isinstance(before, _Word)):
            pieces.append(" ")
    pieces.append(piece)


def _is_tie(neighbours: tuple[str, str]) -> bool:
    """Whether `~` binds two words (`Fig.~1`), rather than say about (`~50%`) or to (`2~4 times`)."""
    before, after = neighbours
    if before in _BEFORE_WORDS or before in _BEFORE_NUMBERS or after in ("", " "):
        return False
    return not (after.isdigit() and (before.isdigit() or before == "%"))


def _accented(name: str, argument: str) -> str:
    r"""*argument* with the accent *name* on its first letter.

    Where that gives no letter anybody uses, it was not meant as an accent: `\~{}user`, `\"best`.
    """
    if not argument[:1].isalpha():
        return ("\\" + name if name.isalpha() else name) + argument
    accented = _compose(argument[0], _ACCENTS[name])
    return (accented if name.isalpha() or len(accented) == 1 else name + argument[0]) + argument[1:]


def _with_each_letter_accented(argument: str, accent: str) -> str:
    return "".join(_compose(letter, accent) if letter.isalpha() else letter for letter in argument)


def _compose(letter: str, accent: str) -> str:
    return unicodedata.normalize("NFC", {"ı": "i", "ȷ": "j"}.get(letter, letter) + accent)


def _script(sign: str, text: str) -> str:
    """*text* raised (*sign* `^`) or lowered (`_`): in Unicode's own small signs, else behind the sign.

    Words stay words (`x_model`), for they are hard to read small and not found by a search.
    """
    text = text.strip()
    if not text or (sign == "^" and text in _RAISED):
        return _RAISED.get(text, text)
    forms = _SUPERSCRIPTS if sign == "^" else _SUBSCRIPTS
    compact = text.replace(" ", "")
    if forms.keys() >= set(compact) and not _THREE_LETTERS.search(compact):
        return "".join(forms[character] for character in compact)
    return _Word(sign + (text if len(text) == 1 or text.isalpha() or text.isdecimal() else f"({text})"))


def _in_parentheses(text: str) -> str:
    """*text*, in parentheses unless it is one number, name or call."""
    text = text.strip()
    return text if _ONE_TERM.fullmatch(text) else f"({text})"


def _fraction(numerator: str, denominator: str) -> str:
    return _Word(f"{_in_parentheses(numerator)}/{_in_parentheses(denominator)}")


def _blackboard(text: str) -> str:
    return "".join(_DOUBLE_STRUCK.get(character, character) for character in text)


def _character(number: str) -> str:
    r"""MathJax's `\unicode{x2014}`."""
    try:
        character = chr(int(number.removeprefix("x"), 16 if number.startswith("x") else 10))
    except (ValueError, OverflowError):
        return number
    return character if character.isprintable() else number


def _roman(number: str) -> str:
    return _ROMAN.get(number, number)


def _unescaped(address: str) -> str:
    return _ESCAPED_IN_ADDRESS.sub(r"\1", address)


@lru_cache(maxsize=1)
def _symbols() -> Mapping[str, str]:
    """What macros without arguments stand for."""
    # Imported here because only texts with macros need it: 10 ms that a cold start need not pay.
    from pylatexenc.latex2text import get_default_latex_context_db  # noqa: PLC0415

    specs = get_default_latex_context_db().iter_macro_specs(["latex-base", "advanced-symbols"])
    symbols = {spec.macroname: spec.simplify_repl for spec in reversed(list(specs)) if _is_symbol(spec.simplify_repl)}
    return symbols | _SYMBOLS | {name: name for name in _OPERATORS}


def _is_symbol(replacement: object) -> bool:
    return isinstance(replacement, str) and replacement.strip() != "" and not replacement.isascii()


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MACRO = re.compile(r"\\(.[A-Za-z]*)\*?")
_SIGNS_OF_MATH = re.compile(r"[\\^_{}]")
_COMMAND = re.compile(r"\\[A-Za-z]+")
_PROSE = re.compile(r"[A-Za-z]{3}")
_THREE_LETTERS = re.compile(r"[^\W\d]{3}")
_BEFORE_WORDS = frozenset(["", " ", "(", "["])
_BEFORE_NUMBERS = frozenset("/=<>-–:")
_BINARY_SIGNS = frozenset("+-=<>*/|:&")
_ONE_TERM = re.compile(r"[\w.′°√ℓ\u0300-\u036f]*(?:\([^()]*\))?|\([^()]*\)")
_ESCAPED_IN_ADDRESS = re.compile(r"\\([_%#&~{}$])")

# What stands for itself in text, wherever it is.
_PLAIN = re.compile(r"[^\\${}^_~]+")
_MATH_CLOSERS = {"$": "$", r"\(": r"\)", r"\[": r"\]"}
_PAIRED = frozenset({*_MATH_CLOSERS, *_MATH_CLOSERS.values(), "{", "}"})
_MAY_BE_PAIRED = re.compile(r"[\\${}]")  # by the first character
_TEXT_CHARACTERS = {"---": "—", "--": "–", "``": "“", "''": "”"}
_MATH_CHARACTERS = {"'": "′", "''": "″", "&": " "}

_ACCENTS = {
    "'": "\u0301", "`": "\u0300", '"': "\u0308", "^": "\u0302", "~": "\u0303", "=": "\u0304", ".": "\u0307",
    "c": "\u0327", "H": "\u030b", "k": "\u0328", "b": "\u0331", "d": "\u0323", "r": "\u030a", "u": "\u0306",
    "v": "\u030c", "t": "\u0361",
}  # fmt: skip
_MATH_ACCENTS = {
    "acute": "\u0301", "grave": "\u0300", "ddot": "\u0308", "hat": "\u0302", "widehat": "\u0302", "Hat": "\u0302",
    "tilde": "\u0303", "widetilde": "\u0303", "Tilde": "\u0303", "bar": "\u0304", "overline": "\u0304",
    "Bar": "\u0304", "dot": "\u0307", "mathring": "\u030a", "breve": "\u0306", "check": "\u030c", "vec": "\u20d7",
}  # fmt: skip
_LETTERS = _names("AA AE DH DJ L NG O OE TH aa ae dh dj i j l ng o oe ss th")

_SUPERSCRIPTS = dict(
    zip("0123456789+-=()abcdefghijklmnoprstuvwxyzT⊤", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᵀᵀ", strict=True)
)
_SUBSCRIPTS = dict(zip("0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
_RAISED = dict(zip("*∗′″°∘†‡", "**′″°°†‡", strict=True))  # high enough by themselves
_DOUBLE_STRUCK = dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ", strict=True))

_OPERATORS = _names(
    "arccos arcsin arctan arg argmax argmin choose cos cosh cot coth csc det dim exp gcd hom inf ker lg lim ln log "
    "max min mod poly polylog Pr sec sin sinh sup tan tanh"
)

# Macros without arguments that the library does not know, has in ASCII, or has as a character that few fonts hold.
_SYMBOLS = {
    ",": " ", ";": " ", ":": " ", ">": " ", " ": " ", "~": "~", "\\": " ", "!": "", "-": "", "/": "", "@": "", "|": "‖",
    "quad": " ", "qquad": " ", "enspace": " ", "space": " ", "par": " ", "newline": " ", "item": " • ",
    "epsilon": "ε", "phi": "φ", "prime": "′", "ast": "*", "star": "⋆", "circ": "∘", "degree": "°", "percent": "%",
    "mid": "|", "vert": "|", "lvert": "|", "rvert": "|", "lbrace": "{", "rbrace": "}", "lbrack": "[", "rbrack": "]",
    "colon": ":", "slash": "/", "backslash": "\\", "textbackslash": "\\", "textasciitilde": "~", "textdollar": "$",
    "textasciicircum": "^", "textunderscore": "_", "textquotesingle": "'", "textasciigrave": "`", "lq": "‘", "rq": "’",
    "textless": "<", "textgreater": ">", "lt": "<", "gt": ">", "textbar": "|", "textpercent": "%",
    "ne": "≠", "land": "∧", "lor": "∨", "neg": "¬", "lnot": "¬", "Box": "□", "Diamond": "◇", "qed": "□",
    "implies": "⟹", "iff": "⟺", "over": "/", "Im": "Im", "Re": "Re", "bmod": " mod ", "limsup": "lim sup",
    "liminf": "lim inf", "eg": "e.g.", "ie": "i.e.", "etc": "etc.", "iid": "i.i.d.", "TeX": "TeX", "LaTeX": "LaTeX",
}  # fmt: skip

# What only changes the look of what follows.
_SWITCHES = _names(
    "bf bfseries big Big bigg Bigg bigl bigr bigm Bigl Bigr Bigm biggl biggr Biggl Biggr boldmath cal centering "
    "displaystyle em expandafter footnotesize it itshape large Large LARGE limits mathstrut mdseries middle noindent "
    "nolimits normalfont normalsize null protect raggedright relax rm rmfamily sc scriptsize scriptstyle scshape sf "
    "sffamily sl slshape small strut textstyle tiny tt ttfamily upshape xspace"
)

_MATH_STYLES = _names(
    "boldsymbol bm boxed ensuremath hl lowercase mathbf mathcal mathfrak mathit mathop mathrm mathscr mathsf mathtt "
    "overbrace overrightarrow pmb ul uline underbrace underline uppercase"
)
_TEXT_STYLES = _names(
    "emph fbox hbox mbox text textbf textit textmd textnormal textrm textsc textsf textsl texttt textup"
)
_DROPPED = _names("begin color end hphantom hspace label pagecolor phantom vphantom vspace")
_REFERENCES = _names(
    "autocite autoref Cref cite citealp citealt citeauthor citep citet citeyear cref eqref parencite ref textcite"
)

_ROMAN = {"1": "i", "2": "ii", "3": "iii", "4": "iv", "5": "v", "6": "vi", "7": "vii", "8": "viii", "9": "ix"}

# Macros with arguments: how many, and what is made of their texts.
_SHAPES: dict[str, tuple[int, Callable[..., str]]] = {
    **dict.fromkeys(_MATH_STYLES | _TEXT_STYLES, (1, lambda text: text)),
    "operatorname": (1, _Word),
    **dict.fromkeys(_DROPPED, (1, lambda _: "")),
    **dict.fromkeys(_names("colorbox hyperlink texorpdfstring textcolor"), (2, lambda _, text: text)),
    **dict.fromkeys(_names("cfrac dfrac frac nicefrac sfrac tfrac"), (2, _fraction)),
    **dict.fromkeys(_names("binom dbinom tbinom"), (2, lambda n, k: f"({n} choose {k})")),
    **dict.fromkeys(["overset", "stackrel"], (2, lambda above, base: base + _script("^", above))),
    "underset": (2, lambda below, base: base + _script("_", below)),
    **dict.fromkeys(_names("Bbb mathbb mathbbm mathds"), (1, _blackboard)),
    **{name: (1, partial(_with_each_letter_accented, accent=accent)) for name, accent in _MATH_ACCENTS.items()},
    "enquote": (1, lambda text: f"“{text}”"),
    "footnote": (1, lambda text: f" ({text})" if text else " "),
    "not": (1, lambda relation: unicodedata.normalize("NFC", relation + "\u0338") if relation else ""),
    "pmod": (1, lambda modulus: f" (mod {modulus})"),
    "romannumeral": (1, _roman),
    "textsubscript": (1, lambda text: _script("_", text)),
    "textsuperscript": (1, lambda text: _script("^", text)),
    "unicode": (1, _character),
}

_READERS: dict[str, Callable[[_Renderer, bool], str]] = {
    **dict.fromkeys(_REFERENCES, _Renderer.read_reference),
    **dict.fromkeys(["left", "right"], _Renderer.read_delimiter),
    **dict.fromkeys(["path", "url"], _Renderer.read_address),
    "href": _Renderer.read_link,
    "deg": _Renderer.read_degree,
    "sqrt": _Renderer.read_root,
}
