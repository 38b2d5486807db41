"""URL -> Selection: scopes and parameters with their bounds, in one canonical form."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from core.arxiv.taxonomy import ARCHIVES, find_category, hint_for
from core.catalogue import MAX_DAYS, MAX_ITEMS, FeedAddresses, Selection
from core.config import DEFAULT_PROFILE, MAX_SCORE, Config
from core.errors import BadQuery, QueryMistake, UnknownScope
from core.papers import AnnounceType, parse_citation
from core.profiles import Keyword, Profile, SummaryMode, as_points
from core.query import (
    MAX_CHARACTERS,
    And,
    Node,
    canonical,
    every_term,
    parse_entry,
    parse_query,
    plain_signs,
    read_name,
    refuse_too_much,
    shorten,
    split_list,
    without_weights,
)
from core.settings import IN_DIGITS
from core.words import canonical_name

MAX_SCOPE_CATEGORIES = 20
LEAST_SCORE = 0.01  # any points at all
_MAX_LIST = 1_000
_MAX_LIKES = 50
_TITLE_LENGTH = 100
_MAX_NAMES = 50
_TOO_LONG = f"is too long: with its field before each of its terms it has more than {MAX_CHARACTERS:,} characters"
_PERSONAL = ("q", "au", "like", "dislike", "exclude")
_SAFE = ",;:*()"  # a query string may hold them as they are (RFC 3986 3.4), and people can read them
_LANGUAGE = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$"
_SUMMARY_PARAMETERS: Mapping[SummaryMode, str] = {"full": "1", "brief": "brief", "none": "0"}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ARXIV_BEGAN, _LAST_DAY = date(1991, 8, 14), date(9998, 12, 31)  # so that there is a day before and after each


def _check_types(text: str) -> str:
    types = text.lower().split(",")
    if not set(types) <= set(AnnounceType) or len(types) > len(AnnounceType):
        raise ValueError(f"one or more of {', '.join(AnnounceType)}, joined by commas, are expected")
    return text.lower()


def _check_date(text: object) -> object:
    """Refuses what pydantic would take for a date besides `2026-03-05`, such as seconds since 1970."""
    if isinstance(text, str) and not _is_date(text):
        raise ValueError("a date such as 2026-03-05 is expected")
    return text


def _is_date(text: str) -> bool:
    try:
        return _DATE.fullmatch(text) is not None and date.fromisoformat(text) is not None
    except ValueError:  # of a 13th month
        return False


def _check_era(day: date) -> date:
    if not _ARXIV_BEGAN <= day <= _LAST_DAY:
        raise ValueError(f"a date from {_ARXIV_BEGAN} on, when arXiv began, is expected")
    return day


class SelectionParameters(BaseModel):
    """What a reader may change about a profile in the address; anything not given is as the profile has it."""

    model_config = ConfigDict(extra="forbid")

    q: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_CHARACTERS,
        description="Only what this query finds, scored by its terms, in place of the profile's own interests.",
        examples=["speculative decod* -survey", 'ti:("kv cache" OR moe^2) au:dao'],
    )
    au: str | None = Field(
        None,
        min_length=1,
        max_length=_MAX_LIST,
        description="Authors to follow, in place of the profile's own interests; names are separated by semicolons.",
        examples=["Yann LeCun; Hinton, G."],
    )
    like: str | None = Field(
        None,
        min_length=1,
        max_length=_MAX_LIST,
        description=f"Papers to find more of, {_MAX_LIKES} at most, in place of the profile's own interests.",
        examples=["2602.07306,2602.11543"],
    )
    dislike: str | None = Field(
        None, min_length=1, max_length=_MAX_LIST, description="Papers to find less of.", examples=["2602.07306"]
    )
    exclude: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_CHARACTERS,
        description="Nothing that holds one of these terms or is found by one of these queries, joined by commas.",
        examples=["survey,ti:benchmark"],
    )
    types: Annotated[str, AfterValidator(_check_types)] | None = Field(
        None, description="Announce types, joined by commas: new, cross, replace, replace-cross.", examples=["new"]
    )
    min_score: Annotated[float, Field(ge=0, le=MAX_SCORE, allow_inf_nan=False), IN_DIGITS] | None = Field(
        None, description="Least points of a listed paper.", examples=[2.5]
    )
    days: Annotated[int, Field(ge=1, le=MAX_DAYS), IN_DIGITS] | None = Field(
        None, description="Calendar days up to the newest mailing, that one included.", examples=[3]
    )
    summaries: Literal["0", "1", "brief"] | None = Field(
        None,
        description="0 leaves the summaries of papers out, 1 puts them in, brief puts them in place of the abstracts.",
        examples=["brief"],
    )
    brief: Literal["0", "1"] | None = Field(None, description="1 is the same as summaries=brief.", examples=["1"])
    lang: Annotated[str, StringConstraints(to_lower=True, pattern=_LANGUAGE)] | None = Field(
        None, description="The language of the summaries (BCP 47).", examples=["en", "zh"]
    )
    mailing: Annotated[date, BeforeValidator(_check_date), AfterValidator(_check_era)] | None = Field(
        None, description=f"Only this mailing, of the last {MAX_DAYS} days.", examples=["2026-03-05"]
    )


class FeedParameters(SelectionParameters):
    """The parameters of a feed."""

    limit: Annotated[int, Field(ge=1, le=MAX_ITEMS), IN_DIGITS] | None = Field(
        None, description="Most entries, newest mailing first, best first within.", examples=[10]
    )


async def read_feed_parameters(request: Request) -> FeedParameters:
    """The parameters of *request*. Raises RequestValidationError as FastAPI would for an annotation of it.

    FastAPI imports all of `pydantic.v1` to look at such an annotation, which is a tenth of a cold start.
    """
    try:
        return FeedParameters.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error


async def refuse_repeated(request: Request) -> None:
    """Raises BadQuery where a parameter is given twice: taking either one would be a guess."""
    counted = Counter(name for name, _ in request.query_params.multi_items())
    for name, count in counted.items():
        if count > 1:
            raise BadQuery(name[:100], "is given more than once")


def parse_selection(
    scope: str, parameters: SelectionParameters, config: Config, *, limit: int | None = None, likes: Sequence[str] = ()
) -> Selection:
    """The selection that *scope* and *parameters* ask for, of at most *limit* items. Raises UnknownScope and BadQuery.

    *likes* are more papers to find more of than an address can name.

    Who says with q, au or like what is wanted gets that: the profile's query, terms, authors, likes, exclusions and
    min_score do not count. What has no points at all is not wanted then, unless q finds it.
    """
    name, profile = parse_scope(scope, config)
    wishes = _parse_wishes(parameters, likes)
    base = _with_wishes(profile, wishes) if wishes.is_any else profile
    disliked = sorted(set(_parse_ids("dislike", parameters.dislike)) - set(base.dislikes))
    chosen = replace(
        base,
        exclude_keywords=(*base.exclude_keywords, *_parse_exclusions(parameters.exclude, base, wishes.query)),
        dislikes=(*base.dislikes, *disliked),
        ranking="relevance" if wishes.likes else base.ranking,  # others know no likeness
        announce_types=_announce_types(parameters.types) or base.announce_types,
        min_score=base.min_score if parameters.min_score is None else as_points(parameters.min_score),
        days_back=base.days_back if parameters.mailing else parameters.days or base.days_back,
        summaries=_summary_mode(parameters) or base.summaries,
        language=_find_language(parameters.lang, config) if parameters.lang else base.language,
    )
    limit = limit or MAX_ITEMS
    pairs = {**wishes.pairs, **_changes(chosen, base), "mailing": parameters.mailing}
    if limit != MAX_ITEMS:
        pairs["limit"] = limit
    canonical_parameters = urlencode({key: value for key, value in pairs.items() if value is not None}, safe=_SAFE)
    is_personal = any(pairs.get(parameter) for parameter in _PERSONAL)
    return Selection(name, chosen, parameters.mailing, limit, canonical_parameters, wishes.title, is_personal)


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What an address itself says is wanted, in canonical form."""

    query: Node | None
    authors: tuple[str, ...]
    likes: tuple[str, ...]

    @property
    def is_any(self) -> bool:
        return self.query is not None or bool(self.authors or self.likes)

    @property
    def pairs(self) -> dict[str, object]:
        """The same as parameters."""
        return {
            "q": str(self.query) if self.query else None,
            "au": ";".join(self.authors) or None,
            "like": ",".join(self.likes) or None,
        }

    @property
    def title(self) -> str:
        """The same in a few words."""
        parts = [
            str(self.query) if self.query else "",
            f"by {', '.join(self.authors)}" if self.authors else "",
            f"like {', '.join(self.likes)}" if self.likes else "",
        ]
        return shorten("; ".join(filter(None, parts)), _TITLE_LENGTH)


def _parse_wishes(parameters: SelectionParameters, likes: Sequence[str]) -> _Wishes:
    try:
        query = None if parameters.q is None else canonical(parse_query(parameters.q))
    except QueryMistake as error:
        raise BadQuery("q", f"is no query, {error}") from error
    if query is not None and len(str(query)) > MAX_CHARACTERS:
        raise BadQuery("q", _TOO_LONG)
    liked = {*likes, *_parse_ids("like", parameters.like)}
    return _Wishes(query, _parse_names(parameters.au), tuple(sorted(liked)))


def _with_wishes(profile: Profile, wishes: _Wishes) -> Profile:
    return replace(
        profile,
        query=wishes.query,
        keywords=(),
        exclude_keywords=(),
        authors=tuple(map(Keyword, wishes.authors)),
        likes=wishes.likes,
        dislikes=(),
        match="word",
        min_score=0.0 if wishes.query else LEAST_SCORE,
    )


def _parse_names(text: str | None) -> tuple[str, ...]:
    """Names in canonical form. A comma turns a name round (`LeCun, Yann`), or separates names where no space is."""
    names = set[str]()
    for name in map(str.strip, re.split(r";|,(?!\s)", plain_signs(text or ""))):
        try:
            names.update({canonical_name(read_name(name))} if name else ())
        except QueryMistake as error:
            raise BadQuery("au", error.reason) from error
    if text is not None and not names:
        raise BadQuery("au", "has no name in it, such as Yann LeCun")
    if len(names) > _MAX_NAMES:
        raise BadQuery("au", f"names {len(names)} people; {_MAX_NAMES} can be followed at most")
    return tuple(sorted(names))


def _parse_ids(parameter: str, text: str | None) -> tuple[str, ...]:
    """Identifiers of papers without version, in the order of their text."""
    ids = set()
    for one in filter(None, map(str.strip, plain_signs(text or "").split(","))):
        try:
            ids.add(parse_citation(one).number)
        except ValueError as error:
            raise BadQuery(parameter, str(error)) from error
    if text is not None and not ids:
        raise BadQuery(parameter, "has no identifier in it, such as 2401.01234")
    if len(ids) > _MAX_LIKES:
        raise BadQuery(parameter, f"names {len(ids)} papers; {_MAX_LIKES} can be named at most")
    return tuple(sorted(ids))


def _parse_exclusions(text: str | None, profile: Profile, query: Node | None) -> tuple[str, ...]:
    """What *text* excludes and *profile* does not, in canonical form; by the letter where the profile reads so.

    Together with *query* it may cost as much as a query may alone.
    """
    if text is None:
        return ()
    if profile.match == "substring":
        entries = {entry.strip().lower() for entry in text.split(",") if entry.strip()}
        known = set(profile.exclude_keywords)
    else:
        entries = _parse_entries(text, query)
        known = {_canonical_entry(parse_entry(entry)) for entry in profile.exclude_keywords}
    if not entries:
        raise BadQuery("exclude", "has no term in it; terms are joined by commas")
    if len(",".join(entries)) > MAX_CHARACTERS:
        raise BadQuery("exclude", _TOO_LONG)
    return tuple(sorted(entries - known))


def _parse_entries(text: str, query: Node | None) -> set[str]:
    start = 0
    nodes: list[Node] = []
    for entry in split_list(text):
        start = text.index(entry, start)
        try:
            nodes.append(parse_entry(entry))
        except QueryMistake as error:
            where = QueryMistake(start + error.column, error.reason)
            raise BadQuery("exclude", f"is no list of queries, {where}") from error
        start += len(entry)
    try:
        together = dict.fromkeys((*nodes, *([query] if query else ())))  # what is said twice costs once
        refuse_too_much(term for node in together for term in every_term(node))
    except QueryMistake as error:
        raise BadQuery("exclude", f"asks for too much, with q where that is given: {error.reason}") from error
    return set(map(_canonical_entry, nodes))


def _canonical_entry(node: Node) -> str:
    """The canonical text of an entry of a list, in which words side by side would be a phrase."""
    form = canonical(without_weights(node))
    return f"({form})" if isinstance(form, And) else str(form)


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


def addresses_of(selection: Selection, base: str) -> FeedAddresses:
    """Where the feed of *selection* is found under the public address *base*."""
    return feed_addresses(base, selection.scope, selection.parameters)


def feed_addresses(base: str, scope: str, parameters: str = "") -> FeedAddresses:
    """Where the feed of a canonical *scope* with canonical *parameters* is found under the public address *base*."""
    path = "" if scope == DEFAULT_PROFILE else f"/{quote(scope, safe='+')}"
    query = f"?{parameters}" if parameters else ""
    return FeedAddresses(
        page=f"{base}/{page_query(scope, parameters)}",
        rss=f"{base}/rss{path}{query}",
        atom=f"{base}/atom{path}{query}",
        json=f"{base}/jsonfeed{path}{query}",
    )


def page_query(scope: str, parameters: str = "", *, mailing: date | None = None) -> str:
    """The query string of the page of the feed of *scope* and *parameters*, "" for the default one's newest mailing."""
    parts = (
        "" if scope == DEFAULT_PROFILE else f"scope={quote(scope, safe='')}",
        parameters,
        f"mailing={mailing}" if mailing else "",
    )
    text = "&".join(filter(None, parts))
    return f"?{text}" if text else ""


def feed_title(selection: Selection, *, sample_data: bool) -> str:
    """What readers show as the feed's name."""
    scope = selection.scope
    subject = ", ".join(selection.profile.categories) if scope == DEFAULT_PROFILE else scope.replace("+", ", ")
    title = f"arXiv: {subject}: {selection.wish}" if selection.wish else f"arXiv: {subject}"
    return f"{title} (sample data)" if sample_data else title


def _category(name: str, scope: str, config: Config) -> str:
    category = find_category(name)
    if category is None:
        if name != scope and config.find_profile(name):
            raise UnknownScope(scope[:100], f"{name!r} is a profile, and only categories can be joined.")
        names = {profile.name.lower(): profile.name for profile in config.profiles}
        profiles = difflib.get_close_matches(name[:100].lower(), names, n=1) if name.lower() not in ARCHIVES else []
        hint = f"Did you mean the profile {names[profiles[0]]!r}?" if profiles else hint_for(name[:100])
        if name != scope:
            hint = f"Of its parts {name[:100]!r} is no category. {hint}"
        elif "," in name:
            hint = f"Categories are joined by +, as in cs.AI+cs.LG. {hint}"
        raise UnknownScope(scope[:100], hint)
    return category.id


def _announce_types(types: str | None) -> tuple[AnnounceType, ...]:
    wanted = types.split(",") if types else []
    return tuple(one for one in AnnounceType if one in wanted)


def _find_language(asked: str, config: Config) -> str:
    """The language that *asked* stands for where summaries are written: `zh` for `zh-CN` (RFC 4647 3.4)."""
    subtags = asked.split("-")
    ranges = ("-".join(subtags[:length]) for length in range(len(subtags), 0, -1))
    return next((one for one in ranges if one in config.summary_languages), asked)


def _summary_mode(parameters: SelectionParameters) -> SummaryMode | None:
    """What an address says of summaries, None where it says nothing. Raises BadQuery where it says two things."""
    told = next((mode for mode, text in _SUMMARY_PARAMETERS.items() if text == parameters.summaries), None)
    if parameters.brief is None or told is None:
        return "brief" if parameters.brief == "1" else told
    if (parameters.brief == "1") != (told == "brief"):
        raise BadQuery("brief", f"cannot be {parameters.brief} together with summaries={parameters.summaries}")
    return told


def _changes(chosen: Profile, base: Profile) -> dict[str, object]:
    """The parameters that make *chosen* of *base*, in fixed order, None for what is the same."""
    exclusions = chosen.exclude_keywords[len(base.exclude_keywords) :]
    dislikes = chosen.dislikes[len(base.dislikes) :]
    return {
        "dislike": ",".join(dislikes) or None,
        "exclude": ",".join(exclusions) or None,
        "types": ",".join(chosen.announce_types) if chosen.announce_types != base.announce_types else None,
        "min_score": f"{chosen.min_score + 0.0:.15g}" if chosen.min_score != base.min_score else None,
        "days": chosen.days_back if chosen.days_back != base.days_back else None,
        "summaries": _SUMMARY_PARAMETERS[chosen.summaries] if chosen.summaries != base.summaries else None,
        "lang": chosen.language if chosen.language != base.language else None,
    }
