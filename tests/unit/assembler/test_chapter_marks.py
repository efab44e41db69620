"""Chapters: nested above 255, escaped for ffmetadata, and in the form of the podcast namespace."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mutagen.id3 import ID3

from services.assembler import id3
from services.assembler.chapter_marks import ffmetadata, id3_frames, podcast_namespace_json
from services.assembler.timeline import TimedChapter, Timeline
from shared.audio.joining import vorbis


def timeline(titles: list[str]) -> Timeline:
    chapters = tuple(
        TimedChapter(title=title, level=1, start=n * 24_000, end=(n + 1) * 24_000) for n, title in enumerate(titles)
    )
    return Timeline(sample_rate=24_000, lead_in=0, frames=24_000 * len(titles), chunks=(), chapters=chapters)


@pytest.mark.parametrize("count", [1, 255, 256, 1_000])
def test_no_table_of_contents_has_more_than_255_children_and_each_chapter_is_reached_once(
    count: int, tmp_path: Path
) -> None:
    file = tmp_path / "tags"
    file.write_bytes(id3.tag(id3_frames(timeline([f"Chapter {n}" for n in range(count)]))))

    read = ID3(file)
    tables = {frame.element_id: frame for frame in read.getall("CTOC")}
    chapters = {frame.element_id: frame for frame in read.getall("CHAP")}

    def walk(element: str) -> list[str]:
        if element in chapters:
            return [element]
        assert len(tables[element].child_element_ids) <= 255
        return [found for child in tables[element].child_element_ids for found in walk(child)]

    roots = [frame for frame in tables.values() if frame.flags & 2]
    assert [root.element_id for root in roots] == ["toc"]
    assert [chapters[element].sub_frames["TIT2"].text[0] for element in walk("toc")] == [
        f"Chapter {n}" for n in range(count)
    ]
    times = [(chapters[element].start_time, chapters[element].end_time) for element in walk("toc")]
    assert times == [(n * 1_000, (n + 1) * 1_000) for n in range(count)]


@settings(max_examples=8, deadline=None)
@example(title="back\\")
@example(title="\\")
@given(title=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(str.strip))
def test_ffmpeg_reads_back_any_title(title: str) -> None:
    document = ffmetadata(timeline([title, "a=b;c#d\\e"]), {})
    run = subprocess.run(
        ["ffprobe", "-v", "error", "-f", "ffmetadata", "-show_chapters", "-of", "json", "-i", "pipe:0"],
        input=document.encode(),
        capture_output=True,
        check=True,
        timeout=30,
    )
    titles = [chapter["tags"]["title"] for chapter in json.loads(run.stdout)["chapters"]]
    assert [found.strip() for found in titles] == [" ".join(title.splitlines()).strip(), "a=b;c#d\\e"]


def test_the_json_form_is_that_of_the_podcast_namespace() -> None:
    document = json.loads(podcast_namespace_json(timeline(["One", "Zwei ü"]), title="T", author="A"))

    assert document == {
        "version": "1.2.0",
        "title": "T",
        "author": "A",
        "chapters": [
            {"startTime": 0, "endTime": 1, "title": "One"},
            {"startTime": 1, "endTime": 2, "title": "Zwei ü"},
        ],
    }


def test_vorbis_comments_number_chapters_with_three_digits() -> None:
    comments = vorbis.chapters([(1_000 * n, f"C{n}") for n in range(1_200)])

    assert comments[2:4] == [("CHAPTER001", "00:00:01.000"), ("CHAPTER001NAME", "C1")]
    assert comments[-1] == ("CHAPTER999NAME", "C999")
