"""What a client chooses is in no label: not the path, not the method."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from starlette.testclient import TestClient

from services.gateway.metrics import Measured


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()

    @app.get("/v1/jobs/{job_id}")
    async def job(job_id: str) -> dict[str, str]:
        if job_id == "bad":
            raise RuntimeError
        return {"job_id": job_id}

    app.add_middleware(Measured)
    return TestClient(app, raise_server_exceptions=False)


def count(method: str, route: str, status: str) -> float:
    labels = {"method": method, "route": route, "status": status}
    return REGISTRY.get_sample_value("podcast_gateway_requests_total", labels) or 0.0


def test_a_request_is_counted_by_its_route(client: TestClient) -> None:
    before = count("GET", "/v1/jobs/{job_id}", "200")
    for name in ("one", "two"):
        client.get(f"/v1/jobs/{name}")
    assert count("GET", "/v1/jobs/{job_id}", "200") == before + 2


def test_a_path_or_method_that_nobody_knows_makes_no_series_of_its_own(client: TestClient) -> None:
    before = count("GET", "unmatched", "404"), count("other", "unmatched", "404")
    client.get("/whatever/a/client/says")
    client.request("BREW", "/coffee")
    assert (count("GET", "unmatched", "404"), count("other", "unmatched", "404")) == (before[0] + 1, before[1] + 1)


def test_a_request_that_fails_counts_and_ends(client: TestClient) -> None:
    before = count("GET", "/v1/jobs/{job_id}", "500") + count("GET", "/v1/jobs/{job_id}", "none")
    client.get("/v1/jobs/bad")
    assert count("GET", "/v1/jobs/{job_id}", "500") + count("GET", "/v1/jobs/{job_id}", "none") == before + 1
    assert REGISTRY.get_sample_value("podcast_gateway_requests_in_flight") == 0
