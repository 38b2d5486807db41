"""How one summary is written: which text is read, which model is asked how often, and what becomes of its answers."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, replace
from typing import Any

import pytest

from core.errors import SourceMalformed, SourceUnavailable
from core.summaries.attempts import Key, SourceKind, Usage
from core.summaries.model import WITHHELD, ModelFailed, Trouble
from core.summaries.options import Options, Price
from core.summaries.prompt import parse_template
from core.summaries.writing import FILE_PREFIX, Draft, OutOfBudget, Writer
from tests.builders import paper
from tests.core.summaries.working import ANSWER, NOW, Call, FakeModel, FakeTexts, FakeWorld, Reply, completion

KEY = Key(1, "one", "1", "en", "html")
OPTIONS = Options(is_enabled=True, models=("one", "two"), language="en", prices={"one": Price(1.0, 2.0)})
PAPER = paper(abstract="We read a cache in pages and are 3.5 times as fast as a dense kernel.")
FULL_TEXT = b"<html><body><article class='ltx_document'>%s</article></body></html>" % b"".join(
    b"<section class='ltx_section'><h2>%d Part</h2><div class='ltx_para'><p class='ltx_p'>%s</p></div></section>"
    % (number, b"This kernel reads pages of the cache and is 3.5 times as fast as before. " * 8)
    for number in range(1, 5)
)
NO_MODEL, TOO_LONG = ModelFailed(Trouble.MODEL, "ModelNotFound"), ModelFailed(Trouble.TOO_LONG, "BadRequest.TooLarge")
THROTTLED = ModelFailed(Trouble.TRANSIENT, "Throttling", request_id="r-9")
UNCLEAR = ModelFailed(Trouble.UNCLEAR, "InvalidParameter")
GONE = ModelFailed(Trouble.MODEL, "ModelNotFound")
ARXIV_AWAY = SourceUnavailable("http://x", "no answer")
SHORT = "## Main contributions\nNone."


class FreeMeter:
    """Allows everything up to a number of calls, and adds up what they used."""

    def __init__(self, most: int = 100) -> None:
        self.left = most
        self.used = Usage()
        self.seconds = math.inf

    async def allow(self) -> None:
        if not self.left:
            raise OutOfBudget("budget", "used up")
        self.left -= 1
        self.used += Usage(calls=1)

    def count(self, usage: Usage) -> None:
        self.used += usage

    def seconds_left(self) -> float:
        return self.seconds


@dataclass
class Scene:
    """What was written, and what that took."""

    draft: Draft
    model: FakeModel
    texts: FakeTexts
    world: FakeWorld
    meter: FreeMeter

    @property
    def asked(self) -> list[str]:
        return [call.model for call in self.model.calls]


def write(*replies: Reply, texts: FakeTexts | None = None, most: int = 100, **options: Any) -> Scene:
    """A summary of PAPER under KEY, with a model that gives *replies* before it gives good answers."""
    model = options.pop("model", None) or FakeModel(list(replies))
    template, waits = options.pop("template", None), options.pop("waits_for_texts", False)
    world, texts, meter = FakeWorld(), texts or FakeTexts(FULL_TEXT), FreeMeter(most)
    meter.seconds = options.pop("seconds_left", math.inf)
    writer = Writer(replace(OPTIONS, **options), model=model, texts=texts, template=template, world=world.world)
    draft = asyncio.run(writer.write(PAPER, KEY, meter=meter, waits_for_texts=waits))
    return Scene(draft, model, texts, world, meter)


def test_an_answer_that_passes_becomes_a_summary() -> None:
    draft = write().draft
    summary = draft.summary
    assert summary is not None
    assert (draft.code, draft.reason, draft.request_id) == ("written", "", "r-1")
    assert (summary.model, summary.source) == ("one", "html")
    assert summary.tldr == "A kernel that reads a cache in pages is three times as fast."
    assert [section.name for section in summary.sections] == ["contributions", "methods", "results", "conclusions"]
    assert "<table>" in summary.sections[1].html


def test_what_a_summary_used_is_added_up_and_priced() -> None:
    scene = write(SHORT)
    assert (scene.draft.usage, scene.meter.used) == (Usage(2, 2_000, 1_000, 0.0, 0.004),) * 2


def test_a_service_that_does_not_say_what_it_used_is_counted_by_the_text() -> None:
    usage = write(completion(input_tokens=0, output_tokens=0)).draft.usage
    assert (usage.input_tokens > 500, usage.output_tokens) == (True, len(ANSWER) // 2)


def test_the_markdown_of_a_summary_is_as_harmless_as_its_html() -> None:
    answer = ANSWER.replace("It is faster", "<script>x</script> ![i](https://evil.example/i.png) It is faster")
    summary = write(answer).draft.summary
    assert summary is not None
    assert r"\<script>" in summary.sections[2].markdown  # a text, not an element
    assert "https://evil.example" not in summary.sections[2].markdown


def test_a_sentence_that_looks_like_a_list_stays_a_sentence() -> None:
    summary = write(ANSWER.replace("A kernel that", "1. 2. A kernel that")).draft.summary
    assert summary is not None
    assert summary.tldr_html.startswith("<p>")
    assert "<ol" not in summary.tldr_html


class TestSources:
    def test_the_full_text_is_read_first(self) -> None:
        scene = write()
        assert scene.texts.asked == ["html"]
        assert "This kernel reads pages" in scene.model.calls[0].text

    @pytest.mark.parametrize(
        "texts",
        [
            pytest.param(FakeTexts(None), id="there is none"),
            pytest.param(FakeTexts(b"<html><body>No HTML for this paper</body></html>"), id="a page without a paper"),
            pytest.param(FakeTexts(failure=ARXIV_AWAY), id="arXiv is away"),
            pytest.param(FakeTexts(failure=SourceMalformed("no HTML")), id="arXiv sends something else"),
        ],
    )
    def test_without_a_full_text_the_abstract_is_read(self, texts: FakeTexts) -> None:
        scene = write(texts=texts)
        assert scene.draft.summary is not None
        assert scene.draft.summary.source == "abstract"
        assert PAPER.abstract in scene.model.calls[0].text

    @pytest.mark.parametrize("sources", [("html", "abstract"), ("pdf", "html", "abstract"), ("pdf",)])
    def test_who_waits_for_texts_asks_no_model_while_arxiv_is_away(self, sources: tuple[SourceKind, ...]) -> None:
        scene = write(texts=FakeTexts(failure=ARXIV_AWAY), sources=sources, waits_for_texts=True)
        assert (scene.draft.code, scene.draft.summary, scene.asked) == ("text away", None, [])
        assert "tried again with the next run" in scene.draft.reason

    @pytest.mark.parametrize(
        ("texts", "sources", "source"),
        [
            pytest.param(FakeTexts(FULL_TEXT), ("html", "abstract"), "html", id="the text is there"),
            pytest.param(FakeTexts(None), ("html", "abstract"), "abstract", id="there is none"),
            pytest.param(
                FakeTexts(failure=SourceMalformed("no HTML")), ("html", "abstract"), "abstract", id="no text at all"
            ),
            pytest.param(FakeTexts(failure=ARXIV_AWAY), ("abstract",), "abstract", id="none is wanted"),
        ],
    )
    def test_who_waits_for_texts_has_what_is_there_summarised(
        self, texts: FakeTexts, sources: tuple[SourceKind, ...], source: str
    ) -> None:
        summary = write(texts=texts, sources=sources, waits_for_texts=True).draft.summary
        assert summary is not None
        assert summary.source == source

    def test_a_pdf_is_given_to_the_service_and_taken_back(self) -> None:
        names: list[str] = []

        def look(_: Call) -> None:
            names.extend(file.name for file in model.files.values())

        model = FakeModel(choose=look)
        scene = write(model=model, texts=FakeTexts(pdf=b"%PDF-1.7"), sources=("pdf", "html", "abstract"))
        assert scene.draft.summary is not None
        assert (scene.draft.summary.source, names, model.files) == ("pdf", [f"{FILE_PREFIX}2603.00001v1.pdf"], {})
        assert "fileid://file-0" in scene.model.calls[0].text

    @pytest.mark.parametrize(("left", "timeout"), [(math.inf, 120.0), (40.0, 40.0), (-1.0, 0.0)])
    def test_an_upload_takes_no_longer_than_the_run_may_go_on(self, left: float, timeout: float) -> None:
        model, meter = FakeModel(), FreeMeter()
        meter.seconds = left
        options = replace(OPTIONS, sources=("pdf",))
        writer = Writer(options, model=model, texts=FakeTexts(pdf=b"%PDF-1.7"), template=None, world=FakeWorld().world)
        asyncio.run(writer.write(PAPER, KEY, meter=meter))
        assert model.upload_timeouts == [timeout]

    def test_a_pdf_is_taken_back_when_the_model_fails_too(self) -> None:
        refused = ModelFailed(Trouble.REFUSED, "DataInspectionFailed")
        scene = write(refused, texts=FakeTexts(pdf=b"%PDF-1.7"), sources=("pdf", "abstract"))
        assert (scene.draft.code, scene.model.files) == ("refused", {})

    def test_a_service_that_takes_no_files_is_given_the_next_text(self) -> None:
        model = FakeModel(upload_failure=ModelFailed(Trouble.MODEL, "404"))
        scene = write(model=model, texts=FakeTexts(FULL_TEXT, pdf=b"%PDF"), sources=("pdf", "html", "abstract"))
        assert scene.draft.summary is not None
        assert scene.draft.summary.source == "html"

    def test_a_service_that_refuses_the_key_with_a_file_is_asked_for_nothing_more(self) -> None:
        model = FakeModel(upload_failure=ModelFailed(Trouble.ACCOUNT, "InvalidApiKey"))
        with pytest.raises(ModelFailed, match="InvalidApiKey"):
            write(model=model, texts=FakeTexts(FULL_TEXT, pdf=b"%PDF"), sources=("pdf", "html", "abstract"))
        assert model.calls == []

    def test_a_file_that_is_still_being_read_is_waited_for(self) -> None:
        not_ready = ModelFailed(Trouble.NOT_READY, "InvalidParameter")
        scene = write(not_ready, not_ready, texts=FakeTexts(pdf=b"%PDF"), sources=("pdf",))
        assert (scene.draft.code, scene.world.slept) == ("written", [2.0, 2.0])

    def test_a_text_that_is_too_long_gives_way_to_a_shorter_one(self) -> None:
        scene = write(ModelFailed(Trouble.TOO_LONG, "context_length_exceeded"))
        assert scene.draft.summary is not None
        assert scene.draft.summary.source == "abstract"

    def test_where_even_the_abstract_is_too_long_that_is_said(self) -> None:
        too_long = ModelFailed(Trouble.TOO_LONG, "context_length_exceeded")
        draft = write(too_long, too_long).draft
        assert (draft.code, draft.summary) == ("too long", None)


class TestTrouble:
    def test_a_service_that_fails_for_the_moment_is_asked_three_times_with_growing_pauses(self) -> None:
        scene = write(THROTTLED, THROTTLED, THROTTLED)
        assert (scene.draft.code, len(scene.model.calls), scene.world.slept) == ("unavailable", 3, [1.0, 4.0])
        assert (scene.draft.usage.calls, scene.draft.request_id) == (3, "r-9")

    def test_the_third_attempt_can_succeed(self) -> None:
        assert write(THROTTLED, THROTTLED).draft.code == "written"

    def test_attempts_are_counted_over_all_answers_of_a_paper(self) -> None:
        scene = write(THROTTLED, SHORT, THROTTLED, SHORT, THROTTLED)
        assert (scene.draft.code, len(scene.model.calls)) == ("unavailable", 5)

    @pytest.mark.parametrize(
        ("replies", "options", "calls"),
        [
            pytest.param([NO_MODEL, NO_MODEL, THROTTLED], {"models": ("one", "two", "three")}, 4, id="other models"),
            pytest.param([NO_MODEL, THROTTLED, THROTTLED], {"models": ("one", "two")}, 4, id="another model"),
            pytest.param([TOO_LONG, THROTTLED, THROTTLED], {"sources": ("html", "abstract")}, 4, id="another text"),
        ],
    )
    def test_what_is_wrong_for_good_uses_up_no_attempt(
        self, replies: list[Reply], options: dict[str, Any], calls: int
    ) -> None:
        scene = write(*replies, **options)
        assert (scene.draft.code, len(scene.model.calls)) == ("written", calls)

    @pytest.mark.parametrize(("asked", "pauses"), [(7.0, [7.0]), (0.2, [1.0])])
    def test_the_pause_is_the_one_that_the_service_asks_for(self, asked: float, pauses: list[float]) -> None:
        error = ModelFailed(Trouble.TRANSIENT, "Throttling", retry_after_seconds=asked)
        assert write(error).world.slept == pauses

    def test_a_pause_that_the_service_asks_for_holds_for_other_papers_too(self) -> None:
        world, model = FakeWorld(), FakeModel([ModelFailed(Trouble.TRANSIENT, "Throttling", retry_after_seconds=7.0)])
        writer = Writer(OPTIONS, model=model, texts=FakeTexts(FULL_TEXT), template=None, world=world.world)
        asked: list[float] = []
        model.choose = lambda _: asked.append((world.now - NOW).total_seconds())

        async def both() -> None:
            await asyncio.gather(*(writer.write(PAPER, KEY, meter=FreeMeter()) for _ in range(2)))

        asyncio.run(both())
        assert (asked[0], min(asked[1:]) >= 7.0) == (0.0, True)

    def test_a_pause_that_another_paper_brings_while_one_waits_is_kept_too(self) -> None:
        world, model = FakeWorld(), FakeModel()
        writer = Writer(OPTIONS, model=model, texts=FakeTexts(FULL_TEXT), template=None, world=world.world)
        wanted = [world.world.monotonic() + seconds for seconds in (60.0, 5.0)]

        async def sleep(seconds: float) -> None:
            await world.sleep(seconds)
            if wanted:
                writer._quiet_until = wanted.pop(0)

        writer._world = replace(world.world, sleep=sleep)
        writer._quiet_until = wanted.pop()
        asyncio.run(writer.write(PAPER, KEY, meter=FreeMeter()))
        assert world.slept == [5.0, 55.0]

    def test_a_pause_does_not_shorten_the_one_that_another_paper_has_brought_meanwhile(self) -> None:
        world, model = FakeWorld(), FakeModel()
        writer = Writer(OPTIONS, model=model, texts=FakeTexts(FULL_TEXT), template=None, world=world.world)

        def reply(_: Call) -> Reply | None:
            if len(model.calls) > 1:
                return None
            writer._quiet_until = world.world.monotonic() + 60.0
            return ModelFailed(Trouble.TRANSIENT, "Throttling", retry_after_seconds=5.0)

        model.choose = reply
        asyncio.run(writer.write(PAPER, KEY, meter=FreeMeter()))
        assert world.slept == [5.0, 55.0]

    @pytest.mark.parametrize(
        ("asked", "left"),
        [
            pytest.param(30.0, 60.0, id="short"),
            pytest.param(60.0, 180.0, id="with time for an answer after it"),
            pytest.param(120.0, math.inf, id="with all the time"),
        ],
    )
    def test_a_pause_that_the_run_has_the_time_for_is_waited_for(self, asked: float, left: float) -> None:
        error = ModelFailed(Trouble.TRANSIENT, "Throttling", retry_after_seconds=asked)
        scene = write(error, seconds_left=left)
        assert (scene.draft.code, scene.draft.quiet_seconds, scene.world.slept) == ("written", 0.0, [asked])

    @pytest.mark.parametrize(
        ("asked", "left"),
        [
            pytest.param(60.0, 179.0, id="without time for an answer after it"),
            pytest.param(121.0, math.inf, id="of more than two minutes"),
        ],
    )
    def test_a_longer_pause_leaves_the_paper_to_a_later_run(self, asked: float, left: float) -> None:
        error = ModelFailed(Trouble.TRANSIENT, "Throttling", retry_after_seconds=asked)
        scene = write(error, seconds_left=left)
        assert (scene.draft.code, len(scene.model.calls), scene.world.slept) == ("unavailable", 1, [])
        assert scene.draft.quiet_seconds == asked

    def test_an_answer_that_comes_too_late_is_not_asked_for_twice_in_a_run(self) -> None:
        scene = write(ModelFailed(Trouble.SLOW, "Timeout"))
        assert (scene.draft.code, len(scene.model.calls)) == ("unavailable", 1)

    @pytest.mark.parametrize("may_be_billed", [True, False])
    def test_what_was_sent_is_counted_where_an_answer_may_have_been_made(self, may_be_billed: bool) -> None:
        scene = write(ModelFailed(Trouble.SLOW, "Timeout", may_be_billed=may_be_billed))
        assert (scene.draft.usage.input_tokens > 0, scene.draft.usage.output_tokens) == (may_be_billed, 0)

    def test_a_paper_that_is_refused_is_not_asked_for_again(self) -> None:
        scene = write(ModelFailed(Trouble.REFUSED, "DataInspectionFailed"))
        assert (scene.draft.code, len(scene.model.calls)) == ("refused", 1)
        assert "DataInspectionFailed" in scene.draft.reason

    def test_a_model_that_cannot_be_had_gives_way_to_the_next(self) -> None:
        scene = write(ModelFailed(Trouble.MODEL, "ModelNotFound"))
        assert scene.draft.summary is not None
        assert (scene.draft.summary.model, scene.asked) == ("two", ["one", "two"])

    def test_a_refusal_that_may_be_meant_for_the_paper_is_no_end_for_the_others(self) -> None:
        scene = write(UNCLEAR, UNCLEAR)
        assert (scene.asked, scene.draft.code, scene.draft.refusal) == (
            ["one", "two"],
            "unavailable",
            "InvalidParameter",
        )
        assert "refused it (InvalidParameter)" in scene.draft.reason

    @pytest.mark.parametrize("errors", [(GONE, UNCLEAR), (UNCLEAR, GONE)], ids=["last", "first"])
    def test_one_model_that_may_do_for_other_papers_is_enough_to_go_on(self, errors: tuple[ModelFailed, ...]) -> None:
        assert write(*errors).draft.code == "unavailable"

    @pytest.mark.parametrize("errors", [(SHORT, SHORT, GONE), (SHORT, SHORT, UNCLEAR), (UNCLEAR, SHORT, SHORT)])
    def test_an_answer_that_does_not_pass_tells_more_than_a_refusal(self, errors: tuple[Reply, ...]) -> None:
        assert write(*errors).draft.code == "sections"

    @pytest.mark.parametrize(
        "errors",
        [
            pytest.param([ModelFailed(Trouble.ACCOUNT, "InvalidApiKey")], id="key"),
            pytest.param([GONE] * 2, id="no model at all"),
        ],
    )
    def test_what_would_fail_for_every_paper_is_raised(self, errors: list[Reply]) -> None:
        with pytest.raises(ModelFailed, match=r"InvalidApiKey|ModelNotFound"):
            write(*errors)

    def test_no_call_is_made_that_is_not_allowed(self) -> None:
        scene = write(SHORT, most=1)
        assert (scene.draft.code, len(scene.model.calls)) == ("budget", 1)


class TestAnswers:
    def test_an_answer_that_fails_is_asked_for_again_with_another_seed_and_a_hint(self) -> None:
        first, second = write(SHORT).model.calls
        assert (first.seed, second.seed) == (1, 2)
        assert ("no preamble" in first.text, "no preamble" in second.text) == (False, True)

    def test_after_two_answers_that_fail_the_next_model_is_asked(self) -> None:
        scene = write(SHORT, SHORT)
        assert scene.asked == ["one", "one", "two"]
        assert scene.draft.summary is not None
        assert scene.draft.summary.model == "two"

    def test_where_no_answer_passes_the_reason_is_that_of_the_last(self) -> None:
        draft = write(SHORT, SHORT, SHORT, completion(finish_reason="length")).draft
        assert (draft.summary, draft.code) == (None, "truncated")
        assert "did not pass the checks" in draft.reason

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(completion("", finish_reason="stop"), id="empty"),
            pytest.param(completion("", finish_reason=WITHHELD), id="with the key in it"),
            pytest.param(completion(finish_reason="null"), id="broken off"),
            pytest.param(completion(finish_reason=None), id="without an end"),
            pytest.param("I'm sorry, but I cannot help with that.", id="refusal"),
            pytest.param("```json\n{}\n```", id="JSON"),
            pytest.param(ANSWER.replace("## Results and metrics", ""), id="a section is missing"),
            pytest.param(ANSWER + "again and again.\n" * 500, id="loop"),
        ],
    )
    def test_a_bad_answer_never_becomes_a_summary(self, answer: Reply) -> None:
        scene = write(answer, answer, answer, answer)
        assert (scene.draft.summary, len(scene.model.calls)) == (None, 4)

    @pytest.mark.parametrize("answer", [completion("", finish_reason="stop"), completion(finish_reason=None)])
    def test_one_that_is_empty_or_broke_off_says_nothing_of_the_paper_which_is_tried_another_time(
        self, answer: Reply
    ) -> None:
        scene = write(answer, answer, answer, answer)
        assert (scene.draft.code, scene.asked) == ("unavailable", ["one", "one", "two", "two"])

    def test_a_prompt_with_sections_of_its_own_is_taken_at_its_word(self) -> None:
        answer = ANSWER.replace("Main contributions", "Gist").replace("Results and metrics", "Figures")
        template = parse_template("Write about {title}:\n## Gist\n## Figures\n")
        again = write(SHORT, answer, template=template).model.calls[1].text
        assert ("no preamble" in again, "four sections" in again) == (True, False)
        draft = write(answer, template=template).draft
        assert draft.summary is not None
