"""A browser's own EventSource, in a page of another origin: it sees each state, also across restarts and new tokens."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from podcast_client import PodcastClient
from tests.integration.gateway.conftest import STACK_KEY, environment
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

WITH_TOKENS = """\
<!doctype html>
<script>
const seen = [];
let addresses = 0, last = "";
async function connect(old) {
  const address = await (await fetch("/address")).json();
  const source = new EventSource(address.url + (last && "&last_event_id=" + encodeURIComponent(last)));
  addresses += 1;
  if (old) old.close();
  source.addEventListener("status", (event) => {
    last = event.lastEventId;
    const job = JSON.parse(event.data);
    seen.push(job.state);
    fetch("/seen/" + encodeURIComponent(JSON.stringify({ seen, addresses })));
    if (["completed", "failed", "cancelled"].includes(job.state)) source.close();
  });
  source.addEventListener("expiring", () => connect(source));
  // The token has expired while nothing could be heard, or the gateway does not know it: a new one is needed.
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 500, source);
  });
}
connect();
</script>
"""
TOKEN_SECONDS = "6"


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
            said = json.loads(unquote(path.removeprefix("/seen/")))
            if len(said) > len(seen):  # the requests for two events at once may arrive in any order
                seen[:] = said
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


async def test_an_event_source_with_a_token_sees_each_state_across_new_tokens_and_a_restart(
    amqp_url: str, file_store_url: str, tmp_path: Path
) -> None:
    heard: dict[str, Any] = {"seen": [], "addresses": 0}
    job: list[str] = []

    def answer(path: str) -> bytes:
        """What the server of the page does; only it has a key."""
        if path.startswith("/seen/"):
            said = json.loads(unquote(path.removeprefix("/seen/")))
            if len(said["seen"]) > len(heard["seen"]):  # as above
                heard.update(said)
        if path != "/address":
            return WITH_TOKENS.encode()
        with PodcastClient(worker.health_url, STACK_KEY) as client:
            return json.dumps({"url": client.event_address(job[0]).url}).encode()

    def has(state: str) -> bool:
        return state in heard["seen"]

    with serving(answer) as origin:
        settings = {
            **environment(amqp_url, file_store_url),
            "PODCAST_GATEWAY_CORS_ORIGINS": origin,
            "PODCAST_GATEWAY_EVENT_TOKEN_SECONDS": TOKEN_SECONDS,
        }
        with Services(settings, tmp_path / "logs") as services:
            (worker,) = services.start("gateway")
            await services.ready()
            async with services.publisher() as publish:
                life = Life(services.store, publish)
                job.append(life.job_id)
                await life.submitted()
                await life.goes("chunking")
                with browser(origin, tmp_path / "profile"):
                    await until(lambda: has("chunking"), "the browser is there", seconds=START_SECONDS)
                    first = heard["addresses"]
                    await life.goes("synthesizing")
                    await until(lambda: has("synthesizing"), "the browser sees a state live", seconds=START_SECONDS)

                    async def has_renewed() -> bool:
                        """What tells of it is a status, so there has to be one."""
                        await life.progresses(len(heard["seen"]) / 100)
                        return bool(heard["addresses"] > first + 1)

                    await until(has_renewed, "the browser has had two new addresses", seconds=START_SECONDS)
                    services.strike(worker)
                    await life.goes("assembling")
                    services.restart(worker)
                    await services.ready()
                    await life.goes("completed")
                    await until(lambda: has("completed"), "the browser sees the end", seconds=START_SECONDS)
            assert "ev_" not in services.log("gateway")
    assert list(dict.fromkeys(heard["seen"])) == ["chunking", "synthesizing", "assembling", "completed"]
