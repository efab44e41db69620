"""One deployment and one episode, and what `docker inspect` says of every container."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end import texts
from tests.stack.stack import SERVERS, SERVICES, Stack, until

FORMATS = ["mp3", "m4b", "opus", "flac", "wav"]
SECRET_LIKE = ("SECRET", "PASSWORD", "TOKEN", "COOKIE", "KEY")


def secrets_of(stack: Stack) -> set[str]:
    """The deployment's secrets, and the passwords in its addresses."""
    whole = {path.read_text().strip() for path in (stack.folder / "secrets").iterdir()}
    return {secret for secret in whole if len(secret) > 12}


def test_every_service_runs_and_is_healthy(stack: Stack) -> None:
    for service in (*SERVICES, *SERVERS):
        until(
            lambda service=service: (
                [one["State"]["Health"]["Status"] for one in stack.containers(service)]
                and all(one["State"]["Health"]["Status"] == "healthy" for one in stack.containers(service))
            ),
            f"{service} is healthy",
        )


def test_an_article_is_heard_word_for_word_in_every_format(stack: Stack, folder: Path) -> None:
    job_id = stack.submit(texts.article(1_500, seed=1), formats=FORMATS)
    job = stack.wait_for(job_id, "completed")
    assert set(FORMATS) <= set(job["files"])
    heard, written = stack.heard(job_id, folder)
    assert heard == written
    assert " ".join(written) in " ".join(heard)
    for number in range(3):
        assert texts.sentence(number, seed=1) in " ".join(heard)
    assert stack.spoken_again(job_id) == []


def test_openai_s_speech_route_answers_in_every_format(stack: Stack) -> None:
    for name in ("mp3", "opus", "aac", "flac", "wav", "pcm"):
        with stack.client() as client:
            asked = {"model": "default", "voice": "default", "input": "The stack speaks.", "response_format": name}
            answer = client.post("/v1/audio/speech", json=asked, timeout=120)
        assert answer.status_code == 200, answer.text
        assert len(answer.content) > 1_000


def test_no_container_has_a_secret_in_its_environment_or_on_its_command_line(stack: Stack) -> None:
    secrets = secrets_of(stack)
    assert len(secrets) > 10
    for container in stack.containers():
        seen = json.dumps([container["Config"], container["Args"], container["HostConfig"]])
        assert [secret for secret in secrets if secret in seen] == [], container["Name"]
        for entry in container["Config"]["Env"]:
            name, _, value = entry.partition("=")
            assert not value or name.endswith("_FILE") or not any(part in name for part in SECRET_LIKE), entry


def container_fault(container: dict[str, Any]) -> list[str]:
    """What is not as the stack promises."""
    config, host = container["Config"], container["HostConfig"]
    promised = {
        "runs as root": config["User"] == "10001:10001",
        "its root can be written to": host["ReadonlyRootfs"],
        "privileged": not host["Privileged"],
        "has capabilities": host["CapDrop"] in (["ALL"], ["CAP_ALL"]) and not host["CapAdd"],
        "no memory limit": host["Memory"] > 0,
        "no CPU limit": host["NanoCpus"] > 0 or host["CpuQuota"] > 0,
        "no limit of processes": (host["PidsLimit"] or 0) > 0,
        "no health check": bool((config.get("Healthcheck") or {}).get("Test")),
        "no init": host["Init"] is True,
        "its log is not rotated": "max-size" in host["LogConfig"]["Config"],
        "uses the host's network": host["NetworkMode"] != "host",
        "mounts the host's files": all(
            mount["Type"] in {"volume", "tmpfs"} or mount["Destination"].startswith("/run/secrets/")
            for mount in container["Mounts"]
        ),
    }
    return [what for what, holds in promised.items() if not holds]


@pytest.mark.parametrize("service", [*SERVICES, *SERVERS])
def test_every_container_is_confined(stack: Stack, service: str) -> None:
    containers = stack.containers(service)
    assert containers
    assert {container["Name"]: container_fault(container) for container in containers} == {
        container["Name"]: [] for container in containers
    }


def test_the_processes_in_the_containers_run_as_nobody_special(stack: Stack) -> None:
    # What the engine was asked for, and what the kernel says.
    for container in stack.containers():
        listed = stack.docker.run("top", container["Id"], "-eo", "pid,uid,args").splitlines()[1:]
        assert listed
        assert {line.split()[1] for line in listed} == {"10001"}, container["Name"]


def test_the_networks_of_the_servers_lead_nowhere_else(stack: Stack) -> None:
    listed = {each["Name"]: each["Internal"] for each in stack.docker.inspect(*_networks(stack))}
    assert {name.rpartition("_")[2]: internal for name, internal in listed.items()} == {
        "broker": True,
        "store": True,
        "speech": True,
        "edge": False,
        "egress": False,
    }


def _networks(stack: Stack) -> list[str]:
    return stack.docker.run(
        "network", "ls", "--quiet", "--filter", "label=com.docker.stack.namespace=podcast-test"
    ).split()
