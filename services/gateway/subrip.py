"""SubRip captions, made of our WebVTT: some players read only these. Pure."""

from __future__ import annotations

import html
import re
from typing import Final

_TIME: Final = r"(\d{2,}):(\d\d):(\d\d)\.(\d\d\d)"
_TIMES: Final = re.compile(rf"{_TIME} --> {_TIME}[^\n]*")
_VOICE: Final = re.compile(r"^<v ([^>]*)>")


def subrip(webvtt: str) -> str:
    """The same cues as SubRip; who speaks is named as `NAME: …`, since SubRip has no voices.

    Args:
        webvtt: as the assembler writes it: hours in every time, no styles, no notes.
    """
    cues: list[str] = []
    for block in re.split(r"\n{2,}", webvtt.replace("\r\n", "\n")):
        times, _, words = block.partition("\n")
        found = _TIMES.fullmatch(times.strip())
        if found is None:
            continue
        begin, end = ("{}:{}:{},{}".format(*found.groups()[at : at + 4]) for at in (0, 4))
        said = html.unescape(_VOICE.sub(r"\1: ", words.strip("\n")))
        cues.append(f"{len(cues) + 1}\n{begin} --> {end}\n{said}\n")
    return "\n".join(cues)
