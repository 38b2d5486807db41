"""The form of `/build` -> a feed: what was filled in, what is wrong with it, and everything to subscribe with.

The form sends each category and each announce type as a parameter of its own; what comes out of it are the addresses
of `api/selection.py`. Nothing here reads the store or asks arXiv.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.datastructures import QueryParams

from api.selection import FeedParameters, parse_selection
from core.arxiv.taxonomy import CATEGORIES, Category, find_category
from core.catalogue import MAX_ITEMS, FeedAddresses, Outcome, Selected, Selection
from core.config import DEFAULT_PROFILE, Config
from core.errors import BadQuery, QueryMistake, UnknownScope
from core.profiles import Keyword, Profile

TEXTS = ("q", "exclude", "au", "like", "dislike", "min_score", "limit", "days", "summaries", "lang")
PROFILE_NAME = "my-feed"

_LABELS: Mapping[str, str] = {
    "cat": "The choice of categories",
    "q": "The query",
    "exclude": "What to leave out",
    "au": "The authors",
    "like": "The papers that you like",
    "dislike": "The papers that you do not like",
    "types": "The announce types",
    "min_score": "The minimum score",
    "limit": "The number of papers",
    "days": "The number of days",
    "summaries": "The choice of summaries",
    "lang": "The language",
}
_EXPECTED: Mapping[str, str] = {
    "greater_than_equal": "must be {ge:g} or more",
    "less_than_equal": "must be {le:,g} or less",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
    "string_too_long": "is longer than {max_length:,} characters",
    "string_pattern_mismatch": "must be a tag such as en or zh",
}
_LONGEST_SCANNED = 800  # characters of an address; a code with more is too fine for the camera of a phone

# How each reader is told an address. Feedbin's help, NewsBlur's page of goodies and The Old Reader's tips give theirs;
# those of Feedly and Inoreader are what other sites use (looked up in 2026).
_READERS: Mapping[str, str] = {
    "Feedly": "https://feedly.com/i/subscription/feed%2F{}",
    "Inoreader": "https://www.inoreader.com/?add_feed={}",
    "NewsBlur": "https://www.newsblur.com/?url={}",
    "The Old Reader": "https://theoldreader.com/feeds/subscribe?url={}",
    "Feedbin": "https://feedbin.com/?subscribe={}",
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a field, as a sentence; of a query `column` says where, from 1, None where that is unknown."""

    field: str
    text: str
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """What was filled in, as it came; `texts` has every field that takes a text, empty where nothing did."""

    categories: tuple[str, ...]
    types: tuple[str, ...]
    texts: Mapping[str, str]

    @property
    def scope(self) -> str:
        return "+".join(self.categories) or DEFAULT_PROFILE

    @property
    def parameters(self) -> dict[str, str]:
        """What was filled in as parameters of a feed; a scope is none."""
        types = {"types": ",".join(self.types)} if self.types else {}
        return {name: text for name, text in self.texts.items() if text} | types

    @property
    def query(self) -> str:
        """The same as the query string of a form that is sent."""
        pairs = [("cat", one) for one in self.categories] + [("types", one) for one in self.types]
        return urlencode([*pairs, *((name, text) for name, text in self.texts.items() if text)])


@dataclass(frozen=True, slots=True)
class Group:
    """Categories that stand together, each with whether it is chosen and whether this service follows it."""

    name: str
    rows: tuple[tuple[Category, bool, bool], ...]

    @property
    def chosen(self) -> int:
        return sum(is_chosen for _, is_chosen, _ in self.rows)

    @property
    def is_open(self) -> bool:
        return any(is_chosen or is_followed for _, is_chosen, is_followed in self.rows)


@dataclass(frozen=True, slots=True)
class Day:
    """A mailing in a preview: how many papers it announced in the feed's categories, and how many are listed."""

    mailing: date
    announced: int
    listed: int


def read_form(query: QueryParams) -> Form:
    """The form as *query* has it. Of a field that came several times the last text counts, as in any form."""
    return Form(
        categories=tuple(dict.fromkeys(filter(None, map(str.strip, query.getlist("cat"))))),
        types=tuple(dict.fromkeys(filter(None, map(str.strip, query.getlist("types"))))),
        texts={name: (query.get(name) or "").strip() for name in TEXTS},
    )


def carry_over(query: QueryParams, scope: str = "") -> str:
    """What a page or a feed was asked for, as the query string of the form that asks for the same.

    Without a *scope* of its path it is the one in *query*. The name of a profile, and a mailing, have no field.
    """
    form = read_form(query)
    wanted = (scope or query.get("scope", "")).replace(" ", "+").split("+")
    categories = [one for one in map(find_category, wanted) if one]
    brief = {"summaries": "brief"} if query.get("brief") == "1" else {}
    return replace(
        form,
        categories=(*form.categories, *(one.id for one in categories)),
        types=tuple(",".join(form.types).split(",")) if form.types else (),
        texts={**form.texts, **brief},
    ).query


def select_form(form: Form, config: Config) -> tuple[Selection | None, tuple[Mistake, ...]]:
    """The feed that *form* asks for, None where anything is wrong, and every mistake in it in the order of the form."""
    mistakes: list[Mistake] = []
    scope, given = form.scope, form.parameters
    for _ in range(len(given) + 2):  # each round takes out a scope or a parameter at least
        try:
            parameters = FeedParameters.model_validate(given)
            selection = parse_selection(scope, parameters, config, limit=parameters.limit)
        except ValidationError as error:
            found = [_parameter_mistake(one) for one in error.errors()]
        except BadQuery as error:
            found = [_query_mistake(error)]
        except UnknownScope as error:
            found = [Mistake("cat", str(error))]
        else:
            return (None if mistakes else selection), tuple(sorted(mistakes, key=_place_in_form))
        mistakes += found
        wrong = {one.field for one in found}
        scope = DEFAULT_PROFILE if "cat" in wrong else scope
        given = {name: text for name, text in given.items() if name not in wrong}
    return None, tuple(sorted(mistakes, key=_place_in_form))


def _place_in_form(mistake: Mistake) -> int:
    fields = list(_LABELS)
    return fields.index(mistake.field) if mistake.field in fields else len(fields)


def _parameter_mistake(error: ErrorDetails) -> Mistake:
    name = str(error["loc"][0])
    expected = _EXPECTED.get(error["type"])
    reason = expected.format(**error.get("ctx", {})) if expected else f"is not usable: {error['msg']}"
    return Mistake(name, f"{_LABELS.get(name, name)} {reason.replace('Value error, ', '')}.")


def _query_mistake(error: BadQuery) -> Mistake:
    cause = error.__cause__
    if isinstance(cause, QueryMistake) and error.parameter == "q":
        return Mistake("q", f"The query cannot be read at column {cause.column}: {cause.reason}.", cause.column)
    label = _LABELS.get(error.parameter, error.parameter)
    joint = " " if error.reason.startswith(("is ", "has ", "asks ", "cannot ")) else ": "
    return Mistake(error.parameter, f"{label}{joint}{error.reason}.")


def group_categories(form: Form, config: Config) -> tuple[Group, ...]:
    """Every category of arXiv by its subject, the subjects of those that are followed first."""
    chosen = {one.lower() for one in form.categories}
    followed = set(config.categories)
    groups: dict[str, list[tuple[Category, bool, bool]]] = {}
    for category in CATEGORIES.values():
        row = (category, category.id.lower() in chosen, category.id in followed)
        groups.setdefault(category.group, []).append(row)
    sorted_groups = sorted(groups, key=lambda name: not any(row[2] for row in groups[name]))
    return tuple(Group(name, tuple(groups[name])) for name in sorted_groups)


def list_days(selected: Selected) -> tuple[Day, ...]:
    """The mailings that *selected* reaches over, newest first."""
    days = []
    for mailing in selected.mailings:
        counts = selected.count(mailing)
        days.append(Day(mailing, sum(counts.values()), counts[Outcome.LISTED]))
    return tuple(days)


def tell_rate(days: Sequence[Day]) -> str:
    """How many papers a mailing lists on average of *days*, as a sentence; "" where there are none."""
    if not days:
        return ""
    rate = sum(day.listed for day in days) / len(days)
    if not rate:
        return "No papers in these mailings."
    number = f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}".removesuffix(".0")
    return f"About {number} paper{'' if number == '1' else 's'} a mailing."


def list_readers(addresses: FeedAddresses) -> tuple[tuple[str, str], ...]:
    """Names of feed readers, each with the address at which it offers to subscribe, the feed: scheme last."""
    asked = quote(addresses.rss, safe="")
    return (*((name, form.format(asked)) for name, form in _READERS.items()), ("feed:", f"feed:{addresses.rss}"))


def is_reachable(address: str) -> bool:
    """Whether readers on the web can be thought to reach *address*: not this machine, not a private network."""
    host = urlsplit(address).hostname or ""
    if host == "localhost" or not {".", ":"}.intersection(host):
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return not host.endswith((".localhost", ".local", ".internal", ".lan"))


def draw_code(address: str) -> str | None:
    """*address* as a QR code in SVG, dark on light in any scheme; None where it is too long to be scanned."""
    if len(address) > _LONGEST_SCANNED:
        return None
    import segno  # noqa: PLC0415 - only the builder draws

    code = segno.make_qr(address, error="l")
    return code.svg_inline(border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None)


def write_snippet(selection: Selection, config: Config) -> str:
    """*selection* as a profile for `config.json`: what it has of its own, as JSON that can be pasted.

    Whatever is left out the profile takes from the keys at the top of the file, as the feed did, but for what
    `list_beside_snippet` has.
    """
    own: dict[str, Any] = {"categories": list(selection.profile.categories)}  # Any: JSON
    own |= _differences(selection.profile, config.default)
    return json.dumps({"profiles": {PROFILE_NAME: own}}, indent=2, ensure_ascii=False)


def list_beside_snippet(selection: Selection) -> tuple[str, ...]:
    """What *selection* has that no profile can say, as parameters of an address.

    The limit bounds the whole feed, where a profile's `max_papers` bounds each mailing; a profile has summaries or not.
    """
    limit = (f"limit={selection.limit}",) if selection.limit != MAX_ITEMS else ()
    return (*limit, *(("summaries=brief",) if selection.profile.summaries == "brief" else ()))


def _differences(profile: Profile, default: Profile) -> dict[str, Any]:
    """The keys of config.json, but for the categories, in which *profile* differs from *default*.

    What is matched otherwise needs its ranking said, whose default follows from how it is matched.
    """
    here, there = _keys(profile), _keys(default)
    needed = {"ranking"} if profile.match != default.match else set()
    return {name: value for name, value in here.items() if value != there[name] or name in needed}


def _keys(profile: Profile) -> dict[str, Any]:
    return {
        "query": str(profile.query) if profile.query else None,
        "keywords": _terms(profile.keywords),
        "exclude_keywords": list(profile.exclude_keywords),
        "authors": _terms(profile.authors),
        "likes": list(profile.likes),
        "dislikes": list(profile.dislikes),
        "announce_types": list(profile.announce_types),
        "match": profile.match,
        "ranking": profile.ranking,
        "min_score": profile.min_score,
        "days_back": profile.days_back,
        "summaries": profile.summaries != "none",
        "language": profile.language,
    }


def _terms(keywords: Sequence[Keyword]) -> list[object]:
    return [one.term if one.weight == 1 else {"term": one.term, "weight": one.weight} for one in keywords]
