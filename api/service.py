"""What endpoints work with: the parts that `api/wiring.py` joined, and the one way to answer with a representation."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request, Response
from starlette.background import BackgroundTask

from api import prepared
from api.caching import Representation, choose_coding, headers_of, is_not_modified, mark, max_age, represent
from api.prepared import Output
from api.selection import addresses_of, feed_title
from api.summarising import Summarising
from core import catalogue, freshness, turns
from core.catalogue import Catalogue, Feed, Selected, Selection, build_feed
from core.config import Config
from core.errors import NothingStored, StoreUnavailable
from core.freshness import Currency, Freshness, Source
from core.mailings import explain_missing, next_mailing_moment
from core.profiles import Profile
from core.settings import Settings
from core.store.records import RefreshState, Revision
from core.summaries.attempts import SummaryState
from core.summaries.languages import name_language
from core.waiting import OfLoop

logger = logging.getLogger(__name__)

SAMPLE_NOTICE = "Sample data: every paper here is made up to show how the service works."
_NOTHING_NOTICE = "arXiv has listed no papers of these categories yet; they come with its next mailing that has some."

STORE_NOTICE = "The store of this service is out of reach; this is what it said last."

_IDS_NAMED = 5
_HAD_BEFORE = frozenset({"if-none-match", "if-modified-since"})  # what only a reader sends who has an answer
_STORE_SECONDS = 2.0  # for the revision check that every request makes
_RENDERINGS_KEPT = 48  # of each kind; a feed of 150 items has about 600 kB


class Store(freshness.Store, catalogue.Store, turns.Store, prepared.Store, Protocol):
    """A store, whichever it is.

    `name` says where it is, without secrets, `is_shared` whether many machines use it, `writes` how often this process
    has changed it.
    """

    is_shared: bool
    writes: int

    @property
    def name(self) -> str: ...

    async def load_summary_state(self) -> SummaryState: ...

    async def load_refreshes(self) -> Mapping[str, RefreshState]: ...

    async def close(self) -> None: ...


NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "Nothing has changed."}}  # Any: of OpenAPI
CURRENT, NOT_CURRENT = Currency(is_current=True), Currency(is_current=False)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """How current the data of a selection are; *failure* is why there are none, or none within reach.

    *revision* is what was stored before anything was done about it.
    """

    currency: Currency
    failure: NothingStored | StoreUnavailable | None = None
    revision: Revision = field(default_factory=Revision)


@dataclass(frozen=True, slots=True)
class Answered:
    """A selection answered from the store: what is selected, how current it is, and what a reader must know.

    `own_notices` are those among the notices that came of the selection itself.
    """

    selection: Selection
    selected: Selected
    currency: Currency
    notices: tuple[str, ...]
    own_notices: tuple[str, ...] = ()


class Representations:
    """Rendered answers by what they were made from, the ones used last; equal keys mean equal bytes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Representation] = OrderedDict()
        self._lock = OfLoop(asyncio.Lock)

    async def get(self, key: Hashable, render: Callable[[], Representation]) -> Representation:
        """The rendering for *key*, made by *render* in a thread where there is none, once for all who wait for it."""
        if key not in self._kept:
            async with self._lock.get():
                if key not in self._kept:
                    self._kept[key] = await asyncio.to_thread(render)
                    if len(self._kept) > _RENDERINGS_KEPT:
                        self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


@dataclass(frozen=True, slots=True)
class Service:
    """The joined parts. *clock* gives the present as an aware UTC moment, *configured_at* is config.json's date."""

    settings: Settings
    config: Config
    source: Source
    store: Store
    freshness: Freshness
    catalogue: Catalogue
    clock: Callable[[], datetime]
    configured_at: datetime
    sample_data: bool
    summaries: Summarising
    prepared: prepared.Prepared
    _representations: Representations = field(default_factory=Representations)
    _passing: Representations = field(default_factory=Representations)  # which many more ask for than can be kept

    async def inquire(self, selection: Selection) -> Inquiry:
        """How current the data of *selection* are, after what could be done about it while a reader waits.

        For a personal one nothing is done.
        """
        try:
            revision = await self.load_revision()
            bring = self.freshness.look if selection.is_personal else self.freshness.ensure
            currency = await bring(selection.profile.categories, revision)
        except StoreUnavailable as error:
            return Inquiry(Currency(is_current=False, problems=(STORE_NOTICE,)), error)
        except NothingStored as nothing:
            return Inquiry(Currency(is_current=False, problems=(str(nothing),)), nothing)
        return Inquiry(currency, revision=revision)

    async def select(self, selection: Selection, inquiry: Inquiry | None = None) -> Answered:
        """What *selection* lists, as current as a reader can wait for; a personal one is answered from what is stored.

        Nothing is asked that *inquiry* has answered. Categories that were never asked for can have papers all the same,
        as cross-lists of others or from before the configuration changed; those are listed, with a notice. While the
        store is out of reach, what this process loaded last is listed, with a notice. Raises NothingStored where there
        are none, and StoreUnavailable where there is nothing to fall back to.
        """
        inquiry = inquiry or await self.inquire(selection)
        answered = await self._select(selection, inquiry)
        if inquiry.revision.number and not answered.selected.revision.number:
            # A store whose file was found damaged meanwhile has begun anew, and what was known before is not of it.
            answered = await self._select(selection, await self.inquire(selection))
        return answered

    async def _select(self, selection: Selection, inquiry: Inquiry) -> Answered:
        currency, failure = inquiry.currency, inquiry.failure
        try:
            if isinstance(failure, StoreUnavailable):
                raise failure
            selected = await self.catalogue.select(selection, currency.revision)
        except StoreUnavailable as error:
            selected = await self._recall(selection, error)
            currency = Currency(is_current=False, problems=(STORE_NOTICE,))
        if isinstance(failure, NothingStored) and not selected.verdicts:
            raise failure
        own_notices = (
            *(() if selected.verdicts else (_tell_nothing(selection, selected),)),
            *tell_unknown(selected),
            *self._tell_language(selection.profile),
        )
        notices = (*self.notices_of(currency), *own_notices)
        return Answered(selection, selected, currency, notices, own_notices)

    async def select_more(self, selection: Selection) -> Selected:
        """What *selection* lists beside an answer that tells how current all of it is; raises what `select` does."""
        try:
            return await self.catalogue.select(selection)
        except StoreUnavailable as error:
            return await self._recall(selection, error)

    async def _recall(self, selection: Selection, error: StoreUnavailable) -> Selected:
        """What this process loaded last. Raises *error*, with which the store is away, where that is nothing."""
        recalled = await self.catalogue.recall(selection)
        if recalled is None:
            raise error
        logger.warning("Answering from memory: %s", error)
        return recalled

    def _tell_language(self, profile: Profile) -> tuple[str, ...]:
        """A sentence where summaries are written, and *profile* wants them in a language in which none are."""
        written = self.config.summary_languages
        is_served = profile.language in written or not written
        if profile.summaries == "none" or is_served or self.summaries.obstacle:
            return ()
        names = " and ".join(map(name_language, written))
        return (f"No summaries are written here in {name_language(profile.language)}, only in {names}.",)

    def notices_of(self, currency: Currency) -> tuple[str, ...]:
        """What a reader must know of data that are as current as that, whatever is selected."""
        return (*self.sample_notices, *currency.problems)

    async def find_prepared(self, output: Output, selection: Selection, inquiry: Inquiry) -> Representation | None:
        """The feed or page that another process has rendered, where that spares this one the loading of papers.

        While the store is out of reach it is the one that was given out last: without papers there is no other.
        """
        if not self.prepared.may_help or isinstance(inquiry.failure, NothingStored):
            return None
        try:
            if inquiry.failure:
                raise inquiry.failure
            revision = inquiry.currency.revision or await self.load_revision()
            return await self.prepared.find(output, selection, revision, self.notices_of(inquiry.currency))
        except StoreUnavailable as error:
            recalled = self.prepared.recall(output, selection)
            if recalled:
                logger.warning("Answering with what was rendered before: %s", error)
            return recalled

    def keep(
        self, request: Request, output: Output, answered: Answered, representation: Representation
    ) -> BackgroundTask | None:
        """Leaves *representation* for the next process, once *request* is answered; None where it would serve nobody.

        That is what was made from memory, while the store was away: of data that may have changed since.
        """
        if STORE_NOTICE in answered.notices:
            return None
        was_had = not _HAD_BEFORE.isdisjoint(request.headers)
        return BackgroundTask(self.prepared.keep, output, answered, representation, was_had=was_had)

    async def load_revision(self) -> Revision:
        """The state of the data now. Raises StoreUnavailable, soon: whoever asks is waiting."""
        try:
            async with asyncio.timeout(_STORE_SECONDS):
                return await self.store.load_revision()
        except TimeoutError as error:
            raise StoreUnavailable(
                f"The store {self.store.name} did not answer within {_STORE_SECONDS:g} seconds"
            ) from error

    async def close(self) -> None:
        """End what is under way and close what is open; the service opens it again when it is used again."""
        await self.summaries.close()
        await self.freshness.close()
        await self.store.close()

    def representations_of(self, selection: Selection) -> Representations:
        """Where renderings of *selection* are kept: those of the configured feeds are not displaced by others."""
        return self._representations if self.catalogue.is_kept(selection) else self._passing

    @property
    def sample_notices(self) -> tuple[str, ...]:
        return (SAMPLE_NOTICE,) if self.sample_data else ()

    def build_feed(self, answered: Answered) -> Feed:
        """The feed of an answered selection, with its title and public addresses."""
        selection = answered.selection
        return build_feed(
            selection,
            answered.selected,
            title=feed_title(selection, sample_data=self.sample_data),
            addresses=addresses_of(selection, self.settings.public_address),
            notices=answered.notices,
        )

    def respond(self, request: Request, representation: Representation, currency: Currency = CURRENT) -> Response:
        """*representation* as this request may have it: whole, compressed, or not at all because it has it already."""
        now = self.clock()
        representation = mark(representation, currency.problems)
        headers = headers_of(
            representation,
            keep_for=self._keep_for(is_current=currency.is_current and not currency.is_growing),
            until_next_mailing=next_mailing_moment(now) - now if self.settings.vercel else None,
        )
        if is_not_modified(
            representation,
            if_none_match=_joined(request.headers.getlist("if-none-match")),
            if_modified_since=request.headers.get("if-modified-since"),
            now=now,
        ):
            return Response(status_code=304, headers=headers)
        # On Lambda the front end compresses: a REST API passes compressed bodies on as base64 text. Vercel does not.
        compresses = bool(self.settings.vercel) or not self.settings.aws_lambda_function_name
        accepted = _joined(request.headers.getlist("accept-encoding")) if compresses else None
        coding = choose_coding(accepted, len(representation.body))
        if coding != "identity":
            headers["Content-Encoding"] = coding
        return Response(representation.encode(coding), media_type=representation.media_type, headers=headers)

    def _keep_for(self, *, is_current: bool) -> timedelta:
        now = self.clock()
        longest = max_age(now, next_mailing_moment(now), is_current=is_current)
        return longest if self.settings.fresh_for is None else min(longest, self.settings.fresh_for)

    def last_modified(self, feed: Feed, revision: Revision) -> datetime:
        """When *feed* last changed: by a mailing, by data that came late for one, or by another configuration.

        Never in the future, which HTTP forbids (RFC 9110 8.8.2.1).
        """
        changed_at = max(feed.updated, revision.changed_at or feed.updated, self.configured_at)
        return min(changed_at, self.clock())

    async def respond_stored(self, request: Request, body: bytes, media_type: str) -> Response:
        """*body*, which follows from what is stored, without asking arXiv whether there is more."""
        try:
            changed_at = (await self.load_revision()).changed_at or self.configured_at
        except StoreUnavailable:
            changed_at = self.clock()  # it was made from memory, or of a form alone
        last_modified = min(max(changed_at, self.configured_at), self.clock())
        return self.respond(request, represent(body, media_type, last_modified=last_modified), NOT_CURRENT)

    def respond_configured(self, request: Request, body: bytes, media_type: str) -> Response:
        """*body*, which follows from the configuration alone, as this request may have it."""
        return self.respond(request, represent(body, media_type, last_modified=self.configured_at))


def _tell_nothing(selection: Selection, selected: Selected) -> str:
    if selection.mailing is None:
        return _NOTHING_NOTICE
    return explain_missing(selection.mailing, selected.revision.newest_mailing)


def tell_unknown(selected: Selected) -> tuple[str, ...]:
    """A sentence on the papers that are liked or disliked and not stored, where there are any."""
    if not selected.unknown:
        return ()
    named = ", ".join(selected.unknown[:_IDS_NAMED])
    more = f" and {len(selected.unknown) - _IDS_NAMED} more" if len(selected.unknown) > _IDS_NAMED else ""
    return (f"Not stored here, so without a say in this ranking: {named}{more}.",)


def _joined(values: Sequence[str]) -> str | None:
    """The values of a header that came in several lines as one, None for none (RFC 9110 5.3)."""
    return ", ".join(values) if values else None


async def service_of(request: Request) -> Service:  # async, since FastAPI takes a thread for what is not
    service: Service = request.app.state.service
    return service


ServiceDependency = Annotated[Service, Depends(service_of)]
