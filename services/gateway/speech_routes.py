"""`POST /v1/audio/speech`, as OpenAI has it, for texts of any length. Publishes job.submitted; answers from the store.

The text becomes a job like any other, and the response reads along with it: each chunk is sent when it is spoken.
Nothing depends on the connection. Whoever asks again joins the job, and gets what was spoken at once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.gateway import deadlines, openai_errors
from services.gateway.access import GuardedRoute, caller, needs
from services.gateway.backend import Backend, TheBackend
from services.gateway.openai_errors import InvalidField
from services.gateway.problem_kinds import kind_of
from services.gateway.problems import headers_of
from services.gateway.speech_slots import StreamSlots
from services.gateway.speech_stream import EVENT_SCHEMA, SSE_MEDIA_TYPE, SpeechStream, first_of
from services.gateway.voice_catalogue import catalogue
from shared.addresses import scrub
from shared.audio.stream_encoding import ENCODINGS, StreamFormat
from shared.client import speech_jobs
from shared.client.reading_along import AudioGone
from shared.client.sources import Document
from shared.client.spoken_stream import SpokenStream
from shared.client.submission import Order
from shared.deadlines import in_thread
from shared.errors import PodcastError
from shared.protocol.narration import LANGUAGE_LIMIT_CHARACTERS, Name

router = APIRouter(tags=["speech"], route_class=GuardedRoute)

JOB_HEADER: Final = "X-Podcast-Job"
_DEFAULT: Final = "default"
_MARGIN_SECONDS: Final = 30.0
"""How much longer than for a chunk a stream waits for its encoder."""


class VoiceId(BaseModel):
    """A voice as an object, as OpenAI has it for voices of one's own."""

    model_config = ConfigDict(strict=True)

    id: Name = Field(description="the voice", examples=["default"])


class SpeechRequest(BaseModel):
    """What is to be spoken. Fields that are not listed are ignored."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={"example": {"input": "The ferry left at noon.", "model": "default", "voice": "default"}},
    )

    input: str = Field(
        min_length=1,
        description="the text, of any length up to `PODCAST_TEXT_LIMIT_CHARACTERS`; plain text",
        json_schema_extra={"pattern": r"\S"},
    )
    model: Name = Field(_DEFAULT, description="the speech model; `default`: the setting's. `GET /v1/models` lists them")
    voice: Name | VoiceId = Field(
        _DEFAULT, description="the voice; `default`: the setting's. `GET /v1/audio/voices` lists them"
    )
    instructions: str | None = Field(
        None, max_length=4_096, description="accepted, and ignored: the engines behind the pipeline take none"
    )
    response_format: StreamFormat = Field(
        "mp3",
        description="mp3 (64 kbit/s), opus (in Ogg), aac (ADTS), flac, wav, or pcm (24 kHz, 16 bits, little-endian,"
        " one channel)",
    )
    speed: float = Field(1.0, ge=0.25, le=4.0, description="speaking rate; 1 is the voice's own")
    stream_format: Literal["audio", "sse"] = Field(
        "audio", description="audio: the bare audio; sse: events `speech.audio.delta` and `speech.audio.done`"
    )
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")] | None = Field(
        None,
        max_length=LANGUAGE_LIMIT_CHARACTERS,
        description="BCP 47 tag of the text, which decides how it is split; null: English (not in OpenAI's API)",
    )


_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The audio, as it is spoken. If it cannot be finished, the connection is closed without the end"
        " of its chunked body.",
        "headers": {
            JOB_HEADER: {"description": "the job: `/v1/jobs/{job_id}`", "schema": {"type": "string"}},
        },
        "content": {
            **{
                encoding.media_type: {"schema": {"type": "string", "format": "binary"}}
                for encoding in ENCODINGS.values()
            },
            SSE_MEDIA_TYPE: {
                "schema": EVENT_SCHEMA,
                "example": 'data: {"type": "speech.audio.delta", "audio": "//NExAAA..."}\n\n'
                'data: {"type": "speech.audio.done", "usage": {"input_tokens": 23, "output_tokens": 2,'
                ' "total_tokens": 25}}\n\n',
            },
        },
    }
}


@router.post(
    "/v1/audio/speech",
    response_class=Response,
    responses={**openai_errors.documented(409, 413, 502, 504), **_ANSWER},
)
@needs("submit")
async def speech(asked: SpeechRequest, request: Request, backend: TheBackend) -> Response:
    """Have a text of any length spoken, and send it while it is being spoken. Needs the scope `submit`.

    The header `X-Podcast-Job` names the job, which goes on if the connection is cut; the same request again answers
    from what is spoken already. With `stream_format` `sse`, `usage.input_tokens` counts the characters of the text and
    `usage.output_tokens` the seconds of audio.
    """
    # The answer begins with the first chunk's audio, and the job may have to wait for its turn.
    deadlines.allow(request, backend.settings.gateway_speech_patience_seconds + 2 * _MARGIN_SECONDS)
    order = await _order(asked, request, backend)
    slots: StreamSlots = request.app.state.speech_slots
    give_back = slots.take(caller(request).key_id)
    try:
        spoken, first = await _begun(asked, order, request, backend)
    except SilentJob as silent:
        give_back()
        headers = {**headers_of(silent.error), JOB_HEADER: silent.job_id}
        kind = kind_of(silent.error)
        return openai_errors.response(kind.status, scrub(str(silent.error)), code=kind.name, headers=headers)
    except BaseException:
        give_back()
        raise
    if not first:  # the client is gone, or the gateway stops
        give_back()
        headers = {JOB_HEADER: spoken.job_id}
        return openai_errors.response(503, "The gateway is stopping.", code="unavailable", headers=headers)
    return SpeechStream(
        first,
        spoken.pieces,
        kind=asked.stream_format,
        characters=len(asked.input),
        seconds=lambda: spoken.seconds,
        media_type=ENCODINGS[asked.response_format].media_type,
        headers={JOB_HEADER: spoken.job_id},
        piece_seconds=spoken.patience_seconds + _MARGIN_SECONDS,
        stall_seconds=backend.settings.gateway_stall_seconds,
        stopping=backend.stopping,
        on_end=give_back,
    )


async def _begun(asked: SpeechRequest, order: Order, request: Request, backend: Backend) -> tuple[JobStream, bytes]:
    """The job that speaks the text, and the first piece of its audio; an empty one if nobody waits for it any more."""
    owner = caller(request).key_id
    digest = await in_thread(partial(speech_jobs.digest_of, asked.input, order, backend.settings, owner=owner))
    document = Document("speech.text", asked.input.encode(), "text", asked.input)
    for tries_left in (1, 0):
        job_id = await speech_jobs.join(
            digest,
            order,
            document,
            store=backend.store,
            publish=backend.publish,
            text_limit_characters=backend.settings.text_limit_characters,
        )
        spoken = JobStream(backend, job_id, asked.response_format, digest=digest)
        seconds = spoken.patience_seconds + _MARGIN_SECONDS
        first: bytes | None = None
        try:
            first = await first_of(request, spoken.pieces, stopping=backend.stopping, seconds=seconds)
        except AudioGone:
            if not tries_left:
                raise
            continue
        except PodcastError as error:
            raise SilentJob(job_id, error) from error
        finally:
            if not first:
                await spoken.pieces.aclose()
        return spoken, first or b""
    raise AssertionError  # the second round returns or raises


async def _order(asked: SpeechRequest, request: Request, backend: Backend) -> Order:
    limit = backend.settings.text_limit_characters
    if len(asked.input) > limit:
        raise InvalidField(
            f"`input` has {len(asked.input):,} characters; the limit is {limit:,}.",
            param="input",
            code="string_above_max_length",
        )
    if not asked.input.strip():
        raise InvalidField("`input` is empty.", param="input", code="empty_input")
    voice = asked.voice if isinstance(asked.voice, str) else asked.voice.id
    if voice != _DEFAULT and await catalogue(request).is_unknown(voice):
        raise InvalidField(
            f"There is no voice {voice!r}.",
            param="voice",
            code="voice_not_found",
            hint="`GET /v1/audio/voices` lists the voices.",
        )
    return Order(
        language=asked.language,
        voice=None if voice == _DEFAULT else voice,
        model=None if asked.model == _DEFAULT else asked.model,
        speed=asked.speed,
        formats=(ENCODINGS[asked.response_format].episode,),
    )


class SilentJob(Exception):
    """A job has been submitted, but there is no audio of it.

    Attributes:
        job_id: of the job.
        error: why.
    """

    def __init__(self, job_id: str, error: PodcastError) -> None:
        super().__init__(str(error))
        self.job_id = job_id
        self.error = error


class JobStream:
    """A job as a stream in one format.

    Attributes:
        job_id: of the job.
        pieces: the encoded audio, as it is spoken.
        patience_seconds: the longest wait for the next chunk.
    """

    def __init__(self, backend: Backend, job_id: str, audio_format: StreamFormat, *, digest: str) -> None:
        self.job_id = job_id
        self.patience_seconds = backend.settings.gateway_speech_patience_seconds
        self._backend = backend
        self._digest = digest
        self._stream = SpokenStream(
            backend.store,
            job_id,
            audio_format,
            patience_seconds=self.patience_seconds,
            default_rate=backend.settings.sample_rate,
        )
        self.pieces = self._pieces()

    @property
    def seconds(self) -> float:
        """How much has gone into the encoder so far."""
        return self._stream.seconds

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        async with aclosing(self._stream.pieces()) as stream:
            try:
                async for piece in stream:
                    yield piece
            except AudioGone:
                await speech_jobs.forget(self._backend.store, self._digest)
                raise
