"""What differs between deployments, from the environment; what papers are wanted is `core/config.py`.

Every setting is optional. The names are the environment's, in any case.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
)

from core.errors import BadConfig

PROJECT_FOLDER = Path(__file__).resolve().parents[1]
_STORE_FILE = "arxiv-feeds.sqlite3"
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9%:/\[\]._~!$&'()*+,;=-]+")  # RFC 3986, without query, fragment and user


def _check_digits(text: object) -> object:
    """Refuses 1_0, which pydantic reads as 10 since Python does."""
    if isinstance(text, str) and "_" in text:
        raise ValueError("a number in digits is expected")
    return text


def _address(text: str) -> str:
    if not _is_address(text):
        raise ValueError(
            "an address such as https://feeds.example.org is expected, in ASCII and without spaces, ?, # and @; other "
            "letters as xn--… in the host and as %C3%A9 in the path"
        )
    return text.rstrip("/")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        is_port_possible = parts.port is None or parts.port > 0
    except ValueError:  # of a port beyond 65535 or half an IPv6 address
        return False
    is_plain = _PLAIN_ADDRESS.fullmatch(text) is not None
    return is_plain and is_port_possible and parts.scheme in ("http", "https") and bool(parts.hostname)


def _redis_address(secret: SecretStr) -> SecretStr:
    if not _is_redis_address(secret.get_secret_value()):
        raise ValueError("an address such as redis://host:6379/0 or rediss://user:password@host:6379 is expected")
    return secret


def _is_redis_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a port beyond 65535 or half an IPv6 address
        return False


def _path(text: str) -> str:
    segments = text.strip("/").split("/")
    if segments == [""]:
        return "/"
    if not all(re.fullmatch(r"[\w.-]+", segment, re.ASCII) for segment in segments):
        raise ValueError("a path such as /prod is expected")
    return "/" + "/".join(segments)


def _stripped(secret: SecretStr) -> SecretStr:
    return SecretStr(secret.get_secret_value().strip())  # a pasted one often ends in a newline


Address = Annotated[str, AfterValidator(_address)]
IN_DIGITS = BeforeValidator(_check_digits)
Secret = Annotated[SecretStr, AfterValidator(_stripped)]


class Settings(BaseModel):
    """The environment, checked. Build it once, at the edge, with `load_settings`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    arxiv_rss_base: Address = Field(default="https://rss.arxiv.org/rss", description="arXiv's announcement feeds.")
    arxiv_api_base: Address = Field(default="https://export.arxiv.org/api/query", description="arXiv's query API.")
    arxiv_base: Address = Field(
        default="https://arxiv.org", description="arXiv's pages, for what the service itself reads."
    )
    arxiv_min_interval_seconds: Annotated[float, IN_DIGITS] = Field(
        default=3.0,
        ge=0,
        le=3600,
        allow_inf_nan=False,
        description="Seconds between the end of one request to arXiv and the start of the next; arXiv's terms say 3.",
    )
    store_url: Secret | None = Field(
        default=None,
        description="Where papers are kept: sqlite:///file, sqlite:////file from the root, redis:// or rediss://. "
        "Default: REDIS_URL; else data/arxiv-feeds.sqlite3 in the checkout, in the temporary folder on Vercel and "
        "Lambda.",
    )
    redis_url: Annotated[Secret, AfterValidator(_redis_address)] | None = Field(
        default=None,
        description="A store that several machines share, as redis:// or rediss://. "
        "Default: what Vercel's Redis integrations set: KV_URL, names that end in _REDIS_URL or _KV_URL, or the "
        "address and token of Upstash's REST interface.",
    )
    fresh_seconds: Annotated[float | None, IN_DIGITS] = Field(
        default=None,
        ge=0,
        le=604_800,
        allow_inf_nan=False,
        description="Seconds for which papers count as fresh. Default: until arXiv's next mailing.",
    )
    lease_seconds: Annotated[float, IN_DIGITS] = Field(
        default=30.0,
        ge=1,
        le=3000,  # stores take one beyond an hour for a mistake
        allow_inf_nan=False,
        description="Seconds after which a refresh that was cut off no longer keeps others from refreshing.",
    )
    config_file: Path = Field(default=PROJECT_FOLDER / "config.json", description="The profiles. Default: config.json.")
    base_url: Address | None = Field(
        default=None, description="The public address of the service, for the links in feeds and pages."
    )
    cron_secret: Secret | None = Field(
        default=None,
        description="What guarded routes ask for as a bearer token; they are closed without it. 16 characters or more.",
    )
    dashscope_api_key: Secret | None = Field(
        default=None,
        description="The key of the model service; no summaries are written without it. "
        "config.json may name another variable.",
    )
    dashscope_http_base_url: Address | None = Field(
        default=None,
        description="DashScope's own interface, as https://dashscope-intl.aliyuncs.com/api/v1. Default: Beijing's.",
    )
    llm_base_url: Address | None = Field(
        default=None,
        description="Any model service of the OpenAI form, such as https://example.org/v1, in place of DashScope.",
    )
    lambda_base_path: Annotated[str, AfterValidator(_path)] = Field(
        default="/",
        description="On AWS Lambda, what the front end puts before each path: an API Gateway's named stage or mapping.",
    )
    smtp_host: Annotated[str, StringConstraints(strip_whitespace=True)] | None = Field(
        default=None, description="The server that mails digests; none are mailed without it."
    )
    smtp_port: Annotated[int | None, IN_DIGITS] = Field(
        default=None, ge=1, le=65_535, description="Its port. Default: 587; 465 with tls, 25 with none."
    )
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is secured: starttls, tls from the start, or none."
    )
    smtp_user: Secret | None = Field(default=None, description="Who signs in there. Default: nobody.")
    smtp_password: Secret | None = Field(default=None, description="The password of that user.")
    mail_from: str | None = Field(default=None, description="The sender of digests: arXiv <feeds@example.org>.")
    mail_to: str | None = Field(default=None, description="Who gets them: addresses joined by commas.")
    port: Annotated[int, IN_DIGITS] = Field(
        default=8000, ge=1, le=65_535, description="The port that `serve` and `demo` listen on."
    )

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
    def shared_store(self) -> SecretStr | None:
        """The address of the Redis to use, None where papers are kept in a file."""
        if self.store_url is None:
            return self.redis_url
        return self.store_url if _is_redis_address(self.store_url.get_secret_value()) else None

    @property
    def is_on_platform(self) -> bool:
        """Whether this process may be frozen after each answer, and has nothing to write to but a temporary folder."""
        return bool(self.vercel or self.aws_lambda_function_name)

    @property
    def store_file(self) -> Path:
        """The SQLite file, where no Redis is used. Raises BadConfig where STORE_URL names another kind of store."""
        if self.store_url is not None:
            return _sqlite_file(self.store_url.get_secret_value())
        folder = None if self.is_on_platform else find_data_folder(PROJECT_FOLDER)
        return (folder or Path(tempfile.gettempdir())) / _STORE_FILE


def find_data_folder(project: Path) -> Path | None:
    """The folder `data` of *project*, which may have to be made; None where this process may not write it."""
    folder = project / "data"
    return folder if os.access(folder if folder.exists() else project, os.W_OK) else None


def find_redis(variables: Mapping[str, str]) -> str | None:
    """The Redis address among *variables* (by lower-case name) that an integration set; the first name wins.

    Known are Vercel's Redis and Upstash (https://vercel.com/marketplace/upstash), under names that their user may have
    put a prefix to: KV_URL, REDIS_URL, and the pairs KV_REST_API_URL and _TOKEN or UPSTASH_REDIS_REST_URL and _TOKEN,
    whose host speaks Redis over TLS as well.
    """
    names = sorted(variables, key=lambda name: (name != "kv_url", name))
    for name in names:
        value = variables[name].strip()
        if (name == "kv_url" or name.endswith(("_redis_url", "_kv_url"))) and _is_redis_address(value):
            return value
    for name in names:
        if name.endswith(("kv_rest_api_url", "upstash_redis_rest_url")):
            host = _host_of(variables[name])
            token = (variables.get(f"{name.removesuffix('_url')}_token") or "").strip()
            if host and token:
                return f"rediss://default:{quote(token, safe='')}@{host}:6379"
    return None


def _host_of(address: str | None) -> str | None:
    try:
        return urlsplit((address or "").strip()).hostname
    except ValueError:
        return None


def load_settings(environment: Mapping[str, str]) -> Settings:
    """The settings in *environment*, under names in any case; an empty variable counts as not set.

    Where it names no Redis, the names that integrations choose are looked at. Raises BadConfig naming the variable and
    what is expected.
    """
    variables = {name.lower(): value for name, value in environment.items() if value}
    redis = find_redis(variables)
    try:
        return Settings.model_validate({"redis_url": redis, **variables} if redis else variables)
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
    is_file = rest.startswith("/") and path not in ("", ":memory:") and "?" not in path
    if scheme != "sqlite" or not separator or not is_file:
        raise BadConfig(
            f"environment variable STORE_URL: sqlite:///data/{_STORE_FILE}, sqlite:////var/lib/{_STORE_FILE}, "
            "redis://host:6379/0 or rediss://user:password@host:6379 is expected"
        )
    return Path(path)
