"""Ctrl-C and SIGTERM always end a command, wherever it is stuck."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

PROGRAM = """
import asyncio, sys, time
from services.cli import app, exits, interrupts
from shared.deadlines import in_thread

async def cleaning():
    print("ready", flush=True)
    try:
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(0.05)
        print("cleaned up", flush=True)

async def thread():
    print("ready", flush=True)
    await in_thread(lambda: time.sleep(60))

async def deaf():
    print("ready", flush=True)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

@app.cli.command("stuck")
def stuck():
    interrupts.run({name}())

app.COMMANDS["stuck"] = "__main__:stuck"
sys.argv = ["podcast", "stuck"]
app.main()
"""


def interrupted(name: str, number: signal.Signals, *, again: bool = False) -> tuple[int, str, float]:
    """Exit code, output, and the seconds from the signal to the end."""
    program = PROGRAM.replace("{name}", name)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            since = time.monotonic()
            process.send_signal(number)
            if again:
                process.send_signal(number)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
    return process.returncode, out + err, time.monotonic() - since


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_cleans_up_and_says_that_it_was_interrupted(number: signal.Signals) -> None:
    code, output, seconds = interrupted("cleaning", number)
    assert (code, output) == (130, "cleaned up\npodcast: Interrupted.\n")
    assert seconds < 2


@pytest.mark.parametrize("name", ["thread", "deaf"])
def test_nothing_that_is_stuck_keeps_it_alive(name: str) -> None:
    code, _, seconds = interrupted(name, signal.SIGINT)
    assert code == 130
    assert seconds < 3


def test_a_traceback_is_never_shown_to_who_did_not_ask() -> None:
    _, output, _ = interrupted("cleaning", signal.SIGINT)
    assert "Traceback" not in output
