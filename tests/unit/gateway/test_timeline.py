"""A job's timeline, from its status and its manifest."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest

from services.gateway.timeline_routes import timeline_of
from shared.client.watching import UnreadableJob
from shared.protocol.chunk_times import ChunkTimes
from shared.protocol.messages import ChunkFailure, JobStatus


def manifest(*keys: str, parallel: int = 2) -> bytes:
    chapters = [{"title": "One", "level": 1, "first_chunk": 0}]
    return json.dumps(
        {"chunks": [{"audio_key": key} for key in keys], "chapters": chapters, "request": {"max_parallel": parallel}}
    ).encode()


def status(state: str = "synthesizing", *, done: bytes = b"", **fields: Any) -> JobStatus:
    finished = {"chunk": base64.b64encode(zlib.compress(done)).decode()} if done else {}
    return JobStatus.model_validate(
        {"job_id": "j", "state": state, "submitted_at": 10.0, "updated_at": 20.0, "finished": finished, **fields},
        strict=False,
    )


def failed(index: int) -> ChunkFailure:
    return ChunkFailure(index=index, text="text", reason="why")


def test_done_queued_and_waiting() -> None:
    found = timeline_of(status(done=b"\x03"), manifest("a", "b", "c", "d", "e"))
    assert (found.total, found.states) == (5, "ddqqw")
    assert found.chapters[0].title == "One"


def test_equal_chunks_are_one_piece_of_work() -> None:
    assert timeline_of(status(done=b"\x01"), manifest("a", "b", "a", "c", "b", "d")).states == "dqdqqw"


def test_a_failed_chunk_is_seen_and_one_that_was_made_after_all_is_done() -> None:
    failures = (failed(1), failed(2))
    found = timeline_of(status(done=b"\x04", failures=failures), manifest("a", "b", "c", "d"))
    assert found.states == "qfdq"


def test_nothing_is_queued_of_a_job_that_has_ended() -> None:
    assert timeline_of(status("failed", done=b"\x01", failures=(failed(1),)), manifest("a", "b", "c")).states == "dfw"
    assert timeline_of(status("completed"), manifest("a", "b")).states == "dd"


@pytest.mark.parametrize(
    "checkpoint", ["", "?", base64.b64encode(b"no zlib").decode(), base64.b64encode(zlib.compress(b"12345")).decode()]
)
def test_a_checkpoint_that_says_nothing_is_no_error(checkpoint: str) -> None:
    found = timeline_of(status(finished={"chunk": checkpoint}), manifest("a", "b", "c"))
    assert found.states == "qqw"


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"chunks": [{}], "chapters": []}', b'{"chunks": 1}'])
def test_a_damaged_manifest_has_a_name(data: bytes) -> None:
    with pytest.raises(UnreadableJob, match="manifest of job j"):
        timeline_of(status(), data)


def test_the_times_are_shown_if_they_fit() -> None:
    times = ChunkTimes(
        job_id="j", began_at=10.0, requested=(0.0, 1.0), finished=(2.0, -1.0), spoken=(1.5, -1.0), tries=(2, 0)
    )
    data = times.model_dump_json().encode()
    found = timeline_of(status(), manifest("a", "b"), data)
    assert (found.requested, found.finished, found.tries) == ([0.0, 1.0], [2.0, -1.0], [2, 0])
    assert timeline_of(status(), manifest("a", "b", "c"), data).requested == []
    assert timeline_of(status(), manifest("a", "b"), b"{").requested == []
