"""Decodes the body of a response: inflated in small steps, so that a decompression bomb stops at the limit."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator

from shared.errors import BadSource, TooLarge, Transient

ACCEPTED = "gzip, deflate"
"""The encodings whose output can be bounded. Brotli and zstd bindings return a whole block at a time."""

_MEMBERS_LIMIT = 1_000
"""A gzip file may have several members; an empty one takes 20 bytes, and each one starts an inflater."""

_STEP_BYTES = 1 << 18
_GZIP_BITS = 16 + zlib.MAX_WBITS


async def body(raw: AsyncIterator[bytes], *, encoding: str, limit_bytes: int, whose: str) -> bytes:
    """Read a body to its end.

    Args:
        raw: its bytes as they arrive.
        encoding: the `Content-Encoding` header; "" if there is none.
        limit_bytes: for the bytes received, and for what they inflate to.
        whose: the address, for the errors.

    Raises:
        BadSource: an encoding that was not requested, several encodings, or broken data.
        TooLarge: it is over the limit.
        Transient: it ends too early.
    """
    inflate = _inflater(encoding, whose)
    parts: list[bytes] = []
    came = size = 0
    async for part in raw:
        came += len(part)
        for inflated in inflate.feed(part) if inflate else (part,):
            size += len(inflated)
            if size > limit_bytes:
                raise _too_large(whose, limit_bytes)
            parts.append(inflated)
        if came > limit_bytes:
            raise _too_large(whose, limit_bytes)
    if inflate and came and not inflate.is_complete:
        raise Transient(f"The document at {whose} ended in the middle.", hint="Try again later.")
    return b"".join(parts)


def _too_large(whose: str, limit_bytes: int) -> TooLarge:
    return TooLarge(
        f"The document at {whose} is over {limit_bytes / 1e6:,.1f} MB.",
        hint="Raise PODCAST_SOURCE_LIMIT_BYTES if it is meant to be so large.",
    )


def _inflater(encoding: str, whose: str) -> _Inflater | None:
    names = [name for part in encoding.split(",") if (name := part.strip().lower()) not in {"", "identity"}]
    if not names:
        return None
    if len(names) > 1 or names[0] not in {"gzip", "x-gzip", "deflate"}:
        raise BadSource(
            f"{whose} sent a page packed as {', '.join(names)[:100]}, which was not asked for.",
            hint="Save it from a browser.",
        )
    return _Inflater(names[0], whose)


class _Inflater:
    """zlib with an upper bound on each step."""

    def __init__(self, name: str, whose: str) -> None:
        self._is_gzip = name != "deflate"
        self._whose = whose
        self._inflate = zlib.decompressobj(_GZIP_BITS) if self._is_gzip else None
        self._members = 1

    @property
    def is_complete(self) -> bool:
        """Whether the compressed data reached its end marker."""
        return self._inflate is not None and self._inflate.eof

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What the next bytes inflate to, lazily and in steps of a bounded size."""
        if self._inflate is None:
            # By the standard, deflate has a zlib header; some servers leave it out.
            has_header = data[0] & 0x0F == zlib.DEFLATED and (len(data) < 2 or (data[0] * 256 + data[1]) % 31 == 0)  # noqa: PLR2004 - RFC 1950
            self._inflate = zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)
        while data:
            inflated, data = self._step(data)
            yield inflated

    def _step(self, data: bytes) -> tuple[bytes, bytes]:
        """Inflate one step; returns its output and the rest of `data`."""
        if self._inflate is None or self._inflate.eof:
            if not (self._is_gzip and data.startswith(b"\x1f\x8b")):
                return b"", b""  # browsers also ignore what follows the end
            self._members += 1
            if self._members > _MEMBERS_LIMIT:
                raise BadSource(f"{self._whose} sent a page packed in too many pieces.", hint="Save it from a browser.")
            self._inflate = zlib.decompressobj(_GZIP_BITS)
        try:
            inflated = self._inflate.decompress(data, _STEP_BYTES)
        except zlib.error as error:
            raise BadSource(
                f"{self._whose} sent a page that cannot be decompressed.", hint="Save it from a browser."
            ) from error
        return inflated, self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
