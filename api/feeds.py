"""For readers: the feeds as RSS, Atom and JSON Feed, and the list of them as OPML."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response

from api.caching import Representation, represent
from api.prepared import Output
from api.selection import (
    FeedParameters,
    feed_addresses,
    feed_title,
    parse_scope,
    parse_selection,
    read_feed_parameters,
    refuse_repeated,
)
from api.service import NOT_MODIFIED, Answered, Service, ServiceDependency
from core.catalogue import Feed, FeedAddresses, Selection, describe
from core.config import DEFAULT_PROFILE, Config
from core.errors import BadQuery, NothingStored

router = APIRouter(tags=["feeds"], dependencies=[Depends(refuse_repeated)])

Format = Literal["rss", "atom", "jsonfeed"]

MEDIA_TYPES: dict[Format, str] = {
    "rss": "application/rss+xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "jsonfeed": "application/feed+json; charset=utf-8",
}
_OUTPUTS = {kind: Output(kind, media_type) for kind, media_type in MEDIA_TYPES.items()}
NAMES: dict[Format, str] = {"rss": "RSS 2.0", "atom": "Atom 1.0", "jsonfeed": "JSON Feed 1.1"}
OPML_MEDIA_TYPE = "text/x-opml; charset=utf-8"

Parameters = Annotated[FeedParameters, Depends(read_feed_parameters)]
_LONGEST_SCOPE = 300


async def _read_scope(request: Request) -> str:
    scope: str = request.path_params["scope"]
    if len(scope) > _LONGEST_SCOPE:
        raise BadQuery("scope", f"has more than {_LONGEST_SCOPE} characters")
    return scope


Scope = Annotated[str, Depends(_read_scope)]


def _add_routes(kind: Format, name: str) -> None:
    """The two addresses of the format *kind*, which people know as *name*."""
    media_type = MEDIA_TYPES[kind].partition(";")[0]
    schema = {"type": "object" if kind == "jsonfeed" else "string"}
    responses: dict[int | str, dict[str, object]] = {
        200: {"description": "The feed.", "content": {media_type: {"schema": schema}}},
        **NOT_MODIFIED,
    }

    @router.get(f"/{kind}", responses=responses, response_class=Response, summary=f"The default profile as {name}")
    async def of_default(request: Request, parameters: Parameters, service: ServiceDependency) -> Response:
        """What the default profile lists, newest mailing first, best first within each."""
        return await _answer(request, service, kind, DEFAULT_PROFILE, parameters)

    @router.get(f"/{kind}/{{scope}}", responses=responses, response_class=Response, summary=f"Any scope as {name}")
    async def of_scope(request: Request, scope: Scope, parameters: Parameters, service: ServiceDependency) -> Response:
        """A category, several, or a profile. Categories that nobody configured are fetched when first asked for."""
        return await _answer(request, service, kind, scope, parameters)


for _kind, _name in NAMES.items():
    _add_routes(_kind, _name)


@router.get("/opml", response_class=Response, responses={200: {"content": {"text/x-opml": {}}}, **NOT_MODIFIED})
async def opml(request: Request, service: ServiceDependency) -> Response:
    """Every feed of this service as OPML 2.0, for subscribing to all of them at once."""
    from core.feeds.opml import Outline, render_opml  # noqa: PLC0415 - brings lxml

    outlines = [
        Outline(
            title=feed_title(selection, sample_data=service.sample_data),
            description=describe(selection),
            addresses=addresses,
        )
        for selection, addresses in list_feeds(service)
    ]
    title = "arxiv-feeds (sample data)" if service.sample_data else "arxiv-feeds"
    return service.respond_configured(request, render_opml(title, outlines), OPML_MEDIA_TYPE)


def describe_parameters(document: dict[str, Any]) -> None:  # Any: JSON
    """Adds to an OpenAPI *document* what the feeds take, which FastAPI does not see."""
    query = [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": field["description"],
            "schema": {key: value for key, value in field.items() if key != "description"},
        }
        for name, field in FeedParameters.model_json_schema()["properties"].items()
    ]
    scope = {
        "name": "scope",
        "in": "path",
        "required": True,
        "description": "A category, several joined by +, or the name of a profile.",
        "schema": {"type": "string", "maxLength": _LONGEST_SCOPE, "examples": ["cs.AI", "cs.AI+cs.LG"]},
    }
    for kind in NAMES:
        document["paths"][f"/{kind}"]["get"]["parameters"] = query
        document["paths"][f"/{kind}/{{scope}}"]["get"]["parameters"] = [scope, *query]


def list_feeds(service: Service) -> Iterator[tuple[Selection, FeedAddresses]]:
    """The feeds worth subscribing to: the default one, the named profiles, and each configured category."""
    for scope in feed_scopes(service.config):
        name, profile = parse_scope(scope, service.config)
        yield Selection(name, profile), feed_addresses(service.settings.public_address, name)


def feed_scopes(config: Config) -> Iterator[str]:
    yield DEFAULT_PROFILE
    yield from (profile.name for profile in config.profiles)
    yield from config.categories


async def prepare(service: Service) -> None:
    """Renders every feed of the configuration that has papers, so its next readers in any process wait for nothing."""
    for selection, _ in list_feeds(service):
        try:
            answered = await service.select(selection)
        except NothingStored:
            continue
        for kind in NAMES:
            await service.prepared.save(_OUTPUTS[kind], answered, await _get_rendering(service, answered, kind))


async def _answer(request: Request, service: Service, kind: Format, scope: str, parameters: FeedParameters) -> Response:
    selection = parse_selection(scope, parameters, service.config, limit=parameters.limit)
    inquiry = await service.inquire(selection)
    prepared = await service.find_prepared(_OUTPUTS[kind], selection, inquiry)
    if prepared:
        return service.respond(request, prepared, inquiry.currency)
    answered = await service.select(selection, inquiry)
    representation = await _get_rendering(service, answered, kind)
    response = service.respond(request, representation, answered.currency)
    response.background = service.keep(request, _OUTPUTS[kind], answered, representation)
    return response


async def _get_rendering(service: Service, answered: Answered, kind: Format) -> Representation:
    key = (kind, answered.selection, answered.selected.revision, answered.notices)
    return await service.representations_of(answered.selection).get(key, lambda: _render(service, answered, kind))


def _render(service: Service, answered: Answered, kind: Format) -> Representation:
    feed = service.build_feed(answered)
    last_modified = service.last_modified(feed, answered.selected.revision)
    return represent(_renderer(kind)(feed), MEDIA_TYPES[kind], last_modified=last_modified)


def _renderer(kind: Format) -> Callable[[Feed], bytes]:
    if kind == "jsonfeed":
        from core.feeds.json_feed import render_json_feed  # noqa: PLC0415 - needs neither lxml nor feedgen

        return render_json_feed
    from core.feeds.rss_atom import render_atom, render_rss  # noqa: PLC0415 - brings lxml and feedgen

    return render_rss if kind == "rss" else render_atom
