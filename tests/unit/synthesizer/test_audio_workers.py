"""Work on audio in worker processes: what it makes, what it may use, and what a worker that dies costs."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
from functools import partial
from pathlib import Path
from typing import NoReturn

import psutil
import pytest

from services.synthesizer import audio_workers, chunk_work, processors
from services.synthesizer.audio_workers import AudioWorkers
from shared.audio import chunk_audio
from shared.audio.pcm import quantized
from shared.audio.segments import segment
from shared.errors import BadAudio, Transient
from shared.protocol.messages import AudioFormat
from shared.workers import pool
from shared.workers.allowances import MEGABYTE, Allowance
from tests.unit.synthesizer.sounds import TEXT, espeak
from tests.unit.synthesizer.test_segmenting import LONG_TEXT, SHORT_TEXT, request
from tests.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("one_loop")]

RATE = 24_000
FORMATS: tuple[AudioFormat, ...] = ("mp3", "m4b", "opus", "flac", "wav")
MP3: tuple[AudioFormat, ...] = ("mp3",)


def test_an_answer_becomes_audio_and_audio_becomes_segments() -> None:
    data, seconds = chunk_work.of_answer(espeak(), request(), RATE)
    chunk = chunk_audio.load(data)
    assert seconds == chunk.measurement.seconds

    head = segment.parse(chunk_work.segments_of(data, request(), MP3, None)["mp3"]).head
    pcm = quantized(chunk.samples).astype("<i2").tobytes()
    assert head.samples == chunk.measurement.frames
    assert head.chunk_md5 == chunk_audio.read_md5(data) == hashlib.md5(pcm, usedforsecurity=False).hexdigest()


def test_the_gain_of_a_voice_is_measured_if_the_chunk_is_long_enough() -> None:
    long, short = request(LONG_TEXT, is_short=False), request(SHORT_TEXT, is_short=False)

    data, _ = chunk_work.of_answer(espeak(LONG_TEXT), long, RATE)
    gain = chunk_work.gain_of(data, long)
    assert gain is not None
    assert segment.parse(chunk_work.segments_of(data, long, MP3, gain)["mp3"]).head.gain_db == pytest.approx(gain, 0.1)
    assert chunk_work.gain_of(chunk_work.of_answer(espeak(SHORT_TEXT), short, RATE)[0], short) is None


def died_of(number: signal.Signals, mark: Path | None, *arguments: object) -> tuple[bytes, float]:
    """`chunk_work.of_answer` in a worker that is killed; only once, if there is a mark."""
    if mark is None or not mark.exists():
        if mark is not None:
            mark.touch()
        os.kill(os.getpid(), number)
    return chunk_work.of_answer(*arguments)  # type: ignore[arg-type] # the arguments of the original


def spun(*_: object) -> NoReturn:
    while True:
        pass


def filled(*_: object) -> NoReturn:
    raise AssertionError(len(bytes(20_000_000_000)))


async def spoken(workers: AudioWorkers) -> float:
    return (await workers.of_answer(espeak(), request(), RATE))[1]


async def test_an_encoder_that_aborts_costs_its_chunk_and_no_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    workers = AudioWorkers(2)
    neighbour = asyncio.create_task(spoken(workers))
    await asyncio.sleep(0)  # its call is on the way
    monkeypatch.setattr(chunk_work, "of_answer", partial(died_of, signal.SIGABRT, None))

    with pytest.raises(BadAudio, match="The encoder crashed on this sound") as caught:
        await spoken(workers)
    assert caught.value.hint
    assert await neighbour > 1


async def test_a_worker_that_is_killed_from_outside_costs_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(chunk_work, "of_answer", partial(died_of, signal.SIGKILL, tmp_path / "mark"))
    assert await spoken(AudioWorkers(1)) > 1
    assert (tmp_path / "mark").exists(), "one was killed"

    monkeypatch.setattr(chunk_work, "of_answer", partial(died_of, signal.SIGKILL, None))
    with pytest.raises(Transient, match="ended by SIGKILL") as caught:
        await spoken(AudioWorkers(1))
    assert not isinstance(caught.value, BadAudio), "it does not speak against the audio"


async def test_a_sound_that_uses_up_its_cpu_time_or_memory_is_bad_audio(monkeypatch: pytest.MonkeyPatch) -> None:
    small = Allowance(cpu_seconds=1, memory_bytes=1_000 * MEGABYTE)
    monkeypatch.setattr(audio_workers, "allowance", lambda _: small)

    monkeypatch.setattr(chunk_work, "of_answer", spun)
    with pytest.raises(BadAudio, match="more than 1 s of CPU time"):
        await spoken(AudioWorkers(1))
    monkeypatch.setattr(chunk_work, "of_answer", filled)
    with pytest.raises(BadAudio, match=r"more than 1\.0 GB of memory"):
        await spoken(AudioWorkers(1))


async def test_a_message_that_is_taken_back_ends_its_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    workers = AudioWorkers(1)
    monkeypatch.setattr(chunk_work, "of_answer", spun)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2):
            await spoken(workers)
    await until(lambda: not any(map(is_busy, psutil.Process().children(recursive=True))), "nothing computes")
    monkeypatch.undo()
    assert await spoken(workers) > 1, "its turn was given back"


def is_busy(child: psutil.Process) -> bool:
    try:
        return child.cpu_percent(0.1) > 50
    except psutil.NoSuchProcess:
        return False


async def test_workers_are_there_beforehand_and_one_that_ends_is_replaced_before_it_is_needed() -> None:
    workers = AudioWorkers(64)
    assert workers.count == min(64, processors.usable()), "no more than processors"
    assert AudioWorkers(1).count == 1, "and no more than chunks at a time"
    await workers.start()
    keeping = asyncio.create_task(workers.keep())
    before = {child.pid for child in psutil.Process().children()}
    assert len(before) >= workers.count

    victim = await pool.of_loop().call(pool.packed(os.getpid), Allowance(10, 1_000 * MEGABYTE))
    os.kill(victim, signal.SIGKILL)
    await until(
        lambda: (pids := {child.pid for child in psutil.Process().children()}) - before and victim not in pids,
        "another worker",
    )
    keeping.cancel()


def test_five_minutes_of_speech_in_five_formats_stay_far_below_the_allowance() -> None:
    """A tenth of it is encoded; CPU time and memory grow with the length."""
    text = " ".join((TEXT,) * 4)
    asked = request(text, loudness="stereo")
    assert asked.mastering is not None
    asked = asked.model_copy(update={"mastering": asked.mastering.model_copy(update={"formats": FORMATS})})
    data, _ = chunk_work.of_answer(espeak(), request(), RATE)
    chunk_work.segments_of(data, asked, FORMATS, None)  # loads the libraries

    began = os.times()
    data, seconds = chunk_work.of_answer(espeak(text), asked, 48_000)
    assert set(chunk_work.segments_of(data, asked, FORMATS, None)) == set(FORMATS)
    ended = os.times()

    spent = (ended.user + ended.system - began.user - began.system) / seconds
    allowed = (audio_workers.allowance(asked).cpu_seconds - 10) / seconds
    assert spent < allowed / 3, "also on a machine three times as slow"
    longest = asked.model_copy(update={"text": " ".join((TEXT,) * 32)})
    assert audio_workers.allowance(longest).memory_bytes >= 2_000 * MEGABYTE
