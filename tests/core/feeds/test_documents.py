"""What holds for the documents of all formats alike: the golden files, and that nothing but the feed decides them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.feeds.samples import GOLDEN, documents

ROOT = Path(__file__).resolve().parents[3]
PRINT_DIGESTS = """
import contextlib, hashlib, locale
with contextlib.suppress(locale.Error):
    locale.setlocale(locale.LC_ALL, "")
from tests.core.feeds.samples import documents
print({name: hashlib.sha256(document).hexdigest() for name, document in documents().items()})
"""


@pytest.mark.parametrize("name", ["week.rss", "week.atom", "week.json", "feeds.opml"])
def test_a_document_is_its_golden_file_byte_for_byte(name: str) -> None:
    assert documents()[name] == (GOLDEN / name).read_bytes()


def test_every_golden_file_is_compared() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(documents())


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1", "TZ": "Asia/Kolkata", "LC_ALL": "de_DE.UTF-8"},
        {"PYTHONHASHSEED": "77", "TZ": "America/New_York", "LC_ALL": "C"},
    ],
    ids=["east and German", "west and C"],
)
def test_another_process_gives_the_same_bytes_whatever_its_seed_zone_and_locale(environment: dict[str, str]) -> None:
    shown = subprocess.run(  # our own interpreter, a constant program
        [sys.executable, "-c", PRINT_DIGESTS],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown.strip() == str({name: hashlib.sha256(body).hexdigest() for name, body in documents().items()})
