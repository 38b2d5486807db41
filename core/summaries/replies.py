"""What the service of a model sends -> what may be read of it, whatever it is: JSON, the page of a proxy, a header.

Our own key is in none of it, wherever a service repeats it, so that no log, page or feed can show it.
"""

from __future__ import annotations

import json
from typing import Any

from core.summaries.cleaning import drop_unprintable

TAKEN_OUT = "[a key was taken out here]"

_LEAST_SECRET = 8  # characters; of a service that needs no key, the "key" is a word such as `none` or `anything`

Json = Any  # what json.loads gives


def clean_reply(content: bytes, text: str, secret: str) -> bytes:
    """The body *content*, which reads as *text*, without *secret* in UTF-8."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return clean_text(text, secret).encode(errors="replace")
    return json.dumps(_without_secret(document, secret)).encode()


def clean_text(text: str, secret: str) -> str:
    """*text* with TAKEN_OUT in place of *secret*, though characters that print nothing stand in it.

    A *secret* that is short or a word is none, and may be in any text.
    """
    if len(secret) < _LEAST_SECRET or secret.isalpha():
        return text
    printable = drop_unprintable(text)
    return printable.replace(secret, TAKEN_OUT) if secret in printable else text


def _without_secret(document: Json, secret: str) -> Json:
    match document:
        case str():
            return clean_text(document, secret)
        case list():
            return [_without_secret(one, secret) for one in document]
        case dict():
            return {clean_text(name, secret): _without_secret(one, secret) for name, one in document.items()}
    return document
