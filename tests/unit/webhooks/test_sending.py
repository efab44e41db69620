"""One POST, to receivers that behave well and badly: bounded in time, memory and reach, with a reason that says why."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from services.webhooks.sending import EndpointGone, NotDelivered, post
from shared.addresses import Allowed
from shared.checked_network import Resolve, resolve
from shared.errors import BadInput, DeadlineExceeded, ForbiddenAddress, PodcastError, Transient
from tests.corpus.addresses import FORBIDDEN, Address
from tests.servers import webhook_receiver as receiver
from tests.servers.webhook_receiver import Answer, WebhookReceiver, accepting, answering

DEADLINE_SECONDS = 1.0


async def send(
    url: str, *, allow: str = "127.0.0.0/8", resolve: Resolve = resolve, payload: bytes = b'{"type":"a"}'
) -> int:
    return await post(
        url,
        payload,
        headers={"webhook-id": "msg_1"},
        deadline_seconds=DEADLINE_SECONDS,
        connect_timeout_seconds=DEADLINE_SECONDS,
        allowed=Allowed.parse(allow, name="PODCAST_WEBHOOK_ALLOW"),
        resolve=resolve,
    )


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "202 Accepted", "204 No Content"])
async def test_any_2xx_is_delivered_and_the_body_arrives_byte_for_byte(status: str) -> None:
    payload = '{"title":"Ærø ✓"}'.encode()
    async with WebhookReceiver(answering(status)).listening() as there:
        assert await send(there.url, payload=payload) == int(status[:3])
    (got,) = there.received
    assert got.body == payload
    assert got.headers["content-type"] == "application/json"
    assert got.headers["webhook-id"] == "msg_1"


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (answering("500 Oops", b"the database\nis down"), NotDelivered, "answered with 500: the database is down."),
        (answering("404 Not Found"), NotDelivered, "answered with 404."),
        (answering("401 Unauthorized"), NotDelivered, "answered with 401."),
        (answering("302 Found", Location="http://127.0.0.1:1/"), NotDelivered, "302, a redirect"),
        (answering("307 Temporary Redirect", Location="/b"), NotDelivered, "307, a redirect"),
        (answering("410 Gone", b"unsubscribed"), EndpointGone, "answered with 410: unsubscribed."),
        (receiver.never, DeadlineExceeded, "did not answer within 1 s"),
        (receiver.trickling_headers, DeadlineExceeded, "did not answer within 1 s"),
        (receiver.endless_interim, DeadlineExceeded, "did not answer within 1 s"),
        (receiver.endless_headers, NotDelivered, "failed"),
        (receiver.endless_body, NotDelivered, "answered with 500: xxx"),
        (receiver.bombing, NotDelivered, "answered with 500."),
        (receiver.garbling, NotDelivered, "failed"),
        (receiver.resetting, NotDelivered, "failed"),
    ],
)
async def test_what_was_not_delivered_has_a_reason(answer: Answer, error: type[PodcastError], reason: str) -> None:
    tracemalloc.start()
    began = time.monotonic()
    async with WebhookReceiver(answer).listening() as there:
        with pytest.raises(error, match=reason.replace(".", r"\.")) as caught:
            await send(there.url)
        _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert there.connections == 1
    assert time.monotonic() - began < DEADLINE_SECONDS + 2
    assert peak < 20_000_000
    assert len(str(caught.value)) < 600
    assert isinstance(caught.value, Transient) == (error is not EndpointGone)


async def test_a_body_that_trickles_costs_no_more_than_the_deadline() -> None:
    began = time.monotonic()
    async with WebhookReceiver(receiver.trickling_body).listening() as there:
        with pytest.raises(PodcastError):
            await send(there.url)
    assert time.monotonic() - began < DEADLINE_SECONDS + 2


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
async def test_a_pause_that_the_receiver_asks_for_is_passed_on(status: str) -> None:
    async with WebhookReceiver(answering(status, Retry_After="17")).listening() as there:
        with pytest.raises(NotDelivered) as caught:
            await send(there.url)
    assert caught.value.retry_after_seconds == 17


async def test_a_redirect_is_not_followed_wherever_it_leads() -> None:
    async with WebhookReceiver(accepting).listening() as inside:
        redirecting = answering("307 Temporary Redirect", Location=inside.url)
        async with WebhookReceiver(redirecting).listening() as there:
            with pytest.raises(NotDelivered, match="a redirect"):
                await send(there.url)
    assert inside.connections == 0


@pytest.mark.parametrize("address", FORBIDDEN, ids=lambda address: address.url)
async def test_nothing_is_sent_to_an_address_that_is_not_public(address: Address) -> None:
    with pytest.raises((ForbiddenAddress, BadInput)) as caught:
        await send(address.url, allow="")
    if isinstance(caught.value, ForbiddenAddress):
        assert "PODCAST_WEBHOOK_ALLOW" in str(caught.value)


async def test_a_name_that_leads_to_loopback_at_the_second_look_up_gains_nothing() -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        del port
        asked.append(host)
        return ["192.88.98.1"] if len(asked) == 1 else ["127.0.0.1"]  # public, and never answers

    async with WebhookReceiver(accepting).listening() as inside:
        url = f"http://rebinding.example:{inside.port}/"
        with pytest.raises(Transient):
            await send(url, allow="", resolve=rebinding)
        assert asked == ["rebinding.example"], "one look-up a try"
        with pytest.raises(ForbiddenAddress):
            await send(url, allow="", resolve=rebinding)
    assert inside.connections == 0


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with WebhookReceiver(accepting).listening() as proxy, WebhookReceiver(accepting).listening() as there:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        await send(there.url)
    assert (proxy.connections, there.connections) == (0, 1)
