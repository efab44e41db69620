"""Cuts a paragraph of a plan: each line is a piece, however its author has cut it, unless it is too long. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.chunker.documents.document import Omissions
from services.chunker.sentences import cut
from services.chunker.speakable import SPEAKABLE, leave_out_decoration, normalise
from services.chunker.spoken_pieces import Saying, SpokenPiece, spoken_pieces
from shared.plans.model import PlanLine

_SILENT = "a line of the plan without a letter or a digit to speak"


def pieces(
    lines: Sequence[PlanLine],
    *,
    limit_characters: int,
    target_characters: int,
    language: str,
    heading: bool,
    saying: Saying,
    omissions: Omissions,
) -> list[SpokenPiece]:
    """The pieces of a paragraph. Takes what `spoken_pieces` takes, and lines in place of a text."""
    del target_characters  # whoever has made the lines has decided
    found: list[SpokenPiece] = []
    for line in lines:
        spoken = leave_out_decoration(normalise(line.say or line.text))[0]
        if not spoken:
            omissions.add("line", _SILENT, line.text)
            continue
        if found and line.goes_on:
            found[-1] = replace(found[-1], ends_sentence=False)
        if line.say:
            found += _as_said(spoken, normalise(line.text), limit_characters, language)
        else:
            found += spoken_pieces(
                spoken,
                limit_characters=limit_characters,
                target_characters=limit_characters,
                language=language,
                heading=heading,
                saying=saying,
                omissions=omissions,
            )
    return found


def _as_said(say: str, written: str, limit_characters: int, language: str) -> list[SpokenPiece]:
    """What is said for a line. If it has to be cut, captions show what is said: nothing tells where the line is cut."""
    if len(say) <= limit_characters:
        return [SpokenPiece(say, written if SPEAKABLE.search(written) else say, ends_sentence=True)]
    parts = cut(say, limit_characters=limit_characters, target_characters=limit_characters, language=language)
    return [SpokenPiece(part.text, part.text, part.ends_sentence) for part in parts]
