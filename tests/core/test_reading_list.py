"""Which papers a file of references names, whatever kind of file it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.reading_list import find_paper_ids

BIBTEX = r"""
@article{vaswani2017attention,
  title         = {Attention Is All You Need},
  author        = {Vaswani, Ashish and others},
  eprint        = {1706.03762},
  archivePrefix = {arXiv},
  primaryClass  = {cs.CL},
  pages         = {2401.00001},
  year          = 2017
}
@misc{maldacena, eprint = "hep-th/9711200", eprinttype = {arXiv}, volume = 2, number = {2402.00002}}
@misc{flash, doi = {10.48550/arXiv.2205.14135}, url = {https://doi.org/10.48550/arXiv.2205.14135}}
@article{dblp, journal = {CoRR}, volume = {abs/2403.00003}, eprint={arXiv:2005.14165v4}}
@article{elsewhere, doi = {10.1103/2404.00004}, journal = {J. of 2405.00005}, pages = {1234--5678}}
"""

OPML = """<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0"><body>
  <outline text="Papers">
    <outline type="link" text="One" url="https://arxiv.org/abs/2603.00001v2"/>
    <outline type="link" text="2603.00009" url="https://export.arxiv.org/pdf/2603.00002"/>
    <outline type="rss" text="A feed" xmlUrl="https://rss.arxiv.org/rss/cs.LG" htmlUrl="https://arxiv.org/list/cs.LG"/>
  </outline>
</body></opml>
"""

BOOKMARKS = """
<DT><A HREF="https://arxiv.org/html/2603.00003v1#S1" ADD_DATE="1712345678">A paper</A>
<DT><A HREF="http://www.arxiv.org/abs/math.GT/0309136">An old paper</A>
<DT><A HREF="https://example.org/2603.00004">No paper</A>
"""

PLAIN = "2603.00001\n  2603.00002v3  \n- 2603.00003,\n* hep-th/9901001\n\tmath.GT/0309136v1;\r\n0704.0001\r\n\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(BIBTEX, ("1706.03762", "hep-th/9711200", "2205.14135", "2005.14165"), id="BibTeX"),
        pytest.param(OPML, ("2603.00001", "2603.00002"), id="OPML"),
        pytest.param(BOOKMARKS, ("2603.00003", "math.GT/0309136"), id="bookmarks"),
        pytest.param(
            PLAIN,
            ("2603.00001", "2603.00002", "2603.00003", "hep-th/9901001", "math.GT/0309136", "0704.0001"),
            id="a plain list",
        ),
        pytest.param(
            "2603.00001, 2603.00002v3; hep-th/9901001\t0704.0001,\r\n- 2603.00003 2603.00004",
            ("2603.00001", "2603.00002", "hep-th/9901001", "0704.0001", "2603.00003", "2603.00004"),
            id="lists on one line",
        ),
        pytest.param(
            "# mine\n2603.00001 # good one\n* 2603.00002\n1. 2603.00003\n12) 2603.00004\n'2603.00005'\r\n[2603.00006]",
            tuple(f"2603.0000{number}" for number in range(1, 7)),
            id="bullets, numbers, quotes and notes",
        ),
        pytest.param("2603.00001 and 2603.00002\n2603.00003 2603.000045", (), id="not only identifiers"),
        pytest.param("", (), id="nothing"),
        pytest.param("\n\n  \n", (), id="empty lines"),
    ],
)
def test_the_papers_of_a_file_are_found(text: str, expected: tuple[str, ...]) -> None:
    assert find_paper_ids(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("see https://arxiv.org/abs/2603.00001", "2603.00001", id="abs"),
        pytest.param("https://arxiv.org/abs/2603.00001v12", "2603.00001", id="with a version"),
        pytest.param("https://arxiv.org/pdf/2603.00001", "2603.00001", id="pdf"),
        pytest.param("https://arxiv.org/pdf/2603.00001v2.pdf", "2603.00001", id="pdf with its ending"),
        pytest.param("https://arxiv.org/html/2603.00001v1", "2603.00001", id="html"),
        pytest.param("https://arxiv.org/ps/hep-th/9901001", "hep-th/9901001", id="ps"),
        pytest.param("https://arxiv.org/format/2603.00001", "2603.00001", id="format"),
        pytest.param("http://export.arxiv.org/abs/2603.00001", "2603.00001", id="a mirror"),
        pytest.param("HTTPS://ARXIV.ORG/ABS/2603.00001", "2603.00001", id="in capitals"),
        pytest.param("(arxiv.org/abs/2603.00001).", "2603.00001", id="among punctuation"),
        pytest.param("https://arxiv.org/abs/2603.00001?context=cs", "2603.00001", id="with a query"),
        pytest.param("https://arxiv.org/abs/0704.0001", "0704.0001", id="four digits"),
        pytest.param("https://arxiv.org/abs/math.GT/0309136v2", "math.GT/0309136", id="old, with a class"),
        pytest.param("https://arxiv.org/abs/cond-mat/9612001", "cond-mat/9612001", id="old, with a hyphen"),
        pytest.param("arXiv:2603.00001v1 [cs.LG] 5 Mar 2026", "2603.00001", id="as arXiv prints it"),
        pytest.param("arXiv preprint arXiv:2603.00001, 2026", "2603.00001", id="as references have it"),
        pytest.param("ARXIV: hep-th/9901001", "hep-th/9901001", id="with a space"),
        pytest.param("https://doi.org/10.48550/arXiv.2603.00001", "2603.00001", id="DOI"),
        pytest.param("10.48550/ARXIV.2603.00001", "2603.00001", id="DOI in capitals"),
        pytest.param("10.48550/arxiv.hep-th/9901001", "hep-th/9901001", id="DOI of an old paper"),
        pytest.param('Eprint="2603.00001"', "2603.00001", id="eprint in quotes"),
        pytest.param("eprint = {{2603.00001v3}}", "2603.00001", id="eprint in two braces"),
        pytest.param("eprint = { arXiv:math/0309136 }", "math/0309136", id="eprint with a name before it"),
    ],
)
def test_a_paper_is_named_in_many_ways(text: str, expected: str) -> None:
    assert find_paper_ids(text) == (expected,)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("pages 2401.00001 to 2401.00009", id="pages"),
        pytest.param("pages = {2401.00001}", id="a field of pages"),
        pytest.param("volume = {2401.0001},", id="a field of the volume"),
        pytest.param("Vol. 2401.00001", id="a volume"),
        pytest.param("10.1103/2401.00001", id="another DOI"),
        pytest.param("https://example.org/abs/2401.00001", id="an address elsewhere"),
        pytest.param("https://arxiv.org/list/cs.LG/2401", id="a list on arXiv"),
        pytest.param("arXiv:2613.00001", id="no such month"),
        pytest.param("arXiv:2600.00001", id="no month"),
        pytest.param("2613.00001", id="no such month, on its own line"),
        pytest.param("arXiv:hep-th/9913001", id="no such month in an old one"),
        pytest.param("arXiv:2401.000012", id="too many digits"),
        pytest.param("arXiv:2401.001", id="too few digits"),
        pytest.param("arXiv:2401.00001v99999", id="no such version"),
        pytest.param("arXiv:hep-th/99010010", id="too many digits in an old one"),
        pytest.param("arXiv:hep-th/990100", id="too few digits in an old one"),
        pytest.param("arXiv:２４０１.００００１", id="digits of another alphabet"),
        pytest.param("2401.00001 and more", id="not alone on its line"),
        pytest.param("3 2401.00001", id="after a number"),
        pytest.param("1234.56789", id="a number on its own line"),
        pytest.param("eprinttype = {2401.00001}", id="another field"),
        pytest.param("oldeprint = {2401.00001}", id="a field with a longer name"),
    ],
)
def test_what_only_looks_like_a_paper_is_none(text: str) -> None:
    assert find_paper_ids(text) == ()


def test_what_only_looks_like_a_paper_hides_no_other() -> None:
    assert find_paper_ids("arXiv:2613.00001, arXiv:2603.00001\n2699.00001\n2603.00002\n") == (
        "2603.00001",
        "2603.00002",
    )


def test_each_paper_comes_once_where_it_is_named_first() -> None:
    text = "arXiv:2603.00002v1, https://arxiv.org/abs/2603.00001 and arxiv.org/pdf/2603.00002v2\n2603.00001v9\n"
    assert find_paper_ids(text) == ("2603.00002", "2603.00001")


months = st.integers(1, 12).map("{:02}".format)
ids = st.builds("{:02}{}.{:05}".format, st.integers(7, 99), months, st.integers(1, 99_999)) | st.builds(
    "{}/{:02}{}{:03}".format,
    st.sampled_from(["hep-th", "math.GT", "cs", "q-bio"]),
    st.integers(91, 99),
    months,
    st.integers(1, 999),
)
versions = st.just("") | st.integers(1, 99).map("v{}".format)
ways = st.sampled_from(["{}", "- {}", "arXiv:{}", "https://arxiv.org/abs/{}", "eprint = {{{}}},", "10.48550/arXiv.{}"])


@given(st.lists(st.tuples(ids, versions, ways)))
def test_a_list_gives_its_papers_in_its_order(named: list[tuple[str, str, str]]) -> None:
    text = "\n".join(way.format(paper_id + version) for paper_id, version, way in named)
    assert find_paper_ids(text) == tuple(dict.fromkeys(paper_id for paper_id, _, _ in named))
