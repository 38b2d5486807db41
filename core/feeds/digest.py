"""A mailing as a digest: what was announced, the best papers with their reasons and summaries, in Markdown.

Only values in and text out, and no clock: a digest is of a mailing and dated by it. The same as HTML is
`digest_page.py`; where it goes is `digest_files.py` and `mail.py`.

Texts of arXiv are data: they are escaped, so that no title is a link, an image, HTML, or, where GitHub renders the
text, a mention of somebody or a reference to an issue.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from html import escape
from itertools import starmap

from core.catalogue import TOLD_OUTCOMES, FeedAddresses, Item, Outcome, Selected, Selection
from core.feeds.content import build_absence, build_names, build_origin, clean_text, say_categories
from core.mailings import explain_silence, mailing_moment, next_mailing_moment
from core.moments import say_day
from core.papers import ANNOUNCE_TYPES
from core.profiles import Keyword, Profile, say_count, say_list, say_points
from core.summaries.attempts import Summary
from core.summaries.cleaning import drop_unprintable
from core.summaries.rendering import render_markdown

Fact = tuple[str, str]  # a label and what there is to say, both plain text
Link = tuple[str, str]  # a text and an address

MAX_ABSTRACT = 500  # characters; real ones have 1,300 in the middle
_MAX_NAMES = 6
_MAX_COMMENT = 200

ACKNOWLEDGEMENT = (
    "Thank you to arXiv for use of its open access interoperability. This digest is not made or endorsed by arXiv."
)
NOTHING_LISTED = "None of these papers is listed; the statistics say why."


@dataclass(frozen=True, slots=True)
class Digest:
    """What the mailing of `day` brought to `profile`, or why there is none on that day.

    `items` are best first. `counted` says how many of the announced papers had each outcome; they add up to what was
    announced. `silence` is the reason why `day` has no mailing, empty where it has one. `notices` are sentences that a
    reader must know first. `addresses` are those of the feed, None where no feed is served.
    """

    title: str
    day: date
    profile: Profile
    items: tuple[Item, ...] = ()
    counted: tuple[tuple[Outcome, int], ...] = ()
    silence: str = ""
    notices: tuple[str, ...] = ()
    addresses: FeedAddresses | None = None

    @property
    def announced(self) -> int:
        return sum(number for _, number in self.counted)

    @property
    def updated(self) -> datetime:
        """The newest change in it, aware UTC: the mailing itself, or a summary that came later."""
        return max((item.updated for item in self.items), default=mailing_moment(self.day))


# --- Which digests there are


def build_digests(
    selection: Selection,
    selected: Selected,
    *,
    title: str,
    today: date,
    notices: Sequence[str] = (),
    addresses: FeedAddresses | None = None,
) -> tuple[Digest, ...]:
    """One digest for each mailing that *selected* has, newest first; none where nothing is stored.

    Where *today*, the present day in US Eastern time, is a weekday without a mailing, it has a digest too, which says
    why. *notices* are of the present, so they stand in the newest one only.
    """
    digests = [_build(selection.profile, selected, day, title, addresses) for day in selected.mailings]
    if not digests:
        return ()
    silence = explain_silence(mailing_moment(today), newest=digests[0].day)
    if silence and today.weekday() < 5 and selection.mailing is None:
        digests.insert(0, replace(digests[0], day=today, items=(), counted=(), silence=silence.reason))
    return (replace(digests[0], notices=tuple(notices)), *digests[1:])


def find_newest(digests: Sequence[Digest], *, today: date) -> Digest | None:
    """The newest of *digests* that is of a mailing; None where there is none.

    Where that is not *today's*, its first notice says why. For whoever shows one digest alone.
    """
    newest = next((digest for digest in digests if not digest.silence), None)
    if newest is None or newest.day >= today:
        return newest
    silence = explain_silence(mailing_moment(today))
    reason = silence.reason if silence else "that of this day has not come in yet."
    missing = f"No mailing today, {say_day(today)}: {reason} This is that of {say_day(newest.day)}."
    return replace(newest, notices=(missing, *digests[0].notices))


def _build(profile: Profile, selected: Selected, day: date, title: str, addresses: FeedAddresses | None) -> Digest:
    items = tuple(item for item in selected.items if item.mailing == day)
    return Digest(title, day, profile, items, tuple(selected.count(day).items()), addresses=addresses)


# --- What they say, in plain text


def say(text: str) -> str:
    """*text* on one line, without characters that hide or turn it."""
    return clean_text(drop_unprintable(text))


def say_title(digest: Digest) -> str:
    """The heading of a whole digest."""
    return f"{say(digest.title)} · {say_day(digest.day)}"


def say_synopsis(digest: Digest) -> str:
    """What the day brought, in one sentence."""
    if digest.silence:
        return f"No mailing: {say(digest.silence)}"
    categories = say_list(digest.profile.categories)
    return f"{len(digest.items)} of the {say_count(digest.announced, 'paper')} that arXiv announced in {categories}."


def say_paper(item: Item) -> str:
    """The title of the item's paper, its identifier where nothing is left of it."""
    return say(item.paper.title) or f"arXiv:{item.paper.id}"


def say_names(item: Item) -> str:
    """The first authors, and how many more there are."""
    names = [say(name) for name in build_names(item)]
    if len(names) <= _MAX_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: _MAX_NAMES - 1])} and {len(names) - _MAX_NAMES + 1} more"


def say_reasons(item: Item) -> str:
    return say(", ".join(map(str, item.score.reasons)))


def say_abstract(item: Item) -> str:
    """The beginning of the abstract, up to MAX_ABSTRACT characters; empty where a summary stands in its place."""
    return "" if item.is_brief and item.summary else cut(say(item.paper.abstract), MAX_ABSTRACT)


def say_comment(item: Item) -> str:
    return cut(say(item.paper.comment or ""), _MAX_COMMENT)


def list_links(item: Item) -> tuple[Link, ...]:
    """Where the item's paper is at arXiv."""
    paper = item.paper
    return (f"{paper.id}v{paper.version}", item.link), ("PDF", paper.pdf_url), ("HTML", paper.html_url)


def list_formats(addresses: FeedAddresses) -> tuple[Link, ...]:
    return ("RSS", addresses.rss), ("Atom", addresses.atom), ("JSON Feed", addresses.json)


def tell_statistics(digest: Digest) -> Iterator[Fact]:
    """What the mailing was and what became of its papers: announced = listed + filtered."""
    counted = dict(digest.counted)
    types = Counter(item.announce_type for item in digest.items)
    kinds = say_list([f"{types[kind]} {kind}" for kind in ANNOUNCE_TYPES if types[kind]])
    others = [one for one in TOLD_OUTCOMES if counted.get(one) and one is not Outcome.LISTED]
    filtered = [f"{counted[one]} {TOLD_OUTCOMES[one]}" for one in others]
    yield "Mailing", f"{say_day(digest.day)}, out at {_utc(mailing_moment(digest.day))}"
    yield "Announced", f"{say_count(digest.announced, 'paper')} in {say_list(digest.profile.categories)}"
    yield "Listed", f"{len(digest.items)}{f' ({kinds})' if kinds else ''}"
    if filtered:
        yield "Filtered", f"{digest.announced - len(digest.items)} ({', '.join(filtered)})"
    yield from _tell_summaries(digest)
    yield "Last change", _utc(digest.updated)


def tell_configuration(profile: Profile) -> Iterator[Fact]:
    """What was wanted, and by which rules papers are listed."""
    yield "Categories", ", ".join(profile.categories)
    yield "Announce types", ", ".join(profile.announce_types)
    if profile.query is not None:
        yield "Query", say(str(profile.query))
    for label, terms in (("Keywords", profile.keywords), ("Authors", profile.authors)):
        if terms:
            yield label, ", ".join(map(_weighted, terms))
    for label, texts in (
        ("Excluded", profile.exclude_keywords),
        ("Liked papers", profile.likes),
        ("Disliked papers", profile.dislikes),
    ):
        if texts:
            yield label, ", ".join(map(say, texts))
    matched = "whole words" if profile.match == "word" else "any part of the text"
    yield "Ranking", f"by {profile.ranking}, terms matched as {matched}"
    yield "Limits", f"{say_count(profile.min_score, 'point')} or more, the best {profile.max_papers} of each mailing"


def say_schedule(digest: Digest) -> str:
    """When the next mailing comes."""
    following = next_mailing_moment(mailing_moment(digest.day))
    return (
        "arXiv announces papers at midnight US Eastern time on most weekdays."
        f" The next mailing is due at {_utc(following)}."
    )


def cut(text: str, most: int) -> str:
    """*text*, or what fits of it into *most* characters, up to the end of a word, with an ellipsis."""
    if len(text) <= most:
        return text
    begun = text[: most + 1].rpartition(" ")[0]
    # Chinese has no spaces, and an address may be long.
    begun = begun if len(begun) > most / 2 else text[:most]
    return f"{begun.rstrip(' ,;:–—-(')} …"


def _tell_summaries(digest: Digest) -> Iterator[Fact]:
    attempts = [item.attempt for item in digest.items if item.attempt is not None]
    written = [attempt for attempt in attempts if attempt.summary is not None]
    if not attempts:
        return
    missing = len(attempts) - len(written)
    models = Counter(attempt.summary.model for attempt in written if attempt.summary)
    by = f" by {say_list([say(model) for model, _ in models.most_common()])}" if models else ""
    yield "Summaries", f"{len(written)}{by}{f'; {missing} not written' if missing else ''}"


def _weighted(keyword: Keyword) -> str:
    return say(keyword.term) + ("" if keyword.weight == 1 else f" × {keyword.weight:g}")


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


# --- Markdown

_TellSummary = Callable[[Item, Summary], Iterator[str]]


def render_digest(digest: Digest) -> str:
    """*digest* as a Markdown document of its own: one title, and all else below it. Ends in a line feed."""
    return f"# {_escaped(say_title(digest))}\n\n{render_body(digest)}"


def render_plain_digest(digest: Digest) -> str:
    """The same without folds, for where Markdown is read as it is written, as in a mail."""
    return f"# {_escaped(say_title(digest))}\n\n{_join(digest, _unfold)}"


def render_body(digest: Digest) -> str:
    """*digest* as Markdown for within a document that has a title: headings from level 2 on.

    For GitHub and everything else that knows CommonMark: formulas in summaries are LaTeX between dollar signs, folds
    are `<details>`. Equal digests give equal texts.
    """
    return _join(digest, _fold)


def _join(digest: Digest, tell_summary: _TellSummary) -> str:
    return "\n\n".join(filter(None, _blocks(digest, tell_summary))) + "\n"


def _blocks(digest: Digest, tell_summary: _TellSummary) -> Iterator[str]:
    yield _escaped(say_synopsis(digest))
    for notice in digest.notices:
        yield f"> **Note:** {_escaped(say(notice))}"
    if not digest.silence:
        yield "## Statistics"
        yield _list_facts(tell_statistics(digest))
        yield "## Papers"
        if not digest.items:
            yield NOTHING_LISTED
        for rank, item in enumerate(digest.items, start=1):
            yield from _paper(rank, item, tell_summary)
    yield "## Configuration"
    yield _list_facts(tell_configuration(digest.profile))
    yield "## Schedule"
    yield _escaped(say_schedule(digest))
    if digest.addresses:
        yield "The same as a feed: " + ", ".join(starmap(_link, list_formats(digest.addresses))) + "."
    yield f"*{ACKNOWLEDGEMENT}*"


def _paper(rank: int, item: Item, tell_summary: _TellSummary) -> Iterator[str]:
    yield f"### {rank}. {_link(say_paper(item), item.link)}"
    yield "\n".join(_standing(item))
    if item.summary and item.summary.tldr:
        yield f"**TL;DR:** {_summarised(item.summary.tldr, item.summary)}"
    if abstract := say_abstract(item):
        yield f"**Abstract:** {_escaped(abstract)}"
    if item.summary:
        yield from tell_summary(item, item.summary)
    elif absence := build_absence(item):
        yield f"*{_escaped(say(absence))}*"


def _standing(item: Item) -> Iterator[str]:
    if names := say_names(item):
        yield _fact("Authors", names)
    yield _fact("Categories", say_categories(item))
    yield _fact("Published", f"{item.mailing} ({item.announce_type})")
    reasons = say_reasons(item)
    yield _fact("Score", f"{say_points(item.score.value)}{f': {reasons}' if reasons else ''}")
    if comment := say_comment(item):
        yield _fact("Comment", comment)
    yield "- **arXiv:** " + ", ".join(starmap(_link, list_links(item)))


def _fold(item: Item, summary: Summary) -> Iterator[str]:
    yield f"<details>\n<summary>{escape(say(build_origin(item)), quote=False)}</summary>"
    yield from _sections(summary)
    yield "</details>"


def _unfold(item: Item, summary: Summary) -> Iterator[str]:
    yield f"*{_escaped(say(build_origin(item)))}*"
    yield from _sections(summary)


def _sections(summary: Summary) -> Iterator[str]:
    for section in summary.sections:
        yield _summarised(join_section(section.heading, section.markdown), summary)


def join_section(heading: str, markdown: str) -> str:
    """A section of a summary as Markdown in which its heading is the highest, since its own ones are of level 4 on."""
    return f"### {say(heading)}\n\n{markdown}" if say(heading) else markdown


def _summarised(markdown: str, summary: Summary) -> str:
    written = render_markdown(markdown, urls=summary.urls)
    return _REFERENCE_BEYOND_MARKUP.sub(lambda match: match["markup"] or match[0] + _PART, written)


def _list_facts(facts: Iterator[Fact]) -> str:
    return "\n".join(_fact(*fact) for fact in facts)


def _fact(label: str, text: str) -> str:
    return f"- **{label}:** {_escaped(text)}"


def _link(text: str, url: str) -> str:
    return f"[{_escaped(text)}]({url.replace('(', '%28').replace(')', '%29')})"


def _escaped(text: str) -> str:
    """*text*, which is on one line and not at its beginning, as Markdown that shows just that.

    Addresses, of which GitHub makes links, become code. GitHub looks for mentions and references after the Markdown
    is read, where no backslash helps, so these are parted by a comment, which nobody sees.
    """
    return _SIGN.sub(_escaped_sign, text)


def _escaped_sign(sign: re.Match[str]) -> str:
    if sign["address"]:
        address = sign[0].rstrip(_AFTER_ADDRESS)
        return f"`{address}`{_escaped(sign[0][len(address) :])}"
    return sign[0] + _PART if sign["reference"] else f"\\{sign[0]}"


_PART = "<!-- -->"
_AFTER_ADDRESS = ".,;:!?'\"()[]{}|*_~"
_REFERENCE = r"(?<!\w)@(?=\w)|\#(?=\d)|\bgh-(?=\d)|(?<!\w):(?=[\w+-]+:)"
_SIGN = re.compile(
    rf"""
    (?P<address>(?:\b[a-z][a-z0-9+.-]{{0,31}}://|\bwww\.)[^\s<>`]+|(?<![\w.+-])[\w.+-]++@[\w-]+(?:\.[\w-]+)+)
    | (?P<reference>{_REFERENCE})
    | [\\`*\[\]<~$|] | (?<![^\W_])_ | _(?![^\W_]) | &(?=\#?\w{{1,40}};)
    """,
    re.IGNORECASE | re.VERBOSE,
)
# What is escaped, code, formulas, tags and addresses are passed over.
_REFERENCE_BEYOND_MARKUP = re.compile(
    rf"""
    (?P<markup>\\. | (?<!`)(?P<marks>`+)(?!`)[\s\S]*?(?<!`)(?P=marks)(?!`) | \$[^$]*\$ | <[^<>]*>)
    | {_REFERENCE}
    """,
    re.IGNORECASE | re.VERBOSE,
)
