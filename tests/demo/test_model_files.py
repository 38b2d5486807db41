"""What comes as a file is read from its form as servers read it, and told of as DashScope tells of files."""

from __future__ import annotations

import pytest

from demo.model_files import (
    RemoteFile,
    Upload,
    name_file,
    parse_upload,
    read_text,
    render_deletion,
    render_file,
    render_list,
)

BOUNDARY = "x7e-3"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
PURPOSE_FIELD = ('name="purpose"', b"file-extract")
FILE_FIELD = ('name="file"; filename="paper.txt"', b"Title: Filed")


def form(*fields: tuple[str, bytes]) -> bytes:
    """A body with *fields*, each what stands after `form-data; ` and its value."""
    parts = [
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {about}\r\n\r\n".encode() + value + b"\r\n"
        for about, value in fields
    ]
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


GOOD = form(PURPOSE_FIELD, FILE_FIELD)


def file(content: bytes = b"", **changes: int) -> RemoteFile:
    return RemoteFile("file-fe-1", "paper.txt", content, **changes)


@pytest.mark.parametrize("fields", [(PURPOSE_FIELD, FILE_FIELD), (FILE_FIELD, PURPOSE_FIELD)], ids=["first", "last"])
def test_an_upload_is_a_purpose_and_a_file_in_any_order(fields: tuple[tuple[str, bytes], ...]) -> None:
    assert parse_upload(CONTENT_TYPE, form(*fields)) == Upload("file-extract", "paper.txt", b"Title: Filed")


@pytest.mark.parametrize(
    "content_type",
    [
        f'multipart/form-data; boundary="{BOUNDARY}"',
        f"multipart/form-data; boundary={BOUNDARY}; charset=utf-8",
        f"multipart/form-data; charset=utf-8; boundary={BOUNDARY}",
    ],
)
def test_the_boundary_is_found_however_it_is_written(content_type: str) -> None:
    assert parse_upload(content_type, GOOD).content == b"Title: Filed"


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=y",
    ],
)
def test_without_the_right_boundary_there_are_no_fields(content_type: str) -> None:
    assert parse_upload(content_type, GOOD) == Upload("", "", None)


@pytest.mark.parametrize(
    ("fields", "upload"),
    [
        ((), Upload("", "", None)),
        ((PURPOSE_FIELD,), Upload("file-extract", "", None)),
        ((FILE_FIELD,), Upload("", "paper.txt", b"Title: Filed")),
        ((PURPOSE_FIELD, ('name="files"; filename="paper.txt"', b"a")), Upload("file-extract", "", None)),
        (((" ", b"a"), FILE_FIELD), Upload("", "paper.txt", b"Title: Filed")),
    ],
    ids=["nothing", "no file", "no purpose", "another field", "a field without a name"],
)
def test_a_field_that_is_not_there_is_empty(fields: tuple[tuple[str, bytes], ...], upload: Upload) -> None:
    assert parse_upload(CONTENT_TYPE, form(*fields)) == upload


def test_of_two_files_the_last_one_counts() -> None:
    body = form(PURPOSE_FIELD, FILE_FIELD, ('name="file"; filename="other.txt"', b"Title: Other"))
    assert parse_upload(CONTENT_TYPE, body) == Upload("file-extract", "other.txt", b"Title: Other")


@pytest.mark.parametrize(
    ("about", "name"),
    [
        ('name="file"; filename="Übergröße 论文.pdf"', "Übergröße 论文.pdf"),
        ('filename="paper.txt"; name="file"', "paper.txt"),
        ('name="file"; filename="../a; b=c.txt"', "../a; b=c.txt"),
        ('name="file"; filename=""', ""),
        ('name="file"', ""),
    ],
    ids=["beyond ASCII", "before the field's", "signs", "empty", "none"],
)
def test_a_file_may_have_any_name(about: str, name: str) -> None:
    assert parse_upload(CONTENT_TYPE, form((about, b"a"))) == Upload("", name, b"a")


@pytest.mark.parametrize(
    "content",
    [b"", b"\r\n", b"\r\n\r\n", b"a\r\n\r\nb\r\n", b"--", bytes(range(256))],
    ids=["empty", "line", "lines", "paragraphs", "hyphens", "bytes"],
)
def test_a_file_keeps_every_byte(content: bytes) -> None:
    assert parse_upload(CONTENT_TYPE, form((FILE_FIELD[0], content), PURPOSE_FIELD)).content == content


def test_a_file_whose_end_did_not_arrive_does_not_count() -> None:
    arrived = len(GOOD) - len(f"--{BOUNDARY}--\r\n")
    uploads = [parse_upload(CONTENT_TYPE, GOOD[:end]) for end in range(arrived + 1)]
    assert {(upload.name, upload.content) for upload in uploads} == {("", None)}


def test_what_is_not_text_is_replaced_in_the_fields() -> None:
    body = form(('name="purpose"', b"a\xff"), FILE_FIELD).replace(b"paper.txt", b"paper\xff")
    assert parse_upload(CONTENT_TYPE, body) == Upload("a\ufffd", "paper\ufffd", b"Title: Filed")


def test_ids_differ_by_name_and_place_and_stay_the_same() -> None:
    one, other = Upload("file-extract", "a.txt", b"a"), Upload("file-extract", "b.txt", b"a")
    ids = [name_file(one, 1), name_file(one, 2), name_file(other, 1)]
    assert len(set(ids)) == 3
    assert all(id_.startswith("file-fe-") and len(id_) == 24 for id_ in ids)
    assert name_file(one, 1) == ids[0]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Title: Größe".encode(), "Title: Größe"),
        (b"a\xff", "a\ufffd"),
        (b"%PDF-1.4\nBT (One) Tj (Two \\(2\\)) Tj ET", "One\nTwo \\(2\\)"),
        (b"%PDF-1.7\n\x80\x81", ""),
        (b"", ""),
    ],
    ids=["text", "no text", "plain PDF", "compressed PDF", "empty"],
)
def test_the_text_of_a_file_is_what_can_be_read_without_a_parser(content: bytes, text: str) -> None:
    assert read_text(file(content)) == text


@pytest.mark.parametrize(("looks_left", "status"), [(0, "processed"), (1, "processing")])
def test_a_file_is_told_of_with_its_size_and_status(looks_left: int, status: str) -> None:
    told = render_file(file(b"abc", looks_left=looks_left))
    assert (told["id"], told["filename"], told["bytes"], told["status"]) == ("file-fe-1", "paper.txt", 3, status)


def test_a_list_holds_every_file_in_order() -> None:
    files = [file(b"a"), file(b"bc")]
    assert [one["bytes"] for one in render_list(files)["data"]] == [1, 2]
    assert render_list([])["data"] == []


def test_a_deletion_names_the_file() -> None:
    assert render_deletion(file()) == {"object": "file", "deleted": True, "id": "file-fe-1"}
