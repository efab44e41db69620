"""`--play` and `podcast stream`: what a job speaks is heard in order, over HTTP as beside the stack."""

from __future__ import annotations

import signal
import subprocess
import sys
import wave
from pathlib import Path

import httpx
import pytest

from tests.clients.conftest import Podcast, Server, clean_environment


@pytest.fixture
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is played, by a player that writes it to a file; before the fixtures that copy the environment."""
    program = tmp_path / "bin" / "mpv"
    program.parent.mkdir()
    path = tmp_path / "heard.wav"
    program.write_text(f'#!/bin/sh\nexec cat > "{path}"\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return path


def samples(data: bytes) -> bytes:
    """Of a WAV whose header does not tell how long it is."""
    assert data.startswith(b"RIFF")
    return data[44:]


def seconds(data: bytes) -> float:
    return len(samples(data)) / 2 / int.from_bytes(data[24:28], "little")


def test_a_job_is_played_the_same_whoever_plays_it(  # noqa: PLR0917 - fixtures
    heard: Path, server: Server, over_http: Podcast, directly: Podcast, article: Path, tmp_path: Path
) -> None:
    rendered = directly("render", "-q", article, "-o", tmp_path / "a.wav", "--play", "--id", "played")
    assert rendered.exit_code == 0, rendered.stderr
    assert rendered.stderr == ""
    played = heard.read_bytes()
    with wave.open(str(tmp_path / "a.wav")) as episode:
        # The episode has silence at its beginning and its end.
        assert 0 <= episode.getnframes() / episode.getframerate() - seconds(played) <= 1.5
    assert any(samples(played))

    for podcast in (over_http, directly):
        heard.unlink()
        watched = podcast("watch", "-q", "played", "--play")
        assert (watched.exit_code, watched.stderr) == (0, "")
        assert heard.read_bytes() == played

    several = directly("render", article, article, "-o", f"{tmp_path}/out/", "--play")
    assert (several.exit_code, "--play is for one source" in several.stderr) == (2, True)

    environment = {**clean_environment(tmp_path), "PODCAST_API_KEY": server.key}
    for options, more in ((["--api", server.url], {}), ([], {"PODCAST_STATE_DIR": str(server.directory)})):
        streaming = subprocess.Popen(
            [sys.executable, "-m", "services.cli.app", *options, "stream", "played"],
            stdout=subprocess.PIPE,
            text=True,
            env={**environment, **more},
        )
        with streaming:
            assert streaming.stdout is not None
            address, playlist = (streaming.stdout.readline().strip() for _ in range(2))
            answers = [httpx.get(address, timeout=60) for _ in range(2)]
            assert [answer.headers["content-type"] for answer in answers] == ["audio/mpeg"] * 2
            assert answers[0].content == answers[1].content
            assert len(answers[0].content) > 8_000
            assert httpx.head(address).status_code == 200
            assert httpx.get(address.replace(".mp3", "x.mp3")).status_code == 404
            assert httpx.get(address, headers={"Host": "rebound.example"}).status_code == 400
            assert httpx.get(playlist, timeout=60).text.endswith("#EXT-X-ENDLIST\n")
            assert httpx.get(playlist.replace("index.m3u8", "900.m4s"), timeout=60).status_code == 404
            assert httpx.get(playlist.replace("index.m3u8", "index.html")).status_code == 404
            decode = ["ffmpeg", "-v", "warning", "-i", playlist, "-f", "wav", "-y", tmp_path / "hls.wav"]
            assert subprocess.run(decode, check=True, capture_output=True, timeout=120).stderr == b""
            with wave.open(str(tmp_path / "hls.wav")) as whole, wave.open(str(tmp_path / "a.wav")) as episode:
                assert whole.getframerate() == episode.getframerate()
                assert 0 <= whole.getnframes() - episode.getnframes() < 2 * 1_024
            streaming.send_signal(signal.SIGINT)
            assert streaming.wait(30) == 130

    for podcast in (over_http, directly):
        unknown = podcast("stream", "no-such-job")
        assert (unknown.exit_code, "There is no job no-such-job." in unknown.stderr) == (2, True)
