from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from demo.standin import ArxivStandIn
from tests.api.running import CONFIG, PUBLIC, WEEK, Running, best_first

WIDE = "min_score=0&days=30&types=new,cross,replace,replace-cross"


def listed(service: Running, query: str = "") -> dict[str, Any]:
    answer: dict[str, Any] = service.ask(f"/api/papers?{query}").json()
    return answer


def test_papers_come_best_first_and_ties_go_to_the_newer_mailing_then_to_the_newer_identifier(served: Running) -> None:
    items = listed(served, f"{WIDE}&limit=500")["items"]
    assert [item["id"] for item in items] == [item["id"] for item in best_first(items)]
    assert len({item["score"] for item in items}) > 1


def test_the_reasons_add_up_to_the_score_and_come_heaviest_first(served: Running) -> None:
    for item in listed(served, "limit=500")["items"]:
        points = [reason["points"] for reason in item["reasons"]]
        assert (sum(points), points) == (item["score"], sorted(points, reverse=True))


def test_an_item_says_everything_that_is_known_of_the_paper(served: Running) -> None:
    items = listed(served, f"{WIDE}&limit=500")["items"]
    (item,) = [item for item in items if item["id"] == "2506.91772"]
    del item["abstract"]
    assert item == {
        "id": "2506.91772",
        "version": 4,
        "title": "A Closer Look at Sparse Attention Beyond Fixed Capacity",
        "authors": [{"name": "Nadia Carvalho", "affiliation": None}, {"name": "Ngozi Rossi", "affiliation": None}],
        "primary_category": "cs.LG",
        "categories": ["cs.LG", "cs.DC"],
        "links": {
            "abs": "https://arxiv.org/abs/2506.91772",
            "pdf": "https://arxiv.org/pdf/2506.91772",
            "html": "https://arxiv.org/html/2506.91772v4",
        },
        "licence": "http://creativecommons.org/licenses/by/4.0/",
        "doi": "10.5555/sample.2506.91772",
        "journal_reference": "Journal of Sample Studies, 36(4), 2025",
        "comment": None,
        "mailing": "2026-03-05",
        "published": "2026-03-05T05:00:00Z",
        "updated": "2026-03-05T05:00:00Z",
        "announce_type": "replace",
        "announce_types": {"cs.LG": "replace", "cs.DC": "replace-cross"},
        "score": 3.0,
        "reasons": [{"term": "attention", "field": "title", "points": 3.0, "text": "attention 3 (title)"}],
        "summary": None,
    }


@pytest.mark.parametrize("scope", ["default", "systems", "cs.AI", "cs.AI%2Bcs.LG"])
@pytest.mark.parametrize("limit", [1, 7, 500])
def test_the_pages_hold_every_paper_exactly_once(served: Running, scope: str, limit: int) -> None:
    whole = listed(served, f"scope={scope}&limit=500")
    pages = [listed(served, f"scope={scope}&limit={limit}")]
    while cursor := pages[-1]["next_cursor"]:
        pages.append(listed(served, f"scope={scope}&limit={limit}&cursor={cursor}"))
    assert [item for page in pages for item in page["items"]] == whole["items"]
    assert {page["total"] for page in pages} == {len(whole["items"])}
    assert [len(page["items"]) for page in pages[:-1]] == [limit] * (len(pages) - 1)


def test_a_cursor_stays_right_when_papers_come_between_two_pages(empty: Running, arxiv: ArxivStandIn) -> None:
    arxiv.show(WEEK[0].day)
    empty.refresh()
    first = listed(empty, "limit=3")
    before = listed(empty, "limit=500")
    arxiv.show(WEEK[1].day)
    empty.refresh()
    rest = listed(empty, f"limit=500&cursor={first['next_cursor']}")
    seen = {item["id"] for item in first["items"] + rest["items"]}
    assert seen >= {item["id"] for item in before["items"]}
    assert not {item["id"] for item in first["items"]} & {item["id"] for item in rest["items"]}


def test_a_cursor_past_the_end_is_an_empty_last_page(served: Running) -> None:
    everything = listed(served, "min_score=0&limit=500")
    far = listed(served, f"min_score=0&limit={everything['total'] - 1}")["next_cursor"]
    page = listed(served, f"cursor={far}")
    assert (page["items"], page["next_cursor"], page["total"]) == ([], None, listed(served)["total"])


def test_there_are_fifty_papers_on_a_page_unless_more_are_asked_for(served: Running) -> None:
    assert len(listed(served)["items"]) == 50 < listed(served)["total"]


def test_the_parameters_filter_the_papers(served: Running) -> None:
    everything = listed(served, f"{WIDE}&limit=500")["items"]
    newest = str(WEEK[-1].day)
    assert {item["announce_type"] for item in everything} == {"new", "cross", "replace", "replace-cross"}
    for query, is_wanted in {
        "types=cross": lambda item: item["announce_type"] == "cross",
        "min_score=3": lambda item: item["score"] >= 3,
        "days=1": lambda item: item["mailing"] == newest,
        "days=2": lambda item: item["mailing"] in (newest, str(WEEK[-2].day)),
        "mailing=2026-03-03": lambda item: item["mailing"] == "2026-03-03",
    }.items():
        items = listed(
            served, f"min_score=0&days=30&{query}" if query not in ("min_score=3", "days=1", "days=2") else query
        )
        assert items["items"]
        assert all(map(is_wanted, items["items"]))


@pytest.mark.parametrize("written", ["{}", "{}v3", "arXiv:{}", "arXiv:{}v1"])
@pytest.mark.parametrize("number", ["2506.91772", "cs/0412968"])
def test_a_paper_is_found_by_its_identifier_of_either_style(served: Running, number: str, written: str) -> None:
    identifier = written.format(number)
    for address in {f"/api/papers/{identifier}", f"/api/papers/{identifier.replace('/', '%2F')}"}:
        assert served.ask(address).json()["paper"]["id"] == number
    assert served.ask(f"/api/explain?id={identifier}").json()["id"] == number


@pytest.mark.parametrize(
    ("identifier", "said"),
    [
        ("2401.99999", "it was not announced"),
        ("2401.99999v7", "it was not announced"),
        ("hep-th/9901001", "it was not announced"),
        ("none", "is not an arXiv identifier"),
        ("2401.1", "is not an arXiv identifier"),
        ("2401.99999v0", "is not an arXiv identifier"),
        ("../../etc/passwd", "is not an arXiv identifier"),
        ("cs/0412968/", "is not an arXiv identifier"),
        ("", "is not an arXiv identifier"),
    ],
)
def test_a_paper_that_is_not_stored_is_a_404_that_says_why(served: Running, identifier: str, said: str) -> None:
    answers = [served.ask(f"/api/explain?id={identifier}")]
    if ".." not in identifier:  # the client would resolve it
        answers.append(served.ask(f"/api/papers/{identifier}"))
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_paper")
        assert said in answer.json()["detail"]


def test_a_paper_shows_all_its_announcements_oldest_first(served: Running) -> None:
    details = [served.ask(f"/api/papers/{item['id']}").json() for item in listed(served, f"{WIDE}&limit=500")["items"]]
    several = [detail for detail in details if len(detail["announcements"]) > 1]
    assert several
    for detail in several:
        announcements = detail["announcements"]
        assert announcements == sorted(announcements, key=lambda one: one["mailing"])
        assert detail["paper"]["version"] == max(one["version"] for one in announcements)


def test_an_explanation_agrees_with_the_feed(served: Running) -> None:
    kept = {item["id"]: item for item in listed(served, "limit=500")["items"]}
    for item in listed(served, f"{WIDE}&limit=500")["items"]:
        told = served.ask(f"/api/explain?id={item['id']}").json()
        assert told["is_listed"] is (told["outcome"] == "listed") is (item["id"] in kept)
        assert sum(reason["points"] for reason in told["reasons"]) == told["score"]
        if item["id"] in kept:
            assert (told["score"], told["reasons"], told["mailing"]) == (
                kept[item["id"]]["score"],
                kept[item["id"]]["reasons"],
                kept[item["id"]]["mailing"],
            )


@pytest.mark.parametrize(
    ("query", "outcome", "detail"),
    [
        ("", "announce type", "announced as replace"),
        ("types=replace", "listed", ""),
        ("types=replace&min_score=3.5", "below min_score", "3 of 3.5 points"),
        ("types=replace-cross&scope=systems&min_score=0.5", "no match", ""),
        ("types=replace&scope=cs.AI", "other categories", "announced in cs.LG, cs.DC"),
        ("types=replace&mailing=2026-03-04", "other days", "announced in the mailing of 2026-03-05"),
    ],
)
def test_an_explanation_names_what_kept_a_paper_out(served: Running, query: str, outcome: str, detail: str) -> None:
    told = served.ask(f"/api/explain?id=2506.91772&{query}").json()
    assert (told["outcome"], told["detail"]) == (outcome, detail)


def test_the_list_of_feeds_leads_to_feeds_that_answer(served: Running) -> None:
    answer = served.ask("/api/feeds").json()
    assert [feed["scope"] for feed in answer["feeds"]] == ["default", "systems", *CONFIG["categories"]]
    for address in [answer["opml"], *(feed[kind] for feed in answer["feeds"] for kind in ("rss", "atom", "jsonfeed"))]:
        assert served.ask(address.removeprefix(PUBLIC)).status_code == 200


def test_every_category_of_arxiv_is_listed_with_its_feed(served: Running) -> None:
    categories = {one["id"]: one for one in served.ask("/api/categories").json()["categories"]}
    assert {name for name, one in categories.items() if one["is_configured"]} == set(CONFIG["categories"])
    assert categories["cs.AI"] == {
        "id": "cs.AI",
        "name": "Artificial Intelligence",
        "group": "Computer Science",
        "is_configured": True,
        "rss": f"{PUBLIC}/rss/cs.AI",
    }
    assert {"hep-th", "quant-ph", "stat.ML"} <= set(categories)


def test_the_configuration_is_shown_without_anything_secret(served: Running) -> None:
    answer = served.ask("/api/config")
    profiles = [answer.json()["default"], *answer.json()["profiles"]]
    assert [(profile["name"], profile["categories"], profile["min_score"]) for profile in profiles] == [
        ("default", CONFIG["categories"], 1.0),
        ("systems", ["cs.DC"], 0.0),
    ]
    assert profiles[0]["keywords"][:2] == [{"term": "LLM", "weight": 1.0}, {"term": "attention", "weight": 2.0}]
    for text in (answer.text, served.ask("/config").text):
        assert not [word for word in ("sesame", "sqlite", "127.0.0.1", "config.json") if word in text]


def test_the_origin_s_users_find_their_keys_again(served: Running) -> None:
    answer = served.ask("/config").json()
    keys = ("categories", "exclude_keywords", "min_score")
    assert {key: answer[key] for key in keys} == {key: CONFIG[key] for key in keys}
    assert answer["keywords"] == ["LLM", "attention", "network", "training", "fast"]
    assert (answer["max_papers"], answer["days_back"]) == (30, 7)


@pytest.mark.parametrize(
    "address",
    [
        "/api/papers",
        "/api/papers/2506.91772",
        "/api/explain?id=2506.91772",
        "/api/feeds",
        "/api/categories",
        "/api/config",
        "/config",
        "/health",
    ],
)
def test_every_json_answer_says_whether_its_data_are_made_up(served: Running, sampled: Running, address: str) -> None:
    assert [service.ask(address).json()["sample_data"] for service in (served, sampled)] == [False, True]


def test_answers_about_papers_change_with_the_data(empty: Running, arxiv: ArxivStandIn) -> None:
    arxiv.show(WEEK[0].day)
    empty.refresh()
    addresses = ("/api/papers", f"/api/papers/{listed(empty)['items'][0]['id']}")
    before = [empty.ask(address).headers["Last-Modified"] for address in addresses]
    empty.clock.advance(timedelta(hours=1))
    arxiv.show(WEEK[1].day)
    empty.refresh()
    after = [empty.ask(address).headers["Last-Modified"] for address in addresses]
    assert (before, after) == (["Thu, 05 Mar 2026 14:00:00 GMT"] * 2, ["Thu, 05 Mar 2026 15:00:00 GMT"] * 2)
