"""What processes cost: CPU time and memory of a process with all its children, from /proc."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import psutil

SAMPLE_SECONDS = 0.05


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time so far of processes, their living children, and the children that have ended."""
    total = 0.0
    for process in _family(pids):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def resident_bytes(pid: int) -> int:
    """Current resident memory of a process and its children; a page that two of them share counts twice."""
    total = 0
    for process in _family([pid]):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total


class Peak:
    """The highest resident memory seen, in bytes."""

    def __init__(self) -> None:
        self.value = 0


@contextmanager
def peak_memory(pid: int) -> Iterator[Peak]:
    """Watch a process and its children, sampling 20 times a second."""
    peak, ended = Peak(), threading.Event()

    def look() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            peak.value = max(peak.value, resident_bytes(pid))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        ended.set()
        watcher.join(timeout=5)


def _family(pids: Iterable[int]) -> Iterator[psutil.Process]:
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(pid)
            yield parent
            yield from parent.children(recursive=True)
