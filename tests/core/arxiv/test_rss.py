"""Announcement feeds, RSS and Atom, whole and damaged."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.arxiv.announced import AnnouncementFeed, Rejected
from core.arxiv.rss import parse_announcements
from core.errors import SourceMalformed
from core.papers import AnnounceType, Author, Paper
from tests.core.arxiv.documents import atom_entry, atom_feed, rss_feed, rss_item
from tests.shared_data import ARXIV, needs_recordings


def manifest() -> list[dict[str, Any]]:
    """The recorded announcement feeds, each with what is known of it; empty where there are none."""
    path = ARXIV / "MANIFEST.json"
    files: list[dict[str, Any]] = json.loads(path.read_text())["files"] if path.exists() else []
    return [entry for entry in files if entry["kind"] in ("rss", "atom")]


def is_error(entry: dict[str, Any]) -> bool:
    return "error" in entry["file"]


def read_paper(**changes: Any) -> Paper:
    """The paper in a feed of one item with *changes*."""
    (entry,) = parse_announcements(rss_feed(rss_item(**changes))).entries
    return entry.paper


def read_rejected(**changes: Any) -> Rejected:
    """The rejection in a feed of one item with *changes*."""
    (rejected,) = parse_announcements(rss_feed(rss_item(**changes))).rejected
    return rejected


def test_an_rss_item_becomes_a_paper() -> None:
    feed = parse_announcements(rss_feed(rss_item(doi="10.1000/182", journal_reference="J. Test 1 (2026)")))
    (entry,) = feed.entries
    assert (entry.announce_type, entry.paper) == (
        AnnounceType.NEW,
        Paper(
            id="2603.00001",
            version=1,
            title="Paged Attention for Everyone",
            authors=(Author("Ada Lovelace"), Author("João Silva", "MIT, CSAIL")),
            abstract="A kernel can be fast.",
            categories=("cs.LG", "cs.AI"),
            raw_title="Paged Attention for Everyone",
            raw_authors="Ada Lovelace, Jo\\~ao Silva (MIT, CSAIL)",
            raw_abstract="A kernel can be fast.",
            licence="http://creativecommons.org/licenses/by/4.0/",
            doi="10.1000/182",
            journal_reference="J. Test 1 (2026)",
        ),
    )


def test_an_atom_feed_says_the_same_as_an_rss_feed() -> None:
    from_rss = parse_announcements(rss_feed(rss_item(rights=None), title="cs.AI updates on arXiv.org"))
    from_atom = parse_announcements(atom_feed(atom_entry()))
    assert from_atom == from_rss


def test_the_feed_has_a_title_and_a_mailing() -> None:
    feed = parse_announcements(rss_feed())
    assert feed == AnnouncementFeed("cs.AI, cs.LG updates on arXiv.org", date(2026, 3, 5), (), ())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, date(2026, 3, 5)),
        ({"published": "Thu, 05 Mar 2026 03:00:00 +0000"}, date(2026, 3, 4)),
        ({"published": None}, date(2026, 3, 5)),
        ({"published": "not a date", "built": "Fri, 06 Mar 2026 04:59:59 +0000"}, date(2026, 3, 5)),
        ({"published": None, "built": "Tue, 16 Jun 2026 04:00:02 +0000"}, date(2026, 6, 16)),
        ({"published": None, "built": None}, None),
        ({"published": "0001-01-01T00:00:00+00:00", "built": None}, None),
    ],
    ids=["channel", "in UTC", "built", "built before midnight", "built in summer", "none", "year one"],
)
def test_the_claimed_mailing_is_an_eastern_date(changes: dict[str, Any], expected: date | None) -> None:
    assert parse_announcements(rss_feed(**changes)).mailing == expected


def test_an_atom_feed_is_of_the_day_that_most_entries_name() -> None:
    early = atom_entry(published="2026-03-04T00:00:00-05:00")
    feed = parse_announcements(atom_feed(early, atom_entry(), atom_entry()))
    assert feed.mailing == date(2026, 3, 5)


def test_an_empty_atom_feed_is_of_the_day_it_was_built() -> None:
    assert parse_announcements(atom_feed()).mailing == date(2026, 3, 6)


@pytest.mark.parametrize(
    "description",
    [
        "arXiv:2603.00001v1 Announce Type: new \nAbstract: A kernel can be fast.",
        "arXiv:2603.00001v1 Announce Type: new\nAbstract: A kernel can be fast.",
        "arXiv:2603.00001v1 Announce Type: replace-cross Abstract: A kernel can be fast.",
        "\n  arXiv:2603.00001v1   Announce  Type:  new   \n\n abstract: A kernel can be fast.",
        "Announce Type: new\nAbstract: A kernel can be fast.",
        "Abstract: A kernel can be fast.",
        "A kernel can be fast.",
    ],
)
def test_the_abstract_is_what_follows_the_head(description: str) -> None:
    assert read_paper(description=description).raw_abstract == "A kernel can be fast."


def test_line_breaks_stay_in_the_raw_abstract_and_leave_the_shown_one() -> None:
    paper = read_paper(description="arXiv:2603.00001v1 Announce Type: new \nAbstract: One.\n  Two.\n  Abstract: Three.")
    assert (paper.raw_abstract, paper.abstract) == (
        "One.\n  Two.\n  Abstract: Three.",
        "One. Two. Abstract: Three.",
    )


def test_markup_in_a_text_is_text() -> None:
    text = "R&D with $x<y$ and <b>no</b> tags &amp; so on"
    assert read_paper(title=text).raw_title == text


@pytest.mark.parametrize("title", ["0", "False", "None"])
def test_a_title_that_looks_like_nothing_is_a_title(title: str) -> None:
    assert read_paper(title=title).title == title


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("2603.00001", 1)),
        ({"guid": "oai:arXiv.org:2603.00001v3"}, ("2603.00001", 3)),
        (
            {"guid": "oai:arXiv.org:2603.00001", "description": "arXiv:2603.00001v4 Announce Type: new \nAbstract: A."},
            ("2603.00001", 4),
        ),
        (
            {"guid": "oai:arXiv.org:2603.00001", "description": "arXiv:2603.00002v4 Announce Type: new \nAbstract: A."},
            ("2603.00001", 1),
        ),
        ({"guid": "oai:arXiv.org:2603.00001", "description": "A."}, ("2603.00001", 1)),
        ({"guid": "oai:arXiv.org:hep-th/9901001v2"}, ("hep-th/9901001", 2)),
        ({"guid": None}, ("2603.00001", 1)),
        ({"guid": None, "link": None}, ("2603.00001", 1)),
    ],
    ids=["guid", "version", "version in head", "head of another", "no version", "old style", "link", "head alone"],
)
def test_the_identifier_is_taken_from_where_it_is_told(changes: dict[str, Any], expected: tuple[str, int]) -> None:
    paper = read_paper(**changes)
    assert (paper.id, paper.version) == expected


@pytest.mark.parametrize("announce_type", list(AnnounceType))
def test_every_announce_type_is_known(announce_type: AnnounceType) -> None:
    (entry,) = parse_announcements(rss_feed(rss_item(announce_type=announce_type.value))).entries
    assert entry.announce_type is announce_type


def test_the_announce_type_is_in_the_head_where_its_element_is_missing() -> None:
    item = rss_item(announce_type=None, description="arXiv:2603.00001v1 Announce Type: replace-cross \nAbstract: A.")
    (entry,) = parse_announcements(rss_feed(item)).entries
    assert entry.announce_type is AnnounceType.REPLACE_CROSS


def test_several_creators_are_joined() -> None:
    paper = read_paper(creators=("Ada Lovelace", " ", "Alan Turing (NPL)"))
    assert (paper.raw_authors, paper.authors) == (
        "Ada Lovelace, Alan Turing (NPL)",
        (Author("Ada Lovelace"), Author("Alan Turing", "NPL")),
    )


def test_a_licence_that_is_no_web_address_is_none() -> None:
    assert read_paper(rights="javascript:alert(1)").licence is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"guid": None, "link": None, "description": "A."}, Rejected("Paged Attention for Everyone", "it has no id")),
        ({"guid": "oai:arXiv.org:2603.1v1"}, None),
        ({"announce_type": "absonly"}, "its announce type 'absonly' is unknown"),
        ({"announce_type": None, "description": "A."}, "it has no announce type"),
        ({"categories": ()}, "it has no category"),
        ({"categories": ("",)}, "it has no category"),
        ({"title": None}, "it has no title"),
        ({"title": " "}, "it has no title"),
        ({"description": None}, "it has no abstract"),
        ({"description": "arXiv:2603.00001v1 Announce Type: new \nAbstract: "}, "it has no abstract"),
    ],
    ids=[
        "no id",
        "bad id",
        "unknown type",
        "no type",
        "no category",
        "empty category",
        "no title",
        "blank title",
        "no description",
        "no abstract",
    ],
)
def test_a_bad_item_is_rejected_with_the_reason(changes: dict[str, Any], expected: Rejected | str | None) -> None:
    rejected = read_rejected(**changes)
    if expected is None:
        expected = Rejected(
            "oai:arXiv.org:2603.1v1",
            "'2603.1v1' is not an arXiv identifier such as 2401.01234v2 or hep-th/9901001",
        )
    assert rejected == (
        expected if isinstance(expected, Rejected) else Rejected("oai:arXiv.org:2603.00001v1", expected)
    )


def test_a_bad_item_costs_the_others_nothing() -> None:
    good = rss_item()
    feed = parse_announcements(rss_feed(good, rss_item(title=None), good, "<item/>", good))
    assert (len(feed.entries), [rejected.entry for rejected in feed.rejected]) == (
        3,
        ["oai:arXiv.org:2603.00001v1", "entry 4"],
    )


def test_a_rejection_stays_short_whatever_was_sent() -> None:
    rejected = read_rejected(guid="x" * 100_000)
    assert len(rejected.entry) + len(rejected.reason) <= 500


def test_namespaces_count_and_prefixes_do_not() -> None:
    renamed = rss_feed(rss_item(rights="https://example.org/licence"))
    for prefix, other in ((b"arxiv:", b"q:"), (b"dc:", b"arxiv:")):
        renamed = renamed.replace(b"xmlns:" + prefix[:-1] + b"=", b"xmlns:" + other[:-1] + b"=")
        renamed = renamed.replace(b"<" + prefix, b"<" + other).replace(b"</" + prefix, b"</" + other)
    assert parse_announcements(renamed) == parse_announcements(rss_feed(rss_item(rights="https://example.org/licence")))


def test_an_element_of_another_namespace_is_not_arxivs() -> None:
    body = rss_feed(rss_item(description="A.")).replace(b"http://arxiv.org/schemas/atom", b"https://example.org/")
    (rejected,) = parse_announcements(body).rejected
    assert rejected.reason == "it has no announce type"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<rss version='2.0'></rss>", id="no channel"),
        pytest.param(b"<feed></feed>", id="no namespace"),
        pytest.param(b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/>", id="RSS 1.0"),
        pytest.param(b"<opml/>", id="another format"),
    ],
)
def test_what_is_no_announcement_feed_is_refused(body: bytes) -> None:
    with pytest.raises(SourceMalformed, match="its root is"):
        parse_announcements(body)


def test_a_message_of_any_length_stays_short() -> None:
    with pytest.raises(SourceMalformed) as raised:
        parse_announcements(rss_feed(title="Feed error for query: x", description="x" * 100_000))
    assert len(str(raised.value)) < 1_000


def test_a_feed_with_far_more_entries_than_arxiv_sends_is_refused() -> None:
    with pytest.raises(SourceMalformed, match="20001 entries"):
        parse_announcements(rss_feed("<item/>" * 20_001))


@pytest.mark.parametrize(
    "body",
    [
        rss_feed(title="Feed error for query: http://rss.arxiv.org/rss/econ.XX", description="Bad subject class 'XX'."),
        atom_feed(title="Feed error for query: http://rss.arxiv.org/atom/econ.XX", subtitle="Bad subject class 'XX'."),
    ],
    ids=["rss", "atom"],
)
def test_an_error_feed_raises_arxivs_message(body: bytes) -> None:
    with pytest.raises(SourceMalformed, match="arXiv says: Bad subject class 'XX'"):
        parse_announcements(body)


SMALL = rss_feed(
    rss_item(), rss_item(guid="oai:arXiv.org:hep-th/9901001v2", announce_type="cross"), rss_item(title=None)
)


@given(st.integers(min_value=0, max_value=len(SMALL) - 1))
@settings(max_examples=60, deadline=None)
def test_a_feed_that_was_cut_off_is_never_taken_for_a_whole_one(length: int) -> None:
    with pytest.raises(SourceMalformed):
        parse_announcements(SMALL[:length])


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_feed_is_refused_or_accounted_for_entry_by_entry(data: st.DataObject) -> None:
    damaged = bytearray(data.draw(st.sampled_from([SMALL, atom_feed(atom_entry(), atom_entry(id=None))])))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place : place + data.draw(st.integers(0, 12))] = data.draw(st.binary(max_size=12))
    try:
        feed = parse_announcements(bytes(damaged))
    except SourceMalformed:
        return
    assert len(feed.entries) + len(feed.rejected) <= 3


@given(st.text(), st.text(), st.text(), st.text())
@settings(max_examples=100, deadline=None)
def test_any_text_in_any_place_gives_one_entry_or_one_rejection(guid: str, text: str, creator: str, term: str) -> None:
    item = rss_item(guid=guid, description=text, creators=(creator,), categories=(term, "cs.LG"), published=text)
    feed = parse_announcements(rss_feed(item, published=text))
    assert len(feed.entries) + len(feed.rejected) == 1


@needs_recordings
@pytest.mark.parametrize(
    "known", [entry for entry in manifest() if not is_error(entry)], ids=lambda entry: entry["file"]
)
def test_a_recorded_feed_is_read_whole(known: dict[str, Any]) -> None:
    feed = parse_announcements((ARXIV / known["file"]).read_bytes())
    types = Counter(entry.announce_type.value for entry in feed.entries)
    assert (len(feed.entries), feed.rejected, dict(types), feed.mailing) == (
        known["entries"],
        (),
        known["announce_types"],
        date.fromisoformat(known["date"]),
    )


@needs_recordings
@pytest.mark.parametrize("known", [entry for entry in manifest() if is_error(entry)], ids=lambda entry: entry["file"])
def test_a_recorded_error_feed_is_refused(known: dict[str, Any]) -> None:
    with pytest.raises(SourceMalformed, match="Bad subject class 'XX'"):
        parse_announcements((ARXIV / known["file"]).read_bytes())


@needs_recordings
def test_no_recorded_abstract_keeps_its_head_or_loses_its_authors() -> None:
    for known in manifest():
        if is_error(known):
            continue
        for entry in parse_announcements((ARXIV / known["file"]).read_bytes()).entries:
            assert "Announce Type:" not in entry.paper.raw_abstract
            assert entry.paper.authors
            assert not any(author.name in ("", ":", "and") for author in entry.paper.authors)
