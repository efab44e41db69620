"""MinIO is built once, by one builder; a build that fails says why. A stand-in replaces the Go compiler."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import stat
import sys
import tempfile
import time
from pathlib import Path

import pytest

from deploy.local.minio_build import MODULE, ensure_minio, minio_path
from shared.errors import Misconfigured

BUILDS = """
echo "$@" >> {calls}
mkdir -p "$GOPATH/mod" && touch "$GOPATH/mod/file" && chmod a-w "$GOPATH/mod"
sleep {seconds}
mkdir -p "$GOBIN" && echo program > "$GOBIN/minio"
"""


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return tmp_path / "calls"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    return tmp_path / "cache"


def pretend_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, version: str = "go1.24.2") -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    go = folder / "go"
    go.write_text(f'#!/bin/sh\nif [ "$1" = version ]; then echo "go version {version} linux/amd64"; exit; fi\n{script}')
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_it_is_built_once_and_leaves_only_the_program(
    tmp_path: Path, cache: Path, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_go(tmp_path, monkeypatch, BUILDS.format(calls=calls, seconds=0))
    said: list[str] = []
    path = ensure_minio(cache, said.append)
    assert path == minio_path(cache)
    assert path.read_text() == "program\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    assert said[0].startswith("building MinIO from source, once, about 3 minutes: 0 s")
    assert MODULE in calls.read_text()
    assert list((tmp_path / "scratch").iterdir()) == [], "2 GB of caches are gone, read-only folders included"

    assert ensure_minio(cache, said.append) == path
    assert len(calls.read_text().splitlines()) == 1


def test_two_builders_build_it_once(tmp_path: Path, cache: Path, calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_go(tmp_path, monkeypatch, BUILDS.format(calls=calls, seconds=1))
    context = multiprocessing.get_context("spawn")
    builders = [context.Process(target=ensure_minio, args=(cache, print)) for _ in range(2)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join(timeout=60)
    assert [builder.exitcode for builder in builders] == [0, 0]
    assert len(calls.read_text().splitlines()) == 1


def test_a_build_that_fails_says_why_and_leaves_nothing(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_go(tmp_path, monkeypatch, "echo 'no route to the module proxy' >&2; exit 1")
    with pytest.raises(Misconfigured, match="no route to the module proxy"):
        ensure_minio(cache, lambda _: None)
    assert not minio_path(cache).exists()
    assert list((tmp_path / "scratch").iterdir()) == []


def test_without_go_pip_and_uv_it_says_what_to_install(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    monkeypatch.setenv("PATH", str(nothing))
    monkeypatch.setattr(sys, "executable", str(nothing / "python"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(Misconfigured, match=r"Install Go 1\.24 or newer"):
        ensure_minio(cache, lambda _: None)


def test_a_build_that_takes_too_long_is_ended(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_go(tmp_path, monkeypatch, "sleep 1000")
    started = time.monotonic()
    with pytest.raises(Misconfigured, match="took longer than it may"):
        ensure_minio(cache, lambda _: None, deadline_seconds=1)
    assert time.monotonic() - started < 60
