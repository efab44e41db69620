"""Documents made to block a chunker: each ends with its named error, or is read, within bounds."""

from __future__ import annotations

import asyncio
import resource
import struct
from typing import Any

import psutil
import pytest

from services.chunker import allowances, manifests, speakable
from services.chunker.documents import asciidoc, code_lines, decoding, entities, formats, raw_html
from services.chunker.documents.books import joining, markup
from services.chunker.documents.books.opening import open_book
from services.chunker.documents.document import Document, Paragraph
from services.chunker.documents.kindle.huffman import Phrases
from services.chunker.documents.pdf import gutters
from services.chunker.documents.pdf.lines import Segment
from services.chunker.documents.pdf.pieces import GlyphRun, Style
from services.chunker.documents.reading import read_packed
from services.chunker.documents.text import reading as text_reading
from services.chunker.wording import saying
from shared.errors import PodcastError
from shared.protocol.messages import JobRequest, TextSource
from shared.protocol.narration import Narration
from shared.settings import Settings
from shared.workers.allowances import of_worker
from shared.workers.documents import in_worker
from tests.corpus import documents as corpus
from tests.corpus.documents import CASES, Case

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("one_loop")]

SETTINGS = Settings(speech_engine="x")
JOB = JobRequest(source=TextSource(text="x"))
WALL_SECONDS = 240.0
"""Only the CPU time is judged; this ends a test that would hang."""

STARTING_CPU_SECONDS = 4.0
"""For starting workers during the test."""

MEMORY_BYTES = 2_000_000_000


@pytest.fixture(autouse=True)
def smaller_base(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less than half of the base allowance: refusals come after four seconds instead of ten, to save time."""
    monkeypatch.setattr("shared.workers.allowances.BASE_CPU_SECONDS", 4)


async def answer(case: Case, data: bytes) -> str:
    """What the chunker's handler would do with the document: "read", or the name of the error."""
    try:
        packed = await read_packed(data, format=case.format, name=case.file_name, deadline_seconds=WALL_SECONDS)
        await in_worker("Splitting the text", WALL_SECONDS, manifests.build, JOB, packed, SETTINGS, name="")
    except PodcastError as error:
        return type(error).__name__
    return "read"


def cpu_seconds() -> float:
    """CPU time of this process's children, both living and dead."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = usage.ru_utime + usage.ru_stime
    for child in psutil.Process().children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used += times.user + times.system
    return used


async def largest_child(seen: list[int]) -> None:
    """Record the resident memory of the largest child repeatedly."""
    while True:
        for child in psutil.Process().children(recursive=True):
            try:
                seen.append(child.memory_info().rss)
            except psutil.NoSuchProcess:
                continue
        await asyncio.sleep(0.2)


LONG = frozenset(
    {
        "markdown: a million headings",
        "rst: quotes",
        "html: furniture with tails",
        "html: attributes",
        "markdown: comments without an end",
        "html: many links",
        "markdown: a footnote often named",
        "rst: nested lists",
        "html: spans",
        "html: article without end",
        "markdown: images inside images",
        "ODT: lists in lists",
        "org: emphasis",
        "markdown: underscores between letters",
        "ten thousand pages",
        "text: a paragraph a letter",
        "markdown: footnotes in footnotes",
        "org: braces",
        "org: blocks",
        "one page ten thousand times",
        "org: drawers",
        "org: markers",
        "org: macros",
        "PDF: a bomb in a stream",
        "PDF: a bomb in a bomb",
        "PDF: every glyph in another size",
        "PDF: glyphs all over the page",
        "PDF: rows of cells",
        "PDF: marks above every letter",
        "PDF: many tiny lines",
    }
)
"""These take four seconds or more each; similar ones always run, and `make faults` runs these."""


def marked(case: Case) -> Any:
    return pytest.param(case, id=case.name, marks=[pytest.mark.long] if case.name in LONG else [])


def test_the_cases_that_take_long_are_cases() -> None:
    assert {case.name for case in CASES} >= LONG


@pytest.mark.parametrize("case", [marked(case) for case in CASES])
async def test_a_hostile_document_ends_by_name_within_bounds(case: Case) -> None:
    data = case.make()
    seen = [0]
    watching = asyncio.create_task(largest_child(seen))
    before = cpu_seconds()
    outcome = await answer(case, data)
    used = cpu_seconds() - before
    watching.cancel()
    assert outcome in case.outcomes
    # The most expensive step may use up its allowance; the steps before it are cheap for every case of the corpus.
    bound = max(allowances.of_pandoc(len(data)).cpu_seconds, of_worker(3 * len(data)).cpu_seconds)
    assert used < bound + STARTING_CPU_SECONDS
    assert max(seen) < MEMORY_BYTES


# ---------------------------------------------------------------- linear walks over text


def code(lines: list[str]) -> None:
    """Look for code in paragraphs."""
    code_lines.without_code(Document(blocks=tuple(map(Paragraph, lines))), Narration())


def phrases(count: int) -> None:
    """A dictionary in which every phrase is at the same place, before many bytes."""
    head = b"HUFF" + struct.pack(">IIIII", 24, 24, 24 + 1024, 0, 0)
    dictionary = b"CDIC" + struct.pack(">III", 16, count, 20) + bytes(2 * count) + bytes(70_000)
    Phrases(head + bytes(1024 + 256), [memoryview(dictionary)])


def columns(count: int) -> None:
    """A page of two columns in which every second row stands across both."""
    rows = []
    for n in range(count):
        ends = [(0.0, 290.0), (310.0, 600.0)] if n % 2 else [(0.0, 600.0)]
        rows.append([Segment([GlyphRun("word " * 8, x0, x1, 12.0 * n, 10.0, Style())]).settle() for x0, x1 in ends])
    gutters.found([rows] * 3)
    gutters.parted(rows, 310.0)


GROWING: dict[str, Any] = {
    "recognising comments": lambda n: formats.of_text("<!---->" * n + "x"),
    "recognising half a comment": lambda n: formats.of_text("<!--" * n),
    "recognising reference marks": lambda n: formats.of_text("[\n" * n),
    "a declared encoding": lambda n: decoding.decode(b"<meta charset" + b" " * n + b"x"),
    "blank lines": lambda n: text_reading.read("a" + ("\n" + " " * 100) * (n // 100) + "b", Narration()),
    "breaks between ideographs": lambda n: text_reading.read("\u4e2d" + " " * n + "\n" + " " * n + "b", Narration()),
    "a contents word a line": lambda n: text_reading.read("contents\n\n" * (n // 10), Narration()),
    "entries without an end": lambda n: text_reading.read("contents\n\n" + "a b\n" * (n // 4), Narration()),
    "bullets with numbers": lambda n: text_reading.read("* 1. a\n\nb\n" * (n // 10), Narration()),
    "rules under rules": lambda n: text_reading.read("===\na\n" * (n // 6), Narration()),
    "form feeds": lambda n: text_reading.read("a\f" * (n // 2), Narration()),
    "a form feed among blank lines": lambda n: text_reading.read(("a\f" + "\n" * 400) * (n // 400), Narration()),
    "page numbers": lambda n: text_reading.read("".join(f"a   {k}\n\n" for k in range(n // 10)), Narration()),
    "one line of gaps": lambda n: text_reading.read("a   " * (n // 4), Narration()),
    "one line of rules": lambda n: text_reading.read("-" * n + "a", Narration()),
    "one line of spaced rules": lambda n: text_reading.read("- " * (n // 2) + "a", Narration()),
    "one line of dots": lambda n: text_reading.read("contents\n\na" + " ." * (n // 2) + "b", Narration()),
    "one group of bars": lambda n: text_reading.read("|\n" * (n // 2), Narration()),
    "quotes in quotes": lambda n: text_reading.read(">" * n + "a\n" + "> > a\n" * (n // 6), Narration()),
    "hyphens at the ends of lines": lambda n: text_reading.read("ab-\ncd " * (n // 7), Narration()),
    "items": lambda n: text_reading.read("1. a\n" * (n // 5), Narration()),
    "numbered lines": lambda n: text_reading.read("1. A\n\n" * (n // 6), Narration()),
    "sections in capitals": lambda n: text_reading.read("ABC\n\n" * (n // 5), Narration()),
    "fields": lambda n: text_reading.read("Title: a\n" * (n // 9), Narration()),
    "joiners in a word": lambda n: speakable.normalise("a" + "\u200d" * n + "b"),
    "joiners and spaces": lambda n: speakable.normalise("a" + "\u200d " * n + "b"),
    "combining marks": lambda n: speakable.normalise("a" + "\u0301\u0323" * n + "b"),
    "decoration": lambda n: speakable.leave_out_decoration("a" + "-" * 16 + "a" * n),
    "declarations": lambda n: raw_html.words_of_html("<div>" + "<!" * n + "</div>"),
    "comments": lambda n: raw_html.words_of_html("<!--" * n),
    "preformatted text": lambda n: raw_html.words_of_html("<div>" + "<pre>a</pre>b" * n + "</div>"),
    "paragraphs of code": lambda n: markup.with_code_marked(
        '<p class="code">' * (n // 16) + "<p " + ' a="b"' * (n // 6)
    ),
    "AsciiDoc's links in links": lambda n: asciidoc.without_directives("http:" * (n // 5)),
    "AsciiDoc's links with commas": lambda n: asciidoc.without_directives(
        ("http:" * 100 + "[" + "," * 400) * (n // 900)
    ),
    "AsciiDoc's values of values": lambda n: asciidoc.without_directives(
        ":a: word\n"
        + "".join(f":{b}: {f'{{{a}}}' * 10}\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
        + "{i}" * (n // 3)
    ),
    "AsciiDoc's conditions": lambda n: asciidoc.without_directives(
        "ifdef::a[]\n" * (n // 22) + "endif::[]\n" * (n // 20)
    ),
    "AsciiDoc's macros": lambda n: asciidoc.without_directives(("icon:" * 11 + "[" + "a" * 200) * (n // 260)),
    "entities without an end": lambda n: entities.spelled_out(("&" + "a" * 64) * (n // 65)),
    "declared entities": lambda n: entities.spelled_out("<!ENTITY  " * (n // 10)),
    "words on pictures": lambda n: entities.spelled_out("<screeninfo>" * (n // 12)),
    "lines of code": lambda n: code(["a;"] * (n // 2)),
    "lines that may be code": lambda n: code(["(" * 199] * (n // 200)),
    "main parts among namespaces": lambda n: joining.joined(
        {
            "a": "<html "
            + " ".join(f"xmlns:a{k}='b{k}'" for k in range(n // 40))
            + ">"
            + "<main/>" * (n // 14)
            + "</html>"
        }
    ),
    "pages of a word": lambda n: joining.joined({f"a{k}": "<p>a" for k in range(n // 20)}),
    "a long dictionary of a Kindle book": lambda n: phrases(5 * n),
    "columns of a line each": lambda n: columns(n // 50),
    "captions": lambda n: raw_html.words_of_html("<figure>" + "<figcaption>a</figcaption>b" * n + "<img></figure>"),
}

SAID = (
    *(
        "1",
        "1,",
        "1.",
        "1,000",
        "1 000",
        "1:",
        "1/",
        "1-",
        "1\u2013",
        "+1",
        "(1",
        "-",
        "--",
        "--a",
        "1st",
        "12.",
        "\u00bd",
        "\u00b2",
        "\u2080",
    ),
    *(
        "a_",
        "_",
        "a.",
        "a.b",
        "aB",
        "A",
        "A.",
        "A. ",
        "A&",
        "a/",
        "/",
        "~/a",
        "./",
        "C:\\a\\",
        "#a",
        "@",
        "a@",
        "a@b.",
        "@a.",
        "http://",
        "www.",
    ),
    *(
        "http://a/(",
        "[1]",
        "[1, ",
        "[",
        "(",
        "()",
        "( )",
        "( ",
        "I",
        "IV",
        "XIV ",
        "Louis X",
        "IV. ",
        "Mr. ",
        "e.g",
        "p. ",
        "No. ",
        "etc.",
    ),
    *(
        "$",
        "$1",
        "1 $",
        "$1.",
        "1 k",
        "5 km/h ",
        "%",
        "1%",
        "10-",
        "\u00b0",
        "\U0001f600",
        "\U0001f600\u200d",
        "\u2020",
        "**",
        "`",
        "|",
        "| ",
        ", ,",
    ),
    *(
        "f",
        "0f",
        "0f-",
        "aB1",
        "ISBN 9",
        "978-",
        "2026-12-24",
        "2026-",
        "24.12.",
        "1/2/",
        "May 5",
        "5 May ",
        "12:30",
        "12:30\u2013",
        "3 p.m. ",
        "1h",
    ),
    *(
        "->",
        "- >",
        "< ",
        " =",
        "x^",
        "x^2",
        "n/a",
        "\u2192",
        "\u2022 ",
        " -a",
        "1e",
        "0x",
        "1a",
        "A1",
        "1-a",
        "--",
        "'",
        "80s",
        "1914\u2013",
    ),
)
GROWING |= {
    f"saying {written!r}": lambda n, written=written: say_all(written * (n // 4 // len(written))) for written in SAID
}


def say_all(text: str) -> None:
    """Says it in each language, with and without something before it and after it."""
    for language in ("en", "de", "fr", "es", "it"):
        saying.say(text, language)
        saying.say(f"a {text} b", language, heading=True)


def grow(name: str, size: int) -> None:
    """Runs in a worker."""
    GROWING[name](size)


ALWAYS_SAID = frozenset(
    f"saying {written!r}" for written in ("1", "1,", "a_", "A. ", "Louis X", "$1", "12:30", "http://a/(")
)
"""`make faults` says the others too."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.long] if name.startswith("saying ") and name not in ALWAYS_SAID else [])
        for name in GROWING
    ],
)
async def test_a_walk_over_200_000_hostile_characters_ends_within_its_cpu_time(name: str) -> None:
    """Quadratic walks would take minutes, exponential ones for ever; the worker's CPU limit ends them: TooLarge."""
    for size in (1_000, 200_000):
        await in_worker("Walking", WALL_SECONDS, grow, name, size)


async def test_a_table_of_contents_as_long_as_the_book_is_read_in_one_walk() -> None:
    [case] = [case for case in corpus.ARCHIVES if case.name == "targets without words"]
    book = await in_worker("Opening the book", WALL_SECONDS, open_book, case.make())
    assert len(book.contents.entries) == 10_000
