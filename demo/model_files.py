"""The files of a DashScope account, as its OpenAI form of the file interface tells of them.

https://www.alibabacloud.com/help/en/model-studio/openai-file-interface
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from demo.choice import draw

PURPOSE = "file-extract"  # the one that a chat can read

_CREATED = 1_772_668_800  # when all files were made, in seconds since 1970: answers are the same every time
_BOUNDARY = re.compile(r'boundary="?(?P<boundary>[^";]+)')
_FIELD = re.compile(rb'\bname="(?P<name>[^"]*)"')
_FILENAME = re.compile(rb'\bfilename="(?P<name>[^"]*)"')
_PDF_STRING = re.compile(rb"\(((?:[^()\\]|\\.)*)\)\s*Tj")


@dataclass(frozen=True, slots=True)
class Upload:
    """The form with which a file comes; *content* is None where the form has no field `file`."""

    purpose: str
    name: str
    content: bytes | None


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of the account. It is being parsed until it was looked at *looks_left* more times."""

    id: str
    name: str
    content: bytes
    looks_left: int = 0

    @property
    def status(self) -> str:
        return "processing" if self.looks_left else "processed"


def parse_upload(content_type: str, body: bytes) -> Upload:
    """The fields of a `multipart/form-data` *body*; empty where there are none, nothing is raised."""
    found = _BOUNDARY.search(content_type)
    if not found:
        return Upload("", "", None)
    purpose, name, content = "", "", None
    for part in body.split(b"--" + found["boundary"].encode("latin-1"))[1:-1]:
        head, _, value = part.removeprefix(b"\r\n").removesuffix(b"\r\n").partition(b"\r\n\r\n")
        field = _FIELD.search(head)
        if field and field["name"] == b"purpose":
            purpose = value.decode(errors="replace")
        elif field and field["name"] == b"file":
            filename = _FILENAME.search(head)
            name, content = (filename["name"].decode(errors="replace") if filename else ""), value
    return Upload(purpose, name, content)


def name_file(upload: Upload, place: int) -> str:
    """The id of the file that was the *place*-th to be uploaded."""
    return f"file-fe-{draw(10**16, upload.name, place):016d}"


def read_text(file: RemoteFile) -> str:
    """What the model sees of *file*: its text, or the plain strings that an uncompressed PDF shows."""
    if file.content.startswith(b"%PDF"):
        return "\n".join(found.decode("latin-1") for found in _PDF_STRING.findall(file.content))
    return file.content.decode(errors="replace")


def render_file(file: RemoteFile) -> Mapping[str, Any]:
    return {
        "id": file.id,
        "object": "file",
        "bytes": len(file.content),
        "created_at": _CREATED,
        "filename": file.name,
        "purpose": PURPOSE,
        "status": file.status,
        "status_details": None,
    }


def render_list(files: Sequence[RemoteFile]) -> Mapping[str, Any]:
    return {"object": "list", "has_more": False, "data": [render_file(file) for file in files]}


def render_deletion(file: RemoteFile) -> Mapping[str, Any]:
    return {"object": "file", "deleted": True, "id": file.id}
