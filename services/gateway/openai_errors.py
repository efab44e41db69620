"""Errors in OpenAI's shape, for the paths that OpenAI's clients use: `{"error": {message, type, param, code}}`.

The same table as for problems says the status; what is 422 there is 400 here, as OpenAI has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from shared.errors import BadInput

_PATHS: Final = ("/v1/audio/", "/v1/models")
_CODES: Final = {
    HTTPStatus.UNAUTHORIZED: "invalid_api_key",
    HTTPStatus.FORBIDDEN: "insufficient_permissions",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_exceeded",
}


class OpenAIError(BaseModel):
    """What is wrong, as OpenAI says it."""

    message: str = Field(description="what is wrong, and what to do about it", examples=["`input` is empty."])
    type: str = Field(description="invalid_request_error, rate_limit_error or server_error")
    param: str | None = Field(description="the field that is wrong", examples=["input"])
    code: str | None = Field(description="a word for programs", examples=["empty_input"])


class OpenAIErrorBody(BaseModel):
    """An error of the routes that are OpenAI's."""

    error: OpenAIError


class InvalidField(BadInput):
    """A field of a request to one of OpenAI's routes is wrong.

    Attributes:
        param: the field.
        code: OpenAI's word for what is wrong.
    """

    def __init__(self, message: str, *, param: str, code: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.param = param
        self.code = code


def is_wanted(path: str) -> bool:
    """Whether the errors of this path have OpenAI's shape."""
    return path.startswith(_PATHS)


def response(
    status: int,
    message: str,
    *,
    code: str,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """An error in OpenAI's shape.

    Args:
        status: as the table of problems has it.
        message: what is wrong.
        code: the name of the problem, for statuses for which OpenAI has no word.
        param: the field that is wrong.
        headers: of the response.
    """
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        status = HTTPStatus.BAD_REQUEST
    return JSONResponse(body(status, message, code=code, param=param), status_code=status, headers=dict(headers or {}))


def body(status: int, message: str, *, code: str, param: str | None = None) -> dict[str, Any]:
    """The error document."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = "server_error"
    elif status == HTTPStatus.TOO_MANY_REQUESTS:
        kind = "rate_limit_error"
    else:
        kind = "invalid_request_error"
    code = _CODES.get(HTTPStatus(status), code.replace("-", "_"))
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route whose errors have OpenAI's shape."""
    every = {400, 401, 403, 429, 500, 503, *statuses}
    return {status: {"model": OpenAIErrorBody, "description": HTTPStatus(status).phrase} for status in sorted(every)}
