"""The supervisor as a process: what `podcast up --detach` and `LocalStack` start.

    python -m deploy.local.supervise --dir DIR [--echo] [--ready-fd N] < PLAN

The plan is JSON on the standard input: it may hold a speech server's password, and everyone on the machine can read a
command line. Every child dies with this process, however it ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from deploy.local import state
from deploy.local.files import PRIVATE_UMASK, tighten
from deploy.local.logbook import LogBook
from deploy.local.minio_build import ensure_minio
from deploy.local.plan import StackPlan
from deploy.local.supervisor import Supervisor, TellReady
from shared.errors import PodcastError
from shared.settings import Settings, load


def supervise(directory: Path, plan: StackPlan, settings: Settings, *, echo: bool, tell_ready: TellReady) -> None:
    """Run a stack until SIGTERM or SIGINT. From now on, files that this process makes are readable only by its owner.

    Args:
        directory: the stack's folder.
        plan: what it consists of.
        settings: of the services.
        echo: also write the log to stdout.
        tell_ready: called when everything works.

    Raises:
        AlreadyRunning: another supervisor holds the folder.
        PodcastError: it does not come up.
    """
    directory = directory.expanduser().resolve()
    os.umask(PRIVATE_UMASK)
    with state.sole_supervisor(directory):
        tighten(directory)
        log = LogBook(directory / "logs", echo=echo)
        left = state.sweep(directory)
        if left:
            log.write("stack", f"ended what a killed stack had left: processes {left}")
        if plan.store == "minio":
            ensure_minio(settings.cache_dir, lambda line: log.write("stack", line))
        try:
            asyncio.run(Supervisor(directory, plan, settings, log).run(tell_ready))
        finally:
            log.flush()


def main() -> None:
    """The supervisor as a process: what `podcast up --detach` and `LocalStack` start."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.supervise", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="the stack's folder")
    parser.add_argument("--echo", action="store_true", help="write the log to stdout, too")
    parser.add_argument("--ready-fd", type=int, help="a pipe that gets one JSON line: ready, or the error")
    arguments = parser.parse_args()

    def tell(outcome: dict[str, str]) -> None:
        if arguments.ready_fd is not None:
            with suppress(OSError):  # the waiting process has gone
                os.write(arguments.ready_fd, json.dumps(outcome).encode() + b"\n")
                os.close(arguments.ready_fd)

    code = 0
    try:
        plan = StackPlan.model_validate_json(sys.stdin.buffer.read() or b"{}")
        os.environ.update(plan.env)  # the supervisor uses them too: how long a service may take to stop
        supervise(arguments.dir, plan, load(), echo=arguments.echo, tell_ready=lambda: tell({}))
    except PodcastError as error:
        tell({"error": type(error).__name__, "message": error.message, "hint": error.hint})
        print(error, file=sys.stderr)
        code = 1
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)  # waits for no thread


if __name__ == "__main__":
    main()
