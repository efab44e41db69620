"""The store is backed up in the middle of a book, the stack and its data are destroyed, and all of it is restored."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end import texts
from tests.stack import images
from tests.stack.docker import say
from tests.stack.stack import NAME, SERVICES, Stack, until
from tests.stack.test_3_life import begin, health, proves, slow_speech, still_in_the_middle

__all__ = ["slow_speech"]

pytestmark = pytest.mark.long_stack

BACKUP_SECONDS = 300.0


def backup_stack(stack: Stack, command: str, backup: Path) -> None:
    """deploy/backup_stack.sh, as the guide has it."""
    done = subprocess.run(
        (str(images.ROOT / "deploy/backup_stack.sh"), str(stack.folder), command, str(backup)),
        env={**os.environ, "PODCAST_BACKUP_CREATE_OPTIONS": "--no-resolve-image"},
        capture_output=True,
        text=True,
        timeout=BACKUP_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    say(done.stdout.strip())


def _is_provisioned(stack: Stack) -> bool:
    replicas = stack.docker.run("service", "ls", "--filter", f"name={NAME}_provision", "--format", "{{.Replicas}}")
    return "(1/1 completed)" in replicas


def test_volumes_are_destroyed_and_the_backup_brings_everything_back(stack: Stack, folder: Path) -> None:
    finished = stack.submit(texts.book(20, seed=70))
    stack.wait_for(finished, "completed")
    heard = stack.heard(finished, folder)
    unfinished = begin(stack, seed=71, chunks=100)
    backup = folder / "backup"
    backup_stack(stack, "backup", backup)
    done = stack.job(unfinished)["chunks"]["done"]
    still_in_the_middle(stack, unfinished)

    stack.down()
    for volume in ("minio", "rabbitmq"):
        stack.docker.run("volume", "rm", f"{NAME}_{volume}")
    say("the volumes of the broker and the store are destroyed")
    stack.podcast("deploy", "up", str(stack.folder), "--wait", "0", "--resolve-image", "never", seconds=120)
    # Nobody works on half a store.
    stack.docker.run("service", "scale", "--detach", *(f"{NAME}_{service}=0" for service in SERVICES))
    until(
        lambda: "healthy" in health(stack, "minio").values() and _is_provisioned(stack),
        "the store is there, with its users",
        seconds=300,
    )
    backup_stack(stack, "restore", backup)
    stack.up()

    assert stack.heard(finished, folder) == heard
    assert stack.job(unfinished)["chunks"]["done"] <= 100
    proves(stack, unfinished, folder, 100, 71)
    say(f"{done} chunks of the unfinished book were done when it was backed up")
