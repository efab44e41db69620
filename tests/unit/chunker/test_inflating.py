"""Compressed bodies that inflate, from a malicious server."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib

import pytest

from shared.addresses import Allowed
from shared.errors import BadSource, TooLarge, Transient
from shared.fetching.fetching import Fetched, fetch
from tests.unit.chunker.test_fetching import answering, server

pytestmark = pytest.mark.anyio

LIMIT_BYTES = 1_000_000
WORDS = b"Some words of a page. " * 100


async def get(body: bytes, encoding: str) -> Fetched:
    async with server(answering("200 OK", body, content_encoding=encoding)) as url:
        return await fetch(
            url,
            limit_bytes=LIMIT_BYTES,
            deadline_seconds=20,
            connect_timeout_seconds=5,
            allowed=Allowed.parse("127.0.0.1"),
        )


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(WORDS)),
        ("x-gzip", gzip.compress(WORDS)),
        ("GZIP", gzip.compress(WORDS[:500]) + gzip.compress(WORDS[500:])),
        ("gzip", gzip.compress(WORDS) + b"\0\0 left over"),
        ("deflate", zlib.compress(WORDS)),
        ("deflate", raw_deflate(WORDS)),
        ("identity", WORDS),
        ("identity, gzip", gzip.compress(WORDS)),
    ],
    ids=["gzip", "x-gzip", "capitals, two members", "with padding", "zlib", "deflate", "identity", "two codings"],
)
async def test_a_packed_page_is_unpacked(encoding: str, body: bytes) -> None:
    assert (await get(body, encoding)).data == WORDS


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(bytes(300_000_000), 1)),
        ("deflate", zlib.compress(bytes(300_000_000), 1)),
        ("gzip", gzip.compress(bytes(900_000)) * 300),
    ],
)
async def test_a_bomb_ends_at_the_limit_while_it_inflates(encoding: str, body: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge, match=r"over 1\.0 MB"):
            await get(body, encoding)
        assert tracemalloc.get_traced_memory()[1] < 10 * LIMIT_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["gzip, gzip", "gzip,deflate", "br", "zstd", "compress", "gzip, br", "unheard-of"])
async def test_what_was_not_asked_for_is_refused(encoding: str) -> None:
    with pytest.raises(BadSource, match="was not asked for"):
        await get(gzip.compress(gzip.compress(WORDS)), encoding)


async def test_ten_thousand_empty_members_are_refused() -> None:
    with pytest.raises(BadSource, match="too many pieces"):
        await get(gzip.compress(b"") * 10_000, "gzip")


async def test_broken_data_is_refused() -> None:
    with pytest.raises(BadSource, match="cannot be decompressed"):
        await get(b"\x1f\x8b" + b"x" * 100, "gzip")


async def test_half_a_page_is_never_taken_for_the_whole() -> None:
    packed = gzip.compress(bytes(range(256)) * 100)
    with pytest.raises(Transient, match="in the middle"):
        await get(packed[: len(packed) // 2], "gzip")


async def test_the_body_of_a_redirect_is_not_read() -> None:
    sent = 0

    async def redirecting(path: str, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        if path != "/":
            await answering("200 OK", b"words")(path, writer)
            return
        writer.write(b"HTTP/1.1 302 Found\r\nlocation: /there\r\n\r\n")
        while sent < 100_000_000:
            writer.write(b"x" * 100_000)
            sent += 100_000
            await writer.drain()

    async with server(redirecting) as url:
        found = await fetch(
            url,
            limit_bytes=LIMIT_BYTES,
            deadline_seconds=20,
            connect_timeout_seconds=5,
            allowed=Allowed.parse("127.0.0.1"),
        )
    assert found.data == b"words"
    assert sent < 20_000_000, "only what the socket's buffers took"
