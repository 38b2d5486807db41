"""Authors who do not exist, with names as arXiv stores them: ASCII, accents in TeX, now and then an affiliation."""

from __future__ import annotations

from demo.choice import draw, listed, pick
from demo.mailing import Writer

_GIVEN = listed(
    r"Ada;Ren\'ee;Bj{\o}rn;Tom\'a\v{s};Jo\~ao;Mei;Zo\"e;Ngozi;Fran\c{c}ois;Aiko;Lars;Priya;\'Eva;Samuel;I\~nigo;Yuki;"
    r"Ma{\l}gorzata;Ahmed;Ca{\u g}lar;H\'el\`ene;Dmitri;Sof\'{\i}a;Wei;Kwame;J\"org;Nadia;Oluwaseun;Ravi;Signe;Tuan"
)
_FAMILY = listed(
    r"Okafor;S\o rensen;Nov\'ak;Carvalho;Lindqvist;M\"uller;Tanaka;Gar\c{c}on;Iyer;Ko\v{s}ice;Dubois;Chen;O'Rourke;"
    r"Pe\~nalver;Wr\'oblewski;Abebe;van der Linde;Weissm\"uller;Y{\i}lmaz;Bj\"orklund;Ferreira da Costa;Nakamura;Hale;"
    r"\v{C}apek;Gro{\ss}e;Nguy\~en;Mbeki;Lef\`evre;{\AA}str\"om;Qureshi;Rossi;Petrov"
)
_INITIALS = ("", "", "", " K.", " M.", " J. R.")
_AFFILIATIONS = (
    ("Northfield Institute of Technology",),
    ("Harbour University, Department of Computing",),
    ("Lakeside Labs", "Technical University of Westmark"),
    (r"Universit\'e de Valmont, Laboratoire d'Informatique",),
    ("Open Compute Observatory (OCO), Riverside",),
)


def invent_writers(*key: object, count: int | None = None) -> tuple[Writer, ...]:
    """The authors of the paper that *key* names: one to six unless *count* says how many, no name twice."""
    wanted = 1 + draw(6, "writers", *key) if count is None else count
    has_affiliations = draw(9, "affiliations", *key) == 0
    writers: dict[tuple[str, str], Writer] = {}
    place = 0
    while len(writers) < wanted:
        writer = _invent_writer(has_affiliations, *key, place)
        writers.setdefault((writer.given, writer.family), writer)
        place += 1
    return tuple(writers.values())


def _invent_writer(has_affiliation: bool, *key: object) -> Writer:
    if draw(40, "single name", *key) == 0:
        return Writer(pick(("Marwati", "Deepika", "Thant"), "single", *key))
    given = pick(_GIVEN, "given", *key) + pick(_INITIALS, "initials", *key)
    affiliations = pick(_AFFILIATIONS, "affiliation", *key) if has_affiliation else ()
    return Writer(pick(_FAMILY, "family", *key), given, affiliations)
