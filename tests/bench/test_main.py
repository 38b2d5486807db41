"""What `python -m bench` runs."""

from __future__ import annotations

import pytest

from bench.__main__ import NAMES, main


def test_an_unknown_benchmark_is_refused_with_the_names_of_all() -> None:
    with pytest.raises(SystemExit, match=", ".join(NAMES)):
        main(["serving", "riding"])
