"""What a reader costs who polls every half hour for a day, in bytes on the wire, heads included.

The reader keeps what it has: it sends the ETag, takes gzip, and had the feed yesterday. Halfway through the day arXiv
announces the next mailing. Papers have arXiv's size. The origin has no validators and does not compress: 48 times
67.7 kB for the 30 papers of a day, so that is what the aim is for; the default feed lists a week.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

from api.wiring import build_service
from bench.client import Connection, build_request
from bench.servers import OURS, Server, connect, environment_of, fill, open_large_sample, run_server
from bench.table import Row, at_most
from demo.sample import Sample

POLLS = 48
ORIGIN_BYTES = 3_260_000
PAPERS_A_DAY = 300
PATHS = ("/rss?days=1", "/rss", "/atom", "/jsonfeed")

_AIM_KILOBYTES = 40.0
_SEEN_AFTER_SECONDS = 1.5  # what another process stores may be seen a second later (`api/front.py`)
_CODINGS = ("gzip", "br")


@dataclass(slots=True)
class Reader:
    """A reader of *path* on one connection: what it knows of the feed, and what came and went over the wire."""

    path: str
    coding: str
    etag: str = ""
    received: int = 0
    sent: int = 0
    whole: int = 0
    heads: int = 0

    def poll(self, connection: Connection) -> None:
        """Ask once. Raises RuntimeError for anything but the feed or the word that it is known."""
        headers = {"Accept-Encoding": self.coding} | ({"If-None-Match": self.etag} if self.etag else {})
        request = build_request(self.path, headers)
        reply = connection.exchange(request)
        if reply.status not in (200, 304):
            raise RuntimeError(f"{self.path} answered {reply.status}")
        self.etag = reply.headers["etag"]
        self.sent += len(request)
        self.received += reply.wire_bytes
        self.heads += len(reply.head)
        self.whole += reply.status == 200

    def forget_costs(self) -> None:
        """Count from now on."""
        self.received = self.sent = self.whole = self.heads = 0


def rows() -> Iterator[Row]:
    """A row for each feed and coding; the aim is for what the origin lists, with gzip."""
    readers = [Reader(path, coding) for path in PATHS for coding in _CODINGS]
    with open_large_sample(PAPERS_A_DAY) as sample:
        fill(sample, mailings=len(sample.week) - 1)
        with run_server(OURS, environment_of(sample.settings)) as server:
            spend_day(readers, server, sample)
    for reader in readers:
        yield _row(reader)


def spend_day(readers: list[Reader], server: Server, sample: Sample) -> None:
    """Let *readers* have the feeds of the day before, and then poll for a day with one mailing in its middle.

    Raises RuntimeError where one did not get the whole feed once.
    """
    with connect(server) as connection:
        for reader in readers:
            reader.poll(connection)
            reader.forget_costs()
            for _ in range(POLLS // 2):
                reader.poll(connection)
        sample.stand_in.show(sample.week[-1].day)
        asyncio.run(_refresh(sample))
        time.sleep(_SEEN_AFTER_SECONDS)
        for reader in readers:
            for _ in range(POLLS - POLLS // 2):
                reader.poll(connection)
            if reader.whole != 1:
                raise RuntimeError(f"{reader.path} was sent {reader.whole} times instead of once")


async def _refresh(sample: Sample) -> None:
    """As another process would that has the same store."""
    service = build_service(sample.settings)
    try:
        await service.freshness.refresh()
    finally:
        await service.close()


def _row(reader: Reader) -> Row:
    kilobytes = reader.received / 1000
    is_aim = (reader.path, reader.coding) == (PATHS[0], _CODINGS[0])
    return Row(
        f"a day of a reader of `{reader.path}` ({POLLS} polls, {reader.coding}, one mailing)",
        f"the origin: {ORIGIN_BYTES / 1000:,.0f} kB",
        kilobytes,
        kilobytes,
        kilobytes,
        at_most(_AIM_KILOBYTES) if is_aim else None,
        unit="kB",
        note=f"1/{ORIGIN_BYTES / reader.received:.0f}; {reader.heads / 1000:.1f} kB of it heads; "
        f"the reader sends {reader.sent / 1000:.1f} kB",
    )
