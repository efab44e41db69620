"""A stranger's picture made into a cover: read within limits, fitted to what podcasts take, and written anew.

A cover is square, 1,400 to 3,000 pixels a side (the rules of the podcast directories). So a larger picture is scaled
down, and one that is not square is put on a square of the colour of its edge: nothing of it is cut off, since a book's
title stands at its edges. Nothing is ever scaled up. What the assembler gets is always our own JPEG, without a byte of
the stranger's file: no metadata, no profile, nothing behind its end.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from PIL.Image import Image

FILE_LIMIT_BYTES: Final = 20_000_000
"""A photograph of 50 megapixels has 15 MB."""
PIXELS_LIMIT: Final = 60_000_000
"""Decoded they have 240 MB, which is within a worker's allowance."""
SIDE_MIN_PIXELS: Final = 1_400
SIDE_MAX_PIXELS: Final = 3_000
SHAPE_LIMIT: Final = 2
"""How much longer one side may be than the other: what is longer is a banner, and most of its square would be empty."""
_QUALITY: Final = 90
_MARKS: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"RIFF")
_FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP")


@dataclass(frozen=True, slots=True)
class Fitted:
    """What became of a picture.

    Attributes:
        jpeg: the cover; empty if there is none.
        width, height: of the picture as it was, in pixels; 0 if it is none.
        why_not: why it is not used, the end of a sentence that begins with what it is; empty if it is.
    """

    jpeg: bytes
    width: int = 0
    height: int = 0
    why_not: str = ""


def is_picture(data: bytes) -> bool:
    """Whether a file begins as one of the formats that are read."""
    return data.startswith(_MARKS)


def may_be_cover(data: bytes) -> bool:
    """Whether a file inside a document is one to hand on: it begins as a picture, and is not over the limit."""
    return is_picture(data) and len(data) <= FILE_LIMIT_BYTES


def fitted(data: bytes) -> Fitted:
    """The picture as a cover, or why it is not used. CPU-bound, and the file is a stranger's: for a worker."""
    if not is_picture(data):
        return Fitted(b"", why_not="is no JPEG, PNG, WebP or GIF picture")
    from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: PLC0415 - only a worker that reads one pays for it

    Image.MAX_IMAGE_PIXELS = PIXELS_LIMIT
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture: Image.Image = Image.open(io.BytesIO(data), formats=_FORMATS)
            width, height = picture.size
            if why_not := _misfit(width, height):
                return Fitted(b"", width, height, why_not)
            picture.draft("RGB", (SIDE_MAX_PIXELS, SIDE_MAX_PIXELS))  # a JPEG is scaled while it is decoded
            turned = ImageOps.exif_transpose(picture)
            return Fitted(_jpeg(_squared(_opaque(turned))), width, height)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        return Fitted(b"", why_not=f"has more than {PIXELS_LIMIT / 1e6:.0f} million pixels")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, TypeError, ArithmeticError, LookupError) as error:
        return Fitted(b"", why_not=f"is broken ({type(error).__name__})")


def _misfit(width: int, height: int) -> str:
    """Why a picture of this size is not used; empty if it is."""
    if width * height > PIXELS_LIMIT:
        return f"has {width:,} x {height:,} pixels; {PIXELS_LIMIT / 1e6:.0f} million are the limit"
    longer, shorter = max(width, height), min(width, height)
    if longer < SIDE_MIN_PIXELS:
        return f"has {width} x {height} pixels, and {SIDE_MIN_PIXELS} to {SIDE_MAX_PIXELS} a side are needed"
    if longer > SHAPE_LIMIT * shorter:
        return f"has {width} x {height} pixels, which is a banner; a cover is square or a page"
    return ""


def _opaque(picture: Image) -> Image:
    """In RGB; what was transparent is white, as on a page."""
    from PIL import Image as Images  # noqa: PLC0415 - as above

    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layered = picture.convert("RGBA")
    white = Images.new("RGBA", layered.size, "white")
    return Images.alpha_composite(white, layered).convert("RGB")


def _squared(picture: Image) -> Image:
    """On a square of the colour of its edge, at most 3,000 pixels a side."""
    from PIL import Image as Images  # noqa: PLC0415 - as above

    longer = max(picture.size)
    if longer > SIDE_MAX_PIXELS:
        scale = SIDE_MAX_PIXELS / longer
        size = [max(1, round(side * scale)) for side in picture.size]
        picture = picture.resize((size[0], size[1]), Images.Resampling.LANCZOS)
    width, height = picture.size
    side = max(width, height)
    if width == height:
        return picture
    square = Images.new("RGB", (side, side), _edge(picture))
    square.paste(picture, ((side - width) // 2, (side - height) // 2))
    return square


def _edge(picture: Image) -> tuple[int, int, int]:
    """The mean colour of the two edges at which the square goes on."""
    from PIL import Image as Images  # noqa: PLC0415 - as above

    width, height = picture.size
    if width < height:
        strips = [(0, 0, 1, height), (width - 1, 0, width, height)]
    else:
        strips = [(0, 0, width, 1), (0, height - 1, width, height)]
    means = [picture.crop(strip).resize((1, 1), Images.Resampling.BOX).getpixel((0, 0)) for strip in strips]
    red, green, blue = ((one + other) // 2 for one, other in zip(*means, strict=True))
    return red, green, blue


def _jpeg(picture: Image) -> bytes:
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=_QUALITY, optimize=True, progressive=False)
    return made.getvalue()
