"""The numbers in a summary, and which share of them the text it was made from does not have.

Numbers are compared by what they can mean, not by their look: 1.2万 is in a source that says 12,000, 85.3% in one that
says 0.8527. Whether a number stands for the same thing in both is not seen, nor are those that a model rightly works
out for itself. From which share on readers are told is `checks.py`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from core.summaries.languages import Language

_MAX_DIGITS = 25

# An address, in which digits are no number; checks.py looks for them too.
URL = re.compile(r"https?://[^\s<>()\[\]{}\"'`|，。；：、（）【】《》“”]+", re.IGNORECASE)
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.])(?P<run>[0-9](?:[0-9,.]*[0-9])?)"
    r"(?:[eE](?P<exponent>[-+−]?[0-9]{1,3})(?![0-9A-Za-z])"
    r"|[ ]?(?:×|x|\\times|\\cdot|·|\*)[ ]?10[ ]?"
    r"(?:\^[ ]?\{?[ ]?(?P<power>[-+−]?[0-9]{1,3})|(?P<raised>[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3})|(?P<plain>[-−][0-9]{1,3})))?"
    r"(?:[ ]?(?P<unit>\\?[%％]|‰|[kKMBT](?![A-Za-z])|(?:thousand|million|billion|trillion)\b"
    r"|[十百千]?[万萬亿億]亿?|千))?"
)
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_DECIMAL = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_SWAPPED = str.maketrans(",.", ".,")
_PLAIN_DIGITS = str.maketrans("０１２３４５６７８９．，⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺−", "0123456789.,0123456789-+-")
_WIDE_DIGITS = str.maketrans("０１２３４５６７８９．", "0123456789.")
_GROUP_SPACE = re.compile(r"(?<=[0-9])(?:\{,\}|\\,|[\u2009\u202f])(?=[0-9]{3})")
_ORDINAL = re.compile(
    r"^[ \t>*_-]*[0-9]{1,2}[.、)）](?![0-9])|^[ \t]*#+[ \t*_]*[0-9]{1,2}(?:\.[0-9]{1,2})*[.、)）]?", re.MULTILINE
)

_UNITS = {"%": 0.01, "‰": 0.001, "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
_UNITS |= {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_PLAIN_UNITS = str.maketrans("％萬億", "%万亿")
_CHINESE_UNITS = {"千": 1e3, "万": 1e4, "十万": 1e5, "百万": 1e6, "千万": 1e7, "亿": 1e8, "十亿": 1e9, "百亿": 1e10}
_CHINESE_UNITS |= {"千亿": 1e11, "万亿": 1e12}

# Where a comma, not a point, parts the decimals.
_DECIMAL_COMMA = frozenset(
    {"be", "bg", "cs", "da", "de", "el", "es", "fi", "fr", "hu", "id", "it", "nl", "no", "pl", "pt", "ro", "ru", "sv"}
    | {"tr", "uk", "vi"}
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written: the values it can have, each with half of its last digit, and its significant digits.

    `85.3%` is 85.3 and 0.853. Zeros at the end of a whole number do not count as significant.
    """

    meanings: tuple[tuple[float, float], ...]
    digits: int


def find_numbers(text: str, language: Language) -> tuple[Number, ...]:
    """The different numbers in *text* with at least two significant digits, in the order of the text.

    Numbers of list items and headings, in names (H100, Qwen2.5) and in addresses are left out.
    """
    bare = _ORDINAL.sub(" ", URL.sub(" ", text))
    numbers = _read_numbers(bare, has_decimal_comma=language.base in _DECIMAL_COMMA)
    return tuple(dict.fromkeys(number for number in numbers if number.digits > 1))


def unsupported_share(numbers: Sequence[Number], source_text: str) -> float | None:
    """Which share of *numbers* the English *source_text* does not have, rounded or exactly; None without either."""
    if not numbers or not source_text.strip():
        return None
    values = sorted({value for number in _read_numbers(source_text) for value, _ in number.meanings})
    return sum(not _occurs(number, values) for number in numbers) / len(numbers)


def _occurs(number: Number, values: Sequence[float]) -> bool:
    """Whether one of the sorted *values* rounds to *number*."""
    for value, half in number.meanings:
        tolerance = half + 1e-9 * value
        position = bisect_left(values, value - tolerance)
        if position < len(values) and values[position] <= value + tolerance:
            return True
    return False


def _read_numbers(text: str, *, has_decimal_comma: bool = False) -> Iterator[Number]:
    for found in _NUMBER.finditer(_GROUP_SPACE.sub("", text.translate(_WIDE_DIGITS))):
        if len(found["run"]) > _MAX_DIGITS:
            continue
        *others, last = _spellings(found["run"], has_decimal_comma=has_decimal_comma) or [()]
        for alternatives in others:
            yield _number(alternatives, (1.0,))
        if last:
            yield _number(last, _scales(found))


def _spellings(run: str, *, has_decimal_comma: bool) -> list[tuple[str, ...]]:
    """The numbers in *run*, digits with points and commas, each in all the ways it can be read, as plain decimals.

    `0.5,0.7` are two, `1,234` is one, a version such as `1.2.3` is none. With decimal commas `1,234` and `1.234` can
    both be read in two ways, as models copy English numbers.
    """
    candidates = (run, run.translate(_SWAPPED)) if has_decimal_comma else (run,)
    whole = [one for one in candidates if _THOUSANDS.fullmatch(one) or _DECIMAL.fullmatch(one)]
    if whole:
        return [tuple(one.replace(",", "") for one in whole)]
    return [(part,) for part in run.split(",") if _DECIMAL.fullmatch(part)]


def _scales(found: re.Match[str]) -> tuple[float, ...]:
    """What the number may be multiplied by: its power of ten and its unit, which sources leave out or write out."""
    exponent = found["exponent"] or found["power"] or found["raised"] or found["plain"]
    if exponent:
        return (1.0, 10.0 ** max(-300, min(300, int(exponent.translate(_PLAIN_DIGITS)))))
    unit = (found["unit"] or "").lstrip("\\").translate(_PLAIN_UNITS).lower()
    if unit in _CHINESE_UNITS:
        return (_CHINESE_UNITS[unit],)
    return (1.0, _UNITS[unit]) if unit in _UNITS else (1.0,)


def _number(spellings: Iterable[str], scales: tuple[float, ...]) -> Number:
    meanings: list[tuple[float, float]] = []
    digits = 0
    for spelling in spellings:
        whole, _, decimals = spelling.partition(".")
        digits = max(digits, len((whole + decimals).lstrip("0") if decimals else whole.strip("0")))
        pairs = ((float(spelling) * scale, 0.5 * 10.0 ** -len(decimals) * scale) for scale in scales)
        meanings += [pair for pair in pairs if isfinite(pair[0])]
    return Number(tuple(meanings), digits)
