"""Builds the names of the units of measurement of a language from its prefixes and base units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.chunker.wording.tables import Noun

_PREFIXED: Final = {
    "m": "n \u00b5 \u03bc m c d k",
    "g": "\u00b5 m k",
    "l": "m c d h",
    "L": "m",
    "s": "n \u00b5 m",
    "Hz": "k M G T",
    "W": "m k M G T",
    "Wh": "k M G T",
    "V": "m k",
    "A": "m",
    "Ah": "m",
    "\u03a9": "k M",
    "J": "k M",
    "cal": "k",
    "N": "k",
    "Pa": "h k M",
    "bar": "m",
    "B": "k K M G T P Ki Mi Gi Ti",
    "bit": "k M G",
}
"""The prefixes that a unit occurs with in texts."""
_PER: Final = (
    "km/h",
    "m/s",
    "kbit/s",
    "Mbit/s",
    "Gbit/s",
    "kB/s",
    "MB/s",
    "GB/s",
    "g/l",
    "mg/l",
    "kg/m\u00b3",
    "g/cm\u00b3",
)


def si_units(
    *,
    bases: Mapping[str, Noun],
    prefixes: Mapping[str, str],
    square: tuple[str, str],
    cube: tuple[str, str],
    per: str,
    before_meter: Mapping[str, str] | None = None,
) -> dict[str, Noun]:
    """The units of a language.

    Args:
        bases: names of the units without a prefix.
        prefixes: names of the prefixes.
        square: singular and plural with `{}` for the unit, as in `square {}`.
        cube: the same.
        per: the word between the units of a quotient.
        before_meter: prefixes that are written in another way before the meter.
    """
    found = dict(bases)
    for symbol, letters in _PREFIXED.items():
        if symbol in bases:
            base = bases[symbol]
            for prefix in letters.split():
                name = (before_meter or prefixes).get(prefix, prefixes[prefix]) if symbol == "m" else prefixes[prefix]
                found[prefix + symbol] = Noun(_joined(name, base.one), _joined(name, base.many), base.feminine)
    for symbol in ("mm", "cm", "dm", "m", "km"):
        noun = found[symbol]
        for sign, (one, many) in (("\u00b2", square), ("\u00b3", cube)):
            found[symbol + sign] = Noun(_filled(one, noun.one), _filled(many, noun.many), noun.feminine)
    for symbol in _PER:
        above, _, below = symbol.partition("/")
        over, under = found[above], found[below]
        found[symbol] = Noun(f"{over.one} {per} {under.one}", f"{over.many} {per} {under.one}", over.feminine)
    return found


def _joined(prefix: str, name: str) -> str:
    if name.startswith("ohm"):
        prefix = prefix[:-1]
    joined = prefix + name.lower()
    return joined.capitalize() if name[0].isupper() else joined


def _filled(form: str, name: str) -> str:
    return form.format(name.lower() if form[0].isupper() else name)
