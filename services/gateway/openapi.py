"""The OpenAPI document: what FastAPI derives from the routes, and what it cannot know."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from services.gateway.problems import Problem
from services.gateway.webhook_routes import outgoing

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
                webhooks=outgoing.routes,
                summary="Podcast Engine's API",
            )
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
