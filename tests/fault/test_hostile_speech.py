"""Speech servers that hang, trickle, cut, lie, refuse: each ends as a retry that succeeds elsewhere, or as a dead
letter that explains itself, within the deadlines. Many hostilities at once, each for one job's text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from aio_pika.abc import AbstractIncomingMessage

from shared.protocol import envelope
from shared.protocol.messages import JobRequest
from tests.fault.cluster import Cluster, job, unheard_text
from tests.waiting import until

SHAPES = (1, 2, 3, 4)
STATUSES_OF_THE_TEXT = (400, 404, 413, 422)
"""The server is up and rejects this text."""
STATUSES_OF_THE_SERVER = (401, 500)
"""The server is up and does not work."""
STATUSES_OF_AN_OUTAGE = (429, 503)
BAD_AUDIO = ("cut", "silence", "noise", "half", "empty", "html")
SLOW = ("hang", "trickle")
ROUNDS = 30
"""Tries until a hostile server has been called: the calls are spread over the two."""

Hostility = Mapping[str, Any]


def hostilities(*, statuses: tuple[int, ...], modes: tuple[str, ...]) -> dict[str, Hostility]:
    """A word that the text contains → what the server does to that text."""
    found: dict[str, Hostility] = {mode: {"mode": mode} for mode in modes}
    for status in statuses:
        for shape in SHAPES:
            found[f"status{status}shape{shape}"] = {"mode": "status", "status": status, "shape": shape}
    return {f"{word}x": {**hostility, "containing": f"{word}x"} for word, hostility in found.items()}


QUICK = hostilities(statuses=(*STATUSES_OF_THE_TEXT, *STATUSES_OF_THE_SERVER), modes=BAD_AUDIO)
DELAYED = hostilities(statuses=STATUSES_OF_AN_OUTAGE, modes=SLOW)
SOME_QUICK = {word: QUICK[word] for word in ("cutx", "halfx", "htmlx", "status400shape1x", "status500shape3x")}
SOME_DELAYED = {word: DELAYED[word] for word in ("hangx", "status503shape4x")}

some_or_all = pytest.mark.parametrize(
    "hostile",
    [
        pytest.param({**SOME_QUICK, **SOME_DELAYED}, id="some"),
        pytest.param(QUICK, id="quick", marks=pytest.mark.long),
        pytest.param(DELAYED, id="delayed", marks=pytest.mark.long),
    ],
)


def asked(cluster: Cluster, word: str) -> list[dict[str, Any]]:
    """Calls of the first voice with this word in them."""
    return [call for call in cluster.voices[0].calls() if word in call["text"]]


@some_or_all
async def test_another_server_takes_over_from_a_hostile_one(cluster: Cluster, hostile: dict[str, Hostility]) -> None:
    async with cluster.running():
        cluster.voices[0].misbehave_as(list(hostile.values()))
        untried = set(hostile)
        together = len(untried)
        for _ in range(ROUNDS):
            words = sorted(untried)
            for first in range(0, len(words), together):
                requests = [job(unheard_text(2, also=word)) for word in words[first : first + together]]
                await cluster.services.submit(*requests)
                await cluster.proves(*requests)
            untried = {word for word in untried if not asked(cluster, word)}
            if not untried:
                return
            together = 1  # a server that seems down is not called while another text is tried
        raise AssertionError(f"the hostile server was never asked: {untried}")


HEALING = {
    word: {**hostility, "count": 1}
    for word, hostility in {**QUICK, **DELAYED}.items()
    if hostility.get("status") not in (*STATUSES_OF_THE_TEXT, 401)
}


@pytest.mark.long
async def test_every_server_is_hostile_once_and_good_afterwards(cluster: Cluster) -> None:
    requests = [job(unheard_text(1, also=word)) for word in HEALING]

    async with cluster.running():
        for voice in cluster.voices:
            voice.misbehave_as(list(HEALING.values()))
        await cluster.services.submit(*requests)
        for request in requests:
            await cluster.services.ended(request.job_id)
        spoilt = {call["text"] for call in cluster.calls() if call["mode"] != "ok"}
        untouched = {word for word in HEALING if not any(word in text for text in spoilt)}
        assert untouched == set(), "each was hostile to its text"
        await cluster.proves(*requests)


def check_letter(letter: AbstractIncomingMessage, word: str, hostility: Hostility) -> None:
    """Check that it says what happened, to which chunk, how often and when."""
    headers = letter.headers
    reason = str(headers[envelope.EXCEPTION_MESSAGE])
    attempts = envelope.attempts(headers)
    is_final = hostility.get("status") in (*STATUSES_OF_THE_TEXT, 401)
    assert reason.endswith((".", "…")), reason
    assert word in letter.body.decode()
    assert headers[envelope.CHUNK] == 0
    assert headers[envelope.SERVICE] == "synthesizer"
    assert "Traceback" in str(headers[envelope.EXCEPTION_STACKTRACE])
    numbers = [attempt["attempt"] for attempt in attempts]
    assert numbers == sorted(numbers)
    # A wait for a server that is down is listed too, but is not counted as an attempt.
    assert set(numbers) == ({1} if is_final else {1, 2, 3})
    assert all(attempt["at"] for attempt in attempts)
    if hostility["mode"] == "status":
        assert "The speech server was told to fail." in reason


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(SOME_QUICK, id="some"),
        pytest.param(QUICK, id="quick", marks=pytest.mark.long),
        pytest.param({"hangx": DELAYED["hangx"], "tricklex": DELAYED["tricklex"]}, id="slow", marks=pytest.mark.long),
    ],
)
async def test_where_every_server_is_hostile_the_dead_letter_says_so(
    cluster: Cluster, hostile: dict[str, Hostility]
) -> None:
    requests: dict[str, JobRequest] = {word: job(unheard_text(1, also=word)) for word in hostile}
    witness = job(unheard_text(3))

    async with cluster.running():
        for voice in cluster.voices:
            voice.misbehave_as(list(hostile.values()))
        await cluster.services.submit(*requests.values(), witness)
        for request in requests.values():
            status = await cluster.services.ended(request.job_id)
            assert status.state == "failed"
            assert status.chunks.failed == 1
            assert status.error is not None
            assert "cannot be spoken" in status.error
        letters = {str(letter.headers[envelope.JOB]): letter for letter in await cluster.letters("synthesizer.dead")}
        assert len(letters) == len(requests)
        for word, hostility in hostile.items():
            check_letter(letters[requests[word].job_id], word, hostility)
        await cluster.proves(witness)


async def test_a_lying_wav_header_does_no_harm(cluster: Cluster) -> None:
    request = job(unheard_text(3))

    async with cluster.running():
        for voice in cluster.voices:
            voice.misbehave("lying-header")
        await cluster.services.submit(request)
        await until(lambda: "lying-header" in [call["mode"] for call in cluster.calls()], "a header lies")
        await cluster.proves(request)


@pytest.mark.parametrize("mode", ["silence", "alternating"])
async def test_one_chunk_that_cannot_be_spoken_fails_the_job_and_the_rest_is_spoken(
    cluster: Cluster, mode: str
) -> None:
    request = job(unheard_text(6))

    async with cluster.running():
        unspeakable = request.source.text.split("\n\n")[2]  # type: ignore[union-attr] # it is a text
        synthesizers = [worker.process.pid for worker in cluster.services.of("synthesizer")]
        for voice in cluster.voices:
            voice.misbehave(mode, containing=unspeakable)
        await cluster.services.submit(request)
        status = await cluster.services.ended(request.job_id)
        assert status.state == "failed"
        assert (status.chunks.done, status.chunks.failed) == (5, 1)
        (failure,) = status.failures
        assert (failure.index, failure.text) == (2, unspeakable)
        assert failure.reason in (status.error or "")
        assert mode in {call["mode"] for call in cluster.calls()}, "the fault has bitten"
        assert [worker.process.pid for worker in cluster.services.of("synthesizer")] == synthesizers, "none has died"


async def test_a_job_whose_speech_never_comes_back_ends_at_its_own_deadline(cluster: Cluster) -> None:
    request = job(unheard_text(2))

    async with cluster.running():
        for voice in cluster.voices:
            voice.misbehave("status", status=503)
        async with cluster.with_settings("coordinator", PODCAST_JOB_DEADLINE_SECONDS="8"):
            await cluster.services.submit(request)
            status = await cluster.services.ended(request.job_id)
            assert status.state == "failed"
            assert status.error == "The job took longer than its deadline of 8 s."
            assert await cluster.services.dead_letters() == {}
        for voice in cluster.voices:
            voice.behave()
        await cluster.is_quiet()
