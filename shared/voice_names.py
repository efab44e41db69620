"""What the name of a voice says: its language, for speech servers that list only names; whether it is OpenAI's."""

from __future__ import annotations

import re
from typing import Final

_KOKORO: Final = {
    "a": "en-US",
    "b": "en-GB",
    "e": "es",
    "f": "fr",
    "h": "hi",
    "i": "it",
    "j": "ja",
    "p": "pt-BR",
    "z": "zh",
}
"""First letter of a Kokoro voice → its language (https://huggingface.co/hexgrad/Kokoro-82M, VOICES.md)."""


OPENAI_VOICES: Final = frozenset(
    {
        *("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer"),
        "verse",
    }
)
"""OpenAI's own voices: clients made for OpenAI ask for one of them wherever they are pointed."""


def language_in(name: str) -> str:
    """The language encoded in a voice's name, as a BCP 47 tag; "" if there is none.

    Known are the names of Kokoro (`af_heart`), Edge (`de-DE-…`) and piper (`de_DE-…`).
    """
    if re.match(r"[a-z][fm]_", name):
        return _KOKORO.get(name[0], "")
    found = re.match(r"([a-z]{2,3})[-_]([A-Z]{2})(?=[-_])", name)
    return f"{found[1]}-{found[2]}" if found else ""
