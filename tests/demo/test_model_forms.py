"""A chat is read, and its answer rendered, in the form in which it was spoken."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from demo.model_answers import Message
from demo.model_faults import FAULTS, NO_MODEL_FAULT, NOT_FOUND, ModelFault
from demo.model_forms import Form, ModelRequest, Reply, render_document, render_refusal, render_reply
from demo.wire import Answer

NATIVE = "/api/v1/services/aigc/text-generation/generation"
OPENAI = "/compatible-mode/v1/chat/completions"
FILES = "/compatible-mode/v1/files"
MESSAGES: list[Message] = [
    {"role": "system", "content": "Write in English."},
    {"role": "user", "content": [{"type": "text", "text": "Title: Faster Sampling"}]},
]
TEXT = "Sampling is faster by 96.2%, 快. " * 40
REPLY = Reply(TEXT, "stop", 70, 300)
ID = "0f9d"
FORMS: list[Form] = ["native", "openai"]


def chat(form: Form, *, is_streamed: bool = False, **parameters: Any) -> ModelRequest:
    """A chat with MESSAGES; *parameters* are JSON."""
    if form == "native":
        headers = {"x-dashscope-sse": "enable"} if is_streamed else {}
        asked: Mapping[str, Any] = {"input": {"messages": MESSAGES}, "parameters": parameters}
        return ModelRequest("POST", NATIVE, "", headers, 0.0, model="qwen-long", body=asked)
    asked = {"messages": MESSAGES, "stream": is_streamed, **parameters}
    return ModelRequest("POST", OPENAI, "", {}, 0.0, model="qwen-long", body=asked)


def render(request: ModelRequest, reply: Reply = REPLY, fault: ModelFault = NO_MODEL_FAULT) -> Answer:
    return render_reply(request, reply, fault, ID)


def read_events(body: bytes) -> list[Any]:
    """The documents that the events of *body* carry, without the mark at the end of the OpenAI form."""
    data = [line.removeprefix("data:") for line in body.decode().split("\n") if line.startswith("data:")]
    return [json.loads(text) for text in data if text != " [DONE]"]


# Requests


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("POST", NATIVE, "native"),
        ("POST", f"/moved{NATIVE}", "native"),
        ("POST", OPENAI, "openai"),
        ("POST", "/v1/chat/completions", "openai"),
        ("GET", NATIVE, None),
        ("POST", f"{OPENAI}/", None),
        ("POST", FILES, None),
    ],
)
def test_a_chat_is_known_by_its_address(method: str, path: str, form: Form | None) -> None:
    assert ModelRequest(method, path, "", {}, 0.0).form == form


def test_a_request_that_is_no_chat_has_no_messages() -> None:
    request = ModelRequest("GET", FILES, "", {}, 0.0)
    assert (request.form, request.messages, request.text, request.is_streamed) == (None, (), "", False)


@pytest.mark.parametrize("form", FORMS)
def test_the_text_of_a_request_is_all_that_its_messages_say(form: Form) -> None:
    assert chat(form).text == "Write in English.\n\nTitle: Faster Sampling"


@pytest.mark.parametrize("path", [NATIVE, OPENAI])
@pytest.mark.parametrize(
    "body", [None, [], "a", {}, {"input": [], "messages": {}}, {"input": {"messages": "a"}, "messages": ["a", None]}]
)
def test_a_body_in_no_form_has_neither_messages_nor_a_wish_to_stream(path: str, body: object) -> None:
    request = ModelRequest("POST", path, "", {}, 0.0, body=body)
    assert (request.messages, request.is_streamed) == ((), False)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("is_streamed", [False, True])
def test_each_form_says_in_its_way_that_it_wants_a_stream(form: Form, is_streamed: bool) -> None:
    assert chat(form, is_streamed=is_streamed).is_streamed is is_streamed


# Whole answers


@pytest.mark.parametrize(
    ("parameters", "output"),
    [
        ({}, {"finish_reason": "stop", "text": TEXT}),
        (
            {"result_format": "message"},
            {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": TEXT}}]},
        ),
    ],
    ids=["text", "message"],
)
def test_the_native_form_answers_a_text_unless_a_message_is_asked_for(
    parameters: Mapping[str, Any], output: object
) -> None:
    usage = {"input_tokens": 70, "output_tokens": 300, "total_tokens": 370}
    assert json.loads(render(chat("native", **parameters)).body) == {"output": output, "usage": usage, "request_id": ID}


def test_the_openai_form_answers_one_choice() -> None:
    told = json.loads(render(chat("openai")).body)
    (choice,) = told["choices"]
    assert choice["message"] == {"role": "assistant", "content": TEXT}
    assert (choice["finish_reason"], told["object"], told["id"]) == ("stop", "chat.completion", f"chatcmpl-{ID}")
    assert told["usage"] == {"prompt_tokens": 70, "completion_tokens": 300, "total_tokens": 370}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("is_streamed", "content_type"),
    [(False, "application/json; charset=utf-8"), (True, "text/event-stream; charset=utf-8")],
    ids=["whole", "streamed"],
)
def test_an_answer_has_a_type_and_an_id(form: Form, is_streamed: bool, content_type: str) -> None:
    answer = render(chat(form, is_streamed=is_streamed))
    assert (answer.status, answer.content_type, answer.headers) == (200, content_type, (("x-request-id", ID),))


def test_a_document_is_json_on_one_line_with_escapes_for_surrogates_only() -> None:
    assert render_document({"a": "快\n", "b": "\ud800"}, ID).body == '{"a":"快\\n","b":"\\ud800"}'.encode()


# Streams


def stream_native(reply: Reply = REPLY, **parameters: Any) -> list[tuple[str | None, str]]:
    """The text and the finish reason of each frame."""
    outputs = [
        event["output"] for event in read_events(render(chat("native", is_streamed=True, **parameters), reply).body)
    ]
    return [(output["text"], output["finish_reason"]) for output in outputs]


def test_native_frames_are_pieces_when_they_are_to_be_incremental() -> None:
    frames = stream_native(incremental_output=True)
    assert "".join(text or "" for text, _ in frames) == TEXT
    assert [reason for _, reason in frames] == ["null"] * (len(frames) - 1) + ["stop"]


def test_native_frames_hold_all_until_then_when_they_are_not() -> None:
    *frames, last = stream_native()
    assert all(TEXT.startswith(text or "-") for text, _ in frames)
    assert len(frames) > 20
    assert last == (TEXT, "stop")


@pytest.mark.parametrize("text", ["", None])
def test_an_answer_without_text_is_streamed_as_it_is(text: str | None) -> None:
    assert stream_native(Reply(text, "stop", 70, 0)) == [(text, "null"), (text, "stop")]


def test_a_long_answer_comes_in_a_bounded_number_of_frames() -> None:
    *pieces, _ = stream_native(Reply("a" * 10_000, "stop", 70, 2_500))
    assert len(pieces) == 64


def test_native_frames_are_events_with_a_number_and_a_status() -> None:
    body = render(chat("native", is_streamed=True)).body
    assert body.startswith(b'id:1\nevent:result\n:HTTP_STATUS/200\ndata:{"output":')
    assert b"\n\nid:2\nevent:result\n" in body


def test_the_tokens_of_native_frames_grow_to_the_whole() -> None:
    usages = [event["usage"] for event in read_events(render(chat("native", is_streamed=True)).body)]
    tokens = [usage["output_tokens"] for usage in usages]
    assert (tokens, tokens[-1]) == (sorted(tokens), 300)


@pytest.mark.parametrize(
    "options", [{}, {"stream_options": {"include_usage": True}}], ids=["without usage", "with usage"]
)
def test_openai_chunks_end_with_a_reason_and_a_mark(options: Mapping[str, Any]) -> None:
    body = render(chat("openai", is_streamed=True, **options)).body
    chunks = read_events(body)
    deltas = [choice for chunk in chunks for choice in chunk["choices"]]
    assert body.endswith(b"data: [DONE]\n\n")
    assert [chunk["usage"]["completion_tokens"] for chunk in chunks if chunk["usage"]] == [300] * bool(options)
    assert "".join(choice["delta"]["content"] for choice in deltas) == TEXT
    assert [choice["finish_reason"] for choice in deltas] == [None] * (len(deltas) - 1) + ["stop"]


# Faults and refusals


@pytest.mark.parametrize("form", FORMS)
def test_a_whole_answer_that_is_broken_off_is_half_of_its_json(form: Form) -> None:
    whole = render(chat(form)).body
    assert render(chat(form), fault=ModelFault(is_broken_off=True)).body == whole[: len(whole) // 2]


@pytest.mark.parametrize("form", FORMS)
def test_a_stream_that_is_broken_off_is_half_of_its_frames(form: Form) -> None:
    request = chat(form, is_streamed=True)
    whole = read_events(render(request).body)
    body = render(request, fault=ModelFault(is_broken_off=True)).body
    assert (read_events(body), b"[DONE]" in body) == (whole[: len(whole) // 2], False)


@pytest.mark.parametrize("form", FORMS)
def test_a_refusal_comes_after_half_of_a_stream(form: Form) -> None:
    *_, last = read_events(render(chat(form, is_streamed=True), fault=FAULTS["stream_error_midway"]()).body)
    assert "Output data may contain" in last.get("error", last)["message"]


@pytest.mark.parametrize("form", FORMS)
def test_every_document_is_reshaped(form: Form) -> None:
    fault = ModelFault(reshape=lambda document: {"was": document["id" if form == "openai" else "request_id"]})
    told = [json.loads(render(chat(form), fault=fault).body)]
    told += read_events(render(chat(form, is_streamed=True), fault=fault).body)
    assert {one["was"] for one in told} == {f"chatcmpl-{ID}" if form == "openai" else ID}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (NATIVE, {"code": "NotFound", "message": NOT_FOUND.message, "request_id": ID}),
        ("/api/v1/nothing", {"code": "NotFound", "message": NOT_FOUND.message, "request_id": ID}),
        (
            FILES,
            {
                "error": {
                    "message": NOT_FOUND.message,
                    "type": "invalid_request_error",
                    "param": None,
                    "code": "not_found",
                },
                "request_id": ID,
            },
        ),
    ],
)
def test_a_refusal_has_the_form_of_its_address(path: str, told: object) -> None:
    answer = render_refusal(NOT_FOUND, ModelRequest("POST", path, "", {}, 0.0), ID)
    assert (answer.status, json.loads(answer.body)) == (404, told)


@pytest.mark.parametrize(
    ("form", "start"),
    [("native", b'id:1\nevent:error\n:HTTP_STATUS/400\ndata:{"code":'), ("openai", b'data: {"error":')],
)
def test_a_framed_refusal_is_an_event_where_a_stream_was_asked_for(form: Form, start: bytes) -> None:
    refusal = FAULTS["stream_error_midway"]().refusal
    assert refusal is not None
    streamed, whole = (render_refusal(refusal, chat(form, is_streamed=wish), ID) for wish in (True, False))
    assert (streamed.status, streamed.body.startswith(start)) == (400, True)
    assert (whole.status, whole.content_type) == (400, "application/json; charset=utf-8")
