"""WebVTT captions from the timing manifest: a cue is a sentence or a part of one, never longer than two lines.

Inside a chunk, time is divided by characters: engines do not report when each word is spoken, and over a chunk of a
few seconds the error is a few tenths of one. Every cue begins where the previous one ends, and stays within its chunk.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sentencex

from services.assembler.timeline import Timeline
from shared.protocol.manifest import Manifest

LINE_COLUMNS = 65
"""The podcast namespace recommends at most 65 characters a line; a wide (CJK) character takes two columns."""
LINES_A_CUE = 2
_JOINER = "\N{ZERO WIDTH JOINER}"
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a chunk.

    Attributes:
        text: as it stands in the document.
        language: BCP 47 tag, for finding the ends of sentences.
        speaker: who says it; None: the narrator, or the text names the speaker itself.
    """

    text: str
    language: str
    speaker: str | None = None


def words_of(manifest: Manifest) -> list[Words]:
    """The words of each chunk of a job."""
    found = []
    for chunk in manifest.chunks:
        text = chunk.written or chunk.text
        speaker = None if chunk.speaker is None or text.startswith(f"{chunk.speaker}:") else chunk.speaker
        found.append(Words(text, chunk.language or manifest.language, speaker))
    return found


def webvtt(timeline: Timeline, words: Sequence[Words]) -> Iterator[str]:
    """The caption file, piece by piece; the speaker of a cue is a voice span (`<v NAME>`).

    Args:
        timeline: when each chunk is spoken.
        words: of each chunk.
    """
    yield "WEBVTT\n"
    for chunk, said in zip(timeline.chunks, words, strict=True):
        begin = round(1_000 * timeline.seconds(chunk.start))
        end = round(1_000 * timeline.seconds(chunk.start + chunk.frames))
        voice = f"<v {' '.join(said.speaker.split()).translate(_ESCAPES)}>" if said.speaker else ""
        for start, stop, lines in cues(said.text, said.language, begin, end):
            yield f"\n{timestamp(start)} --> {timestamp(stop)}\n"
            yield voice + "".join(line.translate(_ESCAPES) + "\n" for line in lines)


def cues(text: str, language: str, begin_ms: int, end_ms: int) -> list[tuple[int, int, list[str]]]:
    """Start, end (milliseconds) and lines of each cue of one chunk; together they contain exactly its words.

    Args:
        text: what is spoken.
        language: BCP 47 tag.
        begin_ms: when the chunk begins.
        end_ms: when it ends, without the pause after it.
    """
    blocks = [
        lines[at : at + LINES_A_CUE]
        for sentence in _sentences(text, language)
        for lines in [wrap(sentence)]
        for at in range(0, len(lines), LINES_A_CUE)
    ]
    weights = [sum(map(len, lines)) for lines in blocks]
    total = sum(weights)
    timed = []
    spoken, start = 0, begin_ms
    for lines, weight in zip(blocks, weights, strict=True):
        spoken += weight
        stop = begin_ms + (end_ms - begin_ms) * spoken // total
        timed.append((start, stop, lines))
        start = stop
    return _long_enough(timed)


def _long_enough(timed: list[tuple[int, int, list[str]]]) -> list[tuple[int, int, list[str]]]:
    """Drop cues with no duration (from an absurdly short chunk); their words go to a neighbouring cue."""
    if all(stop > start for start, stop, _ in timed):
        return timed
    return [(timed[0][0], max(timed[-1][1], timed[0][0] + 1), [line for _, _, lines in timed for line in lines])]


def _sentences(text: str, language: str) -> list[str]:
    """The sentences of a chunk, with white space reduced to single spaces as everywhere in the captions."""
    primary = language.split("-", 1)[0].lower()
    found = [" ".join(sentence.split()) for sentence in sentencex.segment(primary, text)]
    return [sentence for sentence in found if sentence]


def wrap(sentence: str) -> list[str]:
    """Lines of at most `LINE_COLUMNS` columns, as even as words allow; a longer word is split."""
    words = [piece for word in sentence.split() for piece in _cut(word)]
    rows = _fill(words, LINE_COLUMNS)
    if len(rows) == LINES_A_CUE:
        # Two even lines read better than a full one and a single word.
        return _fill(words, _even_width(words))
    return rows


def _even_width(words: Sequence[str]) -> int:
    """The smallest width at which the words fill two rows."""
    widths = list(map(columns, words))
    total = sum(widths) + len(widths) - LINES_A_CUE
    first, narrowest = -1, total
    for width in widths[:-1]:
        first += 1 + width
        narrowest = min(narrowest, max(first, total - first))
    return narrowest


def _fill(words: Sequence[str], width: int) -> list[str]:
    rows: list[str] = []
    used = 0
    for word in words:
        room = columns(word)
        if rows and used + 1 + room <= width:
            rows[-1] += " " + word
            used += 1 + room
        else:
            rows.append(word)
            used = room
    return rows


def _cut(word: str) -> Iterator[str]:
    if columns(word) <= LINE_COLUMNS:
        yield word
        return
    start = used = 0
    cut = 0  # the last position in the current piece where it may be cut
    for at, character in enumerate(word):
        if not (unicodedata.category(character).startswith("M") or _JOINER in word[max(0, at - 1) : at + 1]):
            cut = at
        if used + columns(character) > LINE_COLUMNS:
            cut = cut if cut > start else at
            yield word[start:cut]
            start, used = cut, columns(word[cut:at])
        used += columns(character)
    yield word[start:]


def columns(text: str) -> int:
    """Width on the screen: at least the number of characters, two for a wide one."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def timestamp(milliseconds: int) -> str:
    """`HH:MM:SS.mmm`, hours with as many digits as they need."""
    seconds, rest = divmod(milliseconds, 1_000)
    return f"{seconds // 3_600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"
