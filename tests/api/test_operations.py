from __future__ import annotations

import pytest

from demo.standin import ArxivStandIn, Fault
from tests.api.running import SECRET, WEEK, Running

TOKEN = f"Bearer {SECRET}"
REPORT = {
    "sample_data": False,
    "categories": ["cs.AI", "cs.CL", "cs.DC", "cs.LG"],
    "mailing": "2026-03-05",
    "requests": 1,
    "received": 69,
    "new": 69,
    "updated": 0,
    "duplicate": 0,
    "rejected": 0,
    "rejections": [],
    "notices": [],
}


@pytest.mark.parametrize(
    ("address", "method"),
    [("/api/refresh", "POST"), ("/api/cron", "GET"), ("/update-cache", "GET"), ("/update-cache", "POST")],
)
def test_a_refresh_reports_what_became_of_every_entry(
    empty: Running, arxiv: ArxivStandIn, address: str, method: str
) -> None:
    reports = [empty.ask(address, method, Authorization=TOKEN).json() for _ in range(2)]
    assert reports == [REPORT, REPORT | {"new": 0, "duplicate": 69}]
    assert [request.path for request in arxiv.requests] == ["/rss/cs.AI+cs.CL+cs.DC+cs.LG"] * 2


def test_the_ledger_of_each_mailing_balances_and_the_store_has_what_was_new(
    empty: Running, arxiv: ArxivStandIn
) -> None:
    stored = 0
    for mailing in WEEK:
        arxiv.show(mailing.day)
        report = empty.ask("/api/refresh", "POST", Authorization=TOKEN).json()
        stored += report["new"]
        assert report["received"] == sum(report[name] for name in ("new", "updated", "duplicate", "rejected")) > 0
    wide = "min_score=0&days=30&types=new,cross,replace,replace-cross&limit=500"
    by_mailing = [empty.ask(f"/api/papers?{wide}&mailing={mailing.day}").json()["total"] for mailing in WEEK]
    assert (stored, max(by_mailing)) == (311, 30)  # the cap of each mailing


def test_a_bad_entry_is_reported_with_its_reason(empty: Running, arxiv: ArxivStandIn) -> None:
    arxiv.answer_with(Fault(body=ONE_GOOD_ONE_BAD, gzip=False))
    report = empty.ask("/api/refresh", "POST", Authorization=TOKEN).json()
    assert (report["received"], report["new"], report["rejected"]) == (2, 1, 1)
    assert report["rejections"][0]["entry"] == "oai:arXiv.org:nonsense"
    assert "nonsense" in report["rejections"][0]["reason"]


def test_health_tells_that_the_service_is_up_whatever_arxiv_does(empty: Running, arxiv: ArxivStandIn) -> None:
    arxiv.fail_next(times=9)
    answer = empty.ask("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "sample_data": False, "revision": 0})
    assert (answer.headers["Cache-Control"], arxiv.requests) == ("no-store", ())


def test_the_revision_grows_with_the_data_only(empty: Running) -> None:
    revisions = [empty.ask("/health").json()["revision"]]
    for _ in range(2):
        empty.refresh()
        revisions.append(empty.ask("/health").json()["revision"])
    assert revisions == [0, 1, 1]


ONE_GOOD_ONE_BAD = b"""<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0"><channel>
<title>cs.AI updates on arXiv.org</title><pubDate>Thu, 05 Mar 2026 00:00:00 -0500</pubDate>
<item><title>Good</title><guid isPermaLink="false">oai:arXiv.org:2603.00001v1</guid><category>cs.AI</category>
<description>arXiv:2603.00001v1 Announce Type: new \nAbstract: Good.</description>
<arxiv:announce_type>new</arxiv:announce_type><dc:creator>Ada Lovelace</dc:creator></item>
<item><title>Bad</title><guid isPermaLink="false">oai:arXiv.org:nonsense</guid><category>cs.AI</category>
<description>arXiv:nonsense Announce Type: new \nAbstract: Bad.</description>
<arxiv:announce_type>new</arxiv:announce_type><dc:creator>Ada Lovelace</dc:creator></item>
</channel></rss>
"""
