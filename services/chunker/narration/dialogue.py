"""Finds who speaks in a script: paragraphs that begin with a name and a colon.

    HOST: Welcome to the show.

    GUEST: Thank you. It is good to be here.

Many documents have paragraphs that begin with a word and a colon ("Note: …", "Default: 5"), and such a word must not
get a voice of its own. So a document is taken for a script only if several names come again and again, take turns, and
say sentences; or if the job maps one of the names to a voice.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.chunker.documents.document import Block, Document, Paragraph
from shared.protocol.narration import SPEAKER_LIMIT_CHARACTERS

_NAME_CHARACTERS: Final = 40
_NAME_WORDS: Final = 5
_LINE: Final = re.compile(
    r"([^\s:=\[\](){}<>\"|/\\,;.!?][^:=\[\](){}<>\"|/\\,;!?]{0,63}?)(?:\s*[(\[][^)\]:]{1,60}[)\]])?:\s+(?=\S)"
)
_NOT_IN_NAMES: Final = re.compile(r"[\x00-\x1f\x7f-\x9f:=\ud800-\udfff]+")
_SENTENCE_END: Final = re.compile(r"[.!?\u2026\u3002\uff01\uff1f\u2013\u2014-][\"'\u2019\u201d\u00bb)\]]*$")

_LEAST_LINES: Final = 4
_LEAST_TURNS_SHARE: Final = 0.3
"""Of the lines, those whose speaker is another than the one before. In a list of labels it is high, too."""
_LEAST_SENTENCES_SHARE: Final = 0.7
_LEAST_DENSITY: Final = 0.5
"""Of the paragraphs from the first such line to the last one."""

_LABEL_WORDS: Final = """
note notes warning caution danger important tip hint example examples remark attention info information definition
theorem lemma proof corollary figure table listing chapter section part appendix see source sources reference references
update edit todo fixme bug added changed fixed removed deprecated security summary abstract keywords title author
authors date subject from to cc version license copyright contents input output returns return raises arguments
parameters default type usage syntax name description value required optional step problem solution conclusion result
results ingredients directions pros cons advantages disadvantages price address phone email url
hinweis achtung warnung wichtig tipp beispiel anmerkung bemerkung satz beweis abbildung tabelle quelle zusammenfassung
zutaten zubereitung vorteile nachteile remarque exemple astuce tableau nota ejemplo aviso consejo advertencia figura
tabla fuente esempio avviso tabella fonte exemplo tabela let voorbeeld opmerking waarschuwing uwaga
"""
_LABELS: Final = frozenset(_LABEL_WORDS.split())
"""What often stands before a colon and is nobody."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A paragraph that begins with a name.

    Attributes:
        place: index of its block.
        name: as it is written.
        said: what follows the colon.
    """

    place: int
    name: str
    said: str

    @property
    def key(self) -> str:
        return self.name.casefold()


def with_speakers(document: Document, mapped: Collection[str] = ()) -> Document:
    """The document with a speaker for each paragraph of a script; unchanged if it is none.

    A paragraph without a name belongs to whoever spoke last, unless it stands in brackets or follows a heading.

    Args:
        document: paragraphs that have a speaker already, as in transcripts, keep theirs.
        mapped: names that the job has a voice for.
    """
    document = replace(document, blocks=tuple(map(_with_clean_speaker, document.blocks)))
    wanted = {name.casefold() for name in mapped}
    found = (_line(place, block, wanted) for place, block in enumerate(document.blocks))
    lines = [line for line in found if line is not None]
    names = _speakers(document.blocks, lines, wanted)
    if not names:
        return document
    named = {line.place: line for line in lines if line.key in names}
    spelled: dict[str, str] = {}
    blocks: list[Block] = []
    speaker: str | None = None
    for place, block in enumerate(document.blocks):
        line = named.get(place)
        if line is not None and isinstance(block, Paragraph):
            speaker = spelled.setdefault(line.key, line.name)
            blocks.append(replace(block, text=line.said, speaker=speaker))
            continue
        if not isinstance(block, Paragraph) or block.speaker is not None:
            speaker = None
        elif block.role != "paragraph" or block.text.lstrip()[:1] in {"(", "[", "*"}:
            pass  # a stage direction, a list: the narrator's, and then the turn goes on
        elif speaker is not None:
            blocks.append(replace(block, speaker=speaker))
            continue
        blocks.append(block)
    return replace(document, blocks=tuple(blocks))


def speakers(document: Document) -> list[str]:
    """Who speaks, in order of their first words."""
    found = (block.speaker for block in document.blocks if isinstance(block, Paragraph) and block.speaker)
    return list(dict.fromkeys(found))


def narrator_speaks(document: Document) -> bool:
    """Whether some of the text is said by nobody: headings do not count, since they are few."""
    return any(isinstance(block, Paragraph) and block.speaker is None for block in document.blocks)


def with_names(document: Document, has_own_voice: Callable[[str], bool]) -> Document:
    """The document in which the names of speakers without a voice of their own are spoken when their turn comes."""
    blocks: list[Block] = []
    before: str | None = None
    for block in document.blocks:
        speaker = block.speaker if isinstance(block, Paragraph) else None
        if isinstance(block, Paragraph) and speaker is not None and speaker != before and not has_own_voice(speaker):
            blocks.append(replace(block, text=f"{speaker}: {block.text}"))
        else:
            blocks.append(block)
        before = speaker
    return replace(document, blocks=tuple(blocks))


def _with_clean_speaker(block: Block) -> Block:
    """A speaker's name as a manifest can have it."""
    if not isinstance(block, Paragraph) or block.speaker is None:
        return block
    name = " ".join(_NOT_IN_NAMES.sub(" ", block.speaker).split())[:SPEAKER_LIMIT_CHARACTERS].strip()
    return block if name == block.speaker else replace(block, speaker=name or None)


def _line(place: int, block: Block, mapped: Collection[str]) -> _Line | None:
    if not isinstance(block, Paragraph) or block.speaker is not None or block.role not in {"paragraph", "item"}:
        return None
    found = _LINE.match(block.text[: 3 * _NAME_CHARACTERS])
    if found is None:
        return None
    name = " ".join(found[1].split())
    words = name.split(" ")
    is_short = len(name) <= _NAME_CHARACTERS and len(words) <= _NAME_WORDS
    if name.casefold() not in mapped and not (is_short and _is_name(words)):
        return None
    return _Line(place, name, block.text[found.end() :])


def _is_name(words: Sequence[str]) -> bool:
    """Whether it is written like a name: `HOST`, `Dr. Smith`, `Ana de la Cruz`, `Speaker 2`, `山田`."""
    if not any(character.isalpha() for character in words[0]):
        return False
    starts = [word[0] for word in words]
    if starts[0].islower() or words[0].casefold().rstrip("s") in _LABELS or words[0].casefold() in _LABELS:
        return False
    small = sum(start.islower() for start in starts)
    return small * 2 <= len(words)


def _speakers(blocks: Sequence[Block], lines: Sequence[_Line], mapped: Collection[str]) -> set[str]:
    """The names that are speakers."""
    counts = Counter(line.key for line in lines)
    wanted = {name for name in counts if name in mapped}
    recurring = {name for name, count in counts.items() if count > 1} | wanted
    script = [line for line in lines if line.key in recurring]
    if wanted:
        return recurring if _takes_turns(script) else wanted
    if len(script) < _LEAST_LINES or len({line.key for line in script}) < 2 or not _takes_turns(script):  # noqa: PLR2004 - a dialogue has two sides
        return set()
    sentences = sum(bool(_SENTENCE_END.search(line.said.rstrip()[-8:])) for line in script)
    between = blocks[script[0].place : script[-1].place + 1]
    paragraphs = sum(isinstance(block, Paragraph) for block in between)
    if sentences < _LEAST_SENTENCES_SHARE * len(script) or len(script) < _LEAST_DENSITY * paragraphs:
        return set()
    # In what is clearly a script, a name that comes once is somebody who speaks once.
    once = {line.key for line in lines if script[0].place < line.place < script[-1].place}
    return recurring | (once if len(script) > 2 * len(once - recurring) else set())


def _takes_turns(script: Sequence[_Line]) -> bool:
    turns = sum(one.key != other.key for one, other in itertools.pairwise(script))
    return turns >= _LEAST_TURNS_SHARE * max(1, len(script) - 1)
