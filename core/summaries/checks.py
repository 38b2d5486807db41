"""Whether a model's answer can be shown to readers, told without another model.

Faults reject an answer, flags only tell. Thresholds lie between what 2,615 real summaries reach and what broken ones
do:

| check    | threshold                          | real summaries             |
| -------- | ---------------------------------- | -------------------------- |
| ending   | finish reason `stop`               | a cut stream says "null"   |
| sections | 4 of 4, in order, none empty       | always                     |
| length   | 250 to 12,000 characters           | 1,080 to 7,237             |
| language | 25 % of the letters are its own    | Chinese: 31 % at least     |
| loop     | compressed to a sixth at most      | 2.3 times, in parts too    |
|          | 35 % of the lines repeated         | 3 %                        |
|          | one line 20 times                  | 4                          |
|          | 4,000 characters in a line         | 381                        |
|          | a character 200 times in a row     | 56, a table's rule         |
| refusal  | in the first 400 characters only   | later, papers cite such    |

The faults that this cannot see are wrong words. Wrong numbers show in `unsupported_numbers`, a share and no fault:
differences and ratios that a model works out for itself are not in the paper either. How numbers are
compared is `numbers.py`.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from core.summaries.answer import Answer, outside_code, parse_answer
from core.summaries.attempts import SourceKind
from core.summaries.cleaning import UNPRINTABLE, clean_answer
from core.summaries.languages import HAN, KANA, SECTION_NAMES, Language
from core.summaries.model import WITHHELD
from core.summaries.numbers import URL, find_numbers, unsupported_share

FaultCode = Literal[
    "empty", "refusal", "wrapper", "loop", "truncated", "broken off", "language", "sections", "length", "withheld"
]
OF_THE_MOMENT = frozenset[str]({"empty", "broken off"})  # what says something of the service and nothing of the paper
FlagCode = Literal[
    "no-tldr", "preamble", "unverified", "unknown-urls", "raw-tags", "characters", "injection", "secrets"
]

MIN_CHARACTERS = 250
MAX_CHARACTERS = 12_000
MIN_OWN_LETTERS = 0.25  # of own and Latin letters, in languages that are not written in Latin ones
MAX_FOREIGN_LETTERS = 0.05  # in those that are
MIN_KANA = 0.05  # of the letters of a Japanese text; a Chinese one has none
MAX_ENGLISH_WORDS = 0.06  # of a text in another Latin language; 1 % of English abstracts have fewer
MAX_COMPRESSION = 6.0
MAX_REPEATED_LINES = 0.35
MAX_LINE_REPEATS = 20
MAX_LINE_CHARACTERS = 4_000
MAX_UNSUPPORTED_NUMBERS = 0.2
MIN_UNSUPPORTED_NUMBERS = 2  # an abstract has few, and of two percentages in it a model may tell the difference

_WINDOW = 1_000  # characters; a phrase that repeats in the last tenth does not show in the compression of the whole
_MIN_REPEATED_LINES = 10
_REFUSAL_REACH = 400
_INJECTION_REACH = 600
_MAX_URLS = 100

_RUN = re.compile(r"([^\s-])\1{199}")
_QUOTED = re.compile(r"“[^“”\n]{0,200}”|「[^「」\n]{0,200}」|\"[^\"\n]{0,200}\"|`[^`\n]{0,200}`")

_PREAMBLE = re.compile(
    r"[*_\s]*(?:(?:好的|当然|當然|没问题|以下是|下面是|这是一?份|根据您|Gerne|Natürlich|Voici|Claro|Aquí)(?=\W|[^\W\d_])"
    r"|(?:sure|certainly|of course|absolutely|okay|ok|here(?:['’]s| is| are)|below is)\b)",
    re.IGNORECASE,
)

_CLAUSE = r"(?:^\W*|[，。,.;；：:！!\s]|由于|因为|因|我|目前|当前|系统)(?:目前|暂时|并|还)?"  # where one begins
_IT = r"(?:该|此|这篇|您|你|所|上述|上传|外部|任何).{0,8}"
_REFUSAL = re.compile(
    r"^\W*(?:(?:非常|十分|很|实在)?(?:抱歉|对不起|對不起|不好意思)|(?:非常|十分|很|实在)遗憾|遗憾[，,]|申し訳|すみません|죄송)"
    r"|(?:(?<![自敌])我(?![们国])|作为.{0,10}(?:AI|人工智能|模型|助手)[，,]).{0,15}(?:无法|不能|無法|没有能力|没办法)"
    rf"|{_CLAUSE}(?:直接)?(?:无法|不能|未能|無法)(?:直接)?(?:访问|打开|查看|读取|获取|下载|解析|浏览|訪問)到?"
    rf"(?:{_IT})?(?:論文|论文|文件|文档|链接|PDF|网页|全文|URL)"
    r"|请(?:您|你)?(?:先|重新)?(?:提供|上传|粘贴|发送|补充|分享).{0,20}(?:论文|全文|文本|内容|PDF|文件|摘要)"
    rf"|{_CLAUSE}(?:没有|未能?)(?:收到|看到|检测到).{{0,15}}(?:论文|文件|全文|文本内容|任何内容|PDF|附件)"
    r"|(?:您|你)(?:没有|未|并未)(?:提供|上传|附上)"
    r"|(?:PDF|論文|ファイル|本文).{0,12}ことができません"
    r"|^\W*(?:I['’]?\s?a?m (?:very |so |really )?(?:sorry|afraid)|I apologi[sz]e|my apologies"
    r"|sorry(?:[,.!;:]| [-–—]| (?:but|I|for|that)\b)"
    r"|unfortunately,? (?:I\b|you\b|(?:there (?:is|was) )?no (?:paper|text|content|document|file|pdf)\b"
    r"|(?:the|this|your) (?:paper|text|content|document|file|pdf) (?:that |you |was|is|could|can|seems|does))"
    r"|es tut mir leid|leider\b|ich kann (?:die|das|den|nicht)\b|désolée?\b|je suis désolée?|je ne peux pas\b"
    r"|malheureusement, (?:je|il|le|vous)\b|veuillez (?:fournir|partager|joindre)|lo siento|mi dispiace|desculpe)"
    r"|(?:^\W*|[.!?,:;—–-]\s+|\b(?:and|but|so|that|because|since|as|seems) )"
    r"I (?:can ?not|can['’]t|could ?n(?:o|['’])t|(?:am|was) (?:unable|not able)|do(?: not|n['’]t) (?:have|see)"
    r"|won['’]t|will not|must decline)\b|\bI['’]m (?:unable|not able)\b"
    r"|\bas an? (?:AI(?: (?:language model|model|assistant))?|(?:large )?language model)(?:, I| I)\b"
    r"|(?:^|[.!?,:;]\s+|\b(?:could you|so|and|but) )please (?:provide|upload|paste|share|attach|send)\b"
    r".{0,40}\b(?:paper|text|pdf|document|content|article|abstract)"
    r"|\bno (?:paper|text|content|document|pdf|file)s? (?:was|were|has been|is) (?:provided|attached|included|given)"
    r"|(?:^\W*|[.!?,:;]\s+|\b(?:that|but|because|since|like|appears|seems) )(?:the|this|your) (?:\w+ ){0,4}"
    r"(?:paper|text|document|pdf|file|content) (?:was not|is not|could not be|cannot be) "
    r"(?:provided|accessed|accessible|opened|loaded)\b(?! (?:by|to(?! me\b)|in|with|without|unless)\b)",
    re.IGNORECASE | re.MULTILINE,
)

_INJECTION = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b[^.\n]{0,30}\b(?:previous|prior|above|earlier|preceding|system)\b"
    r"[^.\n]{0,20}\b(?:instruction|prompt|message|rule)"
    r"|(?:忽略|无视|忘记)[^。\n]{0,10}(?:之前|以上|上述|前面|先前|此前|系统)[^。\n]{0,8}(?:指令|提示|指示|要求|规则)"
    r"|\b(?:my|your|reveal|print|repeat)\b[^.\n]{0,12}\bsystem prompt|\byou are now\b|\bdeveloper mode\b|\bjailbroken\b"
    r"|\bgive (?:a )?positive reviews?\b|\bdo not (?:highlight|mention) any (?:negatives|weakness)"
    r"|只给(?:出)?(?:正面|好)评",
    re.IGNORECASE,
)

_SECRET = re.compile(
    r"\bsk-[A-Za-z0-9_-]{16,200}|\bBearer [A-Za-z0-9._~+/=-]{16,200}|\bAKIA[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{30,200}|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
)

_RAW_TAG = re.compile(
    r"</?(?:a|applet|audio|base|button|details|embed|form|frame|iframe|img|input|link|marquee|math|meta|object|script"
    r"|select|source|style|svg|template|textarea|video|paper-[A-Za-z0-9_-]{4,64})(?=[\s/>])",
    re.IGNORECASE,
)

_INLINE_CODE = re.compile(r"`[^`\n]*`")
_FORMULA = re.compile(r"\$\$[^$]{1,2000}\$\$|\$[^$\n]{1,500}\$|\\\([^\n]{0,300}?\\\)|\\\[[^\]]{0,500}\\\]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]+")
_FOREIGN = re.compile(rf"[{HAN}{KANA}\u0400-\u052f\u0590-\u06ff\u0900-\u0dff\u0e00-\u0e7f\uac00-\ud7af]+")
_KANA_RUN = re.compile(rf"[{KANA}]+")
_WORD = re.compile(r"[^\W\d_]+")
# Words that English cannot do without and that no other language with Latin letters has.
_ENGLISH_WORDS = frozenset({"the", "and", "with", "this", "that", "which", "from", "these", "their", "than"})
_RULE_OF_TABLE = re.compile(r"[\s|:*_=-]*")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an answer is rejected: a code for programs and, for readers, a clause that may follow a colon."""

    code: FaultCode
    reason: str


@dataclass(frozen=True, slots=True)
class Flag:
    """A doubt that an answer is shown with: a code for programs and, for readers, a clause that may follow a colon."""

    code: FlagCode
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """An answer with all that was found, the most telling fault first.

    `numbers` different ones with two or more significant digits are in the answer; `unsupported_numbers` is the share
    of them that the source text lacks, None where that text is not known, as of a PDF, or there are none. `urls` are
    those of the answer that the source text has too.
    """

    answer: Answer
    faults: tuple[Fault, ...]
    flags: tuple[Flag, ...]
    unsupported_numbers: float | None
    numbers: int
    urls: tuple[str, ...]

    @property
    def is_acceptable(self) -> bool:
        return not self.faults


def check_answer(
    text: str,
    *,
    finish_reason: str | None,
    language: Language,
    source_text: str,
    kind: SourceKind,
    are_sections_wanted: bool = True,
) -> Checked:
    """What is wrong with *text*, the raw answer of a model, and the answer itself.

    *source_text* is what the model read, as far as that is known: what stands in an uploaded PDF is not, so numbers and
    addresses are no doubt there. The four sections are not wanted where the operator's own prompt asks for others.
    """
    cleaned = clean_answer(text)
    answer = parse_answer(cleaned)
    numbers = find_numbers(cleaned, language)
    unsupported = unsupported_share(numbers, source_text) if kind != "pdf" else None
    urls = find_urls(cleaned)
    known_urls = tuple(url for url in urls[:_MAX_URLS] if occurs_in(source_text, url))
    unknown_urls = len(urls) - len(known_urls) if kind != "pdf" else 0
    return Checked(
        answer,
        tuple(_faults(cleaned, answer, finish_reason, language, are_sections_wanted=are_sections_wanted)),
        tuple(_flags(text, cleaned, answer, unsupported, numbers=len(numbers), unknown_urls=unknown_urls)),
        unsupported,
        len(numbers),
        known_urls,
    )


def _faults(
    cleaned: str, answer: Answer, finish_reason: str | None, language: Language, *, are_sections_wanted: bool
) -> Iterator[Fault]:
    if finish_reason == WITHHELD:
        yield Fault("withheld", "the model's answer had the key of the service in it")
        return
    if not cleaned and finish_reason == "length":  # thoughts took all there is, and would do so again
        yield Fault("truncated", "the answer was cut off at its greatest length")
        return
    if not cleaned:
        yield Fault("empty", "the model's answer was empty")
        return
    found = (
        check_refusal(cleaned),
        check_wrapper(cleaned),
        check_loop(cleaned),
        check_ending(finish_reason),
        check_language(cleaned, language),
        check_sections(answer) if are_sections_wanted else None,
        check_length(cleaned),
    )
    yield from filter(None, found)


def _flags(
    text: str, cleaned: str, answer: Answer, unsupported: float | None, *, numbers: int, unknown_urls: int
) -> Iterator[Flag]:
    if not answer.tldr:
        yield Flag("no-tldr", "the answer has no one-sentence summary")
    if _PREAMBLE.match(cleaned):
        yield Flag("preamble", "the small talk before the answer was left out")
    if unsupported is not None and _are_many(unsupported, numbers):
        yield Flag("unverified", f"{unsupported:.0%} of the numbers do not occur in the text that was read")
    if unknown_urls:
        yield Flag("unknown-urls", f"{unknown_urls} of the addresses do not occur in the text that was read")
    if _RAW_TAG.search(_without_code(cleaned)):
        yield Flag("raw-tags", "the answer has HTML in it, which is shown as text")
    if UNPRINTABLE.search(text.replace("\r", "")):
        yield Flag("characters", "characters that cannot be shown were taken out")
    if _INJECTION.search(cleaned[:_INJECTION_REACH]):
        yield Flag("injection", "the answer speaks of instructions, which can be the paper's subject or its doing")
    if _SECRET.search(cleaned):
        yield Flag("secrets", "the answer has something in it that looks like a key")


def _are_many(unsupported: float, numbers: int) -> bool:
    return unsupported > MAX_UNSUPPORTED_NUMBERS and round(unsupported * numbers) >= MIN_UNSUPPORTED_NUMBERS


def check_ending(finish_reason: str | None) -> Fault | None:
    """Only `stop` is a whole answer: a stream that broke off has "null" or nothing, a filtered one its own word."""
    if finish_reason == "stop":
        return None
    if finish_reason == "length":
        return Fault("truncated", "the answer was cut off at its greatest length")
    if finish_reason == "content_filter":
        return Fault("truncated", "the provider's content filter cut the answer off")
    code: FaultCode = "broken off" if finish_reason in (None, "", "null") else "truncated"
    return Fault(code, "the answer broke off before its end")


def check_wrapper(cleaned: str) -> Fault | None:
    """What stands around an answer and that cleaning left: thoughts or code without an end, JSON."""
    if cleaned.startswith(("```", "~~~", "<think>", "{", "[{", '["')):
        return Fault("wrapper", "the answer is code or the model's thoughts instead of text")
    return None


def check_refusal(cleaned: str) -> Fault | None:
    """Only at the beginning and not in quotes, since papers speak of refusals and of what cannot be accessed."""
    if _REFUSAL.search(_QUOTED.sub("", cleaned[:_REFUSAL_REACH])):
        return Fault("refusal", "the model wrote that it cannot do it instead of a summary")
    return None


def check_sections(answer: Answer) -> Fault | None:
    if answer.is_complete:
        return None
    present = [section.name for section in answer.sections if section.name and section.markdown]
    missing = [name for name in SECTION_NAMES if name not in present]
    if missing:
        return Fault("sections", f"the answer lacks what was asked for: {', '.join(missing)}")
    return Fault("sections", "the sections of the answer are not in the order that was asked for")


def check_length(cleaned: str) -> Fault | None:
    if len(cleaned) < MIN_CHARACTERS:
        return Fault("length", f"the answer is too short: {len(cleaned)} characters")
    if len(cleaned) > MAX_CHARACTERS:
        return Fault("length", f"the answer is too long: more than {MAX_CHARACTERS:,} characters")
    return None


def check_language(cleaned: str, language: Language) -> Fault | None:
    """By letters; among languages with Latin ones only English is told from the others, by its commonest words.

    A language whose letters are not known is not checked.
    """
    if not language.is_known or _is_in(language, _prose(cleaned)):
        return None
    return Fault("language", f"the answer is not in {language.name}")


def _is_in(language: Language, prose: str) -> bool:
    latin = _count(_LATIN, prose)
    if language.script is None:
        foreign = _count(_FOREIGN, prose)
        is_foreign = foreign > MAX_FOREIGN_LETTERS * (foreign + latin)
        return not is_foreign and (language.base == "en" or english_share(prose) <= MAX_ENGLISH_WORDS)
    own = _count(re.compile(rf"[{language.script}]+"), prose)
    is_chinese = language.base == "ja" and _count(_KANA_RUN, prose) < MIN_KANA * own
    return own > 0 and own >= MIN_OWN_LETTERS * (own + latin) and not is_chinese


def english_share(prose: str) -> float:
    """Which share of the words only English has; 0 for a text without words."""
    words = _WORD.findall(prose.lower())
    return sum(word in _ENGLISH_WORDS for word in words) / max(len(words), 1)


def check_loop(cleaned: str) -> Fault | None:
    """Lines, phrases or characters over and over; rules and what pads the cells of a table do not count."""
    lines = [stripped for line in cleaned.split("\n") if not _RULE_OF_TABLE.fullmatch(stripped := line.strip())]
    often = Counter(lines).most_common(1)[0][1] if lines else 0
    repeated = len(lines) - len(set(lines))
    is_looping = (
        often > MAX_LINE_REPEATS
        or (repeated >= _MIN_REPEATED_LINES and repeated > MAX_REPEATED_LINES * len(lines))
        or any(len(line) > MAX_LINE_CHARACTERS for line in cleaned.split("\n"))
        or _RUN.search(cleaned)
        or compression("\n".join(" ".join(line.split()) for line in lines)) > MAX_COMPRESSION
    )
    return Fault("loop", "the answer repeats itself") if is_looping else None


def compression(text: str) -> float:
    """How many times smaller *text* or, if more, any _WINDOW of it becomes; about 2 for prose, 1 for none."""
    windows = [text[start : start + _WINDOW] for start in range(0, len(text) - _WINDOW, _WINDOW // 2)]
    bodies = [piece.encode(errors="replace") for piece in (text, *windows, text[-_WINDOW:])]
    return max((len(body) / len(zlib.compress(body)) for body in bodies if body), default=1.0)


def find_urls(text: str) -> tuple[str, ...]:
    """The web addresses in *text*, each once, without the punctuation after them."""
    return tuple(dict.fromkeys(url.rstrip(".,;:!?*_~\\") for url in URL.findall(text)))


def occurs_in(source_text: str, url: str) -> bool:
    """Whether *source_text* has *url*; scheme, `www.`, case and a slash at the end make no difference."""
    address = re.sub(r"^https?://(?:www\.)?", "", url.lower()).rstrip("/")
    whole = rf"(?<![\w.-]){re.escape(address)}(?![\w-])(?!\.[^\W\d_])"
    return bool(address) and re.search(whole, re.sub(r"\bwww\.", "", source_text.lower())) is not None


def _prose(text: str) -> str:
    return URL.sub(" ", _FORMULA.sub(" ", _without_code(text)))


def _without_code(text: str) -> str:
    return _INLINE_CODE.sub(" ", "\n".join(line for _, line in outside_code(text.split("\n"))))


def _count(letters: re.Pattern[str], text: str) -> int:
    return sum(map(len, letters.findall(text)))
