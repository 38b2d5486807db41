from __future__ import annotations

import pytest

from demo.accents import to_api_text
from demo.announcements import creators
from demo.week import mailing_week
from tests.builders import DAY


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (r"Sch\"afermann", "Schäfermann"),
        (r"Zo\'{e}", "Zoé"),
        (r"Fran\c{c}ois", "François"),
        (r"Fran\c cois", "François"),
        (r"Ho\v{r}ej\v{s}\'i", "Hořejší"),
        (r"Sof\'{\i}a", "Sofía"),
        (r"Ca{\u g}lar", "Cağlar"),
        (r"Erd\H{o}s--R\'enyi", "Erdős--Rényi"),
        (r"S\o rensen", "Sørensen"),
        (r"{\L}ucja Gro{\ss}e", "Łucja Große"),
        (r"$\alpha$-fair", "$α$-fair"),
    ],
)
def test_accents_and_greek_letters_become_characters(raw: str, text: str) -> None:
    assert to_api_text(raw) == text


@pytest.mark.parametrize(
    "text",
    [r"$\mathcal{O}(n \log n)$", r"\textbf{without}", r"95\%", r"${\sim}0.3$", r"$b \geq 6$", r"4\,Bits", r"\cite{a}"],
)
def test_other_tex_stays_as_it_is(text: str) -> None:
    assert to_api_text(text) == text


def test_no_accent_is_left_in_any_name_of_a_week() -> None:
    for mailing in mailing_week(DAY):
        for listing in mailing.listings:
            assert "\\" not in to_api_text(creators(listing.paper.writers))
