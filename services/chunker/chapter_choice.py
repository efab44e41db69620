"""Keeps only the chapters that a job wants (`narration.chapters`). Pure.

Chapters have the numbers that a preview of the whole document shows, so the choice is made after everything else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from services.chunker.documents.document import Omissions
from services.chunker.splitting import Split
from shared.errors import BadSource
from shared.protocol.manifest import Chapter

_SHOWN_CHAPTERS: Final = 20
_SHOWN_CHARACTERS: Final = 60
_REASON: Final = "other chapters were chosen"


def chosen(split: Split, ranges: str | None) -> Split:
    """The split with only some of its chapters; `numbers` says which they were.

    Args:
        split: of the whole document.
        ranges: as in `2-5,7,9-`; None: all chapters.

    Raises:
        BadSource: the document has no such chapter.
    """
    if ranges is None:
        return split
    wanted = _numbers(ranges, split.chapters)
    first_of = {number: index for index, number in enumerate(sorted(wanted))}
    chunks = [
        replace(chunk, chapter=first_of[chunk.chapter + 1]) for chunk in split.chunks if chunk.chapter + 1 in wanted
    ]
    chunks[-1] = replace(chunks[-1], pause_after="none", ends_turn=False)
    starts: dict[int, int] = {}
    for index, chunk in enumerate(chunks):
        starts.setdefault(chunk.chapter, index)
    chapters = tuple(
        split.chapters[number - 1].model_copy(update={"first_chunk": starts[index]})
        for number, index in first_of.items()
    )
    omissions = Omissions(split.omissions)
    others = [chapter for number, chapter in enumerate(split.chapters, 1) if number not in wanted]
    if others:
        omissions.add("chapter", _REASON, others[0].title, count=len(others))
    return replace(
        split, chunks=tuple(chunks), chapters=chapters, omissions=tuple(omissions), numbers=tuple(sorted(wanted))
    )


def _numbers(ranges: str, chapters: tuple[Chapter, ...]) -> set[int]:
    found: set[int] = set()
    for part in ranges.split(","):
        first, dash, last = part.partition("-")
        begin, end = int(first), int(last or (len(chapters) if dash else first))
        if begin > len(chapters) or end > len(chapters):
            raise _no_such(str(begin if begin > len(chapters) else end), chapters)
        if begin > end:
            raise BadSource(f"The chapters {part} go backwards.", hint=f"Write {end}-{begin}.")
        found.update(range(begin, end + 1))
    return found


def _no_such(number: str, chapters: tuple[Chapter, ...]) -> BadSource:
    titles = [f"{place} {chapter.title[:_SHOWN_CHARACTERS]}" for place, chapter in enumerate(chapters, 1)]
    listed = "; ".join(titles[:_SHOWN_CHAPTERS])
    if len(titles) > _SHOWN_CHAPTERS:
        listed += f"; and {len(titles) - _SHOWN_CHAPTERS} more, which `podcast preview` shows"
    several = f"The document has {len(titles)} chapters" if len(titles) > 1 else "The document has one chapter"
    return BadSource(f"There is no chapter {number}.", hint=f"{several}: {listed}.")
