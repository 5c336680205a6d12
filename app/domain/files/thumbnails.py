"""Small pictures of images and of the first page of a PDF."""

from io import BytesIO
from typing import TYPE_CHECKING

from app.domain.files.checks import CheckedFile
from app.domain.files.kinds import KINDS, Family

if TYPE_CHECKING:
    from PIL import Image

LONGEST_SIDE = 256
MOST_THUMBNAIL_BYTES = 20_000
THUMBNAIL_TYPE = "image/webp"

_ATTEMPTS = ((LONGEST_SIDE, 75), (LONGEST_SIDE, 40), (LONGEST_SIDE, 10), (96, 10))
"""Sizes and qualities, from what is seen best to what is small whatever it shows."""


def thumbnail(content: bytes, checked: CheckedFile) -> bytes | None:
    """A WebP picture of at most 256 pixels each way and 20 kB, or none of other documents.

    It is drawn anew, so that nothing of the file comes along that can't be seen: no place where a
    photograph was taken, no comments.
    """
    from PIL import Image

    family = KINDS[checked.extension].family
    if family is Family.IMAGE:
        picture = _of_image(content, checked)
    elif family is Family.PDF:
        picture = _of_page(content)
    else:
        return None
    clean = Image.new("RGBA" if picture.mode == "RGBA" else "RGB", picture.size)
    clean.paste(picture)
    for side, quality in _ATTEMPTS:
        clean.thumbnail((side, side))
        written = BytesIO()
        clean.save(written, "WEBP", quality=quality)
        if written.tell() <= MOST_THUMBNAIL_BYTES:
            return written.getvalue()
    return None


def _of_image(content: bytes, checked: CheckedFile) -> "Image.Image":
    from PIL import ImageOps

    from app.domain.files.images import open_image

    with open_image(content, KINDS[checked.extension]) as image:
        # JPEGs can be decoded small, which is faster and tells the same.
        image.draft(None, (LONGEST_SIDE, LONGEST_SIDE))
        picture: Image.Image = image
        if picture.mode.startswith("I"):
            # These have 16 bits of grey, of which the upper eight are shown.
            picture = picture.convert("I").point(lambda value: value / 256).convert("L")
        small = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
        small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        return ImageOps.exif_transpose(small)


def _of_page(content: bytes) -> "Image.Image":
    import pypdfium2

    with pypdfium2.PdfDocument(content) as document:
        page = document[0]
        scale = LONGEST_SIDE / max(page.get_size())
        picture: Image.Image = page.render(scale=scale, may_draw_forms=False).to_pil()
        picture = picture.convert("RGB")
        picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        return picture
