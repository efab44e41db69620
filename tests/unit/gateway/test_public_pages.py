"""The pages of shows and episodes: what a listener, a social network and a stranger with bad intentions get."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from lxml import etree, html

from services.gateway.public_page_routes import POLICY
from services.gateway.public_pages import SpokenLine, cues_in
from tests.hostile_text import ALL
from tests.unit.gateway.made_shows import AUDIO, CAPTIONS, PUBLIC_URL, Shows, gateway_with_shows

EVIL = '</title><script>alert(1)</script><img src=x onerror="alert(2)"> & "quoted"'


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Shows]:
    async with gateway_with_shows(tmp_path / "store") as found:
        yield found


def parsed(response: httpx.Response) -> etree._Element:
    assert response.status_code == 200, response.text
    found: etree._Element = html.document_fromstring(response.content)
    return found


def meta(page: etree._Element) -> dict[str, str]:
    return {one.get("property") or one.get("name") or "": one.get("content") or "" for one in page.iter("meta")}


async def test_an_episode_can_be_heard_read_and_shared(made: Shows) -> None:
    await made.show()
    await made.job("j1", number=3, summary="On friendship.\n\nSee https://example.org/x", title="A & B")
    response = await made.client.get("/shows/essays/episodes/j1")
    page = parsed(response)

    (source,) = page.iter("source")
    assert (await made.client.get(source.get("src") or "")).content == AUDIO
    (track,) = page.iter("track")
    assert (await made.client.get(track.get("src") or "")).text == CAPTIONS
    lines = page.xpath("//*[@id='transcript']/button")
    assert [(line.get("data-start"), line.text) for line in lines] == [
        ("0.000", "Rhubarb & custard."),
        ("1.500", "HOST: Two lines, of one cue."),
    ]
    assert page.xpath("//h1/text()") == ["A & B"]
    assert page.xpath("//a[@href='https://example.org/x']")
    cards = meta(page)
    assert cards["og:title"] == "A & B"
    assert cards["og:url"] == f"{PUBLIC_URL}/shows/essays/episodes/j1"
    assert cards["og:audio"].startswith(f"{PUBLIC_URL}/shows/essays/episodes/j1/")
    assert cards["og:description"] == "On friendship. See https://example.org/x"
    assert response.headers["content-security-policy"] == POLICY
    assert response.headers["cache-control"].startswith("public")


async def test_a_show_lists_what_is_in_its_feed(made: Shows) -> None:
    await made.show()
    await made.job("j1", published_at=1_000.0)
    await made.job("j2", published_at=4e9)
    await made.job("j3", state="failed")
    page = parsed(await made.client.get("/shows/essays"))
    assert page.xpath("//ul/li/a/@href") == ["/shows/essays/episodes/j1"]
    assert page.xpath("//link[@rel='alternate']/@href") == ["/shows/essays/feed.xml"]
    for hidden in ("j2", "j3", "nobody"):
        assert (await made.client.get(f"/shows/essays/episodes/{hidden}")).status_code == 404


async def test_a_private_show_opens_with_its_token_alone_and_every_address_has_it(made: Shows) -> None:
    await made.show(visibility="private")
    await made.job("j1")
    for path in ("/shows/essays", "/shows/essays/episodes/j1"):
        assert (await made.client.get(path)).status_code == 401
    made_token = (await made.operator.post("/v1/shows/essays/tokens", json={"name": "me"})).json()["feed_url"]
    query = made_token.partition("?")[2]
    response = await made.client.get(f"/shows/essays/episodes/j1?{query}")
    page = parsed(response)
    assert meta(page)["robots"] == "noindex"
    assert "private" in response.headers["cache-control"]
    own = [address for address in page.xpath("//@src | //@href") if address.startswith("/shows/")]
    assert len(own) == 4
    assert all(query in address for address in own)


@pytest.mark.parametrize("text", [EVIL, ALL], ids=["markup", "controls"])
async def test_whatever_strangers_write_stays_text(made: Shows, text: str) -> None:
    await made.show(title=EVIL, description=EVIL)
    await made.job("j1", summary=f"{EVIL} javascript:alert(3)", title=EVIL)
    captions = f"WEBVTT\n\n00:00.000 --> 00:01.000\n<v {text}>{text}\n"
    await made.store.put(made.key("j1", "vtt"), captions.encode(errors="replace"))
    for path in ("/shows/essays", "/shows/essays/episodes/j1"):
        page = parsed(await made.client.get(path))
        assert [script.get("src", "").partition("?")[0] for script in page.iter("script")] == ["/page/public.js"]
        assert not page.xpath("//@*[starts-with(name(), 'on')]")
        assert not [link for link in page.xpath("//@href | //@src") if link.lower().startswith(("javascript", "data"))]


def test_cues_are_read_as_they_were_written() -> None:
    assert list(cues_in("WEBVTT\n\nNOTE x\n\n01:00:00.500 --> 01:00:01.000\n<v A &lt;B&gt;>x &amp;lt; y\n")) == [
        SpokenLine(3_600.5, "x &lt; y", "A <B>")
    ]
    assert list(cues_in("")) == list(cues_in("WEBVTT")) == list(cues_in("\n\n-->\n\n")) == []
