"""Whatever a title, a name or an abstract holds: every format stays readable and gives the text back."""

from __future__ import annotations

import json
import re
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from core.catalogue import Feed
from core.feeds.json_feed import render_json_feed
from core.feeds.opml import Outline, render_opml
from core.feeds.rss_atom import render_atom, render_rss
from core.papers import Author
from tests.builders import feed, item, paper
from tests.core.feeds.rules import ATOM, CONTENT, DUBLIN_CORE, Reading, atom_breaches, parse_strictly, rss_breaches

MARKUP = ["<b>", "</p>", "<!--", "]]>", "<![CDATA[", "<?xml", "&amp;", "&#0;", "&lt;", "$a<b$", '"', "'", "\\", "\n"]
ODD = ["\x00", "\x0b", "\x7f", "\x85", "\x9f", "\ufffe", "\uffff", "\ud800", "\udfff", "\u2028", "\U0001fffe"]

hostile_text = st.lists(
    st.text(st.characters(exclude_categories=()), max_size=8) | st.sampled_from(MARKUP + ODD), max_size=8
).map("".join)


def survivors(text: str) -> str:
    """*text* without white space and what XML cannot carry: what must come back, whatever happens to the spaces."""
    return re.sub(r"\s", "", "".join(character for character in text if not _is_lost(character)))


def _is_lost(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs") or character in "\ufffe\uffff"


@st.composite
def hostile_feeds(draw: st.DrawFn) -> Feed:
    """A feed of one paper whose every text is hostile."""
    listed = paper(
        title=draw(hostile_text),
        authors=(Author("Ada Lovelace"), Author(draw(hostile_text))),
        abstract=draw(hostile_text),
        comment=draw(hostile_text),
        journal_reference=draw(hostile_text),
        doi=survivors(draw(hostile_text)),  # one DOI: white space would part it into several
        licence=draw(hostile_text),
    )
    return feed(title=draw(hostile_text), description=draw(hostile_text), items=(item(paper=listed),))


def expected(listed: Feed) -> tuple[str, str, str]:
    """Title, names and the whole text of the content as they must come back."""
    listed_paper = listed.items[0].paper
    names = ",".join(filter(None, (survivors(author.name) for author in listed_paper.authors)))
    about = {
        "Comment": listed_paper.comment,
        "Journal reference": listed_paper.journal_reference,
        "DOI": listed_paper.doi,
    }
    lines = [
        names,
        "cs.LG (new), cs.AI (cross)",
        "Score 2.5: Attention 1.5 (title), LLM 1",
        listed_paper.abstract,
        *(f"{label}: {text}" for label, text in about.items() if survivors(text or "")),
        "arXiv:2603.00001v1 · PDF · HTML",
    ]
    return survivors(listed_paper.title) or "arXiv:2603.00001", names, survivors("".join(lines))


def read_back(title: str | None, names: str | None, html: str | None) -> tuple[str, str, str]:
    return survivors(title or ""), survivors(names or ""), survivors("".join(Reading(html or "").paragraphs))


@given(hostile_feeds())
@settings(max_examples=60, deadline=None)
def test_rss_gives_hostile_text_back(listed: Feed) -> None:
    document = render_rss(listed)
    entry = parse_strictly(document)[0].find("item")
    assert entry is not None
    texts = (entry.findtext(tag) for tag in ("title", f"{DUBLIN_CORE}creator", f"{CONTENT}encoded"))
    assert (rss_breaches(document), read_back(*texts)) == ([], expected(listed))


@given(hostile_feeds())
@settings(max_examples=60, deadline=None)
def test_atom_gives_hostile_text_back(listed: Feed) -> None:
    document = render_atom(listed)
    entry = parse_strictly(document).find(f"{ATOM}entry")
    assert entry is not None
    names = ",".join(name.text or "" for name in entry.iterfind(f"{ATOM}author/{ATOM}name"))
    texts = read_back(entry.findtext(f"{ATOM}title"), names, entry.findtext(f"{ATOM}content"))
    assert (atom_breaches(document), texts) == ([], expected(listed))


@given(hostile_feeds())
@settings(max_examples=60, deadline=None)
def test_json_feed_gives_hostile_text_back(listed: Feed) -> None:
    entry = json.loads(render_json_feed(listed))["items"][0]
    names = ",".join(author["name"] for author in entry["authors"])
    assert read_back(entry["title"], names, entry["content_html"]) == expected(listed)


@given(hostile_text, hostile_text)
@settings(max_examples=60, deadline=None)
def test_opml_gives_hostile_text_back(title: str, description: str) -> None:
    document = render_opml(title, [Outline(title, description, feed().addresses)])
    outline = parse_strictly(document).find("body/outline")
    assert outline is not None
    told = (survivors(outline.get("text") or ""), survivors(outline.get("description") or ""))
    assert told == (survivors(title) or "https://feeds.example/", survivors(description))
