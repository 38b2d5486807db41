"""Bodies, lengths and waiting times as HTTP carries them."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pytest

from core.arxiv.answers import check_length, decode_body
from core.errors import SourceMalformed

NOW = datetime(2026, 3, 5, 5, 0, tzinfo=UTC)
BODY = b"<rss/>" * 100
PACKED = gzip.compress(BODY, mtime=0)


@pytest.mark.parametrize(
    ("raw", "coding"),
    [(BODY, ""), (BODY, "identity"), (PACKED, "gzip"), (PACKED, " GZIP "), (PACKED, "x-gzip")],
)
def test_a_body_is_what_it_was_before_its_encoding(raw: bytes, coding: str) -> None:
    assert decode_body(raw, coding, most_bytes=len(BODY)) == BODY


@pytest.mark.parametrize(
    ("raw", "coding", "reason"),
    [
        (PACKED[:-1], "gzip", "cut off"),
        (PACKED[:20], "gzip", "cut off"),
        (b"", "gzip", "cut off"),
        (BODY, "gzip", "damaged"),
        (PACKED[:-8] + b"\0" * 8, "gzip", "damaged"),
        (PACKED + b"x", "gzip", "follow the end"),
        (PACKED + PACKED, "gzip", "follow the end"),
        (BODY, "br", "encoded as 'br'"),
        (BODY, "gzip, gzip", "encoded as 'gzip, gzip'"),
        (BODY + b"x", "", "larger than 600 bytes"),
        (gzip.compress(BODY + b"x"), "gzip", "inflates to more than 600 bytes"),
    ],
    ids=["tail", "middle", "empty", "not gzip", "checksum", "more", "two members", "brotli", "twice", "large", "bomb"],
)
def test_a_body_that_cannot_be_trusted_is_refused(raw: bytes, coding: str, reason: str) -> None:
    with pytest.raises(SourceMalformed, match=reason):
        decode_body(raw, coding, most_bytes=len(BODY))


@pytest.mark.parametrize("length", [None, "3", " 3 "])
def test_a_body_of_the_announced_length_is_whole(length: str | None) -> None:
    check_length(b"abc", length)


@pytest.mark.parametrize("length", ["4", "2", "", "three"])
def test_a_body_of_another_length_is_refused(length: str) -> None:
    with pytest.raises(SourceMalformed, match="3 bytes came instead of"):
        check_length(b"abc", length)
