"""The splitter: turns a document into chapters and chunks.

Pure. Paragraphs are never merged, so editing a paragraph changes only its own chunks.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import partial

from services.chunker import planned_lines
from services.chunker.documents.document import ChapterStart, Document, Heading, Omissions, Paragraph
from services.chunker.speakable import leave_out_decoration, normalise
from services.chunker.spoken_pieces import Saying, SpokenPiece, as_written, spoken_pieces
from shared.errors import BadSource, TooLarge
from shared.protocol.manifest import Chapter, Omission, PauseClass

SCENE_BREAK_LIMIT_CHARACTERS = 40
"""A paragraph without a letter or digit up to this length is a scene break, a longer one is decoration."""


@dataclass(frozen=True, slots=True)
class SplitChunk:
    """A chunk before it has an audio key; the fields are those of `shared.protocol.manifest.Chunk`."""

    text: str
    chapter: int
    pause_after: PauseClass
    language: str | None = None
    speaker: str | None = None
    ends_turn: bool = False
    written: str = ""
    """The text as it stands in the document; empty if it is the same."""


@dataclass(frozen=True, slots=True)
class Split:
    """The content of the manifest-to-be.

    Attributes:
        chunks: in order.
        chapters: of these chunks.
        omissions: what is not spoken.
        numbers: of the chapters in the whole document, if only some were chosen; empty: 1, 2, 3, …
    """

    chunks: tuple[SplitChunk, ...]
    chapters: tuple[Chapter, ...]
    omissions: tuple[Omission, ...]
    numbers: tuple[int, ...] = ()


def begun_later(chapters: tuple[Chapter, ...], chunks: int) -> tuple[Chapter, ...]:
    """The chapters of a text that has more chunks in its first chapter: all others begin so many chunks later."""
    later = (chapter.model_copy(update={"first_chunk": chapter.first_chunk + chunks}) for chapter in chapters[1:])
    return (*chapters[:1], *later)


def spoken(text: str) -> str:
    """What the chunks of a block add up to: its normalised text without decoration; "" if there is nothing to speak."""
    return leave_out_decoration(normalise(text))[0]


def split(
    document: Document,
    *,
    limit_characters: int,
    target_characters: int,
    language: str,
    title: str,
    chunks_limit: int,
    saying: Saying = as_written,
) -> Split:
    """Split a document.

    Args:
        document: what to split.
        limit_characters: the longest chunk; at least 40.
        target_characters: sentences of a paragraph are combined up to this length.
        language: BCP 47 tag of the text.
        title: of the chapter that holds the text before the first heading.
        chunks_limit: the most chunks a job may have.
        saying: what is said for a piece of the text.

    Raises:
        BadSource: there is nothing to speak.
        TooLarge: there are more chunks than `chunks_limit`.
    """
    chunks: list[SplitChunk] = []
    chapters: list[Chapter] = []
    omissions = Omissions(document.omissions)
    for block in document.blocks:
        if isinstance(block, ChapterStart):
            _open_chapter(chapters, chunks, block.title, block.level)
            continue
        if not isinstance(block, (Heading, Paragraph)):
            continue
        text = _without_decoration(block.text, omissions)
        if not text:
            continue
        if isinstance(block, Heading) and block.starts_chapter:
            _open_chapter(chapters, chunks, text, block.level)
        if not chapters:
            _open_chapter(chapters, chunks, title, 1)
        _check(len(chunks) + len(block.lines), chunks_limit)  # before each of a million lines is said
        into_pieces = partial(planned_lines.pieces, block.lines) if block.lines else partial(spoken_pieces, text)
        pieces = into_pieces(
            limit_characters=limit_characters,
            target_characters=target_characters,
            language=block.language or language,
            heading=isinstance(block, Heading),
            saying=saying,
            omissions=omissions,
        )
        end: PauseClass = "heading" if isinstance(block, Heading) else "paragraph"
        chunks += _chunks_of(pieces, block, chapter=len(chapters) - 1, end=end)
        _check(len(chunks), chunks_limit)
    if not chunks:
        raise BadSource("There is nothing to speak in it.", hint="Look whether the text is really in the document.")
    if chapters[-1].first_chunk == len(chunks):
        chapters.pop()  # a title at the end with nothing after it
    return Split(_with_turns(_with_chapter_pauses(chunks)), tuple(chapters), tuple(omissions))


def _check(chunks: int, limit: int) -> None:
    if chunks > limit:
        raise TooLarge(
            f"The text makes more than {limit:,} chunks.",
            hint="Split it into several jobs, or raise PODCAST_CHUNKS_LIMIT.",
        )


def _open_chapter(chapters: list[Chapter], chunks: list[SplitChunk], title: str, level: int) -> None:
    """Begin a chapter; it replaces a previous chapter without chunks."""
    title = " ".join(title.split()) or "Untitled"
    if chapters and chapters[-1].first_chunk == len(chunks):
        chapters.pop()
    chapters.append(Chapter(title=title, level=max(1, level), first_chunk=len(chunks)))


def _without_decoration(text: str, omissions: Omissions) -> str:
    kept, left_out = leave_out_decoration(normalise(text))
    for run in left_out:
        if kept:
            omissions.add("decoration", "a long run without a letter or a digit", run)
        elif len(run) <= SCENE_BREAK_LIMIT_CHARACTERS:
            omissions.add("scene break", "no letter or digit to speak", run)
        else:
            omissions.add("decoration", "a paragraph without a letter or a digit", run)
    return kept


def _chunks_of(
    pieces: list[SpokenPiece], block: Heading | Paragraph, *, chapter: int, end: PauseClass
) -> list[SplitChunk]:
    if not pieces:
        return []
    inside: list[PauseClass] = ["sentence" if piece.ends_sentence else "none" for piece in pieces[:-1]]
    speaker = block.speaker if isinstance(block, Paragraph) else None
    return [
        SplitChunk(
            piece.text,
            chapter,
            pause,
            language=block.language,
            speaker=speaker,
            written="" if piece.written == piece.text else piece.written,
        )
        for piece, pause in zip(pieces, [*inside, end], strict=True)
    ]


def _with_chapter_pauses(chunks: list[SplitChunk]) -> tuple[SplitChunk, ...]:
    """Let the last chunk of a chapter pause longer, unless it is a heading; after the very last one nothing follows."""
    last = replace(chunks[-1], pause_after="none")
    closed = [
        replace(chunk, pause_after="chapter")
        if chunk.chapter != follower.chapter and chunk.pause_after == "paragraph"
        else chunk
        for chunk, follower in itertools.pairwise(chunks)
    ]
    return (*closed, last)


def _with_turns(chunks: tuple[SplitChunk, ...]) -> tuple[SplitChunk, ...]:
    """In a dialogue the pause between two speakers replaces that of the paragraph; within a turn there is a short one.

    An assembler that does not know turns pauses as after a paragraph.
    """
    if all(chunk.speaker is None for chunk in chunks):
        return chunks
    found = []
    for chunk, follower in itertools.pairwise(chunks):
        one = chunk
        if chunk.pause_after == "paragraph" and chunk.speaker is not None and chunk.speaker == follower.speaker:
            one = replace(chunk, pause_after="sentence")
        elif chunk.pause_after == "paragraph" and chunk.speaker != follower.speaker:
            one = replace(chunk, ends_turn=True)
        found.append(one)
    return (*found, chunks[-1])
