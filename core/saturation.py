"""How much of a paper a term is: more hits say more, but each further one less, and in a long paper a hit says less.

The part of BM25F that needs no rarity (Robertson, Zaragoza, The Probabilistic Relevance Framework, 2009): of what a
term can give a paper it gives hits / (hits + norm). The figures were chosen with those of `core/relevance.py`.
"""

from __future__ import annotations

TITLE_WEIGHT = 3  # of one hit in the title, in hits in the abstract
SATURATION = 2.0  # k1: how soon more hits of a term add little
_LENGTH_PART = 0.75  # b: how far a long paper's hits count less
_AVERAGE_AMOUNT = 195.0  # of hits that all words together are
_BASE, _GROWTH = SATURATION * (1 - _LENGTH_PART), SATURATION * _LENGTH_PART / _AVERAGE_AMOUNT


def norm_of(title: int, abstract: int) -> float:
    """How many hits give half of what hits can give in a paper with so many words in title and abstract."""
    return _BASE + _GROWTH * (TITLE_WEIGHT * title + abstract)
