"""Pieces of work: what is requested from a queue and is finished when its object is in the store. Pure.

A chunk is one kind of piece, the episode another. An additional stage (cover art, a description, a search index) is one
more kind, with its own queue and parallel limit; `plan.py` lists the kinds of a job.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from shared.protocol.messages import Message
from shared.protocol.topology import WorkQueue
from shared.settings import Settings


class Phase(IntEnum):
    """When the pieces of a kind are requested: those of a phase when every earlier phase is over."""

    BEFORE_THE_EPISODE = 0
    THE_EPISODE = 1
    AFTER_THE_EPISODE = 2


@dataclass(frozen=True)
class Kind:
    """The pieces of one kind in one job.

    Attributes:
        name: in statuses, warnings and logs: `chunk`, `episode`, `cover`.
        queue: the work queue that receives the requests; its dead letters are about these pieces.
        phase: when they are requested.
        object_keys: for each piece, the object that makes it finished, in the order in which they are requested.
            Equal keys are one piece of work.
        request: the message that requests the piece with this index.
        parallel: how many may be in flight at a time.
        deadline_seconds: how long the stage may take for one message, by its settings.
        required: whether the job fails without it; if not, the episode is complete with a warning.
        text: what the piece with this index is about, for people who read about its failure.
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
