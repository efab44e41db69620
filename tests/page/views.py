"""The page as its users see it: opening it, and what several tests do there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, expect

from deploy.page import WORK
from tests.servers.services import Services
from tests.waiting import until

AXE = WORK / "node_modules" / "axe-core" / "axe.min.js"
WAIT_MILLISECONDS = 60_000.0
"""For anything that the services do meanwhile, on a machine that is busy."""
SOUND_SECONDS = 0.2
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
expect.set_options(timeout=WAIT_MILLISECONDS)

ARTICLE = """\
# The Lighthouse

It stood on the last rock of the coast.

## The Keeper

Her name was Anna Brandt. She climbed the stairs each evening.
"""


@dataclass
class Site:
    """The page of a running system."""

    services: Services
    browser: Browser
    key: str

    @property
    def url(self) -> str:
        return self.services.of("gateway")[0].health_url

    @asynccontextmanager
    async def opened(self, **options: Any) -> AsyncIterator[Page]:
        """A tab of a new browser profile; afterwards nothing may have gone wrong in it."""
        context = await self.browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **options})
        page = await context.new_page()
        page.set_default_timeout(WAIT_MILLISECONDS)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if _is_ours(said.text, said.type) else None)
        page.on("dialog", lambda dialog: errors.append(f"dialog: {dialog.message}"))
        own = urlsplit(self.url).netloc
        page.on(
            "request", lambda asked: errors.append(asked.url) if urlsplit(asked.url).netloc not in {own, ""} else None
        )
        try:
            yield page
            assert errors == []
        finally:
            await context.close()

    async def sign_in(self, page: Page, key: str = "") -> None:
        """Sign in with a key, as a person does."""
        await page.goto(self.url)
        await page.get_by_label("API key").fill(key or self.key)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("navigation", name="Views")).to_be_visible()

    async def submit(self, page: Page, text: str, title: str = "") -> str:
        """Make a job of a pasted text; its id."""
        await page.get_by_role("link", name="New job").first.click()
        await page.get_by_label("Text", exact=True).fill(text)
        await page.get_by_label("Markup").select_option("markdown")
        if title:
            await page.get_by_text("Title, voice, show, formats").click()
            await page.get_by_label("Title").fill(title)
        await page.get_by_role("button", name="Make the episode").click()
        await page.wait_for_url("**/#/jobs/*")
        return page.url.rsplit("/", 1)[1]


def _is_ours(text: str, kind: str) -> bool:
    """Whether something that the browser says is our fault: an answer such as 401 is not, nor is a lost connection."""
    return kind == "error" and not text.startswith("Failed to load resource")


async def plays(page: Page) -> float:
    """Wait until sound is going on; where it is, in seconds."""

    async def place() -> float:
        # Not `wait_for_function`, which evaluates text inside the page: its policy forbids that.
        found = await page.evaluate("[...document.querySelectorAll('audio')].map((one) => one.currentTime)")
        return max([0.0, *found])

    async def is_going() -> bool:
        return await place() > SOUND_SECONDS

    await until(is_going, "sound", seconds=WAIT_MILLISECONDS / 1_000)
    return await place()


async def accessibility(page: Page) -> list[str]:
    """What axe-core finds that is serious or worse."""
    await page.evaluate(AXE.read_text(encoding="utf-8"))  # by the debugger, which the policy does not concern
    found: list[dict[str, Any]] = (await page.evaluate("axe.run()"))["violations"]
    return [
        f"{one['id']} ({one['impact']}): {one['nodes'][0]['html']}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


async def picture(page: Page, path: Path) -> None:
    """Keep a picture of the page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=path)
