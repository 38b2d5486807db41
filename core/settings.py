"""What differs between deployments, from the environment; what papers are wanted is `core/config.py`.

Every setting is optional. The names are the environment's, in any case.
"""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import BadConfig

PROJECT_FOLDER = Path(__file__).resolve().parents[1]
_STORE_FILE = "arxiv-feeds.sqlite3"


def _address(text: str) -> str:
    if not _is_address(text):
        raise ValueError("an address such as https://feeds.example.org is expected, without spaces, ?, # and @")
    return text.rstrip("/")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        is_port_possible = parts.port is None or parts.port > 0
    except ValueError:  # of a port beyond 65535 or half an IPv6 address
        return False
    is_plain = not set("?#\\@").intersection(text) and text.isprintable() and " " not in text
    return is_plain and is_port_possible and parts.scheme in ("http", "https") and bool(parts.hostname)


Address = Annotated[str, AfterValidator(_address)]
Secret = Annotated[str, StringConstraints(strip_whitespace=True)]  # a pasted one often ends in a newline


class Settings(BaseSettings):
    """The environment, checked. Build it once, at the edge, with `load_settings`."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True)

    arxiv_rss_base: Address = Field(default="https://rss.arxiv.org/rss", description="arXiv's announcement feeds.")
    arxiv_api_base: Address = Field(default="https://export.arxiv.org/api/query", description="arXiv's query API.")
    arxiv_base: Address = Field(
        default="https://arxiv.org", description="arXiv's pages, for what the service itself reads."
    )
    arxiv_min_interval_seconds: float = Field(
        default=3.0,
        ge=0,
        le=3600,
        allow_inf_nan=False,
        description="Seconds between the end of one request to arXiv and the start of the next; arXiv's terms say 3.",
    )
    store_url: str | None = Field(
        default=None,
        description="Where papers are kept: sqlite:///file, or sqlite:////file from the root. "
        "Default: data/arxiv-feeds.sqlite3 in the checkout, in the temporary folder on Vercel and Lambda.",
    )
    fresh_seconds: float | None = Field(
        default=None,
        ge=0,
        le=604_800,
        allow_inf_nan=False,
        description="Seconds for which papers count as fresh. Default: until arXiv's next mailing.",
    )
    lease_seconds: float = Field(
        default=30.0,
        ge=1,
        le=3600,
        allow_inf_nan=False,
        description="Seconds after which a refresh that was cut off no longer keeps others from refreshing.",
    )
    config_file: Path = Field(default=PROJECT_FOLDER / "config.json", description="The profiles. Default: config.json.")
    base_url: Address | None = Field(
        default=None, description="The public address of the service, for the links in feeds and pages."
    )
    cron_secret: Secret | None = Field(
        default=None,
        repr=False,
        description="What guarded routes ask for as a bearer token; they are closed without it. 16 characters or more.",
    )
    port: int = Field(default=8000, ge=1, le=65_535, description="The port that `serve` listens on.")

    vercel: str | None = Field(default=None, description="Set by Vercel.")
    vercel_project_production_url: str | None = Field(default=None, description="Set by Vercel: the production host.")
    aws_lambda_function_name: str | None = Field(default=None, description="Set by AWS Lambda.")

    @property
    def public_address(self) -> str:
        """Where readers find the service: `BASE_URL`, else the platform's production host, else this machine."""
        if self.base_url:
            return self.base_url
        if self.vercel and self.vercel_project_production_url:
            return f"https://{self.vercel_project_production_url}"
        return f"http://localhost:{self.port}"

    @property
    def fresh_for(self) -> timedelta | None:
        return None if self.fresh_seconds is None else timedelta(seconds=self.fresh_seconds)

    @property
    def store_file(self) -> Path:
        """The SQLite file. Raises BadConfig where STORE_URL names another kind of store."""
        if self.store_url is not None:
            return _sqlite_file(self.store_url)
        if self.vercel or self.aws_lambda_function_name:
            return Path(tempfile.gettempdir()) / _STORE_FILE
        return PROJECT_FOLDER / "data" / _STORE_FILE


def load_settings() -> Settings:
    """The settings of this process. Raises BadConfig naming the variable and what is expected."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0])
        expected = _describe_bounds(name) or first["msg"].removeprefix("Value error, ")
        raise BadConfig(f"environment variable {name.upper()}: {expected}") from error


def _describe_bounds(name: str) -> str | None:
    """What the setting *name* may be, None where it is not a number."""
    schema = Settings.model_json_schema()["properties"][name]
    numbers = [kind for kind in schema.get("anyOf", [schema]) if kind["type"] in ("integer", "number")]
    if not numbers:
        return None
    kind = "a whole number" if numbers[0]["type"] == "integer" else "a number"
    return f"{kind} from {numbers[0]['minimum']:g} to {numbers[0]['maximum']:,.15g} is expected"


def _sqlite_file(url: str) -> Path:
    scheme, separator, rest = url.partition("://")
    path = rest.removeprefix("/")
    is_file = rest.startswith("/") and path not in ("", ":memory:")
    if scheme != "sqlite" or not separator or not is_file:
        raise BadConfig(
            f"environment variable STORE_URL: this version keeps papers in SQLite; sqlite:///data/{_STORE_FILE} or "
            f"sqlite:////var/lib/{_STORE_FILE} is expected"
        )
    return Path(path)
