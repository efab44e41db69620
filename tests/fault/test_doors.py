"""The network in front of broker, store and speech: it cuts, stalls, delays, trickles, half-closes."""

from __future__ import annotations

import asyncio

import pytest

from tests.fault.stage import DOORS, Door, Stage, job, unheard_text
from tests.servers.proxy import BREAKS, Break

BROKEN_SECONDS = 6.0
"""Longer than any call may take, so that deadlines expire."""
LONG_BROKEN_SECONDS = 45.0
"""Longer than the three heartbeats after which a silent connection to the broker is given up."""
SHORT = {("broker", "cut"), ("broker", "stall"), ("store", "trickle"), ("store", "half-close"), ("speech", "cut")}


def marks(door: Door, mode: Break) -> list[pytest.MarkDecorator]:
    return [] if (door, mode) in SHORT else [pytest.mark.long]


@pytest.mark.parametrize(
    ("door", "mode"), [pytest.param(door, mode, marks=marks(door, mode)) for door in DOORS for mode in BREAKS]
)
def test_a_broken_network_costs_time_and_nothing_else(stage: Stage, door: Door, mode: Break) -> None:
    requests = [job(unheard_text(6)) for _ in range(2)]

    async def scenario() -> None:
        for voice in stage.voices:
            voice.delay(0.3)
        await stage.line.submit(*requests)
        await stage.line.reaches(requests[0].job_id, "speaking")
        stage.doors[door].break_as(mode)
        await asyncio.sleep(BROKEN_SECONDS)
        stage.doors[door].heal()
        await stage.proves(*requests)

    stage.play(scenario)


@pytest.mark.long
@pytest.mark.parametrize("mode", BREAKS)
def test_a_network_that_is_broken_on_all_sides_for_long(stage: Stage, mode: Break) -> None:
    requests = [job(unheard_text(6)) for _ in range(4)]

    async def scenario() -> None:
        for voice in stage.voices:
            voice.delay(0.3)
        await stage.line.submit(*requests)
        await stage.line.reaches(requests[0].job_id, "speaking")
        for door in stage.doors.values():
            door.break_as(mode)
        await asyncio.sleep(LONG_BROKEN_SECONDS)
        for door in stage.doors.values():
            door.heal()
        await stage.proves(*requests)

    stage.play(scenario)
