"""The breaker alone, on a clock that the test sets."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from services.synthesizer.breaker import STATES, Breaker


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(failures=3, open_seconds=10, clock=clock)


def down(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.begin()
        breaker.failed()


def test_it_stays_closed_below_the_limit(breaker: Breaker) -> None:
    down(breaker, 2)

    assert breaker.admits


def test_it_opens_at_the_limit_for_its_time(breaker: Breaker, clock: Clock) -> None:
    down(breaker, 3)
    clock.now += 4

    assert not breaker.admits
    assert breaker.wait_seconds == 6


def test_an_answer_in_between_starts_the_count_anew(breaker: Breaker) -> None:
    down(breaker, 2)
    breaker.answered()
    down(breaker, 2)

    assert breaker.admits


def test_half_open_it_admits_one_call(breaker: Breaker, clock: Clock) -> None:
    down(breaker, 3)
    clock.now += 10

    assert breaker.admits
    breaker.begin()
    assert not breaker.admits


def test_a_good_probe_closes_it(breaker: Breaker, clock: Clock) -> None:
    down(breaker, 3)
    clock.now += 10
    breaker.begin()
    breaker.answered()
    breaker.begin()

    assert breaker.admits


def test_a_bad_probe_opens_it_for_the_whole_time_again(breaker: Breaker, clock: Clock) -> None:
    down(breaker, 3)
    clock.now += 10
    down(breaker, 1)

    assert breaker.wait_seconds == 10


def test_an_abandoned_probe_leaves_room_for_the_next(breaker: Breaker, clock: Clock) -> None:
    down(breaker, 3)
    clock.now += 10
    breaker.begin()
    breaker.abandoned()

    assert breaker.admits


def test_a_pause_is_kept_and_never_shortened(breaker: Breaker, clock: Clock) -> None:
    breaker.rest(60)
    breaker.rest(5)
    clock.now += 59

    assert not breaker.admits
    clock.now += 1
    assert breaker.admits


def test_its_state_has_a_name_at_every_moment(breaker: Breaker, clock: Clock) -> None:
    seen = [breaker.state]
    down(breaker, 3)
    seen.append(breaker.state)
    clock.now += 10
    seen.append(breaker.state)
    breaker.begin()
    seen.append(breaker.state)
    breaker.answered()
    seen.append(breaker.state)
    breaker.rest(5)
    seen.append(breaker.state)
    assert seen == ["closed", "open", "half-open", "half-open", "closed", "open"]
    assert set(seen) == set(STATES)
