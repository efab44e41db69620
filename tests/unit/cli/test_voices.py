"""`podcast voices` against real HTTP servers: one like ours, one like Kokoro-FastAPI, one like OpenAI."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from services.speech import catalogue
from shared.settings import Settings
from tests.hostile_text import commands_in, storable
from tests.unit.cli.conftest import Podcast

OURS = {
    "voices": [
        {"id": "en_US-joe-medium", "name": "x", "model": "piper", "language": "en-US", "default": True},
        {"id": "de", "name": "de", "model": "espeak-ng", "language": "de", "default": False},
    ]
}
KOKORO = {"voices": ["af_heart", "bm_george", "jf_alpha"]}


class _Server(HTTPServer):
    answers: dict[str, Any]
    asked: list[dict[str, Any]]


class _Speech(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        found = self.server.answers.get(self.path)
        self._send(200 if found is not None else 404, json.dumps(found).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append(body)
        self._send(*((500, b"broken") if body["voice"] == "broken" else (200, b"RIFFsound")))

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[_Server]:
    server = _Server(("127.0.0.1", 0), _Speech)
    server.answers, server.asked = {}, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def url(server: _Server) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def listed(podcast: Podcast, server: _Server, *options: str) -> list[tuple[str, str, str]]:
    result = podcast("voices", "--speech-url", url(server), "--json", *options)
    assert result.exit_code == 0, result.output
    return [(one["voice"], one["language"], one["model"]) for one in json.loads(result.stdout)]


def test_our_own_server_tells_languages_and_models(podcast: Podcast, server: _Server) -> None:
    server.answers["/v1/audio/voices"] = OURS
    assert listed(podcast, server) == [("en_US-joe-medium", "en-US", "piper"), ("de", "de", "espeak-ng")]
    assert listed(podcast, server, "--language", "en") == [("en_US-joe-medium", "en-US", "piper")]
    assert listed(podcast, server, "--language", "en_us") == [("en_US-joe-medium", "en-US", "piper")]
    assert listed(podcast, server, "--language", "en-GB") == []
    assert listed(podcast, server, "--model", "espeak-ng") == [("de", "de", "espeak-ng")]
    shown = podcast("voices", "--speech-url", url(server)).stdout
    assert shown.splitlines()[0].split() == ["VOICE", "LANGUAGE", "MODEL"]
    assert "en_US-joe-medium (default)" in shown


def test_names_alone_tell_the_language_of_kokoros_voices(podcast: Podcast, server: _Server) -> None:
    server.answers["/v1/audio/voices"] = KOKORO
    found = [("af_heart", "en-US", ""), ("bm_george", "en-GB", ""), ("jf_alpha", "ja", "")]
    assert listed(podcast, server) == found
    server.answers["/v1/audio/voices"] = [{"name": "de-DE-KatjaNeural", "locale": "de-DE"}, 5, {}, ""]
    assert listed(podcast, server) == [("de-DE-KatjaNeural", "de-DE", "")]


def test_a_server_that_lists_none_is_said_to(podcast: Podcast, server: _Server) -> None:
    result = podcast("voices", "--speech-url", url(server))
    assert result.exit_code == 2
    assert "does not list its voices (OpenAI's own API cannot)" in result.stderr


@pytest.mark.parametrize("answer", [5, "x", {"voices": 5}, {"data": {}}])
def test_an_answer_that_is_no_list_is_named(podcast: Podcast, server: _Server, answer: object) -> None:
    server.answers["/v1/audio/voices"] = answer
    result = podcast("voices", "--speech-url", url(server))
    assert (result.exit_code, result.stdout) == (3, "")
    assert "in a form that is not known here" in result.stderr


def test_a_server_that_is_not_there_ends_with_3(podcast: Podcast) -> None:
    assert podcast("voices", "--speech-url", "http://127.0.0.1:9").exit_code == 3
    assert podcast("voices").exit_code == 3, "nothing names a server"


def test_samples_are_wav_files_in_a_folder_that_is_told(podcast: Podcast, server: _Server, tmp_path: Path) -> None:
    server.answers["/v1/audio/voices"] = OURS
    result = podcast("voices", "--speech-url", url(server), "--sample")
    assert result.exit_code == 0, result.output
    folder = tmp_path / "voice-samples"
    assert f"Made the folder {folder}.\n2 samples are in {folder}.\n" in result.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["espeak-ng-de.wav", "piper-en-US-joe-medium.wav"]
    assert {one["input"][:3] for one in server.asked} == {"Thi", "So "}, "each in its own language"
    assert {one["model"] for one in server.asked} == {"piper", "espeak-ng"}


def test_one_voice_that_fails_is_named_and_the_others_are_sampled(
    podcast: Podcast, server: _Server, tmp_path: Path
) -> None:
    server.answers["/v1/audio/voices"] = {"voices": ["broken", "../../good"]}
    result = podcast("voices", "--speech-url", url(server), "--sample", "-o", "s/")
    assert result.exit_code == 0
    assert "broken: The speech server" in result.stderr
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["good.wav"]
    server.answers["/v1/audio/voices"] = {"voices": ["broken"]}
    assert podcast("voices", "--speech-url", url(server), "--sample", "-o", "t/").exit_code == 3
    assert not (tmp_path / "t").exists()


def test_too_many_voices_are_not_sampled(podcast: Podcast, server: _Server) -> None:
    server.answers["/v1/audio/voices"] = {"voices": [f"v{number}" for number in range(51)]}
    result = podcast("voices", "--speech-url", url(server), "--sample")
    assert result.exit_code == 2
    assert "Choose with --language or --model." in result.stderr
    assert server.asked == []


def test_names_that_a_server_makes_up_are_only_text(podcast: Podcast, server: _Server) -> None:
    server.answers["/v1/audio/voices"] = {"voices": [{"id": storable(), "language": storable(), "model": storable()}]}
    for options in ([], ["--json"]):
        result = podcast("voices", "--speech-url", url(server), *options)
        assert result.exit_code == 0
        assert commands_in(result.output) == []


@pytest.mark.parametrize(
    ("engine", "voice", "language"),
    [
        ("piper", "en_US-joe-medium", "en-US"),
        ("piper", "de_DE-thorsten-high", "de-DE"),
        ("piper", "mine", ""),
        ("espeak-ng", "en-us", "en-us"),
        ("kokoro", "af_heart", "en-US"),
        ("kokoro", "xx", ""),
    ],
)
def test_our_servers_voices_have_a_language(engine: str, voice: str, language: str) -> None:
    assert catalogue.language(engine, voice) == language


def test_the_servers_of_a_stack_are_those_it_has_now() -> None:
    """Settings are copied with the addresses of a running stack; nothing of the old ones may stay in the copy."""
    settings = Settings(speech_url="")
    assert settings.speech_urls == ()
    copy = settings.model_copy(update={"speech_url": "http://127.0.0.1:1"})
    assert copy.speech_urls == ("http://127.0.0.1:1",)
    assert copy.engine_identity != settings.engine_identity
