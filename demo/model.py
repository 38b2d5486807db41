"""A server that stands in for DashScope: chats in its native and its OpenAI form, and the files they can read.

    python -m demo.model --port 8002

Its answers are made of the paper that it is sent and are marked as samples. Tests script its faults. It speaks to
loopback unless told otherwise, and asks nobody.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
import threading
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from demo.listening import StandIn
from demo.model_answers import Message, answer, count_tokens, read_content
from demo.model_faults import (
    FAULTS,
    INVALID_KEY,
    MODEL_NOT_FOUND,
    NO_MODEL_FAULT,
    NOT_FOUND,
    Document,
    ModelFault,
    Refusal,
    refuse_length,
    refuse_parameter,
)
from demo.model_files import (
    PURPOSE,
    RemoteFile,
    name_file,
    parse_upload,
    read_text,
    render_deletion,
    render_file,
    render_list,
)
from demo.model_forms import ModelRequest, Reply, read_request, render_document, render_refusal, render_reply
from demo.wire import Answer, Exchange, Fault, WritingExchange

__all__ = ["FAULTS", "ModelFault", "ModelRequest", "ModelStandIn", "main"]  # who scripts it needs no other module

API_KEY = "sk-stand-in"
MODELS = ("qwen-long", "qwen-plus", "qwen-flash")

_FILES = "/compatible-mode/v1/files"
_MOST_USER_TOKENS = 9_000  # of qwen-long: what is longer belongs in a system message
_MOST_OUTPUT_TOKENS = 8_192
_MULTIMODAL = re.compile(r"qwen3\.[5-9]")  # whose native address is another one
_FILE_SCHEME = "fileid://"


@dataclass(slots=True)
class _Scripted:
    """A fault that waits for the next requests that it is meant for: *times* more of them, None for all."""

    fault: ModelFault
    times: int | None
    is_meant_for: Callable[[ModelRequest], bool]


class ModelStandIn(StandIn[ModelRequest]):
    """DashScope as far as this project asks it.

    A context manager: the socket is bound when it is made, requests are answered inside of `with`. Each answer takes
    *latency_seconds* to come, and waits as long as *hold* is an event that is not set. A file is being parsed until it
    was looked at *polls_until_parsed* times, by a poll or by a chat.
    """

    def __init__(
        self,
        *,
        api_key: str = API_KEY,
        models: Sequence[str] = MODELS,
        max_input_tokens: int = 1_000_000,
        polls_until_parsed: int = 0,
        host: str = "127.0.0.1",
        port: int = 0,
        latency_seconds: float = 0.0,
    ) -> None:
        super().__init__(host, port, latency_seconds, exchange=WritingExchange)
        self.api_key = api_key
        self.hold: threading.Event | None = None
        self._models = frozenset(models)
        self._max_input_tokens = max_input_tokens
        self._polls_until_parsed = polls_until_parsed
        self._uploads = 0
        self._files: dict[str, RemoteFile] = {}
        self._scripted: list[_Scripted] = []

    @property
    def native_base(self) -> str:
        return f"{self.base}/api/v1"

    @property
    def openai_base(self) -> str:
        return f"{self.base}/compatible-mode/v1"

    @property
    def calls(self) -> tuple[ModelRequest, ...]:
        """Those of the requests that are chats."""
        return tuple(request for request in self.requests if request.form)

    @property
    def files(self) -> tuple[RemoteFile, ...]:
        """The files that exist now, the first uploaded first."""
        with self._changed:
            return tuple(self._files.values())

    def answer_with(
        self,
        fault: ModelFault | Fault,
        *,
        times: int | None = 1,
        when: Callable[[ModelRequest], bool] | None = None,
    ) -> None:
        """Applies *fault* to the next *times* requests (None: to all) for which *when* holds; without it, to chats.

        Faults are used up in the order in which they were asked for, one for each request.
        """
        scripted = fault if isinstance(fault, ModelFault) else ModelFault(wire=fault)
        with self._changed:
            self._scripted.append(_Scripted(scripted, times, when or (lambda request: request.form is not None)))

    def forget_faults(self) -> None:
        """Answers as usual from now on, whatever faults were asked for."""
        with self._changed:
            self._scripted.clear()

    def _handle(self, exchange: Exchange) -> None:
        content = exchange.read_body()
        place, request, fault = self._record(exchange, content)
        try:
            self._respond(exchange, place, request, fault)
        finally:
            self._end(place)

    def _record(self, exchange: Exchange, content: bytes) -> tuple[int, ModelRequest, ModelFault]:
        request = read_request(exchange, content, self.api_key)
        with self._changed:
            place = self._note(exchange, request)
            return place, request, self._take_fault(request)

    def _take_fault(self, request: ModelRequest) -> ModelFault:
        for scripted in self._scripted:
            if scripted.is_meant_for(request):
                if scripted.times is not None:
                    scripted.times -= 1
                    if not scripted.times:
                        self._scripted.remove(scripted)
                return scripted.fault
        return NO_MODEL_FAULT

    def _respond(self, exchange: Exchange, place: int, request: ModelRequest, fault: ModelFault) -> None:
        made = self._answer(request, fault, _name_request(place))
        wire = fault.wire if fault.wire.gzip is not None else replace(fault.wire, gzip=False)  # DashScope sends plain
        pieces = exchange.pieces(made, wire)
        self._wait(exchange, self._closing, self.latency_seconds)
        for hold in (self.hold, wire.hold):
            if hold:
                self._wait(exchange, hold)
        self._send(exchange, place, pieces, wire)

    def _answer(self, request: ModelRequest, fault: ModelFault, request_id: str) -> Answer:
        if request.form:
            return self._answer_chat(request, fault, request_id)
        told = fault.refusal or self._answer_about_files(request)
        if isinstance(told, Refusal):
            return render_refusal(told, request, request_id)
        return render_document(told, request_id)

    def _answer_about_files(self, request: ModelRequest) -> Document | Refusal:
        folder, _, last = request.address.rpartition("/")
        is_folder = request.address == _FILES
        match request.method:
            case _ if not request.has_key:
                return INVALID_KEY
            case "POST" if is_folder:
                return self._upload(request)
            case "GET" if is_folder:
                return render_list(self.files)
            case "GET" | "DELETE" if folder == _FILES:
                return self._answer_about_file(request.method, last)
            case _:
                return NOT_FOUND

    def _upload(self, request: ModelRequest) -> Document | Refusal:
        upload = parse_upload(request.headers.get("content-type", ""), request.content)
        if upload.content is None:
            return refuse_parameter("Required parameter(s) missing: file")
        if upload.purpose != PURPOSE:
            return refuse_parameter(f"purpose should be {PURPOSE}, not {upload.purpose!r}")
        with self._changed:
            self._uploads += 1
            id_ = name_file(upload, self._uploads)
            self._files[id_] = RemoteFile(id_, upload.name, upload.content, self._polls_until_parsed)
            return render_file(self._files[id_])

    def _answer_about_file(self, method: str, id_: str) -> Document | Refusal:
        with self._changed:
            file = self._look_at(id_)
            if file is None:
                return replace(NOT_FOUND, message=f"No such File object: {id_}")
            if method == "DELETE":
                del self._files[id_]
                return render_deletion(file)
            return render_file(file)

    def _look_at(self, id_: str) -> RemoteFile | None:
        """The file as it is now; the next time it will be nearer to being parsed."""
        with self._changed:
            file = self._files.get(id_)
            if file and file.looks_left:
                self._files[id_] = replace(file, looks_left=file.looks_left - 1)
            return file

    def _answer_chat(self, request: ModelRequest, fault: ModelFault, request_id: str) -> Answer:
        comes_later = fault.is_broken_off and request.is_streamed
        refusal = None if comes_later else fault.refusal
        told = refusal or self._refuse(request) or self._read_files(request)
        if isinstance(told, Refusal):
            return render_refusal(told, request, request_id)
        return render_reply(request, _reply(request, told, fault), fault, request_id)

    def _refuse(self, request: ModelRequest) -> Refusal | None:
        """What DashScope finds wrong with a chat before it looks at files, in the order in which it looks."""
        if not request.has_key:
            return INVALID_KEY
        if not isinstance(request.body, dict):
            return refuse_parameter("Required body invalid, please check the request body format.")
        if request.model not in self._models:
            return replace(MODEL_NOT_FOUND, message=f"The model `{request.model}` does not exist.")
        if request.form == "native" and _MULTIMODAL.match(request.model):
            return refuse_parameter("url error, please check url!")
        return _refuse_output(request) or _refuse_input(request, self._max_input_tokens)

    def _read_files(self, request: ModelRequest) -> tuple[Message, ...] | Refusal:
        """The messages of *request*, with the text of a file where there was its id."""
        messages: list[Message] = []
        for message in request.messages:
            text = read_content(message)
            is_file = message.get("role") == "system" and text.startswith(_FILE_SCHEME)
            for id_ in text.replace(_FILE_SCHEME, "").split(",") if is_file else ():
                file = self._look_at(id_.strip())
                if file is None:
                    return refuse_parameter(f"File [id:{id_}] cannot be found.")
                if file.looks_left:
                    return refuse_parameter("File parsing in progress, please try again later.")
                told = read_text(file).strip() or file.name
                messages.append({"role": "system", "content": f"<paper-file>\n{told}\n</paper-file>"})
            if not is_file:
                messages.append(message)
        return tuple(messages)


def _name_request(place: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"stand-in/{place}"))


def _is_long(request: ModelRequest) -> bool:
    return request.model.startswith("qwen-long")


def _refuse_output(request: ModelRequest) -> Refusal | None:
    most = _MOST_OUTPUT_TOKENS if _is_long(request) else 4 * _MOST_OUTPUT_TOKENS
    wanted = request.parameters.get("max_tokens", most)
    is_in_range = isinstance(wanted, int) and 1 <= wanted <= most
    return None if is_in_range else refuse_parameter(f"Range of max_tokens should be [1, {most}]")


def _refuse_input(request: ModelRequest, max_input_tokens: int) -> Refusal | None:
    sizes = [(message.get("role"), count_tokens(read_content(message))) for message in request.messages]
    if not sizes:
        return refuse_parameter('Either "prompt" or "messages" must exist and cannot both be none')
    if sum(size for _, size in sizes) > max_input_tokens:
        return refuse_length(max_input_tokens)
    if _is_long(request) and any(size > _MOST_USER_TOKENS for role, size in sizes if role != "system"):
        return refuse_length(_MOST_USER_TOKENS)
    return None


def _reply(request: ModelRequest, messages: Sequence[Message], fault: ModelFault) -> Reply:
    """What the model says, cut off at the most tokens that it may say; a fault says what it likes."""
    text: str | None = answer(messages, model=request.model)
    finish_reason = "stop"
    most, size = request.parameters.get("max_tokens", math.inf), count_tokens(text or "")
    if text and size > most:
        text, finish_reason = text[: len(text) * most // size], "length"
    if fault.say:
        text, finish_reason = fault.say(text or "", messages), "stop"
    read = sum(count_tokens(read_content(message)) for message in messages)
    return Reply(text, fault.finish_reason or finish_reason, read, count_tokens(text or ""))


def _parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m demo.model",
        usage="%(prog)s [--host HOST] [--port PORT] [--api-key KEY] [--fault NAME[,NAME…]] [--latency SECONDS]",
        description="Answer chats with sample summaries as DashScope does.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8002, help="port to listen on, 0 for any (default: %(default)s)")
    parser.add_argument("--api-key", default=API_KEY, help="the only key that is taken (default: %(default)s)")
    parser.add_argument(
        "--fault",
        type=_faults,
        default=(),
        metavar="NAME[,NAME…]",
        help=f"what goes wrong with the first chats, the last of it for good: none, {', '.join(FAULTS)}",
    )
    parser.add_argument("--latency", type=_seconds, default=0.0, help="seconds before each answer (default: none)")
    return parser.parse_args(arguments)


def _faults(text: str) -> tuple[ModelFault, ...]:
    known = {"none": ModelFault, **FAULTS}
    names = [name.strip() for name in text.split(",")]
    if unknown := [name for name in names if name not in known]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is no fault; there are {', '.join(known)}")
    return tuple(known[name]() for name in names)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds such as 0.3")
    return seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Answers chats until it is interrupted."""
    chosen = _parse_arguments(arguments)
    try:
        model = ModelStandIn(api_key=chosen.api_key, host=chosen.host, port=chosen.port, latency_seconds=chosen.latency)
    except (OSError, OverflowError) as error:
        raise SystemExit(f"cannot listen on {chosen.host}:{chosen.port}: {error}") from error
    for place, fault in enumerate(chosen.fault, start=1):
        model.answer_with(fault, times=None if place == len(chosen.fault) else 1)
    with model, suppress(KeyboardInterrupt):
        sys.stdout.write(f"Standing in for DashScope at {model.native_base} and {model.openai_base}\n")
        sys.stdout.write(f"export DASHSCOPE_HTTP_BASE_URL={model.native_base} DASHSCOPE_API_KEY={model.api_key}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
