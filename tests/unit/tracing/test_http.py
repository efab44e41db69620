"""Requests continue their client's trace; whether they are recorded is not the client's to say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from shared.runtime.http_traces import HttpTraces
from shared.tracing import http_calls, spans
from tests.unit.tracing.conftest import Recorded

TRACE, SPAN = "0" * 31 + "1", "b7ad6b7169203331"
"""The low bits of the trace id are zero but one: every sampler that looks at them would take it."""
GIVEN = f"00-{TRACE}-{SPAN}-01"


async def thing(request: Request) -> Response:
    if request.path_params.get("id") == "broken":
        return Response(status_code=500)
    return PlainTextResponse(spans.current().context.traceparent if spans.current().context else "")


@contextmanager
def client(**options: object) -> Iterator[httpx.AsyncClient]:
    app = Starlette(
        routes=[Route("/things/{id}", thing), Route("/healthz", thing)],
        middleware=[Middleware(HttpTraces, untraced={"/healthz"}, **options)],  # type: ignore[arg-type] # a test's
    )
    transport = httpx.ASGITransport(app)
    yield httpx.AsyncClient(transport=transport, base_url="http://gateway")


async def get(path: str, headers: dict[str, str] | None = None, **options: object) -> httpx.Response:
    with client(**options) as http:
        return await http.get(path, headers=headers)


async def test_a_request_is_a_span_of_its_clients_trace(recorded: Recorded) -> None:
    answer = await get("/things/7?secret=hidden", {"traceparent": GIVEN})
    span = recorded.only
    assert (span.name, span.kind.name, f"{span.context.trace_id:032x}") == ("GET /things/{id}", "SERVER", TRACE)
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == SPAN
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": "/things/{id}",
        "http.response.status_code": 200,
        "url.path": "/things/7",
        "url.scheme": "http",
    }
    assert answer.headers["traceresponse"] == answer.text == f"00-{TRACE}-{span.context.span_id:016x}-01"


async def test_a_request_without_a_context_begins_a_trace(recorded: Recorded) -> None:
    for _ in range(2):
        await get("/things/7")
    first, second = recorded.spans
    assert first.parent is None
    assert first.context.trace_id != second.context.trace_id


@pytest.mark.parametrize(("trusts", "count"), [(False, 0), (True, 1)])
async def test_a_stranger_cannot_have_anything_recorded(recorded: Recorded, trusts: bool, count: int) -> None:
    recorded.recorder.ratio = 1e-9
    recorded.recorder.trusts_clients = trusts
    answer = await get("/things/7", {"traceparent": GIVEN})
    assert len(recorded.spans) == count
    assert ("traceresponse" in answer.headers) is trusts
    assert answer.text.startswith(f"00-{TRACE}-")
    assert answer.text.endswith(f"-0{count}")


async def test_a_job_is_traced_if_its_trusted_client_says_so(recorded: Recorded) -> None:
    recorded.recorder.ratio = 0.0
    recorded.recorder.trusts_clients = True
    asked = spans.start("POST", kind="server", parent=spans.job_context("other", is_forced=True))
    asked.is_forced = True
    with asked, spans.job_span("submit", "a-job") as submit:
        assert submit.is_recorded
    with spans.job_span("submit", "a-job") as submit:
        assert not submit.is_recorded


@pytest.mark.parametrize("given", ["", "nonsense", "00-" + "0" * 32 + "-" + SPAN + "-01", GIVEN + "x", GIVEN * 99])
async def test_what_is_no_context_is_ignored(recorded: Recorded, given: str) -> None:
    await get("/things/7", {"traceparent": given})
    assert recorded.only.parent is None


async def test_two_contexts_are_none(recorded: Recorded) -> None:
    with client() as http:
        await http.get("/things/7", headers=[("traceparent", GIVEN), ("traceparent", GIVEN)])
    assert recorded.only.parent is None


async def test_inside_only_what_is_traced_is_recorded(recorded: Recorded) -> None:
    await get("/things/7", is_inside=True)
    await get("/things/7", {"traceparent": GIVEN[:-1] + "0"}, is_inside=True)
    assert not recorded.spans
    await get("/things/7", {"traceparent": GIVEN}, is_inside=True)
    assert recorded.only.name == "GET /things/{id}"


async def test_health_is_not_recorded_and_a_failure_is_one(recorded: Recorded) -> None:
    await get("/healthz")
    await get("/things/broken")
    assert recorded.only.status.status_code.name == "ERROR"
    assert recorded.only.attributes is not None
    assert recorded.only.attributes["error.type"] == "500"


async def test_a_call_shows_no_secret_of_its_address(recorded: Recorded) -> None:
    assert http_calls.headers() == {}
    with spans.job_span("job step", "a-job"), http_calls.calling("POST", "https://me:pass@hooks.org:8443/T0/key?a=b"):
        http_calls.answered(204)
        assert set(http_calls.headers()) == {"traceparent"}
    call = recorded.spans[0]
    assert call.attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 204,
        "server.address": "hooks.org",
        "server.port": 8443,
        "url.full": "https://hooks.org:8443",
    }
