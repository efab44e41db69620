"""Keeps the first chunk of a job short, so that something can be heard soon; no other boundary moves. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from services.chunker.sentences import beginning
from services.chunker.speakable import SPEAKABLE
from services.chunker.splitting import Split, SplitChunk, begun_later
from services.chunker.spoken_pieces import Saying
from shared.protocol.manifest import PauseClass

LONG_CHARACTERS: Final = 100
"""A first chunk that is longer is cut: about 7 s of speech."""


def shortened(split: Split, *, language: str, saying: Saying, chunks_limit: int) -> Split:
    """The split with its first chunk in two, if it is long and has a good place for that.

    Args:
        split: the chunks of the job.
        language: BCP 47 tag of the text.
        saying: what is said for a piece of the text.
        chunks_limit: the most chunks a job may have.
    """
    halves = _halves(split.chunks[0], language, saying)
    if not halves or len(split.chunks) >= chunks_limit:
        return split
    return replace(split, chunks=(*halves, *split.chunks[1:]), chapters=begun_later(split.chapters, 1))


def _halves(chunk: SplitChunk, language: str, saying: Saying) -> tuple[SplitChunk, ...]:
    written, language = chunk.written or chunk.text, chunk.language or language
    if len(chunk.text) <= LONG_CHARACTERS or saying(written, language, False).text != chunk.text:
        return ()  # short, or a heading, or what stands in a plan
    begins = beginning(written, characters=LONG_CHARACTERS, language=language)
    if begins is None:
        return ()
    first, second = begins.text, written[len(begins.text) :].removeprefix(" ")
    texts = [saying(text, language, False).text for text in (first, second)]
    if not all(SPEAKABLE.search(text) and len(text) <= len(chunk.text) for text in texts):
        return ()
    pause: PauseClass = "sentence" if begins.ends_sentence else "none"
    return (
        replace(chunk, text=texts[0], written=_if_other(first, texts[0]), pause_after=pause, ends_turn=False),
        replace(chunk, text=texts[1], written=_if_other(second, texts[1])),
    )


def _if_other(written: str, text: str) -> str:
    return "" if written == text else written
