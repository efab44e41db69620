"""A plan as a document: exactly what it says is spoken, so nothing else in the chunker changes it."""

from __future__ import annotations

from services.chunker.documents.document import Block, ChapterStart, Document, Heading, Omissions, Paragraph
from shared.plans.model import EXPLANATIONS, ChapterMark, Comment, PlanLine
from shared.plans.model import Block as PlannedBlock
from shared.plans.parsing import parse

_REASON = "commented out in the plan"


def read(text: str) -> Document:
    """The document of a plan.

    Raises:
        BadSource: a line is not understood; the message names it.
    """
    plan = parse(text)
    blocks: list[Block] = []
    omissions = Omissions()
    for item in plan.items:
        match item:
            case Comment(label=label, lines=lines):
                if (sample := next((line for line in lines if line), "")) and label not in EXPLANATIONS:
                    omissions.add("comment", _REASON, sample)
            case ChapterMark(is_spoken=True):
                line = PlanLine(item.title, item.say)
                blocks.append(Heading(item.title, item.level, language=item.language, lines=(line,)))
            case ChapterMark():
                blocks.append(ChapterStart(item.title, item.level))
            case PlannedBlock():
                blocks.append(_block(item))
    return Document(
        blocks=tuple(blocks),
        title=plan.header.get("title"),
        author=plan.header.get("author"),
        language=plan.header.get("language"),
        omissions=tuple(omissions),
        voice=plan.header.get("voice"),
        is_exact=True,
    )


def _block(item: PlannedBlock) -> Block:
    text = " ".join(line.text for line in item.lines)
    if item.is_heading:
        return Heading(text, 1, starts_chapter=False, language=item.language, lines=item.lines)
    return Paragraph(text, language=item.language, speaker=item.speaker, lines=item.lines)
