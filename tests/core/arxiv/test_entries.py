"""Names, categories, identifiers and moments as arXiv writes them."""

from __future__ import annotations

import pytest

from core.arxiv.entries import EntryError, read_authors, read_categories, read_paper_id
from core.papers import Author, PaperId


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("oai:arXiv.org:2403.15527v1", PaperId("2403.15527", 1)),
        ("oai:arXiv.org:2403.15527", PaperId("2403.15527")),
        ("http://arxiv.org/abs/cond-mat/0603029v1", PaperId("cond-mat/0603029", 1)),
        ("https://export.arxiv.org/abs/math.GT/0309136v12", PaperId("math.GT/0309136", 12)),
        ("arXiv:0704.0001v3", PaperId("0704.0001", 3)),
        ("2403.15527v2", PaperId("2403.15527", 2)),
    ],
)
def test_an_identifier_is_read_out_of_what_surrounds_it(text: str, expected: PaperId) -> None:
    assert read_paper_id(text) == expected


@pytest.mark.parametrize("text", ["", "oai:arXiv.org:", "2403.15527v0", "https://arxiv.org.evil/abs/2403.15527", "x"])
def test_what_is_no_identifier_is_an_error(text: str) -> None:
    with pytest.raises(EntryError):
        read_paper_id(text)


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        ("", []),
        (" , ,, ", []),
        ("Ada Lovelace", ["Ada Lovelace"]),
        ("A. Turing and C. Shannon", ["A. Turing", "C. Shannon"]),
        ("A, B, and C", ["A", "B", "C"]),
        ("A & B", ["A", "B"]),
        ("Anderson Sand, Brand and Andy", ["Anderson Sand", "Brand", "Andy"]),
        ("DatologyAI,  :, Luke Merrick", ["DatologyAI", "Luke Merrick"]),
        ("ATLAS Collaboration: G. Aad, B. Abbott", ["ATLAS Collaboration", "G. Aad", "B. Abbott"]),
        ("Robert Downey, Jr., Ada Lovelace", ["Robert Downey, Jr.", "Ada Lovelace"]),
        ("A (open, B, C", ["A (open", "B", "C"]),
        ("A) closed, B", ["A) closed", "B"]),
        ("A.~Turing,  Ada  {van} Dam", ["A. Turing", "Ada van Dam"]),
    ],
)
def test_names_are_told_apart(raw: str, names: list[str]) -> None:
    assert [author.name for author in read_authors(raw)] == names


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("A B (MIT, CSAIL), C D", (Author("A B", "MIT, CSAIL"), Author("C D"))),
        (
            "A (Max Planck (Berlin), and others) and B (LRI)",
            (Author("A", "Max Planck (Berlin), and others"), Author("B", "LRI")),
        ),
        ("A (1) (2)", (Author("A", "1, 2"),)),
        ("A ()", (Author("A"),)),
        ("A (nickname) Surname", (Author("A (nickname) Surname"),)),
        ("A,\n  B\n C", (Author("A"), Author("B C"))),
    ],
)
def test_parentheses_at_the_end_are_the_affiliation(raw: str, expected: tuple[Author, ...]) -> None:
    assert read_authors(raw) == expected


@pytest.mark.parametrize(
    ("raw", "count"),
    [("A (B, C), " * 20_000, 20_000), ("A" + " " * 200_000 + "B", 1), ("(" * 100_000, 1), ("A (B) " * 20_000, 1)],
    ids=["authors", "blanks", "parentheses", "affiliations"],
)
def test_a_line_of_any_length_is_read_in_one_go(raw: str, count: int) -> None:
    assert len(read_authors(raw)) == count


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (["cs.LG", "cs.AI", "cs.LG"], ("cs.LG", "cs.AI")),
        ([" CS.lg\n", "COND-MAT.soft"], ("cs.LG", "cond-mat.soft")),
        (["cs.ZZ", "q-new.AB", "new-ph"], ("cs.ZZ", "q-new.AB", "new-ph")),
        (["hep-th", "68T05", "I.2.6; H.3", "Primary 57M25", ""], ("hep-th",)),
        (["cmp-lg"], ("cmp-lg",)),
    ],
    ids=["once each", "arXiv's spelling", "new ones", "other classifications", "closed archive"],
)
def test_categories_are_read_in_order(terms: list[str], expected: tuple[str, ...]) -> None:
    assert read_categories(terms) == expected


def test_a_paper_without_a_category_is_none() -> None:
    with pytest.raises(EntryError, match="no category"):
        read_categories(["68T05"])
