"""Text as XML and HTML take it, written as arXiv's serialiser writes it: no quotation mark is escaped in text."""

from __future__ import annotations

import html
import re

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escape(text: str) -> str:
    """*text* between tags; characters that XML cannot hold become U+FFFD."""
    return html.escape(_ILLEGAL.sub("\ufffd", text), quote=False)


def escape_attribute(text: str) -> str:
    """*text* between double quotes."""
    return escape(text).replace('"', "&quot;")


def element(name: str, text: str | None) -> list[str]:
    """The one line of the element *name*, or none where *text* is None or empty."""
    return [f"<{name}>{escape(text)}</{name}>"] if text else []
