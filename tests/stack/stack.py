"""The stack as the test deploys it, by the commands that a user has, and what the test asks of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.servers import tones
from tests.stack import images, scripts
from tests.stack.docker import Docker, StackTestError, say

NAME = "podcast-test"
HOST_PORTS = Path(__file__).with_name("host_ports.yml")
"""What is special to a machine without IP_VS."""
TONES = Path(__file__).with_name("tones.yml")
"""What is special to the test."""
PORT, SPEECH_PORT = 18_080, 18_880
DEPLOY_SECONDS = 600
JOB_SECONDS = 900.0
DOWN_SECONDS = 300
SERVICES = ("chunker", "coordinator", "synthesizer", "assembler", "webhooks", "feeds", "gateway")
"""Those of ours that run all the time."""
SERVERS = ("rabbitmq", "minio", "speech")

_POLL_SECONDS = 0.5
_LOG_SHOWN_LINES = 25
_NAMESPACE = f"label=com.docker.stack.namespace={NAME}"
_LOOK_SECONDS = 5.0
"""From a synthesizer's look for audio that is there to its speech call, on a busy machine."""


def until(condition: Callable[[], object], what: str, *, seconds: float = 120.0) -> None:
    """Wait until a condition holds; an answer that cannot be had now counts as no."""
    deadline = time.monotonic() + seconds
    last: object = ""
    while True:
        try:
            if condition():
                return
        except (httpx.HTTPError, StackTestError) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what} {last}")
        time.sleep(_POLL_SECONDS)


@dataclass
class Stack:
    """A deployed stack.

    Attributes:
        docker: the engine.
        folder: of the deployment.
        address: of the node that has the gateway and the speech server.
    """

    docker: Docker
    folder: Path
    address: str = "127.0.0.1"

    # ------------------------------------------------------------ the user's commands

    def podcast(self, *arguments: str, seconds: float = 60.0, **variables: str) -> str:
        """Run `podcast`; its output."""
        done = subprocess.run(
            (sys.executable, "-m", "services.cli.app", *arguments),
            env={**os.environ, **({"DOCKER_HOST": self.docker.host} if self.docker.host else {}), **variables},
            cwd=images.ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if done.returncode:
            raise StackTestError(f"podcast {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-3_000:]}")
        return done.stdout

    def init(self, tag: str, *options: str) -> None:
        """`podcast deploy init`, with what is special to the test."""
        own = (
            "--images",
            images.PREFIX,
            "--stack",
            NAME,
            "--port",
            str(PORT),
            "--overlay",
            str(HOST_PORTS),
            "--overlay",
            str(TONES),
        )
        self.podcast("deploy", "init", str(self.folder), "--tag", tag, *own, *options)

    def set_options(self, **options: str) -> None:
        """Write options into `stack.env` by hand, as users do."""
        env = self.folder / "stack.env"
        kept = [line for line in env.read_text().splitlines() if line.partition("=")[0] not in options]
        env.write_text("\n".join([*kept, *(f"{name}={value}" for name, value in options.items()), ""]))

    def up(self) -> None:
        """`podcast deploy up`, which waits until every service is as it should be."""
        # There is no registry to ask for the images.
        options = ("--wait", str(DEPLOY_SECONDS), "--resolve-image", "never")
        self.podcast("deploy", "up", str(self.folder), *options, seconds=DEPLOY_SECONDS + 120)

    def down(self) -> None:
        """`podcast deploy down`."""
        self.podcast("deploy", "down", str(self.folder), "--wait", str(DOWN_SECONDS), seconds=DOWN_SECONDS + 120)

    # ------------------------------------------------------------ over HTTP

    @property
    def key(self) -> str:
        """The gateway's."""
        return (self.folder / "secrets/gateway_key").read_text().strip()

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """A client of the gateway with the key that `init` made."""
        headers = {"Authorization": f"Bearer {self.key}"}
        with httpx.Client(
            base_url=f"http://{self.address}:{PORT}", headers=headers, timeout=30, trust_env=False
        ) as client:
            yield client

    def submit(self, text: str, **options: Any) -> str:
        """Submit Markdown; the job's id. Tried again with the same idempotency key while the gateway is away."""
        body = {"text": text, "source_format": "markdown", **options}
        found: list[str] = []
        key = f"stack-test-{time.monotonic_ns()}"

        def accepted() -> bool:
            with self.client() as client:
                answer = client.post("/v1/jobs", json=body, headers={"Idempotency-Key": key})
            if answer.status_code == httpx.codes.ACCEPTED:
                found.append(answer.json()["job_id"])
            assert answer.status_code < httpx.codes.BAD_REQUEST or answer.is_server_error, answer.text
            if answer.is_server_error:
                raise StackTestError(answer.text)
            return bool(found)

        until(accepted, "the job is accepted")
        return found[0]

    def job(self, job_id: str) -> dict[str, Any]:
        """The job's document."""
        with self.client() as client:
            answer: dict[str, Any] = client.get(f"/v1/jobs/{job_id}").raise_for_status().json()
        return answer

    def wait_for(self, job_id: str, *states: str, seconds: float = JOB_SECONDS) -> dict[str, Any]:
        """Wait until the job is in one of these states."""
        found: dict[str, Any] = {}

        def is_there() -> bool:
            found.update(self.job(job_id))
            assert found["state"] in states or found["state"] not in {"failed", "cancelled"}, found
            return found["state"] in states

        until(is_there, f"job {job_id} is {' or '.join(states)}", seconds=seconds)
        return found

    def wait_for_chunks(self, job_id: str, count: int, *, seconds: float = JOB_SECONDS) -> None:
        """Wait until so many chunks are finished."""

        def enough() -> bool:
            job = self.job(job_id)
            assert job["state"] not in {"failed", "cancelled"}, job
            return job["chunks"]["done"] >= count

        until(enough, f"{count} chunks of {job_id} are finished", seconds=seconds)

    def heard(self, job_id: str, folder: Path) -> tuple[list[str], list[str]]:
        """What is heard in the episode, chunk by chunk, and what the manifest says should be."""
        audio = folder / f"{job_id}.mp3"
        with self.client() as client:
            manifest = client.get(f"/v1/jobs/{job_id}/manifest").raise_for_status().json()
            with client.stream("GET", f"/v1/jobs/{job_id}/episode") as answer, audio.open("wb") as file:
                answer.raise_for_status()
                for piece in answer.iter_bytes():
                    file.write(piece)
        return tones.hear_texts(audio), [chunk["text"] for chunk in manifest["chunks"]]

    # ------------------------------------------------------------ speech

    def calls(self) -> list[dict[str, Any]]:
        """Every call of the speech server so far, across its updates."""
        answer = httpx.get(f"http://{self.address}:{SPEECH_PORT}/calls", timeout=30, trust_env=False).raise_for_status()
        calls: list[dict[str, Any]] = answer.json()["calls"]
        return calls

    def spoken_again(self, job_id: str) -> list[str]:
        """Texts of the job whose audio was in the store when they were sent to the speech server."""
        with self.client() as client:
            manifest = client.get(f"/v1/jobs/{job_id}/manifest").raise_for_status().json()
        keys = {chunk["text"]: chunk["audio_key"] for chunk in manifest["chunks"]}
        finished = self.stored()
        return [
            call["text"]
            for call in self.calls()
            if call["text"] in keys and call["time"] > finished[keys[call["text"]]] + _LOOK_SECONDS
        ]

    def stored(self, address: str = "") -> dict[str, float]:
        """Key → when it was stored, of every chunk's audio.

        Args:
            address: the store's, with a user; empty: an operator's. It is asked from inside the stack's network.
        """
        address = address or (self.folder / "secrets/store_url_operator").read_text().strip()
        container = self.containers("coordinator")[0]["Id"]
        command = ("exec", "--env", "PODCAST_STORE_URL", container, "python", "-c", scripts.STORED)
        said = self.docker.run(*command, seconds=120, env={**os.environ, "PODCAST_STORE_URL": address})
        found: dict[str, float] = json.loads(said)
        return found

    # ------------------------------------------------------------ containers

    def last_words(self) -> str:
        """The last lines of the logs of every container that runs, for a test that has failed."""
        return "\n".join(
            f"---- {container['Name'].lstrip('/')}\n{self.docker.logs(container['Id'], lines=_LOG_SHOWN_LINES)}"
            for container in self.containers()
        )

    def containers(self, service: str = "") -> list[dict[str, Any]]:
        """What the engine says of the running containers of a service, or of all."""
        filters = ["--filter", _NAMESPACE]
        if service:
            filters += ["--filter", f"label=com.docker.swarm.service.name={NAME}_{service}"]
        return self.docker.inspect(*self.docker.run("ps", "--quiet", *filters).split())

    def update_states(self) -> dict[str, str]:
        """How the last update of each service went: `completed`, `updating`, `rollback_completed` and so on."""
        names = self.docker.run("service", "ls", "--quiet", "--filter", _NAMESPACE).split()
        return {
            service["Spec"]["Name"].removeprefix(f"{NAME}_"): (service.get("UpdateStatus") or {}).get("State", "")
            for service in self.docker.inspect(*names)
        }

    def remains(self) -> dict[str, list[str]]:
        """What is left of the stack, by kind."""
        kinds = ("container", "network", "secret", "config", "volume", "service")
        every = {"container": ("--all",)}
        left = {
            kind: self.docker.run(kind, "ls", "--quiet", *every.get(kind, ()), "--filter", _NAMESPACE).split()
            for kind in kinds
        }
        return {kind: ids for kind, ids in left.items() if ids}

    def volumes(self) -> set[str]:
        """Every volume of the engine; those without a name carry no label of the stack."""
        return set(self.docker.run("volume", "ls", "--quiet").split())

    def destroy(self) -> None:
        """Take it down with its volumes."""
        say("taking the stack down")
        if self.docker.run("stack", "services", "--quiet", NAME, check=False):
            self.down()
        for volume in self.remains().get("volume", ()):
            self.docker.run("volume", "rm", volume)
