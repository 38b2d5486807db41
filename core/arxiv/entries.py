"""What the announcement feeds and the query API have in common: how an entry names a paper, its authors and classes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from core.arxiv.announced import Rejected
from core.arxiv.taxonomy import find_category
from core.errors import SourceRefused
from core.papers import Author, PaperId
from core.tex import has_tex, on_one_line, to_unicode

_BEFORE_ID = re.compile(r"(?:oai:arXiv\.org:|arXiv:|https?://(?:[a-z]+\.)?arxiv\.org/abs/)", re.IGNORECASE)
_CATEGORY_LIKE = re.compile(r"[a-z][a-z-]{1,15}(?:\.[A-Za-z][A-Za-z-]{1,15})?", re.ASCII)

_LONGEST_NAME = 200
_LONGEST_REASON = 300
_LONGEST_MESSAGE = 600  # a list of all archives fits

# Escaped characters belong to TeX and separate nothing.
_AUTHOR_PIECE = re.compile(r"\\.|[()]|,|:|\s(?:and|&)(?=\s)|[^\\(),:\s]+|\s|.", re.DOTALL)
_MORE_THAN_COMMAS = re.compile(r"[():&]|\\,|\band\b")
_SEPARATORS = frozenset({",", ":", "and", "&"})
_PARENTHESIS = re.compile(r"[()]")
_AFFILIATION = re.compile(r"(?P<name>[^()]*)\((?P<affiliation>.*)\)")
_BETWEEN_AFFILIATIONS = re.compile(r"\) ?\(")
_NAME_SUFFIX = re.compile(r"(?:Jr|Sr)\.?|I{2,3}|IV")
_LONGEST_SUFFIX = 3


class EntryError(ValueError):
    """An entry lacks something without which it is no paper; becomes a `Rejected`."""


def reject(entry: str, error: EntryError) -> Rejected:
    """The rejection of *entry* for *error*, with both cut to a length that a report can hold."""
    return Rejected(entry[:_LONGEST_NAME], str(error)[:_LONGEST_REASON])


def refusal(message: str) -> SourceRefused:
    """The error for a document in which arXiv says what it did not like."""
    return SourceRefused(f"arXiv says: {message[:_LONGEST_MESSAGE]}")


def required(text: str | None, what: str) -> str:
    """*text* as it stands; raises EntryError where there is none, or only blanks. "0" is a text."""
    if text is None or not text.strip():
        raise EntryError(f"it has no {what}")
    return text


def read_paper_id(text: str) -> PaperId:
    """The identifier in `oai:arXiv.org:2401.01234v2`, `http://arxiv.org/abs/hep-th/9901001v1` or a bare one."""
    prefix = _BEFORE_ID.match(text)
    try:
        return PaperId.parse(text[prefix.end() :] if prefix else text)
    except ValueError as error:
        raise EntryError(str(error)) from error


def read_categories(terms: Iterable[str]) -> tuple[str, ...]:
    """*terms* in order and once each, in arXiv's spelling; ACM and MSC classes are left out, new categories are not."""
    stripped = (term.strip() for term in terms)
    known = ((find_category(term), term) for term in stripped)
    spelt = (category.id if category else term for category, term in known if category or _is_category_like(term))
    categories = tuple(dict.fromkeys(spelt))
    if not categories:
        raise EntryError("it has no category")
    return categories


def _is_category_like(term: str) -> bool:
    return _CATEGORY_LIKE.fullmatch(term) is not None


def read_authors(raw: str) -> tuple[Author, ...]:
    """The authors in a line such as `Jo\\~ao Silva (MIT, CSAIL), NVIDIA, :, A. Turing and C. Shannon`.

    Names are separated as arXiv itself does (arXiv/arxiv-base, arxiv/authors): by comma, colon, "and" or "&" outside
    parentheses, and "Jr." stays with its name. What is in the parentheses at the end is the affiliation.
    """
    raw = on_one_line(raw)
    has_commas_only = _MORE_THAN_COMMAS.search(raw) is None  # as nine lines of ten
    names: list[str] = []
    for piece in raw.split(",") if has_commas_only else _split_names(raw):
        name = piece.strip()
        if len(name) <= _LONGEST_SUFFIX and names and _NAME_SUFFIX.fullmatch(name):
            names[-1] += f", {name}"
        elif name:
            names.append(name)
    if has_commas_only and not has_tex(raw):
        return tuple(map(Author, names))
    return tuple(author for author in map(_read_author, names) if author.name)


def _split_names(raw: str) -> Iterator[str]:
    is_balanced = _parentheses_balance(raw)
    depth = 0
    name = ""
    for piece in _AUTHOR_PIECE.findall(raw):
        depth += {"(": 1, ")": -1}.get(piece, 0) if is_balanced else 0
        if depth == 0 and piece.strip() in _SEPARATORS:
            yield name
            name = ""
        else:
            name += piece
    yield name


def _parentheses_balance(text: str) -> bool:
    depth = 0
    for parenthesis in _PARENTHESIS.findall(text):
        depth += 1 if parenthesis == "(" else -1
        if depth < 0:
            return False
    return depth == 0


def _read_author(line: str) -> Author:
    match = _AFFILIATION.fullmatch(line)
    if match is None:
        return Author(to_unicode(line))
    affiliation = _BETWEEN_AFFILIATIONS.sub(", ", match["affiliation"])
    return Author(to_unicode(match["name"]), to_unicode(affiliation) or None)
