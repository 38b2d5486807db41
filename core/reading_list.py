"""A file of references -> arXiv identifiers: BibTeX, OPML, exported bookmarks, or a plain list.

Whatever the format, a paper of arXiv is named by an address, a DOI, `arXiv:` before its identifier, or an `eprint`
field; an identifier alone counts only on a line of nothing but such, with a bullet, quotes or a # note at most, since
page and volume numbers look like one.
"""

from __future__ import annotations

import re

from core.papers import PaperId

_ID = r"(?:[a-z][a-z-]+(?:\.[A-Z]{2})?/\d{7}|\d{4}\.\d{4,5})(?:v\d+)?"
_NAMED = re.compile(
    rf"""(?:
        arxiv\.org/(?:abs|pdf|html|ps|format)/
        | arxiv\s*:\s*
        | 10\.48550/arxiv\.
        | \beprint\s*=\s*["{{]+\s*(?:arxiv\s*:\s*)?
    )(?P<id>{_ID})(?!\d)
    | ^[ \t]*(?:(?:[-*•]|\d{{1,3}}[.)])[ \t]*)?["'\[]?(?P<list>{_ID}(?:[ \t,;]+{_ID})*)["'\]]?[ \t\r,;]*(?:\#.*)?$""",
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_BETWEEN = re.compile(r"[ \t,;]+")


def find_paper_ids(text: str) -> tuple[str, ...]:
    """The identifiers, without version, of the arXiv papers that *text* names, each once, in its order."""
    found: dict[str, None] = {}
    for match in _NAMED.finditer(text):
        for named in [match["id"]] if match["id"] else _BETWEEN.split(match["list"]):
            try:
                found[PaperId.parse(named).number] = None
            except ValueError:  # it only looks like one, as 2613.00001 does
                continue
    return tuple(found)
