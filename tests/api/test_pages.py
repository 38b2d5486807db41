from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
from fastapi import HTTPException, Request, Response
from lxml import html
from pydantic import SecretStr

from api import pages
from api.cards import build_cards, fold
from api.service import STORE_NOTICE
from core.catalogue import Selected, Selection
from core.errors import Overloaded, StoreUnavailable
from core.scoring import Score
from core.store import optimistic
from core.store.records import Changes, Revision
from core.summaries.attempts import Attempt, Key
from demo.model import ModelStandIn
from demo.model_faults import FAULTS
from demo.standin import ArxivStandIn
from tests import builders
from tests.api.running import CONFIG, NOW, PUBLIC, SECRET, WEEK, Running, running

KINDS = {"rss": "application/rss+xml", "atom": "application/atom+xml", "jsonfeed": "application/feed+json"}
SCOPES = ["", "/systems", *(f"/{category}" for category in CONFIG["categories"])]
ADDRESSES = (
    *("/", "/feeds", "/build", "/build?q=llm&au=x&limit=0", "/about", "/status", "/docs"),
    *("/paper/none", "/?scope=cs.XX"),
)
OTHER_SITES = {"arxiv.org", "doi.org", "creativecommons.org", "feedly.com", "theoldreader.com", "feedbin.com"} | {
    "www.inoreader.com",
    "www.newsblur.com",
}
BEST = 2
WRITING = {
    **CONFIG,
    "ai_summary": {"enabled": True, "language": "en", "max_papers_to_summarize": BEST, "source": "abstract"},
}

every_page = pytest.mark.parametrize("address", ADDRESSES)


@pytest.fixture(scope="module")
def summarised(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with one mailing, of which the best paper has a summary and the next one a reason why it has none."""
    with ModelStandIn() as model, ArxivStandIn(WEEK[-1:]) as arxiv:
        settings: dict[str, Any] = {
            "dashscope_api_key": SecretStr(model.api_key),
            "dashscope_http_base_url": model.native_base,
        }
        config = {**WRITING, "profiles": {}}
        with running(tmp_path_factory.mktemp("summarised"), arxiv, config=config, **settings) as service:
            service.refresh()
            best = service.ask("/api/papers").json()["items"][0]["title"]
            refusing = FAULTS["data_inspection_failed"]()
            model.answer_with(refusing, times=None, when=lambda request: best not in str(request.messages))
            service.ask("/api/cron", authorization=f"Bearer {SECRET}")
            yield service


def page(service: Running, address: str = "/") -> html.HtmlElement:
    return html.document_fromstring(service.ask(address).content)


def text_of(element: html.HtmlElement) -> str:
    return " ".join("".join(element.itertext()).split())


def papers(service: Running, query: str = "") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = service.ask(f"/api/papers?limit=500{query}").json()["items"]
    return items


def titles(service: Running, address: str = "/") -> list[str]:
    return [text_of(link) for link in page(service, address).xpath("//article//h2/a")]


def walk(service: Running, address: str, name: str) -> list[str]:
    """The mailings that one comes to by following the links *name* from *address* on."""
    days: list[str] = []
    while links := page(service, address).xpath(f"//nav[@aria-label='Mailings']//a[.='{name}']/@href"):
        address = urljoin("/", links[0])
        days += page(service, address).xpath("//nav[@aria-label='Mailings']//a[@aria-current]/time/@datetime")
    return days


def answer_to(service: Running, path: str, error: Exception, *, accept: str) -> Response:
    """What a request for *path* that ended in *error* is answered with."""
    headers = [(b"accept", accept.encode())]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers, "app": service.app}
    return service.runner.run(pages.answer_by_preference(Request(scope), error))


class TestEveryPage:
    @every_page
    def test_it_is_html_that_nothing_foreign_can_run_in(self, served: Running, address: str) -> None:
        answer = served.ask(address)
        policy = set(answer.headers["Content-Security-Policy"].split("; "))
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'"} <= policy
        assert "unsafe" not in str(policy)
        assert not page(served, address).xpath(
            "//script[not(@src)] | //style | //@style | //@*[starts-with(name(),'on')]"
        )
        assert "set-cookie" not in answer.headers

    @every_page
    def test_it_loads_nothing_from_another_site(self, served: Running, address: str) -> None:
        loaded = page(served, address).xpath("//@src | //link[@rel='stylesheet' or @rel='icon']/@href")
        assert loaded
        assert {urlsplit(urljoin(f"{PUBLIC}{address}", one)).netloc for one in loaded} == {urlsplit(PUBLIC).netloc}

    @every_page
    def test_its_links_lead_somewhere(self, served: Running, address: str) -> None:
        written = page(served, address).xpath("//@href[not(starts-with(., '#'))] | //@src")
        links = {urljoin(f"{PUBLIC}{address}", link) for link in written}
        ours = {link.partition("#")[0] for link in links if link.startswith(PUBLIC)}
        others = {urlsplit(link).netloc for link in links if not link.startswith((PUBLIC, "feed:"))}
        assert {link: served.ask(link.removeprefix(PUBLIC)).status_code for link in ours} == dict.fromkeys(ours, 200)
        assert others <= OTHER_SITES

    @every_page
    def test_readers_find_a_feed_of_each_format(self, served: Running, address: str) -> None:
        links = page(served, address).xpath("//head/link[@rel='alternate']")
        assert [link.get("type") for link in links[:3]] == list(KINDS.values())
        assert len({link.get("href") for link in links}) == len(links)

    @every_page
    def test_people_and_machines_are_told_what_it_is(self, served: Running, address: str) -> None:
        shown = page(served, address)
        (title,), (heading,) = shown.xpath("//head/title"), shown.xpath("//h1")
        told = {tag.get("property"): tag.get("content") for tag in shown.xpath("//meta[@property]")}
        assert (shown.get("lang"), bool(text_of(heading))) == ("en", True)
        assert str(title.text).startswith(told["og:title"])
        assert str(title.text).endswith("arxiv-feeds")
        assert {"og:type", "og:url", "og:description", "og:site_name"} <= told.keys()
        assert "Thank you to arXiv for use of its open access interoperability." in text_of(shown)

    @every_page
    def test_headings_skip_no_level_and_identifiers_are_there_once(self, served: Running, address: str) -> None:
        shown = page(served, address)
        levels = [
            int(heading.tag[1]) for heading in shown.xpath("//main//*[self::h1 or self::h2 or self::h3 or self::h4]")
        ]
        identifiers = shown.xpath("//@id")
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        assert len(set(identifiers)) == len(identifiers)

    @every_page
    def test_every_field_has_a_label(self, served: Running, address: str) -> None:
        shown = page(served, address)
        labelled = set(shown.xpath("//label/@for"))
        fields = shown.xpath("//input | //select")
        assert [
            one.get("name") for one in fields if one.get("id") not in labelled and not one.xpath("ancestor::label")
        ] == []

    @pytest.mark.parametrize("address", ADDRESSES[:6])
    def test_where_one_is_is_marked(self, served: Running, address: str) -> None:
        (here,) = page(served, address).xpath("//header//a[@aria-current='page']/@href")
        assert urlsplit(urljoin(f"{PUBLIC}{address}", here)).path == urlsplit(address).path

    def test_sample_data_are_marked_in_title_and_text(self, served: Running, sampled: Running) -> None:
        marks = [
            ["(sample data)" in page(one).findtext("head/title", ""), "Sample data:" in text_of(page(one))]
            for one in (served, sampled)
        ]
        assert marks == [[False, False], [True, True]]

    def test_below_a_folder_links_stay_in_it(self, served: Running) -> None:
        old = next(
            item["id"] for item in papers(served, "&types=replace,replace-cross&min_score=0") if "/" in item["id"]
        )
        for written in (old, old.replace("/", "%2F")):
            address = f"/arxiv/paper/{written}"
            sheet = page(served, f"/paper/{written}").xpath("//link[@rel='stylesheet']/@href")[0]
            assert urljoin(f"{PUBLIC}{address}", sheet) == f"{PUBLIC}/arxiv/static/page.css"


class TestProblems:
    @pytest.mark.parametrize(
        ("address", "status", "told"),
        [
            ("/paper/2401.01234", 404, "2401.01234"),
            ("/paper/<script>", 404, "<script>"),
            ("/?scope=cs.XX", 404, "cs.XX"),
            ("/?mailing=yesterday", 422, "2026-03-05"),
            ("/?q=a+OR", 422, "column 5"),
            ("/?q=llm&q=kernel", 422, "given more than once"),
            ("/build/opml?limit=0", 422, "must be 1 or more"),
        ],
    )
    def test_people_get_a_page_that_says_what_is_wrong(
        self, served: Running, address: str, status: int, told: str
    ) -> None:
        answer = served.ask(address)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (status, "no-store")
        assert told in text_of(page(served, address).find_class("notice")[0])

    @pytest.mark.parametrize(
        ("address", "carried"),
        [
            ("/?q=llm+AND", [("q", "llm AND")]),
            ("/?scope=cs.CL%2Bcs.LG&q=a+OR&types=new,cross&brief=1&mailing=2026-03-05", None),
            ("/?scope=systems&q=a+OR", [("q", "a OR")]),
            ("/rss/cs.CL?q=a+OR&limit=5", [("cat", "cs.CL"), ("q", "a OR"), ("limit", "5")]),
            ("/build/opml?cat=cs.CL&limit=0", [("cat", "cs.CL"), ("limit", "0")]),
            ("/paper/none", []),
        ],
    )
    def test_whoever_goes_on_to_the_builder_finds_there_what_was_asked_for(
        self, served: Running, address: str, carried: list[tuple[str, str]] | None
    ) -> None:
        every = [("cat", "cs.CL"), ("cat", "cs.LG"), ("types", "new"), ("types", "cross")]
        every += [("q", "a OR"), ("summaries", "brief")]
        shown: html.HtmlElement = html.document_fromstring(served.ask(address, Accept="text/html").content)
        (link,) = shown.xpath("//main//a[.='build a feed']/@href")
        assert parse_qsl(urlsplit(link).query) == (every if carried is None else carried)

    def test_with_nothing_stored_and_arxiv_out_of_reach_the_page_says_when_to_come_back(
        self, empty: Running, arxiv: ArxivStandIn
    ) -> None:
        arxiv.fail_next(times=99)
        answer = empty.ask("/")
        shown = text_of(html.fromstring(answer.content))
        assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (503, True)
        assert re.search("Not yet .* Trying again helps in [1-9][0-9]* (second|minute)s?[.]", shown)

    @pytest.mark.parametrize(
        ("accept", "is_page"),
        [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", True),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
            ("TEXT/HTML; charset=utf-8; q=0.9, application/json; q=0.1", True),
            ("", False),
            ("*/*", False),
            ("application/json, text/html", False),
            ("application/json, text/html;q=0.5", False),
            ("application/rss+xml, application/atom+xml;q=0.9, text/html;q=0.8, */*;q=0.5", False),
            ("text/html;q=0, */*;q=0", False),
        ],
    )
    def test_at_any_address_a_browser_gets_a_page_and_a_program_a_document(
        self, served: Running, accept: str, is_page: bool
    ) -> None:
        answer = answer_to(served, "/nowhere/at/all", HTTPException(404), accept=accept)
        media_type = "text/html; charset=utf-8" if is_page else "application/problem+json"
        assert (answer.status_code, answer.headers["Content-Type"], answer.headers["Vary"]) == (
            404,
            media_type,
            "Accept",
        )

    def test_a_page_of_a_problem_has_the_headers_of_the_document(self, served: Running) -> None:
        error = HTTPException(405, headers={"Allow": "GET"})
        page, document = (answer_to(served, "/feeds", error, accept=one) for one in ("text/html", "*/*"))
        assert (page.headers["Allow"], page.headers["Cache-Control"]) == ("GET, HEAD", "no-store")
        assert json.loads(bytes(document.body))["detail"] in text_of(html.fromstring(bytes(page.body)))
        assert "default-src 'none'; script-src 'self'" in page.headers["Content-Security-Policy"]


def test_whatever_version_a_paper_is_asked_for_in_its_page_has_one_address(served: Running) -> None:
    paper_id = served.ask("/api/papers").json()["items"][0]["id"]
    told = [
        page(served, f"/paper/{paper_id}{version}").xpath("//meta[@property='og:url']/@content")
        for version in ("", "v9")
    ]
    assert told == [[f"{PUBLIC}/paper/{paper_id}"]] * 2


class TestPapers:
    def test_the_newest_mailing_is_listed_best_first(self, served: Running) -> None:
        newest = WEEK[-1].day.isoformat()
        assert titles(served) == [item["title"] for item in papers(served) if item["mailing"] == newest]

    def test_earlier_mailings_are_a_link_away(self, served: Running) -> None:
        shown = page(served)
        links = shown.xpath("//nav[@aria-label='Mailings']//a")
        dated = {link.xpath("string(.//time/@datetime)"): urljoin(f"{PUBLIC}/", link.get("href")) for link in links}
        assert list(dated) == [mailing.day.isoformat() for mailing in reversed(WEEK)]
        for day, link in dated.items():
            assert titles(served, link.removeprefix(PUBLIC)) == [
                item["title"] for item in papers(served) if item["mailing"] == day
            ]

    def test_an_earlier_mailing_has_as_many_as_a_feed_of_it_may_have(self, served: Running) -> None:
        asked = f"mailing={WEEK[0].day}&limit=2"
        assert titles(served, f"/?{asked}") == [item["title"] for item in papers(served, f"&mailing={WEEK[0].day}")][:2]

    @pytest.mark.parametrize("place", range(len(WEEK)))
    @pytest.mark.parametrize(("limit", "is_first"), [(3, True), (4, False)], ids=["asked first", "asked second"])
    def test_the_mailing_that_is_shown_stands_once_among_the_days(
        self, served: Running, place: int, limit: int, is_first: bool
    ) -> None:
        asked = [f"/?limit={limit}&mailing={WEEK[place].day}", f"/?limit={limit}"]
        for address in asked if is_first else reversed(asked):
            shown = page(served, address)
            days = shown.xpath("//nav[@aria-label='Mailings']//time/@datetime")
            assert sorted(set(days), reverse=True) == days
            assert len(shown.xpath("//nav[@aria-label='Mailings']//a[@aria-current]")) == 1

    def test_the_way_back_goes_on_before_the_days_of_the_feed_to_all_that_is_stored(self, served: Running) -> None:
        """The first one that was ever read is not known to be complete before it is searched for."""
        assert walk(served, "/?days=2", "earlier") == ["2026-03-03", "2026-03-02"]

    @pytest.mark.parametrize(("address", "are_counted"), [("/", True), ("/?limit=3", False)])
    def test_days_are_counted_unless_the_feed_is_cut_and_lists_not_all_of_them(
        self, served: Running, address: str, are_counted: bool
    ) -> None:
        shown = page(served, address)
        assert shown.xpath("//nav[@aria-label='Mailings']//a")
        assert bool(shown.xpath("//nav[@aria-label='Mailings']//*[@class='count']")) is are_counted

    def test_the_way_forth_goes_to_the_days_of_the_feed(self, served: Running) -> None:
        assert walk(served, "/?days=2&mailing=2026-02-27", "later") == ["2026-03-02", "2026-03-03"]

    @pytest.mark.parametrize("address", ["/", "/?mailing=2026-02-26", "/?scope=math.PR%2Bcs.CL", "/?scope=systems"])
    def test_what_is_not_stored_is_not_offered(self, served: Running, address: str) -> None:
        assert walk(served, address, "earlier") == walk(served, address, "later") == []

    def test_a_day_of_which_nothing_is_stored_says_so(self, served: Running) -> None:
        told = text_of(page(served, "/?mailing=2026-02-26"))
        assert "Nothing is stored of the mailing of Thursday, 26 February 2026." in told

    @pytest.mark.parametrize(
        ("day", "told"),
        [
            ("2026-03-01", "arXiv had no mailing on Sunday, 1 March 2026."),
            ("2026-03-06", "The mailing of Friday, 6 March 2026 is not here yet."),
        ],
    )
    def test_a_day_without_papers_says_why(self, served: Running, day: str, told: str) -> None:
        assert told in text_of(page(served, f"/?mailing={day}"))

    def test_each_paper_shows_its_reasons_to_pointer_and_keyboard(self, served: Running) -> None:
        items = [item for item in papers(served) if item["mailing"] == WEEK[-1].day.isoformat()]
        for item, article in zip(items, page(served).xpath("//article"), strict=True):
            (button,) = article.xpath(".//*[@class='score']/button")
            (described,) = article.xpath(f".//*[@id='{button.get('aria-describedby')}']")
            assert [text_of(reason) for reason in described.xpath(".//li")] == [
                reason["text"] for reason in item["reasons"]
            ]
            assert f"{item['score']:g}" in text_of(button)

    def test_each_paper_leads_to_its_page_and_to_arxiv(self, served: Running) -> None:
        item, article = papers(served, f"&mailing={WEEK[-1].day}")[0], page(served).xpath("//article")[0]
        links = {text_of(link): link.get("href") for link in article.xpath(".//a")}
        assert links == {
            item["title"]: f"./paper/{item['id']}",
            f"arXiv:{item['id']}": item["links"]["abs"],
            "PDF": item["links"]["pdf"],
            "HTML": item["links"]["html"],
            "More like this": f"./build?like={item['id']}",
        }

    def test_long_lists_of_authors_are_folded_and_complete(self, served: Running) -> None:
        long = next(item for item in papers(served) if len(item["authors"]) > 6)
        article = page(served, f"/?mailing={long['mailing']}").xpath(f"//article[@id='{long['id']}']")[0]
        (fold,) = article.xpath(".//details[@class='more']")
        assert text_of(fold.find("summary")) == f"and {len(long['authors']) - 5} more"
        shown = text_of(article.xpath(".//*[@class='authors']")[0])
        assert all(author["name"] in shown for author in long["authors"])

    def test_every_announced_paper_is_accounted_for(self, served: Running) -> None:
        (told,) = [text_of(one) for one in page(served).xpath("//*[@class='ledger']") if "announced" in text_of(one)]
        total, *counts = map(int, re.findall(r"(?<![.\w])(\d+)(?= )", told))
        assert total == sum(counts) > 0

    def test_a_filter_is_offered_only_by_script(self, served: Running) -> None:
        (form,) = page(served).xpath("//form[@data-filter]")
        assert "hidden" in form.attrib

    def test_any_feed_can_be_read_as_a_page(self, served: Running) -> None:
        address = "?scope=cs.DC&q=network"
        shown = page(served, f"/{address}")
        newest = max(item["mailing"] for item in papers(served, "&scope=cs.DC&q=network"))
        assert "arXiv: cs.DC: network" in text_of(shown)
        assert shown.xpath("//head/link[@rel='alternate']/@href")[0] == f"{PUBLIC}/rss/cs.DC?q=network"
        assert titles(served, f"/{address}") == [
            item["title"] for item in papers(served, "&scope=cs.DC&q=network") if item["mailing"] == newest
        ]

    def test_the_next_mailing_is_told_without_script(self, served: Running) -> None:
        (told,) = page(served).xpath("//time[@data-until]")
        assert (told.get("datetime"), text_of(told)) == (
            "2026-03-06T05:00:00+00:00",
            "Friday, 6 March 2026, 05:00 UTC",
        )

    def test_on_a_weekend_the_page_says_why_there_is_nothing_new_and_is_another_one(self, empty: Running) -> None:
        empty.refresh()
        empty.clock.now = datetime(2026, 3, 7, 4, 59, tzinfo=UTC)  # Friday, before midnight Eastern
        friday = empty.ask("/")
        empty.clock.advance(timedelta(minutes=2))
        saturday = empty.ask("/", if_none_match=friday.headers["ETag"])
        assert saturday.status_code == 200
        assert ["no mailing on Saturdays" in answer.text for answer in (friday, saturday)] == [False, True]

    def test_old_data_are_called_old(self, empty: Running, arxiv: ArxivStandIn) -> None:
        arxiv.show(WEEK[-2].day)
        empty.refresh()
        empty.clock.advance(timedelta(hours=1))
        arxiv.fail_next()
        assert "arXiv's newest papers cannot be fetched at present" in text_of(page(empty))

    def test_new_papers_make_another_page(self, empty: Running, arxiv: ArxivStandIn) -> None:
        arxiv.show(WEEK[0].day)
        empty.refresh()
        before = empty.ask("/")
        arxiv.show(WEEK[1].day)
        empty.refresh()
        after = empty.ask("/", if_none_match=before.headers["ETag"])
        assert (after.status_code, after.content == before.content) == (200, False)

    def test_a_paper_of_which_arxiv_told_next_to_nothing_is_shown_all_the_same(self) -> None:
        bare = builders.item(
            paper=builders.paper(title="", abstract="", authors=()), score=Score(0.0), announce_types=()
        )
        macros: Any = pages._templates().get_template("papers.html").module  # Any: made by the template
        article = html.fragment_fromstring(str(macros.article(build_cards([bare])[0], "./")).strip())
        assert text_of(article.xpath(".//h2/a")[0]) == "arXiv:2603.00001"

    def test_while_the_store_is_away_the_page_shows_what_it_said_last(
        self, empty: Running, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        empty.refresh()
        before = titles(empty)

        async def fail() -> Revision:
            raise StoreUnavailable("gone")

        monkeypatch.setattr(empty.service.store, "load_revision", fail)
        assert titles(empty) == before
        assert STORE_NOTICE in text_of(page(empty))
        assert STORE_NOTICE in text_of(page(empty, "/build"))
        assert STORE_NOTICE in text_of(page(empty, "/?mailing=2026-03-05&limit=1"))
        explained = empty.ask(f"/api/explain?id={papers(empty)[0]['id']}").json()
        assert (explained["outcome"], explained["notices"]) == ("listed", [STORE_NOTICE])

    def test_while_too_many_new_feeds_are_asked_for_the_page_of_a_paper_names_no_others(
        self, empty: Running, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        empty.refresh()
        select, number = empty.service.catalogue.select, papers(empty)[0]["id"]

        async def refuse(selection: Selection, revision: Revision | None = None) -> Selected:
            if selection.profile.likes:
                raise Overloaded("Too many new feeds are asked for at once", retry_after_seconds=5)
            return await select(selection, revision)

        assert "Similar papers" in text_of(page(empty, f"/paper/{number}"))
        monkeypatch.setattr(empty.service.catalogue, "select", refuse)
        assert "Similar papers" not in text_of(page(empty, f"/paper/{number}"))


class TestSummaries:
    def test_a_service_that_writes_none_says_how_to_turn_them_on(self, served: Running) -> None:
        (notice,) = page(served).xpath("//*[@class='remark'][contains(., 'summaries')]")
        (link,) = notice.xpath(".//a/@href")
        about = page(served, f"/{link.removeprefix('./').partition('#')[0]}")
        assert "ai_summary.enabled" in text_of(notice)
        assert "DASHSCOPE_API_KEY" in text_of(about)
        assert about.xpath(f"//*[@id='{link.partition('#')[2]}']")

    def test_the_sentence_is_shown_and_the_rest_unfolds(self, summarised: Running) -> None:
        item, article = papers(summarised)[0], page(summarised).xpath("//article")[0]
        (fold,) = article.xpath(".//details[summary='AI summary']")
        assert text_of(article.xpath(".//*[@class='tldr']")[0]) == item["summary"]["tldr"]
        assert [text_of(one) for one in fold.xpath(".//h3")] == [one["heading"] for one in item["summary"]["sections"]]
        assert item["summary"]["origin"] in text_of(fold)
        assert article.xpath(".//*[@class='tldr']/@lang") == ["en"]

    def test_where_one_was_meant_to_be_the_page_says_why_there_is_none(self, summarised: Running) -> None:
        article = page(summarised).xpath("//article")[1]
        assert "No AI summary: the model service refused this paper" in text_of(article)

    def test_nobody_is_told_to_turn_on_what_is_on(self, summarised: Running) -> None:
        assert "How to turn them on" not in text_of(page(summarised))
        assert "qwen-long writes them for the best 2 papers" in text_of(page(summarised, "/about"))

    def test_the_page_of_a_paper_has_it_whole_with_formulas_as_mathml(self, summarised: Running) -> None:
        item = papers(summarised)[0]
        shown = page(summarised, f"/paper/{item['id']}")
        text = text_of(shown)
        assert all(section["heading"] in text for section in item["summary"]["sections"])
        assert item["summary"]["origin"] in text
        assert shown.xpath("//main//*[local-name()='math']")

    def test_the_page_of_a_paper_says_why_there_is_none_in_the_language_of_the_feed(self, summarised: Running) -> None:
        written = papers(summarised)[0]["id"]
        told = page(summarised, f"/paper/{written}?lang=de").xpath("//main")[0]
        assert "No AI summary" not in text_of(told)  # there is one in another language
        attempt = Attempt(
            Key(1, "qwen-long", "1", "de", "abstract"), NOW, "refused", "the service refused it in German"
        )
        unwritten = papers(summarised)[2]["id"]
        put = Changes(attempts=((unwritten, (attempt,)),))
        summarised.runner.run(optimistic.put(summarised.service.store, put, clock=lambda: NOW, task="a test"))
        assert "the service refused it in German" in text_of(page(summarised, f"/paper/{unwritten}?lang=de"))
        assert "refused it in German" not in text_of(page(summarised, f"/paper/{unwritten}"))

    def test_the_page_of_a_paper_without_says_why(self, summarised: Running) -> None:
        second, third = papers(summarised)[1:3]
        assert "the model service refused" in text_of(page(summarised, f"/paper/{second['id']}"))
        assert "only the best papers of each mailing" in text_of(page(summarised, f"/paper/{third['id']}"))


class TestPaper:
    def test_everything_that_is_known_of_it_is_there(self, served: Running) -> None:
        item = papers(served)[0]
        shown = page(served, f"/paper/{item['id']}")
        text = text_of(shown)
        assert text_of(shown.find(".//h1")) == item["title"]
        assert " ".join(item["abstract"].split()) in text
        assert all(author["name"] in text for author in item["authors"])
        assert set(item["links"].values()) <= set(shown.xpath("//main//a/@href"))

    def test_an_old_identifier_and_one_with_a_version_are_found(self, served: Running) -> None:
        found = papers(served, "&types=replace,replace-cross&min_score=0")
        old = next(item for item in found if "/" in item["id"])
        for written in (old["id"], f"{old['id']}v{old['version']}"):
            assert text_of(page(served, f"/paper/{written}").find(".//h1")) == old["title"]

    def test_of_thousands_of_authors_the_first_are_shown_and_the_others_unfold(self) -> None:
        shown, folded = fold([(f"Author {number}", "") for number in range(2_000)], 12)
        macros: Any = pages._templates().get_template("papers.html").module  # Any: made by the template
        line = html.fragment_fromstring(str(macros.linked_authors(shown, folded, "../")).strip())
        assert (len(line.xpath("a")), len(line.xpath("details/a"))) == (12, 1_988)
        assert text_of(line.find("details/summary")) == "and 1,988 more"

    def test_it_says_which_rules_put_it_into_the_default_feed(self, served: Running) -> None:
        item = papers(served)[0]
        shown = page(served, f"/paper/{item['id']}")
        explained = served.ask(f"/api/explain?id={item['id']}").json()
        rows = [text_of(row) for row in shown.xpath("//table[1]/tbody/tr/th")]
        assert rows[: len(explained["rules"])] == [rule["rule"] for rule in explained["rules"] if rule["is_hit"]]
        assert f"Listed with rank {explained['rank']}" in text_of(shown)

    def test_it_says_what_kept_it_out(self, served: Running) -> None:
        every = papers(served, "&scope=cs.AI&min_score=0")
        out = next(item for item in every if not served.ask(f"/api/explain?id={item['id']}").json()["is_listed"])
        assert "Why it is not in the default feed" in text_of(page(served, f"/paper/{out['id']}"))

    def test_it_explains_by_the_feed_that_a_reader_comes_from(self, served: Running) -> None:
        first = page(served, "/?q=training&scope=cs.LG").xpath("//article//h2/a/@href")[0]
        shown = text_of(page(served, f"/{first.removeprefix('./')}"))
        assert "Why it is in the feed arXiv: cs.LG: training" in shown
        assert first.endswith("?scope=cs.LG&q=training")
        assert served.ask("/paper/2603.91223?colour=red").status_code == 422

    def test_all_its_announcements_are_listed_newest_first(self, served: Running) -> None:
        known = [
            served.ask(f"/api/papers/{item['id']}").json() for item in papers(served, "&types=replace&min_score=0")
        ]
        detail = next(one for one in known if len(one["announcements"]) > 1)
        shown = page(served, f"/paper/{detail['paper']['id']}")
        days = shown.xpath("//h2[.='Announcements']/following-sibling::table[1]//time/@datetime")
        assert days == [one["mailing"] for one in reversed(detail["announcements"])]

    def test_similar_papers_are_others(self, served: Running) -> None:
        item = papers(served)[0]
        links = page(served, f"/paper/{item['id']}").xpath("//ol[@class='best']//a/@href")
        assert 0 < len(links) <= 8
        assert f"../paper/{item['id']}" not in links

    def test_a_reader_who_has_it_gets_none(self, served: Running) -> None:
        address = f"/paper/{papers(served)[0]['id']}"
        first = served.ask(address)
        assert served.ask(address, if_none_match=first.headers["ETag"]).status_code == 304


class TestFeeds:
    @pytest.mark.parametrize("address", ["/", "/feeds"])
    def test_readers_find_every_feed_in_every_format(self, served: Running, address: str) -> None:
        links = page(served, address).xpath("//head/link[@rel='alternate']")
        assert [(link.get("type"), link.get("href")) for link in links] == [
            (media_type, f"{PUBLIC}/{kind}{scope}") for scope in SCOPES for kind, media_type in KINDS.items()
        ]
        assert len({link.get("title") for link in links}) == len(links)

    def test_what_a_link_announces_is_what_its_address_gives(self, served: Running) -> None:
        for link in page(served).xpath("//head/link[@rel='alternate']"):
            answer = served.ask(link.get("href").removeprefix(PUBLIC))
            assert answer.headers["Content-Type"].partition(";")[0] == link.get("type")

    @pytest.mark.parametrize(
        "address", ["/rss", "/rss/cs.CL%2Bcs.AI?limit=3", "/rss/systems?types=new", "/rss?q=network"]
    )
    def test_the_page_that_a_feed_links_lists_the_same_papers(self, served: Running, address: str) -> None:
        feed = served.ask(address.replace("/rss", "/jsonfeed")).json()
        newest = max(item["date_published"] for item in feed["items"])
        of_newest = [item["title"] for item in feed["items"] if item["date_published"] == newest]
        assert titles(served, feed["home_page_url"].removeprefix(PUBLIC)) == of_newest

    @pytest.mark.parametrize("scope", ["arXiv: cs.AI, cs.CL, cs.DC, cs.LG", "arXiv: systems", "arXiv: cs.DC"])
    def test_people_read_which_feeds_there_are(self, served: Running, scope: str) -> None:
        assert scope in [text_of(heading) for heading in page(served, "/feeds").xpath("//h2")]

    def test_people_read_how_to_subscribe(self, served: Running) -> None:
        text = text_of(page(served, "/feeds"))
        assert f"{PUBLIC}/rss" in text
        assert f"{PUBLIC}/opml" in text


@pytest.mark.parametrize(
    ("address", "media_type", "beginning"),
    [
        ("/favicon.ico", "image/x-icon", b"\x00\x00\x01\x00"),
        ("/static/icon.svg", "image/svg+xml", b"<svg"),
        ("/static/preview.png", "image/png", b"\x89PNG"),
        ("/static/page.css", "text/css; charset=utf-8", b""),
        ("/static/page.js", "text/javascript; charset=utf-8", b"//"),
    ],
)
def test_style_script_and_icons_are_served_as_what_they_are(
    served: Running, address: str, media_type: str, beginning: bytes
) -> None:
    answer = served.ask(address)
    assert (answer.headers["Content-Type"], answer.content.startswith(beginning)) == (media_type, True)


@pytest.mark.parametrize("name", ["nothing.css", "_page.js", "..%2Fpages.py"])
def test_nothing_else_is_served_with_them(served: Running, name: str) -> None:
    assert served.ask(f"/static/{name}").status_code == 404


def test_a_page_is_light_enough_for_a_slow_line(summarised: Running) -> None:
    addresses = ("/", "/static/page.css", "/static/page.js", "/static/icon.svg")
    sent = [int(summarised.ask(one, Accept_Encoding="br").headers["Content-Length"]) for one in addresses]
    assert sum(sent) < 40_000
