"""What would be spoken anew: a few lines and the texts for people, or one JSON document for programs."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from services.cli.durations import length
from services.cli.editions import Comparison, Texts
from services.cli.estimates import Pace, cost, pace_reason, price_line
from shared.text import one_line


@dataclass(frozen=True)
class ShownDiff:
    """A comparison, with what this command knows besides.

    Attributes:
        found: what is compared.
        price: for a million characters; 0: none.
        pace: how fast episodes are made.
    """

    found: Comparison
    price: float
    pace: Pace

    @property
    def seconds_to_make(self) -> float:
        """How long speaking it anew will take."""
        return self.found.seconds * self.pace.factor


def document(shown: ShownDiff) -> dict[str, Any]:
    """The JSON form.

    `title` and `chunks` of the second edition; `anew` and `gone`, each with `chunks`, `characters` and `texts` (each
    with `chapter`, `title` and `text`); of `anew` also `seconds`, `cost` (null: no price) and `seconds_to_make`;
    `changed`: what makes all of it sound other, each with `first` and `second`.
    """
    found = shown.found
    price = cost(found.anew.characters, shown.price)
    return {
        "title": found.second.title,
        "chunks": len(found.second.chunks),
        "anew": {
            "chunks": len(found.anew.chunks),
            "characters": found.anew.characters,
            "seconds": round(found.seconds, 1),
            "cost": None if price is None else round(price, 4),
            "seconds_to_make": round(shown.seconds_to_make, 1),
            "texts": _texts(found.anew),
        },
        "gone": {
            "chunks": len(found.gone.chunks),
            "characters": found.gone.characters,
            "texts": _texts(found.gone),
        },
        "changed": {name: {"first": first, "second": second} for name, (first, second) in found.changed.items()},
    }


def lines(shown: ShownDiff, *, with_texts: bool) -> list[str]:
    """The same for people."""
    found, anew, gone = shown.found, shown.found.anew, shown.found.gone
    about = [
        ("anew", f"{len(anew.chunks):,} of {len(found.second.chunks):,} chunks, {anew.characters:,} characters"),
        ("length", f"about {length(found.seconds)}" if anew.chunks else ""),
        ("cost", price_line(anew.characters, shown.price) if anew.chunks else ""),
        ("to make", f"about {length(shown.seconds_to_make)}, {pace_reason(shown.pace)}" if anew.chunks else ""),
        ("gone", f"{len(gone.chunks):,} chunks, {gone.characters:,} characters" if gone.chunks else ""),
        *((name, f"{first} in the first, {second} in the second") for name, (first, second) in found.changed.items()),
    ]
    shown_lines = [
        one_line(found.second.title),
        *(f"  {name:<9} {one_line(value)}" for name, value in about if value),
    ]
    if with_texts:
        shown_lines += [*_listed("spoken anew:", "+", anew), *_listed("not spoken any more:", "-", gone)]
    return shown_lines


def _texts(texts: Texts) -> list[dict[str, Any]]:
    return [{"chapter": chunk.chapter, "title": chunk.title, "text": chunk.text} for chunk in texts.chunks]


def _listed(heading: str, sign: str, texts: Texts) -> list[str]:
    if not texts.chunks:
        return []
    listed = ["", heading]
    for (number, title), chunks in itertools.groupby(texts.chunks, key=lambda chunk: (chunk.chapter, chunk.title)):
        listed.append(f"  [{number}] {one_line(title)}")
        listed += [f"    {sign} {one_line(chunk.text)}" for chunk in chunks]
    return listed
