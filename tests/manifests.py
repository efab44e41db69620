"""Manifests for tests that invent their own chunks."""

from __future__ import annotations

from collections.abc import Sequence

from shared.protocol.manifest import Chapter, Chunk, Manifest
from shared.protocol.messages import JobRequest, PauseLengths, TextSource
from tests.audio_keys import audio_key_of


def manifest(texts: Sequence[str], *, job_id: str = "job", max_parallel: int = 5) -> Manifest:
    """A manifest with one chunk per text; equal texts share their audio."""
    return Manifest(
        job_id=job_id,
        request=JobRequest(job_id=job_id, source=TextSource(text="…"), max_parallel=max_parallel),
        title="Title",
        author="",
        language="en",
        voice="v",
        model="m",
        pauses=PauseLengths(),
        chapters=(Chapter(title="Title", level=1, first_chunk=0),),
        chunks=tuple(
            Chunk(index=index, text=text, chapter=0, pause_after="sentence", audio_key=audio_key_of(text))
            for index, text in enumerate(texts)
        ),
    )
