"""Which format a source has: as stated, or by its content, content type or name."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Literal, get_args

from services.chunker.documents import archives, data_formats
from shared.errors import BadSource
from shared.plans.model import is_plan
from shared.protocol.messages import SourceFormat
from shared.protocol.source_formats import BY_EXTENSION, ZIPPED

_BY_EXTENSION: dict[str, SourceFormat] = {**BY_EXTENSION, "mdown": "markdown", "mkd": "markdown"}
"""The last two are rare: a client has the content decide."""
_BY_CONTENT_TYPE: dict[str, SourceFormat] = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/markdown": "markdown",
    "text/x-markdown": "markdown",
    "text/x-rst": "rst",
    "text/org": "org",
    "application/rtf": "rtf",
    "text/rtf": "rtf",
    "application/epub+zip": "epub",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/x-fictionbook+xml": "fb2",
    "application/pdf": "pdf",
    "application/x-pdf": "pdf",
    "application/x-ipynb+json": "ipynb",
    "application/x-tex": "latex",
    "application/x-latex": "latex",
    "text/x-tex": "latex",
    "application/docbook+xml": "docbook",
    "text/x-opml": "opml",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "message/rfc822": "eml",
    "application/mbox": "eml",
    "application/x-mobipocket-ebook": "mobi",
    "application/vnd.amazon.ebook": "mobi",
    "application/vnd.amazon.mobi8-ebook": "mobi",
    "application/x-subrip": "srt",
    "text/vtt": "vtt",
    "text/troff": "man",
    "application/x-troff-man": "man",
}
_TELL_NOTHING = frozenset(
    {
        "",
        "text/plain",
        "application/octet-stream",
        "binary/octet-stream",
        "application/zip",
        "application/x-zip-compressed",
    }
)
_TELL_LITTLE = re.compile(r"(?:application|text)/(?:[\w.-]+\+)?(?:xml|json)")
"""Content types of many formats: the content decides, or the name."""
BINARY: frozenset[SourceFormat] = frozenset({"rtf", "fb2", "pdf", "eml", "mobi"})
"""Neither zipped nor decoded here: the parser finds the encoding."""
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"ID3", "an MP3 file"),
    (b"OggS", "an Ogg file"),
    (b"fLaC", "a FLAC file"),
    (b"RIFF", "a RIFF file (WAV, WebP, AVI)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"\xd0\xcf\x11\xe0", "an old Office document (DOC, XLS, PPT)"),
    (b"SQLite format 3", "a database"),
)
_FIRST_TAG = re.compile(r"<(?:!doctype\s+html|html|head|body|article|main)\b", re.IGNORECASE)
_MARKDOWN = re.compile(r"^(?:#{1,6} \S|\[[^\]\n]{1,200}\]: \S|```)|^.{1,80}\n(?:={3,}|-{3,})$", re.MULTILINE)
_DOKUWIKI_HEADING = re.compile(r"^(={2,6}) ?[^=\s][^=\n]{0,200}?(={2,6})[ \t]*$", re.MULTILINE)
_DOKUWIKI = re.compile(
    r"\[\[[^\[\]\n]{1,300}\]\]|\*\*\S|''\S|^  [*-] ?\S|~~[A-Z]{3,20}~~|\\\\(?:\s|$)|\{\{", re.MULTILINE
)
_HEADING_WITH_SIGNS = re.compile(r"^={1,6} ?[^=\s]", re.MULTILINE)
_DOKUWIKI_TITLE = 5
"""Its titles have more signs than the sections below them; of AsciiDoc and MediaWiki it is the other way round."""
_HEAD_CHARACTERS = 10_000
_PALM_TYPE = slice(60, 68)
_PALM_TYPES = frozenset({b"BOOKMOBI", b"TEXtREAd"})
_KINDLE_ONLY: tuple[tuple[bytes, str], ...] = (
    (b"\xeaDRMION\xee", "a Kindle book with DRM (KFX)"),
    (b"TPZ0", "a Kindle book in the format Topaz (AZW1)"),
    (b"CONT\x02\x00", "a Kindle book in the format KFX"),
)
_PDF_HEAD_BYTES = 1_024
"""Viewers look for the mark this far into the file."""
_FIELDS = rb"(?:[!-9;-~]{1,60}:[^\n]*\n(?:[ \t][^\n]*\n)*+)*?"
"""Fields of a mail's header before the one that is looked for."""
_MARKS: tuple[tuple[re.Pattern[bytes], SourceFormat], ...] = (
    (re.compile(rb'\A\s{0,80}\{(?=.{0,9000}"(?:nbformat|cell_type|worksheets)"\s{0,8}:)', re.DOTALL), "ipynb"),
    (
        re.compile(
            rb"\A(?:\s|%[^\n]*\n|\\(?!documentclass|begin\{document)[^\n]*\n)*+\\(?:documentclass|begin\{document)"
        ),
        "latex",
    ),
    (
        re.compile(
            rb"<!DOCTYPE\s{1,9}(?:book|article|chapter|refentry)\s[^>]{0,300}DocBook|docbook\.org/ns/docbook",
            re.IGNORECASE,
        ),
        "docbook",
    ),
    (re.compile(rb"<!DOCTYPE\s{1,9}article\s[^>]{0,300}(?:JATS|NLM)|<article-meta[\s>]", re.IGNORECASE), "jats"),
    (re.compile(rb"<opml[\s>]", re.IGNORECASE), "opml"),
    (re.compile(rb"\A(?:\xef\xbb\xbf)?WEBVTT(?:\s|\Z)"), "vtt"),
    (re.compile(rb"\A(?:\xef\xbb\xbf)?\s{0,9}\d{1,4}\s{0,3}\r?\n\d{1,3}:\d\d:\d\d[,.]\d{1,3}\s{0,3}-->"), "srt"),
    (re.compile(rb"\A(?:(?:\.|')\\\"[^\n]*\n|\s*\n)*+\.Dd\s"), "mdoc"),
    (re.compile(rb"\A(?:(?:\.|')\\\"[^\n]*\n|\.(?:nh|ad|de|ie|el|if|ds|nr|tr|hy|so)\b[^\n]*\n|\s*\n)*+\.TH\s"), "man"),
    (re.compile(rb"\A\s{0,99}=(?:pod|encoding|head[1-4])\b[^\n]{0,200}\n\s{0,9}\n"), "pod"),
    (
        re.compile(
            rb"\A(?:From \S[^\n]*\n)?(?=" + _FIELDS + rb"From:)"
            rb"(?=" + _FIELDS + rb"(?:Message-I[dD]|Received|MIME-Version|Delivered-To|To):)"
            rb"(?=" + _FIELDS + rb"(?:Subject|Date):)"
        ),
        "eml",
    ),
)
"""What stands at the beginning of formats that have no name or content type of their own."""

_WORD = b"wordprocessingml.document.main+xml"
"""What is in the list of contents of every DOCX, wherever its text is."""
_MIMETYPE_BYTES = 1_000
_CONTAINER = re.compile(r"^(?:[^/]{1,100}/)?META-INF/container\.xml$")
"""Of an EPUB; some have everything in a folder."""

KNOWN = ", ".join(get_args(SourceFormat))
_HINT = f"Formats that are read: {KNOWN}. Name the format if the file's name does not tell it."


def of_bytes(  # noqa: C901, PLR0911, PLR0912 - one question after the other
    data: bytes, *, said: SourceFormat | None, content_type: str, name: str
) -> SourceFormat | Literal["?"]:
    """The format as far as the bytes, the content type and the name determine it.

    Args:
        data: the file.
        said: the format that the job names; it wins unless the file cannot have it.
        content_type: without parameters; "" if there is none.
        name: the file's name or the last part of its address.

    Returns:
        "?" if `of_text` has to determine it.

    Raises:
        BadSource: it is empty, broken or in an unsupported format.
    """
    if not data.strip():
        raise BadSource("The source is empty.", hint="Hand over a document with some text in it.")
    for magic, what in _FOREIGN:
        if data.startswith(magic):
            raise BadSource(f"The source is {what}, a format that is not read.", hint=_HINT)
    if said is None and is_plan(data):
        return "plan"
    if data[_PALM_TYPE] in _PALM_TYPES and said in {None, "mobi"}:
        return "mobi"
    for magic, what in _KINDLE_ONLY:
        if data.startswith(magic):
            raise BadSource(
                f"The source is {what}, which only Kindle's own readers can show.",
                hint="Take an EPUB, MOBI or AZW3 of it, without DRM.",
            )
    by_name = _BY_EXTENSION.get(extension(name))
    expected = said or _BY_CONTENT_TYPE.get(content_type) or by_name
    if data.startswith(b"PK"):
        return _of_zip(data, expected)
    if expected in ZIPPED:
        raise _broken(expected)
    if b"%PDF-" in data[:_PDF_HEAD_BYTES] and said in {None, "pdf"}:
        return "pdf"
    if said == "mobi" or (expected == "mobi" and not said):
        raise _broken("mobi")
    if said == "pdf" or (expected == "pdf" and not said):
        raise _broken("pdf")
    if said:
        return said
    if data.startswith(b"{\\rtf") or (expected == "rtf" and data.lstrip().startswith(b"{\\")):
        return "rtf"
    if b"<FictionBook" in data[:_HEAD_CHARACTERS]:
        return "fb2"
    if expected is None and (marked := _by_mark(data[:_HEAD_CHARACTERS])) is not None:
        return marked
    if expected is None:
        data_formats.refuse(data[:_HEAD_CHARACTERS], content_type=content_type, extension=extension(name))
    tells_nothing = (
        content_type in _TELL_NOTHING or content_type.startswith("text/") or _TELL_LITTLE.fullmatch(content_type)
    )
    if not tells_nothing and content_type not in _BY_CONTENT_TYPE:
        raise BadSource(f"The source is {content_type}, a format that is not read.", hint=_HINT)
    if expected in {"rtf", "fb2"}:
        raise _broken(expected)
    return expected or "?"


def _by_mark(head: bytes) -> SourceFormat | None:
    """The format of a text that says what it is at its beginning."""
    for mark, known in _MARKS:
        if mark.search(head):
            return known
    return None


def of_text(text: str) -> SourceFormat:
    """The format of a text, if neither its content type nor its name determines it."""
    if _begins_as_html(text[:_HEAD_CHARACTERS]):
        return "html"
    if is_dokuwiki(text):
        return "dokuwiki"
    return "markdown" if _MARKDOWN.search(text[:_HEAD_CHARACTERS]) else "text"


def is_dokuwiki(text: str) -> bool:
    """Whether a text begins with a title as in DokuWiki (`====== Title ======`) and has more of its markup."""
    head = text[:_HEAD_CHARACTERS]
    begin = _HEADING_WITH_SIGNS.search(head)
    title = _DOKUWIKI_HEADING.match(head, begin.start()) if begin else None
    return (
        title is not None
        and len(title[1]) == len(title[2]) >= _DOKUWIKI_TITLE
        and (_DOKUWIKI.search(head) is not None or len(_DOKUWIKI_HEADING.findall(head)) > 1)
    )


def _begins_as_html(text: str) -> bool:
    """Whether its first tag, after an XML declaration and comments, is that of a page. One pass, no backtracking."""
    at = _behind_space(text, 0)
    if text[at : at + 5].lower() == "<?xml":
        at = _behind_space(text, text.find(">", at) + 1 or len(text))
    while text.startswith("<!--", at):
        end = text.find("-->", at + 4)
        at = _behind_space(text, end + 3) if end >= 0 else len(text)
    return _FIRST_TAG.match(text, at) is not None


def _behind_space(text: str, at: int) -> int:
    while text[at : at + 1].isspace():
        at += 1
    return at


def of_name(name: str) -> SourceFormat | None:
    """The format that a file's name tells."""
    return _BY_EXTENSION.get(extension(name))


def extension(name: str) -> str:
    """The extension of a name, lower case, without the dot; "" if it has none ("README", "Mr. Smith", "chapter.1")."""
    ending = PurePosixPath(name).suffix[1:].lower()
    return ending if re.fullmatch(r"(?=.*[a-z])[a-z0-9]{1,9}", ending) else ""


def _broken(expected: str | None) -> BadSource:
    return BadSource(
        f"The {expected.upper() if expected else 'zip archive'} is broken: it cannot be unpacked or parsed.",
        hint="Download or export it again, and check that a reader opens it.",
    )


def _of_zip(data: bytes, expected: SourceFormat | None) -> SourceFormat:
    try:
        members = archives.names(data)
    except BadSource as error:
        raise _broken(expected) from error
    kind = archives.head(data, "mimetype", _MIMETYPE_BYTES).strip()
    if kind == b"application/epub+zip" or any(map(_CONTAINER.search, members)):
        return "epub"
    if "word/document.xml" in members or _WORD in archives.head(data, "[Content_Types].xml", _HEAD_CHARACTERS):
        return "docx"
    if "ppt/presentation.xml" in members:
        return "pptx"
    if "xl/workbook.xml" in members:
        return "xlsx"
    if kind.startswith(b"application/vnd.oasis.opendocument.text"):
        return "odt"
    if kind.startswith(b"application/vnd.oasis.opendocument."):
        raise BadSource(
            "The source is an OpenDocument file that is no text (ODS, ODP, ODG).",
            hint="Export it as PDF, and send that.",
        )
    if expected in ZIPPED - {"zip"}:
        raise _broken(expected)
    return "zip"
