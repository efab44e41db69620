"""From a job to a manifest in the store, then the message. With the real file store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import HttpUrl

from services.chunker import listed_voices
from services.chunker.handlers import chunk_job
from services.chunker.listed_voices import VoicesUnknown
from shared.errors import BadSource, NotFound, PodcastError, TooLarge
from shared.protocol.manifest import Manifest
from shared.protocol.messages import JobChunked, JobRequest, ObjectSource, PauseLengths, TextSource, UrlSource
from shared.protocol.narration import Narration
from shared.protocol.voices import ListedVoice, VoiceList
from shared.settings import Settings
from shared.store import keys
from shared.store.port import Store, open_store
from tests.unit.chunker import made_documents
from tests.unit.chunker.test_fetching import answering, server

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("one_loop")]


class Harness:
    """What a chunker needs: a store and settings; and the messages published."""

    def __init__(self, folder: Path, **changed: Any) -> None:
        self.settings = Settings(
            **{"store_url": folder.as_uri(), "speech_engine": "an engine", "fetch_allow": "127.0.0.0/8", **changed}
        )
        self.store: Store = open_store(self.settings)
        self.published: list[JobChunked] = []
        self.voices: VoiceList | None = VoiceList(is_complete=False)

    async def chunk(self, job: JobRequest) -> Manifest:
        if self.voices is not None:
            listed = self.voices.model_dump_json().encode()
            await self.store.put(keys.voices(self.settings.engine_identity), listed)
        await chunk_job(job, store=self.store, settings=self.settings, publish=self._publish)
        return await self.manifest(job)

    async def manifest(self, job: JobRequest) -> Manifest:
        return Manifest.model_validate_json(await self.store.get(keys.manifest(job.job_id)))

    async def _publish(self, message: JobChunked) -> None:
        assert await self.store.exists(keys.manifest(message.job_id)), "announced before it was stored"
        self.published.append(message)


async def test_the_manifest_is_stored_and_then_announced(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    job = JobRequest(
        source=TextSource(text="# One\n\nSome text of one.\n\n# Two\n\nSome text of two.", format="markdown")
    )
    manifest = await harness.chunk(job)
    assert [chapter.title for chapter in manifest.chapters] == ["One", "Two"]
    assert [chunk.text for chunk in manifest.chunks] == ["One", "Some text of one.", "Two", "Some text of two."]
    assert [chunk.index for chunk in manifest.chunks] == [0, 1, 2, 3]
    assert (manifest.title, manifest.language, manifest.voice) == ("One", "en", harness.settings.default_voice)
    assert manifest.pauses == harness.settings.pauses
    assert [(message.job_id, message.chunks) for message in harness.published] == [(job.job_id, 4)]


async def test_a_redelivered_job_is_only_announced_again(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    job = JobRequest(source=TextSource(text="First."))
    first = await harness.chunk(job)
    again = await harness.chunk(job.model_copy(update={"source": TextSource(text="Other text.")}))
    assert again == first
    assert [message.chunks for message in harness.published] == [1, 1]


async def test_what_the_job_names_wins_over_the_document(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    key, again = keys.source("j", "book.epub"), keys.source("k", "book.epub")
    for one in (key, again):
        await harness.store.put(one, made_documents.from_markdown("epub"))
    own = await harness.chunk(JobRequest(job_id="j", source=ObjectSource(key=key)))
    assert (own.title, own.author, own.language) == ("The Book", "A. Writer", "de")
    assert [chapter.title for chapter in own.chapters][-2:] == ["One", "Two"]
    asked = JobRequest(
        job_id="k",
        source=ObjectSource(key=again),
        title="T",
        author="A",
        language="fr",
        voice="v",
        model="m",
        pauses=PauseLengths(sentence=1),
    )
    named = await harness.chunk(asked)
    assert (named.title, named.author, named.language, named.voice, named.model) == ("T", "A", "fr", "v", "m")
    assert named.pauses.sentence == 1


async def test_equal_text_has_equal_audio_and_another_voice_has_not(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    one, two = [await harness.chunk(JobRequest(source=TextSource(text="Same.\n\nSame."))) for _ in range(2)]
    other = await harness.chunk(JobRequest(source=TextSource(text="Same."), voice="another"))
    assert {chunk.audio_key for chunk in one.chunks} == {chunk.audio_key for chunk in two.chunks}
    assert len({chunk.audio_key for chunk in one.chunks}) == 1
    assert other.chunks[0].audio_key != one.chunks[0].audio_key


async def test_a_page_is_fetched_and_named_after_its_address_if_it_has_no_title(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    async with server(answering("200 OK", b"<p>Words of a page.</p>", content_type="text/html")) as url:
        manifest = await harness.chunk(JobRequest(source=UrlSource(url=HttpUrl(f"{url}/my-little_page.html"))))
    assert manifest.title == "my little page"
    assert [chunk.text for chunk in manifest.chunks] == ["Words of a page."]


async def test_a_text_without_a_name_is_titled_by_its_first_words(tmp_path: Path) -> None:
    manifest = await Harness(tmp_path).chunk(JobRequest(source=TextSource(text="***\n\n" + "several words " * 30)))
    assert manifest.title.startswith("several words several")
    assert len(manifest.title) <= 61


@pytest.mark.parametrize(
    ("job", "limits", "error", "says"),
    [
        (
            JobRequest(job_id="j", source=ObjectSource(key="jobs/j/nowhere.md")),
            {},
            BadSource,
            "nowhere.md is not in the store",
        ),
        (
            JobRequest(job_id="j", source=TextSource(text="A."), cover="jobs/j/no.png"),
            {},
            BadSource,
            "cover jobs/j/no.png is not in the store",
        ),
        (JobRequest(source=TextSource(text=" \n ")), {}, BadSource, "is empty"),
        (
            JobRequest(job_id="j", source=ObjectSource(key="jobs/j/a.txt")),
            {"source_limit_bytes": 10},
            TooLarge,
            "limit",
        ),
        (
            JobRequest(job_id="j", source=ObjectSource(key="jobs/j/a.txt")),
            {"text_limit_characters": 10},
            TooLarge,
            "10 are the limit",
        ),
        (JobRequest(source=TextSource(text="A.\n\nB.\n\nC.")), {"chunks_limit": 2}, TooLarge, "more than 2 chunks"),
    ],
)
async def test_a_job_that_cannot_be_done_says_why_and_leaves_nothing(
    tmp_path: Path, job: JobRequest, limits: dict[str, int], error: type[PodcastError], says: str
) -> None:
    harness = Harness(tmp_path, **limits)
    await harness.store.put("jobs/j/a.txt", b"A text that is longer than ten characters.")
    with pytest.raises(error, match=says) as caught:
        await harness.chunk(job)
    assert caught.value.hint
    assert harness.published == []
    with pytest.raises(NotFound):
        await harness.manifest(job)


ENGLISH = "It was a bright cold day, and the clocks were striking thirteen while she slipped quickly through the doors."
GERMAN = "Als er eines Morgens aus unruhigen Träumen erwachte, fand er sich in seinem Bett, und draußen regnete es."
VOICES = VoiceList(
    voices=(
        ListedVoice(name="en-us", model="espeak-ng", language="en-us", is_default=True),
        ListedVoice(name="de", model="espeak-ng", language="de"),
    ),
    is_complete=True,
)


async def test_a_german_text_is_spoken_by_a_german_voice_that_is_listed(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    harness.voices = VOICES
    manifest = await harness.chunk(JobRequest(source=TextSource(text=GERMAN)))
    assert (manifest.language, manifest.voice, manifest.warnings) == ("de", "de", ())
    assert manifest.chunk_request(0).voice == "de"


async def test_a_passage_has_its_own_voice_language_and_key(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    harness.voices = VOICES
    text = f"{ENGLISH}\n\n{GERMAN}\n\n{ENGLISH}"
    manifest = await harness.chunk(JobRequest(source=TextSource(text=text)))
    assert [chunk.voice for chunk in manifest.chunks] == [None, "de", None]
    asked = [manifest.chunk_request(index) for index in range(3)]
    assert [(one.language, one.voice) for one in asked] == [("en", "default"), ("de", "de"), ("en", "default")]
    alone = await harness.chunk(JobRequest(source=TextSource(text=GERMAN)))
    assert alone.chunks[0].audio_key == manifest.chunks[1].audio_key


async def test_a_job_waits_for_the_first_list_of_voices_and_then_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = Harness(tmp_path)
    harness.voices = None
    job = JobRequest(source=TextSource(text=GERMAN))
    with pytest.raises(VoicesUnknown) as waiting:
        await harness.chunk(job)
    assert waiting.value.retry_after_seconds
    assert not waiting.value.counts
    monkeypatch.setattr(listed_voices, "WAITING_SECONDS", 0.0)
    manifest = await harness.chunk(job)
    assert (manifest.language, manifest.voice) == ("de", "default")
    assert "which voices the speech servers have is not known yet" in manifest.warnings[0]


async def test_an_english_text_waits_for_no_list(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    harness.voices = None
    assert (await harness.chunk(JobRequest(source=TextSource(text=ENGLISH)))).voice == "default"


async def test_a_list_that_cannot_be_read_is_as_none(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    harness.voices = None
    await harness.store.put(keys.voices(harness.settings.engine_identity), b"[]")
    with pytest.raises(VoicesUnknown):
        await harness.chunk(JobRequest(source=TextSource(text=GERMAN)))


async def test_speakers_of_a_script_have_voices_and_a_pause_of_their_own(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    harness.voices = VOICES
    lines = ["HOST: Welcome.", "GUEST: Thank you so much.", "HOST: And goodbye.", "GUEST: Goodbye to you."]
    narration = Narration(speakers={"host": "de", "guest": "en-us"})
    pauses = PauseLengths(turn=900)
    job = JobRequest(source=TextSource(text="\n\n".join(lines)), narration=narration, pauses=pauses)
    manifest = await harness.chunk(job)
    assert [(chunk.speaker, chunk.text) for chunk in manifest.chunks] == [
        ("HOST", "Welcome."),
        ("GUEST", "Thank you so much."),
        ("HOST", "And goodbye."),
        ("GUEST", "Goodbye to you."),
    ]
    assert [manifest.chunk_request(index).voice for index in range(4)] == ["de", "en-us"] * 2
    assert [manifest.pause_ms(chunk) for chunk in manifest.chunks] == [900, 900, 900, 0]


async def test_speakers_that_nothing_tells_apart_are_named(tmp_path: Path) -> None:
    lines = ["HOST: Welcome.", "GUEST: Thank you so much.", "HOST: And goodbye.", "GUEST: Goodbye to you."]
    manifest = await Harness(tmp_path).chunk(JobRequest(source=TextSource(text="\n\n".join(lines))))
    assert [chunk.text for chunk in manifest.chunks] == lines
    assert [chunk.speaker for chunk in manifest.chunks] == ["HOST", "GUEST"] * 2
