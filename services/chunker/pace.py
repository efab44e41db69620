"""How long a text takes to be spoken: an estimate by language and engine. Pure.

The measurements, and how they were made, are in docs/benchmarks.md ("How long a text takes").
"""

from __future__ import annotations

import re
from typing import Final

from services.chunker.speakable import IDEOGRAPHS
from shared.languages import primary

_IDEOGRAPH: Final = re.compile(f"[{IDEOGRAPHS}]")
_IDEOGRAPH_CHARACTERS: Final = 3
"""An ideograph or kana takes as long as this many letters: Chinese and Japanese are read at 4 to 6 a second."""
_CHARACTERS_A_SECOND: Final = 14.5
"""Of piper's default voice in English; of a language that was not measured, too."""
_BY_LANGUAGE: Final = {"de": 13.8, "es": 14.2, "fr": 16.3, "it": 13.3, "nl": 13.4, "pt": 12.8, "ru": 12.9}
"""English, as much faster or slower as espeak-ng is in the language: the same text is longer in one than in another."""
_BY_ENGINE: Final = {"espeak-ng": 1.23}
"""How much faster than piper an engine speaks. As a model, where a job or a setting names it."""


def seconds(text: str, *, language: str, model: str, speed: float) -> float:
    """How long a text takes.

    Args:
        text: as it is said.
        language: BCP 47 tag.
        model: that speaks it.
        speed: speaking rate; 1 is the voice's own.
    """
    letters = len(text) + more_for_ideographs(text)
    rate = _BY_LANGUAGE.get(primary(language), _CHARACTERS_A_SECOND) * _BY_ENGINE.get(model, 1.0)
    return letters / (rate * speed)


def more_for_ideographs(text: str) -> int:
    """How many letters longer a text takes than it has characters."""
    return (_IDEOGRAPH_CHARACTERS - 1) * len(_IDEOGRAPH.findall(text))
