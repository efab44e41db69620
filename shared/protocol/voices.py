"""`voices/<engine>.json`: which voices the speech servers list.

Written by the synthesizers, which alone can reach the speech servers; read by the chunker, which chooses a voice for
each language. A server that lists no voices (OpenAI's own) may speak any language with any voice.
"""

from __future__ import annotations

from pydantic import Field

from shared.protocol.messages import Frozen
from shared.protocol.narration import LANGUAGE_LIMIT_CHARACTERS, Name

VOICES_LIMIT = 5_000


class ListedVoice(Frozen):
    """A voice that a speech server lists."""

    name: Name
    model: str = Field("", max_length=100, description="the model that has it; empty: the server's only one")
    language: str = Field(
        "", max_length=LANGUAGE_LIMIT_CHARACTERS, description="BCP 47 tag; empty: it is not known, or there are several"
    )
    is_default: bool = Field(
        False, description="used by its model when no voice is named; the first such voice is the server's default"
    )


class VoiceList(Frozen):
    """All voices of the speech servers, in the servers' order."""

    version: int = 1
    voices: tuple[ListedVoice, ...] = Field((), max_length=VOICES_LIMIT)
    is_complete: bool = Field(description="every speech server has listed its voices")
