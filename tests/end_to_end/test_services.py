"""Articles and books through all services: every word of the source is heard in the episode, once, in order."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aio_pika
import mutagen
import pypandoc
import pytest

from shared.protocol import topology
from shared.protocol.manifest import Manifest
from shared.protocol.messages import JobCancelRequested, JobRequest, ObjectSource, TextSource, new_job_id
from shared.runtime.broker import connected
from shared.store import keys
from tests.end_to_end import texts
from tests.servers.services import Services
from tests.servers.speech_process import ToneSpeech


def job(text: str, **fields: object) -> JobRequest:
    return JobRequest.model_validate(
        {"source": TextSource(text=text, format="markdown"), **fields}, strict=False, from_attributes=True
    )


def words(text: str) -> list[str]:
    """The words of one of our Markdown texts, in order."""
    return text.replace("#", " ").split()


async def hears_all(services: Services, request: JobRequest, source: str, out: Path) -> None:
    written, heard = await services.spoken(request, out)
    assert heard == written
    assert " ".join(heard).split() == words(source)


async def test_one_article_is_heard_word_for_word(services: Services, out: Path) -> None:
    source = texts.article(3_954)
    request = job(source, author="A. Tester", formats=("mp3",))
    await services.submit(request)
    status = await services.ended(request.job_id)
    assert status.state == "completed", status.error
    await hears_all(services, request, source, out)
    tags = mutagen.File(out / f"{request.job_id}.mp3").tags
    assert str(tags["TIT2"]) == "The Ferry Article 0"
    assert str(tags["TPE1"]) == "A. Tester"
    chapters = [str(frame.sub_frames["TIT2"]) for frame in tags.getall("CHAP")]
    assert "Part 1 of the story" in chapters
    assert status.loudness_lufs == pytest.approx(-19, abs=0.5)
    assert status.true_peak_dbtp is not None
    assert status.true_peak_dbtp <= -1
    assert set(status.stages) == {"chunking", "synthesizing", "assembling"}


async def test_ten_articles_at_once_are_heard_word_for_word(services: Services, out: Path) -> None:
    sources = [texts.article(3_954, seed=seed) for seed in range(1, 11)]
    requests = [job(source) for source in sources]
    await services.submit(*requests)
    for request, source in zip(requests, sources, strict=True):
        status = await services.ended(request.job_id, seconds=200)
        assert status.state == "completed", status.error
        await hears_all(services, request, source, out)


async def test_a_book_of_300_chunks_is_heard_word_for_word_and_an_article_overtakes_it(
    services: Services, tone_speech: ToneSpeech, out: Path
) -> None:
    source = texts.book(300, seed=77)
    tone_speech.forget()
    book, article = job(source), job(texts.article(500, seed=78))
    await services.submit(book)
    await services.reaches(book.job_id, "synthesizing")
    await services.submit(article)
    assert (await services.ended(article.job_id)).state == "completed"
    behind = await services.status(book.job_id)
    assert behind is not None
    assert behind.state in {"synthesizing", "assembling"}, "the article did not overtake"
    status = await services.ended(book.job_id, seconds=200)
    assert (status.state, status.chunks.done) == ("completed", 300)
    await hears_all(services, book, source, out)
    manifest = Manifest.model_validate_json(await services.store.get(keys.manifest(book.job_id)))
    assert len(manifest.chapters) == 10
    said = tone_speech.texts()
    assert len(said) == len(set(said)), "a chunk was spoken twice"


async def test_an_epub_has_its_chapters_and_every_word(services: Services, out: Path, tmp_path: Path) -> None:
    source = texts.book(24, chapters=4, seed=5)
    path = tmp_path / "book.epub"
    await asyncio.to_thread(
        pypandoc.convert_text,
        source,
        "epub3",
        format="markdown",
        outputfile=str(path),
        extra_args=["--metadata", "title=The Tested Book", "--metadata", "author=B. Binder"],
    )
    job_id = new_job_id()
    key = keys.source(job_id, "book.epub")
    await services.store.put(key, path.read_bytes())
    request = JobRequest(job_id=job_id, source=ObjectSource(key=key, name="book.epub"), formats=("m4b",))
    await services.submit(request)
    status = await services.ended(job_id)
    assert status.state == "completed", status.error
    assert status.title == "The Tested Book"
    written, heard = await services.spoken(request, out)
    assert heard == written
    assert " ".join(heard).split()[-len(words(source)) :] == words(source)
    manifest = Manifest.model_validate_json(await services.store.get(keys.manifest(job_id)))
    titles = [chapter.title for chapter in manifest.chapters]
    assert titles[-4:] == [f"Chapter number {number}" for number in (0, 6, 12, 18)]
    assert manifest.author == "B. Binder"


async def test_a_second_job_with_the_same_text_speaks_nothing(
    services: Services, tone_speech: ToneSpeech, out: Path
) -> None:
    source = texts.article(800, seed=31)
    first, second = job(source), job(source)
    await services.submit(first)
    assert (await services.ended(first.job_id)).state == "completed"
    tone_speech.forget()
    await services.submit(second)
    assert (await services.ended(second.job_id)).state == "completed"
    assert tone_speech.texts() == []
    await hears_all(services, second, source, out)


async def test_a_job_published_with_nothing_but_json_is_done(services: Services) -> None:
    """As `amqp-publish` does: no message id, no type, no persistence."""

    job_id = new_job_id()
    body = {"job_id": job_id, "source": {"kind": "text", "text": "A stranger publishes this one sentence."}}
    async with connected(services.settings) as connection, connection.channel() as channel:
        exchange = await channel.get_exchange(topology.EXCHANGE)
        await exchange.publish(aio_pika.Message(json.dumps(body).encode()), "job.submitted")
    assert (await services.ended(job_id)).state == "completed"


async def test_a_cancelled_job_stops(services: Services) -> None:
    request = job(texts.book(300, seed=91), max_parallel=1)
    await services.submit(request)
    await services.reaches(request.job_id, "synthesizing")
    await services.submit(JobCancelRequested(job_id=request.job_id, reason="changed my mind"))
    status = await services.ended(request.job_id)
    assert (status.state, status.error) == ("cancelled", "changed my mind")
    assert status.chunks.done < 300
    await services.leaves_active(request.job_id)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"kind": "object", "key": "jobs/{job_id}/source/none.md"}, "none"),
        ({"kind": "url", "url": "http://127.0.0.1:1/article.html"}, "127.0.0.1"),
        ({"kind": "text", "text": "* * *"}, "text"),
        ({"kind": "text", "text": "   \n\n  "}, "text"),
    ],
    ids=["missing-object", "nobody-there", "nothing-to-say", "only-white-space"],
)
async def test_a_bad_source_ends_the_job_with_its_reason(
    services: Services, source: dict[str, str], reason: str
) -> None:
    job_id = new_job_id()
    document = json.dumps({"job_id": job_id, "source": source}).replace("{job_id}", job_id)
    await services.submit(JobRequest.model_validate_json(document))
    status = await services.ended(job_id)
    assert status.state == "failed"
    assert status.error is not None
    assert reason in status.error


async def test_a_malformed_job_with_an_id_is_told_to_its_sender(services: Services) -> None:
    job_id = new_job_id()
    body = {"job_id": job_id, "source": {"kind": "text", "text": "Hello."}, "speeed": 2}
    async with connected(services.settings) as connection, connection.channel() as channel:
        exchange = await channel.get_exchange(topology.EXCHANGE)
        await exchange.publish(aio_pika.Message(json.dumps(body).encode()), "job.submitted")
    status = await services.ended(job_id)
    assert status.state == "failed"
    assert "speeed" in (status.error or "")
