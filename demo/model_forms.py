"""The two forms in which a chat comes and is answered, DashScope's own and OpenAI's, whole or as server-sent events.

Reads requests and renders answers; keeps nothing and sends nothing. Which request is refused is `model.py`, what the
model says is `model_answers.py`, and what the documents about files hold is `model_files.py`.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from demo.model_answers import Message, read_content
from demo.model_faults import Document, ModelFault, Refusal
from demo.request_log import Request
from demo.wire import Answer, Exchange

Form = Literal["native", "openai"]

_NATIVE_CHAT = "/api/v1/services/aigc/text-generation/generation"
_OPENAI_CHATS = ("/compatible-mode/v1/chat/completions", "/v1/chat/completions")
_MOVED = "/moved"  # an address with this before it is answered like the one without

_MOST_FRAMES = 64
_FRAME_CHARACTERS = 24
_CREATED = 1_772_668_800  # when each answer was made, in seconds since 1970: the same every time
_JSON = "application/json; charset=utf-8"
_EVENTS = "text/event-stream; charset=utf-8"


@dataclass(frozen=True, slots=True)
class ModelRequest(Request):
    """A request that arrived, as `Request` has it, and what it asks of the model.

    *headers* are without the key; *has_key* says whether it was the right one. *content* is what came, *body* is it
    as JSON, None where it is none; *model* is empty where no model is named.
    """

    model: str = ""
    body: Any = None  # JSON, as it came
    has_key: bool = False
    content: bytes = field(default=b"", repr=False)

    @property
    def address(self) -> str:
        """The path, as it is without a redirect."""
        return self.path.removeprefix(_MOVED)

    @property
    def form(self) -> Form | None:
        """How the chat is spoken, None for a request that is none."""
        if self.method != "POST":
            return None
        return "native" if self.address == _NATIVE_CHAT else "openai" if self.address in _OPENAI_CHATS else None

    @property
    def messages(self) -> tuple[Message, ...]:
        given = _mapping(_mapping(self.body).get("input") if self.form == "native" else self.body).get("messages")
        return tuple(message for message in given if isinstance(message, dict)) if isinstance(given, list) else ()

    @property
    def text(self) -> str:
        """All that the messages say, a blank line between them."""
        return "\n\n".join(map(read_content, self.messages))

    @property
    def parameters(self) -> Mapping[str, Any]:
        body = _mapping(self.body)
        return _mapping(body.get("parameters")) if self.form == "native" else body

    @property
    def is_streamed(self) -> bool:
        if self.form == "native":
            return self.headers.get("x-dashscope-sse") == "enable"
        return self.parameters.get("stream") is True


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model says to one request; a *text* of None is JSON's null."""

    text: str | None
    finish_reason: str
    input_tokens: int
    output_tokens: int


def read_request(exchange: Exchange, content: bytes, api_key: str) -> ModelRequest:
    """The request of *exchange*, whose body is *content*; it is started now, and only *api_key* is the right key."""
    address = urlsplit(exchange.path)
    headers = {name.lower(): value for name, value in exchange.headers.items()}
    try:
        body = json.loads(content) if content else None
    except ValueError:
        body = None
    model = _mapping(body).get("model")
    return ModelRequest(
        exchange.command,
        address.path,
        address.query,
        {name: value for name, value in headers.items() if name != "authorization"},
        time.monotonic(),
        model=model if isinstance(model, str) else "",
        body=body,
        has_key=headers.get("authorization") == f"Bearer {api_key}",
        content=content,
    )


def render_document(document: Document, request_id: str) -> Answer:
    """*document* as it is, in neither form: what there is to tell of files."""
    return Answer(200, _JSON, _dump(document), _about(request_id))


def render_refusal(refusal: Refusal, request: ModelRequest, request_id: str) -> Answer:
    """*refusal* in the form of *request*; away from the chats, addresses below `/api/` have the native form."""
    is_native = request.form == "native" or request.address.startswith("/api/")
    told = _tell(refusal, "native" if is_native else "openai", request_id)
    if refusal.is_framed and request.is_streamed:
        return Answer(refusal.status, _EVENTS, _frame_error(refusal, request, request_id), _about(request_id))
    return Answer(refusal.status, _JSON, _dump(told), _about(request_id))


def _tell(refusal: Refusal, form: Form, request_id: str) -> Document:
    if form == "native":
        return {"code": refusal.code, "message": refusal.message, "request_id": request_id}
    error = {
        "message": refusal.message,
        "type": refusal.openai_type,
        "param": None,
        "code": refusal.openai_code,
    }
    return {"error": error, "request_id": request_id}


def render_reply(request: ModelRequest, reply: Reply, fault: ModelFault, request_id: str) -> Answer:
    """*reply* in the form of *request*, streamed if it asks for that, reshaped and broken off as *fault* has it.

    The refusal of *fault* counts only after the frames of an answer that is broken off.
    """
    reshape = fault.reshape or (lambda document: document)
    if not request.is_streamed:
        body = _dump(reshape(_whole(request, reply, request_id)))
        return Answer(200, _JSON, body[: len(body) // 2] if fault.is_broken_off else body, _about(request_id))
    documents = [reshape(document) for document in _stream(request, reply, request_id)]
    frames = [_frame(document, request, place) for place, document in enumerate(documents, start=1)]
    if fault.is_broken_off:
        frames = frames[: len(frames) // 2]
        if fault.refusal:
            frames.append(_frame_error(fault.refusal, request, request_id))
    elif request.form == "openai":
        frames.append(b"data: [DONE]\n\n")
    return Answer(200, _EVENTS, b"".join(frames), _about(request_id))


def _frame(document: Document, request: ModelRequest, place: int) -> bytes:
    about = b"id:%d\nevent:result\n:HTTP_STATUS/200\ndata:" % place if request.form == "native" else b"data: "
    return about + _dump(document) + b"\n\n"


def _frame_error(refusal: Refusal, request: ModelRequest, request_id: str) -> bytes:
    if request.form == "native":
        about = f"id:1\nevent:error\n:HTTP_STATUS/{refusal.status}\ndata:".encode()
        return about + _dump(_tell(refusal, "native", request_id)) + b"\n\n"
    return b"data: " + _dump(_tell(refusal, "openai", request_id)) + b"\n\n"


def _whole(request: ModelRequest, reply: Reply, request_id: str) -> Document:
    if request.form == "native":
        return _native(request, reply, request_id)
    message = {"role": "assistant", "content": reply.text}
    choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason, "logprobs": None}
    return {**_openai(request, request_id, "chat.completion"), "choices": [choice], "usage": _openai_usage(reply)}


def _stream(request: ModelRequest, reply: Reply, request_id: str) -> list[Document]:
    """The frames of *reply*: pieces of the text, then the reason why it stopped."""
    pieces = _cut_up(reply.text)
    return (_stream_native if request.form == "native" else _stream_openai)(request, reply, pieces, request_id)


def _cut_up(text: str | None) -> list[str | None]:
    if not text:
        return [text]
    size = max(_FRAME_CHARACTERS, math.ceil(len(text) / _MOST_FRAMES))
    return [text[start : start + size] for start in range(0, len(text), size)]


def _stream_native(
    request: ModelRequest, reply: Reply, pieces: Sequence[str | None], request_id: str
) -> list[Document]:
    """Pieces, or with `incremental_output` unset all that was said until then; "null" until the last says why."""
    is_incremental = request.parameters.get("incremental_output") is True
    frames: list[Document] = []
    said = ""
    for piece in pieces:
        said += piece or ""
        text = piece if is_incremental or piece is None else said
        tokens = reply.output_tokens * len(said) // max(1, len(reply.text or ""))
        frames.append(_native(request, Reply(text, "null", reply.input_tokens, tokens), request_id))
    last = "" if is_incremental and reply.text is not None else reply.text
    return [*frames, _native(request, replace(reply, text=last), request_id)]


def _stream_openai(
    request: ModelRequest, reply: Reply, pieces: Sequence[str | None], request_id: str
) -> list[Document]:
    about = {**_openai(request, request_id, "chat.completion.chunk"), "usage": None}
    deltas: list[tuple[Document, str | None]] = [({"content": "", "role": "assistant"}, None)]
    deltas += [({"content": piece}, None) for piece in pieces]
    deltas += [({"content": ""}, reply.finish_reason)]
    frames: list[Document] = [
        {**about, "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}]}
        for delta, finish_reason in deltas
    ]
    if _mapping(request.parameters.get("stream_options")).get("include_usage") is True:
        frames.append({**about, "choices": [], "usage": _openai_usage(reply)})
    return frames


def _native(request: ModelRequest, reply: Reply, request_id: str) -> Document:
    choice = {"finish_reason": reply.finish_reason, "message": {"role": "assistant", "content": reply.text}}
    is_message = request.parameters.get("result_format") == "message"
    output = {"choices": [choice]} if is_message else {"finish_reason": reply.finish_reason, "text": reply.text}
    usage = {
        "input_tokens": reply.input_tokens,
        "output_tokens": reply.output_tokens,
        "total_tokens": reply.input_tokens + reply.output_tokens,
    }
    return {"output": output, "usage": usage, "request_id": request_id}


def _openai(request: ModelRequest, request_id: str, kind: str) -> Document:
    return {
        "id": f"chatcmpl-{request_id}",
        "object": kind,
        "created": _CREATED,
        "model": request.model,
        "system_fingerprint": None,
    }


def _openai_usage(reply: Reply) -> Document:
    return {
        "prompt_tokens": reply.input_tokens,
        "completion_tokens": reply.output_tokens,
        "total_tokens": reply.input_tokens + reply.output_tokens,
    }


def _about(request_id: str) -> tuple[tuple[str, str], ...]:
    return (("x-request-id", request_id),)


def _dump(document: Document) -> bytes:
    """JSON in UTF-8 on one line; a surrogate, which UTF-8 cannot carry, becomes the escape that JSON has for it."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
