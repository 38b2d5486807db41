from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import feedparser
import pytest
from lxml import etree

from core.papers import ANNOUNCE_TYPES, AnnounceType
from demo.announcements import (
    MOST_ENTRIES,
    BadSpec,
    Entry,
    creators,
    parse_spec,
    render_atom,
    render_atom_error,
    render_rss,
    render_rss_error,
    select_entries,
)
from demo.mailing import Listing, Mailing, SamplePaper, Writer
from demo.week import mailing_week
from tests.shared_data import ARXIV, needs_recordings

WEEK = mailing_week(date(2026, 3, 5))
DAY = WEEK[-1].day
DEFAULT = "cs.AI+cs.CL+cs.DC+cs.LG"
MOMENT = datetime(2026, 3, 4, 12, tzinfo=UTC)


def sample_paper(**changes: object) -> SamplePaper:
    paper = SamplePaper(
        id="2603.90001",
        version=1,
        title="Paged Attention for Everyone",
        writers=(Writer("Lovelace", "Ada"),),
        paragraphs=("A kernel can be fast.",),
        categories=("cs.LG", "cs.AI"),
        submitted=MOMENT,
        revised=MOMENT,
    )
    return replace(paper, **changes)  # type: ignore[arg-type]  # a test names the fields it changes


def rss(spec: str, mailing: Mailing = WEEK[-1]) -> bytes:
    parsed = parse_spec(spec)
    return render_rss(parsed, select_entries(mailing.listings, parsed), mailing.day)


def atom(spec: str, mailing: Mailing = WEEK[-1]) -> bytes:
    parsed = parse_spec(spec)
    return render_atom(parsed, select_entries(mailing.listings, parsed), mailing.day)


def types(spec: str, mailing: Mailing = WEEK[-1]) -> dict[str, AnnounceType]:
    return {entry.paper.id: entry.announce_type for entry in select_entries(mailing.listings, parse_spec(spec))}


def announced(listing: Listing, spec: str) -> AnnounceType | None:
    return listing.announce_type(parse_spec(spec).categories)


def test_a_paper_is_new_where_its_primary_category_is_asked_for_and_crossed_elsewhere() -> None:
    paper = sample_paper()
    listing = Listing(paper, "new", paper.categories)
    told = [announced(listing, spec) for spec in ("cs.LG", "cs.AI", "cs.AI+cs.LG", "cs.CL")]
    assert told == ["new", "cross", "new", None]


def test_a_replacement_is_crossed_where_its_primary_category_is_not_asked_for() -> None:
    paper = sample_paper(version=2)
    listing = Listing(paper, "replace", paper.categories)
    assert [announced(listing, spec) for spec in ("cs.LG", "cs.AI", "cs.AI+cs.LG")] == [
        "replace",
        "replace-cross",
        "replace",
    ]


def test_a_later_cross_is_in_the_added_category_only_and_stays_a_cross() -> None:
    listing = Listing(sample_paper(), "cross", ("cs.AI",))
    assert [announced(listing, spec) for spec in ("cs.LG", "cs.AI", "cs.AI+cs.LG")] == [None, "cross", "cross"]


@pytest.mark.parametrize("mailing", WEEK, ids=lambda mailing: str(mailing.day))
def test_a_combined_feed_is_the_union_of_single_ones_with_the_best_type(mailing: Mailing) -> None:
    singles = [types(category, mailing) for category in DEFAULT.split("+")]
    combined = types(DEFAULT, mailing)
    assert combined.keys() == {paper_id for single in singles for paper_id in single}
    assert sum(map(len, singles)) > len(combined)
    for paper_id, announce_type in combined.items():
        assert announce_type == min(
            (single[paper_id] for single in singles if paper_id in single), key=ANNOUNCE_TYPES.index
        )


def test_entries_stand_in_the_order_of_types_and_then_of_ids() -> None:
    entries = select_entries(WEEK[-1].listings, parse_spec(DEFAULT))
    keys = [(ANNOUNCE_TYPES.index(entry.announce_type), entry.paper.id) for entry in entries]
    assert keys == sorted(keys)


def test_beyond_the_limit_the_new_papers_with_the_lowest_ids_are_missing() -> None:
    papers = [sample_paper(id=f"2603.{90000 + place}") for place in range(MOST_ENTRIES + 3)]
    old = sample_paper(id="2510.90001", version=2)
    listings = [Listing(paper, "new", paper.categories) for paper in papers]
    entries = select_entries([*listings, Listing(old, "replace", old.categories)], parse_spec("cs.LG"))
    assert [entries[0].paper.id, entries[-1].paper.id, len(entries)] == ["2603.90004", "2510.90001", 2000]


def test_a_replacement_after_the_fifth_version_is_not_announced() -> None:
    listings = [
        Listing(sample_paper(id=f"2603.9000{version}", version=version), "replace", ("cs.LG",)) for version in (5, 6)
    ]
    assert [entry.paper.version for entry in select_entries(listings, parse_spec("cs.LG"))] == [5]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("cs.ai", ("cs.AI",)),
        ("CS.lg+cs.AI", ("cs.LG", "cs.AI")),
        ("cs.LG+hep-th", ("hep-th", "cs.LG")),
        ("cond-mat.MTRL-sci", ("cond-mat.mtrl-sci",)),
        ("cs", ("cs",)),
    ],
)
def test_a_spec_is_read_in_any_letter_case_archives_first(text: str, names: tuple[str, ...]) -> None:
    assert parse_spec(text).names == names


def test_an_archive_stands_for_its_categories_and_a_category_for_its_alias() -> None:
    assert {"cs.AI", "cs.SY", "eess.SY"} <= parse_spec("cs").categories
    assert parse_spec("cs.NA").categories == {"cs.NA", "math.NA"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cs.XX", "Bad subject class 'XX'. Valid subject classes for the archive 'cs' are: cs.AI, cs.AR, "),
        ("foo", "Bad archive 'foo'. Valid archive names are: astro-ph, cond-mat, cs, "),
        ("cs.AI.LG", "Bad archive/subject class structure 'cs.AI.LG'. "),
        ("cs.AI+", "Invalid archive specification 'cs.AI+'. "),
        ("cs.AI+foo.BA", "Bad archive 'foo'. "),
    ],
)
def test_one_bad_part_spoils_the_request(text: str, message: str) -> None:
    with pytest.raises(BadSpec) as caught:
        parse_spec(text)
    assert str(caught.value).startswith(message)


def test_feedparser_reads_the_rss_feed_without_complaint() -> None:
    feed = feedparser.parse(rss(DEFAULT), sanitize_html=False)
    assert not feed.bozo
    assert feed.feed.title == "cs.AI, cs.CL, cs.DC, cs.LG updates on arXiv.org"
    assert feed.feed.link == f"http://rss.arxiv.org/rss/{DEFAULT}"
    assert len(feed.entries) == len(types(DEFAULT))
    assert {entry.arxiv_announce_type for entry in feed.entries} == set(ANNOUNCE_TYPES)


def test_feedparser_reads_the_atom_feed_without_complaint() -> None:
    feed = feedparser.parse(atom(DEFAULT), sanitize_html=False)
    assert not feed.bozo
    assert feed.feed.id == f"http://rss.arxiv.org/atom/{DEFAULT}"
    assert [entry.id for entry in feed.entries] == [
        f"oai:arXiv.org:{entry.paper.id}v{entry.paper.version}"
        for entry in select_entries(WEEK[-1].listings, parse_spec(DEFAULT))
    ]


def test_texts_survive_the_feed_unchanged() -> None:
    for mailing in WEEK:
        items = etree.fromstring(rss(DEFAULT, mailing)).iter("item")
        entries = select_entries(mailing.listings, parse_spec(DEFAULT))
        for item, entry in zip(items, entries, strict=True):
            assert item.findtext("title") == entry.paper.title
            assert (item.findtext("description") or "").endswith(f" \nAbstract: {entry.paper.abstract}")


def test_a_day_without_papers_gives_an_empty_feed() -> None:
    body = render_rss(parse_spec("cs.DC"), (), date(2026, 2, 14))
    root = etree.fromstring(body)
    assert root.find("channel/item") is None
    assert root.findtext("channel/pubDate") == "Sat, 14 Feb 2026 00:00:00 -0500"


def test_dates_follow_daylight_saving_time() -> None:
    root = etree.fromstring(render_rss(parse_spec("cs.DC"), (), date(2026, 7, 6)))
    assert root.findtext("channel/lastBuildDate") == "Mon, 06 Jul 2026 04:00:02 +0000"
    assert root.findtext("channel/pubDate") == "Mon, 06 Jul 2026 00:00:00 -0400"


@pytest.mark.parametrize("render", [render_rss_error, render_atom_error], ids=["rss", "atom"])
def test_an_error_feed_repeats_what_was_asked_for_and_stays_well_formed(render: type) -> None:
    feed = feedparser.parse(render('cs.<&"\x00', "Bad subject class '<&'.", DAY), sanitize_html=False)
    assert not feed.bozo
    assert feed.feed.title.startswith("Feed error for query: http://rss.arxiv.org/")
    assert feed.feed.subtitle == "Bad subject class '<&'."


@pytest.mark.parametrize(
    ("writers", "line"),
    [
        ((Writer("Lovelace", "Ada"), Writer(r"Sch\"onherr", "Lea")), r"Ada Lovelace, Lea Sch\"onherr"),
        ((Writer("Hale", "Mei", ("MIT, CSAIL", "NYU")), Writer("Iyer", "R.")), "Mei Hale (MIT, CSAIL, NYU), R. Iyer"),
        ((Writer("Hale", "Mei"), Writer("Deepika")), "Mei Hale,  Deepika"),
        ((Writer("Collaboration", "Orchid"), Writer(":"), Writer("Iyer", "R.")), "Orchid Collaboration,  :, R. Iyer"),
    ],
    ids=["names", "affiliations", "single name", "collaboration"],
)
def test_all_authors_stand_in_one_line(writers: tuple[Writer, ...], line: str) -> None:
    assert creators(writers) == line


def read_entry(item: etree._Element) -> Entry:
    """The entry that our serialiser needs to write a recorded item again."""
    arxiv, dublin_core = "{http://arxiv.org/schemas/atom}", "{http://purl.org/dc/elements/1.1/}"
    paper_id, version = (item.findtext("guid") or "").removeprefix("oai:arXiv.org:").rsplit("v", 1)
    paper = sample_paper(
        id=paper_id,
        version=int(version),
        title=item.findtext("title"),
        writers=(Writer(item.findtext(f"{dublin_core}creator") or ""),),
        paragraphs=((item.findtext("description") or "").split("Abstract: ", 1)[1],),
        categories=tuple(category.text for category in item.iterfind("category")),
        licence=item.findtext(f"{dublin_core}rights"),
        doi=item.findtext(f"{arxiv}DOI"),
        journal_reference=item.findtext(f"{arxiv}journal_reference"),
    )
    return Entry(paper, AnnounceType(item.findtext(f"{arxiv}announce_type") or ""))


def without_varying_parts(text: str) -> str:
    """Without the second of the build, the order of the days to skip, and the items' dates, which arXiv added later."""
    text = re.sub(r"(<lastBuildDate>.*:)\d\d( )", r"\1\2", text)
    text = re.sub(r"      <day>\w+</day>\n", "", text)
    return re.sub(r"      <pubDate>.*\n", "", text)


@needs_recordings
@pytest.mark.parametrize(
    "name",
    [
        "rss_stat_2024-03-26.xml",
        "reconstructed/rss_empty_cs.DC_weekend.xml",
        "reconstructed/2026-03-05/cs.DC.xml",
        "reconstructed/2026-06-16/cs.AI+cs.CL+cs.DC+cs.LG.xml",
    ],
)
def test_a_recorded_feed_is_written_again_byte_for_byte(name: str) -> None:
    recorded = (ARXIV / name).read_bytes()
    root = etree.fromstring(recorded)
    spec = parse_spec((root.findtext("channel/link") or "").rsplit("/", 1)[1])
    day = datetime.strptime((root.findtext("channel/pubDate") or "")[5:16], "%d %b %Y").replace(tzinfo=UTC).date()
    ours = render_rss(spec, [read_entry(item) for item in root.iter("item")], day)
    assert without_varying_parts(ours.decode()) == without_varying_parts(recorded.decode())


@needs_recordings
def test_a_recorded_error_is_written_again_byte_for_byte() -> None:
    recorded = (ARXIV / "reconstructed" / "rss_error_bad_subject_class.xml").read_text()
    with pytest.raises(BadSpec) as caught:
        parse_spec("econ.XX")
    ours = render_rss_error("econ.XX", str(caught.value), date(2026, 2, 10)).decode()
    assert without_varying_parts(ours) == without_varying_parts(recorded)


@needs_recordings
def test_an_atom_entry_has_the_elements_of_a_recorded_one_in_their_order() -> None:
    recorded = _child_names(ARXIV / "atom_cs.AI_2025-08-20_trimmed.xml")
    ours = etree.fromstring(atom("cs.AI"))
    assert [etree.QName(child).localname for child in ours][:6] == recorded[0]
    orders = {tuple(dict.fromkeys(etree.QName(part).localname for part in entry)) for entry in ours.iter("{*}entry")}
    assert recorded[1] in orders


def _child_names(path: Path) -> tuple[list[str], tuple[str, ...]]:
    """The names of a feed's first six children, and of the parts of its first entry, each once."""
    root = etree.fromstring(path.read_bytes())
    entry = next(root.iter("{*}entry"))
    return (
        [etree.QName(child).localname for child in root][:6],
        tuple(dict.fromkeys(etree.QName(part).localname for part in entry)),
    )
