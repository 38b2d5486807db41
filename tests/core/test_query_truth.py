"""The query language as a truth table: what a paper says, a query, whether it is found; and where mistakes stand.

Written from the specification alone, not from the parser. Where the specification is silent there is no row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import pytest

from core.errors import QueryMistake
from core.papers import Author, Paper
from core.query import parse_query
from tests.builders import paper
from tests.core.finding import finds


@dataclass(frozen=True, slots=True)
class Of:
    """What a paper says; what is not stated is empty. Authors are separated by `; `, categories by a space."""

    title: str = ""
    abstract: str = ""
    authors: str = ""
    categories: str = "cs.LG"
    comment: str | None = None
    id: str = "2603.00001"

    def paper(self) -> Paper:
        return paper(
            title=self.title,
            abstract=self.abstract,
            authors=tuple(Author(name) for name in self.authors.split("; ") if name),
            categories=tuple(self.categories.split()),
            comment=self.comment,
            id=self.id,
        )

    def __str__(self) -> str:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        stated = [f"{field.name}={values[field.name]}" for field in fields(self) if values[field.name] != field.default]
        return ", ".join(stated) or "nothing"


class Row(NamedTuple):
    """One line of the truth table."""

    query: str
    says: Of
    found: bool


Table = Mapping[str, tuple[Sequence[str | Of], Sequence[str | Of]]]


def truth(table: Table, *, field: str = "title") -> pytest.MarkDecorator:
    """One case for each text of a table `{query: (texts it finds, texts it misses)}`; a bare text is the *field*'s."""
    rows, ids = [], []
    for query, (found, missed) in table.items():
        for text, expected in [*((text, True) for text in found), *((text, False) for text in missed)]:
            rows.append(Row(query, Of(**{field: text}) if isinstance(text, str) else text, expected))
            ids.append(f"{query} {'finds' if expected else 'misses'} {text}")
    return pytest.mark.parametrize("row", rows, ids=ids)


# --- Words ------------------------------------------------------------------------------------------------------------


@truth(
    {
        "RL": (
            ["RL", "an rl method", "Rl", "(RL)", "RL.", "[RL]:", "offline-RL", "RL/IL", "RL+IL", "RL's", "Why RL?"],
            ["world", "early", "girl", "clearly", "RLHF", "URL", "R L", "R-L", "RL2", ""],
        ),
        "rl": (["RL", "Deep RL"], ["world", "models of worlds"]),
        "world": (["world", "World models"], ["RL", "worldwide", "underworld", "wor ld"]),
        "review": (
            ["a review", "REVIEW", "Reviews", "reviewed", "reviewing", "peer-review", "Review:"],
            ["preview", "reviewer", "reviewers", "interview", "re-view", "view"],
        ),
        "preview": (["preview", "previews"], ["review", "reviews", "view"]),
        "reviewer": (["reviewer", "reviewers"], ["review", "reviewing", "preview"]),
        "MoE": (["MoE", "moe", "MOE", "MoE-LoRA", "(MoE)"], ["some", "someone", "MMoE", "Moet", "mo e", "moment"]),
        "moe": (["MoE"], ["some", "smoe"]),
        "some": (["some", "Some models"], ["MoE", "awesome", "something"]),
        "fast": (["fast", "Fast!"], ["breakfast", "faster", "steadfast", "fasten"]),
        "AI": (["AI", "ai", "AI-driven"], ["brain", "said", "again", "A I", "XAI"]),
        "IR": (["IR"], ["their", "first"]),
        "NER": (["NER"], ["inner", "corner"]),
        "net": (["net", "a net."], ["network", "networks", "planet", "ResNet"]),
        "table": (["table"], ["stable", "tablet"]),
        "LoRA": (["lora"], ["QLoRA", "exploration", "floral"]),
        "attention": (["attention"], ["inattention", "attentional"]),
        "FlashAttention": (["flashattention"], ["flash attention", "flash-attention", "attention"]),
        "flash attention": (["flash attention", "attention in a flash"], ["FlashAttention"]),
        # what the query writes around a word
        "vision, language": (["vision, language", "language and vision"], ["vision", "language"]),
        "why?": (["why", "Why?"], ["whyever"]),
        "  alpha\t beta ": (["beta alpha"], ["alpha", "beta"]),
    }
)
def test_a_word_is_found_whole_and_in_any_case(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


@truth(
    {
        "C++": (
            ["C++", "c++ code", "in C++.", "(C++)", "C++/CUDA", "Rust, C++, Go", "C and C++"],
            ["C", "C language", "C#", "CPP", "C+", "c"],
        ),
        "c++": (["C++"], ["C"]),
        "C#": (["C#", "c#", "in C#."], ["C", "C++", "Csharp", "C sharp"]),
        "C": (["C", "the C language", "in C.", "(C)", "C/Fortran", "c-means"], ["C++", "C#", "CUDA", "abc", "CC"]),
        '"C++"': (["in C++"], ["C", "C#"]),
        '"C++ code"': (["C++ code"], ["C code", "C# code", "code in C++"]),
        "-C++": (["Rust", "C", "C#"], ["C++"]),
        "C -C++": (["C"], ["C++", "C and C++"]),
        "C++ OR C#": (["C++", "C#"], ["C"]),
        "C++^2": (["C++"], ["C"]),
        "R": (["R", "r", "R and Python", "R-CNN", "the R package"], ["RL", "are", "C", "for", "ResNet"]),
        "2D": (["2D", "2d", "2D-to-3D", "in 2D."], ["2-D", "2 D", "12D", "D2", "2DGS", "3D", "2"]),
        "2-D": (["2-D", "2 D", "2-d", "2\u2011D"], ["2D", "D-2", "2", "2 to D", "2-DGS"]),
        "2 D": (["2-D", "D 2"], ["2D"]),
        "3D": (["3D-aware"], ["3-D", "13D", "3DGS"]),
    }
)
def test_short_names_and_names_with_signs_are_words(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


@truth(
    {
        "FP8": (["FP8", "fp8", "FP8-LM", "in FP8."], ["FP80", "FP16", "FP 8", "FP-8", "BFP8", "FP"]),
        "GPT-4": (
            ["GPT-4", "gpt 4", "GPT-4's", "GPT\u20114", "GPT_4", "GPT-4.1"],
            ["GPT-4o", "GPT4", "GPT-3", "GPT-40", "4 GPT", "GPT", "GPT and 4"],
        ),
        "GPT4": (["gpt4"], ["GPT-4", "GPT 4", "GPT4o"]),
        "GPT-4o": (["GPT-4o", "gpt 4o"], ["GPT-4", "GPT-4 o"]),
        "Llama 3.1": (["Llama 3.1", "LLaMA-3.1", "3.1 and Llama"], ["Llama 3", "Llama 1.3", "Llama 31", "3.1"]),
        '"Llama 3.1"': (["LLaMA-3.1 405B"], ["3.1 Llama", "Llama 3", "Llama 2 and 3.1"]),
        "8-bit": (["8-bit", "8 bit", "8 bits", "8\u2010bit"], ["8bit", "bit 8", "48-bit", "8", "8 or 4 bit"]),
        "7B": (["7B", "LLaMA-7b"], ["7", "17B", "7 B", "7-B"]),
        "4": (["GPT-4", "4 bits"], ["40", "14", "4o", "W4"]),
        "2024": (["in 2024", "2024-03"], ["20240", "2023"]),
        "3.5": (["GPT-3.5", "3 5"], ["35", "5.3", "3"]),
        "W4A8": (["w4a8"], ["W4A16", "W4 A8"]),
    }
)
def test_numbers_and_versions_are_words(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


# --- Accents and other letters ----------------------------------------------------------------------------------------


@truth(
    {
        "Müller": (["Müller", "Muller", "Mu\u0308ller", "MÜLLER", "MULLER"], ["Miller", "M ller"]),
        "Muller": (["Müller", "Mu\u0308ller"], ["Mueller", "Miller"]),
        "Mu\u0308ller": (["Müller", "Muller", "Mu\u0308ller"], ["Miller"]),
        "naive": (["naïve", "nai\u0308ve", "NAÏVE"], ["native"]),
        "naïve": (["naive", "nai\u0308ve"], ["native"]),
        "Schrödinger": (["Schrodinger", "SCHRO\u0308DINGER"], ["Schroder"]),
        "Poincare": (["Poincaré", "Poincare\u0301"], ["Poin care"]),
        "Erdős": (["Erdos", "Erdo\u030bs"], []),
        "Nguyen": (["Nguyễn", "Nguye\u0302\u0303n"], []),
        "Łukasz": (["Lukasz", "łukasz", "ŁUKASZ"], ["ukasz", "Lukas Z"]),
        "Lukasz": (["Łukasz"], []),
        "Søren": (["Soren", "SØREN"], ["S ren"]),
        "Soren": (["Søren"], []),
        "Ångström": (["Angstrom", "\u212bngstro\u0308m"], ["ngström"]),
        "istanbul": (["İstanbul", "I\u0307STANBUL"], []),
        "Kılıç": (["Kılıç", "Kılıc\u0327"], []),
        "Ærø": (["Ærø", "ærø"], []),
        "Straße": (["Straße"], ["Strae"]),
        '"naive Bayes"': (["naïve Bayes"], ["native Bayes"]),
        '"naïve Bayes"': (["Naive Bayes"], []),
        "schrod*": (["Schrödinger", "Schro\u0308dinger"], ["Schur"]),
        "schröd*": (["Schrodinger"], []),
        "schrö*": (["Schrödinger", "Schrodinger", "Schro\u0308dinger"], ["Schur"]),
        "Schro\u0308*": (["Schrödinger", "Schrodinger", "Schro\u0308dinger"], ["Schur"]),
        "the-Schro\u0308*": (["the Schrödinger"], ["Schrödinger"]),
        "Poincare\u0301*": (["Poincaré"], ["Poinsot"]),
    }
)
def test_accents_make_no_difference_in_either_direction(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


@truth(
    {
        "λόγος": (["λόγος", "λογος", "ΛΟΓΟΣ", "Λο\u0301γος"], ["διάλογος", "λόγ"]),
        "λογος": (["λόγος"], []),
        "β": (["β-VAE", "a β."], ["βγ", "b"]),
        "β-VAE": (["β-VAE", "β VAE"], ["VAE-β", "βVAE"]),
        "обучение": (["Машинное ОБУЧЕНИЕ"], ["самообучение", "обучения"]),
        "ещё": (["еще", "ЕЩЁ", "еще\u0308"], []),
        "нейрон": (["нейрон", "неи\u0306рон"], ["нейронный"]),
    }
)
def test_greek_and_cyrillic_are_words_like_others(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


@truth(
    {
        "机器学习": (
            ["机器学习", "基于机器学习的方法", "机器 学习", "机器学习, 2024"],
            ["机器翻译", "学习机器", "机器的学习", "机器", "机学器习"],
        ),
        "学习": (["机器学习", "强化学习方法"], ["学与习", "习学"]),
        "学": (["机器学习"], ["机器"]),
        "机器 学习": (["机器学习", "学习机器"], ["机器"]),
        '"机器学习"': (["基于机器学习的方法"], ["学习机器"]),
        "LLM": (["基于LLM的方法"], ["基于VLLM的方法"]),
        "BERT": (["使用BERT模型"], ["使用RoBERTa模型"]),
        "GPT-4": (["使用GPT-4进行评估"], ["使用GPT-3进行评估"]),
        "LLM模型": (["基于LLM模型的方法", "LLM 模型"], ["模型LLM", "LLM大模型"]),
        "强化学习 -综述": (["强化学习"], ["强化学习综述"]),
        "深層学習": (["深層学習モデル"], ["深層の学習", "学習"]),
        "モデル": (["深層学習モデル"], ["モード"]),
        "ねこ": (["しろねこと犬"], ["ねずみ", "こね", "ネコ"]),
        "학습": (["기계학습", "강화 학습을"], ["학교", "습학"]),
        "기계학습": (["기계학습의", "기계 학습"], ["학습 기계", "기계"]),
        "모델": (["언어모델", "언어 모델을"], ["모양"]),
    }
)
def test_each_ideograph_kana_or_syllable_is_a_word_and_a_run_a_phrase(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


# --- Hyphens and other punctuation ------------------------------------------------------------------------------------


@truth(
    {
        "kv-cache": (
            [
                *["KV cache", "KV-cache", "kv caches", "KV caching", "KV-cached", "KV_cache", "KV/cache"],
                *["the KV.cache", "KV\u2010cache", "KV\u2011cache", "KV\u2013cache", "KV\u2014cache"],
                *["KV\u00a0cache", "KV  cache"],
            ],
            ["kvcache", "KVCache", "kv", "cache", "cache-KV", "KV and cache", "KV cacher", "MKV cache"],
        ),
        "kv\u2010cache": (["KV cache", "KV-cache"], ["kvcache", "cache kv"]),
        "kv\u2011cache": (["KV cache", "KV-caches"], ["kvcache", "cache kv"]),
        "kv\u2013cache": (["KV cache", "KV_cache"], ["kvcache", "cache kv"]),
        "kv/cache": (["KV cache", "KV-cache"], ["kvcache", "cache/kv"]),
        "kv_cache": (["KV cache", "KV\u2011cache"], ["kvcache", "cache_kv"]),
        "kvcache": (["KVCache", "kvcache"], ["KV cache", "KV-cache"]),
        "kv cache": (["KV-cache", "cache of KV"], ["kvcache"]),
        "-kv-cache": (["kv", "kvcache", "cache kv"], ["KV cache", "kv-caches"]),
        "kv -cache": (["kv store"], ["kv-cache", "kv cache", "store"]),
        "k-means": (["k-means", "K means", "k\u2011means"], ["kmeans", "means of k", "k"]),
        "x-ray": (["X-ray", "X-rays", "x ray"], ["xray", "ray x"]),
        "self-supervised": (["Self-Supervised", "self supervised"], ["supervised self", "self-supervision"]),
        "state-of-the-art": (["state of the art", "state\u2010of\u2010the\u2010art"], ["state of art", "state art"]),
        "encoder-decoder": (["encoder\u2013decoder", "Encoder-Decoders"], ["decoder-encoder", "encode-decode"]),
        "offline": (["offline"], ["off-line", "off line"]),
        "off-line": (["off-line", "off line"], ["offline"]),
        "co-training": (["Co-training", "co training"], ["cotraining", "training"]),
        "pre-training": (["pre-training"], ["pre- and post-training", "pretraining"]),
        "training": (["pre- and post-training"], ["pretraining"]),
        "Node.js": (["Node.js", "node js"], ["nodejs", "js node"]),
        "U.S.": (["U.S.", "the U.S. economy"], ["US", "us"]),
        "review": (["attention\u2014a review\u2014of"], []),
    }
)
def test_a_hyphen_or_other_punctuation_separates_words(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


@truth(
    {
        "Newton": (["Newton's method", "Newton\u2019s method", "NEWTON'S METHOD"], ["Newtonian"]),
        "NEWTON'S": (["Newton's method", "Newton"], ["Newtonian"]),
        "Newton's": (["Newton", "Newton\u2019s", "Newton's"], ["Newtonian", "s"]),
        "Bayes": (["Bayes' rule", "Bayes\u2019 rule", "Bayes's rule"], ["Bayesian"]),
        "Bayes'": (["Bayes rule", "Bayes\u2019 rule"], ["Bayesian"]),
        "LLM": (["LLM's", "LLMs' answers", "LLMs\u2019 answers"], []),
        "don't": (["don't", "don\u2019t"], ["do not"]),
    }
)
def test_a_possessive_is_dropped(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


# --- Inflections ------------------------------------------------------------------------------------------------------


@truth(
    {
        "cache": (["cache", "caches", "cached", "caching"], ["cachet", "cacher", "cacheable"]),
        "caching": (["cache", "caches", "cached"], ["catching"]),
        "caches": (["cache", "caching"], []),
        "scale": (["scaling", "scaled", "scales"], ["scalable", "scaler", "scalability"]),
        "scaling": (["scale", "scales"], ["scalable"]),
        "quantize": (["quantized", "quantizes", "quantizing"], ["quantization", "quantizer", "quantum"]),
        "quantized": (["quantize"], ["quantization"]),
        "quantization": (["quantizations"], ["quantize", "quantized", "quantizing"]),
        "decode": (["decodes", "decoded", "decoding"], ["decoder", "decoders", "decodable", "code"]),
        "decoder": (["decoders"], ["decode", "decoding", "encoder"]),
        "study": (["studies", "studying"], ["student", "sturdy"]),
        "studies": (["study"], ["students"]),
        "policy": (["policies"], ["police"]),
        "policies": (["policy"], ["police"]),
        "survey": (["surveys", "surveyed", "surveying"], ["surveyor", "surveillance"]),
        "movie": (["movies", "Movie"], ["move", "moving", "movement"]),
        "movies": (["movie"], ["moves"]),
        "cookie": (["cookies"], ["cook", "cooking"]),
        "calories": (["calorie"], ["caloric", "color"]),
        "zombie": (["zombies"], ["zombify"]),
        "selfies": (["selfie"], ["self", "selfish"]),
        "underlie": (["underlies", "underlying"], ["underline"]),
        "trie": (["trie"], ["tries", "try", "tree"]),  # tries are mostly of to try
        "try": (["try", "tries", "tried"], ["trie"]),
        "tie": (["tie", "ties", "tied", "tying"], ["ty", "Thai"]),
        "die": (["die", "dies", "died", "dying"], ["dy", "did", "dye"]),
        "lie": (["lies", "lied"], ["ly", "Li"]),
        "pie": (["pies"], ["py", "pi"]),
        "series": (["time series"], ["serial", "serious"]),
        "box": (["boxes"], ["boxer", "boxplot"]),
        "class": (["classes"], ["classic", "classify"]),
        "classes": (["class"], ["classic"]),
        "loss": (["losses"], ["lossless"]),
        "bias": (["biases", "biased"], ["unbiased"]),
        "bus": (["bus", "buses"], ["busy", "abuses"]),
        "gases": (["gas"], ["GA", "gasp"]),
        "atlas": (["atlases"], ["at last"]),
        "canvases": (["canvas"], ["canvass"]),
        "virus": (["viruses"], ["viral"]),
        "matrix": (["matrices", "Matrix", "matrixes"], ["metric", "matric"]),
        "vertices": (["vertex", "vertexes"], ["vortex", "vortices", "vertical"]),
        "index": (["indices", "indexes", "indexed", "indexing"], ["indicate"]),
        "corpora": (["corpus"], ["corporate", "corporal"]),
        "criterion": (["criteria"], ["critic"]),
        "spectra": (["spectrum", "spectrums"], ["spectral", "specter"]),
        "minima": (["minimum"], ["minimal", "minimax"]),
        "stimulus": (["stimuli"], ["stimulate"]),
        "axes": (["axis"], ["axiom", "taxes"]),
        "focus": (["foci", "focuses", "focused"], []),
        "children": (["child"], ["childhood"]),
        "woman": (["women"], ["man", "men"]),
        "data": (["data"], ["datum", "date", "dataset"]),
        "media": (["media"], ["medium"]),
        "analysis": (["analyses", "analysed", "Analysing", "analyse"], ["analyst", "analytic", "analyzed"]),
        "analyses": (["analysis", "analysing"], ["analysts"]),
        "hypothesis": (["hypotheses"], ["hypothetical", "hypo"]),
        "diagnoses": (["diagnosis", "diagnosed"], ["diagnostic"]),
        "synthesis": (["syntheses", "synthesised", "synthesising"], ["synthetic", "synthesized"]),
        "thesis": (["thesis", "theses"], ["these"]),
        "basis": (["basis"], ["bases", "base", "bas"]),
        "genesis": (["genesis"], ["gene", "genes"]),
        "process": (["processes", "processed", "processing"], ["processor", "procession"]),
        "hash": (["hashes", "hashed", "hashing"], ["hasher"]),
        "train": (["trains", "trained", "training"], ["trainer", "trainable", "strain"]),
        "training": (["train", "trained"], ["trainer", "straining"]),
        "learn": (["learns", "learned", "learning"], ["learner", "learnable"]),
        "use": (["uses", "used", "using"], ["fuse", "us", "user"]),
        "using": (["use"], ["fusing"]),
        "age": (["ages", "aged", "aging", "ageing"], ["agent"]),
        "ask": (["asks", "asked", "asking"], ["task"]),
        "code": (["codes", "coded", "coding"], ["coder", "codec"]),
        "image": (["images", "imaging"], ["imagine", "imaginary"]),
        "agent": (["agents"], ["agentic", "agency"]),
        "generate": (["generates", "generated", "generating"], ["generation", "generator", "generative", "general"]),
        "transformer": (["transformers"], ["transform", "transforming", "transformation"]),
        "transform": (["transforms", "transformed"], ["transformer", "transformation"]),
        "diffusion": ([], ["diffuse", "diffused"]),
        "efficient": ([], ["efficiently", "efficiency"]),
        "university": (["universities"], ["universe", "universal"]),
        "string": (["strings"], ["str"]),
        "ring": (["rings"], ["r"]),
        "red": ([], ["r"]),
        "guarantee": (["guarantees", "guaranteed", "guaranteeing"], ["guarantor", "warranted"]),
        "guaranteed": (["guarantee", "guarantees", "guaranteeing"], ["guarantor"]),
        "agree": (["agrees", "agreed", "agreeing"], ["agreement", "agreeable", "disagree"]),
        "disagreed": (["disagree", "disagreeing"], ["disagreement", "agreed"]),
        "free": (["freed", "frees", "freeing", "training-free"], ["freedom", "freely", "fred"]),
        "freed": (["free"], ["freedom", "fred"]),
        "decree": (["decreed", "decrees"], ["degree", "decreased"]),
        "referee": (["refereed", "referees", "refereeing"], ["refer", "referred", "reference"]),
        "need": (["needs", "needed", "needing"], ["nee", "knee", "needle"]),
        "feed": (["feeds", "feeding"], ["fee", "fees", "fed"]),
        "fee": (["fees"], ["feed", "feeds"]),
        "seed": (["seeds", "seeded"], ["see", "sees"]),
        "see": (["sees"], ["seed", "seeds"]),
        "speed": (["speeds", "speeding"], ["spee", "sped"]),
        "breed": (["breeding"], ["bree", "bred"]),
        "exceed": (["exceeds", "exceeded", "exceeding"], ["excel", "excess"]),
        "succeed": (["succeeds", "succeeded"], ["success", "succe"]),
        "proceed": (["proceeds", "proceeding"], ["process"]),
        "indeed": (["indeed"], ["inde", "index"]),
        "embed": (["embeds", "embedded", "embedding"], ["emb"]),
        "caching methods": (["a cached method", "methods of the cache"], ["cachet methods"]),
    }
)
def test_simple_inflections_are_folded_and_derivations_are_not(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


@truth(
    {
        "LLM": (["LLMs", "LLMs,", "LLM-based", "multi-LLMs"], ["VLLM", "vLLMs", "LLMOps", "LM"]),
        "llm": (["LLMs"], ["LMs"]),
        "LLMs": (["LLM", "LLMs"], ["LM"]),
        "GPU": (["GPUs"], ["CPUs", "vGPUs"]),
        "GPUs": (["a GPU"], ["CPU"]),
        "API": (["APIs"], ["rapid"]),
        "APIs": (["an API"], []),
        "RL": (["RLs"], ["URLs"]),
        "MoE": (["MoEs"], []),
        "GAN": (["GANs"], ["organs", "began"]),
        "VAE": (["VAEs"], []),
        "POMDP": (["POMDPs"], ["MDPs"]),
        '"LLM"': (["LLM"], ["LLMs"]),
        '"LLMs"': (["LLMs"], ["LLM"]),
        "3D": (["3Ds"], ["3DS"]),
        "H2O": (["H2Os"], []),
    }
)
def test_an_acronym_finds_its_plural(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


@truth(
    {
        "lms": (["LMs", "lms", "LMS", "Lms", "LMs' answers", "two-LMs"], ["LM", "lm", "LM's", "LLMs"]),
        "LMS": (["LMs", "lms", "LMS"], ["LM"]),
        "LMs": (["LM", "LMs", "lm"], ["LMS", "lms"]),
        "LM": (["LM", "LMs"], ["LMS", "lms"]),
        "apis": (["APIs", "apis", "APIS"], ["API", "api"]),
        "Apis": (["APIs"], ["API"]),
        "APIS": (["APIs"], ["API"]),
        "guis": (["GUIs"], ["GUI"]),
        "ais": (["AIs", "AIS"], ["AI"]),
        "vms": (["VMs"], ["VM"]),
        "kgs": (["KGs"], ["KG", "kg"]),
        "2ds": (["2Ds", "2DS"], ["2D"]),
        "gpus": (["GPUs", "GPU", "gpus"], ["CPUs"]),
        "news": (["news", "News"], ["new", "New", "NEW"]),
        "gas": (["gas", "GAs", "Gas"], ["GA", "ga"]),
        "dos": (["DoS", "DOS", "dos"], ["do", "Do"]),
        "gps": (["GPS", "GPs", "gps"], ["GP", "gp"]),
        "GPs": (["GP", "GPs"], ["GPS"]),
        "cs": (["CS", "Cs"], ["C"]),
        "bias": (["bias", "biases", "BIAs"], ["BIA"]),
        "tries": (["tries", "try", "TRIEs"], ["trie", "TRIE"]),
        # in each field, as a phrase, and with a NOT
        "ti:lms": (["LMs"], ["LM", Of(abstract="LMs")]),
        "abs:lms": ([Of(abstract="LMs")], ["LMs", Of(abstract="LM")]),
        "comment:lms": ([Of(comment="on LMs"), Of(comment="lms")], [Of(comment="an LM"), "LMs"]),
        "lms-for-code": (["LMs for code", "LMS for codes"], ["LM for code", "LMs, code", "for code LMs"]),
        "-lms": (["LM"], ["LMs", "lms"]),
        '"lms"': (["LMs", "lms", "LMS"], ["LM"]),
        "lms*": (["LMs", "LMS", "lmsys"], ["LM"]),
    }
)
def test_an_acronym_s_plural_is_found_in_any_case(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


@truth(
    {
        "16S": (["16S rRNA", "16s rRNA"], ["16", "16 rRNA"]),
        "16s": (["16S rRNA"], ["16"]),
        "16": (["16"], ["16S rRNA", "in 16s"]),
        '"16S"': (["16S rRNA", "in 16s"], ["16"]),
        '"16s"': (["16S rRNA"], ["16"]),
        '"16S rRNA"': (["Analysis of 16S rRNA genes"], ["16 rRNA"]),
        '"rRNA 16s"~1': (["16S rRNA"], ["16 rRNA"]),
        '-"16S"': (["16"], ["16S rRNA"]),
        "16S-rRNA*": (["16S rRNAs"], ["16 rRNAs"]),
        "and-16S-rRNA*": (["and 16S rRNA"], ["16S rRNA"]),
        "1990": (["the 1990s", "the 1990S"], ["1991s"]),
        "1990s": (["1990"], ["199"]),
        '"1990s"': (["the 1990s"], ["1990"]),
        '"3ds"': (["3Ds", "3DS"], ["3D"]),
        '"h2os"': (["H2Os"], ["H2O"]),
    }
)
def test_an_s_after_digits_alone_is_no_plural(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


# --- Quotes and phrases -----------------------------------------------------------------------------------------------


@truth(
    {
        '"decoding"': (["decoding", "Decoding"], ["decode", "decoded", "decodes", "decoder"]),
        '"decode"': (["decode"], ["decoding", "decodes"]),
        '"cache"': (["Cache", "kv-cache"], ["caches", "cached", "caching"]),
        '"study"': (["study"], ["studies"]),
        '"RL"': (["rl", "RL-based"], ["world"]),
        '"kv cache"': (
            ["KV cache", "KV-Cache", "kv\u2011cache", "KV/cache", "KV. Cache", "(KV) cache"],
            ["KV caches", "KV caching", "cache KV", "kvcache", "KV and cache", "KV", "MKV cache"],
        ),
        '"kv-cache"': (["KV cache", "KV-Cache", "kv_cache"], ["KV caches", "kvcache"]),
        "“kv cache”": (["KV-Cache"], ["KV caches", "cache of kv"]),
        "“decoding”": (["decoding"], ["decode"]),
        "„kv cache“": (["KV-Cache"], ["KV caches", "cache of kv"]),
        "«kv cache»": (["KV-Cache"], ["KV caches", "cache of kv"]),
        "»kv cache«": (["KV-Cache"], ["KV caches", "cache of kv"]),
        "「kv cache」": (["KV-Cache"], ["KV caches", "cache of kv"]),
        "＂kv cache＂": (["KV-Cache"], ["KV caches", "cache of kv"]),
        '"attention is all you need"': (["Attention Is All You Need"], ["attention is all we need", "all you need"]),
        '"state of the art"': (["state-of-the-art"], ["state art", "the state of art"]),
        '"very very large"': (["very very large"], ["very large", "very, very very small"]),
        '"go to go home"': (["go to go to go home"], ["go to home"]),
        '"kv cache" "flash attention"': (["flash attention, KV cache"], ["KV cache", "flash KV cache attention"]),
        # operators, parentheses and colons are only text there
        '"search AND rescue"': (["search and rescue"], ["search rescue", "rescue and search"]),
        '"OR gate"': (["an or gate"], ["gate"]),
        '"NOT"': (["do not"], ["", "knot"]),
        '"(kv) cache"': (["kv cache"], ["cache"]),
        '"method: results"': (["Method: results", "method results"], ["results: method"]),
    }
)
def test_inside_quotes_words_are_exact_and_in_order(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


@truth(
    {
        '"kv cache"': (
            [Of(abstract="the KV cache"), Of("About KV", "a KV cache")],
            [Of("About KV", "cache is large"), Of("cache", "KV")],
        ),
        "kv-cache": ([Of(abstract="KV caches")], [Of("KV", "cache")]),
        "kv-cach*": ([Of(abstract="KV caching")], [Of("KV", "caching")]),
        '"kv cache"~5': ([Of(abstract="cache of KV")], [Of("KV", "cache")]),
        "机器学习": ([Of(abstract="机器学习")], [Of("机器", "学习")]),
        "kv cache": ([Of("KV", "cache"), Of("cache", "KV")], [Of(title="KV")]),
    }
)
def test_a_phrase_never_spans_title_and_abstract(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


# --- Prefixes ---------------------------------------------------------------------------------------------------------


@truth(
    {
        "quant*": (
            ["quantization", "quantum", "quantized", "Quantile", "quant", "pre-quantized"],
            ["dequantization", "quan", "qualitative", "unquantized"],
        ),
        "QUANT*": (["quantum"], ["dequantize"]),
        "decod*": (["decoder", "decoding", "decode"], ["encoder", "de-coding", "undecoded"]),
        "kv-cach*": (["KV caching", "KV-caches", "kv cache"], ["KVcache", "caching KV", "KV", "KV and caching"]),
        "rl*": (["RL", "RLHF"], ["world", "URL"]),
        "2d*": (["2D", "2DGS"], ["2-D", "12D"]),
        "llm*": (["LLM", "LLMs", "LLMOps"], ["vLLM"]),
        "llms*": (["LLMs"], ["LLM"]),
        "caches*": (["caches"], ["cache", "cached", "caching"]),
        "caching*": (["caching"], ["cache", "cached"]),
        "studies*": (["studies"], ["study"]),
        "co*": (["convolution"], ["disco"]),
        "-quant*": (["classical"], ["quantum", "quantized"]),
        "quant* OR prun*": (["quantize", "pruning"], ["distillation"]),
        "quant* prun*": (["pruned, quantized"], ["pruned"]),
        "quant*^2": (["quantum"], ["dequantize"]),
    }
)
def test_a_prefix_finds_words_that_start_with_it_as_written(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


# --- Proximity --------------------------------------------------------------------------------------------------------


@truth(
    {
        '"kv cache"~5': (
            [
                *["kv cache", "KV-Cache", "cache for the kv", "kv one two three four five cache"],
                *["cache one two three four five kv", "kv one two three four five six kv cache"],
                "kv one two three four five six seven cache one kv",
            ],
            [
                *["kv one two three four five six cache", "cache one two three four five six kv", "kv", "cache"],
                *["kv caches", "kvcache"],
            ],
        ),
        '"kv cache"~1': (["kv one cache", "cache kv", "cache, one kv"], ["kv one two cache", "kv one-two cache"]),
        '"kv cache memory"~2': (
            ["kv cache memory", "memory kv cache", "kv one cache two memory", "kv cache one two memory"],
            ["kv one two cache three memory", "kv cache one two three memory", "kv cache", "kv memory"],
        ),
        '"rl agent"~3': (["an agent of RL"], ["a world agent", "agents of RL"]),
        "“kv cache”~1": (["cache of kv"], ["cache of the kv"]),
        '-"kv cache"~1': (["kv one two cache", "kv"], ["kv one cache", "cache kv"]),
        '"kv cache"~1^3': (["cache of kv"], ["cache of the kv"]),
        'ti:"kv cache"~1': (["cache of kv"], ["cache of the kv", Of(abstract="cache of kv")]),
        'abs:"kv cache"~1': ([Of(abstract="cache of kv")], ["cache of kv"]),
    }
)
def test_near_words_are_found_in_any_order(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


# --- AND, OR, NOT -----------------------------------------------------------------------------------------------------


@truth(
    {
        "alpha beta": (["beta alpha", "alpha and beta"], ["alpha", "beta", "alphabeta"]),
        "alpha AND beta": (["beta alpha"], ["alpha", "beta"]),
        "alpha OR beta": (["alpha", "beta", "alpha beta"], ["gamma", "or"]),
        "alpha OR beta OR gamma": (["alpha", "beta", "gamma"], ["delta"]),
        "alpha OR beta gamma": (["alpha", "gamma beta"], ["beta", "gamma"]),
        "alpha OR beta AND gamma": (["alpha", "beta gamma"], ["beta", "gamma"]),
        "alpha beta OR gamma": (["gamma", "alpha beta"], ["alpha", "beta"]),
        "alpha AND beta OR gamma": (["gamma", "alpha beta"], ["alpha", "beta"]),
        "alpha OR beta gamma OR delta": (["alpha", "delta", "beta gamma"], ["beta", "gamma"]),
        "(alpha OR beta) gamma": (["alpha gamma", "beta gamma"], ["alpha", "gamma", "alpha beta"]),
        "alpha (beta OR gamma)": (["alpha beta", "alpha gamma"], ["alpha", "beta gamma"]),
        "alpha AND (beta OR gamma)": (["alpha gamma"], ["alpha", "beta gamma"]),
        "(alpha beta) OR (gamma delta)": (["alpha beta", "delta gamma"], ["alpha gamma", "beta"]),
        "(alpha)(beta)": (["beta alpha"], ["alpha"]),
        "((alpha))": (["alpha"], ["beta"]),
        "alpha alpha": (["alpha"], ["beta"]),
    }
)
def test_and_binds_more_than_or(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


@truth(
    {
        "alpha NOT beta": (["alpha"], ["alpha beta", "gamma"]),
        "alpha AND NOT beta": (["alpha"], ["alpha beta", "gamma"]),
        "alpha ANDNOT beta": (["alpha", "alpha gamma"], ["alpha beta", "gamma"]),
        "alpha -beta": (["alpha"], ["alpha beta", "gamma"]),
        "-beta alpha": (["alpha"], ["alpha beta", "gamma"]),
        "NOT alpha beta": (["beta"], ["alpha beta", "alpha", "gamma"]),
        "NOT alpha OR beta": (["gamma", "beta", "alpha beta"], ["alpha"]),
        "-alpha OR beta gamma": (["gamma", "alpha beta gamma"], ["alpha beta", "alpha"]),
        "alpha OR -beta": (["gamma", "alpha beta"], ["beta"]),
        "alpha OR NOT beta": (["gamma", "alpha beta"], ["beta"]),
        "alpha OR beta ANDNOT gamma": (["alpha gamma", "beta"], ["beta gamma", "gamma"]),
        "alpha ANDNOT beta OR gamma": (["alpha", "alpha beta gamma", "gamma"], ["alpha beta"]),
        "alpha ANDNOT beta gamma": (["alpha gamma"], ["alpha beta gamma", "alpha"]),
        "alpha ANDNOT (beta OR gamma)": (["alpha"], ["alpha beta", "alpha gamma"]),
        "NOT (alpha OR beta)": (["gamma"], ["alpha", "beta"]),
        "NOT(alpha)": (["beta"], ["alpha"]),
        "NOT (alpha beta)": (["alpha", "beta", "gamma"], ["alpha beta"]),
        "gamma -(alpha OR beta)": (["gamma"], ["gamma alpha", "beta gamma", "delta"]),
        "-(alpha OR beta) gamma": (["gamma"], ["gamma alpha", "delta"]),
        "NOT NOT alpha": (["alpha"], ["beta"]),
        "NOT NOT NOT alpha": (["beta"], ["alpha"]),
        "NOT (NOT alpha)": (["alpha"], ["beta"]),
        "-(-alpha)": (["alpha"], ["beta"]),
        "alpha NOT NOT beta": (["alpha beta"], ["alpha", "beta"]),
        "alpha ANDNOT NOT beta": (["alpha beta"], ["alpha", "beta"]),
        "NOT (alpha NOT beta)": (["alpha beta", "beta", "gamma"], ["alpha"]),
        "-(alpha -(beta -gamma))": (["alpha beta", "gamma", "beta"], ["alpha", "alpha beta gamma"]),
        "alpha -alpha": ([], ["alpha", "beta"]),
        "alpha OR -alpha": (["alpha", "beta", ""], []),
        # of what is not found, and of only that
        "-survey": (["a study", "surveyor", ""], ["A survey", "surveys", Of("x", "we survey y")]),
        "NOT survey": (["a study", "surveyor"], ["A survey", "surveys"]),
        "-review": (["preview", "reviewer"], ["reviews"]),
        "-RL": (["world models"], ["deep RL"]),
        '-"literature review"': (["literature reviews", "review of literature"], ["A literature-review"]),
        'NOT "literature review"': (["literature", "review"], ["A literature review"]),
        "-alpha -beta": (["gamma"], ["alpha", "beta", "alpha beta"]),
        "NOT alpha NOT beta": (["gamma"], ["alpha", "beta"]),
        "NOT alpha OR NOT beta": (["gamma", "alpha", "beta"], ["alpha beta"]),
    }
)
def test_not_binds_most(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


@truth(
    {
        "alpha and beta": (["alpha and beta", "and beta alpha"], ["alpha beta", "and"]),
        "alpha And beta": (["alpha and beta"], ["alpha beta"]),
        "alpha or beta": (["alpha or beta", "beta or alpha"], ["alpha", "beta", "alpha beta"]),
        "alpha Or beta": (["alpha or beta"], ["alpha", "beta"]),
        "not alpha": (["not alpha", "alpha, not"], ["alpha", "beta"]),
        "Not alpha": (["not alpha"], ["alpha", "beta"]),
        "alpha andnot beta": (["alpha andnot beta"], ["alpha", "alpha beta"]),
        # words that start or end as an operator does
        "ANDROID": (["Android"], ["roid"]),
        "ORB beta": (["orb beta"], ["beta"]),
        "NOTE": (["note", "notes"], ["beta"]),
        "alpha XOR beta": (["beta xor alpha"], ["alpha", "alpha beta"]),
        "NAND": (["nand"], ["and"]),
        # words because of what stands behind them
        "AND^1.0": (["this and that"], ["alpha"]),
        "alpha OR^1": (["alpha or beta"], ["alpha", "or"]),
        "-NOT^1": (["alpha"], ["not alpha"]),
        "ti:AND^1": (["this and that"], [Of(abstract="and")]),
        "OR, beta": (["beta or gamma"], ["beta"]),
    }
)
def test_operators_are_in_capital_letters_and_otherwise_words(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


@truth(
    {
        "alpha^2": (["alpha"], ["beta"]),
        "alpha^0.5": (["alpha"], ["beta"]),
        "alpha^100": (["alpha"], ["100"]),
        "alpha^0.5 beta^2": (["beta alpha"], ["alpha", "beta"]),
        "alpha^2 OR beta": (["alpha", "beta"], ["2"]),
        "(alpha OR beta)^3 gamma": (["beta gamma"], ["gamma", "alpha beta"]),
        '"kv cache"^2': (["KV cache"], ["KV caches"]),
        "kv-cache^2": (["KV caches"], ["kv"]),
        "-alpha^2": (["beta"], ["alpha"]),
        "ti:alpha^2": (["alpha"], [Of(abstract="alpha")]),
        "ti:(alpha OR beta)^2": (["beta"], [Of(abstract="beta")]),
        "alpha^02.50": (["alpha"], ["2"]),
        "alpha^.5": (["alpha"], ["5"]),
        "10^5": (["10 steps"], ["5 steps", "105"]),
    }
)
def test_a_weight_changes_no_match(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


# --- Fields -----------------------------------------------------------------------------------------------------------

SPREAD = Of(title="alpha", abstract="beta", authors="Ann Gamma", comment="delta", categories="cs.CL", id="2602.07306")


@truth(
    {
        # without a field: title and abstract, nothing else
        "alpha": ([SPREAD, Of(abstract="alpha")], [Of(authors="Ann Alpha", comment="alpha")]),
        "beta": ([SPREAD], [Of(authors="Beta", comment="beta")]),
        "gamma": ([], [SPREAD]),
        "delta": ([], [SPREAD]),
        "cs.CL": (["on cs.CL", "CS CL"], [SPREAD]),
        "2602.07306": (["as 2602.07306 says"], [SPREAD]),
        "alpha beta": ([SPREAD], [Of(title="alpha", comment="beta"), Of(title="alpha", authors="Ann Beta")]),
        "-gamma -delta": ([SPREAD], [Of(title="gamma"), Of(abstract="delta")]),
        "-alpha": ([Of(title="beta", authors="Ann Alpha", comment="alpha")], [SPREAD, Of("beta", "alpha")]),
        # each field and its other names
        "ti:alpha": ([SPREAD], [Of(abstract="alpha", authors="Ann Alpha", comment="alpha")]),
        "title:alpha": ([SPREAD], [Of(abstract="alpha")]),
        "TI:ALPHA": ([SPREAD], [Of(abstract="alpha")]),
        "Title:alpha": ([SPREAD], [Of(abstract="alpha")]),
        "ti:beta": ([], [SPREAD]),
        "abs:beta": ([SPREAD], [Of(title="beta", authors="Ann Beta", comment="beta")]),
        "abstract:beta": ([SPREAD], [Of(title="beta")]),
        "Abs:beta": ([SPREAD], [Of(title="beta")]),
        "abs:alpha": ([], [SPREAD]),
        "au:gamma": ([SPREAD], [Of("gamma", "gamma", authors="Ann Alpha", comment="gamma")]),
        "author:gamma": ([SPREAD], [Of(title="gamma")]),
        "AU:Gamma": ([SPREAD], [Of(title="gamma")]),
        "cat:cs.CL": ([SPREAD], [Of(title="cs.CL")]),
        "category:cs.CL": ([SPREAD], [Of(title="cs.CL")]),
        "id:2602.07306": ([SPREAD], [Of(title="2602.07306")]),
        "ID:2602.07306": ([SPREAD], [Of(title="2602.07306")]),
        "comment:delta": ([SPREAD], [Of("delta", "delta", authors="Ann Delta")]),
        "co:delta": ([SPREAD], [Of(title="delta")]),
        "Comment:delta": ([SPREAD], [Of(title="delta")]),
        # every kind of term in a field
        "ti:review": (["Reviews"], ["preview", "reviewer", Of(abstract="review")]),
        'ti:"kv cache"': (["KV-Cache"], ["KV caches", Of(abstract="kv cache")]),
        "ti:kv-cache": (["KV caches"], ["cache kv", Of(abstract="kv cache")]),
        "ti:quant*": (["quantum"], ["dequantize", Of(abstract="quantum")]),
        "ti:C++": (["in C++"], ["in C", Of(abstract="C++")]),
        "ti:机器学习": (["基于机器学习的方法"], [Of(abstract="机器学习")]),
        "abs:Müller": ([Of(abstract="Muller")], ["Muller"]),
        # a field's name is a word where no colon follows
        "ti": (["a Ti alloy"], [SPREAD]),
        "cat": (["a cat"], [SPREAD, "category"]),
    }
)
def test_a_field_is_looked_for_alone(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


@truth(
    {
        'ti:(alpha OR "beta gamma")': (
            ["alpha", "beta-gamma"],
            ["gamma beta", Of(abstract="alpha"), Of(abstract="beta gamma"), Of("beta", "gamma")],
        ),
        "ti:(alpha beta)": (["beta alpha"], ["alpha", Of("alpha", "beta"), Of(abstract="alpha beta")]),
        "ti:(alpha NOT beta)": ([Of("alpha", "beta")], ["alpha beta", Of(abstract="alpha")]),
        "ti:(NOT alpha)": ([Of("beta", "alpha")], ["alpha"]),
        "ti:(alpha (beta OR gamma))": (["gamma alpha"], ["alpha", Of("alpha", "beta")]),
        "ti:(alpha OR beta) gamma": ([Of("alpha", "gamma"), "beta gamma"], [Of("gamma", "alpha"), "alpha"]),
        "ti:alpha beta": ([Of("alpha", "beta"), "beta alpha"], [Of("beta", "alpha")]),
        "ti:alpha OR beta": ([Of(abstract="beta"), "alpha", "beta"], [Of(abstract="alpha")]),
        "ti:alpha OR abs:alpha": (["alpha", Of(abstract="alpha")], [Of(comment="alpha")]),
        "ti:alpha abs:beta": ([Of("alpha", "beta")], [Of("beta", "alpha"), "alpha beta"]),
        "abs:(alpha beta) ti:gamma": ([Of("gamma", "beta alpha")], [Of("gamma beta", "alpha")]),
        "-ti:alpha": ([Of("beta", "alpha"), "beta", ""], ["alpha", Of("alpha", "beta")]),
        "NOT abs:alpha": (["alpha"], [Of(abstract="alpha")]),
        "alpha -ti:alpha": ([Of(abstract="alpha")], ["alpha", "beta", Of("alpha", "alpha")]),
        "alpha ANDNOT ti:survey": ([Of("alpha", "a survey")], ["alpha: a survey"]),
        "-(ti:alpha OR abs:beta)": ([Of("beta", "alpha")], [Of("alpha", "gamma"), Of("gamma", "beta")]),
        "-ti:(alpha beta)": (["alpha", Of("alpha", "beta")], ["alpha beta"]),
        "ti:alpha cat:cs.CL": ([SPREAD], [Of(title="alpha", categories="cs.CV"), Of(title="beta", categories="cs.CL")]),
        "au:gamma OR comment:delta": (
            [SPREAD, Of(comment="delta"), Of(authors="Ann Gamma")],
            [Of(title="gamma delta"), Of(authors="Ann Delta", comment="gamma")],
        ),
        "alpha au:gamma -comment:delta": ([Of(title="alpha", authors="Ann Gamma")], [SPREAD, Of(title="alpha")]),
        "ti:alpha abs:beta au:gamma comment:delta cat:cs id:2602.07306": ([SPREAD], [Of("alpha", "beta")]),
    }
)
def test_fields_take_groups_and_combine(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


# --- au: --------------------------------------------------------------------------------------------------------------


@truth(
    {
        "au:lecun": (
            ["Yann LeCun", "Y. LeCun", "LeCun", "Yann André LeCun", "YANN LECUN", "Ann Ba; Yann LeCun; Bo Li"],
            ["LeCun Zhang", "Yann LeCunn", "Yann Le Cun", "Yann Cun", "Ann Ba", "", Of(title="LeCun")],
        ),
        "au:LeCun": (["Yann LeCun"], ["LeCun Zhang"]),
        'au:"Mei Große"': (["Mei Große", "M. Große", "M. Mei Große"], ["Iñigo M. Große", "Ida M. Große"]),
        'au:"Robert Oppenheimer"': (["J. Robert Oppenheimer", "R. Oppenheimer"], ["James R. Oppenheimer"]),
        'au:"LeCun"': (["Yann LeCun"], ["LeCun Zhang"]),
        "au:yann": (["Li Yann", "Yann"], ["Yann LeCun", "Yann A. LeCun", "Y. LeCun"]),
        'au:"Yann LeCun"': (
            ["Yann LeCun", "Y. LeCun", "Y LeCun", "Yann A. LeCun", "Yann André LeCun", "YANN LECUN", "A. Yann LeCun"],
            ["Yoshua LeCun", "A. LeCun", "LeCun", "Yannick LeCun", "Yan LeCun", "Yann Bengio", "Yann LeCun Smith"],
        ),
        'au:"LeCun, Yann"': (
            ["Yann LeCun", "Y. LeCun", "Yann A. LeCun"],
            ["Yoshua LeCun", "LeCun", "Yann Bengio", "A. LeCun"],
        ),
        'au:"Y. LeCun"': (
            ["Yann LeCun", "Y. LeCun", "Yoshua LeCun", "Yann A. LeCun", "Y. A. LeCun"],
            ["A. LeCun", "Ann LeCun", "LeCun", "Y. Bengio"],
        ),
        'au:"Y LeCun"': (["Yann LeCun", "Y. LeCun"], ["A. LeCun"]),
        'au:"LeCun Y"': (["Yann LeCun", "Y. LeCun", "Yann A. LeCun"], ["Ann LeCun", "LeCun", "Yann Bengio"]),
        'au:"LeCun, Y."': (["Yann LeCun", "Y. LeCun"], ["Ann LeCun", "LeCun"]),
        "au:Y.LeCun": (["Yann LeCun", "Y. LeCun", "Yann A. LeCun"], ["Ann LeCun", "LeCun"]),
        'au:"Yan LeCun"': (["Yan LeCun", "Y. LeCun"], ["Yann LeCun"]),
        # more given names
        'au:"Yann A. LeCun"': (
            ["Yann A. LeCun", "Yann André LeCun", "Y. A. LeCun", "Y. André LeCun"],
            ["Yann LeCun", "Yann B. LeCun", "A. Yann LeCun", "A. LeCun"],
        ),
        'au:"Yann Andre LeCun"': (
            ["Yann André LeCun", "Yann A. LeCun", "Y. A. LeCun"],
            ["Yann LeCun", "Y. LeCun", "Yann Albert LeCun", "Andre LeCun", "Andre Yann LeCun"],
        ),
        'au:"LeCun, Yann Andre"': (["Yann André LeCun", "Y. A. LeCun"], ["Yann LeCun", "Andre Yann LeCun"]),
        'au:"Y. A. LeCun"': (["Yann André LeCun"], ["Yann LeCun", "A. Y. LeCun"]),
        'au:"Y.A. LeCun"': (["Yann André LeCun", "Y. A. LeCun"], ["Yann LeCun"]),
        'au:"J. Serre"': (["Jean-Pierre Serre"], ["Pierre Serre"]),
        'au:"Jean-Pierre Serre"': (["Jean-Pierre Serre"], ["Anne Serre"]),
        "au:smith-jones": (["Anna Smith-Jones"], ["Anna Smith"]),
        # names of several words
        "au:châtelet": (["Émilie du Châtelet"], []),
        'au:"du Châtelet"': (["Émilie du Châtelet"], ["Émilie Châtelet"]),
        'au:"Emilie Chatelet"': (["Émilie du Châtelet"], []),
        'au:"E. du Chatelet"': (["Émilie du Châtelet"], ["Anne du Châtelet"]),
        "au:maaten": (["Laurens van der Maaten"], []),
        "au:van": ([], ["Laurens van der Maaten"]),
        'au:"Laurens van der Maaten"': (["L. van der Maaten"], ["Laurens Maaten"]),
        # names are whole, and not inflected
        "au:li": (["Wei Li"], ["Li Wei", "Wei Lin", "Ali Khan"]),
        'au:"Wei Li"': (["Wei Li", "W. Li"], ["Li Wei", "Weiwei Li"]),
        "au:adam": (["Ann Adam"], ["Ann Adams"]),
        "au:adams": (["Ann Adams"], ["Ann Adam"]),
        "au:lee": (["Ann Lee"], ["Ann Le"]),
        "au:le": ([], ["Yann LeCun", "Ann Lee"]),
        # accents
        "au:muller": (["Hans Müller", "Hans Mu\u0308ller"], ["Hans Miller"]),
        "au:Müller": (["Hans Muller"], []),
        "au:soren": (["Ann Søren"], []),
        'au:"Łukasz Kaiser"': (["Lukasz Kaiser", "Łukasz Kaiser", "Ł. Kaiser", "L. Kaiser"], ["Ukasz Kaiser"]),
        'au:"L. Kaiser"': (["Łukasz Kaiser"], ["U. Kaiser"]),
        'au:"E. Chatelet"': (["Émilie du Châtelet"], []),
        # Jr. and the like
        "au:king": (
            [
                *["Martin King", "Martin King Jr.", "Martin King, Jr.", "Martin King Sr.", "Martin King II"],
                *["Martin King III", "Martin King IV"],
            ],
            ["King Martin"],
        ),
        "au:jr": ([], ["Martin King Jr."]),
        'au:"Martin King"': (["Martin King Jr.", "M. King III"], ["Anna King Jr."]),
        'au:"King, Martin"': (["Martin King Jr."], ["Anna King Jr."]),
        'au:"Martin King Jr."': (["Martin King", "Martin King Jr.", "M. L. King"], ["Anna King Jr."]),
        'au:"Martin King III"': (["Martin King", "Martin King IV"], ["Anna King III"]),
        # several authors
        'au:"Yann Bengio"': ([], ["Yann LeCun; Yoshua Bengio"]),
        "au:lecun au:bengio": (["Yoshua Bengio; Yann LeCun"], ["Yann LeCun", "Yoshua Bengio"]),
        "au:lecun OR au:bengio": (["Yann LeCun", "Yoshua Bengio"], ["Ann Ba"]),
        "au:(lecun OR bengio)": (["Yann LeCun", "Yoshua Bengio"], ["Ann Ba", Of(title="lecun bengio")]),
        "au:(lecun bengio)": (["Yann LeCun; Yoshua Bengio"], ["Yann LeCun"]),
        "au:(lecun -bengio)": (["Yann LeCun"], ["Yann LeCun; Yoshua Bengio", "Ann Ba"]),
        'au:("Yann LeCun" OR bengio)': (["Y. LeCun", "Yoshua Bengio"], ["Anne LeCun"]),
        "au:(yann lecun)": (["Li Yann; Yann LeCun"], ["Yann LeCun"]),
        "-au:lecun": (["Ann Ba", "LeCun Zhang", ""], ["Yann LeCun", "Ann Ba; Yann LeCun"]),
        'NOT au:"Yann LeCun"': (["Anne LeCun"], ["Y. LeCun"]),
    },
    field="authors",
)
def test_an_author_is_found_by_each_spelling_of_the_name(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


# --- cat: -------------------------------------------------------------------------------------------------------------


@truth(
    {
        "cat:cs.CL": (["cs.CL", "cs.LG cs.CL", "stat.ML cs.CL cs.AI"], ["cs.LG", "cs.CV stat.ML"]),
        "cat:cs.cl": (["cs.CL"], ["cs.CV"]),
        "CAT:CS.CL": (["cs.CL"], ["cs.CV"]),
        "cat:cs": (["cs.LG", "stat.ML cs.AI"], ["stat.ML", "math.CO"]),
        "cat:CS": (["cs.LG"], ["math.CO"]),
        "cat:cs.*": (["cs.LG", "stat.ML cs.AI"], ["stat.ML", "physics.optics"]),
        "cat:math": (["math.CO", "cs.DM math.CO"], ["math-ph", "stat.TH"]),
        "cat:math.*": (["math.CO"], ["math-ph"]),
        "cat:math.CO": (["math.CO"], ["astro-ph.CO", "math.GT"]),
        "cat:math-ph": (["math-ph"], ["math.CO", "quant-ph"]),
        "cat:hep-th": (["hep-th", "gr-qc hep-th"], ["hep-ph", "hep-ex"]),
        "cat:cs.SY": (["cs.SY", "eess.SY", "cs.RO eess.SY"], ["eess.SP", "cs.SE"]),
        "cat:eess.SY": (["cs.SY", "eess.SY"], ["cs.RO"]),
        "cat:quant-ph": (["quant-ph"], ["math-ph"]),
        "cat:astro-ph": (["astro-ph.CO", "gr-qc astro-ph.GA"], ["gr-qc", "math.CO"]),
        "cat:astro-ph.CO": (["astro-ph.CO"], ["astro-ph.GA", "math.CO"]),
        "cat:cond-mat": (["cond-mat.str-el"], ["physics.optics"]),
        "cat:physics": (["physics.optics"], ["hep-th", "quant-ph", "astro-ph.CO"]),
        "cat:q-bio.*": (["q-bio.NC"], ["q-fin.ST"]),
        "cat:cs.LG cat:stat.ML": (["cs.LG stat.ML", "stat.ML cs.AI cs.LG"], ["cs.LG", "stat.ML"]),
        "cat:(cs.CL OR cs.LG)": (["cs.CL", "cs.LG"], ["cs.CV"]),
        "cat:(cs.CL cs.LG)": (["cs.LG cs.CL"], ["cs.CL", "cs.LG"]),
        "cat:cs -cat:cs.CL": (["cs.LG"], ["cs.CL", "cs.LG cs.CL", "math.CO"]),
        "-cat:cs.CL": (["cs.LG"], ["cs.CL", "cs.LG cs.CL"]),
        "NOT cat:cs": (["math.CO"], ["math.CO cs.DM"]),
    },
    field="categories",
)
def test_a_category_is_found_exactly_or_by_its_archive(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


# --- id: --------------------------------------------------------------------------------------------------------------


@truth(
    {
        "id:2602.07306": (["2602.07306"], ["2602.07307", "2603.07306", "2602.0730"]),
        "id:2602.07306v2": (["2602.07306"], ["2602.07307"]),
        "id:arXiv:2602.07306": (["2602.07306"], ["2602.07307"]),
        "ID:arxiv:2602.07306v2": (["2602.07306"], ["2602.07307"]),
        'id:"ARXIV:hep-th/9901001"': (["hep-th/9901001"], ["hep-ph/9901001"]),
        "id:(arXiv:2602.07306 OR 2602.07307)": (["2602.07306", "2602.07307"], ["2602.07308"]),
        "id:0704.0001": (["0704.0001"], ["0704.0002"]),
        "id:hep-th/9901001": (["hep-th/9901001"], ["hep-ph/9901001", "hep-th/9901002"]),
        "id:hep-th/9901001v3": (["hep-th/9901001"], ["hep-ph/9901001"]),
        "id:2602.07306 OR id:hep-th/9901001": (["2602.07306", "hep-th/9901001"], ["2602.07307"]),
        "id:(2602.07306 OR 2602.07307v1)": (["2602.07306", "2602.07307"], ["2602.07308"]),
        "-id:2602.07306": (["2602.07307"], ["2602.07306"]),
        "-id:2602.07306v1": (["2602.07307"], ["2602.07306"]),
        "NOT id:hep-th/9901001": (["2602.07306"], ["hep-th/9901001"]),
    },
    field="id",
)
def test_an_id_is_found_whatever_the_version(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


# --- comment: ---------------------------------------------------------------------------------------------------------


@truth(
    {
        "comment:neurips": (["Accepted at NeurIPS 2025", "NeurIPS"], ["ICML", Of(), Of(title="NeurIPS")]),
        "comment:page": (["12 pages"], ["homepage", Of()]),
        'comment:"12 pages"': (["12 pages, 5 figures"], ["112 pages", "12 page", "pages 12", Of()]),
        'comment:"pages figures"~2': (["12 pages, 5 figures"], ["12 pages, and also 5 figures"]),
        "comment:camera-ready": (["camera ready version", "Camera-Ready"], ["ready camera", Of()]),
        "comment:neur*": (["NeurIPS 2025"], ["ICML", Of()]),
        'co:"accepted at"': (["Accepted at ICLR"], ["Accepted to ICLR", Of()]),
        "comment:(icml OR iclr)": (["ICML", "ICLR 2026"], ["NeurIPS", Of()]),
        "comment:(oral neurips)": (["NeurIPS (oral)"], ["NeurIPS", Of()]),
        "comment:neurips -comment:workshop": (["NeurIPS 2025"], ["NeurIPS workshop", Of()]),
        "-comment:withdrawn": (["12 pages", Of()], ["withdrawn", "Withdrawn by the author"]),
        "NOT comment:neurips": (["ICML", Of()], ["NeurIPS"]),
        "comment:neurips OR alpha": (["NeurIPS", Of(title="alpha")], ["alpha", Of()]),
        "neurips": ([Of(abstract="NeurIPS")], ["NeurIPS"]),
    },
    field="comment",
)
def test_a_comment_is_searched_only_when_asked_and_only_when_there(row: Row) -> None:
    assert finds(row.query, row.says.paper()) is row.found


# --- Mistakes ---------------------------------------------------------------------------------------------------------

# the query, the column where a person would point, a word that the message must have
MISTAKES: Sequence[tuple[str, int, str]] = (
    ("", 1, "expected"),
    ("   ", 1, "expected"),
    # quotes
    ('"kv cache', 1, "quote"),
    ('alpha "kv cache', 7, "quote"),
    ('alpha "kv" "cache', 12, "quote"),
    ('kv cache"', 9, "quote"),
    ('ti:"kv cache', 4, "quote"),
    ("“kv cache", 1, "quote"),
    # parentheses
    ("(alpha OR beta", 1, "parenthesis"),
    ("alpha (beta", 7, "parenthesis"),
    ("((alpha)", 1, "parenthesis"),
    ("ti:(alpha", 4, "parenthesis"),
    ("alpha)", 6, "parenthesis"),
    ("(alpha)) beta", 8, "parenthesis"),
    (")", 1, "parenthesis"),
    # operators
    ("AND x", 1, "AND"),
    ("OR x", 1, "OR"),
    ("ANDNOT x", 1, "ANDNOT"),
    ("(AND x)", 2, "AND"),
    ("x OR", 5, "expected"),
    ("x AND", 6, "expected"),
    ("x ANDNOT", 9, "expected"),
    ("x AND NOT", 10, "expected"),
    ("NOT", 4, "expected"),
    ("x OR AND y", 6, "AND"),
    # fields
    ("foo:bar", 1, "field"),
    ("alpha foo:bar", 7, "field"),
    ("-foo:bar", 2, "field"),
    ("(foo:bar)", 2, "field"),
    # weights
    ("rl^0", 3, "weight"),
    ("rl^101", 3, "weight"),
    ("rl^x", 3, "weight"),
    ("rl^1_0", 3, "weight"),
    ("rl^\u0663", 3, "weight"),
    ("rl^\uff12", 3, "weight"),
    ("rl^1e1", 3, "weight"),
    ("rl^+2", 3, "weight"),
    ("rl^.", 3, "weight"),
    ("alpha rl^0", 9, "weight"),
    ('"kv cache"^0', 11, "weight"),
    ("(alpha)^500", 8, "weight"),
    # prefixes
    ("*", 1, "*"),
    ("a*b", 1, "*"),
    ("*abc", 1, "*"),
    ("alpha kv*cache", 7, "*"),
    ("a*", 1, "letters"),
    ("A* search", 1, "letters"),
    ("alpha a*", 7, "letters"),
    ("au:lec*", 4, "*"),
    ("注意力*", 1, "leave the * out"),
    ("alpha 注*", 7, "leave the * out"),
    ("LLM模*", 1, "leave the * out"),
    ("モデ*", 1, "leave the * out"),
    ("모\u1103\u1166*", 1, "leave the * out"),
    ("注*力", 1, "letters"),
    # terms
    ("&", 1, "letter"),
    ("alpha &", 7, "letter"),
    ("alpha & beta", 7, "letter"),
    ("x~3", 2, "phrase"),
    ("alpha x~3", 8, "phrase"),
    # values of fields
    ("cat:cs.XX", 5, "category"),
    ("alpha -cat:foo", 12, "category"),
    ("cat:(cs.CL OR cs.XX)", 15, "category"),
    ("id:12", 4, "id"),
    ("alpha id:12", 10, "id"),
    ("id:arXiv:12", 4, "id"),
    ("id:arXiv:arXiv:2602.07306", 4, "id"),
    ("arXiv:2602.07306", 1, "field"),
)


@pytest.mark.parametrize(("query", "column", "word"), MISTAKES, ids=[query or "empty" for query, _, _ in MISTAKES])
def test_a_mistake_is_told_with_its_column(query: str, column: int, word: str) -> None:
    with pytest.raises(QueryMistake) as caught:
        parse_query(query)
    assert (caught.value.column, word.casefold() in str(caught.value).casefold()) == (column, True), str(caught.value)


@pytest.mark.parametrize(
    "query",
    ["-", "a" * 2_001, "alpha OR " * 2_000 + "beta", "(alpha OR " * 25 + "beta" + ")" * 25],
    ids=["a lone minus", "too long", "too many terms", "too deep"],
)
def test_what_is_too_much_or_nothing_is_a_mistake(query: str) -> None:
    with pytest.raises(QueryMistake):
        parse_query(query)
