# ruff: noqa: RUF001 - other scripts have letters that look like Latin ones
"""Which responses of a speech server pass audio validation, and which do not."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.synthesizer.audio_validation import (
    audible_seconds,
    decode,
    flatness,
    longest_seconds,
    shortest_seconds,
    validate,
)
from shared.errors import BadAudio
from tests.unit.synthesizer.sounds import TEXT, espeak, noise, silence, speech, tones, wav

LANGUAGES = {
    "en": TEXT,
    "de": "Die Würde des Menschen ist unantastbar. Sie zu achten und zu schützen ist Verpflichtung aller Gewalt.",
    "fr": "Longtemps, je me suis couché de bonne heure. Parfois, à peine ma bougie éteinte, mes yeux se fermaient.",
    "es": "En un lugar de la Mancha, de cuyo nombre no quiero acordarme, no ha mucho tiempo que vivía un hidalgo.",
    "ru": "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.",
    "cmn": "话说天下大势，分久必合，合久必分。周末七国分争，并入于秦。及秦灭之后，楚汉分争，又并入于汉。",
    "ja": "わがはいはねこである。なまえはまだない。どこでうまれたかとんとけんとうがつかぬ。",
    "ar": "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق. وقد وهبوا عقلا وضميرا.",
    "hi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।",
    "ko": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
}


def believed(answer: bytes, text: str = TEXT, *, speed: float = 1.0) -> None:
    samples, rate = decode(answer)
    validate(samples, rate, text, speed=speed)


@pytest.mark.parametrize("language", LANGUAGES)
def test_speech_in_many_languages_is_believed(language: str) -> None:
    believed(espeak(LANGUAGES[language], language=language), LANGUAGES[language])


@pytest.mark.parametrize(
    "text",
    [
        "Yes.",
        "Chapter 4",
        "A",
        "1999",
        "In 1999, 12,345 people paid $67.89 for item 4711-0815 at 10:45 p.m.",
        "https://example.org/some/long/path?query=value",
        "Nooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo!",
        "1,000,000,000,000,000,000",
        "HTML, CSS, XML, WWW, BBC, CNN, NBC, USA",
    ],
)
def test_short_and_odd_texts_are_believed(text: str) -> None:
    believed(espeak(text), text)


@pytest.mark.parametrize("text", [TEXT, "Hi.", LANGUAGES["cmn"], LANGUAGES["ru"], "🙂 smile 🙂🙂", "- - - ... ***, a"])
def test_text_as_tones_is_believed(text: str) -> None:
    believed(tones(text), text)


@pytest.mark.parametrize("words_a_minute", [90, 350], ids=["half the pace", "twice the pace"])
def test_the_pace_follows_the_speed(words_a_minute: int) -> None:
    believed(espeak(words_a_minute=words_a_minute), speed=words_a_minute / 175)


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_a_server_that_ignores_the_speed_is_believed(speed: float) -> None:
    believed(espeak(), speed=speed)


@pytest.mark.parametrize("container", ["FLAC", "MP3", "OGG"])
def test_other_formats_than_wav_are_accepted(container: str) -> None:
    samples, rate = speech()
    subtype = {"FLAC": "PCM_16", "MP3": "MPEG_LAYER_III", "OGG": "VORBIS"}[container]

    believed(wav(samples, rate, container=container, subtype=subtype))


def test_stereo_is_mixed_down_to_mono() -> None:
    left, rate = speech()
    right = np.zeros_like(left)

    mono, _ = decode(wav(np.stack([left, right], axis=1), rate, subtype="FLOAT"))

    assert mono == pytest.approx(left / 2, abs=1e-6)


@pytest.mark.parametrize("claimed", [0, 0xFFFF_FFFF, 0x7FFF_FFFF, 0x7FFF_F024])
@pytest.mark.parametrize("odd_byte", [b"", b"\x01"], ids=["even", "odd"])
def test_a_wav_header_that_does_not_know_its_length_is_forgiven(claimed: int, odd_byte: bytes) -> None:
    honest = wav(*speech())
    lying = honest[:4] + struct.pack("<I", claimed) + honest[8:40] + struct.pack("<I", claimed) + honest[44:] + odd_byte

    samples, rate = decode(lying)

    assert (len(samples), rate) == (len(speech()[0]), speech()[1])


def test_a_wav_that_ends_before_its_header_says_is_named_as_cut() -> None:
    honest = wav(*speech())

    with pytest.raises(BadAudio, match=r"cut: .* bytes of sound came of"):
        decode(honest[: len(honest) // 2])


@pytest.mark.parametrize(
    "answer", [b"\x00", b"RIFF", b"RIFF....WAVE", b"RIFF....WAVEdata", b"OggS", b"ID3", b"not audio at all" * 100]
)
def test_what_is_no_audio_cannot_be_decoded(answer: bytes) -> None:
    with pytest.raises(BadAudio, match="cannot be decoded"):
        decode(answer)


@given(answer=st.binary(max_size=200), magic=st.sampled_from([b"", b"RIFF\x00\x00\x00\x00WAVE", b"fLaC", b"OggS"]))
def test_arbitrary_bytes_raise_bad_audio_or_decode(answer: bytes, magic: bytes) -> None:
    try:
        samples, _ = decode(magic + answer)
    except BadAudio:
        return
    assert np.isfinite(samples).all()


def test_a_small_file_with_much_sound_is_not_decoded_whole() -> None:
    much = wav(silence(1_200, 8_000), 8_000, container="FLAC")

    samples, rate = decode(much, at_most_seconds=2)

    assert len(much) < 200_000
    assert len(samples) == 2 * rate


def test_samples_that_are_no_numbers_are_not_believed() -> None:
    with pytest.raises(BadAudio, match="no numbers"):
        believed(wav(np.full(24_000, np.nan, dtype=np.float32), subtype="FLOAT"))


def test_an_answer_without_samples_is_not_believed() -> None:
    with pytest.raises(BadAudio, match="no sound"):
        believed(wav(silence(0)))


@pytest.mark.parametrize("level", [0.0, 1e-5, 0.5], ids=["digital", "hiss far below hearing", "a constant voltage"])
def test_silence_is_not_believed(level: float) -> None:
    with pytest.raises(BadAudio, match="silence"):
        believed(wav(np.full(8 * 24_000, level, dtype=np.float32), subtype="FLOAT"))


def test_noise_is_not_believed() -> None:
    with pytest.raises(BadAudio, match="noise"):
        believed(wav(noise(8)))


# espeak-ng speaks Chinese at half the usual pace, so that half of it seems complete.
@pytest.mark.parametrize("language", sorted(LANGUAGES.keys() - {"cmn"}))
def test_half_of_the_speech_is_not_believed(language: str) -> None:
    samples, rate = speech(LANGUAGES[language], language=language)
    with pytest.raises(BadAudio, match="something is missing"):
        believed(wav(samples[: len(samples) // 2], rate), LANGUAGES[language])


def test_half_of_the_tones_are_not_believed() -> None:
    samples, rate = decode(tones(TEXT))

    with pytest.raises(BadAudio, match="something is missing"):
        believed(wav(samples[: len(samples) // 2], rate))


def test_speech_whose_second_half_is_silent_is_not_believed() -> None:
    """Kokoro-FastAPI silently drops a part that failed; the length alone would not show it."""
    samples, rate = speech()
    swallowed = samples.copy()
    swallowed[len(samples) // 2 :] = 0

    with pytest.raises(BadAudio, match="something is missing"):
        believed(wav(swallowed, rate))


def test_speech_that_goes_on_for_far_too_long_is_not_believed() -> None:
    samples, rate = speech()

    with pytest.raises(BadAudio, match="at most"):
        believed(wav(np.tile(samples, 10), rate))


@pytest.mark.parametrize("ornament", ["* * *", "…", "🙂", "—"])
def test_a_text_without_a_letter_may_be_silent(ornament: str) -> None:
    believed(wav(silence(0.5)), ornament)
    believed(wav(silence(0)), ornament)


@given(text=st.text(min_size=1, max_size=300), speed=st.floats(0.25, 4.0))
def test_the_shortest_is_always_below_the_longest(text: str, speed: float) -> None:
    assert 0 <= shortest_seconds(text, speed=speed) < longest_seconds(text, speed=speed) / 2


def test_pauses_are_speech_and_long_silence_is_not() -> None:
    second = speech()[0][:22_050]

    one_gap = audible_seconds(np.concatenate([second, silence(0.5, 22_050), second]), 22_050)
    no_gap = audible_seconds(np.concatenate([second, silence(5.0, 22_050), second]), 22_050)

    assert one_gap - no_gap == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100])
def test_a_signal_at_half_the_sample_rate_is_not_believed(rate: int) -> None:
    """Encoders remove it; correcting the loudness of what was left ended ffmpeg's LAME with an assertion."""
    with pytest.raises(BadAudio, match="too high for speech"):
        believed(wav(np.tile(np.array([0.5, -0.5], dtype=np.float32), 4 * rate), rate))


def test_noise_and_speech_are_far_apart() -> None:
    assert flatness(speech()[0]) < 0.2
    assert flatness(decode(tones(TEXT))[0]) < 0.05
    assert flatness(noise(1)) > 0.5
