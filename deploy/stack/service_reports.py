"""What the services of a stack are doing, as `podcast deploy status` shows it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from deploy.stack.docker import docker, lines

NAMESPACE: Final = "com.docker.stack.namespace"
"""The label with the stack's name, on all that belongs to it."""


@dataclass(frozen=True)
class ServiceReport:
    """One service of the stack.

    Attributes:
        name: its name without the stack's.
        running: tasks that run and are healthy.
        wanted: tasks there should be.
        image: what they run.
        update: the state of the last update: `updating`, `completed`, `rollback_completed`, …; "" if there was none.
        update_began: when the last update began, as the engine writes it.
        trouble: what went wrong last with its tasks; "" if nothing did.
    """

    name: str
    running: int
    wanted: int
    image: str
    update: str
    update_began: str
    trouble: str

    @property
    def is_complete(self) -> bool:
        """Whether it has all its tasks."""
        return self.running >= self.wanted

    @property
    def is_settled(self) -> bool:
        """Whether it is as it should be: complete, and its last update went well."""
        return self.is_complete and self.update in {"", "completed"}

    @property
    def was_undone(self) -> bool:
        """Whether its last update failed, and has ended: it was rolled back, or could not be."""
        return self.update in {"paused", "rollback_paused", "rollback_completed"}


def services(name: str) -> list[ServiceReport]:
    """The services of a stack, by name; empty if there is no such stack.

    Raises:
        Outage: the engine does not answer.
    """
    listed = [
        json.loads(line)
        for line in lines("service", "ls", "--filter", f"label={NAMESPACE}={name}", "--format", "{{json .}}")
    ]
    if not listed:
        return []
    found = json.loads(docker("service", "inspect", *(service["ID"] for service in listed)))
    updates = {each["Spec"]["Name"]: each.get("UpdateStatus") or {} for each in found}
    return sorted(
        (_report(name, service, updates.get(service["Name"], {})) for service in listed), key=lambda each: each.name
    )


def _report(stack: str, service: dict[str, Any], update: dict[str, Any]) -> ServiceReport:
    # "1/2", and for jobs "0/1 (1/1 completed)".
    counts = re.match(r"(\d+)/(\d+)(?: \((\d+)/(\d+) completed\))?", service["Replicas"])
    running, wanted, done, total = (int(group or 0) for group in counts.groups()) if counts else (0, 0, 0, 0)
    if total:
        running, wanted = done, total
    if service.get("Mode") == "global":
        wanted = max(wanted, _tasks_wanted(service["Name"]))
    return ServiceReport(
        name=service["Name"].removeprefix(f"{stack}_"),
        running=running,
        wanted=wanted,
        image=service["Image"],
        update=str(update.get("State") or ""),
        update_began=str(update.get("StartedAt") or ""),
        trouble=_trouble(service["Name"]) if running < wanted or "rollback" in str(update) else "",
    )


def _tasks_wanted(service: str) -> int:
    """A global service's: docker counts no task that waits for its next start, so one that cannot start is 0/0."""
    return len(
        lines("service", "ps", "-q", "--filter", "desired-state=running", "--filter", "desired-state=ready", service)
    )


def _trouble(service: str) -> str:
    for task in lines("service", "ps", "--no-trunc", "--format", "{{.CurrentState}}\t{{.Error}}", service):
        state, _, error = task.partition("\t")
        if error.strip('" '):
            return f"{error.strip(chr(34) + ' ')} ({state})."
    return ""
