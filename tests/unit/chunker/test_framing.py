"""An intro and an outro are spoken with the text, in its first and last chapter; nothing of the text changes."""

from __future__ import annotations

import pytest

from services.chunker import manifests
from services.chunker.documents.document import Document, Heading, Paragraph
from services.chunker.documents.reading import Packed
from shared.errors import TooLarge
from shared.protocol.manifest import Chunk, Manifest
from shared.protocol.messages import JobRequest, TextSource
from shared.protocol.narration import Narration
from shared.settings import Settings

TEXT = Document(
    blocks=tuple(
        block for name in ("One", "Two") for block in (Heading(name, 1), Paragraph(f"What chapter {name} says."))
    ),
    title="Friendship",
    author="F. Bacon",
)


def built(document: Document = TEXT, *, chunks_limit: int = 1_000, **narration: str) -> Manifest:
    job = JobRequest(job_id="j", source=TextSource(text="x"), narration=Narration.model_validate(narration))
    made, _ = manifests.build(job, Packed.of(document), Settings(chunks_limit=chunks_limit), name="x")
    return Manifest.model_validate_json(made, strict=False)


def words(manifest: Manifest) -> list[str]:
    return [chunk.written or chunk.text for chunk in manifest.chunks]


def test_they_are_spoken_before_and_after_and_the_text_stays_as_it_was() -> None:
    plain = built()
    framed = built(intro="This is {title}, by {author}.\n\nRead by a machine.", outro="Thank you.")
    own = words(plain)
    assert words(framed) == ["This is Friendship, by F. Bacon.", "Read by a machine.", *own, "Thank you."]
    audio = [chunk.audio_key for chunk in framed.chunks]
    assert audio[2:-1] == [chunk.audio_key for chunk in plain.chunks]
    assert [chunk.index for chunk in framed.chunks] == list(range(len(audio)))


def test_chapters_begin_with_the_intro_and_end_with_the_outro() -> None:
    framed = built(intro="Hello.", outro="Goodbye.")
    assert [(chapter.title, chapter.first_chunk) for chapter in framed.chapters] == [("One", 0), ("Two", 3)]
    assert [chunk.chapter for chunk in framed.chunks] == [0, 0, 0, 1, 1, 1]

    def pause(chunk: Chunk) -> str:
        return chunk.pause_after

    pauses = [pause(chunk) for chunk in framed.chunks]
    assert (pauses[0], pauses[2], pauses[-2], pauses[-1]) == ("heading", "chapter", "heading", "none")


def test_they_frame_the_chapters_that_are_chosen() -> None:
    assert words(built(chapters="2", intro="Hello.")) == ["Hello.", *words(built(chapters="2"))]


def test_a_plan_says_all_that_is_spoken() -> None:
    plan = Document(blocks=TEXT.blocks, title="x", is_exact=True)
    assert words(built(plan, intro="Hello.", outro="Goodbye.")) == words(built(plan))


@pytest.mark.parametrize("nothing", ["…", "- - -", "\n\n"])
def test_what_has_no_words_is_not_spoken(nothing: str) -> None:
    assert words(built(intro=nothing, outro=nothing)) == words(built())


def test_they_count_as_chunks() -> None:
    limit = len(built().chunks)
    assert len(built(chunks_limit=limit).chunks) == limit
    with pytest.raises(TooLarge, match="with its intro and outro"):
        built(chunks_limit=limit, intro="Hello.")
