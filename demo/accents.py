"""The TeX accents and Greek letters of the sample papers -> Unicode, as arXiv's query API gives them.

No more than that: arXiv leaves other TeX as it is. What the service itself makes of TeX is `core/tex.py`.
"""

from __future__ import annotations

import re
import unicodedata

_COMBINING = {
    "'": "\u0301",
    "`": "\u0300",
    '"': "\u0308",
    "^": "\u0302",
    "~": "\u0303",
    "c": "\u0327",
    "v": "\u030c",
    "u": "\u0306",
    "H": "\u030b",
}
_LETTERS = {"o": "ø", "l": "ł", "L": "Ł", "ss": "ß", "AA": "Å", "i": "ı"}
_GREEK = {"alpha": "α", "epsilon": "ε", "lambda": "λ", "Theta": "Θ"}

_ACCENT = re.compile(r"""\\(?:(?P<mark>['`"^~])|(?P<named>[cvuH])(?=[{ ]))\s*\{?\\?(?P<letter>[A-Za-z])\}?""")
_BRACED_ACCENT = re.compile(rf"\{{(?P<inner>{_ACCENT.pattern.replace('?P<', '?P<inner_')})\}}")
_LETTER = re.compile(r"\{\\(?P<braced>ss|AA|[oilL])\}|\\(?P<bare>ss|AA|[olL])(?![A-Za-z])\s?")
_GREEK_LETTER = re.compile(rf"\\(?P<name>{'|'.join(_GREEK)})(?![A-Za-z])")


def to_api_text(text: str) -> str:
    """*text* with its accents and Greek letters as characters, and the rest of its TeX untouched."""
    text = _BRACED_ACCENT.sub(lambda match: match["inner"], text)
    text = _ACCENT.sub(_accented, text)
    text = _LETTER.sub(lambda match: _LETTERS[match["braced"] or match["bare"]], text)
    return _GREEK_LETTER.sub(lambda match: _GREEK[match["name"]], text)


def _accented(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFC", match["letter"] + _COMBINING[match["mark"] or match["named"]])
