"""The adapter to DashScope against a server that stands in for it: what is sent, what is read, and every fault."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import httpx
import pytest

from core.summaries.dashscope import DashScope, _translate, is_native_address
from core.summaries.model import WITHHELD, Completion, ModelFailed, Trouble
from core.summaries.prompt import Message
from demo.model import ModelStandIn
from demo.model_faults import FAULTS
from demo.wire import Fault
from tests.core.summaries.working import NOW

MESSAGES = (
    Message("system", "Write four sections."),
    Message("system", "<paper-abcd1234>\nTitle: Paged attention\n\nIt is 3.5 times as fast.\n</paper-abcd1234>"),
    Message("user", "Now write the summary."),
)
PROTOCOLS = ["native", "openai"]


@pytest.fixture
def service() -> Iterator[ModelStandIn]:
    with ModelStandIn() as stand_in:
        yield stand_in


def adapter(service: ModelStandIn, protocol: str = "native", *, key: str | None = None) -> DashScope:
    base_url = service.native_base if protocol == "native" else service.openai_base
    return DashScope(service.api_key if key is None else key, base_url=base_url, is_native=protocol == "native")


async def ask(model: DashScope, *, name: str = "qwen-long", timeout_seconds: float = 10.0) -> Completion:
    return await model.complete(
        name, MESSAGES, temperature=0.3, seed=7, max_tokens=900, timeout_seconds=timeout_seconds
    )


def play(model: DashScope, *, timeout_seconds: float = 10.0) -> Completion:
    """One answer, with everything closed afterwards."""

    async def whole() -> Completion:
        try:
            return await ask(model, timeout_seconds=timeout_seconds)
        finally:
            await model.aclose()

    return asyncio.run(whole())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_answer_comes_with_its_end_its_tokens_and_its_id(service: ModelStandIn, protocol: str) -> None:
    answer = play(adapter(service, protocol))
    assert "Paged attention" in answer.text
    assert (answer.finish_reason, answer.input_tokens > 0, answer.output_tokens > 0) == ("stop", True, True)
    assert answer.request_id


def test_what_is_asked_for_is_sent(service: ModelStandIn) -> None:
    play(adapter(service))
    (call,) = service.calls
    body = call.body
    assert isinstance(body, dict)
    assert body["input"]["messages"] == [{"role": one.role, "content": one.content} for one in MESSAGES]
    sent = body["parameters"]
    assert {name: sent[name] for name in ("temperature", "seed", "max_tokens", "enable_thinking")} == {
        "temperature": 0.3,
        "seed": 7,
        "max_tokens": 900,
        "enable_thinking": False,
    }


def test_other_services_are_sent_no_field_of_dashscope(service: ModelStandIn) -> None:
    play(DashScope(service.api_key, base_url=f"{service.base}/v1", is_native=False))
    (call,) = service.calls
    assert isinstance(call.body, dict)
    assert "enable_thinking" not in call.body


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_answer_without_a_text_is_an_empty_one_with_all_that_it_used(service: ModelStandIn, protocol: str) -> None:
    """As of a model that has thought until its length was used up."""
    service.answer_with(FAULTS["null_content"]())
    completion = play(adapter(service, protocol))
    assert (completion.text, completion.input_tokens > 0) == ("", True)


@pytest.mark.parametrize(
    ("error", "may_be_billed"),
    [
        (httpx.ReadError("reset"), True),
        (httpx.RemoteProtocolError("cut off"), True),
        (httpx.ReadTimeout("late"), True),
        (httpx.ConnectError("refused"), False),
        (httpx.ConnectTimeout("nobody"), False),
        (httpx.PoolTimeout("busy"), False),
        (httpx.ProxyError("no way"), False),
        (httpx.UnsupportedProtocol("htp"), False),
        (httpx.LocalProtocolError("a key that cannot be sent"), False),
        (ValueError("a page of a proxy"), False),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Exception) else str(one),
)
def test_an_answer_may_be_on_the_bill_where_the_question_was_sent(error: Exception, may_be_billed: bool) -> None:
    assert _translate(error, secret="", now=NOW).may_be_billed is may_be_billed


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_answer_without_a_choice_is_on_the_bill_where_it_says_what_it_used(
    service: ModelStandIn, protocol: str
) -> None:
    def empty(body: bytes) -> bytes:
        document = json.loads(body)
        holder = document.get("output", document)
        holder["choices"] = []
        return json.dumps(document).encode()

    service.answer_with(Fault(edit=empty))
    with pytest.raises(ModelFailed, match="without a message") as failed:
        play(adapter(service, protocol))
    assert failed.value.may_be_billed


TIMES_OUT = {"silence", "stall"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", sorted(FAULTS.keys() - TIMES_OUT))
def test_every_fault_is_one_request_and_an_answer_or_an_error_of_ours(
    service: ModelStandIn, name: str, protocol: str
) -> None:
    service.answer_with(FAULTS[name]())
    told = ""
    try:
        play(adapter(service, protocol))
    except ModelFailed as error:
        told = str(error)
    assert (len(service.requests), service.api_key in told) == (1, False)


@pytest.mark.parametrize("name", sorted(TIMES_OUT))
def test_no_call_takes_longer_than_it_may_in_all(service: ModelStandIn, name: str) -> None:
    service.answer_with(FAULTS[name]())
    with pytest.raises(ModelFailed, match=r"no whole answer within 0\.3 seconds") as failed:
        play(adapter(service), timeout_seconds=0.3)
    assert (failed.value.trouble, failed.value.may_be_billed) == (Trouble.SLOW, True)
    assert len(service.requests) == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("name", "trouble", "retry_after"),
    [
        ("invalid_key", Trouble.ACCOUNT, None),
        ("arrearage", Trouble.ACCOUNT, None),
        ("access_denied", Trouble.ACCOUNT, None),
        ("model_not_found", Trouble.MODEL, None),
        ("model_unpurchased", Trouble.MODEL, None),
        ("quota_exhausted", Trouble.MODEL, None),
        ("data_inspection_failed", Trouble.REFUSED, None),
        ("stream_error_midway", Trouble.REFUSED, None),
        ("input_too_long", Trouble.TOO_LONG, None),
        ("throttling_retry_after", Trouble.TRANSIENT, 7.0),
        ("allocation_quota", Trouble.TRANSIENT, None),
        ("unavailable_retry_after", Trouble.TRANSIENT, 30.0),
        ("internal_error", Trouble.TRANSIENT, None),
        ("reset", Trouble.TRANSIENT, None),
        ("html", Trouble.TRANSIENT, None),
        ("malformed_json", Trouble.TRANSIENT, None),
        ("truncated_stream", Trouble.TRANSIENT, None),
        ("null_output", Trouble.TRANSIENT, None),
        ("huge_json", Trouble.TRANSIENT, None),
        ("gzip_bomb", Trouble.TRANSIENT, None),
        ("redirect_302", Trouble.TRANSIENT, None),
    ],
)
def test_a_fault_says_what_to_do_about_it(
    service: ModelStandIn, name: str, trouble: Trouble, retry_after: float | None, protocol: str
) -> None:
    service.answer_with(FAULTS[name]())
    with pytest.raises(ModelFailed) as failed:
        play(adapter(service, protocol))
    assert (failed.value.trouble, failed.value.retry_after_seconds) == (trouble, retry_after)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("Fri, 06 Mar 2026 13:00:00 GMT", 3_600.0),
        ("Fri, 06 Mar 2026 13:00:00", 3_600.0),
        ("Fri, 06 Mar 2026 11:00:00 GMT", 0.0),
        ("-7", None),
        ("inf", None),
        ("soon", None),
        ("9" * 20, None),
    ],
)
def test_the_pause_asked_for_is_a_number_or_a_date(service: ModelStandIn, told: str, seconds: float | None) -> None:
    service.answer_with(Fault(status=429, headers={"Retry-After": told}))
    with pytest.raises(ModelFailed) as failed:
        play(DashScope(service.api_key, base_url=service.native_base, clock=lambda: NOW))
    assert failed.value.retry_after_seconds == seconds


def test_an_answer_that_is_compressed_unasked_is_unpacked(service: ModelStandIn) -> None:
    service.answer_with(FAULTS["gzip"]())
    assert play(adapter(service)).finish_reason == "stop"


@pytest.mark.parametrize("is_packed", [False, True])
def test_an_answer_is_read_up_to_four_million_bytes(service: ModelStandIn, *, is_packed: bool) -> None:
    def padded(body: bytes, *, size: int) -> bytes:
        return body + b" " * (size - len(body))

    model = adapter(service)
    service.answer_with(Fault(edit=partial(padded, size=4_000_000), gzip=is_packed))
    assert play(model).finish_reason == "stop"
    service.answer_with(Fault(edit=partial(padded, size=4_000_001), gzip=is_packed))
    with pytest.raises(ModelFailed, match="more than 4,000,000 bytes"):
        play(model)


@pytest.mark.parametrize("charset", ["hex", "idna", "no-such"])
def test_an_answer_is_read_whatever_charset_its_header_names(service: ModelStandIn, charset: str) -> None:
    service.answer_with(Fault(headers={"Content-Type": f"application/json; charset={charset}"}))
    assert play(adapter(service)).finish_reason == "stop"


@pytest.mark.parametrize(
    ("address", "is_native"),
    [
        ("https://dashscope-intl.aliyuncs.com/api/v1", True),
        ("https://w.cn-beijing.maas.aliyuncs.com/api/v1/", True),
        ("https://dashscope.aliyuncs.com/compatible-mode/v1", False),
        ("https://dashscope.aliyuncs.com/proxy/api/v1", False),
        ("https://dashscope.aliyuncs.com/api/v1/models", False),
        ("https://openrouter.ai/api/v1", False),
        ("https://notaliyuncs.com/api/v1", False),
        ("https://dashscope.aliyuncs.com.example.org/api/v1", False),
        ("/api/v1", False),
    ],
)
def test_only_dashscopes_own_interface_is_taken_for_it(address: str, is_native: bool) -> None:
    assert is_native_address(address) is is_native


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_name_or_number_that_cannot_be_stored_is_not_taken_over(service: ModelStandIn, protocol: str) -> None:
    body = (
        b'{"request_id": "a\\ud800b%s",'
        b' "output": {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]},'
        b' "usage": {"input_tokens": 99999999999999999999, "output_tokens": 5}}' % (b"c" * 500)
    )
    if protocol == "openai":
        body = (
            b'{"id": "a\\ud800b%s", "choices": [{"message": {"content": "x"}, "finish_reason": "stop"}],'
            b' "usage": {"prompt_tokens": 99999999999999999999, "completion_tokens": 5}}' % (b"c" * 500)
        )
    service.answer_with(Fault(body=body))
    answer = play(adapter(service, protocol))
    assert (answer.request_id, answer.input_tokens, answer.output_tokens) == (f"ab{'c' * 98}", 0, 5)


CHOICE = {"index": "first", "finish_reason": "stop", "message": {"role": 7, "content": "x", "tool_calls": "none"}}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("changes", "tokens"),
    [
        pytest.param({}, (10, 5), id="beside the text"),
        pytest.param({"usage": "much"}, (0, 0), id="usage a word"),
        pytest.param({"usage": [10, 5]}, (0, 0), id="usage a list"),
        pytest.param({"usage": None}, (0, 0), id="no usage"),
        pytest.param(
            {"usage": {"input_tokens": "10", "prompt_tokens": "10", "output_tokens": {}, "completion_tokens": {}}},
            (10, 0),
            id="numbers of tokens",
        ),
        pytest.param({"request_id": {"a": 1}, "id": 7, "model": []}, (10, 5), id="names"),
    ],
)
def test_a_text_is_taken_whatever_stands_beside_it(
    service: ModelStandIn, changes: dict[str, object], tokens: tuple[int, int], protocol: str
) -> None:
    usage = {"input_tokens": 10, "output_tokens": 5, "prompt_tokens": 10, "completion_tokens": 5}
    body = {"output": {"choices": [CHOICE], "search_info": 7}, "choices": [CHOICE], "usage": usage} | changes
    service.answer_with(Fault(body=json.dumps(body).encode()))
    answer = play(adapter(service, protocol))
    assert (answer.text, answer.finish_reason) == ("x", "stop")
    assert (answer.input_tokens, answer.output_tokens) == tokens


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_end_that_is_no_word_is_no_end(service: ModelStandIn, protocol: str) -> None:
    choices = [CHOICE | {"finish_reason": {"stop": True}}]
    service.answer_with(Fault(body=json.dumps({"output": {"choices": choices}, "choices": choices}).encode()))
    answer = play(adapter(service, protocol))
    assert (answer.text, answer.finish_reason) == ("x", None)


def repeats(key: str) -> list[Fault]:
    """Answers that say *key* wherever they can say something."""
    error = b'{"code": "%s", "message": "%s", "request_id": "%s"}'
    answer = b'{"request_id": "%s", "model": ["%s"], "output": {"choices": "%s"}}'
    return [
        *(Fault(status=status, body=error.replace(b"%s", key.encode())) for status in (200, 400, 401, 503)),
        Fault(status=502, body=f"<html>{key}</html>".encode(), headers={"X-Request-Id": key}),
        Fault(body=answer.replace(b"%s", key.encode())),
    ]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("place", range(6))
def test_no_error_carries_the_key_that_the_service_repeats(service: ModelStandIn, place: int, protocol: str) -> None:
    service.answer_with(repeats(service.api_key)[place])
    with pytest.raises(ModelFailed) as failed:
        play(adapter(service, protocol))
    error = failed.value
    assert service.api_key not in f"{error} {error.code} {error.detail} {error.request_id}"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_answer_with_the_key_in_it_is_withheld_and_its_tokens_are_counted(
    service: ModelStandIn, protocol: str
) -> None:
    service.answer_with(Fault(edit=lambda body: body.replace(b"Paged attention", service.api_key.encode())))
    answer = play(adapter(service, protocol))
    assert (answer.text, answer.finish_reason) == ("", WITHHELD)
    assert (answer.input_tokens > 0, answer.output_tokens > 0) == (True, True)


def test_a_key_that_cannot_be_sent_is_not_told() -> None:
    with pytest.raises(ModelFailed) as failed:
        play(DashScope("key-0123456789\n", base_url="http://127.0.0.1:9/api/v1"))
    assert "0123456789" not in str(failed.value)


def test_an_error_has_the_services_code_and_request_id(service: ModelStandIn) -> None:
    with pytest.raises(ModelFailed) as failed:
        play(adapter(service, key="sk-wrong-0123456789"))
    assert (failed.value.code, bool(failed.value.request_id)) == ("InvalidApiKey", True)


def test_a_server_that_is_not_there_is_a_failure_of_the_moment() -> None:
    with pytest.raises(ModelFailed) as failed:
        play(DashScope("key", base_url="http://127.0.0.1:9/api/v1"))
    assert (failed.value.trouble, failed.value.code) == (Trouble.TRANSIENT, "Connection")


def test_neither_key_nor_prompt_is_logged(service: ModelStandIn, caplog: pytest.LogCaptureFixture) -> None:
    service.answer_with(FAULTS["internal_error"]())
    with caplog.at_level(logging.DEBUG), pytest.raises(ModelFailed):
        play(adapter(service))
    assert service.api_key not in caplog.text
    assert "It is 3.5 times as fast" not in caplog.text


def test_one_adapter_works_in_one_event_loop_after_another(service: ModelStandIn) -> None:
    model = adapter(service)
    assert [play(model).finish_reason, play(model).finish_reason] == ["stop", "stop"]


def test_one_adapter_works_in_a_second_loop_though_nobody_closed_it_in_the_first(service: ModelStandIn) -> None:
    model = adapter(service)
    closing = asyncio.new_event_loop()
    closing.run_until_complete(ask(model))
    first = model._http
    assert play(model).finish_reason == "stop"
    assert first is not None
    closing.run_until_complete(first.aclose())
    closing.close()


def test_whoever_closes_it_in_a_second_loop_leaves_the_connections_of_the_first_alone(service: ModelStandIn) -> None:
    model = adapter(service)
    closing = asyncio.new_event_loop()
    closing.run_until_complete(ask(model))
    first = model._http
    asyncio.run(model.aclose())
    assert first is not None
    assert not first.is_closed
    closing.run_until_complete(first.aclose())
    closing.close()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_file_is_uploaded_listed_read_and_deleted(service: ModelStandIn, protocol: str) -> None:
    async def scene(model: DashScope) -> tuple[list[tuple[str, bool]], str, int]:
        try:
            file_id = await model.upload("paper.pdf", b"%PDF-1.7 It is 3.5 times as fast.", timeout_seconds=5)
            listed = [(one.name, one.created_at > datetime(2020, 1, 1, tzinfo=UTC)) for one in await model.list_files()]
            messages = (Message("system", f"fileid://{file_id}"), Message("user", "Summarise."))
            answer = await model.complete(
                "qwen-long", messages, temperature=0, seed=1, max_tokens=4_000, timeout_seconds=5
            )
            await model.delete_file(file_id)
            await model.delete_file(file_id)  # it is gone already, which is as it should be
            return listed, answer.finish_reason or "", len(service.files)
        finally:
            await model.aclose()

    assert asyncio.run(scene(adapter(service, protocol))) == ([("paper.pdf", True)], "stop", 0)


def test_files_of_a_service_that_refuses_the_key_are_an_error_of_ours(service: ModelStandIn) -> None:
    async def scene() -> None:
        model = adapter(service, key="wrong")
        try:
            await model.list_files()
        finally:
            await model.aclose()

    with pytest.raises(ModelFailed) as failed:
        asyncio.run(scene())
    assert failed.value.trouble is Trouble.ACCOUNT


def test_what_the_environment_says_to_the_library_does_not_count(
    service: ModelStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "another-key")
    monkeypatch.setenv("DASHSCOPE_BASE_URL", "http://127.0.0.1:9")
    assert play(adapter(service)).finish_reason == "stop"
