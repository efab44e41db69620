"""The life of a stack: updated, killed, frozen, scaled, its secrets rotated, its engine away.

Each in the middle of a book, of which nothing is lost and nothing that is finished is spoken again.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.end_to_end import texts
from tests.stack import images
from tests.stack.docker import Docker, StackTestError, say
from tests.stack.engine import Engine
from tests.stack.stack import SERVERS, SERVICES, Stack, until

pytestmark = pytest.mark.long_stack

BOOK_CHUNKS = 200
SPEECH_SECONDS = 4
FROZEN_SECONDS = 600.0
ABSENCE_SECONDS = 30.0


@pytest.fixture(scope="module", autouse=True)
def slow_speech(stack: Stack) -> None:
    """As slow as speech is on a small machine, so that there is a middle of the book to do things in."""
    stack.set_options(PODCAST_TEST_SPEECH_SECONDS=str(SPEECH_SECONDS))
    stack.up()


def begin(stack: Stack, seed: int, chunks: int = BOOK_CHUNKS) -> str:
    """Submit a book, and wait until it is well under way."""
    job_id = stack.submit(texts.book(chunks, seed=seed), title=f"Book {seed}")
    stack.wait_for_chunks(job_id, chunks // 10)
    return job_id


def still_in_the_middle(stack: Stack, job_id: str) -> None:
    """A test proves nothing if the book was finished before it did anything."""
    assert stack.job(job_id)["state"] == "synthesizing"


def proves(stack: Stack, job_id: str, folder: Path, chunks: int = BOOK_CHUNKS, seed: int = 0) -> None:
    """The episode is complete, exact, and nothing that was finished was spoken again."""
    job = stack.wait_for(job_id, "completed")
    assert job["chunks"]["failed"] == 0
    assert job["chunks"]["total"] == chunks
    heard, written = stack.heard(job_id, folder)
    assert heard == written
    spoken = [texts.sentence(number, seed=seed) for number in range(chunks) if number % (chunks // 10)]
    assert [text for text in heard if not text.startswith("Chapter number")] == spoken
    assert stack.spoken_again(job_id) == []
    calls = sum(call["text"] in set(written) for call in stack.calls())
    say(f"book {seed}: {chunks} chunks, 0 failed, heard exactly; {calls} speech calls, 0 for finished chunks")


def test_every_service_is_updated_in_the_middle_of_a_book(stack: Stack, docker: Docker, tag: str, folder: Path) -> None:
    new = f"{tag}-next"
    images.retag(docker, tag, new)
    before = {container["Id"] for container in stack.containers()}
    job_id = begin(stack, seed=11)
    stack.init(new)
    say(f"updating every service to {new}")
    started = time.monotonic()
    stack.up()
    during = stack.job(job_id)
    say(f"updated in {time.monotonic() - started:.0f} s: {stack.update_states()}")
    assert before.isdisjoint({container["Id"] for container in stack.containers()}), "every task is a new one"
    for service in (*SERVICES, *SERVERS):
        assert {one["Config"]["Image"].rpartition(":")[2] for one in stack.containers(service)} == {new}, service
        assert stack.update_states()[service] == "completed", service
    # Every one of them began while the book was being spoken.
    assert during["state"] == "synthesizing", during
    proves(stack, job_id, folder, seed=11)


def test_a_container_of_every_service_is_killed_in_the_middle_of_a_book(stack: Stack, folder: Path) -> None:
    job_id = begin(stack, seed=20, chunks=300)
    for service in (*SERVICES, *SERVERS):
        killed = stack.containers(service)[0]["Id"]
        still_in_the_middle(stack, job_id)
        stack.docker.run("kill", killed)
        say(f"killed: {service}")
        until(
            lambda service=service, killed=killed: killed not in (now := health(stack, service)) and _is_well(now),
            f"{service} is started again",
        )
    proves(stack, job_id, folder, 300, 20)


def test_a_frozen_container_of_every_service_is_found_unhealthy_and_replaced(stack: Stack, folder: Path) -> None:
    job_id = begin(stack, seed=30, chunks=60)
    frozen = {service: stack.containers(service)[0] for service in (*SERVICES, *SERVERS)}
    for service, container in frozen.items():
        assert container["State"]["Health"]["Status"] == "healthy", service
        _freeze(container["State"]["Pid"])
    say("frozen, all at once: a container of every service")
    started = time.monotonic()
    unhealthy: set[str] = set()

    def all_are_replaced() -> bool:
        # A container that is unhealthy is asked to stop first, and is there for as long as its grace period.
        found = {service: health(stack, service) for service in frozen}
        for service, container in frozen.items():
            if found[service].get(container["Id"]) == "unhealthy" and service not in unhealthy:
                unhealthy.add(service)
                say(f"{service}: found unhealthy after {time.monotonic() - started:.0f} s")
        return all(frozen[service]["Id"] not in now and _is_well(now) for service, now in found.items())

    until(all_are_replaced, "every frozen container is replaced by a healthy one", seconds=FROZEN_SECONDS)
    assert unhealthy == set(frozen)
    say(f"all are replaced and healthy after {time.monotonic() - started:.0f} s")
    proves(stack, job_id, folder, 60, 30)


def health(stack: Stack, service: str) -> dict[str, str]:
    """Container → what its health check says."""
    return {one["Id"]: one["State"]["Health"]["Status"] for one in stack.containers(service)}


def _is_well(found: dict[str, str]) -> bool:
    return bool(found) and set(found.values()) == {"healthy"}


def _freeze(pid: int) -> None:
    """Stop a process and all that it started; it is the first of its container, whose children are the service."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        _freeze(int(child))
    os.kill(pid, signal.SIGSTOP)


def test_synthesizers_are_scaled_up_and_down_in_the_middle_of_a_book(stack: Stack, folder: Path) -> None:
    job_id = begin(stack, seed=40)
    for count in (4, 2):
        still_in_the_middle(stack, job_id)
        stack.docker.run("service", "scale", f"podcast-test_synthesizer={count}", seconds=300)
        assert len(stack.containers("synthesizer")) == count
    proves(stack, job_id, folder, seed=40)


def test_secrets_are_rotated_in_the_middle_of_a_book(stack: Stack, folder: Path) -> None:
    job_id = begin(stack, seed=50, chunks=300)
    old_key = stack.key
    with_two_users = "store_url_synthesizer"
    old = (stack.folder / "secrets" / with_two_users).read_text()
    # The last two restart the store and the broker.
    for secret in ("gateway_key", with_two_users, "minio_root_password", "erlang_cookie"):
        stack.podcast("deploy", "rotate", str(stack.folder), secret)
    assert stack.key != old_key
    assert (stack.folder / "secrets" / with_two_users).read_text() != old
    stack.up()
    still_in_the_middle(stack, job_id)
    stack.podcast("deploy", "rotate", str(stack.folder), with_two_users, "--finish")
    stack.up()
    with stack.client() as client:
        assert client.get("/v1/jobs", headers={"Authorization": f"Bearer {old_key}"}).status_code == 401
        assert client.get("/v1/jobs").status_code == 200
    with pytest.raises(StackTestError, match="InvalidAccessKeyId"):
        stack.stored(old.strip())
    proves(stack, job_id, folder, 300, 50)


def test_the_engine_is_away_for_a_while_in_the_middle_of_a_book(engine: Engine, stack: Stack, folder: Path) -> None:
    if not engine.is_own:
        pytest.skip("The engine ran before the test, which therefore may not stop it.")
    job_id = begin(stack, seed=60, chunks=100)
    engine.freeze()
    try:
        # Containers run on without it: the book goes on.
        done = stack.job(job_id)["chunks"]["done"]
        stack.wait_for_chunks(job_id, done + 5, seconds=ABSENCE_SECONDS * 4)
    finally:
        engine.thaw()
    still_in_the_middle(stack, job_id)
    say("the engine is ended, and started again")
    engine.stop()
    engine.start()
    stack.up()
    proves(stack, job_id, folder, 100, 60)
