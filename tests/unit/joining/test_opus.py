"""An Ogg Opus file that is joined of segments."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mutagen.oggopus import OggOpus

from shared.audio.joining import ogg_pages
from shared.audio.joining.ogg import PACKET_SAMPLES, PRE_SKIP_SAMPLES, RATE_HZ, OggJoiner
from shared.audio.segments import libopus, opus
from shared.errors import BadAudio
from tests.unit.joining.material import KINDS, LABELS, Episode, decoded, difference_db, episode, joined, picture, probed


def pages(data: bytes) -> list[tuple[tuple[int, ...], bytes, bytes]]:
    """Header, lacing and body of each page; checksums are checked."""
    found, at = [], 0
    while at < len(data):
        magic, *fields, checksum, segments = ogg_pages.HEADER.unpack_from(data, at)
        assert magic == b"OggS"
        lacing = data[at + ogg_pages.HEADER.size :][:segments]
        end = at + ogg_pages.HEADER.size + segments + sum(lacing)
        page = data[at:end]
        assert ogg_pages.checksum(page[:22] + bytes(4) + page[26:]) == checksum
        found.append((tuple(fields), lacing, page[ogg_pages.HEADER.size + segments :]))
        at = end
    return found


def packets(data: bytes) -> list[bytes]:
    """The packets of a stream, headers included."""
    found, packet = [], b""
    for _, lacing, body in pages(data):
        at = 0
        for size in lacing:
            packet += body[at : at + size]
            at += size
            if size < ogg_pages.SEGMENT_BYTES:
                found.append(packet)
                packet = b""
    assert not packet
    return found


def long_encode(made: Episode, channels: int) -> list[bytes]:
    rate = made.placement.rate
    settings = {
        libopus.SET_BITRATE: opus.BITRATES[channels],
        libopus.SET_VBR: 1,
        libopus.SET_VBR_CONSTRAINT: 0,
        libopus.SET_COMPLEXITY: opus.COMPLEXITY,
    }
    return libopus.encode(np.tile(made.pcm[:, None], (1, channels)), rate, settings)[0]


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (24_000, 1), (48_000, 1), (48_000, 2)])
def test_the_sound_is_that_of_one_long_encode(tmp_path: Path, rate: int, channels: int) -> None:
    """Packets differ, for the encoder remembers how it decided before; the noise that they add does not."""
    made = episode("opus", rate, channels)
    path = tmp_path / "episode.opus"
    path.write_bytes(joined("opus", made, LABELS))
    found = decoded(path, channels, rate=rate)
    delay = 312 * rate // 48_000  # 6.5 ms, as libopus says
    expected = libopus.decode(long_encode(made, channels), rate, channels)[delay:]
    samples = made.pcm[:, None]
    length = min(len(found), len(expected))
    assert difference_db(found[:length], expected[:length]) < -20
    noise = difference_db(found[:length], samples[:length])
    assert noise == pytest.approx(difference_db(expected[:length], samples[:length]), abs=0.3)


@pytest.mark.parametrize(("rate", "channels"), KINDS)
def test_players_get_the_exact_length(tmp_path: Path, rate: int, channels: int) -> None:
    made = episode("opus", rate, channels)
    path = tmp_path / "episode.opus"
    path.write_bytes(joined("opus", made, LABELS))
    samples = -(-made.placement.samples * RATE_HZ // rate)
    assert len(decoded(path, channels)) == samples
    info: Any = OggOpus(path).info  # type: ignore[no-untyped-call]  # mutagen has no types
    assert info.length == pytest.approx(samples / RATE_HZ, abs=1e-6)


def test_pages_are_numbered_and_hold_a_second() -> None:
    made = episode("opus", 24_000, 1, 12)
    data = joined("opus", made, LABELS)
    found = pages(data)
    flags = [fields[1] for fields, _, _ in found]
    assert flags[0] == ogg_pages.FIRST
    assert flags[-1] == ogg_pages.LAST
    assert not any(flags[1:-1])
    assert [fields[4] for fields, _, _ in found] == list(range(len(found)))
    granules = [fields[2] for fields, _, _ in found[2:]]
    assert granules[:-1] == [50 * PACKET_SAMPLES * (at + 1) for at in range(len(granules) - 1)]
    assert granules[-1] == PRE_SKIP_SAMPLES + made.placement.samples * RATE_HZ // 24_000
    whole = packets(data)[2:]
    for placed, segment in zip(made.placed, made.segments, strict=True):
        assert b"".join(whole[placed.begins : placed.ends]) == segment.payload


def test_packets_too_large_for_one_page_are_spread() -> None:
    made = episode("opus", 48_000, 2)
    joiner = OggJoiner(made.placement.grid, 2)
    large = [b"\xf8" + bytes(1_274) for _ in range(120)]
    data = joiner._paged(large) + joiner._finished(flags=ogg_pages.LAST)
    assert packets(data) == large
    assert all(len(lacing) <= ogg_pages.SEGMENTS for _, lacing, _ in pages(data))


@pytest.mark.parametrize("channels", [1, 2])
def test_a_silent_packet_is_silence_after_anything(channels: int) -> None:
    made = episode("opus", 48_000, channels)
    loud = max(packets(joined("opus", made, LABELS))[2:], key=len)
    silence = packets(joined("opus", made, LABELS))[2]
    heard = libopus.decode([loud, *[silence] * 10], 48_000, channels)
    assert np.abs(heard[:PACKET_SAMPLES]).max() > 0.01
    assert np.abs(heard[3 * PACKET_SAMPLES :]).max() < 1e-9


def test_tags_chapters_and_cover_are_read_by_others(tmp_path: Path) -> None:
    made = episode("opus", 24_000, 1)
    path = tmp_path / "episode.opus"
    path.write_bytes(joined("opus", made, replace(LABELS, cover=picture())))
    tags = OggOpus(path)  # type: ignore[no-untyped-call]  # mutagen has no types
    assert tags["title"] == [LABELS.fields["title"]]
    assert tags["albumartist"] == [LABELS.fields["album_artist"]]
    assert tags["mood"] == ["calm"]
    assert tags["chapter001"] == ["00:00:02.500"]
    assert "metadata_block_picture" in tags
    report = probed(path)
    assert [chapter["tags"]["title"] for chapter in report["chapters"]] == ["One = first", "Zwei — 第二"]
    assert [stream["codec_name"] for stream in report["streams"]] == ["opus", "mjpeg"]


@pytest.mark.parametrize("gain_db", [-3.25, 2.5])
def test_the_output_gain_moves_the_level_of_everything(tmp_path: Path, gain_db: float) -> None:
    made = episode("opus", 24_000, 1)
    plain, moved = tmp_path / "plain.opus", tmp_path / "moved.opus"
    plain.write_bytes(joined("opus", made, LABELS))
    moved.write_bytes(joined("opus", made, LABELS, output_gain_db=gain_db))
    expected = decoded(plain, 1) * np.float32(10 ** (gain_db / 20))
    assert difference_db(decoded(moved, 1), expected) < -60


def test_packets_that_are_not_those_of_the_head_are_refused() -> None:
    made = episode("opus", 24_000, 1)
    with pytest.raises(BadAudio, match="Opus segment"):
        OggJoiner(made.placement.grid, 2).add(made.placed[0], made.segments[1].payload)
    with pytest.raises(BadAudio, match="not as it was encoded"):
        OggJoiner(made.placement.grid, 2).add(made.placed[0], bytes(len(made.segments[0].payload)))
