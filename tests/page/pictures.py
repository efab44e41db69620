"""Makes the pictures of the page in the documents: `make page-pictures` brings up a stack and looks at it in Chromium.

What they show is real: documents of this repository, spoken by piper. Look at each picture before it is committed.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import httpx
from playwright.async_api import Browser, Page, async_playwright, expect

from deploy.local import StackPlan, StackState, start_detached, stop
from tests.page.views import PHONE
from tests.servers.feed_server import FeedServer, serving, stories
from tests.waiting import until

ROOT: Final = Path(__file__).parents[2]
DESKTOP: Final = {"width": 1200, "height": 860}
WAIT_MILLISECONDS: Final = 900_000.0
"""For a few documents to be spoken, on a machine that is busy."""
SHARE_SPOKEN: Final = 0.35
"""How much of the long document is spoken in its picture."""
FITS: Final = """[...document.querySelectorAll(".picture canvas")]
  .every((one) => Math.abs(one.width / devicePixelRatio - one.parentElement.clientWidth) < 30)"""
Scheme = Literal["light", "dark"]
expect.set_options(timeout=WAIT_MILLISECONDS)


async def submitted(client: httpx.AsyncClient, path: Path, **options: Any) -> str:
    """A document as a job; its id."""
    text = await asyncio.to_thread(path.read_text, encoding="utf-8")
    answer = await client.post("/v1/jobs", json={"text": text, "source_format": "markdown", **options})
    return str(answer.raise_for_status().json()["job_id"])


async def reaches(client: httpx.AsyncClient, job_id: str, progress: float) -> None:
    """Wait until so much of a job is done, or it has ended."""

    async def has_it() -> bool:
        job = (await client.get(f"/v1/jobs/{job_id}")).json()
        return job["state"] in {"completed", "failed"} or job["progress"] >= progress

    await until(has_it, f"{progress:.0%} of the job", seconds=WAIT_MILLISECONDS / 1_000)


async def opened(browser: Browser, state: StackState, scheme: Scheme, **options: Any) -> Page:
    """The page, signed in."""
    context = await browser.new_context(**{"viewport": DESKTOP, "color_scheme": scheme, **options})
    page = await context.new_page()
    page.set_default_timeout(WAIT_MILLISECONDS)
    await page.goto(state.api_url)
    await page.get_by_label("API key").fill(state.api_key)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("status").filter(has_text="live")).to_be_visible()
    return page


async def take(state: StackState, folder: Path, browser: Browser) -> None:
    """Take all pictures."""
    async with httpx.AsyncClient(
        base_url=state.api_url, headers={"Authorization": f"Bearer {state.api_key}"}, timeout=60
    ) as client:
        article = await submitted(client, ROOT / "docs/demo/article.md")
        failed = await submitted(client, ROOT / "docs/wording.md", title="A note on nothing", voice="no-such-voice")
        other = await submitted(client, ROOT / "docs/wording.md", title="How texts are read")
        for job_id in (article, failed, other):
            await reaches(client, job_id, 1.0)
        guide = await submitted(client, ROOT / "docs/operations.md", title="The operator's guide", max_parallel=5)
        schemes: tuple[Scheme, ...] = ("light", "dark")
        pages = {scheme: await opened(browser, state, scheme) for scheme in schemes}
        await reaches(client, guide, SHARE_SPOKEN)
        for scheme, page in pages.items():
            await page.get_by_role("link", name="The operator's guide").click()
            await expect(page.locator("figure figcaption")).to_be_visible()
            await until(partial(page.evaluate, FITS), "the pictures of the chunks are as wide as the page")
            await page.screenshot(path=folder / f"page-timeline-{scheme}.png")
            await page.get_by_role("navigation", name="Views").get_by_role("link", name="Jobs").click()
            await expect(page.get_by_role("list", name="Jobs")).to_contain_text("A note on nothing")
            await page.screenshot(path=folder / f"page-jobs-{scheme}.png")
        phone = await opened(browser, state, "dark", viewport=PHONE, device_scale_factor=2)
        await phone.goto(f"{state.api_url}/#/jobs/{article}")
        await expect(phone.get_by_role("navigation", name="Chapters")).to_be_visible()
        await expect(phone.locator(".cue").first).to_be_visible()
        await phone.screenshot(path=folder / "page-phone.png")
        with FeedServer(answers={"/feed.xml": serving(stories(3))}).listening() as site:
            for path in ("/feed.xml", "/gone.xml"):
                (await client.post("/v1/feeds", json={"url": site.url(path)})).raise_for_status()
            page = pages["light"]
            await page.get_by_role("navigation", name="Views").get_by_role("link", name="Feeds").click()
            await expect(page.get_by_role("article").filter(has_text="failing")).to_be_visible()
            await expect(page.get_by_role("article").filter(has_text="1 job")).to_be_visible()
            await page.screenshot(path=folder / "page-feeds.png")


async def main(folder: Path) -> None:
    """Bring up a stack, take the pictures, and take it down."""
    with tempfile.TemporaryDirectory() as directory:
        plan = StackPlan(env={"PODCAST_FETCH_ALLOW": "127.0.0.0/8", "PODCAST_FEED_LOOK_SECONDS": "1"})
        state = await start_detached(Path(directory), plan)
        try:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(
                    executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-dev-shm-usage"]
                )
                await take(state, folder, browser)
        finally:
            stop(Path(directory))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
