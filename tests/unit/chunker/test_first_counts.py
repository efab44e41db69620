"""Of two requests or two chunkers, the first one wins; a job reads only what was stored for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.chunker import handlers
from shared.protocol.manifest import Manifest
from shared.protocol.messages import EpisodeAssembled, JobRequest, ObjectSource, TextSource
from shared.store import keys
from tests.unit.chunker.test_handlers import Harness

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("one_loop")]


async def test_of_two_chunkers_the_first_one_counts_and_the_other_announces_its_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last one used to win, while the coordinator was already working on the first one's manifest."""
    harness = Harness(tmp_path)
    job = JobRequest(source=TextSource(text="One.\n\nTwo."))
    made = handlers._made

    async def overtaken(*arguments: Any) -> tuple[bytes, int, bytes]:
        mine, _, cover = await made(*arguments)
        first = Manifest.model_validate_json(mine)
        first = first.model_copy(update={"title": "The first", "chunks": first.chunks[:1]})
        await harness.store.put(keys.manifest(job.job_id), first.model_dump_json().encode())
        return mine, 2, cover

    monkeypatch.setattr(handlers, "_made", overtaken)
    assert (await harness.chunk(job)).title == "The first"
    assert [message.chunks for message in harness.published] == [1]


async def test_of_two_requests_with_one_id_the_first_one_is_read(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    first = JobRequest(job_id="j", source=TextSource(text="The first."))
    await harness.store.put(keys.request("j"), first.model_dump_json().encode())
    manifest = await harness.chunk(JobRequest(job_id="j", source=TextSource(text="Something else.")))
    assert [chunk.text for chunk in manifest.chunks] == ["The first."]
    assert manifest.request == first


async def test_a_manifest_says_all_that_decides_how_its_chunks_sound(tmp_path: Path) -> None:
    harness = Harness(tmp_path, sample_rate=48_000)
    manifest = await harness.chunk(JobRequest(source=TextSource(text="One.")))
    assert (manifest.sample_rate, manifest.engine) == (48_000, "an engine")


@pytest.mark.parametrize(
    "key", ["jobs/another/source/book.md", "jobs/j/../another/book.md", "audio/abc.flac", "jobs/j2/x"]
)
def test_a_job_names_only_its_own_keys(key: str) -> None:
    with pytest.raises(ValidationError, match="must be an object of this job"):
        JobRequest(job_id="j", source=ObjectSource(key=key))
    with pytest.raises(ValidationError, match="must be an object of this job"):
        JobRequest(job_id="j", source=TextSource(text="A."), cover=key)


def test_an_episode_names_only_its_own_keys() -> None:
    with pytest.raises(ValidationError, match="must be an object of this job"):
        EpisodeAssembled(
            job_id="j",
            files={"mp3": "jobs/another/episode.mp3"},
            audio_seconds=1.0,
            loudness_lufs=-19.0,
            true_peak_dbtp=-1.0,
            seconds=1.0,
        )
