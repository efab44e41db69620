"""A real podcast client subscribes to a show: gPodder's command line, and two libraries that other clients use.

Skipped where `gpo` is missing: `apt-get install --no-install-recommends gpodder` brings it and python3-podcastparser.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import feedparser
import httpx
import pytest
from mutagen.id3 import ID3

from tests.clients.conftest import Podcast, Server
from tests.waiting import wait_until

GPO = shutil.which("gpo")
PYTHON = "/usr/bin/python3"
"""Debian's, which has podcastparser; it is no dependency of ours."""
COMMAND_SECONDS = 60
PARSE = "import io, json, sys, podcastparser; print(json.dumps(podcastparser.parse(sys.argv[1], sys.stdin.buffer)))"

pytestmark = pytest.mark.skipif(GPO is None, reason="gPodder is not installed: apt-get install gpodder")


class Gpo:
    """gPodder with a home of its own."""

    def __init__(self, home: Path) -> None:
        self.downloads = home / "Downloads"
        self._environment = {
            "HOME": str(home),
            "GPODDER_HOME": str(home),
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
        }

    def __call__(self, *args: str) -> str:
        """Run a command; what it printed."""
        ended = subprocess.run(
            [str(GPO), *args],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=True,
        )
        return ended.stdout

    def files(self) -> list[Path]:
        """The episodes that it has downloaded."""
        return sorted(self.downloads.rglob("*.mp3"))


@dataclass(frozen=True)
class Subscribed:
    """What a test has.

    Attributes:
        gpo: subscribed to the feed.
        show_id: of the show.
        feed: its address.
        job_id: of its only episode.
    """

    gpo: Gpo
    show_id: str
    feed: str
    job_id: str


def rendered(podcast: Podcast, *args: str | Path) -> str:
    submitted = podcast("submit", *args)
    assert submitted.exit_code == 0, submitted.stderr
    job_id = submitted.stdout.strip()
    watched = podcast("watch", job_id, "--quiet")
    assert watched.exit_code == 0, watched.stderr
    return job_id


@pytest.fixture
def subscribed(server: Server, directly: Podcast, article: Path, tmp_path: Path) -> Subscribed:
    """gPodder, subscribed to a show with one episode."""
    show_id = f"lighthouse-{uuid4().hex}"
    made = directly("shows", "create", show_id, "--title", "Lighthouse", "--description", "By the sea.", "--public")
    assert made.exit_code == 0, made.stderr
    job_id = rendered(directly, article, "--show", show_id, "--episode", "1")
    gpo = Gpo(tmp_path / "gpodder")
    feed = f"{server.url}/shows/{show_id}/feed.xml"
    gpo("subscribe", feed)
    return Subscribed(gpo, show_id, feed, job_id)


def test_an_episode_is_subscribed_to_downloaded_and_delivered_once(
    subscribed: Subscribed, directly: Podcast, article: Path, tmp_path: Path
) -> None:
    gpo, show_id, feed, job_id = subscribed.gpo, subscribed.show_id, subscribed.feed, subscribed.job_id
    assert "Lighthouse" in gpo("list")
    assert "1 new episode" in gpo("update").lower() or "The Lighthouse" in gpo("pending")
    gpo("download")
    [file] = gpo.files()
    audio = directly("fetch", job_id, "-o", tmp_path / "own.mp3")
    assert audio.exit_code == 0, audio.stderr
    assert file.read_bytes() == (tmp_path / "own.mp3").read_bytes()
    chapters = [frame.sub_frames["TIT2"].text[0] for frame in ID3(file).getall("CHAP")]
    assert chapters == ["The Lighthouse", "The Keeper"]

    renamed = directly("shows", "edit-episode", show_id, job_id, "--title", "Renamed")
    assert renamed.exit_code == 0, renamed.stderr
    again = rendered(directly, article, "--show", show_id, "--again", job_id)
    wait_until(lambda: again in httpx.get(feed).text and "Renamed" in httpx.get(feed).text, "the feed to be new")
    gpo("update")
    assert "Renamed" in gpo("episodes")
    assert "Renamed" not in gpo("pending")
    gpo("download")
    assert gpo.files() == [file]


def test_two_libraries_read_the_feed_as_it_is_meant(subscribed: Subscribed) -> None:
    feed, job_id = subscribed.feed, subscribed.job_id
    document = httpx.get(feed).content
    [entry] = feedparser.parse(document).entries
    ended = subprocess.run(
        [PYTHON, "-c", PARSE, feed], input=document, capture_output=True, timeout=COMMAND_SECONDS, check=True
    )
    parsed: dict[str, Any] = json.loads(ended.stdout)
    [episode] = parsed["episodes"]
    assert (entry.id, entry.title) == (episode["guid"], episode["title"]) == (job_id, "The Lighthouse")
    [enclosure], [other] = entry.enclosures, episode["enclosures"]
    assert (enclosure.href, int(enclosure.length)) == (other["url"], other["file_size"])
    assert enclosure.type == other["mime_type"] == "audio/mpeg"
    assert len(httpx.get(enclosure.href).content) == int(enclosure.length)
    assert entry.published_parsed is not None
    assert int(entry.itunes_duration) == episode["total_time"] > 0
    assert parsed["title"] == "Lighthouse"
