"""The test engine itself: what it speaks can be read back, and it fails as configured."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.servers import tones
from tests.servers.speech_process import InstantSpeech, ToneSpeech

PAUSES_SECONDS = (0.35, 0.7, 0.9, 1.8)
TEXTS = [
    "Hi.",
    "The quick brown fox jumps over the lazy dog, 3,954 times a day.",
    "Emoji 🎧🎙️ and 漢字かな交じり文, עברית, नमस्ते, ñandú — “quoted”…\nand a line break.",
    "x" * 1_000,
    "The last one.",
]


@pytest.fixture(scope="module")
def engine() -> Iterator[ToneSpeech]:
    with ToneSpeech() as running:
        yield running


@pytest.fixture
def tone(engine: ToneSpeech) -> ToneSpeech:
    engine.behave()
    engine.forget()
    return engine


def say(server: ToneSpeech, text: str, *, timeout: float = 10, audio_format: str = "wav") -> httpx.Response:
    asked = {"model": "default", "input": text, "voice": "anna", "response_format": audio_format, "speed": 1.0}
    return httpx.post(f"{server.url}/v1/audio/speech", json=asked, timeout=timeout)


def episode(folder: Path, parts: list[np.ndarray], encoding: list[str]) -> Path:
    """The parts with faded edges and pauses between them, at another level, encoded."""
    fade = np.linspace(0, 1, 240)
    joined = []
    for number, part in enumerate(parts):
        samples = part.astype(np.float64) / 32_768
        samples[:240] *= fade
        samples[-240:] *= fade[::-1]
        joined += [samples, np.zeros(int(PAUSES_SECONDS[number % 4] * tones.SAMPLE_RATE))]
    soundfile.write(folder / "joined.wav", np.concatenate(joined), tones.SAMPLE_RATE)
    episode = folder / f"episode.{encoding[0]}"
    level = ["-af", "volume=-6dB,alimiter=limit=0.2", "-ar", "24000", "-ac", "1"]
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-i", folder / "joined.wav", *level, *encoding[1:], episode],
        check=True,
        timeout=60,
    )
    return episode


@pytest.mark.parametrize(
    "encoding", [["mp3", "-b:a", "64k"], ["m4a", "-b:a", "64k"], ["opus", "-b:a", "32k"], ["flac"]], ids=lambda e: e[0]
)
def test_what_is_spoken_is_heard_after_fades_pauses_a_limiter_and_encoding(
    tmp_path: Path, tone: ToneSpeech, encoding: list[str]
) -> None:
    parts = [soundfile.read(io.BytesIO(say(tone, text).content), dtype="int16")[0] for text in TEXTS]
    assert tones.hear_texts(episode(tmp_path, parts, encoding)) == TEXTS


def test_sixty_long_texts_come_back_exact_from_an_mp3(tmp_path: Path) -> None:
    texts = [f"Chunk {n}: " + "".join(chr(32 + (n * 7 + i * i) % 94) for i in range(280)) + " é漢🎧" for n in range(60)]
    heard = tones.hear_texts(episode(tmp_path, [tones.speak(text) for text in texts], ["mp3", "-b:a", "64k"]))
    assert heard == texts


@settings(max_examples=15, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x02\x03"), min_size=1, max_size=80))
def test_any_text_is_heard_as_it_was_spoken(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("any") / "spoken.flac"
    soundfile.write(path, tones.speak(text), tones.SAMPLE_RATE)
    assert tones.hear_texts(path) == [text]


def test_a_text_that_lost_its_end_is_told_from_a_whole_one(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "cut.wav", tones.speak("This will be cut.")[: tones.SAMPLE_RATE // 2], tones.SAMPLE_RATE)
    (heard,) = tones.hear_texts(tmp_path / "cut.wav")
    assert heard.endswith(tones.CUT)
    assert "This will be cut.".startswith(heard.removesuffix(tones.CUT))


def test_the_pace_is_that_of_plausible_speech() -> None:
    for text in ("Hi.", "A heading", "x" * 400):
        measured = len(tones.speak(text)) / tones.SAMPLE_RATE
        assert measured == pytest.approx(tones.seconds(text), abs=0.001)
        assert 0.03 <= measured / len(text) <= 0.6


def test_every_call_is_recorded(tone: ToneSpeech) -> None:
    say(tone, "First.")
    say(tone, "Second.", audio_format="flac")
    assert tone.texts() == ["First.", "Second."]
    assert [(call["voice"], call["format"], call["answered"]) for call in tone.calls()] == [
        ("anna", "wav", True),
        ("anna", "flac", True),
    ]


def test_a_mode_lasts_as_many_calls_as_it_was_told_and_takes_only_matching_texts(tone: ToneSpeech) -> None:
    tone.misbehave("status", count=2, containing="poison", status=503, retry_after="7")
    answers = [say(tone, text) for text in ("fine", "poison", "poison", "poison")]
    assert [answer.status_code for answer in answers] == [200, 503, 503, 200]
    assert answers[1].headers["retry-after"] == "7"


@pytest.mark.parametrize(
    ("shape", "keys"), [(1, ["error", "message"]), (2, ["detail", "message"]), (3, ["detail"]), (4, ["error"])]
)
def test_each_error_shape_carries_the_message(tone: ToneSpeech, shape: int, keys: list[str]) -> None:
    tone.misbehave("status", status=400, shape=shape, message="No.")
    answer = say(tone, "text")
    found = answer.json()
    for key in keys:
        found = found[key]
    assert (answer.status_code, found) == (400, "No.")


def test_a_hanging_server_answers_nothing_and_goes_on_afterwards(tone: ToneSpeech) -> None:
    tone.misbehave("hang", count=1)
    with pytest.raises(httpx.ReadTimeout):
        say(tone, "text", timeout=0.3)
    assert say(tone, "text").status_code == 200


def test_a_trickle_never_lets_a_read_time_out_fire(tone: ToneSpeech) -> None:
    tone.misbehave("trickle", count=1)
    asked = {"input": "text", "response_format": "wav"}
    with httpx.stream("POST", f"{tone.url}/v1/audio/speech", json=asked, timeout=2) as answer:
        received = answer.iter_raw()
        assert sum(len(next(received)) for _ in range(5)) < 1_000


def test_a_cut_answer_breaks_off(tone: ToneSpeech) -> None:
    tone.misbehave("cut", count=1)
    with pytest.raises(httpx.RemoteProtocolError):
        say(tone, "text")


@pytest.mark.parametrize("audio_format", ["wav", "flac"])
def test_bad_audio_is_bad_in_the_way_that_was_asked_for(tone: ToneSpeech, audio_format: str) -> None:
    whole = len(tones.speak("A text."))

    def heard(mode: str) -> np.ndarray:
        tone.misbehave(mode, count=1)
        answer = say(tone, "A text.", audio_format=audio_format)
        return np.asarray(soundfile.read(io.BytesIO(answer.content), dtype="int16")[0])

    assert not heard("silence").any()
    assert len(heard("half")) == whole // 2
    noise = heard("noise")
    assert len(noise) == whole
    assert noise.std() > 2_000


def test_a_lying_header_is_the_right_audio_under_wrong_sizes(tone: ToneSpeech) -> None:
    right = say(tone, "A text.").content
    tone.misbehave("lying-header", count=1)
    lying = say(tone, "A text.").content
    assert lying[40:44] == b"\xff\xff\xff\xff"
    assert lying[44:] == right[44:]


def test_the_instant_server_answers_in_proportion_to_the_text() -> None:
    with InstantSpeech() as server, httpx.Client(base_url=server.url, timeout=10) as client:
        for characters in (10, 100, 400, 100):
            asked = {"model": "m", "input": "é" * characters, "voice": "v", "response_format": "wav", "speed": 1.0}
            wav = client.post("/v1/audio/speech", json=asked).raise_for_status().content
            samples, rate = soundfile.read(io.BytesIO(wav))
            assert len(samples) / rate == pytest.approx(characters * 0.06, rel=0.01)
            assert np.abs(samples).max() > 0.1
