"""Leases are renewed while the work goes on, given back when it is over, and known to be lost when they are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from core import leases
from core.errors import StoreUnavailable
from core.store.records import Lease

LEASE = Lease("turn", "me", 7)
SECONDS = 0.006  # what a lease is renewed three times within; none of these waits for its end
AWAY = StoreUnavailable("the disk is away")

Result = TypeVar("Result")


class FakeStore:
    """Answers renewals with what it was given, the last one for ever, and keeps what it was asked for."""

    def __init__(self, *answers: bool | Exception, lease: Lease | Exception | None = LEASE) -> None:
        self.answers = list(answers) or [True]
        self.lease = lease
        self.asked: list[str] = []
        self.is_asked = asyncio.Condition()
        self.is_free = asyncio.Event()  # answers to `take_lease` and `give_lease_back` wait for it
        self.is_free.set()

    async def take_lease(
        self, name: str, holder: str, *, seconds: float, pause_if_forgotten: float = 0.0
    ) -> Lease | None:
        await self._note(f"take {name} for {holder}: {seconds:g} {pause_if_forgotten:g}")
        await self.is_free.wait()
        return told(self.lease)

    async def keep_lease(self, lease: Lease, *, seconds: float) -> bool:
        outcome = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await self._note(f"keep {lease.fence}: {seconds:g}")
        return told(outcome)

    async def give_lease_back(self, lease: Lease, *, pause_seconds: float = 0.0) -> None:
        await self._note(f"give back {lease.fence}: {pause_seconds:g}")
        await self.is_free.wait()
        told(self.answers[0])

    async def wait_for(self, count: int) -> None:
        async with self.is_asked:
            await self.is_asked.wait_for(lambda: len(self.asked) >= count)

    async def _note(self, text: str) -> None:
        async with self.is_asked:
            self.asked.append(text)
            self.is_asked.notify_all()


def told(outcome: Result | Exception) -> Result:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def run(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """What *work* gives, soon: no test hangs."""
    return asyncio.run(asyncio.wait_for(work(), 10))


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "core.leases"]


# --- Keeping ----------------------------------------------------------------------------------------------------------


def test_a_lease_is_renewed_while_the_work_goes_on() -> None:
    async def work() -> list[str]:
        store = FakeStore()
        async with leases.kept(store, LEASE, seconds=SECONDS):
            await store.wait_for(3)
        return store.asked

    assert set(run(work)) == {"keep 7: 0.006"}


def test_nobody_renews_when_the_work_is_over() -> None:
    async def work() -> set[asyncio.Task[Any]]:
        before = asyncio.all_tasks()
        async with leases.kept(FakeStore(), LEASE, seconds=SECONDS):
            pass
        return asyncio.all_tasks() - before

    assert run(work) == set()


def test_short_work_needs_no_renewal() -> None:
    async def work() -> list[str]:
        store = FakeStore()
        async with leases.kept(store, LEASE, seconds=30.0):
            await asyncio.sleep(0)
        return store.asked

    assert run(work) == []


@pytest.mark.parametrize(
    ("answers", "renewals"),
    [
        ((False,), 1),
        ((True, False), 2),
        ((AWAY, AWAY), 2),
        ((AWAY, False), 2),
        ((AWAY, True, AWAY, AWAY), 4),
    ],
    ids=["at once", "later", "store away", "store away and back", "store away twice"],
)
def test_who_has_lost_a_lease_is_told_so_once_and_renews_no_more(
    answers: tuple[bool | Exception, ...], renewals: int
) -> None:
    async def work() -> tuple[int, int]:
        store, calls = FakeStore(*answers), 0
        lost = asyncio.Event()

        def note() -> None:
            nonlocal calls
            calls += 1
            lost.set()

        before = asyncio.all_tasks()
        async with leases.kept(store, LEASE, seconds=SECONDS, when_lost=note):
            (keeper,) = asyncio.all_tasks() - before
            await lost.wait()
            await asyncio.wait([keeper])
        return calls, len(store.asked)

    assert run(work) == (1, renewals)


def test_one_renewal_that_fails_is_made_up_for_by_the_next(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> bool:
        store, lost = FakeStore(AWAY, True, AWAY, True), asyncio.Event()
        async with leases.kept(store, LEASE, seconds=SECONDS, when_lost=lost.set):
            await store.wait_for(5)
        return lost.is_set()

    with caplog.at_level(logging.WARNING):
        assert run(work) is False
    assert messages(caplog) == ["The lease 'turn' could not be renewed: the disk is away"] * 2


def test_who_does_not_ask_is_not_told_of_a_lost_lease() -> None:
    async def work() -> str:
        store = FakeStore(False)
        async with leases.kept(store, LEASE, seconds=SECONDS):
            await store.wait_for(1)
        return "done"

    assert run(work) == "done"


def test_what_goes_wrong_in_the_work_comes_out() -> None:
    async def work() -> None:
        async with leases.kept(FakeStore(), LEASE, seconds=SECONDS):
            raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        run(work)


def test_who_is_cancelled_when_the_work_is_just_over_stays_cancelled() -> None:
    class SlowToStop(FakeStore):
        """Takes a while to stop renewing, like one that has a connection to close first."""

        async def keep_lease(self, lease: Lease, *, seconds: float) -> bool:
            await self._note("keep")
            try:
                await asyncio.Event().wait()
            finally:
                await self._note("stop")
                await self.is_free.wait()
            return True

    async def work() -> bool:
        store = SlowToStop()
        store.is_free.clear()

        async def hold() -> None:
            async with leases.kept(store, LEASE, seconds=SECONDS):
                await store.wait_for(1)

        task = asyncio.create_task(hold())
        await store.wait_for(2)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert run(work) is True


# --- Taking -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lease", [LEASE, None])
def test_a_lease_is_taken_as_the_store_gives_it(lease: Lease | None) -> None:
    async def work() -> tuple[Lease | None, list[str]]:
        store = FakeStore(lease=lease)
        return await leases.take(store, "turn", "me", seconds=30.0, pause_if_forgotten=3.0), store.asked

    assert run(work) == (lease, ["take turn for me: 30 3"])


def test_without_a_store_there_is_no_lease() -> None:
    async def work() -> None:
        await leases.take(FakeStore(lease=AWAY), "turn", "me", seconds=30.0)

    with pytest.raises(StoreUnavailable, match="the disk is away"):
        run(work)


async def cancel_while_taking(store: FakeStore, *, times: int = 1) -> bool:
    """Whether a task stays cancelled that is cancelled while *store* is about to give it the lease."""
    store.is_free.clear()
    task = asyncio.create_task(leases.take(store, "turn", "me", seconds=30.0))
    await store.wait_for(1)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    store.is_free.set()
    await asyncio.wait([task])
    return task.cancelled()


@pytest.mark.parametrize(
    ("lease", "asked"),
    [
        (LEASE, ["take turn for me: 30 0", "give back 7: 0"]),
        (None, ["take turn for me: 30 0"]),
        (AWAY, ["take turn for me: 30 0"]),
    ],
    ids=["taken", "another's", "store away"],
)
def test_who_is_cancelled_while_taking_leaves_no_lease_behind(
    lease: Lease | Exception | None, asked: list[str]
) -> None:
    async def work() -> tuple[bool, list[str]]:
        store = FakeStore(lease=lease)
        return await cancel_while_taking(store), store.asked

    assert run(work) == (True, asked)


def test_who_is_cancelled_twice_while_taking_waits_no_longer() -> None:
    async def work() -> tuple[bool, list[str]]:
        store = FakeStore()
        return await cancel_while_taking(store, times=2), store.asked

    assert run(work) == (True, ["take turn for me: 30 0"])


# --- Giving back ------------------------------------------------------------------------------------------------------


def test_a_lease_is_given_back_with_the_pause_after_it() -> None:
    async def work() -> list[str]:
        store = FakeStore()
        await leases.give_back(store, LEASE, pause_seconds=3.0)
        return store.asked

    assert run(work) == ["give back 7: 3"]


def test_a_lease_that_cannot_be_given_back_is_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        await leases.give_back(FakeStore(AWAY), LEASE)

    with caplog.at_level(logging.WARNING):
        run(work)
    assert messages(caplog) == ["The lease 'turn' could not be given back and ends by itself: the disk is away"]


def test_who_is_cancelled_while_giving_back_has_given_back() -> None:
    class SlowStore(FakeStore):
        async def give_lease_back(self, lease: Lease, *, pause_seconds: float = 0.0) -> None:
            await super().give_lease_back(lease, pause_seconds=pause_seconds)
            await self._note("given back")

    async def work() -> tuple[bool, list[str]]:
        store = SlowStore()
        store.is_free.clear()
        task = asyncio.create_task(leases.give_back(store, LEASE))
        await store.wait_for(1)
        task.cancel()
        await asyncio.wait([task])
        store.is_free.set()
        await store.wait_for(2)
        return task.cancelled(), store.asked

    assert run(work) == (True, ["give back 7: 0", "given back"])
