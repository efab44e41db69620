"""Joins Opus segments into an Ogg Opus file (RFC 7845): two header packets, then pages of a second.

The exact length is in the granule position of the last page, and what the encoder adds at the beginning in the header;
a player cuts off both. The header's output gain moves the level of the whole episode without touching a packet.
"""

from __future__ import annotations

import base64
import struct
from typing import Final

from shared.audio.joining import ogg_pages, vorbis
from shared.audio.joining.joiner import Labels, State, Whole
from shared.audio.joining.placement import Grid, Placed
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


class OtherHead(BadAudio):
    """The head has another number of pages than was left for it: the file must be made again."""


class OggJoiner:
    """See `Joiner`.

    Args:
        grid: of Opus.
        head_pages: pages of the head, which comes last and has the first numbers: see `head_pages`.
    """

    def __init__(self, grid: Grid, head_pages: int) -> None:
        self._head_pages = head_pages
        self._silence = _SILENCE[grid.channels]
        self._frame = 0  # the next frame of the episode
        self._page = head_pages
        self._packets = 0  # on finished pages
        self._waiting: list[bytes] = []
        self._segments = 0  # of the packets that are waiting

    def size(self, whole: Whole) -> None:
        """Not known without making it."""

    def head(self, whole: Whole) -> bytes:
        """The two header packets, each on pages of its own.

        Raises:
            OtherHead: it has not as many pages as were left for it.
            BadAudio: an Opus file cannot have such an output gain.
        """
        if not abs(whole.output_gain_db) < GAIN_LIMIT_DB:
            raise BadAudio(f"An Opus file cannot have an output gain of {whole.output_gain_db:.1f} dB.")
        place = whole.placement
        gain = struct.pack("<h", round(whole.output_gain_db / GAIN_STEP_DB))
        head = b"OpusHead" + struct.pack("<BBHI", 1, place.channels, PRE_SKIP_SAMPLES, place.rate) + gain + b"\0"
        lacing = ogg_pages.lacing(len(head))
        pages = [ogg_pages.page(lacing, head, serial=SERIAL, number=0, granule=0, flags=ogg_pages.FIRST)]
        pages += ogg_pages.paged(_tags(whole.labels), SERIAL, first=1)
        if len(pages) != self._head_pages:
            raise OtherHead(f"The head of an Opus file has {len(pages)} pages instead of {self._head_pages}.")
        return b"".join(pages)

    def state(self) -> State:
        """See `Joiner.state`."""
        return {
            "frame": self._frame,
            "page": self._page,
            "packets": self._packets,
            "waiting": [base64.b64encode(packet).decode() for packet in self._waiting],
        }

    def resume(self, state: State) -> None:
        """See `Joiner.resume`."""
        self._frame, self._page, self._packets = state["frame"], state["page"], state["packets"]
        self._waiting = [base64.b64decode(packet) for packet in state["waiting"]]
        self._segments = sum(_segments(packet) for packet in self._waiting)

    def add(self, placed: Placed, payload: bytes | memoryview) -> bytes:
        """See `Joiner.add`."""
        payload = bytes(payload)
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

    def end(self, whole: Whole) -> bytes:
        """The silence after the last segment; the last page says where the episode ends."""
        place = whole.placement
        end = PRE_SKIP_SAMPLES + -(-place.samples * RATE_HZ // place.rate)
        silent = max(place.frames, -(-end // PACKET_SAMPLES)) - self._frame
        self._frame += silent
        pages = self._paged([self._silence] * silent)
        return pages + self._finished(flags=ogg_pages.LAST, granule=end)

    def _paged(self, packets: list[bytes]) -> bytes:
        """Full pages of what is waiting and what has come. One packet stays, so that there is something to end with."""
        pages = []
        for packet in packets:
            segments = _segments(packet)
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


def head_pages(labels: Labels) -> int:
    """How many pages a head with these labels has; below 100 hours it does not depend on the times of chapters."""
    return 1 + sum(1 for _ in ogg_pages.paged(_tags(labels), SERIAL, first=1))


def _tags(labels: Labels) -> bytes:
    comments = vorbis.labels_of(labels)
    if labels.cover:
        comments.append(vorbis.picture_comment(labels.cover))
    return b"OpusTags" + vorbis.comment(vorbis.VENDOR.encode(), comments)


def _segments(packet: bytes) -> int:
    """Segments of a page that a packet takes."""
    return len(packet) // ogg_pages.SEGMENT_BYTES + 1
