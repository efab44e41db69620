"""What the OpenAPI document says about routes that send an object of the store (`stored_file.answer`)."""

from __future__ import annotations

from typing import Any, Final

from services.gateway.problems import documented

_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


_HEADERS: Final = {
    "ETag": _header("of the content; for If-None-Match, If-Match and If-Range"),
    "Last-Modified": _header("when the file was made"),
    "Accept-Ranges": _header("`bytes`"),
    "Content-Disposition": _header("a file name"),
}
_HEADERS_OF_304: Final = {name: _HEADERS[name] for name in ("ETag", "Last-Modified")}

CONDITIONS: Final[dict[str, Any]] = {
    "parameters": [
        {"name": name, "in": "header", "required": False, "description": what, "schema": {"type": "string"}}
        for name, what in {
            "If-Range": "serve the range only if this ETag or date is the file's; else the whole file",
            "If-None-Match": "304 if the file's ETag is one of these",
            "If-Modified-Since": "304 if the file has not been made again since",
        }.items()
    ]
}
"""The request's headers that only choose between two good answers, for `openapi_extra`. `Range`, `If-Match` and
`If-Unmodified-Since` work too, and are described with the answers that they lead to."""


def file_responses(*media_types: str, model: str = "") -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route.

    Args:
        *media_types: of what it sends.
        model: name of the model of a JSON document; "": it sends bytes.
    """
    schema = {"schema": {"$ref": f"#/components/schemas/{model}"}} if model else _BINARY
    kinds = sorted(set(media_types))
    part = {**_HEADERS, "Content-Range": _header("which bytes these are, and how many the file has")}
    problems = documented(404, 409, 412, 416)
    problems[412]["description"] = "`If-Match` or `If-Unmodified-Since` names another content"
    problems[416]["description"] = "the range is outside the file; `Content-Range` says how long it is"
    return {
        **problems,
        200: {"description": "the file", "headers": _HEADERS, "content": dict.fromkeys(kinds, schema)},
        206: {
            "description": "the range that was asked for, as in `Range: bytes=0-1023`. Several ranges at a time are"
            " answered with the whole file, as RFC 9110, 14.2 allows",
            "headers": part,
            "content": dict.fromkeys(kinds, _BINARY),
        },
        307: {
            "description": "the store itself sends it, if `PODCAST_GATEWAY_REDIRECT_SECONDS` says so",
            "headers": {"Location": _header("works for a while, without a key")},
        },
        304: {"description": "the client has it already", "headers": _HEADERS_OF_304},
    }
