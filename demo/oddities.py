"""The papers that try a reader's nerves, written by hand: each weekday has its own, so any five in a row have all.

What they hold is what arXiv's metadata hold now and then: TeX in titles, text that looks like markup, a title "0",
a collaboration with a colon, words that contain a keyword without being one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from demo.mailing import Writer
from demo.people import invent_writers
from demo.prose import MARKER, Draft

WITHDRAWN_COMMENT = "This paper has been withdrawn by the authors because of an error in Lemma 2"


@dataclass(frozen=True, slots=True)
class Oddity:
    """A draft, and the authors where they are part of what is odd."""

    draft: Draft
    writers: tuple[Writer, ...] = ()
    is_hard_wrapped: bool = False


def _oddity(
    title: str,
    *paragraphs: str,
    categories: str,
    writers: tuple[Writer, ...] = (),
    is_hard_wrapped: bool = False,
) -> Oddity:
    *before, last = paragraphs
    draft = Draft(title, (*before, f"{last} {MARKER}"), tuple(categories.split()))
    return Oddity(draft, writers, is_hard_wrapped)


_COLLABORATION = (
    Writer("Collaboration", "The Orchid Shared Cluster"),
    Writer(":"),
    *invent_writers("the collaboration", count=34),
)
_AFFILIATED = tuple(
    replace(writer, affiliations=affiliations)
    for writer, affiliations in zip(
        invent_writers("the affiliated", count=3),
        (
            ("Northfield Institute of Technology, Hardware Group", "Lakeside Labs"),
            ("Harbour University, Faculty of Science, Room 4",),
            (),
        ),
        strict=True,
    )
)

ODDITIES: tuple[tuple[Oddity, ...], ...] = (
    (  # Monday
        _oddity(
            "0",
            "Sometimes nothing happens. We report a training run in which every measured effect was zero within its "
            "error, and argue that such runs should be published under their result.",
            categories="cs.LG stat.ML",
        ),
        _oddity(
            "Three Years on a Shared Cluster: Failure Logs of Distributed LLM Training",
            "We publish the failure logs of a cluster that 34 groups share. Most interruptions come from hardware that "
            "had already reported a warning, and an efficient checkpoint schedule recovers 92% of the lost throughput.",
            categories="cs.DC cs.LG",
            writers=_COLLABORATION,
        ),
        _oddity(
            "A Survey of Sparse Attention Kernels for Long Documents",
            "We order 120 sparse attention kernels by what they assume about hardware, and list which of them can be "
            "used for training and which for inference only.",
            categories="cs.CL cs.LG",
        ),
    ),
    (  # Tuesday
        _oddity(
            r"Sorting Gradients in $\mathcal{O}(n \log n)$ Communication Rounds",
            r"Let $x<y$ whenever $f(x)<f(y)$. For a distributed system in which $a<b$ and $c>d$ can be asked but not "
            r"measured, we show that gradients can be sorted in $\mathcal{O}(n \log n)$ rounds, \textbf{without} a "
            r"central server, and that 95\% of the rounds are needed. Here $\alpha$ is the share of silent workers, "
            r"and $\epsilon > 0$ their error.",
            categories="cs.DC cs.DS cs.LG",
        ),
        _oddity(
            r"Na\"ive Bayes on Erd\H{o}s--R\'enyi Graphs: A Fast Baseline for Link Prediction",
            r"A na\"ive classifier in the spirit of Poincar\'e's sketches is a fast and honest baseline. "
            r"We owe the name to a r\^ole that it played in M\"unster.",
            categories="cs.LG cs.SI",
            writers=(Writer(r"Sch\"afermann", r"Zo\'e"), Writer(r"Ho\v{r}ej\v{s}\'i", r"{\L}ucja")),
        ),
        _oddity(
            "Training with Sparse Gradients: A Review",
            "We review what is known about sparse gradients in distributed training, from thresholds to sketches.",
            categories="cs.LG cs.DC",
        ),
    ),
    (  # Wednesday
        _oddity(
            "An Early View of World Models in Clinical Dialogue",
            "Clearly, a preview is not a verdict. Early reviewers of our world model asked for girls and boys of all "
            "ages to be heard; we follow the earlier protocol and keep the surveyors' notes.",
            categories="cs.AI cs.HC",
        ),
        _oddity(
            "R&D Budgets and Inference Bills: Who Pays for a Token?",
            "We compare R&D spending with inference costs (training & serving) at nine firms. At 70% utilisation, "
            "AT&T-style flat rates lose money; throughput pricing does not.",
            categories="cs.AI cs.CY",
        ),
        _oddity(
            "A Tutorial on Speculative Decoding",
            "This tutorial explains speculative decoding step by step, with exercises for a single afternoon.",
            categories="cs.CL",
        ),
    ),
    (  # Thursday
        _oddity(
            "Paged Prefill: Scalable Scheduling for LLM Inference under Bursty Traffic",
            "Context. Prefill and decode compete for the same accelerators, and the efficient mix changes by the "
            "minute.",
            "Method. We describe a scheduler that treats each page of the key-value cache as a job of its own, so that "
            "a long prompt never blocks the decode steps of others.",
            "Results. On an open trace, throughput grows by 38% and tail latency is halved.",
            categories="cs.DC cs.CL cs.LG",
            writers=_AFFILIATED,
            is_hard_wrapped=True,
        ),
        _oddity(
            r"Where Quantization Meets the Edge: \textit{Post Hoc} Calibration at 4\,Bits",
            r"We calibrate after quantization with 128 samples. The loss is ${\sim}0.3$ points at $b=4$ bits, and "
            r"$b \geq 6$ is free. See https://example.org/calibrate_4?a=1&b=2 for the tables.",
            categories="cs.LG cs.AR",
        ),
        _oddity(
            "Open Problems in Multi-Agent Reinforcement Learning: A Survey",
            "We survey open problems and say for each what would count as an answer.",
            categories="cs.AI cs.MA",
        ),
    ),
    (  # Friday
        _oddity(
            "Do <think> Tags Help? Delimiters in Chain-of-Thought Decoding",
            "Models are told to write <b>reasons</b> between <think> and </think>. We vary the delimiters, from "
            "&lt;step&gt; to plain commas; if $a<b$ and $c>d$ then nothing changes. Decoding is as fast as before, and "
            'the "closing" tag matters more than the opening one.',
            categories="cs.CL cs.AI",
        ),
        _oddity(
            r"$\alpha$-Fair Bandwidth Sharing for Parallel Training Jobs",
            r"We allocate network bandwidth so that $\sum_i x_i^{1-\alpha}/(1-\alpha)$ is maximal. The scheme is "
            r"distributed, needs $\Theta(\sqrt{n})$ messages, and is fair to small jobs.",
            categories="cs.DC cs.NI",
        ),
        _oddity(
            "Hardware for Language Models: A Review of Open Designs",
            "We review open hardware for inference and list which designs can be built today.",
            categories="cs.AR cs.LG",
        ),
    ),
)
