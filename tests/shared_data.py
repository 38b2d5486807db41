"""Where recorded arXiv answers lie beside the project, for the tests that read them; they skip where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"
ARXIV = SHARED / "arxiv"

needs_recordings = pytest.mark.skipif(
    not ARXIV.is_dir(), reason="the recorded arXiv answers (../shared/arxiv) are not part of the repository"
)
