"""A PDF of a made-up paper: one page with its title and abstract, written without a library."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from core.tex import to_unicode
from demo.mailing import SamplePaper

_LINE_CHARACTERS = 88
_TITLE_CHARACTERS = 60


def render_pdf(paper: SamplePaper) -> bytes:
    """What `/pdf/<id>vN` shows. Letters that WinAnsiEncoding does not have become question marks."""
    content = _content(paper)
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources <</Font <</F1 4 0 R>>>> /Contents 5 0 R >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    )
    return _file(objects)


def _content(paper: SamplePaper) -> bytes:
    """The commands that write the page, from its top: title, id, abstract."""
    title = _wrap(paper.title, _TITLE_CHARACTERS)
    abstract = [line for paragraph in paper.paragraphs for line in (*_wrap(paragraph, _LINE_CHARACTERS), "")]
    name = f"arXiv:{paper.id}v{paper.version} [{paper.primary_category}]"
    commands = [
        b"BT /F1 16 Tf 20 TL 50 780 Td",
        *map(_show, title),
        b"/F1 10 Tf 14 TL",
        *map(_show, ("", name, "", "Abstract", *abstract)),
        b"ET",
    ]
    return b"\n".join(commands)


def _wrap(raw: str, width: int) -> list[str]:
    return textwrap.wrap(to_unicode(raw), width)


def _show(line: str) -> bytes:
    """The command that writes *line* on the next line of the page."""
    escaped = line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return b"(%s) '" % escaped.encode("cp1252", "replace")


def _file(objects: Iterable[bytes]) -> bytes:
    """*objects*, the first of which is the catalogue, with the table that says at which byte each begins."""
    body = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    places = []
    for number, each in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    entries = b"".join(b"%010d 00000 n \n" % place for place in places)
    table = b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(places) + 1, entries)
    return b"%s%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        body,
        table,
        len(places) + 1,
        len(body),
    )
