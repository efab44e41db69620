"""The stream of an episode that is still being spoken: the frames of the final file, and nothing that changes later."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shared.audio.joining import hls
from shared.audio.joining.hls import Fragment, HlsPacker
from shared.audio.joining.mp4 import Mp4Joiner
from shared.audio.segments.aac_frames import FRAME_SAMPLES
from shared.errors import BadAudio
from tests.unit.joining.material import LABELS, Episode, decoded, episode, joined


def packed(made: Episode, *, chunks: int | None = None) -> list[Fragment]:
    """The fragments of the first chunks; of the whole episode if it is not said how many."""
    packer = HlsPacker(made.placement.rate, made.placement.channels)
    fragments: list[Fragment] = []
    for placed, segment in list(zip(made.placement.chunks, made.segments, strict=True))[:chunks]:
        fragments += packer.add(placed, segment.payload)
    return fragments if chunks is not None else fragments + packer.end(made.placement.frames)


def text(fragments: list[Fragment], rate: int, *, is_complete: bool) -> str:
    return hls.playlist(
        [hls.seconds(each.frames, rate) for each in fragments],
        initialization="init.mp4",
        names=[f"{each.number}.m4s" for each in fragments],
        is_complete=is_complete,
    )


@pytest.mark.parametrize(("rate", "channels"), [(24_000, 1), (44_100, 2)])
def test_the_stream_has_exactly_the_samples_of_the_final_file(tmp_path: Path, rate: int, channels: int) -> None:
    made = episode("m4b", rate, channels, 12)
    fragments = packed(made)
    (tmp_path / "init.mp4").write_bytes(hls.initialization(rate, channels, language="eng"))
    for each in fragments:
        (tmp_path / f"{each.number}.m4s").write_bytes(each.data)
    (tmp_path / "episode.m3u8").write_text(text(fragments, rate, is_complete=True))
    run = subprocess.run(
        ["ffmpeg", "-v", "warning", "-i", tmp_path / "episode.m3u8", "-f", "f32le", "-"],
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert run.stderr == b""
    whole = tmp_path / "episode.m4b"
    whole.write_bytes(joined(Mp4Joiner(made.placement, LABELS), made))
    found = np.frombuffer(run.stdout, dtype=np.float32).reshape(-1, channels)
    assert np.array_equal(found, decoded(whole, channels))


def test_fragments_follow_each_other_and_are_neither_short_nor_long() -> None:
    made = episode("m4b", 24_000, 1, 30)
    fragments = packed(made)
    assert [each.number for each in fragments] == list(range(len(fragments)))
    ends = [each.first + each.frames for each in fragments]
    assert [each.first for each in fragments] == [0, *ends[:-1]]
    assert ends[-1] == made.placement.frames
    lengths = [hls.seconds(each.frames, 24_000) for each in fragments]
    assert all(hls.LEAST_SECONDS <= length <= hls.MOST_SECONDS for length in lengths[1:-1])
    assert lengths[0] < hls.LEAST_SECONDS
    assert max(lengths) < hls.TARGET_SECONDS


def test_the_first_fragment_is_there_with_the_first_chunk() -> None:
    made = episode("m4b", 24_000, 1, 30)
    assert [each.number for each in packed(made, chunks=1)] == [0]


def test_what_was_published_never_changes() -> None:
    made = episode("m4b", 24_000, 1, 12)
    whole = packed(made)
    final = text(whole, 24_000, is_complete=True)
    for count in range(13):
        fragments = packed(made, chunks=count)
        assert fragments == whole[: len(fragments)]
        assert final.startswith(text(fragments, 24_000, is_complete=False))


def test_a_long_chunk_is_cut() -> None:
    made = episode("m4b", 24_000, 1)
    segment, placed = made.segments[0], made.placement.chunks[0]
    times = 20
    sizes = np.tile(segment.head.sizes, times)
    head = replace(segment.head, sizes=sizes, frames=len(sizes), payload_bytes=times * segment.head.payload_bytes)
    packer = HlsPacker(24_000, 1)
    fragments = packer.add(replace(placed, head=head), times * segment.payload)
    most = hls.MOST_SECONDS * 24_000 // FRAME_SAMPLES
    assert len(fragments) > 2
    assert {each.frames for each in fragments[:-1]} == {most}
    frames = b"".join(each.data[each.data.index(b"mdat") + 4 :] for each in fragments)
    assert frames.endswith(times * segment.payload)


def test_frames_that_are_not_those_of_the_head_are_refused() -> None:
    made = episode("m4b", 24_000, 1)
    with pytest.raises(BadAudio, match="not those that its head lists"):
        HlsPacker(24_000, 1).add(made.placement.chunks[0], made.segments[1].payload)
