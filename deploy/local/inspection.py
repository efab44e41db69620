"""The current state of a stack: what its supervisor has recorded, and what its processes answer to a probe."""

from __future__ import annotations

import asyncio
import os
import time
from http import HTTPStatus
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

import psutil
from pydantic import BaseModel, ConfigDict, Field

from deploy.local.health import CALL_SECONDS, health, port_mapper_silence, readiness
from deploy.local.rabbitmq import refusal
from deploy.local.state import ProcessState, Running, StackState

NO_ANSWER = "no answer"


class ProcessReport(BaseModel):
    """One process of a stack; one line of `podcast ps`, one object of `podcast ps --json`."""

    model_config = ConfigDict(frozen=True)

    service: str
    pid: int | None = Field(description="None: it is no process (the `file` store), or is being started again")
    port: int | None
    state: ProcessState | Literal["stopped"] | None = Field(
        description="`stopped`: by a signal (SIGSTOP), so it does nothing; None: it is no process"
    )
    restarts: int = Field(description="how often it has ended or was ended, and so was started again")
    health: str = Field(description="`ready`, or `not ready: ` and the reason")
    uptime_seconds: float | None = Field(description="None: it does not run")


async def inspect(stack: StackState) -> list[ProcessReport]:
    """Probe all processes concurrently, for two seconds at most."""
    return list(await asyncio.gather(*(_report(process, stack) for process in stack.processes)))


def supervisor_is_stopped(stack: StackState) -> bool:
    """Whether the supervisor was stopped by a signal, so that it restarts nothing."""
    return _is_stopped(stack.pid)


async def _report(process: Running, stack: StackState) -> ProcessReport:
    reason = await _reason(process, stack)
    stopped = process.pid is not None and _is_stopped(process.pid)
    return ProcessReport(
        service=process.service,
        pid=process.pid,
        port=process.port,
        state="stopped" if stopped else process.state,
        restarts=process.restarts,
        health=f"not ready: {reason}" if reason else "ready",
        uptime_seconds=_uptime(process.pid) if process.pid else None,
    )


async def _reason(process: Running, stack: StackState) -> str:
    """Why it is not ready; "" if it is."""
    if process.service == "store" and process.port is None:
        return _folder_reason(stack.store_url)
    if process.pid is None or process.port is None:
        return "it does not run"
    match process.service:
        case "broker":
            return await refusal(stack.amqp_url, CALL_SECONDS)
        case "store":
            status, reason = await health(process.port, "/minio/health/ready")
            return "" if status == HTTPStatus.OK else reason or f"it answers {status}"
        case "epmd":
            return await port_mapper_silence(process.port, CALL_SECONDS)
    ready, reason = await readiness(process.port)
    return "" if ready else reason or NO_ANSWER


def _folder_reason(store_url: str) -> str:
    folder = Path(unquote(urlsplit(store_url).path))
    # The store makes its folder when it first stores something.
    there = folder if folder.exists() else folder.parent
    return "" if os.access(there, os.W_OK | os.X_OK) else f"the folder {folder} cannot be written"


def _is_stopped(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False


def _uptime(pid: int) -> float | None:
    try:
        return max(0.0, round(time.time() - psutil.Process(pid).create_time(), 1))
    except psutil.Error:
        return None
