"""What rendering a summary costs: `python -m bench.rendering [FOLDER]`.

FOLDER (by default ../shared/summaries) holds summaries as Markdown files, as real models wrote them. Times are CPU
milliseconds for one summary, the median of several rounds over all of them. The last column says how many times as long
it takes as the same library takes for plain CommonMark, which is what any renderer in Python has to pay; the
milliseconds change with the machine, the ratio does not.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from markdown_it import MarkdownIt

from core.settings import PROJECT_FOLDER
from core.summaries.cleaning import clean_answer
from core.summaries.rendering import render_feed, render_markdown, render_page

ROUNDS = 3


def main(folder: Path) -> None:
    """Print a table: renderer, milliseconds, ratio to CommonMark."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))]
    if not texts:
        sys.exit(f"{folder}: no summaries (*.md) are there")
    plain = MarkdownIt("commonmark")
    renderers: dict[str, Callable[[str], str]] = {
        "CommonMark": plain.render,
        "cleaning": clean_answer,
        "feed": render_feed,
        "page": render_page,
        "Markdown": render_markdown,
    }
    measured = measure(list(renderers.values()), texts)
    print(f"{len(texts)} summaries, {sum(map(len, texts)) / len(texts):,.0f} characters each")  # noqa: T201
    print(f"{'renderer':12} {'ms':>7} {'ratio':>6}")  # noqa: T201
    for name, milliseconds in zip(renderers, measured, strict=True):
        print(f"{name:12} {milliseconds:7.2f} {milliseconds / measured[0]:6.2f}")  # noqa: T201


def measure(renderers: Sequence[Callable[[str], str]], texts: Sequence[str]) -> list[float]:
    """CPU milliseconds a text for each renderer. They take turns: a slow moment hits them all."""
    spent: list[list[float]] = [[] for _ in renderers]
    for _ in range(ROUNDS):
        for times, render in zip(spent, renderers, strict=True):
            render(texts[0])  # what is built once is not counted
            start = time.process_time()
            for text in texts:
                render(text)
            times.append(1000 * (time.process_time() - start) / len(texts))
    return [median(times) for times in spent]


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT_FOLDER.parent / "shared" / "summaries")
