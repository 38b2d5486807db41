from __future__ import annotations

import json
from datetime import date
from urllib.parse import parse_qsl

import pytest

from api.selection import FeedParameters, feed_addresses, feed_title, parse_scope, parse_selection
from core.catalogue import Selection
from core.config import Config, parse_config
from core.errors import UnknownScope
from core.papers import AnnounceType
from tests.api.running import CONFIG

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
        ("min_score=1e6", "min_score=1000000"),
        ("days=7", ""),
        ("days=03", "days=3"),
        ("limit=500", ""),
        ("limit=10", "limit=10"),
        ("mailing=2026-03-05", "mailing=2026-03-05"),
        (
            "limit=10&mailing=2026-03-05&days=3&min_score=2&types=new",
            "types=new&min_score=2&days=3&mailing=2026-03-05&limit=10",
        ),
    ],
)
def test_equal_requests_have_one_canonical_form_that_leads_back_to_them(
    config: Config, query: str, canonical: str
) -> None:
    selection = select(config, query=query)
    assert (selection.parameters, select(config, query=canonical)) == (canonical, selection)


def test_parameters_change_the_profile_and_nothing_else_does(config: Config) -> None:
    selection = select(config, "systems", "types=replace&min_score=3&days=2&mailing=2026-03-04&limit=7")
    profile = selection.profile
    assert (profile.announce_types, profile.min_score, profile.days_back) == ((AnnounceType.REPLACE,), 3.0, 2)
    assert (selection.mailing, selection.limit) == (date(2026, 3, 4), 7)
    assert (profile.name, profile.keywords) == ("systems", config.profiles[0].keywords)


@pytest.mark.parametrize(
    ("scope", "parameters", "rss", "json_feed"),
    [
        ("default", "", "/rss", "/jsonfeed"),
        ("default", "limit=3", "/rss?limit=3", "/jsonfeed?limit=3"),
        ("cs.AI+cs.LG", "", "/rss/cs.AI+cs.LG", "/jsonfeed/cs.AI+cs.LG"),
        ("systems", "types=new,cross", "/rss/systems?types=new,cross", "/jsonfeed/systems?types=new,cross"),
    ],
)
def test_the_addresses_of_a_feed_are_absolute_and_canonical(
    scope: str, parameters: str, rss: str, json_feed: str
) -> None:
    addresses = feed_addresses(BASE, scope, parameters)
    assert (addresses.page, addresses.rss, addresses.json) == (f"{BASE}/", BASE + rss, BASE + json_feed)
    assert addresses.atom == addresses.rss.replace("/rss", "/atom")


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
