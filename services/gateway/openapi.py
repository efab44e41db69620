"""The OpenAPI document: what FastAPI derives from the routes, and what it cannot know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from services.gateway.credentials import PARAMETER
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
        value: where the id is in the answer, as a runtime expression.
        below: the next operations are those of this path, which takes the id, and of the paths below it.
    """

    method: str
    path: str
    status: str
    value: str
    below: str


_JOB: Final = "/v1/jobs/{job_id}"
_FEED: Final = "/v1/feeds/{feed_id}"
_KEY: Final = "/v1/keys/{key_id}"
_LETTER: Final = "/v1/dead-letters/{letter_id}"
_PREVIEW: Final = "/v1/previews/{preview_id}"
_SHOW: Final = "/v1/shows/{show_id}"
_VOICE: Final = "/v1/voices/{voice_id}"
_WEBHOOK: Final = "/v1/webhooks/{endpoint_id}"
LINKS: Final = (
    Link("post", "/v1/jobs", "202", "$response.body#/job_id", _JOB),
    Link("get", "/v1/jobs", "200", "$response.body#/jobs/0/job_id", _JOB),
    Link("post", "/webhook/create-podcast", "200", "$response.body#/job_id", _JOB),
    Link("post", "/v1/audio/speech", "200", "$response.header.X-Podcast-Job", _JOB),
    Link("post", "/v1/preview", "200", "$response.body#/preview_id", _PREVIEW),
    Link("post", "/v1/preview", "202", "$response.body#/preview_id", _PREVIEW),
    Link("get", "/v1/models", "200", "$response.body#/data/0/id", "/v1/models/{model}"),
    Link("get", "/v1/audio/voices", "200", "$response.body#/voices/0/id", _VOICE),
    Link("get", "/v1/voices", "200", "$response.body#/voices/0/id", _VOICE),
    Link("post", "/v1/webhooks", "201", "$response.body#/id", _WEBHOOK),
    Link("get", "/v1/webhooks", "200", "$response.body#/webhooks/0/id", _WEBHOOK),
    Link("post", "/v1/shows", "201", "$response.body#/show_id", _SHOW),
    Link("get", "/v1/shows", "200", "$response.body#/shows/0/show_id", _SHOW),
    Link("post", "/v1/feeds", "201", "$response.body#/id", _FEED),
    Link("get", "/v1/feeds", "200", "$response.body#/feeds/0/id", _FEED),
    Link("post", "/v1/keys", "201", "$response.body#/id", _KEY),
    Link("get", "/v1/keys", "200", "$response.body#/keys/0/id", _KEY),
    Link("get", "/v1/dead-letters", "200", "$response.body#/groups/0/id", _LETTER),
    Link("get", "/v1/dead-letters/each", "200", "$response.body#/letters/0/id", _LETTER),
)
_CHOSEN: Final = {"kind": "vtt"}
"""What links say for a parameter that the answer does not give: every completed job has captions."""


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
            parts["securitySchemes"] = {
                "key": {"type": "http", "scheme": "bearer", "description": "A key of the API."},
                PARAMETER: {
                    "type": "apiKey",
                    "in": "query",
                    "name": PARAMETER,
                    "description": "A token for events, from `POST /v1/events/token` or that of a job, for browsers.",
                },
            }
            _link(found["paths"])
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign] # FastAPI's documented way


def _link(paths: dict[str, Any]) -> None:
    """Say which operations can follow one another.

    Raises:
        KeyError: a link is from an answer that no operation gives.
    """
    for link in LINKS:
        response = paths[link.path][link.method]["responses"][link.status]
        own = link.below[link.below.index("{") + 1 : link.below.index("}")]
        for path, operations in paths.items():
            if path != link.below and not path.startswith(f"{link.below}/"):
                continue
            chosen = {name: value for name, value in _CHOSEN.items() if f"{{{name}}}" in path}
            for operation in operations.values():
                response.setdefault("links", {})[operation["operationId"]] = {
                    "operationId": operation["operationId"],
                    "parameters": {own: link.value, **chosen},
                    "description": operation.get("summary", ""),
                }


def _leave_out_frameworks_own(document: dict[str, Any]) -> None:
    """FastAPI adds its own 422 to every operation that documents none; OpenAI's routes never answer it."""
    for operations in document["paths"].values():
        for operation in operations.values():
            responses = operation.get("responses", {})
            if "HTTPValidationError" in str(responses.get("422", "")):
                del responses["422"]
