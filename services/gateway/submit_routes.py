"""`POST /v1/jobs`: submit a job. Publishes job.submitted."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, Field

from services.gateway import bodies, forms
from services.gateway.access import GuardedRoute, caller, needs
from services.gateway.backend import TheBackend
from services.gateway.job_document import JobLinks, links_of
from services.gateway.job_order import asked
from services.gateway.problems import documented
from services.gateway.submitting import submit

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=GuardedRoute)

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="names this request: sent again within 24 hours, by the same API key, it makes no second job",
        examples=["5e3a7c1e-6f0b-4a57-9c1e-0d3e8f5b2a11"],
    ),
]


class Accepted(BaseModel):
    """A job that was taken."""

    job_id: str = Field(description="its id", examples=["01939d2e-6f3a-7c8b-9f10-2b3c4d5e6f70"])
    links: JobLinks = Field(description="where its parts are")


JOB_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            bodies.JSON: {
                "schema": {
                    "allOf": [
                        {"$ref": "#/components/schemas/JobDocument"},
                        {
                            "oneOf": [
                                {"required": ["text"], "properties": {"text": {"type": "string"}}},
                                {"required": ["url"], "properties": {"url": {"type": "string"}}},
                            ]
                        },
                    ]
                }
            },
            forms.MEDIA_TYPE: {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "the document: text, Markdown, HTML, EPUB, DOCX, ODT, RTF, FB2, RST or Org",
                        },
                        "cover": {"type": "string", "format": "binary", "description": "a JPEG or PNG picture"},
                        "options": {
                            "allOf": [{"$ref": "#/components/schemas/JobDocument"}],
                            "properties": {"text": {"type": "null"}, "url": {"type": "null"}},
                            "description": "everything but the document",
                        },
                    },
                    "required": ["file"],
                    "additionalProperties": False,
                },
                "encoding": {"options": {"contentType": bodies.JSON}},
            },
        },
    }
}
"""The body of a request for a job, for the OpenAPI document: `asked` reads it."""


@router.post(
    "",
    status_code=202,
    operation_id="submitJob",
    responses={
        **documented(400, 408, 409, 413, 415),
        202: {
            "description": "The broker has the job.",
            "headers": {"Location": {"schema": {"type": "string"}, "description": "the job"}},
        },
    },
    openapi_extra=JOB_BODY,
)
@needs("submit")
async def submit_job(
    request: Request, response: Response, backend: TheBackend, idempotency_key: IdempotencyKey = None
) -> Accepted:
    """Hand over a text, an address or a file. Needs the scope `submit`.

    Answers as soon as the broker has the job, whatever its size. A file is sent as a form, with the options as JSON in
    the field `options`.
    """
    async with asked(request, backend) as order:
        job_id = await submit(order, backend=backend, owner=caller(request).key_id, key=idempotency_key)
    links = links_of(job_id)
    response.headers["Location"] = links.self
    return Accepted(job_id=job_id, links=links)
