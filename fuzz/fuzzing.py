"""One target in this process: `python -m fuzz.fuzzing TARGET [options of libFuzzer]`, which `fuzz/__main__.py` starts.

libFuzzer ends the process, with exit code 0 only where it found nothing.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["api", "core"]):
    from fuzz.targets import TARGETS


def main(name: str, options: list[str]) -> None:
    """Fuzz the target *name*; does not return."""
    (target,) = (target for target in TARGETS if target.name == name)
    atheris.Setup([f"fuzz {name}", *options], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
