"""Title, author, cover, language and chapters, written into a finished file in the way of its format."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.assembler import chapter_marks, flac_tags, id3, mp4_tags, ogg
from services.assembler.cover import Cover
from services.assembler.timeline import Timeline, plan
from shared.audio.joining import mp4_boxes, vorbis
from shared.audio.joining.joiner import EpisodeChapter, Labels
from shared.audio.joining.languages import three_letters
from shared.audio.loudness import block_samples
from shared.protocol.manifest import Manifest
from shared.protocol.messages import AudioFormat

# What each format calls a job's metadata keys; any other key becomes a tag under its own name.
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
_ID3_DATE = re.compile(r"\d{4}(-\d\d(-\d\d([T ]\d\d(:\d\d(:\d\d)?)?)?)?)?")
"""What a TDRC frame can hold; any other date is written as a separate tag."""


@dataclass(frozen=True, slots=True)
class Tags:
    """What is written into each file.

    Attributes:
        fields: those named in `ID3_FRAMES`, and the job's own.
        cover: a checked picture, or None.
        timeline: has the times of the chapters.
    """

    fields: dict[str, str]
    cover: Cover | None
    timeline: Timeline


def of(manifest: Manifest, cover: Cover | None, timeline: Timeline) -> Tags:
    """The tags of a job's episode. The job's metadata wins over what is derived."""
    fields = {"title": manifest.title, "album": manifest.album or manifest.title, "language": manifest.language}
    if manifest.author:
        fields |= {"artist": manifest.author, "album_artist": manifest.author, "composer": manifest.author}
    fields |= _named(manifest)
    return Tags(fields | {"language": three_letters(fields["language"])}, cover, timeline)


def of_chapter(whole: Tags, manifest: Manifest, timeline: Timeline, *, number: int, count: int) -> Tags:
    """The tags of a chapter that is a file of its own: the episode is its album, unless the job names another.

    Args:
        whole: the tags of the episode.
        manifest: of the job.
        timeline: of this file.
        number: of the chapter, from 1.
        count: of the chapters.
    """
    title = timeline.chapters[0].title or whole.fields["title"]
    album = _named(manifest).get("album", whole.fields["title"])
    fields = whole.fields | {"title": title, "album": album, "track": f"{number}/{count}"}
    return Tags(fields, whole.cover, timeline)


def _named(manifest: Manifest) -> dict[str, str]:
    """The job's own metadata, its keys as they are spelt here."""
    named = {key.strip().lower().replace(" ", "_"): value for key, value in manifest.request.metadata.items()}
    return {key: value for key, value in named.items() if key and value.strip()}


def write(path: Path, name: AudioFormat, tags: Tags) -> None:
    """Write `tags` into the finished file at `path`.

    Raises:
        EncoderFailed: the file does not have the expected format.
        OSError: the disk is full.
    """
    _WRITERS[name](path, tags)


def id3_tag(tags: Tags) -> bytes:
    """The ID3 tag of an mp3 file, as its first bytes.

    Raises:
        EncoderFailed: it exceeds the size limit of a tag.
    """
    return id3.tag(_id3(tags))


def labels_beforehand(manifest: Manifest, cover: Cover | None, sample_rate: int) -> Labels:
    """The labels of a job's episode, all but the times of its chapters: chunks are not measured yet."""
    unmeasured = [block_samples(sample_rate)] * len(manifest.chunks)
    return labels_of(of(manifest, cover, plan(manifest, unmeasured, sample_rate)))


def labels_of(tags: Tags) -> Labels:
    """The same, as joiners take it."""
    seconds = tags.timeline.seconds
    chapters = [EpisodeChapter(each.title, seconds(each.start), seconds(each.end)) for each in tags.timeline.chapters]
    return Labels(tags.fields, tags.fields["language"], tags.cover, chapters)


def _id3(tags: Tags) -> list[bytes]:
    frames = []
    for key, value in tags.fields.items():
        if key in ID3_FRAMES and (key != "date" or _ID3_DATE.fullmatch(value)):
            frames.append(id3.text(ID3_FRAMES[key], value))
        elif key in {"comment", "description"}:
            frames.append(id3.comment(tags.fields["language"], "" if key == "comment" else key, value))
        else:
            frames.append(id3.own_text(key, value))
    if tags.cover:
        frames.append(id3.picture(tags.cover.mime, tags.cover.data))
    return frames + chapter_marks.id3_frames(tags.timeline)


def _write_mp3(path: Path, tags: Tags) -> None:
    id3.prepend(path, _id3(tags))


def _write_wav(path: Path, tags: Tags) -> None:
    id3.append_to_wav(path, _id3(tags))


def _write_m4b(path: Path, tags: Tags) -> None:
    mp4_tags.write(path, mp4_boxes.items(tags.fields, tags.cover))


def _comments(tags: Tags) -> list[tuple[str, str]]:
    return vorbis.labels_of(labels_of(tags))


def _write_opus(path: Path, tags: Tags) -> None:
    ogg.write_opus(path, _comments(tags), tags.cover)


def _write_flac(path: Path, tags: Tags) -> None:
    flac_tags.write_flac(path, _comments(tags), tags.cover)


_WRITERS: dict[AudioFormat, Callable[[Path, Tags], None]] = {
    "mp3": _write_mp3,
    "m4b": _write_m4b,
    "opus": _write_opus,
    "flac": _write_flac,
    "wav": _write_wav,
}
