"""How a call in a worker process can fail, apart from the errors that the called function raises itself.

    WorkerFailure
    ├── CpuTimeUsedUp   it needed more CPU time than its allowance
    ├── MemoryUsedUp    it needed more memory than its allowance
    ├── Crashed         it ended the process, twice: a fault in a library, or an assertion
    └── Killed          the process was killed from outside, twice: trying again may help

These are not in the tree of `shared.errors`: only the caller knows what the work was, and so whether it may be tried
again and what to tell people. `shared/workers/documents.py` and `services/synthesizer/audio_workers.py` translate them.
"""

from __future__ import annotations


class WorkerFailure(Exception):
    """A worker did not answer, or could not."""


class CpuTimeUsedUp(WorkerFailure):
    """It needed more CPU time than its allowance."""


class MemoryUsedUp(WorkerFailure):
    """It needed more memory than its allowance."""


class Crashed(WorkerFailure):
    """It ended its process by a fault or an assertion, twice."""


class Killed(WorkerFailure):
    """Its process was killed from outside, twice."""
