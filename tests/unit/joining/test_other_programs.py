"""What programs of others that check a format say of joined files: nothing but that they are in order."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from services.assembler import id3
from shared.protocol.messages import AudioFormat
from tests.unit.joining.material import LABELS, episode, joined, picture

KINDS = [(24_000, 1), (48_000, 2)]


def written(folder: Path, name: AudioFormat, rate: int, channels: int) -> tuple[Path, float]:
    """A joined file with a cover, and how long it is."""
    made = episode(name, rate, channels, 20)
    tag = id3.tag([id3.text("TIT2", "Töne"), id3.picture("image/png", picture().data)])
    path = folder / f"episode.{name}"
    path.write_bytes(joined(name, made, replace(LABELS, cover=picture()), id3=tag))
    return path, made.placement.samples / rate


def said(*command: str | Path) -> str:
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, text=True)
    return run.stdout


@pytest.mark.parametrize(("rate", "channels"), KINDS)
def test_mp3val_has_nothing_to_repair(tmp_path: Path, rate: int, channels: int) -> None:
    path, _ = written(tmp_path, "mp3", rate, channels)
    lines = said("mp3val", path).splitlines()
    assert not [line for line in lines if line.startswith(("WARNING", "ERROR"))]
    assert any("Xing header" in line and "ID3v2" in line for line in lines)
    with path.open("ab") as file:
        file.write(bytes(500))
    assert "WARNING" in said("mp3val", path), "it complains of what is not in order"


@pytest.mark.parametrize(("rate", "channels"), KINDS)
def test_opusinfo_has_nothing_to_complain_of(tmp_path: Path, rate: int, channels: int) -> None:
    path, seconds = written(tmp_path, "opus", rate, channels)
    found = said("opusinfo", path)
    assert "WARNING" not in found
    assert "ERROR" not in found
    minutes, rest = next(line for line in found.splitlines() if "Playback length" in line).split(": ")[1].split("m:")
    assert int(minutes) * 60 + float(rest.rstrip("s")) == pytest.approx(seconds, abs=0.002)


@pytest.mark.parametrize(("rate", "channels"), KINDS)
def test_flac_finds_the_md5_of_all_samples(tmp_path: Path, rate: int, channels: int) -> None:
    path, _ = written(tmp_path, "flac", rate, channels)
    found = said("flac", "--test", "--warnings-as-errors", path)
    assert "ok" in found
    assert "WARNING" not in found


@pytest.mark.parametrize("name", ["mp3", "m4b", "opus", "flac", "wav"])
@pytest.mark.parametrize(("rate", "channels"), KINDS)
def test_mediainfo_sees_one_track_of_the_right_length_and_no_fault(
    tmp_path: Path, name: AudioFormat, rate: int, channels: int
) -> None:
    path, seconds = written(tmp_path, name, rate, channels)
    tracks = json.loads(said("mediainfo", "--Output=JSON", path))["media"]["track"]
    kinds = [track["@type"] for track in tracks]
    assert kinds.count("Audio") == 1
    [audio] = [track for track in tracks if track["@type"] == "Audio"]
    assert float(audio["Duration"]) == pytest.approx(seconds, abs=0.1)
    assert audio["Channels"] == str(channels)
    text = json.dumps(tracks)
    assert "IsTruncated" not in text
    assert "ConformanceErrors" not in text
    if name == "m4b":
        assert "Menu" in kinds, "the chapters"
