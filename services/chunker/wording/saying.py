"""The port: what is said for a written text.

Pure, deterministic and linear in the length of the text; saying what was said already changes nothing. The passes run
in a fixed order. Each takes the text that the one before has left, and words are not looked at again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from services.chunker.wording import (
    abbreviations,
    addresses,
    calendar,
    capitals,
    codes,
    identifiers,
    marks,
    numerals,
    quantities,
    roman,
    symbols,
)
from services.chunker.wording.english import BritishEnglish, English
from services.chunker.wording.french import BelgianFrench, French, SwissFrench
from services.chunker.wording.german import German
from services.chunker.wording.language import Language
from services.chunker.wording.notes import LeftOut, Notes
from services.chunker.wording.spanish import MexicanSpanish, Spanish

_LANGUAGES: dict[str, type[Language]] = {
    "en": English,
    **dict.fromkeys(("en-gb", "en-ie", "en-au", "en-nz", "en-za", "en-in"), BritishEnglish),
    "de": German,
    "fr": French,
    "fr-be": BelgianFrench,
    "fr-ch": SwissFrench,
    "es": Spanish,
    **dict.fromkeys(("es-mx", "es-us", "es-gt", "es-hn", "es-ni", "es-pa", "es-pr", "es-sv", "es-do"), MexicanSpanish),
}
"""By language and region; where dates or numbers are written or said in another way, a region has its own."""


@dataclass(frozen=True, slots=True)
class Said:
    """What is said for a text.

    Attributes:
        text: may be empty, if nothing in the text is said aloud.
        left_out: what is not said.
    """

    text: str
    left_out: tuple[LeftOut, ...] = ()


@cache
def language_of(tag: str) -> Language:
    """The module of a BCP 47 tag: that of the region if there is one, else that of the language."""
    subtags = tag.lower().split("-")
    region = next((each for each in subtags[1:] if len(each) == 2), "")
    found = _LANGUAGES.get(f"{subtags[0]}-{region}") or _LANGUAGES.get(subtags[0]) or Language
    return found()


def say(text: str, language: str, *, heading: bool = False) -> Said:
    """What is said for a text.

    Args:
        text: normalised (`speakable.normalise`).
        language: BCP 47 tag.
        heading: whether it is a heading, where a Roman numeral may stand at the beginning.
    """
    spoken, notes = language_of(language), Notes()
    text = marks.leave_out(text, spoken, notes)
    text = addresses.say_addresses(text, spoken, notes)
    text = codes.leave_out(text, spoken, notes)
    text = identifiers.say_names(text, spoken, notes)
    text = abbreviations.write_out(text, spoken, notes)
    text = calendar.say_dates(text, spoken, notes)
    text = spoken.say_ordinals(text)
    text = quantities.say_quantities(text, spoken, notes)
    text = roman.say_roman(text, spoken, notes, heading=heading)
    text = symbols.say_powers(text, spoken, notes)
    text = numerals.say_numbers(text, spoken, notes)
    text = capitals.say_capitals(text, spoken, notes)
    text = symbols.say_symbols(text, spoken, notes)
    return Said(symbols.tidy(text), tuple(notes.left_out))
