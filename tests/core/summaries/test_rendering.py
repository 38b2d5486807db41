"""Summaries are rendered as their writers meant them, and nothing in them runs, loads or leads anywhere."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from time import process_time

import lxml.html
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree
from markdown_it import MarkdownIt

from core.summaries import rendering
from core.summaries.cleaning import MAX_CHARACTERS, drop_unprintable
from core.summaries.formulas import MATHML_ATTRIBUTES, to_unicode
from core.summaries.rendering import read_brackets, render_feed, render_markdown, render_page
from tests.shared_data import SHARED

SUMMARIES = SHARED / "summaries"
URL = "https://github.com/a/b?c=1&d=2"


def words(text: str) -> list[str]:
    return text.split()


TEXT_ELEMENTS = {
    *words("p br hr h3 h4 h5 h6 strong em code pre blockquote ul ol li table thead tbody tr th td a sub sup div")
}
MATH_ELEMENTS = {
    *words("math mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt mstyle"),
    *words("msub msubsup msup mtable mtd mtext mtr munder munderover"),
}

Renderer = Callable[..., str]


def parse(html: str) -> lxml.html.HtmlElement:
    return lxml.html.fragment_fromstring(html, create_parent="div")


def text_outside_code(html: str) -> str:
    tree = parse(html)
    for element in list(tree.iter("code", "math")):
        element[:] = []
        element.text = ""
    return str(tree.text_content())


def as_github_does(markdown: str) -> str:
    """HTML of *markdown* by a parser that knows nothing of ours: CommonMark with raw HTML, and tables."""
    return str(_PLAIN_PARSER.render(markdown))


_PLAIN_PARSER = MarkdownIt("commonmark", {"html": True, "xhtmlOut": False}).enable("table")


# --- what a summary looks like


def test_a_summary_in_a_feed() -> None:
    summary = """# 标题

---

## 1. 贡献
**方法**：误差为 $ x_1 \\le 10^{-3} $，见 `a<b`。
第二行

### 表
| 指标 | $|x|$ |
|:--|--:|
| R&D<br>b | **0.5** |

1. a
   - b

$$
\\frac{a}{b}
$$
"""
    assert render_feed(summary) == (
        "<h4>1. 贡献</h4>\n"
        "<p><strong>方法</strong>：误差为 x₁ ≤ 10⁻³，见 <code>a&lt;b</code>。<br>\n第二行</p>\n"
        "<h5>表</h5>\n"
        "<table>\n<thead>\n<tr>\n<th>指标</th>\n<th>|x|</th>\n</tr>\n</thead>\n"
        "<tbody>\n<tr>\n<td>R&amp;D<br>\nb</td>\n<td><strong>0.5</strong></td>\n</tr>\n</tbody>\n</table>\n"
        "<ol>\n<li>a\n<ul>\n<li>b</li>\n</ul>\n</li>\n</ol>\n"
        "<p>a/b</p>"
    )


def test_a_summary_in_a_digest() -> None:
    summary = """# 标题

## 1. 贡献
**方法（A）**是 $ x $，约 ~5–~6，<b>R&D</b> 与 $5。
第二行

| a | $|x|$ |
|:--|--:|
| `y` | 1<br>2 |

* a

  b
* c
"""
    assert render_markdown(summary) == (
        "#### 1. 贡献\n\n"
        "**方法（A）** 是 $x$，约 \\~5–\\~6，\\<b>R&D\\</b> 与 \\$5。\\\n第二行\n\n"
        "| a | $\\mid x\\mid$ |\n| --- | --- |\n| `y` | 1<br>2 |\n\n"
        "* a\n\n  b\n\n* c"
    )


@pytest.mark.parametrize("render", [render_feed, render_page, render_markdown])
def test_nothing_gives_nothing(render: Renderer) -> None:
    assert [render(text) for text in ("", " \n", "# 标题", "\u200b")] == [""] * 4


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("# T\n\n## a\n### b\n#### c\n##### d", "<h4>a</h4>\n<h5>b</h5>\n<h6>c</h6>\n<h6>d</h6>"),
        ("## a", "<h4>a</h4>"),
        ("#### a\n##### b", "<h4>a</h4>\n<h5>b</h5>"),
        ("# a\n\nx\n\n# b", "<h4>a</h4>\n<p>x</p>\n<h4>b</h4>"),
        ("x\n\n# a", "<p>x</p>\n<h4>a</h4>"),
        ("# T\n---\nx", "<p>x</p>"),
        ("## `**kwargs` in a**b", "<h4><code>**kwargs</code> in a**b</h4>"),
        ("## **kwargs", "<h4>**kwargs</h4>"),
        ("## a `x**` b**", "<h4>a <code>x**</code> b</h4>"),
        (
            "## a **b**\n### c**\n### **d x\n### **e** f**",
            "<h4>a <strong>b</strong></h4>\n<h5>c</h5>\n<h5>d x</h5>\n<h5><strong>e</strong> f</h5>",
        ),
    ],
)
def test_a_title_goes_and_headings_move_below_those_of_the_page(markdown: str, html: str) -> None:
    assert render_feed(markdown) == html


@pytest.mark.parametrize(
    "markdown",
    [
        "**“x”**是",
        "是**“x”**",
        "**（x）**是",
        "提出**`x`**的",
        "是**$x$**的",
        "**x：**是",
        "**✅x✅**是",
        "**x!**是",
        "한국**(x)**은",
        "**a**b**c**",
        "***x（y）***是",
    ],
)
def test_bold_next_to_chinese_is_bold_everywhere(markdown: str) -> None:
    count = {kind: parse(html).xpath("count(.//strong)") for kind, html in {
        "feed": render_feed(markdown),
        "digest": as_github_does(render_markdown(markdown)),
    }.items()}  # fmt: skip
    assert set(count.values()) == {2.0 if markdown.startswith("**a**b") else 1.0}


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("a<br>b<br/>c<BR />d", "a<br>\nb<br>\nc<br>\nd"),
        ("<br>a<br>", "a"),
        ("H<sub>2</sub>O<SUP>a*b*</SUP>", "H<sub>2</sub>O<sup>a*b*</sup>"),
        ("<sub>a", "&lt;sub&gt;a"),
        ("<sub><b>a</b></sub>", "&lt;sub&gt;&lt;b&gt;a&lt;/b&gt;&lt;/sub&gt;"),
        ("<sub class=x>a</sub>", "&lt;sub class=x&gt;a&lt;/sub&gt;"),
        ("<MASK> & <think>", "&lt;MASK&gt; &amp; &lt;think&gt;"),
        ("a\nb", "a<br>\nb"),
        ("~~a~~ ~b~", "~~a~~ ~b~"),
        ("![图 *1*](https://e.example/x.png) a", "图 1 a"),
        ("a&#x202e;b&#12;&#8203;c", "abc"),
        ("x_1 and a*b", "x_1 and a*b"),
        ("a&#10;&#13;# b", "a  # b"),
    ],
)
def test_inline_html_is_text_but_for_breaks_and_scripts(markdown: str, html: str) -> None:
    assert render_feed(markdown).removeprefix("<p>").removesuffix("</p>") == html


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("$x$ 与 $ y $", "x 与 y"),
        ("$R^2 = 0.6$, MSE 3", "R² = 0.6, MSE 3"),
        ("$\\sum_{i=1}^n <i>$", "<code>\\sum_{i=1}^n &lt;i&gt;</code>"),
        ("式：\n$$\na\n= b\n$$\n其中", "式：<br>a = b<br>其中"),
        ("$$a$$", "a"),
        ("$5 和 $6", "$5 和 $6"),
        ("$5 to $6", "$5 to $6"),
        ("$5M and $x$ more", "$5M and x more"),
        ("US$ 或 $", "US$ 或 $"),
        ("\\$x$ a", "$x$ a"),
        ("$\\text{其中}x$", "其中 x"),
        ("$a$$b$", "ab"),
        (r"a 3.2$\times$ speedup", "a 3.2× speedup"),
        (r"85.3$\pm$0.2 and 72.6$\pm$0.5", "85.3±0.2 and 72.6±0.5"),
        (r"$\sim$12% and $\approx$3x", "∼12% and ≈3x"),
        (r"25$^\circ$C, 10$^{-3}$, 13$^{th}$, 100$\%$", "25°C, 10⁻³, 13ᵗʰ, 100%"),
        (r"4$\frac{1}{2}$ and $\frac{1}{2}$3", "4 1/2 and 1/2 3"),
        (r"$5 and 3$\times$ faster", "$5 and 3× faster"),
        (r"7$\begin{matrix}a\end{matrix}$", r"7<code>\begin{matrix}a\end{matrix}</code>"),
        ("5$ or 6$, US$5 and US$6", "5$ or 6$, US$5 and US$6"),
        ("100$_USD and 200$_EUR", "100$_USD and 200$_EUR"),
        (r"by $38.8$\% and $k$ \% of _$x$_", "by 38.8% and k % of <em>x</em>"),
        ("for $k$ _and_ $m$", "for k <em>and</em> m"),
        (r"$N$ \times $M$ at $p=1$\cite{x}", r"N \times M at p = 1\cite{x}"),
        ("`$x$`", "<code>$x$</code>"),
        ("$", "$"),
        ("a$ $b", "ab"),
        ("```math\nx^2\n```", "x²"),
        ("``` LaTeX\n$$\nx^2\n$$\n```", "x²"),
    ],
)
def test_math_in_a_feed_is_text_on_lines_of_its_own_where_displayed(markdown: str, text: str) -> None:
    assert render_feed(markdown).removeprefix("<p>").removesuffix("</p>") == text


@pytest.mark.parametrize("render", [render_feed, render_page, render_markdown])
def test_a_formula_that_is_part_of_a_number_is_text_everywhere(render: Callable[[str], str]) -> None:
    """GitHub, for one, takes a dollar sign behind a digit for money."""
    text = render(r"from 1.5$\times$ to 3$\times$, $x$ at 85$\pm$2")
    assert ("from 1.5× to 3×," in text, "85±2" in text) == (True, True)


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (r"3.2\(\times\) faster", r"3.2$\times$ faster"),
        (r"f1\(x\), GPT4\(a_1\)", r"f1\(x\), GPT4\(a_1\)"),
        (r"\(x\)2 and 5\(^\circ\)C", r"\(x\)2 and 5$^\circ$C"),
        (r"\(x\), \(a_1\) and \(O(n)=3\)", "$x$, $a_1$ and $O(n)=3$"),
    ],
)
def test_brackets_beside_a_digit_are_math_where_they_begin_as_it_does(answer: str, read: str) -> None:
    assert read_brackets(answer) == read


def test_math_on_a_page_is_mathml() -> None:
    assert render_page("式 $x$：\n$$\ny\n$$\n$\\nope$") == (
        '<p>式 <math><mi>x</mi></math>：<math display="block"><mi>y</mi></math><code>\\nope</code></p>'
    )


@pytest.mark.parametrize(
    "block", ["```math\n\\nope\n```", "```tex\na $b$\n```", "```math\n\n```", "```python\nx^2\n```"]
)
def test_a_block_that_holds_no_formula_stays_one_of_code(block: str) -> None:
    assert render_feed(block).startswith("<pre><code>")


def test_a_displayed_formula_in_a_cell_stays_in_its_line() -> None:
    assert "<td>a b c</td>" in render_feed("| x |\n|---|\n| a $$b$$ c |")


@pytest.mark.parametrize(
    ("markdown", "written"),
    [
        ("$ x $", "$x$"),
        ("$$\na\n= b\n$$", "$$a = b$$"),
        ("a\n$$b$$\nc", "a\n$$b$$\nc"),
        ("$a<b$", "$a\\lt b$"),
        ("$a[x](b)$", "$a[x] (b)$"),
        ("$`x`$", "`` `x` ``"),
        ("$a$$b$", "$a$ $b$"),
        ("`a``b`", "`a``b`"),
        ("`a` `b`", "`a` `b`"),
        ("1\\. a", "1\\. a"),
        ("\\- a\n\\+ b\n\\# c\n\\> d\n\\=", "\\- a\\\n\\+ b\\\n\\# c\\\n\\> d\\\n\\="),
        ("max_tokens _x\\_ &amp;lt; !\\[a](b)", "max_tokens \\_x\\_ \\&lt; !\\[a\\](b)"),
        ("```mermaid\nx```\n```", "````\nx```\n````"),
        ("- a\n  ```\n  x\n  ```\n- b", "- a\n  ```\n  x\n  ```\n- b"),
        ("> a\n>\n> - b", "> a\n>\n> - b"),
        ("3) a\n4) b", "3) a\n4) b"),
        ("- ***\n- a", "- ___\n- a"),
        ("## a #\\#", "#### a \\##"),
        ("**![](x)a![](y)** **![](x)** b", "**a**   b"),
        ("| $\\|x\\|$ |\n|--|\n| $a|b$ |", "| $\\Vert x\\Vert$ |\n| --- |\n| $a\\mid b$ |"),
        ("| a |\n|--|\n| `x\\|y` |", "| a |\n| --- |\n| `x\\|y` |"),
    ],
)
def test_a_digest_is_escaped_where_it_would_be_read_otherwise(markdown: str, written: str) -> None:
    assert render_markdown(markdown) == written


# --- links


@pytest.mark.parametrize("render", [render_feed, render_page])
def test_only_given_addresses_become_links(render: Renderer) -> None:
    markdown = f"[a]({URL}) [b](https://github.com/a/b) <{URL}> <https://evil.example> {URL}"
    links = [(link.get("href"), link.text) for link in parse(render(markdown, urls=[URL])).iter("a")]
    assert links == [(URL, "a"), (URL, URL)]


def test_only_given_addresses_become_links_in_a_digest() -> None:
    markdown = f"[a*b*]({URL}) [b](https://evil.example) <{URL}> 见 https://evil.example。{URL}, www.a.b a@b.example"
    assert render_markdown(markdown, urls=[URL]) == (
        f"[a*b*](<{URL}>) b [{URL}](<{URL}>) 见 `https://evil.example`。<{URL}>, `www.a.b` `a@b.example`"
    )


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//evil.example", "ftp://a.example", "data:text/html,x", "#", ""]
)
@pytest.mark.parametrize("render", [render_feed, render_page, render_markdown])
def test_an_address_that_is_not_of_the_web_is_no_link_even_if_given(url: str, render: Renderer) -> None:
    output = render(f"[a]({url}) <{url}>", urls=[url])
    assert "href" not in output
    assert "](" not in output


def test_a_link_says_that_we_do_not_stand_behind_it() -> None:
    assert 'rel="nofollow noopener noreferrer"' in render_feed(f"[a]({URL})", urls=[URL])


@pytest.mark.parametrize(
    "pieces",
    [
        "https://[evil.example](x)",
        "https&#58;//evil.example",
        "https:\\//evil.example",
        "https://*![](x)*.evil.example",
        "ww[w.evil.example](x)",
        "a@[evil.example](x)",
        "a.**![](x)**@evil.example",
    ],
)
def test_an_address_in_pieces_is_no_link_in_a_digest(pieces: str) -> None:
    assert dangers_in_markdown(render_markdown(pieces)) == []


# --- hostile texts

SCRIPT = "<script>alert(1)</script>"
IMAGE = "<img src=x onerror=alert(1)>"
RAW_HTML = [
    SCRIPT,
    IMAGE,
    "<ScRiPt>alert(1)</sCrIpT>",
    "<script src=https://evil.example/x.js></script>",
    "<script\n>alert(1)</script\n>",
    "<script/x>alert(1)</script>",
    "<<script>alert(1)//<</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)//",
    "<img src='x' onerror='alert(1)'>",
    '<img src="x" onerror="alert(1)" />',
    "<img/src=x/onerror=alert(1)>",
    "<img src=x\nonerror=alert(1)>",
    "<img src=https://evil.example/pixel.png>",
    '<img src=x onerror="&#97;lert(1)">',
    "<image src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href=javascript:alert(1)><text>x</text></a></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><foreignObject><img src=x onerror=alert(1)></foreignObject></svg>",
    "<svg><use href='data:image/svg+xml,<svg onload=alert(1)>'/></svg>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<math><maction actiontype=statusline xlink:href=javascript:alert(1)>x</maction></math>",
    "<math href=javascript:alert(1)>x</math>",
    "<math><annotation-xml encoding=text/html><img src=x onerror=alert(1)></annotation-xml></math>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=javascript:alert(1)>",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
    "<video><source onerror=alert(1)></video>",
    "<video src=x onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<select autofocus onfocus=alert(1)>",
    "<textarea autofocus onfocus=alert(1)>",
    "<button onclick=alert(1)>x</button>",
    "<form action=javascript:alert(1)><input type=submit></form>",
    "<isindex type=image src=1 onerror=alert(1)>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<base href=javascript:alert(1)//>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<div style='background:url(javascript:alert(1))'>x</div>",
    "<div style=position:fixed;top:0;left:0;width:999px;height:999px>x</div>",
    "<p id=x class=y onclick=alert(1)>x</p>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href=https://evil.example onmouseover=alert(1)>x</a>",
    "<!--<img src=x onerror=alert(1)>-->",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<?xml version='1.0'?><?php alert(1) ?>",
    "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>&y;",
    "<plaintext>",
    "<xmp><img src=x onerror=alert(1)></xmp>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<template><script>alert(1)</script></template>",
    "<title><img src=x onerror=alert(1)></title>",
    "</p></div></body><script>alert(1)</script>",
    "<custom-tag onpointerenter=alert(1)>x</custom-tag>",
    "\x00<scr\x00ipt>alert(1)</script>",
    "<scr\u200bipt>alert(1)</scr\u200bipt>",
    "<scr&#x200b;ipt>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "\\<img src=x onerror=alert(1)>",
    "\\\\<img src=x onerror=alert(1)>",
    "<br onload=alert(1)>",
    "<br/onload=alert(1)>",
    "<sub onclick=alert(1)>x</sub>",
    "<sub><img src=x onerror=alert(1)></sub>",
    "<sup>x</sup onclick=alert(1)>",
    "<sub>&lt;img src=x onerror=alert(1)&gt;</sub>",
    "＜script＞alert(1)＜/script＞",
]
ADDRESSES = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "javascript&colon;alert(1)",
    "javascript&#58;alert(1)",
    "&#106;avascript:alert(1)",
    "&#x6A&#x61vascript:alert(1)",
    "java&#10;script:alert(1)",
    "java&Tab;script:alert(1)",
    "java\\script:alert(1)",
    "java\u200bscript:alert(1)",
    "\x01javascript:alert(1)",
    "javascript:alert%281%29",
    "javascript://github.com/%0aalert(1)",
    "vbscript:msgbox(1)",
    "livescript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "data:image/svg+xml,<svg onload=alert(1)>",
    "file:///etc/passwd",
    "mailto:a@evil.example",
    "//evil.example/x",
    "///evil.example/x",
    "\\\\evil.example\\x",
    "/\\evil.example",
    "https:evil.example",
    "https://evil.example/x",
    "http://evil.example@github.com/",
    "#x",
    "?x",
    "relative/x",
]
LINKS = [
    *(f"[x]({address})" for address in ADDRESSES),
    *(f"![x]({address})" for address in ADDRESSES[:8]),
    *(f"<{address}>" for address in ADDRESSES[:8]),
    *(f"[x]\n\n[x]: {address}" for address in ADDRESSES[:4]),
    f"[x](<{ADDRESSES[0]}>)",
    f'[x]({ADDRESSES[0]} "title\\" onclick=alert(1)")',
    '[x](https://evil.example "onmouseover=alert(1)")',
    f'[x]({URL}" onmouseover="alert(1))',
    f"[x]({URL}'onmouseover='alert(1))",
    f"[x](<{URL}><img src=x onerror=alert(1)>)",
    f"[{IMAGE}]({URL})",
    f"[![x](javascript:alert(1))]({URL})",
    f"![{IMAGE}](x)",
    "![x][y]\n\n[y]: javascript:alert(1) 'onerror=alert(1)'",
    "[a](javascript:alert(1)//https://github.com)",
    "<javascript:alert(1)//@x>",
    "<[i](x)mg src=x onerror=alert(1)>",
    "<![](x)img src=x onerror=alert(1)>",
    "<**![](x)**img src=x onerror=alert(1)>",
    "www.evil.example and https://evil.example/x and evil@evil.example",
    "https://evil.example/`x`",
    "`` a` ```x`<img src=x onerror=alert(1)>",
    f"`` {IMAGE}` ``![](x)`x`",
]
FORMULAS = [
    f"$\\text{{{SCRIPT}}}$",
    f"$\\text{{{IMAGE}}}$",
    f"$\\mathrm{{{IMAGE}}}$",
    f"${IMAGE}$",
    f"$${SCRIPT}$$",
    f"$$\n{IMAGE}\n$$",
    "$\\href{javascript:alert(1)}{x}$",
    "$\\url{javascript:alert(1)}$",
    "$\\style{background:url(javascript:alert(1))}{x}$",
    "$\\class{x onclick=alert(1)}{x}$",
    "$\\cssId{x}{y}$",
    '$\\color{red" onclick="alert(1)}{x}$',
    '$\\textcolor{"onclick=alert(1)}{x}$',
    "$\\includegraphics{https://evil.example/x.png}$",
    "$\\htmlData{x=y}{z}\\htmlStyle{color:red}{x}$",
    "$\\unicode{x3c}script\\unicode{x3e}$",
    "$\\def\\a{\\a\\a}\\a$",
    "$\\text{&lt;img src=x onerror=alert(1)&gt;}$",
    "$\\text{</math><img src=x onerror=alert(1)>}$",
    "$</mtext></math><img src=x onerror=alert(1)>$",
    "$[x](javascript:alert(1))$",
    "$<javascript:alert(1)>$",
    "$\\begin{array}{c}<img src=x onerror=alert(1)>\\end{array}$",
    "$\\tag{<img src=x onerror=alert(1)>}$",
    '$\\label{x" onclick="alert(1)}x$',
    "$x$<img src=x onerror=alert(1)>$y$",
]
AROUND = [
    *(("# ", ""), ("## ", " #"), ("> ", ""), ("- ", ""), ("1. ", ""), ("    ", ""), ("> - 1. ", ""), ("a\n", "\n===")),
    *(("**", "**"), ("*a ", "*"), ("***", "***"), ("_", "_"), ("~~", "~~"), ("`", "`"), ("a  \n", "")),
    *(("| a |\n|---|\n| ", " |"), ("| ", " |\n|---|\n| b |"), ("| a |\n|---|\n| `", "` |")),
    *(("```\n", "\n```"), ("```", "\nx\n```"), ("~~~ ", "\nx"), ("```html\n", "")),
]
STRUCTURES = [
    *(f"{before}{IMAGE}{after}" for before, after in AROUND),
    f"```\nx\n```{IMAGE}",
    f"``` {SCRIPT}\nx\n```",
    f"```a` {IMAGE}\n",
    f"{'> ' * 50}{IMAGE}",
    f"{'- ' * 50}{IMAGE}",
    f"{'*' * 500}{IMAGE}{'*' * 500}",
    f"# T\n\n<div>\n\n{IMAGE}\n\n</div>",
    f"<div>\n*a*\n</div>{SCRIPT}",
    f"<table><tr><td>\n\n{IMAGE}\n\n</td></tr></table>",
    f"[^1]\n\n[^1]: {IMAGE}",
    f"- [ ] {IMAGE}",
    f"<think>{SCRIPT}</think>{IMAGE}",
    f"```markdown\n{IMAGE}\n```",
]
VECTORS = [*RAW_HTML, *LINKS, *FORMULAS, *STRUCTURES]


def dangers(html: str, urls: tuple[str, ...] = ()) -> list[str]:
    """What stands in *html*, as a parser sees it, that is not on the list of what may."""
    found = []
    for element in parse(html).iter():
        if not isinstance(element.tag, str):
            found.append(f"a comment or instruction: {element}")
            continue
        allowed = {"a": {"href", "rel"}, "ol": {"start"}}.get(element.tag, set())
        allowed |= set(MATHML_ATTRIBUTES) if element.tag in MATH_ELEMENTS else set()
        if element.tag not in TEXT_ELEMENTS | MATH_ELEMENTS or not allowed >= set(element.attrib):
            found.append(f"{element.tag} {dict(element.attrib)}")
        if element.tag == "a" and element.get("href") not in urls:
            found.append(f"a link to {element.get('href')}")
    return found


def dangers_in_markdown(markdown: str, urls: tuple[str, ...] = ()) -> list[str]:
    """The same for *markdown*, and the addresses of which GitHub would make links."""
    html = as_github_does(markdown)
    tree = parse(html)
    for element in tree.iter("code", "a"):
        element[:] = []
        element.text = ""
    bare = re.findall(r"(?:https?|ftp)://[^\s<]+|\bwww\.\w+|[\w.+-]+@\w+\.\w+", tree.text_content(), re.ASCII)
    return dangers(html, urls) + bare


def test_there_are_many_hostile_texts_and_the_check_sees_them() -> None:
    seen = [vector for vector in VECTORS if dangers(drop_unprintable(vector)) and dangers_in_markdown(vector)]
    assert len(set(VECTORS)) == len(VECTORS) > 150
    assert len(seen) > 100


@pytest.mark.parametrize("vector", VECTORS)
def test_hostile_text_is_text(vector: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nh3 and without: neither our own writing nor the cleaning must be needed for the other."""
    texts = [vector, f"a {vector} b", f"| a |\n|---|\n| {vector} |"]
    found = [
        danger
        for text in texts
        for render in (render_feed, render_page)
        for danger in dangers(render(text, urls=[URL]), (URL,))
    ]
    found += [danger for text in texts for danger in dangers_in_markdown(render_markdown(text, urls=[URL]), (URL,))]
    monkeypatch.setattr(rendering, "_sanitize", lambda html: html)
    found += [
        danger
        for text in texts
        for render in (render_feed, render_page)
        for danger in dangers(render(text, urls=[URL]), (URL,))
    ]
    assert found == []


def test_the_cleaning_alone_is_enough() -> None:
    """Links are the exception: the cleaning knows which schemes are harmless, not which addresses are vouched for."""
    cleaned = (rendering._sanitize(drop_unprintable(vector)) for vector in VECTORS)
    found = [danger for html in cleaned for danger in dangers(html)]
    assert [danger for danger in found if not re.match(r"a link to (https?:|[^:]*$)", danger)] == []


PIECES = st.sampled_from(
    [
        *words(
            r"< > [ ]( ) ` `` * ** _ $ $$ \ | ! ``` ~ = - a 字 （ } \text{ &lt; &#60; &#x200b; <br> <sub> </sub> ![](x)"
        ),
        *("img", " src=x onerror=alert(1)", "javascript:x", "https://e.example", URL, "www.", "a@b.example"),
        *(" ", "    ", "\n", "\n\n", "- ", "> ", "# ", "1. ", "| a |\n|---|\n| "),
    ]
)


@settings(deadline=None, max_examples=300)
@example("字www.1. ")
@example("*<br>* # ")
@example("**a *b<br>*** 1. c")
@given(st.lists(PIECES, max_size=25).map("".join))
def test_any_text_is_harmless(markdown: str) -> None:
    found = dangers(render_feed(markdown)) + dangers(render_page(markdown))
    assert found + dangers_in_markdown(render_markdown(markdown)) == []


@settings(deadline=None, max_examples=100)
@given(st.lists(PIECES | st.characters(), max_size=20).map("".join))
def test_xml_can_carry_any_rendering(markdown: str) -> None:
    element = etree.Element("x")
    element.text = render_feed(markdown) + render_page(markdown) + render_markdown(markdown)
    assert etree.tostring(element)


@settings(deadline=None, max_examples=100)
@given(st.lists(PIECES, max_size=20).map("".join))
def test_rendering_is_the_same_every_time(markdown: str) -> None:
    assert render_markdown(markdown) == render_markdown(markdown)


def test_threads_render_at_the_same_time() -> None:
    texts = [f"**a（{number}）**是 $x_{number}$\n\n| a |\n|---|\n| {number} |" for number in range(50)]
    expected = [render_page(text) for text in texts]
    for built_once in (rendering._parser, rendering._cleaner, rendering._renderer):
        built_once.cache_clear()
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(render_page, texts * 4)) == expected * 4


@pytest.mark.parametrize(
    "unit",
    [
        *words(r"![[ [! [ [a]( ![a]( [a][ ***a**b* ` `a``b``` $ $$ $$\$ $x^ < <sub>a | |a & www. a@ **字（ \ ~"),
        *("|a|\n|-|\n|x|\n\n", "|a|b|\n|-|-|\n|c|d|e|f|\n", "-|-\n", "|a|\n|-|\n|$$|\n", "\\(", "\\[x_"),
        *("<br>", "#x#", "\\\n", "*a **b ", "$a\n\n", "- $$a\n", "a|b\n-|-\n", "| $a|", "- a\n", "> ", "[a]: b\n"),
        "|" * 200 + "\n" + "|-" * 200 + "|\n" + "|\n" * 300,
    ],
    ids=lambda unit: repr(unit[:12]),
)
def test_hostile_text_takes_no_time_worth_mentioning(unit: str) -> None:
    """A quarter of the longest text; what took quadratic time would take sixteen times as long for the whole."""
    started = process_time()
    render_markdown((unit * MAX_CHARACTERS)[: MAX_CHARACTERS // 4])
    assert process_time() - started < 1.5  # measured: 0.2 s at worst


def test_the_slowest_text_takes_a_second() -> None:
    started = process_time()
    render_markdown("[!" * (MAX_CHARACTERS // 2))
    assert process_time() - started < 5  # measured: 0.7 s


@pytest.mark.parametrize("opening", ["*a ", "**a ", "[*", "> ", "- ", "<sub>"])
def test_deep_nesting_is_flattened(opening: str) -> None:
    text = opening * 3_000 + "x" + "".join(reversed(opening.strip())) * 3_000
    depth = max(len(list(element.iterancestors())) for element in parse(render_feed(text)).iter())
    assert depth < 60
    assert render_markdown(text)


# --- what models really wrote

needs_summaries = pytest.mark.skipif(
    not SUMMARIES.is_dir(), reason="the summaries of real models (../shared/summaries) are not part of the repository"
)
EVERY = 20  # of the summaries is rendered as a page and as Markdown as well; all of them take half a minute


@lru_cache(maxsize=1)
def summaries() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(SUMMARIES.glob("*.md"))}


@needs_summaries
def test_real_summaries_are_whole_in_a_feed() -> None:
    """What is left of Markdown is bold that the models themselves did not close, and money.

    The index counts lines of dashes, which is one table more or less in a few files.
    """
    index = json.loads((SUMMARIES / "index.json").read_text(encoding="utf-8"))
    tables = {summary["file"]: summary["counts"]["tables"] for summary in index["summaries"]}
    found: Counter[str] = Counter()
    for name, summary in summaries().items():
        html = render_feed(summary)
        text = text_outside_code(html)
        formulas = [span for span in re.findall(r"\$[^$\n]+\$", text) if not re.match(r"\$\d", span)]
        found += Counter(
            {
                "dangers": len(dangers(html)),
                "stars": text.count("**"),
                "formulas": len(formulas),
                "breaks": html.count("&lt;br"),
                "fewer or more tables": html.count("<table>") != tables[name],
            }
        )
    assert found == {"stars": 10, "fewer or more tables": 2}


@needs_summaries
def test_real_summaries_hold_only_what_may_stand_on_a_page() -> None:
    pages = {name: render_page(text) for name, text in list(summaries().items())[::EVERY]}
    assert [(name, danger) for name, html in pages.items() for danger in dangers(html)] == []


@needs_summaries
def test_real_formulas_are_text_but_for_a_few() -> None:
    formulas = [
        latex for text in summaries().values() for latex in re.findall(r"(?<![$\d])\$([^$\n]+)\$(?![$\d])", text)
    ]
    latex = [formula for formula in formulas if to_unicode(formula) is None]
    assert len(latex) / len(formulas) < 0.03  # measured: 0.010 of those that the parser takes for formulas


@needs_summaries
def test_a_real_digest_says_the_same_as_the_feed() -> None:
    """Read back it has the same text, tables, lists and bold words; stars are those that models left over."""
    found = []
    for name, text in list(summaries().items())[::EVERY]:
        digest = render_markdown(text)
        found += [(name, danger) for danger in dangers_in_markdown(digest)]
        if shape(render_feed(digest)) != shape(render_feed(text)):
            found.append((name, "another shape"))
    assert found == []


def shape(html: str) -> tuple[dict[str, float], str]:
    tree = parse(html)
    counts = {
        tag: tree.xpath(f"count(.//{tag})") for tag in ("strong", "table", "td", "li", "blockquote", "ul", "ol", "hr")
    }
    return counts, "".join(tree.text_content().replace("*", "").replace(r"\Vert", r"\|").split())
