"""Compares what came out of a document with its golden file."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.real_documents.golden import Golden
from tests.real_documents.measured import DEADLINE_SECONDS, Reading

SECONDS_LIMIT: Final = 10.0
MEGABYTES_LIMIT: Final = 500
_START_SECONDS: Final = 60


@dataclass(frozen=True)
class Verdict:
    """How a document was read.

    Attributes:
        golden: what was asked for.
        reading: what came out; None if the document could not be had.
        wrong: field → what differs.
        missing: why the document could not be had.
    """

    golden: Golden
    reading: Reading | None = None
    wrong: dict[str, str] = field(default_factory=dict)
    missing: str = ""

    @property
    def unexpected(self) -> dict[str, str]:
        """What differs and is not named under `known`, and what is named there and is right by now."""
        repaired = {
            name: "is right by now: take it out of [known]" for name in self.golden.known if name not in self.wrong
        }
        return {name: what for name, what in self.wrong.items() if name not in self.golden.known} | repaired


def measure(golden: Golden, path: Path) -> Reading:
    """Read a document in a process of its own."""
    command = [sys.executable, "-m", "tests.real_documents.measured", str(path)]
    if golden.source.url:
        command += ["--url", golden.source.url]
    if golden.source.format:
        command += ["--format", golden.source.format]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=DEADLINE_SECONDS + _START_SECONDS, check=False
    )
    if ended.returncode:
        return Reading(refused=f"the reader failed: {ended.stderr.strip()[-500:]}")
    return Reading.model_validate_json(ended.stdout)


def judge(golden: Golden, reading: Reading) -> Verdict:
    """What differs."""
    right = golden.right
    wrong: dict[str, str] = {}
    if reading.refused:
        return Verdict(golden, reading, {"refused": reading.refused})
    if reading.title != right.title:
        wrong["title"] = f"{reading.title!r} instead of {right.title!r}"
    if right.author is not None and reading.author != right.author:
        wrong["author"] = f"{reading.author!r} instead of {right.author!r}"
    if reading.language.split("-")[0].lower() != right.language.split("-")[0].lower():
        wrong["language"] = f"{reading.language!r} instead of {right.language!r}"
    if chapters := _chapters(golden, reading):
        wrong["chapters"] = chapters
    counts = {kind: reading.omissions.get(kind, 0) for kind in right.omissions}
    if counts != right.omissions:
        wrong["omissions"] = f"{counts} instead of {right.omissions}"
    spoken = plain(reading.spoken)
    if unsaid := [words for words in right.must_say if plain(words) not in spoken]:
        wrong["must_say"] = f"not spoken: {unsaid}"
    if said := [words for words in right.must_not_say if plain(words) in spoken]:
        wrong["must_not_say"] = f"spoken: {said}"
    if reading.seconds > SECONDS_LIMIT or reading.megabytes > MEGABYTES_LIMIT:
        wrong["cost"] = f"{reading.seconds:.1f} s, {reading.megabytes} MB"
    return Verdict(golden, reading, wrong)


def plain(text: str) -> str:
    """Words apart by one space, in composed characters: line breaks between chunks and in goldens do not matter."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _chapters(golden: Golden, reading: Reading) -> str:
    right, came = golden.right, reading.chapters
    if right.chapters is not None and came != right.chapters:
        return f"{list(came)} instead of {list(right.chapters)}"
    if right.chapter_count is not None and len(came) != right.chapter_count:
        return f"{len(came)} instead of {right.chapter_count}: {list(came)[:8]} …"
    titles = iter(came)
    for title in right.some_chapters:
        if title not in titles:
            return f"{title!r} is missing, or not in this place"
    return ""
