"""The pages in a real Chromium: with script and without, in the dark, on a phone, by keyboard, and with hostile papers.

Skipped where there is no Chromium. axe-core (`npm install axe-core`) is taken from node_modules or AXE_SCRIPT.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import feedparser
import httpx
import pytest
import uvicorn
from pydantic import SecretStr

from api.wiring import create_app
from demo.browser import Browser, Page, Scheme, find_chromium, open_browser
from demo.mailing import Mailing
from demo.model import ModelStandIn
from demo.model_faults import saying
from demo.standin import ArxivStandIn
from tests.api.running import CONFIG, SECRET, WEEK, Clock, running, settings_for

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="no Chromium is installed (Debian: apt install chromium)"
)

ROOT = Path(__file__).resolve().parents[1]
AXE = Path(os.environ.get("AXE_SCRIPT") or ROOT / "node_modules" / "axe-core" / "axe.min.js")
OWNED = "document.title = 'owned'"
HOSTILE = f'<script>{OWNED}</script><img src=x onerror="{OWNED}"><svg onload="{OWNED}"></svg>'
HOSTILE_SUMMARY = f"\n\n{HOSTILE} [link](javascript:{OWNED.replace(' ', '')}) ![image](https://evil.example/a.png)"
ADDRESSES = (
    "/",
    "/feeds",
    "/build?cat=cs.CL&q=attention",
    "/build?q=a+OR",
    "/about",
    "/status",
    "/docs",
    "/paper/none",
    "{paper}",
)

# What is too wide for the window, or for a box that then shows a scrollbar, told by its tag and class.
SCROLLING = """[...document.querySelectorAll('html, .result, .subjects')]
    .filter((one) => one.scrollWidth > one.clientWidth).map((one) => `${one.tagName}.${one.className}`)"""

# Short words in tables that stand on two lines; where there is a hyphen or a slash they may.
BROKEN_WORDS = """[...document.querySelectorAll('th, td')].filter((one) => one.checkVisibility()).flatMap((cell) => {
    const broken = [], walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), range = document.createRange();
    while (walker.nextNode())
        for (const word of walker.currentNode.data.matchAll(/(?<!\\S)[^\\s\\/-]{2,16}(?!\\S)/g)) {
            range.setStart(walker.currentNode, word.index);
            range.setEnd(walker.currentNode, word.index + word[0].length);
            if (new Set([...range.getClientRects()].map((one) => one.top)).size > 1) broken.push(word[0]);
        }
    return broken;
})"""

every_page = pytest.mark.parametrize("address", ADDRESSES)
with_axe = pytest.mark.skipif(
    not AXE.is_file(), reason=f"there is no axe-core at {AXE} (npm install axe-core, or AXE_SCRIPT)"
)


def hostile_mailings() -> tuple[Mailing, Mailing]:
    """The last two of WEEK, the newer with a first paper that tries to run script wherever there is text."""
    before, last = WEEK[-2:]
    first = last.listings[0]
    words = "LLM attention for network training that is fast"
    hostile = replace(
        first.paper,
        title=f"{words} {HOSTILE}",
        paragraphs=(f"{words}. {HOSTILE}",),
        comment=HOSTILE,
        categories=("cs.LG", "cs.CL"),
    )
    listing = replace(first, paper=hostile, event="new", announced_in=hostile.categories)
    return before, replace(last, listings=(listing, *last.listings[1:]))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service with two mailings and the summaries of the best, on a socket of this machine."""
    folder = tmp_path_factory.mktemp("browser")
    listening = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    summaries = {"enabled": True, "language": "en", "max_papers_to_summarize": 2, "source": "abstract"}
    config = {**CONFIG, "ai_summary": summaries, "profiles": {}}
    mailings = hostile_mailings()
    with ArxivStandIn(mailings) as arxiv, ModelStandIn() as model:
        model.answer_with(saying(lambda usual, _: f"{usual}{HOSTILE_SUMMARY}"), times=None)
        settings: dict[str, Any] = {
            "base_url": address,
            "dashscope_api_key": SecretStr(model.api_key),
            "dashscope_http_base_url": model.native_base,
        }
        with running(folder, arxiv, config=config, **settings) as service:
            for mailing in mailings:
                arxiv.show(mailing.day)
                service.refresh()
            service.ask("/api/cron", authorization=f"Bearer {SECRET}")
        app = create_app(settings_for(folder, arxiv, config=config, **settings), clock=Clock())
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield address
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def best(base: str) -> dict[str, Any]:
    """The best paper, which is the hostile one."""
    newest = WEEK[-1].day
    (item,) = httpx.get(f"{base}/api/papers?limit=1&mailing={newest}", trust_env=False).json()["items"]
    found: dict[str, Any] = item
    return found


@pytest.fixture(scope="module")
def opened(browser: Browser, base: str, best: dict[str, Any]) -> Iterator[Callable[[str], Page]]:
    """Pages by their addresses, each opened once and with all of it unfolded; each test says how it is shown."""
    with ExitStack() as stack:

        @cache
        def open_page(address: str) -> Page:
            page = stack.enter_context(browser.open(base + address.format(paper=f"/paper/{best['id']}")))
            page.evaluate("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")
            return page

        yield open_page


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Page]:
    with browser.open("about:blank") as opened:
        yield opened


@pytest.fixture
def page(window: Page, base: str) -> Page:
    """The page of papers, loaded anew."""
    window.show_as()
    window.go(f"{base}/")
    return window


@pytest.fixture
def form(window: Page, base: str) -> Page:
    """The builder with nothing filled in, and the focus on the query."""
    window.show_as()
    window.go(f"{base}/build")
    window.evaluate("document.querySelector('[name=q]').focus()")
    return window


def focused_rank(page: Page) -> int:
    """The place of the paper that has the focus, from 1; 0 for none."""
    return int(page.evaluate("[...document.querySelectorAll('article')].indexOf(document.activeElement) + 1"))


def shown(page: Page) -> int:
    return int(
        page.evaluate("[...document.querySelectorAll('[data-papers] > li')].filter((one) => !one.hidden).length")
    )


def is_visible(page: Page, selector: str) -> bool:
    return bool(page.evaluate(f"document.querySelector({json.dumps(selector)}).checkVisibility()"))


def run_axe(page: Page, only: str) -> list[tuple[str, list[str]]]:
    """The rules among *only* that axe-core finds broken, each with the elements that break it."""
    if not page.evaluate("window.axe !== undefined"):
        page.evaluate(f"{AXE.read_text(encoding='utf-8')}; null")
    found = page.evaluate(f"axe.run({{runOnly: {only}}}).then((told) => told.violations)")
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]


class TestEveryPage:
    @every_page
    def test_nothing_goes_wrong_and_nothing_comes_from_elsewhere(
        self, opened: Callable[[str], Page], base: str, address: str
    ) -> None:
        page = opened(address)
        assert [one for one in page.complaints if "404" not in one] == []  # the page that is not there
        assert {urlsplit(one).netloc for one in page.requests} == {urlsplit(base).netloc}
        assert len(page.requests) <= 5

    @every_page
    def test_nothing_scrolls_sideways(self, opened: Callable[[str], Page], address: str) -> None:
        page = opened(address)
        widths = (320, 360, 768, 1280)
        for width in widths:
            page.show_as(width=width, height=740)
            assert page.evaluate(SCROLLING) == [], f"at {width} px"

    @every_page
    def test_on_a_phone_no_table_breaks_words(self, opened: Callable[[str], Page], address: str) -> None:
        page = opened(address)
        page.show_as(width=360, height=740)
        assert page.evaluate(BROKEN_WORDS) == []

    @every_page
    @with_axe
    def test_axe_finds_nothing(self, opened: Callable[[str], Page], address: str) -> None:
        page = opened(address)
        page.show_as()
        assert run_axe(page, "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']") == []

    @every_page
    @with_axe
    def test_axe_finds_nothing_in_the_dark_on_a_phone(self, opened: Callable[[str], Page], address: str) -> None:
        page = opened(address)
        page.show_as(width=360, height=740, scheme="dark")
        assert run_axe(page, "['color-contrast', 'target-size', 'scrollable-region-focusable']") == []


class TestHostilePaper:
    @pytest.mark.parametrize("address", ["/", "{paper}", "/build?cat=cs.CL&q=attention"])
    def test_it_runs_no_script_and_loads_nothing(self, opened: Callable[[str], Page], address: str) -> None:
        page = opened(address)
        assert page.evaluate("document.title") != "owned"
        assert page.evaluate("document.body.textContent.includes('onerror')")  # it is there, as text
        assert not page.evaluate("document.querySelector('main script, main img, main a[href^=javascript]')")
        assert not [one for one in page.requests if "evil" in one or one.endswith("/x")]


class TestFilter:
    def test_papers_are_filtered_while_one_types(self, page: Page, best: dict[str, Any]) -> None:
        every = shown(page)
        page.press("/")
        page.type(f"ARXIV:{best['id']} CS.LG")
        assert (shown(page), page.evaluate("document.querySelector('output').textContent")) == (
            1,
            f"1 of {every} papers",
        )
        page.press("Escape")
        assert shown(page) == every

    def test_accents_and_the_order_of_words_make_no_difference(self, page: Page) -> None:
        name = page.evaluate("document.querySelector('.authors').textContent.trim().split(',')[0]")
        first, last = name.split()[0], name.split()[-1]
        page.press("/")
        page.type(f"{last} {first}".lower().replace("é", "e"))
        assert 1 <= shown(page) < page.evaluate("document.querySelectorAll('article').length")


class TestKeyboard:
    def test_j_and_k_go_from_paper_to_paper(self, page: Page) -> None:
        ranks = []
        for key in ("j", "j", "j", "k", "k", "k"):
            page.press(key)
            ranks.append(focused_rank(page))
        assert ranks == [1, 2, 3, 2, 1, 1]

    def test_o_opens_the_paper(self, page: Page, base: str, best: dict[str, Any]) -> None:
        page.press("j")
        page.act(lambda: page.press("o"))
        assert page.evaluate("location.href") == f"{base}/paper/{best['id']}"

    def test_e_unfolds_abstract_and_summary(self, page: Page) -> None:
        page.press("j")
        page.press("e")
        assert page.evaluate("[...document.activeElement.querySelectorAll('details.fold')].map((one) => one.open)") == [
            True,
            True,
        ]

    def test_the_question_mark_tells_the_keys_and_lets_them_be_switched_off(self, page: Page, base: str) -> None:
        page.press("?")
        assert is_visible(page, "#keys")
        page.click("[data-shortcuts]")
        page.press("Escape")
        page.go(f"{base}/")
        page.press("j")
        assert (is_visible(page, "#keys"), focused_rank(page)) == (False, 0)
        page.evaluate("localStorage.clear()")

    def test_what_is_typed_into_a_field_is_no_shortcut(self, page: Page) -> None:
        page.press("/")
        for key in "joke?":
            page.press(key)
        assert page.evaluate("document.querySelector('#filter').value") == "joke?"
        assert not is_visible(page, "#keys")

    def test_reasons_come_with_the_focus_and_go_with_escape(self, page: Page) -> None:
        page.evaluate("document.querySelector('.score button').focus()")
        seen = [is_visible(page, ".reasons")]
        page.press("Escape")
        seen.append(is_visible(page, ".reasons"))
        assert seen == [True, False]

    def test_the_first_tab_leads_past_the_navigation(self, page: Page) -> None:
        page.press("Tab")
        page.press("Enter")
        page.wait_for("document.activeElement.id === 'main'")


class TestBuilder:
    def test_a_feed_is_built_from_nothing_and_can_be_subscribed_to(self, form: Page, base: str) -> None:
        form.type("attention OR network")
        form.click("[name=cat][value='cs.LG']")
        form.act(lambda: form.click("button.primary"))
        address = form.evaluate("document.querySelector('#address-1').value")
        told = form.evaluate("[...document.querySelectorAll('.best a')].map((one) => one.textContent)")
        parsed = feedparser.parse(httpx.get(address, trust_env=False).content)
        assert address == f"{base}/rss/cs.LG?q=attention+OR+network"
        assert form.evaluate("location.hash") == "#result"
        assert not parsed.bozo
        assert len(parsed.entries) >= len(told) > 0

    def test_the_preview_follows_what_is_typed_and_so_does_the_address(self, form: Page) -> None:
        form.type("network")
        form.wait_for("document.querySelector('#address-1')?.value.endsWith('?q=network')")
        assert form.evaluate("location.search").startswith("?q=network&types=new&types=cross")
        assert form.evaluate("document.activeElement.name") == "q"
        assert "a mailing" in form.evaluate("document.querySelector('[data-told]').textContent")

    def test_on_a_phone_a_line_at_the_foot_tells_what_the_feed_below_would_list(self, form: Page) -> None:
        form.show_as(width=360, height=740)
        before = is_visible(form, ".follow a")
        form.type("network")
        form.wait_for("document.querySelector('.follow a').checkVisibility()")
        foot = form.evaluate("document.querySelector('.follow').getBoundingClientRect().bottom")
        assert (before, 700 < foot <= 740) == (False, True)
        form.click(".follow a")
        form.wait_for("location.hash === '#result'")

    def test_a_mistake_is_told_while_one_types(self, form: Page) -> None:
        form.type("network OR")
        form.wait_for("document.querySelector('#q-mistake').textContent.includes('column 11')")
        assert form.evaluate("document.querySelector('[name=q]').getAttribute('aria-invalid')") == "true"
        form.type(" kernel")
        form.wait_for("document.querySelector('#q-mistake').textContent.trim() === ''")
        assert form.evaluate("document.querySelector('[name=q]').getAttribute('aria-invalid')") is None

    def test_a_category_is_found_by_its_name(self, form: Page) -> None:
        form.evaluate("document.querySelector('[data-find]').focus()")
        form.type("vision")
        rows = "[...document.querySelectorAll('[name=cat]')].filter((one) => one.checkVisibility())"
        assert form.evaluate(f"{rows}.map((one) => one.value)") == ["cs.CV"]


class TestReference:
    def test_the_name_of_a_schema_leads_to_its_keys(self, window: Page, base: str) -> None:
        window.show_as()
        window.go(f"{base}/docs")
        window.click("main > ul.answers a")
        window.wait_for("document.querySelector('#Problem').closest('details').open")
        assert is_visible(window, "#Problem td")


class TestWithoutScript:
    def test_the_papers_are_whole(self, browser: Browser, base: str) -> None:
        with browser.open(f"{base}/", runs_script=False) as page:
            assert not is_visible(page, "[data-filter]")
            assert is_visible(page, "article h2 a")
            page.click("article details.fold summary")
            assert is_visible(page, "article details.fold p")

    def test_a_feed_is_built(self, browser: Browser, base: str) -> None:
        with browser.open(f"{base}/build", runs_script=False) as page:
            page.click("[name=q]")
            page.type("network")
            page.act(lambda: page.press("Enter"))
            assert page.evaluate("document.querySelector('#address-1').value") == f"{base}/rss?q=network"
            assert not is_visible(page, "[data-copy]")


class TestAppearance:
    def test_the_dark_is_dark(self, opened: Callable[[str], Page]) -> None:
        page = opened("/")
        found = []
        for scheme in get_args(Scheme):
            page.show_as(scheme=scheme)
            colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
            found.append(sum(map(int, colour.removeprefix("rgb(").removesuffix(")").split(","))))
        light, dark = found
        assert dark < light / 4

    def test_on_paper_all_is_unfolded_and_nothing_is_to_be_clicked(self, page: Page) -> None:
        page.show_as(medium="print")
        assert not is_visible(page, "header nav")
        assert is_visible(page, ".reasons")
        assert is_visible(page, "details.fold > p")

    def test_the_time_until_the_next_mailing_is_counted(self, page: Page) -> None:
        assert page.evaluate("document.querySelector('[data-until]').nextSibling.textContent").startswith(" (")
