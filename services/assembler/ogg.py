"""The comment header of an Ogg Opus file (RFC 3533, RFC 7845): its pages are replaced, the rest renumbered.

Page by page and in place: memory holds at most one page of 64 KB, and the comments.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from services.assembler import splicing
from services.assembler.cover import Cover
from shared.audio.ffmpeg import EncoderFailed
from shared.audio.joining import ogg_pages, vorbis

_NUMBER_AT = 18
_MAGIC = b"OpusTags"


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        start: its offset in the file.
        data: the whole page.
        body: the part after its header.
        number: its position in the stream.
        serial: serial number of the stream.
        ends: whether its last packet ends on it.
    """

    start: int
    data: bytes
    body: bytes
    number: int
    serial: int
    ends: bool


def write_opus(path: Path, comments: vorbis.Comments, cover: Cover | None) -> None:
    """Replace the comments of the file, the picture included.

    Raises:
        EncoderFailed: it is not an Ogg Opus file.
        OSError: the disk is full.
    """
    with path.open("r+b") as file:
        pages = _pages(file, 0)
        head = next(pages, None)
        old: list[Page] = []
        for page in pages:
            old.append(page)
            if page.ends:
                break
        packet = b"".join(page.body for page in old)
        if head is None or not packet.startswith(_MAGIC) or not old[-1].ends:
            raise EncoderFailed("Tags cannot be written: the opus file has no comment header.")
        fields = [*comments, vorbis.picture_comment(cover)] if cover else comments
        packet = _MAGIC + vorbis.comment(vorbis.vendor(packet[len(_MAGIC) :]), fields)
        new = list(ogg_pages.paged(packet, head.serial, first=head.number + 1))
        at, end = old[0].start, old[-1].start + len(old[-1].data)
        moved = splicing.replace(file, at, end - at, b"".join(new))
        if len(new) != len(old):
            _renumber(file, end + moved, by=len(new) - len(old))


def _pages(file: BinaryIO, start: int) -> Iterator[Page]:
    """The pages from an offset on; the file may be changed between two pages."""
    while True:
        file.seek(start)
        header = file.read(ogg_pages.HEADER.size)
        if not header:
            return
        if len(header) < ogg_pages.HEADER.size or not header.startswith(b"OggS"):
            raise EncoderFailed(f"Tags cannot be written: the opus file is damaged at byte {start:,}.")
        *_, serial, number, _, segments = ogg_pages.HEADER.unpack(header)
        lacing = file.read(segments)
        body = file.read(sum(lacing))
        ends = bool(lacing) and lacing[-1] < ogg_pages.SEGMENT_BYTES
        data = header + lacing + body
        yield Page(start, data, body, number, serial, ends)
        start += len(data)


def _renumber(file: BinaryIO, start: int, *, by: int) -> None:
    """Renumber each page from an offset on, and update its checksum."""
    for page in _pages(file, start):
        numbers = struct.pack("<II", page.number + by, 0)
        data = ogg_pages.checked(page.data[:_NUMBER_AT] + numbers + page.data[_NUMBER_AT + len(numbers) :])
        file.seek(page.start + _NUMBER_AT)
        file.write(data[_NUMBER_AT : _NUMBER_AT + len(numbers)])
