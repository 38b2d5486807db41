"""Choices that look arbitrary and are the same in every process: arithmetic on digests, no random numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

_Option = TypeVar("_Option")


def draw(limit: int, *key: object) -> int:
    """A number from 0 to *limit* - 1 that depends on nothing but the arguments, whose `str` has to be stable."""
    digest = hashlib.blake2b("|".join(map(str, key)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % limit


def pick(options: Sequence[_Option], *key: object) -> _Option:
    """One of *options*, chosen by *key* alone."""
    return options[draw(len(options), *key)]


def listed(text: str) -> tuple[str, ...]:
    """The phrases of *text*, which semicolons part."""
    return tuple(text.split(";"))
