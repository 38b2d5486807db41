"""The clock of a soak: as fast as the real one, and set by who drives the soak, for one process or for all.

It is in a file that all processes map, so that they see it set at once.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

PROCESSES = 2

_DOUBLE = struct.Struct("d")
_SIZE = (1 + PROCESSES) * _DOUBLE.size


class SoakClock:
    """The clock in the file *path*, which `create` makes. *real* gives seconds since 1970."""

    def __init__(self, path: Path, *, real: Callable[[], float]) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _SIZE)
        self._real = real

    def now(self, process: int | None = None) -> datetime:
        """The time it is (aware UTC), or that *process* believes it is."""
        wrong = 0.0 if process is None else self._read(1 + process)
        return datetime.fromtimestamp(self._real() + self._read(0) + wrong, UTC)

    def set(self, moment: datetime) -> None:
        """Let it be *moment* now."""
        self._write(0, moment.timestamp() - self._real())

    def advance(self, step: timedelta) -> None:
        self._write(0, self._read(0) + step.total_seconds())

    def mislead(self, process: int, by: timedelta) -> None:
        """Let *process* believe that it is later *by* so much, or earlier."""
        self._write(1 + process, by.total_seconds())

    def _read(self, place: int) -> float:
        (value,) = _DOUBLE.unpack_from(self._map, place * _DOUBLE.size)
        return float(value)

    def _write(self, place: int, value: float) -> None:
        _DOUBLE.pack_into(self._map, place * _DOUBLE.size, value)


def create(path: Path) -> None:
    """A clock in the file *path* that is as the real one."""
    path.write_bytes(bytes(_SIZE))
