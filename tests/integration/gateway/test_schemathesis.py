"""The OpenAPI document is true: schemathesis tries what it allows and what it forbids, with all checks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.gateway.conftest import STACK_KEY
from tests.servers.services import Services

NEVER_ENDING = "/events$"
"""Streams have no end that a tool could wait for; they have tests of their own."""

NOT_YET = "^/v1/jobs"
"""The skeleton's routes, which are about to be replaced."""


def run(services: Services, directory: Path, *options: str) -> str:
    """Run schemathesis against a gateway, and return what it says."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{services.workers[0].health_url}/openapi.json",
        "--header",
        f"Authorization: Bearer {STACK_KEY}",
        "--checks",
        "all",
        "--exclude-path-regex",
        f"{NEVER_ENDING}|{NOT_YET}",
        "--request-timeout",
        "30",
        "--generation-database",
        "none",
        "--no-color",
        *options,
    ]
    done = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, "SCHEMATHESIS_HOOKS": ""},
        capture_output=True,
        text=True,
        timeout=3_000,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    return done.stdout


def test_what_the_document_promises_is_true(module_services: Services, tmp_path: Path) -> None:
    said = run(module_services, tmp_path, "--max-examples", "3", "--seed", "1")
    assert re.search(r"[1-9][0-9]* generated, [1-9][0-9]* passed", said), said


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_what_the_document_promises_is_true_for_long(module_services: Services, tmp_path: Path) -> None:
    said = run(module_services, tmp_path, "--max-examples", "100")
    assert re.search(r"[1-9][0-9]* generated, [1-9][0-9]* passed", said), said
