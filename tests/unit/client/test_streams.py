"""Events and downloads go on where they broke: against a server that answers as told."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

import podcast_client as api
from podcast_client import AsyncPodcastClient, PodcastClient
from tests.unit.client.conftest import KEY, QUICK, SHORT, Answer, Request, Scripted, of_json, problem

SONG = bytes(range(256)) * 1_000


def job(state: str, at: float, **more: Any) -> dict[str, Any]:
    return {"job_id": "j", "state": state, "updated_at": at, **more}


def events(*messages: tuple[str, str, Any]) -> Answer:
    lines = [f"event: {name}\nid: {id_}\ndata: {json.dumps(data)}\n\n" for name, id_, data in messages]
    return Answer(200, "".join([": hello\n\n", *lines]).encode(), {"content-type": "text/event-stream"})


def test_a_broken_stream_goes_on_after_the_last_event(scripted: Scripted, client: PodcastClient) -> None:
    by_path = {
        "/v1/jobs/j/events": [
            events(("status", "1", job("queued", 1)), ("status", "2", job("chunking", 2))),
            problem(503, "unavailable"),
            events(("retrying", "2", {"job_id": "j", "service": "s", "reason": "r", "tries": 1, "next_seconds": 2})),
            events(("status", "3", job("completed", 3)), ("status", "4", job("completed", 4))),
        ],
        "/v1/jobs/j": [of_json(job("chunking", 2))],
    }

    def answer(request: Request) -> Answer:
        answers = by_path[request.path]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    scripted.answers = [answer]
    assert [found.state for found in client.watch("j")] == ["queued", "chunking", "completed"]
    streams = [request for request in scripted.requests if request.path.endswith("/events")]
    assert [request.headers.get("last-event-id") for request in streams] == [None, "2", "2", "2"]


def test_where_there_is_no_stream_the_job_is_looked_up(scripted: Scripted, client: PodcastClient) -> None:
    jobs = iter([job("chunking", 1), job("chunking", 1), job("failed", 2)])

    def answer(request: Request) -> Answer:
        if request.path.endswith("/events"):
            return problem(503, "streams-full", retry_after="0")
        return of_json(next(jobs))

    scripted.answers = [answer]
    assert [found.state for found in client.watch("j")] == ["chunking", "failed"]


def test_an_end_that_was_seen_is_not_waited_for_again(scripted: Scripted, client: PodcastClient) -> None:
    scripted.answers = [
        lambda request: Answer(204, b"") if request.path.endswith("/events") else of_json(job("completed", 3))
    ]
    assert client.wait("j").state == "completed"


def test_a_job_that_is_deleted_meanwhile_ends_the_watch(scripted: Scripted, client: PodcastClient) -> None:
    scripted.answers = [
        events(("status", "1", job("queued", 1)), ("gone", "", {})),
        problem(404, "not-found", "There is no job."),
    ]
    with pytest.raises(api.NotFound, match="There is no job"):
        client.wait("j")


def test_states_that_were_passed_are_not_the_end(scripted: Scripted, client: PodcastClient) -> None:
    scripted.answers = [
        events(
            ("status", "1", job("failed", 1, passed=True)),
            ("status", "2", job("synthesizing", 2, passed=True)),
            ("status", "3", job("completed", 3)),
        )
    ]
    assert [found.state for found in client.watch("j")] == ["failed", "synthesizing", "completed"]


@pytest.mark.parametrize(("status", "error"), [(401, api.Unauthenticated), (404, api.NotFound)])
def test_a_refusal_ends_the_stream_at_once(
    scripted: Scripted, client: PodcastClient, status: int, error: type[api.ApiError]
) -> None:
    scripted.answers = [problem(status, "x")]
    with pytest.raises(error):
        client.wait("j")
    assert len(scripted.requests) == 1


def test_an_outage_that_does_not_end_is_an_error_in_the_end(scripted: Scripted, client: PodcastClient) -> None:
    scripted.answers = [problem(503, "unavailable")]
    troubles: list[api.ClientError] = []
    with pytest.raises(api.Unavailable):
        client.wait("j", trouble=troubles.append)
    assert len(troubles) == 1


def test_a_stream_that_breaks_while_nothing_happens_is_no_outage(scripted: Scripted, client: PodcastClient) -> None:
    end = time.monotonic() + 2 * QUICK.outage

    def answer(request: Request) -> Answer:
        has_ended = time.monotonic() > end
        if request.path.endswith("/events"):
            return events(("status", "2", job("completed", 2))) if has_ended else events()
        return of_json(job("queued", 1))

    scripted.answers = [answer]
    assert [found.state for found in client.watch("j")] == ["queued", "completed"]


def test_a_page_in_place_of_events_is_no_stream(scripted: Scripted, client: PodcastClient) -> None:
    scripted.answers = [Answer(200, b"<html>", {"content-type": "text/html"})]
    with pytest.raises(api.UnexpectedAnswer):
        client.wait("j")


def with_ranges(request: Request, *, tag: str = '"one"', cut: int | None = None) -> Answer:
    if request.path == "/v1/jobs/j":
        return of_json(job("completed", 1))
    asked = request.headers.get("range")
    if asked and request.headers.get("if-range") == tag:
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        where = f"bytes {start}-{len(SONG) - 1}/{len(SONG)}"
        return Answer(206, SONG[start:], {"etag": tag, "content-range": where}, cut_after=cut)
    return Answer(200, SONG, {"etag": tag}, cut_after=cut)


def test_a_broken_download_goes_on_where_it_broke(scripted: Scripted, client: PodcastClient, tmp_path: Path) -> None:
    scripted.answers = [
        with_ranges,
        lambda request: with_ranges(request, cut=100_000),
        lambda request: with_ranges(request, cut=50_000),
        with_ranges,
    ]
    target = client.fetch("j", tmp_path / "song.mp3")

    assert target.read_bytes() == SONG
    ranges = [request.headers.get("range") for request in scripted.requests[1:]]
    assert ranges[0] is None
    assert [one is not None for one in ranges[1:]] == [True, True]
    assert list(tmp_path.iterdir()) == [target]


def test_another_process_goes_on_with_what_is_there(scripted: Scripted, client: PodcastClient, tmp_path: Path) -> None:
    scripted.answers = [with_ranges, lambda request: with_ranges(request, cut=100_000), problem(500, "failed")]
    with pytest.raises(api.ServerError):
        client.fetch("j", tmp_path / "song.mp3")
    assert not (tmp_path / "song.mp3").exists()

    scripted.answers = [with_ranges]
    client.fetch("j", tmp_path / "song.mp3")

    assert scripted.requests[-1].headers["range"].startswith("bytes=")
    assert (tmp_path / "song.mp3").read_bytes() == SONG


def test_a_file_that_has_changed_is_fetched_anew(scripted: Scripted, client: PodcastClient, tmp_path: Path) -> None:
    scripted.answers = [
        with_ranges,
        lambda request: with_ranges(request, tag='"old"', cut=100_000),
        with_ranges,
    ]
    client.fetch("j", tmp_path / "song.mp3")
    assert (tmp_path / "song.mp3").read_bytes() == SONG
    assert len(list(tmp_path.iterdir())) == 1


def test_what_has_no_episode_says_so(scripted: Scripted, client: PodcastClient, tmp_path: Path) -> None:
    scripted.answers = [of_json(job("failed", 1, error="The voice is unknown."))]
    with pytest.raises(api.JobNotCompleted, match="The voice is unknown"):
        client.fetch("j", tmp_path / "song.mp3")


async def test_the_asynchronous_client_does_the_same(scripted: Scripted, tmp_path: Path) -> None:
    scripted.answers = [
        events(("status", "1", job("queued", 1))),
        of_json(job("queued", 1)),
        events(("status", "2", job("completed", 2))),
        with_ranges,
        lambda request: with_ranges(request, cut=100_000),
        with_ranges,
    ]
    async with AsyncPodcastClient(scripted.url, KEY, timeouts=SHORT, retries=QUICK) as client:
        assert [found.state async for found in client.watch("j")] == ["queued", "completed"]
        await client.fetch("j", tmp_path / "song.mp3")
    assert (tmp_path / "song.mp3").read_bytes() == SONG
