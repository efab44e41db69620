"""OpenDocument texts: paragraphs in a style for code are marked, since pandoc reads their style no further."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Final

CODE_MARK: Final = "\ue00c"
"""A private-use character, which is never spoken; `tree` takes a paragraph that begins with it for code."""

CODE_STYLE: Final = re.compile(
    r"preformatted|vorformatiert|source|quell|(?<![a-z])code(?![a-z])|listing|c\u00f3digo|codice|verbatim|teletype",
    re.IGNORECASE,
)
"""What the names of styles for code have in them."""

_STYLE = re.compile(rb"<style:style\s[^>]{1,1000}>")
_NAME = re.compile(rb'style:name="([^"]{1,200})"')
_PARENT = re.compile(rb'parent-style-name="([^"]{1,200})"')
_PARAGRAPH = re.compile(rb'(<text:p\s[^>]{0,200}?text:style-name="([^"]{1,200})"[^>]{0,200}(?<!/)>)')
_KEPT = ("mimetype", "styles.xml", "meta.xml", "META-INF/manifest.xml", "settings.xml")


def with_code_marked(data: bytes) -> bytes:
    """The document with `CODE_MARK` at the beginning of each paragraph of code; unchanged if it has none.

    Args:
        data: the archive; its unpacked size has been checked.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            content = archive.read("content.xml")
            kept = {name: archive.read(name) for name in _KEPT if name in archive.namelist()}
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, OSError, RuntimeError):
        return data  # pandoc says what is wrong with it
    styles = _code_styles(content, kept.get("styles.xml", b""))
    marked = _PARAGRAPH.sub(lambda found: found[1] + (CODE_MARK.encode() if found[2] in styles else b""), content)
    if marked == content:
        return data
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, member in kept.items():
            archive.writestr(name, member)
        archive.writestr("content.xml", marked, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _code_styles(*parts: bytes) -> frozenset[bytes]:
    """The names of paragraph styles for code: by their own name, or by that of the style that they are made of."""
    found = {b"Preformatted_20_Text"}
    for part in parts:
        for tag in _STYLE.findall(part):
            name, parent = _NAME.search(tag), _PARENT.search(tag)
            if name and any(CODE_STYLE.search(each[1].decode("utf-8", "replace")) for each in (name, parent) if each):
                found.add(name[1])
    return frozenset(found)
