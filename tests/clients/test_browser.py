"""A browser's own EventSource, in a page of another origin: it sees each state, also across a restart."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

from tests.integration.gateway.conftest import environment
from tests.integration.gateway.event_streams import Life
from tests.servers.pages import serving
from tests.servers.services import Services
from tests.waiting import until

BROWSER = shutil.which("chromium")
START_SECONDS = 90.0
"""For a browser to start, on a machine that is busy."""
PAGE = """\
<!doctype html>
<script>
const seen = [];
const source = new EventSource(URL_OF_EVENTS);
source.addEventListener("status", (event) => {
  seen.push(JSON.parse(event.data).state);
  fetch("/seen/" + encodeURIComponent(JSON.stringify(seen)));
  if (["completed", "failed", "cancelled"].includes(seen.at(-1))) source.close();
});
</script>
"""


@contextmanager
def browser(url: str, folder: Path) -> Iterator[None]:
    """A headless Chromium on a page."""
    assert BROWSER is not None, "run `deploy/setup.sh test`"
    options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
    process = subprocess.Popen(
        (BROWSER, *options, "--disable-background-networking", f"--user-data-dir={folder}", url),
        stdout=subprocess.DEVNULL,
        stderr=(folder.parent / "browser.log").open("wb"),
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


async def test_an_event_source_sees_each_state_of_a_job_across_a_restart_of_the_gateway(
    amqp_url: str, file_store_url: str, tmp_path: Path
) -> None:
    seen: list[str] = []
    page = ""

    def answer(path: str) -> bytes:
        if path.startswith("/seen/"):
            seen[:] = json.loads(unquote(path.removeprefix("/seen/")))
        return page.encode()

    with serving(answer) as origin:
        settings = {
            **environment(amqp_url, file_store_url),
            "PODCAST_GATEWAY_ANONYMOUS": "true",
            "PODCAST_GATEWAY_CORS_ORIGINS": origin,
        }
        with Services(settings, tmp_path / "logs") as services:
            (worker,) = services.start("gateway")
            await services.ready()
            async with services.publisher() as publish:
                life = Life(services.store, publish)
                await life.submitted()
                await life.goes("chunking")
                url = json.dumps(f"{worker.health_url}/v1/jobs/{life.job_id}/events")
                page = PAGE.replace("URL_OF_EVENTS", url)
                with browser(origin, tmp_path / "profile"):
                    await until(lambda: seen[-1:] == ["chunking"], "the browser is there", seconds=START_SECONDS)
                    await life.goes("synthesizing")
                    await until(lambda: seen[-1] == "synthesizing", "the browser sees a state live")

                    services.strike(worker)
                    await life.goes("assembling")
                    services.restart(worker)
                    await services.ready()
                    await life.goes("completed")

                    await until(lambda: seen[-1] == "completed", "the browser sees the end", seconds=START_SECONDS)
    assert list(dict.fromkeys(seen)) == ["chunking", "synthesizing", "assembling", "completed"]
