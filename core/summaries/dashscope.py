"""The adapter to DashScope, and to any service of the OpenAI form, through the dashscope SDK.

The SDK takes most of a second to import, so that is done when a model is asked for the first time. What it does behind
a caller's back is switched off: it sends nothing twice, follows no redirect, and writes neither key nor prompt to the
log. Files go around it, since its uploads lack the field `purpose` (seen in 1.24 to 2.0.2).
"""

from __future__ import annotations

import asyncio
import logging
import warnings
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from core.moments import parse_retry_after
from core.summaries.cleaning import drop_unprintable
from core.summaries.model import WITHHELD, Completion, ModelFailed, RemoteFile, Trouble, classify
from core.summaries.prompt import Message
from core.summaries.replies import TAKEN_OUT, clean_reply, read_count, without_secret

if TYPE_CHECKING:
    from dashscope import AsyncClient

BEIJING = "https://dashscope.aliyuncs.com/api/v1"

_NATIVE_PATH = "/api/v1"
_OPENAI_PATH = "/compatible-mode/v1"  # of the same host
_CONNECT_SECONDS = 10.0
_FILE_SECONDS = 30.0
_MOST_BYTES = 4_000_000  # of an answer; one of 40,000 characters has a tenth of that
_FILES_LISTED = 100
_LONGEST_NAME = 100
# Failures after which no answer can have been made.
_UNSENT = (
    *(httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout),
    *(httpx.LocalProtocolError, httpx.ProxyError, httpx.UnsupportedProtocol),
)
_CODINGS = {"identity": None, "": None, "gzip": 31, "x-gzip": 31}  # and what zlib calls their form


class DashScope:
    """The models at *base_url*: DashScope's own interface where *is_native*, else one of the OpenAI form.

    Connections belong to the event loop that they were made on; on another one new ones are made.
    """

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str = BEIJING,
        is_native: bool = True,
        user_agent: str = "arxiv-feeds",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._api_key = api_key
        self._base_url = base_url.rstrip("/")
        self._is_native = is_native
        self._user_agent = user_agent
        self._clock = clock
        self._http: httpx.AsyncClient | None = None
        self._client: AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def complete(
        self,
        model: str,
        messages: Sequence[Message],
        *,
        temperature: float,
        seed: int,
        max_tokens: int,
        timeout_seconds: float,
    ) -> Completion:
        """The answer of *model*; it is asked once, whatever happens, and waited for *timeout_seconds* in all."""
        client = await self._sdk()
        # Models that think by default must not; other services refuse a field that they do not know.
        is_qwen = model.startswith("qwen") and (self._is_native or _OPENAI_PATH in self._base_url)
        async with self._bounded(timeout_seconds):
            answer = await client.chat.completions.create(
                model=model,
                messages=[{"role": one.role, "content": one.content} for one in messages],
                temperature=temperature,
                seed=seed,
                max_tokens=max_tokens,
                enable_thinking=False if is_qwen else None,
                timeout=timeout_seconds,
                api_key=self._api_key,
            )
            return _read_completion(answer)

    async def upload(self, name: str, body: bytes, *, timeout_seconds: float) -> str:
        """The id of the file *body*, which the service is to read the text of."""
        form = {"purpose": "file-extract"}
        answer = await self._ask(
            "POST", "/files", data=form, files={"file": (name, body)}, timeout_seconds=timeout_seconds
        )
        file_id = answer.get("id")
        if not isinstance(file_id, str) or not file_id:
            raise ModelFailed(Trouble.TRANSIENT, "BadAnswer", "an upload was answered without an id")
        return file_id

    async def list_files(self) -> tuple[RemoteFile, ...]:
        """The files that lie at the service, some of them where they are many."""
        answer = await self._ask("GET", f"/files?purpose=file-extract&limit={_FILES_LISTED}")
        found = answer.get("data")
        return tuple(_read_files(found)) if isinstance(found, list) else ()

    async def delete_file(self, file_id: str) -> None:
        """The file is gone afterwards, whether it was there or not."""
        try:
            await self._ask("DELETE", f"/files/{file_id}")
        except ModelFailed as error:
            if error.code != "404":
                raise

    async def aclose(self) -> None:
        """Close the connections; new ones are made when a model is asked again."""
        http, self._http, self._client = self._http, None, None
        if http is not None and self._loop is asyncio.get_running_loop():
            await http.aclose()

    @property
    def _files_base(self) -> str:
        return self._base_url.removesuffix(_NATIVE_PATH) + _OPENAI_PATH if self._is_native else self._base_url

    def _connections(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        if self._http is None or self._loop is not loop:
            self._loop, self._client = loop, None
            self._http = httpx.AsyncClient(
                base_url=self._base_url,
                headers={"User-Agent": self._user_agent, "Accept-Encoding": "identity"},
                timeout=httpx.Timeout(_FILE_SECONDS, connect=_CONNECT_SECONDS),
                transport=_Cleaned(_Bounded(), self._api_key),
            )
        return self._http

    async def _sdk(self) -> AsyncClient:
        http = self._connections()
        if self._client is None:
            # In a thread: the import takes most of a second in which the loop could answer others.
            self._client = await asyncio.to_thread(self._build_client, http)
        return self._client

    def _build_client(self, http: httpx.AsyncClient) -> AsyncClient:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of a workspace that nobody needs to name
            import dashscope  # noqa: PLC0415 - heavy, see above

            # At DEBUG it would write prompts, and at ERROR a traceback for every failure that is handled here.
            logging.getLogger("dashscope").setLevel(logging.CRITICAL)
            return dashscope.AsyncClient(
                api_key=self._api_key,
                base_url=self._base_url,
                protocol="native" if self._is_native else "openai",
                max_retries=0,
                http_client=http,
            )

    @asynccontextmanager
    async def _bounded(self, timeout_seconds: float) -> AsyncIterator[None]:
        """Ends the block after *timeout_seconds* in all, and turns whatever goes wrong in it into ModelFailed.

        Neither the SDK nor httpx has a bound for a whole call: theirs begin anew with every piece that is received.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                yield
        except ModelFailed:
            raise
        except TimeoutError as error:
            detail = f"no whole answer within {timeout_seconds:g} seconds"
            raise ModelFailed(Trouble.SLOW, "Timeout", detail, may_be_billed=True) from error
        except Exception as error:  # the SDK lets those of httpx, json and pydantic through as well as its own
            raise _translate(error, secret=self._api_key, now=self._clock()) from error

    async def _ask(
        self, method: str, path: str, *, timeout_seconds: float = _FILE_SECONDS, **body: Any
    ) -> Mapping[str, Any]:  # Any: httpx's forms, and JSON
        """What the service answers about files. Raises ModelFailed, with the status as the code where it has none."""
        headers = {"Authorization": f"Bearer {self._api_key}"}
        async with self._bounded(timeout_seconds):
            response = await self._connections().request(method, self._files_base + path, headers=headers, **body)
            answer = response.json() if response.content else {}
        found = answer if isinstance(answer, dict) else {}
        error = found.get("error")
        told = error if isinstance(error, dict) else found
        if response.status_code >= 400 or error:
            code = "404" if response.status_code == 404 else str(told.get("code") or response.status_code)
            detail = str(told.get("message") or "")
            raise ModelFailed(classify(response.status_code, code, detail), code, detail)
        return found


def is_native_address(base_url: str) -> bool:
    """Whether *base_url*, which config.json names, is DashScope's own interface and not one of the OpenAI form."""
    parts = urlsplit(base_url)
    return parts.path.rstrip("/") == _NATIVE_PATH and (parts.hostname or "").endswith(".aliyuncs.com")


class _Cleaned(httpx.AsyncBaseTransport):
    """The answers of *transport* without *secret*, and such that the SDK can read them; see replies.py."""

    def __init__(self, transport: httpx.AsyncBaseTransport, secret: str) -> None:
        self._transport = transport
        self._secret = secret

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        try:
            content = await response.aread()
        finally:
            await response.aclose()
        headers = {name: without_secret(value, self._secret) for name, value in response.headers.items()}
        for name in ("content-length", "transfer-encoding"):
            headers.pop(name, None)
        headers["content-type"] = "text/plain; charset=utf-8"
        content = clean_reply(content, response.charset_encoding, self._secret)
        return httpx.Response(response.status_code, headers=headers, content=content)

    async def aclose(self) -> None:
        await self._transport.aclose()


class _Bounded(httpx.AsyncBaseTransport):
    """HTTP as usual, with answers that end at a number of bytes, unpacked ones, since httpx has no such bound.

    They are asked for unpacked; some servers compress all the same.
    """

    def __init__(self) -> None:
        self._transport = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - what an asynchronous transport gives
        coding = response.headers.pop("content-encoding", "identity").lower()
        if coding not in _CODINGS:
            await response.aclose()
            raise httpx.DecodingError(f"an answer compressed with {coding[:20]}, which nobody asked for")
        response.stream = _BoundedStream(response.stream, _CODINGS[coding])
        return response

    async def aclose(self) -> None:
        await self._transport.aclose()


class _BoundedStream(httpx.AsyncByteStream):
    """The bytes of *stream*, unpacked with *window_bits* of zlib where it is packed."""

    def __init__(self, stream: httpx.AsyncByteStream, window_bits: int | None) -> None:
        self._stream = stream
        self._unpack = None if window_bits is None else zlib.decompressobj(window_bits).decompress

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        async for piece in self._stream:
            unpacked = self._read(piece, at_most=_MOST_BYTES + 1 - received)
            received += len(unpacked)
            if received > _MOST_BYTES:
                raise httpx.DecodingError(f"an answer of more than {_MOST_BYTES:,} bytes")
            yield unpacked

    def _read(self, piece: bytes, *, at_most: int) -> bytes:
        try:
            return piece if self._unpack is None else self._unpack(piece, at_most)
        except zlib.error as error:
            raise httpx.DecodingError(f"an answer that cannot be unpacked ({error})") from error

    async def aclose(self) -> None:
        await self._stream.aclose()


def _translate(error: Exception, *, secret: str, now: datetime) -> ModelFailed:
    """*error* of the SDK or of what it is made of, without *secret*, which httpx repeats where it cannot be sent.

    The SDK's own have the service's code, and 200 for a false success.
    """
    code = getattr(error, "code", None)
    status = getattr(error, "status_code", None)
    headers = getattr(error, "headers", None) or {}
    request_id = _read_name(getattr(error, "request_id", None))
    code = drop_unprintable(code)[:_LONGEST_NAME] if isinstance(code, str) else None
    if code or isinstance(status, int):
        status = None if status == 200 else status
        detail = str(getattr(error, "message", ""))
        told = code or f"HTTP {status}"
        return ModelFailed(
            classify(status, told, detail),
            told,
            detail,
            request_id=request_id,
            retry_after_seconds=parse_retry_after(headers.get("retry-after"), now),
        )
    is_network = isinstance(error, httpx.TransportError) or isinstance(error.__cause__, httpx.TransportError)
    kind = "Connection" if is_network else "BadAnswer"
    was_sent = is_network and not any(isinstance(one, _UNSENT) for one in (error, error.__cause__))
    detail = without_secret(f"{type(error).__name__} {error}", secret)
    return ModelFailed(Trouble.TRANSIENT, kind, detail, may_be_billed=was_sent)


def _read_completion(answer: Any) -> Completion:  # Any: the SDK's, which checks little of what came
    """*answer* as values; one without a text is empty, and on the bill. Raises ModelFailed without a message."""
    choices = getattr(answer, "choices", None) or []
    message = getattr(choices[0], "message", None) if choices else None
    text = getattr(message, "content", None)
    usage = getattr(answer, "usage", None)
    request_id = _read_name(getattr(answer, "request_id", None) or getattr(answer, "id", None))
    if message is None:
        detail = "an answer without a message"
        raise ModelFailed(
            Trouble.TRANSIENT, "BadAnswer", detail, request_id=request_id, may_be_billed=usage is not None
        )
    text = text or ""
    has_key = TAKEN_OUT in text
    return Completion(
        text="" if has_key else text,
        finish_reason=WITHHELD if has_key else getattr(choices[0], "finish_reason", None),
        input_tokens=read_count(getattr(usage, "input_tokens", None)),
        output_tokens=read_count(getattr(usage, "output_tokens", None)),
        request_id=request_id,
    )


def _read_files(found: Sequence[object]) -> list[RemoteFile]:
    files = []
    for one in found:
        with suppress(KeyError, TypeError, ValueError, OverflowError, OSError):
            if isinstance(one, dict):
                created_at = datetime.fromtimestamp(one["created_at"], UTC)
                files.append(RemoteFile(str(one["id"]), str(one.get("filename") or one.get("name") or ""), created_at))
    return files


def _read_name(value: object) -> str:
    """An identifier that the service chose, as it can be stored and shown."""
    return drop_unprintable(str(value or ""))[:_LONGEST_NAME]
