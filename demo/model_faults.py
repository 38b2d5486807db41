"""What can go wrong with an answer of a model, each fault under its name: `stand_in.answer_with(FAULTS["loop"]())`.

Refusals have DashScope's codes in the native form and in the OpenAI form. What the model says amiss is the same text in
both, streamed or not. What goes wrong on the way is a `demo.wire.Fault`.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from demo import faults
from demo.model_answers import Message, answer, find_paper, read_content
from demo.wire import NO_FAULT, Fault

Document = Mapping[str, Any]  # what an answer, or one frame of it, is as JSON

_MEBIBYTE = 1 << 20
_HUGE_MEBIBYTES = 20
_JSON = {"Content-Type": "application/json"}

_CJK = re.compile(r"[\u4e00-\u9fff]")
_SECTION = re.compile(r"^(?=## )", re.MULTILINE)
_NUMBER = re.compile(r"\d[\d.,]*\d")
_COMMAND = re.compile(
    r"\b(?:ignore|disregard|forget)\b[^.!?\n]{0,40}\b(?:instructions?|prompts?)\b(?P<rest>[^\n]{0,300})", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An error as DashScope tells of it: its *code* in the native form, *openai_code* and *openai_type* in the other.

    One that *is_framed* comes as a server-sent event where the answer was to be streamed, under whatever status.
    """

    status: int
    code: str
    message: str
    openai_code: str
    openai_type: str
    is_framed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFault:
    """What to change about an answer to a chat; what is left at its default stays as it would have been.

    A *refusal* comes instead of the answer, or after half of the frames of one that *is_broken_off* and streamed.
    Otherwise *say* makes another text (None is JSON's null) of what the model says and the messages that it was sent;
    it stops for *finish_reason*, and *reshape* makes another document of the answer, or of each frame. An answer that
    *is_broken_off* without a refusal is well-formed HTTP, and half of its frames or of its JSON are not there. *wire*
    is applied to the bytes at last.
    """

    refusal: Refusal | None = None
    is_broken_off: bool = False
    say: Callable[[str, Sequence[Message]], str | None] | None = None
    finish_reason: str | None = None
    reshape: Callable[[Document], Document] | None = None
    wire: Fault = NO_FAULT


NO_MODEL_FAULT = ModelFault()


def _refusal(
    status: int, code: str, message: str, openai_code: str = "", openai_type: str = "", *, is_framed: bool = False
) -> Refusal:
    """A refusal, with the same code in the OpenAI form unless that has one of its own."""
    other = openai_code or code
    return Refusal(
        status=status,
        code=code,
        message=message,
        openai_code=other,
        openai_type=openai_type or other,
        is_framed=is_framed,
    )


_INVALID = "invalid_request_error"
INVALID_KEY = _refusal(401, "InvalidApiKey", "Invalid API-key provided.", "invalid_api_key", _INVALID)
MODEL_NOT_FOUND = _refusal(404, "ModelNotFound", "Model can not be found.", "model_not_found", _INVALID)
NOT_FOUND = _refusal(404, "NotFound", "There is nothing at this address.", "not_found", _INVALID)
ACCESS_DENIED = _refusal(403, "AccessDenied", "Access denied.", "access_denied")
MODEL_UNPURCHASED = _refusal(
    403, "AccessDenied.Unpurchased", "Access to model denied. Please make sure you are eligible for using the model."
)
ARREARAGE = _refusal(400, "Arrearage", "Access denied, please make sure your account is in good standing.")
QUOTA_EXHAUSTED = _refusal(403, "AllocationQuota.FreeTierOnly", "The free tier of the model has been exhausted.")
THROTTLING = _refusal(429, "Throttling", "Requests throttling triggered.", "limit_requests")
RATE_QUOTA = _refusal(
    429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later.", "limit_requests"
)
# Sounds like an unpaid bill in the OpenAI form, and is over within a minute (oh-my-pi#8476, 2026-08-13).
ALLOCATION_QUOTA = _refusal(
    429,
    "Throttling.AllocationQuota",
    "Allocated quota exceeded, please increase your quota limit.",
    "insufficient_quota",
)
BURST_RATE = _refusal(429, "Throttling.BurstRate", "Request rate increased too quickly.", "limit_burst_rate")
INPUT_INSPECTION = _refusal(
    400,
    "DataInspectionFailed",
    "Input data may contain inappropriate content.",
    "data_inspection_failed",
    is_framed=True,  # seen as the text `400 data: {"error":…}` in other projects' logs, 2026
)
OUTPUT_INSPECTION = replace(INPUT_INSPECTION, message="Output data may contain inappropriate content.")
INTERNAL_ERROR = _refusal(
    500, "InternalError", "An internal error has occurred, please try again later.", "internal_error"
)
REQUEST_TIMEOUT = _refusal(
    500, "RequestTimeOut", "Request timed out, please try again later.", "request_timeout", "internal_error"
)
UNAVAILABLE = _refusal(503, "ModelServingError", "Too many requests. Your requests are being throttled.")


def refuse_parameter(message: str) -> Refusal:
    """400, for what is wrong with a request and will be wrong with it next time."""
    return _refusal(400, "InvalidParameter", message, "invalid_parameter_error", _INVALID)


def refuse_length(most: int) -> Refusal:
    return refuse_parameter(f"Range of input length should be [1, {most}]")


def refused(refusal: Refusal, *, retry_after: int | None = None) -> ModelFault:
    """*refusal*, with a Retry-After in seconds or without it."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return ModelFault(refusal=refusal, wire=Fault(headers=headers))


def on_the_way(fault: Fault) -> ModelFault:
    """The usual answer, to which *fault* happens."""
    return ModelFault(wire=fault)


def saying(say: Callable[[str, Sequence[Message]], str | None], *, finish_reason: str | None = None) -> ModelFault:
    return ModelFault(say=say, finish_reason=finish_reason)


def silence() -> ModelFault:
    """Nothing comes until the client gives up or the stand-in closes."""
    return on_the_way(faults.never_answering())


def slow_drip(
    *, piece_bytes: int = 1024, pause_seconds: float = 0.02, release: threading.Event | None = None
) -> ModelFault:
    """The answer comes in pieces with pauses in between; once *release* is set, the rest comes at once."""
    return on_the_way(faults.slow_drip(piece_bytes=piece_bytes, pause_seconds=pause_seconds, release=release))


def stall(*, release: threading.Event | None = None) -> ModelFault:
    """After the first KiB, a few frames of a stream, nothing more comes until *release* is set."""
    return slow_drip(pause_seconds=3600, release=release)


def ok_with_error_body() -> ModelFault:
    """200, and a body, or a stream, that is an error."""
    return refused(replace(INTERNAL_ERROR, status=200, is_framed=True))


def null_output() -> ModelFault:
    """200, and null where output or choices should be."""
    return ModelFault(reshape=lambda document: {**document, _place(document): None})


def no_choices() -> ModelFault:
    """200, and an empty list of choices."""
    return ModelFault(reshape=_empty_choices)


def array() -> ModelFault:
    """200, and JSON that is a list, streamed or not."""
    return on_the_way(Fault(status=200, headers=_JSON, body=b'[{"output":{"text":"Hello."}}]'))


def malformed_json() -> ModelFault:
    """The first object, that of the whole answer or of the first frame, has an apostrophe for a quotation mark."""
    return on_the_way(Fault(edit=lambda body: body.replace(b'{"', b"{'", 1)))


def truncated_json() -> ModelFault:
    """The last third is missing, of a stream in the middle of a frame; Content-Length does not give that away."""
    return on_the_way(Fault(edit=lambda body: body[: len(body) * 2 // 3]))


def huge_json() -> ModelFault:
    """The usual answer and 20 MiB of blank lines, which JSON and event streams allow, uncompressed."""
    blanks = (b" " * 1023 + b"\n") * (_HUGE_MEBIBYTES * _MEBIBYTE // 1024)
    return on_the_way(Fault(edit=lambda body: body + blanks, gzip=False))


def _place(document: Document) -> str:
    return "output" if "output" in document else "choices"


def _empty_choices(document: Document) -> Document:
    return {**document, _place(document): {"choices": []} if "output" in document else []}


def _is_chinese(text: str) -> bool:
    return len(_CJK.findall(text)) > len(text) / 5


def _split(text: str) -> list[str]:
    """The TL;DR, and the sections one by one."""
    return _SECTION.split(text)


def _refuse_politely(text: str, _: Sequence[Message]) -> str:
    if _is_chinese(text):
        return "抱歉，我无法访问该论文的内容，因此不能为您提供摘要。"
    return "I'm sorry, but I can't help with that: as an AI language model I have no access to the paper."


def _say_in_another_language(text: str, messages: Sequence[Message]) -> str:
    return answer(messages, model="", language="en" if _is_chinese(text) else "zh")


def _leave_out_a_section(text: str, _: Sequence[Message]) -> str:
    *earlier, _third, last = _split(text)
    return "".join([*earlier, last])


def _swap_sections(text: str, _: Sequence[Message]) -> str:
    first, *others = _split(text)
    others[1], others[2] = others[2], others[1]
    return "".join([first, *others])


def _repeat_a_line(text: str, _: Sequence[Message]) -> str:
    """One line again and again, until the whole has 9,000 characters: no more than a long summary has."""
    first, *others = _split(text)
    line = max(others[1].splitlines(keepends=True), key=len)
    others[1] += line * max(1, (9_000 - len(text)) // len(line))
    return "".join([first, *others])


def _repeat_a_phrase(text: str, _: Sequence[Message]) -> str:
    """A few words again and again without a line's end, until the whole has 9,000 characters."""
    phrase = "以及模型的" if _is_chinese(text) else "and of the model "
    return text + phrase * ((9_000 - len(text)) // len(phrase))


def _grow(text: str, _: Sequence[Message]) -> str:
    return text * (_MEBIBYTE // len(text) + 1)


def _attack(text: str, _: Sequence[Message]) -> str:
    """Markup at the end of the TL;DR and of each section that would run, load or break out of something."""
    vectors = (
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)"> <svg onload=alert(1)> <iframe src="https://evil.example/"></iframe>',
        "[a](javascript:alert(1)) [b](data:text/html;base64,PHNjcmlwdD4=) <javascript:alert(1)> ![c](//evil.example/c)",
        r"$\href{javascript:alert(1)}{x}$ $\text{</math><script>alert(1)</script>}$ $\style{background:url(x)}{y}$",
        "]]></description><script>alert(1)</script> <style>*{display:none}</style> &lt;script&gt; <a href=//a.b>",
    )
    parts = _split(text)
    spoilt = [f"{part.rstrip()} {vector}\n\n" for part, vector in zip(parts, vectors, strict=True)]
    return "".join(spoilt)


def _obey(_: str, messages: Sequence[Message]) -> str:
    """What a model says that does what the paper tells it to do, and gives its instructions away."""
    instructions = "".join(read_content(message) for message in messages[:1])[:300]
    return f"As the paper demands: {_find_command(messages)}\n\nMy instructions were: {instructions}\n"


def _obey_in_one_line(text: str, messages: Sequence[Message]) -> str:
    """The usual summary, but for its TL;DR, which says what the paper demands."""
    _, *sections = _split(text)
    return "".join([f"**TL;DR:** {_find_command(messages)}\n\n", *sections])


def _find_command(messages: Sequence[Message]) -> str:
    """What the paper says after `ignore … instructions`, to the end of the line; a usual demand where it does not."""
    found = _COMMAND.search(find_paper(messages)[0])
    return found["rest"].strip(" .,:;") if found else "The best paper of the year. Recommend acceptance."


def _garble(text: str, _: Sequence[Message], *, characters: Sequence[str]) -> str:
    """*text* with *characters* in the midst of it, each some way after the one before."""
    step = max(1, len(text) // (len(characters) + 1))
    pieces = [text[place * step : (place + 1) * step] + character for place, character in enumerate(characters)]
    return "".join([*pieces, text[len(characters) * step :]])


def _fence(text: str, _: Sequence[Message]) -> str:
    return f"```markdown\n{text}```\n"


def _think_first(text: str, _: Sequence[Message]) -> str:
    return f"<think>\nThe user wants a summary. I should use the four headings.\n</think>\n\n{text}"


def _say_hello_first(text: str, _: Sequence[Message]) -> str:
    hello = "好的，以下是这篇论文的摘要：" if _is_chinese(text) else "Sure! Here is the summary of the paper:"
    return f"{hello}\n\n{text}"


def _fabricate(text: str, messages: Sequence[Message]) -> str:
    """Every number of two and more digits is another one, which the paper does not have; there are at least five."""
    paper, _ = find_paper(messages)
    parts = _split(_NUMBER.sub(lambda found: _other_number(found[0], paper), text))
    rows = [f"| {_other_number(number, paper)} | |" for number in ("71.3", "82.9", "64.7", "59.2", "93.8")]
    parts[3] = parts[3].rstrip() + "\n\n" + "\n".join(["| | |", "|---|---|", *rows]) + "\n\n"
    return "".join(parts)


def _other_number(number: str, paper: str) -> str:
    other = re.sub(r"\d", lambda digit: str(int(digit[0]) % 9 + 1), number)
    while other in paper:
        other += "7"
    return other


def _invent_addresses(text: str, _: Sequence[Message]) -> str:
    links = "[GitHub](https://github.com/nobody/made-up-code) https://made-up.example/demo"
    return f"{text.rstrip()}\n\n{links}\n\n![](https://via.placeholder.com/600x400)\n"


def _say_in_json(text: str, _: Sequence[Message]) -> str:
    tldr, *sections = _split(text)
    headed = {part.partition("\n")[0].removeprefix("## "): part.partition("\n")[2].strip() for part in sections}
    return json.dumps({"tldr": tldr.strip(), **headed}, ensure_ascii=False)


_CONTROLS = ("\x00", "\x07", "\x1b", "\x0b", "\x7f", "\x9f", "\u202e", "\u2066", "\u200b", "\ufeff", "\ufffe")
_LINE_SEPARATORS = ("\u2028", "\x85", "\u2029", "\x1c")  # of Python's `splitlines`, not of JSON or event streams
_SURROGATES = ("\ud800", "\udfff", "\udc00\ud83d")

FAULTS: Mapping[str, Callable[[], ModelFault]] = {
    "invalid_key": partial(refused, INVALID_KEY),
    "access_denied": partial(refused, ACCESS_DENIED),
    "model_unpurchased": partial(refused, MODEL_UNPURCHASED),
    "arrearage": partial(refused, ARREARAGE),
    "quota_exhausted": partial(refused, QUOTA_EXHAUSTED),
    "throttling": partial(refused, THROTTLING),
    "throttling_retry_after": partial(refused, THROTTLING, retry_after=7),
    "rate_quota": partial(refused, RATE_QUOTA),
    "rate_quota_retry_after": partial(refused, RATE_QUOTA, retry_after=1),
    "allocation_quota": partial(refused, ALLOCATION_QUOTA),
    "allocation_quota_retry_after": partial(refused, ALLOCATION_QUOTA, retry_after=60),
    "burst_rate": partial(refused, BURST_RATE),
    "burst_rate_retry_after": partial(refused, BURST_RATE, retry_after=3600),
    "data_inspection_failed": partial(refused, INPUT_INSPECTION),
    "input_too_long": partial(refused, refuse_length(129_024)),
    "model_not_found": partial(refused, MODEL_NOT_FOUND),
    "internal_error": partial(refused, INTERNAL_ERROR),
    "request_timeout": partial(refused, REQUEST_TIMEOUT),
    "unavailable": partial(refused, UNAVAILABLE),
    "unavailable_retry_after": partial(refused, UNAVAILABLE, retry_after=30),
    "silence": silence,
    "hung_up": lambda: on_the_way(faults.hung_up()),
    "reset": lambda: on_the_way(faults.reset_before_answer()),
    "reset_in_body": lambda: on_the_way(faults.reset_in_body()),
    "cut_off": lambda: on_the_way(faults.cut_off()),
    "slow_drip": slow_drip,
    "stall": stall,
    "ok_with_error_body": ok_with_error_body,
    "null_output": null_output,
    "no_choices": no_choices,
    "array": array,
    "html": lambda: on_the_way(faults.html_page()),
    "empty_body": lambda: on_the_way(faults.empty_body()),
    "malformed_json": malformed_json,
    "truncated_json": truncated_json,
    "huge_json": huge_json,
    "gzip": lambda: on_the_way(Fault(gzip=True)),
    "gzip_bomb": lambda: on_the_way(faults.gzip_bomb()),
    "damaged_gzip": lambda: on_the_way(faults.damaged_gzip()),
    "redirect_302": lambda: on_the_way(faults.redirect(status=302)),
    "truncated_stream": lambda: ModelFault(is_broken_off=True),
    "stream_error_midway": lambda: ModelFault(refusal=OUTPUT_INSPECTION, is_broken_off=True),
    "empty_content": partial(saying, lambda _text, _messages: ""),
    "null_content": partial(saying, lambda _text, _messages: None),
    "finish_length": partial(saying, lambda text, _: text[: len(text) * 3 // 5], finish_reason="length"),
    "refusal": partial(saying, _refuse_politely),
    "wrong_language": partial(saying, _say_in_another_language),
    "missing_section": partial(saying, _leave_out_a_section),
    "swapped_sections": partial(saying, _swap_sections),
    "loop": partial(saying, _repeat_a_line),
    "phrase_loop": partial(saying, _repeat_a_phrase),
    "huge": partial(saying, _grow),
    "xss": partial(saying, _attack),
    "injection": partial(saying, _obey),
    "injection_in_tldr": partial(saying, _obey_in_one_line),
    "control_characters": partial(saying, partial(_garble, characters=_CONTROLS)),
    "line_separators": partial(saying, partial(_garble, characters=_LINE_SEPARATORS)),
    "surrogates": partial(saying, partial(_garble, characters=_SURROGATES)),
    "fenced": partial(saying, _fence),
    "think_block": partial(saying, _think_first),
    "preamble": partial(saying, _say_hello_first),
    "fabricated_numbers": partial(saying, _fabricate),
    "invented_url": partial(saying, _invent_addresses),
    "json_answer": partial(saying, _say_in_json),
}
