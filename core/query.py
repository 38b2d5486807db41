"""The query language: text -> a tree of terms, and back.

One grammar for addresses and config.json: words, "phrases", prefix*, AND OR NOT and -, parentheses, fields, weights.
Words side by side are all wanted; AND binds more than OR, NOT and - bind most. What a word is, says `core/words.py`;
which papers a tree finds, `core/index.py`. There are no regular expressions in it, so no query takes longer than its
terms do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from core.arxiv.taxonomy import CATEGORIES, find_category, hint_for
from core.errors import QueryMistake, quoted
from core.papers import parse_citation
from core.tex import to_unicode
from core.words import canonical_name, name_words, plain_word, singular_acronym, split_words, stands_alone

if TYPE_CHECKING:
    from lark import Lark

Field = Literal["title", "abstract", "authors", "categories", "id", "comment"]
Reading = Literal["folded", "exact", "prefix", "near"]

MAX_CHARACTERS = 2_000
MAX_TERMS = 500
MAX_DEPTH = 20
MIN_WEIGHT = 0.001
MAX_WEIGHT = 100.0
MAX_DISTANCE = 100
MAX_SEARCHES = 30  # terms that one word of an index does not answer; each costs some milliseconds
MAX_NEAR = 3  # of them those whose words may stand apart, which cost most: each is read for in every paper that has all
MAX_NEAR_WORDS = 10
MAX_PHRASE_WORDS = 50
MAX_SHORT = 5  # of them words that end in * and have so few letters that most papers have such a word
_SHORT = 3
_MIN_PREFIX = 2
_TERM_EXPECTED = "a word, a phrase in quotes or a parenthesis is expected"

_PREFIX_OF: dict[Field, str] = {
    "title": "ti",
    "abstract": "abs",
    "authors": "au",
    "categories": "cat",
    "id": "id",
    "comment": "comment",
}
_FIELDS: dict[str, Field] = {
    **{prefix: field for field, prefix in _PREFIX_OF.items()},
    "title": "title",
    "abstract": "abstract",
    "author": "authors",
    "category": "categories",
    "co": "comment",  # arXiv's own name for it
}

# What other keyboards, phones and word processors make of the signs below, one for one, so that columns stay.
_OTHER_SIGNS = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d", "-"),
        **dict.fromkeys("“”„‟«»「」『』＂", '"'),
        **dict(zip("（）；，、＊＾～！＆｜", "();,,*^~!&|", strict=True)),
    }
)
_OTHER_COMMAS = "，、"  # no space follows them, so between the words of a query they are one
_OTHER_COLON = re.compile(rf"(?<!\w)(?:{'|'.join(_FIELDS)})：", re.IGNORECASE)  # behind a field; elsewhere it is text

_GRAMMAR = rf"""
    start: either
    either: all (_OR all)*
    all: unary operand*
    ?operand: _AND? unary
            | ANDNOT unary -> negated
    ?unary: (NOT | MINUS) unary -> negated
          | weighted
    weighted: (in_field | primary) WEIGHT?
    in_field: FIELD primary
    ?primary: WORD -> word
            | PHRASE DISTANCE? -> phrase
            | OPEN either _CLOSE -> group

    _OR.3: /OR(?![^\s()"])/
    _AND.3: /AND(?![^\s()"])/
    ANDNOT.3: /ANDNOT(?![^\s()"])/
    NOT.3: /NOT(?![^\s()"])/
    MINUS.3: /-(?=[^\s-])/
    FIELD.3: /(?:{"|".join(_FIELDS)}):(?=[^\s)])/i
    PHRASE.2: /"[^"]*"/
    WORD: /(?!-)[^\s()"^~]+/
    WEIGHT: /\^[^\s()"^~]*/
    DISTANCE: /~[^\s()"^~]*/
    OPEN: "("
    _CLOSE: ")"
    %ignore /\s+/
"""

# What stands in an entry of a list only where the entry is a query; all else is a term as it is written.
_SIGN = re.compile(
    rf"""["()^~]|\*(?!$)|(?:^|(?<=\s))-(?=\S)|\b(?:AND|OR|NOT|ANDNOT)\b|(?:^|[\s-])(?:{"|".join(_FIELDS)}):""",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[0-9]+\.?[0-9]*|\.[0-9]+")
_FOREIGN_OPERATOR = re.compile(r"^!|^&|&&|\|")  # not in Wow! and R&D
_OPERATOR_FOR = {"!": "-", "&": "AND", "|": "OR"}
_WHOLE_TERM = re.compile(r'(?:[^\s"]|"[^"]*")+')
_OPERATOR_WORD = re.compile(r"(?<!\S)(?:AND|OR|NOT|ANDNOT)(?!\S)")


@dataclass(frozen=True, slots=True)
class Term:
    """What is looked for: *text* as it was written, without field and weight.

    In `field` None stands for title and abstract. `reading` says how words match: `folded` without endings, `exact`
    with them, `prefix` as the beginning of a word, `near` exactly and in any order, with at most `distance` other words
    between the first and the last. Several words stand one after another, unless they are `near`.
    """

    text: str
    reading: Reading = "folded"
    field: Field | None = None
    weight: float = 1.0
    distance: int = 0

    def __str__(self) -> str:
        text = self.text
        if self.field not in {"categories", "id"}:
            words = split_words(self.text)
            is_quoted = self.reading in {"exact", "near"} or (self.field == "authors" and len(words) > 1)
            text = f'"{self.text}"' if is_quoted else "-".join(words)
            text = text.lower() if _OPERATOR_WORD.fullmatch(text) else text  # a word it is only in small letters
        field = f"{_PREFIX_OF[self.field]}:" if self.field else ""
        star = "*" if self.reading == "prefix" else ""
        distance = f"~{self.distance}" if self.reading == "near" else ""
        return f"{field}{text}{star}{distance}{_weight(self.weight)}"


@dataclass(frozen=True, slots=True)
class And:
    """Every one of *parts*, two at least."""

    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " ".join(f"({part})" if isinstance(part, Or) else str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of *parts*, which are two or more."""

    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " OR ".join(map(str, self.parts))


@dataclass(frozen=True, slots=True)
class Not:
    """All papers but those of *part*."""

    part: Term | And | Or

    def __str__(self) -> str:
        return f"-{self.part}" if isinstance(self.part, Term) else f"-({self.part})"


Node = Term | And | Or | Not


def parse_query(text: str, *, max_characters: int = MAX_CHARACTERS) -> Node:
    """The tree that *text* says. Raises QueryMistake with the column, from 1, and what is expected there."""
    if len(text) > max_characters:
        raise QueryMistake(max_characters + 1, f"a query has at most {max_characters:,} characters")
    if not text.strip():
        raise QueryMistake(1, _TERM_EXPECTED)
    node = _parse(_plain_query(text))
    refuse_too_much(every_term(node))
    return node


def plain_signs(text: str) -> str:
    """*text*, as long as it was, with the signs of the language where other keyboards give others: （“kv cache”）."""
    if text.isascii():
        return text
    return _OTHER_COLON.sub(lambda field: f"{field[0][:-1]}:", text.translate(_OTHER_SIGNS))


def _plain_query(text: str) -> str:
    """The same of a query, in which the commas of other keyboards are spaces outside of quotes."""
    plain, is_quoted = list(plain_signs(text)), False
    for place, sign in enumerate(plain):
        is_quoted ^= sign == '"'
        if text[place] in _OTHER_COMMAS and not is_quoted:
            plain[place] = " "
    return "".join(plain)


def refuse_too_much(every: Iterable[Term]) -> None:
    """Raises QueryMistake where the terms of one request would cost too much."""
    terms = list(every)
    if len(terms) > MAX_TERMS:
        raise QueryMistake(1, f"a query has at most {MAX_TERMS} terms; these are {len(terms):,}")
    if sum(map(_needs_search, terms)) > MAX_SEARCHES:
        raise QueryMistake(1, f"a query has at most {MAX_SEARCHES} phrases, quotes and words that end in *")
    if len({term for term in terms if term.reading == "near"}) > MAX_NEAR:
        raise QueryMistake(1, f"a query has at most {MAX_NEAR} phrases with a ~ after them")
    if sum(map(_is_short_prefix, terms)) > MAX_SHORT:
        raise QueryMistake(1, f"a query has at most {MAX_SHORT} words of {_SHORT} letters or fewer that end in *")


def parse_entry(text: str, *, max_characters: int = MAX_CHARACTERS) -> Node:
    """An entry of a list of terms: a query where it has any sign of one, else one term as it is written.

    So `kv cache` is a phrase in a list, and `kv AND cache` two words anywhere. Raises QueryMistake.
    """
    plain = plain_signs(text)
    if _looks_like_query(plain):
        return parse_query(text, max_characters=max_characters)
    return _read_word(plain.strip(), None, 1)


def split_list(text: str) -> list[str]:
    """The entries of a list whose commas stand outside quotes and parentheses; empty ones are left out."""
    entries = [""]
    depth, is_quoted = 0, False
    for written, character in zip(text, plain_signs(text), strict=True):
        if character == '"':
            is_quoted = not is_quoted
        elif not is_quoted:
            depth += (character == "(") - (character == ")")
        if character == "," and not is_quoted and depth <= 0:
            entries.append("")
        else:
            entries[-1] += written
    return [entry.strip() for entry in entries if entry.strip()]


def canonical(node: Node) -> Node:
    """The one form of all trees that say the same but for case, order and repetition; the heaviest of a term counts."""
    if isinstance(node, Term):
        return replace(node, text=_canonical_text(node))
    if isinstance(node, Not):
        return _negated(canonical(without_weights(node.part)))
    kind = type(node)
    parts: dict[str, Node] = {}
    for part in map(canonical, node.parts):
        for one in part.parts if isinstance(part, kind) else (part,):
            says = str(without_weights(one) if isinstance(one, Term) else one)
            before = parts.get(says)
            if not isinstance(one, Term) or not isinstance(before, Term) or one.weight > before.weight:
                parts[says] = one
    ordered = tuple(sorted(parts.values(), key=lambda part: (isinstance(part, Not), str(part))))
    return ordered[0] if len(ordered) == 1 else kind(ordered)


def shorten(text: str, length: int) -> str:
    """*text*, which names terms, in *length* characters at most.

    No term of its beginning is cut, since half of one names another; where the first is too long it keeps whole words.
    """
    if len(text) <= length:
        return text
    fitting = text[: length - 2]
    ends = [found.end() for found in _WHOLE_TERM.finditer(text) if found.end() <= len(fitting)]
    whole = fitting[: ends[-1]].removesuffix(" OR") if ends else fitting.rpartition(" ")[0] or fitting
    return f"{whole.rstrip()} …"


def every_term(node: Node) -> Iterator[Term]:
    """All terms in reading order."""
    if isinstance(node, Term):
        yield node
    else:
        for part in (node.part,) if isinstance(node, Not) else node.parts:
            yield from every_term(part)


def wanted_terms(node: Node) -> Iterator[Term]:
    """The terms that count for a paper, in reading order: those that no NOT stands before."""
    if isinstance(node, Term):
        yield node
    elif not isinstance(node, Not):
        for part in node.parts:
            yield from wanted_terms(part)


def unwanted_parts(node: Node) -> Iterator[Node]:
    """What a NOT stands before, in reading order."""
    if isinstance(node, Not):
        yield node.part
    elif not isinstance(node, Term):
        for part in node.parts:
            yield from unwanted_parts(part)


def _needs_search(term: Term) -> bool:
    is_text = term.field in {None, "title", "abstract", "comment"}
    return is_text and (term.reading != "folded" or len(split_words(term.text)) > 1)


def _is_short_prefix(term: Term) -> bool:
    return term.reading == "prefix" and len(split_words(term.text)[-1]) <= _SHORT


def _looks_like_query(text: str) -> bool:
    return bool(_OPERATOR_WORD.search(text)) or any(
        found[0].upper() not in {"AND", "OR", "NOT", "ANDNOT"} for found in _SIGN.finditer(text.strip())
    )


def _canonical_text(term: Term) -> str:
    if term.field in {"categories", "id"}:
        return term.text
    if term.field == "authors":
        return canonical_name(term.text)
    if term.reading == "folded":
        return " ".join(_lower(singular_acronym(word)) for word in split_words(term.text))
    words = [_lower(word) for word in split_words(term.text)]
    return " ".join(sorted(words) if term.reading == "near" else words)


def _lower(word: str) -> str:
    """*word* in lower case; without its accents where it would fall apart, as İ does."""
    lower = word.lower()
    return lower if split_words(lower) == [lower] else plain_word(word)


def without_weights(node: Node) -> Node:
    """The same papers, each term with the weight 1."""
    if isinstance(node, Term):
        return replace(node, weight=1.0)
    if isinstance(node, Not):
        return Not(without_weights(node.part))  # type: ignore[arg-type] # a part of a Not is none, nor is this
    return type(node)(tuple(map(without_weights, node.parts)))


def _weight(weight: float) -> str:
    return "" if weight == 1 else f"^{weight:.15g}"


def _parse(text: str) -> Node:
    from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedToken, VisitError  # noqa: PLC0415

    try:
        node: Node = _parser().parse(text)  # type: ignore[assignment] # what the transformer makes of `start`
    except UnexpectedCharacters as error:
        place = int(error.pos_in_stream or 0)
        raise QueryMistake(place + 1, _explain_character(text[place])) from error
    except (UnexpectedToken, UnexpectedEOF) as error:
        raise _explain_token(text, error) from error
    except VisitError as error:
        if isinstance(error.orig_exc, QueryMistake):
            raise error.orig_exc from error
        raise
    return node


def _explain_character(character: str) -> str:
    if character == '"':
        return "this quote is never closed"
    if character == "-":
        return "a term is expected straight after -"
    return f"{character!r} cannot stand here"


def _explain_token(text: str, error: Any) -> QueryMistake:  # Any: two classes of lark without a common one
    token = error.token
    if token.type == "$END":
        opened = _unclosed(text)
        if opened is not None:
            return QueryMistake(opened + 1, "this parenthesis is never closed")
        return QueryMistake(len(text) + 1, f"{_TERM_EXPECTED} after the last one")
    column = token.start_pos + 1
    if token.type == "_CLOSE":
        closes = "this parenthesis closes none" if _unclosed(text[: token.start_pos]) is None else _TERM_EXPECTED
        return QueryMistake(column, closes)
    if token.type == "DISTANCE":
        return QueryMistake(column, '~ stands only after a phrase in quotes, as in "two words"~5')
    if token.type == "WEIGHT":
        return QueryMistake(column, "^ stands only straight after a term or a parenthesis, as in llm^2")
    return QueryMistake(column, f"{_TERM_EXPECTED} before {token}" if token.type != "MINUS" else _TERM_EXPECTED)


def _unclosed(text: str) -> int | None:
    """Where the last parenthesis stands that *text* opens and does not close, outside quotes."""
    opened: list[int] = []
    is_quoted = False
    for place, character in enumerate(text):
        if character == '"':
            is_quoted = not is_quoted
        elif character == "(" and not is_quoted:
            opened.append(place)
        elif character == ")" and not is_quoted and opened:
            opened.pop()
    return opened[-1] if opened else None


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a query before it is known which field it stands in and what its group weighs."""

    build: Callable[[Field | None, float], Node]
    depth: int = 0


@cache
def _parser() -> Lark:
    """The parser; lark takes 50 ms to load and to read the grammar, so only whoever parses a query pays."""
    from lark import Lark, Token, Transformer, v_args  # noqa: PLC0415

    @v_args(inline=True)
    class ToParts(Transformer[Token, Node]):
        """Puts the parts together while the text is parsed, so that what is nested too deep is refused in time."""

        def start(self, part: _Part) -> Node:
            return part.build(None, 1.0)

        def either(self, *parts: _Part) -> _Part:
            return _joined(Or, parts)

        def all(self, *parts: _Part) -> _Part:
            return _joined(And, parts)

        def negated(self, sign: Token, part: _Part) -> _Part:
            return _Part(lambda field, weight: _negated(part.build(field, weight)), _deeper(part, _column(sign)))

        def weighted(self, part: _Part, weight: Token | None = None) -> _Part:
            return part if weight is None else _weighted(part, str(weight), _column(weight))

        def in_field(self, name: Token, part: _Part) -> _Part:
            return _in_field(part, _FIELDS[name[:-1].lower()], _column(name))

        def word(self, word: Token) -> _Part:
            _refuse_signs(str(word), _column(word))
            return _Part(lambda field, weight: _in_weight(_read_word(str(word), field, _column(word)), weight))

        def phrase(self, phrase: Token, distance: Token | None = None) -> _Part:
            apart = None if distance is None else _read_distance(str(distance), _column(distance))
            text, column = str(phrase)[1:-1].strip(), _column(phrase)
            return _Part(lambda field, weight: _in_weight(_read_phrase(text, apart, field, column), weight))

        def group(self, opening: Token, part: _Part) -> _Part:
            return _Part(part.build, _deeper(part, _column(opening)))

    # Not the contextual lexer, which takes the operator in `AND kernel` for a word.
    return Lark(_GRAMMAR, parser="lalr", lexer="basic", transformer=ToParts(), maybe_placeholders=False)


def _column(token: Any) -> int:  # Any: lark is not loaded here
    return int(token.start_pos) + 1


def _joined(kind: type[And | Or], parts: Sequence[_Part]) -> _Part:
    if len(parts) == 1:
        return parts[0]
    depth = max(part.depth for part in parts)
    return _Part(lambda field, weight: kind(tuple(part.build(field, weight) for part in parts)), depth)


def _deeper(part: _Part, column: int) -> int:
    if part.depth >= MAX_DEPTH:
        raise QueryMistake(column, f"parentheses and NOT are nested {MAX_DEPTH} deep at most")
    return part.depth + 1


def _negated(node: Node) -> Node:
    return node.part if isinstance(node, Not) else Not(node)


def _in_field(part: _Part, field: Field, column: int) -> _Part:
    def build(around: Field | None, weight: float) -> Node:
        if around is not None:
            raise QueryMistake(column, f"{_PREFIX_OF[field]}: cannot stand inside {_PREFIX_OF[around]}:( )")
        return part.build(field, weight)

    return _Part(build, part.depth)


def _weighted(part: _Part, text: str, column: int) -> _Part:
    own = float(text[1:]) if _NUMBER.fullmatch(text, 1) else 0.0
    if not MIN_WEIGHT <= own <= MAX_WEIGHT:
        raise QueryMistake(column, f"a weight such as ^2 is expected, from {MIN_WEIGHT:g} to {MAX_WEIGHT:g}")

    def build(field: Field | None, weight: float) -> Node:
        together = round(own * weight, 4)  # so that a weight is the same however it is written
        if not MIN_WEIGHT <= together <= MAX_WEIGHT:
            side = f"more than {MAX_WEIGHT:g}" if together > MAX_WEIGHT else f"less than {MIN_WEIGHT:g}"
            raise QueryMistake(column, f"with the weight of its group this is {side}")
        return part.build(field, together)

    return _Part(build, part.depth)


def _in_weight(term: Term, weight: float) -> Term:
    return replace(term, weight=weight) if weight != 1 else term


def _refuse_signs(word: str, column: int) -> None:
    """Raises QueryMistake where *word* has an operator of other languages, which would otherwise only separate."""
    found = _FOREIGN_OPERATOR.search(word)
    if found is not None:
        operator = _OPERATOR_FOR[found[0][-1]]
        reason = f"{found[0]!r} is no letter or digit and no operator here, where {operator} is one"
        raise QueryMistake(column + found.start(), reason)


def _read_word(word: str, field: Field | None, column: int) -> Term:
    """The term that a word outside quotes is, or a plain entry of a list."""
    if field == "categories":
        return Term(_read_category(word, column), field=field)
    if field == "id":
        return Term(_read_id(word, column), field=field)
    if field == "authors":
        return Term(read_name(word, column), field=field)
    name, colon, value = word.partition(":")
    if colon and name.isalpha() and not name.isspace():
        raise QueryMistake(column, _explain_colon(name, value))
    if "*" in word:
        return _bounded(_read_prefix(word, field, column), column)
    return _bounded(Term(_usable(word, column), field=field), column)


def _read_phrase(text: str, distance: int | None, field: Field | None, column: int) -> Term:
    if field == "categories":
        return Term(_read_category(text, column + 1), field=field)
    if field == "id":
        return Term(_read_id(text, column + 1), field=field)
    if field == "authors":
        return Term(read_name(text, column), field=field)
    text = _usable(text, column)
    if distance is not None and len(split_words(text)) > 1:
        return _bounded(Term(text, "near", field, distance=distance), column)
    return _bounded(Term(text, "exact", field), column)


def _bounded(term: Term, column: int) -> Term:
    """*term*. Raises QueryMistake where it has so many words that it would cost too much."""
    count = len(split_words(term.text))
    if count > MAX_PHRASE_WORDS:
        raise QueryMistake(column, f"a phrase has at most {MAX_PHRASE_WORDS} words; a hyphen makes one too")
    if term.reading == "near" and count > MAX_NEAR_WORDS:
        raise QueryMistake(column, f"a phrase with a ~ after it has at most {MAX_NEAR_WORDS} words")
    return term


def _explain_colon(name: str, value: str) -> str:
    if name.lower() not in _FIELDS:
        known = ", ".join(f"{prefix}:" for prefix in _PREFIX_OF.values())
        return f"{name[:100]}: is no field; {known} are. In quotes a colon is an ordinary character"
    return f"a term is expected straight after {name}:" if not value else f"{name}: cannot stand here"


def _read_prefix(word: str, field: Field | None, column: int) -> Term:
    beginning = unicodedata.normalize("NFC", word.removesuffix("*"))  # ends with a letter, not with its accent
    words = split_words(beginning)
    is_word = "*" not in beginning and bool(words) and beginning[-1:].isalnum()
    if is_word and stands_alone(words[-1]):
        alone = "each Chinese, Japanese or Korean character is a word of its own, so leave the * out"
        raise QueryMistake(column, f"{alone}: {quoted(beginning)}")
    if not is_word or len(words[-1]) < _MIN_PREFIX:
        expected = f"* ends a word of which {_MIN_PREFIX} letters or digits at least are given, as in quant*"
        raise QueryMistake(column, expected)
    return Term(beginning, "prefix", field)


def _read_distance(text: str, column: int) -> int:
    digits = re.fullmatch(r"~0*([0-9]{1,3})", text)
    if digits is None or int(digits[1]) > MAX_DISTANCE:
        raise QueryMistake(column, f"a distance in words such as ~5 is expected, {MAX_DISTANCE} at most")
    return int(digits[1])


def _read_category(text: str, column: int) -> str:
    category = find_category(text)
    if category is not None:
        return category.id
    archive = text.removesuffix("*").removesuffix(".").lower()
    known = {category_id.partition(".")[0].lower(): category_id.partition(".")[0] for category_id in CATEGORIES}
    if archive not in known:
        raise QueryMistake(column, f"{quoted(text)} is no category of arXiv ({hint_for(text).rstrip('.')})")
    return known[archive]


def _read_id(text: str, column: int) -> str:
    try:
        return parse_citation(text).number
    except ValueError as error:
        raise QueryMistake(column, str(error)) from error


def read_name(text: str, column: int = 1) -> str:
    """The name that *text* says, without TeX. Raises QueryMistake where that is nobody's, or several people's."""
    plain = plain_signs(text)
    if ";" in plain or plain.count(",") > 1:
        raise QueryMistake(column, f"{quoted(text)} is more than one name; each is given for itself")
    if "*" in plain:
        raise QueryMistake(column, "* cannot stand in a name; a family name or an initial finds every longer one")
    name = _without_tex(plain)
    if not name_words(name):
        raise QueryMistake(column, f"{quoted(text)} has no letter, so it is nobody's name")
    return name


def _usable(text: str, column: int) -> str:
    """*text* without TeX, as papers are read. Raises QueryMistake where nothing is left to look for."""
    term = _without_tex(text)
    if not split_words(term):
        raise QueryMistake(column, f"{quoted(text)} has no letter or digit, so no paper can match it")
    return term


def _without_tex(text: str) -> str:
    return to_unicode(text) if "\\" in text else text
