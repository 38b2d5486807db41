"""A server that stands in for arXiv: announcement feeds, query API, pages and PDFs of made-up mailings.

    python -m demo.standin --port 8001 --mailing 2026-03-05

Tests script its faults. It answers from memory, speaks to loopback unless told otherwise, and asks nobody.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from core.arxiv.taxonomy import find_category
from core.mailings import EASTERN
from core.papers import PaperId
from demo.announcements import BadSpec, parse_spec, render_atom, render_atom_error, render_rss, render_rss_error
from demo.batches import Lapse, select_shown
from demo.listening import StandIn
from demo.mailing import Mailing, SamplePaper, build_moment, feed_midnight
from demo.pages import (
    has_full_text,
    render_abstract_page,
    render_full_text,
    render_message,
    render_no_full_text,
)
from demo.pdf import render_pdf
from demo.request_log import Request
from demo.search import answer, current_versions
from demo.week import last_mailing_day, mailing_week
from demo.wire import HTML, NO_FAULT, Answer, Exchange, Fault

__all__ = ["ArxivStandIn", "Fault", "Request", "main"]  # who scripts the stand-in needs no other module for it

Format = Literal["rss", "atom"]

_MOVED = "/moved"  # an address with this before it is answered like the one without


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A request as it finds the stand-in: its place in the log, what is to go wrong, and what is shown to it."""

    request: Request
    place: int
    fault: Fault
    day: date
    lapses: Mapping[str, Lapse]


class ArxivStandIn(StandIn[Request]):
    """arXiv as far as this project asks it, with *mailings* (oldest first) as all that it ever announced.

    A context manager: the socket is bound when it is made, requests are answered inside of `with`. The newest mailing
    is shown at first. Faults are used up in the order in which they were asked for. Each answer takes *latency_seconds*
    to come. While *answers_304* is set, a feed is not sent to who names its ETag, byte for byte, in If-None-Match;
    arXiv's own application does not look at that header, what stands before it may.
    """

    def __init__(
        self, mailings: Sequence[Mailing], *, host: str = "127.0.0.1", port: int = 0, latency_seconds: float = 0.0
    ) -> None:
        if not mailings:
            raise ValueError("arXiv needs at least one mailing to stand in for")
        super().__init__(host, port, latency_seconds)
        self.answers_304 = False
        self._mailings = tuple(mailings)
        self._day = mailings[-1].day
        self._served: dict[tuple[Format, frozenset[str]], bytes] = {}
        self._lapses: dict[str, Lapse] = {}
        self._faults: list[tuple[str, Fault]] = []

    @property
    def rss_base(self) -> str:
        return f"{self.base}/rss"

    @property
    def api_base(self) -> str:
        return f"{self.base}/api/query"

    def show(self, mailing: date) -> None:
        """Makes *mailing* the current day: the feeds have that mailing only, the API all until then.

        On a day without a mailing, such as a Saturday, the feeds are empty.
        """
        with self._changed:
            self._day = mailing

    def make_stale(self, category: str, *, mailing: date | None = None, for_requests: int | None = None) -> None:
        """Makes *category* show an earlier *mailing* under the current day's dates.

        Without *mailing* it is the one before whichever day is current, and no papers where there is none. It ends
        after the next *for_requests* (1 or more) for a feed with the category, alone or not, whatever becomes of them.
        `cs` or `cs.AI+cs.LG` stands for several categories, an alias for its twin too. The API is never stale. Raises
        ValueError for a category that arXiv does not know, or a mailing that was not given to the stand-in.
        """
        if mailing is not None and mailing not in {known.day for known in self._mailings}:
            raise ValueError(f"{mailing} is no mailing that this stand-in has")
        self._set_lapse(category, Lapse(mailing or "previous", for_requests))

    def make_empty(self, category: str, *, for_requests: int | None = None) -> None:
        """Makes *category* show no papers, as arXiv does when it built the feed too early; see `make_stale`."""
        self._set_lapse(category, Lapse("nothing", for_requests))

    def make_current(self, category: str) -> None:
        """Makes *category* show the current day's mailing again."""
        with self._changed:
            for name in parse_spec(category).categories:
                self._lapses.pop(name, None)

    def serve_feed(self, spec: str, body: bytes, *, form: Format = "rss") -> None:
        """Answers requests for the feed *spec*, in any letter case and order, with *body*, whatever day is shown."""
        with self._changed:
            self._served[form, _parts(spec)] = body

    def answer_with(self, fault: Fault, *, times: int = 1, path: str = "/") -> None:
        """Applies *fault* to the next *times* requests whose path starts with *path*."""
        with self._changed:
            self._faults += [(path, fault)] * times

    def fail_next(
        self, times: int = 1, *, status: int = 503, headers: Mapping[str, str] | None = None, path: str = "/"
    ) -> None:
        """Answers the next *times* requests whose path starts with *path* with an error *status* and a short page."""
        body = render_message(f"The stand-in was told to answer {status}.")
        added = {"Content-Type": HTML, **(headers or {})}
        self.answer_with(Fault(status=status, headers=added, body=body), times=times, path=path)

    def _set_lapse(self, category: str, lapse: Lapse) -> None:
        with self._changed:
            self._lapses.update(dict.fromkeys(parse_spec(category).categories, lapse))

    def _handle(self, exchange: Exchange) -> None:
        arrival = self._record(exchange)
        try:
            self._respond(exchange, arrival)
        finally:
            self._end(arrival.place)

    def _record(self, exchange: Exchange) -> _Arrival:
        address = urlsplit(exchange.path)
        headers = {name.lower(): value for name, value in exchange.headers.items()}
        request = Request(exchange.command, unquote(address.path), address.query, headers, time.monotonic())
        with self._changed:
            place = self._note(exchange, request)
            return _Arrival(request, place, self._take_fault(request.path), self._day, self._take_lapses(request.path))

    def forget_faults(self) -> None:
        """Answers as usual from now on, whatever faults were asked for."""
        with self._changed:
            self._faults.clear()

    def _take_fault(self, path: str) -> Fault:
        for place, (prefix, fault) in enumerate(self._faults):
            if path.startswith(prefix):
                del self._faults[place]
                return fault
        return NO_FAULT

    def _take_lapses(self, path: str) -> Mapping[str, Lapse]:
        """The lapses that a request for *path* meets, which it brings nearer to their end; none unless it is a feed."""
        form, rest = _split(path.removeprefix(_MOVED))
        if form not in ("rss", "atom"):
            return {}
        try:
            asked_for = parse_spec(rest).categories
        except BadSpec:
            return {}
        met = {category: lapse for category, lapse in self._lapses.items() if category in asked_for}
        for category, lapse in met.items():
            left = lapse.after_request()
            if left is None:
                del self._lapses[category]
            else:
                self._lapses[category] = left
        return met

    def _respond(self, exchange: Exchange, arrival: _Arrival) -> None:
        fault = arrival.fault
        made = self._answer(arrival.request.path.removeprefix(_MOVED), arrival)
        pieces = exchange.pieces(made, fault)
        self._wait(exchange, self._closing, self.latency_seconds)
        if fault.hold:
            self._wait(exchange, fault.hold)
        self._send(exchange, arrival.place, pieces, fault)

    def _answer(self, path: str, arrival: _Arrival) -> Answer:
        kind, rest = _split(path)
        match kind:
            case "rss":
                return self._answer_feed("rss", rest, arrival)
            case "atom":
                return self._answer_feed("atom", rest, arrival)
            case "api" if rest == "query":
                return self._answer_search(arrival.request.query, arrival.day)
            case "abs" | "html" | "pdf":
                return self._answer_page(kind, rest, arrival.day)
            case "loop":
                return Answer(302, HTML, b"", (("Location", "/loop"),))
            case _:
                return _page(404, "There is nothing here.")

    def _answer_feed(self, form: Format, spec: str, arrival: _Arrival) -> Answer:
        with self._changed:
            served = self._served.get((form, _parts(spec)))
        status, body = (200, served) if served is not None else self._build_feed(form, spec, arrival)
        tag = hashlib.sha256(body).hexdigest()
        headers = (
            ("ETag", tag),
            ("Cache-Control", f"max-age={_seconds_to_midnight(build_moment(arrival.day))}"),
        )
        if self.answers_304 and status == 200 and arrival.request.headers.get("if-none-match") == tag:
            return Answer(304, "", b"", headers)
        return Answer(status, f"application/{form}+xml", body, headers)

    def _build_feed(self, form: Format, text: str, arrival: _Arrival) -> tuple[int, bytes]:
        render, render_error = (render_rss, render_rss_error) if form == "rss" else (render_atom, render_atom_error)
        try:
            spec = parse_spec(text)
        except BadSpec as error:
            return 400, render_error(text, str(error), arrival.day)
        entries = select_shown(self._mailings, arrival.day, spec, arrival.lapses)
        return 200, render(spec, entries, arrival.day)

    def _answer_search(self, query: str, day: date) -> Answer:
        page = answer(dict(parse_qsl(query)), self._known_papers(day), build_moment(day))
        return Answer(page.status, "application/atom+xml; charset=utf-8", page.body)

    def _answer_page(self, kind: str, text: str, day: date) -> Answer:
        paper = _find_paper(text, self._known_papers(day))
        if paper is None:
            return _page(404, f"No paper {text} was made up.")
        match kind:
            case "pdf":
                return Answer(200, "application/pdf", render_pdf(paper))
            case "html" if has_full_text(paper):
                return Answer(200, HTML, render_full_text(paper))
            case "html":
                return Answer(404, HTML, render_no_full_text(paper))
            case _:
                return Answer(200, HTML, render_abstract_page(paper))

    def _known_papers(self, day: date) -> tuple[SamplePaper, ...]:
        """The papers announced until *day*, in each version that was announced."""
        return tuple(listing.paper for mailing in self._mailings if mailing.day <= day for listing in mailing.listings)


def _page(status: int, text: str) -> Answer:
    return Answer(status, HTML, render_message(text))


def _split(path: str) -> tuple[str, str]:
    """The first part of *path*, and what follows the slash after it."""
    first, _, rest = path.strip("/").partition("/")
    return first, rest


def _parts(spec: str) -> frozenset[str]:
    return frozenset(spec.lower().split("+"))


def _seconds_to_midnight(moment: datetime) -> int:
    tomorrow = feed_midnight(moment.astimezone(EASTERN).date() + timedelta(days=1))
    return int((tomorrow - moment).total_seconds())


def _find_paper(text: str, papers: Sequence[SamplePaper]) -> SamplePaper | None:
    """The paper that an address names, in the version named or else the newest; `2603.90001v1.pdf` is understood."""
    try:
        wanted = PaperId.parse(text.removesuffix(".pdf"))
    except ValueError:
        return None
    candidates = papers if wanted.version else current_versions(papers)
    versions = (paper for paper in candidates if paper.id == wanted.number)
    return next((paper for paper in versions if wanted.version in (None, paper.version)), None)


def _parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m demo.standin",
        usage="%(prog)s [--host HOST] [--port PORT] [--mailing YYYY-MM-DD] [--stale CATEGORY] [--latency SECONDS]",
        description="Serve made-up mailings as arXiv does.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8001, help="port to listen on, 0 for any (default: %(default)s)")
    parser.add_argument(
        "--mailing", type=_weekday, help="the day to show, a weekday such as 2026-03-05 (default: the newest)"
    )
    parser.add_argument(
        "--stale", type=_category, action="append", default=[], help="a category one mailing behind; may be repeated"
    )
    parser.add_argument("--latency", type=_seconds, default=0.0, help="seconds before each answer (default: none)")
    parsed = parser.parse_args(arguments)
    parsed.mailing = parsed.mailing or last_mailing_day(datetime.now(EASTERN).date())
    return parsed


def _weekday(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-03-05") from error
    if last_mailing_day(day) != day:
        raise argparse.ArgumentTypeError(f"{day} is a {day:%A}; mailings come from Monday to Friday")
    return day


def _category(text: str) -> str:
    category = find_category(text)
    if category is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no category such as cs.AI")
    return category.id


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds such as 0.3")
    return seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves one mailing week until it is interrupted."""
    chosen = _parse_arguments(arguments)
    week = mailing_week(chosen.mailing)
    try:
        standin = ArxivStandIn(week, host=chosen.host, port=chosen.port, latency_seconds=chosen.latency)
    except (OSError, OverflowError) as error:
        raise SystemExit(f"cannot listen on {chosen.host}:{chosen.port}: {error}") from error
    for category in chosen.stale:
        standin.make_stale(category)
    with standin, suppress(KeyboardInterrupt):
        sys.stdout.write(f"Standing in for arXiv with the mailing of {chosen.mailing} at {standin.base}\n")
        sys.stdout.write(
            f"export ARXIV_RSS_BASE={standin.rss_base} ARXIV_API_BASE={standin.api_base} ARXIV_BASE={standin.base}\n"
        )
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
