"""Feeds and pages that are rendered already: what one process rendered, the next one that starts gives out at once.

A process that has just started would load and index a week of papers, some seconds of work, before its first answer.
So it looks first whether the store has what another process, or this one before, made of the same data with the same
configuration and the same code: each of the configured feeds, and a limited number of those that readers come back for.
"""

from __future__ import annotations

import gzip
import logging
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

from api.caching import Representation, represent
from core.catalogue import Catalogue, Selected, Selection
from core.errors import StoreUnavailable
from core.store.records import Rendering, Revision

logger = logging.getLogger(__name__)

_CODE = Path(__file__).resolve().parents[1]
_FOLDERS = ("api", "core")
_PLACES = 128  # for feeds that the configuration does not name; two of the same place displace each other
_LARGEST = 250_000  # bytes of one of those, packed; 150 items have 100 kB


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


class Prepared:
    """What *store* has of renderings.

    Feeds that *catalogue* keeps come first: they have a place each, and are at hand here once they were found.
    *made_by* is what all renderings depend on besides the selection, the data and the code. What a page says that does
    not follow from any of these is told with each call: what it says *besides*.
    """

    def __init__(self, store: Store, catalogue: Catalogue, *, made_by: tuple[object, ...]) -> None:
        self._store = store
        self._catalogue = catalogue
        self._made_by = made_by
        self._found: dict[str, tuple[Rendering, Representation]] = {}
        self._kept: dict[str, tuple[str, str]] = {}  # what this process has given to the store last, by name

    @property
    def may_help(self) -> bool:
        """Whether a rendering would spare this process the loading of papers."""
        return not self._catalogue.is_loaded

    async def find(
        self,
        kind: str,
        selection: Selection,
        revision: Revision,
        notices: tuple[str, ...],
        media_type: str,
        *,
        besides: tuple[object, ...] = (),
    ) -> Representation | None:
        """What would be rendered of *selection* and the data of *revision*, None where that is not at hand.

        *notices* are those that do not come of the selection itself. Raises StoreUnavailable.
        """
        name, made_of = self._address(kind, selection, besides)
        found = self._found.get(name)
        if found is None or not _is_of(found[0], made_of, revision):
            rendering = await self._store.load_rendering(name)
            if rendering is None or not _is_of(rendering, made_of, revision):
                return None
            found = rendering, _unpack(rendering, media_type)
            if self._catalogue.is_kept(selection):
                self._found[name] = found
        rendering, representation = found
        return representation if (*notices, *rendering.own_notices) == rendering.notices else None

    def recall(self, kind: str, selection: Selection) -> Representation | None:
        """What this process gave out of *selection* last, for when the store is away; None where it is not at hand."""
        found = self._found.get(self._address(kind, selection, ())[0])
        return found[1] if found else None

    async def keep(
        self,
        kind: str,
        answered: Answered,
        representation: Representation,
        *,
        besides: tuple[object, ...] = (),
        was_had: bool = False,
    ) -> None:
        """Leave what was rendered of *answered* in the store for the next process.

        Of feeds that the catalogue does not keep only those that *was_had* by their reader before, who will come again.
        """
        is_kept = self._catalogue.is_kept(answered.selection)
        if not is_kept and not was_had:
            return
        name, made_of = self._address(kind, answered.selection, besides)
        tag = answered.selected.revision.tag
        if self._kept.get(name) == (made_of, tag):
            return
        body = representation.encode("gzip")
        if not is_kept and len(body) > _LARGEST:
            return
        self._kept[name] = (made_of, tag)
        told = (answered.notices, answered.own_notices)
        rendering = Rendering(name, made_of, tag, body, representation.last_modified, *told)
        try:
            await self._store.save_rendering(rendering)
        except StoreUnavailable as error:
            logger.warning("A rendered feed could not be kept for the next process: %s", error)

    def _address(self, kind: str, selection: Selection, besides: tuple[object, ...]) -> tuple[str, str]:
        """Where a rendering is kept, and a text that is another one where the same data would give other bytes."""
        made_of = _digest((kind, selection, *self._made_by, *besides))
        if self._catalogue.is_kept(selection):
            return _digest((kind, selection, *self._made_by)), made_of
        return f"passing {int(made_of, 16) % _PLACES}", made_of


def _is_of(rendering: Rendering, made_of: str, revision: Revision) -> bool:
    return (rendering.made_of, rendering.tag) == (made_of, revision.tag)


def _digest(value: object) -> str:
    """A short text for *value*, another one for every version of the code."""
    return blake2b("\n".join(_spell(value)).encode(), key=_fingerprint(), digest_size=16).hexdigest()


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


def _unpack(rendering: Rendering, media_type: str) -> Representation:
    body = gzip.decompress(rendering.body)
    representation = represent(body, media_type, last_modified=rendering.last_modified)
    representation.compressed["gzip"] = rendering.body
    return representation
