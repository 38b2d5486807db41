"""How much memory this process holds, in megabytes; as the system tells it, on Linux and elsewhere."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")


def read_peak() -> float:
    """What this process held at its most. Linux knows that of the program; `getrusage` counts its parent's too."""
    return _read("VmHWM") or _ask()


def read_resident() -> float:
    """What this process holds now; what it held at its most where the system tells no more."""
    return _read("VmRSS") or _ask()


def _read(name: str) -> float | None:
    if not _STATUS.exists():
        return None
    found = re.search(rf"{name}:\s*(\d+) kB", _STATUS.read_text(encoding="ascii"))
    return int(found[1]) / 1_000 if found else None


def _ask() -> float:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1_000_000 if sys.platform == "darwin" else most / 1_000
