"""What people see and change of a webhook endpoint: the same over HTTP and with `podcast webhooks`."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from shared.client.webhook_endpoints import EVENTS, EndpointDisabled, WebhookEndpoint, WebhookEvent
from shared.errors import BadInput
from shared.protocol.messages import Line
from shared.text import one_line

ENDPOINT_ID: Final = r"^we_[0-9a-f]{32}$"
_ENDPOINT_ID: Final = re.compile(ENDPOINT_ID)
_LINE: Final = TypeAdapter[str](Line)


@dataclass(frozen=True)
class EndpointChange:
    """What to change of an endpoint; None: it stays as it is.

    Attributes:
        url: as `webhook_addresses.checked_url` returned it.
        description: for people.
        events: what it is told of.
        enabled: true: send to it again; false: send nothing more to it.
    """

    url: str | None = None
    description: str | None = None
    events: Sequence[WebhookEvent] | None = None
    enabled: bool | None = None

    def applied(self, one: WebhookEndpoint) -> WebhookEndpoint:
        """The endpoint with the change."""
        update: dict[str, object] = {}
        if self.url is not None:
            update["url"] = self.url
        if self.description is not None:
            update["description"] = self.description
        if self.events is not None:
            update["events"] = in_order(self.events)
        if self.enabled is True:
            update |= {"disabled_at": None, "disabled_reason": None}
        if self.enabled is False and one.disabled_at is None:
            update |= {"disabled_at": time.time(), "disabled_reason": "It was disabled by its owner."}
        return one.model_copy(update=update)


def in_order(wanted: Sequence[WebhookEvent]) -> tuple[WebhookEvent, ...]:
    """The events, each once, in the usual order."""
    return tuple(event for event in EVENTS if event in wanted)


def checked_id(endpoint_id: str) -> str:
    """The id, if it has the form of one.

    Raises:
        BadInput: it has not.
    """
    if not _ENDPOINT_ID.fullmatch(endpoint_id):
        raise BadInput(
            f"“{one_line(endpoint_id)}” is not the id of a webhook endpoint.",
            hint="`podcast webhooks list` shows the ids.",
        )
    return endpoint_id


def checked_description(text: str) -> str:
    """The description, if an endpoint may have it.

    Raises:
        BadInput: it is too long, or is more than one line.
    """
    try:
        return _LINE.validate_python(text)
    except ValidationError as error:
        reason = error.errors(include_input=False)[0]["msg"]
        raise BadInput(
            f"The description cannot be used: {reason}.", hint="Write one line of at most 500 characters."
        ) from None


def enabled(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """The endpoint, if something can be sent to it.

    Raises:
        EndpointDisabled: it gets nothing at the moment.
    """
    if endpoint.disabled_at is not None:
        raise EndpointDisabled(f"The endpoint {endpoint.endpoint_id} is disabled.", hint="Enable it first.")
    return endpoint


def document(one: WebhookEndpoint, *, rotation_seconds: float) -> dict[str, Any]:
    """The endpoint as it is shown, without its secrets.

    Args:
        one: the endpoint.
        rotation_seconds: how long the previous secret signs too, after a rotation.
    """
    is_rotating = len(one.signing(rotation_seconds=rotation_seconds)) > 1
    return {
        "id": one.endpoint_id,
        "url": one.url,
        "description": one.description,
        "events": list(one.events),
        "enabled": one.disabled_at is None,
        "disabled_at": one.disabled_at,
        "disabled_reason": one.disabled_reason,
        "created_at": one.created_at,
        "rotated_at": one.secrets[0].created_at,
        "rotating_until": one.secrets[0].created_at + rotation_seconds if is_rotating else None,
    }
