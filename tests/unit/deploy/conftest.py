"""Merged stack files, as docker reads them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.stack.check_files import ALL_FILES, GIVEN, OPTIONS
from deploy.stack.deployment import Deployment
from deploy.stack.initialising import initialise
from deploy.stack.rendering import merged
from shared.errors import Misconfigured

Merge = Callable[..., dict[str, Any]]


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    """A deployment of the test's own."""
    return initialise(tmp_path / "deployment", OPTIONS, GIVEN).deployment


def as_docker_reads_it(deployment: Deployment, *overlays: str) -> dict[str, Any]:
    """The merged file; skips the test where docker cannot merge."""
    try:
        found: dict[str, Any] = yaml.safe_load(merged(deployment, overlays).text)
    except Misconfigured as error:
        pytest.skip(str(error))
    return found


@pytest.fixture(scope="session")
def merge(tmp_path_factory: pytest.TempPathFactory) -> Merge:
    """Merges docker-stack.yml with overlays, each combination once."""
    folder = tmp_path_factory.mktemp("deployment")
    initialise(folder, OPTIONS | ALL_FILES, GIVEN)
    one = initialise(folder, {"PODCAST_OVERLAYS": ""}).deployment
    return functools.cache(lambda *overlays: as_docker_reads_it(one, *overlays))
