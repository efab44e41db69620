"""A job's age, when the wall clock was wrong while the coordinator started: the smaller age counts."""

from __future__ import annotations

import time

import pytest

from services.coordinator import clock

DAY_SECONDS = 86_400.0


def test_a_clock_that_is_set_ahead_later_ages_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    since, real = clock.now() - 10, time.time
    monkeypatch.setattr(time, "time", lambda: real() + DAY_SECONDS)
    assert clock.age_seconds(since) == pytest.approx(10, abs=5)


def test_a_clock_that_was_ahead_when_the_process_started_ages_nothing_once_it_is_corrected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    since = time.time() - 10
    monkeypatch.setattr(clock, "_EPOCH", clock._EPOCH + DAY_SECONDS)
    assert clock.now() - since > DAY_SECONDS
    assert clock.age_seconds(since) == pytest.approx(10, abs=5)
