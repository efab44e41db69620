"""The stream of an episode that is still being spoken: the frames of the final file, and nothing that changes later."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from shared.audio.joining import hls, hls_files, placement
from shared.audio.joining.hls import HlsPlan
from shared.audio.joining.joiner import Whole
from shared.audio.joining.mp4 import Mp4Joiner
from shared.audio.joining.placement import Placed, Placement
from shared.audio.segments.aac_frames import FRAME_SAMPLES
from shared.audio.segments.segment import MasteredSegment
from shared.errors import BadAudio
from tests.unit.joining.material import LABELS, closed, decoded, place, whole
from tests.unit.segments.material import chunks, codec, segments

PAUSES_MS = (0, 240, 250, 400, 650, 1_500)
LAST = 700


@dataclass(frozen=True)
class Spoken:
    """Segments with pauses, and where the assembler puts them."""

    segments: list[MasteredSegment]
    pauses: list[int]
    placement: Placement
    placed: list[Placed]

    def plan(self, count: int | None = None) -> HlsPlan:
        """Of the first chunks; of the whole episode if it is not said how many."""
        plan = HlsPlan(self.placement.rate)
        for index, each in enumerate(self.segments[:count]):
            plan.add(each.head.samples, self.pauses[index], is_last=index + 1 == len(self.segments))
        return plan

    def fragments(self, count: int | None = None) -> list[bytes]:
        plan = self.plan(count)
        return [self.fragment(plan, number) for number in range(plan.fragments)]

    def fragment(self, plan: HlsPlan, number: int) -> bytes:
        cut = plan.cut(number)
        first, last = cut.chunks
        return hls_files.fragment(plan, cut, self.segments[first : last + 1], self.placement.channels)


@cache
def spoken(rate: int, channels: int, count: int) -> Spoken:
    made = chunks(count, rate, seed=1)
    pauses = [PAUSES_MS[index % len(PAUSES_MS)] for index in range(count)]
    starts, at = [], placement.LEAD_IN_BLOCKS * rate // 10
    for each, pause in zip(made, [*pauses[:-1], LAST], strict=True):
        starts.append(at)
        at += len(each) + placement.pause_blocks(pause) * rate // 10
    encoded = segments(made, rate, codec("m4b"), channels=channels)
    placed = place([each.head for each in encoded], starts)
    return Spoken(encoded, pauses, whole(placed, at), placed)


def text(plan: HlsPlan) -> str:
    is_complete = plan.chunks == 12
    return hls.playlist(plan, initialization="init.mp4", name="{number}.m4s", is_complete=is_complete)


def seconds(plan: HlsPlan) -> list[float]:
    return [plan.cut(number).frames * FRAME_SAMPLES / plan.rate for number in range(plan.fragments)]


@pytest.mark.parametrize(("rate", "channels"), [(24_000, 1), (44_100, 2)])
def test_the_stream_has_exactly_the_samples_of_the_final_file(tmp_path: Path, rate: int, channels: int) -> None:
    made = spoken(rate, channels, 12)
    (tmp_path / "init.mp4").write_bytes(hls_files.initialization(rate, channels, language="eng"))
    for number, data in enumerate(made.fragments()):
        (tmp_path / f"{number}.m4s").write_bytes(data)
    (tmp_path / "episode.m3u8").write_text(text(made.plan()))
    run = subprocess.run(
        ["ffmpeg", "-v", "warning", "-i", tmp_path / "episode.m3u8", "-f", "f32le", "-"],
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert run.stderr == b""
    whole = tmp_path / "episode.m4b"
    pairs = zip(made.placed, made.segments, strict=True)
    joiner = Mp4Joiner(made.placement.grid)
    frames = [joiner.add(at, each.payload) for at, each in pairs]
    whole.write_bytes(closed(joiner, Whole(made.placement, LABELS), frames))
    found = np.frombuffer(run.stdout, dtype=np.float32).reshape(-1, channels)
    assert np.array_equal(found, decoded(whole, channels))


def test_fragments_follow_each_other_and_are_neither_short_nor_long() -> None:
    made = spoken(24_000, 1, 30)
    plan = made.plan()
    cuts = [plan.cut(number) for number in range(plan.fragments)]
    assert [each.number for each in cuts] == list(range(len(cuts)))
    ends = [each.first + each.frames for each in cuts]
    assert [each.first for each in cuts] == [0, *ends[:-1]]
    assert ends[-1] == made.placement.frames
    lengths = seconds(plan)
    assert all(hls.LEAST_SECONDS <= length <= hls.MOST_SECONDS for length in lengths[1:-1])
    assert lengths[0] < hls.LEAST_SECONDS
    assert round(max(lengths)) <= hls.TARGET_SECONDS


def test_a_fragment_names_the_chunks_that_are_heard_in_it() -> None:
    plan = spoken(24_000, 1, 30).plan()
    named = [plan.cut(number).chunks for number in range(plan.fragments)]
    assert (named[0], named[-1][1]) == ((0, 0), 29)
    assert all(after[0] - before[1] in {0, 1} for before, after in pairwise(named))


def test_the_first_fragment_is_there_with_the_first_chunk() -> None:
    assert spoken(24_000, 1, 30).plan(1).fragments == 1
    assert spoken(24_000, 1, 30).plan(0).fragments == 0


def test_what_was_published_never_changes() -> None:
    made = spoken(24_000, 1, 12)
    whole, final = made.fragments(), text(made.plan())
    assert final.endswith("#EXT-X-ENDLIST\n")
    for count in range(13):
        fragments = made.fragments(count)
        assert fragments == whole[: len(fragments)]
        assert final.startswith(text(made.plan(count)))


def test_a_long_chunk_is_cut_and_so_is_a_long_pause() -> None:
    made = spoken(24_000, 1, 1)
    segment = made.segments[0]
    times = 20
    sizes = np.tile(segment.head.sizes, times)
    samples = (len(sizes) - 4) * FRAME_SAMPLES
    head = replace(segment.head, sizes=sizes, frames=len(sizes), samples=samples)
    long = MasteredSegment(replace(head, payload_bytes=times * head.payload_bytes), times * segment.payload)
    plan = HlsPlan(24_000)
    plan.add(samples, 20_000, is_last=False)
    plan.add(segment.head.samples, 0, is_last=True)
    every = [long, segment]
    cuts = [plan.cut(number) for number in range(plan.fragments)]
    assert max(seconds(plan)) <= hls.MOST_SECONDS
    made_of = [hls_files.fragment(plan, cut, every[cut.chunks[0] : cut.chunks[1] + 1], 1) for cut in cuts]
    frames = b"".join(data[data.index(b"mdat") + 4 :] for data in made_of)
    assert times * segment.payload in frames
    assert segment.payload in frames[frames.index(long.payload) + len(long.payload) :]


def test_frames_that_are_not_those_of_the_head_are_refused() -> None:
    made = spoken(24_000, 1, 12)
    plan = made.plan()
    other = next(each for each in made.segments if each.head.frames != made.segments[0].head.frames)
    with pytest.raises(BadAudio, match="not as long as the chunk"):
        hls_files.fragment(plan, plan.cut(0), [other], 1)
    with pytest.raises(BadAudio, match="has 1 channels"):
        hls_files.fragment(plan, plan.cut(0), [made.segments[0]], 2)
    mixed = replace(made.segments[0], payload=other.payload)
    with pytest.raises(BadAudio, match="not those that its head lists"):
        hls_files.fragment(plan, plan.cut(0), [mixed], 1)


def test_why_nothing_more_comes_is_one_line() -> None:
    plan = spoken(24_000, 1, 12).plan(3)
    said = hls.playlist(plan, initialization="i", name="{number}", is_complete=True, remark="It\n#EXTINF:9\nfailed.")
    assert said.endswith("\n# It #EXTINF:9 failed.\n#EXT-X-ENDLIST\n")
