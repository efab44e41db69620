"""The settings of a gateway in a test, and a client of it."""

from __future__ import annotations

import httpx

STACK_KEY = "pe_0123456789ab_" + "5" * 64


def environment(amqp_url: str, store_url: str) -> dict[str, str]:
    """The settings of a gateway in a test."""
    return {
        "PODCAST_AMQP_URL": amqp_url,
        "PODCAST_STORE_URL": store_url,
        "PODCAST_SPEECH_URL": "http://127.0.0.1:9",
        "PODCAST_GATEWAY_KEY": STACK_KEY,
        "PODCAST_GRACE_SECONDS": "3",
    }


def with_key(url: str, token: str = STACK_KEY) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)
