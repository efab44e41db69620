"""The OpenAPI document: what FastAPI derives from the routes, and what it cannot know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from services.gateway.job_control_routes import PruneDocument
from services.gateway.job_order import JobDocument
from services.gateway.older_document import OlderDocument
from services.gateway.problems import Problem
from services.gateway.webhook_routes import outgoing
from shared.protocol.manifest import Manifest

_DESCRIPTION: Final = """\
Turns articles, books and pages into podcast episodes. Every error is a problem (RFC 9457) whose `type` is a page of
this server. Keys are made with `podcast keys add` and sent as `Authorization: Bearer <key>`.
"""

_MODELS: Final[tuple[type[BaseModel], ...]] = (Problem, JobDocument, PruneDocument, OlderDocument, Manifest)
"""Models that responses name and that no route returns as such: problems, and what is streamed out of the store."""


@dataclass(frozen=True)
class Link:
    """What can be done next with what an operation has answered.

    Attributes:
        method: of the operation that answers.
        path: of that operation.
        status: of the answer.
        parameter: which parameter of the next operations the answer gives.
        value: where in the answer it is, as a runtime expression.
        below: the next operations are those of this path and of the paths below it.
    """

    method: str
    path: str
    status: str
    parameter: str
    value: str
    below: str


LINKS: Final = (
    Link("post", "/v1/jobs", "202", "job_id", "$response.body#/job_id", "/v1/jobs/{job_id}"),
    Link("get", "/v1/jobs", "200", "job_id", "$response.body#/jobs/0/job_id", "/v1/jobs/{job_id}"),
    Link("post", "/v1/keys", "201", "key_id", "$response.body#/id", "/v1/keys/{key_id}"),
    Link("get", "/v1/dead-letters", "200", "letter_id", "$response.body#/groups/0/id", "/v1/dead-letters/{letter_id}"),
)


def operation_id(route: APIRoute) -> str:
    """A short name for a route: `jobs.submit`."""
    return f"{str(route.tags[0]).replace(' ', '_') if route.tags else 'gateway'}.{route.name}"


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
            _leave_out_frameworks_own(found)
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
            _link(found["paths"])
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign] # FastAPI's documented way


def _link(paths: dict[str, Any]) -> None:
    """Say which operations can follow one another, as far as there are such operations."""
    for link in LINKS:
        response = paths.get(link.path, {}).get(link.method, {}).get("responses", {}).get(link.status)
        if response is None:
            continue
        for path, operations in paths.items():
            if path != link.below and not path.startswith(f"{link.below}/"):
                continue
            needed = path.count("{")
            for operation in operations.values():
                if needed == 1 and "operationId" in operation:
                    response.setdefault("links", {})[operation["operationId"]] = {
                        "operationId": operation["operationId"],
                        "parameters": {link.parameter: link.value},
                        "description": operation.get("summary", ""),
                    }


def _leave_out_frameworks_own(document: dict[str, Any]) -> None:
    """FastAPI adds its own 422 to every operation that documents none; OpenAI's routes never answer it."""
    for operations in document["paths"].values():
        for operation in operations.values():
            responses = operation.get("responses", {})
            if "HTTPValidationError" in str(responses.get("422", "")):
                del responses["422"]
