"""Threads share one heap, and large blocks are not in it: counted by glibc itself, in a separate process."""

from __future__ import annotations

import platform
import re
import subprocess
import sys

import pytest

COUNTS_HEAPS = """
import ctypes, sys, threading

from shared.runtime import heap

if sys.argv[1] == "configured":
    heap.configure()
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
libc.free.argtypes = (ctypes.c_void_p,)
libc.free(libc.malloc(8_000_000))  # from then on glibc would keep such blocks in the heap
large = [libc.malloc(1_000_000) for _ in range(5)]
output = libc.fdopen(1, b"w")
libc.malloc_info(0, output)
libc.fflush(output)
"""


def told(how: str) -> str:
    """What glibc says of its heaps (malloc_info(3))."""
    command = (sys.executable, "-c", COUNTS_HEAPS, how)
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def heaps(how: str) -> int:
    return told(how).count("<heap nr=")


def large_blocks_outside(how: str) -> int:
    [count] = re.findall(r'<total type="mmap" count="(\d+)"', told(how))
    return int(count)


on_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has such heaps")


@on_glibc
def test_threads_share_one_heap() -> None:
    assert heaps("as usual") > 1
    assert heaps("configured") == 1


@on_glibc
def test_large_blocks_are_outside_of_the_heap() -> None:
    assert large_blocks_outside("configured") >= large_blocks_outside("as usual") + 5
