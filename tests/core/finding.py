"""Whether a query finds a paper, as the tests of the query language ask it."""

from __future__ import annotations

from core.index import PaperIndex
from core.papers import Paper
from core.query import parse_query


def finds(query: str, paper: Paper) -> bool:
    """Whether *query* finds *paper*, which is the only one there is."""
    return bool(PaperIndex([paper]).evaluate(parse_query(query)))
