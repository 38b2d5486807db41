"""A model's answer -> the text that is checked, stored and rendered.

Only what carries no meaning goes: characters that XML cannot carry or that hide text from a reader, and the wrappings
that some models put around an answer. What the text says is not judged here.
"""

from __future__ import annotations

import re

MAX_CHARACTERS = 40_000  # the longest of 2,615 real summaries has 7,237

_LONGEST_FAREWELL = 400
_MOST_RAW_CHARACTERS = 5 * MAX_CHARACTERS  # with thoughts, which may be several times as long as the answer

_LINE_ENDING = re.compile(r"\r\n?")
_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
UNPRINTABLE = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"  # controls and surrogates: feedgen fails the whole feed on one
    f"{_NONCHARACTERS}"
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # they turn the reading direction and show nothing
    "\u200b\ufeff"  # zero-width space and byte-order mark; the joiner U+200D stays, emoji are made with it
    "]"
)
_THOUGHTS = re.compile(r"(?:\s*<think>(?:(?!</think>)[\s\S])*+</think>)++")
_WRAPPER = re.compile(
    r"(?P<fence>`{3,}+)[ \t]*+(?P<info>markdown|md|)[ \t]*+\n(?P<inner>[\s\S]*)\n(?P=fence)", re.IGNORECASE
)
_TALK = r"[^#`]{0,300}"
_WRAPPER_IN_TALK = re.compile(
    rf"(?:{_TALK}\n)?(?P<fence>`{{3,}}+)[ \t]*+(?P<info>markdown|md)[ \t]*+\n(?P<inner>[\s\S]*)\n(?P=fence)[ \t]*+"
    rf"(?:\n{_TALK})?",
    re.IGNORECASE,
)
# Of thoughts that the prompt has opened, as some templates of thinking models do; or a fence, in which it is text.
_END_OF_THOUGHTS = re.compile(r"^ {0,3}(?:(?P<fence>`{3,}).*|</think>[ \t]*)$", re.MULTILINE)
_FAREWELL = re.compile(  # which speaks to the reader: authors hope for much, and invite to much
    r"\n\s*(?:(?:I )?hope (?:this|that) (?:summary |overview )?(?:helps|is helpful)[.!]*"
    r"(?:\s*(?:please )?(?:let me know|feel free)[^\n]{0,120})?"
    r"|(?:please )?(?:let me know if you (?:need|want|would like|have)|feel free to (?:ask|reach out|contact me))\b"
    r"[^\n]{0,120}"
    r"|希望[^\n，。]{0,10}对(?:您|你)[^\n]{0,16}帮助[^\n]{0,16}"
    r"|如果?(?:您|你)?还?(?:有|需要?)[^\n]{0,16}(?:请|欢迎|可以)(?:随时|再)?(?:告诉我|告知|联系|提问|提出)[^\n]{0,12})\s*\Z",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^ {0,3}`{3,}(.*)$", re.MULTILINE)


def drop_unprintable(text: str) -> str:
    """*text* without what hides or turns it, and without what XML cannot carry; lines end in a line feed."""
    return UNPRINTABLE.sub("", _LINE_ENDING.sub("\n", text))


def clean_answer(text: str) -> str:
    """*text* without unprintable characters, wrappings and white space around it; at most MAX_CHARACTERS of it.

    What lies behind five times as many is not looked at.
    Leading thoughts up to `</think>`, a code fence around the whole answer, with small talk beside it if it says that
    Markdown is in it, and a farewell are wrappings; a fence that is closed earlier is the answer's own. Cleaning twice
    is cleaning once.
    """
    text = drop_unprintable(text[:_MOST_RAW_CHARACTERS])
    return _unwrap(_unwrap(text)[:MAX_CHARACTERS])


def _unwrap(text: str) -> str:
    text = text.strip()
    if thoughts := _THOUGHTS.match(text):
        text = text[thoughts.end() :].lstrip()
    text = _without_farewell(_without_open_thoughts(text))
    wrapper = _find_wrapper(text)
    if wrapper is None:
        return text
    inner = wrapper["inner"].strip()
    # Wrappings in wrappings are left: no model makes them, and taking off thousands would take quadratic time.
    return text if inner.startswith(("```", "<think>")) else inner


def _find_wrapper(text: str) -> re.Match[str] | None:
    """The fence around all of *text*, or around all but small talk where there are headings in it."""
    wrapper = _WRAPPER.fullmatch(text)
    if wrapper is None:
        wrapper = _WRAPPER_IN_TALK.fullmatch(text)
        if wrapper is None or "#" not in wrapper["inner"]:
            return None
    return wrapper if _is_around_all(wrapper) else None


def _without_open_thoughts(text: str) -> str:
    """*text* behind the last line that ends thoughts which it does not begin."""
    if "</think>" not in text or "<think>" in text:
        return text
    end, is_code = 0, False
    for line in _END_OF_THOUGHTS.finditer(text):
        if line["fence"]:
            is_code = not is_code
        elif not is_code:
            end = line.end()
    return text[end:].lstrip()


def _without_farewell(text: str) -> str:
    end = len(text)
    while farewell := _FAREWELL.search(text, max(0, end - _LONGEST_FAREWELL), end):
        end = farewell.start()
    return text[:end].rstrip()


def _is_around_all(wrapper: re.Match[str]) -> bool:
    """Whether the last fence closes the first: the fences between them are pairs."""
    between = [info.strip() for info in _FENCE.findall(wrapper["inner"])]
    if wrapper["info"]:
        return len(between) % 2 == 0
    return all(between[::2]) and not any(between[1::2]) and len(between) % 2 == 0
