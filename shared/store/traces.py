"""Spans of calls to the object store; only as parts of a trace, so readiness checks are not recorded."""

from __future__ import annotations

from shared.store.metrics import operation_of
from shared.tracing.spans import NOTHING, Span, current, span


def calling(doing: str, address: str) -> Span:
    """The span of one call.

    Args:
        doing: what it does, as the adapters word it: a verb, then the key.
        address: the store's, without its secret.
    """
    if not current().is_recorded:
        return NOTHING
    operation = operation_of(doing)
    return span(
        f"store {operation}",
        kind="client",
        attributes={
            "podcast.store.operation": operation,
            "podcast.store.key": doing.removeprefix(operation).strip() or None,
            "podcast.store.address": address,
        },
    )
