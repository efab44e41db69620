"""Pieces of work: whatever a queue is asked for and that is finished when its object is in the store. Pure.

A chunk is one kind of piece, the episode another. A stage beside them (cover art, a description, a search index) is one
more kind, with a queue and a parallel limit of its own; `plan.py` lists the kinds of a job.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from shared.protocol.messages import Message
from shared.protocol.topology import WorkQueue
from shared.settings import Settings


class Phase(IntEnum):
    """When the pieces of a kind are asked for: those of a phase when every earlier one is over."""

    BEFORE_THE_EPISODE = 0
    THE_EPISODE = 1
    AFTER_THE_EPISODE = 2


@dataclass(frozen=True)
class Kind:
    """The pieces of one kind in one job.

    Attributes:
        name: in statuses, warnings and logs: `chunk`, `episode`, `cover`.
        queue: the work queue that is asked; its dead letters are about these pieces.
        phase: when they are asked for.
        object_keys: the object that makes a piece finished, one a piece, in the order in which they are asked for.
            Equal keys are one piece of work.
        request: the message that asks for the piece with this index.
        parallel: how many may be asked for at a time.
        deadline_seconds: how long the stage may be at one message, by its settings.
        required: without it the job fails; if not, the episode is complete with a warning.
        text: what the piece with this index is about, for whoever reads of its failure.
    """

    name: str
    queue: WorkQueue
    phase: Phase
    object_keys: Sequence[str]
    request: Callable[[int], Message]
    parallel: int
    deadline_seconds: Callable[[Settings], float]
    required: bool = True
    text: Callable[[int], str] = lambda _: ""
