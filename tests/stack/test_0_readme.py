"""A newcomer's path: the commands of README's section on deploying, typed as they stand, and an episode."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import images
from tests.stack.docker import say
from tests.stack.engine import Engine, init_swarm
from tests.stack.stack import DOWN_SECONDS, HOST_PORTS

pytestmark = pytest.mark.long_stack

COMMANDS_SECONDS = 3_600
RENDER_SECONDS = 900
STACK = "podcast"
_NAMESPACE = f"label=com.docker.stack.namespace={STACK}"


@pytest.fixture
def newcomer(engine: Engine, tag: str, folder: Path) -> Iterator[dict[str, str]]:
    """The environment of somebody who has just cloned the repository, on an engine that is in no swarm."""
    if not engine.is_own:
        pytest.skip("The engine ran before the test, which therefore does not take it out of its swarm.")
    say(f"the images of the tests are there ({tag}), and so are the base images")
    docker = engine.docker
    docker.run("swarm", "leave", "--force")
    clone = folder / "podcast-engine"
    subprocess.run(("git", "clone", "--quiet", str(images.ROOT), str(clone)), check=True, timeout=120)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PWD": str(clone),
        # What is special to a machine without an image registry.
        "BUILD_ARGS": "--network host --build-arg BUILD_BASE=podcast-test/debian-build:trixie",
    }
    # What is special to a machine without IP_VS: the gateway's port is the node's own.
    (clone / "deployment").mkdir(mode=0o700)
    (clone / "deployment/stack.env").write_text(f"PODCAST_OVERLAYS={HOST_PORTS}\n")
    try:
        yield environment
    finally:
        if docker.run("stack", "services", "--quiet", STACK, check=False):
            _bash("podcast deploy down deployment", environment, DOWN_SECONDS + 60)
        for volume in docker.run("volume", "ls", "--quiet", "--filter", _NAMESPACE).split():
            docker.run("volume", "rm", volume)
        docker.run("swarm", "leave", "--force", check=False)
        init_swarm(docker)


def commands() -> str:
    """The first block of console lines under README's heading Deploy."""
    section = (images.ROOT / "README.md").read_text().partition("\n## Deploy\n")[2].partition("\n## ")[0]
    block = re.search(r"```console\n(.*?)```", section, re.DOTALL)
    assert block, "README has a section Deploy with a block of commands"
    typed = [line.removeprefix("$ ") for line in block[1].splitlines() if line.startswith("$ ")]
    assert len(typed) == 5
    return "\n".join(typed)


def test_the_commands_of_the_readme_give_a_running_stack_and_an_episode(
    newcomer: dict[str, str], engine: Engine
) -> None:
    assert engine.is_own
    clone = Path(newcomer["PWD"])
    say("typing the commands of README:\n" + commands())
    done = _bash(commands(), newcomer, COMMANDS_SECONDS)
    exports = [line for line in done.splitlines() if line.startswith("export ")]
    assert exports, done
    render = "\n".join([*exports, "podcast render docs/demo/article.md -o episode.mp3"])
    said = _bash(render, newcomer, RENDER_SECONDS)
    say(said.strip())
    assert (clone / "episode.mp3").stat().st_size > 100_000


def _bash(script: str, environment: dict[str, str], seconds: float) -> str:
    done = subprocess.run(
        ("bash", "-euo", "pipefail", "-c", script),
        cwd=environment["PWD"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3_000:]
    return done.stdout
