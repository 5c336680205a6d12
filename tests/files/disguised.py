"""Files that are not what their names say, are something else besides, or hold a program."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, String
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.files.genuine import ZIP_KINDS, genuine, pdf, picture, sample, saved, written
from tests.files.zips import OFFICE, packed, relations, types, unpacked, with_entries, word

Disguised = Iterator[tuple[str, bytes]]

PROGRAM = (
    b"MZ\x90\0" + bytes(60) + b"\x0e\x1f This program cannot be run in DOS mode.\r\n" + bytes(99)
)
SCRIPT = b"<html><script>alert(document.cookie)</script></html>"
PHAR = b"<?php echo 1; __HALT_COMPILER(); ?>"
ARCHIVE = packed({"a.txt": "text"})

PLAIN = {
    "program": PROGRAM,
    "ELF": b"\x7fELF\x02\x01\x01" + bytes(200),
    "shell": b"#!/bin/sh\nrm -rf ~\n",
    "page": SCRIPT,
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "PHP": PHAR,
    "archive": ARCHIVE,
    "RTF": b"{\\rtf1\\ansi{\\object\\objdata 0105}}",
    "text": b"Guten Tag\n" * 100,
    "XML": b'<?xml version="1.0"?><a/>',
    "zeros": bytes(1_000),
    "one byte": b"\0",
}

FIRST = {
    "pdf": "blank.pdf",
    "png": "R3.png",
    "jpg": "RGB.jpg",
    "gif": "RGB.gif",
    "webp": "RGB.webp",
    "avif": "RGB.avif",
    "heic": "pillow-heif.heic",
    "tif": "R3.tif",
    "bmp": "RGB.bmp",
    "docx": "letter.docx",
    "xlsx": "table.xlsx",
    "pptx": "talk.pptx",
    "odt": "letter.odt",
    "ods": "table.ods",
    "odp": "talk.odp",
    "doc": "letter.doc",
    "xls": "table.xls",
    "ppt": "talk.ppt",
}
"""One genuine file of each kind."""


def first(extension: str) -> bytes:
    """A genuine file of a kind."""
    return genuine()[FIRST[extension]]


def _renamed() -> Disguised:
    for extension in FIRST:
        for what, content in PLAIN.items():
            yield f"{what} as.{extension}", content
        for other in FIRST:
            if other != extension:
                yield f"{other} as.{extension}", first(other)


def _changed() -> Disguised:
    for extension in FIRST:
        content = first(extension)
        yield f"half a.{extension}", content[: len(content) // 2]
        yield f"most of a.{extension}", content[:-20].rstrip(b"\0")
        yield f"followed by an archive.{extension}", content + ARCHIVE
        yield f"followed by a program.{extension}", content + PROGRAM
        yield f"followed by a page.{extension}", content + SCRIPT
        yield f"followed by a text.{extension}", content + b"Guten Tag"
        yield f"after a page.{extension}", SCRIPT + content
        yield f"after a line.{extension}", b"\n" + content


def _images() -> Disguised:
    image = picture()
    for what, payload in {"page": SCRIPT, "PHAR": PHAR, "PDF": pdf(), "program": PROGRAM}.items():
        yield f"{what} in a comment.jpg", saved(image, "JPEG", comment=payload)
        yield f"{what} in a comment.gif", saved(image, "GIF", comment=payload[:250])
        notes = PngInfo()
        notes.add_text("Comment", payload.decode("latin-1"))
        yield f"{what} in a text.png", saved(image, "PNG", pnginfo=notes)
        yield (
            f"{what} in a description.tif",
            saved(image, "TIFF", description=payload.decode("latin-1")),
        )
        yield f"{what} in the EXIF.webp", saved(image, "WEBP", xmp=payload)
    yield "archive in a comment.jpg", saved(image, "JPEG", comment=ARCHIVE)
    tiff = saved(image, "TIFF")
    yield "archive at the end.tif", tiff + ARCHIVE
    bitmap = bytearray(saved(image, "BMP"))
    bitmap += ARCHIVE
    bitmap[2:6] = struct.pack("<I", len(bitmap))
    yield "archive in its size.bmp", bytes(bitmap)
    webp = bytearray(saved(image, "WEBP"))
    webp += b"ZIPP" + struct.pack("<I", len(ARCHIVE)) + ARCHIVE
    webp[4:8] = struct.pack("<I", len(webp) - 8)
    yield "archive in a chunk.webp", bytes(webp)
    avif = saved(image, "AVIF")
    yield "archive in a box.avif", avif + struct.pack(">I", 8 + len(ARCHIVE)) + b"free" + ARCHIVE
    tape = bytearray(saved(image, "BMP"))
    tape[257:262] = b"ustar"
    yield "tape.bmp", bytes(tape)
    png = saved(image, "PNG")
    yield "wrong check sum.png", png[:60] + bytes([png[60] ^ 1]) + png[61:]
    yield "no pixels.gif", b"GIF89a\x01\0\x01\0\0\0\0;"
    yield "script.gif", b"GIF89a/*" + saved(image, "GIF")[8:-1] + b"*/=1;alert(1);//;"


def _header(width: int, height: int) -> bytes:
    """A PNG that says that it is so large, of which there is hardly a pixel."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    start = chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + start
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )


def _bombs() -> Disguised:
    yield "huge.png", _header(30_000, 30_000)
    yield "endless.png", _header(2**31 - 1, 2**31 - 1)
    yield "long.png", saved(Image.new("1", (40_000, 1)), "PNG")
    yield "large.png", saved(Image.new("1", (8_000, 8_000)), "PNG")
    yield "large.gif", saved(Image.new("P", (8_000, 8_000)), "GIF")
    yield "large.jpg", saved(Image.new("L", (8_000, 8_000)), "JPEG", quality=10)
    yield "large.tif", saved(Image.new("1", (8_000, 8_000)), "TIFF", compression="group4")
    page = Image.new("1", (6_000, 6_000))
    pages = {"compression": "group4", "save_all": True, "append_images": [page] * 5}
    yield "large pages.tif", saved(page, "TIFF", **pages)
    gif = bytearray(saved(picture("P"), "GIF"))
    gif[6:10] = struct.pack("<2H", 65_535, 65_535)
    yield "huge.gif", bytes(gif)
    bitmap = bytearray(saved(picture(), "BMP"))
    bitmap[18:26] = struct.pack("<2i", 60_000, 60_000)
    yield "huge.bmp", bytes(bitmap)
    frames = [Image.new("P", (16, 16), number % 2) for number in range(600)]
    for number, frame in enumerate(frames):
        frame.putpixel((number % 16, number // 16 % 16), 7)
    yield "frames.gif", saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    yield "zeros.docx", packed({**word(), "word/media/a.bmp": bytes(50_000_000)})
    many = {f"word/media/{number}.png": b"" for number in range(2_500)}
    yield "entries.docx", packed({**word(), **many})
    laughs = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'
    yield "laughs.docx", packed(word(document=laughs))
    entity = f'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>{types()}'
    yield "entity.docx", packed(word(types=entity))
    yield "deep.docx", packed(word(document="<a>" * 5_000 + "</a>" * 5_000))
    yield "laughs.odt", with_entries(sample("letter.odt"), {"settings.xml": laughs})


def _macro_types() -> Disguised:
    macro = "application/vnd.ms-word.document.macroEnabled.main+xml"
    yield "macros by type.docx", packed(word(types=types(macro)))
    yield (
        "a template.docx",
        packed(
            word(
                types=types(
                    "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml"
                )
            )
        ),
    )
    project = '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>'
    yield "macros by default.docx", packed(word(types=types(more=project)))
    sheet = '<Override PartName="/xl/m.xml" ContentType="application/vnd.ms-excel.macrosheet+xml"/>'
    yield "macro sheet.docx", packed(word(types=types(more=sheet)))


OOXML_PARTS = {
    "macros": "word/vbaProject.bin",
    "renamed macros": "word/vbaData.xml",
    "a control": "word/activeX/activeX1.xml",
    "an object": "word/embeddings/oleObject1.bin",
    "a program": "word/media/setup.exe",
    "a script": "word/media/run.js",
    "a page": "word/page.html",
    "a Java class": "META-INF/MANIFEST.MF",
    "a foreign folder": "evil/part.xml",
    "a Mac's folder": "__MACOSX/._a.xml",
    "a template inside": "word/embeddings/a.dotm",
    "a way up": "word/../../evil.xml",
    "an absolute path": "/evil.xml",
    "a Windows path": "word\\evil.xml",
    "no name": "word//a.xml",
    "an archive": "word/media/a.zip",
    "XML that isn't": "word/other.xml",
}


def _ooxml() -> Disguised:
    yield from _macro_types()
    for what, name in OOXML_PARTS.items():
        well_formed = name.endswith(".xml") and "isn't" not in what
        yield f"{what}.docx", packed({**word(), name: b"<a/>" if well_formed else b"MZ"})
    twice = {"word/embeddings/a.docx": packed({**word(), "word/embeddings/b.docx": packed(word())})}
    yield "documents in documents.docx", packed({**word(), **twice})
    infected = packed({**word(), "word/vbaProject.bin": b"x"})
    yield "macros in a document.docx", packed({**word(), "word/embeddings/a.docx": infected})
    for kind in ("attachedTemplate", "oleObject", "frame", "subDocument"):
        for target in (
            "https://evil.example.org/a.dotm",
            "\\\\host\\share\\a.dotm",
            "file://host/a",
        ):
            loads = relations(("r1", f"{OFFICE}/{kind}", target), external=True)
            yield (
                f"{kind} at {target[:2].strip(chr(92))}.docx",
                packed({**word(), "word/_rels/a.xml.rels": loads}),
            )
    control = relations(("r1", f"{OFFICE}/control", "control.xml"))
    yield "control.docx", packed({**word(), "word/_rels/a.xml.rels": control})
    main = ("rId1", f"{OFFICE}/officeDocument", "word/document.xml")
    yield "no main part.docx", packed(word(root=relations()))
    yield "two main parts.docx", packed(word(root=relations(main, main)))
    missing = relations(("rId1", f"{OFFICE}/officeDocument", "word/other.xml"))
    yield "a missing main part.docx", packed(word(root=missing))
    yield "another root.docx", packed(word(document="<html/>"))
    yield "a broken part.docx", packed(word(document="<w:document>"))
    yield "no types.docx", packed({k: v for k, v in word().items() if "Types" not in k})
    yield "a binary table.xlsx", packed({**word(), "xl/workbook.bin": b"x"})
    for kind, other in (("docx", "xlsx"), ("xlsx", "pptx"), ("pptx", "docx")):
        mixed = {
            **unpacked(first(kind)),
            "[Content_Types].xml": unpacked(first(other))["[Content_Types].xml"],
        }
        yield f"types of {other}.{kind}", packed(mixed)


def _archives() -> Disguised:
    """Archives that different programs would read in different ways."""
    for extension in ZIP_KINDS:
        content = first(extension)
        yield f"comment.{extension}", _commented(content)
        yield f"encrypted.{extension}", _flagged(content)
        yield f"gap.{extension}", _with_gap(content)
        yield f"behind a program.{extension}", _behind(content, PROGRAM)
        yield f"another name inside.{extension}", _renamed_inside(content)
        yield f"damaged.{extension}", _damaged(content)
    double = io.BytesIO()
    with zipfile.ZipFile(double, "w") as archive:
        for name, part in word().items():
            archive.writestr(name, part)
        archive.writestr("word/Document.xml", "<a/>")
    yield "two of one name.docx", double.getvalue()
    yield "hidden in an entry.docx", _with_more_packed(PROGRAM)
    squeezed = io.BytesIO()
    with zipfile.ZipFile(squeezed, "w", zipfile.ZIP_LZMA) as archive:
        for name, part in word().items():
            archive.writestr(name, part)
    yield "LZMA.docx", squeezed.getvalue()


def _commented(content: bytes) -> bytes:
    return content[:-2] + struct.pack("<H", len(SCRIPT)) + SCRIPT


def _flagged(content: bytes) -> bytes:
    """Says that the first entry is encrypted."""
    changed = bytearray(content)
    changed[6] |= 1
    changed[content.find(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


def _with_gap(content: bytes) -> bytes:
    """Puts something between the entries and the directory."""
    at = content.find(b"PK\x01\x02")
    end = bytearray(content[-22:])
    end[16:20] = struct.pack("<I", at + len(PROGRAM))
    return content[:at] + PROGRAM + content[at:-22] + bytes(end)


def _behind(content: bytes, first: bytes) -> bytes:
    """Puts something before the entries, and tells so in the directory."""
    changed = bytearray(first + content)
    at = len(changed) - 22
    (start,) = struct.unpack_from("<I", changed, at + 16)
    struct.pack_into("<I", changed, at + 16, start + len(first))
    entry = start + len(first)
    while changed[entry : entry + 4] == b"PK\x01\x02":
        sizes = struct.unpack_from("<3H", changed, entry + 28)
        (offset,) = struct.unpack_from("<I", changed, entry + 42)
        struct.pack_into("<I", changed, entry + 42, offset + len(first))
        entry += 46 + sum(sizes)
    return bytes(changed)


def _with_more_packed(more: bytes) -> bytes:
    """An entry behind whose compressed content there is something more."""
    text = b"<a/>" * 100
    deflating = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    stored = deflating.compress(text) + deflating.flush() + more
    content = bytearray(packed({**word(), "word/media/a.png": stored}, stored=True))
    told = struct.pack("<I2I", zlib.crc32(text), len(stored), len(text))
    real = struct.pack("<I2I", zlib.crc32(stored), len(stored), len(stored))
    for mark, method, name in ((b"PK\x03\x04", 8, 30), (b"PK\x01\x02", 10, 46)):
        at = content.find(b"word/media/a.png", content.find(mark)) - name
        assert content[at : at + 4] == mark
        struct.pack_into("<H", content, at + method, zipfile.ZIP_DEFLATED)
        assert content[at + method + 6 : at + method + 18] == real
        content[at + method + 6 : at + method + 18] = told
    return bytes(content)


def _renamed_inside(content: bytes) -> bytes:
    changed = bytearray(content)
    second = content.find(b"PK\x03\x04", 4)
    changed[second + 30] ^= 1
    return bytes(changed)


def _damaged(content: bytes) -> bytes:
    """Another check sum in both places where it stands, for the first entry."""
    changed = bytearray(content)
    changed[content.find(b"PK\x01\x02") + 16] ^= 1
    return bytes(changed)


ODF_PARTS = {
    "Basic": "Basic/Standard/Module1.xml",
    "a script": "Scripts/python/run.py",
    "a dialog": "Dialogs/Standard/Dialog1.xml",
    "a foreign folder": "evil/a.xml",
    "a program": "setup.exe",
}


ENCRYPTED_ENTRY = (
    b'<manifest:file-entry manifest:full-path="a"><manifest:encryption-data/></manifest:file-entry>'
)
MANIFEST_ENTRIES = {
    "Basic in the manifest": (
        b'<manifest:file-entry manifest:full-path="Basic/a.xml" manifest:media-type="text/xml"/>'
    ),
    "an object in the manifest": (
        b'<manifest:file-entry manifest:full-path="Object 1" '
        b'manifest:media-type="application/vnd.sun.star.oleobject"/>'
    ),
}
LISTENER = (
    b"<office:scripts><office:event-listeners><script:event-listener "
    b'xmlns:script="urn:oasis:names:tc:opendocument:xmlns:script:1.0" '
    b'script:language="ooo:script"/></office:event-listeners></office:scripts>'
)


def _odf() -> Disguised:
    for extension in ("odt", "ods", "odp"):
        content = first(extension)
        parts = unpacked(content)
        plain = frozenset({"mimetype"})
        for what, name in ODF_PARTS.items():
            yield f"{what}.{extension}", with_entries(content, {name: b"<a/>"})
        rest = {name: part for name, part in parts.items() if name != "mimetype"}
        yield (
            f"type last.{extension}",
            packed({**rest, "mimetype": parts["mimetype"]}, stored=plain),
        )
        yield f"type packed.{extension}", packed(parts)
        yield f"no type.{extension}", packed(rest)
        yield (
            f"no manifest.{extension}",
            packed({k: v for k, v in parts.items() if "META" not in k}, stored=plain),
        )
        manifest = parts["META-INF/manifest.xml"]
        ending = b"</manifest:manifest>"
        secret = manifest.replace(ending, ENCRYPTED_ENTRY + ending)
        yield (
            f"encrypted part.{extension}",
            with_entries(content, {"META-INF/manifest.xml": secret}),
        )
        other = manifest.replace(parts["mimetype"], b"application/vnd.oasis.opendocument.graphics")
        yield (
            f"another manifest.{extension}",
            with_entries(content, {"META-INF/manifest.xml": other}),
        )
        for what, entry in MANIFEST_ENTRIES.items():
            more = manifest.replace(ending, entry + ending)
            yield f"{what}.{extension}", with_entries(content, {"META-INF/manifest.xml": more})
        mixed = unpacked(first("ods" if extension == "odt" else "odt"))["content.xml"]
        yield f"content of another.{extension}", with_entries(content, {"content.xml": mixed})
        body = b"<office:body>"
        listens = parts["content.xml"].replace(body, LISTENER + body)
        yield f"listening.{extension}", with_entries(content, {"content.xml": listens})
        empty = {"content.xml": b"<a/>"}
        yield f"no content.{extension}", with_entries(content, empty)


def renamed_stream(content: bytes, old: str, new: str) -> bytes:
    """Gives a stream of an old Office document another name."""
    at = content.find(old.encode("utf-16-le").ljust(64, b"\0"))
    assert at >= 0, old
    name = new.encode("utf-16-le")
    return (
        content[:at] + name.ljust(64, b"\0") + struct.pack("<H", len(name) + 2) + content[at + 66 :]
    )


def _ole() -> Disguised:
    for extension, stream in (
        ("doc", "WordDocument"),
        ("xls", "Workbook"),
        ("ppt", "PowerPoint Document"),
    ):
        content = first(extension)
        yield f"no document.{extension}", renamed_stream(content, stream, "Other")
        for name in ("Macros", "VBA", "_VBA_PROJECT_CUR", "EncryptedPackage", "\x01Ole10Native"):
            yield (
                f"{name.strip(chr(1))}.{extension}",
                renamed_stream(content, "\x05SummaryInformation", name),
            )
    word_document = sample("letter.doc").find(b"\xec\xa5")
    yield "encrypted.doc", _patched("letter.doc", word_document + 11, 0x01)
    yield "no text.doc", sample("letter.doc").replace(b"\xec\xa5", b"\0\0", 1)
    workbook = sample("table.xls").find(b"\x09\x08\x10\x00")
    yield "encrypted.xls", _overwritten("table.xls", workbook + 20, b"\x2f\0")
    yield "no beginning.xls", _overwritten("table.xls", workbook, b"\x08")
    sheet = sample("table.xls").find(b"\x85\x00")
    yield "Excel 4 macros.xls", _overwritten("table.xls", sheet + 4 + 5, b"\x01")
    yield "a module.xls", _overwritten("table.xls", sheet + 4 + 5, b"\x06")
    slides = sample("talk.ppt")
    yield (
        "macros.ppt",
        slides.replace(
            struct.pack("<HHI", 2, 0x0400, 12) + bytes(8),
            struct.pack("<HHI", 2, 0x0400, 12) + struct.pack("<2I", 1, 1),
        ),
    )
    document = slides.find(b"\x0f\0\xe8\x03")
    yield "no document inside.ppt", _overwritten("talk.ppt", document + 2, b"\xef\x03")
    yield "wrong lengths.ppt", _overwritten("talk.ppt", document + 4, b"\xff\xff\xff\x7f")
    token = slides.find(struct.pack("<I", 0xE391C05F))
    yield "encrypted.ppt", _overwritten("talk.ppt", token, struct.pack("<I", 0xF3D1C4DF))


def _patched(name: str, at: int, bits: int) -> bytes:
    return _overwritten(name, at, bytes([sample(name)[at] | bits]))


def _overwritten(name: str, at: int, content: bytes) -> bytes:
    assert at > 30, name
    whole = sample(name)
    return whole[:at] + content + whole[at + len(content) :]


def _active(change: Callable[[pikepdf.Pdf], None]) -> bytes:
    document = pikepdf.new()
    document.add_blank_page()
    change(document)
    return written(document)


def _action(**values: Any) -> Callable[[pikepdf.Pdf], None]:
    def change(document: pikepdf.Pdf) -> None:
        document.Root.OpenAction = Dictionary({f"/{key}": value for key, value in values.items()})

    return change


def _script_in_names(document: pikepdf.Pdf) -> None:
    action = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))
    document.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("a"), action])))


def _script_in_a_stream(document: pikepdf.Pdf) -> None:
    script = document.make_stream(b"app.alert(1)")
    document.pages[0].AA = Dictionary(O=Dictionary(S=Name.JavaScript, JS=script))


def _nested(document: pikepdf.Pdf) -> None:
    action = Dictionary(S=Name.URI, Next=Array([Array([Dictionary(S=Name.Launch)])]))
    document.pages[0].Annots = Array([document.make_indirect(Dictionary(A=action))])


def _attached(document: pikepdf.Pdf) -> None:
    document.attachments["setup.exe"] = PROGRAM


def _rich(document: pikepdf.Pdf) -> None:
    document.pages[0].Annots = Array([Dictionary(Type=Name.Annot, Subtype=Name.RichMedia)])


def _form(document: pikepdf.Pdf) -> None:
    document.Root.AcroForm = Dictionary(XFA=document.make_stream(b"<xdp/>"))


def _deep(document: pikepdf.Pdf) -> None:
    inner: Any = Dictionary(A=String("/JS"))
    for _ in range(60):
        inner = Array([inner])
    document.Root.Deep = inner


def _program(document: pikepdf.Pdf) -> None:
    document.Root.Title = String("This program cannot be run in DOS mode.")


def _page_in_title(document: pikepdf.Pdf) -> None:
    document.Root.Title = String("<script>alert(1)</script>")


def _no_page(document: pikepdf.Pdf) -> None:
    del document.pages[0]


def _pdfs() -> Disguised:
    changes = {
        "script": _action(S=Name.JavaScript, JS=String("app.alert(1)")),
        "start": _action(S=Name.Launch, F=String("cmd.exe")),
        "import": _action(S=Name.ImportData, F=String("a.fdf")),
        "names": _script_in_names,
        "stream": _script_in_a_stream,
        "nested": _nested,
        "attached": _attached,
        "rich": _rich,
        "form": _form,
        "deep": _deep,
        "program": _program,
        "title": _page_in_title,
        "no page": _no_page,
    }
    for name, change in changes.items():
        yield f"{name}.pdf", _active(change)
    hidden = _active(_action(S=Name("/JavaScriptXX")))
    yield "written otherwise.pdf", hidden.replace(b"/JavaScriptXX", b"/J#61vaScript")
    yield "locked.pdf", pdf(encryption=pikepdf.Encryption(owner="owner", user="user"))
    plain = pdf()
    yield "no table.pdf", plain.replace(b"startxref", b"startxxxx")
    yield "only a head.pdf", b"%PDF-1.7\n%%EOF\n"
    yield "a page.pdf", b"%PDF-1.7\n" + SCRIPT + plain[9:]
    commented = packed({"a.txt": "x"}, comment=b"\n%%EOF")
    yield "archive before its end.pdf", plain + commented


@cache
def disguised() -> dict[str, bytes]:
    """All of them by their names."""
    files: dict[str, bytes] = {}
    sources = (_renamed, _changed, _images, _bombs, _ooxml, _archives, _odf, _ole, _pdfs)
    for source in sources:
        for name, content in source():
            key = f"{source.__name__.strip('_')} {name}"
            assert key not in files, key
            files[key] = content
    return files
