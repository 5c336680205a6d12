"""Files that are what their names say: written by Pillow and pikepdf, by hand, and the samples."""

import gzip
import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pikepdf
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from tests.files.zips import OFFICE, packed, relations, types, unpacked, with_entries, word

SAMPLES = Path(__file__).parent / "samples"
ZIP_KINDS = ("docx", "xlsx", "pptx", "odt", "ods", "odp")


@cache
def sample(name: str) -> bytes:
    """A sample's content."""
    packed_path = SAMPLES / f"{name}.gz"
    if packed_path.exists():
        return gzip.decompress(packed_path.read_bytes())
    return (SAMPLES / name).read_bytes()


def picture(mode: str = "RGB", size: tuple[int, int] = (96, 64)) -> Image.Image:
    """A picture with something in it."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((8, 8, 40, 40), fill="red")
    draw.ellipse((48, 8, 88, 56), fill="blue")
    return image.convert("L").convert(mode) if mode.startswith("I") else image.convert(mode)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """What Pillow writes."""
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def exif(orientation: int = 6) -> Image.Exif:
    """What a phone notes: how to turn the picture, and where it was taken."""
    noted = Image.Exif()
    noted[0x0112] = orientation
    noted[0x010F] = "Camera"
    noted.get_ifd(0x8825)[1] = "N"
    noted.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    return noted


def _images() -> Iterator[tuple[str, bytes]]:
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        yield f"{mode[0]}{len(mode)}.png", saved(picture(mode), "PNG")
    for mode in ("L", "RGB", "CMYK"):
        yield f"{mode}.jpg", saved(picture(mode), "JPEG")
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        yield f"{mode}.gif", saved(picture(mode), "GIF")
        yield f"{mode}.bmp", saved(picture(mode), "BMP")
    for mode in ("1", "L", "P", "RGB", "RGBA", "CMYK", "I;16"):
        yield f"{mode[0]}{len(mode)}.tif", saved(picture(mode), "TIFF")
    for mode in ("RGB", "RGBA"):
        yield f"{mode}.webp", saved(picture(mode), "WEBP")
        yield f"lossless {mode}.webp", saved(picture(mode), "WEBP", lossless=True)
        yield f"{mode}.avif", saved(picture(mode), "AVIF")
    for compression in ("tiff_deflate", "tiff_lzw", "packbits", "jpeg"):
        yield f"{compression}.tiff", saved(picture(), "TIFF", compression=compression)
    yield "fax.tif", saved(picture("1"), "TIFF", compression="group4")


def _special_images() -> Iterator[tuple[str, bytes]]:
    image = picture()
    several = {"save_all": True, "append_images": [picture().rotate(90), picture().rotate(45)]}
    notes = PngInfo()
    notes.add_text("Title", "Straße")
    notes.add_itxt("Comment", "日本", zip=True)
    yield "notes.png", saved(image, "PNG", pnginfo=notes, exif=exif(), dpi=(300, 300))
    yield "tiny.png", saved(Image.new("RGB", (1, 1)), "PNG")
    for kind in ("PNG", "GIF", "WEBP", "TIFF", "AVIF"):
        yield f"several.{kind.lower()}", saved(image, kind, **several)
    yield "several.jpg", saved(image, "MPO", **several)
    yield "photo.JPG", saved(image, "JPEG", exif=exif(), comment="Ferien", quality=40)
    yield "progressive.jpeg", saved(image, "JPEG", progressive=True, optimize=True)
    yield "restarting.jpe", saved(image, "JPEG", restart_marker_blocks=1)
    yield "filled up.jpg", saved(image, "JPEG") + bytes(100)
    yield "noted.gif", saved(image, "GIF", comment=b"Ferien", transparency=0)
    yield "photo.webp", saved(image, "WEBP", exif=exif())
    yield "photo.avif", saved(image, "AVIF", exif=exif())
    yield "photo.tif", saved(image, "TIFF", exif=exif())
    yield "Motorola.tif", saved(image, "TIFF", big_tiff=False, tiffinfo={270: "Größe"})
    for name in ("pillow-heif.heic", "turned.heic", "two.heic"):
        yield name, sample(name)
    yield "high.HEIF", sample("pillow-heif.heic")


def pdf(pages: int = 1, **options: Any) -> bytes:
    """An empty document."""
    document = pikepdf.new()
    for _ in range(pages):
        document.add_blank_page()
    return written(document, **options)


def written(document: pikepdf.Pdf, **options: Any) -> bytes:
    """What pikepdf writes."""
    target = io.BytesIO()
    document.save(target, **options)
    return target.getvalue()


def invoice() -> bytes:
    """A document with the XML that electronic invoices carry."""
    document = pikepdf.new()
    document.add_blank_page()
    document.attachments["factur-x.xml"] = b"<?xml version='1.0'?><CrossIndustryInvoice/>"
    return written(document)


def told() -> bytes:
    """A document whose title has the words of an action in it."""
    document = pikepdf.new()
    document.add_blank_page()
    document.docinfo["/Title"] = "How to write /JavaScript (/JS) for /Launch"
    return written(document)


def _pdfs() -> Iterator[tuple[str, bytes]]:
    yield "blank.pdf", pdf()
    yield "long.PDF", pdf(300)
    yield "packed.pdf", pdf(3, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    yield "for the web.pdf", pdf(3, linearize=True)
    yield "old.pdf", pdf(force_version="1.3")
    yield "new.pdf", pdf(force_version="2.0")
    locked = pikepdf.Encryption(owner="owner", user="", allow=pikepdf.Permissions(extract=False))
    yield "not to be changed.pdf", pdf(encryption=locked)
    yield "invoice.pdf", invoice()
    yield "title.pdf", told()
    yield "end.pdf", pdf() + b"\r\n\r\n"
    yield "scan.pdf", saved(picture(), "PDF")
    for name in ("letter.pdf", "table.pdf", "talk.pdf", "reportlab.pdf"):
        yield name, sample(name)


def _documents() -> Iterator[tuple[str, bytes]]:
    for path in sorted(SAMPLES.iterdir()):
        name = path.name.removesuffix(".gz")
        if name.endswith((*ZIP_KINDS, "doc", "xls", "ppt")):
            yield name, sample(name)
    for name in ("letter.docx", "table.xlsx", "talk.pptx", "letter.odt"):
        plain = packed(unpacked(sample(name)), stored=True)
        yield f"stored {name}", plain
    for name in ("letter.docx", "table.xlsx", "talk.pptx"):
        yield f"streamed {name}", packed(unpacked(sample(name)), streamed=True)
    yield "least.docx", packed(word())
    image = {"word/media/image1.png": saved(picture(), "PNG")}
    yield "illustrated.docx", with_entries(sample("letter.docx"), image)
    table = {"word/embeddings/table.xlsx": sample("table.xlsx")}
    yield "with a table.docx", with_entries(sample("letter.docx"), table)
    link = relations(("r1", f"{OFFICE}/hyperlink", "https://www.example.org/"), external=True)
    yield "linked.docx", packed({**word(), "word/_rels/document.xml.rels": link})
    template = relations(
        ("r1", f"{OFFICE}/attachedTemplate", "file:///C:\\Templates\\Letter.dotx"), external=True
    )
    yield "from a template.docx", packed({**word(), "word/_rels/settings.xml.rels": template})
    default = types().replace(
        "<Override", '<Default Extension="png" ContentType="image/png"/><Override'
    )
    yield "typed.docx", packed(word(types=default))
    drawn: dict[str, bytes | str] = {
        "Pictures/1.png": saved(picture(), "PNG"),
        "Object 1/content.xml": "<x/>",
    }
    yield "illustrated.odt", with_entries(sample("letter.odt"), drawn)
    yield "Brief (Kopie).ODT", sample("letter.odt")


@cache
def genuine() -> dict[str, bytes]:
    """All of them by their names."""
    files: dict[str, bytes] = {}
    for source in (_images(), _special_images(), _pdfs(), _documents()):
        for name, content in source:
            assert name not in files, name
            files[name] = content
    return files
