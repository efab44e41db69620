"""The five formats: ffmpeg's options, and what its encoders do to level and length. Constants only."""

from __future__ import annotations

from dataclasses import dataclass

from shared.protocol.messages import AudioFormat

LAME_CBR_GAIN_DB = 0.445
"""LAME scales its input by 0.95 in CBR mode (and not in VBR mode); the gain before the encoder compensates."""

CONTENT_TYPES = {
    "mp3": "audio/mpeg",
    "m4b": "audio/mp4",
    "opus": "audio/ogg",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "vtt": "text/vtt",
    "chapters.json": "application/json+chapters",
    "timing.json": "application/json",
    "zip": "application/zip",
}


@dataclass(frozen=True, slots=True)
class Encoder:
    """How one format is made.

    Attributes:
        arguments: ffmpeg's output options, by number of channels.
        gain_db: applied before the encoder to compensate for its attenuation.
        padding_seconds: how much longer the decoded result may be than the input (frames cannot be cut).
        bytes_a_second: at 48 kHz stereo, to estimate whether the disk has room.
        chapters: whether ffmpeg writes the chapters (the others get theirs as tags).
    """

    arguments: dict[int, tuple[str, ...]]
    bytes_a_second: int
    gain_db: float = 0.0
    padding_seconds: float = 0.0
    chapters: bool = False


_M4B = ("-movflags", "+faststart", "-brand", "M4B ")

ENCODERS: dict[AudioFormat, Encoder] = {
    # CBR, so that every player can seek by arithmetic; the Xing frame carries delay and padding (gapless).
    "mp3": Encoder(
        {
            channels: ("-c:a", "libmp3lame", "-b:a", rate, "-write_id3v2", "0", "-id3v2_version", "0", "-f", "mp3")
            for channels, rate in ((1, "64k"), (2, "96k"))
        },
        bytes_a_second=12_000,
        gain_db=LAME_CBR_GAIN_DB,
    ),
    # ffmpeg's default coder takes 5 times as long (2.7 s of CPU a minute) for speech that measures the same.
    "m4b": Encoder(
        {
            channels: ("-c:a", "aac", "-aac_coder", "fast", "-b:a", rate, "-f", "ipod", *_M4B)
            for channels, rate in ((1, "64k"), (2, "96k"))
        },
        bytes_a_second=24_000,  # twice: faststart copies the file
        padding_seconds=2_048 / 16_000,
        chapters=True,
    ),
    "opus": Encoder(
        {
            channels: ("-c:a", "libopus", "-b:a", rate, "-compression_level", "5", "-f", "opus")
            for channels, rate in ((1, "40k"), (2, "56k"))
        },
        bytes_a_second=7_000,
    ),
    "flac": Encoder(
        dict.fromkeys((1, 2), ("-c:a", "flac", "-sample_fmt", "s16", "-f", "flac")),
        bytes_a_second=192_000,
    ),
    "wav": Encoder(
        dict.fromkeys((1, 2), ("-c:a", "pcm_s16le", "-rf64", "auto", "-f", "wav")),
        bytes_a_second=192_000,
    ),
}


def output_arguments(name: AudioFormat, *, channels: int, language: str) -> list[str]:
    """The ffmpeg options for one output, from the mono input 0 and the metadata input 1.

    Args:
        name: the format.
        channels: 1, or 2 with the same content.
        language: three letters (ISO 639-2).
    """
    encoder = ENCODERS[name]
    source = "1" if encoder.chapters else "-1"
    filters = []
    if encoder.gain_db:
        filters.append(f"volume={encoder.gain_db}dB:precision=float")
    if channels == 2:  # noqa: PLR2004 - stereo
        filters.append("pan=stereo|c0=c0|c1=c0")  # `-ac 2` would attenuate by 3 dB
    return [
        *("-map", "0:a"),
        *("-map_metadata", source, "-map_chapters", source),  # chapters without metadata would lose their titles
        *("-metadata:s:a:0", f"language={language}"),
        *(("-af", ",".join(filters)) if filters else ()),
        *("-fflags", "+bitexact", "-flags:a", "+bitexact"),  # encoding the same episode again gives the same file
        *encoder.arguments[channels],
    ]
