"""Tables of words, written so that a reader of the language can check them: one entry a line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Noun:
    """A unit or a currency.

    Attributes:
        one: its singular.
        many: its plural.
        feminine: whether it is feminine, where the number before it depends on that.
        part: of a currency, singular and plural of its hundredth; empty for units.
    """

    one: str
    many: str
    feminine: bool = False
    part: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Abbreviation:
    """What is said for an abbreviation.

    Attributes:
        said: its words.
        before_number: only where a number follows, as in `p. 7`.
        before_name: only where a capital letter follows, as in `St. John`.
        ends_sentence: whether its full stop ends a sentence where a capital letter follows; a title's never does.
    """

    said: str
    before_number: bool = False
    before_name: bool = False
    ends_sentence: bool = False


def nouns(table: str) -> dict[str, Noun]:
    """Units or currencies: `symbol one/many`, `f` before the words of a feminine, `+ one/many` for the hundredth."""
    found = {}
    for line in table.strip().splitlines():
        symbol, _, rest = line.strip().partition(" ")
        feminine, rest = rest.startswith("f "), rest.removeprefix("f ")
        whole, _, part = rest.partition(" + ")
        one, _, many = whole.partition("/")
        small, _, smaller = part.partition("/")
        found[symbol] = Noun(one, many or one, feminine, (small, smaller or small))
    return found


def pairs(table: str) -> dict[str, str]:
    """Lines of `written = said`."""
    rows = (line.split(" = ", 1) for line in table.strip().splitlines() if line.strip())
    return {written.strip(): said.strip() for written, said in rows}


def abbreviations(
    *, anywhere: str, titles: str = "", before_number: str = "", before_name: str = ""
) -> dict[str, Abbreviation]:
    """The abbreviations of a language, from tables as `pairs` reads them."""
    found = {key: Abbreviation(said, ends_sentence=True) for key, said in pairs(anywhere).items()}
    found |= {key: Abbreviation(said) for key, said in pairs(titles).items()}
    found |= {key: Abbreviation(said, before_name=True) for key, said in pairs(before_name).items()}
    return found | {key: Abbreviation(said, before_number=True) for key, said in pairs(before_number).items()}


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


def words_in_order(text: str) -> tuple[str, ...]:
    """The words of a text, in their order."""
    return tuple(text.split())
