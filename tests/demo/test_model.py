"""The model's stand-in as clients meet it: the dashscope SDK in both of its forms, and plain HTTP."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from demo.model import API_KEY, FAULTS, ModelFault, ModelStandIn, main
from demo.model_answers import LABEL, answer, count_tokens
from demo.request_log import most_at_once
from demo.wire import Fault

ROOT = Path(__file__).resolve().parents[2]
MESSAGES = [
    {"role": "system", "content": "Write in English.\n## One\n## Two\n## Three\n## Four"},
    {"role": "user", "content": "<paper-a1>\nTitle: Faster Sampling\n\nIt is faster by 96.2%.\n</paper-a1>"},
]
TEXT = answer(MESSAGES, model="qwen-long")
USAGE = (sum(count_tokens(message["content"]) for message in MESSAGES), count_tokens(TEXT))

OPENAI = "/compatible-mode/v1/chat/completions"
NATIVE = "/api/v1/services/aigc/text-generation/generation"
FILES = "/compatible-mode/v1/files"

RAISED = {
    "invalid_key": "AuthenticationError",
    "access_denied": "PermissionDeniedError",
    "model_not_found": "NotFoundError",
    "throttling": "RateLimitError",
    "input_too_long": "BadRequestError",
    "internal_error": "InternalServerError",
    "unavailable": "ServiceUnavailableError",
    "reset": "APIConnectionError",
}


@pytest.fixture
def model() -> Iterator[ModelStandIn]:
    with ModelStandIn() as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """One for all tests: to load certificates takes longer than any of them."""
    headers = {"Authorization": f"Bearer {API_KEY}"}
    with httpx.Client(timeout=5, trust_env=False, headers=headers) as asking:
        yield asking


@pytest.fixture(scope="module")
def sdk() -> Any:  # the SDK's module, which is typed by what it loads when it is asked
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import dashscope
    return dashscope


def openai(**changes: object) -> Mapping[str, object]:
    return {"model": "qwen-long", "messages": MESSAGES, **changes}


def native(**parameters: object) -> Mapping[str, object]:
    return {"model": "qwen-long", "input": {"messages": MESSAGES}, "parameters": parameters}


def said(message: str) -> list[Mapping[str, str]]:
    return [{"role": "user", "content": message}]


def upload(
    client: httpx.Client,
    model: ModelStandIn,
    content: bytes = b"Title: Filed\n\nOn 12,800 files.",
    purpose: str = "file-extract",
) -> httpx.Response:
    files = {"file": ("paper.txt", content, "text/plain")}
    return client.post(f"{model.base}{FILES}", files=files, data={"purpose": purpose} if purpose else {})


def chat_about(client: httpx.Client, model: ModelStandIn, ids: str) -> httpx.Response:
    messages = [MESSAGES[0], {"role": "system", "content": f"fileid://{ids}"}, *said("Now write.")]
    return client.post(f"{model.base}{OPENAI}", json=openai(messages=messages))


# The SDK


def ask_sdk(sdk: Any, model: ModelStandIn, protocol: str, *, is_streamed: bool) -> tuple[str, str, tuple[int, int]]:
    """Text, finish reason and tokens in and out of one call."""

    async def ask() -> tuple[str, str, tuple[int, int]]:
        base = model.native_base if protocol == "native" else model.openai_base
        async with httpx.AsyncClient(base_url=base, trust_env=False) as http:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a workspace that is not named
                client = sdk.AsyncClient(
                    api_key=API_KEY, base_url=base, protocol=protocol, max_retries=0, http_client=http
                )
            create = client.chat.completions.create
            asked = {"model": "qwen-long", "messages": MESSAGES, "max_tokens": 3500, "api_key": API_KEY}
            if not is_streamed:
                whole = await create(**asked)
                choice, usage = whole.choices[0], whole.usage
                return choice.message.content, choice.finish_reason, (usage.input_tokens, usage.output_tokens)
            chunks = [chunk async for chunk in await create(stream=True, **asked)]
            deltas = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
            last = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1]
            usage = chunks[-1].usage
            return "".join(deltas), last, (usage.input_tokens, usage.output_tokens)

    return asyncio.run(ask())


@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("protocol", ["native", "openai"])
def test_the_sdk_reads_an_answer(sdk: Any, model: ModelStandIn, protocol: str, is_streamed: bool) -> None:
    assert ask_sdk(sdk, model, protocol, is_streamed=is_streamed) == (TEXT, "stop", USAGE)


@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("protocol", ["native", "openai"])
@pytest.mark.parametrize("name", RAISED)
def test_the_sdk_raises_what_a_fault_deserves(
    sdk: Any, model: ModelStandIn, name: str, protocol: str, is_streamed: bool
) -> None:
    model.answer_with(FAULTS[name]())
    with pytest.raises(sdk.v2.errors.DashScopeError) as raised:
        ask_sdk(sdk, model, protocol, is_streamed=is_streamed)
    assert type(raised.value).__name__ == RAISED[name]


@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
def test_the_sdk_knows_a_moderated_answer(sdk: Any, model: ModelStandIn, is_streamed: bool) -> None:
    model.answer_with(FAULTS["stream_error_midway"]())
    with pytest.raises(sdk.v2.errors.ContentFilterError, match="Output data may contain"):
        ask_sdk(sdk, model, "native", is_streamed=is_streamed)


@pytest.mark.parametrize("name", ["line_separators", "surrogates", "control_characters"])
@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("protocol", ["native", "openai"])
def test_the_sdk_lets_odd_characters_through(
    sdk: Any, model: ModelStandIn, name: str, protocol: str, is_streamed: bool
) -> None:
    fault = FAULTS[name]()
    assert fault.say is not None
    model.answer_with(fault)
    assert ask_sdk(sdk, model, protocol, is_streamed=is_streamed)[0] == fault.say(TEXT, MESSAGES)


# Chats over plain HTTP


def test_another_provider_has_the_openai_form_at_its_root(client: httpx.Client, model: ModelStandIn) -> None:
    whole = client.post(f"{model.base}/v1/chat/completions", json=openai()).json()
    assert whole["choices"][0]["message"]["content"] == TEXT
    assert whole["usage"]["total_tokens"] == sum(USAGE)


def test_an_answer_ends_at_the_most_tokens_that_it_may_have(client: httpx.Client, model: ModelStandIn) -> None:
    whole = client.post(f"{model.base}{OPENAI}", json=openai(max_tokens=100)).json()
    (choice,) = whole["choices"]
    assert choice["finish_reason"] == "length"
    assert TEXT.startswith(choice["message"]["content"])
    assert 90 <= whole["usage"]["completion_tokens"] <= 100


def test_answers_say_that_they_are_samples(client: httpx.Client, model: ModelStandIn) -> None:
    assert LABEL in client.post(f"{model.base}{NATIVE}", json=native()).json()["output"]["text"]


def test_each_answer_has_an_id_of_its_own_in_head_and_body(client: httpx.Client, model: ModelStandIn) -> None:
    one, other = (client.post(f"{model.base}{NATIVE}", json=native()) for _ in range(2))
    assert one.headers["x-request-id"] == one.json()["request_id"] != other.json()["request_id"]


# What is refused


@pytest.mark.parametrize("path", [NATIVE, OPENAI, FILES])
@pytest.mark.parametrize("authorization", [None, "Bearer sk-wrong", API_KEY])
def test_without_the_right_key_nothing_is_answered(
    client: httpx.Client, model: ModelStandIn, path: str, authorization: str | None
) -> None:
    asked = client.build_request("POST", f"{model.base}{path}", json=native())
    del asked.headers["Authorization"]
    asked.headers.update({"Authorization": authorization} if authorization else {})
    response = client.send(asked)
    told = response.json()
    code = told["code"] if path == NATIVE else told["error"]["code"]
    assert (response.status_code, code) == (401, "InvalidApiKey" if path == NATIVE else "invalid_api_key")


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (openai(model="qwen-max"), 404, "The model `qwen-max` does not exist."),
        ({"messages": MESSAGES}, 404, "The model `` does not exist."),
        (openai(model=7), 404, "The model `` does not exist."),
        ([], 400, "Required body invalid, please check the request body format."),
        (openai(messages=[]), 400, 'Either "prompt" or "messages" must exist and cannot both be none'),
        (openai(messages="a"), 400, 'Either "prompt" or "messages" must exist and cannot both be none'),
        (openai(max_tokens=0), 400, "Range of max_tokens should be [1, 8192]"),
        (openai(max_tokens=8193), 400, "Range of max_tokens should be [1, 8192]"),
        (openai(model="qwen-plus", max_tokens=32_769), 400, "Range of max_tokens should be [1, 32768]"),
        (openai(messages=said("a" * 36_004)), 400, "Range of input length should be [1, 9000]"),
        (
            openai(messages=[{"role": "system", "content": "模" * 24_000}]),
            400,
            "Range of input length should be [1, 10000]",
        ),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_chat_is_said(client: httpx.Client, body: object, status: int, message: str) -> None:
    with ModelStandIn(max_input_tokens=10_000) as model:
        response = client.post(f"{model.base}{OPENAI}", json=body)
    assert (response.status_code, response.json()["error"]["message"]) == (status, message)


@pytest.mark.parametrize(
    "body",
    [
        openai(messages=said("a" * 36_000)),
        openai(model="qwen-plus", messages=said("a" * 36_004)),
        openai(messages=[{"role": "system", "content": "a" * 360_000}]),
        openai(model="qwen-flash", max_tokens=32_768),
    ],
    ids=["short enough", "another model", "system message", "much to say"],
)
def test_what_is_just_allowed_is_answered(client: httpx.Client, model: ModelStandIn, body: object) -> None:
    assert client.post(f"{model.base}{OPENAI}", json=body).status_code == 200


def test_a_body_that_is_no_json_is_refused(client: httpx.Client, model: ModelStandIn) -> None:
    response = client.post(f"{model.base}{NATIVE}", content=b"{'a'")
    assert (response.status_code, response.json()["code"]) == (400, "InvalidParameter")


@pytest.mark.parametrize(("path", "status"), [(NATIVE, 400), (OPENAI, 200)])
def test_a_multimodal_model_has_another_native_address(client: httpx.Client, path: str, status: int) -> None:
    body = {**openai(model="qwen3.8-flash"), "input": {"messages": MESSAGES}}
    with ModelStandIn(models=["qwen3.8-flash"]) as model:
        response = client.post(f"{model.base}{path}", json=body)
    assert response.status_code == status
    assert ("url error, please check url!" in response.text) == (status == 400)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", NATIVE), ("GET", OPENAI), ("DELETE", FILES), ("GET", "/"), ("POST", f"{FILES}/a"), ("GET", "/v1/files")],
)
def test_there_is_nothing_anywhere_else(client: httpx.Client, model: ModelStandIn, method: str, path: str) -> None:
    assert client.request(method, f"{model.base}{path}").status_code == 404


# Files


def test_a_file_is_uploaded_listed_read_and_deleted(client: httpx.Client, model: ModelStandIn) -> None:
    file = upload(client, model).json()
    assert file["id"].startswith("file-fe-")
    assert (file["status"], file["bytes"], file["filename"]) == ("processed", 30, "paper.txt")
    assert client.get(f"{model.base}{FILES}").json()["data"] == [file]
    assert client.get(f"{model.base}{FILES}/{file['id']}").json() == file
    text = chat_about(client, model, file["id"]).json()["choices"][0]["message"]["content"]
    assert ("“Filed”" in text, "12,800" in text) == (True, True)
    assert client.delete(f"{model.base}{FILES}/{file['id']}").json() == {
        "object": "file",
        "deleted": True,
        "id": file["id"],
    }
    assert model.files == ()


def test_two_files_have_different_ids(client: httpx.Client, model: ModelStandIn) -> None:
    ids = [upload(client, model).json()["id"] for _ in range(2)]
    assert [file.id for file in model.files] == ids
    assert ids[0] != ids[1]


def test_a_file_is_parsed_after_some_polls(client: httpx.Client) -> None:
    with ModelStandIn(polls_until_parsed=2) as model:
        id_ = upload(client, model).json()["id"]
        statuses = [client.get(f"{model.base}{FILES}/{id_}").json()["status"] for _ in range(4)]
    assert statuses == ["processing", "processing", "processed", "processed"]


def test_a_chat_about_a_file_that_is_being_parsed_is_refused(client: httpx.Client) -> None:
    with ModelStandIn(polls_until_parsed=1) as model:
        id_ = upload(client, model).json()["id"]
        early, later = (chat_about(client, model, id_) for _ in range(2))
    assert early.json()["error"]["message"] == "File parsing in progress, please try again later."
    assert (early.status_code, later.status_code) == (400, 200)


@pytest.mark.parametrize("ids", ["file-fe-0", "{0},file-fe-0"])
def test_a_chat_about_a_file_that_is_not_there_is_refused(client: httpx.Client, model: ModelStandIn, ids: str) -> None:
    response = chat_about(client, model, ids.format(upload(client, model).json()["id"]))
    assert response.json()["error"]["message"] == "File [id:file-fe-0] cannot be found."


@pytest.mark.parametrize(
    ("content", "title"),
    [
        (b"%PDF-1.4\nBT (Title: Printed) Tj (More \\(of\\) it.) Tj ET", "Printed"),
        (b"%PDF-1.7\n\x80\x81", "paper.txt"),
        ("Title: Übergröße".encode(), "Übergröße"),
    ],
    ids=["plain PDF", "compressed PDF", "text"],
)
def test_the_model_reads_what_it_can_of_a_file(
    client: httpx.Client, model: ModelStandIn, content: bytes, title: str
) -> None:
    id_ = upload(client, model, content).json()["id"]
    assert f"“{title}”" in chat_about(client, model, id_).json()["choices"][0]["message"]["content"]


def test_the_tokens_of_a_file_count(client: httpx.Client, model: ModelStandIn) -> None:
    short, long = (upload(client, model, b"a" * size).json()["id"] for size in (400, 4_000))
    sizes = [chat_about(client, model, id_).json()["usage"]["prompt_tokens"] for id_ in (short, long)]
    assert sizes[1] - sizes[0] == 900


@pytest.mark.parametrize("purpose", ["", "batch"])
def test_a_file_for_another_purpose_is_refused(client: httpx.Client, model: ModelStandIn, purpose: str) -> None:
    response = upload(client, model, purpose=purpose)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_parameter_error")
    assert model.files == ()


@pytest.mark.parametrize("body", [{"data": {"purpose": "file-extract"}}, {"content": b"a"}], ids=["no form", "no file"])
def test_an_upload_without_a_file_is_refused(
    client: httpx.Client, model: ModelStandIn, body: Mapping[str, Any]
) -> None:
    response = client.post(f"{model.base}{FILES}", **body)
    assert response.json()["error"]["message"] == "Required parameter(s) missing: file"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_file_that_is_not_there_is_not_found(client: httpx.Client, model: ModelStandIn, method: str) -> None:
    assert client.request(method, f"{model.base}{FILES}/file-fe-0").status_code == 404


def test_a_file_keeps_every_byte(client: httpx.Client, model: ModelStandIn) -> None:
    content = bytes(range(256)) * 3 + b"\r\n\r\n--\r\n"
    upload(client, model, content)
    assert model.files[0].content == content


# Scripted faults


def test_faults_are_used_up_in_order(client: httpx.Client, model: ModelStandIn) -> None:
    model.answer_with(FAULTS["throttling"](), times=2)
    model.answer_with(Fault(status=418))
    statuses = [client.post(f"{model.base}{OPENAI}", json=openai()).status_code for _ in range(4)]
    assert statuses == [429, 429, 418, 200]


def test_a_fault_can_be_for_good_and_forgotten(client: httpx.Client, model: ModelStandIn) -> None:
    model.answer_with(FAULTS["arrearage"](), times=None)
    statuses = [client.post(f"{model.base}{OPENAI}", json=openai()).status_code for _ in range(3)]
    model.forget_faults()
    assert [*statuses, client.post(f"{model.base}{OPENAI}", json=openai()).status_code] == [400, 400, 400, 200]


def test_a_fault_can_be_meant_for_one_paper(client: httpx.Client, model: ModelStandIn) -> None:
    model.answer_with(FAULTS["unavailable"](), when=lambda request: "Slower" in request.text)
    asked = (MESSAGES, said("Title: Slower Sampling"), said("Title: Slower Sampling"))
    statuses = [client.post(f"{model.base}{OPENAI}", json=openai(messages=messages)).status_code for messages in asked]
    assert statuses == [200, 503, 200]


def test_a_fault_is_for_chats_unless_it_is_said_otherwise(client: httpx.Client, model: ModelStandIn) -> None:
    model.answer_with(FAULTS["unavailable"]())
    assert upload(client, model).status_code == 200
    assert client.post(f"{model.base}{OPENAI}", json=openai()).status_code == 503


def test_uploads_can_go_wrong_too(client: httpx.Client, model: ModelStandIn) -> None:
    model.answer_with(FAULTS["rate_quota"](), when=lambda request: request.path.endswith("/files"))
    response = upload(client, model)
    assert (response.status_code, response.json()["error"]["code"]) == (429, "limit_requests")


def test_a_redirect_leads_to_the_answer(client: httpx.Client, model: ModelStandIn) -> None:
    model.answer_with(ModelFault(wire=Fault(status=307, location=lambda address: f"/moved{address}", body=b"")))
    response = client.post(f"{model.base}{OPENAI}", json=openai(), follow_redirects=True)
    assert response.json()["choices"][0]["message"]["content"] == TEXT
    assert len(model.calls) == 2


# The log


def test_requests_are_logged_without_the_key(client: httpx.Client, model: ModelStandIn) -> None:
    client.post(f"{model.base}{NATIVE}?a=1", json=native(seed=7), headers={"X-Note": "b"})
    (request,) = model.requests
    assert (request.method, request.path, request.query, request.model) == ("POST", NATIVE, "a=1", "qwen-long")
    assert (request.form, request.is_streamed, request.has_key) == ("native", False, True)
    assert (request.messages, request.parameters) == (tuple(MESSAGES), {"seed": 7})
    assert request.headers["x-note"] == "b"
    assert API_KEY not in repr(request)


def test_calls_are_the_chats_among_the_requests(client: httpx.Client, model: ModelStandIn) -> None:
    upload(client, model)
    client.post(f"{model.base}{OPENAI}", json=openai(stream=True))
    assert [request.path for request in model.requests] == [FILES, OPENAI]
    assert [(call.form, call.is_streamed) for call in model.calls] == [("openai", True)]


def test_the_log_tells_how_many_chats_were_under_way_at_once(client: httpx.Client, model: ModelStandIn) -> None:
    model.hold = threading.Event()
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(client.post, f"{model.base}{OPENAI}", json=openai()) for _ in range(3)]
        assert model.wait_for_requests(3)
        model.hold.set()
    assert {future.result().status_code for future in answers} == {200}
    assert model.wait_until_idle()
    assert most_at_once(model.calls) == 3


def test_a_request_of_which_the_client_takes_leave_ends(model: ModelStandIn) -> None:
    model.answer_with(FAULTS["silence"]())
    connection = HTTPConnection(urlsplit(model.base).netloc, timeout=5)
    body = json.dumps(openai())
    connection.request("POST", OPENAI, body, {"Authorization": f"Bearer {API_KEY}"})
    assert model.wait_for_requests(1)
    connection.close()
    assert model.wait_until_idle()
    assert model.calls[0].finished is None


def test_a_body_that_does_not_arrive_whole_is_no_request(client: httpx.Client, model: ModelStandIn) -> None:
    connection = HTTPConnection(urlsplit(model.base).netloc, timeout=5)
    connection.request("POST", OPENAI, "{}", {"Content-Length": "9"})
    connection.close()
    client.get(f"{model.base}{FILES}")
    assert [request.method for request in model.requests] == ["GET"]


def test_an_answer_takes_its_time(client: httpx.Client) -> None:
    with ModelStandIn(latency_seconds=0.02) as model:
        client.post(f"{model.base}{OPENAI}", json=openai())
        (request,) = model.calls
    assert (request.finished or 0.0) - request.started >= 0.02


# The command


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--port", "http"], "invalid int value: 'http'"),
        (["--latency", "soon"], "'soon' is no number of seconds such as 0.3"),
        (["--latency", "-1"], "'-1' is no number of seconds such as 0.3"),
        (["--fault", "xss,nonsense"], "'nonsense' is no fault; there are none, invalid_key, "),
    ],
)
def test_bad_arguments_are_answered_with_one_line_of_help(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    usage, message = capsys.readouterr().err.splitlines()
    assert usage == (
        "usage: python -m demo.model [--host HOST] [--port PORT] [--api-key KEY] [--fault NAME[,NAME…]] "
        "[--latency SECONDS]"
    )
    assert complaint in message


def test_help_names_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out.replace("\n", " ").split()
    assert set(FAULTS) <= {word.strip(",") for word in told}


def test_a_port_in_use_is_said_so(model: ModelStandIn) -> None:
    port = model.base.rsplit(":", 1)[1]
    with pytest.raises(SystemExit, match=f"cannot listen on 127.0.0.1:{port}: "):
        main(["--port", port])


def test_it_runs_alone_with_the_last_fault_for_good(client: httpx.Client) -> None:
    options = ["--port", "0", "--api-key", "sk-other", "--fault", "none,throttling,arrearage"]
    with subprocess.Popen(
        [sys.executable, "-m", "demo.model", *options], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            base = process.stdout.readline().split()[-1]
            headers = {"Authorization": "Bearer sk-other"}
            statuses = [
                client.post(f"{base}/chat/completions", json=openai(), headers=headers).status_code for _ in range(4)
            ]
        finally:
            process.terminate()
    assert statuses == [200, 429, 400, 400]
