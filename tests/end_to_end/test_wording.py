"""What is spoken is what is said, captions show what is written, and a lexicon speaks only its words anew."""

from __future__ import annotations

from pathlib import Path

from shared.protocol.messages import JobRequest, TextSource
from shared.protocol.narration import Narration, Pronunciation
from tests.servers.services import Services
from tests.servers.speech_process import ToneSpeech

TEXT = """# Chapter IV

In 1984, Dr. Smith paid $3.50 for it [1].

The pump was started with kubectl on the old quay.

Nobody on the old quay had asked for it.
"""
SAID = [
    "Chapter four",
    "In nineteen eighty-four, Doctor Smith paid three dollars and fifty cents for it.",
    "The pump was started with kubectl on the old quay.",
    "Nobody on the old quay had asked for it.",
]


def job(*lexicon: Pronunciation) -> JobRequest:
    return JobRequest(
        source=TextSource(text=TEXT, format="markdown"),
        narration=Narration(normalise=True, lexicon=lexicon),
        formats=("mp3",),
    )


async def finished(services: Services, request: JobRequest) -> None:
    await services.submit(request)
    status = await services.ended(request.job_id)
    assert status.state == "completed", status.error


async def test_what_is_said_is_heard_and_captions_show_what_is_written(services: Services, out: Path) -> None:
    request = job()
    await finished(services, request)
    said, heard = await services.spoken(request, out)
    assert said == heard == SAID
    manifest = await services.manifest(request.job_id)
    assert [chunk.written for chunk in manifest.chunks] == [
        "Chapter IV",
        "In 1984, Dr. Smith paid $3.50 for it [1].",
        "",
        "",
    ]
    assert [chapter.title for chapter in manifest.chapters] == ["Chapter IV"]
    assert [omission.kind for omission in manifest.omissions] == ["citation"]
    status = await services.status(request.job_id)
    assert status is not None
    captions = (await services.store.get(status.files["vtt"])).decode()
    assert "In 1984, Dr. Smith paid $3.50 for it [1]." in " ".join(captions.split())
    assert "nineteen" not in captions


async def test_a_lexicon_speaks_only_the_chunks_that_have_its_words_anew(
    services: Services, tone_speech: ToneSpeech, out: Path
) -> None:
    await finished(services, job())
    before = len(tone_speech.texts())
    request = job(Pronunciation(word="kubectl", say="cube control"))
    await finished(services, request)
    assert tone_speech.texts()[before:] == ["The pump was started with cube control on the old quay."]
    said, heard = await services.spoken(request, out)
    assert said == heard == [SAID[0], SAID[1], SAID[2].replace("kubectl", "cube control"), SAID[3]]
