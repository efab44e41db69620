"""Documents made to block a chunker: each ends with its named error, or is read, within bounds."""

from __future__ import annotations

import asyncio
import resource
from typing import Any

import psutil
import pytest

from services.chunker import allowances, manifests, speakable
from services.chunker.documents import decoding, formats, raw_html
from services.chunker.documents.books import markup
from services.chunker.documents.books.opening import open_book
from services.chunker.documents.reading import read_packed
from services.chunker.documents.text import reading as text_reading
from services.chunker.wording import saying
from shared.errors import PodcastError
from shared.protocol.messages import JobRequest, TextSource
from shared.protocol.narration import Narration
from shared.settings import Settings
from shared.workers.pool import in_worker
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
    bound = max(allowances.of_pandoc(len(data)).cpu_seconds, allowances.of_worker(3 * len(data)).cpu_seconds)
    assert used < bound + STARTING_CPU_SECONDS
    assert max(seen) < MEMORY_BYTES


# ---------------------------------------------------------------- linear walks over text

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
