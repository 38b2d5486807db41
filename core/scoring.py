"""Papers + profile -> scores with reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Field = Literal["title", "abstract", "authors"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a paper has points: *term* was found in *field* ("title" where it stands in both) and gives *points*."""

    term: str
    field: Field
    points: float

    def __str__(self) -> str:
        return f"{self.term} ×{self.points:g} ({self.field})"


@dataclass(frozen=True, slots=True)
class Score:
    """How well a paper fits a profile: points without an upper bound, and the reasons, which add up to them."""

    value: float
    reasons: tuple[Reason, ...] = ()
