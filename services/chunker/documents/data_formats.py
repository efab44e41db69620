"""Data that is text and yet not a document: JSON, feeds, site maps, style sheets and programs; refused by name."""

from __future__ import annotations

import re
from typing import Final

from shared.errors import BadSource

_HEAD: Final = (
    rb"\A(?:\xef\xbb\xbf)?(?:\s++|<!--(?:(?!-->).){0,2000}+-->|<\?[^>]{0,300}+>|<!DOCTYPE\s[^>\[]{0,300}+>){0,9}+"
)
"""What may stand before the first element. It never tries another way, or it would be slow on many blanks."""
_ENTRY: Final = "Submit the address of an entry, or add the feed: `podcast feeds add`."
_XML: Final[tuple[tuple[re.Pattern[bytes], str, str], ...]] = (
    (re.compile(_HEAD + rb"<(?:rss|rdf:RDF|feed)[\s>]", re.DOTALL), "a feed (RSS, Atom)", _ENTRY),
    (re.compile(_HEAD + rb"<(?:urlset|sitemapindex)[\s>]", re.DOTALL), "a site map", "Submit the address of a page."),
    (re.compile(_HEAD + rb"<(?:\w{1,20}:)?svg[\s>]", re.DOTALL), "a drawing (SVG)", "Send the text beside it."),
)
_JSON_FEED: Final = re.compile(rb"""\A\s{0,99}\{.{0,2000}?"version"\s{0,9}:\s{0,9}"https://jsonfeed\.org/""", re.DOTALL)
_PROGRAMS: Final = frozenset({"application/javascript", "text/javascript", "text/css", "application/wasm"})
_XML_TYPE: Final = re.compile(r"(?:application|text)/(?:[\w.-]+\+)?xml")
_JSON_TYPE: Final = re.compile(r"application/(?:[\w.-]+\+)?json")
_PAGE: Final = re.compile(rb"<(?:!doctype\s+html|html|head|body|article|main)\b", re.IGNORECASE)
_HINT: Final = (
    "Send the document that people read. If it is a document of a known format (DocBook, JATS), name the format; to"
    " have it read as it stands, name the format `text`."
)


def refuse(head: bytes, *, content_type: str, extension: str) -> None:
    """Refuse what is data and no document.

    Args:
        head: the beginning of the file; none of the known formats was found in it.
        content_type: without parameters; "" if there is none.
        extension: of the name, lower case; "" if it has none.

    Raises:
        BadSource: it is data.
    """
    for mark, what, hint in _XML:
        if mark.match(head):
            raise BadSource(f"The source is {what}, which is not a document.", hint=hint)
    if _JSON_FEED.match(head):
        raise BadSource("The source is a feed (JSON Feed), which is not a document.", hint=_ENTRY)
    if content_type in _PROGRAMS:
        raise BadSource("The source is a program or a style sheet, which is not a document.", hint=_HINT)
    is_json = _JSON_TYPE.fullmatch(content_type) or (extension == "json" and head.lstrip()[:1] in {b"{", b"["})
    is_xml = (_XML_TYPE.fullmatch(content_type) or extension == "xml") and head.lstrip()[:1] == b"<"
    if is_json or (is_xml and not _PAGE.search(head)):
        what = "data (JSON)" if is_json else "data (XML) of a kind that is not known"
        raise BadSource(f"The source is {what}, which is not a document.", hint=_HINT)
