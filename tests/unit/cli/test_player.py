"""A job is played while it is spoken, and what is done meanwhile does not wait for the player."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from services.cli import player
from shared.errors import BadInput, PodcastError, SpeechDown
from tests.waiting import LIMIT_SECONDS, until

pytestmark = pytest.mark.anyio

RECORDS = 'exec cat > "$HEARD"'
TAKES_ONE_BYTE = 'head -c 1 > "$HEARD"'
HANGS = 'echo $$ > "$HEARD"; exec sleep 600'


@pytest.fixture
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the players that a test installs leave."""
    path = tmp_path / "heard"
    monkeypatch.setenv("HEARD", str(path))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setattr(player, "PLAYERS", (("a-player", "-"),))
    return path


def content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def install(folder: Path, script: str) -> None:
    program = folder / "bin" / "a-player"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)


async def test_each_piece_is_played_before_the_next_one_is_there(heard: Path, tmp_path: Path) -> None:
    install(tmp_path, RECORDS)

    async def pieces() -> AsyncGenerator[bytes, None]:
        yield b"one "
        await until(lambda: content(heard) == b"one ", "the first piece is played")
        yield b"two"

    async with player.playing(player.command(), pieces) as task, asyncio.timeout(LIMIT_SECONDS):
        await player.to_the_end(task, pytest.fail)
    assert content(heard) == b"one two"


async def test_what_cannot_be_spoken_is_told_and_what_came_before_is_heard(heard: Path, tmp_path: Path) -> None:
    install(tmp_path, RECORDS)
    told: list[str] = []

    async def pieces() -> AsyncGenerator[bytes, None]:
        yield b"one"
        raise SpeechDown("No speech was produced.")

    async with player.playing(player.command(), pieces) as task, asyncio.timeout(LIMIT_SECONDS):
        await player.to_the_end(task, told.append)
    assert (content(heard), told) == (b"one", ["It could not be played to the end: No speech was produced."])


async def test_a_player_that_is_closed_ends_it_though_the_next_piece_is_not_spoken(heard: Path, tmp_path: Path) -> None:
    install(tmp_path, TAKES_ONE_BYTE)
    closed = False

    async def pieces() -> AsyncGenerator[bytes, None]:
        nonlocal closed
        try:
            yield b"one"
            await asyncio.Event().wait()
        finally:
            closed = True

    async with player.playing(player.command(), pieces) as task, asyncio.timeout(LIMIT_SECONDS):
        await player.to_the_end(task, pytest.fail)
    assert (content(heard), closed) == (b"o", True)


async def test_a_player_that_takes_nothing_holds_up_nobody_and_ends_with_the_command(
    heard: Path, tmp_path: Path
) -> None:
    install(tmp_path, HANGS)

    async def pieces() -> AsyncGenerator[bytes, None]:
        while True:
            yield bytes(1_000_000)

    async with player.playing(player.command(), pieces) as task, asyncio.timeout(LIMIT_SECONDS):
        await until(lambda: content(heard).endswith(b"\n"), "the player runs")
        assert task is not None
        assert not task.done()
    with pytest.raises(ProcessLookupError):
        os.kill(int(content(heard)), 0)


async def test_nothing_is_played_unless_it_is_asked_for() -> None:
    async def pieces() -> AsyncGenerator[bytes, None]:
        raise AssertionError
        yield b""

    async with player.playing(None, pieces) as task:
        await player.to_the_end(task, pytest.fail)


def test_without_a_player_the_error_names_those_that_can_be_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput, match="mpv, ffplay") as error:
        player.command()
    assert "podcast stream" in error.value.hint
    assert isinstance(error.value, PodcastError)
