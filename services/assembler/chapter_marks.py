"""Chapters in the forms that players read: ID3 frames, ffmetadata (for m4b), and `chapters.json`."""

from __future__ import annotations

import json

from services.assembler import id3
from services.assembler.timeline import TimedChapter, Timeline


def milliseconds(timeline: Timeline, samples: int) -> int:
    """A position in the episode in whole milliseconds."""
    return round(1_000 * timeline.seconds(samples))


def id3_frames(timeline: Timeline) -> list[bytes]:
    """A CHAP for each chapter and the tables of contents that list them, nested if there are more than 255."""
    frames: list[bytes] = []
    level: list[tuple[str, str, str]] = []  # element id, first title, last title
    for number, chapter in enumerate(timeline.chapters):
        element = f"chp{number}"
        start, end = (milliseconds(timeline, samples) for samples in (chapter.start, chapter.end))
        frames.append(id3.chapter(element, start, end, chapter.title))
        level.append((element, chapter.title, chapter.title))
    depth = 0
    while len(level) > id3.CONTENTS_CHILDREN:
        depth += 1
        groups = [level[at : at + id3.CONTENTS_CHILDREN] for at in range(0, len(level), id3.CONTENTS_CHILDREN)]
        level = [(f"toc{depth}-{number}", group[0][1], group[-1][2]) for number, group in enumerate(groups)]
        for (element, first, last), group in zip(level, groups, strict=True):
            children = [child for child, _, _ in group]
            frames.append(id3.contents(element, children, id3.ORDERED, f"{first} … {last}"))
    top = [child for child, _, _ in level]
    frames.append(id3.contents("toc", top, id3.TOP_LEVEL | id3.ORDERED, "Chapters"))
    return frames


def ffmetadata(timeline: Timeline, tags: dict[str, str]) -> str:
    """An ffmetadata file: what ffmpeg writes into containers with built-in chapters."""
    lines = [";FFMETADATA1", *(f"{_escaped(key)}={_escaped(value)}" for key, value in tags.items())]
    for chapter in timeline.chapters:
        start, end = (milliseconds(timeline, samples) for samples in (chapter.start, chapter.end))
        lines += ["[CHAPTER]", "TIMEBASE=1/1000", f"START={start}", f"END={end}", f"title={_escaped(chapter.title)}"]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    r"""For ffmetadata: `= ; # \` and line ends are escaped with a backslash; a NUL would end the file."""
    text = " ".join(text.replace("\0", "").splitlines())
    escaped = "".join("\\" + character if character in "=;#\\" else character for character in text)
    # ffmpeg treats a backslash at the end of a line as a line continuation, even if the backslash is escaped.
    return escaped + " " if text.endswith("\\") else escaped


def podcast_namespace_json(timeline: Timeline, *, title: str, author: str) -> bytes:
    """`chapters.json` as the podcast namespace defines it (application/json+chapters, version 1.2.0)."""

    def entry(chapter: TimedChapter) -> dict[str, object]:
        start, end = (milliseconds(timeline, samples) / 1_000 for samples in (chapter.start, chapter.end))
        return {"startTime": start, "endTime": end, "title": chapter.title}

    document: dict[str, object] = {"version": "1.2.0", "title": title}
    if author:
        document["author"] = author
    document["chapters"] = [entry(chapter) for chapter in timeline.chapters]
    return json.dumps(document, ensure_ascii=False, indent=1).encode()
