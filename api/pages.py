"""For people: the papers of a mailing, one paper, the feeds and a builder of feeds, the status, and what all this is.

Pages are whole without script; `static/_page.js` only makes them handier. Problems of these addresses are pages too.
"""

from __future__ import annotations

import json
import re
from asyncio import to_thread
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi import Path as PathParameter
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import Field

from api import builder
from api.caching import Representation, represent
from api.cards import BAR_LENGTH, Card, build_cards, build_chips, build_heading, fold, name_category, name_licence
from api.feeds import MEDIA_TYPES, OPML_MEDIA_TYPE, list_feeds
from api.papers import RuleModel, list_rules, parse_paper_number, why_no_summary
from api.prepared import Output
from api.problems import answer_problem
from api.reference import build_reference
from api.selection import (
    MAX_SCOPE_CATEGORIES,
    FeedParameters,
    addresses_of,
    feed_addresses,
    feed_title,
    page_query,
    parse_selection,
    refuse_repeated,
)
from api.service import Answered, Service, ServiceDependency
from api.status import load_status
from core.catalogue import (
    MAX_DAYS,
    MAX_ITEMS,
    TOLD_OUTCOMES,
    Explained,
    FeedAddresses,
    Item,
    Outcome,
    Selected,
    Selection,
    describe,
)
from core.config import DEFAULT_PROFILE
from core.errors import ArxivFeedsError, BadQuery, NothingStored, Overloaded, StoreUnavailable
from core.feeds.content import build_origin, clean_text
from core.mailings import (
    eastern_date,
    explain_missing,
    explain_silence,
    mailing_moment,
    next_mailing_moment,
)
from core.moments import say_day, say_short_day
from core.papers import ARXIV_URL
from core.profiles import say_points
from core.store.records import PaperRecord, Revision
from core.summaries.attempts import Attempts, Summary, find_shown
from core.summaries.languages import name_language

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_FOLDER = Path(__file__).parent
_HTML = "text/html; charset=utf-8"
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_SIMILAR_DAYS = 14  # each week more has a process index 7,000 papers more, which takes a second or two
_SIMILAR_PAPERS = 8
_PREVIEWED = 6
_AUTHORS_SHOWN = 12  # of one paper; some have thousands
_LONG_SECONDS = 120  # and longer is told in minutes
_CODE = re.compile(r"`([^`]+)`")
_QUALITY = re.compile(r"\bq=([01](?:\.\d*)?)")
_OTHER_ANSWER = re.compile(r"json|rss|atom|rdf|\*/\*")
_FORMATS = (("rss", "RSS"), ("atom", "Atom"), ("jsonfeed", "JSON Feed"))
_STATIC: Mapping[str, tuple[str, str]] = {  # name in the address: file, media type
    "page.css": ("page.css", "text/css; charset=utf-8"),
    "page.js": ("_page.js", "text/javascript; charset=utf-8"),  # Vercel makes functions of scripts in api/ without _
    "icon.svg": ("icon.svg", "image/svg+xml"),
    "preview.png": ("preview.png", "image/png"),
    "favicon.ico": ("favicon.ico", "image/x-icon"),
}


class _PageRoute(APIRoute):
    """A route for people, whose problems are pages with the status and the headers that programs get."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:  # Any: FastAPI's signature
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except (ArxivFeedsError, RequestValidationError) as error:
                return await _answer_page(request, error)

        return answer


router = APIRouter(include_in_schema=False, route_class=_PageRoute)


class PageParameters(FeedParameters):
    """The parameters of the page of papers: those of a feed, and which feed it is."""

    scope: str = Field(default=DEFAULT_PROFILE, max_length=300)


@dataclass(frozen=True, slots=True)
class _Shown:
    """A mailing of a feed as the page shows it; `day` is None where nothing is stored of the feed at all.

    `days` are the mailings to go to, newest first. `earlier` is a stored one before all of these, `later` one between
    `day` and the next of them, None where there is none.
    """

    day: date | None
    items: tuple[Item, ...]
    counts: Mapping[Outcome, int]
    days: tuple[builder.Day, ...]
    earlier: date | None = None
    later: date | None = None
    remark: str = ""


@router.get("/", response_class=Response, dependencies=[Depends(refuse_repeated)])
async def index(
    request: Request, parameters: Annotated[PageParameters, Query()], service: ServiceDependency
) -> Response:
    """The newest mailing of a feed, best papers first, or the one that `mailing` names."""
    every = parameters.model_copy(update={"mailing": None})
    selection = parse_selection(parameters.scope, every, service.config, limit=parameters.limit)
    inquiry = await service.inquire(selection)
    stored = [] if inquiry.failure else await _find_mailings(service, selection, inquiry.currency.revision)
    now = service.clock()
    today = eastern_date(now)
    output = Output("page", _HTML, today, tuple(stored))
    if parameters.mailing is None:
        prepared = await service.find_prepared(output, selection, inquiry)
        if prepared:
            return _guarded(service.respond(request, prepared, inquiry.currency))
    answered = await service.select(selection, inquiry)
    shown = await _show_mailing(service, answered, parameters, stored)
    revision = answered.selected.revision

    def render() -> Representation:
        page = _render_mailing(request, service, answered, shown, now)
        # What the page says of the calendar changes at midnight Eastern.
        changed_at = max(service.last_modified(service.build_feed(answered), revision), mailing_moment(today))
        return represent(page, _HTML, last_modified=min(changed_at, now))

    key = ("page", selection, revision, answered.notices, parameters.mailing, tuple(stored), today)
    representation = await service.representations_of(selection).get(key, render)
    response = service.respond(request, representation, answered.currency)
    if parameters.mailing is None:
        response.background = service.keep(request, output, answered, representation)
    return _guarded(response)


@router.get("/feeds", response_class=Response)
async def feeds(request: Request, service: ServiceDependency) -> Response:
    """Every feed with its addresses, and how to subscribe."""
    combined = feed_addresses(service.settings.public_address, "cs.AI+cs.LG")
    page = _render(
        request,
        service,
        "feeds.html",
        alternates=_every_alternate(service),
        feeds=[
            (feed_title(selection, sample_data=service.sample_data), describe(selection), selection, addresses)
            for selection, addresses in list_feeds(service)
        ],
        combined=combined,
    )
    return _guarded(service.respond_configured(request, page, _HTML))


@router.get("/build", response_class=Response)
async def build(request: Request, service: ServiceDependency) -> Response:
    """A form for a feed of one's own, with what it would list and where it is found; its state is the address."""
    form = builder.read_form(request.query_params)
    selection, mistakes = builder.select_form(form, service.config)
    context = await _build_preview(service, selection, form) if selection else {}
    page = _render(
        request,
        service,
        "build.html",
        form=form,
        groups=builder.group_categories(form, service.config),
        languages=_languages(service),
        max_items=MAX_ITEMS,
        max_days=MAX_DAYS,
        mistakes={one.field: one for one in reversed(mistakes)},
        default=service.config.default,
        selection=selection,
        **context,
    )
    return await _respond_stored(request, service, page)


@router.get("/build/opml", response_class=Response)
async def build_opml(request: Request, service: ServiceDependency) -> Response:
    """The feed that the form of `/build` asks for as an OPML file."""
    from core.feeds.opml import Outline, render_opml  # noqa: PLC0415 - brings lxml

    selection, mistakes = builder.select_form(builder.read_form(request.query_params), service.config)
    if selection is None:
        raise BadQuery(mistakes[0].field, f"is not usable: {mistakes[0].text}")
    title = feed_title(selection, sample_data=service.sample_data)
    addresses = addresses_of(selection, service.settings.public_address)
    file = render_opml(title, [Outline(title, describe(selection), addresses)])
    answer = service.respond_configured(request, file, OPML_MEDIA_TYPE)
    answer.headers["Content-Disposition"] = 'attachment; filename="arxiv-feed.opml"'
    return answer


@router.get("/paper/{paper_id:path}", response_class=Response)
async def paper(
    request: Request,
    paper_id: Annotated[str, PathParameter(max_length=60)],
    parameters: Annotated[PageParameters, Query()],
    service: ServiceDependency,
) -> Response:
    """Everything that is known of one stored paper, and why it is in a feed or not. Old identifiers have a slash."""
    number = parse_paper_number(paper_id)
    selection = parse_selection(parameters.scope, parameters, service.config, limit=parameters.limit)
    record = await service.catalogue.find(number)
    explained = await service.catalogue.explain(number, selection)
    attempts = (await service.store.load_attempts((number,))).get(number, ())
    similar = await _find_similar(service, number)
    context = _describe_paper(record, explained, selection)
    item, language = explained.verdict.item, selection.profile.language
    summaries = await to_thread(_render_summaries, item, attempts, language)
    page = _render(
        request,
        service,
        "paper.html",
        **context,
        path=f"/paper/{number}",  # in whatever version it was asked for
        summaries=summaries,
        absence="" if summaries else why_no_summary(replace(item, attempt=find_shown(attempts, language)), service),
        similar=similar,
        similar_days=_SIMILAR_DAYS,
    )
    return await _respond_stored(request, service, page)


@router.get("/about", response_class=Response)
async def about(request: Request, service: ServiceDependency) -> Response:
    """Where the data come from, how papers are scored, and how summaries are made."""
    page = _render(
        request,
        service,
        "about.html",
        config=service.config,
        options=service.config.summaries,
        obstacle=service.summaries.obstacle,
        languages=_languages(service),
    )
    return _guarded(service.respond_configured(request, page, _HTML))


@router.get("/docs", response_class=Response)
async def docs(request: Request, service: ServiceDependency) -> Response:
    """Every endpoint for programs: what it takes and answers, and a line to try it with."""
    reference = build_reference(request.app.openapi())
    page = _render(request, service, "docs.html", reference=reference)
    return _guarded(service.respond_configured(request, page, _HTML))


@router.get("/openapi.json", response_class=Response)
async def openapi(request: Request, service: ServiceDependency) -> Response:
    """What `/docs` is made of, for programs; below a base path with that as its server."""
    document = request.app.openapi()
    if base := request.scope.get("root_path", "").rstrip("/"):
        document = {**document, "servers": [{"url": base}]}
    return service.respond_configured(request, json.dumps(document, ensure_ascii=False).encode(), "application/json")


@router.get("/status", response_class=Response)
async def status(request: Request, service: ServiceDependency) -> Response:
    """What `/api/status` tells, for people. It is true for the moment only, so that nobody may keep it."""
    page = _render(request, service, "status.html", status=await load_status(service))
    return _guarded(Response(page, media_type=_HTML, headers={"Cache-Control": "no-store"}))


@router.get("/static/{name}", response_class=Response)
async def static(request: Request, name: str, service: ServiceDependency) -> Response:
    """Style, script and icons of the pages."""
    if name not in _STATIC:
        raise HTTPException(404)
    file, media_type = _STATIC[name]
    return service.respond_configured(request, _read_static(file), media_type)


@router.get("/favicon.ico", response_class=Response)
async def favicon(request: Request, service: ServiceDependency) -> Response:
    return await static(request, "favicon.ico", service)


# --- the mailing that is shown


def _render_mailing(request: Request, service: Service, answered: Answered, shown: _Shown, now: datetime) -> bytes:
    selection = answered.selection
    silence = explain_silence(now, newest=answered.selected.revision.newest_mailing)
    return _render(
        request,
        service,
        "index.html",
        shown=shown,
        is_cut=len(answered.selected.items) >= selection.limit,  # then a day may have more than the feed lists of it
        cards=build_cards(shown.items),
        selection=selection,
        title=feed_title(selection, sample_data=False),
        addresses=addresses_of(selection, service.settings.public_address),
        alternates=[*_alternates(service, selection), *_every_alternate(service, but=selection)],
        notices=[*answered.notices, *([silence.reason] if silence else [])],
        obstacle=service.summaries.obstacle,
        next_mailing_at=next_mailing_moment(now),
        outcomes=TOLD_OUTCOMES,
    )


async def _show_mailing(
    service: Service, answered: Answered, parameters: PageParameters, stored: Sequence[date]
) -> _Shown:
    """The newest mailing of *answered*, or the one that is asked for, also where it lies before the feed's days."""
    selected, day = answered.selected, parameters.mailing
    known = builder.list_days(selected)
    newest = known[0].mailing if known else None
    day = day or newest
    if day is None:
        return _Shown(None, (), {}, ())
    is_cut = parameters.mailing is not None and len(selected.items) >= answered.selection.limit
    if any(one.mailing == day for one in known) and not is_cut:
        return _shown_day(selected, day, known, stored)
    asked = parse_selection(parameters.scope, parameters, service.config, limit=parameters.limit)
    other = await service.select_more(asked)
    if not other.mailings:
        return replace(_shown_day(other, day, known, stored), remark=explain_missing(day, newest, name=say_day))
    others = (one for one in known if one.mailing != day)
    return _shown_day(other, day, (*others, *builder.list_days(other)), stored)


async def _find_mailings(service: Service, selection: Selection, revision: Revision | None) -> list[date]:
    """The mailings of the last MAX_DAYS days that are stored of *selection*, oldest first; none without the store."""
    try:
        found = await service.freshness.find_complete(selection.profile.categories, revision)
    except StoreUnavailable:
        return []
    return [mailing for mailing in found if found[-1] - mailing < timedelta(days=MAX_DAYS)]


def _shown_day(selected: Selected, day: date, days: Sequence[builder.Day], stored: Sequence[date]) -> _Shown:
    items = tuple(item for item in selected.items if item.mailing == day)
    in_order = tuple(sorted(days, key=lambda one: one.mailing, reverse=True))
    listed = {one.mailing for one in days}
    others = [mailing for mailing in stored if mailing not in listed]
    first = min((*listed, day))
    after = min((mailing for mailing in listed if mailing > day), default=day)
    return _Shown(
        day,
        items,
        selected.count(day),
        in_order,
        earlier=max((mailing for mailing in others if mailing < first), default=None),
        later=min((mailing for mailing in others if day < mailing < after), default=None),
    )


# --- what the builder shows


async def _build_preview(service: Service, selection: Selection, form: builder.Form) -> dict[str, object]:
    """What is told of a feed before it exists. arXiv is asked for nothing: anybody can fill in anything."""
    addresses = addresses_of(selection, service.settings.public_address)
    told: dict[str, object] = {
        "title": feed_title(selection, sample_data=service.sample_data),
        "description": describe(selection),
        "addresses": addresses,
        "readers": builder.list_readers(addresses),
        "is_reachable": builder.is_reachable(addresses.rss),
        "code": builder.draw_code(addresses.rss),
        "snippet": builder.write_snippet(selection, service.config),
        "beside_snippet": builder.list_beside_snippet(selection),
        "form_query": form.query,
        "alternates": _alternates(service, selection),
    }
    try:
        answered = await service.select(replace(selection, is_personal=True))
    except NothingStored as nothing:
        return {**told, "notices": (str(nothing),), "days": (), "cards": ()}
    selected = answered.selected
    days = builder.list_days(selected)
    newest = [item for item in selected.items if item.mailing == selected.items[0].mailing]
    return {
        **told,
        "notices": answered.notices,
        "days": days,
        "rate": builder.tell_rate(days),
        "cards": build_cards(newest[:_PREVIEWED]),
    }


def _languages(service: Service) -> list[tuple[str, str]]:
    """The languages that summaries are written in here: tag and English name, the default profile's first."""
    return [(tag, name_language(tag)) for tag in service.config.summary_languages]


# --- one paper


@dataclass(frozen=True, slots=True)
class _ShownSummary:
    """A summary as a page shows it: HTML that `render_page` made, and where it comes from."""

    language: str
    tldr: str
    sections: tuple[tuple[str, str], ...]
    origin: str


def _describe_paper(record: PaperRecord, explained: Explained, selection: Selection) -> dict[str, object]:
    one, verdict = record.paper, explained.verdict
    rules: list[RuleModel] = list(list_rules(explained, selection))
    authors = [(clean_text(author.name), clean_text(author.affiliation or "")) for author in one.authors]
    shown, folded = fold([author for author in authors if author[0]], _AUTHORS_SHOWN)
    return {
        "paper": one,
        "heading": build_heading(one),
        "authors": shown,
        "folded": folded,
        "abstract": clean_text(one.abstract),
        "licence": name_licence(one.licence or ""),
        "dois": clean_text(one.doi or "").split(),
        "chips": build_chips(verdict.item),
        "announcements": record.announcements[::-1],
        "versions": [(number, f"{ARXIV_URL}/abs/{one.id}v{number}") for number in range(one.version, 0, -1)],
        "verdict": verdict,
        "outcome": TOLD_OUTCOMES.get(verdict.outcome, f"not listed: of {verdict.outcome}"),
        "hits": [rule for rule in rules if rule.is_hit],
        "misses": [rule for rule in rules if not rule.is_hit],
        "selection": selection,
        "title": feed_title(selection, sample_data=False),
    }


async def _find_similar(service: Service, number: str) -> tuple[Card, ...]:
    """The papers of the last weeks that are most like the paper *number*, best first, without itself.

    None while too many new feeds are asked for: the page is worth reading without them.
    """
    scope = "+".join(service.config.categories[:MAX_SCOPE_CATEGORIES])
    parameters = FeedParameters.model_validate({"like": number, "days": _SIMILAR_DAYS, "summaries": "0"})
    wide = parse_selection(scope, parameters, service.config)
    selection = replace(wide, profile=replace(wide.profile, max_papers=_SIMILAR_PAPERS + 1))
    try:
        selected = await service.select_more(selection)
    except Overloaded:
        return ()
    found = [item for item in selected.best[: _SIMILAR_PAPERS + 1] if item.paper.id != number]
    return build_cards(found[:_SIMILAR_PAPERS])


def _render_summaries(item: Item, attempts: Attempts, language: str) -> list[_ShownSummary]:
    """The newest summary in each language, that in *language* first; rendering takes milliseconds each."""
    languages = sorted({one.key.language for one in attempts}, key=lambda tag: (tag != language, tag))
    rendered = []
    for tag in languages:
        shown = replace(item, attempt=find_shown(attempts, tag))
        if shown.summary is not None:
            rendered.append(_render_summary(shown.summary, tag, build_origin(shown)))
    return rendered


def _render_summary(summary: Summary, language: str, origin: str) -> _ShownSummary:
    from core.summaries.rendering import as_sentence, render_page  # noqa: PLC0415 - brings a parser of Markdown

    sections = tuple(
        (clean_text(section.heading), render_page(section.markdown, urls=summary.urls)) for section in summary.sections
    )
    tldr = as_sentence(render_page(summary.tldr, urls=summary.urls), summary.tldr)
    return _ShownSummary(language, tldr, sections, origin)


# --- what all pages have


def _render(request: Request, service: Service, name: str, **context: object) -> bytes:
    """The page that the template *name* makes, with what every page needs.

    Links within the site are relative to `root`, since a proxy may serve it below a folder.
    """
    path: str = request.scope["path"]
    encoded = bytes(request.scope.get("raw_path") or b"").lower().count(b"%2f")  # slashes that are none to a browser
    depth = path.count("/") - encoded - 1
    common: dict[str, object] = {
        "root": "../" * depth or "./",
        "path": path,
        "address": service.settings.public_address,
        "sample_data": service.sample_data,
        "own": feed_addresses(service.settings.public_address, DEFAULT_PROFILE),
        "alternates": _every_alternate(service)[: len(_FORMATS)],
    }
    return _templates().get_template(name).render(common | context).encode()


async def _respond_stored(request: Request, service: Service, page: bytes) -> Response:
    return _guarded(await service.respond_stored(request, page, _HTML))


def _guarded(response: Response) -> Response:
    """*response* with the policy that lets a page load what is the service's own, and nothing inline."""
    response.headers["Content-Security-Policy"] = _PAGE_POLICY
    return response


async def answer_by_preference(request: Request, error: Exception) -> Response:
    """The answer to *error* at any address: a page for a browser, a problem document for everybody else."""
    answer = _answer_page if _prefers_page(request.headers.get("accept", "")) else answer_problem
    response = await answer(request, error)
    response.headers["Vary"] = "Accept"
    return response


def _prefers_page(accept: str) -> bool:
    """Whether HTML comes before JSON, feeds and anything at all: browsers ask so, feed readers and programs do not."""
    qualities: dict[str, float] = {}
    for part in accept.lower().split(","):
        media_type, _, parameters = part.partition(";")
        quality = _QUALITY.search(parameters)
        qualities[media_type.strip()] = float(quality[1]) if quality else 1.0
    others = [quality for media_type, quality in qualities.items() if _OTHER_ANSWER.search(media_type)]
    return qualities.get("text/html", 0.0) > max(others, default=0.0)


async def _answer_page(request: Request, error: Exception) -> Response:
    """What programs get as a problem document, as a page with the same status and headers."""
    response = await answer_problem(request, error)
    problem = json.loads(bytes(response.body))
    page = _render(
        request,
        request.app.state.service,
        "problem.html",
        problem=problem,
        retry_after=_tell_wait(response),
        form_query=builder.carry_over(request.query_params, request.path_params.get("scope", "")),
    )
    headers = {name: text for name, text in response.headers.items() if not name.startswith("content-")}
    return _guarded(Response(page, status_code=response.status_code, media_type=_HTML, headers=headers))


def _tell_wait(response: Response) -> str:
    """How long to wait before trying again, as far as *response* says so."""
    seconds = int(response.headers.get("retry-after", "0"))
    number, noun = (seconds, "second") if seconds < _LONG_SECONDS else (ceil(seconds / 60), "minute")
    return f"{number} {noun}{'' if number == 1 else 's'}" if seconds else ""


def _alternates(service: Service, selection: Selection) -> list[tuple[str, str, str]]:
    """Media type, title and address of a feed in each format, for readers that look for them on a page."""
    addresses = addresses_of(selection, service.settings.public_address)
    return _alternates_of(feed_title(selection, sample_data=service.sample_data), addresses)


def _alternates_of(title: str, addresses: FeedAddresses) -> list[tuple[str, str, str]]:
    found = {"rss": addresses.rss, "atom": addresses.atom, "jsonfeed": addresses.json}
    media_types = {str(kind): media_type.partition(";")[0] for kind, media_type in MEDIA_TYPES.items()}
    return [(media_types[kind], f"{title} ({name})", found[kind]) for kind, name in _FORMATS]


def _every_alternate(service: Service, *, but: Selection | None = None) -> list[tuple[str, str, str]]:
    """The same of every feed of the service, without that of *but*."""
    return [
        link
        for selection, addresses in list_feeds(service)
        if but is None or (selection.scope, selection.parameters) != (but.scope, but.parameters)
        for link in _alternates_of(feed_title(selection, sample_data=service.sample_data), addresses)
    ]


def _page_query(selection: Selection, mailing: date | None = None) -> str:
    """The query string of the page that shows *mailing*, or the newest, of *selection*."""
    return page_query(selection.scope, selection.parameters, mailing=mailing)


def _long_moment(moment: datetime) -> str:
    """For example Friday, 6 March 2026, 05:00 UTC."""
    return f"{say_day(moment.date())}, {moment:%H:%M} UTC"


def _mark_code(text: str) -> Markup:
    """*text* with what stands between backticks as code, and nothing else of it as markup."""
    from markupsafe import Markup, escape  # noqa: PLC0415 - comes with jinja2

    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped


@cache
def _read_static(name: str) -> bytes:
    return (_FOLDER / "static" / name).read_bytes()


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape  # noqa: PLC0415 - cold start

    environment = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "code": _mark_code,
        "long_date": say_day,
        "short_date": say_short_day,
        "long_moment": _long_moment,
        "points": say_points,
    }
    environment.globals |= {"page_query": _page_query, "name_category": name_category, "bar_length": BAR_LENGTH}
    return environment
