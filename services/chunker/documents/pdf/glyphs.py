"""Takes the glyphs off a page with PDFium. Runs in a worker process: it parses strangers' bytes.

PDFium answers a question a glyph, so the loop here asks few and everything else once for each text object.
"""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from typing import Any, Final

import pypdfium2.raw as pdfium

from services.chunker.documents.pdf.pieces import GlyphRun, Page, Style

_NAME_BYTES: Final = 1_024
"""Of a font's name; a longer one is cut."""
PICTURES_OBJECTS_LIMIT: Final = 2_000
"""How many objects of a page are looked at for pictures."""

_WIDE_GAP_EM: Final = 0.9
"""A gap between columns or cells; justified lines have gaps up to half an em."""
_SPACE_EM: Final = 0.22
_BACK_EM: Final = -0.6
_LEVEL_RADIANS: Final = 0.03
_FIXED_PITCH, _ITALIC, _FORCE_BOLD = 1 << 0, 1 << 6, 1 << 18
_QUARTER: Final = math.pi / 2

_BOLD_NAME = re.compile(r"bold|black|heavy|demi|medi(?![au])|cmbx|cmssbx|sfbx|ecbx", re.IGNORECASE)
_ITALIC_NAME = re.compile(r"ital|obliq|slant|cmti|cmsl|ecti|sfti", re.IGNORECASE)
_MONO_NAME = re.compile(
    r"mono(?!type)|courier|typewriter|cmtt|cmsltt|ectt|sftt|txtt|consol|menlo|monaco|inconsol|code|lmtt|nimbusmon|luximono|beramono",
    re.IGNORECASE,
)
_MATH_NAME = re.compile(
    r"cmmi|cmsy|cmex|cmmib|cmbsy|msam|msbm|euex|eufm|eusm|symbol|math|stmary|rsfs|wasy", re.IGNORECASE
)
_LIGATURES = {
    0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st",
}  # fmt: skip
_ACCENTS = {
    0xA8: "\u0308", 0xB4: "\u0301", 0x60: "\u0300", 0x2C6: "\u0302", 0x5E: "\u0302", 0x2DC: "\u0303", 0xAF: "\u0304",
    0x2D8: "\u0306", 0x2D9: "\u0307", 0x2DA: "\u030a", 0x2C7: "\u030c", 0x2DD: "\u030b", 0xB8: "\u0327",
    0x2DB: "\u0328",
}  # fmt: skip
"""Accents that old fonts of TeX draw over the next letter, and what joins with it."""
_ALSO_SIGNS = frozenset({0x60, 0xB4, 0x5E, 0x2DC})
"""Accents that are also signs of their own, as in code."""
_OVER_EM: Final = 0.35
_WHITE = frozenset({32, 160, 13, 10, 9})
_DOTLESS = {"\u0131": "i", "\u0237": "j"}
_HYPHEN: Final = 2
"""What PDFium makes of a hyphen at a line's end."""


def page(page: Any, text: Any, fonts: dict[int, Style]) -> Page:
    """What is on a page.

    Args:
        page: PDFium's handle.
        text: PDFium's handle of its text; None if it has none.
        fonts: the styles of fonts that were seen before; added to.
    """
    quarter_turns = pdfium.FPDFPage_GetRotation(page)
    width, height = pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)
    if not text:
        return Page(width, height, [], pictures=_pictures(page))
    glyphs = _Glyphs(page, text, fonts, quarter_turns)
    glyphs.walk()
    return Page(width, height, glyphs.pieces, "".join(glyphs.turned), 0 if glyphs.pieces else _pictures(page))


def _pictures(page: Any) -> int:
    objects = min(pdfium.FPDFPage_CountObjects(page), PICTURES_OBJECTS_LIMIT)
    kinds = (pdfium.FPDFPageObj_GetType(pdfium.FPDFPage_GetObject(page, index)) for index in range(objects))
    return sum(kind == pdfium.FPDF_PAGEOBJ_IMAGE for kind in kinds)


class _Glyphs:
    """Collects the glyphs of a page into pieces."""

    def __init__(self, page: Any, text: Any, fonts: dict[int, Style], quarter_turns: int) -> None:
        self.pieces: list[GlyphRun] = []
        self.turned: list[str] = []
        self._text = text
        self._fonts = fonts
        self._quarter_turns = quarter_turns
        left, bottom, right, top = (ctypes.c_float() for _ in range(4))
        if not pdfium.FPDFPage_GetCropBox(page, left, bottom, right, top) and not pdfium.FPDFPage_GetMediaBox(
            page, left, bottom, right, top
        ):
            right.value, top.value = pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)
        self._box = (left.value, bottom.value, right.value, top.value)

    def walk(self) -> None:  # noqa: C901, PLR0912, PLR0915 - one pass; a call a glyph would double its time
        """Go through all glyphs."""
        text, unicode_of, box_of, object_of = (
            self._text,
            pdfium.FPDFText_GetUnicode,
            pdfium.FPDFText_GetLooseCharBox,
            pdfium.FPDFText_GetTextObject,
        )
        box = pdfium.FS_RECTF()
        void = ctypes.c_void_p
        piece: GlyphRun | None = None
        object_now: int | None = None
        size, y, style, is_turned = 0.0, 0.0, Style(), False
        space = False
        chance = ""
        before = (0.0, 0.0)
        accent: tuple[str, float] | None = None
        count = pdfium.FPDFText_CountChars(text)
        for index in range(count):
            code = unicode_of(text, index)
            if code in _WHITE:
                space = space or accent is None
                continue
            if code == _HYPHEN:
                character = "-"
            elif code in _LIGATURES:
                character = _LIGATURES[code]
            elif code < 32 or code in {0xFFFE, 0xFFFF, 0xFFFD} or 0xE000 <= code <= 0xF8FF:
                continue
            else:
                character = self._character(code, chance)
                chance = chr(code) if 0xD800 <= code <= 0xDBFF else ""
                if not character:
                    continue
            drawn = void.from_buffer(object_of(text, index)).value
            if drawn != object_now:
                object_now = drawn
                size, y, style, is_turned = self._about(index)
                new = True
            else:
                new = False
            if is_turned:
                self.turned.append((" " if space else "") + character)
                space = False
                continue
            box_of(text, index, box)
            x0, x1 = place = self._across(box)
            if piece is not None and not new and place == before and accent is None:
                piece.text += character  # another letter of the same ligature
                continue
            before = place
            if accent is not None:
                over, middle = accent
                accent = None
                if abs(middle - (x0 + x1) / 2) < _OVER_EM * size and character.isalpha():
                    character = unicodedata.normalize("NFC", _DOTLESS.get(character, character) + over)
            elif code in _ACCENTS:
                accent = (_ACCENTS[code], (x0 + x1) / 2)
                if index + 1 < count and self._is_over_next(index, accent[1], size):
                    continue
                accent = None
                if code not in _ALSO_SIGNS:  # drawn over a letter that is elsewhere in the file
                    continue
            if piece is not None and (not new or (style is piece.style and abs(size - piece.size) < 0.05 * size)):
                gap = x0 - piece.x1
                if abs(y - piece.y) < 0.02 * size and _BACK_EM * size < gap < _WIDE_GAP_EM * size:
                    if space or gap > _SPACE_EM * size:
                        piece.text += " "
                    piece.text += character
                    piece.x1 = max(piece.x1, x1)
                    space = False
                    continue
            piece = GlyphRun((" " if space else "") + character, x0, x1, y, size, style)
            self.pieces.append(piece)
            space = False

    def _is_over_next(self, index: int, middle: float, size: float) -> bool:
        """Whether an accent is drawn over the letter that follows it."""
        following = index + 1
        while pdfium.FPDFText_GetUnicode(self._text, following) in _WHITE and following < index + 4:
            following += 1
        box = pdfium.FS_RECTF()
        if not pdfium.FPDFText_GetLooseCharBox(self._text, following, box):
            return False
        x0, x1 = self._across(box)
        letter = chr(pdfium.FPDFText_GetUnicode(self._text, following) & 0xFFFF)
        return letter.isalpha() and abs(middle - (x0 + x1) / 2) < _OVER_EM * size

    @staticmethod
    def _character(code: int, first_half: str) -> str:
        if 0xD800 <= code <= 0xDBFF:
            return ""
        if 0xDC00 <= code <= 0xDFFF:
            return (
                (first_half + chr(code)).encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
                if first_half
                else ""
            )
        return chr(code) if code <= 0x10FFFF else ""

    def _across(self, box: Any) -> tuple[float, float]:
        """Where a glyph begins and ends along its line, on the page as it is shown."""
        left, bottom, right, top = self._box
        match self._quarter_turns:
            case 1:
                return top - box.top, top - box.bottom
            case 2:
                return right - box.right, right - box.left
            case 3:
                return box.bottom - bottom, box.top - bottom
            case _:
                return box.left - left, box.right - left

    def _down(self, x: float, y: float) -> float:
        """How far below the page's upper edge a point is shown."""
        left, bottom, right, top = self._box
        return (top - y, x - left, y - bottom, right - x)[self._quarter_turns]

    def _about(self, index: int) -> tuple[float, float, Style, bool]:
        """Size, baseline and style of the text object of a glyph, and whether it is turned."""
        matrix = pdfium.FS_MATRIX()
        if not pdfium.FPDFText_GetMatrix(self._text, index, matrix):
            matrix.a = matrix.d = 1.0
        size = pdfium.FPDFText_GetFontSize(self._text, index) * math.hypot(matrix.c, matrix.d)
        angle = math.atan2(matrix.b, matrix.a) - self._quarter_turns * _QUARTER
        is_turned = abs(math.remainder(angle, 2 * math.pi)) > _LEVEL_RADIANS
        x, y = ctypes.c_double(), ctypes.c_double()
        pdfium.FPDFText_GetCharOrigin(self._text, index, x, y)
        shown = self._down(x.value, y.value)
        usable = math.isfinite(size) and math.isfinite(shown)
        return (abs(size) or 1.0 if usable else 1.0), (shown if usable else 0.0), self._style(index), is_turned

    def _style(self, index: int) -> Style:
        font = pdfium.FPDFTextObj_GetFont(pdfium.FPDFText_GetTextObject(self._text, index))
        address = ctypes.cast(font, ctypes.c_void_p).value or 0
        if address not in self._fonts:
            self._fonts[address] = _style_of(font) if address else Style()
        return self._fonts[address]


def _style_of(font: Any) -> Style:
    buffer = ctypes.create_string_buffer(_NAME_BYTES)
    written = min(pdfium.FPDFFont_GetBaseFontName(font, buffer, _NAME_BYTES), _NAME_BYTES)
    name = buffer.raw[: max(0, written - 1)].decode("utf-8", "replace").rpartition("+")[2]
    flags = max(0, pdfium.FPDFFont_GetFlags(font))
    return Style(
        bold=bool(_BOLD_NAME.search(name) or flags & _FORCE_BOLD),  # weights are often wrong, even of Times
        italic=bool(_ITALIC_NAME.search(name) or flags & _ITALIC),
        mono=bool(_MONO_NAME.search(name) or flags & _FIXED_PITCH),
        math=bool(_MATH_NAME.search(name)),
    )
