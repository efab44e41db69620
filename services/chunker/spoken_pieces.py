"""Cuts the written text of a block, and says each piece: what is spoken, beside what captions show.

Pure. The written pieces add up to the block; what is spoken keeps the same limit, and is never empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from services.chunker.documents.document import Omissions
from services.chunker.sentences import Piece, cut
from services.chunker.speakable import SPEAKABLE
from services.chunker.wording.notes import LeftOut
from services.chunker.wording.saying import Said
from shared.protocol.messages import CHUNK_TEXT_LIMIT_CHARACTERS

Saying = Callable[[str, str, bool], Said]
"""What is said for a written text, its language, and whether it is a heading."""

SMALLEST_LIMIT_CHARACTERS = 40
"""What `sentences.cut` needs to leave something to speak in each piece."""


@dataclass(frozen=True, slots=True)
class SpokenPiece:
    """A piece of a block.

    Attributes:
        text: what is spoken.
        written: what stands in the document.
        ends_sentence: False if the cut after it is inside a sentence.
        left_out: what of it is not spoken.
    """

    text: str
    written: str
    ends_sentence: bool
    left_out: tuple[LeftOut, ...] = ()


def as_written(text: str, language: str, heading: bool) -> Said:
    """Says a text as it stands."""
    del language, heading
    return Said(text)


def spoken_pieces(
    text: str,
    *,
    limit_characters: int,
    target_characters: int,
    language: str,
    heading: bool,
    saying: Saying,
    omissions: Omissions,
) -> list[SpokenPiece]:
    """The pieces of a block.

    A piece whose spoken form is over the limit is cut smaller; if it cannot be, it is spoken as it is written. One
    without anything to say becomes a part of its neighbour.

    Args:
        text: normalised, without decoration, with at least one letter or digit.
        limit_characters: neither the written nor the spoken form of a piece is longer; at least 40.
        target_characters: whole sentences are added to a piece only up to this length.
        language: BCP 47 tag.
        heading: whether it is a heading.
        saying: how it is said.
        omissions: gets what is not spoken.
    """
    said: list[SpokenPiece] = []
    for piece in cut(text, limit_characters=limit_characters, target_characters=target_characters, language=language):
        said += _said(piece, limit_characters, language, heading=heading, saying=saying)
    for each in (each for piece in said for each in piece.left_out):
        omissions.add(each.kind, each.reason, each.sample)
    return list(_joined(said, text))


def _said(piece: Piece, limit: int, language: str, *, heading: bool, saying: Saying) -> Iterator[SpokenPiece]:
    said = saying(piece.text, language, heading)
    if len(said.text) <= limit:
        yield SpokenPiece(said.text, piece.text, piece.ends_sentence, said.left_out)
        return
    length = len(piece.text)
    if length <= SMALLEST_LIMIT_CHARACTERS:
        yield SpokenPiece(piece.text, piece.text, piece.ends_sentence)
        return
    smaller = max(SMALLEST_LIMIT_CHARACTERS, min(length * limit // len(said.text), length - 1))
    parts = cut(piece.text, limit_characters=smaller, target_characters=smaller, language=language)
    for part in parts[:-1]:
        yield from _said(part, limit, language, heading=heading, saying=saying)
    last = Piece(parts[-1].text, piece.ends_sentence)
    yield from _said(last, limit, language, heading=heading, saying=saying)


def _joined(pieces: list[SpokenPiece], block: str) -> Iterator[SpokenPiece]:
    """Let a piece with nothing to say become the written end of the one before it, or the beginning of the first."""
    current: SpokenPiece | None = None
    begins = at = 0  # where the written form of the current piece begins, and how far the block has been read
    for piece in pieces:
        begin = at + 1 if block[at : at + 1] == " " else at
        at = begin + len(piece.written)
        is_silent = not SPEAKABLE.search(piece.text)
        if current is None:
            if is_silent:
                continue
            written = _within(block[begins:at], piece.written)
            current = replace(piece, written=written)
        elif is_silent:
            current = replace(
                current, written=_within(block[begins:at], current.written), ends_sentence=piece.ends_sentence
            )
        else:
            yield current
            begins, current = begin, piece
    if current is not None:
        yield current


def _within(written: str, otherwise: str) -> str:
    return written if len(written) <= CHUNK_TEXT_LIMIT_CHARACTERS else otherwise
