"""The images under test: built from deploy/Dockerfile as it is, and kept for as long as nothing in them changes."""

from __future__ import annotations

import hashlib
import subprocess
import time
from pathlib import Path

from tests.stack import base_images
from tests.stack.docker import LABEL, Docker, say

ROOT = Path(__file__).parents[2]
PREFIX = "podcast-test"
TARGETS = ("services", "speech", "rabbitmq", "minio")
"""`services` first: the classic builder makes every stage that stands before the one that is wanted, and keeps them."""
TONES = "tones"
BUILD_SECONDS = 3_600.0
"""Everything at once takes ten minutes on two idle cores."""


def ensure(docker: Docker) -> str:
    """Build what is not there; the tag of all images."""
    base = base_images.ensure(docker)
    arguments = [part for name, value in base.items() for part in ("--build-arg", f"{name}={value}")]
    content = _digest(_context_files(), *(docker.label_of(image) for image in base.values()))
    tag = content[:12]
    for target in TARGETS:
        _build(docker, target, tag, content, (*arguments, "--target", target, "--file", "deploy/Dockerfile", "."))
    tones = _digest(sorted((ROOT / "tests/servers").glob("*.py")), content)
    _build(docker, TONES, tag, tones, ("--build-arg", f"TAG={tag}", "--file", "tests/stack/tones.Dockerfile", "tests"))
    return tag


def name(target: str, tag: str) -> str:
    """Of an image."""
    return f"{PREFIX}/{target}:{tag}"


def retag(docker: Docker, tag: str, other: str) -> None:
    """The same images under another tag, for an update that changes every service."""
    for target in (*TARGETS, TONES):
        docker.run("tag", name(target, tag), name(target, other))


def remove_others(docker: Docker, tag: str) -> None:
    """Remove the images of earlier tests; those of `tag` stay, so that the next test need not build them."""
    for target in (*TARGETS, TONES):
        listed = docker.run("images", "--format", "{{.Repository}}:{{.Tag}}", f"{PREFIX}/{target}").split()
        for other in listed:
            if other != name(target, tag):
                docker.run("rmi", other, check=False)


def _build(docker: Docker, target: str, tag: str, content: str, arguments: tuple[str, ...]) -> None:
    image = name(target, tag)
    if docker.label_of(image) == content:
        return
    say(f"building {image}")
    started = time.monotonic()
    # The network of the host: an engine's own network may have no way out where it runs in a virtual machine.
    build = ("build", "--quiet", "--network", "host", "--label", f"{LABEL}={content}", "--tag", image)
    docker.run(*build, *arguments, seconds=BUILD_SECONDS, folder=ROOT)
    say(f"{image}: {time.monotonic() - started:.0f} s")


def _context_files() -> list[Path]:
    """What the images are made of, as .dockerignore has it."""
    listed = subprocess.run(
        ("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *_CONTEXT),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    return [ROOT / path for path in sorted(filter(None, listed.split("\0"))) if (ROOT / path).is_file()]


_CONTEXT = (".dockerignore", "LICENSE", "README.md", "deploy", "podcast_client", "pyproject.toml", "services", "shared")


def _digest(files: list[Path], *parts: str) -> str:
    digest = hashlib.sha256("\0".join(parts).encode())
    for path in files:
        digest.update(f"\0{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()
