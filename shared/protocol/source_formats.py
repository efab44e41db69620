"""Which formats files have by their names. Clients and the chunker have to agree on it."""

from __future__ import annotations

from typing import Final

from shared.protocol.messages import SourceFormat

BY_EXTENSION: Final[dict[str, SourceFormat]] = {
    "txt": "text", "text": "text",
    "md": "markdown", "markdown": "markdown",
    "html": "html", "htm": "html", "xhtml": "html",
    "epub": "epub", "docx": "docx", "odt": "odt", "rtf": "rtf", "fb2": "fb2", "rst": "rst", "org": "org",
    "pdf": "pdf", "ipynb": "ipynb", "tex": "latex", "latex": "latex", "ltx": "latex", "wiki": "mediawiki",
    "mediawiki": "mediawiki", "dokuwiki": "dokuwiki", "dbk": "docbook", "docbook": "docbook", "jats": "jats",
    "nxml": "jats", "adoc": "asciidoc", "asciidoc": "asciidoc", "asc": "asciidoc", "textile": "textile",
    "typ": "typst", "typst": "typst", "dj": "djot", "djot": "djot", "opml": "opml", "pptx": "pptx",
    "xlsx": "xlsx", "csv": "csv", "tsv": "tsv", "zip": "zip",
    "man": "man", "mdoc": "mdoc", "pod": "pod", "eml": "eml", "mbox": "eml", "mbx": "eml", "srt": "srt", "vtt": "vtt",
    "mobi": "mobi", "azw3": "mobi", "azw": "mobi", "prc": "mobi",
}  # fmt: skip
"""Extension, in lower case and without the dot → format."""

ZIPPED: Final[frozenset[SourceFormat]] = frozenset({"epub", "docx", "odt", "pptx", "xlsx", "zip"})
"""Formats that are zip archives."""
