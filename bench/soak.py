"""The soak: readers by the dozen, and everything around the service failing, for as long as one likes.

    python -m bench.soak [--seconds 600] [--seed N] [--store redis|sqlite]

Half of the time the papers are in a Redis, half in a SQLite file. Two service processes share it; a day takes eight
seconds; arXiv, the model, the store, the clocks and the processes fail at random, as the seed draws it. Then nothing
fails any more for a while, and everything must be there. Exits with 1 where anything was not as it should be.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import quote

from bench.memory import Size, measure_size
from bench.soak_faults import Planned, StoreKind, plan_faults
from bench.soak_judge import find_announced, find_impolite, find_unlike, find_untold, read_entries, tell
from bench.soak_load import Reader, Record, ask
from bench.soak_world import (
    CATEGORIES,
    DAYS_BACK,
    FIRST,
    INTERVAL_SECONDS,
    PAPERS_A_DAY,
    REPLACING,
    World,
    announced_ids,
    known_paths,
    open_world,
)
from core.catalogue import LEDGER
from demo.model_answers import find_paper

_READERS = 8
_TICK_SECONDS = 1.0
_START_SECONDS = 30.0
_QUIET_SHARE, _LEAST_QUIET_SECONDS = 0.16, 24.0
_STILL_SECONDS = 5.0  # at the end, in which no time passes either
_CALLS_A_PAPER = 4  # two answers, and two attempts that failed before each other
_MIB = 1 << 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a soak, tell of it, and give how it is to exit."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600.0, help="how long in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="what the faults are drawn from (default: another at every run)")
    parser.add_argument("--store", choices=["redis", "sqlite"], help="one store only (default: one after the other)")
    chosen = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(10_000) if chosen.seed is None else chosen.seed
    stores: Sequence[StoreKind] = [chosen.store] if chosen.store else ["redis", "sqlite"]
    _say(f"Seed {seed}, {chosen.seconds:g} seconds on {' and '.join(stores)}")
    return max([_soak(store, seed, chosen.seconds / len(stores)) for store in stores])


def _soak(store: StoreKind, seed: int, seconds: float) -> int:
    log = Path(tempfile.gettempdir()) / f"soak-{store}-{seed}.log"
    log.unlink(missing_ok=True)
    with open_world(store, log) as world:
        record = Record(world)
        _fill(world)
        before = [measure_size(one.process.pid) for one in world.processes]
        record.started = time.monotonic()
        _run(world, record, seed, seconds)
        last = _settle(world)
        for finding in _judge(world, record, last):
            record.find(finding)
        _tell(world, record, last, before)
    _say(f"- The processes' own words: {log}")
    return min(len(record.findings), 1)


def _fill(world: World) -> None:
    """Wait until both processes answer, and have all that arXiv can tell them."""
    give_up_at = time.monotonic() + _START_SECONDS
    while not all(_is_whole(world, number) for number in range(len(world.processes))):
        if time.monotonic() > give_up_at:
            world.ask_what_hangs()
            raise TimeoutError("the service processes did not fill their store")
        time.sleep(0.2)


def _is_whole(world: World, number: int) -> bool:
    """Whether a refresh finds nothing missing; a process that does not answer is not whole."""
    started = time.monotonic()
    try:
        reply = ask(world.processes[number], "/api/refresh", method="POST")
    except OSError:
        return False
    is_whole = reply.status == 200 and bool(json.loads(reply.body)["healing"]["is_finished"])
    if is_whole:
        world.note_whole(started)
    return is_whole


def _run(world: World, record: Record, seed: int, seconds: float) -> None:
    """Readers and faults, and then readers without faults."""
    quiet = max(_QUIET_SHARE * seconds, _LEAST_QUIET_SECONDS)
    stop = threading.Event()
    threads: list[threading.Thread] = [Reader(record, f"{seed} {number}", stop) for number in range(_READERS)]
    calm = threading.Event()
    threads.append(threading.Thread(target=_operate, args=(world, record, seed, calm), daemon=True))
    plan = plan_faults(seed, seconds - quiet, world.store)
    threads.append(threading.Thread(target=_fail, args=(world, record, plan, stop), daemon=True))
    for thread in threads:
        thread.start()
    while (passed := time.monotonic() - record.started) < seconds - _STILL_SECONDS:
        time.sleep(_TICK_SECONDS)
        world.tick()
        if passed > seconds - quiet:
            calm.set()  # from here on readers are all that there is
    time.sleep(_STILL_SECONDS)
    stop.set()
    for thread in threads:
        thread.join(_START_SECONDS)


def _operate(world: World, record: Record, seed: int, stop: threading.Event) -> None:
    """Ask for a refresh every few seconds, as an operator or a cron does."""
    drawn = random.Random(f"{seed} operator")  # noqa: S311 - the same at every run
    while not stop.wait(drawn.uniform(1, 5)):
        process, started = drawn.choice(world.processes), time.monotonic()
        try:
            reply = ask(process, "/api/refresh", method="POST")
        except OSError as error:
            record.note_broken("refresh", "/api/refresh", process, started, error)
            continue
        record.note("refresh", "/api/refresh", reply, time.monotonic() - started)
        if reply.status == 200 and json.loads(reply.body)["healing"]["is_finished"]:
            world.note_whole(started)


def _fail(world: World, record: Record, plan: Sequence[Planned], stop: threading.Event) -> None:
    """Let happen what is planned, each at its time."""
    steps: list[tuple[float, int, Planned, bool]] = sorted(
        step
        for place, one in enumerate(plan)
        for step in ((one.at, place, one, True), (one.ends_at, place, one, False))
    )
    endings: dict[int, Callable[[], object]] = {}
    for at, place, planned, is_beginning in steps:
        if stop.wait(max(0.0, record.started + at - time.monotonic())):
            return
        if not is_beginning:
            endings.pop(place, lambda: None)()
        elif ending := world.begin(planned):
            endings[place] = ending


def _settle(world: World) -> date:
    """Wait until nothing is missing any more; the newest mailing that arXiv shows."""
    give_up_at = time.monotonic() + _START_SECONDS
    while not all(_is_whole(world, number) for number in range(len(world.processes))):
        if time.monotonic() > give_up_at:
            world.ask_what_hangs()
            break
        time.sleep(0.5)
    time.sleep(_TICK_SECONDS)
    return max(mailing.day for mailing in world.mailings if mailing.day <= world.today)


def _judge(world: World, record: Record, last: date) -> Iterator[str]:
    """What is not as it should be, now that all is quiet and *last* is the newest mailing."""
    yield from _judge_papers(world, record, last)
    yield from _judge_feeds(world, last)
    best = json.loads(ask(world.processes[0], "/api/papers?limit=500").body)["items"]
    yield from find_untold(best)
    yield from find_impolite(world.arxiv.requests, pause_seconds=INTERVAL_SECONDS, excused=world.losses)
    yield from _judge_budget(world, last)


def _is_loss_over(world: World, last: date) -> bool:
    """Whether all that a store lost has left the feeds."""
    return world.lost_on is None or world.lost_on <= last - timedelta(days=DAYS_BACK)


def _judge_papers(world: World, record: Record, last: date) -> Iterator[str]:
    everything = find_announced(world.mailings, CATEGORIES, first=FIRST, last=last)
    new = {paper_id for paper_id, (event, _) in everything.items() if event == "new"}
    yield from tell("announced and never listed", new - record.listed)
    yield from tell("listed and never announced", record.listed - announced_ids(world.mailings))
    first = last - timedelta(days=DAYS_BACK - 1)
    window = {paper_id for paper_id, (_, mailing) in everything.items() if mailing >= first}
    window -= frozenset() if _is_loss_over(world, last) else world.hard_to_find
    for number, process in enumerate(world.processes):
        entries = read_entries(ask(process, f"/jsonfeed/{REPLACING}"), "jsonfeed")
        yield from tell(f"not in the feed of process {number}", window - {entry.paper_id for entry in entries})
    yield from tell("without a verdict", [paper_id for paper_id in window if not _has_verdict(world, paper_id)])


def _has_verdict(world: World, paper_id: str) -> bool:
    reply = ask(world.processes[0], f"/api/explain?scope={REPLACING}&id={quote(paper_id, safe='')}")
    return reply.status == 200 and json.loads(reply.body)["outcome"] in LEDGER


def _judge_feeds(world: World, last: date) -> Iterator[str]:
    """What a store lost may be in one process's memory; when it has left the feeds, all processes say the same."""
    for path in known_paths() if _is_loss_over(world, last) else ():
        replies = [ask(process, path) for process in world.processes]
        yield from find_unlike(path, replies, in_bytes=not (world.losses and path.endswith(f"/{REPLACING}")))


def _judge_budget(world: World, last: date) -> Iterator[str]:
    """A store that is lost, and a clock that is wrong, may begin a day's budget anew."""
    misled = sum(one.track == "clock" for one in world.done)
    budgets = (last - FIRST).days + 2 + len(world.losses) + 2 * misled
    if len(world.model.calls) > budgets * PAPERS_A_DAY * _CALLS_A_PAPER:
        yield f"the model was called {len(world.model.calls)} times on {budgets} budgets of {PAPERS_A_DAY} papers"


def _tell(world: World, record: Record, last: date, before: Sequence[Size]) -> None:
    """Print what there was, and what was wrong."""
    days = (world.today - FIRST).days
    _say(f"\n{world.store}: {days} days, from {FIRST} to {world.today}; the newest mailing is that of {last}")
    for line in (*_tell_answers(record), *_tell_faults(world), *_tell_work(world, record, last)):
        _say(f"- {line}")
    for number, (one, size) in enumerate(zip(world.processes, before, strict=True)):
        now = measure_size(one.process.pid)
        told = f"{size.pss_bytes / _MIB:.0f} MiB and {size.descriptors} descriptors at the beginning"
        told = f"{told}, {now.pss_bytes / _MIB:.0f} and {now.descriptors} at the end"
        _say(f"- process {number}: {told}, killed {len(one.killed_at) // 2} times")
    _say(f"- findings: {len(record.findings)}")
    for finding, count in record.findings.items():
        _say(f"  - {count} × from second {record.first_found[finding]:.0f}: {finding}")


def _tell_answers(record: Record) -> Iterator[str]:
    for kind in sorted(record.seconds):
        took = sorted(record.seconds[kind])
        statuses = ((status, count) for (one, status), count in sorted(record.statuses.items()) if one == kind)
        told = ", ".join(f"{status} {count:,}" for status, count in statuses)
        most, where = record.slowest[kind]
        quick = f"p50 {1000 * _at(took, 0.5):.1f} ms, p99 {1000 * _at(took, 0.99):.0f} ms"
        yield f"{kind}: {told}; {quick}, most {most:.2f} s ({where})"


def _tell_faults(world: World) -> Iterator[str]:
    faults = Counter((one.track, one.name) for one in world.done)
    for track in ("arxiv", "model", "clock", "memory"):
        told = ", ".join(f"{name} {count}" for (one, name), count in sorted(faults.items()) if one == track)
        yield f"faults, {track}: {told}"
    when = (f"{one.at:.0f} to {one.ends_at:.0f} {one.name}" for one in world.done if one.track in ("clock", "memory"))
    yield f"losses and wrong clocks, by second: {', '.join(when)}"
    yield f"left out because papers were in one memory only: {world.skipped}"


def _tell_work(world: World, record: Record, last: date) -> Iterator[str]:
    announced = Counter(
        event for event, _ in find_announced(world.mailings, CATEGORIES, first=FIRST, last=last).values()
    )
    told = f"{announced['new']} announced as new, {announced['replace']} replaced"
    yield f"papers: {told}, {len(record.listed)} listed at some time"
    asked = Counter(request.path.split("/")[1] for request in world.arxiv.requests)
    yield f"arXiv was asked {sum(asked.values())} times: {_counted(asked)}"
    read = Counter(find_paper(call.messages)[0][:200] for call in world.model.calls)
    yield f"the model was called {sum(read.values())} times about {len(read)} papers"


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _counted(counted: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counted.most_common())


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
