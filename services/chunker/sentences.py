"""Cuts a paragraph into pieces that a speech engine speaks well.

Pure, and linear in the length of the paragraph. The pieces are slices of the paragraph: joined with the single spaces
between them, they are the paragraph.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import regex
import sentencex

from services.chunker.local_cuts import anchors, best
from services.chunker.speakable import SPEAKABLE, end_of_fewest_words

_CLAUSE_END = re.compile(
    "[,;:.!?\u2026\u060c\u061b\u061f\u06d4\u0964\u0965][\"'\u2019\u201d\u00bb)\\]]*(?= )"  # punctuation before a space
    "|[\u2013\u2014-](?= )"  # a dash before a space
    "|\u2014"  # an em dash anywhere
    "|[\u3001\u3002\uff0c\uff1b\uff1a\uff01\uff1f][\u300d\u300f\u3011\u201d\uff09]*"  # CJK: no spaces there
)
_AFTER_PUNCTUATION_IN_WORD = regex.compile(r"[^\w\s\p{M}](?=\w)|_(?=\w)")  # a virama joins letters
_SPACE = re.compile(" ")
_CLUSTER = regex.compile(r"\X")


@dataclass(frozen=True, slots=True)
class Piece:
    """A slice of a paragraph, synthesized in one call.

    Attributes:
        text: without white space at its edges.
        ends_sentence: False if the cut after it is inside a sentence.
    """

    text: str
    ends_sentence: bool


def cut(paragraph: str, *, limit_characters: int, target_characters: int, language: str) -> list[Piece]:
    """Cut a normalised paragraph into pieces.

    Sentences stay whole unless one alone is over the limit. They are combined up to the target; one of fewer than
    five words joins a neighbour up to the limit. An edit moves only cuts that are near it (`local_cuts`).

    Args:
        paragraph: normalised, without decoration, with at least one letter or digit.
        limit_characters: no piece is longer; at least 40.
        target_characters: whole sentences are added to a piece only up to this length.
        language: BCP 47 tag, for the abbreviations that do not end a sentence.
    """
    target = min(target_characters, limit_characters)
    pieces: list[Piece] = []
    start = end = 0  # the current piece, which may still grow; empty at first
    sentences = _sentences(paragraph, language)
    fixed = anchors(paragraph, sentences) if len(paragraph) > limit_characters else frozenset()
    for index, (begin, stop) in enumerate(sentences):
        if start == end:
            start, end = begin, stop
        else:
            # A sentence that is cut anyway may also take in a short one before it, which would otherwise join nothing.
            long = max(stop - begin, end - start) > limit_characters
            short = _is_short(paragraph, begin, stop) or _is_short(paragraph, start, end)
            fits = stop - start <= (limit_characters if short else target) and (short or index not in fixed)
            if fits or (short and long):
                end = stop
            else:
                pieces.append(Piece(paragraph[start:end], ends_sentence=True))
                start, end = begin, stop
        while end - start > limit_characters:
            at = _place_to_cut(paragraph, start, end, limit_characters)
            pieces.append(Piece(paragraph[start:at], ends_sentence=False))
            start = _after_space(paragraph, at)
    pieces.append(Piece(paragraph[start:end], ends_sentence=True))
    return pieces


def beginning(text: str, *, characters: int, language: str) -> Piece | None:
    """The first sentence of a text; of one more than twice as long as wanted, its beginning up to a clause's end.

    Args:
        text: such as a piece.
        characters: about how long the beginning may be.
        language: BCP 47 tag.

    Returns:
        None, unless there are enough words on both sides.
    """
    ends = [end for _, end in _sentences(text, language)[:-1]]
    at = next((end for end in ends if not _is_short(text, 0, end)), len(text))
    is_long = at > 2 * characters
    if is_long:
        at = min(_clause_ends(text, 0, at - 1), key=lambda end: abs(end - characters), default=len(text))
    if _is_short(text, at, len(text)) or not _is_boundary(text, at):
        return None
    return Piece(text[:at], ends_sentence=not is_long)


def _sentences(paragraph: str, language: str) -> list[tuple[int, int]]:
    """Start and end of each sentence, without the space between them; each has a letter or a digit."""
    parts = sentencex.segment(language.partition("-")[0].lower(), paragraph)
    if "".join(parts) != paragraph:  # never seen; then the paragraph is one long sentence, and nothing is lost
        parts = [paragraph]
    found: list[tuple[int, int]] = []
    start = position = 0
    for part in parts:
        position += len(part)
        end = position - 1 if part.endswith(" ") else position
        if found and not (SPEAKABLE.search(part) and _is_boundary(paragraph, position - len(part))):
            found[-1] = (found[-1][0], end)  # a lone quotation mark, an emoji, a combining mark
        elif SPEAKABLE.search(part):
            found.append((start, end))
        else:
            continue  # nothing to speak before the first sentence: it becomes the sentence's beginning
        start = position
    return found


def _is_short(paragraph: str, start: int, end: int) -> bool:
    return end_of_fewest_words(paragraph, start, end) is None


def _after_space(paragraph: str, at: int) -> int:
    return at + 1 if paragraph[at : at + 1] == " " else at


def _is_boundary(paragraph: str, at: int) -> bool:
    """Whether what follows `at` stands alone: it is not a mark or joiner that belongs to the character before it."""
    at = _after_space(paragraph, at)
    follows = paragraph[at : at + 1]  # a slice of one: a longer slice would make this quadratic
    return not (follows and (follows in "\u200c\u200d" or unicodedata.category(follows).startswith("M")))


def _place_to_cut(paragraph: str, start: int, end: int, limit: int) -> int:
    """Where to end the first piece of a text that is over the limit: at a clause, else at a space, else inside a word.

    Both sides keep a letter or a digit, which is always possible: no run without one is longer than
    `UNSPEAKABLE_RUN_LIMIT_CHARACTERS`. If two pieces are enough, they are about equal in length; otherwise what stands
    around a place in the last two fifths of the limit decides.
    """
    first = SPEAKABLE.search(paragraph, start)
    last = next(at for at in range(end - 1, start, -1) if SPEAKABLE.match(paragraph, at))
    lowest = first.end() if first else start + 1
    highest = min(start + limit, last)
    even = (start + end) // 2
    two_are_enough = end - start <= 2 * limit
    full = start + limit * 3 // 5
    for candidates in (_clause_ends, _spaces, _ends_of_punctuation, _ends_of_clusters):
        places = [at for at in candidates(paragraph, start, highest) if lowest <= at <= highest]
        places.sort(reverse=True)
        if two_are_enough:
            places.sort(key=lambda at: (end - _after_space(paragraph, at) > limit, abs(at - even)))
        elif near := [at for at in places if at >= full and _is_boundary(paragraph, at)]:
            return best(paragraph, near)
        for at in places:
            if _is_boundary(paragraph, at):
                return at
    return highest - 1 if paragraph[highest - 1] == " " else highest  # one grapheme cluster alone is over the limit


def _clause_ends(paragraph: str, start: int, highest: int) -> list[int]:
    """Ends of clauses that leave enough words in the piece."""
    enough = end_of_fewest_words(paragraph, start, highest)
    if enough is None:
        return []
    ends = (match.end() for match in _CLAUSE_END.finditer(paragraph, start, highest + 1))
    return [at for at in ends if at >= enough]


def _spaces(paragraph: str, start: int, highest: int) -> list[int]:
    return [match.start() for match in _SPACE.finditer(paragraph, start, highest + 1)]


def _ends_of_punctuation(paragraph: str, start: int, highest: int) -> list[int]:
    """Inside a word that is over the limit: after a slash, a dot, a hyphen, as in an address."""
    return [match.end() for match in _AFTER_PUNCTUATION_IN_WORD.finditer(paragraph, start, highest + 1)]


def _ends_of_clusters(paragraph: str, start: int, highest: int) -> list[int]:
    """Inside a word that is over the limit, or between ideographs: after any whole grapheme cluster."""
    return [match.end() for match in _CLUSTER.finditer(paragraph, start, highest + 1) if match.group() != " "]
