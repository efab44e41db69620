"""A file for each chapter, in a ZIP archive with a playlist and the cover.

The files have the same segments as the episode, so that nothing is encoded again and a chapter is as loud as in the
whole. An episode that had to be encoded as a whole has its chapters encoded in the same way, with the same gain.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from services.assembler import chapter_names, episode_files, joining, mastering, tags
from services.assembler.body import Body
from services.assembler.episode_files import EpisodeFiles
from services.assembler.joining import Joined
from services.assembler.timeline import Timeline, by_chapter
from shared.deadlines import in_thread
from shared.tracing import spans

_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest date that an archive can hold. It is always this one, so that the same chapters are the same bytes."""
_MODE: Final = 0o644 << 16
_PLAYLIST: Final = "playlist.m3u8"


async def make(episode: EpisodeFiles, folder: Path) -> None:
    """Write the archive `episode.zip`, of the first of the job's formats.

    Args:
        episode: whose files are made.
        folder: where the archive is made.

    Raises:
        ChunkMissing: a chunk was removed meanwhile.
        EncoderFailed, DiskFull: ffmpeg could not do it.
        EpisodeIncomplete: a file is not what was planned.
        OtherAudio: a chunk was spoken again meanwhile.
    """
    audio_format = episode.manifest.request.formats[0]
    whole = episode.labels
    parts = await in_thread(partial(by_chapter, episode.timeline))
    titles = [part.chapters[0].title or whole.fields["title"] for part in parts]
    names = chapter_names.unique(titles, suffix=f".{audio_format}")
    scratch = folder / "chapters"
    scratch.mkdir()
    with spans.span("chapter files"), _new(episode_files.path_of(folder, "zip")) as archive:
        for number, (part, name) in enumerate(zip(parts, names, strict=True), 1):
            labels = tags.of_chapter(whole, episode.manifest, part, number=number, count=len(parts))
            path = episode_files.path_of(scratch, audio_format)
            if audio_format in episode.joined:
                head = await _joined(episode, episode.joined[audio_format], part, labels, path)
            else:
                alone = mastering.Episode(episode.manifest, part, episode.measurements, labels, scratch, [audio_format])
                await mastering.master_part(alone, episode.store, audio_format, episode.made[audio_format])
                head = b""
            await in_thread(partial(_add_file, archive, name, head, path))
        for name, data in _beside(parts, titles, names, whole).items():
            await in_thread(partial(archive.writestr, _entry(name), data))


async def _joined(episode: EpisodeFiles, whole: Joined, part: Timeline, labels: tags.Tags, path: Path) -> bytes:
    """Write the frames of a chapter to `path`, as loud as in the whole; returns what the file begins with."""
    name = whole.codec.format
    indexes = range(part.chunks[0].index, part.chunks[0].index + len(part.chunks))
    start = joining.start_of(name, partial(tags.labels_of, labels))
    body = Body(episode.manifest, start.joiner, change=whole.change)

    with path.open("wb") as file:

        async def write(data: bytes) -> None:
            await in_thread(partial(file.write, data))

        await joining.copy(body, whole.codec, episode.segments, indexes, write)
        episode.check(body.levels.sounds, first=indexes[0])
        known = joining.whole(replace(whole, placement=body.placement()), labels)
        end, head = await in_thread(partial(body.close, known))
        await write(end)
        joining.check_size(body.joiner, known, len(head) + file.tell(), name)
    return head


@contextmanager
def _new(path: Path) -> Iterator[zipfile.ZipFile]:
    """A new archive. When the body is cancelled, a thread may still be writing to it."""
    archive = zipfile.ZipFile(path, "w")
    try:
        yield archive
    except BaseException:
        with suppress(ValueError):  # a thread is writing; the archive is closed when nothing refers to it any more
            archive.close()
        raise
    archive.close()


def _entry(name: str) -> zipfile.ZipInfo:
    """An entry without compression: audio and pictures would not become smaller."""
    entry = zipfile.ZipInfo(name, _DATE)
    entry.external_attr = _MODE
    return entry


def _add_file(archive: zipfile.ZipFile, name: str, head: bytes, path: Path) -> None:
    """Move a file into the archive, behind its head."""
    entry = _entry(name)
    entry.file_size = len(head) + path.stat().st_size  # so that it is known whether the entry needs 64 bits
    with path.open("rb") as source, archive.open(entry, "w") as target:
        target.write(head)
        shutil.copyfileobj(source, target, 1 << 20)
    path.unlink()


def _beside(parts: list[Timeline], titles: list[str], names: list[str], whole: tags.Tags) -> dict[str, bytes]:
    """What is in the archive besides the chapters."""
    lines = ["#EXTM3U"]
    for part, title, name in zip(parts, titles, names, strict=True):
        lines += [f"#EXTINF:{round(part.seconds(part.frames))},{' '.join(title.split())}", name]
    files = {_PLAYLIST: "".join(f"{line}\n" for line in lines).encode()}
    if whole.cover is not None:
        files[f"cover.{'png' if whole.cover.mime == 'image/png' else 'jpg'}"] = whole.cover.data
    return files
