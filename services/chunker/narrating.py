"""How a job has its texts said: whether they are normalised, and with which lexicon. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from services.chunker.wording.lexicon import Lexicon
from services.chunker.wording.saying import Said, say
from shared.protocol.narration import Narration
from shared.settings import Settings

_SHOWN_WORDS = 5


@dataclass(frozen=True, slots=True)
class Wording:
    """How the texts of a job are said; it is called as a `Saying`."""

    normalised: bool
    lexicon: Lexicon

    @classmethod
    def of(cls, narration: Narration, settings: Settings) -> Wording:
        """What a job asks for, or else the settings."""
        normalised = settings.normalise_text if narration.normalise is None else narration.normalise
        return cls(normalised, Lexicon(narration.lexicon, settings.engine_phonemes))

    def __call__(self, text: str, language: str, heading: bool) -> Said:
        """What is said for a text."""
        text = self.lexicon.set_aside(text)
        said = say(text, language, heading=heading) if self.normalised else Said(text)
        return replace(said, text=self.lexicon.restore(said.text)) if self.lexicon else said

    @property
    def warnings(self) -> tuple[str, ...]:
        """What of the lexicon has no effect."""
        words = self.lexicon.unsayable
        if not words:
            return ()
        shown = ", ".join(words[:_SHOWN_WORDS]) + (", …" if len(words) > _SHOWN_WORDS else "")
        warning = (
            f"The lexicon has no respelling for {shown}, and the engine takes no IPA: add a spelling that sounds right,"
            " or set PODCAST_ENGINE_PHONEMES if the engine takes IPA after all."
        )
        return (warning,)
