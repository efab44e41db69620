"""Transcripts with timings, SRT and WebVTT: what is said, joined to sentences, with its speakers."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from services.chunker.documents.document import Document, Omissions, Paragraph

_TIMING = re.compile(
    r"\s*(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})\s*-->\s*(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})(?:\s.{0,200})?"
)
_VOICE = re.compile(r"<v(?:\.[^\s>]{0,50})?\s([^>]{1,100})>")
_TAG = re.compile(r"</?[a-zA-Z0-9.:_ -]{0,100}>|\{\\?[^{}\n]{0,100}\}")
_NAME = re.compile(r"(?P<name>[^\W\d_][\w .'\u2019-]{0,38}):\s+(?=\S)|>>\s?(?P<other>[^\W\d_][\w .'\u2019-]{0,38}):\s+")
_TURN = re.compile(r"(?:-|\u2013|\u2014|>>+)\s?")
_SOUND = re.compile(
    r"\[[^\[\]\n]{1,200}\]|\([^()\n]{1,80}\)(?=\s*$)|[\u266a\u266b#][^\u266a\u266b#\n]{0,300}[\u266a\u266b#]|[\u266a\u266b]"
)
_SENTENCE_END = re.compile(r"[.!?\u2026\u3002][\"'\u2019\u201d\u00bb)\]]{0,3}$")
_SIDE_BLOCK = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|$)")
_PAUSE_SECONDS = 3.0
"""A longer silence between two cues begins a paragraph."""

_PARAGRAPH_CHARACTERS = 600
"""A paragraph that has become so long ends with its sentence."""

_FEWEST_NAMES = 2
_SOUND_REASON = "a sound or music is described, not said"
_SIDE_REASON = "notes and styles of the transcript are not said"


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown from one time to another.

    Attributes:
        start: seconds.
        end: seconds.
        lines: what is shown.
    """

    start: float
    end: float
    lines: tuple[str, ...]


def read(text: str) -> Document:
    """The document of a transcript; its title and language as far as a WebVTT header names them."""
    omissions = Omissions()
    unix = text.replace("\r\n", "\n").replace("\r", "\n")
    header, cues = _cues(unix.split("\n"), omissions)
    said = list(_utterances(cues, omissions))
    return Document(
        blocks=tuple(_paragraphs(said)),
        title=header.get("title"),
        language=header.get("language"),
        omissions=tuple(omissions),
    )


def _cues(lines: list[str], omissions: Omissions) -> tuple[dict[str, str], list[Cue]]:
    header, at = _header(lines)
    cues: list[Cue] = []
    while at < len(lines):
        match = _TIMING.fullmatch(lines[at][:400]) if "-->" in lines[at] else None
        is_side = match is None and _SIDE_BLOCK.match(lines[at]) and (at == 0 or not lines[at - 1].strip())
        if is_side:
            omissions.add("note", _SIDE_REASON, lines[at])
        at += 1
        if match is None and not is_side:
            continue
        shown: list[str] = []
        while at < len(lines) and lines[at].strip() and (is_side or "-->" not in lines[at]):
            shown.append(lines[at].strip())
            at += 1
        if match is not None:
            if at < len(lines) and "-->" in lines[at] and shown and shown[-1].isdigit():
                shown.pop()  # the number of the next cue, without a blank line before it
            parts = [int(part or 0) for part in match.groups()]
            cues.append(Cue(_seconds(parts[:4]), _seconds(parts[4:]), tuple(shown)))
    return header, cues


def _header(lines: list[str]) -> tuple[dict[str, str], int]:
    """The fields of a WebVTT header, and where it ends."""
    header: dict[str, str] = {}
    if not lines or not lines[0].lstrip("\ufeff").startswith("WEBVTT"):
        return header, 0
    if title := lines[0].lstrip("\ufeff").removeprefix("WEBVTT").strip(" -\t"):
        header["title"] = title
    at = 1
    while at < len(lines) and lines[at].strip() and "-->" not in lines[at]:
        name, found, value = lines[at].partition(":")
        if found and value.strip():
            header.setdefault(name.strip().lower(), value.strip())
        at += 1
    return header, at


def _seconds(parts: list[int]) -> float:
    hours, minutes, seconds, thousandths = parts
    return 3_600 * hours + 60 * minutes + seconds + thousandths / 1_000


@dataclass(frozen=True, slots=True)
class Utterance:
    """A line of a cue.

    Attributes:
        name: who says it; "" if it is not named.
        words: what is said.
        is_tagged: the name stands in a tag, so that it is surely one.
        pause: it comes after a silence.
        is_turn: it begins with a dash, as another speaker's words do.
    """

    name: str
    words: str
    is_tagged: bool
    pause: bool
    is_turn: bool


def _utterances(cues: list[Cue], omissions: Omissions) -> Iterator[Utterance]:
    shown: tuple[str, ...] = ()
    end = 0.0
    for cue in cues:
        new = tuple(line for line in cue.lines if line not in shown)  # captions that roll repeat the line before
        shown = cue.lines
        pause = cue.start - end > _PAUSE_SECONDS
        end = cue.end
        for line in new:
            voice = _VOICE.search(line)
            words = html.unescape(_TAG.sub("", _VOICE.sub("", line)))
            for sound in _SOUND.findall(words):
                omissions.add("sound", _SOUND_REASON, sound)
            words = " ".join(_SOUND.sub(" ", words).split())
            name = " ".join(voice[1].split()) if voice else ""
            named = _NAME.match(words) if not name else None
            turn = _TURN.match(words) if named is None else None
            if named is not None:
                name, words = (named["name"] or named["other"]).strip(), words[named.end() :]
            elif turn is not None:
                words = words[turn.end() :]
            if words:
                yield Utterance(name, words, voice is not None, pause, turn is not None)
                pause = False


def _paragraphs(said: list[Utterance]) -> Iterator[Paragraph]:
    counts = Counter(each.name for each in said if each.name)
    names = {each.name for each in said if each.is_tagged} | {
        name for name, count in counts.items() if count >= _FEWEST_NAMES or name.isupper()
    }
    part: list[str] = []
    speaker = ""
    length = 0
    for each in said:
        is_known = each.name in names
        words = each.words if is_known or not each.name else f"{each.name}: {each.words}"
        other = is_known and each.name != speaker
        full = length > _PARAGRAPH_CHARACTERS and _SENTENCE_END.search(part[-1]) is not None
        if part and (other or each.is_turn or (each.pause and not is_known) or full):
            yield Paragraph(" ".join(part), speaker=speaker or None)
            part, length = [], 0
        if is_known:
            speaker = each.name
        elif each.is_turn:
            speaker = ""
        part.append(words)
        length += len(words)
    if part:
        yield Paragraph(" ".join(part), speaker=speaker or None)
