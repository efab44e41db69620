"""A plan that nobody has edited is spoken like its source, to the audio key; what is edited is spoken as edited."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.chunker.documents.reading import read_document
from shared.errors import BadSource
from shared.plans.from_preview import plan_of
from shared.plans.model import Comment, SpeechPlan
from shared.plans.parsing import parse
from shared.plans.writing import write
from shared.protocol.manifest import Manifest
from shared.protocol.messages import JobRequest, ObjectSource, Source, TextSource
from shared.protocol.narration import Narration
from shared.protocol.preview import Preview
from shared.protocol.voices import ListedVoice, VoiceList
from shared.store import keys
from tests.unit.chunker import made_documents
from tests.unit.chunker.test_previews import Previewer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("one_loop")]

LONG = "This sentence goes on and on, and it has more clauses than anybody needs, " * 8
JAPANESE = "\u706f\u53f0\u304c\u3042\u308b\u3002" + "\u305d\u308c\u306f\u9ad8\u3044\u3001" * 60
TEXT = f"""\
What stands before the first heading.

# The Keeper

Her name was Anna Brandt. She had counted them: there were 217.[^1] It was late, and it was dark, and it had rained
since morning. The light went round, and round, and round again, and nobody saw it but her. Then she slept.

```python
print("not to be heard")
```

{LONG}

\\# This is no heading.

= Nor is this one.

| a | b |
|---|---|
| 1 | 2 |

## An empty chapter

## The Light

> It could be seen from 20 miles away.

- one
- two

{JAPANESE}

# The End

[^1]: Or 218.
"""


async def previewed(
    harness: Previewer, source: Source, narration: Narration | None = None, uploads: dict[str, bytes] | None = None
) -> Preview:
    draft = harness.draft(source, uploads, narration=narration or Narration())
    await harness.ask(draft)
    made = await harness.make(draft.request)
    assert isinstance(made, Preview)
    return made


async def spoken(harness: Previewer, job_id: str, source: Source) -> Manifest:
    return await harness.chunk(JobRequest(job_id=job_id, source=source))


def sound(manifest: Manifest) -> list[tuple[object, ...]]:
    """All that decides what is heard."""
    return [
        (chunk.audio_key, chunk.text, chunk.written, chunk.pause_after, chunk.language, chunk.voice, chunk.chapter)
        for chunk in manifest.chunks
    ]


@pytest.mark.parametrize("kind", ["markdown", "epub", "text"])
async def test_an_unedited_plan_has_the_audio_of_its_source(tmp_path: Path, kind: str) -> None:
    harness = Previewer(tmp_path)
    source: Source = TextSource(text=TEXT, format="text" if kind == "text" else "markdown")
    uploads: dict[str, bytes] = {}
    if kind == "epub":
        key = keys.source("j", "book.epub")
        source, uploads = ObjectSource(key=key, name="book.epub"), {key: made_documents.from_markdown("epub", TEXT)}
        await harness.store.put(key, uploads[key])
    whole = await spoken(harness, "j", source)
    preview = await previewed(harness, source, uploads=uploads)

    text = write(plan_of(preview))
    planned = await spoken(harness, "planned", TextSource(text=text, format="plan"))

    assert sound(planned) == sound(whole)
    assert planned.chapters == whole.chapters
    assert (planned.title, planned.author, planned.language, planned.voice) == (
        whole.title,
        whole.author,
        whole.language,
        whole.voice,
    )


@pytest.mark.parametrize("mapped", [{}, {"GAST": "c"}])
async def test_a_dialogue_in_two_languages_keeps_its_voices(tmp_path: Path, mapped: dict[str, str]) -> None:
    """With fewer voices than speakers, so that one of them is told by the name."""
    harness = Previewer(tmp_path)
    listed = [("a", "de"), ("b", "de"), ("c", "en")]
    harness.voices = VoiceList(
        voices=tuple(ListedVoice(name=name, language=tag, is_default=name == "a") for name, tag in listed),
        is_complete=True,
    )
    says = {
        "HOST": "Guten Abend, und herzlich willkommen zu unserer Sendung am 3. Mai 2026.",
        "GAST": "Danke, ich freue mich sehr, heute hier zu sein. Es ist schon spät.",
        "ZWEITER GAST": "Auch ich bin gerne gekommen, obwohl es 20 km sind.",
    }
    text = "\n\n".join(f"{name}: {said}\n\n{said}" for name, said in (*says.items(), *says.items()))
    text += (
        "\n\n# Ende\n\nThis part is written in English, which has a voice of its own, and it is long enough to tell."
    )
    source, narration = TextSource(text=text, format="markdown"), Narration(speakers=mapped)

    whole = await harness.chunk(JobRequest(job_id="j", source=source, narration=narration))
    plan = write(plan_of(await previewed(harness, source, narration)))
    planned = await harness.chunk(
        JobRequest(job_id="planned", source=TextSource(text=plan, format="plan"), narration=narration)
    )

    assert {chunk.speaker for chunk in whole.chunks} == {*says, None}
    assert len({chunk.voice for chunk in whole.chunks}) == 3
    assert sound(planned) == sound(whole)
    assert [(chunk.speaker, chunk.ends_turn) for chunk in planned.chunks] == [
        (chunk.speaker, chunk.ends_turn) for chunk in whole.chunks
    ]


async def test_a_plan_of_a_plan_is_the_same_plan(tmp_path: Path) -> None:
    harness = Previewer(tmp_path)
    plan = plan_of(await previewed(harness, TextSource(text=TEXT, format="markdown")))

    again = plan_of(await previewed(harness, TextSource(text=write(plan), format="plan")))

    assert without_comments(again) == without_comments(plan)
    assert parse(write(plan)) == plan


async def test_what_is_left_out_is_a_comment_in_its_place_and_can_be_spoken(tmp_path: Path) -> None:
    harness = Previewer(tmp_path)
    source = TextSource(text=TEXT, format="markdown")
    everything = await previewed(harness, source, Narration(read="everything"))
    text = write(plan_of(await previewed(harness, source), everything))
    lines = text.splitlines()
    code = lines.index('print("not to be heard")')
    begins = max(at for at in range(code) if lines[at].startswith("<!-- left out"))
    ends = lines.index("-->", code)
    assert "Then she slept." in lines[begins - 2]
    assert "Or two hundred eighteen." in " ".join(lines[begins:ends]), "the note, too"

    unedited = await spoken(harness, "unedited", TextSource(text=text, format="plan"))
    edited = lines[:begins] + lines[begins + 1 : ends] + lines[ends + 1 :]
    manifest = await spoken(harness, "edited", TextSource(text="\n".join(edited), format="plan"))

    assert 'print("not to be heard")' not in [chunk.text for chunk in unedited.chunks]
    assert 'print("not to be heard")' in [chunk.text for chunk in manifest.chunks]
    assert {omission.kind for omission in unedited.omissions} == {"comment"}


async def test_what_is_edited_is_spoken_as_edited(tmp_path: Path) -> None:
    harness = Previewer(tmp_path)
    plan = """\
--- podcast plan 1
title: Mine
voice: joe
language: de
---

{unspoken}
# A silent title

It cost $5.
= It cost five dollars.
And so on,
+ and on.

{heading}
Inside
"""
    manifest = await spoken(harness, "job", TextSource(text=plan, format="plan"))
    assert [(chunk.text, chunk.pause_after) for chunk in manifest.chunks] == [
        ("It cost five dollars.", "sentence"),
        ("And so on,", "none"),
        ("and on.", "paragraph"),
        ("Inside", "none"),
    ]
    assert [chapter.title for chapter in manifest.chapters] == ["A silent title"]
    assert (manifest.title, manifest.voice, manifest.language) == ("Mine", "joe", "de")


async def test_a_line_that_is_too_long_is_cut_and_one_without_a_word_is_left_out(tmp_path: Path) -> None:
    harness = Previewer(tmp_path, chunk_limit_characters=40)
    text = "One sentence that is much longer than forty letters, so it is cut.\n\n* * *\n\nEnd."
    plan = f"--- podcast plan 1\n---\n{text}"
    manifest = await spoken(harness, "job", TextSource(text=plan, format="plan"))
    assert [chunk.text for chunk in manifest.chunks] == [
        "One sentence that is much longer",
        "than forty letters, so it is cut.",
        "End.",
    ]
    assert [omission.kind for omission in manifest.omissions] == ["scene break"]


async def test_a_plan_is_recognised_by_its_first_line_whatever_its_name() -> None:
    plan = b"--- podcast plan 1\n---\n# A\n\nB."
    document = await read_document(plan, format=None, name="plan.md", deadline_seconds=30)
    assert document.is_exact
    with pytest.raises(BadSource, match="Line 3 of the plan"):
        await read_document(plan.replace(b"# A", b"#A"), format=None, name="plan.md", deadline_seconds=30)


def without_comments(plan: SpeechPlan) -> SpeechPlan:
    return SpeechPlan(tuple(item for item in plan.items if not isinstance(item, Comment)), plan.header)
