"""Answers: which methods an address knows. The framework names only those of the first route with the path."""

from __future__ import annotations

from typing import Final

from fastapi import Request
from starlette.routing import Match

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def allowed(request: Request) -> str:
    """The `Allow` header of a 405 response: the methods of all routes with the request's path."""
    known = [
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]
    return ", ".join(sorted(known))
