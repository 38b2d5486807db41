"""The shared store: a Redis, or anything that speaks its protocol, for any number of machines.

What is kept, under a prefix that names the version of this layout:

- `mailing:{date}`: a hash, paper id -> compressed record. A record is in its newest mailing only, so that the papers of
  the last days are a few commands, and a mailing goes as a whole when it is old or when the server needs the room. The
  field without a name has the categories announced in it, and keeps it there when all its papers have moved on; the
  field `~{stream}` has the compressed word counts that were known of the stream after this mailing.
- `mailings`: a hash, date -> the same categories. `revision`: a hash, the fields of Revision. `refreshes`: a hash,
  categories -> the day of the last check and the compressed state.
- `summary:{paper id}`: all that came of summarising a paper, compressed. `summarising`: the state of that as a whole.
- `rendering:{name}`: a feed or page as it was rendered. `lease:{name}`, `endpoint:{name}`, and for a moment
  `staged:{token}`, what one writer is about to write.

Every change is one script (`core/store/redis_scripts.py`), so nothing is ever half written. What cannot be read counts
as not stored: arXiv can tell it again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
import zlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import NoScriptError, RedisError, ResponseError

from core.errors import LeaseLost, StoreUnavailable
from core.store.damage import DAMAGE, damage_of, tell_damaged
from core.store.records import (
    Changes,
    Endpoint,
    Frequencies,
    Lease,
    PaperRecord,
    RefreshState,
    Rendering,
    Revision,
    dump_attempts,
    dump_frequencies,
    dump_record,
    dump_refresh,
    dump_rendering,
    dump_summary_state,
    parse_attempts,
    parse_frequencies,
    parse_record,
    parse_refresh,
    parse_rendering,
    parse_summary_state,
)
from core.store.redis_scripts import (
    APPLY,
    FIND_MAILINGS,
    FIND_PAPERS,
    KEEP_LEASE,
    RESTORE_MAILINGS,
    RESTORE_REVISION,
    TAKE_LEASE,
    Script,
)
from core.summaries.attempts import Attempts, SummaryState

logger = logging.getLogger(__name__)

T = TypeVar("T")

_CONNECTIONS = 8
_TURN_SECONDS = 0.5  # to wait for one of them
_SOCKET_SECONDS = 1.0  # for a connection to stand, and for each answer
_QUICK_SECONDS = 1.0  # for what a request waits for
_LONG_SECONDS = 5.0  # for what brings or takes many papers
_FAILURES_BEFORE_BREAK = 3
_BREAK_SECONDS = 2.0
_THREADS = 64
_SEARCH_SECONDS = 0.5  # of the quick ones, for lost mailings
_LOAD_ATTEMPTS = 3
_IDS_PER_SCRIPT = 1_000  # Lua takes 8,000 values at once
_STAGED_BYTES = 500_000  # per command; hosted servers refuse those beyond a megabyte
_STAGED_SECONDS = 60
_KEPT_LONGER = timedelta(days=7)  # a mailing goes when a newer one pushes it out, long before its time is over
_LONGEST_LEASE = timedelta(hours=1)  # what is taken for longer was taken under a clock that went wrong
_LEASES_KEPT = timedelta(days=1)
_ENDPOINTS_KEPT = timedelta(days=7)
_RENDERINGS_KEPT = timedelta(days=7)  # longer than arXiv's longest holidays
_NO_MAILING = "0000-00-00"  # where papers are that were never announced
_FREQUENCIES = "~"  # before the name of a stream, where papers have their id
_DAY_BYTES = 10  # of a date as text
_ANSWERS = {"GET": (bytes, type(None)), "HGET": (bytes, type(None)), "HGETALL": (dict,), "HMGET": (list,)}

_ADDRESS = frozenset({"connection_class", "db", "host", "password", "port", "username"})  # of what a URL may say
_REFUSALS = {  # by the class of the error or the code in its text
    "OutOfMemoryError|OOM": "it is full; give it more memory, or a maxmemory-policy that lets old keys go",
    "ReadOnlyError|READONLY": "it is a replica and takes no changes",
    "MISCONF": "it cannot save to its disk and takes no changes",
    "AuthenticationError": "it asks for another user or password",
    "NoPermissionError": "its user may not do what is needed",
}


class RedisStore:
    """The store in the Redis at *url*, which several may share. Nothing is opened before it is needed.

    Mailings are kept until a newer one is later by more than *keep*. Leases end by the server's time, or by *clock*,
    an aware UTC moment, where one is given. Keys begin with *prefix*. *monotonic* gives seconds, for how long a server
    that does not answer is left alone. Works on several event loops, with connections for each.

    All methods raise StoreUnavailable where the server does not answer in time or refuses; what they say never has the
    user or password of *url* in it.
    """

    is_shared = True

    def __init__(
        self,
        url: str,
        *,
        keep: timedelta,
        clock: Callable[[], datetime] | None = None,
        prefix: str = "arxiv-feeds:1:",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._keep = keep
        self._clock = clock
        self._prefix = prefix
        self._monotonic = monotonic
        self.writes = 0  # what this process has changed, for who keeps answers
        self._clients: dict[asyncio.AbstractEventLoop, Redis] = {}
        self._days: list[str] = []  # the mailings that were there when records were last loaded
        self._failures = 0
        self._retry_at = 0.0

    @property
    def name(self) -> str:
        """Which store this is, for the operator."""
        parts = urlsplit(self._url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}:{parts.port or 6379}{parts.path.rstrip('/') or '/0'}"

    async def load_revision(self) -> Revision:
        """The state of the data now; equal revisions mean equal data."""
        return await self._ask(self._load_revision)

    async def load_mailings(self) -> frozenset[date]:
        """The mailings that any stored paper was announced in."""
        await self._ask(self._load_mailings)
        keys = [self._key("mailing:")]
        found: frozenset[date] = await self._run(FIND_MAILINGS, ["mailings"], keys, read=_read_days)
        return found

    async def load_newest_mailing(self, categories: Collection[str]) -> date | None:
        """The newest mailing with a paper in one of *categories*."""
        wanted = frozenset(categories)
        mailings = await self._ask(self._load_mailings)
        return max(_dates(day for day, told in mailings.items() if wanted & _read_categories(told)), default=None)

    async def load_records(self, *, since: date, until: date | None = None) -> tuple[PaperRecord, ...]:
        """Every paper with an announcement in a mailing from *since* on, with all its announcements, by id.

        With *until* those of later mailings alone may be missing, and are not: each is kept in its newest one.
        """
        mailings = await self._ask(lambda client: self._load_since(client, since), seconds=_LONG_SECONDS)
        return await asyncio.to_thread(_read_mailings, mailings)

    async def load_papers(self, paper_ids: Collection[str]) -> Mapping[str, PaperRecord]:
        """The stored ones among *paper_ids*, with all their announcements."""
        found = await self._find(paper_ids)
        return await asyncio.to_thread(_read_papers, found)

    async def load_frequencies(
        self, streams: Collection[str], *, since: date, until: date | None = None
    ) -> tuple[Frequencies, ...]:
        """What was known of *streams* after each of the mailings from *since* to *until*, by stream and mailing."""
        names, last = sorted(set(streams)), until or date.max
        found = await self._ask(lambda client: self._load_fields(client, since, last, names), seconds=_LONG_SECONDS)
        return await asyncio.to_thread(_read_frequencies, found)

    async def load_attempts(self, paper_ids: Collection[str]) -> Mapping[str, Attempts]:
        """What came of summarising those of *paper_ids* of which anything is known."""
        ids = sorted(set(paper_ids))
        found: dict[str, Attempts] = {}
        for group in _in_groups(ids, _IDS_PER_SCRIPT):
            values = await self._ask(partial(self._load_summaries, paper_ids=group))
            found |= await asyncio.to_thread(_read_attempts, group, values)
        return found

    async def load_summary_state(self) -> SummaryState:
        """What is known of summarising as a whole."""
        value = await self._ask(lambda client: self._get(client, "GET", "summarising"))
        with damage_of("the state of summarising"):
            if value is not None:
                return parse_summary_state(value.decode())
        return SummaryState()

    async def load_refresh(self, categories: str) -> RefreshState | None:
        """What is known of the refreshes of *categories* (joined by +), None before the first."""
        value = await self._ask(lambda client: self._get(client, "HGET", "refreshes", categories))
        return None if value is None else _read_refresh(categories, value)

    async def load_refreshes(self) -> Mapping[str, RefreshState]:
        """What is known of the refreshes of every set of categories that was asked for lately."""
        values = await self._load_hash("refreshes")
        states = {name.decode(): _read_refresh(name.decode(), values[name]) for name in sorted(values)}
        return {categories: state for categories, state in states.items() if state is not None}

    async def apply(self, changes: Changes, *, based_on: int, now: datetime, lease: Lease | None = None) -> bool:
        """Write *changes* in one step, unless the data has changed since revision *based_on*.

        False means that somebody else wrote in between: load again, decide again. Only what feeds list or say raises
        the revision's number. Raises LeaseLost where *lease* has passed to another holder.
        """
        plan = await self._plan(changes)
        staged = f"staged:{uuid4().hex}"
        for fields in _chunks(plan.fields):
            await self._stage(staged, fields)
        became = await self._run(
            APPLY,
            ["revision", "mailings", "refreshes", staged, f"lease:{lease.name if lease else ''}", "summarising"],
            [
                based_on,
                *((lease.holder, lease.fence) if lease else ("", "")),
                now.isoformat(),
                2 if changes.has_lists else int(changes.has_data),
                int(changes != Changes()),
                int(plan.had_mailings),
                len(plan.fields),
                self._key("mailing:"),
                self._key("summary:"),
                _milliseconds(self._keep + _KEPT_LONGER),
                (now - self._keep).date().isoformat(),
                dump_summary_state(changes.summary_state) if changes.summary_state else "",
                *_listed(plan.mailings),
                *_listed((day,) for day in plan.over),
                *_listed(await asyncio.to_thread(_dump_refreshes, changes.refreshes)),
            ],
            seconds=_LONG_SECONDS,
        )
        self.writes += 1
        if became == b"lost lease" and lease is not None:
            raise LeaseLost(lease.name)
        if became == b"lost basis":
            raise StoreUnavailable(f"The store {self.name} lost what a change was based on; nothing of it is stored")
        return bool(became == b"done")

    async def take_lease(
        self,
        name: str,
        holder: str,
        *,
        seconds: float,
        pause_if_forgotten: float = 0.0,
    ) -> Lease | None:
        """The right to do what *name* stands for during *seconds*; None while another holder has it, or a pause is on.

        *pause_if_forgotten* are the seconds to wait where the server knows nothing of this lease: it may have lost that
        it was in use until just now.
        """
        fence: int | None = await self._run(
            TAKE_LEASE,
            [f"lease:{name}"],
            [
                holder,
                self._now(),
                _milliseconds(seconds),
                _milliseconds(pause_if_forgotten),
                _milliseconds(_LONGEST_LEASE),
                _milliseconds(_LEASES_KEPT),
                uuid4().hex,
            ],
            read=lambda answer: None if answer is None else int(answer),
        )
        return None if fence is None else Lease(name, holder, fence)

    async def keep_lease(self, lease: Lease, *, seconds: float) -> bool:
        """Whether *lease* is still the holder's, who then has it during *seconds* from now."""
        return await self._keep_lease(lease, lease.holder, seconds)

    async def give_lease_back(self, lease: Lease, *, pause_seconds: float = 0.0) -> None:
        """Let the next one in after *pause_seconds*; nothing happens where *lease* has passed to another holder."""
        await self._keep_lease(lease, "", pause_seconds)

    async def load_endpoint(self, name: str) -> Endpoint:
        """How the service *name* of arXiv has answered lately."""
        value = await self._ask(lambda client: self._get(client, "GET", f"endpoint:{name}"))
        with damage_of(f"the endpoint {name}"):
            if value is not None:
                failures, closed_until = json.loads(value)
                return Endpoint(int(failures), datetime.fromisoformat(closed_until) if closed_until else None)
        return Endpoint()

    async def save_endpoint(self, name: str, endpoint: Endpoint) -> None:
        """Keep what is known of the service *name* of arXiv."""
        value = json.dumps([endpoint.failures, endpoint.closed_until.isoformat() if endpoint.closed_until else None])
        lasts = _milliseconds(_ENDPOINTS_KEPT)
        await self._ask(lambda client: _call(client, "SET", self._key(f"endpoint:{name}"), value, "PX", lasts))

    async def load_rendering(self, name: str) -> Rendering | None:
        """The rendering that was kept last under *name*, None where there is none."""
        packed = await self._ask(lambda client: self._get(client, "GET", f"rendering:{name}"))
        with damage_of(f"the rendering {name}"):
            return None if packed is None else parse_rendering(name, packed)
        return None

    async def save_rendering(self, rendering: Rendering) -> None:
        """Keep *rendering* for as long as mailings are likely to leave it as it is."""
        key, lasts = self._key(f"rendering:{rendering.name}"), _milliseconds(_RENDERINGS_KEPT)
        await self._ask(lambda client: _call(client, "SET", key, dump_rendering(rendering), "PX", lasts))

    async def close(self) -> None:
        """Close the connections of this event loop; the store makes new ones when it is used again."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        self._forget_ended_loops()
        if client is not None:
            await client.aclose()
            await asyncio.sleep(0)  # in which the loop lets go of the sockets

    def _key(self, name: str) -> str:
        return self._prefix + name

    def _now(self) -> str:
        """The clock's milliseconds, empty where the server's time counts."""
        return "" if self._clock is None else str(round(self._clock().timestamp() * 1000))

    async def _load_revision(self, client: Redis) -> Revision:
        names = ("number", "changed_at", "newest_mailing", "checks", "papers")
        values = await self._get(client, "HMGET", "revision", *names) or [None] * len(names)
        if _read_number(values[0]) is None:
            keys = [self._key("revision"), self._key("mailings")]
            values = await _evaluate(client, RESTORE_REVISION, keys, [])
        return _read_revision(values)

    async def _load_since(self, client: Redis, since: date) -> list[tuple[str, Mapping[bytes, bytes]]]:
        """The mailings from *since* on, of one moment: no paper moved on while they were loaded.

        One round trip where the mailings are those that were there the last time.
        """
        for _ in range(_LOAD_ATTEMPTS):
            days = [day for day in self._days if day >= since.isoformat()]
            pipeline = client.pipeline(transaction=False)
            pipeline.execute_command("HGET", self._key("revision"), "number")
            pipeline.execute_command("HKEYS", self._key("mailings"))
            for day in days:
                pipeline.execute_command("HGETALL", self._key(f"mailing:{day}"))
            pipeline.execute_command("HGET", self._key("revision"), "number")
            answers = await pipeline.execute(raise_on_error=False)
            before, known, *mailings, after = (_usable(answer, "what is stored") for answer in answers)
            found = [(day, mailing or {}) for day, mailing in zip(days, mailings, strict=True)]
            if not known:
                known = await self._load_mailings(client)
            days_known, self._days = self._days, sorted(day.decode(errors="replace") for day in known or ())
            if before == after and days_known == self._days:
                break
        return found

    async def _load_fields(
        self, client: Redis, since: date, until: date, streams: Sequence[str]
    ) -> list[tuple[str, date, bytes]]:
        """Stream, mailing and packed counts of those that are there, of the mailings from *since* to *until*."""
        days = [day for day in sorted(_dates(await self._load_mailings(client))) if since <= day <= until]
        if not days or not streams:
            return []
        pipeline = client.pipeline(transaction=False)
        for day in days:
            names = [f"{_FREQUENCIES}{stream}" for stream in streams]
            pipeline.execute_command("HMGET", self._key(f"mailing:{day}"), *names)
        answers = [_usable(answer, "what is stored") or () for answer in await pipeline.execute(raise_on_error=False)]
        return [
            (stream, day, packed)
            for day, values in zip(days, answers, strict=True)
            for stream, packed in zip(streams, values, strict=False)
            if packed is not None
        ]

    async def _load_summaries(self, client: Redis, *, paper_ids: Sequence[str]) -> list[bytes | None]:
        """What is packed of each; MGET, unlike GET, gives nothing for a key of another type."""
        found: list[bytes | None] = await _call(client, "MGET", *(self._key(f"summary:{one}") for one in paper_ids))
        if len(found) != len(paper_ids):
            raise ValueError(f"MGET of {len(paper_ids)} keys is answered with {len(found)} values")
        return found

    async def _load_mailings(self, client: Redis) -> Mapping[bytes, bytes]:
        """The list of mailings; where that was lost and the papers were not, it is made anew."""
        mailings = await self._get(client, "HGETALL", "mailings")
        if not mailings:
            prefix = self._key("mailing:")
            with suppress(TimeoutError):  # somebody else's keys are too many to look through; then it stays lost
                async with asyncio.timeout(_SEARCH_SECONDS):
                    keys = [key.decode() async for key in client.scan_iter(f"{prefix}*", count=1_000)]
                    days = [key.removeprefix(prefix) for key in keys]
                    await _evaluate(client, RESTORE_MAILINGS, [self._key("mailings")], [prefix, *days])
            mailings = await self._get(client, "HGETALL", "mailings")
        return mailings or {}

    async def _load_hash(self, name: str) -> Mapping[bytes, bytes]:
        return await self._ask(lambda client: self._get(client, "HGETALL", name)) or {}

    async def _get(self, client: Redis, command: str, name: str, *fields: str) -> Any:
        """What *command* gives for the key *name*, None where that key is of another type."""
        try:
            answer = await _call(client, command, self._key(name), *fields)
        except ResponseError as error:
            return _usable(error, name)
        values = answer.values() if isinstance(answer, dict) else ()
        if not isinstance(answer, _ANSWERS[command]) or not all(isinstance(value, bytes) for value in values):
            raise TypeError(f"{command} is answered with {type(answer).__name__}")
        return answer

    async def _find(self, paper_ids: Iterable[str]) -> list[tuple[str, str, bytes]]:
        """Mailing, id and record of the stored ones among *paper_ids*."""
        found: list[tuple[str, str, bytes]] = []
        for ids in _in_groups(sorted(set(paper_ids)), _IDS_PER_SCRIPT):
            values = [self._key("mailing:"), *ids]
            found += await self._run(FIND_PAPERS, ["mailings"], values, read=_read_found, seconds=_LONG_SECONDS)
        return found

    async def _plan(self, changes: Changes) -> _Plan:
        """What is to be written for the papers of *changes*, given what is stored of them."""
        if not changes.has_data:
            return _Plan()
        mailings = await self._ask(self._load_mailings)
        papers = {one.id for one in changes.papers}
        found = await self._find(papers.union(one.paper_id for one in changes.announcements))
        try:
            return await asyncio.to_thread(_plan, changes, found, mailings, self._keep)
        except KeyError as error:
            raise StoreUnavailable(f"The store {self.name} has no paper {error} that could be announced") from error

    async def _stage(self, name: str, fields: Sequence[tuple[str, bytes]]) -> None:
        key = self._key(name)

        async def write(client: Redis) -> None:
            pipeline = client.pipeline(transaction=False)
            pipeline.execute_command("HSET", key, *(value for field in fields for value in field))
            pipeline.execute_command("PEXPIRE", key, _milliseconds(_STAGED_SECONDS))
            await pipeline.execute()

        await self._ask(write, seconds=_LONG_SECONDS)

    async def _keep_lease(self, lease: Lease, holder: str, seconds: float) -> bool:
        kept = await self._run(
            KEEP_LEASE,
            [f"lease:{lease.name}"],
            [lease.holder, lease.fence, holder, self._now(), _milliseconds(seconds), _milliseconds(_LEASES_KEPT)],
        )
        return bool(kept)

    async def _run(
        self,
        script: Script,
        names: Sequence[str],
        values: Sequence[str | bytes | int],
        *,
        read: Callable[[Any], Any] = lambda answer: answer,
        seconds: float = _QUICK_SECONDS,
    ) -> Any:
        """What *read* makes of the answer of *script*."""
        keys = [self._key(name) for name in names]

        async def work(client: Redis) -> Any:
            return read(await _evaluate(client, script, keys, values))

        return await self._ask(work, seconds=seconds)

    async def _ask(self, work: Callable[[Redis], Awaitable[T]], *, seconds: float = _QUICK_SECONDS) -> T:
        """What *work* gives, within *seconds*. A server that failed several times in a row is left alone for a while.

        After that one caller tries, while the others still do not wait.
        """
        if self._failures >= _FAILURES_BEFORE_BREAK:
            if self._monotonic() < self._retry_at:
                raise StoreUnavailable(f"The store {self.name} did not answer lately and is asked again in a moment")
            self._retry_at = self._monotonic() + _BREAK_SECONDS
        try:
            with _heeding_cancellation():
                async with asyncio.timeout(seconds):
                    answer = await _try_twice(work, self._client())
        except ResponseError as error:
            self._failures = 0
            raise StoreUnavailable(f"The store {self.name} refuses: {self._describe(error)}") from error
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            self._failures += 1
            self._retry_at = self._monotonic() + _BREAK_SECONDS
            raise StoreUnavailable(f"The store {self.name} cannot be reached: {self._describe(error)}") from error
        except (*DAMAGE, AttributeError) as error:
            logger.exception("The shared store answered what no Redis does")
            raise StoreUnavailable(f"The store {self.name} answers what no Redis does; STORE_URL names it") from error
        self._failures = 0
        return answer

    def _describe(self, error: Exception) -> str:
        """What went wrong, in words without secrets: the server's own words can have some in them."""
        kind = type(error).__name__
        found = (means for known, means in _REFUSALS.items() if re.search(rf"\b({known})\b", f"{kind} {error}"))
        return f"{kind}, {means}" if (means := next(found, None)) else kind

    def _client(self) -> Redis:
        """The client of the running event loop: connections work on the loop that they were made on."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._forget_ended_loops()
            # A name that nobody answers for holds a thread for as long as the system asks, 20 s and more. Python has
            # as few as six of them, and what is rendered needs one too.
            loop.set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="work"))
            self._clients[loop] = _connect(self._url)
        return self._clients[loop]

    def _forget_ended_loops(self) -> None:
        """Let go of the connections that nobody can close any more."""
        self._clients = {loop: client for loop, client in self._clients.items() if not loop.is_closed()}


def _connect(url: str) -> Redis:
    """A client whose waiting is bounded; the library's defaults try for a minute."""
    try:
        given = parse_url(url)
    except ValueError as error:
        raise StoreUnavailable(f"The address of the Redis has an option that cannot be read: {error}") from error
    is_secure = url.startswith("rediss:")
    address: dict[str, Any] = {
        name: value
        for name, value in given.items()
        if (name in _ADDRESS or (is_secure and name.startswith("ssl_")))
        and not (name == "connection_class" and isinstance(value, str))  # an option of that name
    }
    if is_secure:
        address.setdefault("ssl_check_hostname", address.get("ssl_cert_reqs", "required") == "required")
    return Redis.from_pool(
        BlockingConnectionPool(
            **address,
            max_connections=_CONNECTIONS,
            timeout=_TURN_SECONDS,
            protocol=2,
            socket_timeout=_SOCKET_SECONDS,
            socket_connect_timeout=_SOCKET_SECONDS,
            retry=Retry(NoBackoff(), 0),  # see _try_twice
        )
    )


async def _try_twice(work: Callable[[Redis], Awaitable[T]], client: Redis) -> T:
    """What *work* gives; again where the server has closed a connection that nobody used for a while.

    The library can do that too, but not for pipelines before its version 6.
    """
    try:
        return await work(client)
    except ConnectionLost:
        return await work(client)


@contextmanager
def _heeding_cancellation() -> Iterator[None]:
    """A block that ends with CancelledError where its task was cancelled in it, whatever else came of it.

    The library sends within `asyncio.wait_for`, which before Python 3.12 swallows a cancellation that comes when all is
    sent (https://github.com/python/cpython/issues/86296). Who waits for the end of what was cancelled, such as the
    keeper of a lease, would wait for ever.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError


async def _call(client: Redis, *command: str | bytes | int) -> Any:
    """What the server answers to *command*."""
    return await client.execute_command(*command)  # type: ignore[no-untyped-call]  # the library's is without types


async def _evaluate(client: Redis, script: Script, keys: Sequence[str], values: Sequence[str | bytes | int]) -> Any:
    try:
        return await _call(client, "EVALSHA", script.sha, len(keys), *keys, *values)
    except NoScriptError:
        return await _call(client, "EVAL", script.lua, len(keys), *keys, *values)


def _usable(answer: Any, what: str) -> Any:
    """*answer*, None with a line in the log where it is that a key is of another type. Raises other errors."""
    if not isinstance(answer, Exception):
        return answer
    if "WRONGTYPE" not in str(answer):
        raise answer
    logger.error("In the shared store something else is in the place of %s, which counts as missing", what)
    return None


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be written: staged fields, mailings with their categories, and the mailings that are over.

    A field's name is + for what is put there and - for what is taken away, then the mailing and the id.
    """

    fields: tuple[tuple[str, bytes], ...] = ()
    mailings: tuple[tuple[str, str], ...] = ()
    over: tuple[str, ...] = ()
    had_mailings: bool = False


def _plan(
    changes: Changes, found: Sequence[tuple[str, str, bytes]], mailings: Mapping[bytes, bytes], keep: timedelta
) -> _Plan:
    """The plan for the papers of *changes*, given which records were *found* where, and the stored *mailings*.

    Raises KeyError for an announcement of a paper that is neither in *changes* nor stored.
    """
    stored = _read_papers(found)
    papers = {paper_id: record.paper for paper_id, record in stored.items()} | {one.id: one for one in changes.papers}
    announced = {paper_id: {one.mailing: one for one in record.announcements} for paper_id, record in stored.items()}
    for one in changes.announcements:
        announced.setdefault(papers[one.paper_id].id, {})[one.mailing] = one
    records = [
        PaperRecord(papers[paper_id], tuple(told for _, told in sorted(announced.get(paper_id, {}).items())))
        for paper_id in sorted({one.id for one in changes.papers}.union(one.paper_id for one in changes.announcements))
    ]

    categories = {day.decode(errors="replace"): set(_read_categories(told)) for day, told in mailings.items()}
    news = [*changes.announcements, *(record.announcements[-1] for record in records if record.announcements)]
    changed = {_NO_MAILING for record in records if not record.announcements}.union(
        one.mailing.isoformat() for one in news
    )
    for one in news:
        categories.setdefault(one.mailing.isoformat(), set()).update(category for category, _ in one.types)
    newest = max(_dates(categories), default=date.max)
    lasting = {_NO_MAILING, *(day.isoformat() for day in _dates(categories) if newest - day <= keep)}

    homes = {record.paper.id: _home(record) for record in records}
    taken = ((f"-{day}{paper_id}", b"") for day, paper_id, _ in found if day != homes[paper_id])
    put = (
        (f"+{homes[record.paper.id]}{record.paper.id}", _pack(dump_record(record)))
        for record in records
        if homes[record.paper.id] in lasting
    )
    counted = (
        (f"+{one.mailing}{_FREQUENCIES}{one.stream}", _pack(dump_frequencies(one)))
        for one in changes.frequencies
        if one.mailing.isoformat() in lasting
    )
    told = ((f"*{paper_id}", _pack(dump_attempts(attempts))) for paper_id, attempts in changes.attempts)
    return _Plan(
        fields=(*taken, *put, *counted, *told),
        mailings=tuple((day, " ".join(sorted(categories.get(day, ())))) for day in sorted(changed & lasting)),
        over=tuple(sorted(set(categories) - lasting)),
        had_mailings=bool(mailings),
    )


def _read_days(days: Iterable[bytes]) -> frozenset[date]:
    return frozenset(_dates(days))


def _read_found(flat: Sequence[bytes]) -> list[tuple[str, str, bytes]]:
    """Mailing, id and record of the papers that were found, which the server lists one after the other."""
    return [(day.decode(), paper_id.decode(), record) for day, paper_id, record in _in_groups(flat, 3)]


def _home(record: PaperRecord) -> str:
    """The mailing that a record is kept in."""
    return record.announcements[-1].mailing.isoformat() if record.announcements else _NO_MAILING


def _read_mailings(mailings: Iterable[tuple[str, Mapping[bytes, bytes]]]) -> tuple[PaperRecord, ...]:
    """The records of *mailings*, which come oldest first, by id."""
    records: dict[str, PaperRecord] = {}
    for day, mailing in mailings:
        held = (
            (paper_id.decode(errors="replace"), record)
            for paper_id, record in mailing.items()
            if paper_id and not paper_id.startswith(_FREQUENCIES.encode())
        )
        records.update(_read_records(f"the mailing of {day}", held))
    return tuple(records[paper_id] for paper_id in sorted(records))


def _read_papers(found: Iterable[tuple[str, str, bytes]]) -> dict[str, PaperRecord]:
    """The records that were *found*, by id."""
    return _read_records("some papers", ((paper_id, record) for _, paper_id, record in sorted(found)))


def _read_records(what: str, packed: Iterable[tuple[str, bytes]]) -> dict[str, PaperRecord]:
    """The records of *what* by id, without those that cannot be read: one must not take all the others with it."""
    records: dict[str, PaperRecord] = {}
    damaged: list[str] = []
    for paper_id, record in packed:
        try:
            records[paper_id] = parse_record(_unpack(record))
        except DAMAGE as error:
            damaged.append(f"{paper_id} ({error!r})")
    tell_damaged(what, damaged)
    return records


def _read_frequencies(found: Iterable[tuple[str, date, bytes]]) -> tuple[Frequencies, ...]:
    read: list[Frequencies] = []
    for stream, mailing, packed in sorted(found):
        with damage_of(f"the word counts of {stream} after {mailing}"):
            read.append(parse_frequencies(_unpack(packed), stream=stream, mailing=mailing))
    return tuple(read)


def _read_attempts(paper_ids: Iterable[str], values: Iterable[bytes | None]) -> dict[str, Attempts]:
    found: dict[str, Attempts] = {}
    for paper_id, value in zip(paper_ids, values, strict=True):
        with damage_of(f"the summaries of {paper_id}"):
            if value is not None:
                found[paper_id] = parse_attempts(_unpack(value))
    return found


def _read_refresh(categories: str, value: bytes) -> RefreshState | None:
    with damage_of(f"the refreshes of {categories}"):
        return parse_refresh(_unpack(value[_DAY_BYTES:]))
    return None


def _dump_refreshes(refreshes: Iterable[tuple[str, RefreshState]]) -> list[tuple[str, bytes]]:
    """Each with the day of its check before it, by which the server forgets it."""
    return [
        (categories, state.checked_at.date().isoformat().encode() + _pack(dump_refresh(state)))
        for categories, state in refreshes
    ]


def _read_revision(values: Sequence[bytes | None]) -> Revision:
    number, changed_at, newest, checks, papers = values
    return Revision(
        _read_number(number) or 0,
        _read_moment(changed_at),
        max(_dates([newest or b""]), default=None),
        _read_number(checks) or 0,
        _read_number(papers) or _read_number(number) or 0,
    )


def _read_number(value: bytes | None) -> int | None:
    return int(value) if value is not None and value.isdigit() else None


def _read_moment(value: bytes | None) -> datetime | None:
    with damage_of("the moment of the last change"):
        return datetime.fromisoformat(value.decode()) if value else None
    return None


def _read_categories(value: bytes) -> frozenset[str]:
    return frozenset(value.decode(errors="replace").split())


def _dates(days: Iterable[str | bytes]) -> Iterator[date]:
    """Those of *days* that are dates."""
    for day in days:
        with suppress(ValueError):
            yield date.fromisoformat(day if isinstance(day, str) else day.decode())


def _pack(text: str) -> bytes:
    return zlib.compress(text.encode())


def _unpack(value: bytes) -> str:
    return zlib.decompress(value).decode()


def _chunks(fields: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    """*fields* in groups that one command takes."""
    chunk: list[tuple[str, bytes]] = []
    size = 0
    for name, value in fields:
        if chunk and size + len(name) + len(value) > _STAGED_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append((name, value))
        size += len(name) + len(value)
    if chunk:
        yield chunk


def _listed(rows: Iterable[Sequence[str | bytes]]) -> list[str | bytes | int]:
    """*rows* as a script takes a list: how many there are, and then their values one after the other."""
    held = list(rows)
    return [len(held), *(value for row in held for value in row)]


def _in_groups(values: Sequence[T], length: int) -> Iterator[Sequence[T]]:
    return (values[start : start + length] for start in range(0, len(values), length))


def _milliseconds(duration: timedelta | float) -> int:
    return round((duration.total_seconds() if isinstance(duration, timedelta) else duration) * 1000)
