"""Which language a document is in, and which of its passages are in another one.

The unit is a block. What the job says counts most; then what the document states, unless its text is clearly in another
language; then what the text looks like. A passage needs evidence of its own: a short block takes the language of the
blocks around it, since a wrong voice in the middle of a text is worse than an accent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.chunker.documents.document import Block, Document, Heading, Paragraph
from services.chunker.narration.guessing import (
    SAMPLE_CHARACTERS,
    UNDECIDED,
    Evidence,
    Guess,
    alike,
    guess,
    guess_long,
    likelier,
)
from shared.languages import normalised, primary, shown

DEFAULT_LANGUAGE: Final = "en"

_DOCUMENT: Final = Evidence(letters=20, probability=0.9)
"""What a block must have to be counted when the language of the whole is looked for."""
_MAIN_SHARE: Final = 0.5
_CONTRADICTION_SHARE: Final = 0.8
_CONTRADICTION_LETTERS: Final = 150
"""How much of a text, and how much text, must be in another language than its document states."""
_TITLE: Final = 10.0
"""How many times likelier a title must be in the language of most of the text than in the stated one, to count with it.
Tools that make books of translations often state the language of the original."""

_ALONE: Final = Evidence(letters=60, probability=0.97)
"""A passage of one block."""
_NEAR: Final = Evidence(letters=25, probability=0.9)
"""A block beside one that is in the same other language."""
_WEAK: Final = Evidence(letters=15, probability=0.8)
"""A block that is in the language of the document after all."""
_CLOSE: Final = Evidence(letters=150, probability=0.99)
"""A passage in a language that is easily taken for the document's own."""
_SURE: Final = Evidence(letters=120, probability=0.98)
"""A block that is in another language than its own mark says."""
_BETWEEN: Final = 0.3
"""How many times likelier in its language than in the document's own a block between passages must be, at least."""
_BEFORE: Final = 1.5
"""The same for a heading before one."""
_SAMPLES: Final = 5

_GUESSES_LIMIT: Final = 20_000
"""Blocks that are looked at; a job has no more chunks by default."""


@dataclass(frozen=True, slots=True)
class InLanguages:
    """A document whose languages are known.

    Attributes:
        document: each block in another language than the document's has that language.
        language: BCP 47 tag of the document.
        warnings: where what was said and what was found differ.
    """

    document: Document
    language: str
    warnings: tuple[str, ...] = ()


def in_languages(document: Document, said: str | None) -> InLanguages:
    """Find the language of a document and of its passages.

    Args:
        document: as it was read; the marks of its blocks are kept if they may be right.
        said: what the job says that the language is.
    """
    stated = normalised(document.language)
    if document.is_exact and (main := said or stated):
        return _as_stated(document, normalised(main) or main)
    guesses = _guesses(document.blocks)
    found, share, letters = _majority(guesses)
    is_clear = letters >= _CONTRADICTION_LETTERS and (
        share >= _CONTRADICTION_SHARE or (share > _MAIN_SHARE and _is_titled_in(document.title, found, than=stated))
    )
    warnings: tuple[str, ...] = ()
    also_main = ""
    if said:
        main = normalised(said) or said
        if share > _MAIN_SHARE and not alike(found, main):
            also_main = found  # whoever says so hears all of it in one voice
            warnings = (f"The job says that the text is in {shown(main)}, but it seems to be in {shown(found)}.",)
    elif stated and not (is_clear and not alike(found, stated)):
        main = stated
    elif stated:
        main = found
        contradiction = f"The document says that it is in {shown(stated)}, but its text is in {shown(found)}"
        warnings = (f"{contradiction}, which counts. If that is wrong, say --language {stated}.",)
    else:
        main = found if share > _MAIN_SHARE else DEFAULT_LANGUAGE
    languages = _passages(document.blocks, guesses, main, also_main)
    blocks = tuple(map(_marked, document.blocks, languages))
    return InLanguages(replace(document, blocks=blocks), main, warnings)


def _is_titled_in(title: str | None, language: str, than: str | None) -> bool:
    return bool(title and than) and likelier(title or "", language, than=than or "") >= _TITLE


def _as_stated(document: Document, main: str) -> InLanguages:
    languages = ((normalised(getattr(block, "language", None)) or "") for block in document.blocks)
    marks = ["" if primary(tag) == primary(main) else tag for tag in languages]
    return InLanguages(replace(document, blocks=tuple(map(_marked, document.blocks, marks))), main)


def _guesses(blocks: Sequence[Block]) -> list[Guess]:
    """A guess for each block; code is in no language."""
    left = _GUESSES_LIMIT
    found = []
    for block in blocks:
        looks = left > 0 and isinstance(block, (Heading, Paragraph)) and getattr(block, "role", "") != "code"
        one = guess(block.text) if looks and isinstance(block, (Heading, Paragraph)) else UNDECIDED
        left -= one is not UNDECIDED
        found.append(one)
    return found


def _majority(guesses: Sequence[Guess]) -> tuple[str, float, int]:
    """The language of most of the text: code, share of the letters that are decided, their number."""
    totals: Counter[str] = Counter()
    for one in guesses:
        if one.is_sure(_DOCUMENT):
            totals[one.language] += one.letters
    if not totals:
        return "", 0.0, 0
    language, letters = totals.most_common(1)[0]
    return language, letters / totals.total(), letters


def _passages(blocks: Sequence[Block], guesses: Sequence[Guess], main: str, also_main: str) -> list[str]:
    """The language of each block; "" for the document's own."""
    own = {primary(main), primary(also_main)}
    languages = [_alone(block, one, own) for block, one in zip(blocks, guesses, strict=True)]
    texts = [at for at, block in enumerate(blocks) if isinstance(block, (Heading, Paragraph))]
    for order in (texts, texts[::-1]):  # a neighbour before it, then one after it
        before = ""
        for at in order:
            one = guesses[at]
            if not languages[at] and before and primary(before) == one.language and one.is_sure(_NEAR):
                languages[at] = before
            before = languages[at]
    _smooth(texts, blocks, guesses, languages, own)
    return languages


def _alone(block: Block, one: Guess, own: set[str]) -> str:
    """The language of a block as far as it and its mark tell; "" for the document's own."""
    if not isinstance(block, (Heading, Paragraph)):
        return ""
    mark = normalised(block.language)
    if mark:
        if one.is_sure(_SURE) and not alike(one.language, mark) and _is_throughout(block, one):
            return "" if one.language in own else one.language
        return "" if primary(mark) in own else mark
    if one.language in own:
        return ""
    is_close = any(alike(one.language, each) for each in own)
    is_sure = one.is_told_apart(_CLOSE) if is_close else one.is_sure(_ALONE)
    return one.language if is_sure and _is_throughout(block, one) else ""


def _is_throughout(block: Heading | Paragraph, one: Guess) -> bool:
    """Whether not only the beginning of a block is in this language: it may begin with a quotation."""
    if len(block.text) <= SAMPLE_CHARACTERS:
        return True
    return guess_long(block.text, samples=_SAMPLES).language == one.language


def _smooth(
    texts: Sequence[int], blocks: Sequence[Block], guesses: Sequence[Guess], languages: list[str], own: set[str]
) -> None:
    """Give blocks that are too short to tell the language of what they belong to.

    These are blocks between two passages in one language, and a heading right before a passage. A half-translated
    manual has headings in its own language before paragraphs in another, so they have to look like the passage.
    """

    def is_open(at: int) -> bool:
        one = guesses[at]
        return not languages[at] and not (one.language in own and one.is_sure(_WEAK))

    def fits(at: int, language: str, least: float) -> bool:
        block = blocks[at]
        return isinstance(block, (Heading, Paragraph)) and all(
            likelier(block.text, language, than=each) >= least for each in own if each
        )

    place = 0
    while place < len(texts):
        end = place
        while end < len(texts) and is_open(texts[end]):
            end += 1
        if end == place:
            place += 1
            continue
        before = languages[texts[place - 1]] if place else ""
        after = languages[texts[end]] if end < len(texts) else ""
        if before and before == after:
            for at in texts[place:end]:
                if fits(at, before, _BETWEEN):
                    languages[at] = before
        elif after and isinstance(blocks[texts[end - 1]], Heading) and fits(texts[end - 1], after, _BEFORE):
            languages[texts[end - 1]] = after
        place = end


def _marked(block: Block, language: str) -> Block:
    if not isinstance(block, (Heading, Paragraph)) or (block.language or "") == language:
        return block
    return replace(block, language=language or None)
