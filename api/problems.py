"""Our errors as RFC 9457 problem documents: one table, one shape, and always a hint at what to do."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from math import ceil
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from core.errors import (
    BadQuery,
    NothingStored,
    Overloaded,
    RefreshUnderWay,
    SourceMalformed,
    SourceUnavailable,
    StoreUnavailable,
    UnknownPaper,
    UnknownScope,
)

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_STORE_RETRY_SECONDS = 30
_MOST_ERRORS = 10  # of one request; the rest is found when these are mended
_ARXIV_RETRY_SECONDS = 60  # where arXiv does not say


class BadParameter(BaseModel):
    """One parameter that is not acceptable."""

    parameter: str
    reason: str


class Problem(BaseModel):
    """What went wrong and what to do about it (RFC 9457)."""

    type: str = Field(default="about:blank", description="Always about:blank: `code` tells problems apart.")
    title: str = Field(description="The HTTP status in words.", examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(description="What was wrong with this request and what to do.")
    code: str = Field(description="The kind of problem, for programs.", examples=["unknown_scope"])
    errors: list[BadParameter] | None = Field(default=None, description="The parameters at fault, where some are.")
    sample_data: bool | None = Field(default=None, description="True while the service shows made-up papers.")


_SCHEMAS = "#/components/schemas/"


def _documented(*descriptions: tuple[int, str]) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of problems; FastAPI would say application/json where it is given the model."""
    content = {MEDIA_TYPE: {"schema": {"$ref": f"{_SCHEMAS}{Problem.__name__}"}}}
    return {status: {"description": description, "content": content} for status, description in descriptions}


# What every endpoint can answer besides what it is for; FastAPI's own 422 would promise another shape.
DOCUMENTED = _documented(
    (404, "There is no such feed, paper or address."),
    (413, "The body is too large; nothing is read from one."),
    (414, "The address is too long."),
    (422, "A parameter is not acceptable."),
    (503, "Nothing to answer with yet; Retry-After says when to come back."),
)
DOCUMENTED_OF_GUARDED = _documented(
    (401, "The token is missing or wrong."),
    (403, "The operator has set no secret, so this is closed."),
    (409, "Another process refreshed at the same moment."),
    (502, "arXiv answered with something that cannot be used."),
)


def problem_schemas() -> dict[str, Any]:
    """The schemas that the documented problems refer to, by name, for OpenAPI's components."""
    schema = Problem.model_json_schema(ref_template=_SCHEMAS + "{model}")
    return {**schema.pop("$defs"), Problem.__name__: schema}


@dataclass(frozen=True, slots=True)
class _Fault:
    """A problem before it is put into words of HTTP."""

    status: int
    code: str
    detail: str
    errors: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


class Unauthorised(Exception):
    """A guarded route was asked without the right token."""


class RouteClosed(Exception):
    """A guarded route was asked where no secret is set."""


class BodyTooLarge(Exception):
    """A request announces a body of more than *most_bytes*; nothing of it was read."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"A body has at most {most_bytes:,} bytes here, where nothing is read from one")


class AddressTooLong(Exception):
    """*what*, the path or the query of an address, has more than *most* characters."""

    def __init__(self, what: str, most: int) -> None:
        super().__init__(f"The {what} of an address has at most {most:,} characters here; this one is longer")


def problem_response(error: Exception, *, sample_data: bool) -> Response:
    """The answer to *error*, whatever it is; nothing of an unexpected one is told."""
    fault = _fault(error)
    problem = Problem(
        title=HTTPStatus(fault.status).phrase,
        status=fault.status,
        detail=fault.detail,
        code=fault.code,
        errors=[BadParameter(parameter=name, reason=reason) for name, reason in fault.errors] or None,
        sample_data=True if sample_data else None,
    )
    return Response(
        json.dumps(problem.model_dump(exclude_none=True), ensure_ascii=False, indent=1),
        status_code=fault.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **fault.headers},
    )


async def answer_problem(request: Request, error: Exception) -> Response:
    """The exception handler for every error that ends a request."""
    if isinstance(error, StoreUnavailable):
        logger.error("%s", error)  # the reader is told only that the log says why
    return problem_response(error, sample_data=request.app.state.sample_data)


def _fault(error: Exception) -> _Fault:  # noqa: PLR0911, PLR0912 - the table
    match error:
        case UnknownScope():
            return _Fault(404, "unknown_scope", str(error))
        case UnknownPaper():
            return _Fault(404, "unknown_paper", str(error))
        case BadQuery():
            return _Fault(
                422, "bad_query", f"The parameter {error.parameter} {error.reason}.", [(error.parameter, error.reason)]
            )
        case RequestValidationError():
            return _bad_parameters(error)
        case NothingStored():
            return _unavailable("nothing_stored", str(error), error.retry_after_seconds)
        case SourceUnavailable():
            seconds = _ARXIV_RETRY_SECONDS if error.retry_after_seconds is None else error.retry_after_seconds
            return _unavailable("arxiv_unavailable", f"arXiv could not be asked: {error.reason}.", ceil(seconds))
        case SourceMalformed():
            return _Fault(502, "arxiv_malformed", f"{error}. What is stored stays as it was; try again later.")
        case Overloaded():
            return _unavailable("overloaded", str(error), error.retry_after_seconds)
        case RefreshUnderWay():
            return _Fault(409, "refresh_under_way", str(error))
        case StoreUnavailable():
            detail = "The store cannot be used at the moment; try again later. The log of the service says why."
            return _unavailable("store_unavailable", detail, _STORE_RETRY_SECONDS)
        case Unauthorised():
            detail = "Send the secret of this service as `Authorization: Bearer …`; what came, if anything, is not it."
            return _Fault(401, "unauthorised", detail, headers={"WWW-Authenticate": "Bearer"})
        case RouteClosed():
            return _Fault(403, "closed", "This address is closed until the operator sets CRON_SECRET.")
        case BodyTooLarge():
            return _Fault(413, "body_too_large", f"{error}.")
        case AddressTooLong():
            return _Fault(414, "address_too_long", f"{error}.")
        case HTTPException():
            return _http_fault(error)
        case _:
            return _Fault(500, "internal_error", "Something went wrong here, not with the request; the log says what.")


def _http_fault(error: HTTPException) -> _Fault:
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return _Fault(404, "unknown_address", "There is nothing at this address; the page /feeds lists all feeds.")
    if error.status_code == 405:
        allowed = {method.strip() for method in headers.get("Allow", "GET").split(",")}
        methods = ", ".join(sorted(allowed | {"HEAD"} if "GET" in allowed else allowed))
        return _Fault(405, "method_not_allowed", f"This address takes {methods}.", headers={"Allow": methods})
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    return _Fault(error.status_code, code, str(error.detail), headers=headers)


def _bad_parameters(error: RequestValidationError) -> _Fault:
    errors = [(_parameter(one), _reason(one)) for one in error.errors()[:_MOST_ERRORS]]
    listed = "; ".join(f"{name}: {reason}" for name, reason in errors)
    return _Fault(422, "bad_query", f"The request is not acceptable: {listed}.", errors)


def _parameter(error: Mapping[str, Any]) -> str:
    return str(error["loc"][-1])[:100]


def _reason(error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "there is no such parameter; /docs lists them"
    return str(error["msg"]).removeprefix("Value error, ")


def _unavailable(code: str, detail: str, retry_after_seconds: int) -> _Fault:
    return _Fault(503, code, detail, headers={"Retry-After": str(max(1, retry_after_seconds))})
