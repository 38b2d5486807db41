"""Feeds that are rendered already: what one process rendered, the next one that starts gives out at once.

A process that has just started would load and index a week of papers, some seconds of work, before its first answer.
For the configured feeds it looks first whether the store has what another process, or this one before, made of the same
data with the same configuration and the same code.
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
    """What *store* has of renderings of the feeds that *catalogue* keeps.

    *made_by* is what a rendering depends on besides the kind of feed, the selection, the data and the code.
    """

    def __init__(self, store: Store, catalogue: Catalogue, *, made_by: tuple[object, ...]) -> None:
        self._store = store
        self._catalogue = catalogue
        self._made_by = made_by
        self._found: dict[str, tuple[Rendering, Representation]] = {}
        self._kept: dict[str, str] = {}  # the tag that this process has given to the store, by name

    def may_help(self, selection: Selection) -> bool:
        """Whether a rendering of *selection* would spare this process the loading of papers."""
        return self._catalogue.is_kept(selection) and not self._catalogue.is_loaded

    async def find(
        self, kind: str, selection: Selection, revision: Revision, notices: tuple[str, ...], media_type: str
    ) -> Representation | None:
        """What would be rendered of *selection* and the data of *revision*, None where that is not at hand.

        *notices* are those that do not come of the selection itself. Raises StoreUnavailable.
        """
        name = self._name(kind, selection)
        found = self._found.get(name)
        if found is None or found[0].tag != revision.tag:
            rendering = await self._store.load_rendering(name)
            if rendering is None or rendering.tag != revision.tag:
                return None
            found = self._found[name] = rendering, _unpack(rendering, media_type)
        rendering, representation = found
        return representation if (*notices, *rendering.own_notices) == rendering.notices else None

    def recall(self, kind: str, selection: Selection) -> Representation | None:
        """What this process gave out of *selection* last, for when the store is away; None where that was nothing."""
        found = self._found.get(self._name(kind, selection))
        return found[1] if found else None

    async def keep(self, kind: str, answered: Answered, representation: Representation) -> None:
        """Leave what was rendered of *answered*, where that is a kept feed, in the store for the next process."""
        if not self._catalogue.is_kept(answered.selection):
            return
        name, tag = self._name(kind, answered.selection), answered.selected.revision.tag
        if self._kept.get(name) == tag:
            return
        self._kept[name] = tag
        body = representation.encode("gzip")
        rendering = Rendering(name, tag, body, representation.last_modified, answered.notices, answered.own_notices)
        try:
            await self._store.save_rendering(rendering)
        except StoreUnavailable as error:
            logger.warning("A rendered feed could not be kept for the next process: %s", error)

    def _name(self, kind: str, selection: Selection) -> str:
        """A name that is another one wherever the same data would be rendered to other bytes."""
        spelled = "\n".join(_spell((kind, selection, *self._made_by)))
        return blake2b(spelled.encode(), key=_fingerprint(), digest_size=16).hexdigest()


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
            if path.suffix in (".py", ".txt"):
                digest.update(path.read_bytes())
    return digest.digest()


def _unpack(rendering: Rendering, media_type: str) -> Representation:
    body = gzip.decompress(rendering.body)
    representation = represent(body, media_type, last_modified=rendering.last_modified)
    representation.compressed["gzip"] = rendering.body
    return representation
