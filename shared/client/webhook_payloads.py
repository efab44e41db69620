"""What a webhook says (its payload), and its id. Pure: the same event makes the same webhook."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Final, Literal

from pydantic import BaseModel, Field

from shared.protocol.messages import JobCancelled, JobCompleted, JobEnded, JobFailed, WebhookRequested

_WARNINGS_LIMIT: Final = 5


class WebhookData(BaseModel):
    """What a webhook says about a job."""

    job_id: str = Field(description="the job")
    title: str = Field(description="the episode's title")
    state: Literal["completed", "failed", "cancelled"] = Field(description="how it ended")
    submitted_at: float = Field(description="seconds since the epoch")
    ended_at: float = Field(description="seconds since the epoch; a job that is retried ends again, at another time")
    files: dict[str, str] = Field(
        default_factory=dict, description="kind of file (mp3, vtt, chapters, …) → its path on this server"
    )
    audio_seconds: float | None = Field(None, description="of the episode; null if there is none")
    error: str | None = Field(None, description="why it failed or was cancelled; null if it completed")
    warnings: list[str] = Field(default_factory=list, description="what is not as it should be; the first five")


class WebhookPayload(BaseModel):
    """The body of a webhook about a job."""

    type: Literal["job.completed", "job.failed", "job.cancelled"] = Field(description="what has happened")
    timestamp: str = Field(description="when it happened, ISO 8601")
    data: WebhookData


class WebhookTestData(BaseModel):
    """What a test says."""

    endpoint_id: str = Field(description="the endpoint that is tested")


class WebhookTestPayload(BaseModel):
    """The body of a test webhook."""

    type: Literal["webhook.test"] = Field("webhook.test", description="it is a test")
    timestamp: str = Field(description="when it was requested, ISO 8601")
    data: WebhookTestData


def of_ending(event: JobEnded, endpoint_id: str | None) -> WebhookRequested:
    """The message that has one endpoint (None: the job's own address) told of a job's end."""
    kind = type(event).ROUTING_KEY
    # Not the whole event, so that a version with more fields derives the same id. A retried job ends at another time.
    identity = f"{kind} {event.job_id} {event.ended_at!r} {endpoint_id or ''}"
    return WebhookRequested(
        webhook_id=f"msg_{hashlib.sha256(identity.encode()).hexdigest()[:32]}",
        endpoint_id=endpoint_id,
        job_id=event.job_id,
        payload=_payload(event).model_dump_json(),
    )


def of_test(endpoint_id: str) -> WebhookRequested:
    """The message that has a test sent to an endpoint."""
    payload = WebhookTestPayload(timestamp=_iso(datetime.now(UTC)), data=WebhookTestData(endpoint_id=endpoint_id))
    return WebhookRequested(
        webhook_id=f"msg_{secrets.token_hex(16)}",
        endpoint_id=endpoint_id,
        job_id=None,
        payload=payload.model_dump_json(),
    )


def _payload(event: JobEnded) -> WebhookPayload:
    data = WebhookData(
        job_id=event.job_id,
        title=event.title,
        state="completed",
        submitted_at=event.submitted_at,
        ended_at=event.ended_at,
    )
    moment = _iso(datetime.fromtimestamp(event.ended_at, UTC))
    match event:
        case JobCompleted():
            data.files = {kind: f"/v1/jobs/{event.job_id}/files/{kind}" for kind in event.files}
            data.audio_seconds = event.audio_seconds
            data.warnings = list(event.warnings[:_WARNINGS_LIMIT])
            return WebhookPayload(type="job.completed", timestamp=moment, data=data)
        case JobFailed():
            data.state, data.error = "failed", event.error
            return WebhookPayload(type="job.failed", timestamp=moment, data=data)
        case JobCancelled():
            data.state, data.error = "cancelled", event.reason
            return WebhookPayload(type="job.cancelled", timestamp=moment, data=data)
    raise TypeError(f"{type(event).__name__} is no end of a job")


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
