"""Makes a segment of mastered sound, and proves it: what was encoded is decoded again and compared.

CPU only, about 40 ms for 8 s of speech in MP3; called in worker processes (synthesizer) and threads (assembler).
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np

from shared.audio.loudness import Energies, block_energies, decibels, true_peak
from shared.audio.segments.codecs import Codec, EncodedChunk
from shared.audio.segments.mastering import Mastered
from shared.audio.segments.segment import Head, MasteredSegment
from shared.errors import BadAudio

DIFFERENCE_LIMIT: Final = 0.3
"""How far the 100 ms levels after decoding may be from those before encoding, as a share of their sum. Speech differs
by at most 0.05 after any of our encoders, another chunk of the same voice by 0.48 and more."""
NOTHING_LEFT: Final = 0.9
_LEVEL_FLOOR: Final = 1e-3
"""-60 dB: below this, what an encoder adds does not count as a difference."""
_LEAST_PEAK_DBTP: Final = -120.0


def make(mastered: Mastered, rate: int, codec: Codec, *, channels: int, chunk_md5: str = "") -> MasteredSegment:
    """Encode a chunk.

    Args:
        mastered: its sound.
        rate: Hz.
        codec: of the format.
        channels: 1, or 2 with the same content.
        chunk_md5: says what the sound was before it was mastered: `chunk_audio.read_md5`.

    Raises:
        BadAudio: it cannot be encoded, or little of it is left after decoding.
        EncoderMissing: the library is not installed.
    """
    encoded = codec.encode(mastered.samples, rate, channels)
    energies = block_energies(encoded.decoded, encoded.decoded_rate)
    before = block_energies(mastered.samples, rate)
    if len(energies) != len(before):
        raise BadAudio(f"The {codec.format} encoder made {len(energies)} tenths of a second of {len(before)}.")
    _prove(before, energies, codec)
    peak = max(decibels(true_peak(encoded.decoded, encoded.decoded_rate)), _LEAST_PEAK_DBTP)
    return _segment(encoded, mastered, rate, codec, channels, energies=energies, peak_dbtp=peak, chunk_md5=chunk_md5)


def unproved(encoded: EncodedChunk, mastered: Mastered, rate: int, codec: Codec, *, channels: int) -> MasteredSegment:
    """A segment whose frames nobody has decoded, so that its head has no levels: to be heard, not to be stored."""
    return _segment(encoded, mastered, rate, codec, channels, energies=np.zeros(0), peak_dbtp=_LEAST_PEAK_DBTP)


def _segment(
    encoded: EncodedChunk,
    mastered: Mastered,
    rate: int,
    codec: Codec,
    channels: int,
    *,
    energies: Energies,
    peak_dbtp: float,
    chunk_md5: str = "",
) -> MasteredSegment:
    payload = b"".join(encoded.frames)
    sizes = np.array([len(frame) for frame in encoded.frames], dtype=np.uint32)
    head = Head(
        format=codec.format,
        encoder=codec.encoder,
        rate=rate,
        channels=channels,
        samples=len(mastered.samples),
        frame_samples=codec.frame_samples(rate),
        frames=len(encoded.frames),
        before=encoded.before,
        after=encoded.after,
        sizes=sizes,
        payload_bytes=len(payload),
        sha256=hashlib.sha256(payload).hexdigest(),
        crc=encoded.crc,
        gain_db=mastered.gain_db,
        energies=energies,
        true_peak_dbtp=round(peak_dbtp, 3),
        chunk_md5=chunk_md5,
    )
    return MasteredSegment(head, payload)


def _prove(before: Energies, after: Energies, codec: Codec) -> None:
    """Compare the 100 ms levels before encoding with those after decoding."""
    wanted, found = np.sqrt(before), np.sqrt(np.maximum(after, 0))
    difference = float(np.abs(wanted - found).sum()) / max(float(wanted.sum()), _LEVEL_FLOOR * len(wanted))
    if difference <= DIFFERENCE_LIMIT:
        return
    if difference > NOTHING_LEFT:
        raise BadAudio(
            f"Nothing of this sound is left after encoding it as {codec.format}: it is outside of what people hear.",
            hint="Look at what the speech server sends.",
        )
    raise BadAudio(
        f"This sound cannot be encoded as {codec.format}: its levels differ by {difference:.0%} afterwards.",
        hint="Look at what the speech server sends.",
    )
