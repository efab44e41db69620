"""Answers: under which name and media type a file of a job is downloaded (RFC 6266, RFC 5987). Pure."""

from __future__ import annotations

import unicodedata
from typing import Final
from urllib.parse import quote

from shared.client.destinations import file_name
from shared.client.fetching import SUFFIXES

MEDIA_TYPES: Final[dict[str, str]] = {
    "mp3": "audio/mpeg",
    "m4b": "audio/mp4",
    "opus": "audio/ogg",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "vtt": "text/vtt; charset=utf-8",
    "chapters": "application/json+chapters",
    "timing": "application/json",
    "manifest": "application/json",
    "zip": "application/zip",
}
"""Kind of file → its media type. The chapters' is that of the podcast namespace."""
UNKNOWN: Final = "application/octet-stream"


def download_name(title: str, author: str, kind: str) -> str:
    """The file's name: title and author as `podcast fetch` would write them, and the suffix of its kind."""
    suffix = SUFFIXES.get(kind, f".{kind}")
    return file_name(f"{title}-{author}" if author else title) + suffix


def disposition(name: str, *, is_attachment: bool) -> str:
    """The `Content-Disposition` header, with an ASCII name for old clients and the exact one for the others.

    Args:
        name: as `download_name` makes it, so without quotes, separators and controls.
        is_attachment: whether a browser should save it rather than show it.
    """
    kind = "attachment" if is_attachment else "inline"
    if name.isascii():
        return f'{kind}; filename="{name}"'
    stem, dot, suffix = name.partition(".")
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    return f"{kind}; filename=\"{file_name(plain)}{dot}{suffix}\"; filename*=UTF-8''{quote(name, safe='')}"
