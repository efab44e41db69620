"""The autoscaler reads a real coordinator's metrics, and calls `docker`: here a stand-in that keeps a number."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import httpx

from shared.protocol import topology
from shared.runtime.broker import connected
from tests.integration.running import request
from tests.servers.services import Services
from tests.waiting import until

ROOT = Path(__file__).parents[2]
DOCKER = """\
#!/bin/sh
case "$*" in
"service inspect"*) cat "$REPLICAS" ;;
"service scale --detach podcast_synthesizer="*) echo "${4#*=}" > "$REPLICAS" ;;
*) echo "unknown: $*" >&2; exit 1 ;;
esac
"""


async def autoscale(folder: Path, *words: str) -> str:
    """What the script prints in a few quick looks."""
    command = (sys.executable, str(ROOT / "deploy/scaling/autoscale.py"), "--every", "0.01", *words)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "REPLICAS": str(folder / "replicas")}
    done = await asyncio.to_thread(
        subprocess.run, command, env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )
    return str(done.stdout + done.stderr)


async def test_chunks_that_wait_start_synthesizers_and_an_empty_queue_ends_them(
    amqp_url: str, file_store_url: str, tmp_path: Path
) -> None:
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    replicas = tmp_path / "replicas"
    replicas.write_text("1\n")
    environment = {
        "PODCAST_AMQP_URL": amqp_url,
        "PODCAST_STORE_URL": file_store_url,
        "PODCAST_RECONCILE_SECONDS": "1",
    }
    with Services(environment, tmp_path / "logs") as services:
        (coordinator,) = services.start("coordinator")
        await services.ready()
        metrics = f"{coordinator.health_url}/metrics"

        async def shows(count: int) -> bool:
            async with httpx.AsyncClient() as client:
                text = (await client.get(metrics)).text
            return f'podcast_queue_messages{{part="ready",queue="synthesizer"}} {count}.0' in text

        await services.submit(*(request(index) for index in range(30)))
        await until(lambda: shows(30), "the metrics show what waits")
        said = await autoscale(tmp_path, "--metrics", metrics, "--looks", "2", "--dry-run")
        assert said == "podcast_synthesizer: 1 -> 2, 30 waiting\n"
        assert replicas.read_text() == "1\n"
        said = await autoscale(tmp_path, "--metrics", metrics, "--looks", "30", "--most", "5")
        assert replicas.read_text() == "5\n", said
        steps = [line.removeprefix("podcast_synthesizer: ").removesuffix(", 30 waiting") for line in said.splitlines()]
        assert steps == ["1 -> 2", "2 -> 4", "4 -> 5"]

        await purge(services)
        await until(lambda: shows(0), "the metrics show that nothing waits")
        said = await autoscale(tmp_path, "--metrics", metrics, "--looks", "30", "--looks-down", "3", "--least", "2")
        assert replicas.read_text() == "2\n", said

        coordinator.process.stop()
        said = await autoscale(tmp_path, "--metrics", metrics, "--looks", "2")
        assert said.count("not looked: ") == 2
        assert replicas.read_text() == "2\n"


async def purge(services: Services) -> None:
    async with connected(services.settings) as connection, connection.channel() as channel:
        queue = await channel.declare_queue(topology.SYNTHESIZER.name, passive=True)
        await queue.purge()
