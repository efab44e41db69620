"""Voices and models of the speech servers, in OpenAI's shapes and with more detail; samples of a voice.

Asks the speech servers, and keeps their answers for some seconds.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.gateway import openai_errors
from services.gateway.access import GuardedRoute, caller, needs
from services.gateway.problems import documented
from services.gateway.speech_slots import StreamSlots
from services.gateway.voice_catalogue import VoiceCatalogue, catalogue
from shared.client.voices import sample_text
from shared.errors import NotFound, SpeechDown

router = APIRouter(tags=["voices"], route_class=GuardedRoute)

TheCatalogue = Annotated[VoiceCatalogue, Depends(catalogue)]
_DEFAULT: Final = "default"
_SAMPLE_LIMIT_CHARACTERS: Final = 500
_MEDIA_TYPES: Final = {"wav": "audio/wav", "mp3": "audio/mpeg"}


class Model(BaseModel):
    """A model, as OpenAI lists it."""

    id: str = Field(description="the value for `model`", examples=["kokoro"])
    object: Literal["model"] = "model"
    created: int = Field(0, description="0: speech servers do not say")
    owned_by: str = Field("podcast-engine", description="always `podcast-engine`")


class Models(BaseModel):
    """The models, as OpenAI lists them."""

    object: Literal["list"] = "list"
    data: list[Model] = Field(description="`default` first")


class NamedVoice(BaseModel):
    """A voice, as speech servers list it."""

    id: str = Field(description="the value for `voice`", examples=["af_heart"])
    name: str = Field(description="the same")
    model: str = Field(description="the value for `model`; empty: the server's only one")
    language: str = Field(description="BCP 47 tag; empty: not known", examples=["en-US"])
    default: bool = Field(description="whether its server speaks with it when no voice is named")


class NamedVoices(BaseModel):
    """The voices, as speech servers list them."""

    voices: list[NamedVoice]


class ServedVoice(NamedVoice):
    """A voice, and where it is."""

    server: str = Field(description="the speech server's address")
    sample: str = Field(description="`POST` there to hear it")


class SpeechEndpoint(BaseModel):
    """A speech server, and whether it answered."""

    url: str = Field(description="its address")
    voices: int = Field(description="how many it lists")
    error: str | None = Field(description="why it lists none; null: it does")


class ServedVoices(BaseModel):
    """The voices of all speech servers."""

    voices: list[ServedVoice]
    endpoints: list[SpeechEndpoint]


class SampleRequest(BaseModel):
    """What a voice says, so that one can hear it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str | None = Field(
        None, min_length=1, max_length=_SAMPLE_LIMIT_CHARACTERS, description="null: a sentence in the voice's language"
    )
    model: str | None = Field(None, min_length=1, max_length=100, description="null: the voice's own")
    format: Literal["wav", "mp3"] = Field("wav", description="of the answer")


@router.get("/v1/models", responses=openai_errors.documented())
@needs("read")
async def models(found: TheCatalogue) -> Models:
    """The models of all speech servers, in OpenAI's shape. Needs the scope `read`."""
    return Models(data=[Model(id=name) for name in await _models(found)])


@router.get("/v1/models/{model:path}", responses=openai_errors.documented(404))
@needs("read")
async def model(
    found: TheCatalogue, model: Annotated[str, Path(min_length=1, max_length=100, description="its id")]
) -> Model:
    """One model, in OpenAI's shape. Needs the scope `read`."""
    if model not in await _models(found):
        raise NotFound(f"There is no model {model!r}.", hint="`GET /v1/models` lists the models.")
    return Model(id=model)


@router.get("/v1/audio/voices", responses=openai_errors.documented())
@needs("read")
async def audio_voices(found: TheCatalogue) -> NamedVoices:
    """The voices of all speech servers, as such servers list them. Needs the scope `read`."""
    listed = {
        (voice.name, voice.model): NamedVoice(
            id=voice.name, name=voice.name, model=voice.model, language=voice.language, default=voice.is_default
        )
        for endpoint in await found.endpoints()
        for voice in endpoint.voices
    }
    return NamedVoices(voices=list(listed.values()))


@router.get("/v1/voices", responses=documented())
@needs("read")
async def voices(
    found: TheCatalogue,
    language: Annotated[
        str | None,
        Query(
            pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*$",
            max_length=35,
            description="only voices that speak it: `en` finds `en-US` too",
        ),
    ] = None,
) -> ServedVoices:
    """The voices of all speech servers, and which servers answered. Needs the scope `read`."""
    seen = await found.endpoints()
    return ServedVoices(
        voices=[
            ServedVoice(
                id=voice.name,
                name=voice.name,
                model=voice.model,
                language=voice.language,
                default=voice.is_default,
                server=voice.server,
                sample=f"/v1/voices/{quote(voice.name, safe='')}/sample",
            )
            for endpoint in seen
            for voice in endpoint.voices
            if language is None or voice.speaks(language)
        ],
        endpoints=[
            SpeechEndpoint(url=endpoint.client.name, voices=len(endpoint.voices), error=endpoint.error or None)
            for endpoint in seen
        ],
    )


_AUDIO: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The sample",
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in _MEDIA_TYPES.values()
        },
    }
}


@router.post(
    "/v1/voices/{voice_id}/sample",
    response_class=Response,
    responses={**documented(400, 404, 413, 502), **_AUDIO},
)
@needs("submit")
async def sample(
    request: Request,
    found: TheCatalogue,
    voice_id: Annotated[str, Path(min_length=1, max_length=100, description="its name")],
    asked: SampleRequest | None = None,
) -> Response:
    """A short text, spoken with a voice by the speech server itself: no job is made. Needs the scope `submit`."""
    asked = asked or SampleRequest()
    slots: StreamSlots = request.app.state.sample_slots
    give_back = slots.take(caller(request).key_id)
    try:
        trouble: SpeechDown | None = None
        for client, voice in await found.speakers(voice_id, asked.model):
            try:
                audio = await client.say(voice, asked.text or sample_text(voice.language), audio_format=asked.format)
            except SpeechDown as error:
                trouble = error
            else:
                return Response(audio, media_type=_MEDIA_TYPES[asked.format])
        raise trouble or SpeechDown("There is no speech server.", hint="Set PODCAST_SPEECH_URL.")
    finally:
        give_back()


async def _models(found: VoiceCatalogue) -> list[str]:
    seen = await found.endpoints()
    return list(dict.fromkeys([_DEFAULT, *(name for endpoint in seen for name in endpoint.models)]))
