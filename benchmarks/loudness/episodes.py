"""The voices that are measured, and their episodes as the services make them."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from benchmarks import books
from benchmarks.environment import BenchEnvironment
from benchmarks.loudness import measuring
from benchmarks.loudness.altered_speech import AlteredSpeech
from benchmarks.loudness.measuring import Neighbours, Sound
from services.assembler.timing import Timing
from shared.protocol.manifest import Manifest
from shared.protocol.messages import AudioFormat, JobRequest, LoudnessProfile, TextSource
from shared.protocol.reading import read
from shared.settings import load
from shared.store import job_manifest, keys
from tests.servers.services import Services
from tests.servers.speech_process import SpeechProcess

FORMATS: Final[tuple[AudioFormat, ...]] = ("mp3", "m4b", "opus", "flac")
LIMIT_SECONDS: Final = 1_800.0
"""For one episode: Kokoro on a busy machine speaks three minutes of text in ten."""
_SHORT_PARAGRAPHS: Final = 6
_REPAIRED: Final = re.compile(r'^podcast_episodes_repaired_total\{by="encoding",format="(\w+)"\} (\S+)', re.MULTILINE)
_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Voice:
    """What speaks which text.

    Attributes:
        name: for people.
        model: engine.
        voice: of the engine.
        language: of the text.
        is_short: a text of few chunks, each of which has a gain of its own.
        loudness: the profile.
        is_heard: on the page with clips; not where it sounds like another one.
    """

    name: str
    model: str
    voice: str
    language: str = "en"
    is_short: bool = False
    loudness: LoudnessProfile = "mono"
    is_heard: bool = True

    @property
    def text(self) -> str:
        """What it speaks."""
        paragraphs = (_FOLDER / f"{self.language}.md").read_text(encoding="utf-8").split("\n\n")
        return "\n\n".join(paragraphs[:_SHORT_PARAGRAPHS] if self.is_short else paragraphs)


ENGINES: Final = (
    Voice("espeak-ng, English", "espeak-ng", "en-us"),
    Voice("espeak-ng, English, 6 paragraphs", "espeak-ng", "en-us", is_short=True, is_heard=False),
    Voice("espeak-ng, English, stereo", "espeak-ng", "en-us", loudness="stereo", is_heard=False),
    Voice("espeak-ng, German", "espeak-ng", "de", "de"),
    Voice("espeak-ng, French", "espeak-ng", "fr-fr", "fr", is_heard=False),
    Voice("espeak-ng, Spanish", "espeak-ng", "es", "es", is_heard=False),
    Voice("piper `joe`, English", "piper", "en_US-joe-medium"),
    Voice("piper `joe`, English, 6 paragraphs", "piper", "en_US-joe-medium", is_short=True, is_heard=False),
    Voice("Kokoro `af_heart`, English", "kokoro", "af_heart"),
    Voice("Kokoro `ff_siwis`, French", "kokoro", "ff_siwis", "fr"),
    Voice("Kokoro `ef_dora`, Spanish", "kokoro", "ef_dora", "es"),
)
"""Of our own speech server, as far as this machine has them."""
ALTERED: Final = (
    Voice("espeak-ng with noise 30 dB below it", "tts-1", "noisy"),
    Voice("espeak-ng, each chunk up to 6 dB louder or softer", "tts-1", "uneven"),
)
"""Of `altered_speech`."""


@dataclass(frozen=True, slots=True)
class Result:
    """A measured episode.

    Attributes:
        voice: who speaks.
        wholes: format → loudness (LUFS) and true peak (dBTP) of the decoded file, by ffmpeg.
        encoded_whole: formats that missed the target when joined and were encoded as a whole.
        neighbours: its chunks side by side.
        sound: for clips.
    """

    voice: Voice
    wholes: dict[str, tuple[float, float]]
    encoded_whole: tuple[str, ...]
    neighbours: Sequence[Neighbours]
    sound: Sound


def results(environment: BenchEnvironment) -> list[Result]:
    """Render and measure the text with each voice that this machine has."""
    found: list[Result] = []
    own = {"PODCAST_SPEECH_PORT": "0", "PODCAST_SPEECH_DEFAULT_ENGINE": "espeak-ng", "PODCAST_SPEECH_WORKERS": "1"}
    own |= {"PODCAST_SPEECH_TEXT_DEADLINE_SECONDS": "200", "PODCAST_CACHE_DIR": str(load().cache_dir)}
    with SpeechProcess("services.speech.app", environment=own) as speech:
        found += _rendered(environment, speech, ENGINES)
    with AlteredSpeech() as speech:
        found += _rendered(environment, speech, ALTERED)
    return found


def _rendered(environment: BenchEnvironment, speech: SpeechProcess, voices: Sequence[Voice]) -> list[Result]:
    known = {"tts-1", *_engines(speech)}
    deadlines = {"speech_deadline_seconds": 220, "synthesizer_deadline_seconds": 700}  # Kokoro on a busy machine
    with environment.services(speech.url, speech_engine="measured", **deadlines) as services:
        return [asyncio.run(_result(services, voice)) for voice in voices if voice.model in known]


def _engines(speech: SpeechProcess) -> list[str]:
    listed = httpx.get(f"{speech.wait_ready().url}/v1/models", timeout=10).raise_for_status().json()
    return [model["id"] for model in listed["data"]]


def _repaired(services: Services) -> dict[str, float]:
    """Format → how many episodes were off target when joined, and were encoded as a whole."""
    [assembler] = services.of("assembler")
    metrics = httpx.get(f"{assembler.health_url}/metrics", timeout=10).raise_for_status().text
    return {name: float(count) for name, count in _REPAIRED.findall(metrics)}


async def _result(services: Services, voice: Voice) -> Result:
    request = JobRequest(
        source=TextSource(text=voice.text, format="markdown"),
        title=voice.name,
        language=voice.language,
        voice=voice.voice,
        model=voice.model,
        formats=FORMATS,
        loudness=voice.loudness,
        max_parallel=2,
    )
    repaired = await asyncio.to_thread(_repaired, services)
    await services.submit(request)
    await books.reaches(services, request.job_id, "completed", seconds=LIMIT_SECONDS)
    manifest = read(Manifest, await job_manifest.read_bytes(services.store, request.job_id), strict=False)
    timing = read(Timing, await services.store.get(keys.episode(request.job_id, "timing.json")), strict=False)
    with tempfile.TemporaryDirectory(prefix="podcast-bench-") as name:
        paths = {kind: Path(name) / f"episode.{kind}" for kind in FORMATS}
        for kind, path in paths.items():
            await services.store.get_file(keys.episode(request.job_id, kind), path)
        wholes = {kind: await asyncio.to_thread(measuring.ebur128, path) for kind, path in paths.items()}
        sound = await measuring.sound_of(services.store, manifest, timing, paths["mp3"])
    counts = await asyncio.to_thread(_repaired, services)
    again = tuple(kind for kind in FORMATS if counts.get(kind, 0) > repaired.get(kind, 0))
    return Result(voice, wholes, again, await asyncio.to_thread(measuring.neighbours, sound), sound)
