"""`/healthz`, `/readyz`, `/metrics`: open to anyone who can connect; they tell nothing about jobs."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field

from services.gateway.backend import TheBackend

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The answer of `/healthz`."""

    alive: bool = Field(description="true: the event loop answers")


class Ready(BaseModel):
    """The answer of `/readyz`."""

    ready: bool = Field(description="whether jobs can be taken now")
    reasons: list[str] = Field(description="why not")


@router.get("/healthz")
async def healthz() -> Alive:
    """Whether the process is alive: it answers, so it is."""
    return Alive(alive=True)


@router.get("/readyz", responses={503: {"model": Ready, "description": "it cannot work now"}})
async def readyz(backend: TheBackend) -> JSONResponse:
    """Whether it can take jobs: connected to the broker, the store reachable, not stopping."""
    reasons = backend.readiness.reasons()
    return JSONResponse(Ready(ready=not reasons, reasons=reasons).model_dump(), status_code=503 if reasons else 200)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics() -> Response:
    """Metrics in Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
