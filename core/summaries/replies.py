"""What the service of a model sends -> what may be read of it, whatever it is: JSON, the page of a proxy, a header.

Our own key is in none of it, wherever a service repeats it, so that no log, page or feed can show it. Fields that only
stand beside an answer are left out where they are of a wrong type: the SDK would refuse the whole answer for them.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from core.summaries.cleaning import drop_unprintable

TAKEN_OUT = "[a key was taken out here]"

_MOST_TOKENS = 100_000_000
_LEAST_SECRET = 8  # characters; of a service that needs no key, the "key" is a word such as `none` or `anything`
_COUNTS = ("input_tokens", "output_tokens", "prompt_tokens", "completion_tokens")

Json = Any  # what json.loads gives


def clean_reply(content: bytes, charset: str | None, secret: str) -> bytes:
    """The body *content* without *secret* and without what the SDK fails on, in UTF-8.

    The *charset* that its header names counts only for what is no JSON.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return without_secret(_decode(content, charset), secret).encode(errors="replace")
    document = _without_secret(document, secret)
    if isinstance(document, dict):
        _drop_wrong_types(document)
    return json.dumps(document).encode()


def without_secret(text: str, secret: str) -> str:
    """*text* with TAKEN_OUT in place of *secret*, though characters that print nothing stand in it.

    A *secret* that is short or a word is none, and may be in any text.
    """
    if len(secret) < _LEAST_SECRET or secret.isalpha():
        return text
    printable = drop_unprintable(text)
    return printable.replace(secret, TAKEN_OUT) if secret in printable else text


def read_count(value: object) -> int:
    """A number of tokens; 0 for what cannot be one."""
    with suppress(TypeError, ValueError, OverflowError):
        count = int(value)  # type: ignore[call-overload]  # raises TypeError for what is no number
        return count if 0 < count < _MOST_TOKENS else 0
    return 0


def _decode(content: bytes, charset: str | None) -> str:
    """*content* by its *charset*, or by UTF-8 where that is unknown or nothing that a page is written in."""
    with suppress(LookupError, ValueError):
        name = codecs.lookup(charset or "utf-8").name
        if name != "punycode":  # whose decoder takes minutes for a megabyte
            return content.decode(name, errors="replace")
    return content.decode(errors="replace")


def _without_secret(document: Json, secret: str) -> Json:
    match document:
        case str():
            return without_secret(document, secret)
        case list():
            return [_without_secret(one, secret) for one in document]
        case dict():
            return {without_secret(name, secret): _without_secret(one, secret) for name, one in document.items()}
    return document


def _drop_wrong_types(document: dict[str, Json]) -> None:
    """Leave out of an answer to a chat, in either form, what is not as it should be and not the answer itself."""
    _keep_texts(document, "request_id", "id", "model")
    if "usage" in document:
        usage = document["usage"]
        found = usage if isinstance(usage, Mapping) else {}
        document["usage"] = {name: read_count(found[name]) for name in _COUNTS if name in found}
    for holder in (document, document.get("output")):
        if isinstance(holder, dict):
            _keep_texts(holder, "finish_reason")
            holder.pop("search_info", None)
            choices = holder.get("choices")
            for choice in choices if isinstance(choices, list) else ():
                if isinstance(choice, dict):
                    _keep_texts(choice, "finish_reason")
                    _keep_message(choice)


def _keep_message(choice: dict[str, Json]) -> None:
    """Leave out of *choice* its place, and of its message all but what it says."""
    choice.pop("index", None)
    message = choice.get("message")
    if isinstance(message, dict):
        content = message.get("content")
        if isinstance(content, list):  # of parts
            texts = [part.get("text") for part in content if isinstance(part, Mapping)]
            content = "".join(text for text in texts if isinstance(text, str))
        choice["message"] = {"role": "assistant", "content": content if isinstance(content, str) else ""}


def _keep_texts(holder: dict[str, Json], *names: str) -> None:
    for name in names:
        if not isinstance(holder.get(name), str):
            holder.pop(name, None)
