"""Title, author, cover, language and chapters, written into a finished file the way its format has them."""

# mutagen ships py.typed, but few of its functions are typed
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mutagen import MutagenError
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, COMM, ID3, TXXX, Encoding, Frame, Frames, PictureType
from mutagen.id3._tags import save_frame
from mutagen.mp4 import MP4, AtomDataType, MP4Cover, MP4FreeForm
from mutagen.oggopus import OggOpus
from mutagen.wave import WAVE

from services.assembler import chapter_marks
from services.assembler.cover import Cover
from services.assembler.failures import EncoderFailed
from services.assembler.languages import three_letters
from services.assembler.timeline import Timeline
from shared.protocol.manifest import Manifest
from shared.protocol.messages import AudioFormat

# What a job's metadata keys are called by each format; any other key becomes a tag of its own name.
ID3_FRAMES = {
    "title": "TIT2",
    "artist": "TPE1",
    "album_artist": "TPE2",
    "composer": "TCOM",
    "album": "TALB",
    "date": "TDRC",
    "genre": "TCON",
    "language": "TLAN",
    "publisher": "TPUB",
    "copyright": "TCOP",
    "subtitle": "TIT3",
    "track": "TRCK",
}
MP4_ATOMS = {
    "title": "\xa9nam",
    "artist": "\xa9ART",
    "album_artist": "aART",
    "composer": "\xa9wrt",
    "album": "\xa9alb",
    "date": "\xa9day",
    "genre": "\xa9gen",
    "comment": "\xa9cmt",
    "description": "desc",
    "copyright": "cprt",
    "publisher": "\xa9pub",
}
AUDIOBOOK = 2
"""iTunes' media kind `stik`: shown among books, with chapters and a remembered position."""
RF64_FROM_BYTES = 0xFFFFFFFF
"""A WAV file of 4 GiB or more is RF64, which mutagen does not write."""
_ID3_DATE = re.compile(r"\d{4}(-\d\d(-\d\d([T ]\d\d(:\d\d(:\d\d)?)?)?)?)?")
"""What a TDRC frame can hold; any other date is written as a tag of its own."""
_VORBIS_KEY = re.compile(r"[^\x20-\x3c\x3e-\x7d]")


@dataclass(frozen=True, slots=True)
class Tags:
    """What is written into each file.

    Attributes:
        fields: names as in `ID3_FRAMES`, and the job's own.
        cover: a checked picture, or None.
        timeline: when the chapters are.
    """

    fields: dict[str, str]
    cover: Cover | None
    timeline: Timeline


def of(manifest: Manifest, cover: Cover | None, timeline: Timeline) -> Tags:
    """The tags of a job's episode. What the job's metadata names wins over what is derived."""
    fields = {"title": manifest.title, "album": manifest.title, "language": manifest.language}
    if manifest.author:
        fields |= {"artist": manifest.author, "album_artist": manifest.author, "composer": manifest.author}
    named = {key.strip().lower().replace(" ", "_"): value for key, value in manifest.request.metadata.items()}
    fields |= {key: value for key, value in named.items() if key and value.strip()}
    return Tags(fields | {"language": three_letters(fields["language"])}, cover, timeline)


def write(path: Path, name: AudioFormat, tags: Tags) -> None:
    """Write `tags` into the finished file at `path`.

    Raises:
        EncoderFailed: the file cannot be read as what it should be.
        OSError: the disk is full.
    """
    try:
        _WRITERS[name](path, tags)
    except MutagenError as error:
        if isinstance(error.__context__, OSError):
            raise error.__context__ from error
        raise EncoderFailed(f"Tags cannot be written into the {name} file: {error}.") from error


def _id3(tags: Tags) -> list[Frame]:
    frames: list[Frame] = []
    for key, value in tags.fields.items():
        if key in ID3_FRAMES and (key != "date" or _ID3_DATE.fullmatch(value)):
            frames.append(Frames[ID3_FRAMES[key]](encoding=Encoding.UTF8, text=[value]))
        elif key in {"comment", "description"}:
            description = "" if key == "comment" else key
            frames.append(COMM(encoding=Encoding.UTF8, lang=tags.fields["language"], desc=description, text=[value]))
        else:
            frames.append(TXXX(encoding=Encoding.UTF8, desc=key, text=[value]))
    if tags.cover:
        cover = tags.cover
        kind = PictureType.COVER_FRONT
        frames.append(APIC(encoding=Encoding.LATIN1, mime=cover.mime, type=kind, desc="Cover", data=cover.data))
    return frames + chapter_marks.id3_frames(tags.timeline)


class _InOrder(ID3):
    """Writes frames in the order in which they were added.

    mutagen sorts them by size, and ffmpeg lists chapters as it finds them in the file.
    """

    def _write(self, config: Any) -> bytearray:
        return bytearray().join(save_frame(frame, config=config) for frame in self.values())


def _write_mp3(path: Path, tags: Tags) -> None:
    id3: Any = _InOrder()
    for frame in _id3(tags):
        id3.add(frame)
    id3.save(path, padding=lambda _: 0)


def _write_wav(path: Path, tags: Tags) -> None:
    if path.stat().st_size >= RF64_FROM_BYTES:
        return
    wave: Any = WAVE(path)
    wave.add_tags()
    for frame in _id3(tags):
        wave.tags.add(frame)
    wave.save()


def _write_m4b(path: Path, tags: Tags) -> None:
    mp4: Any = MP4(path)
    if mp4.tags is None:
        mp4.add_tags()
    for key, value in tags.fields.items():
        if key in MP4_ATOMS:
            mp4.tags[MP4_ATOMS[key]] = [value]
        else:
            name = key.encode("ascii", "ignore").decode() or "tag"
            mp4.tags[f"----:com.apple.iTunes:{name}"] = [MP4FreeForm(value.encode(), AtomDataType.UTF8)]
    mp4.tags["stik"] = [AUDIOBOOK]
    if tags.cover:
        kind = MP4Cover.FORMAT_PNG if tags.cover.mime == "image/png" else MP4Cover.FORMAT_JPEG
        mp4.tags["covr"] = [MP4Cover(tags.cover.data, kind)]
    mp4.save()


def _vorbis(tags: Tags) -> list[tuple[str, str]]:
    fields = [
        (_VORBIS_KEY.sub("_", key).upper().replace("ALBUM_ARTIST", "ALBUMARTIST"), value)
        for key, value in tags.fields.items()
    ]
    return fields + chapter_marks.vorbis_comments(tags.timeline)


def _picture(cover: Cover) -> Picture:
    picture = Picture()
    picture.type, picture.mime, picture.desc, picture.data = PictureType.COVER_FRONT, cover.mime, "Cover", cover.data
    picture.width, picture.height, picture.depth = cover.width, cover.height, 24
    return picture


def _write_opus(path: Path, tags: Tags) -> None:
    opus: Any = OggOpus(path)
    opus.delete()
    for key, value in _vorbis(tags):
        opus.tags.append((key, value))
    if tags.cover:
        opus["METADATA_BLOCK_PICTURE"] = [base64.b64encode(_picture(tags.cover).write()).decode()]
    opus.save(padding=lambda _: 0)


def _write_flac(path: Path, tags: Tags) -> None:
    flac: Any = FLAC(path)
    if flac.tags is None:
        flac.add_tags()
    flac.tags.clear()
    for key, value in _vorbis(tags):
        flac.tags.append((key, value))
    if tags.cover:
        flac.add_picture(_picture(tags.cover))
    flac.save(padding=lambda _: 0)


_WRITERS: dict[AudioFormat, Callable[[Path, Tags], None]] = {
    "mp3": _write_mp3,
    "m4b": _write_m4b,
    "opus": _write_opus,
    "flac": _write_flac,
    "wav": _write_wav,
}
