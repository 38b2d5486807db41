"""Whatever a stranger sends to a running server: no 5xx, no traceback, no secret, no request to arXiv, no long wait."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from core.query import MAX_CHARACTERS
from tests.security.conftest import EVIL, Besieged, check_answer
from tests.security.serving import CANARIES, CANARY_TEXTS

SCOPES = {
    "a line break": "cs.AI%0A",
    "a header after a line break": f"cs.AI%0D%0AX-Injected:%20{EVIL}",
    "an encoded slash": "cs.AI%2Fcs.LG",
    "a way up": "..%2F..%2F..%2Fetc%2Fpasswd",
    "a way up, encoded twice": "%252e%252e%252fetc",
    "another host": f"@{EVIL}",
    "another host before a fragment": f"{EVIL}%2F%23",
    "an address": f"https:%2F%2F{EVIL}%2F",
    "a file": "file:%2F%2F%2Fetc%2Fpasswd",
    "a fragment": "cs.AI%23",
    "a query": "cs.AI%3Fx",
    "a backslash": "cs.AI%5C..",
    "full-width letters": quote("ｃｓ.ＡＩ"),
    "a letter that is small only in Turkish": quote("cs.Aİ"),
    "a null": "cs.AI%00",
    "bytes that are no text": "%FF%FE%80",
    "half a surrogate": "%ED%A0%80",
    "half an escape": "%",
    "no escape": "%zz",
    "a right-to-left override": quote("\u202eIA.sc"),
    "a terminal's escape": "%1B%5B31m",
    "markup": "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    "a template": "%7B%7B7*7%7D%7D",
    "the same very often": "+".join(["cs.AI"] * 60),
    "only separators": "+" * 200,
    "a category of another archive with a wildcard": "cs.*",
    "8 KB": "c" * 8192,
    "8 KB, encoded": "%63" * 2700,
}
PLACES = ("/rss/{}", "/atom/{}", "/jsonfeed/{}", "/api/papers?scope={}", "/api/explain?id=2603.90001&scope={}")


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES.keys())
def test_no_scope_leads_anywhere_but_to_a_refusal(besieged: Besieged, scope: str) -> None:
    assert {besieged.ask(place.format(scope)).status for place in PLACES} <= {404, 414, 422}


PATHS = {
    "a way up": "/../../etc/passwd",
    "a way up from the static files": "/static/../../config.json",
    "the same, encoded": "/static/%2e%2e%2f%2e%2e%2fconfig.json",
    "the same with backslashes": "/static/..%5C..%5Cconfig.json",
    "a null": "/static/page.css%00.png",
    "another host": f"//{EVIL}/rss",
    "another host with a backslash": f"/\\{EVIL}/rss",
    "a slash too many": "/rss//",
    "a whole address": f"http://{EVIL}/rss",
    "a star": "*",
    "nothing but a query": "?q=x",
    "raw bytes": b"/rss/\xff\xfe\x80",
    "a paper that is none": "/api/papers/%00%0d%0a",
    "a paper of many digits": f"/api/papers/{'9' * 4000}.{'9' * 4000}",
    "a page of a paper that is none": f"/paper/{quote('<b>')}",
    "what others have": "/.env",
    "a git folder": "/.git/config",
    "a longer path than any": "/" + "a/" * 4000,
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_no_path_leads_out(besieged: Besieged, path: str | bytes) -> None:
    answer = besieged.ask(path)
    assert answer.status in {400, 404, 414, 422} or path == f"http://{EVIL}/rss"
    assert b"root:" not in answer.body


NUMBERS = ["nan", "inf", "-inf", "1e999", "-1", "1_0", "0x10", "9" * 4000, "1" + "0" * 19, "%D9%A1", "5%00", "", "1;2"]
QUERIES = {
    **{f"{name}={text[:12]}": f"{name}={text}" for name in ("min_score", "limit", "days") for text in NUMBERS},
    "a date before all": "mailing=0001-01-01",
    "a date after all": "mailing=9999-12-31",
    "seconds for a date": "mailing=1772668800",
    "no text": "q=%FF%FE",
    "a null": "q=%00",
    "a surrogate": "q=%ED%A0%80",
    "parentheses": f"q={'(' * 1999}",
    "parentheses that close": f"q={'(' * 900}a{')' * 900}",
    "many terms": f"q={'+'.join(f'w{number}' for number in range(400))}",
    "many prefixes": f"q={'+'.join(f'{a}{b}*' for a in 'abcdef' for b in 'abcde')}",
    "many alternatives": f"q={'+OR+'.join(f'w{number}' for number in range(250))}",
    "many phrases that may stand apart": f"q={'+'.join(['%22the+of+a%22~100'] * 5)}",
    "an exponent of a regular expression": "q=(a%2B)%2B$&exclude=(a|a)*b",
    "weights": "q=a^nan+b^inf+c^1e308",
    "a query longer than any": f"q={'a' * 60_000}",
    "every parameter at once": "q=a&au=b&like=2603.90001&dislike=2603.90002&exclude=c&types=new&min_score=1&days=3",
    "likes that are none": f"like={','.join(['2603.99999'] * 90)}",
    "a name of marks": "au=%CC%81%CC%81",
    "twice": "days=3&days=4",
    "a thousand times": "&".join(["days=3"] * 1000),
    "separators": "&" * 8000,
    "signs": "=&=&&==",
    "a name that is long": f"{'a' * 8000}=1",
    "a line break in a name": f"a%0D%0AX-Injected:%20{EVIL}=1",
    "a language": "lang=../../en",
    "a cursor": f"cursor={'A' * 300}",
    "another host": f"base_url=https://{EVIL}&url=https://{EVIL}",
    "the secret": "secret=x&token=y",
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_no_query_breaks_anything(besieged: Besieged, query: str) -> None:
    for path in ("/rss", "/jsonfeed/cs.LG", "/api/papers", "/api/explain?id=2603.90001&"):
        answer = besieged.ask(f"{path}{'' if '?' in path else '?'}{query}")
        assert answer.status in {200, 400, 404, 414, 422}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_no_query_breaks_a_page(besieged: Besieged, query: str) -> None:
    for path in ("/", "/build"):
        answer = besieged.ask(f"{path}?{query}", "Accept: text/html")
        assert answer.status in {200, 400, 404, 414, 422}
        assert b"<script>" not in answer.body


METHODS = ["TRACE", "TRACK", "PROPFIND", "FOO", "get", "PRI", "PUT", "PATCH", "DELETE", "OPTIONS", "POST", "CONNECT"]


@pytest.mark.parametrize("method", METHODS)
def test_no_other_method_does_anything(besieged: Besieged, method: str) -> None:
    for target in ("/", "/rss", "/api/papers", "/api/status", "/nothing"):
        answer = besieged.ask(target, f"X-Canary: {EVIL}", "Content-Length: 0", method=method)
        assert answer.status in {400, 404, 405} or (method == "OPTIONS" and (answer.status, answer.body) == (204, b""))


HEADERS = {
    "another host": [f"X-Forwarded-Host: {EVIL}", f"Forwarded: host={EVIL};proto=https"],
    "another scheme and port": ["X-Forwarded-Proto: javascript", "X-Forwarded-Port: 81"],
    "another address": [f"X-Original-URL: https://{EVIL}/", "X-Rewrite-URL: /api/cron"],
    "another client": ["X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1", "Client-IP: ::1"],
    "another method": ["X-HTTP-Method-Override: POST", "X-Method-Override: DELETE"],
    "a prefix": [f"X-Forwarded-Prefix: //{EVIL}", f"X-Script-Name: //{EVIL}"],
    "a scheduler": ["X-Vercel-Cron: 1", "User-Agent: vercel-cron/1.0"],
    "a page of another site": [f"Origin: https://{EVIL}", f"Referer: https://{EVIL}/"],
    "ranges": ["Range: bytes=0-1", "If-Range: x"],
    "very many ranges": ["Range: bytes=" + ",".join(f"{start}-" for start in range(5000))],
    "very many validators": ["If-None-Match: " + ", ".join(f'W/"{number}"' for number in range(5000))],
    "validators that are none": [b'If-None-Match: \xff, W/, "", *x, "unclosed', b"If-None-Match: \xe9"],
    "dates that are none": ["If-Modified-Since: Mon, 99 Foo 0000 25:61:61 GMT"],
    "a date before all": ["If-Modified-Since: Mon, 01 Jan 0001 00:00:00 +2359"],
    "codings": [b"Accept-Encoding: gzip;q=nan, br;q=1e999, *;q=-1, \xff;q=", "Accept-Encoding: identity;q=0"],
    "very many codings": ["Accept-Encoding: " + ", ".join(["gzip;q=0.001"] * 4000)],
    "media types": [b"Accept: text/html;q=nan, application/json;q=..., \xff/*;q=1;q=2"],
    "languages": ["Accept-Language: ../../etc, *;q=nan"],
    "a token that is none": [b"Authorization: Bearer \xff\xfe\x00"[:-1], b"Authorization: \xc3\x28"],
    "cookies": ["Cookie: " + "a=b; " * 3000],
    "another protocol": [
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
    ],
    "a socket": ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13"],
    "very many headers": [f"X-{number}: {EVIL}" for number in range(3000)],
    "a fold": ["X-Folded: a", f" {EVIL}"],
    "a header without a name": [": x"],
    "a null": [b"X-Null: a\x00b"],
    "lengths that differ": ["Content-Length: 5", "Content-Length: 6"],
    "a length below nothing": ["Content-Length: -1"],
    "a length and chunks": ["Content-Length: 5", "Transfer-Encoding: chunked"],
    "an unknown coding of the body": ["Transfer-Encoding: gzip, x"],
    "the wish to be asked": ["Expect: 100-continue"],
}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS.keys())
def test_no_header_changes_what_is_said_or_done(besieged: Besieged, headers: list[str | bytes]) -> None:
    for target in ("/rss", "/api/papers?limit=2", "/opml", "/nothing"):
        answer = besieged.ask(target, *headers)
        assert answer.status in {200, 304, 400, 404, 405, 426, 431, 501, 0}
        assert EVIL.encode() not in answer.body


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS.keys())
def test_no_header_opens_what_needs_the_secret(besieged: Besieged, headers: list[str | bytes]) -> None:
    for target, method in (("/api/cron", "GET"), ("/update-cache", "GET"), ("/api/refresh", "POST")):
        assert besieged.ask(target, *headers, method=method).status in {400, 401, 426, 431, 501, 0}


def test_a_poisoned_host_reaches_nobody_who_asks_honestly_afterwards(besieged: Besieged) -> None:
    for target in ("/rss", "/atom/cs.AI", "/jsonfeed", "/opml", "/api/feeds", "/", "/build", "/docs", "/openapi.json"):
        poison = f"GET {target} HTTP/1.1\r\nHost: {EVIL}\r\nX-Forwarded-Host: {EVIL}\r\nConnection: close\r\n\r\n"
        poisoned, honest = besieged.server.send(poison.encode()), besieged.server.ask(target)
        assert [EVIL.encode() in answer.everything for answer in (poisoned, honest)] == [False, False]
        assert [b"reader.invalid" in answer.everything for answer in (poisoned, honest)] == [False, False]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize("target", ["/api/papers", "/api/refresh", "/nothing"])
def test_a_large_body_is_refused_before_it_is_read(besieged: Besieged, target: str, method: str) -> None:
    answer = besieged.ask(target, f"Content-Length: {8 * 1024 * 1024}", method=method, body=b"a" * 1000)
    assert (answer.status, json.loads(answer.body)["code"]) == (413, "body_too_large")


def test_a_body_in_endless_chunks_is_never_waited_for(besieged: Besieged) -> None:
    answer = besieged.ask("/rss", "Transfer-Encoding: chunked", body=b"ffffff\r\n" + b"a" * 5000)
    assert answer.status == 200


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate", "x"])
def test_a_small_body_is_not_looked_at_whatever_it_says_it_is(besieged: Besieged, coding: str) -> None:
    headers = (f"Content-Encoding: {coding}", "Content-Type: application/json; charset=utf-7", "Content-Length: 9")
    assert besieged.ask("/rss", *headers, body=b"\x1f\x8b\xff{[<&%\x00").status == 200
    assert besieged.ask("/api/refresh", *headers, method="POST", body=b"\x1f\x8b\xff{[<&%\x00").status == 401


def test_a_range_is_answered_with_the_whole(besieged: Besieged) -> None:
    whole, part = besieged.ask("/static/page.css"), besieged.ask("/static/page.css", "Range: bytes=0-9,5-6,-1")
    assert (part.status, part.body) == (200, whole.body)


@pytest.mark.parametrize(
    "request_line",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"GET", b"GET / HTTP/9.9", b"GET  /  HTTP/1.1", b"\r\n\r\n"],
)
def test_what_is_no_request_ends_the_connection_and_not_the_server(besieged: Besieged, request_line: bytes) -> None:
    answer = besieged.server.send(request_line + b"\r\nHost: x\r\n\r\n")
    check_answer(answer)
    assert answer.status in {0, 200, 400}
    assert besieged.ask("/health").status == 200


def test_the_log_of_all_that_has_no_secret_in_it(besieged: Besieged) -> None:
    wrong = f"Authorization: Bearer {CANARIES['CRON_SECRET'][:-1]}"
    assert besieged.ask("/api/cron", wrong).status == 401
    assert [text for text in CANARY_TEXTS if text in besieged.server.log_text] == []
    assert "Traceback" not in besieged.server.log_text


ALL_AT_THEIR_LONGEST = {
    "q": "ö" * MAX_CHARACTERS,
    "au": "ö" * 1_000,
    "like": ",".join(["2603.90001"] * 90),
    "dislike": ",".join(["2603.90002"] * 90),
    "exclude": "ö" * MAX_CHARACTERS,
    "types": "new,cross,replace,replace-cross",
    "mailing": "2026-03-05",
}


def test_every_acceptable_address_is_short_enough_however_it_is_encoded(besieged: Besieged) -> None:
    def encode(text: str) -> str:
        return "".join(f"%{byte:02X}" for byte in text.encode())

    query = "&".join(f"{name}={encode(text)}" for name, text in ALL_AT_THEIR_LONGEST.items())
    assert besieged.ask(f"/rss/{encode('cs.AI+cs.LG')}?{query}").status == 200
