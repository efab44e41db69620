"""A failed job is completed by `podcast dlq replay`, run while the system is up."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.protocol.messages import TextSource
from shared.store import keys
from tests.fault.cluster import JOB_SECONDS, Cluster, job, unheard_text
from tests.waiting import until

COMMAND_SECONDS = 60.0

DIES_BETWEEN_CONFIRM_AND_ACK = """
import asyncio, os
from shared.runtime.broker import connected
from shared.dead_letters.browser import DeadLetters
from shared.dead_letters.selection import Selection
from shared.settings import load

async def main():
    async with connected(load()) as connection:
        await DeadLetters(connection, call_seconds=10).replay(Selection(), confirmed=lambda letter: os._exit(9))

asyncio.run(main())
"""


CORRECTS_AND_DIES = """
import asyncio, functools, os, sys
from pathlib import Path
from shared.dead_letters.browser import DeadLetters
from shared.dead_letters.selection import Selection
from shared.runtime.broker import connected
from shared.runtime.publishing import Publisher
from shared.settings import load
from shared.store.port import open_store
from shared.store.s3 import S3Store

letter, edited, step = sys.argv[1], Path(sys.argv[2]).read_text(), sys.argv[3]

def dies_after(call):
    @functools.wraps(call)
    async def dying(*arguments, **keywords):
        await call(*arguments, **keywords)
        os._exit(9)
    return dying

if step == "recorded":
    S3Store.create = dies_after(S3Store.create)
elif step == "sent":
    Publisher.raw = dies_after(Publisher.raw)

async def store():
    return open_store(load())

async def main():
    async with connected(load()) as connection:
        letters = DeadLetters(connection, call_seconds=10, store=store)
        chosen = Selection(ids=frozenset({letter}))
        await letters.replay(chosen, edited=edited, confirmed=lambda letter: os._exit(9))

asyncio.run(main())
"""


async def python(cluster: Cluster, *words: str) -> tuple[int, str]:
    """Exit code and output of a program that finds the stack through its environment."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        env={**os.environ, **cluster.services.environment},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
    assert process.returncode is not None
    return process.returncode, output.decode()


async def dlq(cluster: Cluster, *words: str) -> Any:
    """The output of `podcast dlq … --json`."""
    code, output = await python(cluster, "-m", "services.cli.app", "dlq", *words, "--json")
    assert code == 0, output
    return json.loads(output)


async def fails_for_two_chunks(cluster: Cluster) -> Any:
    """Submit a job two of whose chunks the speech servers refuse, then let them refuse nothing; returns its request."""
    request = job(unheard_text(6))
    assert isinstance(request.source, TextSource)
    refused = [request.source.text.split("\n\n")[index] for index in (1, 4)]
    for voice in cluster.voices:
        voice.misbehave_as([{"mode": "status", "status": 400, "containing": text} for text in refused])
    await cluster.services.submit(request)
    status = await cluster.services.ended(request.job_id)
    assert (status.state, status.chunks.done, status.chunks.failed) == ("failed", 4, 2)
    for voice in cluster.voices:
        voice.behave()
    return request


async def test_a_replay_of_its_dead_letters_completes_a_failed_job(cluster: Cluster) -> None:
    async with cluster.running():
        request = await fails_for_two_chunks(cluster)
        letters = await dlq(cluster, "list", "synthesizer", "--job", request.job_id)
        assert sorted(letter["chunk"] for letter in letters) == [1, 4]
        texts = request.source.text.split("\n\n")
        for letter in letters:
            assert letter["text"] == texts[letter["chunk"]]
            assert "HTTP 400" in letter["reason"]
            assert letter["attempts"][0]["at"] <= letter["time"]
        replayed = await dlq(cluster, "replay", "--job", request.job_id)
        assert {letter["id"] for letter in replayed} == {letter["id"] for letter in letters}
        await cluster.services.reaches(request.job_id, "completed", seconds=JOB_SECONDS)
        await cluster.proves(request)


@pytest.mark.parametrize("then", ["replayed again", "discarded"])
async def test_a_replay_killed_between_confirm_and_ack_harms_nothing(cluster: Cluster, then: str) -> None:
    async with cluster.running():
        request = await fails_for_two_chunks(cluster)
        code, _ = await python(cluster, "-c", DIES_BETWEEN_CONFIRM_AND_ACK)
        assert code == 9
        letters = await dlq(cluster, "list", "synthesizer")
        assert len(letters) == 2, "the letter whose copy was confirmed is in both queues"
        if then == "discarded":
            await dlq(cluster, "discard", letters[0]["id"], "--yes")  # the one that was sent
        await dlq(cluster, "replay", "--all")
        await cluster.services.reaches(request.job_id, "completed", seconds=JOB_SECONDS)
        await cluster.proves(request)


async def test_a_job_blamed_for_three_deaths_says_so_and_a_replay_completes_it(cluster: Cluster) -> None:
    async with cluster.running():
        request = job(unheard_text(3))
        cluster.arm("assembler", "before-store", "kill")
        await cluster.services.submit(request)
        for death in (1, 2, 3):
            await until(lambda: cluster.was_hit("assembler", "before-store"), f"death {death}", seconds=JOB_SECONDS)
            if death < 3:
                cluster.arm("assembler", "before-store", "kill")
        status = await cluster.services.ended(request.job_id)
        assert status.state == "failed"
        assert "killed the process that handled it 3 times" in (status.error or "")
        [letter] = await dlq(cluster, "list", "assembler", "--job", request.job_id)
        assert "killed the process that handled it 3 times" in letter["reason"]
        await dlq(cluster, "replay", "--job", request.job_id)
        await cluster.services.reaches(request.job_id, "completed", seconds=JOB_SECONDS)
        await cluster.proves(request)


@pytest.mark.parametrize("step", ["recorded", "sent", "confirmed"])
async def test_a_correction_killed_in_the_middle_is_repeated_and_stays_the_jobs_own(
    cluster: Cluster, step: str, tmp_path: Path
) -> None:
    """A corrected text used to be stored as the audio of the original, which another job then got."""
    async with cluster.running():
        request = job(unheard_text(3))
        assert isinstance(request.source, TextSource)
        original = request.source.text.split("\n\n")[1]
        for voice in cluster.voices:
            voice.misbehave_as([{"mode": "status", "status": 400, "containing": original}])
        await cluster.services.submit(request)
        assert (await cluster.services.ended(request.job_id)).state == "failed"
        for voice in cluster.voices:
            voice.behave()
        [letter] = await dlq(cluster, "list", "synthesizer", "--job", request.job_id)
        payload = await dlq(cluster, "show", letter["id"], "--payload")
        assert payload["text"] == original
        edited = tmp_path / "edited.json"
        correction = f"A corrected {original}"
        edited.write_text(json.dumps({**payload, "text": correction}))

        code, _ = await python(cluster, "-c", CORRECTS_AND_DIES, letter["id"], str(edited), step)
        assert code == 9
        assert await cluster.services.store.exists(keys.corrected_manifest(request.job_id))
        [left] = await dlq(cluster, "list", "synthesizer")
        assert left["id"] == letter["id"], "the letter is still there"
        if step == "confirmed":
            await dlq(cluster, "discard", letter["id"], "--yes")  # the job has been resumed already
        else:
            await dlq(cluster, "replay", letter["id"], "--payload", str(edited))
        await cluster.services.reaches(request.job_id, "completed", seconds=JOB_SECONDS)
        await cluster.is_quiet()

        written, heard = await cluster.services.spoken(request, tmp_path)
        assert heard == written
        assert heard[1] == correction
        status = await cluster.services.status(request.job_id)
        assert status is not None
        captions = (await cluster.services.store.get(status.files["vtt"])).decode()
        assert "A corrected" in captions
        assert [call["text"] for call in cluster.calls()].count(correction) == 1

        other = job(original)
        await cluster.services.submit(other)
        await cluster.completes(other)
        await cluster.nothing_is_dead()
