"""Makes a plan of a preview, so that the plan's audio is that of the job: each chunk becomes a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Final

from shared.plans.left_out import Together, together
from shared.plans.model import EXPLANATIONS, LEVELS_LIMIT, Block, ChapterMark, Comment, Item, PlanLine, SpeechPlan
from shared.plans.writing import lines_of, one_line
from shared.protocol.manifest import Omission
from shared.protocol.preview import Preview, PreviewChapter, PreviewChunk

INTRODUCTION: Final = Comment(
    EXPLANATIONS[0],
    (
        "Each line is spoken in one go; an empty line ends a paragraph. # begins a chapter.",
        "A line that begins with = is how the line before it is said; with +, it continues the sentence before it.",
        "What stands in comments like this one is not spoken. To have something of it spoken, delete the lines",
        "around it. A text that begins with one of these signs has a backslash before it.",
    ),
)
_INSIDE: Final = frozenset({"none", "sentence"})
_LEFT_OUT: Final = "left out; to have it spoken, delete this line and the one that ends the comment"


def plan_of(preview: Preview, everything: Preview | None = None, *, voice: str | None = None) -> SpeechPlan:
    """The plan of a preview.

    Args:
        preview: what is spoken.
        everything: the same document with all that can be read of it; what only this one has becomes comments, in its
            place. None: nothing does.
        voice: that was asked for; None: the one that is chosen when the plan is spoken.
    """
    header = {"title": preview.title, "author": preview.author, "language": preview.language}
    if voice:
        header["voice"] = voice
    items = list(_items(preview))
    if everything is not None:
        items = list(_with_comments(together(items, list(_items(everything)))))
    introduction: list[Item] = [INTRODUCTION]
    if preview.omissions:
        introduction.append(Comment(EXPLANATIONS[1], tuple(map(_omission, preview.omissions))))
    return SpeechPlan(
        (*introduction, *items), {name: one_line(value) for name, value in header.items() if one_line(value)}
    )


def _items(preview: Preview) -> Iterable[Item]:
    for chapter in preview.chapters:
        blocks = _blocks(chapter.chunks)
        first = blocks[0] if blocks else None
        level = min(chapter.level, LEVELS_LIMIT)
        if first is not None and first.is_heading and _is_title(first, chapter):
            line = first.lines[0]
            yield ChapterMark(line.text, level, say=line.say, language=first.language)
            blocks = blocks[1:]
        else:
            yield ChapterMark(one_line(chapter.title), level, is_spoken=False)
        yield from blocks


def _is_title(block: Block, chapter: PreviewChapter) -> bool:
    return len(block.lines) == 1 and block.lines[0].text == one_line(chapter.title) and block.speaker is None


def _blocks(chunks: Sequence[PreviewChunk]) -> list[Block]:
    found: list[Block] = []
    lines: list[PlanLine] = []
    before = ""
    for chunk, follower in zip_longest(chunks, chunks[1:]):
        lines.append(_line(chunk, goes_on=before == "none"))
        before = chunk.pause_after
        is_last = follower is None or (follower.speaker, follower.language) != (chunk.speaker, chunk.language)
        if before not in _INSIDE or is_last:
            found.append(Block(tuple(lines), before == "heading", chunk.speaker, chunk.language))
            lines, before = [], ""
    return found


def _line(chunk: PreviewChunk, *, goes_on: bool) -> PlanLine:
    return PlanLine(chunk.written or chunk.text, chunk.text if chunk.written else "", goes_on)


def _with_comments(found: Iterable[Together]) -> Iterable[Item]:
    for each in found:
        if each.left_out:
            lines: list[str] = []
            for item in each.left_out:
                lines += ([""] if lines else []) + lines_of(item)
            yield Comment(_LEFT_OUT, tuple(lines))
        if each.kept is not None:
            yield each.kept


def _omission(omission: Omission) -> str:
    sample = f": {one_line(omission.sample)}" if omission.sample else ""
    return one_line(f"{omission.count} {omission.kind} ({omission.reason}){sample}")
