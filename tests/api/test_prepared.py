"""A process that starts gives out what another one rendered, and never anything else than it would render itself."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from api.caching import represent
from api.feeds import feed_scopes, prepare
from api.prepared import Output, Prepared, _fingerprint
from core.catalogue import Catalogue, Selection
from core.config import parse_config
from core.errors import StoreUnavailable
from core.store.records import Rendering, Revision
from core.store.sqlite import SqliteStore
from demo.standin import ArxivStandIn
from tests.api.running import CONFIG, SECRET, WEEK, Running, refresh_through_week, running
from tests.builders import DAY, MOMENT

FEEDS = [f"/{kind}{scope}" for kind in ("rss", "atom", "jsonfeed") for scope in ("", "/systems", "/cs.DC")]


class WatchedStore(SqliteStore):
    """The store, which notes what is loaded from it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.loaded: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name in ("load_records", "load_rendering", "save_rendering"):
            self.loaded.append(name)
        return super().__getattribute__(name)


class Fading(WatchedStore):
    """The same, which nobody reaches while it `is_away`."""

    is_away = False

    async def load_revision(self) -> Revision:
        if self.is_away:
            raise StoreUnavailable("nobody answers")
        return await super().load_revision()


@contextmanager
def started(
    folder: Path, arxiv: ArxivStandIn, config: Mapping[str, Any] = CONFIG, **settings: Any
) -> Iterator[tuple[Running, WatchedStore]]:
    """A process that has just started, on the store in *folder*."""
    store = WatchedStore(folder / "papers.sqlite3")
    with running(folder, arxiv, config=config, store=store, **settings) as service:
        yield service, store


def client_of(service: Running) -> httpx.AsyncClient:
    """For several requests at once."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=service.app), base_url="http://edge.invalid")


@pytest.fixture
def before(tmp_path: Path, arxiv: ArxivStandIn) -> dict[str, bytes]:
    """What an earlier process answered, with a week of papers."""
    with started(tmp_path, arxiv) as (service, _):
        refresh_through_week(service, arxiv)
        return {address: service.ask(address).content for address in FEEDS}


def test_the_bytes_are_the_same_and_no_paper_is_loaded(
    tmp_path: Path, arxiv: ArxivStandIn, before: dict[str, bytes]
) -> None:
    with started(tmp_path, arxiv) as (service, store):
        answers = {address: service.ask(address) for address in FEEDS}
        assert {address: answer.content for address, answer in answers.items()} == before
        assert store.loaded == ["load_rendering"] * len(FEEDS)
        service.clock.advance(timedelta(seconds=2))
        assert service.ask("/rss", If_None_Match=answers["/rss"].headers["ETag"]).status_code == 304
        assert service.ask("/rss", Accept_Encoding="gzip").content == before["/rss"]
        assert len(store.loaded) == len(FEEDS)  # which are now at hand


def test_headers_are_those_of_a_feed_that_was_rendered_here(
    tmp_path: Path, arxiv: ArxivStandIn, before: dict[str, bytes]
) -> None:
    with started(tmp_path, arxiv) as (service, store):
        service.ask("/api/papers")  # for which papers are loaded
        rendered = service.ask("/rss").headers
        assert "load_rendering" not in store.loaded
    with started(tmp_path, arxiv) as (service, _):
        assert service.ask("/rss").headers == rendered


def test_the_cron_prepares_every_feed_for_others(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    with started(tmp_path, arxiv) as (service, _):
        assert service.ask("/api/cron", Authorization=f"Bearer {SECRET}").is_success
    with started(tmp_path, arxiv) as (service, store):
        assert {service.ask(address).status_code for address in FEEDS} == {200}
        assert "load_records" not in store.loaded


OWN = [
    "/rss?limit=3",
    "/jsonfeed?limit=3",
    "/atom/cs.DC?days=1",
    "/jsonfeed?q=attention OR ti:caf%C3%A9&exclude=cats",
    f"/rss?like={WEEK[0].listings[0].paper.id}",
]


@pytest.mark.parametrize("address", OWN)
def test_what_somebody_asked_for_once_is_not_kept(
    tmp_path: Path, arxiv: ArxivStandIn, before: dict[str, bytes], address: str
) -> None:
    for _ in range(2):
        with started(tmp_path, arxiv) as (service, store):
            assert service.ask(address).status_code == 200
            assert store.loaded == ["load_rendering", "load_records"]


@pytest.mark.parametrize(
    "validator", [{"If_None_Match": '"old"'}, {"If_Modified_Since": "Mon, 02 Mar 2026 05:00:00 GMT"}]
)
@pytest.mark.parametrize("address", OWN)
def test_what_a_reader_comes_back_for_is_kept_for_the_next_process(
    tmp_path: Path, arxiv: ArxivStandIn, before: dict[str, bytes], address: str, validator: dict[str, str]
) -> None:
    with started(tmp_path, arxiv) as (service, store):
        first = service.ask(address, **validator)
        assert (first.status_code, store.loaded[-1]) == (200, "save_rendering")
        service.clock.advance(timedelta(seconds=2))
        assert service.ask(address, **validator).content == first.content
        assert store.loaded.count("save_rendering") == 1
    with started(tmp_path, arxiv) as (service, store):
        again = service.ask(address)
        assert (again.content, again.headers["ETag"]) == (first.content, first.headers["ETag"])
        service.clock.advance(timedelta(seconds=2))
        assert service.ask(address, If_None_Match=first.headers["ETag"]).status_code == 304
        assert store.loaded == ["load_rendering"]  # which is then at hand


def test_the_page_of_papers_is_there_for_the_next_process(tmp_path: Path, arxiv: ArxivStandIn, before: object) -> None:
    with started(tmp_path, arxiv) as (service, _):
        pages = {address: service.ask(address).content for address in ("/", "/?scope=systems")}
    with started(tmp_path, arxiv) as (service, store):
        assert {address: service.ask(address).content for address in pages} == pages
        assert store.loaded == ["load_rendering"] * 2
        assert service.ask("/").headers["Content-Security-Policy"]


def test_a_page_of_another_day_or_mailing_is_made_anew(tmp_path: Path, arxiv: ArxivStandIn, before: object) -> None:
    with started(tmp_path, arxiv) as (service, _):
        today = service.ask("/").content
    with started(tmp_path, arxiv) as (service, store):
        assert service.ask(f"/?mailing={WEEK[0].day}").content != today
        assert store.loaded == ["load_records"]
    with started(tmp_path, arxiv) as (service, store):
        service.clock.advance(timedelta(days=2))
        assert b"Saturday" in service.ask("/").content
        assert "load_records" in store.loaded


def test_of_feeds_for_one_place_the_first_stays_and_none_is_mixed_up(
    tmp_path: Path, arxiv: ArxivStandIn, before: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.prepared._PLACES", 1)
    with started(tmp_path, arxiv) as (service, _):
        kept = {address: service.ask(address, If_None_Match='"old"').content for address in OWN}
    for address in (*FEEDS, *OWN):
        with started(tmp_path, arxiv) as (service, store):
            assert service.ask(address).content == {**before, **kept}[address]
            assert ("load_records" in store.loaded) == (address in OWN[1:])


def test_a_feed_too_large_to_be_kept_for_one_reader_is_made_anew(
    tmp_path: Path, arxiv: ArxivStandIn, before: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.prepared._LARGEST", 500)
    with started(tmp_path, arxiv) as (service, store):
        service.ask("/rss?limit=3", If_None_Match='"old"')
        assert "save_rendering" not in store.loaded


def test_newer_data_are_rendered_anew(tmp_path: Path, arxiv: ArxivStandIn) -> None:
    arxiv.show(WEEK[-2].day)
    with started(tmp_path, arxiv) as (service, _):
        service.refresh()
        old = service.ask("/rss").content
    arxiv.show(WEEK[-1].day)
    with started(tmp_path, arxiv) as (service, _):
        service.refresh()
        new = service.ask("/rss").content
    with started(tmp_path, arxiv) as (service, store):
        assert (service.ask("/rss").content == new, new != old) == (True, True)
        assert "load_records" not in store.loaded


@pytest.mark.parametrize(
    ("config", "settings"),
    [
        ({**CONFIG, "keywords": ["attention"]}, {}),
        ({**CONFIG, "max_papers": 2}, {}),
        (CONFIG, {"base_url": "https://elsewhere.example.org"}),
        (CONFIG, {"sample_data": True}),
    ],
    ids=["other keywords", "another cap", "another address", "sample data"],
)
def test_another_configuration_is_rendered_anew(
    tmp_path: Path, arxiv: ArxivStandIn, before: dict[str, bytes], config: Mapping[str, Any], settings: dict[str, Any]
) -> None:
    with started(tmp_path, arxiv, config, **settings) as (service, store):
        assert service.ask("/rss").content != before["/rss"]
        assert "load_records" in store.loaded


def test_a_page_that_names_feeds_of_another_configuration_is_rendered_anew(
    tmp_path: Path, arxiv: ArxivStandIn, before: dict[str, bytes]
) -> None:
    more = {"categories": ["cs.AI"], "keywords": ["vision"]}
    with started(tmp_path, arxiv) as (service, _):
        service.ask("/")
    with started(tmp_path, arxiv, {**CONFIG, "profiles": {**CONFIG["profiles"], "more": more}}) as (service, _):
        assert "/rss/more" in service.ask("/").text


def test_another_version_of_the_code_renders_anew(
    tmp_path: Path, arxiv: ArxivStandIn, before: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = count_renderings(tmp_path)
    monkeypatch.setattr("api.prepared._fingerprint", lambda: b"another version")
    with started(tmp_path, arxiv) as (service, store):
        assert {address: service.ask(address).content for address in FEEDS} == before
        assert "load_records" in store.loaded
    assert count_renderings(tmp_path) == kept == len(FEEDS)  # each has taken the place of that of the version before


def count_renderings(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "papers.sqlite3")) as connection:
        (count,) = connection.execute("SELECT COUNT(*) FROM renderings").fetchone()
    return int(count)


@pytest.mark.parametrize("damage", ["substr(record, 1, length(record) - 9)", "record || x'00'", "x'5b5d0a'"])
def test_a_damaged_rendering_is_rendered_anew(
    tmp_path: Path, arxiv: ArxivStandIn, before: dict[str, bytes], damage: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "papers.sqlite3")) as connection, connection:
        connection.execute(f"UPDATE renderings SET record = {damage}")  # noqa: S608 - ours
    with started(tmp_path, arxiv) as (service, _):
        assert {address: service.ask(address).content for address in FEEDS} == before


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda body: body[:100] + b"?" + body[101:], id="inside"),
        pytest.param(lambda body: b"?" + body[1:], id="no gzip"),
        pytest.param(lambda body: body[:-9], id="cut off"),
    ],
)
def test_a_rendering_with_a_damaged_body_is_rendered_anew(
    tmp_path: Path, arxiv: ArxivStandIn, before: dict[str, bytes], damage: Callable[[bytes], bytes]
) -> None:
    class Damaging(SqliteStore):
        async def load_rendering(self, name: str) -> Rendering | None:
            found = await super().load_rendering(name)
            return found and replace(found, body=damage(found.body))

    with running(tmp_path, arxiv, store=Damaging(tmp_path / "papers.sqlite3")) as service:
        assert {address: service.ask(address).content for address in FEEDS} == before


@pytest.mark.parametrize("name", ["feeds.py", "page.html", "word_counts.txt"])
def test_a_version_of_the_code_is_told_by_all_that_renders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("api.prepared._CODE", tmp_path)
    (tmp_path / "api").mkdir()
    versions = set()
    for text in ("one", "two"):
        (tmp_path / "api" / name).write_text(text, encoding="utf-8")
        versions.add(_fingerprint.__wrapped__())
    assert len(versions) == 2


def test_a_notice_that_was_not_there_before_is_shown(
    tmp_path: Path, arxiv: ArxivStandIn, before: dict[str, bytes]
) -> None:
    arxiv.fail_next(times=99)
    with started(tmp_path, arxiv) as (service, _):
        service.clock.advance(timedelta(days=1))
        feed = json.loads(service.ask("/jsonfeed").content)
    assert "cannot be fetched" in json.dumps(feed)
    assert len(feed["items"]) == len(json.loads(before["/jsonfeed"])["items"])


def test_a_store_that_goes_away_leaves_readers_what_they_had(
    tmp_path: Path, arxiv: ArxivStandIn, before: dict[str, bytes]
) -> None:
    with started(tmp_path, arxiv) as (service, _):
        service.ask("/")
        own = service.ask("/rss?limit=3", If_None_Match='"old"').content
    store = Fading(tmp_path / "papers.sqlite3")
    with running(tmp_path, arxiv, store=store) as service:
        assert service.ask("/rss").content == before["/rss"]  # without loading papers
        page = service.ask("/").content
        assert service.ask("/rss?limit=3").content == own
        store.is_away = True
        service.clock.advance(timedelta(seconds=2))
        answer = service.ask("/rss")
        assert (answer.status_code, answer.content, answer.headers["Cache-Control"]) == (
            200,
            before["/rss"],
            "public, max-age=300",
        )
        assert service.ask("/").content == page
        assert service.ask("/rss?limit=3").content == own
        assert [service.ask(one).status_code for one in ("/atom", "/rss?limit=4")] == [503, 503]  # which it never had
        store.is_away = False
        service.clock.advance(timedelta(seconds=2))
        assert service.ask("/atom").content == before["/atom"]


def test_a_page_whose_day_is_over_is_not_given_out_again(
    tmp_path: Path, arxiv: ArxivStandIn, before: dict[str, bytes]
) -> None:
    with started(tmp_path, arxiv) as (service, _):
        service.ask("/")
    store = Fading(tmp_path / "papers.sqlite3")
    with running(tmp_path, arxiv, store=store) as service:
        assert service.ask("/").status_code == 200
        store.is_away = True
        service.clock.advance(timedelta(days=1))
        assert service.ask("/").status_code == 503


def test_what_is_made_from_memory_is_left_to_nobody(
    tmp_path: Path, arxiv: ArxivStandIn, before: dict[str, bytes]
) -> None:
    store = Fading(tmp_path / "papers.sqlite3")
    with running(tmp_path, arxiv, store=store) as service:
        service.ask("/api/papers")
        store.is_away = True
        service.clock.advance(timedelta(seconds=2))
        for address in ("/atom", "/", "/rss?limit=3"):
            assert service.ask(address, If_None_Match='"old"').status_code == 200
        assert "save_rendering" not in store.loaded


def test_a_rendering_that_could_not_be_kept_is_kept_the_next_time(
    tmp_path: Path, arxiv: ArxivStandIn, before: dict[str, bytes]
) -> None:
    class Full(WatchedStore):
        is_full = True

        async def save_rendering(self, rendering: Rendering) -> None:
            if self.is_full:
                raise StoreUnavailable("no room")
            await super().save_rendering(rendering)

    store = Full(tmp_path / "papers.sqlite3")
    with running(tmp_path, arxiv, store=store) as service:
        service.ask("/rss?limit=3", If_None_Match='"old"')
        store.is_full = False
        service.clock.advance(timedelta(seconds=2))
        service.ask("/rss?limit=3", If_None_Match='"old"')
    with started(tmp_path, arxiv) as (service, later):
        service.ask("/rss?limit=3")
        assert later.loaded == ["load_rendering"]


def test_who_asks_while_a_rendering_is_written_waits_for_no_other_to_be(
    tmp_path: Path, arxiv: ArxivStandIn, before: dict[str, bytes]
) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    class Slow(WatchedStore):
        async def save_rendering(self, rendering: Rendering) -> None:
            begun.set()
            await may_end.wait()
            await super().save_rendering(rendering)

    store = Slow(tmp_path / "papers.sqlite3")

    async def ask_while_writing(service: Running) -> list[int]:
        async with client_of(service) as client:

            async def ask(limit: int) -> int:
                answer = await client.get(f"/jsonfeed?limit={limit}", headers={"If-None-Match": '"old"'})
                return answer.status_code

            first = asyncio.create_task(ask(1))
            await begun.wait()
            others = await asyncio.gather(*map(ask, range(2, 6)))
            may_end.set()
            return [await first, *others]

    with running(tmp_path, arxiv, store=store) as service:
        assert service.runner.run(ask_while_writing(service)) == [200] * 5
    assert store.loaded.count("save_rendering") == 1


def test_the_cron_leaves_out_nothing_while_a_rendering_is_written(
    tmp_path: Path, arxiv: ArxivStandIn, before: dict[str, bytes]
) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    class Slow(WatchedStore):
        async def save_rendering(self, rendering: Rendering) -> None:
            if rendering.name.startswith("passing"):
                begun.set()
                await may_end.wait()
            await super().save_rendering(rendering)

    async def prepare_while_writing(service: Running) -> None:
        async with client_of(service) as client:
            request = client.get("/jsonfeed?limit=1", headers={"If-None-Match": '"old"'})
            first = asyncio.create_task(request)
            await begun.wait()
            await prepare(service.service)
            may_end.set()
            await first

    (tmp_path / "papers.sqlite3").unlink()
    with running(tmp_path, arxiv, store=Slow(tmp_path / "papers.sqlite3")) as service:
        service.refresh()
        service.runner.run(prepare_while_writing(service))
        feeds = 3 * len(list(feed_scopes(service.service.config)))
    assert count_renderings(tmp_path) == feeds + 1


def test_papers_of_categories_that_nobody_fetched_are_listed_by_a_new_process(
    tmp_path: Path, arxiv: ArxivStandIn, before: dict[str, bytes]
) -> None:
    known = {category for mailing in WEEK for one in mailing.listings for category in one.paper.categories}
    category = min(known - set(CONFIG["categories"]) - {"cs.DC"})
    with started(tmp_path, arxiv) as (service, _):
        assert service.ask(f"/jsonfeed/{category}?q=the OR a OR we").json()["items"]


def test_a_store_that_does_not_take_or_give_renderings_hurts_no_feed(
    tmp_path: Path, arxiv: ArxivStandIn, before: dict[str, bytes]
) -> None:
    class Refusing(SqliteStore):
        async def load_rendering(self, name: str) -> Rendering | None:
            raise StoreUnavailable(f"no {name}")

        async def save_rendering(self, rendering: Rendering) -> None:
            raise StoreUnavailable(f"no room for {rendering.name}")

    with running(tmp_path, arxiv, store=Refusing(tmp_path / "papers.sqlite3")) as service:
        assert {address: service.ask(address).content for address in FEEDS} == before


# --- What a rendering is known by -------------------------------------------------------------------------------------


class Memory:
    """A store that forgets no rendering, as one of many machines may not."""

    def __init__(self) -> None:
        self.renderings: dict[str, Rendering] = {}

    async def load_rendering(self, name: str) -> Rendering | None:
        return self.renderings.get(name)

    async def save_rendering(self, rendering: Rendering) -> None:
        self.renderings[rendering.name] = rendering


@pytest.fixture
def one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that the configuration does not name has the same place."""
    monkeypatch.setattr("api.prepared._PLACES", 1)


PAGE = Output("page", "text/html", DAY, (DAY,))


@pytest.mark.parametrize(
    ("output", "number", "is_same"),
    [
        (PAGE, 7, True),
        (PAGE, 8, False),
        (replace(PAGE, kind="rss"), 7, False),
        (replace(PAGE, day=DAY + timedelta(days=1)), 7, False),
        (replace(PAGE, mailings=()), 7, False),
    ],
    ids=["the same", "other data", "another kind", "another day", "other mailings"],
)
@pytest.mark.parametrize("kept", [(), ("default",)], ids=["passing", "kept"])
@pytest.mark.usefixtures("one_place")
def test_a_rendering_is_found_by_all_that_it_says(
    tmp_path: Path,
    output: Output,
    number: int,
    is_same: bool,
    kept: tuple[str, ...],
) -> None:
    store = Memory()
    catalogue = Catalogue(SqliteStore(tmp_path / "papers.sqlite3"), kept=kept)
    selection = Selection("default", parse_config('{"categories": ["cs.LG"]}').default)
    answered = SimpleNamespace(
        selection=selection, selected=SimpleNamespace(revision=Revision(7)), notices=(), own_notices=()
    )
    made = represent(b"<p>", "text/html", last_modified=MOMENT)

    def start() -> Prepared:
        return Prepared(store, catalogue, made_by=())

    asyncio.run(start().keep(PAGE, answered, made, was_had=True))
    found = asyncio.run(start().find(output, selection, Revision(number), ()))
    assert (found == made) is is_same
