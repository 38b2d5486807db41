"""Papers + profile -> scores with reasons.

A term counts once per paper: its weight when it stands in the title or the abstract, half of the weight more when it
stands in the title. All terms of a profile are found in one pass over a paper's text (Aho-Corasick, Commun. ACM 18(6)
1975), so the cost grows with the text and not with the number of terms. What is done with a score (exclusion, minimum,
order, cap) is `core/catalogue.py`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ahocorasick_rs import AhoCorasick

from core.papers import Author, Paper
from core.profiles import Keyword, MatchMode, Profile

Field = Literal["title", "abstract", "authors"]

TITLE_FACTOR = 1.5  # the origin's rule: one point, and half a point more in the title
_DECIMALS = 4  # sums of weights such as 0.1 are shown and compared without binary dust

_TOKEN = re.compile(r"[^\W_]+(?:\+\+|#)?")  # C++ and C# are words of their own
_POSSESSIVE = re.compile(r"['’]s\b")
_PLURAL_ACRONYM = re.compile(r"[A-Z0-9]{2,}s")
_VOWEL = re.compile(r"[aeiouy]")
# A stem with one vowel and one consonant after it: English doubles that consonant before -ing and -ed (plan, planning),
# so where it stands single an e was dropped (scale, scaling), and an e after it tells words apart (same, SAM).
_SHORT_STEM = re.compile(r"[^aeiouy]*[aeiouy][^aeiouwxy]")
_WEAK_LL = re.compile(r".*[aeiouy][^aeiouy]+[aeiouy]ll")  # spelt in two ways: modelling, modeling; distill, distil
# They only look inflected.
_WHOLE_WORDS = frozenset({"alias", "bayes", "bias", "debias", "does", "embed", "lens", "news", "thus"})


# Letters that Unicode does not take apart into a plain one and an accent: Łukasz, Søren, Đorđe, Kılıç.
_PLAIN_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a paper has points: *term* was found in *field* ("title" where it stands in both) and gives *points*."""

    term: str
    field: Field
    points: float

    def __str__(self) -> str:
        return f"{self.term} ×{self.points:g} ({self.field})"


@dataclass(frozen=True, slots=True)
class Score:
    """How well a paper fits a profile: points without an upper bound, and the reasons, which add up to them."""

    value: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the terms of a profile say about one paper: its score, and the exclusion terms that it contains."""

    score: Score
    excluded_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """Title and abstract in one string, of which the title takes the first *title_end* characters."""

    text: str
    title_end: int


@dataclass(frozen=True, slots=True)
class PreparedText:
    """A paper's text made ready for matching, once, whatever the number of profiles it is held against.

    `folded` and `plain` hold its words with a space on either side, and a line break between title and abstract: folded
    by `fold_word`, and only in lower case without accents. `raw` is what arXiv sent, in lower case, with white space
    collapsed.
    """

    folded: Reading
    plain: Reading
    raw: Reading
    authors: tuple[Author, ...]


def prepare(paper: Paper) -> PreparedText:
    """The text of *paper* as `Scorer` reads it; worth keeping for as long as the paper's version is listed."""
    title, abstract = _words(paper.title), _words(paper.abstract)
    raw_title = _collapsed(paper.raw_title).lower()
    return PreparedText(
        folded=_read_words(map(fold_word, title), map(fold_word, abstract)),
        plain=_read_words(map(_plain, title), map(_plain, abstract)),
        raw=Reading(f"{raw_title} {_collapsed(paper.raw_abstract).lower()}", len(raw_title)),
        authors=paper.authors,
    )


class Scorer:
    """Holds papers against one profile; build it once per profile.

    In `word` mode terms match whole words without regard to case, accents, hyphens and simple endings (`fold_word`);
    `prefix*` matches the words that start with it as written, several words match in that order. Terms that fold to the
    same words count once. In `substring` mode terms match anywhere in what arXiv sent, and each entry of the list
    counts, which is the rule that the published digests of 2025 and 2026 were made with.
    """

    def __init__(self, profile: Profile) -> None:
        self._keywords = _distinct(profile.keywords, profile.match)
        self._exclusions = profile.exclude_keywords
        self._authors = tuple((keyword, _name_words(keyword.term)) for keyword in profile.authors)
        terms = [keyword.term for keyword in self._keywords] + list(self._exclusions)
        self._finders = _build_finders([_build_pattern(term, profile.match) for term in terms])

    def judge(self, text: PreparedText) -> Judgement:
        """The score of *text* and what excludes it. Reasons come heaviest first, in ties in profile order."""
        in_title, anywhere = self._found(text)
        reasons = [
            Reason(keyword.term, "title", _rounded(keyword.weight * TITLE_FACTOR))
            if index in in_title
            else Reason(keyword.term, "abstract", _rounded(keyword.weight))
            for index, keyword in enumerate(self._keywords)
            if index in anywhere
        ]
        reasons += [
            Reason(keyword.term, "authors", _rounded(keyword.weight))
            for keyword, name in self._authors
            if any(_is_same_name(name, _name_words(author.name)) for author in text.authors)
        ]
        reasons.sort(key=lambda reason: -reason.points)
        excluded_by = tuple(
            term for index, term in enumerate(self._exclusions, start=len(self._keywords)) if index in anywhere
        )
        value = _rounded(math.fsum(reason.points for reason in reasons))
        return Judgement(Score(value, tuple(reasons)), excluded_by)

    def _found(self, text: PreparedText) -> tuple[set[int], set[int]]:
        """The numbers of the terms that stand in the title, and of those that stand anywhere."""
        in_title: set[int] = set()
        anywhere: set[int] = set()
        for finder in self._finders:
            reading = _reading(text, finder.kind)
            for place, _, end in finder.automaton.find_matches_as_indexes(reading.text, overlapping=True):
                anywhere.add(finder.numbers[place])
                if end <= reading.title_end:
                    in_title.add(finder.numbers[place])
        return in_title, anywhere


def score(paper: Paper, profile: Profile) -> Score:
    """How well *paper* fits *profile*: points, 0 for no match, without an upper bound.

    Reasons come heaviest first, in ties in profile order, and add up to the value. An empty profile scores every
    paper 0; nothing is raised.
    """
    return Scorer(profile).judge(prepare(paper)).score


def fold_words(text: str) -> list[str]:
    """The words of *text* in reading order, folded; hyphens, underscores and punctuation only separate them."""
    return [fold_word(word) for word in _words(text)]


@lru_cache(maxsize=65_536)
def fold_word(word: str) -> str:
    """*word* without what does not tell words apart: case, accents, and the endings -s, -ed, -ing and a last -e.

    Both a term and a text are folded, so the result need not be a word: `caches`, `cached` and `cache` all give `cach`.
    Short words keep their -e, which is all that tells `same` from SAM. Endings that change the word (-er, -ion, -able)
    stay.
    """
    if _PLURAL_ACRONYM.fullmatch(word):
        word = word[:-1]
    word = _without_ending(_plain(word))
    return word[:-1] if _WEAK_LL.fullmatch(word) else word


def is_usable_term(term: str, match: MatchMode) -> bool:
    """Whether *term* can match anything: it has a letter or digit in `word` mode, a visible character otherwise."""
    return bool(_build_pattern(term, match).text.strip())


def _without_ending(word: str) -> str:
    for ending, replacement in (("ies", "y"), ("ied", "y")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word[: -len(ending)] + replacement
    word = _without_plural(word)
    if word in _WHOLE_WORDS:
        return word
    for ending in ("ing", "ed"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 2 and _VOWEL.search(stem) and not word.endswith("eed"):
            return f"{stem}e" if _SHORT_STEM.fullmatch(stem) else _with_single_consonant(stem).removesuffix("e")
    stem = word.removesuffix("e")
    return word if len(word) < 4 or _SHORT_STEM.fullmatch(stem) else stem


def _without_plural(word: str) -> str:
    is_plural = len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "is"))
    return word[:-1] if is_plural and not _is_latin_us(word) and word not in _WHOLE_WORDS else word


def _is_latin_us(word: str) -> bool:
    """Whether the s belongs to the word, as in `corpus`; `gpus` is a plural."""
    return word.endswith("us") and len(word) > 4


def _with_single_consonant(stem: str) -> str:
    """`embedd` (of embedding) as `embed`; `spell` and `process` keep both letters."""
    is_doubled = len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "aeioulsz"
    return stem[:-1] if is_doubled else stem


def _words(text: str) -> list[str]:
    """The words of *text* as written; an accent that is a character of its own would cut its word in two."""
    return _TOKEN.findall(_POSSESSIVE.sub("", unicodedata.normalize("NFC", text)))


@lru_cache(maxsize=65_536)
def _plain(word: str) -> str:
    """*word* in lower case without accents."""
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFKD", word.casefold().translate(_PLAIN_LETTERS))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


_Kind = Literal["folded", "plain", "raw"]


@dataclass(frozen=True, slots=True)
class _Pattern:
    """What is looked for, and in which reading of a text; *text* is empty where a term says nothing."""

    kind: _Kind
    text: str


@dataclass(frozen=True, slots=True)
class _Finder:
    """All patterns of one kind; *numbers* tells which term each of them is."""

    kind: _Kind
    numbers: tuple[int, ...]
    automaton: AhoCorasick


def _build_pattern(term: str, match: MatchMode) -> _Pattern:
    if match == "substring":
        return _Pattern("raw", term.lower())
    words = _words(term)
    if words and term.rstrip().endswith("*"):
        return _Pattern("plain", _joined(map(_plain, words)).removesuffix(" "))
    return _Pattern("folded", _joined(map(fold_word, words)))


def _build_finders(patterns: Sequence[_Pattern]) -> list[_Finder]:
    """One finder for each kind of pattern that there is; empty patterns find nothing."""
    numbers: dict[_Kind, list[int]] = {}
    for number, pattern in enumerate(patterns):
        if pattern.text:
            numbers.setdefault(pattern.kind, []).append(number)
    return [
        _Finder(kind, tuple(chosen), AhoCorasick([patterns[number].text for number in chosen]))
        for kind, chosen in numbers.items()
    ]


def _reading(text: PreparedText, kind: _Kind) -> Reading:
    return {"folded": text.folded, "plain": text.plain, "raw": text.raw}[kind]


def _read_words(title: Iterable[str], abstract: Iterable[str]) -> Reading:
    in_title = _joined(title)
    return Reading(f"{in_title}\n{_joined(abstract)}", len(in_title))


def _joined(words: Iterable[str]) -> str:
    """Each word with a space on both sides, so that a pattern made the same way begins and ends at word boundaries."""
    return "".join(f" {word} " for word in words)


def _distinct(keywords: Sequence[Keyword], match: MatchMode) -> tuple[Keyword, ...]:
    if match == "substring":
        return tuple(keywords)
    first_by_pattern: dict[_Pattern, Keyword] = {}
    for keyword in keywords:
        first_by_pattern.setdefault(_build_pattern(keyword.term, match), keyword)
    return tuple(first_by_pattern.values())


def _name_words(name: str) -> tuple[str, ...]:
    """The words of a person's name in the order `given family`, also when it is written `family, given`."""
    family, comma, given = name.partition(",")
    return tuple(_plain(word) for word in _words(f"{given} {family}" if comma else name))


def _is_same_name(wanted: tuple[str, ...], name: tuple[str, ...]) -> bool:
    """Whether *name* can be the person *wanted*: same family name, and each given name or initial in its order.

    `LeCun` alone takes every LeCun; `Y. LeCun` and `Yann LeCun` take each other. Different people who write their
    names alike cannot be told apart.
    """
    if not wanted or not name or wanted[-1] != name[-1]:
        return False
    remaining = iter(name[:-1])
    return all(any(_is_same_given_name(given, candidate) for candidate in remaining) for given in wanted[:-1])


def _is_same_given_name(one: str, other: str) -> bool:
    return one == other or (1 in (len(one), len(other)) and one[0] == other[0])


def _collapsed(text: str) -> str:
    return " ".join(text.split())


def _rounded(points: float) -> float:
    return round(points, _DECIMALS)
