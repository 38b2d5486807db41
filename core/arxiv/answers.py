"""What an HTTP answer's status, headers and raw bytes come to, without asking for any.

httpx could decompress by itself, but hands out whatever one chunk inflates to: a megabyte of gzip became two gigabytes
before a caller saw a byte of it. So bodies arrive raw and are inflated here, up to a bound.
"""

from __future__ import annotations

import zlib

from core.errors import SourceMalformed

_GZIP_WINDOW = 31  # zlib's code for: gzip framing, largest window


def decode_body(raw: bytes, content_encoding: str, *, most_bytes: int) -> bytes:
    """*raw* as it was before its Content-Encoding: none, `identity` or `gzip`.

    Raises SourceMalformed where more than *most_bytes* would come out, for what is cut off or damaged, for anything
    behind the gzip stream's end, and for codings that were not asked for.
    """
    coding = content_encoding.strip().lower() or "identity"
    if coding in ("gzip", "x-gzip"):
        return _inflate(raw, most_bytes)
    if coding != "identity":
        raise SourceMalformed(f"it is encoded as {coding[:40]!r}, though only gzip was asked for")
    if len(raw) > most_bytes:
        raise SourceMalformed(f"it is larger than {most_bytes} bytes")
    return raw


def _inflate(raw: bytes, most_bytes: int) -> bytes:
    stream = zlib.decompressobj(_GZIP_WINDOW)
    try:
        body = stream.decompress(raw, most_bytes + 1)
    except zlib.error as error:
        raise SourceMalformed(f"its gzip encoding is damaged ({error})") from error
    if len(body) > most_bytes:
        raise SourceMalformed(f"it inflates to more than {most_bytes} bytes")
    if not stream.eof:
        raise SourceMalformed("its gzip encoding is cut off")
    if stream.unused_data:
        raise SourceMalformed("bytes follow the end of its gzip encoding")
    return body


def check_length(raw: bytes, content_length: str | None) -> None:
    """Raises SourceMalformed where *raw* is not as long as the Content-Length header says; None says nothing."""
    if content_length is not None and content_length.strip() != str(len(raw)):
        raise SourceMalformed(f"{len(raw)} bytes came instead of {content_length[:20]}")
