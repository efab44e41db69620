"""`GET /v1/jobs/{job_id}/chunks`: what a job speaks, chunk by chunk, how far each chunk is, and how it sounds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from services.gateway.access import GuardedRoute, needs
from services.gateway.backend import TheBackend
from services.gateway.download_names import MEDIA_TYPES, disposition
from services.gateway.episode_errors import NotCompleted
from services.gateway.file_responses import CONDITIONS, file_responses
from services.gateway.job_document import TheJobId
from services.gateway.job_routes import existing
from services.gateway.pages import LINK_HEADER, PageLimit, link_next
from services.gateway.problems import documented
from services.gateway.stored_file import StoredObject, answer
from shared.client.chunk_pages import ChunkFound, ChunkState, chunks_page
from shared.errors import NotFound
from shared.protocol.messages import CHUNKS_LIMIT

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=GuardedRoute)

_CURSOR_DIGITS = len(str(CHUNKS_LIMIT))
_AUDIO = file_responses(MEDIA_TYPES["flac"])


class ChunkDocument(BaseModel):
    """A chunk: a piece of text that is spoken in one call."""

    index: int = Field(ge=0, description="its place in the job", examples=[12])
    chapter: int = Field(ge=0, description="index of its chapter", examples=[1])
    text: str = Field(description="what is spoken", examples=["It was a bright cold day in April."])
    language: str | None = Field(description="its own; null: the job's", examples=["de"])
    voice: str | None = Field(description="what speaks it; null: the job's voice", examples=["de_DE-thorsten-medium"])
    speaker: str | None = Field(description="who says it in a dialogue; null: the narrator")
    state: ChunkState = Field(description="`waiting` also stands for a chunk that is being spoken")
    audio_seconds: float | None = Field(description="how long its audio is; null while that is not known")
    attempts: int | None = Field(description="how often it was tried, if it has failed; null: not known")
    reason: str | None = Field(description="why it has failed")


class ChunksList(BaseModel):
    """A page of chunks."""

    total: int = Field(ge=0, description="how many chunks the job has; 0 until it is chunked")
    chunks: list[ChunkDocument] = Field(description="in the order of the text")
    next: str | None = Field(description="the cursor of the next page; null at the end")


@router.get(
    "/{job_id}/chunks",
    operation_id="listChunks",
    responses={**documented(404), 200: {"description": "A page of chunks.", "headers": LINK_HEADER}},
)
@needs("read")
async def list_chunks(
    *,
    job_id: TheJobId,
    request: Request,
    response: Response,
    backend: TheBackend,
    limit: PageLimit = 50,
    cursor: Annotated[
        str,
        Query(
            pattern=r"^[0-9]*$",
            max_length=_CURSOR_DIGITS,
            description="`next` of the page before; empty: from the beginning",
        ),
    ] = "",
) -> ChunksList:
    """The chunks of a job. Needs the scope `read`.

    A chunk is done when its audio is in the store. Reasons are known for the first 200 chunks that have failed; the
    dead letters have all of them.
    """
    status = await existing(backend.store, job_id)
    async with backend.manifests:
        page = await chunks_page(backend.store, status, first=int(cursor or 0), limit=limit)
    following = None if page.next is None else str(page.next)
    link_next(request, response, following)
    return ChunksList(total=page.total, chunks=[_document(found) for found in page.chunks], next=following)


@router.head(
    "/{job_id}/chunks/{index}/audio",
    response_class=Response,
    responses=_AUDIO,
    openapi_extra=CONDITIONS,
    operation_id="chunk_audio_head",
)
@router.get(
    "/{job_id}/chunks/{index}/audio",
    response_class=Response,
    responses=_AUDIO,
    openapi_extra=CONDITIONS,
    operation_id="chunk_audio",
)
@needs("read")
async def chunk_audio(
    job_id: TheJobId,
    index: Annotated[int, Path(ge=0, lt=CHUNKS_LIMIT, description="its place in the job", examples=[0])],
    request: Request,
    backend: TheBackend,
) -> Response:
    """What is spoken of one chunk, as soon as it is, also while the job is under way. Needs the scope `read`."""
    status = await existing(backend.store, job_id)
    async with backend.manifests:
        page = await chunks_page(backend.store, status, first=index, limit=1)
    if not page.chunks:
        raise NotFound(f"Job {job_id} has no chunk {index}.", hint=f"It has {page.total}.")
    if page.chunks[0].state != "done":
        raise NotCompleted(f"Chunk {index} of job {job_id} is not spoken ({page.chunks[0].state}).")
    name = disposition(f"chunk-{index}.flac", is_attachment=False)
    return await answer(request, backend, StoredObject(page.chunks[0].chunk.audio_key, MEDIA_TYPES["flac"], name))


def _document(found: ChunkFound) -> ChunkDocument:
    return ChunkDocument(
        index=found.chunk.index,
        chapter=found.chunk.chapter,
        text=found.chunk.text,
        language=found.chunk.language,
        voice=found.chunk.voice,
        speaker=found.chunk.speaker,
        state=found.state,
        audio_seconds=found.audio_seconds,
        attempts=found.failure.attempts if found.failure else None,
        reason=found.failure.reason if found.failure else None,
    )
