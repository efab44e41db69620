"""Three engines, a broker of three nodes: a worker is cut off, then the leader of the queues dies, amid a book."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end import texts
from tests.servers.namespaces import can_make
from tests.stack import images, several_engines
from tests.stack.docker import Docker, say
from tests.stack.several_engines import NODES, SpreadStack
from tests.stack.stack import SPEECH_PORT, until

pytestmark = pytest.mark.long_stack

OVERLAY = Path(__file__).with_name("several_hosts.yml")
CHUNKS = 80
SPEECH_SECONDS = 2
BROKERS = ("rabbitmq", "rabbitmq2", "rabbitmq3")


@pytest.fixture(scope="module")
def spread(docker: Docker, tag: str, session_folder: Path) -> Iterator[SpreadStack]:
    if os.geteuid() != 0 or not can_make():
        pytest.skip("SEVERAL HOSTS ARE NOT TESTED. Only root can make network namespaces.")
    folder = session_folder / "several"
    with several_engines.provided(folder) as engines:
        yield deployed(engines, docker, tag, folder / "deployment")


def deployed(engines: several_engines.Engines, source: Docker, tag: str, folder: Path) -> SpreadStack:
    """The stack on these engines, with a broker of three nodes."""
    engines.load(source, *(images.name(target, tag) for target in ("services", "rabbitmq", "minio", "tones")))
    engines.label(0, "podcast.test.first=1", "podcast.store=1", "podcast.broker=1")
    engines.label(1, "podcast.broker2=1")
    engines.label(2, "podcast.broker3=1")
    stack = SpreadStack(engines.dockers[0], folder, address=engines.hosts.address(0), engines=engines)
    stack.init(tag, "--overlay", "rabbitmq-cluster", "--overlay", str(OVERLAY))
    stack.set_options(PODCAST_TEST_SPEECH_PORT=str(SPEECH_PORT), PODCAST_TEST_SPEECH_SECONDS=str(SPEECH_SECONDS))
    stack.up()
    stack.wait_for_brokers()
    return stack


def begin(stack: SpreadStack, seed: int) -> str:
    job_id = stack.submit(texts.book(CHUNKS, seed=seed), title=f"Book {seed}")
    stack.wait_for_chunks(job_id, CHUNKS // 8)
    return job_id


def proves(stack: SpreadStack, job_id: str, folder: Path) -> None:
    """The episode is complete, exact, and nothing that was finished was spoken again."""
    job = stack.wait_for(job_id, "completed")
    assert job["chunks"]["failed"] == 0
    heard, written = stack.heard(job_id, folder)
    assert heard == written
    assert len(heard) == CHUNKS
    assert stack.spoken_again(job_id) == []
    say(f"{job['title']}: {CHUNKS} chunks, 0 failed, heard exactly, 0 finished chunks spoken again")


def brokers_on(stack: SpreadStack, number: int) -> set[str]:
    """The containers of the broker on a host."""
    return {container["Id"] for service in BROKERS for node, container in stack.located(service) if node == number}


def leader(stack: SpreadStack, queue: str) -> str:
    """The service whose node leads a queue. (The command crashes while a member of the queue is starting.)"""
    found: list[str] = []

    def is_known() -> bool:
        said = stack.run_in("rabbitmq", "rabbitmq-queues", "quorum_status", queue, "--silent", "--formatter", "json")
        match = re.search(r'"rabbit@([\w.-]+)"[^{}]*"leader"|"leader"[^{}]*"rabbit@([\w.-]+)"', said)
        found[:] = [(match[1] or match[2]).rpartition("_")[2]] if match else []
        return bool(found)

    until(is_known, f"{queue} has a leader")
    return found[0]


def test_a_worker_is_cut_off_in_the_middle_of_a_book(spread: SpreadStack, folder: Path) -> None:
    engines = spread.engines
    assert engines is not None
    job_id = begin(spread, seed=71)
    # Where a synthesizer and a node of the broker are, but not what the test talks to.
    lost = max(node for node, _ in spread.located("synthesizer"))
    there = brokers_on(spread, lost)
    assert lost
    assert there, "a node of the broker"
    engines.hosts.cut_off(lost)
    assert spread.job(job_id)["state"] == "synthesizing"
    spread.wait_for_node(lost, "down")
    until(
        lambda: len([node for node, _ in spread.located("synthesizer") if node != lost]) == NODES,
        "its tasks run elsewhere",
    )
    proves(spread, job_id, folder)
    engines.hosts.reconnect(lost)
    spread.wait_for_node(lost, "ready")
    # The swarm stops what it finds on a host that was away, and starts it anew.
    until(lambda: (now := brokers_on(spread, lost)) and now.isdisjoint(there), "its node of the broker is a new one")
    spread.wait_for_brokers()


def test_the_leader_of_the_queues_is_killed_in_the_middle_of_a_book(spread: SpreadStack, folder: Path) -> None:
    assert spread.engines is not None
    job_id = begin(spread, seed=72)
    name = leader(spread, "synthesizer")
    say(f"killing {name}, the leader")
    number, container = spread.located(name)[0]
    spread.engines.dockers[number].run("kill", container["Id"])
    assert spread.job(job_id)["state"] == "synthesizing"
    proves(spread, job_id, folder)
    spread.wait_for_brokers()
    assert [one["Id"] for one in spread.containers(name)] != [container["Id"]], "it was started again"
