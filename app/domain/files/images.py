"""Images: decoded whole, within bounds on their pixels."""

from io import BytesIO
from typing import NamedTuple

from PIL import Image, ImageSequence

from app.domain.files.endings import refuse_trailing
from app.domain.files.hidden import refuse_in_image
from app.domain.files.kinds import Kind
from app.domain.files.refusals import disguised, not_allowed

MOST_PIXELS = 40_000_000
"""In one picture: a photograph of 7,300 by 5,500 pixels, or 160 MB of memory."""

MOST_PIXELS_OF_ALL = 200_000_000
"""In all pictures of an animation or of a scan of many pages."""

MOST_PICTURES = 500
LONGEST_SIDE = 30_000

_FORMATS = {
    "png": "PNG",
    "jpg": "JPEG",
    "gif": "GIF",
    "webp": "WEBP",
    "avif": "AVIF",
    "heic": "HEIF",
    "tif": "TIFF",
    "bmp": "BMP",
}


class Pictures(NamedTuple):
    """The size of an image's first picture, and how many pictures there are."""

    width: int
    height: int
    pictures: int


def open_image(content: bytes, kind: Kind) -> Image.Image:
    """Read an image's header, as one of this kind and of no other; nothing is decoded yet."""
    if kind.extension == "heic":
        import pi_heif

        pi_heif.register_heif_opener(thumbnails=False)
    return Image.open(BytesIO(content), formats=[_FORMATS[kind.extension]])


def check_image(content: bytes, kind: Kind) -> Pictures:
    """Check that an image is whole, is one of its kind, and is nothing else.

    Raises:
        FileRefused: when it is not. What Pillow raises means the same.
    """
    with open_image(content, kind) as image:
        refuse_trailing(content, kind.extension)
        refuse_in_image(content)
        width, height = image.size
        count = getattr(image, "n_frames", 1)
        if count > MOST_PICTURES:
            raise not_allowed("Images of so many pictures")
        _load_all(image)
    return Pictures(width, height, count)


def _load_all(image: Image.Image) -> None:
    total = 0
    for picture in ImageSequence.Iterator(image):
        width, height = picture.size
        total += width * height
        if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
            raise not_allowed("Images of so many pixels")
        if total > MOST_PIXELS_OF_ALL:
            raise not_allowed("Images of so many pixels")
        picture.load()
    if total == 0:
        raise disguised("it has no pixels")
