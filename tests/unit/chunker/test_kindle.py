"""Kindle's books, both kinds and all three ways of packing, with what their makers do wrong; DRM is refused by name."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chunker.documents.document import ChapterStart, Document, Heading, Paragraph
from services.chunker.documents.kindle import huffman, opening, palmdoc
from services.chunker.documents.reading import read_packed
from shared.errors import BadSource, PodcastError
from shared.protocol.messages import SourceFormat
from tests.unit.chunker import made_kindle
from tests.unit.chunker.test_covers import picture

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("one_loop")]


async def read(data: bytes, name: str = "book.mobi", said: SourceFormat | None = None) -> Document:
    return (await read_packed(data, format=said, name=name, deadline_seconds=60)).document()


def chapters(document: Document) -> list[tuple[str, int]]:
    return [(block.title, block.level) for block in document.blocks if isinstance(block, ChapterStart)]


def texts(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, (Heading, Paragraph))]


# ---------------------------------------------------------------- the older kind


@pytest.mark.parametrize("compression", [made_kindle.PLAIN, made_kindle.PALMDOC])
async def test_an_older_book_is_read_with_its_chapters_and_what_its_maker_says(compression: int) -> None:
    document = await read(made_kindle.mobi(compression=compression))
    assert (document.title, document.author, document.language) == ("Das Buch", "A. Writer", "de")
    assert chapters(document) == [("One", 1), ("Zwei: Two", 1)]
    assert texts(document) == ["One", "Words of one.", "More \u00f6 of one.", "Zwei: Two", "Two", "Words of two."]
    assert [(each.kind, each.count) for each in document.omissions] == [("code", 1), ("contents", 1)]


async def test_an_older_book_without_an_index_has_the_chapters_of_its_page_of_contents() -> None:
    document = await read(made_kindle.mobi(with_index=False))
    assert chapters(document) == [("Kapitel One", 1), ("Kapitel Two", 1)]
    assert "Words of two." in texts(document)


async def test_text_of_before_unicode_and_its_language_by_number() -> None:
    text = "<html><body><p>Gr\u00f6\u00dfe, \u201eer\u201c sagte.</p></body></html>".encode("cp1252")
    book = made_kindle.Book(encoding=1252, language=0x0407)
    document = await read(made_kindle.database([book.record(1), text]))
    assert (texts(document), document.language) == (["Gr\u00f6\u00dfe, \u201eer\u201c sagte."], "de")


async def test_what_stands_behind_each_record_is_no_text() -> None:
    text = "<p>a\u2014b.</p>".encode()
    middle = text.index(b"\x80")  # inside the dash: its rest is repeated behind the first record
    first = text[: middle + 1]
    book = made_kindle.Book(trailers=0b11)
    trailer = b"xxx" + bytes((0x84,))  # four bytes with this number
    records = [first + b"\x00" + trailer, text[middle + 1 :] + b"\x00" + trailer]
    assert texts(await read(made_kindle.database([book.record(2), *records]))) == ["a\u2014b."]


async def test_a_text_for_palm_computers_is_read_as_a_text() -> None:
    text = b"The title\n=========\n\nSome words in it.\n"
    head = struct.pack(">HHIHHI", made_kindle.PALMDOC, 0, len(text), 1, 4096, 0)
    document = await read(made_kindle.database([head, made_kindle.palmdoc(text)], b"TEXtREAd"), "a.pdb")
    assert texts(document) == ["The title", "Some words in it."]


async def test_the_cover_of_a_book_is_its_own() -> None:
    packed = await read_packed(made_kindle.mobi(cover=picture(1400, 1400)), format=None, name="", deadline_seconds=60)
    assert packed.picture is not None
    assert packed.picture.data == picture(1400, 1400)


# ---------------------------------------------------------------- the newer kind


PARTS = (
    ("<h1>One</h1><p>Words of one.</p>", "<h2>More</h2><p>More of one.</p>"),
    ('<p>Before.</p><h1>Two</h1><p>See <a href="kindle:pos:fid:0000:off:0000000000">the first</a>.</p>',),
)
LINES = (("One", 0, 0, 0), ("Two", 2, len("<p>Before.</p>"), 0), ("More", 1, 0, 1))


async def test_a_newer_book_is_put_together_from_its_fragments() -> None:
    _, records = made_kindle.kf8(PARTS, lines=LINES)
    document = await read(made_kindle.database(records), "book.azw3")
    assert chapters(document) == [("One", 1), ("More", 2), ("Two", 1)]
    assert texts(document) == ["One", "Words of one.", "More", "More of one.", "Before.", "Two", "See the first."]
    assert document.title == "A Book"


async def test_of_a_file_with_both_kinds_the_newer_one_is_read() -> None:
    older = made_kindle.Book(title="Older", exth=[(121, struct.pack(">I", 3))])
    _, newer = made_kindle.kf8(PARTS, lines=LINES)
    both = made_kindle.database([older.record(1), b"<p>The older text.</p>", b"BOUNDARY", *newer])
    document = await read(both)
    assert (document.title, len(chapters(document))) == ("A Book", 3)
    assert "The older text." not in texts(document)


async def test_a_book_whose_contents_are_broken_is_read_by_its_headings() -> None:
    book, records = made_kindle.kf8(PARTS, lines=LINES)
    records[book.contents] = b"no index"
    assert texts(await read(made_kindle.database(records)))[:2] == ["One", "Words of one."]


async def test_classes_that_a_converter_has_merged_do_not_make_a_text_a_table_of_contents() -> None:
    page = '<div class="toc"><h1>One</h1><p>Words of one, and more of them.</p></div>'
    frame = made_kindle.SKELETON
    try:
        made_kindle.SKELETON = frame.replace("<body>", '<body class="calibre">')
        _, records = made_kindle.kf8([(page,)])
    finally:
        made_kindle.SKELETON = frame
    assert texts(await read(made_kindle.database(records))) == ["One", "Words of one, and more of them."]


# ---------------------------------------------------------------- packing


@given(st.binary(max_size=600) | st.text(alphabet="ab \u00e4", max_size=600).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_what_palmdoc_packs_is_unpacked_as_it_was(text: bytes) -> None:
    assert palmdoc.unpacked(made_kindle.palmdoc(text)) == text


PHRASES = [f"phrase {number} ".encode() for number in range(512)]


def test_phrases_have_codes_of_several_lengths() -> None:
    records = [memoryview(record) for record in made_kindle.huffman(PHRASES)]
    phrases = huffman.Phrases(records[0], records[1:])
    wanted = [3, 0, 254, 300, 511, 7, 256]
    assert phrases.unpacked(b"".join(map(made_kindle.code_of, wanted))) == b"".join(PHRASES[n] for n in wanted)


async def test_a_book_with_a_dictionary_is_read_also_where_phrases_are_made_of_phrases() -> None:
    words = [b"<p>", b"Words", b" of", b" one.", b"</p>"]
    inner = b"".join(map(made_kindle.code_of, (1, 2)))
    phrases = [*words, inner, *PHRASES[6:]]
    records = made_kindle.huffman(phrases, packed=[False] * 5 + [True])
    text = b"".join(map(made_kindle.code_of, (0, 5, 3, 4)))
    book = made_kindle.Book(compression=made_kindle.HUFFMAN, huffman=(2, 2))
    assert texts(await read(made_kindle.database([book.record(1), text, *records]))) == ["Words of one."]


# ---------------------------------------------------------------- refused


def drm(kind: int) -> bytes:
    return made_kindle.mobi(encryption=kind)


PALMDOC_WITH_DRM = made_kindle.database([struct.pack(">HHIHHHH", 2, 0, 9, 1, 4096, 1, 0), b"x"], b"TEXtREAd")
REFUSED = [
    (drm(1), "protected against copying (DRM)"),
    (drm(2), "protected against copying (DRM)"),
    (PALMDOC_WITH_DRM, "protected against copying (DRM)"),
    (b"\xeaDRMION\xee" + bytes(100), "Kindle book with DRM (KFX)"),
    (b"CONT\x02\x00" + bytes(100), "format KFX"),
    (b"TPZ0" + bytes(100), "Topaz"),
    (made_kindle.database([made_kindle.Book().record(1), b"%MOP" + bytes(50)]), "replica of a printed one"),
    (made_kindle.database([made_kindle.Book().record(5), b"<p>a</p>"]), "records of its text are missing"),
    (made_kindle.database([made_kindle.Book(compression=99).record(1), b"<p>a</p>"]), "packed in an unknown way"),
    (
        made_kindle.database([made_kindle.Book(compression=made_kindle.HUFFMAN, huffman=(7, 2)).record(1), b"a"]),
        "dictionary is missing",
    ),
    (made_kindle.database([b"nothing"]), "ends too early"),
    (made_kindle.mobi()[:300], "records overlap or are not in it"),
    (b"a book".ljust(60, b"\0") + b"BOOKMOBI" + bytes(200), "it has no records"),
]


@pytest.mark.parametrize(("data", "why"), REFUSED)
async def test_what_cannot_be_read_is_refused_by_name(data: bytes, why: str) -> None:
    with pytest.raises(BadSource) as refused:
        await read(data)
    assert why in str(refused.value)


async def test_what_is_called_a_kindle_book_and_is_none_is_refused() -> None:
    with pytest.raises(BadSource, match="MOBI is broken"):
        await read(b"Only words.", "a.azw3")


SAMPLES = (made_kindle.mobi(cover=b"\xff\xd8\xff"), made_kindle.database(made_kindle.kf8(PARTS, lines=LINES)[1]))


@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.integers(0, 4_000), st.integers(0, 255)), min_size=1, max_size=12),
    st.integers(0, 300),
)
@settings(max_examples=400, deadline=None)
def test_any_damage_is_a_book_or_a_named_error(sample: bytes, damage: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(sample)
    for at, value in damage:
        data[at % len(data)] = value
    with contextlib.suppress(PodcastError):
        opening.opened(bytes(data[: len(data) - cut]))
