from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from random import Random
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from api.selection import FeedParameters, feed_addresses, feed_title, parse_scope, parse_selection
from core.catalogue import Selection
from core.config import Config, parse_config
from core.errors import BadQuery, UnknownScope
from core.papers import AnnounceType
from core.profiles import Keyword
from tests.api.running import CONFIG
from tests.core.test_query import queries

BASE = "https://feeds.example.org"


@pytest.fixture(scope="module")
def config() -> Config:
    return parse_config(json.dumps(CONFIG))


def select(config: Config, scope: str = "default", query: str = "") -> Selection:
    parameters = FeedParameters.model_validate(dict(parse_qsl(query, keep_blank_values=True)))
    return parse_selection(scope, parameters, config, limit=parameters.limit)


@pytest.mark.parametrize(
    ("scope", "name", "categories"),
    [
        ("default", "default", ("cs.AI", "cs.CL", "cs.DC", "cs.LG")),
        ("systems", "systems", ("cs.DC",)),
        ("cs.AI", "cs.AI", ("cs.AI",)),
        ("CS.ai", "cs.AI", ("cs.AI",)),
        ("cs.LG+cs.AI", "cs.AI+cs.LG", ("cs.AI", "cs.LG")),
        ("cs.LG cs.AI", "cs.AI+cs.LG", ("cs.AI", "cs.LG")),
        ("cs.AI+cs.AI", "cs.AI", ("cs.AI",)),
        (
            "stat.ML+cs.DC+cs.AI+math.CO+cs.CV",
            "cs.AI+cs.CV+cs.DC+math.CO+stat.ML",
            ("cs.AI", "cs.CV", "cs.DC", "math.CO", "stat.ML"),
        ),
        ("HEP-TH+quant-ph", "hep-th+quant-ph", ("hep-th", "quant-ph")),
    ],
)
def test_a_scope_in_any_spelling_has_one_name(
    config: Config, scope: str, name: str, categories: tuple[str, ...]
) -> None:
    selection = select(config, scope)
    assert (selection.scope, selection.profile.categories) == (name, categories)


def test_the_address_of_a_configured_feed_asks_for_what_is_configured() -> None:
    """What is kept ready for readers is found by the selection that their address gives."""
    lists = {"likes": ["2602.00002", "2602.00001"], "dislikes": ["2602.00004", "2602.00003"], "authors": ["b", "a"]}
    config = parse_config(json.dumps({**CONFIG, **lists}))
    for scope in ("default", "systems", "cs.AI"):
        assert select(config, scope) == Selection(*parse_scope(scope, config))


def test_what_an_address_dislikes_comes_after_what_its_profile_does() -> None:
    config = parse_config(json.dumps({**CONFIG, "dislikes": ["2602.00004", "2602.00001"]}))
    selection = select(config, query="dislike=2602.00003,2602.00001,2602.00002")
    assert selection.profile.dislikes == ("2602.00004", "2602.00001", "2602.00002", "2602.00003")
    assert selection.parameters == "dislike=2602.00002,2602.00003"


@pytest.mark.parametrize("scope", ["", "+", "cs.AI+", "Default", "cs.AI,cs.LG", "cs.AI++cs.LG", "SYSTEMS"])
def test_what_is_no_scope_is_refused(config: Config, scope: str) -> None:
    with pytest.raises(UnknownScope):
        parse_scope(scope, config)


def test_categories_are_held_against_the_default_profile(config: Config) -> None:
    profile = select(config, "hep-th").profile
    default = config.default
    assert (profile.keywords, profile.exclude_keywords, profile.min_score) == (
        default.keywords,
        default.exclude_keywords,
        default.min_score,
    )


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("", ""),
        ("types=cross,new", ""),
        ("types=new,cross,new", ""),
        ("types=replace-cross,new", "types=new,replace-cross"),
        ("min_score=1", ""),
        ("min_score=1.0e0", ""),
        ("min_score=2.50", "min_score=2.5"),
        ("min_score=0", "min_score=0"),
        ("min_score=-0", "min_score=0"),
        ("min_score=0.1", "min_score=0.1"),
        ("min_score=0.00004", "min_score=0.0001"),
        ("min_score=1e6", "min_score=1000000"),
        ("days=7", ""),
        ("days=03", "days=3"),
        ("limit=500", ""),
        ("limit=10", "limit=10"),
        ("mailing=2026-03-05", "mailing=2026-03-05"),
        (
            "limit=10&mailing=2026-03-05&min_score=2&types=new",
            "types=new&min_score=2&mailing=2026-03-05&limit=10",
        ),
        ("mailing=2026-03-05&days=3", "mailing=2026-03-05"),
        ("q=LLM", "q=llm"),
        ("q=llm OR a OR LLM^2", "q=a+OR+llm%5E2"),
        ("q=(llm^2 OR llm) -a^3", "q=llm%5E2+-a"),
        ("q=LLMs OR b a", "q=a+b+OR+llm"),
        ("q=(b OR a) -d c", "q=(a+OR+b)+c+-d"),
        ('q="KV cache"^2.0', "q=%22kv+cache%22%5E2"),
        ("q=CAT:CS.lg AU:%22LeCun, Yann%22", "q=au:%22yann+lecun%22+cat:cs.LG"),
        ("au=Yann LeCun", "au=yann+lecun"),
        ("au=LeCun, Yann", "au=yann+lecun"),
        ("au=Y. LeCun", "au=y+lecun"),
        ("au=LeCun Y", "au=y+lecun"),
        ("au=LeCun,Yann", "au=lecun;yann"),
        ("au=Yann LeCun;lecun, yann; ;Hinton%3B", "au=hinton;yann+lecun"),
        ("au=van der Berg, Éva-María", "au=eva+maria+van+der+berg"),
        ("au=Sammy Davis Jr.", "au=sammy+davis"),
        ("au=杨立昆", f"au={quote('杨')}+{quote('立')}+{quote('昆')}"),
        ("au=E, Weinan", "au=e,+weinan"),
        ("au=Yann LeCun；Hinton，Bengio", "au=bengio;hinton;yann+lecun"),
        (r"au=Erd\H{o}s", "au=erdos"),
        ("exclude=llm，rl、ml", "exclude=llm,ml,rl"),
        ("like=2602.00002，2602.00001", "like=2602.00001,2602.00002"),
        ("q=İstanbul", "q=istanbul"),
        ("q=(moe^0.1)^3", "q=moe%5E0.3"),
        ("q=moe^1.0000000000000002", "q=moe"),
        ("q=a&min_score=0.30000000000000004", "q=a&min_score=0.3"),
        ("exclude=b AND a", "exclude=(a+b)"),
        ("exclude=b (a OR c)", "exclude=((a+OR+c)+b)"),
        ("exclude=a -b", "exclude=(a+-b)"),
        ("exclude=review^2", "exclude=review"),
        ("like=arXiv:2602.07306,ARXIV:2602.07306", "like=2602.07306"),
        ("q=id:arXiv:2602.07306v1", "q=id:2602.07306"),
        ("like=2602.07306v3, hep-th/9901001,2602.07306", "like=2602.07306,hep-th%2F9901001"),
        ("like=2602.00002,2602.00001", "like=2602.00001,2602.00002"),
        ("dislike=2602.07306v1", "dislike=2602.07306"),
        ("exclude=Survey", ""),
        ("exclude=Review,Survey,KV cache", "exclude=kv-cache,review"),
        ("exclude=(a OR b),c,(a OR b)", "exclude=a+OR+b,c"),
        ('exclude="a, b",c', "exclude=%22a+b%22,c"),
        ("summaries=1", ""),
        ("summaries=0", "summaries=0"),
        ("lang=ZH", ""),
        ("brief=1", "summaries=brief"),
        ("brief=1&summaries=brief", "summaries=brief"),
        ("brief=0&summaries=1", ""),
        ("lang=pt-BR", "lang=pt-br"),
        ("lang=zh-Hans-CN", ""),
        ("q=a&min_score=0", "q=a"),
        ("q=a&min_score=1", "q=a&min_score=1"),
        ("au=a&min_score=0.01", "au=a"),
        ("au=a&min_score=0", "au=a&min_score=0"),
        ("q=a&exclude=survey", "q=a&exclude=survey"),
        (
            "limit=3&days=3&exclude=x&dislike=2602.00002&like=2602.00001&au=b&q=a",
            "q=a&au=b&like=2602.00001&dislike=2602.00002&exclude=x&days=3&limit=3",
        ),
    ],
)
def test_equal_requests_have_one_canonical_form_that_leads_back_to_them(
    config: Config, query: str, canonical: str
) -> None:
    selection = select(config, query=query)
    assert (selection.parameters, select(config, query=canonical)) == (canonical, selection)


def test_parameters_change_the_profile_and_nothing_else_does(config: Config) -> None:
    selection = select(config, "systems", "types=replace&min_score=3&days=2&limit=7")
    profile = selection.profile
    assert (profile.announce_types, profile.min_score, profile.days_back) == ((AnnounceType.REPLACE,), 3.0, 2)
    assert (selection.mailing, selection.limit) == (None, 7)
    assert select(config, "systems", "mailing=2026-03-04").mailing == date(2026, 3, 4)
    assert (profile.name, profile.keywords) == ("systems", config.profiles[0].keywords)


def test_what_an_address_wants_takes_the_place_of_all_that_the_profile_wants_or_not() -> None:
    wishes = {"query": "rl", "authors": ["Hinton"], "likes": ["2602.00001"], "dislikes": ["2602.00002"]}
    config = parse_config(json.dumps({**CONFIG, **wishes, "max_papers": 5, "days_back": 3}))
    profile = select(config, query="au=Yann LeCun").profile
    assert (profile.query, profile.authors, profile.likes) == (None, (Keyword("yann lecun"),), ())
    assert (profile.keywords, profile.exclude_keywords, profile.dislikes) == ((), (), ())
    assert (profile.categories, profile.max_papers, profile.days_back) == (config.default.categories, 5, 3)


@pytest.mark.parametrize("query", ["au=a", "like=2602.07306", "au=a&like=2602.07306"])
def test_without_q_any_points_at_all_are_enough_and_none_are_not(config: Config, query: str) -> None:
    assert select(config, query=query).profile.min_score == 0.01


def test_what_an_address_does_not_want_adds_to_what_the_profile_does_not_want(config: Config) -> None:
    profile = select(config, query="exclude=review,Survey&dislike=2602.07306").profile
    assert (profile.exclude_keywords, profile.dislikes) == (("survey", "review"), ("2602.07306",))
    assert (profile.keywords, profile.min_score) == (config.default.keywords, 1.0)


@pytest.mark.parametrize(
    ("query", "is_personal"),
    [
        *(("q=a", True), ("au=a", True), ("like=2602.07306", True), ("dislike=2602.07306", True), ("exclude=a", True)),
        *(("", False), ("exclude=survey", False), ("min_score=2&days=3&types=new&limit=3&lang=de", False)),
    ],
)
def test_a_selection_is_personal_where_the_address_says_what_is_wanted_or_not(
    config: Config, query: str, is_personal: bool
) -> None:
    assert select(config, query=query).is_personal is is_personal


@pytest.mark.parametrize(
    ("query", "parameter", "reason"),
    [
        ("q=a (b", "q", "is no query, column 3: this parenthesis is never closed"),
        ("au=LeCun, Yann, X", "au", "'LeCun, Yann, X' is more than one name; each is given for itself"),
        ("au=a;…", "au", "'…' has no letter, so it is nobody's name"),
        ("au=lec*", "au", "* cannot stand in a name; a family name or an initial finds every longer one"),
        (
            "q=id:" + "9" * 200,
            "q",
            f"is no query, column 4: '{'9' * 100}…' is not an arXiv identifier such as 2401.01234v2 or hep-th/9901001",
        ),
        ("au= ; ", "au", "has no name in it, such as Yann LeCun"),
        ("like=2602.07306,x", "like", "'x' is not an arXiv identifier such as 2401.01234v2 or hep-th/9901001"),
        ("dislike=,", "dislike", "has no identifier in it, such as 2401.01234"),
        ("exclude=,,", "exclude", "has no term in it; terms are joined by commas"),
        (
            'q="a b"~1 OR "a c"~1&exclude="a d"~1,"a e"~1',
            "exclude",
            "asks for too much, with q where that is given: a query has at most 3 phrases with a ~ after them",
        ),
    ],
)
def test_a_mistake_names_its_parameter(config: Config, query: str, parameter: str, reason: str) -> None:
    with pytest.raises(BadQuery) as raised:
        select(config, query=query)
    assert (raised.value.parameter, raised.value.reason) == (parameter, reason)


_NAMES = ["Yann LeCun", "Hinton, G.", "Éva Novák", "van der Berg, A. B.", "Marwati", "O'Rourke", "Li X", "杨立昆"]
_IDS = ["2602.00001", "2602.00002", "hep-th/9901001", "cs/0412968", "math.GT/0309136"]
_EXCLUSIONS = [
    "survey",
    "kv cache",
    "ti:review",
    '"a, b"',
    "(moe OR rl)",
    "quant*",
    "-llm",
    "cat:cs.LG",
    'au:"A. Lovelace"',
]


def _lists_of(entries: list[str], separator: str) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(entries), min_size=1, max_size=3).map(separator.join)


_REQUESTS: st.SearchStrategy[dict[str, str]] = st.fixed_dictionaries(
    {},
    optional={
        "q": queries.filter(lambda query: query.count("~") <= 2),  # of which there may be a few, twice
        "au": _lists_of(_NAMES, ";"),
        "like": _lists_of(_IDS, ","),
        "dislike": _lists_of(_IDS, ","),
        "exclude": _lists_of(_EXCLUSIONS, ","),
        "types": _lists_of(["new", "cross", "replace", "replace-cross"], ","),
        "min_score": st.integers(0, 500).map(lambda hundredths: str(hundredths / 100)),
        "days": st.integers(1, 30).map(str),
        "limit": st.integers(1, 500).map(str),
        "summaries": st.sampled_from(["0", "1"]),
        "lang": st.sampled_from(["en", "EN", "de", "pt-BR"]),
        "mailing": st.dates(date(2026, 1, 1), date(2026, 3, 5)).map(str),
    },
)


def select_given(config: Config, scope: str, given_parameters: Mapping[str, str]) -> Selection:
    parameters = FeedParameters.model_validate(dict(given_parameters))
    return parse_selection(scope, parameters, config, limit=parameters.limit)


@settings(max_examples=200, deadline=None)
@given(_REQUESTS, st.sampled_from(["default", "systems", "cs.AI+hep-th"]))
def test_the_canonical_form_of_any_request_leads_back_to_it(config: Config, asked: dict[str, str], scope: str) -> None:
    selection = select_given(config, scope, asked)
    assert select(config, scope, selection.parameters) == selection


def _as_it_is(text: str, _: Random) -> str:
    return text


def _shuffled(separator: str) -> Callable[[str, Random], str]:
    def shuffle(text: str, random: Random) -> str:
        entries = text.split(separator)
        return separator.join([*random.sample(entries, len(entries)), random.choice(entries)])

    return shuffle


# parameter -> how its text can be written otherwise
_OTHERWISE: Mapping[str, Callable[[str, Random], str]] = {
    "q": lambda text, random: random.choice(["({})", "({0}) ({0})", "({0}) OR ({0})", "-(-({}))", "  {} "]).format(
        text
    ),
    "au": _shuffled(";"),
    "like": _shuffled(","),
    "dislike": _shuffled(","),
    "exclude": lambda text, random: f"{text}, ,{text}",
    "types": lambda text, random: _shuffled(",")(text, random).upper(),
    "min_score": lambda text, random: f"{text}0",
    "days": lambda text, random: f"0{text}",
    "lang": lambda text, random: text.swapcase(),
}


@settings(max_examples=200, deadline=None)
@given(_REQUESTS, st.randoms(use_true_random=False))
def test_a_request_that_is_written_otherwise_is_the_same_request(
    config: Config, asked: dict[str, str], random: Random
) -> None:
    names = random.sample(list(asked), len(asked))
    other = {name: _OTHERWISE.get(name, _as_it_is)(asked[name], random) for name in names}
    assert select_given(config, "default", other) == select_given(config, "default", asked)


@settings(max_examples=200, deadline=None)
@given(_REQUESTS, _REQUESTS)
def test_two_requests_have_one_canonical_form_where_they_ask_for_the_same_and_only_there(
    config: Config, one: dict[str, str], other: dict[str, str]
) -> None:
    first, second = (select_given(config, "default", request) for request in (one, other))
    assert (first.parameters == second.parameters) is (first == second)


@pytest.mark.parametrize(
    ("scope", "parameters", "page", "below"),
    [
        ("default", "", "", ""),
        ("default", "limit=3", "?limit=3", "?limit=3"),
        ("cs.AI+cs.LG", "", "?scope=cs.AI%2Bcs.LG", "/cs.AI+cs.LG"),
        ("systems", "types=new,cross", "?scope=systems&types=new,cross", "/systems?types=new,cross"),
    ],
)
def test_the_addresses_of_a_feed_are_absolute_and_canonical(scope: str, parameters: str, page: str, below: str) -> None:
    addresses = feed_addresses(BASE, scope, parameters)
    assert (addresses.page, addresses.rss) == (f"{BASE}/{page}", f"{BASE}/rss{below}")
    assert (addresses.atom, addresses.json) == (f"{BASE}/atom{below}", f"{BASE}/jsonfeed{below}")


def test_a_title_that_is_too_long_ends_with_a_whole_term(config: Config) -> None:
    query = " OR ".join(f'"word number {number}"' for number in range(20))
    title = feed_title(select(config, "cs.AI", f"q={query}"), sample_data=False)
    assert title.endswith('"word number 11" OR "word number 12" …')


@pytest.mark.parametrize(
    ("scope", "title"),
    [
        ("default", "arXiv: cs.AI, cs.CL, cs.DC, cs.LG"),
        ("systems", "arXiv: systems"),
        ("cs.LG+cs.AI", "arXiv: cs.AI, cs.LG"),
    ],
)
def test_a_title_says_what_is_in_the_feed_and_whether_it_is_made_up(config: Config, scope: str, title: str) -> None:
    selection = select(config, scope)
    titles = [feed_title(selection, sample_data=made_up) for made_up in (False, True)]
    assert titles == [title, f"{title} (sample data)"]


@pytest.mark.parametrize(
    ("query", "wish"),
    [
        ("q=MoE -survey", "moe -survey"),
        ("au=Yann LeCun;Hinton", "by hinton, yann lecun"),
        ("like=2602.00002,2602.00001", "like 2602.00001, 2602.00002"),
        ("like=2602.00001&au=b&q=a", "a; by b; like 2602.00001"),
    ],
)
def test_a_title_says_what_the_address_wants(config: Config, query: str, wish: str) -> None:
    assert feed_title(select(config, "cs.AI", query), sample_data=False) == f"arXiv: cs.AI: {wish}"


@pytest.mark.parametrize("query", ["exclude=a", "dislike=2602.00001", "min_score=2"])
def test_a_title_does_not_say_what_the_address_does_not_want(config: Config, query: str) -> None:
    assert feed_title(select(config, "cs.AI", query), sample_data=False) == "arXiv: cs.AI"


@pytest.mark.parametrize("query", ["days=1_0", "limit=5_0", "min_score=1_0.5"])
def test_digits_with_a_line_between_them_are_no_number(query: str) -> None:
    with pytest.raises(ValidationError, match="a number in digits is expected"):
        FeedParameters.model_validate(dict(parse_qsl(query)))


@pytest.mark.parametrize(("name", "least", "most"), [("days", 1, 30), ("limit", 1, 500), ("min_score", 0, 1_000_000)])
def test_the_bounds_of_numbers_are_documented(name: str, least: int, most: int) -> None:
    documented, _ = FeedParameters.model_json_schema()["properties"][name]["anyOf"]
    assert (documented["minimum"], documented["maximum"]) == (least, most)
