"""One paper -> its summary, or the reason why there is none: read a text, ask the models, check the answer.

Which papers, how many and for how much is `core/summaries/job.py`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from core.errors import SourceMalformed, SourceUnavailable
from core.papers import Paper
from core.summaries.attempts import TEXT_AWAY, WRITTEN, Key, Section, SourceKind, Summary, Usage
from core.summaries.checks import OF_THE_MOMENT, Checked, check_answer
from core.summaries.fulltext import extract_text
from core.summaries.languages import Language, find_language
from core.summaries.model import Completion, Model, ModelFailed, Trouble
from core.summaries.options import Options
from core.summaries.prompt import Message, Template, build_prompt
from core.summaries.rendering import RENDERER, as_sentence, read_brackets, render_feed, render_markdown

logger = logging.getLogger(__name__)

FILE_PREFIX = "arxiv-feeds-"  # of uploaded files, by which leftovers are known

_ATTEMPTS = 3  # of one paper, where the service fails for the moment
_ANSWERS = 2  # of one model, where its answers do not pass
_PAUSES_SECONDS = (1.0, 4.0)
_SHORT_PAUSE_SECONDS = 30.0  # that a service asks for, and is waited for by every run
_LONGEST_PAUSE_SECONDS = 120.0  # that a run with time waits for; a longer one leaves the paper to a later run
_FILE_POLL_SECONDS = 2.0
_FILE_POLLS = 15
_CHARACTERS_PER_TOKEN = 2  # of Chinese; other languages have more
_HINT = "Begin with the TL;DR line at once and write all four sections; no preamble, nothing around the answer."
_HINT_WITH_OWN_HEADINGS = "Begin with the answer at once and write all of it; no preamble, nothing around the answer."


class Texts(Protocol):
    """Where the texts of papers come from; both give None where arXiv has none."""

    async def fetch_full_text_page(self, paper: Paper) -> bytes | None: ...

    async def fetch_pdf(self, paper: Paper) -> bytes | None: ...


class OutOfBudget(Exception):
    """No further call is allowed; *code* and *reason* are those of the attempt that waits for it."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Text:
    """What a model is to read: the text itself, or the id of a file at the service, then *text* is empty."""

    kind: SourceKind
    text: str
    file_id: str | None = None


class Meter(Protocol):
    """Allows calls and counts what they used."""

    async def allow(self) -> None:
        """A call may be made now, and is counted. Raises OutOfBudget where it may not."""
        ...

    def count(self, usage: Usage) -> None:
        """What an allowed call used, its number apart."""
        ...

    def seconds_left(self) -> float:
        """How long a call may take."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """What writing needs of the world.

    *sleep* takes seconds, *monotonic* gives them, *draw_nonce* a text that nobody can foresee, *draw* a number from 0
    to 1.
    """

    sleep: Callable[[float], Awaitable[object]]
    monotonic: Callable[[], float]
    draw_nonce: Callable[[], str]
    draw: Callable[[], float]


@dataclass(slots=True)
class _Tally:
    """What the calls for one paper came to so far."""

    usage: Usage = field(default_factory=Usage)
    transient: int = 0
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class _Job:
    """One paper on its way to a summary."""

    paper: Paper
    language: Language
    meter: Meter
    tally: _Tally
    waits_for_texts: bool


class Writer:
    """Writes summaries with the models of *options*, one at a time or several at once.

    *template* is the operator's own prompt, None for ours.
    """

    def __init__(
        self, options: Options, *, model: Model, texts: Texts, template: Template | None, world: World
    ) -> None:
        self._options = options
        self._model = model
        self._texts = texts
        self._template = template
        self._world = world
        self._quiet_until = 0.0  # on the world's monotonic clock

    async def write(self, paper: Paper, key: Key, *, meter: Meter, waits_for_texts: bool = False) -> Draft:
        """What came of summarising *paper* under *key*. Raises ModelFailed where all papers would fail alike.

        Who *waits_for_texts* wants no summary of the abstract just because arXiv is away with the full text.
        """
        language = find_language(key.language)
        assert language is not None, "configuration and addresses name languages that are known"  # noqa: S101
        job = _Job(paper, language, meter, _Tally(), waits_for_texts)
        summary, code, reason, refusal, quiet_seconds = None, WRITTEN, "", "", 0.0
        try:
            summary = await self._write(job)
        except OutOfBudget as error:
            code, reason = error.code, error.reason
        except _AnswerFailed as error:
            code, reason = error.code, error.reason
        except ModelFailed as error:
            if _is_of_every_paper(error):
                raise
            logger.warning("No summary of %s: %s (request %s)", paper.id, error, error.request_id or "unknown")
            job.tally.request_id = error.request_id or job.tally.request_id
            code, reason = _tell(error)
            refusal = error.code if error.trouble is Trouble.UNCLEAR else ""
            asked = error.retry_after_seconds or 0.0
            quiet_seconds = asked if asked > self._longest_pause_seconds(meter) else 0.0
        return Draft(code, reason, summary, job.tally.usage, job.tally.request_id, refusal, quiet_seconds)

    async def _write(self, job: _Job) -> Summary:
        """The summary from the first source that has a text which the models take."""
        too_long: ModelFailed | None = None
        is_text_away = False
        for kind in self._options.sources:
            if kind == "abstract" and is_text_away:
                break
            try:
                text = await self._read(job, kind)
            except SourceUnavailable as error:
                logger.warning("No full text of %s: %s", job.paper.id, error)
                is_text_away = job.waits_for_texts
                continue
            if text is None:
                continue
            try:
                return await self._ask_models(job, text)
            except ModelFailed as error:
                if error.trouble is not Trouble.TOO_LONG:
                    raise
                too_long = error
            finally:
                if text.file_id is not None:
                    await self._delete(text.file_id)
        if is_text_away:
            raise _AnswerFailed(
                TEXT_AWAY, "arXiv's full text is out of reach at present; it is tried again with the next run"
            )
        if too_long is not None:
            raise too_long
        raise _AnswerFailed("no text", "arXiv gives neither a text nor an abstract of this paper")

    async def _read(self, job: _Job, kind: SourceKind) -> Text | None:
        """The text of the paper of one kind, None where there is none to be had. Raises SourceUnavailable."""
        paper = job.paper
        try:
            match kind:
                case "html":
                    page = await self._texts.fetch_full_text_page(paper)
                    text = await asyncio.to_thread(extract_text, page) if page else None
                    return Text("html", text) if text else None
                case "pdf":
                    return await self._upload(paper, job.meter)
        except SourceMalformed as error:
            logger.warning("No full text of %s: %s", paper.id, error)
            return None
        return Text("abstract", paper.abstract) if paper.abstract.strip() else None

    async def _upload(self, paper: Paper, meter: Meter) -> Text | None:
        body = await self._texts.fetch_pdf(paper)
        if body is None:
            return None
        name = f"{FILE_PREFIX}{paper.id.replace('/', '-')}v{paper.version}.pdf"
        try:
            file_id = await self._model.upload(name, body, timeout_seconds=self._timeout_seconds(meter))
        except ModelFailed as error:
            if error.trouble is Trouble.ACCOUNT:
                raise
            logger.warning("The PDF of %s could not be given to the model: %s", paper.id, error)
            return None
        return Text("pdf", "", file_id)

    async def _delete(self, file_id: str) -> None:
        try:
            await asyncio.shield(self._model.delete_file(file_id))
        except ModelFailed as error:
            logger.warning("The uploaded file %s stays until the next sweep: %s", file_id, error)

    async def _ask_models(self, job: _Job, text: Text) -> Summary:
        """The first answer that passes, of the first model that gives one."""
        failed: _AnswerFailed | ModelFailed | None = None
        for model in self._options.models:
            try:
                return await self._ask_until_it_passes(job, text, model)
            except _AnswerFailed as error:
                failed = error
            except ModelFailed as error:
                if error.trouble not in (Trouble.MODEL, Trouble.UNCLEAR):
                    raise
                logger.warning("The model %s cannot be had for %s: %s", model, job.paper.id, error)
                if failed is None or _is_of_every_paper(failed):
                    failed = error
        assert failed is not None, "there is at least one model"  # noqa: S101
        if isinstance(failed, _AnswerFailed) and failed.code in OF_THE_MOMENT:
            raise ModelFailed(Trouble.SLOW, failed.code, failed.reason)
        raise failed

    async def _ask_until_it_passes(self, job: _Job, text: Text, model: str) -> Summary:
        has_own_headings = self._template is not None and self._template.has_own_headings
        hint = ""
        for seed in range(1, _ANSWERS + 1):
            completion = await self._ask(job, text, model, seed=seed, hint=hint)
            checked = await asyncio.to_thread(
                check_answer,
                completion.text,
                finish_reason=completion.finish_reason,
                language=job.language,
                source_text=f"{job.paper.title}\n{job.paper.abstract}\n{text.text}",
                kind=text.kind,
                are_sections_wanted=not has_own_headings,
            )
            if checked.is_acceptable:
                return await asyncio.to_thread(_build_summary, checked, model, text.kind)
            fault = checked.faults[0]
            logger.warning(
                "An answer of %s on %s does not pass (%s, request %s)",
                model,
                job.paper.id,
                fault.code,
                completion.request_id or "unknown",
            )
            hint = _HINT_WITH_OWN_HEADINGS if has_own_headings else _HINT
        raise _AnswerFailed(fault.code, f"what the model wrote did not pass the checks: {fault.reason}")

    async def _ask(self, job: _Job, text: Text, model: str, *, seed: int, hint: str) -> Completion:
        """One answer, after some attempts where the service fails for the moment."""
        prompt = build_prompt(
            job.paper,
            text.text,
            kind=text.kind,
            language=job.language,
            nonce=self._world.draw_nonce(),
            file_id=text.file_id,
            template=self._template,
            hint=hint,
        )
        for _ in range(_FILE_POLLS):
            try:
                return await self._call(job, model, prompt.messages, seed=seed)
            except ModelFailed as error:
                if error.trouble is Trouble.NOT_READY:
                    await self._world.sleep(_FILE_POLL_SECONDS)
                    continue
                job.tally.transient += error.trouble is Trouble.TRANSIENT
                pause = self._pause(error, job)
                if pause is None:
                    raise
                await self._world.sleep(pause)
        raise ModelFailed(Trouble.TRANSIENT, "FileNotReady", "the service has not read the file after half a minute")

    def _pause(self, error: ModelFailed, job: _Job) -> float | None:
        """The seconds to wait before *error* is worth another attempt in this run, None where it is not.

        No other paper asks before the pause is over that the service wants; of one that is too long the run ends.
        """
        asked, failures = error.retry_after_seconds or 0.0, job.tally.transient
        if asked > self._longest_pause_seconds(job.meter):
            return None
        self._quiet_until = max(self._quiet_until, self._world.monotonic() + asked)
        if error.trouble is not Trouble.TRANSIENT or failures >= _ATTEMPTS:
            return None
        return max(asked, _PAUSES_SECONDS[failures - 1]) * (1 + self._world.draw() / 4)

    def _longest_pause_seconds(self, meter: Meter) -> float:
        """The longest pause after which there is still time for a whole answer, within bounds."""
        longest = min(_LONGEST_PAUSE_SECONDS, meter.seconds_left() - self._options.timeout_seconds)
        return max(_SHORT_PAUSE_SECONDS, longest)

    async def _call(self, job: _Job, model: str, messages: tuple[Message, ...], *, seed: int) -> Completion:
        while (quiet_seconds := self._quiet_until - self._world.monotonic()) > 0:  # others may lengthen it meanwhile
            await self._world.sleep(quiet_seconds)
        await job.meter.allow()
        started = self._world.monotonic()
        tokens = (0, 0)
        try:
            completion = await self._model.complete(
                model,
                messages,
                temperature=self._options.temperature,
                seed=seed,
                max_tokens=self._options.max_output_tokens,
                timeout_seconds=self._timeout_seconds(job.meter),
            )
            tokens = _count_tokens(completion, messages)
            job.tally.request_id = completion.request_id or job.tally.request_id
        except ModelFailed as error:
            tokens = (_count_sent(messages), 0) if error.may_be_billed else tokens
            raise
        finally:
            used = self._use(model, *tokens, seconds=self._world.monotonic() - started)
            job.tally.usage += replace(used, calls=1)
            job.meter.count(used)
        return completion

    def _timeout_seconds(self, meter: Meter) -> float:
        return max(0.0, min(self._options.timeout_seconds, meter.seconds_left()))

    def _use(self, model: str, input_tokens: int, output_tokens: int, *, seconds: float) -> Usage:
        price = self._options.prices.get(model)
        cost = (input_tokens * price.input + output_tokens * price.output) / 1_000_000 if price else 0.0
        return Usage(0, input_tokens, output_tokens, round(seconds, 3), round(cost, 6))


@dataclass(frozen=True, slots=True)
class Draft:
    """What came of one paper: the summary, or a code and the reason for readers.

    *refusal* is the service's own code where it may have been meant for the models and not for the paper;
    *quiet_seconds* is how long it asked to be left alone, 0 where that was no longer than is waited for.
    """

    code: str
    reason: str
    summary: Summary | None
    usage: Usage
    request_id: str
    refusal: str = ""
    quiet_seconds: float = 0.0


class _AnswerFailed(Exception):
    """No answer of a model is good enough, or there is nothing to ask about."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def _count_tokens(completion: Completion, messages: tuple[Message, ...]) -> tuple[int, int]:
    """What *completion* used; where the service does not say, about as much, so that budgets still end."""
    return (
        completion.input_tokens or _count_sent(messages),
        completion.output_tokens or len(completion.text) // _CHARACTERS_PER_TOKEN,
    )


def _count_sent(messages: tuple[Message, ...]) -> int:
    """About how many tokens *messages* are."""
    return sum(len(message.content) for message in messages) // _CHARACTERS_PER_TOKEN


def _is_of_every_paper(error: Exception) -> bool:
    """Whether *error* would meet every paper alike."""
    return isinstance(error, ModelFailed) and error.trouble in (Trouble.ACCOUNT, Trouble.MODEL)


def _tell(error: ModelFailed) -> tuple[str, str]:
    """Code and reason of an attempt that *error* ended."""
    match error.trouble:
        case Trouble.REFUSED:
            return "refused", f"the model service refused this paper ({error.code})"
        case Trouble.TOO_LONG:
            return "too long", "its shortest text is too long for the model"
        case Trouble.UNCLEAR:
            return "unavailable", f"the model service refused it ({error.code}); it is asked again later"
    return "unavailable", f"the model service did not answer ({error.code}); it is asked again later"


def _build_summary(checked: Checked, model: str, kind: SourceKind) -> Summary:
    """The summary in the forms that readers get: also its Markdown is written anew, so that nothing in it can harm."""
    answer = checked.answer
    tldr = read_brackets(answer.tldr)
    return Summary(
        tldr=tldr,
        tldr_html=as_sentence(render_feed(tldr, urls=checked.urls), tldr),
        sections=tuple(
            Section(
                one.name,
                one.heading,
                render_markdown(markdown, urls=checked.urls),
                render_feed(markdown, urls=checked.urls),
            )
            for one in answer.sections
            for markdown in [read_brackets(one.markdown)]
        ),
        model=model,
        source=kind,
        renderer=RENDERER,
        flags=tuple(flag.code for flag in checked.flags),
        numbers=checked.numbers,
        unsupported=checked.unsupported_numbers,
        urls=checked.urls,
    )
