"""The methods of the client for files and sound: episodes, voices, speech."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

from podcast_client import async_streams as streams
from podcast_client import calls
from podcast_client.async_transport import AsyncTransport
from podcast_client.documents import Document, Voice
from podcast_client.errors import JobNotCompleted


class AsyncMediaMethods:
    """What a job has made, and what a text sounds like."""

    _transport: AsyncTransport

    async def fetch(self, job_id: str, target: Path | str, kind: str | None = None) -> Path:
        """Fetch a file of a completed job.

        An interrupted download goes on where it broke, also in another process; the file appears under its name only
        when it is complete.

        Args:
            job_id: of the job.
            target: the file to write.
            kind: `mp3`, `m4b`, `opus`, `flac`, `wav`, `vtt`, `chapters`, `timing` or `cover`; None: the episode in the
                first of its formats.

        Raises:
            JobNotCompleted: the job has no episode (yet).
            OSError: it cannot be written.
        """
        path = Path(target)
        route = f"{calls.job_path(job_id)}/" + ("episode" if kind is None else f"files/{calls.part(kind)}")
        job = await self._transport.run(calls.job(job_id))
        if job.state != "completed":
            raise JobNotCompleted(f"Job {job_id} is {job.state}" + (f": {job.error}" if job.error else "."))
        await streams.download(self._transport, route, path)
        return path

    async def voices(self, language: str | None = None) -> tuple[Voice, ...]:
        """The voices of the speech servers.

        Args:
            language: only voices that speak it; a BCP 47 tag.
        """
        return await self._transport.run(calls.voices(language))

    async def models(self) -> tuple[Document, ...]:
        """The speech models."""
        return await self._transport.run(calls.models())

    async def sample(self, voice_id: str, **options: Any) -> bytes:
        """How a voice sounds: a short audio file."""
        return b"".join([data async for data in self._spoken(calls.sample_path(voice_id), options)])

    def speech(
        self, text: str, *, voice: str = "default", model: str = "default", response_format: str = "mp3", **options: Any
    ) -> AsyncGenerator[bytes, None]:
        """A text of any length as speech, in order, while it is being spoken.

        Args:
            text: the text.
            voice: the voice.
            model: the speech model.
            response_format: `mp3`, `opus`, `aac`, `flac`, `wav` or `pcm`.
            options: more fields of the request, such as `speed`.
        """
        body = {"input": text, "voice": voice, "model": model, "response_format": response_format, **options}
        return self._spoken("/v1/audio/speech", body)

    async def stream(self, job_id: str, audio_format: str = "mp3") -> AsyncGenerator[bytes, None]:
        """What a job speaks, in order, while it is spoken.

        Args:
            job_id: of the job.
            audio_format: `mp3`, `opus`, `aac`, `flac`, `wav` or `pcm`.
        """
        path = f"{calls.job_path(job_id)}/stream?format={calls.part(audio_format)}"
        async with streams.listening(self._transport, path) as answer:
            async for data in answer.parts():
                yield data

    async def hls(self, job_id: str, name: str = "index.m3u8", *, awaited: int = 0) -> bytes:
        """A file of a job's HLS stream, which grows while the job is spoken.

        Args:
            job_id: of the job.
            name: of the file: `index.m3u8`, or as the playlist names it.
            awaited: wait some seconds for the fragment of this number to be in the playlist.
        """
        return await self._transport.run(calls.hls(job_id, name, awaited))

    async def _spoken(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[bytes, None]:
        async with streams.speaking(self._transport, path, body) as answer:
            async for data in answer.parts():
                yield data
