"""CRC-16 as MP3's Info frame has it (polynomial 0x8005, reflected, from 0), of parts that are combined.

A CRC that begins at 0 is linear: that of two parts is that of the first, moved on by as many zero bytes as the second
part has, XOR that of the second. So bytes are taken as rows of a table, which numpy works through a column at a time.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL: Final = 0xA001
_ROWS: Final = 1_024

_Table = NDArray[np.uint16]


def _byte_table() -> _Table:
    values = np.arange(256, dtype=np.uint16)
    for _ in range(8):
        values = np.where(values & 1, (values >> 1) ^ np.uint16(_POLYNOMIAL), values >> 1).astype(np.uint16)
    return values


_BYTES: Final = _byte_table()
_ALL: Final = np.arange(65_536, dtype=np.uint16)


@lru_cache(maxsize=64)
def _moved_by_power(power: int) -> _Table:
    """For each CRC, what it becomes after 2 ** `power` zero bytes."""
    if power == 0:
        return np.asarray((_ALL >> 8) ^ _BYTES[_ALL & 0xFF], dtype=np.uint16)
    half = _moved_by_power(power - 1)
    return half[half]


def moved(crc: int, zeros: int) -> int:
    """The CRC after `zeros` more bytes of zero."""
    power = 0
    while zeros:
        if zeros & 1:
            crc = int(_moved_by_power(power)[crc])
        zeros >>= 1
        power += 1
    return crc


def combined(left: int, right: int, right_bytes: int) -> int:
    """The CRC of two parts, of which the second has `right_bytes` bytes."""
    return moved(left, right_bytes) ^ right


def repeated(crc: int, size: int, count: int) -> int:
    """The CRC of a part of `size` bytes, `count` times in a row."""
    result, done = 0, 0
    part, part_count = crc, 1
    while count:
        if count & 1:
            result = combined(part, result, done * size)
            done += part_count
        part = combined(part, part, part_count * size)
        part_count *= 2
        count >>= 1
    return result


def crc16(data: bytes) -> int:
    """The CRC of `data`."""
    row = -(-len(data) // _ROWS)
    table = np.zeros(_ROWS * row, dtype=np.uint8)  # zeros before the first byte change nothing
    table[len(table) - len(data) :] = np.frombuffer(data, dtype=np.uint8)
    crcs = np.zeros(_ROWS, dtype=np.uint16)
    for column in table.reshape(_ROWS, row).T:
        crcs = (crcs >> 8) ^ _BYTES[(crcs ^ column) & 0xFF]
    while len(crcs) > 1:
        crcs = _moved_all(crcs[::2], row) ^ crcs[1::2]
        row *= 2
    return int(crcs[0])


def _moved_all(crcs: _Table, zeros: int) -> _Table:
    power = 0
    while zeros:
        if zeros & 1:
            crcs = _moved_by_power(power)[crcs]
        zeros >>= 1
        power += 1
    return crcs
