"""Documents with arbitrary and with damaged content: reading them raises nothing but the named errors.

The parts that normally run in worker processes are called in this process; pandoc, which costs a process each time, is
called only a few times.
"""

from __future__ import annotations

import contextlib
import io
import random
import subprocess
import zipfile
from functools import cache
from typing import Any

import pypandoc
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chunker import manifests
from services.chunker.documents import archives, asciidoc, collection, entities, formats, pandoc, raw_html
from services.chunker.documents import reading as documents
from services.chunker.documents.books import opening
from services.chunker.documents.document import Document, Heading, Paragraph
from services.chunker.documents.pages import picking
from services.chunker.documents.reading import Packed
from shared.errors import BadInput
from shared.protocol.messages import JobRequest, SourceFormat, TextSource
from shared.protocol.narration import Narration
from shared.settings import Settings
from tests.fuzz.profile import NAME, fuzz
from tests.unit.chunker import made_documents

SETTINGS = Settings(speech_engine="x")
JOB = JobRequest(source=TextSource(text="x"))
OF_PANDOC: tuple[SourceFormat, ...] = (
    "markdown", "html", "epub", "docx", "odt", "rtf", "fb2", "rst", "org", "ipynb", "latex", "mediawiki", "dokuwiki",
    "docbook", "jats", "asciidoc", "textile", "typst", "djot", "opml", "man", "pptx",
)  # fmt: skip
"""What pandoc also writes, so that a seed can be made."""
SEEDS: tuple[SourceFormat, ...] = (*OF_PANDOC, "pdf", "eml", "srt", "vtt", "zip", "pod", "mdoc")
FORMATS: tuple[SourceFormat, ...] = ("text", *SEEDS)
PANDOC_EXAMPLES = 20 if NAME == "short" else 2_000

TOKENS = (
    b"<", b">", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?xml", b"&", b"&#x0;", b"&lt;", b'"', b"'", b"</", b"\x00",
    b"\xff", b"\xed\xa0\x80", b"\xe2\x80\x8d", b"PK\x03\x04", b"PK\x05\x06", b"{\\rtf", b"\\u", b"[", b"](", b"```",
    b"---\n", b"***", b"\n\n", b"# ", b"| ", b":::", b"<script>", b"<p>", b"<div hidden>", b"\xcc\x81", b"99999999999",
)  # fmt: skip
"""Fragments that mean something to one of the parsers."""

binaries = st.lists(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=20)), max_size=40).map(b"".join)
texts = st.lists(
    st.one_of(st.sampled_from(TOKENS).map(lambda token: token.decode("utf-8", "replace")), st.text(max_size=20)),
    max_size=40,
).map("".join)


@cache
def seed(format: SourceFormat) -> bytes:  # noqa: A002 - its name in every message
    if format in OF_PANDOC:
        # Where a picture goes into the document, the file would have to be there.
        markdown = made_documents.MARKDOWN.replace("![a picture](x.png)", "")
        return made_documents.from_markdown(format, markdown)
    return made_documents.MADE[format]()


@st.composite
def damaged(draw: st.DrawFn, formats_of: tuple[SourceFormat, ...] = SEEDS) -> tuple[SourceFormat, bytes]:
    """A real document with some of its bytes replaced, removed, repeated or inserted."""
    kind = draw(st.sampled_from(formats_of))
    data = bytearray(seed(kind))
    chance = random.Random(draw(st.integers(0, 2**32)))  # noqa: S311 - not a secret
    for _ in range(draw(st.integers(1, 20))):
        start = chance.randrange(len(data) + 1)
        stop = min(len(data), start + chance.choice((0, 1, 4, 30, 400)))
        data[start:stop] = chance.choice((b"", bytes(data[start:stop]) * 3, chance.choice(TOKENS), chance.randbytes(4)))
    return kind, bytes(data)


def recognised(data: bytes, said: SourceFormat | None, name: str, content_type: str) -> None:
    known, text, size = documents._recognise(data, said=said, name=name, content_type=content_type)
    assert size >= 0
    if known == "text":
        built(documents._plain(text, Narration()))
    elif known == "html":
        documents._pick(text)
    elif known == "pdf":
        built(documents._pdf(data, narration=Narration()))
    elif known in {"srt", "vtt"}:
        built(documents._transcript(text))
    elif known == "eml":
        documents._mail(data, Narration())
    elif known == "asciidoc":
        asciidoc.without_directives(text)
    elif known in {"docbook", "jats"}:
        entities.spelled_out(text)
    elif known == "zip":
        collection.members(data)


def built(packed: Packed) -> None:
    manifest, chunks = manifests.build(JOB, packed, SETTINGS, name="a name.txt")
    assert manifests.chunks_in(manifest) == chunks > 0


@fuzz
@given(binaries, st.sampled_from((None, *FORMATS)), st.text(max_size=30), st.text(max_size=30))
def test_any_bytes_are_a_document_or_a_bad_source(
    data: bytes, said: SourceFormat | None, name: str, content_type: str
) -> None:
    with contextlib.suppress(BadInput):
        recognised(data, said, name, content_type)


@fuzz
@given(damaged(), st.booleans())
def test_a_damaged_document_is_read_or_refused(damage: tuple[SourceFormat, bytes], said: bool) -> None:
    kind, data = damage
    with contextlib.suppress(BadInput):
        recognised(data, kind if said else None, "", "")
        if kind == "epub" and zipfile.is_zipfile(io.BytesIO(data)):
            opening.open_book(data)


@fuzz
@given(damaged(("epub", "docx", "odt")))
def test_a_damaged_archive_is_measured_or_refused(damage: tuple[SourceFormat, bytes]) -> None:
    with contextlib.suppress(BadInput):
        assert archives.inflated_bytes(damage[1]) < archives.INFLATED_LIMIT_BYTES


@fuzz
@given(texts)
def test_any_page_is_an_article_or_has_no_text(page: str) -> None:
    with contextlib.suppress(BadInput):
        picking.pick(page)


@fuzz
@given(texts)
def test_any_raw_html_has_words_or_none(markup: str) -> None:
    for words, _ in raw_html.words_of_html(markup):
        assert isinstance(words, str)


@fuzz
@given(st.lists(st.builds(Paragraph, texts) | st.builds(Heading, texts, st.integers(-1, 9)), max_size=8), texts)
def test_any_blocks_are_split_or_have_nothing_to_speak(blocks: list[Any], title: str) -> None:
    with contextlib.suppress(BadInput):
        built(Packed.of(Document(tuple(blocks), title=title, author=title, language=title)))


@settings(fuzz, max_examples=PANDOC_EXAMPLES)
@given(damaged((*OF_PANDOC, "pod", "mdoc")))
def test_what_pandoc_makes_of_a_damaged_document_is_read(damage: tuple[SourceFormat, bytes]) -> None:
    kind, data = damage
    book = None
    if kind == "epub":
        try:
            book = opening.open_book(data) if zipfile.is_zipfile(io.BytesIO(data)) else None
        except BadInput:
            return
        data = "".join(book.html).encode("utf-8", "replace") if book else data
    reader = pandoc._READERS[kind]
    command = [pypandoc.get_pandoc_path(), "--sandbox", "--from", reader, "--to", "json", "+RTS", "-M300m", "-RTS"]
    made = subprocess.run(command, input=data, capture_output=True, check=False, timeout=60)
    if made.returncode != 0:
        return
    with contextlib.suppress(BadInput):
        built(documents._document((made.stdout,), narration=Narration(), book=book, article=None))


def test_the_seeds_are_read() -> None:
    """The seeds are valid before they are damaged: otherwise the targets above would test only the first check."""
    for kind in SEEDS:
        assert formats.of_bytes(seed(kind), said=kind, content_type="", name="") == kind
