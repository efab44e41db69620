"""Hostile documents, made by code: what a stranger may submit to block a chunker, and the required outcome of each.

Each is a few KB to a few MB. `outcome` is the name of the error, or "read" if the document is odd but harmless;
several names where the machine's speed decides which limit is reached first.
"""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from shared.protocol.messages import SourceFormat
from tests.corpus.pdfs import PDFS
from tests.unit.chunker import made_documents, made_kindle

READ = frozenset({"read"})
REFUSED = frozenset({"BadSource"})
TOO_LARGE = frozenset({"TooLarge"})
BOUNDED = frozenset({"read", "BadSource", "TooLarge"})
"""Read if the parser manages within its limits, else refused by name; never a retry, never an unnamed error."""


@dataclass(frozen=True)
class Case:
    """A hostile document.

    Attributes:
        name: what it does.
        make: makes it.
        format: the format that the job claims; None: guessed.
        file_name: its file name.
        outcomes: acceptable outcomes.
    """

    name: str
    make: Callable[[], bytes]
    format: SourceFormat | None
    outcomes: frozenset[str]
    file_name: str = ""


def _text(made: Callable[[], str]) -> Callable[[], bytes]:
    return lambda: made().encode("utf-8", "surrogatepass")


# ---------------------------------------------------------------- text of any format

MARK, BELOW = "\u0301", "\u0323"

TEXTS: dict[str, Callable[[], str]] = {
    "a language a paragraph": lambda: (
        "It was raining when she came home from work.\n\nEs regnete, als sie von der Arbeit nach Hause kam.\n\n" * 9_000
    ),
    "one long sentence in two languages": lambda: "and so she said aber er sagte nichts " * 25_000,
    "a script of many speakers": lambda: "\n\n".join(
        f"Speaker {n % 3_000}: So it is, they say." for n in range(18_000)
    ),
    "names without colons": lambda: "\n\n".join("Abc " * 30 for _ in range(15_000)),
    "colons without names": lambda: "\n\n".join("A" * 39 + ":" * 80 + " B." for _ in range(15_000)),
    "one line of 5 MB without spaces": lambda: "x" * 5_000_000,
    "one sentence of 5 MB": lambda: "word " * 1_000_000,
    "joiners inside a word": lambda: "a" + "\u200d" * 300_000 + "b",
    "joiners at every word's end": lambda: ("a" + "\u200c" * 3_000 + "b ") * 300,
    "zero-width spaces": lambda: "a" + "\u200b" * 1_000_000 + "b",
    "marks in two orders on one letter": lambda: "a" + (MARK + BELOW) * 150_000 + " and words.",
    "marks upon every letter": lambda: ("z" + (MARK + BELOW) * 50) * 10_000,
    "line breaks and spaces": lambda: "a" + ("\n" + " " * 50_000) * 20 + "b",
    "spaces after ideographs": lambda: ("\u4e2d" + " " * 5_000 + "\n" + " " * 5_000 + "b\n\n") * 100,
    "quotation marks after a comma": lambda: "word," + '"' * 500_000 + "word",
    "dots": lambda: "word" + "." * 1_000_000 + "word",
    "abbreviations": lambda: "Dr. " * 500_000,
    "a paragraph a letter": lambda: "a\n\n" * 700_000,
    "right to left": lambda: ("\u202e\u05d0\u05d1\u05d2 " * 20 + "\n\n") * 2_000,
    "unpaired surrogates": lambda: "word \ud800 word. " * 50_000,
    "NULs": lambda: "wo\x00rd and more words. " * 10_000,
    "decoration": lambda: ("word " + "* " * 5_000) * 100,
    "sixteen signs between letters": lambda: ("a" + "-" * 16) * 100_000,
    "emoji families": lambda: "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 100_000,
    "ideographs in one paragraph": lambda: "\u4e2d\u6587" * 1_000_000,
    "line separators": lambda: "a\u2028b\u2029" * 300_000,
}

# ---------------------------------------------------------------- Markdown

MARKDOWN: dict[str, Callable[[], str]] = {
    "opening brackets": lambda: "[" * 100_000 + "word",
    "pairs of brackets": lambda: "[]" * 50_000 + "word",
    "brackets and parentheses": lambda: "[a](" * 50_000,
    "images inside images": lambda: "![" * 20_000 + "a" + "](b)" * 20_000,
    "nested emphasis": lambda: "*a **b " * 20_000,
    "closed nested emphasis": lambda: "*a **b " * 5_000 + "c** d*" * 5_000,
    "emphasis marks": lambda: "*" * 100_000 + "a",
    "underscores between letters": lambda: "a_" * 50_000,
    "backticks of growing length": lambda: " ".join("`" * n for n in range(1, 600)),
    "unclosed code": lambda: "`a``b" * 20_000,
    "quotes in quotes": lambda: ">" * 20_000 + "a",
    "a list in a list": lambda: "".join("  " * n + "- a\n" for n in range(1_000)),
    "list marks on one line": lambda: "- " * 20_000 + "a",
    "a million headings": lambda: "# a\n" * 300_000,
    "unclosed tags": lambda: "<a " * 50_000,
    "declarations without an end": lambda: "words\n\n<div>\n" + "<!" * 100_000 + "\n</div>\n",
    "comments without an end": lambda: "words <!--" * 30_000,
    "processing instructions": lambda: "<?" * 50_000 + " words",
    "preformatted raw HTML with tails": lambda: "<div>" + "<pre>a</pre>word" * 50_000 + "</div>",
    "captions without pictures": lambda: "<figure>" + "<figcaption>a</figcaption>" * 20_000 + "</figure>",
    "references to references": lambda: "".join(f"[a{n}]: b{n}\n" for n in range(30_000)) + "[a1] words",
    "footnotes in footnotes": lambda: "".join(f"[^{n}]: [^{n + 1}] words\n\n" for n in range(3_000)) + "[^0] words",
    "a footnote often named": lambda: "[^1] word " * 20_000 + "\n\n[^1]: " + "words " * 1_000,
    "a wide table": lambda: "|" + "a|" * 20_000 + "\n|" + "-|" * 20_000 + "\n|" + "b|" * 20_000,
    "a long table": lambda: "word\n\n|a|b|\n|-|-|\n" + "|c|d|\n" * 50_000,
    "a table of few cells in wide rows": lambda: (
        "word\n\n|" + "a|" * 2_000 + "\n|" + "-|" * 2_000 + "\n" + "|b\n" * 2_000
    ),
    "entities": lambda: "&amp;" * 200_000,
    "backslashes": lambda: "\\" * 200_000 + "word",
    "deep YAML": lambda: "---\ntitle: " + "[" * 20_000 + "]" * 20_000 + "\n---\n\nwords",
    "YAML aliases": lambda: (
        "---\na: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True))
        + "title: *h\n---\n\nwords"
    ),
    "attributes": lambda: "word {" + "a=b " * 50_000 + "}",
    "autolinks": lambda: "http://a" * 30_000,
    "e-mail addresses": lambda: "a@" * 50_000,
    "dollars": lambda: "$a" * 50_000,
    "strikes": lambda: "~~a ~b " * 20_000,
    "definition lists": lambda: "a\n: b\n\n" * 20_000,
    "hard breaks": lambda: "a  \n" * 100_000,
    "control characters in raw HTML": lambda: "<div>\x1b[31mword</div>\n\nwords",
    "long link text of spaces": lambda: "words [" + "\u00a0" * 100_000 + "x](#a) words",
}

# ---------------------------------------------------------------- HTML


def _page(inside: str) -> str:
    return f"<!doctype html><html><head><title>t</title></head><body>{inside}</body></html>"


HTML: dict[str, Callable[[], str]] = {
    "comments before the page": lambda: "<!---->" * 40 + "<!--" * 20 + "<p>word",
    "many comments before the page": lambda: "<!---->" * 1_400 + "x",
    "nested blocks": lambda: _page("<div>" * 20_000 + "word"),
    "nested lists": lambda: _page("<ul><li>" * 5_000 + "word"),
    "nested quotes": lambda: _page("<blockquote>" * 5_000 + "word"),
    "nested inline tags": lambda: _page("<p>" + "<b><i>" * 10_000 + "word"),
    "nested tables": lambda: _page("<table><tr><td>" * 500 + "word"),
    "nested emphasis, closed": lambda: _page("<em>" * 200 + "word" + "</em>" * 200),
    "unclosed tags": lambda: _page("<p><b><a href=x>word" * 20_000),
    "misnested formatting": lambda: _page("<b><i><u><a><s>x</b></i></u></a></s>" * 5_000),
    "unclosed formatting": lambda: _page("<p>" + "<b><i>a" * 3_000 + "</p><p>b" * 3_000),
    "a huge attribute": lambda: _page(f'<p title="{"x" * 3_000_000}">word</p>'),
    "attributes": lambda: _page("<p " + " ".join(f"a{n}=b" for n in range(100_000)) + ">word</p>"),
    "spans": lambda: _page("<p>" + "<span>a</span>" * 200_000),
    "furniture with tails": lambda: _page("<p>" + "<nav>a</nav>word " * 50_000),
    "nested furniture": lambda: _page("<nav>" * 250 + "a" * 100_000 + "</nav>" * 250 + "<p>words</p>"),
    "headers without headings": lambda: _page("<header>" * 250 + "<p>a</p>" * 10_000),
    "scripts with tails": lambda: _page("<p>word" + "<script>a</script>word" * 50_000),
    "spanning cells": lambda: _page('<p>word</p><table><tr><td rowspan="65534" colspan="1000">a</td></tr></table>'),
    "many spanning cells": lambda: _page(
        "<p>word</p><table>" + '<tr><td rowspan="1000" colspan="1000">a</td></tr>' * 500 + "</table>"
    ),
    "entities": lambda: _page("&lt;p&gt;" * 100_000),
    "an entity that grows": lambda: (
        '<?xml version="1.0"?><!DOCTYPE html [<!ENTITY a "word word word word">'
        + "".join(f'<!ENTITY {b} "{("&" + a + ";") * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
        + "]><html><body><p>&i; words</p></body></html>"
    ),
    "a file as an entity": lambda: (
        '<?xml version="1.0"?><!DOCTYPE html [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
        "<html><body><p>&a; words</p></body></html>"
    ),
    "a data picture": lambda: _page(f'<p>word</p><img src="data:image/png;base64,{"A" * 3_000_000}">'),
    "scripts": lambda: _page("<script>" * 50_000 + "word"),
    "definitions": lambda: _page("<dl>" + "<dt>a<dd>b" * 50_000 + "</dl>"),
    "article without end": lambda: _page("<nav>x</nav><article>" + "<p>Words of an article, " * 30_000),
    "many links": lambda: _page("<nav>x</nav>" + '<p><a href="x">words of a link</a> and text.</p>' * 20_000),
    "math": lambda: _page("<p>word " + "<math><mrow>" * 2_000 + "<mi>x</mi>" + "</mrow></math>" * 2_000),
    "control characters beside furniture": lambda: _page("<p>word\x1b<nav>a</nav>\x1bword"),
    "select in select": lambda: _page("<p>word " + "<select><option>" * 10_000),
    "forms of ruby": lambda: _page("<p>" + "<ruby>a<rt>b" * 20_000),
}

# ---------------------------------------------------------------- RST, Org, RTF, FB2

RST: dict[str, Callable[[], str]] = {
    "substitutions that grow": lambda: (
        ".. |a| replace:: word word word word\n"
        + "".join(
            f".. |{b}| replace:: {(f'|{a}| ' * 10).strip()}\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
        )
        + "\n|i| words\n"
    ),
    "a substitution of itself": lambda: ".. |a| replace:: |a| |a|\n\n|a| words\n",
    "emphasis": lambda: "*a **b " * 20_000,
    "inline marks": lambda: "`" * 20_000 + "a",
    "references": lambda: "a_ " * 30_000,
    "nested lists": lambda: "".join("  " * n + "- a\n\n" for n in range(500)),
    "quotes": lambda: "".join(" " * n + "a\n\n" for n in range(1_000)),
    "rules of every length": lambda: "".join("a" * n + "\n" + "=" * n + "\n\n" for n in range(1, 500)),
    "a grid table": lambda: "word\n\n" + ("+" + "-+" * 300 + "\n" + "|" + " |" * 300 + "\n") * 100,
    "includes": lambda: ".. include:: /etc/passwd\n\nwords\n",
    "directives in directives": lambda: "".join("   " * n + ".. note::\n\n" for n in range(300)) + "   " * 300 + "a\n",
    "field lists": lambda: ":a: b\n" * 30_000 + "\nwords",
    "pipes": lambda: "|" * 30_000 + " a",
}
ORG: dict[str, Callable[[], str]] = {
    "emphasis": lambda: "*a /b " * 20_000,
    "markers": lambda: "/" * 50_000 + "a",
    "links": lambda: "[[" * 30_000 + "a",
    "deep headings": lambda: "".join("*" * n + " a\n" for n in range(1, 1_500)),
    "lists": lambda: "".join(" " * n + "- a\n" for n in range(1_000)),
    "drawers": lambda: ":a:\n" * 20_000 + "words",
    "blocks": lambda: "#+begin_quote\n" * 5_000 + "words",
    "macros": lambda: "#+macro: a {{{a}}} {{{a}}}\n\n{{{a}}} words\n",
    "macros that grow": lambda: (
        "#+macro: a word word word\n"
        + "".join(f"#+macro: {b} {f'{{{{{{{a}}}}}}} ' * 10}\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
        + "\n{{{i}}} words\n"
    ),
    "braces": lambda: "a^{" * 20_000 + "b",
    "tables": lambda: "|" + "a|" * 20_000 + "\n",
    "includes": lambda: '#+include: "/etc/passwd"\n\nwords\n',
    "footnotes": lambda: "[fn:: a " * 5_000 + "b" + "]" * 5_000,
}
RTF: dict[str, Callable[[], str]] = {
    "groups in groups": lambda: "{\\rtf1 " + "{" * 50_000 + "word" + "}" * 50_000 + "}",
    "unclosed groups": lambda: "{\\rtf1 word " + "{\\b " * 50_000,
    "a huge number": lambda: "{\\rtf1 word \\u" + "9" * 50_000 + " word}",
    "binary data": lambda: "{\\rtf1 word \\bin999999999 word}",
    "tables": lambda: "{\\rtf1 word " + "\\trowd\\cellx1000 a\\cell\\row" * 10_000 + "}",
    "lists": lambda: "{\\rtf1 word " + "\\ls1\\ilvl8 a\\par" * 20_000 + "}",
    "fields": lambda: "{\\rtf1 word " + "{\\field{\\*\\fldinst HYPERLINK}{\\fldrslt " * 3_000 + "}",
    "backslashes": lambda: "{\\rtf1 " + "\\" * 100_000 + "word}",
}


def _fb2(inside: str, before: str = "") -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}<FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0">'
        f"<body><section>{inside}</section></body></FictionBook>"
    )


def _laughs(root: str) -> str:
    entities = '<!ENTITY a "word word word word">' + "".join(
        f'<!ENTITY {b} "{("&" + a + ";") * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    return f"<!DOCTYPE {root} [{entities}]>"


FB2: dict[str, Callable[[], str]] = {
    "an entity that grows": lambda: _fb2("<p>&i;</p>", _laughs("FictionBook")),
    "a file as an entity": lambda: _fb2(
        "<p>&a; words</p>", '<!DOCTYPE FictionBook [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    ),
    "sections in sections": lambda: _fb2("<section>" * 5_000 + "<p>a</p>" + "</section>" * 5_000),
    "emphasis in emphasis": lambda: _fb2("<p>" + "<emphasis>" * 5_000 + "a" + "</emphasis>" * 5_000 + "</p>"),
    "unclosed": lambda: _fb2("<p>" * 20_000),
    "attributes": lambda: _fb2("<p " + " ".join(f'a{n}="b"' for n in range(50_000)) + ">word</p>"),
    "a huge picture": lambda: _fb2("<p>word</p>") + f"<binary>{'A' * 1_000_000}</binary>",
}

# ---------------------------------------------------------------- archives

_CONTAINER = (
    '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)


def _book(
    pages: dict[str, str],
    *,
    extra: tuple[tuple[str, bytes], ...] = (),
    nav: str = "",
    refs: int = 1,
    before: str = "",
) -> bytes:
    """An EPUB whose pages may have any file name."""
    items = "".join(f'<item id="i{n}" href="{p}" media-type="application/xhtml+xml"/>' for n, p in enumerate(pages))
    spine = "".join(f'<itemref idref="i{n}"/>' for n, _ in enumerate(pages)) * refs
    if nav:
        items += '<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>'
    package = (
        f'{before}<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="x">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="x">x</dc:identifier>'
        f"<dc:title>A Book</dc:title></metadata><manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        archive.writestr("META-INF/container.xml", _CONTAINER)
        archive.writestr("book.opf", package)
        for name, body in pages.items():
            archive.writestr(name, _xhtml(body))
        if nav:
            archive.writestr("nav.xhtml", _xhtml(f'<nav epub:type="toc">{nav}</nav>'))
        for name, data in extra:
            archive.writestr(name, data)
    return made.getvalue()


def _xhtml(body: str, before: str = "") -> str:
    return (
        f'{before}<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">'
        f"<head><title>page</title></head><body>{body}</body></html>"
    )


def _zip(*members: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return made.getvalue()


def bomb_by_another_name() -> bytes:
    """A chapter of 300 MB that is named like a picture."""
    return _book({"a.jpg": "<p>" + "word " * 60_000_000 + "</p>"})


def lying_header() -> bytes:
    """A chapter of 60 MB whose headers claim 500 bytes."""
    book = bytearray(_book({"a.xhtml": "<p>" + "word " * 12_000_000 + "</p>"}))
    size = struct.pack("<I", len(_xhtml("<p>" + "word " * 12_000_000 + "</p>")))
    while (at := book.find(size)) >= 0:
        book[at : at + 4] = struct.pack("<I", 500)
    return bytes(book)


def overlapping_members() -> bytes:
    """Twenty thousand directory entries that all point at the same data."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = b"word " * 2_000_000
    data = packed.compress(content) + packed.flush()
    crc = zlib.crc32(content)
    name = b"a0000.xhtml"
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 8, 0, 33, crc, len(data), len(content), len(name), 0) + name
    directory = b""
    count = 5_000
    for number in range(count):
        called = f"a{number:04}.xhtml".encode()
        directory += struct.pack(
            "<IHHHHHHIIIHHHHHII",
            0x02014B50, 20, 20, 0, 8, 0, 33, crc, len(data), len(content), len(called), 0, 0, 0, 0, 0, 0,
        ) + called  # fmt: skip
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, len(directory), len(local) + len(data), 0)
    return local + data + directory + end


def encrypted_member() -> bytes:
    """The flag that says a member needs a password, on every member."""
    book = bytearray(_book({"a.xhtml": "<p>word</p>"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = book.find(signature)
        while at >= 0:
            book[at + offset] |= 1
            at = book.find(signature, at + 4)
    return bytes(book)


def nested_zips() -> bytes:
    """Zips in zips, ten levels deep, ten in each."""
    inner = _zip(("a.txt", b"0" * 10_000_000))
    for _ in range(5):
        inner = _zip(*((f"{n}.zip", inner) for n in range(10)))
    return _book({"a.xhtml": "<p>word</p>"}, extra=(("inner.zip", inner),))


def duplicate_names() -> bytes:
    made = io.BytesIO(_book({"a.xhtml": "<p>word</p>"}))
    with zipfile.ZipFile(made, "a") as archive:
        for _ in range(100):
            archive.NameToInfo.clear()  # so that it does not warn of a name that is there already
            archive.writestr("a.xhtml", _xhtml("<p>other</p>"))
    return made.getvalue()


def _office(kind: str, main: str, content: str) -> bytes:
    """A DOCX or ODT with its main part replaced."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(made_documents.from_markdown(kind, "word"))) as old,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for info in old.infolist():
            new.writestr(info.filename, content if info.filename == main else old.read(info))
    return made.getvalue()


_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_O = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
)


def _docx(body: str, before: str = "") -> bytes:
    return _office("docx", "word/document.xml", f"{before}<w:document {_W}><w:body>{body}</w:body></w:document>")


def _odt(body: str, before: str = "") -> bytes:
    return _office(
        "odt",
        "content.xml",
        f"{before}<office:document-content {_O}><office:body><office:text>{body}</office:text></office:body>"
        "</office:document-content>",
    )


_WORD = "<w:p><w:r><w:t>word</w:t></w:r></w:p>"

ARCHIVES: tuple[Case, ...] = (
    Case("a bomb by another name", bomb_by_another_name, None, TOO_LARGE),
    Case("a header that lies", lying_header, None, REFUSED),
    Case("overlapping members", overlapping_members, "epub", REFUSED),
    Case("encrypted members", encrypted_member, None, REFUSED),
    Case("zips in zips", nested_zips, None, READ),
    Case("one name a hundred times", duplicate_names, None, READ),
    Case(
        "thirty thousand members",
        lambda: _book({"a.xhtml": "<p>word</p>"}, extra=tuple((f"x{n}", b"") for n in range(30_000))),
        None,
        REFUSED,
    ),
    Case("a name that leaves the folder", lambda: _book({"../../a.xhtml": "<p>word</p>"}), None, BOUNDED),
    Case(
        "entities of the book's own in a page",
        lambda: _book(
            {
                "a.xhtml": "<p>" + "&x;" * 100_000 + "</p>",
                "b.xhtml": "<!DOCTYPE html [<!ENTITY x '" + "word " * 200 + "'>]><p>" + "&x;" * 100_000 + "</p>",
            }
        ),
        None,
        BOUNDED,
    ),
    Case(
        "encryption of everything, many times",
        lambda: _book(
            {"a.xhtml": "<p>word</p>"},
            extra=(
                (
                    "META-INF/encryption.xml",
                    b"<e>" + b"<EncryptedData><CipherReference URI='x/../a.xhtml'/></EncryptedData>" * 20_000 + b"</e>",
                ),
            ),
        ),
        None,
        REFUSED,
    ),
    Case("a zip with one text in it", lambda: _zip(("a.txt", b"word")), None, READ),
    Case("a zip with nothing to read in it", lambda: _zip(("a.bin", b"\0\1\2\3")), None, REFUSED),
    Case("a zip with nothing in it", _zip, None, REFUSED),
    Case("half a zip", lambda: _book({"a.xhtml": "<p>word</p>" * 1_000})[:300], None, REFUSED),
    Case("one page ten thousand times", lambda: _book({"a.xhtml": "<p>word</p>" * 1_000}, refs=10_000), None, BOUNDED),
    Case(
        "ten thousand pages",
        lambda: _book({f"a{n}.xhtml": "<p>word</p>" for n in range(5_000)}),
        None,
        BOUNDED,
    ),
    Case(
        "a table of contents as long as the book",
        lambda: _book(
            {"a.xhtml": "".join(f'<p id="p{n}">Word number {n}.</p>' for n in range(10_000))},
            nav="<ol>" + "".join(f'<li><a href="a.xhtml#p{n}">{n}</a></li>' for n in range(10_000)) + "</ol>",
        ),
        None,
        BOUNDED,
    ),
    Case(
        "a table of contents that points nowhere",
        lambda: _book(
            {"a.xhtml": "".join(f"<p>Word number {n}.</p>" for n in range(5_000)) + "<p>" + "word " * 50_000 + "</p>"},
            nav="<ol>" + "".join(f'<li><a href="a.xhtml#q{n}">{n}</a></li>' for n in range(10_000)) + "</ol>",
        ),
        None,
        BOUNDED,
    ),
    Case(
        "targets without words",
        lambda: _book(
            {"a.xhtml": "".join(f'<p id="p{n}"></p>' for n in range(10_000)) + "<p>word</p>"},
            nav="<ol>" + "".join(f'<li><a href="a.xhtml#p{n}">{n}</a></li>' for n in range(10_000)) + "</ol>",
        ),
        None,
        BOUNDED,
    ),
    Case(
        "an entity that grows in the package",
        lambda: _book({"a.xhtml": "<p>w</p>"}, before=_laughs("package")),
        None,
        BOUNDED,
    ),
    Case(
        "an entity that grows in a page",
        lambda: _zip(
            ("mimetype", b"application/epub+zip"),
            *(
                (name, data)
                for name, data in _members(_book({"a.xhtml": "<p>x</p>"}))
                if name not in {"mimetype", "a.xhtml"}
            ),
            ("a.xhtml", _xhtml("<p>&i; words</p>", _laughs("html")).encode()),
        ),
        None,
        BOUNDED,
    ),
    Case(
        "DOCX: an entity that grows", lambda: _docx("<w:p><w:r><w:t>&i;</w:t></w:r></w:p>", _laughs("w")), None, BOUNDED
    ),
    Case(
        "DOCX: tables in tables",
        lambda: _docx("<w:tbl><w:tr><w:tc>" * 1_000 + _WORD + "</w:tc></w:tr></w:tbl>" * 1_000),
        None,
        BOUNDED,
    ),
    Case(
        "DOCX: wide cells",
        lambda: _docx(
            _WORD
            + "<w:tbl>"
            + '<w:tr><w:tc><w:tcPr><w:gridSpan w:val="100000000"/></w:tcPr><w:p/></w:tc></w:tr>' * 100
            + "</w:tbl>"
        ),
        None,
        BOUNDED,
    ),
    Case(
        "DOCX: many runs",
        lambda: _docx("<w:p>" + "<w:r><w:rPr><w:b/></w:rPr><w:t>a</w:t></w:r>" * 50_000 + "</w:p>"),
        None,
        BOUNDED,
    ),
    Case(
        "DOCX: many fields",
        lambda: _docx("<w:p>" + '<w:r><w:fldChar w:fldCharType="begin"/></w:r>' * 20_000 + "</w:p>" + _WORD),
        None,
        BOUNDED,
    ),
    Case(
        "ODT: a table of a million columns",
        lambda: _odt(
            '<text:p>word</text:p><table:table><table:table-column table:number-columns-repeated="100000000"/>'
            '<table:table-row table:number-rows-repeated="1000000"><table:table-cell'
            ' table:number-columns-repeated="100000000"><text:p>a</text:p></table:table-cell></table:table-row>'
            "</table:table>"
        ),
        None,
        BOUNDED,
    ),
    Case(
        "ODT: a billion spaces", lambda: _odt('<text:p>word<text:s text:c="1000000000"/>word</text:p>'), None, BOUNDED
    ),
    Case(
        "ODT: spans in spans",
        lambda: _odt("<text:p>" + "<text:span>" * 5_000 + "a" + "</text:span>" * 5_000 + "</text:p>"),
        None,
        BOUNDED,
    ),
    Case(
        "ODT: lists in lists",
        lambda: _odt(
            "<text:list><text:list-item>" * 3_000 + "<text:p>a</text:p>" + "</text:list-item></text:list>" * 3_000
        ),
        None,
        BOUNDED,
    ),
    Case("ODT: an entity that grows", lambda: _odt("<text:p>&i;</text:p>", _laughs("x")), None, BOUNDED),
    Case("gzip by the name of a text", lambda: gzip.compress(b"word " * 1_000_000), "text", REFUSED, "a.txt"),
    Case("random bytes", lambda: bytes((n * 7_919 + n * n) % 251 for n in range(300_000)), None, REFUSED, "a.txt"),
    Case(
        "eight-bit text that every encoding fits",
        lambda: bytes(0xA0 + (n * n) % 96 for n in range(300_000)),
        "text",
        BOUNDED,
    ),
)


_PLAN = "--- podcast plan 1\n---\n"
PLANS: dict[str, Callable[[], str]] = {
    "one paragraph of many lines": lambda: _PLAN + "A line.\n" * 200_000,
    "one line": lambda: _PLAN + "word " * 900_000,
    "chapters": lambda: _PLAN + "# A\n" * 200_000,
    "marks above every word": lambda: _PLAN + "{heading language=de}\nA.\n\n" * 80_000,
    "a mark that does not end": lambda: _PLAN + '{speaker="' + "\\\\" * 250_000 + "}\nA.",
    "brackets": lambda: _PLAN + "{" * 500_000 + "}\nA.",
    "comments that do not end": lambda: _PLAN + "<!-- a\n" * 200_000,
    "a header without end": lambda: "--- podcast plan 1\n" + "\n" * 1_000_000,
    "another version": lambda: "--- podcast plan 999999999999999999\n---\nA.",
}


TRANSCRIPTS: dict[str, Callable[[], str]] = {
    "a cue a line": lambda: "00:00:01.000 --> 00:00:02.000\na\n" * 50_000,
    "tags without an end": lambda: "00:00:01.000 --> 00:00:02.000\n" + "<v " * 300_000,
    "brackets without an end": lambda: "00:00:01.000 --> 00:00:02.000\n" + "[" * 300_000 + "a",
    "notes in music": lambda: "00:00:01.000 --> 00:00:02.000\n" + "\u266a" * 300_001 + "a",
    "one speaker a cue": lambda: "".join(f"00:00:01.000 --> 00:00:02.000\nA{n}: a\n\n" for n in range(30_000)),
    "arrows": lambda: "00:00:01.000 --> 00:00:02.000\na\n\n" + "-->" * 300_000,
}
MAIL: dict[str, Callable[[], str]] = {
    "parts in parts": lambda: (
        "From: a@example.org\nTo: b@example.org\nSubject: x\n"
        + "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(3_000))
        + "\nword"
    ),
    "many parts": lambda: (
        'From: a@example.org\nSubject: x\nContent-Type: multipart/mixed; boundary="b"\n\n'
        + "--b\nContent-Type: text/plain\n\nword\n" * 30_000
    ),
    "a subject of a megabyte": lambda: "From: a@example.org\nSubject: " + "=?utf-8?q?a?= " * 70_000 + "\n\nword",
    "a name of a megabyte": lambda: "From: " + '"' * 500_000 + "(" * 500_000 + "\nSubject: x\n\nword",
    "answers": lambda: "From: a@example.org\nSubject: " + "Re: " * 300_000 + "\n\nword",
    "ten thousand mails": lambda: "From a\nSubject: x\n\nword\n\n" * 10_000,
    "quotes": lambda: "From: a@example.org\nSubject: x\n\nword\n" + "> a\nb\n" * 100_000,
}
MANUALS: dict[str, Callable[[], str]] = {
    "sections": lambda: ".TH A 1\n" + ".SH A\nb\n" * 30_000,
    "a macro of itself": lambda: ".TH A 1\n.de X\n.X\n.X\n..\n.X\nword",
    "lists in lists": lambda: ".TH A 1\n" + ".RS\n.IP a\n" * 5_000 + "word",
}


_LARGE = "<p>" + "word " * 200_000 + "</p>"


def _kindle(book: made_kindle.Book, *records: bytes, texts: int) -> bytes:
    return made_kindle.database([book.record(texts), *records])


_PHRASES_BEHIND_ONE = made_kindle.Book(compression=made_kindle.HUFFMAN, huffman=(2, 2))
_CODE = made_kindle.code_of
KINDLE: dict[str, Callable[[], bytes]] = {
    "a record that repeats itself": lambda: _kindle(
        made_kindle.Book(compression=made_kindle.PALMDOC), *[b"a" + b"\x80\x0f" * 6_500] * 1_000, texts=1_000
    ),
    "phrases of phrases of phrases": lambda: _kindle(
        _PHRASES_BEHIND_ONE,
        _CODE(250) * 1_000,
        *made_kindle.huffman([b"a", *(_CODE(n - 1) * 2 for n in range(1, 251))], [False, *[True] * 250]),
        texts=1,
    ),
    "a phrase of itself": lambda: _kindle(
        _PHRASES_BEHIND_ONE, _CODE(0), *made_kindle.huffman([_CODE(0)], [True]), texts=1
    ),
    "phrases of nothing": lambda: _kindle(
        made_kindle.Book(compression=made_kindle.HUFFMAN, huffman=(21, 2)),
        *[_CODE(0) * 60_000] * 20,
        *made_kindle.huffman([b""]),
        texts=20,
    ),
    "many fragments": lambda: made_kindle.database(made_kindle.kf8([[f"<p>a{n}</p>" for n in range(2_500)]] * 2)[1]),
    "a line of contents a word": lambda: made_kindle.database(
        made_kindle.kf8([[_LARGE]], lines=[(f"Part {n}", 0, 5 * n, n % 300) for n in range(3_000)])[1]
    ),
    "a page end a word": lambda: _kindle(
        made_kindle.Book(), *made_kindle.cut(b"a<mbp:pagebreak/>" * 48_000), texts=199
    ),
    "a place of a link a word": lambda: _kindle(
        made_kindle.Book(),
        *made_kindle.cut(b"".join(b"<a filepos=%d>a</a>" % (7 * n) for n in range(20_000))),
        texts=80,
    ),
    "large letters": lambda: _kindle(
        made_kindle.Book(), *made_kindle.cut(b"<p>" + b"<font size=7>a</font> " * 30_000), texts=160
    ),
    "elements in elements": lambda: _kindle(
        made_kindle.Book(), *made_kindle.cut(b"<blockquote><font size=7>a" * 32_000), texts=200
    ),
}


def _members(archive: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return [(name, opened.read(name)) for name in opened.namelist()]


def _cases(format: SourceFormat, made: dict[str, Callable[[], str]]) -> tuple[Case, ...]:  # noqa: A002 - the field's name
    return tuple(Case(f"{format}: {name}", _text(make), format, BOUNDED) for name, make in made.items())


CASES: tuple[Case, ...] = (
    *_cases("text", TEXTS),
    *_cases("markdown", MARKDOWN),
    *_cases("html", HTML),
    *_cases("rst", RST),
    *_cases("org", ORG),
    *_cases("rtf", RTF),
    *_cases("fb2", FB2),
    *_cases("vtt", TRANSCRIPTS),
    *_cases("eml", MAIL),
    *_cases("man", MANUALS),
    Case("guessed: a mail's fields without an end", _text(lambda: "A: b\n" * 100_000), None, BOUNDED),
    Case("guessed: comments of a manual page", _text(lambda: '.\\" a\n' * 100_000), None, BOUNDED),
    *_cases("plan", PLANS),
    Case("guessed: comments before the page", _text(HTML["many comments before the page"]), None, BOUNDED, "a.txt"),
    Case("guessed: comments and no page", _text(lambda: "<!---->" * 30 + "x"), None, BOUNDED),
    Case("guessed: brackets on every line", _text(lambda: "[\n" * 5_000 + "word"), None, BOUNDED),
    *ARCHIVES,
    *(Case(f"Kindle: {name}", make, None, BOUNDED, "a.mobi") for name, make in KINDLE.items()),
    *(Case(f"PDF: {name}", make, None, BOUNDED, "a.pdf") for name, make in PDFS.items()),
)
