"""What a failure of a model's service concerns, and what is said of it."""

from __future__ import annotations

import pytest

from core.summaries.model import ModelFailed, Trouble, classify


@pytest.mark.parametrize(
    ("status", "code", "detail", "trouble"),
    [
        pytest.param(401, "InvalidApiKey", "Invalid API-key provided.", Trouble.ACCOUNT, id="key"),
        pytest.param(400, "Arrearage", "make sure your account is in good standing", Trouble.ACCOUNT, id="debts"),
        pytest.param(403, "AccessDenied", "Access denied.", Trouble.ACCOUNT, id="denied"),
        pytest.param(403, "access_denied", "", Trouble.ACCOUNT, id="denied by its status"),
        pytest.param(402, "HTTP 402", "", Trouble.ACCOUNT, id="payment required"),
        pytest.param(429, "insufficient_quota", "You exceeded your quota", Trouble.TRANSIENT, id="tokens a minute"),
        pytest.param(403, "AccessDenied.Unpurchased", "", Trouble.MODEL, id="model not bought"),
        pytest.param(403, "AllocationQuota.FreeTierOnly", "", Trouble.MODEL, id="free tier used up"),
        pytest.param(404, "ModelNotFound", "", Trouble.MODEL, id="no such model"),
        pytest.param(404, "HTTP 404", "", Trouble.MODEL, id="no such address"),
        pytest.param(400, "InvalidParameter", "url error, please check url!", Trouble.MODEL, id="other interface"),
        pytest.param(
            400, "InvalidParameter", "Range of max_tokens should be [1, 8192]", Trouble.MODEL, id="max_tokens"
        ),
        pytest.param(400, "unsupported_parameter", "not with this model", Trouble.MODEL, id="parameter"),
        pytest.param(422, "HTTP 422", "unknown field `seed`", Trouble.MODEL, id="field"),
        pytest.param(400, "InvalidParameter", "The content is invalid.", Trouble.UNCLEAR, id="paper or model"),
        pytest.param(400, "HTTP 400", "<html>", Trouble.UNCLEAR, id="a proxy's 400"),
        pytest.param(400, "DataInspectionFailed", "inappropriate content", Trouble.REFUSED, id="moderation"),
        pytest.param(None, "data_inspection_failed", "", Trouble.REFUSED, id="moderation after a false success"),
        pytest.param(400, "InvalidParameter.File", "cannot be parsed", Trouble.REFUSED, id="file"),
        pytest.param(400, "InvalidParameter", "Range of input length should be [1, 99]", Trouble.TOO_LONG, id="long"),
        pytest.param(400, "context_length_exceeded", "", Trouble.TOO_LONG, id="long for others"),
        pytest.param(413, "HTTP 413", "", Trouble.TOO_LONG, id="large request"),
        pytest.param(
            400, "InvalidParameter", "File parsing in progress, please", Trouble.NOT_READY, id="file not read"
        ),
        pytest.param(429, "Throttling.RateQuota", "Requests rate limit exceeded", Trouble.TRANSIENT, id="too fast"),
        pytest.param(500, "InternalError", "", Trouble.TRANSIENT, id="internal"),
        pytest.param(504, "HTTP 504", "The request took too long.", Trouble.TRANSIENT, id="too long a wait"),
        pytest.param(503, "ModelServingError", "", Trouble.TRANSIENT, id="overloaded"),
        pytest.param(None, "BadAnswer", "", Trouble.TRANSIENT, id="nonsense"),
    ],
)
def test_a_failure_says_what_to_do_about_it(status: int | None, code: str, detail: str, trouble: Trouble) -> None:
    assert classify(status, code, detail) is trouble


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        pytest.param("Incorrect key: sk-0123456789abcdef.", "Incorrect key: …", id="a key"),
        pytest.param("Incorrect key: sk-proj-***cdef, see", "Incorrect key: …, see", id="half a key"),
        pytest.param("no Bearer eyJhbGciOi here", "no … here", id="a token"),
        pytest.param("make sure that the API key is valid", "make sure that the API key is valid", id="no key"),
    ],
)
def test_what_looks_like_a_key_is_not_repeated(detail: str, told: str) -> None:
    error = ModelFailed(Trouble.ACCOUNT, detail, detail)
    assert (error.code, error.detail, str(error)) == (told, told, f"{told}: {told}")


def test_a_long_detail_is_cut_and_put_on_one_line() -> None:
    error = ModelFailed(Trouble.TRANSIENT, "HTTP 502", "<html>\n" + "x" * 5_000)
    assert (len(error.detail), "\n" in error.detail) == (200, False)
