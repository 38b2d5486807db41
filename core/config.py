"""config.json -> profiles; a mistake in it stops the program, with its place.

The file of a user of the origin, the bot that this project grew from, loads unchanged. A mistake is never replaced by a
default: values of the wrong kind, categories that do not exist and keys that look like misspelt ones are errors that
name file, line and column. Keys that are not used are named in a warning. Secrets and whatever differs between
deployments come from the environment (`core/settings.py`).
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from core.arxiv.taxonomy import find_category, hint_for
from core.errors import BadConfig, QueryMistake
from core.papers import AnnounceType, parse_citation
from core.profiles import Keyword, MatchMode, Profile, Ranking, as_points
from core.query import MAX_CHARACTERS, Node, parse_entry, parse_query, read_name, wanted_terms
from core.scoring import gives_points, is_usable_term
from core.summaries.attempts import SourceKind
from core.summaries.languages import find_language
from core.summaries.options import DEFAULT_KEY, DEFAULT_LANGUAGE, DEFAULT_MODEL, KNOWN_PRICES, Limits, Options, Price

if TYPE_CHECKING:
    from json_source_map.types import Entry

DEFAULT_PROFILE = "default"

MAX_PAPERS = 2_000
MAX_DAYS_BACK = 366
MAX_SCORE = 1_000_000.0
MAX_PRICE = 100_000.0
_MAX_PROMPT_BYTES = 100_000
_MAX_FILE_BYTES = 1_000_000
_MAX_TERMS = 3_000
_MAX_LIKES = 500

_EXAMPLE = 'an object such as {"categories": ["cs.AI"]}'
_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "an object in {{ }}",
    "finite_number": "a number",
    "float_type": "a number",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "{ge:,.15g} or more",
    "int_type": "a whole number",
    "less_than": "less than {lt:g}",
    "less_than_equal": "{le:,.15g} or less",
    "list_type": "a list in [ ]",
    "literal_error": "{expected}",
    "model_type": "an object in {{ }}",
    "string_too_long": "a text of {max_length} characters at most",
    "string_too_short": "a text that is not empty",
    "string_type": "a text in quotes",
    "string_unicode": "a text without half characters (\\ud800 to \\udfff)",
    "too_long": "a list of {max_length:,} at most",
    "too_short": "a list that is not empty",
}

_DEFAULT_OPTIONS = Options()
# Keys of ai_summary under the name that the option has.
_SAME_OPTIONS = {
    "papers": "max_papers_to_summarize",
    "workers": "max_workers",
    "temperature": "temperature",
    "timeout_seconds": "timeout_seconds",
    "max_output_tokens": "max_output_tokens",
}
_LIMITS = ("papers_per_run", "papers_per_day", "tokens_per_day", "cost_per_day")
_SOURCES: Mapping[str, tuple[SourceKind, ...]] = {
    "html": ("html", "abstract"),
    "pdf": ("pdf", "html", "abstract"),
    "abstract": ("abstract",),
}

_Model = TypeVar("_Model", bound=BaseModel)

# As long as in an address, so that any feed can become a profile.
Term = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_CHARACTERS)]
_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]  # of a model


@dataclass(frozen=True, slots=True)
class Config:
    """What config.json says: the default profile, the named ones in file order, how summaries are made, and what a
    person should know.
    """

    default: Profile
    profiles: tuple[Profile, ...] = ()
    warnings: tuple[str, ...] = ()
    summaries: Options = _DEFAULT_OPTIONS

    @property
    def every_profile(self) -> tuple[Profile, ...]:
        """All profiles, the default one first."""
        return (self.default, *self.profiles)

    @property
    def summary_languages(self) -> tuple[str, ...]:
        """The tags of the languages that profiles want summaries in, the default one's first."""
        return tuple(dict.fromkeys(one.language for one in self.every_profile if one.summaries != "none"))

    @property
    def categories(self) -> tuple[str, ...]:
        """Every category that a profile follows, each once, in file order."""
        every = (category for profile in self.every_profile for category in profile.categories)
        return tuple(dict.fromkeys(every))

    @property
    def days_back(self) -> int:
        """The longest window of any profile, in days: as far back papers are wanted."""
        return max(profile.days_back for profile in self.every_profile)

    def find_profile(self, name: str) -> Profile | None:
        """The profile with this *name*; "default" is the unnamed one."""
        return next((profile for profile in self.every_profile if profile.name == name), None)


def _as_object(value: object) -> object:
    return {"term": value} if isinstance(value, str) else value


class _Keyword(BaseModel):
    model_config = ConfigDict(strict=True)

    term: Term
    weight: float = Field(default=1.0, gt=0, le=100, allow_inf_nan=False)


_Keywords = Annotated[list[Annotated[_Keyword, BeforeValidator(_as_object)]], Field(max_length=_MAX_TERMS)]


class _Profile(BaseModel):
    """The keys of a profile, with the values that an absent key has in the default profile."""

    model_config = ConfigDict(strict=True)

    categories: list[str] = Field(min_length=1, max_length=200)
    query: str | None = None
    keywords: _Keywords = []
    exclude_keywords: list[Term] = Field(default=[], max_length=_MAX_TERMS)
    authors: _Keywords = []
    likes: list[Term] = Field(default=[], max_length=_MAX_LIKES)
    dislikes: list[Term] = Field(default=[], max_length=_MAX_LIKES)
    announce_types: list[Literal["new", "cross", "replace", "replace-cross"]] = Field(
        default=["new", "cross"], min_length=1
    )
    match: MatchMode = "word"
    ranking: Ranking | None = None
    min_score: float = Field(default=0.0, ge=0, le=MAX_SCORE, allow_inf_nan=False)
    max_papers: int = Field(default=30, ge=1, le=MAX_PAPERS)
    days_back: int = Field(default=7, ge=1, le=MAX_DAYS_BACK)
    summaries: bool = True
    language: str | None = None


class _Price(BaseModel):
    model_config = ConfigDict(strict=True)

    input: float = Field(ge=0, le=MAX_PRICE, allow_inf_nan=False)
    output: float = Field(ge=0, le=MAX_PRICE, allow_inf_nan=False)


class _AiSummary(BaseModel):
    """How summaries are made: the origin's keys, and ours; null stands for the default."""

    model_config = ConfigDict(strict=True)

    enabled: bool = False
    model: _Name | None = None
    fallback_models: list[_Name] = Field(default=[], max_length=5)
    api_key_env: str | None = None
    base_url: str | None = None
    max_papers_to_summarize: int | None = Field(default=None, ge=0, le=MAX_PAPERS)
    max_workers: int | None = Field(default=None, ge=1, le=32)
    prompt_file: str | None = None
    language: str | None = None
    source: Literal["html", "pdf", "abstract"] | None = None
    temperature: float | None = Field(default=None, ge=0, lt=2, allow_inf_nan=False)
    timeout_seconds: float | None = Field(default=None, ge=1, le=900, allow_inf_nan=False)
    max_output_tokens: int | None = Field(default=None, ge=200, le=100_000)
    max_papers_per_run: int | None = Field(default=None, ge=1)
    max_papers_per_day: int | None = Field(default=None, ge=0)
    max_tokens_per_day: int | None = Field(default=None, ge=0)
    max_cost_per_day: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    prices: dict[_Name, _Price] = {}
    currency: str = Field(default="CNY", min_length=1, max_length=10)


class _File(_Profile):
    enable_deduplication: bool = True
    deduplication_methods: list[Term] = ["id"]
    ai_summary: _AiSummary = _AiSummary()
    profiles: dict[Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")], dict[str, object]] = {}


def load_config(path: Path) -> Config:
    """The configuration in the file *path*, and in the prompt that it names.

    Raises BadConfig with file, line, column and what is expected.
    """
    try:
        body = path.read_bytes()
    except OSError as error:
        raise BadConfig(f"{path}: cannot be read ({error.strerror}); CONFIG_FILE names another file") from error
    if len(body) > _MAX_FILE_BYTES:
        raise BadConfig(f"{path}: is larger than {_MAX_FILE_BYTES:,} bytes, which no configuration needs")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        *before, current = error.object[: error.start].decode().split("\n")
        raise BadConfig(f"{path}:{len(before) + 1}:{len(current) + 1}: not UTF-8; save the file as UTF-8") from error
    return parse_config(text, name=str(path), read_prompt=lambda named: _read_prompt(path.parent / named))


def parse_config(
    text: str, *, name: str = "config.json", read_prompt: Callable[[str], str] = lambda named: named
) -> Config:
    """The configuration that *text* holds; *name* is what errors call it. Raises BadConfig.

    *read_prompt* gives the text of the file that `prompt_file` names, and raises ValueError where it cannot be used.
    """
    try:
        return _build_config(text, _Places(text, name), read_prompt)
    except RecursionError as error:
        raise BadConfig(f"{name}:1:1: lists and objects are nested too deeply for a configuration") from error


def _read_prompt(path: Path) -> str:
    try:
        body = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror})") from error
    if len(body) > _MAX_PROMPT_BYTES:
        raise ValueError(f"{path} is larger than {_MAX_PROMPT_BYTES:,} bytes, which no prompt needs")
    try:
        text = body.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8") from error
    if not text:
        raise ValueError(f"{path} is empty")
    return text


def _build_config(text: str, place: _Places, read_prompt: Callable[[str], str]) -> Config:
    document = _parse_json(text, place)
    warnings = list(_check_keys(document, place))
    file = _validated(_File, document, (), place)
    options = _build_options(file.ai_summary, place, read_prompt)
    default = _build_profile(DEFAULT_PROFILE, file, (), place, options)
    profiles = tuple(
        _build_named_profile(profile_name, file, document, place=place, warnings=warnings, options=options)
        for profile_name in file.profiles
    )
    warnings += _doubts(file, (default, *profiles), options)
    return Config(default, profiles, tuple(warnings), options)


def _build_options(keys: _AiSummary, place: _Places, read_prompt: Callable[[str], str]) -> Options:
    where = ("ai_summary",)
    key_variable = keys.api_key_env or DEFAULT_KEY
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,99}", key_variable):  # it may be the key itself: do not print it
        reason = (
            f"the name of an environment variable is expected, such as {DEFAULT_KEY}; a key is no part of this file"
        )
        place.refuse((*where, "api_key_env"), f"ai_summary.api_key_env: {reason}")
    if keys.base_url and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", keys.base_url.strip()):
        place.refuse((*where, "base_url"), "ai_summary.base_url: an address such as https://example.org/v1 is expected")
    try:
        template = read_prompt(keys.prompt_file) if keys.prompt_file and keys.enabled else None
    except ValueError as error:
        place.refuse((*where, "prompt_file"), f"ai_summary.prompt_file: {error}")
    known = {name: getattr(keys, key) for name, key in _SAME_OPTIONS.items() if getattr(keys, key) is not None}
    limits = {name: getattr(keys, f"max_{name}") for name in _LIMITS if getattr(keys, f"max_{name}") is not None}
    return Options(
        is_enabled=keys.enabled,
        models=tuple(dict.fromkeys((keys.model or DEFAULT_MODEL, *keys.fallback_models))),
        key_variable=key_variable,
        base_url=(keys.base_url or "").strip().rstrip("/") or None,
        template=template,
        language=_language(keys.language, (*where, "language"), place) or DEFAULT_LANGUAGE,
        sources=_SOURCES[keys.source or "html"],
        limits=Limits(**limits),
        prices={**KNOWN_PRICES, **{name: Price(price.input, price.output) for name, price in keys.prices.items()}},
        currency=keys.currency,
        **known,
    )


def _language(text: str | None, where: tuple[str, ...], place: _Places) -> str | None:
    """The tag of the language that *text* names, None where it names none."""
    if not text:
        return None
    found = find_language(text)
    if found is None:
        place.refuse(where, f"{text!r} is no language; a tag such as zh, en or pt-br is expected, or an English name")
    return found.tag


def _build_named_profile(
    name: str, file: _File, document: Mapping[str, Any], *, place: _Places, warnings: list[str], options: Options
) -> Profile:
    """The profile *name*: its own keys, and the default profile's where it has none."""
    where = ("profiles", name)
    if name == DEFAULT_PROFILE or find_category(name):
        reason = f"{name!r} is taken: a profile needs a name that is neither a category nor 'default'"
        place.refuse(where, reason, of_key=True)
    own = file.profiles[name]
    warnings += _check_profile_keys(own, where, _Profile, place)
    inherited = {key: document[key] for key in _Profile.model_fields if key in document}
    if own.get("match") == "substring":  # of which only one ranking is possible
        inherited.pop("ranking", None)
    profile = _validated(_Profile, inherited | own, where, place)
    return _build_profile(name, profile, where, place, options)


def _build_profile(name: str, profile: _Profile, where: tuple[str, ...], place: _Places, options: Options) -> Profile:
    _check_entries(profile, where, place)
    return Profile(
        name=name,
        categories=tuple(dict.fromkeys(_categories(profile.categories, where, place))),
        query=_query(profile.query, where, place),
        keywords=tuple(Keyword(keyword.term, keyword.weight) for keyword in profile.keywords),
        exclude_keywords=tuple(profile.exclude_keywords),
        authors=tuple(Keyword(read_name(author.term), author.weight) for author in profile.authors),
        likes=_paper_ids(profile.likes, (*where, "likes"), place),
        dislikes=_paper_ids(profile.dislikes, (*where, "dislikes"), place),
        announce_types=tuple(one for one in AnnounceType if one.value in profile.announce_types),
        match=profile.match,
        ranking=_ranking(profile, where, place),
        min_score=as_points(profile.min_score),
        max_papers=profile.max_papers,
        days_back=profile.days_back,
        summaries="full" if profile.summaries else "none",
        language=_language(profile.language, (*where, "language"), place) or options.language,
    )


def _check_entries(profile: _Profile, where: tuple[str, ...], place: _Places) -> None:
    """Refuses an entry of a list of terms that is no term and no query; authors are names in either mode."""
    for field, terms in (
        ("keywords", [keyword.term for keyword in profile.keywords]),
        ("exclude_keywords", profile.exclude_keywords),
        ("authors", [author.term for author in profile.authors]),
    ):
        for index, term in enumerate(terms):
            try:
                if field == "authors":
                    read_name(term)
                elif not is_usable_term(term, profile.match):
                    place.refuse((*where, field, index), f"{term!r} has no letter or digit, so no paper can match it")
                elif profile.match == "word":
                    parse_entry(term)
            except QueryMistake as error:
                told = error.reason if field == "authors" else f"{term!r} is no query, {error}"
                place.refuse((*where, field, index), told)


def _query(text: str | None, where: tuple[str, ...], place: _Places) -> Node | None:
    try:
        return None if text is None else parse_query(text)
    except QueryMistake as error:
        place.refuse((*where, "query"), f"{text!r} is no query, {error}")


def _paper_ids(texts: Iterable[str], where: tuple[str, ...], place: _Places) -> tuple[str, ...]:
    ids = []
    for index, text in enumerate(texts):
        try:
            ids.append(parse_citation(text).number)
        except ValueError as error:
            place.refuse((*where, index), str(error))
    return tuple(dict.fromkeys(ids))


def _ranking(profile: _Profile, where: tuple[str, ...], place: _Places) -> Ranking:
    """The ranking that is asked for; by the letter there are no words that could be rare."""
    if profile.match == "word":
        return profile.ranking or "relevance"
    if profile.ranking == "relevance":
        place.refuse(
            (*where, "ranking"), '"relevance" weighs whole words; with "match": "substring" only "count" works'
        )
    return "count"


def _categories(names: Iterable[str], where: tuple[str, ...], place: _Places) -> Iterable[str]:
    for index, name in enumerate(names):
        category = find_category(name)
        if category is None:
            place.refuse((*where, "categories", index), f"{name!r} is no category of arXiv. {hint_for(name)}")
        yield category.id


def _parse_json(text: str, place: _Places) -> dict[str, Any]:
    if not text.strip():
        raise BadConfig(f"{place.name}:1:1: the file is empty; {_EXAMPLE} is expected")
    try:
        document = json.loads(text, object_pairs_hook=_unique_keys)
    except json.JSONDecodeError as error:
        mistake = _explain_mistake(error)
        raise BadConfig(f"{place.name}:{mistake.lineno}:{mistake.colno}: not JSON: {mistake.msg}") from error
    except _DuplicateKeyError as error:
        place.refuse_duplicate(error.key)
    except ValueError as error:  # Python turns no text of more than 4,300 digits into a number
        raise BadConfig(f"{place.name}:1:1: a number in it has thousands of digits") from error
    if not isinstance(document, dict):
        place.refuse((), f"{_EXAMPLE} is expected")
    return document


_QUOTES = 'texts and keys stand in plain double quotes (")'
_SLIPS = {
    **dict.fromkeys(("'", "“", "”", "„", "‘", "’", "«", "»"), _QUOTES),
    **dict.fromkeys(
        ("True", "TRUE", "False", "FALSE", "Null", "NULL"), "true, false and null are written in small letters"
    ),
    **dict.fromkeys(("None", "NONE"), "null stands for None"),
    "\0": "the file is UTF-16; save it as UTF-8",
}


def _explain_mistake(error: json.JSONDecodeError) -> json.JSONDecodeError:
    """*error* in words for the mistakes that people make most, at the place that has to be changed."""
    comma = error.doc.rfind(",", 0, error.pos + 1)
    if comma >= 0 and re.match(r",\s*[\]}]", error.doc[comma:]) and not error.doc[comma + 1 : error.pos].strip():
        return json.JSONDecodeError("no comma is allowed before ] or }", error.doc, comma)
    if error.doc.startswith(("//", "/*", "#"), error.pos):
        return json.JSONDecodeError("no comments are allowed", error.doc, error.pos)
    if error.msg.startswith("Invalid control character"):
        return json.JSONDecodeError("a text ends on its line; \\n stands for a line break in it", error.doc, error.pos)
    for sign, advice in _SLIPS.items():
        if error.doc.startswith(sign, error.pos):
            return json.JSONDecodeError(advice, error.doc, error.pos)
    return error


class _DuplicateKeyError(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _DuplicateKeyError(key)
        found[key] = value
    return found


# What addresses and options call the keys of a profile.
_NAMED_IN_ADDRESSES = {
    "exclude": "exclude_keywords",
    "types": "announce_types",
    "days": "days_back",
    "limit": "max_papers",
    "lang": "language",
    "q": "query",
    "au": "authors",
    "like": "likes",
    "dislike": "dislikes",
}


def _check_keys(document: Mapping[str, Any], place: _Places) -> Iterable[str]:
    yield from _check_profile_keys(document, (), _File, place)
    if isinstance(document.get("ai_summary"), dict):
        yield from _check_keys_of(document["ai_summary"], ("ai_summary",), _AiSummary, place)
        prices = document["ai_summary"].get("prices")
        for model, price in prices.items() if isinstance(prices, dict) else ():
            if isinstance(price, dict):
                yield from _check_keys_of(price, ("ai_summary", "prices", model), _Price, place)


def _check_profile_keys(
    found: Mapping[str, object], where: tuple[str, ...], model: type[_Profile], place: _Places
) -> Iterable[str]:
    """What `_check_keys_of` says of *found* itself and of the objects in its lists of terms."""
    yield from _check_keys_of(found, where, model, place)
    for field in ("keywords", "authors"):
        terms = found.get(field)
        for index, term in enumerate(terms if isinstance(terms, list) else ()):
            if isinstance(term, dict):
                yield from _check_keys_of(term, (*where, field, index), _Keyword, place)


def _check_keys_of(
    found: Mapping[str, object], where: tuple[str | int, ...], model: type[BaseModel], place: _Places
) -> list[str]:
    """A warning for each key of *found* that *model* does not know; a likely misspelling is refused."""
    warnings = []
    for key in found:
        if key in model.model_fields:
            continue
        similar = difflib.get_close_matches(key.lower(), model.model_fields, n=1, cutoff=0.8)
        if similar:
            place.refuse((*where, key), f"there is no key {key!r}; {similar[0]!r} is probably meant", of_key=True)
        line, column = place.find((*where, key), of_key=True)
        meant = _NAMED_IN_ADDRESSES.get(key.lower())
        hint = f"; {meant!r} is probably meant" if meant in model.model_fields else ""
        warnings.append(f"{place.name}:{line}:{column}: {key!r} is not used{hint}")
    return warnings


def _validated(model: type[_Model], values: object, where: tuple[str, ...], place: _Places) -> _Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = (*where, *first["loc"])
        if first["type"] == "missing":
            place.refuse(path, f"the key {_named(path)} is required")
        if path[-1] == "[key]":  # pydantic's word for a key that does not fit
            reason = f"{first['input']!r} cannot be a profile's name: a-z, 0-9, - and _, 64 at most, are expected"
            place.refuse(path[:-1], reason, of_key=True)
        found = json.dumps(first["input"], ensure_ascii=False, default=str)
        place.refuse(path, f"{_named(path)}: {_expected(first)} is expected, but here is {found[:80]}")


def _named(path: Iterable[str | int]) -> str:
    """*path* as people write it: `profiles.vision.keywords[0].term`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _expected(error: ErrorDetails) -> str:
    """What pydantic's *error* asks for, in words for whoever writes the file; its own words where we have none."""
    context = error.get("ctx", {})
    if error["type"] == "model_type" and context.get("class_name") == _Keyword.__name__:
        return 'a text, or an object such as {"term": "kv cache", "weight": 2},'
    pattern = _EXPECTED.get(error["type"])
    return pattern.format(**context) if pattern else f"something else ({error['msg']})"


def _doubts(file: _File, profiles: Iterable[Profile], options: Options) -> Iterable[str]:
    """What is allowed and probably not meant."""
    if not file.enable_deduplication:
        yield "enable_deduplication is false: papers are merged by their arXiv id all the same"
    if options.limits.cost_per_day is not None:
        for model in options.models:
            if model not in options.prices:
                yield f"ai_summary.max_cost_per_day cannot be kept for {model!r}, whose price ai_summary.prices lacks"
    for profile in profiles:
        if profile.ranking == "count" and profile.likes:
            yield f"profile {profile.name!r} has likes, which have no say in the ranking by count"
        for keyword in profile.keywords if profile.match == "word" else ():
            if not any(wanted_terms(parse_entry(keyword.term))):
                yield f"profile {profile.name!r} has the keyword {keyword.term!r}, all of which stands behind a NOT"
        for term in profile.exclude_keywords if profile.match == "word" else ():
            if not any(wanted_terms(parse_entry(term))):
                yield f"profile {profile.name!r} excludes {term!r}, which leaves only papers that have what it names"
        if profile.min_score > 0 and not gives_points(profile):
            yield f"profile {profile.name!r} has a min_score and nothing that gives points, so it lists no paper"


class _Places:
    """Where the values of a JSON text stand; built only when something is to be said about one."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self._text = text

    def find(self, path: Iterable[str | int], *, of_key: bool = False) -> tuple[int, int]:
        """Line and column, from 1, of the value at *path* (or of its key), or of the nearest value around it."""
        entries = dict(self._entries())
        parts = [json.dumps(str(part), ensure_ascii=False)[1:-1] for part in path]  # keys stand there as in the text
        for length in range(len(parts), -1, -1):
            entry = entries.get("".join(f"/{part}" for part in parts[:length]))
            if entry is not None:
                place = entry.key_start if of_key and entry.key_start is not None else entry.value_start
                return place.line + 1, place.column + 1
        return 1, 1

    def refuse(self, path: Iterable[str | int], reason: str, *, of_key: bool = False) -> NoReturn:
        line, column = self.find(path, of_key=of_key)
        printable = reason.encode(errors="backslashreplace").decode()
        raise BadConfig(f"{self.name}:{line}:{column}: {printable}")

    def refuse_duplicate(self, key: str) -> NoReturn:
        seen: set[str] = set()
        for pointer, entry in sorted(self._entries(), key=lambda pair: pair[1].value_start.position):
            if pointer in seen and entry.key_start is not None:
                line, column = entry.key_start.line + 1, entry.key_start.column + 1
                raise BadConfig(f"{self.name}:{line}:{column}: the key {key!r} stands here a second time")
            seen.add(pointer)
        raise BadConfig(f"{self.name}: the key {key!r} stands twice in one object")

    def _entries(self) -> list[tuple[str, Entry]]:
        from json_source_map import handle  # noqa: PLC0415 - only where there is something to say
        from json_source_map.types import Location  # noqa: PLC0415

        entries: list[tuple[str, Entry]] = handle.value(source=self._text, current_location=Location(0, 0, 0))
        return entries
