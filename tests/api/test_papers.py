from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pytest

from demo.standin import ArxivStandIn
from tests.api.running import CONFIG, PUBLIC, WEEK, Running, best_first, refresh_through_week, running

WIDE = "min_score=0&days=30&types=new,cross,replace,replace-cross"


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """As `served`, ranking by relevance, with papers that the default profile likes."""
    config = {key: value for key, value in CONFIG.items() if key != "ranking"} | {
        "likes": ["2603.91204"],
        "dislikes": ["2603.91545"],
        "authors": ["Carvalho"],
    }
    with ArxivStandIn(WEEK) as standin, running(tmp_path_factory.mktemp("ranked"), standin, config=config) as service:
        refresh_through_week(service, standin)
        yield service


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
        "summary_absence": "This service writes no summaries: ai_summary.enabled in its config.json does not say so.",
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


@pytest.mark.parametrize("written", ["{}", "{}v3", "arXiv:{}", "arxiv:{}", "ARXIV:{}v1"])
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


@pytest.mark.parametrize(
    ("mailing", "notice"),
    [
        ("2026-02-26", "Nothing is stored of the mailing of 2026-02-26."),
        ("2026-02-28", "arXiv had no mailing on 2026-02-28."),
        ("2026-03-06", "The mailing of 2026-03-06 is not here yet."),
        ("2026-03-07", "arXiv has no mailing on 2026-03-07."),
    ],
)
def test_of_a_mailing_without_papers_it_is_said_why(served: Running, mailing: str, notice: str) -> None:
    told = listed(served, f"mailing={mailing}")
    assert (told["items"], told["notices"][-1:]) == ([], [notice])


def explained(service: Running, paper_id: str, query: str = "") -> dict[str, Any]:
    told: dict[str, Any] = service.ask(f"/api/explain?id={paper_id}&{query}").json()
    return told


def rules_of(told: dict[str, Any], kind: str) -> list[tuple[str, bool]]:
    """The rules of one *kind* in *told*, each with whether it is a hit."""
    return [(rule["rule"], rule["is_hit"]) for rule in told["rules"] if rule["kind"] == kind]


def every_id(service: Running) -> list[str]:
    return [
        item["id"] for mailing in WEEK for item in listed(service, f"{WIDE}&limit=500&mailing={mailing.day}")["items"]
    ]


def test_an_explanation_goes_through_every_rule_of_the_profile_in_order_hit_or_miss(served: Running) -> None:
    for paper_id in every_id(served):
        told = explained(served, paper_id)
        cap = [("cap", "30 of each mailing")] if told["rank"] is not None else []
        assert [(rule["kind"], rule["rule"]) for rule in told["rules"]] == [
            ("category", "cs.AI or cs.CL or cs.DC or cs.LG"),
            ("days", "the last 7 days"),
            ("announce type", "new or cross"),
            ("exclusion", "survey"),
            *(("keyword", keyword) for keyword in ("LLM", "attention", "network", "training", "fast")),
            ("min_score", "1"),
            *cap,
        ]


def test_a_hit_says_where_the_term_stands_and_what_it_gives_and_a_miss_says_nothing(served: Running) -> None:
    rules = {rule["rule"]: rule for rule in explained(served, "2506.91772", "types=replace")["rules"]}
    fields = ("is_hit", "field", "points")
    assert [rules["attention"][field] for field in fields] == [True, "title", 3.0]
    assert [rules["network"][field] for field in fields] == [False, None, 0.0]


@pytest.mark.parametrize(
    ("query", "misses"),
    [
        ("", {"announce type"}),
        ("types=replace", set()),
        ("types=replace&min_score=3", set()),
        ("types=replace&min_score=3.5", {"min_score"}),
        ("types=replace&mailing=2026-03-04", {"days"}),
        ("types=replace&scope=cs.AI", {"category"}),
    ],
)
def test_the_rules_say_which_of_them_keep_a_paper_out(served: Running, query: str, misses: set[str]) -> None:
    rules = explained(served, "2506.91772", query)["rules"]
    asked_for = [rule for rule in rules if rule["kind"] not in {"keyword", "exclusion"}]
    assert {rule["kind"] for rule in asked_for if not rule["is_hit"]} == misses
    assert rules_of({"rules": rules}, "exclusion") == [("survey", False)]


@pytest.mark.parametrize(
    ("query", "kind", "told"),
    [
        ("scope=cs.AI", "category", ("cs.AI", "announced in cs.LG, cs.DC")),
        ("", "category", ("cs.AI or cs.CL or cs.DC or cs.LG", "announced in cs.LG, cs.DC")),
        ("days=2", "days", ("the last 2 days", "announced in the mailing of 2026-03-05")),
        ("mailing=2026-03-04", "days", ("the mailing of 2026-03-04", "announced in the mailing of 2026-03-05")),
    ],
)
def test_the_rules_of_categories_and_days_say_where_and_when_the_paper_was_announced(
    served: Running, query: str, kind: str, told: tuple[str, str]
) -> None:
    rules = explained(served, "2506.91772", f"types=replace&{query}")["rules"]
    assert [(rule["rule"], rule["detail"]) for rule in rules if rule["kind"] == kind] == [told]


def test_a_paper_over_the_cap_has_a_rank_behind_it(served: Running) -> None:
    wide = f"{WIDE}&limit=500"
    of_categories = {
        item["id"] for scope in CONFIG["categories"] for item in listed(served, f"{wide}&scope={scope}")["items"]
    }
    over = [explained(served, paper_id, WIDE) for paper_id in of_categories - set(every_id(served))]
    told = {(one["outcome"], one["rank"] > 30, *rules_of(one, "cap")) for one in over if one["rank"]}
    assert told == {("over the cap", True, ("30 of each mailing", False))}


def test_a_paper_that_the_limit_keeps_out_has_a_rule_that_says_so(served: Running) -> None:
    kept = {entry["id"].rpartition("/")[2] for entry in served.ask("/jsonfeed?limit=3").json()["items"]}
    told = [explained(served, paper_id, "limit=3") for paper_id in every_id(served)]
    ranked = [one for one in told if one["rank"]]
    assert {one["id"] for one in ranked if rules_of(one, "limit") == [("3 in all", True)]} == kept
    over = {
        rule["detail"] for one in ranked if not one["is_listed"] for rule in one["rules"] if rule["kind"] == "limit"
    }
    assert over == {f"place {place} of 3" for place in range(4, 1 + len(ranked))}


def test_without_a_least_score_none_is_too_low(ranked: Running) -> None:
    told = explained(ranked, "2602.98134", "q=id:2602.98134&dislike=2602.98134")
    assert (told["score"] < 0, told["is_listed"], rules_of(told, "min_score")) == (True, True, [("0", True)])


@pytest.mark.parametrize(
    "query",
    [
        *(
            "",
            "types=replace",
            "scope=systems",
            "scope=hep-ex&q=training",
            "mailing=2026-03-03",
            "exclude=network,ti:fast",
        ),
        *("q=network OR training", "q=(moe OR quant*) -training", "q=training&au=Carvalho", "au=Carvalho;Novák"),
        *("like=2602.98134", "like=2602.98134&q=training&dislike=2603.91204", "dislike=2602.98134&min_score=0"),
    ],
)
@pytest.mark.parametrize("by", ["count", "relevance"])
def test_the_points_of_the_rules_add_up_to_the_score(served: Running, ranked: Running, by: str, query: str) -> None:
    service = served if by == "count" else ranked
    told = [explained(service, paper_id, query) for paper_id in every_id(served)[::4]]
    assert [round(sum(rule["points"] for rule in one["rules"]), 4) for one in told] == [one["score"] for one in told]


@pytest.mark.parametrize("query", ["q=training", "au=Carvalho", "q=training&exclude=fast", "like=2602.98134"])
def test_an_explanation_agrees_with_a_personal_feed(ranked: Running, query: str) -> None:
    kept = {item["id"]: (item["score"], item["reasons"]) for item in listed(ranked, f"{query}&limit=500")["items"]}
    told = {paper_id: explained(ranked, paper_id, query) for paper_id in [*kept, *every_id(ranked)[::4]]}
    assert {paper_id: (one["score"], one["reasons"]) for paper_id, one in told.items() if one["is_listed"]} == kept


def test_an_explanation_of_q_has_its_own_rule_and_a_rule_for_each_wanted_term_and_none_of_the_profile(
    served: Running,
) -> None:
    told = explained(served, "2603.91223", "q=Training^2 OR ti:kernel -survey")
    assert [rule["kind"] for rule in told["rules"]] == [
        *("category", "days", "announce type", "query", "NOT in the query", "term of the query", "term of the query"),
        *("min_score", "cap"),
    ]
    assert rules_of(told, "query") == [("ti:kernel -survey OR training^2", True)]
    assert rules_of(told, "term of the query") == [("training", True), ("ti:kernel", False)]


def test_an_explanation_says_which_keywords_that_are_queries_find_the_paper(tmp_path: Path) -> None:
    config = {
        **CONFIG,
        "keywords": ["training", "training -heavy", "noise AND survey", "imputation OR kernel", "kv cache"],
    }
    with ArxivStandIn(WEEK) as standin, running(tmp_path, standin, config=config) as service:
        refresh_through_week(service, standin)
        told = explained(service, "2603.91223", "")
    assert rules_of(told, "keyword entry") == [
        ("training -heavy", False),
        ("noise AND survey", False),
        ("imputation OR kernel", True),
    ]


@pytest.mark.parametrize(
    ("query", "outcome", "detail", "is_found"),
    [
        ("q=training", "listed", "", True),
        ("q=network", "no match", "", False),
        ("q=-training", "no match", "", False),
        ("q=-network", "listed", "", True),
        ("q=training&exclude=imputation,noise,kernel", "exclusion", "imputation, noise", True),
        ("q=training&min_score=1.5", "below min_score", "1 of 1.5 points", True),
        ("q=training&types=replace", "announce type", "announced as new", True),
        ("q=training&mailing=2026-03-05", "other days", "announced in the mailing of 2026-03-04", True),
        ("q=training&scope=cs.DC", "other categories", "announced in cs.LG", True),
        ("q=network&scope=cs.DC", "other categories", "announced in cs.LG", False),
    ],
)
def test_an_explanation_of_q_says_whether_it_finds_the_paper_and_what_decided(
    served: Running, query: str, outcome: str, detail: str, is_found: bool
) -> None:
    told = explained(served, "2603.91223", query)
    assert (told["outcome"], told["detail"]) == (outcome, detail)
    assert [is_hit for _, is_hit in rules_of(told, "query")] == [is_found]


@pytest.mark.parametrize(
    ("query", "unwanted"),
    [
        ("q=training -imputation", [("imputation", True)]),
        ("q=training -(survey OR imputation) NOT cat:cs.DC", [("imputation OR survey", True), ("cat:cs.DC", False)]),
        ("q=training", []),
    ],
)
def test_an_explanation_of_q_names_what_stands_behind_not_and_whether_the_paper_has_it(
    served: Running, query: str, unwanted: list[tuple[str, bool]]
) -> None:
    assert rules_of(explained(served, "2603.91223", query), "NOT in the query") == unwanted


def test_an_explanation_names_every_exclusion_of_profile_and_address_and_which_of_them_hit(served: Running) -> None:
    told = explained(served, "2603.91223", "exclude=noise,kernel")
    assert rules_of(told, "exclusion") == [("survey", False), ("kernel", False), ("noise", True)]


def test_an_explanation_tells_authors_likes_and_dislikes_apart(ranked: Running) -> None:
    told = explained(ranked, "2603.91223")
    assert rules_of(told, "author") == [("Carvalho", True)]
    points = {kind: [rule["points"] for rule in told["rules"] if rule["kind"] == kind] for kind in ("like", "dislike")}
    assert [len(points["like"]), len(points["dislike"])] == [1, 1]
    assert points["dislike"] < [0.0] < points["like"]


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
    dates = []
    for mailing in WEEK[-2:]:
        empty.clock.now = datetime.combine(mailing.day, time(14, tzinfo=UTC))
        arxiv.show(mailing.day)
        empty.refresh()
        addresses = ("/api/papers", f"/api/papers/{listed(empty)['items'][-1]['id']}")
        dates.append([empty.ask(address).headers["Last-Modified"] for address in addresses])
    assert dates == [["Wed, 04 Mar 2026 14:00:00 GMT"] * 2, ["Thu, 05 Mar 2026 14:00:00 GMT"] * 2]
