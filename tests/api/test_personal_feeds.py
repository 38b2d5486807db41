"""Feeds that an address describes by itself: what they list, how they are named, and that arXiv is not asked for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import feedparser
import pytest

from api.wiring import build_service
from core.arxiv.announced import Announced, Submissions, Window
from core.freshness import Source
from core.papers import Paper
from demo.standin import ArxivStandIn
from tests.api.running import CONFIG, PUBLIC, WEEK, Clock, Running, refresh_through_week, running, settings_for
from tests.api.test_feeds import every_format, paper_ids, self_address, title
from tests.api.test_problems import problem
from tests.core.feeds.rules import atom_breaches, parse_strictly, rss_breaches

FORMATS = ("rss", "atom", "jsonfeed")
ADDRESSES = (
    "/rss?",
    "/atom?",
    "/jsonfeed?",
    "/rss/cs.AI?",
    "/atom/systems?",
    "/jsonfeed/cs.LG+cs.AI?",
    "/api/papers?",
    "/api/papers?scope=cs.AI&",
    "/api/explain?id=2603.91223&",
    "/api/explain?id=2603.91223&scope=systems&",
)
ALL_TYPES = "types=new,cross,replace,replace-cross"
RELEVANCE = {key: value for key, value in CONFIG.items() if key != "ranking"}

every_address = pytest.mark.parametrize("address", ADDRESSES)


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service that has seen the whole week and ranks by relevance. For asking only: all tests share it."""
    folder = tmp_path_factory.mktemp("ranked")
    with ArxivStandIn(WEEK) as standin, running(folder, standin, config=RELEVANCE) as service:
        refresh_through_week(service, standin)
        yield service


@dataclass(frozen=True, slots=True)
class Watched:
    """A service with a full store, and the stand-in that it would ask."""

    service: Running
    arxiv: ArxivStandIn

    def requests_for(self, addresses: Sequence[str]) -> tuple[int, set[int]]:
        """How many requests to arXiv the *addresses* caused, and the statuses of their answers."""
        before = len(self.arxiv.requests)
        statuses = {self.service.ask(address).status_code for address in addresses}
        self.arxiv.wait_until_idle()
        return len(self.arxiv.requests) - before, statuses


@pytest.fixture
def watched(empty: Running, arxiv: ArxivStandIn) -> Watched:
    refresh_through_week(empty, arxiv)
    return Watched(empty, arxiv)


def items(service: Running, query: str) -> list[dict[str, Any]]:
    """What /api/papers lists, best first."""
    listed: list[dict[str, Any]] = service.ask(f"/api/papers?limit=500&{query}").json()["items"]
    return listed


def ids(service: Running, query: str) -> list[str]:
    return [item["id"] for item in items(service, query)]


def notices(service: Running, query: str) -> list[str]:
    told: list[str] = service.ask(f"/api/papers?{query}").json()["notices"]
    return told


def says(item: Mapping[str, Any], pattern: str) -> bool:
    """Whether *pattern* stands in the title or abstract of *item*, in any case."""
    return bool(re.search(pattern, f"{item['title']}\n{item['abstract']}", re.IGNORECASE))


# --- parameters ---

GOOD = {
    "q": "network",
    "au": "Aiko%20Carvalho;Hinton,%20G.",
    "like": "2603.91204,cs/0412968v1",
    "dislike": "2603.91545",
    "exclude": "training,ti:review",
    "types": "new,replace",
    "min_score": "0.5",
    "days": "3",
    "mailing": "2026-03-04",
    "summaries": "0",
    "lang": "de",
}
EVERYTHING = "&".join(f"{name}={text}" for name, text in GOOD.items())


@every_address
def test_every_address_takes_every_parameter_and_all_of_them_together(served: Running, address: str) -> None:
    queries = [*(f"{name}={text}" for name, text in GOOD.items()), EVERYTHING]
    assert {query: served.ask(address + query).status_code for query in queries} == dict.fromkeys(queries, 200)


@every_format
def test_the_limit_cuts_a_personal_feed_and_the_first_page_of_a_personal_list(served: Running, kind: str) -> None:
    feed = paper_ids(kind, served.ask(f"/{kind}?q=training&limit=3").content)
    page = served.ask("/api/papers?q=training&limit=3").json()
    assert (len(feed), len(page["items"]), page["total"] > 3) == (3, 3, True)


TOO_MANY_IDS = ",".join(f"2602.1{number:04}" for number in range(51))
TOO_MANY_NAMES = ";".join(f"name{number}" for number in range(51))

# parameter, its text -> what the reason says
BAD: Mapping[tuple[str, str], str] = {
    ("q", ""): "at least 1 character",
    ("q", " "): "column 1: a word",
    ("q", "x" * 2_001): "at most 2000 characters",
    ("q", "a " * 501): "500 terms",
    ("q", "(kv cache"): "column 1: this parenthesis is never closed",
    ("q", "moe OR"): "column 7: a word",
    ("q", 'moe "kv'): "column 5: this quote is never closed",
    ("q", "moe^nan"): "column 4: a weight",
    ("q", "foo:bar"): "column 1: foo: is no field",
    ("q", "moe cat:cs.XX"): "column 9: 'cs.XX' is no category of arXiv",
    ("q", "id:12"): "column 4: '12' is not an arXiv identifier",
    ("q", "("): "column 1: this parenthesis is never closed",
    ("q", "(" * 2_000): "column 2000: this parenthesis is never closed",
    ("q", ")" * 2_000): "column 1: this parenthesis closes none",
    ("q", "(" * 999 + "a" + ")" * 999): "nested 20 deep at most",
    ("q", "NOT " * 499 + "a"): "nested 20 deep at most",
    ("q", "\0"): "column 1: '\\x00' has no letter or digit",
    ("q", "\u202e\u2066"): "column 1: '\\u202e\\u2066' has no letter or digit",
    ("q", "🦜"): "column 1: '🦜' has no letter or digit",
    ("q", '""'): "column 1: '' has no letter or digit",
    ("au", ""): "at least 1 character",
    ("au", ";"): "has no name in it",
    ("au", "\0"): "has no letter",
    ("au", "🦜;Yann LeCun"): "'🦜' has no letter",
    ("au", "LeCun, Yann, Bengio, Yoshua"): "is more than one name; each is given for itself",
    ("au", TOO_MANY_NAMES): "names 51 people; 50 can be followed at most",
    ("au", "x" * 1_001): "at most 1000 characters",
    **{
        (parameter, text): reason
        for parameter in ("like", "dislike")
        for text, reason in {
            "": "at least 1 character",
            ",": "no identifier in it, such as 2401.01234",
            "2602.07306,none": "'none' is not an arXiv identifier",
            "2613.07306": "'2613.07306' is not an arXiv identifier",
            "２602.07306": "'２602.07306' is not an arXiv identifier",
            "2602.07306\0": "'2602.07306\\x00' is not an arXiv identifier",
            TOO_MANY_IDS: "names 51 papers; 50 can be named at most",
            "x" * 1_001: "at most 1000 characters",
        }.items()
    },
    ("exclude", ""): "at least 1 character",
    ("exclude", ","): "has no term in it",
    ("exclude", "x" * 2_001): "at most 2000 characters",
    ("exclude", "(survey"): "this parenthesis is never closed",
    ("exclude", 'survey,"kv cache'): "this quote is never closed",
    ("exclude", "cat:cs.XX"): "column 5: 'cs.XX' is no category of arXiv",
    ("exclude", "survey,\0"): "has no letter or digit",
    ("types", ""): "one or more of new, cross",
    ("types", "new,\0"): "one or more of new, cross",
    ("min_score", "much"): "valid number",
    ("min_score", "nan"): "finite number",
    ("min_score", "-1"): "greater than or equal to 0",
    ("min_score", "1000001"): "less than or equal to 1000000",
    ("days", "0"): "greater than or equal to 1",
    ("days", "31"): "less than or equal to 30",
    ("days", "\0"): "valid integer",
    ("mailing", "yesterday"): "a date such as 2026-03-05",
    ("mailing", "2026-13-01"): "a date such as 2026-03-05",
    ("mailing", "2026-02-30"): "a date such as 2026-03-05",
    ("summaries", "2"): "'0', '1' or 'brief'",
    ("lang", "english!"): "pattern",
    ("lang", "en\0"): "pattern",
    ("Q", "network"): "there is no such parameter",
}


@pytest.mark.parametrize(("parameter", "text"), BAD, ids=lambda value: ascii(value)[:40])
def test_a_parameter_that_is_not_acceptable_is_named_with_the_reason_alike_everywhere(
    cold: Running, unasked: ArxivStandIn, parameter: str, text: str
) -> None:
    documents = [problem(cold.ask(f"{address}{parameter}={quote(text, safe='')}")) for address in ADDRESSES]
    (told,) = documents[0]["errors"]
    assert documents == [documents[0]] * len(ADDRESSES)
    assert (documents[0]["status"], documents[0]["code"], told["parameter"]) == (422, "bad_query", parameter)
    assert (told["reason"].count(BAD[parameter, text]), unasked.requests) == (1, ())


@every_address
def test_text_that_is_not_utf_8_is_refused_and_not_guessed_at(cold: Running, address: str) -> None:
    (told,) = problem(cold.ask(f"{address}q=%FF%FE"))["errors"]
    assert (told["parameter"], "has no letter or digit" in told["reason"]) == ("q", True)


@pytest.mark.parametrize("limit", ["0", "501", "x"])
@pytest.mark.parametrize("address", [one for one in ADDRESSES if "explain" not in one])
def test_a_limit_out_of_bounds_is_refused(cold: Running, address: str, limit: str) -> None:
    (told,) = problem(cold.ask(f"{address}q=network&limit={limit}"))["errors"]
    assert told["parameter"] == "limit"


@every_address
@pytest.mark.parametrize("name", ["q", "au", "like", "dislike", "exclude"])
def test_a_parameter_given_twice_is_refused(cold: Running, address: str, name: str) -> None:
    (told,) = problem(cold.ask(f"{address}{name}=2602.07306&{name}=2602.07306"))["errors"]
    assert told == {"parameter": name, "reason": "is given more than once"}


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("kv\0cache", "kv-cache"),
        ("kv\x1b[31m\tcache\r\n", "cache kv-31m"),
        ("\u202enetwork\u2069", "network"),
        ("שלום", "שלום"),
        ("network<script>alert", "network-script-alert"),
        ('"]]>&amp;<b>"', '"amp b"'),
        ("“Schrödinger’s cat”", '"schrödinger cat"'),
        ("network🦜", "network"),
        ("%00%22", "00-22"),
        ("moe \ufffe\U0001f99c/rl", "moe rl"),
    ],
    ids=ascii,
)
@every_format
def test_hostile_text_around_words_leaves_the_words_and_valid_documents(
    served: Running, kind: str, text: str, wish: str
) -> None:
    document = served.ask(f"/{kind}?q={quote(text, safe='')}").content
    breaches = {"rss": rss_breaches, "atom": atom_breaches}.get(kind, lambda _: [])(document)
    assert (title(kind, document), list(breaches)) == (f"arXiv: cs.AI, cs.CL, cs.DC, cs.LG: {wish}", [])


# --- what is listed ---


def test_q_lists_exactly_what_it_finds(served: Running) -> None:
    everything = {
        item["id"]: item
        for mailing in WEEK
        for item in items(served, f"min_score=0&mailing={mailing.day}&exclude=nothinglikethis")
    }
    found = ids(served, 'q="network"')
    assert found
    assert {paper_id for paper_id in everything if says(everything[paper_id], r"\bnetwork\b")} <= set(found)
    assert all(says(item, r"\bnetwork\b") for item in items(served, 'q="network"'))


def test_q_takes_the_place_of_the_profiles_keywords_authors_exclusions_and_min_score(served: Running) -> None:
    listed = items(served, "q=survey^0.5")
    assert listed
    assert all(says(item, "survey") for item in listed)
    assert {reason["term"] for item in listed for reason in item["reasons"]} == {"survey"}
    assert max(item["score"] for item in listed) < CONFIG["min_score"]


def test_min_score_counts_beside_q_where_the_address_says_so(served: Running) -> None:
    everything = items(served, "q=training")
    assert items(served, "q=training&min_score=1.5") == [item for item in everything if item["score"] >= 1.5]
    assert len({item["score"] for item in everything}) > 1


def test_exclude_takes_away_from_what_q_finds(served: Running) -> None:
    everything = items(served, "q=training")
    rest = [item for item in everything if not says(item, r"\bgradients\b")]
    assert (items(served, 'q=training&exclude="gradients"'), len(rest) < len(everything)) == (rest, True)


def test_exclude_adds_to_the_exclusions_of_the_profile(served: Running) -> None:
    plain = items(served, "scope=default")
    rest = [item for item in plain if not says(item, r"\battention\b")]
    assert (items(served, 'exclude="attention"'), len(rest) < len(plain)) == (rest, True)
    assert not [item for item in rest if says(item, "survey")]


@pytest.mark.parametrize(
    ("exclude", "left"),
    [
        ('"training" AND "gradients"', "training -(training gradients)"),
        ("gradients OR proximal", "training -gradients -proximal"),
        ("(gradients OR proximal),cluster", "training -gradients -proximal -cluster"),
        ('ti:gradients,"proximal point"', 'training -ti:gradients -"proximal point"'),
        ("-gradients", "training gradients"),
        ("cat:cs.DC", "training -cat:cs.DC"),
    ],
)
def test_an_exclusion_can_be_a_query(served: Running, exclude: str, left: str) -> None:
    rest = [item["id"] for item in items(served, "q=training") if item["id"] in ids(served, f"q={left}")]
    assert ids(served, f"q=training&exclude={exclude}") == rest
    assert 0 < len(rest) < len(items(served, "q=training"))


@pytest.mark.parametrize("query", ["q=-training", "q=network OR -network"])
def test_a_query_that_gives_no_points_lists_what_it_finds_all_the_same(served: Running, query: str) -> None:
    listed = items(served, query)
    assert (len(listed) > 0, min(item["score"] for item in listed)) == (True, 0.0)


@pytest.mark.parametrize(
    "name", ["Aiko Carvalho", "aiko CARVALHO", "Carvalho, Aiko", "Carvalho , Aiko", "Áiko Carvalho"]
)
def test_an_author_is_found_by_any_spelling_of_the_name(served: Running, name: str) -> None:
    listed = items(served, f"au={name}")
    assert [item["id"] for item in listed] == ["2603.91223"]
    assert [reason["field"] for reason in listed[0]["reasons"]] == ["authors"]


def test_an_initial_finds_everybody_it_can_stand_for(served: Running) -> None:
    found = items(served, "au=A. Carvalho")
    names = {author["name"] for item in found for author in item["authors"] if author["name"].endswith("Carvalho")}
    assert names == {"Ahmed K. Carvalho", "Aiko Carvalho", "Ahmed M. Carvalho", "Ada J. R. Carvalho"}
    assert [ids(served, f"au={written}") for written in ("Carvalho, A.", "carvalho a")] == [
        ids(served, "au=A. Carvalho")
    ] * 2


@pytest.mark.parametrize("separated", ["Aiko Carvalho;Aiko Björklund", "Aiko Carvalho,Aiko Björklund"])
def test_names_are_separated_by_semicolons_or_by_commas_without_a_space(served: Running, separated: str) -> None:
    assert set(ids(served, f"au={separated}")) == {"2603.91223", "2602.98107"}


def test_authors_and_likes_list_what_has_any_points(ranked: Running) -> None:
    listed = items(ranked, f"au=Aiko Carvalho&like=2603.91204&{ALL_TYPES}")
    assert {"2603.91223", "2603.91204"} <= {item["id"] for item in listed}
    assert min(item["score"] for item in listed) > 0


def test_authors_beside_q_give_points_and_bring_in_nothing(served: Running) -> None:
    plain, followed = items(served, "q=training"), items(served, "q=training&au=Aiko Carvalho")
    assert {item["id"] for item in plain} == {item["id"] for item in followed}
    (raised,) = [item for item in followed if item["id"] == "2603.91223"]
    assert [reason["term"] for reason in raised["reasons"]] == ["training", "aiko carvalho"]


@pytest.mark.parametrize("scope", ["systems", "cs.AI", "cs.LG%2Bcs.AI"])
def test_a_personal_feed_keeps_to_its_scope(served: Running, scope: str) -> None:
    wanted = {"systems": {"cs.DC"}, "cs.AI": {"cs.AI"}}.get(scope, {"cs.AI", "cs.LG"})
    listed = items(served, f"scope={scope}&q=training OR the")
    assert listed
    assert all(wanted & set(item["categories"]) for item in listed)


# --- likes ---

DISLIKED = "2603.90909"
DISLIKE = f"&dislike={DISLIKED}"


@pytest.mark.parametrize(
    ("liked", "alike"),
    [
        ("2602.98134", "2507.91449"),  # key-value cache eviction, both
        ("2603.91204", "2603.91502"),  # gang scheduling
        ("2603.91508", "2602.98116"),  # reward hacking
    ],
)
def test_what_is_liked_comes_first_and_what_is_most_like_it_next(ranked: Running, liked: str, alike: str) -> None:
    assert ids(ranked, f"like={liked}")[:2] == [liked, alike]


def test_a_like_beside_q_changes_the_order_and_brings_in_nothing(ranked: Running) -> None:
    plain, liking = ids(ranked, "q=training"), ids(ranked, "q=training&like=2602.98145")
    assert (sorted(plain), plain == liking, liking[0]) == (sorted(liking), False, "2602.98145")


def test_dislikes_lower_what_is_like_them_and_raise_nothing(ranked: Running) -> None:
    liking = "q=training&like=2602.98145"
    before, after = ({item["id"]: item["score"] for item in items(ranked, f"{liking}{more}")} for more in ("", DISLIKE))
    assert after.keys() == before.keys()  # q found them
    assert all(after[paper_id] <= before[paper_id] for paper_id in after)
    assert after[DISLIKED] < 0 < before[DISLIKED]


def test_a_paper_that_is_named_and_not_stored_is_named_in_a_notice(ranked: Running) -> None:
    told = [notices(ranked, query) for query in ("like=2603.91204", "like=2401.00001,2603.91204", "dislike=2401.00002")]
    said = "Not stored here, so without a say in this ranking: {}."
    assert told == [[], [said.format("2401.00001")], [said.format("2401.00002")]]


def test_of_many_papers_that_are_not_stored_some_are_named(ranked: Running) -> None:
    liked = ",".join(f"2401.0000{number}" for number in range(1, 8))
    (told,) = notices(ranked, f"like={liked}")
    assert told.endswith("2401.00001, 2401.00002, 2401.00003, 2401.00004, 2401.00005 and 2 more.")


@every_format
def test_a_feed_says_which_liked_paper_is_not_stored(ranked: Running, kind: str) -> None:
    assert "without a say in this ranking: 2401.00001" in ranked.ask(f"/{kind}?like=2401.00001").text


# --- the documents ---


@every_format
@pytest.mark.parametrize(
    ("query", "wish", "canonical"),
    [
        ("q=network", "network", "q=network"),
        ("q=Network OR LLMs -Survey", "llm -survey OR network", "q=llm+-survey+OR+network"),
        ("q=%22KV cache%22^2 ti:moe", '"kv cache"^2 ti:moe', "q=%22kv+cache%22%5E2+ti:moe"),
        ("au=LeCun, Yann;Hinton", "by hinton, yann lecun", "au=hinton;yann+lecun"),
        ("like=2602.07306v2", "like 2602.07306", "like=2602.07306"),
        ("like=2602.07306&au=B&q=a", "a; by b; like 2602.07306", "q=a&au=b&like=2602.07306"),
        ("exclude=b,A", "", "exclude=a,b"),
        ("dislike=cs/0412968v1", "", "dislike=cs%2F0412968"),
        ("limit=3&q=network", "network", "q=network&limit=3"),
    ],
)
def test_a_personal_feed_says_in_its_title_and_its_own_address_what_it_is(
    served: Running, kind: str, query: str, wish: str, canonical: str
) -> None:
    answer = served.ask(f"/{kind}/cs.AI?{query}")
    named = (title(kind, answer.content), self_address(kind, answer.content))
    assert named == (f"arXiv: cs.AI{f': {wish}' if wish else ''}", f"{PUBLIC}/{kind}/cs.AI?{canonical}")
    assert served.ask(f"/{kind}/cs.AI?{canonical}").content == answer.content


def test_a_long_query_is_cut_short_in_the_title_and_not_in_the_address(served: Running) -> None:
    document = served.ask(f"/rss?q={' OR '.join(f'word{number}' for number in range(100, 200))}").content
    named, address = title("rss", document) or "", self_address("rss", document) or ""
    assert (len(named) < 160, named.endswith(" …"), address.count("word")) == (True, True, 100)


@pytest.mark.parametrize("kind", ["rss", "atom"])
@pytest.mark.parametrize(
    "query", ["q=training", 'q="training" -<b>&au=O\'Rourke;"Novák"', "like=2603.91204", EVERYTHING]
)
def test_a_personal_feed_breaks_no_rule_and_feedparser_reads_it(ranked: Running, kind: str, query: str) -> None:
    document = ranked.ask(f"/{kind}?{query}").content
    parsed = feedparser.parse(document)
    assert list((rss_breaches if kind == "rss" else atom_breaches)(document)) == []
    assert (parsed.bozo, [entry.id for entry in parsed.entries]) == (False, paper_ids(kind, document))
    assert parsed.feed.title == title(kind, document)


def test_the_list_of_feeds_names_no_personal_one(ranked: Running) -> None:
    before = ranked.ask("/opml").content
    ranked.ask("/rss?q=network")
    assert (ranked.ask("/opml").content, parse_strictly(before).tag) == (before, "opml")


def test_the_three_formats_and_the_list_of_papers_agree(ranked: Running) -> None:
    listed = {f"https://arxiv.org/abs/{paper_id}" for paper_id in ids(ranked, "q=training&like=2603.91204")}
    feeds = [paper_ids(kind, ranked.ask(f"/{kind}?like=2603.91204&q=training").content) for kind in FORMATS]
    assert feeds == [feeds[0]] * 3
    assert set(feeds[0]) == listed


# --- one form ---

# what makes no difference -> two addresses that differ in it
EQUAL = {
    "the order of parameters": ("q=network&au=b&limit=3&days=3", "days=3&limit=3&au=b&q=network"),
    "case": (
        "q=network OR llm&au=yann lecun&exclude=survey x&lang=de",
        "q=LLM OR Network&au=Yann LeCun&exclude=SURVEY X&lang=DE",
    ),
    "repetition": (
        "q=a b&au=c&like=2602.07306&exclude=d",
        "q=b a a&au=c;C&like=2602.07306,2602.07306v3&exclude=d,D",
    ),
    "the order of ids": (
        "like=2602.00001,2602.00002&dislike=2602.00003,2602.00004",
        "like=2602.00002,2602.00001&dislike=2602.00004,2602.00003",
    ),
    "the order of names": ("au=a;b", "au=b;a"),
    "the order of exclusions": ("exclude=a,b", "exclude=b,a"),
    "the order within a query": ("q=(a OR b) c -d", "q=-d c (b OR a)"),
    "defaults": ("q=a", "q=a&min_score=0&days=7&types=cross,new&summaries=1&lang=zh&limit=500"),
    "the least score of authors": ("au=a", "au=a&min_score=0.01"),
    "spaces": ("au=a;b&like=2602.00001&exclude=c,d", "au= a ; b &like= 2602.00001 &exclude= c , d "),
    "what stands between separators": (
        "au=a;b&like=2602.00001&exclude=c,d",
        "au=;a;;b&like=,2602.00001,&exclude=c,,d,",
    ),
    "the way a name is turned": ("au=Yann LeCun", "au=LeCun, Yann"),
    "operators": ("q=a b -c", "q=a AND b NOT c"),
    "ways of quoting": ("q=%22kv cache%22", "q=“KV Cache”"),
    "escapes": ("q=kv+cache&au=a%3Bb", "q=kv%20cache&au=a;b"),
    "what link trackers append": ("q=a", "q=a&utm_source=x"),
    "an exclusion that the profile has": ("days=3", "days=3&exclude=Survey"),
}


@every_format
@pytest.mark.parametrize("difference", EQUAL)
def test_addresses_that_ask_for_the_same_have_one_address_and_one_etag(
    served: Running, kind: str, difference: str
) -> None:
    one, other = (served.ask(f"/{kind}/cs.AI?{query}") for query in EQUAL[difference])
    assert self_address(kind, one.content) == self_address(kind, other.content)
    assert one.headers["ETag"] == other.headers["ETag"]


# no two of these ask for the same
DIFFERENT = (
    *("", "min_score=2", "days=3&exclude=a"),
    *("q=a", "q=b", "q=a b", "q=a OR b", "q=a^2", "q=-a", 'q="a"', "q=ti:a", "q=au:a", "au=a", "au=b", "au=a;b"),
    *("like=2602.00001", "like=2602.00002", "like=2602.00001,2602.00002", "dislike=2602.00001", "q=a&like=2602.00001"),
    *(
        "q=a&au=a",
        "q=a&dislike=2602.00001",
        "exclude=a",
        "exclude=b",
        "exclude=a,b",
        "q=a&exclude=b",
        "au=a&min_score=0",
    ),
    *(
        "q=a&summaries=0",
        "q=a&min_score=1",
        "q=a&days=3",
        "q=a&mailing=2026-03-05",
        "q=a&limit=3",
        "q=a&types=new",
        "q=a&lang=de",
    ),
)


@every_format
def test_addresses_that_ask_for_something_else_differ_in_address_and_etag(served: Running, kind: str) -> None:
    answers = [served.ask(f"/{kind}?{query}") for query in DIFFERENT]
    assert {answer.status_code for answer in answers} == {200}
    assert len({self_address(kind, answer.content) for answer in answers}) == len(DIFFERENT)
    assert len({answer.headers["ETag"] for answer in answers}) == len(DIFFERENT)


def test_a_reader_who_has_a_personal_feed_gets_it_only_once(served: Running) -> None:
    etag = served.ask("/rss?q=network OR llm").headers["ETag"]
    again = served.ask("/rss?q=LLM OR network", If_None_Match=etag)
    assert (again.status_code, again.content) == (304, b"")


# --- arXiv ---

PERSONAL = ("q=w{0}", "au=Name{0}", "like=2602.{1:05}", "dislike=2602.{1:05}&q=w", "exclude=w{0}&q=w")
TARGETS = (
    "/rss?",
    "/atom/cs.AI?",
    "/jsonfeed/systems?",
    "/rss/hep-th?",
    "/api/papers?scope=cs.LG%2Bquant-ph&",
    "/api/explain?id=2603.91223&",
)


def personal_addresses(count: int, *, targets: Sequence[str] = TARGETS) -> list[str]:
    """As many addresses, no two of which ask for the same."""
    every = []
    for number in range(count):
        word = f"{'abcdefghij'[number % 10]}{number}"
        query = PERSONAL[number % len(PERSONAL)].format(word, number)
        every.append(targets[number % len(targets)] + query)
    return every


def test_a_thousand_personal_addresses_ask_arxiv_for_nothing_even_when_that_is_due(watched: Watched) -> None:
    watched.service.clock.advance(timedelta(days=1))
    addresses = personal_addresses(1_000)
    asked, statuses = watched.requests_for(addresses)
    assert (asked, statuses, len(set(addresses))) == (0, {200}, 1_000)


def test_a_plain_address_asks_arxiv_when_that_is_due_and_a_personal_one_does_not(watched: Watched) -> None:
    watched.service.clock.advance(timedelta(days=1))
    asked = [watched.requests_for([address])[0] for address in ("/rss?q=a", "/rss?min_score=2&days=3", "/rss?q=b")]
    assert asked == [0, 1, 0]


def test_an_address_that_repeats_the_profiles_own_exclusions_is_a_plain_one(watched: Watched) -> None:
    watched.service.clock.advance(timedelta(days=1))
    assert watched.requests_for(["/rss?exclude=survey"])[0] == 1


def test_a_category_that_was_never_asked_for_is_not_fetched_for_a_personal_feed_and_says_so(
    cold: Running, unasked: ArxivStandIn
) -> None:
    for address in ("/rss/hep-th?", "/api/papers?scope=hep-th&", "/api/explain?id=2603.91223&scope=hep-th&"):
        answer = cold.ask(f"{address}q=a")
        document = problem(answer)
        assert (document["status"], document["code"], unasked.requests) == (503, "nothing_stored", ())
        assert document["detail"].startswith("Nothing of hep-th is stored; its feed without q, au, like")
        assert int(answer.headers["Retry-After"]) > 0


def test_of_two_categories_the_one_that_is_stored_is_listed_with_a_notice_of_the_other(watched: Watched) -> None:
    answer = watched.service.ask("/api/papers?scope=cs.AI%2Bhep-th&q=training&limit=500")
    assert answer.json()["items"] == items(watched.service, "scope=cs.AI&q=training")
    assert answer.json()["notices"][0].startswith("Nothing of hep-th is stored")
    assert answer.headers["Cache-Control"] == "public, max-age=300"


def test_what_a_plain_feed_fetched_of_a_category_is_there_for_personal_ones(watched: Watched) -> None:
    asked = [
        watched.requests_for([address])[0] for address in ("/rss/stat.ML?", "/rss/stat.ML?q=a", "/rss/stat.ML?q=b")
    ]
    assert asked == [1, 0, 0]
    assert notices(watched.service, "scope=stat.ML&q=a") == []


@pytest.mark.parametrize("address", ["/rss?q=", "/atom/cs.AI?au=", "/jsonfeed/systems?exclude=", "/api/papers?q="])
def test_a_personal_feed_of_a_service_that_never_fetched_anything_brings_the_first_mailing_in(
    empty: Running, arxiv: ArxivStandIn, address: str
) -> None:
    answers = [empty.ask(f"{address}{word}").status_code for word in ("training", "network", "attention")]
    assert (answers, len(arxiv.requests)) == ([200] * 3, 1)
    assert ids(empty, "q=training")


def test_personal_feeds_leave_arxiv_alone_while_the_first_mailing_cannot_be_had(
    empty: Running, arxiv: ArxivStandIn
) -> None:
    arxiv.fail_next(99, status=503)
    empty.ask("/rss?q=first")
    asked = len(arxiv.requests)
    statuses = {empty.ask(address).status_code for address in personal_addresses(50, targets=("/rss?", "/api/papers?"))}
    assert (statuses, len(arxiv.requests)) == ({503}, asked)


# --- ranking by relevance ---

WISHES = (
    "min_score=0",
    f"min_score=0&days=30&{ALL_TYPES}",
    "q=training",
    "q=training^0.333 OR attention^1.7 OR spec*^0.01",
    "q=(kv OR cache) (llm OR model)^0.7&au=Carvalho",
    "au=Carvalho;A. Novák",
    "like=2603.91204",
    "like=2603.91204,2602.98134,cs/0412968&dislike=2603.91545",
    "dislike=2603.91545,2602.98120&min_score=0",
    "like=2603.91204&q=-zzz",
)


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """As `ranked`, from feeds that list the papers of each mailing in the opposite order."""
    folder = tmp_path_factory.mktemp("turned")
    with ArxivStandIn(WEEK) as standin:
        source = build_service(settings_for(folder, standin, config=RELEVANCE), clock=Clock()).source
        with running(folder, standin, config=RELEVANCE, source=Reversed(source)) as service:
            refresh_through_week(service, standin)
            yield service


class Reversed:
    """A source that lists the papers of each feed in the opposite order."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def fetch_announcements(
        self, categories: Sequence[str], *, etag: str | None = None, apart: Collection[str] = ()
    ) -> Announced:
        announced = await self._source.fetch_announcements(categories, etag=etag, apart=apart)
        feeds = tuple(replace(feed, entries=tuple(reversed(feed.entries))) for feed in announced.feeds)
        return replace(announced, feeds=feeds)

    async def fetch_submissions(self, window: Window) -> Submissions:
        return await self._source.fetch_submissions(window)

    async def fetch_papers(self, ids: Iterable[str]) -> tuple[Paper, ...]:
        return await self._source.fetch_papers(ids)

    async def aclose(self) -> None:
        await self._source.aclose()


@pytest.mark.parametrize("query", WISHES)
def test_by_relevance_the_reasons_of_every_paper_add_up_to_its_score(ranked: Running, query: str) -> None:
    listed = items(ranked, query)
    sums = {item["id"]: round(sum(reason["points"] for reason in item["reasons"]), 4) for item in listed}
    assert (sums, len(listed) > 0) == ({item["id"]: item["score"] for item in listed}, True)


def test_two_services_on_one_store_give_the_same_bytes_whatever_each_was_asked_before(
    tmp_path: Path, arxiv: ArxivStandIn
) -> None:
    addresses = [f"{address}{query}" for query in ("", *WISHES) for address in ("/jsonfeed/systems?", "/api/papers?")]
    with running(tmp_path, arxiv, config=RELEVANCE) as first:
        refresh_through_week(first, arxiv)
        told = {address: first.ask(address).content for address in addresses}
        with running(tmp_path, arxiv, config=RELEVANCE) as second:
            assert {address: second.ask(address).content for address in reversed(told)} == told


def test_the_order_of_papers_in_arxivs_feed_makes_no_difference(ranked: Running, turned: Running) -> None:
    every = ("", *WISHES)
    assert [items(turned, query) for query in every] == [items(ranked, query) for query in every]
