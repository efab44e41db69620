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
            "Range": "one range of bytes, such as `bytes=0-1023`. Several at a time are answered with the whole file,"
            " as RFC 9110, 14.2 allows",
            "If-Range": "serve the range only if this ETag or date is the file's; else the whole file",
            "If-None-Match": "304 if the file's ETag is one of these",
            "If-Modified-Since": "304 if the file has not been made again since",
            "If-Match": "412 unless the file's ETag is one of these",
            "If-Unmodified-Since": "412 if the file has been made again since",
        }.items()
    ]
}
"""The request's headers, for `openapi_extra`."""


def file_responses(*media_types: str, model: str = "") -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route.

    Args:
        *media_types: of what it sends.
        model: name of the model of a JSON document; "": it sends bytes.
    """
    schema = {"schema": {"$ref": f"#/components/schemas/{model}"}} if model else _BINARY
    kinds = sorted(set(media_types))
    part = {**_HEADERS, "Content-Range": _header("which bytes these are, and how many the file has")}
    return {
        **documented(404, 409, 412, 416),
        200: {"description": "the file", "headers": _HEADERS, "content": dict.fromkeys(kinds, schema)},
        206: {
            "description": "the range that was asked for",
            "headers": part,
            "content": dict.fromkeys(kinds, _BINARY),
        },
        304: {"description": "the client has it already", "headers": _HEADERS_OF_304},
    }
