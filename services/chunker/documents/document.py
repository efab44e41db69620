"""The document that every reader makes, whatever the source format.

A flat sequence of typed blocks in reading order. What is not spoken is counted in `omissions` with
the reason, so that nothing is lost silently. Texts are as in the source; `speakable.normalise` comes later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from shared.plans.model import PlanLine
from shared.protocol.manifest import Omission

SAMPLE_LENGTH_CHARACTERS = 80
"""How much of an omitted piece is shown in the manifest: enough to recognise it."""


Role = Literal["paragraph", "item", "term", "quote", "code"]
"""What a paragraph is in its document."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; spoken on its own.

    Attributes:
        text: its words.
        level: 1 is the highest.
        starts_chapter: whether a chapter with this title begins here; False if a table of contents says otherwise.
        language: BCP 47 tag, where the source marks it as another than the document's.
        lines: of a plan, which says how it is cut; empty: as the rules cut it.
    """

    text: str
    level: int
    starts_chapter: bool = True
    language: str | None = None
    lines: tuple[PlanLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph, or what is spoken like one.

    Attributes:
        text: its words.
        role: what it is in the document.
        language: BCP 47 tag, where the source marks it as another than the document's.
        speaker: who says it, in a dialogue; the name is not part of the text.
        lines: of a plan, which says how it is cut; empty: as the rules cut it.
    """

    text: str
    role: Role = "paragraph"
    language: str | None = None
    speaker: str | None = None
    lines: tuple[PlanLine, ...] = ()


@dataclass(frozen=True, slots=True)
class ChapterStart:
    """A chapter of the table of contents begins here. The title is not spoken here."""

    title: str
    level: int


@dataclass(frozen=True, slots=True)
class Anchor:
    """A position that a table of contents can point to. Readers remove it before they return the document."""

    name: str


@dataclass(frozen=True, slots=True)
class Section:
    """From here on the document says itself what kind of matter it is; "" is the text itself.

    Readers remove it before they return the document, once it is decided what is read.
    """

    kind: str


Block = Heading | Paragraph | ChapterStart | Anchor | Section


@dataclass(frozen=True, slots=True)
class Document:
    """A document that can be split.

    Attributes:
        blocks: in reading order.
        title: from its metadata or its first heading; None if it has neither.
        author: from its metadata.
        language: BCP 47 tag from its metadata.
        omissions: what is not spoken, and why.
        repairs: what was wrong with the file, and how it was read after all; each a sentence.
        voice: that it names for itself, as a plan does.
        is_exact: its blocks are what is spoken, as in a plan: nothing in it is guessed or left out any more.
        site: the name of the site that published it.
    """

    blocks: tuple[Block, ...]
    title: str | None = None
    author: str | None = None
    language: str | None = None
    omissions: tuple[Omission, ...] = ()
    repairs: tuple[str, ...] = ()
    voice: str | None = None
    is_exact: bool = False
    site: str | None = None

    @property
    def characters(self) -> int:
        """Length of everything that may be spoken, before normalisation."""
        return sum(len(block.text) for block in self.blocks if isinstance(block, (Heading, Paragraph)))


@dataclass(frozen=True, slots=True)
class Article:
    """The article in a web page.

    Attributes:
        html: the article alone.
        title: the article's; None if the page names none.
        author: None if the page names none.
        language: BCP 47 tag from the page.
        omissions: what is left out of the page, and why.
        site: the name of the site.
        picture: the address of the picture that stands for it.
    """

    html: str
    title: str | None
    author: str | None
    language: str | None
    omissions: tuple[Omission, ...] = ()
    site: str | None = None
    picture: str = ""


class Omissions:
    """Counts what is left out, with one entry for each kind and reason."""

    def __init__(self, already: tuple[Omission, ...] = ()) -> None:
        self._found = {(omission.kind, omission.reason): omission for omission in already}

    def add(self, kind: str, reason: str, sample: str = "", *, count: int = 1) -> None:
        """Record that something is left out.

        Args:
            kind: code, table, footnote, …
            reason: why it is not spoken.
            sample: its text; the beginning of the first one is kept.
            count: how many.
        """
        before = self._found.get((kind, reason))
        if before is None:
            # Lone surrogates could not be written as UTF-8.
            shown = " ".join(sample[: 4 * SAMPLE_LENGTH_CHARACTERS].split()).encode("utf-8", "replace").decode()
            before = Omission(kind=kind, reason=reason, count=count, sample=shown[:SAMPLE_LENGTH_CHARACTERS])
        else:
            before = before.model_copy(update={"count": before.count + count})
        self._found[(kind, reason)] = before

    def take_over(self, others: Iterable[Omission]) -> None:
        """Add what another document or a part of this one leaves out."""
        for omission in others:
            self.add(omission.kind, omission.reason, omission.sample, count=omission.count)

    def __iter__(self) -> Iterator[Omission]:
        return iter(self._found.values())
