"""Papers made ready for matching once, and an index of their words, so that looking a term up costs what it finds.

An inverted index: for each folded word the papers that it stands in, with how often it does in title and abstract
(Zobel, Moffat: Inverted files for text search engines, ACM Computing Surveys 38(2), 2006). Phrases, exact words and
prefixes are looked for only in the papers that have all their words. Papers are numbered in the order in which they
came. What a match is worth is `core/scoring.py`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from itertools import islice

from core.papers import Paper
from core.query import And, Node, Not, Term
from core.words import fold_word, is_same_name, join_words, name_words, plain_word, split_words

_COUNT_BITS = 8
_MOST = (1 << _COUNT_BITS) - 1  # more than 255 times is as good as 255
_HITS_BITS = 2 * _COUNT_BITS
_HITS_MASK = (1 << _HITS_BITS) - 1

IN_ABSTRACT = 1  # the hits of a term that stands once in the abstract
IN_TITLE = 1 << _COUNT_BITS  # and of one that stands once in the title

# Paper's number -> how often a term stands in it; `title_hits` and `abstract_hits` take the two apart.
Hits = Mapping[int, int]


def title_hits(hits: int) -> int:
    return hits >> _COUNT_BITS


def abstract_hits(hits: int) -> int:
    return hits & _MOST


class _Forms(dict[str, str]):
    """What *form* makes of each word that was met; a word is met a hundred times."""

    def __init__(self, form: Callable[[str], str]) -> None:
        super().__init__()
        self._form = form

    def __missing__(self, word: str) -> str:
        self[word] = made = self._form(word)
        return made


class PaperIndex:
    """Papers that terms can be looked up in; it only grows.

    Papers have numbers from 0 on, in the order of `add`. `lengths` holds how many words a paper's title and abstract
    have, both together.
    """

    def __init__(self, papers: Iterable[Paper] = ()) -> None:
        self.papers: list[Paper] = []
        self.lengths: list[int] = []
        # The words of title and abstract with a space on either side, and a line break between the two: without
        # endings, and only in lower case without accents.
        self._folded: list[str] = []
        self._plain: list[str] = []
        self._folded_comments: dict[int, str] = {}
        self._plain_comments: dict[int, str] = {}
        self._fold = _Forms(fold_word)
        self._lower = _Forms(plain_word)
        self._postings: dict[str, array[int]] = {}  # number and hits of each paper in one integer, by folded word
        self._by_category: dict[str, set[int]] = {}
        self._by_id: dict[str, list[int]] = {}
        self._names: dict[str, list[tuple[int, tuple[str, ...]]]] = {}  # by family name
        self._vocabulary: list[tuple[str, str]] = []  # plain and folded form of each word, sorted
        for paper in papers:
            self.add(paper)

    def __len__(self) -> int:
        return len(self.papers)

    def add(self, paper: Paper) -> int:
        """Take *paper* in; the number that it has from now on."""
        number = len(self.papers)
        self.papers.append(paper)
        self._by_id.setdefault(paper.id, []).append(number)
        self._add_words(number, split_words(paper.title), split_words(paper.abstract))
        for category in paper.categories:
            self._by_category.setdefault(category, set()).add(number)
        for name in {name_words(author.name) for author in paper.authors}:
            if name:
                self._names.setdefault(name[-1], []).append((number, name))
        if comment := split_words(paper.comment or ""):
            self._folded_comments[number] = join_words(map(self._fold.__getitem__, comment))
            self._plain_comments[number] = join_words(map(self._lower.__getitem__, comment))
        return number

    def evaluate(self, node: Node) -> Set[int]:
        """The numbers of the papers that *node* finds."""
        found, is_complement = self._evaluate(node)
        return set(range(len(self))) - found if is_complement else found

    def find(self, term: Term) -> Hits:
        """The papers that *term* finds, and how often it stands in title and abstract.

        Whatever stands in another field counts as once in the abstract.
        """
        match term.field:
            case "authors":
                found: Iterable[int] = self._find_author(name_words(term.text))
            case "categories":
                found = self._find_category(term.text)
            case "id":
                found = self._by_id.get(term.text, ())
            case "comment":
                found = self._find_in_comments(term)
            case "title":
                return {number: hits for number, hits in self._find_in_text(term).items() if title_hits(hits)}
            case "abstract":
                return {number: hits for number, hits in self._find_in_text(term).items() if abstract_hits(hits)}
            case None:
                return self._find_in_text(term)
        return dict.fromkeys(found, IN_ABSTRACT)

    def find_word(self, folded: str) -> Hits:
        """The papers that the word with the form *folded* stands in."""
        return {one >> _HITS_BITS: one & _HITS_MASK for one in self._postings.get(folded, ())}

    def folded_words(self, number: int) -> tuple[list[str], list[str]]:
        """The folded words of title and abstract of the paper *number*, in reading order."""
        title, _, abstract = self._folded[number].partition("\n")
        return title.split(), abstract.split()

    def _add_words(self, number: int, title: Sequence[str], abstract: Sequence[str]) -> None:
        fold, lower = self._fold, self._lower
        folded_title, folded_abstract = [fold[word] for word in title], [fold[word] for word in abstract]
        plain_title, plain_abstract = [lower[word] for word in title], [lower[word] for word in abstract]
        self._folded.append(f" {'  '.join(folded_title)} \n {'  '.join(folded_abstract)} ")
        self._plain.append(f" {'  '.join(plain_title)} \n {'  '.join(plain_abstract)} ")
        self.lengths.append(len(title) + len(abstract))
        in_title, in_abstract = Counter(folded_title), Counter(folded_abstract)
        place = number << _HITS_BITS
        postings = self._postings
        for word in in_title.keys() | in_abstract.keys():
            if word not in postings:
                postings[word] = array("Q")
            postings[word].append(place | _packed(in_title[word], in_abstract[word]))

    def _evaluate(self, node: Node) -> tuple[Set[int], bool]:
        """Numbers, and whether the papers that *node* finds are those or all others."""
        if isinstance(node, Term):
            return self.find(node).keys(), False
        if isinstance(node, Not):
            found, is_complement = self._evaluate(node.part)
            return found, not is_complement
        parts = [self._evaluate(part) for part in node.parts]
        # A or B is not (not A and not B), so an intersection is all that is needed.
        is_and = isinstance(node, And)
        inside = [found for found, is_complement in parts if is_complement is not is_and]
        outside = [found for found, is_complement in parts if is_complement is is_and]
        if not inside:
            return frozenset().union(*outside), is_and
        common = set.intersection(*sorted(map(set, inside), key=len))
        return common.difference(*outside), not is_and

    def _find_in_text(self, term: Term) -> Hits:
        words = split_words(term.text)
        if term.reading == "folded":
            folded = [fold_word(word) for word in words]
            if len(folded) == 1:
                return self.find_word(folded[0])
            return self._count(join_words(folded), self._folded, self._having_all([word] for word in folded))
        plain = [plain_word(word) for word in words]
        if term.reading == "prefix":
            pattern = join_words(plain).removesuffix(" ")
            last = self._words_with_prefix(plain[-1])
            return self._count(pattern, self._plain, self._having_all([*map(_folds_of, plain[:-1]), last]))
        having_all = self._having_all(map(_folds_of, plain))
        if term.reading == "near":
            return self._count_near(plain, term.distance, having_all)
        return self._count(join_words(plain), self._plain, having_all)

    def _having_all(self, words: Iterable[Iterable[str]]) -> Set[int]:
        """The papers in which, of each of *words*, one of its folded forms stands."""
        sets = ({one >> _HITS_BITS for form in forms for one in self._postings.get(form, ())} for forms in words)
        found = set(next(iter(sets), ()))
        for numbers in sets:
            found &= numbers
        return found

    def _count(self, pattern: str, texts: Sequence[str], numbers: Iterable[int]) -> Hits:
        """How often *pattern* stands in the texts of *numbers*, of those where it does."""
        hits = {}
        for number in numbers:
            text = texts[number]
            total = text.count(pattern)
            if total:
                in_title = text.count(pattern, 0, text.index("\n"))
                hits[number] = _packed(in_title, total - in_title)
        return hits

    def _count_near(self, words: Sequence[str], distance: int, numbers: Iterable[int]) -> Hits:
        hits = {}
        for number in numbers:
            title, _, abstract = self._plain[number].partition("\n")
            counts = [int(_stand_near(words, text.split(), distance)) for text in (title, abstract)]
            if any(counts):
                hits[number] = _packed(*counts)
        return hits

    def _find_author(self, wanted: tuple[str, ...]) -> Iterator[int]:
        if not wanted:
            return
        for number, name in self._names.get(wanted[-1], ()):
            if is_same_name(wanted, name):
                yield number

    def _find_category(self, name: str) -> Set[int]:
        """The papers in the category or the archive *name*."""
        archive = f"{name}."
        return set().union(
            *(numbers for known, numbers in self._by_category.items() if known == name or known.startswith(archive))
        )

    def _find_in_comments(self, term: Term) -> list[int]:
        words = split_words(term.text)
        if term.reading == "folded":
            return _holding(join_words(map(fold_word, words)), self._folded_comments)
        plain = [plain_word(word) for word in words]
        if term.reading == "near":
            return [
                number
                for number, text in self._plain_comments.items()
                if _stand_near(plain, text.split(), term.distance)
            ]
        pattern = join_words(plain)
        return _holding(pattern.removesuffix(" ") if term.reading == "prefix" else pattern, self._plain_comments)

    def _words_with_prefix(self, prefix: str) -> set[str]:
        """The folded forms of all words that start with *prefix*."""
        if len(self._vocabulary) != len(self._fold):
            self._vocabulary = sorted((self._lower[word], folded) for word, folded in self._fold.items())
        start = bisect_left(self._vocabulary, (prefix, ""))
        forms = set()
        for plain, folded in islice(self._vocabulary, start, None):
            if not plain.startswith(prefix):
                break
            forms.add(folded)
        return forms


def _packed(in_title: int, in_abstract: int) -> int:
    return min(in_title, _MOST) << _COUNT_BITS | min(in_abstract, _MOST)


def _folds_of(plain: str) -> tuple[str, ...]:
    """The folded forms that a word with this *plain* form can have; only its capitals tell that `APIs` is a plural."""
    as_acronym = f"{plain[:-1].upper()}s"
    return (fold_word(plain), fold_word(as_acronym))


def _holding(pattern: str, texts: Mapping[int, str]) -> list[int]:
    return [number for number, text in texts.items() if pattern in text]


def _stand_near(words: Sequence[str], text: Sequence[str], distance: int) -> bool:
    """Whether all of *words* stand in *text*, with at most *distance* others between the first and the last."""
    width = len(words) + distance
    wanted = Counter(words)
    places = [place for place, word in enumerate(text) if word in wanted]
    for place in places:
        window = Counter(text[place : place + width])
        if all(window[word] >= count for word, count in wanted.items()):
            return True
    return False
