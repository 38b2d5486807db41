"""Count in how many papers each word stands: `python -m bench.word_counts FEED.xml ... > core/word_counts.txt`.

What the relevance ranking holds words against before it has read any stream itself (`core/rarity.py`). The feeds are
arXiv's announcements as rss.arxiv.org gives them. Shipped is the count of 3,120 papers announced in cs.AI, cs.CL, cs.DC
and cs.LG on five days of March to June 2026; arXiv's metadata are in the public domain (CC0).
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from textwrap import fill

from core.arxiv.rss import parse_announcements
from core.errors import SourceMalformed
from core.papers import Paper
from core.rarity import words_of

_FEWEST = 3  # papers; a word that stands in fewer says no more than one that was never seen


def main(paths: list[str]) -> None:
    """Print the counts of all feeds together, the most frequent words first."""
    papers: dict[str, Paper] = {}
    for path in paths:
        try:
            announced = parse_announcements(Path(path).read_bytes())
        except SourceMalformed as error:
            sys.exit(f"{path}: {error}")
        papers.update((entry.paper.id, entry.paper) for entry in announced.entries)
    counts = Counter(word for paper in papers.values() for word in words_of(paper))
    words: dict[int, list[str]] = {}
    for word, count in sorted(counts.items()):
        words.setdefault(count, []).append(word)
    print(f"# In how many of {len(papers)} papers of arXiv each word stands, folded; made by bench/word_counts.py.")  # noqa: T201
    for count in sorted(words, reverse=True):
        if count >= _FEWEST:
            print(fill(" ".join(words[count]), 115, initial_indent=f"{count} ", subsequent_indent=f"{count} "))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
