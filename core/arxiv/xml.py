"""Bytes from the network -> an XML tree that nothing in them can make dangerous, and reading from it.

What the parser does not defend against (decompression bombs) is refused where the bytes arrive.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from lxml import etree

from core.errors import SourceMalformed
from core.tex import on_one_line

ATOM = "{http://www.w3.org/2005/Atom}"
ARXIV = "{http://arxiv.org/schemas/atom}"
DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
OPENSEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"

_WEB_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<!--(?>.*?-->)\s*)*+<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL
)
_DECLARATION = re.compile(rb"<!(?:DOCTYPE|ENTITY)")

# What https://www.w3.org/TR/xml/#charsets leaves out, as UTF-8, and references that may stand for it.
_SUSPECT = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]|&#(?:x(?P<hexadecimal>[0-9A-Fa-f]+)|(?P<decimal>[0-9]+));"
)
_CONTROLS = bytes({*range(0x20)} - {0x9, 0xA, 0xD})
_LONGEST_REFERENCE = 8

# The children of an element by name (`{namespace}local`), in their order.
Children = Mapping[str, Sequence[etree._Element]]


def parse_xml(body: bytes) -> etree._Element:
    """The root element of *body*; raises SourceMalformed for everything that is not a whole, plain XML document.

    Characters that XML forbids are left out first, so that one of them in one abstract does not cost a whole mailing.
    Document types and entities are refused, and so are bytes that are not text in the encoding they claim.
    """
    _refuse_what_is_no_feed(body)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(_SUSPECT.sub(_keep_if_legal, body) if _may_have_suspects(body) else body, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise SourceMalformed(f"it is not well-formed XML, or was cut off ({error})") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise SourceMalformed("it declares a document type, which no feed of arXiv does")
    return root


def children_of(parent: etree._Element) -> Children:
    """The children of *parent*. To ask lxml for one name after another takes five times as long."""
    children: dict[str, list[etree._Element]] = {}
    for child in parent:
        children.setdefault(str(child.tag), []).append(child)
    return children


def text_of(children: Children, name: str) -> str | None:
    """All text within the first of *children* called *name*, as it stands; None where there is no such."""
    named = children.get(name)
    return text_in(named[0]) if named else None


def text_in(element: etree._Element) -> str:
    if not len(element):
        return element.text or ""
    return "".join(str(piece) for piece in element.itertext())


def line_of(children: Children, name: str) -> str | None:
    """Like `text_of`, on one line; None also where nothing but blanks is left."""
    return on_one_line(text_of(children, name) or "") or None


def _refuse_what_is_no_feed(body: bytes) -> None:
    if not body.strip():
        raise SourceMalformed("it is empty")
    if _WEB_PAGE.match(body):
        raise SourceMalformed("it is a web page (HTML), perhaps one that asks for a captcha, not a feed")
    if _DECLARATION.search(body):
        raise SourceMalformed("it declares a document type or an entity, which no feed of arXiv does")
    if b"\0" in body[:4]:  # https://www.w3.org/TR/xml/#sec-guessing: UTF-16 and UTF-32, which could hide declarations
        raise SourceMalformed("it is not UTF-8 text")


def _may_have_suspects(body: bytes) -> bool:
    """A glance that takes a tenth of the search, which hardly any feed needs."""
    return b"&#" in body or b"\xef\xbf" in body or len(body.translate(None, _CONTROLS)) < len(body)


def _keep_if_legal(match: re.Match[bytes]) -> bytes:
    digits = match["hexadecimal"] or match["decimal"]
    if digits is None:
        return b""
    if len(digits) > _LONGEST_REFERENCE:
        return match[0]
    return match[0] if _is_xml_character(int(digits, 16 if match["hexadecimal"] else 10)) else b""


def _is_xml_character(code: int) -> bool:
    return code in (0x9, 0xA, 0xD) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
