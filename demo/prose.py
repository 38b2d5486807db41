"""Titles and abstracts of papers that nobody wrote: patterns and phrases, put together by number.

A topic has eight objects and eight circumstances; 64 consecutive numbers use each pair of them once, so titles are
unique as long as the numbers of a topic stay within 64 of each other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from demo.choice import draw, listed, pick

MARKER = "This is a sample paper made up for trying out arxiv-feeds."

Field = Literal["systems", "learning", "language", "agents", "science"]

_SIDE = 8
_PAIRS = _SIDE * _SIDE
_STEP = 27  # odd, so that multiples of it pass through all pairs; neighbours differ in object and circumstance

_WORD_START = re.compile(r"(?:^|(?<=-))[a-z]")
_SMALL_WORDS = frozenset(listed("a;an;and;as;at;by;for;from;in;of;on;or;over;the;to;under;with;without"))


@dataclass(frozen=True, slots=True)
class Topic:
    """What papers of one kind are about: eight *objects*, and eight *circumstances* with their prepositions.

    *categories* are the lists of categories that such papers carry, each with the same primary one first.
    """

    field: Field
    categories: tuple[tuple[str, ...], ...]
    objects: tuple[str, ...]
    circumstances: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """The words of a paper before it has an id, authors and dates."""

    title: str
    paragraphs: tuple[str, ...]
    categories: tuple[str, ...]


# The topics of the default profile's categories.
HOME_TOPICS = (
    Topic(
        "systems",
        (("cs.DC", "cs.LG"), ("cs.DC",), ("cs.DC", "cs.LG", "cs.PF")),
        listed(
            "pipeline parallel training;sharded optimizer state;elastic checkpointing;"
            "asynchronous gradient exchange;sequence parallel attention;failure recovery;activation offloading;"
            "straggler mitigation"
        ),
        listed(
            "on preemptible clusters;across geographically distributed sites;for trillion-token runs;"
            "on mixed accelerators;over commodity Ethernet;under tight memory budgets;with unreliable workers;"
            "in shared academic centres"
        ),
    ),
    Topic(
        "systems",
        (("cs.DC", "cs.NI"), ("cs.DC", "cs.AR"), ("cs.DC",)),
        listed(
            "collective communication;gang scheduling;power capping;topology-aware placement;all-to-all routing;"
            "in-network aggregation;congestion control;job packing"
        ),
        listed(
            "on rail-optimized networks;for bursty tenants;at the scale of a full data centre;"
            "under carbon constraints;with optical switches;for latency-sensitive jobs;during rolling upgrades;"
            "on oversubscribed fabrics"
        ),
    ),
    Topic(
        "systems",
        (("cs.CL", "cs.LG", "cs.DC"), ("cs.CL", "cs.DC"), ("cs.CL", "cs.LG")),
        listed(
            "speculative decoding;chunked prefill;prefix sharing;key-value cache eviction;request scheduling;"
            "disaggregated prefill and decode;draft model selection;early exit decoding"
        ),
        listed(
            "for long-context LLM serving;on consumer GPUs;under strict latency targets;for multi-turn dialogue;"
            "in multi-tenant clusters;with mixed adapters;for batched code completion;on edge devices"
        ),
    ),
    Topic(
        "systems",
        (("cs.LG", "cs.AR"), ("cs.LG", "cs.CL"), ("cs.LG",)),
        listed(
            "FP8 quantization;FP4 weight formats;mixed-precision training;outlier-aware rounding;"
            "low-bit optimizer state;ternary weights;key-value cache compression;calibration-free quantization"
        ),
        listed(
            "for large language models;without retraining;on tensor cores;for vision encoders;at the edge;"
            "for reasoning models;under distribution shift;for recommendation embeddings"
        ),
    ),
    Topic(
        "systems",
        (("cs.LG", "cs.CL"), ("cs.LG", "cs.DC"), ("cs.LG", "cs.AI", "cs.CL")),
        listed(
            "sparse attention;MoE routing;expert placement;block-sparse kernels;linear attention;token dropping;"
            "shared expert layers;mixture-of-experts distillation"
        ),
        listed(
            "for million-token inputs;with skewed traffic;during continual pretraining;on memory-bound hardware;"
            "for multilingual models;beyond fixed capacity;at small batch sizes;under load imbalance"
        ),
    ),
    Topic(
        "learning",
        (("cs.LG", "cs.AI"), ("cs.LG", "cs.AI", "cs.CL"), ("cs.LG", "cs.RO")),
        listed(
            "RLHF with sparse rewards;off-policy RL;verifiable rewards;group-relative policy optimization;"
            "reward model ensembles;curriculum reinforcement learning;exploration bonuses;preference optimization"
        ),
        listed(
            "for mathematical reasoning;with noisy annotators;under reward hacking;in long-horizon games;"
            "from offline logs;for tool use;with changing preferences;on a small budget"
        ),
    ),
    Topic(
        "learning",
        (("cs.LG", "stat.ML"), ("cs.LG",), ("cs.LG", "cs.SI")),
        listed(
            "graph contrastive learning;conformal calibration;causal representation learning;tabular pretraining;"
            "continual learning;data pruning;out-of-distribution detection;missing-value imputation"
        ),
        listed(
            "for molecular property prediction;in hospital records;with few labels;under covariate drift;"
            "for streaming sensors;across institutions;with heavy-tailed noise;for energy demand"
        ),
    ),
    Topic(
        "language",
        (("cs.CL",), ("cs.CL", "cs.CY"), ("cs.CL", "cs.AI")),
        listed(
            "dialect identification;morphological tagging;sentence simplification;named entity linking;"
            "code-switching detection;discourse parsing;back-translation;metaphor recognition"
        ),
        listed(
            "in low-resource languages;for historical newspapers;in parliamentary debates;on social media;"
            "for sign language glosses;in clinical notes;across writing systems;for language learners"
        ),
    ),
    Topic(
        "language",
        (("cs.CL", "cs.AI"), ("cs.CL", "cs.LG"), ("cs.CL", "cs.IR")),
        listed(
            "faithful summarization;citation grounding;long-form factuality;instruction following;"
            "hallucination detection;answer calibration;persona consistency;prompt robustness"
        ),
        listed(
            "in retrieval-augmented generation;for legal questions;in medical dialogue;with conflicting sources;"
            "across eleven languages;for LLM judges;in meeting transcripts;under paraphrase"
        ),
    ),
    Topic(
        "agents",
        (("cs.AI", "cs.MA"), ("cs.AI", "cs.CL"), ("cs.AI", "cs.SE")),
        listed(
            "tool selection;memory management;task decomposition;self-correction;multi-agent negotiation;"
            "web navigation;skill reuse;budget-aware planning"
        ),
        listed(
            "for LLM agents;in open-ended environments;with unreliable tools;over long histories;"
            "for scientific workflows;under partial observability;in spreadsheet software;with human oversight"
        ),
    ),
    Topic(
        "agents",
        (("cs.AI", "cs.LG"), ("cs.AI", "cs.LO"), ("cs.AI",)),
        listed(
            "abductive reasoning;temporal planning;neuro-symbolic search;belief revision;analogical transfer;"
            "constraint acquisition;ontology alignment;counterfactual explanation"
        ),
        listed(
            "with incomplete rules;for timetabling;in board games;over knowledge graphs;for robot kitchens;"
            "in legal compliance;from natural language;with limited supervision"
        ),
    ),
    Topic(
        "agents",
        (("cs.AI", "cs.CY"), ("cs.AI", "cs.CL"), ("cs.AI", "cs.HC", "cs.CY")),
        listed(
            "benchmark contamination;sandbagging detection;value elicitation;behavioural audits;"
            "refusal calibration;incident reporting;oversight protocols;capability forecasting"
        ),
        listed(
            "in frontier models;for public agencies;across model versions;with adversarial users;"
            "in classroom settings;for non-English prompts;before release;at small labs"
        ),
    ),
)

# The topics next door: some of their papers are cross-listed into the default profile's categories.
NEIGHBOUR_TOPICS = (
    Topic(
        "science",
        (("cs.CV", "cs.LG"), ("cs.CV",), ("cs.CV", "cs.AI")),
        listed(
            "monocular depth estimation;video segmentation;image restoration;open-vocabulary detection;"
            "pose tracking;scene text recognition;novel view synthesis;visual question answering"
        ),
        listed(
            "in low light;for underwater footage;with event cameras;for satellite images;from a single photograph;"
            "in crowded streets;on mobile phones;for museum archives"
        ),
    ),
    Topic(
        "systems",
        (("cs.AR", "cs.DC"), ("cs.AR", "cs.LG"), ("cs.AR",)),
        listed(
            "near-memory processing;systolic array mapping;chiplet interconnects;approximate multipliers;"
            "cache coherence;dataflow compilation;sparse tensor cores;wafer-scale routing"
        ),
        listed(
            "for attention kernels;in automotive controllers;for graph analytics;under thermal limits;"
            "with open instruction sets;for embedded inference;in radiation-prone orbits;for genome assembly"
        ),
    ),
    Topic(
        "language",
        (("cs.IR", "cs.CL"), ("cs.IR", "cs.LG"), ("cs.IR",)),
        listed(
            "dense retrieval;query rewriting;cold-start recommendation;learned sparse indexes;visit modelling;"
            "click debiasing;passage reranking;playlist continuation"
        ),
        listed(
            "for patent search;in podcasts;with privacy constraints;for e-commerce;in archives;"
            "for question answering;across markets;for school libraries"
        ),
    ),
    Topic(
        "learning",
        (("stat.ML", "cs.LG"), ("stat.ML", "cs.LG", "math.ST"), ("stat.ML",)),
        listed(
            "Gaussian process regression;variational inference;kernel mean embeddings;sequential testing;"
            "optimal transport barycentres;bandit identification;density ratio estimation;posterior sampling"
        ),
        listed(
            "in high dimension;with dependent data;under misspecification;with censored outcomes;on manifolds;"
            "with finite memory;for rare events;without tuning"
        ),
    ),
    Topic(
        "science",
        (("quant-ph",), ("quant-ph", "cs.LG"), ("quant-ph", "cs.ET")),
        listed(
            "error mitigation;surface code decoding;variational circuits;state tomography;pulse shaping;"
            "entanglement routing;circuit cutting;quantum annealing"
        ),
        listed(
            "on neutral atoms;with mid-circuit measurement;for lattice models;at finite temperature;"
            "on trapped ions;with correlated noise;for chemistry;over lossy channels"
        ),
    ),
    Topic(
        "learning",
        (("math.OC", "cs.LG"), ("math.OC",), ("math.OC", "cs.LG", "math.NA")),
        listed(
            "proximal point methods;stochastic line search;bilevel optimization;distributed consensus;"
            "trust-region subproblems;primal-dual splitting;derivative-free search;column generation"
        ),
        listed(
            "for nonsmooth losses;with delayed gradients;on graphs;under inexact oracles;for power systems;"
            "with integer variables;in Hilbert spaces;for portfolio design"
        ),
    ),
    Topic(
        "science",
        (("eess.AS", "cs.CL", "cs.SD"), ("eess.AS", "cs.SD"), ("eess.AS", "cs.LG", "cs.SD")),
        listed(
            "speaker diarization;keyword spotting;speech enhancement;accent conversion;bird song detection;"
            "singing voice synthesis;far-field recognition;audio captioning"
        ),
        listed(
            "in moving vehicles;for tonal languages;with one microphone;in rainforests;for children;"
            "with overlapping voices;for hearing aids;on smart glasses"
        ),
    ),
    Topic(
        "agents",
        (("cs.SE", "cs.AI"), ("cs.SE", "cs.LG"), ("cs.SE",)),
        listed(
            "program repair;test generation;commit message writing;dependency upgrades;type inference;"
            "bug localization;code migration;static analysis triage"
        ),
        listed(
            "for legacy banking code;in monorepos;with LLM assistants;for Rust crates;in notebooks;"
            "for safety-critical software;across build systems;for student projects"
        ),
    ),
    Topic(
        "science",
        (("cs.CR", "cs.LG"), ("cs.CR",), ("cs.CR", "cs.AI")),
        listed(
            "membership inference;prompt injection defence;model watermarking;malware triage;private aggregation;"
            "side-channel detection;phishing analysis;secure enclaves"
        ),
        listed(
            "in federated settings;for mobile wallets;against adaptive attackers;at internet scale;"
            "for smart meters;with weak labels;in supply chains;for browser extensions"
        ),
    ),
)

_TITLES = (
    "{object} {circumstance}",
    "{name}: {object} {circumstance}",
    "{name}: {object} {circumstance}",
    "Rethinking {object} {circumstance}",
    "On the Limits of {object} {circumstance}",
    "A Closer Look at {object} {circumstance}",
    "Towards Predictable {object} {circumstance}",
    "{object} {circumstance}: An Empirical Study",
    "What Helps {object} {circumstance}",
    "{name}: Scalable {object} {circumstance}",
    "{name}: Efficient {object} {circumstance}",
    "Lessons from {object} {circumstance}",
    "Fast and Simple {object} {circumstance}",
    "The Hidden Cost of {object} {circumstance}",
    "A Framework for {object} {circumstance}",
)
_EXCLUDED_TITLES = (
    "A Survey of {object} {circumstance}",
    "{object} {circumstance}: A Systematic Review",
    "A Tutorial on {object} {circumstance}",
)
_EXCLUDED_ONE_IN = 40

_NAMES = listed(
    "Tidewater;Lattice;Sparrow;Quill;Meridian;Cobble;Halyard;Juniper;Ostrich;Pivot;Ramekin;Saffron;Thimble;Umber;"
    "Velo;Willow;Axle;Brook;Cinder;Drift;Ember;Fjord;Gannet;Heron;Isobar;Kestrel;Loom"
)
_NAME_ENDINGS = ("", "", "LM", "Net", "Kit", "-2", "Flow")

_OPENINGS: dict[Field, tuple[str, ...]] = {
    "systems": (
        "The cost of {object} {circumstance} has grown faster than the machines that have to pay it.",
        "Most deployments treat {object} {circumstance} as a fixed expense, although demand varies by the hour.",
        "Memory traffic, far more often than arithmetic, is what limits {object} {circumstance}.",
        "Rules for {object} {circumstance} are still tuned by hand for one generation of hardware.",
    ),
    "learning": (
        "We study {object} {circumstance}, where the usual assumptions on independence fail.",
        "Little that is known about {object} with infinite data remains true {circumstance}.",
        "No existing bound explains the practical success of {object} {circumstance}.",
        "Recent progress on {object} {circumstance} rests on quantities that nobody can measure beforehand.",
    ),
    "language": (
        "Work on {object} {circumstance} has relied on a handful of English corpora.",
        "The usual test sets make {object} {circumstance} look like a solved problem.",
        "We ask how well current models handle {object} {circumstance} when the surface form changes.",
        "Annotators disagree about {object} {circumstance}, and most models are scored as if they did not.",
    ),
    "agents": (
        "Assistants that act on behalf of people need {object} {circumstance}, and few evaluations test for it.",
        "We examine {object} {circumstance} in {n} open and closed models.",
        "Failures of {object} {circumstance} are rarely reported in a form that others can reproduce.",
        "We treat {object} {circumstance} as a question of bookkeeping rather than of scale.",
    ),
    "science": (
        "Clean reference data for {object} {circumstance} do not exist.",
        "We revisit {object} {circumstance} with measurements from {n} independent sites.",
        "Methods for {object} {circumstance} are compared on data that they have effectively seen before.",
        "Small changes of the set-up can break {object} {circumstance} in ways that averages hide.",
    ),
}
_APPROACHES: dict[Field, tuple[str, ...]] = {
    "systems": (
        "We present {name}, a runtime that plans the work ahead of time and corrects the plan while requests arrive.",
        "{name} splits each step into tiles whose size follows from a cost model with three measured constants.",
        "Our design keeps the hot part of the state in on-chip memory and streams the rest in the order of use.",
        "A small compiler pass fuses neighbouring kernels, so that no intermediate tensor reaches global memory.",
        "{name} overlaps communication with computation at the granularity of single tiles.",
    ),
    "learning": (
        "Our estimator, {name}, replaces the inner maximisation by a convex surrogate with a closed form.",
        "We derive a regularised objective that reduces to the classical one when the noise vanishes.",
        "{name} alternates between a cheap proxy and the exact loss, and switches when their gradients disagree.",
        "The analysis splits the error into a part that averaging removes and a part that it cannot.",
        "During training, {name} adapts its step size to the curvature seen along the trajectory.",
    ),
    "language": (
        "We collect {n} thousand sentences from speakers of different ages and have each labelled three times.",
        "{name} marks every claim of an answer with the passage that supports it, or says that there is none.",
        "A probing set of minimal pairs separates knowledge of words from knowledge of the domain.",
        "We fine-tune encoders of three sizes with an objective that rewards agreement between paraphrases.",
        "{name} keeps the distribution of human labels instead of their majority.",
    ),
    "agents": (
        "We introduce {name}, a suite of {m} tasks with states that can be inspected after every step.",
        "{name} writes its intentions down before acting and is asked to compare them with the outcome.",
        "The proposed controller stops when further steps cost more than they can be expected to return.",
        "A verifier that never sees the prompt checks each action against the rules of the environment.",
        "We separate mistakes of perception from mistakes of choice with paired runs that share a history.",
    ),
    "science": (
        "{name} combines a physical model with a learned correction that is zero where the model is right.",
        "We propose a protocol in which each method is tested on conditions that none of them was tuned for.",
        "A light decoder predicts the residual and an estimate of its own uncertainty.",
        "{name} needs a single calibration run and keeps its parameters for the rest of the experiment.",
        "We release {m} recordings with time stamps, sensor positions and notes of the operators.",
    ),
}
_RESULTS: dict[Field, tuple[str, ...]] = {
    "systems": (
        "On a cluster of {m} accelerators, throughput rises by {a}\\% over the strongest baseline.",
        "Across {n} models, time to first token falls by {a}% while accuracy stays within {d} points.",
        "Tail latency drops from {a} ms to {b} ms at the same hardware cost.",
        "{name} sustains {a}% of peak bandwidth where the vendor library reaches {b}%.",
    ),
    "learning": (
        "The excess risk decays as $\\mathcal{{O}}(n^{{-1/{n}}})$, which matches the lower bound up to a constant.",
        "On {n} public data sets the error falls by {a}% at equal compute.",
        "Experiments with up to {m} tasks confirm the predicted phase change at $\\alpha \\approx 0.{b}$.",
        "Accuracy improves in {n} of {m} configurations and is never worse by more than {d} points.",
    ),
    "language": (
        "Scores drop by {a} points when names and dates are exchanged, and by {b} when the order of clauses changes.",
        "The best model agrees with the annotators in {b}% of the cases, people with each other in {a}%.",
        "Transfer from a related language helps more than doubling the data, in {n} of {m} settings.",
        "Errors concentrate in {a}% of the sentences, most of which contain negation.",
    ),
    "agents": (
        "Success rates range from {b}% to {a}%, and the order of models changes with the budget.",
        "With {name}, the number of wasted steps falls by {a}%.",
        "In {n} of {m} scenarios the simplest policy is also the best one.",
        "People corrected {a}% of the failures with a single sentence.",
    ),
    "science": (
        "On held-out sites the error shrinks by {a}%, and the stated intervals cover nine in ten of the outcomes.",
        "The method runs at {a} frames per second on a laptop.",
        "Results hold for $\\lambda \\leq 0.{b}$ and degrade gracefully beyond it.",
        "A comparison with {n} published methods shows gains of {d} points on average.",
    ),
}
_CLOSINGS = (
    "Code and data are available.",
    "We also describe two settings in which the method does not help, and explain why.",
    "The approach needs no change to the model.",
    "All experiments can be repeated on one machine within a day.",
    "We discuss what the findings mean for people who run such systems.",
    "An ablation shows that each of the parts is needed.",
    "Limitations are discussed at the end.",
    "We hope that the results make later comparisons easier.",
)

_AMENDMENTS = (
    "Compared with the first version, the second experiment was repeated with corrected labels, "
    "which changes {n} of {m} figures.",
    "This version adds a comparison with {n} further methods and a longer discussion of failures.",
    "In the present version the main claim is weakened: it holds for inputs up to {a} pages.",
)


def write_draft(topic: Topic, number: int) -> Draft:
    """The words of *topic*'s paper *number* (0 or more); its title differs from those of the 63 numbers around it."""
    words = _words(topic, number)
    titles = _EXCLUDED_TITLES if draw(_EXCLUDED_ONE_IN, "excluded", words["key"]) == 0 else _TITLES
    title = _in_title_case(pick(titles, "title", words["key"]).format_map(words))
    return Draft(title, _write_paragraphs(topic, words), pick(topic.categories, "categories", words["key"]))


def amend(draft: Draft, *key: object) -> Draft:
    """*draft* as its next version reads: one sentence more before the marker."""
    *before, last = draft.paragraphs
    sentence = pick(_AMENDMENTS, "amendment", *key).format_map(_numbers(*key))
    amended = f"{last.removesuffix(MARKER)}{sentence} {MARKER}"
    return Draft(draft.title, (*before, amended), draft.categories)


def _words(topic: Topic, number: int) -> dict[str, str]:
    """What a sentence about the paper may mention; `key` tells papers of all topics apart."""
    place = number * _STEP % _PAIRS
    key = f"{topic.objects[0]} {number}"
    return {
        "key": key,
        "object": topic.objects[place // _SIDE],
        "circumstance": topic.circumstances[place % _SIDE],
        "name": pick(_NAMES, "name", key) + pick(_NAME_ENDINGS, "ending", key),
        **_numbers(key),
    }


def _numbers(*key: object) -> dict[str, str]:
    """Figures to report: *n* small, *m* larger, *a* greater than *b*, both of two digits, *d* a fraction."""
    low = 11 + draw(30, "b", *key)
    return {
        "n": str(3 + draw(9, "n", *key)),
        "m": str(16 + 8 * draw(30, "m", *key)),
        "a": str(low + 5 + draw(40, "a", *key)),
        "b": str(low),
        "d": f"0.{1 + draw(9, 'd', *key)}",
    }


def _write_paragraphs(topic: Topic, words: dict[str, str]) -> tuple[str, ...]:
    key = words["key"]
    opening, first, second, result = (
        pick(options[topic.field], part, key).format_map(words)
        for part, options in (
            ("opening", _OPENINGS),
            ("first", _APPROACHES),
            ("second", _APPROACHES),
            ("result", _RESULTS),
        )
    )
    middle = [first] if second == first else [first, second]
    ending = [result, pick(_CLOSINGS, "closing", key), MARKER]
    if draw(7, "paragraphs", key) == 0:
        return " ".join([opening, *middle]), " ".join(ending)
    return (" ".join([opening, *middle, *ending]),)


def _in_title_case(text: str) -> str:
    """*text* with capitals as in a title: small words stay small, except at the start and after a colon."""
    words = text.split(" ")
    return " ".join(
        word if word in _SMALL_WORDS and not before.endswith(":") else _with_capitals(word)
        for before, word in zip([":", *words], words, strict=False)
    )


def _with_capitals(word: str) -> str:
    return _WORD_START.sub(lambda letter: letter[0].upper(), word)
