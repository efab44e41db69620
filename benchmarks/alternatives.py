"""Podcast Engine compared with what a user would write instead, on one speech server in one run.

An asyncio script (gather under a semaphore of 8) and a Celery chord (8 worker processes), both with ffmpeg's concat at
the end, which makes each format of the same spoken files. Neither start-up nor the submitting client is counted for
any of them.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Final

from benchmarks import books
from benchmarks.environment import SPEAKING, BenchEnvironment, pids
from benchmarks.figures import Figure, Figures
from benchmarks.natural_speech import NaturalSpeech
from benchmarks.processes import cpu_seconds
from deploy.local.program import Program
from shared.protocol.messages import AudioFormat
from tests.servers.process import Process
from tests.servers.services import Services
from tests.servers.speech_process import ROOT

TITLE = "What a user would write instead"
SLOTS = 8
MAX_PARALLEL = 12
"""Requests that are at the broker when a slot becomes free; never more than `SLOTS` are spoken at a time."""
FORMATS: Final[tuple[AudioFormat, ...]] = ("mp3", "m4b", "opus", "flac")
ANSWER_SECONDS = 1.0
CHUNKS = 300
QUICK_CHUNKS = 40
LIMIT_SECONDS = 240.0
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a system took.

    Attributes:
        speaking: seconds until all chunks are spoken.
        speaking_cpu: CPU seconds until then.
        whole: seconds until the episode exists, by format.
        joining_cpu: CPU seconds of making the file, by format.
    """

    speaking: float
    speaking_cpu: float
    whole: dict[AudioFormat, float]
    joining_cpu: dict[AudioFormat, float]


def run(environment: BenchEnvironment, *, quick: bool = False) -> Figures:
    chunks = QUICK_CHUNKS if quick else CHUNKS
    with NaturalSpeech(delay_seconds=ANSWER_SECONDS) as speech:
        texts = books.sentences(chunks)
        with environment.services(speech.url, synthesizer_slots=SLOTS) as services:
            ours = asyncio.run(_services(services, chunks))
        outcomes = {
            "Podcast Engine": ours,
            "asyncio script": _script(environment, speech.url, texts),
            "Celery chord": _chord(environment, speech.url, texts),
        }
    figures: Figures = {f"all chunks spoken, ideal ({chunks} chunks)": Figure(chunks * ANSWER_SECONDS / SLOTS, "s")}
    for name, outcome in outcomes.items():
        figures[f"{name}: all chunks spoken"] = Figure(outcome.speaking, "s")
        figures[f"{name}: CPU a chunk, speaking"] = Figure(outcome.speaking_cpu / chunks * 1_000, "ms")
        for form in FORMATS:
            figures[f"{name}: {form} there"] = Figure(outcome.whole[form], "s")
            cpu = (outcome.speaking_cpu + outcome.joining_cpu[form]) / chunks * 1_000
            figures[f"{name}: CPU a chunk, all the way to the {form}"] = Figure(cpu, "ms")
    for form in FORMATS:
        best = min(outcomes[name].whole[form] for name in outcomes if name != "Podcast Engine")
        figures[f"{form}: Podcast Engine / the faster of the two"] = Figure(ours.whole[form] / best, at_most=1)
    return figures


async def _services(services: Services, chunks: int) -> Outcome:
    """One job for each format, each with a text of its own; the speaking is that of the first."""
    spoken: list[tuple[float, float]] = []
    whole: dict[AudioFormat, float] = {}
    joining_cpu: dict[AudioFormat, float] = {}
    for form in FORMATS:
        warm = await books.submit(services, books.sentences(SLOTS), max_parallel=SLOTS, formats=(form,))
        await books.reaches(services, warm, "completed", seconds=LIMIT_SECONDS)
        before, assembler = cpu_seconds(pids(services, *SPEAKING)), cpu_seconds(pids(services, "assembler"))
        began = time.monotonic()
        job_id = await books.submit(services, books.sentences(chunks), max_parallel=MAX_PARALLEL, formats=(form,))
        await books.reaches(services, job_id, "assembling", "completed", seconds=LIMIT_SECONDS)
        spoken.append((time.monotonic() - began, cpu_seconds(pids(services, *SPEAKING)) - before))
        await books.reaches(services, job_id, "completed", seconds=LIMIT_SECONDS)
        whole[form] = time.monotonic() - began
        joining_cpu[form] = cpu_seconds(pids(services, "assembler")) - assembler
        await books.check_chunks(services, job_id, chunks)
    return Outcome(*spoken[0], whole, joining_cpu)


def _script(environment: BenchEnvironment, speech_url: str, texts: list[str]) -> Outcome:
    folder = environment.folder("script")
    (folder / "texts.json").write_text(json.dumps(texts))
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.instead.script", speech_url, str(folder / "texts.json"), str(folder)],
        check=True,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        timeout=LIMIT_SECONDS,
    )
    said = json.loads(done.stdout)
    return Outcome(
        said["speaking"],
        said["speaking_cpu"],
        {form: said["speaking"] + said["joined"][form][0] for form in FORMATS},
        {form: said["joined"][form][1] for form in FORMATS},
    )


def _chord(environment: BenchEnvironment, speech_url: str, texts: list[str]) -> Outcome:
    folder, results = environment.folder("chord"), environment.folder("results")
    with environment.vhost() as amqp_url:
        variables = {
            "BENCH_BROKER": amqp_url,
            "BENCH_RESULTS": str(results),
            "BENCH_SPEECH": speech_url,
            "BENCH_FOLDER": str(folder),
        }
        os.environ.update(variables)  # for this process, which submits
        from benchmarks.instead import chord  # noqa: PLC0415 - it reads the environment

        command = (sys.executable, "-m", "celery", "-A", "benchmarks.instead.chord", "worker")
        options = ("--concurrency", str(SLOTS), "--loglevel", "WARNING", "--without-gossip", "--without-mingle")
        log = folder / "worker.log"
        worker = Process(Program("celery", (*command, *options), {**os.environ, **variables}, cwd=ROOT), log)
        try:
            started = time.monotonic()
            while not chord.app.control.ping(timeout=1, limit=1):  # pings are lost until the worker has its queue
                if time.monotonic() - started > START_SECONDS:
                    raise RuntimeError(f"The Celery worker did not start: {log.read_text()[-2000:]}")
            chord.submit(texts[:SLOTS]).get(timeout=LIMIT_SECONDS)  # warm up
            for spoken in folder.glob("*.wav"):
                spoken.unlink()
            before, began = cpu_seconds([worker.pid]), time.monotonic()
            result = chord.submit(texts)
            while sum(1 for _ in folder.glob("*.wav")) < len(texts) and time.monotonic() - began < LIMIT_SECONDS:
                time.sleep(books.LOOK_SECONDS)
            speaking, speaking_cpu = time.monotonic() - began, cpu_seconds([worker.pid]) - before
            joined = result.get(timeout=LIMIT_SECONDS)
            whole = time.monotonic() - began - sum(seconds for seconds, _ in joined.values())
            all_cpu = cpu_seconds([worker.pid]) - before
        finally:
            worker.stop()
    # The cost of the joining task's own bookkeeping is counted as speaking.
    return Outcome(
        speaking,
        max(speaking_cpu, all_cpu - sum(cpu for _, cpu in joined.values())),
        {form: whole + joined[form][0] for form in FORMATS},
        {form: joined[form][1] for form in FORMATS},
    )
