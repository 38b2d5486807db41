"""arXiv's categories: which there are, how they are spelt, and what to say about one that there is not.

The tables hold the active part of arXiv/arxiv-base, arxiv/taxonomy/definitions.py at 0f94fa03 (2026-06-29). arXiv adds
a category every few years; a paper may then carry one that is not here, but no feed of it can be asked for.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

TAXONOMY_URL = "https://arxiv.org/category_taxonomy"

# id|name|group
_ARCHIVES = """
astro-ph|Astrophysics|Physics
cond-mat|Condensed Matter|Physics
cs|Computer Science|Computer Science
econ|Economics|Economics
eess|Electrical Engineering and Systems Science|Electrical Engineering and Systems Science
gr-qc|General Relativity and Quantum Cosmology|Physics
hep-ex|High Energy Physics - Experiment|Physics
hep-lat|High Energy Physics - Lattice|Physics
hep-ph|High Energy Physics - Phenomenology|Physics
hep-th|High Energy Physics - Theory|Physics
math|Mathematics|Mathematics
math-ph|Mathematical Physics|Physics
nlin|Nonlinear Sciences|Physics
nucl-ex|Nuclear Experiment|Physics
nucl-th|Nuclear Theory|Physics
physics|Physics|Physics
q-bio|Quantitative Biology|Quantitative Biology
q-fin|Quantitative Finance|Quantitative Finance
quant-ph|Quantum Physics|Physics
stat|Statistics|Statistics
"""

# id|name; the archive is what stands before the dot, or the whole id where the archive has no classes.
_CATEGORIES = """
astro-ph.CO|Cosmology and Nongalactic Astrophysics
astro-ph.EP|Earth and Planetary Astrophysics
astro-ph.GA|Astrophysics of Galaxies
astro-ph.HE|High Energy Astrophysical Phenomena
astro-ph.IM|Instrumentation and Methods for Astrophysics
astro-ph.SR|Solar and Stellar Astrophysics
cond-mat.dis-nn|Disordered Systems and Neural Networks
cond-mat.mes-hall|Mesoscale and Nanoscale Physics
cond-mat.mtrl-sci|Materials Science
cond-mat.other|Other Condensed Matter
cond-mat.quant-gas|Quantum Gases
cond-mat.soft|Soft Condensed Matter
cond-mat.stat-mech|Statistical Mechanics
cond-mat.str-el|Strongly Correlated Electrons
cond-mat.supr-con|Superconductivity
cs.AI|Artificial Intelligence
cs.AR|Hardware Architecture
cs.CC|Computational Complexity
cs.CE|Computational Engineering, Finance, and Science
cs.CG|Computational Geometry
cs.CL|Computation and Language
cs.CR|Cryptography and Security
cs.CV|Computer Vision and Pattern Recognition
cs.CY|Computers and Society
cs.DB|Databases
cs.DC|Distributed, Parallel, and Cluster Computing
cs.DL|Digital Libraries
cs.DM|Discrete Mathematics
cs.DS|Data Structures and Algorithms
cs.ET|Emerging Technologies
cs.FL|Formal Languages and Automata Theory
cs.GL|General Literature
cs.GR|Graphics
cs.GT|Computer Science and Game Theory
cs.HC|Human-Computer Interaction
cs.IR|Information Retrieval
cs.IT|Information Theory
cs.LG|Machine Learning
cs.LO|Logic in Computer Science
cs.MA|Multiagent Systems
cs.MM|Multimedia
cs.MS|Mathematical Software
cs.NA|Numerical Analysis
cs.NE|Neural and Evolutionary Computing
cs.NI|Networking and Internet Architecture
cs.OH|Other Computer Science
cs.OS|Operating Systems
cs.PF|Performance
cs.PL|Programming Languages
cs.RO|Robotics
cs.SC|Symbolic Computation
cs.SD|Sound
cs.SE|Software Engineering
cs.SI|Social and Information Networks
cs.SY|Systems and Control
econ.EM|Econometrics
econ.GN|General Economics
econ.TH|Theoretical Economics
eess.AS|Audio and Speech Processing
eess.IV|Image and Video Processing
eess.SP|Signal Processing
eess.SY|Systems and Control
gr-qc|General Relativity and Quantum Cosmology
hep-ex|High Energy Physics - Experiment
hep-lat|High Energy Physics - Lattice
hep-ph|High Energy Physics - Phenomenology
hep-th|High Energy Physics - Theory
math-ph|Mathematical Physics
math.AC|Commutative Algebra
math.AG|Algebraic Geometry
math.AP|Analysis of PDEs
math.AT|Algebraic Topology
math.CA|Classical Analysis and ODEs
math.CO|Combinatorics
math.CT|Category Theory
math.CV|Complex Variables
math.DG|Differential Geometry
math.DS|Dynamical Systems
math.FA|Functional Analysis
math.GM|General Mathematics
math.GN|General Topology
math.GR|Group Theory
math.GT|Geometric Topology
math.HO|History and Overview
math.IT|Information Theory
math.KT|K-Theory and Homology
math.LO|Logic
math.MG|Metric Geometry
math.MP|Mathematical Physics
math.NA|Numerical Analysis
math.NT|Number Theory
math.OA|Operator Algebras
math.OC|Optimization and Control
math.PR|Probability
math.QA|Quantum Algebra
math.RA|Rings and Algebras
math.RT|Representation Theory
math.SG|Symplectic Geometry
math.SP|Spectral Theory
math.ST|Statistics Theory
nlin.AO|Adaptation and Self-Organizing Systems
nlin.CD|Chaotic Dynamics
nlin.CG|Cellular Automata and Lattice Gases
nlin.PS|Pattern Formation and Solitons
nlin.SI|Exactly Solvable and Integrable Systems
nucl-ex|Nuclear Experiment
nucl-th|Nuclear Theory
physics.acc-ph|Accelerator Physics
physics.ao-ph|Atmospheric and Oceanic Physics
physics.app-ph|Applied Physics
physics.atm-clus|Atomic and Molecular Clusters
physics.atom-ph|Atomic Physics
physics.bio-ph|Biological Physics
physics.chem-ph|Chemical Physics
physics.class-ph|Classical Physics
physics.comp-ph|Computational Physics
physics.data-an|Data Analysis, Statistics and Probability
physics.ed-ph|Physics Education
physics.flu-dyn|Fluid Dynamics
physics.gen-ph|General Physics
physics.geo-ph|Geophysics
physics.hist-ph|History and Philosophy of Physics
physics.ins-det|Instrumentation and Detectors
physics.med-ph|Medical Physics
physics.optics|Optics
physics.plasm-ph|Plasma Physics
physics.pop-ph|Popular Physics
physics.soc-ph|Physics and Society
physics.space-ph|Space Physics
q-bio.BM|Biomolecules
q-bio.CB|Cell Behavior
q-bio.GN|Genomics
q-bio.MN|Molecular Networks
q-bio.NC|Neurons and Cognition
q-bio.OT|Other Quantitative Biology
q-bio.PE|Populations and Evolution
q-bio.QM|Quantitative Methods
q-bio.SC|Subcellular Processes
q-bio.TO|Tissues and Organs
q-fin.CP|Computational Finance
q-fin.EC|Economics
q-fin.GN|General Finance
q-fin.MF|Mathematical Finance
q-fin.PM|Portfolio Management
q-fin.PR|Pricing of Securities
q-fin.RM|Risk Management
q-fin.ST|Statistical Finance
q-fin.TR|Trading and Market Microstructure
quant-ph|Quantum Physics
stat.AP|Applications
stat.CO|Computation
stat.ME|Methodology
stat.ML|Machine Learning
stat.OT|Other Statistics
stat.TH|Statistics Theory
"""

# Two ids of one subject: a paper in one is in the other too, and a feed exists for both.
_ALIASES = """
math.MP=math-ph
stat.TH=math.ST
math.IT=cs.IT
q-fin.EC=econ.GN
cs.SY=eess.SY
cs.NA=math.NA
"""

# Archives that were closed, and the category that took them over.
_SUBSUMED = """
cmp-lg=cs.CL
adap-org=nlin.AO
comp-gas=nlin.CG
chao-dyn=nlin.CD
solv-int=nlin.SI
patt-sol=nlin.PS
alg-geom=math.AG
dg-ga=math.DG
funct-an=math.FA
q-alg=math.QA
mtrl-th=cond-mat.mtrl-sci
supr-con=cond-mat.supr-con
acc-phys=physics.acc-ph
ao-sci=physics.ao-ph
atom-ph=physics.atom-ph
bayes-an=physics.data-an
chem-ph=physics.chem-ph
plasm-ph=physics.plasm-ph
"""


@dataclass(frozen=True, slots=True)
class Archive:
    """A subject that arXiv keeps apart; *group* is the display name it is listed under, such as "Physics"."""

    id: str
    name: str
    group: str


@dataclass(frozen=True, slots=True)
class Category:
    """A category with a feed of its own: `cs.LG`, or an archive without classes such as `hep-th`.

    *archive* is an archive's id and *group* a display name. *alias* is the other id of the same subject (`math.NA` for
    `cs.NA`), None for most.
    """

    id: str
    name: str
    archive: str
    group: str
    alias: str | None = None


def _pairs(table: str) -> Iterator[tuple[str, str]]:
    for row in table.split():
        left, _, right = row.partition("=")
        yield left, right


def _read_archives() -> Iterator[Archive]:
    for row in _ARCHIVES.strip().splitlines():
        identifier, name, group = row.split("|")
        yield Archive(identifier, name, group)


def _read_categories() -> Iterator[Category]:
    aliases = dict(_pairs(_ALIASES))
    aliases |= {right: left for left, right in aliases.items()}
    for row in _CATEGORIES.strip().splitlines():
        identifier, name = row.split("|")
        archive = ARCHIVES[identifier.partition(".")[0]]
        yield Category(identifier, name, archive.id, archive.group, aliases.get(identifier))


ARCHIVES: Mapping[str, Archive] = MappingProxyType({archive.id: archive for archive in _read_archives()})
CATEGORIES: Mapping[str, Category] = MappingProxyType({category.id: category for category in _read_categories()})
SUBSUMED: Mapping[str, str] = MappingProxyType(dict(_pairs(_SUBSUMED)))

_BY_LOWER_ID = {category.id.lower(): category for category in CATEGORIES.values()}
_ALIAS_OF = {category.id: category.alias for category in CATEGORIES.values() if category.alias}


def find_category(text: str) -> Category | None:
    """The category whose id is *text* in any letter case, or None; blanks around it are not forgiven."""
    return _BY_LOWER_ID.get(text.lower()) if text.isascii() else None


def with_aliases(categories: Iterable[str]) -> tuple[str, ...]:
    """*categories*, and behind each the other id of its subject where there is one: a paper in it is in that too.

    arXiv's feeds name both and its query API one of them, so whoever looks for papers of a category looks for both.
    """
    named = tuple(categories)
    if _ALIAS_OF.keys().isdisjoint(named):  # as nearly always
        return named
    pairs = ((one, _ALIAS_OF[one]) if one in _ALIAS_OF else (one,) for one in named)
    return tuple(dict.fromkeys(each for pair in pairs for each in pair))


def hint_for(text: str) -> str:
    """One sentence that helps whoever asked for *text*, which is no category."""
    wanted = text.strip().lower()[:64]
    if wanted in SUBSUMED:
        return f"{wanted} was closed; its papers are in {SUBSUMED[wanted]} now."
    if wanted in ARCHIVES and wanted not in CATEGORIES:
        return f"{wanted} is an archive; choose one of its categories, such as {', '.join(_examples(wanted))}."
    guesses = _guess(wanted)
    if guesses:
        return f"Did you mean {' or '.join(guesses)}?"
    return f"arXiv's categories, such as cs.LG or hep-th, are listed at {TAXONOMY_URL}."


def _examples(archive: str) -> list[str]:
    return [category.id for category in CATEGORIES.values() if category.archive == archive][:3]


def _guess(wanted: str) -> list[str]:
    """Up to three ids that *wanted* may stand for: by the name, by the part after the dot, else by the spelling."""
    if not wanted:
        return []
    same = [
        category.id
        for lower_id, category in _BY_LOWER_ID.items()
        if wanted in (lower_id, category.name.lower(), lower_id.partition(".")[2])
    ]
    close = difflib.get_close_matches(wanted, _BY_LOWER_ID, n=1, cutoff=0.7)
    return same[:3] or [_BY_LOWER_ID[lower_id].id for lower_id in close]
