"""Names of files: nothing in them misleads or breaks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.files.names import safe_name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Rechnung.pdf", "Rechnung.pdf"),
        ("Größe (2).PDF", "Größe (2).PDF"),
        ("Gro\u0308ße.pdf", "Größe.pdf"),
        ("日本.png", "日本.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\note.pdf", "note.pdf"),
        ("/etc/", "file"),
        ("a\0b.pdf", "ab.pdf"),
        ("a\r\nSet-Cookie: x.pdf", "a Set-Cookie_ x.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("\u200b\ufeffa\u2066b.pdf", "ab.pdf"),
        ("a\u2003\u00a0 b.pdf", "a b.pdf"),
        ('a<b>:"|?*.pdf', "a_b______.pdf"),
        (" .a.pdf . ", "a.pdf"),
        (".pdf", "pdf"),
        ("...", "file"),
        ("", "file"),
        ("a .pdf", "a.pdf"),
        ("CON.pdf", "_CON.pdf"),
        ("nul", "_nul"),
        ("com1.x.pdf", "_com1.x.pdf"),
        ("console.pdf", "console.pdf"),
        ("a.tar.gz", "a.tar.gz"),
        ("Ende. Und so weiter", "Ende. Und so weiter"),
    ],
)
def test_a_name_becomes_safe(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@pytest.mark.parametrize("letter", ["a", "ä", "日", "😀"])
def test_a_long_name_keeps_its_extension(letter: str) -> None:
    safe = safe_name(f"{letter * 500}.docx")
    assert safe.startswith(letter)
    assert safe.endswith(f"{letter}.docx")
    assert 195 < len(safe.encode()) <= 200


@given(st.text())
def test_any_name_becomes_one_that_is_safe_already(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert safe.isprintable()
    assert not set(safe) & set('/\\<>:"|?*')
    assert len(safe.encode()) <= 201
    assert safe_name(safe) == safe
