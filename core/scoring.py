"""Papers + profile -> scores with reasons.

Each term of a profile that a paper holds gives points, and the points add up. How many they are is the ranking's:
`relevance` weighs a term by how rare it is in the stream and by how much of the paper it is; `count` gives each term
its weight, and half of it more in the title, which is the origin's rule. Terms are looked up in `core/index.py`, or,
in `substring` mode, in one pass over what arXiv sent (Aho-Corasick, Commun. ACM 18(6), 1975). What is done with a score
(exclusion, minimum, order, cap) is `core/catalogue.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from functools import lru_cache

from ahocorasick_rs import AhoCorasick

from core.index import IN_ABSTRACT, IN_TITLE, Hits, PaperIndex, title_hits
from core.papers import Paper
from core.profiles import MatchMode, Profile
from core.query import Field, Node, Term, parse_entry, wanted_terms
from core.words import fold_word, name_words, plain_word, split_words

TITLE_FACTOR = 1.5  # the origin's rule: one point, and half a point more in the title
UNIT = 10_000  # points are counted in whole ten-thousandths, so that sums show no binary dust and need no order

parse_term = lru_cache(maxsize=8_192)(parse_entry)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a paper has points: *term* was found in *field* ("title" where it stands in both) and gives *points*."""

    term: str
    field: Field
    points: float

    def __str__(self) -> str:
        return (
            f"{self.term} {self.points:g}"
            if self.field == "abstract"
            else f"{self.term} {self.points:g} ({self.field})"
        )


@dataclass(frozen=True, slots=True)
class Score:
    """How well a paper fits a profile: points without an upper bound, and the reasons, which add up to them."""

    value: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A term that gives points, under the name that its reasons have; `within` is the entry that must be met whole."""

    name: str
    term: Term
    weight: float
    within: Node | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """The papers that a term gives points to: how many ten-thousandths, and where it stands."""

    name: str
    field: Field
    points: Mapping[int, int]
    hits: Hits


@dataclass(frozen=True, slots=True)
class Scores:
    """What a profile says of the papers of an index, by number.

    `points` are in ten-thousandths; papers without any are left out. `matching` are those that the profile's query
    finds, None where it has none. `excluded` names for a paper the exclusions that it falls under.
    """

    points: Mapping[int, int]
    matching: Set[int] | None
    excluded: Mapping[int, tuple[str, ...]]
    found: tuple[_Found, ...]

    def score(self, number: int) -> Score:
        """The score of the paper *number*, with its reasons, heaviest first, in ties in profile order."""
        reasons = sorted(self._reasons(number), key=lambda reason: -reason.points)
        return Score(self.points.get(number, 0) / UNIT, tuple(reasons))

    def _reasons(self, number: int) -> Iterator[Reason]:
        for one in self.found:
            if number in one.points:
                field = "title" if one.field == "abstract" and title_hits(one.hits[number]) else one.field
                yield Reason(one.name, field, one.points[number] / UNIT)


class Scorer:
    """Holds papers against one profile; build it once per profile.

    In `word` mode each entry of the profile's lists is a term or a query. Terms that say the same count once, with the
    first one's weight. In `substring` mode entries match anywhere in what arXiv sent, by the letter, and each entry of
    the list counts, which is the rule that the published digests of 2025 and 2026 were made with.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._wanted = tuple(_distinct(_list_wanted(profile)))

    def score(self, index: PaperIndex, numbers: Collection[int]) -> Scores:
        """The scores of the papers *numbers* of *index*; others may be among them."""
        profile = self._profile
        found = [self._find(wanted, index) for wanted in self._wanted]
        if profile.match == "substring":
            by_letter, exclusions = _find_letters(profile, index, numbers)
            found = [*by_letter, *found]
        else:
            exclusions = [(entry, index.evaluate(parse_term(entry))) for entry in profile.exclude_keywords]
        points: dict[int, int] = {}
        for one in found:
            for number, gained in one.points.items():
                points[number] = points.get(number, 0) + gained
        excluded: dict[int, tuple[str, ...]] = {}
        for term, excluded_numbers in exclusions:
            for number in excluded_numbers:
                excluded[number] = (*excluded.get(number, ()), term)
        matching = None if profile.query is None else index.evaluate(profile.query)
        return Scores(points, matching, excluded, tuple(found))

    def _find(self, wanted: _Wanted, index: PaperIndex) -> _Found:
        hits = index.find(wanted.term)
        if wanted.within is not None:
            within = index.evaluate(wanted.within)
            hits = {number: count for number, count in hits.items() if number in within}
        return _Found(wanted.name, wanted.term.field or "abstract", _count(hits, wanted.weight), hits)


def score(paper: Paper, profile: Profile) -> Score:
    """How well *paper* fits *profile*: points, 0 for no match, without an upper bound.

    Reasons come heaviest first, in ties in profile order, and add up to the value. An empty profile scores every
    paper 0. Raises QueryMistake where an entry of the profile is none.
    """
    return Scorer(profile).score(PaperIndex([paper]), (0,)).score(0)


def is_usable_term(term: str, match: MatchMode) -> bool:
    """Whether *term* can match anything: it has a letter or digit in `word` mode, a visible character otherwise."""
    return bool(split_words(term) if match == "word" else term.strip())


def _count(hits: Hits, weight: float) -> Mapping[int, int]:
    """Points by the origin's rule."""
    once, in_title = round(weight * UNIT), round(weight * TITLE_FACTOR * UNIT)
    return {number: in_title if title_hits(count) else once for number, count in hits.items()}


def _list_wanted(profile: Profile) -> Iterator[_Wanted]:
    """The terms that give points, in the order of the profile. Raises QueryMistake where an entry is none."""
    if profile.query is not None:
        yield from _terms_of(profile.query, profile.query, 1.0)
    if profile.match == "word":
        for keyword in profile.keywords:
            yield from _terms_of(parse_term(keyword.term), None, keyword.weight)
    for author in profile.authors:
        if is_usable_term(author.term, "word"):
            yield _Wanted(author.term, Term(author.term, field="authors"), author.weight)


def _terms_of(node: Node, within: Node | None, weight: float) -> Iterator[_Wanted]:
    """The terms of an entry; what they give is given only where the whole entry is met."""
    if isinstance(node, Term):
        yield _Wanted(_name(node), node, node.weight * weight, within)
    else:
        for term in wanted_terms(node):
            yield _Wanted(_name(term), term, term.weight * weight, within or node)


def _name(term: Term) -> str:
    """*term* as a reason names it, without the weight and without the field, which the reason has."""
    if term.reading == "folded":
        return term.text
    return str(replace(term, weight=1.0, field=None))


def _distinct(wanted: Iterator[_Wanted]) -> Iterator[_Wanted]:
    """Each of *wanted* that no earlier one says already."""
    seen: set[tuple[object, ...]] = set()
    for one in wanted:
        key = _saying(one.term)
        if key not in seen:
            seen.add(key)
            yield one


def _saying(term: Term) -> tuple[object, ...]:
    """Equal for terms that find the same papers, however they are written."""
    words = split_words(term.text)
    if term.field == "authors":
        return (term.field, *name_words(term.text))
    form = fold_word if term.reading == "folded" else plain_word
    return (term.field, term.reading, term.distance, *map(form, words))


def _find_letters(
    profile: Profile, index: PaperIndex, numbers: Collection[int]
) -> tuple[list[_Found], list[tuple[str, Set[int]]]]:
    """What `substring` mode finds: papers by keyword, and papers by exclusion."""
    patterns = [*(keyword.term for keyword in profile.keywords), *profile.exclude_keywords]
    usable = [place for place, pattern in enumerate(patterns) if is_usable_term(pattern, "substring")]
    hits: list[dict[int, int]] = [{} for _ in patterns]
    automaton = AhoCorasick([patterns[place].lower() for place in usable])
    for number in numbers:
        paper = index.papers[number]
        title = _collapsed(paper.raw_title).lower()
        text = f"{title} {_collapsed(paper.raw_abstract).lower()}"
        for which, _, end in automaton.find_matches_as_indexes(text, overlapping=True):
            here = hits[usable[which]]
            here[number] = max(here.get(number, 0), IN_TITLE if end <= len(title) else IN_ABSTRACT)
    found = [
        _Found(keyword.term, "abstract", _count(one, keyword.weight), one)
        for keyword, one in zip(profile.keywords, hits, strict=False)
    ]
    exclusions = zip(profile.exclude_keywords, hits[len(profile.keywords) :], strict=True)
    return found, [(term, one.keys()) for term, one in exclusions]


def _collapsed(text: str) -> str:
    return " ".join(text.split())
