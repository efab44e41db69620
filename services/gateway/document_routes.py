"""`/docs`, `/openapi.json` and `/problems/{name}`: made from the OpenAPI document and the table of problems.

They need no key, so they are made once, at the start: a stranger's request costs nothing but its bytes. The pages load
nothing from anywhere, and run no script.
"""

from __future__ import annotations

import json

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from services.gateway import document_pages
from services.gateway.problem_kinds import ProblemKind, kinds
from shared.errors import NotFound

router = APIRouter(include_in_schema=False)


def prepare(app: FastAPI) -> None:
    """Make the documents: later they would hold up the event loop for a fifth of a second."""
    document = app.openapi()
    app.state.openapi_document = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    app.state.api_page = document_pages.api(document)


@router.get("/openapi.json")
async def openapi_document(request: Request) -> Response:
    """The API for programs."""
    return Response(request.app.state.openapi_document, media_type="application/json")


@router.get("/docs")
async def api_page(request: Request) -> HTMLResponse:
    """The API for people."""
    return _html(request.app.state.api_page)


@router.get("/problems")
async def problems_page(request: Request) -> Response:
    """All kinds of problems."""
    if _wants_html(request):
        return _html(document_pages.problems(kinds()))
    return JSONResponse({"problems": [_document(kind) for kind in kinds()]})


@router.get("/problems/{name}")
async def problem_page(name: str, request: Request) -> Response:
    """What a problem means, and what to do."""
    for kind in kinds():
        if kind.name == name:
            return _html(document_pages.problems([kind])) if _wants_html(request) else JSONResponse(_document(kind))
    raise NotFound("There is no kind of problem with this name.", hint="`/problems` lists them.")


def _document(kind: ProblemKind) -> dict[str, str | int]:
    return {
        "type": f"/problems/{kind.name}",
        "title": kind.title,
        "status": int(kind.status),
        "meaning": kind.meaning,
    }


def _wants_html(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _html(page: str) -> HTMLResponse:
    return HTMLResponse(page, headers={"Content-Security-Policy": document_pages.POLICY, "Vary": "Accept"})
