"""The headers of a webhook, by the Standard Webhooks specification. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable

from shared.client.webhook_secrets import WebhookSecret


def headers(webhook_id: str, payload: bytes, secrets: Iterable[WebhookSecret], *, timestamp: int) -> dict[str, str]:
    """The headers by which a receiver knows the sender, the message and its age.

    Args:
        webhook_id: the same for each try.
        payload: the body, byte for byte.
        secrets: one signature for each; none: the message is not signed.
        timestamp: of this try, in seconds since the epoch.
    """
    signed = f"{webhook_id}.{timestamp}.".encode() + payload
    found = {"webhook-id": webhook_id, "webhook-timestamp": str(timestamp)}
    signatures = [_signature(secret.raw, signed) for secret in secrets]
    return found | ({"webhook-signature": " ".join(signatures)} if signatures else {})


def _signature(key: bytes, signed: bytes) -> str:
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
