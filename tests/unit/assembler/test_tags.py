"""The tag writers alone: mutagen and ffmpeg, which are independent of them, read what they wrote."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import tracemalloc
import zlib
from pathlib import Path

import mutagen
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutagen.flac import FLAC
from mutagen.id3 import ID3
from mutagen.mp4 import MP4, MP4Cover
from mutagen.oggopus import OggOpus
from mutagen.wave import WAVE

from services.assembler import id3, ogg, splicing, tags
from services.assembler.cover import Cover
from services.assembler.encoders import ENCODERS, output_arguments
from services.assembler.timeline import TimedChapter, Timeline
from shared.audio.ffmpeg import EncoderFailed
from shared.audio.joining import mp4_boxes, ogg_pages
from shared.protocol.messages import AudioFormat

FORMATS: tuple[AudioFormat, ...] = ("mp3", "m4b", "opus", "flac", "wav")


def noise_png(side: int) -> bytes:
    """A picture that cannot be compressed."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + os.urandom(3 * side) for _ in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


BIG = Cover(noise_png(1_000), "image/png", 1_000, 1_000)
"""Large enough to move everything behind it, on dozens of Ogg pages."""
FIELDS = {
    "title": "Größe & 高さ",
    "artist": "Ada Müller",
    "language": "deu",
    "comment": "first\nsecond",
    "description": "what it is",
    "narrator": "espeak",
    "größe": "groß",
}


def tagged(cover: Cover | None = None, *, titles: tuple[str, ...] = ("One", "Zwei ü"), **fields: str) -> tags.Tags:
    chapters = tuple(
        TimedChapter(title=title, level=1, start=n * 24_000, end=(n + 1) * 24_000) for n, title in enumerate(titles)
    )
    timeline = Timeline(sample_rate=24_000, lead_in=0, frames=24_000 * len(titles), chunks=(), chapters=chapters)
    return tags.Tags({**FIELDS, **fields}, cover, timeline)


def encoded(folder: Path, name: AudioFormat, *, seconds: int = 3) -> Path:
    """A file as the encoder leaves it."""
    path = folder / f"episode.{name}"
    metadata = folder / "none.ffmeta"
    metadata.write_text(";FFMETADATA1\n")
    noise = ("-f", "lavfi", "-i", f"anoisesrc=r=24000:d={seconds}:a=0.1:seed=1")
    options = output_arguments(name, channels=1, language="eng")
    subprocess.run(
        ["ffmpeg", "-v", "error", *noise, "-f", "ffmetadata", "-i", str(metadata), *options, str(path)],
        check=True,
        timeout=60,
    )
    return path


def heard(path: Path) -> bytes:
    """The digest of the audio as decoded by ffmpeg; any damage that it notices is an error."""
    arguments = ("-v", "error", "-xerror", "-err_detect", "crccheck+explode", "-i", str(path), "-map", "0:a")
    run = subprocess.run(
        ["ffmpeg", *arguments, "-f", "md5", "-"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert run.stderr == b""
    return run.stdout


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("cover", [None, BIG], ids=["no-cover", "big-cover"])
def test_the_sound_is_the_same_with_tags_as_without(tmp_path: Path, name: AudioFormat, cover: Cover | None) -> None:
    path = encoded(tmp_path, name)
    before = heard(path)

    tags.write(path, name, tagged(cover))

    assert heard(path) == before
    assert mutagen.File(path).info.length == pytest.approx(3, abs=0.2)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "wav"])  # which is tagged once
def test_written_again_the_new_tags_stand_in_the_place_of_the_old(tmp_path: Path, name: AudioFormat) -> None:
    path = encoded(tmp_path, name)
    tags.write(path, name, tagged(title="New"))
    expected = path.read_bytes()

    tags.write(path, name, tagged(BIG, title="Old and longer"))
    tags.write(path, name, tagged(title="New"))

    assert path.read_bytes() == expected


def test_an_mp3_has_every_frame(tmp_path: Path) -> None:
    path = encoded(tmp_path, "mp3")
    tags.write(path, "mp3", tagged(BIG))

    read = ID3(path)
    assert read.version == (2, 4, 0)
    assert (str(read["TIT2"]), str(read["TPE1"]), str(read["TLAN"])) == ("Größe & 高さ", "Ada Müller", "deu")
    assert (read["COMM::deu"].text, read["COMM:description:deu"].text) == (["first\nsecond"], ["what it is"])
    assert (read["TXXX:narrator"].text, read["TXXX:größe"].text) == (["espeak"], ["groß"])
    assert (read["APIC:Cover"].data, read["APIC:Cover"].mime, read["APIC:Cover"].type) == (BIG.data, "image/png", 3)
    assert [str(chapter.sub_frames["TIT2"]) for chapter in read.getall("CHAP")] == ["One", "Zwei ü"]
    assert not read.unknown_frames


def test_a_wav_has_the_same_frames(tmp_path: Path) -> None:
    path = encoded(tmp_path, "wav")
    tags.write(path, "wav", tagged(BIG))

    read = WAVE(path).tags
    assert (str(read["TIT2"]), read["APIC:Cover"].data) == ("Größe & 高さ", BIG.data)
    assert len(read.getall("CHAP")) == 2
    assert int.from_bytes(path.read_bytes()[4:8], "little") == path.stat().st_size - 8


def test_an_m4b_has_every_atom(tmp_path: Path) -> None:
    path = encoded(tmp_path, "m4b")
    tags.write(path, "m4b", tagged(BIG))

    read = MP4(path)
    assert (read["\xa9nam"], read["\xa9ART"], read["\xa9cmt"]) == ([FIELDS["title"]], ["Ada Müller"], ["first\nsecond"])
    assert (read["desc"], read["stik"]) == (["what it is"], [mp4_boxes.AUDIOBOOK])
    assert bytes(read["----:com.apple.iTunes:narrator"][0]) == b"espeak"
    assert (bytes(read["covr"][0]), read["covr"][0].imageformat) == (BIG.data, MP4Cover.FORMAT_PNG)
    assert "groß".encode() in [bytes(value[0]) for key, value in read.items() if key.startswith("----")]


@pytest.mark.parametrize("name", ["opus", "flac"])
def test_opus_and_flac_have_every_comment_and_the_picture(tmp_path: Path, name: AudioFormat) -> None:
    path = encoded(tmp_path, name)
    tags.write(path, name, tagged(BIG))

    read = OggOpus(path) if name == "opus" else FLAC(path)
    assert (read["title"], read["comment"], read["narrator"]) == ([FIELDS["title"]], ["first\nsecond"], ["espeak"])
    assert read["chapter001name"] == ["Zwei ü"]
    run = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v", "-c", "copy", "-f", "image2pipe", "-"],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert run.stdout == BIG.data


@pytest.mark.parametrize("name", FORMATS)
def test_a_nul_in_a_title_or_an_odd_language_harms_no_file(tmp_path: Path, name: AudioFormat) -> None:
    path = encoded(tmp_path, name)
    tags.write(path, name, tagged(titles=("a\0b",), title="x\0y", language="üß€"))

    assert mutagen.File(path) is not None
    if name in {"mp3", "wav"}:
        read = mutagen.File(path).tags
        assert (str(read["TIT2"]), str(read.getall("CHAP")[0].sub_frames["TIT2"])) == ("xy", "ab")


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "mp3"])
@pytest.mark.parametrize("data", [b"", b"this is no audio file at all, not at all", b"OggS", b"fLaC\x04\x00\x00"])
def test_a_file_that_is_not_what_it_should_be_is_refused_by_name(
    tmp_path: Path, name: AudioFormat, data: bytes
) -> None:
    path = tmp_path / "broken"
    path.write_bytes(data)

    with pytest.raises(EncoderFailed, match="cannot be written"):
        tags.write(path, name, tagged())


@pytest.mark.parametrize("name", ["mp3", "m4b", "opus", "flac", "wav"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: AudioFormat) -> None:
    path = encoded(tmp_path, name, seconds=600)
    small = Cover(b"\xff\xd8\xff" + bytes(20_000), "image/jpeg", 100, 100)
    monkeypatch.setattr(splicing, "PIECE_BYTES", 16_384)

    tracemalloc.start()
    try:
        tags.write(path, name, tagged(small))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert path.stat().st_size > 2_500_000
    assert peak < 500_000
    if name == "m4b":
        assert MP4(path)["covr"][0].imageformat == MP4Cover.FORMAT_JPEG


def test_offsets_that_no_longer_fit_are_refused(tmp_path: Path) -> None:
    table = mp4_boxes.box(b"stco", bytes(4) + (1).to_bytes(4) + (0xFFFFFFF0).to_bytes(4))
    for name in (b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        table = mp4_boxes.box(name, table)
    path = tmp_path / "long.m4b"
    path.write_bytes(table)

    with pytest.raises(EncoderFailed, match="larger than its offsets"):
        tags.write(path, "m4b", tagged())
    assert path.read_bytes() == table


def test_a_tag_that_is_too_large_is_refused() -> None:
    with pytest.raises(EncoderFailed, match="more than ID3 can hold"):
        id3.tag([bytes(id3.SYNCHSAFE_LIMIT)])


def test_ogg_pages_are_numbered_without_a_gap_and_have_their_checksums(tmp_path: Path) -> None:
    path = encoded(tmp_path, "opus")
    for cover in (None, BIG):
        if cover:
            tags.write(path, "opus", tagged(cover))
        pages = list(ogg._pages(io.BytesIO(path.read_bytes()), 0))
        assert [page.number for page in pages] == list(range(len(pages)))
        for page in pages:
            without = page.data[:22] + bytes(4) + page.data[26:]
            assert ogg_pages.checksum(without) == int.from_bytes(page.data[22:26], "little")
    assert len(pages) > 40


@given(
    before=st.binary(max_size=60), old=st.binary(max_size=30), new=st.binary(max_size=30), rest=st.binary(max_size=60)
)
def test_splicing_is_what_slices_of_bytes_do(before: bytes, old: bytes, new: bytes, rest: bytes) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(splicing, "PIECE_BYTES", 7)
        file = io.BytesIO(before + old + rest)
        assert splicing.replace(file, len(before), len(old), new) == len(new) - len(old)
    assert file.getvalue() == before + new + rest


def test_every_format_has_a_writer() -> None:
    assert set(tags._WRITERS) == set(ENCODERS)
