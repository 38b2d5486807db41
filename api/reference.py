"""The OpenAPI document as what `/docs` shows: endpoints by their kind, what they take and answer, and the schemas.

Only values for a template, made from the document alone, so that the page says what programs read at `/openapi.json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SCHEMAS = "#/components/schemas/"
_FORMATS: Mapping[str, str] = {"date": "date", "date-time": "moment"}
_UNAUTHORISED = "401"

# The type of a value as words and names of schemas, which a page links; `is_schema` tells them apart.
Type = tuple[tuple[str, bool], ...]
Json = Mapping[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a key of an object. `default` and `example` are JSON or plain text, "" where there is none.

    `place` is where a parameter stands: path, query or header; "" for a key.
    """

    name: str
    type: Type
    description: str
    default: str
    example: str
    is_required: bool
    place: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one status stands for; `type` is the schema of its body, () where there is none or it has no schema."""

    status: str
    description: str
    media_types: tuple[str, ...]
    type: Type


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path; `anchor` is its identifier on the page.

    `headline` says in a line what it is for, `paragraphs` what more there is to say. `asked` is an address below the
    root that needs nothing more, with examples where something is needed. `is_ready` says whether following it as a
    link gives an answer: nothing is changed, guarded or left to fill in.
    """

    anchor: str
    method: str
    path: str
    headline: str
    paragraphs: tuple[str, ...]
    fields: tuple[Field, ...]
    answers: tuple[Answer, ...]
    is_guarded: bool
    is_ready: bool
    asked: str


@dataclass(frozen=True, slots=True)
class Schema:
    """A shape of values: the keys of an object, or the `words` that a text may be."""

    name: str
    description: str
    fields: tuple[Field, ...]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """All of it; `shared` are the answers that every endpoint can give, which are left out at each."""

    paragraphs: tuple[str, ...]
    groups: tuple[tuple[str, tuple[Endpoint, ...]], ...]
    shared: tuple[Answer, ...]
    schemas: tuple[Schema, ...]


def build_reference(document: Json) -> Reference:
    """What the OpenAPI *document* describes: groups by the first tag, in the order of the document, schemas by name."""
    operations = [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    shared = _find_shared([operation for _, _, operation in operations])
    groups: dict[str, list[Endpoint]] = {}
    for method, path, operation in operations:
        groups.setdefault(operation["tags"][0], []).append(_build_endpoint(method, path, operation, but=shared))
    return Reference(
        paragraphs=_split(document["info"]["description"]),
        groups=tuple((name, tuple(endpoints)) for name, endpoints in groups.items()),
        shared=shared,
        schemas=tuple(
            _build_schema(name, schema) for name, schema in sorted(document["components"]["schemas"].items())
        ),
    )


def _find_shared(operations: Sequence[Json]) -> tuple[Answer, ...]:
    first, *others = [_list_answers(operation) for operation in operations]
    return tuple(answer for answer in first if all(answer in answers for answers in others))


def _build_endpoint(method: str, path: str, operation: Json, *, but: Sequence[Answer]) -> Endpoint:
    headline, paragraphs = _describe(operation)
    fields = tuple(_build_parameter(one) for one in operation.get("parameters", ()))
    is_guarded = _UNAUTHORISED in operation["responses"]
    needed = [one for one in fields if one.is_required]
    return Endpoint(
        anchor=re.sub(r"[^a-z]+", "-", f"{method} {path}").strip("-"),
        method=method.upper(),
        path=path,
        headline=headline,
        paragraphs=paragraphs,
        fields=fields,
        answers=tuple(answer for answer in _list_answers(operation) if answer not in but),
        is_guarded=is_guarded,
        is_ready=method == "get" and not is_guarded and not needed,
        asked=_fill_in(path, needed),
    )


def _describe(operation: Json) -> tuple[str, tuple[str, ...]]:
    """A line and the paragraphs after it; a summary that FastAPI made of a function's name is no line."""
    summary, paragraphs = operation["summary"], _split(operation.get("description", ""))
    is_named = operation["operationId"].startswith(summary.lower().replace(" ", "_"))
    return (paragraphs[0], paragraphs[1:]) if is_named and paragraphs else (f"{summary}.", paragraphs)


def _split(text: str) -> tuple[str, ...]:
    return tuple(" ".join(one.split()) for one in text.split("\n\n") if one.strip())


def _fill_in(path: str, needed: Iterable[Field]) -> str:
    """*path* with examples for what it needs, without its first slash; what has no example stands there by its name."""
    pairs = []
    for one in needed:
        example = one.example or f"{{{one.name}}}"
        if one.place == "path":
            path = path.replace(f"{{{one.name}}}", example)
        else:
            pairs.append(f"{one.name}={example}")
    return path.removeprefix("/") + ("?" + "&".join(pairs) if pairs else "")


def _build_parameter(parameter: Json) -> Field:
    described = {"description": parameter.get("description", ""), **parameter["schema"]}
    return _build_field(
        parameter["name"],
        described,
        kind=_without_null(parameter["schema"]),
        place=parameter["in"],
        is_required=parameter.get("required", False),
    )


def _build_schema(name: str, schema: Json) -> Schema:
    required = schema.get("required", ())
    return Schema(
        name=name,
        description=" ".join(schema.get("description", "").split()),
        fields=tuple(
            _build_field(key, field, kind=_name_type(field), is_required=key in required)
            for key, field in schema.get("properties", {}).items()
        ),
        words=tuple(schema.get("enum", ())),
    )


def _build_field(name: str, schema: Json, *, kind: Type, is_required: bool, place: str = "") -> Field:
    examples = schema.get("examples", ())
    return Field(
        name=name,
        type=kind,
        description=schema.get("description", ""),
        default=_tell(schema.get("default")),
        example=_tell(examples[0] if examples else None),
        is_required=is_required,
        place=place,
    )


def _tell(value: object) -> str:
    """*value* as one would write it into an address, or as JSON where it is no single value; "" for null."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _list_answers(operation: Json) -> tuple[Answer, ...]:
    return tuple(_build_answer(status, answer) for status, answer in sorted(operation["responses"].items()))


def _build_answer(status: str, answer: Json) -> Answer:
    content = answer.get("content", {})
    schemas = [one["schema"] for one in content.values() if "$ref" in one.get("schema", {})]
    description = answer["description"].replace("Successful Response", "What was asked for.")
    return Answer(status, description, tuple(content), _name_type(schemas[0]) if schemas else ())


def _without_null(schema: Json) -> Type:
    """The type of a parameter, which is left out rather than null."""
    kinds = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    return _name_type({"anyOf": kinds} if kinds else schema)


def _name_type(schema: Json) -> Type:
    """For example `integer, 1 to 30`, or `list of` and the name of a schema."""
    if "$ref" in schema:
        return ((schema["$ref"].removeprefix(_SCHEMAS), True),)
    if "anyOf" in schema:
        first, *others = map(_name_type, schema["anyOf"])
        return (*first, *(piece for other in others for piece in ((" or ", False), *other)))
    if schema.get("type") == "array":
        return (("list of ", False), *_name_type(schema.get("items", {})))
    if isinstance(schema.get("additionalProperties"), dict):
        return (("object of ", False), *_name_type(schema["additionalProperties"]))
    words = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if words:
        return ((" or ".join(map(_tell, words)), False),)
    kind = _FORMATS.get(schema.get("format", ""), schema.get("type", "anything"))
    return ((", ".join([kind, *_tell_bounds(schema)]), False),)


def _tell_bounds(schema: Json) -> Iterator[str]:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        yield f"{least:g} to {most:,.15g}"
    elif least is not None:
        yield f"{least:g} or more"
    if "maxLength" in schema:
        yield f"{schema['maxLength']:,} characters at most"
