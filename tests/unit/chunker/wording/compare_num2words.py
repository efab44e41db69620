"""Compares our numbers with those of num2words, which is LGPL and so no dependency: `pip install num2words` first."""

from __future__ import annotations

import importlib
import random
import re
import sys

from services.chunker.wording.saying import language_of

LANGUAGES = {"en": "en", "en-GB": "en", "de": "de", "fr": "fr", "fr-CH": "fr_CH", "fr-BE": "fr_BE", "es": "es"}


def plain(said: str) -> str:
    """Without hyphens, commas and capitals, which nobody hears."""
    return " ".join(re.sub(r"[ ,-]+", " ", said).lower().split())


def main() -> None:
    reference = importlib.import_module("num2words").num2words
    numbers = random.Random(1)  # noqa: S311 - nothing secret
    cardinals = [*range(2_100), *(numbers.randrange(10**digits) for digits in range(4, 15) for _ in range(200))]
    for tag, theirs in LANGUAGES.items():
        language = language_of(tag)
        for kind, values in (("cardinal", cardinals), ("ordinal", range(1, 1_001)), ("year", range(1_100, 2_100))):
            pairs = [(getattr(language, kind)(n), reference(n, lang=theirs, to=kind)) for n in values]
            different = [pair for pair in pairs if plain(pair[0]) != plain(pair[1])]
            sys.stdout.write(f"{tag} {kind}: {len(different)} of {len(pairs)} differ {different[:3]}\n")


if __name__ == "__main__":
    main()
