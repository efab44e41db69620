"""Joins Opus segments into an Ogg Opus file (RFC 7845): two header packets, then pages of a second.

The exact length is in the granule position of the last page, and what the encoder adds at the beginning in the header;
a player cuts off both. The header's output gain moves the level of the whole episode without touching a packet.
"""

from __future__ import annotations

import struct
from typing import Final

from shared.audio.joining import ogg_pages, vorbis
from shared.audio.joining.joiner import Labels
from shared.audio.joining.placement import Placed, Placement
from shared.errors import BadAudio

RATE_HZ: Final = 48_000
"""Opus counts in samples at this rate, whatever the rate of the input was."""
PACKET_SAMPLES: Final = 960
PRE_SKIP_SAMPLES: Final = 312
"""The encoder's delay, at any rate: 6.5 ms."""
PACKETS_A_PAGE: Final = 50
SERIAL: Final = 1
"""There is one stream in the file; a number drawn at random would make every file another one."""
GAIN_STEP_DB: Final = 1 / 256
GAIN_LIMIT_DB: Final = 128.0
"""The header holds 16 bits, of which 8 are behind the point."""
_SILENCE: Final = {1: bytes.fromhex("f8fffe"), 2: bytes.fromhex("fcfffe")}
"""By channels: 20 ms of digital silence; no part of what follows it is predicted from what came before."""
_CODES_MASK: Final = 0x83
"""Of a packet's first byte: the bit that says CELT, and the two that say how many frames it holds."""
_ONE_CELT_FRAME: Final = 0x80


class OggJoiner:
    """See `Joiner`.

    Args:
        placement: on the grid of Opus.
        labels: tags, chapters, cover.
        output_gain_db: what players add to everything, in steps of 1/256 dB.
    """

    def __init__(self, placement: Placement, labels: Labels, *, output_gain_db: float = 0.0) -> None:
        if not abs(output_gain_db) < GAIN_LIMIT_DB:
            raise BadAudio(f"An Opus file cannot have an output gain of {output_gain_db:.1f} dB.")
        self._placement = placement
        self._labels = labels
        self._gain = round(output_gain_db / GAIN_STEP_DB)
        self._silence = _SILENCE[placement.channels]
        self._frame = 0  # the next frame of the episode
        self._page = 0
        self._packets = 0  # on finished pages
        self._waiting: list[bytes] = []
        self._segments = 0  # of the packets that are waiting

    @property
    def size(self) -> None:
        """Not known beforehand."""

    def head(self) -> bytes:
        """The two header packets, each on pages of its own."""
        place = self._placement
        gain = struct.pack("<h", self._gain)
        head = b"OpusHead" + struct.pack("<BBHI", 1, place.channels, PRE_SKIP_SAMPLES, place.rate) + gain + b"\0"
        comments = vorbis.labels_of(self._labels)
        if self._labels.cover:
            comments.append(vorbis.picture_comment(self._labels.cover))
        tags = b"OpusTags" + vorbis.comment(vorbis.VENDOR.encode(), comments)
        lacing = ogg_pages.lacing(len(head))
        pages = [ogg_pages.page(lacing, head, serial=SERIAL, number=0, granule=0, flags=ogg_pages.FIRST)]
        pages += ogg_pages.paged(tags, SERIAL, first=1)
        self._page = len(pages)
        return b"".join(pages)

    def add(self, placed: Placed, payload: bytes) -> bytes:
        """See `Joiner.add`."""
        packets = [self._silence] * (placed.begins - self._frame)
        at = 0
        for size in placed.head.sizes.tolist():
            packet = payload[at : at + size]
            if not packet or packet[0] & _CODES_MASK != _ONE_CELT_FRAME:
                raise BadAudio("A packet of an Opus segment is not as it was encoded.")
            packets.append(packet)
            at += size
        if at != len(payload):
            raise BadAudio("The packets of an Opus segment are not those that its head lists.")
        self._frame = placed.ends
        return self._paged(packets)

    def end(self) -> bytes:
        """The silence after the last segment; the last page says where the episode ends."""
        place = self._placement
        end = PRE_SKIP_SAMPLES + -(-place.samples * RATE_HZ // place.rate)
        silent = max(place.frames, -(-end // PACKET_SAMPLES)) - self._frame
        self._frame += silent
        pages = self._paged([self._silence] * silent)
        return pages + self._finished(flags=ogg_pages.LAST, granule=end)

    def sealed_head(self) -> None:
        """The first one stays."""

    def _paged(self, packets: list[bytes]) -> bytes:
        """Full pages of what is waiting and what has come. One packet stays, so that there is something to end with."""
        pages = []
        for packet in packets:
            segments = len(packet) // ogg_pages.SEGMENT_BYTES + 1
            if len(self._waiting) == PACKETS_A_PAGE or self._segments + segments > ogg_pages.SEGMENTS:
                pages.append(self._finished())
            self._waiting.append(packet)
            self._segments += segments
        return b"".join(pages)

    def _finished(self, *, flags: int = 0, granule: int | None = None) -> bytes:
        packets, self._waiting, self._segments = self._waiting, [], 0
        self._packets += len(packets)
        self._page += 1
        return ogg_pages.page(
            b"".join(ogg_pages.lacing(len(packet)) for packet in packets),
            b"".join(packets),
            serial=SERIAL,
            number=self._page - 1,
            granule=self._packets * PACKET_SAMPLES if granule is None else granule,
            flags=flags,
        )
