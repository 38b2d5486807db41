"""Every input that fuzzing keeps, by the checks that it makes; atheris is needed only for finding new ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fuzz.__main__ import main
from fuzz.targets import CORPUS, TARGETS, Mistake, Target

LARGEST_CORPUS_BYTES = 200_000  # of the repository; what a run finds beyond it is kept beside it


def kept() -> Iterator[object]:
    for target in TARGETS:
        for path in sorted(target.corpus.iterdir()):
            yield pytest.param(target, path, id=f"{target.name}-{path.name}")


@pytest.mark.parametrize(("target", "path"), list(kept()))
def test_no_kept_input_shows_a_mistake(target: Target, path: Path) -> None:
    target.run(path.read_bytes())


def test_the_corpus_is_small_and_every_folder_of_it_belongs_to_a_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} == {target.name for target in TARGETS}
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < LARGEST_CORPUS_BYTES


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_every_word_of_a_dictionary_is_written_as_libfuzzer_reads_it(target: Target) -> None:
    lines = target.dictionary_file.read_text(encoding="utf-8").splitlines()
    words = [line for line in lines if not line.startswith("#")]
    assert words
    assert [word for word in words if not (len(word) > 2 and word.isascii() and word[0] == word[-1] == '"')] == []


def test_an_input_that_takes_too_long_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.targets.LONGEST_SECONDS", -1.0)
    with pytest.raises(Mistake, match="took"):
        TARGETS[0].run(b"")


@pytest.mark.parametrize("arguments", [[], ["soon"], ["1", "nothing"]])
def test_a_command_that_cannot_be_followed_fuzzes_nothing(arguments: list[str]) -> None:
    assert main(arguments) == 2
