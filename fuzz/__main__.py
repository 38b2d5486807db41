"""Fuzz every target, or those named, for some seconds each: `python -m fuzz SECONDS [TARGET ...]`.

What is found on the way is kept in data/fuzz, so that the next run goes on from there. An input that shows a mistake is
put into fuzz/corpus, where the tests hold it from then on, and the exit code is 1.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from fuzz.targets import FOLDER, TARGETS, Target

ROOT = FOLDER.parent
FOUND = ROOT / "data" / "fuzz"
_LONGEST_INPUT_BYTES = 4096
_HANG_SECONDS = 60
_MOST_MEGABYTES = 2048


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 where nothing was found, 1 where something was, 2 where nothing can be fuzzed."""
    if not (arguments and arguments[0].isdigit()):
        print("usage: python -m fuzz SECONDS [TARGET ...]", file=sys.stderr)  # noqa: T201 - a command
        return 2
    if find_spec("atheris") is None:
        print("atheris is missing, which has wheels for Linux: pip install --group fuzz", file=sys.stderr)  # noqa: T201
        return 2
    seconds, names = int(arguments[0]), arguments[1:]
    unknown = set(names) - {target.name for target in TARGETS}
    if unknown:
        print(f"no such target: {', '.join(sorted(unknown))}", file=sys.stderr)  # noqa: T201
        return 2
    chosen = [target for target in TARGETS if not names or target.name in names]
    return max([_fuzz(target, seconds) for target in chosen])


def _fuzz(target: Target, seconds: int) -> int:
    """1 where *target* had a mistake within *seconds*, else 0; libFuzzer tells what it does, and what it found."""
    kept = FOUND / target.name
    kept.mkdir(parents=True, exist_ok=True)
    before = set(target.corpus.iterdir())
    command = [
        *(sys.executable, "-m", "fuzz.fuzzing", target.name),
        f"-max_total_time={seconds}",
        f"-max_len={_LONGEST_INPUT_BYTES}",
        f"-timeout={_HANG_SECONDS}",
        f"-rss_limit_mb={_MOST_MEGABYTES}",
        f"-dict={target.dictionary_file}",
        f"-artifact_prefix={target.corpus}/",
        "-verbosity=0",
        "-print_final_stats=1",
        *(str(kept), str(target.corpus)),  # libFuzzer writes into the first
    ]
    print(f"{target.name}: {seconds} seconds", flush=True)  # noqa: T201
    ended = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603
    for finding in sorted(set(target.corpus.iterdir()) - before):
        print(f"{target.name}: a mistake is shown by {_relative(finding)}", flush=True)  # noqa: T201
    return int(ended.returncode != 0)


def _relative(path: Path) -> Path:
    return path.relative_to(ROOT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
