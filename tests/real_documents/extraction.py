"""How well articles are found in pages: the benchmark of trafilatura, over the pages that its port to Go ships.

    python -m tests.real_documents.extraction [--every N]

For each of 983 pages the data names pieces of text that belong to the article and pieces that do not. A piece that is
in the text of an extractor counts for it or against it; precision, recall and F1 are over all pieces, as in the
benchmark itself. The module is fetched with `go mod download`; without Go there is no comparison. Writes
docs/extraction.md.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import unicodedata
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Final

import trafilatura

from services.chunker.documents import decoding, pandoc, tree
from services.chunker.documents.document import Document, Heading, Paragraph
from services.chunker.documents.pages import picking
from shared.errors import BadSource
from shared.protocol.narration import Narration

MODULE: Final = "github.com/markusmobius/go-trafilatura@v1.12.2"
PAGE: Final = Path(__file__).parents[2] / "docs" / "extraction.md"
_DOWNLOAD_SECONDS: Final = 600
_PAGE_SECONDS: Final = 120
_STRING: Final = r'"(?:[^"\\\n]|\\.)*"|`[^`]*`'
_ENTRY: Final = re.compile(rf"^\t(?:{_STRING}): \{{\n(.*?)^\t\}},$", re.MULTILINE | re.DOTALL)
_SILENT: Final = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


@dataclass(frozen=True)
class Case:
    """A page of the benchmark.

    Attributes:
        page: the file.
        wanted: pieces of the article.
        unwanted: pieces of what surrounds it.
    """

    page: Path
    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]


@dataclass
class Score:
    """Pieces counted."""

    right: int = 0
    missing: int = 0
    wrong: int = 0

    def add(self, case: Case, text: str) -> None:
        """Count the pieces of a page."""
        plain = _plain(text)
        found = sum(_plain(piece) in plain for piece in case.wanted)
        self.right += found
        self.missing += len(case.wanted) - found
        self.wrong += sum(_plain(piece) in plain for piece in case.unwanted)

    @property
    def figures(self) -> tuple[float, float, float]:
        """Precision, recall, F1."""
        precision = self.right / max(1, self.right + self.wrong)
        recall = self.right / max(1, self.right + self.missing)
        return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def _plain(text: str) -> str:
    """Composed characters, words apart by one space; what is silent does not count."""
    return " ".join(_SILENT.sub("", unicodedata.normalize("NFC", text)).split())


def fetch() -> Path:
    """The folder of the module.

    Raises:
        RuntimeError: Go is not installed, or the module cannot be had.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            made = subprocess.run(
                ["go", "mod", "download", "-json", MODULE],
                cwd=folder, capture_output=True, text=True, timeout=_DOWNLOAD_SECONDS, check=False,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise RuntimeError("Go is not installed; its command downloads the benchmark.") from error
    if made.returncode:
        raise RuntimeError(f"{MODULE} cannot be had: {made.stderr.strip() or made.stdout.strip()}")
    return Path(json.loads(made.stdout)["Dir"])


def cases(module: Path) -> list[Case]:
    """The pages of the benchmark, with their pieces."""
    data = (module / "scripts" / "comparison" / "data.go").read_text()
    found = []
    for entry in _ENTRY.finditer(data[data.index("var comparisonData") :]):
        fields = {name: _strings(entry[1], name) for name in ("File", "With", "Without")}
        places = [module / "test-files" / folder / fields["File"][0] for folder in ("comparison", "mock")]
        page = next((place for place in places if place.is_file()), None)
        if page is not None:
            found.append(Case(page, fields["With"], fields["Without"]))
    return found


def _strings(entry: str, name: str) -> tuple[str, ...]:
    field = re.search(rf"^\t\t{name}: .*?(?:,\n\t\t[A-Z]|,\n\Z)", entry, re.MULTILINE | re.DOTALL)
    texts = re.findall(_STRING, field[0]) if field else []
    return tuple(text[1:-1] if text[0] == "`" else json.loads(text.replace("\t", "\\t")) for text in texts)


NARRATIONS: Final = {
    "Podcast Engine, `--also code,tables`": Narration(code=True, tables=True),
    "Podcast Engine, as a narrator": Narration(),
    "Podcast Engine, `--read everything`": Narration(read="everything"),
}
THEIRS: Final = f"trafilatura {version('trafilatura')}"


def texts(case: Case) -> dict[str, str]:
    """What each extractor makes of a page."""
    page = case.page.read_bytes()
    theirs = trafilatura.extract(page, include_comments=False, include_tables=True, include_formatting=False)
    return {**_ours(page), THEIRS: theirs or ""}


def _ours(page: bytes) -> dict[str, str]:
    try:
        data = picking.pick(decoding.decode(page)).html.encode()
        parsed = asyncio.run(pandoc.tree_of(data, "html", size_bytes=len(data), deadline_seconds=_PAGE_SECONDS))
    except BadSource:
        return dict.fromkeys(NARRATIONS, "")
    return {name: _spoken(tree.read(parsed, narration)) for name, narration in NARRATIONS.items()}


def _spoken(document: Document) -> str:
    return " ".join(block.text for block in document.blocks if isinstance(block, (Heading, Paragraph)))


def is_held_out(case: Case) -> bool:
    """Whether a page is in the half that rules are judged by, and never looked at while they are made."""
    return hashlib.sha256(case.page.name.encode()).digest()[0] % 2 == 1


def _rows(scores: dict[str, dict[bool, Score]]) -> list[str]:
    rows = []
    for name, halves in scores.items():
        both = Score(*(sum(getattr(half, each.name) for half in halves.values()) for each in fields(Score)))
        precision, recall, f1 = both.figures
        work, held_out = halves[False].figures[2], halves[True].figures[2]
        rows.append(f"| {name} | {precision:.3f} | {recall:.3f} | {f1:.3f} | {work:.3f} | {held_out:.3f} |")
    return rows


_HEAD: Final = """\
# How well articles are found

`python -m tests.real_documents.extraction` runs the benchmark of trafilatura: {pages} pages in many languages, each
with pieces of text that belong to its article and pieces that do not. The pages come with the Go module
`{module}` (Apache-2.0), a port of trafilatura; nothing of them is in this
repository. A piece counts if it is in the text that an extractor returns, white space and silent characters apart;
precision, recall and F1 are over all {pieces} pieces, as in the benchmark itself.

The pages are halved by a hash of their names: rules are made by looking at one half alone, and judged by the other
({held_out} pages), of which nobody has looked at a single mistake since the halves were made. Before that, the rules
for names and headings were looked for on all pages.

| | precision | recall | F1 | F1, half to work on | F1, half to judge by |
|---|---:|---:|---:|---:|---:|
"""

_TAIL: Final = """
The module's own table names, for the same pages: go-readability 0.875, go-domdistiller 0.867, go-trafilatura with
fallback 0.910.

The first row is the one to compare: the benchmark counts code and tables as text of the article, but not captions. A
narrator leaves out code and tables of data, and so some of the wanted pieces; `everything` reads captions and
alternative texts too, and so some of the unwanted ones.

We take trafilatura's choice of words and read the elements that hold them, each word once and in the order of the page,
so the two can differ only where we know more: names of elements that say what they are, headings above chosen text,
documentation and wikis (read whole), text in forms and menus, hidden text, captions, pages whose encoding is broken in
one place.
"""


def main() -> int:
    """The command of the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth page; nothing is written")
    asked = parser.parse_args()
    found = cases(fetch())[:: asked.every]
    scores = {name: {False: Score(), True: Score()} for name in (*NARRATIONS, THEIRS)}
    with ProcessPoolExecutor(max_workers=2) as pool:
        for case, made in zip(found, pool.map(texts, found, chunksize=4), strict=True):
            for name, text in made.items():
                scores[name][is_held_out(case)].add(case, text)
    rows = _rows(scores)
    sys.stdout.write("\n".join(rows) + "\n")
    if asked.every == 1:
        pieces = sum(len(case.wanted) + len(case.unwanted) for case in found)
        held_out = sum(map(is_held_out, found))
        head = _HEAD.format(pages=len(found), held_out=held_out, module=MODULE, pieces=f"{pieces:,}")
        PAGE.write_text(head + "\n".join(rows) + "\n" + _TAIL)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
