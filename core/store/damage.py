"""What of a store cannot be read is left out, with a line in the log: one row must not take the others with it."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

logger = logging.getLogger(__name__)

# What reading a damaged record raises.
DAMAGE = (ValueError, KeyError, TypeError, zlib.error)


@contextmanager
def damage_of(what: str) -> Iterator[None]:
    """Lets go on without *what* where it cannot be read."""
    try:
        yield
    except DAMAGE as error:
        # Without a traceback: it is the data that are wrong.
        logger.error("What is stored as %s cannot be read and counts as missing: %r", what, error)  # noqa: TRY400


def tell_damaged(what: str, damaged: Sequence[str]) -> None:
    """One line for all of *what* that cannot be read; there may be thousands."""
    if damaged:
        logger.error("Of %s %d cannot be read and are left out, the first is %s", what, len(damaged), damaged[0])
