"""`podcast deploy up` and `down`: thin over `docker stack`, with an end that is waited for."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Final

from deploy.stack.deployment import Deployment
from deploy.stack.docker import DockerFailed, docker, lines
from deploy.stack.rendering import merged
from deploy.stack.requirements import require_images, require_labels, require_manager
from deploy.stack.service_reports import NAMESPACE, ServiceReport, services
from shared.errors import DeadlineExceeded

_POLL_SECONDS: Final = 1.0
_CALM_LOOKS: Final = 4
"""How often in a row all has to be well: an update that was asked for begins a moment later."""
_DEPLOY_SECONDS: Final = 120.0
_TURN_SECONDS: Final = 600.0
"""For one node of a cluster to be updated; the next one is not touched before."""


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

    before = services(name)
    there = {report.name for report in before}
    for node in [each for each in config.in_turn() if each in there]:
        put(config.only([node]))
        settle(name, before=before, seconds=max(seconds, _TURN_SECONDS), say=say, only=node)
    put(config.text)
    if seconds:
        settle(name, before=before, seconds=seconds, say=say)


def settle(
    name: str,
    *,
    before: Sequence[ServiceReport] = (),
    seconds: float,
    say: Callable[[str], None],
    only: str | None = None,
) -> list[ServiceReport]:
    """Wait until every service, or only one, is as it should be.

    Args:
        name: of the stack.
        before: the services as they were: an update that had failed by then is not counted.
        seconds: how long.
        say: called with each change.
        only: the service; None: all.

    Raises:
        DockerFailed: the update of a service failed; it was rolled back.
        DeadlineExceeded: that took too long; the message says what is missing.
    """
    deadline = time.monotonic() + seconds
    old = {report.name: report.update_began for report in before if report.update_began}
    last, calm = "", 0
    while True:
        reports = [report for report in services(name) if only in {None, report.name}]
        new = [report for report in reports if old.get(report.name, "") != report.update_began]
        for report in new:
            if report.was_undone:
                raise DockerFailed(
                    f"The update of {report.name} failed and is {report.update}. {report.trouble}".strip(),
                    hint=f"`docker service logs {name}_{report.name}` says why; the previous version is running.",
                )
        waiting = [report for report in reports if not (report.is_settled if report in new else report.is_complete)]
        calm = 0 if waiting else calm + 1
        if reports and calm >= _CALM_LOOKS:
            return reports
        told = ", ".join(f"{report.name} {report.running}/{report.wanted}" for report in waiting)
        if told not in {"", last}:
            say(f"waiting for {told}")
            last = told
        if time.monotonic() > deadline:
            why = " ".join(f"{report.name}: {report.trouble}" for report in waiting if report.trouble)
            raise DeadlineExceeded(
                f"After {seconds:.0f} s these services are not as they should be: {told}. {why}".strip(),
                hint=f"`docker stack ps --no-trunc {name}` and `docker service logs` say more.",
            )
        time.sleep(_POLL_SECONDS)


def down(name: str, *, seconds: float) -> bool:
    """Remove a stack, and wait until its tasks and networks are gone; volumes stay.

    Returns:
        Whether there was one.

    Raises:
        DeadlineExceeded: something is still there.
    """
    require_manager()
    label = f"label={NAMESPACE}={name}"
    if not lines("service", "ls", "-q", "--filter", label) and not lines("network", "ls", "-q", "--filter", label):
        return False
    docker("stack", "rm", name, seconds=_DEPLOY_SECONDS)
    deadline = time.monotonic() + seconds
    while True:
        left = {
            what: lines(what, "ls", "-q", *also, "--filter", label)
            for what, *also in (("service",), ("network",), ("secret",), ("config",), ("container", "--all"))
        }
        if not any(left.values()):
            return True
        if time.monotonic() > deadline:
            told = ", ".join(f"{len(ids)} {what}s" for what, ids in left.items() if ids)
            raise DeadlineExceeded(f"After {seconds:.0f} s there are still {told} of {name}.", hint="Wait, and repeat.")
        if left["network"] and not left["container"]:
            with contextlib.suppress(DockerFailed):  # it may be going by itself: "network … not found"
                docker("stack", "rm", name, seconds=_DEPLOY_SECONDS)  # a network that was in use stays behind otherwise
        if not left["service"]:
            # An engine keeps the ended containers of a job when the job is removed (seen with 20.10).
            _remove(lines("container", "ls", "--all", "-q", "--filter", label, "--filter", "status=exited"))
        time.sleep(_POLL_SECONDS)


def _remove(containers: Sequence[str]) -> None:
    with contextlib.suppress(DockerFailed):  # the engine may be removing them itself
        if containers:
            docker("container", "rm", "--volumes", *containers)  # those without a name: scratch
