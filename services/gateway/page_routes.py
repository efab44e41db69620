"""`/` and `/page/{name}`: the page for people. Sends files of the package, built by `make page`; reads nothing else.

They need no key, since they are the same for everybody; what the page shows, it gets from the API with its session.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response

from shared.errors import Misconfigured, NotFound

router = APIRouter(include_in_schema=False)

BUILT: Final = Path(__file__).parent / "page" / "built"
INDEX: Final = "index.html"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:;"
    " connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'"
)
"""The Content-Security-Policy of the page: nothing inline, nothing from anywhere else."""
_MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_FOR_EVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class PageFile:
    """A file of the page.

    Attributes:
        data: its content.
        compressed: the same with gzip.
        media_type: what it is.
        etag: names its content.
    """

    data: bytes
    compressed: bytes
    media_type: str
    etag: str


@cache
def files() -> dict[str, PageFile]:
    """The page's files by name, read once: they are part of the program.

    Raises:
        Misconfigured: the program was installed without them.
    """
    found = {
        path.name: _file(path.read_bytes(), _MEDIA_TYPES[path.suffix])
        for path in sorted(BUILT.glob("*"))
        if path.suffix in _MEDIA_TYPES
    }
    if INDEX not in found:
        raise Misconfigured("The gateway was installed without its page.", hint="`make page` builds it.")
    return found


@router.head("/")
@router.get("/")
async def index(request: Request) -> Response:
    """The page."""
    return _answer(request, files()[INDEX], kept="no-cache")


@router.head("/page/{name}")
@router.get("/page/{name}")
async def part(name: str, request: Request) -> Response:
    """A script, style or picture of the page; its address contains what it is a version of."""
    found = files().get(name)
    if found is None:
        raise NotFound("The page has no such file.", hint="Load the page again.")
    is_named = request.query_params.get("v") == found.etag
    return _answer(request, found, kept=_FOR_EVER if is_named else "no-cache")


def _file(data: bytes, media_type: str) -> PageFile:
    return PageFile(data, gzip.compress(data, 9, mtime=0), media_type, hashlib.sha256(data).hexdigest()[:16])


def _answer(request: Request, found: PageFile, *, kept: str) -> Response:
    headers = {
        "ETag": f'"{found.etag}"',
        "Cache-Control": kept,
        "Content-Security-Policy": POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Vary": "Accept-Encoding",
    }
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = found.data
    if "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["Content-Encoding"] = found.compressed, "gzip"
    return Response(body, media_type=found.media_type, headers=headers)
