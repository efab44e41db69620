"""The shortest way through the page, in a real browser: sign in, submit, watch, play."""

from __future__ import annotations

from playwright.async_api import expect

from tests.page.views import ARTICLE, Site, plays


async def test_submit_watch_and_play(site: Site) -> None:
    async with site.opened() as page:
        await site.sign_in(page)
        await site.submit(page, ARTICLE)
        await expect(page.locator(".now .completed")).to_be_visible()
        await expect(page.get_by_role("heading", level=1)).to_have_text("The Lighthouse")
        await page.get_by_role("navigation", name="Chapters").get_by_role("button", name="The Keeper").click()
        began = await plays(page)
        assert began > 1, "it plays from the second chapter on"
        await expect(page.locator(".cue[aria-current]")).to_contain_text("Anna Brandt")
        await page.get_by_role("link", name="Jobs").click()
        await expect(page.get_by_role("list", name="Jobs")).to_contain_text("The Lighthouse")
