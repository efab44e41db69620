"""Checks at start-up that deadlines are nested: call < handler < the broker's ack deadline."""

from __future__ import annotations

from shared.errors import Misconfigured
from shared.runtime.quarantine import GATE_SECONDS
from shared.settings import Settings

_SPEECH_CALLS = 2.5
"""For one message, other endpoints are tried for up to 1.5 deadlines, and the last call may take one more."""

_HANDLERS = {"synthesizer": 2}
"""Services that hold spare messages: one of them waits for a slot until the deadline of the message before it."""


def check(settings: Settings) -> None:
    """Check that no outer deadline can fire before an inner one.

    Raises:
        Misconfigured: one can; the error names the two settings.
    """
    store = settings.store_deadline_seconds
    publish = settings.publish_deadline_seconds
    inside = {
        "chunker": ("fetch_deadline_seconds", settings.fetch_deadline_seconds + 2 * store + publish),
        "coordinator": ("store_deadline_seconds", 3 * store + publish),
        "synthesizer": (
            "speech_deadline_seconds",
            _SPEECH_CALLS * settings.speech_deadline_seconds + 2 * store + publish,
        ),
        "webhooks": ("webhook_deadline_seconds", settings.webhook_deadline_seconds + 3 * store + 2 * publish),
        "feeds": ("feed_fetch_deadline_seconds", 2 * settings.feed_fetch_deadline_seconds + 4 * store + publish),
        "assembler": ("store_deadline_seconds", 3 * store + publish),
    }
    for service, (name, needed) in inside.items():
        handler = getattr(settings, f"{service}_deadline_seconds")
        if handler <= needed:
            raise Misconfigured(
                f"PODCAST_{service.upper()}_DEADLINE_SECONDS is {handler:g}, but its calls may take {needed:g} s.",
                hint=f"Raise it, or lower PODCAST_{name.upper()}.",
            )
        outer = _HANDLERS.get(service, 1) * handler + GATE_SECONDS + settings.ack_margin_seconds
        if outer > settings.broker_ack_deadline_seconds:
            raise Misconfigured(
                f"The broker would take messages back after {settings.broker_ack_deadline_seconds:g} s,"
                f" but the {service} may need {outer:g} s.",
                hint=f"Lower PODCAST_{service.upper()}_DEADLINE_SECONDS, or raise the broker's consumer_timeout and"
                " PODCAST_BROKER_ACK_DEADLINE_SECONDS.",
            )
    if settings.watchdog_seconds >= settings.broker_ack_deadline_seconds:
        raise Misconfigured(
            "PODCAST_WATCHDOG_SECONDS must be less than PODCAST_BROKER_ACK_DEADLINE_SECONDS.", hint="Lower it."
        )
