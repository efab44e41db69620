"""Small PDFs, written byte by byte when a test needs them. Places are in points from the upper left corner.

Every character is half as wide as it is high, so that lines can be filled exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 612, 792
LEFT, RIGHT, TOP = 72.0, 540.0, 100.0
FONTS = {"roman": "Times-Roman", "bold": "Times-Bold", "mono": "Courier", "math": "Symbol"}


@dataclass(frozen=True)
class Text:
    """A string at a place."""

    x: float
    y: float
    words: str
    size: float = 10.0
    font: str = "roman"


@dataclass
class Pdf:
    """A PDF in the making."""

    pages: list[list[Text]] = field(default_factory=list)
    info: dict[str, str] = field(default_factory=dict)
    language: str = ""
    outline: Sequence[tuple[str, int, float]] = ()
    """Title, page from 0, place."""
    extra: dict[int, bytes] = field(default_factory=dict)

    def page(self, *texts: Text) -> Pdf:
        """Add a page."""
        self.pages.append(list(texts))
        return self

    def bytes(self) -> bytes:
        """The file."""
        objects: list[bytes] = []

        def add(body: bytes) -> int:
            objects.append(body)
            return len(objects)

        fonts = {name: add(_font(base)) for name, base in FONTS.items()}
        resources = (
            b"<< /Font << " + b" ".join(f"/{name} {number} 0 R".encode() for name, number in fonts.items()) + b" >> >>"
        )
        tree = len(objects) + 2 * len(self.pages) + 1
        leaves = []
        for page in self.pages:
            content = "\n".join(map(_shown, page)).encode("cp1252")
            stream = add(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
            leaves.append(
                add(
                    b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %d %d] /Resources %s /Contents %d 0 R >>"
                    % (tree, WIDTH, HEIGHT, resources, stream)
                )
            )
        add(b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(leaves), b" ".join(b"%d 0 R" % leaf for leaf in leaves)))
        catalog = b"<< /Type /Catalog /Pages %d 0 R" % tree
        if self.language:
            catalog += b" /Lang (%s)" % self.language.encode()
        if self.outline:
            first = len(objects) + 2
            for number, (title, page_number, y) in enumerate(self.outline):
                following = b" /Next %d 0 R" % (first + number + 1) if number + 1 < len(self.outline) else b""
                place = b"[%d 0 R /XYZ 0 %d null]" % (leaves[page_number], HEIGHT - y)
                objects.insert(
                    len(objects),
                    b"<< /Title (%s) /Parent %d 0 R%s /Dest %s >>"
                    % (_escaped(title).encode(), first - 1, following, place),
                )
            last = first + len(self.outline) - 1
            objects.insert(first - 2, b"<< /First %d 0 R /Last %d 0 R /Count %d >>" % (first, last, len(self.outline)))
            catalog += b" /Outlines %d 0 R" % (first - 1)
        root = add(catalog + b" >>")
        info = add(
            b"<< "
            + b" ".join(f"/{key} ({_escaped(value)})".encode("cp1252") for key, value in self.info.items())
            + b" >>"
        )
        return written(objects, root, b"/Info %d 0 R" % info)


def written(objects: Sequence[bytes], root: int, more: bytes = b"") -> bytes:
    """A file of these objects, with its table of cross-references."""
    made = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for place in places:
        made += b"%010d 00000 n \n" % place
    made += b"trailer\n<< /Size %d /Root %d 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, root, more, start)
    return bytes(made)


def _font(base: str) -> bytes:
    # One is wider: PDFium takes a font whose characters are all alike for a typewriter's.
    widths = b" ".join([b"500"] * 94 + [b"500" if base == "Courier" else b"600"] + [b"500"] * 129)
    encoding = b"" if base == "Symbol" else b" /Encoding /WinAnsiEncoding"
    return (b"<< /Type /Font /Subtype /Type1 /BaseFont /%s%s /FirstChar 32 /LastChar 255 /Widths [%s] >>") % (
        base.encode(),
        encoding,
        widths,
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _shown(text: Text) -> str:
    place = f"1 0 0 1 {text.x:g} {HEIGHT - text.y:g} Tm"
    return f"BT /{text.font} {text.size:g} Tf {place} ({_escaped(text.words)}) Tj ET"


def prose(
    words: str,
    y: float,
    *,
    x: float = LEFT,
    right: float = RIGHT,
    size: float = 10.0,
    indent: float = 0.0,
    font: str = "roman",
    leading: float = 1.2,
) -> list[Text]:
    """Lines of a justified paragraph that begins at `y`: each but the last ends at the right edge."""
    lines: list[list[str]] = [[]]
    at = x + indent
    for word in words.split():
        if lines[-1] and at + len(" ".join([*lines[-1], word])) * size / 2 > right:
            lines.append([])
            at = x
        lines[-1].append(word)
    made = []
    for number, line in enumerate(lines):
        start = x + (0 if number else indent)
        place = y + number * leading * size
        if number == len(lines) - 1 or len(line) == 1:
            made.append(Text(start, place, " ".join(line), size, font))
            continue
        # Words apart, so that the line ends at the edge.
        free = right - start - sum(len(word) for word in line) * size / 2
        for word in line:
            made.append(Text(start, place, word, size, font))
            start += len(word) * size / 2 + free / (len(line) - 1)
    return made


def below(texts: Sequence[Text], leading: float = 12.0) -> float:
    """The baseline after these lines."""
    return max(text.y for text in texts) + leading
