"""Feeds and pages that are rendered already: what one process rendered, the next one that starts gives out at once.

A process that has just started would load and index a week of papers, some seconds of work, before its first answer.
So it looks first whether the store has what another process, or this one before, made of the same data with the same
configuration and the same code: each of the configured feeds, and a limited number of those that readers come back for.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from functools import cache, cached_property, lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, Protocol

from api.caching import Representation, represent
from core.catalogue import Catalogue, Selected, Selection
from core.errors import StoreUnavailable
from core.store.records import Rendering, Revision

logger = logging.getLogger(__name__)

_CODE = Path(__file__).resolve().parents[1]
_FOLDERS = ("api", "core")
_PLACES = 128  # for what the configuration does not name; of several for the same place one is kept
_LARGEST = 250_000  # bytes of one of those, packed; 150 items have 100 kB
_FOUND_KEPT = 24  # of those at hand in this process; one has about a megabyte in all its codings
_ADDRESSES_KEPT = 256


class Store(Protocol):
    """What is needed of a store."""

    async def load_rendering(self, name: str) -> Rendering | None: ...

    async def save_rendering(self, rendering: Rendering) -> None: ...


class Answered(Protocol):
    """A selection that was answered; `own_notices` are those among the notices that came of the selection itself."""

    @property
    def selection(self) -> Selection: ...

    @property
    def selected(self) -> Selected: ...

    @property
    def notices(self) -> tuple[str, ...]: ...

    @property
    def own_notices(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Output:
    """What a selection is rendered as: a feed of a format, or a page, which tells the calendar of a *day* besides.

    A page leads to *mailings* that need not be the selection's.
    """

    kind: str
    media_type: str
    day: date | None = None
    mailings: tuple[date, ...] = ()


class _Found(NamedTuple):
    output: Output
    rendering: Rendering
    representation: Representation


class Prepared:
    """What *store* has of renderings.

    Feeds that *catalogue* keeps come first: others displace neither their place in the store nor what is at hand here.
    *made_by* is what a rendering depends on besides its output, the selection, the data and the code.
    """

    def __init__(self, store: Store, catalogue: Catalogue, *, made_by: tuple[object, ...]) -> None:
        self._store = store
        self._catalogue = catalogue
        self._made_by = made_by
        self._address = lru_cache(maxsize=_ADDRESSES_KEPT)(self._find_address)
        self._found: OrderedDict[tuple[str, Selection], _Found] = OrderedDict()  # by kind; given out last at the end
        self._saved: dict[str, tuple[str, str]] = {}  # what has been written, by name: made of what, if kept, and tag
        self._is_saving = False

    @property
    def may_help(self) -> bool:
        """Whether a rendering would spare this process the loading of papers."""
        return not self._catalogue.is_loaded

    async def find(
        self, output: Output, selection: Selection, revision: Revision, notices: tuple[str, ...]
    ) -> Representation | None:
        """What would be rendered of *selection* and the data of *revision*, None where that is not at hand.

        *notices* are those that do not come of the selection itself. Raises StoreUnavailable.
        """
        name, made_of = self._address(output, selection)
        found = self._found.get((output.kind, selection))
        if found is None or not _is_of(found.rendering, made_of, revision):
            rendering = await self._store.load_rendering(name)
            if rendering is None or not _is_of(rendering, made_of, revision):
                return None
            representation = _unpack(rendering, output.media_type)
            if representation is None:
                return None
            found = _Found(output, rendering, representation)
        if (*notices, *found.rendering.own_notices) != found.rendering.notices:
            return None
        self._remember((output.kind, selection), found)
        return found.representation

    def recall(self, output: Output, selection: Selection) -> Representation | None:
        """What this process gave out last, for when the store is away; None where that is not at hand, or out of date.

        Of a page that is so on another day.
        """
        found = self._found.get((output.kind, selection))
        return found.representation if found and found.output.day == output.day else None

    async def keep(
        self, output: Output, answered: Answered, representation: Representation, *, was_had: bool = False
    ) -> None:
        """Leave what was rendered of *answered* in the store for the next process, unless something is being left now.

        Of what the catalogue does not keep only that which *was_had* by its reader before, who will come again; this
        process writes to each place once until the data change. The next request for what is left out brings it again.
        """
        if (was_had or self._catalogue.is_kept(answered.selection)) and not self._is_saving:
            self._is_saving = True
            try:
                await self.save(output, answered, representation)
            finally:
                self._is_saving = False

    async def save(self, output: Output, answered: Answered, representation: Representation) -> None:
        """The same of anything, also while something is being left."""
        is_kept = self._catalogue.is_kept(answered.selection)
        name, made_of = self._address(output, answered.selection)
        tag = answered.selected.revision.tag
        mark = (made_of if is_kept else "", tag)
        if self._saved.get(name) == mark:
            return
        try:
            body = await asyncio.to_thread(representation.encode, "gzip")
            if is_kept or len(body) <= _LARGEST:
                told = (answered.notices, answered.own_notices)
                moment = representation.last_modified
                await self._store.save_rendering(Rendering(name, made_of, tag, body, moment, *told))
                self._saved[name] = mark
        except StoreUnavailable as error:
            logger.warning("What was rendered could not be kept for the next process: %s", error)

    def _remember(self, key: tuple[str, Selection], found: _Found) -> None:
        self._found[key] = found
        self._found.move_to_end(key)
        passing = [one for one in self._found if not self._catalogue.is_kept(one[1])]
        if len(passing) > _FOUND_KEPT:
            del self._found[passing[0]]

    def _find_address(self, output: Output, selection: Selection) -> tuple[str, str]:
        """Where a rendering is kept, and a text that is another one where the same data would give other bytes."""
        made_of = _digest((output, selection, self._maker))
        if self._catalogue.is_kept(selection):  # other code and another address of ours take the same place
            return f"{output.kind} {_digest(selection, key=b'')}", made_of
        return f"passing {int(made_of, 16) % _PLACES}", made_of

    @cached_property
    def _maker(self) -> str:
        return _digest(self._made_by)


def _is_of(rendering: Rendering, made_of: str, revision: Revision) -> bool:
    return (rendering.made_of, rendering.tag) == (made_of, revision.tag)


def _digest(value: object, *, key: bytes | None = None) -> str:
    """A short text for *value*, another one for every *key*, which by default is the version of the code."""
    words = "\n".join(_spell(value)).encode()
    return blake2b(words, key=_fingerprint() if key is None else key, digest_size=16).hexdigest()


def _spell(value: object) -> Iterator[str]:
    """*value* in words that are the same in every process; sets have no order of their own, and are not in it."""
    if is_dataclass(value):
        yield type(value).__name__
        for field in fields(value):
            yield f"{field.name}="
            yield from _spell(getattr(value, field.name))
    elif isinstance(value, tuple):
        yield f"{len(value)}:"
        for one in value:
            yield from _spell(one)
    else:
        yield repr(value)


@cache
def _fingerprint() -> bytes:
    """A digest of our code and what it reads, so that a new version renders anew."""
    digest = blake2b(digest_size=16)
    for folder in _FOLDERS:
        for path in sorted((_CODE / folder).rglob("*")):
            if path.suffix in (".py", ".txt", ".html"):
                digest.update(path.read_bytes())
    return digest.digest()


def _unpack(rendering: Rendering, media_type: str) -> Representation | None:
    """The representation that was kept; None where it is damaged."""
    try:
        body = gzip.decompress(rendering.body)
    except (OSError, EOFError, zlib.error) as error:
        logger.warning("What is kept as the rendering %s cannot be read and is left out: %s", rendering.name, error)
        return None
    representation = represent(body, media_type, last_modified=rendering.last_modified)
    representation.compressed["gzip"] = rendering.body
    return representation
