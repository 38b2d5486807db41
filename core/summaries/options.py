"""What config.json says of summaries, checked: which papers get one, which model writes it, and for how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.summaries.attempts import SourceKind

DEFAULT_MODEL = "qwen-long"
DEFAULT_LANGUAGE = "zh"
DEFAULT_KEY = "DASHSCOPE_API_KEY"


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs per million tokens, in the currency of the options."""

    input: float
    output: float


# List prices in CNY of what DashScope asks in Beijing up to 128,000 tokens (2026-06); config.json may say otherwise.
KNOWN_PRICES: Mapping[str, Price] = {
    "qwen-long": Price(0.5, 2.0),
    "qwen-plus": Price(0.8, 2.0),
    "qwen-flash": Price(0.15, 1.5),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that may be spent, None for as much as it takes; `tokens` and `cost` of a day count what was used."""

    papers_per_run: int | None = None
    papers_per_day: int | None = 60
    tokens_per_day: int | None = 2_000_000
    cost_per_day: float | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """How summaries are made.

    The best `papers` of each mailing of a profile get one. `models` are asked in this order, `sources` tried in this
    one. `template` is the text of the operator's own prompt, None for ours. `base_url` is an address of the OpenAI
    form, or of DashScope's own at a host of aliyuncs.com where it ends in /api/v1; None for the one that the
    environment says. A call may take `timeout_seconds` in all.
    """

    is_enabled: bool = False
    models: tuple[str, ...] = (DEFAULT_MODEL,)
    key_variable: str = DEFAULT_KEY
    base_url: str | None = None
    papers: int = 15
    workers: int = 3
    template: str | None = None
    language: str = DEFAULT_LANGUAGE
    sources: tuple[SourceKind, ...] = ("html", "abstract")
    temperature: float = 0.3
    timeout_seconds: float = 120.0
    max_output_tokens: int = 4_000
    limits: Limits = Limits()
    prices: Mapping[str, Price] = field(default_factory=lambda: KNOWN_PRICES)
    currency: str = "CNY"


@dataclass(frozen=True, slots=True)
class Order:
    """What one run is to do: write what is missing, or the summaries of `paper_ids`.

    Who `is_patient`, and runs again soon, keeps the pauses after failures for the moment. `is_forced` asks a service
    that refuses the key, tries again what has failed, and writes `paper_ids` again. Who `waits_for_texts` leaves papers
    to a later run while arXiv is away with their full texts.
    """

    paper_ids: tuple[str, ...] = ()
    is_patient: bool = False
    is_forced: bool = False
    waits_for_texts: bool = False


ALL_MISSING = Order()


def find_obstacle(options: Options, *, has_key: bool) -> str | None:
    """Why no summaries are written at all, in a sentence; None where nothing stands in the way."""
    if not options.is_enabled:
        return "This service writes no summaries: ai_summary.enabled in its config.json does not say so."
    if not has_key:
        return f"This service writes no summaries: {options.key_variable} is not set."
    return None
