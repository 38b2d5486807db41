"""Where recorded arXiv answers and real summaries lie beside the project; tests that read them skip without them."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"
ARXIV = SHARED / "arxiv"
SUMMARIES = SHARED / "summaries"

needs_recordings = pytest.mark.skipif(
    not ARXIV.is_dir(), reason="the recorded arXiv answers (../shared/arxiv) are not part of the repository"
)

needs_summaries = pytest.mark.skipif(
    not SUMMARIES.is_dir(), reason="the real summaries (../shared/summaries) are not part of the repository"
)
