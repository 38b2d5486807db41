"""What is known of words after each mailing, as it is kept in a store that several may write to.

How words are counted is `test_rarity.py`, which papers are the best and what their words are for is
`test_relevance.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from core.errors import SourceUnavailable, StoreUnavailable
from core.learning import MEMORY, Learner
from core.papers import Announcement, AnnounceType, Author, Paper
from core.profiles import Keyword, Profile
from core.query import parse_query
from core.rarity import count
from core.relevance import stream_of
from core.store.records import Changes, Frequencies, Lease, Revision
from core.store.sqlite import SqliteStore
from tests.builders import DAY, MOMENT, paper

NEW, CROSS, REPLACE, REPLACE_CROSS = AnnounceType
CS, MATH = "Computer Science", "Mathematics"
TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (DAY + timedelta(days=days) for days in (-2, -1, 0, 1))
ON_MONDAY = datetime(2026, 3, 9, 12, tzinfo=UTC)  # when there should be a newer mailing than that of Friday


def profile(*keywords: str, **changes: Any) -> Profile:
    terms = tuple(map(Keyword, keywords))
    return Profile(**{"name": "default", "categories": ("cs.LG",), "keywords": terms, **changes})


def of(number: int, abstract: str = "kernel", **changes: Any) -> Paper:
    """Paper *number*, of cs.LG alone."""
    values = {"id": f"2603.{number:05}", "title": "0", "abstract": abstract, "categories": ("cs.LG",)}
    return paper(**{**values, **changes})


def many(first: int, *abstracts: str, among: int = 40) -> list[Paper]:
    """So many papers, numbered from *first* on: the *abstracts*, and about something else the others."""
    others = [f"filler {number}" for number in range(among - len(abstracts))]
    return [of(first + place, text) for place, text in enumerate([*abstracts, *others])]


class CrowdedStore(SqliteStore):
    """A store into which, the next *times*, somebody else *brings* a paper just before what is to be written."""

    def __init__(self, path: Path, brings: Paper, *, times: int = 0) -> None:
        super().__init__(path)
        self.times = times
        self.brings = brings

    async def apply(self, changes: Changes, *, based_on: int, now: datetime, lease: Lease | None = None) -> bool:
        if self.times:
            self.times -= 1
            assert await super().apply(announced(FRIDAY, self.brings), based_on=based_on, now=now)
        return await super().apply(changes, based_on=based_on, now=now, lease=lease)


def announced(mailing: date, *papers: Paper, kind: AnnounceType = NEW) -> Changes:
    """*papers* as they come with a *mailing*."""
    told = tuple(Announcement(mailing, one.id, 1, tuple((name, kind) for name in one.categories)) for one in papers)
    return Changes(papers, told)


@dataclass
class Service:
    """A store that mailings come into, and a learner that looks at it."""

    runner: asyncio.Runner
    store: SqliteStore
    learner: Learner

    def bring(self, mailing: date, *papers: Paper, kind: AnnounceType = NEW) -> None:
        changes = announced(mailing, *papers, kind=kind)
        assert self.runner.run(self.store.apply(changes, based_on=self.revision.number, now=MOMENT))

    def learn(self, *categories: str, now: datetime = ON_MONDAY) -> None:
        self.runner.run(self.learner.learn(categories or ("cs.LG",), self.store, now=now))

    def fetch_named(self, source: FakeSource) -> None:
        self.runner.run(self.learner.fetch_named(source, self.store, now=MOMENT))

    @property
    def revision(self) -> Revision:
        return self.runner.run(self.store.load_revision())

    @property
    def stored(self) -> set[str]:
        papers = self.runner.run(self.store.load_papers([f"2603.{number:05}" for number in range(1, 400)]))
        return {paper_id[-1] for paper_id in papers}

    def known(self, stream: str | None = CS) -> tuple[Frequencies, ...]:
        return self.runner.run(self.store.load_frequencies([stream or "none"], since=date.min))


class Serve(Protocol):
    def __call__(self, *profiles: Profile, store: SqliteStore | None = None) -> Service: ...


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts services, each with a file of its own."""
    started: list[Service] = []

    def start(*profiles: Profile, store: SqliteStore | None = None) -> Service:
        path = tmp_path / f"{len(started)}.sqlite3"
        started.append(Service(runner, store or SqliteStore(path), Learner(profiles)))
        return started[-1]

    with asyncio.Runner() as runner:
        yield start
        for one in started:
            runner.run(one.store.close())


# --- Mailing by mailing -----------------------------------------------------------------------------------------------

KERNEL = profile("kernel")
MAILINGS: Mapping[date, Sequence[Paper]] = {
    TUESDAY: many(1, "kernel alpha", "kernel alpha beta", "two alpha"),
    WEDNESDAY: many(101, "kernel gamma", "alpha", among=25),
    THURSDAY: many(201, "nothing", "of it", among=20),
    FRIDAY: many(301, "kernels", "kernel beta", "kernel kernel", among=60),
}


def test_learning_after_each_mailing_comes_to_a_count_from_scratch(serve: Serve) -> None:
    step_by_step, at_once = serve(KERNEL), serve(KERNEL)
    for mailing, papers in MAILINGS.items():
        step_by_step.bring(mailing, *papers)
        step_by_step.learn()
        at_once.bring(mailing, *papers)
    at_once.learn()
    for stream in (CS, stream_of(KERNEL)):
        assert step_by_step.known(stream) == at_once.known(stream) != ()


def test_of_a_profile_s_best_papers_the_authors_are_counted_too(serve: Serve) -> None:
    ada, kurt = Author("Ada Lovelace"), Author("Kurt Gödel")
    service, stream = serve(KERNEL), stream_of(KERNEL)
    service.bring(TUESDAY, *(replace(one, authors=(ada,)) for one in many(1, "kernel", "nothing of it", among=25)))
    service.bring(WEDNESDAY, *(replace(one, authors=(ada, kurt, kurt)) for one in many(101, "kernel", among=25)))
    service.bring(FRIDAY, *(replace(one, authors=(kurt,)) for one in many(201, *["kernel"] * 15, among=240)))
    service.learn()
    found = {one.mailing: one.authors for one in service.known(stream)}
    assert found[TUESDAY] == {"ada lovelace": 1.0}
    assert found[WEDNESDAY] == {"ada lovelace": 1.99, "kurt gödel": 1.0}
    assert found[FRIDAY] == {"ada lovelace": 1.94, "kurt gödel": 10.98}  # ten of fifteen
    assert [one.authors for one in service.known()] == [{}] * 3


def test_a_first_start_counts_all_mailings_in_order(serve: Serve) -> None:
    service = serve()
    for mailing in sorted(MAILINGS, reverse=True):
        service.bring(mailing, *MAILINGS[mailing])
    service.learn()
    expected: list[Frequencies] = []
    for mailing, papers in MAILINGS.items():
        expected.append(count(CS, mailing, {mailing: papers}, expected[-1] if expected else None))
    assert service.known() == tuple(expected)


def test_a_first_start_counts_no_mailings_of_long_ago(serve: Serve) -> None:
    service = serve()
    for days, number in ((31, 1), (30, 2), (1, 3), (0, 4)):
        service.bring(FRIDAY - timedelta(days=days), of(number))
    service.bring(THURSDAY, of(1), kind=CROSS)
    service.learn(now=MOMENT)
    assert [one.mailing for one in service.known()] == [FRIDAY - MEMORY, THURSDAY]


def test_a_mailing_is_counted_as_a_whole_when_a_newer_one_should_be_there(serve: Serve) -> None:
    service = serve()
    service.bring(THURSDAY, of(1, "alpha"))
    service.learn(now=MOMENT)
    assert service.known() == ()
    service.bring(THURSDAY, of(2, "beta"))
    service.learn()
    assert service.known() == (count(CS, THURSDAY, {THURSDAY: [of(1, "alpha"), of(2, "beta")]}, None),)


def test_a_mailing_is_counted_when_a_newer_one_is_there_whatever_the_calendar_says(serve: Serve) -> None:
    service = serve()
    for day, number in ((THURSDAY, 1), (FRIDAY, 2)):
        service.bring(day, of(number))
    service.learn(now=MOMENT)
    assert [one.mailing for one in service.known()] == [THURSDAY]


def test_a_mailing_without_any_of_a_stream_is_not_counted_again(serve: Serve) -> None:
    service = serve(profile("zymurgy"))
    for day, number in ((WEDNESDAY, 1), (THURSDAY, 2)):
        service.bring(day, of(number))
    service.learn()
    assert [(one.mailing, one.papers) for one in service.known(stream_of(profile("zymurgy")))] == [
        (WEDNESDAY, 0.0),
        (THURSDAY, 0.0),
    ]


def test_a_mailing_is_not_counted_for_likes_that_are_not_stored_yet(serve: Serve) -> None:
    wanted = profile(likes=("2603.00399",))
    service = serve(wanted)
    service.bring(THURSDAY, *many(1, "kernel"))
    service.learn()
    assert service.known(stream_of(wanted)) == ()


def test_of_a_group_that_nobody_followed_before_the_last_mailing_is_counted(serve: Serve) -> None:
    service = serve()
    for day, number in ((TUESDAY, 1), (WEDNESDAY, 2), (THURSDAY, 3)):
        service.bring(day, of(number), of(number + 10, categories=("math.CO", "cs.LG")))
    service.learn("cs.LG")
    service.learn("cs.LG", "math.CO")
    assert [[one.mailing for one in service.known(group)] for group in (CS, MATH)] == [
        [TUESDAY, WEDNESDAY, THURSDAY],
        [THURSDAY],
    ]


def test_an_earlier_mailing_is_not_counted_again(serve: Serve) -> None:
    service = serve(profile("zymurgy"))
    service.bring(THURSDAY, of(1, "alpha"))
    service.learn()
    service.bring(FRIDAY, of(2, "beta"))
    service.learn()
    before = service.known()
    service.bring(THURSDAY, of(3, "gamma"))
    service.learn()
    assert service.known() == before


def test_an_earlier_mailing_is_not_counted_again_when_the_newest_brought_nothing_new(serve: Serve) -> None:
    service = serve(profile("zymurgy"))
    service.bring(THURSDAY, of(1, "alpha"))
    service.learn()
    before = service.known()
    service.bring(FRIDAY, of(2, "beta"), kind=REPLACE)
    service.bring(THURSDAY, of(3, "gamma"))
    service.learn()
    faded = dict.fromkeys(before[0].counts, 0.99)
    assert service.known() == (*before, replace(before[0], mailing=FRIDAY, papers=0.99, counts=faded))


def test_a_mailing_that_was_missed_is_counted_with_the_next_one(serve: Serve) -> None:
    service = serve()
    for mailing in (TUESDAY, WEDNESDAY, FRIDAY):
        service.bring(mailing, *MAILINGS[mailing])
        if mailing != WEDNESDAY:
            service.learn()
    assert [one.mailing for one in service.known()] == [TUESDAY, WEDNESDAY, FRIDAY]


def test_a_stream_that_is_new_is_counted_for_the_mailings_before_and_moves_no_other(serve: Serve) -> None:
    service = serve(KERNEL)
    for mailing in (TUESDAY, WEDNESDAY):
        service.bring(mailing, *MAILINGS[mailing])
        service.learn()
    before, other = service.known(stream_of(KERNEL)), profile("alpha")
    later = replace(service, learner=Learner([KERNEL, other]))
    later.learn()
    mailings = [one.mailing for one in later.known(stream_of(other))]
    assert (mailings, later.known(stream_of(KERNEL))) == ([TUESDAY, WEDNESDAY], before)


def test_nothing_is_written_when_nothing_changed(serve: Serve) -> None:
    service = serve(KERNEL)
    for mailing, papers in MAILINGS.items():
        service.bring(mailing, *papers)
    service.learn()
    before = service.revision
    service.learn()
    assert service.revision == before


def test_what_was_learned_is_a_change_that_readers_see(serve: Serve) -> None:
    service = serve()
    service.bring(THURSDAY, of(1))
    before = service.revision
    service.learn()
    assert service.revision.number == before.number + 1


def test_without_papers_there_is_nothing_to_learn(serve: Serve) -> None:
    service = serve(KERNEL)
    service.learn()
    assert (service.known(), service.revision) == ((), Revision())


# --- Which papers count -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param([(THURSDAY, NEW)], [THURSDAY], id="new"),
        pytest.param([(THURSDAY, CROSS)], [THURSDAY], id="cross-listed"),
        pytest.param([(THURSDAY, REPLACE)], [], id="replaced"),
        pytest.param([(THURSDAY, REPLACE_CROSS)], [], id="a cross-listed one replaced"),
        pytest.param([(WEDNESDAY, REPLACE), (THURSDAY, CROSS)], [THURSDAY], id="replaced, then cross-listed"),
        pytest.param([(WEDNESDAY, NEW), (THURSDAY, CROSS)], [WEDNESDAY], id="new, then cross-listed"),
    ],
)
def test_a_paper_counts_once_in_the_mailing_that_first_brought_it(
    serve: Serve, told: Sequence[tuple[date, AnnounceType]], expected: Sequence[date]
) -> None:
    service = serve()
    for mailing, kind in told:
        service.bring(mailing, of(1), kind=kind)
    service.learn()
    known = service.known()
    assert [one.mailing for one in known if one.papers][:1] == expected
    assert all(one.papers <= 1 for one in known)


@pytest.mark.parametrize(
    ("categories", "papers"),
    [
        pytest.param(("cs.LG",), {CS: 2.0}, id="one"),
        pytest.param(("cs.AI", "cs.CL"), {CS: 2.0}, id="others of the group"),
        pytest.param(("cs.LG", "math.CO"), {CS: 2.0, MATH: 1.0}, id="of two groups"),
        pytest.param(("hep-th",), {"Physics": 0.0}, id="without papers"),
    ],
)
def test_a_paper_counts_in_the_group_of_its_primary_category(
    serve: Serve, categories: Sequence[str], papers: Mapping[str, float]
) -> None:
    service = serve()
    service.bring(THURSDAY, of(1), of(2, categories=("cs.CV", "math.CO")), of(3, categories=("math.GT",)))
    service.learn(*categories)
    known = {stream: service.known(stream) for stream in (CS, MATH, "Physics")}
    assert {stream: one.papers for stream, found in known.items() for one in found} == papers


# --- The best papers of profiles --------------------------------------------------------------------------------------


def words_learned(service: Service, wanted: Profile, *papers: Paper) -> set[str]:
    """The words of the best of *papers*, which are one mailing."""
    service.bring(THURSDAY, *papers)
    service.learn()
    return {word for one in service.known(stream_of(wanted)) for word in one.counts} - {"0"}


@pytest.mark.parametrize(
    ("abstracts", "changes", "words"),
    [
        pytest.param(["kernel a b c", "a kernel", "kernel"], {}, {"a", "kernel"}, id="two of forty"),
        pytest.param(["kernel beta", "filler"], {}, {"kernel", "beta"}, id="no more than match"),
        pytest.param(["kernel", "kernel survey"], {"exclude_keywords": ("survey",)}, {"kernel"}, id="none excluded"),
        pytest.param(["token"], {}, set(), id="none that matches"),
        pytest.param(["kernel"], {"categories": ("cs.CL",)}, set(), id="none of other categories"),
        pytest.param(["kernel"], {"ranking": "count"}, set(), id="none by the origin's rule"),
        pytest.param(["kernel"], {"query": parse_query("kernel")}, set(), id="none of a query"),
    ],
)
def test_a_profile_learns_the_words_of_its_best_papers(
    serve: Serve, abstracts: Sequence[str], changes: Mapping[str, Any], words: set[str]
) -> None:
    wanted = profile("kernel", **changes)
    assert words_learned(serve(wanted), wanted, *many(1, *abstracts)) == words


def test_of_equally_good_papers_the_newest_identifier_is_learned_from(serve: Serve) -> None:
    papers = many(1, "kernel alpha", "kernel beta", "kernel gamma", among=20)
    assert words_learned(serve(KERNEL), KERNEL, *papers) == {"kernel", "gamma"}


def test_the_best_papers_are_picked_without_what_was_learned_before(serve: Serve) -> None:
    """Related words would put the paper of *alpha* before the newer one of *beta*."""
    service = serve(KERNEL)
    service.bring(WEDNESDAY, *many(101, *["kernel alpha"] * 5, among=100))
    service.learn()
    words_learned(service, KERNEL, *many(1, "kernel alpha", "kernel beta", among=20))
    assert service.known(stream_of(KERNEL))[-1].counts["beta"] == 1.0


def test_without_keywords_a_profile_learns_from_what_is_like_its_likes(serve: Serve) -> None:
    wanted = profile(likes=("2603.00001",))
    assert words_learned(serve(wanted), wanted, *many(1, "kernel token", "a kernel")) == {"kernel", "token", "a"}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"authors": (Keyword("Noether"),)}, id="authors"),
        pytest.param({"likes": ("2603.00003",)}, id="likes"),
        pytest.param({"dislikes": ("2603.00004",)}, id="dislikes"),
    ],
)
def test_where_there_are_keywords_they_alone_say_which_papers_are_best(
    serve: Serve, changes: Mapping[str, Any]
) -> None:
    """The best of twenty is the newer one of *beta*, however much speaks for that of *alpha*."""
    wanted = profile("kernel", **changes)
    papers = [of(1, "kernel alpha", authors=(Author("Emmy Noether"),)), of(2, "kernel beta"), of(3, "alpha")]
    assert words_learned(serve(wanted), wanted, *papers, of(4, "beta"), *many(5, among=16)) == {"kernel", "beta"}


def test_unknown_likes_and_dislikes_have_no_say_beside_keywords(serve: Serve) -> None:
    wanted = replace(KERNEL, likes=("2603.00399",), dislikes=("2603.00398",))
    assert words_learned(serve(wanted), wanted, *many(1, "kernel token")) == {"kernel", "token"}


def test_of_likes_without_keywords_the_unknown_are_left_out(serve: Serve) -> None:
    wanted, unknown = (profile(likes=(*known, "2603.00399")) for known in (("2603.00001",), ()))
    papers = many(1, "kernel token", "token")
    learned = [words_learned(serve(one), one, *papers) for one in (wanted, unknown)]
    assert learned == [{"kernel", "token"}, set()]


def test_profiles_with_the_same_keywords_learn_together_from_the_categories_of_all(serve: Serve) -> None:
    one, other = profile("kernel", "token"), profile("token", "kernel", categories=("math.CO",))
    papers = [*many(1, "kernel alpha"), of(99, "kernel beta", categories=("math.CO",))]
    assert words_learned(serve(one, other), one, *papers) == {"kernel", "alpha", "beta"}


def test_a_profile_learns_from_papers_that_name_an_alias_of_its_category(serve: Serve) -> None:
    one = profile("kernel", categories=("cs.NA",))
    papers = [replace(one, categories=("math.NA",)) for one in many(1, "kernel alpha")]
    assert words_learned(serve(one), one, *papers) == {"kernel", "alpha"}


# --- Others who write -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 4])
def test_what_others_wrote_meanwhile_is_counted_too(serve: Serve, tmp_path: Path, times: int) -> None:
    store = CrowdedStore(tmp_path / "crowded.sqlite3", of(2, "beta"))
    service = serve(store=store)
    service.bring(FRIDAY, of(1, "alpha"))
    store.times = times
    service.learn()
    assert service.known() == (count(CS, FRIDAY, {FRIDAY: [of(1, "alpha"), of(2, "beta")]}, None),)


def test_it_gives_up_when_others_wrote_five_times(serve: Serve, tmp_path: Path) -> None:
    store = CrowdedStore(tmp_path / "crowded.sqlite3", of(2))
    service = serve(store=store)
    service.bring(FRIDAY, of(1))
    store.times = 9
    with pytest.raises(StoreUnavailable, match="5 times"):
        service.learn()
    assert (store.times, service.known()) == (4, ())


# --- Papers that no mailing brought -----------------------------------------------------------------------------------


@dataclass
class FakeSource:
    """arXiv with papers 1 to 9; records what was asked for, and fails as often as told to."""

    failures: int = 0
    asked: list[list[str]] = field(default_factory=list)

    async def fetch_papers(self, ids: Iterable[str]) -> tuple[Paper, ...]:
        self.asked.append([one[-1] for one in ids])
        if self.failures:
            self.failures -= 1
            raise SourceUnavailable("https://export.arxiv.org", "away")
        return tuple(of(int(one)) for one in self.asked[-1] if one != "0")


NAMING = (profile("kernel", likes=("2603.00001",)), profile("token", dislikes=("2603.00002",), name="other"))


def test_papers_that_profiles_name_are_fetched_and_announced_in_no_mailing(serve: Serve) -> None:
    service, source = serve(*NAMING), FakeSource()
    service.fetch_named(source)
    assert (source.asked, service.stored, service.revision.newest_mailing) == ([["1", "2"]], {"1", "2"}, None)


def test_those_that_are_stored_are_not_fetched(serve: Serve) -> None:
    service, source = serve(*NAMING), FakeSource()
    service.bring(THURSDAY, of(1))
    service.fetch_named(source)
    assert source.asked == [["2"]]


def test_each_is_asked_for_once_even_where_arxiv_has_none(serve: Serve) -> None:
    service, source = serve(profile(likes=("2603.00010", "2603.00001"))), FakeSource()
    for _ in range(3):
        service.fetch_named(source)
    assert (source.asked, service.stored) == ([["1", "0"]], {"1"})


def test_they_are_asked_for_again_after_arxiv_was_away(serve: Serve) -> None:
    service, source = serve(*NAMING), FakeSource(failures=1)
    with pytest.raises(SourceUnavailable):
        service.fetch_named(source)
    service.fetch_named(source)
    assert service.stored == {"1", "2"}


def test_profiles_that_name_none_ask_for_nothing(serve: Serve) -> None:
    service, source = serve(KERNEL), FakeSource()
    service.fetch_named(source)
    assert (source.asked, service.revision) == ([], Revision())


def test_what_a_mailing_brought_meanwhile_stays_as_it_is(serve: Serve, tmp_path: Path) -> None:
    store = CrowdedStore(tmp_path / "crowded.sqlite3", of(1, "as the mailing has it"), times=1)
    service = serve(*NAMING, store=store)
    service.fetch_named(FakeSource())
    records = service.runner.run(store.load_papers(["2603.00001", "2603.00002"]))
    assert {one.paper.abstract: len(one.announcements) for one in records.values()} == {
        "as the mailing has it": 1,
        "kernel": 0,
    }


def test_what_could_not_be_written_is_asked_for_again(serve: Serve, tmp_path: Path) -> None:
    service = serve(*NAMING, store=CrowdedStore(tmp_path / "crowded.sqlite3", of(9), times=5))
    for _ in range(2):
        with suppress(StoreUnavailable):
            service.fetch_named(FakeSource())
    assert service.stored == {"1", "2", "9"}
