"""Episodes for the benchmark of quality: rendered by the services, beside the PCM that their segments were made of."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks import books
from benchmarks.environment import BenchEnvironment
from services.assembler import joining
from services.assembler.body import Body
from services.assembler.segment_levels import SegmentLevels
from services.assembler.segments import Segments
from services.assembler.timing import Timing
from shared.audio import chunk_audio
from shared.audio.joining.joiner import Labels
from shared.audio.joining.placement import Placement
from shared.audio.loudness import Samples
from shared.audio.segments import mastering
from shared.protocol.manifest import Manifest
from shared.protocol.messages import AudioFormat, JobRequest, TextSource
from shared.protocol.reading import read
from shared.settings import load
from shared.store import job_manifest, keys
from tests.servers.services import Services
from tests.servers.speech_process import SpeechProcess

FORMATS: Final[tuple[AudioFormat, ...]] = ("mp3", "m4b", "opus")
LIMIT_SECONDS: Final = 900.0
_TEXTS: Final = Path(__file__).parent / "loudness"
_QUICK_PARAGRAPHS: Final = 3


@dataclass(frozen=True, slots=True)
class Voice:
    """What speaks which text.

    Attributes:
        name: for people.
        model: engine of our speech server.
        voice: of the engine.
        language: of the text.
    """

    name: str
    model: str
    voice: str
    language: str


VOICES: Final = (
    Voice("piper, English", "piper", "en_US-joe-medium", "en"),
    Voice("espeak-ng, English", "espeak-ng", "en-us", "en"),
    Voice("espeak-ng, German", "espeak-ng", "de", "de"),
)


@dataclass(frozen=True, slots=True)
class Episode:
    """A file that was joined from segments.

    Attributes:
        path: the file, as the assembler stored it.
        rate: of the chunks, Hz.
        mastered: what went to the encoder, with the pauses between the chunks as they are in this file.
    """

    path: Path
    rate: int
    mastered: Samples


def rendered(environment: BenchEnvironment, *, quick: bool) -> dict[Voice, dict[AudioFormat, Episode]]:
    """Render a text with each voice, in every format."""
    own = {"PODCAST_SPEECH_PORT": "0", "PODCAST_SPEECH_DEFAULT_ENGINE": "piper", "PODCAST_SPEECH_WORKERS": "1"}
    own |= {"PODCAST_CACHE_DIR": str(load().cache_dir)}
    folder = environment.folder("quality")
    with (
        SpeechProcess("services.speech.app", environment=own) as speech,
        environment.services(speech.wait_ready().url, speech_engine="measured") as services,
    ):
        return {voice: asyncio.run(_render(services, voice, folder, quick=quick)) for voice in VOICES}


async def _render(services: Services, voice: Voice, folder: Path, *, quick: bool) -> dict[AudioFormat, Episode]:
    paragraphs = (_TEXTS / f"{voice.language}.md").read_text(encoding="utf-8").split("\n\n")
    request = JobRequest(
        source=TextSource(text="\n\n".join(paragraphs[: _QUICK_PARAGRAPHS if quick else None]), format="markdown"),
        title=voice.name,
        language=voice.language,
        voice=voice.voice,
        model=voice.model,
        formats=FORMATS,
        loudness="mono",
        max_parallel=2,
    )
    await services.submit(request)
    await books.reaches(services, request.job_id, "completed", seconds=LIMIT_SECONDS)
    manifest = read(Manifest, await job_manifest.read_bytes(services.store, request.job_id), strict=False)
    timing = read(Timing, await services.store.get(keys.episode(request.job_id, "timing.json")), strict=False)
    rate = timing.timeline.sample_rate
    chunks = [chunk_audio.decode(await services.store.get(chunk.audio_key))[0] for chunk in manifest.chunks]
    made: dict[AudioFormat, Episode] = {}
    segments = Segments(manifest, services.store, rate)
    await segments.learn()
    for codec in joining.codecs_of(FORMATS):
        body = Body(manifest, joining.start_of(codec.format, Labels).joiner)
        async with aclosing(segments.of(codec, range(len(chunks)))) as found:
            async for some in found:
                body.add(some)
        if not joining.measured(codec, body, "mono").is_on_target("mono"):
            raise RuntimeError(f"{voice.name}: the {codec.format} is off target, and was not joined as it is.")
        path = folder / f"{voice.model}-{voice.language}.{codec.format}"
        await services.store.get_file(keys.episode(request.job_id, codec.format), path)
        made[codec.format] = Episode(path, rate, laid_out(body.placement(), body.levels, chunks))
    if len(made) < len(FORMATS):
        raise RuntimeError("An encoder is missing: see `podcast doctor`.")
    return made


def laid_out(placement: Placement, levels: SegmentLevels, chunks: Sequence[Samples]) -> Samples:
    """The mastered sound of an episode, each chunk where its frames are in the file.

    Args:
        placement: of the segments.
        levels: of each of them.
        chunks: as they are stored, before mastering.
    """
    sound = np.zeros(placement.frames * placement.frame_samples, dtype=np.float32)
    for chunk, first, gain_db in zip(chunks, levels.firsts, levels.gains_db, strict=True):
        samples = mastering.limit(chunk, placement.rate, gain_db)
        at = first * placement.frame_samples
        sound[at : at + len(samples)] = samples
    return sound[: placement.samples]
