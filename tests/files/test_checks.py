"""Genuine files pass and disguised ones don't, hundreds of both; and the exact limits."""

import hashlib
import re

import pikepdf
import pytest

from app.domain.files.checks import check
from app.domain.files.kinds import KINDS
from app.domain.files.refusals import FileCode, FileRefused
from tests.files.disguised import FIRST, disguised, first
from tests.files.genuine import genuine, pdf, sample, written

HAS_SOMETHING_ACTIVE = re.compile(
    r"ole (?!no |wrong)|pdfs (?!no |only|a page|archive|deep|program|title)|archives encrypted|"
    r"bombs (long|large|frames|zeros)|odf (Basic|a script|a dialog|an object|encrypted|listening)|"
    r"ooxml (control|macro|renamed macros|a control|an object|a program|a script|a page|an archive|"
    r"a template inside|documents|attachedTemplate|oleObject|frame|subDocument)"
)
"""Disguised files that are what their names say, but of a sort that may not be kept."""


def refusal(content: bytes, name: str) -> FileCode | None:
    try:
        check(content, name)
    except FileRefused as refused:
        return refused.code
    return None


def test_every_genuine_file_is_accepted() -> None:
    files = genuine()
    assert {name.rpartition(".")[2].lower() for name in files} >= set(KINDS)
    assert len(files) >= 100
    refused = {name: code for name in files if (code := refusal(files[name], name)) is not None}
    assert refused == {}


def test_every_disguised_file_is_refused_for_what_it_is() -> None:
    files = disguised()
    assert len(files) >= 800
    wrong = {}
    for name, content in files.items():
        expected = FileCode.FILE_DISGUISED
        if HAS_SOMETHING_ACTIVE.match(name):
            expected = FileCode.FILE_TYPE_NOT_ALLOWED
        if (code := refusal(content, name)) is not expected:
            wrong[name] = code
    assert wrong == {}


@pytest.mark.parametrize("extension", KINDS)
def test_what_is_known_of_a_file(extension: str) -> None:
    content = first(extension)
    checked = check(content, FIRST[extension].upper())
    assert checked.extension == extension
    assert checked.content_type == KINDS[extension].content_type
    assert checked.size_bytes == len(content)
    assert checked.sha256 == hashlib.sha256(content).hexdigest()
    is_image = checked.content_type.startswith("image/")
    assert (checked.width, checked.height) == ((96, 64) if is_image else (None, None))
    assert checked.pages == (1 if is_image or extension == "pdf" else None)


def test_pages_and_pictures_are_counted() -> None:
    assert check(pdf(7), "a.pdf").pages == 7
    assert check(genuine()["several.gif"], "a.gif").pages == 3
    assert check(sample("two.heic"), "a.heic").pages == 2


OTHERS = ["a.exe", "a.svg", "a.svgz", "a.html", "a.zip", "a.docm", "a.xlsb", "a.rtf", "a.txt"]
MISLEADING = ["pdf", ".pdf", "a.", "", "a.pdf.exe", "a.pdf\0.exe", "a.pdf/x", "a\u202efdp.exe"]


@pytest.mark.parametrize("name", OTHERS + MISLEADING)
def test_other_kinds_of_files_are_not_allowed(name: str) -> None:
    assert refusal(pdf(), name) is FileCode.FILE_TYPE_NOT_ALLOWED


@pytest.mark.parametrize(
    "name", ["a.PDF", "a.exe.pdf", "a.pdf ", "a.pdf.", "x/a.pdf", "\u202ea.pdf"]
)
def test_the_last_extension_counts_as_it_will_be_kept(name: str) -> None:
    assert refusal(pdf(), name) is None


@pytest.mark.parametrize("name", ["a.pdf", "a.exe"])
def test_an_empty_file_is_refused(name: str) -> None:
    assert refusal(b"", name) is FileCode.FILE_EMPTY


def document_of(size: int) -> bytes:
    """A PDF of exactly so many bytes."""

    def with_stream(length: int) -> bytes:
        document = pikepdf.new()
        document.add_blank_page()
        document.Root.Filling = document.make_stream(b"x" * length)
        return written(document, compress_streams=False)

    beside = len(with_stream(size - 10_000)) - (size - 10_000)
    return with_stream(size - beside)


@pytest.mark.parametrize("extension", ["jpg", "png", "pdf"])
def test_the_exact_limit(extension: str) -> None:
    for size, expected in ((800_000, None), (800_001, FileCode.FILE_TOO_LARGE)):
        content = first(extension).ljust(size, b"\0") if extension != "pdf" else document_of(size)
        assert len(content) == size
        assert refusal(content, f"a.{extension}") is expected


def test_refusals_say_nothing_of_the_file() -> None:
    with pytest.raises(FileRefused) as raised:
        check(b"secret", "Müller.pdf")
    assert "Müller" not in raised.value.message
    assert "secret" not in raised.value.message
    assert raised.value.__cause__ is None
