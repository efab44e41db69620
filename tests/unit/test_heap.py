"""Threads share one heap: counted by glibc itself, in a separate process."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

COUNTS_HEAPS = """
import ctypes, sys, threading

from shared.runtime import heap

if sys.argv[1] == "one":
    heap.share_one()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = (ctypes.c_int, ctypes.c_void_p)
libc.fflush.argtypes = (ctypes.c_void_p,)
together = threading.Barrier(4)

def work():
    libc.malloc(100_000)
    together.wait(timeout=10)  # so that four threads are alive at once

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
output = libc.fdopen(1, b"w")
libc.malloc_info(0, output)
libc.fflush(output)
"""


def heaps(how_many: str) -> int:
    told = subprocess.run(
        (sys.executable, "-c", COUNTS_HEAPS, how_many), capture_output=True, text=True, timeout=60, check=True
    ).stdout
    return told.count("<heap nr=")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives threads heaps of their own")
def test_threads_share_one_heap() -> None:
    assert heaps("as usual") > 1
    assert heaps("one") == 1
