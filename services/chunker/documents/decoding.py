"""Bytes to text: byte-order marks, UTF-8, UTF-16, the declared encoding, else the most plausible one."""

from __future__ import annotations

import codecs
import re

import charset_normalizer

from shared.errors import BadSource

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is a prefix of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(
    rb"""<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s{0,20}=\s{0,20}["']?([A-Za-z0-9_.:-]{2,40})""", re.IGNORECASE
)
_HEAD_BYTES = 4_096
"""Where a page declares its encoding; HTML requires it in the first 1,024 bytes."""

_SAMPLE_BYTES = 200_000
"""Enough to tell encodings apart; guessing over 20 MB would take a minute."""

_BROKEN_ONE_IN = 20
"""UTF-8 if at most one in this many characters beyond ASCII is broken; other encodings hardly give two right ones."""

_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]")
_CONTROLS_LIMIT = 0.005
"""Share of control characters above which it is not text. Prose has none; random bytes have about 0.1."""


_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]+")


def for_xml(text: str) -> str:
    """The text without characters that XML forbids: lxml parses them, but raises when the text is set elsewhere."""
    return _NOT_IN_XML.sub(" ", text)


def decode(data: bytes, *, declared: str | None = None) -> str:
    """The text in `data`.

    Args:
        data: the file.
        declared: the encoding that the server named, if any.

    Raises:
        BadSource: it is not text.
    """
    text = _decoded(data, declared)
    if len(_CONTROLS.findall(text[:_SAMPLE_BYTES])) > _CONTROLS_LIMIT * min(len(text), _SAMPLE_BYTES):
        raise _binary()
    return text.removeprefix("\ufeff").replace("\x00", "")


def _binary() -> BadSource:
    return BadSource(
        "The source is a binary file, not a text.", hint="Hand over a text, a web page, or a book (EPUB, DOCX, ODT)."
    )


def _decoded(data: bytes, declared: str | None) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    in_document = _DECLARED.search(data[:_HEAD_BYTES])
    named = (declared, in_document.group(1).decode("ascii") if in_document else None)
    # What decodes as UTF-8 is UTF-8, whatever was declared: servers and pages often declare Latin-1 by mistake.
    candidates: tuple[str | None, ...] = ("utf-8", _utf16_without_mark(data), *named)
    for candidate in candidates:
        text = _strictly(data, candidate)
        if text is not None:
            return text
    if _is_nearly_utf8(data):
        return data.decode("utf-8", "replace")
    best = charset_normalizer.from_bytes(data[:_SAMPLE_BYTES]).best()
    if best is None:
        raise _binary()
    return data.decode(best.encoding, "replace")


def _is_nearly_utf8(data: bytes) -> bool:
    """UTF-8 with a few broken characters: pages are put together of parts, one of which may be in another encoding."""
    text = data[:_SAMPLE_BYTES].decode("utf-8", "replace")
    beyond = sum(character > "\x7f" for character in text)
    return text.count("\ufffd") * _BROKEN_ONE_IN < beyond


def _strictly(data: bytes, encoding: str | None) -> str | None:
    if not encoding:
        return None
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _utf16_without_mark(data: bytes) -> str | None:
    """UTF-16 of a mostly Latin text has a zero in nearly every other byte."""
    head = data[:_HEAD_BYTES]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    most = len(head) // 2 * 0.7
    if odd > most and even < most / 10:
        return "utf-16-le"
    return "utf-16-be" if even > most and odd < most / 10 else None
