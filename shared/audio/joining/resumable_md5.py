"""MD5 that another process can go on with: FLAC's header has the MD5 of all samples, which their parts' do not give.

Python's `hashlib` does not expose its state. OpenSSL's own functions, on which it is built, keep it in a structure
of the caller's (`MD5_CTX` in `openssl/md5.h`, the same since 1998), so it can be kept and taken up again.
"""

from __future__ import annotations

import ctypes
import hashlib
from functools import cache
from typing import Final

_LIBRARIES: Final = ("libcrypto.so.3", "libcrypto.so.1.1")
_CONTEXT_BYTES: Final = 92
"""Four words of the digest, two of the length, sixteen of a block that is not full, and how full it is."""
_DIGEST_BYTES: Final = 16
_PROOF: Final = b"what is checked when the library is loaded" * 3


class Md5:
    """The MD5 of bytes so far.

    Args:
        state: of another one, to go on from there.

    Raises:
        OSError: OpenSSL's library is not installed, or works in another way.
    """

    def __init__(self, state: bytes = b"") -> None:
        self._library = _library()
        self._context = ctypes.create_string_buffer(_CONTEXT_BYTES)
        if state:
            self._context.raw = state
        else:
            self._library.MD5_Init(self._context)

    def update(self, data: bytes) -> None:
        """What comes next."""
        self._library.MD5_Update(self._context, data, ctypes.c_size_t(len(data)))

    @property
    def state(self) -> bytes:
        """What another one needs to go on."""
        return self._context.raw

    def digest(self) -> bytes:
        """Of all bytes so far; more may follow."""
        context = ctypes.create_string_buffer(self._context.raw, _CONTEXT_BYTES)
        found = ctypes.create_string_buffer(_DIGEST_BYTES)
        self._library.MD5_Final(found, context)
        return found.raw


def is_available() -> bool:
    """Whether OpenSSL's library is there, and works as it should."""
    try:
        _library()
    except OSError:
        return False
    return True


@cache
def _library() -> ctypes.CDLL:
    for name in _LIBRARIES:
        try:
            library = ctypes.CDLL(name)
            if _works(library):
                return library
        except (OSError, AttributeError):
            continue
    raise OSError("OpenSSL's libcrypto is not installed, or has no MD5.")


def _works(library: ctypes.CDLL) -> bool:
    """Whether it gives the right digest from a state that was taken up in the middle."""
    first, second = ctypes.create_string_buffer(2 * _CONTEXT_BYTES), ctypes.create_string_buffer(2 * _CONTEXT_BYTES)
    found = ctypes.create_string_buffer(_DIGEST_BYTES)
    library.MD5_Init(first)
    library.MD5_Update(first, _PROOF, ctypes.c_size_t(len(_PROOF)))
    second.raw = first.raw
    library.MD5_Update(second, _PROOF, ctypes.c_size_t(len(_PROOF)))
    library.MD5_Final(found, second)
    return found.raw == hashlib.md5(2 * _PROOF, usedforsecurity=False).digest()
