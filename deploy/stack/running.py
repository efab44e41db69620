"""`podcast deploy up`, `status`, `down`: thin over `docker stack`, with checks that name what is missing."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from deploy.stack.deployment import Deployment
from deploy.stack.docker import DockerFailed, docker, lines
from deploy.stack.merged_file import MergedFile
from deploy.stack.rendering import merged
from shared.errors import DeadlineExceeded, Misconfigured

_POLL_SECONDS: Final = 1.0
_DEPLOY_SECONDS: Final = 120.0
_TURN_SECONDS: Final = 600.0
"""For one node of a cluster to be updated; the next one is not touched before."""
_NAMESPACE: Final = "com.docker.stack.namespace"


@dataclass(frozen=True)
class ServiceReport:
    """One service of the stack.

    Attributes:
        name: its name without the stack's.
        running: tasks that run and are healthy.
        wanted: tasks there should be.
        image: what they run.
        update: the state of the last update: `updating`, `completed`, `rollback_completed`, …; "" if there was none.
        trouble: what went wrong last with its tasks; "" if nothing did.
    """

    name: str
    running: int
    wanted: int
    image: str
    update: str
    trouble: str

    @property
    def is_settled(self) -> bool:
        """Whether it is as it should be."""
        return self.running >= self.wanted and self.update in {"", "completed"}


def require_manager() -> None:
    """Check that this engine is the manager of a swarm.

    Raises:
        Misconfigured: it is not.
    """
    swarm = json.loads(docker("info", "--format", "{{json .Swarm}}"))
    if swarm.get("LocalNodeState") != "active":
        raise Misconfigured("This engine is in no swarm.", hint="Make one with `docker swarm init`.")
    if not swarm.get("ControlAvailable"):
        raise Misconfigured(
            "This node is a worker of its swarm.", hint="Run the command on a manager, or set DOCKER_HOST to one."
        )


def require_labels(config: MergedFile) -> None:
    """Check that there is a node for each label that the stack's placement asks for.

    Raises:
        Misconfigured: there is none; the message has the command that sets the label.
    """
    nodes = lines("node", "ls", "--format", "{{.ID}}")
    found = [json.loads(docker("node", "inspect", node, "--format", "{{json .Spec.Labels}}")) or {} for node in nodes]
    missing = [
        (label, value) for label, value in config.labels() if not any(each.get(label) == value for each in found)
    ]
    if missing:
        commands = " ".join(f"--label-add {label}={value}" for label, value in missing)
        raise Misconfigured(
            "No node has the label " + ", ".join(f"{label}={value}" for label, value in missing) + ".",
            hint=f"Choose the node that keeps these data: docker node update {commands} NODE.",
        )


def require_images(config: MergedFile) -> None:
    """Check that images that no registry is named for are on this node.

    Raises:
        Misconfigured: one is not.
    """
    missing = []
    for image in config.images():
        registry, slash, _ = image.partition("/")
        if slash and (set(".:") & set(registry) or registry == "localhost"):
            continue
        try:
            docker("image", "inspect", "--format", "{{.Id}}", image)
        except DockerFailed:
            missing.append(image)
    if missing:
        raise Misconfigured(
            f"This node has no image {', '.join(missing)}.",
            hint="Build them with `make images`, or name your registry: podcast deploy init DIR --images HOST/podcast.",
        )


def up(
    deployment: Deployment,
    overlays: tuple[str, ...],
    *,
    seconds: float,
    say: Callable[[str], None],
    resolve_image: str = "always",
    registry_auth: bool = False,
) -> None:
    """Deploy, and wait until every service is as it should be.

    Args:
        deployment: what to deploy.
        overlays: merged over docker-stack.yml, in this order.
        seconds: how long to wait; 0: not at all.
        say: called with each change.
        resolve_image: as in `docker stack deploy`.
        registry_auth: let the nodes pull with the registry credentials of this user.

    Raises:
        DeadlineExceeded: it did not settle in time; the message says what is missing.
        Misconfigured: something that it needs is not there.
    """
    require_manager()
    config = merged(deployment, overlays)
    require_labels(config)
    require_images(config)
    name = deployment.variables().get("PODCAST_STACK", "podcast")
    flags = ["--detach=true", f"--resolve-image={resolve_image}", *(["--with-registry-auth"] if registry_auth else [])]

    def put(text: str) -> None:
        docker("stack", "deploy", *flags, "-c", "-", name, input_text=text, seconds=_DEPLOY_SECONDS)

    there = {report.name for report in services(name)}
    for node in config.in_turn():
        if node in there and len(there.intersection(config.in_turn())) > 1:
            put(config.only([node]))
            settle(name, seconds=max(seconds, _TURN_SECONDS), say=say, only=node)
    put(config.text)
    if seconds:
        settle(name, seconds=seconds, say=say)


def settle(name: str, *, seconds: float, say: Callable[[str], None], only: str | None = None) -> list[ServiceReport]:
    """Wait until every service, or only one, has as many healthy tasks as it should have.

    Raises:
        DeadlineExceeded: that took too long; the message says what is missing.
    """
    deadline = time.monotonic() + seconds
    last = ""
    while True:
        reports = [report for report in services(name) if only in {None, report.name}]
        waiting = [report for report in reports if not report.is_settled]
        if not waiting:
            return reports
        told = ", ".join(f"{report.name} {report.running}/{report.wanted}" for report in waiting)
        if told != last:
            say(f"waiting for {told}")
            last = told
        if time.monotonic() > deadline:
            why = " ".join(f"{report.name}: {report.trouble}" for report in waiting if report.trouble)
            raise DeadlineExceeded(
                f"After {seconds:.0f} s these services are not as they should be: {told}. {why}".strip(),
                hint=f"`docker stack ps --no-trunc {name}` and `docker service logs` say more.",
            )
        time.sleep(_POLL_SECONDS)


def services(name: str) -> list[ServiceReport]:
    """The services of a stack, by name; empty if there is no such stack.

    Raises:
        Outage: the engine does not answer.
    """
    listed = [
        json.loads(line)
        for line in lines("service", "ls", "--filter", f"label={_NAMESPACE}={name}", "--format", "{{json .}}")
    ]
    if not listed:
        return []
    found = json.loads(docker("service", "inspect", *(service["ID"] for service in listed)))
    updates = {each["ID"]: (each.get("UpdateStatus") or {}).get("State", "") for each in found}
    ids = {each["Spec"]["Name"]: each["ID"] for each in found}
    return [_report(name, service, updates.get(ids[service["Name"]], "")) for service in listed]


def _report(stack: str, service: dict[str, Any], update: str) -> ServiceReport:
    # "1/2", and for jobs "0/1 (1/1 completed)".
    counts = re.match(r"(\d+)/(\d+)(?: \((\d+)/(\d+) completed\))?", service["Replicas"])
    running, wanted, done, total = (int(group or 0) for group in counts.groups()) if counts else (0, 0, 0, 0)
    if total:
        running, wanted = done, total
    return ServiceReport(
        name=service["Name"].removeprefix(f"{stack}_"),
        running=running,
        wanted=wanted,
        image=service["Image"],
        update=update,
        trouble=_trouble(service["Name"]) if running < wanted else "",
    )


def _trouble(service: str) -> str:
    for task in lines("service", "ps", "--no-trunc", "--format", "{{.CurrentState}}\t{{.Error}}", service):
        state, _, error = task.partition("\t")
        if error.strip('" '):
            return f"{error.strip(chr(34) + ' ')} ({state})."
    return ""


def down(name: str, *, seconds: float) -> bool:
    """Remove a stack, and wait until its tasks and networks are gone; volumes stay.

    Returns:
        Whether there was one.

    Raises:
        DeadlineExceeded: something is still there.
    """
    require_manager()
    label = f"label={_NAMESPACE}={name}"
    if not lines("service", "ls", "-q", "--filter", label) and not lines("network", "ls", "-q", "--filter", label):
        return False
    docker("stack", "rm", name, seconds=_DEPLOY_SECONDS)
    deadline = time.monotonic() + seconds
    while True:
        left = {
            what: lines(what, "ls", "-q", "--filter", label)
            for what in ("service", "network", "secret", "config", "container")
        }
        if not any(left.values()):
            return True
        if time.monotonic() > deadline:
            told = ", ".join(f"{len(ids)} {what}s" for what, ids in left.items() if ids)
            raise DeadlineExceeded(f"After {seconds:.0f} s there are still {told} of {name}.", hint="Wait, and repeat.")
        if left["network"] and not left["container"]:
            docker("stack", "rm", name, seconds=_DEPLOY_SECONDS)  # a network that was in use stays behind otherwise
        time.sleep(_POLL_SECONDS)
