"""What is spoken before and after a text: the intro and outro that a job, or its show, asks for. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from services.chunker.speakable import SPEAKABLE
from services.chunker.splitting import Split, SplitChunk, begun_later
from shared.errors import TooLarge
from shared.protocol.manifest import PauseClass

_PAUSE: Final[PauseClass] = "heading"
"""The pause between the text and its intro or outro."""

Chunks = Callable[[str], tuple[SplitChunk, ...]]


def framed(split: Split, *, intro: str | None, outro: str | None, chunks_of: Chunks, chunks_limit: int) -> Split:
    """The split with an intro in its first chapter and an outro in its last.

    Args:
        split: of the text itself.
        intro: spoken before it; None: nothing.
        outro: spoken after it; None: nothing.
        chunks_of: cuts such a text, as any other text of the job is cut.
        chunks_limit: the most chunks a job may have.

    Raises:
        TooLarge: there are more.
    """
    before = _in_chapter(chunks_of(intro), 0, then=_PAUSE) if intro and SPEAKABLE.search(intro) else ()
    after = (
        _in_chapter(chunks_of(outro), len(split.chapters) - 1, then="none") if outro and SPEAKABLE.search(outro) else ()
    )
    if not before and not after:
        return split
    own = split.chunks
    if after:
        own = (*own[:-1], replace(own[-1], pause_after=_PAUSE))
    chunks = (*before, *own, *after)
    if len(chunks) > chunks_limit:
        raise TooLarge(
            f"The text has {len(chunks):,} chunks with its intro and outro; the limit is {chunks_limit:,}.",
            hint="Split it, or leave out the intro and outro.",
        )
    return replace(split, chunks=chunks, chapters=begun_later(split.chapters, len(before)))


def _in_chapter(chunks: tuple[SplitChunk, ...], chapter: int, *, then: PauseClass) -> tuple[SplitChunk, ...]:
    placed = [replace(chunk, chapter=chapter) for chunk in chunks]
    return (*placed[:-1], replace(placed[-1], pause_after=then))
