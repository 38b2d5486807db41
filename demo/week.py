"""A synthetic week of mailings: the same date always gives the same mailing, whatever the week it is asked with.

Ids are `YYMM.9NNNN`, which arXiv's own numbers do not reach: a month has about 30,000 papers. A mailing has new papers,
later crosses and replacements of old ones, and second versions of papers from the three mailings before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from core.mailings import EASTERN, is_mailing_day
from demo.choice import draw, pick
from demo.mailing import Event, Listing, Mailing, SamplePaper, Writer
from demo.oddities import ODDITIES, WITHDRAWN_COMMENT, Oddity
from demo.people import invent_writers
from demo.prose import HOME_TOPICS, MARKER, NEIGHBOUR_TOPICS, Draft, Topic, amend, write_draft

_DAYS = 5
_ONE_DAY = timedelta(days=1)
_CUT_OFF = time(14)  # Eastern; what is submitted until then is announced the same evening

_NEW_PER_HOME_TOPIC = 3
_NEW_PER_NEIGHBOUR_TOPIC = 2
_OLD_PER_TOPIC = 1
_SKIP_NEW_ONE_IN = 8
_SKIP_OLD_ONE_IN = 3
_SECOND_VERSION_LAGS = (1, 2, 3)
_SECOND_VERSION_ONE_IN = 20
_CROSS_ONE_IN = 4
_NUMBERS_PER_DAY = 300  # of the month's 90000 to 99999; the last two hundred are for old papers of later mailings
_NUMBERS_FOR_NEW = 100
_OLDEST_MONTHS = 9
_TOPICS = (*HOME_TOPICS, *NEIGHBOUR_TOPICS)
_ODD_TITLES = frozenset(oddity.draft.title for oddities in ODDITIES for oddity in oddities)

_LICENCES = (
    "http://arxiv.org/licenses/nonexclusive-distrib/1.0/",
    "http://arxiv.org/licenses/nonexclusive-distrib/1.0/",
    "http://arxiv.org/licenses/nonexclusive-distrib/1.0/",
    "http://creativecommons.org/licenses/by/4.0/",
    "http://creativecommons.org/licenses/by/4.0/",
    "http://creativecommons.org/licenses/by/4.0/",
    "http://creativecommons.org/licenses/by-nc-nd/4.0/",
    "http://creativecommons.org/licenses/by-nc-sa/4.0/",
    "http://creativecommons.org/licenses/by-sa/4.0/",
    "http://creativecommons.org/publicdomain/zero/1.0/",
    None,
)
_JOURNALS = (
    "Annals of Imaginary Computing {volume} ({year}) 12-31",
    "Proc. Fictional Conference on Learning, {year}",
    "Journal of Sample Studies, {volume}(4), {year}",
)
_COMMENTS = ("12 pages, 4 figures", "Accepted at a workshop", "9 pages, code at https://example.org/code", None, None)


def last_mailing_day(today: date) -> date:
    """The newest weekday that is not after *today*. Holidays count as weekdays: the stand-in works through them."""
    while not _is_weekday(today):
        today -= _ONE_DAY
    return today


def mailing_week(last: date) -> tuple[Mailing, ...]:
    """The mailings of five weekdays in a row, oldest first, of which *last* is the fifth.

    Raises ValueError where *last* is a Saturday or Sunday.
    """
    if not _is_weekday(last):
        raise ValueError(f"{last} is a {last:%A}; arXiv's mailings come from Monday to Friday")
    return tuple(_mailing(_weekday_before(last, back)) for back in reversed(range(_DAYS)))


def mailings_between(first: date, last: date) -> tuple[Mailing, ...]:
    """The mailings of arXiv's calendar from *first* to *last*, both included, oldest first.

    After a holiday there is no mailing: what `mailing_week` would announce on such a day comes with the next one, each
    paper once. So a mailing is the same whatever range it is asked for in, and after a holiday larger than the week's.
    """
    days = (first + _ONE_DAY * past for past in range((last - first).days + 1))
    return tuple(_mailing_with_held_up(day) for day in days if is_mailing_day(day))


def _mailing_with_held_up(day: date) -> Mailing:
    """The mailing of *day* and of the weekdays without one just before it.

    A second version of a paper that was held up as well is left out: a mailing has each paper once.
    """
    days = [day]
    while not is_mailing_day(earlier := _weekday_before(days[-1], 1)):
        days.append(earlier)
    listings: dict[str, Listing] = {}
    for each in reversed(days):
        for listing in _mailing(each).listings:
            listings.setdefault(listing.paper.id, listing)
    return Mailing(day, tuple(listings.values()))


def _mailing(day: date) -> Mailing:
    return Mailing(
        day,
        (
            *(Listing(paper, "new", paper.categories) for paper in _new_papers(day)),
            *_old_listings(day),
            *_old_style_listings(day),
            *_second_versions(day),
        ),
    )


def _is_weekday(day: date) -> bool:
    return day.weekday() < _DAYS


def _weekday_before(day: date, count: int) -> date:
    """The weekday *count* weekdays before the weekday *day*."""
    for _ in range(count):
        day = last_mailing_day(day - _ONE_DAY)
    return day


def _weekday_number(day: date) -> int:
    """Consecutive numbers for consecutive weekdays, from the first Monday of the calendar on."""
    weeks, weekday = divmod(day.toordinal() - 1, 7)
    return weeks * _DAYS + weekday


@lru_cache(maxsize=16)  # each is asked for again as the past of the three mailings after it
def _new_papers(day: date) -> tuple[SamplePaper, ...]:
    """The papers that are first announced on *day*, ascending by id and by time of submission."""
    oddities = [*ODDITIES[day.weekday()], *(Oddity(draft) for draft in _new_drafts(day))]
    mixed = sorted(oddities, key=lambda oddity: draw(1 << 32, "order", day, oddity.draft.title))
    moments = _submission_moments(day, len(mixed))
    return tuple(
        _first_version(f"{day:%y%m}.{_first_number(day) + place}", oddity, moment)
        for place, (oddity, moment) in enumerate(zip(mixed, moments, strict=True))
    )


def _first_number(day: date) -> int:
    return 90000 + day.day * _NUMBERS_PER_DAY


def _new_drafts(day: date) -> Iterator[Draft]:
    for topics, count in ((HOME_TOPICS, _NEW_PER_HOME_TOPIC), (NEIGHBOUR_TOPICS, _NEW_PER_NEIGHBOUR_TOPIC)):
        for topic in topics:
            first = _weekday_number(day) * (count + _OLD_PER_TOPIC)
            drafts = (write_draft(topic, number) for number in range(first, first + count))
            yield from (draft for draft in drafts if draw(_SKIP_NEW_ONE_IN, "skip", draft.title) != 0)


def _submission_moments(day: date, count: int) -> list[datetime]:
    """*count* moments between the two cut-offs that bound the mailing of *day*, ascending; the first was on hold."""
    start = datetime.combine(_weekday_before(day, 2), _CUT_OFF, EASTERN).astimezone(UTC)
    end = datetime.combine(_weekday_before(day, 1), _CUT_OFF, EASTERN).astimezone(UTC)
    step = (end - start) // (count + 1)
    on_hold = start - timedelta(days=4, hours=3)
    return [on_hold, *(_whole_seconds(start + step * place) for place in range(2, count + 1))]


def _whole_seconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _first_version(paper_id: str, oddity: Oddity, moment: datetime) -> SamplePaper:
    return SamplePaper(
        id=paper_id,
        version=1,
        title=oddity.draft.title,
        writers=oddity.writers or invent_writers(paper_id),
        paragraphs=oddity.draft.paragraphs,
        categories=oddity.draft.categories,
        submitted=moment,
        revised=moment,
        licence=pick(_LICENCES, "licence", paper_id),
        doi=_doi(paper_id) if draw(16, "has doi", paper_id) == 0 else None,
        comment=pick(_COMMENTS, "comment", paper_id),
        is_hard_wrapped=oddity.is_hard_wrapped or draw(6, "wrapped", paper_id) == 0,
    )


def _doi(paper_id: str) -> str:
    return f"10.5555/sample.{paper_id.replace('/', '.')}"  # a prefix that is kept for examples


def _old_listings(day: date) -> Iterator[Listing]:
    """Old papers that *day* brings back: most in a later version, some added to a category."""
    for topics, count in ((HOME_TOPICS, _NEW_PER_HOME_TOPIC), (NEIGHBOUR_TOPICS, _NEW_PER_NEIGHBOUR_TOPIC)):
        for topic in topics:
            number = _weekday_number(day) * (count + _OLD_PER_TOPIC) + count
            draft = write_draft(topic, number)
            if draw(_SKIP_OLD_ONE_IN, "skip", draft.title) != 0:
                yield _old_listing(day, topic, draft)


def _old_listing(day: date, topic: Topic, draft: Draft) -> Listing:
    paper_id, submitted = _past(day, topic, draft.title)
    first = _first_version(paper_id, Oddity(draft), submitted)
    others = [category for category in ("cs.AI", "cs.CL", "cs.DC", "cs.LG") if category not in draft.categories]
    if draw(_CROSS_ONE_IN, "cross", paper_id) == 0:
        added = pick(others, "added", paper_id)
        return Listing(replace(first, categories=(*draft.categories, added)), "cross", (added,))
    return _replacement(day, first, draft, 2 + draw(4, "version", paper_id))


def _past(day: date, topic: Topic, title: str) -> tuple[str, datetime]:
    """An id and a moment one to nine months before *day*. The id tells months and topic, so no other day has it."""
    months = 1 + draw(_OLDEST_MONTHS, "months", title)
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    submitted = datetime(year, month + 1, min(day.day, 28), 9, 30, draw(60, "second", title), tzinfo=UTC)
    number = _first_number(day) + _NUMBERS_FOR_NEW + (months - 1) * len(_TOPICS) + _TOPICS.index(topic)
    return f"{submitted:%y%m}.{number}", submitted


def _replacement(day: date, first: SamplePaper, draft: Draft, version: int, event: Event = "replace") -> Listing:
    """Version *version* of *first*, announced on *day* in all its categories."""
    amended = amend(draft, first.id, version)
    is_published = draw(3, "published", first.id) == 0
    revised = _submission_moments(day, 7)[1 + draw(6, "revised", first.id)]
    paper = replace(
        first,
        version=version,
        paragraphs=amended.paragraphs,
        revised=revised,
        doi=_doi(first.id) if is_published else first.doi,
        journal_reference=_journal_reference(first) if is_published else None,
    )
    return Listing(paper, event, paper.categories)


def _journal_reference(paper: SamplePaper) -> str:
    volume = 3 + draw(40, "volume", paper.id)
    return pick(_JOURNALS, "journal", paper.id).format(volume=volume, year=paper.submitted.year)


def _second_versions(day: date) -> Iterator[Listing]:
    """New versions of papers from the mailings before *day*, each paper at one of the lags only.

    Hand-written papers come back every week, and stay away here so that no title is in a week twice.
    """
    for lag in _SECOND_VERSION_LAGS:
        for place, paper in enumerate(_new_papers(_weekday_before(day, lag))):
            if place % _SECOND_VERSION_ONE_IN == lag and paper.title not in _ODD_TITLES:
                draft = Draft(paper.title, paper.paragraphs, paper.categories)
                yield _replacement(day, paper, draft, 2)


def _old_style_listings(day: date) -> Iterator[Listing]:
    """On Mondays and Thursdays a paper from the time when ids began with an archive; the number tells the week."""
    number = 900 + _weekday_number(day) // _DAYS % 100
    if day.weekday() == 0:
        yield _old_style_listing(
            day,
            f"cs/0412{number}",
            Draft(
                "Fast Parallel Sorting on a Network of Workstations",
                (f"We sort on a network of 64 workstations with little communication. {MARKER}",),
                ("cs.DC", "cs.DS"),
            ),
            (Writer("Ingebretsen", "Ola"),),
        )
    if day.weekday() == 3:
        yield _old_style_listing(
            day,
            f"hep-th/9912{number}",
            Draft(
                "Loop Expansions and Learning on Moduli Spaces",
                (f"This paper has been withdrawn because of an error in Lemma 2. {MARKER}",),
                ("hep-th", "cs.LG", "math-ph"),
            ),
            (Writer(r"Gro{\ss}e", "Anneliese"), Writer("Marwati")),
            comment=WITHDRAWN_COMMENT,
        )


def _old_style_listing(
    day: date, paper_id: str, draft: Draft, writers: tuple[Writer, ...], *, comment: str | None = None
) -> Listing:
    year, month = int(paper_id.split("/")[1][:2]), int(paper_id.split("/")[1][2:4])
    submitted = datetime(1900 + year if year > 90 else 2000 + year, month, 17, 11, 5, 9, tzinfo=UTC)
    first = _first_version(paper_id, Oddity(draft, writers), submitted)
    revised = _submission_moments(day, 3)[2]
    return Listing(replace(first, version=3, revised=revised, comment=comment), "replace", draft.categories)
