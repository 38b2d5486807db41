from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import httpx
import pytest

from core.arxiv.query_api import parse_search_page
from core.arxiv.rss import parse_announcements
from demo.announcements import parse_spec, render_rss, select_entries
from demo.batches import Lapse, select_shown
from demo.faults import never_answering, redirect, unavailable
from demo.pages import has_full_text, render_abstract_page, render_full_text, render_no_full_text
from demo.pdf import render_pdf
from demo.request_log import most_at_once, smallest_pause
from demo.standin import ArxivStandIn, Fault, main
from demo.week import mailing_week

WEEK = mailing_week(date(2026, 3, 5))
FIRST, LAST = WEEK[0].day, WEEK[-1].day
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def arxiv() -> Iterator[ArxivStandIn]:
    with ArxivStandIn(WEEK) as standin:
        yield standin


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=5, trust_env=False) as opened:
        yield opened


def expected_feed(spec: str, day: date = LAST) -> bytes:
    parsed = parse_spec(spec)
    (mailing,) = (mailing for mailing in WEEK if mailing.day == day)
    return render_rss(parsed, select_entries(mailing.listings, parsed), day)


def feed_with(spec: str, day: date = LAST, **lapses: Lapse) -> bytes:
    """The feed of *day* with lapses named by the class within cs."""
    parsed = parse_spec(spec)
    by_category = {f"cs.{name}": lapse for name, lapse in lapses.items()}
    return render_rss(parsed, select_shown(WEEK, day, parsed, by_category), day)


def paper_ids(body: bytes) -> set[str]:
    return {entry.paper.id for entry in parse_announcements(body).entries}


def test_it_listens_on_loopback_only_on_a_port_of_its_own(arxiv: ArxivStandIn) -> None:
    assert arxiv.base.startswith("http://127.0.0.1:")
    assert arxiv.rss_base == f"{arxiv.base}/rss"
    assert arxiv.api_base == f"{arxiv.base}/api/query"


def test_the_newest_mailing_is_shown_at_first(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    assert client.get(f"{arxiv.rss_base}/cs.AI+cs.LG").content == expected_feed("cs.AI+cs.LG")


def test_the_feeds_list_the_shown_mailing_only(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    arxiv.show(FIRST)
    assert client.get(f"{arxiv.rss_base}/cs.AI").content == expected_feed("cs.AI", FIRST)


def test_the_atom_feed_has_the_papers_of_the_rss_feed(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    answer = client.get(f"{arxiv.base}/atom/cs.LG")
    assert paper_ids(answer.content) == paper_ids(expected_feed("cs.LG"))
    assert answer.headers["Content-Type"] == "application/atom+xml"


def test_a_weekend_has_an_empty_feed(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    arxiv.show(date(2026, 3, 7))
    feed = parse_announcements(client.get(f"{arxiv.rss_base}/cs.AI").content)
    assert (feed.mailing, feed.entries) == (date(2026, 3, 7), ())


def test_an_unknown_category_is_an_error_feed_with_status_400(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    answer = client.get(f"{arxiv.rss_base}/cs.AI+econ.XX")
    assert answer.status_code == 400
    assert b"Bad subject class 'XX'. Valid subject classes for the archive 'econ' are: econ.EM" in answer.content


def test_the_api_knows_every_paper_until_the_shown_mailing(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    arxiv.show(WEEK[1].day)
    known, unknown = (listing.paper.id for mailing in (WEEK[0], WEEK[2]) for listing in mailing.listings[:1])
    answer = client.get(arxiv.api_base, params={"id_list": f"{known},{unknown}"})
    assert [paper.id for paper in parse_search_page(answer.content).papers] == [known]


def test_headers_are_arxivs(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    answer = client.get(f"{arxiv.rss_base}/cs.DC")
    assert answer.headers["ETag"] == hashlib.sha256(answer.content).hexdigest()
    assert answer.headers["Cache-Control"] == "max-age=86398"
    assert answer.headers["Content-Type"] == "application/rss+xml"
    assert "Last-Modified" not in answer.headers


@pytest.mark.parametrize(("accepted", "encoding"), [("gzip", "gzip"), ("identity", None)])
def test_a_body_is_compressed_for_those_who_ask(
    arxiv: ArxivStandIn, client: httpx.Client, accepted: str, encoding: str | None
) -> None:
    answer = client.get(f"{arxiv.rss_base}/cs.DC", headers={"Accept-Encoding": accepted})
    assert answer.headers.get("Content-Encoding") == encoding
    assert answer.content == expected_feed("cs.DC")


def test_a_head_request_has_the_headers_and_no_body(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    answer = client.head(f"{arxiv.rss_base}/cs.DC", headers={"Accept-Encoding": "identity"})
    assert answer.headers["Content-Length"] == str(len(expected_feed("cs.DC")))
    assert answer.content == b""


def test_requests_are_recorded_in_order(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    client.get(f"{arxiv.rss_base}/cs.AI+cs.LG", headers={"User-Agent": "tests"})
    client.get(arxiv.api_base, params={"id_list": "0000.0000"})
    feed, search = arxiv.requests
    assert (feed.method, feed.path, feed.headers["user-agent"]) == ("GET", "/rss/cs.AI+cs.LG", "tests")
    assert (search.path, search.query) == ("/api/query", "id_list=0000.0000")
    assert feed.finished is not None
    assert feed.started <= feed.finished <= search.started


def test_a_feed_of_ones_own_is_served_in_any_letter_case_and_order(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    stale = expected_feed("cs.AI+cs.LG", FIRST)
    arxiv.serve_feed("cs.AI+cs.LG", stale)
    assert client.get(f"{arxiv.rss_base}/CS.lg+cs.ai").content == stale
    assert client.get(f"{arxiv.rss_base}/cs.AI").content == expected_feed("cs.AI")


PREVIOUS, NOTHING = Lapse("previous"), Lapse("nothing")


@pytest.mark.parametrize("spec", ["cs.AI", "cs.AI+cs.CL+cs.DC+cs.LG"])
def test_a_stale_category_has_older_papers_under_the_days_dates(
    arxiv: ArxivStandIn, client: httpx.Client, spec: str
) -> None:
    arxiv.make_stale("cs.ai")
    body = client.get(f"{arxiv.rss_base}/{spec}").content
    assert body == feed_with(spec, AI=PREVIOUS) != expected_feed(spec)
    assert parse_announcements(body).mailing == LAST


def test_a_stale_category_is_stale_in_atom_too(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    arxiv.make_stale("cs.LG")
    assert paper_ids(client.get(f"{arxiv.base}/atom/cs.LG").content) == paper_ids(expected_feed("cs.LG", WEEK[-2].day))


def test_other_categories_stay_current(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    arxiv.make_stale("cs.AI")
    assert client.get(f"{arxiv.rss_base}/cs.LG").content == expected_feed("cs.LG")


def test_staleness_moves_with_the_day_unless_a_mailing_is_named(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    arxiv.make_stale("cs.AI")
    arxiv.make_stale("cs.LG", mailing=FIRST)
    arxiv.show(WEEK[2].day)
    bodies = [client.get(f"{arxiv.rss_base}/{category}").content for category in ("cs.AI", "cs.LG")]
    assert list(map(paper_ids, bodies)) == [
        paper_ids(expected_feed("cs.AI", WEEK[1].day)),
        paper_ids(expected_feed("cs.LG", FIRST)),
    ]


def test_an_empty_category_has_no_papers_on_a_weekday(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    arxiv.make_empty("cs.AI")
    feed = parse_announcements(client.get(f"{arxiv.rss_base}/cs.AI").content)
    assert (feed.mailing, feed.entries) == (LAST, ())
    assert client.get(f"{arxiv.rss_base}/cs.AI+cs.LG").content == feed_with("cs.AI+cs.LG", AI=NOTHING)


def test_a_category_can_be_made_current_again(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    arxiv.make_stale("cs.AI+cs.LG")
    arxiv.make_current("cs.AI")
    arxiv.make_current("cs.DC")
    assert client.get(f"{arxiv.rss_base}/cs.AI").content == expected_feed("cs.AI")
    assert client.get(f"{arxiv.rss_base}/cs.LG").content == feed_with("cs.LG", LG=PREVIOUS)


def test_staleness_ends_after_so_many_requests_for_the_category(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    arxiv.make_stale("cs.AI", for_requests=2)
    for other in ("rss/cs.LG", "rss/cs.XX", "api/query?id_list=0000.0000", "abs/2603.99999"):
        client.get(f"{arxiv.base}/{other}")
    bodies = [client.get(f"{arxiv.rss_base}/cs.AI+cs.DC").content for _ in range(3)]
    stale = feed_with("cs.AI+cs.DC", AI=PREVIOUS)
    assert bodies == [stale, stale, expected_feed("cs.AI+cs.DC")]


def test_an_alias_is_stale_with_its_twin(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    arxiv.make_empty("math.NA", for_requests=1)
    parsed = parse_spec("cs.NA")
    lapses = {"cs.NA": NOTHING, "math.NA": NOTHING}
    expected = render_rss(parsed, select_shown(WEEK, LAST, parsed, lapses), LAST)
    assert client.get(f"{arxiv.rss_base}/cs.NA").content == expected


def test_the_api_is_never_stale(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    query = {"search_query": "cat:cs.AI", "max_results": "500"}
    before = client.get(arxiv.api_base, params=query).content
    arxiv.make_stale("cs")
    assert client.get(arxiv.api_base, params=query).content == before


@pytest.mark.parametrize(
    ("category", "mailing", "complaint"),
    [("cs.XX", None, "Bad subject class 'XX'"), ("cs.AI", date(2026, 3, 7), "2026-03-07 is no mailing that this")],
)
def test_what_cannot_be_stale_is_refused(
    arxiv: ArxivStandIn, category: str, mailing: date | None, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        arxiv.make_stale(category, mailing=mailing)


def test_an_etag_is_not_looked_at_unless_told_so(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    address = f"{arxiv.rss_base}/cs.DC"
    tag = client.get(address).headers["ETag"]
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 200


def test_an_unchanged_feed_is_not_sent_again_when_told_so(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    arxiv.answers_304 = True
    address = f"{arxiv.rss_base}/cs.DC"
    tag = client.get(address).headers["ETag"]
    answer = client.get(address, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag)
    assert not {"Content-Type", "Content-Length", "Content-Encoding"} & set(answer.headers)


@pytest.mark.parametrize("written", ['"{tag}"', "W/{tag}", "*", "{tag}, {tag}", ""])
def test_an_etag_counts_byte_for_byte_only(arxiv: ArxivStandIn, client: httpx.Client, written: str) -> None:
    arxiv.answers_304 = True
    address = f"{arxiv.rss_base}/cs.DC"
    tag = client.get(address).headers["ETag"]
    assert client.get(address, headers={"If-None-Match": written.format(tag=tag)}).status_code == 200


def test_another_day_has_another_etag(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    arxiv.answers_304 = True
    address = f"{arxiv.rss_base}/cs.DC"
    tag = client.get(address).headers["ETag"]
    arxiv.show(FIRST)
    assert client.get(address, headers={"If-None-Match": tag}).content == expected_feed("cs.DC", FIRST)


def test_one_request_after_the_other_never_seems_to_overlap(arxiv: ArxivStandIn) -> None:
    with httpx.Client(timeout=5, trust_env=False) as first, httpx.Client(timeout=5, trust_env=False) as second:
        for client in (first, second) * 20:
            client.get(f"{arxiv.rss_base}/cs.DC")
    pause = smallest_pause(arxiv.requests)
    assert most_at_once(arxiv.requests) == 1
    assert pause is not None
    assert pause >= 0


def test_a_request_after_one_that_was_given_up_never_seems_to_overlap(arxiv: ArxivStandIn) -> None:
    for _ in range(5):
        arxiv.answer_with(never_answering())
        with httpx.Client(timeout=0.01, trust_env=False) as client, pytest.raises(httpx.ReadTimeout):
            client.get(f"{arxiv.rss_base}/cs.DC")
    assert arxiv.wait_until_idle()
    assert most_at_once(arxiv.requests) == 1
    assert all(request.finished is None for request in arxiv.requests)


def test_requests_at_the_same_time_are_seen_to_be(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    gate = threading.Event()
    arxiv.answer_with(Fault(hold=gate), times=2)
    with ThreadPoolExecutor(max_workers=2) as pool:
        answers = [pool.submit(client.get, f"{arxiv.rss_base}/cs.DC") for _ in range(2)]
        assert arxiv.wait_for_requests(2)
        assert not arxiv.wait_until_idle(timeout_seconds=0.0)
        gate.set()
        assert [answer.result().status_code for answer in answers] == [200, 200]
    pause = smallest_pause(arxiv.requests)
    assert most_at_once(arxiv.requests) == 2
    assert pause is not None
    assert pause < 0


def test_an_answer_takes_the_time_it_is_told_to(client: httpx.Client) -> None:
    with ArxivStandIn(WEEK, latency_seconds=0.02) as standin:
        client.get(f"{standin.rss_base}/cs.DC")
        (request,) = standin.requests
    assert request.finished is not None
    assert request.finished - request.started >= 0.02


def test_a_redirect_leads_to_the_same_feed(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    arxiv.answer_with(redirect())
    answer = client.get(f"{arxiv.rss_base}/cs.AI+cs.LG", follow_redirects=True)
    assert answer.content == expected_feed("cs.AI+cs.LG")
    assert [request.path for request in arxiv.requests] == ["/rss/cs.AI+cs.LG", "/moved/rss/cs.AI+cs.LG"]


def test_a_fault_can_wait_for_a_path(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    arxiv.answer_with(unavailable(retry_after=7), path="/api")
    assert client.get(f"{arxiv.rss_base}/cs.DC").status_code == 200
    assert client.get(arxiv.api_base, params={"id_list": "0000.0000"}).headers["Retry-After"] == "7"


def test_a_failure_hits_as_many_requests_as_it_was_told_to(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    arxiv.fail_next(2, status=429, headers={"Retry-After": "7"})
    answers = [client.get(f"{arxiv.rss_base}/cs.DC") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "7"


def test_a_failure_can_wait_for_a_path(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    arxiv.fail_next(path="/api")
    feed = client.get(f"{arxiv.rss_base}/cs.DC")
    search = client.get(arxiv.api_base, params={"id_list": "0000.0000"})
    assert [feed.status_code, search.status_code] == [200, 503]


def test_an_answer_can_be_replaced_in_parts(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    arxiv.answer_with(Fault(body=b"<html>", headers={"Content-Type": "text/html"}))
    answer = client.get(f"{arxiv.rss_base}/cs.DC")
    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (200, b"<html>", "text/html")


def test_a_body_can_be_compressed_unasked(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    arxiv.answer_with(Fault(gzip=True, headers={"Content-Encoding": "identity"}))
    answer = client.get(f"{arxiv.rss_base}/cs.DC", headers={"Accept-Encoding": "identity"})
    assert gzip.decompress(answer.content) == expected_feed("cs.DC")


def test_a_connection_can_break_in_the_middle_of_a_body(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    arxiv.answer_with(Fault(cut_after=100))
    with pytest.raises(httpx.RemoteProtocolError, match="received 100 bytes"):
        client.get(f"{arxiv.rss_base}/cs.DC")


def test_an_answer_can_be_held_back_until_the_test_lets_it_go(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    gate = threading.Event()
    arxiv.answer_with(Fault(hold=gate))
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = pool.submit(client.get, f"{arxiv.rss_base}/cs.DC")
        assert arxiv.wait_for_requests(1)
        (request,) = arxiv.requests
        assert (waiting.done(), request.finished) == (False, None)
        gate.set()
        assert waiting.result().status_code == 200


def test_closing_lets_go_of_whoever_waits(client: httpx.Client) -> None:
    with ThreadPoolExecutor(max_workers=1) as pool:
        with ArxivStandIn(WEEK) as standin:
            standin.answer_with(Fault(hold=threading.Event()))
            waiting = pool.submit(client.get, f"{standin.rss_base}/cs.DC")
            assert standin.wait_for_requests(1)
        assert waiting.result().status_code == 200


def test_waiting_for_requests_that_never_come_ends(arxiv: ArxivStandIn) -> None:
    assert not arxiv.wait_for_requests(1, timeout_seconds=0.01)


@pytest.mark.parametrize("address", ["abs/{id}", "abs/{id}v1", "html/{id}v1", "pdf/{id}v1", "pdf/{id}v1.pdf"])
def test_every_paper_has_pages_to_follow_links_to(arxiv: ArxivStandIn, client: httpx.Client, address: str) -> None:
    papers = [listing.paper for listing in WEEK[1].listings[:60:6]]
    wanted = [paper for paper in papers if paper.version == 1 and has_full_text(paper)]
    answers = [client.get(f"{arxiv.base}/{address.format(id=paper.id)}") for paper in wanted]
    rendered = {"abs": render_abstract_page, "html": render_full_text, "pdf": render_pdf}[address[: address.index("/")]]
    assert [(answer.status_code, answer.content) for answer in answers] == [(200, rendered(paper)) for paper in wanted]


@pytest.mark.parametrize(("kind", "content_type"), [("html", "text/html; charset=utf-8"), ("pdf", "application/pdf")])
def test_a_text_says_what_it_is(arxiv: ArxivStandIn, client: httpx.Client, kind: str, content_type: str) -> None:
    paper = next(listing.paper for listing in WEEK[1].listings if has_full_text(listing.paper))
    answer = client.get(f"{arxiv.base}/{kind}/{paper.id}v{paper.version}")
    assert answer.headers["Content-Type"] == content_type


def test_some_papers_have_no_full_text(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    paper = next(listing.paper for listing in WEEK[1].listings if not has_full_text(listing.paper))
    answer = client.get(f"{arxiv.base}/html/{paper.id}v{paper.version}")
    assert (answer.status_code, answer.content) == (404, render_no_full_text(paper))


@pytest.mark.parametrize("kind", ["html", "pdf"])
def test_a_version_that_was_not_announced_has_no_text(arxiv: ArxivStandIn, client: httpx.Client, kind: str) -> None:
    paper = next(listing.paper for listing in WEEK[1].listings if has_full_text(listing.paper))
    assert client.get(f"{arxiv.base}/{kind}/{paper.id}v{paper.version + 9}").status_code == 404


@pytest.mark.parametrize("kind", ["html", "pdf"])
def test_faults_hit_texts_too(arxiv: ArxivStandIn, client: httpx.Client, kind: str) -> None:
    paper = next(listing.paper for listing in WEEK[1].listings if has_full_text(listing.paper))
    address = f"{arxiv.base}/{kind}/{paper.id}v{paper.version}"
    arxiv.answer_with(unavailable(retry_after=7), path=f"/{kind}")
    arxiv.answer_with(redirect(), path=f"/{kind}")
    statuses = [client.get(address, follow_redirects=True).status_code for _ in range(2)]
    assert (statuses, [request.path for request in arxiv.requests][-1]) == (
        [503, 200],
        f"/moved/{kind}/{paper.id}v{paper.version}",
    )


def test_a_page_escapes_what_looks_like_markup(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    (paper,) = (listing.paper for listing in WEEK[0].listings if listing.paper.title.startswith("Do <think>"))
    assert "<h1>Do &lt;think&gt; Tags Help?" in client.get(f"{arxiv.base}/abs/{paper.id}").text


@pytest.mark.parametrize("path", ["", "abs/2603.99999", "abs/x", "html/", "list/cs.AI/new", "api/other"])
def test_there_is_nothing_anywhere_else(arxiv: ArxivStandIn, client: httpx.Client, path: str) -> None:
    assert client.get(f"{arxiv.base}/{path}").status_code == 404


def test_old_ids_have_pages_too(arxiv: ArxivStandIn, client: httpx.Client) -> None:
    (paper,) = (listing.paper for listing in WEEK[-1].listings if listing.paper.id.startswith("hep-th/"))
    assert client.get(f"{arxiv.base}/abs/{paper.id}").status_code == 200


def test_without_a_mailing_there_is_nothing_to_stand_in_for() -> None:
    with pytest.raises(ValueError, match="at least one mailing"):
        ArxivStandIn(())


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--mailing", "2026-03-07"], "2026-03-07 is a Saturday; mailings come from Monday to Friday"),
        (["--mailing", "yesterday"], "'yesterday' is not a date such as 2026-03-05"),
        (["--port", "http"], "invalid int value: 'http'"),
        (["--stale", "cs.XX"], "'cs.XX' is no category such as cs.AI"),
        (["--latency", "-1"], "'-1' is no number of seconds such as 0.3"),
        (["--latency", "soon"], "'soon' is no number of seconds such as 0.3"),
    ],
)
def test_bad_arguments_are_answered_with_one_line_of_help(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    usage, message = capsys.readouterr().err.splitlines()
    assert usage == (
        "usage: python -m demo.standin [--host HOST] [--port PORT] [--mailing YYYY-MM-DD] [--stale CATEGORY] "
        "[--latency SECONDS]"
    )
    assert complaint in message


def test_a_port_in_use_is_said_so(arxiv: ArxivStandIn) -> None:
    port = arxiv.base.rsplit(":", 1)[1]
    with pytest.raises(SystemExit, match=f"cannot listen on 127.0.0.1:{port}: "):
        main(["--port", port])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), expected_feed("cs.AI+cs.LG")),
        (("--stale", "cs.ai", "--stale", "cs.DC", "--latency", "0.01"), feed_with("cs.AI+cs.LG", AI=PREVIOUS)),
    ],
    ids=["plain", "stale and slow"],
)
def test_it_runs_alone(client: httpx.Client, options: tuple[str, ...], expected: bytes) -> None:
    command = [sys.executable, "-m", "demo.standin", "--port", "0", "--mailing", "2026-03-05", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            base = process.stdout.readline().split()[-1]
            body = client.get(f"{base}/rss/cs.AI+cs.LG").content
        finally:
            process.terminate()
    assert body == expected
