"""What is read of a service's answers: everything but our own key, and but what the SDK would stumble over."""

from __future__ import annotations

import json

import pytest

from core.summaries.replies import TAKEN_OUT, clean_reply, read_count, without_secret

KEY = "sk-0123456789abcdef"


def clean(document: object, secret: str = KEY) -> object:
    return json.loads(clean_reply(json.dumps(document).encode(), None, secret))


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        pytest.param(f"Incorrect key: {KEY}.", f"Incorrect key: {TAKEN_OUT}.", id="once"),
        pytest.param(f"{KEY}{KEY}", TAKEN_OUT * 2, id="twice"),
        pytest.param("sk-01234\u200b56789\x00abcdef", TAKEN_OUT, id="with characters in it that print nothing"),
        pytest.param("sk-0123456789abcde\u200b", "sk-0123456789abcde\u200b", id="another one"),
    ],
)
def test_the_key_is_taken_out_of_a_text(text: str, cleaned: str) -> None:
    assert without_secret(text, KEY) == cleaned


@pytest.mark.parametrize("secret", ["", "none", "x-1", "anything"])
def test_what_stands_for_a_key_where_none_is_needed_may_be_in_any_text(secret: str) -> None:
    assert without_secret("anything or none, x-1", secret) == "anything or none, x-1"


@pytest.mark.parametrize(("secret", "told"), [("x-12345", "x-12345"), ("x-123456", TAKEN_OUT)])
def test_a_key_has_eight_characters_at_least(secret: str, told: str) -> None:
    assert without_secret(f"Incorrect key: {secret}", secret) == f"Incorrect key: {told}"


def test_the_key_is_taken_out_of_every_text_and_name_of_a_document() -> None:
    document = {"code": KEY, "a": [{KEY: "b", "message": f"<{KEY}>"}, 1.5, None, True], "request_id": "r-1"}
    assert clean(document) == {
        "code": TAKEN_OUT,
        "a": [{TAKEN_OUT: "b", "message": f"<{TAKEN_OUT}>"}, 1.5, None, True],
        "request_id": "r-1",
    }


def test_the_key_is_found_however_json_writes_it() -> None:
    body = '{"code": "\\u0073k-0123456789abcdef"}'
    assert json.loads(clean_reply(body.encode(), None, KEY)) == {"code": TAKEN_OUT}


@pytest.mark.parametrize("text", [f"<html>{KEY}</html>", f'{{"code": "{KEY}"', "[" * 100_000 + KEY])
def test_the_key_is_taken_out_of_what_is_no_document(text: str) -> None:
    assert clean_reply(text.encode(), None, KEY).decode() == text.replace(KEY, TAKEN_OUT)


@pytest.mark.parametrize("charset", ["hex", "idna", "punycode", "undefined", "latin-1", "no such", "", None])
def test_a_document_is_read_whatever_charset_its_header_names(charset: str | None) -> None:
    assert json.loads(clean_reply('{"text": "字"}'.encode(), charset, KEY)) == {"text": "字"}


@pytest.mark.parametrize(
    ("content", "charset", "text"),
    [
        pytest.param("<p>字</p>".encode("gbk"), "GBK", "<p>字</p>", id="known"),
        pytest.param(b"<p>\xff</p>", "gbk", "<p>\ufffd</p>", id="not in it"),
        pytest.param("<p>字</p>\xff".encode() + b"\xff", None, "<p>字</p>\xff\ufffd", id="none"),
        pytest.param("<p>字</p>".encode(), "no such", "<p>字</p>", id="unknown"),
        pytest.param("<p>字</p>".encode(), "hex", "<p>字</p>", id="none of texts"),
        pytest.param("<p>字</p>".encode(), "idna", "<p>字</p>", id="of names"),
        pytest.param("<p>字</p>-a".encode(), "punycode", "<p>字</p>-a", id="slow"),
        pytest.param("<p>字</p>".encode(), "undefined", "<p>字</p>", id="impossible"),
    ],
)
def test_what_is_no_document_is_read_by_its_charset_or_as_utf_8(content: bytes, charset: str | None, text: str) -> None:
    assert clean_reply(content, charset, KEY).decode() == text


def test_a_document_without_the_key_says_what_it_said() -> None:
    document = {"output": {"text": "字 \ud800 \u202e"}, "usage": {"input_tokens": 12}}
    assert clean(document) == document


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (5, 5),
        ("5", 5),
        (5.0, 5),
        (0, 0),
        (-5, 0),
        (10**8 - 1, 10**8 - 1),
        (10**8, 0),
        (float("inf"), 0),
        ("9" * 5_000, 0),
        ("five", 0),
        (None, 0),
        ([5], 0),
        ({}, 0),
    ],
    ids=lambda value: repr(value)[:12],
)
def test_a_number_of_tokens_is_read_where_it_can_be_one(value: object, count: int) -> None:
    assert read_count(value) == count


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "ab", id="parts"),
        pytest.param([{"type": "image"}, "a", {"text": 5}], "", id="other parts"),
        pytest.param(None, "", id="null"),
        pytest.param({"text": "a"}, "", id="an object"),
    ],
)
def test_what_a_message_says_is_a_text(content: object, text: str) -> None:
    choice = {"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    assert clean({"choices": [choice]}) == {
        "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]
    }
