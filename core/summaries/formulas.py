r"""LaTeX formulas in summaries -> Unicode text for feeds, MathML for pages.

No feed reader runs a math library, and one that strips MathML shows `10^{-5}` as 10-5. So feeds get text, and where
text cannot say what the formula says there is none: the caller shows the LaTeX. Titles and abstracts, in which nothing
may be missing whatever it looks like, are `core/tex.py`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from core import tex

if TYPE_CHECKING:
    from math_core import LatexToMathML

MAX_CHARACTERS = 1_000  # the longest of 2,949 real formulas has 266
_MAX_DEPTH = 20  # arguments in arguments

_TOKEN = re.compile(r"\\operatorname\*|\\[A-Za-z]+|\\.|\d+(?:[.,]\d+)*|:=|\s+|.", re.DOTALL)


def to_unicode(latex: str) -> str | None:
    r"""The formula *latex* as one line of text: x₁², 10⁻³, ℝ, a/(b + c), √n, x_max; "" for an empty one.

    None where text would say something else or nothing readable: sums with two limits, matrices, cases, labelled
    braces, scripts in scripts that have no small signs, unknown commands, anything malformed.
    """
    if len(latex) > MAX_CHARACTERS:
        return None
    try:
        return _Reader(_TOKEN.findall(_SPACE_BEFORE_SCRIPT.sub("", latex))).read()
    except _LostError:
        return None


def to_mathml(latex: str, *, display: bool) -> str | None:
    """The formula *latex* as a `<math>` element, a block where *display*; None where it is no valid LaTeX.

    Elements are those of MathML Core, attributes only those that say what belongs together: no styles, classes, links.
    """
    from math_core import LatexError  # noqa: PLC0415 - only pages need it

    if len(latex) > MAX_CHARACTERS:
        return None
    try:
        mathml = _converter().convert_with_local_state(latex, displaystyle=display)
    except LatexError:
        return None
    return _TAG.sub(lambda tag: tag[1] + "".join(_ATTRIBUTE.findall(tag[2])) + tag[3], mathml)


@lru_cache(maxsize=1)
def _converter() -> LatexToMathML:
    from math_core import LatexToMathML  # noqa: PLC0415

    return LatexToMathML()


class _LostError(Exception):
    """Text cannot hold the formula."""


@dataclass(frozen=True, slots=True)
class _Atom:
    """A piece of text, and how it stands to its neighbours.

    A word needs a space on both sides, what is "tailed" with a word one behind it, a fraction may need parentheses.
    """

    text: str
    kind: Literal["operand", "word", "tailed", "fraction", "binary", "relation", "space"] = "operand"


class _Reader:
    """Reads the tokens of one formula once, from left to right."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = tokens
        self._position = 0
        self._depth = 0

    def read(self) -> str:
        atoms = self._atoms()
        if self._next():
            raise _LostError
        return " ".join(_join(atoms).split())

    def _atoms(self) -> list[_Atom]:
        """The atoms up to a closing brace, which is not taken, or to the end of the formula."""
        atoms = []
        while self._next() not in ("", "}"):
            atoms.append(self._with_scripts(self._atom()))
        return [atom for atom in atoms if atom.text]

    def _atom(self) -> _Atom:
        token = self._next()
        if token in _SCRIPTS:
            return _Atom("")  # they stand on nothing: `^\circ`
        if token.startswith("{"):
            return self._group()
        self._position += 1
        return self._command(token[1:]) if token.startswith("\\") else _character(token)

    def _command(self, name: str) -> _Atom:
        if name in _TEXTS:
            atom = _Atom(self._text(), "word")
        elif name in _STYLES:
            text = self._tight_argument()
            atom = _Atom(text, "word" if len(text) > 1 and text.isalpha() else "operand")
        elif name in _ALPHABETS:
            atom = _Atom("".join(_letter(letter, _ALPHABETS[name]) for letter in self._tight_argument()))
        elif name in _ACCENTS:
            atom = _Atom(_accented(self._tight_argument(), _ACCENTS[name]))
        elif name in _FRACTIONS:
            atom = _Atom(f"{_numerator(self._argument())}/{_denominator(self._argument())}", "fraction")
        elif name == "sqrt":
            atom = self._root()
        else:
            atom = _symbol(name)
            self._position += name in _DELIMITED and self._next() == "."  # the delimiter that is none
        if name.isalpha() and self._next().isspace():
            following = self._tokens[self._position + 1 : self._position + 2]
            # Before letters and the like it only ends the name.
            self._position += bool(following) and (following[0][0].isalnum() or following[0][0] in "\\(")
        return atom

    def _group(self) -> _Atom:
        """The group at the position, in parentheses where a script is put on several factors."""
        atoms = self._argument()
        if len(atoms) == 1:
            return atoms[0]
        text = _join(atoms)
        return _Atom(f"({text})" if text and self._next() in _SCRIPTS else text)

    def _argument(self) -> list[_Atom]:
        """What stands in the braces at the position, or the single character or command there."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _LostError
        self._skip_spaces()
        token = self._next()
        if token.startswith("{"):
            self._position += 1
            atoms = self._atoms()
            self._take("}")
        elif token.startswith("\\") or (len(token) == 1 and token not in _NO_ARGUMENTS):
            atoms = [self._atom()]
        else:
            raise _LostError  # `x^10` is x¹0 to TeX and x¹⁰ to those who write it
        self._depth -= 1
        return atoms

    def _tight_argument(self) -> str:
        return _join(self._argument()).replace(" ", "")

    def _text(self) -> str:
        """The argument at the position as it is written, which must be without commands."""
        self._skip_spaces()
        self._take("{")
        pieces = []
        while (token := self._next()) != "}":
            self._position += 1
            if token in ("", "{", "$") or (token.startswith("\\") and token not in _ESCAPED):
                raise _LostError
            pieces.append(token.removeprefix("\\").replace("~", " ").replace(" ", _TEXT_SPACE))
        self._take("}")
        return "".join(pieces).replace("\n", _TEXT_SPACE)

    def _root(self) -> _Atom:
        degree = ""
        if self._next() == "[":
            end = self._tokens.index("]", self._position) if "]" in self._tokens[self._position :] else self._position
            degree = _small("".join(self._tokens[self._position + 1 : end]).strip(), _SUPERSCRIPTS) or self._lost()
            self._position = end + 1
        return _Atom(f"{degree}√{_denominator(self._argument())}", "word")

    def _with_scripts(self, base: _Atom) -> _Atom:
        scripts = {"_": "", "^": ""}
        while (sign := self._next()) in (*scripts, "'", *_LIMITS):
            self._position += 1
            if sign == "'" and not scripts["^"].strip("′"):
                scripts["^"] += "′"
            elif sign in scripts and not scripts[sign]:
                scripts[sign] = _script(sign, self._tight_argument())
            elif sign not in _LIMITS:
                self._lost()
        lower, raised = scripts["_"], scripts["^"]
        if lower and raised and base.text in _BIG_OPERATORS:
            self._lost()
        # x²_max rather than x_max², in which the square is that of the word
        text = raised + lower if lower.startswith("_") else lower + raised
        if not text:
            return base
        if base.kind == "fraction" or "√" in base.text:
            return _Atom(f"({base.text}){text}")
        return _Atom(base.text + text, "tailed" if base.kind == "operand" and _TAIL.search(text) else base.kind)

    def _lost(self) -> str:
        raise _LostError

    def _next(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def _take(self, token: str) -> None:
        if self._next() != token:
            raise _LostError
        self._position += 1

    def _skip_spaces(self) -> None:
        while self._next().isspace():
            self._position += 1


def _join(atoms: Sequence[_Atom]) -> str:
    """The text of *atoms*, with spaces around relations and around operators between two operands."""
    text = ""
    follows_sign = follows_word = False
    for position, atom in enumerate(atoms):
        is_operator = atom.kind in ("binary", "relation")
        is_sign = is_operator and _is_sign(atom, text, atoms[position + 1 :])
        if is_sign or atom.kind == "space":
            text += "" if follows_sign and atom.kind == "space" else atom.text
        elif is_operator:
            text += f" {atom.text} "
        else:
            text += _operand(atom, text, atoms[position + 1 :], follows_word=follows_word)
        follows_sign = is_sign or (follows_sign and atom.kind == "space")
        follows_word = atom.kind in ("word", "tailed")
    text = _SPACE_IN_BRACKETS.sub("", _SPACES_IN_ROW.sub(" ", text).strip(" "))
    return _SPACE_BEFORE_LAST.sub("", text)


def _operand(atom: _Atom, before: str, after: Sequence[_Atom], *, follows_word: bool) -> str:
    text = atom.text
    if atom.kind == "fraction" and (_ends_in_operand(before) or before.endswith("/") or _begins_with_operand(after)):
        text = f"({text})"
    is_apart = follows_word or (atom.kind == "word" and (_ends_in_operand(before) or before.endswith(",")))
    return f" {text}" if is_apart and (text[0].isalnum() or text[0] in _BIG_OPERATORS or text[0] == "√") else text


def _is_sign(atom: _Atom, before: str, after: Sequence[_Atom]) -> bool:
    """Whether the operator or relation has nothing before it: -1, (±2), >5."""
    if atom.kind == "binary":
        return not _ends_in_operand(before)
    first = next((following.text[0] for following in after if following.kind != "space"), "")
    return not before and (first.isdigit() or first in ("-", "−", "."))


def _ends_in_operand(text: str) -> bool:
    last = text.rstrip()[-1:]
    if last in ("|", "‖"):
        return text.count(last) % 2 == 0
    return bool(last) and (last.isalnum() or last in _SMALL or last in _CLOSERS or unicodedata.combining(last) > 0)


def _begins_with_operand(atoms: Sequence[_Atom]) -> bool:
    first = next((atom for atom in atoms if atom.kind != "space"), None)
    return first is not None and first.kind not in ("binary", "relation") and first.text[0] not in ")]}⟩⌋⌉|‖,;.:/"


def _numerator(atoms: Sequence[_Atom]) -> str:
    text = _join(atoms)
    return text if _PRODUCT.fullmatch(text) or _NORM.fullmatch(text) else f"({text})"


def _denominator(atoms: Sequence[_Atom]) -> str:
    text = _join(atoms)
    is_one = len(atoms) == 1 and atoms[0].kind in ("operand", "word", "tailed") and " " not in text and "√" not in text
    is_one = is_one or any(pattern.fullmatch(text) for pattern in (_DIFFERENTIAL, _CALL, _NORM))
    return text if is_one else f"({text})"


def _script(sign: str, text: str) -> str:
    """*text* raised or lowered: in small signs, else behind *sign*. Words stay words, as in `core/tex.py`."""
    if not text:
        raise _LostError
    if sign == "^" and text in _RAISED:
        return _RAISED[text]
    small = _small(text, _SUPERSCRIPTS if sign == "^" else _SUBSCRIPTS)
    if small and not _THREE_LETTERS.search(text):
        return small
    if "^(" in text or "_(" in text:
        raise _LostError
    return sign + (text if len(text) == 1 or _PLAIN_WORD.fullmatch(text) or _BRACKETED.fullmatch(text) else f"({text})")


def _small(text: str, forms: Mapping[str, str]) -> str:
    """*text* in small signs; "" where one is missing."""
    return "".join(forms[character] for character in text) if forms.keys() >= set(text) else ""


def _accented(text: str, accent: str) -> str:
    if len(text) != 1 or not text.isalpha():
        raise _LostError
    return unicodedata.normalize("NFC", text + accent)


@lru_cache(maxsize=512)
def _letter(letter: str, alphabet: str) -> str:
    """*letter* in one of the alphabets of mathematics, some letters of which were in Unicode before the others."""
    kind = "DIGIT" if letter.isdigit() else "CAPITAL" if letter.isupper() else "SMALL"
    name = unicodedata.name(letter, "").rpartition(" ")[2] if letter.isascii() and letter.isalnum() else ""
    for prefix in ("MATHEMATICAL ", ""):
        for older in _OLDER_NAMES.get(alphabet, (alphabet,)):
            try:
                return unicodedata.lookup(f"{prefix}{older} {kind} {name}")
            except KeyError:
                continue
    raise _LostError


def _character(character: str) -> _Atom:
    if character in _LOST:
        raise _LostError
    if character.isspace() or character == "~":
        return _Atom(" ", "space")
    if character in _RELATIONS or character == ":=":
        return _Atom(character, "relation")
    return _Atom(character, "binary" if character in _BINARY_OPERATORS else "operand")


@lru_cache(maxsize=512)
def _symbol(name: str) -> _Atom:
    """What a command without arguments stands for."""
    if name in _SPACES:
        return _Atom(" ", "space")
    if name in _OPERATORS:
        return _Atom(_OPERATORS[name], "word")
    if name == "mid":
        return _Atom("|", "relation")
    if name in _SYMBOLS:
        symbol = _SYMBOLS[name]
        return _Atom(symbol) if symbol in "{}$" else _character(symbol)
    symbol = tex.to_unicode(f"$\\{name}$")
    if len(symbol) != 1 or symbol.isascii():
        raise _LostError
    return _Atom(symbol, "word") if symbol in _BIG_OPERATORS else _character(symbol)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


MATHML_ATTRIBUTES = _names(
    "accent accentunder display displaystyle form linethickness lspace mathvariant maxsize minsize movablelimits "
    "rspace scriptlevel stretchy width"
)
_TAG = re.compile(r"(<\w++)([^<>]*?)(/?>)")  # the library escapes text, so that every `<` begins one
# A length of ten em or more would be for pushing things around on the page.
_ATTRIBUTE = re.compile(rf' (?:{"|".join(sorted(MATHML_ATTRIBUTES))})="(?:[a-z]+|-?\d?(?:\.\d+)?(?:r?em)?)"')

_SPACE_BEFORE_SCRIPT = re.compile(r"\s+(?=[\^_])")
_TEXT_SPACE = "\u00a0"  # one that somebody put into a text, which scripts keep, unlike those around operators
_SPACES_IN_ROW = re.compile(" {2,}")
_SPACE_IN_BRACKETS = re.compile(r"(?<=[(\[{⟨⌊⌈]) | (?=[)\]}⟩⌋⌉,;])")
_SPACE_BEFORE_LAST = re.compile(r"(?<=\w) (?=[×+*]$)")
_PRODUCT = re.compile(r"[\w.′°∂∇%\u0300-\u036f]+|[\w′\u0300-\u036f]*\([^()]*\)")
_DIFFERENTIAL = re.compile(r"[d∂]\w\w?")
_CALL = re.compile(r"[^\W\d][\w′\u0300-\u036f]?\([^()]*\)")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9\u0370-\u03ff\u4e00-\u9fff]+")
_BRACKETED = re.compile(r"\[[^\[\]]*\]|\([^()]*\)")
_NORM = re.compile(r"[|‖][^|‖/]*[|‖][\w²]*")
_TAIL = re.compile(r"[_^]\w+$")
_THREE_LETTERS = re.compile(r"[^\W\d]{3}")

_SCRIPTS = ("^", "_")
_NO_ARGUMENTS = frozenset("}^_'+-&")
_LOST = frozenset("&\\$}")
_ESCAPED = frozenset(["\\%", "\\_", "\\&", "\\#", "\\{", "\\}", "\\ ", "\\,"])
_DELIMITED = ("left", "middle", "right")
_LIMITS = ("\\limits", "\\nolimits")
_CLOSERS = frozenset(")]}⟩⌋⌉′°%!*∞∅⊤⊥ℓ")
_RELATIONS = frozenset("=<>≤≥≠≈≡∼≃≅∝∈∉∋⊂⊆⊃⊇≪≫⩽⩾≲≳→←↔⇒⇐⇔⟶⟵⟹⟸⟺↦↑↓⊢⊨∣∥≺≻≼≽≜≔≐")
_BINARY_OPERATORS = frozenset("+-−*×·⋅÷±∓∪∩∧∨⊕⊗⊙⊖∘∖⋆")
_BIG_OPERATORS = frozenset("∑∏∐∫∬∮⋃⋂⨁⨂⋁⋀")

_SUPERSCRIPTS = dict(
    zip(
        "0123456789+-−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVW⊤βγδθφχ",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵀᵝᵞᵟᶿᵠᵡ",
        strict=True,
    )
)
_SUBSCRIPTS = dict(zip("0123456789+-−=()aehijklmnoprstuvxβγρφχ", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ", strict=True))
_SMALL = frozenset((*_SUPERSCRIPTS.values(), *_SUBSCRIPTS.values()))
_RAISED = dict(zip("*∗⋆′″°∘†‡", "***′″°°†‡", strict=True))  # high enough by themselves

_TEXTS = _names("text textrm textit textbf texttt textsf textnormal mbox hbox")
_STYLES = _names("mathrm mathbf mathit mathsf mathtt mathop boldsymbol bm operatorname operatorname*")
_FRACTIONS = _names("frac dfrac tfrac cfrac")
_ALPHABETS = {
    "mathbb": "DOUBLE-STRUCK", "mathcal": "SCRIPT", "mathscr": "SCRIPT", "mathfrak": "FRAKTUR",
}  # fmt: skip
_OLDER_NAMES = {"FRAKTUR": ("FRAKTUR", "BLACK-LETTER")}
_ACCENTS = {
    "hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303", "widetilde": "\u0303", "bar": "\u0304",
    "overline": "\u0304", "dot": "\u0307", "ddot": "\u0308", "breve": "\u0306", "check": "\u030c", "vec": "\u20d7",
}  # fmt: skip
_SPACES = frozenset([",", ";", ":", ">", " ", "~", "quad", "qquad", "enspace", "space"])
_OPERATORS = {
    name: name
    for name in _names(
        "arccos arcsin arctan arg argmax argmin cos cosh cot coth csc deg det dim exp gcd hom inf ker lg lim ln log "
        "max min mod Pr sec sin sinh sup tan tanh"
    )
} | {"limsup": "lim sup", "liminf": "lim inf", "bmod": "mod"}
# Commands that change only the look, and those whose character core/tex.py has in ASCII.
_SYMBOLS = dict.fromkeys(
    _names(
        "! left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr bigm "
        "displaystyle textstyle scriptstyle mathstrut limits nolimits"
    ),
    "",
) | {
    "%": "%", "#": "#", "_": "_", "$": "$", "{": "{", "}": "}", "lbrace": "{", "rbrace": "}", "lbrack": "[",
    "rbrack": "]", "|": "‖", "Vert": "‖", "vert": "|", "lvert": "|", "rvert": "|", "lVert": "‖",
    "rVert": "‖", "colon": ":", "ast": "*", "lt": "<", "gt": ">", "backslash": "∖", "sim": "∼", "star": "⋆",
}  # fmt: skip
