"""How a job has its texts said: whether they are normalised, and with which lexicon. Pure."""

from __future__ import annotations

from services.chunker.spoken_pieces import Saying, as_written
from services.chunker.wording.saying import Said, say
from shared.protocol.narration import Narration
from shared.settings import Settings


def saying(narration: Narration, settings: Settings) -> Saying:
    """How the texts of a job are said."""
    normalise = settings.normalise_text if narration.normalise is None else narration.normalise
    return _normalised if normalise else as_written


def _normalised(text: str, language: str, heading: bool) -> Said:
    return say(text, language, heading=heading)
