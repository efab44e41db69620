"""The speech server as a real process with real engines: it speaks, it stays in control of its workers, it stops."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
import soundfile

from tests.servers.speech_process import ROOT, SpeechProcess

SENTENCE = "The quick brown fox jumps over the lazy dog."
WAIT_SECONDS = 60.0


class Server(SpeechProcess):
    """Our own speech server, on a free port."""

    def __init__(self, engine: str, *, workers: int = 1, **settings: object) -> None:
        named = {"port": 0, "default_engine": engine, "workers": workers, **settings}
        super().__init__(
            "services.speech.app",
            environment={
                name if name.isupper() else f"PODCAST_SPEECH_{name.upper()}": str(value)
                for name, value in named.items()
            },
        )

    def say(self, text: str = SENTENCE, **fields: Any) -> httpx.Response:
        asked = {"model": "default", "voice": "default", "response_format": "wav", "input": text, **fields}
        return httpx.post(f"{self.url}/v1/audio/speech", json=asked, timeout=WAIT_SECONDS)

    def health(self) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(f"{self.url}/healthz", timeout=5).json()
        return answer

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children()

    def until(self, **expected: object) -> None:
        """Wait until the health route reports these values."""
        until(lambda: all(self.health()[name] == value for name, value in expected.items()))


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def heard(answer: httpx.Response) -> tuple[np.ndarray, float]:
    """The samples of a response and their length in seconds."""
    assert answer.status_code == 200, answer.text
    samples, rate = soundfile.read(io.BytesIO(answer.content))
    assert np.abs(samples).max() > 0.05, "silence"
    return np.asarray(samples), len(samples) / rate


@pytest.fixture(scope="module")
def piper() -> Iterator[Server]:
    with Server("piper") as server:
        server.wait_ready()
        yield server


@pytest.fixture(scope="module")
def espeak() -> Iterator[Server]:
    with Server("espeak-ng") as server:
        server.wait_ready()
        yield server


@pytest.fixture
def in_background() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.mark.parametrize("engine", ["piper", "espeak"])
def test_it_speaks_at_the_pace_of_speech(request: pytest.FixtureRequest, engine: str) -> None:
    server: Server = request.getfixturevalue(engine)
    _, seconds = heard(server.say())
    assert 0.03 * len(SENTENCE) < seconds < 0.15 * len(SENTENCE)


@pytest.mark.parametrize("engine", ["piper", "espeak"])
def test_speed_two_takes_about_half_as_long(request: pytest.FixtureRequest, engine: str) -> None:
    server: Server = request.getfixturevalue(engine)
    text = " ".join([SENTENCE] * 4)
    _, plain = heard(server.say(text))
    _, fast = heard(server.say(text, speed=2.0))
    assert 0.4 < fast / plain < 0.7


@pytest.mark.parametrize("engine", ["piper", "espeak"])
def test_brackets_are_words_and_not_phonemes(request: pytest.FixtureRequest, engine: str) -> None:
    server: Server = request.getfixturevalue(engine)
    _, plain = heard(server.say("See the article about London and Paris today."))
    _, bracketed = heard(server.say("See [[the article about London and]] Paris today."))
    assert bracketed > 0.7 * plain


def test_piper_pauses_between_the_sentences_of_a_text(piper: Server) -> None:
    samples, _ = heard(piper.say("This is one sentence. This is another one."))
    loud = np.flatnonzero(np.abs(samples) > 0.02)
    assert np.diff(loud).max() > 0.25 * 22_050


def test_every_format_holds_the_same_speech(espeak: Server) -> None:
    _, expected = heard(espeak.say())
    for audio_format in ("flac", "mp3", "opus"):
        answer = espeak.say(response_format=audio_format)
        assert heard(answer)[1] == pytest.approx(expected, abs=0.15)
        assert answer.headers["content-type"].startswith("audio/")
    pcm = np.frombuffer(espeak.say(response_format="pcm").content, "<i2")
    assert len(pcm) / 24_000 == pytest.approx(expected, abs=0.05)


def test_one_server_speaks_with_every_engine_it_has(espeak: Server) -> None:
    heard(espeak.say(model="piper"))
    heard(espeak.say(model="espeak-ng", voice="de", input="Guten Tag, ihr Füchse."))


def test_the_lists_name_what_can_be_asked_for(espeak: Server) -> None:
    models = {model["id"] for model in httpx.get(f"{espeak.url}/v1/models").json()["data"]}
    voices = httpx.get(f"{espeak.url}/v1/audio/voices").json()["voices"]
    assert {"default", "piper", "espeak-ng"} <= models
    assert {"id": "en-us", "name": "en-us", "model": "espeak-ng", "language": "en-us", "default": True} in voices


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"not json", 400, "invalid_json"),
        (b'{"input": ""}', 400, "empty_input"),
        (b'{"input": "x", "voice": "nobody"}', 400, "voice_not_found"),
        (b'{"input": "x", "model": "nothing"}', 404, "model_not_found"),
        (b'{"input": "x", "response_format": "aac"}', 400, "unsupported_format"),
        (b'{"input": "' + b"x" * 5_000 + b'"}', 400, "string_above_max_length"),
        (b"x" * 70_000, 413, "request_too_large"),
        ('{"input": "—", "model": "piper"}'.encode(), 400, "nothing_to_speak"),
    ],
)
def test_what_cannot_be_spoken_is_refused_in_the_shape_of_openai(
    espeak: Server, content: bytes, status: int, code: str
) -> None:
    answer = httpx.post(f"{espeak.url}/v1/audio/speech", content=content, timeout=WAIT_SECONDS)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    assert "param" in error


def test_health_answers_while_every_worker_infers(piper: Server, in_background: ThreadPoolExecutor) -> None:
    speaking = in_background.submit(piper.say, " ".join([SENTENCE] * 8))
    piper.until(busy=1)
    answers = 0
    while not speaking.done():
        assert piper.health()["status"] == "ok"  # within 5 s, or httpx raises
        answers += piper.health()["busy"]
    heard(speaking.result())
    assert answers


def test_a_worker_killed_while_idle_is_replaced(espeak: Server) -> None:
    (first,) = espeak.workers()
    first.kill()
    until(lambda: [worker.pid for worker in espeak.workers() if worker.is_running()] not in ([], [first.pid]))
    heard(espeak.say())


def test_a_text_whose_worker_is_killed_is_spoken_by_the_next_one(
    espeak: Server, in_background: ThreadPoolExecutor
) -> None:
    speaking = stopped(espeak, in_background)
    espeak.workers()[0].kill()
    heard(speaking.result())


def test_a_text_that_kills_every_worker_is_an_error_and_others_are_still_spoken(tmp_path: Path) -> None:
    program = tmp_path / "espeak-ng"
    program.write_text(
        '#!/bin/sh\n[ "$1" = --voices ] && exec /usr/bin/espeak-ng --voices\ntext=$(cat)\n'
        'case $text in *poison*) kill -9 $PPID;; esac\nprintf %s "$text" | /usr/bin/espeak-ng "$@"\n'
    )
    program.chmod(0o755)
    with Server("espeak-ng", PATH=f"{tmp_path}:{os.environ['PATH']}") as server:
        server.wait_ready()
        poisoned = server.say("poison")
        assert (poisoned.status_code, poisoned.json()["error"]["code"]) == (500, "worker_died")
        heard(server.say())


def test_a_worker_that_hangs_is_killed_at_the_deadline(in_background: ThreadPoolExecutor) -> None:
    with Server("espeak-ng", text_deadline_seconds=1) as server:
        server.wait_ready()
        (hung,) = server.workers()
        speaking = stopped(server, in_background)
        answer = speaking.result()
        assert (answer.status_code, answer.json()["error"]["code"]) == (504, "deadline_exceeded")
        until(lambda: not hung.is_running())
        until(lambda: server.health()["workers"] == 1)
        heard(server.say())


def test_more_texts_than_may_wait_are_told_when_to_come_back(in_background: ThreadPoolExecutor) -> None:
    with Server("espeak-ng", waiting_limit=1) as server:
        server.wait_ready()
        speaking = stopped(server, in_background)
        waiting = in_background.submit(server.say)
        server.until(waiting=1)
        refused = server.say()
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_requests")
        assert int(refused.headers["retry-after"]) >= 1
        server.workers()[0].resume()
        heard(speaking.result())
        heard(waiting.result())


def test_a_text_whose_client_has_gone_is_never_spoken(espeak: Server, in_background: ThreadPoolExecutor) -> None:
    speaking = stopped(espeak, in_background)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{espeak.url}/v1/audio/speech", json={"input": SENTENCE}, timeout=0.3)
    espeak.until(busy=1, waiting=0)
    espeak.workers()[0].resume()
    heard(speaking.result())


def test_sigterm_lets_what_is_being_spoken_be_heard(in_background: ThreadPoolExecutor) -> None:
    with Server("espeak-ng") as server:
        server.wait_ready()
        speaking = stopped(server, in_background)
        workers = server.workers()
        server.popen.send_signal(signal.SIGTERM)
        until(lambda: refuses_connections(server))
        workers[0].resume()
        heard(speaking.result())
        assert server.popen.wait(WAIT_SECONDS) == 0
        assert not psutil.wait_procs(workers, timeout=5)[1]


def test_sigterm_ends_it_within_its_grace_when_a_text_never_ends(
    in_background: ThreadPoolExecutor,
) -> None:
    with Server("espeak-ng", PODCAST_GRACE_SECONDS=1) as server:
        server.wait_ready()
        speaking = stopped(server, in_background)
        workers = server.workers()
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 8
        assert not psutil.wait_procs(workers, timeout=5)[1]
        assert speaking.exception() is not None or speaking.result().status_code >= 500


def test_workers_do_not_outlive_a_killed_server() -> None:
    with Server("espeak-ng", workers=2) as server:
        server.wait_ready()
        server.until(workers=2)
        workers = server.workers()
        server.kill()
        assert not psutil.wait_procs(workers, timeout=10)[1]


def test_a_port_that_is_taken_is_named_plainly(espeak: Server) -> None:
    ended = start({"PODCAST_SPEECH_PORT": str(espeak.port)})
    assert ended.returncode == 2
    assert f"127.0.0.1:{espeak.port}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_engine_that_is_not_installed_is_named_plainly() -> None:
    ended = start({"PODCAST_SPEECH_PORT": "0", "PODCAST_SPEECH_DEFAULT_ENGINE": "espeak-ng", "PATH": "/nonexistent"})
    assert ended.returncode == 2
    assert "apt-get install espeak-ng" in ended.stderr


def test_the_server_process_itself_imports_neither_piper_nor_onnxruntime() -> None:
    code = "import sys, services.speech.app; sys.exit(bool({'piper', 'onnxruntime'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=60).returncode == 0


def stopped(server: Server, pool: ThreadPoolExecutor) -> Future[httpx.Response]:
    """Submit a text to the only worker, which is suspended and will not continue on its own."""
    server.until(workers=1)
    server.workers()[0].suspend()
    speaking = pool.submit(server.say)
    server.until(busy=1)
    return speaking


def refuses_connections(server: Server) -> bool:
    try:
        httpx.get(f"{server.url}/healthz", timeout=5)
    except httpx.TransportError:
        return True
    return False


def start(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a server that is expected to exit immediately."""
    return subprocess.run(
        [sys.executable, "-m", "services.speech.app"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
