"""Asks arXiv, politely: one request at a time, a pause after each, within bounds of time and size.

Moves bytes only; what they mean is in `rss.py` and `query_api.py`. The pause is kept within one `ArxivClient`; between
several, or several processes, whoever calls has to keep it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import httpx

from core.arxiv.announced import Announced
from core.arxiv.answers import check_length, decode_body, parse_retry_after
from core.arxiv.entries import read_moment
from core.arxiv.query_api import Search, SearchPage, build_search_url, parse_search_page
from core.arxiv.rss import parse_announcements
from core.arxiv.taxonomy import find_category, hint_for
from core.errors import SourceMalformed, SourceUnavailable
from core.papers import Paper, PaperId

RSS_BASE = "https://rss.arxiv.org/rss"
API_BASE = "https://export.arxiv.org/api/query"

# arXiv cuts a feed off here, the new papers first: https://info.arxiv.org/help/rss.html
MOST_ENTRIES = 2000
MOST_REDIRECTS = 5
MOST_RAW_BYTES = 8 * 1024 * 1024
MOST_DECODED_BYTES = 32 * 1024 * 1024

_ACCEPT = "application/rss+xml, application/atom+xml, application/xml;q=0.9"
_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_IDS_PER_REQUEST = 100  # keeps the address well under the 8 KB that servers accept

_Parsed = TypeVar("_Parsed")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    """A status that comes with a body (200 or 400), and the body as it was sent."""

    status: int
    raw: bytes
    content_encoding: str
    content_length: str | None


@dataclass(frozen=True, slots=True)
class _Connection:
    """What belongs to one event loop and cannot be used on another."""

    loop: asyncio.AbstractEventLoop
    client: httpx.AsyncClient
    turn: asyncio.Lock


class ArxivClient:
    """arXiv's feeds and query API, one request at a time.

    *min_interval_seconds* pass between the end of one request and the start of the next; waiting for one's turn is not
    part of *deadline_seconds*, which bounds one answer with its redirects. *clock* is monotonic, in seconds; *now*
    gives aware datetimes. *open_client* is called when first needed, and again when the running event loop is another
    one: serverless adapters may start a loop for each call, and a connection does not outlive its loop.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        rss_base: str = RSS_BASE,
        api_base: str = API_BASE,
        min_interval_seconds: float = 3.0,
        deadline_seconds: float = 30.0,
        open_client: Callable[[], httpx.AsyncClient] = httpx.AsyncClient,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._headers = {"User-Agent": user_agent, "Accept": _ACCEPT, "Accept-Encoding": "gzip"}
        self._rss_base = rss_base.rstrip("/")
        self._api_base = api_base.rstrip("/")
        self._min_interval_seconds = min_interval_seconds
        self._deadline_seconds = deadline_seconds
        self._open_client = open_client
        self._clock = clock
        self._sleep = sleep
        self._now = now
        self._connection: _Connection | None = None
        self._ended: float | None = None
        self._answered_at: datetime | None = None

    async def fetch_announcements(self, categories: Sequence[str]) -> Announced:
        """What is announced in *categories* at the moment, in one request, or in as many as arXiv's limit forces.

        Raises SourceUnavailable and SourceMalformed, and ValueError for an unknown category or none at all: arXiv
        refuses a whole request for one bad part, so nothing is asked.
        """
        return await self._fetch_within_limit(_spell(categories))

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
            page = await self._ask(url, parse_search_page)
            _report_gaps(page)
            papers += page.papers
        return tuple(papers)

    async def aclose(self) -> None:
        """Closes the connections; the next request opens new ones."""
        connection, self._connection = self._connection, None
        if connection is not None and connection.loop is asyncio.get_running_loop():
            await connection.client.aclose()

    async def _fetch_within_limit(self, categories: tuple[str, ...]) -> Announced:
        feed = await self._ask(f"{self._rss_base}/{'+'.join(categories)}", parse_announcements)
        if len(feed.entries) + len(feed.rejected) < MOST_ENTRIES:
            return Announced((feed,), requests=1, answered_at=self._answered_at)
        if len(categories) == 1:
            return Announced((feed,), 1, (_limit_notice(categories[0]),), self._answered_at)
        middle = len(categories) // 2
        first = await self._fetch_within_limit(categories[:middle])
        second = await self._fetch_within_limit(categories[middle:])
        return Announced(
            feeds=first.feeds + second.feeds,
            requests=1 + first.requests + second.requests,
            notices=first.notices + second.notices,
            answered_at=second.answered_at,
        )

    async def _ask(self, url: str, parse: Callable[[bytes], _Parsed]) -> _Parsed:
        answer = await self._take_turn(url)
        try:
            parsed = await asyncio.to_thread(_read, answer, parse)  # a whole mailing would hold up every other request
        except SourceMalformed as error:
            if answer.status == httpx.codes.OK:
                raise
            raise SourceUnavailable(url, f"{_describe(answer.status)}. {error.reason}", status=answer.status) from error
        if answer.status != httpx.codes.OK:
            raise SourceUnavailable(url, _describe(answer.status), status=answer.status)
        return parsed

    async def _take_turn(self, url: str) -> _Answer:
        connection = self._connect()
        async with connection.turn:
            await self._pause()  # here already, so that it is not part of the deadline
            try:
                async with asyncio.timeout(self._deadline_seconds):
                    return await self._follow(connection.client, url)
            except TimeoutError as error:
                reason = f"arXiv did not answer in full within {self._deadline_seconds:g} seconds"
                raise SourceUnavailable(url, reason) from error
            except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, ValueError) as error:
                # ValueError comes from urllib and idna, for some addresses that a redirect can name.
                raise SourceUnavailable(url, f"no answer came ({type(error).__name__}: {error})") from error

    def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        if self._connection is None or self._connection.loop is not loop:
            self._connection = _Connection(loop, self._open_client(), asyncio.Lock())
        return self._connection

    async def _pause(self) -> None:
        """Waits until the minimal interval since the end of the last request is over."""
        if self._ended is None:
            return
        seconds = self._ended + self._min_interval_seconds - self._clock()
        if seconds > 0:
            await self._sleep(seconds)

    async def _follow(self, client: httpx.AsyncClient, url: str) -> _Answer:
        """The answer at *url*, or at the end of its redirects, each of which is a request that waits its turn."""
        address = httpx.URL(url)
        for _ in range(MOST_REDIRECTS + 1):
            await self._pause()
            outcome = await self._exchange(client, address)
            if isinstance(outcome, _Answer):
                return outcome
            address = outcome
        raise SourceUnavailable(url, f"arXiv redirected more than {MOST_REDIRECTS} times")

    async def _exchange(self, client: httpx.AsyncClient, address: httpx.URL) -> _Answer | httpx.URL:
        """One request: its answer, or the address it redirects to."""
        try:
            request = client.stream("GET", address, headers=self._headers, timeout=_TIMEOUT, follow_redirects=False)
            async with request as response:
                return await self._receive(response, address)
        finally:
            self._ended = self._clock()

    async def _receive(self, response: httpx.Response, address: httpx.URL) -> _Answer | httpx.URL:
        status = response.status_code
        self._answered_at = read_moment(response.headers.get("Date"))
        if status in _REDIRECTS:
            return _redirect_target(address, response)
        if status not in (httpx.codes.OK, httpx.codes.BAD_REQUEST):
            wait = parse_retry_after(response.headers.get("Retry-After"), self._now())
            raise SourceUnavailable(str(address), _describe(status), status=status, retry_after_seconds=wait)
        return _Answer(
            status=status,
            raw=await _collect(response),
            content_encoding=response.headers.get("Content-Encoding", ""),
            content_length=None if "Transfer-Encoding" in response.headers else response.headers.get("Content-Length"),
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
    """Where *response* redirects to; refused are anything but https after https, and anything that is not http."""
    target = address.join(location) if (location := response.headers.get("Location")) else None
    allowed = ("https",) if address.scheme == "https" else ("https", "http")
    if target is None or target.scheme not in allowed:
        where = f"from {address.scheme} to {target.scheme}" if target else "to nowhere"
        raise SourceUnavailable(
            str(address), f"arXiv redirected {where}, which is refused", status=response.status_code
        )
    return target


async def _collect(response: httpx.Response) -> bytes:
    raw = bytearray()
    async for chunk in response.aiter_raw():
        raw += chunk
        if len(raw) > MOST_RAW_BYTES:
            raise SourceMalformed(f"it is larger than {MOST_RAW_BYTES} bytes")
    return bytes(raw)


def _read(answer: _Answer, parse: Callable[[bytes], _Parsed]) -> _Parsed:
    check_length(answer.raw, answer.content_length)
    return parse(decode_body(answer.raw, answer.content_encoding, most_bytes=MOST_DECODED_BYTES))
