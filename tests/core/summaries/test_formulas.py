"""A formula becomes text that says the same, or none; MathML carries nothing but the formula."""

from __future__ import annotations

import re
from itertools import chain
from time import process_time

import lxml.html
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.summaries.formulas import MATHML_ATTRIBUTES, MAX_CHARACTERS, to_mathml, to_unicode


def cases(*pairs: tuple[str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("latex", "text"), pairs, ids=[latex for latex, _ in pairs])


@cases(
    ("x", "x"),
    (" N = 512 ", "N = 512"),
    ("x_1^2, x_i, x_{t+1}", "x₁², xᵢ, xₜ₊₁"),
    ("10^{-3}, 2^{10}, 10^{−5}", "10⁻³, 2¹⁰, 10⁻⁵"),
    (r"\mathbb{R}^d, \mathbb E[X], \mathbb{1}", "ℝᵈ, 𝔼[X], 𝟙"),
    (r"\mathcal{L}, \mathcal{N}(0, \sigma^2), \mathfrak{g}, \mathfrak{H}", "ℒ, 𝒩(0, σ²), 𝔤, ℌ"),
    (r"\alpha \leq \beta \to \infty", "α ≤ β → ∞"),
    (r"90^\circ, A^*, W^\top, f'(x), f''", "90°, A*, Wᵀ, f′(x), f′′"),
    (r"\hat{y}_k, \bar x, \tilde{O}(n), \vec{v}", "ŷₖ, x̄, Õ(n), v⃗"),
    (r"\mathbf{W}x, \boldsymbol{\theta}, \mathrm{KL}(q)", "Wx, θ, KL(q)"),
    ("", ""),
)
def test_signs_become_their_characters(latex: str, text: str) -> None:
    assert to_unicode(latex) == text


@cases(
    (r"d_{model}x, T_{\text{max}}, \text{Acc}_{\text{sea trial}}", "d_model x, T_max, Acc_(sea trial)"),
    (r"e^{-\lambda t}, w_{i,t}, \mathbb{R}^{N\times N}", "e^(-λt), w_(i,t), ℝ^(N×N)"),
    ("x_{max}^2, L^{new}_{old}, e_{L^2}", "x²_max, L^new_old, e_(L²)"),
    (r"\text{clip}_{[0,1]}(x), \log_2 n, \max_{x \in A} f", "clip_[0,1](x), log₂ n, max_(x∈A) f"),
    (r"\sum_i w_i x_i, \prod_{k \neq l} p_k", "∑ᵢ wᵢ xᵢ, ∏_(k≠l) pₖ"),
    (r"{ab}^2, {10}^{-3}, x ^2", "(ab)², 10⁻³, x²"),
)
def test_scripts_without_small_signs_stand_behind_their_sign(latex: str, text: str) -> None:
    assert to_unicode(latex) == text


@cases(
    (r"\frac{a}{b}, \frac{a+b}{c}, \frac{1}{2n}, \frac{x}{y z}", "a/b, (a + b)/c, 1/(2n), x/(y z)"),
    (r"\frac{1}{N}\sum_i x_i, 2\frac{a}{b}, \frac{a}{b}^2", "(1/N) ∑ᵢ xᵢ, 2(a/b), (a/b)²"),
    (r"\frac{\partial u}{\partial t}, \frac{dL}{dt}, \frac{|a|}{\|b\|_2}", "∂u/∂t, dL/dt, |a|/‖b‖₂"),
    (r"\sqrt{n}, \sqrt{n+1}, \sqrt[3]{k}, \sqrt{x}^2", "√n, √(n + 1), ³√k, (√x)²"),
    (r"\left( \frac{a}{b} \right), \left.x\right|", "(a/b), x|"),
)
def test_fractions_and_roots_are_written_on_one_line(latex: str, text: str) -> None:
    assert to_unicode(latex) == text


@cases(
    ("a=b, a+b, -1, a=-1, (-1), [-5,5]", "a = b, a + b, -1, a = -1, (-1), [-5,5]"),
    (r"3\times4, 2.3\times", "3 × 4, 2.3×"),
    (r"\pm 2, (-x), x = \pm 1", "±2, (-x), x = ±1"),
    ("> 5", ">5"),
    (r"\sim 50\%", "∼50%"),
    (r"\in A", "∈ A"),
    (r"n\log n, \log(n), \sin\theta", "n log n, log(n), sin θ"),
    (r"p(y|x), P(a \mid b), |x| - |y|", "p(y|x), P(a | b), |x| - |y|"),
    (r"\{1, 2\}, 95\%, \text{Top-5 \%}", "{1, 2}, 95%, Top-5 %"),
    (r"\text{其中 } x, \quad y", "其中 x, y"),
    ("1,000.5, k, v", "1,000.5, k, v"),
)
def test_spaces_stand_where_a_reader_expects_them(latex: str, text: str) -> None:
    assert to_unicode(latex) == text


@pytest.mark.parametrize(
    "latex",
    [
        r"\sum_{i=1}^n x_i",
        r"\int_0^1 f",
        r"\begin{matrix}a & b\end{matrix}",
        r"a \\ b",
        "a & b",
        r"\underbrace{x}_{y}",
        r"\binom{n}{k}",
        r"\overset{d}{=}",
        r"\unknown{x}",
        r"\href{javascript:alert(1)}{x}",
        r"\color{red}x",
        "x^{y^{z_{max}+1}+q_(2)}^2",
        "x^{a^{b^{foo+1}}}",
        "x^10",
        "x^-1",
        "x^2^3",
        "x_a_b",
        r"\frac12",
        r"\frac{a}",
        r"\frac",
        r"\text{\frac{a}{b}}",
        r"\text{a $x$}",
        r"\hat{xy}",
        r"\mathcal{é}",
        r"\sqrt[n+k",
        r"\sqrt[foo!]{x}",
        "{x",
        "x}",
        "x^",
        "a $ b",
        "x" * (MAX_CHARACTERS + 1),
    ],
)
def test_what_text_cannot_say_is_no_text(latex: str) -> None:
    assert to_unicode(latex) is None


@given(st.integers(-99, 99), st.integers(0, 999))
def test_a_power_is_never_read_as_a_difference(exponent: int, base: int) -> None:
    text = to_unicode(f"{base}^{{{exponent}}}")
    assert text == str(base) + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


COMMANDS = re.findall(
    r"\S+",
    r"\frac \sqrt { } ^ _ \left( \right) \text{a} \mathcal \hat \sum \log \{ | \| ' , x 1 + = & é 字 \pm > 5",
)
LATEX = st.lists(
    st.one_of(
        st.sampled_from(COMMANDS),
        st.sampled_from([r"\begin{cases}", r"\end{cases}", r"\\", r"\mid", "$", "<", "[", "]", " ", "~", "%", ":="]),
    ),
    max_size=25,
).map("".join)


@settings(deadline=None, max_examples=300)
@given(LATEX)
def test_any_formula_gives_one_line_or_none(latex: str) -> None:
    text = to_unicode(latex)
    assert text is None or text == " ".join(text.split())


@pytest.mark.parametrize(
    "unit", ["{", "x^{", r"\hat", r"\sqrt", r"\sqrt[", r"\frac", "^", "'", r"\text{", "a|", r"\left\{", r"\frac{a}{b}"]
)
def test_hostile_formulas_take_no_time_worth_mentioning(unit: str) -> None:
    latex = (unit * MAX_CHARACTERS)[:MAX_CHARACTERS]
    started = process_time()
    to_unicode(latex)
    to_mathml(latex, display=True)
    assert process_time() - started < 1  # measured: 0.01 s at worst


def test_mathml_says_what_stands_above_what() -> None:
    assert to_mathml("10^{-5}", display=False) == (
        '<math><msup><mn>10</mn><mrow><mo lspace="0" rspace="0">−</mo><mn>5</mn></mrow></msup></math>'
    )


def test_a_displayed_formula_is_a_block() -> None:
    assert (to_mathml(r"\sum_{i=1}^n", display=True) or "").startswith('<math display="block"><munderover>')


@pytest.mark.parametrize("latex", [r"\unknown", r"\frac{a}", "x^", "{", r"\begin{x}", "x" * (MAX_CHARACTERS + 1)])
def test_invalid_latex_has_no_mathml(latex: str) -> None:
    assert to_mathml(latex, display=False) is None


@pytest.mark.parametrize(
    "latex",
    [
        r"\text{<script>alert(1)</script> style=\"x\"}",
        r"\color{red}{x}",
        r"\begin{cases}a & b\\c & d\end{cases}",
        r"\begin{align}a &= b\tag{1}\end{align}",
        r"\hspace{99cm}x\hspace{-99em}",
        r"\cancel{x}\boxed{y}\mathbin{z}",
        r"\xrightarrow[a]{b}\overbrace{x}^{y}\bigl(",
    ],
)
def test_mathml_has_no_attribute_that_styles_or_names(latex: str) -> None:
    mathml = to_mathml(latex, display=True)
    assert mathml is not None
    attributes = set(chain.from_iterable(element.attrib for element in lxml.html.fragment_fromstring(mathml).iter()))
    assert attributes <= set(MATHML_ATTRIBUTES)


def test_mathml_keeps_no_length_that_leaves_its_place() -> None:
    widths = re.findall(r'width="([^"]*)"', to_mathml(r"\hspace{99cm}x\hspace{1em}y", display=True) or "")
    assert widths == ["1em"]
