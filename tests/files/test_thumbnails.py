"""Thumbnails: small, upright, and without what can't be seen."""

import io

import pytest
from PIL import Image

from app.domain.files.checks import check
from app.domain.files.thumbnails import LONGEST_SIDE, MOST_THUMBNAIL_BYTES, thumbnail
from tests.files.genuine import exif, genuine, pdf, picture, sample, saved


def drawn(content: bytes, name: str) -> Image.Image:
    made = thumbnail(content, check(content, name))
    assert made is not None
    assert len(made) <= MOST_THUMBNAIL_BYTES
    return Image.open(io.BytesIO(made), formats=["WEBP"])


def test_every_image_and_pdf_has_one_and_nothing_else_has() -> None:
    for name, content in genuine().items():
        checked = check(content, name)
        made = thumbnail(content, checked)
        assert (made is not None) is (checked.pages is not None), name
        if made is not None:
            assert len(made) <= MOST_THUMBNAIL_BYTES
            small = Image.open(io.BytesIO(made), formats=["WEBP"])
            assert max(small.size) <= LONGEST_SIDE, name
            assert not small.info.keys() & {"exif", "xmp", "icc_profile"}, name


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "TIFF", "PNG", "AVIF"])
def test_a_photo_stands_upright_and_says_nothing_of_its_place(kind: str) -> None:
    content = saved(picture(size=(600, 400)), kind, exif=exif(orientation=6))
    small = drawn(content, f"a.{kind.lower()}")
    assert small.size in {(170, 256), (171, 256)}
    assert dict(small.getexif()) == {}
    # The red square is at the left of the top, which turned is at the right.
    red, *_ = small.convert("RGB").getpixel((165, 4))  # type: ignore[misc]  # A colour.
    green = small.convert("RGB").getpixel((4, 4))
    assert red > 200
    assert green == pytest.approx((255, 255, 255), abs=10)


def test_heic_stands_upright() -> None:
    small = drawn(sample("turned.heic"), "a.heic")
    assert small.size == (64, 96)


def test_a_larger_one_is_made_smaller_and_a_small_one_is_left() -> None:
    assert drawn(saved(picture(size=(3000, 1500)), "JPEG"), "a.jpg").size == (256, 128)
    assert drawn(saved(picture(), "PNG"), "a.png").size == (96, 64)
    assert drawn(saved(Image.new("RGB", (5000, 1)), "PNG"), "a.png").size == (256, 1)


def test_noise_stays_within_the_limit() -> None:
    noise = Image.effect_noise((256, 256), 200).convert("RGB")
    drawn(saved(noise, "PNG"), "a.png")


def test_what_is_transparent_stays_so() -> None:
    clear = Image.new("RGBA", (50, 50), (255, 0, 0, 0))
    assert drawn(saved(clear, "PNG"), "a.png").convert("RGBA").getpixel((25, 25))[3] == 0  # type: ignore[index]  # A colour.


def test_sixteen_bits_of_grey_are_scaled_and_not_cut_off() -> None:
    grey = Image.new("I;16", (50, 50), 32_768)
    shade = drawn(saved(grey, "PNG"), "a.png").convert("L").getpixel((25, 25))
    assert shade == pytest.approx(128, abs=3)


def test_a_page_is_drawn_in_its_proportions() -> None:
    small = drawn(pdf(2), "a.pdf")
    assert small.size == (198, 256)
    letter = drawn(sample("letter.pdf"), "a.pdf").convert("L")
    assert letter.getextrema() != (255, 255)
