"""Papers + profile -> scores with reasons.

Each term of a profile that a paper holds gives points, and the points add up. How many they are is the ranking's:
`relevance` weighs a term by how rare it is in the stream and by how much of the paper it is; `count` gives each term
its weight, and half of it more in the title, which is the origin's rule. Terms are looked up in `core/index.py`, or,
in `substring` mode, in one pass over what arXiv sent (Aho-Corasick, Commun. ACM 18(6), 1975). What is done with a score
(exclusion, minimum, order, cap) is `core/catalogue.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from ahocorasick_rs import AhoCorasick

from core.index import COUNT_BITS, HITS_BITS, MOST, PaperIndex, Postings
from core.papers import Paper
from core.profiles import MatchMode, Profile
from core.query import Field, Node, Term, parse_entry, wanted_terms
from core.rarity import Rarity
from core.relevance import Era, add_points, norms_of, relate, weigh
from core.words import fold_word, fold_words, name_words, plain_word, split_words

Place = Field | Literal["related"]
Kind = Literal["query", "keyword", "author", "related"]

TITLE_FACTOR = 1.5  # the origin's rule: one point, and half a point more in the title
AUTHOR_POINTS = 5.0  # by relevance; as much as a rare word in the title
_RELATED_NAMED = 6  # words, of those that give a paper points
UNIT = 10_000  # points are counted in whole ten-thousandths, so that sums show no binary dust and need no order

parse_term = lru_cache(maxsize=8_192)(parse_entry)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a paper has points: *term* was found in *field* ("title" where it stands in both) and gives *points*.

    In the place of a field, `related` says that *term* lists words which go with the profile's own.
    """

    term: str
    field: Place
    points: float

    def __str__(self) -> str:
        place = "" if self.field == "abstract" else f" ({self.field})"
        return f"{self.term} {self.points:g}{place}"


@dataclass(frozen=True, slots=True)
class Score:
    """How well a paper fits a profile: points without an upper bound, and the reasons, which add up to them."""

    value: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """What a term of the profile says of one paper: where it stands there, None for nowhere, and what that gives."""

    kind: Kind
    term: str
    field: Place | None
    points: float


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A term that gives points, under the name that its reasons have; `within` is the entry that must be met whole."""

    kind: Kind
    name: str
    term: Term
    weight: float
    within: Node | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """The papers that a term gives points to, and how many ten-thousandths.

    A *term* tells by itself whether it stands in a title; of what is matched by the letter `in_title` does.
    """

    kind: Kind
    name: str
    field: Place
    points: Mapping[int, int]
    term: Term | None = None
    in_title: Set[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Scores:
    """What a profile says of the papers of an index, by number.

    `points` are in ten-thousandths, for every paper of the index. `matching` are those that the profile's query finds,
    None where it has none. `excluded` names for a paper the exclusions that it falls under.
    """

    index: PaperIndex
    points: Sequence[int]
    matching: Set[int] | None
    excluded: Mapping[int, tuple[str, ...]]
    found: tuple[_Found, ...]

    def score(self, number: int) -> Score:
        """The score of the paper *number*, with its reasons, heaviest first, in ties in profile order."""
        reasons = sorted(self._reasons(number), key=lambda reason: -reason.points)
        return Score(self.points[number] / UNIT, tuple(reasons))

    def check(self, number: int) -> Iterator[Check]:
        """What each term of the profile says of the paper *number*, in profile order, then what is related to them."""
        for one in self.found:
            gained = one.points.get(number, 0)
            if one.kind != "related":
                place = self._place(one, number) if number in one.points else None
                yield Check(one.kind, one.name, place, gained / UNIT)
        for reason in self._reasons(number):
            if reason.field == "related":
                yield Check("related", reason.term, reason.field, reason.points)

    def _reasons(self, number: int) -> Iterator[Reason]:
        related: list[tuple[int, str]] = []
        for one in self.found:
            gained = one.points.get(number)
            if not gained:
                continue
            if one.field == "related":
                related.append((-gained, one.name))
            else:
                yield Reason(one.name, self._place(one, number), gained / UNIT)
        if related:
            spellings = self.index.spellings(number)
            names = [spellings.get(feature, feature) for _, feature in sorted(related)[:_RELATED_NAMED]]
            more = f" and {len(related) - len(names)} more" if len(related) > len(names) else ""
            yield Reason(", ".join(names) + more, "related", -sum(gained for gained, _ in related) / UNIT)

    def _place(self, one: _Found, number: int) -> Place:
        is_in_title = number in one.in_title
        if one.term is not None and one.term.field is None:
            is_in_title = self.index.stands_in_title(number, one.term)
        return "title" if is_in_title else one.field


class Scorer:
    """Holds papers against one profile; build it once per profile.

    In `word` mode each entry of the profile's lists is a term or a query. Terms that say the same count once, with the
    first one's weight. In `substring` mode entries match anywhere in what arXiv sent, by the letter, and each entry of
    the list counts, which is the rule that the published digests of 2025 and 2026 were made with.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._wanted = tuple(_distinct(_list_wanted(profile)))

    def score(self, index: PaperIndex, eras: Sequence[Era]) -> Scores:
        """The scores of the papers of *eras*, which are mailings, oldest first; others of *index* may be among them."""
        profile = self._profile
        totals = [0] * len(index)
        found: list[_Found] = []
        if profile.match == "substring":
            numbers = [number for era in eras for number in era.numbers]
            found, exclusions = _find_letters(profile, index, numbers, totals)
        else:
            exclusions = [(entry, index.evaluate(parse_term(entry))) for entry in profile.exclude_keywords]
        excluded: dict[int, tuple[str, ...]] = {}
        for entry, excluded_numbers in exclusions:
            for number in excluded_numbers:
                excluded[number] = (*excluded.get(number, ()), entry)
        if profile.ranking == "count":
            found += [_found(wanted, _count(hits, wanted.weight, totals)) for wanted, hits in self._look_up(index)]
        else:
            found += self._weigh(index, eras, excluded, totals)
        matching = None if profile.query is None else index.evaluate(profile.query)
        return Scores(index, totals, matching, excluded, tuple(found))

    def _look_up(self, index: PaperIndex) -> Iterator[tuple[_Wanted, Postings]]:
        """Each term and where it stands, in the papers that meet the whole of its entry."""
        for wanted in self._wanted:
            postings = index.find(wanted.term)
            if wanted.within is not None:
                within = index.evaluate(wanted.within)
                postings = [one for one in postings if one >> HITS_BITS in within]
            yield wanted, postings

    def _weigh(
        self, index: PaperIndex, eras: Sequence[Era], excluded: Collection[int], totals: list[int]
    ) -> Iterator[_Found]:
        """The terms and what is related to them, by relevance."""
        era_of = [-1] * len(index)
        for place, era in enumerate(eras):
            for number in era.numbers:
                era_of[number] = place
        norms = norms_of(index)
        for wanted, postings in self._look_up(index):
            if wanted.term.field in {None, "title", "abstract"}:
                weights = [wanted.weight * weigh(_idf(wanted.term, era.rarity)) for era in eras]
                yield _found(wanted, add_points(postings, [*weights, 0.0], era_of, norms, totals))
            else:
                worth = AUTHOR_POINTS if wanted.term.field == "authors" else 1.0
                yield _found(wanted, _count(postings, worth * wanted.weight, totals))
        if self._profile.keywords:
            own = {word for wanted in self._wanted for word in fold_words(wanted.term.text)}
            related = relate(index, eras, totals, excluded=excluded, own=own)
            era_of = [era if points > 0 else -1 for era, points in zip(era_of, totals, strict=True)]
            for feature in sorted({feature for one in related for feature in one}):
                weights = [one.get(feature, 0.0) for one in related]
                gained = add_points(index.find_feature(feature), [*weights, 0.0], era_of, norms, totals)
                yield _Found("related", feature, "related", gained)


def score(paper: Paper, profile: Profile, rarity: Rarity | None = None) -> Score:
    """How well *paper* fits *profile*: points, 0 for no match, without an upper bound.

    Reasons come heaviest first, in ties in profile order, and add up to the value. An empty profile scores every
    paper 0. Without other papers nothing is related. Raises QueryMistake where an entry of the profile is none.
    """
    return Scorer(profile).score(PaperIndex([paper]), [Era((0,), rarity or Rarity(), 0)]).score(0)


def _found(wanted: _Wanted, points: Mapping[int, int]) -> _Found:
    return _Found(wanted.kind, wanted.name, wanted.term.field or "abstract", points, wanted.term)


def _idf(term: Term, rarity: Rarity) -> float:
    if term.reading == "prefix":
        *words, last = map(plain_word, split_words(term.text))
        return max([rarity.idf_of_prefix(last), *(rarity.idf([fold_word(word)]) for word in words)])
    return rarity.idf(fold_words(term.text))


def is_usable_term(term: str, match: MatchMode) -> bool:
    """Whether *term* can match anything: it has a letter or digit in `word` mode, a visible character otherwise."""
    return bool(split_words(term) if match == "word" else term.strip())


def _count(postings: Iterable[int], weight: float, totals: list[int]) -> Mapping[int, int]:
    """Points by the origin's rule, added to the papers' *totals* too."""
    once, in_title = round(weight * UNIT), round(weight * TITLE_FACTOR * UNIT)
    points = {}
    for one in postings:
        number = one >> HITS_BITS
        points[number] = gained = in_title if one >> COUNT_BITS & MOST else once
        totals[number] += gained
    return points


def _list_wanted(profile: Profile) -> Iterator[_Wanted]:
    """The terms that give points, in the order of the profile. Raises QueryMistake where an entry is none."""
    if profile.query is not None:
        yield from _terms_of("query", profile.query, 1.0, profile.query)
    if profile.match == "word":
        for keyword in profile.keywords:
            yield from _terms_of("keyword", parse_term(keyword.term), keyword.weight)
    for author in profile.authors:
        if is_usable_term(author.term, "word"):
            yield _Wanted("author", author.term, Term(author.term, field="authors"), author.weight)


def _terms_of(kind: Kind, node: Node, weight: float, within: Node | None = None) -> Iterator[_Wanted]:
    """The terms of an entry; what they give is given only where the whole entry is met."""
    if isinstance(node, Term):
        yield _Wanted(kind, _name(node), node, node.weight * weight, within)
    else:
        for term in wanted_terms(node):
            yield _Wanted(kind, _name(term), term, term.weight * weight, within or node)


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
    profile: Profile, index: PaperIndex, numbers: Collection[int], totals: list[int]
) -> tuple[list[_Found], list[tuple[str, Set[int]]]]:
    """What `substring` mode finds: points by keyword, and papers by exclusion."""
    patterns = [*(keyword.term for keyword in profile.keywords), *profile.exclude_keywords]
    usable = [place for place, pattern in enumerate(patterns) if is_usable_term(pattern, "substring")]
    in_title: list[set[int]] = [set() for _ in patterns]
    anywhere: list[set[int]] = [set() for _ in patterns]
    automaton = AhoCorasick([patterns[place].lower() for place in usable])
    for number in numbers:
        paper = index.papers[number]
        title = _collapsed(paper.raw_title).lower()
        text = f"{title} {_collapsed(paper.raw_abstract).lower()}"
        for which, _, end in automaton.find_matches_as_indexes(text, overlapping=True):
            anywhere[usable[which]].add(number)
            if end <= len(title):
                in_title[usable[which]].add(number)
    found: list[_Found] = []
    for keyword, titles, every in zip(profile.keywords, in_title, anywhere, strict=False):
        postings = [number << HITS_BITS | (1 << COUNT_BITS if number in titles else 1) for number in every]
        points = _count(postings, keyword.weight, totals)
        found.append(_Found("keyword", keyword.term, "abstract", points, in_title=titles))
    return found, list(zip(profile.exclude_keywords, anywhere[len(profile.keywords) :], strict=True))


def _collapsed(text: str) -> str:
    return " ".join(text.split())
