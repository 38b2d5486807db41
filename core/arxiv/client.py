"""Asks arXiv, politely: each request in its turn, within bounds of time and size.

Moves bytes only; what they mean is in `rss.py` and `query_api.py`, and in `core/summaries/fulltext.py`. Whose turn it
is, over all processes that ask, is decided by whoever hands in the turns (`core/turns.py`).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol, TypeVar

import httpx

from core.arxiv.announced import MOST_ENTRIES, Announced, Refused, Submissions, Window
from core.arxiv.answers import check_length, decode_body
from core.arxiv.query_api import Search, SearchPage, build_search_url, build_window_query, parse_search_page
from core.arxiv.rss import parse_announcements, parse_unless_cut_off
from core.arxiv.taxonomy import find_category, hint_for, with_aliases
from core.errors import SourceMalformed, SourceRefused, SourceUnavailable
from core.moments import parse_retry_after, read_moment
from core.papers import ARXIV_URL, Paper, PaperId

RSS_BASE = "https://rss.arxiv.org/rss"
API_BASE = "https://export.arxiv.org/api/query"

MOST_REDIRECTS = 5
MOST_RAW_BYTES = 8 * 1024 * 1024
MOST_DECODED_BYTES = 32 * 1024 * 1024

MOST_PAGE_BYTES = 20 * 1024 * 1024
MOST_PDF_BYTES = 30 * 1024 * 1024

_FEED_TYPES = "application/rss+xml, application/atom+xml, application/xml;q=0.9"
_PAGE_TYPES = ("text/html", "application/xhtml+xml")
_PDF_START = b"%PDF"
_TIMEOUT = httpx.Timeout(20.0, connect=5.0)  # the query API takes a while before the first byte of a long page
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REFUSALS = frozenset({400, 404, 410})
_MOST_REFUSED = 3  # alone, and nothing answered before: then it is not the categories that arXiv does not like
_LONGEST_ETAG = 200
_IDS_PER_REQUEST = 100  # keeps the address well under the 8 KB that servers accept

_Parsed = TypeVar("_Parsed")

# arXiv's services. The texts of papers have a host of their own, and fail without that anything else does.
Service = Literal["feeds", "search", "pages"]

logger = logging.getLogger(__name__)


class Turns(Protocol):
    """Who may ask when: the block of `take` makes one request."""

    def take(self, service: Service, url: str) -> AbstractAsyncContextManager[None]: ...


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of document: who has it, what is asked for, and how much of it is taken, as sent and as decoded."""

    service: Service
    accept: str
    most_raw_bytes: int = MOST_RAW_BYTES
    most_bytes: int = MOST_DECODED_BYTES


_FEED = _Kind("feeds", _FEED_TYPES)
_SEARCH = _Kind("search", _FEED_TYPES)
_PAGE = _Kind("pages", ", ".join(_PAGE_TYPES), MOST_PAGE_BYTES, MOST_PAGE_BYTES)
_PDF = _Kind("pages", "application/pdf", MOST_PDF_BYTES, MOST_PDF_BYTES)


@dataclass(frozen=True, slots=True)
class _Answer:
    """A status that comes with a body (200 or 400), or with none (304), and the body as it was sent."""

    status: int
    raw: bytes
    content_type: str
    content_encoding: str
    content_length: str | None
    etag: str | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Connection:
    """What belongs to one event loop and cannot be used on another."""

    loop: asyncio.AbstractEventLoop
    client: httpx.AsyncClient


class ArxivClient:
    """arXiv's feeds, query API and texts of papers, each request in one of *turns*.

    *deadline_seconds* bound one request with its answer; waiting for one's turn is not part of them. *now* gives aware
    datetimes. *open_client* is called when first needed, and again when the running event loop is another one:
    serverless adapters may start a loop for each call, and a connection does not outlive its loop.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        turns: Turns,
        rss_base: str = RSS_BASE,
        api_base: str = API_BASE,
        pages_base: str = ARXIV_URL,
        deadline_seconds: float = 30.0,
        open_client: Callable[[], httpx.AsyncClient] = httpx.AsyncClient,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "gzip"}
        self._turns = turns
        self._rss_base = rss_base.rstrip("/")
        self._api_base = api_base.rstrip("/")
        self._pages_base = pages_base.rstrip("/")
        self._deadline_seconds = deadline_seconds
        self._open_client = open_client
        self._now = now
        self._connection: _Connection | None = None

    async def fetch_announcements(
        self, categories: Sequence[str], *, etag: str | None = None, apart: Collection[str] = ()
    ) -> Announced:
        """What is announced in *categories* at the moment, in one request, or in as many as arXiv forces.

        It has a limit for one feed, and refuses a whole request for one category that it does not know any more: such a
        request is made again for either half of the categories. Those *apart*, which it refused the last time, are
        asked for one by one, and whatever becomes of that, what was announced in the others stands.

        With the *etag* of an earlier answer, arXiv may say that nothing has changed since. Raises SourceUnavailable and
        SourceMalformed, also where every category is refused, and ValueError for one that is in no taxonomy or none at
        all, before anything is asked.
        """
        spelt = _spell(categories)
        together = tuple(category for category in spelt if category not in apart)
        alone = [(category,) for category in spelt if category in apart]
        return await self._fetch_sets([together, *alone] if together else alone, etag)

    async def fetch_submissions(self, window: Window) -> Submissions:
        """One page of the papers in *window*.

        Raises like `fetch_announcements`, and SourceMalformed for another page than was asked for, and for an empty one
        that is not the first of an empty list: arXiv sends such now and then, also with a total of 0. Whoever goes from
        page to page asks for none behind the last.
        """
        search = Search(
            query=build_window_query(with_aliases(_spell(window.categories)), window.first, window.last, by=window.by),
            start=window.start,
            max_results=window.count,
            sort_by="submittedDate" if window.by == "submitted" else "lastUpdatedDate",
            sort_order="ascending",
        )
        page = await self._search(build_search_url(self._api_base, search))
        received = len(page.papers) + len(page.rejected)
        if page.start_index != window.start:
            raise SourceMalformed(f"it has the results from {page.start_index} on and not those from {window.start} on")
        if not received and (window.start or page.total_results):
            raise SourceMalformed(f"it has no result from {window.start} on, of {page.total_results} that there are")
        is_last = window.start + received >= page.total_results
        return Submissions(page.papers, page.rejected, is_last, page.total_results)

    async def fetch_papers(self, ids: Iterable[str]) -> tuple[Paper, ...]:
        """What the query API knows of the papers *ids* (with or without a version), in arXiv's order.

        Ids that arXiv does not know are left out, as arXiv does. Raises SourceUnavailable and SourceMalformed, and
        ValueError for what is no identifier, before anything is asked.
        """
        unique = tuple(dict.fromkeys(ids))
        for identifier in unique:
            PaperId.parse(identifier)
        papers: list[Paper] = []
        for start in range(0, len(unique), _IDS_PER_REQUEST):
            some = unique[start : start + _IDS_PER_REQUEST]
            url = build_search_url(self._api_base, Search(ids=some, max_results=len(some)))
            page = await self._search(url)
            _report_gaps(page)
            papers += page.papers
        return tuple(papers)

    async def fetch_full_text_page(self, paper: Paper) -> bytes | None:
        """The page that arXiv renders of *paper*, in this version; None where it has none, or something else there.

        A page is no text yet: arXiv also says on one that there is none. Raises SourceUnavailable and SourceMalformed,
        the latter for more than 20 MB.
        """
        url = f"{self._pages_base}/html/{paper.id}v{paper.version}"
        answer = await self._find(_PAGE, url)
        if answer is None or answer.content_type.partition(";")[0].strip().lower() not in _PAGE_TYPES:
            return None
        return await self._read(_PAGE, answer, url, bytes) or None

    async def fetch_pdf(self, paper: Paper) -> bytes | None:
        """The PDF of *paper*, in this version; None where arXiv has none.

        Raises SourceUnavailable and SourceMalformed, the latter for what is no PDF and for more than 30 MB.
        """
        url = f"{self._pages_base}/pdf/{paper.id}v{paper.version}"
        answer = await self._find(_PDF, url)
        return None if answer is None else await self._read(_PDF, answer, url, _check_pdf)

    async def aclose(self) -> None:
        """Closes the connections; the next request opens new ones."""
        connection, self._connection = self._connection, None
        if connection is not None and connection.loop is asyncio.get_running_loop():
            await connection.client.aclose()

    async def _fetch_sets(self, sets: Sequence[tuple[str, ...]], etag: str | None) -> Announced:
        """What is announced in each of *sets*, where need be in halves of it; raises where all of it is refused.

        Once a feed was read, whatever fails a set after the first is its own.
        """
        waiting = deque(sets)
        parts: list[Announced] = []
        refusal: SourceUnavailable | SourceMalformed | None = None
        requests = 0
        while waiting:
            categories = waiting.popleft()
            requests += 1
            try:
                part = await self._fetch_set(categories, etag if requests == len(sets) == 1 else None)
            except (SourceUnavailable, SourceMalformed) as error:
                is_its_own = categories in sets[1:] and any(part.feeds for part in parts)
                if not is_its_own and not _is_refusal(error):
                    raise
                refusal = refusal or error
                is_alone = len(categories) == 1
                part = Announced((), 1, refused=(Refused(categories[0], error.reason),)) if is_alone else None
            if part is None:
                middle = len(categories) // 2
                waiting.extendleft((categories[middle:], categories[:middle]))
            else:
                parts.append(part)
            is_hopeless = not waiting or len(parts) == _MOST_REFUSED
            if refusal is not None and is_hopeless and all(part.refused for part in parts):
                raise refusal
        return parts[0] if requests == 1 else _join(parts, requests)

    async def _fetch_set(self, categories: tuple[str, ...], etag: str | None) -> Announced | None:
        """What one request for *categories* brings; None where arXiv's limit may have cut it off."""
        url = f"{self._rss_base}/{'+'.join(categories)}"
        answer = await self._get(_FEED, url, etag)
        if answer.status == httpx.codes.NOT_MODIFIED:
            return Announced((), requests=1, answered_at=answer.answered_at, etag=etag, is_unchanged=True)
        if len(categories) == 1:
            feed = await self._read(_FEED, answer, url, parse_announcements)
            notices = (_limit_notice(categories[0]),) if feed.may_be_cut_off else ()
            return Announced((feed,), 1, notices, answer.answered_at, answer.etag)
        whole = await self._read(_FEED, answer, url, parse_unless_cut_off)
        return None if whole is None else Announced((whole,), 1, (), answer.answered_at, answer.etag)

    async def _search(self, url: str) -> SearchPage:
        return await self._read(_SEARCH, await self._get(_SEARCH, url), url, parse_search_page)

    async def _find(self, kind: _Kind, url: str) -> _Answer | None:
        """The answer at *url*, None where nothing is there."""
        try:
            return await self._get(kind, url)
        except SourceUnavailable as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise

    async def _read(self, kind: _Kind, answer: _Answer, url: str, parse: Callable[[bytes], _Parsed]) -> _Parsed:
        try:
            parsed = await asyncio.to_thread(
                _decode, kind, answer, parse
            )  # a whole mailing would hold up every request
        except SourceMalformed as error:
            if answer.status == httpx.codes.OK:
                raise
            raise SourceUnavailable(url, f"{_describe(answer.status)}. {error.reason}", status=answer.status) from error
        if answer.status != httpx.codes.OK:
            raise SourceUnavailable(url, _describe(answer.status), status=answer.status)
        return parsed

    async def _get(self, kind: _Kind, url: str, etag: str | None = None) -> _Answer:
        """The answer at *url*, or at the end of its redirects, each of which is a request that waits its turn."""
        address = httpx.URL(url)
        for _ in range(MOST_REDIRECTS + 1):
            async with self._turns.take(kind.service, str(address)):
                outcome = await self._exchange_in_time(kind, address, etag)
            if isinstance(outcome, _Answer):
                return outcome
            address = outcome
        raise SourceUnavailable(url, f"arXiv redirected more than {MOST_REDIRECTS} times")

    def _connect(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        if self._connection is None or self._connection.loop is not loop:
            self._connection = _Connection(loop, self._open_client())
        return self._connection.client

    async def _exchange_in_time(self, kind: _Kind, address: httpx.URL, etag: str | None) -> _Answer | httpx.URL:
        try:
            async with asyncio.timeout(self._deadline_seconds):
                return await self._exchange(kind, address, etag)
        except TimeoutError as error:  # the deadline's or a socket's; a turn that ends cancels instead
            reason = f"arXiv did not answer in full within {self._deadline_seconds:g} seconds"
            raise SourceUnavailable(str(address), reason) from error
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, ValueError) as error:
            # ValueError comes from urllib and idna, for some addresses that a redirect can name.
            raise SourceUnavailable(str(address), f"no answer came ({type(error).__name__}: {error})") from error

    async def _exchange(self, kind: _Kind, address: httpx.URL, etag: str | None) -> _Answer | httpx.URL:
        """One request: its answer, or the address it redirects to."""
        # arXiv sends its validator without quotes; a cache before it compares what it sent, byte for byte.
        headers = self._headers | {"Accept": kind.accept} | ({"If-None-Match": etag} if etag else {})
        request = self._connect().stream("GET", address, headers=headers, timeout=_TIMEOUT, follow_redirects=False)
        async with request as response:
            return await self._receive(kind, response, address, is_conditional=bool(etag))

    async def _receive(
        self, kind: _Kind, response: httpx.Response, address: httpx.URL, *, is_conditional: bool
    ) -> _Answer | httpx.URL:
        status = response.status_code
        if status in _REDIRECTS:
            return _redirect_target(address, response)
        is_unchanged = is_conditional and status == httpx.codes.NOT_MODIFIED
        if not is_unchanged and status not in (httpx.codes.OK, httpx.codes.BAD_REQUEST):
            present = max(self._now(), read_moment(response.headers.get("Date")) or self._now())  # ours may be slow
            wait = parse_retry_after(response.headers.get("Retry-After"), present)
            raise SourceUnavailable(str(address), _describe(status), status=status, retry_after_seconds=wait)
        return _Answer(
            status=status,
            raw=b"" if is_unchanged else await _collect(response, kind.most_raw_bytes),
            content_type=response.headers.get("Content-Type", ""),
            content_encoding=response.headers.get("Content-Encoding", ""),
            content_length=None if "Transfer-Encoding" in response.headers else response.headers.get("Content-Length"),
            etag=_usable_etag(response.headers.get("ETag")),
            answered_at=read_moment(response.headers.get("Date")),
        )


def _spell(categories: Sequence[str]) -> tuple[str, ...]:
    """*categories* once each, in arXiv's spelling and the order given."""
    if not categories:
        raise ValueError("at least one category is needed to ask for announcements")
    spelt = []
    for text in categories:
        category = find_category(text)
        if category is None:
            raise ValueError(f"{text!r} is no category of arXiv. {hint_for(text)}")
        spelt.append(category.id)
    return tuple(dict.fromkeys(spelt))


def _join(parts: Sequence[Announced], requests: int) -> Announced:
    """What the answers to several requests say together; some of the *requests* may have brought nothing."""
    return Announced(
        feeds=tuple(feed for part in parts for feed in part.feeds),
        requests=requests,
        notices=tuple(notice for part in parts for notice in part.notices),
        answered_at=next((part.answered_at for part in reversed(parts) if part.feeds), None),
        refused=tuple(refused for part in parts for refused in part.refused),
    )


def _is_refusal(error: SourceUnavailable | SourceMalformed) -> bool:
    """Whether arXiv answered that it does not know what it was asked for, and not that it is away or busy."""
    return isinstance(error, SourceRefused) or (isinstance(error, SourceUnavailable) and error.status in _REFUSALS)


def _limit_notice(category: str) -> str:
    return f"arXiv's feed of {category} is at its limit of {MOST_ENTRIES} entries; new papers may be missing."


def _report_gaps(page: SearchPage) -> None:
    for rejected in page.rejected:
        logger.warning("the query API's entry %r was left out: %s", rejected.entry, rejected.reason)
    received = len(page.papers) + len(page.rejected)
    if received < page.total_results:
        logger.warning("the query API sent %d of %d papers that it has", received, page.total_results)


def _describe(status: int) -> str:
    return f"arXiv answered {status} {httpx.codes.get_reason_phrase(status)}".rstrip()


def _redirect_target(address: httpx.URL, response: httpx.Response) -> httpx.URL:
    """Where *response* redirects to; refused are anything but https after https, and anything that is not http.

    So is another host than that of *address*, unless both are arXiv's own.
    """
    target = address.join(location) if (location := response.headers.get("Location")) else None
    allowed = ("https",) if address.scheme == "https" else ("https", "http")
    if target is None or target.scheme not in allowed:
        where = f"from {address.scheme} to {target.scheme}" if target else "to nowhere"
        raise SourceUnavailable(
            str(address), f"arXiv redirected {where}, which is refused", status=response.status_code
        )
    if target.port is not None and not 0 < target.port < 65_536:
        raise SourceUnavailable(str(address), "arXiv redirected to an impossible port", status=response.status_code)
    is_same = (target.host, target.port) == (address.host, address.port)
    if not is_same and not (_is_arxivs(target) and _is_arxivs(address)):
        where = f"from {address.host} to {target.host}"
        raise SourceUnavailable(
            str(address), f"arXiv redirected {where}, which is refused", status=response.status_code
        )
    return target


def _is_arxivs(address: httpx.URL) -> bool:
    """Whether *address* is one of arXiv's hosts, which have sent askers from one to the other."""
    return address.port is None and f".{address.host}".endswith(".arxiv.org")


async def _collect(response: httpx.Response, most_bytes: int) -> bytes:
    raw = bytearray()
    async for chunk in response.aiter_raw():
        raw += chunk
        if len(raw) > most_bytes:
            raise SourceMalformed(f"it is larger than {most_bytes} bytes")
    return bytes(raw)


def _usable_etag(text: str | None) -> str | None:
    """*text* where it can be sent back as a header and kept without a thought."""
    return text if text and len(text) <= _LONGEST_ETAG and text.isascii() and text.isprintable() else None


def _check_pdf(body: bytes) -> bytes:
    if not body.startswith(_PDF_START):
        raise SourceMalformed("it is no PDF")
    return body


def _decode(kind: _Kind, answer: _Answer, parse: Callable[[bytes], _Parsed]) -> _Parsed:
    check_length(answer.raw, answer.content_length)
    return parse(decode_body(answer.raw, answer.content_encoding, most_bytes=kind.most_bytes))
