"""Chapters in the forms that players read: ID3 frames, ffmetadata (for m4b), Vorbis comments, and `chapters.json`."""

# mutagen ships py.typed, but few of its functions are typed
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import json
from collections.abc import Sequence

from mutagen.id3 import CHAP, CTOC, TIT2, CTOCFlags, Encoding, Frame

from services.assembler.captions import timestamp
from services.assembler.timeline import TimedChapter, Timeline

CTOC_CHILDREN = 255
"""The number of children of a table of contents is one byte."""
VORBIS_CHAPTERS = 1_000
"""`CHAPTER000` to `CHAPTER999`: three digits is all that readers of this convention look for."""
UNUSED_OFFSET = 0xFFFFFFFF
"""In a CHAP frame: there are times, not byte offsets."""


def milliseconds(timeline: Timeline, samples: int) -> int:
    """A place in the episode in whole milliseconds."""
    return round(1_000 * timeline.seconds(samples))


def id3_frames(timeline: Timeline) -> list[Frame]:
    """A CHAP for each chapter and the tables of contents above them, nested where there are more than 255."""
    frames: list[Frame] = []
    level: list[tuple[str, str, str]] = []  # element id, first title, last title
    for number, chapter in enumerate(timeline.chapters):
        element = f"chp{number}"
        frames.append(
            CHAP(
                element_id=element,
                start_time=milliseconds(timeline, chapter.start),
                end_time=milliseconds(timeline, chapter.end),
                start_offset=UNUSED_OFFSET,
                end_offset=UNUSED_OFFSET,
                sub_frames=[_title(chapter.title)],
            )
        )
        level.append((element, chapter.title, chapter.title))
    depth = 0
    while len(level) > CTOC_CHILDREN:
        depth += 1
        groups = [level[at : at + CTOC_CHILDREN] for at in range(0, len(level), CTOC_CHILDREN)]
        level = [(f"toc{depth}-{number}", group[0][1], group[-1][2]) for number, group in enumerate(groups)]
        for (element, first, last), group in zip(level, groups, strict=True):
            frames.append(_contents(element, [child for child, _, _ in group], CTOCFlags.ORDERED, f"{first} … {last}"))
    top = CTOCFlags.TOP_LEVEL | CTOCFlags.ORDERED
    frames.append(_contents("toc", [child for child, _, _ in level], top, "Chapters"))
    return frames


def _contents(element: str, children: Sequence[str], flags: int, title: str) -> Frame:
    return CTOC(element_id=element, flags=flags, child_element_ids=list(children), sub_frames=[_title(title)])


def _title(text: str) -> Frame:
    return TIT2(encoding=Encoding.UTF8, text=[text])


def ffmetadata(timeline: Timeline, tags: dict[str, str]) -> str:
    """An ffmetadata file: what ffmpeg writes into containers that have chapters of their own."""
    lines = [";FFMETADATA1", *(f"{_escaped(key)}={_escaped(value)}" for key, value in tags.items())]
    for chapter in timeline.chapters:
        start, end = (milliseconds(timeline, samples) for samples in (chapter.start, chapter.end))
        lines += ["[CHAPTER]", "TIMEBASE=1/1000", f"START={start}", f"END={end}", f"title={_escaped(chapter.title)}"]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    r"""For ffmetadata: `= ; # \` and line ends are escaped with a backslash; a NUL would end the file."""
    text = " ".join(text.replace("\0", "").splitlines())
    escaped = "".join("\\" + character if character in "=;#\\" else character for character in text)
    # ffmpeg takes a backslash at the end of a line for a continued line, even if it is escaped itself.
    return escaped + " " if text.endswith("\\") else escaped


def vorbis_comments(timeline: Timeline) -> list[tuple[str, str]]:
    """`CHAPTERxxx` and `CHAPTERxxxNAME`, for opus and flac."""
    comments = []
    for number, chapter in enumerate(timeline.chapters[:VORBIS_CHAPTERS]):
        comments.append((f"CHAPTER{number:03}", timestamp(milliseconds(timeline, chapter.start))))
        comments.append((f"CHAPTER{number:03}NAME", chapter.title))
    return comments


def podcast_namespace_json(timeline: Timeline, *, title: str, author: str) -> bytes:
    """`chapters.json` as the podcast namespace has it (application/json+chapters, version 1.2.0)."""

    def entry(chapter: TimedChapter) -> dict[str, object]:
        start, end = (milliseconds(timeline, samples) / 1_000 for samples in (chapter.start, chapter.end))
        return {"startTime": start, "endTime": end, "title": chapter.title}

    document: dict[str, object] = {"version": "1.2.0", "title": title}
    if author:
        document["author"] = author
    document["chapters"] = [entry(chapter) for chapter in timeline.chapters]
    return json.dumps(document, ensure_ascii=False, indent=1).encode()
