"""`podcast shows` beside the store, and the options that put an episode into a show."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from services.cli import show_options
from shared.client import show_episodes, shows
from shared.errors import BadInput
from shared.protocol.episode_of_show import EpisodeOfShow
from shared.protocol.messages import JobRequest, TextSource
from shared.store import keys
from shared.store.port import Store
from tests.unit.cli.conftest import Podcast, a_status
from tests.unit.gateway.made_shows import PNG

CREATE = ("shows", "create", "essays", "--title", "Essays", "--description", "Old essays.")
NO_PLACE: dict[str, Any] = dict.fromkeys(
    ("show", "again", "episode", "season", "episode_type", "summary", "publish_at", "episode_link")
)


def made(podcast: Podcast, *options: str | Path) -> dict[str, Any]:
    result = podcast(*CREATE, *options, "--json")
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def put_job(store: Store, job_id: str, **place: Any) -> None:
    async def put() -> None:
        request = JobRequest(job_id=job_id, source=TextSource(text="x"), show=EpisodeOfShow(show_id="essays", **place))
        await show_episodes.announce(store, request)
        status = a_status(
            job_id, title=f"Episode {job_id}", audio_seconds=61.0, files={"mp3": keys.episode(job_id, "mp3")}
        )
        await store.put(keys.episode(job_id, "mp3"), b"x")
        await store.put(keys.status(job_id), status.model_dump_json().encode())

    asyncio.run(put())


def test_a_show_is_made_listed_changed_and_deleted(
    podcast: Podcast, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PODCAST_GATEWAY_PUBLIC_URL", "https://example.org/")
    cover, lexicon = tmp_path / "cover.png", tmp_path / "words.tsv"
    cover.write_bytes(PNG)
    lexicon.write_text("Cato\tKay-toe\n")
    options = ("--category", "Arts > Books", "--person", "A. Reader=Narrator", "--voice", "alan", "--voice", "de=eva")
    show = made(podcast, *options, "--cover", cover, "--lexicon", lexicon, "--public")
    assert show["feed_url"] == "https://example.org/shows/essays/feed.xml"
    assert show["guid"] == shows.guid_of(show["feed_url"])
    assert (show["voice"], show["voices"], show["visibility"]) == ("alan", {"de": "eva"}, "public")
    assert show["persons"] == [{"name": "A. Reader", "role": "narrator", "href": None, "img": None}]
    assert asyncio.run(store.get(show["cover"])) == cover.read_bytes()

    again = podcast(*CREATE)
    assert (again.exit_code, again.stdout) == (2, "")
    assert "a show essays already" in again.stderr
    assert "essays  public" in podcast("shows", "list").stdout
    edited = podcast("shows", "edit", "essays", "--title", "New", "--voice", "none", "--private", "--json")
    assert {name for name, value in json.loads(edited.stdout).items() if show[name] != value} == {
        *("title", "voice", "visibility", "updated_at"),
    }
    shown = podcast("shows", "show", "essays").stdout
    assert "feed url       https://example.org/shows/essays/feed.xml\n" in shown
    assert "lexicon        1 words" in shown
    assert podcast("shows", "delete", "essays").stdout == "deleted essays\n"
    assert podcast("shows", "show", "essays").exit_code != 0
    assert podcast("shows", "list").stderr == "There are no shows; `podcast shows create` creates one.\n"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("shows", "create", "Essays", "--title", "x", "--description", "x"), "cannot be the id of a show"),
        (("shows", "create", "essays", "--title", "x"), "The show has no description"),
        ((*CREATE, "--category", "Essays"), "no category of Apple Podcasts"),
        ((*CREATE, "--voice", "HOST=alan"), "cannot name a speaker"),
        ((*CREATE, "--link", "javascript:alert(1)"), "link cannot be used"),
        (("shows", "edit", "essays"), "nothing to change"),
        (("shows", "edit", "essays", "--title", "x"), "There is no show essays"),
        (("shows", "episodes", "essays"), "There is no show essays"),
        (("shows", "tokens", "add", "essays"), "There is no show essays"),
    ],
)
@pytest.mark.usefixtures("store")
def test_what_makes_no_sense_is_refused_in_a_sentence(
    podcast: Podcast, command: tuple[str, ...], sentence: str
) -> None:
    result = podcast(*command)
    assert result.exit_code in {1, 2}
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


def test_episodes_are_listed_and_changed(podcast: Podcast, store: Store) -> None:
    made(podcast)
    assert podcast("shows", "episodes", "essays").stderr.startswith("essays has no episodes")
    put_job(store, "j1", number=1, published_at=1_000.0)
    put_job(store, "j2", number=2, published_at=2_000.0)
    changed = podcast(
        "shows", "edit-episode", "essays", "j1", "--title", "New", "--hide", "--publish-at", "2026-01-01T00:00Z"
    )
    assert changed.stdout == "changed j1\n"
    found = json.loads(podcast("shows", "episodes", "essays", "--json").stdout)
    assert [(one["episode_id"], one["title"], one["is_hidden"]) for one in found] == [
        ("j1", "New", True),
        ("j2", "Episode j2", False),
    ]
    assert found[0]["published_at"] == 1_767_225_600.0
    assert "1 min 01 s  rendered  Episode j2" in podcast("shows", "episodes", "essays").stdout


@pytest.mark.usefixtures("store")
def test_a_token_is_printed_once_and_revoked(podcast: Podcast) -> None:
    made(podcast)
    added = podcast("shows", "tokens", "add", "essays", "--name", "phone")
    assert "/shows/essays/feed.xml?token=pf_" in added.stdout
    token_id = added.stdout.partition("pf_")[2][:12]
    listed = podcast("shows", "tokens", "list", "essays").stdout
    assert token_id in listed
    assert added.stdout.strip().rpartition("_")[2] not in listed
    assert podcast("shows", "tokens", "revoke", "essays", token_id).stdout == f"revoked {token_id}\n"
    assert "revoked" in podcast("shows", "tokens", "list", "essays").stdout


def test_the_options_of_a_job_put_it_into_a_show() -> None:
    assert show_options.place(NO_PLACE) is None
    given = {"show": "essays", "episode": 3, "summary": "About Cato.", "publish_at": "2026-01-01T00:00Z", "again": "j1"}
    assert show_options.place({**NO_PLACE, **given}) == EpisodeOfShow(
        show_id="essays", number=3, summary="About Cato.", published_at=1_767_225_600.0, episode_id="j1"
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"episode": 3}, "belongs to no show"),
        ({"show": "essays", "publish_at": "tomorrow"}, "tomorrow is not a time"),
        ({"show": "essays", "episode_link": "x"}, "--episode-link cannot be used"),
        ({"show": "essays", "again": "../x"}, "--again cannot be used"),
        ({"show": "E"}, "cannot be the id of a show"),
    ],
)
def test_a_place_that_makes_no_sense_is_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        show_options.place({**NO_PLACE, **given})
