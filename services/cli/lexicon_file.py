"""Reads a lexicon from a file: tab-separated `word`, `say`, `ipa`, `flags`, one word a line."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import ValidationError

from shared.errors import BadInput
from shared.protocol.narration import PRONUNCIATIONS_LIMIT, Pronunciation

FILE_LIMIT_BYTES: Final = 1_000_000
"""A thousand entries with the longest respellings have less."""
_HINT: Final = "A line is: word, tab, how it is spelled as it sounds; then, if wanted, tab, IPA, tab, flags (any-case)."
_COLUMNS: Final = 4
_HEADER: Final = ("word", "say", "ipa", "flags")
_ANY_CASE: Final = "any-case"


def read(path: Path) -> tuple[Pronunciation, ...]:
    """The entries of a lexicon's file. Empty lines and lines that begin with `#` are skipped, as is a line of headings.

    Raises:
        BadInput: the file cannot be read, or a line of it; the message names the line.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_LIMIT_BYTES + 1)
    except OSError as error:
        raise BadInput(f"The lexicon {path} cannot be read: {error.strerror}.", hint="Correct the path.") from error
    if len(data) > FILE_LIMIT_BYTES:
        raise BadInput(f"The lexicon {path} is larger than {FILE_LIMIT_BYTES / 1e6:g} MB.", hint="Take fewer words.")
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise BadInput(f"The lexicon {path} is not UTF-8.", hint="Store it as UTF-8.") from error
    found: dict[tuple[str, bool], Pronunciation] = {}
    for number, line in enumerate(lines, 1):
        cells = [cell.strip() for cell in line.split("\t")]
        if not line.strip() or line.startswith("#") or (tuple(cells) == _HEADER[: len(cells)] and len(cells) > 1):
            continue
        entry = _entry(cells, f"{path}, line {number}")
        if found.setdefault((entry.word, entry.match_case), entry) is not entry:
            raise BadInput(f"{path}, line {number}: {entry.word} is there twice.", hint="Keep one of the two lines.")
    if len(found) > PRONUNCIATIONS_LIMIT:
        raise BadInput(
            f"The lexicon {path} has {len(found):,} words; {PRONUNCIATIONS_LIMIT:,} are the limit.",
            hint="Take only words that the text has.",
        )
    return tuple(found.values())


def _entry(cells: list[str], where: str) -> Pronunciation:
    if len(cells) > _COLUMNS:
        raise BadInput(f"{where}: there are {len(cells)} columns.", hint=_HINT)
    word, say, ipa, flags = (*cells, "", "", "")[:_COLUMNS]
    if not word:
        raise BadInput(f"{where}: there is no word.", hint=_HINT)
    if not (say or ipa):
        raise BadInput(f"{where}: {word} has neither a respelling nor IPA.", hint=_HINT)
    if flags not in {"", _ANY_CASE}:
        raise BadInput(f"{where}: {flags} is no flag.", hint=_HINT)
    try:
        return Pronunciation(word=word, say=say, ipa=ipa, match_case=flags != _ANY_CASE)
    except ValidationError as error:
        problem = error.errors()[0]
        raise BadInput(f"{where}: {problem['loc'][0]}: {problem['msg']}.", hint=_HINT) from error
