"""Books are repaired where readers of books repair them, and what was repaired is said."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest

from services.chunker.documents.document import ChapterStart, Document, Heading, Paragraph
from shared.errors import BadSource
from tests.unit.chunker.made_documents import epub
from tests.unit.chunker.read_documents import omitted, read

PAGES = {"a.xhtml": "<h1>One</h1><p>First words.</p>", "b.xhtml": "<h1>Two</h1><p>Second words.</p>"}
NAV = "<ol><li><a href='text/a.xhtml'>One</a></li><li><a href='text/b.xhtml'>Two</a></li></ol>"
SPOKEN = ["One", "First words.", "Two", "Second words."]
PACKAGE, FIRST, SECOND = "OEBPS/book.opf", "OEBPS/text/a.xhtml", "OEBPS/text/b.xhtml"
Members = dict[str, bytes]
Change = Callable[[Members], object]


def book(change: Change, *, method: int = zipfile.ZIP_STORED) -> Document:
    """The two pages as a book, changed, and read."""
    with zipfile.ZipFile(io.BytesIO(epub(PAGES, nav=NAV))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return read(made.getvalue(), "book.epub")


def spoken(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, (Heading, Paragraph))]


def chapters(document: Document) -> list[str]:
    return [block.title for block in document.blocks if isinstance(block, ChapterStart)]


def replaced(name: str, *pairs: tuple[str, str]) -> Change:
    def change(members: Members) -> None:
        text = members[name].decode()
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        members[name] = text.encode()

    return change


def encoded(encoding: str, *, declared: str | None = None) -> Change:
    """Every file of markup in another encoding."""

    def change(members: Members) -> None:
        for name in (PACKAGE, FIRST, SECOND, "OEBPS/nav.xhtml", "META-INF/container.xml"):
            text = members[name].decode().replace("First words", "Die ersten W\u00f6rter")
            members[name] = f"<?xml version='1.0' encoding='{declared or encoding}'?>{text}".encode(encoding)

    return change


def renamed(old: str, new: str) -> Change:
    def change(members: Members) -> None:
        members[new] = members.pop(old)

    return change


REPAIRED: dict[str, tuple[Change, str]] = {
    "fragments in the manifest": (
        replaced(PACKAGE, ('href="text/a.xhtml"', 'href="text/a.xhtml#top"')),
        "Addresses in the manifest had a fragment, which was ignored (text/a.xhtml#top).",
    ),
    "fragments in manifest and spine, each an item of its own": (
        replaced(
            PACKAGE,
            (
                "</manifest>",
                '<item id="a.xhtml#x" href="text/a.xhtml#x" media-type="application/xhtml+xml"/></manifest>',
            ),
            ("</spine>", '<itemref idref="a.xhtml#x"/></spine>'),
        ),
        "Pages were named more than once in the reading order; each is read once (OEBPS/text/a.xhtml).",
    ),
    "a wrong media type": (
        replaced(PACKAGE, ('media-type="application/xhtml+xml"/><item id="b', 'media-type="text/x-odd"/><item id="b')),
        "Pages were declared as text/x-odd (text/a.xhtml).",
    ),
    "names in another case": (
        renamed(FIRST, "OEBPS/Text/A.XHTML"),
        "File names were written in another way than in the archive (2 times, first: text/a.xhtml).",
    ),
    "backslashes in the archive": (
        renamed(FIRST, "OEBPS\\text\\a.xhtml"),
        "File names were written in another way than in the archive (2 times, first: text/a.xhtml).",
    ),
    "files in another folder": (
        renamed(FIRST, "OEBPS/xhtml/a.xhtml"),
        "Files were found in another folder than the one named (2 times, first: text/a.xhtml).",
    ),
    "absolute addresses": (
        replaced(PACKAGE, ('href="text/a.xhtml"', 'href="file:///OEBPS/text/a.xhtml"')),
        "Absolute addresses were read as files of the book (file:///OEBPS/text/a.xhtml).",
    ),
    "an empty spine": (
        replaced(PACKAGE, ('<itemref idref="a.xhtml"/><itemref idref="b.xhtml"/>', "")),
        "The reading order was empty; that of the manifest was taken (OEBPS/text/a.xhtml).",
    ),
    "ids that occur twice": (
        replaced(PACKAGE, ('id="b.xhtml"', 'id="a.xhtml"'), ('idref="b.xhtml"', 'idref="a.xhtml"')),
        "Several files had the same id in the manifest; they were taken in order (a.xhtml).",
    ),
    "no container": (
        lambda members: members.pop("META-INF/container.xml"),
        "Nothing named the package document; the one in the archive was taken (OEBPS/book.opf).",
    ),
    "a container that names another file": (
        replaced("META-INF/container.xml", ("OEBPS/book.opf", "content.opf")),
        "Nothing named the package document; the one in the archive was taken (OEBPS/book.opf).",
    ),
}


@pytest.mark.parametrize("fault", REPAIRED)
def test_a_fault_is_repaired_and_said(fault: str) -> None:
    change, said = REPAIRED[fault]
    document = book(change)
    assert spoken(document) == SPOKEN
    assert chapters(document) == ["One", "Two"]
    assert said in document.repairs


HARMLESS: dict[str, Change] = {
    "nothing": lambda _: None,
    "percent signs": replaced(PACKAGE, ('href="text/a.xhtml"', 'href="text/%61.xhtml"')),
    "no mimetype": lambda members: members.pop("mimetype"),
    "an odd mimetype": lambda members: members.update(mimetype=b"\xef\xbb\xbfapplication/epub+zip\r\n"),
    "files that nothing needs": replaced(
        PACKAGE, ("</manifest>", '<item id="s" href="style.css" media-type="text/css"/></manifest>')
    ),
    "a page as text/html": replaced(
        PACKAGE, ('media-type="application/xhtml+xml"/><item id="b', 'media-type="text/html"/><item id="b')
    ),
    "comments and a DTD": replaced(FIRST, ("<html", "<!-- x --><!DOCTYPE html PUBLIC '-//W3C//DTD' 'x.dtd'>\n<html")),
    "hidden fonts": lambda members: members.update(
        {
            "META-INF/encryption.xml": b"<encryption xmlns='urn:oasis:names:tc:opendocument:xmlns:container'>"
            b"<EncryptedData xmlns='http://www.w3.org/2001/04/xmlenc#'>"
            b"<EncryptionMethod Algorithm='http://www.idpf.org/2008/embedding'/>"
            b"<CipherData><CipherReference URI='OEBPS/a.otf'/></CipherData></EncryptedData></encryption>"
        }
    ),
}


@pytest.mark.parametrize("fault", HARMLESS)
def test_what_every_reader_takes_is_no_repair(fault: str) -> None:
    document = book(HARMLESS[fault], method=zipfile.ZIP_DEFLATED)
    assert spoken(document) == SPOKEN
    assert document.repairs == ()


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("utf-16", "utf-16"), ("utf-8-sig", "utf-8"), ("cp1252", "windows-1252"), ("utf-8", "latin-1")],
)
def test_any_encoding_is_read(encoding: str, declared: str) -> None:
    document = book(encoded(encoding, declared=declared))
    assert spoken(document) == ["One", "Die ersten W\u00f6rter.", *SPOKEN[2:]]
    assert document.title == "A Book"


def test_entities_of_html_of_the_book_and_of_nobody() -> None:
    dtd = '<!DOCTYPE html [ <!ENTITY who "the others"> <!ENTITY bomb "&who;&who;"> ]>'
    change = replaced(
        FIRST, ("<html", f"{dtd}<html"), ("First words.", "A&nbsp;b&mdash;caf&eacute; &who; &amp; &lt;more&gt; &odd;.")
    )
    assert spoken(book(change))[1] == "A b\u2014caf\u00e9 the others & <more> &odd;."


def test_entities_do_not_join_the_words_of_titles() -> None:
    document = book(replaced("OEBPS/nav.xhtml", (">One<", ">Chapter&nbsp;One<")))
    assert chapters(document) == ["Chapter One", "Two"]


def test_pages_with_the_same_name_in_two_folders_are_two_chapters() -> None:
    def change(members: Members) -> None:
        members["OEBPS/text/2/a.xhtml"] = members.pop(SECOND)
        for name in (PACKAGE, "OEBPS/nav.xhtml"):
            members[name] = members[name].replace(b"text/b.xhtml", b"text/2/a.xhtml")

    document = book(change)
    assert (spoken(document), chapters(document)) == (SPOKEN, ["One", "Two"])


def test_a_page_that_is_not_in_the_book_is_listed() -> None:
    document = book(lambda members: members.pop(SECOND))
    assert spoken(document) == SPOKEN[:2]
    assert omitted(document)["missing page"] == "text/b.xhtml"
    assert "Pages of the reading order are not in the book (text/b.xhtml)." in document.repairs


@pytest.mark.parametrize("broken", ["", "<html", "<ncx>"])
def test_without_a_usable_table_of_contents_headings_are_chapters(broken: str) -> None:
    document = book(lambda members: members.update({"OEBPS/nav.xhtml": broken.encode()}))
    assert [b.text for b in document.blocks if isinstance(b, Heading) and b.starts_chapter] == ["One", "Two"]
    assert "A table of contents was broken or empty (OEBPS/nav.xhtml)." in document.repairs


def test_everything_in_a_folder() -> None:
    def change(members: Members) -> None:
        for name in list(members):
            members[f"epub/{name}"] = members.pop(name)

    document = book(change)
    assert (spoken(document), chapters(document)) == (SPOKEN, ["One", "Two"])
    assert any("found in another folder" in repair for repair in document.repairs)


def test_paragraphs_of_the_class_code_are_code() -> None:
    code = (
        """<p id='x' class="q">Words.</p><p class="code" id="o1">$ git clone<br />$ ls</p>"""
        """<p>More.</p><p class="code">$ cd"""
    )
    document = book(replaced(FIRST, ("<p>First words.</p>", code)))
    assert spoken(document)[:3] == ["One", "Words.", "More."]
    assert omitted(document)["code"] == "$ git clone $ ls"


def test_the_main_title_and_the_authors_alone() -> None:
    document = book(
        replaced(
            PACKAGE,
            (
                "<dc:title>A Book</dc:title><dc:creator>A. Writer</dc:creator>",
                """<dc:title id="s">A Series</dc:title><dc:title id="t">The Title</dc:title>
                <meta refines="#t" property="title-type">main</meta>
                <dc:creator id="a">Ann Author &lt;ann@example.org&gt;</dc:creator>
                <dc:creator id="i">P. Ainter</dc:creator>
                <meta refines="#a" property="role">aut</meta><meta refines="#i" property="role">ill</meta>""",
            ),
        )
    )
    assert (document.title, document.author, document.language) == ("The Title", "Ann Author", "en")


def encrypted(name: str) -> Change:
    def change(members: Members) -> None:
        members[name] = bytes(range(256))
        members["META-INF/encryption.xml"] = (
            "<encryption xmlns='urn:oasis:names:tc:opendocument:xmlns:container'>"
            "<enc:EncryptedData xmlns:enc='http://www.w3.org/2001/04/xmlenc#'>"
            "<enc:EncryptionMethod Algorithm='http://www.w3.org/2001/04/xmlenc#aes128-cbc'/>"
            f"<enc:CipherData><enc:CipherReference URI='{name}'/></enc:CipherData></enc:EncryptedData></encryption>"
        ).encode()

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (encrypted(FIRST), "protected against copying"),
        (lambda members: [members.pop(name) for name in (FIRST, SECOND)], "none of its pages is in it"),
        (lambda members: members.pop(PACKAGE), "no package document"),
        (lambda members: members.update({PACKAGE: b"words"}), "no XML"),
    ],
)
def test_what_no_reader_can_show_is_refused_by_name(change: Change, says: str) -> None:
    with pytest.raises(BadSource, match=says) as refused:
        book(change)
    assert refused.value.hint
