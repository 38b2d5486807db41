"""Which environment variables there are, what they are by default, and what is said of a wrong one."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import BadConfig
from core.settings import PROJECT_FOLDER, Settings, find_data_folder, load_settings


def settings(**variables: str) -> Settings:
    return load_settings(variables)


def test_names_and_defaults_are_those_of_the_contract() -> None:
    assert load_settings({}).model_dump() == {
        "arxiv_rss_base": "https://rss.arxiv.org/rss",
        "arxiv_api_base": "https://export.arxiv.org/api/query",
        "arxiv_base": "https://arxiv.org",
        "arxiv_min_interval_seconds": 3.0,
        "store_url": None,
        "redis_url": None,
        "fresh_seconds": None,
        "lease_seconds": 30.0,
        "config_file": PROJECT_FOLDER / "config.json",
        "base_url": None,
        "cron_secret": None,
        "dashscope_api_key": None,
        "dashscope_http_base_url": None,
        "llm_base_url": None,
        "lambda_base_path": "/",
        "smtp_host": None,
        "smtp_port": None,
        "smtp_security": "starttls",
        "smtp_user": None,
        "smtp_password": None,
        "mail_from": None,
        "mail_to": None,
        "port": 8000,
        "vercel": None,
        "vercel_project_production_url": None,
        "aws_lambda_function_name": None,
    }


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        pytest.param("ARXIV_RSS_BASE", "http://127.0.0.1:1/rss/", "http://127.0.0.1:1/rss", id="slash at the end"),
        pytest.param("ARXIV_API_BASE", "http://[::1]:9/api", "http://[::1]:9/api", id="IPv6"),
        pytest.param("arxiv_base", "http://127.0.0.1", "http://127.0.0.1", id="lower case"),
        pytest.param("ARXIV_MIN_INTERVAL_SECONDS", "0", 0.0, id="no pause"),
        pytest.param("FRESH_SECONDS", "604800", 604_800.0, id="a week"),
        pytest.param("LEASE_SECONDS", "1.5", 1.5, id="fraction"),
        pytest.param("CONFIG_FILE", "mine.json", Path("mine.json"), id="file"),
        pytest.param("PORT", "65535", 65_535, id="port"),
        pytest.param("PORT", "", 8000, id="empty is unset"),
        pytest.param("BASE_URL", "", None, id="empty address is unset"),
        pytest.param("BASE_URL", "https://xn--a.example/%C3%A9", "https://xn--a.example/%C3%A9", id="encoded"),
    ],
)
def test_a_variable_sets_its_value(name: str, value: str, expected: str | float | Path | None) -> None:
    assert getattr(settings(**{name: value}), name.lower()) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        pytest.param("PORT", "0", "a whole number from 1 to 65,535 is expected", id="port 0"),
        pytest.param("PORT", "65536", "a whole number from 1 to 65,535 is expected", id="port too high"),
        pytest.param("PORT", "http", "a whole number from 1 to 65,535 is expected", id="port by name"),
        pytest.param("FRESH_SECONDS", "-1", "a number from 0 to 604,800 is expected", id="negative"),
        pytest.param("FRESH_SECONDS", "604801", "a number from 0 to 604,800 is expected", id="too fresh"),
        pytest.param("FRESH_SECONDS", "nan", "a number from 0 to 604,800 is expected", id="nan"),
        pytest.param("LEASE_SECONDS", "0", "a number from 1 to 3,000 is expected", id="no lease"),
        pytest.param("LEASE_SECONDS", "inf", "a number from 1 to 3,000 is expected", id="endless lease"),
        pytest.param("ARXIV_MIN_INTERVAL_SECONDS", "-3", "a number from 0 to 3,600 is expected", id="impolite"),
        pytest.param("ARXIV_MIN_INTERVAL_SECONDS", "3s", "a number from 0 to 3,600 is expected", id="unit"),
        pytest.param("BASE_URL", "feeds.example.org", "an address such as https://", id="no scheme"),
        pytest.param("BASE_URL", "ftp://feeds.example.org", "an address such as https://", id="other scheme"),
        pytest.param("BASE_URL", "https://", "an address such as https://", id="no host"),
        pytest.param("BASE_URL", "https://feeds.example.org/?a=1", "an address such as https://", id="query"),
        pytest.param("BASE_URL", "https://feeds.example.org/?", "an address such as https://", id="empty query"),
        pytest.param("BASE_URL", "https://feeds.example.org/#a", "an address such as https://", id="fragment"),
        pytest.param("BASE_URL", "https://feeds.example.org/a b", "an address such as https://", id="space"),
        pytest.param("BASE_URL", "https://feeds.example.org/<b>", "an address such as https://", id="tag"),
        pytest.param("BASE_URL", "https://fée.example.org", "an address such as https://", id="letter to be encoded"),
        pytest.param("PORT", "8_0", "a whole number from 1 to 65,535 is expected", id="Python's digits"),
        pytest.param("FRESH_SECONDS", "1_0", "a number from 0 to 604,800 is expected", id="Python's digits, seconds"),
        pytest.param("BASE_URL", "https://feeds.example.org\n", "an address such as https://", id="line break"),
        pytest.param("BASE_URL", "https://feeds.example.org:99999", "an address such as https://", id="port"),
        pytest.param("BASE_URL", "https://[::1", "an address such as https://", id="half an IPv6 address"),
        pytest.param("ARXIV_RSS_BASE", "rss", "an address such as https://", id="feeds"),
        pytest.param("ARXIV_API_BASE", "file:///etc/passwd", "an address such as https://", id="query API"),
        pytest.param("ARXIV_BASE", "//arxiv.org", "an address such as https://", id="pages"),
    ],
)
def test_a_wrong_value_is_one_error_that_names_the_variable_and_what_is_expected(
    name: str, value: str, expected: str
) -> None:
    with pytest.raises(BadConfig) as caught:
        settings(**{name: value})
    assert str(caught.value).startswith(f"environment variable {name}: {expected}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("STORE_URL", "sqlite:///data/canary.sqlite3", id="store"),
        pytest.param("REDIS_URL", "redis://:canary@redis.example:6379", id="Redis"),
        pytest.param("CRON_SECRET", "canary-of-the-cron", id="secret of guarded routes"),
        pytest.param("DASHSCOPE_API_KEY", "sk-canary", id="key of the model service"),
        pytest.param("SMTP_USER", "canary@example.org", id="user of the mail server"),
        pytest.param("SMTP_PASSWORD", "canary-of-the-mail", id="password of the mail server"),
    ],
)
def test_a_secret_is_read_without_what_was_pasted_around_it_and_shown_to_nobody(name: str, value: str) -> None:
    read = settings(**{name: f" {value}\n"})
    assert getattr(read, name.lower()).get_secret_value() == value
    assert "canary" not in f"{read!r} {read} {read.model_dump()} {read.model_dump_json()}"


def test_other_variables_do_not_matter() -> None:
    assert settings(PORTS="x", ARXIV_RSS="x") == Settings()


class TestFreshFor:
    def test_the_calendar_decides_by_default(self) -> None:
        assert load_settings({}).fresh_for is None

    def test_no_time_at_all_is_not_the_calendar(self) -> None:
        assert settings(FRESH_SECONDS="0").fresh_for == timedelta(0)


class TestPublicAddress:
    @pytest.mark.parametrize(
        ("variables", "address"),
        [
            pytest.param({}, "http://localhost:8000", id="nothing set"),
            pytest.param({"PORT": "9000"}, "http://localhost:9000", id="port"),
            pytest.param({"BASE_URL": "https://feeds.example.org/a/"}, "https://feeds.example.org/a", id="BASE_URL"),
            pytest.param(
                {"VERCEL": "1", "VERCEL_PROJECT_PRODUCTION_URL": "feeds.vercel.app"},
                "https://feeds.vercel.app",
                id="Vercel",
            ),
            pytest.param(
                {"VERCEL": "1", "VERCEL_PROJECT_PRODUCTION_URL": "feeds.vercel.app", "BASE_URL": "https://a.example"},
                "https://a.example",
                id="BASE_URL on Vercel",
            ),
            pytest.param(
                {"VERCEL_PROJECT_PRODUCTION_URL": "feeds.vercel.app"}, "http://localhost:8000", id="not on Vercel"
            ),
        ],
    )
    def test_it_is_the_one_that_was_set_else_the_platforms_else_this_machine(
        self, variables: dict[str, str], address: str
    ) -> None:
        assert settings(**variables).public_address == address


class TestStoreFile:
    @pytest.mark.parametrize(
        ("variables", "path"),
        [
            pytest.param({}, PROJECT_FOLDER / "data/arxiv-feeds.sqlite3", id="in the checkout"),
            pytest.param({"VERCEL": "1"}, Path(tempfile.gettempdir()) / "arxiv-feeds.sqlite3", id="Vercel"),
            pytest.param(
                {"AWS_LAMBDA_FUNCTION_NAME": "feeds"}, Path(tempfile.gettempdir()) / "arxiv-feeds.sqlite3", id="Lambda"
            ),
            pytest.param({"STORE_URL": "sqlite:///data/a.db"}, Path("data/a.db"), id="relative"),
            pytest.param({"STORE_URL": "sqlite:////var/lib/a.db"}, Path("/var/lib/a.db"), id="from the root"),
            pytest.param({"STORE_URL": "sqlite:///a.db", "VERCEL": "1"}, Path("a.db"), id="set on Vercel"),
            pytest.param({"STORE_URL": "sqlite:///a.db\n"}, Path("a.db"), id="pasted with a newline"),
        ],
    )
    def test_it_is_the_one_that_was_set_else_one_that_can_be_written(
        self, variables: dict[str, str], path: Path
    ) -> None:
        assert settings(**variables).store_file == path

    @pytest.mark.parametrize(
        "url", ["redis://127.0.0.1", "sqlite://", "sqlite:///", "sqlite://host/a.db", "a.db", "sqlite:///a.db?mode=ro"]
    )
    def test_another_kind_of_store_is_refused(self, url: str) -> None:
        found = settings(STORE_URL=url)
        with pytest.raises(BadConfig, match=r"environment variable STORE_URL: .* sqlite:////var/lib/"):
            _ = found.store_file


def test_papers_are_kept_beside_the_code_as_far_as_that_may_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    writable = [tmp_path]
    monkeypatch.setattr("core.settings.os.access", lambda path, _: path in writable)
    assert find_data_folder(tmp_path) == data  # which is made when it is needed
    writable = []
    assert find_data_folder(tmp_path) is None
    data.mkdir()
    writable = [data]  # as a container has it
    assert find_data_folder(tmp_path) == data
    writable = [tmp_path]
    assert find_data_folder(tmp_path) is None


REDIS = "rediss://default:hidden@eu1-fit-1.upstash.io:6379"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        pytest.param({}, None, id="a file"),
        pytest.param({"STORE_URL": REDIS}, REDIS, id="STORE_URL"),
        pytest.param({"REDIS_URL": REDIS}, REDIS, id="REDIS_URL"),
        pytest.param({"STORE_URL": "sqlite:///mine.sqlite3", "REDIS_URL": REDIS}, None, id="a file that was asked for"),
        pytest.param({"STORE_URL": REDIS, "REDIS_URL": "redis://other"}, REDIS, id="STORE_URL before REDIS_URL"),
        pytest.param({"REDIS_URL": REDIS, "KV_URL": "redis://other"}, REDIS, id="REDIS_URL before KV_URL"),
        pytest.param({"KV_URL": REDIS, "cache_REDIS_URL": "redis://other"}, REDIS, id="KV_URL before a prefix"),
        pytest.param({"cache_REDIS_URL": REDIS}, REDIS, id="a prefix"),
        pytest.param({"b_KV_URL": "redis://other", "a_KV_URL": REDIS}, REDIS, id="of several the first by name"),
        pytest.param({"a_REDIS_URL": "https://no.redis", "b_REDIS_URL": REDIS}, REDIS, id="another kind of address"),
        pytest.param(
            {"KV_REST_API_URL": "https://eu1-fit-1.upstash.io", "KV_REST_API_TOKEN": "hidden"}, REDIS, id="REST"
        ),
        pytest.param(
            {"UPSTASH_REDIS_REST_URL": "https://eu1-fit-1.upstash.io", "UPSTASH_REDIS_REST_TOKEN": "hidden"},
            REDIS,
            id="REST, made by hand",
        ),
        pytest.param(
            {
                "UPSTASH_REDIS_REST_KV_REST_API_URL": "https://eu1-fit-1.upstash.io",
                "UPSTASH_REDIS_REST_KV_REST_API_TOKEN": "hidden",
            },
            REDIS,
            id="REST with a prefix",
        ),
        pytest.param({"KV_REST_API_URL": "https://eu1-fit-1.upstash.io"}, None, id="REST without a token"),
        pytest.param({"KV_REST_API_URL": "https://[", "KV_REST_API_TOKEN": "hidden"}, None, id="REST at no address"),
    ],
)
def test_the_store_is_the_redis_that_is_named_or_a_file(variables: dict[str, str], expected: str | None) -> None:
    found = settings(**variables).shared_store
    assert (found and found.get_secret_value()) == expected


@pytest.mark.parametrize("value", ["localhost:6379", "http://host", "redis://", "redis://host:99999", "redis://[::1"])
def test_a_wrong_redis_address_is_named_and_not_told(value: str) -> None:
    with pytest.raises(BadConfig, match="REDIS_URL: an address such as redis://host:6379/0") as caught:
        settings(REDIS_URL=value)
    assert value not in str(caught.value).replace("redis://host:6379/0", "")


def test_no_password_is_in_the_words_for_settings() -> None:
    shown = settings(REDIS_URL=REDIS, STORE_URL=REDIS)
    assert "hidden" not in f"{shown!r} {shown} {shown.shared_store!r}"
