"""What a job may have sent to an address that nobody has proved to be its own."""

from __future__ import annotations

import pytest

from services.webhooks import own_limits
from services.webhooks.own_limits import OwnWebhookLimits
from services.webhooks.sending import EndpointGone
from shared.host_turns import HostBusy

VICTIM = "https://victim.example/hook"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_host_gets_so_many_a_minute_whatever_the_path_and_others_meanwhile() -> None:
    clock = Clock()
    limits = OwnWebhookLimits(3, clock=clock)
    for number in range(3):
        limits.check(f"{VICTIM}/{number}")
    clock.now = 20.0
    with pytest.raises(HostBusy, match="3 webhooks") as busy:
        limits.check("http://victim.example:8080/other")
    assert busy.value.retry_after_seconds == 40.0
    assert not busy.value.counts, "it waits, and no attempt is used up"
    limits.check("https://other.example/")
    clock.now = 60.0
    limits.check(VICTIM)


def test_an_address_that_answered_410_gets_no_more_for_a_day() -> None:
    clock = Clock()
    limits = OwnWebhookLimits(100, clock=clock)
    limits.gone(VICTIM)
    clock.now = 86_399.0
    with pytest.raises(EndpointGone, match=r"victim\.example answered"):
        limits.check(VICTIM)
    limits.check("https://victim.example/another")
    clock.now = 86_400.0
    limits.check(VICTIM)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_limits, "_REMEMBERED", 2)
    limits = OwnWebhookLimits(1)
    limits.check("https://a.example/")
    limits.check("https://b.example/")
    limits.check("https://c.example/")
    limits.check("https://a.example/")  # forgotten
    with pytest.raises(HostBusy):
        limits.check("https://c.example/")
