"""Whether a reader has the answer already, how long it may keep it, and how it is compressed: pure, from HTTP's rules.

RFC 9110 (validators, conditional requests, content codings) and RFC 9111 (freshness).
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Literal

import brotli

Coding = Literal["identity", "gzip", "br"]

# Readers poll no more often than this asks for, and some no later than they please; facts of 2026: miniflux and
# NetNewsWire obey max-age, and an hour is what a feed can ask of people who wait for a mailing.
LONGEST = timedelta(minutes=30)
WHEN_NOT_CURRENT = timedelta(minutes=5)
_STALE_ON_ERROR = timedelta(days=1)
_MOST_SECONDS = 59

_ETAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_ETAGS = re.compile(r'[\s,]*+(?:W/)?"[^"]*"(?:\s*+,[\s,]*+(?:W/)?"[^"]*")*+[\s,]*+')
_CODING = re.compile(r"\s*(?P<name>[\w*-]+)\s*(?:;\s*q\s*=\s*(?P<quality>[\d.]+)\s*)?", re.IGNORECASE)
_SMALLEST_COMPRESSED = 512  # below, compression saves nothing that a packet would notice


@dataclass(frozen=True, slots=True)
class Representation:
    """One answer: its bytes, media type and validators. Compressed forms are made once, when first asked for.

    `is_marked` says that the date stands for this answer alone, see `mark`.
    """

    body: bytes
    media_type: str
    etag: str
    last_modified: datetime
    is_marked: bool = False
    compressed: dict[Coding, bytes] = field(default_factory=dict, compare=False, repr=False)

    def encode(self, coding: Coding) -> bytes:
        """The body in *coding*."""
        if coding == "identity":
            return self.body
        if coding not in self.compressed:
            # No time stamp in the gzip header: the same bytes everywhere.
            self.compressed[coding] = (
                gzip.compress(self.body, compresslevel=6, mtime=0)
                if coding == "gzip"
                else brotli.compress(self.body, quality=5)
            )
        return self.compressed[coding]


def represent(body: bytes, media_type: str, *, last_modified: datetime) -> Representation:
    """*body* with its validators; *last_modified* is aware, HTTP has whole seconds."""
    # Weak, because it is one for all content codings (RFC 9110 8.8.1).
    etag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
    return Representation(body, media_type, etag, last_modified.astimezone(UTC).replace(microsecond=0))


def mark(representation: Representation, problems: Sequence[str]) -> Representation:
    """*representation* with a date that tells it from the same data with other *problems*: earlier by some seconds.

    So who asks by the date alone is sent the whole when a problem comes, and again when it is gone.
    """
    if not problems:
        return representation
    seconds = 1 + zlib.crc32("\n".join(problems).encode()) % _MOST_SECONDS
    return replace(
        representation, last_modified=representation.last_modified - timedelta(seconds=seconds), is_marked=True
    )


def is_not_modified(
    representation: Representation, *, if_none_match: str | None, if_modified_since: str | None, now: datetime
) -> bool:
    """Whether a reader who sends these headers has *representation* already.

    If-None-Match overrides the date (RFC 9110 13.1.3), and finds nothing where it is no list of tags. A date after
    *now* is from a clock of ours that was ahead; one that was marked must be the very same.
    """
    if if_none_match is not None:
        tags = _ETAG.findall(if_none_match) if _ETAGS.fullmatch(if_none_match) else ()
        return if_none_match.strip() == "*" or _opaque(representation.etag) in tags
    since = _parse_date(if_modified_since)
    if since is None or representation.is_marked:
        return since == representation.last_modified
    return representation.last_modified <= since <= now


def max_age(now: datetime, next_mailing: datetime, *, is_current: bool) -> timedelta:
    """How long an answer given *now* may be kept: never past the next mailing, and briefly while the data are old."""
    return max(timedelta(0), min(LONGEST if is_current else WHEN_NOT_CURRENT, next_mailing - now))


def headers_of(
    representation: Representation, *, keep_for: timedelta, until_next_mailing: timedelta | None = None
) -> dict[str, str]:
    """The headers that a 200 and a 304 for *representation* have in common.

    With *until_next_mailing* there is one for Vercel's CDN too, which it does not pass on: until then it may answer
    with what it has while it fetches anew, and for a day at least where the service fails.
    """
    seconds = int(keep_for.total_seconds())
    headers = {
        "Cache-Control": f"public, max-age={seconds}",
        "ETag": representation.etag,
        "Last-Modified": format_datetime(representation.last_modified, usegmt=True),
        "Vary": "Accept-Encoding",
    }
    if until_next_mailing is not None:
        stale = max(0, int(until_next_mailing.total_seconds()) - seconds)
        on_error = max(stale, int(_STALE_ON_ERROR.total_seconds()))
        headers["Vercel-CDN-Cache-Control"] = (
            f"max-age={seconds}, stale-while-revalidate={stale}, stale-if-error={on_error}"
        )
    return headers


def choose_coding(accept_encoding: str | None, size: int) -> Coding:
    """The smallest coding that *accept_encoding* likes best for *size* bytes; `identity` where it is unclear."""
    if accept_encoding is None or size < _SMALLEST_COMPRESSED:
        return "identity"
    qualities = _qualities(accept_encoding)
    anything = qualities.get("*", 0.0)
    offered: Mapping[Coding, float] = {"br": qualities.get("br", anything), "gzip": qualities.get("gzip", anything)}
    best = max(offered, key=lambda coding: offered[coding])  # br first, so it wins when both are equal
    return best if offered[best] > 0 and offered[best] >= qualities.get("identity", 0.0) else "identity"


def _qualities(accept_encoding: str) -> dict[str, float]:
    qualities: dict[str, float] = {}
    for part in accept_encoding.split(","):
        match = _CODING.fullmatch(part)
        if match is not None:
            qualities[match["name"].lower()] = _quality(match["quality"])
    return qualities


def _quality(text: str | None) -> float:
    try:
        return 1.0 if text is None else float(text)
    except ValueError:
        return 0.0


def _opaque(etag: str) -> str:
    return etag.removeprefix("W/")


def _parse_date(text: str | None) -> datetime | None:
    """The moment of an HTTP date; None for anything else, which makes the request unconditional."""
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
