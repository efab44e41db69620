"""Small real documents, made by pandoc or by hand when a test needs them."""

from __future__ import annotations

import io
import subprocess
import zipfile
from collections.abc import Callable
from typing import Final

import pypandoc

from tests.unit.chunker.made_pdfs import LEFT, TOP, Pdf, Text, prose

MARKDOWN = """\
---
title: The Book
author: A. Writer
lang: de
---

Before the first heading.

# One

Hello **world**, run `make` now.[^1] See [the site](https://example.org) and 10^6^ of them.

[^1]: The text of the note.

```py
secret = 1
```

| left | right |
|------|-------|
| in a | table |

![a picture](x.png)

# Two

> Quoted words.

- first item
- second item
"""


def from_markdown(to: str, markdown: str = MARKDOWN, *options: str) -> bytes:
    """The Markdown as a document of another format."""
    command = [pypandoc.get_pandoc_path(), "--from", "markdown", "--to", to, "--output", "-", *options]
    return subprocess.run(command, input=markdown.encode(), capture_output=True, check=True).stdout


def epub(pages: dict[str, str], *, nav: str = "", ncx: str = "", guide: str = "", aside: tuple[str, ...] = ()) -> bytes:
    """An EPUB of XHTML bodies by file name; `nav` and `ncx` are the tables of contents, `aside` is `linear="no"`."""
    items = "".join(f'<item id="{n}" href="text/{n}" media-type="application/xhtml+xml"/>' for n in pages)
    refs = "".join(
        f'<itemref idref="{n}"{" linear=" + chr(34) + "no" + chr(34) if n in aside else ""}/>' for n in pages
    )
    if nav:
        items += '<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>'
    if ncx:
        items += '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="i">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="i">x</dc:identifier>'
        "<dc:title>A Book</dc:title><dc:creator>A. Writer</dc:creator><dc:language>en</dc:language></metadata>"
        f"<manifest>{items}</manifest><spine>{refs}</spine><guide>{guide}</guide></package>"
    )
    container = (
        '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("OEBPS/book.opf", package)
        for name, body in pages.items():
            archive.writestr(f"OEBPS/text/{name}", _xhtml(body))
        if nav:
            archive.writestr("OEBPS/nav.xhtml", _xhtml(f'<nav epub:type="toc"><h1>Contents</h1>{nav}</nav>'))
        if ncx:
            archive.writestr(
                "OEBPS/toc.ncx", f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{ncx}</navMap></ncx>'
            )
    return made.getvalue()


def _xhtml(body: str) -> str:
    return (
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">'
        f"<head><title>page</title></head><body>{body}</body></html>"
    )


def _pdf() -> bytes:
    body = prose("The ferry leaves at noon, and whoever wants to see the islands is on board by then. " * 4, TOP)
    return Pdf(info={"Title": "A Ferry"}).page(Text(LEFT, 40, "The Ferry", 18), *body).page(*body).bytes()


def _zip() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1 first.md", "# One\n\nWords.")
        archive.writestr("2 second.txt", "More words.")
    return made.getvalue()


_CUES = """\
1
00:00:01,000 --> 00:00:04,000
- Where does it go?
- To the islands.

2
00:00:05,000 --> 00:00:09,000
ANN: At noon.
"""
_VTT = "WEBVTT\n\n" + _CUES.replace(",", ".").replace("ANN: ", "<v Ann>")
_MAIL = """\
From: Jane Doe <jane@example.org>
To: b@example.org
Subject: The =?utf-8?q?F=C3=A4hre?=
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="x"

--x
Content-Type: text/plain; charset=utf-8

It leaves at noon.

> When?
--x
Content-Type: text/html

<p>It leaves at noon.</p>
--x--
"""
_POD = """\
=head1 NAME

ferry - goes

=head1 USE

I<Noon> and C<ferry --help>:

    code

=over

=item a

b

=back
"""
_MDOC = """\
.Dd May 1, 2024
.Dt FERRY 1
.Os
.Sh NAME
.Nm ferry
.Nd goes
.Sh DESCRIPTION
It leaves
.Em soon .
"""
MADE: Final[dict[str, Callable[[], bytes]]] = {
    "pdf": _pdf,
    "zip": _zip,
    "srt": _CUES.encode,
    "vtt": _VTT.encode,
    "eml": _MAIL.encode,
    "pod": _POD.encode,
    "mdoc": _MDOC.encode,
}
"""Documents in formats that pandoc does not write."""


def odt(body: str, styles: str = "", *, meta: str = "") -> bytes:
    """An OpenDocument text.

    Args:
        body: what is in `<office:text>`.
        styles: the automatic styles.
        meta: what is in `<office:meta>`.
    """
    namespaces = (
        " ".join(
            f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
            for name in ("office", "text", "style", "meta")
        )
        + ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0"'
    )

    content = (
        f"<office:document-content {namespaces}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:text>{body}</office:text></office:body></office:document-content>"
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("content.xml", content)
        archive.writestr("styles.xml", f"<office:document-styles {namespaces}/>")
        archive.writestr(
            "meta.xml", f"<office:document-meta {namespaces}><office:meta>{meta}</office:meta></office:document-meta>"
        )
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
    return made.getvalue()
