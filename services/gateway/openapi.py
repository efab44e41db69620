"""The OpenAPI document: what FastAPI derives from the routes, and what it cannot know."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from services.gateway.job_control_routes import PruneDocument
from services.gateway.job_order import JobDocument
from services.gateway.older_document import OlderDocument
from services.gateway.problems import Problem
from shared.protocol.manifest import Manifest

_DESCRIPTION: Final = """\
Turns articles, books and pages into podcast episodes. Every error is a problem (RFC 9457) whose `type` is a page of
this server. Keys are made with `podcast keys add` and sent as `Authorization: Bearer <key>`.
"""

_MODELS: Final[tuple[type[BaseModel], ...]] = (Problem, JobDocument, PruneDocument, OlderDocument, Manifest)
"""Models that responses name and that no route returns as such: problems, and what is streamed out of the store."""


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
            parts = found.setdefault("components", {})
            schemas = parts.setdefault("schemas", {})
            for model in _MODELS:
                schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
                for name, part in schema.pop("$defs", {}).items():
                    schemas.setdefault(name, part)
                schemas[model.__name__] = schema
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            parts["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "description": "A key of the API."}}
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign] # FastAPI's documented way
