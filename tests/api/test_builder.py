from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode

import feedparser
import pytest
from lxml import etree, html
from starlette.datastructures import QueryParams

from api import builder
from api.builder import (
    Day,
    Mistake,
    draw_code,
    group_categories,
    is_reachable,
    list_readers,
    read_form,
    select_form,
    tell_rate,
)
from api.selection import FeedParameters, feed_addresses, parse_selection
from core.catalogue import Selection
from core.config import Config, load_config
from demo.standin import ArxivStandIn
from tests.api.running import CONFIG, PUBLIC, Running, write_config

Pairs = list[tuple[str, str]]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return load_config(write_config(tmp_path_factory.mktemp("builder"), CONFIG))


def select(config: Config, *pairs: tuple[str, str]) -> Selection:
    selection, mistakes = select_form(read_form(QueryParams(list(pairs))), config)
    assert mistakes == ()
    assert selection is not None
    return selection


def mistakes_in(config: Config, *pairs: tuple[str, str]) -> dict[str, Mistake]:
    selection, mistakes = select_form(read_form(QueryParams(list(pairs))), config)
    assert selection is None
    return {mistake.field: mistake for mistake in mistakes}


def ask(service: Running, *pairs: tuple[str, str]) -> html.HtmlElement:
    return html.fromstring(service.ask(f"/build?{urlencode(pairs)}").content)


def text_of(element: html.HtmlElement) -> str:
    return " ".join("".join(element.itertext()).split())


class TestForm:
    def test_an_empty_form_is_the_default_feed(self, config: Config) -> None:
        selection = select(config, ("q", " "), ("limit", ""), ("summaries", ""))
        assert (selection.scope, selection.parameters) == ("default", "")

    def test_categories_are_the_scope_and_the_rest_are_parameters(self, config: Config) -> None:
        selection = select(
            config, ("cat", "cs.LG"), ("cat", "cs.cl"), ("q", "kernel OR cache"), ("types", "cross"), ("types", "new")
        )
        assert (selection.scope, selection.parameters) == ("cs.CL+cs.LG", "q=cache+OR+kernel")

    def test_all_mistakes_are_told_at_once_each_with_its_field(self, config: Config) -> None:
        found = mistakes_in(
            config,
            ("cat", "cs.XX"),
            ("q", "attention OR"),
            ("au", "!"),
            ("like", "x"),
            ("types", "newest"),
            ("min_score", "many"),
            ("limit", "501"),
            ("days", "1.5"),
            ("summaries", "2"),
            ("lang", "?"),
        )
        assert set(found) == {"cat", "q", "au", "like", "types", "min_score", "limit", "days", "summaries", "lang"}
        assert all(mistake.text.endswith(".") for mistake in found.values())

    @pytest.mark.parametrize(
        ("pair", "told"),
        [
            (("q", "attention OR"), "The query cannot be read at column 13: "),
            (("exclude", "a,b OR"), "What to leave out is no list of queries, column 7: "),
            (("limit", "501"), "The number of papers must be 500 or less."),
            (("min_score", "many"), "The minimum score must be a number."),
            (("like", "x"), "The papers that you like: 'x' is not an arXiv identifier"),
            (("cat", "cs.XX"), "No feed has the scope 'cs.XX'."),
        ],
    )
    def test_a_mistake_says_what_is_expected(self, config: Config, pair: tuple[str, str], told: str) -> None:
        (mistake,) = mistakes_in(config, pair).values()
        assert mistake.text.startswith(told)

    def test_of_a_query_the_column_is_known(self, config: Config) -> None:
        assert mistakes_in(config, ("q", "attention OR"))["q"].column == 13
        assert mistakes_in(config, ("exclude", "a OR"))["exclude"].column is None

    def test_its_query_string_gives_the_same_form_again(self) -> None:
        pairs = [("cat", "cs.LG"), ("cat", "cs.CL"), ("types", "new"), ("q", 'ti:"kv cache" & more'), ("au", "Müller")]
        form = read_form(QueryParams(pairs))
        assert read_form(QueryParams(form.query)) == form

    def test_every_category_is_there_once_those_that_are_followed_in_open_groups(self, config: Config) -> None:
        groups = group_categories(read_form(QueryParams([("cat", "math.pr")])), config)
        rows = {category.id: (chosen, followed) for group in groups for category, chosen, followed in group.rows}
        assert sum(len(group.rows) for group in groups) == len(rows) == 155
        assert [group.name for group in groups if group.is_open] == ["Computer Science", "Mathematics"]
        assert (rows["math.PR"], rows["cs.DC"], rows["hep-th"]) == ((True, False), (False, True), (False, False))


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        ([], ""),
        ([0, 0], "No papers in these mailings."),
        ([1, 0, 0], "About 0.3 papers a mailing."),
        ([1, 1], "About 1 paper a mailing."),
        ([8, 4, 6], "About 6 papers a mailing."),
        ([30, 31], "About 30 papers a mailing."),
    ],
)
def test_the_rate_is_told_in_a_sentence(listed: list[int], told: str) -> None:
    assert tell_rate([Day(date(2026, 3, 2 + number), 50, count) for number, count in enumerate(listed)]) == told


class TestSubscribing:
    def test_every_reader_is_told_the_whole_address(self) -> None:
        addresses = feed_addresses(PUBLIC, "cs.CL", "q=a+OR+b&min_score=2")
        readers = dict(list_readers(addresses))
        assert set(readers) == {"Feedly", "Inoreader", "NewsBlur", "The Old Reader", "Feedbin", "feed:"}
        assert all(unquote(link).endswith(addresses.rss) for link in readers.values())
        assert all("&min_score" not in link for name, link in readers.items() if name != "feed:")

    @pytest.mark.parametrize(
        ("address", "expected"),
        [
            ("https://feeds.example.org/rss", True),
            ("http://8.8.8.8/rss", True),
            ("http://localhost:8000/rss", False),
            ("http://127.0.0.1:8000/rss", False),
            ("http://192.168.1.5/rss", False),
            ("http://[::1]:8000/rss", False),
            ("http://nas/rss", False),
            ("http://nas.local/rss", False),
        ],
    )
    def test_an_address_of_this_machine_is_no_use_to_readers_on_the_web(self, address: str, expected: bool) -> None:
        assert is_reachable(address) is expected

    def test_the_code_is_a_drawing_without_style_or_script(self) -> None:
        drawing = etree.fromstring(draw_code(f"{PUBLIC}/rss") or "")
        assert etree.QName(drawing).localname == "svg"
        assert not drawing.xpath("//@style | //*[local-name()='style' or local-name()='script']")

    def test_an_address_too_long_to_be_scanned_has_no_code(self) -> None:
        assert draw_code(f"{PUBLIC}/rss?q={'a' * 800}") is None


class TestSnippet:
    @pytest.mark.parametrize(
        "pairs",
        [
            [("cat", "cs.CL")],
            [("cat", "cs.CL"), ("q", "kernel OR cache"), ("exclude", "survey"), ("min_score", "0.5")],
            [("au", "Tanaka; Müller"), ("types", "replace"), ("days", "3")],
            [("cat", "cs.LG"), ("like", "2603.90001"), ("dislike", "2603.90002"), ("lang", "de")],
            [("summaries", "0")],
        ],
        ids=["category", "query", "authors", "likes", "no summaries"],
    )
    def test_the_profile_that_it_makes_is_the_one_of_the_feed(
        self, tmp_path: Path, config: Config, pairs: Pairs
    ) -> None:
        selection = select(config, *pairs)
        snippet = json.loads(builder.write_snippet(selection, config))
        loaded = load_config(write_config(tmp_path, {**CONFIG, **snippet}))
        made, wanted = loaded.find_profile(builder.PROFILE_NAME), selection.profile
        assert made is not None
        for key in ("categories", "query", "keywords", "authors", "likes", "dislikes", "announce_types", "min_score"):
            assert getattr(made, key) == getattr(wanted, key), key
        assert (made.days_back, made.summaries, made.language) == (wanted.days_back, wanted.summaries, wanted.language)
        assert sorted(made.exclude_keywords) == sorted(wanted.exclude_keywords)

    def test_beside_a_default_that_matches_by_the_letter_it_says_how_it_ranks(self, tmp_path: Path) -> None:
        by_letter = {key: value for key, value in CONFIG.items() if key != "ranking"} | {"match": "substring"}
        config = load_config(write_config(tmp_path, by_letter))
        selection = select(config, ("q", "kernel"))
        snippet = json.loads(builder.write_snippet(selection, config))
        made = load_config(write_config(tmp_path, {**by_letter, **snippet})).find_profile(builder.PROFILE_NAME)
        assert made is not None
        assert (made.match, made.ranking) == (selection.profile.match, selection.profile.ranking)

    def test_mistakes_are_told_in_the_order_of_the_form(self, config: Config) -> None:
        form = builder.read_form(QueryParams([("exclude", "(a"), ("q", "a OR"), ("limit", "0")]))
        _, mistakes = builder.select_form(form, config)
        assert [mistake.field for mistake in mistakes] == ["q", "exclude", "limit"]

    def test_what_no_profile_can_say_stays_in_the_address_of_its_feed(self, tmp_path: Path, config: Config) -> None:
        selection = select(config, ("q", "kernel"), ("limit", "5"), ("summaries", "brief"))
        snippet = json.loads(builder.write_snippet(selection, config))
        loaded = load_config(write_config(tmp_path, {**CONFIG, **snippet}))
        beside = QueryParams("&".join(builder.list_beside_snippet(selection)))
        parameters = FeedParameters.model_validate(dict(beside))
        made = parse_selection(builder.PROFILE_NAME, parameters, loaded, limit=parameters.limit)
        assert (made.limit, made.profile.summaries, made.profile.max_papers) == (5, "brief", config.default.max_papers)

    def test_beside_what_a_profile_can_say_nothing_is_needed(self, config: Config) -> None:
        selection = select(config, ("q", "kernel"), ("summaries", "0"), ("days", "3"), ("types", "new"))
        assert builder.list_beside_snippet(selection) == ()


class TestPage:
    def test_what_is_filled_in_stands_in_the_form_again(self, served: Running) -> None:
        shown = ask(
            served, ("cat", "cs.CL"), ("q", 'ti:"a b"'), ("types", "new"), ("summaries", "brief"), ("lang", "de")
        )
        assert shown.xpath("//input[@name='q']/@value") == ['ti:"a b"']
        assert shown.xpath("//input[@name='cat'][@checked]/@value") == ["cs.CL"]
        assert shown.xpath("//input[@name='types'][@checked]/@value") == ["new"]
        assert shown.xpath("//option[@selected]/@value") == ["brief", "de"]

    def test_the_addresses_that_come_out_are_feeds_of_what_was_asked_for(self, served: Running) -> None:
        shown = ask(served, ("cat", "cs.CL"), ("cat", "cs.LG"), ("q", "attention OR network"), ("limit", "4"))
        rss, atom, json_feed = shown.xpath("//input[@readonly]/@value")
        parsed = [feedparser.parse(served.ask(link.removeprefix(PUBLIC)).content) for link in (rss, atom)]
        assert rss == f"{PUBLIC}/rss/cs.CL+cs.LG?q=attention+OR+network&limit=4"
        assert [len(one.entries) for one in parsed] == [4, 4]
        assert len(served.ask(json_feed.removeprefix(PUBLIC)).json()["items"]) == 4

    def test_the_page_announces_the_feed_that_it_built(self, served: Running) -> None:
        shown = ask(served, ("cat", "cs.CL"), ("q", "network"))
        assert shown.xpath("//head/link[@rel='alternate']/@href")[0] == f"{PUBLIC}/rss/cs.CL?q=network"

    def test_what_the_profile_leaves_out_is_told_beside_it(self, served: Running) -> None:
        shown = ask(served, ("q", "kernel"), ("limit", "5"), ("summaries", "brief"))
        told = text_of(shown.get_element_by_id("beside"))
        assert told == "A profile cannot say limit=5 and summaries=brief, so these stay in the address."
        assert f"{PUBLIC}/rss/{builder.PROFILE_NAME}?limit=5&summaries=brief" in text_of(shown)
        assert ask(served, ("q", "kernel")).xpath("//*[@id='beside']") == []

    def test_the_preview_counts_what_the_feed_lists(self, served: Running) -> None:
        shown = ask(served, ("q", "network"))
        items: list[dict[str, Any]] = served.ask("/api/papers?q=network&limit=500").json()["items"]
        for row in shown.xpath("//table[@class='preview']/tbody/tr"):
            mailing, listed = row.xpath("string(.//@datetime)"), int(row.xpath("string(td[2])"))
            assert listed == sum(item["mailing"] == mailing for item in items)
        newest = max(item["mailing"] for item in items)
        best = [item for item in items if item["mailing"] == newest]
        assert [text_of(one) for one in shown.xpath("//ol[@class='best']//a")] == [one["title"] for one in best[:6]]
        assert best[0]["reasons"][0]["text"] in text_of(shown.xpath("//*[@class='why']")[0])

    def test_a_mistake_stands_at_its_field_and_no_address_comes_out(self, served: Running) -> None:
        shown = ask(served, ("q", "network (a"), ("limit", "0"))
        for name in ("q", "limit"):
            (field,) = shown.xpath(f"//input[@name='{name}']")
            told = [text_of(shown.get_element_by_id(one)) for one in field.get("aria-describedby").split()]
            assert (field.get("aria-invalid"), any(told)) == ("true", True)
        assert shown.xpath("//input[@readonly]") == []
        assert shown.xpath("//*[@role='alert']")

    def test_where_a_query_goes_wrong_is_marked(self, served: Running) -> None:
        shown = ask(served, ("q", "network ) attention"))
        assert [text_of(mark) for mark in shown.xpath("//mark")] == [") attention"]

    def test_nothing_found_says_what_finds_more(self, served: Running) -> None:
        assert "a lower minimum score" in text_of(ask(served, ("q", "xylophone"))).replace("\n", " ")

    def test_a_preview_asks_arxiv_for_nothing(self, empty: Running, arxiv: ArxivStandIn) -> None:
        empty.refresh()
        asked = len(arxiv.requests)
        shown = ask(empty, ("cat", "math.PR"))
        assert "Nothing of math.PR is stored" in text_of(shown)
        assert len(arxiv.requests) == asked

    def test_the_opml_file_has_the_one_feed(self, served: Running) -> None:
        answer = served.ask("/build/opml?cat=cs.CL&q=network")
        (outline,) = etree.fromstring(answer.content).iter("outline")
        assert outline.get("xmlUrl") == f"{PUBLIC}/rss/cs.CL?q=network"
        assert "arxiv-feed.opml" in answer.headers["Content-Disposition"]

    def test_markup_in_a_form_stays_text(self, served: Running) -> None:
        hostile = '"><script>alert(1)</script>'
        shown = ask(served, *((name, hostile) for name in (*builder.TEXTS, "cat", "types")))
        assert shown.xpath("//script[not(@src)]") == []
        assert shown.xpath("//input[@name='q']/@value") == [hostile]
