"""What all lists of the API have in common: `limit`, `cursor`, `next`, and the `Link` header."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Query, Request, Response

LIMIT: Final = 100
"""The most that a page has."""

PageLimit = Annotated[int, Query(ge=1, le=LIMIT, description="the most that the page has")]

LINK_HEADER: Final[dict[str, Any]] = {
    "Link": {"schema": {"type": "string"}, "description": 'the next page (`rel="next"`); missing at the end'}
}
"""For the OpenAPI document."""


def link_next(request: Request, response: Response, cursor: str | None) -> None:
    """Say in the response where the next page is.

    Args:
        request: for this page.
        response: to it.
        cursor: of the next page; None at the end.
    """
    if cursor is not None:
        # Not from `request.url`, which is made of the Host header too.
        given = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
        query = urlencode([*given, ("cursor", cursor)])
        response.headers["Link"] = f'<{request.scope["path"]}?{query}>; rel="next"'
