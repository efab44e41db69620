"""`/v1/jobs/{job_id}/episode`, `…/files/{kind}`, `…/manifest`: a completed job's files, streamed out of the store."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response

from services.gateway import job_files
from services.gateway.access import GuardedRoute, needs
from services.gateway.backend import TheBackend
from services.gateway.download_names import MEDIA_TYPES
from services.gateway.problems import documented
from services.gateway.stored_file import answer
from shared.protocol.messages import AudioFormat, JobId

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["episodes"], route_class=GuardedRoute)

TheJob = Annotated[JobId, Path(description="the job's id")]
TheKind = Annotated[
    str,
    Path(
        pattern=r"^[a-z0-9]{1,16}$",
        description="which file: an audio format, `vtt`, `chapters`, `timing` or `cover`",
        examples=["vtt"],
    ),
]
TheFormat = Annotated[
    AudioFormat | None, Query(alias="format", description="which audio; left out: the first format that the job made")
]
Download = Annotated[bool, Query(description="1: a browser saves the file; 0: it plays or shows it", examples=[True])]

_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_AUDIO: Final = {kind: MEDIA_TYPES[kind] for kind in ("mp3", "m4b", "opus", "flac", "wav")}


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


_HEADERS: Final = {
    "ETag": _header("of the content; for If-None-Match, If-Match and If-Range"),
    "Last-Modified": _header("when the file was made"),
    "Accept-Ranges": _header("`bytes`"),
    "Content-Disposition": _header("a file name after the title and the author"),
}
_CONDITIONS: Final = [
    {"name": name, "in": "header", "required": False, "description": what, "schema": {"type": "string"}}
    for name, what in {
        "Range": "one range of bytes, such as `bytes=0-1023`. Several at a time are answered with the whole file, as"
        " RFC 9110, 14.2 allows",
        "If-Range": "serve the range only if this ETag or date is the file's; else the whole file",
        "If-None-Match": "304 if the file's ETag is one of these",
        "If-Modified-Since": "304 if the file has not been made again since",
        "If-Match": "412 unless the file's ETag is one of these",
        "If-Unmodified-Since": "412 if the file has been made again since",
    }.items()
]


def _responses(*media_types: str, schema: dict[str, Any] | None = None) -> dict[int | str, dict[str, Any]]:
    content = dict.fromkeys(sorted(set(media_types)), schema or _BINARY)
    part = {**_HEADERS, "Content-Range": _header("which bytes these are, and how many the file has")}
    return {
        **documented(404, 409, 412, 416),
        200: {"description": "the file", "headers": _HEADERS, "content": content},
        206: {
            "description": "the range that was asked for",
            "headers": part,
            "content": dict.fromkeys(content, _BINARY),
        },
        304: {"description": "the client has it already", "headers": _HEADERS},
    }


_EXTRA: Final = {"parameters": _CONDITIONS}
_EPISODE: Final = _responses(*_AUDIO.values())
_FILE: Final = _responses(
    *(media_type.partition(";")[0] for media_type in MEDIA_TYPES.values()), "image/jpeg", "image/png"
)
_MANIFEST: Final = _responses("application/json", schema={"schema": {"$ref": "#/components/schemas/Manifest"}})


@router.head("/episode", response_class=Response, responses=_EPISODE, openapi_extra=_EXTRA, operation_id="episode_head")
@router.get("/episode", response_class=Response, responses=_EPISODE, openapi_extra=_EXTRA, operation_id="episode")
@needs("read")
async def episode(
    job_id: TheJob,
    request: Request,
    backend: TheBackend,
    audio_format: TheFormat = None,
    download: Download = False,
) -> Response:
    """The episode's audio, with ranges, so that players can seek and downloads can go on. Needs the scope `read`."""
    return await answer(
        request,
        backend,
        await job_files.episode(backend.store, job_id, audio_format, is_attachment=download),
    )


@router.head("/files/{kind}", response_class=Response, responses=_FILE, openapi_extra=_EXTRA, operation_id="file_head")
@router.get("/files/{kind}", response_class=Response, responses=_FILE, openapi_extra=_EXTRA, operation_id="file")
@needs("read")
async def file(
    job_id: TheJob, kind: TheKind, request: Request, backend: TheBackend, download: Download = False
) -> Response:
    """One of the job's files: audio, captions, chapters, timing, cover. Needs the scope `read`."""
    return await answer(request, backend, await job_files.file(backend.store, job_id, kind, is_attachment=download))


@router.head(
    "/manifest", response_class=Response, responses=_MANIFEST, openapi_extra=_EXTRA, operation_id="manifest_head"
)
@router.get("/manifest", response_class=Response, responses=_MANIFEST, openapi_extra=_EXTRA, operation_id="manifest")
@needs("read")
async def manifest(job_id: TheJob, request: Request, backend: TheBackend, download: Download = False) -> Response:
    """What is spoken: chapters, chunks, pauses, omissions; there as soon as the job was chunked. Scope `read`."""
    return await answer(request, backend, await job_files.manifest(backend.store, job_id, is_attachment=download))
