"""Whether a query finds a paper, as the tests of the query language ask it."""

from __future__ import annotations

from core.index import PaperIndex
from core.papers import Paper
from core.query import canonical, parse_query


def finds(query: str, paper: Paper) -> bool:
    """Whether *query* finds *paper*, which is the only one there is; as it is written, and in its canonical form."""
    node = parse_query(query)
    forms = [node, parse_query(str(node)), canonical(node), parse_query(str(canonical(node)))]
    index = PaperIndex([paper])
    (found,) = {bool(index.evaluate(form)) for form in forms}
    return found
