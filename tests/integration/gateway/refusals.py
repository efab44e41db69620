"""A check for schemathesis: a request that the document allows is refused only for reasons that it cannot express.

`schemathesis.toml` lets some operations answer a valid request with 400, 422 or 502; here is which problems
that may be.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

import schemathesis

_REFUSED: Final = frozenset({400, 422, 502})

ADDRESS: Final = "forbidden-address"
"""Whether an address is public is not to be seen in it."""
DOCUMENT: Final = "bad-source"
"""Only reading a document or a page tells whether it can be read."""
SILENT: Final = "not-spoken"
"""A job that has failed or was cancelled is heard to where it was spoken; if that is nothing, it is no stream."""
PAGE: Final = "source-unavailable"
"""The page's server is down: there is no internet in a test."""
SHOW: Final = "no-such-show"
"""Which shows there are is not in the document."""
VALUE: Final = "bad-input"
"""What no schema says well: categories are Apple's, texts have no control characters, addresses are http or https; and
a feed's show exists."""
OLDER: Final = {"is not public": ADDRESS, "is a binary file": DOCUMENT, "is no address": DOCUMENT}
"""The older webhook's errors are texts: what they say, and the problem that they would be."""

REASONS: Final[dict[str, frozenset[str]]] = {
    "POST /v1/jobs": frozenset({ADDRESS, DOCUMENT, SHOW}),
    "POST /v1/shows": frozenset({VALUE}),
    "PATCH /v1/shows/{show_id}": frozenset({VALUE}),
    "PUT /v1/shows/{show_id}/cover": frozenset({DOCUMENT}),
    "POST /v1/shows/{show_id}/tokens": frozenset({VALUE}),
    "PATCH /v1/shows/{show_id}/episodes/{episode_id}": frozenset({VALUE}),
    "POST /webhook/create-podcast": frozenset({ADDRESS, DOCUMENT}),
    "POST /v1/preview": frozenset({ADDRESS, DOCUMENT, PAGE}),
    "GET /v1/previews/{preview_id}": frozenset({ADDRESS, DOCUMENT, PAGE}),
    "GET /v1/jobs/{job_id}/stream": frozenset({DOCUMENT, SILENT}),
    "GET /v1/jobs/{job_id}/hls/index.m3u8": frozenset({DOCUMENT, SILENT}),
    "POST /v1/webhooks": frozenset({ADDRESS}),
    "PATCH /v1/webhooks/{endpoint_id}": frozenset({ADDRESS}),
    "POST /v1/feeds": frozenset({ADDRESS, VALUE}),
    "PATCH /v1/feeds/{feed_id}": frozenset({VALUE}),
    "POST /v1/audio/speech": frozenset({"voice_not_found", "bad_source"}),
}


@schemathesis.hook
def before_call(_: Any, case: Any, **__: Any) -> None:
    """Give each valid request an idempotency key of its own, and make deletions real.

    The examples' key belongs to the first request with it. DELETE of a job only cancels it unless it says `purge`, so
    without that its job is rightly still there.
    """
    if case.operation.label == "DELETE /v1/jobs/{job_id}" and "stateful" in str(case.meta.phase.name).lower():
        case.query = {**(case.query or {}), "purge": "true"}
    if _is_valid(case) and "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())


@schemathesis.check
def refused_for_a_known_reason(_: Any, response: Any, case: Any) -> None:
    """Fail if a valid request was refused for a reason that its operation does not have."""
    if not _is_valid(case) or response.status_code not in _REFUSED:
        return
    reason = _reason(response.json())
    known = REASONS.get(case.operation.label, frozenset())
    assert reason in known, f"{case.operation.label} refuses a valid request: {reason} ({response.text})"


def _is_valid(case: Any) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive


def _reason(document: dict[str, Any]) -> str:
    if "type" in document:
        return str(document["type"]).removeprefix("/problems/")
    if "success" in document:
        return next((name for words, name in OLDER.items() if words in document["error"]), "unknown")
    return str(document["error"]["code"])
