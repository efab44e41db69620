"""Reads the body of a request, under a limit and a deadline, and JSON in it as a stranger's JSON must be read.

FastAPI's own reading goes through Python's `json`, which takes NaN, numbers of any length and halves of characters;
pydantic's parser refuses them, and nesting without end, as it reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from shared.errors import PodcastError, TooLarge

JSON: Final = "application/json"

Model = TypeVar("Model", bound=BaseModel)


class SlowRequest(PodcastError):
    """The client did not send the whole request in time."""


def media_type(request: Request) -> str:
    """The request's media type, in lower case, without parameters; empty if it names none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def expect_json(request: Request) -> None:
    """Refuse a body that says that it is something else than JSON.

    Raises:
        HTTPException: it does (415).
    """
    given = media_type(request)
    if given != JSON:
        raise HTTPException(415, f"{given or 'A body without a media type'} is not {JSON}.")


async def portions(request: Request, *, seconds: float) -> AsyncIterator[bytes]:
    """The body as it arrives.

    Args:
        request: of which nothing has been read.
        seconds: in which all of it must have arrived.

    Raises:
        SlowRequest: it took longer.
        HTTPException: the client went away (400, which nobody reads).
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    stream = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout_at(end):
                portion = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise SlowRequest(
                f"The request did not arrive within {seconds:g} s.", hint="Send it over a faster connection."
            ) from error
        except ClientDisconnect as error:
            raise HTTPException(400, "The client has disconnected.") from error
        yield portion


async def read_json(request: Request, model: type[Model], *, limit_bytes: int, seconds: float) -> Model:
    """The request's JSON document.

    Args:
        request: of which nothing has been read.
        model: what the document must be.
        limit_bytes: the most that is read.
        seconds: in which it must have arrived.

    Raises:
        RequestValidationError: it is no such document.
        TooLarge: it is over the limit.
        SlowRequest, HTTPException: as in `portions`.
    """
    body = bytearray()
    async for portion in portions(request, seconds=seconds):
        body += portion
        if len(body) > limit_bytes:
            raise TooLarge(
                f"A JSON document may have at most {limit_bytes / 1e6:g} MB.",
                hint="Send a longer text as a file (multipart/form-data).",
            )
    return parse(model, bytes(body))


def parse(model: type[Model], body: bytes, *, where: str = "body") -> Model:
    """The JSON document in these bytes.

    Args:
        model: what the document must be.
        body: JSON.
        where: the first part of the place that errors name.

    Raises:
        RequestValidationError: it is no such document.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise RequestValidationError([{**one, "loc": (where, *one["loc"])} for one in found]) from error
