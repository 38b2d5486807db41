"""The port to a model: what is asked of it, what it answers, and what can go wrong, told apart by what to do about it.

Knows no provider's library; the adapter is `core/summaries/dashscope.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from core.errors import ArxivFeedsError
from core.summaries.prompt import Message

WITHHELD = "withheld"  # the finish reason of an answer with our own key in it, whose text is not given out

_MAX_DETAIL = 200
_KEYS = re.compile(r"\b(?:sk-|Bearer )[\w*.-]{4,}")

_TOO_LONG = re.compile(r"range of input length|context.length|maximum context|too (?:long|large)", re.IGNORECASE)
_WRONG_PARAMETER = re.compile(
    r"range of (?!input)|(?:unknown|unsupported|unrecognized) (?:parameter|field)", re.IGNORECASE
)


class Trouble(StrEnum):
    """What a failure concerns, and so what to do about it."""

    ACCOUNT = "account"  # all papers and models: leave the service alone for a while
    MODEL = "model"  # this model: try the next one
    UNCLEAR = "unclear"  # this model or this paper, the service does not say which: try the next one, and other papers
    REFUSED = "refused"  # this paper, for good
    TOO_LONG = "too long"  # this text: try a shorter one
    NOT_READY = "not ready"  # the file that the text is in: try again soon
    TRANSIENT = "transient"  # this moment: try again, not at once
    SLOW = "slow"  # this moment, but an answer may have been made and be on the bill: try again in another run


# Codes of DashScope (https://help.aliyun.com/zh/model-studio/error-code) and of services of the OpenAI form.
_TROUBLES: Mapping[str, Trouble] = {
    **dict.fromkeys(
        ("InvalidApiKey", "Arrearage", "AccessDenied", "invalid_api_key", "account_deactivated"), Trouble.ACCOUNT
    ),
    **dict.fromkeys(
        (
            "AccessDenied.Unpurchased",
            "AllocationQuota.FreeTierOnly",
            "Model.AccessDenied",
            "Model.NotExist",
            "ModelNotFound",
            "model_not_found",
            "unknown_parameter",
            "unsupported_parameter",
            "unsupported_value",
        ),
        Trouble.MODEL,
    ),
    **dict.fromkeys(("DataInspectionFailed", "data_inspection_failed", "content_filter"), Trouble.REFUSED),
    **dict.fromkeys(("BadRequest.TooLarge", "context_length_exceeded"), Trouble.TOO_LONG),
}
# A 429 is of the moment whatever its code: DashScope's throttling comes as `insufficient_quota`, OpenAI's word for no
# money (https://help.aliyun.com/zh/model-studio/error-code).
_STATUSES: Mapping[int | None, Trouble] = {
    **dict.fromkeys((401, 402, 403), Trouble.ACCOUNT),
    **dict.fromkeys((404, 405), Trouble.MODEL),
    **dict.fromkeys((400, 422), Trouble.UNCLEAR),
    413: Trouble.TOO_LONG,
}


class ModelFailed(ArxivFeedsError):
    """A model could not be asked or gave no answer.

    *code* is the service's own, or names what happened to the request; *detail* is for the log, without secrets.
    *retry_after_seconds* is what the service asked for, None where it did not say; *may_be_billed* says whether an
    answer may have been made all the same.
    """

    def __init__(
        self,
        trouble: Trouble,
        code: str,
        detail: str = "",
        *,
        request_id: str = "",
        retry_after_seconds: float | None = None,
        may_be_billed: bool = False,
    ) -> None:
        self.code, self.detail = redact(code), redact(detail)
        super().__init__(f"{self.code}: {self.detail}" if self.detail else self.code)
        self.trouble = trouble
        self.request_id = request_id
        self.retry_after_seconds = retry_after_seconds
        self.may_be_billed = may_be_billed


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's answer as it came. `finish_reason` is "stop" where it is whole, or WITHHELD."""

    text: str
    finish_reason: str | None
    input_tokens: int
    output_tokens: int
    request_id: str


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file that lies at the model's service; `created_at` is aware UTC."""

    id: str
    name: str
    created_at: datetime


class Model(Protocol):
    """A service with models. All methods raise ModelFailed."""

    async def complete(
        self,
        model: str,
        messages: Sequence[Message],
        *,
        temperature: float,
        seed: int,
        max_tokens: int,
        timeout_seconds: float,
    ) -> Completion:
        """The answer of *model*; it is asked once, whatever happens, and waited for *timeout_seconds* in all."""
        ...

    async def upload(self, name: str, body: bytes, *, timeout_seconds: float) -> str:
        """The id of the file *body*, which the service is to read the text of."""
        ...

    async def list_files(self) -> tuple[RemoteFile, ...]:
        """The files that lie at the service."""
        ...

    async def delete_file(self, file_id: str) -> None:
        """The file is gone afterwards, whether it was there or not."""
        ...

    async def aclose(self) -> None:
        """Close the connections; the model makes new ones when it is asked again."""
        ...


def classify(status: int | None, code: str, detail: str) -> Trouble:
    """What a failure with the HTTP *status* and the service's *code* and words concerns.

    The words tell more than the code where they are known, and the code more than the status.
    """
    return _trouble_of_words(status, code, detail) or _TROUBLES.get(code) or _STATUSES.get(status, Trouble.TRANSIENT)


def _trouble_of_words(status: int | None, code: str, detail: str) -> Trouble | None:
    if "parsing in progress" in detail.lower():
        return Trouble.NOT_READY
    if "url error" in detail.lower():  # of a model that speaks another of DashScope's interfaces
        return Trouble.MODEL
    if status == 400 and _TOO_LONG.search(detail):
        return Trouble.TOO_LONG
    if status in (400, 422) and _WRONG_PARAMETER.search(detail):
        return Trouble.MODEL
    return Trouble.REFUSED if code.startswith("InvalidParameter.File") else None


def redact(text: str) -> str:
    """*text* on one line of 200 characters at most, without what looks like a key."""
    return _KEYS.sub("…", " ".join(text.split()))[:_MAX_DETAIL]
