"""What must be there before a stack is deployed; what is missing is named, with the command that makes it."""

from __future__ import annotations

import json

from deploy.stack.docker import DockerFailed, docker, lines
from deploy.stack.merged_file import MergedFile
from shared.errors import Misconfigured


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
