"""The OpenAPI document: what FastAPI derives from the routes, and what it cannot know."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from services.gateway.problems import Problem

_DESCRIPTION: Final = """\
Turns articles, books and pages into podcast episodes. Every error is a problem (RFC 9457) whose `type` is a page of
this server. Keys are made with `podcast keys add` and sent as `Authorization: Bearer <key>`.
"""


def describe(app: FastAPI) -> None:
    """Give the application its complete OpenAPI document, at `/openapi.json`."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(
                title=app.title,
                version="1",
                description=_DESCRIPTION,
                routes=app.routes,
                summary="Podcast Engine's API",
            )
            _leave_out_frameworks_own(found)
            parts = found.setdefault("components", {})
            schemas = parts.setdefault("schemas", {})
            schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(schema.pop("$defs", {}))
            schemas["Problem"] = schema
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            parts["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "description": "A key of the API."}}
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign] # FastAPI's documented way


def _leave_out_frameworks_own(document: dict[str, Any]) -> None:
    """FastAPI adds its own 422 to every operation that documents none; OpenAI's routes never answer it."""
    for operations in document["paths"].values():
        for operation in operations.values():
            responses = operation.get("responses", {})
            if "HTTPValidationError" in str(responses.get("422", "")):
                del responses["422"]
