"""Papers + profile -> scores with reasons.

Each term of a profile that a paper holds gives points, and the points add up. How many they are is the ranking's:
`relevance` weighs a term by how rare it is in the stream and by how much of the paper it is; `count` gives each term
its weight, and half of it more in the title, which is the origin's rule. Terms are looked up in `core/index.py`, or,
in `substring` mode, in one pass over what arXiv sent (Aho-Corasick, Commun. ACM 18(6), 1975). What is done with a score
(exclusion, minimum, order, cap) is `core/catalogue.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache, partial
from typing import Literal

from ahocorasick_rs import AhoCorasick

from core.index import COUNT_BITS, HITS_BITS, MOST, Matches, PaperIndex, Postings, combine, has_number, numbers_in
from core.papers import Paper
from core.profiles import POINT_PLACES, MatchMode, Profile, say_points
from core.query import MAX_CHARACTERS, Field, Node, Term, parse_entry, unwanted_parts, wanted_terms
from core.rarity import Known, Rarity, group_of
from core.relevance import (
    TIES,
    Era,
    Tie,
    add_ties,
    liken,
    place_in_eras,
    points_of,
    raise_by_authors,
    read_amounts,
    relate,
    stream_of,
    tie_points,
    weigh,
)
from core.words import fold_word, fold_words, name_words, plain_word, plural_spelling, split_words

Bond = Tie | Literal["related author", "duplicate"]  # how other papers count for one
Place = Field | Bond
Kind = Literal["query", "keyword", "author"] | Bond

TITLE_FACTOR = 1.5  # the origin's rule: one point, and half a point more in the title
AUTHOR_POINTS = 3.0  # by relevance: more than any word of usual rarity can give
_NAMED = 6  # words or authors, of those that tie a paper to others
UNIT = 10**POINT_PLACES  # points are counted in whole ten-thousandths: sums show no binary dust and need no order

# What an entry was read as before is longer where its terms all have their field.
_parse_term = partial(parse_entry, max_characters=100 * MAX_CHARACTERS)
# Anybody may ask for long ones, each of which fills up to 100 kB and is read in 30 ms.
_LONG_TERM = 100  # characters
_parse_short_term, _parse_long_term = lru_cache(maxsize=8_192)(_parse_term), lru_cache(maxsize=32)(_parse_term)


def parse_term(text: str) -> Node:
    """The tree of a keyword or exclusion, which is asked for again by the selections after it."""
    return (_parse_short_term if len(text) < _LONG_TERM else _parse_long_term)(text)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a paper has points: *term* was found in *field* ("title" where it stands in both) and gives *points*.

    In the place of a field, `related` says that *term* lists words which go with the profile's own, `related author`
    that it lists people who wrote what fitted the profile best lately, `like` and `dislike` that it lists words which
    tie the paper to those liked and disliked, `duplicate` that it names the paper which this one repeats.
    """

    term: str
    field: Place
    points: float

    def __str__(self) -> str:
        place = "" if self.field == "abstract" else f" ({self.field})"
        return f"{self.term} {say_points(self.points)}{place}"


@dataclass(frozen=True, slots=True)
class Score:
    """How well a paper fits a profile: points without an upper bound, and the reasons, which add up to them."""

    value: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """What a term of the profile says of one paper: where it stands there, None for nowhere, and what that gives.

    `term` has the field that it was looked for in.
    """

    kind: Kind
    term: str
    field: Place | None
    points: float


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A term that gives points, under the name that its reasons have; `within` is the entry that must be met whole.

    Terms that fold to the same words have equal `says`.
    """

    kind: Kind
    name: str
    term: Term
    weight: float
    within: Node | None = None
    says: tuple[object, ...] = ()

    @property
    def condition(self) -> Node | None:
        """The entry, where it asks for more than the term."""
        return self.within if self.within != self.term else None


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

    @property
    def rule(self) -> str:
        """The term with its field; of authors in a list the name alone."""
        if self.kind == "author" or self.term is None or self.term.field is None:
            return self.name
        return str(replace(self.term, weight=1.0))


@dataclass(frozen=True, slots=True)
class Scores:
    """What a profile says of the papers of an index, by number.

    `points` are in ten-thousandths, for every paper of the index. `matching` are those that the profile's query finds,
    None where it has none. `excluded` are those that fall under one of the `exclusions`.
    """

    index: PaperIndex
    points: Sequence[int]
    matching: Set[int] | None
    excluded: Set[int]
    exclusions: Sequence[tuple[str, Matches]]
    found: tuple[_Found, ...]
    ties: _Ties | None = None
    repeated: Mapping[int, tuple[int, int]] = field(default_factory=dict)  # which paper, and what that takes

    def halve(self, repeats: Mapping[int, int]) -> Scores:
        """The same where papers that repeat another one, *repeats* with that one, lose half of their points."""
        points = list(self.points)
        repeated = {
            number: (original, points[number] // 200 * 100)
            for number, original in repeats.items()
            if points[number] > 0
        }
        for number, (_, taken) in repeated.items():
            points[number] -= taken
        return replace(self, points=points, repeated=repeated)

    def score(self, number: int) -> Score:
        """The score of the paper *number*, with its reasons, heaviest first, in ties in profile order."""
        reasons = sorted(self._reasons(number), key=lambda reason: -reason.points)
        return Score(self.points[number] / UNIT, tuple(reasons))

    def excluded_by(self, number: int) -> tuple[str, ...]:
        """The exclusions that the paper *number* falls under, in the order of the profile."""
        return tuple(entry for entry, matches in self.exclusions if number in matches)

    def check(self, number: int) -> Iterator[Check]:
        """What each term of the profile says of the paper *number*, in profile order, then what ties it to papers."""
        for one in self.found:
            # A term of an entry that is not met whole gives nothing, and stands there all the same.
            stands = number in one.points or (one.term and has_number(self.index.find(one.term), number))
            place = self._place(one, number) if stands else None
            yield Check(one.kind, one.rule, place, one.points.get(number, 0) / UNIT)
        for kind, reason in self._bonds(number):
            yield Check(kind, reason.term, reason.field, reason.points)

    def check_unwanted(self, number: int, query: Node) -> Iterator[tuple[str, bool]]:
        """What stands behind a NOT in *query*, in reading order, and whether the paper *number* is found by it."""
        for part in unwanted_parts(query):
            yield str(part), number in self.index.evaluate(part)

    def check_entries(self, number: int, profile: Profile) -> Iterator[tuple[str, bool]]:
        """Those keywords of *profile* that are queries of several terms, and whether they find the paper *number*."""
        for keyword in profile.keywords if profile.match == "word" else ():
            entry = parse_term(keyword.term)
            if not isinstance(entry, Term):
                yield keyword.term, number in self.index.match(entry)

    def _reasons(self, number: int) -> Iterator[Reason]:
        for one in self.found:
            gained = one.points.get(number)
            if gained:
                yield Reason(one.name, self._place(one, number), gained / UNIT)
        yield from (reason for _, reason in self._bonds(number))

    def _bonds(self, number: int) -> Iterator[tuple[Bond, Reason]]:
        """What other papers give the paper *number*: a reason for all words that tie it to them in one way.

        And what it loses because it repeats one of them.
        """
        for tie, weights in self.ties.find_weights(number) if self.ties else ():
            picked = self.index.pick(number, weights)
            if points := tie_points(picked.reading, weights, self.index.norms[number], tie):
                yield tie, Reason(_name_words(points, picked.spelt), tie, sum(points.values()) / UNIT)
        names = self._find_related_authors(number)
        if names:
            yield "related author", Reason(_list_some(names), "related author", raise_by_authors(len(names)) / UNIT)
        if number in self.repeated:
            original, taken = self.repeated[number]
            yield "duplicate", Reason(f"much the same as {self.index.papers[original].id}", "duplicate", -taken / UNIT)

    def _find_related_authors(self, number: int) -> list[str]:
        known = self.ties.find_authors(number) if self.ties else frozenset()
        names = {author.name.casefold(): author.name for author in self.index.papers[number].authors} if known else {}
        return [name for folded, name in names.items() if folded in known]

    def _place(self, one: _Found, number: int) -> Place:
        is_in_title = number in one.in_title
        if one.term is not None and one.term.field is None:
            is_in_title = self.index.stands_in_title(number, one.term)
        return "title" if is_in_title else one.field


@dataclass(frozen=True, slots=True)
class _Ties:
    """What ties papers to others: the *eras* and which of them each paper is of, -1 for none.

    `raised_in` is the same for the papers that had points before they could be raised by related words.
    """

    eras: Sequence[Era]
    era_of: Sequence[int]
    raised_in: Sequence[int]

    def find_weights(self, number: int) -> Iterator[tuple[Tie, Mapping[str, float]]]:
        """The ways in which the paper *number* can be tied to others, each with the words and their weight."""
        for tie in TIES:
            era = (self.raised_in if tie == "related" else self.era_of)[number]
            if era >= 0 and (weights := self.eras[era].weights(tie)):
                yield tie, weights

    def find_authors(self, number: int) -> Set[str]:
        """The authors that could raise the paper *number*, by their names without case."""
        era = self.raised_in[number]
        return self.eras[era].authors if era >= 0 else frozenset()


def _name_words(points: Mapping[str, int], spelt: Mapping[str, str]) -> str:
    """The words that *points* are given for, the heaviest first, as they are *spelt*."""
    return _list_some([spelt[word] for word in sorted(points, key=lambda word: (-abs(points[word]), word))])


def _list_some(names: Sequence[str]) -> str:
    """The first of *names*, and how many more there are."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


class Scorer:
    """Holds papers against one profile; build it once per profile.

    In `word` mode each entry of the profile's lists is a term or a query. Terms that say the same count once, with the
    first one's weight, in a query with the heaviest one's. In `substring` mode entries match anywhere in what arXiv
    sent, by the letter, and each entry of the list counts, which is the rule that the published digests of 2025 and
    2026 were made with. *liked* holds the papers that the profile likes and dislikes, as far as they are known.
    """

    def __init__(self, profile: Profile, liked: Mapping[str, Paper] | None = None) -> None:
        self._profile = profile
        self._wanted = tuple(_distinct(_list_wanted(profile)))
        self._shared = {says for says, times in Counter(one.says for one in self._wanted).items() if times > 1}
        known = liked or {}
        self._liked = read_amounts([known[paper_id] for paper_id in profile.likes if paper_id in known])
        self._disliked = read_amounts([known[paper_id] for paper_id in profile.dislikes if paper_id in known])
        letters = [keyword.term for keyword in profile.keywords] if profile.match == "substring" else []
        own = [*(wanted.term.text for wanted in self._wanted), *letters]
        self._own = {word for text in own for word in fold_words(text)}

    def build_era(self, numbers: Sequence[int], mailing: date, known: Known) -> Era:
        """The papers *numbers* of *mailing*, and what is *known* from before it."""
        if self._profile.ranking == "count":
            return Era(numbers, Rarity(), disliked=liken(self._disliked, Rarity(), self._own))
        rarity = known.rarity(mailing, map(group_of, self._profile.categories))
        stream = stream_of(self._profile)
        best = known.before(mailing, stream) if stream else None
        return Era(
            numbers,
            rarity,
            related=relate(best, rarity, self._own),
            authors=best.authors.keys() if best else frozenset(),
            liked=liken(self._liked, rarity, self._own),
            disliked=liken(self._disliked, rarity, self._own),
        )

    def score(self, index: PaperIndex, eras: Sequence[Era]) -> Scores:
        """The scores of the papers of *eras*, which are mailings; others of *index* may be among them."""
        profile = self._profile
        if profile.match == "substring":
            found, exclusions = _find_letters(profile, index, [number for era in eras for number in era.numbers])
        else:
            found = []
            exclusions = [(entry, index.match(parse_term(entry))) for entry in profile.exclude_keywords]
        excluded = index.number(combine((matches for _, matches in exclusions), every=False))
        matching = None if profile.query is None else index.evaluate(profile.query)
        era_of = place_in_eras(eras, index)
        is_counted = profile.ranking == "count"
        found += [
            _found(
                wanted,
                _count(postings, wanted.weight) if is_counted else _weigh(wanted, postings, eras, era_of, index.norms),
            )
            for wanted, postings in self._look_up(index, matching)
        ]
        totals = _sum_up(found, index)
        raised_in = add_ties(index, eras, era_of, totals)
        return Scores(index, totals, matching, excluded, exclusions, tuple(found), _Ties(eras, era_of, raised_in))

    def _look_up(self, index: PaperIndex, matching: Set[int] | None) -> Iterator[tuple[_Wanted, Postings]]:
        """Each term and where it stands, in the papers that meet the whole of its entry: *matching* for the query's.

        Where entries share a term, only in those that get nothing by an earlier one of them.
        """
        met: dict[Node | None, Set[int]] = {} if matching is None else {self._profile.query: matching}
        given: dict[tuple[object, ...], set[int]] = {}
        for wanted in self._wanted:
            postings = index.find(wanted.term)
            if before := given.get(wanted.says):
                postings = [one for one in postings if one >> HITS_BITS not in before]
            if wanted.condition is not None:
                if wanted.condition not in met:
                    met[wanted.condition] = index.evaluate(wanted.condition)
                within = met[wanted.condition]
                postings = [one for one in postings if one >> HITS_BITS in within]
            if wanted.says in self._shared:
                given.setdefault(wanted.says, set()).update(numbers_in(postings))
            yield wanted, postings


def score(paper: Paper, profile: Profile, rarity: Rarity | None = None) -> Score:
    """How well *paper* fits *profile*: points, 0 for no match, without an upper bound.

    Reasons come heaviest first, in ties in profile order, and add up to the value. An empty profile scores every
    paper 0. Without other papers nothing is related. Raises QueryMistake where an entry of the profile is none.
    """
    return Scorer(profile).score(PaperIndex([paper]), [Era((0,), rarity or Rarity())]).score(0)


def _found(wanted: _Wanted, points: Mapping[int, int]) -> _Found:
    return _Found(wanted.kind, wanted.name, wanted.term.field or "abstract", points, wanted.term)


def _sum_up(found: Sequence[_Found], index: PaperIndex) -> list[int]:
    totals = [0] * len(index)
    for one in found:
        for number, gained in one.points.items():
            totals[number] += gained
    return totals


def _weigh(
    wanted: _Wanted, postings: Postings, eras: Sequence[Era], era_of: Sequence[int], norms: Sequence[float]
) -> Mapping[int, int]:
    """Points by relevance; what is no text has no rarity, and a name counts as much as a rare word."""
    if wanted.term.field in {None, "title", "abstract"}:
        weights = [wanted.weight * weigh(_idf(wanted.term, era.rarity)) for era in eras]
        return points_of(postings, [*weights, 0.0], era_of, norms)
    return _count(postings, wanted.weight * (AUTHOR_POINTS if wanted.term.field == "authors" else 1.0))


def _idf(term: Term, rarity: Rarity) -> float:
    if term.reading == "prefix":
        *words, last = map(plain_word, split_words(term.text))
        return max([rarity.idf_of_prefix(last), *(rarity.idf([fold_word(word)]) for word in words)])
    return rarity.idf(fold_words(term.text))


def gives_points(profile: Profile) -> bool:
    """Whether *profile* can give any paper points. Raises QueryMistake where an entry of it is none."""
    is_likened = bool(profile.likes) and profile.ranking == "relevance"
    by_letter = profile.match == "substring" and bool(profile.keywords)
    return is_likened or by_letter or any(True for _ in _list_wanted(profile))


def is_usable_term(term: str, match: MatchMode) -> bool:
    """Whether *term* can match anything: it has a letter or digit in `word` mode, a visible character otherwise."""
    return bool(split_words(term) if match == "word" else term.strip())


def _count(postings: Iterable[int], weight: float) -> Mapping[int, int]:
    """Points by the origin's rule."""
    once, in_title = round(weight * UNIT), round(weight * TITLE_FACTOR * UNIT)
    return {one >> HITS_BITS: in_title if one >> COUNT_BITS & MOST else once for one in postings}


def _list_wanted(profile: Profile) -> Iterator[_Wanted]:
    """The terms that give points, in the order of the profile. Raises QueryMistake where an entry is none.

    Those of a query stand in no order of the reader's own, so the heaviest come first.
    """
    if profile.query is not None:
        yield from sorted(_terms_of("query", profile.query, 1.0, profile.query), key=lambda one: -one.weight)
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
    """Each of *wanted* that may give points where no earlier one that says the same does.

    That may also be where it alone finds the plural of an acronym: `rms` finds RMs, and `rmse`, which says the same,
    does not.
    """
    seen: set[tuple[object, ...]] = set()
    for one in wanted:
        says = _what_it_says(one.term)
        is_folded = one.term.reading == "folded" and one.term.field != "authors"
        finds = (says, *map(plural_spelling, split_words(one.term.text) if is_folded else ()))
        if seen.isdisjoint(((finds, None), (finds, one.condition))):
            seen.add((finds, one.condition))
            yield _Wanted(one.kind, one.name, one.term, one.weight, one.within, says)


def _what_it_says(term: Term) -> tuple[object, ...]:
    words = split_words(term.text)
    if term.field == "authors":
        return (term.field, *name_words(term.text))
    form = fold_word if term.reading == "folded" else plain_word
    return (term.field, term.reading, term.distance, *map(form, words))


def _find_letters(
    profile: Profile, index: PaperIndex, numbers: Collection[int]
) -> tuple[list[_Found], list[tuple[str, Matches]]]:
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
        found.append(_Found("keyword", keyword.term, "abstract", _count(postings, keyword.weight), in_title=titles))
    excluded = map(Matches, anywhere[len(profile.keywords) :])
    return found, list(zip(profile.exclude_keywords, excluded, strict=True))


def _collapsed(text: str) -> str:
    return " ".join(text.split())
