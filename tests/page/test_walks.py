"""What people do on the page, at the width of a desktop and of a phone, in light and dark."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

import feedparser
import httpx
import pytest
from playwright.async_api import Page, expect

from shared.client import shows
from tests.page.views import ARTICLE, DESKTOP, PHONE, Site, accessibility, picture, plays
from tests.servers.feed_server import FeedServer, serving, stories
from tests.servers.speech_process import ToneSpeech

PICTURES = Path(os.environ.get("PODCAST_PAGE_PICTURES", ""))
VIEWS = ("jobs", "new", "letters", "queues", "voices", "keys", "shows", "feeds")
LONG = "\n\n".join(
    f"This is sentence number {number} of a longer text, so that there is something to see." for number in range(60)
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_submit_watch_play_see_a_failure_and_replay(
    site: Site, speech: ToneSpeech, size: dict[str, int], scheme: Literal["light", "dark"]
) -> None:
    name = f"{'phone' if size is PHONE else 'desktop'}-{scheme}"
    bad = f"nobody can say this on a {name}"
    speech.misbehave("status", containing=bad)
    async with site.opened(viewport=size, color_scheme=scheme) as page:
        await site.sign_in(page)
        await site.submit(page, f"{ARTICLE}\n\nAlas, {bad}.\n\n{LONG}", title=f"On a {name}")
        await expect(page.locator(".now .failed")).to_be_visible()
        await expect(page.get_by_role("heading", name="1 failure")).to_be_visible()
        await expect(page.locator(".failures blockquote").first).to_contain_text(bad)
        await expect(page.locator("figure figcaption")).to_contain_text("in the queue")
        await _looks_well(page, f"failed-{name}")

        speech.behave()
        await page.get_by_role("button", name="Listen to this failed chunk").first.click()
        await plays(page)
        await page.locator("article").get_by_role("button", name="Replay").click()
        await page.get_by_role("button", name="Replay 1 letter").click()
        await expect(page.locator(".now .completed")).to_be_visible()
        await page.get_by_role("navigation", name="Chapters").get_by_role("button", name="The Keeper").click()
        await plays(page)
        await _looks_well(page, f"job-{name}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_nothing_serious_and_nothing_is_wider_than_the_window(
    site: Site, size: dict[str, int], scheme: Literal["light", "dark"]
) -> None:
    name = f"{'phone' if size is PHONE else 'desktop'}-{scheme}"
    async with site.opened(viewport=size, color_scheme=scheme) as page:
        await page.goto(site.url)
        await _looks_well(page, f"sign-in-{name}")
        await site.sign_in(page)
        for view in VIEWS:
            await page.goto(f"{site.url}/#/{view}")
            await expect(page.get_by_role("heading", level=1)).to_be_visible()
            await page.wait_for_load_state("load")
            await _looks_well(page, f"{view}-{name}")


async def test_dead_letters_are_counted_corrected_and_discarded(site: Site, speech: ToneSpeech) -> None:
    speech.misbehave("status", containing="unspeakable")
    async with site.opened() as page:
        await site.sign_in(page)
        for number in (1, 2):
            await site.submit(page, f"Some words.\n\nThis is unspeakable, the {number}.", title=f"Letter {number}")
            await expect(page.locator(".now .failed")).to_be_visible()
        await page.get_by_role("link", name="Dead letters").click()
        groups = page.locator("article").filter(has_text=re.compile(r"Letter \d"))
        await expect(groups).to_have_count(2)
        await _looks_well(page, "dead-letters")

        first = groups.filter(has_text="Letter 1")
        await first.get_by_role("button", name="Show each").click()
        await first.get_by_role("button", name="Correct…").click()
        await first.get_by_label("What is spoken instead").fill("This can be said.")
        await first.get_by_role("button", name="Replay the correction").click()
        await expect(groups).to_have_count(1)

        await groups.get_by_role("checkbox").check()
        await page.get_by_role("button", name="Discard the selected").click()
        await page.get_by_role("button", name="Discard permanently 1 letter").click()
        await expect(groups).to_have_count(0)
        await page.goto(f"{site.url}/#/jobs")
        row = page.locator(".job").filter(has_text="Letter 1")
        await expect(row).to_contain_text("completed")
        await expect(page.locator(".job").filter(has_text="Letter 2")).to_contain_text("failed")


async def test_what_is_spoken_so_far_can_be_heard(site: Site, speech: ToneSpeech) -> None:
    speech.misbehave("hang", containing="the end of it")
    async with site.opened() as page:
        await site.sign_in(page)
        await site.submit(page, f"{ARTICLE}\n\nThis is the end of it.", title="Growing")
        await page.get_by_role("button", name="Listen while it is made").click()
        await plays(page)
        await expect(page.get_by_label("What is spoken so far").locator("blockquote")).to_be_visible()
        await page.get_by_role("button", name="Cancel").click()
        await page.get_by_role("button", name="Yes").click()
        await expect(page.locator(".now .cancelled")).to_be_visible()


async def test_a_file_is_previewed_and_made(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "lighthouse.md"
    path.write_text(ARTICLE, encoding="utf-8")
    async with site.opened() as page:
        await site.sign_in(page)
        await page.get_by_role("link", name="New job").first.click()
        await page.get_by_role("button", name="File").click()
        await page.get_by_label(re.compile("^File")).set_input_files(path)
        await page.get_by_role("button", name="Preview").click()
        await expect(page.get_by_role("region", name="Preview")).to_contain_text("The Keeper")
        await page.get_by_role("button", name="Make the episode").click()
        await expect(page.locator(".now .completed")).to_be_visible()
        # What was refused says why, and nothing is lost.
        await page.get_by_role("link", name="New job").first.click()
        await page.get_by_role("button", name="Address").click()
        await page.get_by_label("Address").fill("ftp://example.org/x")
        await page.get_by_role("button", name="Make the episode").click()
        await expect(page.get_by_role("alert")).to_contain_text("http")


async def test_an_episode_of_a_public_show_is_subscribed_to_and_heard_by_a_stranger(site: Site) -> None:
    async with site.opened() as page:
        await site.sign_in(page)
        await page.get_by_role("link", name="Shows").click()
        await page.get_by_label("Title").fill("Essays, read aloud")
        await page.get_by_label("Author").fill("A. Reader")
        await page.get_by_label("Description").fill("Old essays.")
        await page.get_by_label("Who may listen").select_option("public")
        await page.get_by_role("button", name="Make the show").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Essays, read aloud")
        feed = await page.get_by_role("link", name="feed.xml").get_attribute("href")
        assert feed is not None

        await page.get_by_text("Change the show").click()
        await page.get_by_label("Categories").fill("Arts > Books, History")
        await page.get_by_label("Spoken before each episode").fill("{show}.")
        await page.get_by_label("Days to keep").fill("30")
        await page.get_by_label("Words").fill("Brandt = Brunt\n")
        await page.get_by_label("The feed names episodes").check()
        await page.get_by_role("button", name="Save the changes").click()
        await expect(page.get_by_role("button", name="Save the changes")).to_have_attribute("aria-busy", "false")
        saved = await shows.find(site.services.store, "essays-read-aloud")
        assert (saved.categories, saved.intro, saved.keep_days) == (("Arts > Books", "History"), "{show}.", 30)
        assert [(one.word, one.say) for one in saved.lexicon] == [("Brandt", "Brunt")]
        assert saved.announce
        await _looks_well(page, "show-settings")

        await page.get_by_role("link", name="New job").first.click()
        await page.get_by_label("Text", exact=True).fill(ARTICLE)
        await page.get_by_label("Markup").select_option("markdown")
        await page.get_by_text("Title, voice, show, formats").click()
        await page.get_by_role("combobox", name="Show", exact=True).select_option("Essays, read aloud")
        await page.get_by_label("Episode number").fill("1")
        await page.get_by_label("Summary").fill("On a lighthouse.")
        await page.get_by_role("button", name="Make the episode").click()
        await expect(page.locator(".now .completed")).to_be_visible()
        await page.goto(f"{site.url}/#/shows/essays-read-aloud")
        await expect(page.get_by_role("link", name="1. The Lighthouse")).to_be_visible()
        await _looks_well(page, "show")
    async with httpx.AsyncClient() as client:
        items = feedparser.parse((await client.get(feed)).content)["entries"]
    assert [(item["title"], item["enclosures"][0]["type"]) for item in items] == [("The Lighthouse", "audio/mpeg")]

    for size, scheme in ((DESKTOP, "light"), (PHONE, "dark")):
        async with site.opened(viewport=size, color_scheme=scheme) as page:  # nobody who has signed in
            await page.goto(f"{site.url}/shows/essays-read-aloud")
            await _looks_well(page, f"public-show-{scheme}")
            await page.get_by_role("link", name="The Lighthouse").click()
            await expect(page.get_by_role("heading", level=1)).to_have_text("The Lighthouse")
            await page.locator("#transcript").get_by_text("Anna Brandt").click()
            assert await plays(page) > 1
            await expect(page.locator("#transcript [aria-current]")).to_contain_text("Anna Brandt")
            await _looks_well(page, f"public-episode-{scheme}")


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop-light", "phone-dark"])
async def test_a_feed_is_added_polled_paused_and_removed(
    site: Site, size: dict[str, int], scheme: Literal["light", "dark"]
) -> None:
    name = f"{'phone' if size is PHONE else 'desktop'}-{scheme}"
    with FeedServer(answers={f"/{name}.xml": serving(stories(3))}).listening() as there:
        async with site.opened(viewport=size, color_scheme=scheme) as page:
            await site.sign_in(page)
            await page.get_by_role("navigation", name="Views").get_by_role("link", name="Feeds").click()
            for path in (f"/{name}.xml", "/gone.xml"):
                await page.get_by_label("Address").fill(there.url(path))
                await page.get_by_label("First items").fill("2")
                await page.get_by_role("button", name="Add the feed").click()
                await expect(page.get_by_label("Address")).to_have_value("")
            feed = page.get_by_role("article").filter(has_text=f"/{name}.xml")
            await expect(feed).to_contain_text("2 jobs")
            await expect(feed).to_contain_text("polled")
            broken = page.get_by_role("article").filter(has_text="/gone.xml")
            await expect(broken).to_contain_text("failing")
            await expect(broken.locator(".trouble")).to_contain_text("404")
            await feed.get_by_text("2 items").click()
            await expect(feed.locator("li").first).to_be_visible()
            await _looks_well(page, f"some-feeds-{name}")

            there.answers[f"/{name}.xml"] = serving(stories(4))
            await feed.get_by_role("button", name="Poll now").click()
            await expect(feed).to_contain_text("3 jobs")
            await feed.get_by_role("button", name="Pause").click()
            await expect(feed.locator(".state")).to_have_text("paused")
            await feed.get_by_role("button", name="Resume").click()
            await expect(feed.locator(".state")).to_have_text("active")
            await feed.locator("li").get_by_role("link").first.click()
            await expect(page.locator(".now .completed")).to_be_visible()

            await page.get_by_role("navigation", name="Views").get_by_role("link", name="Feeds").click()
            for one in (feed, broken):
                await one.get_by_role("button", name="Remove").click()
                await one.get_by_role("button", name="Yes").click()
                await expect(one).to_have_count(0)


async def test_a_queue_is_paused_and_resumed(site: Site) -> None:
    async with site.opened() as page:
        await site.sign_in(page)
        await page.get_by_role("link", name="Queues").click()
        await page.get_by_role("button", name="Pause synthesizer").click()
        await expect(page.get_by_role("status").filter(has_text="synthesizer has been paused since")).to_be_visible()
        row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="synthesizer"))
        await expect(row.locator("td").nth(3)).to_have_text("0")
        await site.submit(page, ARTICLE, title="Said later")
        await expect(page.locator(".now .synthesizing")).to_be_visible()
        await page.get_by_role("link", name="Queues").click()
        await expect(row.locator("td").first).not_to_have_text("0")
        await _looks_well(page, "paused-queue")
        await page.get_by_role("button", name="Resume synthesizer").click()
        await expect(page.get_by_role("button", name="Pause synthesizer")).to_be_visible()
        await page.get_by_role("link", name="Jobs").click()
        await expect(page.locator(".job").filter(has_text="Said later")).to_contain_text("completed")


async def _looks_well(page: Page, name: str) -> None:
    assert await accessibility(page) == []
    too_wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert too_wide <= 0, name
    if PICTURES.name:
        await picture(page, PICTURES / f"{name}.png")
