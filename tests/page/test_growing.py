"""An episode is heard to its end while it is being spoken, in a real browser: without a stall, and without a gap."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from shared.store import keys
from tests.page.conftest import IS_LONG
from tests.page.views import Site, plays
from tests.servers.speech_process import ToneSpeech
from tests.waiting import until

PARAGRAPHS = 48 if IS_LONG else 12
TEXT = "\n\n".join(
    f"Paragraph {number:02} says that the night is calm and that all is well on the coast."
    for number in range(PARAGRAPHS)
)
SOME = 900
"""Characters of it: about 45 s."""
SPEECH_SECONDS = 5.0
"""A chunk takes longer to speak than to play; several are spoken at a time."""
RATE = 1.5
"""How fast it is played, so that the test is short."""
IN_HAND_SECONDS = 1.0
RECORD = """() => {
  const audio = document.querySelector("audio");
  window.heard = { waits: [], jumps: [], at: 0, most: 0, ended: 0 };
  let began = false;
  audio.defaultPlaybackRate = audio.playbackRate = %s; // a new source begins with the former
  audio.addEventListener("playing", () => { began = true; });
  const ahead = () => audio.buffered.length ? audio.buffered.end(audio.buffered.length - 1) - audio.currentTime : 0;
  audio.addEventListener("waiting", () => { if (began) heard.waits.push([audio.currentTime, ahead()]); });
  audio.addEventListener("seeking", () => { if (began) heard.jumps.push(audio.currentTime); });
  audio.addEventListener("timeupdate", () => {
    heard.at = audio.currentTime;
    heard.most = Math.max(heard.most, audio.buffered.length);
  });
  audio.addEventListener("ended", () => { heard.ended = audio.currentTime; });
}"""


async def heard(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = await page.evaluate("window.heard")
    return found


async def test_it_is_heard_to_its_end_while_it_is_spoken(site: Site, speech: ToneSpeech, tmp_path: Path) -> None:
    speech.delay(SPEECH_SECONDS)
    asked: list[str] = []
    async with site.opened() as page:
        page.on("request", lambda request: asked.append(request.url.rsplit("/", 1)[-1].split("?")[0]))
        await site.sign_in(page)
        job_id = await site.submit(page, TEXT, title="Growing")
        listen = page.get_by_role("button", name="Listen while it is made")
        await until(lambda: _has_spoken(site, job_id, 4), "the first of them are spoken", seconds=60)
        await expect(listen).to_be_visible()
        assert "hls.js" not in asked, "it is loaded when it is needed"
        await page.evaluate(RECORD % RATE)
        await listen.click()

        async def is_going(seconds: float) -> bool:
            return bool((await heard(page))["at"] > seconds)

        await until(lambda: is_going(8), "some seconds are heard", seconds=60)
        status = await site.services.status(job_id)
        assert status is not None
        assert status.state == "synthesizing", "most of it is not spoken yet"
        await expect(page.get_by_label("What is spoken so far").locator("blockquote")).to_contain_text("Paragraph")

        async def has_ended() -> bool:
            return bool((await heard(page))["ended"])

        await until(has_ended, "it is heard to its end", seconds=60 + 6 * PARAGRAPHS / RATE)
        found = await heard(page)
        # With some seconds in hand, it is the busy machine that waits (at a rate of 1.5, under load).
        assert [wait for wait in found["waits"] if wait[1] < IN_HAND_SECONDS] == [], found
        assert found["jumps"] == [], found
        assert found["most"] == 1, "what was loaded has a gap"
        assert (await site.services.ended(job_id)).state == "completed"
        await expect(page.get_by_label("Episode")).to_be_visible()
    status = await site.services.status(job_id)
    assert status is not None
    whole = tmp_path / "episode.mp3"
    await site.services.store.get_file(keys.episode(job_id, "mp3"), whole)
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", whole]
    length = float((await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)).stdout)
    assert abs(found["ended"] - length) < 0.2, (found, length)
    assert "hls.js" in asked


async def test_whoever_listens_may_go_on_in_the_finished_episode(site: Site, speech: ToneSpeech) -> None:
    speech.delay(SPEECH_SECONDS)
    async with site.opened() as page:
        await site.sign_in(page)
        await site.submit(page, _another("lake"), title="Finished")
        await page.get_by_role("button", name="Listen while it is made").click()
        at = await plays(page)
        await page.get_by_role("button", name="Go on in the finished episode").click()
        await expect(page.get_by_label("Episode")).to_be_visible()
        assert await plays(page) > at


def _another(place: str) -> str:
    """A text of which nothing is spoken already: what another test had spoken is not spoken again."""
    return TEXT[:SOME].replace("coast", place)


async def _has_spoken(site: Site, job_id: str, chunks: int) -> bool:
    status = await site.services.status(job_id)
    return status is not None and status.chunks.done >= chunks


@pytest.mark.skipif(not IS_LONG, reason="`make page-test` runs it")
async def test_a_gateway_that_is_replaced_is_no_end_of_it(site: Site, speech: ToneSpeech) -> None:
    speech.delay(SPEECH_SECONDS)
    (gateway,) = site.services.of("gateway")
    async with site.opened() as page:
        await site.sign_in(page)
        job_id = await site.submit(page, _another("pier"), title="Replaced")
        await until(lambda: _has_spoken(site, job_id, 2), "some of it is spoken", seconds=60)
        listen = page.get_by_role("button", name="Listen while it is made")
        await expect(listen).to_be_visible()
        await page.evaluate(RECORD % RATE)
        await listen.click()
        await plays(page)
        site.services.strike(gateway)
        site.services.restart(gateway)
        await site.services.ready()

        async def has_ended() -> bool:
            return bool((await heard(page))["ended"])

        await until(has_ended, "it is heard to its end", seconds=180)
        found = await heard(page)
        assert (found["jumps"], found["most"]) == ([], 1), found
