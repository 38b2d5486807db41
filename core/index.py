"""Papers made ready for matching once, and an index of their words, so that looking a term up costs what it finds.

An inverted index: for each folded word the papers that it stands in, with how often it does in title and abstract
(Zobel, Moffat: Inverted files for text search engines, ACM Computing Surveys 38(2), 2006). Phrases, exact words and
prefixes are looked for only in the papers that have all their words. Papers are numbered in the order in which they
came. What a match is worth is `core/scoring.py`.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter, OrderedDict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

from core.arxiv.taxonomy import with_aliases
from core.papers import Paper
from core.query import And, Node, Not, Term
from core.saturation import norm_of
from core.words import fold_word, is_same_name, join_words, name_words, plain_word, plural_spelling, split_words

COUNT_BITS = 8
MOST = (1 << COUNT_BITS) - 1  # more than 255 times is as good as 255
HITS_BITS = 2 * COUNT_BITS
HITS = (1 << HITS_BITS) - 1
_HITS_KEPT = 1_000_000  # of what was searched for: 8 MB
_OF_A_FINDING = 30  # hits that one takes as much as besides its own
_LAST = "\U0010ffff"  # sorts behind every character of a word
_MAY_DIFFER = 0.3  # of the words of one of two sets that have seven tenths of all their words in common
_MOST_NAMESAKES = 1_000
_MOST_PAPERS = 0.75  # of all; to take apart so many postings costs more than to look into the texts that are left

# A posting is one integer: a paper's number, how often a term stands in its title, and how often in its abstract.
# Several stand in the order of papers. A selection goes through tens of thousands of them, so whoever reads them takes
# them apart with the shifts above.
Postings = Sequence[int]


def numbers_in(postings: Iterable[int]) -> set[int]:
    """The papers of *postings*."""
    return {one >> HITS_BITS for one in postings}


def has_number(postings: Postings, number: int) -> bool:
    """Whether the paper *number* is among *postings*, which are in the order of papers."""
    place = bisect_left(postings, number << HITS_BITS)
    return place < len(postings) and postings[place] >> HITS_BITS == number


class _Lines(dict[str, int]):
    """The lines of an index: by each word as written the number of its line, which all words with its form share.

    `forms` has the folded form of each line by number, `postings` what stands in it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[str] = []
        self.postings: list[array[int]] = []
        self._by_form: dict[str, int] = {}

    def __missing__(self, word: str) -> int:
        form = fold_word(word)
        line = self._by_form.setdefault(form, len(self.forms))
        if line == len(self.forms):
            self.forms.append(form)
            self.postings.append(array("Q"))
        self[word] = line
        return line

    def encode(self, words: Iterable[str]) -> list[int]:
        """The lines of *words*."""
        return [*map(self.__getitem__, words)]

    def find(self, form: str) -> Postings:
        """What stands in the line of the folded *form*."""
        line = self._by_form.get(form)
        return () if line is None else self.postings[line]


class _Vocabulary(dict[str, int]):
    """Words as written, numbered from 0 on, and their forms by number."""

    def __init__(self, lines: _Lines) -> None:
        super().__init__()
        self._lines = lines
        self.folded: list[str] = []
        self.plain: list[str] = []

    def __missing__(self, word: str) -> int:
        self[word] = code = len(self)
        self.folded.append(self._lines.forms[self._lines[word]])
        self.plain.append(plain_word(word))
        return code

    def encode(self, words: Iterable[str]) -> array[int]:
        """*words* as numbers."""
        return array("I", map(self.__getitem__, words))


@dataclass(frozen=True, slots=True)
class Reading:
    """The words of a paper in reading order: folded ones, but where the texts for exact words are made."""

    title: Sequence[str]
    abstract: Sequence[str]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some of the words of a paper.

    `spelt` says how the paper writes each folded one where it stands first, in lower case.
    """

    reading: Reading
    spelt: Mapping[str, str]


class _Readings(dict[int, tuple[Sequence[int], Sequence[int]]]):
    """The words of title and abstract of each paper by number, once they are asked for, as those of a vocabulary.

    That takes 0.9 kB a paper. Most papers are never read: postings tell all that single words ask for.
    """

    def __init__(self, papers: Sequence[Paper], lines: _Lines) -> None:
        super().__init__()
        self._papers = papers
        self.vocabulary = _Vocabulary(lines)

    def __missing__(self, number: int) -> tuple[Sequence[int], Sequence[int]]:
        title, abstract = map(split_words, (self._papers[number].title, self._papers[number].abstract))
        self[number] = codes = self.vocabulary.encode(title), self.vocabulary.encode(abstract)
        return codes

    def read(self, number: int, forms: Sequence[str]) -> Reading:
        title, abstract = self[number]
        return Reading([forms[code] for code in title], [forms[code] for code in abstract])

    def pick(self, number: int, among: Container[str]) -> Excerpt:
        forms, spellings = self.vocabulary.folded, self.vocabulary.plain
        title, abstract = ([code for code in part if forms[code] in among] for part in self[number])
        reading = Reading([forms[code] for code in title], [forms[code] for code in abstract])
        return Excerpt(reading, {forms[code]: spellings[code] for code in reversed(title + abstract)})


class _Texts(dict[int, str]):
    """The words of title and abstract of each paper by number, in one of their *forms*, once they are asked for.

    Most terms are single words, which need no text, and the texts are half of an index.
    """

    def __init__(self, readings: _Readings, forms: Sequence[str]) -> None:
        super().__init__()
        self._readings = readings
        self._forms = forms

    def __missing__(self, number: int) -> str:
        reading = self._readings.read(number, self._forms)
        self[number] = made = f" {'  '.join(reading.title)} \n {'  '.join(reading.abstract)} "
        return made


@dataclass(frozen=True, slots=True)
class Matches(Container[int]):
    """The papers that a query finds: those with *numbers*, or, as after a NOT, all others."""

    numbers: Set[int]
    is_complement: bool = False

    def __contains__(self, number: object) -> bool:
        return (number in self.numbers) is not self.is_complement


class PaperIndex:
    """Papers that terms can be looked up in; it only grows.

    Papers have numbers from 0 on, in the order of `add`. `norms` holds what `core/saturation.py` makes of how many
    words a paper's title and abstract have.
    """

    def __init__(self, papers: Iterable[Paper] = ()) -> None:
        self.papers: list[Paper] = []
        self._lines = _Lines()
        self._readings = _Readings(self.papers, self._lines)
        self.norms: list[float] = []
        # The words of title and abstract with a space on either side, and a line break between the two: without
        # endings, and only in lower case without accents.
        self._folded = _Texts(self._readings, self._readings.vocabulary.folded)
        self._plain = _Texts(self._readings, self._readings.vocabulary.plain)
        self._folded_comments: dict[int, str] = {}
        self._plain_comments: dict[int, str] = {}
        self._by_category: dict[str, set[int]] = {}
        self._by_id: dict[str, list[int]] = {}
        self._names: dict[str, dict[tuple[str, ...], list[int]]] = {}  # by family name
        self._names_read = 0  # of how many papers
        self._by_author: dict[str, list[int]] = {}  # as the name is spelt, but for case
        self._authors_read = 0
        self._outlines: list[tuple[bytes, bytes]] = []  # the title, and a byte for each word of the abstract
        self._sorted_words: list[tuple[str, str]] = []  # plain and folded form of each word
        self._spellings: Mapping[str, int] = {}  # how many words as written each folded form is of
        self._long = set[int]()  # the papers in which a word can stand more often than is counted
        # What was searched for since the last paper came, what was asked for last behind.
        self._found: OrderedDict[tuple[object, ...], Postings] = OrderedDict()
        self._hits_kept = 0
        for paper in papers:
            self.add(paper)

    def __len__(self) -> int:
        return len(self.papers)

    def add(self, paper: Paper) -> int:
        """Take *paper* in; the number that it has from now on."""
        number = len(self.papers)
        self._found.clear()
        self._hits_kept = 0
        self.papers.append(paper)
        self._by_id.setdefault(paper.id, []).append(number)
        self._add_words(number, paper)
        for category in paper.categories:
            self._by_category.setdefault(category, set()).add(number)
        if comment := split_words(paper.comment or ""):
            self._folded_comments[number] = join_words(self._lines.forms[line] for line in self._lines.encode(comment))
            self._plain_comments[number] = join_words(map(plain_word, comment))
        return number

    def evaluate(self, node: Node) -> Set[int]:
        """The numbers of the papers that *node* finds."""
        return self.number(self.match(node))

    def number(self, matches: Matches) -> Set[int]:
        """The numbers of *matches*."""
        return set(range(len(self))) - matches.numbers if matches.is_complement else matches.numbers

    def match(self, node: Node) -> Matches:
        """The papers that *node* finds, which costs nothing more where those are most."""
        if isinstance(node, Term):
            return Matches(numbers_in(self.find(node)))
        if isinstance(node, Not):
            found = self.match(node.part)
            return Matches(found.numbers, not found.is_complement)
        return combine(map(self.match, node.parts), every=isinstance(node, And))

    def find(self, term: Term) -> Postings:
        """Where *term* stands in title and abstract.

        Whatever stands in another field counts as once in the abstract.
        """
        match term.field:
            case "authors" | "categories" | "id" | "comment":
                search = {
                    "authors": self._find_author,
                    "categories": self._find_category,
                    "id": self._find_id,
                    "comment": self._find_in_comments,
                }[term.field]
                return self._keep((term.field, term.text, term.reading, term.distance), search, term)
            case "title":
                return [one & ~MOST for one in self._find_in_text(term) if one >> COUNT_BITS & MOST]
            case "abstract":
                return [one & ~(MOST << COUNT_BITS) for one in self._find_in_text(term) if one & MOST]
            case None:
                return self._find_in_text(term)

    def find_word(self, folded: str) -> Postings:
        """Where the word with the form *folded* stands."""
        return self._lines.find(folded)

    def find_name(self, name: str) -> Iterable[int]:
        """The papers with an author of this very *name*, which is without case, each once, in their order."""
        self._read_authors()
        return dict.fromkeys(self._by_author.get(name, ()))

    def stands_in_title(self, number: int, term: Term) -> bool:
        """Whether *term*, which looks at title and abstract, stands in the title of the paper *number*."""
        words, spellings = _words_of(term)
        if term.reading == "folded" and (len(words) == 1 or self._has_any(spellings)):
            postings = self._find_in_text(term) if spellings else self.find_word(words[0])  # in the order of papers
            place = bisect_left(postings, number << HITS_BITS | 1 << COUNT_BITS)
            return place < len(postings) and postings[place] >> HITS_BITS == number
        texts = self._folded if term.reading == "folded" else self._plain
        title = texts[number].partition("\n")[0]
        if term.reading == "near":
            return _stand_near(words, enumerate(title.split()), term.distance)
        return _pattern(term) in title

    def count_words(self, numbers: Set[int]) -> dict[str, int]:
        """In how many of the papers *numbers* each folded word stands, of those that stand in any."""
        counts: Iterable[int] = map(len, self._lines.postings)
        if len(numbers) < len(self):
            counts = (sum(one >> HITS_BITS in numbers for one in found) for found in self._lines.postings)
        return {form: count for form, count in zip(self._lines.forms, counts, strict=True) if count}

    def read(self, number: int) -> Reading:
        """The folded words of the paper *number*."""
        return self._readings.read(number, self._readings.vocabulary.folded)

    def pick(self, number: int, among: Container[str]) -> Excerpt:
        """Those words of the paper *number* whose folded forms are *among* some."""
        return self._readings.pick(number, among)

    def may_repeat(self, number: int) -> Iterator[int]:
        """The earlier papers that share an author with the paper *number* and may be much the same.

        That is a few in a thousand of those that share one, who is spelt alike on both. Names that stand on very many
        papers are nobody's.
        """
        self._read_authors()
        others = set[int]()
        for author in self.papers[number].authors:
            papers = self._by_author[author.name.casefold()]
            if papers[0] < number and len(papers) <= _MOST_NAMESAKES:
                others.update(papers[: bisect_left(papers, number)])
        if not others:
            return
        title, words = self._outlines[number]
        most = _MAY_DIFFER * len(words)
        for other in others:
            other_title, other_words = self._outlines[other]
            # Some words share a byte, so no fewer differ than that many.
            if title == other_title or len(words.translate(None, delete=other_words)) <= most:
                yield other

    def _add_words(self, number: int, paper: Paper) -> None:
        title, abstract = (self._lines.encode(split_words(text)) for text in (paper.title, paper.abstract))
        self.norms.append(norm_of(len(title), len(abstract)))
        if max(len(title), len(abstract)) > MOST:
            self._long.add(number)
        self._outlines.append((array("I", title).tobytes(), bytes([line & 0xFF for line in set(abstract)])))
        place, postings = number << HITS_BITS, self._lines.postings
        for line, hits in _count_hits(title, abstract).items():
            postings[line].append(place | hits)

    def _read_names(self) -> None:
        """Take in the words of the names on the papers that came since one was last looked for."""
        for number in range(self._names_read, len(self.papers)):
            for name in {name_words(author.name) for author in self.papers[number].authors} - {()}:
                self._names.setdefault(name[-1], {}).setdefault(name, []).append(number)
        self._names_read = len(self.papers)

    def _read_authors(self) -> None:
        """Take in who wrote the papers that came since this was last asked."""
        for number in range(self._authors_read, len(self.papers)):
            for author in self.papers[number].authors:
                self._by_author.setdefault(author.name.casefold(), []).append(number)
        self._authors_read = len(self.papers)

    def _find_in_text(self, term: Term) -> Postings:
        words, spellings = _words_of(term)
        is_spelt = bool(spellings) and self._has_any(spellings)
        if term.reading == "folded" and len(words) == 1 and not is_spelt:
            return self.find_word(words[0])
        return self._keep((term.reading, term.distance, *words, *spellings), self._search_spelt, term)

    def _keep(self, key: tuple[object, ...], search: Callable[[Term], Postings], term: Term) -> Postings:
        """What *search* finds of *term*, which is asked for more than once; what was asked for least lately goes."""
        if key not in self._found:
            self._found[key] = found = array("Q", sorted(search(term)))
            self._hits_kept += len(found) + _OF_A_FINDING
            while self._hits_kept > _HITS_KEPT and len(self._found) > 1:
                _, oldest = self._found.popitem(last=False)
                self._hits_kept -= len(oldest) + _OF_A_FINDING
        self._found.move_to_end(key)
        return self._found[key]

    def _search_spelt(self, term: Term) -> Postings:
        words, spellings = _words_of(term)
        found = self._search(term, words)
        return self._add_spelt(found, words, spellings) if self._has_any(spellings) else found

    def _has_any(self, spellings: Iterable[str]) -> bool:
        return any(spelling in self._lines for spelling in spellings)

    def _search(self, term: Term, words: Sequence[str]) -> Postings:
        """Where the words stand as *term* asks for it, looked for in the texts of all papers that have them."""
        if term.reading == "folded":
            if len(words) == 1:
                return self.find_word(words[0])
            return self._count(_pattern(term), self._folded, self._having_all([word] for word in words))
        if term.reading == "near":
            return self._count_near(words, term.distance, self._having_all(map(_folds_of, words)))
        *before, last = words
        ending = self._words_between(last, f"{last}{_LAST}" if term.reading == "prefix" else last)
        if not before:
            return self._count_written(ending, _pattern(term))
        return self._count(_pattern(term), self._plain, self._having_all([*map(_folds_of, before), ending]))

    def _add_spelt(self, found: Postings, words: Sequence[str], spellings: Sequence[str]) -> Postings:
        """*found*, and where *words* stand and some of them in one of *spellings*, in the order of papers."""
        codes = [self._readings.vocabulary[spelling] for spelling in spellings if spelling in self._lines]
        postings = {one >> HITS_BITS: one for one in found}
        forms = [(word, fold_word(spelling)) for word, spelling in zip(words, spellings, strict=True)]
        # Other words have the form of a spelling too, so what is found in the folded text only may be one.
        may_stand = re.compile(f" {'  '.join(map(_either, forms))} ")
        for number in self._having_all(forms):
            if not may_stand.search(self._folded[number]):
                continue
            if any(code in part for part in self._readings[number] for code in codes):
                folded, plain = self.read(number), self._readings.read(number, self._readings.vocabulary.plain)
                in_title = _count_either(words, folded.title, spellings, plain.title)
                in_abstract = _count_either(words, folded.abstract, spellings, plain.abstract)
                if in_title or in_abstract:
                    postings[number] = _packed(number, in_title, in_abstract)
        return sorted(postings.values())

    def _having_all(self, words: Iterable[Iterable[str]]) -> set[int]:
        """The papers in which, of each of *words*, one of its folded forms stands, but for words of most papers.

        Whether these stand there too, the text tells sooner.
        """
        rarest_first = sorted({tuple(forms) for forms in words}, key=self._count_postings)
        found: set[int] | None = None
        for forms in rarest_first:
            if found is not None and self._count_postings(forms) > _MOST_PAPERS * len(self):
                break
            numbers = numbers_in(one for form in forms for one in self.find_word(form))
            found = numbers if found is None else found & numbers
            if not found:
                break
        return found or set()

    def _count_postings(self, forms: Iterable[str]) -> int:
        return sum(len(self.find_word(form)) for form in forms)

    def _count(self, pattern: str, texts: Mapping[int, str], numbers: Iterable[int]) -> Postings:
        """How often *pattern* stands in the texts of *numbers*, of those where it does."""
        postings = []
        for number in numbers:
            text = texts[number]
            total = text.count(pattern)
            if total:
                in_title = text.count(pattern, 0, text.index("\n"))
                postings.append(_packed(number, in_title, total - in_title))
        return postings

    def _count_written(self, words: Mapping[str, int], pattern: str) -> Postings:
        """How often some words stand in each paper that has one; *pattern* finds them in a text.

        *words* are their forms, each with how many of the words it is of. A short prefix or a common word stands in
        most papers, so texts are read only where postings do not tell: of a form that is another word's too, and where
        more hits may come together than are counted.
        """
        hits: dict[int, int] = {}
        unclear = set[int]()
        for form, spellings in words.items():
            postings = self.find_word(form)
            if spellings < self._spellings[form]:
                unclear |= numbers_in(postings)
                continue
            for one in postings:
                number = one >> HITS_BITS
                hits[number] = hits.get(number, 0) + (one & HITS)
        unclear |= self._long & hits.keys()
        clear = [number << HITS_BITS | packed for number, packed in hits.items() if number not in unclear]
        return [*clear, *self._count(pattern, self._plain, unclear)]

    def _count_near(self, words: Sequence[str], distance: int, numbers: Iterable[int]) -> Postings:
        readings = [(number, self._readings[number]) for number in numbers]
        # By the number of each spelling, once all have one: to read the words themselves would take four times as long.
        wanted = {code: word for code, word in enumerate(self._readings.vocabulary.plain) if word in words}
        postings = []
        for number, reading in readings:
            in_title, in_abstract = (
                _stand_near(
                    words, [(place, wanted[code]) for place, code in enumerate(part) if code in wanted], distance
                )
                for part in reading
            )
            if in_title or in_abstract:
                postings.append(_packed(number, int(in_title), int(in_abstract)))
        return postings

    def _find_author(self, term: Term) -> Postings:
        self._read_names()
        wanted = name_words(term.text)
        alike = self._names.get(wanted[-1], {}) if wanted else {}
        return _once(set().union(*(numbers for name, numbers in alike.items() if is_same_name(wanted, name))))

    def _find_id(self, term: Term) -> Postings:
        return _once(self._by_id.get(term.text, ()))

    def _find_category(self, term: Term) -> Postings:
        """Where *term* is the paper's category, an alias of it, or the archive of it."""
        names, archive = with_aliases([term.text]), f"{term.text}."
        by_category = self._by_category.items()
        found = (numbers for known, numbers in by_category if known in names or known.startswith(archive))
        return _once(set().union(*found))

    def _find_in_comments(self, term: Term) -> Postings:
        texts = self._folded_comments if term.reading == "folded" else self._plain_comments
        words, spellings = _words_of(term)
        if term.reading == "near":
            return _once(
                number for number, text in texts.items() if _stand_near(words, enumerate(text.split()), term.distance)
            )
        pattern = _pattern(term)
        found = [number for number, text in texts.items() if pattern in text]
        if not self._has_any(spellings):
            return _once(found)
        spelt = [f" {spelling.lower()} " for spelling in spellings if spelling]
        others = [number for number, text in self._plain_comments.items() if any(one in text for one in spelt)]
        if len(words) > 1:  # which the others may have apart
            others = [
                number
                for number in others
                if _count_either(words, texts[number].split(), spellings, self._plain_comments[number].split())
            ]
        return _once(sorted({*found, *others}))

    def _words_between(self, first: str, last: str) -> Mapping[str, int]:
        """The folded forms of all words from *first* to *last*, with how many of these words each one is of."""
        if len(self._sorted_words) != len(self._lines):
            forms = self._lines.forms
            self._sorted_words = sorted((plain_word(word), forms[line]) for word, line in self._lines.items())
            self._spellings = Counter(form for _, form in self._sorted_words)
        start = bisect_left(self._sorted_words, (first, ""))
        after = bisect_right(self._sorted_words, (last, _LAST))
        return Counter(form for _, form in self._sorted_words[start:after])


def combine(several: Iterable[Matches], *, every: bool) -> Matches:
    """What *every* one of several matches has, or any of them."""
    parts = tuple(several)
    # A or B is not (not A and not B), so an intersection is all that is needed.
    inside = [one.numbers for one in parts if one.is_complement is not every]
    outside = [one.numbers for one in parts if one.is_complement is every]
    if not inside:
        return Matches(frozenset().union(*outside), every)
    common = set.intersection(*sorted(map(set, inside), key=len))
    return Matches(common.difference(*outside), not every)


def _count_hits(title: Sequence[int], abstract: Sequence[int]) -> Mapping[int, int]:
    """How often each word stands in title and abstract, packed as in a posting; words by their lines."""
    hits: dict[int, int] = Counter(abstract)
    if len(abstract) > MOST:
        hits = {line: min(count, MOST) for line, count in hits.items()}
    if len(title) > MOST:
        title = [line for line, count in Counter(title).items() for _ in range(min(count, MOST))]
    for line in title:
        hits[line] = hits.get(line, 0) + (1 << COUNT_BITS)
    return hits


def _packed(number: int, in_title: int, in_abstract: int) -> int:
    return number << HITS_BITS | min(in_title, MOST) << COUNT_BITS | min(in_abstract, MOST)


def _once(numbers: Iterable[int]) -> Postings:
    return [number << HITS_BITS | 1 for number in numbers]


@lru_cache(maxsize=4_096)  # the reasons of a list ask for those of all its terms, paper by paper
def _words_of(term: Term) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of *term* in the form in which they are looked for, and the spellings that folded ones find besides.

    A word without such a spelling has an empty one; where all are empty, there is none at all.
    """
    written = split_words(term.text)
    if term.reading != "folded":
        return (*map(plain_word, written),), ()
    spellings = (*map(plural_spelling, written),)
    return (*map(fold_word, written),), spellings if any(spellings) else ()


@lru_cache(maxsize=1_024)
def _pattern(term: Term) -> str:
    """What to look for in a text, of whichever form of words it is; a prefix has no end."""
    pattern = join_words(_words_of(term)[0])
    return pattern.removesuffix(" ") if term.reading == "prefix" else pattern


def _folds_of(plain: str) -> tuple[str, ...]:
    """The folded forms that a word with this *plain* form can have; only its capitals tell that `APIs` is a plural."""
    return (fold_word(plain), fold_word(plural_spelling(plain)))


def _either(forms: Iterable[str]) -> str:
    """A pattern for one of *forms*; an empty one is none."""
    return f"(?:{'|'.join(map(re.escape, filter(None, forms)))})"


def _count_either(words: Sequence[str], folded: Sequence[str], spellings: Sequence[str], plain: Sequence[str]) -> int:
    """How often *words* stand one after another in a *folded* text, or *spellings* of them in the *plain* one."""
    wanted = [*zip(words, map(str.lower, spellings), strict=True)]
    pivot = next(place for place, (_, spelt) in enumerate(wanted) if spelt)  # an acronym is rarer than most words
    word, spelt = wanted[pivot]
    starts = (at - pivot for at, known in enumerate(plain) if known == spelt or folded[at] == word)
    return sum(_stands_at(start, wanted, folded, plain) for start in starts if 0 <= start <= len(folded) - len(words))


def _stands_at(start: int, wanted: Sequence[tuple[str, str]], folded: Sequence[str], plain: Sequence[str]) -> bool:
    return all(folded[at] == word or plain[at] == spelt for at, (word, spelt) in enumerate(wanted, start))


def _stand_near(words: Sequence[str], text: Iterable[tuple[int, str]], distance: int) -> bool:
    """Whether all of *words* stand in *text*, with at most *distance* others between the first and the last.

    *text* has words with their places, in reading order; those that are not among *words* may be left out.
    """
    wanted = Counter(words)
    width = len(words) + distance
    last: dict[str, list[int]] = {word: [] for word in wanted}  # where each one was seen last, as often as it is wanted
    missing = len(words)
    for place, word in text:
        if word not in last:
            continue
        seen = last[word]
        if len(seen) == wanted[word]:
            seen.pop(0)
        else:
            missing -= 1
        seen.append(place)
        if not missing and place - min(places[0] for places in last.values()) < width:
            return True
    return False
