"""Mail (`.eml`, mbox): the subject is the title, what was written is read.

Quoted replies, signatures and attachments are left out.
"""

# ruff: noqa: RUF001 - words of other languages

from __future__ import annotations

import email
import re
from dataclasses import replace
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr

from lxml import html as lxml_html

from services.chunker.documents import decoding, tag_soup
from services.chunker.documents.document import Article, Block, Document, Heading, Omissions, Paragraph
from services.chunker.documents.pruning import take_out
from services.chunker.documents.raw_html import words_of_html
from services.chunker.documents.text import reading as text_reading
from shared.errors import BadSource
from shared.protocol.narration import Narration

_ATTACHMENT = "it is attached to the mail, not written in it"
_QUOTED = "a mail that is answered was read before"
_SIGNATURE = "a signature is not read aloud"
_MESSAGES_LIMIT = 10_000
_HEADER_CHARACTERS = 1_000
_ANSWER = re.compile(r"(?:(?:re|fwd?|aw|wg|tr|rv|sv|vs|r|i|antw|doorst|enc|odp)\s?(?:\[\d+\])?\s?:\s*)+", re.IGNORECASE)
_ATTRIBUTION = re.compile(
    r".{0,300}\b(?:wrote|writes|schrieb|schreibt|a écrit|écrit|escribió|ha scritto|scrive|escreveu|schreef|"
    r"пишет|писал\(?а?\)?|написал\(?а?\)?)\s?:",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(
    r"\s*(?:-{2,}\s*(?:original message|forwarded message|ursprüngliche nachricht|message d'origine|mensaje original|"
    r"messaggio originale|mensagem original|oorspronkelijk bericht|"
    r"исходное сообщение)\s*-{2,})\s*",
    re.IGNORECASE,
)
_AFTER_BLANK = re.compile(rb"(?:\A|\n\r?\n)\Z")
_FROM_LINE = re.compile(rb"^From \S+.{0,200}$", re.MULTILINE)
_QUOTE_CLASSES = frozenset({"gmail_quote", "moz-cite-prefix", "yahoo_quoted", "protonmail_quote"})
_QUOTE_STARTS = frozenset({"appendonsend", "divRplyFwdMsg"})
"""Ids of the element after which Outlook puts the mail that is answered."""

_SIGNATURE_CLASSES = frozenset({"gmail_signature", "moz-signature"})
_FEWEST_WORDS = 2
_ENOUGH_SHARE = 0.5


def open_mail(data: bytes, narration: Narration) -> Document | Article:
    """Open a mail, or the mails of an mbox: as a document, or as the page that a mail in HTML is.

    Args:
        data: as it was sent.
        narration: quoted replies are left out unless it asks for quotations, or for everything.

    Raises:
        BadSource: there is no text in it.
    """
    messages = _messages(data)
    if len(messages) == 1:
        return _opened(messages[0], narration)
    blocks: list[Block] = []
    omissions = Omissions()
    for message in messages:
        blocks.append(Heading(_subject(message) or "Mail", 1))
        document = _document(message, narration)
        blocks += document.blocks
        omissions.take_over(document.omissions)
    return Document(tuple(blocks), omissions=tuple(omissions))


def _messages(data: bytes) -> list[Message]:
    if not data.startswith(b"From "):
        return [email.message_from_bytes(data)]
    starts = [found.start() for found in _FROM_LINE.finditer(data) if _AFTER_BLANK.search(data[: found.start()][-4:])]
    ends = [*starts[1:], len(data)]
    pairs = list(zip(starts, ends, strict=True))[:_MESSAGES_LIMIT]
    return [email.message_from_bytes(data[start:end].partition(b"\n")[2]) for start, end in pairs]


def _header(message: Message, name: str) -> str:
    value = str(message.get(name, ""))[:_HEADER_CHARACTERS]
    try:
        text = str(make_header(decode_header(value)))
    except (LookupError, UnicodeError, ValueError, TypeError):
        text = value
    return " ".join(text.encode("utf-8", "replace").decode().split())


def _subject(message: Message) -> str:
    return _ANSWER.sub("", _header(message, "Subject"), count=1).strip()


def _about(message: Message) -> tuple[str | None, str | None, str | None]:
    """Title, author, language."""
    name, address = parseaddr(_header(message, "From"))
    language = _header(message, "Content-Language").split(",")[0].strip()
    return _subject(message) or None, name or address.partition("@")[0] or None, language or None


def _bodies(message: Message, omissions: Omissions) -> tuple[list[str], list[str]]:
    """The texts and the pages that are written in a mail; what is attached is left out."""
    texts: list[str] = []
    pages: list[str] = []
    parts = [message]
    while parts:
        part = parts.pop()
        kind = part.get_content_type()
        if part.get_content_disposition() == "attachment" or kind == "message/rfc822":
            omissions.add("attachment", _ATTACHMENT, str(part.get_filename() or kind))
        elif part.is_multipart():
            inside = part.get_payload()
            parts += (
                [each for each in reversed(inside) if isinstance(each, Message)] if isinstance(inside, list) else []
            )
        elif kind in {"text/plain", "text/html"}:
            content = part.get_payload(decode=True)
            if isinstance(content, bytes) and content.strip():
                text = decoding.decode(content, declared=part.get_content_charset())
                (texts if kind == "text/plain" else pages).append(text)
        else:
            omissions.add("attachment", _ATTACHMENT, str(part.get_filename() or kind))
    return texts, pages


def _opened(message: Message, narration: Narration) -> Document | Article:
    title, author, language = _about(message)
    omissions = Omissions()
    texts, pages = _bodies(message, omissions)
    written = sum(len(text.split()) for text in texts)
    shown = sum(len(" ".join(words for words, why in words_of_html(page) if not why).split()) for page in pages)
    if pages and written < _ENOUGH_SHARE * shown:
        page = _without_quotes("\n".join(pages), narration, omissions)
        return Article(page, title, author, language, tuple(omissions))
    document = _text(texts, narration, omissions)
    return replace(document, title=title or document.title, author=author, language=language)


def _document(message: Message, narration: Narration) -> Document:
    omissions = Omissions()
    texts, pages = _bodies(message, omissions)
    if any(text.strip() for text in texts) or not pages:
        return _text(texts, narration, omissions)
    blocks: list[Block] = []
    for text, why in words_of_html(_without_quotes("\n".join(pages), narration, omissions)):
        if why:
            omissions.add(*why, text)
        else:
            blocks.append(Paragraph(text))
    return Document(tuple(blocks), omissions=tuple(omissions))


def _reads_quotes(narration: Narration) -> bool:
    return narration.read == "everything" if narration.quotes is None else narration.quotes


def _text(texts: list[str], narration: Narration, omissions: Omissions) -> Document:
    kept = "\n\n".join(_written(text, narration, omissions) for text in texts)
    document = text_reading.read(kept, narration)
    omissions.take_over(document.omissions)
    return Document(document.blocks, omissions=tuple(omissions))


def _written(text: str, narration: Narration, omissions: Omissions) -> str:
    """What its author wrote: without the signature, and without what is answered."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    end = next((at for at, line in enumerate(lines) if line in {"-- ", "--"}), None)
    if end is not None and narration.read != "everything":
        omissions.add("signature", _SIGNATURE, " ".join(lines[end + 1 : end + 5]))
        lines = lines[:end]
    if _reads_quotes(narration):
        return "\n".join(lines)
    kept: list[str] = []
    quoted: list[str] = []
    for at, line in enumerate(lines):
        if _ORIGINAL.fullmatch(line[:200]):
            omissions.add("quote", _QUOTED, " ".join(lines[at + 1 : at + 8]))
            break
        if line.startswith(">"):
            if not quoted:
                _take_attribution(kept)
            quoted.append(line)
            continue
        if quoted:
            omissions.add("quote", _QUOTED, " ".join(quoted[:5]))
            quoted = []
            kept.append("")
        kept.append(line)
    if quoted:
        omissions.add("quote", _QUOTED, " ".join(quoted[:5]))
    return "\n".join(kept)


def _take_attribution(kept: list[str]) -> None:
    """Remove the line, or two, that says whose words follow."""
    while kept and not kept[-1].strip():
        kept.pop()
    alone = bool(kept) and len(kept[-1].split()) > _FEWEST_WORDS
    count = 1 if alone else 2
    if kept and _ATTRIBUTION.fullmatch(" ".join(kept[-count:]).strip()[:400]):
        del kept[-count:]


def _without_quotes(page: str, narration: Narration, omissions: Omissions) -> str:
    root = tag_soup.parsed(page)
    if root is None:
        raise BadSource("There is no text in the mail.", hint="Look whether it is only a picture or an attachment.")
    if narration.read != "everything":
        _take(root, [each for each in root.iter() if _classes(each) & _SIGNATURE_CLASSES], "signature", omissions)
    if not _reads_quotes(narration):
        quotes = [each for each in root.iter() if _is_quoted(each)]
        for start in [each for each in root.iter() if each.get("id") in _QUOTE_STARTS]:
            quotes += [start, *start.itersiblings()]
        _take(root, quotes, "quote", omissions)
    take_out(element for element in root.iter("style", "script", "title") if element.getparent() is not None)
    return str(lxml_html.tostring(root, encoding="unicode"))


def _classes(element: lxml_html.HtmlElement) -> set[str]:
    return set((element.get("class") or "").split()) if isinstance(element.tag, str) else set()


def _is_quoted(element: lxml_html.HtmlElement) -> bool:
    is_cited = element.tag == "blockquote" and element.get("type") == "cite"
    return is_cited or bool(_classes(element) & _QUOTE_CLASSES)


def _take(root: lxml_html.HtmlElement, elements: list[lxml_html.HtmlElement], kind: str, omissions: Omissions) -> None:
    elements = [element for element in elements if element is not root and element.getparent() is not None]
    if elements:
        words = " ".join(str(elements[0].text_content()).split())
        omissions.add(kind, _QUOTED if kind == "quote" else _SIGNATURE, words)
        take_out(elements)
