"""URL -> Selection: scopes and parameters with their bounds, in one canonical form."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from core.arxiv.taxonomy import find_category, hint_for
from core.catalogue import MAX_DAYS, MAX_ITEMS, FeedAddresses, Selection
from core.config import DEFAULT_PROFILE, MAX_SCORE, Config
from core.errors import BadQuery, UnknownScope
from core.papers import AnnounceType
from core.profiles import Profile

MAX_SCOPE_CATEGORIES = 20
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _check_types(text: str) -> str:
    types = text.split(",")
    if not set(types) <= set(AnnounceType) or len(types) > len(AnnounceType):
        raise ValueError(f"one or more of {', '.join(AnnounceType)}, joined by commas, are expected")
    return text


def _check_date(text: object) -> object:
    """Refuses what pydantic would take for a date besides `2026-03-05`, such as seconds since 1970."""
    if isinstance(text, str) and not _DATE.fullmatch(text):
        raise ValueError("a date such as 2026-03-05 is expected")
    return text


class SelectionParameters(BaseModel):
    """What a reader may change about a profile in the address; anything not given is as the profile has it."""

    model_config = ConfigDict(extra="forbid")

    types: Annotated[str, AfterValidator(_check_types)] | None = Field(
        None, description="Announce types, joined by commas: new, cross, replace, replace-cross.", examples=["new"]
    )
    min_score: float | None = Field(
        None, ge=0, le=MAX_SCORE, allow_inf_nan=False, description="Least points of a listed paper.", examples=[2.5]
    )
    days: int | None = Field(
        None, ge=1, le=MAX_DAYS, description="Calendar days up to the newest mailing, that one included.", examples=[3]
    )
    mailing: Annotated[date, BeforeValidator(_check_date)] | None = Field(
        None, description=f"Only this mailing, of the last {MAX_DAYS} days.", examples=["2026-03-05"]
    )


class FeedParameters(SelectionParameters):
    """The parameters of a feed."""

    limit: int | None = Field(
        None, ge=1, le=MAX_ITEMS, description="Most entries, newest mailing first, best first within.", examples=[10]
    )


async def refuse_repeated(request: Request) -> None:
    """Raises BadQuery where a parameter is given twice: taking either one would be a guess."""
    counted = Counter(name for name, _ in request.query_params.multi_items())
    for name, count in counted.items():
        if count > 1:
            raise BadQuery(name[:100], "is given more than once")


def parse_selection(
    scope: str, parameters: SelectionParameters, config: Config, *, limit: int | None = None
) -> Selection:
    """The selection that *scope* and *parameters* ask for, of at most *limit* items. Raises UnknownScope."""
    name, profile = parse_scope(scope, config)
    chosen = replace(
        profile,
        announce_types=_announce_types(parameters.types) or profile.announce_types,
        min_score=profile.min_score if parameters.min_score is None else parameters.min_score,
        days_back=parameters.days or profile.days_back,
    )
    limit = limit or MAX_ITEMS
    return Selection(name, chosen, parameters.mailing, limit, _canonical(chosen, profile, parameters.mailing, limit))


def parse_scope(scope: str, config: Config) -> tuple[str, Profile]:
    """The canonical name of *scope*, and its profile.

    A scope is a profile's name, or categories joined by + in any case and order. Categories, configured or not, are
    held against the default profile's terms. Raises UnknownScope with a hint.
    """
    profile = config.find_profile(scope)
    if profile is not None:
        return profile.name, profile
    categories = sorted({_category(name, scope, config) for name in scope.replace(" ", "+").split("+")})
    if len(categories) > MAX_SCOPE_CATEGORIES:
        raise UnknownScope(scope[:100], f"A feed can have at most {MAX_SCOPE_CATEGORIES} categories.")
    return "+".join(categories), replace(config.default, name="+".join(categories), categories=tuple(categories))


def feed_addresses(base: str, scope: str, parameters: str = "") -> FeedAddresses:
    """Where the feed of a canonical *scope* with canonical *parameters* is found under the public address *base*."""
    path = "" if scope == DEFAULT_PROFILE else f"/{quote(scope, safe='+')}"
    query = f"?{parameters}" if parameters else ""
    return FeedAddresses(
        page=f"{base}/",
        rss=f"{base}/rss{path}{query}",
        atom=f"{base}/atom{path}{query}",
        json=f"{base}/jsonfeed{path}{query}",
    )


def feed_title(selection_scope: str, profile: Profile, *, sample_data: bool) -> str:
    """What readers show as the feed's name."""
    subject = ", ".join(profile.categories) if selection_scope == DEFAULT_PROFILE else selection_scope
    title = f"arXiv: {subject.replace('+', ', ')}"
    return f"{title} (sample data)" if sample_data else title


def _category(name: str, scope: str, config: Config) -> str:
    category = find_category(name)
    if category is None:
        profiles = difflib.get_close_matches(name[:100], [profile.name for profile in config.profiles], n=1)
        hint = f"Did you mean the profile {profiles[0]!r}?" if profiles else hint_for(name[:100])
        raise UnknownScope(scope[:100], hint)
    return category.id


def _announce_types(types: str | None) -> tuple[AnnounceType, ...]:
    wanted = types.split(",") if types else []
    return tuple(one for one in AnnounceType if one in wanted)


def _canonical(chosen: Profile, profile: Profile, mailing: date | None, limit: int) -> str:
    """The query string that gives the same selection: fixed order, without what the profile says anyway."""
    pairs = {
        "types": ",".join(chosen.announce_types) if chosen.announce_types != profile.announce_types else None,
        "min_score": f"{chosen.min_score + 0.0:.15g}" if chosen.min_score != profile.min_score else None,
        "days": chosen.days_back if chosen.days_back != profile.days_back else None,
        "mailing": mailing,
        "limit": limit if limit != MAX_ITEMS else None,
    }
    return urlencode({name: value for name, value in pairs.items() if value is not None}, safe=",")
