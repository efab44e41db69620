"""`/v1/jobs/{job_id}/episode`, `…/files/{kind}`, `…/manifest`: a completed job's files, streamed out of the store."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response

from services.gateway import job_files
from services.gateway.access import GuardedRoute, needs
from services.gateway.backend import TheBackend
from services.gateway.download_names import MEDIA_TYPES
from services.gateway.file_responses import CONDITIONS, file_responses
from services.gateway.stored_file import answer
from shared.protocol.messages import AudioFormat, JobId

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["episodes"], route_class=GuardedRoute)

TheJob = Annotated[JobId, Path(description="the job's id")]
TheKind = Annotated[
    str,
    Path(
        pattern=r"^[a-z0-9]{1,16}$",
        description="which file: an audio format, `vtt`, `chapters`, `timing`, `cover`, or `zip` (the files of the"
        " chapters)",
        examples=["vtt"],
    ),
]
TheFormat = Annotated[
    AudioFormat | None, Query(alias="format", description="which audio; left out: the first format that the job made")
]
Download = Annotated[bool, Query(description="1: a browser saves the file; 0: it plays or shows it", examples=[True])]

_AUDIO: Final = tuple(MEDIA_TYPES[kind] for kind in ("mp3", "m4b", "opus", "flac", "wav"))
_EPISODE: Final = file_responses(*_AUDIO)
_FILE: Final = file_responses(
    *(media_type.partition(";")[0] for media_type in MEDIA_TYPES.values()), "image/jpeg", "image/png"
)
_MANIFEST: Final = file_responses("application/json", model="Manifest")


@router.head(
    "/episode", response_class=Response, responses=_EPISODE, openapi_extra=CONDITIONS, operation_id="episode_head"
)
@router.get("/episode", response_class=Response, responses=_EPISODE, openapi_extra=CONDITIONS, operation_id="episode")
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


@router.head(
    "/files/{kind}", response_class=Response, responses=_FILE, openapi_extra=CONDITIONS, operation_id="file_head"
)
@router.get("/files/{kind}", response_class=Response, responses=_FILE, openapi_extra=CONDITIONS, operation_id="file")
@needs("read")
async def file(
    job_id: TheJob, kind: TheKind, request: Request, backend: TheBackend, download: Download = False
) -> Response:
    """One of the job's files: audio, captions, chapters, timing, cover. Needs the scope `read`."""
    return await answer(request, backend, await job_files.file(backend.store, job_id, kind, is_attachment=download))


@router.head(
    "/manifest", response_class=Response, responses=_MANIFEST, openapi_extra=CONDITIONS, operation_id="manifest_head"
)
@router.get(
    "/manifest", response_class=Response, responses=_MANIFEST, openapi_extra=CONDITIONS, operation_id="manifest"
)
@needs("read")
async def manifest(job_id: TheJob, request: Request, backend: TheBackend, download: Download = False) -> Response:
    """What is spoken: chapters, chunks, pauses, omissions; there as soon as the job was chunked. Scope `read`."""
    return await answer(request, backend, await job_files.manifest(backend.store, job_id, is_attachment=download))
