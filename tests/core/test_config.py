"""What a config.json means, and what is said of the mistakes in one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.config import Config, load_config, parse_config
from core.errors import BadConfig
from core.papers import AnnounceType
from core.profiles import Keyword, Profile
from core.query import parse_query
from core.settings import PROJECT_FOLDER
from core.summaries.options import Limits, Options, Price

# As users of the origin have it, with all the keys that it knew.
ORIGIN = """{
    "categories": ["cs.AI", "cs.CL"],
    "keywords": ["LLM", "Framework", "framework"],
    "exclude_keywords": ["survey"],
    "max_papers": 30,
    "days_back": 7,
    "min_score": 1,
    "enable_deduplication": true,
    "deduplication_methods": ["id", "title", "link"],
    "fetch_ratings": true,
    "display_limit": 500,
    "ai_summary": {
        "enabled": false,
        "model": "qwen-plus",
        "api_key_env": "DASHSCOPE_API_KEY",
        "base_url": "https://example.org/v1",
        "max_papers_to_summarize": 15,
        "max_workers": 4,
        "prompt_file": "prompt.txt",
        "temperature": 0.3
    }
}
"""


def config(**keys: Any) -> Config:
    """The configuration of an object with these *keys*, in cs.LG unless they say otherwise."""
    return parse_config(json.dumps({"categories": ["cs.LG"], **keys}))


def mistake(text: str) -> str:
    """What is said of *text*, which is wrong."""
    with pytest.raises(BadConfig) as caught:
        parse_config(text)
    return str(caught.value)


def assert_mistake(marked: str, gist: str) -> None:
    """*marked* without ▶ is refused for the place where ▶ stood, its beginning by default, in words with *gist*."""
    before = marked[: max(marked.find("▶"), 0)]
    place = f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
    said = mistake(marked.replace("▶", ""))
    assert (said.partition(": ")[0], gist in said) == (f"config.json:{place}", True), said


def test_the_shipped_file_loads_without_a_warning() -> None:
    assert load_config(PROJECT_FOLDER / "config.json").warnings == ()


def test_the_shipped_file_holds_the_profile_of_the_origin() -> None:
    default = load_config(PROJECT_FOLDER / "config.json").default
    assert (
        default.categories,
        len(default.keywords),
        default.exclude_keywords,
        default.max_papers,
        default.days_back,
        default.min_score,
    ) == (("cs.AI", "cs.CL", "cs.DC", "cs.LG"), 30, ("survey", "review", "tutorial"), 30, 7, 1.5)


def test_a_file_of_the_origin_loads_unchanged() -> None:
    assert parse_config(ORIGIN).default == Profile(
        name="default",
        categories=("cs.AI", "cs.CL"),
        keywords=(Keyword("LLM"), Keyword("Framework"), Keyword("framework")),
        exclude_keywords=("survey",),
        min_score=1.0,
        max_papers=30,
        days_back=7,
    )


def test_keys_that_are_not_used_are_named_with_their_places() -> None:
    assert parse_config(ORIGIN, name="mine.json").warnings == (
        "mine.json:10:5: 'fetch_ratings' is not used",
        "mine.json:11:5: 'display_limit' is not used",
    )


def test_an_absent_key_has_its_stated_default() -> None:
    assert config().default == Profile(name="default", categories=("cs.LG",))


def test_every_key_of_a_profile_is_taken_over() -> None:
    keys: dict[str, Any] = {
        "categories": ["cs.lg", "HEP-TH", "cs.LG"],
        "query": "kv-cache OR ti:moe^2",
        "keywords": [" LLM ", {"term": "kv cache", "weight": 2}],
        "exclude_keywords": ["survey"],
        "authors": ["Y. LeCun", {"term": "Hinton", "weight": 0.5}],
        "likes": ["2602.07306v2", "hep-th/9901001", "arXiv:2602.07306"],
        "dislikes": ["2602.11543"],
        "announce_types": ["replace", "new"],
        "match": "substring",
        "ranking": "count",
        "min_score": 1.5,
        "max_papers": 500,
        "days_back": 30,
    }
    assert config(**keys).default == Profile(
        name="default",
        categories=("cs.LG", "hep-th"),
        query=parse_query("kv-cache OR ti:moe^2"),
        keywords=(Keyword("LLM"), Keyword("kv cache", 2.0)),
        exclude_keywords=("survey",),
        authors=(Keyword("Y. LeCun"), Keyword("Hinton", 0.5)),
        likes=("2602.07306", "hep-th/9901001"),
        dislikes=("2602.11543",),
        announce_types=(AnnounceType.NEW, AnnounceType.REPLACE),
        match="substring",
        ranking="count",
        min_score=1.5,
        max_papers=500,
        days_back=30,
    )


@pytest.mark.parametrize(
    ("keys", "ranking"),
    [({}, "relevance"), ({"ranking": "count"}, "count"), ({"match": "substring"}, "count")],
    ids=["by default", "as asked for", "by the letter"],
)
def test_papers_are_ranked_by_relevance_where_there_are_words(keys: dict[str, Any], ranking: str) -> None:
    assert config(**keys).default.ranking == ranking


class TestNamedProfiles:
    def test_a_profile_takes_what_it_leaves_out_from_the_default_one(self) -> None:
        found = config(keywords=["LLM"], min_score=2, profiles={"vision": {"categories": ["cs.CV"], "days_back": 3}})
        assert found.profiles == (replace(found.default, name="vision", categories=("cs.CV",), days_back=3),)

    def test_a_list_of_its_own_replaces_the_inherited_one(self) -> None:
        found = config(keywords=["LLM"], profiles={"quiet": {"keywords": []}})
        assert found.profiles[0].keywords == ()

    def test_one_that_matches_by_the_letter_counts_whatever_the_default_one_does(self) -> None:
        found = config(ranking="relevance", profiles={"letters": {"match": "substring"}})
        assert found.profiles[0].ranking == "count"

    def test_profiles_are_found_by_name_and_keep_the_order_of_the_file(self) -> None:
        found = config(profiles={"b": {}, "a": {}})
        assert ([found.find_profile(name) for name in ("default", "b", "a", "c")], found.profiles) == (
            [found.default, *found.profiles, None],
            (replace(found.default, name="b"), replace(found.default, name="a")),
        )

    def test_the_categories_of_all_profiles_are_followed_each_once_in_file_order(self) -> None:
        found = config(profiles={"one": {"categories": ["cs.CV", "cs.LG"]}, "two": {"categories": ["cs.AI"]}})
        assert found.categories == ("cs.LG", "cs.CV", "cs.AI")


@pytest.mark.parametrize(
    ("keys", "warning"),
    [
        pytest.param(
            {"min_score": 1},
            "profile 'default' has a min_score and nothing that gives points",
            id="nothing can be listed",
        ),
        pytest.param(
            {"keywords": ["-survey"]}, "the keyword '-survey', all of which stands behind", id="only what is not wanted"
        ),
        pytest.param(
            {"ai_summary": {"max_cost_per_day": 1, "model": "mine"}}, "cannot be kept for 'mine'", id="unknown price"
        ),
        pytest.param({"enable_deduplication": False}, "merged by their arXiv id all the same", id="deduplication"),
        pytest.param({"profiles": {"x": {"ai_summary": {}}}}, "'ai_summary' is not used", id="default profile only"),
        pytest.param({"keywords": [{"term": "x", "note": 1}]}, "'note' is not used", id="in a keyword"),
        pytest.param(
            {"ai_summary": {"prices": {"x": {"input": 1.0, "output": 2.0, "cached": 0.1}}}},
            "'cached' is not used",
            id="in a price",
        ),
        pytest.param({'a~/"b': 1}, "1:27: 'a~/\"b' is not used", id="a strange key"),
        pytest.param(
            {"exclude": ["x"]}, "'exclude' is not used; 'exclude_keywords' is probably meant", id="as in addresses"
        ),
        pytest.param(
            {"exclude_keywords": ["NOT x"]},
            "profile 'default' excludes 'NOT x', which leaves only papers that have what it names",
            id="an exclusion of all else",
        ),
    ],
)
def test_what_is_allowed_and_probably_not_meant_is_a_warning(keys: dict[str, Any], warning: str) -> None:
    (said,) = config(**keys).warnings
    assert warning in said


@pytest.mark.parametrize(
    ("keys", "gist"),
    [
        # values of the wrong kind
        pytest.param('"days_back": ▶"30"', 'days_back: a whole number is expected, but here is "30"', id="text"),
        pytest.param('"days_back": ▶7.5', "days_back: a whole number is expected", id="fraction"),
        pytest.param('"max_papers": ▶true', "max_papers: a whole number is expected", id="true as number"),
        pytest.param('"min_score": ▶"2.5"', "min_score: a number is expected", id="number in quotes"),
        pytest.param('"min_score": ▶null', "min_score: a number is expected, but here is null", id="null"),
        pytest.param('"min_score": ▶NaN', "min_score: a number is expected, but here is NaN", id="nan"),
        pytest.param('"min_score": ▶1e999', "min_score: a number is expected", id="overflow"),
        pytest.param('"keywords": ▶"LLM"', 'a list in [ ] is expected, but here is "LLM"', id="text for a list"),
        pytest.param('"keywords": ["a", ▶1]', "keywords[1]: a text, or an object such as", id="number as term"),
        pytest.param('"exclude_keywords": [▶null]', "a text in quotes is expected", id="null as term"),
        pytest.param('"enable_deduplication": ▶"yes"', "true or false is expected", id="yes"),
        pytest.param('"ai_summary": ▶true', "ai_summary: an object in { } is expected", id="ai_summary"),
        pytest.param('"ai_summary": {"model": ▶5}', "ai_summary.model: a text in quotes", id="in ai_summary"),
        pytest.param(
            '"ai_summary": {"source": ▶"web"}', "'html', 'pdf' or 'abstract' is expected", id="source of summaries"
        ),
        pytest.param('"ai_summary": {"prices": ▶[1]}', "an object in { } is expected", id="list of prices"),
        pytest.param('"ai_summary": {"prices": {"x": ▶5}}', "an object in { } is expected", id="price as a number"),
        pytest.param('"ai_summary": {"language": ▶"klingonese!"}', "is no language; a tag such as zh", id="language"),
        pytest.param('"language": ▶"??"', "'??' is no language", id="language of a profile"),
        pytest.param('"ai_summary": {"base_url": ▶"here"}', "an address such as https://", id="address of a model"),
        pytest.param(
            '"ai_summary": {"api_key_env": ▶"sk-0123 456"}', "the name of an environment variable", id="key in the file"
        ),
        pytest.param('"profiles": ▶["x"]', "profiles: an object in { } is expected", id="list of profiles"),
        pytest.param('"profiles": {"x": ▶[]}', "profiles.x: an object in { }", id="list as profile"),
        # values out of bounds
        pytest.param('"min_score": ▶-1', "min_score: 0 or more is expected, but here is -1", id="negative"),
        pytest.param('"min_score": ▶1000001', "1,000,000 or less is expected", id="unreachable score"),
        pytest.param('"max_papers": ▶0', "max_papers: 1 or more is expected", id="no papers"),
        pytest.param('"max_papers": ▶2001', "max_papers: 2,000 or less is expected", id="too many papers"),
        pytest.param('"days_back": ▶367', "days_back: 366 or less is expected", id="too many days"),
        pytest.param(
            '"keywords": [{"term": "x", "weight": ▶0}]', "[0].weight: more than 0 is expected", id="no weight"
        ),
        pytest.param('"keywords": [{"term": "x", "weight": ▶101}]', "100 or less", id="heavy weight"),
        pytest.param('"announce_types": ▶[]', "a list that is not empty is expected", id="no types"),
        pytest.param(
            '"announce_types": [▶"New"]', "'new', 'cross', 'replace' or 'replace-cross' is expected", id="type"
        ),
        pytest.param('"match": ▶"regex"', "'word' or 'substring' is expected", id="match"),
        pytest.param('"ranking": ▶"best"', "'relevance' or 'count' is expected", id="ranking"),
        pytest.param('"match": "substring", "ranking": ▶"relevance"', 'only "count" works', id="ranking by the letter"),
        pytest.param('"query": ▶"llm AND"', "column 8: a word", id="query"),
        pytest.param('"query": ▶5', "a text in quotes is expected", id="query of another kind"),
        pytest.param('"keywords": ["llm", ▶"(rl"]', "column 1: this parenthesis is never closed", id="keyword"),
        pytest.param('"exclude_keywords": [▶"ti:"]', "column 1: a term is expected straight after ti:", id="exclusion"),
        pytest.param('"likes": ["2602.07306", ▶"2602"]', "'2602' is not an arXiv identifier", id="like"),
        # terms that cannot match
        pytest.param('"keywords": [▶"  "]', "a text that is not empty is expected", id="blank term"),
        pytest.param('"keywords": ["C", ▶"+++"]', "'+++' has no letter or digit", id="no letter"),
        pytest.param('"exclude_keywords": [▶"!"]', "'!' has no letter or digit", id="no letter, exclusion"),
        pytest.param('"authors": [▶"..."]', "'...' has no letter, so it is nobody's name", id="no letter, author"),
        pytest.param('"authors": [▶"LeC*"]', "* cannot stand in a name", id="star in a name"),
        pytest.param(f'"keywords": [▶"{"x" * 2001}"]', "a text of 2000 characters at most", id="long term"),
        pytest.param('"keywords": [▶"\\ud800"]', "a text without half characters", id="half a character"),
        pytest.param('"keywords": [▶{"weight": 2}]', "keywords[0].term is required", id="weight of nothing"),
        # keys
        pytest.param('▶"KEYWORDS": ["x"]', "there is no key 'KEYWORDS'; 'keywords' is probably", id="in capitals"),
        pytest.param('▶"max_paper": 3', "there is no key 'max_paper'; 'max_papers' is probably", id="misspelt"),
        pytest.param('"ai_summary": {▶"enabld": 1}', "'enabled' is probably", id="misspelt in ai_summary"),
        pytest.param('"keywords": [{"term": "x", ▶"wieght": 2}]', "'weight' is probably", id="misspelt in a keyword"),
        pytest.param('"days_back": 3,\n ▶"days_back": 4', "'days_back' stands here a second time", id="twice"),
        pytest.param(
            '"ai_summary": {"model": "a", ▶"model": "b"}', "'model' stands here a second time", id="twice inside"
        ),
        # profiles
        pytest.param('"profiles": {▶"hep-th": {}}', "'hep-th' is taken", id="name of a category"),
        pytest.param('"profiles": {▶"default": {}}', "'default' is taken", id="name of the default profile"),
        pytest.param('"profiles": {▶"My papers": {}}', "'My papers' cannot be a profile's name", id="bad name"),
        pytest.param('"profiles": {"x": {▶"keyword": []}}', "'keywords' is probably", id="misspelt in profile"),
        pytest.param('"profiles": {"x": {"days_back": ▶"3"}}', "profiles.x.days_back: a whole", id="in profile"),
        pytest.param('"profiles": {"x": {"categories": [▶"cs.LH"]}}', "'cs.LH' is no category", id="in its list"),
        # text that is no JSON
        pytest.param('"days_back": 7▶,', "not JSON: no comma is allowed before ] or }", id="trailing comma"),
        pytest.param('"keywords": ["a"▶,\n]', "not JSON: no comma is allowed", id="trailing comma in a list"),
        pytest.param('"keywords": ["a"\n▶"b"]', "not JSON: Expecting ',' delimiter", id="forgotten comma"),
        pytest.param('"query": "a▶\nb"', "not JSON: a text ends on its line", id="line break"),
        pytest.param('▶// mine\n"days_back": 7', "not JSON: no comments are allowed", id="comment"),
        pytest.param("▶'days_back': 7", "not JSON: texts and keys stand in plain double quotes", id="single quotes"),
        pytest.param('"query": ▶“rl”', "not JSON: texts and keys stand in plain double quotes", id="printed quotes"),
        pytest.param(
            '"summaries": ▶True', "not JSON: true, false and null are written in small letters", id="Python's true"
        ),
        pytest.param('"query": ▶None', "not JSON: null stands for None", id="Python's null"),
        pytest.param('"days_back": 0▶7', "not JSON", id="leading zero"),
        pytest.param(f'"days_back": {"9" * 5000}', "thousands of digits", id="endless number"),
        pytest.param(f'"x": {"[" * 90_000}{"]" * 90_000}', "nested too deeply", id="deep"),
        pytest.param(f'"x": {"[" * 900}{"]" * 900}', "nested too deeply", id="deep and readable"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_is_expected(keys: str, gist: str) -> None:
    assert_mistake(f'{{"categories": ["cs.LG"],\n {keys}}}', gist)


@pytest.mark.parametrize(
    ("text", "gist"),
    [
        pytest.param("", "the file is empty; an object such as", id="empty"),
        pytest.param("\n \n", "the file is empty", id="blank"),
        pytest.param("\n▶[]", "an object such as", id="list"),
        pytest.param("{▶", "not JSON", id="cut off"),
        pytest.param("{▶\0\n\0", "not JSON: the file is UTF-16; save it as UTF-8", id="UTF-16"),
        pytest.param("{▶'categories': ['cs.LG']}", "in double quotes", id="single quotes"),
        pytest.param('{"categories": ["cs.LG"]} ▶{}', "not JSON: Extra data", id="two objects"),
        pytest.param("{}", "the key categories is required", id="no categories"),
        pytest.param('{"categories": ▶[]}', "a list that is not empty is expected", id="none"),
        pytest.param('{"categories": ▶"cs.LG"}', "a list in [ ] is expected", id="text"),
        pytest.param('{"categories": ["cs.LG", ▶5]}', "categories[1]: a text in quotes", id="number"),
        pytest.param('{"categories": [▶"cs.LH"]}', "'cs.LH' is no category of arXiv. Did you", id="misspelt"),
        pytest.param('{"categories": [▶"machine learning"]}', "Did you mean cs.LG or stat.ML?", id="its name"),
        pytest.param('{"categories": [▶"cs"]}', "cs is an archive; choose one", id="archive"),
        pytest.param('{"categories": [▶"cmp-lg"]}', "its papers are in cs.CL now", id="closed"),
        pytest.param('{"categories": [▶"nonsense"]}', "'nonsense' is no category", id="no idea"),
    ],
)
def test_a_mistake_in_the_whole_or_the_categories_is_told_with_its_place(text: str, gist: str) -> None:
    assert_mistake(text, gist)


def test_a_message_can_be_printed_whatever_the_file_holds() -> None:
    mistake('{"categories": ["cs.LG"], "keywords": [["\\ud800"]], "\\udfff": 1}').encode()


class TestFiles:
    def test_a_byte_order_mark_is_no_mistake_and_moves_no_column(self, tmp_path: Path) -> None:
        path = tmp_path / "config.json"
        path.write_bytes(b'\xef\xbb\xbf{"categories": ["cs.LG"], "note": 1}')
        assert load_config(path).warnings == (f"{path}:1:27: 'note' is not used",)

    @pytest.mark.parametrize(
        ("body", "place"),
        [
            pytest.param(b'{"categories":\n ["\xc3\xa9", "cs.\xff"]}', "2:12", id="latin-1"),
            pytest.param(b'\xef\xbb\xbf{\n"\xff": 1}', "2:2", id="after a byte order mark"),
            pytest.param('{"categories": []}'.encode("utf-16"), "1:1", id="utf-16"),
        ],
    )
    def test_a_file_that_is_not_utf_8_is_refused_with_the_place(self, tmp_path: Path, body: bytes, place: str) -> None:
        path = tmp_path / "config.json"
        path.write_bytes(body)
        with pytest.raises(BadConfig) as caught:
            load_config(path)
        assert str(caught.value) == f"{path}:{place}: not UTF-8; save the file as UTF-8"

    def test_a_missing_file_is_named_with_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(BadConfig, match=r"nowhere\.json: cannot be read .*; CONFIG_FILE names another file"):
            load_config(tmp_path / "nowhere.json")

    def test_a_folder_is_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(BadConfig, match="cannot be read"):
            load_config(tmp_path)

    def test_a_huge_file_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "config.json"
        path.write_bytes(b" " * 1_000_001)
        with pytest.raises(BadConfig, match="larger than 1,000,000 bytes"):
            load_config(path)


def test_summaries_are_made_as_the_origin_made_them_unless_told_otherwise() -> None:
    assert parse_config(ORIGIN).summaries == Options(
        models=("qwen-plus",),
        base_url="https://example.org/v1",
        papers=15,
        workers=4,
        temperature=0.3,
    )
    assert config(ai_summary={"enabled": True}).summaries == Options(is_enabled=True)


def test_models_budgets_and_prices_of_summaries_can_be_set() -> None:
    found = config(
        ai_summary={
            "model": "a",
            "fallback_models": ["b", "a"],
            "source": "pdf",
            "max_papers_per_day": 0,
            "max_cost_per_day": 2.5,
            "prices": {"a": {"input": 1, "output": 2}, "b": {"input": 0.5, "output": 1.5}},
            "currency": "USD",
        }
    )
    assert found.warnings == ()
    options = found.summaries
    assert (options.models, options.sources) == (("a", "b"), ("pdf", "html", "abstract"))
    assert options.limits == Limits(papers_per_day=0, cost_per_day=2.5)
    assert (options.prices["b"], options.currency) == (Price(0.5, 1.5), "USD")


def test_profiles_have_the_language_of_summaries_or_their_own() -> None:
    found = config(
        ai_summary={"language": "English"},
        profiles={"a": {"language": "pt-BR"}, "b": {"summaries": False}},
    )
    assert [(one.language, one.summaries) for one in found.every_profile] == [
        ("en", "full"),
        ("pt-br", "full"),
        ("en", "none"),
    ]
    assert found.summary_languages == ("en", "pt-br")


def test_a_key_that_stands_in_the_file_by_mistake_is_not_printed() -> None:
    with pytest.raises(BadConfig) as refused:
        config(ai_summary={"api_key_env": "sk-0123456789abcdef"})
    assert "0123456789" not in str(refused.value)


def test_a_prompt_file_is_read_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "prompt.txt").write_text("Summarise {title}.\n")
    (tmp_path / "config.json").write_text(
        '{"categories": ["cs.AI"], "ai_summary": {"enabled": true, "prompt_file": "prompt.txt"}}'
    )
    assert load_config(tmp_path / "config.json").summaries.template == "Summarise {title}."


@pytest.mark.parametrize(
    ("body", "gist"),
    [
        pytest.param(None, "cannot be read (No such file or directory)", id="missing"),
        pytest.param(b" \n", "is empty", id="empty"),
        pytest.param(b"\xff", "is not UTF-8", id="bytes"),
        pytest.param(b"x" * 100_001, "is larger than 100,000 bytes", id="huge"),
    ],
)
def test_a_prompt_file_that_cannot_be_used_is_refused_where_it_is_named(
    body: bytes | None, gist: str, tmp_path: Path
) -> None:
    if body is not None:
        (tmp_path / "prompt.txt").write_bytes(body)
    path = tmp_path / "config.json"
    path.write_text('{"categories": ["cs.AI"], "ai_summary": {"enabled": true, "prompt_file": "prompt.txt"}}')
    with pytest.raises(BadConfig, match=r"config\.json:1:[0-9]+: ai_summary\.prompt_file: ") as refused:
        load_config(path)
    assert gist in str(refused.value)


@pytest.mark.parametrize("names", ["Xiaoyu Wang; Siyuan Huang", "Wang, Xiaoyu, Huang, Siyuan"])
def test_an_entry_of_authors_is_one_name(names: str) -> None:
    with pytest.raises(BadConfig, match="is more than one name; each is given for itself"):
        config(authors=[names])


@pytest.mark.parametrize(("asked", "least"), [(0, 0.0), (0.00004, 0.0001), (1.00004, 1.0), (2.5, 2.5)])
def test_a_least_score_has_the_places_that_points_have(asked: float, least: float) -> None:
    assert config(min_score=asked).default.min_score == least
