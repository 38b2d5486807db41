"""One at a time: who is preferred first, all others in their order, and no longer than readers wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from core import waiting
from core.errors import Overloaded
from core.waiting import Line

Come = Callable[..., asyncio.Task[None]]


def play(scene: Callable[[Come, asyncio.Event], Awaitable[None]]) -> list[str]:
    """Who had a turn, in order, while each stays until the event of *scene* is set."""
    seen: list[str] = []

    async def run() -> None:
        line, leave = Line(), asyncio.Event()

        async def stay(name: str, *, is_preferred: bool) -> None:
            async with line.turn(is_preferred=is_preferred):
                seen.append(name)
                await leave.wait()
                seen.append(f"{name} left")

        def come(name: str, *, is_preferred: bool = False) -> asyncio.Task[None]:
            return asyncio.create_task(stay(name, is_preferred=is_preferred))

        await scene(come, leave)

    asyncio.run(run())
    return seen


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_turns_are_taken_one_after_the_other_in_the_order_in_which_they_come() -> None:
    async def scene(come: Come, leave: asyncio.Event) -> None:
        tasks = [come(name) for name in "abc"]
        await settle()
        leave.set()
        await asyncio.gather(*tasks)

    assert play(scene) == ["a", "a left", "b", "b left", "c", "c left"]


def test_who_is_preferred_comes_before_all_who_wait_but_interrupts_nobody() -> None:
    async def scene(come: Come, leave: asyncio.Event) -> None:
        tasks = [come("a"), come("b"), come("c", is_preferred=True), come("d", is_preferred=True)]
        await settle()
        leave.set()
        await asyncio.gather(*tasks)

    assert play(scene)[::2] == ["a", "c", "d", "b"]


def test_nobody_comes_in_between_when_the_next_one_is_called() -> None:
    async def scene(come: Come, leave: asyncio.Event) -> None:
        tasks = [come("a"), come("b")]
        await settle()
        leave.set()
        tasks[0].add_done_callback(lambda _: tasks.append(come("c", is_preferred=True)))
        await tasks[0]
        await settle()
        await asyncio.gather(*tasks)

    assert play(scene) == ["a", "a left", "b", "b left", "c", "c left"]


def test_too_many_are_told_to_come_back_but_never_who_is_preferred(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "MOST_WAITING", 1)

    async def scene(come: Come, leave: asyncio.Event) -> None:
        tasks = [come("a"), come("b"), come("c"), *(come(name, is_preferred=True) for name in "de")]
        await settle()
        with pytest.raises(Overloaded, match="Too many"):
            await tasks.pop(2)
        leave.set()
        await asyncio.gather(*tasks)

    assert play(scene)[::2] == ["a", "d", "e", "b"]


def test_who_waits_too_long_is_told_to_come_back_but_never_who_is_preferred(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LONGEST_WAIT_SECONDS", 0)

    async def scene(come: Come, leave: asyncio.Event) -> None:
        tasks = [come("a"), come("b"), come("c", is_preferred=True)]
        with pytest.raises(Overloaded, match="take long"):
            await tasks.pop(1)
        leave.set()
        await asyncio.gather(*tasks)

    assert play(scene)[::2] == ["a", "c"]


@pytest.mark.parametrize("is_called", [False, True], ids=["while waiting", "when called"])
def test_who_goes_away_lets_the_next_one_in(is_called: bool) -> None:
    async def scene(come: Come, leave: asyncio.Event) -> None:
        first, gone, last = (come(name) for name in "abc")
        await settle()
        leave.set()
        if is_called:
            await asyncio.sleep(0)  # the first one goes and calls the second, who has not come in yet
        gone.cancel()
        await asyncio.wait([first, gone, last])
        assert [task.cancelled() for task in (first, gone, last)] == [False, True, False]

    assert play(scene)[::2] == ["a", "c"]


@pytest.mark.parametrize("is_preferred", [False, True])
def test_who_leaves_while_others_run_out_of_time_is_not_disturbed(is_preferred: bool) -> None:
    """A long step of the event loop goes over both moments: the end of the turn, and that of who waits."""

    async def run() -> list[BaseException | None]:
        line = Line()

        async def wait() -> None:
            async with line.turn(is_preferred=False):
                raise AssertionError("whose time is over has no turn")

        async with line.turn(is_preferred=is_preferred):
            waiting_ones = [asyncio.create_task(wait()) for _ in range(3)]
            await settle()
            for one in waiting_ones:
                one.cancel()  # as the clock does; it learns of it in the next step of the loop
        left = await asyncio.gather(*waiting_ones, return_exceptions=True)
        async with asyncio.timeout(1), line.turn(is_preferred=False):
            return left

    assert [type(one) for one in asyncio.run(run())] == [asyncio.CancelledError] * 3


def test_after_a_failure_the_next_one_comes_in() -> None:
    async def fail_and_try_again() -> None:
        line = Line()
        with pytest.raises(ValueError, match="oops"):
            async with line.turn(is_preferred=False):
                raise ValueError("oops")
        async with line.turn(is_preferred=False):
            pass

    asyncio.run(fail_and_try_again())
