"""How long a webhook is tried, and what signs it: figures that the guide gives."""

from __future__ import annotations

import itertools
import time

import pytest
from standardwebhooks import Webhook

from services.webhooks.signing import headers
from shared.client import webhook_endpoints
from shared.client.webhook_payloads import of_ending
from shared.client.webhook_secrets import WebhookSecret, new_secret
from shared.errors import Misconfigured
from shared.host_turns import HostBusy, HostTurns
from shared.protocol import topology
from shared.protocol.messages import WEBHOOK_PAYLOAD_LIMIT_CHARACTERS, JobCompleted
from shared.runtime import delays, timeout_budget
from shared.settings import Settings


def test_a_receiver_may_be_down_for_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if chance makes each pause as short as it can be."""
    monkeypatch.setattr(delays.random, "uniform", lambda shortest, _: shortest)
    tries = Settings().webhook_attempts_limit
    pauses = [
        delays.delay(step, at_least=0.0, wait_seconds=topology.WEBHOOKS.wait_seconds)[1] for step in range(tries - 1)
    ]
    assert sum(pauses) >= 24 * 3_600
    assert all(one <= other for one, other in itertools.pairwise(pauses))


def test_a_call_that_may_take_longer_than_its_handler_is_refused() -> None:
    timeout_budget.check(Settings())
    with pytest.raises(Misconfigured, match="PODCAST_WEBHOOKS_DEADLINE_SECONDS"):
        timeout_budget.check(Settings(webhook_deadline_seconds=100))


def test_the_signature_is_that_of_the_specification() -> None:
    """The vector in the specification's own reference implementations."""
    secret = WebhookSecret.of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = headers("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', [secret], timestamp=1614265330)
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_secret_has_its_signature_and_text_of_any_script_verifies() -> None:
    old, new = WebhookSecret.of(new_secret()), WebhookSecret.of(new_secret())
    payload = '{"title": "Ærø ✓ 日本"}'.encode()
    found = headers("msg_1", payload, [new, old], timestamp=int(time.time()))
    for secret in (old, new):
        Webhook(secret.key).verify(payload, found)


def test_the_previous_secret_signs_for_a_while_and_then_no_more() -> None:
    endpoint = webhook_endpoints.new_endpoint("https://example.org/")
    (first,) = endpoint.secrets
    second = WebhookSecret(key=new_secret(), created_at=1_000.0)
    rotated = endpoint.model_copy(update={"secrets": (second, first)})
    assert rotated.signing(rotation_seconds=60, now=1_059) == [second, first]
    assert rotated.signing(rotation_seconds=60, now=1_061) == [second]
    assert endpoint.signing(rotation_seconds=60, now=1_000) == [first]


def test_no_secret_is_in_the_representation_of_anything() -> None:
    endpoint = webhook_endpoints.new_endpoint("https://example.org/")
    assert "whsec_" not in f"{endpoint!r} {endpoint} {endpoint.secrets[0]!r}"


def test_the_longest_end_of_a_job_fits_into_a_message() -> None:
    worst = "\x01" * 2_000  # six characters each in JSON
    event = JobCompleted(
        job_id="j" * 64,
        title=worst,
        submitted_at=4e9,
        ended_at=4e9,
        files={f"{n:0100d}": "jobs/" + "k" * 400 for n in range(32)},
        audio_seconds=1.0,
        warnings=(worst,) * 100,
    )
    assert len(of_ending(event, None).payload) < WEBHOOK_PAYLOAD_LIMIT_CHARACTERS


async def test_a_host_has_a_quarter_of_the_slots_and_leaves_nothing_behind() -> None:
    turns = HostTurns(8, patience_seconds=0.05)
    async with turns.of("http://a.example/1"), turns.of("http://a.example:81/2"), turns.of("http://b.example/"):
        with pytest.raises(HostBusy):
            async with turns.of("http://A.example/3"):
                raise AssertionError
    async with turns.of("http://a.example/4"):
        pass
    assert turns._hosts == {}
