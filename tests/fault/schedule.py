"""Makes a list of faults, with their times, from a seed. The same seed gives the same list."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.fault.cluster import PROXIES
from tests.servers.proxy import BREAKS
from tests.servers.services import SERVICES

STEPS = {
    "chunker": ("received", "after-store", "after-publish"),
    "coordinator": ("received", "before-store", "after-publish", "before-ack"),
    "synthesizer": (
        "received",
        "before-speech",
        "after-speech",
        "after-store",
        "before-encoding",
        "after-encoding",
        "after-publish",
    ),
    "assembler": ("joining", "before-store", "after-store", "after-publish"),
}
HEALING_SPEECH = ("hang", "trickle", "cut", "silence", "noise", "half", "empty", "html", "lying-header", "status")
"""Faults of a speech server that happen once or twice and then stop."""
STATUSES = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Fault:
    """What goes wrong, when, and for how long.

    Attributes:
        at_seconds: seconds after the schedule's start.
        kind: the name of a method of `FaultInjector`.
        what: the method's arguments.
        seconds: how long it lasts.
    """

    at_seconds: float
    kind: str
    what: tuple[str, ...]
    seconds: float

    def __str__(self) -> str:
        return f"{self.at_seconds:7.1f} s  {self.kind} {' '.join(self.what)} for {self.seconds:.1f} s"


WEIGHTS = {
    "kill": 5,
    "terminate": 3,
    "freeze": 3,
    "strike_at_step": 6,
    "block": 1,
    "break_proxy": 6,
    "cut_proxy": 3,
    "spoil_speech": 6,
    "silence": 1,
    "kill_broker": 1,
    "pause_broker": 2,
    "fill_broker": 1,
    "kill_store": 1,
    "pause_store": 2,
    "repeat_messages": 4,
    "set_clock": 1,
}


def schedule(seed: int, count: int, *, every_seconds: float) -> list[Fault]:
    """`count` faults, one every `every_seconds` on average."""
    dice = random.Random(seed)  # noqa: S311 - not a secret
    kinds = dice.choices(list(WEIGHTS), list(WEIGHTS.values()), k=count)
    moments = sorted(dice.uniform(0, count * every_seconds) for _ in range(count))
    return [
        Fault(moment, kind, _what(kind, dice), dice.uniform(1, 4)) for moment, kind in zip(moments, kinds, strict=True)
    ]


def _what(kind: str, dice: random.Random) -> tuple[str, ...]:  # noqa: PLR0911 - one for each kind
    match kind:
        case "kill" | "terminate" | "freeze":
            return (dice.choice(SERVICES),)
        case "strike_at_step" | "block":
            service = dice.choice(SERVICES)
            return service, dice.choice(STEPS[service])
        case "break_proxy":
            return dice.choice(PROXIES), dice.choice(BREAKS)
        case "cut_proxy":
            return (dice.choice(PROXIES),)
        case "spoil_speech":
            return dice.choice(HEALING_SPEECH), str(dice.choice(STATUSES)), str(dice.randint(1, 4))
        case "repeat_messages":
            return (str(dice.randint(1, 20)),)
        case "set_clock":
            return (str(dice.choice((-86_400, -3_600, 3_600, 86_400))),)
    return ()
