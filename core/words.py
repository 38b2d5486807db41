"""Text -> words, as terms and papers are both read: without case, accents, hyphens and simple endings.

Also names of people -> words, and whether two names can be the same person's. What is looked for in the words is
`core/query.py`, where it is looked for is `core/index.py`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

# Chinese, Japanese and Korean do not put spaces between words, so each of their characters is read as a word and a run
# of them as a phrase, as Lucene's StandardTokenizer does.
_CJK = (
    r"\u3041-\u3096\u309d-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_ALONE = re.compile(f"[{_CJK}]")
_TOKEN = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+(?:\+\+|#)?")  # C++ and C# are words of their own
# The same in a quarter of the time for ASCII, and in a tenth where neither C++ nor C# can be.
_ASCII_TOKEN = re.compile(r"[A-Za-z0-9]+(?:\+\+|#)?")
# Of UTF-8. To translate bytes takes a tenth of what it takes to translate text.
_SEPARATING_BYTES = bytes(code if code > 127 or chr(code).isalnum() else ord(" ") for code in range(256))
_POSSESSIVE = re.compile(r"['’][sS]\b")
_PLURAL_ACRONYM = re.compile(r"(?=\d*[A-Z])[A-Z0-9]{2,}s")  # in 16s the s is no ending
_SHORT_SIS = 6  # letters: a thesis is none of these
_VOWEL = re.compile(r"[aeiouy]")
# A stem with one vowel and one consonant after it: English doubles that consonant before -ing and -ed (plan, planning),
# so where it stands single an e was dropped (scale, scaling), and an e after it tells words apart (same, SAM).
_SHORT_STEM = re.compile(r"[^aeiouy]*[aeiouy][^aeiouwxy]")
_WEAK_LL = re.compile(r".*[aeiouy][^aeiouy]+[aeiouy]ll")  # spelt in two ways: modelling, modeling; distill, distil
_LAST_LETTERS = frozenset("degs")  # of endings that are folded; most words end in others
# They only look inflected.
_WHOLE_WORDS = frozenset(
    {"alias", "atlas", "bayes", "bias", "canvas", "debias", "does", "embed", "lens", "news", "thus"}
)
# Words whose endings follow no rule, each after the one that it is read as.
_IRREGULAR = {
    inflected: word
    for word, *inflected_ones in map(
        str.split,
        (
            *("matrix matrices", "submatrix submatrices", "vertex vertices", "index indices", "appendix appendices"),
            *("simplex simplices", "cortex cortices", "vortex vortices", "helix helices", "apex apices", "axis axes"),
            *("thesis theses", "crisis crises", "corpus corpora", "subcorpus subcorpora", "genus genera"),
            *("criterion criteria", "phenomenon phenomena", "automaton automata", "polyhedron polyhedra"),
            *("mitochondrion mitochondria", "bacterium bacteria", "spectrum spectra", "stratum strata"),
            *("optimum optima", "minimum minima", "maximum maxima", "extremum extrema", "supremum suprema"),
            *("infimum infima", "momentum momenta", "quantum quanta", "equilibrium equilibria", "continuum continua"),
            *("curriculum curricula", "consortium consortia", "symposium symposia", "desideratum desiderata"),
            *("stimulus stimuli", "locus loci", "focus foci", "radius radii", "nucleus nuclei", "torus tori"),
            *("modulus moduli", "fungus fungi", "gyrus gyri", "sulcus sulci", "hippocampus hippocampi"),
            *("schema schemata", "lemma lemmata", "tableau tableaux", "plateau plateaux", "child children"),
            *("woman women", "man men", "mouse mice", "foot feet", "tooth teeth", "goose geese", "half halves"),
            *("wolf wolves", "shelf shelves", "knife knives", "thief thieves", "quiz quizzes", "bus buses busses"),
            *("gas gases", "tie tied tying", "die died dying", "lie lied lying", "use used using"),
            "age aged aging ageing",
        ),
    )
    for inflected in inflected_ones
}
_PLURALS_IN_US = ("eaus", "elus", "gpus", "menus")  # plateaus, ReLUs; Latin words end otherwise
_EE_VERBS = frozenset({"agree", "decree", "disagree", "free", "guarantee", "referee"})  # need and speed end otherwise

# Letters that Unicode does not take apart into a plain one and an accent: Łukasz, Søren, Đorđe, Kılıç.
_PLAIN_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})

_LONGEST_KEPT = 50  # letters of a word that is looked up and not folded anew; anybody may ask for longer ones

_NAME_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv"})


def split_words(text: str) -> list[str]:
    """The words of *text* as written, in reading order; hyphens, underscores and punctuation only separate them.

    An accent that is a character of its own would cut its word in two, so the text is composed first.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if "'" in text or "’" in text:
        text = _POSSESSIVE.sub("", text)
    if "+" in text or "#" in text:
        return (_ASCII_TOKEN if text.isascii() else _TOKEN).findall(text)
    pieces = text.encode(errors="surrogatepass").translate(_SEPARATING_BYTES).decode(errors="surrogatepass").split()
    if text.isascii():
        return pieces
    # Even where a text has other letters most of its words are ASCII.
    return [word for piece in pieces for word in ((piece,) if piece.isascii() else _TOKEN.findall(piece))]


def stands_alone(word: str) -> bool:
    """Whether *word* is a Chinese, Japanese or Korean character, which is a word whatever stands beside it."""
    return _ALONE.fullmatch(word) is not None


def fold_words(text: str) -> list[str]:
    """The words of *text* in reading order, folded."""
    return [fold_word(word) for word in split_words(text)]


def fold_word(word: str) -> str:
    """*word* without what does not tell words apart: case, accents, and the endings -s, -ed, -ing and a last -e.

    Both a term and a text are folded, so the result need not be a word: `caches`, `cached` and `cache` all give `cach`,
    `analysis`, `analyses` and `analysed` give `analys`. Short words keep their -e, which is all that tells `same` from
    SAM. Some words have endings of their own: `matrices`, `criteria`. Endings that change the word (-er, -ion, -able)
    stay.
    """
    return _fold_word(word) if len(word) <= _LONGEST_KEPT else _fold_word.__wrapped__(word)


@lru_cache(maxsize=65_536)
def _fold_word(word: str) -> str:
    plain = plain_word(singular_acronym(word))
    word = _IRREGULAR.get(plain, plain)
    if word[-1:] in _LAST_LETTERS:
        word = _without_ending(word)
        if len(word) > _SHORT_SIS and word.endswith("sis"):
            return word[:-2]
    return word[:-1] if word.endswith("ll") and _WEAK_LL.fullmatch(word) else word


def plain_word(word: str) -> str:
    """*word* in lower case without accents."""
    if word.isascii():
        return word.lower()
    return _plain_word(word) if len(word) <= _LONGEST_KEPT else _plain_word.__wrapped__(word)


@lru_cache(maxsize=65_536)
def _plain_word(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word)  # first: letters such as ℝ have no lower case of their own
    decomposed = unicodedata.normalize("NFKD", decomposed.casefold().translate(_PLAIN_LETTERS))
    plain = "".join(letter for letter in decomposed if not (unicodedata.combining(letter) or letter.isspace()))
    return plain or word  # a mark that stands alone


def singular_acronym(word: str) -> str:
    """`LLMs` as `LLM`; only its capitals tell that `APIs` is a plural."""
    return word[:-1] if word.endswith("s") and _PLURAL_ACRONYM.fullmatch(word) else word


def plural_spelling(word: str) -> str:
    """How *word* is spelt as the plural of an acronym, `LMs` for `lms`, if that is folded to another word; else empty.

    No other spelling of it, in whatever case and with whatever accents, is folded to another word.
    """
    if word.isascii() and word[-1:] not in {"s", "S"}:  # as most
        return ""
    plain = plain_word(singular_acronym(word))
    spelling = f"{plain[:-1].upper()}s" if plain.endswith("s") else ""
    return spelling if fold_word(spelling) != fold_word(plain) else ""


def join_words(words: Iterable[str]) -> str:
    """Each word with a space on both sides, so that a pattern made the same way begins and ends at word boundaries."""
    return "".join(f" {word} " for word in words)


def name_words(name: str) -> tuple[str, ...]:
    """The plain words of a person's *name*, the family name's last one last; without Jr. and the like.

    Read are `given family`, `family, given` and `family X`, where X is an initial.
    """
    if "," not in name and name.isascii():  # as most are
        return _family_last([word.lower() for word in split_words(name)], is_reversible=True)
    family, comma, given = name.partition(",")
    if {plain_word(word) for word in split_words(given)} <= _NAME_SUFFIXES:  # King, Jr.
        name, comma = f"{family} {given}", ""
    written = split_words(f"{given} {family}" if comma else name)
    words = [part for word in written for part in split_words(plain_word(word))]  # ŀ is an l and a dot
    return _family_last(words, is_reversible=not comma)


def _family_last(words: Sequence[str], *, is_reversible: bool) -> tuple[str, ...]:
    """The plain *words* of a name without Jr. and the like; an initial at the end stands before the family's name."""
    kept = (*words[:1], *(word for word in words[1:] if word not in _NAME_SUFFIXES))
    is_initial_last = is_reversible and len(kept) > 1 and len(kept[-1]) == 1 and len(kept[0]) > 1 and kept[-1].isascii()
    return (kept[-1], *kept[:-1]) if is_initial_last else kept


def canonical_name(name: str) -> str:
    """*name* in one form: `given family`, or `family, given` where that would be read as another name.

    Where both would, because a given name looks like Jr. or IV, it is the other name.
    """
    words = name_words(name)
    joined = " ".join(words)
    if name_words(joined) == words:
        return joined
    reversed_name = f"{words[-1]}, {' '.join(words[:-1])}"
    return reversed_name if name_words(reversed_name) == words else canonical_name(reversed_name)


def is_same_name(wanted: tuple[str, ...], name: tuple[str, ...]) -> bool:
    """Whether *name* can be the person *wanted*: same family name, and each given name or initial in its order.

    `LeCun` alone takes every LeCun; `Y. LeCun` and `Yann LeCun` take each other, and `Robert` the J. Robert who goes by
    it, but not the James R. Different people who write their names alike cannot be told apart.
    """
    if not wanted or not name or wanted[-1] != name[-1]:
        return False
    remaining = iter(name[:-1])
    return all(_takes_given_name(given, remaining) for given in wanted[:-1])


def _takes_given_name(given: str, remaining: Iterator[str]) -> bool:
    """Whether one of the *remaining* given names is *given*, and not just its initial behind another name in full."""
    is_another = False
    for candidate in remaining:
        is_initial = 1 in (len(given), len(candidate)) and given[0] == candidate[0]
        if given == candidate or (is_initial and not (is_another and len(given) > 1)):
            return True
        is_another = is_another or len(candidate) > 1
    return False


def _without_ending(word: str) -> str:
    if len(word) > 4:  # ties are no ty; a trie is no try, though most tries are
        for ending in ("ies", "ied", "ie"):
            if word.endswith(ending):
                return f"{word.removesuffix(ending)}y"
    word = _without_plural(word)
    if word in _WHOLE_WORDS:
        return word
    if word.endswith("eed"):
        return word[:-2] if word[:-1] in _EE_VERBS else word
    for ending in ("ing", "ed"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 2 and _VOWEL.search(stem):
            return f"{stem}e" if _SHORT_STEM.fullmatch(stem) else _with_single_consonant(stem).removesuffix("e")
    stem = word.removesuffix("e")
    return word if len(word) < 4 or _SHORT_STEM.fullmatch(stem) else stem


def _without_plural(word: str) -> str:
    is_plural = len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "is"))
    return word[:-1] if is_plural and not _is_latin_us(word) and word not in _WHOLE_WORDS else word


def _is_latin_us(word: str) -> bool:
    """Whether the s belongs to the word, as in `corpus`; `gpus` is a plural."""
    return word.endswith("us") and len(word) > 4 and not word.endswith(_PLURALS_IN_US)


def _with_single_consonant(stem: str) -> str:
    """`embedd` (of embedding) as `embed`; `spell` and `process` keep both letters."""
    is_doubled = len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "aeioulsz"
    return stem[:-1] if is_doubled else stem
