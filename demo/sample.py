"""The service on sample data: stand-ins for arXiv and the model, a store in a temporary folder, a week of mailings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from core.config import Config
from core.intake import Report
from core.mailings import newest_mailing
from core.settings import Settings
from core.summaries.options import DEFAULT_KEY, Limits
from demo.mailing import Mailing
from demo.model import ModelStandIn
from demo.standin import ArxivStandIn
from demo.week import last_mailing_day, mailing_week

SAMPLE_MODEL = "sample-model"
_KEY = "sample-key"  # of the stand-in, which lives as long as the sample


@dataclass(frozen=True, slots=True)
class Sample:
    """A running stand-in, the settings that lead to it, and the mailings that it can show, oldest first."""

    settings: Settings
    stand_in: ArxivStandIn
    week: tuple[Mailing, ...]

    def configure(self, config: Config) -> Config:
        """*config* with summaries from the stand-in, under a name that says so."""
        options = replace(
            config.summaries,
            is_enabled=True,
            models=(SAMPLE_MODEL,),
            key_variable=DEFAULT_KEY,
            base_url=None,
            limits=Limits(papers_per_day=None, tokens_per_day=None),
            prices={},
        )
        return replace(config, summaries=options)

    async def refresh_through_week(
        self, refresh: Callable[[], Awaitable[Report]], *, tell: Callable[[date, Report], None]
    ) -> None:
        """Call *refresh* once for each mailing while the stand-in shows it, and *tell* what came of it."""
        for mailing in self.week:
            self.stand_in.show(mailing.day)
            tell(mailing.day, await refresh())


@contextmanager
def open_sample(settings: Settings) -> Iterator[Sample]:
    """A sample under *settings* that asks nobody but the stand-in and leaves the real store alone."""
    week = mailing_week(last_mailing_day(newest_mailing(datetime.now(UTC))))
    with (
        TemporaryDirectory(prefix="arxiv-feeds-") as folder,
        ArxivStandIn(week) as stand_in,
        ModelStandIn(api_key=_KEY, models=(SAMPLE_MODEL,)) as model,
    ):
        changes = {
            "arxiv_rss_base": stand_in.rss_base,
            "arxiv_api_base": stand_in.api_base,
            "arxiv_base": stand_in.base,
            "arxiv_min_interval_seconds": 0.0,
            "dashscope_api_key": SecretStr(_KEY),
            "dashscope_http_base_url": model.native_base,
            "llm_base_url": None,
            "redis_url": None,
            "store_url": SecretStr(f"sqlite:///{Path(folder) / 'sample.sqlite3'}"),
        }
        yield Sample(settings.model_copy(update=changes), stand_in, week)
