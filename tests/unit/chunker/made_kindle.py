"""Small Kindle books, written from the same public descriptions that the reader follows: MOBI, KF8, HUFF/CDIC."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

NONE = 0xFFFFFFFF
PLAIN, PALMDOC, HUFFMAN = 1, 2, 17_480
RECORD_BYTES = 4_096


def database(records: Sequence[bytes], kind: bytes = b"BOOKMOBI") -> bytes:
    """A Palm database."""
    head = b"a book".ljust(60, b"\0") + kind + bytes(8) + struct.pack(">H", len(records))
    at = len(head) + 8 * len(records) + 2
    places = b""
    for number, record in enumerate(records):
        places += struct.pack(">IBBH", at, 0, 0, number)
        at += len(record)
    return head + places + b"\0\0" + b"".join(records)


@dataclass
class Book:
    """What a header says; numbers of records are relative to it."""

    title: str = "A Book"
    exth: list[tuple[int, bytes]] = field(default_factory=list)
    version: int = 6
    compression: int = PLAIN
    encoding: int = 65_001
    encryption: int = 0
    trailers: int = 0
    language: int = 9
    huffman: tuple[int, int] = (0, 0)
    contents: int = NONE
    first_image: int = NONE
    flows: int = NONE
    fragments: int = NONE
    skeletons: int = NONE
    guide: int = NONE

    def record(self, text_records: int) -> bytes:
        """The first record of the book."""
        length = 264
        exth = b"".join(struct.pack(">II", kind, 8 + len(value)) + value for kind, value in self.exth)
        block = b"EXTH" + struct.pack(">II", 12 + len(exth), len(self.exth)) + exth if self.exth else b""
        title = self.title.encode()
        made = bytearray(16 + length)
        struct.pack_into(">HHIHHHH", made, 0, self.compression, 0, 0, text_records, RECORD_BYTES, self.encryption, 0)
        made[16:20] = b"MOBI"
        for at, value in (
            (20, length),
            (28, self.encoding),
            (36, self.version),
            (84, 16 + length + len(block)),
            (88, len(title)),
            (92, self.language),
            (108, self.first_image),
            (112, self.huffman[0]),
            (116, self.huffman[1]),
            (128, 0x40 if self.exth else 0),
            (192, self.flows),
            (240, self.trailers),
            (244, self.contents),
            (248, self.fragments),
            (252, self.skeletons),
            (260, self.guide),
        ):
            struct.pack_into(">I", made, at, value)
        return bytes(made) + block + title


def cut(text: bytes) -> list[bytes]:
    """A text in records."""
    return [text[at : at + RECORD_BYTES] for at in range(0, len(text), RECORD_BYTES)]


def palmdoc(text: bytes) -> bytes:
    """A record packed as PalmDOC packs it, with each of its four kinds of code."""
    made, at = bytearray(), 0
    while at < len(text):
        found = next(
            (
                (at - start, length)
                for length in range(min(10, len(text) - at), 2, -1)
                if (start := text.rfind(text[at : at + length], max(0, at - 2_047), at + length - 1)) >= 0
            ),
            None,
        )
        if found:
            made += struct.pack(">H", 0x8000 | found[0] << 3 | found[1] - 3)
            at += found[1]
        elif text[at] == 0x20 and at + 1 < len(text) and 0x40 <= text[at + 1] < 0x80:
            made.append(text[at + 1] ^ 0x80)
            at += 2
        elif text[at] >= 0x80 or 0 < text[at] < 9:  # stands for a code
            made += bytes((1, text[at]))
            at += 1
        else:
            made.append(text[at])
            at += 1
    return bytes(made)


def varint(value: int) -> bytes:
    """A number, seven bits a byte."""
    digits = [value & 0x7F | 0x80]
    while value := value >> 7:
        digits.insert(0, value & 0x7F)
    return bytes(digits)


Entries = Sequence[tuple[bytes, Mapping[int, Sequence[int]]]]
"""Name and numbers by tag."""


def index(entries: Entries, tags: Sequence[int], names: bytes = b"") -> list[bytes]:
    """The records of an index; each tag has a bit, and as many numbers as the first entry that has it."""
    widths = {tag: next((len(found[tag]) for _, found in entries if tag in found), 1) for tag in tags}
    table = b"".join(bytes((tag, widths[tag], 1 << bit, 0)) for bit, tag in enumerate(tags)) + bytes((0, 0, 0, 1))
    tagx = b"TAGX" + struct.pack(">II", 12 + len(table), 1) + table
    head = _index_head(192, 0, 1, 1 if names else 0) + tagx
    body, places = b"", []
    for name, found in entries:
        places.append(192 + len(body))
        control = sum(1 << bit for bit, tag in enumerate(tags) if tag in found)
        values = b"".join(varint(value) for tag in tags for value in found.get(tag, ()))
        body += bytes((len(name),)) + name + bytes((control,)) + values
    data = _index_head(192, 192 + len(body), len(entries), 0) + body + b"IDXT"
    return [head, data + b"".join(struct.pack(">H", place) for place in places), *([names] if names else [])]


def _index_head(length: int, start: int, count: int, names: int) -> bytes:
    made = bytearray(length)
    made[:4] = b"INDX"
    for at, value in ((4, length), (20, start), (24, count), (28, 65_001), (52, names)):
        struct.pack_into(">I", made, at, value)
    return bytes(made)


def texts(*said: str) -> tuple[bytes, list[int]]:
    """The record that has the names of entries, and where each is."""
    made, places = b"", []
    for text in said:
        places.append(len(made))
        made += varint(len(text.encode())) + text.encode()
    return made, places


PAGES = (
    '<html><head><guide><reference type="toc" title="Contents" filepos=0000000000 /></guide></head><body>'
    "<p>{contents}</p><mbp:pagebreak/>"
    '<p align="center"><font size="6"><b>One</b></font></p><p>Words of one.<p>More &ouml; of one.'
    "<mbp:pagebreak/>"
    "<p>Two</p><blockquote>Words of two.</blockquote><p><tt>code = 2</tt></p></body></html>"
)
LINKS = "<a filepos={:010d}>Kapitel One</a></p><p><a filepos={:010d}>Kapitel Two</a>"


def mobi_text() -> tuple[bytes, int, int]:
    """The text of an older book, and where its chapters begin."""
    text = PAGES.replace("{contents}", LINKS.format(0, 0)).encode()
    one, two = text.index(b'<p align="center">'), text.index(b"<p>Two")
    return PAGES.replace("{contents}", LINKS.format(one, two)).encode(), one, two


def mobi(*, with_index: bool = True, compression: int = PALMDOC, cover: bytes = b"", **said: object) -> bytes:
    """An older book of two chapters."""
    text, one, two = mobi_text()
    records = [palmdoc(each) if compression == PALMDOC else each for each in cut(text)]
    book = Book(compression=compression, **said)  # type: ignore[arg-type]  # the fields of a book
    book.exth = [*book.exth, (503, b"Das Buch"), (100, b"A. Writer"), (524, b"de")]
    after: list[bytes] = []
    if with_index:
        names, (first, second) = texts("One", "Zwei: Two")
        book.contents = 1 + len(records)
        after = index([(b"0", {1: [one], 3: [first]}), (b"1", {1: [two], 3: [second]})], (1, 3), names)
    if cover:
        book.first_image = 1 + len(records) + len(after)
        book.exth.append((201, struct.pack(">I", 0)))
        after.append(cover)
    return database([book.record(len(records)), *records, *after])


SKELETON = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body></body></html>'


def kf8(parts: Sequence[Sequence[str]], *, lines: Sequence[tuple[str, int, int, int]] = ()) -> tuple[Book, list[bytes]]:
    """The header and the other records of a newer book.

    Args:
        parts: the fragments of each of its files.
        lines: title, fragment, place inside it, level of each line of its table of contents.
    """
    frame = SKELETON.encode()
    hole = frame.index(b"</body>")
    text, skeletons, fragments = b"", [], []
    for number, part in enumerate(parts):
        start = len(text)
        text += frame
        goes_to = start + hole
        for fragment in part:
            data = fragment.encode()
            fragments.append((str(goes_to).encode(), {3: [number], 6: [0, len(data)]}))
            text += data
            goes_to += len(data)
        skeletons.append((b"SKEL%d" % number, {1: [len(part)], 6: [start, len(frame)]}))
    text_end, style = len(text), b"p { color: red }"
    records = cut(text + style)
    count = len(records)
    flows = b"FDST" + struct.pack(">II", 12, 2) + struct.pack(">4I", 0, text_end, text_end, text_end + len(style))
    records.append(flows)
    book = Book(version=8, flows=1 + count, fragments=1 + len(records))
    records += index(fragments, (3, 6))
    book.skeletons = 1 + len(records)
    records += index(skeletons, (1, 6))
    if lines:
        names, places = texts(*(title for title, *_ in lines))
        book.contents = 1 + len(records)
        entries = [
            (str(number).encode(), {3: [place], 4: [level], 6: [fragment, inside]})
            for number, ((_, fragment, inside, level), place) in enumerate(zip(lines, places, strict=True))
        ]
        records += index(entries, (3, 4, 6), names)
    return book, [book.record(count), *records]


def huffman(phrases: Sequence[bytes], packed: Sequence[bool] = ()) -> list[bytes]:
    """The records HUFF and CDIC: 255 phrases have codes of 8 bits, the others of 16."""
    short = b"".join(struct.pack(">I", (255 << 8) | (0x80 | 8 if byte else 9)) for byte in range(256))
    long = b""
    for bits in range(1, 33):
        # Codes of 16 bits begin with a byte of zeros; no code has another length.
        lowest, highest = (0, 511) if bits == 16 else (((1 << bits) - 1), 0)
        long += struct.pack(">II", lowest, highest)
    code = b"HUFF" + struct.pack(">IIIII", 24, 24, 24 + len(short), 0, 0) + short + long
    places, body = b"", b""
    for number, phrase in enumerate(phrases):
        places += struct.pack(">H", 2 * len(phrases) + len(body))
        is_packed = number < len(packed) and packed[number]
        body += struct.pack(">H", len(phrase) | (0 if is_packed else 0x8000)) + phrase
    return [code, b"CDIC" + struct.pack(">III", 16, len(phrases), 16) + places + body]


def code_of(number: int) -> bytes:
    """The code of a phrase in `huffman`; that of number 255 would be a byte of zeros, which begins longer codes."""
    return bytes((255 - number,)) if number < 255 else bytes((0, 511 - number))
