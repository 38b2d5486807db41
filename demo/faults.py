"""What can go wrong with an answer of arXiv, each fault under its name: `stand_in.answer_with(unavailable())`.

`FAULTS` has them all, so that a test can be run over them. Each fits any answer of the stand-in, feed or search page.
"""

from __future__ import annotations

import gzip
import re
import threading
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache, partial

from demo.pages import render_message
from demo.wire import HTML, Drip, Fault

RETRY_AT = datetime(2026, 3, 5, 14, 10, tzinfo=UTC)  # for a Retry-After with a date; a test has its own present

_MEBIBYTE = 1 << 20
_BOMB_MEBIBYTES = 65
_HUGE_MEBIBYTES = 9
_PACKED = {"Content-Encoding": "gzip"}

_ENTRY = re.compile(rb"<(?P<name>item|entry)>.*?</(?P=name)>\s*", re.DOTALL)
_ID = re.compile(rb"<(?P<name>guid|link|id)\b[^>]*>[^<]*</(?P=name)>|<link\b[^>]*/>|arXiv:\S+ (?=Announce Type: )")
_ABSTRACT = re.compile(rb"<(?P<name>description|summary)>.*?</(?P=name)>", re.DOTALL)
_ANNOUNCE_TYPE = re.compile(rb"<arxiv:announce_type>[^<]*</arxiv:announce_type>|Announce Type: \S+ ")
_LACKS = (_ID, _ABSTRACT, _ANNOUNCE_TYPE)

_BOMB_HEAD = b"<?xml version='1.0' encoding='UTF-8'?>\n<rss version=\"2.0\"><channel><title>cs.AI updates on arXiv.org"
_BOMB_TAIL = b"</title></channel></rss>\n"

_OTHER_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">
  <responseDate>2026-03-05T05:00:02Z</responseDate>
  <request verb="Identify">http://oaipmh.arxiv.org/oai</request>
  <Identify><repositoryName>arXiv</repositoryName><protocolVersion>2.0</protocolVersion></Identify>
</OAI-PMH>
"""
_OTHER_FEED = b"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0">
  <channel>
    <title>A blog that has nothing to announce</title>
    <link>https://example.org/blog</link>
    <description>News about the weather.</description>
    <item>
      <title>Scheduled maintenance</title>
      <link>https://example.org/blog/maintenance</link>
      <guid>https://example.org/blog/maintenance</guid>
      <description>Nothing will be there on Sunday.</description>
    </item>
  </channel>
</rss>
"""


def too_many_requests(*, retry_after: int | datetime | None = None) -> Fault:
    """429, with Retry-After in seconds, as a date (aware), or without it."""
    return _refusal(429, retry_after)


def not_acceptable() -> Fault:
    """406, which arXiv has answered to User-Agents that it did not like."""
    return _refusal(406)


def server_error(status: int = 500) -> Fault:
    return _refusal(status)


def unavailable(*, retry_after: int | datetime | None = None) -> Fault:
    """503, with Retry-After in seconds, as a date (aware), or without it."""
    return _refusal(503, retry_after)


def never_answering() -> Fault:
    """Nothing comes until the client gives up or the stand-in closes."""
    return Fault(hold=threading.Event(), is_silent=True)


def slow_drip(*, piece_bytes: int = 1024, pause_seconds: float = 0.02, release: threading.Event | None = None) -> Fault:
    """The body comes in pieces with pauses in between; once *release* is set, the rest comes at once."""
    return Fault(drip=Drip(piece_bytes=piece_bytes, pause_seconds=pause_seconds, release=release or threading.Event()))


def hung_up() -> Fault:
    """The connection is closed in good order before any answer."""
    return Fault(is_silent=True)


def cut_off(*, after_bytes: int = 100) -> Fault:
    """The connection is closed in the middle of the body, short of Content-Length."""
    return Fault(cut_after=after_bytes)


def reset_before_answer() -> Fault:
    return Fault(is_silent=True, is_reset=True)


def reset_in_body(*, after_bytes: int = 100) -> Fault:
    return Fault(cut_after=after_bytes, is_reset=True)


def truncated_xml() -> Fault:
    """The last third of the document is missing; Content-Length and compression are right for what is there."""
    return Fault(edit=lambda body: body[: len(body) * 2 // 3])


def html_page() -> Fault:
    """200, and a page that wants to know who is asking."""
    return Fault(status=200, headers={"Content-Type": HTML}, body=render_message("Are you a robot?"))


def wrong_content_type(content_type: str = HTML) -> Fault:
    """The usual body under another type."""
    return Fault(headers={"Content-Type": content_type})


def other_xml() -> Fault:
    """200, and well-formed XML that is no feed at all."""
    return Fault(status=200, headers={"Content-Type": "text/xml"}, body=_OTHER_XML)


def other_feed() -> Fault:
    """200, and an RSS feed that is not of papers."""
    return Fault(status=200, body=_OTHER_FEED)


def empty_body() -> Fault:
    return Fault(status=200, body=b"", gzip=False)


def gzip_bomb() -> Fault:
    """Some 64 KiB, which inflate to 65 MiB of well-formed RSS: about the most that one layer of gzip can do."""
    return Fault(status=200, headers=_PACKED, body=_bomb(), gzip=False)


def huge_feed() -> Fault:
    """The usual document and more than 9 MB of blanks after it, uncompressed."""
    return Fault(edit=lambda body: body + b" " * (_HUGE_MEBIBYTES * _MEBIBYTE), gzip=False)


def damaged_gzip() -> Fault:
    return Fault(headers=_PACKED, edit=_damage, gzip=False)


def truncated_gzip() -> Fault:
    """The last bytes of the gzip stream are missing, and Content-Length does not give that away."""
    return Fault(headers=_PACKED, edit=lambda body: gzip.compress(body, mtime=0)[:-6], gzip=False)


def invalid_utf8() -> Fault:
    """A letter of Latin-1 in a document that says it is UTF-8."""
    return Fault(edit=lambda body: body.replace(b"<title>", b"<title>Caf\xe9 ", 1))


def unknown_encoding() -> Fault:
    return Fault(edit=lambda body: body.replace(b"encoding='UTF-8'", b"encoding='x-unheard-of'", 1))


def entity_expansion() -> Fault:
    """A document type whose nine entities expand to a thousand million words."""
    return Fault(edit=_declare_entities)


def partly_malformed() -> Fault:
    """Of six entries the first lacks its id, the second its abstract, the third its announce type; and so on."""
    return Fault(edit=_malform)


def redirect(*, status: int = 301) -> Fault:
    """A redirect to another address of the stand-in, which answers as this one would have."""
    return Fault(status=status, location=lambda address: f"/moved{address}", body=b"")


def redirect_loop(*, status: int = 302) -> Fault:
    """A redirect to an address that redirects to itself, again and again."""
    return Fault(status=status, location=lambda _: "/loop", body=b"")


def empty_page() -> Fault:
    """200, and a page without entries, though its totalResults tells of them."""
    return Fault(edit=lambda body: _ENTRY.sub(b"", body))


def short_page(*, missing: int = 1) -> Fault:
    """200, and a page without its last *missing* entries; totalResults counts them."""
    return Fault(edit=partial(_drop_last, missing))


FAULTS: Mapping[str, Callable[[], Fault]] = {
    "429": too_many_requests,
    "429 with seconds": partial(too_many_requests, retry_after=7),
    "429 with a date": partial(too_many_requests, retry_after=RETRY_AT),
    "406": not_acceptable,
    "500": server_error,
    "502": partial(server_error, 502),
    "503": unavailable,
    "503 with seconds": partial(unavailable, retry_after=600),
    "never answering": never_answering,
    "slow drip": slow_drip,
    "hung up": hung_up,
    "cut off": cut_off,
    "reset before answer": reset_before_answer,
    "reset in body": reset_in_body,
    "truncated XML": truncated_xml,
    "HTML page": html_page,
    "wrong content type": wrong_content_type,
    "other XML": other_xml,
    "other feed": other_feed,
    "empty body": empty_body,
    "gzip bomb": gzip_bomb,
    "huge feed": huge_feed,
    "damaged gzip": damaged_gzip,
    "truncated gzip": truncated_gzip,
    "invalid UTF-8": invalid_utf8,
    "unknown encoding": unknown_encoding,
    "entity expansion": entity_expansion,
    "partly malformed": partly_malformed,
    "redirect": redirect,
    "redirect loop": redirect_loop,
    "empty page": empty_page,
    "short page": short_page,
}


def _refusal(status: int, retry_after: int | datetime | None = None) -> Fault:
    headers = {"Content-Type": HTML}
    if isinstance(retry_after, datetime):
        headers["Retry-After"] = format_datetime(retry_after.astimezone(UTC), usegmt=True)
    elif retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return Fault(status=status, headers=headers, body=render_message(f"The stand-in was told to answer {status}."))


@cache
def _bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    blanks = b" " * _MEBIBYTE
    packed = [packer.compress(_BOMB_HEAD), *(packer.compress(blanks) for _ in range(_BOMB_MEBIBYTES))]
    return b"".join([*packed, packer.compress(_BOMB_TAIL), packer.flush()])


def _damage(body: bytes) -> bytes:
    packed = gzip.compress(body, mtime=0)
    middle = len(packed) // 2
    return packed[:middle] + bytes(byte ^ 0xFF for byte in packed[middle : middle + 16]) + packed[middle + 16 :]


def _declare_entities(body: bytes) -> bytes:
    entities = [b'<!ENTITY e0 "ha">']
    entities += [b'<!ENTITY e%d "%s">' % (level, b"&e%d;" % (level - 1) * 10) for level in range(1, 10)]
    declared = body.replace(b"?>\n", b"?>\n<!DOCTYPE feed [%s]>\n" % b"".join(entities), 1)
    return declared.replace(b"<title>", b"<title>&e9; ", 1)


def _malform(body: bytes) -> bytes:
    entries = list(_ENTRY.finditer(body))
    for place, entry in reversed(list(enumerate(entries))):
        kind = place % (2 * len(_LACKS))
        if kind < len(_LACKS):
            body = body[: entry.start()] + _LACKS[kind].sub(b"", entry[0]) + body[entry.end() :]
    return body


def _drop_last(count: int, body: bytes) -> bytes:
    for entry in reversed(list(_ENTRY.finditer(body))[-count:]):
        body = body[: entry.start()] + body[entry.end() :]
    return body
