"""A show is created once and changed over what was read; its episodes are recorded once, whatever comes twice."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from shared.client import deleting, previewing, pruning, show_defaults, show_episodes, shows
from shared.client.submission import Draft, hand_over
from shared.errors import BadInput, Conflict, NotFound
from shared.protocol.episode_of_show import EpisodeOfShow
from shared.protocol.messages import JobRequest, JobState, JobStatus, Message, TextSource
from shared.protocol.narration import Narration, Pronunciation
from shared.settings import Settings
from shared.store import keys
from shared.store.port import Store, open_store
from tests.unit.gateway.made_shows import JPEG

PUBLIC_URL = "https://example.org"
PICTURE = JPEG
FIELDS: dict[str, Any] = {"title": "Essays", "description": "Old essays, read aloud.", "author": "A. Reader"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(Settings(store_url=(tmp_path / "store").as_uri()))


async def a_show(store: Store, **fields: Any) -> None:
    await shows.create(store, shows.new_show("essays", {**FIELDS, **fields}, public_url=PUBLIC_URL))


def a_job(job_id: str, **place: Any) -> JobRequest:
    return JobRequest(job_id=job_id, source=TextSource(text="Hello."), show=EpisodeOfShow(show_id="essays", **place))


async def test_a_show_is_created_once_and_listed(store: Store) -> None:
    await a_show(store)
    with pytest.raises(Conflict, match="a show essays already"):
        await a_show(store)
    await shows.create(store, shows.new_show("b", FIELDS, public_url=""))
    assert await shows.ids(store) == ["b", "essays"]
    assert [show.show_id for show in await shows.some(store, ["essays", "missing", "b"])] == ["essays", "b"]


def test_the_guid_is_that_of_the_podcast_namespace() -> None:
    # The examples of the specification: podcastindex-org/podcast-namespace, docs/tags/guid.md.
    assert shows.guid_of("https://podnews.net/rss/") == "9b024349-ccf0-5f69-a609-6b82873eab3c"
    assert shows.guid_of("mp3s.nashownotes.com/pc20rss.xml") != shows.guid_of("https://podnews.net/rss")


async def test_the_guid_stays_when_everything_else_changes(store: Store) -> None:
    await a_show(store)
    before = await shows.find(store, "essays")
    assert before.guid == shows.guid_of("https://example.org/shows/essays/feed.xml")
    await shows.change(store, "essays", lambda show: shows.changed_show(show, {"title": "New", "explicit": True}))
    after = await shows.find(store, "essays")
    assert (after.guid, after.title, after.created_at) == (before.guid, "New", before.created_at)
    with pytest.raises(BadInput, match="guid cannot be changed"):
        shows.changed_show(after, {"guid": before.guid})


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"title": ""}, "title cannot be used"),
        ({"title": "two\nlines"}, "title cannot be used"),
        ({"categories": ["Essays"]}, "is no category of Apple Podcasts"),
        ({"owner_email": "nobody"}, "owner email cannot be used"),
        ({"link": "javascript:alert(1)"}, "link cannot be used"),
        ({"lyrics": "x"}, "lyrics cannot be used"),
        ({"language": "English"}, "language cannot be used"),
    ],
)
def test_a_value_that_no_feed_may_have_is_refused(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        shows.new_show("essays", {**FIELDS, **fields}, public_url="")


@pytest.mark.parametrize("show_id", ["", "Essays", "a--b", "-a", "a/b", "..", "a" * 65, "é"])
def test_an_id_that_is_no_part_of_an_address_is_refused(show_id: str) -> None:
    with pytest.raises(BadInput, match="cannot be the id of a show"):
        shows.checked_id(show_id)


async def test_of_two_changes_at_once_none_is_lost(store: Store) -> None:
    await a_show(store)
    wanted = [{"title": "T"}, {"author": "A"}, {"explicit": True}, {"copyright": "C"}]
    await asyncio.gather(
        *(
            shows.change(store, "essays", lambda show, fields=fields: shows.changed_show(show, fields))  # type: ignore[misc] # a lambda
            for fields in wanted
        )
    )
    show = await shows.find(store, "essays")
    assert (show.title, show.author, show.explicit, show.copyright) == ("T", "A", True, "C")


async def test_a_cover_replaces_the_one_before(store: Store) -> None:
    await a_show(store)
    first = (await shows.set_cover(store, "essays", PICTURE)).cover
    second = (await shows.set_cover(store, "essays", PICTURE + b"!")).cover
    assert [key async for key in store.list("shows/essays/pictures/")] == [second]
    assert first != second


async def test_a_removed_show_leaves_nothing(store: Store) -> None:
    await a_show(store)
    await shows.set_cover(store, "essays", PICTURE)
    await show_episodes.announce(store, a_job("j1"))
    await shows.remove(store, "essays")
    assert [key async for key in store.list("shows/")] == []
    with pytest.raises(NotFound, match="no show essays"):
        await shows.remove(store, "essays")


# ---------------------------------------------------------------- what a job takes from its show


async def submitted(store: Store, request: JobRequest) -> JobRequest:
    published: list[Message] = []

    async def publish(message: Message) -> None:
        published.append(message)

    await hand_over(Draft(request, {}, is_new=True), store=store, publish=publish)
    [found] = published
    assert isinstance(found, JobRequest)
    assert JobRequest.model_validate_json(await store.get(keys.request(request.job_id)), strict=False) == found
    return found


async def test_a_job_takes_what_it_does_not_say_from_its_show(store: Store) -> None:
    word = Pronunciation(word="Cato", say="Kay-toe")
    await a_show(store, voice="alan", loudness="stereo", language="de", lexicon=[word], voices={"fr": "claire"})
    await shows.set_cover(store, "essays", PICTURE)
    found = await submitted(store, a_job("j1"))
    assert (found.voice, found.loudness, found.language, found.author) == ("alan", "stereo", "de", "A. Reader")
    assert found.metadata == {"album": "Essays"}
    assert (found.narration.lexicon, found.narration.voices) == ((word,), {"fr": "claire"})
    assert found.cover is not None
    assert await store.get(found.cover) == PICTURE


async def test_a_job_is_framed_as_its_show_says(store: Store) -> None:
    await a_show(store, intro="{show}, number {number}: {title}.", outro="Thank you.")
    found = await submitted(store, a_job("j1", number=3))
    assert (found.narration.intro, found.narration.outro) == ("Essays, number 3: {title}.", "Thank you.")
    own = a_job("j2").model_copy(update={"narration": Narration(intro="Mine.")})
    assert (await submitted(store, own)).narration.intro == "Mine."


async def test_what_a_job_says_itself_counts(store: Store) -> None:
    await a_show(store, voice="alan", lexicon=[Pronunciation(word="Cato", say="Kay-toe")])
    own = Pronunciation(word="Cato", say="Kah-toe")
    asked = a_job("j1").model_copy(update={"voice": "eva", "author": "B", "narration": Narration(lexicon=(own,))})
    found = await submitted(store, asked)
    assert (found.voice, found.author, found.narration.lexicon) == ("eva", "B", (own,))


async def test_a_job_means_the_same_after_its_show_has_changed(store: Store) -> None:
    await a_show(store, voice="alan")
    await submitted(store, a_job("j1"))
    await shows.change(store, "essays", lambda show: shows.changed_show(show, {"voice": "eva"}))
    stored = JobRequest.model_validate_json(await store.get(keys.request("j1")), strict=False)
    assert stored.voice == "alan"


async def test_a_job_of_no_show_is_refused_before_anything_is_stored(store: Store) -> None:
    with pytest.raises(BadInput, match="no show essays"):
        await submitted(store, a_job("j1"))
    assert [key async for key in store.list("jobs/")] == []


async def test_a_job_without_a_show_reads_nothing_of_shows(store: Store) -> None:
    request = JobRequest(source=TextSource(text="Hello."))
    assert await show_defaults.applied(store, request) == (request, {})


async def test_a_preview_says_what_the_show_says_and_needs_no_cover(store: Store) -> None:
    await a_show(store, voice="kate", intro="This is {show}.", language="de")
    plain = Draft(JobRequest(source=TextSource(text="Hello.")), {})
    of_show = Draft(a_job("j1"), {})
    drafts = [await previewing.draft_with_show(job, store, Settings()) for job in (plain, of_show)]
    assert [(draft.request.voice, draft.request.language, draft.request.narration.intro) for draft in drafts] == [
        (plain.request.voice, None, None),
        ("kate", "de", "This is Essays."),
    ]
    assert all(not draft.uploads for draft in drafts)
    job = a_job("j2")
    assert job.show is not None
    elsewhere = job.model_copy(update={"show": job.show.model_copy(update={"show_id": "none-such"})})
    with pytest.raises(show_defaults.NoSuchShow):
        await previewing.draft_with_show(Draft(elsewhere, {}), store, Settings())


# ---------------------------------------------------------------- the record of an episode


async def test_an_episode_is_recorded_once_however_often_its_job_comes(store: Store) -> None:
    job = a_job("0193f0a2-7b6e-7c7e-9d0e-2f4f7a1f6a11", number=3, summary="About Cato.")
    await asyncio.gather(*(show_episodes.announce(store, job) for _ in range(5)))
    [entry] = await show_episodes.entries(store, "essays")
    [record] = await show_episodes.read_all(store, [entry.key])
    assert (record.jobs, record.guid, record.number) == ((job.job_id,), job.job_id, 3)


async def test_rendering_again_keeps_the_guid(store: Store) -> None:
    await show_episodes.announce(store, a_job("j1", guid="urn:x:1", number=1, summary="Old."))
    again = a_job("j2", episode_id="j1", guid="urn:other", summary="New.")
    await show_episodes.announce(store, again)
    await show_episodes.announce(store, again)
    await show_episodes.announce(store, a_job("j1", guid="urn:x:1", number=1, summary="Old."))
    record = await show_episodes.find(store, "essays", "j1")
    assert (record.guid, record.jobs, record.number, record.summary) == ("urn:x:1", ("j1", "j2"), 1, "New.")
    assert len(await show_episodes.entries(store, "essays")) == 1


def test_a_derived_guid_is_unique_between_shows() -> None:
    assert show_episodes.guid_of("a", "one") != show_episodes.guid_of("b", "one")


async def test_a_renamed_episode_keeps_its_guid(store: Store) -> None:
    await show_episodes.announce(store, a_job("j1"))
    before = await show_episodes.find(store, "essays", "j1")
    after = await show_episodes.change(
        store, "essays", "j1", lambda record: show_episodes.changed_record(record, {"title": "Renamed"})
    )
    assert (after.title, after.guid) == ("Renamed", before.guid)
    with pytest.raises(BadInput, match="guid cannot be changed"):
        show_episodes.changed_record(after, {"guid": "x"})


async def test_a_deleted_job_leaves_its_show(store: Store) -> None:
    for job in (a_job("j1"), a_job("j2", episode_id="j1")):
        await store.create(keys.request(job.job_id), job.model_dump_json().encode())
        status = JobStatus(job_id=job.job_id, state="completed", submitted_at=1.0, updated_at=2.0)
        await store.create(keys.status(job.job_id), status.model_dump_json().encode())
        await show_episodes.announce(store, job)
    await deleting.delete_job(store, "j2")
    assert (await show_episodes.find(store, "essays", "j1")).jobs == ("j1",)
    await deleting.delete_job(store, "j1")
    with pytest.raises(NotFound, match="no episode j1"):
        await show_episodes.find(store, "essays", "j1")


# ---------------------------------------------------------------- what is removed when old jobs are

OLD = 100 * 86_400.0


async def ended(store: Store, job: JobRequest, state: JobState = "completed") -> None:
    await store.create(keys.request(job.job_id), job.model_dump_json().encode())
    status = JobStatus(job_id=job.job_id, state=state, submitted_at=1.0, updated_at=time.time() - OLD)
    await store.create(keys.status(job.job_id), status.model_dump_json().encode())
    await show_episodes.announce(store, job)


async def pruned(store: Store) -> set[str]:
    return set((await pruning.prune(store, older_than_seconds=OLD / 2, job_deadline_seconds=60)).ids)


async def test_what_a_feed_names_outlives_the_removal_of_old_jobs(store: Store) -> None:
    await a_show(store)
    await ended(store, a_job("j1"))
    await ended(store, a_job("j2", episode_id="j1"))
    await ended(store, a_job("j3", episode_id="j1"), "failed")
    await ended(store, a_job("j4", episode_id=None).model_copy(update={"show": None}))
    assert await pruned(store) == {"j1", "j3", "j4"}
    assert (await show_episodes.find(store, "essays", "j1")).jobs == ("j2",)


@pytest.mark.parametrize(("keep_days", "gone"), [(None, set()), (101, set()), (99, {"j1"})])
async def test_a_show_says_how_long_its_episodes_stay(store: Store, keep_days: int | None, gone: set[str]) -> None:
    await a_show(store, keep_days=keep_days)
    await ended(store, a_job("j1"))
    assert await pruned(store) == gone


async def test_the_jobs_of_a_show_that_is_gone_are_as_any_others(store: Store) -> None:
    await a_show(store)
    await ended(store, a_job("j1"))
    await shows.remove(store, "essays")
    assert await pruned(store) == {"j1"}
