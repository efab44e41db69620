"""`/v1/webhooks`: the endpoints that are told of every job's end. Publishes webhook.requested, for a test."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from services.gateway import audit
from services.gateway.access import GuardedRoute, needs
from services.gateway.backend import TheBackend
from services.gateway.pages import PageLimit, link_next
from services.gateway.problems import documented
from shared.client import webhook_documents, webhook_endpoints, webhook_payloads
from shared.client.webhook_addresses import checked_url
from shared.client.webhook_documents import ENDPOINT_ID, EndpointChange
from shared.client.webhook_endpoints import EVENTS, WebhookEndpoint, WebhookEvent
from shared.client.webhook_payloads import WebhookPayload
from shared.protocol.messages import Line

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], route_class=GuardedRoute)
outgoing = APIRouter()
"""What is sent, for the OpenAPI document."""

_EXAMPLE_ID: Final = "we_0193f0a27b6e7c7e9d0e2f4f7a1f6a11"
EndpointId = Annotated[
    str,
    Path(pattern=ENDPOINT_ID, max_length=35, description="the endpoint", examples=[_EXAMPLE_ID], alias="endpoint_id"),
]
Cursor = Annotated[str | None, Query(pattern=ENDPOINT_ID, max_length=35, description="`next` of the page before")]
Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2_000,
        description="an http or https address without a user name",
        json_schema_extra={"format": "uri", "examples": ["https://example.org/hooks/podcast"]},
    ),
]
Events = Annotated[
    list[WebhookEvent],
    Field(min_length=1, max_length=len(EVENTS), description="the events to send", examples=[["job.completed"]]),
]
Secret = Annotated[
    str,
    Field(
        description="signs what is sent; shown only once",
        examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FVsBQIhrs="],
    ),
]


class WebhookDocument(BaseModel):
    """A new endpoint."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: Url
    description: Line = Field("", description="for people", examples=["our intranet's news page"])
    events: Events = list(EVENTS)


class WebhookChange(BaseModel):
    """Changes to an endpoint; fields that are left out or null are not changed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: Url | None = None
    description: Line | None = Field(None, description="for people")
    events: Events | None = None
    enabled: bool | None = Field(None, description="true: enable it again; false: disable it")


class WebhookShown(BaseModel):
    """An endpoint, without its secret."""

    id: str = Field(description="names it in this API", examples=[_EXAMPLE_ID])
    url: str = Field(description="where webhooks are sent")
    description: str = Field(description="for people")
    events: list[WebhookEvent] = Field(description="the events that are sent")
    enabled: bool = Field(description="whether anything is sent to it")
    disabled_at: float | None = Field(description="seconds since the epoch; null: it is enabled")
    disabled_reason: str | None = Field(description="why it is disabled: it answered 410, or somebody disabled it")
    created_at: float = Field(description="seconds since the epoch; it receives what ends from then on")
    rotated_at: float = Field(description="when its secret was made, in seconds since the epoch")
    rotating_until: float | None = Field(
        description="until when the previous secret signs as well, in seconds since the epoch; null: it does not"
    )


class WebhookWithSecret(WebhookShown):
    """An endpoint and its new secret."""

    secret: Secret


class WebhookList(BaseModel):
    """A page of endpoints, oldest first."""

    webhooks: list[WebhookShown]
    next: str | None = Field(description="the cursor of the next page; null: this is the last")


class WebhookTest(BaseModel):
    """A test that will be sent."""

    webhook_id: str = Field(description="the header `webhook-id` that it will have")


@router.post("", status_code=201, responses=documented(400, 413))
@needs("operate")
async def create(
    document: WebhookDocument, request: Request, backend: TheBackend, response: Response
) -> WebhookWithSecret:
    """Register an endpoint; the response has the secret that signs its webhooks. Needs the scope `operate`."""
    made = webhook_endpoints.new_endpoint(
        checked_url(document.url, allowed=backend.settings.webhook_allowed),
        description=document.description,
        events=webhook_documents.in_order(document.events),
    )
    async with audit.record(request, "webhook.add", made.endpoint_id, events=list(made.events)):
        await webhook_endpoints.add(backend.store, made)
    response.headers["Location"] = f"/v1/webhooks/{made.endpoint_id}"
    return _with_secret(made, backend)


@router.get("", responses=documented())
@needs("operate")
async def page(
    request: Request,
    backend: TheBackend,
    response: Response,
    limit: PageLimit = 50,
    cursor: Annotated[
        str | None, Query(pattern=ENDPOINT_ID, max_length=35, description="`next` of the page before")
    ] = None,
) -> WebhookList:
    """The registered endpoints. Needs the scope `operate`."""
    ids = await webhook_endpoints.ids(backend.store, after=cursor or "", limit=limit + 1)
    found = await webhook_endpoints.some(backend.store, after=cursor or "", limit=limit)
    following = ids[limit - 1] if len(ids) > limit else None
    link_next(request, response, following)
    return WebhookList(webhooks=[_shown(one, backend) for one in found], next=following)


@router.get("/{endpoint_id}", responses=documented(404))
@needs("operate")
async def show(endpoint_id: EndpointId, backend: TheBackend) -> WebhookShown:
    """An endpoint. Needs the scope `operate`."""
    return _shown(await webhook_endpoints.find(backend.store, endpoint_id), backend)


@router.patch("/{endpoint_id}", responses=documented(400, 404, 413))
@needs("operate")
async def change(endpoint_id: EndpointId, wanted: WebhookChange, request: Request, backend: TheBackend) -> WebhookShown:
    """Change an endpoint, or enable it again. Needs the scope `operate`."""
    url = None if wanted.url is None else checked_url(wanted.url, allowed=backend.settings.webhook_allowed)
    changed = EndpointChange(url, wanted.description, wanted.events, wanted.enabled).applied
    fields: list[JsonValue] = [*sorted(wanted.model_fields_set)]
    async with audit.record(request, "webhook.change", endpoint_id, fields=fields):
        return _shown(await webhook_endpoints.change(backend.store, endpoint_id, changed), backend)


@router.delete("/{endpoint_id}", status_code=204, responses=documented(404))
@needs("operate")
async def delete(endpoint_id: EndpointId, request: Request, backend: TheBackend) -> None:
    """Delete an endpoint; webhooks that were not delivered are dropped. Needs the scope `operate`."""
    async with audit.record(request, "webhook.delete", endpoint_id):
        await webhook_endpoints.remove(backend.store, endpoint_id)


@router.post("/{endpoint_id}/rotate", responses=documented(404))
@needs("operate")
async def rotate(endpoint_id: EndpointId, request: Request, backend: TheBackend) -> WebhookWithSecret:
    """Create a new secret; for a while webhooks are signed with the previous one too. Needs the scope `operate`."""
    async with audit.record(request, "webhook.rotate", endpoint_id):
        return _with_secret(await webhook_endpoints.rotate(backend.store, endpoint_id), backend)


@router.post("/{endpoint_id}/test", status_code=202, responses=documented(404, 409))
@needs("operate")
async def send_test(endpoint_id: EndpointId, backend: TheBackend) -> WebhookTest:
    """Send a `webhook.test` to an endpoint, in the same way as any webhook. Needs the scope `operate`."""
    webhook_documents.enabled(await webhook_endpoints.find(backend.store, endpoint_id))
    message = webhook_payloads.of_test(endpoint_id)
    await backend.publish(message)
    return WebhookTest(webhook_id=message.webhook_id)


@outgoing.post("job-ended", response_class=Response, tags=["webhooks"])
def job_ended(payload: WebhookPayload) -> None:
    """A job has ended: sent to each endpoint that receives this event, and to the `webhook_url` of the job itself.

    The headers `webhook-id`, `webhook-timestamp` and `webhook-signature` are those of the Standard Webhooks
    specification. Any 2xx confirms the delivery; 410 disables the endpoint; anything else is retried for a day.
    """


def _shown(one: WebhookEndpoint, backend: TheBackend) -> WebhookShown:
    found = webhook_documents.document(one, rotation_seconds=backend.settings.webhook_rotation_seconds)
    return WebhookShown(**found)


def _with_secret(one: WebhookEndpoint, backend: TheBackend) -> WebhookWithSecret:
    return WebhookWithSecret(**_shown(one, backend).model_dump(), secret=one.secrets[0].key)
