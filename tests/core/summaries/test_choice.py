"""Which papers are chosen for a summary, in which order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import cast

from core.catalogue import Item, Selected
from core.profiles import Profile
from core.scoring import Score
from core.summaries.attempts import Attempt, Attempts, SummaryState
from core.summaries.choice import Maker, choose, newest_mailings
from tests.builders import item, paper
from tests.core.summaries.working import NOW

MAKER = Maker("one", "1", "abstract")
WEDNESDAY, THURSDAY, FRIDAY = date(2026, 3, 4), date(2026, 3, 5), date(2026, 3, 6)
PROFILE = Profile("default", ("cs.LG",), language="en")


@dataclass
class Listed:
    """What a profile lists, newest mailing first, best first within: all that choosing looks at."""

    items: tuple[Item, ...]

    @property
    def best(self) -> tuple[Item, ...]:
        return tuple(sorted(self.items, key=lambda one: -one.score.value))

    @property
    def mailings(self) -> tuple[date, ...]:
        return tuple(dict.fromkeys(one.mailing for one in self.items))


def listing(**papers: tuple[date, float]) -> Selected:
    """Papers named by a letter and a digit, each with its mailing and score."""
    found = [
        item(paper=paper(id=f"2603.0000{name[1]}"), mailing=mailing, score=Score(points))
        for name, (mailing, points) in papers.items()
    ]
    found.sort(key=lambda one: (one.mailing, one.score.value), reverse=True)
    return cast(Selected, Listed(tuple(found)))


WEEK = listing(
    p1=(FRIDAY, 1.0), p2=(FRIDAY, 2.0), p3=(FRIDAY, 0.5), p4=(THURSDAY, 9.0), p5=(THURSDAY, 0.7), p6=(WEDNESDAY, 0.6)
)


def chosen(
    selected: Selected = WEEK,
    *,
    papers: int = 2,
    state: SummaryState | None = None,
    attempts: Mapping[str, Attempts] | None = None,
    is_patient: bool = False,
) -> str:
    """The last digits of what is chosen, in its order."""
    found = choose(
        [(PROFILE, selected)],
        attempts or {},
        maker=MAKER,
        papers=papers,
        state=state or SummaryState(),
        now=NOW if is_patient else None,
    )
    return "".join(one.paper.id[-1] for one in found)


def attempt(code: str, **changes: object) -> Attempts:
    return (Attempt(MAKER.key(paper(), "en"), NOW, code, **changes),)  # type: ignore[arg-type]  # changes are fields


def test_the_best_of_the_newest_mailing_and_the_best_of_all_are_chosen_newest_first() -> None:
    assert chosen() == "214"


def test_every_mailing_since_the_last_run_has_its_best() -> None:
    assert chosen(state=SummaryState(mailings=(("default", WEDNESDAY),))) == "2145"


def test_what_was_written_or_failed_for_good_is_left_out() -> None:
    attempts = {"2603.00002": attempt("written"), "2603.00004": attempt("refused")}
    assert chosen(attempts=attempts) == "1"


def test_what_was_left_is_taken_up_wherever_it_stands() -> None:
    assert chosen(attempts={"2603.00006": attempt("budget")}) == "2146"


def test_only_who_is_patient_waits_for_its_time() -> None:
    attempts = {
        "2603.00002": attempt("unavailable", retry_at=NOW + timedelta(minutes=1)),
        "2603.00001": attempt("unavailable", retry_at=NOW),
    }
    assert (chosen(attempts=attempts), chosen(attempts=attempts, is_patient=True)) == ("412", "41")


def test_a_pause_that_was_made_by_a_clock_ahead_of_its_time_is_none() -> None:
    ahead = NOW + timedelta(days=3)
    tried = tuple(replace(one, at=ahead) for one in attempt("unavailable", retry_at=ahead + timedelta(minutes=5)))
    assert chosen(attempts={"2603.00002": tried}, is_patient=True) == "142"


def test_what_failed_comes_last_the_longer_its_pause_the_later() -> None:
    attempts = {
        "2603.00002": attempt("unavailable", failures=2, retry_at=NOW + timedelta(minutes=20)),
        "2603.00001": attempt("closed", retry_at=NOW),
        "2603.00004": attempt("closed"),
    }
    assert chosen(attempts=attempts) == "412"


def test_what_several_profiles_list_is_chosen_once_at_its_best_place() -> None:
    other = Profile("other", ("cs.LG",), language="en")
    theirs = listing(p3=(FRIDAY, 8.0), p2=(FRIDAY, 1.0))
    found = choose([(PROFILE, WEEK), (other, theirs)], {}, maker=MAKER, papers=1, state=SummaryState(), now=None)
    assert [one.paper.id[-1] for one in found] == ["2", "3", "4"]


def test_nothing_is_chosen_where_nothing_is_wanted() -> None:
    assert (chosen(papers=0), chosen(listing())) == ("", "")


def test_the_newest_mailing_is_told_of_those_profiles_that_have_one() -> None:
    assert newest_mailings([(PROFILE, WEEK), (Profile("empty", ("cs.LG",)), listing())]) == (("default", FRIDAY),)
